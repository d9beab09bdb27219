/*
 * Groups: which incidents are alike, and how long one waits for others.
 *
 * The words are Alertmanager's: a new group collects for group_wait before its first page; between
 * first pages of later members lies group_interval.  Neither puts a first page off beyond its
 * page_by, and pages to levels reached, repeats and further levels wait for nobody: those that fall due
 * together go together.
 */
#include "bundle.h"

#include "base/json.h"

#define KEY_MAX 1000

/* A field of group_by; "" when it has none. */
static char *
pick(const struct turn *t, const struct incident *in, const char *field)
{
	if (strcmp(field, "playbook") == 0)
		return pb_strdup(incident_playbook_name(in));
	if (strcmp(field, "severity") == 0)
		return pb_strdup(incident_severity(in));
	return context_pick(t->e, in, field);
}

/* For people, and what tells groups apart: values are made safe, so that none can look like two. */
static char *
key_of(const struct turn *t, const struct incident *in)
{
	const struct pb_escalation *esc = incident_escalation(in);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(KEY_MAX);
	(void)pb_buf_adds(&b, "");
	for (size_t i = 0; i < esc->n_group_by; i++) {
		PB_CLEANUP(pb_freep) char *value = pick(t, in, esc->group_by[i]);
		(void)pb_buf_addf(&b, "%s%s=", i == 0 ? "" : ", ", esc->group_by[i]);
		pb_buf_add_safe(&b, pb_str_of(value), 200, false);
	}
	return pb_buf_take(&b);
}

struct bundle *
group_of(struct turn *t, struct incident *in)
{
	for (struct member *m = in->members; m != NULL; m = m->next_own)
		if (m->bundle->kind == BUNDLE_GROUP)
			return m->bundle;
	PB_CLEANUP(pb_freep) char *key = key_of(t, in);
	PB_CLEANUP(pb_freep) char *index = bundle_index(in->config, in->escalation, key);
	struct bundle *b = pb_map_get(t->e->groups, index);
	if (b != NULL)
		return b;
	b = bundle_new(t, BUNDLE_GROUP, in, key);
	(void)pb_map_put(t->e->groups, index, b);
	outbox_note(t, &b->out, "group", "begins: escalation %s, %s", incident_escalation(in)->name,
	    key[0] == '\0' ? "all of it" : key);
	return b;
}

int64_t
group_when(const struct turn *t, const struct bundle *b, const struct incident *in, size_t level)
{
	const struct pb_escalation *esc = bundle_escalation(b);
	int64_t at = t->now + esc->group_wait_for, sent_at = b->levels[level].sent_at;
	/* An answer is wanted in time: a question waits for group_wait only. */
	if (sent_at > 0 && at < sent_at + esc->group_interval_for && !ask_is_open(in))
		at = sent_at + esc->group_interval_for;
	return in->ladder.page_by_at < at ? in->ladder.page_by_at : at;
}
