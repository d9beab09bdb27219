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
    [PB_REC_CONFIG] = {"seq", NULL},
    [PB_REC_ALARM] = {"key", NULL},
    [PB_REC_SOURCE] = {"key", NULL},
    [PB_REC_SEEN] = {"at, key", NULL},
    [PB_REC_BUNDLE] = {"key", NULL, "state <> 'ended'"},
    [PB_REC_EVENT] = {"seq", "key"},
    [PB_REC_INCIDENT] = {"seq", "key"},
    [PB_REC_RUN] = {"seq", "key"},
    [PB_REC_STEP] = {"seq", "incident"},
    [PB_REC_LADDER] = {"seq", "key"},
    [PB_REC_ACTION] = {"seq", "incident"},
    [PB_REC_QUARANTINE] = {"seq", NULL},
    [PB_REC_META] = {"key", NULL},
    [PB_REC_GUARD] = {"key", NULL},
    [PB_REC_SILENCE] = {"key", NULL},
    [PB_REC_CONTROL] = {"key", NULL},
    [PB_REC_RECEIVED] = {"seq", NULL},
    [PB_REC_WINDOW] = {"key", NULL},
    [PB_REC_POST] = {"key", NULL},
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

static int
each(struct pb_store *s, enum pb_record_kind kind, bool live_only, pb_store_take *take, void *arg,
    struct pb_error *err)
{
	const struct table *t = &tables[kind];
	char sql[600], where[400] = "";
	if (live_only && t->owner != NULL)
		(void)snprintf(where, sizeof(where), " WHERE %s IN (" STORE_LIVE "%s)", t->owner,
		    store_has_kind(s, PB_REC_BUNDLE) ? STORE_LIVE_BUNDLES : "");
	else if (live_only && t->live != NULL)
		(void)snprintf(where, sizeof(where), " WHERE %s", t->live);
	(void)snprintf(sql, sizeof(sql), "SELECT " STORE_COLUMNS " FROM %s%s ORDER BY %s",
	    pb_record_kind_name(kind), where, t->order);
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	int more;
	while ((more = store_step(s, st, "read", err)) > 0)
		if (take_row(s, st, kind, take, arg, err) < 0)
			return -1;
	return more;
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

/* --- retention */

#define ROWS_MAX_DEFAULT 500
#define ROWS_OF_AN_INCIDENT 20 /* about */

/* Runs a DELETE with up to two numbers and adds the rows it removed. */
static int
delete_rows(
    struct pb_store *s, const char *sql, int64_t a, int64_t b, int64_t *n, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	(void)sqlite3_bind_int64(st, 1, a);
	(void)sqlite3_bind_int64(st, 2, b);
	if (store_step(s, st, "prune", err) < 0)
		return -1;
	*n += sqlite3_changes(s->db);
	return 0;
}

static int
delete_incident(struct pb_store *s, const char *id, int64_t *n, struct pb_error *err)
{
	static const char *const sql[] = {
	    "DELETE FROM note WHERE incident = ?1",
	    "DELETE FROM action WHERE incident = ?1",
	    "DELETE FROM step WHERE incident = ?1",
	    "DELETE FROM ladder WHERE key = ?1",
	    "DELETE FROM run WHERE key = ?1",
	    "DELETE FROM event WHERE key = ?1",
	    "DELETE FROM incident WHERE key = ?1",
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(sql); i++) {
		STORE_STMT *st = NULL;
		if (store_prepare(s, sql[i], &st, err) < 0)
			return -1;
		store_bind_text(st, 1, id);
		if (store_step(s, st, "prune", err) < 0)
			return -1;
		*n += sqlite3_changes(s->db);
	}
	return 0;
}

/* Ids are read first: deleting from a table that is being walked is not defined. */
static int
delete_incidents(struct pb_store *s, const struct pb_store_retention *w, int64_t limit, int64_t *n,
    struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s,
		"SELECT key FROM incident WHERE state = 'resolved'"
		" AND (at < ?1 OR (?2 > 0 AND seq <= (SELECT seq FROM incident"
		" ORDER BY seq DESC LIMIT 1 OFFSET ?2)))"
		" AND key NOT IN (" STORE_LIVE ") ORDER BY seq LIMIT ?3",
		&st, err) < 0)
		return -1;
	(void)sqlite3_bind_int64(st, 1, w->resolved_before_at);
	(void)sqlite3_bind_int64(st, 2, w->incidents_max);
	(void)sqlite3_bind_int64(st, 3, limit);
	PB_CLEANUP(pb_json_freep) json_t *ids = json_array();
	int more;
	while ((more = store_step(s, st, "prune", err)) > 0)
		json_array_append_new(ids, json_string(store_text(st, 0)));
	if (more < 0)
		return -1;
	size_t i;
	const json_t *id;
	json_array_foreach (ids, i, id)
		if (delete_incident(s, json_string_value(id), n, err) < 0)
			return -1;
	return 0;
}

/* A bundle that has ended, with its pages and notes. */
static int
delete_bundles(
    struct pb_store *s, int64_t before_at, int64_t limit, int64_t *n, struct pb_error *err)
{
#define OLD_BUNDLES                                                                                \
	"(SELECT key FROM bundle WHERE state = 'ended' AND at < ?1 ORDER BY at, key LIMIT ?2)"
	static const char *const sql[] = {
	    "DELETE FROM note WHERE incident IN " OLD_BUNDLES,
	    "DELETE FROM action WHERE incident IN " OLD_BUNDLES,
	    "DELETE FROM bundle WHERE key IN " OLD_BUNDLES,
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(sql); i++)
		if (delete_rows(s, sql[i], before_at, limit, n, err) < 0)
			return -1;
	return 0;
#undef OLD_BUNDLES
}

static int
prune(struct pb_store *s, const struct pb_store_retention *w, int64_t rows_max, int64_t *n,
    struct pb_error *err)
{
	int64_t limit = rows_max / ROWS_OF_AN_INCIDENT;
	if (delete_incidents(s, w, limit < 1 ? 1 : limit, n, err) < 0)
		return -1;
	if (*n < rows_max &&
	    delete_bundles(s, w->resolved_before_at, limit < 1 ? 1 : limit, n, err) < 0)
		return -1;
	if (*n < rows_max &&
	    delete_rows(s,
		"DELETE FROM note WHERE seq IN (SELECT seq FROM note WHERE incident = ''"
		" AND at < ?1 LIMIT ?2)",
		w->resolved_before_at, rows_max - *n, n, err) < 0)
		return -1;
	if (*n < rows_max &&
	    delete_rows(s,
		"DELETE FROM quarantine WHERE seq IN (SELECT seq FROM quarantine WHERE at < ?1"
		" LIMIT ?2)",
		w->resolved_before_at, rows_max - *n, n, err) < 0)
		return -1;
	if (*n < rows_max &&
	    delete_rows(s,
		"DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE at < ?1 LIMIT ?2)",
		w->seen_before_at, rows_max - *n, n, err) < 0)
		return -1;
	return 0;
}

int
pb_store_prune(
    struct pb_store *s, const struct pb_store_retention *what, int64_t *ret_n, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	int64_t n = 0, rows_max = what->rows_max > 0 ? what->rows_max : ROWS_MAX_DEFAULT;
	if (store_begin(s, err) < 0)
		return -1;
	if (prune(s, what, rows_max, &n, err) < 0) {
		store_undo(s);
		return -1;
	}
	if (store_end(s, err) < 0)
		return -1;
	*ret_n = n;
	return 0;
}
