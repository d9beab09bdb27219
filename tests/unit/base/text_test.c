/*
 * Borrowed strings, buffers with a cap, whole numbers.
 */
#include "base/text.h"

#include <stdlib.h>

#include "tests/unit/runner.h"

START_TEST(a_buffer_grows_and_stays_terminated)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_ptr_null(b.ptr);
	ck_assert_uint_eq(pb_buf_str(&b).len, 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(pb_buf_addf(&b, "%03d", i), 0);
	ck_assert_uint_eq(b.len, 3000);
	ck_assert_uint_eq(strlen(b.ptr), 3000);
	ck_assert_str_eq(b.ptr + 2997, "999");
	pb_buf_reset(&b);
	ck_assert_str_eq(b.ptr, "");
}
END_TEST

START_TEST(an_add_past_the_cap_adds_nothing_and_is_remembered)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(4);
	ck_assert_int_eq(pb_buf_adds(&b, "abc"), 0);
	ck_assert_int_eq(pb_buf_adds(&b, "de"), -1);
	ck_assert(b.is_over);
	ck_assert_str_eq(b.ptr, "abc");
	ck_assert_int_eq(pb_buf_addf(&b, "%s", "de"), -1);
	ck_assert_int_eq(pb_buf_addc(&b, 'd'), 0);
	ck_assert_int_eq(pb_buf_addc(&b, 'e'), -1);
	ck_assert_str_eq(b.ptr, "abcd");
	pb_buf_reset(&b);
	ck_assert(!b.is_over);
	ck_assert_uint_eq(b.cap, 4);
}
END_TEST

START_TEST(bytes_with_nul_are_kept)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_int_eq(pb_buf_add(&b, "a\0b", 3), 0);
	ck_assert_int_eq(pb_buf_add(&b, NULL, 0), 0);
	ck_assert(pb_str_eq(pb_buf_str(&b), (struct pb_str){"a\0b", 3}));
}
END_TEST

START_TEST(taking_an_empty_buffer_gives_an_empty_text)
{
	struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *empty = pb_buf_take(&b);
	ck_assert_str_eq(empty, "");
	ck_assert_int_eq(pb_buf_adds(&b, "x"), 0);
	PB_CLEANUP(pb_freep) char *x = pb_buf_take(&b);
	ck_assert_str_eq(x, "x");
	ck_assert_ptr_null(b.ptr);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(borrowed_strings_compare_by_their_bytes)
{
	ck_assert(pb_str_eq(PB_STR("abc"), pb_str_of("abc")));
	ck_assert(!pb_str_eq(PB_STR("abc"), PB_STR("abd")));
	ck_assert(!pb_str_eq(PB_STR("abc"), PB_STR("ab")));
	ck_assert(pb_str_eq(pb_str_of(NULL), PB_STR("")));
	ck_assert(pb_str_is((struct pb_str){"abcdef", 3}, "abc"));
	ck_assert(pb_str_has_prefix(PB_STR("abc"), PB_STR("ab")));
	ck_assert(pb_str_has_prefix(PB_STR("abc"), PB_STR("")));
	ck_assert(!pb_str_has_prefix(PB_STR("a"), PB_STR("ab")));
	ck_assert(pb_str_is(pb_str_trim(PB_STR(" \t a b\r\n")), "a b"));
	ck_assert_uint_eq(pb_str_trim(PB_STR(" \n")).len, 0);
	ck_assert(pb_streq("a", "a"));
	ck_assert(pb_streq(NULL, NULL));
	ck_assert(!pb_streq("", NULL));
	ck_assert(!pb_streq(NULL, ""));
}
END_TEST

static const struct {
	const char *text;
	int64_t min, max;
	enum pb_error_kind kind;
	int64_t value;
} numbers[] = {
    {"0", 0, 9, PB_OK, 0},
    {"9", 0, 9, PB_OK, 9},
    {"10", 0, 9, PB_INVALID, 0},
    {"-1", -1, 9, PB_OK, -1},
    {"-2", -1, 9, PB_INVALID, 0},
    {"-0", 0, 9, PB_SYNTAX, 0},
    {"+1", 0, 9, PB_SYNTAX, 0},
    {" 1", 0, 9, PB_SYNTAX, 0},
    {"1 ", 0, 9, PB_SYNTAX, 0},
    {"", 0, 9, PB_SYNTAX, 0},
    {"-", -9, 9, PB_SYNTAX, 0},
    {"0x1", 0, 9, PB_SYNTAX, 0},
    {"1e1", 0, 99, PB_SYNTAX, 0},
    {"9223372036854775807", INT64_MIN, INT64_MAX, PB_OK, INT64_MAX},
    {"9223372036854775808", INT64_MIN, INT64_MAX, PB_INVALID, 0},
    {"-9223372036854775808", INT64_MIN, INT64_MAX, PB_OK, INT64_MIN},
    {"-9223372036854775809", INT64_MIN, INT64_MAX, PB_INVALID, 0},
    {"99999999999999999999999999999", INT64_MIN, INT64_MAX, PB_INVALID, 0},
    {"9999999999999999999999999999x", INT64_MIN, INT64_MAX, PB_SYNTAX, 0},
};

START_TEST(a_number_is_whole_and_in_range)
{
	struct pb_error err = {0};
	int64_t value = 77;
	int rc = pb_parse_i64(
	    pb_str_of(numbers[_i].text), numbers[_i].min, numbers[_i].max, &value, &err);
	ck_assert_msg(err.kind == numbers[_i].kind, "\"%s\": %s %s", numbers[_i].text,
	    pb_error_kind_name(err.kind), err.text);
	ck_assert_int_eq(rc, err.kind == PB_OK ? 0 : -1);
	ck_assert_int_eq(value, err.kind == PB_OK ? numbers[_i].value : 77);
}
END_TEST

PB_SUITE(text)
{
	pb_add(s, a_buffer_grows_and_stays_terminated);
	pb_add(s, an_add_past_the_cap_adds_nothing_and_is_remembered);
	pb_add(s, bytes_with_nul_are_kept);
	pb_add(s, taking_an_empty_buffer_gives_an_empty_text);
	pb_add(s, borrowed_strings_compare_by_their_bytes);
	pb_add_loop(s, a_number_is_whole_and_in_range, 0, PB_ARRAY_LEN(numbers));
}
