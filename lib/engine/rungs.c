/*
 * The rungs of a ladder: what an escalation pages, in order, counted from its first page.
 *
 * One pass is the list of all (offset, level, repeat), sorted.  `cycles` adds further passes that
 * begin at a level of its own; they are computed, not stored, so that a ladder's place is one number.
 * The next pass begins as long behind the last page as the last level stands behind the one before
 * it.
 */
#include "internal.h"

static int
by_offset(const void *a, const void *b)
{
	const struct rung *x = a, *y = b;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return x->repeat < y->repeat ? -1 : x->repeat > y->repeat;
}

static size_t
repeats_of(const struct pb_level *l)
{
	return l->repeat_every > 0 ? (size_t)l->repeat_max : 0;
}

/* One pass from a level on, its offsets counted from that level's. */
static struct rung *
pass_build(const struct pb_escalation *esc, size_t from, size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = from; i < esc->n_levels; i++)
		n += 1 + repeats_of(&esc->levels[i]);
	struct rung *list = pb_calloc(n, sizeof(*list));
	size_t k = 0;
	for (size_t i = from; i < esc->n_levels; i++) {
		const struct pb_level *l = &esc->levels[i];
		int64_t offset = l->after_for - esc->levels[from].after_for;
		for (size_t r = 0; r <= repeats_of(l); r++)
			list[k++] = (struct rung){.offset = offset + (int64_t)r * l->repeat_every,
			    .level = i,
			    .repeat = r};
	}
	qsort(list, n, sizeof(*list), by_offset);
	*ret_n = n;
	return list;
}

void
rungs_build(const struct pb_escalation *esc, struct rungs *ret)
{
	const struct pb_level *last = &esc->levels[esc->n_levels - 1];
	int64_t gap =
	    esc->n_levels > 1 ? last->after_for - last[-1].after_for : LADDER_REMIND_EVERY;
	*ret = (struct rungs){0};
	ret->first = pass_build(esc, 0, &ret->n_first);
	ret->again = pass_build(esc, esc->cycles_from, &ret->n_again);
	ret->again_at = ret->first[ret->n_first - 1].offset + gap;
	ret->again_every = ret->again[ret->n_again - 1].offset + gap;
	ret->n = ret->n_first + (size_t)(esc->cycles_max - 1) * ret->n_again;
}

void
rungs_fini(struct rungs *r)
{
	free(r->first);
	free(r->again);
}

struct rung
rungs_at(const struct rungs *r, size_t position)
{
	if (position < r->n_first)
		return r->first[position];
	size_t pass = (position - r->n_first) / r->n_again;
	size_t place = (position - r->n_first) % r->n_again;
	struct rung rung = r->again[place];
	rung.offset += r->again_at + (int64_t)pass * r->again_every;
	rung.begins_pass = place == 0;
	return rung;
}

size_t
rungs_next_level(const struct rungs *r, size_t position, size_t level)
{
	while (position < r->n) {
		struct rung rung = rungs_at(r, position);
		if (rung.level != level && rung.repeat == 0)
			break;
		position++;
	}
	return position;
}

bool
ladder_next_level(const struct incident *in, size_t from, size_t *ret_level, int64_t *ret_at)
{
	PB_CLEANUP(rungs_fini) struct rungs rungs;
	rungs_build(incident_escalation(in), &rungs);
	size_t i = rungs_next_level(&rungs, in->ladder.position, from);
	if (i == rungs.n)
		return false;
	struct rung rung = rungs_at(&rungs, i);
	*ret_level = rung.level;
	*ret_at = in->ladder.started_at + rung.offset;
	return true;
}
