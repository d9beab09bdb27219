/*
 * The ways through a playbook's steps: what can be reached, and what takes longest.
 *
 * Jumps go forward only, so that the steps are in topological order already: one pass is enough.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define AFTER_MAX 64

struct edge {
	size_t to; /* n_steps stands for the end */
	bool is_skip; /* its `if` does not fit: it takes no time */
	bool is_done; /* it has succeeded, so that a rollback undoes it */
};

/* How a step may go on; returns in how many ways. */
static size_t
ways_on(const struct pb_playbook *p, size_t i, struct edge *ret)
{
	const struct pb_step *s = &p->steps[i];
	size_t n = 0, next = s->next == PB_NONE ? i + 1 : s->next;
	ret[n++] = (struct edge){next, .is_done = true};
	if (s->condition != NULL)
		ret[n++] = (struct edge){i + 1, .is_skip = true};
	if (s->on_failure == PB_FAILURE_GOTO && s->on_failure_next != PB_NONE)
		ret[n++] = (struct edge){.to = s->on_failure_next};
	for (size_t k = 0; k < s->n_catchers && n < AFTER_MAX; k++)
		if (s->catchers[k].next < p->n_steps)
			ret[n++] = (struct edge){.to = s->catchers[k].next};
	return n;
}

void
pb_check_reach(struct pb_loader *l, const struct pb_node *n)
{
	const struct pb_playbook *p = l->playbook;
	PB_CLEANUP(pb_freep) bool *is_reached = pb_calloc(p->n_steps + 1, sizeof(bool));
	struct edge to[AFTER_MAX];
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
			is_reached[to[k].to] = true;
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

/*
 * A step at most: the outcome of an attempt that is ended at the timeout comes behind it, and where nobody
 * knows what it did, it is looked at too.
 */
static int64_t
step_for(const struct pb_step *s)
{
	bool does_wait = s->kind == PB_STEP_VERIFY || s->kind == PB_STEP_WAIT;
	return s->timeout_for + (does_wait ? 0 : PB_OUTCOME_GRACE) +
	    (s->check != NULL ? PB_LOOK_MOST : 0);
}

/*
 * The longest time from a step on, for runs that end by themselves and for those that end in a rollback:
 * of these every step on the way that succeeded takes the time of its undo too.
 */
enum ending { ENDS, ROLLS_BACK, ENDING_MAX };

struct longest {
	int64_t span; /* -1: no way ends so */
	size_t then; /* n_steps: nothing follows */
	bool is_skipped;
};

static struct longest
longest_from(const struct pb_playbook *p, size_t i, enum ending how, const struct longest *rest)
{
	const struct pb_step *s = &p->steps[i];
	struct edge to[AFTER_MAX];
	bool may_end_here = how == ENDS || s->on_failure == PB_FAILURE_ROLLBACK;
	struct longest best = {.span = may_end_here ? step_for(s) : -1, .then = p->n_steps};
	int64_t undo = how == ROLLS_BACK && s->rollback != NULL ? step_for(s->rollback) : 0;
	for (size_t n = ways_on(p, i, to), k = 0; k < n; k++) {
		const struct longest *behind = &rest[to[k].to];
		int64_t own = to[k].is_skip ? 0 : step_for(s) + (to[k].is_done ? undo : 0);
		if (behind->span >= 0 && own + behind->span > best.span)
			best = (struct longest){own + behind->span, to[k].to, to[k].is_skip};
	}
	return best;
}

/* The run's failure pages, or page_by does: a run that only waits, for a lock or as observed, never fails. */
static int64_t
human_for(const struct pb_playbook *p, int64_t run_for)
{
	if (p->n_steps == 0)
		return 0;
	if (p->guards.concurrency_max > 0 || p->guards.mode == PB_MODE_OBSERVE ||
	    p->hold_for + run_for > p->page_by_for)
		return p->page_by_for;
	return p->hold_for + run_for;
}

void
pb_playbook_way(const struct pb_playbook *p, struct pb_way *ret)
{
	struct longest *rest[ENDING_MAX];
	*ret = (struct pb_way){.steps = pb_calloc(p->n_steps + 1, sizeof(size_t))};
	for (int how = 0; how < ENDING_MAX; how++) {
		rest[how] = pb_calloc(p->n_steps + 1, sizeof(*rest[how]));
		rest[how][p->n_steps].span = -1;
	}
	rest[ENDS][p->n_steps].span = has_verify(p) || p->n_steps == 0 ? 0 : p->verify_timeout_for;
	for (int how = 0; how < ENDING_MAX; how++)
		for (size_t i = p->n_steps; i-- > 0;)
			rest[how][i] = longest_from(p, i, (enum ending)how, rest[how]);
	int how = rest[ROLLS_BACK][0].span > rest[ENDS][0].span ? ROLLS_BACK : ENDS;
	for (size_t i = 0; i < p->n_steps; i = rest[how][i].then)
		if (!rest[how][i].is_skipped)
			ret->steps[ret->n++] = i;
	ret->run_for = rest[how][0].span;
	ret->human_for = human_for(p, ret->run_for);
	free(rest[ENDS]);
	free(rest[ROLLS_BACK]);
}

void
pb_way_fini(struct pb_way *w)
{
	free(w->steps);
	*w = (struct pb_way){0};
}
