/*
 * Events and patterns made to hurt: single tokens at every place of a block, what is nested, long,
 * repeated or made to collide.  What they cost is counted by tests/unit/counted.
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"

#define BIG (10U << 20)

static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};

static struct pb_matcher *
matcher_of(const char *const *texts, size_t n)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	struct pb_error err = {0};

	for (size_t i = 0; i < n; i++)
		ck_assert_msg(pb_matcher_builder_add_text(b, pb_str_of(texts[i]), &err) == 0,
		    "%s: %s", texts[i], err.text);
	return pb_matcher_builder_finish(b);
}

/* How many of the patterns match; -1 when the event is refused. */
static int
match(const char *const *texts, size_t n_texts, struct pb_str event)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(texts, n_texts);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	size_t n = 0;

	return pb_match(m, s, event, NULL, 0, &n) < 0 ? -1 : (int)n;
}

static int
match_one(const char *pattern, const struct pb_buf *event)
{
	return match(&pattern, 1, pb_buf_str(event));
}

/* --- tokens at every place of a block */

static const char *const tokens[] = {"0", "-0", "01", "-01", "-", "1.", ".1", "1.2.3", "1..2", "+1",
    "1e5", "1E+5", "1e-5", "1e", "1e+", "1e5.5", "1e5e5", "1-2", "--1", "00", "0.0", "0.10",
    "10.01", "123456789012345678901234567890123456789012345678901234567890.5", "1e308", "1e309",
    "-1e309", "1.7976931348623158e308", "1.7976931348623159e308", "0.0000001e315", "0.0000001e316",
    "1e-400", "true", "false", "null", "tru", "truex", "true1", "1true", "nul", "falsee", "True",
    "NaN", "Infinity", "-Infinity", "0x10", "'a'", "a", "\"\\\"\"", "\"\\\\\"", "\"\\\\\\\"\"",
    "\"\\u00e9\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"",
    "\"\\ud83d\\u0041\"", "\"\\ud83dx\"", "\"\\u12g4\"", "\"\\x\"", "\"\\/\\b\\f\\n\\r\\t\"",
    "\"\t\"", "\"\x7f\"", "\"\xc3\xa9\"", "\"\xc3\"", "\"\xa9\"", "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe0\x80\x80\"", "1 2",
    "\"a\"\"b\"", "\"a\" 1", "1\"a\"", "[1 2]", "[1,,2]", "[,1]", "[1,]", "[ ]", "{ }", "{,}",
    "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\",1}",
    "[\"a\":1]", "{\"a\":\"b\":1}", "{\"a\":1,2}", "{\"a\":1,\"b\"}", "{[]:1}", "[1}", "{\"a\":1]",
    "]", "}", "[1],[2]", ":", ",", "\\", "\"a\\", "\xe2\x82\xac", "/**/1", "1\v", "\v",
    "[true,false,null,1]"};

START_TEST(a_token_is_judged_alike_at_every_place)
{
	static const char *const pattern[] = {"{\"a\": [{\"exists\": true}]}"};
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(pattern, 1);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();

	for (int pad = 0; pad < 70; pad++) {
		PB_CLEANUP(pb_freep)
		char *event = pb_asprintf("{\"p\":\"%.*s\",\"a\":%s}", pad,
		    "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
		    tokens[_i]);
		PB_JSON json_t *parsed = NULL;
		bool is_valid = pb_json_parse(pb_str_of(event), &parsed, NULL) == 0;
		for (size_t k = 0; k < PB_ARRAY_LEN(scanners); k++) {
			size_t n = 0;
			if (pb_match_set_scanner(s, scanners[k]) < 0)
				continue;
			int rc = pb_match(m, s, pb_str_of(event), NULL, 0, &n);
			ck_assert_msg((rc == 0) == is_valid, "%s: %s", scanners[k], event);
		}
	}
}
END_TEST

/* --- large things */

static void
add_times(struct pb_buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)pb_buf_adds(b, s);
}

START_TEST(nesting_has_a_limit)
{
	for (size_t depth = 62; depth <= 65; depth++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		add_times(&b, "{\"a\":", depth - 1);
		(void)pb_buf_adds(&b, "{}");
		add_times(&b, "}", depth - 1);
		ck_assert_int_eq(match_one("{\"a\":[{\"exists\":false}]}", &b),
		    depth <= PB_JSON_DEPTH_MAX ? 1 : -1);
	}
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, "{\"a\":");
	add_times(&b, "[", BIG);
	ck_assert_int_eq(match_one("{\"a\":[1]}", &b), -1);
}
END_TEST

START_TEST(a_text_of_ten_megabytes_is_matched)
{
	static const char *const patterns[] = {"{\"a\":[{\"wildcard\":\"*aaaaaaaab*\"}]}",
	    "{\"a\":[{\"wildcard\":\"*a*a*a*a*b\"}]}",
	    "{\"a\":[{\"wildcard\":\"a*aaaa*aaaa*aaaa\"}]}",
	    "{\"a\":[{\"anything-but\":{\"wildcard\":[\"*ab*\",\"*ba*\"]}}]}",
	    "{\"a\":[{\"equals-ignore-case\":\"b\"}]}", "{\"a\":[{\"suffix\":\"aaaa\"}]}"};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;

	(void)pb_buf_adds(&b, "{\"a\":\"");
	add_times(&b, "aaaaaaaaaaaaaaaa", BIG / 16);
	(void)pb_buf_adds(&b, "\"}");
	ck_assert_int_eq(match(patterns, PB_ARRAY_LEN(patterns), pb_buf_str(&b)), 3);
}
END_TEST

START_TEST(escapes_and_digits_without_end_are_read)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;

	(void)pb_buf_adds(&b, "{\"a\":\"");
	add_times(&b, "\\u00e9\\\\", BIG / 16);
	(void)pb_buf_adds(&b, "\"}");
	ck_assert_int_eq(match_one("{\"a\":[{\"prefix\":\"\u00e9\\\\\u00e9\"}]}", &b), 1);

	pb_buf_reset(&b);
	(void)pb_buf_adds(&b, "{\"a\":0.");
	add_times(&b, "1234567890", BIG / 10);
	(void)pb_buf_adds(&b, "}");
	ck_assert_int_eq(match_one("{\"a\":[{\"numeric\":[\">\",0]}]}", &b), 1);
	b.len -= 1;
	(void)pb_buf_adds(&b, "e5e5}");
	ck_assert_int_eq(match_one("{\"a\":[{\"numeric\":[\">\",0]}]}", &b), -1);
}
END_TEST

START_TEST(many_keys_are_told_apart)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;

	for (int i = 0; i < 200000; i++)
		(void)pb_buf_addf(&b, "%s\"%s%d\":%d", i == 0 ? "{" : ",",
		    i % 2 == 0 ? "k" : "a-longer-key-", i, i);
	(void)pb_buf_adds(&b, "}");
	ck_assert_int_eq(match_one("{\"k100000\":[100000]}", &b), 1);
	b.len--;
	(void)pb_buf_adds(&b, ",\"a-longer-key-\\u0037\":1}");
	ck_assert_int_eq(match_one("{\"k100000\":[100000]}", &b), -1);
}
END_TEST

START_TEST(many_objects_with_many_keys_are_read)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;

	(void)pb_buf_adds(&b, "{\"a\":[");
	for (int i = 0; i < 10000; i++) {
		(void)pb_buf_adds(&b, i == 0 ? "{" : ",{");
		for (int k = 0; k < 40; k++)
			(void)pb_buf_addf(&b, "%s\"k%d\":%d", k == 0 ? "" : ",", k, i);
		(void)pb_buf_adds(&b, "}");
	}
	(void)pb_buf_adds(&b, "]}");
	ck_assert_int_eq(match_one("{\"a\":{\"k0\":[9999],\"k39\":[9999]}}", &b), 1);
	ck_assert_int_eq(match_one("{\"a\":{\"k0\":[9999],\"k39\":[9998]}}", &b), 0);
	b.len -= 3;
	(void)pb_buf_adds(&b, ",\"k7\":1}]}");
	ck_assert_int_eq(match_one("{\"a\":{\"k0\":[9999]}}", &b), -1);
}
END_TEST

START_TEST(combinations_without_end_are_refused)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_matcher_builder *builder = pb_matcher_builder_new();
	struct pb_error err = {0};

	for (int i = 0; i < 5; i++) {
		(void)pb_buf_addf(&b, "%s\"f%d\":{\"$or\":[", i == 0 ? "{" : ",", i);
		for (int k = 0; k < 10; k++)
			(void)pb_buf_addf(&b, "%s{\"g\":[%d]}", k == 0 ? "" : ",", k);
		(void)pb_buf_adds(&b, "]}");
	}
	(void)pb_buf_adds(&b, "}");
	ck_assert_int_eq(pb_matcher_builder_add_text(builder, pb_buf_str(&b), &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	pb_matcher_builder_free(builder);
}
END_TEST

START_TEST(a_thousand_wildcards_on_one_field_are_found)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	uint32_t ids[4];
	size_t n = 0;

	for (int i = 0; i < 1000; i++) {
		PB_CLEANUP(pb_freep)
		char *text =
		    pb_asprintf("{\"a\":[{\"wildcard\":\"*svc%04d*%c\"}]}", i, 'a' + i % 2);
		ck_assert_int_eq(pb_matcher_builder_add_text(b, pb_str_of(text), NULL), 0);
	}
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = pb_matcher_builder_finish(b);
	ck_assert_int_eq(
	    pb_match(m, s, PB_STR("{\"a\":\"x-svc0012-svc0013-svc0998-a\"}"), ids, 4, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(ids[0], 12);
	ck_assert_uint_eq(ids[1], 998);
}
END_TEST

START_TEST(stopping_early_finds_what_stands_first)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	size_t n = 0;

	ck_assert_int_eq(pb_matcher_builder_add_text(b, PB_STR("{\"a\":[1]}"), NULL), 0);
	pb_matcher_builder_stop_early(b);
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = pb_matcher_builder_finish(b);
	ck_assert_int_eq(pb_match(m, s, PB_STR("{\"a\":1,\"b\":{}}"), NULL, 0, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(pb_match(m, s, PB_STR("{\"b\":{}}"), NULL, 0, &n), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

PB_SUITE(pattern_hostile)
{
	pb_add_loop(s, a_token_is_judged_alike_at_every_place, 0, (int)PB_ARRAY_LEN(tokens));
	pb_add(s, nesting_has_a_limit);
	pb_add(s, a_text_of_ten_megabytes_is_matched);
	pb_add(s, escapes_and_digits_without_end_are_read);
	pb_add(s, many_keys_are_told_apart);
	pb_add(s, many_objects_with_many_keys_are_read);
	pb_add(s, combinations_without_end_are_refused);
	pb_add(s, a_thousand_wildcards_on_one_field_are_found);
	pb_add(s, stopping_early_finds_what_stands_first);
}
