/*
 * The notices of a bundle: who was resolved, to whom it was told, and when.
 */
#include "bundle.h"

int64_t
bundle_notice_when(const struct turn *t, const struct bundle *b)
{
	const struct pb_escalation *esc = bundle_escalation(b);
	bool is_storm = b->kind == BUNDLE_STORM;
	int64_t at = t->now + (is_storm ? esc->storm_within : esc->group_wait_for);
	int64_t gap = is_storm ? esc->storm_every : esc->group_interval_for;
	if (b->n_open == 0 && b->state != BUNDLE_OPEN)
		return t->now;
	if (b->n_open == 0 && !is_storm)
		return t->now;
	return b->noticed_at > 0 && at < b->noticed_at + gap ? b->noticed_at + gap : at;
}

struct reader {
	const char *contact, *channel;
	size_t level;
	int64_t last; /* number of the last page to them */
};

/* Everybody to whom a page went out, or may have. */
static struct reader *
readers_of(const struct bundle *b, size_t *ret_n)
{
	struct reader *list = NULL;
	size_t n = 0;
	for (const struct page *p = b->out.first; p != NULL; p = p->next) {
		size_t i = 0;
		if (p->is_notice)
			continue;
		while (i < n &&
		    (strcmp(list[i].contact, p->contact) != 0 ||
			strcmp(list[i].channel, p->channel) != 0))
			i++;
		if (i == n) {
			list = pb_realloc(list, (n + 1) * sizeof(*list));
			list[n++] = (struct reader){p->contact, p->channel, p->level, 0};
		}
		if (p->round > list[i].last)
			list[i].last = p->round;
	}
	*ret_n = n;
	return list;
}

void
bundle_forget_gone(struct bundle *b)
{
	for (size_t i = 0; i < bundle_n_listed(b); i++) {
		free(b->gone[i].id);
		free(b->gone[i].title);
		free(b->gone[i].cause);
		b->gone[i] = (struct gone){0};
	}
	b->n_gone_new = b->gone_since = 0;
	(void)json_array_clear(b->owed);
}

static bool
is_owed(const json_t *list, const char *contact, const char *channel)
{
	size_t i;
	const json_t *name;
	size_t len = strlen(contact);
	json_array_foreach (list, i, name) {
		const char *text = json_string_value(name);
		if (text != NULL && strncmp(text, contact, len) == 0 && text[len] == '@' &&
		    strcmp(text + len + 1, channel) == 0)
			return true;
	}
	return false;
}

void
bundle_send_notices(struct turn *t, struct bundle *b)
{
	size_t n;
	PB_CLEANUP(pb_freep) struct reader *readers = readers_of(b, &n);
	b->notice_at = PB_NEVER;
	b->noticed_at = t->now;
	b->n_notices++;
	for (size_t i = 0; i < n; i++) {
		const struct pb_contact *to = contact_find(b->config, readers[i].contact);
		const struct pb_channel *ch = channel_find(b->config, readers[i].channel);
		const struct page like = {.is_notice = true,
		    .level = readers[i].level,
		    .round = b->n_notices,
		    .fallback_at = PB_NEVER};
		bool is_told = b->gone_since > 0 && readers[i].last >= b->gone_since;
		if (to == NULL || ch == NULL || (!is_told && !is_owed(b->owed, to->name, ch->name)))
			continue;
		outbox_note(t, &b->out, "notice", "to %s by %s: %lld resolved, %zu open", to->name,
		    ch->name, (long long)b->n_gone_new, b->n_open);
		page_start(t, &b->out, &like, to, ch);
	}
	bundle_forget_gone(b);
	bundle_put(t, b);
}

/* Was anything sent to them by this channel since the first page that told of the member? */
static bool
has_reader(const struct member *m, const struct page *like)
{
	for (const struct page *p = m->bundle->out.first; p != NULL; p = p->next)
		if (!p->is_notice && p->round >= m->since &&
		    strcmp(p->contact, like->contact) == 0 &&
		    strcmp(p->channel, like->channel) == 0)
			return true;
	return false;
}

static const struct member *
told_by_storm(const struct member *m)
{
	const struct member *storm = m->bundle->kind == BUNDLE_GROUP ? m->in->members : NULL;
	while (storm != NULL && (storm->bundle->kind != BUNDLE_STORM || !bundle_was_told(storm)))
		storm = storm->next_own;
	return storm;
}

/* Those who were told of it by the group and not by the storm hear the group's notice; false when there
 * are none. */
static bool
owe(struct bundle *b, const struct member *m, const struct member *storm)
{
	bool owes = false;
	for (const struct page *p = b->out.first; p != NULL; p = p->next) {
		if (p->is_notice || p->round < m->since || has_reader(storm, p))
			continue;
		owes = true;
		if (!is_owed(b->owed, p->contact, p->channel))
			json_array_append_new(
			    b->owed, json_sprintf("%s@%s", p->contact, p->channel));
	}
	return owes;
}

bool
bundle_remember_gone(struct bundle *b, const struct member *m)
{
	const struct incident *in = m->in;
	const struct member *storm = told_by_storm(m);
	b->n_gone++;
	if (storm != NULL && !owe(b, m, storm))
		return false;
	if (storm == NULL && (b->gone_since == 0 || m->since < b->gone_since))
		b->gone_since = m->since;
	if (b->n_gone_new < BUNDLE_GONE_MAX)
		b->gone[b->n_gone_new] = (struct gone){.id = pb_strdup(in->id),
		    .title = pb_strdup(incident_title(in)),
		    .cause = pb_strdup(in->cause)};
	b->n_gone_new++;
	return true;
}
