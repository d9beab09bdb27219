/*
 * The ladder: who is told, when, until somebody answers.
 *
 *	NONE, CLOSED -> ARMED	[arm] page_by is running, in the commit that opens the incident (again)
 *	ARMED -> PAGING		[begin] page_by has come, or the incident wants a human now
 *	ARMED -> GATHERED	[put_off] a group or a storm tells of it, at page_by at the latest
 *	GATHERED -> PAGING	[page_by_has_come] now, or with one of the others
 *	PAGING -> PAGING, SPENT	[climb] levels, their repeats and cycles (rungs.c)
 *	SPENT -> SPENT		[remind] the last level again, every half hour
 *	ARMED, PAGING, SPENT, SNOOZED -> ACKED	[acknowledge]
 *	ACKED -> ACKED		[acknowledge] anew, by somebody else or for longer
 *	ACKED -> ACKED		[tell_again] something new: at once, or with the next summary of its storm
 *	ACKED -> PAGING, SPENT	[ack_expired] goes on with the level it had reached
 *	any but CLOSED -> SNOOZED	[snooze] somebody wants quiet until then
 *	SNOOZED -> PAGING, SPENT	[snooze_ended] as an acknowledgement that expires
 *	SNOOZED -> ARMED	[snooze_ended] page_by has not come and nothing else wants a human
 *	any but CLOSED -> HELD	[hold_back] somebody would be paged, and a silence or an inhibitor forbids it
 *	any but CLOSED -> HELD	[wait_for_poll] the same, but whether it still holds is not known yet
 *	HELD -> PAGING, SPENT	[let_go] that is over: the level that would have been told is told now
 *	any but CLOSED -> PAGING, SPENT	[hand_over] the next level now
 *	any but NONE -> PAGING, SPENT	[mend] the auditor found that it would not go on
 *	any -> CLOSED		[close_ladder] the incident is resolved; those paged are told
 *
 * The ladder's position is how many rungs have fired.  Invariant: but for NONE and CLOSED there is a
 * next_at.
 */
#include "bundle.h"

#include "base/json.h"

static const char *const state_names[] = {
    [LADDER_NONE] = "none",
    [LADDER_ARMED] = "armed",
    [LADDER_GATHERED] = "gathered",
    [LADDER_PAGING] = "paging",
    [LADDER_SPENT] = "spent",
    [LADDER_ACKED] = "acked",
    [LADDER_SNOOZED] = "snoozed",
    [LADDER_HELD] = "held",
    [LADDER_CLOSED] = "closed",
};
_Static_assert(PB_ARRAY_LEN(state_names) == LADDER_STATE_MAX, "a name for each state");

const char *
ladder_state_name(enum ladder_state s)
{
	return state_names[s];
}

void
ladder_fini(struct ladder *l)
{
	free(l->why);
	free(l->held);
	free(l->acked_by);
	json_decref(l->past);
}

void
ladder_put(struct turn *t, const struct incident *in)
{
	const struct ladder *l = &in->ladder;
	json_t *j = json_object();
	pb_json_set_i64(j, "page_by_at", l->page_by_at);
	pb_json_set_i64(j, "started_at", l->started_at);
	pb_json_set_i64(j, "position", (int64_t)l->position);
	pb_json_set_i64(j, "round", l->round);
	pb_json_set_i64(j, "next_at", l->next_at);
	pb_json_set_i64(j, "level", (int64_t)l->level);
	pb_json_set_str(j, "why", l->why);
	pb_json_set_str(j, "held", l->held);
	if (l->decide_by > 0)
		pb_json_set_i64(j, "decide_by", l->decide_by);
	pb_json_set_str(j, "acked_by", l->acked_by);
	pb_json_set_i64(j, "acked_at", l->acked_at);
	json_t *bundles = bundle_members_json(in);
	if (bundles != NULL)
		json_object_set_new(j, "bundles", bundles);
	if (l->past != NULL)
		json_object_set_new(j, "past", json_deep_copy(l->past));
	if (l->is_put_off)
		json_object_set_new(j, "is_put_off", json_true());
	if (l->owes)
		json_object_set_new(j, "owes", json_true());
	if (l->news_at > 0)
		pb_json_set_i64(j, "news_at", l->news_at);
	pb_update_put(t->u, PB_REC_LADDER, in->id, in->id, state_names[l->state], j);
}

void
ladder_enter(struct turn *t, struct incident *in, enum ladder_state state, int64_t next_at)
{
	enum ladder_state from = in->ladder.state;
	in->ladder.state = state;
	in->ladder.state_at = t->now;
	in->ladder.next_at = next_at;
	in->ladder.is_put_off = in->ladder.owes = false;
	in->ladder.news_at = 0;
	if (state != LADDER_HELD) {
		free(in->ladder.held);
		in->ladder.held = NULL;
		in->ladder.decide_by = 0;
	}
	incident_place(t->e, in);
	hush_watch(t, in);
	bundle_ladder_moved(t, in, from, state);
	ladder_put(t, in);
}

/* False when nobody is on call and the level may be passed over for that. */
static bool
send(struct turn *t, struct incident *in, size_t level, size_t repeat, bool may_skip)
{
	const struct page like = {.level = level, .repeat = repeat, .round = in->ladder.round};
	struct bundle *b = in->ladder.is_alone ? NULL : bundle_for(t, in);
	if (b != NULL)
		return bundle_tell(t, b, in, &like, in->ladder.why, may_skip);
	return tell_level(t, &in->out, &like, in->ladder.why, may_skip);
}

/*
 * Fire what is due.  After a downtime several rungs of one level may be: only its last one is sent,
 * and every level whose time has come is told.
 */
static void
fire_due(struct turn *t, struct incident *in)
{
	struct ladder *l = &in->ladder;
	const struct pb_escalation *esc = incident_escalation(in);
	PB_CLEANUP(rungs_fini) struct rungs rungs;
	rungs_build(esc, &rungs);
	PB_CLEANUP(pb_freep) size_t *last = pb_calloc(esc->n_levels, sizeof(*last));
	size_t first = l->position, passed_over = 0;
	bool is_passed_over = false;
	while (l->position < rungs.n) {
		struct rung rung = rungs_at(&rungs, l->position);
		if (l->started_at + rung.offset > t->now)
			break;
		l->position++;
		last[rung.level] = l->position;
	}
	for (size_t i = first; i < l->position; i++) {
		struct rung rung = rungs_at(&rungs, i);
		l->round += rung.begins_pass;
		if (rung.begins_pass)
			l->level = rung.level;
		if (last[rung.level] != i + 1)
			continue;
		if (send(t, in, rung.level, rung.repeat, true)) {
			/* A late repeat of a lower level takes nothing back. */
			l->level = rung.level > l->level ? rung.level : l->level;
			is_passed_over = false;
		} else {
			is_passed_over = rung.repeat == 0;
			passed_over = rung.level;
		}
	}
	if (l->owes && last[l->level] == 0)
		(void)send(t, in, l->level, 0, false);
	/* Nobody is on call there: what follows moves up. */
	size_t next = rungs_next_level(&rungs, l->position, passed_over);
	if (is_passed_over && next < rungs.n) {
		l->position = next;
		l->started_at = t->now - rungs_at(&rungs, next).offset;
		fire_due(t, in);
		return;
	}
	if (l->position < rungs.n)
		ladder_enter(
		    t, in, LADDER_PAGING, l->started_at + rungs_at(&rungs, l->position).offset);
	else
		ladder_enter(t, in, LADDER_SPENT, t->now + LADDER_REMIND_EVERY);
}

/* --- handlers */

void
ladder_set_text(char **text, const char *value)
{
	char *copy = pb_strdup(value);
	free(*text);
	*text = copy;
}

static void
stay(struct turn *t, struct incident *in, const char *text)
{
	(void)t, (void)in, (void)text;
}

static void
never(struct turn *t, struct incident *in, const char *text)
{
	(void)t, (void)in, (void)text;
	pb_impossible("an input that this state cannot get");
}

static void
arm(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	const struct pb_playbook *p = incident_playbook(in);
	char clock[PB_TIME_TEXT], span[PB_TIME_TEXT];
	int64_t page_by = p == NULL ? 0 : p->page_by_for;
	in->ladder.page_by_at = incident_began_at(in) + page_by;
	incident_note(t, in, "", "armed", "a human is paged at %s (page_by %s) unless it is over",
	    pb_time_clock(clock, wall_of(t->e, in->ladder.page_by_at)),
	    pb_duration_text(span, page_by));
	ladder_enter(t, in, LADDER_ARMED, in->ladder.page_by_at);
}

static void
begin(struct turn *t, struct incident *in, const char *why)
{
	in->ladder.started_at = t->now;
	in->ladder.position = 0;
	in->ladder.round++;
	ladder_set_text(&in->ladder.why, why);
	fire_due(t, in);
}

/* The event is old: should its end have been seen too, it comes within the next moment. */
static void
hasten(struct turn *t, struct incident *in, const char *why)
{
	int64_t at = t->now + LADDER_SOON_FOR;
	ladder_set_text(&in->ladder.why, why);
	if (in->ladder.page_by_at > at)
		in->ladder.page_by_at = at;
	ladder_enter(t, in, LADDER_ARMED, in->ladder.page_by_at);
}

static void
page_by_has_come(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	ladder_page_by_is_why(in);
	PB_CLEANUP(pb_freep) char *why = pb_strdup(in->ladder.why);
	begin(t, in, why);
}

/* Somebody has it, or nobody may be told: who is told next reads the new reason. */
static void
new_reason(struct turn *t, struct incident *in, const char *why)
{
	ladder_set_text(&in->ladder.why, why);
	ladder_put(t, in);
}

/*
 * Paged already, or acknowledged, and something new that nobody knows: a run failed, a step asks.  The
 * level reached hears of it now, of an early acknowledgement the first; what comes next stays where it was.
 */
static void
tell_again(struct turn *t, struct incident *in, const char *why)
{
	struct ladder *l = &in->ladder;
	ladder_set_text(&l->why, why);
	l->round++;
	if (l->started_at == 0) {
		l->started_at = t->now;
		l->position = 1;
	}
	(void)send(t, in, l->level, 0, false);
	ladder_put(t, in);
}

static void
climb(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	fire_due(t, in);
}

static void
remind(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	in->ladder.round++;
	incident_note(
	    t, in, "", "page", "everybody was paged and nobody answered; the last level again");
	(void)send(t, in, in->ladder.level, 0, false);
	ladder_enter(t, in, LADDER_SPENT, t->now + LADDER_REMIND_EVERY);
}

static void
acknowledge(struct turn *t, struct incident *in, const char *by)
{
	char who[128], clock[PB_TIME_TEXT];
	int64_t until = t->now + incident_escalation(in)->ack_expires_for;
	/* Who answers before anybody was paged must not bring the first page forward. */
	if (in->ladder.started_at == 0 && until < in->ladder.page_by_at)
		until = in->ladder.page_by_at;
	ladder_set_text(&in->ladder.acked_by, by);
	in->ladder.acked_at = t->now;
	incident_note(t, in, "", "ack", "by %s, holds until %s",
	    pb_safe(who, sizeof(who), pb_str_of(by)), pb_time_clock(clock, wall_of(t->e, until)));
	page_drop_waiting(t, &in->out, "acknowledged");
	inform_acked(t, in);
	ladder_enter(t, in, LADDER_ACKED, until);
}

void
ladder_forget_who(struct ladder *l)
{
	ladder_set_text(&l->acked_by, NULL);
	l->acked_at = 0;
}

void
ladder_why_is(struct turn *t, struct incident *in, const char *why)
{
	if (in->ladder.why == NULL || in->ladder.state == LADDER_CLOSED)
		return;
	ladder_set_text(&in->ladder.why, why);
	ladder_put(t, in);
}

/* The level that had been reached hears of it now; later ones follow at their distance from it. */
static void
resume(struct turn *t, struct incident *in)
{
	struct ladder *l = &in->ladder;
	PB_CLEANUP(rungs_fini) struct rungs rungs;
	rungs_build(incident_escalation(in), &rungs);
	ladder_forget_who(l);
	l->round++;
	for (bool is_found = false; l->position > 0 && !is_found;) {
		struct rung rung = rungs_at(&rungs, --l->position);
		is_found = rung.level == l->level && rung.repeat == 0;
	}
	l->started_at = t->now - rungs_at(&rungs, l->position).offset;
	fire_due(t, in);
}

static void
ack_expired(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	char who[128];
	PB_CLEANUP(pb_freep)
	char *expired = pb_asprintf("the acknowledgement by %s has expired",
	    pb_safe(who, sizeof(who), pb_str_of(in->ladder.acked_by)));
	/* What was kept back meanwhile, or waits, nobody has heard of. */
	bool is_news =
	    (in->ladder.held != NULL || in->ladder.news_at > 0) && in->ladder.why != NULL;
	PB_CLEANUP(pb_freep)
	char *why =
	    pb_asprintf("%s%s%s", is_news ? in->ladder.why : "", is_news ? "; " : "", expired);
	incident_note(t, in, "", "ack", "by %s has expired, paging goes on", who);
	ladder_set_text(&in->ladder.why, why);
	resume(t, in);
}

static void
snooze(struct turn *t, struct incident *in, const char *by)
{
	ladder_set_text(&in->ladder.acked_by, by);
	in->ladder.acked_at = t->now;
	page_drop_waiting(t, &in->out, "snoozed");
	ladder_enter(t, in, LADDER_SNOOZED, t->now);
}

void
ladder_snooze(struct turn *t, struct incident *in, int64_t span, const char *by)
{
	char who[128], clock[PB_TIME_TEXT], text[PB_TIME_TEXT];
	ladder_input(t, in, LADDER_SNOOZE, by);
	if (in->ladder.state != LADDER_SNOOZED)
		return;
	incident_note(t, in, "", "snooze", "by %s for %s: nobody is paged before %s",
	    pb_safe(who, sizeof(who), pb_str_of(by)), pb_duration_text(text, span),
	    pb_time_clock(clock, wall_of(t->e, t->now + span)));
	ladder_enter(t, in, LADDER_SNOOZED, t->now + span);
}

bool
ladder_is_too_early(const struct turn *t, const struct ladder *l)
{
	return l->started_at == 0 && l->why == NULL && t->now < l->page_by_at;
}

static void
snooze_ended(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	char who[128], clock[PB_TIME_TEXT];
	struct ladder *l = &in->ladder;
	if (ladder_is_too_early(t, l)) {
		incident_note(t, in, "", "snooze",
		    "by %s is over; a human is paged at %s (page_by) unless it is over",
		    pb_safe(who, sizeof(who), pb_str_of(l->acked_by)),
		    pb_time_clock(clock, wall_of(t->e, l->page_by_at)));
		ladder_forget_who(l);
		ladder_enter(t, in, LADDER_ARMED, l->page_by_at);
		return;
	}
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("it was snoozed by %s, and that is over",
	    pb_safe(who, sizeof(who), pb_str_of(in->ladder.acked_by)));
	incident_note(t, in, "", "snooze", "by %s is over, paging goes on", who);
	ladder_set_text(&in->ladder.why, why);
	resume(t, in);
}

static void
set_handover(struct turn *t, struct incident *in, const char *by)
{
	char who[128];
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("handed over by %s", pb_safe(who, sizeof(who), pb_str_of(by)));
	incident_note(t, in, "", "handover", "by %s: the next level is paged now", who);
	ladder_set_text(&in->ladder.why, why);
}

/* Nobody was paged yet: the first level is the next one. */
static void
hand_to_first(struct turn *t, struct incident *in, const char *by)
{
	set_handover(t, in, by);
	PB_CLEANUP(pb_freep) char *why = pb_strdup(in->ladder.why);
	ladder_forget_who(&in->ladder);
	begin(t, in, why);
}

/* The next level now; later ones follow at their distance from it.  Behind the last one it is told
 * again. */
static void
hand_over(struct turn *t, struct incident *in, const char *by)
{
	struct ladder *l = &in->ladder;
	if (l->started_at == 0) { /* acknowledged or snoozed before anybody was paged */
		hand_to_first(t, in, by);
		return;
	}
	set_handover(t, in, by);
	PB_CLEANUP(rungs_fini) struct rungs rungs;
	rungs_build(incident_escalation(in), &rungs);
	ladder_forget_who(l);
	l->round++;
	l->position = rungs_next_level(&rungs, l->position, l->level);
	if (l->position < rungs.n) {
		l->started_at = t->now - rungs_at(&rungs, l->position).offset;
		fire_due(t, in);
		return;
	}
	(void)send(t, in, l->level, 0, false);
	ladder_enter(t, in, LADDER_SPENT, t->now + LADDER_REMIND_EVERY);
}
/* What held it back is over; hold_back has looked. */
static void
let_go(struct turn *t, struct incident *in, const char *text)
{
	PB_CLEANUP(pb_freep)
	char *why = ladder_why_now(&in->ladder);
	incident_note(t, in, "", "held", "no more; it is open still, paging goes on");
	ladder_set_text(&in->ladder.why, why);
	if (in->ladder.started_at == 0)
		page_by_has_come(t, in, text);
	else
		resume(t, in);
}

/* From whatever state: it begins anew, with the fallback at once. */
static void
mend(struct turn *t, struct incident *in, const char *why)
{
	struct ladder *l = &in->ladder;
	ladder_forget_who(l);
	ladder_set_text(&l->why, why);
	if (l->page_by_at == 0)
		l->page_by_at = t->now;
	l->started_at = t->now;
	l->position = 0;
	l->round++;
	l->is_alone = true;
	fire_due(t, in);
	l->is_alone = false;
	page_send_fallback(t, &in->out, l->round);
}

static void
close_ladder(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	page_drop_waiting(t, &in->out, "resolved");
	tell_end(t, &in->out);
	bundle_leave(t, in);
	ladder_enter(t, in, LADDER_CLOSED, PB_NEVER);
}

typedef void handler(struct turn *t, struct incident *in, const char *text);

static handler *const table[LADDER_STATE_MAX][LADDER_INPUT_MAX] = {
    [LADDER_NONE] =
	{
	    [LADDER_ARM] = arm,
	    [LADDER_PAGE] = never,
	    [LADDER_SOON] = never,
	    [LADDER_DUE] = never,
	    [LADDER_ACK] = never,
	    [LADDER_SNOOZE] = never,
	    [LADDER_ESCALATE] = never,
	    [LADDER_MEND] = never, /* a start arms it */
	    [LADDER_CLOSE] = never,
	},
    [LADDER_ARMED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = begin,
	    [LADDER_SOON] = hasten,
	    [LADDER_DUE] = page_by_has_come,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_to_first,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_GATHERED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = new_reason,
	    [LADDER_SOON] = new_reason,
	    [LADDER_DUE] = page_by_has_come,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_to_first,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_PAGING] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = tell_again,
	    [LADDER_SOON] = new_reason,
	    [LADDER_DUE] = climb,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_over,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_SPENT] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = tell_again,
	    [LADDER_SOON] = new_reason,
	    [LADDER_DUE] = remind,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_over,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_ACKED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = tell_again,
	    [LADDER_SOON] = new_reason,
	    [LADDER_DUE] = ack_expired,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_over,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_SNOOZED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = new_reason,
	    [LADDER_SOON] = new_reason,
	    [LADDER_DUE] = snooze_ended,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_over,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_HELD] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = new_reason,
	    [LADDER_SOON] = new_reason,
	    [LADDER_DUE] = let_go,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_SNOOZE] = snooze,
	    [LADDER_ESCALATE] = hand_over,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_CLOSED] =
	{
	    [LADDER_ARM] = arm,
	    [LADDER_PAGE] = stay,
	    [LADDER_SOON] = stay,
	    [LADDER_DUE] = never,
	    [LADDER_ACK] = stay,
	    [LADDER_SNOOZE] = stay,
	    [LADDER_ESCALATE] = stay,
	    [LADDER_MEND] = mend,
	    [LADDER_CLOSE] = stay,
	},
};

bool
ladder_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

void
ladder_input(struct turn *t, struct incident *in, enum ladder_input input, const char *text)
{
	enum ladder_state state = in->ladder.state;
	bool would_page = input == LADDER_DUE || (input == LADDER_PAGE && state == LADDER_ARMED);
	if (input == LADDER_DUE && ladder_tell_news(t, in))
		return;
	if (would_page && state != LADDER_CLOSED && ladder_hold_back(t, in, text))
		return;
	if (input == LADDER_DUE && state != LADDER_CLOSED && ladder_waits_for_calm(t, in))
		return;
	bool is_news = input == LADDER_PAGE &&
	    (state == LADDER_PAGING || state == LADDER_SPENT || state == LADDER_ACKED);
	if (is_news && ladder_keep_quiet(t, in, text)) {
		cells_count(t, PB_MACHINE_LADDER, state, input);
		return;
	}
	if ((would_page || input == LADDER_PAGE) && ladder_put_off(t, in, input, text)) {
		cells_count(t, PB_MACHINE_LADDER, state, input);
		return;
	}
	cells_count(t, PB_MACHINE_LADDER, state, input);
	table[state][input](t, in, text);
}
