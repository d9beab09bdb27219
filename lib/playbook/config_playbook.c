/*
 * Playbooks: what they match, when a human is told, and their steps.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define STEPS_MAX 100
#define INHIBITORS_MAX 100

static void
read_owner_team(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	(void)pb_read_text(l, n, 100, &p->owner);
}

static const struct pb_field owner_fields[] = {
    {"team", PB_FIELD_CUSTOM, .is_required = true, .read = read_owner_team},
};

static void
read_owner(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "owner", owner_fields, obj);
}

static void
read_severity(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"critical", "error", "warning", "info"};
	struct pb_playbook *p = obj;
	size_t which;
	if (pb_read_word(l, n, words, PB_ARRAY_LEN(words), &which) < 0)
		return;
	free(p->severity);
	p->severity = pb_strdup(words[which]);
}

/* --- review */

static void
read_review_date(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_review *r = obj;
	int64_t day;
	if (pb_read_date(l, n, &day) == 0)
		r->at = day * PB_DAY;
}

static const struct pb_field review_fields[] = {
    {"date", PB_FIELD_CUSTOM, .is_required = true, .read = read_review_date},
    {"by", PB_FIELD_TEXT, .offset = offsetof(struct pb_review, by), .max = 100},
    {"every", PB_FIELD_DURATION, .offset = offsetof(struct pb_review, every_for), .min = PB_DAY,
	.max = 400 * PB_DAY},
    {"drill_every", PB_FIELD_DURATION, .offset = offsetof(struct pb_review, drill_every_for),
	.min = PB_DAY, .max = 400 * PB_DAY},
};

static void
read_reviewed(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	(void)PB_READ_MAP(l, n, "reviewed", review_fields, &p->reviewed);
}

/* --- what it is about */

static void
read_match(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	pb_read_match(l, n, &p->match);
}

/* A pattern ends an incident instead of the alarm's OK. */
static void
read_resolve_on(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"alarm_ok", "never"};
	struct pb_playbook *p = obj;
	size_t which;
	if (n->kind == PB_NODE_MAP) {
		p->resolve_on_ok = false;
		pb_read_event_pattern(l, n, "resolve_on", &p->resolve_on);
	} else if (pb_read_word(l, n, words, 2, &which) == 0) {
		p->resolve_on_ok = which == 0;
	}
}

/* A name that stands nowhere inhibits nothing: the playbook may be in a file that comes and goes. */
static void
read_inhibited_by(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	if (pb_read_texts(l, n, "names of playbooks", 1, INHIBITORS_MAX, &p->inhibited_by,
		&p->n_inhibited_by) < 0)
		return;
	for (size_t i = 0; i < p->n_inhibited_by; i++)
		if (pb_streq(p->inhibited_by[i], p->name))
			pb_problem_add(l, n->items[i], "a playbook cannot inhibit itself");
}

static void
read_dedup(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	if (pb_read_text(l, n, 1024, &p->dedup) == 0)
		pb_check_template(l, n, p->dedup, PB_TEMPLATE_DEDUP);
}

static void
read_escalate(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	(void)pb_read_reference(l, n, PB_SECTION_ESCALATIONS, &p->escalation);
}

/* --- steps */

/* Words that stand for something else where a step may be named. */
static bool
is_reserved(const char *name)
{
	static const char *const words[] = {"escalate", "stop", "continue", "rollback"};
	for (size_t i = 0; i < PB_ARRAY_LEN(words); i++)
		if (pb_streq(name, words[i]))
			return true;
	return false;
}

static void
read_step_name(struct pb_loader *l, const struct pb_node *step, size_t i)
{
	const struct pb_node *n = pb_node_get(step, "name");
	char *name = NULL;
	if (n == NULL || pb_read_name(l, n, "step", &name) < 0)
		return;
	if (is_reserved(name))
		pb_problem_add(
		    l, n, "\"%s\" cannot be a step's name, it has a meaning of its own", name);
	else if (strchr(name, '.') != NULL)
		pb_problem_add(l, n,
		    "\"%s\" cannot be a step's name: a dot would end it in ${steps.NAME.output}",
		    name);
	else if (pb_find_step(l, name) != PB_NONE)
		pb_problem_add(l, n, "step \"%s\" is defined twice in this playbook", name);
	else
		l->playbook->steps[i].name = PB_TAKE(name);
	free(name);
}

static void
read_steps(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_playbook *p = obj;
	if (!pb_read_is_list(l, n, "steps", 0, STEPS_MAX))
		return;
	p->steps = pb_calloc(n->n + 1, sizeof(*p->steps));
	p->n_steps = n->n;
	for (size_t i = 0; i < n->n; i++)
		read_step_name(l, n->items[i], i);
	for (size_t i = 0; i < n->n; i++) {
		l->step = i;
		pb_read_step(l, n->items[i], &p->steps[i]);
	}
	pb_check_reach(l, n);
	pb_check_rollbacks(l, n);
}

/* --- the table */

#define AT(member) .offset = offsetof(struct pb_playbook, member)

static const struct pb_field playbook_fields[] = {
    {.key = "name", .type = PB_FIELD_SEEN, .is_required = true},
    {"summary", PB_FIELD_TEXT, AT(summary)},
    {"owner", PB_FIELD_CUSTOM, .read = read_owner},
    {"docs", PB_FIELD_TEXT, AT(docs)},
    {"objective", PB_FIELD_TEXT, AT(objective)},
    {"severity", PB_FIELD_CUSTOM, .read = read_severity},
    {"reviewed", PB_FIELD_CUSTOM, .read = read_reviewed},
    {"match", PB_FIELD_CUSTOM, .is_required = true, .read = read_match,
	.note = "an EventBridge event pattern"},
    {"resolve_on", PB_FIELD_CUSTOM, .read = read_resolve_on},
    {"dedup", PB_FIELD_CUSTOM, .read = read_dedup},
    {"hold", PB_FIELD_DURATION, AT(hold_for), .min = 0, .max = PB_DAY},
    {"inhibited_by", PB_FIELD_CUSTOM, .read = read_inhibited_by},
    {"page_by", PB_FIELD_DURATION, AT(page_by_for), .min = 10 * PB_SECOND, .max = PB_DAY},
    {"max_age", PB_FIELD_DURATION, AT(max_age_for), .min = PB_SECOND, .max = 14 * PB_DAY},
    {"verify_timeout", PB_FIELD_DURATION, AT(verify_timeout_for), .min = PB_SECOND, .max = PB_DAY},
    {"reopen_within", PB_FIELD_DURATION, AT(reopen_within_for), .min = 0,
	.max = PB_REOPEN_WITHIN_MAX},
    {"continue", PB_FIELD_BOOL, AT(looks_further)},
    {.key = "mode", .type = PB_FIELD_ELSEWHERE, .note = "it stands in guards"},
    {.key = "guards", .type = PB_FIELD_SEEN},
    {.key = "params", .type = PB_FIELD_SEEN},
    {"steps", PB_FIELD_CUSTOM, .read = read_steps},
    {"escalate", PB_FIELD_CUSTOM, .is_required = true, .read = read_escalate,
	.note = "the name of an escalation"},
    {.key = "inform", .type = PB_FIELD_SEEN},
};

void
pb_read_playbook(struct pb_loader *l, const struct pb_node *n, struct pb_playbook *ret)
{
	char hold[PB_TIME_TEXT], page[PB_TIME_TEXT];
	const struct pb_node *at = pb_node_get(n, "hold");
	ret->hold_for = ret->page_by_for = -1; /* stays where nothing, or nothing good, is said */
	ret->max_age_for = l->max_age_for;
	ret->verify_timeout_for = l->verify_timeout_for;
	ret->reopen_within_for = PB_DEFAULT_REOPEN_WITHIN;
	ret->resolve_on_ok = true;
	ret->escalation = PB_NONE;
	ret->file = pb_strdup(l->files[l->file].name);
	ret->line = n->line;
	l->playbook = ret;
	l->params = pb_node_get(n, "params");
	pb_read_params(l, n);
	(void)PB_READ_MAP(l, n, "playbook", playbook_fields, ret);
	if (pb_node_get(n, "inform") != NULL)
		pb_read_inform(l, pb_node_get(n, "inform"), ret);
	if (ret->severity == NULL)
		ret->severity = pb_strdup("error");
	if (ret->hold_for < 0 && at == NULL)
		ret->hold_for = l->hold_for;
	if (ret->page_by_for < 0 && pb_node_get(n, "page_by") == NULL)
		ret->page_by_for = l->page_by_for;
	pb_read_guards(l, n);
	if (ret->page_by_for >= 0 && ret->hold_for >= ret->page_by_for)
		pb_problem_add(l, at != NULL ? at : n,
		    "hold (%s) must be shorter than page_by (%s), or the page comes before "
		    "anything is tried",
		    pb_duration_text(hold, ret->hold_for),
		    pb_duration_text(page, ret->page_by_for));
}
