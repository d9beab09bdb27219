/*
 * The auditor: each minute, has every open incident a live next step?
 *
 * What it finds is a defect of this program or of its records, never of the outside.  It pages at
 * once, through the fallback too, writes down what was wrong, and puts the incident back on its feet
 * so that it is not found again.  So with groups and storms: an incident that is told with others has a
 * next step of its own, and a bundle that hangs would keep back their notices and the storm's end.  A
 * message that is no page, and hangs, is tried again.
 */
#include "bundle.h"

#define AUDIT_EVERY PB_MINUTE
/* Ticks come when they are due; one that is so late was forgotten. */
#define AUDIT_GRACE PB_MINUTE
/* Longer than a ladder may wait for anything: a silence lasts longest. */
#define LADDER_WAITS_MOST (PB_SILENCE_MAX + PB_DAY)

enum defect {
	DEFECT_NONE,
	DEFECT_NO_DEADLINE,
	DEFECT_DEADLINE_PASSED,
	DEFECT_LATE_TIMER,
	DEFECT_DEAD_RUN,
	DEFECT_ENDLESS_HOLD,
	DEFECT_ENDLESS_WAIT,
	DEFECT_STUCK_PAGE,
	DEFECT_LOST_TIMER,
	DEFECT_ENDLESS_STORM,
	DEFECT_LATE_NOTICE,
	DEFECT_WAITED_PAST,
	DEFECT_STUCK_POST,
	DEFECT_MAX
};

static const char *const words[] = {
    [DEFECT_NONE] = "",
    [DEFECT_NO_DEADLINE] = "its ladder has no next deadline",
    [DEFECT_DEADLINE_PASSED] = "its ladder's deadline went by",
    [DEFECT_LATE_TIMER] = "its timer is later than its ladder",
    [DEFECT_DEAD_RUN] = "its run waits for nothing",
    [DEFECT_ENDLESS_HOLD] = "it is held without an end",
    [DEFECT_ENDLESS_WAIT] = "it waits for an answer or a lock without an end",
    [DEFECT_STUCK_PAGE] = "a page of it waits for nothing",
    [DEFECT_LOST_TIMER] = "its timer is later than what it waits for",
    [DEFECT_ENDLESS_STORM] = "it began after now, so it never calms",
    [DEFECT_LATE_NOTICE] = "its notice is put off for too long",
    [DEFECT_WAITED_PAST] = "what it waits for went by",
    [DEFECT_STUCK_POST] = "its next try would come too late",
};
_Static_assert(PB_ARRAY_LEN(words) == DEFECT_MAX, "words for each defect");

static enum defect
look(const struct incident *in, int64_t now)
{
	if (in->state == INCIDENT_RESOLVED)
		return DEFECT_NONE;
	if (in->ladder.next_at > now + LADDER_WAITS_MOST)
		return DEFECT_NO_DEADLINE;
	if (ladder_due_at(&in->ladder) + AUDIT_GRACE < now)
		return DEFECT_DEADLINE_PASSED;
	if (in->timer.index == 0 || in->timer.at > ladder_due_at(&in->ladder))
		return DEFECT_LATE_TIMER;
	if (in->state == INCIDENT_RUNNING && step_next_at(in) == PB_NEVER)
		return DEFECT_DEAD_RUN;
	if (in->state == INCIDENT_HOLDING && in->hold_until == 0)
		return DEFECT_ENDLESS_HOLD;
	if ((in->state == INCIDENT_PROPOSED || in->state == INCIDENT_QUEUED) && in->wait_until == 0)
		return DEFECT_ENDLESS_WAIT;
	if (page_is_stuck(&in->out, now))
		return DEFECT_STUCK_PAGE;
	return DEFECT_NONE;
}

static enum defect
look_at_bundle(const struct bundle *b, int64_t now)
{
	const struct pb_escalation *esc = bundle_escalation(b);
	bool is_storm = b->kind == BUNDLE_STORM;
	int64_t at = bundle_wait_until(b);
	int64_t wait = is_storm ? esc->storm_within : esc->group_wait_for;
	int64_t gap = is_storm ? esc->storm_every : esc->group_interval_for;
	if (b->is_flushing) /* its pages of this step are made at the end of it */
		return DEFECT_NONE;
	if (page_is_stuck(&b->out, now))
		return DEFECT_STUCK_PAGE;
	if (is_storm && b->state == BUNDLE_OPEN && b->renewed_at > now)
		return DEFECT_ENDLESS_STORM;
	if (b->notice_at != PB_NEVER && b->notice_at > now + wait + gap)
		return DEFECT_LATE_NOTICE;
	if (at != PB_NEVER && (b->timer.index == 0 || b->timer.at > at))
		return DEFECT_LOST_TIMER;
	return at < now - AUDIT_GRACE ? DEFECT_WAITED_PAST : DEFECT_NONE;
}

static void
add_defect(struct pb_buf *why, size_t n, const char *id, enum defect d)
{
	if (why != NULL)
		pb_buf_addf(why, "%s%s: %s", n > 1 ? "; " : "", id, words[d]);
}

size_t
pb_engine_audit(const struct pb_engine *e, int64_t now, struct pb_buf *why)
{
	size_t n = 0, i = 0;
	const char *id;
	void *value;
	while (pb_map_next(e->incidents, &i, &id, &value)) {
		enum defect d = look(value, now);
		if (d != DEFECT_NONE)
			add_defect(why, ++n, id, d);
	}
	for (i = 0; pb_map_next(e->bundles, &i, &id, &value);) {
		enum defect d = look_at_bundle(value, now);
		if (d != DEFECT_NONE)
			add_defect(why, ++n, id, d);
	}
	for (i = 0; pb_map_next(e->posts, &i, &id, &value);)
		if (post_is_stuck(value, now))
			add_defect(why, ++n, id, DEFECT_STUCK_POST);
	return n;
}

static void
mend(struct turn *t, struct incident *in, enum defect d)
{
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("defect of playbookd: %s; its plan cannot be relied on", words[d]);
	incident_note(t, in, "", "defect", "%s; a human is paged", words[d]);
	ladder_input(t, in, LADDER_MEND, why);
	if (d == DEFECT_ENDLESS_HOLD) {
		in->hold_until = t->now;
		incident_put(t, in);
	}
	if (d == DEFECT_ENDLESS_WAIT) {
		in->wait_until = t->now;
		incident_put(t, in);
	}
	page_unstick(t, &in->out);
	/* Whatever it waits for will not come. */
	if (in->state == INCIDENT_RUNNING && step_next_at(in) == PB_NEVER) {
		free(in->run.failure);
		in->run.failure = PB_TAKE(why);
		in->run.state = RUN_FAILED;
		in->run.state_at = t->now;
		run_put(t, in);
		incident_input(t, in, INCIDENT_RUN_FAILED);
	}
	incident_settle(t, in);
}

/* Those found are collected first: mending may close an incident and take it out of the map. */
static void
audit(struct turn *t)
{
	size_t n = 0, i = 0;
	const char *id;
	void *value;
	PB_CLEANUP(pb_freep) struct incident **bad = NULL;
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		if (look(value, t->now) == DEFECT_NONE)
			continue;
		if (bad == NULL)
			bad = pb_calloc(t->e->n_open, sizeof(struct incident *));
		bad[n++] = value;
	}
	for (i = 0; i < n; i++)
		mend(t, bad[i], look(bad[i], t->now));
}

/* One of its incidents is paged by itself and through the fallback: one page for a defect is enough. */
static void
mend_bundle(struct turn *t, struct bundle *b, enum defect d)
{
	struct incident *in = b->first == NULL ? NULL : b->first->in;
	outbox_note(t, &b->out, "defect", "%s%s", words[d], in == NULL ? "" : "; a human is paged");
	if (in != NULL) {
		PB_CLEANUP(pb_freep)
		char *why = pb_asprintf("defect of playbookd: %s %s: %s; what it tells cannot be "
					"relied on",
		    bundle_kind_name(b->kind), b->id, words[d]);
		ladder_input(t, in, LADDER_MEND, why);
		incident_settle(t, in);
	}
	bundle_mend(t, b);
}

/* Mending may end the one at hand, and no other. */
static void
audit_bundles(struct turn *t)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->bundles, &i, &id, &value)) {
		enum defect d = look_at_bundle(value, t->now);
		if (d != DEFECT_NONE)
			mend_bundle(t, value, d);
	}
}

/* No human is paged for a message that is no page; it goes on. */
static void
audit_posts(struct turn *t)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->posts, &i, &id, &value)) {
		struct post *p = value;
		if (!post_is_stuck(p, t->now))
			continue;
		pb_update_note(t->u, p->incident, "", "", "defect", "%s: %s; it is tried now",
		    p->way, words[DEFECT_STUCK_POST]);
		post_unstick(t, p);
	}
}

void
audit_due(struct turn *t)
{
	if (t->e->audit_at == 0 || t->e->audit_at > t->now)
		return;
	t->e->audit_at = t->now + AUDIT_EVERY;
	audit(t);
	audit_bundles(t);
	audit_posts(t);
}

void
audit_arm(struct turn *t)
{
	if (t->e->n_open == 0 && pb_map_len(t->e->bundles) == 0 && pb_map_len(t->e->posts) == 0)
		t->e->audit_at = 0;
	else if (t->e->audit_at == 0)
		t->e->audit_at = t->now + AUDIT_EVERY;
}
