/*
 * Reading and checking test files; what comes out of here makes no trouble when it is played.
 */
#include "sim/testfile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "playbook/zone.h"
#include "sim/testread.h"
#include "sim/world.h"

/* --- one test */

#define SUGGESTED_MAX 200

struct reader {
	const char *path;
	struct pb_tests *tests;
	size_t first; /* of this file */
};

static const char *const crashes[] = {"each_commit", NULL};

static const struct testread_key test_keys[] = {
    {"name", TESTREAD_TEXT, NULL},
    {"use", TESTREAD_TEXT, NULL},
    {"start", TESTREAD_TEXT, NULL},
    {"tz", TESTREAD_ANY, NULL},
    {"world", TESTREAD_ANY, NULL},
    {"events", TESTREAD_ANY, NULL},
    {"expect", TESTREAD_ANY, NULL},
    {"trace", TESTREAD_TEXT, NULL},
    {"crash", TESTREAD_WORD, crashes},
    {"commit_takes", TESTREAD_SPAN, NULL},
    {"until", TESTREAD_SPAN, NULL},
};
const struct testread_table testread_test_table = {test_keys, PB_ARRAY_LEN(test_keys)};

static const struct pb_test *
find_test(const struct reader *r, const char *name)
{
	for (size_t i = r->first; i < r->tests->n; i++)
		if (strcmp(r->tests->tests[i].name, name) == 0)
			return &r->tests->tests[i];
	return NULL;
}

static const struct pb_test *
find_used(struct pb_loader *l, const struct reader *r, const struct pb_node *use)
{
	const char *words[SUGGESTED_MAX];
	size_t n = 0;
	const struct pb_test *used = use->kind == PB_NODE_SCALAR ? find_test(r, use->text) : NULL;
	for (size_t i = r->first; i < r->tests->n && n < SUGGESTED_MAX; i++)
		words[n++] = r->tests->tests[i].name;
	if (used == NULL && use->kind == PB_NODE_SCALAR)
		pb_problem_add(l, use, "no test above this one is called \"%s\"%s",
		    PB_SHOWN(use->text), PB_SUGGEST(use->text, words, n));
	return used;
}

static void
check_name(struct pb_loader *l, const struct reader *r, const struct pb_node *test)
{
	const struct pb_node *name = pb_node_get(test, "name");
	if (name == NULL) {
		pb_problem_add(l, test, "a test needs the key name");
		return;
	}
	const char *text = pb_read_scalar(l, name);
	const struct pb_test *other = text == NULL ? NULL : find_test(r, text);
	if (other != NULL)
		pb_problem_add(l, name, "the test in line %d is called \"%s\" too", other->line,
		    PB_SHOWN(text));
}

/* A wall time of a zone; NULL with a problem.  The caller's. */
static char *
read_wall_start(struct pb_loader *l, const struct pb_node *start, const struct pb_node *tz)
{
	PB_CLEANUP(pb_freep) char *name = NULL;
	PB_CLEANUP(pb_freep) char *base64 = NULL;
	PB_CLEANUP(pb_zone_freep) struct pb_zone *zone = NULL;
	struct pb_error err;
	char text[PB_TIME_TEXT];
	int64_t wall;
	if (start == NULL) {
		pb_problem_add(l, tz,
		    "tz says which wall the time of start is read from; give start, as "
		    "\"2026-03-29 00:58\"");
		return NULL;
	}
	if (start->kind == PB_NODE_SCALAR &&
	    pb_time_parse(pb_str_of(start->text), &wall, &err) == 0) {
		pb_problem_add(l, start,
		    "%s needs no tz; leave that out, or write a wall time, as "
		    "\"2026-03-29 00:58\"",
		    PB_SHOWN(start->text));
		return NULL;
	}
	pb_read_tz(l, tz, &name, &zone, &base64);
	if (pb_read_wall(l, start, &wall) < 0 || zone == NULL)
		return NULL;
	(void)pb_time_rfc3339(text, pb_zone_first(zone, wall));
	return pb_strdup(text);
}

/* As RFC 3339; NULL when it is not said, or with a problem.  The caller's. */
static char *
read_start(struct pb_loader *l, const struct pb_node *test)
{
	struct pb_error err;
	int64_t at;
	const struct pb_node *start = pb_node_get(test, "start"), *tz = pb_node_get(test, "tz");
	if (tz != NULL)
		return read_wall_start(l, start, tz);
	if (start == NULL || start->kind != PB_NODE_SCALAR)
		return NULL;
	if (pb_time_parse(pb_str_of(start->text), &at, &err) == 0)
		return pb_strdup(start->text);
	pb_problem_add(l, start,
	    "%s; write it as 2026-03-29T00:58:00Z, or as \"2026-03-29 00:58\" with tz beside it",
	    err.text);
	return NULL;
}

/* `given` over what the used test has; answers call by call. */
static json_t *
merge(const struct pb_test *used, json_t *given)
{
	if (used == NULL)
		return given;
	json_t *all = json_deep_copy(used->scenario);
	json_t *world = json_incref(json_object_get(all, "world"));
	json_object_del(all, "crash");
	json_object_update(all, given);
	if (world != NULL) {
		json_object_update(world, json_object_get(given, "world"));
		json_object_set(all, "world", world);
	}
	json_decref(world);
	json_decref(given);
	return all;
}

/* Where each event or expectation stands, for what is said of it when it was played. */
static void
add_places(const struct reader *r, const struct pb_node *list, json_t *given)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		PB_CLEANUP(pb_freep)
		char *where =
		    pb_asprintf("%s:%d:%d", r->path, list->items[i]->line, list->items[i]->column);
		pb_json_set_str(json_array_get(given, i), "where", where);
	}
}

static void
set_span(json_t *scenario, const char *key, int64_t span)
{
	char text[48];
	(void)snprintf(
	    text, sizeof(text), "%llds", (long long)((span + PB_SECOND - 1) / PB_SECOND));
	pb_json_set_str(scenario, key, text);
}

static int64_t
span_or(const json_t *scenario, const char *key, int64_t fallback)
{
	const json_t *span = pb_json_get(scenario, key);
	return span == NULL ? fallback : span_of(span);
}

/* Where it does not say so itself: not before `last`, nor before the end of the test that is used. */
static void
set_end(json_t *scenario, const json_t *given, int64_t last)
{
	int64_t until = span_or(scenario, "until", 0);
	int64_t from = span_or(scenario, "still_from", until);
	if (pb_json_get(given, "until") != NULL) {
		json_object_del(scenario, "still_from");
		return;
	}
	set_span(scenario, "until", last + PB_HOUR > until ? last + PB_HOUR : until);
	set_span(scenario, "still_from", last > from ? last : from);
}

/* A configuration that an event names stands beside the test file. */
static void
set_paths(const struct reader *r, json_t *events)
{
	size_t i;
	json_t *event;
	const char *slash = strrchr(r->path, '/');
	int dir_len = slash == NULL ? 0 : (int)(slash - r->path) + 1;
	json_array_foreach (events, i, event) {
		const char *name = pb_json_str(event, "config");
		if (name == NULL || name[0] == '/')
			continue;
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%.*s%s", dir_len, r->path, name);
		pb_json_set_str(event, "config", path);
	}
}

static void
add_configs(struct pb_test *t)
{
	size_t i;
	json_t *event;
	json_array_foreach (json_object_get(t->scenario, "events"), i, event) {
		const char *path = pb_json_str(event, "config");
		size_t k = 0;
		while (path != NULL && k < t->n_configs && strcmp(t->configs[k].path, path) != 0)
			k++;
		if (path == NULL || k < t->n_configs)
			continue;
		t->configs = pb_realloc(t->configs, (t->n_configs + 1) * sizeof(*t->configs));
		t->configs[t->n_configs++] = (struct pb_scenario_config){.path = pb_strdup(path)};
	}
}

static void
add_test(struct reader *r, const struct pb_node *n, json_t *scenario)
{
	struct pb_tests *t = r->tests;
	t->tests = pb_realloc(t->tests, (t->n + 1) * sizeof(*t->tests));
	t->tests[t->n] = (struct pb_test){
	    .name = pb_strdup(pb_node_get(n, "name")->text),
	    .file = pb_strdup(r->path),
	    .line = n->line,
	    .is_crashed = pb_node_get(n, "crash") != NULL,
	    .node = n,
	    .scenario = scenario,
	};
	add_configs(&t->tests[t->n++]);
}

static void
read_test(struct pb_loader *l, const struct pb_node *n, struct reader *r)
{
	size_t problems = l->n_problems;
	(void)TESTREAD_MAP(l, n, "a test", test_keys);
	if (n->kind != PB_NODE_MAP)
		return;
	const struct pb_node *use = pb_node_get(n, "use"), *events = pb_node_get(n, "events");
	const struct pb_node *expect = pb_node_get(n, "expect");
	check_name(l, r, n);
	const struct pb_test *used = use == NULL ? NULL : find_used(l, r, use);
	PB_CLEANUP(pb_freep) char *start = read_start(l, n);
	testread_world(l, pb_node_get(n, "world"));
	int64_t last = testread_events(l, events);
	int64_t expected = testread_expect(l, expect);
	if ((expect == NULL || expect->n == 0) && pb_node_get(n, "trace") == NULL && use == NULL)
		pb_problem_add(l, expect == NULL ? n : expect,
		    "this test expects nothing: it needs the key expect with a line in it");
	PB_JSON json_t *given = l->n_problems > problems ? NULL : pb_read_json(l, n);
	if (given == NULL)
		return;
	testread_finish_events(events, json_object_get(given, "events"));
	set_paths(r, json_object_get(given, "events"));
	add_places(r, events, json_object_get(given, "events"));
	add_places(r, expect, json_object_get(given, "expect"));
	if (start != NULL)
		pb_json_set_str(given, "start", start);
	json_t *scenario = merge(used, json_incref(given));
	set_end(scenario, given, last > expected ? last : expected);
	add_test(r, n, scenario);
}

static void
read_tests(struct pb_loader *l, const struct pb_node *root, struct reader *r)
{
	static const struct testread_key keys[] = {
	    {"version", TESTREAD_ANY, NULL}, {"tests", TESTREAD_ANY, NULL}};
	if (!TESTREAD_MAP(l, root, "a test file", keys))
		return;
	const struct pb_node *version = pb_node_get(root, "version");
	const struct pb_node *tests = pb_node_get(root, "tests");
	if (version == NULL || !pb_streq(version->text, "1"))
		pb_problem_add(
		    l, version == NULL ? root : version, "a test file begins with version: 1");
	if (tests == NULL)
		pb_problem_add(l, root, "a test file has a list called tests");
	if (tests != NULL && pb_read_is_list(l, tests, "tests", 1, PB_TESTFILE_TESTS_MAX))
		for (size_t i = 0; i < tests->n; i++)
			read_test(l, tests->items[i], r);
}

static void
test_fini(struct pb_test *t)
{
	for (size_t i = 0; i < t->n_configs; i++) {
		free(t->configs[i].path);
		pb_config_unref(t->configs[i].config);
	}
	free(t->configs);
	free(t->name);
	free(t->file);
	json_decref(t->scenario);
}

void
pb_tests_fini(struct pb_tests *t)
{
	for (size_t i = 0; i < t->n; i++)
		test_fini(&t->tests[i]);
	for (size_t i = 0; i < t->n_roots; i++)
		pb_node_free(t->roots[i]);
	free(t->tests);
	free(t->roots);
	*t = (struct pb_tests){0};
}

int
pb_tests_read(
    const char *path, struct pb_str text, struct pb_tests *ret, struct pb_problems *problems)
{
	PB_CLEANUP(pb_freep) char *name = pb_strdup(path);
	PB_CLEANUP(pb_freep) char *copy = pb_strndup(text.ptr == NULL ? "" : text.ptr, text.len);
	const struct pb_config_file file = {.name = name, .text = copy, .len = text.len};
	struct pb_loader l = {.files = &file, .n_files = 1};
	struct reader r = {.path = path, .tests = ret, .first = ret->n};
	PB_CLEANUP(pb_node_freep) struct pb_node *root = pb_yaml_read(&l, text);
	if (root != NULL &&
	    l.n_problems == 0) /* of a key given twice one could read the one or the other */
		read_tests(&l, root, &r);
	pb_problems_finish(&l, problems);
	if (problems->n == 0) {
		ret->roots = pb_realloc(ret->roots, (ret->n_roots + 1) * sizeof(struct pb_node *));
		ret->roots[ret->n_roots++] = PB_TAKE(root);
		return 0;
	}
	while (ret->n > r.first)
		test_fini(&ret->tests[--ret->n]);
	return -1;
}

/* --- playing */

/* In front of the first line that differs from how it goes without a crash. */
static void
add_difference(struct pb_buf *b, const char *want, const char *got)
{
	size_t same = 0;
	while (want[same] != '\0' && want[same] == got[same])
		same++;
	while (same > 0 && got[same - 1] != '\n')
		same--;
	(void)pb_buf_addf(b,
	    "%.*s>>>>>>>> from here on it differs from the run without a crash\n%s", (int)same, got,
	    got + same);
}

static void
report(struct pb_test_result *ret, const struct pb_scenario_run *run, const char *clean)
{
	const char *trace = run->trace.ptr == NULL ? "" : run->trace.ptr;
	ret->is_passed = false;
	if (run->n_crash_at > 0)
		(void)pb_buf_addf(&ret->report, "with a crash at point %zu:\n", run->crash_at[0]);
	(void)pb_buf_adds(&ret->report, run->failures.ptr);
	if (clean != NULL)
		add_difference(&ret->report, clean, trace);
	else
		(void)pb_buf_adds(&ret->report, trace);
}

void
pb_test_play(const struct pb_test *t, struct pb_config *config, pb_test_played *played, void *arg,
    struct pb_test_result *ret)
{
	*ret = (struct pb_test_result){.is_passed = true, .n_runs = 1};
	struct pb_scenario_run clean = {.scenario = t->scenario,
	    .config = config,
	    .seed = 1,
	    .configs = t->configs,
	    .n_configs = t->n_configs,
	    .with_expect = true,
	    .with_replies = true};
	pb_scenario_run(&clean);
	if (clean.failures.len > 0)
		report(ret, &clean, NULL);
	size_t points = t->is_crashed ? clean.points : 0;
	for (size_t at = 1; at <= points && ret->is_passed; at++) {
		if (played != NULL)
			played(arg, at, points + 1);
		struct pb_scenario_run run = {.scenario = t->scenario,
		    .config = config,
		    .seed = 1,
		    .configs = t->configs,
		    .n_configs = t->n_configs,
		    .with_expect = true,
		    .with_replies = true,
		    .crash_at = &at,
		    .n_crash_at = 1};
		pb_scenario_run(&run);
		ret->n_runs++;
		if (run.failures.len > 0)
			report(ret, &run, clean.trace.ptr == NULL ? "" : clean.trace.ptr);
		pb_scenario_run_fini(&run);
	}
	pb_scenario_run_fini(&clean);
}
