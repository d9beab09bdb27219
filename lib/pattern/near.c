/*
 * Near misses: one field of a copy of the event is changed, in every place where it stands or could
 * stand, to each of the field's sample values, until the pattern matches; each change is undone.
 */
#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/internal.h"
#include "pattern/sample.h"
#include "pattern/walk.h"

#define TRIES_MAX 256 /* changed events that are judged for one pattern */

struct edit {
	const struct pb_pattern *pattern;
	json_t *event; /* changed in place */
	struct pb_samples samples;
	unsigned n_tries;
	char *found; /* the event that matched */
};

/* What is left of the path; ptr is NULL when nothing is, which differs from one empty key left. */
struct rest {
	const char *ptr;
	size_t len;
};

static bool
is_container(const json_t *value)
{
	return json_is_object(value) || json_is_array(value);
}

/* Was that the change?  Also true when enough was tried. */
static bool
is_done(struct edit *e)
{
	if (pb_pattern_match(e->pattern, e->event))
		e->found = pb_exact_text(e->event);
	return e->found != NULL || ++e->n_tries >= TRIES_MAX;
}

/* Ahead by one key of len bytes. */
static struct rest
behind(struct rest rest, size_t len)
{
	return len == rest.len ? (struct rest){NULL, 0}
			       : (struct rest){rest.ptr + len + 1, rest.len - len - 1};
}

/* The sample where the path ends: {"b":{"c":sample}} for what is left, "b.c". */
static json_t *
wrap(struct rest rest, json_t *sample)
{
	if (rest.ptr == NULL)
		return json_incref(sample);
	const char *dot = memchr(rest.ptr, '.', rest.len);
	size_t len = dot == NULL ? rest.len : (size_t)(dot - rest.ptr);
	json_t *object = json_object();

	(void)json_object_setn_new(object, rest.ptr, len, wrap(behind(rest, len), sample));
	return object;
}

/* --- in an array */

static bool
edit_element(struct edit *e, json_t *array, size_t at)
{
	PB_JSON json_t *kept = json_incref(json_array_get(array, at));
	bool is_over = false;

	for (size_t i = 0; i < e->samples.n && !is_over; i++) {
		json_t *sample = e->samples.values[i];
		if (sample != NULL)
			(void)json_array_set(array, at, sample);
		else
			(void)json_array_remove(array, at);
		is_over = is_done(e);
		if (sample != NULL)
			(void)json_array_set(array, at, kept);
		else
			(void)json_array_insert(array, at, kept);
	}
	return is_over;
}

static bool
append_element(struct edit *e, json_t *array, struct rest rest)
{
	bool is_over = false;

	for (size_t i = 0; i < e->samples.n && !is_over; i++) {
		if (e->samples.values[i] == NULL)
			continue;
		(void)json_array_append_new(array, wrap(rest, e->samples.values[i]));
		is_over = is_done(e);
		(void)json_array_remove(array, json_array_size(array) - 1);
	}
	return is_over;
}

static bool edit_value(struct edit *e, json_t *value, struct rest rest);

static bool
edit_array(struct edit *e, json_t *array, struct rest rest)
{
	size_t n = json_array_size(array);

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_array_get(array, i);
		if (is_container(value) ? edit_value(e, value, rest)
					: rest.ptr == NULL && edit_element(e, array, i))
			return true;
	}
	return (n == 0 || rest.ptr == NULL) && append_element(e, array, rest);
}

/* --- in an object */

/* May the value go without taking other fields along? */
static bool
holds_no_object(const json_t *value)
{
	size_t i;
	json_t *item;

	if (json_is_array(value))
		json_array_foreach (value, i, item)
			if (!holds_no_object(item))
				return false;
	return !json_is_object(value) || json_object_size(value) == 0;
}

/* The member, which the path ends at or nothing stands at, to each sample. */
static bool
edit_member(struct edit *e, json_t *object, struct rest key, struct rest rest)
{
	PB_JSON json_t *kept = json_incref(json_object_getn(object, key.ptr, key.len));
	bool is_over = false;

	for (size_t i = 0; i < e->samples.n && !is_over; i++) {
		json_t *sample = e->samples.values[i];
		if (sample == NULL && kept == NULL)
			continue;
		if (sample == NULL)
			(void)json_object_deln(object, key.ptr, key.len);
		else
			(void)json_object_setn_new(object, key.ptr, key.len, wrap(rest, sample));
		is_over = is_done(e);
		if (kept == NULL)
			(void)json_object_deln(object, key.ptr, key.len);
		else
			(void)json_object_setn(object, key.ptr, key.len, kept);
	}
	return is_over;
}

static bool
edit_object(struct edit *e, json_t *object, struct rest rest)
{
	bool is_there = false;

	for (size_t len = 0; len <= rest.len; len++) {
		if (len < rest.len && rest.ptr[len] != '.')
			continue;
		json_t *value = json_object_getn(object, rest.ptr, len);
		struct rest key = {rest.ptr, len}, left = behind(rest, len);
		if (value == NULL)
			continue;
		is_there = true;
		if (is_container(value) && edit_value(e, value, left))
			return true;
		if (left.ptr == NULL && holds_no_object(value) && edit_member(e, object, key, left))
			return true;
	}
	if (is_there)
		return false;
	const char *dot = memchr(rest.ptr, '.', rest.len);
	size_t len = dot == NULL ? rest.len : (size_t)(dot - rest.ptr);
	return edit_member(e, object, (struct rest){rest.ptr, len}, behind(rest, len));
}

static bool
edit_value(struct edit *e, json_t *value, struct rest rest)
{
	if (json_is_array(value))
		return edit_array(e, value, rest);
	return json_is_object(value) && rest.ptr != NULL && edit_object(e, value, rest);
}

/* --- which field */

static const struct pb_field *
field_of(const struct pb_walk *w, const struct pb_branch *b, size_t i)
{
	return &w->pattern->fields[b->fields[i]];
}

static bool
has_path(const struct pb_field *a, const struct pb_field *b)
{
	return a->path_len == b->path_len && memcmp(a->path, b->path, a->path_len) == 0;
}

static bool
try_field(struct edit *e, const struct pb_walk *w, const struct pb_branch *b, size_t at)
{
	const struct pb_field *f = field_of(w, b, at);

	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; has_path(field_of(w, b, i), f) && k < field_of(w, b, i)->n_tests;
		     k++)
			pb_samples_add_test(&e->samples, &field_of(w, b, i)->tests[k]);
	(void)edit_value(e, e->event, (struct rest){f->path, f->path_len});
	pb_samples_fini(&e->samples);
	return e->found != NULL;
}

static int
take(struct edit *e, const struct pb_field *f, struct pb_buf *why, struct pb_near *ret)
{
	*ret = (struct pb_near){.path = pb_strndup(f->path, f->path_len),
	    .why = pb_buf_take(why),
	    .event = PB_TAKE(e->found)};
	return 1;
}

/* The field of the branch that does not hold alone, if all that do not are one; else b->n. */
static size_t
failing_field(struct pb_walk *w, const struct pb_branch *b, size_t *ret_n)
{
	size_t failing = b->n;

	*ret_n = 0;
	for (size_t i = 0; i < b->n; i++) {
		(void)pb_walk_find(w, b->fields[i]);
		if (pb_walk_field_holds(w, b->fields[i]))
			continue;
		if (failing == b->n || !has_path(field_of(w, b, i), field_of(w, b, failing)))
			++*ret_n;
		if (failing == b->n)
			failing = i;
	}
	return failing;
}

static int
near_branch(struct edit *e, struct pb_walk *w, const struct pb_branch *b, struct pb_near *ret)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	size_t n, at = failing_field(w, b, &n);

	if (n == 1) {
		if (!try_field(e, w, b, at))
			return 0;
		pb_walk_tell_field(w, b->fields[at], &why);
		return take(e, field_of(w, b, at), &why, ret);
	}
	for (size_t i = 0; n == 0 && i < b->n; i++) {
		if (!try_field(e, w, b, i))
			continue;
		pb_walk_tell_join(w, b, &why);
		return take(e, field_of(w, b, i), &why, ret);
	}
	return 0;
}

/* `copy` is the event's, and is again when this returns. */
static int
near_pattern(const struct pb_pattern *p, const json_t *event, json_t *copy, struct pb_near *ret)
{
	struct edit e = {.pattern = p, .event = copy};
	int is_near = 0;

	if (pb_pattern_match(p, event))
		return 0;
	PB_CLEANUP(pb_walk_fini) struct pb_walk w;
	pb_walk_init(&w, p, event);
	for (size_t i = 0; i < p->n_branches && is_near == 0; i++)
		is_near = near_branch(&e, &w, &p->branches[i], ret);
	return is_near;
}

size_t
pb_patterns_near(const struct pb_pattern *const *patterns, size_t n, const json_t *event,
    struct pb_near *ret, size_t cap)
{
	size_t found = 0;

	if (!json_is_object(event))
		return 0;
	PB_JSON json_t *copy = json_deep_copy(event);
	for (size_t i = 0; i < n && found < cap; i++) {
		if (near_pattern(patterns[i], event, copy, &ret[found]) == 0)
			continue;
		ret[found++].id = i;
	}
	return found;
}

int
pb_pattern_near(const struct pb_pattern *p, const json_t *event, struct pb_near *ret)
{
	return (int)pb_patterns_near(&p, 1, event, ret, 1);
}

void
pb_near_fini(struct pb_near *near)
{
	free(near->path);
	free(near->why);
	free(near->event);
	*near = (struct pb_near){0};
}
