/*
 * Maintenance windows: what they keep quiet, when, and what becomes of it at their end.
 *
 * A window that can never open, or never close, is an error: the one is a wish that is not granted, the
 * other mutes an alarm for ever.  Whether one has expired is not looked at here: no clock is read.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define LENGTH_MAX (6 * PB_DAY + 12 * PB_HOUR) /* of one that opens again each week */

/* --- when */

struct when {
	struct pb_maintenance *window;
	int64_t from, until, start, length; /* -1 = not read */
};

static void
read_window_tz(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct when *w = obj;
	pb_read_tz(l, n, &w->window->tz, &w->window->zone, &w->window->zone_base64);
}

static void
read_days(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
	struct when *w = obj;
	w->window->days = 0;
	if (!pb_read_is_list(l, n, "days", 1, 7))
		return;
	for (size_t i = 0; i < n->n; i++) {
		size_t day;
		if (pb_read_word(l, n->items[i], words, PB_ARRAY_LEN(words), &day) == 0)
			w->window->days |= 1U << day;
	}
}

static void
read_start(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct when *w = obj;
	const char *text = pb_read_scalar(l, n);
	if (text != NULL && !pb_parse_clock(text, &w->start))
		pb_problem_add(l, n, "\"%s\" is no time of day, as \"02:00\"", PB_SHOWN(text));
}

static void
read_for(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct when *w = obj;
	(void)pb_read_duration(l, n, PB_MINUTE, LENGTH_MAX, &w->length);
}

static void
read_from(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct when *w = obj;
	(void)pb_read_wall(l, n, &w->from);
}

static void
read_until(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct when *w = obj;
	(void)pb_read_wall(l, n, &w->until);
}

static const struct pb_field when_fields[] = {
    {"tz", PB_FIELD_CUSTOM, .is_required = true, .read = read_window_tz},
    {"days", PB_FIELD_CUSTOM, .read = read_days},
    {"start", PB_FIELD_CUSTOM, .read = read_start},
    {"for", PB_FIELD_CUSTOM, .read = read_for},
    {"from", PB_FIELD_CUSTOM, .read = read_from},
    {"until", PB_FIELD_CUSTOM, .read = read_until},
};

/* The shortest way from an opening to the next one, on the wall. */
static int64_t
shortest_gap(unsigned days)
{
	int64_t gap = 7;
	for (unsigned i = 0; i < 7; i++)
		for (unsigned k = 1; k < 7; k++)
			if ((days >> i & 1) != 0 && (days >> (i + k) % 7 & 1) != 0 && k < gap)
				gap = k;
	return gap * PB_DAY;
}

static void
take_weekly(struct pb_loader *l, const struct pb_node *n, const struct when *w)
{
	char length[PB_TIME_TEXT], gap[PB_TIME_TEXT];
	struct pb_maintenance *m = w->window;
	if (pb_node_get(n, "start") == NULL || pb_node_get(n, "for") == NULL) {
		pb_problem_add(l, n,
		    "when needs start and for, as start: \"02:00\", for: 2h; or, for once, from "
		    "and until");
		return;
	}
	if (w->start < 0 || w->length < 0 || m->days == 0)
		return;
	m->start_wall = w->start;
	m->length_for = w->length;
	if (m->length_for >= shortest_gap(m->days))
		pb_problem_add(l, pb_node_get(n, "for"),
		    "the window never closes: it lasts %s and opens again after %s",
		    pb_duration_text(length, m->length_for),
		    pb_duration_text(gap, shortest_gap(m->days)));
}

static void
take_once(struct pb_loader *l, const struct pb_node *n, const struct when *w)
{
	char length[PB_TIME_TEXT];
	struct pb_maintenance *m = w->window;
	static const char *const weekly[] = {"days", "start", "for"};
	m->is_once = true;
	for (size_t i = 0; i < PB_ARRAY_LEN(weekly); i++)
		if (pb_node_get(n, weekly[i]) != NULL) {
			pb_problem_add(l, pb_node_get(n, weekly[i]),
			    "when has %s and from or until; a window opens either once or again "
			    "and again",
			    weekly[i]);
			return;
		}
	if (pb_node_get(n, "from") == NULL || pb_node_get(n, "until") == NULL) {
		pb_problem_add(l, n, "when needs both from and until");
		return;
	}
	if (w->from < 0 || w->until < 0)
		return;
	m->start_wall = w->from;
	m->length_for = w->until - w->from;
	if (m->length_for <= 0)
		pb_problem_add(l, pb_node_get(n, "until"),
		    "the window never opens: until must be later than from");
	else if (m->length_for > PB_MAINTENANCE_MAX)
		pb_problem_add(l, pb_node_get(n, "until"),
		    "the window lasts %s, at most 30d are allowed",
		    pb_duration_text(length, m->length_for));
}

static void
read_when(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct when w = {.window = obj, .from = -1, .until = -1, .start = -1, .length = -1};
	if (PB_READ_MAP(l, n, "when", when_fields, &w) < 0)
		return;
	if (pb_node_get(n, "from") != NULL || pb_node_get(n, "until") != NULL)
		take_once(l, n, &w);
	else
		take_weekly(l, n, &w);
}

/* --- what it does */

static void
read_remediate(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"block", "allow"};
	struct pb_maintenance *m = obj;
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		m->blocks_remediation = which == 0;
}

static void
read_notify(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"hold", "allow"};
	struct pb_maintenance *m = obj;
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		m->holds_pages = which == 0;
}

static const struct pb_field effect_fields[] = {
    {"remediate", PB_FIELD_CUSTOM, .read = read_remediate},
    {"notify", PB_FIELD_CUSTOM, .read = read_notify},
};

static void
read_effect(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	const struct pb_maintenance *m = obj;
	if (PB_READ_MAP(l, n, "effect", effect_fields, obj) == 0 && !m->blocks_remediation &&
	    !m->holds_pages)
		pb_problem_add(l, n,
		    "the window has no effect: it allows remediation and pages as if it were not "
		    "there");
}

/* What is open still is always told: a page that was held is put off and never lost. */
static void
read_still_firing(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"notify"};
	size_t which;
	(void)obj;
	(void)pb_read_word(l, n, words, 1, &which);
}

static void
read_recovered(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"summary", "nothing"};
	struct pb_maintenance *m = obj;
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		m->tells_recovered = which == 0;
}

static const struct pb_field at_end_fields[] = {
    {"still_firing", PB_FIELD_CUSTOM, .read = read_still_firing},
    {"recovered", PB_FIELD_CUSTOM, .read = read_recovered},
};

static void
read_at_end(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "at_end", at_end_fields, obj);
}

static void
read_match(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_maintenance *m = obj;
	pb_read_event_pattern(l, n, "match", &m->match);
}

/* It still opens on that date. */
static void
read_expires(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_maintenance *m = obj;
	int64_t day;
	if (pb_read_date(l, n, &day) == 0)
		m->expires_wall = (day + 1) * PB_DAY;
}

static const struct pb_field maintenance_fields[] = {
    {.key = "name", .type = PB_FIELD_SEEN, .is_required = true},
    {"match", PB_FIELD_CUSTOM, .is_required = true, .read = read_match,
	.note = "an EventBridge event pattern"},
    {"when", PB_FIELD_CUSTOM, .is_required = true, .read = read_when},
    {"effect", PB_FIELD_CUSTOM, .read = read_effect},
    {"at_end", PB_FIELD_CUSTOM, .read = read_at_end},
    {"owner", PB_FIELD_TEXT, .offset = offsetof(struct pb_maintenance, owner), .max = 100},
    {"expires", PB_FIELD_CUSTOM, .read = read_expires},
};

void
pb_read_maintenance(struct pb_loader *l, const struct pb_node *n, struct pb_maintenance *ret)
{
	ret->blocks_remediation = ret->holds_pages = ret->tells_recovered = true;
	ret->days = 0x7f;
	ret->expires_wall = PB_NEVER;
	(void)PB_READ_MAP(l, n, "maintenance window", maintenance_fields, ret);
	if (ret->is_once && ret->length_for > 0 && ret->start_wall >= ret->expires_wall)
		pb_problem_add(l, pb_node_get(n, "expires"),
		    "the window never opens: it expires before it begins");
}

void
pb_maintenance_fini(struct pb_maintenance *m)
{
	free(m->name);
	pb_pattern_free(m->match);
	free(m->tz);
	pb_zone_free(m->zone);
	free(m->zone_base64);
	free(m->owner);
}
