/*
 * The step: attempts with retries, or conditions that must hold.
 *
 *	IDLE -> RUNNING           [enter_step: exec, aws, http]
 *	IDLE -> PENDING           [enter_step: the daemon drains; the next one starts it]
 *	IDLE -> CHECKING          [enter_step: verify]
 *	IDLE -> WAITING           [enter_step: wait]
 *	IDLE -> SKIPPED           [enter_step: its `if` does not fit]
 *	IDLE -> ASKING            [ask_first]
 *	ASKING -> RUNNING, PENDING [approved]
 *	ASKING -> FAILED          [rejected, unanswered]
 *	RUNNING -> SUCCEEDED, RUNNING [attempt_answered; notify goes on with the next message]
 *	RUNNING -> AWAITING       [attempt_answered: it only started something]
 *	RUNNING -> BACKOFF, FAILED [attempt_failed, attempt_lost, attempt_interrupted]
 *	RUNNING -> LOOKING        [the same, with effect check_first and nobody knowing]
 *	LOOKING -> SUCCEEDED, AWAITING [attempt_done]
 *	LOOKING -> RUNNING, BACKOFF, FAILED [attempt_undone, attempt_unseen]
 *	AWAITING -> SUCCEEDED     [step_succeed]
 *	AWAITING -> BACKOFF, FAILED [attempt_ended_badly, attempt_not_over]
 *	BACKOFF -> RUNNING, PENDING [attempt_start]
 *	CHECKING -> SUCCEEDED     [step_succeed]
 *	CHECKING -> FAILED        [out_of_time]
 *	WAITING -> SUCCEEDED      [step_succeed]
 *	any of these -> CANCELLED [step_cancel, attempt_cancel]
 *
 * Invariants: after a restart an attempt found RUNNING is handled by the step's on_interrupted, never
 * started again by itself.  The whole step ends by its timeout.
 */
#include "step.h"

#include "base/json.h"

static const char *const state_names[] = {
    [STEP_IDLE] = "idle",
    [STEP_ASKING] = "asking",
    [STEP_PENDING] = "pending",
    [STEP_RUNNING] = "running",
    [STEP_BACKOFF] = "backoff",
    [STEP_CHECKING] = "checking",
    [STEP_WAITING] = "waiting",
    [STEP_LOOKING] = "looking",
    [STEP_AWAITING] = "awaiting",
    [STEP_SUCCEEDED] = "succeeded",
    [STEP_FAILED] = "failed",
    [STEP_CANCELLED] = "cancelled",
    [STEP_SKIPPED] = "skipped",
};
_Static_assert(PB_ARRAY_LEN(state_names) == STEP_STATE_MAX, "a name for each state");

const char *
step_state_name(enum step_state s)
{
	return state_names[s];
}

void
step_run_fini(struct step_run *s)
{
	free(s->retries);
	free(s->error);
	free(s->error_class);
	free(s->message);
	json_decref(s->output);
	step_unwatch(s);
	free(s->probes);
	look_fini(&s->look);
}

bool
step_is_safe(const struct pb_step *def)
{
	return def->effect == PB_EFFECT_READ || def->kind == PB_STEP_NOTIFY;
}

char *
step_number(const struct incident *in, int64_t n)
{
	return in->n_reopened == 0
	    ? pb_asprintf("%lld", (long long)n)
	    : pb_asprintf("%lld.%lld", (long long)in->n_reopened + 1, (long long)n);
}

char *
step_attempt_number(const struct incident *in, size_t i)
{
	return step_number(in, in->run.steps[i].attempts);
}

char *
step_attempt_id(const struct incident *in, size_t i)
{
	PB_CLEANUP(pb_freep) char *number = step_attempt_number(in, i);
	return pb_asprintf("%s/%s/%s", in->id, run_step_def(in, i)->name, number);
}

void
step_put(struct turn *t, const struct incident *in, size_t i)
{
	const struct step_run *s = &in->run.steps[i];
	json_t *j = json_object(), *retries = json_array();
	pb_json_set_str(j, "name", run_step_def(in, i)->name);
	pb_json_set_i64(j, "index", (int64_t)i);
	pb_json_set_i64(j, "attempts", s->attempts);
	for (size_t k = 0; k < s->n_retries; k++)
		json_array_append_new(retries, json_integer(s->retries[k]));
	json_object_set_new(j, "retries", retries);
	pb_json_set_i64(j, "started_at", s->started_at);
	pb_json_set_i64(j, "ended_at", s->ended_at);
	pb_json_set_i64(j, "deadline_at", s->deadline_at);
	pb_json_set_i64(j, "next_at", s->next_at);
	pb_json_set_str(j, "error", s->error);
	pb_json_set_str(j, "error_class", s->error_class);
	pb_json_set_str(j, "message", s->message);
	json_object_set(j, "output", s->output);
	json_object_set_new(j, "is_approved", json_boolean(s->is_approved));
	json_object_set_new(j, "must_ask", json_boolean(s->must_ask));
	pb_json_set_i64(j, "attempt_at", s->attempt_at);
	pb_json_set_i64(j, "token_n", s->token_n);
	pb_json_set_i64(j, "sent", s->sent);
	if (s->look.at != 0)
		json_object_set_new(j, "look", look_json(&s->look));
	if (s->n_probes > 0) {
		json_object_set_new(j, "probes", probe_json(s));
		pb_json_set_i64(j, "probing", (int64_t)s->probing);
		pb_json_set_i64(j, "probe_lost_at", s->probe_lost_at);
	}
	PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s/%s", in->id, run_step_def(in, i)->name);
	pb_update_put(t->u, PB_REC_STEP, key, in->id, state_names[s->state], j);
}

void
step_enter(struct turn *t, struct incident *in, size_t i, enum step_state state, int64_t next_at)
{
	struct step_run *s = &in->run.steps[i];
	look_end(t, in, i);
	s->state = state;
	s->state_at = t->now;
	s->next_at = next_at;
	if (state != STEP_CHECKING) {
		probe_end(t, in, i);
		step_unwatch(s);
	}
	if (state >= STEP_SUCCEEDED)
		s->ended_at = t->now;
	step_put(t, in, i);
}

void
step_set_error(struct step_run *s, const char *error, const char *error_class, const char *message)
{
	char *e = pb_strdup(error), *c = pb_strdup(error_class), *m = pb_strdup(message);
	free(s->error);
	free(s->error_class);
	free(s->message);
	s->error = e;
	s->error_class = c;
	s->message = m;
}

void
step_fail(struct turn *t, struct incident *in, size_t i)
{
	struct step_run *s = &in->run.steps[i];
	char message[512];
	incident_note(t, in, run_step_def(in, i)->name, "step", "failed: %s%s%s", s->error,
	    s->message == NULL || s->message[0] == '\0' ? "" : ": ",
	    pb_safe(message, sizeof(message), pb_str_of(s->message)));
	step_enter(t, in, i, STEP_FAILED, PB_NEVER);
	run_input(t, in, RUN_STEP_FAILED);
}

/* Nobody can tell whether it took effect: no retry, no catch, a human decides. */
void
step_ask(struct turn *t, struct incident *in, size_t i)
{
	struct step_run *s = &in->run.steps[i];
	s->must_ask = true;
	incident_note(t, in, run_step_def(in, i)->name, "ask",
	    "attempt %lld may or may not have taken effect (%s); on_interrupted says ask",
	    (long long)s->attempts, s->error);
	step_enter(t, in, i, STEP_FAILED, PB_NEVER);
	run_input(t, in, RUN_STEP_FAILED);
}

/* A brake ends the run here: nothing catches that. */
void
step_halt(struct turn *t, struct incident *in, size_t i, const char *error, const char *why)
{
	struct step_run *s = &in->run.steps[i];
	step_set_error(s, error, NULL, why);
	s->is_halted = true;
	step_fail(t, in, i);
}

void
step_succeed(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	struct step_run *s = &in->run.steps[i];
	char took[PB_TIME_TEXT];
	step_set_error(s, NULL, NULL, NULL);
	bool is_verify = run_step_def(in, i)->kind == PB_STEP_VERIFY;
	incident_note(t, in, run_step_def(in, i)->name, is_verify ? "verify" : "step",
	    "%s after %s", is_verify ? "passed" : "succeeded",
	    pb_duration_text(took, t->now - s->started_at));
	step_enter(t, in, i, STEP_SUCCEEDED, PB_NEVER);
	run_input(t, in, RUN_STEP_OK);
}

/* Its `if` does not fit the context: it is passed over, and nothing of it is started. */
static bool
is_passed_over(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	if (def->condition == NULL)
		return false;
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	if (pb_pattern_why(def->condition, context, &why) > 0)
		return false;
	incident_note(t, in, def->name, "step", "skipped: %s", pb_buf_str(&why).ptr);
	step_enter(t, in, i, STEP_SKIPPED, PB_NEVER);
	run_input(t, in, RUN_STEP_SKIPPED);
	return true;
}

/* --- brakes */

static void
ask_first(struct turn *t, struct incident *in, size_t i)
{
	const char *name = run_step_def(in, i)->name;
	int64_t until = t->now + incident_playbook(in)->page_by_for;
	char clock[PB_TIME_TEXT];
	(void)pb_time_clock(clock, wall_of(t->e, until));
	incident_note(t, in, name, "ask", "may it start? waits for a human until %s", clock);
	step_enter(t, in, i, STEP_ASKING, until);
	PB_CLEANUP(pb_freep)
	char *why = pb_asprintf("step %s asks whether it may start, until %s", name, clock);
	ladder_input(t, in, LADDER_PAGE, why);
}

/* May this step not start now?  Then it has been halted, or asks.  An undo was agreed to with its do. */
static bool
is_held_back(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	if (i >= in->run.n_forward)
		return false;
	PB_CLEANUP(pb_freep) char *why = guard_targets(t, in, i);
	if (why != NULL) {
		incident_note(t, in, def->name, "guard", "%s", why);
		step_halt(t, in, i, "GuardStopped", why);
		return true;
	}
	if (in->mode != PB_MODE_APPROVE || step_is_safe(def))
		return false;
	if (!in->run.steps[i].is_approved) {
		ask_first(t, in, i);
		return true;
	}
	why = guard_still(t, in);
	if (why != NULL) {
		incident_note(t, in, def->name, "guard", "approved, and too late: %s", why);
		step_halt(t, in, i, "GuardStopped", why);
		return true;
	}
	guard_run_began(t, in);
	return false;
}

static void
unanswered(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	char clock[PB_TIME_TEXT];
	ask_answered(in, "nobody approved step %s by %s", run_step_def(in, i)->name,
	    pb_time_clock(clock, wall_of(t->e, t->now)));
	incident_put(t, in);
	step_halt(t, in, i, "NotApproved", in->answer);
}

static void
rejected(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	step_halt(t, in, i, "Rejected", in->answer);
}

static void
enter_step(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	s->started_at = t->now;
	s->deadline_at = t->now + def->timeout_for;
	if (is_passed_over(t, in, i))
		return;
	char limit[PB_TIME_TEXT];
	if (def->kind == PB_STEP_WAIT) {
		incident_note(
		    t, in, def->name, "wait", "%s", pb_duration_text(limit, def->timeout_for));
		step_enter(t, in, i, STEP_WAITING, s->deadline_at);
		return;
	}
	if (def->kind != PB_STEP_VERIFY) {
		if (!is_held_back(t, in, i))
			attempt_start(t, in, i, unused);
		return;
	}
	probe_begin(t, in, i);
	incident_note(t, in, def->name, "verify", "waits at most %s",
	    pb_duration_text(limit, def->timeout_for));
	step_enter(t, in, i, STEP_CHECKING, PB_NEVER);
	step_check(t, in);
	probe_due(t, in);
}

static void
look_again(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	probe_interrupted(t, in, i);
}

static void
look_on(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	look_interrupted(t, in, i);
}

static void
approved(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	in->run.steps[i].is_approved = true;
	enter_step(t, in, i, unused);
}

static void
out_of_time(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	step_set_error(&in->run.steps[i], "States.Timeout", NULL,
	    run_step_def(in, i)->kind == PB_STEP_VERIFY ? "its conditions did not hold in time"
							: "its timeout passed");
	step_fail(t, in, i);
}

/* --- the rest of the table */

static void
stay(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	(void)t, (void)in, (void)i, (void)o;
}

static void
never(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	(void)t, (void)in, (void)i, (void)o;
	pb_impossible("an input that this state cannot get");
}

void
step_cancel(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	(void)o;
	step_enter(t, in, i, STEP_CANCELLED, PB_NEVER);
}

/* There is no call that takes it back. */
static void
leave_going(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	incident_note(t, in, run_step_def(in, i)->name, "step",
	    "what it started goes on, nobody waits for it any more");
	step_cancel(t, in, i, o);
}

#define ENDED_STATE                                                                                \
	{                                                                                          \
		[STEP_ENTER] = never, [STEP_OK] = never, [STEP_FAIL] = never, [STEP_DUE] = never,  \
		[STEP_TIMEOUT] = never, [STEP_APPROVE] = never, [STEP_REJECT] = never,             \
		[STEP_HOLDS] = never, [STEP_INTERRUPT] = never, [STEP_DONE] = never,               \
		[STEP_UNDONE] = never, [STEP_BLIND] = never, [STEP_CANCEL] = never,                \
	}

static step_handler
    *const table[STEP_STATE_MAX][STEP_INPUT_MAX] =
	{
	    [STEP_IDLE] =
		{
		    [STEP_ENTER] = enter_step,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = never,
		    [STEP_TIMEOUT] = never,
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = never, /* a run is live only while its step waits */
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = never,
		},
	    [STEP_ASKING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = unanswered,
		    [STEP_TIMEOUT] = never,
		    [STEP_APPROVE] = approved,
		    [STEP_REJECT] = rejected,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = stay, /* the question has its own deadline */
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = step_cancel,
		},
	    [STEP_PENDING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = never, /* it waits for the next process, or its timeout */
		    [STEP_TIMEOUT] = out_of_time,
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = enter_step, /* it was never started: its time begins now */
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = step_cancel,
		},
	    [STEP_RUNNING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = attempt_answered,
		    [STEP_FAIL] = attempt_failed,
		    [STEP_DUE] = attempt_lost,
		    [STEP_TIMEOUT] = never, /* the attempt has its own limit */
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = attempt_interrupted,
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = attempt_cancel,
		},
	    [STEP_BACKOFF] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = attempt_start,
		    [STEP_TIMEOUT] = out_of_time,
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = stay, /* its next attempt has its own deadline */
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = step_cancel,
		},
	    [STEP_CHECKING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = step_succeed,
		    [STEP_TIMEOUT] = out_of_time,
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = step_succeed,
		    [STEP_INTERRUPT] = look_again,
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = step_cancel,
		},
	    [STEP_WAITING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = step_succeed,
		    [STEP_TIMEOUT] = step_succeed,
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = stay, /* its end is a moment, not a span */
		    [STEP_DONE] = never,
		    [STEP_UNDONE] = never,
		    [STEP_BLIND] = never,
		    [STEP_CANCEL] = step_cancel,
		},
	    [STEP_LOOKING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = attempt_unseen,
		    [STEP_TIMEOUT] = never, /* it has its own deadline */
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = look_on,
		    [STEP_DONE] = attempt_done,
		    [STEP_UNDONE] = attempt_undone,
		    [STEP_BLIND] = attempt_unseen,
		    [STEP_CANCEL] = step_cancel,
		},
	    [STEP_AWAITING] =
		{
		    [STEP_ENTER] = never,
		    [STEP_OK] = never,
		    [STEP_FAIL] = never,
		    [STEP_DUE] = attempt_not_over,
		    [STEP_TIMEOUT] = never, /* it waits no longer than the step may take */
		    [STEP_APPROVE] = never,
		    [STEP_REJECT] = never,
		    [STEP_HOLDS] = never,
		    [STEP_INTERRUPT] = look_on,
		    [STEP_DONE] = step_succeed,
		    [STEP_UNDONE] = attempt_ended_badly,
		    [STEP_BLIND] = attempt_not_seen_to_end,
		    [STEP_CANCEL] = leave_going,
		},
	    [STEP_SUCCEEDED] = ENDED_STATE,
	    [STEP_FAILED] = ENDED_STATE,
	    [STEP_CANCELLED] = ENDED_STATE,
	    [STEP_SKIPPED] = ENDED_STATE,
};

bool
step_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

void
step_input(struct turn *t, struct incident *in, size_t i, enum step_input input,
    const struct pb_outcome *outcome)
{
	cells_count(t, PB_MACHINE_STEP, in->run.steps[i].state, input);
	table[in->run.steps[i].state][input](t, in, i, outcome);
}

/*
 * What is due now.  A condition that holds at the very deadline passes; a step whose deadline went
 * by while the daemon was down fails before it starts anything.
 */
void
step_due(struct turn *t, struct incident *in)
{
	struct step_run *s = run_current(in);
	if (s == NULL)
		return;
	size_t i = in->run.step;
	/* An attempt's limit may pass the step's deadline: after a restart the helper is asked behind it. */
	if (s->state == STEP_ASKING || s->state == STEP_RUNNING) {
		if (s->next_at <= t->now)
			step_input(t, in, i, STEP_DUE, NULL);
		return;
	}
	if (s->state == STEP_LOOKING || s->state == STEP_AWAITING) {
		if (s->next_at <= t->now)
			step_input(t, in, i, STEP_DUE, NULL);
		else
			look_due(t, in);
		return;
	}
	if (s->deadline_at > t->now && s->next_at > t->now)
		probe_due(t, in);
	if ((s->state == STEP_BACKOFF || s->state == STEP_PENDING) && s->deadline_at <= t->now)
		step_input(t, in, i, STEP_TIMEOUT, NULL);
	else if (s->next_at <= t->now && s->next_at <= s->deadline_at)
		step_input(t, in, i, STEP_DUE, NULL);
	else if (s->deadline_at <= t->now)
		step_input(t, in, i, STEP_TIMEOUT, NULL);
}

int64_t
step_next_at(const struct incident *in)
{
	if (!run_is_live(&in->run))
		return PB_NEVER;
	const struct step_run *s = &in->run.steps[in->run.step];
	int64_t at = PB_NEVER;
	switch (s->state) {
	case STEP_ASKING:
	case STEP_RUNNING:
		return s->next_at;
	case STEP_PENDING:
		return s->deadline_at;
	case STEP_LOOKING:
	case STEP_AWAITING:
		at = look_next_at(in, in->run.step);
		return at < s->next_at ? at : s->next_at;
	case STEP_CHECKING:
	case STEP_BACKOFF:
	case STEP_WAITING:
		at = probe_next_at(in, in->run.step);
		at = s->next_at < at ? s->next_at : at;
		return at < s->deadline_at ? at : s->deadline_at;
	case STEP_IDLE:
	case STEP_SUCCEEDED:
	case STEP_FAILED:
	case STEP_CANCELLED:
	case STEP_SKIPPED:
	case STEP_STATE_MAX:
		break;
	}
	return PB_NEVER;
}
