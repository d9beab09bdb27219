/*
 * Can a pattern match the event of an alarm?  Known ones, and that answers hold for random ones.
 */
#include <stdlib.h>

#include "base/rand.h"
#include "event/alarm_envelope.h"
#include "tests/unit/event/support.h"
#include "tests/unit/runner.h"

#define EVENT "\"CloudWatch Alarm State Change\" event"

/* In the table ' stands for ". */
static const struct {
	const char *pattern;
	enum pb_answer answer;
	const char *reason;
} cases[] = {
    {"{'source': ['aws.cloudwatch']}", PB_YES, NULL},
    {"{'detail': {'alarmName': [{'prefix': 'web-'}], 'state': {'value': ['ALARM']}}}", PB_YES,
	NULL},
    {"{'detail': {'state': {'value': [{'anything-but': 'OK'}]}}}", PB_YES, NULL},
    {"{'detail': {'configuration': {'metrics': {'metricStat': {'metric': {'namespace': "
     "['AWS/SQS']}}}}}}",
	PB_YES, NULL},
    {"{'resources': ['arn:aws:cloudwatch:eu-west-1:1:alarm:a'], 'region': ['eu-west-1']}", PB_YES,
	NULL},
    {"{'resources': [{'prefix': 'arn:aws:cloudwatch:us-'}]}", PB_YES, NULL},
    {"{'resources': [{'wildcard': 'arn:aws:cloudwatch:*:*:alarm:web-*'}]}", PB_YES, NULL},
    {"{'detail': {'severity': [{'exists': false}]}}", PB_YES, NULL},
    {"{'detail': {'state': {'value': ['Alarm']}}}", PB_NO,
	"detail.state.value of a " EVENT
	" is text 'OK' or 'ALARM' or 'INSUFFICIENT_DATA', wanted one "
	"of ['Alarm']"},
    {"{'source': ['aws.ec2']}", PB_NO,
	"source of a " EVENT " is text 'aws.cloudwatch', wanted one of ['aws.ec2']"},
    {"{'detail': {'alarmname': ['x']}}", PB_NO,
	"detail.alarmname is in no " EVENT " (did you mean detail.alarmName?)"},
    {"{'detail': {'severity': [7]}}", PB_NO, "detail.severity is in no " EVENT},
    {"{'detail': {'alarmName': [7, null]}}", PB_NO,
	"detail.alarmName of a " EVENT " is text, wanted one of [7,null]"},
    {"{'region': [{'exists': false}]}", PB_NO, "region is in every " EVENT},
    {"{'detail': {'alarmName': {'x': ['y']}}}", PB_NO,
	"detail.alarmName.x is in no " EVENT " (did you mean detail.alarmName?)"},
    {"{'$or': [{'detail': {'severity': [7]}}, {'region': [1]}]}", PB_NO,
	"detail.severity is in no " EVENT},
    {"{'$or': [{'detail': {'severity': [7]}}, {'region': ['r']}]}", PB_YES, NULL},
    /* An ARN of another service, and one that says another Region. */
    {"{'resources': ['arn:aws:s3:::b']}", PB_UNDECIDED, NULL},
    {"{'resources': ['arn:aws:cloudwatch:r:1:alarm:a'], 'region': ['q']}", PB_UNDECIDED, NULL},
};

static struct pb_pattern *
compile(const char *text)
{
	struct pb_pattern *p = NULL;
	struct pb_error err = {0};
	ck_assert_msg(pb_pattern_compile(pb_str_of(text), &p, &err) == 0, "%s: %s", text, err.text);
	return p;
}

/* A witness is an alarm's event to the daemon, and the pattern takes what the daemon makes of it. */
static void
check_witness(const struct pb_pattern *p, const char *text)
{
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = NULL;
	PB_JSON json_t *j = pb_event_test_json(text);
	struct pb_error err = {0};
	ck_assert_msg(pb_event_from_envelope(j, &e, &err) == 0, "%s: %s", text, err.text);
	ck_assert_int_eq(e->kind, PB_EVENT_ALARM);
	ck_assert_msg(pb_pattern_match(p, pb_event_json(e)), "%s", text);
	PB_CLEANUP(pb_freep)
	char *arn =
	    pb_asprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", e->region, e->account, e->alarm_name);
	ck_assert_str_eq(e->alarm_arn, arn);
}

START_TEST(known_patterns_can_or_cannot_match_an_alarm)
{
	PB_CLEANUP(pb_freep) char *text = pb_strdup(cases[_i].pattern);
	PB_CLEANUP(pb_freep)
	char *want = cases[_i].reason == NULL ? NULL : pb_strdup(cases[_i].reason);
	PB_CLEANUP(pb_freep) char *told = NULL;
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	for (char *c = want; c != NULL && *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = compile(text);
	enum pb_answer answer = pb_event_alarm_fits(p, &told);
	ck_assert_msg(answer == cases[_i].answer, "%s: %d, %s", text, answer, told);
	if (answer == PB_YES)
		check_witness(p, told);
	if (want != NULL)
		ck_assert_str_eq(told, want);
	ck_assert(answer != PB_UNDECIDED || told == NULL);
}
END_TEST

/* --- any pattern */

static const char *const fields[] = {"source", "region", "account", "detail.alarmName",
    "detail.state.value", "detail.previousState.value", "detail.state.reason", "resources",
    "detail.configuration.description", "detail.severity"};
static const char *const tests[] = {"\"aws.cloudwatch\"", "\"ALARM\"", "\"OK\"", "\"web\"",
    "{\"prefix\":\"w\"}", "{\"prefix\":\"arn:aws\"}", "{\"suffix\":\"K\"}", "7", "null",
    "{\"exists\":true}", "{\"exists\":false}", "{\"anything-but\":\"OK\"}",
    "{\"anything-but\":[1,2]}", "{\"wildcard\":\"*:web\"}", "{\"numeric\":[\">\",0]}",
    "{\"equals-ignore-case\":\"Alarm\"}", "{\"cidr\":\"10.0.0.0/8\"}"};

static struct pb_pattern *
random_pattern(struct pb_rand *r)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t i = (size_t)pb_rand_below(r, 4);
	for (; i < PB_ARRAY_LEN(fields); i += 1 + (size_t)pb_rand_below(r, 5)) {
		(void)pb_buf_addf(&b, "%s\"%s\":[%s", b.len > 0 ? "," : "{", fields[i],
		    tests[pb_rand_below(r, (int64_t)PB_ARRAY_LEN(tests))]);
		if (pb_rand_below(r, 2) == 0)
			(void)pb_buf_addf(
			    &b, ",%s", tests[pb_rand_below(r, (int64_t)PB_ARRAY_LEN(tests))]);
		(void)pb_buf_addc(&b, ']');
	}
	(void)pb_buf_addc(&b, '}');
	return compile(b.ptr);
}

static json_t *
random_alarm(struct pb_rand *r)
{
	static const char *const names[] = {"web", "w:web", "OK", "10.0.0.1", "alarm"};
	static const char *const states[] = {"OK", "ALARM", "INSUFFICIENT_DATA"};
	const char *name = names[pb_rand_below(r, 5)];
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:eu-west-1:1:alarm:%s", name);
	return json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s}, s:{s:s}}}", "version",
	    "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
	    "aws.cloudwatch", "account", "1", "time", "2026-03-03T09:14:05Z", "region", "eu-west-1",
	    "resources", arn, "detail", "alarmName", name, "state", "value",
	    states[pb_rand_below(r, 3)], "reason", names[pb_rand_below(r, 5)], "previousState",
	    "value", states[pb_rand_below(r, 3)]);
}

START_TEST(answers_hold_for_random_patterns_and_alarms)
{
	struct pb_rand r;
	size_t n[3] = {0};
	pb_rand_seed(&r, 99);
	for (int round = 0; round < 3000; round++) {
		PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = random_pattern(&r);
		PB_CLEANUP(pb_freep) char *told = NULL;
		enum pb_answer answer = pb_event_alarm_fits(p, &told);
		n[answer]++;
		if (answer == PB_YES)
			check_witness(p, told);
		for (int i = 0; answer == PB_NO && i < 10; i++) {
			PB_JSON json_t *event = random_alarm(&r);
			PB_CLEANUP(pb_freep) char *shown = pb_json_text(event);
			ck_assert_msg(!pb_pattern_match(p, event), "%s, but %s fits", told, shown);
		}
	}
	ck_assert_uint_gt(n[PB_YES], 300);
	ck_assert_uint_gt(n[PB_NO], 300);
	ck_assert_uint_lt(n[PB_UNDECIDED], 400);
}
END_TEST

PB_SUITE(alarm_envelope)
{
	pb_add_loop(s, known_patterns_can_or_cannot_match_an_alarm, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, answers_hold_for_random_patterns_and_alarms);
}
