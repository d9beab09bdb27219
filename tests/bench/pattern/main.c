/*
 * bench-pattern CASES [MODE]: measures the matcher on the cases of a file, one a line:
 *
 *     NAME <tab> RULES <tab> CATEGORY <tab> N <tab> EVENTS
 *
 * RULES has "id <tab> pattern" or "category <tab> matches <tab> pattern" a line; CATEGORY picks
 * among the latter, "-" takes the former.  N patterns at most are taken, 0 = all.  EVENTS has one a
 * line.  Prints for each, by tabs: name, ns an event (the median of thread-CPU times), matches,
 * rules built a second, bytes a rule beside its text, allocations while all passes but the first
 * ran; "refused" where a pattern is.
 *
 * MODE is one of:
 *     +early    stop at the last field that a pattern names
 *     +unlike   use no shapes, as for events of which no two are built alike
 *     +fields   have the fields read that an alarm's event is known by
 *     +NAME     scan as NAME does ("scalar", "sse2", "avx2", "avx512")
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pattern/pattern.h"

#define PASSES 5

/* All allocations of the program, counted. */
static size_t n_allocations;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

void *
malloc(size_t size)
{
	n_allocations++;
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	n_allocations++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	n_allocations++;
	return __libc_realloc(p, size);
}

struct rules {
	struct pb_matcher_builder *builder;
	size_t n, bytes;
	double seconds;
};

static double
cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct pb_str
read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	long size = 0;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	rewind(f);
	char *text = pb_malloc((size_t)size + 1);
	if (fread(text, 1, (size_t)size, f) != (size_t)size) {
		fprintf(stderr, "%s: cut\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	return (struct pb_str){text, (size_t)size};
}

/* Cut the text before `end` off *s, and `end` too. */
static struct pb_str
cut(struct pb_str *s, char end)
{
	const char *at = memchr(s->ptr, end, s->len);
	size_t len = at == NULL ? s->len : (size_t)(at - s->ptr);
	struct pb_str ret = {s->ptr, len};

	s->ptr += at == NULL ? len : len + 1;
	s->len -= at == NULL ? len : len + 1;
	return ret;
}

static int
add_rule(struct rules *r, struct pb_str text)
{
	struct pb_error err = {0};

	if (pb_matcher_builder_add_text(r->builder, text, &err) < 0)
		return -1;
	r->n++;
	r->bytes += text.len;
	return 0;
}

static int
add_rules(struct rules *r, struct pb_str file, struct pb_str category, size_t most)
{
	bool is_plain = pb_str_is(category, "-");

	for (struct pb_str rest = file; rest.len > 0 && (most == 0 || r->n < most);) {
		struct pb_str line = cut(&rest, '\n'), first = cut(&line, '\t');
		if (!is_plain) {
			(void)cut(&line, '\t');
			if (!pb_str_eq(first, category))
				continue;
		}
		if (add_rule(r, line) < 0)
			return -1;
	}
	return 0;
}

/* The events of a file, cut apart beforehand. */
struct events {
	struct pb_str *items;
	size_t n;
};

static struct events
split(struct pb_str file)
{
	struct events ret = {NULL, 0};
	size_t size = 0;

	for (struct pb_str rest = file; rest.len > 0;) {
		if (ret.n == size) {
			size = size == 0 ? 1024 : 2 * size;
			ret.items = pb_realloc(ret.items, size * sizeof(*ret.items));
		}
		ret.items[ret.n++] = cut(&rest, '\n');
	}
	return ret;
}

static double
pass(const struct pb_matcher *m, struct pb_match *s, const struct events *events,
    size_t *ret_matches)
{
	double start = cpu_seconds();

	*ret_matches = 0;
	for (size_t i = 0; i < events->n; i++) {
		size_t n = 0;
		if (pb_match(m, s, events->items[i], NULL, 0, &n) < 0) {
			fprintf(stderr, "event %zu is malformed\n", i);
			exit(EXIT_FAILURE);
		}
		*ret_matches += n;
	}
	return cpu_seconds() - start;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
set_mode(const char *mode, struct pb_matcher_builder *b, struct pb_match *s)
{
	static const char *const fields[] = {"source", "detail-type", "time", "id", "resources",
	    "detail.alarmName", "detail.state.value"};

	if (strcmp(mode, "+early") == 0) {
		pb_matcher_builder_stop_early(b);
	} else if (strcmp(mode, "+unlike") == 0) {
		pb_match_set_shapes(s, false);
	} else if (strcmp(mode, "+fields") == 0) {
		for (size_t i = 0; i < PB_ARRAY_LEN(fields); i++)
			(void)pb_matcher_builder_want(b, pb_str_of(fields[i]));
	} else if (*mode != '+' || pb_match_set_scanner(s, mode + 1) < 0) {
		fprintf(stderr, "%s: not a mode here\n", mode);
		exit(EXIT_FAILURE);
	}
}

static void
run_case(struct pb_str line, const char *mode)
{
	struct pb_str name = cut(&line, '\t'), rules_path = cut(&line, '\t');
	struct pb_str category = cut(&line, '\t'), most = cut(&line, '\t');
	PB_CLEANUP(pb_freep) char *rules_file = pb_strndup(rules_path.ptr, rules_path.len);
	PB_CLEANUP(pb_freep) char *events_file = pb_strndup(line.ptr, line.len);
	struct pb_str rules = read_file(rules_file), file = read_file(events_file);
	struct events events = split(file);
	struct rules r = {.builder = pb_matcher_builder_new()};
	double start = cpu_seconds(), times[PASSES];
	size_t n_matches = 0;

	if (add_rules(&r, rules, category, strtoul(most.ptr, NULL, 10)) < 0) {
		printf("%.*s\trefused\n", PB_STR_ARG(name));
		pb_matcher_builder_free(r.builder);
	} else {
		PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
		if (mode != NULL)
			set_mode(mode, r.builder, s);
		PB_CLEANUP(pb_matcher_freep)
		struct pb_matcher *m = pb_matcher_builder_finish(r.builder);
		double built_in = cpu_seconds() - start;
		(void)pass(m, s, &events, &n_matches);
		size_t allocated = n_allocations;
		for (size_t i = 0; i < PASSES; i++)
			times[i] = pass(m, s, &events, &n_matches);
		allocated = n_allocations - allocated;
		qsort(times, PASSES, sizeof(times[0]), compare);
		printf("%.*s\t%.1f\t%zu\t%.0f\t%.0f\t%zu\n", PB_STR_ARG(name),
		    times[PASSES / 2] * 1e9 / (double)events.n, n_matches, (double)r.n / built_in,
		    ((double)pb_matcher_bytes(m) - (double)r.bytes) / (double)r.n, allocated);
	}
	(void)fflush(stdout);
	free((void *)(uintptr_t)rules.ptr);
	free(events.items);
	free((void *)(uintptr_t)file.ptr);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(
		    stderr, "usage: bench-pattern CASES [+early | +unlike | +fields | +SCANNER]\n");
		return EXIT_FAILURE;
	}
	struct pb_str cases = read_file(argv[1]);
	for (struct pb_str rest = cases; rest.len > 0;)
		run_case(cut(&rest, '\n'), argv[2]);
	free((void *)(uintptr_t)cases.ptr);
	return EXIT_SUCCESS;
}
