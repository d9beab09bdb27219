/*
 * Looking at what a step's own call did, by reads: has it taken effect (LOOKING, pb_check), is what it
 * started over (AWAITING, pb_wait).
 *
 * A read is an action like an attempt, committed before it is started, with an id of its own; its
 * record goes when its answer has come.  One at a time.  What leaves the two states ends it.  Neither
 * can last for ever: LOOKING at most PB_LOOK_MOST, AWAITING as long as the attempt may.
 */
#include "base/json.h"
#include "playbook/template.h"
#include "step.h"

/* A request on its way when its answer was lost may still arrive; a look before that sees nothing. */
#define SETTLE_FOR (5 * PB_SECOND)
#define AGAIN_AFTER (5 * PB_SECOND)
#define LOOKS_MAX 3 /* reads that fail before nobody knows */
#define WAITS_BLIND_MAX 5 /* reads in a row that fail by their own fault, not the network's */

static const struct pb_step *
read_of(const struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	return in->run.steps[i].state == STEP_LOOKING ? def->check->read : def->wait->read;
}

static bool
is_looking(const struct step_run *s)
{
	return s->state == STEP_LOOKING || s->state == STEP_AWAITING;
}

static char *
look_id(const struct incident *in, size_t i)
{
	PB_CLEANUP(pb_freep) char *number = step_number(in, in->run.steps[i].look.n);
	return pb_asprintf("%s/%s/c%s", in->id, read_of(in, i)->name, number);
}

void
look_end(struct turn *t, struct incident *in, size_t i)
{
	struct look *l = &in->run.steps[i].look;
	if (l->asked == NULL)
		return;
	pb_update_cancel(t->u, l->asked);
	pb_update_drop(t->u, PB_REC_ACTION, l->asked);
	free(l->asked);
	l->asked = NULL;
}

int64_t
look_next_at(const struct incident *in, size_t i)
{
	const struct step_run *s = &in->run.steps[i];
	return is_looking(s) ? s->look.at : PB_NEVER;
}

/* --- has it taken effect? */

static bool
is_too_old(const struct turn *t, const struct incident *in, size_t i)
{
	int64_t within = run_step_def(in, i)->check->within_for;
	return within > 0 && t->now - in->run.steps[i].attempt_at > within;
}

void
look_begin(struct turn *t, struct incident *in, size_t i, bool by_restart)
{
	struct step_run *s = &in->run.steps[i];
	const char *name = run_step_def(in, i)->name;
	s->look.failed = 0;
	s->look.at = t->now + SETTLE_FOR;
	s->look.by_restart = by_restart;
	incident_note(t, in, name, "check", "looks whether attempt %lld has taken effect",
	    (long long)s->attempts);
	step_enter(t, in, i, STEP_LOOKING, t->now + PB_LOOK_MOST);
}

/* `why` comes behind what made it look. */
static void
blind(struct turn *t, struct incident *in, size_t i, const char *why)
{
	struct step_run *s = &in->run.steps[i];
	PB_CLEANUP(pb_freep)
	char *message = pb_asprintf("%s%s%s", s->message == NULL ? "" : s->message,
	    s->message == NULL || s->message[0] == '\0' ? "" : "; ", why);
	PB_CLEANUP(pb_freep)
	char *error = pb_strdup(s->error == NULL ? "States.TaskFailed" : s->error);
	step_set_error(s, error, NULL, message);
	step_input(t, in, i, STEP_BLIND, NULL);
}

static void
judge_check(struct turn *t, struct incident *in, size_t i, const json_t *output)
{
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	bool is_done = pb_pattern_match(def->check->done, output);
	if (!is_done && is_too_old(t, in, i)) {
		blind(t, in, i,
		    "the check shows nothing of it, and it was started too long ago for that to "
		    "tell anything");
		return;
	}
	if (is_done) {
		json_decref(s->output);
		s->output = json_incref((json_t *)(uintptr_t)output);
	}
	incident_note(t, in, def->name, "check",
	    is_done ? "attempt %lld has taken effect" : "attempt %lld has not taken effect",
	    (long long)s->attempts);
	step_input(t, in, i, is_done ? STEP_DONE : STEP_UNDONE, NULL);
}

/* --- is it over? */

void
look_await(struct turn *t, struct incident *in, size_t i, int64_t until)
{
	struct step_run *s = &in->run.steps[i];
	char limit[PB_TIME_TEXT];
	s->look.failed = 0;
	s->look.at = t->now + run_step_def(in, i)->wait->every_for;
	free(s->look.seen);
	s->look.seen = NULL;
	incident_note(t, in, run_step_def(in, i)->name, "wait",
	    "it is started; waits at most %s until it is over",
	    pb_duration_text(limit, until - t->now));
	step_enter(t, in, i, STEP_AWAITING, until);
}

/* Adds the texts at `path`; "List[].State" goes through all elements. */
static void
collect(const json_t *at, const char *path, json_t *texts)
{
	const char *list = strstr(path, "[]");
	struct pb_str front = {path, list == NULL ? strlen(path) : (size_t)(list - path)};
	const json_t *v = pb_json_path(at, front), *item;
	size_t k;
	if (list == NULL) {
		if (json_is_string(v) && json_string_length(v) > 0)
			json_array_append(texts, (json_t *)(uintptr_t)v);
		return;
	}
	json_array_foreach (v, k, item)
		collect(item, list + (list[2] == '.' ? 3 : 2), texts);
}

static bool
is_one_of(const char *text, char *const *words, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (strcmp(text, words[k]) == 0)
			return true;
	return false;
}

static void
set_seen(struct turn *t, struct incident *in, size_t i, const char *state)
{
	struct look *l = &in->run.steps[i].look;
	char safe[128];
	if (pb_streq(l->seen, state))
		return;
	free(l->seen);
	l->seen = pb_strdup(pb_safe(safe, sizeof(safe), pb_str_of(state)));
	incident_note(t, in, run_step_def(in, i)->name, "wait", "it is %s", l->seen);
}

static void
ended_badly(struct turn *t, struct incident *in, size_t i, const char *state, const json_t *output)
{
	const struct pb_wait *w = run_step_def(in, i)->wait;
	struct step_run *s = &in->run.steps[i];
	PB_JSON json_t *reasons = json_array();
	if (w->reason != NULL)
		collect(output, w->reason, reasons);
	const char *reason = json_string_value(json_array_get(reasons, 0));
	PB_CLEANUP(pb_freep)
	char *message = pb_asprintf("what it started ended as %s%s%s", state,
	    reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
	step_set_error(s, "States.TaskFailed", NULL, message);
	s->token_n++; /* a further attempt starts another one */
	step_input(t, in, i, STEP_UNDONE, NULL);
}

/* What it was started with stays; the last answer stands below `done`. */
static void
keep_done(struct step_run *s, const json_t *output)
{
	json_t *all = json_is_object(s->output) ? json_copy(s->output) : json_object();
	json_object_set(all, "done", (json_t *)(uintptr_t)output);
	json_decref(s->output);
	s->output = all;
}

static void
judge_wait(struct turn *t, struct incident *in, size_t i, const json_t *output)
{
	const struct pb_wait *w = run_step_def(in, i)->wait;
	struct step_run *s = &in->run.steps[i];
	PB_JSON json_t *states = json_array();
	size_t k, n_good = 0;
	const json_t *state;
	collect(output, w->state, states);
	const char *shown = json_string_value(json_array_get(states, 0));
	json_array_foreach (states, k, state) {
		const char *text = json_string_value(state);
		if (is_one_of(text, w->failed, w->n_failed)) {
			keep_done(s, output);
			ended_badly(t, in, i, text, output);
			return;
		}
		if (is_one_of(text, w->succeeded, w->n_succeeded))
			n_good++;
		else
			shown = text;
	}
	s->look.failed = 0;
	if (shown != NULL)
		set_seen(t, in, i, shown);
	if (n_good > 0 && n_good == json_array_size(states)) {
		keep_done(s, output);
		step_input(t, in, i, STEP_DONE, NULL);
		return;
	}
	s->look.at = t->now + w->every_for;
	step_put(t, in, i);
}

/* --- reads */

static void
blind_for(struct turn *t, struct incident *in, size_t i, const char *why)
{
	bool is_check = in->run.steps[i].state == STEP_LOOKING;
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "cannot look whether it %s: %s", is_check ? "has taken effect" : "is over", why);
	blind(t, in, i, text);
}

static void
not_seen(struct turn *t, struct incident *in, size_t i, const char *why, bool is_passing)
{
	struct step_run *s = &in->run.steps[i];
	bool is_check = s->state == STEP_LOOKING;
	char safe[512];
	(void)pb_safe(safe, sizeof(safe), pb_str_of(why));
	s->look.failed += is_check || !is_passing;
	if (s->look.failed < (is_check ? LOOKS_MAX : WAITS_BLIND_MAX)) {
		incident_note(t, in, run_step_def(in, i)->name, is_check ? "check" : "wait",
		    "cannot look: %s; looks again", safe);
		s->look.at =
		    t->now + (is_check ? AGAIN_AFTER : run_step_def(in, i)->wait->every_for);
		step_put(t, in, i);
		return;
	}
	blind_for(t, in, i, safe);
}

/* The context with what the call was made with, and what it was answered. */
static json_t *
spec_of(struct turn *t, const struct incident *in, size_t i, struct pb_error *err)
{
	const struct pb_step *def = run_step_def(in, i);
	const struct step_run *s = &in->run.steps[i];
	PB_JSON json_t *context = context_build(t->e, in, t->now), *inputs = NULL;
	if (def->inputs != NULL) {
		if (pb_template_expand_json(def->inputs, context, &inputs, err) < 0)
			return NULL;
		json_object_set(context, "inputs", inputs);
	}
	if (s->output != NULL)
		json_object_set(context, "output", s->output);
	return request_spec(in, i, read_of(in, i), context, err);
}

static void
ask(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *read = read_of(in, i);
	struct step_run *s = &in->run.steps[i];
	struct pb_error err = {0};
	if (t->e->is_degraded) {
		blind_for(t, in, i, t->e->degraded_why);
		return;
	}
	if (t->e->is_draining) {
		s->look.at = t->now + AGAIN_AFTER;
		step_put(t, in, i);
		return;
	}
	PB_JSON json_t *spec = spec_of(t, in, i, &err);
	if (spec == NULL) {
		not_seen(t, in, i, err.text, false);
		return;
	}
	s->look.n++;
	s->look.asked = look_id(in, i);
	s->look.at = t->now + read->timeout_for + PB_OUTCOME_GRACE;
	step_put(t, in, i);
	pb_update_put(t->u, PB_REC_ACTION, s->look.asked, in->id, "started",
	    json_pack("{s:s, s:O, s:I}", "step", read->name, "spec", spec, "limit_for",
		(json_int_t)read->timeout_for));
	pb_update_start(t->u, s->look.asked, in->id, false, read->timeout_for, spec);
}

void
look_due(struct turn *t, struct incident *in)
{
	size_t i = in->run.step;
	struct step_run *s = run_current(in);
	if (s == NULL || !is_looking(s) || s->look.at > t->now)
		return;
	if (s->look.asked == NULL) {
		ask(t, in, i);
		return;
	}
	look_end(t, in, i);
	not_seen(t, in, i, "no answer came", true);
}

bool
look_outcome(struct turn *t, struct incident *in, const struct pb_outcome *o)
{
	size_t i = in->run.step;
	struct step_run *s = run_current(in);
	if (s == NULL || !is_looking(s) || !pb_streq(s->look.asked, o->action_id))
		return false;
	pb_update_drop(t->u, PB_REC_ACTION, s->look.asked);
	free(s->look.asked);
	s->look.asked = NULL;
	PB_JSON json_t *none = json_object();
	const json_t *output = o->output == NULL ? none : o->output;
	if (o->status == PB_OUTCOME_OK && s->state == STEP_LOOKING) {
		judge_check(t, in, i, output);
	} else if (o->status == PB_OUTCOME_OK) {
		judge_wait(t, in, i, output);
	} else {
		PB_CLEANUP(pb_freep)
		char *why = pb_asprintf("%s%s%s",
		    o->error == NULL || o->error[0] == '\0' ? "failed" : o->error,
		    o->message == NULL || o->message[0] == '\0' ? "" : ": ",
		    o->message == NULL ? "" : o->message);
		bool is_passing = o->status == PB_OUTCOME_TIMEOUT ||
		    (o->error_class != NULL && o->error_class[0] != '\0');
		not_seen(t, in, i, why, is_passing);
	}
	return true;
}

/*
 * After a restart: the read under way is asked again, once more also where the time for it went by while
 * nobody could look.
 */
void
look_interrupted(struct turn *t, struct incident *in, size_t i)
{
	struct step_run *s = &in->run.steps[i];
	look_end(t, in, i);
	if (s->state == STEP_LOOKING)
		s->next_at = t->now + PB_LOOK_MOST;
	else if (s->next_at <= t->now)
		s->next_at = t->now + read_of(in, i)->timeout_for + PB_OUTCOME_GRACE;
	s->look.at = t->now;
	step_put(t, in, i);
	look_due(t, in);
}

json_t *
look_json(const struct look *l)
{
	json_t *j = json_object();
	pb_json_set_i64(j, "at", l->at);
	pb_json_set_i64(j, "n", l->n);
	pb_json_set_i64(j, "failed", l->failed);
	pb_json_set_i64(j, "again", l->again);
	json_object_set_new(j, "by_restart", json_boolean(l->by_restart));
	pb_json_set_str(j, "asked", l->asked);
	pb_json_set_str(j, "seen", l->seen);
	return j;
}

void
look_restore(struct look *l, const json_t *j)
{
	*l = (struct look){
	    .at = pb_json_i64(j, "at", 0),
	    .n = pb_json_i64(j, "n", 0),
	    .failed = pb_json_i64(j, "failed", 0),
	    .again = pb_json_i64(j, "again", 0),
	    .by_restart = pb_json_bool(j, "by_restart", false),
	    .asked = pb_strdup(pb_json_str(j, "asked")),
	    .seen = pb_strdup(pb_json_str(j, "seen")),
	};
}

void
look_fini(struct look *l)
{
	free(l->asked);
	free(l->seen);
}
