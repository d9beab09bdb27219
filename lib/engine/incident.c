/*
 * The incident: one open problem, identified by playbook and dedup value.
 *
 *	            hold          hold ends                 run passed
 *	NEW ------------------> HOLDING --------> RUNNING ----------------> RESOLVED
 *	 |   no hold, steps                          ^  | run failed            ^
 *	 +-------------------------------------------+  v                       |
 *	 +-- no steps, stale, unmatched -----------> WAITING -- alarm OK, human +
 *
 *	NEW -> HOLDING, RUNNING, WAITING [open_new]
 *	HOLDING -> RUNNING, WAITING      [hold_end]	HOLDING -> RESOLVED [recovered_alone, close]
 *	NEW, HOLDING -> PROPOSED, QUEUED [begin_work]: a human starts the plan; a lock is held
 *	PROPOSED -> RUNNING, QUEUED      [start_run]	PROPOSED -> WAITING [rejected, unanswered]
 *	QUEUED -> RUNNING                [try_again]	QUEUED -> WAITING   [try_again, gave_up]
 *	PROPOSED, QUEUED -> RESOLVED     [recovered, recovered_alone, close]
 *	RUNNING -> WAITING               [run_failed]	RUNNING -> RESOLVED [run_passed, close]
 *	NEW, HOLDING -> INHIBITED        [begin_work]	INHIBITED -> RUNNING, ... [look_whether_inhibited]
 *	INHIBITED -> RESOLVED            [recovered_alone, close]
 *	WAITING -> RESOLVED              [recovered, close]	WAITING -> WAITING [recovered: it flaps]
 *	RESOLVED -> NEW                  [reopen] by an event within reopen_within, see reopen.c
 *
 * Invariants: the ladder is armed in the update that opens the incident, before any step is
 *started; an incident that is not RESOLVED has a ladder that is not CLOSED.
 */
#include "internal.h"

static void
enter(struct turn *t, struct incident *in, enum incident_state state)
{
	in->state = state;
	in->state_at = t->now;
	incident_place(t->e, in);
	hush_watch(t, in);
	/* One that is inhibited inhibits nobody. */
	if (state == INCIDENT_INHIBITED || state == INCIDENT_RESOLVED)
		wake_inhibited(t->e, incident_playbook_name(in));
	incident_put(t, in);
}

/* --- handlers */

static void
never(struct turn *t, struct incident *in)
{
	(void)t, (void)in;
	pb_impossible("an input that this state cannot get");
}

static void
page_now(struct turn *t, struct incident *in, const char *why)
{
	in->wait_until = 0;
	enter(t, in, INCIDENT_WAITING);
	ladder_input(t, in, LADDER_PAGE, why);
}

static int64_t
page_by_for(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p == NULL ? 0 : p->page_by_for;
}

static void
wait_for_lock(struct turn *t, struct incident *in, const struct incident *holder)
{
	char until[PB_TIME_TEXT], lock[128];
	if (in->state == INCIDENT_QUEUED)
		return;
	/* While its page is armed, no longer than that. */
	in->wait_until =
	    in->ladder.state == LADDER_ARMED ? in->ladder.page_by_at : t->now + page_by_for(in);
	incident_note(t, in, "", "guard", "lock %s is held by %s; the run waits until %s",
	    pb_safe(lock, sizeof(lock), pb_str_of(in->lock)), holder->id,
	    pb_time_clock(until, wall_of(t->e, in->wait_until)));
	enter(t, in, INCIDENT_QUEUED);
}

/* The run may begin; only what stops everybody, and its lock, are between. */
static void
start_run(struct turn *t, struct incident *in)
{
	PB_CLEANUP(pb_freep) char *why = control_why_begin(t->e, in);
	if (why == NULL && t->e->is_degraded)
		why = pb_strdup(t->e->degraded_why);
	if (why == NULL) {
		free(in->lock);
		in->lock = guard_lock(t, in, &why);
		incident_place(t->e, in);
	}
	if (why != NULL) {
		page_now(t, in, why);
		return;
	}
	const struct incident *holder =
	    in->lock == NULL ? NULL : guard_lock_holder(t->e, in, in->lock);
	if (holder != NULL) {
		wait_for_lock(t, in, holder);
		return;
	}
	if (in->mode == PB_MODE_PROPOSE)
		why = guard_still(t, in);
	if (why != NULL) {
		incident_note(t, in, "", "guard", "approved, and too late: %s", why);
		page_now(t, in, why);
		return;
	}
	in->wait_until = 0;
	if (in->mode != PB_MODE_APPROVE)
		guard_run_began(t, in);
	enter(t, in, INCIDENT_RUNNING);
	run_input(t, in, RUN_START);
}

static void
propose(struct turn *t, struct incident *in)
{
	char until[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep) char *plan = ask_plan_text(in);
	in->wait_until = t->now + page_by_for(in);
	(void)pb_time_clock(until, wall_of(t->e, in->wait_until));
	incident_note(t, in, "", "ask", "may it run %s? waits for a human until %s", plan, until);
	enter(t, in, INCIDENT_PROPOSED);
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("its plan asks whether it may start, until %s", until);
	ladder_input(t, in, LADDER_PAGE, why);
}

/* Only recorded: the page stays armed for page_by. */
static void
observe(struct turn *t, struct incident *in)
{
	PB_CLEANUP(pb_freep) char *plan = ask_plan_text(in);
	PB_CLEANUP(pb_freep) char *held = guard_admit(t, in);
	if (held != NULL)
		incident_note(t, in, "", "guard", "would not run: %s", held);
	else
		incident_note(t, in, "", "observe", "would run %s", plan);
	enter(t, in, INCIDENT_WAITING);
}

/* What the guards say, then as the mode says. */
static void
begin_plan(struct turn *t, struct incident *in)
{
	PB_CLEANUP(pb_freep) char *held = NULL;
	if (in->mode == PB_MODE_OBSERVE) {
		observe(t, in);
		return;
	}
	held = guard_admit(t, in);
	if (held != NULL) {
		incident_note(t, in, "", "guard", "%s", held);
		page_now(t, in, held);
	} else if (in->mode == PB_MODE_PROPOSE) {
		propose(t, in);
	} else {
		start_run(t, in);
	}
}

/* Begins the remediation, or pages when there is none to begin. */
static void
begin_work(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	PB_CLEANUP(pb_freep) char *stopped = control_why_begin(t->e, in);
	PB_CLEANUP(pb_freep) char *flaps = reopen_flap_why(in, t->now);
	PB_CLEANUP(pb_freep) char *own = NULL;
	const char *why = NULL;
	const struct incident *inhibitor = hush_inhibitor(t->e, in, t->now);
	if (inhibitor != NULL) {
		incident_note(t, in, "", "inhibited",
		    "by %s of playbook %s: nothing runs and nobody is paged while that is open",
		    inhibitor->id, incident_playbook_name(inhibitor));
		enter(t, in, INCIDENT_INHIBITED);
		return;
	}
	if (flaps != NULL && in->mode != PB_MODE_OBSERVE)
		why = flaps;
	else if (p == NULL)
		why = "no playbook matches it";
	else if (p->n_steps == 0)
		why = "its playbook has no steps";
	else if (in->is_stale)
		why = in->event->time_at > 0
		    ? "the event is too old to act on (max_age)"
		    : "the event tells no time, so it may be too old to act on (max_age)";
	else if (t->e->is_degraded)
		why = t->e->degraded_why;
	else if (in->own != NULL && in->mode != PB_MODE_OBSERVE)
		why = own =
		    pb_asprintf("an action of ours caused it, so nothing runs: %s", in->own);
	else if (stopped != NULL)
		why = stopped;
	if (why != NULL && (why == stopped || why == own))
		incident_note(t, in, "", "guard", "%s", why);
	if (why == NULL) {
		begin_plan(t, in);
		return;
	}
	if (why == flaps)
		incident_note(t, in, "", "flap", "%s", why);
	enter(t, in, INCIDENT_WAITING);
	ladder_input(t, in, in->is_stale ? LADDER_SOON : LADDER_PAGE, why);
}

/* Whatever was due meanwhile is due now: its page is not armed anew. */
static void
look_whether_inhibited(struct turn *t, struct incident *in)
{
	hush_watch(t, in);
	if (in->by_inhibitor.crowd != NULL)
		return;
	incident_note(t, in, "", "inhibited", "no more: what inhibited it is over");
	begin_work(t, in);
}

/* The lock may be free; meanwhile others ran, so the guards are asked again where no human was. */
static void
try_again(struct turn *t, struct incident *in)
{
	bool is_free = guard_lock_holder(t->e, in, in->lock) == NULL;
	PB_CLEANUP(pb_freep)
	char *held = is_free && in->mode != PB_MODE_PROPOSE ? guard_admit(t, in) : NULL;
	if (held == NULL) {
		start_run(t, in);
		return;
	}
	incident_note(t, in, "", "guard", "%s", held);
	page_now(t, in, held);
}

static void
gave_up(struct turn *t, struct incident *in)
{
	char waited[PB_TIME_TEXT], lock[128];
	const struct incident *holder = guard_lock_holder(t->e, in, in->lock);
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("its run waited %s for lock %s, held by %s (concurrency)",
	    pb_duration_text(waited, t->now - in->state_at),
	    pb_safe(lock, sizeof(lock), pb_str_of(in->lock)), holder == NULL ? "?" : holder->id);
	incident_note(t, in, "", "guard", "%s", why);
	page_now(t, in, why);
}

static void
unanswered(struct turn *t, struct incident *in)
{
	char clock[PB_TIME_TEXT];
	ask_answered(
	    in, "nobody approved the plan by %s", pb_time_clock(clock, wall_of(t->e, t->now)));
	incident_note(t, in, "", "ask", "%s", in->answer);
	page_now(t, in, in->answer);
}

static void
reject(struct turn *t, struct incident *in)
{
	page_now(t, in, in->answer);
}

static void
approve_step(struct turn *t, struct incident *in)
{
	step_input(t, in, in->run.step, STEP_APPROVE, NULL);
}

static void
reject_step(struct turn *t, struct incident *in)
{
	step_input(t, in, in->run.step, STEP_REJECT, NULL);
}

static void
note_reopened(struct turn *t, const struct incident *in, const char *title)
{
	char span[PB_TIME_TEXT];
	incident_note(t, in, "", "reopened",
	    "%s: again %s after it was resolved (%s); reopened %lld time%s so far", title,
	    pb_duration_text(span, t->now - in->last_resolved_at),
	    in->last_cause == NULL ? "?" : in->last_cause, (long long)in->n_reopened,
	    in->n_reopened == 1 ? "" : "s");
}

static void
open_new(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	pb_update_put(
	    t->u, PB_REC_EVENT, in->id, in->id, "", json_incref(pb_event_json(in->event)));
	char title[300];
	(void)pb_safe(title, sizeof(title), pb_str_of(incident_title(in)));
	if (in->n_reopened > 0)
		note_reopened(t, in, title);
	else if (p != NULL)
		incident_note(t, in, "", "opened", "%s: playbook %s, severity %s", title, p->name,
		    incident_severity(in));
	else
		incident_note(t, in, "", "opened", "%s: no playbook matches, escalation %s", title,
		    incident_escalation(in)->name);

	ladder_input(t, in, LADDER_ARM, NULL);
	inform_begin(t, in);
	if (p != NULL && p->hold_for > 0 && p->n_steps > 0) {
		char until[PB_TIME_TEXT];
		in->hold_until = t->now + p->hold_for;
		incident_note(t, in, "", "hold", "nothing runs before %s",
		    pb_time_clock(until, wall_of(t->e, in->hold_until)));
		enter(t, in, INCIDENT_HOLDING);
		return;
	}
	begin_work(t, in);
}

static void
attach(struct turn *t, struct incident *in)
{
	in->count++;
	ladder_burns_again(t, in);
	in->recovered_at = in->calm_at = 0;
	incident_note(t, in, "", "again", "event %lld of this incident", (long long)in->count);
	incident_put(t, in);
}

/* What the alarm was before a start is not known to be so still. */
static void
hold_on(struct turn *t, struct incident *in, const char *unpolled)
{
	char until[PB_TIME_TEXT];
	in->hold_until = in->ladder.page_by_at;
	incident_note(t, in, "", "hold", "over, but source %s is to be polled first, until %s",
	    unpolled, pb_time_clock(until, wall_of(t->e, in->hold_until)));
	incident_put(t, in);
}

/* Why it is not known to be as it was when the hold began; NULL when it is.  The caller's. */
static char *
changed_in_hold(const struct incident *in, const char *unpolled)
{
	if (unpolled != NULL)
		return pb_asprintf("its hold is over, but source %s has not been polled since the "
				   "start, so nothing runs",
		    unpolled);
	if (in->alarm == NULL || joined_is_any(in, in->event->alarm_state))
		return NULL;
	return pb_asprintf("its alarm is %s when its hold ends, and no more %s, so nothing runs",
	    pb_alarm_state_name(in->alarm->state), pb_alarm_state_name(in->event->alarm_state));
}

static void
hold_end(struct turn *t, struct incident *in)
{
	const char *unpolled = hush_unknown(t->e, in);
	if (unpolled != NULL && t->now < in->ladder.page_by_at) {
		hold_on(t, in, unpolled);
		return;
	}
	PB_CLEANUP(pb_freep) char *why = changed_in_hold(in, unpolled);
	in->hold_until = 0;
	if (why != NULL) {
		incident_note(t, in, "", "hold", "%s", why);
		page_now(t, in, why);
		return;
	}
	incident_note(t, in, "", "hold", "over%s%s", in->alarm == NULL ? "" : ", still in ",
	    in->alarm == NULL ? "" : pb_alarm_state_name(in->event->alarm_state));
	begin_work(t, in);
}

static void
recovered_alone(struct turn *t, struct incident *in)
{
	incident_close(t, in, "recovered_alone", NULL);
}

static void
recovered(struct turn *t, struct incident *in)
{
	if (!reopen_is_calming(t, in))
		incident_close(t, in, "recovered", NULL);
}

static void
calm(struct turn *t, struct incident *in)
{
	in->calm_at = 0;
	incident_close(t, in, "recovered", NULL);
}

/* Everything but its id and whom it told begins anew. */
static void
reopen(struct turn *t, struct incident *in)
{
	enter(t, in, INCIDENT_NEW);
	incident_index_open(t->e, in);
	open_new(t, in);
}

static bool
is_untouched(const struct incident *in)
{
	for (size_t i = 0; i < in->run.n_steps; i++)
		if (in->run.steps[i].attempts > 0 && !step_is_safe(run_step_def(in, i)))
			return false;
	return true;
}

/* The run's verification decides; a half-done remediation is not cut off by a recovery. */
static void
look_again(struct turn *t, struct incident *in)
{
	/* Nothing is half done, and nothing need be done. */
	if (ask_step(in) != PB_NONE && is_untouched(in)) {
		incident_close(t, in, "recovered", NULL);
		return;
	}
	incident_note(t, in, "", "recovery", "%s; %s",
	    in->recovered_at > 0 ? "it is over" : "the alarm is OK",
	    in->run.state == RUN_UNDOING ? "the rollback goes on"
					 : "the run goes on to its verification");
	step_check(t, in);
}

static void
run_passed(struct turn *t, struct incident *in)
{
	PB_CLEANUP(pb_freep) char *burning = joined_burning(in);
	if (burning == NULL) {
		incident_close(t, in, "remediated", NULL);
		return;
	}
	PB_CLEANUP(pb_freep) char *why = pb_asprintf("its run passed, but %s", burning);
	enter(t, in, INCIDENT_WAITING);
	ladder_input(t, in, LADDER_PAGE, why);
}

static void
run_failed(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	PB_CLEANUP(pb_freep) char *burning = joined_burning(in);
	bool is_ok = p != NULL && p->resolve_on_ok && in->alarm != NULL &&
	    in->alarm->state == PB_ALARM_OK && burning == NULL;
	/* It may have recovered while a step that does not matter any more was failing. */
	if (!run_must_page(in) && (is_ok || in->recovered_at > 0)) {
		incident_close(t, in, "recovered", NULL);
		return;
	}
	enter(t, in, INCIDENT_WAITING);
	ladder_input(t, in, LADDER_PAGE, in->run.failure);
}

static void
close_now(struct turn *t, struct incident *in)
{
	char by[128];
	run_input(t, in, RUN_CANCEL);
	in->hold_until = in->wait_until = in->calm_at = 0;
	in->resolved_at = t->now;
	reopen_keep(t, in);
	incident_note(t, in, "", "resolved", "%s%s%s", in->cause,
	    in->resolved_by == NULL ? "" : " by ",
	    in->resolved_by == NULL ? "" : pb_safe(by, sizeof(by), pb_str_of(in->resolved_by)));
	enter(t, in, INCIDENT_RESOLVED);
	maintenance_incident_closed(t, in);
	inform_close(t, in);
	ladder_input(t, in, LADDER_CLOSE, NULL);
	incident_unindex_open(t->e, in);
}

typedef void handler(struct turn *t, struct incident *in);

static handler *const table[INCIDENT_STATE_MAX][INCIDENT_INPUT_MAX] = {
    [INCIDENT_NEW] =
	{
	    [INCIDENT_OPEN] = open_new,
	    [INCIDENT_AGAIN] = never,
	    [INCIDENT_OK] = never,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = never,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_HOLDING] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = attach,
	    [INCIDENT_OK] = recovered_alone,
	    [INCIDENT_HOLD_END] = hold_end,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = close_now,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_PROPOSED] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = attach,
	    [INCIDENT_OK] = recovered,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = start_run,
	    [INCIDENT_REJECT] = reject,
	    [INCIDENT_WAIT_END] = unanswered,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = close_now,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_QUEUED] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = attach,
	    [INCIDENT_OK] = recovered_alone,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = try_again,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = gave_up,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = close_now,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_INHIBITED] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = attach,
	    [INCIDENT_OK] = recovered_alone,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = look_whether_inhibited,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = close_now,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_RUNNING] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = attach,
	    [INCIDENT_OK] = look_again,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = approve_step,
	    [INCIDENT_REJECT] = reject_step,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = run_passed,
	    [INCIDENT_RUN_FAILED] = run_failed,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = close_now,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_WAITING] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = attach,
	    [INCIDENT_OK] = recovered,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = calm,
	    [INCIDENT_CLOSE] = close_now,
	    [INCIDENT_REOPEN] = never,
	},
    [INCIDENT_RESOLVED] =
	{
	    [INCIDENT_OPEN] = never,
	    [INCIDENT_AGAIN] = never,
	    [INCIDENT_OK] = never, /* it is on nobody's list any more */
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = never,
	    [INCIDENT_REOPEN] = reopen,
	},
};

bool
incident_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

void
incident_input(struct turn *t, struct incident *in, enum incident_input input)
{
	PB_CHECK_OBJ(in, INCIDENT_MAGIC);
	cells_count(t, PB_MACHINE_INCIDENT, in->state, input);
	table[in->state][input](t, in);
}

void
incident_polled(struct turn *t, const char *source)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		struct incident *in = value;
		if (in->state != INCIDENT_HOLDING || in->alarm == NULL ||
		    !pb_streq(in->alarm->source, source) ||
		    incident_began_at(in) + incident_playbook(in)->hold_for > t->now)
			continue;
		incident_input(t, in, INCIDENT_HOLD_END);
		incident_settle(t, in);
	}
}

void
incident_close(struct turn *t, struct incident *in, const char *cause, const char *by)
{
	if (in->state == INCIDENT_RESOLVED)
		return;
	free(in->cause);
	free(in->resolved_by);
	in->cause = pb_strdup(cause);
	in->resolved_by = pb_strdup(by);
	incident_input(t, in, INCIDENT_CLOSE);
}
