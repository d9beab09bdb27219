/*
 * The life of a sandbox in the caller's own process: nothing is left behind, whatever is going on.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "tests/unit/runner.h"
#include "tests/unit/sandbox/world.h"

#define QUEUE "\"QueueUrl\":\"http://127.0.0.1/111122223333/q\""

static int
begin_call(const struct world *w, const char *operation, const char *input)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(w->port)};
	PB_CLEANUP(pb_freep) char *request = world_request(w, "sqs", operation, input);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	return fd;
}

static void
control(struct pb_sandbox *sb, const char *target, const char *body)
{
	PB_JSON json_t *out = NULL;
	ck_assert_int_eq(pb_sandbox_control(sb, "POST", target, pb_str_of(body), &out), 200);
}

static size_t
n_calls(struct pb_sandbox *sb)
{
	PB_JSON json_t *out = NULL;
	ck_assert_int_eq(pb_sandbox_control(sb, "GET", "/_sandbox/calls", PB_STR(""), &out), 200);
	return json_array_size(out);
}

static const struct {
	const char *name, *faults, *operation, *input;
	bool is_client_gone;
} stages[] = {
    {"a long poll", "[]", "ReceiveMessage", "{" QUEUE ",\"WaitTimeSeconds\":20}", false},
    {"a long poll whose client has left", "[]", "ReceiveMessage",
	"{" QUEUE ",\"WaitTimeSeconds\":20}", true},
    {"an answer held back", "{\"fault\":\"delay\",\"delay_ms\":60000}", "ListQueues", "{}", false},
    {"no answer", "{\"fault\":\"hang\"}", "ListQueues", "{}", false},
    {"a dripping answer", "{\"fault\":\"drip\",\"every_ms\":60000}", "ListQueues", "{}", false},
    {"an endless answer", "{\"fault\":\"huge\"}", "ListQueues", "{}", false},
    {"an endless answer whose client has left", "{\"fault\":\"huge\"}", "ListQueues", "{}", true},
    {"a cut answer", "{\"fault\":\"cut\"}", "ListQueues", "{}", false},
    {"a reset to be", "{\"fault\":\"reset\"}", "ListQueues", "{}", false},
};

START_TEST(a_sandbox_is_freed_in_the_middle_of_a_call)
{
	struct pb_sandbox_opts opts = {.seed = 1};
	struct event_base *base = event_base_new();
	struct world w = {.access_key = PB_SANDBOX_ACCESS_KEY, .secret_key = PB_SANDBOX_SECRET_KEY};
	struct pb_sandbox *sb = NULL;
	struct pb_error err;
	ck_assert_msg(pb_sandbox_new(base, &opts, &sb, &err) == 0, "%s", err.text);
	w.port = pb_sandbox_port(sb);
	control(sb, "/_sandbox/queues", "{\"name\":\"q\"}");
	control(sb, "/_sandbox/faults", stages[_i].faults);
	int fd = begin_call(&w, stages[_i].operation, stages[_i].input);
	while (n_calls(sb) == 0)
		(void)event_base_loop(base, EVLOOP_ONCE);
	if (stages[_i].is_client_gone) {
		(void)close(fd);
		/* A message for nobody stays for the next one. */
		control(sb, "/_sandbox/send?queue=q", "x");
	}
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	pb_sandbox_free(sb);
	event_base_free(base);
	if (!stages[_i].is_client_gone)
		(void)close(fd);
}
END_TEST

START_TEST(a_message_is_not_given_to_a_poll_whose_client_has_left)
{
	struct pb_sandbox_opts opts = {0};
	struct event_base *base = event_base_new();
	struct world w = {.access_key = PB_SANDBOX_ACCESS_KEY, .secret_key = PB_SANDBOX_SECRET_KEY};
	struct pb_sandbox *sb = NULL;
	PB_JSON json_t *queue = NULL;
	ck_assert_int_eq(pb_sandbox_new(base, &opts, &sb, NULL), 0);
	w.port = pb_sandbox_port(sb);
	control(sb, "/_sandbox/queues", "{\"name\":\"q\"}");
	int fd = begin_call(&w, "ReceiveMessage", "{" QUEUE ",\"WaitTimeSeconds\":20}");
	while (n_calls(sb) == 0)
		(void)event_base_loop(base, EVLOOP_ONCE);
	(void)close(fd);
	control(sb, "/_sandbox/send?queue=q", "x");
	(void)pb_sandbox_control(sb, "GET", "/_sandbox/queues/q", PB_STR(""), &queue);
	ck_assert_uint_eq(json_array_size(pb_json_get(queue, "visible")), 1);
	pb_sandbox_free(sb);
	event_base_free(base);
}
END_TEST

START_TEST(a_reset_ends_waiting_polls)
{
	struct pb_sandbox_opts opts = {0};
	struct event_base *base = event_base_new();
	struct world w = {.access_key = PB_SANDBOX_ACCESS_KEY, .secret_key = PB_SANDBOX_SECRET_KEY};
	struct pb_sandbox *sb = NULL;
	char answer[16] = "";
	ck_assert_int_eq(pb_sandbox_new(base, &opts, &sb, NULL), 0);
	w.port = pb_sandbox_port(sb);
	control(sb, "/_sandbox/queues", "{\"name\":\"q\"}");
	int fd = begin_call(&w, "ReceiveMessage", "{" QUEUE ",\"WaitTimeSeconds\":20}");
	while (n_calls(sb) == 0)
		(void)event_base_loop(base, EVLOOP_ONCE);
	control(sb, "/_sandbox/reset", "");
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(recv(fd, answer, 12, MSG_DONTWAIT), 12);
	ck_assert_str_eq(answer, "HTTP/1.1 200");
	(void)close(fd);
	pb_sandbox_free(sb);
	event_base_free(base);
}
END_TEST

START_TEST(a_port_in_use_is_an_error_that_names_it)
{
	struct event_base *base = event_base_new();
	struct pb_sandbox *first = NULL, *second = NULL;
	struct pb_sandbox_opts opts = {0};
	struct pb_error err = {0};
	char port[16];
	ck_assert_int_eq(pb_sandbox_new(base, &opts, &first, NULL), 0);
	opts.port = pb_sandbox_port(first);
	(void)snprintf(port, sizeof(port), ":%u", (unsigned)opts.port);
	ck_assert_int_eq(pb_sandbox_new(base, &opts, &second, &err), -1);
	ck_assert_int_eq(err.kind, PB_IO);
	ck_assert_ptr_nonnull(strstr(err.text, port));
	ck_assert_ptr_null(second);
	pb_sandbox_free(first);
	event_base_free(base);
}
END_TEST

PB_SUITE(sandbox_life)
{
	pb_add_loop(s, a_sandbox_is_freed_in_the_middle_of_a_call, 0, (int)PB_ARRAY_LEN(stages));
	pb_add(s, a_message_is_not_given_to_a_poll_whose_client_has_left);
	pb_add(s, a_reset_ends_waiting_polls);
	pb_add(s, a_port_in_use_is_an_error_that_names_it);
}
