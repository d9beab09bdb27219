/*
 * Events by bytes: the same as by a tree, in every respect, and without one.
 */
#include "tests/unit/event/support.h"
#include "tests/unit/runner.h"

#define PLAIN                                                                                      \
	"{\"version\":\"0\",\"id\":\"7-1\",\"detail-type\":\"EC2 Instance State-change "           \
	"Notification\","                                                                          \
	"\"source\":\"aws.ec2\",\"account\":\"111122223333\",\"time\":\"2026-03-03T09:14:05Z\","   \
	"\"region\":\"us-east-1\",\"resources\":[\"arn:aws:ec2:us-east-1:111122223333:instance/"   \
	"i-1\"],"                                                                                  \
	"\"detail\":{\"instance-id\":\"i-1\",\"state\":\"stopped\",\"n\":[1,2.5e1,null,{\"a.b\":"  \
	"true}]}}"

#define ALARM                                                                                      \
	"{\"version\":\"0\",\"id\":\"a-1\",\"detail-type\":\"CloudWatch Alarm State Change\","     \
	"\"source\":\"aws.cloudwatch\",\"account\":\"111122223333\",\"time\":\"2026-03-03T09:14:"  \
	"05Z\","                                                                                   \
	"\"region\":\"us-east-1\",\"resources\":[\"" PB_TEST_ALARM_ARN                             \
	"\"],\"detail\":{\"alarmName\":\"api-p99-high\",\"state\":{\"value\":\"ALARM\","           \
	"\"reason\":\"3 of "                                                                       \
	"3\",\"timestamp\":\"2026-03-03T09:14:05.118+0000\"},\"previousState\":{\"value\":\"OK\"," \
	"\"timestamp\":\"2026-03-03T09:00:05.118+0000\"},\"configuration\":{\"metrics\":[]}}}"

#define NOTICE                                                                                     \
	"{\"AlarmName\":\"api-\\u0070 "                                                            \
	"99\",\"AlarmDescription\":null,\"AWSAccountId\":\"111122223333\","                        \
	"\"NewStateValue\":\"ALARM\",\"NewStateReason\":\"3 of \\\"3\\\"\",\"StateChangeTime\":"   \
	"\"2026-03-03T09:14:05.118+0000\",\"Region\":\"US East (N. Virginia)\",\"AlarmArn\":"      \
	"\"" PB_TEST_ALARM_ARN                                                                     \
	"\",\"OldStateValue\":\"OK\",\"Trigger\":{\"MetricName\":\"Latency\","                     \
	"\"Namespace\":\"AWS/ApiGateway\",\"StatisticType\":\"Statistic\",\"Statistic\":"          \
	"\"SAMPLE_COUNT\",\"Unit\":null,\"Dimensions\":[{\"value\":\"orders\",\"name\":"           \
	"\"ApiName\"},"                                                                            \
	"{\"Name\":\"Stage\",\"Value\":\"p\\/d\"}, 7],\"Period\":60.0}}"
#define QUERIES                                                                                    \
	"{\"AlarmName\":\"q\",\"AlarmDescription\":\"d\",\"NewStateValue\":\"OK\","                \
	"\"NewStateReason\":"                                                                      \
	"1,\"StateChangeTime\":\"2026-03-03T09:14:05Z\",\"AlarmArn\":\"" PB_TEST_ALARM_ARN         \
	"\",\"Trigger\":{\"Metrics\":[{\"Id\":\"e1\",\"Expression\":\"m1*2\",\"ReturnData\":true}" \
	","                                                                                        \
	"{\"Id\":\"m1\",\"Label\":\"\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"N\","           \
	"\"MetricName\":"                                                                          \
	"\"M\",\"Dimensions\":[]},\"Period\":300,\"Stat\":\"p99.9\",\"Unit\":\"Count\"},"          \
	"\"ReturnData\":false}]}}"
#define COMPOSITE                                                                                  \
	"{\"AlarmName\":\"c\",\"AlarmRule\":\"ALARM(\\\"a\\\")\",\"NewStateValue\":\"ALARM\","     \
	"\"StateChangeTime\":\"2026-03-03T09:14:05Z\",\"AlarmArn\":\"" PB_TEST_ALARM_ARN "\"}"
#define ACTION                                                                                     \
	"{\"source\":\"aws.cloudwatch\",\"alarmArn\":\"" PB_TEST_ALARM_ARN                         \
	"\",\"accountId\":\"111122223333\",\"time\":\"2026-03-03T09:14:06.127+0000\",\"region\":"  \
	"\"us-east-1\",\"alarmData\":{\"alarmName\":\"api-p99-high\",\"state\":{\"value\":"        \
	"\"ALARM\","                                                                               \
	"\"reason\":\"3 of 3\",\"timestamp\":\"2026-03-03T09:14:05.118+0000\"},\"previousState\":" \
	"{\"value\":\"OK\"},\"configuration\":{\"metrics\":[]}}}"
#define CONFIG                                                                                     \
	"{\"awsAccountId\":\"111122223333\",\"awsRegion\":\"us-east-2\",\"configRuleName\":"       \
	"\"restricted-ssh\",\"newEvaluationResult\":{\"complianceType\":\"NON_COMPLIANT\"},"       \
	"\"notificationCreationTime\":\"2026-03-03T10:20:31.380Z\"}"
static const char *const forms[] = {PLAIN, ALARM, NOTICE, QUERIES, COMPOSITE, ACTION, CONFIG};
#define N_FORMS ((int)PB_ARRAY_LEN(forms))

/* As SNS delivers `message`; the caller's. */
static char *
wrapped(const char *message)
{
	PB_JSON json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s}", "Type", "Notification",
	    "MessageId", "m-1", "TopicArn", "arn:aws:sns:us-east-1:111122223333:alarms", "Message",
	    message, "Timestamp", "2026-03-03T09:14:06.000Z");
	return pb_json_text(j);
}

static bool
is_by_bytes(struct pb_event_reader *r, const char *body)
{
	uint64_t before = pb_event_reader_n_by_bytes(r);
	pb_event_test_both(r, NULL, pb_str_of(body));
	return pb_event_reader_n_by_bytes(r) > before;
}

START_TEST(what_a_queue_brings_needs_no_tree)
{
	static const char *const bodies[] = {PLAIN, ALARM, " " ALARM "\n", NOTICE, " " NOTICE "\n",
	    QUERIES, COMPOSITE, ACTION, CONFIG, " " CONFIG "\n"};
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	for (size_t i = 0; i < PB_ARRAY_LEN(bodies); i++) {
		PB_CLEANUP(pb_freep) char *sns = wrapped(bodies[i]);
		ck_assert_msg(is_by_bytes(r, bodies[i]), "%s", bodies[i]);
		ck_assert_msg(is_by_bytes(r, sns), "%s", sns);
		ck_assert_msg(is_by_bytes(r, bodies[i]), "again, by its shape: %s", bodies[i]);
	}
}
END_TEST

/* Also one that says nothing we know is somebody's alert. */
START_TEST(another_notification_needs_no_tree)
{
	static const char *const messages[] = {
	    "Budget \"monthly\"\n\u00e9", "", " ", "[1]", "{\"some\":\"thing\"}", " {} "};
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	for (size_t i = 0; i < PB_ARRAY_LEN(messages); i++) {
		PB_CLEANUP(pb_freep) char *sns = wrapped(messages[i]);
		ck_assert_msg(is_by_bytes(r, sns), "%s", sns);
	}
}
END_TEST

/* What a double does not hold, and what is to be escaped. */
START_TEST(what_is_rewritten_keeps_its_bytes)
{
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = NULL;
	char reason[128];
	ck_assert_int_eq(
	    pb_event_read_body(r, NULL,
		PB_STR("{\"awsAccountId\":\"1\",\"awsRegion\":\"r\",\"configRuleName\":\"\\u0061\","
		       "\"newEvaluationResult\":18446744073709551615,"
		       "\"notificationCreationTime\":\"2026-03-03T10:20:31Z\"}"),
		"", "", &e, reason, NULL),
	    PB_BODY_EVENT);
	ck_assert_ptr_nonnull(memmem(e->text.ptr, e->text.len, "18446744073709551615", 20));
	ck_assert_ptr_nonnull(memmem(e->text.ptr, e->text.len, "\"\\u0061\"", 8));
}
END_TEST

/* --- every member otherwise */

static const char *const members[] = {"version", "id", "detail-type", "source", "account", "time",
    "region", "resources", "detail", "detail.alarmName", "detail.state", "detail.state.value",
    "detail.state.timestamp", "detail.previousState", "detail.previousState.value", "Type",
    "TopicArn", "Message", "AlarmName", "NewStateValue", "OldStateValue", "NewStateReason",
    "StateChangeTime", "AlarmArn", "AlarmDescription", "AlarmRule", "Trigger", "Trigger.Metrics",
    "Trigger.MetricName", "Trigger.Statistic", "Trigger.Stat", "Trigger.ExtendedStatistic",
    "Trigger.Dimensions", "Trigger.Namespace", "alarmArn", "accountId", "alarmData",
    "alarmData.state", "alarmData.state.value", "alarmData.state.timestamp", "awsAccountId",
    "awsRegion", "configRuleName", "newEvaluationResult", "notificationCreationTime"};

static const char *const values[] = {"null", "1", "true", "\"\"", "\"x\"", "\"\\u0061\"", "[]",
    "{}", "[\"x\"]", "[1]", "[[\"x\"]]", "[{}]", "[[]]", "{\"value\":\"OK\"}", "[\"x\",{}]",
    "[{\"value\":\"OK\"}]", "\"ALARM\"", "\"Notification\"", "\"2026-03-03T09:14:05Z\"",
    "\"2026-03-03T09:14:05\"", "1772529245", "\"" PB_TEST_ALARM_ARN "\"",
    "[\"arn:aws:s3:::b\",\"" PB_TEST_ALARM_ARN "\"]", "\"SUM_\\\"\"",
    "\"arn:aws:cloudwatch:::alarm:x\"",
    "[{\"Name\":\"n\",\"name\":\"m\",\"Value\":1,\"value\":\"v\"}]",
    "[{\"Id\":\"m\",\"MetricStat\":{\"Metric\":{\"MetricName\":\"M\"},\"Stat\":\"SUM\"}},1,null]"};

/* Put `value` at the path, NULL: nothing; as one dotted key from the `dots`-th key on. */
static json_t *
changed(const char *text, const char *path, json_t *value, size_t dots)
{
	json_t *j = pb_event_test_json(text), *at = j;
	const char *key = path, *dot;
	for (size_t i = 0; i < dots && (dot = strchr(key, '.')) != NULL; i++) {
		PB_CLEANUP(pb_freep) char *name = pb_strndup(key, (size_t)(dot - key));
		json_t *next = json_object_get(at, name);
		if (!json_is_object(next)) {
			next = json_object();
			(void)json_object_set_new(at, name, next);
		}
		at = next;
		key = dot + 1;
	}
	if (value == NULL)
		(void)json_object_del(at, key);
	else
		(void)json_object_set_new(at, key, value);
	return j;
}

static void
check_changed(struct pb_event_reader *r, const char *text, const char *path, const char *value)
{
	for (size_t dots = 0; dots < 3; dots++) {
		json_t *v = NULL;
		if (value != NULL) {
			PB_CLEANUP(pb_freep) char *list = pb_asprintf("[%s]", value);
			PB_JSON json_t *parsed = pb_event_test_json(list);
			v = json_incref(json_array_get(parsed, 0));
		}
		PB_JSON json_t *j = changed(text, path, v, dots);
		PB_CLEANUP(pb_freep) char *body = pb_json_text(j);
		PB_CLEANUP(pb_freep) char *sns = wrapped(body);
		pb_event_test_both(r, NULL, pb_str_of(body));
		pb_event_test_both(r, NULL, pb_str_of(sns));
	}
}

START_TEST(a_member_that_is_otherwise_is_told_as_before)
{
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	for (size_t i = 0; i < PB_ARRAY_LEN(members); i++) {
		check_changed(r, forms[_i], members[i], NULL);
		for (size_t k = 0; k < PB_ARRAY_LEN(values); k++)
			check_changed(r, forms[_i], members[i], values[k]);
	}
	ck_assert_uint_gt(pb_event_reader_n_by_bytes(r), 500);
}
END_TEST

/* --- every byte otherwise */

static void
check_damaged(struct pb_event_reader *r, const char *body, size_t step)
{
	static const char others[] = "\"{}[]:,\\. 0nA\x01\xff";
	size_t len = strlen(body);
	char *copy = pb_malloc(len + 1);
	for (size_t at = 0; at < len; at += step) {
		memcpy(copy, body, at);
		memcpy(copy + at, body + at + 1, len - at - 1);
		pb_event_test_both(r, NULL, (struct pb_str){copy, len - 1});
		pb_event_test_both(r, NULL, (struct pb_str){body, at});
		memcpy(copy, body, len);
		for (size_t i = 0; i < sizeof(others) - 1; i++) {
			copy[at] = others[i];
			pb_event_test_both(r, NULL, (struct pb_str){copy, len});
		}
	}
	free(copy);
}

START_TEST(damage_is_told_as_before)
{
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	PB_CLEANUP(pb_freep) char *sns = wrapped(forms[_i]);
	size_t step = _i < 2 ? 1 : 7; /* what is rewritten takes longer, and is read no otherwise */
	check_damaged(r, forms[_i], step);
	check_damaged(r, sns, step);
	ck_assert_uint_gt(pb_event_reader_n_by_bytes(r), 1000 / step);
}
END_TEST

/* --- what matches comes along */

static struct pb_matcher *
matcher_of(size_t n)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	pb_event_want(b);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(pb_matcher_builder_add_text(b,
				     i % 2 == 0 ? PB_STR("{\"source\":[\"aws.ec2\"]}")
						: PB_STR("{\"source\":[\"aws.cloudwatch\"]}"),
				     NULL),
		    0);
	return pb_matcher_builder_finish(b);
}

START_TEST(what_matches_is_found_in_the_same_pass)
{
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(200), *other = matcher_of(3);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = NULL;
	PB_CLEANUP(pb_freep) char *sns = wrapped(ALARM);
	char reason[128];
	const uint32_t *ids;
	ck_assert_int_eq(
	    pb_event_read_body(r, m, pb_str_of(sns), "", "", &e, reason, NULL), PB_BODY_EVENT);
	ck_assert_uint_eq(e->matched_by, pb_matcher_serial(m));
	ck_assert_uint_eq(
	    pb_event_matches(e, m, NULL, &ids), 100); /* no scratch: nothing is read */
	for (size_t i = 0; i < 100; i++)
		ck_assert_uint_eq(ids[i], 2 * i + 1);
	ck_assert_uint_eq(pb_event_matches(e, other, s, &ids), 1);
	ck_assert_uint_eq(ids[0], 1);
	ck_assert_uint_eq(pb_event_matches(e, m, s, &ids), 100);
	ck_assert_uint_eq(ids[99], 199);
	ck_assert_uint_eq(pb_event_matches(e, NULL, s, &ids), 0);
}
END_TEST

PB_SUITE(event_reader)
{
	pb_add(s, what_a_queue_brings_needs_no_tree);
	pb_add(s, another_notification_needs_no_tree);
	pb_add(s, what_is_rewritten_keeps_its_bytes);
	pb_add_loop(s, a_member_that_is_otherwise_is_told_as_before, 0, N_FORMS);
	pb_add_loop(s, damage_is_told_as_before, 0, N_FORMS);
	pb_add(s, what_matches_is_found_in_the_same_pass);
}
