/*
 * Many patterns at once: the same answers as one by one, in order.
 */
#include "../runner.h"
#include "help.h"

static const char *const texts[] = {
    "{\"source\": [\"aws.ec2\"], \"detail\": {\"state\": [\"running\"]}}",
    "{\"detail\": {\"state\": [\"running\"]}}",
    "{\"source\": [\"aws.ec2\", \"aws.s3\", \"aws.ec2\"]}",
    "{\"source\": [{\"prefix\": \"aws.\"}]}",
    "{\"source\": [\"aws.s3\"]}",
    "{\"$or\": [{\"source\": [\"aws.ec2\"]}, {\"source\": [\"aws.s3\"]}]}",
    "{\"$or\": [{\"source\": [\"aws.s3\"]}, {\"detail\": {\"state\": [\"running\"]}}]}",
    "{\"source\": [\"aws.ec2\", {\"exists\": false}]}",
};

static const char *const events[] = {
    "{\"source\": \"aws.ec2\", \"detail\": {\"state\": \"running\"}}",
    "{\"source\": \"aws.ec2\", \"detail\": {\"state\": \"stopped\"}}",
    "{\"source\": \"aws.s3\"}",
    "{\"source\": \"mine\"}",
    "{\"source\": [\"mine\", \"aws.s3\", \"aws.ec2\"]}",
    "{\"source\": 1}",
    "{\"detail\": {\"state\": \"running\"}}",
    "[]",
};

START_TEST(the_set_answers_as_its_members_do)
{
	struct pb_pattern *patterns[PB_ARRAY_LEN(texts)];
	struct pb_matcher *m = NULL;
	struct pb_error err = {0};
	uint32_t ids[PB_ARRAY_LEN(texts)];

	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++)
		patterns[i] = help_pattern(texts[i]);
	ck_assert_int_eq(pb_matcher_build((const struct pb_pattern *const *)patterns,
			     PB_ARRAY_LEN(texts), &m, &err),
	    0);
	for (size_t e = 0; e < PB_ARRAY_LEN(events); e++) {
		PB_JSON json_t *event = help_json(events[e]);
		size_t n = pb_matcher_match(m, event, ids, PB_ARRAY_LEN(ids)), at = 0;
		for (uint32_t i = 0; i < PB_ARRAY_LEN(texts); i++) {
			if (!pb_pattern_match(patterns[i], event))
				continue;
			ck_assert_msg(at < n && ids[at] == i, "%s: pattern %u", events[e], i);
			at++;
		}
		ck_assert_msg(at == n, "%s: %zu of %zu", events[e], at, n);
	}
	pb_matcher_free(m);
	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++)
		pb_pattern_free(patterns[i]);
}
END_TEST

START_TEST(a_short_buffer_gets_the_first_ids_and_the_whole_count)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern("{\"a\": [1]}");
	const struct pb_pattern *patterns[] = {p, p, p};
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	PB_JSON json_t *event = help_json("{\"a\": 1}");
	uint32_t ids[2] = {9, 9};

	ck_assert_int_eq(pb_matcher_build(patterns, 3, &m, NULL), 0);
	ck_assert_uint_eq(pb_matcher_match(m, event, ids, 1), 3);
	ck_assert_uint_eq(ids[0], 0);
	ck_assert_uint_eq(ids[1], 9);
	ck_assert_uint_eq(pb_matcher_match(m, event, NULL, 0), 3);
}
END_TEST

START_TEST(an_empty_set_matches_nothing)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	PB_JSON json_t *event = help_json("{\"a\": 1}");

	ck_assert_int_eq(pb_matcher_build(NULL, 0, &m, NULL), 0);
	ck_assert_uint_eq(pb_matcher_match(m, event, NULL, 0), 0);
}
END_TEST

START_TEST(wanted_values_come_with_the_match)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	struct pb_match_value found[2];
	size_t n = 0;

	ck_assert_int_eq(
	    pb_matcher_builder_add_text(b, PB_STR("{\"source\": [\"aws.cloudwatch\"]}"), NULL), 0);
	uint32_t source = pb_matcher_builder_want(b, PB_STR("source"));
	uint32_t state = pb_matcher_builder_want(b, PB_STR("detail.state.value"));
	uint32_t resources = pb_matcher_builder_want(b, PB_STR("resources"));
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = pb_matcher_builder_finish(b);
	struct pb_str event = PB_STR("{\"source\": \"aws.cloudwatch\", \"resources\": "
				     "[\"arn:\\u0061\", 7, null], \"detail\": {\"state\": {}}}");

	ck_assert_uint_eq(pb_match_found(s, source, found, 2), 0);
	ck_assert_int_eq(pb_match(m, s, event, NULL, 0, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(pb_match_found(s, source, found, 2), 1);
	ck_assert(pb_str_is(found[0].text, "aws.cloudwatch") && found[0].is_text);
	ck_assert_uint_eq(pb_match_found(s, state, found, 2), 0);
	ck_assert_uint_eq(pb_match_found(s, resources, found, 2), 3);
	ck_assert(pb_str_is(found[0].text, "arn:a") && found[0].is_text);
	ck_assert(pb_str_is(found[1].text, "7") && !found[1].is_text);
	event.len--;
	ck_assert_int_eq(pb_match(m, s, event, NULL, 0, &n), -1);
	ck_assert_uint_eq(pb_match_found(s, source, found, 2), 0);
}
END_TEST

/* Structures of `a`, `a.b` and `c`, which are wanted; 8 stands for a key with dots. */
static const struct structure_row {
	const char *event;
	unsigned a, a_b, c;
	bool is_dotted;
} structure_rows[] = {
    {"{\"a\": 1, \"c\": \"x\"}", 0, 0, 0, false},
    {"{\"a\": {}}", PB_MATCH_OBJECT, 0, 0, false},
    {"{\"c\": [], \"a\": {\"b\": [1, 2]}}", PB_MATCH_OBJECT, PB_MATCH_ARRAY, PB_MATCH_ARRAY, false},
    {"{\"a\": [{\"b\": {}}]}", PB_MATCH_ARRAY | PB_MATCH_OBJECT | PB_MATCH_NESTED,
	PB_MATCH_OBJECT | PB_MATCH_NESTED, 0, false},
    {"{\"c\": [[\"x\"]]}", 0, 0, PB_MATCH_ARRAY | PB_MATCH_NESTED, false},
    {"{\"d\": {\"a\": {}, \"c\": []}}", 0, 0, 0, false},
    {"{\"a.b\": {}}", 0, PB_MATCH_OBJECT, 0, true},
    {"{\"a.b\": 1, \"a\": {}}", PB_MATCH_OBJECT, 0, 0, true},
    {"{\"a.x\": 1, \"d.c\": {}}", 0, 0, 0, false},
};

/* Twice: the second time an event is read by its shape. */
START_TEST(what_stands_beside_values_is_told)
{
	const struct structure_row *r = &structure_rows[_i];
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	ck_assert_uint_eq(pb_matcher_builder_want(b, PB_STR("a")), 0);
	ck_assert_uint_eq(pb_matcher_builder_want(b, PB_STR("a.b")), 1);
	ck_assert_uint_eq(pb_matcher_builder_want(b, PB_STR("c")), 2);
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = pb_matcher_builder_finish(b);
	for (unsigned round = 0; round < 2; round++) {
		size_t n;
		ck_assert_int_eq(pb_match(m, s, pb_str_of(r->event), NULL, 0, &n), 0);
		ck_assert_uint_eq(pb_match_n_by_shape(s), round);
		ck_assert_uint_eq(pb_match_found_structure(s, 0), r->a);
		ck_assert_uint_eq(pb_match_found_structure(s, 1), r->a_b);
		ck_assert_uint_eq(pb_match_found_structure(s, 2), r->c);
		ck_assert_int_eq(pb_match_found_dotted(s), r->is_dotted);
	}
}
END_TEST

START_TEST(each_matcher_has_a_serial_of_its_own)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *a = NULL, *b = NULL;
	ck_assert_int_eq(pb_matcher_build(NULL, 0, &a, NULL), 0);
	uint64_t first = pb_matcher_serial(a);
	pb_matcher_free(a);
	a = NULL;
	ck_assert_int_eq(pb_matcher_build(NULL, 0, &b, NULL), 0);
	ck_assert(first != 0 && pb_matcher_serial(b) != 0 && pb_matcher_serial(b) != first);
}
END_TEST

PB_SUITE(pattern_matcher)
{
	pb_add(s, each_matcher_has_a_serial_of_its_own);
	pb_add_loop(s, what_stands_beside_values_is_told, 0, PB_ARRAY_LEN(structure_rows));
	pb_add(s, wanted_values_come_with_the_match);
	pb_add(s, the_set_answers_as_its_members_do);
	pb_add(s, a_short_buffer_gets_the_first_ids_and_the_whole_count);
	pb_add(s, an_empty_set_matches_nothing);
}
