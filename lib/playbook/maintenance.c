/*
 * When a maintenance window is open.
 */
#include "playbook/config.h"

/* No clock was ever set by more than a day. */
#define JUMP_DAYS 2

struct span {
	int64_t from_at, until_at;
};

static struct span
span_from(const struct pb_maintenance *m, int64_t start_wall)
{
	struct span s = {
	    pb_zone_first(m->zone, start_wall), pb_zone_last(m->zone, start_wall + m->length_for)};
	if (s.until_at < s.from_at + m->length_for)
		s.until_at = s.from_at + m->length_for;
	return s;
}

static bool
opens_on(const struct pb_maintenance *m, int64_t day)
{
	return (m->days >> ((day + 4) % 7) & 1) != 0 &&
	    day * PB_DAY + m->start_wall < m->expires_wall;
}

static int64_t
day_of(const struct pb_maintenance *m, int64_t at)
{
	return (at + pb_zone_offset(m->zone, at)) / PB_DAY;
}

/* Takes over what is open at `now` and ends later than what was found before. */
static bool
take(struct span s, int64_t now, int64_t *ret_from_at, int64_t *ret_until_at, bool is_open)
{
	if (now < s.from_at || now >= s.until_at || (is_open && s.until_at <= *ret_until_at))
		return is_open;
	*ret_from_at = s.from_at;
	*ret_until_at = s.until_at;
	return true;
}

bool
pb_maintenance_is_open(
    const struct pb_maintenance *m, int64_t now, int64_t *ret_from_at, int64_t *ret_until_at)
{
	bool is_open = false;
	if (m->is_once)
		return take(span_from(m, m->start_wall), now, ret_from_at, ret_until_at, false);
	int64_t today = day_of(m, now), first = today - m->length_for / PB_DAY - JUMP_DAYS;
	for (int64_t day = first < 0 ? 0 : first; day <= today + 1; day++)
		if (opens_on(m, day))
			is_open = take(span_from(m, day * PB_DAY + m->start_wall), now, ret_from_at,
			    ret_until_at, is_open);
	return is_open;
}

int64_t
pb_maintenance_next_at(const struct pb_maintenance *m, int64_t now)
{
	int64_t at = PB_NEVER;
	if (m->is_once) {
		at = pb_zone_first(m->zone, m->start_wall);
		return at > now ? at : PB_NEVER;
	}
	int64_t today = day_of(m, now);
	for (int64_t day = today; day <= today + 7 + JUMP_DAYS && at == PB_NEVER; day++) {
		int64_t from =
		    opens_on(m, day) ? pb_zone_first(m->zone, day * PB_DAY + m->start_wall) : 0;
		if (from > now)
			at = from;
	}
	return at;
}
