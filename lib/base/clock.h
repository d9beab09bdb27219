/*
 * The only clock.  The wall clock is for signing, printing and calendars; durable deadlines use
 * pb_clock_durable, which never goes back: it starts at max(wall clock, highest stored time) and
 * then runs with CLOCK_BOOTTIME, so that neither a clock set back nor a restart makes it return.
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
void pb_clock_init(struct pb_clock *c, int64_t highest_stored_at);
int64_t pb_clock_durable(const struct pb_clock *c);

#endif
