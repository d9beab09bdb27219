/*
 * Large, many and odd: what is beyond a limit is refused in good time, and what is within it works.
 */
#include <stdlib.h>

#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

static int
parse(struct pb_str text, struct pb_problems *problems)
{
	struct pb_config_file f = {
	    (char *)(uintptr_t) "t.yaml", (char *)(uintptr_t)text.ptr, text.len};
	struct pb_config *c = NULL;
	int rc = pb_config_parse(&f, 1, NULL, &c, problems);
	pb_config_unref(c);
	return rc;
}

static void
expect_refused(const struct pb_buf *b, const char *first)
{
	struct pb_problems problems;
	ck_assert_int_eq(parse(pb_buf_str(b), &problems), -1);
	ck_assert_uint_ge(problems.n, 1);
	ck_assert_str_eq(problems.texts[0], first);
	pb_problems_fini(&problems);
}

START_TEST(a_file_of_two_mebibytes_is_refused)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, "version: 1\n");
	while (b.len < 2 * 1024 * 1024)
		(void)pb_buf_adds(&b, "# filling\n");
	char *wanted = pb_asprintf(
	    "t.yaml:1:1: the file has %zu bytes, at most 1048576 (1 MiB) are allowed", b.len);
	expect_refused(&b, wanted);
	free(wanted);
}
END_TEST

START_TEST(a_file_of_a_mebibyte_is_read)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_problems problems;
	(void)pb_buf_adds(&b, "version: 1\nunmatched: {alarms: drop, events: drop}\n#");
	while (b.len < PB_CONFIG_FILE_MAX - 1)
		(void)pb_buf_addc(&b, 'x');
	(void)pb_buf_addc(&b, '\n');
	ck_assert_int_eq(parse(pb_buf_str(&b), &problems), 0);
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(deep_nesting_is_refused_without_a_deep_stack)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, "version: 1\nplaybooks: ");
	for (size_t i = 0; i < 100000; i++)
		(void)pb_buf_addc(&b, '[');
	expect_refused(&b, "t.yaml:2:43: nested deeper than 32 levels");
}
END_TEST

START_TEST(many_keys_are_compared_in_good_time)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_problems problems;
	(void)pb_buf_adds(&b, "version: 1\nunmatched: {alarms: drop, events: drop}\n");
	for (size_t i = 0; i < 60000; i++)
		(void)pb_buf_addf(&b, "key%zu: 1\n", i);
	ck_assert_int_eq(parse(pb_buf_str(&b), &problems), -1);
	ck_assert_uint_eq(problems.n, PB_PROBLEMS_MAX);
	ck_assert_str_eq(problems.texts[0], "t.yaml:3:1: unknown key \"key0\" in the file");
	ck_assert_str_eq(problems.texts[PB_PROBLEMS_MAX - 1], "and 59801 problems more");
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(problems_come_in_order_of_file_and_line)
{
	struct pb_config_file files[] = {
	    pb_test_file("a.yaml",
		"version: 1\nplaybooks: [{name: p, escalate: none, match: {source: []}}]\n"),
	    pb_test_file("b.yaml", "version: 1\n\nfoo: 1\n"),
	    pb_test_file("c.yaml", "version: 1\nunmatched: {alarms: x, events: drop}\n"),
	};
	static const char *const wanted[] = {
	    "a.yaml:2:33: escalation \"none\" is not defined",
	    "a.yaml:2:55: match source: Empty arrays are not allowed",
	    "b.yaml:3:1: unknown key \"foo\" in the file",
	    "c.yaml:2:21: \"x\" is not one of drop, escalate",
	};
	struct pb_config *c = NULL;
	struct pb_problems problems;
	ck_assert_int_eq(pb_config_parse(files, 3, NULL, &c, &problems), -1);
	ck_assert_uint_eq(problems.n, PB_ARRAY_LEN(wanted));
	for (size_t i = 0; i < problems.n; i++)
		ck_assert_str_eq(problems.texts[i], wanted[i]);
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(what_stands_once_in_the_set_is_told_with_both_places)
{
	struct pb_config_file files[] = {
	    pb_test_file("a.yaml",
		"version: 1\nunmatched: {alarms: drop, events: drop}\n"
		"contacts: [{name: ana}]\n"),
	    pb_test_file("b.yaml",
		"version: 1\nunmatched: {alarms: drop, events: drop}\n"
		"contacts:\n  - {name: ana}\n"),
	};
	struct pb_config *c = NULL;
	struct pb_problems problems;
	ck_assert_int_eq(pb_config_parse(files, 2, NULL, &c, &problems), -1);
	ck_assert_uint_eq(problems.n, 2);
	ck_assert_str_eq(problems.texts[0], "b.yaml:2:12: unmatched stands already in a.yaml:2");
	ck_assert_str_eq(
	    problems.texts[1], "b.yaml:4:12: contact \"ana\" is defined already in a.yaml:3");
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(a_broken_file_hides_no_problems_of_others_and_invents_none)
{
	struct pb_config_file files[] = {
	    pb_test_file("a.yaml", "version: 1\nescalations: [{name: e\n"),
	    pb_test_file("b.yaml",
		"version: 1\nplaybooks: [{name: p, match: {source: [x]}, escalate: e, hodl: "
		"1s}]\n"),
	};
	struct pb_config *c = NULL;
	struct pb_problems problems;
	ck_assert_int_eq(pb_config_parse(files, 2, NULL, &c, &problems), -1);
	ck_assert_uint_eq(problems.n, 2);
	ck_assert_str_eq(
	    problems.texts[0], "a.yaml:3:1: not valid YAML: did not find expected ',' or '}'");
	ck_assert_str_eq(problems.texts[1],
	    "b.yaml:2:58: unknown key \"hodl\" in playbook (did you mean \"hold\"?)");
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(a_set_of_no_files_is_refused)
{
	struct pb_config *c = NULL;
	struct pb_problems problems;
	ck_assert_int_eq(pb_config_parse(NULL, 0, NULL, &c, &problems), -1);
	ck_assert_uint_eq(problems.n, 1);
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(outside_text_in_messages_is_safe_to_show)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b,
	    "version: 1\n\"\\e[31mred\\u202e\": 1\n"
	    "unmatched: {alarms: drop, events: drop}\n");
	expect_refused(&b, "t.yaml:2:1: unknown key \"\\x1b[31mred\\u{202e}\" in the file");
}
END_TEST

START_TEST(five_thousand_playbooks_are_read)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_config *c = NULL;
	struct pb_problems problems;
	(void)pb_buf_adds(&b, PB_TEST_HEAD "playbooks:\n");
	for (size_t i = 0; i < 5000; i++)
		(void)pb_buf_addf(&b,
		    "  - {name: p%zu, match: {source: [s%zu]}, escalate: e, steps: [\n"
		    "    {name: a, action: exec, argv: [/bin/true]}]}\n",
		    i, i);
	struct pb_config_file f = {(char *)(uintptr_t) "t.yaml", b.ptr, b.len};
	ck_assert_int_eq(pb_config_parse(&f, 1, NULL, &c, &problems), 0);
	ck_assert_uint_eq(c->n_playbooks, 5000);
	json_t *event = json_pack("{s:s}", "source", "s4711");
	uint32_t ids[2];
	ck_assert_uint_eq(pb_matcher_match(c->matcher, event, ids, 2), 1);
	ck_assert_str_eq(c->playbooks[ids[0]].name, "p4711");
	json_decref(event);
	pb_problems_fini(&problems);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(limits)
{
	pb_add(s, a_file_of_two_mebibytes_is_refused);
	pb_add(s, a_file_of_a_mebibyte_is_read);
	pb_add(s, deep_nesting_is_refused_without_a_deep_stack);
	pb_add(s, many_keys_are_compared_in_good_time);
	pb_add(s, problems_come_in_order_of_file_and_line);
	pb_add(s, what_stands_once_in_the_set_is_told_with_both_places);
	pb_add(s, a_broken_file_hides_no_problems_of_others_and_invents_none);
	pb_add(s, a_set_of_no_files_is_refused);
	pb_add(s, outside_text_in_messages_is_safe_to_show);
	pb_add(s, five_thousand_playbooks_are_read);
}
