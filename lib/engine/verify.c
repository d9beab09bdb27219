/*
 * What a verification looks at: the states of alarms, and with probe.c the answers of addresses.
 */
#include "playbook/template.h"
#include "step.h"

/*
 * When a condition will have held long enough if nothing changes; PB_NEVER while it does not hold.
 * The state must have been evaluated after the step before ended, and not only by a process before this
 * one: where a source polls the alarm, by a transition since then or by a poll that began since then.
 */
static int64_t
holds_at(struct turn *t, const struct pb_condition *c, const char *arn, int64_t from_at)
{
	const struct alarm *a = arn == NULL ? NULL : pb_map_get(t->e->alarms, arn);
	if (a == NULL || a->state != c->state)
		return PB_NEVER;
	const struct source *s = pb_map_get(t->e->sources, a->source);
	int64_t since = from_at > t->e->boot_at ? from_at : t->e->boot_at;
	if (source_polls(t->e->config, a->source) && a->changed_at < since &&
	    (s == NULL || s->polled_at < since))
		return PB_NEVER;
	return (a->changed_at > from_at ? a->changed_at : from_at) + c->held_for;
}

/*
 * Once for each step: in a storm every step that waits looks again at each event, and what the
 * templates pick from stays as it is while it waits.
 */
static void
name_alarms(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	if (s->alarms != NULL)
		return;
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	s->n_alarms = def->n_conditions;
	s->alarms = pb_calloc(s->n_alarms + 1, sizeof(*s->alarms));
	s->places = pb_calloc(s->n_alarms + 1, sizeof(*s->places));
	for (size_t k = 0; k < s->n_alarms; k++)
		if (def->conditions[k].alarm != NULL &&
		    pb_template_expand_text(
			def->conditions[k].alarm, context, &s->alarms[k], NULL) == 0)
			crowd_join(t->e->lookers, s->alarms[k], &s->places[k], in);
}

void
step_unwatch(struct step_run *s)
{
	for (size_t k = 0; k < s->n_alarms; k++) {
		crowd_leave(&s->places[k]);
		free(s->alarms[k]);
	}
	free(s->alarms);
	free(s->places);
	s->alarms = NULL;
	s->places = NULL;
	s->n_alarms = 0;
}

static int64_t
all_hold_at(struct turn *t, struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	const struct step_run *s = &in->run.steps[i];
	int64_t at = 0;
	if (!probe_all_good(in, i))
		return PB_NEVER;
	/* Nobody has said what is to be OK: all that it stands for. */
	PB_CLEANUP(pb_freep) char *burning = def == &in->run.implicit ? joined_burning(in) : NULL;
	if (burning != NULL)
		return PB_NEVER;
	name_alarms(t, in, i);
	for (size_t k = 0; k < def->n_conditions; k++) {
		if (def->conditions[k].url != NULL)
			continue;
		int64_t one = holds_at(t, &def->conditions[k], s->alarms[k], s->started_at);
		if (one > at)
			at = one;
	}
	return at;
}

void
step_check(struct turn *t, struct incident *in)
{
	struct step_run *s = run_current(in);
	if (s == NULL || s->state != STEP_CHECKING)
		return;
	size_t i = in->run.step;
	int64_t at = all_hold_at(t, in, i);
	if (at <= t->now) {
		step_input(t, in, i, STEP_HOLDS, NULL);
		return;
	}
	if (at == s->next_at)
		return;
	char until[PB_TIME_TEXT];
	if (at == PB_NEVER)
		incident_note(t, in, run_step_def(in, i)->name, "verify", "does not hold any more");
	else
		incident_note(t, in, run_step_def(in, i)->name, "verify",
		    "holds; passes at %s if it stays so", pb_time_clock(until, wall_of(t->e, at)));
	step_enter(t, in, i, STEP_CHECKING, at);
}

static void
check_each(struct turn *t, struct incident **list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		list[i]->is_listed = false;
		step_check(t, list[i]);
		incident_settle(t, list[i]);
	}
}

void
step_check_alarm(struct turn *t, const char *arn)
{
	size_t n;
	PB_CLEANUP(pb_freep) struct incident **list = crowd_list(t->e->lookers, arn, &n);
	check_each(t, list, n);
}

/* Listed first, each once: a step that passes may be followed by one that looks at other alarms. */
void
step_check_source(struct turn *t, const char *source)
{
	const struct pb_engine *e = t->e;
	size_t n = 0;
	const char *arn;
	void *value;
	PB_CLEANUP(pb_freep)
	struct incident **list = pb_calloc(pb_map_len(e->incidents) + 1, sizeof(struct incident *));
	for (size_t i = 0; pb_map_next(e->lookers, &i, &arn, &value);) {
		const struct alarm *a = pb_map_get(e->alarms, arn);
		if (a == NULL || strcmp(a->source, source) != 0)
			continue;
		for (const struct place *p = ((struct crowd *)value)->first; p != NULL;
		     p = p->next) {
			if (!p->in->is_listed)
				list[n++] = p->in;
			p->in->is_listed = true;
		}
	}
	check_each(t, list, n);
}
