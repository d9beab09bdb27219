/*
 * Patterns against envelopes.  A proof that nothing fits goes branch by branch: in each there is a field
 * that no event of the envelope has, or has with such a value.  A witness is the envelope's example with the
 * fields of a branch set to sample values that the envelope allows.
 */
#include "pattern/envelope.h"

#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/internal.h"
#include "pattern/sample.h"

#define PATHS_MAX 64 /* fields of an envelope that are looked through for "did you mean" */

static bool
is_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return strncmp(path, above, len) == 0 && path[len] == '.';
}

static const struct pb_envelope_field *
find(const struct pb_envelope *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct pb_envelope_field *f = &s->fields[i];
		if (strcmp(f->path, path) == 0 ||
		    (f->kind == PB_ENVELOPE_OPEN && is_below(path, f->path)))
			return f;
	}
	return NULL;
}

static bool
is_allowed(const struct pb_envelope_field *f, const json_t *value)
{
	switch (f->kind) {
	case PB_ENVELOPE_TEXT:
		break;
	case PB_ENVELOPE_NUMBER:
		return pb_exact_is_number(value);
	case PB_ENVELOPE_BOOL:
		return json_is_boolean(value);
	case PB_ENVELOPE_OPEN:
		return true;
	}
	for (size_t i = 0; i < PB_ARRAY_LEN(f->values) && f->values[i] != NULL; i++)
		if (pb_streq(json_string_value(value), f->values[i]))
			return true;
	return f->values[0] == NULL && pb_exact_is_text(value);
}

/* --- that nothing fits */

/* Surely: could no value of the field's kind pass the test?  Texts of a list are tried each. */
static bool
is_hopeless(const struct pb_envelope_field *f, const struct pb_test *t)
{
	if (t->op == PB_TEST_ABSENT)
		return f->is_always;
	if (f->kind == PB_ENVELOPE_OPEN || t->op == PB_TEST_EXISTS)
		return false;
	if (f->values[0] != NULL) {
		for (size_t i = 0; i < PB_ARRAY_LEN(f->values) && f->values[i] != NULL; i++) {
			PB_JSON json_t *value = json_string(f->values[i]);
			if (pb_test_passes(t, value))
				return false;
		}
		return true;
	}
	switch (t->op) {
	case PB_TEST_NUMBER:
	case PB_TEST_RANGE:
		return f->kind != PB_ENVELOPE_NUMBER;
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
		return f->kind != PB_ENVELOPE_BOOL;
	case PB_TEST_NULL:
		return true;
	case PB_TEST_TEXT:
	case PB_TEST_PREFIX:
	case PB_TEST_SUFFIX:
	case PB_TEST_PREFIX_FOLDED:
	case PB_TEST_SUFFIX_FOLDED:
	case PB_TEST_TEXT_FOLDED:
	case PB_TEST_WILDCARD:
	case PB_TEST_CIDR:
		return f->kind != PB_ENVELOPE_TEXT;
	case PB_TEST_EXISTS:
	case PB_TEST_ABSENT:
	case PB_TEST_NONE_OF:
	case PB_TEST_OP_MAX:
		break;
	}
	return false;
}

static void
tell_unknown(const struct pb_envelope *s, const char *path, struct pb_buf *why)
{
	const char *paths[PATHS_MAX];
	size_t n = 0;

	for (; n < s->n && n < PATHS_MAX; n++)
		paths[n] = s->fields[n].path;
	const char *meant = pb_did_you_mean(path, paths, n);
	pb_buf_add_safe(why, pb_str_of(path), 120, false);
	(void)pb_buf_addf(why, " is in no %s", s->name);
	if (meant != NULL)
		(void)pb_buf_addf(why, " (did you mean %s?)", meant);
}

static void
tell_value(const struct pb_envelope *s, const struct pb_envelope_field *sf,
    const struct pb_field *f, struct pb_buf *why)
{
	static const char *const kinds[] = {"text", "a number", "true or false", "anything"};

	pb_buf_add_safe(why, (struct pb_str){f->path, f->path_len}, 120, false);
	if (f->may_be_absent && !f->may_be_present) {
		(void)pb_buf_addf(why, " is in every %s", s->name);
		return;
	}
	(void)pb_buf_addf(why, " of a %s is %s", s->name, kinds[sf->kind]);
	for (size_t i = 0; i < PB_ARRAY_LEN(sf->values) && sf->values[i] != NULL; i++)
		(void)pb_buf_addf(why, "%s\"%s\"", i == 0 ? " " : " or ", sf->values[i]);
	(void)pb_buf_adds(why, ", wanted one of ");
	pb_buf_add_safe(why, pb_str_of(f->wanted), 200, false);
}

/* Is there a field that rules the branch out?  Then says so, if nothing was said yet. */
static bool
is_ruled_out(const struct pb_pattern *p, const struct pb_branch *b, const struct pb_envelope *s,
    struct pb_buf *why)
{
	bool is_first = why->len == 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct pb_field *f = &p->fields[b->fields[i]];
		const struct pb_envelope_field *sf = find(s, f->path);
		if (sf == NULL && f->may_be_absent)
			continue;
		if (sf == NULL) {
			if (is_first)
				tell_unknown(s, f->path, why);
			return true;
		}
		size_t n = 0;
		while (n < f->n_tests && is_hopeless(sf, &f->tests[n]))
			n++;
		if (n < f->n_tests)
			continue;
		if (is_first)
			tell_value(s, sf, f, why);
		return true;
	}
	return false;
}

/* --- an event that fits */

/* Set the value at the path, in the first element of arrays on the way; NULL takes it away. */
static void
set_path(json_t *at, const char *path, json_t *value)
{
	const char *dot = strchr(path, '.');
	size_t len = dot == NULL ? strlen(path) : (size_t)(dot - path);

	if (json_is_array(at))
		at = json_array_get(at, 0);
	if (!json_is_object(at))
		return;
	if (dot == NULL && value == NULL) {
		(void)json_object_deln(at, path, len);
	} else if (dot == NULL) {
		(void)json_object_setn(at, path, len, value);
	} else {
		if (json_object_getn(at, path, len) == NULL)
			(void)json_object_setn_new(at, path, len, json_object());
		set_path(json_object_getn(at, path, len), dot + 1, value);
	}
}

/* Does the event have a value there that passes? */
static bool
holds(const struct pb_field *f, const json_t *event)
{
	const struct pb_branch b = {.fields = (uint32_t[]){0}, .n = 1};
	struct pb_field field = *f;
	struct pb_branch branch = b;
	const struct pb_pattern alone = {PB_PATTERN_MAGIC, &field, 1, &branch, 1};

	return pb_pattern_match(&alone, event);
}

/* The k-th sample that the envelope allows, for fields that do not hold already. */
static void
set_field(json_t *event, const struct pb_envelope *s, const struct pb_field *f, size_t k)
{
	const struct pb_envelope_field *sf = find(s, f->path);
	struct pb_samples all = {.n = 0};

	if (sf == NULL || holds(f, event))
		return;
	for (size_t i = 0; i < f->n_tests; i++)
		pb_samples_add_test(&all, &f->tests[i]);
	for (size_t i = 0; i < PB_ARRAY_LEN(sf->values) && sf->values[i] != NULL; i++)
		pb_samples_add(&all, json_string(sf->values[i]));
	pb_samples_add(&all, json_true());
	for (size_t i = 0; i < all.n; i++) {
		json_t *value = all.values[(i + k) % all.n];
		if (value == NULL ? sf->is_always : !is_allowed(sf, value))
			continue;
		set_path(event, f->path, value);
		if (holds(f, event))
			break;
	}
	pb_samples_fini(&all);
}

static char *
find_witness(const struct pb_pattern *p, const struct pb_branch *b, const struct pb_envelope *s)
{
	for (size_t k = 0; k < PB_SAMPLES_MAX; k++) {
		PB_JSON json_t *event = NULL;
		if (pb_json_parse(pb_str_of(s->example), &event, NULL) < 0)
			return NULL;
		for (size_t i = 0; i < b->n; i++)
			set_field(event, s, &p->fields[b->fields[i]], k);
		if (s->settle(event) && pb_pattern_match(p, event))
			return pb_exact_text(event);
	}
	return NULL;
}

enum pb_answer
pb_pattern_fits_envelope(
    const struct pb_pattern *p, const struct pb_envelope *envelope, char **ret_text)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	bool is_open = false;

	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	*ret_text = NULL;
	for (size_t i = 0; i < p->n_branches; i++) {
		if (is_ruled_out(p, &p->branches[i], envelope, &why))
			continue;
		is_open = true;
		*ret_text = find_witness(p, &p->branches[i], envelope);
		if (*ret_text != NULL)
			return PB_YES;
	}
	if (is_open)
		return PB_UNDECIDED;
	*ret_text = pb_buf_take(&why);
	return PB_NO;
}
