/*
 * Hexadecimal, base64, the nearest word.
 */
#include "base/text.h"

#include "base/rand.h"
#include "tests/unit/runner.h"

START_TEST(hexadecimal_is_lower_case)
{
	char out[9];
	pb_hex(out, "\x00\xab\x7f\xff", 4);
	ck_assert_str_eq(out, "00ab7fff");
	pb_hex(out, "", 0);
	ck_assert_str_eq(out, "");
}
END_TEST

/* RFC 4648, section 10. */
static const char *const base64_rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

START_TEST(base64_follows_the_rfc)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf back = PB_BUF_INIT;
	const char *plain = base64_rows[_i][0], *coded = base64_rows[_i][1];
	pb_base64_add(&b, plain, strlen(plain));
	ck_assert(pb_str_is(pb_buf_str(&b), coded));
	ck_assert_int_eq(pb_base64_decode(pb_str_of(coded), &back, NULL), 0);
	ck_assert(pb_str_is(pb_buf_str(&back), plain));
}
END_TEST

START_TEST(base64_of_any_bytes_comes_back)
{
	struct pb_rand r;
	pb_rand_seed(&r, 1);
	for (size_t len = 0; len < 100; len++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		PB_CLEANUP(pb_buf_fini) struct pb_buf back = PB_BUF_INIT;
		char bytes[100];
		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)pb_rand_below(&r, 256);
		pb_base64_add(&b, bytes, len);
		ck_assert_int_eq(pb_base64_decode(pb_buf_str(&b), &back, NULL), 0);
		ck_assert(pb_str_eq(pb_buf_str(&back), (struct pb_str){bytes, len}));
	}
}
END_TEST

static const char *const broken_base64[] = {"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zm9v Zm9v",
    "Zm9v\n", "Zg==Zg==", "Zh==", "Zm9=", "Zm9-", "Zm9_"};

START_TEST(broken_base64_is_refused_and_adds_nothing)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err = {0};
	(void)pb_buf_adds(&b, "x");
	ck_assert_int_eq(pb_base64_decode(pb_str_of(broken_base64[_i]), &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_SYNTAX);
	ck_assert_str_eq(b.ptr, "x");
}
END_TEST

START_TEST(base64_beyond_the_cap_is_refused)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(2);
	struct pb_error err = {0};
	ck_assert_int_eq(pb_base64_decode(PB_STR("Zm9v"), &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

static const struct {
	const char *a, *b;
	size_t distance;
} distances[] = {{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1},
    {"abc", "abcd", 1}, {"abc", "xbc", 1}, {"ca", "abc", 3}, {"kitten", "sitting", 3},
    {"tiemout", "timeout", 1}};

START_TEST(distance_counts_swaps_as_one)
{
	ck_assert_uint_eq(
	    pb_edit_distance(distances[_i].a, distances[_i].b), distances[_i].distance);
}
END_TEST

START_TEST(distance_of_long_words_is_not_counted)
{
	char word[66];
	memset(word, 'a', sizeof(word));
	word[64] = '\0';
	ck_assert_uint_eq(pb_edit_distance(word, word), 0);
	word[64] = 'a';
	word[65] = '\0';
	ck_assert_uint_eq(pb_edit_distance(word, "a"), SIZE_MAX);
}
END_TEST

START_TEST(only_a_near_word_is_suggested)
{
	static const char *const words[] = {"timeout", "retry", "catch", "id", "attempt_timeout"};
	size_t n = PB_ARRAY_LEN(words);
	ck_assert_ptr_eq(pb_did_you_mean("atte", words, n), words[4]);
	ck_assert_ptr_eq(pb_did_you_mean("tiemout", words, n), words[0]);
	ck_assert_ptr_eq(pb_did_you_mean("rety", words, n), words[1]);
	ck_assert_ptr_eq(pb_did_you_mean("ip", words, n), words[3]);
	ck_assert_ptr_null(pb_did_you_mean("schedule", words, n));
	ck_assert_ptr_null(pb_did_you_mean("x", words, n));
	ck_assert_ptr_null(pb_did_you_mean("", words, n));
	ck_assert_ptr_null(pb_did_you_mean("retry", words, 0));
}
END_TEST

PB_SUITE(text_code)
{
	pb_add(s, hexadecimal_is_lower_case);
	pb_add_loop(s, base64_follows_the_rfc, 0, PB_ARRAY_LEN(base64_rows));
	pb_add(s, base64_of_any_bytes_comes_back);
	pb_add_loop(s, broken_base64_is_refused_and_adds_nothing, 0, PB_ARRAY_LEN(broken_base64));
	pb_add(s, base64_beyond_the_cap_is_refused);
	pb_add_loop(s, distance_counts_swaps_as_one, 0, PB_ARRAY_LEN(distances));
	pb_add(s, distance_of_long_words_is_not_counted);
	pb_add(s, only_a_near_word_is_suggested);
}
