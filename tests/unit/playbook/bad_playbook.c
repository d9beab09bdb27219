/*
 * Bad configurations: playbooks and steps.  Every problem, in order, exactly as it is told.
 */
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

static const struct pb_test_bad rows[] = {
    {"nothing but a name", PB_TEST_HEAD "playbooks: [{name: p}]\n",
	{"7:13: playbook needs the key escalate: the name of an escalation",
	    "7:13: playbook needs the key match: an EventBridge event pattern"}},
    {"a playbook twice",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e}\n"
		     "  - {name: p, match: {source: [x]}, escalate: e}\n",
	{"9:12: playbook \"p\" is defined already in t.yaml:8"}},
    {"a pattern over what no alarm has",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match:\n"
		     "      source: [aws.cloudwatch]\n"
		     "      detail-type: [CloudWatch Alarm State Change]\n"
		     "      detail: {alarmname: [web]}\n"
		     "    escalate: e\n"
		     "  - name: q\n"
		     "    match:\n"
		     "      source: [aws.cloudwatch]\n"
		     "      detail-type: [CloudWatch Alarm State Change]\n"
		     "      detail: {state: {value: [Alarm]}}\n"
		     "    escalate: e\n",
	{"12:27: match can never fit: detail.alarmname is in no \"CloudWatch Alarm State Change\" "
	 "event (did you mean detail.alarmName?)",
	    "18:31: match can never fit: detail.state.value of a \"CloudWatch Alarm State Change\" "
	    "event is text \"OK\" or \"ALARM\" or \"INSUFFICIENT_DATA\", wanted one of "
	    "[\"Alarm\"]"}},
    {"a pattern over what no alarm has, that does not say what kind of event it means",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [aws.cloudwatch], detail: {alarmname: [web]}}\n"
		     "    escalate: e\n"
		     "  - name: q\n"
		     "    match: {source: [aws.cloudwatch], detail: {state: {value: [Alarm]}}}\n"
		     "    escalate: e\n",
	{"9:59: match can never fit: detail.alarmname is in no \"CloudWatch Alarm State Change\" "
	 "event (did you mean detail.alarmName?)",
	    "12:63: match can never fit: detail.state.value of a \"CloudWatch Alarm State Change\" "
	    "event is text \"OK\" or \"ALARM\" or \"INSUFFICIENT_DATA\", wanted one of "
	    "[\"Alarm\"]"}},
    {"a pattern over what no event has",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {sorce: [x], detail.a: [1], $or: [{a: [1]}, {b: [1]}]}\n"
		     "    resolve_on: {resource: [x]}\n"
		     "    escalate: e\n",
	{"9:13: match can never fit: no event has \"sorce\" (did you mean \"source\"?)",
	    "10:18: resolve_on can never fit: no event has \"resource\" (did you mean "
	    "\"resources\"?)"}},
    {"a playbook for recoveries",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [aws.cloudwatch], detail: {state: {value: [OK]}}}\n"
		     "    escalate: e\n",
	{"9:63: nothing is ever opened by a recovery; match the ALARM, or use resolve_on"}},
    {"verifications that can never pass",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - name: v\n"
		     "        action: verify\n"
		     "        timeout: 5m\n"
		     "        all:\n"
		     "          - {alarm: \"${alarm.arn}\", state: OK, for: 10m}\n"
		     "          - {http: \"https://a.example.com/\", times: 10, every: 1m}\n"
		     "          - {alarm: \"${alarm.arn}\", state: ALARM}\n",
	{"16:13: this takes 10m at least, and the step ends after 5m (timeout), so it can never "
	 "pass",
	    "17:13: this takes 9m at least, and the step ends after 5m (timeout), so it can never "
	    "pass",
	    "18:13: the alarm must be in another state by the condition in line 16, so the step "
	    "can never pass"}},
    {"an escalation that is not there",
	PB_TEST_HEAD "playbooks: [{name: p, match: {source: [x]}, escalate: f}]\n",
	{"7:55: escalation \"f\" is not defined"}},
    {"an escalation that is nearly there",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: oncall, levels: [{notify: [ana], via: [pager]}]}]\n"
	"playbooks: [{name: p, match: {source: [x]}, escalate: on-call}]\n",
	{"7:55: escalation \"on-call\" is not defined (did you mean \"oncall\"?)"}},
    {"an unknown key",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, hodl: 5m}\n",
	{"8:50: unknown key \"hodl\" in playbook (did you mean \"hold\"?)"}},
    {"an unknown severity",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, severity: fatal}\n",
	{"8:60: \"fatal\" is not one of critical, error, warning, info"}},
    {"a hold as long as page_by",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, hold: 5m}\n",
	{"8:56: hold (5m) must be shorter than page_by (5m), or the page comes before anything is "
	 "tried"}},
    {"a hold longer than its own page_by",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, page_by: 30s, hold: 1m}\n",
	{"8:70: hold (1m) must be shorter than page_by (30s), or the page comes before anything is "
	 "tried"}},
    {"a page_by that is too short",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, page_by: 9s}\n",
	{"8:59: 9s is out of range, it must be between 10s and 1d"}},
    {"an owner without a team",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, owner: {}}\n",
	{"8:57: owner needs the key team"}},
    {"a pattern in resolve_on that is none",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - {name: p, match: {source: [x]}, escalate: e, resolve_on: {source: [{bad: x}]}}\n",
	{"8:78: resolve_on source[0].bad: Unrecognized match type bad"}},
    {"a playbook that inhibits itself",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, inhibited_by: [q, p]}\n",
	{"8:68: a playbook cannot inhibit itself"}},
    {"continue that is no boolean",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, continue: yes}\n",
	{"8:60: yes is not true or false"}},
    {"a word that resolve_on does not know",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, resolve_on: ok}\n",
	{"8:62: \"ok\" is not one of alarm_ok, never"}},
    {"a notice without anything",
	PB_TEST_HEAD "playbooks:\n  - {name: p, match: {source: [x]}, escalate: e, inform: [{}]}\n",
	{"8:59: notice needs the key audience",
	    "8:59: notice needs the key text: what they are "
	    "told, in their words",
	    "8:59: notice needs the key via: names of channels"}},
    {"a notice with everything wrong",
	PB_TEST_HEAD "playbooks:\n  - {name: p, match: {source: [x]}, escalate: e, inform: [\n"
		     "    {audience: a b, via: [pagr], after: 2d, every: 30s, until: ok, text: "
		     "\"${steps.s.output}\"},\n"
		     "    {audience: us, via: [], text: \"${alarm.nam}\"}]}\n",
	{"9:16: \"a b\" is no name of a stakeholder: use 1 to 100 letters, digits, - _ and ., "
	 "beginning with a letter, digit or _",
	    "9:27: channel \"pagr\" is not defined (did you mean \"pager\"?)",
	    "9:41: 2d is out of range, it must be between 0s and 1d",
	    "9:52: 30s is out of range, it must be between 1m and 7d",
	    "9:64: \"ok\" is not one of resolved, acknowledged",
	    "9:74: template: no step has run yet where this is made",
	    "10:25: the list of channels is empty",
	    "10:35: template: alarm has no member \"nam\" (did you mean \"name\"?)"}},
    {"an audience twice",
	PB_TEST_HEAD "playbooks:\n  - {name: p, match: {source: [x]}, escalate: e, inform: [\n"
		     "    {audience: us, via: [pager], text: a},\n"
		     "    {audience: us, via: [pager], text: b}]}\n",
	{"10:16: audience \"us\" is informed already, in line 9"}},
    {"a review without a date",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, reviewed: {every: 90d}}\n",
	{"8:60: reviewed needs the key date"}},
    {"a review on no day, and due too soon",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    reviewed: {date: 2026-02-30, by: me, every: 1h, drill_every: 500d}\n",
	{"11:22: \"2026-02-30\" is no date, as 2026-01-05",
	    "11:49: 1h is out of range, it must be between 1d and 400d",
	    "11:66: the duration 500d is more than 400 days"}},
    {"a reopen_within of more than a day",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, reopen_within: 2d}\n",
	{"8:65: 2d is out of range, it must be between 0s and 1d"}},
#define GUARDS(text)                                                                               \
	PB_TEST_HEAD                                                                               \
	"playbooks:\n"                                                                             \
	"  - name: p\n"                                                                            \
	"    match: {source: [x]}\n"                                                               \
	"    escalate: e\n"                                                                        \
	"    steps: [{name: pick, action: exec, argv: [/bin/pick]}, {name: act, action: "          \
	"exec, argv: [/bin/act]}]\n" text
    {"a mode beside the guards", GUARDS("    mode: auto\n"),
	{"12:5: mode does not belong to a playbook; it stands in guards"}},
    {"guards of nothing",
	PB_TEST_HEAD "playbooks: [{name: p, match: {source: [x]}, escalate: e, guards: {}}]\n",
	{"7:66: the playbook has no steps that guards could hold back"}},
    {"guards that are a list", GUARDS("    guards: []\n"),
	{"12:13: expected a mapping (guards), found a list"}},
    {"an unknown mode", GUARDS("    guards: {mode: automatic}\n"),
	{"12:20: \"automatic\" is not one of observe, propose, approve, auto"}},
    {"an unknown guard", GUARDS("    guards: {cooldwn: {for: 5m}}\n"),
	{"12:14: unknown key \"cooldwn\" in guards (did you mean \"cooldown\"?)"}},
    {"guards without their numbers",
	GUARDS(
	    "    guards: {cooldown: {}, concurrency: {}, rate: {max: 1}, breaker: {failures: 1}, "
	    "targets: {}}\n"),
	{"12:24: cooldown needs the key for", "12:41: concurrency needs the key max",
	    "12:51: rate needs the key per", "12:70: breaker needs the key within",
	    "12:94: targets needs the key from"}},
    {"numbers out of range",
	GUARDS("    guards: {concurrency: {max: 0}, rate: {max: 10001, per: 0s}}\n"),
	{"12:33: 0 is not a whole number between 1 and 10000",
	    "12:49: 10001 is not a whole number between 1 and 10000",
	    "12:61: 0s is out of range, it must be between 1s and 30d"}},
    {"a recurrence and a flap without their numbers",
	GUARDS("    guards: {recurrence: {runs: 3, then: stop}, flap: {times: 0}}\n"),
	{"12:26: recurrence needs the key within", "12:42: \"stop\" is not one of approve, page",
	    "12:55: flap needs the key within",
	    "12:63: 0 is not a whole number between 1 and 100"}},
    {"a breaker that does something else",
	GUARDS("    guards: {breaker: {failures: 1, within: 1h, then: stop}}\n"),
	{"12:55: \"stop\" is not one of approve, page"}},
    {"a budget that is not there", GUARDS("    guards: {budget: removals}\n"),
	{"12:22: budget \"removals\" is not defined"}},
    {"targets that are no value", GUARDS("    guards: {targets: {from: \"i-${alarm.name}\"}}\n"),
	{"12:30: \"i-${alarm.name}\" must be one ${...}, so that it keeps its kind of value"}},
    {"targets of no step", GUARDS("    guards: {targets: {from: \"${steps.pik.output.i}\"}}\n"),
	{"12:30: template: there is no step \"pik\" before this one (did you mean \"pick\"?)"}},
    {"targets of the last step",
	GUARDS("    guards: {targets: {from: \"${steps.act.output.i}\"}}\n"),
	{"12:23: no step stands behind the one that gives the targets"}},
    {"a percentage of nothing",
	GUARDS("    guards: {targets: {from: \"${steps.pick.output.i}\", percent: 20}}\n"),
	{"12:23: percent and percent_of belong together"}},
    {"a lock that needs a step",
	GUARDS("    guards: {concurrency: {max: 1, lock: \"${steps.pick.output}\"}}\n"),
	{"12:42: template: no step has run yet where this is made"}},
    {"params that are a list", GUARDS("    params: [a]\n"),
	{"12:13: params must be a mapping of names to values"}},
    {"params that cannot be picked", GUARDS("    params: {a.b: x, c: [y]}\n"),
	{"12:14: \"a.b\" cannot be picked by ${params.NAME}; use letters, digits, - and _",
	    "12:25: a param is one value, as text or template"}},
    {"a param made of params", GUARDS("    params: {a: x, b: \"${params.a}\"}\n"),
	{"12:23: template: a param cannot be made of params"}},
    {"a param that is not there",
	GUARDS(
	    "    params: {asg: x}\n    guards: {concurrency: {max: 1, lock: \"${params.asq}\"}}\n"),
	{"13:42: template: the playbook has no param \"asq\" (did you mean \"asg\"?)"}},
    {"a pattern that is text", PB_TEST_HEAD "playbooks: [{name: p, match: x, escalate: e}]\n",
	{"7:30: match: Filter is not an object"}},
    {"a pattern with an unknown operator",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    escalate: e\n"
		     "    match:\n"
		     "      detail:\n"
		     "        state: {value: [{prefx: A}]}\n",
	{"12:33: match detail.state.value[0].prefx: Unrecognized match type prefx (did you mean "
	 "prefix?)"}},
    {"a pattern with a value that is no list",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    escalate: e\n"
		     "    match:\n"
		     "      source: aws.cloudwatch\n",
	{"11:15: match source: \"source\" must be an object or an array"}},
    {"a pattern with an empty list",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    escalate: e\n"
		     "    match:\n"
		     "      detail: {a.b: []}\n",
	{"11:21: match detail.a.b: Empty arrays are not allowed"}},
    {"a pattern with a missing value",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    escalate: e\n"
		     "    match:\n"
		     "      source:\n",
	{"11:14: the value is missing; write \"\" or null"}},
    {"a dedup with steps",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - {name: p, match: {source: [x]}, escalate: e, dedup: \"${steps.a.output}\"}\n",
	{"8:57: template: only event and alarm are known here, there is no incident yet"}},
    {"a dedup with params",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, dedup: \"${params.asg}\"}\n",
	{"8:57: template: only event and alarm are known here, there is no incident yet"}},
    {"a dedup with an unknown member",
	PB_TEST_HEAD "playbooks:\n"
		     "  - {name: p, match: {source: [x]}, escalate: e, dedup: \"${alarm.arm}\"}\n",
	{"8:57: template: alarm has no member \"arm\" (did you mean \"arn\"?)"}},
    {"a hundred and one steps",
	PB_TEST_HEAD
	"playbooks: [{name: p, match: {source: [x]}, escalate: e, steps: [{}, {}, {}, {}, {}, {}, "
	"{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
	"{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
	"{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
	"{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
	"{}, {}, {}, {}, {}, {}, {}]}]\n",
	{"7:65: the list has 101 steps, at most 100 are allowed"}},
    {"a step without action",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step needs the key action: exec, verify, wait, http, notify or "
	 "aws:<service>.<Operation>"}},
    {"a step without a name",
	PB_TEST_HEAD "playbooks: [{name: p, match: {source: [x]}, escalate: e, steps: [{action: "
		     "exec, argv: [/x]}]}]\n",
	{"7:66: step of action exec needs the key name"}},
    {"a step that is text",
	PB_TEST_HEAD "playbooks: [{name: p, match: {source: [x]}, escalate: e, steps: [x]}]\n",
	{"7:66: expected a mapping (step of action exec), found a single value"}},
    {"a step twice",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x]}\n"
	"      - {name: a, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"13:16: step \"a\" is defined twice in this playbook"}},
    {"a step with a reserved name",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: escalate, action: exec, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:16: \"escalate\" cannot be a step's name, it has a meaning of its own"}},
    {"a step with a dot",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a.b, action: exec, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:16: \"a.b\" cannot be a step's name: a dot would end it in ${steps.NAME.output}"}},
    {"an unknown action",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exek}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:27: \"exek\" is not one of exec, verify, wait, http, notify, "
	 "aws:<service>.<Operation> (did you mean \"exec\"?)"}},
    {"action wait",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: wait}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step of action wait needs the key for"}},
    {"action http",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: http}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step of action http needs the key url"}},
    {"action notify",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: notify}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step of action notify needs the key text",
	    "12:9: step of action notify needs the key via: a list of channels"}},
    {"an action of AWS without an operation",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: \"aws:sqs\", inputs: {}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:27: \"aws:sqs\" must be aws:<service>.<Operation>, as aws:sqs.SendMessage"}},
    {"an unknown operation",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMesage, inputs: {}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:27: there is no operation sqs.SendMesage"}},
    {"an input that is missing",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMessage, inputs: {MessageBody: x}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:56: sqs.SendMessage needs the input QueueUrl"}},
    {"an operation that must look first",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:ec2.TerminateInstances, inputs: {InstanceIds: [i-0]}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:27: effect check_first needs the key check: a read, and in done a pattern over its "
	 "output that fits when the effect has taken place"}},
    {"no inputs",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMessage}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step of AWS needs the key inputs"}},
    {"inputs that are a list",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMessage, inputs: [a]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:56: inputs must be a mapping, by the API's own names"}},
    {"argv of AWS",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMessage, inputs: {QueueUrl: x}, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:71: argv does not belong to a step of AWS; what a call gets stands in inputs"}},
    {"an operation that is not there, with argv",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMesage, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step of AWS needs the key inputs", "12:27: there is no operation sqs.SendMesage",
	    "12:47: argv does not belong to a step of AWS; what a call gets stands in inputs"}},
    {"inputs of exec",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], inputs: {}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:45: inputs does not belong to a step of action exec; what a program gets stands in "
	 "argv and on its standard input"}},
    {"no argv",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:9: step of action exec needs the key argv"}},
    {"an empty argv",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: []}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:39: the list of arguments is empty"}},
    {"argv as one text",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: /bin/x -a}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:39: expected a list of arguments, found a single value"}},
    {"a program without a path",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:40: \"x\" must be an absolute path; there is no shell and no search path"}},
    {"a program by template",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [\"${alarm.tags.program}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:40: \"${alarm.tags.program}\" must be an absolute path; there is no shell and no "
	 "search path"}},
    {"if, next and rollback",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], if: {}, next: z, rollback: {}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:49: if: Empty objects are not allowed",
	    "12:72: step needs the key action: exec, verify, wait, http, notify or "
	    "aws:<service>.<Operation>",
	    "12:72: this rollback is never used: no later step has on_failure: rollback"}},
    {"a condition over what the context has not",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], if: {step: {b: [x]}, steps: {z: {status: "
	"[x]}}}}\n"
	"      - {name: b, action: exec, argv: [/x], if: {$or: [{steps.a.outputs: [x]}, {alarm: "
	"{nam: [x]}}]}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:57: if: the context has no \"step\"; it has event, alarm, incident, params, steps, "
	 "host (did you mean \"steps\"?)",
	    "12:78: if: step \"z\" does not stand before this one, so it has no output yet",
	    "13:57: if: a step has no member \"outputs\" (did you mean \"output\"?)",
	    "13:89: if: alarm has no member \"nam\" (did you mean \"name\"?)"}},
    {"a condition that is no pattern",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x], if: {alarm: {name: x}}}\n",
	{"12:64: if alarm.name: \"name\" must be an object or an array"}},
    {"next that goes back, nowhere, and over a step for ever",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], next: c}\n"
	"      - {name: b, action: exec, argv: [/x], next: a}\n"
	"      - {name: c, action: exec, argv: [/x], next: escalate}\n"
	"      - {name: d, action: exec, argv: [/x], next: d}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"13:9: step \"b\" can never be reached: every way jumps over it",
	    "13:51: \"a\" does not stand behind this step; jumps go forward only",
	    "14:51: \"escalate\" is not the name of a later step",
	    "15:51: \"d\" does not stand behind this step; jumps go forward only"}},
    {"wait of AWS",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMessage, inputs: {QueueUrl: x}, wait: until_done}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:77: sqs.SendMessage is over when it is answered: wait is for calls that only start "
	 "something"}},
    {"a timeout of zero",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], timeout: 0s}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:54: 0s is out of range, it must be between 1s and 7d"}},
    {"an attempt longer than its step",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], timeout: 10s, attempt_timeout: 20s}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:76: attempt_timeout is longer than the step's timeout"}},
    {"a failure that goes back",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x]}\n"
		     "      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: "
		     "OK}], on_failure: a}\n",
	{"13:90: \"a\" does not stand behind this step; jumps go forward only"}},
    {"a failure that goes to itself",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], on_failure: a}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:57: \"a\" does not stand behind this step; jumps go forward only"}},
    {"a failure that goes nowhere",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], on_failure: zz}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:57: \"zz\" is neither stop, continue, rollback nor the name of a later step (did you "
	 "mean "
	 "\"z\"?)"}},
    {"a failure that rolls back",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], on_failure: rollback}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:57: no step before this one has a rollback, so nothing can be undone"}},
    {"rollbacks that are none",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x], rollback: {action: verify}}\n"
		     "      - {name: b, action: exec, argv: [/x], rollback: {action: exec, argv: "
		     "[/x], next: z}}\n"
		     "      - {name: c, action: exec, argv: [/x], rollback: [x]}\n"
		     "      - {name: d, action: exec, argv: [/x, \"${steps.d.output}\"], rollback: "
		     "{action: exec, "
		     "argv: [/x, \"${steps.d.output.id}\", \"${steps.z.output}\"], timeout: 0s}}\n"
		     "      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: "
		     "OK}], on_failure: rollback}\n",
	{"12:64: a rollback must change something back: use exec, http or "
	 "aws:<service>.<Operation>",
	    "13:82: next does not belong to a rollback of action exec; an undo has no way on: what "
	    "it cannot undo is paged",
	    "14:55: rollback must be a mapping with the key action",
	    "15:44: template: a step cannot use its own output",
	    "15:126: template: step \"z\" does not stand before this one, so it has no output yet",
	    "15:157: 0s is out of range, it must be between 1s and 7d"}},
    {"a rollback that nothing asks for",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], rollback: {action: exec, argv: [/y]}}\n"
	"      - {name: b, action: exec, argv: [/x], rollback: {action: exec, argv: [/y]}, "
	"on_failure: rollback}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"13:55: this rollback is never used: no later step has on_failure: rollback"}},
    {"an unknown effect",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], effect: idempotant}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:53: \"idempotant\" is not one of read, idempotent, token, check_first, once (did you "
	 "mean \"idempotent\"?)"}},
    {"effect check_first",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], effect: check_first}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:53: effect check_first needs the key check: a read, and in done a pattern over its "
	 "output that fits when the effect has taken place"}},
    {"checks that do more than look",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - name: a\n"
	"        action: exec\n"
	"        argv: [/x]\n"
	"        check: {action: aws:sns.Publish, inputs: {Message: x}, done: {a: [b]}}\n"
	"      - name: b\n"
	"        action: exec\n"
	"        argv: [/x]\n"
	"        check: {action: http, method: POST, url: \"https://x/\", done: {status: [200]}}\n"
	"      - name: c\n"
	"        action: exec\n"
	"        argv: [/x]\n"
	"        check: {action: verify, done: {a: [b]}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"15:25: a check only looks, and sns.Publish has effect once; use a Describe, Get or List",
	    "19:39: a check only looks: use GET or HEAD, not POST",
	    "23:25: a check looks once: use exec, http or aws:<service>.<Operation>"}},
    {"checks that say too little or too much",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], check: {action: exec, argv: [/y]}}\n"
	"      - {name: b, action: exec, argv: [/x], check: [/y]}\n"
	"      - {name: c, action: exec, argv: [/x], effect: once, check: {action: exec, argv: "
	"[/y], "
	"done: {a: [b]}}}\n"
	"      - {name: d, action: exec, argv: [/x], check: {action: exec, argv: [/y], done: {a: "
	"b}}}\n"
	"      - {name: e, action: exec, argv: [/x], check: {action: exec, argv: "
	"[/y, \"${inputs.a}\"], "
	"done: {a: [b]}, within: 0s, on_failure: stop}}\n"
	"      - {name: f, action: exec, argv: [/x, \"${inputs.a}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:52: check of action exec needs the key done: a pattern over the output",
	    "13:52: check must be a mapping with the keys action and done",
	    "14:66: check is for effect check_first; with effect once nothing looks",
	    "15:89: done a: \"a\" must be an object or an array",
	    "16:78: template: the path must start with one of event, alarm, incident, params, "
	    "steps, host; inputs is known in the check of a step of AWS only",
	    "16:118: 0s is out of range, it must be between 1s and 1d",
	    "16:122: on_failure does not belong to a check of action exec; a check is one look, "
	    "and "
	    "done decides",
	    "17:44: template: the path must start with one of event, alarm, incident, params, "
	    "steps, host; inputs is known in the check of a step of AWS only"}},
    {"notify to nobody, and to those on call",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: notify, via: [], text: x}\n"
	"      - {name: b, action: notify, via: [pger], text: \"${steps.c.output}\"}\n"
	"      - {name: c, action: notify, via: [pager], to: [\"schedule:s\", anna], text: x}\n"
	"      - {name: d, action: notify, via: [pager], notify: [ana], text: x, effect: once}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:40: the list of channels is empty",
	    "13:41: channel \"pger\" is not defined (did you mean \"pager\"?)",
	    "13:54: template: step \"c\" does not stand before this one, so it has no output yet",
	    "14:54: notify tells contacts; who is on call is paged by an escalation",
	    "14:68: contact \"anna\" is not defined (did you mean \"ana\"?)",
	    "15:49: notify does not belong to a step of action notify; the contacts stand in to",
	    "15:73: effect does not belong to a step of action notify; a message has an id by "
	    "which "
	    "a reader sees a repeat: it is idempotent"}},
    {"effect token of a program",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], effect: token}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:53: effect token is for steps of AWS; use idempotent for a program that may run "
	 "twice"}},
    {"an unknown on_interrupted",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], on_interrupted: rerun}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:61: \"rerun\" is not one of retry, fail, ask"}},
    {"a retry without errors",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{MaxAttempts: 1}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:53: retry needs the key ErrorEquals"}},
    {"a retry as a mapping",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: {ErrorEquals: [Network]}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:52: expected a list of retry entries, found a mapping"}},
    {"a retry with an empty list",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: []}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:67: the list of error names is empty"}},
    {"States.ALL in company",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Network, "
	"States.ALL]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:77: States.ALL must stand alone in ErrorEquals"}},
    {"States.ALL before others",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [States.ALL]}, "
	"{ErrorEquals: [Network]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:68: States.ALL must be in the last entry; what follows is never used"}},
    {"an unknown state error",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [States.Heartbeat]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:68: \"States.Heartbeat\" is no error name; use States.ALL, States.Timeout, "
	 "States.TaskFailed, Throttling, Network, Exec.Exit.<n>, Exec.Signal.<NAME> or an AWS "
	 "error code"}},
    {"an exit status that cannot be",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Exec.Exit.256]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:68: \"Exec.Exit.256\" is no error name; use States.ALL, States.Timeout, "
	 "States.TaskFailed, Throttling, Network, Exec.Exit.<n>, Exec.Signal.<NAME> or an AWS "
	 "error code"}},
    {"a signal with SIG",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: "
	"[Exec.Signal.SIGKILL]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:68: \"Exec.Signal.SIGKILL\" is no error name; use States.ALL, States.Timeout, "
	 "States.TaskFailed, Throttling, Network, Exec.Exit.<n>, Exec.Signal.<NAME> or an AWS "
	 "error code"}},
    {"an error in the wrong case",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [network]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:68: \"network\" is no error name; use States.ALL, States.Timeout, States.TaskFailed, "
	 "Throttling, Network, Exec.Exit.<n>, Exec.Signal.<NAME> or an AWS error code (did you "
	 "mean \"Network\"?)"}},
    {"a backoff below one",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Network], BackoffRate: "
	"0.5}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:91: 0.5 is not a number between 1 and 1000000"}},
    {"an interval of zero",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Network], "
	"IntervalSeconds: 0}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:95: 0 is not a whole number between 1 and 99999999"}},
    {"an interval with a unit",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Network], "
	"IntervalSeconds: 2s}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:95: 2s is not a whole number between 1 and 99999999"}},
    {"too many attempts",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Network], MaxAttempts: "
	"100000000}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:91: 100000000 is not a whole number between 0 and 99999999"}},
    {"an unknown jitter",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], retry: [{ErrorEquals: [Network], "
	"JitterStrategy: full}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:94: \"full\" is not one of NONE, FULL"}},
    {"a catch without Next",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], catch: [{ErrorEquals: [States.ALL]}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:53: catch needs the key Next"}},
    {"a catch that goes nowhere",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x], catch: [{ErrorEquals: [States.ALL], Next: "
	"zz}]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:87: \"zz\" is neither escalate nor the name of a later step (did you mean \"z\"?)"}},
    {"a catch that goes back",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x]}\n"
		     "      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: "
		     "OK}], catch: [{ErrorEquals: [States.ALL], Next: a}]}\n",
	{"13:120: \"a\" does not stand behind this step; jumps go forward only"}},
    {"a verify without conditions",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x]}\n"
		     "      - {name: z, action: verify, timeout: 1m}\n",
	{"13:9: step of action verify needs the key all"}},
    {"a condition without a state",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x]}\n"
		     "      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\"}]}\n",
	{"13:41: condition needs the key state"}},
    {"a condition with a name for an ARN",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x]}\n"
		     "      - {name: z, action: verify, all: [{alarm: cpu-high, state: OK}]}\n",
	{"13:49: \"cpu-high\" is no alarm's ARN; use \"${alarm.arn}\" or the full ARN"}},
    {"a condition in the wrong case",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: ok}]}\n",
	{"13:72: \"ok\" is not one of INSUFFICIENT_DATA, OK, ALARM"}},
    {"conditions by http",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - name: z\n"
		     "        action: verify\n"
		     "        all:\n"
		     "          - {http: \"http://x.example.com/\"}\n"
		     "          - {http: \"http://127.0.0.1.example.com/\", status: 99, times: 0, "
		     "every: 0s, for: 2m}\n"
		     "          - {http: \"https://me:secret@x.example.com/\", every: 2}\n"
		     "          - {http: ftp://x, alarm: \"${alarm.arn}\"}\n",
	{"15:20: \"http://x.example.com/\" cannot be asked: plain http is for this host only "
	 "(127.0.0.1, localhost); use https://",
	    "16:20: \"http://127.0.0.1.example.com/\" cannot be asked: plain http is for this host "
	    "only (127.0.0.1, localhost); use https://",
	    "16:61: 99 is not a whole number between 100 and 599",
	    "16:72: 0 is not a whole number between 1 and 100",
	    "16:82: 0s is out of range, it must be between 1s and 1h",
	    "16:86: for does not belong to a condition; say times and every: so many good answers "
	    "in a row",
	    "17:20: \"https://me:secret@x.example.com/\" cannot be asked: it holds a name or a "
	    "password before @",
	    "17:63: the duration 2 has no unit; write 2s, 2m, 2h or 2d",
	    "18:20: \"ftp://x\" cannot be asked: it must begin with https://",
	    "18:29: unknown key \"alarm\" in condition"}},
    {"addresses that templates make",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - name: z\n"
		     "        action: verify\n"
		     "        all:\n"
		     "          - {http: \"http://${alarm.name}/\"}\n"
		     "          - {http: \"https:///x\"}\n"
		     "          - {http: \"https://${steps.a.output}/\"}\n",
	{"15:20: \"http://${alarm.name}/\" cannot be asked: it names no host",
	    "16:20: \"https:///x\" cannot be asked: it names no host",
	    "17:20: template: there is no step \"a\" before this one"}},
    {"steps that wait or ask",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: wait, for: 0s, timeout: 5s}\n"
	"      - {name: b, action: http, url: \"http://localhost.example.com\", method: post, "
	"status: 600}\n"
	"      - {name: c, action: http, url: \"https://x/\", body: {a: \"${steps.d}\"}, argv: "
	"[/x], effect: token}\n"
	"      - {name: d, action: wait, for: 1m, rollback: {action: wait, for: 1m}}\n",
	{"12:38: 0s is out of range, it must be between 1s and 7d",
	    "12:42: timeout does not belong to a step of action wait; it ends when the time of for "
	    "is over",
	    "13:38: \"http://localhost.example.com\" cannot be asked: plain http is for this host "
	    "only (127.0.0.1, localhost); use https://",
	    "13:78: \"post\" is not one of GET, HEAD, PUT, DELETE, POST, PATCH",
	    "13:92: 600 is not a whole number between 100 and 599",
	    "14:62: template: step \"d\" does not stand before this one, so it has no output yet",
	    "14:77: argv does not belong to a step of action http; what is sent stands in body",
	    "14:97: effect token is for steps of AWS; use idempotent for what may be sent twice",
	    "15:42: rollback does not belong to a step of action wait; there is nothing to undo"}},
    {"a verify that is retried",
	PB_TEST_HEAD "playbooks:\n"
		     "  - name: p\n"
		     "    match: {source: [x]}\n"
		     "    escalate: e\n"
		     "    steps:\n"
		     "      - {name: a, action: exec, argv: [/x]}\n"
		     "      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: "
		     "OK}], retry: []}\n",
	{"13:78: retry does not belong to a step of action verify; it looks again by itself until "
	 "its timeout"}},
    {"the output of the step itself",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${steps.a.output}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template: a step cannot use its own output"}},
    {"the output of a later step",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${steps.z.output}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template: step \"z\" does not stand before this one, so it has no output yet"}},
    {"the output of no step",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${steps.b.output}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template: there is no step \"b\" before this one"}},
    {"no member of a step",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${steps.a.outputs}\", state: OK}]}\n",
	{"13:49: template: a step has no member \"outputs\" (did you mean \"output\"?)"}},
    {"no member of the alarm",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${alarm.nmae}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template: alarm has no member \"nmae\" (did you mean \"name\"?)"}},
    {"no member of the incident",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${incident.uuid}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template: incident has no member \"uuid\" (did you mean \"id\"?)"}},
    {"params",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${params.asg}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template: the playbook has no param \"asg\""}},
    {"an unknown root",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${alrm.name}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template ${alrm.name}: the path must start with one of event, alarm, incident, "
	 "params, steps, host"}},
    {"a template that is not closed",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${alarm.name\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template ${alarm.name: it has no closing }"}},
    {"a template in inputs",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: aws:sqs.SendMessage, inputs: {QueueUrl: x, A: {B: "
	"[\"${alarm.nmae}\"]}}}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:78: template: alarm has no member \"nmae\" (did you mean \"name\"?)"}},
    {"a template with an expression",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, \"${alarm.name + 1}\"]}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template ${alarm.name + 1}: expected } or |default:\"...\" behind the path"}},
    {"a default without quotes",
	PB_TEST_HEAD
	"playbooks:\n"
	"  - name: p\n"
	"    match: {source: [x]}\n"
	"    escalate: e\n"
	"    steps:\n"
	"      - {name: a, action: exec, argv: [/x, '${alarm.name|default:none}']}\n"
	"      - {name: z, action: verify, all: [{alarm: \"${alarm.arn}\", state: OK}]}\n",
	{"12:44: template ${alarm.name|default:none}: the default must be a JSON text, number or "
	 "boolean, as |default:\"none\""}},
};

START_TEST(a_bad_playbook_is_told)
{
	pb_test_expect(&rows[_i]);
}
END_TEST

PB_SUITE(bad_playbook)
{
	pb_add_loop(s, a_bad_playbook_is_told, 0, PB_ARRAY_LEN(rows));
}
