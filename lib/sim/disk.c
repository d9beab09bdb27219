/*
 * The durable part of the world.
 */
#include "sim/disk.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"

/* The model of a store. */
struct plain {
	struct pb_map *kinds[PB_REC_MAX]; /* key -> struct pb_record, in order of making */
	struct pb_map *dropped; /* "KIND KEY", of one in memory; else NULL */
	int64_t highest_at; /* of all commits */
};

/* Of each pair one is used. */
struct disk {
	struct pb_store *store;
	struct plain *plain;
	/* In memory, while it cannot be written; both NULL = it can. */
	struct pb_store *memory_store;
	struct plain *memory;
};

static struct plain *
plain_new(void)
{
	struct plain *p = pb_calloc(1, sizeof(*p));
	for (size_t i = 0; i < PB_REC_MAX; i++)
		p->kinds[i] = pb_map_new();
	return p;
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

static void
plain_free(struct plain *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PB_REC_MAX; i++)
		pb_map_free(p->kinds[i], record_free);
	pb_map_free(p->dropped, NULL);
	free(p);
}

struct disk *
disk_new(bool is_plain, struct pb_error *err)
{
	struct disk *d = pb_calloc(1, sizeof(*d));
	if (is_plain)
		d->plain = plain_new();
	else if (pb_store_open_memory(&d->store, err) < 0) {
		free(d);
		return NULL;
	}
	return d;
}

static void
forget_memory(struct disk *d)
{
	pb_store_close(PB_TAKE(d->memory_store));
	plain_free(PB_TAKE(d->memory));
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	forget_memory(d);
	pb_store_close(d->store);
	plain_free(d->plain);
	free(d);
}

int
disk_begin(struct disk *d, bool is_degraded, struct pb_error *err)
{
	forget_memory(d);
	if (!is_degraded)
		return 0;
	if (d->store != NULL)
		return pb_store_open_memory(&d->memory_store, err);
	d->memory = plain_new();
	d->memory->dropped = pb_map_new();
	return 0;
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

static void
plain_put(struct plain *p, const struct pb_record *r)
{
	record_free(r->body == NULL ? pb_map_del(p->kinds[r->kind], r->key)
				    : pb_map_put(p->kinds[r->kind], r->key, record_copy(r)));
	if (p->dropped == NULL)
		return;
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("%u %s", (unsigned)r->kind, r->key);
	if (r->body == NULL)
		(void)pb_map_put(p->dropped, name, p);
	else
		(void)pb_map_del(p->dropped, name);
}

static void
plain_commit(struct plain *p, const struct pb_update *u)
{
	p->highest_at = u->at > p->highest_at ? u->at : p->highest_at;
	for (size_t i = 0; i < u->n_records; i++)
		plain_put(p, &u->records[i]);
}

int
disk_commit(struct disk *d, const struct pb_update *u, struct pb_error *err)
{
	if (d->store != NULL)
		return pb_store_commit(
		    d->memory_store != NULL ? d->memory_store : d->store, u, err);
	plain_commit(d->memory != NULL ? d->memory : d->plain, u);
	return 0;
}

/* As pb_store_hand_over. */
int
disk_hand_over(struct disk *d, struct pb_error *err)
{
	const char *name;
	void *value;
	if (d->memory_store != NULL)
		return pb_store_hand_over(d->memory_store, d->store, err);
	struct plain *to = d->plain, *from = d->memory;
	to->highest_at = from->highest_at > to->highest_at ? from->highest_at : to->highest_at;
	for (unsigned kind = 0; kind < PB_REC_MAX; kind++)
		for (size_t i = 0; pb_map_next(from->kinds[kind], &i, &name, &value);)
			plain_put(to, value);
	for (size_t i = 0; pb_map_next(from->dropped, &i, &name, &value);) {
		char *key;
		enum pb_record_kind kind = (enum pb_record_kind)strtoul(name, &key, 10);
		record_free(pb_map_del(to->kinds[kind], key + 1));
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
live_incidents(const struct plain *d)
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
restore_kind(const struct plain *d, enum pb_record_kind kind, const struct pb_map *live,
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

static int
plain_restore(const struct plain *p, pb_store_take *take, void *arg, struct pb_error *err)
{
	struct pb_map *live = live_incidents(p);
	int rc = 0;
	for (unsigned kind = 0; rc == 0 && kind < PB_REC_MAX; kind++)
		if (kind != PB_REC_QUARANTINE && kind != PB_REC_RECEIVED)
			rc = restore_kind(p, (enum pb_record_kind)kind, live, take, arg, err);
	pb_map_free(live, NULL);
	return rc;
}

struct restoring {
	struct pb_update *copy; /* into memory; NULL = what is read is the process's own */
	pb_store_take *take;
	void *arg;
};

static int
take_and_copy(const struct pb_record *r, void *arg, struct pb_error *err)
{
	const struct restoring *re = arg;
	if (re->take(r, re->arg, err) < 0)
		return -1;
	if (re->copy == NULL)
		return 0;
	pb_update_put(re->copy, r->kind, r->key, r->incident, r->state, json_incref(r->body));
	re->copy->records[re->copy->n_records - 1].at = r->at;
	return 0;
}

int
disk_restore(struct disk *d, pb_store_take *take, void *arg, struct pb_error *err)
{
	struct restoring re = {.take = take, .arg = arg};
	if (d->memory_store != NULL || d->memory != NULL)
		re.copy = pb_update_new(
		    d->store != NULL ? pb_store_highest_at(d->store) : d->plain->highest_at);
	int rc = d->store != NULL ? pb_store_restore(d->store, take_and_copy, &re, err)
				  : plain_restore(d->plain, take_and_copy, &re, err);
	if (rc == 0 && re.copy != NULL)
		rc = disk_commit(d, re.copy, err);
	pb_update_free(re.copy);
	return rc;
}
