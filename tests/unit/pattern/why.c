/*
 * What is said of a pattern that does not match.  In the table ' stands for ".
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"

static const struct {
	const char *pattern, *event, *why;
} cases[] = {
    {"{'a': {'b': ['ALARM']}}", "{'a': {'b': 'OK'}}", "a.b is 'OK', wanted one of ['ALARM']"},
    {"{'a': [{'numeric': ['>=', 7]}]}", "{}", "a is absent, wanted one of [{'numeric':['>=',7]}]"},
    {"{'a': [{'exists': true}]}", "{'a': {'b': 1}}",
	"a is absent (an object or an empty array stands there), wanted one of [{'exists':true}]"},
    {"{'a': [{'exists': false}]}", "{'a': null}", "a is null, wanted one of [{'exists':false}]"},
    {"{'a': [1], 'b': [2]}", "{'a': 1, 'b': 3}", "b is 3, wanted one of [2]"},
    {"{'a': [1]}", "{'a': [2, 3, true, 'x', 5]}", "a is 2, 3, true and 2 more, wanted one of [1]"},
    {"{'$or': [{'a': [1], 'b': [2]}, {'c': [3]}]}", "{'a': 1, 'b': 0, 'c': 0}",
	"b is 0, wanted one of [2]"},
    {"{'l': {'a': [1], 'b': [2]}, 'c': [3]}", "{'c': 3, 'l': [{'a': 1}, {'b': 2}]}",
	"no single array element holds together l.a [1], l.b [2]"},
    {"{'a': [18446744073709551615]}", "{'a': 18446744073709551614}",
	"a is 18446744073709551614, wanted one of [18446744073709551615]"},
    {"{'a': [{'numeric': ['>', 9007199254740993.5]}]}", "{'a': [9007199254740993.25, 'x']}",
	"a is 9007199254740993.25, 'x', wanted one of [{'numeric':['>',9007199254740993.5]}]"},
    {"{'a': ['x']}", "{'a': '\\u001b[31m'}", "a is '\\u001B[31m', wanted one of ['x']"},
};

START_TEST(the_first_field_that_failed_is_named_with_both_values)
{
	PB_CLEANUP(pb_freep) char *pattern = pb_strdup(cases[_i].pattern);
	PB_CLEANUP(pb_freep) char *event = pb_strdup(cases[_i].event);
	PB_CLEANUP(pb_freep) char *want = pb_strdup(cases[_i].why);
	char *texts[] = {pattern, event, want};

	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++)
		for (char *c = texts[i]; *c != '\0'; c++)
			if (*c == '\'')
				*c = '"';

	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern(pattern);
	PB_JSON json_t *e = help_json(event);
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	ck_assert_int_eq(pb_pattern_why(p, e, &why), 0);
	ck_assert_str_eq(why.ptr, want);
}
END_TEST

START_TEST(long_values_are_cut)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern("{\"a\": [1]}");
	PB_CLEANUP(pb_freep) char *text = pb_malloc(10001);
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;

	memset(text, 'x', 10000);
	text[10000] = '\0';
	PB_JSON json_t *e = json_pack("{s:s}", "a", text);
	ck_assert_int_eq(pb_pattern_why(p, e, &why), 0);
	ck_assert_uint_lt(why.len, 300);
	ck_assert_ptr_nonnull(strstr(why.ptr, "..., wanted one of [1]"));
}
END_TEST

PB_SUITE(pattern_why)
{
	pb_add_loop(
	    s, the_first_field_that_failed_is_named_with_both_values, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, long_values_are_cut);
}
