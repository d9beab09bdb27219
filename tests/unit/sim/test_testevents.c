/*
 * What the events of a test file do: each kind once, by what comes of it.
 */
#include <stdlib.h>

#include "../runner.h"
#include "aws/call.h"
#include "sim/testfile.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"daemon: {exec: {driver: child}}\n"                                                        \
	"sources:\n"                                                                               \
	"  - {name: alarms, type: cloudwatch, region: eu-west-1, interval: 20s, "                  \
	"honour_mute_rules: true}\n"                                                               \
	"  - {name: q, type: sqs, queue_url: "                                                     \
	"\"https://sqs.eu-west-1.amazonaws.com/111122223333/q\"}\n"                                \
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"  \
	"contacts: [{name: ana}, {name: bo}]\n"                                                    \
	"unmatched: {alarms: drop, events: drop}\n"

/* Without steps: whoever is paged is paged at once. */
static const char config_text[] = HEAD
    "playbooks:\n"
    "  - {name: net, match: {detail: {alarmName: [net], state: {value: [ALARM]}}}, escalate: e}\n"
    "  - {name: p, match: {detail: {state: {value: [ALARM]}}}, inhibited_by: [net], page_by: 9m, "
    "escalate: e}\n"
    "  - {name: fixes, match: {source: [fix]}, page_by: 9m, escalate: e,\n"
    "     steps: [{name: fix, action: exec, argv: [/bin/fix], effect: idempotent, timeout: 30s}]}\n"
    "  - {name: asks, match: {source: [ask]}, page_by: 9m, escalate: e, guards: {mode: propose},\n"
    "     steps: [{name: fix2, action: exec, argv: [/bin/fix], effect: idempotent}]}\n"
    "escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n";

static const char other_text[] =
    HEAD "playbooks: [{name: p, match: {detail: {state: {value: [ALARM]}}}, escalate: e}]\n"
	 "escalations: [{name: e, levels: [{notify: [bo], via: [pager]}]}]\n";

static struct pb_config *
read_config(const char *of)
{
	PB_CLEANUP(pb_freep) char *name = pb_strdup("c.yaml");
	PB_CLEANUP(pb_freep) char *text = pb_strdup(of);
	const struct pb_config_file file = {.name = name, .text = text, .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	int rc = pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	return c;
}

#define EVENT(from)                                                                                \
	"{id: " from ", version: \"0\", source: " from                                             \
	", detail-type: x, account: \"1\", time: \"2026-03-03T09:00:00Z\", region: r, "            \
	"resources: [], detail: {}}"

static const struct event_row {
	const char *name, *events, *expect;
} event_rows[] = {
    {"a poll sees it, and the queue sooner",
	"{at: 5s, alarm: a, to: ALARM, by: poll}, {at: 5s, alarm: b, to: ALARM, by: sqs}",
	"{at: 20s, page: ana}, {at: 5s, page: ana}, {times: 2, page: ana}"},
    {"polls fail, and come through again",
	"{at: 5s, polls: false}, {at: 6s, alarm: a, to: ALARM, by: poll}, {at: 5m, polls: true}",
	"{between: [5m, 5m], page: ana}"},
    {"a first poll that is late keeps back what may be inhibited, until page_by",
	"{at: 0s, alarm: net, to: ALARM, by: poll}, {at: 1m, polls: false}, {at: 1m, kill: 1s},\n"
	"{at: 2m, alarm: a, to: ALARM, by: sqs}",
	"{at: 20s, page: ana}, {at: 11m, page: ana}, {times: 2, page: ana}"},
    {"a first poll that comes decides at once",
	"{at: 0s, alarm: net, to: ALARM, by: poll}, {at: 1m, polls: false}, {at: 1m, kill: 1s},\n"
	"{at: 2m, alarm: net, to: OK, by: poll}, {at: 3m, alarm: a, to: ALARM, by: sqs},\n"
	"{at: 4m, polls: true}",
	"{at: 20s, page: ana}, {at: 4m, page: ana}, {times: 2, page: ana}"},
    {"a mute rule begins and ends by itself",
	"{at: 5s, mute: m, alarms: [a], for: 10m}, {at: 30s, alarm: a, to: ALARM, by: poll}",
	"{between: [10m, 11m], page: ana}"},
    {"a mute rule is ended",
	"{at: 5s, mute: m, alarms: [a]}, {at: 30s, alarm: a, to: ALARM},\n"
	"{at: 5m, unmute: m}",
	"{between: [5m, 6m], page: ana}"},
    {"mute rules that cannot be read are forgotten",
	"{at: 5s, mute: m, alarms: [a]}, {at: 30s, alarm: a, to: ALARM}, {at: 1m, mute_list: "
	"false}",
	"{between: [5m, 7m], page: ana}"},
    {"another configuration", "{at: 1m, config: other}, {at: 2m, alarm: a, to: ALARM, by: sqs}",
	"{times: 1, page: bo}, {times: 0, page: ana}"},
    {"another configuration, kept over a restart",
	"{at: 1m, config: other}, {at: 90s, kill: 5s}, {at: 2m, alarm: a, to: ALARM, by: sqs}",
	"{times: 1, page: bo}, {times: 0, page: ana}"},
    {"the kill switch is stopped and started",
	"{at: 1s, stop_remediation: \"\", reason: r}, {at: 2s, event: " EVENT(
	    "fix") "},\n"
		   "{at: 1m, start_remediation: \"\"}",
	"{never: step}, {by: 9m, page: ana}"},
    {"a silence is added and expired",
	"{at: 1s, silence: {detail: {alarmName: [a]}}, for: 1h, reason: r},\n"
	"{at: 2s, alarm: a, to: ALARM, by: sqs}, {at: 5m, expire: s1}",
	"{between: [5m, 5m], page: ana}"},
    {"a store that is full pages, and remediates no more",
	"{at: 1s, fail_commits: 1}, {at: 2s, event: " EVENT("fix") "}",
	"{never: step}, {by: 9m, page: ana}"},
    {"a store that is back remediates again",
	"{at: 1s, fail_commits: 1}, {at: 2s, alarm: a, to: ALARM}, {at: 1m, store_is_back: true},\n"
	"{at: 2m, event: " EVENT("fix") "}",
	"{between: [2m, 3m], step: fix}"},
    {"set forward: page_by is over",
	"{at: 0s, alarm: net, to: ALARM, by: sqs}, {at: 1s, alarm: a, to: ALARM, by: sqs},\n"
	"{at: 2s, jump: 1d}",
	"{at: 0s, page: ana}, {between: [0s, 25h], page: ana}, {times: 2, page: ana}"},
    {"set back, a running daemon counts on",
	"{at: 1m, alarm: net, to: ALARM, by: sqs}, {at: 2m, alarm: a, to: ALARM, by: sqs},\n"
	"{at: 3m, set_back: 1h}, {at: 4m, alarm: net, to: OK, by: sqs}",
	"{at: 1m, page: ana}, {at: 4m, page: ana}, {times: 2, page: ana}"},
    {"set back, what it was down for does not count, and what AWS stamps is no trouble",
	"{at: 0s, alarm: net, to: ALARM, by: sqs}, {at: 2s, alarm: b, to: ALARM, by: sqs},\n"
	"{at: 3s, set_back: 2h}, {at: 1m, kill: 10m}, {at: 12m, alarm: net, to: OK, by: sqs},\n"
	"{at: 13m, alarm: c, to: ALARM, by: sqs}",
	"{at: 0s, page: ana}, {at: 2m, page: ana}, {at: 3m, page: ana}, {times: 3, page: ana}"},
    {"of one level and one contact", "{at: 5s, alarm: a, to: ALARM, by: sqs}",
	"{times: 1, page: page, level: 1, to: ana}, {times: 0, page: page, to: bo}, "
	"{never: page, to: bo}"},
};

static void
play(const char *text, struct pb_test_result *ret)
{
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	struct pb_config *c = read_config(config_text);
	int rc = pb_tests_read("x.test.yaml", pb_str_of(text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	for (size_t i = 0; i < tests.tests[0].n_configs; i++)
		tests.tests[0].configs[i].config = read_config(other_text);
	rc = pb_test_check(&tests.tests[0], c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	pb_test_play(&tests.tests[0], c, NULL, NULL, ret);
	pb_tests_fini(&tests);
	pb_config_unref(c);
}

START_TEST(an_event_does_what_it_says)
{
	const struct event_row *row = &event_rows[_i];
	struct pb_test_result result;
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("version: 1\ntests:\n- name: a\n  world: {exec:fix: {}}\n"
				 "  until: 20m\n  events: [%s]\n  expect: [%s]\n",
	    row->events, row->expect);
	play(text, &result);
	ck_assert_msg(result.is_passed, "%s: %.7000s", row->name, result.report.ptr);
	pb_buf_fini(&result.report);
}
END_TEST

/* --- commands, and a crash at each point */

static const struct crash_row {
	const char *name, *events;
	const char *told; /* NULL = passes */
} crash_rows[] = {
    {"what is refused is refused whenever it dies",
	"{at: 1s, alarm: a, to: ALARM, by: sqs}, {at: 10s, approve: \"1\", refused: true}", NULL},
    {"what a crash cut off is asked again, so that what follows is taken",
	"{at: 1s, silence: {detail: {alarmName: [x]}}, for: 1h, reason: r}, {at: 1m, expire: s1},\n"
	"{at: 2m, expire: s1, refused: true}",
	NULL},
    {"what is over is over in each",
	"{at: 0s, event: " EVENT(
	    "fix") "}, {at: 3s, kill: 1s}, {at: 1m, ack: \"1\", refused: true}",
	NULL},
    {"a second approval is refused, and changes nothing",
	"{at: 0s, event: " EVENT("ask") "}, {at: 1s, approve: \"1\"},\n"
					"{at: 1s, approve: \"1\", by: bo, refused: true}, {at: 1m, "
					"reject: \"1\", refused: true}",
	NULL},
    {"an approval after its deadline is refused",
	"{at: 0s, event: " EVENT("ask") "}, {at: 11m, approve: \"1\", refused: true}", NULL},
    {"what is closed is not acknowledged",
	"{at: 0s, alarm: a, to: ALARM, by: sqs}, {at: 1m, resolve: \"1\", reason: r},\n"
	"{at: 2m, ack: \"1\", refused: true}, {at: 2m, snooze: \"1\", for: 1h, refused: true}",
	NULL},
    {"a crash makes the repair late, and what was to be refused is not",
	"{at: 0s, event: " EVENT("fix") "}, {at: 7s, ack: \"1\", refused: true}",
	"was not refused"},
};

START_TEST(commands_are_judged_over_crashes)
{
	const struct crash_row *row = &crash_rows[_i];
	struct pb_test_result result;
	PB_CLEANUP(pb_freep)
	char *text =
	    pb_asprintf("version: 1\ntests:\n- name: a\n  world: {exec:fix: {after: 5s}, "
			"exec:fix2: {after: 5s}}\n"
			"  crash: each_commit\n  events: [%s]\n  expect: [{times: 0, page: "
			"bo}]\n",
		row->events);
	play(text, &result);
	ck_assert_msg(result.is_passed == (row->told == NULL), "%s: %.7000s", row->name,
	    result.report.ptr == NULL ? "passed" : result.report.ptr);
	ck_assert_msg(result.n_runs > 1, "%s: not with a crash", row->name);
	if (row->told != NULL)
		ck_assert_msg(strstr(result.report.ptr, row->told) != NULL, "%s: %.7000s",
		    row->name, result.report.ptr);
	pb_buf_fini(&result.report);
}
END_TEST

PB_SUITE(testevents)
{
	pb_add_loop(s, an_event_does_what_it_says, 0, PB_ARRAY_LEN(event_rows));
	pb_add_loop(s, commands_are_judged_over_crashes, 0, PB_ARRAY_LEN(crash_rows));
}
