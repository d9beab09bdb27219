/*
 * The context: what templates pick from and what a child gets on its standard input.
 */
#include "internal.h"

#include "base/json.h"

static json_t *
step_json(const struct step_run *s)
{
	json_t *j = json_object();
	pb_json_set_str(j, "status", step_state_name(s->state));
	pb_json_set_i64(j, "attempts", s->attempts);
	json_object_set(j, "output", s->output);
	if (s->error != NULL)
		pb_json_set_str(j, "error", s->error);
	return j;
}

static json_t *
incident_context(const struct incident *in)
{
	char opened[PB_TIME_TEXT];
	const struct pb_playbook *p = incident_playbook(in);
	json_t *j = json_object();
	pb_json_set_str(j, "id", in->id);
	pb_json_set_str(j, "key", in->key);
	pb_json_set_str(j, "playbook", p == NULL ? "" : p->name);
	pb_json_set_str(j, "severity", incident_severity(in));
	pb_json_set_str(j, "opened_at", pb_time_rfc3339(opened, in->opened_at));
	pb_json_set_i64(j, "count", in->count);
	return j;
}

json_t *
context_build(const struct pb_engine *e, const struct incident *in, int64_t now)
{
	char text[PB_TIME_TEXT];
	json_t *c = json_object();
	json_object_set(c, "event", in->event->json);
	if (in->event->alarm != NULL)
		json_object_set(c, "alarm", in->event->alarm);
	json_object_set_new(c, "incident", incident_context(in));
	json_object_set_new(c, "params", json_object());

	json_t *steps = json_object();
	for (size_t i = 0; i < in->run.n_forward; i++)
		if (in->run.steps[i].state != STEP_IDLE)
			json_object_set_new(
			    steps, run_step_def(in, i)->name, step_json(&in->run.steps[i]));
	json_object_set_new(c, "steps", steps);

	json_t *host = json_object();
	pb_json_set_str(host, "name", e->host);
	json_object_set_new(c, "host", host);
	pb_json_set_str(c, "now", pb_time_rfc3339(text, now));
	return c;
}
