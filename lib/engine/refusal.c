/*
 * What somebody asked of an incident and did not get: they are answered, and the incident's own story
 * tells of it.  A program that asks the same again and again is noted once a minute.
 */
#include "internal.h"

#include "base/json.h"

#define NOTE_EVERY PB_MINUTE

static const char *const command_names[PB_IN_MAX] = {
    [PB_IN_ACK] = "ack",
    [PB_IN_SNOOZE] = "snooze",
    [PB_IN_ESCALATE] = "escalate",
    [PB_IN_APPROVE] = "approve",
    [PB_IN_REFUSE] = "reject",
    [PB_IN_RESOLVE] = "resolve",
};

void
refusal(struct turn *t, struct incident *in, const struct pb_input *input, const char *message)
{
	char by[128];
	pb_check(command_names[input->kind] != NULL);
	PB_CLEANUP(pb_freep) char *text = pb_asprintf("%s: %s", in->id, message);
	if (in->refused != input->kind || t->now - in->refused_at >= NOTE_EVERY) {
		in->refused = input->kind;
		in->refused_at = t->now;
		incident_note(t, in, input->step == NULL ? "" : input->step, "refused",
		    "%s by %s: %s", command_names[input->kind],
		    pb_safe(by, sizeof(by), pb_str_of(input->by == NULL ? "?" : input->by)),
		    message);
	}
	pb_update_reply(t->u, input->token, 409, json_pack("{s:s}", "error", text));
}

/* Of those that are remembered the one of this id; by an end of it, the one resolved last. */
static struct incident *
find_resolved(const struct pb_engine *e, const char *id)
{
	struct incident *found = pb_map_get(e->incidents, id);
	size_t i = 0, len = strlen(id);
	const char *key;
	void *value;
	if (found != NULL || len == 0)
		return found;
	while (pb_map_next(e->incidents, &i, &key, &value)) {
		struct incident *in = value;
		size_t n = strlen(key);
		if (in->state == INCIDENT_RESOLVED && n > len && key[n - len - 1] == '-' &&
		    strcmp(key + n - len, id) == 0 &&
		    (found == NULL || in->resolved_at > found->resolved_at))
			found = in;
	}
	return found;
}

/* "it was resolved at T: recovered", "...: by_hand by ana"; the caller's. */
static char *
ended(const struct pb_engine *e, int64_t at, const char *cause, const char *resolved_by)
{
	char time[PB_TIME_TEXT], by[128];
	return pb_asprintf("it was resolved at %s: %s%s%s",
	    pb_time_rfc3339(time, wall_of(e, at) / PB_SECOND * PB_SECOND), cause,
	    resolved_by == NULL ? "" : " by ",
	    resolved_by == NULL ? "" : pb_safe(by, sizeof(by), pb_str_of(resolved_by)));
}

/* The engine remembers nothing of it but that it said so. */
static void
refuse_past(struct turn *t, const struct pb_input *input)
{
	struct pb_engine *e = t->e;
	char by[128];
	const char *id = pb_json_str_or(input->past, "id", "?");
	PB_CLEANUP(pb_freep)
	char *message = ended(e, pb_json_i64(input->past, "resolved_at", 0),
	    pb_json_str_or(input->past, "cause", "?"), pb_json_str(input->past, "resolved_by"));
	PB_CLEANUP(pb_freep) char *text = pb_asprintf("%s: %s", id, message);
	if (!pb_streq(e->past_id, id) || t->now - e->past_at >= NOTE_EVERY) {
		free(e->past_id);
		e->past_id = pb_strdup(id);
		e->past_at = t->now;
		pb_update_note(t->u, id, pb_json_str_or(input->past, "playbook", ""), "", "refused",
		    "%s by %s: %s", command_names[input->kind],
		    pb_safe(by, sizeof(by), pb_str_of(input->by == NULL ? "?" : input->by)),
		    message);
	}
	pb_update_reply(t->u, input->token, 409, json_pack("{s:s}", "error", text));
}

bool
refusal_knows(const struct pb_engine *e, const char *id)
{
	return find_resolved(e, id) != NULL;
}

bool
refusal_of_resolved(struct turn *t, const struct pb_input *input, const char *id)
{
	struct incident *in = find_resolved(t->e, id);
	if (in == NULL && input->past != NULL) {
		refuse_past(t, input);
		return true;
	}
	if (in == NULL || in->state != INCIDENT_RESOLVED)
		return false;
	PB_CLEANUP(pb_freep)
	char *message = ended(t->e, in->resolved_at, in->cause, in->resolved_by);
	refusal(t, in, input, message);
	return true;
}
