/*
 * Sending an answer: whole, or spoiled as the call's fault says.
 *
 * Everything that ends or spoils a connection runs from a timer, never inside libevent's own call of us,
 * because closing frees the connection under it.  A request that has lost its connection
 * (evhttp_request_get_connection is NULL) is ours to free; otherwise it goes with its connection.
 */
#include "tests/sandbox/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#define HUGE_CHUNK (64 * 1024)
#define GONE_EVERY 500 /* ms between looks whether the peer of an endless answer is still there */

static const char garbage[] = "\x1f\x8b\x08{\"Messages\":[{<not what you asked for>\xff\xfe";
static const char not_http[] = "220 smtp.example.com ready\r\n\xff\xff\x01\x02\r\n";

static int
fd_of(const struct pb_sbx_call *c)
{
	struct evhttp_connection *con = evhttp_request_get_connection(c->req);
	return con ? bufferevent_getfd(evhttp_connection_get_bufferevent(con)) : -1;
}

bool
pb_sbx_is_peer_gone(const struct pb_sbx_call *c)
{
	char byte;
	int fd = c->req != NULL ? fd_of(c) : -1;
	if (fd < 0)
		return true;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void
pb_sbx_call_free(struct pb_sbx_call *c)
{
	if (c->queue != NULL)
		TAILQ_REMOVE(&c->queue->waiters, c, waiting);
	TAILQ_REMOVE(&c->sb->calls, c, link);
	if (c->req != NULL && evhttp_request_get_connection(c->req) == NULL)
		evhttp_request_free(c->req);
	if (c->timer != NULL)
		event_free(c->timer);
	json_decref(c->input);
	json_decref(c->entry);
	json_decref(c->rule);
	pb_buf_fini(&c->answer);
	c->magic = 0;
	free(c);
}

static void
drop_connection(struct pb_sbx_call *c, bool is_reset)
{
	struct evhttp_connection *con = evhttp_request_get_connection(c->req);
	if (con != NULL) {
		struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
		/* Dissolving a TCP connection makes the kernel send a reset at once. */
		if (is_reset)
			(void)connect(fd_of(c), &nowhere, sizeof(nowhere));
		c->req = NULL; /* goes with its connection */
		evhttp_connection_free(con);
	}
	pb_sbx_call_free(c);
}

static void
arm(struct pb_sbx_call *c, event_callback_fn fn, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	if (c->timer != NULL)
		event_free(c->timer);
	c->timer = event_new(c->sb->base, -1, 0, fn, c);
	event_add(c->timer, &tv);
}

static void
add_headers(struct pb_sbx_call *c)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(c->req);
	char date[PB_TIME_TEXT];
	const char *type = c->content_type;

	pb_time_http(date, pb_sbx_now(c->sb) + c->skew);
	evhttp_add_header(out, "Date", date);
	evhttp_add_header(out, "x-amzn-RequestId", c->id);
	if (!c->is_raw)
		type = c->service != NULL && c->service->protocol == PB_SBX_QUERY
		    ? "text/xml"
		    : "application/x-amz-json-1.0";
	if (type != NULL)
		evhttp_add_header(out, "Content-Type", type);
	if (pb_json_get(c->rule, "retry_after_ms") != NULL) {
		char after[24];
		(void)snprintf(after, sizeof(after), "%lld",
		    (long long)pb_json_i64(c->rule, "retry_after_ms", 0));
		evhttp_add_header(out, "x-amz-retry-after", after);
	}
	const char *mode =
	    evhttp_find_header(evhttp_request_get_input_headers(c->req), "x-amzn-query-mode");
	if (c->query_error[0] != '\0' && pb_streq(mode, "true"))
		evhttp_add_header(out, "x-amzn-query-error", c->query_error);
}

static void
add_length(struct pb_sbx_call *c)
{
	char n[24];
	(void)snprintf(n, sizeof(n), "%zu", c->answer.len);
	evhttp_add_header(evhttp_request_get_output_headers(c->req), "Content-Length", n);
}

static void
send_chunk(struct pb_sbx_call *c, const void *data, size_t len,
    void (*on_sent)(struct evhttp_connection *, void *))
{
	struct evbuffer *b = evbuffer_new();
	pb_check(b != NULL);
	evbuffer_add(b, data, len);
	evhttp_send_reply_chunk_with_cb(c->req, b, on_sent, c);
	evbuffer_free(b);
}

static void
send_whole(struct pb_sbx_call *c)
{
	struct evbuffer *b = evbuffer_new();
	pb_check(b != NULL);
	evbuffer_add(b, c->answer.ptr ? c->answer.ptr : "", c->answer.len);
	struct evhttp_request *req = PB_TAKE(c->req);
	evhttp_send_reply(req, c->status, NULL, b); /* frees req, now or when it is sent */
	evbuffer_free(b);
	pb_sbx_call_free(c);
}

static void
on_drop(evutil_socket_t fd, short what, void *arg)
{
	struct pb_sbx_call *c = arg;
	(void)fd;
	(void)what;
	drop_connection(c, c->fault == PB_SBX_RESET || pb_json_bool(c->rule, "reset", false));
}

/* --- drip */

static void
on_drip(evutil_socket_t fd, short what, void *arg)
{
	struct pb_sbx_call *c = arg;
	int64_t step = pb_json_i64(c->rule, "bytes", 1);
	size_t n = step > 0 ? (size_t)step : 1;
	(void)fd;
	(void)what;

	if (pb_sbx_is_peer_gone(c)) {
		drop_connection(c, false);
		return;
	}
	if (c->n_sent >= c->answer.len) {
		evhttp_send_reply_end(PB_TAKE(c->req));
		pb_sbx_call_free(c);
		return;
	}
	if (n > c->answer.len - c->n_sent)
		n = c->answer.len - c->n_sent;
	send_chunk(c, c->answer.ptr + c->n_sent, n, NULL);
	c->n_sent += n;
	arm(c, on_drip, pb_json_i64(c->rule, "every_ms", 100));
}

/* --- cut */

static void
on_cut_sent(struct evhttp_connection *con, void *arg)
{
	(void)con;
	arm(arg, on_drop, 0);
}

static void
start_cut(struct pb_sbx_call *c)
{
	if (c->answer.len < 2)
		pb_buf_adds(&c->answer, "  ");
	add_length(c);
	evhttp_send_reply_start(c->req, c->status, NULL);
	send_chunk(c, c->answer.ptr, c->answer.len / 2, on_cut_sent);
}

/* --- endless */

static void
on_huge_sent(struct evhttp_connection *con, void *arg)
{
	static char filler[HUGE_CHUNK];
	(void)con;
	memset(filler, 'x', sizeof(filler));
	send_chunk(arg, filler, sizeof(filler), on_huge_sent);
}

/* An endless or absent answer ends when nobody is there any more. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct pb_sbx_call *c = arg;
	(void)fd;
	(void)what;
	if (pb_sbx_is_peer_gone(c))
		drop_connection(c, false);
	else
		arm(c, on_watch, GONE_EVERY);
}

static void
start_huge(struct pb_sbx_call *c)
{
	evhttp_send_reply_start(c->req, c->status, NULL);
	send_chunk(c, c->answer.ptr, c->answer.len, on_huge_sent);
	arm(c, on_watch, GONE_EVERY);
}

static void
start_not_http(struct pb_sbx_call *c)
{
	/* An idle socket takes these few bytes at once; evhttp would put a head before them. */
	(void)send(fd_of(c), not_http, sizeof(not_http) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	arm(c, on_drop, 0);
}

/* --- the choice */

static void
replace_answer(struct pb_sbx_call *c, const void *data, size_t len)
{
	pb_buf_reset(&c->answer);
	pb_buf_add(&c->answer, data, len);
	c->status = 200;
}

static void
send_now(struct pb_sbx_call *c)
{
	if (evhttp_request_get_connection(c->req) == NULL) {
		pb_sbx_call_free(c);
		return;
	}
	add_headers(c);
	switch (c->fault) {
	case PB_SBX_RESET:
	case PB_SBX_CLOSE:
	case PB_SBX_LOST:
		arm(c, on_drop, 0);
		return;
	case PB_SBX_HANG:
		arm(c, on_watch, GONE_EVERY);
		return;
	case PB_SBX_DRIP:
		add_length(c);
		evhttp_send_reply_start(c->req, c->status, NULL);
		arm(c, on_drip, 0);
		return;
	case PB_SBX_CUT:
		start_cut(c);
		return;
	case PB_SBX_HUGE:
		start_huge(c);
		return;
	case PB_SBX_NOT_HTTP:
		start_not_http(c);
		return;
	case PB_SBX_EMPTY:
		replace_answer(c, "", 0);
		break;
	case PB_SBX_GARBAGE:
		replace_answer(c, garbage, sizeof(garbage) - 1);
		break;
	case PB_SBX_NO_FAULT:
	case PB_SBX_THROTTLE:
	case PB_SBX_ERROR:
	case PB_SBX_SERVER_ERROR:
	case PB_SBX_EXPIRED_TOKEN:
	case PB_SBX_BAD_SIGNATURE:
	case PB_SBX_SKEWED_DATE:
	case PB_SBX_ANSWER:
	case PB_SBX_DELAY:
	case PB_SBX_WRONG_MD5:
	case PB_SBX_DUPLICATE:
	case PB_SBX_REORDER:
	case PB_SBX_FAULT_MAX:
		break;
	}
	send_whole(c);
}

static void
on_delay(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_now(arg);
}

void
pb_sbx_send(struct pb_sbx_call *c)
{
	int64_t delay = pb_json_i64(c->rule, "delay_ms", 0), at = pb_json_i64(c->entry, "at", 0);

	pb_json_set_i64(c->entry, "status", c->status);
	pb_json_set_i64(c->entry, "took_ms", pb_sbx_now(c->sb) - at);
	pb_json_set_str(c->entry, "request_id", c->id);
	if (c->sb->opts.on_call != NULL)
		c->sb->opts.on_call(c->entry, c->sb->opts.arg);
	if (delay > 0)
		arm(c, on_delay, delay);
	else
		send_now(c);
}
