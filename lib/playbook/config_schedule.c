/*
 * Schedules: who is on call, by rotation and overrides, on the wall clock of a time zone.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define PEOPLE_MAX 50
#define OVERRIDES_MAX 1000

/* Contacts; one may stand in a rotation more than once. */
static void
read_people(struct pb_loader *l, const struct pb_node *n, size_t min, size_t **ret, size_t *ret_n)
{
	if (!pb_read_is_list(l, n, "contacts", min, PEOPLE_MAX))
		return;
	free(*ret);
	*ret = pb_calloc(n->n + 1, sizeof(**ret));
	*ret_n = 0;
	for (size_t i = 0; i < n->n; i++)
		if (pb_read_reference(l, n->items[i], PB_SECTION_CONTACTS, &(*ret)[*ret_n]) == 0)
			(*ret_n)++;
}

/* --- rotation */

struct rotation {
	struct pb_schedule *schedule;
	int weekday; /* 0 = sun; -1 = any */
	int64_t clock, anchor; /* ms after midnight; days since 1970, -1 = not read */
};

static void
read_rotation_people(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct rotation *r = obj;
	read_people(l, n, 1, &r->schedule->people, &r->schedule->n_people);
}

static void
read_every(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct rotation *r = obj;
	int64_t *every = &r->schedule->every_for;
	if (pb_read_duration(l, n, PB_HOUR, 366 * PB_DAY, every) == 0 && *every % PB_HOUR != 0)
		pb_problem_add(l, n, "every must be whole hours");
}

static void
read_handoff(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct rotation *r = obj;
	const char *text = pb_read_scalar(l, n), *clock = text;
	if (text == NULL)
		return;
	if (strlen(text) == 9 && text[3] == ' ') {
		r->weekday = pb_parse_weekday(text);
		clock = r->weekday < 0 ? "" : text + 4;
	}
	if (!pb_parse_clock(clock, &r->clock))
		pb_problem_add(l, n, "\"%s\" is no time of handoff, as \"mon 10:00\" or \"10:00\"",
		    PB_SHOWN(text));
}

static void
read_anchor(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct rotation *r = obj;
	(void)pb_read_date(l, n, &r->anchor);
}

static const struct pb_field rotation_fields[] = {
    {"people", PB_FIELD_CUSTOM, .is_required = true, .read = read_rotation_people},
    {"every", PB_FIELD_CUSTOM, .is_required = true, .read = read_every},
    {"handoff", PB_FIELD_CUSTOM, .is_required = true, .read = read_handoff},
    {"anchor", PB_FIELD_CUSTOM, .is_required = true, .read = read_anchor},
};

static void
read_rotation(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_schedule *s = obj;
	struct rotation r = {.schedule = s, .weekday = -1, .anchor = -1};
	if (PB_READ_MAP(l, n, "rotation", rotation_fields, &r) < 0)
		return;
	if (r.weekday >= 0 && s->every_for % (7 * PB_DAY) != 0)
		pb_problem_add(l, pb_node_get(n, "every"),
		    "a handoff on a day of the week needs whole weeks, as every: 7d");
	if (r.weekday >= 0 && r.anchor >= 0 && (r.anchor + 4) % 7 != r.weekday)
		pb_problem_add(l, pb_node_get(n, "anchor"),
		    "the anchor is not on the day of the week of the handoff");
	s->anchor_wall = (r.anchor < 0 ? 0 : r.anchor) * PB_DAY + r.clock;
	if (s->every_for == 0)
		s->every_for = PB_DAY;
}

/* --- overrides */

struct override {
	struct pb_override *override;
	int64_t from, until; /* wall times; -1 = not read */
};

static void
read_override_people(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct override *o = obj;
	read_people(l, n, 0, &o->override->people, &o->override->n_people);
}

static void
read_from(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct override *o = obj;
	(void)pb_read_wall(l, n, &o->from);
}

static void
read_until(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct override *o = obj;
	(void)pb_read_wall(l, n, &o->until);
}

static const struct pb_field override_fields[] = {
    {"people", PB_FIELD_CUSTOM, .is_required = true, .read = read_override_people},
    {"from", PB_FIELD_CUSTOM, .is_required = true, .read = read_from},
    {"until", PB_FIELD_CUSTOM, .is_required = true, .read = read_until},
};

/* Instants need the zone, which may stand behind. */
static void
read_overrides(struct pb_loader *l, const struct pb_node *n, struct pb_schedule *s)
{
	if (n == NULL || !pb_read_is_list(l, n, "overrides", 0, OVERRIDES_MAX))
		return;
	s->overrides = pb_calloc(n->n + 1, sizeof(*s->overrides));
	s->n_overrides = n->n;
	for (size_t i = 0; i < n->n; i++) {
		struct override o = {.override = &s->overrides[i], .from = -1, .until = -1};
		if (PB_READ_MAP(l, n->items[i], "override", override_fields, &o) < 0 ||
		    o.from < 0 || o.until < 0)
			continue;
		if (o.until <= o.from)
			pb_problem_add(
			    l, pb_node_get(n->items[i], "until"), "until must be later than from");
		if (s->zone == NULL)
			continue;
		o.override->from_at = pb_zone_first(s->zone, o.from);
		o.override->until_at = pb_zone_last(s->zone, o.until);
	}
}

static void
read_schedule_tz(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_schedule *s = obj;
	pb_read_tz(l, n, &s->tz, &s->zone, &s->zone_base64);
}

static const struct pb_field schedule_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {"tz", PB_FIELD_CUSTOM, .is_required = true, .read = read_schedule_tz},
    {"rotation", PB_FIELD_CUSTOM, .is_required = true, .read = read_rotation},
    {.key = "overrides", .type = PB_FIELD_SEEN},
};

void
pb_read_schedule(struct pb_loader *l, const struct pb_node *n, struct pb_schedule *ret)
{
	if (PB_READ_MAP(l, n, "schedule", schedule_fields, ret) == 0)
		read_overrides(l, pb_node_get(n, "overrides"), ret);
}

void
pb_schedule_fini(struct pb_schedule *s)
{
	free(s->name);
	free(s->tz);
	free(s->zone_base64);
	pb_zone_free(s->zone);
	free(s->people);
	for (size_t i = 0; i < s->n_overrides; i++)
		free(s->overrides[i].people);
	free(s->overrides);
}
