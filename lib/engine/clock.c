/*
 * The wall clock, which people and time daemons set, beside durable time, which nobody does.
 *
 * Deadlines are durable: neither way of setting the wall clock moves one.  What is said by the wall
 * stays by the wall: who is on call, when a maintenance window opens, the times of events and so their
 * age.  Set back, a window that is open ends when it would have ended, and none opens twice for the
 * same hour (maintenance.c).
 *
 * How far apart the two are is in no record: the pump's owner tells it at each start before PB_IN_BOOT.
 */
#include "internal.h"

int64_t
wall_of(const struct pb_engine *e, int64_t at)
{
	return at == PB_NEVER ? at : at + e->wall_ahead;
}

int64_t
durable_of(const struct pb_engine *e, int64_t wall)
{
	return wall == PB_NEVER ? wall : wall - e->wall_ahead;
}

/* "1h behind the time that deadlines are kept by" */
static const char *
distance(char out[PB_TIME_TEXT + 64], int64_t ahead)
{
	char span[PB_TIME_TEXT];
	if (ahead > -PB_CLOCK_STEP && ahead < PB_CLOCK_STEP)
		(void)snprintf(out, PB_TIME_TEXT + 64, "the time that deadlines are kept by");
	else
		(void)snprintf(out, PB_TIME_TEXT + 64, "%s %s the time that deadlines are kept by",
		    pb_duration_text(span, ahead < 0 ? -ahead : ahead),
		    ahead < 0 ? "behind" : "ahead of");
	return out;
}

void
clock_input(struct turn *t, const struct pb_input *input)
{
	struct pb_engine *e = t->e;
	char span[PB_TIME_TEXT], to[PB_TIME_TEXT], apart[PB_TIME_TEXT + 64];
	int64_t by = input->span - e->wall_ahead;
	bool is_boot = e->boot_at == 0;
	e->wall_ahead = input->span;
	(void)distance(apart, input->span);
	if (is_boot) { /* what the store holds is later than the wall clock */
		pb_update_note(
		    t->u, "", "", "", "clock", "the wall clock is %s; no deadline moves", apart);
		return;
	}
	pb_update_note(t->u, "", "", "", "clock",
	    "the wall clock was set %s by %s, to %s: it is %s; no deadline moves",
	    by < 0 ? "back" : "forward", pb_duration_text(span, by < 0 ? -by : by),
	    pb_time_rfc3339(to, wall_of(e, t->now) / PB_SECOND * PB_SECOND), apart);
	maintenance_clock_set(t);
	/* Mute rules end by the wall clock. */
	hush_release(t);
}
