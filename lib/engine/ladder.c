/*
 * The ladder: who is told, when, until somebody answers.
 *
 *	NONE -> ARMED              [arm]	page_by is running, in the commit that opens the
 *incident ARMED -> PAGING            [begin]	page_by has come, or the incident wants a human now
 *	PAGING -> PAGING, SPENT    [climb]	levels and their repeats, counted from the first
 *page SPENT -> SPENT             [remind]	the last level again, every half hour ARMED, PAGING,
 *SPENT -> ACKED [acknowledge] ACKED -> ACKED             [acknowledge]	anew, by somebody else or
 *for longer ACKED -> PAGING, SPENT     [ack_expired]	goes on with the level it had reached any ->
 *CLOSED              [close_ladder]	the incident is resolved; those paged are told
 *
 * The schedule of an escalation is the list of its (offset, level, repeat), sorted; the ladder's
 * position is how many of these have fired.  Invariant: but for NONE and CLOSED there is a next_at.
 */
#include "internal.h"

#include "base/json.h"

static const char *const state_names[] = {
    [LADDER_NONE] = "none",
    [LADDER_ARMED] = "armed",
    [LADDER_PAGING] = "paging",
    [LADDER_SPENT] = "spent",
    [LADDER_ACKED] = "acked",
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
	free(l->acked_by);
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
	pb_json_set_str(j, "acked_by", l->acked_by);
	pb_json_set_i64(j, "acked_at", l->acked_at);
	pb_update_put(t->u, PB_REC_LADDER, in->id, in->id, state_names[l->state], j);
}

static void
enter(struct turn *t, struct incident *in, enum ladder_state state, int64_t next_at)
{
	in->ladder.state = state;
	in->ladder.state_at = t->now;
	in->ladder.next_at = next_at;
	ladder_put(t, in);
}

/* --- the schedule */

struct entry {
	int64_t offset;
	size_t level, repeat;
};

static int
by_offset(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return x->repeat < y->repeat ? -1 : x->repeat > y->repeat;
}

static struct entry *
schedule_build(const struct pb_escalation *esc, size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = 0; i < esc->n_levels; i++)
		n += 1 + (esc->levels[i].repeat_every > 0 ? (size_t)esc->levels[i].repeat_max : 0);
	struct entry *entries = pb_calloc(n, sizeof(*entries));
	size_t k = 0;
	for (size_t i = 0; i < esc->n_levels; i++) {
		const struct pb_level *l = &esc->levels[i];
		size_t repeats = l->repeat_every > 0 ? (size_t)l->repeat_max : 0;
		for (size_t r = 0; r <= repeats; r++)
			entries[k++] =
			    (struct entry){l->after_for + (int64_t)r * l->repeat_every, i, r};
	}
	qsort(entries, n, sizeof(*entries), by_offset);
	*ret_n = n;
	return entries;
}

/*
 * Fire what is due.  After a downtime several entries of one level may be: only its last one is
 * sent, and every level whose time has come is told.
 */
static void
fire_due(struct turn *t, struct incident *in)
{
	struct ladder *l = &in->ladder;
	size_t n;
	PB_CLEANUP(pb_freep) struct entry *entries = schedule_build(incident_escalation(in), &n);
	size_t first = l->position;
	while (l->position < n && l->started_at + entries[l->position].offset <= t->now)
		l->position++;
	for (size_t i = first; i < l->position; i++) {
		bool is_last = true;
		for (size_t k = i + 1; k < l->position; k++)
			is_last = is_last && entries[k].level != entries[i].level;
		if (is_last) {
			l->level = entries[i].level;
			page_send(t, in, entries[i].level, entries[i].repeat);
		}
	}
	if (l->position < n)
		enter(t, in, LADDER_PAGING, l->started_at + entries[l->position].offset);
	else
		enter(t, in, LADDER_SPENT, t->now + LADDER_REMIND_EVERY);
}

/* --- handlers */

static void
set_text(char **text, const char *value)
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
	in->ladder.page_by_at = in->opened_at + page_by;
	incident_note(t, in, "", "armed", "a human is paged at %s (page_by %s) unless it is over",
	    pb_time_clock(clock, in->ladder.page_by_at), pb_duration_text(span, page_by));
	enter(t, in, LADDER_ARMED, in->ladder.page_by_at);
}

static void
begin(struct turn *t, struct incident *in, const char *why)
{
	in->ladder.started_at = t->now;
	in->ladder.position = 0;
	in->ladder.round = 1;
	set_text(&in->ladder.why, why);
	fire_due(t, in);
}

/* The event is old: should its end have been seen too, it comes within the next moment. */
static void
hasten(struct turn *t, struct incident *in, const char *why)
{
	int64_t at = t->now + LADDER_SOON_FOR;
	set_text(&in->ladder.why, why);
	if (in->ladder.page_by_at > at)
		in->ladder.page_by_at = at;
	enter(t, in, LADDER_ARMED, in->ladder.page_by_at);
}

static void
page_by_has_come(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	char span[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep) char *why = pb_strdup(in->ladder.why); /* when it was hastened */
	if (why == NULL)
		why = pb_asprintf("not over %s after it began (page_by)",
		    pb_duration_text(span, in->ladder.page_by_at - in->opened_at));
	begin(t, in, why);
}

/* Already paging: who is told next reads the new reason. */
static void
new_reason(struct turn *t, struct incident *in, const char *why)
{
	set_text(&in->ladder.why, why);
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
	page_send(t, in, in->ladder.level, 0);
	enter(t, in, LADDER_SPENT, t->now + LADDER_REMIND_EVERY);
}

static void
acknowledge(struct turn *t, struct incident *in, const char *by)
{
	char who[128], clock[PB_TIME_TEXT];
	int64_t until = t->now + incident_escalation(in)->ack_expires_for;
	set_text(&in->ladder.acked_by, by);
	in->ladder.acked_at = t->now;
	incident_note(t, in, "", "ack", "by %s, holds until %s",
	    pb_safe(who, sizeof(who), pb_str_of(by)), pb_time_clock(clock, until));
	page_drop_waiting(t, in, "acknowledged");
	enter(t, in, LADDER_ACKED, until);
}

static void
ack_expired(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	struct ladder *l = &in->ladder;
	char who[128];
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("the acknowledgement by %s has expired",
	    pb_safe(who, sizeof(who), pb_str_of(l->acked_by)));
	incident_note(t, in, "", "ack", "by %s has expired, paging goes on", who);
	set_text(&l->why, why);
	set_text(&l->acked_by, NULL);
	l->acked_at = 0;
	l->round++;
	/* The level that had been reached hears of it now; later ones follow at their distance from
	 * it. */
	size_t n;
	PB_CLEANUP(pb_freep) struct entry *entries = schedule_build(incident_escalation(in), &n);
	if (l->position > 0)
		l->position--;
	l->started_at = t->now - entries[l->position].offset;
	fire_due(t, in);
}

static void
close_ladder(struct turn *t, struct incident *in, const char *text)
{
	(void)text;
	page_drop_waiting(t, in, "resolved");
	page_send_notices(t, in);
	enter(t, in, LADDER_CLOSED, PB_NEVER);
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
	    [LADDER_CLOSE] = never,
	},
    [LADDER_ARMED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = begin,
	    [LADDER_SOON] = hasten,
	    [LADDER_DUE] = page_by_has_come,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_PAGING] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = new_reason,
	    [LADDER_SOON] = never,
	    [LADDER_DUE] = climb,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_SPENT] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = new_reason,
	    [LADDER_SOON] = never,
	    [LADDER_DUE] = remind,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_ACKED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = new_reason,
	    [LADDER_SOON] = never,
	    [LADDER_DUE] = ack_expired,
	    [LADDER_ACK] = acknowledge,
	    [LADDER_CLOSE] = close_ladder,
	},
    [LADDER_CLOSED] =
	{
	    [LADDER_ARM] = never,
	    [LADDER_PAGE] = stay,
	    [LADDER_SOON] = stay,
	    [LADDER_DUE] = stay,
	    [LADDER_ACK] = stay,
	    [LADDER_CLOSE] = stay,
	},
};

void
ladder_input(struct turn *t, struct incident *in, enum ladder_input input, const char *text)
{
	table[in->ladder.state][input](t, in, text);
}
