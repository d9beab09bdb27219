/*
 * The event loop.
 */
#include <fcntl.h>
#include <signal.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/io/helper.h"

static char order[16];

static void
note_a(void *arg)
{
	(void)arg;
	strcat(order, "a");
}

static void
note_b(void *arg)
{
	pb_loop_post(arg, note_a, arg);
	strcat(order, "b");
}

static void
set_flag(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(posted_calls_come_later_and_in_order)
{
	struct pb_loop *loop = io_loop();
	bool done = false;
	pb_loop_post(loop, note_a, loop);
	pb_loop_post(loop, note_b, loop);
	pb_loop_post(loop, note_a, loop);
	ck_assert_str_eq(order, "");
	pb_loop_turn(loop);
	ck_assert_str_eq(order, "aba");
	pb_loop_post(loop, set_flag, &done);
	io_run_until(loop, &done);
	ck_assert_str_eq(order, "abaa");
	pb_loop_free(loop);
}
END_TEST

START_TEST(a_posted_call_can_be_taken_back)
{
	struct pb_loop *loop = io_loop();
	bool done = false, other = false;
	pb_loop_post(loop, set_flag, &other);
	pb_loop_post(loop, set_flag, &done);
	pb_loop_unpost(loop, set_flag, &other);
	io_run_until(loop, &done);
	ck_assert(!other);
	pb_loop_post(loop, set_flag, &other);
	pb_loop_free(loop);
	ck_assert(!other);
}
END_TEST

struct unposter {
	struct pb_loop *loop;
	bool *victim;
};

static void
unpost_the_next(void *arg)
{
	struct unposter *u = arg;
	pb_loop_unpost(u->loop, set_flag, u->victim);
}

START_TEST(a_posted_call_can_be_taken_back_by_the_one_before_it)
{
	struct pb_loop *loop = io_loop();
	bool victim = false, done = false;
	struct unposter u = {loop, &victim};
	pb_loop_post(loop, unpost_the_next, &u);
	pb_loop_post(loop, set_flag, &victim);
	pb_loop_post(loop, set_flag, &done);
	io_run_until(loop, &done);
	ck_assert(!victim);
	pb_loop_free(loop);
}
END_TEST

START_TEST(a_timer_fires_once_and_never_early)
{
	struct pb_loop *loop = io_loop();
	bool done = false;
	struct pb_loop_timer *t = pb_loop_timer_new(loop, set_flag, &done);
	int64_t start = pb_clock_mono();
	pb_loop_timer_set(t, 30);
	ck_assert(pb_loop_timer_is_set(t));
	io_run_until(loop, &done);
	ck_assert_int_ge(pb_clock_mono() - start, 30);
	ck_assert(!pb_loop_timer_is_set(t));
	pb_loop_timer_free(t);
	pb_loop_free(loop);
}
END_TEST

START_TEST(a_timer_can_be_moved_and_cleared)
{
	struct pb_loop *loop = io_loop();
	bool moved = false, cleared = false, far = false;
	struct pb_loop_timer *m = pb_loop_timer_new(loop, set_flag, &moved);
	struct pb_loop_timer *c = pb_loop_timer_new(loop, set_flag, &cleared);
	struct pb_loop_timer *f = pb_loop_timer_new(loop, set_flag, &far);
	pb_loop_timer_set(m, 3600000);
	pb_loop_timer_set(c, 0);
	pb_loop_timer_set(f, INT64_MAX);
	pb_loop_timer_clear(c);
	pb_loop_timer_set(m, -5);
	io_run_until(loop, &moved);
	ck_assert(!cleared && !far);
	ck_assert(pb_loop_timer_is_set(f));
	pb_loop_timer_free(m);
	pb_loop_timer_free(c);
	pb_loop_timer_free(f);
	pb_loop_timer_free(NULL);
	pb_loop_free(loop);
}
END_TEST

static void
stop_loop(void *arg)
{
	pb_loop_stop(arg);
}

START_TEST(run_lasts_until_stop)
{
	struct pb_loop *loop = io_loop();
	struct pb_loop_timer *t = pb_loop_timer_new(loop, stop_loop, loop);
	pb_loop_timer_set(t, 5);
	ck_assert_int_eq(pb_loop_run(loop, NULL), 0);
	pb_loop_stop(loop);
	ck_assert_int_eq(pb_loop_run(loop, NULL), 0);
	pb_loop_timer_set(t, 5);
	ck_assert_int_eq(pb_loop_run(loop, NULL), 0);
	pb_loop_timer_free(t);
	pb_loop_free(loop);
}
END_TEST

static int got_signal;

static void
on_signal(int signo, void *arg)
{
	got_signal = signo;
	set_flag(arg);
}

START_TEST(signals_arrive_through_the_loop)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct pb_loop *loop = io_loop();
	for (size_t i = 0; i < PB_ARRAY_LEN(signals); i++) {
		struct pb_loop_signal *s;
		bool done = false;
		ck_assert_int_eq(
		    pb_loop_signal_new(loop, signals[i], on_signal, &done, &s, NULL), 0);
		ck_assert_int_eq(raise(signals[i]), 0);
		ck_assert(!done);
		io_run_until(loop, &done);
		ck_assert_int_eq(got_signal, signals[i]);
		pb_loop_signal_free(s);
	}
	pb_loop_free(loop);
}
END_TEST

static void
on_readable(int fd, unsigned what, void *arg)
{
	char c;
	ck_assert_uint_eq(what, PB_LOOP_READ);
	ck_assert_int_eq(read(fd, &c, 1), 1);
	set_flag(arg);
}

START_TEST(a_watch_is_called_while_there_is_something)
{
	struct pb_loop *loop = io_loop();
	struct pb_loop_watch *w;
	int fds[2];
	bool done = false;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(
	    pb_loop_watch_new(loop, fds[0], PB_LOOP_READ, on_readable, &done, &w, NULL), 0);
	ck_assert_int_eq(write(fds[1], "xy", 2), 2);
	io_run_until(loop, &done);
	done = false;
	io_run_until(loop, &done);
	pb_loop_watch_free(w);
	close(fds[0]);
	close(fds[1]);
	pb_loop_free(loop);
}
END_TEST

START_TEST(a_regular_file_cannot_be_watched)
{
	struct pb_loop *loop = io_loop();
	struct pb_loop_watch *w = NULL;
	struct pb_error err;
	char *path = io_tmpfile("f");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(
	    pb_loop_watch_new(loop, fd, PB_LOOP_READ, on_readable, NULL, &w, &err), -1);
	ck_assert_ptr_null(w);
	ck_assert_int_eq(err.kind, PB_IO);
	close(fd);
	free(path);
	pb_loop_free(loop);
}
END_TEST

/* A limit on the size of files must not end the process, but fail the write. */
START_TEST(a_file_that_may_not_grow_is_an_error_of_write)
{
	struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
	char path[] = "/tmp/playbookd-loop.XXXXXX";
	int fd = mkstemp(path);
	struct pb_error err;
	PB_CLEANUP(pb_loop_freep) struct pb_loop *loop = NULL;

	ck_assert_int_eq(pb_loop_new(&loop, &err), 0);
	ck_assert_int_ge(fd, 0);
	(void)unlink(path);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EFBIG);
	close(fd);
}
END_TEST

PB_SUITE(loop)
{
	pb_add(s, a_file_that_may_not_grow_is_an_error_of_write);
	pb_add(s, posted_calls_come_later_and_in_order);
	pb_add(s, a_posted_call_can_be_taken_back);
	pb_add(s, a_posted_call_can_be_taken_back_by_the_one_before_it);
	pb_add(s, a_timer_fires_once_and_never_early);
	pb_add(s, a_timer_can_be_moved_and_cleared);
	pb_add(s, run_lasts_until_stop);
	pb_add(s, signals_arrive_through_the_loop);
	pb_add(s, a_watch_is_called_while_there_is_something);
	pb_add(s, a_regular_file_cannot_be_watched);
}
