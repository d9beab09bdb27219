/*
 * Alarm events from CloudWatch's other shapes: DescribeAlarms, DescribeAlarmHistory and the message
 * by SNS.  All of them become the "CloudWatch Alarm State Change" that EventBridge would send.
 */
#include "event/internal.h"

#include <ctype.h>
#include <stdio.h>

/* EventBridge writes "2026-03-03T09:14:05.118+0000". */
void
pb_event_alarm_time(char out[PB_EVENT_ALARM_TIME], int64_t at)
{
	char day[PB_TIME_TEXT];
	pb_time_rfc3339(day, at - at % PB_SECOND);
	(void)snprintf(out, PB_EVENT_ALARM_TIME, "%.19s.%03d+0000", day, (int)(at % PB_SECOND));
}

static json_t *
state_of(const struct pb_transition *tr)
{
	char time[PB_EVENT_ALARM_TIME];
	json_t *state = json_object();
	pb_json_set_str(state, "value", pb_alarm_state_name(tr->state));
	pb_json_set_str(state, "reason", tr->reason != NULL ? tr->reason : "");
	pb_json_set_str(state, "reasonData", tr->reason_data);
	pb_event_alarm_time(time, tr->at);
	pb_json_set_str(state, "timestamp", time);
	pb_json_set_str(state, "evaluationState", tr->evaluation_state);
	pb_json_set_str(state, "actionsSuppressedBy", tr->suppressed_by);
	pb_json_set_str(state, "actionsSuppressedReason", tr->suppressed_reason);
	return state;
}

static json_t *
detail_of(const struct pb_transition *tr)
{
	json_t *detail = json_object(), *previous = json_object();
	pb_json_set_str(previous, "value", pb_alarm_state_name(tr->previous));
	pb_json_set_str(detail, "alarmName", tr->name);
	(void)json_object_set_new(detail, "state", state_of(tr));
	(void)json_object_set_new(detail, "previousState", previous);
	if (tr->configuration != NULL)
		(void)json_object_set(detail, "configuration", tr->configuration);
	else
		(void)json_object_set_new(detail, "configuration", json_object());
	return detail;
}

int
pb_event_from_transition(
    const struct pb_transition *tr, struct pb_event **ret, struct pb_error *err)
{
	struct pb_arn_parts arn;
	if (!pb_arn_split(tr->arn, &arn) || !pb_str_is(arn.service, "cloudwatch") ||
	    !pb_str_has_prefix(arn.resource, PB_STR("alarm:")))
		return pb_fail(err, PB_INVALID, "%s is not the ARN of a CloudWatch alarm",
		    tr->arn == NULL || *tr->arn == '\0' ? "the missing AlarmArn" : "AlarmArn");
	if (tr->name == NULL || *tr->name == '\0')
		return pb_fail(err, PB_INVALID, "AlarmName is missing or not text");
	PB_JSON json_t *j = json_object();
	char time[PB_TIME_TEXT];
	pb_json_set_str(j, "version", "0");
	pb_json_set_str(j, "detail-type", PB_ALARM_DETAIL_TYPE);
	pb_json_set_str(j, "source", "aws.cloudwatch");
	(void)json_object_set_new(j, "account", json_stringn(arn.account.ptr, arn.account.len));
	pb_json_set_str(j, "time", pb_time_rfc3339(time, tr->at - tr->at % PB_SECOND));
	(void)json_object_set_new(j, "region", json_stringn(arn.region.ptr, arn.region.len));
	(void)json_object_set_new(j, "resources", json_pack("[s]", tr->arn));
	(void)json_object_set_new(j, "detail", detail_of(tr));
	return pb_event_from_envelope(j, ret, err);
}

/* --- configuration */

/* SNS shouts the statistic: AVERAGE, SAMPLE_COUNT; the API writes Average, SampleCount. */
bool
pb_event_alarm_stat(const char *stat, char out[PB_EVENT_STAT])
{
	size_t n = 0;
	bool is_first = true;
	for (const char *p = stat; *p != '\0'; p++)
		if (islower((unsigned char)*p))
			return false;
	for (const char *p = stat; *p != '\0' && n + 1 < PB_EVENT_STAT; p++) {
		if (*p == '_') {
			is_first = true;
			continue;
		}
		out[n++] = is_first ? *p : (char)tolower((unsigned char)*p);
		is_first = false;
	}
	out[n] = '\0';
	if (pb_streq(out, "Samplecount"))
		(void)snprintf(out, PB_EVENT_STAT, "SampleCount");
	return true;
}

static void
set_stat(json_t *obj, const char *stat)
{
	char text[PB_EVENT_STAT];
	if (stat != NULL)
		pb_json_set_str(obj, "stat", pb_event_alarm_stat(stat, text) ? text : stat);
}

static json_t *
dimensions_of(const json_t *list)
{
	json_t *ret = json_object(), *item;
	size_t i;
	if (json_is_array(list))
		json_array_foreach (list, i, item) {
			const char *name = pb_json_str(item, "Name"),
				   *value = pb_json_str(item, "Value");
			if (name == NULL)
				name = pb_json_str(item, "name");
			if (value == NULL)
				value = pb_json_str(item, "value");
			if (name != NULL && value != NULL)
				(void)json_object_set_new(ret, name, json_string(value));
		}
	return ret;
}

static void
copy_member(json_t *to, const char *name, const json_t *from, const char *from_name)
{
	json_t *v = json_object_get(from, from_name);
	if (v != NULL && !json_is_null(v))
		(void)json_object_set(to, name, v);
}

/* `metric` has Namespace, MetricName and Dimensions; `stat` has Period, Unit and the statistic. */
static json_t *
metric_stat_of(const json_t *metric, const json_t *stat)
{
	json_t *m = json_object(), *ret = json_object();
	copy_member(m, "namespace", metric, "Namespace");
	copy_member(m, "name", metric, "MetricName");
	(void)json_object_set_new(
	    m, "dimensions", dimensions_of(pb_json_get(metric, "Dimensions")));
	(void)json_object_set_new(ret, "metric", m);
	copy_member(ret, "period", stat, "Period");
	copy_member(ret, "unit", stat, "Unit");
	static const char *const names[] = {"Stat", "Statistic", "ExtendedStatistic"};
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++)
		set_stat(ret, pb_json_str(stat, names[i]));
	return ret;
}

static json_t *
query_of(const json_t *item)
{
	json_t *q = json_object();
	const json_t *stat = pb_json_get(item, "MetricStat");
	copy_member(q, "id", item, "Id");
	copy_member(q, "expression", item, "Expression");
	copy_member(q, "label", item, "Label");
	copy_member(q, "period", item, "Period");
	copy_member(q, "accountId", item, "AccountId");
	if (json_is_object(stat))
		(void)json_object_set_new(
		    q, "metricStat", metric_stat_of(pb_json_get(stat, "Metric"), stat));
	copy_member(q, "returnData", item, "ReturnData");
	return q;
}

static json_t *
metrics_of(const json_t *trigger)
{
	const json_t *queries = pb_json_get(trigger, "Metrics");
	json_t *list = json_array(), *item;
	size_t i;
	if (json_is_array(queries) && json_array_size(queries) > 0) {
		json_array_foreach (queries, i, item)
			(void)json_array_append_new(list, query_of(item));
	} else if (pb_json_str(trigger, "MetricName") != NULL) {
		json_t *q = json_object();
		pb_json_set_str(q, "id", "m1");
		(void)json_object_set_new(q, "metricStat", metric_stat_of(trigger, trigger));
		(void)json_object_set_new(q, "returnData", json_true());
		(void)json_array_append_new(list, q);
	}
	return list;
}

json_t *
pb_event_alarm_configuration(const json_t *trigger, const char *rule, const char *description)
{
	json_t *c = json_object();
	pb_json_set_str(c, "description", description);
	if (rule != NULL)
		pb_json_set_str(c, "alarmRule", rule);
	else
		(void)json_object_set_new(c, "metrics", metrics_of(trigger));
	return c;
}

/* --- the three shapes */

static int
read_state(const json_t *obj, const char *name, enum pb_alarm_state *ret, struct pb_error *err)
{
	if (pb_alarm_state_parse(pb_json_str(obj, name), ret) == 0)
		return 0;
	return pb_fail(err, PB_INVALID, "%s must be one of OK, ALARM, INSUFFICIENT_DATA", name);
}

int
pb_event_from_alarm_message(const json_t *m, struct pb_event **ret, struct pb_error *err)
{
	struct pb_transition tr = {
	    .name = pb_json_str(m, "AlarmName"),
	    .arn = pb_json_str(m, "AlarmArn"),
	    .reason = pb_json_str(m, "NewStateReason"),
	    .at = pb_json_time(pb_json_get(m, "StateChangeTime")),
	};
	if (read_state(m, "NewStateValue", &tr.state, err) < 0)
		return -1;
	if (pb_json_get(m, "OldStateValue") != NULL &&
	    read_state(m, "OldStateValue", &tr.previous, err) < 0)
		return -1;
	if (tr.at <= 0)
		return pb_fail(err, PB_INVALID, "StateChangeTime is missing or not a time");
	PB_JSON json_t *conf = pb_event_alarm_configuration(pb_json_get(m, "Trigger"),
	    pb_json_str(m, "AlarmRule"), pb_json_str(m, "AlarmDescription"));
	tr.configuration = conf;
	return pb_event_from_transition(&tr, ret, err);
}

static int64_t
transition_time(const json_t *alarm)
{
	int64_t at = pb_json_time(pb_json_get(alarm, "StateTransitionedTimestamp"));
	return at > 0 ? at : pb_json_time(pb_json_get(alarm, "StateUpdatedTimestamp"));
}

int
pb_event_from_alarm(
    const json_t *alarm, enum pb_alarm_state previous, struct pb_event **ret, struct pb_error *err)
{
	struct pb_transition tr = {
	    .name = pb_json_str(alarm, "AlarmName"),
	    .arn = pb_json_str(alarm, "AlarmArn"),
	    .reason = pb_json_str(alarm, "StateReason"),
	    .reason_data = pb_json_str(alarm, "StateReasonData"),
	    .previous = previous,
	    .at = transition_time(alarm),
	    .evaluation_state = pb_json_str(alarm, "EvaluationState"),
	    .suppressed_by = pb_json_str(alarm, "ActionsSuppressedBy"),
	    .suppressed_reason = pb_json_str(alarm, "ActionsSuppressedReason"),
	};
	if (read_state(alarm, "StateValue", &tr.state, err) < 0)
		return -1;
	if (tr.at <= 0)
		return pb_fail(err, PB_INVALID,
		    "StateTransitionedTimestamp and StateUpdatedTimestamp are missing or not "
		    "times");
	PB_JSON json_t *conf = pb_event_alarm_configuration(
	    alarm, pb_json_str(alarm, "AlarmRule"), pb_json_str(alarm, "AlarmDescription"));
	tr.configuration = conf;
	return pb_event_from_transition(&tr, ret, err);
}

/* "Alarm updated from OK to ALARM": for items whose data was cut at the service's 4095 characters.
 */
static int
read_summary(const char *summary, struct pb_transition *tr)
{
	char from[32], to[32];
	if (summary == NULL || sscanf(summary, "Alarm updated from %31s to %31s", from, to) != 2)
		return -1;
	if (pb_alarm_state_parse(from, &tr->previous) < 0)
		return -1;
	return pb_alarm_state_parse(to, &tr->state);
}

static int
read_history_data(const json_t *data, struct pb_transition *tr)
{
	const json_t *now = pb_json_get(data, "newState"), *old = pb_json_get(data, "oldState");
	if (pb_alarm_state_parse(pb_json_str(now, "stateValue"), &tr->state) < 0)
		return -1;
	tr->reason = pb_json_str(now, "stateReason");
	if (pb_alarm_state_parse(pb_json_str(old, "stateValue"), &tr->previous) < 0)
		tr->previous = PB_ALARM_INSUFFICIENT_DATA;
	return 0;
}

/*
 * History and DescribeAlarms may tell the time of one transition a few milliseconds apart; an alarm
 * cannot come back to a state within a second, so near ones are one, by the alarm's own time.
 */
static int64_t
same_transition(const struct pb_transition *tr, const json_t *alarm)
{
	enum pb_alarm_state state;
	int64_t at = transition_time(alarm);
	if (pb_alarm_state_parse(pb_json_str(alarm, "StateValue"), &state) < 0 ||
	    state != tr->state || at <= 0)
		return tr->at;
	int64_t apart = at > tr->at ? at - tr->at : tr->at - at;
	return apart <= PB_SECOND ? at : tr->at;
}

int
pb_event_from_history(const json_t *item, const char *alarm_arn, const json_t *alarm,
    struct pb_event **ret, struct pb_error *err)
{
	struct pb_transition tr = {
	    .name = pb_json_str(item, "AlarmName"),
	    .arn = alarm_arn,
	    .at = pb_json_time(pb_json_get(item, "Timestamp")),
	};
	if (!pb_streq(pb_json_str(item, "HistoryItemType"), "StateUpdate"))
		return pb_fail(err, PB_INVALID, "HistoryItemType is not StateUpdate");
	if (tr.at <= 0)
		return pb_fail(err, PB_INVALID, "Timestamp is missing or not a time");
	PB_JSON json_t *data = NULL;
	struct pb_error why = {0};
	const char *text = pb_json_str(item, "HistoryData");
	if (text != NULL && pb_json_parse(pb_str_of(text), &data, &why) < 0)
		data = NULL;
	if (read_history_data(data, &tr) < 0 &&
	    read_summary(pb_json_str(item, "HistorySummary"), &tr) < 0)
		return pb_fail(err, PB_INVALID,
		    "neither HistoryData nor HistorySummary of %s names the new state%s%s",
		    tr.name != NULL ? "this item" : "an item without AlarmName",
		    *why.text != '\0' ? ": " : "", why.text);
	tr.at = same_transition(&tr, alarm);
	PB_JSON json_t *conf = alarm == NULL
	    ? NULL
	    : pb_event_alarm_configuration(
		  alarm, pb_json_str(alarm, "AlarmRule"), pb_json_str(alarm, "AlarmDescription"));
	tr.configuration = conf;
	return pb_event_from_transition(&tr, ret, err);
}
