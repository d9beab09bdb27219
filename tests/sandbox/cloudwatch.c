/*
 * CloudWatch, awsJson 1.0: alarms, their states and history, and tags.
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#define PAGE_MAX 100
#define NAMES_MAX 100
#define REASON_MAX 1023
#define REASON_DATA_MAX 4000

static void
fail_value(struct pb_sbx_call *c, const char *text)
{
	pb_sbx_fail(c, 400, "InvalidParameterValueException", "InvalidParameterValue", "%s", text);
}

static void
fail_validation(struct pb_sbx_call *c, const char *text)
{
	pb_sbx_fail(c, 400, "ValidationError", "ValidationError", "%s", text);
}

static void
fail_token(struct pb_sbx_call *c)
{
	pb_sbx_fail(c, 400, "InvalidNextToken", "InvalidNextToken", "Invalid NextToken");
}

static const char *
text_of(const json_t *v)
{
	return json_is_string(v) ? json_string_value(v) : "";
}

static bool
list_has(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;
	json_array_foreach (list, i, item) {
		if (pb_streq(json_string_value(item), text))
			return true;
	}
	return false;
}

/* --- pages: a token says after which thing the next page begins, so that changes do no harm */

static char *
token_of(const char *text)
{
	struct pb_buf b = PB_BUF_INIT;
	pb_base64_add(&b, text, strlen(text));
	return pb_buf_take(&b);
}

/* The text in NextToken: "" when there is none, NULL when it is not one of ours. */
static char *
token_text(const struct pb_sbx_call *c)
{
	const char *token = pb_json_str(c->input, "NextToken");
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (token == NULL)
		return pb_strdup("");
	if (pb_base64_decode(pb_str_of(token), &b, NULL) < 0 || b.len < 2 || b.ptr[1] != ':')
		return NULL;
	return pb_buf_take(&b);
}

static size_t
page_size(const struct pb_sbx_call *c, bool *ret_is_good)
{
	const json_t *v = pb_json_get(c->input, "MaxRecords");
	int64_t n = v == NULL ? PAGE_MAX : json_integer_value(v);
	*ret_is_good = n >= 1 && n <= PAGE_MAX;
	return *ret_is_good ? (size_t)n : PAGE_MAX;
}

/* --- DescribeAlarms */

static bool
is_wanted_kind(const json_t *types, const struct pb_sbx_alarm *a)
{
	if (json_array_size(types) == 0)
		return !a->is_composite;
	return list_has(types, a->is_composite ? "CompositeAlarm" : "MetricAlarm");
}

static bool
is_selected(const struct pb_sbx_call *c, const struct pb_sbx_alarm *a)
{
	const char *prefix = pb_json_str(c->input, "AlarmNamePrefix");
	const char *state = pb_json_str(c->input, "StateValue");
	const char *action = pb_json_str(c->input, "ActionPrefix");
	const json_t *names = pb_json_get(c->input, "AlarmNames"), *item;
	size_t i;
	if (!is_wanted_kind(pb_json_get(c->input, "AlarmTypes"), a) ||
	    (prefix != NULL && strncmp(a->name, prefix, strlen(prefix)) != 0) ||
	    (state != NULL && !pb_streq(a->state, state)) ||
	    (json_array_size(names) > 0 && !list_has(names, a->name)))
		return false;
	if (action == NULL)
		return true;
	json_array_foreach (pb_json_get(a->config, "AlarmActions"), i, item) {
		if (strncmp(text_of(item), action, strlen(action)) == 0)
			return true;
	}
	return false;
}

/* The order of pages: metric alarms first, then by name. */
static int
compare_place(bool a_composite, const char *a, bool b_composite, const char *b)
{
	return a_composite != b_composite ? (a_composite ? 1 : -1) : strcmp(a, b);
}

static int
compare_alarms(const void *va, const void *vb)
{
	const struct pb_sbx_alarm *a = *(struct pb_sbx_alarm *const *)va;
	const struct pb_sbx_alarm *b = *(struct pb_sbx_alarm *const *)vb;
	return compare_place(a->is_composite, a->name, b->is_composite, b->name);
}

static struct pb_sbx_alarm **
select_alarms(const struct pb_sbx_call *c, const char *after, size_t *ret_n)
{
	struct pb_map *all = c->sb->alarms;
	struct pb_sbx_alarm **out = pb_calloc(pb_map_len(all) + 1, sizeof(struct pb_sbx_alarm *));
	const char *name;
	void *value;
	size_t n = 0;
	for (size_t i = 0; pb_map_next(all, &i, &name, &value);) {
		struct pb_sbx_alarm *a = value;
		if (*after && compare_place(a->is_composite, name, *after == 'c', after + 2) <= 0)
			continue;
		if (is_selected(c, a))
			out[n++] = a;
	}
	qsort(out, n, sizeof(*out), compare_alarms);
	*ret_n = n;
	return out;
}

static const char *
describe_mistake(const struct pb_sbx_call *c)
{
	const char *state = pb_json_str(c->input, "StateValue");
	const json_t *names = pb_json_get(c->input, "AlarmNames"), *type;
	size_t i;
	if (json_array_size(names) > 0 && pb_json_str(c->input, "AlarmNamePrefix") != NULL)
		return "AlarmNames and AlarmNamePrefix are mutually exclusive";
	if (json_array_size(names) > NAMES_MAX)
		return "AlarmNames has more than 100 members";
	if (state != NULL && !pb_sbx_is_state(state))
		return "StateValue must be one of OK, ALARM, INSUFFICIENT_DATA";
	json_array_foreach (pb_json_get(c->input, "AlarmTypes"), i, type) {
		const char *t = json_string_value(type);
		if (!pb_streq(t, "MetricAlarm") && !pb_streq(t, "CompositeAlarm") &&
		    !pb_streq(t, "LogAlarm"))
			return "AlarmTypes must be of MetricAlarm, CompositeAlarm, LogAlarm";
	}
	return NULL;
}

static void
describe_alarms(struct pb_sbx_call *c)
{
	PB_CLEANUP(pb_freep) char *after = token_text(c);
	const char *mistake = describe_mistake(c);
	bool is_good;
	size_t n, size = page_size(c, &is_good);
	if (mistake != NULL || !is_good) {
		fail_validation(c, mistake ? mistake : "MaxRecords must be from 1 to 100");
		return;
	}
	if (after == NULL) {
		fail_token(c);
		return;
	}
	PB_CLEANUP(pb_freep) struct pb_sbx_alarm **found = select_alarms(c, after, &n);
	json_t *metric = json_array(), *composite = json_array();
	for (size_t i = 0; i < n && i < size; i++)
		json_array_append_new(
		    found[i]->is_composite ? composite : metric, pb_sbx_alarm_json(found[i]));
	json_t *out = json_pack(
	    "{s:o, s:o, s:[]}", "MetricAlarms", metric, "CompositeAlarms", composite, "LogAlarms");
	if (n > size) {
		const struct pb_sbx_alarm *last = found[size - 1];
		PB_CLEANUP(pb_freep)
		char *place = pb_asprintf("%c:%s", last->is_composite ? 'c' : 'm', last->name);
		PB_CLEANUP(pb_freep) char *token = token_of(place);
		pb_json_set_str(out, "NextToken", token);
	}
	pb_sbx_ok_json(c, out);
}

/* --- DescribeAlarmHistory */

static bool
is_item_selected(const struct pb_sbx_call *c, const json_t *item)
{
	const char *name = pb_json_str(c->input, "AlarmName");
	const char *type = pb_json_str(c->input, "HistoryItemType");
	const json_t *types = pb_json_get(c->input, "AlarmTypes");
	const json_t *start = pb_json_get(c->input, "StartDate");
	const json_t *end = pb_json_get(c->input, "EndDate");
	const char *alarm_type = pb_json_str(item, "AlarmType");
	int64_t at = pb_json_i64(item, "at", 0);
	if (json_array_size(types) == 0 ? !pb_streq(alarm_type, "MetricAlarm")
					: !list_has(types, alarm_type))
		return false;
	return (name == NULL || pb_streq(name, pb_json_str(item, "AlarmName"))) &&
	    (type == NULL || pb_streq(type, pb_json_str(item, "HistoryItemType"))) &&
	    (start == NULL || at >= pb_json_time(start)) &&
	    (end == NULL || at <= pb_json_time(end));
}

static json_t *
item_json(const json_t *item)
{
	json_t *out = json_deep_copy(item);
	json_object_del(out, "at");
	json_object_set_new(out, "Timestamp", pb_sbx_time_json(pb_json_i64(item, "at", 0)));
	return out;
}

/* The token is the number of selected items already given, counted from the end they come from. */
static void
describe_alarm_history(struct pb_sbx_call *c)
{
	PB_CLEANUP(pb_freep) char *after = token_text(c);
	const char *order = pb_json_str_or(c->input, "ScanBy", "TimestampDescending");
	bool is_good, is_down = pb_streq(order, "TimestampDescending");
	size_t size = page_size(c, &is_good), n = json_array_size(c->sb->history);
	size_t n_seen = 0, skip = after && *after ? (size_t)strtoull(after + 2, NULL, 10) : 0;
	if (after == NULL || (*after && *after != 'h')) {
		fail_token(c);
		return;
	}
	if (!is_good || (!is_down && !pb_streq(order, "TimestampAscending"))) {
		fail_validation(c, "MaxRecords must be from 1 to 100 and ScanBy a known order");
		return;
	}
	json_t *items = json_array();
	for (size_t i = 0; i < n && n_seen <= skip + size; i++) {
		const json_t *item = json_array_get(c->sb->history, is_down ? n - 1 - i : i);
		if (!is_item_selected(c, item))
			continue;
		if (n_seen >= skip && n_seen < skip + size)
			json_array_append_new(items, item_json(item));
		n_seen++;
	}
	json_t *out = json_pack("{s:o}", "AlarmHistoryItems", items);
	if (n_seen > skip + size) {
		PB_CLEANUP(pb_freep) char *place = pb_asprintf("h:%zu", skip + size);
		PB_CLEANUP(pb_freep) char *token = token_of(place);
		pb_json_set_str(out, "NextToken", token);
	}
	pb_sbx_ok_json(c, out);
}

/* --- changes */

static void
set_alarm_state(struct pb_sbx_call *c)
{
	const char *name = pb_json_str(c->input, "AlarmName");
	const char *state = pb_json_str(c->input, "StateValue");
	const char *reason = pb_json_str(c->input, "StateReason");
	const char *data = pb_json_str(c->input, "StateReasonData");
	struct pb_sbx_alarm *a = name ? pb_map_get(c->sb->alarms, name) : NULL;
	json_t *parsed = NULL;

	if (name == NULL || reason == NULL || !pb_sbx_is_state(state)) {
		fail_validation(c,
		    "AlarmName, StateReason and StateValue (OK, ALARM, INSUFFICIENT_DATA) are "
		    "needed");
		return;
	}
	if (strlen(reason) > REASON_MAX || (data != NULL && strlen(data) > REASON_DATA_MAX)) {
		fail_validation(c, "StateReason or StateReasonData is too long");
		return;
	}
	if (data != NULL && pb_json_parse(pb_str_of(data), &parsed, NULL) < 0) {
		pb_sbx_fail(c, 400, "InvalidFormatFault", "InvalidFormat",
		    "StateReasonData was not valid JSON");
		return;
	}
	json_decref(parsed);
	if (a == NULL) {
		pb_sbx_fail(
		    c, 404, "ResourceNotFound", "ResourceNotFound", "Unknown alarm: %s", name);
		return;
	}
	pb_sbx_alarm_set(c->sb, a, state, reason, data, 0);
	pb_sbx_ok_json(c, NULL);
}

static json_t *
tags_of(const json_t *list)
{
	json_t *out = json_object();
	const json_t *t;
	size_t i;
	json_array_foreach (list, i, t) {
		pb_json_set_str(out, pb_json_str_or(t, "Key", ""), pb_json_str(t, "Value"));
	}
	return out;
}

static void
put_alarm(struct pb_sbx_call *c, bool is_composite)
{
	const char *name = pb_json_str(c->input, "AlarmName");
	if (name == NULL || *name == '\0' || strlen(name) > 255) {
		fail_validation(c, "AlarmName must have 1 to 255 characters");
		return;
	}
	PB_JSON json_t *tags = tags_of(pb_json_get(c->input, "Tags"));
	json_t *config = json_deep_copy(c->input);
	json_object_del(config, "AlarmName");
	json_object_del(config, "Tags");
	(void)pb_sbx_alarm_put(c->sb, name, is_composite, config, tags);
	pb_sbx_ok_json(c, NULL);
}

static void
put_metric_alarm(struct pb_sbx_call *c)
{
	if (pb_json_get(c->input, "EvaluationPeriods") == NULL ||
	    pb_json_str(c->input, "ComparisonOperator") == NULL)
		fail_validation(c, "EvaluationPeriods and ComparisonOperator are needed");
	else if (pb_json_str(c->input, "MetricName") == NULL &&
	    json_array_size(pb_json_get(c->input, "Metrics")) == 0)
		fail_validation(c, "Either MetricName or Metrics is needed");
	else
		put_alarm(c, false);
}

static void
put_composite_alarm(struct pb_sbx_call *c)
{
	if (pb_json_str(c->input, "AlarmRule") == NULL)
		fail_validation(c, "AlarmRule is needed");
	else
		put_alarm(c, true);
}

static void
delete_alarms(struct pb_sbx_call *c)
{
	const json_t *name;
	size_t i;
	json_array_foreach (pb_json_get(c->input, "AlarmNames"), i, name) {
		if (pb_map_get(c->sb->alarms, text_of(name)) == NULL) {
			pb_sbx_fail(c, 404, "ResourceNotFound", "ResourceNotFound",
			    "Alarm %s does not exist", text_of(name));
			return;
		}
	}
	json_array_foreach (pb_json_get(c->input, "AlarmNames"), i, name) {
		struct pb_sbx_alarm *a = pb_map_del(c->sb->alarms, text_of(name));
		if (a != NULL)
			pb_sbx_alarm_free(a);
	}
	pb_sbx_ok_json(c, NULL);
}

static void
switch_actions(struct pb_sbx_call *c, bool is_on)
{
	const json_t *name;
	size_t i;
	json_array_foreach (pb_json_get(c->input, "AlarmNames"), i, name) {
		struct pb_sbx_alarm *a = pb_map_get(c->sb->alarms, text_of(name));
		if (a != NULL)
			json_object_set_new(a->config, "ActionsEnabled", json_boolean(is_on));
	}
	pb_sbx_ok_json(c, NULL);
}

static void
enable_actions(struct pb_sbx_call *c)
{
	switch_actions(c, true);
}

static void
disable_actions(struct pb_sbx_call *c)
{
	switch_actions(c, false);
}

/* --- tags */

static struct pb_sbx_alarm *
alarm_of_arn(struct pb_sbx_call *c)
{
	const char *arn = pb_json_str(c->input, "ResourceARN");
	const char *name = arn ? strstr(arn, ":alarm:") : NULL;
	if (name == NULL) {
		fail_value(c, "ResourceARN is not the ARN of an alarm");
		return NULL;
	}
	struct pb_sbx_alarm *a = pb_map_get(c->sb->alarms, name + 7);
	if (a == NULL)
		pb_sbx_fail(c, 404, "ResourceNotFoundException", "ResourceNotFoundException",
		    "The resource does not exist: %s", arn);
	return a;
}

static void
list_tags(struct pb_sbx_call *c)
{
	const struct pb_sbx_alarm *a = alarm_of_arn(c);
	json_t *list, *value;
	const char *key;
	if (a == NULL)
		return;
	list = json_array();
	json_object_foreach (a->tags, key, value)
		json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value));
	pb_sbx_ok_json(c, json_pack("{s:o}", "Tags", list));
}

static void
tag_resource(struct pb_sbx_call *c)
{
	const struct pb_sbx_alarm *a = alarm_of_arn(c);
	if (a == NULL)
		return;
	PB_JSON json_t *tags = tags_of(pb_json_get(c->input, "Tags"));
	json_object_update(a->tags, tags);
	pb_sbx_ok_json(c, NULL);
}

static const struct pb_sbx_op ops[] = {
    {"DeleteAlarms", delete_alarms},
    {"DescribeAlarmHistory", describe_alarm_history},
    {"DescribeAlarms", describe_alarms},
    {"DisableAlarmActions", disable_actions},
    {"EnableAlarmActions", enable_actions},
    {"GetAlarmMuteRule", pb_sbx_get_mute_rule},
    {"ListAlarmMuteRules", pb_sbx_list_mute_rules},
    {"ListTagsForResource", list_tags},
    {"PutCompositeAlarm", put_composite_alarm},
    {"PutMetricAlarm", put_metric_alarm},
    {"SetAlarmState", set_alarm_state},
    {"TagResource", tag_resource},
};

const struct pb_sbx_service pb_sbx_cloudwatch = {
    .name = "cloudwatch",
    .signing = "monitoring",
    .protocol = PB_SBX_JSON,
    .target = "GraniteServiceVersion20100801",
    .version = "2010-08-01",
    .space = "com.amazonaws.cloudwatch.v2010_08_01",
    .throttle = "ThrottlingException",
    .throttle_query = "Throttling",
    .throttle_status = 400,
    .ops = ops,
    .n_ops = PB_ARRAY_LEN(ops),
};
