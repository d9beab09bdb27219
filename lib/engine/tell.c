/*
 * Who hears of it: the people of a level now, over its channels, and at the end everybody who was told.
 */
#include "internal.h"

const struct pb_contact *
contact_find(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_contacts; i++)
		if (strcmp(c->contacts[i].name, name) == 0)
			return &c->contacts[i];
	return NULL;
}

const struct pb_channel *
channel_find(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_channels; i++)
		if (strcmp(c->channels[i].name, name) == 0)
			return &c->channels[i];
	return NULL;
}

static void
people_add(struct people *p, const size_t *contacts, size_t n)
{
	p->contacts = pb_realloc(p->contacts, (p->n + n + 1) * sizeof(*p->contacts));
	for (size_t i = 0; i < n; i++) {
		bool is_known = false;
		for (size_t k = 0; k < p->n; k++)
			is_known = is_known || p->contacts[k] == contacts[i];
		if (!is_known)
			p->contacts[p->n++] = contacts[i];
	}
}

struct people
people_on_call(const struct pb_config *c, const struct pb_level *l, int64_t wall)
{
	struct people p = {0};
	people_add(&p, l->notify, l->n_notify);
	for (size_t i = 0; i < l->n_schedules; i++) {
		const size_t *people;
		size_t n;
		pb_schedule_on_call(&c->schedules[l->schedules[i]], wall, &people, &n);
		people_add(&p, people, n);
	}
	return p;
}

bool
tell_can(struct turn *t, const struct outbox *o, size_t level, bool may_skip)
{
	const struct pb_level *l = &outbox_escalation(o)->levels[level];
	if (!may_skip || !l->skip_if_empty)
		return true;
	struct people p = people_on_call(outbox_config(o), l, wall_of(t->e, t->now));
	free(p.contacts);
	if (p.n == 0)
		outbox_note(
		    t, o, "page", "level %zu: nobody is on call; it is passed over", level + 1);
	return p.n > 0;
}

/* When nobody is on call, and somebody must be told: all of the level's rotations. */
static struct people
people_of(struct turn *t, const struct outbox *o, size_t level)
{
	const struct pb_config *c = outbox_config(o);
	const struct pb_level *l = &outbox_escalation(o)->levels[level];
	struct people p = people_on_call(c, l, wall_of(t->e, t->now));
	if (p.n > 0)
		return p;
	outbox_note(t, o, "page", "level %zu: nobody is on call; all of its rotations are paged",
	    level + 1);
	for (size_t i = 0; i < l->n_schedules; i++) {
		const struct pb_schedule *s = &c->schedules[l->schedules[i]];
		people_add(&p, s->people, s->n_people);
	}
	return p;
}

/* `like` with its texts not set; why it is sent is said in the note only. */
static void
tell_one(struct turn *t, struct outbox *o, const struct page *like, const char *why,
    const struct pb_contact *to, const struct pb_channel *ch)
{
	char repeat[32] = "";
	if (like->repeat > 0)
		(void)snprintf(repeat, sizeof(repeat), ", repeat %zu", like->repeat);
	outbox_note(t, o, "page", "level %zu%s to %s by %s: %s", like->level + 1, repeat, to->name,
	    ch->name, why);
	page_start(t, o, like, to, ch);
}

bool
tell_level(
    struct turn *t, struct outbox *o, const struct page *like, const char *why, bool may_skip)
{
	const struct pb_config *c = outbox_config(o);
	const struct pb_escalation *esc = outbox_escalation(o);
	const struct pb_level *l = &esc->levels[like->level];
	if (!tell_can(t, o, like->level, may_skip))
		return false;
	struct people p = people_of(t, o, like->level);
	struct page page = *like;
	page.fallback_at = esc->n_fallback_via > 0 ? t->now + esc->fallback_after_for : PB_NEVER;
	for (size_t i = 0; i < p.n; i++)
		for (size_t k = 0; k < l->n_via; k++)
			tell_one(
			    t, o, &page, why, &c->contacts[p.contacts[i]], &c->channels[l->via[k]]);
	free(p.contacts);
	return true;
}

/* A notice that reached, or may reach, the same contact by the same channel after this page. */
static bool
was_told(const struct page *p)
{
	for (const struct page *q = p->next; q != NULL; q = q->next)
		if (q->is_notice && (q->state == PAGE_SENT || q->state == PAGE_SENDING) &&
		    strcmp(q->contact, p->contact) == 0 && strcmp(q->channel, p->channel) == 0)
			return true;
	return false;
}

/* To everybody to whom a page went out (or may have) since they were last told, once each, and to
 * nobody else. */
void
tell_end(struct turn *t, struct outbox *o)
{
	const struct page *last = o->first; /* what is added comes behind it */
	while (last != NULL && last->next != NULL)
		last = last->next;
	for (struct page *p = o->first; p != NULL; p = p == last ? NULL : p->next) {
		const struct pb_contact *to = contact_find(outbox_config(o), p->contact);
		const struct pb_channel *ch = channel_find(outbox_config(o), p->channel);
		const struct page like = {
		    .is_notice = true, .level = p->level, .fallback_at = PB_NEVER};
		if (p->is_notice || was_told(p) || to == NULL || ch == NULL)
			continue;
		outbox_note(t, o, "notice", "to %s by %s: resolved", to->name, ch->name);
		page_start(t, o, &like, to, ch);
	}
}
