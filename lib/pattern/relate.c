/*
 * How two patterns relate.  Proofs go branch by branch and field by field; witnesses are made of
 * sample values that pass the tests of the fields, put together in a limited number of ways, and
 * believed only once both patterns have judged them.
 *
 * A witness names each field by one key with its dots, which spells the same path.
 */
#include "pattern/relate.h"

#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/implies.h"
#include "pattern/internal.h"
#include "pattern/sample.h"

#define FIELDS_MAX 64 /* of two branches together; more are undecided */
#define BRANCHES_MAX 32 /* of each pattern that are looked at */
#define WORLDS 4 /* choices of values for a pair of branches, each in arrays of its own */

struct choice {
	struct pb_samples fields[FIELDS_MAX];
	const char *paths[FIELDS_MAX];
	size_t n;
};

static void
choice_fini(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		pb_samples_fini(&c->fields[i]);
}

/* What an anything-but leaves out, for the other pattern may take it. */
static void
add_left_out(struct pb_samples *s, const struct pb_test *t)
{
	for (size_t i = 0; t->op == PB_TEST_NONE_OF && i < t->none_of.n; i++)
		pb_samples_add_test(s, &t->none_of.tests[i]);
}

static int
add_branch(struct choice *c, const struct pb_pattern *p, const struct pb_branch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct pb_field *f = &p->fields[b->fields[i]];
		size_t at = 0;
		while (at < c->n && strcmp(c->paths[at], f->path) != 0)
			at++;
		if (at == FIELDS_MAX)
			return -1;
		if (at == c->n)
			c->paths[c->n++] = f->path;
		for (size_t k = 0; k < f->n_tests; k++)
			pb_samples_add_test(&c->fields[at], &f->tests[k]);
		for (size_t k = 0; k < f->n_tests; k++)
			add_left_out(&c->fields[at], &f->tests[k]);
	}
	return 0;
}

/* --- witnesses */

struct question {
	const struct pb_pattern *a, *b;
	bool is_b_wanted; /* is an event sought that b takes too, or one that it does not? */
};

static char *
judge(const struct question *q, const json_t *event)
{
	if (!pb_pattern_match(q->a, event) || pb_pattern_match(q->b, event) != q->is_b_wanted)
		return NULL;
	return pb_exact_text(event);
}

static json_t *
make_event(const struct choice *c, const size_t *picks)
{
	json_t *event = json_object();

	for (size_t i = 0; i < c->n; i++) {
		const struct pb_samples *s = &c->fields[i];
		json_t *value = s->n > 0 ? s->values[picks[i]] : NULL;
		if (value != NULL)
			(void)json_object_set(event, c->paths[i], value);
	}
	return event;
}

/* The values of a field together in an array: each pattern finds its own. */
static json_t *
make_arrays(const struct choice *c)
{
	json_t *event = json_object();

	for (size_t i = 0; i < c->n; i++) {
		json_t *list = json_array();
		for (size_t k = 0; k < c->fields[i].n; k++)
			if (c->fields[i].values[k] != NULL)
				(void)json_array_append(list, c->fields[i].values[k]);
		(void)json_object_set_new(event, c->paths[i], list);
	}
	return event;
}

/* Each field's k-th value, then each field varied on its own, then arrays. */
static char *
try_choice(const struct question *q, const struct choice *c)
{
	for (size_t k = 0; k < PB_SAMPLES_MAX; k++) {
		size_t picks[FIELDS_MAX];
		for (size_t i = 0; i < c->n; i++)
			picks[i] = c->fields[i].n > 0 ? k % c->fields[i].n : 0;
		for (size_t i = 0; i < c->n; i++) {
			size_t kept = picks[i];
			for (picks[i] = 0; picks[i] < c->fields[i].n; picks[i]++) {
				PB_JSON json_t *event = make_event(c, picks);
				char *ret = judge(q, event);
				if (ret != NULL)
					return ret;
			}
			picks[i] = kept;
		}
	}
	PB_JSON json_t *event = make_arrays(c);
	return judge(q, event);
}

/* The k-th sample that passes the field, or NULL. */
static json_t *
passing_sample(const struct pb_field *f, size_t k)
{
	PB_CLEANUP(pb_samples_fini) struct pb_samples s = {.n = 0};

	for (size_t i = 0; i < f->n_tests; i++)
		pb_samples_add_test(&s, &f->tests[i]);
	pb_samples_add_any(&s);
	for (size_t i = 0; i < s.n; i++) {
		json_t *value = s.values[(i + k) % s.n];
		if (value != NULL && pb_field_passes(f, value))
			return json_incref(value);
	}
	return NULL;
}

static json_t *
array_at(json_t *object, const char *key, size_t len)
{
	json_t *array = json_object_getn(object, key, len);

	if (array == NULL) {
		array = json_array();
		(void)json_object_setn_new(object, key, len, array);
	}
	return array;
}

/*
 * Into the event what serves one branch, in array elements of its own: another branch, in other elements
 * of the same arrays, is served at once, and each may want what the other wants to be absent.
 */
static void
add_world(json_t *event, const struct pb_pattern *p, const struct pb_branch *b, size_t k)
{
	PB_JSON json_t *elements = json_object(); /* by the first key */

	for (size_t i = 0; i < b->n; i++) {
		const struct pb_field *f = &p->fields[b->fields[i]];
		size_t len = strcspn(f->path, ".");
		json_t *value = f->may_be_present ? passing_sample(f, k) : NULL;
		if (value == NULL)
			continue;
		if (f->path[len] == '\0') {
			(void)json_array_append_new(array_at(event, f->path, len), value);
			continue;
		}
		json_t *element = json_object_getn(elements, f->path, len);
		if (element == NULL) {
			element = json_object();
			(void)json_object_setn_new(elements, f->path, len, element);
			(void)json_array_append(array_at(event, f->path, len), element);
		}
		const char *rest = f->path + len + 1;
		(void)json_array_append_new(array_at(element, rest, strlen(rest)), value);
	}
}

static char *
try_worlds(const struct question *q, const struct pb_branch *a, const struct pb_branch *b)
{
	for (size_t k = 0; k < WORLDS; k++) {
		PB_JSON json_t *event = json_object();
		add_world(event, q->a, a, k);
		if (q->is_b_wanted)
			add_world(event, q->b, b, k);
		char *ret = judge(q, event);
		if (ret != NULL)
			return ret;
	}
	return NULL;
}

static char *
find_witness(const struct question *q)
{
	for (size_t i = 0; i < q->a->n_branches && i < BRANCHES_MAX; i++)
		for (size_t k = 0; k < q->b->n_branches && k < BRANCHES_MAX; k++) {
			PB_CLEANUP(choice_fini) struct choice c = {.n = 0};
			if (add_branch(&c, q->a, &q->a->branches[i]) < 0 ||
			    add_branch(&c, q->b, &q->b->branches[k]) < 0)
				continue;
			/* A field of b alone may also be left out. */
			for (size_t f = 0; f < c.n; f++) {
				pb_samples_add_any(&c.fields[f]);
				pb_samples_add(&c.fields[f], NULL);
			}
			char *ret = try_choice(q, &c);
			if (ret == NULL)
				ret = try_worlds(q, &q->a->branches[i], &q->b->branches[k]);
			if (ret != NULL)
				return ret;
		}
	return NULL;
}

/* --- proofs */

static bool
field_implies(const struct pb_field *a, const struct pb_field *b)
{
	if (strcmp(a->path, b->path) != 0)
		return false;
	if (strcmp(a->wanted, b->wanted) == 0)
		return true;
	for (size_t i = 0; i < a->n_tests; i++) {
		bool is_found = false;
		for (size_t k = 0; k < b->n_tests && !is_found; k++)
			is_found = pb_test_implies(&a->tests[i], &b->tests[k]);
		if (!is_found)
			return false;
	}
	return true;
}

/*
 * Each field of b is one of a that asks no less: what serves a's fields, in whatever array elements,
 * serves b's.  That does not go for absence, which a may ask of one element and b, with less bound,
 * of all.
 */
static bool
branch_implies(const struct pb_pattern *p, const struct pb_branch *a, const struct pb_pattern *q,
    const struct pb_branch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct pb_field *field = &q->fields[b->fields[i]];
		bool is_found = false;
		for (size_t k = 0; k < a->n && !is_found; k++) {
			const struct pb_field *from = &p->fields[a->fields[k]];
			is_found = !from->may_be_absent && field_implies(from, field);
		}
		if (!is_found)
			return false;
	}
	return true;
}

static bool
implies_all(const struct pb_pattern *a, const struct pb_pattern *b)
{
	for (size_t i = 0; i < a->n_branches; i++) {
		bool is_found = false;
		for (size_t k = 0; k < b->n_branches && !is_found; k++)
			is_found = branch_implies(a, &a->branches[i], b, &b->branches[k]);
		if (!is_found)
			return false;
	}
	return true;
}

enum pb_answer
pb_pattern_is_contained(const struct pb_pattern *a, const struct pb_pattern *b, char **ret_text)
{
	const struct question q = {a, b, false};

	*ret_text = NULL;
	if (implies_all(a, b)) {
		*ret_text = pb_strdup(
		    "each field of the second is one of the first, which asks no less of it");
		return PB_YES;
	}
	*ret_text = find_witness(&q);
	return *ret_text != NULL ? PB_NO : PB_UNDECIDED;
}

static bool
has_first_key(const struct pb_field *a, const struct pb_field *b)
{
	size_t len = strcspn(a->path, ".");
	return len == strcspn(b->path, ".") && memcmp(a->path, b->path, len) == 0;
}

/*
 * Absence is judged on the array element that the branch's other fields are bound to, if they can be in
 * one with the field: then an element that lacks it may be found though another has it.
 */
static bool
wants_absence_of_all(const struct pb_pattern *p, const struct pb_branch *b, size_t at)
{
	const struct pb_field *f = &p->fields[b->fields[at]];
	if (f->may_be_present)
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (i != at && has_first_key(f, &p->fields[b->fields[i]]))
			return false;
	return true;
}

/* A field that b wants to be nowhere, and a somewhere. */
static const char *
absence_conflict(const struct pb_pattern *p, const struct pb_branch *a, const struct pb_pattern *q,
    const struct pb_branch *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct pb_field *x = &p->fields[a->fields[i]];
		for (size_t k = 0; !x->may_be_absent && k < b->n; k++)
			if (strcmp(x->path, q->fields[b->fields[k]].path) == 0 &&
			    wants_absence_of_all(q, b, k))
				return x->path;
	}
	return NULL;
}

static const char *
conflict(const struct pb_pattern *p, const struct pb_branch *a, const struct pb_pattern *q,
    const struct pb_branch *b)
{
	const char *path = absence_conflict(p, a, q, b);
	return path != NULL ? path : absence_conflict(q, b, p, a);
}

enum pb_answer
pb_pattern_overlaps(const struct pb_pattern *a, const struct pb_pattern *b, char **ret_text)
{
	const struct question q = {a, b, true};
	const char *path = NULL;

	*ret_text = find_witness(&q);
	if (*ret_text != NULL)
		return PB_YES;
	for (size_t i = 0; i < a->n_branches; i++)
		for (size_t k = 0; k < b->n_branches; k++) {
			path = conflict(a, &a->branches[i], b, &b->branches[k]);
			if (path == NULL)
				return PB_UNDECIDED;
		}
	*ret_text = pb_asprintf("one wants %s, the other its absence", path);
	return PB_NO;
}
