/*
 * Envelopes, alarms in each of their spellings, and bodies that are bad.
 */
#include "event/event.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/event/support.h"
#include "tests/unit/runner.h"

#define TEXT(...) #__VA_ARGS__

/* One transition, in all the shapes in which CloudWatch tells it. */
static const char as_event[] = TEXT({
	"version" : "0",
	"id" : "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
	"detail-type" : "CloudWatch Alarm State Change",
	"source" : "aws.cloudwatch",
	"account" : "111122223333",
	"time" : "2026-03-03T09:14:05Z",
	"region" : "us-east-1",
	"resources" : ["arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-p99-high"],
	"detail" : {
		"alarmName" : "api-p99-high",
		"state" : {
			"value" : "ALARM",
			"reason" : "3 of 3",
			"timestamp" : "2026-03-03T09:14:05.118+0000"
		},
		"previousState" : {"value" : "OK"},
		"configuration" : {
			"metrics" : [ {
				"id" : "m1",
				"metricStat" : {
					"metric" : {
						"namespace" : "AWS/ApiGateway",
						"name" : "Latency",
						"dimensions" : {"ApiName" : "orders"}
					},
					"period" : 60,
					"stat" : "p99"
				},
				"returnData" : true
			} ]
		},
		"alarmTags" : {"team" : "payments"}
	}
});

static const char as_message[] = TEXT({
	"AlarmName" : "api-p99-high",
	"AlarmDescription" : null,
	"AWSAccountId" : "111122223333",
	"NewStateValue" : "ALARM",
	"NewStateReason" : "3 of 3",
	"StateChangeTime" : "2026-03-03T09:14:05.118+0000",
	"Region" : "US East (N. Virginia)",
	"AlarmArn" : "arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-p99-high",
	"OldStateValue" : "OK",
	"Trigger" : {
		"MetricName" : "Latency",
		"Namespace" : "AWS/ApiGateway",
		"StatisticType" : "ExtendedStatistic",
		"ExtendedStatistic" : "p99",
		"Unit" : null,
		"Dimensions" : [ {"value" : "orders", "name" : "ApiName"} ],
		"Period" : 60
	}
});

static const char as_described[] = TEXT({
	"AlarmName" : "api-p99-high",
	"AlarmArn" : "arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-p99-high",
	"StateValue" : "ALARM",
	"StateReason" : "3 of 3",
	"StateReasonData" : "{}",
	"StateUpdatedTimestamp" : 1772529300.5,
	"StateTransitionedTimestamp" : 1772529245.118,
	"MetricName" : "Latency",
	"Namespace" : "AWS/ApiGateway",
	"ExtendedStatistic" : "p99",
	"Dimensions" : [ {"Name" : "ApiName", "Value" : "orders"} ],
	"Period" : 60
});

static const char as_history[] =
    "{\"AlarmName\":\"api-p99-high\",\"AlarmType\":\"MetricAlarm\",\"Timestamp\":1772529245.118,"
    "\"HistoryItemType\":\"StateUpdate\",\"HistorySummary\":\"Alarm updated from OK to ALARM\","
    "\"HistoryData\":\"{\\\"version\\\":\\\"1.0\\\",\\\"oldState\\\":{\\\"stateValue\\\":"
    "\\\"OK\\\"},"
    "\\\"newState\\\":{\\\"stateValue\\\":\\\"ALARM\\\",\\\"stateReason\\\":\\\"3 of 3\\\"}}\"}";

static char *
wrapped(const char *type, const char *message)
{
	PB_JSON json_t *j = json_object();
	pb_json_set_str(j, "Type", type);
	pb_json_set_str(j, "MessageId", "3c1f0d5e-0b7a-5f0a-9d0e-51f3f0c6a111");
	pb_json_set_str(j, "TopicArn", "arn:aws:sns:eu-west-1:111122223333:oncall");
	pb_json_set_str(j, "Subject", "a subject");
	pb_json_set_str(j, "Message", message);
	pb_json_set_str(j, "Timestamp", "2026-03-03T09:14:06.000Z");
	return pb_json_text(j);
}

static struct pb_event *
from_described(const char *text, enum pb_alarm_state previous)
{
	struct pb_event *e = NULL;
	struct pb_error err = {0};
	PB_JSON json_t *j = pb_event_test_json(text);
	int rc = pb_event_from_alarm(j, previous, &e, &err);
	ck_assert_msg(rc == 0, "%s", err.text);
	return e;
}

static struct pb_event *
from_history(const char *text, const char *alarm)
{
	struct pb_event *e = NULL;
	struct pb_error err = {0};
	PB_JSON json_t *j = pb_event_test_json(text);
	PB_JSON json_t *a = alarm != NULL ? pb_event_test_json(alarm) : NULL;
	int rc = pb_event_from_history(j, PB_TEST_ALARM_ARN, a, &e, &err);
	ck_assert_msg(rc == 0, "%s", err.text);
	return e;
}

static void
check_same(struct pb_event *e)
{
	ck_assert_int_eq((int)e->kind, PB_EVENT_ALARM);
	ck_assert_str_eq(e->identity, PB_TEST_ALARM_IDENTITY);
	ck_assert_str_eq(e->source, "aws.cloudwatch");
	ck_assert_str_eq(e->detail_type, "CloudWatch Alarm State Change");
	ck_assert_str_eq(e->account, "111122223333");
	ck_assert_str_eq(e->region, "us-east-1");
	ck_assert_str_eq(e->alarm_name, "api-p99-high");
	ck_assert_str_eq(e->alarm_arn, PB_TEST_ALARM_ARN);
	ck_assert_int_eq((int)e->alarm_state, PB_ALARM_ALARM);
	ck_assert_int_eq((int)e->alarm_previous_state, PB_ALARM_OK);
	ck_assert_int_eq(e->transitioned_at, INT64_C(1772529245118));
	ck_assert_int_eq(e->time_at, e->transitioned_at);
	ck_assert_str_eq(pb_json_str(pb_event_json(e), "time"), "2026-03-03T09:14:05Z");
	ck_assert_str_eq(pb_json_str(pb_event_json(e), "version"), "0");
	ck_assert_str_eq(pb_json_str(pb_event_alarm(e), "reason"), "3 of 3");
	const json_t *state = pb_json_path(pb_event_json(e), PB_STR("detail.state"));
	ck_assert_str_eq(pb_json_str(state, "timestamp"), "2026-03-03T09:14:05.118+0000");
	pb_event_unref(e);
}

START_TEST(every_way_of_telling_a_transition_is_one_event)
{
	PB_CLEANUP(pb_freep) char *event = wrapped("Notification", as_event);
	PB_CLEANUP(pb_freep) char *message = wrapped("Notification", as_message);
	check_same(pb_event_test_body(as_event));
	check_same(pb_event_test_body(as_message));
	check_same(pb_event_test_body(event));
	check_same(pb_event_test_body(message));
	check_same(from_described(as_described, PB_ALARM_OK));
	check_same(from_history(as_history, NULL));
	check_same(from_history(as_history, as_described));
}
END_TEST

START_TEST(the_configuration_has_one_spelling)
{
	PB_CLEANUP(pb_event_unrefp) struct pb_event *sent = pb_event_test_body(as_event);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *told = pb_event_test_body(as_message);
	PB_CLEANUP(pb_event_unrefp)
	struct pb_event *seen = from_described(as_described, PB_ALARM_OK);
	const struct pb_str path = PB_STR("detail.configuration.metrics");
	ck_assert(json_equal(
	    pb_json_path(pb_event_json(told), path), pb_json_path(pb_event_json(sent), path)));
	ck_assert(json_equal(
	    pb_json_path(pb_event_json(seen), path), pb_json_path(pb_event_json(sent), path)));
	ck_assert(json_equal(pb_json_get(pb_event_alarm(told), "metric"),
	    pb_json_get(pb_event_alarm(sent), "metric")));
	ck_assert_str_eq(json_string_value(pb_json_path(
			     pb_event_alarm(seen), PB_STR("metric.dimensions.ApiName"))),
	    "orders");
	ck_assert_str_eq(
	    json_string_value(pb_json_path(pb_event_alarm(sent), PB_STR("tags.team"))), "payments");
}
END_TEST

START_TEST(ids_are_made_of_the_identity)
{
	PB_CLEANUP(pb_event_unrefp) struct pb_event *a = pb_event_test_body(as_message);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *b = from_described(as_described, PB_ALARM_OK);
	ck_assert_uint_eq(strlen(a->id), 36);
	ck_assert_str_eq(a->id, b->id);
}
END_TEST

START_TEST(a_statistic_that_sns_shouts_is_spelt_as_usual)
{
	static const char *const rows[][2] = {{"AVERAGE", "Average"},
	    {"SAMPLE_COUNT", "SampleCount"}, {"SAMPLECOUNT", "SampleCount"}, {"SUM", "Sum"},
	    {"Average", "Average"}};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_JSON json_t *j = pb_event_test_json(as_message);
		json_t *trigger = json_object_get(j, "Trigger");
		(void)json_object_del(trigger, "ExtendedStatistic");
		pb_json_set_str(trigger, "Statistic", rows[i][0]);
		PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
		PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_test_body(text);
		ck_assert_str_eq(
		    json_string_value(pb_json_path(pb_event_alarm(e), PB_STR("metric.stat"))),
		    rows[i][1]);
	}
}
END_TEST

START_TEST(a_composite_alarm_has_a_rule_and_no_metric)
{
	PB_JSON json_t *j = pb_event_test_json(as_described);
	(void)json_object_del(j, "MetricName");
	pb_json_set_str(j, "AlarmRule", "ALARM(a) OR ALARM(b)");
	pb_json_set_str(j, "ActionsSuppressedBy", "Alarm");
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = from_described(text, PB_ALARM_OK);
	ck_assert_str_eq(json_string_value(pb_json_path(
			     pb_event_json(e), PB_STR("detail.configuration.alarmRule"))),
	    "ALARM(a) OR ALARM(b)");
	ck_assert_str_eq(json_string_value(pb_json_path(
			     pb_event_json(e), PB_STR("detail.state.actionsSuppressedBy"))),
	    "Alarm");
	ck_assert(json_is_null(pb_json_get(pb_event_alarm(e), "metric")));
}
END_TEST

START_TEST(without_the_transition_the_update_tells_the_time)
{
	PB_JSON json_t *j = pb_event_test_json(as_described);
	(void)json_object_del(j, "StateTransitionedTimestamp");
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = from_described(text, PB_ALARM_OK);
	ck_assert_int_eq(e->transitioned_at, INT64_C(1772529300500));
}
END_TEST

START_TEST(history_near_the_alarms_own_time_is_the_same_transition)
{
	static const struct {
		const char *at;
		int64_t wanted;
	} rows[] = {
	    {"2026-03-03T09:14:05.118Z", INT64_C(1772529245118)},
	    {"2026-03-03T09:14:05.500Z", INT64_C(1772529245118)},
	    {"2026-03-03T09:14:04.200Z", INT64_C(1772529245118)},
	    {"2026-03-03T09:14:06.200Z", INT64_C(1772529246200)},
	    {"2026-03-03T08:00:00Z", INT64_C(1772524800000)},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_JSON json_t *j = pb_event_test_json(as_history);
		pb_json_set_str(j, "Timestamp", rows[i].at);
		PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
		PB_CLEANUP(pb_event_unrefp) struct pb_event *e = from_history(text, as_described);
		ck_assert_int_eq(e->transitioned_at, rows[i].wanted);
	}
}
END_TEST

START_TEST(history_that_was_cut_is_read_by_its_summary)
{
	PB_JSON json_t *j = pb_event_test_json(as_history);
	pb_json_set_str(j, "HistoryData", "{\"version\":\"1.0\",\"oldSta");
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = from_history(text, NULL);
	ck_assert_str_eq(e->identity, PB_TEST_ALARM_IDENTITY);
	ck_assert_int_eq((int)e->alarm_previous_state, PB_ALARM_OK);
}
END_TEST

START_TEST(bad_history_is_refused)
{
	static const char *const rows[][3] = {
	    {"HistoryItemType", "Action", "HistoryItemType is not StateUpdate"},
	    {"Timestamp", "yesterday", "Timestamp is missing or not a time"},
	    {"HistorySummary", "something", "neither HistoryData nor HistorySummary"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_JSON json_t *j = pb_event_test_json(as_history);
		struct pb_event *e = NULL;
		struct pb_error err = {0};
		pb_json_set_str(j, "HistoryData", "[]");
		pb_json_set_str(j, rows[i][0], rows[i][1]);
		ck_assert_int_eq(pb_event_from_history(j, PB_TEST_ALARM_ARN, NULL, &e, &err), -1);
		ck_assert_msg(strstr(err.text, rows[i][2]) != NULL, "%s", err.text);
		ck_assert_ptr_null(e);
	}
}
END_TEST

START_TEST(bad_alarms_are_refused)
{
	static const char *const rows[][2] = {
	    {"{}", "StateValue must be one of"},
	    {"null", "StateValue must be one of"},
	    {TEXT({"StateValue" : "ALARM"}), "StateTransitionedTimestamp and"},
	    {TEXT({"StateValue" : "ALARM", "StateUpdatedTimestamp" : 1}), "missing AlarmArn"},
	    {TEXT({
		     "StateValue" : "ALARM",
		     "StateUpdatedTimestamp" : 1,
		     "AlarmArn" : "arn:aws:sns:a:b:c"
	     }),
		"not the ARN of a CloudWatch alarm"},
	    {TEXT({
		     "StateValue" : "ALARM",
		     "StateUpdatedTimestamp" : 1,
		     "AlarmArn" : "arn:aws:cloudwatch:a:b:alarm:c"
	     }),
		"AlarmName is missing"},
	    {TEXT({"StateValue" : "Alarm"}), "StateValue must be one of"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_JSON json_t *j = pb_event_test_json(rows[i][0]);
		struct pb_event *e = NULL;
		struct pb_error err = {0};
		ck_assert_int_eq(pb_event_from_alarm(j, PB_ALARM_OK, &e, &err), -1);
		ck_assert_msg(strstr(err.text, rows[i][1]) != NULL, "%s: %s", rows[i][0], err.text);
		ck_assert_ptr_null(e);
	}
}
END_TEST

START_TEST(an_opaque_notification_is_an_event_of_its_own)
{
	static const char *const texts[] = {
	    "Budget Name: monthly", "", "{\"some\":\"thing\"}", "[1]"};
	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++) {
		PB_CLEANUP(pb_freep) char *body = wrapped("Notification", texts[i]);
		PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_test_body(body);
		ck_assert_str_eq(e->identity, "event|3c1f0d5e-0b7a-5f0a-9d0e-51f3f0c6a111");
		ck_assert_str_eq(e->source, "aws.sns");
		ck_assert_str_eq(e->detail_type, "SNS Notification");
		ck_assert_str_eq(e->region, "eu-west-1");
		ck_assert_str_eq(e->account, "111122223333");
		ck_assert_int_eq(e->time_at, INT64_C(1772529246000));
		ck_assert_str_eq(
		    pb_json_str(pb_json_get(pb_event_json(e), "detail"), "message"), texts[i]);
	}
}
END_TEST

START_TEST(a_notification_inside_a_notification_is_not_opened_again)
{
	PB_CLEANUP(pb_freep) char *inner = wrapped("Notification", as_event);
	PB_CLEANUP(pb_freep) char *body = wrapped("Notification", inner);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_test_body(body);
	ck_assert_str_eq(e->source, "aws.sns");
}
END_TEST

START_TEST(confirmations_are_ignored_and_never_followed)
{
	static const char *const types[] = {"SubscriptionConfirmation", "UnsubscribeConfirmation"};
	for (size_t i = 0; i < 2; i++) {
		PB_CLEANUP(pb_freep) char *body = wrapped(types[i], "You have chosen ...");
		struct pb_event *e = NULL;
		char reason[128];
		ck_assert_int_eq((int)pb_event_from_body(pb_str_of(body), "", "", &e, reason, NULL),
		    PB_BODY_IGNORE);
		ck_assert_ptr_null(e);
		ck_assert_msg(strstr(reason, "never followed") != NULL, "%s", reason);
	}
}
END_TEST

START_TEST(config_by_sns_becomes_an_event)
{
	static const char text[] = TEXT({
		"awsAccountId" : "111122223333",
		"awsRegion" : "us-east-2",
		"configRuleName" : "restricted-ssh",
		"messageType" : "ComplianceChangeNotification",
		"newEvaluationResult" : {"complianceType" : "NON_COMPLIANT"},
		"notificationCreationTime" : "2026-03-03T10:20:31.380Z"
	});
	PB_CLEANUP(pb_freep) char *body = wrapped("Notification", text);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_test_body(body);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *again = pb_event_test_body(text);
	ck_assert_str_eq(e->source, "aws.config");
	ck_assert_str_eq(e->detail_type, "Config Rules Compliance Change");
	ck_assert_str_eq(e->region, "us-east-2");
	ck_assert_str_eq(e->identity, again->identity);
}
END_TEST

START_TEST(what_a_body_leaves_open_is_filled_in)
{
	PB_CLEANUP(pb_event_unrefp)
	struct pb_event *e = pb_event_test_body(
	    "{\"id\":\"1\",\"source\":\"app\",\"detail-type\":\"x\",\"detail\":{}}");
	ck_assert_str_eq(e->account, "999988887777");
	ck_assert_str_eq(e->region, "eu-north-1");
	ck_assert_int_eq(e->time_at, 0);
	ck_assert(json_is_array(pb_json_get(pb_event_json(e), "resources")));
}
END_TEST

START_TEST(an_alarms_arn_knows_its_place_better_than_the_queue)
{
	PB_JSON json_t *j = pb_event_test_json(as_event);
	(void)json_object_del(j, "region");
	(void)json_object_del(j, "account");
	(void)json_object_del(j, "id");
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_test_body(text);
	ck_assert_str_eq(e->region, "us-east-1");
	ck_assert_str_eq(e->account, "111122223333");
	ck_assert_uint_eq(strlen(e->id), 36);
}
END_TEST

#define ALARM(resources, detail)                                                                   \
	"{\"id\":\"1\",\"source\":\"aws.cloudwatch\",\"detail-type\":\"CloudWatch Alarm State "    \
	"Change\"," resources "\"detail\":" detail "}"
#define ARN "\"resources\":[\"" PB_TEST_ALARM_ARN "\"],"

static const struct {
	const char *body, *told;
} bad[] = {
    {"", "the text is empty"},
    {"hello", "not valid JSON"},
    {"{\"a\":", "not valid JSON"},
    {"[]", "not an object"},
    {"\"text\"", "not an object"},
    {"null", "not an object"},
    {"{}", "none of EventBridge event"},
    {"{\"a\":1,\"a\":2}", "duplicate"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"detail\":{},\"id\":\"\\u0000\"}", "NUL"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"detail\":{},\"id\":\"\xff\"}", "not valid JSON"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"detail\":{}}", "id is missing"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"id\":\"1\"}", "detail is missing"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"id\":\"1\",\"detail\":[]}",
	"detail must be an object"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"id\":1,\"detail\":{}}", "id must be text"},
    {"{\"source\":[],\"detail-type\":\"b\",\"id\":\"1\",\"detail\":{}}", "source must be text"},
    {"{\"source\":\"\",\"detail-type\":\"b\",\"id\":\"1\",\"detail\":{}}", "source is empty"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"id\":\"1\",\"detail\":{},\"resources\":\"x\"}",
	"resources must be an array of text"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"id\":\"1\",\"detail\":{},\"resources\":[1]}",
	"resources must be an array of text"},
    {"{\"source\":\"a\",\"detail-type\":\"b\",\"id\":\"1\",\"detail\":{},\"time\":5}",
	"time must be text"},
    {ALARM("", "{}"), "resources must hold the alarm's ARN"},
    {ALARM("\"resources\":[\"arn:aws:sns:a:b:c\"],", "{}"), "resources must hold the alarm's ARN"},
    {ALARM(ARN, "{}"), "detail.alarmName is missing"},
    {ALARM(ARN, "{\"alarmName\":\"a\"}"), "detail.state.value must be one of"},
    {ALARM(ARN, "{\"alarmName\":\"a\",\"state\":\"ALARM\"}"), "detail.state.value must be one of"},
    {ALARM(ARN, "{\"alarmName\":\"a\",\"state\":{\"value\":\"ALARM\"}}"),
	"detail.state.timestamp is missing"},
    {ALARM(ARN, "{\"alarmName\":\"a\",\"state\":{\"value\":\"ALARM\",\"timestamp\":\"now\"}}"),
	"detail.state.timestamp must be a time"},
    {ALARM(ARN,
	 "{\"alarmName\":\"a\",\"state\":{\"value\":\"OK\",\"timestamp\":1},\"previousState\":{"
	 "\"value\":7}}"),
	"detail.previousState.value must be one of"},
    {"{\"Type\":\"Alert\",\"TopicArn\":\"a\",\"Message\":\"b\"}", "Type of the SNS message"},
    {"{\"Type\":\"Notification\",\"TopicArn\":\"a\",\"Message\":{}}", "Message of the SNS"},
    {"{\"Type\":\"Notification\",\"TopicArn\":\"a\",\"Message\":\"b\"}", "MessageId"},
    {"{\"Type\":\"Notification\",\"TopicArn\":7,\"Message\":\"b\",\"MessageId\":\"1\"}",
	"TopicArn"},
    {"{\"Type\":\"Notification\",\"TopicArn\":\"a\",\"Message\":\"{\\\"a\\\":\"}",
	"the Message of the SNS notification: not valid JSON"},
    {"{\"Type\":\"Notification\",\"TopicArn\":\"a\",\"Message\":\"{\\\"AlarmName\\\":1,"
     "\\\"NewStateValue\\\":2}\"}",
	"the Message of the SNS notification: NewStateValue must be one of"},
    {"{\"AlarmName\":\"a\",\"NewStateValue\":\"ALARM\"}", "StateChangeTime is missing"},
    {"{\"AlarmName\":\"a\",\"NewStateValue\":\"ALARM\",\"OldStateValue\":\"?\"}",
	"OldStateValue must be one of"},
    {"{\"AlarmName\":\"a\",\"NewStateValue\":\"OK\",\"StateChangeTime\":\"2026-03-03T09:14:05Z\"}",
	"missing AlarmArn"},
    {"{\"source\":\"aws.cloudwatch\",\"alarmData\":{}}", "alarmArn is missing"},
    {"{\"source\":\"aws.cloudwatch\",\"alarmData\":[],\"alarmArn\":\"x\"}",
	"detail must be an object"},
    {"{\"Records\":[]}", "has Records"},
};

START_TEST(a_bad_body_is_told_with_its_reason)
{
	struct pb_event *e = NULL;
	struct pb_error err = {0};
	char reason[128];
	enum pb_body_verdict v =
	    pb_event_from_body(pb_str_of(bad[_i].body), "", "", &e, reason, &err);
	ck_assert_msg(v == PB_BODY_BAD, "%s: accepted", bad[_i].body);
	ck_assert_ptr_null(e);
	ck_assert_msg(
	    strstr(err.text, bad[_i].told) != NULL, "%s: told \"%s\"", bad[_i].body, err.text);
}
END_TEST

static enum pb_body_verdict
body_verdict(struct pb_str body, struct pb_error *err)
{
	struct pb_event *e = NULL;
	char reason[128];
	enum pb_body_verdict v = pb_event_from_body(body, "", "", &e, reason, err);
	pb_event_unref(e);
	return v;
}

START_TEST(deep_nesting_is_refused)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err = {0};
	for (size_t i = 0; i < 200000; i++)
		(void)pb_buf_addc(&b, '[');
	ck_assert_int_eq((int)body_verdict(pb_buf_str(&b), &err), PB_BODY_BAD);
	ck_assert_int_eq((int)err.kind, PB_LIMIT);
}
END_TEST

static void
fill_event(struct pb_buf *b, size_t len)
{
	static const char head[] =
	    "{\"id\":\"1\",\"source\":\"a\",\"detail-type\":\"b\",\"detail\":{\"x\":\"";
	(void)pb_buf_adds(b, head);
	while (b->len < len - 3)
		(void)pb_buf_addc(b, 'x');
	(void)pb_buf_adds(b, "\"}}");
}

START_TEST(large_bodies_are_read_up_to_the_limit)
{
	static const struct {
		size_t len;
		enum pb_body_verdict verdict;
	} rows[] = {
	    {256 * 1024, PB_BODY_EVENT},
	    {PB_EVENT_BODY_MAX, PB_BODY_EVENT},
	    {PB_EVENT_BODY_MAX + 1, PB_BODY_BAD},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		struct pb_error err = {0};
		fill_event(&b, rows[i].len);
		ck_assert_uint_eq(b.len, rows[i].len);
		ck_assert_int_eq((int)body_verdict(pb_buf_str(&b), &err), (int)rows[i].verdict);
	}
}
END_TEST

START_TEST(a_raw_nul_byte_is_refused)
{
	static const char body[] =
	    "{\"id\":\"1\0\",\"source\":\"a\",\"detail-type\":\"b\",\"detail\":{}}";
	struct pb_error err = {0};
	ck_assert_int_eq(
	    (int)body_verdict((struct pb_str){body, sizeof(body) - 1}, &err), PB_BODY_BAD);
	ck_assert_int_eq((int)err.kind, PB_SYNTAX);
}
END_TEST

START_TEST(numbers_beyond_a_double_are_read)
{
	PB_CLEANUP(pb_event_unrefp)
	struct pb_event *e = pb_event_test_body("{\"id\":\"1\",\"source\":\"a\",\"detail-type\":"
						"\"b\",\"detail\":{\"n\":9007199254740993,"
						"\"m\":9223372036854775807}}");
	ck_assert_int_eq(pb_json_i64(pb_json_get(pb_event_json(e), "detail"), "n", 0),
	    INT64_C(9007199254740993));
	PB_CLEANUP(pb_event_unrefp)
	struct pb_event *huge =
	    pb_event_test_body("{\"id\":\"1\",\"source\":\"a\",\"detail-type\":\"b\",\"detail\":{"
			       "\"n\":99999999999999999999}}");
	ck_assert(json_is_real(pb_json_path(pb_event_json(huge), PB_STR("detail.n"))));
}
END_TEST

START_TEST(every_prefix_of_a_body_is_refused)
{
	PB_CLEANUP(pb_freep) char *body = wrapped("Notification", as_message);
	size_t len = strlen(body);
	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq((int)body_verdict((struct pb_str){body, n}, NULL), PB_BODY_BAD);
	ck_assert_int_eq((int)body_verdict((struct pb_str){body, len}, NULL), PB_BODY_EVENT);
}
END_TEST

PB_SUITE(event)
{
	pb_add(s, every_way_of_telling_a_transition_is_one_event);
	pb_add(s, the_configuration_has_one_spelling);
	pb_add(s, ids_are_made_of_the_identity);
	pb_add(s, a_statistic_that_sns_shouts_is_spelt_as_usual);
	pb_add(s, a_composite_alarm_has_a_rule_and_no_metric);
	pb_add(s, without_the_transition_the_update_tells_the_time);
	pb_add(s, history_near_the_alarms_own_time_is_the_same_transition);
	pb_add(s, history_that_was_cut_is_read_by_its_summary);
	pb_add(s, bad_history_is_refused);
	pb_add(s, bad_alarms_are_refused);
	pb_add(s, an_opaque_notification_is_an_event_of_its_own);
	pb_add(s, a_notification_inside_a_notification_is_not_opened_again);
	pb_add(s, confirmations_are_ignored_and_never_followed);
	pb_add(s, config_by_sns_becomes_an_event);
	pb_add(s, what_a_body_leaves_open_is_filled_in);
	pb_add(s, an_alarms_arn_knows_its_place_better_than_the_queue);
	pb_add_loop(s, a_bad_body_is_told_with_its_reason, 0, PB_ARRAY_LEN(bad));
	pb_add(s, deep_nesting_is_refused);
	pb_add(s, large_bodies_are_read_up_to_the_limit);
	pb_add(s, a_raw_nul_byte_is_refused);
	pb_add(s, numbers_beyond_a_double_are_read);
	pb_add(s, every_prefix_of_a_body_is_refused);
}
