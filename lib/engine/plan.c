/*
 * A new configuration and the incidents that began with another one.
 *
 * An incident keeps its plan to its end: steps, guards, escalation, channels, contacts and schedules
 * as they were when it opened, also those that are gone.  What that means for it is noted, once for
 * the set and once for each incident that it means something for.
 */
#include "internal.h"

#define TOLD_MAX 50 /* incidents */

static void
add_fate(struct pb_buf *b, const struct incident *in, const struct pb_config *now, const char *word,
    const char *name)
{
	PB_CLEANUP(pb_freep) char *said = pb_asprintf("%s %s is", word, name);
	PB_CLEANUP(pb_freep) char *said_changed = pb_asprintf("%s %s has", word, name);
	if (b->len > 0 && (strstr(b->ptr, said) != NULL || strstr(b->ptr, said_changed) != NULL))
		return;
	switch (pb_config_item_fate(in->config, now, word, name)) {
	case PB_ITEM_GONE:
		(void)pb_buf_addf(b, "%s%s gone", b->len > 0 ? ", " : "", said);
		return;
	case PB_ITEM_CHANGED:
		(void)pb_buf_addf(b, "%s%s changed", b->len > 0 ? ", " : "", said_changed);
		return;
	case PB_ITEM_SAME:
	case PB_ITEM_NEW:
		return;
	}
}

static void
add_level(struct pb_buf *b, const struct incident *in, const struct pb_config *now,
    const struct pb_level *l)
{
	const struct pb_config *c = in->config;
	for (size_t i = 0; i < l->n_via; i++)
		add_fate(b, in, now, "channel", c->channels[l->via[i]].name);
	for (size_t i = 0; i < l->n_notify; i++)
		add_fate(b, in, now, "contact", c->contacts[l->notify[i]].name);
	for (size_t i = 0; i < l->n_schedules; i++) {
		const struct pb_schedule *s = &c->schedules[l->schedules[i]];
		add_fate(b, in, now, "schedule", s->name);
		for (size_t k = 0; k < s->n_people; k++)
			add_fate(b, in, now, "contact", c->contacts[s->people[k]].name);
	}
}

static void
add_playbook(struct pb_buf *b, const struct incident *in, const struct pb_config *now)
{
	const struct pb_config *c = in->config;
	const struct pb_playbook *p = incident_playbook(in);
	if (p == NULL)
		return;
	add_fate(b, in, now, "playbook", p->name);
	if (p->guards.budget != PB_NONE)
		add_fate(b, in, now, "budget", c->budgets[p->guards.budget].name);
	for (size_t i = 0; i < p->n_inform; i++)
		for (size_t k = 0; k < p->inform[i].n_via; k++)
			add_fate(b, in, now, "channel", c->channels[p->inform[i].via[k]].name);
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct pb_step *s = &p->steps[i];
		for (size_t k = 0; k < s->n_via; k++)
			add_fate(b, in, now, "channel", c->channels[s->via[k]].name);
		for (size_t k = 0; k < s->n_to; k++)
			add_fate(b, in, now, "contact", c->contacts[s->to[k]].name);
	}
}

/* What of its plan is another now; empty when nothing is. */
static void
add_fates(struct pb_buf *b, const struct incident *in, const struct pb_config *now)
{
	const struct pb_escalation *x = incident_escalation(in);
	add_playbook(b, in, now);
	add_fate(b, in, now, "escalation", x->name);
	for (size_t i = 0; i < x->n_levels; i++)
		add_level(b, in, now, &x->levels[i]);
	for (size_t i = 0; i < x->n_fallback_via; i++)
		add_fate(b, in, now, "channel", in->config->channels[x->fallback_via[i]].name);
}

void
plan_changed(struct turn *t, const struct pb_config *old)
{
	const struct pb_config *now = t->e->config;
	PB_CLEANUP(pb_buf_fini) struct pb_buf changes = PB_BUF_INIT;
	size_t i = 0, n = 0;
	const char *id;
	void *value;
	pb_config_add_changes(old, now, &changes);
	if (changes.len > 0)
		pb_update_note(t->u, "", "", "", "config", "%s", changes.ptr);
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		const struct incident *in = value;
		PB_CLEANUP(pb_buf_fini) struct pb_buf fates = PB_BUF_INIT;
		if (in->state == INCIDENT_RESOLVED)
			continue;
		add_fates(&fates, in, now);
		if (fates.len > 0 && n++ < TOLD_MAX)
			incident_note(t, in, "", "config",
			    "it goes on by the plan it began with, %.12s, although %s",
			    in->config->digest, fates.ptr);
	}
	if (n > TOLD_MAX)
		pb_update_note(t->u, "", "", "", "config",
		    "%zu more open incidents go on by a plan of which something is gone or changed",
		    n - TOLD_MAX);
}

size_t
pb_engine_n_old_plans(const struct pb_engine *e)
{
	return e->n_open - crowd_count(e->plans, e->config->digest);
}
