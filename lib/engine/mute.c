/*
 * CloudWatch's alarm mute rules, where a source says honour_mute_rules.
 *
 *	no list -> list		[mute_input] the poller read the rules that are active, all of them
 *	list -> list		[mute_input] likewise: only the newest one counts
 *	list -> no list		[mute_look] the configuration has no such source any more
 *
 * A list is a record.  It is believed until its own `until`, a few polls after it was read: if no newer
 * one comes, what it kept quiet is paged.  So a list that cannot be read, or a rule whose end nobody
 * has told, never mutes for longer than that.  After a restart an old list counts until its source has
 * been polled, and ladder_wait.c sees to it that nobody waits for that beyond page_by.
 *
 * An event may say itself that its alarm is muted (detail.muteDetail); it does so until the end of the
 * window that it names, or until a list that was read later does not have the alarm.
 */
#include "internal.h"

#include "base/json.h"

/* AWS allows a window of 15 days; what says more is not believed. */
#define WINDOW_MAX (15 * PB_DAY)

struct mute {
	char *name;
	int64_t until; /* PB_NEVER = as long as the list says so */
};

/* What one source has read. */
struct mutes {
	int64_t at, until;
	json_t *rules; /* as the input has them */
	struct mute *mutes;
	size_t n;
	struct pb_map *by_arn; /* of an alarm -> the one that lasts longest, in `mutes` */
};

void
mutes_free(void *arg)
{
	struct mutes *m = arg;
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->mutes[i].name);
	free(m->mutes);
	pb_map_free(m->by_arn, NULL);
	json_decref(m->rules);
	free(m);
}

static struct mutes *
mutes_new(int64_t at, int64_t until, json_t *rules)
{
	struct mutes *m = pb_calloc(1, sizeof(*m));
	size_t i, k;
	json_t *rule, *arn;
	m->at = at;
	m->until = until;
	m->rules = json_is_array(rules) ? json_incref(rules) : json_array();
	m->mutes = pb_calloc(json_array_size(m->rules) + 1, sizeof(*m->mutes));
	m->by_arn = pb_map_new();
	json_array_foreach (m->rules, i, rule) {
		struct mute *mute = &m->mutes[m->n++];
		mute->name = pb_strdup(pb_json_str_or(rule, "name", "?"));
		mute->until = pb_json_i64(rule, "until", PB_NEVER);
		json_array_foreach (json_object_get(rule, "alarms"), k, arn) {
			const char *text = json_is_string(arn) ? json_string_value(arn) : "";
			const struct mute *other = pb_map_get(m->by_arn, text);
			if (other == NULL || other->until < mute->until)
				(void)pb_map_put(m->by_arn, text, mute);
		}
	}
	return m;
}

static const struct pb_source *
honouring(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_sources; i++)
		if (c->sources[i].honours_mutes &&
		    (name == NULL || pb_streq(c->sources[i].name, name)))
			return &c->sources[i];
	return NULL;
}

/* --- who is muted */

static bool
is_believed(const struct pb_engine *e, const char *source, const struct mutes *m, int64_t now)
{
	const struct source *s = pb_map_get(e->sources, source);
	return now < m->until || (m->at < e->boot_at && (s == NULL || s->polled_at < e->boot_at));
}

/* By the lists; the one that lasts longest. */
static const struct mute *
listed(const struct pb_engine *e, const struct incident *in, int64_t now, int64_t *ret_until)
{
	const struct mute *best = NULL;
	size_t i = 0;
	const char *source;
	void *value;
	while (pb_map_next(e->mutes, &i, &source, &value)) {
		const struct mutes *m = value;
		const struct mute *mute = pb_map_get(m->by_arn, in->event->alarm_arn);
		if (mute == NULL || mute->until <= wall_of(e, now) ||
		    !is_believed(e, source, m, now) || (best != NULL && mute->until <= best->until))
			continue;
		best = mute;
		int64_t until = durable_of(e, mute->until);
		*ret_until = until < m->until ? until : m->until;
	}
	return best;
}

/* Has the source that polls its alarm read a list since, which is still believed? */
static bool
is_overtaken(const struct pb_engine *e, const struct incident *in, int64_t now)
{
	const char *source = in->alarm->source;
	const struct mutes *m = pb_map_get(e->mutes, source);
	return m != NULL && is_believed(e, source, m, now) &&
	    (wall_of(e, m->at) > in->event->time_at || m->at > incident_began_at(in));
}

/* Where the window ends that the event names; 0 = it names none, or none that can be. */
static int64_t
window_end(const struct pb_event *ev, const json_t *detail)
{
	int64_t at = pb_json_time(json_object_get(detail, "muteWindowEnd"));
	return at <= ev->time_at || at > ev->time_at + WINDOW_MAX ? 0 : at;
}

/* Most have none, and their tree is not made for that. */
static const json_t *
detail_of(const struct pb_event *ev)
{
	static const char key[] = "\"muteDetail\"";
	if (memmem(ev->text.ptr, ev->text.len, key, sizeof(key) - 1) == NULL)
		return NULL;
	return json_object_get(json_object_get(pb_event_json(ev), "detail"), "muteDetail");
}

/* "arn:aws:cloudwatch:REGION:ACCOUNT:alarm-mute-rule:NAME" */
static const char *
rule_name(const char *arn)
{
	const char *name = strstr(arn, ":alarm-mute-rule:");
	return name == NULL ? arn : name + strlen(":alarm-mute-rule:");
}

static char *
words(const char *name, int64_t until)
{
	char safe[128], end[PB_TIME_TEXT];
	return pb_asprintf("CloudWatch mute rule %s%s%s",
	    pb_safe(safe, sizeof(safe), pb_str_of(name)), until == PB_NEVER ? "" : " until ",
	    until == PB_NEVER ? "" : pb_time_rfc3339(end, until));
}

char *
mute_holds(const struct pb_engine *e, const struct incident *in, int64_t now, int64_t *ret_until)
{
	if (in->alarm == NULL || honouring(e->config, NULL) == NULL)
		return NULL;
	const struct mute *mute = listed(e, in, now, ret_until);
	if (mute != NULL)
		return words(mute->name, mute->until);
	const json_t *detail = detail_of(in->event);
	int64_t end = detail == NULL ? 0 : window_end(in->event, detail);
	if (end <= wall_of(e, now) || is_overtaken(e, in, now))
		return NULL;
	*ret_until = durable_of(e, end);
	return words(rule_name(pb_json_str_or(detail, "mutedBy", "without a name")), end);
}

void
mute_event(struct turn *t, const struct incident *in, const struct pb_event *ev)
{
	const json_t *detail = detail_of(ev);
	if (detail == NULL || ev->kind != PB_EVENT_ALARM || honouring(t->e->config, NULL) == NULL)
		return;
	int64_t said_at = durable_of(t->e, ev->time_at);
	if (said_at > t->e->mute_said_at)
		t->e->mute_said_at = said_at;
	if (window_end(ev, detail) == 0)
		incident_note(t, in, "", "mute",
		    "its event says that it is muted, but not until when (muteWindowEnd): that "
		    "mutes "
		    "nothing");
}

/* --- lists */

static void
put(struct turn *t, const char *source, const struct mutes *m)
{
	pb_update_put(t->u, PB_REC_MUTES, source, "", m->n == 0 ? "none" : "active",
	    json_pack("{s:I, s:I, s:O}", "at", (json_int_t)m->at, "until", (json_int_t)m->until,
		"rules", m->rules));
}

void
mutes_restore(struct pb_engine *e, const struct pb_record *r)
{
	mutes_free(pb_map_put(e->mutes, r->key,
	    mutes_new(pb_json_i64(r->body, "at", r->at), pb_json_i64(r->body, "until", r->at),
		json_object_get(r->body, "rules"))));
}

static bool
has_rule(const json_t *rules, const json_t *wanted)
{
	size_t i;
	const json_t *rule;
	json_array_foreach (rules, i, rule)
		if (pb_streq(pb_json_str(rule, "name"), pb_json_str(wanted, "name")))
			return true;
	return false;
}

/* Those of `rules` that `others` do not have, also in the stories of the incidents they are about. */
static void
tell(
    struct turn *t, const char *source, const json_t *rules, const json_t *others, const char *what)
{
	size_t i, k;
	const json_t *rule, *arn;
	json_array_foreach (rules, i, rule) {
		char name[128];
		const json_t *alarms = json_object_get(rule, "alarms");
		if (has_rule(others, rule))
			continue;
		(void)pb_safe(name, sizeof(name), pb_str_of(pb_json_str_or(rule, "name", "?")));
		pb_update_note(t->u, "", "", "", "mute",
		    "CloudWatch mute rule %s %s, by source %s: %zu alarm%s", name, what, source,
		    json_array_size(alarms), json_array_size(alarms) == 1 ? "" : "s");
		json_array_foreach (alarms, k, arn) {
			const struct alarm *a = pb_map_get(t->e->alarms, json_string_value(arn));
			for (size_t m = 0; a != NULL && m < a->n_open; m++)
				incident_note(t, a->open[m], "", "mute",
				    "CloudWatch mute rule %s %s", name, what);
		}
	}
}

void
mute_input(struct turn *t, const struct pb_input *input)
{
	struct pb_engine *e = t->e;
	const struct mutes *old = pb_map_get(e->mutes, input->source);
	/* It was asked for before a reload that wants none. */
	if (honouring(e->config, input->source) == NULL ||
	    (old != NULL && input->polled_at <= old->at))
		return;
	struct mutes *m = mutes_new(input->polled_at, input->polled_at + input->span, input->mutes);
	const json_t *before = old == NULL ? NULL : old->rules;
	bool has_changed = before == NULL ? m->n > 0 : !json_equal(before, m->rules);
	tell(t, input->source, m->rules, before, "is active");
	tell(t, input->source, before, m->rules, "is active no more");
	if (m->n > 0 || has_changed)
		put(t, input->source, m);
	mutes_free(pb_map_put(e->mutes, input->source, m));
	if (has_changed) {
		hush_release(t);
		wake_all_inhibited(e);
	}
}

bool
mute_is_answered(const struct pb_engine *e, const char *source, int64_t polled_before_at)
{
	const struct mutes *m = pb_map_get(e->mutes, source);
	return m != NULL && polled_before_at <= e->mute_said_at && m->at > e->mute_said_at;
}

void
mute_look(struct turn *t)
{
	size_t i = 0;
	const char *source;
	void *value;
	bool has_ended = false;
	while (pb_map_next(t->e->mutes, &i, &source, &value)) {
		struct mutes *m = value;
		if (honouring(t->e->config, source) != NULL)
			continue;
		tell(t, source, m->rules, NULL, "is not honoured any more");
		pb_update_drop(t->u, PB_REC_MUTES, source);
		mutes_free(pb_map_del(t->e->mutes, source));
		has_ended = true;
	}
	if (has_ended)
		hush_release(t);
}

json_t *
pb_engine_mutes_json(const struct pb_engine *e, int64_t now)
{
	json_t *list = json_array();
	size_t i = 0;
	const char *source;
	void *value;
	while (pb_map_next(e->mutes, &i, &source, &value)) {
		const struct mutes *m = value;
		for (size_t k = 0; k < m->n && is_believed(e, source, m, now); k++) {
			json_t *j = json_object();
			pb_json_set_str(j, "source", source);
			pb_json_set_str(j, "name", m->mutes[k].name);
			pb_json_set_i64(j, "alarms",
			    (int64_t)json_array_size(
				json_object_get(json_array_get(m->rules, k), "alarms")));
			if (m->mutes[k].until != PB_NEVER)
				pb_json_set_i64(j, "until", m->mutes[k].until);
			json_array_append_new(list, j);
		}
	}
	return list;
}
