/*
 * Why a page that is due does not go now: something hushes it, the first poll has not told yet whether
 * that still holds, it goes with others of its bundle, or it flaps and is OK just now.
 */
#include "bundle.h"

void
ladder_page_by_is_why(struct incident *in)
{
	char span[PB_TIME_TEXT];
	if (in->ladder.why == NULL) /* else it was hastened, or something else came first */
		in->ladder.why = pb_asprintf("not over %s after it began (page_by)",
		    pb_duration_text(span, in->ladder.page_by_at - incident_began_at(in)));
}

/* By when it must be known: as if nothing held it back, or as long again where that was decided. */
static int64_t
decide_by(const struct turn *t, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	int64_t most = p == NULL ? FIRST_POLL_LEAST : p->page_by_for;
	if (in->ladder.state == LADDER_HELD)
		return t->now + most;
	return p == NULL ? in->opened_at + most : in->ladder.page_by_at;
}

/*
 * What was known before the start may be over: nothing is kept back for it before every source has
 * been polled whole, and that is waited for until page_by.  False when it is time to page.
 */
static bool
wait_for_poll(
    struct turn *t, struct incident *in, const char *why, const char *held, const char *unpolled)
{
	struct ladder *l = &in->ladder;
	char clock[PB_TIME_TEXT];
	int64_t by = l->decide_by > 0 ? l->decide_by : decide_by(t, in);
	if (t->now >= by) {
		incident_note(t, in, "", "held",
		    "not: %s, but source %s has not been polled since the start", held, unpolled);
		return false;
	}
	if (why != NULL && why != l->why)
		ladder_set_text(&l->why, why);
	PB_CLEANUP(pb_freep)
	char *text =
	    pb_asprintf("%s, if that holds still: source %s is to be polled first, until %s", held,
		unpolled, pb_time_clock(clock, wall_of(t->e, by)));
	if (!pb_streq(text, l->held)) {
		incident_note(t, in, "", "held", "nobody is paged yet%s%s: %s",
		    why == NULL ? "" : " although ", why == NULL ? "" : why, text);
		ladder_set_text(&l->held, text);
	}
	ladder_forget_who(l);
	l->decide_by = by;
	ladder_enter(t, in, LADDER_HELD, by);
	return true;
}

/* One thing that blocks the remediation and holds the page is named once. */
static void
note_held(struct turn *t, const struct incident *in, const char *why, const char *held)
{
	bool is_named = why != NULL && strstr(why, held) != NULL;
	incident_note(t, in, "", "held", "nobody is paged%s%s%s%s",
	    is_named          ? ", for the same reason: "
		: why == NULL ? ""
			      : " although ",
	    why == NULL ? "" : why, is_named ? "" : ": ", is_named ? "" : held);
}

char *
ladder_why_now(const struct ladder *l)
{
	const char *held = l->held == NULL ? "?" : l->held;
	if (l->why != NULL && strstr(l->why, held) != NULL)
		return pb_asprintf("%s; held back until now by the same", l->why);
	/* An inhibition is told as what was done, all else by its name. */
	const char *by = strncmp(held, "inhibited ", strlen("inhibited ")) == 0 ? "," : " by";
	return pb_asprintf("%s%sheld back until now%s %s", l->why == NULL ? "" : l->why,
	    l->why == NULL ? "" : "; ", by, held);
}

bool
ladder_keep_quiet(struct turn *t, struct incident *in, const char *why)
{
	int64_t until;
	if (in->ladder.state != LADDER_ACKED)
		return ladder_hold_back(t, in, why);
	PB_CLEANUP(pb_freep) char *held = hush_why(t->e, in, t->now, &until);
	if (held == NULL || hush_unpolled(t->e) != NULL)
		return false;
	char clock[PB_TIME_TEXT];
	incident_note(t, in, "", "held",
	    "who acknowledged it is not told before %s, although %s: %s",
	    pb_time_clock(clock, wall_of(t->e, in->ladder.next_at)), why, held);
	ladder_set_text(&in->ladder.why, why);
	ladder_set_text(&in->ladder.held, held);
	ladder_put(t, in);
	return true;
}

bool
ladder_hold_back(struct turn *t, struct incident *in, const char *why)
{
	struct ladder *l = &in->ladder;
	int64_t until;
	PB_CLEANUP(pb_freep) char *held = hush_why(t->e, in, t->now, &until);
	if (held == NULL)
		return false;
	/* What it will be paged for when nothing holds it back any more. */
	bool is_due = l->state == LADDER_ARMED || l->state == LADDER_GATHERED;
	if (why == NULL && is_due && l->why == NULL) {
		ladder_page_by_is_why(in);
		why = l->why;
	}
	const char *unpolled = hush_unpolled(t->e);
	if (unpolled != NULL)
		return wait_for_poll(t, in, why, held, unpolled);
	if (why != NULL && why != l->why)
		ladder_set_text(&l->why, why);
	l->decide_by = 0;
	if (l->state == LADDER_HELD && l->next_at > t->now && pb_streq(held, l->held))
		return true;
	if (!pb_streq(held, l->held)) {
		note_held(t, in, why, held);
		ladder_set_text(&l->held, held);
	}
	ladder_forget_who(l);
	ladder_enter(t, in, LADDER_HELD, until);
	return true;
}

/* --- with others */

/* When its next page may go: now, or later with others of its bundle. */
static int64_t
slot_of(struct turn *t, const struct incident *in, struct bundle *b)
{
	const struct ladder *l = &in->ladder;
	if (l->started_at == 0)
		return bundle_when(t, b, in, 0, true);
	int64_t at = PB_NEVER;
	if (l->state == LADDER_SPENT || l->owes)
		at = bundle_when(t, b, in, l->level, false);
	PB_CLEANUP(rungs_fini) struct rungs rungs;
	rungs_build(incident_escalation(in), &rungs);
	for (size_t i = l->position; i < rungs.n && at > t->now; i++) {
		struct rung rung = rungs_at(&rungs, i);
		int64_t due_at = l->started_at + rung.offset;
		int64_t slot = due_at > t->now ? due_at : bundle_when(t, b, in, rung.level, false);
		at = slot < at ? slot : at;
		if (due_at > t->now)
			break;
	}
	return at;
}

static void
wait_for_others(
    struct turn *t, struct incident *in, const struct bundle *b, int64_t at, const char *why)
{
	struct ladder *l = &in->ladder;
	char until[PB_TIME_TEXT];
	bool owes = l->owes;
	if (why != NULL)
		ladder_set_text(&l->why, why);
	if (l->started_at == 0 || owes)
		incident_note(t, in, "", bundle_kind_name(b->kind),
		    "level %zu waits for others of %s%s%s%s, until %s at the latest: %s",
		    l->started_at == 0 ? 1 : l->level + 1, b->id, b->key[0] == '\0' ? "" : " (",
		    b->key, b->key[0] == '\0' ? "" : ")", pb_time_clock(until, wall_of(t->e, at)),
		    l->why == NULL ? "page_by has come" : l->why);
	if (l->state != LADDER_ARMED && l->next_at > t->now && l->next_at < at)
		at = l->next_at;
	ladder_enter(t, in, l->started_at == 0 ? LADDER_GATHERED : l->state, at);
	l->is_put_off = l->started_at != 0;
	l->owes = owes;
	ladder_put(t, in);
}

/* Whoever has it hears of what is new, once, and with what else is new in its storm. */
static bool
put_off_news(struct turn *t, struct incident *in, const char *why)
{
	struct ladder *l = &in->ladder;
	char until[PB_TIME_TEXT];
	struct bundle *b = bundle_for(t, in);
	int64_t at = b == NULL ? t->now : bundle_when(t, b, in, l->level, false);
	if (at <= t->now)
		return false;
	ladder_set_text(&l->why, why);
	l->news_at = at;
	incident_note(t, in, "", bundle_kind_name(b->kind),
	    "who acknowledged it hears with the others of %s, until %s at the latest: %s", b->id,
	    pb_time_clock(until, wall_of(t->e, at < l->next_at ? at : l->next_at)), why);
	ladder_put(t, in);
	return true;
}

bool
ladder_tell_news(struct turn *t, struct incident *in)
{
	struct ladder *l = &in->ladder;
	/* When the acknowledgement expires, or has, the page of that tells it. */
	if (l->news_at == 0 || l->is_put_off || l->next_at <= t->now)
		return false;
	struct bundle *b = bundle_for(t, in);
	int64_t at = b == NULL ? t->now : bundle_when(t, b, in, l->level, false);
	if (at > t->now) { /* the page at hand is not to its level */
		l->news_at = at;
		ladder_put(t, in);
		return true;
	}
	PB_CLEANUP(pb_freep) char *why = pb_strdup(l->why);
	l->news_at = 0;
	ladder_input(t, in, LADDER_PAGE, why);
	return true;
}

int64_t
ladder_due_at(const struct ladder *l)
{
	return l->news_at > 0 && l->news_at < l->next_at ? l->news_at : l->next_at;
}

/*
 * What somebody wished to be quiet until now goes at once, but in a storm no more often than summaries may:
 * acknowledgements, and what one silence kept back, end by the hundred.
 */
static bool
put_off_wished(struct turn *t, struct incident *in)
{
	struct ladder *l = &in->ladder;
	char until[PB_TIME_TEXT];
	bool is_first = l->started_at == 0;
	if (l->state == LADDER_HELD && is_first && !l->is_put_off)
		storm_count(t, in);
	if (storm_of(t, in) == NULL || ladder_is_too_early(t, l))
		return false;
	struct bundle *b = bundle_for(t, in);
	const struct bundle_level *level = &b->levels[is_first ? 0 : l->level];
	int64_t at = level->sent_at + bundle_escalation(b)->storm_within;
	if (level->is_due || level->sent_at == 0 || at <= t->now)
		return false;
	l->next_at = at;
	l->news_at = l->news_at > 0 ? at : 0;
	l->is_put_off = true;
	incident_note(t, in, "", bundle_kind_name(b->kind),
	    "level %zu hears with the others of %s, until %s at the latest, that it is %s no more",
	    is_first ? 1 : l->level + 1, b->id, pb_time_clock(until, wall_of(t->e, at)),
	    l->state == LADDER_ACKED         ? "acknowledged"
		: l->state == LADDER_SNOOZED ? "snoozed"
					     : "held back");
	ladder_put(t, in);
	return true;
}

bool
ladder_put_off(struct turn *t, struct incident *in, enum ladder_input input, const char *why)
{
	struct ladder *l = &in->ladder;
	bool is_first = l->state == LADDER_ARMED;
	bool had_owed = l->owes;
	if (l->state == LADDER_ACKED && input == LADDER_PAGE)
		return put_off_news(t, in, why);
	if (l->state == LADDER_ACKED || l->state == LADDER_SNOOZED || l->state == LADDER_HELD)
		return input == LADDER_DUE && put_off_wished(t, in);
	if (!is_first && l->state != LADDER_PAGING && l->state != LADDER_SPENT)
		return false;
	if (is_first)
		storm_count(t, in);
	struct bundle *b = bundle_for(t, in);
	if (b == NULL)
		return false;
	l->owes = l->owes || (input == LADDER_PAGE && !is_first);
	int64_t at = slot_of(t, in, b);
	if (at > t->now) {
		wait_for_others(t, in, b, at, why);
		return true;
	}
	l->owes = had_owed;
	return false;
}

/* --- what flaps and is OK */

bool
ladder_waits_for_calm(struct turn *t, struct incident *in)
{
	if (in->calm_at <= t->now || in->ladder.started_at == 0)
		return false;
	ladder_enter(t, in, in->ladder.state, in->calm_at);
	return true;
}

void
ladder_burns_again(struct turn *t, struct incident *in)
{
	if (in->calm_at > 0 && in->ladder.next_at == in->calm_at)
		ladder_enter(t, in, in->ladder.state, t->now);
}
