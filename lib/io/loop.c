/*
 * The event loop over libevent.  Posted calls are a list of our own behind one event, so that they
 * keep their order and can be taken back; timers check the clock again when they fire, because
 * libevent's clock stands still while the host sleeps and is read once a round.
 */
#include "io/loop.h"

#include <event2/event.h>
#include <event2/util.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define TIMER_CHECK_EVERY INT64_C(30000)

struct post {
	pb_loop_fn *fn;
	void *arg;
	struct post *next;
};

struct pb_loop {
	struct event_base *base;
	struct event *post_event;
	struct post *posts, **posts_end; /* waiting for the next round */
	struct post *calling; /* this round's, not yet called */
	bool is_stopping;
};

struct pb_loop_timer {
	struct event *event;
	pb_loop_fn *fn;
	void *arg;
	int64_t due_at; /* of pb_clock_mono */
	bool is_set;
};

struct pb_loop_signal {
	struct event *event;
	pb_loop_signal_fn *fn;
	void *arg;
};

struct pb_loop_watch {
	struct event *event;
	pb_loop_watch_fn *fn;
	void *arg;
};

/* libevent writes warnings about peers to stderr; what matters of them reaches us as events. */
static void
on_libevent_message(int severity, const char *text)
{
	if (severity == EVENT_LOG_ERR)
		fprintf(stderr, "libevent: %s\n", text);
}

static void
call_posts(evutil_socket_t fd, short what, void *arg)
{
	struct pb_loop *loop = arg;
	(void)fd;
	(void)what;
	loop->calling = PB_TAKE(loop->posts);
	loop->posts_end = &loop->posts;
	while (loop->calling != NULL) {
		struct post p = *loop->calling;
		free(loop->calling);
		loop->calling = p.next;
		p.fn(p.arg);
	}
}

int
pb_loop_new(struct pb_loop **ret_loop, struct pb_error *err)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write that fails */
	signal(SIGCHLD, SIG_DFL);
	event_set_log_callback(on_libevent_message);
	struct event_base *base = event_base_new();
	if (base == NULL)
		return pb_fail(err, PB_IO, "cannot set up the event loop");
	struct pb_loop *loop = pb_calloc(1, sizeof(*loop));
	loop->base = base;
	loop->posts_end = &loop->posts;
	loop->post_event = event_new(base, -1, 0, call_posts, loop);
	if (loop->post_event == NULL) {
		pb_loop_free(loop);
		return pb_fail(err, PB_IO, "cannot set up the event loop");
	}
	*ret_loop = loop;
	return 0;
}

static void
posts_free(struct post *p)
{
	while (p != NULL) {
		struct post *next = p->next;
		free(p);
		p = next;
	}
}

void
pb_loop_free(struct pb_loop *loop)
{
	if (loop == NULL)
		return;
	posts_free(loop->posts);
	posts_free(loop->calling);
	if (loop->post_event != NULL)
		event_free(loop->post_event);
	event_base_free(loop->base);
	free(loop);
}

int
pb_loop_run(struct pb_loop *loop, struct pb_error *err)
{
	int rc = 0;
	while (!loop->is_stopping && rc >= 0)
		rc = event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
	loop->is_stopping = false;
	return rc < 0 ? pb_fail(err, PB_IO, "waiting for events failed") : 0;
}

void
pb_loop_stop(struct pb_loop *loop)
{
	loop->is_stopping = true;
	event_base_loopbreak(loop->base);
}

void
pb_loop_turn(struct pb_loop *loop)
{
	(void)event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

struct event_base *
pb_loop_base(struct pb_loop *loop)
{
	return loop->base;
}

void
pb_loop_post(struct pb_loop *loop, pb_loop_fn *fn, void *arg)
{
	struct post *p = pb_malloc(sizeof(*p));
	*p = (struct post){.fn = fn, .arg = arg};
	*loop->posts_end = p;
	loop->posts_end = &p->next;
	/* A zero timeout and not event_active: active events are run to exhaustion within a round.
	 */
	static const struct timeval at_once = {0, 0};
	if (!event_pending(loop->post_event, EV_TIMEOUT, NULL))
		pb_check(event_add(loop->post_event, &at_once) == 0);
}

static void
posts_remove(struct post **at, pb_loop_fn *fn, const void *arg)
{
	while (*at != NULL) {
		struct post *p = *at;
		if (p->fn == fn && p->arg == arg) {
			*at = p->next;
			free(p);
		} else {
			at = &p->next;
		}
	}
}

void
pb_loop_unpost(struct pb_loop *loop, pb_loop_fn *fn, void *arg)
{
	posts_remove(&loop->posts, fn, arg);
	posts_remove(&loop->calling, fn, arg);
	loop->posts_end = &loop->posts;
	while (*loop->posts_end != NULL)
		loop->posts_end = &(*loop->posts_end)->next;
}

static void
timer_arm(struct pb_loop_timer *t, int64_t after)
{
	if (after < 0)
		after = 0;
	if (after > TIMER_CHECK_EVERY)
		after = TIMER_CHECK_EVERY;
	struct timeval tv = {
	    .tv_sec = (time_t)(after / 1000), .tv_usec = (suseconds_t)(after % 1000 * 1000)};
	pb_check(event_add(t->event, &tv) == 0);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pb_loop_timer *t = arg;
	(void)fd;
	(void)what;
	int64_t left = t->due_at - pb_clock_mono();
	if (left > 0) {
		timer_arm(t, left);
		return;
	}
	t->is_set = false;
	t->fn(t->arg);
}

struct pb_loop_timer *
pb_loop_timer_new(struct pb_loop *loop, pb_loop_fn *fn, void *arg)
{
	struct pb_loop_timer *t = pb_calloc(1, sizeof(*t));
	t->fn = fn;
	t->arg = arg;
	t->event = evtimer_new(loop->base, on_timer, t);
	pb_check(t->event != NULL);
	return t;
}

void
pb_loop_timer_set(struct pb_loop_timer *t, int64_t after)
{
	int64_t now = pb_clock_mono();
	if (after < 0)
		after = 0;
	t->due_at = after > INT64_MAX - now ? INT64_MAX : now + after;
	t->is_set = true;
	timer_arm(t, after);
}

void
pb_loop_timer_clear(struct pb_loop_timer *t)
{
	t->is_set = false;
	(void)event_del(t->event);
}

bool
pb_loop_timer_is_set(const struct pb_loop_timer *t)
{
	return t->is_set;
}

void
pb_loop_timer_free(struct pb_loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct pb_loop_signal *s = arg;
	(void)what;
	s->fn((int)signo, s->arg);
}

int
pb_loop_signal_new(struct pb_loop *loop, int signo, pb_loop_signal_fn *fn, void *arg,
    struct pb_loop_signal **ret_signal, struct pb_error *err)
{
	struct pb_loop_signal *s = pb_calloc(1, sizeof(*s));
	s->fn = fn;
	s->arg = arg;
	s->event = evsignal_new(loop->base, signo, on_signal, s);
	if (s->event == NULL || event_add(s->event, NULL) < 0) {
		pb_loop_signal_free(s);
		return pb_fail(err, PB_IO, "cannot listen for signal %d", signo);
	}
	*ret_signal = s;
	return 0;
}

void
pb_loop_signal_free(struct pb_loop_signal *s)
{
	if (s == NULL)
		return;
	if (s->event != NULL)
		event_free(s->event);
	free(s);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct pb_loop_watch *w = arg;
	w->fn(fd, ((what & EV_READ) ? PB_LOOP_READ : 0) | ((what & EV_WRITE) ? PB_LOOP_WRITE : 0),
	    w->arg);
}

int
pb_loop_watch_new(struct pb_loop *loop, int fd, unsigned what, pb_loop_watch_fn *fn, void *arg,
    struct pb_loop_watch **ret_watch, struct pb_error *err)
{
	short events = EV_PERSIST;
	if (what & PB_LOOP_READ)
		events |= EV_READ;
	if (what & PB_LOOP_WRITE)
		events |= EV_WRITE;
	struct pb_loop_watch *w = pb_calloc(1, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	w->event = event_new(loop->base, fd, events, on_ready, w);
	if (w->event == NULL || event_add(w->event, NULL) < 0) {
		pb_loop_watch_free(w);
		return pb_fail(err, PB_IO, "descriptor %d cannot be waited for", fd);
	}
	*ret_watch = w;
	return 0;
}

void
pb_loop_watch_free(struct pb_loop_watch *w)
{
	if (w == NULL)
		return;
	if (w->event != NULL)
		event_free(w->event);
	free(w);
}
