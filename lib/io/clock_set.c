/*
 * A timer far in the future, only there to be cancelled.
 */
#include "io/clock_set.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

#define CLOCK_SET_MAGIC 0xc10c5e7u

struct pb_clock_set {
	uint32_t magic;
	int fd;
	struct pb_loop_watch *watch;
	pb_loop_fn *fn;
	void *arg;
};

static int
arm(const struct pb_clock_set *s)
{
	/* In 2242: one that has expired would be readable for ever. */
	const struct itimerspec far = {.it_value = {.tv_sec = (time_t)1 << 33}};
	return timerfd_settime(s->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void
on_readable(int fd, unsigned what, void *arg)
{
	struct pb_clock_set *s = arg;
	uint64_t n;
	PB_CHECK_OBJ(s, CLOCK_SET_MAGIC);
	(void)what;
	/* Says ECANCELED once for all settings since it was armed; armed first, none is missed. */
	bool was_set = read(fd, &n, sizeof(n)) < 0 && errno == ECANCELED;
	(void)arm(s);
	if (was_set)
		s->fn(s->arg);
}

int
pb_clock_set_new(struct pb_loop *loop, pb_loop_fn *fn, void *arg, struct pb_clock_set **ret,
    struct pb_error *err)
{
	struct pb_clock_set *s = pb_calloc(1, sizeof(*s));
	*s = (struct pb_clock_set){.magic = CLOCK_SET_MAGIC, .fn = fn, .arg = arg};
	s->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->fd < 0 || arm(s) < 0) {
		(void)pb_fail_errno(err, errno, "timerfd");
	} else if (pb_loop_watch_new(loop, s->fd, PB_LOOP_READ, on_readable, s, &s->watch, err) ==
	    0) {
		*ret = s;
		return 0;
	}
	pb_clock_set_free(s);
	return -1;
}

void
pb_clock_set_free(struct pb_clock_set *s)
{
	if (s == NULL)
		return;
	PB_CHECK_OBJ(s, CLOCK_SET_MAGIC);
	pb_loop_watch_free(s->watch);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->magic = 0;
	free(s);
}
