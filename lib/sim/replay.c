/*
 * Two sides in step, and the comparison of what their incidents came to.
 */
#include "sim/replay.h"

#include <stdlib.h>

#include "base/json.h"
#include "sim/replay_internal.h"

#define TAIL_FOR PB_HOUR
#define LINES_MAX 20 /* of one incident */

struct pb_replay {
	struct side sides[PB_REPLAY_SIDE_MAX];
	int64_t now;
	size_t n_differ, n_compared, n_new;
	json_t *differences;
};

#define BOTH PB_REPLAY_SIDE_MAX

static const char *const side_names[] = {"base", "head", "both"};

/* --- one incident */

struct comparison {
	const struct story *stories[PB_REPLAY_SIDE_MAX]; /* NULL: not opened there */
	json_t *lines;
	json_t *alike; /* what both did since the last line; told where they differ once more */
	size_t n_lines, n_cut[PB_REPLAY_SIDE_MAX];
	bool is_new;
};

static bool
is_same(const struct doing *a, const struct doing *b)
{
	return a->kind == b->kind && a->at == b->at && strcmp(a->what, b->what) == 0;
}

static json_t *
line_json(const struct comparison *c, enum pb_replay_side side, const struct doing *d)
{
	json_t *j = json_object();
	const struct story *s = c->stories[side == BOTH ? PB_REPLAY_BASE : side];
	pb_json_set_str(j, "side", side_names[side]);
	pb_json_set_i64(j, "after", d->at - s->opened_at);
	pb_json_set_str(j, "what", d->what);
	return j;
}

static void
add_line(struct comparison *c, enum pb_replay_side side, const struct doing *d)
{
	c->n_lines += json_array_size(c->alike) + 1;
	json_array_extend(c->lines, c->alike);
	json_array_clear(c->alike);
	json_array_append_new(c->lines, line_json(c, side, d));
	while (json_array_size(c->lines) > LINES_MAX)
		json_array_remove(c->lines, json_array_size(c->lines) - 1);
}

/* Without it one would take the next line of a side for the first. */
static void
add_alike(struct comparison *c, const struct doing *d)
{
	if (c->n_lines > 0)
		json_array_append_new(c->alike, line_json(c, BOTH, d));
}

static const struct doing *
doing_at(const struct story *s, size_t i)
{
	return s != NULL && i < s->n ? &s->doings[i] : NULL;
}

/* Is `d` one of the next ones of the other side at the same instant? */
static bool
is_among(const struct story *s, size_t from, const struct doing *d)
{
	for (size_t i = from; s != NULL && i < s->n && s->doings[i].at <= d->at; i++)
		if (is_same(&s->doings[i], d))
			return true;
	return false;
}

/* Side by side in order of time; a step that only one side starts ends it. */
static void
compare_doings(struct comparison *c)
{
	size_t i[PB_REPLAY_SIDE_MAX] = {0, 0};
	for (;;) {
		const struct doing *d[] = {
		    doing_at(c->stories[0], i[0]), doing_at(c->stories[1], i[1])};
		if (d[0] == NULL && d[1] == NULL)
			return;
		if (d[0] != NULL && d[1] != NULL && is_same(d[0], d[1])) {
			add_alike(c, d[0]);
			i[0]++;
			i[1]++;
			continue;
		}
		/* The earlier one, and of two at once one that the other side has nowhere. */
		size_t side = d[0] == NULL ? 1 : 0;
		if (d[0] != NULL && d[1] != NULL &&
		    (d[1]->at < d[0]->at ||
			(d[1]->at == d[0]->at && is_among(c->stories[1], i[1], d[0]))))
			side = 1;
		add_line(c, (enum pb_replay_side)side, d[side]);
		i[side]++;
		if (d[side]->kind != DOING_STEP)
			continue;
		/* What the other side starts instead, at the same instant, belongs to it. */
		const struct doing *instead = d[1 - side];
		if (instead != NULL && instead->kind == DOING_STEP && instead->at == d[side]->at) {
			add_line(c, (enum pb_replay_side)(1 - side), instead);
			i[1 - side]++;
		} else {
			instead = NULL;
		}
		const struct doing *head = side == PB_REPLAY_HEAD ? d[side] : instead;
		c->is_new = head != NULL && head->is_unsafe;
		for (size_t s = 0; s < PB_REPLAY_SIDE_MAX; s++)
			c->n_cut[s] = c->stories[s] == NULL ? 0 : c->stories[s]->n - i[s];
		return;
	}
}

static json_t *
story_json(const struct story *s)
{
	return s == NULL ? json_null()
			 : json_pack("{s:s, s:s}", "playbook", s->playbook, "owner", s->owner);
}

static bool
is_owned_alike(const struct story *a, const struct story *b)
{
	return a != NULL && b != NULL && strcmp(a->playbook, b->playbook) == 0 &&
	    strcmp(a->owner, b->owner) == 0;
}

static void
compare(struct pb_replay *r, const struct story *base, const struct story *head)
{
	struct comparison c = {
	    .stories = {base, head}, .lines = json_array(), .alike = json_array()};
	const struct story *any = base != NULL ? base : head;
	r->n_compared++;
	compare_doings(&c);
	json_decref(c.alike);
	r->n_new += c.is_new;
	if (is_owned_alike(base, head) && c.n_lines == 0) {
		json_decref(c.lines);
		return;
	}
	r->n_differ++;
	if (json_array_size(r->differences) >= PB_REPLAY_DIFFERENCES_MAX) {
		json_decref(c.lines);
		return;
	}
	json_t *j = json_object();
	pb_json_set_i64(j, "at", any->opened_at);
	pb_json_set_str(j, "title", any->title);
	pb_json_set_str(j, "identity", any->identity);
	json_object_set_new(j, "base", story_json(base));
	json_object_set_new(j, "head", story_json(head));
	pb_json_set_i64(
	    j, "lines_more", (int64_t)(c.n_lines > LINES_MAX ? c.n_lines - LINES_MAX : 0));
	json_object_set_new(j, "lines", c.lines);
	json_object_set_new(j, "cut",
	    json_pack(
		"{s:I, s:I}", "base", (json_int_t)c.n_cut[0], "head", (json_int_t)c.n_cut[1]));
	/* They close in another order than they opened. */
	size_t i = json_array_size(r->differences);
	while (
	    i > 0 && pb_json_i64(json_array_get(r->differences, i - 1), "at", 0) > any->opened_at)
		i--;
	json_array_insert_new(r->differences, i, j);
}

/* --- both sides */

static void
compare_by_key(struct pb_replay *r, const char *key)
{
	struct story *base = pb_map_del(r->sides[PB_REPLAY_BASE].stories, key);
	struct story *head = pb_map_del(r->sides[PB_REPLAY_HEAD].stories, key);
	if (base != NULL || head != NULL)
		compare(r, base, head);
	if (base != NULL)
		story_free(base);
	if (head != NULL)
		story_free(head);
}

/* An incident that is over on both sides, or never was on the other, need not be kept. */
static void
compare_closed(struct pb_replay *r)
{
	for (size_t i = 0; i < PB_REPLAY_SIDE_MAX; i++) {
		struct side *s = &r->sides[i];
		const struct side *other = &r->sides[1 - i];
		for (size_t k = 0; k < s->n_closed; k++) {
			const struct story *peer = pb_map_get(other->stories, s->closed[k]);
			if (peer == NULL || peer->is_closed)
				compare_by_key(r, s->closed[k]);
			free(s->closed[k]);
		}
		s->n_closed = 0;
	}
}

struct pb_replay *
pb_replay_new(struct pb_config *base, struct pb_config *head, int64_t start_at)
{
	struct pb_replay *r = pb_calloc(1, sizeof(*r));
	r->now = start_at;
	r->differences = json_array();
	side_init(&r->sides[PB_REPLAY_BASE], base, start_at);
	side_init(&r->sides[PB_REPLAY_HEAD], head, start_at);
	return r;
}

void
pb_replay_free(struct pb_replay *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < PB_REPLAY_SIDE_MAX; i++)
		side_fini(&r->sides[i]);
	json_decref(r->differences);
	free(r);
}

void
pb_replay_event(struct pb_replay *r, int64_t at, const char *source, const struct pb_event *event)
{
	if (at > r->now)
		r->now = at;
	for (size_t i = 0; i < PB_REPLAY_SIDE_MAX; i++) {
		side_run(&r->sides[i], r->now);
		side_event(&r->sides[i], source, event);
	}
	compare_closed(r);
}

void
pb_replay_end(struct pb_replay *r)
{
	for (size_t i = 0; i < PB_REPLAY_SIDE_MAX; i++)
		side_run(&r->sides[i], r->now + TAIL_FOR);
	for (size_t i = 0; i < PB_REPLAY_SIDE_MAX; i++) {
		size_t k = 0;
		const char *key;
		void *value;
		while (pb_map_next(r->sides[i].stories, &k, &key, &value)) {
			PB_CLEANUP(pb_freep) char *copy = pb_strdup(key);
			compare_by_key(r, copy);
		}
	}
}

void
pb_replay_counts(const struct pb_replay *r, enum pb_replay_side side, struct pb_replay_count *ret)
{
	*ret = r->sides[side].count;
}

size_t
pb_replay_n_differ(const struct pb_replay *r)
{
	return r->n_differ;
}

size_t
pb_replay_n_compared(const struct pb_replay *r)
{
	return r->n_compared;
}

size_t
pb_replay_n_new_actions(const struct pb_replay *r)
{
	return r->n_new;
}

const json_t *
pb_replay_differences(const struct pb_replay *r)
{
	return r->differences;
}
