/*
 * playbookctl test-pattern: does this pattern match this event?  For one pair, for a list of cases
 * with what is expected of them, or for counting the matches of many rules on many events.  Asks no
 * daemon.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "io/file.h"
#include "pattern/pattern.h"

#define FILE_MAX (64U << 20)
#define SHOWN 200 /* bytes of a name or an id that are shown */

enum verdict { NOMATCH, MATCH, BAD_PATTERN, BAD_EVENT };

/* An open file that is read by lines; "-" is standard input. */
struct lines {
	const char *name;
	FILE *file;
	char *line;
	size_t size, number;
};

static void
lines_fini(struct lines *l)
{
	if (l->file != NULL && l->file != stdin)
		fclose(l->file);
	free(l->line);
}

static int
lines_open(struct lines *l, const char *name)
{
	l->name = name;
	l->file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	if (l->file != NULL)
		return 0;
	fprintf(stderr, "playbookctl: %s: %s\n", name, strerror(errno));
	return -1;
}

/* The next line that is not empty; false at the end. */
static bool
lines_next(struct lines *l, struct pb_str *ret)
{
	ssize_t n;

	while ((n = getline(&l->line, &l->size, l->file)) >= 0) {
		l->number++;
		*ret = pb_str_trim((struct pb_str){l->line, (size_t)n});
		if (ret->len > 0)
			return true;
	}
	return false;
}

/* "FILE[:LINE][ name]: [path: ]text", with a place inside the document where that is known. */
static void
say_error(const char *file, size_t line, const char *what, const struct pb_error *err)
{
	char path[SHOWN], text[sizeof(err->text)];

	fprintf(stderr, "playbookctl: %s", file);
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

/* One pattern on one event; err says why for the last two. */
static enum verdict
judge(struct pb_str pattern, struct pb_str event, struct pb_error *err)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	size_t n = 0;

	if (pb_pattern_compile(pattern, &p, err) < 0)
		return BAD_PATTERN;
	if (pb_matcher_build((const struct pb_pattern *const[]){p}, 1, &m, err) < 0)
		return BAD_PATTERN;
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	if (pb_match(m, s, event, NULL, 0, &n) < 0) {
		explain_event(event, err);
		return BAD_EVENT;
	}
	return n > 0 ? MATCH : NOMATCH;
}

static int
read_whole(const char *name, struct pb_buf *ret)
{
	struct pb_error err = {0};
	int rc = strcmp(name, "-") == 0
	    ? pb_file_read_fd(STDIN_FILENO, "standard input", FILE_MAX, ret, &err)
	    : pb_file_read(name, FILE_MAX, ret, &err);

	if (rc < 0)
		fprintf(stderr, "playbookctl: %s\n", err.text);
	return rc;
}

static enum pb_ctl_exit
test_one(const char *pattern_file, const char *event_file)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf pattern = PB_BUF_INIT, event = PB_BUF_INIT;
	struct pb_error err = {0};

	if (read_whole(pattern_file, &pattern) < 0 || read_whole(event_file, &event) < 0)
		return PB_CTL_USAGE;
	enum verdict v = judge(pb_buf_str(&pattern), pb_buf_str(&event), &err);
	if (v == BAD_PATTERN || v == BAD_EVENT) {
		say_error(v == BAD_PATTERN ? pattern_file : event_file, 0,
		    v == BAD_PATTERN ? "not a pattern" : "not an event", &err);
		return PB_CTL_USAGE;
	}
	puts(v == MATCH ? "true" : "false");
	return v == MATCH ? PB_CTL_OK : PB_CTL_REFUSED;
}

/* --- cases */

/* Cut one JSON value, or what stands for it, off the front of s. */
static struct pb_str
cut_value(struct pb_str *s)
{
	size_t i = 0, depth = 0;
	bool is_text = false;

	for (; i < s->len; i++) {
		char c = s->ptr[i];
		if (is_text) {
			i += c == '\\';
			is_text = c != '"';
		} else if (c == '"') {
			is_text = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ':')) {
			break;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	i = i < s->len ? i : s->len;
	struct pb_str ret = pb_str_trim((struct pb_str){s->ptr, i});
	s->ptr += i;
	s->len -= i;
	return ret;
}

/*
 * A member of an object as it stands in the text: what a parser makes of it, and writes again,
 * would hide duplicate keys and spellings of numbers.
 */
static struct pb_str
raw_member(struct pb_str object, const char *name)
{
	struct pb_str s = pb_str_trim(object);

	while (s.len > 1) {
		s.ptr++; /* '{' or ',' */
		s.len--;
		struct pb_str key = cut_value(&s);
		if (s.len == 0 || s.ptr[0] != ':')
			break;
		s.ptr++;
		s.len--;
		struct pb_str value = cut_value(&s);
		if (key.len == strlen(name) + 2 && memcmp(key.ptr + 1, name, key.len - 2) == 0)
			return value;
	}
	return (struct pb_str){"", 0};
}

/* A pattern or event may stand in a case as a text that holds it. */
static struct pb_str
unwrap(struct pb_str value, json_t **ret_owner)
{
	json_t *text = NULL;

	if (value.len == 0 || value.ptr[0] != '"' || pb_json_parse(value, &text, NULL) < 0)
		return value;
	*ret_owner = text;
	return (struct pb_str){json_string_value(text), json_string_length(text)};
}

struct score {
	size_t n, n_agreed;
};

/* An event that is refused matches nothing, so it agrees with "nomatch" and with "error". */
static bool
agrees(const char *expect, enum verdict v)
{
	switch (v) {
	case MATCH:
		return strcmp(expect, "match") == 0;
	case NOMATCH:
		return strcmp(expect, "nomatch") == 0;
	case BAD_PATTERN:
		return strcmp(expect, "error") == 0;
	case BAD_EVENT:
		return strcmp(expect, "error") == 0 || strcmp(expect, "nomatch") == 0;
	}
	return false;
}

static int
test_case(const struct lines *l, struct pb_str line, struct score *score)
{
	static const char *const names[] = {"nomatch", "match", "error", "error"};
	PB_JSON json_t *name = NULL, *expect = NULL, *pattern_owner = NULL, *event_owner = NULL;
	struct pb_error err = {0};
	char shown[SHOWN], why[sizeof(err.text)];

	struct pb_str pattern = unwrap(raw_member(line, "pattern"), &pattern_owner);
	struct pb_str event = unwrap(raw_member(line, "event"), &event_owner);
	struct pb_str raw_name = raw_member(line, "name");
	if (raw_name.len > 0)
		(void)pb_json_parse(raw_name, &name, &err);
	if (pb_json_parse(raw_member(line, "expect"), &expect, &err) < 0 ||
	    !json_is_string(expect) || pattern.len == 0) {
		(void)pb_fail(&err, PB_INVALID,
		    "wanted {\"name\", \"expect\": \"match\", \"nomatch\" or \"error\", "
		    "\"pattern\", "
		    "\"event\"}");
		say_error(l->name, l->number, "not a case", &err);
		return -1;
	}
	enum verdict v = judge(pattern, event, &err);
	score->n++;
	if (agrees(json_string_value(expect), v)) {
		score->n_agreed++;
		return 0;
	}
	const char *is = json_is_string(name) ? json_string_value(name) : "?";
	printf("%s: expected %.20s, is %s%s%s\n", pb_safe(shown, sizeof(shown), pb_str_of(is)),
	    json_string_value(expect), names[v], v == BAD_PATTERN || v == BAD_EVENT ? ": " : "",
	    v == BAD_PATTERN || v == BAD_EVENT ? pb_safe(why, sizeof(why), pb_str_of(err.text))
					       : "");
	return 0;
}

static enum pb_ctl_exit
test_cases(const char *file)
{
	PB_CLEANUP(lines_fini) struct lines l = {0};
	struct score score = {0};
	struct pb_str line;

	if (lines_open(&l, file) < 0)
		return PB_CTL_USAGE;
	while (lines_next(&l, &line))
		if (test_case(&l, line, &score) < 0)
			return PB_CTL_USAGE;
	if (score.n == 0) { /* a run that tried nothing must not look like one that passed */
		char shown[SHOWN];
		fprintf(stderr, "playbookctl: %s: no cases\n",
		    pb_safe(shown, sizeof(shown), pb_str_of(file)));
		return PB_CTL_USAGE;
	}
	printf("%zu cases, %zu agree, %zu disagree\n", score.n, score.n_agreed,
	    score.n - score.n_agreed);
	return score.n_agreed == score.n ? PB_CTL_OK : PB_CTL_REFUSED;
}

/* --- counting */

struct rules {
	struct pb_matcher_builder *builder;
	char **names;
	size_t n, size;
};

static void
rules_fini(struct rules *r)
{
	pb_matcher_builder_free(r->builder);
	for (size_t i = 0; i < r->n; i++)
		free(r->names[i]);
	free(r->names);
}

static int
add_rule(struct rules *r, struct pb_str line, struct pb_error *err)
{
	const char *tab = memchr(line.ptr, '\t', line.len);

	if (tab == NULL)
		return pb_fail(err, PB_INVALID, "wanted an id, a tab and a pattern");
	size_t len = (size_t)(tab - line.ptr);
	struct pb_str text = {tab + 1, line.len - len - 1};
	if (pb_matcher_builder_add_text(r->builder, text, err) < 0)
		return -1;
	if (r->n == r->size) {
		r->size = r->size == 0 ? 64 : 2 * r->size;
		r->names = pb_realloc(r->names, r->size * sizeof(*r->names));
	}
	r->names[r->n++] = pb_strndup(line.ptr, len);
	return 0;
}

static int
read_rules(const char *file, struct rules *r)
{
	PB_CLEANUP(lines_fini) struct lines l = {0};
	struct pb_error err = {0};
	struct pb_str line;

	if (lines_open(&l, file) < 0)
		return -1;
	while (lines_next(&l, &line)) {
		if (add_rule(r, line, &err) == 0)
			continue;
		say_error(file, l.number, "not a rule", &err);
		return -1;
	}
	return 0;
}

static enum pb_ctl_exit
count_matches(const char *rules_file, const char *events_file)
{
	PB_CLEANUP(rules_fini) struct rules r = {.builder = pb_matcher_builder_new()};
	PB_CLEANUP(lines_fini) struct lines l = {0};
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	struct pb_str line;

	if (read_rules(rules_file, &r) < 0 || lines_open(&l, events_file) < 0)
		return PB_CTL_USAGE;
	PB_CLEANUP(pb_matcher_freep)
	struct pb_matcher *m = pb_matcher_builder_finish(PB_TAKE(r.builder));
	PB_CLEANUP(pb_freep) uint64_t *counts = pb_calloc(r.n + 1, sizeof(*counts));
	PB_CLEANUP(pb_freep) uint32_t *ids = pb_calloc(r.n + 1, sizeof(*ids));
	while (lines_next(&l, &line)) {
		struct pb_error err = {0};
		size_t n = 0;
		if (pb_match(m, s, line, ids, r.n, &n) < 0) {
			explain_event(line, &err);
			say_error(events_file, l.number, "not an event", &err);
			return PB_CTL_USAGE;
		}
		for (size_t i = 0; i < n; i++)
			counts[ids[i]]++;
	}
	for (size_t i = 0; i < r.n; i++) {
		char shown[SHOWN];
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

enum pb_ctl_exit
pb_ctl_test_pattern(int argc, char **argv)
{
	const char *files[OPT_COUNT - OPT_PATTERN] = {NULL};
	bool is_counted = false;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt >= OPT_PATTERN && opt < OPT_COUNT) {
			files[opt - OPT_PATTERN] = optarg;
		} else if (opt == OPT_COUNT) {
			is_counted = true;
		} else {
			fputs(usage_text, opt == OPT_HELP ? stdout : stderr);
			return opt == OPT_HELP ? PB_CTL_OK : PB_CTL_USAGE;
		}
	}
	const char *pattern = files[0], *event = files[1], *cases = files[2], *rules = files[3];
	const char *events = files[4];
	size_t n = 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(files); i++)
		n += files[i] != NULL;
	if (optind == argc && n == 2 && pattern != NULL && event != NULL && !is_counted)
		return test_one(pattern, event);
	if (optind == argc && n == 1 && cases != NULL && !is_counted)
		return test_cases(cases);
	if (optind == argc && n == 2 && rules != NULL && events != NULL && is_counted)
		return count_matches(rules, events);
	fputs(usage_text, stderr);
	return PB_CTL_USAGE;
}
