/*
 * The sandbox's SQS as a client sees it.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "tests/unit/runner.h"
#include "tests/unit/sandbox/world.h"

#define URL "http://127.0.0.1/111122223333/q"
#define QUEUE "\"QueueUrl\":\"" URL "\""

static void
start_with_queue(struct world *w, const char *body)
{
	world_start(w);
	world_do(w, "POST", "/_sandbox/queues", body);
}

static const json_t *
first_message(const struct outcome *o)
{
	return json_array_get(pb_json_get(o->body, "Messages"), 0);
}

static size_t
n_messages(const struct outcome *o)
{
	return json_array_size(pb_json_get(o->body, "Messages"));
}

static size_t
n_in(const struct world *w, const char *state)
{
	PB_JSON json_t *q = world_ask(w, "GET", "/_sandbox/queues/q", NULL);
	return json_array_size(pb_json_get(q, state));
}

/* The call's input with the handle of the first message of `o` filled in. */
static struct outcome
with_handle(const struct world *w, const char *operation, const struct outcome *o, const char *rest)
{
	PB_CLEANUP(pb_freep)
	char *input = pb_asprintf("{" QUEUE ",\"ReceiptHandle\":\"%s\"%s}",
	    pb_json_str_or(first_message(o), "ReceiptHandle", ""), rest);
	return world_json(w, "sqs", operation, input);
}

START_TEST(a_message_is_sent_received_and_deleted)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	OUTCOME sent =
	    world_json(&w, "sqs", "SendMessage", "{" QUEUE ",\"MessageBody\":\"hello\"}");
	ck_assert_int_eq(sent.status, 200);
	ck_assert_str_eq(
	    pb_json_str_or(sent.body, "MD5OfMessageBody", ""), "5d41402abc4b2a76b9719d911017c592");
	OUTCOME got = world_json(&w, "sqs", "ReceiveMessage",
	    "{" QUEUE ",\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\"]}");
	const json_t *m = first_message(&got);
	ck_assert_str_eq(pb_json_str_or(m, "Body", ""), "hello");
	ck_assert_str_eq(pb_json_str_or(m, "MD5OfBody", ""), "5d41402abc4b2a76b9719d911017c592");
	ck_assert_str_eq(
	    pb_json_str_or(m, "MessageId", ""), pb_json_str_or(sent.body, "MessageId", "?"));
	ck_assert_str_eq(
	    pb_json_str_or(pb_json_get(m, "Attributes"), "ApproximateReceiveCount", ""), "1");
	ck_assert_ptr_null(pb_json_str(pb_json_get(m, "Attributes"), "SentTimestamp"));
	ck_assert_uint_eq(n_in(&w, "inflight"), 1);
	OUTCOME deleted = with_handle(&w, "DeleteMessage", &got, "");
	ck_assert_int_eq(deleted.status, 200);
	OUTCOME again = with_handle(&w, "DeleteMessage", &got, "");
	ck_assert_int_eq(again.status, 200);
	ck_assert_uint_eq(n_in(&w, "deleted"), 1);
}
END_TEST

START_TEST(an_empty_receive_has_no_messages_member)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	OUTCOME got = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE "}");
	ck_assert_int_eq(got.status, 200);
	ck_assert_uint_eq(json_object_size(got.body), 0);
}
END_TEST

START_TEST(a_message_comes_back_when_its_visibility_ends_and_the_old_handle_deletes_nothing)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	world_do(&w, "POST", "/_sandbox/send?queue=q", "x");
	OUTCOME first =
	    world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"VisibilityTimeout\":60}");
	ck_assert_uint_eq(n_messages(&first), 1);
	OUTCOME hidden = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE "}");
	ck_assert_uint_eq(n_messages(&hidden), 0);
	world_do(&w, "POST", "/_sandbox/clock", "{\"advance_ms\":60001}");
	OUTCOME second = world_json(
	    &w, "sqs", "ReceiveMessage", "{" QUEUE ",\"MessageSystemAttributeNames\":[\"All\"]}");
	ck_assert_str_eq(pb_json_str_or(pb_json_get(first_message(&second), "Attributes"),
			     "ApproximateReceiveCount", ""),
	    "2");
	OUTCOME old = with_handle(&w, "DeleteMessage", &first, "");
	ck_assert_int_eq(old.status, 200);
	ck_assert_uint_eq(n_in(&w, "deleted"), 0);
	OUTCOME current = with_handle(&w, "DeleteMessage", &second, "");
	ck_assert_int_eq(current.status, 200);
	ck_assert_uint_eq(n_in(&w, "deleted"), 1);
}
END_TEST

START_TEST(visibility_is_extended_given_back_and_capped_at_twelve_hours)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	world_do(&w, "POST", "/_sandbox/send?queue=q", "x");
	OUTCOME got = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE "}");
	OUTCOME longer =
	    with_handle(&w, "ChangeMessageVisibility", &got, ",\"VisibilityTimeout\":40000");
	ck_assert_int_eq(longer.status, 200);
	world_do(&w, "POST", "/_sandbox/clock", "{\"advance_ms\":31000}");
	ck_assert_uint_eq(n_in(&w, "inflight"), 1);
	OUTCOME beyond =
	    with_handle(&w, "ChangeMessageVisibility", &got, ",\"VisibilityTimeout\":43200");
	ck_assert_str_eq(beyond.code, "InvalidParameterValue");
	OUTCOME back = with_handle(&w, "ChangeMessageVisibility", &got, ",\"VisibilityTimeout\":0");
	ck_assert_int_eq(back.status, 200);
	ck_assert_uint_eq(n_in(&w, "visible"), 1);
	OUTCOME late = with_handle(&w, "ChangeMessageVisibility", &got, ",\"VisibilityTimeout\":9");
	ck_assert_str_eq(late.code, "AWS.SimpleQueueService.MessageNotInflight");
}
END_TEST

START_TEST(a_long_poll_waits_for_its_time_and_no_longer)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	int64_t from = pb_clock_mono();
	OUTCOME got = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"WaitTimeSeconds\":1}");
	int64_t took = pb_clock_mono() - from;
	ck_assert_int_eq(got.status, 200);
	ck_assert_uint_eq(n_messages(&got), 0);
	ck_assert_msg(took >= 950 && took < 5000, "took %lld ms", (long long)took);
}
END_TEST

START_TEST(a_long_poll_ends_with_the_first_message)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	/* In flight for a second: it becomes visible while the poll waits. */
	world_do(&w, "POST", "/_sandbox/send?queue=q", "x");
	OUTCOME first =
	    world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"VisibilityTimeout\":1}");
	ck_assert_uint_eq(n_messages(&first), 1);
	int64_t from = pb_clock_mono();
	OUTCOME got = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"WaitTimeSeconds\":20}");
	ck_assert_uint_eq(n_messages(&got), 1);
	ck_assert_int_lt(pb_clock_mono() - from, 10000);
}
END_TEST

START_TEST(attributes_come_with_their_digest)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	OUTCOME sent = world_json(&w, "sqs", "SendMessage",
	    "{" QUEUE ",\"MessageBody\":\"x\",\"MessageAttributes\":{"
	    "\"severity\":{\"DataType\":\"String\",\"StringValue\":\"high\"},"
	    "\"shards\":{\"DataType\":\"Number\",\"StringValue\":\"3\"},"
	    "\"blob\":{\"DataType\":\"Binary.png\",\"BinaryValue\":\"iVBORw0KGgo=\"}}}");
	/* The value of an answer of the service with these three. */
	ck_assert_str_eq(pb_json_str_or(sent.body, "MD5OfMessageAttributes", ""),
	    "07ba24011916c148fba0ee4bd37cb58c");
	OUTCOME none =
	    world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"VisibilityTimeout\":0}");
	ck_assert_ptr_null(pb_json_str(first_message(&none), "MD5OfMessageAttributes"));
	OUTCOME all = world_json(
	    &w, "sqs", "ReceiveMessage", "{" QUEUE ",\"MessageAttributeNames\":[\"All\"]}");
	ck_assert_str_eq(pb_json_str_or(first_message(&all), "MD5OfMessageAttributes", ""),
	    "07ba24011916c148fba0ee4bd37cb58c");
}
END_TEST

START_TEST(a_batch_tells_each_entry_s_fate)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	world_do(&w, "POST", "/_sandbox/send?queue=q", "x");
	OUTCOME got = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE "}");
	PB_CLEANUP(pb_freep)
	char *input = pb_asprintf("{" QUEUE ",\"Entries\":[{\"Id\":\"a\",\"ReceiptHandle\":\"%s\"},"
				  "{\"Id\":\"b\",\"ReceiptHandle\":\"nonsense\"}]}",
	    pb_json_str_or(first_message(&got), "ReceiptHandle", ""));
	OUTCOME done = world_json(&w, "sqs", "DeleteMessageBatch", input);
	ck_assert_int_eq(done.status, 200);
	ck_assert_str_eq(
	    pb_json_str_or(json_array_get(pb_json_get(done.body, "Successful"), 0), "Id", ""), "a");
	const json_t *failed = json_array_get(pb_json_get(done.body, "Failed"), 0);
	ck_assert_str_eq(pb_json_str_or(failed, "Id", ""), "b");
	ck_assert_str_eq(pb_json_str_or(failed, "Code", ""), "ReceiptHandleIsInvalid");
}
END_TEST

START_TEST(a_message_received_too_often_goes_to_the_dead_letter_queue)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/queues", "{\"name\":\"dead\"}");
	world_do(&w, "POST", "/_sandbox/queues",
	    "{\"name\":\"q\",\"attributes\":{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":"
	    "\\\"arn:aws:sqs:us-east-1:111122223333:dead\\\",\\\"maxReceiveCount\\\":2}\"}}");
	world_do(&w, "POST", "/_sandbox/send?queue=q", "x");
	for (size_t i = 0; i < 3; i++) {
		OUTCOME got =
		    world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"VisibilityTimeout\":0}");
		ck_assert_uint_eq(n_messages(&got), i < 2 ? 1 : 0);
	}
	PB_JSON json_t *dead = world_ask(&w, "GET", "/_sandbox/queues/dead", NULL);
	ck_assert_uint_eq(json_array_size(pb_json_get(dead, "visible")), 1);
}
END_TEST

START_TEST(a_fifo_queue_keeps_order_within_a_group_and_drops_repeats)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/queues", "{\"name\":\"q.fifo\"}");
	static const char *const sends[][2] = {{"1", "a"}, {"1", "a"}, {"2", "a"}, {"3", "b"}};
	for (size_t i = 0; i < PB_ARRAY_LEN(sends); i++) {
		PB_CLEANUP(pb_freep)
		char *input =
		    pb_asprintf("{\"QueueUrl\":\"" URL ".fifo\",\"MessageBody\":\"%s\","
				"\"MessageGroupId\":\"%s\",\"MessageDeduplicationId\":\"%s\"}",
			sends[i][0], sends[i][1], sends[i][0]);
		OUTCOME sent = world_json(&w, "sqs", "SendMessage", input);
		ck_assert_int_eq(sent.status, 200);
	}
	OUTCOME first = world_json(&w, "sqs", "ReceiveMessage", "{\"QueueUrl\":\"" URL ".fifo\"}");
	ck_assert_str_eq(pb_json_str_or(first_message(&first), "Body", ""), "1");
	/* Group a is locked now: only b is to be had. */
	OUTCOME next = world_json(&w, "sqs", "ReceiveMessage",
	    "{\"QueueUrl\":\"" URL ".fifo\",\"MaxNumberOfMessages\":10}");
	ck_assert_uint_eq(n_messages(&next), 1);
	ck_assert_str_eq(pb_json_str_or(first_message(&next), "Body", ""), "3");
}
END_TEST

static const struct {
	const char *name, *operation, *input, *code;
	int status;
} mistakes[] = {
    {"no queue", "ReceiveMessage", "{\"QueueUrl\":\"http://x/1/none\"}",
	"AWS.SimpleQueueService.NonExistentQueue", 400},
    {"no url", "ReceiveMessage", "{}", "MissingParameter", 400},
    {"an address that is none", "ReceiveMessage", "{\"QueueUrl\":\"q\"}", "InvalidAddress", 404},
    {"eleven messages", "ReceiveMessage", "{" QUEUE ",\"MaxNumberOfMessages\":11}",
	"InvalidParameterValue", 400},
    {"too long a wait", "ReceiveMessage", "{" QUEUE ",\"WaitTimeSeconds\":21}",
	"InvalidParameterValue", 400},
    {"a handle of nobody", "DeleteMessage", "{" QUEUE ",\"ReceiptHandle\":\"x\"}",
	"ReceiptHandleIsInvalid", 404},
    {"no entries", "DeleteMessageBatch", "{" QUEUE ",\"Entries\":[]}",
	"AWS.SimpleQueueService.EmptyBatchRequest", 400},
    {"one id twice", "DeleteMessageBatch",
	"{" QUEUE ",\"Entries\":[{\"Id\":\"a\",\"ReceiptHandle\":\"x\"},"
	"{\"Id\":\"a\",\"ReceiptHandle\":\"x\"}]}",
	"AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400},
    {"an id with a blank", "DeleteMessageBatch",
	"{" QUEUE ",\"Entries\":[{\"Id\":\"a b\",\"ReceiptHandle\":\"x\"}]}",
	"AWS.SimpleQueueService.InvalidBatchEntryId", 400},
    {"an unknown attribute", "GetQueueAttributes", "{" QUEUE ",\"AttributeNames\":[\"Colour\"]}",
	"InvalidAttributeName", 400},
    {"an empty message", "SendMessage", "{" QUEUE ",\"MessageBody\":\"\"}", "MissingParameter",
	400},
    {"a control character", "SendMessage", "{" QUEUE ",\"MessageBody\":\"\\u0001\"}",
	"InvalidMessageContents", 400},
    {"not JSON", "SendMessage", "{", "SerializationException", 400},
    {"no such operation", "Dance", "{}", "UnknownOperationException", 400},
    {"a bad queue name", "CreateQueue", "{\"QueueName\":\"a b\"}", "InvalidParameterValue", 400},
};

START_TEST(a_mistake_is_answered_with_the_service_s_error)
{
	WORLD w;
	start_with_queue(&w, "{\"name\":\"q\"}");
	OUTCOME o = world_json(&w, "sqs", mistakes[_i].operation, mistakes[_i].input);
	ck_assert_msg(o.status == mistakes[_i].status && pb_streq(o.code, mistakes[_i].code),
	    "%s: %d %s", mistakes[_i].name, o.status, o.code);
}
END_TEST

PB_SUITE(sandbox_sqs)
{
	pb_add(s, a_message_is_sent_received_and_deleted);
	pb_add(s, an_empty_receive_has_no_messages_member);
	pb_add(s, a_message_comes_back_when_its_visibility_ends_and_the_old_handle_deletes_nothing);
	pb_add(s, visibility_is_extended_given_back_and_capped_at_twelve_hours);
	pb_add(s, a_long_poll_waits_for_its_time_and_no_longer);
	pb_add(s, a_long_poll_ends_with_the_first_message);
	pb_add(s, attributes_come_with_their_digest);
	pb_add(s, a_batch_tells_each_entry_s_fate);
	pb_add(s, a_message_received_too_often_goes_to_the_dead_letter_queue);
	pb_add(s, a_fifo_queue_keeps_order_within_a_group_and_drops_repeats);
	pb_add_loop(
	    s, a_mistake_is_answered_with_the_service_s_error, 0, (int)PB_ARRAY_LEN(mistakes));
}
