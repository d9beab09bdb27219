/*
 * The context: what templates pick from and what a child gets on its standard input.
 */
#include "internal.h"

#include "base/json.h"
#include "playbook/template.h"

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
incident_context(const struct pb_engine *e, const struct incident *in)
{
	char opened[PB_TIME_TEXT];
	const struct pb_playbook *p = incident_playbook(in);
	json_t *j = json_object();
	pb_json_set_str(j, "id", in->id);
	pb_json_set_str(j, "key", in->key);
	pb_json_set_str(j, "playbook", p == NULL ? "" : p->name);
	pb_json_set_str(j, "severity", incident_severity(in));
	pb_json_set_str(j, "opened_at", pb_time_rfc3339(opened, wall_of(e, in->opened_at)));
	pb_json_set_i64(j, "count", in->count);
	pb_json_set_i64(j, "reopened", in->n_reopened);
	return j;
}

/* What is known before any step. */
static json_t *
base_context(const struct pb_engine *e, const struct incident *in)
{
	json_t *c = json_object();
	json_object_set(c, "event", pb_event_json(in->event));
	if (in->event->kind == PB_EVENT_ALARM)
		json_object_set(c, "alarm", pb_event_alarm(in->event));
	json_object_set_new(c, "incident", incident_context(e, in));
	json_t *host = json_object();
	pb_json_set_str(host, "name", e->host);
	json_object_set_new(c, "host", host);
	return c;
}

static bool
is_empty(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	    (json_is_array(v) && json_array_size(v) == 0) ||
	    (json_is_object(v) && json_object_size(v) == 0);
}

static int
expand_params(const struct incident *in, const json_t *base, json_t *ret, struct pb_error *err)
{
	const struct pb_playbook *p = incident_playbook(in);
	const char *name;
	json_t *text;
	if (p == NULL || p->params == NULL)
		return 0;
	json_object_foreach (p->params, name, text) {
		PB_JSON json_t *value = NULL;
		int rc = pb_template_expand_json(text, base, &value, err);
		if (rc == 0 && is_empty(value))
			rc = pb_fail(err, PB_NOT_FOUND, "it is empty");
		if (rc < 0)
			return pb_wrap(err, "param %s", name);
		json_object_set(ret, name, value);
	}
	return 0;
}

int
context_params(const struct pb_engine *e, const struct incident *in, struct pb_error *err)
{
	PB_JSON json_t *base = base_context(e, in), *params = json_object();
	return expand_params(in, base, params, err);
}

char *
context_pick(const struct pb_engine *e, const struct incident *in, const char *path)
{
	struct pb_error err;
	char *value;
	PB_JSON json_t *base = base_context(e, in);
	PB_CLEANUP(pb_freep) char *text = pb_asprintf("${%s|default:\"\"}", path);
	if (pb_template_expand_text(text, base, &value, &err) < 0)
		return pb_strdup("");
	return value;
}

json_t *
context_build(const struct pb_engine *e, const struct incident *in, int64_t now)
{
	char text[PB_TIME_TEXT];
	struct pb_error err;
	json_t *c = base_context(e, in), *params = json_object();
	/* No run begins with one missing; what is asked before that gets those that are there. */
	(void)expand_params(in, c, params, &err);
	json_object_set_new(c, "params", params);

	json_t *steps = json_object();
	for (size_t i = 0; i < in->run.n_forward; i++)
		if (in->run.steps[i].state != STEP_IDLE)
			json_object_set_new(
			    steps, run_step_def(in, i)->name, step_json(&in->run.steps[i]));
	json_object_set_new(c, "steps", steps);

	pb_json_set_str(c, "now", pb_time_rfc3339(text, wall_of(e, now)));
	return c;
}
