/*
 * The kill switch: remediation stopped by a human, as a whole or for one playbook.
 *
 *	no control -> stopped [stop]		stopped -> no control [start]
 *
 * It is a record, so that a restart finds it, and belongs to the engine, so that a reload leaves it.  It
 * stops what acts and never what pages: a run that would start pages at once, an attempt that is
 * under way ends by itself and is the last, and looking (verify) goes on.  To be stopped as a whole and for
 * a playbook are two things: each is lifted by itself.
 */
#include "internal.h"

#include "base/json.h"

#define ALL "remediation"

void
control_free(void *arg)
{
	struct control *c = arg;
	if (c == NULL)
		return;
	free(c->by);
	free(c->reason);
	free(c);
}

static char *
key_of(const char *playbook)
{
	return playbook == NULL || playbook[0] == '\0' ? pb_strdup(ALL)
						       : pb_asprintf(ALL "/%s", playbook);
}

static char *
why_of(const struct pb_engine *e, const struct control *c, const char *playbook)
{
	char by[128], at[PB_TIME_TEXT], reason[512];
	return pb_asprintf("remediation%s%s is stopped by %s since %s%s%s",
	    playbook == NULL ? "" : " of playbook ", playbook == NULL ? "" : playbook,
	    pb_safe(by, sizeof(by), pb_str_of(c->by)), pb_time_rfc3339(at, wall_of(e, c->at)),
	    c->reason[0] == '\0' ? "" : ": ",
	    pb_safe(reason, sizeof(reason), pb_str_of(c->reason)));
}

char *
control_why(const struct pb_engine *e, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	const struct control *c = pb_map_get(e->controls, ALL);
	if (c != NULL)
		return why_of(e, c, NULL);
	PB_CLEANUP(pb_freep) char *key = key_of(p == NULL ? NULL : p->name);
	c = pb_map_get(e->controls, key);
	return c == NULL ? NULL : why_of(e, c, p == NULL ? NULL : p->name);
}

char *
control_why_begin(const struct pb_engine *e, const struct incident *in)
{
	char *why = control_why(e, in);
	return why != NULL ? why : maintenance_blocks(e, in);
}

void
control_restore(struct pb_engine *e, const struct pb_record *r)
{
	struct control *c = pb_calloc(1, sizeof(*c));
	c->by = pb_strdup(pb_json_str_or(r->body, "by", "?"));
	c->reason = pb_strdup(pb_json_str_or(r->body, "reason", ""));
	c->at = pb_json_i64(r->body, "at", r->at);
	control_free(pb_map_put(e->controls, r->key, c));
}

/* A retry that waits would only come to be refused: say so now. */
static void
end_what_waits(struct turn *t)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		struct incident *in = value;
		const struct step_run *s = run_current(in);
		PB_CLEANUP(pb_freep)
		char *why = in->state == INCIDENT_RESOLVED ? NULL : control_why(t->e, in);
		if (why != NULL && in->state == INCIDENT_QUEUED)
			incident_input(t, in, INCIDENT_TRY);
		else if (why != NULL && s != NULL && s->state == STEP_BACKOFF)
			step_input(t, in, in->run.step, STEP_DUE, NULL);
		else
			continue;
		incident_settle(t, in);
	}
}

static void
refuse(struct turn *t, const struct pb_input *input, int status, char *message)
{
	pb_update_reply(t->u, input->token, status, json_pack("{s:s}", "error", message));
	free(message);
}

static void
stop(struct turn *t, const struct pb_input *input, const char *key)
{
	char by[128], reason[512];
	struct control *c = pb_calloc(1, sizeof(*c));
	c->by = pb_strdup(input->by == NULL ? "?" : input->by);
	c->reason = pb_strdup(input->text == NULL ? "" : input->text);
	c->at = t->now;
	control_free(pb_map_put(t->e->controls, key, c));
	pb_update_put(t->u, PB_REC_CONTROL, key, "", "stopped",
	    json_pack(
		"{s:s, s:s, s:I}", "by", c->by, "reason", c->reason, "at", (json_int_t)c->at));
	pb_update_note(t->u, "", input->playbook == NULL ? "" : input->playbook, "", "control",
	    "remediation is stopped by %s: %s", pb_safe(by, sizeof(by), pb_str_of(c->by)),
	    pb_safe(reason, sizeof(reason), pb_str_of(c->reason)));
	end_what_waits(t);
}

static void
start(struct turn *t, const struct pb_input *input, const char *key)
{
	char by[128], reason[512];
	control_free(pb_map_del(t->e->controls, key));
	pb_update_drop(t->u, PB_REC_CONTROL, key);
	pb_update_note(t->u, "", input->playbook == NULL ? "" : input->playbook, "", "control",
	    "remediation is started again by %s%s%s", pb_safe(by, sizeof(by), pb_str_of(input->by)),
	    input->text == NULL || input->text[0] == '\0' ? "" : ": ",
	    pb_safe(reason, sizeof(reason), pb_str_of(input->text)));
}

/* The playbook that a control is for; NULL = all of them. */
static const char *
playbook_of(const char *key)
{
	return key[strlen(ALL)] == '/' ? key + strlen(ALL) + 1 : NULL;
}

/* Neither of the configuration in force nor of an incident that goes on by an earlier one. */
static bool
is_unknown(const struct pb_engine *e, const char *playbook)
{
	return pb_config_find_playbook(e->config, playbook) == PB_NONE &&
	    crowd_count(e->opens, playbook) == 0;
}

static bool
is_of_nobody(const struct pb_engine *e, const char *key)
{
	const char *name = playbook_of(key);
	return name != NULL && pb_config_find_playbook(e->config, name) == PB_NONE;
}

void
control_look(struct turn *t)
{
	size_t i = 0;
	const char *key;
	void *value;
	while (pb_map_next(t->e->controls, &i, &key, &value)) {
		PB_CLEANUP(pb_freep) char *why = why_of(t->e, value, playbook_of(key));
		if (is_of_nobody(t->e, key))
			pb_update_note(t->u, "", playbook_of(key), "", "control",
			    "%s; no playbook has this name now: what it stopped may run under "
			    "another",
			    why);
	}
}

json_t *
pb_engine_controls_json(const struct pb_engine *e)
{
	json_t *list = json_array();
	size_t i = 0;
	const char *key;
	void *value;
	while (pb_map_next(e->controls, &i, &key, &value)) {
		const struct control *c = value;
		json_t *j = json_object();
		const char *playbook = playbook_of(key);
		pb_json_set_str(j, "playbook", playbook == NULL ? "" : playbook);
		if (is_of_nobody(e, key))
			json_object_set_new(j, "is_of_nobody", json_true());
		pb_json_set_str(j, "by", c->by);
		pb_json_set_str(j, "reason", c->reason);
		pb_json_set_i64(j, "at", c->at);
		json_array_append_new(list, j);
	}
	return list;
}

void
control_input(struct turn *t, const struct pb_input *input)
{
	const char *name = input->playbook == NULL ? "" : input->playbook;
	char safe[128];
	(void)pb_safe(safe, sizeof(safe), pb_str_of(name));
	PB_CLEANUP(pb_freep) char *key = key_of(name);
	bool is_stopped = pb_map_get(t->e->controls, key) != NULL;
	if (input->is_stop && (input->text == NULL || input->text[0] == '\0')) {
		refuse(t, input, 400, pb_strdup("a reason is needed; others will read it"));
		return;
	}
	if (input->is_stop && name[0] != '\0' && is_unknown(t->e, name)) {
		refuse(t, input, 404, pb_asprintf("there is no playbook \"%s\"", safe));
		return;
	}
	if (!input->is_stop && !is_stopped) {
		refuse(t, input, 409,
		    name[0] == '\0'
			? pb_strdup("remediation as a whole is not stopped")
			: pb_asprintf(
			      "remediation of playbook \"%s\" is not stopped by itself", safe));
		return;
	}
	if (input->is_stop)
		stop(t, input, key);
	else
		start(t, input, key);
	if (input->token != 0)
		pb_update_reply(t->u, input->token, 200,
		    json_pack("{s:o}", "stopped", pb_engine_controls_json(t->e)));
}
