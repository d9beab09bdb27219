/*
 * What the records say that were committed: incidents, their ladders and runs, beside what was taken.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/oracle_book.h"

bool
oracle_has_recovered(const struct oracle *o, const struct duty *d)
{
	const struct sighting *s =
	    d->event->alarm_arn == NULL ? NULL : pb_map_get(o->alarms, d->event->alarm_arn);
	bool by_ok = d->playbook == NULL || d->playbook->resolve_on_ok;
	return d->has_ended || (by_ok && (d->was_ok || (s != NULL && s->is_over)));
}

/* One condition of a verification, as far as the events that were taken tell. */
static bool
may_hold(const struct oracle *o, const struct duty *d, const struct pb_condition *c)
{
	if (c->alarm == NULL)
		return true;
	PB_CLEANUP(pb_freep) char *arn = oracle_expand(c->alarm, d->event);
	const struct sighting *s = arn == NULL ? NULL : pb_map_get(o->alarms, arn);
	return arn == NULL ||
	    (s != NULL && s->state == c->state && o->now >= s->changed_at + c->held_for);
}

/* Its run passed: was there one, and does what it verifies hold? */
static bool
may_be_remediated(const struct oracle *o, const struct duty *d)
{
	const struct pb_playbook *p = d->playbook;
	if (p == NULL || p->n_steps == 0 || p->guards.mode == PB_MODE_OBSERVE)
		return false;
	const struct pb_step *last = &p->steps[p->n_steps - 1];
	bool verifies = false;
	for (size_t i = 0; i < p->n_steps; i++)
		verifies = verifies || p->steps[i].kind == PB_STEP_VERIFY;
	if (!verifies && d->event->kind == PB_EVENT_ALARM && p->resolve_on_ok)
		return oracle_has_recovered(o, d);
	for (size_t i = 0;
	     last->kind == PB_STEP_VERIFY && last->condition == NULL && i < last->n_conditions; i++)
		if (!may_hold(o, d, &last->conditions[i]))
			return false;
	return verifies || d->has_worked;
}

static void
close_duty(struct oracle *o, struct duty *d, const struct pb_record *r)
{
	const char *cause = pb_json_str_or(r->body, "cause", "");
	bool is_right = pb_streq(cause, "by_hand") ? d->is_resolved_by_hand
	    : pb_streq(cause, "remediated")        ? may_be_remediated(o, d)
						   : oracle_has_recovered(o, d);
	if (!is_right)
		oracle_broken(o, "P2: %s is resolved as %s, and it is not so", r->key, cause);
	d->is_over = true;
	(void)pb_map_del(o->duties, d->name);
}

/* The open problem that the record is about; NULL when there is none. */
static struct duty *
duty_of(const struct oracle *o, const struct pb_record *r)
{
	PB_CLEANUP(pb_freep)
	char *name = pb_asprintf(
	    "%s\n%s", pb_json_str_or(r->body, "playbook", ""), pb_json_str_or(r->body, "key", ""));
	return pb_map_get(o->duties, name);
}

/* The first record of an incident tells its id, which people use. */
void
oracle_link_incident(struct oracle *o, const struct pb_record *r)
{
	struct duty *d = duty_of(o, r), *last = pb_map_get(o->incidents, r->key);
	bool is_resolved = pb_streq(r->state, "resolved");
	if (d == NULL && (!is_resolved || last == NULL))
		oracle_broken(
		    o, "P1: %s is %s, and no event that was taken says so", r->key, r->state);
	if (d == NULL || (is_resolved && last != NULL))
		return; /* a resolved one is told once more */
	int64_t n_reopened = pb_json_i64(r->body, "n_reopened", 0);
	if (d->incident != NULL && d->again != NULL &&
	    (!pb_streq(d->incident, r->key) || n_reopened > d->n_reopened)) {
		/* Within one commit it was over and came again.  Whether a verification held in between
		 * cannot be told from its end. */
		const char *cause = pb_json_str_or(r->body, "last_cause", "");
		if (strncmp(cause, "recovered", 9) == 0 && !oracle_has_recovered(o, d))
			oracle_broken(o, "P2: %s is opened again, and was not over", r->key);
		d->is_over = true;
		d = duty_new(o, d->again, d->playbook, d->escalation, d->name);
	}
	if (d->incident != NULL)
		return;
	if (d->again != NULL && n_reopened > (last == NULL ? 0 : last->n_reopened + 1)) {
		/* Within one commit it began, was over and came again. */
		d->is_over = true;
		d = duty_new(o, d->again, d->playbook, d->escalation, d->name);
	}
	d->incident = pb_strdup(r->key);
	d->n_reopened = n_reopened;
	(void)pb_map_put(o->incidents, r->key, d);
}

void
oracle_take_incident(struct oracle *o, const struct pb_record *r)
{
	struct duty *d = duty_of(o, r);
	if (d == NULL || d->incident == NULL)
		return;
	if (!pb_streq(d->incident, r->key)) {
		if (!pb_streq(r->state, "resolved"))
			oracle_broken(
			    o, "P1: %s and %s are open for one problem", d->incident, r->key);
	} else if (pb_streq(r->state, "resolved")) {
		close_duty(o, d, r);
	}
}

void
oracle_kept_free(void *arg)
{
	struct kept *k = arg;
	if (k == NULL)
		return;
	free(k->state);
	json_decref(k->body);
	free(k);
}

/* With whom it is told together; who answers a bundle answers for all that it tells of. */
static void
take_ladder(struct oracle *o, struct duty *d, const struct pb_record *r)
{
	const json_t *bundle = json_array_get(pb_json_get(r->body, "bundles"), 0);
	d->is_armed = true;
	if (d->bundle != NULL && !pb_streq(d->bundle, pb_json_str(bundle, "id"))) {
		free(d->bundle_before);
		d->bundle_before = PB_TAKE(d->bundle);
		d->bundle_before_since = d->bundle_since;
	}
	free(d->bundle);
	d->bundle = pb_strdup(pb_json_str(bundle, "id"));
	d->bundle_since = pb_json_i64(bundle, "since", 0);
	bundle = json_array_get(pb_json_get(r->body, "bundles"), 1);
	if (bundle != NULL) { /* both came by one commit */
		free(d->bundle_before);
		d->bundle_before = pb_strdup(pb_json_str(bundle, "id"));
		d->bundle_before_since = pb_json_i64(bundle, "since", 0);
	}
	/* Whether it is silenced is not known before the first poll; bounded by what the record says. */
	duty_put_off(d, pb_json_i64(r->body, "decide_by", 0));
	/* What was kept quiet until now may wait for a storm's next summary, once. */
	if (pb_json_bool(r->body, "is_put_off", false) && !d->is_put_off) {
		d->is_put_off = true;
		duty_put_off(d, o->now + d->escalation->storm_within);
	}
	if (d->bundle == NULL)
		return;
	/* A group waits for others, but for none of its incidents beyond page_by. */
	duty_put_off(d, d->since + (d->playbook == NULL ? 0 : d->playbook->page_by_for));
	/* What was told is told again with what is told next. */
	if (d->is_reached)
		duty_put_off(d, o->now + duty_longest_silence(d->escalation));
	if (strchr(d->bundle, 's') != NULL) /* a storm: not before the next summary may go out */
		duty_put_off(d, d->since + d->escalation->storm_within);
	if (pb_streq(r->state, "acked") || pb_streq(r->state, "snoozed")) {
		d->has_until = pb_json_i64(r->body, "next_at", o->now);
		duty_put_off(d, d->has_until);
	}
}

void
oracle_take_record(struct oracle *o, const struct pb_record *r)
{
	struct kept *k = pb_malloc(sizeof(*k)), *before;
	*k = (struct kept){pb_strdup(r->state), o->now, json_incref(r->body)};
	before = pb_map_put(o->records[r->kind], r->key, k);
	struct duty *d = pb_map_get(o->incidents, r->incident);
	if (d != NULL && r->kind == PB_REC_LADDER)
		take_ladder(o, d, r);
	if (d != NULL && r->kind == PB_REC_RUN)
		oracle_run_changed(o, d, before == NULL ? "none" : before->state, r->state);
	/* A reader takes a page with an id that it knows for a repeat, and a FIFO topic drops it. */
	if (before == NULL && pb_map_get(o->gone, r->key) != NULL &&
	    (r->kind == PB_REC_INCIDENT || r->kind == PB_REC_BUNDLE))
		oracle_broken(
		    o, "P3: %s is the id of another one that a crash has taken away", r->key);
	oracle_kept_free(before);
}
