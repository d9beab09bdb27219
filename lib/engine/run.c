/*
 * The run: a playbook's steps, one after the other.
 *
 *	NONE -> ACTIVE        [start]
 *	ACTIVE -> ACTIVE      [advance, pass_over, step_failed: continue, goto, catch]
 *	ACTIVE -> PASSED      [advance, pass_over: behind the last step]
 *	ACTIVE -> FAILED      [step_failed: stop, catch to escalate, a question for a human]
 *	ACTIVE -> UNDOING     [roll_back]
 *	UNDOING -> UNDOING    [undo_next]
 *	UNDOING -> FAILED     [undo_next: all is undone, undo_failed]
 *	ACTIVE -> CANCELLED   [cancel: the incident was resolved]
 *	UNDOING -> CANCELLED  [cancel_undo]
 *
 * An alarm's playbook without a `verify` step gets one behind its steps: wait for the alarm's own
 *OK, at most verify_timeout.  Jumps go forward only, so a run ends.
 */
#include "internal.h"

#include "base/json.h"

static const char *const state_names[] = {
    [RUN_NONE] = "none",
    [RUN_ACTIVE] = "active",
    [RUN_UNDOING] = "undoing",
    [RUN_PASSED] = "passed",
    [RUN_FAILED] = "failed",
    [RUN_CANCELLED] = "cancelled",
};
_Static_assert(PB_ARRAY_LEN(state_names) == RUN_STATE_MAX, "a name for each state");

/* The implicit verification; its texts are borrowed and never freed through the step. */
static char implicit_name[] = "verify";
static char implicit_alarm[] = "${alarm.arn}";

const char *
run_state_name(enum run_state s)
{
	return state_names[s];
}

static bool
has_verify(const struct pb_playbook *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PB_STEP_VERIFY)
			return true;
	return false;
}

void
run_init(struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	struct run *r = &in->run;
	if (p == NULL || p->n_steps == 0)
		return;
	r->n_steps = p->n_steps;
	if (in->event->kind == PB_EVENT_ALARM && !has_verify(p)) {
		r->implicit_condition =
		    (struct pb_condition){.alarm = implicit_alarm, .state = PB_ALARM_OK};
		r->implicit = (struct pb_step){
		    .name = implicit_name,
		    .next = PB_NONE,
		    .kind = PB_STEP_VERIFY,
		    .conditions = &r->implicit_condition,
		    .n_conditions = 1,
		    .timeout_for = p->verify_timeout_for,
		    .effect = PB_EFFECT_READ,
		};
		r->n_steps++;
	}
	r->n_forward = r->n_steps;
	r->undo_of = pb_calloc(p->n_steps, sizeof(*r->undo_of));
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].rollback != NULL)
			r->undo_of[r->n_steps++ - r->n_forward] = i;
	r->steps = pb_calloc(r->n_steps, sizeof(*r->steps));
	for (size_t i = 0; i < r->n_steps; i++) {
		r->steps[i].next_at = PB_NEVER;
		r->steps[i].n_retries = run_step_def(in, i)->retry.n;
		r->steps[i].n_probes = run_step_def(in, i)->n_conditions;
		r->steps[i].probes = pb_calloc(r->steps[i].n_probes + 1, sizeof(struct probe));
		r->steps[i].retries = pb_calloc(r->steps[i].n_retries + 1, sizeof(int64_t));
	}
}

void
run_fini(struct run *r)
{
	for (size_t i = 0; i < r->n_steps; i++)
		step_run_fini(&r->steps[i]);
	free(r->steps);
	free(r->undo_of);
	free(r->failure);
}

const struct pb_step *
run_step_def(const struct incident *in, size_t i)
{
	const struct pb_playbook *p = incident_playbook(in);
	pb_check(p != NULL && i < in->run.n_steps);
	if (i >= in->run.n_forward)
		return p->steps[in->run.undo_of[i - in->run.n_forward]].rollback;
	return i < p->n_steps ? &p->steps[i] : &in->run.implicit;
}

bool
run_is_live(const struct run *r)
{
	return r->state == RUN_ACTIVE || r->state == RUN_UNDOING;
}

bool
run_must_page(const struct incident *in)
{
	const struct step_run *s = &in->run.steps[in->run.step];
	return s->must_ask || (in->run.step >= in->run.n_forward && s->state == STEP_FAILED);
}

struct step_run *
run_current(struct incident *in)
{
	return run_is_live(&in->run) ? &in->run.steps[in->run.step] : NULL;
}

void
run_put(struct turn *t, const struct incident *in)
{
	const struct run *r = &in->run;
	json_t *j = json_object();
	pb_json_set_i64(j, "step", (int64_t)r->step);
	pb_json_set_i64(j, "n_steps", (int64_t)r->n_forward);
	pb_json_set_i64(j, "started_at", r->started_at);
	pb_json_set_i64(j, "ended_at", r->ended_at);
	pb_json_set_str(j, "failure", r->failure);
	pb_update_put(t->u, PB_REC_RUN, in->id, in->id, state_names[r->state], j);
}

static void
enter(struct turn *t, struct incident *in, enum run_state state)
{
	in->run.state = state;
	in->run.state_at = t->now;
	if (!run_is_live(&in->run))
		in->run.ended_at = t->now;
	incident_place(t->e, in);
	run_put(t, in);
	if (!run_is_live(&in->run))
		guard_run_ended(t, in);
}

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
start(struct turn *t, struct incident *in)
{
	in->run.started_at = t->now;
	in->run.step = 0;
	incident_note(t, in, "", "run", "begins: %zu step%s", in->run.n_forward,
	    in->run.n_forward == 1 ? "" : "s");
	enter(t, in, RUN_ACTIVE);
	step_input(t, in, 0, STEP_ENTER, NULL);
}

static bool
did_nothing(const struct run *r)
{
	for (size_t i = 0; i < r->n_forward; i++)
		if (r->steps[i].state != STEP_SKIPPED && r->steps[i].state != STEP_IDLE)
			return false;
	return true;
}

static void
end_failed(struct turn *t, struct incident *in)
{
	incident_note(t, in, "", "run", "failed: %s", in->run.failure);
	enter(t, in, RUN_FAILED);
	incident_input(t, in, INCIDENT_RUN_FAILED);
}

static void
go_to(struct turn *t, struct incident *in, size_t step)
{
	pb_check(step > in->run.step);
	if (step < in->run.n_forward) {
		in->run.step = step;
		enter(t, in, RUN_ACTIVE);
		step_input(t, in, step, STEP_ENTER, NULL);
		return;
	}
	/* Nobody would hear of an event for which the playbook had nothing to do. */
	if (did_nothing(&in->run)) {
		free(in->run.failure);
		in->run.failure = pb_strdup("every step was skipped, so nothing was done");
		end_failed(t, in);
		return;
	}
	char took[PB_TIME_TEXT];
	incident_note(t, in, "", "run", "passed after %s",
	    pb_duration_text(took, t->now - in->run.started_at));
	enter(t, in, RUN_PASSED);
	incident_input(t, in, INCIDENT_RUN_PASSED);
}

/* As after a success: where `next` says, else to the step behind. */
static void
advance(struct turn *t, struct incident *in)
{
	const struct pb_step *def = run_step_def(in, in->run.step);
	go_to(t, in, def->next == PB_NONE ? in->run.step + 1 : def->next);
}

static void
pass_over(struct turn *t, struct incident *in)
{
	go_to(t, in, in->run.step + 1);
}

static void
set_failure(struct incident *in)
{
	const struct step_run *s = &in->run.steps[in->run.step];
	const char *name = run_step_def(in, in->run.step)->name;
	const char *error = s->error == NULL ? "?" : s->error;
	const char *message = s->message == NULL ? "" : s->message;
	const char *colon = message[0] == '\0' ? "" : ": ";
	free(in->run.failure);
	if (s->is_halted)
		in->run.failure = pb_strdup(s->message);
	else if (s->must_ask)
		in->run.failure = pb_asprintf("nobody knows whether step %s took effect: %s", name,
		    message[0] != '\0'     ? message
			: s->error != NULL ? error
					   : "it was interrupted");
	else if (s->attempts == 0)
		in->run.failure =
		    pb_asprintf("step %s failed: %s%s%s", name, error, colon, message);
	else
		in->run.failure = pb_asprintf("step %s failed after %lld attempt%s: %s%s%s", name,
		    (long long)s->attempts, s->attempts == 1 ? "" : "s", error, colon, message);
}

static void
fail(struct turn *t, struct incident *in)
{
	set_failure(in);
	end_failed(t, in);
}

/* Step Functions: States.ALL fits all, States.TaskFailed all but a time-out; ours: the two classes.
 */
bool
step_error_fits(const struct step_run *s, char *const *errors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (pb_streq(errors[i], "States.ALL") || pb_streq(errors[i], s->error))
			return true;
		if (s->error_class != NULL && s->error_class[0] != '\0' &&
		    pb_streq(errors[i], s->error_class))
			return true;
		if (pb_streq(errors[i], "States.TaskFailed") &&
		    !pb_streq(s->error, "States.Timeout"))
			return true;
	}
	return false;
}

/* --- rollback: the undos of what succeeded, in reverse order */

/* The last step that succeeded, has an undo, and is not undone; PB_NONE when none is left. */
static size_t
next_undo(const struct run *r)
{
	for (size_t i = r->n_steps; i-- > r->n_forward;)
		if (r->steps[i].state == STEP_IDLE &&
		    r->steps[r->undo_of[i - r->n_forward]].state == STEP_SUCCEEDED)
			return i;
	return PB_NONE;
}

/* "; undone: b, a; not undone: c" */
static void
add_undone(const struct incident *in, struct pb_buf *b)
{
	const struct run *r = &in->run;
	static const char *const words[] = {"; undone: ", "; not undone: "};
	for (size_t k = 0; k < PB_ARRAY_LEN(words); k++) {
		const char *before = words[k];
		for (size_t i = r->n_steps; i-- > r->n_forward;) {
			size_t of = r->undo_of[i - r->n_forward];
			bool is_undone = r->steps[i].state == STEP_SUCCEEDED;
			if (r->steps[of].state != STEP_SUCCEEDED || is_undone != (k == 0))
				continue;
			pb_buf_addf(b, "%s%s", before, run_step_def(in, of)->name);
			before = ", ";
		}
	}
}

/* The failure gets what became of the rollback behind it. */
static void
end_undo(struct turn *t, struct incident *in, const char *trouble)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_adds(&b, in->run.failure == NULL ? "" : in->run.failure);
	pb_buf_adds(&b, trouble);
	add_undone(in, &b);
	free(in->run.failure);
	in->run.failure = pb_buf_take(&b);
	end_failed(t, in);
}

static void
undo_next(struct turn *t, struct incident *in)
{
	size_t i = next_undo(&in->run);
	if (i == PB_NONE) {
		end_undo(t, in, "");
		return;
	}
	in->run.step = i;
	enter(t, in, RUN_UNDOING);
	step_input(t, in, i, STEP_ENTER, NULL);
}

static void
roll_back(struct turn *t, struct incident *in)
{
	set_failure(in);
	if (next_undo(&in->run) == PB_NONE) {
		end_undo(t, in, "; there was nothing to undo");
		return;
	}
	incident_note(t, in, "", "rollback", "begins, since %s", in->run.failure);
	undo_next(t, in);
}

/* What stands before it may need it undone first: no further undo is tried. */
static void
undo_failed(struct turn *t, struct incident *in)
{
	const struct step_run *s = &in->run.steps[in->run.step];
	const char *name =
	    run_step_def(in, in->run.undo_of[in->run.step - in->run.n_forward])->name;
	PB_CLEANUP(pb_freep)
	char *trouble = pb_asprintf("; %s of step %s%s: %s",
	    s->must_ask ? "nobody knows whether the rollback" : "the rollback", name,
	    s->must_ask ? " took effect" : " failed", s->error == NULL ? "?" : s->error);
	PB_CLEANUP(pb_freep)
	char *text = s->message == NULL || s->message[0] == '\0'
	    ? pb_strdup(trouble)
	    : pb_asprintf("%s: %s", trouble, s->message);
	end_undo(t, in, text);
}

static void
step_failed(struct turn *t, struct incident *in)
{
	const struct pb_step *def = run_step_def(in, in->run.step);
	const struct step_run *s = &in->run.steps[in->run.step];
	if (s->must_ask || s->is_halted) {
		fail(t, in);
		return;
	}
	for (size_t i = 0; i < def->n_catchers; i++) {
		const struct pb_catcher *c = &def->catchers[i];
		if (!step_error_fits(s, c->errors, c->n_errors))
			continue;
		if (c->next == PB_NEXT_ESCALATE) {
			incident_note(t, in, def->name, "catch", "%s: escalate", s->error);
			fail(t, in);
		} else {
			incident_note(t, in, def->name, "catch", "%s: go on with step %s", s->error,
			    run_step_def(in, c->next)->name);
			go_to(t, in, c->next);
		}
		return;
	}
	switch (def->on_failure) {
	case PB_FAILURE_STOP:
		fail(t, in);
		return;
	case PB_FAILURE_CONTINUE:
		incident_note(t, in, def->name, "step", "failed, and on_failure says continue");
		advance(t, in);
		return;
	case PB_FAILURE_GOTO:
		incident_note(t, in, def->name, "step", "failed, and on_failure says %s",
		    run_step_def(in, def->on_failure_next)->name);
		go_to(t, in, def->on_failure_next);
		return;
	case PB_FAILURE_ROLLBACK:
		roll_back(t, in);
		return;
	}
}

static void
cancel(struct turn *t, struct incident *in)
{
	step_input(t, in, in->run.step, STEP_CANCEL, NULL);
	incident_note(t, in, "", "run", "cancelled");
	enter(t, in, RUN_CANCELLED);
}

static void
cancel_undo(struct turn *t, struct incident *in)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	step_input(t, in, in->run.step, STEP_CANCEL, NULL);
	add_undone(in, &b);
	incident_note(t, in, "", "rollback", "cancelled%s", pb_buf_str(&b).ptr);
	enter(t, in, RUN_CANCELLED);
}

typedef void handler(struct turn *t, struct incident *in);

static handler *const table[RUN_STATE_MAX][RUN_INPUT_MAX] = {
    [RUN_NONE] = {[RUN_START] = start,
	[RUN_STEP_OK] = never,
	[RUN_STEP_SKIPPED] = never,
	[RUN_STEP_FAILED] = never,
	[RUN_CANCEL] = stay},
    [RUN_ACTIVE] = {[RUN_START] = never,
	[RUN_STEP_OK] = advance,
	[RUN_STEP_SKIPPED] = pass_over,
	[RUN_STEP_FAILED] = step_failed,
	[RUN_CANCEL] = cancel},
    [RUN_UNDOING] = {[RUN_START] = never,
	[RUN_STEP_OK] = undo_next,
	[RUN_STEP_SKIPPED] = never,
	[RUN_STEP_FAILED] = undo_failed,
	[RUN_CANCEL] = cancel_undo},
    [RUN_PASSED] = {[RUN_START] = never,
	[RUN_STEP_OK] = never,
	[RUN_STEP_SKIPPED] = never,
	[RUN_STEP_FAILED] = never,
	[RUN_CANCEL] = stay},
    [RUN_FAILED] = {[RUN_START] = never,
	[RUN_STEP_OK] = never,
	[RUN_STEP_SKIPPED] = never,
	[RUN_STEP_FAILED] = never,
	[RUN_CANCEL] = stay},
    [RUN_CANCELLED] = {[RUN_START] = never,
	[RUN_STEP_OK] = never,
	[RUN_STEP_SKIPPED] = never,
	[RUN_STEP_FAILED] = never,
	[RUN_CANCEL] = stay},
};

bool
run_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

void
run_input(struct turn *t, struct incident *in, enum run_input input)
{
	cells_count(t, PB_MACHINE_RUN, in->run.state, input);
	table[in->run.state][input](t, in);
}
