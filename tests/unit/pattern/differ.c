/*
 * The matcher of many patterns on bytes against the one of a single pattern on a parsed event, and
 * against a third that shares no code with either (oracle.h), on random
 * patterns and events, with every way to scan; each event stands at the end of a page behind which
 * nothing may be read.  PB_ROUNDS multiplies how many, PB_SEED makes others of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../runner.h"
#include "help.h"
#include "oracle.h"
#include "pattern/exact.h"
#include "random.h"

#define SETS 60
#define PATTERNS 40
#define EVENTS 40
#define PAGES 4

static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};

/* Memory with an end that cannot be passed. */
static char *
guarded(size_t *ret_size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = PAGES * page;
	char *p =
	    mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(p != MAP_FAILED);
	ck_assert_int_eq(mprotect(p + size, page, PROT_NONE), 0);
	*ret_size = size;
	return p;
}

static int
rounds(void)
{
	const char *times = getenv("PB_ROUNDS");

	return SETS * (times != NULL ? atoi(times) : 1);
}

static uint64_t
seed(uint64_t plain)
{
	const char *text = getenv("PB_SEED");

	return plain + (text != NULL ? 1000 * strtoull(text, NULL, 10) : 0);
}

struct set {
	struct pb_pattern *patterns[PATTERNS];
	char *texts[PATTERNS];
	json_t *docs[PATTERNS];
	size_t n;
	struct pb_matcher *m;
};

static void
make_set(struct pb_rand *r, struct set *s)
{
	s->n = 0;
	while (s->n < PATTERNS) {
		struct pb_buf text = PB_BUF_INIT;
		struct pb_error err = {0};
		random_pattern(r, &text);
		s->texts[s->n] = pb_buf_take(&text);
		if (pb_pattern_compile(pb_str_of(s->texts[s->n]), &s->patterns[s->n], &err) < 0)
			free(s->texts[s->n]);
		else
			s->docs[s->n] = oracle_read(s->texts[s->n]), s->n++;
	}
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	for (size_t i = 0; i < s->n; i++)
		ck_assert_int_eq(pb_matcher_builder_add_text(b, pb_str_of(s->texts[i]), NULL), 0);
	s->m = pb_matcher_builder_finish(b);
}

static void
free_set(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		pb_pattern_free(s->patterns[i]);
		free(s->texts[i]);
		json_decref(s->docs[i]);
	}
	pb_matcher_free(s->m);
}

/* The same words, whether of the tree or of the bytes. */
static void
check_why(const struct pb_pattern *p, struct pb_str event, const json_t *parsed)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf tree = PB_BUF_INIT, bytes = PB_BUF_INIT;

	ck_assert_int_eq(pb_pattern_why(p, parsed, &tree), pb_pattern_why_text(p, event, &bytes));
	ck_assert_msg(
	    tree.len == bytes.len && (tree.len == 0 || memcmp(tree.ptr, bytes.ptr, tree.len) == 0),
	    "%.*s: by tree %s, by bytes %s", PB_STR_ARG(event), tree.ptr, bytes.ptr);
}

static size_t
check_event(
    const struct set *s, struct pb_match *scratch, struct pb_str event, const json_t *parsed)
{
	uint32_t ids[PATTERNS];
	size_t n = 0, at = 0;
	int rc = pb_match(s->m, scratch, event, ids, PATTERNS, &n);

	ck_assert_msg(rc == (json_is_object(parsed) ? 0 : -1), "%s: %.*s is %staken",
	    pb_match_scanner(scratch), PB_STR_ARG(event), rc < 0 ? "not " : "");
	for (uint32_t i = 0; i < s->n && rc == 0; i++) {
		bool wanted = pb_pattern_match(s->patterns[i], parsed);
		bool found = at < n && ids[at] == i;
		at += found;
		ck_assert_msg(wanted == found, "%s: %s on %.*s: wanted %s",
		    pb_match_scanner(scratch), s->texts[i], PB_STR_ARG(event),
		    wanted ? "a match" : "none");
	}
	ck_assert_uint_eq(at, n);
	if (rc == 0)
		check_why(s->patterns[event.len % s->n], event, parsed);
	return n;
}

/* How many patterns the oracle could judge. */
static size_t
check_oracle(const struct set *s, struct pb_str event, const json_t *parsed)
{
	PB_JSON json_t *read = oracle_read(event.ptr);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		int wanted = oracle_match(s->docs[i], read);
		n += wanted >= 0;
		ck_assert_msg(wanted < 0 || wanted == pb_pattern_match(s->patterns[i], parsed),
		    "%s on %.*s: the oracle wants %d", s->texts[i], PB_STR_ARG(event), wanted);
	}
	return n;
}

/* The event with every scanner, at the end of the page. */
static size_t
check_scanners(
    const struct set *s, struct pb_match *scratch, char *page, size_t size, struct pb_str event)
{
	PB_JSON json_t *parsed = NULL;
	struct pb_error err = {0};
	size_t n = 0;

	(void)pb_exact_parse(event, &parsed, &err);
	memcpy(page + size - event.len, event.ptr, event.len);
	event.ptr = page + size - event.len;
	for (size_t i = 0; i < PB_ARRAY_LEN(scanners); i++)
		if (pb_match_set_scanner(scratch, scanners[i]) == 0)
			n = check_event(s, scratch, event, parsed);
	return n;
}

START_TEST(many_at_once_agree_with_one_by_one)
{
	PB_CLEANUP(pb_match_freep) struct pb_match *scratch = pb_match_new();
	struct pb_rand r;
	size_t size, n_matches = 0, n_judged = 0;
	char *page = guarded(&size);

	pb_rand_seed(&r, seed(77 + (uint64_t)_i));
	for (int round = 0; round < rounds(); round++) {
		struct set s;
		make_set(&r, &s);
		for (int e = 0; e < EVENTS; e++) {
			PB_CLEANUP(pb_buf_fini) struct pb_buf event = PB_BUF_INIT;
			random_event(&r, &event);
			PB_JSON json_t *parsed = help_json(event.ptr);
			n_judged += check_oracle(&s, pb_buf_str(&event), parsed);
			n_matches += check_scanners(&s, scratch, page, size, pb_buf_str(&event));
		}
		free_set(&s);
	}
	ck_assert_uint_gt(n_matches, 400);
	ck_assert_uint_gt(n_judged, (size_t)rounds() * EVENTS * PATTERNS * 9 / 10);
	munmap(page, size);
}
END_TEST

START_TEST(damaged_events_are_taken_as_the_parser_takes_them)
{
	PB_CLEANUP(pb_match_freep) struct pb_match *scratch = pb_match_new();
	struct pb_rand r;
	size_t size;
	char *page = guarded(&size);

	pb_rand_seed(&r, seed(177 + (uint64_t)_i));
	for (int round = 0; round < rounds(); round++) {
		struct set s;
		make_set(&r, &s);
		for (int e = 0; e < EVENTS; e++) {
			PB_CLEANUP(pb_buf_fini) struct pb_buf event = PB_BUF_INIT;
			random_event(&r, &event);
			random_damage(&r, &event);
			(void)check_scanners(&s, scratch, page, size, pb_buf_str(&event));
		}
		free_set(&s);
	}
	munmap(page, size);
}
END_TEST

PB_SUITE(pattern_differ)
{
	pb_add_loop(s, many_at_once_agree_with_one_by_one, 0, 2);
	pb_add_loop(s, damaged_events_are_taken_as_the_parser_takes_them, 0, 2);
}
