/*
 * What hostile input costs, in counted steps and not in seconds: twice the input may take little more
 * than twice the steps.  lib/pattern is compiled apart for this program; see counted.h.
 */
#include <stdlib.h>

#include "pattern/pattern.h"
#include "tests/unit/runner.h"
#include "tests/unit/counted/counted.h"

#undef memchr
#undef memcpy

uint64_t work_steps;

/* The compiler calls it at the begin of each basic block. */
void __sanitizer_cov_trace_pc(void);
void
__sanitizer_cov_trace_pc(void)
{
	work_steps++;
}

/* Of one doubling, in which a table that grows may be copied; and of one among several, on average. */
#define RATIO_MAX 2.5
#define RATIO_MEAN_MAX 2.2

static void
add_times(struct pb_buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)pb_buf_adds(b, s);
}

/* --- events of about n bytes */

typedef void event_fn(struct pb_buf *b, size_t n);

static void
one_long_text(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":\"");
	add_times(b, "aaaaaaaa", n / 8);
	(void)pb_buf_adds(b, "\"}");
}

static void
almost_the_wanted_text(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":\"");
	add_times(b, "abababac", n / 8);
	(void)pb_buf_adds(b, "\"}");
}

static void
escapes(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":\"");
	add_times(b, "\\u00e9\\\\\\ud83d\\ude00", n / 20);
	(void)pb_buf_adds(b, "\"}");
}

static void
backslashes_to_the_end(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":\"");
	add_times(b, "\\\\\\\\\\\\\\\\", n / 8);
}

static void
letters_beyond_ascii(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":\"");
	add_times(b, "\u0130\u212a\u00c9\u03a9", n / 9);
	(void)pb_buf_adds(b, "\"}");
}

static void
a_long_number(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":0.");
	add_times(b, "0123456789", n / 10);
	(void)pb_buf_adds(b, "}");
}

static void
a_number_of_zeros(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":1.");
	add_times(b, "00000000", n / 8);
	(void)pb_buf_adds(b, "1e-5}");
}

static void
many_numbers(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[0");
	add_times(b, ",-1.25e3", n / 8);
	(void)pb_buf_adds(b, "]}");
}

static void
brackets(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":");
	add_times(b, "[", n);
}

static void
as_deep_as_allowed(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[1");
	for (size_t i = 0; i < n / 130; i++) {
		(void)pb_buf_adds(b, ",");
		add_times(b, "[", 60);
		add_times(b, "]", 60);
	}
	(void)pb_buf_adds(b, "]}");
}

static void
objects_nested(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[1");
	for (size_t i = 0; i < n / 360; i++) {
		(void)pb_buf_adds(b, ",");
		add_times(b, "{\"a\":", 60);
		(void)pb_buf_adds(b, "2");
		add_times(b, "}", 60);
	}
	(void)pb_buf_adds(b, "]}");
}

static void
many_keys(struct pb_buf *b, size_t n)
{
	for (size_t i = 0; i < n / 16; i++)
		(void)pb_buf_addf(
		    b, "%s\"%s%zu\":1", i == 0 ? "{" : ",", i % 2 == 0 ? "k" : "a-longer-key-", i);
	(void)pb_buf_adds(b, "}");
}

/* Keys with escapes are told apart as they are meant. */
static void
many_escaped_keys(struct pb_buf *b, size_t n)
{
	for (size_t i = 0; i < n / 24; i++)
		(void)pb_buf_addf(b, "%s\"\\u006b-longer-%zu\":1", i == 0 ? "{" : ",", i);
	(void)pb_buf_adds(b, "}");
}

static void
a_key_twice_at_the_end(struct pb_buf *b, size_t n)
{
	many_keys(b, n);
	b->len--;
	(void)pb_buf_adds(b, ",\"\\u006b0\":1}");
}

static void
the_same_keys_in_many_objects(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[");
	for (size_t i = 0; i < n / 320; i++) {
		(void)pb_buf_adds(b, i == 0 ? "{" : ",{");
		for (int k = 0; k < 40; k++)
			(void)pb_buf_addf(b, "%s\"k%d\":%d", k == 0 ? "" : ",", k, k);
		(void)pb_buf_adds(b, "}");
	}
	(void)pb_buf_adds(b, "]}");
}

static void
a_key_of_dots(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"");
	add_times(b, "a.a.a.a.", n / 8);
	(void)pb_buf_adds(b, "a\":1}");
}

static void
many_keys_of_dots(struct pb_buf *b, size_t n)
{
	for (size_t i = 0; i < n / 20; i++)
		(void)pb_buf_addf(b, "%s\"a.a.a.%zu\":1", i == 0 ? "{" : ",", i);
	(void)pb_buf_adds(b, "}");
}

static void
blanks(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[1");
	add_times(b, " \t\r\n    ", n / 16);
	(void)pb_buf_adds(b, ",");
	add_times(b, " \t\r\n    ", n / 16);
	(void)pb_buf_adds(b, "2]}");
}

/* Elements each of which has one of two fields that are wanted together. */
static void
elements_that_never_join(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"l\":[{}");
	for (size_t i = 0; i < n / 8; i++)
		(void)pb_buf_adds(b, i % 2 == 0 ? ",{\"a\":1}" : ",{\"b\":2}");
	(void)pb_buf_adds(b, "]}");
}

static void
lists_that_never_join(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"l\":[");
	for (size_t i = 0; i < n / 28; i++)
		(void)pb_buf_addf(b, "%s{\"m\":[{\"a\":1},{\"b\":2}]}", i == 0 ? "" : ",");
	(void)pb_buf_adds(b, "]}");
}

static void
values_of_many_rules(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[\"\"");
	for (size_t i = 0; i < n / 16; i++)
		(void)pb_buf_addf(b, ",\"svc%04zu-aaaaa\"", i % 10000);
	(void)pb_buf_adds(b, "]}");
}

static void
not_utf8_at_the_end(struct pb_buf *b, size_t n)
{
	letters_beyond_ascii(b, n);
	b->len -= 2;
	(void)pb_buf_adds(b, "\xc3\"}");
}

/* --- patterns */

#define WILDCARDS                                                                                  \
	"{\"a\":[{\"wildcard\":\"*a*a*a*a*b\"}]}",                                                 \
	    "{\"a\":[{\"wildcard\":\"a*aaaa*aaaa*aaaa\"}]}",                                       \
	    "{\"a\":[{\"wildcard\":\"*aaaaaaaab*\"}]}",                                            \
	    "{\"a\":[{\"anything-but\":{\"wildcard\":[\"*ab*\",\"*ba*\",\"*abababab*\"]}}]}"
#define TEXTS                                                                                      \
	"{\"a\":[{\"equals-ignore-case\":\"b\"}]}", "{\"a\":[{\"suffix\":\"aaaa\"}]}",             \
	    "{\"a\":[{\"prefix\":{\"equals-ignore-case\":\"AAA\"}}]}",                             \
	    "{\"a\":[{\"exists\":false}]}"
#define NUMBERS                                                                                    \
	"{\"a\":[{\"numeric\":[\">\",0,\"<=\",0.5]}]}", "{\"a\":[7,1e300]}",                       \
	    "{\"a\":[{\"anything-but\":[1,2,3]}]}"
#define JOINS                                                                                      \
	"{\"l\":{\"a\":[1],\"b\":[2]}}", "{\"l\":{\"m\":{\"a\":[1],\"b\":[2]}}}",                  \
	    "{\"l\":{\"a\":[1],\"b\":[{\"exists\":false}]}}",                                      \
	    "{\"l\":{\"a\":[{\"exists\":false}],\"b\":[{\"exists\":false}]}}"
#define DEEP "{\"a\":{\"a\":{\"a\":{\"a\":[2]}}}}", "{\"a.a.a.1\":[1],\"a.a.a\":[1]}"

static const char *const patterns[] = {WILDCARDS, TEXTS, NUMBERS, JOINS, DEEP};

static struct pb_matcher *
matcher(void)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	struct pb_error err = {0};
	for (size_t i = 0; i < PB_ARRAY_LEN(patterns); i++)
		ck_assert_msg(pb_matcher_builder_add_text(b, pb_str_of(patterns[i]), &err) == 0,
		    "%s", err.text);
	for (int i = 0; i < 1000; i++) {
		PB_CLEANUP(pb_freep)
		char *text = pb_asprintf(
		    "{\"a\":[{\"wildcard\":\"*svc%04d*%c\"},\"v%d\"]}", i, 'a' + i % 2, i);
		ck_assert_int_eq(pb_matcher_builder_add_text(b, pb_str_of(text), NULL), 0);
	}
	return pb_matcher_builder_finish(b);
}

/* --- */

static const struct row {
	const char *name;
	event_fn *make;
	bool is_refused;
} rows[] = {
    {"one long text", one_long_text, false},
    {"almost the wanted text", almost_the_wanted_text, false},
    {"escapes", escapes, false},
    {"backslashes to the end", backslashes_to_the_end, true},
    {"letters beyond ASCII", letters_beyond_ascii, false},
    {"a long number", a_long_number, false},
    {"a number of zeros", a_number_of_zeros, false},
    {"many numbers", many_numbers, false},
    {"brackets", brackets, true},
    {"as deep as allowed", as_deep_as_allowed, false},
    {"objects nested", objects_nested, false},
    {"many keys", many_keys, false},
    {"many escaped keys", many_escaped_keys, false},
    {"a key twice at the end", a_key_twice_at_the_end, true},
    {"the same keys in many objects", the_same_keys_in_many_objects, false},
    {"a key of dots", a_key_of_dots, false},
    {"many keys of dots", many_keys_of_dots, false},
    {"blanks", blanks, false},
    {"elements that never join", elements_that_never_join, false},
    {"lists that never join", lists_that_never_join, false},
    {"values of many rules", values_of_many_rules, false},
    {"not UTF-8 at the end", not_utf8_at_the_end, true},
};

/* Steps for an event of about n bytes, read for the first time. */
static uint64_t
steps_of(const struct row *row, const struct pb_matcher *m, const char *scanner, size_t n)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	size_t found;
	row->make(&b, n);
	if (pb_match_set_scanner(s, scanner) < 0)
		return 0;
	work_steps = 0;
	int rc = pb_match(m, s, pb_buf_str(&b), NULL, 0, &found);
	ck_assert_msg((rc < 0) == row->is_refused, "%s: %d", row->name, rc);
	return work_steps;
}

START_TEST(twice_the_event_takes_twice_the_steps)
{
	static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher();
	for (size_t k = 0; k < PB_ARRAY_LEN(scanners); k++) {
		size_t n = (size_t)64 << 10;
		uint64_t before = steps_of(&rows[_i], m, scanners[k], n);
		double most = (double)before;
		for (int i = 0; i < 4; i++) {
			n *= 2;
			uint64_t steps = steps_of(&rows[_i], m, scanners[k], n);
			ck_assert_msg((double)steps <= RATIO_MAX * (double)before,
			    "%s, %s: %llu steps for %zu bytes, %llu for half of them",
			    rows[_i].name, scanners[k], (unsigned long long)steps, n,
			    (unsigned long long)before);
			before = steps;
			most *= RATIO_MEAN_MAX;
		}
		ck_assert_msg((double)before <= most,
		    "%s, %s: %llu steps for %zu bytes, wanted at most %.0f", rows[_i].name,
		    scanners[k], (unsigned long long)before, n, most);
	}
}
END_TEST

/* A test of the test: the count sees what is done. */
START_TEST(a_step_is_counted_for_what_is_read)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher();
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++)
		ck_assert_msg(
		    rows[i].is_refused || steps_of(&rows[i], m, "scalar", 64 << 10) > 4096, "%s",
		    rows[i].name);
}
END_TEST

/* --- patterns */

static uint64_t
compile_steps(struct pb_str text, enum pb_error_kind wanted)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	struct pb_error err = {0};
	work_steps = 0;
	int rc = pb_matcher_builder_add_text(b, text, &err);
	uint64_t steps = work_steps;
	ck_assert_msg(err.kind == wanted && (rc < 0) == (wanted != PB_OK), "%s", err.text);
	pb_matcher_builder_free(b);
	return steps;
}

static void
add_combinations(struct pb_buf *b, int n_fields)
{
	for (int i = 0; i < n_fields; i++) {
		(void)pb_buf_addf(b, "%s\"f%d\":{\"$or\":[", i == 0 ? "{" : ",", i);
		for (int k = 0; k < 10; k++)
			(void)pb_buf_addf(b, "%s{\"g\":[%d]}", k == 0 ? "" : ",", k);
		(void)pb_buf_adds(b, "]}");
	}
	(void)pb_buf_adds(b, "}");
}

/* 10^5, and then 10^10 and 10^20. */
START_TEST(combinations_are_refused_before_they_are_made)
{
	uint64_t before = 0;
	for (int n = 5; n <= 20; n *= 2) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		add_combinations(&b, n);
		uint64_t steps = compile_steps(pb_buf_str(&b), PB_LIMIT);
		ck_assert_msg(before == 0 || (double)steps <= RATIO_MAX * (double)before,
		    "10^%d: %llu steps, %llu for half as many fields", n, (unsigned long long)steps,
		    (unsigned long long)before);
		before = steps;
	}
}
END_TEST

static void
add_many_fields(struct pb_buf *b, size_t n)
{
	for (size_t i = 0; i < n / 16; i++)
		(void)pb_buf_addf(b, "%s\"field%zu\":[1]", i == 0 ? "{" : ",", i);
	(void)pb_buf_adds(b, "}");
}

static void
add_many_values(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[\"x\"");
	for (size_t i = 0; i < n / 12; i++)
		(void)pb_buf_addf(b, ",\"value%zu\"", i);
	(void)pb_buf_adds(b, "]}");
}

static void
add_many_exclusions(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[{\"anything-but\":[\"x\"");
	for (size_t i = 0; i < n / 12; i++)
		(void)pb_buf_addf(b, ",\"value%zu\"", i);
	(void)pb_buf_adds(b, "]}]}");
}

static void
add_many_wildcards(struct pb_buf *b, size_t n)
{
	(void)pb_buf_adds(b, "{\"a\":[\"x\"");
	for (size_t i = 0; i < n / 24; i++)
		(void)pb_buf_addf(b, ",{\"wildcard\":\"a*a*%zu\"}", i);
	(void)pb_buf_adds(b, "]}");
}

START_TEST(twice_the_pattern_takes_twice_the_steps)
{
	static event_fn *const make[] = {
	    add_many_fields, add_many_values, add_many_exclusions, add_many_wildcards};
	uint64_t before = 0;
	for (size_t n = 4 << 10; n <= 32 << 10; n *= 2) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		make[_i](&b, n);
		uint64_t steps = compile_steps(pb_buf_str(&b), PB_OK);
		ck_assert_msg(before == 0 || (double)steps <= RATIO_MAX * (double)before,
		    "%zu bytes: %llu steps, %llu for half of them", n, (unsigned long long)steps,
		    (unsigned long long)before);
		before = steps;
	}
}
END_TEST

PB_SUITE(work)
{
	pb_add_loop(s, twice_the_event_takes_twice_the_steps, 0, (int)PB_ARRAY_LEN(rows));
	pb_add(s, a_step_is_counted_for_what_is_read);
	pb_add(s, combinations_are_refused_before_they_are_made);
	pb_add_loop(s, twice_the_pattern_takes_twice_the_steps, 0, 4);
}
