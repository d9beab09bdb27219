/*
 * The step notify: a text to channels, or to contacts over them.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define TEXT_MAX 16384
#define SUBJECT_MAX 1024
#define SENDS_MAX 50

static bool
is_schedule(const struct pb_node *n)
{
	return n->kind == PB_NODE_SCALAR && strncmp(n->text, "schedule:", 9) == 0;
}

static void
check_number(struct pb_loader *l, const struct pb_node *n, const struct pb_step *s)
{
	if (s->n_via * s->n_to > SENDS_MAX)
		pb_problem_add(l, n, "this would send %zu messages, at most %d may be",
		    s->n_via * s->n_to, SENDS_MAX);
}

void
pb_read_notify_via(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	pb_read_references(l, n, PB_SECTION_CHANNELS, "channels", &s->via, &s->n_via);
	check_number(l, n, s);
}

void
pb_read_notify_to(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	for (size_t i = 0; n->kind == PB_NODE_LIST && i < n->n; i++)
		if (is_schedule(n->items[i]))
			pb_problem_add(l, n->items[i],
			    "notify tells contacts; who is on call is paged by an escalation");
	pb_read_references(l, n, PB_SECTION_CONTACTS, "contacts", &s->to, &s->n_to);
	check_number(l, n, s);
}

void
pb_read_notify_subject(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (pb_read_text(l, n, SUBJECT_MAX, &s->subject) == 0)
		pb_check_templates(l, n);
}

void
pb_read_notify_text(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (pb_read_text(l, n, TEXT_MAX, &s->text) == 0)
		pb_check_templates(l, n);
}
