/*
 * The sqs source.
 *
 * A message in memory:
 *	undecided -> deletable	its receipt came, or it is no event
 *	undecided -> forgotten	released, its handle is void, or 12 hours are over: it will come again
 *	deletable -> deleting	in a batch
 *	deleting -> forgotten	deleted, or given up after some tries: it will come again
 *	deleting -> deletable	failed, to be tried again
 * Messages that must come again (digest wrong, not readable yet) are never taken in.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/sqs.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "daemon/poller_internal.h"
#include "event/reader.h"

#define BATCH_MAX 10U
#define DELETE_AFTER 100 /* ms that a deletion waits for company */
#define DELETE_TRIES 5U
#define BATCHES_MAX 4U /* under way at once */
#define RETRY_BASE (PB_SECOND / 2)
#define IDLE_FOR PB_SECOND /* between receives that find nothing and do not wait */
#define INFLIGHT_MAX (12 * PB_HOUR) /* the service's own limit */
#define MESSAGE_SHOWN_MAX (64U << 10)

enum message_state { UNDECIDED, DELETABLE, DELETING };

struct message {
	uint64_t seq;
	enum message_state state;
	char *handle, *id;
	int64_t received_at, due_at; /* monotonic; due: to be extended, or deleted */
	bool is_extending;
	unsigned tries;
};

struct receiver {
	struct pb_sqs *q;
	struct pb_client_call *call;
	struct pb_loop_timer *timer;
	bool is_held; /* too many undecided: waits for decisions */
};

enum batch_kind { BATCH_DELETE, BATCH_EXTEND };
struct batch {
	struct pb_sqs *q;
	struct batch *prev, *next;
	enum batch_kind kind;
	struct pb_client_call *call;
	uint64_t seqs[BATCH_MAX];
	size_t n;
};

struct pb_sqs {
	struct pb_poller *p;
	char account[13]; /* of the queue's URL; "" = not in it */
	char region[PB_AWS_REGION_MAX]; /* the same */
	struct pb_event_reader *reader;
	struct receiver *receivers;
	size_t n_receivers;
	struct pb_map *messages; /* seq as text -> struct message */
	uint64_t next_seq;
	size_t n_undecided;
	struct batch *batches;
	size_t n_batches;
	struct pb_loop_timer *delete_timer, *extend_timer;
	struct pb_trouble receive_trouble, delete_trouble, extend_trouble;
	uint64_t n_deleted, n_corrupt;
};

static void receive(void *arg);
static void delete_due(void *arg);
static void extend_due(void *arg);

/* "https://sqs.eu-west-1.amazonaws.com/111122223333/alarms" */
static void
read_queue_url(struct pb_sqs *q)
{
	const char *url = q->p->source.queue_url, *at = strstr(url, "://");
	size_t n = 0;
	at = at ? strchr(at + 3, '/') : NULL;
	while (at && n < 12 && isdigit((unsigned char)at[1 + n]))
		n++;
	if (n == 12 && at[13] == '/')
		snprintf(q->account, sizeof(q->account), "%.12s", at + 1);
	if (!pb_aws_queue_url_region(url, q->region) && q->p->source.region)
		snprintf(q->region, sizeof(q->region), "%s", q->p->source.region);
}

struct pb_sqs *
pb_sqs_new(struct pb_poller *p)
{
	struct pb_sqs *q = pb_calloc(1, sizeof(*q));
	q->p = p;
	read_queue_url(q);
	q->reader = pb_event_reader_new();
	q->messages = pb_map_new();
	q->next_seq = 1;
	q->delete_timer = pb_loop_timer_new(p->loop, delete_due, q);
	q->extend_timer = pb_loop_timer_new(p->loop, extend_due, q);
	q->n_receivers = p->source.receivers > 0 ? (size_t)p->source.receivers : 1;
	q->receivers = pb_calloc(q->n_receivers, sizeof(*q->receivers));
	for (size_t i = 0; i < q->n_receivers; i++) {
		struct receiver *r = &q->receivers[i];
		r->q = q;
		r->timer = pb_loop_timer_new(p->loop, receive, r);
		pb_loop_timer_set(r->timer, 0);
	}
	return q;
}

void
pb_sqs_stop(struct pb_sqs *q)
{
	for (size_t i = 0; i < q->n_receivers; i++) {
		pb_client_cancel(PB_TAKE(q->receivers[i].call));
		pb_loop_timer_clear(q->receivers[i].timer);
	}
}

static void
free_message(void *value)
{
	struct message *m = value;
	free(m->handle);
	free(m->id);
	free(m);
}

static void
free_batch(struct batch *b)
{
	struct pb_sqs *q = b->q;
	if (b->prev)
		b->prev->next = b->next;
	else
		q->batches = b->next;
	if (b->next)
		b->next->prev = b->prev;
	q->n_batches--;
	pb_client_cancel(b->call);
	free(b);
}

void
pb_sqs_free(struct pb_sqs *q)
{
	if (!q)
		return;
	pb_sqs_stop(q);
	while (q->batches)
		free_batch(q->batches);
	for (size_t i = 0; i < q->n_receivers; i++)
		pb_loop_timer_free(q->receivers[i].timer);
	free(q->receivers);
	pb_loop_timer_free(q->delete_timer);
	pb_loop_timer_free(q->extend_timer);
	pb_map_free(q->messages, free_message);
	pb_event_reader_free(q->reader);
	free(q->receive_trouble.error);
	free(q->delete_trouble.error);
	free(q->extend_trouble.error);
	free(q);
}

bool
pb_sqs_is_idle(const struct pb_sqs *q)
{
	return pb_map_len(q->messages) == q->n_undecided;
}

void
pb_sqs_status(const struct pb_sqs *q, json_t *status)
{
	const struct pb_trouble *all[] = {
	    &q->receive_trouble, &q->delete_trouble, &q->extend_trouble};
	int64_t failures = 0;
	const char *error = NULL;
	for (size_t i = 0; i < PB_ARRAY_LEN(all); i++) {
		failures += all[i]->n;
		error = error ? error : all[i]->error;
	}
	pb_json_set_i64(status, "undecided", (int64_t)q->n_undecided);
	pb_json_set_i64(status, "deleted", (int64_t)q->n_deleted);
	pb_json_set_i64(status, "corrupt", (int64_t)q->n_corrupt);
	pb_json_set_i64(status, "failures", failures);
	pb_json_set_str(status, "last_error", error);
}

/* --- messages in memory */

static struct message *
find_message(const struct pb_sqs *q, uint64_t seq)
{
	char key[24];
	snprintf(key, sizeof(key), "%llu", (unsigned long long)seq);
	return pb_map_get(q->messages, key);
}

static void
resume_receivers(struct pb_sqs *q)
{
	for (size_t i = 0; i < q->n_receivers; i++) {
		struct receiver *r = &q->receivers[i];
		if (!r->is_held || q->n_undecided >= PB_POLLER_UNDECIDED_MAX)
			continue;
		r->is_held = false;
		if (!q->p->is_stopped)
			pb_loop_timer_set(r->timer, 0);
	}
}

static void
decided(struct pb_sqs *q, struct message *m)
{
	pb_check(m->state == UNDECIDED && q->n_undecided > 0);
	q->n_undecided--;
	resume_receivers(q);
}

static void
forget_message(struct pb_sqs *q, struct message *m)
{
	char key[24];
	if (m->state == UNDECIDED)
		decided(q, m);
	snprintf(key, sizeof(key), "%llu", (unsigned long long)m->seq);
	free_message(pb_map_del(q->messages, key));
}

static uint64_t
receipt_of(const struct pb_sqs *q, const struct message *m)
{
	return ((uint64_t)q->p->slot + 1) << 48 | m->seq;
}

/* The earliest time at which something is due in this state; 0 = nothing is. */
static int64_t
next_due(const struct pb_sqs *q, enum message_state state)
{
	int64_t first = 0;
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(q->messages, &i, &key, &value);) {
		const struct message *m = value;
		if (m->state != state || m->is_extending)
			continue;
		if (first == 0 || m->due_at < first)
			first = m->due_at;
	}
	return first;
}

static void
set_timer(const struct pb_sqs *q, struct pb_loop_timer *t, enum message_state state)
{
	int64_t due = next_due(q, state);
	if (due == 0)
		pb_loop_timer_clear(t);
	else
		pb_loop_timer_set(t, due - pb_clock_mono());
}

static struct message *
take_in(struct pb_sqs *q, const json_t *j)
{
	struct message *m = pb_calloc(1, sizeof(*m));
	char key[24];
	m->seq = q->next_seq++;
	m->handle = pb_strdup(pb_json_str_or(j, "ReceiptHandle", ""));
	m->id = pb_strdup(pb_json_str_or(j, "MessageId", ""));
	m->received_at = pb_clock_mono();
	m->due_at = m->received_at + q->p->source.visibility_for / 2;
	snprintf(key, sizeof(key), "%llu", (unsigned long long)m->seq);
	pb_map_put(q->messages, key, m);
	q->n_undecided++;
	if (!pb_loop_timer_is_set(q->extend_timer))
		set_timer(q, q->extend_timer, UNDECIDED);
	return m;
}

static void
make_deletable(struct pb_sqs *q, struct message *m)
{
	size_t n = 0;
	const char *key;
	void *value;
	decided(q, m);
	m->state = DELETABLE;
	m->due_at = pb_clock_mono() + DELETE_AFTER;
	for (size_t i = 0; pb_map_next(q->messages, &i, &key, &value);)
		n += ((const struct message *)value)->state == DELETABLE;
	if (n >= BATCH_MAX)
		pb_loop_timer_set(q->delete_timer, 0);
	else
		set_timer(q, q->delete_timer, DELETABLE);
}

void
pb_sqs_receipt(struct pb_sqs *q, uint64_t seq)
{
	struct message *m = find_message(q, seq);
	if (m && m->state == UNDECIDED)
		make_deletable(q, m);
}

void
pb_sqs_release(struct pb_sqs *q, uint64_t seq)
{
	struct message *m = find_message(q, seq);
	if (m && m->state == UNDECIDED)
		forget_message(q, m);
}

/* --- receiving */

static void
reject(struct pb_sqs *q, const json_t *j, struct pb_str body, int64_t count, const char *why)
{
	struct message *m = take_in(q, j);
	struct pb_input *in = pb_input_new(PB_IN_REJECT);
	in->source = pb_strdup(q->p->source.name);
	in->receipt = receipt_of(q, m);
	in->message_id = pb_strdup(m->id);
	in->message = pb_strndup(body.ptr, pb_utf8_cut(body, MESSAGE_SHOWN_MAX));
	in->count = count;
	in->text = pb_strdup(why);
	q->p->n_rejected++;
	q->p->ops.post(q->p->arg, in);
}

static int64_t
receive_count(const json_t *j)
{
	int64_t n = 1;
	const char *text = pb_json_str(pb_json_get(j, "Attributes"), "ApproximateReceiveCount");
	if (text && pb_parse_i64(pb_str_of(text), 1, INT32_MAX, &n, NULL) < 0)
		n = 1;
	return n;
}

static void
note_corrupt(struct pb_sqs *q, const char *id, const char *why)
{
	/* Each power of two: a broken path damages every message. */
	q->n_corrupt++;
	if ((q->n_corrupt & (q->n_corrupt - 1)) == 0)
		pb_warn("source %s: message %s: %s (%llu so far); leaving it on the queue",
		    q->p->source.name, id, why, (unsigned long long)q->n_corrupt);
}

static void
take_message(struct pb_sqs *q, const json_t *j)
{
	struct pb_poller *p = q->p;
	struct pb_error err = {0};
	char id[128], reason[128] = "";
	pb_safe(id, sizeof(id), pb_str_of(pb_json_str_or(j, "MessageId", "without id")));
	p->n_received++;
	if (!pb_json_str(j, "ReceiptHandle"))
		pb_fail(&err, PB_CORRUPT, "it has no ReceiptHandle");
	if (err.kind != PB_OK || pb_sqs_message_check(j, &err) < 0) {
		note_corrupt(q, id, err.text);
		return;
	}
	const json_t *text = pb_json_get(j, "Body");
	struct pb_str body = {json_string_value(text), json_string_length(text)};
	int64_t count = receive_count(j);
	const char *region = *q->region ? q->region : pb_client_region(p->client);
	const struct pb_matcher *m = p->ops.matcher ? p->ops.matcher(p->arg) : NULL;
	struct pb_event *e = NULL;
	switch (pb_event_read_body(
	    q->reader, m, body, q->account, region ? region : "", &e, reason, &err)) {
	case PB_BODY_EVENT:
		pb_poller_post_event(p, e, receipt_of(q, take_in(q, j)));
		break;
	case PB_BODY_IGNORE:
		pb_info("source %s: message %s is no event (%s), deleting it", p->source.name, id,
		    reason);
		make_deletable(q, take_in(q, j));
		break;
	case PB_BODY_BAD:
		if (count >= p->source.quarantine_after) {
			reject(q, j, body, count, err.text);
			break;
		}
		pb_info("source %s: message %s cannot be read: %s; leaving it on the queue "
			"(receive %lld of %lld)",
		    p->source.name, id, err.text, (long long)count,
		    (long long)p->source.quarantine_after);
		break;
	}
}

static void
on_received(const struct pb_client_result *result, void *arg)
{
	struct receiver *r = arg;
	struct pb_sqs *q = r->q;
	r->call = NULL;
	if (!result->is_ok) {
		int64_t delay = pb_trouble_failed(
		    q->p, &q->receive_trouble, "ReceiveMessage", result, RETRY_BASE);
		q->p->next_at = pb_poller_now(q->p) + delay;
		pb_loop_timer_set(r->timer, delay);
		return;
	}
	pb_trouble_over(q->p, &q->receive_trouble, "ReceiveMessage");
	q->p->last_ok_at = pb_poller_now(q->p);
	q->p->next_at = 0;
	const json_t *messages = pb_json_get(result->output, "Messages");
	size_t i, n = json_array_size(messages);
	json_t *j;
	json_array_foreach (messages, i, j)
		take_message(q, j);
	bool is_idle = n == 0 && q->p->source.wait_for < PB_SECOND;
	pb_loop_timer_set(
	    r->timer, is_idle ? pb_client_jitter(q->p->client, IDLE_FOR, IDLE_FOR / 10) : 0);
}

static json_t *
whole_seconds(int64_t span)
{
	return json_integer((json_int_t)(span / PB_SECOND));
}

static void
ask(struct pb_sqs *q, const char *operation, json_t *inputs, pb_client_fn *fn, void *arg,
    struct pb_client_call **ret_call)
{
	pb_json_set_str(inputs, "QueueUrl", q->p->source.queue_url);
	struct pb_client_request req = {
	    .service = "sqs",
	    .operation = operation,
	    .inputs = inputs,
	    .region = q->region,
	};
	*ret_call = pb_client_call(q->p->client, &req, fn, arg);
	json_decref(inputs);
}

static bool
is_fifo(const char *queue_url)
{
	size_t len = strlen(queue_url);
	return len > 5 && pb_streq(queue_url + len - 5, ".fifo");
}

static void
receive(void *arg)
{
	struct receiver *r = arg;
	struct pb_sqs *q = r->q;
	const struct pb_source *s = &q->p->source;
	if (q->n_undecided >= PB_POLLER_UNDECIDED_MAX) {
		r->is_held = true;
		return;
	}
	json_t *inputs = json_pack("{s:i, s:o, s:o, s:[s], s:[s]}", "MaxNumberOfMessages",
	    (int)BATCH_MAX, "VisibilityTimeout", whole_seconds(s->visibility_for),
	    "WaitTimeSeconds", whole_seconds(s->wait_for), "MessageSystemAttributeNames", "All",
	    "MessageAttributeNames", "All");
	/* A FIFO queue then answers a repeated attempt with the messages of the lost one. */
	if (is_fifo(s->queue_url)) {
		char id[37];
		pb_client_uuid(q->p->client, id);
		pb_json_set_str(inputs, "ReceiveRequestAttemptId", id);
	}
	ask(q, "ReceiveMessage", inputs, on_received, r, &r->call);
}

/* --- batches */

static const json_t *
entry_of(const json_t *output, const char *list, uint64_t seq)
{
	char id[24];
	size_t i;
	json_t *entry;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)seq);
	json_array_foreach (pb_json_get(output, list), i, entry)
		if (pb_streq(pb_json_str(entry, "Id"), id))
			return entry;
	return NULL;
}

/* The message came back to the queue meanwhile: this handle will never do again. */
static bool
is_handle_void(const json_t *failed)
{
	const char *code = pb_json_str_or(failed, "Code", "");
	return strstr(code, "ReceiptHandleIsInvalid") || strstr(code, "MessageNotInflight") ||
	    strstr(code, "InvalidParameterValue");
}

static void
delete_failed(struct pb_sqs *q, struct message *m)
{
	m->state = DELETABLE;
	m->due_at = pb_clock_mono() + (PB_SECOND << m->tries);
	if (++m->tries < DELETE_TRIES)
		return;
	pb_warn("source %s: message %s cannot be deleted; it will come again and be known",
	    q->p->source.name, m->id);
	forget_message(q, m);
}

/* `output` is NULL when the whole call failed. */
static void
end_delete(struct pb_sqs *q, struct message *m, const json_t *output)
{
	if (entry_of(output, "Successful", m->seq)) {
		q->n_deleted++;
		forget_message(q, m);
	} else if (is_handle_void(entry_of(output, "Failed", m->seq))) {
		pb_info("source %s: the handle of message %s is void; it will come again and be "
			"known",
		    q->p->source.name, m->id);
		forget_message(q, m);
	} else {
		delete_failed(q, m);
	}
}

static void
end_extend(struct pb_sqs *q, struct message *m, const json_t *output)
{
	int64_t visibility = q->p->source.visibility_for;
	m->is_extending = false;
	if (m->state != UNDECIDED)
		return;
	if (entry_of(output, "Successful", m->seq)) {
		m->due_at = pb_clock_mono() + visibility / 2;
	} else if (is_handle_void(entry_of(output, "Failed", m->seq))) {
		pb_info("source %s: message %s went back to the queue undecided; it will come "
			"again",
		    q->p->source.name, m->id);
		forget_message(q, m);
	} else {
		m->due_at = pb_clock_mono() + visibility / 8;
	}
}

static void
on_batch(const struct pb_client_result *result, void *arg)
{
	struct batch *b = arg;
	struct pb_sqs *q = b->q;
	bool is_delete = b->kind == BATCH_DELETE;
	struct pb_trouble *t = is_delete ? &q->delete_trouble : &q->extend_trouble;
	const char *name = is_delete ? "DeleteMessageBatch" : "ChangeMessageVisibilityBatch";
	b->call = NULL;
	if (result->is_ok)
		pb_trouble_over(q->p, t, name);
	else
		pb_trouble_failed(q->p, t, name, result, RETRY_BASE);
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = find_message(q, b->seqs[i]);
		if (!m)
			continue;
		if (is_delete)
			end_delete(q, m, result->output);
		else
			end_extend(q, m, result->output);
	}
	free_batch(b);
	set_timer(q, q->delete_timer, DELETABLE);
	set_timer(q, q->extend_timer, UNDECIDED);
}

static struct batch *
new_batch(struct pb_sqs *q, enum batch_kind kind)
{
	struct batch *b = pb_calloc(1, sizeof(*b));
	b->q = q;
	b->kind = kind;
	b->next = q->batches;
	if (q->batches)
		q->batches->prev = b;
	q->batches = b;
	q->n_batches++;
	return b;
}

static json_t *
entry_for(const struct message *m)
{
	json_t *entry = json_object();
	char id[24];
	snprintf(id, sizeof(id), "%llu", (unsigned long long)m->seq);
	pb_json_set_str(entry, "Id", id);
	pb_json_set_str(entry, "ReceiptHandle", m->handle);
	return entry;
}

static bool
is_due(const struct message *m, enum message_state state, int64_t now)
{
	/* What is nearly due goes along: one call for many. */
	int64_t ahead = DELETE_AFTER;
	return m->state == state && !m->is_extending && m->due_at <= now + ahead;
}

/* One batch of what is due; false when nothing is. */
static bool
send_deletes(struct pb_sqs *q)
{
	int64_t now = pb_clock_mono();
	json_t *entries = json_array();
	struct batch *b = NULL;
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(q->messages, &i, &key, &value);) {
		struct message *m = value;
		if (!is_due(m, DELETABLE, now))
			continue;
		if (!b)
			b = new_batch(q, BATCH_DELETE);
		m->state = DELETING;
		b->seqs[b->n++] = m->seq;
		json_array_append_new(entries, entry_for(m));
		if (b->n == BATCH_MAX)
			break;
	}
	json_t *inputs = json_pack("{s:o}", "Entries", entries);
	if (b)
		ask(q, "DeleteMessageBatch", inputs, on_batch, b, &b->call);
	else
		json_decref(inputs);
	return b != NULL;
}

static void
delete_due(void *arg)
{
	struct pb_sqs *q = arg;
	while (q->n_batches < BATCHES_MAX && send_deletes(q))
		;
	/* With all batches out, the next one that ends sets the timer. */
	if (q->n_batches < BATCHES_MAX)
		set_timer(q, q->delete_timer, DELETABLE);
}

static bool
is_at_limit(struct pb_sqs *q, struct message *m, int64_t now)
{
	if (now + q->p->source.visibility_for < m->received_at + INFLIGHT_MAX)
		return false;
	pb_warn("source %s: message %s is undecided for 12 hours, letting it come again",
	    q->p->source.name, m->id);
	forget_message(q, m);
	return true;
}

static bool
send_extensions(struct pb_sqs *q)
{
	int64_t now = pb_clock_mono();
	json_t *entries = json_array();
	struct batch *b = NULL;
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(q->messages, &i, &key, &value);) {
		struct message *m = value;
		if (!is_due(m, UNDECIDED, now) || is_at_limit(q, m, now))
			continue;
		if (!b)
			b = new_batch(q, BATCH_EXTEND);
		m->is_extending = true;
		b->seqs[b->n++] = m->seq;
		json_t *entry = entry_for(m);
		json_object_set_new(
		    entry, "VisibilityTimeout", whole_seconds(q->p->source.visibility_for));
		json_array_append_new(entries, entry);
		if (b->n == BATCH_MAX)
			break;
	}
	json_t *inputs = json_pack("{s:o}", "Entries", entries);
	if (b)
		ask(q, "ChangeMessageVisibilityBatch", inputs, on_batch, b, &b->call);
	else
		json_decref(inputs);
	return b != NULL;
}

static void
extend_due(void *arg)
{
	struct pb_sqs *q = arg;
	while (send_extensions(q))
		;
	set_timer(q, q->extend_timer, UNDECIDED);
}
