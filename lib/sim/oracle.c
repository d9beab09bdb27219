/*
 * The oracle's book: what was taken, and of whom it is (P1).
 */
#include "sim/oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "playbook/template.h"
#include "sim/oracle_book.h"

void
oracle_broken(struct oracle *o, const char *fmt, ...)
{
	char at[PB_TIME_TEXT];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	va_list ap;
	(void)pb_buf_addf(&b, "%s ", pb_time_rfc3339(at, o->now));
	va_start(ap, fmt);
	(void)pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	(void)pb_buf_addc(&b, '\n');
	o->broken(o->arg, b.ptr);
}

const struct kept *
oracle_record(const struct oracle *o, enum pb_record_kind kind, const char *key)
{
	return pb_map_get(o->records[kind], key);
}

const char *
duty_playbook(const struct duty *d)
{
	return d->playbook == NULL ? "" : d->playbook->name;
}

char *
oracle_expand(const char *text, const struct pb_event *ev)
{
	char *value = NULL;
	PB_JSON json_t *context = json_object();
	json_object_set(context, "event", pb_event_json(ev));
	if (ev->kind == PB_EVENT_ALARM)
		json_object_set(context, "alarm", pb_event_alarm(ev));
	if (pb_template_expand_text(text, context, &value, NULL) == 0 && value[0] != '\0')
		return value;
	free(value);
	return NULL;
}

/* --- events */

struct duty *
duty_new(struct oracle *o, struct pb_event *ev, const struct pb_playbook *p,
    const struct pb_escalation *e, const char *name)
{
	struct duty *d = pb_calloc(1, sizeof(*d));
	d->index = o->n_all;
	d->name = pb_strdup(name);
	d->config = pb_config_ref(o->config);
	d->playbook = p;
	d->escalation = e;
	d->event = pb_event_ref(ev);
	d->since = o->now;
	d->began = o->taking;
	d->unsafe = pb_map_new();
	bool pages_at_once = p == NULL || p->n_steps == 0;
	d->due_at = o->now + (pages_at_once ? ORACLE_AT_ONCE : p->page_by_for);
	d->is_stale = p != NULL &&
	    (ev->time_at <= 0 || o->now + o->wall_ahead - ev->time_at > p->max_age_for);
	o->all = pb_realloc(o->all, (o->n_all + 1) * sizeof(*o->all));
	o->all[o->n_all++] = d;
	(void)pb_map_put(o->duties, name, d);
	return d;
}

static char *
name_of(const struct pb_playbook *p, const struct pb_event *ev)
{
	PB_CLEANUP(pb_freep)
	char *key = p == NULL || p->dedup == NULL ? NULL : oracle_expand(p->dedup, ev);
	if (key == NULL && ev->kind == PB_EVENT_ALARM) {
		key = pb_strdup(ev->alarm_arn);
	} else if (key == NULL) {
		PB_CLEANUP(pb_freep)
		char *resources = pb_json_text(json_object_get(pb_event_json(ev), "resources"));
		key = pb_asprintf("%s|%s|%s", ev->source, ev->detail_type, resources);
	}
	return pb_asprintf("%s\n%s", p == NULL ? "" : p->name, key);
}

static void
open_duty(struct oracle *o, struct pb_event *ev, const struct pb_playbook *p,
    const struct pb_escalation *e)
{
	PB_CLEANUP(pb_freep) char *name = name_of(p, ev);
	struct duty *d = pb_map_get(o->duties, name);
	if (d == NULL) {
		(void)duty_new(o, ev, p, e, name);
		return;
	}
	d->has_ended = false;
	pb_event_unref(d->again);
	d->again = pb_event_ref(ev);
}

/* Does it fit what ends one?  Then it is the end of those with its key. */
static bool
take_end(struct oracle *o, const struct pb_event *ev)
{
	bool is_end = false;
	size_t i = 0;
	const char *key;
	void *value;
	while (pb_map_next(o->duties, &i, &key, &value)) {
		struct duty *d = value;
		if (d->playbook == NULL || d->playbook->resolve_on == NULL ||
		    !pb_pattern_match(d->playbook->resolve_on, pb_event_json(ev)))
			continue;
		PB_CLEANUP(pb_freep) char *name = name_of(d->playbook, ev);
		if (pb_streq(name, d->name))
			d->has_ended = is_end = true;
	}
	for (i = 0; i < o->config->n_playbooks; i++)
		if (o->config->playbooks[i].resolve_on != NULL &&
		    pb_pattern_match(o->config->playbooks[i].resolve_on, pb_event_json(ev)))
			is_end = true;
	return is_end;
}

static void
take_begin(struct oracle *o, struct pb_event *ev, bool is_end)
{
	const struct pb_config *c = o->config;
	bool is_alarm = ev->kind == PB_EVENT_ALARM, goes_on = true, is_known = false;
	for (size_t i = 0; i < c->n_playbooks && goes_on; i++) {
		const struct pb_playbook *p = &c->playbooks[i];
		if (!pb_pattern_match(p->match, pb_event_json(ev)))
			continue;
		is_known = true;
		goes_on = p->looks_further;
		if (p->resolve_on == NULL || !pb_pattern_match(p->resolve_on, pb_event_json(ev)))
			open_duty(o, ev, p, &c->escalations[p->escalation]);
	}
	if (is_known || is_end || (is_alarm && ev->alarm_state != PB_ALARM_ALARM))
		return;
	if ((is_alarm ? c->unmatched_alarms : c->unmatched_events) == PB_UNMATCHED_ESCALATE)
		open_duty(o, ev, NULL, &c->escalations[c->unmatched_escalation]);
}

static bool
has_come(const struct oracle *o, int64_t wall)
{
	int64_t most = o->now + 2 * PB_MINUTE;
	return wall <= most || wall <= most + o->wall_ahead;
}

/* Is it news?  Of one time an alarm may have told several states, and may tell each again. */
static bool
is_news(struct oracle *o, const struct heard *h)
{
	const struct pb_event *ev = h->event;
	unsigned state = 1U << ev->alarm_state;
	bool is_ahead = ev->kind == PB_EVENT_ALARM && !has_come(o, ev->transitioned_at);
	if (ev->kind != PB_EVENT_ALARM)
		return pb_map_put(o->seen, ev->identity, o) == NULL;
	bool is_first = !is_ahead || pb_map_put(o->seen, ev->identity, o) == NULL;
	struct sighting *s = pb_map_get(o->alarms, ev->alarm_arn);
	if (s == NULL) {
		s = pb_calloc(1, sizeof(*s));
		(void)pb_map_put(o->alarms, ev->alarm_arn, s);
	} else {
		/* In doubt whose clock is right an ALARM is as new as it may be, and all else as old. */
		bool is_shifted = (ev->alarm_state == PB_ALARM_ALARM) == (o->wall_ahead < 0);
		int64_t at = ev->transitioned_at - (is_shifted ? o->wall_ahead : 0);
		bool is_told = h->is_polled ? s->state == ev->alarm_state : (s->seen & state) != 0;
		bool is_late = ev->transitioned_at < s->transitioned_at &&
		    (!s->is_ahead || is_ahead || (!h->is_polled && at < s->changed_at));
		if (is_late || (ev->transitioned_at == s->transitioned_at && is_told))
			return false;
		state |= ev->transitioned_at == s->transitioned_at ? s->seen : 0;
	}
	if (!is_first)
		return false;
	s->is_ahead = is_ahead;
	s->seen = state;
	s->state = ev->alarm_state;
	if (ev->alarm_state != PB_ALARM_INSUFFICIENT_DATA)
		s->is_over = ev->alarm_state == PB_ALARM_OK;
	s->transitioned_at = ev->transitioned_at;
	s->changed_at = ev->transitioned_at - o->wall_ahead;
	s->changed_at = s->changed_at < o->now ? s->changed_at : o->now;
	return true;
}

/* It may come again within the same commit. */
static void
take_ok(struct oracle *o, const struct pb_event *ev)
{
	size_t i = 0;
	const char *name;
	void *value;
	while (pb_map_next(o->duties, &i, &name, &value)) {
		struct duty *d = value;
		if (pb_streq(d->event->alarm_arn, ev->alarm_arn))
			d->was_ok = true;
	}
}

/* Of the state before this commit: what a start ends by it may come again with the same commit. */
static void
begin_with_ok(struct oracle *o)
{
	size_t i = 0;
	const char *name;
	void *value;
	while (pb_map_next(o->duties, &i, &name, &value)) {
		struct duty *d = value;
		const struct sighting *s =
		    d->event->alarm_arn == NULL ? NULL : pb_map_get(o->alarms, d->event->alarm_arn);
		d->was_ok = s != NULL && s->is_over;
	}
}

static void
take_event(struct oracle *o, const struct heard *h)
{
	struct pb_event *ev = h->event;
	if (!is_news(o, h))
		return;
	o->taking = h;
	if (ev->kind == PB_EVENT_ALARM && ev->alarm_state == PB_ALARM_OK)
		take_ok(o, ev);
	bool is_end = take_end(o, ev);
	if (ev->kind != PB_EVENT_ALARM || ev->alarm_state != PB_ALARM_OK)
		take_begin(o, ev, is_end);
}

/* --- inputs, from the commit that holds what was decided of them */

static void
take_outcome(struct oracle *o, const struct heard *h)
{
	PB_CLEANUP(pb_freep) char *incident = pb_strndup(h->id, strcspn(h->id, "/"));
	struct duty *d = pb_map_get(o->incidents, incident);
	const char *page = strstr(h->id, "/page/");
	int64_t number = page == NULL ? 0 : strtoll(page + strlen("/page/"), NULL, 10);
	bool is_good = h->status == PB_OUTCOME_OK;
	size_t i = 0;
	const char *name;
	void *value;
	if (d != NULL && page == NULL)
		d->has_worked = d->has_worked || is_good;
	while (page != NULL && pb_map_next(o->duties, &i, &name, &value)) {
		struct duty *told = value;
		if (told != d && !duty_is_told_by(told, incident, number))
			continue;
		if (told->tried_at == 0 && !is_good)
			continue; /* of before it came again */
		told->tried_at = o->now;
		told->is_reached = told->is_reached || is_good;
	}
}

static void
take(struct oracle *o, const struct heard *h)
{
	switch (h->kind) {
	case PB_IN_EVENT:
		take_event(o, h);
		break;
	case PB_IN_OUTCOME:
		take_outcome(o, h);
		break;
	case PB_IN_ACK:
	case PB_IN_SNOOZE:
	case PB_IN_ESCALATE:
	case PB_IN_RESOLVE:
	case PB_IN_APPROVE:
		oracle_take_command(o, h);
		break;
	case PB_IN_SILENCE:
		oracle_take_silence(o, h);
		break;
	case PB_IN_UNSILENCE: {
		struct hush *s = h->id == NULL ? NULL : pb_map_get(o->silences, h->id);
		if (s != NULL)
			s->is_ended = true;
		break;
	}
	case PB_IN_CONFIG:
		pb_config_unref(o->config);
		o->config = pb_config_ref(h->config);
		o->mutes_until = 0; /* the next poll tells, if it is asked still */
		break;
	case PB_IN_DRAIN:
		o->is_draining = true;
		break;
	case PB_IN_MUTES:
		json_decref(o->mutes);
		o->mutes = json_incref(h->mutes);
		o->mutes_at = h->at;
		o->mutes_until = h->at + h->span;
		break;
	case PB_IN_CLOCK:
		o->wall_ahead = h->span;
		break;
	case PB_IN_BOOT:
	case PB_IN_REJECT:
	case PB_IN_POLLED:
	case PB_IN_TICK:
	case PB_IN_REFUSE:
	case PB_IN_REMEDIATION: /* its record says since when */
	case PB_IN_MAX:
		break;
	}
}

static void
heard_fini(struct heard *h)
{
	pb_event_unref(h->event);
	pb_config_unref(h->config);
	json_decref(h->mutes);
	free(h->id);
	free(h->match);
}

/* Does the event of this source come out of a poll? */
static bool
is_from_poll(const struct oracle *o, const char *source)
{
	for (size_t i = 0; source != NULL && i < o->config->n_sources; i++)
		if (pb_streq(o->config->sources[i].name, source))
			return o->config->sources[i].type == PB_SOURCE_CLOUDWATCH;
	return false;
}

void
oracle_input(struct oracle *o, const struct pb_input *in)
{
	const char *id = in->kind == PB_IN_OUTCOME ? in->outcome->action_id
	    : in->kind == PB_IN_UNSILENCE          ? in->silence
						   : in->incident;
	o->heard = pb_realloc(o->heard, (o->n_heard + 1) * sizeof(*o->heard));
	struct heard *h = &o->heard[o->n_heard++];
	*h = (struct heard){.kind = in->kind,
	    .event = in->event == NULL ? NULL : pb_event_ref(in->event),
	    .is_polled = is_from_poll(o, in->source),
	    .config = in->config == NULL ? NULL : pb_config_ref(in->config),
	    .id = pb_strdup(id),
	    .match = pb_strdup(in->match),
	    .mutes = in->mutes == NULL ? NULL : json_incref(in->mutes),
	    .at = in->polled_at,
	    .span = in->span};
	if (in->kind != PB_IN_OUTCOME)
		return;
	h->status = in->outcome->status;
	h->is_unknown = in->outcome->is_unknown;
	(void)pb_map_del(o->running, id);
	if (h->is_unknown)
		oracle_lost(o, id);
}

static void
forget_heard(struct oracle *o, size_t n)
{
	o->n_decided = 0;
	if (n == 0)
		return;
	size_t k = 0;
	const char *name;
	void *value;
	while (pb_map_next(o->duties, &k, &name, &value)) {
		struct duty *d = value;
		d->began = NULL;
		pb_event_unref(PB_TAKE(d->again));
	}

	for (size_t i = 0; i < n; i++)
		heard_fini(&o->heard[i]);
	o->n_heard -= n;
	memmove(o->heard, o->heard + n, o->n_heard * sizeof(*o->heard));
	o->n_forgotten += n;
}

/* What was stepped before changed nothing, or it would have been committed. */
void
oracle_decided(struct oracle *o, uint64_t n_taken, const struct pb_update *u)
{
	forget_heard(o, (size_t)(n_taken - u->n_inputs - o->n_forgotten));
	o->n_decided = u->n_inputs;
}

/* Each event that was taken has its incident in the same commit. */
static void
check_taken(struct oracle *o)
{
	size_t i = 0;
	const char *name;
	void *value;
	while (pb_map_next(o->duties, &i, &name, &value)) {
		struct duty *d = value;
		if (d->incident != NULL)
			continue;
		/* Opened and ended by one commit, it need not be kept: then it has ended. */
		if (!oracle_has_recovered(o, d) && !d->is_resolved_by_hand)
			oracle_broken(o, "P1: %s of playbook \"%s\" is taken and opens nothing",
			    d->event->identity, duty_playbook(d));
		d->is_over = true;
		(void)pb_map_del(o->duties, name);
	}
}

static bool
is_command(enum pb_input_kind kind)
{
	return kind == PB_IN_ACK || kind == PB_IN_SNOOZE || kind == PB_IN_ESCALATE ||
	    kind == PB_IN_RESOLVE || kind == PB_IN_APPROVE;
}

static void
take_all(struct oracle *o, bool of_people)
{
	for (size_t i = 0; i < o->n_decided; i++)
		if (is_command(o->heard[i].kind) == of_people)
			take(o, &o->heard[i]);
}

static void
each_incident(struct oracle *o, const struct pb_update *u,
    void (*see)(struct oracle *o, const struct pb_record *r))
{
	for (size_t i = 0; i < u->n_records; i++)
		if (u->records[i].kind == PB_REC_INCIDENT && u->records[i].body != NULL)
			see(o, &u->records[i]);
}

/* What people say of an incident that the same commit opens is heard once its id is known. */
void
oracle_commit(struct oracle *o, const struct pb_update *u)
{
	o->now = u->at;
	begin_with_ok(o);
	take_all(o, false);
	each_incident(o, u, oracle_link_incident);
	take_all(o, true);
	each_incident(o, u, oracle_take_incident);
	forget_heard(o, o->n_decided);
	for (size_t i = 0; i < u->n_records; i++) {
		const struct pb_record *r = &u->records[i];
		if (r->body == NULL)
			oracle_kept_free(pb_map_del(o->records[r->kind], r->key));
		else
			oracle_take_record(o, r);
	}
	oracle_check_locks(o);
	check_taken(o);
}

/* --- life */

void
oracle_boot(struct oracle *o, int64_t now, struct pb_config *config, bool is_degraded)
{
	struct pb_config *before = o->config;
	o->config = pb_config_ref(config);
	pb_config_unref(before);
	o->now = o->up_since = now;
	o->is_degraded = is_degraded;
	o->is_draining = false;
	o->wall_ahead = 0; /* a start goes by the wall clock; where it may not, it is told */
	forget_heard(o, o->n_heard);
	o->n_forgotten = 0;
	pb_map_free(o->running, NULL);
	o->running = pb_map_new();
}

struct oracle *
oracle_new(struct pb_config *config, int64_t commit_for,
    void (*broken)(void *arg, const char *line), void *arg)
{
	struct oracle *o = pb_calloc(1, sizeof(*o));
	o->config = pb_config_ref(config);
	o->commit_for = commit_for;
	o->broken = broken;
	o->arg = arg;
	for (size_t i = 0; i < PB_REC_MAX; i++)
		o->records[i] = pb_map_new();
	struct pb_map **const maps[] = {&o->alarms, &o->seen, &o->duties, &o->incidents,
	    &o->silences, &o->gone, &o->attempts, &o->running, &o->unknown, &o->brakes};
	for (size_t i = 0; i < PB_ARRAY_LEN(maps); i++)
		*maps[i] = pb_map_new();
	return o;
}

void
hush_free(void *arg)
{
	struct hush *h = arg;
	pb_pattern_free(h->pattern);
	free(h->match);
	free(h);
}

void
duty_free(struct duty *d)
{
	free(d->name);
	free(d->incident);
	free(d->bundle);
	free(d->bundle_before);
	pb_event_unref(d->event);
	pb_event_unref(d->again);
	pb_config_unref(d->config);
	pb_map_free(d->unsafe, NULL);
	free(d);
}

void
oracle_free(struct oracle *o)
{
	if (o == NULL)
		return;
	forget_heard(o, o->n_heard);
	free(o->heard);
	for (size_t i = 0; i < PB_REC_MAX; i++)
		pb_map_free(o->records[i], oracle_kept_free);
	for (size_t i = 0; i < o->n_all; i++)
		duty_free(o->all[i]);
	free(o->all);
	pb_map_free(o->alarms, free);
	pb_map_free(o->seen, NULL);
	pb_map_free(o->duties, NULL);
	pb_map_free(o->incidents, NULL);
	pb_map_free(o->silences, hush_free);
	json_decref(o->mutes);
	pb_map_free(o->gone, NULL);
	pb_map_free(o->attempts, NULL);
	pb_map_free(o->running, NULL);
	pb_map_free(o->unknown, NULL);
	pb_map_free(o->brakes, oracle_times_free);
	pb_config_unref(o->config);
	free(o);
}
