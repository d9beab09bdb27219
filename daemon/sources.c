/*
 * The pollers of the configuration in force, and those on their way out.
 */
#include "sources.h"

#include <stdlib.h>

#include "base/log.h"

#define RETIRED_CHECK_EVERY PB_SECOND
/* A queue that cannot be reached must not keep a poller for ever; its messages come again. */
#define RETIRED_MOST (30 * RETIRED_CHECK_EVERY / PB_SECOND)

struct entry {
	struct pb_poller *poller;
	uint16_t slot;
	bool is_retired;
	int64_t n_checks; /* since it was retired */
	struct entry *next;
};

struct pb_sources {
	struct pb_loop *loop;
	struct pb_client *client;
	const struct pb_poller_ops *ops;
	void *arg;
	struct entry *entries;
	struct pb_loop_timer *timer;
	uint16_t next_slot;
};

/* Frees what was stopped and has nothing left to delete. */
static void
sweep(void *arg)
{
	struct pb_sources *s = arg;
	bool is_one_left = false;
	for (struct entry **at = &s->entries; *at != NULL;) {
		struct entry *e = *at;
		if (e->is_retired &&
		    (pb_poller_is_idle(e->poller) || ++e->n_checks > RETIRED_MOST)) {
			*at = e->next;
			pb_poller_free(e->poller);
			free(e);
			continue;
		}
		is_one_left = is_one_left || e->is_retired;
		at = &e->next;
	}
	if (is_one_left)
		pb_loop_timer_set(s->timer, RETIRED_CHECK_EVERY);
}

struct pb_sources *
pb_sources_new(
    struct pb_loop *loop, struct pb_client *client, const struct pb_poller_ops *ops, void *arg)
{
	struct pb_sources *s = pb_calloc(1, sizeof(*s));
	s->loop = loop;
	s->client = client;
	s->ops = ops;
	s->arg = arg;
	s->timer = pb_loop_timer_new(loop, sweep, s);
	return s;
}

void
pb_sources_free(struct pb_sources *s)
{
	if (s == NULL)
		return;
	for (struct entry *e = s->entries, *next; e != NULL; e = next) {
		next = e->next;
		pb_poller_free(e->poller);
		free(e);
	}
	pb_loop_timer_free(s->timer);
	free(s);
}

static struct entry *
find(const struct pb_sources *s, const struct pb_source *source)
{
	for (struct entry *e = s->entries; e != NULL; e = e->next)
		if (!e->is_retired && pb_poller_is_of(e->poller, source))
			return e;
	return NULL;
}

static bool
is_slot_in_use(const struct pb_sources *s, uint16_t slot)
{
	for (const struct entry *e = s->entries; e != NULL; e = e->next)
		if (e->slot == slot)
			return true;
	return false;
}

/* Slots are not used again soon: a receipt of a poller that is gone must not reach another. */
static uint16_t
take_slot(struct pb_sources *s)
{
	while (is_slot_in_use(s, s->next_slot) || s->next_slot == UINT16_MAX)
		s->next_slot = (uint16_t)(s->next_slot + 1);
	return s->next_slot++;
}

static void
start(struct pb_sources *s, const struct pb_source *source)
{
	struct entry *e = pb_calloc(1, sizeof(*e));
	e->slot = take_slot(s);
	e->poller = pb_poller_new(s->loop, s->client, source, e->slot, s->ops, s->arg);
	struct entry **end = &s->entries;
	while (*end != NULL)
		end = &(*end)->next;
	*end = e;
	pb_info("source %s: started", source->name);
}

static bool
is_wanted(const struct entry *e, const struct pb_config *config)
{
	for (size_t i = 0; i < config->n_sources; i++)
		if (pb_poller_is_of(e->poller, &config->sources[i]))
			return true;
	return false;
}

void
pb_sources_apply(struct pb_sources *s, const struct pb_config *config)
{
	for (struct entry *e = s->entries; e != NULL; e = e->next) {
		if (e->is_retired || is_wanted(e, config))
			continue;
		pb_info("source %s: stopped, it changed or is gone", pb_poller_name(e->poller));
		e->is_retired = true;
		pb_poller_stop(e->poller);
	}
	for (size_t i = 0; i < config->n_sources; i++)
		if (find(s, &config->sources[i]) == NULL)
			start(s, &config->sources[i]);
	pb_loop_timer_set(s->timer, RETIRED_CHECK_EVERY);
}

void
pb_sources_stop(struct pb_sources *s)
{
	for (struct entry *e = s->entries; e != NULL; e = e->next)
		pb_poller_stop(e->poller);
}

bool
pb_sources_are_idle(const struct pb_sources *s)
{
	for (const struct entry *e = s->entries; e != NULL; e = e->next)
		if (!pb_poller_is_idle(e->poller))
			return false;
	return true;
}

void
pb_sources_receipt(struct pb_sources *s, uint64_t receipt)
{
	for (struct entry *e = s->entries; e != NULL; e = e->next)
		if (e->slot == PB_POLLER_SLOT(receipt))
			pb_poller_receipt(e->poller, receipt);
}

void
pb_sources_release(struct pb_sources *s, uint64_t receipt)
{
	for (struct entry *e = s->entries; e != NULL; e = e->next)
		if (e->slot == PB_POLLER_SLOT(receipt))
			pb_poller_release(e->poller, receipt);
}

json_t *
pb_sources_json(const struct pb_sources *s)
{
	json_t *list = json_array();
	for (const struct entry *e = s->entries; e != NULL; e = e->next)
		if (!e->is_retired)
			json_array_append_new(list, pb_poller_json(e->poller));
	return list;
}
