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
#include "pattern/internal.h"
#include "pattern/sample.h"

#define FIELDS_MAX 64 /* of two branches together; more are undecided */
#define BRANCHES_MAX 32 /* of each pattern that are looked at */

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
			if (ret != NULL)
				return ret;
		}
	return NULL;
}

/* --- proofs */

static bool
has_prefix(const struct pb_test *a, const struct pb_test *b)
{
	return a->text.len >= b->text.len && memcmp(a->text.ptr, b->text.ptr, b->text.len) == 0;
}

static bool
has_suffix(const struct pb_test *a, const struct pb_test *b)
{
	return a->text.len >= b->text.len &&
	    memcmp(a->text.ptr + a->text.len - b->text.len, b->text.ptr, b->text.len) == 0;
}

static bool
is_range_inside(const struct pb_range *a, const struct pb_range *b)
{
	if (b->has_low) {
		int order = a->has_low ? pb_number_compare(a->low, b->low) : -1;
		if (order < 0 || (order == 0 && a->is_low_in && !b->is_low_in))
			return false;
	}
	if (b->has_high) {
		int order = a->has_high ? pb_number_compare(a->high, b->high) : 1;
		if (order > 0 || (order == 0 && a->is_high_in && !b->is_high_in))
			return false;
	}
	return true;
}

/* Surely: whatever passes a passes b? */
static bool
implies(const struct pb_test *a, const struct pb_test *b)
{
	struct pb_samples s = {.n = 0};
	bool ret = false;

	if (b->op == PB_TEST_EXISTS)
		return a->op != PB_TEST_ABSENT;
	switch (a->op) {
	case PB_TEST_TEXT:
	case PB_TEST_NUMBER:
	case PB_TEST_NULL:
	case PB_TEST_TRUE:
	case PB_TEST_FALSE: /* one value: try it */
		pb_samples_add_test(&s, a);
		ret = pb_test_passes(b, s.values[0]);
		json_decref(s.values[0]);
		return ret;
	case PB_TEST_PREFIX:
	case PB_TEST_PREFIX_FOLDED:
		return b->op == a->op && has_prefix(a, b);
	case PB_TEST_SUFFIX:
	case PB_TEST_SUFFIX_FOLDED:
		return b->op == a->op && has_suffix(a, b);
	case PB_TEST_TEXT_FOLDED:
		return (b->op == PB_TEST_TEXT_FOLDED && a->text.len == b->text.len &&
			   has_prefix(a, b)) ||
		    (b->op == PB_TEST_PREFIX_FOLDED && has_prefix(a, b)) ||
		    (b->op == PB_TEST_SUFFIX_FOLDED && has_suffix(a, b));
	case PB_TEST_RANGE:
		return b->op == PB_TEST_RANGE && is_range_inside(&a->range, &b->range);
	case PB_TEST_ABSENT:
		return b->op == PB_TEST_ABSENT;
	case PB_TEST_WILDCARD:
	case PB_TEST_CIDR:
	case PB_TEST_EXISTS:
	case PB_TEST_NONE_OF:
	case PB_TEST_OP_MAX:
		break;
	}
	return false;
}

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
			is_found = implies(&a->tests[i], &b->tests[k]);
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

/* A field that one branch wants present, outside of all doubt, and the other absent. */
static const char *
conflict(const struct pb_pattern *p, const struct pb_branch *a, const struct pb_pattern *q,
    const struct pb_branch *b)
{
	/* With other fields an array could bind an element that lacks it. */
	if (a->n != 1 || b->n != 1)
		return NULL;
	const struct pb_field *x = &p->fields[a->fields[0]], *y = &q->fields[b->fields[0]];
	bool is_conflict =
	    (!x->may_be_absent && !y->may_be_present) || (!y->may_be_absent && !x->may_be_present);
	return is_conflict && strcmp(x->path, y->path) == 0 ? x->path : NULL;
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
