/*
 * SQS, awsJson 1.0: the operations, their checks and the errors of the service.
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#include "base/digest.h"

#define ENTRIES_MAX 10
#define INFLIGHT_MAX (12 * PB_HOUR)

static const struct sqs_error {
	const char *shape, *query;
	int status;
} errors[] = {
    {"BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400},
    {"EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400},
    {"InvalidAddress", "InvalidAddress", 404},
    {"InvalidAttributeName", "InvalidAttributeName", 400},
    {"InvalidAttributeValue", "InvalidAttributeValue", 400},
    {"InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400},
    {"InvalidMessageContents", "InvalidMessageContents", 400},
    {"InvalidParameterValueException", "InvalidParameterValue", 400},
    {"MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400},
    {"MissingRequiredParameterException", "MissingParameter", 400},
    {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400},
    {"QueueNameExists", "QueueAlreadyExists", 400},
    {"ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404},
    {"TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400},
};

static const struct sqs_error *
error_of(const char *shape)
{
	size_t i = 0;
	while (i + 1 < PB_ARRAY_LEN(errors) && !pb_streq(errors[i].shape, shape))
		i++;
	pb_check(pb_streq(errors[i].shape, shape));
	return &errors[i];
}

#define FAIL(c, shape, ...)                                                                        \
	pb_sbx_fail(c, error_of(shape)->status, shape, error_of(shape)->query, __VA_ARGS__)

/* The queue that QueueUrl names, or NULL when the call is answered. */
static struct pb_sbx_queue *
queue_of(struct pb_sbx_call *c)
{
	const char *url = pb_json_str(c->input, "QueueUrl");
	if (url == NULL || *url == '\0') {
		FAIL(c, "MissingRequiredParameterException",
		    "The request must contain the parameter QueueUrl.");
		return NULL;
	}
	const char *slash = strrchr(url, '/');
	struct pb_sbx_queue *q = pb_map_get(c->sb->queues, slash ? slash + 1 : url);
	if (slash == NULL)
		FAIL(c, "InvalidAddress", "The address %s is not valid for this endpoint.", url);
	else if (q == NULL)
		FAIL(c, "QueueDoesNotExist", "The specified queue does not exist.");
	return slash != NULL ? q : NULL;
}

/* A number of the input within limits; false when the call is answered. */
static bool
number_of(struct pb_sbx_call *c, const char *name, int64_t min, int64_t max, int64_t fallback,
    int64_t *ret)
{
	const json_t *v = pb_json_get(c->input, name);
	if (v == NULL || json_is_null(v)) {
		*ret = fallback;
		return true;
	}
	if (json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max) {
		*ret = json_integer_value(v);
		return true;
	}
	FAIL(c, "InvalidParameterValueException",
	    "Value for parameter %s is invalid. Reason: Must be >= %lld and <= %lld, if provided.",
	    name, (long long)min, (long long)max);
	return false;
}

/* --- queues */

static bool
is_queue_name(const char *name)
{
	size_t len = name ? strlen(name) : 0;
	if (len > 5 && pb_streq(name + len - 5, ".fifo"))
		len -= 5;
	return len >= 1 && len <= 75 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

static void
create_queue(struct pb_sbx_call *c)
{
	const char *name = pb_json_str(c->input, "QueueName");
	struct pb_error err;
	if (!is_queue_name(name)) {
		FAIL(c, "InvalidParameterValueException",
		    "Can only include alphanumeric characters, hyphens, or underscores. "
		    "1 to 80 in length");
		return;
	}
	struct pb_sbx_queue *q = pb_sbx_queue_get(c->sb, name);
	const json_t *attributes = pb_json_get(c->input, "Attributes");
	if (attributes != NULL && pb_sbx_queue_set(q, attributes, &err) < 0)
		FAIL(c, "InvalidAttributeValue", "%s", err.text);
	else
		pb_sbx_ok_json(c, json_pack("{s:s}", "QueueUrl", q->url));
}

static void
get_queue_url(struct pb_sbx_call *c)
{
	const char *name = pb_json_str_or(c->input, "QueueName", "");
	const struct pb_sbx_queue *q = pb_map_get(c->sb->queues, name);
	if (q == NULL)
		FAIL(c, "QueueDoesNotExist", "The specified queue does not exist.");
	else
		pb_sbx_ok_json(c, json_pack("{s:s}", "QueueUrl", q->url));
}

static void
list_queues(struct pb_sbx_call *c)
{
	const char *name, *prefix = pb_json_str_or(c->input, "QueueNamePrefix", "");
	json_t *urls = json_array();
	void *value;
	for (size_t i = 0; pb_map_next(c->sb->queues, &i, &name, &value);) {
		const struct pb_sbx_queue *q = value;
		if (strncmp(name, prefix, strlen(prefix)) == 0)
			json_array_append_new(urls, json_string(q->url));
	}
	pb_sbx_ok_json(c, json_pack("{s:o}", "QueueUrls", urls));
}

static void
set_queue_attributes(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = queue_of(c);
	struct pb_error err;
	if (q == NULL)
		return;
	if (pb_sbx_queue_set(q, pb_json_get(c->input, "Attributes"), &err) < 0)
		FAIL(c, "InvalidAttributeValue", "%s", err.text);
	else
		pb_sbx_ok_json(c, NULL);
}

static void
set_count(json_t *out, const char *name, int64_t n)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%lld", (long long)n);
	pb_json_set_str(out, name, text);
}

static json_t *
all_attributes(struct pb_sbx_queue *q)
{
	json_t *out = json_deep_copy(q->attributes);
	int64_t n_visible = 0, n_inflight = 0, n_delayed = 0, now = pb_sbx_mono(q->sb);
	const struct pb_sbx_message *m;
	TAILQ_FOREACH(m, &q->live, link)
	{
		if (m->visible_from <= now)
			n_visible++;
		else if (m->state == PB_SBX_INFLIGHT)
			n_inflight++;
		else
			n_delayed++;
	}
	set_count(out, "ApproximateNumberOfMessages", n_visible);
	set_count(out, "ApproximateNumberOfMessagesNotVisible", n_inflight);
	set_count(out, "ApproximateNumberOfMessagesDelayed", n_delayed);
	set_count(out, "VisibilityTimeout", q->visibility_for / PB_SECOND);
	set_count(out, "ReceiveMessageWaitTimeSeconds", q->wait_for / PB_SECOND);
	set_count(out, "DelaySeconds", q->delay_for / PB_SECOND);
	set_count(out, "MaximumMessageSize", q->max_bytes);
	pb_json_set_str(out, "QueueArn", q->arn);
	if (q->is_fifo)
		pb_json_set_str(out, "FifoQueue", "true");
	return out;
}

static bool
is_attribute_name(const char *name)
{
	static const char *const known[] = {"All", "ApproximateNumberOfMessages",
	    "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
	    "ContentBasedDeduplication", "CreatedTimestamp", "DeduplicationScope", "DelaySeconds",
	    "FifoQueue", "FifoThroughputLimit", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId",
	    "LastModifiedTimestamp", "MaximumMessageSize", "MessageRetentionPeriod", "Policy",
	    "QueueArn", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy",
	    "SqsManagedSseEnabled", "VisibilityTimeout"};
	for (size_t i = 0; i < PB_ARRAY_LEN(known); i++)
		if (pb_streq(known[i], name))
			return true;
	return false;
}

static void
get_queue_attributes(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = queue_of(c);
	const json_t *names = pb_json_get(c->input, "AttributeNames"), *n;
	size_t i;
	if (q == NULL)
		return;
	PB_JSON json_t *all = all_attributes(q);
	PB_JSON json_t *out = json_object();
	json_array_foreach (names, i, n) {
		const char *name = json_string_value(n);
		if (!is_attribute_name(name)) {
			FAIL(c, "InvalidAttributeName", "Unknown Attribute %s.", name ? name : "?");
			return;
		}
		if (pb_streq(name, "All"))
			json_object_update(out, all);
		else if (pb_json_get(all, name) != NULL)
			json_object_set(out, name, json_object_get(all, name));
	}
	pb_sbx_ok_json(c, json_object_size(out) ? json_pack("{s:O}", "Attributes", out) : NULL);
}

static void
purge_queue(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = queue_of(c);
	if (q == NULL)
		return;
	pb_sbx_queue_purge(q);
	pb_sbx_ok_json(c, NULL);
}

/* --- sending */

/* What the service allows in a body: XML's characters.  False at the first other one. */
static bool
has_good_characters(const char *body)
{
	for (const unsigned char *p = (const unsigned char *)body; *p; p++) {
		if (*p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r')
			return false;
		if (p[0] == 0xef && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf))
			return false;
	}
	return true;
}

static size_t
attributes_size(const json_t *attributes)
{
	PB_JSON json_t *copy = json_deep_copy(attributes);
	const char *name;
	json_t *v;
	size_t n = 0;
	json_object_foreach (copy, name, v)
		n += strlen(name) + strlen(pb_json_str_or(v, "DataType", "")) +
		    strlen(pb_json_str_or(v, "StringValue", "")) +
		    strlen(pb_json_str_or(v, "BinaryValue", "")) * 3 / 4;
	return n;
}

/* Why this entry (a SendMessage input, or one of a batch) cannot be taken; NULL = it can. */
static const char *
refusal(const struct pb_sbx_queue *q, const json_t *in, const char **ret_shape)
{
	const char *body = pb_json_str(in, "MessageBody");
	const json_t *attributes = pb_json_get(in, "MessageAttributes");
	*ret_shape = "InvalidParameterValueException";
	if (body == NULL || *body == '\0') {
		*ret_shape = "MissingRequiredParameterException";
		return "The request must contain the parameter MessageBody.";
	}
	if ((int64_t)(strlen(body) + attributes_size(attributes)) > q->max_bytes)
		return "One or more parameters are invalid. Reason: Message must be shorter than "
		       "the queue's MaximumMessageSize.";
	if (json_object_size(attributes) > 10)
		return "Number of message attributes exceeds the allowed maximum [10].";
	if (q->is_fifo && pb_json_str(in, "MessageGroupId") == NULL) {
		*ret_shape = "MissingRequiredParameterException";
		return "The request must contain the parameter MessageGroupId.";
	}
	if (q->is_fifo && !q->has_content_dedup &&
	    pb_json_str(in, "MessageDeduplicationId") == NULL)
		return "The queue should either have ContentBasedDeduplication enabled or "
		       "MessageDeduplicationId provided explicitly";
	*ret_shape = "InvalidMessageContents";
	return has_good_characters(body) ? NULL : "Invalid characters found in the message.";
}

static json_t *
send_one(struct pb_sbx_call *c, struct pb_sbx_queue *q, const json_t *in)
{
	const char *body = pb_json_str(in, "MessageBody");
	const json_t *attributes = pb_json_get(in, "MessageAttributes");
	int64_t delay = pb_json_i64(in, "DelaySeconds", -1);
	struct pb_sbx_recent sent;
	char md5[33];

	for (int i = 0; i < (c->fault == PB_SBX_DUPLICATE ? 2 : 1); i++)
		pb_sbx_queue_send(q, body, attributes, pb_json_str(in, "MessageGroupId"),
		    pb_json_str(in, "MessageDeduplicationId"), delay < 0 ? -1 : delay * PB_SECOND,
		    &sent);
	(void)pb_md5_text(body, strlen(body), md5);
	bool is_wrong = c->fault == PB_SBX_WRONG_MD5;
	static const char wrong[] = "00000000000000000000000000000bad";
	json_t *out = json_pack(
	    "{s:s, s:s}", "MessageId", sent.id, "MD5OfMessageBody", is_wrong ? wrong : md5);
	if (attributes != NULL && pb_sbx_attributes_md5(attributes, md5) == 0)
		pb_json_set_str(out, "MD5OfMessageAttributes", is_wrong ? wrong : md5);
	if (sent.sequence != 0) {
		char n[24];
		(void)snprintf(n, sizeof(n), "%020llu", (unsigned long long)sent.sequence);
		pb_json_set_str(out, "SequenceNumber", n);
	}
	return out;
}

static void
send_message(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = queue_of(c);
	const char *shape, *why;
	if (q == NULL)
		return;
	why = refusal(q, c->input, &shape);
	if (why != NULL)
		FAIL(c, shape, "%s", why);
	else
		pb_sbx_ok_json(c, send_one(c, q, c->input));
}

/* --- receiving */

static json_t *
received(json_t *messages)
{
	json_t *out = json_array_size(messages) ? json_pack("{s:O}", "Messages", messages) : NULL;
	json_decref(messages);
	return out;
}

static void
leave_queue(struct pb_sbx_call *c)
{
	TAILQ_REMOVE(&c->queue->waiters, c, waiting);
	c->queue = NULL;
}

static int64_t
max_of(const struct pb_sbx_call *c)
{
	return pb_json_i64(c->input, "MaxNumberOfMessages", 1);
}

void
pb_sbx_sqs_resume(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = c->queue;
	json_t *messages = pb_sbx_is_peer_gone(c) ? NULL : pb_sbx_queue_receive(q, c, max_of(c));
	if (messages != NULL && json_array_size(messages) == 0) {
		json_decref(messages);
		return;
	}
	leave_queue(c);
	pb_sbx_ok_json(c, received(messages));
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct pb_sbx_call *c = arg;
	(void)fd;
	(void)what;
	leave_queue(c);
	pb_sbx_ok_json(c, NULL);
}

static void
park(struct pb_sbx_call *c, struct pb_sbx_queue *q, int64_t wait)
{
	struct timeval tv = {.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000};
	c->queue = q;
	TAILQ_INSERT_TAIL(&q->waiters, c, waiting);
	c->timer = event_new(c->sb->base, -1, 0, on_deadline, c);
	event_add(c->timer, &tv);
	pb_sbx_queue_kick(q); /* sets the queue's timer */
}

static void
receive_message(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = queue_of(c);
	int64_t max, visibility, wait;
	if (q == NULL || !number_of(c, "MaxNumberOfMessages", 1, 10, 1, &max) ||
	    !number_of(c, "VisibilityTimeout", 0, 43200, -1, &visibility) ||
	    !number_of(c, "WaitTimeSeconds", 0, 20, q->wait_for / PB_SECOND, &wait))
		return;
	json_t *messages = pb_sbx_queue_receive(q, c, max);
	if (json_array_size(messages) > 0 || wait == 0) {
		pb_sbx_ok_json(c, received(messages));
		return;
	}
	json_decref(messages);
	park(c, q, wait * PB_SECOND);
}

/* --- deleting and visibility; each of these returns the error's shape, or NULL */

static const char *
delete_one(struct pb_sbx_call *c, struct pb_sbx_queue *q, const json_t *in, const char **ret_why)
{
	bool is_latest = false;
	const char *handle = pb_json_str_or(in, "ReceiptHandle", "");
	struct pb_sbx_message *m = pb_sbx_queue_find(q, handle, &is_latest);
	(void)c;
	if (m == NULL) {
		*ret_why = "The input receipt handle is invalid.";
		return "ReceiptHandleIsInvalid";
	}
	/* An old handle answers success and deletes nothing; so may the service. */
	if (is_latest)
		pb_sbx_queue_delete(q, m);
	return NULL;
}

static const char *
change_one(struct pb_sbx_call *c, struct pb_sbx_queue *q, const json_t *in, const char **ret_why)
{
	bool is_latest = false;
	const char *handle = pb_json_str_or(in, "ReceiptHandle", "");
	struct pb_sbx_message *m = pb_sbx_queue_find(q, handle, &is_latest);
	int64_t seconds = pb_json_i64(in, "VisibilityTimeout", -1), now = pb_sbx_mono(c->sb);

	if (m == NULL) {
		*ret_why = "The input receipt handle is invalid.";
		return "ReceiptHandleIsInvalid";
	}
	if (seconds < 0 || seconds > 43200) {
		*ret_why = "Value for parameter VisibilityTimeout is invalid. Reason: Must be "
			   "between 0 and 43200, if provided.";
		return "InvalidParameterValueException";
	}
	if (m->state != PB_SBX_INFLIGHT || m->visible_from <= now || !is_latest) {
		*ret_why = "Value for parameter ReceiptHandle is invalid. Reason: Message does not "
			   "exist or is not available for visibility timeout change.";
		return "MessageNotInflight";
	}
	if (now + seconds * PB_SECOND - m->received_at > INFLIGHT_MAX) {
		*ret_why = "Value for parameter VisibilityTimeout is invalid. Reason: Total "
			   "VisibilityTimeout for the message is beyond the limit [43200 seconds].";
		return "InvalidParameterValueException";
	}
	m->visible_from = now + seconds * PB_SECOND;
	if (seconds == 0)
		m->state = PB_SBX_VISIBLE;
	return NULL;
}

typedef const char *
one_fn(struct pb_sbx_call *c, struct pb_sbx_queue *q, const json_t *in, const char **ret_why);

static void
run_single(struct pb_sbx_call *c, one_fn *one)
{
	struct pb_sbx_queue *q = queue_of(c);
	const char *why = "", *shape;
	if (q == NULL)
		return;
	shape = one(c, q, c->input, &why);
	if (shape != NULL)
		FAIL(c, shape, "%s", why);
	else
		pb_sbx_ok_json(c, NULL);
	pb_sbx_queue_kick(q);
}

static bool
is_entry_id(const char *id)
{
	size_t len = id ? strlen(id) : 0;
	return len >= 1 && len <= 80 &&
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

/* The entries of a batch, or NULL when the call is answered. */
static const json_t *
entries_of(struct pb_sbx_call *c)
{
	const json_t *entries = pb_json_get(c->input, "Entries"), *e;
	PB_JSON json_t *seen = json_object();
	size_t i, n = json_array_size(entries);
	if (n == 0) {
		FAIL(c, "EmptyBatchRequest", "There should be at least one entry in the request.");
		return NULL;
	}
	if (n > ENTRIES_MAX) {
		FAIL(c, "TooManyEntriesInBatchRequest",
		    "Maximum number of entries per request are 10. You have sent %zu.", n);
		return NULL;
	}
	json_array_foreach (entries, i, e) {
		const char *id = pb_json_str(e, "Id");
		if (!is_entry_id(id)) {
			FAIL(c, "InvalidBatchEntryId",
			    "A batch entry id can only contain alphanumeric characters, hyphens "
			    "and "
			    "underscores. It can be at most 80 letters long.");
			return NULL;
		}
		if (pb_json_get(seen, id) != NULL) {
			FAIL(c, "BatchEntryIdsNotDistinct", "Id %s repeated.", id);
			return NULL;
		}
		json_object_set_new(seen, id, json_true());
	}
	return entries;
}

static json_t *
failed_entry(const char *id, const char *shape, const char *why)
{
	return json_pack("{s:s, s:b, s:s, s:s}", "Id", id, "SenderFault", 1, "Code",
	    error_of(shape)->query, "Message", why);
}

static void
answer_batch(struct pb_sbx_call *c, json_t *good, json_t *bad)
{
	json_t *out = json_object();
	if (json_array_size(good) > 0)
		json_object_set(out, "Successful", good);
	if (json_array_size(bad) > 0)
		json_object_set(out, "Failed", bad);
	json_decref(good);
	json_decref(bad);
	pb_sbx_ok_json(c, out);
}

static void
run_batch(struct pb_sbx_call *c, one_fn *one)
{
	struct pb_sbx_queue *q = queue_of(c);
	const json_t *e, *entries = q ? entries_of(c) : NULL;
	json_t *good, *bad;
	size_t i;
	if (entries == NULL)
		return;
	good = json_array();
	bad = json_array();
	json_array_foreach (entries, i, e) {
		const char *why = "", *id = pb_json_str(e, "Id"), *shape = one(c, q, e, &why);
		if (shape != NULL)
			json_array_append_new(bad, failed_entry(id, shape, why));
		else
			json_array_append_new(good, json_pack("{s:s}", "Id", id));
	}
	answer_batch(c, good, bad);
	pb_sbx_queue_kick(q);
}

static void
send_message_batch(struct pb_sbx_call *c)
{
	struct pb_sbx_queue *q = queue_of(c);
	const json_t *e, *entries = q ? entries_of(c) : NULL;
	json_t *good, *bad;
	size_t i;
	if (entries == NULL)
		return;
	good = json_array();
	bad = json_array();
	json_array_foreach (entries, i, e) {
		const char *shape, *id = pb_json_str(e, "Id"), *why = refusal(q, e, &shape);
		json_t *done = why ? failed_entry(id, shape, why) : send_one(c, q, e);
		pb_json_set_str(done, "Id", id);
		json_array_append_new(why ? bad : good, done);
	}
	answer_batch(c, good, bad);
}

static void
delete_message(struct pb_sbx_call *c)
{
	run_single(c, delete_one);
}

static void
delete_message_batch(struct pb_sbx_call *c)
{
	run_batch(c, delete_one);
}

static void
change_visibility(struct pb_sbx_call *c)
{
	run_single(c, change_one);
}

static void
change_visibility_batch(struct pb_sbx_call *c)
{
	run_batch(c, change_one);
}

static const struct pb_sbx_op ops[] = {
    {"ChangeMessageVisibility", change_visibility},
    {"ChangeMessageVisibilityBatch", change_visibility_batch},
    {"CreateQueue", create_queue},
    {"DeleteMessage", delete_message},
    {"DeleteMessageBatch", delete_message_batch},
    {"GetQueueAttributes", get_queue_attributes},
    {"GetQueueUrl", get_queue_url},
    {"ListQueues", list_queues},
    {"PurgeQueue", purge_queue},
    {"ReceiveMessage", receive_message},
    {"SendMessage", send_message},
    {"SendMessageBatch", send_message_batch},
    {"SetQueueAttributes", set_queue_attributes},
};

const struct pb_sbx_service pb_sbx_sqs = {
    .name = "sqs",
    .signing = "sqs",
    .protocol = PB_SBX_JSON,
    .target = "AmazonSQS",
    .version = "2012-11-05",
    .space = "com.amazonaws.sqs",
    .throttle = "RequestThrottled",
    .throttle_query = "RequestThrottled",
    .throttle_status = 403,
    .ops = ops,
    .n_ops = PB_ARRAY_LEN(ops),
};
