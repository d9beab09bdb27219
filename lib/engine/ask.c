/*
 * Questions to a human: may the plan be started (mode propose), may this step (mode approve)?
 *
 * A question pages at once and has a stored deadline; what became of the last one is kept in words, so that
 * whoever answers again, or too late, is told.
 */
#include "internal.h"

#include "base/json.h"

char *
ask_plan_text(const struct incident *in)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(512);
	for (size_t i = 0; i < in->run.n_forward; i++)
		pb_buf_addf(&b, "%s%s", i == 0 ? "" : ", ", run_step_def(in, i)->name);
	return pb_strdup(b.ptr == NULL ? "" : b.ptr);
}

void
ask_answered(struct incident *in, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	(void)pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(in->answer);
	in->answer = pb_buf_take(&b);
}

size_t
ask_step(const struct incident *in)
{
	if (run_is_live(&in->run) && in->run.steps[in->run.step].state == STEP_ASKING)
		return in->run.step;
	return PB_NONE;
}

bool
ask_is_open(const struct incident *in)
{
	return in->state == INCIDENT_PROPOSED || ask_step(in) != PB_NONE;
}

/* Why this answer fits no question; NULL when it does. */
static char *
why_not(const struct turn *t, const struct incident *in, const struct pb_input *input)
{
	char clock[PB_TIME_TEXT], safe[128];
	size_t step = ask_step(in);
	bool is_plan = in->state == INCIDENT_PROPOSED;
	const char *asked = input->step == NULL ? "" : input->step;
	if (!is_plan && step == PB_NONE)
		return pb_asprintf("it asks nothing%s%s", in->answer == NULL ? "" : "; ",
		    in->answer == NULL ? "" : in->answer);
	int64_t until = is_plan ? in->wait_until : in->run.steps[step].next_at;
	if (until < t->now)
		return pb_asprintf("too late, the question ended at %s",
		    pb_time_clock(clock, wall_of(t->e, until)));
	if (is_plan && asked[0] != '\0')
		return pb_strdup("it asks about its whole plan, not about a step");
	if (!is_plan && asked[0] != '\0' && !pb_streq(asked, run_step_def(in, step)->name))
		return pb_asprintf("it is step %s that asks, not %s", run_step_def(in, step)->name,
		    pb_safe(safe, sizeof(safe), pb_str_of(asked)));
	if (input->kind != PB_IN_APPROVE)
		return NULL;
	return is_plan ? control_why_begin(t->e, in) : control_why(t->e, in);
}

void
ask_command(struct turn *t, struct incident *in, const struct pb_input *input)
{
	bool is_yes = input->kind == PB_IN_APPROVE;
	char by[128], reason[512], clock[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep) char *no = why_not(t, in, input);
	if (no != NULL) {
		refusal(t, in, input, no);
		return;
	}
	size_t step = ask_step(in);
	const char *name = step == PB_NONE ? "" : run_step_def(in, step)->name;
	ask_answered(in, "%s%s was %s by %s at %s", step == PB_NONE ? "the plan" : "step ", name,
	    is_yes ? "approved" : "rejected",
	    pb_safe(by, sizeof(by), pb_str_of(input->by == NULL ? "?" : input->by)),
	    pb_time_clock(clock, wall_of(t->e, t->now)));
	incident_note(t, in, name, is_yes ? "approve" : "reject", "%s%s%s", in->answer,
	    input->text == NULL || input->text[0] == '\0' ? "" : ": ",
	    pb_safe(reason, sizeof(reason), pb_str_of(input->text)));
	incident_put(t, in);
	PB_CLEANUP(pb_freep) char *why = pb_asprintf("%s and is not over yet", in->answer);
	if (is_yes)
		ladder_why_is(t, in, why);
	incident_input(t, in, is_yes ? INCIDENT_APPROVE : INCIDENT_REJECT);
	pb_update_reply(t->u, input->token, 200,
	    json_pack("{s:s, s:s, s:s}", "incident", in->id, "state",
		incident_state_name(in->state), "answer", in->answer));
}
