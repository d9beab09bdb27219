/*
 * Compiling a pattern: walk the document, make a field of each list of tests, and multiply $or out.
 *
 * The walk carries the branches that the members read so far make.  A field joins every branch; an
 * $or replaces them by, for each of its objects, a copy that has walked that object.  An object's
 * tests are compiled once however many branches share them.
 */
#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/internal.h"

/* Names that the service keeps for itself inside $or. */
static const char *const reserved[] = {"exactly", "equals-ignore-case", "prefix", "suffix",
    "anything-but", "exists", "wildcard", "numeric", "cidr", "=", "<", "<=", ">", ">=", "regex",
    "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after", "date-before",
    "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range"};

struct branches {
	struct pb_branch *items;
	size_t n;
};

struct compiler {
	struct pb_place place;
	struct pb_buf path; /* of the field at hand: keys joined by '.' */
	size_t n_steps; /* keys in path */
	unsigned depth; /* objects around the place */
	unsigned n_ors; /* $or around the place */
	struct pb_field *fields;
	size_t n_fields, fields_size;
	size_t n_joined; /* fields counted over all branches ever made */
};

static int walk_object(struct compiler *c, const json_t *object, struct branches *b);

static void
branches_fini(struct branches *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->items[i].fields);
	free(b->items);
	*b = (struct branches){0};
}

static void
field_fini(struct pb_field *f)
{
	for (size_t i = 0; i < f->n_tests; i++)
		pb_test_fini(&f->tests[i]);
	free(f->tests);
	free(f->path);
	free(f->wanted);
}

static void
compiler_fini(struct compiler *c)
{
	for (size_t i = 0; i < c->n_fields; i++)
		field_fini(&c->fields[i]);
	free(c->fields);
	pb_buf_fini(&c->path);
	pb_buf_fini(&c->place.path);
}

/* Joined fields bound both memory and time, whatever shape the $or has. */
static int
count_joined(struct compiler *c, size_t n)
{
	c->n_joined += n;
	if (c->n_joined > PB_PATTERN_FIELDS_MAX)
		return pb_place_fail(&c->place, PB_LIMIT,
		    "$or makes more than %d fields in all its combinations; split the pattern",
		    PB_PATTERN_FIELDS_MAX);
	return 0;
}

static int
join_field(struct compiler *c, struct branches *b, uint32_t field)
{
	if (count_joined(c, b->n) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		struct pb_branch *br = &b->items[i];
		/* Grows at powers of two; the count tells the size. */
		if ((br->n & (br->n - 1)) == 0)
			br->fields = pb_realloc(
			    br->fields, (br->n == 0 ? 1 : 2 * br->n) * sizeof(*br->fields));
		br->fields[br->n++] = field;
	}
	return 0;
}

/* A copy of `from` with room as join_field expects it. */
static int
copy_branches(struct compiler *c, const struct branches *from, struct branches *ret)
{
	size_t total = 0;

	for (size_t i = 0; i < from->n; i++)
		total += from->items[i].n;
	if (count_joined(c, total) < 0)
		return -1;

	*ret = (struct branches){pb_calloc(from->n, sizeof(*ret->items)), from->n};
	for (size_t i = 0; i < from->n; i++) {
		size_t n = from->items[i].n, size = 1;
		while (size < n)
			size *= 2;
		if (n > 0) {
			ret->items[i].fields = pb_calloc(size, sizeof(uint32_t));
			memcpy(ret->items[i].fields, from->items[i].fields, n * sizeof(uint32_t));
		}
		ret->items[i].n = n;
	}
	return 0;
}

/* Move all of `more` behind `b`. */
static int
append_branches(struct compiler *c, struct branches *b, struct branches *more)
{
	if (b->n + more->n > PB_PATTERN_BRANCHES_MAX)
		return pb_place_fail(&c->place, PB_LIMIT,
		    "$or makes more than %d combinations; split the pattern",
		    PB_PATTERN_BRANCHES_MAX);
	b->items = pb_realloc(b->items, (b->n + more->n) * sizeof(*b->items));
	memcpy(b->items + b->n, more->items, more->n * sizeof(*b->items));
	b->n += more->n;
	free(more->items);
	*more = (struct branches){0};
	return 0;
}

static int
walk_alternative(
    struct compiler *c, const json_t *object, const struct branches *before, struct branches *after)
{
	PB_CLEANUP(branches_fini) struct branches mine = {0};

	if (!json_is_object(object))
		return pb_place_fail(&c->place, PB_INVALID,
		    "Only JSON object is allowed in array of $or relationship.");
	if (copy_branches(c, before, &mine) < 0 || walk_object(c, object, &mine) < 0)
		return -1;
	return append_branches(c, after, &mine);
}

static int
walk_or(struct compiler *c, const json_t *list, struct branches *b)
{
	PB_CLEANUP(branches_fini) struct branches after = {0};

	if (!json_is_array(list))
		return pb_place_fail(
		    &c->place, PB_INVALID, "It must be an Array followed with $or.");
	c->n_ors++;
	for (size_t i = 0; i < json_array_size(list); i++) {
		size_t mark = pb_place_enter_index(&c->place, i);
		if (walk_alternative(c, json_array_get(list, i), b, &after) < 0)
			return -1;
		pb_place_leave(&c->place, mark);
	}
	c->n_ors--;
	if (json_array_size(list) < 2)
		return pb_place_fail(&c->place, PB_INVALID,
		    "There must have at least 2 Objects in $or relationship.");
	branches_fini(b);
	*b = after;
	after = (struct branches){0};
	return 0;
}

static int
compile_tests(struct compiler *c, const json_t *list, struct pb_field *f)
{
	f->tests = pb_calloc(json_array_size(list), sizeof(*f->tests));
	for (size_t i = 0; i < json_array_size(list); i++) {
		size_t mark = pb_place_enter_index(&c->place, i);
		if (pb_test_compile(&c->place, json_array_get(list, i), &f->tests[i]) < 0)
			return -1;
		f->n_tests++;
		if (f->tests[i].op == PB_TEST_ABSENT)
			f->may_be_absent = true;
		else
			f->may_be_present = true;
		pb_place_leave(&c->place, mark);
	}
	return 0;
}

static int
check_path(struct compiler *c)
{
	size_t n = 1;

	for (size_t i = 0; i < c->path.len; i++)
		n += c->path.ptr[i] == '.';
	if (n > PB_PATTERN_STEPS_MAX)
		return pb_place_fail(&c->place, PB_LIMIT,
		    "a path of %zu keys, counting dots; at most %d are allowed", n,
		    PB_PATTERN_STEPS_MAX);
	return 0;
}

static int
walk_field(struct compiler *c, const json_t *list, struct branches *b)
{
	if (json_array_size(list) == 0)
		return pb_place_fail(&c->place, PB_INVALID, "Empty arrays are not allowed");
	if (check_path(c) < 0)
		return -1;
	if (c->n_fields == c->fields_size) {
		c->fields_size = c->fields_size == 0 ? 4 : 2 * c->fields_size;
		c->fields = pb_realloc(c->fields, c->fields_size * sizeof(*c->fields));
	}

	struct pb_field *f = &c->fields[c->n_fields++];
	*f = (struct pb_field){.path = pb_strndup(c->path.ptr, c->path.len),
	    .path_len = c->path.len,
	    .wanted = pb_exact_text(list)};
	if (compile_tests(c, list, f) < 0)
		return -1;
	return join_field(c, b, (uint32_t)(c->n_fields - 1));
}

static bool
is_reserved(const char *key)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(reserved); i++)
		if (strcmp(key, reserved[i]) == 0)
			return true;
	return false;
}

static int
walk_member(struct compiler *c, struct pb_str key, const json_t *value, struct branches *b)
{
	char shown[128];
	int ret;

	if (pb_str_is(key, "$or"))
		return walk_or(c, value, b);
	(void)pb_safe(shown, sizeof(shown), key);
	if (c->n_ors > 0 && is_reserved(key.ptr))
		return pb_place_fail(&c->place, PB_INVALID,
		    "%s is Ruler reserved fieldName which cannot be used inside $or.", shown);

	size_t mark = c->path.len;
	if (c->n_steps++ > 0)
		(void)pb_buf_addc(&c->path, '.');
	(void)pb_buf_add(&c->path, key.ptr, key.len);
	if (json_is_object(value))
		ret = walk_object(c, value, b);
	else if (json_is_array(value))
		ret = walk_field(c, value, b);
	else
		ret = pb_place_fail(
		    &c->place, PB_INVALID, "\"%s\" must be an object or an array", shown);
	c->path.len = mark;
	c->n_steps--;
	return ret;
}

static int
walk_object(struct compiler *c, const json_t *object, struct branches *b)
{
	const char *key = NULL;
	json_t *value = NULL;

	if (json_object_size(object) == 0)
		return pb_place_fail(&c->place, PB_INVALID, "Empty objects are not allowed");
	if (++c->depth > PB_PATTERN_DEPTH_MAX)
		return pb_place_fail(&c->place, PB_LIMIT, "more than %d objects within each other",
		    PB_PATTERN_DEPTH_MAX);
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		size_t mark = pb_place_enter_key(&c->place, key, strlen(key));
		if (walk_member(c, pb_str_of(key), value, b) < 0)
			return -1;
		pb_place_leave(&c->place, mark);
	}
	c->depth--;
	return 0;
}

/* `text` is what doc was made of, if it was. */
static int
compile(const json_t *doc, const struct pb_str *text, struct pb_pattern **ret, struct pb_error *err)
{
	PB_CLEANUP(compiler_fini) struct compiler c = {.place = {.err = err}};
	PB_CLEANUP(branches_fini) struct branches b = {0};

	if (!json_is_object(doc))
		return pb_place_fail(&c.place, PB_INVALID, "Filter is not an object");
	b = (struct branches){pb_calloc(1, sizeof(*b.items)), 1};
	if (walk_object(&c, doc, &b) < 0) {
		if (text != NULL)
			pb_place_locate(&c.place, *text);
		return -1;
	}

	struct pb_pattern *p = pb_calloc(1, sizeof(*p));
	*p = (struct pb_pattern){PB_PATTERN_MAGIC, c.fields, c.n_fields, b.items, b.n};
	c.fields = NULL;
	c.n_fields = 0;
	b = (struct branches){0};
	*ret = p;
	return 0;
}

int
pb_pattern_compile_json(const json_t *doc, struct pb_pattern **ret, struct pb_error *err)
{
	return compile(doc, NULL, ret, err);
}

int
pb_pattern_compile(struct pb_str json_text, struct pb_pattern **ret, struct pb_error *err)
{
	PB_JSON json_t *doc = NULL;

	if (json_text.len > PB_PATTERN_MAX)
		return pb_fail(err, PB_LIMIT, "a pattern of %zu bytes; at most %d are allowed",
		    json_text.len, PB_PATTERN_MAX);
	if (pb_exact_parse(json_text, &doc, err) < 0)
		return -1;
	return compile(doc, &json_text, ret, err);
}

void
pb_pattern_free(struct pb_pattern *p)
{
	if (p == NULL)
		return;
	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	for (size_t i = 0; i < p->n_fields; i++)
		field_fini(&p->fields[i]);
	free(p->fields);
	for (size_t i = 0; i < p->n_branches; i++)
		free(p->branches[i].fields);
	free(p->branches);
	p->magic = 0;
	free(p);
}
