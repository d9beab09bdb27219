/*
 * A test of texts says how a text begins and how it ends, and maybe that this is all of it.  Two such
 * tests exclude each other when they begin, or end, otherwise; and one implies a prefix, suffix or wildcard
 * that a text passes which has something that is no text where it leaves open what stands there.
 */
#include "pattern/implies.h"

#include <arpa/inet.h>

#include "pattern/fold.h"
#include "pattern/sample.h"

/* A byte that is in no UTF-8, so in no test. */
#define OPEN '\xff'

static bool
is_one_value(const struct pb_test *t)
{
	return t->op == PB_TEST_TEXT || t->op == PB_TEST_NUMBER || t->op == PB_TEST_NULL ||
	    t->op == PB_TEST_TRUE || t->op == PB_TEST_FALSE;
}

static bool
is_folded(const struct pb_test *t)
{
	return t->op == PB_TEST_TEXT_FOLDED || t->op == PB_TEST_PREFIX_FOLDED ||
	    t->op == PB_TEST_SUFFIX_FOLDED;
}

static bool
is_of_texts(const struct pb_test *t)
{
	return t->op == PB_TEST_TEXT || t->op == PB_TEST_PREFIX || t->op == PB_TEST_SUFFIX ||
	    t->op == PB_TEST_WILDCARD || t->op == PB_TEST_CIDR || is_folded(t);
}

static bool
is_of_numbers(const struct pb_test *t)
{
	return t->op == PB_TEST_NUMBER || t->op == PB_TEST_RANGE;
}

/* Does the one value of a pass b? */
static bool
value_passes(const struct pb_test *a, const struct pb_test *b)
{
	struct pb_samples s = {.n = 0};

	pb_samples_add_test(&s, a);
	bool ret = pb_test_passes(b, s.values[0]);
	pb_samples_fini(&s);
	return ret;
}

/* --- exclusion */

/* How the texts of a test begin and end. */
struct ends {
	struct pb_str lead, tail;
	bool is_all; /* each is the whole text */
};

static struct ends
ends_of(const struct pb_test *t)
{
	struct pb_str text = {t->text.ptr, t->text.len}, open = {"", 0};

	switch (t->op) {
	case PB_TEST_TEXT:
	case PB_TEST_TEXT_FOLDED:
		return (struct ends){text, text, true};
	case PB_TEST_PREFIX:
	case PB_TEST_PREFIX_FOLDED:
		return (struct ends){text, open, false};
	case PB_TEST_SUFFIX:
	case PB_TEST_SUFFIX_FOLDED:
		return (struct ends){open, text, false};
	case PB_TEST_WILDCARD:
		return (struct ends){t->wildcard.pieces[0],
		    t->wildcard.pieces[t->wildcard.n_pieces - 1], t->wildcard.n_pieces == 1};
	case PB_TEST_NUMBER:
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
	case PB_TEST_RANGE:
	case PB_TEST_CIDR:
	case PB_TEST_EXISTS:
	case PB_TEST_ABSENT:
	case PB_TEST_NONE_OF:
	case PB_TEST_OP_MAX:
		break;
	}
	return (struct ends){open, open, false};
}

/* Two leads, or two tails, of one text are one within the other, when case is folded in both. */
static bool
is_end_possible(struct pb_str a, bool is_a_all, struct pb_str b, bool is_b_all, bool is_tail)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf x = PB_BUF_INIT, y = PB_BUF_INIT;

	pb_fold_add(&x, a);
	pb_fold_add(&y, b);
	size_t n = x.len < y.len ? x.len : y.len;
	if ((is_a_all && y.len > x.len) || (is_b_all && x.len > y.len))
		return false;
	return n == 0 ||
	    memcmp(x.ptr + (is_tail ? x.len - n : 0), y.ptr + (is_tail ? y.len - n : 0), n) == 0;
}

/* An address has no other characters, whichever family it is of. */
static bool
may_be_in_address(struct pb_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '\0' || strchr("0123456789abcdefABCDEF:.", s.ptr[i]) == NULL)
			return false;
	return true;
}

static bool
are_texts_apart(const struct pb_test *a, const struct pb_test *b)
{
	struct ends x = ends_of(a), y = ends_of(b);

	if (a->op == PB_TEST_CIDR)
		return !may_be_in_address(y.lead) || !may_be_in_address(y.tail);
	if (b->op == PB_TEST_CIDR)
		return !may_be_in_address(x.lead) || !may_be_in_address(x.tail);
	return !is_end_possible(x.lead, x.is_all, y.lead, y.is_all, false) ||
	    !is_end_possible(x.tail, x.is_all, y.tail, y.is_all, true);
}

bool
pb_test_excludes(const struct pb_test *a, const struct pb_test *b)
{
	if (a->op == PB_TEST_ABSENT || b->op == PB_TEST_ABSENT)
		return a->op != b->op;
	if (is_one_value(a))
		return !value_passes(a, b);
	if (is_one_value(b))
		return !value_passes(b, a);
	if (is_of_texts(a) && is_of_texts(b))
		return are_texts_apart(a, b);
	return (is_of_texts(a) && is_of_numbers(b)) || (is_of_numbers(a) && is_of_texts(b));
}

/* --- implication */

/* Of several fold cases only those that are of one already; see OPEN. */
static void
add_open_text(const struct pb_test *t, struct pb_buf *ret)
{
	(void)pb_buf_adds(ret, "");
	if (t->op == PB_TEST_WILDCARD) {
		for (size_t i = 0; i < t->wildcard.n_pieces; i++) {
			if (i > 0)
				(void)pb_buf_addc(ret, OPEN);
			(void)pb_buf_add(ret, t->wildcard.pieces[i].ptr, t->wildcard.pieces[i].len);
		}
		return;
	}
	if (t->op == PB_TEST_SUFFIX || t->op == PB_TEST_SUFFIX_FOLDED)
		(void)pb_buf_addc(ret, OPEN);
	(void)pb_buf_add(ret, t->text.ptr, t->text.len);
	if (t->op == PB_TEST_PREFIX || t->op == PB_TEST_PREFIX_FOLDED)
		(void)pb_buf_addc(ret, OPEN);
}

static bool
passes_all_texts(const struct pb_test *t)
{
	return t->op == PB_TEST_WILDCARD ? t->wildcard.n_pieces == 2 &&
		t->wildcard.pieces[0].len == 0 && t->wildcard.pieces[1].len == 0
					 : t->op != PB_TEST_TEXT && t->op != PB_TEST_TEXT_FOLDED &&
		t->op != PB_TEST_CIDR && t->text.len == 0;
}

static bool
is_network_inside(const struct pb_cidr *a, const struct pb_cidr *b)
{
	if (a->family != b->family || a->bits < b->bits)
		return false;
	for (unsigned bit = 0; bit < b->bits; bit++)
		if (((a->net[bit / 8] ^ b->net[bit / 8]) >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

static bool
text_implies(const struct pb_test *a, const struct pb_test *b)
{
	if (!is_of_texts(b))
		return false;
	if (b->op == PB_TEST_CIDR)
		return a->op == PB_TEST_CIDR && is_network_inside(&a->cidr, &b->cidr);
	if (passes_all_texts(b))
		return true;
	if (a->op == PB_TEST_CIDR || (is_folded(a) && !is_folded(b)))
		return false;
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	add_open_text(a, &text);
	PB_JSON json_t *value = json_stringn_nocheck(text.ptr, text.len);
	return pb_test_passes(b, value);
}

static bool
is_range_inside(const struct pb_range *a, const struct pb_range *b)
{
	if (b->has_low) {
		int order = a->has_low ? pb_number_compare(a->low, b->low) : -1;
		if (order < 0 || (order == 0 && a->is_low_in && !b->is_low_in))
			return false;
	}
	if (b->has_high) {
		int order = a->has_high ? pb_number_compare(a->high, b->high) : 1;
		if (order > 0 || (order == 0 && a->is_high_in && !b->is_high_in))
			return false;
	}
	return true;
}

/* Is each value that b leaves out one that does not pass a? */
static bool
leaves_out_no_more(const struct pb_test *a, const struct pb_test *b)
{
	for (size_t i = 0; i < b->none_of.n; i++) {
		const struct pb_test *out = &b->none_of.tests[i];
		bool is_out = a->op != PB_TEST_NONE_OF && pb_test_excludes(a, out);
		for (size_t k = 0; a->op == PB_TEST_NONE_OF && k < a->none_of.n && !is_out; k++)
			is_out = pb_test_implies(out, &a->none_of.tests[k]);
		if (!is_out)
			return false;
	}
	return true;
}

bool
pb_test_implies(const struct pb_test *a, const struct pb_test *b)
{
	if (a->op == PB_TEST_ABSENT || b->op == PB_TEST_ABSENT)
		return a->op == b->op;
	if (b->op == PB_TEST_EXISTS)
		return true;
	if (a->op == PB_TEST_EXISTS)
		return false;
	if (is_one_value(a))
		return value_passes(a, b);
	if (b->op == PB_TEST_NONE_OF)
		return leaves_out_no_more(a, b);
	if (a->op == PB_TEST_RANGE)
		return b->op == PB_TEST_RANGE && is_range_inside(&a->range, &b->range);
	return is_of_texts(a) && text_implies(a, b);
}
