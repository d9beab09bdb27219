/*
 * The event loop: timers, posted calls, signals and readiness of descriptors, over libevent.
 *
 * One thread, one loop.  Callbacks build an input, post it and return; nothing here calls back from
 * inside the function that asked for it.  Objects may be freed from any callback, their own
 * included, and are never called after that.  Free them before their loop.
 */
#ifndef PB_IO_LOOP_H
#define PB_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct event_base;
struct pb_loop;

/*
 * Makes the loop.  Also sets what the parts built on it rely on, for the whole process: SIGPIPE and
 * SIGXFSZ ignored (a peer that went away, and a file that may not grow, are errors of write) and
 * SIGCHLD at its default (children are waited for through pidfds).  PB_IO when the system refuses.
 */
int pb_loop_new(struct pb_loop **ret_loop, struct pb_error *err);
void pb_loop_free(struct pb_loop *loop); /* NULL is fine; posted calls not yet made are dropped */
PB_DEFINE_CLEANUP(struct pb_loop, pb_loop_free)

/* Runs until pb_loop_stop.  PB_IO when the system's poll fails. */
int pb_loop_run(struct pb_loop *loop, struct pb_error *err);
/* Makes pb_loop_run return after the callback at hand.  Before pb_loop_run: that one returns at
 * once. */
void pb_loop_stop(struct pb_loop *loop);
/* One round without waiting: whatever is ready now is called. */
void pb_loop_turn(struct pb_loop *loop);
/* For the shells that speak libevent themselves. */
struct event_base *pb_loop_base(struct pb_loop *loop);

/*
 * Call fn(arg) from the loop soon, in the order of posting.  What is posted from a posted call
 * waits for the next round, so that descriptors and timers get their turn.
 */
typedef void pb_loop_fn(void *arg);
void pb_loop_post(struct pb_loop *loop, pb_loop_fn *fn, void *arg);
/* Takes back every posted call of this fn and arg that has not been made yet. */
void pb_loop_unpost(struct pb_loop *loop, pb_loop_fn *fn, void *arg);

/*
 * One-shot timers.  `after` is in ms from now; 0 and less mean "in the next round".  Time is
 * pb_clock_mono: it goes on while the host sleeps, and a timer that came due meanwhile is called
 * within 30 s of waking.  Never called early.
 */
struct pb_loop_timer;
struct pb_loop_timer *pb_loop_timer_new(struct pb_loop *loop, pb_loop_fn *fn, void *arg);
void pb_loop_timer_set(struct pb_loop_timer *t, int64_t after); /* sets, or moves what was set */
void pb_loop_timer_clear(struct pb_loop_timer *t); /* may be unset already */
bool pb_loop_timer_is_set(const struct pb_loop_timer *t);
void pb_loop_timer_free(struct pb_loop_timer *t); /* NULL is fine */
PB_DEFINE_CLEANUP(struct pb_loop_timer, pb_loop_timer_free)

/* Signals (SIGTERM, SIGINT, SIGHUP ...): called from the loop, not from the signal's context. */
struct pb_loop_signal;
typedef void pb_loop_signal_fn(int signo, void *arg);
int pb_loop_signal_new(struct pb_loop *loop, int signo, pb_loop_signal_fn *fn, void *arg,
    struct pb_loop_signal **ret_signal, struct pb_error *err);
void pb_loop_signal_free(struct pb_loop_signal *s); /* NULL is fine; restores what was set before */

/*
 * Readiness of a descriptor, called again and again while it lasts.  The descriptor stays the
 * caller's: free the watch first, then close.  At most one watch a descriptor.
 */
#define PB_LOOP_READ 1U
#define PB_LOOP_WRITE 2U
struct pb_loop_watch;
typedef void pb_loop_watch_fn(int fd, unsigned what, void *arg);
/* PB_IO for a descriptor that cannot be polled (a regular file). */
int pb_loop_watch_new(struct pb_loop *loop, int fd, unsigned what, pb_loop_watch_fn *fn, void *arg,
    struct pb_loop_watch **ret_watch, struct pb_error *err);
void pb_loop_watch_free(struct pb_loop_watch *w); /* NULL is fine */

#endif
