/*
 * The oracle's book as it was: what a process without a store has told it goes with that process.
 */
#include <stdlib.h>

#include "base/json.h"
#include "sim/oracle_book.h"

static void
copy_keys(struct pb_map *to, const struct pb_map *from, void *value)
{
	const char *key;
	void *any;
	for (size_t i = 0; pb_map_next(from, &i, &key, &any);)
		(void)pb_map_put(to, key, value);
}

static void
copy_records(struct pb_map *to, const struct pb_map *from)
{
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);) {
		const struct kept *k = value;
		struct kept *copy = pb_malloc(sizeof(*copy));
		*copy = (struct kept){pb_strdup(k->state), k->at, json_incref(k->body)};
		(void)pb_map_put(to, key, copy);
	}
}

static struct duty *
copy_duty(const struct duty *d)
{
	struct duty *copy = pb_malloc(sizeof(*copy));
	*copy = *d;
	copy->name = pb_strdup(d->name);
	copy->incident = pb_strdup(d->incident);
	copy->bundle = pb_strdup(d->bundle);
	copy->bundle_before = pb_strdup(d->bundle_before);
	copy->event = pb_event_ref(d->event);
	copy->again = NULL; /* of a commit at hand, as `began` */
	copy->began = NULL;
	copy->config = pb_config_ref(d->config);
	copy->unsafe = pb_map_new();
	copy_keys(copy->unsafe, d->unsafe, copy);
	return copy;
}

/* Those that the map names are among `all`. */
static void
copy_named(struct oracle *o, struct pb_map *to, const struct pb_map *from)
{
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);)
		(void)pb_map_put(to, key, o->all[((const struct duty *)value)->index]);
}

static void
copy_duties(struct oracle *to, const struct oracle *from)
{
	to->all = pb_calloc(from->n_all + 1, sizeof(*to->all));
	to->n_all = from->n_all;
	for (size_t i = 0; i < from->n_all; i++)
		to->all[i] = copy_duty(from->all[i]);
	copy_named(to, to->duties, from->duties);
	copy_named(to, to->incidents, from->incidents);
}

static void
copy_silences(struct pb_map *to, const struct pb_map *from)
{
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);) {
		const struct hush *h = value;
		struct hush *copy = pb_malloc(sizeof(*copy));
		*copy = *h;
		copy->match = pb_strdup(h->match);
		pb_check(pb_pattern_compile(pb_str_of(h->match), &copy->pattern, NULL) == 0);
		(void)pb_map_put(to, key, copy);
	}
}

static void
copy_sightings(struct pb_map *to, const struct pb_map *from)
{
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);) {
		struct sighting *copy = pb_malloc(sizeof(*copy));
		*copy = *(const struct sighting *)value;
		(void)pb_map_put(to, key, copy);
	}
}

static void
copy_brakes(struct pb_map *to, const struct pb_map *from)
{
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);) {
		const struct times *t = value;
		struct times *copy = pb_malloc(sizeof(*copy));
		*copy = (struct times){pb_calloc(t->n + 1, sizeof(*t->at)), t->n};
		if (t->n > 0)
			memcpy(copy->at, t->at, t->n * sizeof(*t->at));
		(void)pb_map_put(to, key, copy);
	}
}

struct oracle *
oracle_copy(const struct oracle *o)
{
	struct oracle *copy = oracle_new(o->config, o->commit_for, o->broken, o->arg);
	copy->now = o->now;
	copy->mutes = json_incref(o->mutes);
	copy->mutes_at = o->mutes_at;
	copy->mutes_until = o->mutes_until;
	for (size_t i = 0; i < PB_REC_MAX; i++)
		copy_records(copy->records[i], o->records[i]);
	copy_sightings(copy->alarms, o->alarms);
	copy_keys(copy->seen, o->seen, copy);
	copy_duties(copy, o);
	copy_silences(copy->silences, o->silences);
	copy_keys(copy->gone, o->gone, copy);
	copy_keys(copy->attempts, o->attempts, copy);
	copy_keys(copy->unknown, o->unknown, copy);
	copy_brakes(copy->brakes, o->brakes);
	return copy;
}

/* Ids that only `o` has; how many. */
static size_t
forget_ids(struct oracle *durable, const struct oracle *o, enum pb_record_kind kind)
{
	size_t n = 0;
	const char *id;
	void *value;
	for (size_t i = 0; pb_map_next(o->records[kind], &i, &id, &value);) {
		if (oracle_record(durable, kind, id) != NULL)
			continue;
		(void)pb_map_put(durable->gone, id, durable);
		n++;
	}
	return n;
}

size_t
oracle_forget(struct oracle *o, struct oracle *durable)
{
	copy_keys(durable->gone, o->gone, durable);
	(void)forget_ids(durable, o, PB_REC_BUNDLE);
	size_t n = forget_ids(durable, o, PB_REC_INCIDENT);
	oracle_free(o);
	return n;
}
