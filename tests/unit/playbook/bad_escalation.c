/*
 * Bad configurations: how incidents are paged together.  Every problem, in order, exactly as it is told.
 */
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"contacts: [{name: ana}]\n"                                                                \
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"  \
	"daemon: {exec: {driver: child}}\n"                                                        \
	"unmatched: {alarms: drop, events: drop}\n"
#define ESCALATION(more)                                                                           \
	HEAD "escalations:\n  - {name: e, levels: [{notify: [ana], via: [pager]}], " more "}\n"

static const struct pb_test_bad rows[] = {
    {"a field that is none", ESCALATION("group_by: [region]"),
	{"7:67: group_by: \"region\" is no field; write playbook, severity or a field of alarm or "
	 "event, as alarm.region"}},
    {"a field that is nearly one", ESCALATION("group_by: [alarm.regoin, severty]"),
	{"7:67: template: alarm has no member \"regoin\" (did you mean \"region\"?)",
	    "7:81: group_by: \"severty\" is no field; write playbook, severity or a field of alarm "
	    "or event, as alarm.region (did you mean \"severity\"?)"}},
    {"a template where a field is wanted", ESCALATION("group_by: [\"${alarm.region}\"]"),
	{"7:67: group_by: \"${alarm.region}\" is no field; write playbook, severity or a field of "
	 "alarm or event, as alarm.region (did you mean \"alarm.region\"?)"}},
    {"a field twice", ESCALATION("group_by: [playbook, playbook]"),
	{"7:77: \"playbook\" stands twice in the list"}},
    {"no list", ESCALATION("group_by: playbook"),
	{"7:66: expected a list of fields, found a single value"}},
    {"waits without a group", ESCALATION("group_wait: 1m, group_interval: 5m"),
	{"7:68: group_wait needs group_by, as group_by: [playbook]",
	    "7:88: group_interval needs group_by, as group_by: [playbook]"}},
    {"waits out of range", ESCALATION("group_by: [], group_wait: 2h, group_interval: 1s"),
	{"7:82: 2h is out of range, it must be between 0s and 1h",
	    "7:102: 1s is out of range, it must be between 10s and 1d"}},
    {"a key that is nearly right", ESCALATION("groupby: [playbook]"),
	{"7:56: unknown key \"groupby\" in escalation (did you mean \"group_by\"?)"}},
    {"a storm of nothing", ESCALATION("storm: {over: 0, within: 1s, every: 2d}"),
	{"7:70: 0 is not a whole number between 2 and 100000",
	    "7:81: 1s is out of range, it must be between 10s and 1h",
	    "7:92: 2d is out of range, it must be between 1m and 1d"}},
    {"summaries more often than a storm is looked for",
	ESCALATION("storm: {within: 30m, every: 10m}"),
	{"7:63: storm: every must not be shorter than within (30m)"}},
    {"a level that is never passed over",
	HEAD "escalations:\n"
	     "  - name: e\n"
	     "    levels:\n"
	     "      - {notify: [ana], via: [pager]}\n"
	     "      - {notify: [ana], via: [pager], after: 5m, skip_if_empty: true}\n",
	{"10:65: skip_if_empty: \"ana\" is always told by this level; leave it out, or name "
	 "schedules only"}},
};

START_TEST(a_bad_escalation_is_told)
{
	pb_test_expect(&rows[_i]);
}
END_TEST

PB_SUITE(bad_escalation)
{
	pb_add_loop(s, a_bad_escalation_is_told, 0, PB_ARRAY_LEN(rows));
}
