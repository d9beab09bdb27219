/*
 * Outboxes: the pages of one incident or of one bundle, and what is asked of all of them.  What
 * becomes of each is page.c's.
 */
#include "bundle.h"

/* --- whose they are */

const char *
outbox_id(const struct outbox *o)
{
	return o->bundle != NULL ? o->bundle->id : o->in->id;
}

const struct pb_config *
outbox_config(const struct outbox *o)
{
	return o->bundle != NULL ? o->bundle->config : o->in->config;
}

const struct pb_escalation *
outbox_escalation(const struct outbox *o)
{
	return o->bundle != NULL ? bundle_escalation(o->bundle) : incident_escalation(o->in);
}

void
outbox_note(struct turn *t, const struct outbox *o, const char *kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	pb_update_note(t->u, outbox_id(o), o->in == NULL ? "" : incident_playbook_name(o->in), "",
	    kind, "%s", pb_buf_str(&b).ptr);
}

void
outbox_fini(struct outbox *o)
{
	for (struct page *p = o->first, *next; p != NULL; p = next) {
		next = p->next;
		page_free(p);
	}
	o->first = NULL;
}

/* --- all of them */

void
page_append(struct outbox *o, struct page *p)
{
	struct page **end = &o->first;
	while (*end != NULL)
		end = &(*end)->next;
	*end = p;
}

int64_t
page_next_at(const struct outbox *o)
{
	int64_t at = PB_NEVER;
	for (const struct page *p = o->first; p != NULL; p = p->next) {
		if (p->next_at < at)
			at = p->next_at;
		if (p->fallback_at < at)
			at = p->fallback_at;
	}
	return at;
}

bool
page_is_live(const struct outbox *o)
{
	for (const struct page *p = o->first; p != NULL; p = p->next)
		if (p->state == PAGE_SENDING || p->state == PAGE_RETRYING)
			return true;
	return false;
}

/* It is under way, and no try of it takes, nor waits, so long. */
static bool
is_stuck(const struct page *p, int64_t now)
{
	return (p->state == PAGE_SENDING || p->state == PAGE_RETRYING) &&
	    p->next_at > now + PAGE_WAITS_MOST;
}

bool
page_is_stuck(const struct outbox *o, int64_t now)
{
	for (const struct page *p = o->first; p != NULL; p = p->next)
		if (is_stuck(p, now))
			return true;
	return false;
}

void
page_unstick(struct turn *t, struct outbox *o)
{
	for (struct page *p = o->first; p != NULL; p = p->next)
		if (is_stuck(p, t->now))
			p->next_at = t->now;
}
