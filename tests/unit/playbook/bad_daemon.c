/*
 * Bad configurations: sources, channels, contacts, escalations and the rest of the daemon.  Every problem, in order, exactly as it is told.
 */
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define UNMATCHED "version: 1\nunmatched: {alarms: drop, events: drop}\n"

static const struct pb_test_bad rows[] = {
    {"a relative state_dir", UNMATCHED "daemon: {state_dir: var/lib}\n",
	{"3:21: \"var/lib\" must be an absolute path"}},
    {"a relative socket", UNMATCHED "daemon: {api: {socket: x.sock}}\n",
	{"3:24: \"x.sock\" must be an absolute path"}},
    {"a socket path that no address can hold",
	UNMATCHED "daemon: {api: {socket: "
		  "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxx}}\n",
	{"3:24: the text has 108 bytes, at most 107 are allowed"}},
    {"a region with a name", UNMATCHED "daemon: {aws: {region: EU (Ireland)}}\n",
	{"3:24: \"EU (Ireland)\" is no region's code, as eu-west-1"}},
    {"an unknown driver", UNMATCHED "daemon: {exec: {driver: chld}}\n",
	{"3:25: \"chld\" is not one of child, helper (did you mean \"child\"?)"}},
    {"a helper's socket for a child",
	UNMATCHED "daemon: {exec: {socket: /run/x.sock, driver: child}}\n",
	{"3:25: socket is for driver: helper; a child needs none"}},
    {"a helper's socket that is no path", UNMATCHED "daemon: {exec: {socket: x.sock}}\n",
	{"3:25: \"x.sock\" must be an absolute path"}},
    {"metrics on a name", UNMATCHED "daemon: {metrics: {listen: \"localhost:9464\"}}\n",
	{"3:28: \"localhost:9464\" is no address and port, as 127.0.0.1:9464 or [::1]:9464"}},
    {"metrics on no port", UNMATCHED "daemon: {metrics: {listen: \"[::1]:0\"}}\n",
	{"3:28: \"[::1]:0\" is no address and port, as 127.0.0.1:9464 or [::1]:9464"}},
    {"a retention that keeps nothing",
	UNMATCHED "daemon: {retention: {age: 1h, incidents: 0, event: 5}}\n",
	{"3:27: 1h is out of range, it must be between 1d and 3650d",
	    "3:42: 0 is not a whole number between 100 and 1000000",
	    "3:45: unknown key \"event\" in daemon.retention (did you mean \"events\"?)"}},
    {"a role of nobody", UNMATCHED "daemon: {api: {view: []}}\n",
	{"3:22: the list of names of groups is empty"}},
    {"a role of one group without a list", UNMATCHED "daemon: {api: {admin: root}}\n",
	{"3:23: expected a list of names of groups, found a single value"}},
    {"daemon is a list", UNMATCHED "daemon: []\n",
	{"3:9: expected a mapping (daemon), found a list"}},
    {"a source without a type", UNMATCHED "sources: [{name: a}]\n",
	{"3:11: source needs the key type"}},
    {"a source of an unknown type", UNMATCHED "sources: [{name: a, type: cloudwach}]\n",
	{"3:27: \"cloudwach\" is not one of cloudwatch, sqs (did you mean \"cloudwatch\"?)"}},
    {"a source without a name", UNMATCHED "sources: [{type: cloudwatch}]\n",
	{"3:11: source of type cloudwatch needs the key name"}},
    {"a source that is text", UNMATCHED "sources: [a]\n", {"3:11: expected a mapping (source)"}},
    {"sources are a mapping", UNMATCHED "sources: {name: a}\n",
	{"3:10: expected a list of sources, found a mapping"}},
    {"an interval that is too short",
	UNMATCHED "sources: [{name: a, type: cloudwatch, interval: 1s}]\n",
	{"3:49: 1s is out of range, it must be between 5s and 1h"}},
    {"an interval without a unit",
	UNMATCHED "sources: [{name: a, type: cloudwatch, interval: 20}]\n",
	{"3:49: the duration 20 has no unit; write 20s, 20m, 20h or 20d"}},
    {"an interval that is a list",
	UNMATCHED "sources: [{name: a, type: cloudwatch, interval: [20s]}]\n",
	{"3:49: expected a single value, found a list"}},
    {"a fraction of a duration",
	UNMATCHED "sources: [{name: a, type: cloudwatch, interval: 20.5s}]\n",
	{"3:49: \"20.5s\" is not a duration; write a whole number and one unit of ms, s, m, h, d, "
	 "as 90s"}},
    {"an unknown alarm type",
	UNMATCHED "sources: [{name: a, type: cloudwatch, alarm_types: [MetricsAlarm]}]\n",
	{"3:53: \"MetricsAlarm\" is not one of MetricAlarm, CompositeAlarm (did you mean "
	 "\"MetricAlarm\"?)"}},
    {"no alarm type", UNMATCHED "sources: [{name: a, type: cloudwatch, alarm_types: []}]\n",
	{"3:52: the list of alarm types is empty"}},
    {"too much backfill", UNMATCHED "sources: [{name: a, type: cloudwatch, backfill: 15d}]\n",
	{"3:49: 15d is out of range, it must be between 0s and 14d"}},
    {"mute rules", UNMATCHED "sources: [{name: a, type: cloudwatch, honour_mute_rules: yes}]\n",
	{"3:58: yes is not true or false"}},
    {"a key of the other type", UNMATCHED "sources: [{name: a, type: cloudwatch, queue_url: x}]\n",
	{"3:39: queue_url does not belong to a source of type cloudwatch; it is for type sqs"}},
    {"a queue without a URL", UNMATCHED "sources: [{name: q, type: sqs}]\n",
	{"3:11: source of type sqs needs the key queue_url"}},
    {"a queue with an ARN",
	UNMATCHED
	"sources: [{name: q, type: sqs, queue_url: \"arn:aws:sqs:eu-west-1:111122223333:q\"}]\n",
	{"3:43: \"arn:aws:sqs:eu-west-1:111122223333:q\" is no queue URL, as "
	 "https://sqs.eu-west-1.amazonaws.com/111122223333/ops-events"}},
    {"a wait of a minute",
	UNMATCHED "sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", wait: 1m}]\n",
	{"3:66: 1m is out of range, it must be between 0s and 20s"}},
    {"a wait of half a second",
	UNMATCHED "sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", wait: 500ms}]\n",
	{"3:66: wait must be whole seconds"}},
    {"a visibility of a second",
	UNMATCHED "sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", visibility: 1s}]\n",
	{"3:72: 1s is out of range, it must be between 30s and 12h"}},
    {"eleven receivers",
	UNMATCHED "sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", receivers: 11}]\n",
	{"3:71: 11 is not a whole number between 1 and 10"}},
    {"receivers in words",
	UNMATCHED "sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", receivers: two}]\n",
	{"3:71: two is not a whole number between 1 and 10"}},
    {"receivers in quotes",
	UNMATCHED
	"sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", receivers: \"2\"}]\n",
	{"3:71: 2 is not a whole number between 1 and 10 without quotes"}},
    {"quarantine after none",
	UNMATCHED
	"sources: [{name: q, type: sqs, queue_url: \"https://q/1/q\", quarantine_after: 0}]\n",
	{"3:78: 0 is not a whole number between 1 and 100"}},
    {"an address in plain text",
	UNMATCHED "channels: [{name: h, type: http, url: \"http://x/\"}]\n",
	{"3:39: \"http://x/\" cannot be asked: plain http is for this host only (127.0.0.1, "
	 "localhost); use https://"}},
    {"an address with a template",
	UNMATCHED "channels: [{name: h, type: http, url: \"https://x/${incident.id}\"}]\n",
	{"3:39: \"https://x/${incident.id}\" cannot be asked: a channel's address has no "
	 "templates"}},
    {"a channel without an address", UNMATCHED "channels: [{name: h, type: http}]\n",
	{"3:12: channel of type http needs the key url"}},
    {"a credential that is a path",
	UNMATCHED "channels: [{name: h, type: http, url: \"https://x/\", credential: /etc/x}]\n",
	{"3:65: \"/etc/x\" is no name of a credential: use 1 to 100 letters, digits, - _ and ., "
	 "beginning with a letter, digit or _"}},
    {"a channel without a topic", UNMATCHED "channels: [{name: h, type: sns}]\n",
	{"3:12: channel of type sns needs the key topic"}},
    {"a topic that is a queue",
	UNMATCHED
	"channels: [{name: h, type: sns, topic: \"arn:aws:sqs:eu-west-1:111122223333:q\"}]\n",
	{"3:40: \"arn:aws:sqs:eu-west-1:111122223333:q\" is no ARN of an SNS topic, as "
	 "arn:aws:sns:eu-west-1:111122223333:pager"}},
    {"a program without a path",
	UNMATCHED "daemon: {exec: {driver: child}}\n"
		  "channels: [{name: h, type: exec, argv: [page]}]\n",
	{"4:41: \"page\" must be an absolute path; there is no shell and no search path"}},
    {"a template in a channel",
	UNMATCHED "daemon: {exec: {driver: child}}\n"
		  "channels: [{name: h, type: exec, argv: [/page, \"${alarm.arn}\"]}]\n",
	{"4:48: a channel has no templates; the page is JSON on its standard input"}},
    {"a phone number that is a number",
	UNMATCHED "contacts: [{name: a, sns: {phone: 447700900001}}]\n",
	{"3:35: \"447700900001\" is no phone number in the form \"+447700900001\""}},
    {"a contact with two addresses",
	UNMATCHED "contacts: [{name: a, sns: {phone: \"+447700900001\", topic: "
		  "\"arn:aws:sns:eu-west-1:111122223333:a\"}}]\n",
	{"3:27: contact's sns has phone and topic; keep one of them"}},
    {"a contact with none", UNMATCHED "contacts: [{name: a, sns: {}}]\n",
	{"3:27: contact's sns needs one of phone and topic"}},
    {"a contact twice", UNMATCHED "contacts: [{name: a}, {name: a}]\n",
	{"3:30: contact \"a\" is defined already in t.yaml:3"}},
    {"a name with a blank", UNMATCHED "contacts: [{name: a b}]\n",
	{"3:19: \"a b\" is no name of a contact: use 1 to 100 letters, digits, - _ and ., "
	 "beginning with a letter, digit or _"}},
    {"a name that is missing", UNMATCHED "contacts: [{name: }]\n", {"3:19: the value is missing"}},
    {"a page_by of a second", UNMATCHED "defaults: {page_by: 1s}\n",
	{"3:21: 1s is out of range, it must be between 10s and 1d"}},
    {"a capture without a unit that is known", UNMATCHED "defaults: {output: {capture: 64kb}}\n",
	{"3:30: \"64kb\" is not a size; write a whole number of bytes, or with KiB, MiB or GiB, as "
	 "64KiB"}},
    {"a capture of a gigabyte", UNMATCHED "defaults: {output: {capture: 1GiB}}\n",
	{"3:30: 1GiB is out of range, it must be between 1024 and 1048576 bytes"}},
    {"a budget of nothing", UNMATCHED "budgets: [{name: b, max: 0}]\n",
	{"3:11: budget needs the key per", "3:26: 0 is not a whole number between 1 and 10000"}},
    {"a budget twice",
	UNMATCHED "budgets:\n"
		  "  - {name: b, max: 1, per: 1h}\n"
		  "  - {name: b, max: 2, per: 31d, when_empty: stop}\n",
	{"5:12: budget \"b\" is defined already in t.yaml:4",
	    "5:28: 31d is out of range, it must be between 1s and 30d",
	    "5:45: \"stop\" is not one of approve, page"}},
    {"a word that unmatched does not know",
	"version: 1\n"
	"unmatched: {alarms: page, events: drop}\n",
	{"2:21: \"page\" is not one of drop, escalate"}},
    {"unmatched without events",
	"version: 1\n"
	"unmatched: {alarms: drop}\n",
	{"2:12: unmatched needs the key events: escalate or drop"}},
    {"unmatched without a name",
	"version: 1\n"
	"unmatched: {alarms: escalate, events: drop}\n",
	{"2:12: unmatched needs the key escalate: the name of an escalation"}},
    {"unmatched with a name that is not there",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {escalate: ee, alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n",
	{"5:23: escalation \"ee\" is not defined (did you mean \"e\"?)"}},
    {"an escalation without levels",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: []}]\n",
	{"6:33: the list of levels is empty"}},
    {"an unknown contact",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [anna], via: [pager]}]}]\n",
	{"6:44: contact \"anna\" is not defined (did you mean \"ana\"?)"}},
    {"an unknown channel",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [page]}]}]\n",
	{"6:56: channel \"page\" is not defined (did you mean \"pager\"?)"}},
    {"a contact twice in a level",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana, ana], via: [pager]}]}]\n",
	{"6:49: \"ana\" stands twice in the list"}},
    {"a schedule in a level",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [\"schedule:x\"], via: [pager]}]}]\n",
	{"6:44: schedule \"x\" is not defined"}},
    {"a level without channels",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana]}]}]\n",
	{"6:34: level needs the key via"}},
    {"a first level that waits",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager], after: 1m}]}]\n",
	{"6:71: the first level pages at once; leave out its after"}},
    {"a second level without after",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager]}, {notify: [bo], via: "
	"[pager]}]}]\n",
	{"6:65: a level behind the first needs the key after, as after: 8m"}},
    {"levels that do not ascend",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager]}, {notify: [bo], via: "
	"[pager], after: 8m}, {notify: [bo], via: [pager], after: 8m}]}]\n",
	{"6:142: after must be longer than that of the level before (8m)"}},
    {"a repeat without a maximum",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager], repeat: {every: 4m}}]}]\n",
	{"6:72: repeat needs the key max"}},
    {"a thousand and one repeats",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager], repeat: {every: 4m, max: "
	"1001}}]}]\n",
	{"6:89: 1001 is not a whole number between 1 and 1000"}},
    {"twenty-one levels",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
	"{}, {}, {}, {}, {}, {}, {}]}]\n",
	{"6:33: the list has 21 levels, at most 20 are allowed"}},
    {"fifty-one contacts",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, levels: [{notify: [ana, ana, ana, ana, ana, ana, ana, ana, ana, "
	"ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, "
	"ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, ana, "
	"ana, ana, ana, ana, ana, ana], via: [pager]}]}]\n",
	{"6:43: the list has 51 contacts, at most 50 are allowed"}},
    {"an acknowledgement for ever",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, ack: {expires: 30d}, levels: [{notify: [ana], via: [pager]}]}]\n",
	{"6:40: 30d is out of range, it must be between 1m and 7d"}},
    {"what an acknowledgement cannot do",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, ack: {then: forget}, levels: [{notify: [ana], via: [pager]}]}]\n",
	{"6:37: \"forget\" is not one of resume"}},
    {"cycles and fallback without what they need",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, cycles: {}, fallback: {}, levels: [{notify: [ana], via: [pager], "
	"skip_if_empty: true}]}]\n",
	{"6:33: cycles needs the key max", "6:47: fallback needs the key after",
	    "6:47: fallback needs the key via",
	    "6:59: every level has skip_if_empty, so that nobody may be told; leave it out of "
	    "one",
	    "6:105: skip_if_empty: \"ana\" is always told by this level; leave it out, or name "
	    "schedules only"}},
    {"a schedule in a zone that is not there",
	UNMATCHED "contacts: [{name: ana}]\n"
		  "schedules: [{name: s, tz: ../x, rotation: {people: [], every: 90m, "
		  "handoff: noon, anchor: 2026-02-29}}]\n",
	{"4:27: tz \"../x\": it is no name of a time zone; write a name as Europe/London or UTC",
	    "4:52: the list of contacts is empty", "4:63: every must be whole hours",
	    "4:77: \"noon\" is no time of handoff, as \"mon 10:00\" or \"10:00\"",
	    "4:91: \"2026-02-29\" is no date, as 2026-01-05"}},
    {"a rotation that contradicts itself",
	UNMATCHED "contacts: [{name: ana}]\n"
		  "schedules: [{name: s, tz: UTC, rotation: {people: [ana, bo], every: 2d, "
		  "handoff: \"mon 10:00\", anchor: 2026-01-06}, overrides: [{people: [], from: "
		  "\"2026-01-02 10:00\", until: \"2026-01-02 10:00\"}, {people: [ana], from: "
		  "2026-01-02, until: x}]}]\n",
	{"4:57: contact \"bo\" is not defined",
	    "4:69: a handoff on a day of the week needs whole weeks, as every: 7d",
	    "4:103: the anchor is not on the day of the week of the handoff",
	    "4:174: until must be later than from",
	    "4:217: \"2026-01-02\" is no date and wall time, as \"2026-12-24 18:00\"",
	    "4:236: \"x\" is no date and wall time, as \"2026-12-24 18:00\""}},
    {"a cycle from a level that is not there",
	"version: 1\n"
	"contacts: [{name: ana}, {name: bo}]\n"
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
	"daemon: {exec: {driver: child}}\n"
	"unmatched: {alarms: drop, events: drop}\n"
	"escalations: [{name: e, cycles: {max: 101, from_level: 2}, fallback: {after: 1s, via: "
	"[page]}, levels: [{notify: [ana], via: [pager]}]}]\n",
	{"6:39: 101 is not a whole number between 1 and 100",
	    "6:56: from_level 2: there is 1 level",
	    "6:78: 1s is out of range, it must be between 10s and 1h",
	    "6:88: channel \"page\" is not defined (did you mean \"pager\"?)"}},
};

START_TEST(a_bad_part_of_the_daemon_is_told)
{
	pb_test_expect(&rows[_i]);
}
END_TEST

PB_SUITE(bad_daemon)
{
	pb_add_loop(s, a_bad_part_of_the_daemon_is_told, 0, PB_ARRAY_LEN(rows));
}
