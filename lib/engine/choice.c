/*
 * Why an event went to the playbook it went to: notes for whoever asks later, at a bounded cost.
 *
 * Told once, when an incident opens: the first playbooks in front of the chosen one, each with the
 * field at which it first differs, and those behind it that match as well.
 */
#include "internal.h"

#define DIFFERS_MAX 3
#define SHADOWED_MAX 5
#define NUMBERED_MAX 1000 /* playbooks that are looked through for the first ones */

/* Sorted, as the matcher gives them. */
static bool
has(const struct choice *c, size_t playbook)
{
	for (size_t i = 0; i < c->n && c->ids[i] <= playbook; i++)
		if (c->ids[i] == playbook)
			return true;
	return false;
}

static void
note_differs(struct turn *t, const struct pb_event *ev, const char *incident,
    const struct pb_playbook *p, bool is_in_front)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	(void)pb_pattern_why_text(p->match, ev->text, &why);
	pb_update_note(t->u, incident, p->name, "", "differs", "%s%s does not match: %s", p->name,
	    is_in_front ? " stands in front and" : "", why.ptr == NULL ? "?" : why.ptr);
}

static void
note_shadowed(struct turn *t, const char *incident, const struct choice *c, size_t playbook)
{
	const struct pb_config *config = t->e->config;
	PB_CLEANUP(pb_buf_fini) struct pb_buf names = PB_BUF_INIT;
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (c->ids[i] <= playbook)
			continue;
		if (n++ < SHADOWED_MAX)
			pb_buf_addf(
			    &names, "%s%s", n > 1 ? ", " : "", config->playbooks[c->ids[i]].name);
	}
	if (n > SHADOWED_MAX)
		pb_buf_addf(&names, " and %zu more", n - SHADOWED_MAX);
	if (n > 0)
		pb_update_note(t->u, incident, config->playbooks[playbook].name, "", "match",
		    "would match too, but stand%s behind %s: %s", n == 1 ? "s" : "",
		    config->playbooks[playbook].name, names.ptr);
}

void
choice_note(struct turn *t, const struct pb_event *ev, const char *incident, size_t playbook,
    const struct choice *c)
{
	const struct pb_config *config = t->e->config;
	bool is_chosen = playbook != PB_NONE;
	size_t front = is_chosen ? playbook : config->n_playbooks, n = 0, i = 0;
	for (; i < front && i < NUMBERED_MAX && n < DIFFERS_MAX; i++) {
		if (has(c, i))
			continue;
		note_differs(t, ev, incident, &config->playbooks[i], is_chosen);
		n++;
	}
	size_t matching = 0;
	for (size_t k = 0; k < c->n && c->ids[k] < front; k++)
		matching += c->ids[k] >= i;
	if (front - i > matching)
		pb_update_note(t->u, incident, "", "", "differs", "nor do%s %zu more%s",
		    front - i - matching == 1 ? "es" : "", front - i - matching,
		    is_chosen ? " in front of it" : "");
	if (is_chosen && !config->playbooks[playbook].looks_further)
		note_shadowed(t, incident, c, playbook);
}

/* By the event's bytes: most events are dropped, and nobody makes a tree of one for that. */
char *
choice_first(const struct pb_engine *e, const struct pb_event *ev)
{
	const struct pb_config *c = e->config;
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	if (c->n_playbooks == 0)
		return pb_strdup("there are no playbooks");
	(void)pb_buf_addf(&why, "%s: ", c->playbooks[0].name);
	(void)pb_pattern_why_text(c->playbooks[0].match, ev->text, &why);
	if (c->n_playbooks > 1)
		(void)pb_buf_addf(&why, "; nor do%s %zu more", c->n_playbooks == 2 ? "es" : "",
		    c->n_playbooks - 1);
	return pb_buf_take(&why);
}
