/*
 * The sandbox's CloudWatch: pages, filters, transitions, history, and what leaves it.
 */
#include <stdlib.h>

#include "tests/unit/runner.h"
#include "tests/unit/sandbox/world.h"

#define BOTH "\"AlarmTypes\":[\"MetricAlarm\",\"CompositeAlarm\"]"

static size_t
n_of(const struct outcome *o, const char *list)
{
	return json_array_size(pb_json_get(o->body, list));
}

static const json_t *
first_of(const struct outcome *o, const char *list)
{
	return json_array_get(pb_json_get(o->body, list), 0);
}

START_TEST(pages_give_every_alarm_once)
{
	WORLD w;
	PB_JSON json_t *seen = json_object();
	PB_CLEANUP(pb_freep) char *token = NULL;
	size_t n_pages = 0, n_composite = 0;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"m\",\"count\":250,\"state\":\"OK\"}");
	world_do(&w, "POST", "/_sandbox/alarms",
	    "{\"name\":\"c\",\"count\":3,\"composite\":true,\"state\":\"ALARM\"}");
	do {
		PB_CLEANUP(pb_freep)
		char *input = token ? pb_asprintf("{" BOTH ",\"NextToken\":\"%s\"}", token)
				    : pb_strdup("{" BOTH "}");
		OUTCOME o = world_json(&w, "cloudwatch", "DescribeAlarms", input);
		const json_t *a;
		size_t i;
		ck_assert_uint_le(n_of(&o, "MetricAlarms") + n_of(&o, "CompositeAlarms"), 100);
		json_array_foreach (pb_json_get(o.body, "MetricAlarms"), i, a) {
			json_object_set_new(seen, pb_json_str(a, "AlarmName"), json_true());
		}
		n_composite += n_of(&o, "CompositeAlarms");
		n_pages++;
		free(token);
		token = pb_strdup(pb_json_str(o.body, "NextToken"));
	} while (token != NULL && n_pages < 10);
	ck_assert_uint_eq(n_pages, 3);
	ck_assert_uint_eq(json_object_size(seen), 250);
	ck_assert_uint_eq(n_composite, 3);
}
END_TEST

static const struct {
	const char *name, *input;
	size_t metric, composite;
} filters[] = {
    {"metric alarms only unless asked", "{}", 4, 0},
    {"both", "{" BOTH "}", 4, 1},
    {"composite only", "{\"AlarmTypes\":[\"CompositeAlarm\"]}", 0, 1},
    {"by state", "{" BOTH ",\"StateValue\":\"ALARM\"}", 1, 1},
    {"by names", "{" BOTH ",\"AlarmNames\":[\"web-0\",\"all\",\"none\"]}", 1, 1},
    {"by prefix", "{" BOTH ",\"AlarmNamePrefix\":\"web-\"}", 3, 0},
    {"prefix and state", "{\"AlarmNamePrefix\":\"web-\",\"StateValue\":\"ALARM\"}", 0, 0},
};

START_TEST(alarms_are_filtered)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"web\",\"count\":3,\"state\":\"OK\"}");
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"db\",\"state\":\"ALARM\"}");
	world_do(&w, "POST", "/_sandbox/alarms",
	    "{\"name\":\"all\",\"composite\":true,\"state\":\"ALARM\"}");
	OUTCOME o = world_json(&w, "cloudwatch", "DescribeAlarms", filters[_i].input);
	ck_assert_int_eq(o.status, 200);
	ck_assert_msg(n_of(&o, "MetricAlarms") == filters[_i].metric &&
		n_of(&o, "CompositeAlarms") == filters[_i].composite,
	    "%s: %zu, %zu", filters[_i].name, n_of(&o, "MetricAlarms"),
	    n_of(&o, "CompositeAlarms"));
}
END_TEST

START_TEST(only_a_change_of_state_is_a_transition)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"OK\"}");
	static const char *const states[] = {"ALARM", "ALARM"};
	int64_t at[2] = {0, 0};
	for (size_t i = 0; i < 2; i++) {
		PB_CLEANUP(pb_freep)
		char *input = pb_asprintf("{\"AlarmName\":\"a\",\"StateValue\":\"%s\","
					  "\"StateReason\":\"r%zu\",\"StateReasonData\":\"{}\"}",
		    states[i], i);
		OUTCOME set = world_json(&w, "cloudwatch", "SetAlarmState", input);
		ck_assert_int_eq(set.status, 200);
		OUTCOME got = world_json(&w, "cloudwatch", "DescribeAlarms", "{}");
		const json_t *a = first_of(&got, "MetricAlarms");
		at[i] = pb_json_time(pb_json_get(a, "StateTransitionedTimestamp"));
		ck_assert_str_eq(pb_json_str_or(a, "StateReason", ""), i == 0 ? "r0" : "r1");
	}
	ck_assert_int_gt(at[0], 0);
	ck_assert_int_eq(at[0], at[1]);
}
END_TEST

START_TEST(history_tells_transitions_as_the_service_writes_them)
{
	WORLD w;
	PB_JSON json_t *data = NULL;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"OK\"}");
	world_do(&w, "POST", "/_sandbox/alarms/a/state",
	    "{\"state\":\"ALARM\",\"reason\":\"why\",\"at\":1772529245118}");
	world_do(&w, "POST", "/_sandbox/alarms/a/state", "{\"state\":\"OK\",\"at\":1772529246000}");
	OUTCOME o = world_json(&w, "cloudwatch", "DescribeAlarmHistory",
	    "{\"AlarmName\":\"a\",\"HistoryItemType\":\"StateUpdate\",\"StartDate\":1772529245,"
	    "\"EndDate\":1772529245.5,\"ScanBy\":\"TimestampAscending\"}");
	ck_assert_uint_eq(n_of(&o, "AlarmHistoryItems"), 1);
	const json_t *item = first_of(&o, "AlarmHistoryItems");
	ck_assert_str_eq(
	    pb_json_str_or(item, "HistorySummary", ""), "Alarm updated from OK to ALARM");
	ck_assert_int_eq(pb_json_time(pb_json_get(item, "Timestamp")), 1772529245118);
	ck_assert_int_eq(
	    pb_json_parse(pb_str_of(pb_json_str(item, "HistoryData")), &data, NULL), 0);
	ck_assert_str_eq(pb_json_str_or(pb_json_get(data, "newState"), "stateReason", ""), "why");
	ck_assert_str_eq(pb_json_str_or(pb_json_get(data, "oldState"), "stateValue", ""), "OK");
}
END_TEST

START_TEST(history_pages_in_both_orders)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"OK\"}");
	world_do(&w, "POST", "/_sandbox/alarms/a/state", "{\"state\":\"ALARM\"}");
	OUTCOME down = world_json(
	    &w, "cloudwatch", "DescribeAlarmHistory", "{\"AlarmName\":\"a\",\"MaxRecords\":2}");
	ck_assert_uint_eq(n_of(&down, "AlarmHistoryItems"), 2);
	ck_assert_str_eq(pb_json_str_or(first_of(&down, "AlarmHistoryItems"), "HistorySummary", ""),
	    "Alarm updated from OK to ALARM");
	PB_CLEANUP(pb_freep)
	char *input = pb_asprintf("{\"AlarmName\":\"a\",\"MaxRecords\":2,\"NextToken\":\"%s\"}",
	    pb_json_str_or(down.body, "NextToken", ""));
	OUTCOME rest = world_json(&w, "cloudwatch", "DescribeAlarmHistory", input);
	ck_assert_uint_eq(n_of(&rest, "AlarmHistoryItems"), 1);
	ck_assert_str_eq(
	    pb_json_str_or(first_of(&rest, "AlarmHistoryItems"), "HistoryItemType", ""),
	    "ConfigurationUpdate");
	ck_assert_ptr_null(pb_json_str(rest.body, "NextToken"));
}
END_TEST

START_TEST(a_transition_reaches_the_topic_and_the_event_queue)
{
	WORLD w;
	PB_JSON json_t *message = NULL, *event = NULL;
	world_start(&w);
	PB_JSON json_t *topic =
	    world_ask(&w, "POST", "/_sandbox/topics", "{\"name\":\"t\",\"queue\":\"fan\"}");
	world_do(&w, "POST", "/_sandbox/eventbridge", "{\"queue\":\"events\"}");
	PB_CLEANUP(pb_freep)
	char *input =
	    pb_asprintf("{\"AlarmName\":\"a\",\"MetricName\":\"M\",\"Namespace\":\"N\","
			"\"Statistic\":\"Average\",\"Period\":60,\"EvaluationPeriods\":1,"
			"\"Threshold\":1.5,\"ComparisonOperator\":\"GreaterThanThreshold\","
			"\"Dimensions\":[{\"Name\":\"d\",\"Value\":\"v\"}],"
			"\"AlarmActions\":[\"%s\"]}",
		pb_json_str_or(topic, "arn", ""));
	OUTCOME put = world_json(&w, "cloudwatch", "PutMetricAlarm", input);
	ck_assert_int_eq(put.status, 200);
	world_do(&w, "POST", "/_sandbox/alarms/a/state", "{\"state\":\"ALARM\"}");
	world_do(&w, "POST", "/_sandbox/alarms/a/state", "{\"state\":\"OK\"}");

	PB_JSON json_t *seen = world_ask(&w, "GET", "/_sandbox/topics/t", NULL);
	ck_assert_uint_eq(json_array_size(pb_json_get(seen, "published")), 1);
	const json_t *page = json_array_get(pb_json_get(seen, "published"), 0);
	ck_assert_str_eq(
	    pb_json_str_or(page, "subject", ""), "ALARM: \"a\" in US East (N. Virginia)");
	ck_assert_int_eq(pb_json_parse(pb_str_of(pb_json_str(page, "message")), &message, NULL), 0);
	ck_assert_str_eq(pb_json_str_or(message, "OldStateValue", ""), "INSUFFICIENT_DATA");
	const json_t *dimension = pb_json_path(message, PB_STR("Trigger.Dimensions[0]"));
	ck_assert_str_eq(pb_json_str_or(dimension, "name", ""), "d");

	PB_JSON json_t *events = world_ask(&w, "GET", "/_sandbox/queues/events", NULL);
	ck_assert_uint_eq(json_array_size(pb_json_get(events, "visible")), 2);
	const json_t *m = json_array_get(pb_json_get(events, "visible"), 0);
	ck_assert_int_eq(pb_json_parse(pb_str_of(pb_json_str(m, "body")), &event, NULL), 0);
	ck_assert_str_eq(pb_json_str_or(event, "detail-type", ""), "CloudWatch Alarm State Change");
	const json_t *state = pb_json_path(event, PB_STR("detail.state.value"));
	ck_assert_str_eq(json_string_value(state), "ALARM");
}
END_TEST

START_TEST(tags_are_listed_and_added)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"a\",\"tags\":{\"team\":\"web\"}}");
#define ARN "\"ResourceARN\":\"arn:aws:cloudwatch:us-east-1:111122223333:alarm:a\""
	OUTCOME add = world_json(&w, "cloudwatch", "TagResource",
	    "{" ARN ",\"Tags\":[{\"Key\":\"tier\",\"Value\":\"1\"}]}");
	ck_assert_int_eq(add.status, 200);
	OUTCOME o = world_json(&w, "cloudwatch", "ListTagsForResource", "{" ARN "}");
	ck_assert_uint_eq(n_of(&o, "Tags"), 2);
	ck_assert_str_eq(pb_json_str_or(first_of(&o, "Tags"), "Value", ""), "web");
}
END_TEST

static const struct {
	const char *name, *operation, *input, *code;
	int status;
} mistakes[] = {
    {"unknown alarm", "SetAlarmState",
	"{\"AlarmName\":\"x\",\"StateValue\":\"OK\",\"StateReason\":\"r\"}", "ResourceNotFound",
	404},
    {"no such state", "SetAlarmState",
	"{\"AlarmName\":\"a\",\"StateValue\":\"RED\",\"StateReason\":\"r\"}", "ValidationError",
	400},
    {"reason data that is not JSON", "SetAlarmState",
	"{\"AlarmName\":\"a\",\"StateValue\":\"OK\",\"StateReason\":\"r\","
	"\"StateReasonData\":\"{\"}",
	"InvalidFormat", 400},
    {"a token of nobody", "DescribeAlarms", "{\"NextToken\":\"bad\"}", "InvalidNextToken", 400},
    {"names and a prefix", "DescribeAlarms", "{\"AlarmNames\":[\"a\"],\"AlarmNamePrefix\":\"a\"}",
	"ValidationError", 400},
    {"101 records", "DescribeAlarms", "{\"MaxRecords\":101}", "ValidationError", 400},
    {"tags of nothing", "ListTagsForResource",
	"{\"ResourceARN\":\"arn:aws:cloudwatch:us-east-1:111122223333:alarm:x\"}",
	"ResourceNotFoundException", 404},
};

START_TEST(a_mistake_is_answered_with_the_service_s_error)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/alarms", "{\"name\":\"a\"}");
	OUTCOME o = world_json(&w, "cloudwatch", mistakes[_i].operation, mistakes[_i].input);
	ck_assert_msg(o.status == mistakes[_i].status && pb_streq(o.code, mistakes[_i].code),
	    "%s: %d %s", mistakes[_i].name, o.status, o.code);
}
END_TEST

PB_SUITE(sandbox_cloudwatch)
{
	pb_add(s, pages_give_every_alarm_once);
	pb_add_loop(s, alarms_are_filtered, 0, (int)PB_ARRAY_LEN(filters));
	pb_add(s, only_a_change_of_state_is_a_transition);
	pb_add(s, history_tells_transitions_as_the_service_writes_them);
	pb_add(s, history_pages_in_both_orders);
	pb_add(s, a_transition_reaches_the_topic_and_the_event_queue);
	pb_add(s, tags_are_listed_and_added);
	pb_add_loop(
	    s, a_mistake_is_answered_with_the_service_s_error, 0, (int)PB_ARRAY_LEN(mistakes));
}
