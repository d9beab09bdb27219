/*
 * The tests of a set, on one value each.  test.c has the same for patterns by themselves, on values that
 * are parsed.
 */
#include "pattern/fits.h"

#include "pattern/number.h"

struct sides {
	const struct pb_matcher *m;
	struct pb_flat *f;
};

static bool
starts_with(struct pb_str s, struct pb_str with)
{
	return s.len >= with.len && memcmp(s.ptr, with.ptr, with.len) == 0;
}

static bool
ends_with(struct pb_str s, struct pb_str with)
{
	return s.len >= with.len && memcmp(s.ptr + s.len - with.len, with.ptr, with.len) == 0;
}

/* The first piece is at the start, the last at the end, the others in order between them. */
static bool
wildcard_fits(const struct pb_matcher *m, const struct pb_set_wildcard *w, struct pb_str s)
{
	const struct pb_set_piece *piece = &m->pieces[w->pieces];
	struct pb_str first = pb_set_text(m, piece[0].text, piece[0].len);
	struct pb_str last =
	    pb_set_text(m, piece[w->n_pieces - 1].text, piece[w->n_pieces - 1].len);

	if (w->n_pieces == 1)
		return pb_str_eq(s, first);
	if (s.len < first.len + last.len || !starts_with(s, first) || !ends_with(s, last))
		return false;

	const char *at = s.ptr + first.len, *end = s.ptr + s.len - last.len;
	for (uint32_t i = 1; i + 1 < w->n_pieces; i++) {
		struct pb_str want = pb_set_text(m, piece[i].text, piece[i].len);
		const char *found = memmem(at, (size_t)(end - at), want.ptr, want.len);
		if (found == NULL)
			return false;
		at = found + want.len;
	}
	return true;
}

static bool
cidr_fits(const struct pb_cidr *c, struct pb_str s)
{
	unsigned char address[16];

	if (!pb_cidr_read(c->family, s, address))
		return false;
	for (unsigned bit = 0; bit < c->bits; bit += 8) {
		unsigned n = c->bits - bit < 8 ? c->bits - bit : 8;
		if ((address[bit / 8] ^ c->net[bit / 8]) >> (8 - n) != 0)
			return false;
	}
	return true;
}

static bool
range_fits(const struct pb_range *r, struct pb_str number)
{
	if (r->has_low) {
		int order = pb_number_compare_text(number, r->low);
		if (order < 0 || (order == 0 && !r->is_low_in))
			return false;
	}
	if (r->has_high) {
		int order = pb_number_compare_text(number, r->high);
		if (order > 0 || (order == 0 && !r->is_high_in))
			return false;
	}
	return true;
}

static bool
text_fits(const struct sides *r, const struct pb_set_test *t, struct pb_flat_leaf *l)
{
	struct pb_str want = pb_set_text(r->m, t->from, t->n);

	switch ((enum pb_test_op)t->op) {
	case PB_TEST_TEXT:
		return pb_str_eq(pb_flat_text(r->f, l), want);
	case PB_TEST_PREFIX:
		return starts_with(pb_flat_text(r->f, l), want);
	case PB_TEST_SUFFIX:
		return ends_with(pb_flat_text(r->f, l), want);
	case PB_TEST_TEXT_FOLDED:
		return pb_str_eq(pb_flat_folded(r->f, l), want);
	case PB_TEST_PREFIX_FOLDED:
		return starts_with(pb_flat_folded(r->f, l), want);
	case PB_TEST_SUFFIX_FOLDED:
		return ends_with(pb_flat_folded(r->f, l), want);
	case PB_TEST_WILDCARD:
		return wildcard_fits(r->m, &r->m->wildcards[t->from], pb_flat_text(r->f, l));
	case PB_TEST_CIDR:
		return cidr_fits(&r->m->cidrs[t->from], pb_flat_text(r->f, l));
	case PB_TEST_NUMBER:
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
	case PB_TEST_RANGE:
	case PB_TEST_EXISTS:
	case PB_TEST_ABSENT:
	case PB_TEST_NONE_OF:
	case PB_TEST_OP_MAX:
		break;
	}
	return false;
}

static bool
plain_fits(const struct sides *r, const struct pb_set_test *t, struct pb_flat_leaf *l)
{
	struct pb_str number = {l->text, l->len};

	switch ((enum pb_flat_type)l->type) {
	case PB_FLAT_TEXT:
		return text_fits(r, t, l);
	case PB_FLAT_NUMBER:
		if (t->op == PB_TEST_NUMBER)
			return pb_number_compare_text(number, r->m->numbers[t->from]) == 0;
		return t->op == PB_TEST_RANGE && range_fits(&r->m->ranges[t->from], number);
	case PB_FLAT_TRUE:
		return t->op == PB_TEST_TRUE;
	case PB_FLAT_FALSE:
		return t->op == PB_TEST_FALSE;
	case PB_FLAT_NULL:
		return t->op == PB_TEST_NULL;
	}
	return false;
}

static bool
test_fits(const struct sides *r, const struct pb_set_test *t, struct pb_flat_leaf *l)
{
	if (t->op == PB_TEST_EXISTS)
		return true;
	if (t->op != PB_TEST_NONE_OF)
		return plain_fits(r, t, l);
	for (uint32_t i = 0; i < t->n; i++)
		if (plain_fits(r, &r->m->tests[t->from + i], l))
			return false;
	return true;
}

bool
pb_leaf_fits(const struct pb_matcher *m, struct pb_flat *f, const struct pb_set_condition *c,
    struct pb_flat_leaf *l)
{
	const struct sides sides = {m, f};

	for (uint32_t i = 0; i < c->n_tests; i++)
		if (test_fits(&sides, &m->tests[c->tests + i], l))
			return true;
	return false;
}
