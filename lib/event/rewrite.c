/*
 * Members are written in the order in which the trees have them.
 */
#include "event/rewrite.h"

#include <ctype.h>

#include "event/internal.h"
#include "event/span.h"

#define FIND(object, keys, ret) pb_span_find(object, keys, PB_ARRAY_LEN(keys), ret)

static bool
is_text(struct pb_str span)
{
	return pb_span_is(span, '"');
}

static bool
is_null(struct pb_str span)
{
	return span.ptr == NULL || pb_str_is(span, "null");
}

/* ["name":]value behind whatever stands there already. */
static void
put(struct pb_buf *b, const char *name, struct pb_str value)
{
	if (b->len > 0 && strchr("{[", b->ptr[b->len - 1]) == NULL)
		(void)pb_buf_addc(b, ',');
	if (name != NULL)
		(void)pb_buf_addf(b, "\"%s\":", name);
	(void)pb_buf_add(b, value.ptr, value.len);
}

static void
put_there(struct pb_buf *b, const char *name, struct pb_str value)
{
	if (!is_null(value))
		put(b, name, value);
}

/* A text of ours, or one that is_plain. */
static void
put_text(struct pb_buf *b, const char *name, struct pb_str text)
{
	put(b, name, (struct pb_str){"\"", 1});
	(void)pb_buf_add(b, text.ptr, text.len);
	(void)pb_buf_addc(b, '"');
}

static bool
is_plain(struct pb_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '-')
			return false;
	return s.len > 0;
}

static bool
read_state(struct pb_str span, enum pb_alarm_state *ret)
{
	PB_CLEANUP(pb_freep) char *text = pb_span_text(span);
	return text != NULL && pb_alarm_state_parse(text, ret) == 0;
}

static bool
read_time(struct pb_str span, int64_t *ret)
{
	PB_CLEANUP(pb_freep) char *text = pb_span_text(span);
	return text != NULL && pb_time_parse(pb_str_of(text), ret, NULL) == 0 && *ret > 0;
}

/* The front of an envelope: what it is. */
static void
begin(struct pb_buf *b, struct pb_str id, const char *type, const char *source)
{
	put(b, NULL, (struct pb_str){"{", 1});
	put_text(b, "version", PB_STR("0"));
	put(b, "id", id);
	put_text(b, "detail-type", pb_str_of(type));
	put_text(b, "source", pb_str_of(source));
}

static void
begin_alarm(struct pb_buf *b, const char *arn, enum pb_alarm_state state, int64_t at)
{
	char id[40] = "\"";
	PB_CLEANUP(pb_freep) char *identity = pb_event_alarm_identity(arn, state, at);
	pb_event_id_of(pb_str_of(identity), id + 1);
	memcpy(id + 37, "\"", 2);
	begin(b, pb_str_of(id), PB_ALARM_DETAIL_TYPE, "aws.cloudwatch");
}

/* --- the configuration of an alarm, as its message has it */

static bool
needs_no_escape(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\')
			return false;
	return true;
}

/* The last of the three that is a text. */
static void
put_stat(struct pb_buf *b, const struct pb_str stats[3])
{
	for (size_t i = 3; i-- > 0;) {
		PB_CLEANUP(pb_freep) char *text = pb_span_text(stats[i]);
		char stat[PB_EVENT_STAT];
		if (text == NULL)
			continue;
		if (!pb_event_alarm_stat(text, stat))
			put(b, "stat", stats[i]);
		else if (needs_no_escape(stat))
			put_text(b, "stat", pb_str_of(stat));
		else
			(void)pb_buf_addc(b, '\x01'); /* is no JSON: so it goes the tree's way */
		return;
	}
}

static void
put_dimensions(struct pb_buf *b, struct pb_str list)
{
	static const char *const keys[] = {"Name", "name", "Value", "value"};
	struct pb_str key, item, found[PB_ARRAY_LEN(keys)];

	put(b, "dimensions", (struct pb_str){"{", 1});
	if (pb_span_is(list, '['))
		for (struct pb_spans w = pb_spans_of(list); pb_spans_next(&w, &key, &item);) {
			FIND(item, keys, found);
			struct pb_str name = is_text(found[0]) ? found[0] : found[1];
			struct pb_str value = is_text(found[2]) ? found[2] : found[3];
			if (!is_text(name) || !is_text(value))
				continue;
			put(b, NULL, name);
			(void)pb_buf_addc(b, ':');
			(void)pb_buf_add(b, value.ptr, value.len);
		}
	(void)pb_buf_addc(b, '}');
}

static void
put_metric_stat(struct pb_buf *b, struct pb_str metric, struct pb_str stat)
{
	static const char *const metric_keys[] = {"Namespace", "MetricName", "Dimensions"};
	static const char *const stat_keys[] = {
	    "Period", "Unit", "Stat", "Statistic", "ExtendedStatistic"};
	struct pb_str m[PB_ARRAY_LEN(metric_keys)], s[PB_ARRAY_LEN(stat_keys)];

	FIND(metric, metric_keys, m);
	FIND(stat, stat_keys, s);
	put(b, "metricStat", (struct pb_str){"{", 1});
	put(b, "metric", (struct pb_str){"{", 1});
	put_there(b, "namespace", m[0]);
	put_there(b, "name", m[1]);
	put_dimensions(b, m[2]);
	(void)pb_buf_addc(b, '}');
	put_there(b, "period", s[0]);
	put_there(b, "unit", s[1]);
	put_stat(b, s + 2);
	(void)pb_buf_addc(b, '}');
}

static void
put_query(struct pb_buf *b, struct pb_str item)
{
	static const char *const keys[] = {
	    "Id", "Expression", "Label", "Period", "AccountId", "MetricStat", "ReturnData"};
	static const char *const names[] = {"id", "expression", "label", "period", "accountId"};
	static const char *const stat_keys[] = {"Metric"};
	struct pb_str found[PB_ARRAY_LEN(keys)], metric;

	FIND(item, keys, found);
	put(b, NULL, (struct pb_str){"{", 1});
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++)
		put_there(b, names[i], found[i]);
	if (pb_span_is(found[5], '{')) {
		FIND(found[5], stat_keys, &metric);
		put_metric_stat(b, metric, found[5]);
	}
	put_there(b, "returnData", found[6]);
	(void)pb_buf_addc(b, '}');
}

static void
put_metrics(struct pb_buf *b, struct pb_str trigger)
{
	static const char *const keys[] = {"Metrics", "MetricName"};
	struct pb_str found[2], key, item;
	size_t n = 0;

	FIND(trigger, keys, found);
	put(b, "metrics", (struct pb_str){"[", 1});
	if (pb_span_is(found[0], '['))
		for (struct pb_spans w = pb_spans_of(found[0]); pb_spans_next(&w, &key, &item); n++)
			put_query(b, item);
	if (n == 0 && is_text(found[1])) {
		put(b, NULL, (struct pb_str){"{", 1});
		put_text(b, "id", PB_STR("m1"));
		put_metric_stat(b, trigger, trigger);
		put(b, "returnData", PB_STR("true"));
		(void)pb_buf_addc(b, '}');
	}
	(void)pb_buf_addc(b, ']');
}

/* --- an alarm's message */

enum message { NAME, STATE, ARN, REASON, AT, OLD_STATE, TRIGGER, RULE, DESCRIPTION, MESSAGE_MAX };
static const char *const message_keys[MESSAGE_MAX] = {"AlarmName", "NewStateValue", "AlarmArn",
    "NewStateReason", "StateChangeTime", "OldStateValue", "Trigger", "AlarmRule",
    "AlarmDescription"};

static void
put_detail(
    struct pb_buf *b, const struct pb_str m[MESSAGE_MAX], int64_t at, enum pb_alarm_state previous)
{
	char time[PB_EVENT_ALARM_TIME];

	put(b, "detail", (struct pb_str){"{", 1});
	put(b, "alarmName", m[NAME]);
	put(b, "state", (struct pb_str){"{", 1});
	put(b, "value", m[STATE]);
	put(b, "reason", is_text(m[REASON]) ? m[REASON] : PB_STR("\"\""));
	pb_event_alarm_time(time, at);
	put_text(b, "timestamp", pb_str_of(time));
	(void)pb_buf_addc(b, '}');
	put(b, "previousState", (struct pb_str){"{", 1});
	put_text(b, "value", pb_str_of(pb_alarm_state_name(previous)));
	(void)pb_buf_addc(b, '}');
	put(b, "configuration", (struct pb_str){"{", 1});
	if (is_text(m[DESCRIPTION]))
		put(b, "description", m[DESCRIPTION]);
	if (is_text(m[RULE]))
		put(b, "alarmRule", m[RULE]);
	else
		put_metrics(b, m[TRIGGER]);
	(void)pb_buf_adds(b, "}}}");
}

static enum pb_rewrite
rewrite_message(struct pb_str text, struct pb_buf *b)
{
	struct pb_str m[MESSAGE_MAX];
	enum pb_alarm_state state, previous = PB_ALARM_INSUFFICIENT_DATA;
	char time[PB_TIME_TEXT];
	struct pb_arn_parts parts;
	int64_t at;

	FIND(text, message_keys, m);
	PB_CLEANUP(pb_freep) char *arn = pb_span_text(m[ARN]);
	if (!is_text(m[NAME]) || m[NAME].len <= 2 || !read_state(m[STATE], &state) ||
	    (m[OLD_STATE].ptr != NULL && !read_state(m[OLD_STATE], &previous)) ||
	    !read_time(m[AT], &at) || !pb_event_is_alarm_arn(arn) || !pb_arn_split(arn, &parts) ||
	    !is_plain(parts.account) || !is_plain(parts.region))
		return PB_REWRITE_ODD;
	begin_alarm(b, arn, state, at);
	put_text(b, "account", parts.account);
	put_text(b, "time", pb_str_of(pb_time_rfc3339(time, at - at % PB_SECOND)));
	put_text(b, "region", parts.region);
	put(b, "resources", (struct pb_str){"[", 1});
	put(b, NULL, m[ARN]);
	(void)pb_buf_addc(b, ']');
	put_detail(b, m, at, previous);
	return PB_REWRITE_DONE;
}

/* --- the others */

static enum pb_rewrite
rewrite_action(struct pb_str text, struct pb_buf *b)
{
	static const char *const keys[] = {"alarmArn", "accountId", "time", "region", "alarmData"};
	static const char *const data_keys[] = {"state"},
				 *const state_keys[] = {"value", "timestamp"};
	struct pb_str found[PB_ARRAY_LEN(keys)], state_span, state[2];
	enum pb_alarm_state value;
	int64_t at;

	FIND(text, keys, found);
	FIND(found[4], data_keys, &state_span);
	FIND(state_span, state_keys, state);
	PB_CLEANUP(pb_freep) char *arn = pb_span_text(found[0]);
	if (arn == NULL || !read_state(state[0], &value) || !read_time(state[1], &at) ||
	    !is_text(found[1]) || !is_text(found[2]) || !is_text(found[3]))
		return PB_REWRITE_ODD;
	begin_alarm(b, arn, value, at);
	put(b, "account", found[1]);
	put(b, "time", found[2]);
	put(b, "region", found[3]);
	put(b, "resources", (struct pb_str){"[", 1});
	put(b, NULL, found[0]);
	(void)pb_buf_addc(b, ']');
	put(b, "detail", found[4]);
	(void)pb_buf_addc(b, '}');
	return PB_REWRITE_DONE;
}

static enum pb_rewrite
rewrite_config(struct pb_str text, struct pb_buf *b)
{
	static const char *const keys[] = {"awsAccountId", "notificationCreationTime", "awsRegion"};
	static const char *const names[] = {"account", "time", "region"};
	struct pb_str found[PB_ARRAY_LEN(keys)];
	char id[40] = "\"";

	FIND(text, keys, found);
	pb_event_id_of(text, id + 1);
	memcpy(id + 37, "\"", 2);
	begin(b, pb_str_of(id), "Config Rules Compliance Change", "aws.config");
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++) {
		if (!is_text(found[i]))
			return PB_REWRITE_ODD;
		put(b, names[i], found[i]);
	}
	put(b, "resources", PB_STR("[]"));
	put(b, "detail", text);
	(void)pb_buf_addc(b, '}');
	return PB_REWRITE_DONE;
}

enum pb_rewrite
pb_event_rewrite_notification(struct pb_str envelope, struct pb_buf *b)
{
	static const char *const keys[] = {
	    "MessageId", "TopicArn", "Message", "Timestamp", "Subject"};
	static const char *const names[] = {"messageId", "topicArn", "message"};
	struct pb_str found[PB_ARRAY_LEN(keys)];
	struct pb_arn_parts parts;

	FIND(pb_str_trim(envelope), keys, found);
	PB_CLEANUP(pb_freep) char *topic = pb_span_text(found[1]);
	if (!is_text(found[0]) || found[0].len <= 2 || !is_text(found[2]) || !is_text(found[3]) ||
	    !pb_arn_split(topic, &parts) || !is_plain(parts.account) || !is_plain(parts.region))
		return PB_REWRITE_ODD;
	begin(b, found[0], "SNS Notification", "aws.sns");
	put_text(b, "account", parts.account);
	put(b, "time", found[3]);
	put_text(b, "region", parts.region);
	put(b, "resources", (struct pb_str){"[", 1});
	put(b, NULL, found[1]);
	(void)pb_buf_addc(b, ']');
	put(b, "detail", (struct pb_str){"{", 1});
	put(b, "subject", is_text(found[4]) ? found[4] : PB_STR("\"\""));
	for (size_t i = PB_ARRAY_LEN(names); i-- > 0;)
		put(b, names[i], found[i]);
	(void)pb_buf_adds(b, "}}");
	return PB_REWRITE_DONE;
}

/* As in the table of body.c, in its order. */
static const struct form {
	const char *members[2];
	enum pb_rewrite (*rewrite)(
	    struct pb_str text, struct pb_buf *b); /* NULL: it is EventBridge's */
} forms[] = {
    {{"detail-type", "source"}, NULL},
    {{"AlarmName", "NewStateValue"}, rewrite_message},
    {{"source", "alarmData"}, rewrite_action},
    {{"configRuleName", "newEvaluationResult"}, rewrite_config},
};

enum pb_rewrite
pb_event_rewrite(struct pb_str message, struct pb_buf *ret)
{
	static const char *const keys[] = {"detail-type", "source", "AlarmName", "NewStateValue",
	    "alarmData", "configRuleName", "newEvaluationResult"};
	struct pb_str found[PB_ARRAY_LEN(keys)];

	message = pb_str_trim(message);
	FIND(message, keys, found);
	for (size_t i = 0; i < PB_ARRAY_LEN(forms); i++) {
		size_t n = 0;
		for (size_t k = 0; k < PB_ARRAY_LEN(keys); k++)
			n += found[k].ptr != NULL &&
			    (pb_streq(keys[k], forms[i].members[0]) ||
				pb_streq(keys[k], forms[i].members[1]));
		if (n == 2)
			return forms[i].rewrite == NULL ? PB_REWRITE_ODD
							: forms[i].rewrite(message, ret);
	}
	return PB_REWRITE_UNKNOWN;
}
