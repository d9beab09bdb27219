/*
 * The ways through a playbook's steps: what can be reached, and what takes longest.
 *
 * Jumps go forward only, so that the steps are in topological order already: one pass is enough.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define AFTER_MAX 64

/* The places a step may go on to; n_steps stands for the end.  Returns how many. */
static size_t
ways_on(const struct pb_playbook *p, size_t i, size_t *to)
{
	const struct pb_step *s = &p->steps[i];
	size_t n = 0, next = s->next == PB_NONE ? i + 1 : s->next;
	to[n++] = next;
	if (s->condition != NULL)
		to[n++] = i + 1;
	if (s->on_failure == PB_FAILURE_GOTO && s->on_failure_next != PB_NONE)
		to[n++] = s->on_failure_next;
	for (size_t k = 0; k < s->n_catchers && n < AFTER_MAX; k++)
		if (s->catchers[k].next < p->n_steps)
			to[n++] = s->catchers[k].next;
	return n;
}

void
pb_check_reach(struct pb_loader *l, const struct pb_node *n)
{
	const struct pb_playbook *p = l->playbook;
	PB_CLEANUP(pb_freep) bool *is_reached = pb_calloc(p->n_steps + 1, sizeof(bool));
	size_t to[AFTER_MAX];
	is_reached[0] = true;
	for (size_t i = 0; i < p->n_steps; i++) {
		if (!is_reached[i]) {
			if (p->steps[i].name != NULL)
				pb_problem_add(l, n->items[i],
				    "step \"%s\" can never be reached: every way jumps over it",
				    p->steps[i].name);
			is_reached[i] = true; /* one problem is enough */
		}
		for (size_t k = ways_on(p, i, to); k-- > 0;)
			is_reached[to[k]] = true;
	}
}

static bool
has_verify(const struct pb_playbook *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PB_STEP_VERIFY)
			return true;
	return false;
}

/* A step at most: where nobody knows what it did, it is looked at beside its timeout. */
static int64_t
step_for(const struct pb_step *s)
{
	return s->timeout_for + (s->check != NULL ? PB_LOOK_MOST : 0);
}

/* What all undos of the steps before take at most. */
static int64_t
undo_for(const struct pb_playbook *p, size_t i)
{
	int64_t span = 0;
	while (i-- > 0)
		if (p->steps[i].rollback != NULL)
			span += step_for(p->steps[i].rollback);
	return span;
}

void
pb_playbook_way(const struct pb_playbook *p, struct pb_way *ret)
{
	PB_CLEANUP(pb_freep) int64_t *rest = pb_calloc(p->n_steps + 1, sizeof(int64_t));
	PB_CLEANUP(pb_freep) size_t *then = pb_calloc(p->n_steps + 1, sizeof(size_t));
	size_t to[AFTER_MAX];
	*ret = (struct pb_way){.steps = pb_calloc(p->n_steps + 1, sizeof(size_t))};
	rest[p->n_steps] = has_verify(p) || p->n_steps == 0 ? 0 : p->verify_timeout_for;
	for (size_t i = p->n_steps; i-- > 0;) {
		then[i] = p->n_steps;
		rest[i] = 0;
		for (size_t n = ways_on(p, i, to), k = 0; k < n; k++)
			if (rest[to[k]] > rest[i]) {
				rest[i] = rest[to[k]];
				then[i] = to[k];
			}
		if (p->steps[i].on_failure == PB_FAILURE_ROLLBACK && undo_for(p, i) > rest[i]) {
			rest[i] = undo_for(p, i);
			then[i] = p->n_steps;
		}
		rest[i] += step_for(&p->steps[i]);
	}
	for (size_t i = 0; i < p->n_steps; i = then[i])
		ret->steps[ret->n++] = i;
	ret->run_for = rest[0];
	ret->human_for = p->n_steps == 0 ? 0 : p->hold_for + rest[0];
	if (ret->human_for > p->page_by_for)
		ret->human_for = p->page_by_for;
}

void
pb_way_fini(struct pb_way *w)
{
	free(w->steps);
	*w = (struct pb_way){0};
}
