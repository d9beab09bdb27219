/*
 * The durable part of the world.
 */
#include "sim/disk.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"

struct disk {
	struct pb_store *store; /* NULL: the model */
	struct pb_map *kinds[PB_REC_MAX]; /* key -> struct pb_record, in order of making */
	int64_t highest_at; /* of all commits */
};

struct disk *
disk_new(bool is_plain, struct pb_error *err)
{
	struct disk *d = pb_calloc(1, sizeof(*d));
	if (!is_plain && pb_store_open_memory(&d->store, err) < 0) {
		free(d);
		return NULL;
	}
	for (size_t i = 0; is_plain && i < PB_REC_MAX; i++)
		d->kinds[i] = pb_map_new();
	return d;
}

static void
record_free(void *arg)
{
	struct pb_record *r = arg;
	if (r == NULL)
		return;
	free(r->key);
	free(r->incident);
	free(r->state);
	json_decref(r->body);
	free(r);
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	pb_store_close(d->store);
	for (size_t i = 0; i < PB_REC_MAX; i++)
		pb_map_free(d->kinds[i], record_free);
	free(d);
}

static struct pb_record *
record_copy(const struct pb_record *r)
{
	struct pb_record *copy = pb_malloc(sizeof(*copy));
	*copy = (struct pb_record){.kind = r->kind,
	    .key = pb_strdup(r->key),
	    .incident = pb_strdup(r->incident),
	    .state = pb_strdup(r->state),
	    .at = r->at,
	    .body = json_incref(r->body)};
	return copy;
}

int
disk_commit(struct disk *d, const struct pb_update *u, struct pb_error *err)
{
	if (d->store != NULL)
		return pb_store_commit(d->store, u, err);
	d->highest_at = u->at > d->highest_at ? u->at : d->highest_at;
	for (size_t i = 0; i < u->n_records; i++) {
		const struct pb_record *r = &u->records[i];
		struct pb_map *kind = d->kinds[r->kind];
		record_free(r->body == NULL ? pb_map_del(kind, r->key)
					    : pb_map_put(kind, r->key, record_copy(r)));
	}
	return 0;
}

/* --- what a start reads */

static bool
is_by_incident(enum pb_record_kind kind)
{
	return kind == PB_REC_EVENT || kind == PB_REC_INCIDENT || kind == PB_REC_RUN ||
	    kind == PB_REC_STEP || kind == PB_REC_LADDER || kind == PB_REC_ACTION;
}

static bool
is_by_time(enum pb_record_kind kind)
{
	return kind == PB_REC_SEEN;
}

/* Open, or to be reopened by what comes next, or with a page still to send; bundles too. */
static struct pb_map *
live_incidents(const struct disk *d)
{
	struct pb_map *live = pb_map_new();
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(d->kinds[PB_REC_INCIDENT], &i, &key, &value);)
		if (!pb_streq(((struct pb_record *)value)->state, "resolved") ||
		    pb_json_i64(((struct pb_record *)value)->body, "reopen_until", 0) >
			d->highest_at)
			(void)pb_map_put(live, key, value);
	for (size_t i = 0; pb_map_next(d->kinds[PB_REC_BUNDLE], &i, &key, &value);)
		if (!pb_streq(((struct pb_record *)value)->state, "ended"))
			(void)pb_map_put(live, key, value);
	for (size_t i = 0; pb_map_next(d->kinds[PB_REC_ACTION], &i, &key, &value);) {
		struct pb_record *r = value;
		if (pb_streq(r->state, "new") || pb_streq(r->state, "sending") ||
		    pb_streq(r->state, "retrying"))
			(void)pb_map_put(live, r->incident, value);
	}
	return live;
}

static int
by_key(const void *a, const void *b)
{
	const struct pb_record *x = *(struct pb_record *const *)a,
			       *y = *(struct pb_record *const *)b;
	if (is_by_time(x->kind) && x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* What is found by its key alone has no order of making. */
static bool
is_sorted(enum pb_record_kind kind)
{
	return !is_by_incident(kind) && kind != PB_REC_CONFIG && kind != PB_REC_QUARANTINE &&
	    kind != PB_REC_RECEIVED;
}

static int
restore_kind(const struct disk *d, enum pb_record_kind kind, const struct pb_map *live,
    pb_store_take *take, void *arg, struct pb_error *err)
{
	size_t n = 0;
	const char *key;
	void *value;
	PB_CLEANUP(pb_freep)
	struct pb_record **all =
	    pb_calloc(pb_map_len(d->kinds[kind]) + 1, sizeof(struct pb_record *));
	for (size_t i = 0; pb_map_next(d->kinds[kind], &i, &key, &value);) {
		struct pb_record *r = value;
		bool is_ended = kind == PB_REC_BUNDLE && pb_streq(r->state, "ended");
		if (!is_ended && (!is_by_incident(kind) || pb_map_get(live, r->incident) != NULL))
			all[n++] = r;
	}
	if (is_sorted(kind))
		qsort(all, n, sizeof(struct pb_record *), by_key);
	for (size_t i = 0; i < n; i++)
		if (take(all[i], arg, err) < 0)
			return -1;
	return 0;
}

int
disk_restore(struct disk *d, pb_store_take *take, void *arg, struct pb_error *err)
{
	if (d->store != NULL)
		return pb_store_restore(d->store, take, arg, err);
	struct pb_map *live = live_incidents(d);
	int rc = 0;
	for (unsigned kind = 0; rc == 0 && kind < PB_REC_MAX; kind++)
		if (kind != PB_REC_QUARANTINE && kind != PB_REC_RECEIVED)
			rc = restore_kind(d, (enum pb_record_kind)kind, live, take, arg, err);
	pb_map_free(live, NULL);
	return rc;
}
