/*
 * SNS, query protocol: topics, subscriptions of queues, publishing and fan-out.
 * Limits and messages: SNS API reference, Publish.
 */
#include "tests/sandbox/internal.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/digest.h"

#define MESSAGE_MAX 262144
#define SUBJECT_MAX 100 /* fewer characters than this */
#define BATCH_MAX 10

/* --- topics */

void
pb_sbx_topic_free(void *topic)
{
	struct pb_sbx_topic *t = topic;
	for (size_t i = 0; i < t->n_subscriptions; i++) {
		free(t->subscriptions[i].arn);
		free(t->subscriptions[i].queue);
	}
	free(t->subscriptions);
	json_decref(t->published);
	pb_map_free(t->recent, free);
	free(t->name);
	free(t->arn);
	free(t);
}

struct pb_sbx_topic *
pb_sbx_topic_get(struct pb_sandbox *sb, const char *name)
{
	struct pb_sbx_topic *t = pb_map_get(sb->topics, name);
	if (t != NULL)
		return t;
	t = pb_calloc(1, sizeof(*t));
	t->name = pb_strdup(name);
	t->arn = pb_sbx_arn("sns", sb->opts.region, sb->opts.account, name);
	t->is_fifo = strlen(name) > 5 && pb_streq(name + strlen(name) - 5, ".fifo");
	t->published = json_array();
	t->recent = pb_map_new();
	(void)pb_map_put(sb->topics, name, t);
	return t;
}

const char *
pb_sbx_topic_subscribe(
    struct pb_sandbox *sb, struct pb_sbx_topic *t, const char *queue, bool is_raw)
{
	struct pb_sbx_subscription *s;
	char id[37];
	for (size_t i = 0; i < t->n_subscriptions; i++) {
		s = &t->subscriptions[i];
		if (!pb_streq(s->queue, queue))
			continue;
		s->is_raw = is_raw;
		return s->arn;
	}
	t->subscriptions =
	    pb_realloc(t->subscriptions, (t->n_subscriptions + 1) * sizeof(*t->subscriptions));
	s = &t->subscriptions[t->n_subscriptions++];
	pb_rand_uuid(&sb->rand, id);
	*s = (struct pb_sbx_subscription){
	    .arn = pb_asprintf("%s:%s", t->arn, id), .queue = pb_strdup(queue), .is_raw = is_raw};
	return s->arn;
}

/* --- delivery */

/* The text for queues: the member "sqs" or "default" of a message structure, else the message. */
static char *
queue_text(const json_t *message)
{
	const char *text = pb_json_str_or(message, "Message", "");
	PB_JSON json_t *parts = NULL;
	if (!pb_streq(pb_json_str(message, "MessageStructure"), "json") ||
	    pb_json_parse(pb_str_of(text), &parts, NULL) < 0)
		return pb_strdup(text);
	return pb_strdup(pb_json_str_or(parts, "sqs", pb_json_str_or(parts, "default", "")));
}

static json_t *
envelope_attributes(const json_t *attributes)
{
	PB_JSON json_t *copy = json_deep_copy(attributes);
	json_t *out = json_object(), *v;
	const char *name;
	json_object_foreach (copy, name, v) {
		const char *text = pb_json_str(v, "StringValue");
		json_object_set_new(out, name,
		    json_pack("{s:s, s:s}", "Type", pb_json_str_or(v, "DataType", "String"),
			"Value", text ? text : pb_json_str_or(v, "BinaryValue", "")));
	}
	return out;
}

static void
set_signature(json_t *out, const struct pb_sandbox *sb, const char *subscription)
{
	PB_CLEANUP(pb_freep)
	char *cert = pb_asprintf("https://sns.%s.amazonaws.com/"
				 "SimpleNotificationService-00000000000000000000000000000000.pem",
	    sb->opts.region);
	PB_CLEANUP(pb_freep)
	char *leave =
	    pb_asprintf("https://sns.%s.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=%s",
		sb->opts.region, subscription);
	pb_json_set_str(out, "SignatureVersion", "1");
	pb_json_set_str(out, "Signature", "U0FOREJPWCBTSUdOQVRVUkU=");
	pb_json_set_str(out, "SigningCertURL", cert);
	pb_json_set_str(out, "UnsubscribeURL", leave);
}

static char *
envelope(const struct pb_sandbox *sb, const struct pb_sbx_topic *t,
    const struct pb_sbx_subscription *s, const json_t *message, const char *text,
    const struct pb_sbx_recent *sent)
{
	char at[PB_TIME_TEXT], n[24];
	PB_JSON json_t *out =
	    json_pack("{s:s, s:s}", "Type", "Notification", "MessageId", sent->id);
	(void)snprintf(n, sizeof(n), "%020llu", (unsigned long long)sent->sequence);
	if (t->is_fifo)
		pb_json_set_str(out, "SequenceNumber", n);
	pb_json_set_str(out, "TopicArn", t->arn);
	pb_json_set_str(out, "Subject", pb_json_str(message, "Subject"));
	pb_json_set_str(out, "Message", text);
	pb_json_set_str(out, "Timestamp", pb_sbx_time_millis(at, pb_sbx_now(sb)));
	if (!t->is_fifo)
		set_signature(out, sb, s->arn);
	if (json_object_size(pb_json_get(message, "MessageAttributes")) > 0)
		json_object_set_new(out, "MessageAttributes",
		    envelope_attributes(pb_json_get(message, "MessageAttributes")));
	return pb_sbx_json_text(out);
}

static void
deliver(struct pb_sandbox *sb, const struct pb_sbx_topic *t, const struct pb_sbx_subscription *s,
    const json_t *message, const char *group, const char *dedup, const struct pb_sbx_recent *sent)
{
	struct pb_sbx_queue *q = pb_map_get(sb->queues, s->queue);
	struct pb_sbx_recent ignored;
	if (q == NULL)
		return;
	PB_CLEANUP(pb_freep) char *text = queue_text(message);
	PB_CLEANUP(pb_freep)
	char *body = s->is_raw ? pb_strdup(text) : envelope(sb, t, s, message, text, sent);
	pb_sbx_queue_send(q, body, s->is_raw ? pb_json_get(message, "MessageAttributes") : NULL,
	    group, dedup, 0, &ignored);
}

static void
record(const struct pb_sandbox *sb, json_t *published, const json_t *message, const char *group,
    const char *dedup, const struct pb_sbx_recent *sent)
{
	json_t *out = json_pack("{s:s, s:I}", "id", sent->id, "at", (json_int_t)pb_sbx_now(sb));
	const json_t *attributes = pb_json_get(message, "MessageAttributes");
	pb_json_set_str(out, "subject", pb_json_str(message, "Subject"));
	pb_json_set_str(out, "message", pb_json_str(message, "Message"));
	pb_json_set_str(out, "structure", pb_json_str(message, "MessageStructure"));
	pb_json_set_str(out, "group", group);
	pb_json_set_str(out, "dedup", dedup);
	if (attributes != NULL)
		json_object_set_new(out, "attributes", json_deep_copy(attributes));
	json_array_append_new(published, out);
}

void
pb_sbx_topic_publish(struct pb_sandbox *sb, struct pb_sbx_topic *t, const json_t *message,
    const char *group, const char *dedup, struct pb_sbx_recent *ret_sent)
{
	struct pb_sbx_recent sent = {.at = pb_sbx_mono(sb)};
	const char *text = pb_json_str_or(message, "Message", "");
	const struct pb_sbx_recent *seen = NULL;
	char digest[PB_SHA256_TEXT];

	if (t->is_fifo && dedup == NULL && t->has_content_dedup) {
		pb_sha256_text(text, strlen(text), digest);
		dedup = digest;
	}
	if (t->is_fifo && dedup != NULL)
		seen = pb_sbx_recent_get(t->recent, dedup, sent.at);
	if (seen != NULL) {
		sent = *seen;
	} else {
		pb_rand_uuid(&sb->rand, sent.id);
		if (t->is_fifo)
			sent.sequence = ++t->sequence;
		if (t->is_fifo && dedup != NULL)
			pb_sbx_recent_put(t->recent, dedup, &sent);
		record(sb, t->published, message, group, dedup, &sent);
		for (size_t i = 0; i < t->n_subscriptions; i++)
			deliver(sb, t, &t->subscriptions[i], message, group, dedup, &sent);
	}
	if (ret_sent != NULL)
		*ret_sent = sent;
}

/* --- checks of Publish */

struct refusal {
	int status;
	const char *code;
	char text[256];
};

static bool
refuse(struct refusal *r, int status, const char *code, const char *text)
{
	r->status = status;
	r->code = code;
	(void)snprintf(r->text, sizeof(r->text), "%s", text);
	return false;
}

static size_t
count_characters(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
is_subject_good(const char *s)
{
	if (*s == '\0' || *s == ' ' || count_characters(s) >= SUBJECT_MAX)
		return false;
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return false;
	return true;
}

static bool
check_structure(const char *message, struct refusal *r)
{
	PB_JSON json_t *parts = NULL;
	if (pb_json_parse(pb_str_of(message), &parts, NULL) < 0 || !json_is_object(parts))
		return refuse(r, 400, "InvalidParameter",
		    "Invalid parameter: Message Structure - JSON message body failed to parse");
	if (pb_json_str(parts, "default") == NULL)
		return refuse(r, 400, "InvalidParameter",
		    "Invalid parameter: Message Structure - No default entry in JSON message body");
	return true;
}

static bool
check_attributes(const json_t *attributes, size_t *size, struct refusal *r)
{
	PB_JSON json_t *copy = json_deep_copy(attributes);
	const char *name;
	json_t *v;
	json_object_foreach (copy, name, v) {
		const char *type = pb_json_str_or(v, "DataType", "");
		const char *text = pb_json_str(v, "StringValue");
		const char *value = text ? text : pb_json_str_or(v, "BinaryValue", "");
		char why[256];
		bool is_type = strncmp(type, "String", 6) == 0 || strncmp(type, "Number", 6) == 0 ||
		    strncmp(type, "Binary", 6) == 0;
		*size += strlen(name) + strlen(type) + strlen(value);
		if (is_type && *value != '\0')
			continue;
		(void)snprintf(why, sizeof(why),
		    is_type
			? "The message attribute '%.60s' must contain non-empty message attribute "
			  "value for message attribute type '%.40s'."
			: "The message attribute '%.60s' has an invalid message attribute type "
			  "'%.40s', "
			  "the set of supported type prefixes is Binary, Number, and String.",
		    name, type);
		return refuse(r, 400, "ParameterValueInvalid", why);
	}
	return true;
}

static bool
check_fifo(const struct pb_sbx_topic *t, const json_t *m, struct refusal *r)
{
	const char *group = pb_json_str(m, "MessageGroupId");
	const char *dedup = pb_json_str(m, "MessageDeduplicationId");
	if (!t->is_fifo && dedup != NULL)
		return refuse(r, 400, "InvalidParameter",
		    "Invalid parameter: MessageDeduplicationId Reason: The request includes "
		    "MessageDeduplicationId parameter that is not valid for this topic type");
	if (t->is_fifo && (group == NULL || *group == '\0'))
		return refuse(r, 400, "InvalidParameter",
		    "Invalid parameter: The MessageGroupId parameter is required for FIFO topics");
	if (t->is_fifo && !t->has_content_dedup && dedup == NULL)
		return refuse(r, 400, "InvalidParameter",
		    "Invalid parameter: The topic should either have ContentBasedDeduplication "
		    "enabled or MessageDeduplicationId provided explicitly");
	if ((group != NULL && strlen(group) > 128) || (dedup != NULL && strlen(dedup) > 128))
		return refuse(r, 400, "InvalidParameter",
		    "Invalid parameter: MessageGroupId or MessageDeduplicationId is too long");
	return true;
}

static bool
check_message(const struct pb_sbx_topic *t, const json_t *m, size_t *size, struct refusal *r)
{
	const char *text = pb_json_str(m, "Message"), *subject = pb_json_str(m, "Subject");
	const char *structure = pb_json_str(m, "MessageStructure");
	if (text == NULL || *text == '\0')
		return refuse(r, 400, "InvalidParameter", "Invalid parameter: Empty message");
	*size += strlen(text);
	if (subject != NULL && !is_subject_good(subject))
		return refuse(r, 400, "InvalidParameter", "Invalid parameter: Subject");
	if (pb_streq(structure, "json") && !check_structure(text, r))
		return false;
	if (!check_attributes(pb_json_get(m, "MessageAttributes"), size, r) || !check_fifo(t, m, r))
		return false;
	if (*size > MESSAGE_MAX)
		return refuse(r, 400, "InvalidParameter", "Invalid parameter: Message too long");
	return true;
}

/* --- operations */

/* The topic that an ARN member of the input names, or NULL when the call is answered. */
static struct pb_sbx_topic *
topic_of(struct pb_sbx_call *c, const char *member)
{
	const char *arn = pb_json_str(c->input, member), *name = arn ? strrchr(arn, ':') : NULL;
	if (name == NULL || strncmp(arn, "arn:", 4) != 0) {
		pb_sbx_fail(c, 400, "InvalidParameter", NULL, "Invalid parameter: %s", member);
		return NULL;
	}
	struct pb_sbx_topic *t = pb_map_get(c->sb->topics, name + 1);
	if (t == NULL || !pb_streq(t->arn, arn)) {
		pb_sbx_fail(c, 404, "NotFound", NULL, "Topic does not exist");
		return NULL;
	}
	return t;
}

static void
answer_text(struct pb_sbx_call *c, const char *element, const char *text)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_addf(&b, "<%s>", element);
	pb_sbx_xml_text(&b, text);
	pb_buf_addf(&b, "</%s>", element);
	pb_sbx_ok_query(c, b.ptr);
}

static void
create_topic(struct pb_sbx_call *c)
{
	const char *name = pb_json_str_or(c->input, "Name", "");
	const json_t *attributes = pb_json_get(c->input, "Attributes");
	bool is_fifo = pb_sbx_is_true(attributes, "FifoTopic");
	size_t len = strlen(name), plain = len;
	if (len > 5 && pb_streq(name + len - 5, ".fifo"))
		plain -= 5;
	if (plain == 0 || len > 256 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
		plain ||
	    is_fifo != (plain != len)) {
		pb_sbx_fail(c, 400, "InvalidParameter", NULL, "Invalid parameter: Topic Name");
		return;
	}
	struct pb_sbx_topic *t = pb_sbx_topic_get(c->sb, name);
	t->has_content_dedup = pb_sbx_is_true(attributes, "ContentBasedDeduplication");
	answer_text(c, "TopicArn", t->arn);
}

static void
list_topics(struct pb_sbx_call *c)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	const char *name;
	void *value;
	pb_buf_adds(&b, "<Topics>");
	for (size_t i = 0; pb_map_next(c->sb->topics, &i, &name, &value);) {
		const struct pb_sbx_topic *t = value;
		pb_buf_addf(&b, "<member><TopicArn>%s</TopicArn></member>", t->arn);
	}
	pb_buf_adds(&b, "</Topics>");
	pb_sbx_ok_query(c, b.ptr);
}

static void
subscribe(struct pb_sbx_call *c)
{
	struct pb_sbx_topic *t = topic_of(c, "TopicArn");
	const json_t *attributes = pb_json_get(c->input, "Attributes");
	const char *protocol = pb_json_str_or(c->input, "Protocol", "");
	const char *endpoint = pb_json_str_or(c->input, "Endpoint", "");
	const char *queue = strrchr(endpoint, ':');
	if (t == NULL)
		return;
	if (!pb_streq(protocol, "sqs")) {
		pb_sbx_fail(c, 400, "InvalidParameter", NULL,
		    "Invalid parameter: Protocol (the sandbox has only sqs)");
		return;
	}
	if (queue == NULL || strncmp(endpoint, "arn:aws:sqs:", 12) != 0 ||
	    pb_json_get(attributes, "FilterPolicy") != NULL) {
		pb_sbx_fail(c, 400, "InvalidParameter", NULL,
		    queue ? "Invalid parameter: FilterPolicy (the sandbox has none)"
			  : "Invalid parameter: SQS endpoint ARN");
		return;
	}
	answer_text(c, "SubscriptionArn",
	    pb_sbx_topic_subscribe(
		c->sb, t, queue + 1, pb_sbx_is_true(attributes, "RawMessageDelivery")));
}

static void
publish_one(
    struct pb_sbx_call *c, struct pb_sbx_topic *t, const json_t *m, struct pb_sbx_recent *ret_sent)
{
	const char *group = pb_json_str(m, "MessageGroupId");
	const char *dedup = pb_json_str(m, "MessageDeduplicationId");
	for (int i = 0; i < (c->fault == PB_SBX_DUPLICATE ? 2 : 1); i++)
		pb_sbx_topic_publish(c->sb, t, m, group, dedup, ret_sent);
}

static void
add_sent(struct pb_buf *b, const struct pb_sbx_recent *sent)
{
	pb_buf_addf(b, "<MessageId>%s</MessageId>", sent->id);
	if (sent->sequence != 0)
		pb_buf_addf(b, "<SequenceNumber>%020llu</SequenceNumber>",
		    (unsigned long long)sent->sequence);
}

/* E.164: at most 15 digits.  *ret has them without the '+'. */
static bool
is_phone(const char *number, const char **ret_digits)
{
	const char *digits = number + (*number == '+');
	size_t n = strspn(digits, "0123456789");
	*ret_digits = digits;
	return n >= 2 && n <= 15 && digits[n] == '\0' && digits[0] != '0';
}

#define PHONE_TEXT_MAX 1600 /* of one Publish; AWS makes several messages of it */

/* A text message: kept for whoever looks, by the digits of the number. */
static void
publish_to_phone(struct pb_sbx_call *c, const char *number)
{
	static const struct pb_sbx_topic standard = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_sbx_recent sent = {0};
	struct refusal r;
	const char *digits;
	size_t size = 0;
	if (!is_phone(number, &digits)) {
		pb_sbx_fail(c, 400, "InvalidParameter", NULL,
		    "Invalid parameter: PhoneNumber Reason: %.60s is not valid to publish to",
		    number);
		return;
	}
	if (!check_message(&standard, c->input, &size, &r)) {
		pb_sbx_fail(c, r.status, r.code, NULL, "%s", r.text);
		return;
	}
	/* In characters, which are bytes as far as the texts here are concerned. */
	if (strlen(pb_json_str_or(c->input, "Message", "")) > PHONE_TEXT_MAX) {
		pb_sbx_fail(
		    c, 400, "InvalidParameter", NULL, "Invalid parameter: Message too long");
		return;
	}
	json_t *texts = json_object_get(c->sb->phones, digits);
	if (texts == NULL) {
		texts = json_array();
		json_object_set_new(c->sb->phones, digits, texts);
	}
	for (int i = 0; i < (c->fault == PB_SBX_DUPLICATE ? 2 : 1); i++) {
		pb_rand_uuid(&c->sb->rand, sent.id);
		record(c->sb, texts, c->input, NULL, NULL, &sent);
	}
	add_sent(&b, &sent);
	pb_sbx_ok_query(c, b.ptr);
}

static void
publish(struct pb_sbx_call *c)
{
	bool is_target = pb_json_get(c->input, "TargetArn") != NULL;
	const char *phone = pb_json_str(c->input, "PhoneNumber");
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_sbx_recent sent;
	struct refusal r;
	size_t size = 0;
	if (is_target + (phone != NULL) + (pb_json_get(c->input, "TopicArn") != NULL) > 1) {
		pb_sbx_fail(c, 400, "InvalidParameter", NULL,
		    "Invalid parameter: Only one of TopicArn, TargetArn and PhoneNumber may be "
		    "given");
		return;
	}
	if (phone != NULL) {
		publish_to_phone(c, phone);
		return;
	}
	struct pb_sbx_topic *t = topic_of(c, is_target ? "TargetArn" : "TopicArn");
	if (t == NULL)
		return;
	if (!check_message(t, c->input, &size, &r)) {
		pb_sbx_fail(c, r.status, r.code, NULL, "%s", r.text);
		return;
	}
	publish_one(c, t, c->input, &sent);
	add_sent(&b, &sent);
	pb_sbx_ok_query(c, b.ptr);
}

static void
add_failed(struct pb_buf *b, const char *id, const struct refusal *r)
{
	pb_buf_adds(b, "<member><Id>");
	pb_sbx_xml_text(b, id);
	pb_buf_addf(b, "</Id><Code>%s</Code><SenderFault>true</SenderFault><Message>", r->code);
	pb_sbx_xml_text(b, r->text);
	pb_buf_adds(b, "</Message></member>");
}

static void
publish_batch(struct pb_sbx_call *c)
{
	const json_t *m, *entries = pb_json_get(c->input, "PublishBatchRequestEntries");
	PB_CLEANUP(pb_buf_fini) struct pb_buf good = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf bad = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf all = PB_BUF_INIT;
	struct pb_sbx_topic *t = topic_of(c, "TopicArn");
	size_t i, n = json_array_size(entries), size = 0;
	if (t == NULL)
		return;
	if (n == 0 || n > BATCH_MAX) {
		pb_sbx_fail(c, 400, n ? "TooManyEntriesInBatchRequest" : "EmptyBatchRequest", NULL,
		    n ? "The batch request contains more entries than permissible."
		      : "The batch request doesn't contain any entries.");
		return;
	}
	json_array_foreach (entries, i, m) {
		const char *id = pb_json_str_or(m, "Id", "");
		struct pb_sbx_recent sent;
		struct refusal r;
		if (!check_message(t, m, &size, &r)) {
			add_failed(&bad, id, &r);
			continue;
		}
		publish_one(c, t, m, &sent);
		pb_buf_adds(&good, "<member><Id>");
		pb_sbx_xml_text(&good, id);
		pb_buf_adds(&good, "</Id>");
		add_sent(&good, &sent);
		pb_buf_adds(&good, "</member>");
	}
	pb_buf_addf(&all, "<Successful>%s</Successful><Failed>%s</Failed>",
	    good.ptr ? good.ptr : "", bad.ptr ? bad.ptr : "");
	pb_sbx_ok_query(c, all.ptr);
}

static const struct pb_sbx_op ops[] = {
    {"CreateTopic", create_topic},
    {"ListTopics", list_topics},
    {"Publish", publish},
    {"PublishBatch", publish_batch},
    {"Subscribe", subscribe},
};

const struct pb_sbx_service pb_sbx_sns = {
    .name = "sns",
    .signing = "sns",
    .protocol = PB_SBX_QUERY,
    .version = "2010-03-31",
    .space = "http://sns.amazonaws.com/doc/2010-03-31/",
    .throttle = "Throttling",
    .throttle_status = 400,
    .ops = ops,
    .n_ops = PB_ARRAY_LEN(ops),
};
