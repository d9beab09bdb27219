/*
 * Matching one event against a set of patterns: read its leaves, look each up among the keys of the
 * anchors, and judge the branches of those that hold.
 */
#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/fits.h"
#include "pattern/set.h"
#include "pattern/walk.h"

struct pb_match {
	struct pb_flat *flat;
	uint32_t *judged; /* by condition: see enum verdict */
	size_t judged_size;
	uint32_t event;
	uint64_t *tried_at; /* by condition: the value of n_tries when a wildcard was last tried */
	uint32_t *ids;
	size_t n_ids, ids_size;
	bool is_sorted;
	bool is_taken; /* the last event was */
	struct pb_walk walk; /* for joining */
	struct pb_join_field *fields;
	size_t fields_size;
	uint64_t n_tries; /* leaves that wildcards were tried on, ever */
	uint64_t fetched[8]; /* see fetch_slot: hashes of keys, those of one value */
	size_t n_fetched;
};

/* What is known of a condition, beside 4 * the number of the event. */
enum verdict {
	FAILS,
	HOLDS,
	TAKEN, /* holds, and the branches it is the anchor of were judged */
};

/* One event and one set. */
struct run {
	const struct pb_matcher *m;
	struct pb_match *s;
	struct pb_flat *f;
};

#define GROW(items, n, size)                                                                       \
	do {                                                                                       \
		if ((n) >= (size)) {                                                               \
			(size) = (size) == 0 ? 64 : 2 * (size);                                    \
			(items) = pb_realloc((items), (size) * sizeof(*(items)));                  \
		}                                                                                  \
	} while (0)

/* --- conditions and branches */

/* May the condition hold where none of its values passes?  See field_holds in match.c. */
static bool
holds_absent(const struct run *r, const struct pb_set_condition *c)
{
	const struct pb_flat_found *found = &r->f->found[c->path];

	return c->may_be_absent && (found->event != r->f->serial || !found->is_outside);
}

static bool
condition_holds(const struct run *r, uint32_t at)
{
	const struct pb_set_condition *c = &r->m->conditions[at];
	uint32_t *judged = &r->s->judged[at];

	if (*judged / 4 == r->s->event)
		return *judged % 4 != FAILS;
	bool holds = false;
	for (uint32_t i = pb_flat_first(r->f, c->path); i != PB_FLAT_NONE && !holds;
	     i = r->f->leaves[i].next)
		holds = pb_leaf_fits(r->m, r->f, c, &r->f->leaves[i]);
	holds = holds || holds_absent(r, c);
	*judged = 4 * r->s->event + (holds ? HOLDS : FAILS);
	return holds;
}

static void
add_walk_leaf(struct pb_match *s, const struct pb_flat *f, const struct pb_flat_leaf *l)
{
	struct pb_walk *w = &s->walk;

	GROW(w->leaves, w->n_leaves, w->leaves_size);
	w->leaves[w->n_leaves++] = (struct pb_leaf){NULL, w->n_members, l->n_members};
	for (uint32_t i = 0; i < l->n_members; i++) {
		const struct pb_flat_member *m = &f->leaf_members[l->members + i];
		GROW(w->members, w->n_members, w->members_size);
		w->members[w->n_members++] = (struct pb_member){NULL, m->array, m->index};
	}
}

/* Arrays are numbered as they begin, so this puts values in an array before those nested in it. */
static int
compare_members(const struct pb_walk *w, const struct pb_leaf *a, const struct pb_leaf *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const struct pb_member *x = &w->members[a->first + i];
		const struct pb_member *y = &w->members[b->first + i];
		if (x->place != y->place)
			return x->place < y->place ? -1 : 1;
		if (x->index != y->index)
			return x->index < y->index ? -1 : 1;
	}
	return a->n < b->n ? -1 : a->n > b->n;
}

static int
compare_leaves(const void *a, const void *b, void *walk)
{
	return compare_members(walk, a, b);
}

/* The leaves of a path, in the order that joining wants; only those that pass, where c is given. */
static struct pb_leaves
collect(const struct run *r, const struct pb_set_condition *c, bool is_matching)
{
	struct pb_walk *w = &r->s->walk;
	struct pb_leaves ret = {w->n_leaves, 0};

	for (uint32_t i = pb_flat_first(r->f, c->path); i != PB_FLAT_NONE; i = r->f->leaves[i].next)
		if (!is_matching || pb_leaf_fits(r->m, r->f, c, &r->f->leaves[i]))
			add_walk_leaf(r->s, r->f, &r->f->leaves[i]);
	ret.n = w->n_leaves - ret.first;
	if (r->f->is_mixed && ret.n > 1)
		qsort_r(w->leaves + ret.first, ret.n, sizeof(*w->leaves), compare_leaves, w);
	return ret;
}

static bool
branch_joins(const struct run *r, const uint32_t *conditions, uint32_t n)
{
	struct pb_match *s = r->s;

	s->walk.n_leaves = s->walk.n_members = s->walk.tries = 0;
	while (s->fields_size < n)
		GROW(s->fields, s->fields_size, s->fields_size);
	for (uint32_t i = 0; i < n; i++) {
		const struct pb_set_condition *c = &r->m->conditions[conditions[i]];
		struct pb_leaves all = collect(r, c, false), matching = collect(r, c, true);
		s->fields[i] =
		    (struct pb_join_field){c->may_be_absent, c->may_be_present, all, matching};
	}
	return pb_join_fields_hold(&s->walk, s->fields, n);
}

/*
 * Do the other conditions hold too, where the anchor does, whose path is `path`?  Joining asks
 * something only of two conditions in arrays, or of one that may be absent there.
 */
static bool
branch_holds(
    const struct run *r, const uint32_t *conditions, uint32_t n, uint32_t anchor, uint32_t path)
{
	uint32_t n_bound = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct pb_set_condition *c = &r->m->conditions[conditions[i]];
		bool is_anchor = conditions[i] == anchor; /* it need not be looked at */
		if (!is_anchor && !condition_holds(r, conditions[i]))
			return false;
		const struct pb_flat_found *found = &r->f->found[is_anchor ? path : c->path];
		if (found->event == r->f->serial && found->is_in_array)
			n_bound += c->may_be_absent ? 2 : 1;
	}
	return n_bound < 2 || branch_joins(r, conditions, n);
}

static bool
is_taken(const struct run *r, uint32_t at)
{
	return r->s->judged[at] == 4 * r->s->event + TAKEN;
}

/*
 * The anchor at `at` of anchored[] holds.  One that can be found out but once in an event, by the
 * only test and the only leaf, need not be remembered.
 */
static void
take_anchor(const struct run *r, uint32_t at, uint32_t path)
{
	struct pb_match *s = r->s;
	const struct pb_flat_found *found = &r->f->found[path];
	const uint32_t *anchor = r->m->anchored + at, condition = anchor[0] & ~PB_SET_SIMPLE;

	if (condition == anchor[0] || found->first != found->last) {
		if (is_taken(r, condition))
			return;
		s->judged[condition] = 4 * s->event + TAKEN;
	}
	const uint32_t *b = anchor + PB_SET_ANCHOR_WORDS, *end = b + anchor[1];
	for (; b < end; b += PB_SET_BRANCH_WORDS + b[1]) {
		if (!branch_holds(r, b + PB_SET_BRANCH_WORDS, b[1], condition, path))
			continue;
		GROW(s->ids, s->n_ids, s->ids_size);
		s->is_sorted = s->is_sorted && (s->n_ids == 0 || s->ids[s->n_ids - 1] < b[0]);
		s->ids[s->n_ids++] = b[0];
	}
}

static void
take_condition(const struct run *r, uint32_t at)
{
	take_anchor(r, r->m->conditions[at].anchored, r->m->conditions[at].path);
}

/* --- looking values up */

static void
take_key(const struct run *r, uint32_t path, enum pb_key_kind kind, struct pb_str key)
{
	for (uint32_t hits = pb_set_find(r->m, path, kind, key)->hits; hits != 0;)
		take_anchor(r, pb_set_next_hit(r->m, &hits), path);
}

static void
take_affixes(const struct run *r, uint32_t path, enum pb_key_kind kind, struct pb_str s)
{
	const struct pb_set_list *lengths = &r->m->paths[path].lengths[kind - PB_KEY_PREFIX];
	bool is_suffix = kind == PB_KEY_SUFFIX || kind == PB_KEY_SUFFIX_FOLDED;

	for (uint32_t i = 0; i < lengths->n && lengths->items[i] <= s.len; i++) {
		uint32_t n = lengths->items[i];
		take_key(r, path, kind, (struct pb_str){is_suffix ? s.ptr + s.len - n : s.ptr, n});
	}
}

/* Try the wildcards that want this gram, each once on a leaf. */
static void
take_gram(const struct run *r, uint32_t leaf, enum pb_key_kind kind, struct pb_str gram)
{
	struct pb_flat_leaf *l = &r->f->leaves[leaf];

	for (uint32_t hits = pb_set_find(r->m, l->path, kind, gram)->hits; hits != 0;) {
		uint32_t anchor = pb_set_next_hit(r->m, &hits);
		uint32_t at = r->m->anchored[anchor] & ~PB_SET_SIMPLE;
		if (is_taken(r, at) || r->s->tried_at[at] == r->s->n_tries)
			continue;
		r->s->tried_at[at] = r->s->n_tries;
		if (pb_leaf_fits(r->m, r->f, &r->m->conditions[at], l))
			take_anchor(r, anchor, l->path);
	}
}

static void
take_grams(const struct run *r, uint32_t leaf, struct pb_str s)
{
	const struct pb_set_path *p = &r->m->paths[r->f->leaves[leaf].path];

	for (unsigned size = 1; size <= PB_SET_GRAM_MAX; size++) {
		if (p->grams[size] == 0)
			continue;
		uint32_t mask = UINT32_MAX >> (8 * (PB_SET_GRAM_MAX - size));
		for (size_t i = 0; i + size <= s.len; i++) {
			uint32_t gram = 0;
			if (i + sizeof(gram) <= s.len)
				memcpy(&gram, s.ptr + i, sizeof(gram));
			else
				memcpy(&gram, s.ptr + i, size);
			size_t bit = pb_set_gram_bit(gram & mask, size, p->gram_bits);
			if ((p->gram_filter[bit / 64] >> (bit % 64) & 1) != 0)
				take_gram(r, leaf, PB_KEY_GRAM, (struct pb_str){s.ptr + i, size});
		}
	}
}

static void
take_starts(const struct run *r, uint32_t leaf, struct pb_str s)
{
	const struct pb_set_path *p = &r->m->paths[r->f->leaves[leaf].path];

	for (unsigned size = 1; size <= PB_SET_GRAM_MAX && size <= s.len; size++)
		if (p->starts[size] > 0)
			take_gram(r, leaf, PB_KEY_START, (struct pb_str){s.ptr, size});
}

#define HAS(kinds, kind) (((kinds) >> (kind)&1) != 0)

static void
look_up_text(const struct run *r, uint32_t leaf)
{
	struct pb_flat_leaf *l = &r->f->leaves[leaf];
	uint32_t kinds = r->m->paths[l->path].kinds;
	struct pb_str s = pb_flat_text(r->f, l);

	if (HAS(kinds, PB_KEY_TEXT))
		take_key(r, l->path, PB_KEY_TEXT, s);
	if (HAS(kinds, PB_KEY_PREFIX))
		take_affixes(r, l->path, PB_KEY_PREFIX, s);
	if (HAS(kinds, PB_KEY_SUFFIX))
		take_affixes(r, l->path, PB_KEY_SUFFIX, s);
	if ((kinds & (1U << PB_KEY_GRAM | 1U << PB_KEY_START)) != 0) {
		r->s->n_tries++;
		take_starts(r, leaf, s);
		take_grams(r, leaf, s);
	}
	if (!HAS(kinds, PB_KEY_FOLDED) && !HAS(kinds, PB_KEY_PREFIX_FOLDED) &&
	    !HAS(kinds, PB_KEY_SUFFIX_FOLDED))
		return;
	s = pb_flat_folded(r->f, l);
	if (HAS(kinds, PB_KEY_FOLDED))
		take_key(r, l->path, PB_KEY_FOLDED, s);
	if (HAS(kinds, PB_KEY_PREFIX_FOLDED))
		take_affixes(r, l->path, PB_KEY_PREFIX_FOLDED, s);
	if (HAS(kinds, PB_KEY_SUFFIX_FOLDED))
		take_affixes(r, l->path, PB_KEY_SUFFIX_FOLDED, s);
}

/* Apart, for what it takes of the stack. */
static __attribute__((noinline)) void
look_up_long(const struct run *r, struct pb_flat_leaf *l)
{
	char key[PB_NUMBER_KEY_MAX];
	size_t len = pb_number_key(pb_flat_number(l), (struct pb_str){l->text, l->len}, key);

	take_key(r, l->path, PB_KEY_NUMBER, (struct pb_str){key, len});
}

static void
look_up_number(const struct run *r, struct pb_flat_leaf *l)
{
	char key[PB_NUMBER_KEY];
	struct pb_number n = pb_flat_number(l);

	if (n.kind == PB_NUMBER_LONG) {
		look_up_long(r, l);
		return;
	}
	pb_number_key_short(n, key);
	take_key(r, l->path, PB_KEY_NUMBER, (struct pb_str){key, sizeof(key)});
}

static void
look_up(const struct run *r, uint32_t leaf)
{
	struct pb_flat_leaf *l = &r->f->leaves[leaf];
	const struct pb_set_path *p = &r->m->paths[l->path];

	if (p->kinds != 0 && l->type == PB_FLAT_TEXT) {
		look_up_text(r, leaf);
	} else if (HAS(p->kinds, PB_KEY_NUMBER) && l->type == PB_FLAT_NUMBER) {
		look_up_number(r, l);
	} else if (HAS(p->kinds, PB_KEY_LITERAL) && l->type != PB_FLAT_NUMBER) {
		take_key(r, l->path, PB_KEY_LITERAL, (struct pb_str){l->text, 1});
	}
	for (uint32_t i = 0; i < p->each.n; i++) {
		uint32_t at = p->each.items[i];
		if (!is_taken(r, at) && pb_leaf_fits(r->m, r->f, &r->m->conditions[at], l))
			take_condition(r, at);
	}
}

/*
 * --- large sets: two waits for memory lie between a value and what it finds, that for the slot of
 * its key, and that for the text of the key and the anchor.  Both are over, or nearly, when the event has
 * been read: the slot is asked for when the value is found, and what it tells when the next one is.
 */

#define PREFETCH_BITS 13 /* of a set's slots, from which on it is worth while */
#define PREFETCH_LENGTHS 4
#define PREFETCH_PROBES 4

static void
fetch_slot(const struct run *r, uint32_t path, enum pb_key_kind kind, struct pb_str key)
{
	size_t mask = ((size_t)1 << r->m->slot_bits) - 1;
	uint64_t hash = pb_set_hash(path, kind, key);

	__builtin_prefetch(&r->m->slots[hash & mask]);
	r->s->fetched[r->s->n_fetched++] = hash;
}

/* Ask for what the slots lead to. */
static void
fetch_further(const struct run *r)
{
	size_t mask = ((size_t)1 << r->m->slot_bits) - 1;

	for (size_t i = 0; i < r->s->n_fetched; i++) {
		uint64_t hash = r->s->fetched[i];
		for (size_t k = 0; k < PREFETCH_PROBES; k++) {
			const struct pb_set_slot *slot = &r->m->slots[(hash + k) & mask];
			if (slot->hits == 0)
				break;
			if (slot->tag != (uint32_t)(hash >> 32))
				continue;
			__builtin_prefetch(r->m->texts.ptr + slot->text);
			if ((slot->hits & PB_SET_HIT_LIST) == 0)
				__builtin_prefetch(&r->m->anchored[slot->hits - 1]);
			break;
		}
	}
	r->s->n_fetched = 0;
}

static void
see_value(void *arg, uint32_t path, struct pb_str text)
{
	const struct run *r = arg;
	const struct pb_set_path *p = &r->m->paths[path];
	const struct pb_set_list *lengths = &p->lengths[0];

	fetch_further(r);
	if (HAS(p->kinds, PB_KEY_TEXT))
		fetch_slot(r, path, PB_KEY_TEXT, text);
	for (uint32_t i = 0; i < lengths->n && i < PREFETCH_LENGTHS; i++)
		if (lengths->items[i] <= text.len)
			fetch_slot(
			    r, path, PB_KEY_PREFIX, (struct pb_str){text.ptr, lengths->items[i]});
}

/* --- one event */

static void
start(const struct run *r)
{
	struct pb_match *s = r->s;

	s->n_ids = 0;
	s->is_sorted = true;
	if (s->judged_size < r->m->n_conditions || s->event == UINT32_MAX / 4) {
		s->judged_size =
		    r->m->n_conditions > s->judged_size ? r->m->n_conditions : s->judged_size;
		free(s->judged);
		free(s->tried_at);
		s->judged = pb_calloc(s->judged_size, sizeof(*s->judged));
		s->tried_at = pb_calloc(s->judged_size, sizeof(*s->tried_at));
		s->event = 0;
		s->n_tries = 0;
	}
	s->event++;
}

static int
compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

#define FEW_IDS 16 /* up to here they are sorted by insertion */

/* Ascending and each once. */
static void
sort_ids(struct pb_match *s)
{
	size_t n = 1;

	if (s->n_ids > FEW_IDS)
		qsort(s->ids, s->n_ids, sizeof(*s->ids), compare_ids);
	for (size_t i = 1; i < s->n_ids && s->n_ids <= FEW_IDS; i++) {
		uint32_t id = s->ids[i];
		size_t at = i;
		for (; at > 0 && s->ids[at - 1] > id; at--)
			s->ids[at] = s->ids[at - 1];
		s->ids[at] = id;
	}
	for (size_t i = 1; i < s->n_ids; i++)
		if (s->ids[i] != s->ids[n - 1])
			s->ids[n++] = s->ids[i];
	s->n_ids = n;
}

int
pb_match(const struct pb_matcher *m, struct pb_match *s, struct pb_str event, uint32_t *ids,
    size_t cap, size_t *ret_n)
{
	struct run r = {m, s, s->flat};
	bool is_large = m->slot_bits >= PREFETCH_BITS;

	*ret_n = 0;
	s->n_fetched = 0;
	s->flat->hook = (struct pb_shape_hook){is_large ? see_value : NULL, &r};
	s->is_taken = pb_flat_read(s->flat, &m->tree, event, m->stops_early) == 0;
	s->flat->hook.see = NULL;
	if (!s->is_taken)
		return -1;
	start(&r);
	if (is_large)
		fetch_further(&r);
	for (uint32_t i = 0; i < s->flat->n_leaves; i++)
		look_up(&r, i);
	for (uint32_t i = 0; i < m->absent.n; i++)
		if (holds_absent(&r, &m->conditions[m->absent.items[i]]))
			take_condition(&r, m->absent.items[i]);
	if (!s->is_sorted)
		sort_ids(s);
	if (s->n_ids > 0 && cap > 0)
		memcpy(ids, s->ids, (s->n_ids < cap ? s->n_ids : cap) * sizeof(*ids));
	*ret_n = s->n_ids;
	return 0;
}

size_t
pb_match_found(struct pb_match *s, uint32_t wanted, struct pb_match_value *ret, size_t cap)
{
	struct pb_flat *f = s->flat;
	size_t n = 0;

	if (!s->is_taken || wanted >= f->found_size)
		return 0;
	for (uint32_t i = pb_flat_first(f, wanted); i != PB_FLAT_NONE; i = f->leaves[i].next, n++)
		if (n < cap)
			ret[n] = (struct pb_match_value){
			    pb_flat_text(f, &f->leaves[i]), f->leaves[i].type == PB_FLAT_TEXT};
	return n;
}

unsigned
pb_match_found_structure(const struct pb_match *s, uint32_t wanted)
{
	_Static_assert(PB_MATCH_STRUCTURES_MAX == PB_FLAT_FACT_PATHS &&
		(unsigned)PB_MATCH_OBJECT == (unsigned)PB_FLAT_OBJECT &&
		(unsigned)PB_MATCH_ARRAY == (unsigned)PB_FLAT_ARRAY &&
		(unsigned)PB_MATCH_NESTED == (unsigned)PB_FLAT_NESTED,
	    "facts are told as they are kept");
	pb_check(wanted < PB_MATCH_STRUCTURES_MAX);
	return s->is_taken ? pb_flat_facts(s->flat, wanted) : 0;
}

bool
pb_match_found_dotted(const struct pb_match *s)
{
	return s->is_taken && (s->flat->facts & PB_FLAT_DOTTED) != 0;
}

uint64_t
pb_matcher_serial(const struct pb_matcher *m)
{
	return m->tree.serial;
}

struct pb_match *
pb_match_new(void)
{
	struct pb_match *s = pb_calloc(1, sizeof(*s));

	s->flat = pb_flat_new();
	return s;
}

void
pb_match_free(struct pb_match *s)
{
	if (s == NULL)
		return;
	pb_flat_free(s->flat);
	free(s->judged);
	free(s->tried_at);
	free(s->ids);
	pb_walk_fini(&s->walk);
	free(s->fields);
	free(s);
}

const char *
pb_match_scanner(const struct pb_match *s)
{
	return pb_scan_level_name(s->flat->level);
}

int
pb_match_set_scanner(struct pb_match *s, const char *name)
{
	for (enum pb_scan_level l = PB_SCAN_SCALAR; l <= pb_scan_best(); l++) {
		if (strcmp(pb_scan_level_name(l), name) != 0)
			continue;
		s->flat->level = l;
		return 0;
	}
	return -1;
}

void
pb_match_set_shapes(struct pb_match *s, bool are_used)
{
	s->flat->has_shapes = are_used;
}

uint64_t
pb_match_n_by_shape(const struct pb_match *s)
{
	return s->flat->shapes != NULL ? s->flat->shapes->n_read : 0;
}

size_t
pb_matcher_match(const struct pb_matcher *m, const json_t *event, uint32_t *ids, size_t cap)
{
	size_t n = 0;

	if (!json_is_object(event))
		return 0;
	PB_CLEANUP(pb_freep) char *text = pb_exact_text(event);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	pb_match_set_shapes(s, false); /* there is one event only */
	return pb_match(m, s, pb_str_of(text), ids, cap, &n) < 0 ? 0 : n;
}
