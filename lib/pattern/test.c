/*
 * Tests of one value: judging.  Compiling them is in test_compile.c.
 */
#include "pattern/test.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/fold.h"

static bool
has_suffix(struct pb_str s, struct pb_str suffix)
{
	return s.len >= suffix.len &&
	    memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0;
}

/* The first piece is at the start, the last at the end, the others in order between them. */
static bool
wildcard_passes(const struct pb_wildcard *w, struct pb_str s)
{
	struct pb_str first = w->pieces[0], last = w->pieces[w->n_pieces - 1];

	if (w->n_pieces == 1)
		return pb_str_eq(s, first);
	if (s.len < first.len + last.len || !pb_str_has_prefix(s, first) || !has_suffix(s, last))
		return false;

	const char *at = s.ptr + first.len, *end = s.ptr + s.len - last.len;
	for (size_t i = 1; i + 1 < w->n_pieces; i++) {
		struct pb_str piece = w->pieces[i];
		const char *found = memmem(at, (size_t)(end - at), piece.ptr, piece.len);
		if (found == NULL)
			return false;
		at = found + piece.len;
	}
	return true;
}

bool
pb_cidr_read(int family, struct pb_str s, unsigned char ret[16])
{
	char text[INET6_ADDRSTRLEN];

	if (s.len == 0 || s.len >= sizeof(text) ||
	    (family == AF_INET6 && memchr(s.ptr, '.', s.len) != NULL))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return inet_pton(family, text, ret) == 1;
}

static bool
cidr_passes(const struct pb_cidr *c, struct pb_str s)
{
	unsigned char address[16];

	if (!pb_cidr_read(c->family, s, address))
		return false;

	size_t whole = c->bits / 8;
	unsigned rest = c->bits % 8;
	if (memcmp(address, c->net, whole) != 0)
		return false;
	return rest == 0 || ((address[whole] ^ c->net[whole]) >> (8 - rest)) == 0;
}

static bool
range_passes(const struct pb_range *r, struct pb_str number)
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
number_passes(const struct pb_test *t, const json_t *value)
{
	char room[PB_EXACT_ROOM];

	if (t->op == PB_TEST_NUMBER)
		return pb_number_compare_text(pb_exact_digits(value, room), t->number) == 0;
	return t->op == PB_TEST_RANGE && range_passes(&t->range, pb_exact_digits(value, room));
}

static bool
folded_passes(const struct pb_test *t, struct pb_str s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf folded = PB_BUF_INIT;
	struct pb_str want = {t->text.ptr, t->text.len};

	pb_fold_add(&folded, s);
	struct pb_str have = {folded.len > 0 ? folded.ptr : "", folded.len};
	if (t->op == PB_TEST_PREFIX_FOLDED)
		return pb_str_has_prefix(have, want);
	if (t->op == PB_TEST_SUFFIX_FOLDED)
		return has_suffix(have, want);
	return pb_str_eq(have, want);
}

static bool
text_passes(const struct pb_test *t, struct pb_str s)
{
	struct pb_str want = {NULL, 0};

	switch (t->op) {
	case PB_TEST_TEXT:
	case PB_TEST_PREFIX:
	case PB_TEST_SUFFIX:
		want = (struct pb_str){t->text.ptr, t->text.len};
		return t->op == PB_TEST_TEXT  ? pb_str_eq(s, want)
		    : t->op == PB_TEST_PREFIX ? pb_str_has_prefix(s, want)
					      : has_suffix(s, want);
	case PB_TEST_PREFIX_FOLDED:
	case PB_TEST_SUFFIX_FOLDED:
	case PB_TEST_TEXT_FOLDED:
		return folded_passes(t, s);
	case PB_TEST_WILDCARD:
		return wildcard_passes(&t->wildcard, s);
	case PB_TEST_CIDR:
		return cidr_passes(&t->cidr, s);
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
passes_none(const struct pb_test *t, const json_t *value)
{
	for (size_t i = 0; i < t->none_of.n; i++)
		if (pb_test_passes(&t->none_of.tests[i], value))
			return false;
	return true;
}

bool
pb_test_passes(const struct pb_test *t, const json_t *value)
{
	if (value == NULL || json_is_object(value) || json_is_array(value))
		return false;
	if (t->op == PB_TEST_EXISTS)
		return true;
	if (t->op == PB_TEST_NONE_OF)
		return passes_none(t, value);

	switch (json_typeof(value)) {
	case JSON_STRING:
		if (pb_exact_is_long(value))
			return number_passes(t, value);
		return text_passes(
		    t, (struct pb_str){json_string_value(value), json_string_length(value)});
	case JSON_INTEGER:
	case JSON_REAL:
		return number_passes(t, value);
	case JSON_NULL:
		return t->op == PB_TEST_NULL;
	case JSON_TRUE:
		return t->op == PB_TEST_TRUE;
	case JSON_FALSE:
		return t->op == PB_TEST_FALSE;
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return false;
}

void
pb_test_fini(struct pb_test *t)
{
	switch (t->op) {
	case PB_TEST_TEXT:
	case PB_TEST_PREFIX:
	case PB_TEST_SUFFIX:
	case PB_TEST_PREFIX_FOLDED:
	case PB_TEST_SUFFIX_FOLDED:
	case PB_TEST_TEXT_FOLDED:
		free(t->text.ptr);
		break;
	case PB_TEST_WILDCARD:
		free(t->wildcard.block);
		free(t->wildcard.pieces);
		break;
	case PB_TEST_NONE_OF:
		for (size_t i = 0; i < t->none_of.n; i++)
			pb_test_fini(&t->none_of.tests[i]);
		free(t->none_of.tests);
		break;
	case PB_TEST_NUMBER:
		pb_number_fini(&t->number);
		break;
	case PB_TEST_RANGE:
		pb_number_fini(&t->range.low);
		pb_number_fini(&t->range.high);
		break;
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
	case PB_TEST_CIDR:
	case PB_TEST_EXISTS:
	case PB_TEST_ABSENT:
	case PB_TEST_OP_MAX:
		break;
	}
}
