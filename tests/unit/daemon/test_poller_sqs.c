/*
 * The sqs source: events and receipts, digests, quarantine, visibility, deletion, failures.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/unit/daemon/world.h"

#define EVENT                                                                                      \
	"{\"version\":\"0\",\"id\":\"%s\",\"detail-type\":\"Test\",\"source\":\"my.app\","         \
	"\"account\":\"111122223333\",\"time\":\"2026-03-03T09:14:05Z\",\"region\":\"us-east-1\"," \
	"\"resources\":[],\"detail\":{}}"

static struct pb_source
source(void)
{
	static char name[] = "bus", url[] = WORLD_QUEUE;
	return (struct pb_source){
	    .name = name,
	    .type = PB_SOURCE_SQS,
	    .queue_url = url,
	    .wait_for = PB_SECOND,
	    .visibility_for = 2 * PB_MINUTE,
	    .receivers = 1,
	    .quarantine_after = 3,
	};
}

static struct pb_poller *
start(struct world *w, const struct pb_source *s)
{
	struct pb_poller_ops ops = world_poller_ops();
	world_client(w);
	return pb_poller_new(w->loop, w->client, s, 3, &ops, w);
}

static void
open_queue(struct world *w)
{
	world_open(w);
	world_tell(w, "/_sandbox/queues", "{\"name\":\"events\"}");
}

static void
finish(struct world *w, struct pb_poller *p)
{
	pb_poller_free(p);
	world_close(w);
}

static void
send_body(struct world *w, const char *body)
{
	world_tell(w, "/_sandbox/send?queue=events", body);
}

static void
send_events(struct world *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char id[32], body[400];
		snprintf(id, sizeof(id), "event-%zu", i);
		snprintf(body, sizeof(body), EVENT, id);
		send_body(w, body);
	}
}

/* Members of the queue: "visible", "inflight" or "deleted". */
static size_t
n_in_queue(struct world *w, const char *list)
{
	PB_JSON json_t *q = world_ask(w, "GET", "/_sandbox/queues/events", NULL);
	return json_array_size(pb_json_get(q, list));
}

static bool
is_deleted(struct world *w, void *arg)
{
	return n_in_queue(w, "deleted") >= *(size_t *)arg;
}

static void
until_deleted(struct world *w, size_t n)
{
	world_until(w, is_deleted, &n);
}

static bool
is_logged(struct world *w, void *arg)
{
	return w->log.ptr && strstr(w->log.ptr, arg);
}

static void
until_logged(struct world *w, const char *text)
{
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(text);
	world_until(w, is_logged, copy);
}

struct calls {
	const char *operation;
	size_t n;
};

static bool
has_calls(struct world *w, void *arg)
{
	const struct calls *c = arg;
	return world_n_calls(w, c->operation) >= c->n;
}

static void
until_calls(struct world *w, const char *operation, size_t n)
{
	struct calls c = {operation, n};
	world_until(w, has_calls, &c);
}

static bool
is_poller_idle(struct world *w, void *arg)
{
	(void)w;
	return pb_poller_is_idle(arg);
}

static void
acknowledge_all(struct world *w, struct pb_poller *p)
{
	for (size_t i = 0; i < w->n_inputs; i++)
		pb_poller_receipt(p, w->inputs[i]->receipt);
}

static int64_t
status_of(struct pb_poller *p, const char *member)
{
	PB_JSON json_t *j = pb_poller_json(p);
	return pb_json_i64(j, member, -1);
}

/* --- events and receipts */

START_TEST(a_message_becomes_an_event_and_is_deleted_after_its_receipt)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	const struct pb_input *in = w.inputs[0];
	ck_assert_int_eq(in->kind, PB_IN_EVENT);
	ck_assert_str_eq(in->source, "bus");
	ck_assert_str_eq(in->event->id, "event-0");
	ck_assert_ptr_null(in->event->tree); /* read by its bytes */
	ck_assert_uint_ne(in->event->matched_by, 0);
	ck_assert_uint_eq(PB_POLLER_SLOT(in->receipt), 3);
	ck_assert_int_eq(status_of(p, "undecided"), 1);

	world_rounds(&w, 200);
	ck_assert_uint_eq(world_n_calls(&w, "DeleteMessageBatch"), 0);
	ck_assert(pb_poller_is_idle(p));
	pb_poller_receipt(p, in->receipt);
	ck_assert(!pb_poller_is_idle(p));
	until_deleted(&w, 1);
	world_until(&w, is_poller_idle, p);
	ck_assert_int_eq(status_of(p, "undecided"), 0);
	ck_assert_int_eq(status_of(p, "deleted"), 1);
	finish(&w, p);
}
END_TEST

START_TEST(a_released_message_is_not_deleted_and_makes_room)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	pb_poller_release(p, w.inputs[0]->receipt);
	ck_assert_int_eq(status_of(p, "undecided"), 0);
	pb_poller_receipt(p, w.inputs[0]->receipt);
	ck_assert(pb_poller_is_idle(p));
	world_rounds(&w, 200);
	ck_assert_uint_eq(world_n_calls(&w, "DeleteMessageBatch"), 0);
	finish(&w, p);
}
END_TEST

START_TEST(deletions_go_in_batches_of_ten)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 25);
	struct pb_source s = source();
	s.receivers = 3;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 25);
	acknowledge_all(&w, p);
	until_deleted(&w, 25);
	ck_assert_uint_eq(world_n_calls(&w, "DeleteMessageBatch"), 3);
	finish(&w, p);
}
END_TEST

START_TEST(receipts_of_others_and_twice_are_ignored)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	pb_poller_receipt(p, w.inputs[0]->receipt + 1);
	pb_poller_receipt(p, w.inputs[0]->receipt + (UINT64_C(1) << 48));
	pb_poller_receipt(p, 0);
	ck_assert(pb_poller_is_idle(p));
	pb_poller_receipt(p, w.inputs[0]->receipt);
	pb_poller_receipt(p, w.inputs[0]->receipt);
	until_deleted(&w, 1);
	pb_poller_receipt(p, w.inputs[0]->receipt);
	world_until(&w, is_poller_idle, p);
	finish(&w, p);
}
END_TEST

START_TEST(a_stopped_poller_still_deletes_what_is_decided)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 2);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 2);
	pb_poller_stop(p);
	size_t n = world_n_calls(&w, "ReceiveMessage");
	acknowledge_all(&w, p);
	until_deleted(&w, 2);
	/* One may have been on its way when it was stopped. */
	ck_assert_uint_le(world_n_calls(&w, "ReceiveMessage"), n + 1);
	finish(&w, p);
}
END_TEST

START_TEST(too_many_undecided_messages_stop_the_receiving)
{
	struct world w;
	open_queue(&w);
	char body[400];
	snprintf(body, sizeof(body), EVENT, "same");
	world_tell(&w, "/_sandbox/send?queue=events&count=1100", body);
	struct pb_source s = source();
	s.wait_for = 0;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, PB_POLLER_UNDECIDED_MAX);
	world_rounds(&w, 100);
	ck_assert_uint_eq(w.n_inputs, PB_POLLER_UNDECIDED_MAX);
	acknowledge_all(&w, p);
	world_until_inputs(&w, 1100);
	finish(&w, p);
}
END_TEST

/* --- what is not as it should be */

START_TEST(a_damaged_message_is_neither_acted_on_nor_deleted)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"wrong_md5\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_logged(&w, "does not fit its MD5");
	ck_assert_uint_eq(w.n_inputs, 0);
	ck_assert_int_eq(status_of(p, "corrupt"), 1);
	world_rounds(&w, 200);
	ck_assert_uint_eq(world_n_calls(&w, "DeleteMessageBatch"), 0);
	ck_assert_uint_eq(n_in_queue(&w, "inflight"), 1);
	world_tell(&w, "/_sandbox/clock", "{\"advance_ms\":130000}");
	world_until_inputs(&w, 1);
	ck_assert_int_eq(w.inputs[0]->kind, PB_IN_EVENT);
	finish(&w, p);
}
END_TEST

START_TEST(what_cannot_be_read_is_rejected_after_some_receives)
{
	struct world w;
	open_queue(&w);
	send_body(&w, "not { json");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_logged(&w, "receive 1 of 3");
	world_tell(&w, "/_sandbox/clock", "{\"advance_ms\":130000}");
	until_logged(&w, "receive 2 of 3");
	ck_assert_uint_eq(w.n_inputs, 0);
	world_tell(&w, "/_sandbox/clock", "{\"advance_ms\":130000}");
	world_until_inputs(&w, 1);
	const struct pb_input *in = w.inputs[0];
	ck_assert_int_eq(in->kind, PB_IN_REJECT);
	ck_assert_str_eq(in->source, "bus");
	ck_assert_str_eq(in->message, "not { json");
	ck_assert_int_eq(in->count, 3);
	ck_assert_ptr_nonnull(in->message_id);
	ck_assert(in->text && *in->text);
	ck_assert_uint_eq(n_in_queue(&w, "deleted"), 0);
	pb_poller_receipt(p, in->receipt);
	until_deleted(&w, 1);
	finish(&w, p);
}
END_TEST

START_TEST(a_large_message_that_cannot_be_read_is_kept_in_part)
{
	struct world w;
	open_queue(&w);
	char *body = pb_malloc(200001);
	for (size_t i = 0; i + 2 <= 200000; i += 2)
		memcpy(body + i, "\xc3\xa4", 2);
	body[200000] = '\0';
	body[0] = 'x';
	body[1] = 'y';
	body[2] = 'z';
	body[3] = 'z';
	send_body(&w, body);
	free(body);
	struct pb_source s = source();
	s.quarantine_after = 1;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	ck_assert_int_eq(w.inputs[0]->kind, PB_IN_REJECT);
	ck_assert_uint_le(strlen(w.inputs[0]->message), 64U << 10);
	ck_assert_uint_gt(strlen(w.inputs[0]->message), 65000);
	ck_assert(pb_utf8_is_valid(pb_str_of(w.inputs[0]->message)));
	finish(&w, p);
}
END_TEST

START_TEST(what_is_no_event_is_deleted_and_said)
{
	struct world w;
	open_queue(&w);
	send_body(&w,
	    "{\"Type\":\"SubscriptionConfirmation\",\"MessageId\":\"m\",\"Token\":\"t\","
	    "\"TopicArn\":\"arn:aws:sns:us-east-1:111122223333:pages\",\"Message\":\"You have\","
	    "\"SubscribeURL\":\"https://sns.us-east-1.amazonaws.com/?x\","
	    "\"Timestamp\":\"2026-03-03T09:14:05Z\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_deleted(&w, 1);
	ck_assert_uint_eq(w.n_inputs, 0);
	world_says(w.log.ptr, "is no event");
	finish(&w, p);
}
END_TEST

/* --- visibility */

START_TEST(undecided_messages_are_kept_from_coming_again)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 12);
	struct pb_source s = source();
	s.visibility_for = 2 * PB_SECOND;
	s.receivers = 2;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 12);
	until_calls(&w, "ChangeMessageVisibilityBatch", 6);
	ck_assert_uint_eq(w.n_inputs, 12);
	ck_assert_uint_eq(n_in_queue(&w, "inflight"), 12);
	acknowledge_all(&w, p);
	until_deleted(&w, 12);
	finish(&w, p);
}
END_TEST

START_TEST(a_failed_extension_is_tried_again)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"error\",\"operation\":\"ChangeMessageVisibilityBatch\"}");
	struct pb_source s = source();
	s.visibility_for = 2 * PB_SECOND;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	until_calls(&w, "ChangeMessageVisibilityBatch", 2);
	until_logged(&w, "ChangeMessageVisibilityBatch works again");
	ck_assert_uint_eq(w.n_inputs, 1);
	finish(&w, p);
}
END_TEST

START_TEST(a_message_that_went_back_is_forgotten_and_comes_again)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	struct pb_source s = source();
	s.visibility_for = 2 * PB_SECOND;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	world_tell(&w, "/_sandbox/clock", "{\"advance_ms\":130000}");
	world_until_inputs(&w, 2);
	ck_assert_str_eq(w.inputs[0]->event->id, w.inputs[1]->event->id);
	ck_assert_uint_ne(w.inputs[0]->receipt, w.inputs[1]->receipt);
	acknowledge_all(&w, p);
	until_deleted(&w, 1);
	world_until(&w, is_poller_idle, p);
	finish(&w, p);
}
END_TEST

/* --- failures */

#define FAULTY_DELETE(rest) "{\"operation\":\"DeleteMessageBatch\"," rest "}"
static const char *const delete_faults[] = {
    FAULTY_DELETE("\"fault\":\"error\",\"code\":\"SomethingNew\""),
    FAULTY_DELETE("\"fault\":\"server_error\",\"times\":3"),
    FAULTY_DELETE("\"fault\":\"answer\",\"body\":\"{\\\"Failed\\\":[{\\\"Id\\\":\\\"1\\\","
		  "\\\"SenderFault\\\":false,\\\"Code\\\":\\\"InternalError\\\"}]}\""),
    FAULTY_DELETE("\"fault\":\"answer\",\"body\":\"{}\""),
    FAULTY_DELETE("\"fault\":\"lost\",\"times\":3"),
};

START_TEST(a_failed_deletion_is_tried_again)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	world_tell(&w, "/_sandbox/faults", delete_faults[_i]);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	acknowledge_all(&w, p);
	until_deleted(&w, 1);
	world_until(&w, is_poller_idle, p);
	ck_assert_int_eq(status_of(p, "deleted"), 1);
	ck_assert_int_eq(status_of(p, "failures"), 0);
	finish(&w, p);
}
END_TEST

START_TEST(a_void_handle_is_not_deleted_for_ever)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 1);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"answer\",\"operation\":\"DeleteMessageBatch\",\"body\":\"{\\\"Failed\\\":"
	    "[{\\\"Id\\\":\\\"1\\\",\\\"SenderFault\\\":true,\\\"Code\\\":"
	    "\\\"ReceiptHandleIsInvalid\\\"}]}\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 1);
	acknowledge_all(&w, p);
	until_logged(&w, "is void");
	ck_assert(pb_poller_is_idle(p));
	ck_assert_uint_eq(world_n_calls(&w, "DeleteMessageBatch"), 1);
	finish(&w, p);
}
END_TEST

static const char *const receive_faults[] = {
    "{\"fault\":\"server_error\",\"operation\":\"ReceiveMessage\",\"times\":4}",
    "{\"fault\":\"reset\",\"operation\":\"ReceiveMessage\",\"times\":4}",
    "{\"fault\":\"garbage\",\"operation\":\"ReceiveMessage\",\"times\":1}",
    "{\"fault\":\"cut\",\"operation\":\"ReceiveMessage\",\"times\":1}",
    "{\"fault\":\"lost\",\"operation\":\"ReceiveMessage\",\"times\":1}",
    "{\"fault\":\"throttle\",\"operation\":\"ReceiveMessage\",\"times\":4}",
    "{\"fault\":\"error\",\"operation\":\"ReceiveMessage\",\"code\":\"KmsDisabled\",\"times\":2}",
};

START_TEST(a_failed_receive_loses_nothing)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 3);
	world_tell(&w, "/_sandbox/faults", receive_faults[_i]);
	struct pb_source s = source();
	s.visibility_for = 2 * PB_SECOND;
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 3);
	acknowledge_all(&w, p);
	until_deleted(&w, 3);
	ck_assert_int_eq(status_of(p, "failures"), 0);
	finish(&w, p);
}
END_TEST

START_TEST(attempts_of_a_receive_from_a_fifo_queue_carry_one_id)
{
	struct world w;
	char url[] = WORLD_QUEUE ".fifo";
	open_queue(&w);
	world_tell(&w, "/_sandbox/queues", "{\"name\":\"events.fifo\"}");
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"lost\",\"operation\":\"ReceiveMessage\"}");
	struct pb_source s = source();
	s.queue_url = url;
	struct pb_poller *p = start(&w, &s);
	until_calls(&w, "ReceiveMessage", 2);
	PB_JSON json_t *calls = world_ask(&w, "GET", "/_sandbox/calls", NULL);
	const char *first =
	    pb_json_str(pb_json_path(calls, PB_STR("[0].input")), "ReceiveRequestAttemptId");
	const char *second =
	    pb_json_str(pb_json_path(calls, PB_STR("[1].input")), "ReceiveRequestAttemptId");
	ck_assert_ptr_nonnull(first);
	ck_assert_str_eq(first, second);
	finish(&w, p);
}
END_TEST

START_TEST(a_queue_that_is_not_there_is_said_with_the_remedy)
{
	struct world w;
	world_open(&w);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_logged(&w, "source bus: ReceiveMessage: QueueDoesNotExist");
	world_says(w.log.ptr, "make the queue, or correct queue_url");
	PB_JSON json_t *status = pb_poller_json(p);
	world_says(pb_json_str(status, "last_error"), "QueueDoesNotExist");
	/* Slowly: nobody is helped by asking every second. */
	ck_assert_int_gt(pb_json_i64(status, "next_at", 0), pb_clock_wall() + 30 * PB_SECOND);
	finish(&w, p);
}
END_TEST

START_TEST(wrong_credentials_are_named_with_the_remedy)
{
	struct world w;
	open_queue(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", "AKIDNOBODY");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_logged(&w, "does not know the access key from environment AWS_ACCESS_KEY_ID");
	finish(&w, p);
}
END_TEST

START_TEST(a_queue_that_does_not_wait_is_not_asked_in_a_hurry)
{
	struct world w;
	open_queue(&w);
	struct pb_source s = source();
	s.wait_for = 0;
	struct pb_poller *p = start(&w, &s);
	world_rounds(&w, 500);
	ck_assert_uint_eq(world_n_calls(&w, "ReceiveMessage"), 1);
	finish(&w, p);
}
END_TEST

START_TEST(freeing_with_messages_and_batches_is_clean)
{
	struct world w;
	open_queue(&w);
	send_events(&w, 15);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"hang\",\"operation\":\"DeleteMessageBatch\",\"times\":0}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 15);
	for (size_t i = 0; i < 10; i++)
		pb_poller_receipt(p, w.inputs[i]->receipt);
	until_calls(&w, "DeleteMessageBatch", 1);
	ck_assert(!pb_poller_is_idle(p));
	finish(&w, p);
}
END_TEST

PB_SUITE(poller_sqs)
{
	pb_add(s, a_message_becomes_an_event_and_is_deleted_after_its_receipt);
	pb_add(s, a_released_message_is_not_deleted_and_makes_room);
	pb_add(s, deletions_go_in_batches_of_ten);
	pb_add(s, receipts_of_others_and_twice_are_ignored);
	pb_add(s, a_stopped_poller_still_deletes_what_is_decided);
	pb_add(s, too_many_undecided_messages_stop_the_receiving);
	pb_add(s, a_damaged_message_is_neither_acted_on_nor_deleted);
	pb_add(s, what_cannot_be_read_is_rejected_after_some_receives);
	pb_add(s, a_large_message_that_cannot_be_read_is_kept_in_part);
	pb_add(s, what_is_no_event_is_deleted_and_said);
	pb_add(s, undecided_messages_are_kept_from_coming_again);
	pb_add(s, a_failed_extension_is_tried_again);
	pb_add(s, a_message_that_went_back_is_forgotten_and_comes_again);
	pb_add_loop(s, a_failed_deletion_is_tried_again, 0, (int)PB_ARRAY_LEN(delete_faults));
	pb_add(s, a_void_handle_is_not_deleted_for_ever);
	pb_add_loop(s, a_failed_receive_loses_nothing, 0, (int)PB_ARRAY_LEN(receive_faults));
	pb_add(s, attempts_of_a_receive_from_a_fifo_queue_carry_one_id);
	pb_add(s, a_queue_that_is_not_there_is_said_with_the_remedy);
	pb_add(s, wrong_credentials_are_named_with_the_remedy);
	pb_add(s, a_queue_that_does_not_wait_is_not_asked_in_a_hurry);
	pb_add(s, freeing_with_messages_and_batches_is_clean);
}
