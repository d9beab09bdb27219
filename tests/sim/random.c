/*
 * Random scenarios: a few hours of alarms, recoveries, failures, people and restarts from a seed.
 *
 * The configuration is small and nasty: a playbook with a hold and retries, one whose step is `once`,
 * one with two sources of the same alarm, and what matches nothing.  Half of the worlds have noise to
 * keep down as well: groups and storms, silences, a maintenance window,
 * playbooks that inhibit and inform, look whether a step took effect, wait and tell.
 */
#include "tests/sim/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/rand.h"
#include "base/time.h"

/* Longer than any deadline of the configuration, acknowledgements included. */
#define TAIL (25 * PB_MINUTE)
#define LEAST PB_HOUR

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "sources:\n"
    "  - {name: ops-queue, type: sqs, queue_url: "
    "\"https://sqs.eu-west-1.amazonaws.com/111122223333/ops\"}\n"
    "%s"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager\"}\n"
    "  - {name: local, type: exec, argv: [/bin/page]}\n"
    "contacts: [{name: ana}, {name: bo}]\n"
    "unmatched: {alarms: escalate, escalate: oncall, events: drop}\n"
    "budgets: [{name: few, max: 3, per: 30m, when_empty: approve}]\n"
    "playbooks:\n"
    "  - name: hold\n"
    "    match: {detail: {alarmName: [{prefix: hold}], state: {value: [ALARM]}}}\n"
    "    hold: 60s\n"
    "    page_by: 6m\n"
    "    verify_timeout: 2m\n"
    "    escalate: oncall\n"
    "    steps:\n"
    "      - name: fix\n"
    "        action: exec\n"
    "        argv: [/bin/fix, \"${alarm.name}\"]\n"
    "        timeout: 90s\n"
    "        on_interrupted: retry\n"
    "        effect: idempotent\n"
    "        retry: [{ErrorEquals: [States.ALL], IntervalSeconds: 2, MaxAttempts: 3, "
    "JitterStrategy: FULL}]\n"
    "  - name: once\n"
    "    match: {detail: {alarmName: [{prefix: once}], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    steps:\n"
    "      - {name: kick, action: exec, argv: [/bin/kick], timeout: 30s}\n"
    "      - {name: tell, action: \"aws:sqs.SendMessage\", inputs: {QueueUrl: "
    "\"https://sqs.eu-west-1.amazonaws.com/111122223333/out\", MessageBody: \"${incident.id}\"}, "
    "timeout: 20s, on_failure: continue, effect: once}\n"
    "      - {name: seen, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK, for: 30s}], "
    "timeout: 2m}\n"
    "  - name: asks\n"
    "    match: {detail: {alarmName: [{prefix: asks}], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    guards: {mode: approve, concurrency: {max: 1, lock: one}, cooldown: {for: 2m}, "
    "breaker: {failures: 2, within: 1h}}\n"
    "    steps:\n"
    "      - {name: pick, action: exec, argv: [/bin/pick], timeout: 30s, effect: read}\n"
    "      - {name: act, action: exec, argv: [/bin/act], timeout: 40s, effect: idempotent, "
    "rollback: {action: exec, argv: [/bin/undo], timeout: 20s}}\n"
    "      - {name: more, action: exec, argv: [/bin/more], timeout: 40s, on_failure: rollback}\n"
    "  - name: plan\n"
    "    match: {detail: {alarmName: [{prefix: plan}], state: {value: [ALARM]}}}\n"
    "    page_by: 5m\n"
    "    hold: 10s\n"
    "    escalate: oncall\n"
    "    guards: {mode: propose, concurrency: {max: 1, lock: one}, budget: few, "
    "cooldown: {for: 0s}}\n"
    "    steps: [{name: act, action: exec, argv: [/bin/act], timeout: 90s, effect: "
    "idempotent}]\n"
    "  - name: auto\n"
    "    match: {detail: {alarmName: [{prefix: auto}], state: {value: [ALARM]}}}\n"
    "    page_by: 3m\n"
    "    escalate: oncall\n"
    "    guards: {concurrency: {max: 1, lock: one}, budget: few, rate: {max: 4, per: 1h}, "
    "cooldown: {for: 1m}}\n"
    "    steps: [{name: act, action: exec, argv: [/bin/act], timeout: 90s, effect: "
    "idempotent}]\n"
    "  - name: bare\n"
    "    match: {detail: {alarmName: [{prefix: bare}], state: {value: [ALARM]}}}\n"
    "    escalate: oncall\n"
    "escalations:\n"
    "  - name: oncall\n"
    "%s"
    "    levels:\n"
    "      - {notify: [ana], via: [pager], repeat: {every: 3m, max: 2}}\n"
    "      - {notify: [bo, ana], via: [pager, local], after: 5m}\n"
    "    cycles: {max: 2, from_level: 2}\n"
    "    fallback: {after: 40s, via: [local]}\n"
    "    ack: {expires: 20m, then: resume}\n";

static const char poller[] =
    "  - {name: alarms, type: cloudwatch, region: eu-west-1, interval: 20s}\n";

static const char noise[] = "    group_by: [playbook]\n"
			    "    group_wait: 20s\n"
			    "    group_interval: 2m\n"
			    "    storm: {over: 3, within: 2m, every: 5m}\n";

static const char noisy_text[] =
    "version: 1\n"
    "playbooks:\n"
    "  - name: look\n"
    "    match: {detail: {alarmName: [{prefix: look}], state: {value: [ALARM]}}}\n"
    "    page_by: 5m\n"
    "    reopen_within: 3m\n"
    "    escalate: oncall\n"
    "    inform: [{audience: desk, via: [local], after: 2m, every: 10m, until: resolved, text: "
    "\"${alarm.name} is off\"}]\n"
    "    guards: {cooldown: {for: 0s}, recurrence: {runs: 3, within: 1h}}\n"
    "    steps:\n"
    "      - {name: look, action: exec, argv: [/bin/aside], timeout: 60s, attempt_timeout: 20s, "
    "check: {action: exec, argv: [/bin/is-aside], done: {state: [aside]}, timeout: 10s}}\n"
    "      - {name: rest, action: wait, for: 20s}\n"
    "      - {name: say, action: notify, to: [ana], via: [pager], text: \"${alarm.name} is "
    "aside\", "
    "timeout: 30s, on_failure: continue}\n"
    "  - name: calm\n"
    "    match: {detail: {alarmName: [{prefix: calm}], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    inhibited_by: [look, once]\n"
    "    escalate: oncall\n"
    "    steps: [{name: fix, action: exec, argv: [/bin/fix], timeout: 90s, effect: idempotent}]\n"
    "maintenance:\n"
    "  - name: work\n"
    "    match: {detail: {alarmName: [{prefix: calm-2}, {prefix: bare}]}}\n"
    "    when: {tz: UTC, days: [tue], start: \"09:20\", for: 40m}\n"
    "    effect: {remediate: block, notify: hold}\n"
    "    at_end: {still_firing: notify, recovered: summary}\n"
    "    owner: ana\n"
    "    expires: 2027-03-31\n";

static const char *
pick(struct pb_rand *r, const char *const *words, size_t n)
{
	return words[pb_rand_below(r, (int64_t)n)];
}

static json_t *
span(int64_t at)
{
	char text[PB_TIME_TEXT];
	(void)snprintf(text, sizeof(text), "%lldms", (long long)at);
	return json_string(text);
}

static json_t *
random_answer(struct pb_rand *r)
{
	json_t *a = json_object();
	switch (pb_rand_below(r, 8)) {
	case 0:
		pb_json_set_str(a, "error", "Exec.Exit.1");
		break;
	case 1:
		pb_json_set_str(a, "error", "ThrottlingException");
		pb_json_set_str(a, "class", "Throttling");
		break;
	case 2:
		pb_json_set_str(a, "error", "Network");
		pb_json_set_str(a, "class", "Network");
		json_object_set_new(a, "unknown", json_true());
		break;
	case 3:
		json_object_set_new(a, "hangs", json_true());
		break;
	default:
		break;
	}
	json_object_set_new(a, "after", span(pb_rand_below(r, 40000)));
	return a;
}

static json_t *
random_answers(struct pb_rand *r)
{
	json_t *list = json_array();
	for (int64_t n = 1 + pb_rand_below(r, 6); n > 0; n--)
		json_array_append_new(list, random_answer(r));
	return list;
}

/* Whoever cannot be paged at all proves nothing: the last answer is a success. */
static json_t *
random_page_answers(struct pb_rand *r)
{
	json_t *list = random_answers(r);
	json_array_append_new(list, json_object());
	return list;
}

static json_t *
random_event(struct pb_rand *r, bool is_noisy)
{
	static const char *const names[] = {"hold-1", "hold-2", "once-1", "once-2", "bare-1",
	    "unknown-1", "asks-1", "asks-2", "plan-1", "plan-2", "auto-1", "auto-2"};
	static const char *const noisy_names[] = {"look-1", "look-2", "calm-1", "calm-2"};
	static const char *const ids[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"};
	static const char *const states[] = {
	    "ALARM", "ALARM", "ALARM", "OK", "OK", "INSUFFICIENT_DATA"};
	static const char *const ways[] = {"sqs", "poll", "both"};
	json_t *e = json_object();
	switch (pb_rand_below(r, is_noisy ? 44 : 36)) {
	case 0:
		json_object_set_new(e, "garbage", json_true());
		break;
	case 1:
	case 2:
		pb_json_set_str(e, "ack", pick(r, (const char *const[]){"1", "2", "3", "4"}, 4));
		break;
	case 3:
		pb_json_set_str(
		    e, "resolve", pick(r, (const char *const[]){"1", "2", "3", "4"}, 4));
		break;
	case 4:
		json_object_set_new(e, "kill", span(pb_rand_below(r, 1200000)));
		break;
	case 5:
		json_object_set_new(e, "fail_commits", json_integer(1));
		break;
	case 6:
		json_object_set_new(e, "store_is_back", json_true());
		break;
	case 7:
		pb_json_set_str(e, "snooze", pick(r, (const char *const[]){"1", "2", "3", "4"}, 4));
		json_object_set_new(e, "for", span(PB_MINUTE + pb_rand_below(r, PB_HOUR)));
		break;
	case 8:
		pb_json_set_str(
		    e, "escalate", pick(r, (const char *const[]){"1", "2", "3", "4"}, 4));
		break;
	case 9:
	case 10:
	case 11:
	case 12:
	case 13:
		pb_json_set_str(e, "approve", pick(r, ids, PB_ARRAY_LEN(ids)));
		break;
	case 14:
		pb_json_set_str(e, "reject", pick(r, ids, PB_ARRAY_LEN(ids)));
		break;
	case 15:
		pb_json_set_str(
		    e, "stop_remediation", pick(r, (const char *const[]){"", "auto", "asks"}, 3));
		pb_json_set_str(e, "reason", "too much");
		break;
	case 16:
	case 17:
		pb_json_set_str(
		    e, "start_remediation", pick(r, (const char *const[]){"", "auto", "asks"}, 3));
		break;
	case 36:
		json_object_set_new(e, "silence",
		    json_pack("{s:{s:[{s:s}]}}", "detail", "alarmName", "prefix",
			pick(r, (const char *const[]){"look", "bare", "", "once-1"}, 4)));
		json_object_set_new(e, "for", span(PB_MINUTE + pb_rand_below(r, PB_HOUR)));
		pb_json_set_str(e, "reason", "known");
		break;
	case 37:
		pb_json_set_str(e, "expire", pick(r, (const char *const[]){"s1", "s2"}, 2));
		break;
	case 38:
	case 39:
	case 40:
	case 41:
	case 42:
	case 43:
		pb_json_set_str(e, "alarm", pick(r, noisy_names, PB_ARRAY_LEN(noisy_names)));
		pb_json_set_str(e, "to", pick(r, states, PB_ARRAY_LEN(states)));
		pb_json_set_str(e, "by", pick(r, ways, PB_ARRAY_LEN(ways)));
		break;
	default:
		pb_json_set_str(e, "alarm", pick(r, names, PB_ARRAY_LEN(names)));
		pb_json_set_str(e, "to", pick(r, states, PB_ARRAY_LEN(states)));
		pb_json_set_str(e, "by", pick(r, ways, PB_ARRAY_LEN(ways)));
		if (pb_rand_below(r, 4) == 0)
			json_object_set_new(e, "twice", json_true());
		if (pb_rand_below(r, 6) == 0)
			json_object_set_new(e, "late", span(pb_rand_below(r, 1800000)));
	}
	return e;
}

/* Read once for all seeds. */
static struct pb_config *
config_of(bool has_poller, bool is_noisy)
{
	static struct pb_config *made[2][2];
	struct pb_config **c = &made[has_poller][is_noisy];
	if (*c == NULL) {
		struct pb_problems problems = {0};
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		PB_CLEANUP(pb_freep) char *noisy = pb_strdup(noisy_text);
		pb_buf_addf(&text, config_text, has_poller ? poller : "", is_noisy ? noise : "");
		char name[] = "random.yaml", noisy_name[] = "random-noisy.yaml";
		const struct pb_config_file files[] = {
		    {.name = name, .text = text.ptr, .len = text.len},
		    {.name = noisy_name, .text = noisy, .len = strlen(noisy)}};
		int rc = pb_config_parse(files, is_noisy ? 2 : 1, NULL, c, &problems);
		if (rc < 0)
			fprintf(stderr, "%s\n", problems.texts[0]);
		pb_check(rc == 0);
		pb_problems_fini(&problems);
	}
	return *c;
}

json_t *
scenario_random(uint64_t seed, struct pb_config **ret_config)
{
	struct pb_rand r;
	pb_rand_seed(&r, seed);
	bool has_poller = pb_rand_below(&r, 4) != 0;
	bool is_noisy = pb_rand_below(&r, 2) == 0;
	*ret_config = config_of(has_poller, is_noisy);

	json_t *s = json_object(), *world = json_object(), *events = json_array();
	json_object_set_new(world, "exec:fix", random_answers(&r));
	json_object_set_new(world, "exec:kick", random_answers(&r));
	json_object_set_new(world, "exec:pick", random_answers(&r));
	json_object_set_new(world, "exec:act", random_answers(&r));
	json_object_set_new(world, "exec:more", random_answers(&r));
	json_object_set_new(world, "exec:act.rollback", random_answers(&r));
	json_object_set_new(world, "aws:sqs.SendMessage", random_answers(&r));
	json_object_set_new(world, "page", random_page_answers(&r));
	if (is_noisy) {
		json_object_set_new(world, "exec:look", random_answers(&r));
		json_object_set_new(world, "notify:say", random_answers(&r));
		json_object_set_new(world, "exec:look.check",
		    json_pack("{s:{s:s}, s:{s:{s:s}}}", "output", "state", "in", "when_done",
			"output", "state", "aside"));
	}
	json_object_set_new(s, "world", world);
	if (pb_rand_below(&r, 4) == 0)
		json_object_set_new(s, "commit_takes", span(1 + pb_rand_below(&r, 3000)));

	int64_t at = 0;
	for (int64_t n = 5 + pb_rand_below(&r, 40); n > 0; n--) {
		json_t *e = random_event(&r, is_noisy);
		at += pb_rand_below(&r, pb_rand_below(&r, 3) == 0 ? 5000 : 600000);
		json_object_set_new(e, "at", span(at));
		json_array_append_new(events, e);
	}
	json_array_append_new(events, json_pack("{s:b, s:o}", "store_is_back", 1, "at", span(at)));
	at += pb_rand_below(&r, 2 * PB_MINUTE); /* before it is noticed, or after */
	json_array_append_new(events, json_pack("{s:s, s:o}", "kill", "5s", "at", span(at)));
	json_object_set_new(s, "events", events);
	json_object_set_new(s, "until", span(at + TAIL < LEAST ? LEAST : at + TAIL));
	return s;
}

size_t
scenario_random_deaths(uint64_t seed, size_t at[SCENARIO_DEATHS_MAX])
{
	struct pb_rand r;
	pb_rand_seed(&r, seed ^ UINT64_C(0xdead));
	size_t n = 1 + (size_t)pb_rand_below(&r, SCENARIO_DEATHS_MAX), last = 0;
	for (size_t i = 0; i < n; i++) {
		last += 1 + (size_t)pb_rand_below(&r, INT64_C(1) << (1 + pb_rand_below(&r, 10)));
		at[i] = last;
	}
	return n;
}
