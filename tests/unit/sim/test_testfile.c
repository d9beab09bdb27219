/*
 * Test files: what is refused, with which words, and what a test finds.
 */
#include <stdlib.h>

#include "../runner.h"
#include "base/json.h"
#include "sim/testfile.h"

static const struct bad_row {
	const char *name, *text, *words;
} bad_rows[] = {
    {"no tests", "version: 1\n", "a test file has a list called tests"},
    {"no version", "tests: [{name: a, expect: [{never: page}]}]\n", "begins with version: 1"},
    {"an unknown key", "version: 1\ntests: [{name: a, worlds: {}, expect: [{never: page}]}]\n",
	"2:19: a test has no key \"worlds\" (did you mean \"world\"?)"},
    {"nothing expected", "version: 1\ntests: [{name: a}]\n", "expects nothing"},
    {"no name", "version: 1\ntests: [{expect: [{never: page}]}]\n", "needs the key name"},
    {"a test that is not there",
	"version: 1\ntests: [{name: a, use: b, expect: [{never: page}]}]\n",
	"no test above this one is called \"b\""},
    {"a wrong start", "version: 1\ntests: [{name: a, start: yesterday, expect: [{never: page}]}]\n",
	"write it as 2026-03-29T00:58:00Z"},
    {"a misspelt answer",
	"version: 1\ntests: [{name: a, world: {exec:x: {afterr: 1s}}, expect: [{never: page}]}]\n",
	"an answer has no key \"afterr\" (did you mean \"after\"?)"},
    {"an event without a time",
	"version: 1\ntests: [{name: a, events: [{alarm: x, to: OK}], expect: [{never: page}]}]\n",
	"an event needs the key at"},
    {"a state that no alarm has",
	"version: 1\ntests: [{name: a, events: [{at: 0s, alarm: x, to: BAD}], expect: [{never: "
	"page}]}]\n",
	"\"BAD\" is not one of ALARM, OK"},
    {"events out of order",
	"version: 1\ntests: [{name: a, events: [{at: 9s, ack: x}, {at: 1s, ack: x}], expect: "
	"[{never: page}]}]\n",
	"events stand in order of time"},
    {"a time without a unit", "version: 1\ntests: [{name: a, expect: [{by: 9, page: ana}]}]\n",
	"has no unit"},
    {"an expectation without a time", "version: 1\ntests: [{name: a, expect: [{page: ana}]}]\n",
	"say when or how often"},
    {"an expectation of nothing", "version: 1\ntests: [{name: a, expect: [{by: 9m}]}]\n",
	"name what is expected"},
    {"a span of three",
	"version: 1\ntests: [{name: a, expect: [{between: [1s, 2s, 3s], page: ana}]}]\n",
	"between"},
    {"another crash", "version: 1\ntests: [{name: a, crash: often, expect: [{never: page}]}]\n",
	"\"often\" is not one of each_commit"},
};

START_TEST(a_bad_test_file_is_refused_with_its_place)
{
	const struct bad_row *row = &bad_rows[_i];
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	ck_assert_msg(pb_tests_read("x.test.yaml", pb_str_of(row->text), &tests, &problems) == -1,
	    "%s: taken", row->name);
	ck_assert_msg(
	    strstr(problems.texts[0], row->words) != NULL, "%s: %s", row->name, problems.texts[0]);
	ck_assert_msg(strncmp(problems.texts[0], "x.test.yaml:", 12) == 0, "%s: %s", row->name,
	    problems.texts[0]);
	ck_assert_uint_eq(tests.n, 0);
	pb_problems_fini(&problems);
	pb_tests_fini(&tests);
}
END_TEST

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "sources: [{name: q, type: sqs, queue_url: "
    "\"https://sqs.eu-west-1.amazonaws.com/111122223333/q\"}]\n"
    "channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
    "contacts: [{name: ana}]\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "playbooks:\n"
    "  - name: p\n"
    "    match: {detail: {state: {value: [ALARM]}}}\n"
    "    page_by: 5m\n"
    "    escalate: e\n"
    "    steps: [{name: fix, action: exec, argv: [/bin/fix], effect: idempotent, timeout: 30s}]\n"
    "  - name: asks\n"
    "    match: {source: [nobody]}\n"
    "    page_by: 5m\n"
    "    escalate: e\n"
    "    steps: [{name: enter, action: exec, argv: [/bin/enter], effect: check_first, timeout: "
    "30s,\n"
    "        check: {action: exec, argv: [/bin/look], done: {s: [in]}, timeout: 9s}}]\n"
    "escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n";

static struct pb_config *
config(void)
{
	PB_CLEANUP(pb_freep) char *name = pb_strdup("c.yaml");
	PB_CLEANUP(pb_freep) char *text = pb_strdup(config_text);
	const struct pb_config_file file = {.name = name, .text = text, .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	return c;
}

#define RECOVERS                                                                                   \
	"version: 1\ntests:\n"                                                                     \
	"  - name: recovers\n"                                                                     \
	"    world: {exec:fix: {after: 5s}}\n"                                                     \
	"    events: [{at: 0s, alarm: a, to: ALARM}, {at: 1m, alarm: a, to: OK}]\n"                \
	"    expect: [{at: 0s, step: fix}, {by: 1m, incident: resolved, cause: remediated}]\n"

/* The event follows that is tried on an incident of which ana was paged. */
#define PAGED                                                                                      \
	"  - name: b\n    use: recovers\n    world: {exec:fix: {error: Exec.Exit.1}}\n"            \
	"    events: [{at: 0s, alarm: a, to: ALARM},\n      "

/* The last test of the file is played. */
static const struct play_row {
	const char *name, *text;
	bool is_passed;
	size_t n_runs; /* at least */
	const char *words; /* in the report */
} play_rows[] = {
    {"as said", RECOVERS, true, 1, NULL},
    {"used, with another answer",
	RECOVERS "  - name: b\n    use: recovers\n    world: {exec:fix: {error: Exec.Exit.1}}\n"
		 "    expect: [{by: 1s, page: {level: 1, to: ana}}]\n",
	true, 1, NULL},
    {"used, and the expectation is its own",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{by: 1m, page: ana}]\n", false, 1,
	">>>>>>>> {\"by\":\"1m\",\"page\":\"ana\"}: it did not happen"},
    {"a call without an answer",
	RECOVERS "  - name: b\n    use: recovers\n    world: {exec:fix: [], exec:fox: {}}\n", false,
	1, "the world has no answer for exec:fix"},
    {"crashes",
	RECOVERS "  - name: b\n    use: recovers\n    crash: each_commit\n"
		 "    expect: [{by: 5m, incident: resolved}]\n",
	true, 10, NULL},
    {"crashes, and some go otherwise",
	RECOVERS "  - name: b\n    use: recovers\n    crash: each_commit\n"
		 "    expect: [{times: 1, step: fix}]\n",
	false, 2, ">>>>>>>> from here on it differs from the run without a crash"},
    {"retries that did nothing count once for at_most",
	RECOVERS "  - name: b\n    use: recovers\n"
		 "    world: {exec:fix: [{error: ThrottlingException}, {after: 1s}]}\n"
		 "    expect: [{times: 2, step: fix}, {at_most: 1, step: fix}]\n",
	true, 1, NULL},
    {"paged, snoozed, paged again",
	RECOVERS PAGED "{at: 10s, snooze: \"1\", for: 10m}]\n"
		       "    expect: [{at: 610s, page: ana}]\n",
	true, 1, NULL},
    {"handed over to the last level again",
	RECOVERS PAGED "{at: 10s, escalate: \"1\"}]\n    expect: [{at: 10s, page: ana}]\n", true, 1,
	NULL},
    {"a refusal says its place and its answer",
	RECOVERS PAGED "{at: 10s, approve: \"1\"}]\n    expect: [{by: 1s, page: ana}]\n", false, 1,
	"x.test.yaml:11: {\"at\":\"10s\",\"approve\":\"1\"} was refused: 409 "},
    {"resolved by hand",
	RECOVERS PAGED "{at: 1m, resolve: \"1\", reason: r}]\n"
		       "    expect: [{at: 1m, incident: resolved}]\n",
	true, 1, NULL},
    {"silenced, and that ended",
	RECOVERS PAGED "{at: 1m, silence: {source: [x]}, for: 1h, reason: r},\n"
		       "      {at: 2m, expire: s1}, {at: 3m, expire: s1, refused: true}]\n"
		       "    expect: [{by: 1m, page: ana}]\n",
	true, 1, NULL},
    {"a trace that differs", RECOVERS "  - name: b\n    use: recovers\n    trace: \"nothing\\n\"\n",
	false, 1, "expected: nothing"},
};

START_TEST(a_test_finds_what_is_not_as_said)
{
	const struct play_row *row = &play_rows[_i];
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	struct pb_test_result result;
	struct pb_config *c = config();
	int rc = pb_tests_read("x.test.yaml", pb_str_of(row->text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s: %s", row->name, problems.n > 0 ? problems.texts[0] : "");
	pb_test_play(&tests.tests[tests.n - 1], c, &result);
	ck_assert_msg(result.is_passed == row->is_passed, "%s: %s", row->name,
	    result.report.ptr == NULL ? "passed" : result.report.ptr);
	ck_assert_msg(result.n_runs >= row->n_runs, "%s: %zu runs", row->name, result.n_runs);
	if (row->words != NULL)
		ck_assert_msg(strstr(result.report.ptr, row->words) != NULL, "%s: %s", row->name,
		    result.report.ptr);
	pb_buf_fini(&result.report);
	pb_tests_fini(&tests);
	pb_problems_fini(&problems);
	pb_config_unref(c);
}
END_TEST

static const struct {
	const char *line, *world, *told;
} name_rows[] = {
    {"{never: page, step: fixx}", "",
	"x.test.yaml:2: test \"a\": {\"never\":\"page\",\"step\":\"fixx\"}: no step is called "
	"\"fixx\" (did you mean fix?)"},
    {"{by: 1m, page: nobody}", "", "no contact is called \"nobody\""},
    {"{by: 1m, page: {to: ana, by: pgaer}}", "",
	"no channel is called \"pgaer\" (did you mean pager?)"},
    {"{by: 1m, notice: nobody}", "", "no contact is called \"nobody\""},
    {"{never: pages}", "", "no thing to expect is called \"pages\" (did you mean page?)"},
    {"{never: page}", "exec:fixx: {output: {}}",
	"exec:fixx: no step is called \"fixx\" (did you mean fix?)"},
    {"{never: page}", "\"page:mail\": {error: X}", "page:mail: no channel is called \"mail\""},
    {"{never: page, probe: fix.check}", "", "no step is called \"fix.check\""},
    {"{times: 0, probe: enter.check}", "exec:enter.check: {output: {}}", NULL},
    {"{by: 1m, page: {to: ana, by: pager}}", "exec:fix: {output: {}}", NULL},
};

START_TEST(a_name_that_is_not_there_is_told)
{
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	struct pb_config *c = config();
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("version: 1\ntests: [{name: a, world: {%s}, expect: [%s]}]\n",
	    name_rows[_i].world, name_rows[_i].line);
	int rc = pb_tests_read("x.test.yaml", pb_str_of(text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	rc = pb_test_check(&tests.tests[0], c, &problems);
	ck_assert_int_eq(rc, name_rows[_i].told == NULL ? 0 : -1);
	if (name_rows[_i].told != NULL)
		ck_assert_msg(
		    strstr(problems.texts[0], name_rows[_i].told) != NULL, "%s", problems.texts[0]);
	pb_tests_fini(&tests);
	pb_problems_fini(&problems);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(testfile)
{
	pb_add_loop(s, a_name_that_is_not_there_is_told, 0, PB_ARRAY_LEN(name_rows));
	pb_add_loop(s, a_bad_test_file_is_refused_with_its_place, 0, PB_ARRAY_LEN(bad_rows));
	pb_add_loop(s, a_test_finds_what_is_not_as_said, 0, PB_ARRAY_LEN(play_rows));
}
