/*
 * Near misses: what is said of known ones, and that every one of random patterns and events does what
 * it claims: the changed event matches, and differs in that field only.  In the table ' stands for ".
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"
#include "random.h"

static char *
quoted(const char *text)
{
	char *s = pb_strdup(text);

	for (char *c = s; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	return s;
}

static const struct {
	const char *pattern, *event;
	const char *path, *why, *changed; /* path NULL: no near miss */
} cases[] = {
    {"{'a': {'b': ['ALARM']}}", "{'a': {'b': 'OK'}}", "a.b", "a.b is 'OK', wanted one of ['ALARM']",
	"{'a':{'b':'ALARM'}}"},
    {"{'a': {'b': ['ALARM']}, 'c': [1]}", "{'a': {'b': 'OK'}, 'c': 1}", "a.b",
	"a.b is 'OK', wanted one of ['ALARM']", "{'a':{'b':'ALARM'},'c':1}"},
    /* two fields away, or none */
    {"{'a': {'b': ['ALARM']}, 'c': [1]}", "{'a': {'b': 'OK'}, 'c': 2}", NULL, NULL, NULL},
    {"{'a': [1]}", "{'a': 1}", NULL, NULL, NULL},
    /* what is not there, in the object that is */
    {"{'a': {'b': {'c': [{'prefix': 'x'}]}}}", "{'a': {'d': 1}}", "a.b.c",
	"a.b.c is absent, wanted one of [{'prefix':'x'}]", "{'a':{'d':1,'b':{'c':'x'}}}"},
    {"{'a': [{'exists': true}]}", "{}", "a", "a is absent, wanted one of [{'exists':true}]",
	"{'a':'any-text'}"},
    {"{'a': [1]}", "{'a': []}", "a",
	"a is absent (an object or an empty array stands there), wanted one of [1]", "{'a':[1]}"},
    /* what should not be there */
    {"{'a': [{'exists': false}], 'b': [1]}", "{'a': [1, 2], 'b': 1}", "a",
	"a is 1, 2, wanted one of [{'exists':false}]", "{'b':1}"},
    /* no field stands under a text, or in the place of others */
    {"{'a': {'b': [1]}}", "{'a': 'text'}", NULL, NULL, NULL},
    {"{'a': [1]}", "{'a': {'b': 1}}", NULL, NULL, NULL},
    /* the combination that is nearest */
    {"{'$or': [{'a': [1], 'b': [2]}, {'c': [3]}], 'd': [4]}", "{'d': 4}", "c",
	"c is absent, wanted one of [3]", "{'d':4,'c':3}"},
    {"{'$or': [{'a': [1]}, {'c': [3]}], 'd': [4]}", "{'a': 1, 'd': 5}", "d",
	"d is 5, wanted one of [4]", "{'a':1,'d':4}"},
    /* in one array element */
    {"{'l': {'a': [1], 'b': [2]}}", "{'l': [{'a': 1, 'b': 7}, {'a': 8, 'b': 2}]}", "l.a",
	"no single array element holds together l.a [1], l.b [2]",
	"{'l':[{'a':1,'b':7},{'a':1,'b':2}]}"},
    {"{'l': {'a': [1], 'b': [2]}}", "{'l': [{'a': 1}, {'b': 3}]}", "l.b",
	"l.b is 3, wanted one of [2]", "{'l':[{'a':1,'b':2},{'b':3}]}"},
    /* values at the edges of their tests */
    {"{'n': [{'numeric': ['>', 9223372036854775806]}]}", "{'n': 1}", "n",
	"n is 1, wanted one of [{'numeric':['>',9223372036854775806]}]",
	"{'n':9223372036854775807}"},
    {"{'n': [{'numeric': ['>', 0.5, '<', 0.75]}]}", "{'n': 1}", "n",
	"n is 1, wanted one of [{'numeric':['>',0.5,'<',0.75]}]", NULL},
    {"{'n': [18446744073709551615]}", "{'n': 18446744073709551614}", "n",
	"n is 18446744073709551614, wanted one of [18446744073709551615]",
	"{'n':18446744073709551615}"},
    {"{'n': [{'anything-but': {'wildcard': '*'}}]}", "{'n': 'x'}", "n",
	"n is 'x', wanted one of [{'anything-but':{'wildcard':'*'}}]", "{'n':7}"},
    {"{'n': [{'cidr': '10.0.0.0/8'}]}", "{'n': '11.0.0.1'}", "n",
	"n is '11.0.0.1', wanted one of [{'cidr':'10.0.0.0/8'}]", "{'n':'10.0.0.0'}"},
};

START_TEST(a_near_miss_names_its_field_and_the_event_that_would_match)
{
	PB_CLEANUP(pb_freep) char *pattern = quoted(cases[_i].pattern);
	PB_CLEANUP(pb_freep) char *event = quoted(cases[_i].event);
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern(pattern);
	PB_JSON json_t *e = help_json(event);
	PB_CLEANUP(pb_near_fini) struct pb_near n = {0};
	PB_CLEANUP(pb_freep) char *before = pb_exact_text(e);

	ck_assert_int_eq(pb_pattern_near(p, e, &n), cases[_i].path != NULL);
	PB_CLEANUP(pb_freep) char *after = pb_exact_text(e);
	ck_assert_str_eq(before, after);
	if (cases[_i].path == NULL) {
		ck_assert_ptr_null(n.event);
		return;
	}
	PB_CLEANUP(pb_freep) char *why = quoted(cases[_i].why);
	ck_assert_str_eq(n.path, cases[_i].path);
	ck_assert_str_eq(n.why, why);
	if (cases[_i].changed == NULL)
		return;
	PB_CLEANUP(pb_freep) char *changed = quoted(cases[_i].changed);
	ck_assert_str_eq(n.event, changed);
}
END_TEST

START_TEST(near_misses_of_a_set_are_told_by_their_places)
{
	const char *texts[] = {"{\"a\":[1]}", "{\"a\":[2]}", "{\"b\":[2]}", "{\"c\":[1],\"d\":[1]}",
	    "{\"a\":[1],\"b\":[3]}"};
	struct pb_pattern *patterns[PB_ARRAY_LEN(texts)];
	struct pb_near near[PB_ARRAY_LEN(texts)];
	PB_JSON json_t *event = help_json("{\"a\":1,\"b\":7}");

	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++)
		patterns[i] = help_pattern(texts[i]);
	const struct pb_pattern *const *list = (const struct pb_pattern *const *)patterns;
	ck_assert_uint_eq(pb_patterns_near(list, PB_ARRAY_LEN(texts), event, near, 5), 3);
	ck_assert_uint_eq(near[0].id, 1);
	ck_assert_uint_eq(near[1].id, 2);
	ck_assert_uint_eq(near[2].id, 4);
	ck_assert_str_eq(near[2].why, "b is 7, wanted one of [3]");
	for (size_t i = 0; i < 3; i++)
		pb_near_fini(&near[i]);
	ck_assert_uint_eq(pb_patterns_near(list, PB_ARRAY_LEN(texts), event, near, 1), 1);
	pb_near_fini(&near[0]);
	ck_assert_uint_eq(pb_patterns_near(list, PB_ARRAY_LEN(texts), NULL, near, 1), 0);
	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++)
		pb_pattern_free(patterns[i]);
}
END_TEST

/* --- any pattern and event */

/* Count in `leaves` each value with its path, but for those at `path`. */
static void
count_leaves(const json_t *value, struct pb_buf *at, int depth, const char *path, json_t *leaves)
{
	size_t mark = at->len, i;
	const char *key;
	json_t *item;

	if (json_is_array(value)) {
		json_array_foreach (value, i, item)
			count_leaves(item, at, depth, path, leaves);
	} else if (json_is_object(value)) {
		json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
			(void)pb_buf_adds(at, depth > 0 ? "." : "");
			(void)pb_buf_adds(at, key);
			count_leaves(item, at, depth + 1, path, leaves);
			at->len = mark;
		}
	} else {
		PB_CLEANUP(pb_freep) char *text = pb_exact_text(value);
		PB_CLEANUP(pb_freep)
		char *leaf = pb_asprintf("%.*s = %s", PB_STR_ARG(pb_buf_str(at)), text);
		if (!pb_str_is(pb_buf_str(at), path))
			pb_json_set_i64(leaves, leaf, 1 + pb_json_i64(leaves, leaf, 0));
	}
}

static json_t *
leaves_beside(const json_t *event, const char *path)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf at = PB_BUF_INIT;
	json_t *leaves = json_object();

	count_leaves(event, &at, 0, path, leaves);
	return leaves;
}

static void
check_near(const struct pb_pattern *p, const json_t *event, const struct pb_near *n)
{
	PB_JSON json_t *changed = help_json(n->event);
	PB_JSON json_t *before = leaves_beside(event, n->path);
	PB_JSON json_t *after = leaves_beside(changed, n->path);

	ck_assert(!pb_pattern_match(p, event));
	ck_assert_msg(pb_pattern_match(p, changed), "%s", n->event);
	ck_assert_msg(json_equal(before, after), "more than %s differs in %s", n->path, n->event);
	ck_assert_uint_gt(strlen(n->why), 0);
}

/* One value that is no array or object to one that no pattern asks for. */
static bool
change_some_leaf(struct pb_rand *r, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			bool is_leaf = !json_is_array(item) && !json_is_object(item);
			if (!is_leaf && change_some_leaf(r, item))
				return true;
			if (is_leaf && pb_rand_below(r, 3) == 0)
				return json_array_set_new(value, i, json_string("changed")) == 0;
		}
		return false;
	}
	json_object_foreach (value, key, item) {
		bool is_leaf = !json_is_array(item) && !json_is_object(item);
		if (!is_leaf && change_some_leaf(r, item))
			return true;
		if (is_leaf && pb_rand_below(r, 3) == 0)
			return json_object_set_new(value, key, json_integer(77)) == 0;
	}
	return false;
}

static struct pb_pattern *
make_pattern(struct pb_rand *r)
{
	for (;;) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		struct pb_pattern *p = NULL;
		random_pattern(r, &text);
		if (pb_pattern_compile(pb_buf_str(&text), &p, NULL) == 0)
			return p;
	}
}

/* An event that matched and had one value changed is one field away. */
static int
is_found_again(struct pb_rand *r, const struct pb_pattern *p, const char *matching)
{
	PB_CLEANUP(pb_near_fini) struct pb_near n = {0};
	PB_JSON json_t *event = help_json(matching);

	if (!change_some_leaf(r, event) || pb_pattern_match(p, event))
		return -1;
	if (pb_pattern_near(p, event, &n) == 0)
		return 0;
	check_near(p, event, &n);
	return 1;
}

/* Its field may need a value that is no sample; so nearly all are found. */
START_TEST(near_misses_of_random_patterns_are_true_and_found)
{
	struct pb_rand r;
	size_t n_near = 0, n_changed = 0, n_found = 0;

	pb_rand_seed(&r, 1213);
	for (int round = 0; round < 6000; round++) {
		PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = make_pattern(&r);
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		PB_CLEANUP(pb_near_fini) struct pb_near n = {0};
		random_event(&r, &text);
		PB_JSON json_t *event = help_json(text.ptr);
		if (pb_pattern_near(p, event, &n) == 0)
			continue;
		n_near++;
		check_near(p, event, &n);
		int again = is_found_again(&r, p, n.event);
		n_changed += again >= 0;
		n_found += again > 0;
	}
	ck_assert_uint_gt(n_near, 500);
	ck_assert_uint_gt(n_changed, 100);
	ck_assert_msg(n_found * 100 >= n_changed * 98, "%zu of %zu are found", n_found, n_changed);
}
END_TEST

PB_SUITE(pattern_near)
{
	pb_add_loop(s, a_near_miss_names_its_field_and_the_event_that_would_match, 0,
	    (int)PB_ARRAY_LEN(cases));
	pb_add(s, near_misses_of_a_set_are_told_by_their_places);
	pb_add(s, near_misses_of_random_patterns_are_true_and_found);
}
