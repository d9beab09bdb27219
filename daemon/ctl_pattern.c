/*
 * playbookctl test-pattern: does this pattern match this event?  For one pair, for a list of cases
 * with what is expected of them, or for counting the matches of many rules on many events.  Asks no
 * daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "daemon/ctl.h"
#include "daemon/ctl_lines.h"
#include "daemon/ctl_pattern.h"
#include "io/file.h"
#include "pattern/pattern.h"

#define FILE_MAX (64U << 20)

void
pb_ctl_say_error(const char *file, size_t line, const char *what, const struct pb_error *err)
{
	char path[PB_CTL_SHOWN], text[sizeof(err->text)];

	fprintf(stderr, "playbookctl: %s", pb_safe(path, sizeof(path), pb_str_of(file)));
	if (line > 0)
		fprintf(stderr, ":%zu", line);
	fprintf(stderr, ": %s", what);
	if (err->line > 0)
		fprintf(stderr, ", line %d, column %d", err->line, err->column);
	if (err->path[0] != '\0')
		fprintf(stderr, ", at %s", pb_safe(path, sizeof(path), pb_str_of(err->path)));
	fprintf(stderr, ": %s\n", pb_safe(text, sizeof(text), pb_str_of(err->text)));
}

/* Why an event is refused: as the parser says it, where it says so. */
static void
explain_event(struct pb_str event, struct pb_error *err)
{
	PB_JSON json_t *doc = NULL;

	if (pb_json_parse(event, &doc, err) == 0)
		(void)pb_fail(err, PB_INVALID, "not an object, or not valid JSON");
}

enum pb_ctl_verdict
pb_ctl_judge(struct pb_str pattern, struct pb_str event, struct pb_error *err)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	size_t n = 0;

	if (pb_pattern_compile(pattern, &p, err) < 0)
		return PB_CTL_BAD_PATTERN;
	if (pb_matcher_build((const struct pb_pattern *const[]){p}, 1, &m, err) < 0)
		return PB_CTL_BAD_PATTERN;
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	if (pb_match(m, s, event, NULL, 0, &n) < 0) {
		explain_event(event, err);
		return PB_CTL_BAD_EVENT;
	}
	return n > 0 ? PB_CTL_MATCH : PB_CTL_NOMATCH;
}

enum pb_ctl_exit
pb_ctl_fail_empty(const struct pb_ctl_lines *l, const char *what)
{
	char shown[PB_CTL_SHOWN];

	fprintf(stderr, "playbookctl: %s: no %s\n",
	    pb_safe(shown, sizeof(shown), pb_str_of(l->name)), what);
	return PB_CTL_USAGE;
}

static const char *
shown_name(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

static void
close_fd(int *fd)
{
	if (*fd > STDIN_FILENO)
		(void)close(*fd);
}

/* To its end, whatever it is: a shell hands on a pipe for <(...), and standard input may be one. */
static int
read_whole(const char *name, struct pb_buf *ret)
{
	struct pb_error err = {0};
	struct stat st;
	char shown[sizeof(err.text)];
	bool is_stdin = strcmp(name, "-") == 0;
	PB_CLEANUP(close_fd)
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	int rc = fd;

	if (fd < 0)
		(void)pb_fail(&err, PB_IO, "%s: %s", name, strerror(errno));
	else if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		rc = pb_fail(&err, PB_INVALID, "%s: %s", name, strerror(EISDIR));
	else
		rc = pb_file_read_fd(fd, shown_name(name), FILE_MAX, ret, &err);
	if (rc < 0)
		fprintf(stderr, "playbookctl: %s\n",
		    pb_safe(shown, sizeof(shown), pb_str_of(err.text)));
	else
		rc = pb_ctl_refuse_mark(shown_name(name), pb_buf_str(ret));
	return rc;
}

static enum pb_ctl_exit
test_one(const char *pattern_file, const char *event_file)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf pattern = PB_BUF_INIT, event = PB_BUF_INIT;
	struct pb_error err = {0};

	if (read_whole(pattern_file, &pattern) < 0 || read_whole(event_file, &event) < 0)
		return PB_CTL_USAGE;
	enum pb_ctl_verdict v = pb_ctl_judge(pb_buf_str(&pattern), pb_buf_str(&event), &err);
	if (v == PB_CTL_BAD_PATTERN || v == PB_CTL_BAD_EVENT) {
		pb_ctl_say_error(shown_name(v == PB_CTL_BAD_PATTERN ? pattern_file : event_file), 0,
		    v == PB_CTL_BAD_PATTERN ? "not a pattern" : "not an event", &err);
		return PB_CTL_USAGE;
	}
	puts(v == PB_CTL_MATCH ? "true" : "false");
	return v == PB_CTL_MATCH ? PB_CTL_OK : PB_CTL_REFUSED;
}

/* --- counting */

struct rules {
	struct pb_matcher_builder *builder;
	struct pb_map *lines; /* id -> number of its line, as a pointer */
	char **names;
	size_t n, size;
};

static void
rules_fini(struct rules *r)
{
	pb_matcher_builder_free(r->builder);
	pb_map_free(r->lines, NULL);
	for (size_t i = 0; i < r->n; i++)
		free(r->names[i]);
	free(r->names);
}

/* Counts of two rules under one id could not be told apart. */
static int
add_id(struct rules *r, struct pb_str id, size_t line, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *name = pb_strndup(id.ptr, id.len);
	char shown[PB_CTL_SHOWN];

	if (memchr(id.ptr, '\0', id.len) != NULL)
		return pb_fail(err, PB_INVALID, "its id has a NUL byte");
	if (pb_str_trim(id).len == 0)
		return pb_fail(err, PB_INVALID, "its id is empty");
	if (pb_str_trim(id).len < id.len)
		return pb_fail(err, PB_INVALID, "its id has blanks at an end");
	uintptr_t first = (uintptr_t)pb_map_get(r->lines, name);
	if (first != 0)
		return pb_fail(err, PB_INVALID, "id %s is that of line %zu already",
		    pb_safe(shown, sizeof(shown), id), (size_t)first);
	(void)pb_map_put(r->lines, name, (void *)(uintptr_t)line);
	if (r->n == r->size) {
		r->size = r->size == 0 ? 64 : 2 * r->size;
		r->names = pb_realloc(r->names, r->size * sizeof(*r->names));
	}
	r->names[r->n++] = PB_TAKE(name);
	return 0;
}

static int
add_rule(struct rules *r, struct pb_str line, size_t number, struct pb_error *err)
{
	const char *tab = memchr(line.ptr, '\t', line.len);

	if (tab == NULL)
		return pb_fail(err, PB_INVALID, "wanted an id, a tab and a pattern");
	size_t len = (size_t)(tab - line.ptr);
	struct pb_str text = {tab + 1, line.len - len - 1};
	if (pb_matcher_builder_add_text(r->builder, text, err) < 0)
		return -1;
	return add_id(r, (struct pb_str){line.ptr, len}, number, err);
}

static int
read_rules(const char *file, struct rules *r)
{
	PB_CLEANUP(pb_ctl_lines_fini) struct pb_ctl_lines l = {0};
	struct pb_str line;
	int more;

	if (pb_ctl_lines_open(&l, file) < 0)
		return -1;
	while ((more = pb_ctl_lines_next(&l, &line)) > 0) {
		struct pb_error err = {0};
		if (add_rule(r, l.raw, l.number, &err) == 0)
			continue;
		pb_ctl_say_error(l.name, l.number, "not a rule", &err);
		return -1;
	}
	if (more == 0 && r->n == 0) {
		(void)pb_ctl_fail_empty(&l, "rules");
		return -1;
	}
	return more;
}

/* Adds to counts[]; -1 when an event is none, or there is none. */
static int
count_events(const char *file, const struct pb_matcher *m, uint64_t *counts, size_t n_rules)
{
	PB_CLEANUP(pb_ctl_lines_fini) struct pb_ctl_lines l = {0};
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	PB_CLEANUP(pb_freep) uint32_t *ids = pb_calloc(n_rules, sizeof(*ids));
	struct pb_str line;
	size_t n_events = 0;
	int more;

	if (pb_ctl_lines_open(&l, file) < 0)
		return -1;
	while ((more = pb_ctl_lines_next(&l, &line)) > 0) {
		struct pb_error err = {0};
		size_t n = 0;
		n_events++;
		if (pb_match(m, s, line, ids, n_rules, &n) < 0) {
			explain_event(line, &err);
			pb_ctl_say_error(l.name, l.number, "not an event", &err);
			return -1;
		}
		for (size_t i = 0; i < n; i++)
			counts[ids[i]]++;
	}
	if (more == 0 && n_events == 0) {
		(void)pb_ctl_fail_empty(&l, "events");
		return -1;
	}
	return more;
}

static enum pb_ctl_exit
count_matches(const char *rules_file, const char *events_file)
{
	PB_CLEANUP(rules_fini)
	struct rules r = {.builder = pb_matcher_builder_new(), .lines = pb_map_new()};

	if (read_rules(rules_file, &r) < 0)
		return PB_CTL_USAGE;
	PB_CLEANUP(pb_matcher_freep)
	struct pb_matcher *m = pb_matcher_builder_finish(PB_TAKE(r.builder));
	PB_CLEANUP(pb_freep) uint64_t *counts = pb_calloc(r.n, sizeof(*counts));
	if (count_events(events_file, m, counts, r.n) < 0)
		return PB_CTL_USAGE;
	for (size_t i = 0; i < r.n; i++) {
		char shown[PB_CTL_SHOWN];
		printf("%s\t%llu\n", pb_safe(shown, sizeof(shown), pb_str_of(r.names[i])),
		    (unsigned long long)counts[i]);
	}
	return PB_CTL_OK;
}

/* --- command line */

static const char usage_text[] =
    "usage: playbookctl test-pattern --pattern FILE --event FILE\n"
    "       playbookctl test-pattern --cases FILE\n"
    "       playbookctl test-pattern --rules FILE --events FILE --count\n"
    "\n"
    "  --pattern, --event   print true (exit status 0) or false (1)\n"
    "  --cases              lines {\"name\", \"expect\": \"match\", \"nomatch\" or \"error\",\n"
    "                       \"pattern\", \"event\"}: print each that disagrees, and a count\n"
    "  --rules, --events    lines of id, tab, pattern, and an event a line: print how many\n"
    "                       events each rule matched\n"
    "\n"
    "One FILE may be -, standard input.  exit status: 2 for what is no pattern or no event.\n";

enum option_id {
	OPT_PATTERN = 256,
	OPT_EVENT,
	OPT_CASES,
	OPT_RULES,
	OPT_EVENTS,
	OPT_COUNT,
	OPT_HELP
};

static const struct option options[] = {
    {"pattern", required_argument, NULL, OPT_PATTERN},
    {"event", required_argument, NULL, OPT_EVENT},
    {"cases", required_argument, NULL, OPT_CASES},
    {"rules", required_argument, NULL, OPT_RULES},
    {"events", required_argument, NULL, OPT_EVENTS},
    {"count", no_argument, NULL, OPT_COUNT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* The three ways, and what each takes. */
static const struct way {
	enum option_id options[3]; /* 0 = no more */
	const char *names;
} ways[] = {
    {{OPT_PATTERN, OPT_EVENT}, "--pattern FILE and --event FILE"},
    {{OPT_CASES}, "--cases FILE"},
    {{OPT_RULES, OPT_EVENTS, OPT_COUNT}, "--rules FILE, --events FILE and --count"},
};

struct given {
	const char *files[OPT_HELP - OPT_PATTERN]; /* "" of --count */
};

static const char *
file_of(const struct given *g, enum option_id id)
{
	return g->files[id - OPT_PATTERN];
}

static const char *
name_of(enum option_id id)
{
	return options[id - OPT_PATTERN].name;
}

static bool
has_option(const struct way *w, enum option_id id)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(w->options); i++)
		if (w->options[i] == id)
			return true;
	return false;
}

static int fail_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int
fail_usage(const char *fmt, ...)
{
	va_list args;

	fputs("playbookctl: ", stderr);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("; see playbookctl test-pattern --help\n", stderr);
	return -1;
}

/* The way of what is given: one, and whole. */
static const struct way *
find_way(const struct given *g)
{
	const struct way *ret = NULL;
	enum option_id first = OPT_HELP;

	for (enum option_id id = OPT_PATTERN; id < OPT_HELP; id++) {
		if (file_of(g, id) == NULL)
			continue;
		for (size_t i = 0; ret == NULL; i++)
			ret = has_option(&ways[i], id) ? &ways[i] : NULL;
		if (!has_option(ret, id)) {
			(void)fail_usage(
			    "--%s and --%s do not go together", name_of(first), name_of(id));
			return NULL;
		}
		first = first == OPT_HELP ? id : first;
	}
	for (size_t i = 0; ret != NULL && i < PB_ARRAY_LEN(ret->options); i++)
		if (ret->options[i] != 0 && file_of(g, ret->options[i]) == NULL) {
			(void)fail_usage("--%s is missing: --%s wants all of %s",
			    name_of(ret->options[i]), name_of(first), ret->names);
			return NULL;
		}
	if (ret == NULL)
		fputs(usage_text, stderr);
	return ret;
}

/* 0, 1 when there is nothing else to do, or -1. */
static int
take_option(struct given *g, int opt)
{
	if (opt == OPT_HELP) {
		fputs(usage_text, stdout);
		return 1;
	}
	if (opt == '?' || opt == ':') { /* getopt has said what */
		fputs(usage_text, stderr);
		return -1;
	}
	const char **file = &g->files[opt - OPT_PATTERN];
	if (*file != NULL)
		return fail_usage("--%s is given twice", name_of((enum option_id)opt));
	*file = opt == OPT_COUNT ? "" : optarg;
	if (opt != OPT_COUNT && **file == '\0')
		return fail_usage(
		    "--%s: the name of the file is empty", name_of((enum option_id)opt));
	return 0;
}

enum pb_ctl_exit
pb_ctl_test_pattern(int argc, char **argv)
{
	struct given g = {{NULL}};
	char shown[PB_CTL_SHOWN];
	size_t n_stdin = 0;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int rc = take_option(&g, opt);
		if (rc != 0)
			return rc < 0 ? PB_CTL_USAGE : PB_CTL_OK;
	}
	if (optind < argc) {
		(void)fail_usage("\"%s\" is no option; a file is named behind one",
		    pb_safe(shown, sizeof(shown), pb_str_of(argv[optind])));
		return PB_CTL_USAGE;
	}
	const struct way *w = find_way(&g);
	if (w == NULL)
		return PB_CTL_USAGE;
	for (size_t i = 0; i < PB_ARRAY_LEN(g.files); i++)
		n_stdin += pb_streq(g.files[i], "-");
	if (n_stdin > 1) {
		fputs("playbookctl: only one FILE may be -, standard input\n", stderr);
		return PB_CTL_USAGE;
	}
	if (has_option(w, OPT_CASES))
		return pb_ctl_test_cases(file_of(&g, OPT_CASES));
	if (has_option(w, OPT_PATTERN))
		return test_one(file_of(&g, OPT_PATTERN), file_of(&g, OPT_EVENT));
	return count_matches(file_of(&g, OPT_RULES), file_of(&g, OPT_EVENTS));
}
