/*
 * playbookctl test-pattern: does this pattern match this event?  For one pair, for a list of cases
 * with what is expected of them, or for counting the matches of many rules on many events.  Asks no
 * daemon.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "ctl.h"
#include "daemon/ctl_lines.h"
#include "io/file.h"
#include "pattern/pattern.h"

#define FILE_MAX (64U << 20)
#define SHOWN 200 /* bytes of a name or an id that are shown */

enum verdict { NOMATCH, MATCH, BAD_PATTERN, BAD_EVENT };

/* "FILE[:LINE][ name]: [path: ]text", with a place inside the document where that is known. */
static void
say_error(const char *file, size_t line, const char *what, const struct pb_error *err)
{
	char path[SHOWN], text[sizeof(err->text)];

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

static const char *
shown_name(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

static int
read_whole(const char *name, struct pb_buf *ret)
{
	struct pb_error err = {0};
	char shown[sizeof(err.text)];
	int rc = strcmp(name, "-") == 0
	    ? pb_file_read_fd(STDIN_FILENO, "standard input", FILE_MAX, ret, &err)
	    : pb_file_read(name, FILE_MAX, ret, &err);

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
	enum verdict v = judge(pb_buf_str(&pattern), pb_buf_str(&event), &err);
	if (v == BAD_PATTERN || v == BAD_EVENT) {
		say_error(shown_name(v == BAD_PATTERN ? pattern_file : event_file), 0,
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

/* The members of a case, each as it stands in the text; ptr is NULL where it is not there. */
enum member { NAME, EXPECT, PATTERN, EVENT, MEMBER_MAX };
static const char *const member_names[MEMBER_MAX] = {"name", "expect", "pattern", "event"};

/*
 * What a parser makes of a case, and writes again, would hide duplicate keys and spellings of numbers:
 * so members are cut out of the text.  -1 when it is no object, or has one of them twice.
 */
static int
cut_case(struct pb_str s, struct pb_str ret[MEMBER_MAX])
{
	memset(ret, 0, MEMBER_MAX * sizeof(*ret));
	if (s.len < 2 || s.ptr[0] != '{')
		return -1;
	do {
		s.ptr++; /* '{' or ',' */
		s.len--;
		struct pb_str key = cut_value(&s);
		if (s.len == 0 || s.ptr[0] != ':')
			return -1;
		s.ptr++;
		s.len--;
		struct pb_str value = cut_value(&s);
		for (size_t i = 0; i < MEMBER_MAX; i++) {
			size_t len = strlen(member_names[i]);
			if (key.len != len + 2 || memcmp(key.ptr + 1, member_names[i], len) != 0)
				continue;
			if (ret[i].ptr != NULL)
				return -1;
			ret[i] = value;
		}
	} while (s.len > 0 && s.ptr[0] == ',');
	return s.len == 1 && s.ptr[0] == '}' ? 0 : -1;
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

/* A case without an event can only be of a pattern that is refused. */
static bool
is_case(const struct pb_str members[MEMBER_MAX], const json_t *expect)
{
	static const char *const known[] = {"match", "nomatch", "error"};
	bool is_known = false;

	for (size_t i = 0; i < PB_ARRAY_LEN(known); i++)
		is_known = is_known || pb_streq(json_string_value(expect), known[i]);
	return is_known && members[PATTERN].len > 0 &&
	    (members[EVENT].len > 0 || pb_streq(json_string_value(expect), "error"));
}

static int
test_case(const struct pb_ctl_lines *l, struct pb_str line, struct score *score)
{
	static const char *const names[] = {"nomatch", "match", "error", "error"};
	PB_JSON json_t *name = NULL, *expect = NULL, *pattern_owner = NULL, *event_owner = NULL;
	struct pb_error err = {0};
	struct pb_str members[MEMBER_MAX];
	char shown[SHOWN], why[sizeof(err.text)];

	if (cut_case(line, members) < 0 || pb_json_parse(members[EXPECT], &expect, &err) < 0 ||
	    !is_case(members, expect)) {
		struct pb_error wanted = {0};
		(void)pb_fail(&wanted, PB_INVALID,
		    "wanted {\"name\", \"expect\": \"match\", \"nomatch\" or \"error\", "
		    "\"pattern\", \"event\"}, each once");
		say_error(l->name, l->number, "not a case", &wanted);
		return -1;
	}
	struct pb_str pattern = unwrap(members[PATTERN], &pattern_owner);
	struct pb_str event = unwrap(members[EVENT], &event_owner);
	if (members[NAME].len > 0)
		(void)pb_json_parse(members[NAME], &name, &err);
	enum verdict v = judge(pattern, event, &err);
	score->n++;
	if (agrees(json_string_value(expect), v)) {
		score->n_agreed++;
		return 0;
	}
	const char *is = json_is_string(name) ? json_string_value(name) : "?";
	printf("%s: expected %s, is %s%s%s\n", pb_safe(shown, sizeof(shown), pb_str_of(is)),
	    json_string_value(expect), names[v], v == BAD_PATTERN || v == BAD_EVENT ? ": " : "",
	    v == BAD_PATTERN || v == BAD_EVENT ? pb_safe(why, sizeof(why), pb_str_of(err.text))
					       : "");
	return 0;
}

/* A run that tried nothing must not look like one that passed. */
static enum pb_ctl_exit
fail_empty(const struct pb_ctl_lines *l, const char *what)
{
	char shown[SHOWN];

	fprintf(stderr, "playbookctl: %s: no %s\n",
	    pb_safe(shown, sizeof(shown), pb_str_of(l->name)), what);
	return PB_CTL_USAGE;
}

static enum pb_ctl_exit
test_cases(const char *file)
{
	PB_CLEANUP(pb_ctl_lines_fini) struct pb_ctl_lines l = {0};
	struct score score = {0};
	struct pb_str line;
	int more;

	if (pb_ctl_lines_open(&l, file) < 0)
		return PB_CTL_USAGE;
	while ((more = pb_ctl_lines_next(&l, &line)) > 0)
		if (test_case(&l, line, &score) < 0)
			return PB_CTL_USAGE;
	if (more < 0)
		return PB_CTL_USAGE;
	if (score.n == 0)
		return fail_empty(&l, "cases");
	printf("%zu cases, %zu agree, %zu disagree\n", score.n, score.n_agreed,
	    score.n - score.n_agreed);
	return score.n_agreed == score.n ? PB_CTL_OK : PB_CTL_REFUSED;
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
	char shown[SHOWN];

	if (memchr(id.ptr, '\0', id.len) != NULL)
		return pb_fail(err, PB_INVALID, "its id has a NUL byte");
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
		if (add_rule(r, line, l.number, &err) == 0)
			continue;
		say_error(l.name, l.number, "not a rule", &err);
		return -1;
	}
	if (more == 0 && r->n == 0) {
		(void)fail_empty(&l, "rules");
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
			say_error(l.name, l.number, "not an event", &err);
			return -1;
		}
		for (size_t i = 0; i < n; i++)
			counts[ids[i]]++;
	}
	if (more == 0 && n_events == 0) {
		(void)fail_empty(&l, "events");
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
		if (opt >= OPT_PATTERN && opt < OPT_COUNT && files[opt - OPT_PATTERN] == NULL) {
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
	size_t n = 0, n_stdin = 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(files); i++) {
		n += files[i] != NULL;
		n_stdin += pb_streq(files[i], "-");
	}
	if (n_stdin > 1) {
		fputs("playbookctl: only one FILE may be -, standard input\n", stderr);
		return PB_CTL_USAGE;
	}
	if (optind == argc && n == 2 && pattern != NULL && event != NULL && !is_counted)
		return test_one(pattern, event);
	if (optind == argc && n == 1 && cases != NULL && !is_counted)
		return test_cases(cases);
	if (optind == argc && n == 2 && rules != NULL && events != NULL && is_counted)
		return count_matches(rules, events);
	fputs(usage_text, stderr);
	return PB_CTL_USAGE;
}
