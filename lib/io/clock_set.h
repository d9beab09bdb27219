/*
 * Word of a wall clock that is set, by a person or a time daemon; adjusting its pace is no setting.
 * Linux cancels a timer of CLOCK_REALTIME when that clock is set (timerfd_create(2),
 * TFD_TIMER_CANCEL_ON_SET).
 */
#ifndef PB_IO_CLOCK_SET_H
#define PB_IO_CLOCK_SET_H

#include "io/loop.h"

struct pb_clock_set;

/* fn(arg) from the loop after each setting; several that come together may be one call.  PB_IO when the
 * system has no such timer. */
int pb_clock_set_new(struct pb_loop *loop, pb_loop_fn *fn, void *arg, struct pb_clock_set **ret,
    struct pb_error *err);
void pb_clock_set_free(struct pb_clock_set *s); /* NULL is fine */

#endif
