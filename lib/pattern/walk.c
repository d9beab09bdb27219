/*
 * Finding the values of a field in an event.  One path may be spelled in several ways ("a.b" in one
 * key, or `a` and `b` in two), so every way to split it is followed; recursion is bounded by the
 * event's depth, which the parser caps.
 */
#include "pattern/walk.h"

#include <stdlib.h>

/* What is left of the path; ptr is NULL when nothing is, which differs from one empty key left. */
struct rest {
	const char *ptr;
	size_t len;
};

static void walk_value(
    struct pb_walk *w, struct pb_found *f, const json_t *value, struct rest rest, uint64_t place);

/* FNV-1a; it need not resist an attacker, since the array's address is compared too. */
static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

#define GROW(items, n, size)                                                                       \
	do {                                                                                       \
		if ((n) >= (size)) {                                                               \
			(size) = (size) == 0 ? 8 : 2 * (size);                                     \
			(items) = pb_realloc((items), (size) * sizeof(*(items)));                  \
		}                                                                                  \
	} while (0)

static void
add_leaf(struct pb_walk *w, const json_t *value)
{
	struct pb_leaf leaf = {value, w->n_members, w->n_around};

	for (size_t i = 0; i < w->n_around; i++) {
		GROW(w->members, w->n_members, w->members_size);
		w->members[w->n_members++] = w->around[i];
	}
	GROW(w->leaves, w->n_leaves, w->leaves_size);
	w->leaves[w->n_leaves++] = leaf;
}

/* Direct values first: then the leaves inside each element of each array are consecutive. */
static void
walk_array(
    struct pb_walk *w, struct pb_found *f, const json_t *array, struct rest rest, uint64_t place)
{
	size_t n = json_array_size(array);

	if (rest.ptr == NULL) {
		f->saw_structure = f->saw_structure || n == 0;
		for (size_t i = 0; i < n; i++) {
			const json_t *value = json_array_get(array, i);
			if (!json_is_object(value) && !json_is_array(value))
				add_leaf(w, value);
		}
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_array_get(array, i);
		if (!json_is_object(value) && !json_is_array(value))
			continue;
		GROW(w->around, w->n_around, w->around_size);
		w->around[w->n_around++] = (struct pb_member){array, place, i};
		walk_value(w, f, value, rest, mix(place, &i, sizeof(i)));
		w->n_around--;
	}
}

static void
walk_object(
    struct pb_walk *w, struct pb_found *f, const json_t *object, struct rest rest, uint64_t place)
{
	for (size_t len = 0; len <= rest.len; len++) {
		bool is_last = len == rest.len;
		if (!is_last && rest.ptr[len] != '.')
			continue;
		const json_t *value = json_object_getn(object, rest.ptr, len);
		if (value == NULL)
			continue;
		struct rest left = {NULL, 0};
		if (!is_last)
			left = (struct rest){rest.ptr + len + 1, rest.len - len - 1};
		walk_value(w, f, value, left, mix(mix(place, rest.ptr, len), &len, sizeof(len)));
	}
}

static void
walk_value(
    struct pb_walk *w, struct pb_found *f, const json_t *value, struct rest rest, uint64_t place)
{
	if (json_is_array(value))
		walk_array(w, f, value, rest, place);
	else if (json_is_object(value) && rest.ptr != NULL)
		walk_object(w, f, value, rest, place);
	else if (json_is_object(value))
		f->saw_structure = true;
	else if (rest.ptr == NULL)
		add_leaf(w, value);
}

bool
pb_field_passes(const struct pb_field *f, const json_t *value)
{
	for (size_t i = 0; i < f->n_tests; i++)
		if (pb_test_passes(&f->tests[i], value))
			return true;
	return false;
}

void
pb_walk_init(struct pb_walk *w, const struct pb_pattern *p, const json_t *event)
{
	*w = (struct pb_walk){.pattern = p, .event = event};
	w->found = pb_calloc(p->n_fields, sizeof(*w->found));
}

void
pb_walk_fini(struct pb_walk *w)
{
	free(w->found);
	free(w->leaves);
	free(w->members);
	free(w->around);
	for (size_t i = 0; i < w->n_rooms; i++)
		free(w->rooms[i]);
}

const struct pb_found *
pb_walk_find(struct pb_walk *w, size_t i)
{
	const struct pb_field *field = &w->pattern->fields[i];
	struct pb_found *f = &w->found[i];

	if (f->is_done)
		return f;
	f->is_done = true;
	f->all.first = w->n_leaves;
	walk_value(
	    w, f, w->event, (struct rest){field->path, field->path_len}, 0xcbf29ce484222325u);
	f->all.n = w->n_leaves - f->all.first;

	f->matching.first = w->n_leaves;
	for (size_t k = 0; k < f->all.n; k++) {
		struct pb_leaf leaf = w->leaves[f->all.first + k];
		if (!pb_field_passes(field, leaf.value))
			continue;
		GROW(w->leaves, w->n_leaves, w->leaves_size);
		w->leaves[w->n_leaves++] = leaf;
	}
	f->matching.n = w->n_leaves - f->matching.first;
	return f;
}
