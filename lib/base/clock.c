/*
 * The only file that reads a clock.
 */
#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;
	int rc = clock_gettime(id, &t);
	pb_check(rc == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t wall_shift;

int64_t
pb_clock_wall(void)
{
	return read_clock(CLOCK_REALTIME) + wall_shift;
}

void
pb_clock_shift_wall(int64_t by)
{
	wall_shift += by;
}

int64_t
pb_clock_mono(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

void
pb_clock_init(struct pb_clock *c, int64_t highest_stored_at)
{
	int64_t wall = pb_clock_wall();
	c->base_at = wall > highest_stored_at ? wall : highest_stored_at;
	c->base_mono = pb_clock_mono();
}

int64_t
pb_clock_durable(const struct pb_clock *c)
{
	return c->base_at + (pb_clock_mono() - c->base_mono);
}
