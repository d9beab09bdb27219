/*
 * Random months: what they answer and what they reach.
 */
#include <stdlib.h>

#include "../runner.h"
#include "aws/call.h"
#include "base/json.h"
#include "sim/month.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"daemon: {exec: {driver: child}}\n"                                                        \
	"sources: [{name: q, type: sqs, queue_url: "                                               \
	"\"https://sqs.eu-west-1.amazonaws.com/111122223333/q\"}]\n"                               \
	"channels: [{name: pager, type: sns, topic: "                                              \
	"\"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"                                             \
	"contacts: [{name: ana}]\n"                                                                \
	"unmatched: {alarms: drop, events: drop}\n"                                                \
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n"

/* The check of the step and that of its rollback ask by the same call for opposite states. */
static const char shared_read[] =
    HEAD "playbooks:\n"
	 "  - name: p\n"
	 "    match: {detail: {alarmName: [{prefix: p-}], state: {value: [ALARM]}}}\n"
	 "    page_by: 9m\n"
	 "    escalate: e\n"
	 "    guards: {cooldown: {for: 0s}}\n"
	 "    steps:\n"
	 "      - {name: in, action: \"aws:autoscaling.EnterStandby\", timeout: 90s,\n"
	 "         retry: [{ErrorEquals: [States.ALL], IntervalSeconds: 1, MaxAttempts: 3}],\n"
	 "         inputs: {AutoScalingGroupName: g, InstanceIds: [i-1],\n"
	 "             ShouldDecrementDesiredCapacity: true},\n"
	 "         rollback: {action: \"aws:autoscaling.ExitStandby\", timeout: 90s,\n"
	 "             retry: [{ErrorEquals: [States.ALL], IntervalSeconds: 1, MaxAttempts: 3}],\n"
	 "             inputs: {AutoScalingGroupName: g, InstanceIds: [i-1]}}}\n"
	 "      - {name: more, action: exec, argv: [/bin/more], effect: read, timeout: 9s,\n"
	 "         on_failure: rollback}\n"
	 "      - {name: seen, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}],\n"
	 "         timeout: 2m, on_failure: rollback}\n";

static struct pb_month *
month(const char *text)
{
	PB_CLEANUP(pb_freep) char *name = pb_strdup("c.yaml");
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(text);
	PB_CLEANUP(pb_buf_fini) struct pb_buf notes = PB_BUF_INIT;
	const struct pb_config_file file = {.name = name, .text = copy, .len = strlen(copy)};
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	int rc = pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	pb_problems_fini(&problems);
	return pb_month_new(c, &notes);
}

START_TEST(a_step_and_its_rollback_are_looked_up_by_the_same_read)
{
	const struct pb_month_options o = {
	    .days = 20, .faults = PB_MONTH_FAULT_ERRORS | PB_MONTH_FAULT_CRASH};
	struct pb_month *m = month(shared_read);
	bool was_undone = false;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct pb_scenario_run run;
		PB_JSON json_t *scenario = pb_month_scenario(m, seed, &o);
		pb_month_play(m, scenario, seed, &o, 0, &run);
		ck_assert_msg(run.failures.len == 0, "seed %d: %s", (int)seed, run.failures.ptr);
		was_undone = was_undone ||
		    strstr(run.trace.ptr, "in.rollback: attempt 1 has taken effect") != NULL;
		pb_scenario_run_fini(&run);
	}
	ck_assert(was_undone);
	pb_month_free(m);
}
END_TEST

PB_SUITE(month)
{
	pb_add(s, a_step_and_its_rollback_are_looked_up_by_the_same_read);
}
