/*
 * Who looks again when a run or an incident has ended, at the end of each turn.
 *
 * A run that ended frees its lock: those who wait for it, in the order they came.  An incident that
 * ended inhibits nobody any more: those of whom it was said, if no other one of its playbook inhibits
 * them still.  Nobody else is asked, however many are open.
 *
 * A poll is told alarm by alarm, and the first one of a source may tell that all is over: whoever waits
 * looks again when what is told is whole, or is not within POLL_TAKES_MOST.
 */
#include "internal.h"

#define POLL_TAKES_MOST PB_MINUTE

static int
by_time(const void *a, const void *b)
{
	const struct incident *x = *(struct incident *const *)a, *y = *(struct incident *const *)b;
	if (x->state_at != y->state_at)
		return x->state_at < y->state_at ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* In the order they came, until nobody of those who wait could have it. */
static void
try_lock(struct turn *t, const char *lock)
{
	const struct crowd *c = crowd_find(t->e->lock_waiters, lock);
	for (struct place *p = c == NULL ? NULL : c->first, *next; p != NULL; p = next) {
		next = p->next;
		if ((int64_t)crowd_count(t->e->lock_holders, lock) >= p->crowd->most)
			return;
		struct incident *in = p->in;
		if (guard_lock_holder(t->e, in, lock) != NULL)
			continue;
		incident_input(t, in, INCIDENT_TRY);
		incident_settle(t, in);
	}
}

static void
try_inhibited(struct turn *t, const char *playbook)
{
	size_t n;
	if (crowd_count(t->e->inhibited, playbook) == 0 ||
	    hush_inhibits(t->e, playbook, t->now) != NULL)
		return;
	PB_CLEANUP(pb_freep) struct incident **list = crowd_list(t->e->inhibited, playbook, &n);
	qsort(list, n, sizeof(*list), by_time);
	for (size_t i = 0; i < n; i++) {
		struct incident *in = list[i];
		if (in->state == INCIDENT_INHIBITED)
			incident_input(t, in, INCIDENT_TRY);
		if (in->ladder.state == LADDER_HELD)
			ladder_input(t, in, LADDER_DUE, NULL);
		incident_settle(t, in);
	}
}

/* Takes them out one by one: what is tried may end at once and free its lock again. */
static void
try_each(struct turn *t, struct pb_map *names, void (*try)(struct turn *t, const char *name))
{
	size_t i = 0;
	const char *name;
	void *value;
	while (pb_map_next(names, &i, &name, &value)) {
		PB_CLEANUP(pb_freep) char *copy = pb_strdup(name);
		(void)pb_map_del(names, name);
		try(t, copy);
	}
}

static bool
is_told_whole(const struct turn *t)
{
	const struct pb_engine *e = t->e;
	for (size_t i = 0; i < e->config->n_sources; i++) {
		const struct pb_source *def = &e->config->sources[i];
		const struct source *s = pb_map_get(e->sources, def->name);
		int64_t since = s == NULL || s->polled_at < e->boot_at ? e->boot_at : s->telling_at;
		if (def->type == PB_SOURCE_CLOUDWATCH && since > 0 &&
		    t->now < since + POLL_TAKES_MOST)
			return false;
	}
	return true;
}

void
wake(struct turn *t)
{
	if (pb_map_len(t->e->freed) + pb_map_len(t->e->ended) == 0 || !is_told_whole(t))
		return;
	while (pb_map_len(t->e->freed) > 0 || pb_map_len(t->e->ended) > 0) {
		try_each(t, t->e->freed, try_lock);
		try_each(t, t->e->ended, try_inhibited);
	}
}

void
wake_lock(struct pb_engine *e, const char *lock)
{
	if (lock != NULL && crowd_count(e->lock_waiters, lock) > 0)
		(void)pb_map_put(e->freed, lock, e);
}

void
wake_inhibited(struct pb_engine *e, const char *playbook)
{
	if (crowd_count(e->inhibited, playbook) > 0)
		(void)pb_map_put(e->ended, playbook, e);
}

void
wake_all_inhibited(struct pb_engine *e)
{
	const char *name;
	void *value;
	for (size_t i = 0; pb_map_next(e->inhibited, &i, &name, &value);)
		wake_inhibited(e, name);
}

/* Those who wait for a lock stand in the order of their incidents, and belong in that of waiting. */
static void
put_in_order(struct pb_engine *e, const char *lock)
{
	size_t n;
	PB_CLEANUP(pb_freep) struct incident **list = crowd_list(e->lock_waiters, lock, &n);
	qsort(list, n, sizeof(*list), by_time);
	for (size_t i = 0; i < n; i++) {
		/* The last one would take the crowd along. */
		if (n > 1)
			crowd_leave(&list[i]->by_lock);
		incident_place(e, list[i]);
	}
}

void
wake_boot(struct pb_engine *e)
{
	const char *name;
	void *value;
	for (size_t i = 0; pb_map_next(e->lock_waiters, &i, &name, &value);) {
		put_in_order(e, name);
		wake_lock(e, name);
	}
	wake_all_inhibited(e);
}
