/*
 * The only clock.  The wall clock is for signing, printing and calendars; durable deadlines use
 * pb_clock_durable, which never goes back: it starts at the latest of the wall clock, the highest stored
 * time and what the process before would show now, and then runs with CLOCK_BOOTTIME, so that neither a
 * clock set back nor a restart makes it return.
 */
#ifndef PB_BASE_CLOCK_H
#define PB_BASE_CLOCK_H

#include <stdint.h>

int64_t pb_clock_wall(void); /* ms since 1970 */
void pb_clock_shift_wall(int64_t by); /* for tests, which cannot set it: it reads so much more */
int64_t pb_clock_mono(void); /* ms, CLOCK_BOOTTIME */

struct pb_clock {
	int64_t base_at; /* durable time at start */
	int64_t base_mono; /* monotonic time at start */
};
/* What a process leaves to the next one: while the host has not been started anew, its monotonic clock
 * says how long nobody ran, whatever became of the wall clock. */
struct pb_clock_mark {
	int64_t host_start; /* which one; 0 = not known, the mark is of no use */
	int64_t ahead; /* durable time minus monotonic */
};
void pb_clock_init(struct pb_clock *c, int64_t highest_stored_at, const struct pb_clock_mark *last);
int64_t pb_clock_durable(const struct pb_clock *c);
void pb_clock_mark(const struct pb_clock *c, struct pb_clock_mark *ret);

#endif
