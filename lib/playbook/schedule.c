/*
 * Who is on call.
 *
 * Shift k of a rotation begins at the first instant whose wall time is anchor + k * every, and ends
 * when the next one begins: shifts follow the wall, so that one of 24h is 23 or 25 hours long where
 * clocks change.  An override begins at the first instant of its `from` and ends at the last of its
 * `until`; of several the one that stands last counts.
 */
#include "playbook/config.h"

/* No clock was ever set by more than a day. */
#define JUMP_MAX (26 * PB_HOUR)

static int64_t
shift_at(const struct pb_schedule *s, int64_t k)
{
	return pb_zone_first(s->zone, s->anchor_wall + k * s->every_for);
}

static size_t
rotation_place(const struct pb_schedule *s, int64_t now)
{
	int64_t wall = now + pb_zone_offset(s->zone, now) - s->anchor_wall;
	int64_t k = wall / s->every_for + JUMP_MAX / s->every_for + 1;
	while (shift_at(s, k) > now)
		k--;
	int64_t n = (int64_t)s->n_people;
	return (size_t)((k % n + n) % n);
}

void
pb_schedule_on_call(
    const struct pb_schedule *s, int64_t now, const size_t **ret_people, size_t *ret_n)
{
	for (size_t i = s->n_overrides; i-- > 0;) {
		const struct pb_override *o = &s->overrides[i];
		if (now < o->from_at || now >= o->until_at)
			continue;
		*ret_people = o->people;
		*ret_n = o->n_people;
		return;
	}
	*ret_people = &s->people[rotation_place(s, now)];
	*ret_n = 1;
}
