/*
 * Reading and checking test files; what comes out of here makes no trouble when it is played.
 */
#include "sim/testfile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "playbook/read.h"
#include "sim/world.h"

#define EVENTS_MAX 10000

/* Of an event, of a line of `expect`, of an answer: what is not here is misspelt. */
static const char *const event_words[] = {"at", "alarm", "to", "tags", "by", "twice", "late",
    "event", "ack", "resolve", "reason", "approve", "reject", "step", "stop_remediation",
    "start_remediation", "kill", "drain", "fail_commits", "store_is_back", "garbage", "jump",
    "set_back", "set_forward", "silence", "for", "expire", "snooze", "escalate", "refused"};
static const char *const command_words[] = {"ack", "snooze", "escalate", "resolve", "approve",
    "reject", "stop_remediation", "start_remediation", "silence", "expire"};
static const char *const expect_words[] = {"at", "by", "between", "never", "at_most", "times",
    "step", "probe", "page", "notice", "incident", "inputs", "cause", "level", "to"};
static const char *const answer_words[] = {
    "output", "error", "class", "message", "after", "hangs", "unknown", "lost", "when_done"};

static void
check_words(struct pb_loader *l, const struct pb_node *n, const char *what,
    const char *const *words, size_t n_words)
{
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "%s is a mapping", what);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		size_t k = 0;
		while (k < n_words && strcmp(words[k], n->keys[i]->text) != 0)
			k++;
		if (k == n_words)
			pb_problem_add(l, n->keys[i], "%s has no key \"%s\"%s", what,
			    PB_SHOWN(n->keys[i]->text),
			    PB_SUGGEST(n->keys[i]->text, words, n_words));
	}
}

/* A span that may be absent; -1 when absent or wrong. */
static int64_t
span_at(struct pb_loader *l, const struct pb_node *n, const char *key)
{
	int64_t span = -1;
	const struct pb_node *value = pb_node_get(n, key);
	if (value != NULL && pb_read_duration(l, value, 0, 400 * PB_DAY, &span) < 0)
		return -1;
	return span;
}

static bool
is_list(struct pb_loader *l, const struct pb_node *n, const char *what)
{
	return n != NULL && pb_read_is_list(l, n, what, 0, EVENTS_MAX);
}

static void
check_alarm(struct pb_loader *l, const struct pb_node *n)
{
	static const char *const states[] = {"ALARM", "OK", "INSUFFICIENT_DATA"};
	static const char *const ways[] = {"sqs", "poll", "both"};
	size_t word;
	const struct pb_node *alarm = pb_node_get(n, "alarm"), *to = pb_node_get(n, "to");
	const struct pb_node *by = pb_node_get(n, "by");
	if (pb_read_scalar(l, alarm) == NULL)
		return;
	if (to == NULL)
		pb_problem_add(l, n, "say which state the alarm goes to: to: ALARM");
	else
		(void)pb_read_word(l, to, states, PB_ARRAY_LEN(states), &word);
	if (by != NULL)
		(void)pb_read_word(l, by, ways, PB_ARRAY_LEN(ways), &word);
}

static bool
has_any(const struct pb_node *n, const char *const *keys, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++)
		if (pb_node_get(n, keys[i]) != NULL)
			return true;
	return false;
}

static void
check_command(struct pb_loader *l, const struct pb_node *n)
{
	static const char *const answers[] = {"true", "false"};
	size_t word;
	const struct pb_node *refused = pb_node_get(n, "refused");
	(void)span_at(l, n, "for");
	if (refused != NULL && !has_any(n, command_words, PB_ARRAY_LEN(command_words)))
		pb_problem_add(l, refused, "only a command of people can be refused");
	else if (refused != NULL)
		(void)pb_read_word(l, refused, answers, PB_ARRAY_LEN(answers), &word);
}

/* Returns when the last event is. */
static int64_t
check_events(struct pb_loader *l, const struct pb_node *events)
{
	int64_t last = 0;
	for (size_t i = 0; is_list(l, events, "events") && i < events->n; i++) {
		const struct pb_node *n = events->items[i];
		check_words(l, n, "an event", event_words, PB_ARRAY_LEN(event_words));
		int64_t at = span_at(l, n, "at");
		if (pb_node_get(n, "at") == NULL)
			pb_problem_add(l, n, "an event needs the key at: how long after the start");
		else if (at >= 0 && at < last)
			pb_problem_add(l, n,
			    "this event is before the one above it; events stand "
			    "in order of time");
		last = at > last ? at : last;
		(void)span_at(l, n, "late");
		(void)span_at(l, n, "kill");
		(void)span_at(l, n, "jump");
		(void)span_at(l, n, "set_back");
		(void)span_at(l, n, "set_forward");
		check_command(l, n);
		if (pb_node_get(n, "alarm") != NULL)
			check_alarm(l, n);
	}
	return last;
}

static bool
has_kind(const struct pb_node *n)
{
	bool has = pb_node_get(n, "never") != NULL;
	for (size_t i = 0; expect_kinds[i] != NULL; i++)
		has = has || pb_node_get(n, expect_kinds[i]) != NULL;
	return has;
}

/* Returns the latest instant that an expectation names. */
static int64_t
check_expect(struct pb_loader *l, const struct pb_node *expect)
{
	static const char *const limits[] = {"at", "by", "between", "never", "at_most", "times"};
	int64_t last = 0;
	for (size_t i = 0; is_list(l, expect, "expect") && i < expect->n; i++) {
		const struct pb_node *n = expect->items[i], *span = pb_node_get(n, "between");
		check_words(l, n, "an expectation", expect_words, PB_ARRAY_LEN(expect_words));
		if (n->kind != PB_NODE_MAP)
			continue;
		if (!has_kind(n))
			pb_problem_add(
			    l, n, "name what is expected: step, page, notice or incident");
		int64_t at = span_at(l, n, "at"), by = span_at(l, n, "by"), to = -1;
		if (span != NULL && pb_read_is_list(l, span, "between", 2, 2)) {
			(void)pb_read_duration(l, span->items[0], 0, 400 * PB_DAY, &to);
			(void)pb_read_duration(l, span->items[1], 0, 400 * PB_DAY, &to);
		}
		if (!has_any(n, limits, PB_ARRAY_LEN(limits)))
			pb_problem_add(l, n,
			    "say when or how often: at, by, between, never, at_most or times");
		last = at > last ? at : last;
		last = by > last ? by : last;
		last = to > last ? to : last;
	}
	return last;
}

static void
check_answer(struct pb_loader *l, const struct pb_node *n)
{
	check_words(l, n, "an answer", answer_words, PB_ARRAY_LEN(answer_words));
	(void)span_at(l, n, "after");
	if (n->kind == PB_NODE_MAP && pb_node_get(n, "when_done") != NULL)
		check_answer(l, pb_node_get(n, "when_done"));
}

static void
check_world(struct pb_loader *l, const struct pb_node *world)
{
	if (world == NULL)
		return;
	if (world->kind != PB_NODE_MAP) {
		pb_problem_add(l, world, "world is a mapping from calls to answers");
		return;
	}
	for (size_t i = 0; i < world->n; i++) {
		const struct pb_node *n = world->items[i];
		if (n->kind != PB_NODE_LIST)
			check_answer(l, n);
		for (size_t k = 0; n->kind == PB_NODE_LIST && k < n->n; k++)
			check_answer(l, n->items[k]);
	}
}

/* --- one test */

struct reader {
	const char *path;
	struct pb_tests *tests;
	size_t first; /* of this file */
};

static const char *const test_words[] = {
    "name", "use", "start", "world", "events", "expect", "trace", "crash", "commit_takes", "until"};

static struct pb_test *
find_used(struct pb_loader *l, const struct reader *r, const struct pb_node *use)
{
	const char *name = pb_read_scalar(l, use);
	for (size_t i = r->first; name != NULL && i < r->tests->n; i++)
		if (strcmp(r->tests->tests[i].name, name) == 0)
			return &r->tests->tests[i];
	if (name != NULL)
		pb_problem_add(l, use, "no test above this one is called \"%s\"", PB_SHOWN(name));
	return NULL;
}

static void
check_start_date(struct pb_loader *l, const struct pb_node *n)
{
	struct pb_error err;
	int64_t at;
	const char *text = n == NULL ? NULL : pb_read_scalar(l, n);
	if (text != NULL && pb_time_parse(pb_str_of(text), &at, &err) < 0)
		pb_problem_add(l, n, "%s; write it as 2026-03-29T00:58:00Z", err.text);
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

/* Where each event stands, for what is said of it when it was played. */
static void
add_places(const struct reader *r, const struct pb_node *events, json_t *given)
{
	size_t i;
	json_t *event;
	json_array_foreach (json_object_get(given, "events"), i, event) {
		PB_CLEANUP(pb_freep)
		char *where = pb_asprintf("%s:%d", r->path, events->items[i]->line);
		pb_json_set_str(event, "where", where);
	}
}

/* The longer of what was said and what the test that is used runs for. */
static void
set_until(json_t *scenario, const json_t *given, int64_t last)
{
	char text[48];
	if (pb_json_get(given, "until") != NULL)
		return;
	const json_t *before = pb_json_get(scenario, "until");
	int64_t used = before == NULL ? 0 : span_of(before);
	int64_t until = last + PB_HOUR > used ? last + PB_HOUR : used;
	(void)snprintf(text, sizeof(text), "%llds", (long long)(until / PB_SECOND));
	pb_json_set_str(scenario, "until", text);
}

static void
read_test(struct pb_loader *l, const struct pb_node *n, struct reader *r)
{
	static const char *const crashes[] = {"each_commit"};
	size_t word, problems = l->n_problems;
	check_words(l, n, "a test", test_words, PB_ARRAY_LEN(test_words));
	if (n->kind != PB_NODE_MAP)
		return;
	const struct pb_node *use = pb_node_get(n, "use"), *crash = pb_node_get(n, "crash");
	const struct pb_node *name = pb_node_get(n, "name");
	if (name == NULL)
		pb_problem_add(l, n, "a test needs the key name");
	const struct pb_test *used = use == NULL ? NULL : find_used(l, r, use);
	check_start_date(l, pb_node_get(n, "start"));
	check_world(l, pb_node_get(n, "world"));
	int64_t last = check_events(l, pb_node_get(n, "events"));
	int64_t expected = check_expect(l, pb_node_get(n, "expect"));
	(void)span_at(l, n, "until");
	(void)span_at(l, n, "commit_takes");
	if (crash != NULL)
		(void)pb_read_word(l, crash, crashes, PB_ARRAY_LEN(crashes), &word);
	if (pb_node_get(n, "expect") == NULL && pb_node_get(n, "trace") == NULL && used == NULL)
		pb_problem_add(l, n, "this test expects nothing: it needs the key expect");
	json_t *given = pb_read_json(l, (struct pb_node *)(uintptr_t)n);
	if (given == NULL || name == NULL || l->n_problems > problems) {
		json_decref(given);
		return;
	}
	add_places(r, pb_node_get(n, "events"), given);
	json_t *scenario = merge(used, json_incref(given));
	set_until(scenario, given, last > expected ? last : expected);
	json_decref(given);
	struct pb_tests *t = r->tests;
	t->tests = pb_realloc(t->tests, (t->n + 1) * sizeof(*t->tests));
	t->tests[t->n++] = (struct pb_test){
	    .name = pb_strdup(pb_json_str_or(scenario, "name", "?")),
	    .file = pb_strdup(r->path),
	    .line = n->line,
	    .is_crashed = pb_node_get(n, "crash") != NULL,
	    .scenario = scenario,
	};
}

static void
read_tests(struct pb_loader *l, const struct pb_node *root, struct reader *r)
{
	static const char *const words[] = {"version", "tests"};
	check_words(l, root, "a test file", words, PB_ARRAY_LEN(words));
	const struct pb_node *version = pb_node_get(root, "version");
	const struct pb_node *tests = pb_node_get(root, "tests");
	if (version == NULL || !pb_streq(version->text, "1"))
		pb_problem_add(l, root, "a test file begins with version: 1");
	if (tests == NULL)
		pb_problem_add(l, root, "a test file has a list called tests");
	if (tests != NULL && pb_read_is_list(l, tests, "tests", 1, PB_TESTFILE_TESTS_MAX))
		for (size_t i = 0; i < tests->n; i++)
			read_test(l, tests->items[i], r);
}

static void
test_fini(struct pb_test *t)
{
	free(t->name);
	free(t->file);
	json_decref(t->scenario);
}

void
pb_tests_fini(struct pb_tests *t)
{
	for (size_t i = 0; i < t->n; i++)
		test_fini(&t->tests[i]);
	free(t->tests);
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
	struct pb_node *root = pb_yaml_read(&l, text);
	if (root != NULL)
		read_tests(&l, root, &r);
	pb_node_free(root);
	pb_problems_finish(&l, problems);
	if (problems->n == 0)
		return 0;
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
pb_test_play(const struct pb_test *t, struct pb_config *config, struct pb_test_result *ret)
{
	*ret = (struct pb_test_result){.is_passed = true, .n_runs = 1};
	struct pb_scenario_run clean = {.scenario = t->scenario,
	    .config = config,
	    .seed = 1,
	    .with_expect = true,
	    .with_replies = true /* a crash may well be why a command is refused: not below */};
	pb_scenario_run(&clean);
	if (clean.failures.len > 0)
		report(ret, &clean, NULL);
	size_t points = t->is_crashed ? clean.points : 0;
	for (size_t at = 1; at <= points && ret->is_passed; at++) {
		struct pb_scenario_run run = {.scenario = t->scenario,
		    .config = config,
		    .seed = 1,
		    .with_expect = true,
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
