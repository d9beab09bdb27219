/*
 * Attempts of a step: started, ended, tried again, and what to do when nobody knows what one did.
 *
 * Invariants: an attempt is started only by the update that records it as RUNNING; its limit never
 * passes the step's deadline.
 */
#include <math.h>

#include "base/json.h"
#include "step.h"

#define DELAY_MAX (5000 * PB_DAY)

static int64_t
attempt_limit(const struct pb_step *def, const struct step_run *s, int64_t now)
{
	int64_t left = s->deadline_at - now;
	return def->attempt_timeout_for > 0 && def->attempt_timeout_for < left
	    ? def->attempt_timeout_for
	    : left;
}

void
attempt_start(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	PB_CLEANUP(pb_freep) char *stopped = control_why(t->e, in);
	if (stopped != NULL) {
		step_halt(t, in, i, "RemediationStopped", stopped);
		return;
	}
	if (t->e->is_draining) {
		step_enter(t, in, i, STEP_PENDING, s->deadline_at);
		return;
	}
	if (t->e->is_degraded) {
		step_set_error(s, "Degraded", NULL, t->e->degraded_why);
		step_fail(t, in, i);
		return;
	}
	s->attempts++;
	struct pb_error err = {0};
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	PB_JSON json_t *spec = request_spec(in, i, def, context, &err);
	if (spec == NULL) {
		s->attempts--;
		step_set_error(s, "States.ParameterPathFailure", NULL, err.text);
		step_fail(t, in, i);
		return;
	}
	int64_t limit = attempt_limit(def, s, t->now);
	char limit_text[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep) char *id = step_attempt_id(in, i);
	PB_CLEANUP(pb_freep)
	char *target = def->kind == PB_STEP_NOTIFY ? request_notify_target(in, i) : pb_strdup("");
	incident_note(t, in, def->name, "start", "attempt %lld%s%s, at most %s",
	    (long long)s->attempts, target[0] == '\0' ? "" : ", ", target,
	    pb_duration_text(limit_text, limit));
	s->attempt_at = t->now;
	step_enter(t, in, i, STEP_RUNNING, t->now + limit + PB_OUTCOME_GRACE);
	pb_update_put(t->u, PB_REC_ACTION, id, in->id, "started",
	    json_pack("{s:s, s:O, s:I}", "step", def->name, "spec", spec, "limit_for",
		(json_int_t)limit));
	pb_update_start(t->u, id, in->id, false, limit, spec);
}

static int64_t
backoff(struct pb_engine *e, const struct pb_retrier *r, int64_t retries)
{
	double delay = (double)r->interval_for * pow(r->backoff_rate, (double)retries);
	if (r->max_delay_for > 0 && delay > (double)r->max_delay_for)
		delay = (double)r->max_delay_for;
	/* Longer than any step may take; with jitter it may still come in time. */
	if (delay > (double)DELAY_MAX)
		delay = (double)DELAY_MAX;
	return r->jitter_full ? (int64_t)(pb_rand_unit(&e->rand) * delay) : (int64_t)delay;
}

/* By the first entry of `retry` that fits; each counts its own attempts (Step Functions). */
static void
retry_or_fail(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	for (size_t k = 0; k < def->retry.n; k++) {
		const struct pb_retrier *r = &def->retry.items[k];
		if (!step_error_fits(s, r->errors, r->n_errors))
			continue;
		if (s->retries[k] >= r->max_attempts)
			break;
		int64_t delay = backoff(t->e, r, s->retries[k]);
		if (t->now + delay >= s->deadline_at) {
			incident_note(
			    t, in, def->name, "retry", "no time left for another attempt");
			break;
		}
		PB_CLEANUP(pb_freep) char *stopped = control_why(t->e, in);
		if (stopped != NULL) {
			step_halt(t, in, i, "RemediationStopped", stopped);
			return;
		}
		char wait[PB_TIME_TEXT], message[512];
		s->retries[k]++;
		incident_note(t, in, def->name, "retry", "%s%s%s; retry %lld of %lld in %s",
		    s->error, s->message == NULL || s->message[0] == '\0' ? "" : ": ",
		    pb_safe(message, sizeof(message), pb_str_of(s->message)),
		    (long long)s->retries[k], (long long)r->max_attempts,
		    pb_duration_text(wait, delay));
		step_enter(t, in, i, STEP_BACKOFF, t->now + delay);
		return;
	}
	step_fail(t, in, i);
}

static void
follow_policy(struct turn *t, struct incident *in, size_t i)
{
	switch (run_step_def(in, i)->on_interrupted) {
	case PB_INTERRUPTED_RETRY:
		retry_or_fail(t, in, i);
		return;
	case PB_INTERRUPTED_FAIL:
		step_fail(t, in, i);
		return;
	case PB_INTERRUPTED_ASK:
		step_ask(t, in, i);
		return;
	}
}

/* The attempt ended in a way that does not tell whether it took effect. */
static void
unknown_outcome(struct turn *t, struct incident *in, size_t i)
{
	if (run_step_def(in, i)->check != NULL)
		look_begin(t, in, i, false);
	else
		follow_policy(t, in, i);
}

void
attempt_put_ended(struct turn *t, const struct incident *in, size_t i, const char *state,
    const struct pb_outcome *o)
{
	PB_CLEANUP(pb_freep) char *id = step_attempt_id(in, i);
	json_t *j = json_object();
	pb_json_set_str(j, "step", run_step_def(in, i)->name);
	if (o != NULL) {
		pb_json_set_str(j, "error", o->error);
		pb_json_set_str(j, "message", o->message);
		json_object_set(j, "output", o->output);
		pb_json_set_str(j, "request_id", o->request_id);
	}
	pb_update_put(t->u, PB_REC_ACTION, id, in->id, state, j);
}

/* Nobody heard how it ended. */
static void
cut_off(struct turn *t, struct incident *in, size_t i)
{
	struct step_run *s = &in->run.steps[i];
	const struct pb_step *def = run_step_def(in, i);
	step_set_error(s, "Interrupted", NULL, "the daemon ended while it ran");
	attempt_put_ended(t, in, i, "interrupted", NULL);
	incident_note(t, in, def->name, "interrupted",
	    "attempt %lld was cut off by a restart, outcome unknown", (long long)s->attempts);
	if (def->check != NULL) {
		look_begin(t, in, i, true);
		return;
	}
	if (def->on_interrupted != PB_INTERRUPTED_RETRY) {
		follow_policy(t, in, i);
		return;
	}
	if (t->now >= s->deadline_at) {
		step_set_error(
		    s, "States.Timeout", NULL, "its timeout passed while the daemon was down");
		step_fail(t, in, i);
		return;
	}
	attempt_start(t, in, i, NULL);
}

void
attempt_failed(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	struct step_run *s = &in->run.steps[i];
	const char *error = o->status == PB_OUTCOME_TIMEOUT ? "States.Timeout" : o->error;
	step_set_error(s, error == NULL || error[0] == '\0' ? "States.TaskFailed" : error,
	    o->error_class, o->message);
	if (o->output != NULL) {
		json_decref(s->output);
		s->output = json_incref(o->output);
	}
	attempt_put_ended(t, in, i, "failed", o);
	if (pb_streq(o->error, "Exec.Unknown")) { /* by its helper, after a restart */
		cut_off(t, in, i);
		return;
	}
	enum pb_effect effect = run_step_def(in, i)->effect;
	/* A program that was ended at its limit has done a part of its work, nobody knows which. */
	bool is_cut = effect == PB_EFFECT_CHECK_FIRST && o->status == PB_OUTCOME_TIMEOUT;
	if (is_cut || (o->is_unknown && effect >= PB_EFFECT_CHECK_FIRST))
		unknown_outcome(t, in, i);
	else
		retry_or_fail(t, in, i);
}

/* No outcome came, not even after the driver's own limit. */
void
attempt_lost(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	struct step_run *s = &in->run.steps[i];
	PB_CLEANUP(pb_freep) char *id = step_attempt_id(in, i);
	pb_update_cancel(t->u, id);
	step_set_error(s, "States.Timeout", NULL, "no outcome in time");
	attempt_put_ended(t, in, i, "lost", NULL);
	if (run_step_def(in, i)->effect >= PB_EFFECT_CHECK_FIRST)
		unknown_outcome(t, in, i);
	else
		retry_or_fail(t, in, i);
}

/*
 * playbookd-exec keeps what became of an attempt: asked for the same one again it tells that, or waits
 * for its end, or begins it if it never did.  The last only where a step may begin now.
 */
static bool
ask_helper(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	struct pb_error err;
	if (def->kind != PB_STEP_EXEC || in->config->exec_helper == NULL)
		return false;
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	PB_JSON json_t *spec = request_spec(in, i, def, context, &err);
	if (spec == NULL)
		return false;
	PB_CLEANUP(pb_freep) char *stopped = control_why(t->e, in);
	bool may_begin = stopped == NULL && !t->e->is_draining && !t->e->is_degraded &&
	    t->now < s->deadline_at && t->now - s->started_at < HELPER_KEEPS_FOR;
	json_object_set_new(spec, "may_begin", json_boolean(may_begin));
	int64_t limit = attempt_limit(def, s, t->now);
	if (limit < PB_SECOND)
		limit = PB_SECOND;
	PB_CLEANUP(pb_freep) char *id = step_attempt_id(in, i);
	incident_note(t, in, def->name, "interrupted",
	    "attempt %lld was cut off by a restart; playbookd-exec is asked how it ended",
	    (long long)s->attempts);
	step_enter(t, in, i, STEP_RUNNING, t->now + limit + PB_OUTCOME_GRACE);
	pb_update_start(t->u, id, in->id, false, limit, spec);
	return true;
}

void
attempt_interrupted(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	if (!ask_helper(t, in, i))
		cut_off(t, in, i);
}

void
attempt_cancel(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	PB_CLEANUP(pb_freep) char *id = step_attempt_id(in, i);
	pb_update_cancel(t->u, id);
	attempt_put_ended(t, in, i, "cancelled", NULL);
	incident_note(t, in, run_step_def(in, i)->name, "step", "attempt %lld is ended",
	    (long long)in->run.steps[i].attempts);
	step_cancel(t, in, i, o);
}

/* --- what came of it */

/* How long an attempt that was started at attempt_at may take, its waiting included. */
static int64_t
attempt_until(const struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	const struct step_run *s = &in->run.steps[i];
	int64_t until = s->attempt_at + def->attempt_timeout_for;
	return def->attempt_timeout_for > 0 && until < s->deadline_at ? until : s->deadline_at;
}

static void
wait_or_succeed(struct turn *t, struct incident *in, size_t i)
{
	if (run_step_def(in, i)->wait != NULL)
		look_await(t, in, i, attempt_until(in, i));
	else
		step_succeed(t, in, i, NULL);
}

static bool
has_more_to_send(const struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	return def->kind == PB_STEP_NOTIFY && (size_t)in->run.steps[i].sent < request_n_sends(def);
}

void
attempt_answered(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o)
{
	struct step_run *s = &in->run.steps[i];
	json_decref(s->output);
	s->output = json_incref(o->output);
	attempt_put_ended(t, in, i, "succeeded", o);
	if (run_step_def(in, i)->kind == PB_STEP_NOTIFY) {
		PB_CLEANUP(pb_freep) char *target = request_notify_target(in, i);
		incident_note(
		    t, in, run_step_def(in, i)->name, "notify", "to %s delivered", target);
		s->sent++;
	}
	if (has_more_to_send(in, i))
		attempt_start(t, in, i, NULL);
	else
		wait_or_succeed(t, in, i);
}

/* A check says that it has taken effect, though no answer came. */
void
attempt_done(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	attempt_put_ended(t, in, i, "succeeded", NULL);
	wait_or_succeed(t, in, i);
}

static bool
has_retrier(const struct incident *in, size_t i)
{
	const struct pb_retry *r = &run_step_def(in, i)->retry;
	for (size_t k = 0; k < r->n; k++)
		if (step_error_fits(&in->run.steps[i], r->items[k].errors, r->items[k].n_errors))
			return true;
	return false;
}

/*
 * A check says that it has not.  What a restart cut off is started again, and so is what failed once
 * though no rule of retry speaks of it: a lost answer is nobody's mistake.  Else the rules count.
 */
void
attempt_undone(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	struct step_run *s = &in->run.steps[i];
	if (t->now >= s->deadline_at) {
		step_set_error(s, "States.Timeout", NULL,
		    "its timeout passed, and the check says that it has not taken effect");
		step_fail(t, in, i);
	} else if (s->look.by_restart || (!has_retrier(in, i) && s->look.again == 0)) {
		s->look.again += !s->look.by_restart;
		attempt_start(t, in, i, unused);
	} else {
		retry_or_fail(t, in, i);
	}
}

void
attempt_unseen(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	follow_policy(t, in, i);
}

/* --- what it started */

/* It goes on, and may not be started beside itself: only what has a token, or does no harm, is. */
static void
fail_while_it_goes_on(struct turn *t, struct incident *in, size_t i)
{
	if (run_step_def(in, i)->effect < PB_EFFECT_CHECK_FIRST)
		retry_or_fail(t, in, i);
	else
		step_fail(t, in, i);
}

void
attempt_not_over(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	struct step_run *s = &in->run.steps[i];
	PB_CLEANUP(pb_freep)
	char *message = pb_asprintf(
	    "it was started and is not over in time%s%s; it goes on by itself",
	    s->look.seen == NULL ? "" : ", last seen ", s->look.seen == NULL ? "" : s->look.seen);
	step_set_error(s, "States.Timeout", NULL, message);
	fail_while_it_goes_on(t, in, i);
}

void
attempt_ended_badly(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	retry_or_fail(t, in, i);
}

void
attempt_not_seen_to_end(
    struct turn *t, struct incident *in, size_t i, const struct pb_outcome *unused)
{
	(void)unused;
	step_fail(t, in, i);
}
