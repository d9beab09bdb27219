/*
 * Notices to stakeholders.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define INFORM_MAX 20
#define VIA_MAX 20

static void
read_audience(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_inform *i = obj;
	(void)pb_read_name(l, n, "stakeholder", &i->audience);
}

static void
read_via(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_inform *i = obj;
	if (!pb_read_is_list(l, n, "channels", 1, VIA_MAX))
		return;
	i->via = pb_calloc(n->n, sizeof(*i->via));
	for (size_t k = 0; k < n->n; k++)
		if (pb_read_reference(l, n->items[k], PB_SECTION_CHANNELS, &i->via[i->n_via]) == 0)
			i->n_via++;
}

static void
read_until(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"resolved", "acknowledged"};
	struct pb_inform *i = obj;
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		i->until_acked = which == 1;
}

static void
read_text(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_inform *i = obj;
	if (pb_read_text(l, n, 1024, &i->text) == 0)
		pb_check_template(l, n, i->text, PB_TEMPLATE_START);
}

#define AT(member) .offset = offsetof(struct pb_inform, member)

static const struct pb_field fields[] = {
    {"audience", PB_FIELD_CUSTOM, .is_required = true, .read = read_audience},
    {"via", PB_FIELD_CUSTOM, .is_required = true, .read = read_via, .note = "names of channels"},
    {"after", PB_FIELD_DURATION, AT(after_for), .min = 0, .max = PB_DAY},
    {"every", PB_FIELD_DURATION, AT(every_for), .min = PB_MINUTE, .max = 7 * PB_DAY},
    {"until", PB_FIELD_CUSTOM, .read = read_until},
    {"text", PB_FIELD_CUSTOM, .is_required = true, .read = read_text,
	.note = "what they are told, in their words"},
};

void
pb_read_inform(struct pb_loader *l, const struct pb_node *n, struct pb_playbook *p)
{
	if (!pb_read_is_list(l, n, "notices", 0, INFORM_MAX))
		return;
	p->inform = pb_calloc(n->n + 1, sizeof(*p->inform));
	p->n_inform = n->n;
	for (size_t i = 0; i < n->n; i++) {
		struct pb_inform *one = &p->inform[i];
		(void)PB_READ_MAP(l, n->items[i], "notice", fields, one);
		for (size_t k = 0; k < i; k++)
			if (one->audience != NULL && pb_streq(one->audience, p->inform[k].audience))
				pb_problem_add(l, pb_node_get(n->items[i], "audience"),
				    "audience \"%s\" is informed already, in line %d",
				    one->audience, n->items[k]->line);
	}
}

void
pb_inform_fini(struct pb_inform *i)
{
	free(i->audience);
	free(i->via);
	free(i->text);
}
