/*
 * Fields, dotted keys, $or, and the consistency of arrays.  In these tables ' stands for ".
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"

struct structure_case {
	const char *name;
	const char *pattern;
	const char *event;
	bool is_match;
};

static const struct structure_case cases[] = {
    {"all fields must match", "{'a': [1], 'b': [2]}", "{'a': 1, 'b': 2}", true},
    {"one field fails", "{'a': [1], 'b': [2]}", "{'a': 1, 'b': 3}", false},
    {"nested", "{'a': {'b': {'c': [1]}}}", "{'a': {'b': {'c': 1}}}", true},
    {"text is no structure", "{'a': {'b': [1]}}", "{'a': '{\\'b\\': 1}'}", false},
    {"dots in the pattern", "{'a.b': [1]}", "{'a': {'b': 1}}", true},
    {"dots in the event", "{'a': {'b': [1]}}", "{'a.b': 1}", true},
    {"dots in both, cut differently", "{'a.b': {'c': [1]}}", "{'a': {'b.c': 1}}", true},
    {"both spellings at once", "{'a.b': [1]}", "{'a.b': 2, 'a': {'b': 1}}", true},
    {"a longer path", "{'a.b.c': [1]}", "{'a': {'b': 1}}", false},
    {"empty keys", "{'': {'': [1]}}", "{'': {'': 1}}", true},
    {"empty keys and dots", "{'.': [1]}", "{'': {'': 1}}", true},
    {"one empty key is not two", "{'': [1]}", "{'.': 1}", false},
    {"keys differ in case", "{'a': [1]}", "{'A': 1}", false},
    {"escaped keys", "{'\\u0061': [1]}", "{'a': 1}", true},
    {"a field twice wants both", "{'a': {'b': [{'prefix': 'x'}]}, 'a.b': [{'suffix': 'y'}]}",
	"{'a': {'b': 'xy'}}", true},
    {"a field twice, one fails", "{'a': {'b': [{'prefix': 'x'}]}, 'a.b': [{'suffix': 'y'}]}",
	"{'a': {'b': 'xz'}}", false},
    {"not an object", "{'a': [1]}", "[{'a': 1}]", false},

    {"$or, first", "{'$or': [{'a': [1]}, {'b': [2]}]}", "{'a': 1}", true},
    {"$or, second", "{'$or': [{'a': [1]}, {'b': [2]}]}", "{'b': 2}", true},
    {"$or, none", "{'$or': [{'a': [1]}, {'b': [2]}]}", "{'a': 2, 'b': 1}", false},
    {"$or beside a field that fails", "{'c': [3], '$or': [{'a': [1]}, {'b': [2]}]}", "{'a': 1}",
	false},
    {"$or before a field", "{'$or': [{'a': [1]}, {'b': [2]}], 'c': [3]}", "{'b': 2, 'c': 3}", true},
    {"$or deep", "{'d': {'$or': [{'a': [1]}, {'e': {'b': [2]}}]}}", "{'d': {'e': {'b': 2}}}", true},
    {"$or keeps its level", "{'d': {'$or': [{'a': [1]}, {'b': [2]}]}}", "{'a': 1}", false},
    {"$or in $or", "{'$or': [{'a': [1]}, {'b': [2], '$or': [{'c': [3]}, {'d': [4]}]}]}",
	"{'b': 2, 'd': 4}", true},
    {"$or in $or, half", "{'$or': [{'a': [1]}, {'b': [2], '$or': [{'c': [3]}, {'d': [4]}]}]}",
	"{'b': 2}", false},
    {"two $or", "{'x': {'$or': [{'a': [1]}, {'b': [2]}]}, '$or': [{'c': [3]}, {'d': [4]}]}",
	"{'x': {'b': 2}, 'c': 3}", true},
    {"two $or, one fails",
	"{'x': {'$or': [{'a': [1]}, {'b': [2]}]}, '$or': [{'c': [3]}, {'d': [4]}]}",
	"{'x': {'b': 2}}", false},
    {"$or on the field beside it",
	"{'a': [{'prefix': 'x'}], '$or': [{'a': [{'suffix': 'y'}]}, {'b': [1]}]}", "{'a': 'xz'}",
	false},
    {"$or on the field beside it, both",
	"{'$or': [{'a': [{'suffix': 'y'}]}, {'b': [1]}], 'a': [{'prefix': 'x'}]}", "{'a': 'xy'}",
	true},

    {"one element holds both", "{'l': {'a': [1], 'b': [2]}}", "{'l': [{'a': 1, 'b': 2}]}", true},
    {"two elements hold one each", "{'l': {'a': [1], 'b': [2]}}",
	"{'l': [{'a': 1, 'b': 3}, {'a': 3, 'b': 2}]}", false},
    {"a later element holds both", "{'l': {'a': [1], 'b': [2]}}",
	"{'l': [{'a': 1}, {'b': 2}, {'a': 1, 'b': 2}]}", true},
    {"dotted keys bind too", "{'l.a': [1], 'l.b': [2]}", "{'l': [{'a': 1}, {'b': 2}]}", false},
    {"different arrays are free", "{'l': {'a': [1]}, 'm': {'b': [2]}}",
	"{'l': [{'a': 0}, {'a': 1}], 'm': [{'b': 2}]}", true},
    {"inner arrays", "{'l': {'a': [1], 'm': {'b': [2], 'c': [3]}}}",
	"{'l': [{'a': 1, 'm': [{'b': 2}, {'c': 3}]}, {'a': 1, 'm': [{'b': 0}, {'b': 2, 'c': 3}]}]}",
	true},
    {"inner arrays, wrong outer", "{'l': {'a': [1], 'm': {'b': [2], 'c': [3]}}}",
	"{'l': [{'a': 1, 'm': [{'b': 2}]}, {'a': 0, 'm': [{'b': 2, 'c': 3}]}]}", false},
    {"inner arrays, wrong inner", "{'l': {'a': [1], 'm': {'b': [2], 'c': [3]}}}",
	"{'l': [{'a': 1, 'm': [{'b': 2}, {'c': 3}]}]}", false},
    {"plain values are not bound", "{'l': {'a': [1], 'b': [2]}}",
	"{'l': [{'a': [0, 1], 'b': [2, 3]}]}", true},
    {"arrays of arrays", "{'l': {'a': [1], 'b': [2]}}",
	"{'l': [[{'a': 1}, {'b': 2}], [{'a': 1, 'b': 2}]]}", true},
    {"arrays of arrays, apart", "{'l': {'a': [1], 'b': [2]}}",
	"{'l': [[{'a': 1}, {'b': 2}], [{'a': 1}]]}", false},
    {"three fields, pairs only", "{'l': {'a': [1], 'b': [1], 'c': [1]}}",
	"{'l': [{'a': 1, 'b': 1}, {'b': 1, 'c': 1}, {'a': 1, 'c': 1}]}", false},
    {"an element of the other spelling", "{'l': {'m': {'a': [1], 'b': [2]}}}",
	"{'l.m': [{'a': 1}], 'l': {'m': [{'a': 1, 'b': 2}]}}", true},
    {"elements of both spellings are free", "{'l': {'m': {'a': [1], 'b': [2]}}}",
	"{'l.m': [{'a': 1}], 'l': {'m': [{'b': 2}]}}", true},
    {"an array and a plain one of the other spelling", "{'l': {'m': {'a': [1], 'b': [2]}}}",
	"{'l.m': [{'b': 3}, {'a': 1}], 'l': {'m': {'b': 2}}}", true},

    {"absent in the bound element", "{'l': {'a': [1], 'b': [{'exists': false}]}}",
	"{'l': [{'a': 1}, {'a': 2, 'b': 2}]}", true},
    {"absent in the bound element, order of keys", "{'l': {'b': [{'exists': false}], 'a': [1]}}",
	"{'l': [{'a': 1}, {'a': 2, 'b': 2}]}", true},
    {"present in the bound element", "{'l': {'b': [{'exists': false}], 'a': [1]}}",
	"{'l': [{'a': 1, 'b': 2}, {'a': 2}]}", false},
    {"absent in another element that matches", "{'l': {'b': [{'exists': false}], 'a': [1]}}",
	"{'l': [{'a': 1, 'b': 2}, {'a': 1}]}", true},
    {"absent alone is judged on all", "{'l': {'b': [{'exists': false}]}}",
	"{'l': [{'a': 1}, {'b': 2}]}", false},
    {"absent alone, none has it", "{'l': {'b': [{'exists': false}]}}", "{'l': [{'a': 1}]}", true},
    {"absent beside another array", "{'m': {'a': [1]}, 'l': {'b': [{'exists': false}]}}",
	"{'m': [{'a': 1}], 'l': [{'b': 1}, {'c': 1}]}", false},
    {"absent in an inner array", "{'l': {'a': [1], 'm': {'b': [{'exists': false}]}}}",
	"{'l': [{'a': 2, 'm': [{'b': 1}]}, {'a': 1, 'm': [{'c': 1}]}]}", true},
    {"present in an inner array", "{'l': {'a': [1], 'm': {'b': [{'exists': false}]}}}",
	"{'l': [{'a': 1, 'm': [{'b': 1}, {'c': 1}]}]}", false},
    {"either, absent there", "{'l': {'a': [1], 'b': [2, {'exists': false}]}}",
	"{'l': [{'a': 1}, {'a': 2, 'b': 2}]}", true},
    {"either, wrong there", "{'l': {'a': [1], 'b': [2, {'exists': false}]}}",
	"{'l': [{'a': 1, 'b': 3}, {'a': 2, 'b': 2}, {'a': 3}]}", false},
    {"either, right there", "{'l': {'b': [2, {'exists': false}], 'a': [1]}}",
	"{'l': [{'a': 1, 'b': 3}, {'a': 1, 'b': 2}]}", true},
    {"two that may be either", "{'l': {'a': [1, {'exists': false}], 'b': [2, {'exists': false}]}}",
	"{'l': [{'a': 1, 'b': 3}, {'b': 2, 'a': 3}, {'a': 1}]}", true},
    {"two that may be either, neither",
	"{'l': {'a': [1, {'exists': false}], 'b': [2, {'exists': false}]}}",
	"{'l': [{'a': 1, 'b': 3}, {'b': 2, 'a': 3}]}", false},
};

static char *
quoted(const char *s)
{
	char *ret = pb_strdup(s);

	for (char *c = ret; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	return ret;
}

START_TEST(fields_are_joined_as_documented)
{
	const struct structure_case *c = &cases[_i];
	PB_CLEANUP(pb_freep) char *pattern = quoted(c->pattern);
	PB_CLEANUP(pb_freep) char *event = quoted(c->event);

	ck_assert_msg(help_match(pattern, event) == c->is_match, "%s: wanted %s", c->name,
	    c->is_match ? "a match" : "none");
}
END_TEST

/* An event that the engine built may hold one array in two places; they are two arrays. */
START_TEST(one_array_in_two_places_binds_each_on_its_own)
{
	PB_CLEANUP(pb_pattern_freep)
	struct pb_pattern *p = help_pattern("{\"x\": {\"a\": [1]}, \"y\": {\"b\": [2]}}");
	PB_JSON json_t *list = help_json("[{\"a\": 1}, {\"b\": 2}]");
	PB_JSON json_t *event = json_pack("{s:O, s:O}", "x", list, "y", list);

	ck_assert(pb_pattern_match(p, event));
}
END_TEST

START_TEST(no_event_is_no_match)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern("{\"a\": [1]}");
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;

	ck_assert(!pb_pattern_match(p, NULL));
	ck_assert_int_eq(pb_pattern_why(p, NULL, &why), 0);
	ck_assert_str_eq(why.ptr, "the event is not an object");
}
END_TEST

/* {"l": [{"a":0,"b":0}, ...]} with values that match one field each, the last element both. */
static json_t *
wide_event(size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		bool is_last = i + 1 == n;
		json_array_append_new(list,
		    json_pack(
			"{s:i, s:i}", "a", is_last || i % 2 == 0, "b", is_last || i % 2 == 1));
	}
	return json_pack("{s:o}", "l", list);
}

START_TEST(a_long_array_is_searched_to_its_end)
{
	PB_CLEANUP(pb_pattern_freep)
	struct pb_pattern *p = help_pattern("{\"l\": {\"a\": [1], \"b\": [1]}}");
	PB_JSON json_t *event = wide_event(100000);

	ck_assert(pb_pattern_match(p, event));
	json_array_remove(json_object_get(event, "l"), 99999);
	ck_assert(!pb_pattern_match(p, event));
}
END_TEST

/* Each of 24 fields may be served from either spelling, and no choice serves all of them. */
START_TEST(an_event_of_many_spellings_ends_in_no_match)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf pattern = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf event = PB_BUF_INIT;

	(void)pb_buf_adds(&pattern, "{\"l\":{\"m\":{");
	(void)pb_buf_adds(&event, "[");
	for (int i = 0; i < 24; i++) {
		(void)pb_buf_addf(&pattern, "%s\"f%d\":[1]", i > 0 ? "," : "", i);
		(void)pb_buf_addf(&event, "%s{\"f%d\":1}", i > 0 ? "," : "", i);
	}
	(void)pb_buf_adds(&pattern, "}}}");
	(void)pb_buf_adds(&event, "]");
	PB_CLEANUP(pb_freep)
	char *both = pb_asprintf("{\"l.m\":%s,\"l\":{\"m\":%s}}", event.ptr, event.ptr);
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern(pattern.ptr);
	PB_JSON json_t *j = help_json(both);
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;

	ck_assert_int_eq(pb_pattern_why(p, j, &why), 0);
	ck_assert_str_eq(why.ptr, "the event spells one path in too many ways to be judged");
}
END_TEST

PB_SUITE(pattern_structure)
{
	pb_add_loop(s, fields_are_joined_as_documented, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, one_array_in_two_places_binds_each_on_its_own);
	pb_add(s, no_event_is_no_match);
	pb_add(s, a_long_array_is_searched_to_its_end);
	pb_add(s, an_event_of_many_spellings_ends_in_no_match);
}
