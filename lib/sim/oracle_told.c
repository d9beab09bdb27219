/*
 * Who must be told by when (P2, P5), and what comes out: receipts, pages and steps (P1, P3).
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/oracle_book.h"

/* Nobody was reached: the next try comes after its retry delay, and a hung one has to be given up. */
#define TRY_AGAIN_MOST (2 * PB_MINUTE)
/* Everybody was told and nobody answered: the last level hears of it so often. */
#define REMIND_MOST (30 * PB_MINUTE)

/* The longest time without a word that its escalation allows once somebody was told. */
int64_t
duty_longest_silence(const struct pb_escalation *e)
{
	int64_t most = REMIND_MOST, last = e->levels[e->n_levels - 1].after_for;
	for (size_t i = 0; i < e->n_levels; i++) {
		int64_t repeats = e->levels[i].repeat_every;
		most = repeats > most ? repeats : most;
	}
	most = last > most ? last : most;
	return most + e->group_interval_for + e->storm_every;
}

static bool
is_muted(const struct oracle *o, const struct duty *d)
{
	size_t i, k;
	const json_t *rule, *arn;
	const json_t *said =
	    json_object_get(json_object_get(pb_event_json(d->event), "detail"), "muteDetail");
	/* The event says so itself, until a later list says otherwise. */
	int64_t wall = o->now + o->wall_ahead;
	if (o->mutes_at + o->wall_ahead <= d->event->time_at && o->mutes_at <= d->since &&
	    pb_json_time(json_object_get(said, "muteWindowEnd")) >= wall)
		return true;
	json_array_foreach (o->mutes, i, rule)
		json_array_foreach (json_object_get(rule, "alarms"), k, arn)
			if (o->now <= o->mutes_until &&
			    wall <= pb_json_i64(rule, "until", PB_NEVER) &&
			    pb_streq(json_string_value(arn), d->event->alarm_arn))
				return true;
	return false;
}

bool
oracle_is_hushed(const struct oracle *o, const struct duty *d)
{
	size_t i = 0;
	const char *key;
	void *value;
	while (pb_map_next(o->silences, &i, &key, &value)) {
		const struct hush *h = value;
		if (!h->is_ended && o->now <= h->until &&
		    pb_pattern_match(h->pattern, pb_event_json(d->event)))
			return true;
	}
	if (is_muted(o, d))
		return true;
	int64_t from, until;
	for (size_t k = 0; k < o->config->n_maintenance; k++) {
		const struct pb_maintenance *m = &o->config->maintenance[k];
		if (m->holds_pages &&
		    pb_maintenance_is_open(m, o->now + o->wall_ahead, &from, &until) &&
		    pb_pattern_match(m->match, pb_event_json(d->event)))
			return true;
	}
	int64_t flaps =
	    d->playbook == NULL ? PB_DEFAULT_FLAP_TIMES : d->playbook->guards.flap_times;
	if (d->n_reopened >= flaps && d->is_reached && oracle_has_recovered(o, d))
		return true;
	for (size_t k = 0; d->playbook != NULL && k < d->playbook->n_inhibited_by; k++)
		for (i = 0; pb_map_next(o->duties, &i, &key, &value);)
			if (value != d &&
			    pb_streq(duty_playbook(value), d->playbook->inhibited_by[k]))
				return true;
	return false;
}

static void
check_told(struct oracle *o, struct duty *d)
{
	const char *id = d->incident == NULL ? "(no incident)" : d->incident;
	if (o->now <= d->due_at + o->commit_for || o->now <= o->up_since + o->commit_for)
		return;
	bool was_held = d->is_held;
	d->is_held = oracle_is_hushed(o, d);
	if (was_held && !d->is_held)
		d->due_at = o->now + ORACLE_AT_ONCE;
	if (was_held || d->is_held)
		return;
	if (o->now <= d->has_until + o->commit_for)
		return;
	oracle_broken(o, "P2: %s of playbook \"%s\" is open and nobody was told by its time", id,
	    duty_playbook(d));
	d->due_at = PB_NEVER / 2; /* said once */
}

/* A page that was not delivered is in flight, or tried again soon. */
static void
check_reached(struct oracle *o, struct duty *d)
{
	if (d->is_reached || d->tried_at == 0 || o->now <= d->has_until ||
	    o->now <= o->up_since + TRY_AGAIN_MOST + o->commit_for ||
	    o->now <= d->tried_at + TRY_AGAIN_MOST + o->commit_for)
		return;
	if (oracle_is_hushed(o, d))
		return;
	oracle_broken(o, "P2: %s is open, nobody was reached and nobody is tried", d->incident);
	d->is_reached = true; /* said once */
}

void
oracle_quiet(struct oracle *o, int64_t now, int64_t engine_next_at)
{
	size_t i = 0;
	const char *name;
	void *value;
	o->now = now;
	while (pb_map_next(o->duties, &i, &name, &value)) {
		check_told(o, value);
		check_reached(o, value);
	}
	if (pb_map_len(o->duties) > 0 && engine_next_at >= PB_NEVER)
		oracle_broken(o, "P5: something is open and the engine waits for nothing");
}

bool
oracle_owes(const struct oracle *o)
{
	return pb_map_len(o->duties) > 0;
}

void
duty_put_off(struct duty *d, int64_t until)
{
	if (until > d->due_at)
		d->due_at = until;
}

/* --- what comes out */

void
oracle_receipt(struct oracle *o, int64_t now, const struct pb_event *ev)
{
	o->now = now;
	/* Also an alarm's where its time has not come. */
	if (oracle_record(o, PB_REC_SEEN, ev->identity) != NULL)
		return;
	bool is_durable =
	    ev->kind == PB_EVENT_ALARM && oracle_record(o, PB_REC_ALARM, ev->alarm_arn) != NULL;
	const struct sighting *s =
	    ev->kind == PB_EVENT_ALARM ? pb_map_get(o->alarms, ev->alarm_arn) : NULL;
	if (!is_durable ||
	    (ev->kind == PB_EVENT_ALARM &&
		(s == NULL || s->transitioned_at < ev->transitioned_at ||
		    pb_json_i64(oracle_record(o, PB_REC_ALARM, ev->alarm_arn)->body,
			"transitioned_at", 0) < ev->transitioned_at)))
		oracle_broken(o, "P1: %s is deleted and not durable", ev->identity);
}

static void
tell(struct oracle *o, struct duty *d)
{
	d->tried_at = o->now;
	d->is_put_off = false;
	duty_put_off(d, o->now + duty_longest_silence(d->escalation));
}

static void
page_started(struct oracle *o, struct duty *d, const struct pb_action *a)
{
	/* The record is the page's, the action one try of it. */
	PB_CLEANUP(pb_freep) char *id = pb_strndup(a->id, (size_t)(strrchr(a->id, '/') - a->id));
	const struct kept *k = oracle_record(o, PB_REC_ACTION, id);
	if (k == NULL || !pb_streq(k->state, "sending"))
		oracle_broken(o, "P3: %s is started and its record says %s", a->id,
		    k == NULL ? "nothing" : k->state);
	/* Decided before it came again, within the same commit: of that nobody is told yet. */
	const struct kept *ladder = oracle_record(o, PB_REC_LADDER, a->incident);
	bool is_before = ladder != NULL && pb_streq(ladder->state, "armed");
	if (d != NULL && !is_before && strstr(a->id, "/page/") != NULL)
		tell(o, d);
}

bool
duty_is_told_by(const struct duty *d, const char *bundle, int64_t number)
{
	if (pb_streq(d->bundle, bundle))
		return d->bundle_since > 0 && d->bundle_since <= number;
	return pb_streq(d->bundle_before, bundle) && d->bundle_before_since > 0 &&
	    d->bundle_before_since <= number;
}

/* "BUNDLE/page/NUMBER.LEVEL.REPEAT/..." tells of each member that it began with, or that came before. */
static void
bundle_started(struct oracle *o, const struct pb_action *a)
{
	const char *page = strstr(a->id, "/page/"), *name;
	int64_t number = page == NULL ? 0 : strtoll(page + 6, NULL, 10);
	size_t i = 0;
	void *value;
	page_started(o, NULL, a);
	while (page != NULL && pb_map_next(o->duties, &i, &name, &value)) {
		struct duty *d = value;
		if (duty_is_told_by(d, a->incident, number))
			tell(o, d);
	}
}

void
oracle_start(struct oracle *o, int64_t now, const struct pb_action *a)
{
	struct duty *d = pb_map_get(o->incidents, a->incident);
	o->now = now;
	if (pb_map_put(o->attempts, a->id, o) != NULL)
		oracle_broken(o, "P3: attempt %s is started twice", a->id);
	if (a->is_post) /* informs; nobody is owed it */
		return;
	if (a->is_page && oracle_record(o, PB_REC_BUNDLE, a->incident) != NULL) {
		bundle_started(o, a);
		return;
	}
	if (d == NULL) {
		oracle_broken(o, "P3: %s is started for an incident that is not committed", a->id);
		return;
	}
	if (!d->is_armed)
		oracle_broken(o, "P2: %s is started and no page is armed", a->id);
	if (a->is_page)
		page_started(o, d, a);
	else
		oracle_step_started(o, d, a);
}
