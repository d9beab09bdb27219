/*
 * Intake: from an event to an incident.
 *
 * Identity: an alarm's last known transition is kept per ARN.  The same transition again is a
 * duplicate; an older one came late and is recorded, not acted on: the alarm has moved on since.
 * Other events are known by their id for a day.
 *
 * An event with state OK never opens an incident; it resolves what its alarm opened.  Where a
 * playbook has a pattern in resolve_on, an event that fits it does.
 * INSUFFICIENT_DATA is neither: it does not resolve, and opens only what a pattern asks for.
 */
#include "internal.h"

#include "base/json.h"
#include "playbook/template.h"

#define ALARMS_FORGET_EVERY PB_HOUR
#define ALARMS_FORGET_MAX 200 /* in one turn */
#define AHEAD_MOST (2 * PB_MINUTE) /* that two clocks may differ and nobody minds */

/* --- alarms and sources */

struct alarm *
alarm_get(struct pb_engine *e, const char *arn)
{
	struct alarm *a = pb_map_get(e->alarms, arn);
	if (a == NULL) {
		a = pb_calloc(1, sizeof(*a));
		a->arn = pb_strdup(arn);
		a->name = pb_strdup("");
		a->source = pb_strdup("");
		(void)pb_map_put(e->alarms, arn, a);
	}
	return a;
}

void
alarm_free(void *arg)
{
	struct alarm *a = arg;
	free(a->arn);
	free(a->name);
	free(a->source);
	free(a->open);
	free(a);
}

void
alarm_put(struct turn *t, const struct alarm *a)
{
	json_t *j = json_object();
	pb_json_set_str(j, "name", a->name);
	pb_json_set_i64(j, "transitioned_at", a->transitioned_at);
	pb_json_set_i64(j, "changed_at", a->changed_at);
	pb_json_set_str(j, "source", a->source);
	pb_json_set_i64(j, "seen", a->seen);
	if (a->is_ahead)
		json_object_set_new(j, "is_ahead", json_true());
	pb_update_put(t->u, PB_REC_ALARM, a->arn, "", pb_alarm_state_name(a->state), j);
}

void
alarm_attach(struct alarm *a, struct incident *in)
{
	if (a->n_open == a->size_open) {
		a->size_open = a->size_open == 0 ? 2 : a->size_open * 2;
		a->open = pb_realloc(a->open, a->size_open * sizeof(*a->open));
	}
	a->open[a->n_open++] = in;
}

void
alarm_detach(struct alarm *a, struct incident *in)
{
	for (size_t i = 0; i < a->n_open; i++) {
		if (a->open[i] == in) {
			a->open[i] = a->open[--a->n_open];
			return;
		}
	}
}

struct source *
source_get(struct pb_engine *e, const char *name)
{
	struct source *s = pb_map_get(e->sources, name);
	if (s == NULL) {
		s = pb_calloc(1, sizeof(*s));
		s->name = pb_strdup(name);
		(void)pb_map_put(e->sources, name, s);
	}
	return s;
}

void
source_free(void *arg)
{
	struct source *s = arg;
	free(s->name);
	free(s);
}

bool
source_polls(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_sources; i++)
		if (pb_streq(c->sources[i].name, name))
			return c->sources[i].type == PB_SOURCE_CLOUDWATCH;
	return false;
}

static void
set(char **text, const char *value)
{
	char *copy = pb_strdup(value);
	free(*text);
	*text = copy;
}

/* --- what the event is to us */

enum verdict { FRESH, DUPLICATE, LATE };

/*
 * Was this transition told before?  Several of one alarm may have the same time, when times are seconds
 * or it flaps; a queue may deliver each of them again.  A poll tells what is, so where it tells another
 * state than the last one, that is news.
 */
static bool
is_repeated(const struct alarm *a, const struct pb_event *ev, bool is_polled)
{
	if (ev->transitioned_at != a->transitioned_at)
		return false;
	return is_polled ? ev->alarm_state == a->state : (a->seen >> ev->alarm_state & 1) != 0;
}

/* By none of our clocks has this time come, and not for want of setting them to the second. */
static bool
is_ahead(const struct turn *t, int64_t wall)
{
	return wall > t->now + AHEAD_MOST && wall > wall_of(t->e, t->now) + AHEAD_MOST;
}

static bool
is_seen_once(struct turn *t, const struct pb_event *ev)
{
	int64_t *at = pb_map_get(t->e->seen, ev->identity);
	bool is_first = at == NULL;
	/* Without a store its queue keeps it, and it comes for longer than it would be remembered. */
	if (!is_first && !t->e->is_degraded)
		return false;
	free(pb_map_del(t->e->seen, ev->identity));
	at = pb_malloc(sizeof(*at));
	*at = t->now;
	(void)pb_map_put(t->e->seen, ev->identity, at);
	pb_update_put(t->u, PB_REC_SEEN, ev->identity, "", "", json_object());
	return is_first;
}

/*
 * Is it older than what is known?  A time that had not come when it was told is no alarm's: whoever told
 * it has a wrong clock, or a slip of the pen.  It is believed, but only what is older than its telling is
 * late beside it; a poll, which tells what is, never, and never what is newer even than that time.  Where
 * our two clocks do not agree whether it is older, an ALARM is news and an OK is not.
 */
static bool
is_late(const struct turn *t, const struct alarm *a, const struct pb_event *ev, bool is_polled)
{
	if (ev->transitioned_at >= a->transitioned_at)
		return false;
	if (!a->is_ahead || is_ahead(t, ev->transitioned_at))
		return true;
	bool is_older = ev->transitioned_at < a->changed_at;
	bool is_older_by_wall = durable_of(t->e, ev->transitioned_at) < a->changed_at;
	bool is_either = is_older || is_older_by_wall, is_both = is_older && is_older_by_wall;
	return !is_polled && (ev->alarm_state == PB_ALARM_ALARM ? is_both : is_either);
}

static enum verdict
alarm_seen(struct turn *t, const struct pb_event *ev, const char *source)
{
	struct alarm *a = alarm_get(t->e, ev->alarm_arn);
	bool is_polled = source_polls(t->e->config, source);
	if (is_polled && !pb_streq(a->source, source)) {
		set(&a->source, source);
		alarm_put(t, a);
	}
	/* What it is late beside may give way to a time that has come: known by itself, it stays late. */
	bool is_ev_ahead = is_ahead(t, ev->transitioned_at);
	bool is_first = !is_ev_ahead || is_seen_once(t, ev);
	if (is_late(t, a, ev, is_polled))
		return LATE;
	if (is_repeated(a, ev, is_polled) || !is_first)
		return DUPLICATE;
	if (ev->transitioned_at != a->transitioned_at)
		a->seen = 0;
	a->seen |= 1U << ev->alarm_state;
	set(&a->name, ev->alarm_name);
	a->state = ev->alarm_state;
	a->transitioned_at = ev->transitioned_at;
	a->is_ahead = is_ev_ahead;
	int64_t changed_at = durable_of(t->e, ev->transitioned_at);
	a->changed_at = changed_at < t->now ? changed_at : t->now;
	alarm_put(t, a);
	return FRESH;
}

/* The map is in order of time: what is old or too much stands in front. */
void
intake_forget(struct turn *t)
{
	size_t i = 0;
	const char *identity;
	void *at;
	while (pb_map_next(t->e->seen, &i, &identity, &at)) {
		if (*(int64_t *)at + SEEN_FOR > t->now && pb_map_len(t->e->seen) <= SEEN_MAX)
			return;
		pb_update_drop(t->u, PB_REC_SEEN, identity);
		free(pb_map_del(t->e->seen, identity));
	}
}

/*
 * A poll tells only what has changed, so what a source of ours reports is never forgotten; nor is
 * what is in ALARM, which would open an incident anew.  Others come and go with what they watched.
 */
void
alarms_forget(struct turn *t)
{
	const struct pb_engine *e = t->e;
	if (t->now < e->alarms_forget_at)
		return;
	t->e->alarms_forget_at = t->now + ALARMS_FORGET_EVERY;
	const char *old[ALARMS_FORGET_MAX];
	size_t i = 0, n = 0;
	const char *arn;
	void *value;
	while (n < ALARMS_FORGET_MAX && pb_map_next(e->alarms, &i, &arn, &value)) {
		const struct alarm *a = value;
		if (a->state == PB_ALARM_ALARM || a->n_known > 0 ||
		    a->changed_at + e->config->retention.age_for > t->now ||
		    source_polls(e->config, a->source))
			continue;
		old[n++] = arn;
	}
	for (i = 0; i < n; i++) {
		pb_update_drop(t->u, PB_REC_ALARM, old[i]);
		alarm_free(pb_map_del(e->alarms, old[i]));
	}
}

/* --- incidents */

static char *
default_key(const struct pb_event *ev)
{
	if (ev->kind == PB_EVENT_ALARM)
		return pb_strdup(ev->alarm_arn);
	PB_CLEANUP(pb_freep)
	char *resources = pb_json_text(json_object_get(pb_event_json(ev), "resources"));
	return pb_asprintf("%s|%s|%s", ev->source, ev->detail_type, resources);
}

static char *
dedup_key(struct turn *t, const struct pb_playbook *p, const struct pb_event *ev)
{
	if (p == NULL || p->dedup == NULL)
		return default_key(ev);
	PB_JSON json_t *context = json_object();
	json_object_set(context, "event", pb_event_json(ev));
	if (ev->kind == PB_EVENT_ALARM)
		json_object_set(context, "alarm", pb_event_alarm(ev));
	char *key = NULL;
	struct pb_error err = {0};
	if (pb_template_expand_text(p->dedup, context, &key, &err) == 0 && key[0] != '\0')
		return key;
	free(key);
	pb_update_note(t->u, "", p->name, "", "event",
	    "dedup gives nothing (%s), using the default", err.text);
	return default_key(ev);
}

static void
note_event(struct turn *t, const struct pb_event *ev, const char *source, const char *incident,
    const char *what)
{
	char title[256], from[128], clock[PB_TIME_TEXT];
	const char *name = ev->alarm_name != NULL ? ev->alarm_name : ev->detail_type;
	(void)pb_safe(title, sizeof(title), pb_str_of(name));
	(void)pb_safe(from, sizeof(from), pb_str_of(source));
	pb_update_note(t->u, incident, "", "", "event", "%s%s%s by %s, %s: %s", title,
	    ev->kind == PB_EVENT_ALARM ? " " : "",
	    ev->kind == PB_EVENT_ALARM ? pb_alarm_state_name(ev->alarm_state) : "", from,
	    ev->time_at > 0 ? pb_time_rfc3339(clock, ev->time_at) : "no time", what);
}

static char *
open_or_attach(struct turn *t, struct pb_event *ev, const char *source, size_t playbook,
    size_t escalation, const struct choice *choice)
{
	const struct pb_playbook *p =
	    playbook == PB_NONE ? NULL : &t->e->config->playbooks[playbook];
	PB_CLEANUP(pb_freep) char *key = dedup_key(t, p, ev);
	PB_CLEANUP(pb_freep) char *full = pb_asprintf("%s\n%s", p == NULL ? "" : p->name, key);
	struct incident *in = pb_map_get(t->e->by_key, full);
	enum incident_input input = INCIDENT_AGAIN;
	struct incident *again = in == NULL ? reopen_find(t, full) : NULL;
	if (again != NULL) {
		in = again;
	} else if (in == NULL) {
		in = incident_create(t, ev, playbook, escalation, key);
		input = INCIDENT_OPEN;
	}
	char *id = pb_strdup(in->id);
	if (p == NULL) {
		note_event(t, ev, source, id, "no playbook matches: escalate");
	} else {
		PB_CLEANUP(pb_freep) char *what = pb_asprintf("playbook %s", p->name);
		note_event(t, ev, source, id, what);
	}
	if (again != NULL || input == INCIDENT_OPEN)
		choice_note(t, ev, id, playbook, choice);
	mute_event(t, in, ev);
	if (again == NULL && input == INCIDENT_AGAIN)
		joined_event(t, in, ev);
	if (again != NULL)
		reopen_begin(t, in, ev, playbook, escalation);
	else
		incident_input(t, in, input);
	incident_settle(t, in);
	return id;
}

/*
 * Incidents whose plan ends them by a pattern, and for which the event has the same dedup value: of
 * one plan of a playbook there is one at most.
 */
static size_t
resolve_by_pattern(struct turn *t, const struct pb_event *ev)
{
	size_t i = 0, n = 0;
	const char *name;
	void *value;
	while (pb_map_next(t->e->ends, &i, &name, &value)) {
		const struct crowd *c = value;
		const struct incident *like = c->first->in;
		const struct pb_playbook *p = incident_playbook(like);
		if (!fits_end(t->e, like->config, p))
			continue;
		PB_CLEANUP(pb_freep) char *key = dedup_key(t, p, ev);
		PB_CLEANUP(pb_freep) char *full = pb_asprintf("%s\n%s", p->name, key);
		struct incident *in = pb_map_get(t->e->by_key, full);
		if (in == NULL || in->by_end.crowd != c)
			continue;
		n++;
		incident_note(t, in, "", "event", "an event fits its resolve_on");
		in->recovered_at = t->now;
		incident_put(t, in);
		incident_input(t, in, INCIDENT_OK);
		incident_settle(t, in);
	}
	return n;
}

static void
resolve_by_alarm(struct turn *t, const struct pb_event *ev)
{
	struct alarm *a = alarm_get(t->e, ev->alarm_arn);
	/* Closing takes an incident off the list: walk it from behind. */
	for (size_t i = a->n_open; i-- > 0;) {
		struct incident *in = a->open[i];
		const struct pb_playbook *p = incident_playbook(in);
		if (p != NULL && !p->resolve_on_ok)
			continue;
		PB_CLEANUP(pb_freep) char *burning = joined_burning(in);
		incident_note(t, in, "", "event", "%s is OK%s%s", a->name,
		    burning == NULL ? "" : ", and it is not over: ",
		    burning == NULL ? "" : burning);
		if (burning != NULL)
			continue;
		incident_input(t, in, INCIDENT_OK);
		incident_settle(t, in);
	}
}

/*
 * The first playbook that matches, and those behind it while each one says `continue`.  What fits a
 * playbook's resolve_on ends its incidents and opens none.  Returns the first one's incident.
 */
static char *
take_all(struct turn *t, struct pb_event *ev, const char *source, bool *ret_is_known)
{
	const struct pb_config *c = t->e->config;
	const uint32_t *ids;
	size_t n = fits_playbooks(t->e, &ids);
	const struct choice choice = {ids, n};
	char *first = NULL;
	bool goes_on = true;
	for (size_t i = 0; i < n && goes_on; i++) {
		const struct pb_playbook *p = &c->playbooks[ids[i]];
		goes_on = p->looks_further;
		*ret_is_known = true;
		if (fits_end(t->e, c, p))
			continue;
		char *id = open_or_attach(t, ev, source, ids[i], p->escalation, &choice);
		if (first == NULL)
			first = PB_TAKE(id);
		free(id);
	}
	return first;
}

/* Returns the id of the incident that the event opened or joined; NULL when there is none. */
static char *
match(struct turn *t, struct pb_event *ev, const char *source)
{
	const struct pb_config *c = t->e->config;
	bool is_alarm = ev->kind == PB_EVENT_ALARM;
	if (is_alarm && ev->alarm_state == PB_ALARM_OK) {
		note_event(t, ev, source, "", "recovery");
		(void)resolve_by_pattern(t, ev);
		return NULL;
	}
	bool is_known = resolve_by_pattern(t, ev) > 0;
	char *first = take_all(t, ev, source, &is_known);
	if (first != NULL)
		return first;
	if (is_known || fits_any_end(t->e)) {
		note_event(t, ev, source, "", "it ends something, and opens nothing");
		return NULL;
	}
	enum pb_unmatched way = is_alarm ? c->unmatched_alarms : c->unmatched_events;
	if (way == PB_UNMATCHED_ESCALATE && (!is_alarm || ev->alarm_state == PB_ALARM_ALARM))
		return open_or_attach(
		    t, ev, source, PB_NONE, c->unmatched_escalation, &(struct choice){0});
	PB_CLEANUP(pb_freep) char *differs = choice_first(t->e, ev);
	PB_CLEANUP(pb_freep)
	char *what = pb_asprintf("no playbook matches: dropped; %s", differs);
	note_event(t, ev, source, "", what);
	return NULL;
}

/*
 * A poll tells what is, and the first one of a start what was since long before it: what it tells again is
 * no event.  With a thousand alarms a line for each would hide those that matter.
 */
static bool
is_poll_again(const struct turn *t, const struct pb_event *ev, const char *source, enum verdict v)
{
	if (!source_polls(t->e->config, source) || v == FRESH)
		return false;
	const struct source *s = pb_map_get(t->e->sources, source);
	return v == DUPLICATE ||
	    (s != NULL && durable_of(t->e, ev->transitioned_at) < s->polled_at);
}

void
intake_event(struct turn *t, const struct pb_input *in)
{
	struct pb_event *ev = in->event;
	bool is_alarm = ev->kind == PB_EVENT_ALARM;
	const char *source = in->source == NULL ? "" : in->source;
	const char *verdict = "taken";
	PB_CLEANUP(pb_freep) char *id = NULL;
	fits_begin(t->e, ev);
	if (source_polls(t->e->config, source) && source_get(t->e, source)->telling_at == 0)
		source_get(t->e, source)->telling_at = t->now;
	enum verdict v = is_alarm ? alarm_seen(t, ev, source)
	    : is_seen_once(t, ev) ? FRESH
				  : DUPLICATE;
	bool is_told = !is_poll_again(t, ev, source, v);
	switch (v) {
	case DUPLICATE:
		verdict = "duplicate";
		if (is_told)
			note_event(t, ev, source, "", "seen before, nothing to do");
		break;
	case LATE:
		verdict = "late";
		if (is_told)
			note_event(
			    t, ev, source, "", "late: the alarm has changed since, nothing to do");
		break;
	case FRESH:
		id = match(t, ev, source);
		if (is_alarm && ev->alarm_state == PB_ALARM_OK)
			resolve_by_alarm(t, ev);
		if (is_alarm)
			step_check_alarm(t, ev->alarm_arn);
		/* For questions later and for backtest; as long as daemon.retention says. */
		pb_update_put_received(t->u, ev->identity, id, source, ev->text);
		break;
	}
	pb_update_receipt(t->u, in->receipt);
	if (in->token != 0) {
		json_t *body =
		    json_pack("{s:s, s:s}", "verdict", verdict, "identity", ev->identity);
		pb_json_set_str(body, "incident", id);
		pb_update_reply(t->u, in->token, 200, body);
	}
}

void
intake_polled(struct turn *t, const struct pb_input *in)
{
	struct source *s = source_get(t->e, in->source);
	s->telling_at = 0;
	if (in->polled_at <= s->polled_at)
		return;
	bool was_unpolled = hush_unpolled(t->e) != NULL;
	int64_t before_at = s->polled_at;
	s->polled_at = in->polled_at;
	pb_update_put(t->u, PB_REC_SOURCE, s->name, "", "",
	    json_pack("{s:I}", "polled_at", (json_int_t)s->polled_at));
	step_check_source(t, s->name);
	if (before_at < t->e->boot_at)
		incident_polled(t, s->name);
	if ((was_unpolled && hush_unpolled(t->e) == NULL) ||
	    mute_is_answered(t->e, s->name, before_at))
		hush_release(t);
}

/* P1: what nobody can read is kept where an operator can, and then leaves the queue. */
void
intake_reject(struct turn *t, const struct pb_input *in)
{
	char why[256], source[128];
	PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s/%s", in->source, in->message_id);
	json_t *j = json_object();
	pb_json_set_str(j, "source", in->source);
	pb_json_set_str(j, "message_id", in->message_id);
	pb_json_set_str(j, "why", in->text);
	pb_json_set_str(j, "body", in->message);
	pb_json_set_i64(j, "receives", in->count);
	pb_update_put(t->u, PB_REC_QUARANTINE, key, "", "kept", j);
	pb_update_note(t->u, "", "", "", "quarantine",
	    "message %s of %s, received %lld times, cannot be read: %s", in->message_id,
	    pb_safe(source, sizeof(source), pb_str_of(in->source)), (long long)in->count,
	    pb_safe(why, sizeof(why), pb_str_of(in->text)));
	pb_update_receipt(t->u, in->receipt);
}
