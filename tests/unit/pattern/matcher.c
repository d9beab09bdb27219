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
	struct pb_str found[2];
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
	ck_assert(pb_str_is(found[0], "aws.cloudwatch"));
	ck_assert_uint_eq(pb_match_found(s, state, found, 2), 0);
	ck_assert_uint_eq(pb_match_found(s, resources, found, 2), 3);
	ck_assert(pb_str_is(found[0], "arn:a") && pb_str_is(found[1], "7"));
	event.len--;
	ck_assert_int_eq(pb_match(m, s, event, NULL, 0, &n), -1);
	ck_assert_uint_eq(pb_match_found(s, source, found, 2), 0);
}
END_TEST

PB_SUITE(pattern_matcher)
{
	pb_add(s, wanted_values_come_with_the_match);
	pb_add(s, the_set_answers_as_its_members_do);
	pb_add(s, a_short_buffer_gets_the_first_ids_and_the_whole_count);
	pb_add(s, an_empty_set_matches_nothing);
}
