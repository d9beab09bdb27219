/*
 * Escalations: who is told in which order, until somebody takes it.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define LEVELS_MAX 20
#define NOTIFY_MAX 50

#define SCHEDULE_PREFIX "schedule:"

static bool
is_schedule(const struct pb_node *n)
{
	return n->kind == PB_NODE_SCALAR &&
	    strncmp(n->text, SCHEDULE_PREFIX, strlen(SCHEDULE_PREFIX)) == 0;
}

void
pb_read_references(struct pb_loader *l, const struct pb_node *n, enum pb_section section,
    const char *what, size_t **ret, size_t *ret_n)
{
	if (!pb_read_is_list(l, n, what, 1, NOTIFY_MAX))
		return;
	free(*ret);
	*ret = pb_calloc(n->n, sizeof(**ret));
	*ret_n = 0;
	for (size_t i = 0; i < n->n; i++) {
		const struct pb_node *item = n->items[i];
		size_t place, k = 0;
		if (is_schedule(item))
			continue;
		if (pb_read_reference(l, item, section, &place) < 0)
			continue;
		while (k < *ret_n && (*ret)[k] != place)
			k++;
		if (k < *ret_n)
			pb_problem_add(
			    l, item, "\"%s\" stands twice in the list", PB_SHOWN(item->text));
		else
			(*ret)[(*ret_n)++] = place;
	}
}

static void
read_notify(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_level *level = obj;
	pb_read_references(l, n, PB_SECTION_CONTACTS, "contacts", &level->notify, &level->n_notify);
	if (n->kind != PB_NODE_LIST || n->n > NOTIFY_MAX)
		return;
	level->schedules = pb_calloc(n->n + 1, sizeof(*level->schedules));
	for (size_t i = 0; i < n->n; i++) {
		const struct pb_node *item = n->items[i];
		size_t place, k = 0;
		if (!is_schedule(item) ||
		    pb_read_name_of(l, item, item->text + strlen(SCHEDULE_PREFIX),
			PB_SECTION_SCHEDULES, &place) < 0)
			continue;
		while (k < level->n_schedules && level->schedules[k] != place)
			k++;
		if (k < level->n_schedules)
			pb_problem_add(
			    l, item, "\"%s\" stands twice in the list", PB_SHOWN(item->text));
		else
			level->schedules[level->n_schedules++] = place;
	}
}

static void
read_via(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_level *level = obj;
	pb_read_references(l, n, PB_SECTION_CHANNELS, "channels", &level->via, &level->n_via);
}

static const struct pb_field repeat_fields[] = {
    {"every", PB_FIELD_DURATION, .is_required = true,
	.offset = offsetof(struct pb_level, repeat_every), .min = 10 * PB_SECOND, .max = PB_DAY},
    {"max", PB_FIELD_INT, .is_required = true, .offset = offsetof(struct pb_level, repeat_max),
	.min = 1, .max = 1000},
};

static void
read_repeat(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "repeat", repeat_fields, obj);
}

static const struct pb_field level_fields[] = {
    {"notify", PB_FIELD_CUSTOM, .is_required = true, .read = read_notify},
    {"via", PB_FIELD_CUSTOM, .is_required = true, .read = read_via},
    {"after", PB_FIELD_DURATION, .offset = offsetof(struct pb_level, after_for), .min = 0,
	.max = 7 * PB_DAY},
    {"repeat", PB_FIELD_CUSTOM, .read = read_repeat},
    {"skip_if_empty", PB_FIELD_BOOL, .offset = offsetof(struct pb_level, skip_if_empty)},
};

static void
check_order(struct pb_loader *l, const struct pb_node *n, const struct pb_level *level,
    const struct pb_level *before)
{
	const struct pb_node *after = pb_node_get(n, "after");
	char text[PB_TIME_TEXT];
	if (n->kind != PB_NODE_MAP)
		return;
	if (before == NULL) {
		if (level->after_for != 0)
			pb_problem_add(
			    l, after, "the first level pages at once; leave out its after");
	} else if (after == NULL) {
		pb_problem_add(l, n, "a level behind the first needs the key after, as after: 8m");
	} else if (level->after_for <= before->after_for) {
		pb_problem_add(l, after, "after must be longer than that of the level before (%s)",
		    pb_duration_text(text, before->after_for));
	}
}

/* Who is named is there at any time; only a schedule can be without anybody. */
static void
check_skip(struct pb_loader *l, const struct pb_node *n, const struct pb_level *level)
{
	const struct pb_node *skip = pb_node_get(n, "skip_if_empty");
	const struct pb_node *notify = pb_node_get(n, "notify");
	if (!level->skip_if_empty || level->n_notify == 0 || notify->kind != PB_NODE_LIST)
		return;
	size_t i = 0;
	while (i + 1 < notify->n && is_schedule(notify->items[i]))
		i++;
	pb_problem_add(l, skip,
	    "skip_if_empty: \"%s\" is always told by this level; leave it out, or name schedules "
	    "only",
	    PB_SHOWN(notify->items[i]->text));
}

static void
read_levels(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_escalation *e = obj;
	if (!pb_read_is_list(l, n, "levels", 1, LEVELS_MAX))
		return;
	e->levels = pb_calloc(n->n, sizeof(*e->levels));
	e->n_levels = n->n;
	size_t n_skipped = 0;
	for (size_t i = 0; i < n->n; i++) {
		(void)PB_READ_MAP(l, n->items[i], "level", level_fields, &e->levels[i]);
		check_order(l, n->items[i], &e->levels[i], i > 0 ? &e->levels[i - 1] : NULL);
		check_skip(l, n->items[i], &e->levels[i]);
		n_skipped += e->levels[i].skip_if_empty;
	}
	if (n_skipped == n->n)
		pb_problem_add(l, n,
		    "every level has skip_if_empty, so that nobody may be told; leave it out of "
		    "one");
}

static void
read_then(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"resume"};
	size_t which;
	(void)obj;
	(void)pb_read_word(l, n, words, 1, &which);
}

static const struct pb_field ack_fields[] = {
    {"expires", PB_FIELD_DURATION, .offset = offsetof(struct pb_escalation, ack_expires_for),
	.min = PB_MINUTE, .max = 7 * PB_DAY},
    {"then", PB_FIELD_CUSTOM, .read = read_then},
};

static void
read_ack(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "ack", ack_fields, obj);
}

struct cycles {
	int64_t max, from_level;
};

static const struct pb_field cycles_fields[] = {
    {"max", PB_FIELD_INT, .is_required = true, .offset = offsetof(struct cycles, max), .min = 1,
	.max = 100},
    {"from_level", PB_FIELD_INT, .offset = offsetof(struct cycles, from_level), .min = 1,
	.max = LEVELS_MAX},
};

/* Which levels there are is checked when all are read. */
static void
read_cycles(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_escalation *e = obj;
	struct cycles c = {.max = 1, .from_level = 1};
	(void)PB_READ_MAP(l, n, "cycles", cycles_fields, &c);
	e->cycles_max = c.max;
	e->cycles_from = (size_t)c.from_level - 1;
}

static void
read_fallback_via(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_escalation *e = obj;
	pb_read_references(
	    l, n, PB_SECTION_CHANNELS, "channels", &e->fallback_via, &e->n_fallback_via);
}

static const struct pb_field fallback_fields[] = {
    {"after", PB_FIELD_DURATION, .is_required = true,
	.offset = offsetof(struct pb_escalation, fallback_after_for), .min = 10 * PB_SECOND,
	.max = PB_HOUR},
    {"via", PB_FIELD_CUSTOM, .is_required = true, .read = read_fallback_via},
};

static void
read_fallback(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "fallback", fallback_fields, obj);
}

/* --- noise: groups and storms */

#define GROUP_BY_MAX 10

/* "playbook" and "severity" are the incident's; the rest is of alarm or event. */
static bool
is_own_field(const char *text)
{
	return strcmp(text, "playbook") == 0 || strcmp(text, "severity") == 0;
}

static void
check_group_field(struct pb_loader *l, const struct pb_node *n, const char *text)
{
	static const char *const words[] = {"playbook", "severity", "alarm.name", "alarm.arn",
	    "alarm.region", "alarm.account", "alarm.tags", "event.source"};
	if (is_own_field(text))
		return;
	if (strncmp(text, "alarm.", 6) != 0 && strncmp(text, "event.", 6) != 0) {
		pb_problem_add(l, n,
		    "group_by: \"%s\" is no field; write playbook, severity or a field of alarm or "
		    "event, as alarm.region%s",
		    PB_SHOWN(text), PB_SUGGEST(text, words, PB_ARRAY_LEN(words)));
		return;
	}
	PB_CLEANUP(pb_freep) char *pick = pb_asprintf("${%s}", text);
	pb_check_template(l, n, pick, PB_TEMPLATE_DEDUP);
}

static void
read_group_by(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_escalation *e = obj;
	if (pb_read_texts(l, n, "fields", 0, GROUP_BY_MAX, &e->group_by, &e->n_group_by) < 0)
		return;
	if (e->group_by == NULL)
		e->group_by = pb_calloc(1, sizeof(*e->group_by));
	for (size_t i = 0; i < e->n_group_by; i++) {
		check_group_field(l, n->items[i], e->group_by[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(e->group_by[i], e->group_by[k]) == 0)
				pb_problem_add(l, n->items[i], "\"%s\" stands twice in the list",
				    PB_SHOWN(e->group_by[i]));
	}
}

static const struct pb_field storm_fields[] = {
    {"over", PB_FIELD_INT, .offset = offsetof(struct pb_escalation, storm_over), .min = 2,
	.max = 100000},
    {"within", PB_FIELD_DURATION, .offset = offsetof(struct pb_escalation, storm_within),
	.min = 10 * PB_SECOND, .max = PB_HOUR},
    {"every", PB_FIELD_DURATION, .offset = offsetof(struct pb_escalation, storm_every),
	.min = PB_MINUTE, .max = PB_DAY},
};

static void
read_storm(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_escalation *e = obj;
	char within[PB_TIME_TEXT];
	if (PB_READ_MAP(l, n, "storm", storm_fields, obj) == 0 && e->storm_every < e->storm_within)
		pb_problem_add(l, n, "storm: every must not be shorter than within (%s)",
		    pb_duration_text(within, e->storm_within));
}

static void
check_groups(struct pb_loader *l, const struct pb_node *n, const struct pb_escalation *e)
{
	static const char *const keys[] = {"group_wait", "group_interval"};
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++)
		if (e->group_by == NULL && pb_node_get(n, keys[i]) != NULL)
			pb_problem_add(l, pb_node_get(n, keys[i]),
			    "%s needs group_by, as group_by: [playbook]", keys[i]);
}

static const struct pb_field escalation_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {"levels", PB_FIELD_CUSTOM, .is_required = true, .read = read_levels},
    {"cycles", PB_FIELD_CUSTOM, .read = read_cycles},
    {"ack", PB_FIELD_CUSTOM, .read = read_ack},
    {"fallback", PB_FIELD_CUSTOM, .read = read_fallback},
    {"group_by", PB_FIELD_CUSTOM, .read = read_group_by},
    {"group_wait", PB_FIELD_DURATION, .offset = offsetof(struct pb_escalation, group_wait_for),
	.min = 0, .max = PB_HOUR},
    {"group_interval", PB_FIELD_DURATION,
	.offset = offsetof(struct pb_escalation, group_interval_for), .min = 10 * PB_SECOND,
	.max = PB_DAY},
    {"storm", PB_FIELD_CUSTOM, .read = read_storm},
};

void
pb_read_escalation(struct pb_loader *l, const struct pb_node *n, struct pb_escalation *ret)
{
	ret->ack_expires_for = PB_DEFAULT_ACK_EXPIRES;
	ret->cycles_max = 1;
	ret->group_wait_for = PB_DEFAULT_GROUP_WAIT;
	ret->group_interval_for = PB_DEFAULT_GROUP_INTERVAL;
	ret->storm_over = PB_DEFAULT_STORM_OVER;
	ret->storm_within = PB_DEFAULT_STORM_WITHIN;
	ret->storm_every = PB_DEFAULT_STORM_EVERY;
	(void)PB_READ_MAP(l, n, "escalation", escalation_fields, ret);
	if (ret->n_levels > 0 && ret->cycles_from >= ret->n_levels) {
		pb_problem_add(l, pb_node_get(pb_node_get(n, "cycles"), "from_level"),
		    "from_level %zu: there %s %zu level%s", ret->cycles_from + 1,
		    ret->n_levels == 1 ? "is" : "are", ret->n_levels,
		    ret->n_levels == 1 ? "" : "s");
		ret->cycles_from = 0;
	}
	check_groups(l, n, ret);
}
