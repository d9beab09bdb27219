/*
 * What an SQS message body is.
 *
 * One table of formats, looked through in order; each knows its members and how to make an event of
 * them.  An SNS envelope is opened once and its Message looked up in the same table.
 */
#include <stdio.h>

#include "event/internal.h"

struct body {
	const json_t *json;
	struct pb_str text; /* that it was read from */
	const char *account, *region; /* for what the body leaves open */
	bool is_inside_sns;
	char *reason; /* of 128 bytes: why the body is no event */
	struct pb_event **ret;
	struct pb_error *err;
};

static enum pb_body_verdict look_up(struct body *b, bool *ret_known);

static enum pb_body_verdict
verdict_of(int rc)
{
	return rc == 0 ? PB_BODY_EVENT : PB_BODY_BAD;
}

static void
fill_open(json_t *envelope, const char *name, const char *value)
{
	if (json_object_get(envelope, name) == NULL && value != NULL)
		pb_json_set_str(envelope, name, value);
}

static enum pb_body_verdict
read_eventbridge(struct body *b)
{
	PB_JSON json_t *j = json_copy((json_t *)(uintptr_t)b->json);
	bool is_alarm = pb_streq(pb_json_str(j, "detail-type"), PB_ALARM_DETAIL_TYPE);
	if (!is_alarm) { /* an alarm's ARN knows better */
		fill_open(j, "account", b->account);
		fill_open(j, "region", b->region);
	}
	bool is_whole = json_object_size(j) == json_object_size(b->json);
	return verdict_of(pb_event_from_envelope_text(
	    j, is_whole ? b->text : (struct pb_str){NULL, 0}, b->ret, b->err));
}

static enum pb_body_verdict
read_alarm_message(struct body *b)
{
	return verdict_of(pb_event_from_alarm_message(b->json, b->ret, b->err));
}

/* The direct Lambda alarm action: its alarmData is EventBridge's detail. */
static enum pb_body_verdict
read_alarm_action(struct body *b)
{
	json_t *arn = json_object_get(b->json, "alarmArn");
	json_t *detail = json_object_get(b->json, "alarmData");
	if (!json_is_string(arn))
		return verdict_of(pb_fail(b->err, PB_INVALID, "alarmArn is missing or not text"));
	PB_JSON json_t *j = json_object();
	pb_json_set_str(j, "source", "aws.cloudwatch");
	pb_json_set_str(j, "detail-type", PB_ALARM_DETAIL_TYPE);
	pb_json_set_str(j, "account", pb_json_str(b->json, "accountId"));
	pb_json_set_str(j, "region", pb_json_str(b->json, "region"));
	pb_json_set_str(j, "time", pb_json_str(b->json, "time"));
	(void)json_object_set_new(j, "resources", json_pack("[O]", arn));
	(void)json_object_set(j, "detail", detail);
	return verdict_of(pb_event_from_envelope(j, b->ret, b->err));
}

static enum pb_body_verdict
read_config_message(struct body *b)
{
	char id[37];
	pb_event_id_of(pb_str_trim(b->text), id);
	PB_JSON json_t *j = json_object();
	pb_json_set_str(j, "id", id);
	pb_json_set_str(j, "source", "aws.config");
	pb_json_set_str(j, "detail-type", "Config Rules Compliance Change");
	pb_json_set_str(j, "account", pb_json_str_or(b->json, "awsAccountId", b->account));
	pb_json_set_str(j, "region", pb_json_str_or(b->json, "awsRegion", b->region));
	pb_json_set_str(j, "time", pb_json_str(b->json, "notificationCreationTime"));
	(void)json_object_set(j, "detail", (json_t *)(uintptr_t)b->json);
	return verdict_of(pb_event_from_envelope(j, b->ret, b->err));
}

/* --- the SNS envelope */

/* A text that is none of our formats is still somebody's alert: an event of its own kind. */
static enum pb_body_verdict
read_notification(struct body *b, const char *message)
{
	struct pb_arn_parts arn = {0};
	const char *topic = pb_json_str(b->json, "TopicArn");
	const char *id = pb_json_str(b->json, "MessageId");
	if (id == NULL || *id == '\0')
		return verdict_of(pb_fail(b->err, PB_INVALID,
		    "MessageId of the SNS notification is missing or not text"));
	bool has_place = pb_arn_split(topic, &arn);
	PB_JSON json_t *j = json_object();
	json_t *detail = json_object();
	pb_json_set_str(detail, "subject", pb_json_str_or(b->json, "Subject", ""));
	pb_json_set_str(detail, "message", message);
	pb_json_set_str(detail, "topicArn", topic);
	pb_json_set_str(detail, "messageId", id);
	pb_json_set_str(j, "id", id);
	pb_json_set_str(j, "source", "aws.sns");
	pb_json_set_str(j, "detail-type", "SNS Notification");
	pb_json_set_str(j, "time", pb_json_str(b->json, "Timestamp"));
	if (has_place) {
		(void)json_object_set_new(
		    j, "account", json_stringn(arn.account.ptr, arn.account.len));
		(void)json_object_set_new(
		    j, "region", json_stringn(arn.region.ptr, arn.region.len));
	}
	(void)json_object_set_new(j, "resources", json_pack("[s]", topic));
	(void)json_object_set_new(j, "detail", detail);
	return verdict_of(pb_event_from_envelope(j, b->ret, b->err));
}

static enum pb_body_verdict
read_message(struct body *b, const char *message)
{
	struct pb_str text = pb_str_trim(pb_str_of(message));
	if (!pb_str_has_prefix(text, PB_STR("{")))
		return read_notification(b, message);
	PB_JSON json_t *inner = NULL;
	struct body in = *b;
	bool is_known = false;
	if (pb_json_parse(text, &inner, b->err) < 0) {
		(void)pb_wrap(b->err, "the Message of the SNS notification");
		return PB_BODY_BAD;
	}
	in.json = inner;
	in.text = text;
	in.is_inside_sns = true;
	enum pb_body_verdict v = look_up(&in, &is_known);
	if (!is_known)
		return read_notification(b, message);
	if (v == PB_BODY_BAD)
		(void)pb_wrap(b->err, "the Message of the SNS notification");
	return v;
}

static enum pb_body_verdict
read_sns(struct body *b)
{
	char topic[80];
	const char *type = pb_json_str(b->json, "Type"), *message = pb_json_str(b->json, "Message");
	if (pb_streq(type, "SubscriptionConfirmation") ||
	    pb_streq(type, "UnsubscribeConfirmation")) {
		pb_safe(topic, sizeof(topic), pb_str_of(pb_json_str(b->json, "TopicArn")));
		(void)snprintf(b->reason, 128, "SNS %s of %s; never followed by itself",
		    type[0] == 'S' ? "subscription" : "unsubscription", topic);
		return PB_BODY_IGNORE;
	}
	if (!pb_streq(type, "Notification"))
		return verdict_of(pb_fail(b->err, PB_INVALID,
		    "Type of the SNS message must be Notification, SubscriptionConfirmation or "
		    "UnsubscribeConfirmation"));
	if (pb_json_str(b->json, "TopicArn") == NULL)
		return verdict_of(
		    pb_fail(b->err, PB_INVALID, "TopicArn of the SNS notification is not text"));
	if (message == NULL)
		return verdict_of(
		    pb_fail(b->err, PB_INVALID, "Message of the SNS notification is not text"));
	if (b->is_inside_sns)
		return read_notification(b, message);
	return read_message(b, message);
}

/* --- the table */

static const struct format {
	const char *members[3]; /* all of them make it this format */
	enum pb_body_verdict (*read)(struct body *b);
} formats[] = {
    {{"Type", "TopicArn", "Message"}, read_sns},
    {{"detail-type", "source", NULL}, read_eventbridge},
    {{"AlarmName", "NewStateValue", NULL}, read_alarm_message},
    {{"source", "alarmData", NULL}, read_alarm_action},
    {{"configRuleName", "newEvaluationResult", NULL}, read_config_message},
};

static bool
has_members(const json_t *j, const struct format *f)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(f->members) && f->members[i] != NULL; i++)
		if (json_object_get(j, f->members[i]) == NULL)
			return false;
	return true;
}

static enum pb_body_verdict
look_up(struct body *b, bool *ret_known)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(formats); i++)
		if (has_members(b->json, &formats[i])) {
			*ret_known = true;
			return formats[i].read(b);
		}
	*ret_known = false;
	return PB_BODY_BAD;
}

static int
fail_unknown(const json_t *j, struct pb_error *err)
{
	if (!json_is_object(j))
		return pb_fail(err, PB_INVALID, "the body is JSON and not an object");
	if (json_is_array(json_object_get(j, "Records")))
		return pb_fail(err, PB_INVALID,
		    "the body has Records, the form that a Lambda function or an S3 notification "
		    "gets; send events by EventBridge or SNS");
	if (json_object_get(j, "invokingEvent") != NULL)
		return pb_fail(err, PB_INVALID,
		    "the body is what a custom AWS Config rule receives; send the rule's "
		    "compliance changes by EventBridge");
	return pb_fail(err, PB_INVALID,
	    "the body is none of EventBridge event, SNS notification, CloudWatch alarm, AWS Config "
	    "notification; does the rule have an input transformer?");
}

enum pb_body_verdict
pb_event_from_body(struct pb_str text, const char *account, const char *region,
    struct pb_event **ret, char reason[128], struct pb_error *err)
{
	PB_JSON json_t *j = NULL;
	struct body b = {
	    .account = account, .region = region, .reason = reason, .ret = ret, .err = err};
	bool is_known;
	reason[0] = '\0';
	if (text.len > PB_EVENT_BODY_MAX)
		return verdict_of(pb_fail(err, PB_LIMIT,
		    "the body has %zu bytes, at most %d are read", text.len, PB_EVENT_BODY_MAX));
	if (pb_json_parse(text, &j, err) < 0)
		return PB_BODY_BAD;
	b.json = j;
	b.text = text;
	enum pb_body_verdict v = look_up(&b, &is_known);
	return is_known ? v : verdict_of(fail_unknown(j, err));
}
