/*
 * Events that are built alike are read by their shape: it must change nothing but the time.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../runner.h"
#include "help.h"
#include "pattern/flat.h"

static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};

static const char *const rules[] = {
    "{\"source\":[\"aws.cloudwatch\"]}",
    "{\"detail\":{\"n\":[{\"numeric\":[\">\",0]}]}}",
    "{\"detail\":{\"state\":[\"ALARM\",null,true]}}",
    "{\"detail\":{\"list\":{\"a\":[\"x\"],\"b\":[2]}}}",
    "{\"detail\":{\"gone\":[{\"exists\":false}]}}",
    "{\"resources\":[{\"prefix\":\"arn:\"}]}",
};

static struct pb_matcher *
matcher_of(const char *const *texts, size_t n)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	struct pb_error err;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(pb_matcher_builder_add_text(b, pb_str_of(texts[i]), &err), 0);
	return pb_matcher_builder_finish(b);
}

/* What pb_match says: the ids as bits, -1 when malformed. */
static int
ask(const struct pb_matcher *m, struct pb_match *s, struct pb_str event)
{
	uint32_t ids[PB_ARRAY_LEN(rules)];
	size_t n = 0;
	int ret = 0;

	if (pb_match(m, s, event, ids, PB_ARRAY_LEN(ids), &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		ret |= 1 << ids[i];
	return ret;
}

static bool
is_read_by_shape(const struct pb_matcher *m, struct pb_match *s, const char *event)
{
	uint64_t before = pb_match_n_by_shape(s);

	ck_assert_int_ge(ask(m, s, pb_str_of(event)), 0);
	return pb_match_n_by_shape(s) > before;
}

/* --- what is a shape */

/* Each second event is built like the first, or not. */
static const struct {
	const char *name, *first, *second;
	bool is_alike;
} pairs[] = {
    {"other values", "{\"a\":\"x\",\"b\":1}", "{\"a\":\"yy\",\"b\":23}", true},
    {"other types", "{\"a\":\"x\",\"b\":1,\"c\":null}", "{\"a\":-1.5,\"b\":true,\"c\":\"\"}", true},
    {"escapes", "{\"a\":\"x\"}", "{\"a\":\"\\u00e9\\ud83d\\ude00\\\"\\\\\"}", true},
    {"bytes beyond ASCII", "{\"a\":\"x\"}", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}", true},
    {"exponents", "{\"a\":0}", "{\"a\":-1.25e+10}", true},
    {"a long number", "{\"a\":0}", "{\"a\":1234567890123456789012345678901234567890.5}", true},
    {"blanks, the same", "{ \"a\" : \"x\" ,\n\t\"b\" : 1 }\n", "{ \"a\" : 5 ,\n\t\"b\" : 2 }\n",
	true},
    {"blanks, others", "{\"a\":\"x\"}", "{\"a\": \"x\"}", false},
    {"no values", "{\"a\":{},\"b\":[]}", "{\"a\":{},\"b\":[]}", true},
    {"a list with nothing", "{\"a\":[1]}", "{\"a\":[]}", false},
    {"a longer list", "{\"a\":[1,2]}", "{\"a\":[1,2,3]}", false},
    {"an object for a value", "{\"a\":1}", "{\"a\":{\"b\":1}}", false},
    {"another key", "{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
    {"a key spelled otherwise", "{\"a\":1}", "{\"\\u0061\":1}", false},
    {"long keys", "{\"a-key-that-is-longer-than-what-a-step-has-room-for\":1}",
	"{\"a-key-that-is-longer-than-what-a-step-has-room-for\":2}", true},
    {"long keys that differ at the end",
	"{\"a-key-that-is-longer-than-what-a-step-has-room-for\":1}",
	"{\"a-key-that-is-longer-than-what-a-step-has-room-fox\":2}", false},
};

START_TEST(a_shape_is_all_but_the_values)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(rules, PB_ARRAY_LEN(rules));

	for (size_t k = 0; k < PB_ARRAY_LEN(scanners); k++) {
		PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
		if (pb_match_set_scanner(s, scanners[k]) < 0)
			continue;
		ck_assert(!is_read_by_shape(m, s, pairs[_i].first));
		ck_assert_msg(is_read_by_shape(m, s, pairs[_i].second) == pairs[_i].is_alike,
		    "%s: %s", scanners[k], pairs[_i].name);
		ck_assert(is_read_by_shape(m, s, pairs[_i].second));
		pb_match_set_shapes(s, false);
		ck_assert(!is_read_by_shape(m, s, pairs[_i].second));
	}
}
END_TEST

/* --- nothing else changes */

static const char *const seeds[] = {
    "{\"source\":\"aws.cloudwatch\",\"resources\":[\"arn:1\",\"arn:2\"],\"detail\":{\"state\":"
    "\"ALARM\","
    "\"n\":0.5,\"list\":[{\"a\":\"x\",\"b\":1},{\"a\":\"x\",\"b\":2}]}}",
    "{\"source\" : \"aws.cloudwatch\", \"detail\" : {\"n\" : -12, \"list\": [[{\"a\": \"x\"}], "
    "{\"b\": "
    "2}, []], \"state\": null, \"long\": \"0123456789012345678901234567890123456789 \\\\ "
    "\\u00e9\"}}\n",
    "{\"detail\":{\"state\":true,\"gone\":{},\"text\":\"\xc3\xa9\xe2\x82\xac \\\"quoted\\\" and "
    "\\\\\","
    "\"a-key-that-is-longer-than-what-a-step-has-room-for\":1e5,\"n\":100}}",
};
static const unsigned char changes[] = "\"\\{}[],:0159.-+eEtn \n\x01\x80\xc3\xff/abu";

/* The bytes at the end of a page that nothing may be read behind. */
static char *
guarded(size_t *ret_size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + page, page, PROT_NONE), 0);
	*ret_size = page;
	return p;
}

struct trial {
	const struct pb_matcher *m;
	struct pb_match *learned, *plain;
	char *page;
	size_t size, n_valid;
};

static void
compare(struct trial *t, struct pb_str seed, struct pb_buf *event)
{
	char *at = t->page + t->size - event->len;
	struct pb_str there = {at, event->len};

	if (event->len > 0)
		memcpy(at, event->ptr, event->len);
	/* Learn the seed again, in case that this one's shape was learned instead. */
	ck_assert_int_ge(ask(t->m, t->learned, seed), 0);
	int wanted = ask(t->m, t->plain, there), found = ask(t->m, t->learned, there);
	ck_assert_msg(wanted == found, "%s: %.*s is %d, by shape %d", pb_match_scanner(t->learned),
	    PB_STR_ARG(there), wanted, found);
	ck_assert_int_eq(ask(t->m, t->learned, there), wanted);
	t->n_valid += wanted >= 0;
}

/* Everything that one byte can do to the event, and cutting it. */
static void
damage(struct trial *t, struct pb_str seed)
{
	for (size_t i = 0; i <= seed.len; i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		(void)pb_buf_add(&b, seed.ptr, i);
		compare(t, seed, &b);
		if (i == seed.len)
			break;
		(void)pb_buf_add(&b, seed.ptr + i + 1, seed.len - i - 1);
		compare(t, seed, &b);
		for (size_t k = 0; k < sizeof(changes) - 1; k++) {
			PB_CLEANUP(pb_buf_fini) struct pb_buf c = PB_BUF_INIT;
			(void)pb_buf_add(&c, seed.ptr, i);
			(void)pb_buf_addc(&c, (char)changes[k]);
			(void)pb_buf_add(&c, seed.ptr + i + 1, seed.len - i - 1);
			compare(t, seed, &c);
			c.len = i + 1;
			(void)pb_buf_add(&c, seed.ptr + i, seed.len - i);
			compare(t, seed, &c);
		}
	}
}

/* With `n_before` times the event read before: enough of it and all its values are in gaps. */
static void
check_damaged(const char *scanner, struct pb_str seed, unsigned n_before)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(rules, PB_ARRAY_LEN(rules));
	struct trial t = {.m = m, .learned = pb_match_new(), .plain = pb_match_new()};

	t.page = guarded(&t.size);
	pb_match_set_shapes(t.plain, false);
	if (pb_match_set_scanner(t.learned, scanner) == 0) {
		for (unsigned i = 0; i < n_before; i++)
			ck_assert_int_ge(ask(m, t.learned, seed), 0);
		damage(&t, seed);
		ck_assert_uint_gt(t.n_valid, 100);
		ck_assert_uint_gt(pb_match_n_by_shape(t.learned), t.n_valid);
	}
	munmap(t.page, 2 * t.size);
	pb_match_free(t.learned);
	pb_match_free(t.plain);
}

START_TEST(damaged_events_are_taken_as_without_shapes)
{
	check_damaged(scanners[(size_t)_i / PB_ARRAY_LEN(seeds)],
	    pb_str_of(seeds[(size_t)_i % PB_ARRAY_LEN(seeds)]), 0);
}
END_TEST

START_TEST(damaged_events_are_taken_alike_where_values_never_changed)
{
	check_damaged(scanners[(size_t)_i / PB_ARRAY_LEN(seeds)],
	    pb_str_of(seeds[(size_t)_i % PB_ARRAY_LEN(seeds)]), 2500);
}
END_TEST

static bool
has_step(const struct pb_shapes *s, const char *gap)
{
	for (uint32_t i = 1; i < s->n_steps; i++)
		if (s->steps[i].len == strlen(gap) &&
		    memcmp(s->steps[i].head, gap, strlen(gap)) == 0)
			return true;
	return false;
}

static int
read_event(struct pb_flat *f, const struct pb_flat_tree *t, const char *version, const char *n)
{
	PB_CLEANUP(pb_freep)
	char *event = pb_asprintf("{\"version\":%s,\"n\":%s,\"source\":\"s\"}", version, n);
	int ret = pb_flat_read(f, t, pb_str_of(event), false);

	if (ret == 0) {
		ck_assert_uint_eq(f->n_leaves, 1);
		ck_assert(pb_str_is(pb_flat_text(f, &f->leaves[0]), "s"));
	}
	return ret;
}

START_TEST(a_value_that_never_changes_is_part_of_its_gap)
{
	struct pb_flat_tree t;
	PB_CLEANUP(pb_flat_freep) struct pb_flat *f = pb_flat_new();
	const char *joined = "{\"version\":\"0\",\"n\":";

	pb_flat_tree_init(&t);
	(void)pb_flat_tree_add(&t, PB_STR("source"));
	for (int i = 0; i < 2500; i++)
		ck_assert_int_eq(read_event(f, &t, "\"0\"", i % 2 == 0 ? "1" : "2.5"), 0);
	ck_assert(has_step(f->shapes, joined));
	ck_assert(!has_step(f->shapes, "{\"version\":\"0\",\"n\":1,\"source\":"));
	for (int i = 0; i < 100; i++) { /* another value is read as before */
		ck_assert_int_eq(read_event(f, &t, "\"1\"", "3"), 0);
		ck_assert_int_eq(read_event(f, &t, "\"0\"", "{\"n\":[]}"), 0);
		ck_assert_int_eq(read_event(f, &t, "\"0", "3"), -1);
		ck_assert_int_eq(read_event(f, &t, "\"0\"", "03"), -1);
	}
	pb_flat_tree_fini(&t);
}
END_TEST

START_TEST(a_value_may_be_of_any_length)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(rules, 1);
	size_t size;
	char *page = guarded(&size);

	for (size_t k = 0; k < PB_ARRAY_LEN(scanners); k++) {
		PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
		if (pb_match_set_scanner(s, scanners[k]) < 0)
			continue;
		for (int len = 0; len < 300; len++) {
			PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
			(void)pb_buf_addf(
			    &b, "{\"a\":\"%0*d\",\"source\":\"aws.cloudwatch\"}", len + 1, 0);
			struct pb_str there = {page + size - b.len, b.len};
			memcpy(page + size - b.len, b.ptr, b.len);
			ck_assert_int_eq(ask(m, s, there), 1);
			there.ptr++;
			there.len--;
			ck_assert_int_eq(ask(m, s, there), -1);
		}
		ck_assert_uint_ge(pb_match_n_by_shape(s), 298);
	}
	munmap(page, 2 * size);
}
END_TEST

START_TEST(a_shape_is_of_one_matcher)
{
	static const char *const other[] = {"{\"b\":[2]}", "{\"a\":[2]}"};
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(other, 1);
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *n = matcher_of(other + 1, 1);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(ask(m, s, pb_str_of("{\"a\":1,\"b\":2}")), 1);
		ck_assert_int_eq(ask(n, s, pb_str_of("{\"a\":1,\"b\":2}")), 0);
		ck_assert_int_eq(ask(n, s, pb_str_of("{\"a\":2,\"b\":1}")), 1);
		ck_assert_int_eq(ask(m, s, pb_str_of("{\"a\":2,\"b\":1}")), 0);
	}
	ck_assert_uint_eq(pb_match_n_by_shape(s), 19);
}
END_TEST

/* --- when there is too much to know */

static bool
ask_number(const struct pb_matcher *m, struct pb_match *s, unsigned i)
{
	char event[64];
	uint64_t before = pb_match_n_by_shape(s);

	(void)snprintf(event, sizeof(event), "{\"k%u\":1,\"source\":\"aws.cloudwatch\"}", i);
	ck_assert_int_eq(ask(m, s, pb_str_of(event)), 1);
	return pb_match_n_by_shape(s) > before;
}

START_TEST(events_never_alike_are_read_without_shapes_for_a_while)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(rules, 1);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	unsigned n = 0;

	for (unsigned i = 0; i < 1024; i++)
		ck_assert(!ask_number(m, s, i));
	ck_assert(!ask_number(m, s, 5000));
	while (!ask_number(m, s, 5000))
		ck_assert_uint_lt(n++, 20000);
	ck_assert_uint_gt(n, 10000);
	ck_assert(ask_number(m, s, 5000));
}
END_TEST

START_TEST(what_does_not_fit_is_learned_later)
{
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = matcher_of(rules, 1);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	unsigned n = 0;

	/* Lists of different lengths, each with a few steps of its own. */
	for (unsigned i = 0; i < 700; i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		(void)pb_buf_addf(&b, "{\"k%u\":[", i % 16);
		for (unsigned k = 0; k < i; k++)
			(void)pb_buf_adds(&b, "1,");
		(void)pb_buf_adds(&b, "1],\"source\":\"aws.cloudwatch\"}");
		for (int again = 0; again < 2; again++)
			ck_assert_int_eq(ask(m, s, pb_buf_str(&b)), 1);
	}
	while (!ask_number(m, s, 7777))
		ck_assert_uint_lt(n++, 20000);
	ck_assert(ask_number(m, s, 7777));
}
END_TEST

PB_SUITE(pattern_shape)
{
	pb_add_loop(s, a_shape_is_all_but_the_values, 0, (int)PB_ARRAY_LEN(pairs));
	pb_add_loop(s, damaged_events_are_taken_as_without_shapes, 0,
	    (int)(PB_ARRAY_LEN(seeds) * PB_ARRAY_LEN(scanners)));
	pb_add_loop(s, damaged_events_are_taken_alike_where_values_never_changed, 0,
	    (int)(PB_ARRAY_LEN(seeds) * PB_ARRAY_LEN(scanners)));
	pb_add(s, a_value_that_never_changes_is_part_of_its_gap);
	pb_add(s, a_value_may_be_of_any_length);
	pb_add(s, a_shape_is_of_one_matcher);
	pb_add(s, events_never_alike_are_read_without_shapes_for_a_while);
	pb_add(s, what_does_not_fit_is_learned_later);
}
