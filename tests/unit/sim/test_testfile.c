/*
 * Test files: names that are not there, and what a test finds when it is played.
 */
#include <stdlib.h>

#include "../runner.h"
#include "base/json.h"
#include "sim/testfile.h"

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "sources: [{name: q, type: sqs, queue_url: "
    "\"https://sqs.eu-west-1.amazonaws.com/111122223333/q\"}]\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}\n"
    "  - {name: local, type: exec, argv: [/bin/page]}\n"
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
    "        check: {action: exec, argv: [/bin/look], done: {s: [in]}, timeout: 9s}},\n"
    "      {name: ok, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}]\n"
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
    {"what came later says when",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{by: 1s, incident: resolved}]\n",
	false, 1, "\"incident\":\"resolved\"}: it happened later, at 00:0"},
    {"what came at another time says when",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{at: 9m, step: fix}]\n", false, 1,
	"\"step\":\"fix\"}: it happened at another time, first at 00:00:0"},
    {"what came outside of a span says when",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{between: [8m, 9m], step: fix}]\n",
	false, 1, "it happened outside of that, first at 00:00:0"},
    {"what should not have come says when",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{never: step}]\n", false, 1,
	"{\"never\":\"step\"}: it happened, first at 00:00:0"},
    {"what came too seldom says how often",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{times: 2, step: fix}]\n", false, 1,
	"{\"times\":2,\"step\":\"fix\"}: it happened 1 time"},
    {"what came too often says how often",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{at_most: 0, step: fix}]\n", false,
	1, ": it happened 1 time\n"},
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
	"x.test.yaml:11:7: {\"at\":\"10s\",\"approve\":\"1\"} was refused: 409 "},
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

static const struct {
	const char *name, *text;
	int64_t least, most; /* minutes that are played */
} ends[] = {
    {"it recovers, and nothing more is due", RECOVERS, 1, 25},
    {"it is open", RECOVERS PAGED "]\n    expect: [{by: 1s, page: ana}]\n", 60, 61},
    {"it says until", RECOVERS "  - name: b\n    use: recovers\n    until: 40m\n", 40, 41},
    {"the test that is used says until",
	RECOVERS "  - name: b\n    use: recovers\n    until: 40m\n"
		 "  - name: c\n    use: b\n",
	40, 50},
    {"the last expectation is later",
	RECOVERS "  - name: b\n    use: recovers\n    expect: [{at_most: 1, step: fix}, "
		 "{between: [0s, 50m], step: fix}]\n",
	50, 60},
    {"a silence ends",
	RECOVERS "  - name: b\n    use: recovers\n    events:\n"
		 "      - {at: 1m, silence: {source: [x]}, for: 50m, reason: r}\n"
		 "    expect: [{never: page}]\n",
	51, 60},
};

START_TEST(a_test_ends_once_nothing_more_can_come)
{
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	int rc = pb_tests_read("x.test.yaml", pb_str_of(ends[_i].text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s: %s", ends[_i].name, problems.n > 0 ? problems.texts[0] : "");
	struct pb_scenario_run run = {
	    .scenario = tests.tests[tests.n - 1].scenario, .config = config(), .seed = 1};
	pb_scenario_run(&run);
	ck_assert_msg(run.failures.len == 0, "%s: %s", ends[_i].name, run.failures.ptr);
	ck_assert_msg(run.played_for >= ends[_i].least * PB_MINUTE &&
		run.played_for <= ends[_i].most * PB_MINUTE,
	    "%s: %lld s", ends[_i].name, (long long)(run.played_for / PB_SECOND));
	pb_config_unref(run.config);
	pb_scenario_run_fini(&run);
	pb_tests_fini(&tests);
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(a_test_finds_what_is_not_as_said)
{
	const struct play_row *row = &play_rows[_i];
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	struct pb_test_result result;
	struct pb_config *c = config();
	int rc = pb_tests_read("x.test.yaml", pb_str_of(row->text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s: %s", row->name, problems.n > 0 ? problems.texts[0] : "");
	pb_test_play(&tests.tests[tests.n - 1], c, NULL, NULL, &result);
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
    {"{times: 0, step: fixx}", "",
	"x.test.yaml:4:31: no step is called \"fixx\" (did you mean \"fix\"?)"},
    {"{by: 1m, page: nobody}", "", "x.test.yaml:4:29: no contact is called \"nobody\""},
    {"{by: 1m, page: {to: ana, by: pgaer}}", "",
	"x.test.yaml:4:43: no channel is called \"pgaer\" (did you mean \"pager\"?)"},
    {"{by: 1m, notice: nobody}", "", "no contact is called \"nobody\""},
    {"{never: page, to: anna}", "", "no contact is called \"anna\" (did you mean \"ana\"?)"},
    {"{never: page}", "exec:fixx: {output: {}}",
	"x.test.yaml:3:13: no step is called \"fixx\" (did you mean \"fix\"?)"},
    {"{never: page}", "http:fix: {output: {}}",
	"x.test.yaml:3:13: no step makes the call \"http:fix\", so this answers nothing"},
    {"{never: page}", "aws:sqs.SendMessage: {output: {}}",
	"x.test.yaml:3:13: no step makes the call \"aws:sqs.SendMessage\""},
    {"{never: page}", "\"page:mail\": {error: X}",
	"x.test.yaml:3:13: no channel is called \"mail\""},
    {"{times: 0, probe: fix.check}", "", "no step is called \"fix.check\""},
    {"{never: step, step: ok}", "",
	"x.test.yaml:4:34: step \"ok\" only looks or waits and starts nothing that could be "
	"expected; "
	"expect what comes of it, as incident: resolved"},
    {"{never: step, step: enter.check}", "", "step \"enter.check\" only looks or waits"},
    {"{never: probe, probe: fix}", "",
	"x.test.yaml:4:36: \"fix\" is no call that only asks; write step: fix, or probe: fix.check "
	"or "
	"fix.wait"},
    {"{never: step, step: fix, inputs: {argv: [/bin/fix]}}", "",
	"x.test.yaml:4:47: step \"fix\" is no call to AWS and has no inputs"},
    {"{never: page, page: {level: 2}}", "", "x.test.yaml:4:42: no escalation has a level 2"},
    {"{never: page, level: 0}", "", "x.test.yaml:4:35: no escalation has a level 0"},
    {"{never: page, page: {by: local, text: a}}", "",
	"x.test.yaml:4:52: text is looked for in messages over SNS, and channel \"local\" is "
	"another "
	"one"},
    {"{never: inform, inform: managers}", "",
	"x.test.yaml:4:38: no audience is called \"managers\""},
    {"{times: 0, probe: enter.check}", "exec:enter.check: {output: {}}", NULL},
    {"{by: 1m, page: {to: ana, by: pager}}", "exec:fix: {output: {}}, page: {}", NULL},
};

/* The first problem that is told, NULL = none. */
static void
expect_told(const char *world, const char *line, const char *events, const char *told)
{
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	struct pb_config *c = config();
	PB_CLEANUP(pb_freep)
	char *text =
	    pb_asprintf("version: 1\ntests: [{name: a,\n    world: {%s},\n    expect: [%s],\n"
			"    events: [%s]}]\n",
		world, line, events);
	int rc = pb_tests_read("x.test.yaml", pb_str_of(text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	rc = pb_test_check(&tests.tests[0], c, &problems);
	ck_assert_int_eq(rc, told == NULL ? 0 : -1);
	if (told != NULL)
		ck_assert_msg(strstr(problems.texts[0], told) != NULL, "%s", problems.texts[0]);
	pb_tests_fini(&tests);
	pb_problems_fini(&problems);
	pb_config_unref(c);
}

START_TEST(a_name_that_is_not_there_is_told)
{
	expect_told(name_rows[_i].world, name_rows[_i].line, "{at: 0s, alarm: a, to: ALARM}",
	    name_rows[_i].told);
}
END_TEST

START_TEST(a_test_in_which_nothing_can_happen_is_told)
{
	expect_told("", "{never: page}", "",
	    "x.test.yaml:5:13: nothing happens in this test: it needs the key events with an event "
	    "in "
	    "it");
	expect_told("", "{never: page}", "{at: 0s, alarm: a, to: ALARM, by: poll}",
	    "x.test.yaml:5:48: no source polls alarms, so nobody would hear of it; it needs one of "
	    "type "
	    "cloudwatch");
}
END_TEST

PB_SUITE(testfile)
{
	pb_add_loop(s, a_name_that_is_not_there_is_told, 0, PB_ARRAY_LEN(name_rows));
	pb_add(s, a_test_in_which_nothing_can_happen_is_told);
	pb_add_loop(s, a_test_ends_once_nothing_more_can_come, 0, (int)PB_ARRAY_LEN(ends));
	pb_add_loop(s, a_test_finds_what_is_not_as_said, 0, PB_ARRAY_LEN(play_rows));
}
