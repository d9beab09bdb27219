/*
 * Notices to stakeholders: on a rhythm and in words of their own, apart from paging.
 *
 *	none -> running		[inform_begin] the incident opens: the first after `after`
 *	running -> running	[inform_due] then `every`
 *	running -> ended	[inform_due] there is one only; [inform_acked] until: acknowledged
 *	any -> none		[inform_close] it is resolved: whoever heard of it hears that it is over
 *
 * They say what the playbook's author wrote and since when, and nothing of what operators see.  No
 * acknowledgement, snooze or silence stops them.  A maintenance window that holds pages puts them off: who
 * planned the work has told the stakeholders.  After a downtime one is sent for all that were due.
 */
#include "internal.h"

#include "base/json.h"
#include "playbook/template.h"

#define BODY_MAX (8 * 1024)

static size_t
n_of(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return in->inform == NULL || p == NULL ? 0 : p->n_inform;
}

static void
put(struct turn *t, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	json_t *j = json_object(), *list = json_array();
	for (size_t i = 0; i < n_of(in); i++) {
		json_t *one = json_object();
		pb_json_set_str(one, "audience", p->inform[i].audience);
		pb_json_set_i64(one, "next_at", in->inform[i].next_at);
		pb_json_set_i64(one, "n", in->inform[i].n);
		json_array_append_new(list, one);
	}
	json_object_set_new(j, "audiences", list);
	pb_update_put(t->u, PB_REC_INFORM, in->id, in->id, "running", j);
}

static void
begin_at_least(struct turn *t, struct incident *in, int64_t least_at)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (p == NULL || p->n_inform == 0)
		return;
	free(in->inform);
	in->inform = pb_calloc(p->n_inform, sizeof(*in->inform));
	for (size_t i = 0; i < p->n_inform; i++) {
		int64_t at = incident_began_at(in) + p->inform[i].after_for;
		in->inform[i].next_at = at < least_at ? least_at : at;
	}
	put(t, in);
}

void
inform_begin(struct turn *t, struct incident *in)
{
	begin_at_least(t, in, 0);
}

void
inform_interrupted(struct turn *t, struct incident *in)
{
	if (in->state != INCIDENT_RESOLVED && in->inform == NULL)
		begin_at_least(t, in, t->now);
}

int
inform_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct incident *in = pb_map_get(e->incidents, r->key);
	const json_t *list = pb_json_get(r->body, "audiences");
	const struct pb_playbook *p = in == NULL ? NULL : incident_playbook(in);
	if (p == NULL || json_array_size(list) != p->n_inform || p->n_inform == 0)
		return pb_fail(err, PB_CORRUPT, "notices of %s: its plan has others", r->key);
	free(in->inform);
	in->inform = pb_calloc(p->n_inform, sizeof(*in->inform));
	for (size_t i = 0; i < p->n_inform; i++) {
		const json_t *one = json_array_get(list, i);
		in->inform[i].next_at = pb_json_i64(one, "next_at", PB_NEVER);
		in->inform[i].n = pb_json_i64(one, "n", 0);
	}
	return 0;
}

/* --- what they read */

/* The author's text; where a value is missing it is not made up. */
static char *
text_of(struct turn *t, const struct incident *in, const struct pb_inform *def)
{
	struct pb_error err = {0};
	char *text = NULL;
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	if (pb_template_expand_text(def->text, context, &text, &err) == 0 && text[0] != '\0')
		return text;
	free(text);
	incident_note(t, in, "", "inform",
	    "%s: its text cannot be filled in (%s), a general one is sent", def->audience,
	    err.text[0] == '\0' ? "it is empty" : err.text);
	return pb_strdup("There is a disturbance, it is being worked on.");
}

static char *
body_of(const struct turn *t, const struct incident *in, const char *text, bool is_over)
{
	char from[PB_TIME_TEXT], to[PB_TIME_TEXT], span[PB_TIME_TEXT];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(BODY_MAX);
	if (is_over)
		pb_buf_adds(&b, "This is over: ");
	pb_buf_add_safe(&b, pb_str_of(text), BODY_MAX / 2, true);
	(void)pb_time_rfc3339(from, wall_of(t->e, incident_began_at(in)) / PB_SECOND * PB_SECOND);
	(void)pb_time_rfc3339(to, wall_of(t->e, t->now) / PB_SECOND * PB_SECOND);
	int64_t lasts = (t->now - incident_began_at(in)) / PB_MINUTE * PB_MINUTE;
	if (lasts > 0)
		(void)pb_duration_text(span, lasts);
	else
		(void)snprintf(span, sizeof(span), "less than a minute");
	if (is_over)
		pb_buf_addf(&b, "\n\nFrom %s to %s (%s).\n", from, to, span);
	else
		pb_buf_addf(&b, "\n\nSince %s (%s).\n", from, span);
	return pb_buf_take(&b);
}

static void
send_one(struct turn *t, struct incident *in, const struct pb_inform *def,
    const struct pb_channel *ch, const char *text, bool is_over)
{
	char at[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep) char *id = NULL;
	id = pb_asprintf("%s/inform/%s%s/%s@%s", in->id, pb_time_basic(at, t->now),
	    is_over ? "-over" : "", def->audience, ch->name);
	PB_CLEANUP(pb_freep) char *way = pb_asprintf("%s by %s", def->audience, ch->name);
	PB_CLEANUP(pb_freep)
	char *line = pb_asprintf("[%s] %s", is_over ? "over" : "notice", text);
	PB_CLEANUP(pb_freep) char *subject = page_subject_of(line);
	PB_CLEANUP(pb_freep) char *body = body_of(t, in, text, is_over);
	const struct message m = {
	    .kind = is_over ? "inform_over" : "inform",
	    .id = id,
	    .incident = in->id,
	    .recipient = def->audience,
	    .subject = subject,
	    .body = body,
	};
	post_send(t, in->id, way, &m, ch, NULL);
}

static void
send(struct turn *t, struct incident *in, const struct pb_inform *def, bool is_over)
{
	char safe[256];
	PB_CLEANUP(pb_freep) char *text = text_of(t, in, def);
	for (size_t k = 0; k < def->n_via; k++) {
		const struct pb_channel *ch = &in->config->channels[def->via[k]];
		incident_note(t, in, "", "inform", "%s by %s: %s%s", def->audience, ch->name,
		    is_over ? "this is over: " : "", pb_safe(safe, sizeof(safe), pb_str_of(text)));
		send_one(t, in, def, ch, text, is_over);
	}
}

/* --- when */

static void
one_due(struct turn *t, struct incident *in, const struct pb_inform *def, struct inform *i)
{
	int64_t until;
	PB_CLEANUP(pb_freep) char *held = maintenance_holds(t->e, in, &until);
	if (held != NULL) {
		incident_note(t, in, "", "inform", "%s: put off by %s", def->audience, held);
		i->next_at = until;
		return;
	}
	send(t, in, def, false);
	i->n++;
	i->next_at = def->every_for == 0 ? PB_NEVER : t->now + def->every_for;
}

void
inform_due(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	bool has_changed = false;
	if (in->state == INCIDENT_RESOLVED)
		return;
	for (size_t i = 0; i < n_of(in); i++) {
		if (in->inform[i].next_at > t->now)
			continue;
		one_due(t, in, &p->inform[i], &in->inform[i]);
		has_changed = true;
	}
	if (has_changed)
		put(t, in);
}

int64_t
inform_next_at(const struct incident *in)
{
	int64_t at = PB_NEVER;
	for (size_t i = 0; i < n_of(in); i++)
		if (in->inform[i].next_at < at)
			at = in->inform[i].next_at;
	return at;
}

void
inform_acked(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	bool has_changed = false;
	for (size_t i = 0; i < n_of(in); i++) {
		if (!p->inform[i].until_acked || in->inform[i].next_at == PB_NEVER)
			continue;
		incident_note(
		    t, in, "", "inform", "%s: no more, it is acknowledged", p->inform[i].audience);
		in->inform[i].next_at = PB_NEVER;
		has_changed = true;
	}
	if (has_changed)
		put(t, in);
}

void
inform_close(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (n_of(in) == 0)
		return;
	for (size_t i = 0; i < n_of(in); i++)
		if (in->inform[i].n > 0)
			send(t, in, &p->inform[i], true);
	pb_update_drop(t->u, PB_REC_INFORM, in->id);
	free(in->inform);
	in->inform = NULL;
}

json_t *
inform_json(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (n_of(in) == 0)
		return NULL;
	json_t *list = json_array();
	for (size_t i = 0; i < n_of(in); i++) {
		json_t *one = json_object();
		pb_json_set_str(one, "audience", p->inform[i].audience);
		pb_json_set_i64(one, "sent", in->inform[i].n);
		if (in->inform[i].next_at != PB_NEVER)
			pb_json_set_i64(one, "next_at", in->inform[i].next_at);
		json_array_append_new(list, one);
	}
	return list;
}
