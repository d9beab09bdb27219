/*
 * Incidents under the name by which they are looked for: the holders of a lock, those who wait for
 * it, the open ones of a playbook, whoever looks at an alarm.
 *
 * A crowd is as old as its first member and goes with its last.  Members stand in the order in which
 * they came.  Nothing of it is in a record: restoring an incident puts it where its state says.
 */
#include "internal.h"

void
crowd_join(struct pb_map *home, const char *name, struct place *p, struct incident *in)
{
	if (p->crowd != NULL && p->crowd->home == home && strcmp(p->crowd->name, name) == 0)
		return;
	crowd_leave(p);
	struct crowd *c = pb_map_get(home, name);
	if (c == NULL) {
		c = pb_calloc(1, sizeof(*c));
		c->name = pb_strdup(name);
		c->home = home;
		(void)pb_map_put(home, name, c);
	}
	*p = (struct place){.crowd = c, .in = in, .prev = c->last};
	*(c->last == NULL ? &c->first : &c->last->next) = p;
	c->last = p;
	c->n++;
}

void
crowd_leave(struct place *p)
{
	struct crowd *c = p->crowd;
	if (c == NULL)
		return;
	*(p->prev == NULL ? &c->first : &p->prev->next) = p->next;
	*(p->next == NULL ? &c->last : &p->next->prev) = p->prev;
	*p = (struct place){0};
	if (--c->n > 0)
		return;
	(void)pb_map_del(c->home, c->name);
	crowd_free(c);
}

void
crowd_free(void *arg)
{
	struct crowd *c = arg;
	free(c->name);
	free(c);
}

const struct crowd *
crowd_find(const struct pb_map *home, const char *name)
{
	return pb_map_get(home, name);
}

size_t
crowd_count(const struct pb_map *home, const char *name)
{
	const struct crowd *c = pb_map_get(home, name);
	return c == NULL ? 0 : c->n;
}

struct incident **
crowd_list(const struct pb_map *home, const char *name, size_t *ret_n)
{
	const struct crowd *c = pb_map_get(home, name);
	size_t n = 0;
	struct incident **list = pb_calloc((c == NULL ? 0 : c->n) + 1, sizeof(struct incident *));
	/* One that came with several places came with them one after the other. */
	for (const struct place *p = c == NULL ? NULL : c->first; p != NULL; p = p->next)
		if (n == 0 || list[n - 1] != p->in)
			list[n++] = p->in;
	*ret_n = n;
	return list;
}

/* --- where an incident belongs */

static void
place(struct pb_map *home, bool belongs, const char *name, struct place *p, struct incident *in)
{
	if (belongs)
		crowd_join(home, name, p, in);
	else
		crowd_leave(p);
}

const char *
incident_number(const struct incident *in)
{
	const char *dash = strrchr(in->id, '-');
	return dash == NULL ? in->id : dash + 1;
}

/* For status, which is asked for every few seconds with 100,000 open. */
static void
count(struct pb_engine *e, struct incident *in)
{
	if (in->is_counted) {
		e->n_in_state[in->counted_state]--;
		e->n_in_ladder[in->counted_ladder]--;
	}
	in->is_counted = in->state != INCIDENT_RESOLVED;
	in->counted_state = in->state;
	in->counted_ladder = in->ladder.state;
	if (in->is_counted) {
		e->n_in_state[in->state]++;
		e->n_in_ladder[in->ladder.state]++;
	}
}

/* As long as it is open; what it is looked for by stays as it is. */
static void
place_open(struct pb_engine *e, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	bool is_open = in->state != INCIDENT_RESOLVED;
	place(e->plans, is_open, in->config->digest, &in->by_plan, in);
	place(e->numbers, is_open, incident_number(in), &in->by_number, in);
	place(e->opens, is_open && p != NULL, p == NULL ? "" : p->name, &in->by_playbook, in);
	if (is_open && p != NULL && p->resolve_on != NULL && in->by_end.crowd == NULL) {
		PB_CLEANUP(pb_freep)
		char *name = pb_asprintf("%s\n%s", in->config->digest, p->name);
		crowd_join(e->ends, name, &in->by_end, in);
	} else if (!is_open) {
		crowd_leave(&in->by_end);
	}
}

static void
wait_for_lock(struct pb_engine *e, struct incident *in)
{
	crowd_join(e->lock_waiters, in->lock, &in->by_lock, in);
	int64_t max = incident_playbook(in)->guards.concurrency_max;
	if (max > in->by_lock.crowd->most)
		in->by_lock.crowd->most = max;
}

void
incident_place(struct pb_engine *e, struct incident *in)
{
	count(e, in);
	place_open(e, in);
	if (in->lock == NULL)
		crowd_leave(&in->by_lock);
	else if (run_is_live(&in->run))
		crowd_join(e->lock_holders, in->lock, &in->by_lock, in);
	else if (in->state == INCIDENT_QUEUED)
		wait_for_lock(e, in);
	else
		crowd_leave(&in->by_lock);
	place(e->held, in->ladder.state == LADDER_HELD, "", &in->by_held, in);
}

void
incident_displace(struct incident *in)
{
	struct place *const all[] = {&in->by_plan, &in->by_number, &in->by_playbook, &in->by_end,
	    &in->by_lock, &in->by_held, &in->by_inhibitor};
	for (size_t i = 0; i < PB_ARRAY_LEN(all); i++)
		crowd_leave(all[i]);
}
