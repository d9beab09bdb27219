/*
 * Random months: what they answer and what they reach.
 */
#include <stdlib.h>

#include "../runner.h"
#include "aws/call.h"
#include "base/json.h"
#include "sim/month.h"
#include "sim/world.h"

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

static struct pb_config *
config(const char *text)
{
	PB_CLEANUP(pb_freep) char *name = pb_strdup("c.yaml");
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(text);
	const struct pb_config_file file = {.name = name, .text = copy, .len = strlen(copy)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	int rc = pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	pb_problems_fini(&problems);
	return c;
}

static struct pb_month *
month(const char *text)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf notes = PB_BUF_INIT;
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = config(text);
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

static const struct state_row {
	const char *key;
	unsigned faults;
	const char *excluded; /* of the configuration above */
	bool is_missed; /* when it is never reached */
} state_rows[] = {
    {"step-started", 0, NULL, true},
    {"budget", PB_MONTH_FAULT_ALL, "no playbook with steps has a budget", false},
    {"fallback", PB_MONTH_FAULT_ALL, "no escalation has a fallback", false},
    {"storm", PB_MONTH_FAULT_ALL, "it has too few playbooks for a storm", false},
    {"observed", PB_MONTH_FAULT_ALL, "no playbook with steps is in mode observe", false},
    {"maintenance", PB_MONTH_FAULT_ALL, "there is no maintenance window", false},
    {"looked-up", PB_MONTH_FAULT_ERRORS, NULL, true},
    {"looked-up", PB_MONTH_FAULT_CRASH, NULL, false}, /* takes errors */
    {"set-back", PB_MONTH_FAULT_CLOCK, NULL, true}, {"set-back", 0, NULL, false},
    {"asked", 0, NULL, true}, /* after so many runs within a week */
};

START_TEST(a_state_that_cannot_be_reached_says_why_and_is_not_missed)
{
	const struct state_row *row = &state_rows[_i];
	const struct pb_month_options o = {
	    .days = 1, .faults = row->faults, .asserts = PB_MONTH_ASSERTS_ALL};
	const struct pb_month_reached none = {0};
	struct pb_month_state states[PB_MONTH_STATES_MAX];
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = config(shared_read);
	size_t n = pb_month_states(c, &o, &none, states), i = 0;
	while (i < n && !pb_streq(states[i].key, row->key))
		i++;
	ck_assert_uint_lt(i, n);
	ck_assert_pstr_eq(states[i].excluded, row->excluded);
	ck_assert(pb_month_state_is_missed(&states[i]) == row->is_missed);
}
END_TEST

static const struct assert_row {
	const char *list;
	unsigned promises; /* 0 = refused */
	const char *missed; /* a state that is missed; NULL = none is */
	const char *told;
} assert_rows[] = {
    {"all", PB_SCENARIO_PROMISES, "acked", NULL},
    {"promises", PB_SCENARIO_PROMISES, NULL, NULL},
    {"P2,P6", 1U << 2 | 1U << 6, NULL, NULL},
    {"acked", PB_SCENARIO_PROMISES, "acked", NULL},
    {"P1,acked", 1U << 1, "acked", NULL},
    {"budget", PB_SCENARIO_PROMISES, "budget", NULL}, /* which nobody has here */
    {"P7", 0, NULL,
	"there is no assertion \"P7\"; there are all, promises, P1 to P6, step-started,"},
    {"", 0, NULL, "there is no assertion \"\""},
    {"P1,", 0, NULL, "there is no assertion \"\""},
};

START_TEST(what_is_asserted_is_what_was_named)
{
	const struct assert_row *row = &assert_rows[_i];
	struct pb_error err = {0};
	struct pb_month_options o = {.days = 1, .faults = PB_MONTH_FAULT_ALL};
	const struct pb_month_reached none = {0};
	struct pb_month_state states[PB_MONTH_STATES_MAX];
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = config(shared_read);
	int rc = pb_month_asserts_parse(row->list, &o.asserts, &err);
	ck_assert_int_eq(rc, row->promises == 0 ? -1 : 0);
	ck_assert_uint_eq(o.asserts.promises, row->promises);
	if (rc < 0)
		ck_assert_msg(strncmp(err.text, row->told, strlen(row->told)) == 0, "%s", err.text);
	const char *missed = NULL;
	for (size_t n = pb_month_states(c, &o, &none, states), i = 0; i < n; i++)
		if (pb_month_state_is_missed(&states[i]) &&
		    (missed == NULL || pb_streq(states[i].key, row->missed)))
			missed = states[i].key;
	ck_assert_pstr_eq(missed, row->missed);
}
END_TEST

START_TEST(a_promise_that_is_not_judged_breaks_nothing)
{
	struct pb_error err = {0};
	PB_JSON json_t *scenario = json_object();
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = config(shared_read);
	struct world *w = world_new(scenario, c, 1, true, NULL, &err);
	ck_assert_msg(w != NULL, "%s", err.text);
	w->promises = 1U << 2;
	broken(w, "P3: %s", "of another kind");
	check_oracle(w, "2026-03-03T09:00:00Z P6: of another kind\n");
	ck_assert_uint_eq(w->broken.len, 0);
	check_oracle(w, "2026-03-03T09:00:00Z P2: nobody was told\n");
	broken(w, "scenario: has no sense");
	ck_assert_str_eq(w->broken.ptr,
	    "2026-03-03T09:00:00Z P2: nobody was told\n2026-03-03T09:00:00Z scenario: has no "
	    "sense\n");
	world_free(w);
}
END_TEST

PB_SUITE(month)
{
	pb_add_loop(s, a_state_that_cannot_be_reached_says_why_and_is_not_missed, 0,
	    PB_ARRAY_LEN(state_rows));
	pb_add_loop(s, what_is_asserted_is_what_was_named, 0, PB_ARRAY_LEN(assert_rows));
	pb_add(s, a_promise_that_is_not_judged_breaks_nothing);
	pb_add(s, a_step_and_its_rollback_are_looked_up_by_the_same_read);
}
