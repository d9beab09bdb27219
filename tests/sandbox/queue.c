/*
 * A queue: messages, their visibility, receipt handles, FIFO groups, deduplication, dead letters.
 *
 *     visible -> inflight  [pb_sbx_queue_receive]
 *     inflight -> visible  [its visibility ran out, or was set to 0]
 *     either -> deleted    [pb_sbx_queue_delete]; deleted ones are kept to be looked at
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#include "base/digest.h"

#define DEDUP_FOR (5 * PB_MINUTE)

/* --- deduplication windows */

const struct pb_sbx_recent *
pb_sbx_recent_get(struct pb_map *recent, const char *id, int64_t mono)
{
	struct pb_sbx_recent *r = pb_map_get(recent, id);
	if (r == NULL || mono - r->at < DEDUP_FOR)
		return r;
	free(pb_map_del(recent, id));
	return NULL;
}

void
pb_sbx_recent_put(struct pb_map *recent, const char *id, const struct pb_sbx_recent *r)
{
	struct pb_sbx_recent *copy = pb_malloc(sizeof(*copy));
	*copy = *r;
	free(pb_map_put(recent, id, copy));
}

/* --- making and freeing */

static void
message_free(struct pb_sbx_message *m)
{
	free(m->body);
	free(m->group);
	free(m->dedup);
	json_decref(m->attributes);
	json_decref(m->handles);
	free(m);
}

static void
messages_free(struct pb_sbx_messages *list)
{
	struct pb_sbx_message *m;
	while ((m = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, m, link);
		message_free(m);
	}
}

void
pb_sbx_queue_purge(struct pb_sbx_queue *q)
{
	messages_free(&q->live);
	messages_free(&q->deleted);
}

void
pb_sbx_queue_free(void *queue)
{
	struct pb_sbx_queue *q = queue;
	pb_check(TAILQ_EMPTY(&q->waiters));
	pb_sbx_queue_purge(q);
	pb_map_free(q->recent, free);
	json_decref(q->attributes);
	event_free(q->timer);
	free(q->name);
	free(q->url);
	free(q->arn);
	free(q->dead_letter);
	free(q);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pb_sbx_queue_kick(arg);
}

struct pb_sbx_queue *
pb_sbx_queue_get(struct pb_sandbox *sb, const char *name)
{
	struct pb_sbx_queue *q = pb_map_get(sb->queues, name);
	if (q != NULL)
		return q;
	q = pb_calloc(1, sizeof(*q));
	q->sb = sb;
	q->name = pb_strdup(name);
	q->url =
	    pb_asprintf("http://127.0.0.1:%u/%s/%s", (unsigned)sb->port, sb->opts.account, name);
	q->arn = pb_sbx_arn("sqs", sb->opts.region, sb->opts.account, name);
	q->visibility_for = 30 * PB_SECOND;
	q->max_bytes = 1 << 20;
	q->is_fifo = strlen(name) > 5 && pb_streq(name + strlen(name) - 5, ".fifo");
	q->attributes = json_object();
	q->recent = pb_map_new();
	q->timer = event_new(sb->base, -1, 0, on_timer, q);
	TAILQ_INIT(&q->live);
	TAILQ_INIT(&q->deleted);
	TAILQ_INIT(&q->waiters);
	(void)pb_map_put(sb->queues, name, q);
	return q;
}

static int
set_redrive(struct pb_sbx_queue *q, const char *text, struct pb_error *err)
{
	PB_JSON json_t *policy = NULL;
	if (pb_json_parse(pb_str_of(text), &policy, NULL) < 0)
		return pb_fail(err, PB_INVALID, "Invalid value for the parameter RedrivePolicy.");
	const char *arn = pb_json_str(policy, "deadLetterTargetArn");
	const json_t *max = pb_json_get(policy, "maxReceiveCount");
	int64_t n = json_is_string(max) ? strtoll(json_string_value(max), NULL, 10)
					: json_integer_value(max);
	if (arn == NULL || strrchr(arn, ':') == NULL || n < 1 || n > 1000)
		return pb_fail(err, PB_INVALID,
		    "Value for parameter RedrivePolicy is invalid. Reason: it needs "
		    "deadLetterTargetArn and maxReceiveCount from 1 to 1000.");
	free(q->dead_letter);
	q->dead_letter = pb_strdup(strrchr(arn, ':') + 1);
	q->max_receives = n;
	return 0;
}

int
pb_sbx_queue_set(struct pb_sbx_queue *q, const json_t *attributes, struct pb_error *err)
{
	const struct {
		const char *name;
		int64_t max, unit, *value;
	} numbers[] = {
	    {"VisibilityTimeout", 43200, PB_SECOND, &q->visibility_for},
	    {"ReceiveMessageWaitTimeSeconds", 20, PB_SECOND, &q->wait_for},
	    {"DelaySeconds", 900, PB_SECOND, &q->delay_for},
	    {"MaximumMessageSize", 1 << 20, 1, &q->max_bytes},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(numbers); i++) {
		const char *text = pb_json_str(attributes, numbers[i].name);
		int64_t n;
		if (text == NULL)
			continue;
		if (pb_parse_i64(pb_str_of(text), 0, numbers[i].max, &n, NULL) < 0)
			return pb_fail(err, PB_INVALID, "Invalid value for the parameter %s.",
			    numbers[i].name);
		*numbers[i].value = n * numbers[i].unit;
	}
	const char *redrive = pb_json_str(attributes, "RedrivePolicy");
	if (redrive != NULL && set_redrive(q, redrive, err) < 0)
		return -1;
	q->has_content_dedup = pb_sbx_is_true(attributes, "ContentBasedDeduplication");
	PB_JSON json_t *copy = json_deep_copy(attributes);
	json_object_update(q->attributes, copy);
	return 0;
}

/* --- sending */

static void
add_sized(struct pb_buf *b, const void *data, size_t len)
{
	const unsigned char size[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16),
	    (unsigned char)(len >> 8), (unsigned char)len};
	pb_buf_add(b, size, 4);
	pb_buf_add(b, data, len);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
pb_sbx_attributes_md5(const json_t *attributes, char out[33])
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf all = PB_BUF_INIT;
	PB_JSON json_t *copy = json_deep_copy(attributes);
	const char *name;
	json_t *value;
	size_t n = 0, size = json_object_size(copy);
	if (size == 0)
		return -1;

	PB_CLEANUP(pb_freep) const char **names = pb_calloc(size, sizeof(*names));
	json_object_foreach (copy, name, value)
		names[n++] = name;
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf plain = PB_BUF_INIT;
		const json_t *a = pb_json_get(copy, names[i]);
		const char *type = pb_json_str_or(a, "DataType", "String");
		const char *text = pb_json_str(a, "StringValue");
		add_sized(&all, names[i], strlen(names[i]));
		add_sized(&all, type, strlen(type));
		pb_buf_addc(&all, text != NULL ? 1 : 2);
		if (text == NULL)
			(void)pb_base64_decode(
			    pb_str_of(pb_json_str_or(a, "BinaryValue", "")), &plain, NULL);
		add_sized(&all,
		    text            ? text
			: plain.ptr ? plain.ptr
				    : "",
		    text ? strlen(text) : plain.len);
	}
	return pb_md5_text(all.ptr, all.len, out);
}

static void
enqueue(struct pb_sbx_queue *q, const char *body, const json_t *attributes, const char *group,
    const char *dedup, int64_t delay_for, const struct pb_sbx_recent *sent)
{
	struct pb_sbx_message *m = pb_calloc(1, sizeof(*m));
	memcpy(m->id, sent->id, sizeof(m->id));
	m->body = pb_strdup(body);
	(void)pb_md5_text(body, strlen(body), m->md5);
	m->attributes = json_object_size(attributes) ? json_deep_copy(attributes) : NULL;
	m->handles = json_array();
	m->group = pb_strdup(group);
	m->dedup = pb_strdup(dedup);
	m->sequence = sent->sequence;
	m->sent_at = pb_sbx_now(q->sb);
	m->visible_from = pb_sbx_mono(q->sb) + delay_for;
	TAILQ_INSERT_TAIL(&q->live, m, link);
}

void
pb_sbx_queue_send(struct pb_sbx_queue *q, const char *body, const json_t *attributes,
    const char *group, const char *dedup, int64_t delay_for, struct pb_sbx_recent *ret_sent)
{
	int64_t now = pb_sbx_mono(q->sb);
	char digest[PB_SHA256_TEXT];
	const struct pb_sbx_recent *seen = NULL;

	if (q->is_fifo && dedup == NULL && q->has_content_dedup) {
		pb_sha256_text(body, strlen(body), digest);
		dedup = digest;
	}
	if (q->is_fifo && dedup != NULL)
		seen = pb_sbx_recent_get(q->recent, dedup, now);
	if (seen != NULL) {
		*ret_sent = *seen;
		return;
	}
	*ret_sent = (struct pb_sbx_recent){.at = now};
	pb_rand_uuid(&q->sb->rand, ret_sent->id);
	if (q->is_fifo)
		ret_sent->sequence = ++q->sb->sequence;
	enqueue(
	    q, body, attributes, group, dedup, delay_for < 0 ? q->delay_for : delay_for, ret_sent);
	if (q->is_fifo && dedup != NULL)
		pb_sbx_recent_put(q->recent, dedup, ret_sent);
	pb_sbx_queue_kick(q);
}

/* --- receiving */

static bool
is_group_locked(
    const struct pb_sbx_queue *q, const struct pb_sbx_message *m, const struct pb_sbx_call *c)
{
	const struct pb_sbx_message *other;
	if (!q->is_fifo)
		return false;
	TAILQ_FOREACH(other, &q->live, link)
	{
		if (other == m)
			return false;
		/* An earlier one that is not to be had yet, and not one of this very answer. */
		if (pb_streq(other->group, m->group) && other->state == PB_SBX_INFLIGHT &&
		    other->received_by != c->number)
			return true;
	}
	return false;
}

static bool
is_wanted(const json_t *names, const char *name)
{
	const json_t *n;
	size_t i;
	json_array_foreach (names, i, n) {
		const char *want = json_string_value(n);
		size_t len = want ? strlen(want) : 0;
		if (pb_streq(want, "All") || pb_streq(want, ".*") || pb_streq(want, name) ||
		    (len > 2 && pb_streq(want + len - 2, ".*") &&
			strncmp(name, want, len - 2) == 0))
			return true;
	}
	return false;
}

static void
set_wanted(json_t *out, const json_t *names, const char *name, char *owned_value)
{
	if (owned_value != NULL && is_wanted(names, name))
		pb_json_set_str(out, name, owned_value);
	free(owned_value);
}

static json_t *
system_attributes(const struct pb_sbx_message *m, const json_t *names)
{
	json_t *out = json_object();
	set_wanted(out, names, "SenderId", pb_strdup("AIDASANDBOXSANDBOX000"));
	set_wanted(out, names, "SentTimestamp", pb_asprintf("%lld", (long long)m->sent_at));
	set_wanted(
	    out, names, "ApproximateReceiveCount", pb_asprintf("%lld", (long long)m->n_receives));
	set_wanted(out, names, "ApproximateFirstReceiveTimestamp",
	    pb_asprintf("%lld", (long long)m->first_received_at));
	set_wanted(out, names, "MessageGroupId", pb_strdup(m->group));
	set_wanted(out, names, "MessageDeduplicationId", pb_strdup(m->dedup));
	if (m->sequence != 0)
		set_wanted(out, names, "SequenceNumber",
		    pb_asprintf("%020llu", (unsigned long long)m->sequence));
	return out;
}

static json_t *
message_attributes(const struct pb_sbx_message *m, const json_t *names)
{
	json_t *out = json_object(), *value;
	const char *name;
	if (m->attributes != NULL)
		json_object_foreach (m->attributes, name, value)
			if (is_wanted(names, name))
				json_object_set(out, name, value);
	return out;
}

static json_t *
delivered_json(const struct pb_sbx_message *m, const struct pb_sbx_call *c, const char *handle)
{
	static const char wrong[] = "00000000000000000000000000000bad";
	bool is_wrong = c->fault == PB_SBX_WRONG_MD5;
	char md5[33];
	const json_t *names = pb_json_get(c->input, "MessageSystemAttributeNames");
	PB_JSON json_t *sys =
	    system_attributes(m, names ? names : pb_json_get(c->input, "AttributeNames"));
	PB_JSON json_t *attrs =
	    message_attributes(m, pb_json_get(c->input, "MessageAttributeNames"));
	json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "MessageId", m->id, "ReceiptHandle", handle,
	    "MD5OfBody", is_wrong ? wrong : m->md5, "Body", m->body);

	if (json_object_size(sys) > 0)
		json_object_set(out, "Attributes", sys);
	if (pb_sbx_attributes_md5(attrs, md5) == 0) {
		json_object_set(out, "MessageAttributes", attrs);
		pb_json_set_str(out, "MD5OfMessageAttributes", is_wrong ? wrong : md5);
	}
	return out;
}

static json_t *
hand_out(struct pb_sbx_queue *q, struct pb_sbx_message *m, struct pb_sbx_call *c)
{
	int64_t now = pb_sbx_mono(q->sb), seconds = pb_json_i64(c->input, "VisibilityTimeout", -1);
	char nonce[37];
	PB_CLEANUP(pb_buf_fini) struct pb_buf handle = PB_BUF_INIT;

	pb_rand_uuid(&q->sb->rand, nonce);
	PB_CLEANUP(pb_freep)
	char *plain = pb_asprintf("%s %lld %s", m->id, (long long)m->n_receives + 1, nonce);
	pb_buf_adds(&handle, "AQEB");
	pb_base64_add(&handle, plain, strlen(plain));
	json_array_append_new(m->handles, json_string(handle.ptr));
	m->n_receives++;
	if (m->first_received_at == 0)
		m->first_received_at = pb_sbx_now(q->sb);
	m->received_at = now;
	m->received_by = c->number;
	m->visible_from = now + (seconds >= 0 ? seconds * PB_SECOND : q->visibility_for);
	m->state = PB_SBX_INFLIGHT;
	/* At least once: the service forgets that it gave this one away. */
	if (c->fault == PB_SBX_DUPLICATE || m->visible_from == now) {
		m->visible_from = now;
		m->state = PB_SBX_VISIBLE;
	}
	return delivered_json(m, c, handle.ptr);
}

/* A message received too often goes to the dead-letter queue instead; true when it did. */
static bool
is_buried(struct pb_sbx_queue *q, struct pb_sbx_message *m)
{
	if (q->dead_letter == NULL || m->n_receives < q->max_receives)
		return false;
	struct pb_sbx_queue *dead = pb_map_get(q->sb->queues, q->dead_letter);
	if (dead == NULL || dead == q)
		return false;
	TAILQ_REMOVE(&q->live, m, link);
	m->state = PB_SBX_VISIBLE;
	m->visible_from = pb_sbx_mono(q->sb);
	TAILQ_INSERT_TAIL(&dead->live, m, link);
	pb_sbx_queue_kick(dead);
	return true;
}

json_t *
pb_sbx_queue_receive(struct pb_sbx_queue *q, struct pb_sbx_call *c, int64_t max)
{
	json_t *out = json_array();
	int64_t now = pb_sbx_mono(q->sb);
	bool is_backwards = c->fault == PB_SBX_REORDER;
	struct pb_sbx_message *next,
	    *m = is_backwards ? TAILQ_LAST(&q->live, pb_sbx_messages) : TAILQ_FIRST(&q->live);
	for (; m != NULL && (int64_t)json_array_size(out) < max; m = next) {
		next = is_backwards ? TAILQ_PREV(m, pb_sbx_messages, link) : TAILQ_NEXT(m, link);
		if (m->visible_from > now)
			continue;
		m->state = PB_SBX_VISIBLE;
		if (is_group_locked(q, m, c) || is_buried(q, m))
			continue;
		json_array_append_new(out, hand_out(q, m, c));
	}
	return out;
}

void
pb_sbx_queue_kick(struct pb_sbx_queue *q)
{
	int64_t now = pb_sbx_mono(q->sb), first = PB_NEVER;
	struct pb_sbx_message *m;
	struct pb_sbx_call *c, *next;

	for (c = TAILQ_FIRST(&q->waiters); c != NULL; c = next) {
		next = TAILQ_NEXT(c, waiting);
		pb_sbx_sqs_resume(c);
	}
	event_del(q->timer);
	if (TAILQ_EMPTY(&q->waiters))
		return;
	TAILQ_FOREACH(m, &q->live, link)
	{
		if (m->visible_from > now && m->visible_from < first)
			first = m->visible_from;
	}
	if (first != PB_NEVER) {
		int64_t ms = first - now;
		struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
		event_add(q->timer, &tv);
	}
}

/* --- handles */

static struct pb_sbx_message *
find_in(struct pb_sbx_messages *list, const char *handle, bool *ret_is_latest)
{
	struct pb_sbx_message *m;
	const json_t *h;
	size_t i;
	TAILQ_FOREACH(m, list, link)
	{
		json_array_foreach (m->handles, i, h) {
			if (!pb_streq(json_string_value(h), handle))
				continue;
			*ret_is_latest = i + 1 == json_array_size(m->handles);
			return m;
		}
	}
	return NULL;
}

struct pb_sbx_message *
pb_sbx_queue_find(struct pb_sbx_queue *q, const char *handle, bool *ret_is_latest)
{
	struct pb_sbx_message *m = find_in(&q->live, handle, ret_is_latest);
	return m != NULL ? m : find_in(&q->deleted, handle, ret_is_latest);
}

void
pb_sbx_queue_delete(struct pb_sbx_queue *q, struct pb_sbx_message *m)
{
	if (m->state == PB_SBX_DELETED)
		return;
	TAILQ_REMOVE(&q->live, m, link);
	TAILQ_INSERT_TAIL(&q->deleted, m, link);
	m->state = PB_SBX_DELETED;
	if (q->is_fifo)
		pb_sbx_queue_kick(q); /* its group is free again */
}

/* --- looking */

static json_t *
message_json(const struct pb_sbx_message *m)
{
	json_t *out =
	    json_pack("{s:s, s:s, s:I, s:I, s:I, s:i}", "id", m->id, "body", m->body, "receives",
		(json_int_t)m->n_receives, "sent_at", (json_int_t)m->sent_at, "first_received_at",
		(json_int_t)m->first_received_at, "handles", (int)json_array_size(m->handles));
	pb_json_set_str(out, "group", m->group);
	pb_json_set_str(out, "dedup", m->dedup);
	if (m->attributes != NULL)
		json_object_set(out, "attributes", m->attributes);
	return out;
}

json_t *
pb_sbx_queue_json(struct pb_sbx_queue *q)
{
	json_t *visible = json_array(), *inflight = json_array(), *deleted = json_array();
	int64_t now = pb_sbx_mono(q->sb);
	struct pb_sbx_message *m;

	TAILQ_FOREACH(m, &q->live, link)
	{
		bool is_out = m->state == PB_SBX_INFLIGHT && m->visible_from > now;
		json_array_append_new(is_out ? inflight : visible, message_json(m));
	}
	TAILQ_FOREACH(m, &q->deleted, link)
	{
		json_array_append_new(deleted, message_json(m));
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", q->name, "url", q->url, "arn",
	    q->arn, "visible", visible, "inflight", inflight, "deleted", deleted);
}
