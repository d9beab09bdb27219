/*
 * What keeps pages back: inhibitors, silences, maintenance windows (maintenance.c), and what CloudWatch
 * itself mutes (mute.c).
 *
 * An inhibitor is an open incident of a playbook that stands in `inhibited_by`; it keeps back the
 * remediation too.  One that is inhibited itself inhibits nobody: so of playbooks that inhibit each
 * other one always pages.
 *
 *	no silence -> in force [add]		in force -> no silence [expire, silence_due]
 *
 * A silence is a record, fits the event that opened an incident, and has an end.  All are looked at
 * when somebody would be paged: what is on its way already goes on.  What is open still when they end
 * is paged then.
 */
#include "internal.h"

#include "base/json.h"

/* How long an inhibitor is believed without looking again. */
#define INHIBITED_LOOK_EVERY PB_MINUTE

/* The one that lasts longest of those that fit. */
static const struct silence *
silence_of(const struct pb_engine *e, const struct incident *in, int64_t now)
{
	const struct silence *best = NULL, *const * list;
	size_t n = fits_silences(e, in->event, &list);
	for (size_t i = 0; i < n; i++)
		if (list[i]->until > now && (best == NULL || list[i]->until > best->until))
			best = list[i];
	return best;
}

static bool
is_hushed(const struct pb_engine *e, const struct incident *in, int64_t now)
{
	int64_t until;
	if (silence_of(e, in, now) != NULL)
		return true;
	PB_CLEANUP(pb_freep) char *held = maintenance_holds(e, in, &until);
	PB_CLEANUP(pb_freep) char *muted = mute_holds(e, in, now, &until);
	return held != NULL || muted != NULL;
}

const struct incident *
hush_inhibits(const struct pb_engine *e, const char *playbook, int64_t now)
{
	const struct crowd *c = crowd_find(e->opens, playbook);
	for (const struct place *p = c == NULL ? NULL : c->first; p != NULL; p = p->next)
		if (p->in->state != INCIDENT_INHIBITED && !is_hushed(e, p->in, now))
			return p->in;
	return NULL;
}

const struct incident *
hush_inhibitor(const struct pb_engine *e, const struct incident *in, int64_t now)
{
	const struct pb_playbook *p = incident_playbook(in);
	const struct incident *found = NULL;
	for (size_t i = 0; p != NULL && i < p->n_inhibited_by && found == NULL; i++)
		found = hush_inhibits(e, p->inhibited_by[i], now);
	return found;
}

void
hush_watch(struct turn *t, struct incident *in)
{
	bool is_waiting = in->state == INCIDENT_INHIBITED || in->ladder.state == LADDER_HELD;
	const struct incident *by = is_waiting ? hush_inhibitor(t->e, in, t->now) : NULL;
	if (by == NULL)
		crowd_leave(&in->by_inhibitor);
	else
		crowd_join(t->e->inhibited, incident_playbook_name(by), &in->by_inhibitor, in);
}

char *
hush_why(const struct pb_engine *e, const struct incident *in, int64_t now, int64_t *ret_until)
{
	char by[128], reason[512], until[PB_TIME_TEXT];
	const struct incident *inhibitor = hush_inhibitor(e, in, now);
	if (inhibitor != NULL) {
		*ret_until = now + INHIBITED_LOOK_EVERY;
		return pb_asprintf("inhibited by %s of playbook %s", inhibitor->id,
		    incident_playbook_name(inhibitor));
	}
	const struct silence *s = silence_of(e, in, now);
	if (s == NULL) {
		char *held = maintenance_holds(e, in, ret_until);
		return held != NULL ? held : mute_holds(e, in, now, ret_until);
	}
	*ret_until = s->until;
	return pb_asprintf("silence %s by %s until %s: %s", s->id,
	    pb_safe(by, sizeof(by), pb_str_of(s->by)), pb_time_rfc3339(until, wall_of(e, s->until)),
	    pb_safe(reason, sizeof(reason), pb_str_of(s->reason)));
}

static bool
is_unpolled(const struct pb_engine *e, const struct pb_source *def)
{
	const struct source *s = pb_map_get(e->sources, def->name);
	return def->type == PB_SOURCE_CLOUDWATCH && (s == NULL || s->polled_at < e->boot_at);
}

const char *
hush_unpolled(const struct pb_engine *e)
{
	for (size_t i = 0; i < e->config->n_sources; i++)
		if (is_unpolled(e, &e->config->sources[i]))
			return e->config->sources[i].name;
	return NULL;
}

const char *
hush_unknown(const struct pb_engine *e, const struct incident *in)
{
	if (in->alarm == NULL || incident_began_at(in) >= e->boot_at)
		return NULL;
	for (size_t i = 0; i < e->config->n_sources; i++) {
		const struct pb_source *def = &e->config->sources[i];
		if (pb_streq(def->name, in->alarm->source) && is_unpolled(e, def))
			return def->name;
	}
	return NULL;
}

void
hush_release(struct turn *t)
{
	size_t n;
	PB_CLEANUP(pb_freep) struct incident **list = crowd_list(t->e->held, "", &n);
	for (size_t i = 0; i < n; i++) {
		if (list[i]->ladder.state != LADDER_HELD)
			continue;
		ladder_input(t, list[i], LADDER_DUE, NULL);
		incident_settle(t, list[i]);
	}
}

/* --- silences */

void
silence_free(void *arg)
{
	struct silence *s = arg;
	if (s == NULL)
		return;
	free(s->id);
	free(s->by);
	free(s->reason);
	free(s->match);
	pb_pattern_free(s->pattern);
	free(s);
}

static json_t *
silence_json(const struct silence *s)
{
	json_t *j = json_object();
	pb_json_set_str(j, "id", s->id);
	pb_json_set_str(j, "match", s->match);
	pb_json_set_str(j, "by", s->by);
	pb_json_set_str(j, "reason", s->reason);
	pb_json_set_i64(j, "at", s->at);
	pb_json_set_i64(j, "until", s->until);
	return j;
}

json_t *
pb_engine_silences_json(const struct pb_engine *e)
{
	json_t *list = json_array();
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(e->silences, &i, &id, &value))
		json_array_append_new(list, silence_json(value));
	return list;
}

int
silence_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	const char *match = pb_json_str_or(r->body, "match", "");
	struct pb_pattern *pattern;
	if (pb_pattern_compile(pb_str_of(match), &pattern, err) < 0)
		return pb_wrap(err, "silence %s", r->key);
	struct silence *s = pb_calloc(1, sizeof(*s));
	s->id = pb_strdup(r->key);
	s->match = pb_strdup(match);
	s->pattern = pattern;
	s->by = pb_strdup(pb_json_str_or(r->body, "by", "?"));
	s->reason = pb_strdup(pb_json_str_or(r->body, "reason", ""));
	s->at = pb_json_i64(r->body, "at", r->at);
	s->until = pb_json_i64(r->body, "until", r->at);
	silence_free(pb_map_put(e->silences, r->key, s));
	fits_silences_changed(e);
	return 0;
}

static void refuse(struct turn *t, const struct pb_input *input, int status, const char *fmt, ...)
    PB_PRINTF(4, 5);

static void
refuse(struct turn *t, const struct pb_input *input, int status, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	pb_update_reply(t->u, input->token, status, json_pack("{s:s}", "error", b.ptr));
}

static bool
does_silence(const struct pb_engine *e, const struct silence *s, const struct incident *in)
{
	const struct silence *const *list;
	size_t n = fits_silences(e, in->event, &list);
	for (size_t i = 0; i < n; i++)
		if (list[i] == s)
			return true;
	return false;
}

/* Also on open incidents, so that their own story tells of it.  How many those are. */
static size_t
tell_incidents(struct turn *t, const struct silence *s, const char *what)
{
	size_t i = 0, n = 0;
	const char *id;
	void *value;
	char by[128], until[PB_TIME_TEXT], reason[512];
	(void)pb_safe(by, sizeof(by), pb_str_of(s->by));
	(void)pb_safe(reason, sizeof(reason), pb_str_of(s->reason));
	(void)pb_time_rfc3339(until, wall_of(t->e, s->until));
	pb_update_note(t->u, "", "", "", "silence", "%s %s: by %s until %s for %s: %s", s->id, what,
	    by, until, s->match, reason);
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		const struct incident *in = value;
		if (in->state == INCIDENT_RESOLVED || !does_silence(t->e, s, in))
			continue;
		incident_note(t, in, "", "silence", "%s %s: by %s until %s: %s", s->id, what, by,
		    until, reason);
		n++;
	}
	return n;
}

static void
end(struct turn *t, const char *id, const char *what)
{
	struct silence *s = pb_map_get(t->e->silences, id);
	(void)tell_incidents(t, s, what);
	(void)pb_map_del(t->e->silences, s->id);
	fits_silences_changed(t->e);
	pb_update_drop(t->u, PB_REC_SILENCE, s->id);
	silence_free(s);
	hush_release(t);
}

static void
add(struct turn *t, const struct pb_input *input)
{
	struct pb_error err = {0};
	struct pb_pattern *pattern;
	const char *match = input->match == NULL ? "" : input->match;
	if (input->text == NULL || input->text[0] == '\0') {
		refuse(t, input, 400, "a reason is needed; others will read it");
		return;
	}
	if (input->span < PB_SILENCE_MIN || input->span > PB_SILENCE_MAX) {
		refuse(t, input, 400,
		    "silence for 1m to 30d; what should be quiet for ever "
		    "needs another playbook");
		return;
	}
	if (pb_map_len(t->e->silences) >= PB_SILENCES_MAX) {
		refuse(t, input, 409, "%d silences are in force; expire some", PB_SILENCES_MAX);
		return;
	}
	if (pb_pattern_compile(pb_str_of(match), &pattern, &err) < 0) {
		refuse(t, input, 400, "match%s%s: %s", err.path[0] == '\0' ? "" : " ", err.path,
		    err.text);
		return;
	}
	struct silence *s = pb_calloc(1, sizeof(*s));
	t->e->silence_number++;
	engine_put(t);
	s->id = pb_asprintf("s%lld", (long long)t->e->silence_number);
	s->match = pb_strdup(match);
	s->pattern = pattern;
	s->by = pb_strdup(input->by == NULL ? "?" : input->by);
	s->reason = pb_strdup(input->text);
	s->at = t->now;
	s->until = t->now + input->span;
	(void)pb_map_put(t->e->silences, s->id, s);
	fits_silences_changed(t->e);
	pb_update_put(t->u, PB_REC_SILENCE, s->id, "", "active", silence_json(s));
	size_t n = tell_incidents(t, s, "is in force");
	wake_all_inhibited(t->e);
	if (input->token == 0)
		return;
	json_t *reply = silence_json(s);
	pb_json_set_i64(reply, "fits", (int64_t)n);
	pb_json_set_i64(reply, "open", (int64_t)t->e->n_open);
	pb_update_reply(t->u, input->token, 200, reply);
}

void
silence_input(struct turn *t, const struct pb_input *input)
{
	char id[64], by[128];
	if (input->kind == PB_IN_SILENCE) {
		add(t, input);
		return;
	}
	(void)pb_safe(id, sizeof(id), pb_str_of(input->silence));
	if (input->silence == NULL || pb_map_get(t->e->silences, input->silence) == NULL) {
		refuse(t, input, 404, "no silence %s is in force", id);
		return;
	}
	PB_CLEANUP(pb_freep)
	char *what = pb_asprintf("is ended by %s", pb_safe(by, sizeof(by), pb_str_of(input->by)));
	end(t, input->silence, what);
	pb_update_reply(t->u, input->token, 200, json_pack("{s:s}", "silence", input->silence));
}

void
silence_due(struct turn *t)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->silences, &i, &id, &value))
		if (((struct silence *)value)->until <= t->now)
			end(t, id, "is over");
}

int64_t
silence_next_at(const struct pb_engine *e)
{
	int64_t at = PB_NEVER;
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(e->silences, &i, &id, &value))
		if (((struct silence *)value)->until < at)
			at = ((struct silence *)value)->until;
	return at;
}
