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

#include "base/json.h"

static const char *const state_names[] = {
    [INCIDENT_NEW] = "new",
    [INCIDENT_HOLDING] = "holding",
    [INCIDENT_PROPOSED] = "proposed",
    [INCIDENT_QUEUED] = "queued",
    [INCIDENT_INHIBITED] = "inhibited",
    [INCIDENT_RUNNING] = "running",
    [INCIDENT_WAITING] = "waiting",
    [INCIDENT_RESOLVED] = "resolved",
};
_Static_assert(PB_ARRAY_LEN(state_names) == INCIDENT_STATE_MAX, "a name for each state");

const char *
incident_state_name(enum incident_state s)
{
	return state_names[s];
}

const struct pb_playbook *
incident_playbook(const struct incident *in)
{
	return in->playbook == PB_NONE ? NULL : &in->config->playbooks[in->playbook];
}

const char *
incident_playbook_name(const struct incident *in)
{
	return in->playbook == PB_NONE ? "" : in->config->playbooks[in->playbook].name;
}

const struct pb_escalation *
incident_escalation(const struct incident *in)
{
	return &in->config->escalations[in->escalation];
}

const char *
incident_title(const struct incident *in)
{
	return in->title;
}

/* The alarm's name; of another event its type, with the last part of what it is about. */
void
incident_set_title(struct incident *in)
{
	const struct pb_event *ev = in->event;
	const char *resource =
	    json_string_value(json_array_get(json_object_get(ev->json, "resources"), 0));
	if (ev->alarm_name != NULL) {
		in->title = pb_strdup(ev->alarm_name);
	} else if (resource == NULL || resource[0] == '\0') {
		in->title = pb_strdup(ev->detail_type);
	} else {
		const char *last = resource;
		for (const char *s = resource; *s != '\0'; s++)
			if ((*s == '/' || *s == ':') && s[1] != '\0')
				last = s + 1;
		in->title = pb_asprintf("%s: %s", ev->detail_type, last);
	}
}

const char *
incident_severity(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p == NULL || p->severity == NULL ? "error" : p->severity;
}

void
incident_note(struct turn *t, const struct incident *in, const char *step, const char *kind,
    const char *fmt, ...)
{
	const struct pb_playbook *p = incident_playbook(in);
	va_list ap;
	va_start(ap, fmt);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	pb_update_note(
	    t->u, in->id, p == NULL ? "" : p->name, step, kind, "%s", pb_buf_str(&b).ptr);
}

json_t *
incident_json(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	json_t *j = json_object();
	pb_json_set_str(j, "id", in->id);
	pb_json_set_str(j, "playbook", p == NULL ? "" : p->name);
	pb_json_set_str(j, "escalation", incident_escalation(in)->name);
	pb_json_set_str(j, "config", in->config->digest);
	pb_json_set_str(j, "key", in->key);
	pb_json_set_str(j, "title", incident_title(in));
	pb_json_set_str(j, "severity", incident_severity(in));
	pb_json_set_str(j, "alarm_arn", in->alarm == NULL ? NULL : in->alarm->arn);
	pb_json_set_str(j, "docs", p == NULL ? NULL : p->docs);
	pb_json_set_str(j, "owner", p == NULL ? NULL : p->owner);
	pb_json_set_str(j, "objective", p == NULL ? NULL : p->objective);
	pb_json_set_str(j, "summary", p == NULL ? NULL : p->summary);
	pb_json_set_i64(j, "opened_at", in->opened_at);
	pb_json_set_i64(j, "event_at", in->event->time_at);
	pb_json_set_i64(j, "hold_until", in->hold_until);
	pb_json_set_i64(j, "resolved_at", in->resolved_at);
	pb_json_set_i64(j, "count", in->count);
	if (in->recovered_at > 0)
		pb_json_set_i64(j, "recovered_at", in->recovered_at);
	reopen_json(in, j);
	pb_json_set_i64(j, "wait_until", in->wait_until);
	pb_json_set_str(j, "mode", pb_mode_name(in->mode));
	pb_json_set_str(j, "lock", in->lock);
	pb_json_set_str(j, "answer", in->answer);
	json_object_set_new(j, "is_stale", json_boolean(in->is_stale));
	if (in->is_charged)
		json_object_set_new(j, "is_charged", json_true());
	pb_json_set_str(j, "cause", in->cause);
	pb_json_set_str(j, "resolved_by", in->resolved_by);
	return j;
}

void
incident_put(struct turn *t, const struct incident *in)
{
	pb_update_put(
	    t->u, PB_REC_INCIDENT, in->id, in->id, state_names[in->state], incident_json(in));
}

static void
enter(struct turn *t, struct incident *in, enum incident_state state)
{
	t->e->n_in[in->state]--;
	t->e->n_in[state]++;
	in->state = state;
	in->state_at = t->now;
	incident_put(t, in);
}

static bool
has_end(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p != NULL && p->resolve_on != NULL;
}

/* --- handlers */

static void
stay(struct turn *t, struct incident *in)
{
	(void)t, (void)in;
}

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
	    pb_time_clock(until, in->wait_until));
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
	(void)pb_time_clock(until, in->wait_until);
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
	else if (stopped != NULL)
		why = stopped;
	if (why != NULL && why == stopped)
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
	if (hush_inhibitor(t->e, in, t->now) != NULL)
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
	ask_answered(in, "the plan was approved by nobody until %s", pb_time_clock(clock, t->now));
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
	pb_update_put(t->u, PB_REC_EVENT, in->id, in->id, "", json_incref(in->event->json));
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
		    pb_time_clock(until, in->hold_until));
		enter(t, in, INCIDENT_HOLDING);
		return;
	}
	begin_work(t, in);
}

static void
attach(struct turn *t, struct incident *in)
{
	in->count++;
	in->recovered_at = in->calm_at = 0;
	incident_note(t, in, "", "again", "event %lld of this incident", (long long)in->count);
	incident_put(t, in);
}

static void
hold_end(struct turn *t, struct incident *in)
{
	in->hold_until = 0;
	incident_note(t, in, "", "hold", "over, still in ALARM");
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

static void
index_open(struct pb_engine *e, struct incident *in)
{
	e->n_ends += has_end(in);
	PB_CLEANUP(pb_freep) char *key = incident_full_key(in);
	(void)pb_map_put(e->by_key, key, in);
	if (in->alarm != NULL)
		alarm_attach(in->alarm, in);
	e->n_open++;
}

/* Everything but its id and whom it told begins anew. */
static void
reopen(struct turn *t, struct incident *in)
{
	enter(t, in, INCIDENT_NEW);
	index_open(t->e, in);
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
	incident_close(t, in, "remediated", NULL);
}

static void
run_failed(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	bool is_ok =
	    p != NULL && p->resolve_on_ok && in->alarm != NULL && in->alarm->state == PB_ALARM_OK;
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

	t->e->n_open--;
	t->e->n_ends -= has_end(in);
	PB_CLEANUP(pb_freep) char *key = incident_full_key(in);
	(void)pb_map_del(t->e->by_key, key);
	if (in->alarm != NULL)
		alarm_detach(in->alarm, in);
	t->e->is_incident_closed = true;
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
	    [INCIDENT_OK] = stay,
	    [INCIDENT_HOLD_END] = never,
	    [INCIDENT_TRY] = never,
	    [INCIDENT_APPROVE] = never,
	    [INCIDENT_REJECT] = never,
	    [INCIDENT_WAIT_END] = never,
	    [INCIDENT_RUN_PASSED] = never,
	    [INCIDENT_RUN_FAILED] = never,
	    [INCIDENT_CALM] = never,
	    [INCIDENT_CLOSE] = stay,
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

struct queued {
	int64_t at;
	struct incident *in;
};

static int
by_time(const void *a, const void *b)
{
	const struct queued *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return strcmp(x->in->id, y->in->id);
}

static void
wake_all(struct turn *t)
{
	size_t n = 0, i = 0;
	const char *id;
	void *value;
	PB_CLEANUP(pb_freep)
	struct queued *all = pb_calloc(pb_map_len(t->e->incidents) + 1, sizeof(*all));
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		struct incident *in = value;
		if (in->state == INCIDENT_QUEUED || in->state == INCIDENT_INHIBITED)
			all[n++] = (struct queued){in->state_at, in};
	}
	qsort(all, n, sizeof(*all), by_time);
	for (i = 0; i < n; i++) {
		incident_input(t, all[i].in, INCIDENT_TRY);
		incident_settle(t, all[i].in);
	}
}

/* A run that ends as soon as it begins frees its lock again, and may close its incident. */
void
incident_wake_queued(struct turn *t)
{
	while (t->e->is_lock_free || t->e->is_incident_closed) {
		bool is_closed = t->e->is_incident_closed;
		t->e->is_lock_free = t->e->is_incident_closed = false;
		if (t->e->n_in[INCIDENT_QUEUED] > 0 || t->e->n_in[INCIDENT_INHIBITED] > 0)
			wake_all(t);
		if (is_closed)
			hush_release(t);
	}
}

/* --- life */

void
engine_put(struct turn *t)
{
	const struct pb_engine *e = t->e;
	pb_update_put(t->u, PB_REC_META, "engine", "", "",
	    json_pack("{s:I, s:I, s:I, s:I}", "day", (json_int_t)e->day, "day_number",
		(json_int_t)e->day_number, "silence_number", (json_int_t)e->silence_number,
		"bundle_number", (json_int_t)e->bundle_number));
}

static char *
next_id(struct turn *t)
{
	struct pb_engine *e = t->e;
	int64_t day = t->now / PB_DAY;
	if (day != e->day) {
		/* Page ids are told apart by readers and FIFO topics: begin where no day ever comes to. */
		e->day_number = e->day == 0 && e->is_rebuilt ? t->now % PB_DAY / PB_SECOND : 0;
		e->day = day;
	}
	e->day_number++;
	engine_put(t);

	char text[PB_TIME_TEXT];
	pb_time_basic(text, t->now); /* YYYYMMDDT... */
	return pb_asprintf("%.8s-%lld", text, (long long)e->day_number);
}

void
incident_index(struct pb_engine *e, struct incident *in)
{
	(void)pb_map_put(e->incidents, in->id, in);
	e->n_in[in->state]++;
	if (in->state != INCIDENT_RESOLVED)
		index_open(e, in);
	else if (in->reopen_until > 0)
		reopen_index(e, in);
}

void
incident_set_event(struct turn *t, struct incident *in)
{
	const struct pb_event *ev = in->event;
	const struct pb_playbook *p = incident_playbook(in);
	incident_set_title(in);
	in->alarm = ev->kind == PB_EVENT_ALARM ? alarm_get(t->e, ev->alarm_arn) : NULL;
	in->mode = p == NULL ? PB_MODE_AUTO : p->guards.mode;
	/* One that tells no time may be of any age. */
	in->is_stale = p != NULL && (ev->time_at <= 0 || t->now - ev->time_at > p->max_age_for);
}

char *
incident_full_key(const struct incident *in)
{
	return pb_asprintf("%s\n%s", incident_playbook_name(in), in->key);
}

int64_t
incident_began_at(const struct incident *in)
{
	return in->reopened_at > 0 ? in->reopened_at : in->opened_at;
}

struct incident *
incident_create(
    struct turn *t, struct pb_event *event, size_t playbook, size_t escalation, const char *key)
{
	struct incident *in = pb_calloc(1, sizeof(*in));
	in->magic = INCIDENT_MAGIC;
	in->out.in = in;
	in->id = next_id(t);
	in->config = pb_config_ref(t->e->config);
	in->playbook = playbook;
	in->escalation = escalation;
	in->key = pb_strdup(key);
	in->event = pb_event_ref(event);
	incident_set_event(t, in);
	in->opened_at = in->state_at = t->now;
	in->count = 1;
	in->ladder.next_at = PB_NEVER;
	run_init(in);
	incident_index(t->e, in);
	return in;
}

void
incident_free(struct incident *in)
{
	if (in == NULL)
		return;
	PB_CHECK_OBJ(in, INCIDENT_MAGIC);
	in->magic = 0;
	run_fini(&in->run);
	ladder_fini(&in->ladder);
	outbox_fini(&in->out);
	pb_event_unref(in->event);
	pb_config_unref(in->config);
	free(in->id);
	free(in->key);
	free(in->title);
	free(in->cause);
	free(in->resolved_by);
	free(in->last_cause);
	free(in->flaps);
	free(in->lock);
	free(in->answer);
	free(in->inform);
	free(in);
}

void
incident_arm(struct pb_engine *e, struct incident *in)
{
	int64_t at = page_next_at(&in->out);
	if (in->state == INCIDENT_HOLDING && in->hold_until < at)
		at = in->hold_until;
	if ((in->state == INCIDENT_PROPOSED || in->state == INCIDENT_QUEUED) && in->wait_until < at)
		at = in->wait_until;
	if (in->state == INCIDENT_WAITING && in->calm_at > 0 && in->calm_at < at)
		at = in->calm_at;
	if (in->state == INCIDENT_RESOLVED && in->reopen_until > 0 && in->reopen_until < at)
		at = in->reopen_until;
	if (in->state == INCIDENT_RUNNING && step_next_at(in) < at)
		at = step_next_at(in);
	if (in->ladder.next_at < at)
		at = in->ladder.next_at;
	if (inform_next_at(in) < at)
		at = inform_next_at(in);
	if (at == PB_NEVER)
		pb_heap_clear(&e->timers, &in->timer);
	else
		pb_heap_set(&e->timers, &in->timer, at);
}

/* Verification before paging: what passes at the very moment of page_by wakes nobody. */
void
incident_due(struct turn *t, struct incident *in)
{
	if (in->state == INCIDENT_HOLDING && in->hold_until <= t->now)
		incident_input(t, in, INCIDENT_HOLD_END);
	if ((in->state == INCIDENT_PROPOSED || in->state == INCIDENT_QUEUED) &&
	    in->wait_until <= t->now)
		incident_input(t, in, INCIDENT_WAIT_END);
	if (in->state == INCIDENT_INHIBITED && in->ladder.next_at <= t->now)
		incident_input(t, in, INCIDENT_TRY);
	if (in->state == INCIDENT_WAITING && in->calm_at > 0 && in->calm_at <= t->now)
		incident_input(t, in, INCIDENT_CALM);
	step_due(t, in);
	if (in->ladder.next_at <= t->now)
		ladder_input(t, in, LADDER_DUE, NULL);
	page_due(t, &in->out);
	inform_due(t, in);
	incident_settle(t, in);
}

void
incident_settle(struct turn *t, struct incident *in)
{
	if (in->state == INCIDENT_RESOLVED && in->reopen_until > 0 && in->reopen_until <= t->now) {
		reopen_forget(t->e, in);
		in->reopen_until = 0;
	}
	if (in->state != INCIDENT_RESOLVED || in->reopen_until > 0 || page_is_live(&in->out)) {
		incident_arm(t->e, in);
		return;
	}
	pb_heap_clear(&t->e->timers, &in->timer);
	(void)pb_map_del(t->e->incidents, in->id);
	t->e->n_in[in->state]--;
	incident_free(in);
}
