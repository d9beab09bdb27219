/*
 * How patterns relate: known pairs, and that every witness does what it is said to.
 */
#include "pattern/relate.h"

#include <stdlib.h>

#include "../runner.h"
#include "help.h"
#include "random.h"

static const struct {
	const char *a, *b;
	enum pb_answer contained, overlaps;
} pairs[] = {
    {"{\"a\":[1]}", "{\"a\":[1,2]}", PB_YES, PB_YES},
    {"{\"a\":[1,2]}", "{\"a\":[1]}", PB_NO, PB_YES},
    {"{\"a\":[1],\"b\":[2]}", "{\"a\":[1]}", PB_YES, PB_YES},
    {"{\"a\":[1]}", "{\"a\":[1],\"b\":[2]}", PB_NO, PB_YES},
    {"{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":[{\"prefix\":\"a\"}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"prefix\":\"a\"}]}", "{\"a\":[{\"prefix\":\"ab\"}]}", PB_NO, PB_YES},
    {"{\"a\":[\"abc\"]}", "{\"a\":[{\"wildcard\":\"a*\"}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"numeric\":[\">\",0,\"<\",5]}]}", "{\"a\":[{\"numeric\":[\">=\",0]}]}", PB_YES,
	PB_YES},
    {"{\"a\":[{\"numeric\":[\">=\",0]}]}", "{\"a\":[{\"numeric\":[\">\",0]}]}", PB_NO, PB_YES},
    {"{\"a\":[1]}", "{\"a\":[{\"exists\":false}]}", PB_NO, PB_NO},
    {"{\"a\":[1]}", "{\"a\":[{\"exists\":true}]}", PB_YES, PB_YES},
    {"{\"a\":[1]}", "{\"a\":[2]}", PB_NO, PB_YES}, /* in an array */
    {"{\"$or\":[{\"a\":[1]},{\"b\":[1]}]}", "{\"$or\":[{\"b\":[1]},{\"a\":[1,2]}]}", PB_YES,
	PB_YES},
    {"{\"a.b\":[1]}", "{\"a\":{\"b\":[1]}}", PB_YES, PB_YES},
    {"{\"a\":[9007199254740993.0]}", "{\"a\":[9007199254740993]}", PB_YES, PB_YES},
    {"{\"a\":[9007199254740993.0]}", "{\"a\":[9007199254740992]}", PB_NO, PB_YES},
    {"{\"a\":[18446744073709551615]}", "{\"a\":[18446744073709551614]}", PB_NO, PB_YES},
    {"{\"a\":[18446744073709551615]}", "{\"a\":[{\"numeric\":[\">\",18446744073709551614]}]}",
	PB_YES, PB_YES},
    {"{\"a\":[{\"numeric\":[\">\",18446744073709551614]}]}",
	"{\"a\":[{\"numeric\":[\">\",18446744073709551615]}]}", PB_NO, PB_YES},
    /* texts and numbers are apart, and so are texts that begin or end otherwise */
    {"{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":[{\"anything-but\":[1,2]}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":[{\"anything-but\":[\"ac\",\"a\"]}]}", PB_YES,
	PB_YES},
    {"{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":[{\"anything-but\":[\"abc\"]}]}", PB_NO, PB_YES},
    {"{\"a\":[{\"suffix\":\"ab\"}]}", "{\"a\":[{\"anything-but\":{\"suffix\":[\"a\",\"aab\"]}}]}",
	PB_NO, PB_YES},
    {"{\"a\":[{\"suffix\":\"ab\"}]}", "{\"a\":[{\"anything-but\":{\"suffix\":[\"a\",\"bb\"]}}]}",
	PB_YES, PB_YES},
    {"{\"a\":[{\"equals-ignore-case\":\"aB\"}]}", "{\"a\":[{\"anything-but\":{\"prefix\":\"b\"}}]}",
	PB_YES, PB_YES},
    {"{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "{\"a\":[{\"anything-but\":\"x\"}]}", PB_YES,
	PB_YES},
    {"{\"a\":[{\"anything-but\":{\"prefix\":\"x\"}}]}",
	"{\"a\":[{\"anything-but\":[\"xa\",\"xb\"]}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"anything-but\":\"x\"}]}", "{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", PB_NO,
	PB_YES},
    {"{\"a\":[{\"numeric\":[\">\",5]}]}", "{\"a\":[{\"anything-but\":[1,5]}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"numeric\":[\">\",5]}]}", "{\"a\":[{\"anything-but\":[1,6]}]}", PB_NO, PB_YES},
    {"{\"a\":[{\"wildcard\":\"a*b\"}]}", "{\"a\":[{\"prefix\":\"a\"}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"wildcard\":\"ab*c*d\"}]}", "{\"a\":[{\"wildcard\":\"a*d\"}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"wildcard\":\"a*d\"}]}", "{\"a\":[{\"wildcard\":\"ab*d\"}]}", PB_NO, PB_YES},
    {"{\"a\":[{\"prefix\":\"abc\"}]}", "{\"a\":[{\"wildcard\":\"a*\"}]}", PB_YES, PB_YES},
    {"{\"a\":[{\"prefix\":\"aB\"}]}", "{\"a\":[{\"prefix\":{\"equals-ignore-case\":\"Ab\"}}]}",
	PB_YES, PB_YES},
    {"{\"a\":[{\"prefix\":{\"equals-ignore-case\":\"ab\"}}]}", "{\"a\":[{\"prefix\":\"ab\"}]}",
	PB_NO, PB_YES},
    {"{\"a\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"a\":[{\"cidr\":\"10.0.0.77/8\"}]}", PB_YES,
	PB_YES},
    {"{\"a\":[{\"cidr\":\"10.0.0.0/8\"}]}", "{\"a\":[{\"anything-but\":\"host\"}]}", PB_YES,
	PB_YES},
    /* absence of one field, where no array could hold it beside the other fields */
    {"{\"a\":[1],\"b\":[1]}", "{\"a\":[{\"exists\":false}],\"c\":[1]}", PB_NO, PB_NO},
    {"{\"l\":{\"a\":[1]}}", "{\"l\":{\"a\":[{\"exists\":false}],\"b\":[1]}}", PB_NO, PB_YES},
    {"{\"l\":{\"a\":[1],\"b\":[2]}}", "{\"l\":{\"a\":[{\"exists\":false}]}}", PB_NO, PB_NO},
};

START_TEST(known_pairs_relate_as_they_should)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *a = help_pattern(pairs[_i].a);
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *b = help_pattern(pairs[_i].b);
	char *text = NULL;

	ck_assert_int_eq(pb_pattern_is_contained(a, b, &text), pairs[_i].contained);
	ck_assert_ptr_nonnull(text);
	free(text);
	ck_assert_int_eq(pb_pattern_overlaps(a, b, &text), pairs[_i].overlaps);
	ck_assert_ptr_nonnull(text);
	free(text);
}
END_TEST

typedef void make_fn(struct pb_rand *r, struct pb_buf *ret);

static struct pb_pattern *
make_pattern(struct pb_rand *r, make_fn *make)
{
	for (;;) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		struct pb_pattern *p = NULL;
		make(r, &text);
		if (pb_pattern_compile(pb_buf_str(&text), &p, NULL) == 0)
			return p;
	}
}

/* Returns how many of the two answers are open. */
static unsigned
check_pair(
    struct pb_rand *r, const struct pb_pattern *a, const struct pb_pattern *b, make_fn *make_event)
{
	PB_CLEANUP(pb_freep) char *text = NULL;
	PB_CLEANUP(pb_freep) char *shared = NULL;
	enum pb_answer contained = pb_pattern_is_contained(a, b, &text);
	enum pb_answer overlaps = pb_pattern_overlaps(a, b, &shared);

	ck_assert_int_eq(text != NULL, contained != PB_UNDECIDED);
	ck_assert_int_eq(shared != NULL, overlaps != PB_UNDECIDED);
	if (contained == PB_NO) {
		PB_JSON json_t *event = help_json(text);
		ck_assert(pb_pattern_match(a, event) && !pb_pattern_match(b, event));
	}
	if (overlaps == PB_YES) {
		PB_JSON json_t *event = help_json(shared);
		ck_assert(pb_pattern_match(a, event) && pb_pattern_match(b, event));
	}
	for (int i = 0; i < 20; i++) { /* a proof holds for any event */
		PB_CLEANUP(pb_buf_fini) struct pb_buf b_text = PB_BUF_INIT;
		make_event(r, &b_text);
		PB_JSON json_t *event = help_json(b_text.ptr);
		bool in_a = pb_pattern_match(a, event), in_b = pb_pattern_match(b, event);
		ck_assert(!(contained == PB_YES && in_a && !in_b));
		ck_assert(!(overlaps == PB_NO && in_a && in_b));
	}
	return (unsigned)(contained == PB_UNDECIDED) + (overlaps == PB_UNDECIDED);
}

static const struct {
	make_fn *pattern, *event;
	int rounds;
} kinds[] = {
    {random_pattern, random_event, 300},
    {random_field_pattern, random_field_event, 1500},
};

START_TEST(answers_hold_for_random_patterns)
{
	struct pb_rand r;
	unsigned n_open = 0;

	pb_rand_seed(&r, 4711);
	for (int round = 0; round < kinds[_i].rounds; round++) {
		PB_CLEANUP(pb_pattern_freep)
		struct pb_pattern *a = make_pattern(&r, kinds[_i].pattern);
		PB_CLEANUP(pb_pattern_freep)
		struct pb_pattern *b = make_pattern(&r, kinds[_i].pattern);
		n_open += check_pair(&r, a, b, kinds[_i].event);
		(void)check_pair(&r, a, a, kinds[_i].event);
	}
	/* Of random pairs few may stay open: 2 answers each, 5 in 100. */
	ck_assert_uint_le(n_open, (unsigned)kinds[_i].rounds / 10);
}
END_TEST

PB_SUITE(pattern_relate)
{
	pb_add_loop(s, known_pairs_relate_as_they_should, 0, (int)PB_ARRAY_LEN(pairs));
	pb_add_loop(s, answers_hold_for_random_patterns, 0, (int)PB_ARRAY_LEN(kinds));
}
