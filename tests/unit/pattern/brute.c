/*
 * A second implementation of fields, arrays and absence that shares no code with the first: write
 * all leaves of the event down, try every way to serve each field, compare.  Random small events
 * and patterns are made to collide.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../runner.h"
#include "base/rand.h"
#include "help.h"

#define ROUNDS 60000
#define FIELDS 3
#define LEAVES 128

struct leaf {
	char path[64];
	int value;
	int arrays[8], indexes[8]; /* the array elements around it */
	int n;
};

struct event {
	struct pb_buf text;
	struct leaf leaves[LEAVES];
	int n_leaves, n_arrays, n_nodes;
	struct leaf at; /* the place at hand */
};

struct want {
	const char *path;
	int value; /* 0 or 1; 2 = any, -1 = none */
	bool or_absent;
};

/* --- making events */

static void make_value(struct pb_rand *r, struct event *e, int depth);

static void
make_object(struct pb_rand *r, struct event *e, int depth)
{
	static const char *const keys[] = {"a", "b", "c", "a.b", "b.c"};
	size_t len = strlen(e->at.path);
	const char *before = "";

	(void)pb_buf_addc(&e->text, '{');
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++) {
		if (pb_rand_below(r, i < 3 ? 2 : 6) != 0 || e->n_nodes > 40)
			continue;
		(void)pb_buf_addf(&e->text, "%s\"%s\":", before, keys[i]);
		(void)snprintf(e->at.path + len, sizeof(e->at.path) - len, "%s%s",
		    len > 0 ? "." : "", keys[i]);
		make_value(r, e, depth + 1);
		e->at.path[len] = '\0';
		before = ",";
	}
	(void)pb_buf_addc(&e->text, '}');
}

static void
make_array(struct pb_rand *r, struct event *e, int depth)
{
	int64_t n = pb_rand_below(r, 4);
	int level = e->at.n, array = e->n_arrays++;

	(void)pb_buf_addc(&e->text, '[');
	for (int i = 0; i < n; i++) {
		if (i > 0)
			(void)pb_buf_addc(&e->text, ',');
		e->at.arrays[level] = array;
		e->at.indexes[level] = i;
		e->at.n = level + 1;
		make_value(r, e, depth + 1);
	}
	e->at.n = level;
	(void)pb_buf_addc(&e->text, ']');
}

/* A value directly in an array is not bound to its element, so the innermost array is taken off. */
static void
make_leaf(struct pb_rand *r, struct event *e)
{
	struct leaf *l = &e->leaves[e->n_leaves++];
	const char *text = e->text.ptr;
	bool is_direct =
	    e->text.len > 0 && (text[e->text.len - 1] == '[' || text[e->text.len - 1] == ',');

	*l = e->at;
	l->value = (int)pb_rand_below(r, 2);
	if (is_direct)
		l->n--;
	(void)pb_buf_addf(&e->text, "%d", l->value);
}

static void
make_value(struct pb_rand *r, struct event *e, int depth)
{
	int64_t kind = depth > 4 || e->n_nodes++ > 40 ? 0 : pb_rand_below(r, 4);

	if (kind < 1)
		make_leaf(r, e);
	else if (kind < 3)
		make_array(r, e, depth);
	else
		make_object(r, e, depth);
}

/* --- judging by trying everything */

static bool
is_consistent(const struct leaf *a, const struct leaf *b)
{
	for (int i = 0; i < a->n; i++)
		for (int k = 0; k < b->n; k++)
			if (a->arrays[i] == b->arrays[k] && a->indexes[i] != b->indexes[k])
				return false;
	return true;
}

static bool
fits_all(const struct leaf *l, const struct leaf *const *chosen, int n)
{
	for (int i = 0; i < n; i++)
		if (chosen[i] != NULL && !is_consistent(l, chosen[i]))
			return false;
	return true;
}

/* Is every field that was left absent absent beside those that were chosen? */
static bool
absent_hold(const struct event *e, const struct want *wants, const struct leaf *const *chosen)
{
	for (int i = 0; i < FIELDS; i++) {
		if (chosen[i] != NULL)
			continue;
		for (int k = 0; k < e->n_leaves; k++)
			if (strcmp(e->leaves[k].path, wants[i].path) == 0 &&
			    fits_all(&e->leaves[k], chosen, FIELDS))
				return false;
	}
	return true;
}

static bool
try_all(const struct event *e, const struct want *wants, const struct leaf **chosen, int at)
{
	if (at == FIELDS)
		return absent_hold(e, wants, chosen);
	for (int k = 0; k < e->n_leaves; k++) {
		const struct leaf *l = &e->leaves[k];
		bool is_wanted = wants[at].value == 2 || wants[at].value == l->value;
		if (!is_wanted || strcmp(l->path, wants[at].path) != 0 || !fits_all(l, chosen, at))
			continue;
		chosen[at] = l;
		if (try_all(e, wants, chosen, at + 1))
			return true;
	}
	chosen[at] = NULL;
	return wants[at].or_absent && try_all(e, wants, chosen, at + 1);
}

/* --- comparing */

static char *
make_pattern(struct pb_rand *r, struct want *wants)
{
	static const char *const paths[] = {"a", "b", "c", "a.b", "a.c", "b.c", "a.a", "b.b",
	    "a.b.c", "a.b.b", "a.a.b", "b.c.a", "a.b.c.a"};
	struct pb_buf b = PB_BUF_INIT;
	const char *before = "{";
	size_t at = (size_t)pb_rand_below(r, PB_ARRAY_LEN(paths));

	for (int i = 0; i < FIELDS; i++) {
		at = (at + 1 + (size_t)pb_rand_below(r, 4)) % PB_ARRAY_LEN(paths);
		wants[i] = (struct want){paths[at], (int)pb_rand_below(r, 4) - 1, false};
		wants[i].or_absent = wants[i].value < 0 || pb_rand_below(r, 4) == 0;
		(void)pb_buf_addf(&b, "%s\"%s\":[", before, paths[at]);
		if (wants[i].value == 2)
			(void)pb_buf_adds(&b, "{\"exists\":true}");
		else if (wants[i].value >= 0)
			(void)pb_buf_addf(&b, "%d", wants[i].value);
		if (wants[i].or_absent)
			(void)pb_buf_addf(
			    &b, "%s{\"exists\":false}", wants[i].value < 0 ? "" : ",");
		(void)pb_buf_addc(&b, ']');
		before = ",";
	}
	(void)pb_buf_addc(&b, '}');
	return pb_buf_take(&b);
}

START_TEST(joining_agrees_with_trying_everything)
{
	struct pb_rand r;
	size_t n_matches = 0;

	pb_rand_seed(&r, 20260303 + (uint64_t)_i);
	for (int round = 0; round < ROUNDS; round++) {
		static struct event e;
		struct want wants[FIELDS];
		const struct leaf *chosen[FIELDS] = {NULL};

		memset(&e, 0, sizeof(e));
		make_object(&r, &e, 0);
		PB_CLEANUP(pb_freep) char *event = pb_buf_take(&e.text);
		PB_CLEANUP(pb_freep) char *pattern = make_pattern(&r, wants);
		bool want = try_all(&e, wants, chosen, 0);
		n_matches += want;
		ck_assert_msg(help_match(pattern, event) == want, "%s on %s: wanted %s", pattern,
		    event, want ? "a match" : "none");
	}
	/* A generator that makes only one of the two answers would prove nothing. */
	ck_assert_uint_gt(n_matches, ROUNDS / 20);
	ck_assert_uint_lt(n_matches, ROUNDS - ROUNDS / 20);
}
END_TEST

PB_SUITE(pattern_brute)
{
	pb_add_loop(s, joining_agrees_with_trying_everything, 0, 3);
}
