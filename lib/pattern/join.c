/*
 * Array consistency: values that stand inside the elements of one array must stand in one and the
 * same element, at every level of nesting.
 *
 * An item is a field and the leaves that could serve it.  The outermost arrays of its leaves cut
 * them into runs: the leaves inside one array, or one leaf that is inside none.  Where a path is
 * spelled in one way there is a single run; then each array is bound independently of the others,
 * one of its elements must hold all the items in it, and the question is asked again one level
 * deeper.  So the work is that of reading each leaf once for each level.  Only a path spelled in
 * several ways gives a choice of runs, and choices are counted against PB_PATTERN_TRIES_MAX.
 *
 * An absent item (exists: false) holds when none of its leaves is inside what is bound: a leaf in
 * an array that no other item bound is there, and so is one outside all arrays.
 */
#include <stdlib.h>

#include "pattern/walk.h"

#define ROOM_LEAST 4096 /* bytes of the first chunk; each further one is twice as large */

enum role {
	WANTED, /* one of `matching` serves */
	ABSENT, /* none of `all` may be there */
	EITHER,
};

struct item {
	enum role role;
	struct pb_leaves all, matching;
};

/* The items in play, with the arrays above `depth` already bound. */
struct level {
	struct pb_walk *walk;
	size_t depth;
	const struct item *items;
	struct item *chosen; /* a wanted item has only the run it uses, others are the same */
	size_t n;
};

static bool items_hold(struct pb_walk *w, const struct item *items, size_t n, size_t depth);

/* --- memory for items, which is given back in the order of a stack and kept for the next event */

struct room {
	struct pb_walk *walk;
	size_t chunk, used; /* to go back to */
	struct item *items;
};

static void
room_fini(struct room *r)
{
	r->walk->room_chunk = r->chunk;
	r->walk->room_used = r->used;
}

static struct room
room_for(struct pb_walk *w, size_t n)
{
	struct room ret = {w, w->room_chunk, w->room_used, NULL};
	size_t size = n * sizeof(struct item);

	while (w->room_chunk < w->n_rooms && w->room_sizes[w->room_chunk] - w->room_used < size) {
		w->room_chunk++;
		w->room_used = 0;
	}
	if (w->room_chunk == w->n_rooms) {
		pb_check(w->n_rooms < PB_WALK_ROOMS);
		size_t least = (size_t)ROOM_LEAST << w->n_rooms;
		w->room_sizes[w->n_rooms] = size > least ? size : least;
		w->rooms[w->n_rooms] = pb_malloc(w->room_sizes[w->n_rooms]);
		w->n_rooms++;
	}
	ret.items = (struct item *)(void *)(w->rooms[w->room_chunk] + w->room_used);
	w->room_used += size;
	return ret;
}

/* The array element around a leaf at a depth; NULL when it stands in no further array. */
static const struct pb_member *
member_at(const struct pb_walk *w, size_t leaf, size_t depth)
{
	const struct pb_leaf *l = &w->leaves[leaf];

	return depth < l->n ? &w->members[l->first + depth] : NULL;
}

static bool
is_same_array(const struct pb_member *a, const struct pb_member *b)
{
	return a != NULL && b != NULL && a->array == b->array && a->place == b->place;
}

static size_t
index_at(const struct pb_walk *w, size_t leaf, size_t depth)
{
	const struct pb_leaf *l = &w->leaves[leaf];

	pb_check(depth < l->n);
	return w->members[l->first + depth].index;
}

/* The run of leaves that begins at `from`. */
static struct pb_leaves
run_at(const struct pb_walk *w, struct pb_leaves of, size_t from, size_t depth)
{
	const struct pb_member *first = member_at(w, from, depth);
	size_t end = from + 1;

	while (first != NULL && end < of.first + of.n &&
	    is_same_array(first, member_at(w, end, depth)))
		end++;
	return (struct pb_leaves){from, end - from};
}

/* The leaves of an item inside the array of `m`; none gives n == 0. */
static struct pb_leaves
run_in_array(const struct pb_walk *w, struct pb_leaves of, const struct pb_member *m, size_t depth)
{
	for (size_t i = of.first; i < of.first + of.n;) {
		struct pb_leaves run = run_at(w, of, i, depth);
		if (is_same_array(m, member_at(w, i, depth)))
			return run;
		i += run.n;
	}
	return (struct pb_leaves){of.first, 0};
}

/* Take from the front of `run` the leaves of element `index`; those of earlier elements are
 * dropped. */
static struct pb_leaves
take_element(const struct pb_walk *w, struct pb_leaves *run, size_t index, size_t depth)
{
	struct pb_leaves ret;

	while (run->n > 0 && index_at(w, run->first, depth) < index) {
		run->first++;
		run->n--;
	}
	ret = (struct pb_leaves){run->first, 0};
	while (run->n > 0 && index_at(w, run->first, depth) == index) {
		run->first++;
		run->n--;
		ret.n++;
	}
	return ret;
}

/* Is there one element of the array that holds all of the group?  group[0] is wanted. */
static bool
element_holds(struct pb_walk *w, struct item *group, size_t n, size_t depth)
{
	PB_CLEANUP(room_fini) struct room inside_room = room_for(w, n);
	struct item *inside = inside_room.items;

	while (group[0].matching.n > 0) {
		size_t index = index_at(w, group[0].matching.first, depth);
		for (size_t i = 0; i < n; i++) {
			inside[i].role = group[i].role;
			inside[i].all = take_element(w, &group[i].all, index, depth);
			inside[i].matching = take_element(w, &group[i].matching, index, depth);
		}
		if (items_hold(w, inside, n, depth + 1))
			return true;
	}
	return false;
}

/* The array that an item binds; NULL when it stands outside of all or is not (yet) wanted. */
static const struct pb_member *
bound_array(const struct level *l, const struct item *it)
{
	return it->role == WANTED ? member_at(l->walk, it->matching.first, l->depth) : NULL;
}

static bool
absent_is_bound(const struct level *l, const struct item *absent)
{
	for (size_t at = absent->all.first; at < absent->all.first + absent->all.n;) {
		const struct pb_member *m = member_at(l->walk, at, l->depth);
		bool is_bound = false;
		for (size_t i = 0; i < l->n && !is_bound; i++)
			is_bound = is_same_array(m, bound_array(l, &l->chosen[i]));
		if (!is_bound)
			return false;
		at += run_at(l->walk, absent->all, at, l->depth).n;
	}
	return true;
}

/* The items inside the array that chosen[first] binds, itself in front. */
static size_t
gather_group(const struct level *l, size_t first, struct item *group)
{
	const struct pb_member *array = bound_array(l, &l->chosen[first]);
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct item it = l->chosen[i];
		if (it.role == WANTED && !is_same_array(array, bound_array(l, &it)))
			continue;
		it.all = run_in_array(l->walk, it.all, array, l->depth);
		it.matching = run_in_array(l->walk, it.matching, array, l->depth);
		/* element_holds walks along a wanted item, so one of them comes first. */
		group[n++] = it;
		if (i == first) {
			group[n - 1] = group[0];
			group[0] = it;
		}
	}
	return n;
}

/* Every item has its run: do the arrays, one by one, have an element for all the items in them? */
static bool
chosen_hold(const struct level *l)
{
	PB_CLEANUP(room_fini) struct room group_room = room_for(l->walk, l->n);
	struct item *group = group_room.items;

	for (size_t i = 0; i < l->n; i++)
		if (l->chosen[i].role == ABSENT && !absent_is_bound(l, &l->chosen[i]))
			return false;
	for (size_t i = 0; i < l->n; i++) {
		const struct pb_member *array = bound_array(l, &l->chosen[i]);
		bool is_done = array == NULL;
		for (size_t k = 0; k < i && !is_done; k++)
			is_done = is_same_array(array, bound_array(l, &l->chosen[k]));
		if (is_done)
			continue;
		size_t n = gather_group(l, i, group);
		if (!element_holds(l->walk, group, n, l->depth))
			return false;
	}
	return true;
}

static bool
is_one_run(const struct level *l, struct pb_leaves of)
{
	return run_at(l->walk, of, of.first, l->depth).n == of.n;
}

/* Choose a run for the wanted items from `at` on; recursion only where there is more than one. */
static bool
choose_from(struct level *l, size_t at)
{
	for (; at < l->n; at++) {
		struct item it = l->items[at];
		l->chosen[at] = it;
		if (it.role != WANTED || is_one_run(l, it.matching))
			continue;
		size_t end = it.matching.first + it.matching.n;
		for (size_t from = it.matching.first; from < end;) {
			if (++l->walk->tries > PB_PATTERN_TRIES_MAX)
				return false;
			l->chosen[at].matching = run_at(l->walk, it.matching, from, l->depth);
			if (choose_from(l, at + 1))
				return true;
			from += l->chosen[at].matching.n;
		}
		return false;
	}
	return chosen_hold(l);
}

static bool
has_leaf_outside(const struct pb_walk *w, struct pb_leaves of, size_t depth)
{
	for (size_t i = of.first; i < of.first + of.n; i++)
		if (member_at(w, i, depth) == NULL)
			return true;
	return false;
}

/* Settle what is clear about an item; false when it cannot hold. */
static bool
settle(const struct pb_walk *w, struct item *it, size_t depth)
{
	if (it->role == EITHER && it->all.n > 0) {
		if (has_leaf_outside(w, it->all, depth))
			it->role = WANTED;
		else if (it->matching.n == 0)
			it->role = ABSENT;
	}
	if (it->role == WANTED)
		return it->matching.n > 0;
	return it->role != ABSENT || !has_leaf_outside(w, it->all, depth);
}

/* Will a wanted item surely bind the only array that this one stands in? */
static bool
is_led(const struct level *l, const struct item *it)
{
	const struct pb_member *array = member_at(l->walk, it->all.first, l->depth);

	if (!is_one_run(l, it->all))
		return false;
	for (size_t i = 0; i < l->n; i++) {
		const struct item *other = &l->items[i];
		if (is_same_array(array, bound_array(l, other)) && is_one_run(l, other->matching))
			return true;
	}
	return false;
}

/* Decide the first item that nobody leads, trying it both ways; else go on with the runs. */
static bool
decide(struct level *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct item *it = &l->items[i];
		if (it->role != EITHER || is_led(l, it))
			continue;
		PB_CLEANUP(room_fini) struct room tried_room = room_for(l->walk, l->n);
		struct item *tried = tried_room.items;
		memcpy(tried, l->items, l->n * sizeof(*tried));
		for (enum role role = WANTED; role <= ABSENT; role++) {
			tried[i].role = role;
			if (++l->walk->tries > PB_PATTERN_TRIES_MAX)
				return false;
			if (items_hold(l->walk, tried, l->n, l->depth))
				return true;
		}
		return false;
	}
	return choose_from(l, 0);
}

/*
 * Can the items hold together?  One without leaves to be absent from asks nothing.  Where no item
 * is about absence, neither does one that has a leaf outside all arrays; else it may have to bind
 * one.
 */
static bool
items_hold(struct pb_walk *w, const struct item *items, size_t n, size_t depth)
{
	PB_CLEANUP(room_fini) struct room kept_room = room_for(w, n);
	struct item *kept = kept_room.items;
	PB_CLEANUP(room_fini) struct room chosen_room = room_for(w, n);
	struct item *chosen = chosen_room.items;
	struct level l = {w, depth, kept, chosen, 0};
	bool has_absent = false;

	for (size_t i = 0; i < n; i++) {
		struct item it = items[i];
		if (!settle(w, &it, depth))
			return false;
		if (it.role != WANTED && it.all.n == 0)
			continue;
		has_absent = has_absent || it.role != WANTED;
		kept[l.n++] = it;
	}
	size_t n_kept = 0;
	for (size_t i = 0; i < l.n; i++)
		if (has_absent || !has_leaf_outside(w, kept[i].matching, depth))
			kept[n_kept++] = kept[i];
	l.n = n_kept;
	return n_kept == 0 || decide(&l);
}

bool
pb_join_fields_hold(struct pb_walk *w, const struct pb_join_field *fields, size_t n)
{
	PB_CLEANUP(room_fini) struct room items_room = room_for(w, n);
	struct item *items = items_room.items;

	for (size_t i = 0; i < n; i++) {
		enum role role = !fields[i].may_be_absent ? WANTED
		    : fields[i].may_be_present            ? EITHER
							  : ABSENT;
		items[i] = (struct item){role, fields[i].all, fields[i].matching};
	}
	return items_hold(w, items, n, 0);
}

bool
pb_join_holds(struct pb_walk *w, const struct pb_branch *b)
{
	PB_CLEANUP(pb_freep) struct pb_join_field *fields = pb_calloc(b->n, sizeof(*fields));

	for (size_t i = 0; i < b->n; i++) {
		const struct pb_field *field = &w->pattern->fields[b->fields[i]];
		const struct pb_found *f = &w->found[b->fields[i]];
		fields[i] = (struct pb_join_field){
		    field->may_be_absent, field->may_be_present, f->all, f->matching};
	}
	return pb_join_fields_hold(w, fields, b->n);
}
