/*
 * Lines over a Unix socket: a bufferevent and a timer.
 */
#include "io/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

struct pb_line_call {
	struct pb_loop *loop;
	struct bufferevent *bev;
	struct pb_loop_timer *timer;
	char *path;
	size_t max_answer;
	bool was_reached;
	struct pb_error early; /* decided at the start, to be told in the next round */
	pb_line_fn *fn;
	void *arg;
};

static void tell_early(void *arg);

void
pb_line_call_cancel(struct pb_line_call *c)
{
	if (c == NULL)
		return;
	pb_loop_unpost(c->loop, tell_early, c);
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	pb_loop_timer_free(c->timer);
	free(c->path);
	free(c);
}

static void
tell(struct pb_line_call *c, struct pb_str answer, const struct pb_error *err)
{
	struct pb_line_result result = {
	    .answer = answer, .err = err, .was_reached = c->was_reached};
	c->fn(&result, c->arg);
	pb_line_call_cancel(c);
}

static void
tell_early(void *arg)
{
	struct pb_line_call *c = arg;
	tell(c, (struct pb_str){0}, &c->early);
}

static void
out_of_time(void *arg)
{
	struct pb_line_call *c = arg;
	struct pb_error err;
	(void)pb_fail(&err, PB_TIMEOUT, "%s gave no answer in time", c->path);
	tell(c, (struct pb_str){0}, &err);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct pb_line_call *c = arg;
	struct pb_error err;
	size_t len;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line != NULL && len <= c->max_answer) {
		tell(c, (struct pb_str){line, len}, NULL);
	} else if (line != NULL || evbuffer_get_length(in) > c->max_answer) {
		(void)pb_fail(&err, PB_LIMIT, "the answer of %s is longer than %zu bytes", c->path,
		    c->max_answer);
		tell(c, (struct pb_str){0}, &err);
	}
	free(line);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct pb_line_call *c = arg;
	struct pb_error err;
	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		c->was_reached = true;
		return;
	}
	if (what & BEV_EVENT_ERROR)
		(void)pb_fail_errno(&err, EVUTIL_SOCKET_ERROR(), "%s", c->path);
	else
		(void)pb_fail(&err, PB_IO, "%s closed the connection without an answer", c->path);
	tell(c, (struct pb_str){0}, &err);
}

static int
connect_to(struct pb_line_call *c, struct pb_str line)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(c->path);
	if (len == 0 || len >= sizeof(to.sun_path))
		return pb_fail(&c->early, PB_INVALID,
		    "\"%s\" is no path of a socket: 1 to %zu bytes", c->path,
		    sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, c->path, len);
	c->bev = bufferevent_socket_new(
	    pb_loop_base(c->loop), -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	pb_check(c->bev != NULL);
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	pb_line_call_send(c, line);
	if (bufferevent_enable(c->bev, EV_READ | EV_WRITE) < 0 ||
	    bufferevent_socket_connect(c->bev, (struct sockaddr *)&to, sizeof(to)) < 0) {
		(void)pb_fail_errno(&c->early, errno, "%s", c->path);
		bufferevent_free(PB_TAKE(c->bev));
		return -1;
	}
	return 0;
}

struct pb_line_call *
pb_line_call_start(struct pb_loop *loop, const char *path, struct pb_str line, size_t max_answer,
    int64_t limit_for, pb_line_fn *fn, void *arg)
{
	struct pb_line_call *c = pb_calloc(1, sizeof(*c));
	c->loop = loop;
	c->path = pb_strdup(path);
	c->max_answer = max_answer;
	c->fn = fn;
	c->arg = arg;
	c->timer = pb_loop_timer_new(loop, out_of_time, c);
	if (connect_to(c, line) < 0)
		pb_loop_post(loop, tell_early, c);
	else
		pb_loop_timer_set(c->timer, limit_for);
	return c;
}

void
pb_line_call_send(struct pb_line_call *c, struct pb_str line)
{
	if (c->bev == NULL)
		return;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	pb_check(evbuffer_add(out, line.ptr, line.len) == 0 && evbuffer_add(out, "\n", 1) == 0);
}
