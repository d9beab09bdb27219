/*
 * Every operator on every kind of value, in events that end where memory does, at every place of a block
 * and with every way to scan: all give the answer of the single pattern on the parsed event, and nothing
 * is read behind the end.  So is nothing when the event is cut.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../runner.h"
#include "help.h"

#define SHIFTS 66 /* a block and a little */

static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};

static const char *const tests[] = {"\"ab\"", "\"\"", "300", "-0.5", "9223372036854775807", "true",
    "false", "null", "{\"prefix\":\"a\"}", "{\"suffix\":\"b\"}",
    "{\"prefix\":{\"equals-ignore-case\":\"A\"}}", "{\"suffix\":{\"equals-ignore-case\":\"B\"}}",
    "{\"equals-ignore-case\":\"AB\"}", "{\"wildcard\":\"a*b\"}", "{\"wildcard\":\"*bcdefgh*\"}",
    "{\"anything-but\":\"ab\"}", "{\"anything-but\":[\"ab\",\"a\"]}", "{\"anything-but\":300}",
    "{\"anything-but\":[300,1]}", "{\"anything-but\":{\"prefix\":\"a\"}}",
    "{\"anything-but\":{\"prefix\":[\"a\",\"x\"]}}", "{\"anything-but\":{\"suffix\":\"b\"}}",
    "{\"anything-but\":{\"suffix\":[\"b\",\"x\"]}}",
    "{\"anything-but\":{\"equals-ignore-case\":\"AB\"}}",
    "{\"anything-but\":{\"equals-ignore-case\":[\"AB\"]}}",
    "{\"anything-but\":{\"wildcard\":\"*b\"}}", "{\"anything-but\":{\"wildcard\":[\"a*\",\"*x\"]}}",
    "{\"numeric\":[\">\",0]}", "{\"numeric\":[\">=\",-1,\"<\",300]}", "{\"numeric\":[\"=\",300]}",
    "{\"cidr\":\"10.0.0.0/8\"}", "{\"cidr\":\"2001:db8::/32\"}", "{\"exists\":true}",
    "{\"exists\":false}", "{\"exactly\":\"ab\"}"};
static const char *const values[] = {"\"ab\"", "\"\"", "\"a\"", "\"\\u0061b\"", "\"AB\"", "\"aéb\"",
    "\"abcdefghijklmnopqrstuvwxyz\"", "300", "3.0e2", "299.99999999999999999", "-0.5", "1e300",
    "9223372036854775807", "9223372036854775806", "true", "false", "null", "[]", "{}", "[[\"ab\"]]",
    "\"10.1.2.3\"", "\"2001:db8::1\"", "[1,300]"};

static struct pb_pattern *patterns[PB_ARRAY_LEN(tests)];
static struct pb_matcher *matcher;

static void
compile(void)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(tests); i++) {
		PB_CLEANUP(pb_freep) char *text = pb_asprintf("{\"v\":[%s]}", tests[i]);
		patterns[i] = help_pattern(text);
	}
	const struct pb_pattern *const *list = (const struct pb_pattern *const *)patterns;
	ck_assert_int_eq(pb_matcher_build(list, PB_ARRAY_LEN(tests), &matcher, NULL), 0);
}

static void
check(struct pb_match *s, struct pb_str event, const bool *wanted)
{
	uint32_t ids[PB_ARRAY_LEN(tests)];
	size_t n = 0, at = 0;

	ck_assert_int_eq(pb_match(matcher, s, event, ids, PB_ARRAY_LEN(ids), &n), 0);
	for (uint32_t i = 0; i < PB_ARRAY_LEN(tests); i++) {
		bool is_found = at < n && ids[at] == i;
		at += is_found;
		ck_assert_msg(is_found == wanted[i], "%s: %s on %.*s", pb_match_scanner(s),
		    tests[i], PB_STR_ARG(event));
	}
	/* Without its end it is no event. */
	event.len--;
	ck_assert_int_eq(pb_match(matcher, s, event, ids, PB_ARRAY_LEN(ids), &n), -1);
}

START_TEST(each_operator_stays_in_the_event_at_the_end_of_a_page)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	PB_CLEANUP(pb_freep) char *plain = pb_asprintf("{\"v\":%s}", values[_i]);
	PB_JSON json_t *parsed = help_json(plain);
	bool wanted[PB_ARRAY_LEN(tests)];

	ck_assert(p != MAP_FAILED && mprotect(p + page, page, PROT_NONE) == 0);
	compile();
	for (size_t i = 0; i < PB_ARRAY_LEN(tests); i++)
		wanted[i] = pb_pattern_match(patterns[i], parsed);
	for (int shift = 0; shift < SHIFTS; shift++) {
		PB_CLEANUP(pb_freep) char *text = pb_asprintf("%*s%s", shift, "", plain);
		size_t len = strlen(text);
		memcpy(p + page - len, text, len);
		for (size_t k = 0; k < PB_ARRAY_LEN(scanners); k++)
			if (pb_match_set_scanner(s, scanners[k]) == 0)
				check(s, (struct pb_str){p + page - len, len}, wanted);
	}
	for (size_t i = 0; i < PB_ARRAY_LEN(tests); i++)
		pb_pattern_free(patterns[i]);
	pb_matcher_free(matcher);
	munmap(p, 2 * page);
}
END_TEST

PB_SUITE(pattern_pages)
{
	pb_add_loop(
	    s, each_operator_stays_in_the_event_at_the_end_of_a_page, 0, (int)PB_ARRAY_LEN(values));
}
