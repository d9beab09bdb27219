/*
 * The only file that reads a clock.
 */
#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/*
 * A number for this start of the host as this process sees it: in a time namespace of its own
 * CLOCK_BOOTTIME is another.
 */
static int64_t
host_start(void)
{
	char text[64] = "", digits[16] = "";
	struct stat ns = {0};
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (f == NULL)
		return 0;
	bool is_read = fgets(text, sizeof(text), f) != NULL;
	(void)fclose(f);
	for (size_t i = 0, n = 0; text[i] != '\0' && n + 1 < sizeof(digits); i++)
		if (isxdigit((unsigned char)text[i]))
			digits[n++] = text[i];
	(void)stat("/proc/self/ns/time", &ns); /* none in kernels before 5.6 */
	return is_read ? (int64_t)strtoull(digits, NULL, 16) ^ (int64_t)ns.st_ino : 0;
}

void
pb_clock_init(struct pb_clock *c, int64_t highest_stored_at, const struct pb_clock_mark *last)
{
	int64_t wall = pb_clock_wall();
	c->base_mono = pb_clock_mono();
	c->base_at = wall > highest_stored_at ? wall : highest_stored_at;
	bool is_same = last->host_start != 0 && last->host_start == host_start();
	if (is_same && last->ahead + c->base_mono > c->base_at)
		c->base_at = last->ahead + c->base_mono;
}

void
pb_clock_mark(const struct pb_clock *c, struct pb_clock_mark *ret)
{
	*ret =
	    (struct pb_clock_mark){.host_start = host_start(), .ahead = c->base_at - c->base_mono};
}

int64_t
pb_clock_durable(const struct pb_clock *c)
{
	return c->base_at + (pb_clock_mono() - c->base_mono);
}
