/*
 * HTTP requests against servers that misbehave.
 */
#include "io/transfer.h"

#include <sys/socket.h>
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/child.h"
#include "tests/unit/io/helper.h"

/* A copy of what came, for after the callback. */
struct got {
	bool is_done;
	unsigned n_calls;
	enum pb_transfer_kind kind;
	bool request_sent;
	int status;
	int64_t sent_at, received_at, took;
	char body[4096], text[512], date[64];
	size_t n_headers;
	size_t n_body;
};

static void
on_result(const struct pb_transfer_result *r, void *arg)
{
	struct got *g = arg;
	g->is_done = true;
	g->n_calls++;
	g->kind = r->kind;
	g->request_sent = r->request_sent;
	g->status = r->status;
	g->sent_at = r->sent_at;
	g->received_at = r->received_at;
	g->took = r->took;
	g->n_headers = r->n_headers;
	g->n_body = r->body.len;
	(void)snprintf(g->body, sizeof(g->body), "%.*s", PB_STR_ARG(r->body));
	(void)snprintf(g->text, sizeof(g->text), "%s", r->text);
	const char *date = pb_transfer_header(r, "dAtE");
	(void)snprintf(g->date, sizeof(g->date), "%s", date == NULL ? "" : date);
}

static struct pb_transfers *
transfers(struct pb_loop *loop)
{
	struct pb_transfers *ts;
	ck_assert_int_eq(pb_transfers_new(loop, "playbookd-test/1", &ts, NULL), 0);
	return ts;
}

/* One request against a server of this fault. */
static void
fetch(enum io_fault fault, const char *answer, struct pb_transfer_request req, struct got *g,
    struct io_server *s)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	io_server_start(s, loop, fault, answer);
	char *url = io_server_url(s, "/a/../b%2Fc?x=1");
	*g = (struct got){0};
	req.url = url;
	req.allow_http = true;
	req.no_proxy = true;
	pb_transfer_start(ts, &req, on_result, g);
	ck_assert(!g->is_done);
	io_run_until(loop, &g->is_done);
	pb_loop_turn(loop);
	ck_assert_uint_eq(g->n_calls, 1);
	ck_assert_uint_eq(pb_transfers_open(ts), 0);
	free(url);
	pb_transfers_free(ts);
	io_server_stop(s);
	pb_loop_free(loop);
}

START_TEST(an_answer_comes_with_status_headers_body_and_times)
{
	struct got g;
	struct io_server s;
	int64_t before = pb_clock_wall();
	fetch(IO_ANSWER,
	    "HTTP/1.1 404 Not Found\r\nDate: Tue, 03 Mar 2026 09:14:05 GMT\r\nEmpty:\r\n"
	    "Content-Length: 5\r\n\r\nhello",
	    (struct pb_transfer_request){0}, &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	ck_assert_str_eq(g.text, "");
	ck_assert_int_eq(g.status, 404);
	ck_assert_str_eq(g.body, "hello");
	ck_assert_str_eq(g.date, "Tue, 03 Mar 2026 09:14:05 GMT");
	ck_assert_uint_eq(g.n_headers, 3);
	ck_assert(g.request_sent);
	ck_assert_int_ge(g.sent_at, before);
	ck_assert_int_ge(g.received_at, g.sent_at);
	ck_assert_int_ge(pb_clock_wall(), g.received_at);
}
END_TEST

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

START_TEST(a_request_goes_out_as_it_was_given)
{
	struct got g;
	struct io_server s;
	const struct pb_transfer_header headers[] = {{"Host", "sqs.example.com"},
	    {"X-Amz-Target", "AmazonSQS.SendMessage"}, {"X-Empty", ""}};
	fetch(IO_ANSWER, OK_EMPTY,
	    (struct pb_transfer_request){
		.method = "POST", .headers = headers, .n_headers = 3, .body = PB_STR("{\"a\":1}")},
	    &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	ck_assert_ptr_eq(strstr(s.last, "POST /a/../b%2Fc?x=1 HTTP/1.1\r\n"), s.last);
	ck_assert_ptr_nonnull(strstr(s.last, "\r\nHost: sqs.example.com\r\n"));
	ck_assert_ptr_nonnull(strstr(s.last, "\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"));
	ck_assert_ptr_nonnull(strstr(s.last, "\r\nX-Empty:\r\n"));
	ck_assert_ptr_nonnull(strstr(s.last, "\r\nContent-Length: 7\r\n"));
	ck_assert_ptr_nonnull(strstr(s.last, "\r\nUser-Agent: playbookd-test/1\r\n"));
	ck_assert_ptr_nonnull(strstr(s.last, "\r\n\r\n{\"a\":1}"));
	ck_assert_ptr_null(strstr(s.last, "Expect"));
	ck_assert_ptr_null(strstr(s.last, "Content-Type"));
	ck_assert_ptr_null(strstr(s.last, "Accept-Encoding"));
}
END_TEST

static const struct {
	const char *method, *begin, *has;
} methods[] = {
    {NULL, "GET /", NULL},
    {"GET", "GET /", NULL},
    {"PUT", "PUT /", "\r\nContent-Length: 0\r\n"},
    {"POST", "POST /", "\r\nContent-Length: 0\r\n"},
    {"DELETE", "DELETE /", NULL},
    {"HEAD", "HEAD /", NULL},
};

START_TEST(each_method_goes_out_as_itself)
{
	struct got g;
	struct io_server s;
	fetch(IO_ANSWER, OK_EMPTY, (struct pb_transfer_request){.method = methods[_i].method}, &g,
	    &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	ck_assert_ptr_eq(strstr(s.last, methods[_i].begin), s.last);
	if (methods[_i].has != NULL)
		ck_assert_ptr_nonnull(strstr(s.last, methods[_i].has));
	else
		ck_assert_ptr_null(strstr(s.last, "Content-Length"));
}
END_TEST

static const struct {
	const char *name;
	enum io_fault fault;
	const char *answer;
	enum pb_transfer_kind kind;
	int status;
} faults[] = {
    {"reset before the answer", IO_RESET_AT_ONCE, "", PB_TRANSFER_RESET, 0},
    {"closed without a word", IO_ANSWER_CLOSE, "", PB_TRANSFER_RESET, 0},
    {"closed inside the head", IO_ANSWER_CLOSE, "HTTP/1.1 200 OK\r\nContent-Le", PB_TRANSFER_CUT,
	200},
    {"body cut by close", IO_ANSWER_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
	PB_TRANSFER_CUT, 200},
    {"body cut by reset", IO_ANSWER_RESET, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
	PB_TRANSFER_CUT, 200},
    {"chunked body cut", IO_ANSWER_CLOSE,
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", PB_TRANSFER_CUT,
	200},
    {"garbage", IO_ANSWER_CLOSE, "\x16\x03\x01 this is not HTTP\r\n\r\n", PB_TRANSFER_GARBAGE, 0},
    {"bad chunk", IO_ANSWER_CLOSE,
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", PB_TRANSFER_CUT,
	200},
    {"no answer", IO_SILENT, "", PB_TRANSFER_TIMEOUT, 0},
    {"no body", IO_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", PB_TRANSFER_TIMEOUT,
	200},
    {"drip", IO_DRIP, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", PB_TRANSFER_TIMEOUT, -1},
    {"endless", IO_ENDLESS, "HTTP/1.1 200 OK\r\n\r\n", PB_TRANSFER_TOO_LARGE, 200},
    {"too long by Content-Length", IO_ENDLESS,
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", PB_TRANSFER_TOO_LARGE, 200},
    {"endless head", IO_ENDLESS, "HTTP/1.1 200 OK\r\nX: ", PB_TRANSFER_RESET, -1},
};

START_TEST(a_fault_after_sending_is_told_by_its_kind)
{
	struct got g;
	struct io_server s;
	fetch(faults[_i].fault, faults[_i].answer,
	    (struct pb_transfer_request){.method = "POST", .total_for = 400, .max_body = 200000},
	    &g, &s);
	if (strcmp(faults[_i].name, "endless head") == 0)
		ck_assert_int_ne(g.kind, PB_TRANSFER_OK);
	else
		ck_assert_msg(g.kind == faults[_i].kind, "%s: %s (%s)", faults[_i].name,
		    pb_transfer_kind_name(g.kind), g.text);
	if (faults[_i].status >= 0)
		ck_assert_int_eq(g.status, faults[_i].status);
	ck_assert_msg(g.request_sent, "%s", faults[_i].name);
	if (g.kind != PB_TRANSFER_OK)
		ck_assert_str_ne(g.text, "");
	ck_assert_uint_le(g.n_body, 200000);
}
END_TEST

START_TEST(a_head_of_too_many_lines_is_too_large)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct got g;
	struct io_server s;
	pb_buf_adds(&b, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 300; i++)
		pb_buf_addf(&b, "X-%d: y\r\n", i);
	pb_buf_adds(&b, "Content-Length: 0\r\n\r\n");
	fetch(IO_ANSWER, b.ptr, (struct pb_transfer_request){0}, &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_TOO_LARGE);
}
END_TEST

START_TEST(a_body_of_just_the_limit_passes)
{
	struct got g;
	struct io_server s;
	fetch(IO_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	    (struct pb_transfer_request){.max_body = 5}, &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	fetch(IO_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!",
	    (struct pb_transfer_request){.max_body = 5}, &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_TOO_LARGE);
}
END_TEST

START_TEST(low_speed_ends_a_drip)
{
	struct got g;
	struct io_server s;
	fetch(IO_DRIP,
	    "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    (struct pb_transfer_request){
		.total_for = 30000, .low_speed = 1000, .low_speed_for = 1000},
	    &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_TIMEOUT);
	ck_assert_int_lt(g.took, 5000);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	struct got g;
	struct io_server s;
	fetch(IO_ANSWER,
	    "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	    (struct pb_transfer_request){0}, &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	ck_assert_int_eq(g.status, 301);
	ck_assert_uint_eq(s.n_requests, 1);
}
END_TEST

START_TEST(only_the_last_head_counts)
{
	struct got g;
	struct io_server s;
	fetch(IO_ANSWER,
	    "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	    (struct pb_transfer_request){0}, &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	ck_assert_int_eq(g.status, 200);
	ck_assert_uint_eq(g.n_headers, 1);
}
END_TEST

static const struct pb_transfer_header split = {"X-A", "1\r\nX-B: 2"}, unnamed = {"", "1"},
				       spaced = {"X A", "1"};
/* A name that cannot be looked up, and so asks no server. */
#define LABEL_TOO_LONG "http://" FORTY_A FORTY_A ".invalid/"
#define FORTY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	struct pb_transfer_request req;
	enum pb_transfer_kind kind;
	const char *text;
} unsent[] = {
    {{.url = "http://127.0.0.1:1/", .allow_http = true}, PB_TRANSFER_CONNECT, "127.0.0.1 port 1"},
    {{.url = LABEL_TOO_LONG, .allow_http = true}, PB_TRANSFER_CONNECT, "resolve"},
    {{.url = "http://127.0.0.1:1/"}, PB_TRANSFER_INVALID, "plain HTTP"},
    {{.url = "ftp://127.0.0.1:1/", .allow_http = true}, PB_TRANSFER_INVALID, "neither"},
    {{.url = "file:///etc/passwd", .allow_http = true}, PB_TRANSFER_INVALID, "neither"},
    {{.url = "", .allow_http = true}, PB_TRANSFER_INVALID, "neither"},
    {{.url = "http://[::1", .allow_http = true}, PB_TRANSFER_INVALID, ""},
    {{.url = "http://127.0.0.1:1/a b\r\nX: y", .allow_http = true}, PB_TRANSFER_INVALID, "URL"},
    {{.url = "http://127.0.0.1:1/", .allow_http = true, .method = "GET /x"}, PB_TRANSFER_INVALID,
	"no HTTP method"},
    {{.url = "http://127.0.0.1:1/", .allow_http = true, .headers = &split, .n_headers = 1},
	PB_TRANSFER_INVALID, "line break"},
    {{.url = "http://127.0.0.1:1/", .allow_http = true, .headers = &unnamed, .n_headers = 1},
	PB_TRANSFER_INVALID, "header name"},
    {{.url = "http://127.0.0.1:1/", .allow_http = true, .headers = &spaced, .n_headers = 1},
	PB_TRANSFER_INVALID, "header name"},
    {{.url = "http://localhost/", .allow_http = true, .unix_socket = "/nonexistent/s"},
	PB_TRANSFER_CONNECT, ""},
};

START_TEST(what_never_left_is_proved_unsent)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	struct got g = {0};
	struct pb_transfer_request req = unsent[_i].req;
	req.no_proxy = true;
	pb_transfer_start(ts, &req, on_result, &g);
	ck_assert(!g.is_done);
	io_run_until(loop, &g.is_done);
	ck_assert_msg(g.kind == unsent[_i].kind, "%s: %s", pb_transfer_kind_name(g.kind), g.text);
	ck_assert_ptr_nonnull(strstr(g.text, unsent[_i].text));
	ck_assert(!g.request_sent);
	ck_assert_int_eq(g.sent_at, 0);
	pb_transfers_free(ts);
	pb_loop_free(loop);
}
END_TEST

START_TEST(https_to_a_plain_server_is_a_tls_failure)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	struct io_server s;
	struct got g = {0};
	io_server_start(&s, loop, IO_RESET_AT_ONCE, "");
	char *url = pb_asprintf("https://127.0.0.1:%d/", s.port);
	struct pb_transfer_request req = {.url = url, .no_proxy = true};
	pb_transfer_start(ts, &req, on_result, &g);
	io_run_until(loop, &g.is_done);
	ck_assert_msg(g.kind == PB_TRANSFER_TLS, "%s", g.text);
	ck_assert(!g.request_sent);
	free(url);
	pb_transfers_free(ts);
	io_server_stop(&s);
	pb_loop_free(loop);
}
END_TEST

/* --- TLS, with a server of the openssl program's */

struct tls {
	char *key, *cert;
	struct pb_child *server;
	int port;
};

static void
note_end(const struct pb_child_result *r, void *arg)
{
	*(int *)arg = r->end == PB_CHILD_EXITED ? r->code : -1;
}

static int
run_openssl(struct pb_loop *loop, const char *const *argv)
{
	int code = INT_MIN;
	struct pb_child_request req = {.argv = argv, .limit_for = 30000};
	(void)pb_child_start(loop, &req, note_end, &code);
	while (code == INT_MIN)
		pb_loop_turn(loop);
	return code;
}

/* A port that nobody listens on just now. */
static int
free_port(struct pb_loop *loop)
{
	struct io_server s;
	io_server_start(&s, loop, IO_SILENT, "");
	io_server_stop(&s);
	return s.port;
}

static bool
is_listening(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return is;
}

/* False when the machine has no openssl program. */
static bool
tls_start(struct tls *t, struct pb_loop *loop, const char *name)
{
	*t = (struct tls){.key = io_tmpfile("key"), .cert = io_tmpfile("cert")};
	const char *make[] = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
	    t->key, "-out", t->cert, "-subj", "/CN=test", "-addext", name, NULL};
	if (run_openssl(loop, make) != 0)
		return false;
	t->port = free_port(loop);
	PB_CLEANUP(pb_freep) char *at = pb_asprintf("127.0.0.1:%d", t->port);
	const char *serve[] = {"openssl", "s_server", "-quiet", "-www", "-accept", at, "-key",
	    t->key, "-cert", t->cert, NULL};
	struct pb_child_request req = {.argv = serve, .limit_for = 60000};
	static int code = INT_MIN;
	t->server = pb_child_start(loop, &req, note_end, &code);
	while (!is_listening(t->port)) {
		ck_assert_int_eq(code, INT_MIN);
		pb_loop_turn(loop);
	}
	return true;
}

static const struct {
	const char *what, *name;
	bool has_ca;
	enum pb_transfer_kind kind;
} certificates[] = {
    {"a certificate that is trusted", "subjectAltName=IP:127.0.0.1", true, PB_TRANSFER_OK},
    {"an unknown authority", "subjectAltName=IP:127.0.0.1", false, PB_TRANSFER_TLS},
    {"another host's certificate", "subjectAltName=DNS:example.com", true, PB_TRANSFER_TLS},
};

START_TEST(a_certificate_must_be_believable)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	struct tls t;
	struct got g = {0};
	if (tls_start(&t, loop, certificates[_i].name)) {
		char *url = pb_asprintf("https://127.0.0.1:%d/", t.port);
		struct pb_transfer_request req = {.url = url,
		    .no_proxy = true,
		    .ca_bundle = certificates[_i].has_ca ? t.cert : NULL};
		pb_transfer_start(ts, &req, on_result, &g);
		io_run_until(loop, &g.is_done);
		ck_assert_msg(
		    g.kind == certificates[_i].kind, "%s: %s", certificates[_i].what, g.text);
		ck_assert(g.request_sent == (g.kind == PB_TRANSFER_OK));
		free(url);
		pb_child_kill(t.server);
	} else {
		printf("SKIP %s: no openssl program\n", certificates[_i].what);
	}
	free(t.key);
	free(t.cert);
	pb_transfers_free(ts);
	pb_loop_free(loop);
}
END_TEST

/* A listening socket whose queue is full takes no more connections: they time out. */
START_TEST(a_connection_that_is_never_made_is_proved_unsent)
{
	struct got g;
	struct io_server s;
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	io_server_start(&s, loop, IO_SILENT, "");
	pb_loop_watch_free(PB_TAKE(s.watch));
	ck_assert_int_eq(listen(s.fd, 0), 0);
	char *url = io_server_url(&s, "/");
	struct pb_transfer_request req = {
	    .url = url, .allow_http = true, .no_proxy = true, .connect_for = 300, .total_for = 300};
	struct got fill[3] = {0};
	for (int i = 0; i < 3; i++)
		pb_transfer_start(ts, &req, on_result, &fill[i]);
	g = (struct got){0};
	pb_loop_turn(loop);
	pb_transfer_start(ts, &req, on_result, &g);
	io_run_until(loop, &g.is_done);
	ck_assert_msg(
	    g.kind == PB_TRANSFER_CONNECT, "%s: %s", pb_transfer_kind_name(g.kind), g.text);
	ck_assert(!g.request_sent);
	free(url);
	pb_transfers_free(ts);
	io_server_stop(&s);
	pb_loop_free(loop);
}
END_TEST

/* Two requests, one after the other. */
static unsigned
connections_of_two(bool is_fresh)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	struct io_server s;
	io_server_start(&s, loop, IO_ANSWER, OK_EMPTY);
	char *url = io_server_url(&s, "/");
	for (int i = 0; i < 2; i++) {
		struct got g = {0};
		struct pb_transfer_request req = {
		    .url = url, .allow_http = true, .no_proxy = true, .fresh_connection = is_fresh};
		pb_transfer_start(ts, &req, on_result, &g);
		io_run_until(loop, &g.is_done);
		ck_assert_int_eq(g.kind, PB_TRANSFER_OK);
	}
	free(url);
	pb_transfers_free(ts);
	io_server_stop(&s);
	pb_loop_free(loop);
	return s.n_connections;
}

START_TEST(connections_are_kept_unless_a_fresh_one_is_asked_for)
{
	ck_assert_uint_eq(connections_of_two(false), 1);
	ck_assert_uint_eq(connections_of_two(true), 2);
}
END_TEST

START_TEST(a_cancelled_transfer_calls_nobody)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	struct io_server s;
	struct got early = {0}, late = {0}, invalid = {0}, other = {0};
	io_server_start(&s, loop, IO_SILENT, "");
	char *url = io_server_url(&s, "/");
	struct pb_transfer_request req = {
	    .url = url, .allow_http = true, .no_proxy = true, .total_for = 200};
	pb_transfer_cancel(pb_transfer_start(ts, &req, on_result, &early));
	struct pb_transfer *t = pb_transfer_start(ts, &req, on_result, &late);
	while (s.n_requests == 0)
		pb_loop_turn(loop);
	pb_transfer_cancel(t);
	struct pb_transfer_request bad = {.url = "x"};
	pb_transfer_cancel(pb_transfer_start(ts, &bad, on_result, &invalid));
	pb_transfer_cancel(NULL);
	pb_transfer_start(ts, &req, on_result, &other);
	io_run_until(loop, &other.is_done);
	ck_assert(!early.is_done && !late.is_done && !invalid.is_done);
	/* Freeing with one under way and one about to be delivered. */
	pb_transfer_start(ts, &req, on_result, &early);
	pb_transfer_start(ts, &bad, on_result, &early);
	pb_transfers_free(ts);
	pb_loop_turn(loop);
	ck_assert(!early.is_done);
	free(url);
	io_server_stop(&s);
	pb_loop_free(loop);
}
END_TEST

struct chain {
	struct pb_transfers *ts;
	struct pb_transfer_request req;
	unsigned left;
	bool is_done;
};

static void
start_the_next(const struct pb_transfer_result *r, void *arg)
{
	struct chain *c = arg;
	ck_assert_int_eq(r->kind, PB_TRANSFER_OK);
	if (--c->left == 0)
		c->is_done = true;
	else
		pb_transfer_start(c->ts, &c->req, start_the_next, c);
}

START_TEST(a_callback_may_start_the_next)
{
	struct pb_loop *loop = io_loop();
	struct io_server s;
	io_server_start(&s, loop, IO_ANSWER, OK_EMPTY);
	char *url = io_server_url(&s, "/");
	struct chain c = {.ts = transfers(loop),
	    .left = 50,
	    .req = {.url = url, .allow_http = true, .no_proxy = true}};
	pb_transfer_start(c.ts, &c.req, start_the_next, &c);
	io_run_until(loop, &c.is_done);
	ck_assert_uint_eq(s.n_requests, 50);
	free(url);
	pb_transfers_free(c.ts);
	io_server_stop(&s);
	pb_loop_free(loop);
}
END_TEST

START_TEST(many_at_once_all_come_back)
{
	struct pb_loop *loop = io_loop();
	struct pb_transfers *ts = transfers(loop);
	struct io_server s;
	static struct got g[60];
	io_server_start(&s, loop, IO_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	char *url = io_server_url(&s, "/");
	struct pb_transfer_request req = {.url = url, .allow_http = true, .no_proxy = true};
	for (int i = 0; i < 60; i++)
		pb_transfer_start(ts, &req, on_result, &g[i]);
	for (int i = 0; i < 60; i++) {
		io_run_until(loop, &g[i].is_done);
		ck_assert_str_eq(g[i].body, "ok");
	}
	free(url);
	pb_transfers_free(ts);
	io_server_stop(&s);
	pb_loop_free(loop);
}
END_TEST

static int
take_some(struct pb_str data, void *arg)
{
	size_t *n = arg;
	*n += data.len;
	return *n > 100000 ? -1 : 0;
}

START_TEST(a_reader_of_pieces_can_give_up)
{
	struct got g;
	struct io_server s;
	size_t n = 0;
	fetch(IO_ENDLESS, "HTTP/1.1 200 OK\r\n\r\n",
	    (struct pb_transfer_request){.max_body = 10, .on_data = take_some, .on_data_arg = &n},
	    &g, &s);
	ck_assert_int_eq(g.kind, PB_TRANSFER_CUT);
	ck_assert_uint_gt(n, 100000);
	ck_assert_uint_eq(g.n_body, 0);
}
END_TEST

PB_SUITE(transfer)
{
	pb_add(s, an_answer_comes_with_status_headers_body_and_times);
	pb_add(s, a_request_goes_out_as_it_was_given);
	pb_add_loop(s, each_method_goes_out_as_itself, 0, (int)PB_ARRAY_LEN(methods));
	pb_add_loop(s, a_fault_after_sending_is_told_by_its_kind, 0, (int)PB_ARRAY_LEN(faults));
	pb_add(s, a_head_of_too_many_lines_is_too_large);
	pb_add(s, a_body_of_just_the_limit_passes);
	pb_add(s, low_speed_ends_a_drip);
	pb_add(s, a_redirect_is_not_followed);
	pb_add(s, only_the_last_head_counts);
	pb_add_loop(s, what_never_left_is_proved_unsent, 0, (int)PB_ARRAY_LEN(unsent));
	pb_add(s, https_to_a_plain_server_is_a_tls_failure);
	pb_add_loop(s, a_certificate_must_be_believable, 0, (int)PB_ARRAY_LEN(certificates));
	pb_add(s, a_connection_that_is_never_made_is_proved_unsent);
	pb_add(s, connections_are_kept_unless_a_fresh_one_is_asked_for);
	pb_add(s, a_cancelled_transfer_calls_nobody);
	pb_add(s, a_callback_may_start_the_next);
	pb_add(s, many_at_once_all_come_back);
	pb_add(s, a_reader_of_pieces_can_give_up);
}
