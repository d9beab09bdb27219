/*
 * Reading records back, and forgetting what is old.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* How a kind's table is read: in which order, and which column says whose it is. */
struct table {
	const char *order;
	const char *owner; /* NULL: belongs to no incident, needed as long as `live` says */
	const char *live; /* NULL: always */
};

static const struct table tables[PB_REC_MAX] = {
    [PB_REC_CONFIG] = {.order = "seq"},
    [PB_REC_ALARM] = {.order = "key"},
    [PB_REC_SOURCE] = {.order = "key"},
    [PB_REC_SEEN] = {.order = "at, key"},
    [PB_REC_BUNDLE] = {.order = "key", .live = "state <> 'ended'"},
    [PB_REC_EVENT] = {.order = "seq", .owner = "key"},
    [PB_REC_INCIDENT] = {.order = "seq", .owner = "key"},
    [PB_REC_RUN] = {.order = "seq", .owner = "key"},
    [PB_REC_STEP] = {.order = "seq", .owner = "incident"},
    [PB_REC_LADDER] = {.order = "seq", .owner = "key"},
    [PB_REC_ACTION] = {.order = "seq", .owner = "incident"},
    [PB_REC_QUARANTINE] = {.order = "seq"},
    [PB_REC_META] = {.order = "key"},
    [PB_REC_GUARD] = {.order = "key"},
    [PB_REC_SILENCE] = {.order = "key"},
    [PB_REC_CONTROL] = {.order = "key"},
    [PB_REC_RECEIVED] = {.order = "seq"},
    [PB_REC_WINDOW] = {.order = "key"},
    [PB_REC_POST] = {.order = "key"},
    [PB_REC_INFORM] = {.order = "key"},
    [PB_REC_MUTES] = {.order = "key"},
};

static int
take_row(const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind, pb_store_take *take,
    void *arg, struct pb_error *err)
{
	struct pb_record r;
	if (store_read_record(s, st, kind, &r, err) < 0)
		return -1;
	int result = take(&r, arg, err);
	store_record_fini(&r);
	return result < 0 ? -1 : 0;
}

static bool
is_wanted(const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind, bool is_restored)
{
	return !is_restored || s->wants == NULL ||
	    s->wants(pb_record_kind_name(kind), store_text(st, 0));
}

static int
walk(struct pb_store *s, const char *sql, enum pb_record_kind kind, bool is_restored,
    pb_store_take *take, void *arg, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	int more;
	while ((more = store_step(s, st, "read", err)) > 0)
		if (is_wanted(s, st, kind, is_restored) &&
		    take_row(s, st, kind, take, arg, err) < 0)
			return -1;
	return more;
}

static int
each(struct pb_store *s, enum pb_record_kind kind, bool live_only, pb_store_take *take, void *arg,
    struct pb_error *err)
{
	const struct table *t = &tables[kind];
	char sql[900], where[700] = "";
	if (live_only && t->owner != NULL)
		(void)snprintf(where, sizeof(where), " WHERE %s IN (" STORE_LIVE "%s)", t->owner,
		    store_has_kind(s, PB_REC_BUNDLE) ? STORE_LIVE_BUNDLES : "");
	else if (live_only && t->live != NULL)
		(void)snprintf(where, sizeof(where), " WHERE %s", t->live);
	(void)snprintf(sql, sizeof(sql), "SELECT " STORE_COLUMNS " FROM %s%s ORDER BY %s",
	    pb_record_kind_name(kind), where, t->order);
	return walk(s, sql, kind, live_only, take, arg, err);
}

int
pb_store_latest(struct pb_store *s, enum pb_record_kind kind, pb_store_take *take, void *arg,
    struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	char sql[200];
	if (!store_has_kind(s, kind))
		return 0;
	(void)snprintf(sql, sizeof(sql),
	    "SELECT " STORE_COLUMNS " FROM %s ORDER BY at DESC, key LIMIT 1",
	    pb_record_kind_name(kind));
	return walk(s, sql, kind, false, take, arg, err);
}

int
pb_store_each(struct pb_store *s, enum pb_record_kind kind, pb_store_take *take, void *arg,
    struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	return store_has_kind(s, kind) ? each(s, kind, false, take, arg, err) : 0;
}

/* The engine has no use for them. */
static bool
is_for_people(enum pb_record_kind kind)
{
	return kind == PB_REC_QUARANTINE || kind == PB_REC_RECEIVED;
}

void
pb_store_ask(struct pb_store *s, pb_store_wants *wants)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	s->wants = wants;
}

int
pb_store_restore(struct pb_store *s, pb_store_take *take, void *arg, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	for (unsigned kind = 0; kind < PB_REC_MAX; kind++)
		if (!is_for_people((enum pb_record_kind)kind) &&
		    store_has_kind(s, (enum pb_record_kind)kind) &&
		    each(s, (enum pb_record_kind)kind, true, take, arg, err) < 0)
			return -1;
	return 0;
}
