/*
 * Finishing a matcher: choose the anchor of each branch, write branches down behind their anchors, and
 * enter the anchors' tests as keys.  See set.h for what these are.
 */
#include <stdlib.h>

#include "pattern/build.h"

#define GRAM_PLACES 64 /* of a wildcard that are looked at */
#define STARTS_SHARED 4 /* a start that so many wildcards have tells too little */
#define FILTER_BITS_MIN 9
#define FILTER_BITS_MAX 24

#define SHRINK(items, n, size)                                                                     \
	do {                                                                                       \
		(size) = (n);                                                                      \
		if ((n) > 0)                                                                       \
			(items) = pb_realloc((items), (n) * sizeof(*(items)));                     \
	} while (0)

static void
list_add(struct pb_set_list *l, uint32_t item)
{
	if (l->n == l->size) {
		l->size = l->size == 0 ? 4 : 2 * l->size;
		l->items = pb_realloc(l->items, l->size * sizeof(*l->items));
	}
	l->items[l->n++] = item;
}

/* Add to a list kept ascending and without repetition. */
static void
list_insert(struct pb_set_list *l, uint32_t item)
{
	uint32_t at = 0;

	while (at < l->n && l->items[at] < item)
		at++;
	if (at < l->n && l->items[at] == item)
		return;
	list_add(l, item);
	memmove(l->items + at + 1, l->items + at, (l->n - 1 - at) * sizeof(*l->items));
	l->items[at] = item;
}

/* --- anchors */

/* How likely is it that a value passes, when values are as the patterns want them? */
static double
chance(const struct pb_matcher *m, const struct pb_set_condition *c)
{
	double shared = (double)c->n_branches / (double)m->paths[c->path].total, most = 0;

	if (c->may_be_absent)
		return 2;
	for (uint32_t i = 0; i < c->n_tests; i++) {
		enum pb_test_op op = m->tests[c->tests + i].op;
		double least = op == PB_TEST_NONE_OF || op == PB_TEST_EXISTS ? 1.5
		    : op == PB_TEST_RANGE || op == PB_TEST_CIDR              ? 0.5
		    : op == PB_TEST_WILDCARD                                 ? shared * 2
									     : shared;
		most = least > most ? least : most;
	}
	return most > shared ? most : shared;
}

static uint32_t
choose_anchor(const struct pb_matcher *m, const struct pb_set_branch *br)
{
	uint32_t best = m->branch_conditions[br[0].conditions];
	double least = 3;

	for (uint32_t i = br[0].conditions; i < br[1].conditions; i++) {
		double p = chance(m, &m->conditions[m->branch_conditions[i]]);
		if (p < least) {
			least = p;
			best = m->branch_conditions[i];
		}
	}
	return best;
}

/* How many words of pb_matcher.anchored a branch takes. */
static uint32_t
branch_words(const struct pb_set_branch *b)
{
	return PB_SET_BRANCH_WORDS + b[1].conditions - b[0].conditions;
}

/* The header of each anchor, and behind it room for its branches. */
static void
place_anchors(struct pb_matcher *m, const uint32_t *anchors)
{
	PB_CLEANUP(pb_freep) uint32_t *words = pb_calloc(m->n_conditions + 1, sizeof(*words));
	uint32_t at = 0;

	for (size_t i = 0; i < m->n_branches; i++)
		words[anchors[i]] += branch_words(&m->branches[i]);
	for (size_t i = 0; i < m->n_conditions; i++) {
		m->conditions[i].anchored = words[i] > 0 ? at : PB_SET_NONE;
		at += words[i] > 0 ? PB_SET_ANCHOR_WORDS + words[i] : 0;
	}
	m->n_anchored = at;
	m->anchored = pb_calloc(m->n_anchored + 1, sizeof(*m->anchored));
	for (uint32_t i = 0; i < m->n_conditions; i++) {
		const struct pb_set_condition *c = &m->conditions[i];
		if (c->anchored == PB_SET_NONE)
			continue;
		bool is_simple = c->n_tests == 1 && !c->may_be_absent;
		m->anchored[c->anchored] = i | (is_simple ? PB_SET_SIMPLE : 0);
		m->anchored[c->anchored + 2] = c->path;
	}
}

/*
 * Write the branches down where they are judged: behind their anchors, each with its conditions, so
 * that all of that is in one or two cache lines.  See pb_matcher.anchored.
 */
static void
set_anchors(struct pb_matcher *m)
{
	PB_CLEANUP(pb_freep) uint32_t *anchors = pb_calloc(m->n_branches + 1, sizeof(*anchors));

	for (size_t i = 0; i < m->n_branches; i++)
		anchors[i] = choose_anchor(m, &m->branches[i]);
	place_anchors(m, anchors);
	for (size_t i = 0; i < m->n_branches; i++) {
		const struct pb_set_branch *b = &m->branches[i];
		uint32_t *anchor = &m->anchored[m->conditions[anchors[i]].anchored];
		uint32_t *out = anchor + PB_SET_ANCHOR_WORDS + anchor[1];
		uint32_t n = b[1].conditions - b[0].conditions;
		out[0] = b->rule;
		out[1] = n;
		memcpy(out + PB_SET_BRANCH_WORDS, m->branch_conditions + b->conditions,
		    n * sizeof(*out));
		anchor[1] += branch_words(b);
	}
	free(m->branches);
	free(m->branch_conditions);
	m->branches = NULL;
	m->branch_conditions = NULL;
	m->n_branches = m->branches_size = m->branch_conditions_size = 0;
}

/* --- keys */

static void
grow_slots(struct pb_matcher *m)
{
	struct pb_set_slot *old = m->slots;
	size_t n = (size_t)1 << m->slot_bits;

	m->slots = pb_calloc((size_t)1 << ++m->slot_bits, sizeof(*m->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i].hits != 0)
			*pb_set_find(m, pb_set_slot_path(m, &old[i]), old[i].kind,
			    pb_set_text(m, old[i].text, old[i].len)) = old[i];
	free(old);
}

/* Slots for the keys of all anchors, so that they are entered without growing on the way. */
static void
make_slots(struct pb_matcher *m)
{
	size_t n = 1;

	for (size_t i = 0; i < m->n_conditions; i++)
		if (m->conditions[i].anchored != PB_SET_NONE)
			n += m->conditions[i].n_tests;
	m->slot_bits = 1;
	while (3 * n > (size_t)2 << m->slot_bits)
		m->slot_bits++;
	m->slots = pb_calloc((size_t)1 << m->slot_bits, sizeof(*m->slots));
}

static uint32_t
add_hit(struct pb_matcher *m, uint32_t anchor, uint32_t next)
{
	GROW(m->hits, m->n_hits, m->hits_size);
	m->hits[m->n_hits] = (struct pb_set_hit){anchor, next};
	return (uint32_t)m->n_hits++ | PB_SET_HIT_LIST;
}

/* The text of the key is in m->texts already, at `text`. */
static void
add_key(struct pb_matcher *m, uint32_t path, enum pb_key_kind kind, uint32_t text, uint32_t len,
    uint32_t condition)
{
	struct pb_str s = pb_set_text(m, text, len);

	if (3 * (m->n_slots + 1) > (size_t)2 << m->slot_bits)
		grow_slots(m);
	m->paths[path].kinds |= 1U << kind;
	struct pb_set_slot *slot = pb_set_find(m, path, kind, s);
	uint32_t anchor = m->conditions[condition].anchored;
	if (slot->hits != 0) { /* one anchor stands for itself, more make a list */
		if ((slot->hits & PB_SET_HIT_LIST) == 0)
			slot->hits = add_hit(m, slot->hits - 1, 0);
		slot->hits = add_hit(m, anchor, slot->hits);
		return;
	}
	m->n_slots++;
	*slot = (struct pb_set_slot){.hits = anchor + 1,
	    .tag = (uint32_t)(pb_set_hash(path, kind, s) >> 32),
	    .text = text,
	    .len = len & ((1U << 28) - 1),
	    .kind = kind & 15};
}

static void
add_new_key(struct pb_matcher *m, uint32_t path, enum pb_key_kind kind, struct pb_str text,
    uint32_t condition)
{
	add_key(m, path, kind, pb_builder_add_text(m, text.ptr, text.len), (uint32_t)text.len,
	    condition);
}

static void
add_number_key(struct pb_matcher *m, uint32_t path, struct pb_number n, uint32_t condition)
{
	char key[PB_NUMBER_KEY_MAX];
	size_t len = pb_number_key(n, (struct pb_str){"", 0}, key);

	add_new_key(m, path, PB_KEY_NUMBER, (struct pb_str){key, len}, condition);
}

static void
add_affix_key(struct pb_matcher *m, uint32_t path, enum pb_key_kind kind,
    const struct pb_set_test *t, uint32_t condition)
{
	list_insert(&m->paths[path].lengths[kind - PB_KEY_PREFIX], t->n);
	add_key(m, path, kind, t->from, t->n, condition);
}

/* How many conditions share a gram, up to where it does not matter any more. */
static uint32_t
count_hits(const struct pb_matcher *m, uint32_t path, enum pb_key_kind kind, struct pb_str gram)
{
	uint32_t hits = pb_set_find(m, path, kind, gram)->hits, n = 0;

	for (; hits != 0 && n < 16; n++)
		(void)pb_set_next_hit(m, &hits);
	return n;
}

/*
 * A wildcard is looked up by the least shared of its longest grams, best by one that it starts with;
 * false when it has none.
 */
static bool
add_gram_key(
    struct pb_matcher *m, uint32_t path, const struct pb_set_wildcard *w, uint32_t condition)
{
	uint32_t size = 0, best = 0, least = UINT32_MAX, n_places = 0;

	for (uint32_t i = 0; i < w->n_pieces; i++) {
		uint32_t len = m->pieces[w->pieces + i].len;
		size = len > size ? len : size;
	}
	size = size > PB_SET_GRAM_MAX ? PB_SET_GRAM_MAX : size;
	if (size == 0)
		return false;
	for (uint32_t i = 0; i < w->n_pieces; i++) {
		const struct pb_set_piece *p = &m->pieces[w->pieces + i];
		for (uint32_t k = 0; k + size <= p->len && n_places < GRAM_PLACES;
		     k++, n_places++) {
			uint32_t n =
			    count_hits(m, path, PB_KEY_GRAM, pb_set_text(m, p->text + k, size));
			if (n < least) {
				least = n;
				best = p->text + k;
			}
		}
	}
	const struct pb_set_piece *first = &m->pieces[w->pieces];
	if (first->len >= size) {
		uint32_t n = count_hits(m, path, PB_KEY_START, pb_set_text(m, first->text, size));
		if (n <= least && n < STARTS_SHARED) {
			m->paths[path].starts[size]++;
			add_key(m, path, PB_KEY_START, first->text, size, condition);
			return true;
		}
	}
	m->paths[path].grams[size]++;
	add_key(m, path, PB_KEY_GRAM, best, size, condition);
	return true;
}

/* Enter a test of an anchor; false when its values cannot be looked up. */
static bool
add_test_keys(struct pb_matcher *m, uint32_t condition, const struct pb_set_test *t)
{
	static const enum pb_key_kind kinds[PB_TEST_OP_MAX] = {
	    [PB_TEST_TEXT] = PB_KEY_TEXT,
	    [PB_TEST_TEXT_FOLDED] = PB_KEY_FOLDED,
	    [PB_TEST_PREFIX] = PB_KEY_PREFIX,
	    [PB_TEST_PREFIX_FOLDED] = PB_KEY_PREFIX_FOLDED,
	    [PB_TEST_SUFFIX] = PB_KEY_SUFFIX,
	    [PB_TEST_SUFFIX_FOLDED] = PB_KEY_SUFFIX_FOLDED,
	};
	uint32_t path = m->conditions[condition].path;
	const struct pb_set_wildcard *w;
	char key[1];

	switch ((enum pb_test_op)t->op) {
	case PB_TEST_TEXT:
	case PB_TEST_TEXT_FOLDED:
		add_key(m, path, kinds[t->op], t->from, t->n, condition);
		return true;
	case PB_TEST_PREFIX:
	case PB_TEST_PREFIX_FOLDED:
	case PB_TEST_SUFFIX:
	case PB_TEST_SUFFIX_FOLDED:
		add_affix_key(m, path, kinds[t->op], t, condition);
		return true;
	case PB_TEST_NUMBER:
		add_number_key(m, path, m->numbers[t->from], condition);
		return true;
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
		key[0] = t->op == PB_TEST_NULL ? 'n' : t->op == PB_TEST_TRUE ? 't' : 'f';
		add_new_key(m, path, PB_KEY_LITERAL, (struct pb_str){key, 1}, condition);
		return true;
	case PB_TEST_WILDCARD:
		w = &m->wildcards[t->from];
		if (w->n_pieces > 1)
			return add_gram_key(m, path, w, condition);
		add_key(m, path, PB_KEY_TEXT, m->pieces[w->pieces].text, m->pieces[w->pieces].len,
		    condition);
		return true;
	case PB_TEST_ABSENT:
		return true;
	case PB_TEST_RANGE:
	case PB_TEST_CIDR:
	case PB_TEST_EXISTS:
	case PB_TEST_NONE_OF:
	case PB_TEST_OP_MAX:
		break;
	}
	return false;
}

static void
add_condition_keys(struct pb_matcher *m, uint32_t at)
{
	const struct pb_set_condition *c = &m->conditions[at];
	bool is_found = true;

	for (uint32_t i = 0; i < c->n_tests; i++)
		is_found = add_test_keys(m, at, &m->tests[c->tests + i]) && is_found;
	if (!is_found)
		list_add(&m->paths[c->path].each, at);
	if (c->may_be_absent)
		list_add(&m->absent, at);
}

static void
fill_filter(struct pb_set_path *p)
{
	uint32_t n = 0;

	for (unsigned size = 1; size <= PB_SET_GRAM_MAX; size++)
		n += p->grams[size];
	p->gram_bits = FILTER_BITS_MIN;
	while (p->gram_bits < FILTER_BITS_MAX && (size_t)1 << p->gram_bits < (size_t)16 * n)
		p->gram_bits++;
	p->gram_filter = pb_calloc((size_t)1 << (p->gram_bits - 6), sizeof(*p->gram_filter));
}

static void
make_filters(struct pb_matcher *m)
{
	for (size_t i = 0; i < m->n_paths; i++)
		if ((m->paths[i].kinds >> PB_KEY_GRAM & 1) != 0)
			fill_filter(&m->paths[i]);
	for (size_t i = 0; i < (size_t)1 << m->slot_bits; i++) {
		const struct pb_set_slot *e = &m->slots[i];
		if (e->hits == 0 || e->kind != PB_KEY_GRAM)
			continue;
		struct pb_set_path *p = &m->paths[pb_set_slot_path(m, e)];
		uint32_t gram = 0;
		memcpy(&gram, m->texts.ptr + e->text, e->len);
		size_t bit = pb_set_gram_bit(gram, e->len, p->gram_bits);
		p->gram_filter[bit / 64] |= UINT64_C(1) << (bit % 64);
	}
}

static void
count_paths(struct pb_matcher *m)
{
	m->n_paths = m->tree.n_paths;
	m->paths = pb_calloc(m->n_paths + 1, sizeof(*m->paths));
	for (size_t i = 0; i < m->n_conditions; i++)
		m->paths[m->conditions[i].path].total += m->conditions[i].n_branches;
}

static void
shrink(struct pb_matcher *m)
{
	SHRINK(m->conditions, m->n_conditions + 1, m->conditions_size);
	SHRINK(m->tests, m->n_tests, m->tests_size);
	SHRINK(m->hits, m->n_hits, m->hits_size);
	if (m->texts.len > 0) {
		m->texts.ptr = pb_realloc(m->texts.ptr, m->texts.len);
		m->texts.size = m->texts.len;
	}
}

struct pb_matcher *
pb_matcher_builder_finish(struct pb_matcher_builder *b)
{
	struct pb_matcher *m = PB_TAKE(b->m);

	pb_matcher_builder_free(b);
	GROW(m->conditions, m->n_conditions + 1, m->conditions_size);
	m->conditions[m->n_conditions] = (struct pb_set_condition){0};
	GROW(m->branches, m->n_branches + 1, m->branches_size);
	m->branches[m->n_branches] =
	    (struct pb_set_branch){PB_SET_NONE, (uint32_t)m->n_branch_conditions};
	count_paths(m);
	set_anchors(m);
	make_slots(m);
	for (uint32_t i = 0; i < m->n_conditions; i++)
		if (m->conditions[i].anchored != PB_SET_NONE)
			add_condition_keys(m, i);
	make_filters(m);
	shrink(m);
	pb_set_pack(m);
	return m;
}

int
pb_matcher_build(const struct pb_pattern *const *patterns, size_t n, struct pb_matcher **ret,
    struct pb_error *err)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();

	for (size_t i = 0; i < n; i++)
		if (pb_matcher_builder_add(b, patterns[i], err) < 0) {
			pb_matcher_builder_free(b);
			return -1;
		}
	*ret = pb_matcher_builder_finish(b);
	return 0;
}
