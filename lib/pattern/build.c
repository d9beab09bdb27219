/*
 * Building a matcher: take patterns in one by one, sharing equal conditions.  What is done when all are
 * in stands in finish.c.
 */
#include "pattern/build.h"

#include <stdlib.h>

uint32_t
pb_builder_add_text(struct pb_matcher *m, const char *s, size_t len)
{
	uint32_t from = (uint32_t)m->texts.len;

	(void)pb_buf_add(&m->texts, s, len);
	return from;
}

static uint32_t
add_wildcard(struct pb_matcher *m, const struct pb_wildcard *w)
{
	GROW(m->wildcards, m->n_wildcards, m->wildcards_size);
	m->wildcards[m->n_wildcards] =
	    (struct pb_set_wildcard){(uint32_t)m->n_pieces, (uint32_t)w->n_pieces};
	for (size_t i = 0; i < w->n_pieces; i++) {
		GROW(m->pieces, m->n_pieces, m->pieces_size);
		m->pieces[m->n_pieces++] = (struct pb_set_piece){
		    pb_builder_add_text(m, w->pieces[i].ptr, w->pieces[i].len),
		    (uint32_t)w->pieces[i].len};
	}
	return (uint32_t)m->n_wildcards++;
}

/* "text*" is a prefix and "*text" a suffix, which are looked up faster. */
static struct pb_set_test
make_wildcard(struct pb_matcher *m, const struct pb_wildcard *w)
{
	const struct pb_str *piece = w->pieces;

	if (w->n_pieces == 2 && (piece[0].len == 0) != (piece[1].len == 0)) {
		const struct pb_str *text = &piece[piece[0].len == 0];
		return (struct pb_set_test){
		    .op = piece[0].len == 0 ? PB_TEST_SUFFIX : PB_TEST_PREFIX,
		    .from = pb_builder_add_text(m, text->ptr, text->len),
		    .n = (uint32_t)text->len};
	}
	return (struct pb_set_test){.op = PB_TEST_WILDCARD, .from = add_wildcard(m, w)};
}

static uint32_t add_tests(struct pb_matcher *m, const struct pb_test *tests, size_t n);

static struct pb_set_test
make_test(struct pb_matcher *m, const struct pb_test *t)
{
	struct pb_set_test ret = {.op = t->op};

	switch (t->op) {
	case PB_TEST_TEXT:
	case PB_TEST_PREFIX:
	case PB_TEST_SUFFIX:
	case PB_TEST_PREFIX_FOLDED:
	case PB_TEST_SUFFIX_FOLDED:
	case PB_TEST_TEXT_FOLDED:
		ret.from = pb_builder_add_text(m, t->text.ptr, t->text.len);
		ret.n = (uint32_t)t->text.len;
		break;
	case PB_TEST_WILDCARD:
		return make_wildcard(m, &t->wildcard);
	case PB_TEST_NUMBER:
		GROW(m->numbers, m->n_numbers, m->numbers_size);
		ret.from = (uint32_t)m->n_numbers;
		m->numbers[m->n_numbers++] = pb_number_copy(t->number);
		break;
	case PB_TEST_RANGE:
		GROW(m->ranges, m->n_ranges, m->ranges_size);
		ret.from = (uint32_t)m->n_ranges;
		m->ranges[m->n_ranges] = t->range;
		m->ranges[m->n_ranges].low = pb_number_copy(t->range.low);
		m->ranges[m->n_ranges++].high = pb_number_copy(t->range.high);
		break;
	case PB_TEST_CIDR:
		GROW(m->cidrs, m->n_cidrs, m->cidrs_size);
		ret.from = (uint32_t)m->n_cidrs;
		m->cidrs[m->n_cidrs++] = t->cidr;
		break;
	case PB_TEST_NONE_OF:
		ret.from = add_tests(m, t->none_of.tests, t->none_of.n);
		ret.n = (uint32_t)t->none_of.n;
		break;
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
	case PB_TEST_EXISTS:
	case PB_TEST_ABSENT:
	case PB_TEST_OP_MAX:
		break;
	}
	return ret;
}

/* The tests get consecutive places; what is inside an anything-but comes behind. */
static uint32_t
add_tests(struct pb_matcher *m, const struct pb_test *tests, size_t n)
{
	uint32_t first = (uint32_t)m->n_tests;

	for (size_t i = 0; i < n; i++) {
		GROW(m->tests, m->n_tests, m->tests_size);
		m->n_tests++;
	}
	for (size_t i = 0; i < n; i++) {
		struct pb_set_test made = make_test(m, &tests[i]);
		m->tests[first + i] = made;
	}
	return first;
}

/* Sizes, to go back to. */
struct mark {
	size_t n_tests, texts, n_numbers, n_ranges, n_cidrs, n_wildcards, n_pieces;
};

static struct mark
mark_of(const struct pb_matcher *m)
{
	return (struct mark){m->n_tests, m->texts.len, m->n_numbers, m->n_ranges, m->n_cidrs,
	    m->n_wildcards, m->n_pieces};
}

static void
go_back(struct pb_matcher *m, const struct mark *k)
{
	m->n_tests = k->n_tests;
	m->texts.len = k->texts;
	if (m->n_numbers > k->n_numbers || m->n_ranges > k->n_ranges)
		pb_set_cut_numbers(m, k->n_numbers, k->n_ranges);
	m->n_cidrs = k->n_cidrs;
	m->n_wildcards = k->n_wildcards;
	m->n_pieces = k->n_pieces;
}

static bool are_tests_equal(const struct pb_matcher *m, uint32_t a, uint32_t b, uint32_t n);

static bool
is_number_equal(struct pb_number a, struct pb_number b)
{
	return a.kind == b.kind && pb_number_compare(a, b) == 0;
}

static bool
is_range_equal(const struct pb_range *a, const struct pb_range *b)
{
	return a->has_low == b->has_low && a->has_high == b->has_high &&
	    a->is_low_in == b->is_low_in && a->is_high_in == b->is_high_in &&
	    is_number_equal(a->low, b->low) && is_number_equal(a->high, b->high);
}

static bool
is_wildcard_equal(const struct pb_matcher *m, uint32_t a, uint32_t b)
{
	const struct pb_set_wildcard *x = &m->wildcards[a], *y = &m->wildcards[b];

	if (x->n_pieces != y->n_pieces)
		return false;
	for (uint32_t i = 0; i < x->n_pieces; i++) {
		const struct pb_set_piece *p = &m->pieces[x->pieces + i];
		const struct pb_set_piece *q = &m->pieces[y->pieces + i];
		if (!pb_str_eq(pb_set_text(m, p->text, p->len), pb_set_text(m, q->text, q->len)))
			return false;
	}
	return true;
}

static bool
is_test_equal(const struct pb_matcher *m, const struct pb_set_test *a, const struct pb_set_test *b)
{
	if (a->op != b->op || a->n != b->n)
		return false;
	switch ((enum pb_test_op)a->op) {
	case PB_TEST_TEXT:
	case PB_TEST_PREFIX:
	case PB_TEST_SUFFIX:
	case PB_TEST_PREFIX_FOLDED:
	case PB_TEST_SUFFIX_FOLDED:
	case PB_TEST_TEXT_FOLDED:
		return pb_str_eq(pb_set_text(m, a->from, a->n), pb_set_text(m, b->from, b->n));
	case PB_TEST_NUMBER:
		return is_number_equal(m->numbers[a->from], m->numbers[b->from]);
	case PB_TEST_RANGE:
		return is_range_equal(&m->ranges[a->from], &m->ranges[b->from]);
	case PB_TEST_CIDR:
		return m->cidrs[a->from].family == m->cidrs[b->from].family &&
		    m->cidrs[a->from].bits == m->cidrs[b->from].bits &&
		    memcmp(m->cidrs[a->from].net, m->cidrs[b->from].net, sizeof(m->cidrs[0].net)) ==
		    0;
	case PB_TEST_WILDCARD:
		return is_wildcard_equal(m, a->from, b->from);
	case PB_TEST_NONE_OF:
		return are_tests_equal(m, a->from, b->from, a->n);
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
	case PB_TEST_EXISTS:
	case PB_TEST_ABSENT:
	case PB_TEST_OP_MAX:
		break;
	}
	return true;
}

static bool
are_tests_equal(const struct pb_matcher *m, uint32_t a, uint32_t b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!is_test_equal(m, &m->tests[a + i], &m->tests[b + i]))
			return false;
	return true;
}

/* Equal conditions have equal hashes; others may. */
static uint32_t
hash_condition(const struct pb_matcher *m, const struct pb_set_condition *c)
{
	uint64_t h = ((uint64_t)c->path << 32 | c->n_tests) * PB_FLAT_MIX;

	for (uint32_t i = 0; i < c->n_tests; i++) {
		const struct pb_set_test *t = &m->tests[c->tests + i];
		struct pb_str s = {"", 0};
		bool is_text = t->op == PB_TEST_TEXT || t->op == PB_TEST_PREFIX ||
		    t->op == PB_TEST_SUFFIX || t->op == PB_TEST_PREFIX_FOLDED ||
		    t->op == PB_TEST_SUFFIX_FOLDED || t->op == PB_TEST_TEXT_FOLDED;
		char key[PB_NUMBER_KEY_MAX];
		if (is_text) {
			s = pb_set_text(m, t->from, t->n);
		} else if (t->op == PB_TEST_NUMBER) {
			s = (struct pb_str){key, pb_number_key(m->numbers[t->from], s, key)};
		} else if (t->op == PB_TEST_RANGE) {
			const struct pb_range *r = &m->ranges[t->from];
			s = (struct pb_str){
			    key, pb_number_key(r->has_low ? r->low : r->high, s, key)};
		} else if (t->op == PB_TEST_WILDCARD) {
			const struct pb_set_wildcard *w = &m->wildcards[t->from];
			const struct pb_set_piece *first = &m->pieces[w->pieces];
			const struct pb_set_piece *last = first + w->n_pieces - 1;
			s = pb_set_text(m, first->text, last->text + last->len - first->text);
		} else if (t->op == PB_TEST_NONE_OF && m->tests[t->from].op != PB_TEST_NUMBER &&
		    m->tests[t->from].op != PB_TEST_WILDCARD) {
			s = pb_set_text(m, m->tests[t->from].from, m->tests[t->from].n);
		} else if (t->op == PB_TEST_CIDR) {
			s = (struct pb_str){(const char *)m->cidrs[t->from].net, 16};
		}
		h = pb_flat_hash(s.ptr, s.len, h + t->op);
	}
	return (uint32_t)h;
}

/* Slots go where their hashes say, in their order, so that a large table grows in two streams. */
static void
grow_known(struct pb_matcher_builder *b)
{
	struct pb_known_condition *old = b->known;
	size_t n = old == NULL ? 0 : (size_t)1 << b->known_bits,
	       mask = ((size_t)2 << b->known_bits) - 1;

	b->known_bits++;
	b->known = pb_calloc(mask + 1, sizeof(*b->known));
	for (size_t i = 0; i < n; i++) {
		size_t at = old[i].hash;
		if (old[i].at == 0)
			continue;
		while (b->known[at & mask].at != 0)
			at++;
		b->known[at & mask] = old[i];
	}
	free(old);
}

static bool
is_condition_equal(
    const struct pb_matcher *m, const struct pb_set_condition *a, const struct pb_set_condition *b)
{
	return a->path == b->path && a->n_tests == b->n_tests &&
	    are_tests_equal(m, a->tests, b->tests, a->n_tests);
}

uint32_t
pb_builder_add_condition(struct pb_matcher_builder *b, const struct pb_field *f)
{
	struct pb_matcher *m = b->m;
	struct mark mark = mark_of(m);
	struct pb_set_condition c = {
	    .path = pb_flat_tree_add(&m->tree, (struct pb_str){f->path, f->path_len}),
	    .n_tests = (uint32_t)f->n_tests,
	    .may_be_absent = f->may_be_absent,
	    .may_be_present = f->may_be_present,
	};

	c.tests = add_tests(m, f->tests, f->n_tests);
	if (2 * (m->n_conditions + 1) > (size_t)1 << b->known_bits)
		grow_known(b);
	uint32_t hash = hash_condition(m, &c);
	size_t mask = ((size_t)1 << b->known_bits) - 1, at = hash;
	for (; b->known[at & mask].at != 0; at++) {
		const struct pb_known_condition *k = &b->known[at & mask];
		if (k->hash == hash && is_condition_equal(m, &m->conditions[k->at - 1], &c)) {
			go_back(m, &mark);
			return k->at - 1;
		}
	}
	b->known[at & mask] =
	    (struct pb_known_condition){.at = (uint32_t)m->n_conditions + 1, .hash = hash};
	GROW(m->conditions, m->n_conditions + 1, m->conditions_size);
	m->conditions[m->n_conditions] = c;
	return (uint32_t)m->n_conditions++;
}

void
pb_builder_add_branch(
    struct pb_matcher_builder *b, const struct pb_branch *br, const uint32_t *conditions)
{
	struct pb_matcher *m = b->m;

	GROW(m->branches, m->n_branches + 1, m->branches_size);
	m->branches[m->n_branches++] =
	    (struct pb_set_branch){(uint32_t)m->n_rules, (uint32_t)m->n_branch_conditions};
	for (size_t i = 0; i < br->n; i++) {
		uint32_t at = conditions[br->fields[i]];
		GROW(m->branch_conditions, m->n_branch_conditions, m->branch_conditions_size);
		m->branch_conditions[m->n_branch_conditions++] = at;
		m->conditions[at].n_branches++;
	}
}

void
pb_builder_end_rule(struct pb_matcher_builder *b)
{
	b->m->n_rules++;
}

int
pb_builder_check_room(const struct pb_matcher_builder *b, struct pb_error *err)
{
	const struct pb_matcher *m = b->m;

	/* A pattern adds less than 2^20 of anything, and at most 2^26 bytes. */
	size_t words = m->n_branch_conditions + 2 * m->n_branches + 3 * m->n_conditions;
	if (m->n_rules >= UINT32_MAX - 1 || words > INT32_MAX - (1 << 22) ||
	    m->texts.len > UINT32_MAX - (1U << 26) || m->n_tests > UINT32_MAX - (1U << 20))
		return pb_fail(
		    err, PB_LIMIT, "too many patterns in one matcher: %zu are in it", m->n_rules);
	return 0;
}

struct pb_matcher_builder *
pb_matcher_builder_new(void)
{
	struct pb_matcher_builder *b = pb_calloc(1, sizeof(*b));

	b->m = pb_calloc(1, sizeof(*b->m));
	b->m->magic = PB_MATCHER_MAGIC;
	pb_flat_tree_init(&b->m->tree);
	(void)pb_buf_addc(&b->m->texts, '\0'); /* so that an empty text has a place */
	b->known_bits = 3;
	grow_known(b);
	return b;
}

void
pb_matcher_builder_free(struct pb_matcher_builder *b)
{
	if (b == NULL)
		return;
	pb_matcher_free(b->m);
	free(b->known);
	free(b);
}

uint32_t
pb_matcher_builder_want(struct pb_matcher_builder *b, struct pb_str path)
{
	return pb_flat_tree_add(&b->m->tree, path);
}

void
pb_matcher_builder_stop_early(struct pb_matcher_builder *b)
{
	b->m->stops_early = true;
}

int
pb_matcher_builder_add(
    struct pb_matcher_builder *b, const struct pb_pattern *p, struct pb_error *err)
{
	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	if (pb_builder_check_room(b, err) < 0)
		return -1;

	PB_CLEANUP(pb_freep) uint32_t *conditions = pb_calloc(p->n_fields, sizeof(*conditions));
	for (size_t i = 0; i < p->n_fields; i++)
		conditions[i] = pb_builder_add_condition(b, &p->fields[i]);
	for (size_t i = 0; i < p->n_branches; i++)
		pb_builder_add_branch(b, &p->branches[i], conditions);
	pb_builder_end_rule(b);
	return 0;
}
