/*
 * JSON: what is refused, and the look-ups.
 */
#include "base/json.h"

#include <stdlib.h>

#include "base/time.h"
#include "tests/unit/runner.h"

static json_t *
parse(const char *text)
{
	struct pb_error err = {0};
	json_t *j = NULL;
	int rc = pb_json_parse(pb_str_of(text), &j, &err);
	ck_assert_msg(rc == 0, "%s: %s", text, err.text);
	return j;
}

static const struct {
	const char *name;
	struct pb_str text;
	int line;
	const char *says;
} refused[] = {
    {"empty", {"", 0}, 0, "empty"},
    {"blank", {" \n", 2}, 0, "empty"},
    {"not JSON", {"hello", 5}, 1, "not valid JSON"},
    {"cut", {"{\"a\":", 5}, 1, "not valid JSON"},
    {"two documents", {"{} {}", 5}, 1, "not valid JSON"},
    {"second line", {"{\n\"a\": x}", 9}, 2, "not valid JSON"},
    {"duplicate key", {"{\"a\":1,\"a\":2}", 13}, 1, "duplicate"},
    {"escaped NUL", {"\"a\\u0000b\"", 10}, 1, "NUL character"},
    {"NUL in a key", {"{\"a\\u0000b\":1}", 14}, 1, "NUL"},
    {"raw NUL", {"\"a\0b\"", 5}, 1, "not valid JSON"},
    {"NUL behind a number", {"[1844674407370954407370955161\0]", 31}, 1, "not valid JSON"},
    {"invalid UTF-8", {"\"\xff\"", 3}, 1, "UTF-8"},
    {"lone surrogate", {"\"\\ud800\"", 8}, 1, "not valid JSON"},
    {"number beyond double", {"1e999", 5}, 1, "overflow"},
    {"trailing comma", {"[1,]", 4}, 1, "not valid JSON"},
};

START_TEST(bad_json_is_refused_with_its_place)
{
	struct pb_error err = {0};
	json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(refused[_i].text, &j, &err), -1);
	ck_assert_ptr_null(j);
	ck_assert_int_eq(err.kind, PB_SYNTAX);
	ck_assert_msg(err.line == refused[_i].line, "%s: line %d", refused[_i].name, err.line);
	ck_assert_msg(
	    strstr(err.text, refused[_i].says) != NULL, "%s: %s", refused[_i].name, err.text);
	ck_assert(pb_utf8_is_valid(pb_str_of(err.text)));
	ck_assert_int_eq(pb_json_parse(refused[_i].text, &j, NULL), -1);
}
END_TEST

/* A number that 64 bits cannot hold must not change the others, nor texts that look like one. */
START_TEST(a_number_beyond_64_bits_leaves_the_others_whole)
{
	static const char text[] =
	    "{\"a\":1,\"b\":123456789012345678901,\"c\":-123456789012345678901,"
	    "\"d\":9223372036854775807,\"e\":\"\\\"99999999999999999999\",\"f\":1.5,"
	    "\"g\":[99999999999999999999e2,0.99999999999999999999,9223372036854775808]}";
	PB_JSON json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(text), &j, NULL), 0);
	ck_assert(json_is_integer(json_object_get(j, "a")));
	ck_assert(json_is_real(json_object_get(j, "b")));
	ck_assert_double_eq(json_real_value(json_object_get(j, "b")), 123456789012345678901.0);
	ck_assert_double_eq(json_real_value(json_object_get(j, "c")), -123456789012345678901.0);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "d")), INT64_MAX);
	ck_assert_str_eq(pb_json_str(j, "e"), "\"99999999999999999999");
	const json_t *g = json_object_get(j, "g");
	ck_assert_double_eq(json_real_value(json_array_get(g, 0)), 99999999999999999999e2);
	ck_assert_double_eq(json_real_value(json_array_get(g, 1)), 0.99999999999999999999);
	ck_assert_double_eq(json_real_value(json_array_get(g, 2)), 9223372036854775808.0);
}
END_TEST

static char *
nested(int depth, const char *open, const char *close)
{
	struct pb_buf b = PB_BUF_INIT;
	for (int i = 0; i < depth; i++)
		(void)pb_buf_adds(&b, open);
	(void)pb_buf_adds(&b, "1");
	for (int i = 0; i < depth; i++)
		(void)pb_buf_adds(&b, close);
	return pb_buf_take(&b);
}

START_TEST(nesting_has_a_limit)
{
	struct pb_error err = {0};
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_freep) char *deepest = nested(PB_JSON_DEPTH_MAX, "[", "]");
	PB_CLEANUP(pb_freep) char *deeper = nested(PB_JSON_DEPTH_MAX + 1, "{\"a\":", "}");
	PB_CLEANUP(pb_freep) char *deep = nested(1000000, "[", "");
	ck_assert_int_eq(pb_json_parse(pb_str_of(deepest), &j, &err), 0);
	json_t *none = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(deeper), &none, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	ck_assert_int_eq(err.line, 1);
	ck_assert_int_eq(err.column, PB_JSON_DEPTH_MAX * 5 + 1);
	ck_assert_int_eq(pb_json_parse(pb_str_of(deep), &none, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

START_TEST(brackets_inside_text_are_no_nesting)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, "[\"\\\"");
	for (int i = 0; i < 200; i++)
		(void)pb_buf_adds(&b, "[{");
	(void)pb_buf_adds(&b, "\\\\\"]");
	PB_JSON json_t *j = parse(b.ptr);
	ck_assert_uint_eq(json_array_size(j), 1);
}
END_TEST

START_TEST(integers_are_exact_to_64_bits)
{
	PB_JSON json_t *j = parse("{\"a\":9007199254740993,\"b\":9223372036854775807,\"c\":-1}");
	ck_assert_int_eq(pb_json_i64(j, "a", 0), INT64_C(9007199254740993));
	ck_assert_int_eq(pb_json_i64(j, "b", 0), INT64_MAX);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	ck_assert_str_eq(text, "{\"a\":9007199254740993,\"b\":9223372036854775807,\"c\":-1}");
}
END_TEST

START_TEST(larger_integers_become_reals)
{
	PB_JSON json_t *j = parse("{\"big\":18446744073709551616,\"small\":-7,\"half\":0.5}");
	ck_assert(json_is_real(pb_json_get(j, "big")));
	ck_assert_double_eq(json_real_value(pb_json_get(j, "big")), 18446744073709551616.0);
	ck_assert_int_eq(pb_json_i64(j, "big", 3), 3);
	ck_assert_int_eq(pb_json_i64(j, "small", 3), -7);
	ck_assert_int_eq(pb_json_i64(j, "half", 3), 3);
}
END_TEST

START_TEST(any_value_is_a_document)
{
	static const char *const documents[] = {"1", "\"x\"", "null", "true", " [] "};
	for (size_t i = 0; i < PB_ARRAY_LEN(documents); i++) {
		PB_JSON json_t *j = parse(documents[i]);
		ck_assert_ptr_nonnull(j);
	}
}
END_TEST

START_TEST(text_keeps_or_sorts_the_members)
{
	PB_JSON json_t *j = parse("{\"b\": 1, \"a\": [true, null, \"\xc3\xbc\"]}");
	PB_CLEANUP(pb_freep) char *kept = pb_json_text(j);
	PB_CLEANUP(pb_freep) char *sorted = pb_json_text_sorted(j);
	PB_CLEANUP(pb_freep) char *indented = pb_json_text_indented(j);
	ck_assert_str_eq(kept, "{\"b\":1,\"a\":[true,null,\"\xc3\xbc\"]}");
	ck_assert_str_eq(sorted, "{\"a\":[true,null,\"\xc3\xbc\"],\"b\":1}");
	ck_assert_ptr_nonnull(strstr(indented, "\n  \"b\": 1,\n"));
}
END_TEST

/* The first is read, the second written. */
static const char *const reals[][2] = {
    {"0.1", "0.1"},
    {"-0.1", "-0.1"},
    {"1e300", "1e300"},
    {"1E-7", "1e-7"},
    {"1.0", "1.0"},
    {"3.0e2", "300.0"},
    {"5e-324", "4.94065645841247e-324"},
    {"0.30000000000000004", "0.30000000000000004"},
    {"-122.42916360922355", "-122.42916360922355"},
    {"1.7976931348623157e308", "1.7976931348623157e308"},
    {"100000000000000000000.0", "1e20"},
    {"-0.0", "-0.0"},
    {"9007199254740993", "9007199254740993"},
    {"22222222222222220.0", "2.222222222222222e16"}, /* longer than jansson's */
    {"[22222222222222220.0,22222222222222220.0,-22222222222222220.0,\"a\"]",
	"[2.222222222222222e16,2.222222222222222e16,-2.222222222222222e16,\"a\"]"},
    {"[0.1,{\"0.10000000000000001\":\"a\\\"1.10\"},1.10,7]",
	"[0.1,{\"0.10000000000000001\":\"a\\\"1.10\"},1.1,7]"},
};

START_TEST(a_real_is_written_with_the_few_digits_that_mean_it)
{
	PB_JSON json_t *j = NULL, *again = NULL;

	ck_assert_int_eq(pb_json_parse(pb_str_of(reals[_i][0]), &j, NULL), 0);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	ck_assert_str_eq(text, reals[_i][1]);
	ck_assert_int_eq(pb_json_parse(pb_str_of(text), &again, NULL), 0);
	ck_assert(json_equal(j, again));
}
END_TEST

START_TEST(look_ups_take_a_wrong_type_as_absent)
{
	PB_JSON json_t *j = parse("{\"s\":\"x\",\"n\":3,\"t\":true,\"z\":null}");
	ck_assert_str_eq(pb_json_str(j, "s"), "x");
	ck_assert_ptr_null(pb_json_str(j, "n"));
	ck_assert_ptr_null(pb_json_str(j, "none"));
	ck_assert_ptr_null(pb_json_str(NULL, "s"));
	ck_assert_ptr_null(pb_json_str(pb_json_get(j, "s"), "s"));
	ck_assert_str_eq(pb_json_str_or(j, "z", "f"), "f");
	ck_assert_int_eq(pb_json_i64(j, "n", 9), 3);
	ck_assert_int_eq(pb_json_i64(j, "s", 9), 9);
	ck_assert(pb_json_bool(j, "t", false));
	ck_assert(pb_json_bool(j, "n", true));
	ck_assert(json_is_null(pb_json_get(j, "z")));
}
END_TEST

static const struct {
	const char *path, *found; /* NULL = nothing there */
} paths[] = {
    {"", "{"},
    {"detail.state.value", "\"ALARM\""},
    {"detail-type", "\"t\""},
    {"list[0]", "1"},
    {"list[1][0].x", "2"},
    {"list[1][0][\"x\"]", "2"},
    {"[\"a.b\"]", "3"},
    {"[\"q\\\"\\\\\"].y", "4"},
    {"[\"\"]", "5"},
    {"list[2]", NULL},
    {"list[-1]", NULL},
    {"list[99999999999999999999]", NULL},
    {"list[]", NULL},
    {"list[0", NULL},
    {"list[0]x", NULL},
    {"list.x", NULL},
    {"detail[0]", NULL},
    {"detail.none", NULL},
    {"detail.state.value.x", NULL},
    {".detail", NULL},
    {"detail.", NULL},
    {"detail..state", NULL},
    {"[\"a.b", NULL},
    {"[\"a.b\"", NULL},
    {"[\"a\\", NULL},
    {"[", NULL},
    {"[\"", NULL},
};

START_TEST(a_path_leads_to_one_value)
{
	PB_JSON json_t *j =
	    parse("{\"detail\":{\"state\":{\"value\":\"ALARM\"}},\"detail-type\":\"t\","
		  "\"list\":[1,[{\"x\":2}]],\"a.b\":3,\"q\\\"\\\\\":{\"y\":4},\"\":5}");
	/* A copy without a terminator, so that a look past the end is noticed. */
	size_t len = strlen(paths[_i].path);
	PB_CLEANUP(pb_freep) char *path = pb_malloc(len);
	memcpy(path, paths[_i].path, len);
	const json_t *found = pb_json_path(j, (struct pb_str){path, len});
	if (paths[_i].found == NULL) {
		ck_assert_msg(found == NULL, "%s", paths[_i].path);
		return;
	}
	ck_assert_msg(found != NULL, "%s", paths[_i].path);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(found);
	ck_assert(pb_str_has_prefix(pb_str_of(text), pb_str_of(paths[_i].found)));
	ck_assert_ptr_null(pb_json_path(NULL, PB_STR("a")));
}
END_TEST

START_TEST(text_that_is_not_utf8_is_stored_as_shown)
{
	PB_JSON json_t *j = json_object();
	pb_json_set_str(j, "good", "gr\xc3\xbcn\n");
	pb_json_set_str(j, "bad", "a\xff\n\xc3");
	pb_json_set_str(j, "none", NULL);
	pb_json_set_i64(j, "n", INT64_MIN);
	ck_assert_str_eq(pb_json_str(j, "good"), "gr\xc3\xbcn\n");
	ck_assert_str_eq(pb_json_str(j, "bad"), "a\\xff\n\\xc3");
	ck_assert_uint_eq(json_object_size(j), 3);
	ck_assert_int_eq(pb_json_i64(j, "n", 0), INT64_MIN);
}
END_TEST

static const struct {
	const char *text;
	int64_t at;
} times[] = {{"1772529245", INT64_C(1772529245000)}, {"1772529245.118", INT64_C(1772529245118)},
    {"1.772529245118E9", INT64_C(1772529245118)}, {"0", 0},
    {"\"2026-03-03T09:14:05.118+0000\"", INT64_C(1772529245118)}, {"-1", -1}, {"-0.5", -1},
    {"1e300", -1}, {"9223372036854775807", -1}, {"\"soon\"", -1}, {"null", -1}, {"{}", -1}};

START_TEST(a_time_is_seconds_or_text)
{
	PB_JSON json_t *j = parse(times[_i].text);
	ck_assert_int_eq(pb_json_time(j), times[_i].at);
	ck_assert_int_eq(pb_json_time(NULL), -1);
}
END_TEST

PB_SUITE(json)
{
	pb_add_loop(s, bad_json_is_refused_with_its_place, 0, PB_ARRAY_LEN(refused));
	pb_add(s, a_number_beyond_64_bits_leaves_the_others_whole);
	pb_add(s, nesting_has_a_limit);
	pb_add(s, brackets_inside_text_are_no_nesting);
	pb_add(s, integers_are_exact_to_64_bits);
	pb_add(s, larger_integers_become_reals);
	pb_add(s, any_value_is_a_document);
	pb_add(s, text_keeps_or_sorts_the_members);
	pb_add_loop(
	    s, a_real_is_written_with_the_few_digits_that_mean_it, 0, (int)PB_ARRAY_LEN(reals));
	pb_add(s, look_ups_take_a_wrong_type_as_absent);
	pb_add_loop(s, a_path_leads_to_one_value, 0, PB_ARRAY_LEN(paths));
	pb_add(s, text_that_is_not_utf8_is_stored_as_shown);
	pb_add_loop(s, a_time_is_seconds_or_text, 0, PB_ARRAY_LEN(times));
}
