/*
 * Cases for a third opinion: random patterns and events that are made to collide, and what we say of
 * each, as "match", "nomatch" or "error REASON", tab, pattern, tab, event.  Left out is what stands in
 * settled.tsv: there we differ from event-ruler on purpose.
 *   third-cases NUMBER SEED
 *   third-cases --settled FILE    are the differences of the list still what we say?
 */
#include <stdio.h>
#include <stdlib.h>

#include "pattern/internal.h"
#include "pattern/walk.h"
#include "tests/unit/pattern/random.h"

/* A tab or line break in a case would break the line; both mean a blank between tokens. */
static void
flatten(struct pb_buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (strchr("\t\n\r", b->ptr[i]) != NULL)
			b->ptr[i] = ' ';
}

/* Spellings that lead to settled differences, in patterns and events. */
static const char *const settled[] = {
    "9223372036854775807", "9223372036854775806", "-9223372036854775808", "9007199254740993",
    "0.10000000000000000001", "5e-324", "4e-324", "1e-400", "-122.429163609223549",
    "9007199254740992", "18446744073709551", "1844674407370955", "922337203685477580",
    "9.223372036854775807E18", "0.1000000000000000000000000000000000000001", "0.30000000000000004",
    "12345678901234567890123456789.5", "115292150460684", "0.00000000000000000000000000000025",
    "2.5e-31", "123456789012345", "e-324", "1.152921504606847", "9.22337203685477",
    "1.84467440737095", /* beyond a double */
    "\"\":", /* an empty key */
    "\"\\\"", /* the quote that ends a text */
};
/* In patterns only. */
static const char *const settled_tests[] = {
    "/32\"", "/128\"", "/0\"", /* cidr: the last value of a mask, and what is no address */
    "\"prefix\":[]", "\"suffix\":[]", "\"wildcard\":[]",
    "\"equals-ignore-case\":[]", /* it takes the pattern, and then it fails on it */
};
/* In patterns that ignore case. */
static const char *const settled_letters[] = {"\\ud83d", "\xf0\x9f\x98\x80", "K", "ſ", "s"};

#define HAS_ANY(text, list) has_any(text, list, PB_ARRAY_LEN(list))
static bool
has_any(struct pb_str text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memmem(text.ptr, text.len, list[i], strlen(list[i])) != NULL)
			return true;
	return false;
}

/* A field named twice: we want both, event-ruler the last. */
static bool
has_field_twice(const struct pb_pattern *p)
{
	for (size_t b = 0; b < p->n_branches; b++)
		for (size_t i = 0; i < p->branches[b].n; i++)
			for (size_t k = 0; k < i; k++)
				if (strcmp(p->fields[p->branches[b].fields[i]].path,
					p->fields[p->branches[b].fields[k]].path) == 0)
					return true;
	return false;
}

/* Absence where arrays have the field: we judge it on the element that others bind. */
static bool
has_absence_in_array(const struct pb_pattern *p, struct pb_str text)
{
	PB_JSON json_t *event = NULL;
	bool ret = false;

	if (pb_json_parse(text, &event, NULL) < 0)
		return false;
	PB_CLEANUP(pb_walk_fini) struct pb_walk w;
	pb_walk_init(&w, p, event);
	for (size_t i = 0; i < p->n_fields; i++) {
		struct pb_leaves all = pb_walk_find(&w, i)->all;
		for (size_t k = all.first; k < all.first + all.n; k++)
			ret = ret || (p->fields[i].may_be_absent && w.leaves[k].n > 0);
	}
	return ret;
}

/* A text and a range in one list: event-ruler now and then loses the text. */
static bool
has_text_beside_range(const struct pb_pattern *p)
{
	for (size_t i = 0; i < p->n_fields; i++) {
		bool has_text = false, has_range = false;
		for (size_t k = 0; k < p->fields[i].n_tests; k++) {
			has_text = has_text || p->fields[i].tests[k].op == PB_TEST_TEXT;
			has_range = has_range || p->fields[i].tests[k].op == PB_TEST_RANGE;
		}
		if (has_text && has_range)
			return true;
	}
	return false;
}

/* A field may be there or not, and in another combination something else is asked of it. */
static bool
has_either_beside(const struct pb_pattern *p)
{
	for (size_t i = 0; i < p->n_fields; i++) {
		if (!p->fields[i].may_be_absent || !p->fields[i].may_be_present)
			continue;
		for (size_t k = 0; k < p->n_fields; k++)
			if (k != i && strcmp(p->fields[k].path, p->fields[i].path) == 0)
				return true;
	}
	return false;
}

static bool
is_settled(struct pb_str pattern, struct pb_str event)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;

	if (HAS_ANY(pattern, settled) || HAS_ANY(event, settled) || HAS_ANY(pattern, settled_tests))
		return true;
	if (memmem(pattern.ptr, pattern.len, "ignore-case", 11) != NULL &&
	    HAS_ANY(pattern, settled_letters))
		return true;
	return pb_pattern_compile(pattern, &p, NULL) == 0 &&
	    (has_field_twice(p) || has_text_beside_range(p) || has_either_beside(p) ||
		has_absence_in_array(p, event));
}

/* "match", "nomatch", "refused" for an event that is none, or "error REASON". */
static void
judge(struct pb_match *scratch, struct pb_str pattern, struct pb_str event, struct pb_buf *ret)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	struct pb_error err = {0};
	size_t n = 0;
	int rc = pb_matcher_builder_add_text(b, pattern, &err);

	m = pb_matcher_builder_finish(b);
	if (rc < 0)
		(void)pb_buf_addf(ret, "error %s", err.text);
	else if (pb_match(m, scratch, event, NULL, 0, &n) < 0)
		(void)pb_buf_adds(ret, "refused");
	else
		(void)pb_buf_adds(ret, n > 0 ? "match" : "nomatch");
}

static void
put_case(struct pb_match *scratch, struct pb_str pattern, struct pb_str event)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf verdict = PB_BUF_INIT;

	judge(scratch, pattern, event, &verdict);
	/* A reason that names what no line may have: ours is safe to show. */
	if (memmem(verdict.ptr, verdict.len, "\\x0", 3) != NULL)
		return;
	printf("%s\t%.*s\t%.*s\n", verdict.ptr, PB_STR_ARG(pattern), PB_STR_ARG(event));
}

/* Lines of what we say, what event-ruler says, pattern, event, and which difference that is. */
static int
check_settled(struct pb_match *scratch, const char *file)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;
	int n = 0, n_bad = 0;

	while (f != NULL && getline(&line, &size, f) > 0) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf verdict = PB_BUF_INIT;
		char *rest = line;
		const char *ours = strsep(&rest, "\t"), *theirs = strsep(&rest, "\t");
		struct pb_str pattern = pb_str_of(strsep(&rest, "\t"));
		struct pb_str event = pb_str_of(strsep(&rest, "\t"));
		judge(scratch, pattern, event, &verdict);
		n++;
		if (rest != NULL && strcmp(ours, theirs) != 0 &&
		    strncmp(verdict.ptr, ours, strlen(ours)) == 0)
			continue;
		n_bad++;
		printf("settled as %s, is %s: %.*s\n", ours, verdict.ptr, PB_STR_ARG(pattern));
	}
	free(line);
	if (f != NULL)
		fclose(f);
	printf("%d settled differences, %d are not as settled\n", n, n_bad);
	return n > 0 && n_bad == 0 ? 0 : 1;
}

/* --- patterns that are none, mostly */

static json_t *
odd_value(struct pb_rand *r)
{
	static const char *const values[] = {"null", "true", "1", "\"x\"", "\"a**\"", "\"\"", "[]",
	    "{}", "[1]", "[\"x\",2]", "[null]", "[[1]]", "{\"prefix\":\"x\"}",
	    "{\"equals-ignore-case\":\"x\"}", "{\"a\":[1]}", "[{\"a\":[1]},{\"b\":[2]}]",
	    "[\">\",1]", "[\">\",1,\"<\",0]", "[\"<\",1,2]", "\"10.0.0.1/33\"", "\"10.0.0.1\"",
	    "\"1:2/3\"", "\"a\\\\b\"", "\"/x\"", "[\"=\",null]", "[\">\",1,\"<\",{}]"};
	json_t *ret = NULL;

	(void)pb_json_parse(
	    pb_str_of(values[pb_rand_below(r, (int64_t)PB_ARRAY_LEN(values))]), &ret, NULL);
	return ret;
}

static const char *
odd_key(struct pb_rand *r)
{
	static const char *const keys[] = {"prefix", "suffix", "equals-ignore-case", "wildcard",
	    "anything-but", "numeric", "cidr", "exists", "exactly", "$or", "x", "regex", "="};

	return keys[pb_rand_below(r, (int64_t)PB_ARRAY_LEN(keys))];
}

/* One member of the object to something else; false if it went to none below it. */
static void
spoil_object(struct pb_rand *r, json_t *object, const char *key)
{
	json_t *value = json_incref(json_object_get(object, key));

	switch (pb_rand_below(r, 4)) {
	case 0: /* another value */
		(void)json_object_set_new(object, key, odd_value(r));
		break;
	case 1: /* another key */
		(void)json_object_del(object, key);
		(void)json_object_set(object, odd_key(r), value);
		break;
	case 2: /* one more */
		(void)json_object_set_new(object, odd_key(r), odd_value(r));
		break;
	default: /* none */
		(void)json_object_del(object, key);
		break;
	}
	json_decref(value);
}

static void
spoil(struct pb_rand *r, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			if (pb_rand_below(r, 4) == 0)
				(void)json_array_set_new(value, i, odd_value(r));
			else
				spoil(r, item);
		}
		return;
	}
	json_object_foreach (value, key, item) {
		if (pb_rand_below(r, 3) == 0) {
			spoil_object(r, value, key);
			return;
		}
		spoil(r, item);
	}
}

static void
spoil_text(struct pb_rand *r, struct pb_buf *b)
{
	PB_JSON json_t *doc = NULL;

	if (pb_json_parse(pb_buf_str(b), &doc, NULL) < 0)
		return;
	spoil(r, doc);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(doc);
	pb_buf_reset(b);
	(void)pb_buf_adds(b, text);
}

/* An event that matches, or is near to it: random ones seldom are. */
static void
come_near(struct pb_str pattern, struct pb_buf *event)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;
	PB_CLEANUP(pb_near_fini) struct pb_near near = {0};
	PB_JSON json_t *doc = NULL;

	if (pb_pattern_compile(pattern, &p, NULL) < 0 ||
	    pb_json_parse(pb_buf_str(event), &doc, NULL) < 0 || pb_pattern_near(p, doc, &near) == 0)
		return;
	pb_buf_reset(event);
	(void)pb_buf_adds(event, near.event);
}

int
main(int argc, char **argv)
{
	PB_CLEANUP(pb_match_freep) struct pb_match *scratch = pb_match_new();
	struct pb_rand r;

	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "--settled") == 0)
		return check_settled(scratch, argv[2]);
	pb_rand_seed(&r, strtoull(argv[2], NULL, 10));
	for (long i = strtol(argv[1], NULL, 10); i > 0;) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf pattern = PB_BUF_INIT, event = PB_BUF_INIT;
		random_pattern(&r, &pattern);
		random_event(&r, &event);
		if (pb_rand_below(&r, 3) == 0)
			spoil_text(&r, &pattern);
		if (pb_rand_below(&r, 2) == 0)
			come_near(pb_buf_str(&pattern), &event);
		flatten(&pattern);
		flatten(&event);
		if (is_settled(pb_buf_str(&pattern), pb_buf_str(&event)))
			continue;
		put_case(scratch, pb_buf_str(&pattern), pb_buf_str(&event));
		i--;
	}
	return 0;
}
