/*
 * The local API's server and clients that are no good.
 */
#include "io/http_server.h"

#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/transfer.h"
#include "io/unix_socket.h"
#include "tests/unit/io/helper.h"

/* --- the server of a test: echoes what was asked, or does as the path says */

static struct fixture {
	struct pb_loop *loop;
	struct pb_http_server *server;
	char *path;
	unsigned n_handled, n_gone;
	struct pb_http_request *held; /* of /hold and /stream */
} f;

static void
on_gone(void *arg)
{
	ck_assert_ptr_eq(arg, &f);
	f.n_gone++;
}

static void
echo(struct pb_http_request *r)
{
	struct pb_str body = pb_http_request_body(r);
	const struct pb_http_peer *peer = pb_http_request_peer(r);
	const char *q = pb_http_request_param(r, "q"), *flag = pb_http_request_param(r, "flag");
	const char *h = pb_http_request_header(r, "X-Test");
	PB_JSON json_t *j = json_pack("{s:s,s:s,s:s*,s:s*,s:s*,s:s%,s:I,s:I,s:I}", "method",
	    pb_http_method_name(pb_http_request_method(r)), "path", pb_http_request_path(r), "q", q,
	    "flag", flag, "header", h, "body", body.ptr, body.len < 100 ? body.len : 100, "length",
	    (json_int_t)body.len, "uid", (json_int_t)peer->uid, "pid", (json_int_t)peer->pid);
	ck_assert_ptr_nonnull(j);
	pb_http_reply_json(r, 200, j);
}

static void
handler(struct pb_http_request *r, void *arg)
{
	ck_assert_ptr_eq(arg, &f);
	f.n_handled++;
	const char *path = pb_http_request_path(r);
	if (strcmp(path, "/hold") == 0) {
		f.held = r;
	} else if (strcmp(path, "/stream") == 0) {
		f.held = r;
		pb_http_stream_start(r, on_gone, &f);
	} else if (strcmp(path, "/big") == 0) {
		size_t n = 8U << 20;
		char *big = pb_malloc(n);
		memset(big, 'b', n);
		pb_http_reply(r, 200, "text/plain", (struct pb_str){big, n});
		free(big);
	} else if (strncmp(path, "/missing", 8) == 0) {
		pb_http_reply_error(r, 404, "no \"%s\" here", path);
	} else {
		echo(r);
	}
}

static void
start(struct pb_http_config config)
{
	f.loop = io_loop();
	f.path = io_tmpfile("api.sock");
	config.path = f.path;
	struct pb_error err = {0};
	ck_assert_msg(
	    pb_http_server_new(f.loop, &config, handler, &f, &f.server, &err) == 0, "%s", err.text);
}

static void
stop(void)
{
	pb_http_server_free(f.server);
	pb_loop_free(f.loop);
	free(f.path);
}

/* --- clients */

static int
connect_client(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", f.path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	/* A full queue empties only when the server runs. */
	while (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		pb_loop_turn(f.loop);
	}
	return fd;
}

static void
send_text(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return; /* the server has hung up, which is its right */
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		pb_loop_turn(f.loop);
	}
}

/* Reads until `until` came or the server closed. */
static void
receive(int fd, struct pb_buf *b, const char *until)
{
	char piece[65536];
	for (;;) {
		ssize_t n = recv(fd, piece, sizeof(piece), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return;
		if (n > 0)
			pb_buf_add(b, piece, (size_t)n);
		if (n > 0 && until != NULL && strstr(b->ptr, until) != NULL)
			return;
		pb_loop_turn(f.loop);
	}
}

static struct pb_buf
talk(const char *text, const char *until)
{
	struct pb_buf b = PB_BUF_INIT;
	int fd = connect_client();
	send_text(fd, text, strlen(text));
	receive(fd, &b, until);
	close(fd);
	if (b.ptr == NULL)
		pb_buf_adds(&b, "");
	return b;
}

#define CLOSE "Connection: close\r\n"

static void
check_alive(void)
{
	PB_CLEANUP(pb_buf_fini)
	struct pb_buf b = talk("GET /alive HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", NULL);
	ck_assert_ptr_eq(strstr(b.ptr, "HTTP/1.1 200 OK\r\n"), b.ptr);
	ck_assert_ptr_nonnull(strstr(b.ptr, "\"path\":\"/alive\""));
}

/* --- tests */

START_TEST(a_request_is_understood_and_answered)
{
	start((struct pb_http_config){0});
	PB_CLEANUP(pb_buf_fini)
	struct pb_buf b =
	    talk("POST /v1/incidents/i%2D7?q=a+b%26c&flag&q=second HTTP/1.1\r\nHost: x\r\n"
		 "X-Test: yes\r\nContent-Length: 4\r\n" CLOSE "\r\nbody",
		NULL);
	ck_assert_ptr_nonnull(strstr(b.ptr, "Content-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(b.ptr, "Content-Length: "));
	PB_CLEANUP(pb_freep)
	char *expect = pb_asprintf("\r\n\r\n{\"method\":\"POST\",\"path\":\"/v1/incidents/i-7\","
				   "\"q\":\"a b&c\",\"flag\":\"\",\"header\":\"yes\","
				   "\"body\":\"body\",\"length\":4,\"uid\":%d,\"pid\":%d}\n",
	    (int)getuid(), (int)getpid());
	ck_assert_msg(strstr(b.ptr, expect) != NULL, "%s", b.ptr);
	stop();
}
END_TEST

START_TEST(the_socket_has_its_mode_and_goes_with_the_server)
{
	struct stat st;
	const struct group *own = getgrgid(getgid());
	start((struct pb_http_config){.group = own == NULL ? NULL : own->gr_name});
	ck_assert_int_eq(stat(f.path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	char *path = pb_strdup(f.path);
	stop();
	ck_assert_int_eq(stat(path, &st), -1);
	free(path);
}
END_TEST

START_TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
	struct pb_http_server *second = NULL;
	struct pb_error err;
	int fd;
	char *path = io_tmpfile("api.sock");
	ck_assert_int_eq(pb_unix_socket_bind(path, 0600, NULL, &fd, NULL), 0);
	close(fd);
	start((struct pb_http_config){0});
	struct pb_http_config config = {.path = path};
	ck_assert_int_eq(pb_http_server_new(f.loop, &config, handler, &f, &second, &err), -1);
	ck_assert_int_eq(err.kind, PB_EXISTS);
	ck_assert_ptr_nonnull(strstr(err.text, "another process listens"));
	ck_assert_ptr_null(second);
	check_alive();
	stop();
	free(path);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_refused)
{
	struct pb_loop *loop = io_loop();
	struct pb_http_server *s = NULL;
	struct pb_error err;
	char *file = io_tmpfile("file"), *sock = io_tmpfile("s"), deep[200];
	int fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	close(fd);
	memset(deep, 'd', sizeof(deep));
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	const struct {
		struct pb_http_config config;
		enum pb_error_kind kind;
	} rows[] = {
	    {{.path = file}, PB_EXISTS},
	    {{.path = deep}, PB_INVALID},
	    {{.path = ""}, PB_INVALID},
	    {{.path = "/nonexistent/dir/s"}, PB_NOT_FOUND},
	    {{.path = sock, .group = "no-such-group-here"}, PB_NOT_FOUND},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(
		    pb_http_server_new(loop, &rows[i].config, handler, &f, &s, &err), -1);
		ck_assert_msg(err.kind == rows[i].kind, "row %zu: %s", i, err.text);
	}
	struct stat st;
	ck_assert_int_eq(stat(sock, &st), -1);
	free(file);
	free(sock);
	pb_loop_free(loop);
}
END_TEST

START_TEST(a_connection_serves_one_request_after_another)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	start((struct pb_http_config){0});
	int fd = connect_client();
	const char two[] =
	    "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nDELETE /2 HTTP/1.1\r\nHost: x\r\n\r\n";
	send_text(fd, two, sizeof(two) - 1);
	receive(fd, &b, "\"/2\"");
	send_text(fd, two, 30);
	send_text(fd, two + 30, sizeof(two) - 31);
	receive(fd, &b, NULL == b.ptr ? "" : "\"DELETE\",\"path\":\"/2\"");
	ck_assert_ptr_nonnull(strstr(b.ptr, "\"method\":\"GET\",\"path\":\"/1\""));
	ck_assert_uint_eq(pb_http_server_clients(f.server), 1);
	close(fd);
	while (pb_http_server_clients(f.server) > 0)
		pb_loop_turn(f.loop);
	stop();
}
END_TEST

START_TEST(an_error_is_json_and_safe)
{
	start((struct pb_http_config){0});
	PB_CLEANUP(pb_buf_fini)
	struct pb_buf b =
	    talk("GET /missing%1B%5B2J%E2%80%AE HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", NULL);
	ck_assert_ptr_eq(strstr(b.ptr, "HTTP/1.1 404 "), b.ptr);
	ck_assert_ptr_nonnull(
	    strstr(b.ptr, "{\"error\":{\"status\":404,\"message\":\"no \\\"/missing\\\\x1b[2J"));
	ck_assert_ptr_null(strchr(b.ptr, '\033'));
	stop();
}
END_TEST

static const struct {
	const char *name, *text, *status;
} refused[] = {
    {"unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 501 "},
    {"method not allowed", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" CLOSE "\r\n",
	"HTTP/1.1 501 "},
    {"NUL in the path", "GET /a%00b HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 400 "},
    {"bad UTF-8 in the path", "GET /%ff HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 400 "},
    {"NUL in the query", "GET /?a=%00 HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 400 "},
    {"too many parameters",
	"GET "
	"/?a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&"
	"a"
	"&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
	"HTTP/1.1 400 "},
    {"body too large", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n" CLOSE "\r\n",
	"HTTP/1.1 413 "},
    {"negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n" CLOSE "\r\n",
	"HTTP/1.1 400 "},
    {"garbage", "\x01\x02\x03\x04 what\r\n\r\n", "HTTP/1.1 400 "},
    {"TLS", "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n\r\n", "HTTP/1.1 400 "},
    {"header without colon", "GET / HTTP/1.1\r\nnonsense\r\n\r\n", "HTTP/1.1 400 "},
    {"bad chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	"HTTP/1.1 "},
};

START_TEST(a_request_that_is_wrong_is_refused_and_the_server_lives)
{
	start((struct pb_http_config){.request_for = 300});
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = talk(refused[_i].text, NULL);
	ck_assert_msg(strncmp(b.ptr, refused[_i].status, strlen(refused[_i].status)) == 0,
	    "%s: got %s", refused[_i].name, b.ptr);
	ck_assert_uint_eq(f.n_handled, 0);
	check_alive();
	stop();
}
END_TEST

START_TEST(a_head_without_end_is_cut_off)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	static char many[300000];
	start((struct pb_http_config){0});
	memset(many, 'h', sizeof(many));
	memcpy(many, "GET / HTTP/1.1\r\nX: ", 19);
	int fd = connect_client();
	send_text(fd, many, sizeof(many));
	receive(fd, &b, NULL);
	close(fd);
	ck_assert_uint_eq(f.n_handled, 0);
	check_alive();
	stop();
}
END_TEST

START_TEST(a_body_of_just_the_limit_passes)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	static char body[PB_HTTP_BODY_MAX];
	start((struct pb_http_config){0});
	memset(body, 'y', sizeof(body));
	int fd = connect_client();
	const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n";
	send_text(fd, head, sizeof(head) - 1);
	send_text(fd, body, sizeof(body));
	receive(fd, &b, "}\n");
	ck_assert_ptr_nonnull(strstr(b.ptr, "\"length\":1048576"));
	close(fd);
	stop();
}
END_TEST

static const char *const halves[] = {"", "GET", "GET / HTTP/1.1\r\nHost: x\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"};

START_TEST(half_a_request_is_given_up_in_time)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	start((struct pb_http_config){.request_for = 200});
	int64_t begin = pb_clock_mono();
	int fd = connect_client();
	send_text(fd, halves[_i], strlen(halves[_i]));
	receive(fd, &b, NULL);
	ck_assert_int_ge(pb_clock_mono() - begin, 190);
	ck_assert_int_lt(pb_clock_mono() - begin, 10000);
	check_alive();
	close(fd);
	stop();
}
END_TEST

START_TEST(a_request_in_single_bytes_does_not_buy_time)
{
	start((struct pb_http_config){.request_for = 300});
	int64_t begin = pb_clock_mono();
	int fd = connect_client();
	const char head[] = "GET / HTTP/1.1\r\nX: ";
	send_text(fd, head, sizeof(head) - 1);
	/* A byte with each round of the loop, for as long as the server takes them. */
	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 && pb_clock_mono() - begin < 20000) {
		struct pollfd p = {.fd = fd};
		(void)poll(&p, 1, 5);
		pb_loop_turn(f.loop);
	}
	ck_assert_int_lt(pb_clock_mono() - begin, 10000);
	close(fd);
	check_alive();
	stop();
}
END_TEST

START_TEST(a_client_that_leaves_early_hurts_nobody)
{
	start((struct pb_http_config){0});
	for (size_t i = 0; i < PB_ARRAY_LEN(halves); i++) {
		int fd = connect_client();
		send_text(fd, halves[i], strlen(halves[i]));
		close(fd);
		pb_loop_turn(f.loop);
	}
	check_alive();
	while (pb_http_server_clients(f.server) > 0)
		pb_loop_turn(f.loop);
	stop();
}
END_TEST

START_TEST(a_thousand_connections_are_survived)
{
	static int fds[1000];
	struct rlimit l;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = l.rlim_max < 4096 ? l.rlim_max : 4096;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
	if (l.rlim_cur < 2200) {
		printf("SKIP a thousand connections: only %llu descriptors\n",
		    (unsigned long long)l.rlim_cur);
		return;
	}
	start((struct pb_http_config){0});
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++) {
		fds[i] = connect_client();
		if (i % 16 == 0)
			pb_loop_turn(f.loop);
	}
	size_t n_busy = 0;
	for (int round = 0; round < 50; round++)
		pb_loop_turn(f.loop);
	ck_assert_uint_eq(pb_http_server_clients(f.server), PB_HTTP_CLIENTS_MAX);
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++) {
		char text[512] = "";
		ssize_t n = recv(fds[i], text, sizeof(text) - 1, 0);
		n_busy += n > 0 && strncmp(text, "HTTP/1.1 503 ", 13) == 0;
	}
	ck_assert_uint_eq(n_busy, PB_ARRAY_LEN(fds) - PB_HTTP_CLIENTS_MAX);
	/* Those within the limit are served, and room that they leave is used again. */
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	const char get[] = "GET /first HTTP/1.1\r\nHost: x\r\n\r\n";
	send_text(fds[0], get, sizeof(get) - 1);
	receive(fds[0], &b, "/first");
	ck_assert_ptr_nonnull(b.ptr);
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++)
		close(fds[i]);
	while (pb_http_server_clients(f.server) > 0)
		pb_loop_turn(f.loop);
	check_alive();
	stop();
}
END_TEST

START_TEST(out_of_descriptors_the_server_waits_and_goes_on)
{
	start((struct pb_http_config){0});
	int fd = connect_client(), spare[1024];
	size_t n = 0;
	struct rlimit l;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
	while (n < PB_ARRAY_LEN(spare) && (spare[n] = dup(0)) >= 0)
		n++;
	ck_assert_uint_lt(n, PB_ARRAY_LEN(spare));
	const char get[] = "GET /late HTTP/1.1\r\nHost: x\r\n\r\n";
	send_text(fd, get, sizeof(get) - 1);
	for (int i = 0; i < 20; i++)
		pb_loop_turn(f.loop);
	ck_assert_uint_eq(f.n_handled, 0);
	while (n > 0)
		close(spare[--n]);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	receive(fd, &b, "/late");
	ck_assert_uint_eq(f.n_handled, 1);
	close(fd);
	stop();
}
END_TEST

static void
start_stream(int fd)
{
	const char get[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
	send_text(fd, get, sizeof(get) - 1);
	while (f.held == NULL)
		pb_loop_turn(f.loop);
}

START_TEST(a_stream_comes_line_by_line_and_ends)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	start((struct pb_http_config){.request_for = 200});
	int fd = connect_client();
	start_stream(fd);
	ck_assert_int_eq(pb_http_stream_line(f.held, PB_STR("{\"n\":1}")), 0);
	receive(fd, &b, "{\"n\":1}\n");
	ck_assert_ptr_nonnull(strstr(b.ptr, "application/x-ndjson"));
	ck_assert_ptr_nonnull(strstr(b.ptr, "Transfer-Encoding: chunked"));
	/* A quiet stream is no slow client. */
	int64_t until = pb_clock_mono() + 500;
	while (pb_clock_mono() < until)
		pb_loop_turn(f.loop);
	ck_assert_int_eq(pb_http_stream_line(f.held, PB_STR("{\"n\":2}")), 0);
	pb_http_stream_end(f.held);
	receive(fd, &b, "0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(b.ptr, "{\"n\":2}\n"));
	ck_assert_uint_eq(f.n_gone, 0);
	close(fd);
	check_alive();
	stop();
}
END_TEST

START_TEST(a_stream_whose_client_leaves_says_so_once)
{
	start((struct pb_http_config){0});
	int fd = connect_client();
	start_stream(fd);
	close(fd);
	while (f.n_gone == 0)
		pb_loop_turn(f.loop);
	ck_assert_int_eq(pb_http_stream_line(f.held, PB_STR("x")), -1);
	pb_http_stream_end(f.held);
	pb_loop_turn(f.loop);
	ck_assert_uint_eq(f.n_gone, 1);
	ck_assert_uint_eq(pb_http_server_clients(f.server), 0);
	stop();
}
END_TEST

START_TEST(a_client_that_never_reads_is_dropped)
{
	start((struct pb_http_config){.max_backlog = 100000});
	int fd = connect_client();
	start_stream(fd);
	char line[1000];
	memset(line, 'l', sizeof(line));
	unsigned n = 0;
	while (pb_http_stream_line(f.held, (struct pb_str){line, sizeof(line)}) == 0) {
		pb_loop_turn(f.loop);
		ck_assert_uint_lt(++n, 10000);
	}
	while (f.n_gone == 0)
		pb_loop_turn(f.loop);
	ck_assert_int_eq(pb_http_stream_line(f.held, PB_STR("x")), -1);
	pb_http_stream_end(f.held);
	check_alive();
	close(fd);
	stop();
}
END_TEST

START_TEST(a_client_that_never_reads_its_answer_is_timed_out)
{
	start((struct pb_http_config){.write_for = 200});
	int fd = connect_client();
	const char get[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
	send_text(fd, get, sizeof(get) - 1);
	while (f.n_handled == 0)
		pb_loop_turn(f.loop);
	while (pb_http_server_clients(f.server) > 0)
		pb_loop_turn(f.loop);
	check_alive();
	close(fd);
	stop();
}
END_TEST

START_TEST(a_big_answer_arrives_whole)
{
	start((struct pb_http_config){0});
	PB_CLEANUP(pb_buf_fini)
	struct pb_buf b = talk("GET /big HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", NULL);
	ck_assert_uint_gt(b.len, 8U << 20);
	stop();
}
END_TEST

START_TEST(a_stream_that_is_sent_to_is_bounded_in_what_it_may_send)
{
	start((struct pb_http_config){.max_body = 1000});
	int fd = connect_client();
	start_stream(fd);
	static char many[65536];
	size_t taken = 0;
	memset(many, 'z', sizeof(many));
	/* What the server takes in beyond the socket's own buffers must end. */
	for (int i = 0; i < 200; i++) {
		ssize_t n = send(fd, many, sizeof(many), MSG_NOSIGNAL);
		taken += n > 0 ? (size_t)n : 0;
		pb_loop_turn(f.loop);
	}
	ck_assert_uint_lt(taken, 4U << 20);
	pb_http_stream_end(f.held);
	close(fd);
	check_alive();
	stop();
}
END_TEST

START_TEST(an_answer_may_come_later_also_when_the_client_has_left)
{
	start((struct pb_http_config){.request_for = 200});
	const char get[] = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
	for (int leaves = 0; leaves < 2; leaves++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		int fd = connect_client();
		f.held = NULL;
		send_text(fd, get, sizeof(get) - 1);
		while (f.held == NULL)
			pb_loop_turn(f.loop);
		if (leaves)
			close(fd);
		for (int i = 0; i < 10; i++)
			pb_loop_turn(f.loop);
		pb_http_reply(f.held, 200, "text/plain", PB_STR("late"));
		if (!leaves) {
			receive(fd, &b, "late");
			close(fd);
		}
	}
	while (pb_http_server_clients(f.server) > 0)
		pb_loop_turn(f.loop);
	stop();
}
END_TEST

START_TEST(requests_outlive_their_server)
{
	start((struct pb_http_config){0});
	const char get[] = "GET /hold?q=1 HTTP/1.1\r\nHost: x\r\n\r\n";
	int a = connect_client(), b = connect_client(), idle = connect_client();
	send_text(a, get, sizeof(get) - 1);
	while (f.held == NULL)
		pb_loop_turn(f.loop);
	struct pb_http_request *held = f.held;
	f.held = NULL;
	start_stream(b);
	pb_http_server_free(f.server);
	ck_assert_str_eq(pb_http_request_param(held, "q"), "1");
	pb_http_reply(held, 200, "text/plain", PB_STR("late"));
	ck_assert_int_eq(pb_http_stream_line(f.held, PB_STR("x")), -1);
	pb_http_stream_end(f.held);
	pb_loop_turn(f.loop);
	ck_assert_uint_eq(f.n_gone, 0);
	char c;
	ck_assert_int_eq(recv(idle, &c, 1, 0), 0);
	close(a);
	close(b);
	close(idle);
	f.server = NULL;
	stop();
}
END_TEST

/* --- our own client on the socket, as playbookctl uses it */

static bool has_result;

static void
on_result(const struct pb_transfer_result *r, void *arg)
{
	ck_assert_msg(r->kind == PB_TRANSFER_OK, "%s", r->text);
	ck_assert_int_eq(r->status, 200);
	pb_buf_add(arg, r->body.ptr, r->body.len);
	has_result = true;
}

static int
on_piece(struct pb_str data, void *arg)
{
	pb_buf_add(arg, data.ptr, data.len);
	return 0;
}

START_TEST(a_transfer_speaks_to_the_socket)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT, lines = PB_BUF_INIT;
	struct pb_transfers *ts;
	start((struct pb_http_config){0});
	ck_assert_int_eq(pb_transfers_new(f.loop, "test", &ts, NULL), 0);
	struct pb_transfer_request req = {
	    .url = "http://localhost/v1/x", .unix_socket = f.path, .allow_http = true};
	pb_transfer_start(ts, &req, on_result, &b);
	io_run_until(f.loop, &has_result);
	ck_assert_ptr_nonnull(strstr(b.ptr, "\"path\":\"/v1/x\""));

	has_result = false;
	req.url = "http://localhost/stream";
	req.on_data = on_piece;
	req.on_data_arg = &lines;
	req.total_for = -1;
	pb_transfer_start(ts, &req, on_result, &b);
	while (f.held == NULL)
		pb_loop_turn(f.loop);
	ck_assert_int_eq(pb_http_stream_line(f.held, PB_STR("one")), 0);
	while (lines.len < 4)
		pb_loop_turn(f.loop);
	ck_assert_str_eq(lines.ptr, "one\n");
	pb_http_stream_end(f.held);
	io_run_until(f.loop, &has_result);
	pb_transfers_free(ts);
	stop();
}
END_TEST

/* A port that was free a moment ago; the socket that holds it in *ret_fd. */
static int
free_port(int *ret_fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(*ret_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(getsockname(*ret_fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

START_TEST(an_address_is_served_like_a_socket)
{
	int fd, port = free_port(&fd);
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	PB_CLEANUP(pb_freep) char *listen_at = pb_asprintf("127.0.0.1:%d", port);
	struct pb_error err = {0};
	struct pb_http_config config = {.listen = listen_at};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	f.loop = io_loop();
	ck_assert_int_eq(listen(fd, 1), 0); /* somebody else's */
	ck_assert_int_eq(pb_http_server_new(f.loop, &config, handler, &f, &f.server, &err), -1);
	ck_assert_msg(strstr(err.text, ": Address already in use") != NULL, "%s", err.text);
	(void)close(fd);
	ck_assert_int_eq(pb_http_server_new(f.loop, &config, handler, &f, &f.server, &err), 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	send_text(fd, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	receive(fd, &b, "}\n");
	ck_assert_msg(strstr(b.ptr, "\"path\":\"/x\"") != NULL, "%s", b.ptr);
	/* The kernel does not know who that was. */
	ck_assert_msg(strstr(b.ptr, "\"uid\":4294967295") != NULL, "%s", b.ptr);
	(void)close(fd);
	stop();
}
END_TEST

PB_SUITE(http_server)
{
	pb_add(s, a_request_is_understood_and_answered);
	pb_add(s, an_address_is_served_like_a_socket);
	pb_add(s, the_socket_has_its_mode_and_goes_with_the_server);
	pb_add(s, a_stale_socket_is_replaced_and_a_live_one_is_not);
	pb_add(s, a_path_that_cannot_be_is_refused);
	pb_add(s, a_connection_serves_one_request_after_another);
	pb_add(s, an_error_is_json_and_safe);
	pb_add_loop(s, a_request_that_is_wrong_is_refused_and_the_server_lives, 0,
	    (int)PB_ARRAY_LEN(refused));
	pb_add(s, a_head_without_end_is_cut_off);
	pb_add(s, a_body_of_just_the_limit_passes);
	pb_add_loop(s, half_a_request_is_given_up_in_time, 0, (int)PB_ARRAY_LEN(halves));
	pb_add(s, a_request_in_single_bytes_does_not_buy_time);
	pb_add(s, a_client_that_leaves_early_hurts_nobody);
	pb_add(s, a_thousand_connections_are_survived);
	pb_add(s, out_of_descriptors_the_server_waits_and_goes_on);
	pb_add(s, a_stream_comes_line_by_line_and_ends);
	pb_add(s, a_stream_whose_client_leaves_says_so_once);
	pb_add(s, a_client_that_never_reads_is_dropped);
	pb_add(s, a_client_that_never_reads_its_answer_is_timed_out);
	pb_add(s, a_big_answer_arrives_whole);
	pb_add(s, a_stream_that_is_sent_to_is_bounded_in_what_it_may_send);
	pb_add(s, an_answer_may_come_later_also_when_the_client_has_left);
	pb_add(s, requests_outlive_their_server);
	pb_add(s, a_transfer_speaks_to_the_socket);
}
