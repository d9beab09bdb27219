/*
 * Faults, signatures over the wire, the journal and the control API.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "tests/unit/runner.h"
#include "tests/unit/sandbox/world.h"

#define QUEUE "\"QueueUrl\":\"http://127.0.0.1/111122223333/q\""
#define SEND "{" QUEUE ",\"MessageBody\":\"x\"}"
#define TOPIC "TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A111122223333%3At&Message=m"

static void
start(struct world *w, const char *faults)
{
	world_start(w);
	world_do(w, "POST", "/_sandbox/queues", "{\"name\":\"q\"}");
	world_do(w, "POST", "/_sandbox/topics", "{\"name\":\"t\"}");
	if (faults != NULL)
		world_do(w, "POST", "/_sandbox/faults", faults);
}

static size_t
n_sent(const struct world *w)
{
	PB_JSON json_t *q = world_ask(w, "GET", "/_sandbox/queues/q", NULL);
	return json_array_size(pb_json_get(q, "visible"));
}

/* One fault on SendMessage: what the client sees, and whether the message is there. */
static const struct {
	const char *fault, *code;
	int status;
	bool is_complete;
	size_t sent;
} seen[] = {
    {"{\"fault\":\"throttle\"}", "RequestThrottled", 403, true, 0},
    {"{\"fault\":\"error\",\"code\":\"OverLimit\",\"status\":403}", "OverLimit", 403, true, 0},
    {"{\"fault\":\"server_error\"}", "InternalFailure", 500, true, 0},
    {"{\"fault\":\"server_error\",\"status\":503}", "ServiceUnavailable", 503, true, 0},
    {"{\"fault\":\"server_error\",\"status\":503,\"html\":true}", "", 503, true, 0},
    {"{\"fault\":\"reset\"}", "", 0, false, 0},
    {"{\"fault\":\"close\"}", "", 0, false, 0},
    {"{\"fault\":\"expired_token\"}", "ExpiredTokenException", 400, true, 0},
    {"{\"fault\":\"bad_signature\"}", "InvalidSignatureException", 400, true, 0},
    {"{\"fault\":\"skewed_date\",\"skew_ms\":600000}", "InvalidSignatureException", 400, true, 0},
    {"{\"fault\":\"skewed_date\",\"skew_ms\":-600000}", "InvalidSignatureException", 400, true, 0},
    {"{\"fault\":\"skewed_date\",\"skew_ms\":60000}", "", 200, true, 1},
    {"{\"fault\":\"answer\",\"status\":418,\"body\":\"teapot\"}", "", 418, true, 0},
    {"{\"fault\":\"delay\",\"delay_ms\":50}", "", 200, true, 1},
    {"{\"fault\":\"lost\"}", "", 0, false, 1},
    {"{\"fault\":\"lost\",\"reset\":true}", "", 0, false, 1},
    {"{\"fault\":\"drip\",\"bytes\":7,\"every_ms\":1}", "", 200, true, 1},
    {"{\"fault\":\"cut\"}", "", 200, false, 1},
    {"{\"fault\":\"empty\"}", "", 200, true, 1},
    {"{\"fault\":\"garbage\"}", "", 200, true, 1},
    {"{\"fault\":\"not_http\"}", "", 0, false, 1},
    {"{\"fault\":\"huge\"}", "", 200, false, 1},
    {"{\"fault\":\"wrong_md5\"}", "", 200, true, 1},
    {"{\"fault\":\"duplicate\"}", "", 200, true, 2},
};

START_TEST(a_fault_spoils_the_answer_and_not_more)
{
	WORLD w;
	start(&w, seen[_i].fault);
	OUTCOME o = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_msg(o.status == seen[_i].status && pb_streq(o.code, seen[_i].code) &&
		o.is_complete == seen[_i].is_complete,
	    "%s: %d %s %s", seen[_i].fault, o.status, o.code,
	    o.is_complete ? "complete" : "incomplete");
	ck_assert_uint_eq(n_sent(&w), seen[_i].sent);
	OUTCOME next = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_int_eq(next.status, 200);
	ck_assert_uint_eq(n_sent(&w), seen[_i].sent + 1);
}
END_TEST

START_TEST(query_services_have_their_own_codes)
{
	static const struct {
		const char *fault, *code;
		int status;
	} codes[] = {
	    {"{\"fault\":\"throttle\"}", "Throttling", 400},
	    {"{\"fault\":\"expired_token\"}", "ExpiredToken", 403},
	    {"{\"fault\":\"bad_signature\"}", "SignatureDoesNotMatch", 403},
	    {"{\"fault\":\"server_error\"}", "InternalFailure", 500},
	};
	WORLD w;
	start(&w, NULL);
	for (size_t i = 0; i < PB_ARRAY_LEN(codes); i++) {
		world_do(&w, "POST", "/_sandbox/faults", codes[i].fault);
		OUTCOME o = world_query(&w, "sns", "Publish", TOPIC);
		ck_assert_str_eq(o.code, codes[i].code);
		ck_assert_int_eq(o.status, codes[i].status);
	}
}
END_TEST

START_TEST(a_huge_answer_has_no_end_and_a_client_that_leaves_frees_it)
{
	WORLD w;
	start(&w, "{\"fault\":\"huge\"}");
	OUTCOME o = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_uint_ge(o.reply.body.len, 1 << 20);
	/* It still serves; the checks for leaks see whether the call went away. */
	ck_assert_uint_eq(n_sent(&w), 1);
}
END_TEST

START_TEST(a_call_that_hangs_is_not_answered_and_holds_nobody_else)
{
	WORLD w;
	char byte;
	struct sockaddr_in addr = {.sin_family = AF_INET};
	start(&w, "{\"fault\":\"hang\"}");
	PB_CLEANUP(pb_freep) char *request = world_request(&w, "sqs", "SendMessage", SEND);
	addr.sin_port = htons(w.port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	size_t n = 0;
	while (n == 0) { /* until the call has arrived */
		PB_JSON json_t *calls = world_ask(&w, "GET", "/_sandbox/calls", NULL);
		n = json_array_size(calls);
	}
	OUTCOME other = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE "}");
	ck_assert_int_eq(other.status, 200);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	(void)close(fd);
}
END_TEST

START_TEST(a_date_header_follows_the_skew)
{
	WORLD w;
	char date[PB_TIME_TEXT];
	int64_t at;
	start(&w, NULL);
	world_do(&w, "POST", "/_sandbox/clock", "{\"offset_ms\":3600000}");
	OUTCOME refused = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(refused.code, "InvalidSignatureException");
	const char *header = strstr(refused.reply.head.ptr, "Date: ");
	ck_assert_ptr_nonnull(header);
	(void)snprintf(date, sizeof(date), "%.29s", header + 6);
	ck_assert_int_eq(pb_time_parse_http(pb_str_of(date), &at, NULL), 0);
	ck_assert_int_gt(at, pb_clock_wall() + 3500000);
	w.skew = 3600000;
	OUTCOME good = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_int_eq(good.status, 200);
}
END_TEST

START_TEST(faults_match_skip_and_count)
{
	WORLD w;
	int expected[] = {200, 403, 403, 200};
	start(&w,
	    "[{\"fault\":\"throttle\",\"service\":\"sqs\",\"operation\":\"SendMessage\","
	    "\"match\":{\"MessageBody\":\"x\"},\"skip\":1,\"times\":2},"
	    "{\"fault\":\"server_error\",\"match\":\"special\"}]");
	OUTCOME other = world_json(&w, "sqs", "SendMessage", "{" QUEUE ",\"MessageBody\":\"y\"}");
	ck_assert_int_eq(other.status, 200);
	for (size_t i = 0; i < PB_ARRAY_LEN(expected); i++) {
		OUTCOME o = world_json(&w, "sqs", "SendMessage", SEND);
		ck_assert_int_eq(o.status, expected[i]);
	}
	OUTCOME special =
	    world_json(&w, "sqs", "SendMessage", "{" QUEUE ",\"MessageBody\":\"a special one\"}");
	ck_assert_int_eq(special.status, 500);
}
END_TEST

START_TEST(a_throttled_answer_may_say_when_to_come_back)
{
	WORLD w;
	start(&w, "{\"fault\":\"throttle\",\"retry_after_ms\":1500}");
	OUTCOME o = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_ptr_nonnull(strstr(o.reply.head.ptr, "x-amz-retry-after: 1500\r\n"));
}
END_TEST

START_TEST(a_fault_without_end_lasts_until_it_is_cleared)
{
	WORLD w;
	start(&w, "{\"fault\":\"throttle\",\"times\":0}");
	for (int i = 0; i < 3; i++) {
		OUTCOME o = world_json(&w, "sqs", "SendMessage", SEND);
		ck_assert_int_eq(o.status, 403);
	}
	world_do(&w, "DELETE", "/_sandbox/faults", NULL);
	OUTCOME o = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_int_eq(o.status, 200);
}
END_TEST

START_TEST(duplicates_and_reordering_happen_on_demand)
{
	WORLD w;
	start(&w, NULL);
	world_do(&w, "POST", "/_sandbox/send?queue=q", "1");
	world_do(&w, "POST", "/_sandbox/send?queue=q", "2");
	world_do(
	    &w, "POST", "/_sandbox/faults", "[{\"fault\":\"reorder\"},{\"fault\":\"duplicate\"}]");
	OUTCOME back = world_json(&w, "sqs", "ReceiveMessage",
	    "{" QUEUE ",\"MaxNumberOfMessages\":10,\"VisibilityTimeout\":0}");
	const json_t *m = pb_json_path(back.body, PB_STR("Messages[0].Body"));
	ck_assert_str_eq(json_string_value(m), "2");
	for (int i = 0; i < 2; i++) {
		OUTCOME o = world_json(
		    &w, "sqs", "ReceiveMessage", "{" QUEUE ",\"MaxNumberOfMessages\":10}");
		ck_assert_uint_eq(json_array_size(pb_json_get(o.body, "Messages")), 2);
	}
}
END_TEST

START_TEST(wrong_digests_are_wrong_in_what_is_received)
{
	WORLD w;
	start(&w, NULL);
	world_do(&w, "POST", "/_sandbox/send?queue=q", "hello");
	world_do(&w, "POST", "/_sandbox/faults", "{\"fault\":\"wrong_md5\"}");
	OUTCOME o = world_json(&w, "sqs", "ReceiveMessage", "{" QUEUE ",\"VisibilityTimeout\":0}");
	const json_t *md5 = pb_json_path(o.body, PB_STR("Messages[0].MD5OfBody"));
	ck_assert_str_ne(json_string_value(md5), "5d41402abc4b2a76b9719d911017c592");
}
END_TEST

/* --- signatures over the wire */

START_TEST(keys_are_told_apart)
{
	WORLD w;
	start(&w, NULL);
	w.secret_key = "wrong";
	OUTCOME wrong = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(wrong.code, "InvalidSignatureException");
	ck_assert_int_eq(wrong.status, 400);
	OUTCOME wrong_query = world_query(&w, "sns", "Publish", TOPIC);
	ck_assert_str_eq(wrong_query.code, "SignatureDoesNotMatch");
	ck_assert_int_eq(wrong_query.status, 403);
	w.secret_key = PB_SANDBOX_SECRET_KEY;
	w.access_key = "AKIDNOBODY";
	OUTCOME unknown = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(unknown.code, "UnrecognizedClientException");
	OUTCOME unknown_query = world_query(&w, "sns", "Publish", TOPIC);
	ck_assert_str_eq(unknown_query.code, "InvalidClientTokenId");
	ck_assert_uint_eq(n_sent(&w), 0);
}
END_TEST

START_TEST(a_session_token_is_wanted_and_may_expire)
{
	WORLD w;
	start(&w, NULL);
#define KEY "\"access_key\":\"ASIA\",\"secret_key\":\"s\",\"session_token\":\"tok/+=\""
	world_do(&w, "POST", "/_sandbox/credentials", "{" KEY "}");
	w.access_key = "ASIA";
	w.secret_key = "s";
	OUTCOME none = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(none.code, "UnrecognizedClientException");
	w.token = "tok/+=";
	OUTCOME good = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_int_eq(good.status, 200);
	world_do(&w, "POST", "/_sandbox/credentials", "{" KEY ",\"expired\":true}");
	OUTCOME expired = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(expired.code, "ExpiredTokenException");
	world_do(&w, "POST", "/_sandbox/credentials", "{" KEY ",\"remove\":true}");
	OUTCOME gone = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(gone.code, "UnrecognizedClientException");
}
END_TEST

START_TEST(calls_unsigned_changed_or_for_another_service_are_refused)
{
	WORLD w;
	start(&w, NULL);
	static const char unsigned_call[] =
	    "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n"
	    "Content-Length: 2\r\n\r\n{}";
	PB_CLEANUP(pb_sandbox_reply_fini) struct pb_sandbox_reply reply = {0};
	ck_assert_int_eq(
	    pb_sandbox_exchange(w.port, PB_STR(unsigned_call), 1 << 16, &reply, NULL), 0);
	ck_assert_ptr_nonnull(strstr(reply.body.ptr, "MissingAuthenticationTokenException"));
	PB_CLEANUP(pb_freep) char *request = world_request(&w, "sqs", "ListQueues", "{}");
	char *target = strstr(request, "AmazonSQS.ListQueues");
	ck_assert_ptr_nonnull(target);
	memcpy(target, "AmazonSQS.SendMessag", 20);
	PB_CLEANUP(pb_sandbox_reply_fini) struct pb_sandbox_reply changed = {0};
	ck_assert_int_eq(
	    pb_sandbox_exchange(w.port, pb_str_of(request), 1 << 16, &changed, NULL), 0);
	ck_assert_ptr_nonnull(strstr(changed.body.ptr, "InvalidSignatureException"));
	w.scope = "monitoring";
	OUTCOME other = world_json(&w, "sqs", "SendMessage", SEND);
	ck_assert_str_eq(other.code, "InvalidSignatureException");
}
END_TEST

/* --- the control API */

START_TEST(the_journal_tells_each_call)
{
	WORLD w;
	start(&w, "{\"fault\":\"throttle\"}");
	OUTCOME a = world_json(&w, "sqs", "SendMessage", SEND);
	OUTCOME b = world_query(&w, "sns", "Publish", TOPIC);
	w.secret_key = "wrong";
	OUTCOME c = world_json(&w, "cloudwatch", "DescribeAlarms", "{\"MaxRecords\":7}");
	ck_assert_int_eq(a.status + b.status + c.status, 403 + 200 + 400);
	PB_JSON json_t *calls = world_ask(&w, "GET", "/_sandbox/calls", NULL);
	ck_assert_uint_eq(json_array_size(calls), 3);
	const json_t *first = json_array_get(calls, 0), *last = json_array_get(calls, 2);
	ck_assert_str_eq(pb_json_str_or(first, "operation", ""), "SendMessage");
	ck_assert_str_eq(pb_json_str_or(first, "fault", ""), "throttle");
	ck_assert_str_eq(pb_json_str_or(first, "user_agent", ""), "unit/1");
	ck_assert(pb_json_bool(first, "is_verified", false));
	ck_assert_int_eq(pb_json_i64(first, "status", 0), 403);
	ck_assert(!pb_json_bool(last, "is_verified", true));
	ck_assert_int_eq(pb_json_i64(pb_json_get(last, "input"), "MaxRecords", 0), 7);
	PB_JSON json_t *some =
	    world_ask(&w, "GET", "/_sandbox/calls?service=sns&operation=Publish&since=1", NULL);
	ck_assert_uint_eq(json_array_size(some), 1);
	ck_assert_str_eq(
	    pb_json_str_or(pb_json_get(json_array_get(some, 0), "input"), "Message", ""), "m");
}
END_TEST

START_TEST(a_reset_forgets_everything_and_ends_no_connection)
{
	WORLD w;
	start(&w, "{\"fault\":\"throttle\",\"times\":0}");
	world_do(&w, "POST", "/_sandbox/reset", NULL);
	PB_JSON json_t *queues = world_ask(&w, "GET", "/_sandbox/queues", NULL);
	ck_assert_uint_eq(json_array_size(queues), 0);
	OUTCOME o = world_json(&w, "sqs", "ListQueues", "{}");
	ck_assert_int_eq(o.status, 200);
}
END_TEST

static const struct {
	const char *method, *target, *body, *says;
} refusals[] = {
    {"POST", "/_sandbox/faults", "{\"fault\":\"throtle\"}", "did you mean \"throttle\""},
    {"POST", "/_sandbox/faults", "[{\"fault\":\"reset\"},{\"times\":1}]", "fault 2"},
    {"POST", "/_sandbox/faults", "{\"fault\":\"reset\",\"colour\":1}", "no member \"colour\""},
    {"POST", "/_sandbox/faults", "{\"fault\":\"reset\",\"times\":\"1\"}", "wrong type"},
    {"POST", "/_sandbox/faults", "{", "body"},
    {"GET", "/_sandbox/nothing", NULL, "no GET /_sandbox/nothing"},
    {"GET", "/_sandbox/queues/none", NULL, "no queue"},
    {"GET", "/_sandbox/topics/none", NULL, "no topic"},
    {"POST", "/_sandbox/alarms", "{}", "\"name\""},
    {"POST", "/_sandbox/alarms/none/state", "{\"state\":\"OK\"}", "no alarm"},
    {"POST", "/_sandbox/send?queue=q", "\xff", "UTF-8"},
    {"POST", "/_sandbox/send?queue=none", "x", "queue"},
    {"POST", "/_sandbox/clock", "{\"advance_ms\":-1}", "negative"},
};

START_TEST(a_wrong_control_call_is_told_why)
{
	WORLD w;
	struct pb_error err = {0};
	start(&w, NULL);
	ck_assert_int_eq(pb_sandbox_ask(w.port, refusals[_i].method, refusals[_i].target,
			     refusals[_i].body, NULL, &err),
	    -1);
	ck_assert_msg(strstr(err.text, refusals[_i].says) != NULL, "%s", err.text);
}
END_TEST

PB_SUITE(sandbox_faults)
{
	pb_add_loop(s, a_fault_spoils_the_answer_and_not_more, 0, (int)PB_ARRAY_LEN(seen));
	pb_add(s, query_services_have_their_own_codes);
	pb_add(s, a_huge_answer_has_no_end_and_a_client_that_leaves_frees_it);
	pb_add(s, a_call_that_hangs_is_not_answered_and_holds_nobody_else);
	pb_add(s, a_date_header_follows_the_skew);
	pb_add(s, faults_match_skip_and_count);
	pb_add(s, a_throttled_answer_may_say_when_to_come_back);
	pb_add(s, a_fault_without_end_lasts_until_it_is_cleared);
	pb_add(s, duplicates_and_reordering_happen_on_demand);
	pb_add(s, wrong_digests_are_wrong_in_what_is_received);
	pb_add(s, keys_are_told_apart);
	pb_add(s, a_session_token_is_wanted_and_may_expire);
	pb_add(s, calls_unsigned_changed_or_for_another_service_are_refused);
	pb_add(s, the_journal_tells_each_call);
	pb_add(s, a_reset_forgets_everything_and_ends_no_connection);
	pb_add_loop(s, a_wrong_control_call_is_told_why, 0, (int)PB_ARRAY_LEN(refusals));
}
