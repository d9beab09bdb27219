/*
 * What CloudWatch writes when an alarm changes: the SNS message, the EventBridge event, HistoryData.
 * Shapes: CloudWatch user guide, "Alarm events and EventBridge"; members are in the service's order.
 */
#include "tests/sandbox/internal.h"

#include <ctype.h>
#include <stdlib.h>

static const char *
region_title(const char *region)
{
	static const struct {
		const char *region, *title;
	} titles[] = {
	    {"us-east-1", "US East (N. Virginia)"},
	    {"us-east-2", "US East (Ohio)"},
	    {"us-west-1", "US West (N. California)"},
	    {"us-west-2", "US West (Oregon)"},
	    {"eu-west-1", "EU (Ireland)"},
	    {"eu-central-1", "EU (Frankfurt)"},
	    {"ap-northeast-1", "Asia Pacific (Tokyo)"},
	    {"ap-southeast-1", "Asia Pacific (Singapore)"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(titles); i++)
		if (pb_streq(titles[i].region, region))
			return titles[i].title;
	return region;
}

/* A part of "arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME", from 0. */
static char *
arn_part(const char *arn, int n)
{
	while (n-- > 0 && strchr(arn, ':') != NULL)
		arn = strchr(arn, ':') + 1;
	return pb_strndup(arn, strcspn(arn, ":"));
}

char *
pb_sbx_alarm_subject(const struct pb_sbx_alarm *a)
{
	PB_CLEANUP(pb_freep) char *region = arn_part(a->arn, 3);
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%s: \"%s\" in %s", a->state, a->name, region_title(region));
	if (strlen(text) < 100)
		return PB_TAKE(text);
	return pb_asprintf("%.*s...", (int)pb_utf8_cut(pb_str_of(text), 96), text);
}

/* --- the SNS message */

static json_t *
list_of(const struct pb_sbx_alarm *a, const char *name)
{
	json_t *list = json_object_get(a->config, name);
	return list != NULL ? json_incref(list) : json_array();
}

static json_t *
value_of(const struct pb_sbx_alarm *a, const char *name)
{
	json_t *v = json_object_get(a->config, name);
	return v != NULL ? json_incref(v) : json_null();
}

/* [{Name, Value}] as [{value, name}]: here alone the keys are in lower case. */
static json_t *
lower_dimensions(const json_t *dimensions)
{
	json_t *out = json_array();
	const json_t *d;
	size_t i;
	json_array_foreach (dimensions, i, d) {
		json_array_append_new(out,
		    json_pack("{s:s, s:s}", "value", pb_json_str_or(d, "Value", ""), "name",
			pb_json_str_or(d, "Name", "")));
	}
	return out;
}

static void
set_statistic(json_t *trigger, const struct pb_sbx_alarm *a)
{
	const char *extended = pb_json_str(a->config, "ExtendedStatistic");
	char upper[32] = "";
	pb_json_set_str(trigger, "StatisticType", extended ? "ExtendedStatistic" : "Statistic");
	if (extended != NULL) {
		pb_json_set_str(trigger, "ExtendedStatistic", extended);
		return;
	}
	const char *s = pb_json_str_or(a->config, "Statistic", "Average");
	for (size_t i = 0; s[i] && i + 1 < sizeof(upper); i++)
		upper[i] = (char)toupper((unsigned char)s[i]);
	pb_json_set_str(
	    trigger, "Statistic", pb_streq(upper, "SAMPLECOUNT") ? "SAMPLE_COUNT" : upper);
}

static json_t *
trigger_of(const struct pb_sbx_alarm *a)
{
	static const char *const rest[] = {"Period", "EvaluationPeriods", "DatapointsToAlarm",
	    "ComparisonOperator", "Threshold", "TreatMissingData"};
	json_t *out = json_object();
	const json_t *metrics = pb_json_get(a->config, "Metrics");

	if (json_array_size(metrics) > 0) {
		json_object_set_new(out, "Metrics", json_deep_copy(metrics));
	} else {
		json_object_set_new(out, "MetricName", value_of(a, "MetricName"));
		json_object_set_new(out, "Namespace", value_of(a, "Namespace"));
		set_statistic(out, a);
		json_object_set_new(out, "Unit", value_of(a, "Unit"));
		json_object_set_new(
		    out, "Dimensions", lower_dimensions(pb_json_get(a->config, "Dimensions")));
	}
	for (size_t i = 0; i < PB_ARRAY_LEN(rest); i++)
		if (pb_json_get(a->config, rest[i]) != NULL)
			json_object_set_new(out, rest[i], value_of(a, rest[i]));
	pb_json_set_str(out, "EvaluateLowSampleCountPercentile",
	    pb_json_str_or(a->config, "EvaluateLowSampleCountPercentile", ""));
	return out;
}

static json_t *
triggering_children(const struct pb_sbx_alarm *a)
{
	PB_JSON json_t *data = NULL;
	json_t *out = json_array();
	const json_t *child;
	size_t i;
	if (a->reason_data != NULL)
		(void)pb_json_parse(pb_str_of(a->reason_data), &data, NULL);
	json_array_foreach (pb_json_get(data, "triggeringAlarms"), i, child) {
		const json_t *state = pb_json_get(child, "state");
		json_array_append_new(out,
		    json_pack("{s:s, s:{s:s, s:s}}", "Arn", pb_json_str_or(child, "arn", ""),
			"State", "Value", pb_json_str_or(state, "value", ""), "Timestamp",
			pb_json_str_or(state, "timestamp", "")));
	}
	return out;
}

char *
pb_sbx_alarm_message(
    const struct pb_sandbox *sb, const struct pb_sbx_alarm *a, const char *old_state)
{
	PB_CLEANUP(pb_freep) char *region = arn_part(a->arn, 3);
	char at[PB_TIME_TEXT], configured[PB_TIME_TEXT];
	PB_JSON json_t *m = json_pack(
	    "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "AlarmName",
	    a->name, "AlarmDescription", value_of(a, "AlarmDescription"), "AWSAccountId",
	    sb->opts.account, "AlarmConfigurationUpdatedTimestamp",
	    pb_sbx_time_offset(configured, a->configured_at), "NewStateValue", a->state,
	    "NewStateReason", a->reason, "StateChangeTime", pb_sbx_time_offset(at, a->updated_at),
	    "Region", region_title(region), "AlarmArn", a->arn, "OldStateValue", old_state,
	    "OKActions", list_of(a, "OKActions"), "AlarmActions", list_of(a, "AlarmActions"),
	    "InsufficientDataActions", list_of(a, "InsufficientDataActions"));
	if (a->is_composite) {
		json_object_set_new(m, "AlarmRule", value_of(a, "AlarmRule"));
		json_object_set_new(m, "TriggeringChildren", triggering_children(a));
	} else {
		json_object_set_new(m, "Trigger", trigger_of(a));
	}
	return pb_sbx_json_text(m);
}

/* --- the EventBridge event */

static json_t *
state_of(const char *value, const char *reason, const char *data, int64_t at)
{
	char text[PB_TIME_TEXT];
	json_t *out = json_pack("{s:s, s:s}", "value", value, "reason", reason);
	pb_json_set_str(out, "reasonData", data);
	pb_json_set_str(out, "timestamp", pb_sbx_time_offset(text, at));
	return out;
}

static json_t *
map_of_dimensions(const json_t *dimensions)
{
	json_t *out = json_object();
	const json_t *d;
	size_t i;
	json_array_foreach (dimensions, i, d) {
		pb_json_set_str(out, pb_json_str_or(d, "Name", ""), pb_json_str(d, "Value"));
	}
	return out;
}

static json_t *
event_metric(const char *id, const json_t *from, const json_t *period, const char *stat)
{
	json_t *metric =
	    json_pack("{s:o}", "dimensions", map_of_dimensions(pb_json_get(from, "Dimensions")));
	pb_json_set_str(metric, "name", pb_json_str(from, "MetricName"));
	pb_json_set_str(metric, "namespace", pb_json_str(from, "Namespace"));
	json_t *out =
	    json_pack("{s:s, s:{s:o, s:I, s:s}, s:b}", "id", id, "metricStat", "metric", metric,
		"period", (json_int_t)(json_is_integer(period) ? json_integer_value(period) : 60),
		"stat", stat, "returnData", 1);
	return out;
}

static json_t *
event_metrics(const struct pb_sbx_alarm *a)
{
	json_t *out = json_array();
	const json_t *metrics = pb_json_get(a->config, "Metrics"), *m;
	size_t i;
	if (json_array_size(metrics) == 0) {
		const char *stat = pb_json_str(a->config, "ExtendedStatistic");
		json_array_append_new(out,
		    event_metric("30b6c6b2-a864-43a2-4877-c09a1afc3b87", a->config,
			pb_json_get(a->config, "Period"),
			stat ? stat : pb_json_str_or(a->config, "Statistic", "Average")));
		return out;
	}
	json_array_foreach (metrics, i, m) {
		const json_t *stat = pb_json_get(m, "MetricStat");
		const char *id = pb_json_str_or(m, "Id", "");
		json_t *e = stat != NULL
		    ? event_metric(id, pb_json_get(stat, "Metric"), pb_json_get(stat, "Period"),
			  pb_json_str_or(stat, "Stat", "Average"))
		    : json_pack("{s:s, s:s}", "id", id, "expression",
			  pb_json_str_or(m, "Expression", ""));
		json_object_set_new(
		    e, "returnData", json_boolean(pb_json_bool(m, "ReturnData", true)));
		pb_json_set_str(e, "label", pb_json_str(m, "Label"));
		json_array_append_new(out, e);
	}
	return out;
}

static json_t *
configuration_of(const struct pb_sbx_alarm *a)
{
	json_t *out = json_object();
	pb_json_set_str(out, "description", pb_json_str(a->config, "AlarmDescription"));
	if (a->is_composite)
		pb_json_set_str(out, "alarmRule", pb_json_str_or(a->config, "AlarmRule", ""));
	else
		json_object_set_new(out, "metrics", event_metrics(a));
	return out;
}

char *
pb_sbx_alarm_event(struct pb_sandbox *sb, const struct pb_sbx_alarm *a, const char *old_state,
    const char *old_reason, const char *old_data, int64_t old_at)
{
	PB_CLEANUP(pb_freep) char *region = arn_part(a->arn, 3);
	char id[37], at[PB_TIME_TEXT];
	pb_rand_uuid(&sb->rand, id);
	pb_time_rfc3339(at, a->transitioned_at - a->transitioned_at % PB_SECOND);
	PB_JSON json_t *e = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:o, s:o, s:o}}", "version", "0",
	    "id", id, "detail-type", "CloudWatch Alarm State Change", "source", "aws.cloudwatch",
	    "account", sb->opts.account, "time", at, "region", region, "resources", a->arn,
	    "detail", "alarmName", a->name, "configuration", configuration_of(a), "previousState",
	    state_of(old_state, old_reason, old_data, old_at), "state",
	    state_of(a->state, a->reason, a->reason_data, a->transitioned_at));
	return pb_sbx_json_text(e);
}

/* --- history */

static json_t *
history_state(const char *value, const char *reason, const char *data)
{
	json_t *out = json_pack("{s:s, s:s}", "stateValue", value, "stateReason", reason), *parsed;
	if (data != NULL && pb_json_parse(pb_str_of(data), &parsed, NULL) == 0)
		json_object_set_new(out, "stateReasonData", parsed);
	return out;
}

char *
pb_sbx_history_data(const char *old_state, const char *old_reason, const char *old_data,
    const struct pb_sbx_alarm *a)
{
	PB_JSON json_t *data = json_pack("{s:s, s:o, s:o}", "version", "1.0", "oldState",
	    history_state(old_state, old_reason, old_data), "newState",
	    history_state(a->state, a->reason, a->reason_data));
	return pb_sbx_json_text(data);
}
