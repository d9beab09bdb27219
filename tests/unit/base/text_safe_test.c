/*
 * Outside text made safe, and UTF-8.
 */
#include "base/text.h"

#include "tests/unit/runner.h"

#define ROW(lit)                                                                                   \
	{                                                                                          \
		lit, sizeof(lit) - 1                                                               \
	}

static const struct {
	const char *name;
	struct pb_str in;
	const char *line, *lines;
} safe_rows[] = {
    {"plain", ROW("a b"), "a b", "a b"},
    {"backslash stays", ROW("a\\b"), "a\\b", "a\\b"},
    {"umlaut stays", ROW("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    {"emoji stays", ROW("\xf0\x9f\x94\xa5"), "\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5"},
    {"line break", ROW("a\nb\tc"), "a\\nb\\x09c", "a\nb\tc"},
    {"carriage return", ROW("a\rb"), "a\\x0db", "a\\x0db"},
    {"escape sequence", ROW("\033[2J"), "\\x1b[2J", "\\x1b[2J"},
    {"NUL and DEL", ROW("\0\x7f"), "\\x00\\x7f", "\\x00\\x7f"},
    {"C1 as UTF-8",
	ROW("\xc2\x9b"
	    "1m"),
	"\\u{009b}1m", "\\u{009b}1m"},
    {"C1 as a byte",
	ROW("\x9b"
	    "1m"),
	"\\x9b1m", "\\x9b1m"},
    {"right-to-left override",
	ROW("\xe2\x80\xae"
	    "x"),
	"\\u{202e}x", "\\u{202e}x"},
    {"isolate", ROW("\xe2\x81\xa6"), "\\u{2066}", "\\u{2066}"},
    {"line separator", ROW("\xe2\x80\xa8"), "\\u{2028}", "\\u{2028}"},
    {"overlong slash", ROW("\xc0\xaf"), "\\xc0\\xaf", "\\xc0\\xaf"},
    {"surrogate", ROW("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
    {"beyond Unicode", ROW("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"},
    {"cut sequence", ROW("a\xe2\x82"), "a\\xe2\\x82", "a\\xe2\\x82"},
    {"empty", ROW(""), "", ""},
};

START_TEST(outside_text_is_shown_without_harm)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	char fixed[128];
	(void)pb_buf_adds(&b, "<");
	pb_buf_add_safe(&b, safe_rows[_i].in, SIZE_MAX, false);
	ck_assert_msg(
	    strcmp(b.ptr + 1, safe_rows[_i].line) == 0, "%s: %s", safe_rows[_i].name, b.ptr);
	ck_assert_str_eq(pb_safe(fixed, sizeof(fixed), safe_rows[_i].in), safe_rows[_i].line);
	pb_buf_reset(&b);
	pb_buf_add_safe(&b, safe_rows[_i].in, SIZE_MAX, true);
	ck_assert_str_eq(b.ptr != NULL ? b.ptr : "", safe_rows[_i].lines);
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_add_safe(&b, PB_STR("ab\xc3\xbc"), 3, false);
	ck_assert_str_eq(b.ptr, "ab...");
	pb_buf_reset(&b);
	pb_buf_add_safe(&b, PB_STR("ab\xc3\xbc"), 4, false);
	ck_assert_str_eq(b.ptr, "ab\xc3\xbc");
	pb_buf_reset(&b);
	pb_buf_add_safe(&b, PB_STR("abc"), 0, false);
	ck_assert_str_eq(b.ptr, "...");
}
END_TEST

START_TEST(a_full_buffer_ends_the_text_where_it_is)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(5);
	pb_buf_add_safe(&b, PB_STR("abc\033def"), SIZE_MAX, false);
	ck_assert_str_eq(b.ptr, "abc");
	ck_assert(b.is_over);
}
END_TEST

START_TEST(a_fixed_buffer_is_never_overrun)
{
	static const char text[] = "a\033\xc3\xbc\xe2\x80\xae\xff"
				   "bcdef";
	for (size_t size = 4; size < 40; size++) {
		char out[48];
		memset(out, '#', sizeof(out));
		pb_safe(out, size, PB_STR(text));
		ck_assert_uint_lt(strlen(out), size);
		ck_assert_int_eq(out[size], '#');
		ck_assert(pb_utf8_is_valid(pb_str_of(out)));
		ck_assert(strstr(out, "...") != NULL || strstr(out, "bcdef") != NULL);
	}
	char exact[6];
	ck_assert_str_eq(pb_safe(exact, sizeof(exact), PB_STR("abcde")), "abcde");
	ck_assert_str_eq(pb_safe(exact, sizeof(exact), PB_STR("abcdef")), "ab...");
}
END_TEST

START_TEST(valid_utf8_is_told_from_invalid)
{
	ck_assert(pb_utf8_is_valid(PB_STR("")));
	ck_assert(
	    pb_utf8_is_valid(PB_STR("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\xa5\xf4\x8f\xbf\xbf")));
	ck_assert(!pb_utf8_is_valid(PB_STR("\x80")));
	ck_assert(!pb_utf8_is_valid(PB_STR("\xc1\x81")));
	ck_assert(!pb_utf8_is_valid(PB_STR("\xe0\x80\x80")));
	ck_assert(!pb_utf8_is_valid(PB_STR("\xf5\x80\x80\x80")));
	ck_assert(!pb_utf8_is_valid(PB_STR("\xe2\x82")));
	ck_assert(!pb_utf8_is_valid(PB_STR("\xff")));
}
END_TEST

START_TEST(a_cut_falls_between_characters)
{
	struct pb_str s = PB_STR("a\xe2\x82\xac"
				 "b");
	ck_assert_uint_eq(pb_utf8_cut(s, 0), 0);
	ck_assert_uint_eq(pb_utf8_cut(s, 1), 1);
	ck_assert_uint_eq(pb_utf8_cut(s, 2), 1);
	ck_assert_uint_eq(pb_utf8_cut(s, 3), 1);
	ck_assert_uint_eq(pb_utf8_cut(s, 4), 4);
	ck_assert_uint_eq(pb_utf8_cut(s, 99), 5);
	ck_assert_uint_eq(pb_utf8_cut(PB_STR("\x80\x80\x80\x80\x80\x80"), 5), 5);
}
END_TEST

PB_SUITE(text_safe)
{
	pb_add_loop(s, outside_text_is_shown_without_harm, 0, PB_ARRAY_LEN(safe_rows));
	pb_add(s, long_text_is_cut_between_characters);
	pb_add(s, a_full_buffer_ends_the_text_where_it_is);
	pb_add(s, a_fixed_buffer_is_never_overrun);
	pb_add(s, valid_utf8_is_told_from_invalid);
	pb_add(s, a_cut_falls_between_characters);
}
