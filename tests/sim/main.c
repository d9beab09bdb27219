/*
 * The simulation suite: every scenario as written, every scenario that asks for it with a crash at each
 * point, and random months from seeds.
 *
 *	sim				all of it, as Check tests
 *	sim FILE...			these scenarios, with their traces
 *	sim --seed N [--point K]	one random scenario, dying where the seed says or at point K,
 *					with its trace
 *	sim --prove ...			very many of them (prove.c)
 *	PB_SIM_SEEDS=N			how many seeds the suite plays (default 300)
 *	PB_SIM_SCENARIO=NAME		only these scenarios, and no random months; may have * and ?
 *
 * The suite ends with how many cells of the engine's tables the scenarios and the spoilt records reached,
 * each from the file alone and not by chance.  One that can be reached and was not fails the whole suite:
 * write the scenario, or make the cell `never` where no input can come to it.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/json.h"
#include "base/rand.h"
#include "playbook/zone.h"
#include "tests/sim/suite.h"

#define SCENARIOS_MIN 25

static glob_t files;

START_TEST(a_scenario_goes_as_it_says)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	PB_JSON json_t *scenario = scenario_read(files.gl_pathv[_i]);
	ck_assert_msg(scenario != NULL, "%s cannot be read", files.gl_pathv[_i]);
	struct pb_scenario_run run = {.scenario = scenario, .seed = 1, .with_expect = true};
	scenario_play(&run, &failures);
	ck_assert_msg(failures.len == 0, "%s:\n%.7000s", files.gl_pathv[_i], failures.ptr);
}
END_TEST

/*
 * The promises hold whichever point the process dies at.  What the scenario expects holds too where it
 * says so (`crash: each_commit`); elsewhere a crash may rightly change how it goes.
 */
START_TEST(a_scenario_survives_a_crash_at_each_point)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	PB_JSON json_t *scenario = scenario_read(files.gl_pathv[_i]);
	ck_assert_msg(scenario != NULL, "%s cannot be read", files.gl_pathv[_i]);
	struct pb_scenario_run whole = {.scenario = scenario, .seed = 1};
	scenario_play(&whole, &failures);
	ck_assert_msg(whole.points > 0, "%s: nothing happened", files.gl_pathv[_i]);
	for (size_t at = 1; at <= whole.points; at++) {
		struct pb_scenario_run run = {.scenario = scenario,
		    .seed = 1,
		    .is_plain = true,
		    .crash_at = &at,
		    .n_crash_at = 1,
		    .with_expect = pb_streq(pb_json_str(scenario, "crash"), "each_commit")};
		scenario_play(&run, &failures);
		/* Check cannot say more than 8 KiB. */
		ck_assert_msg(failures.len == 0, "%s, crash at point %zu of %zu:\n%.3500s",
		    files.gl_pathv[_i], at, whole.points, failures.ptr);
	}
}
END_TEST

/* The events with the wall clock set after each of them, in turn so far back and forward. */
static json_t *
with_clock_set(const json_t *events)
{
	static const char *const ways[][2] = {
	    {"set_back", "37m"}, {"set_back", "3h"}, {"set_forward", "2h"}, {"set_back", "400d"}};
	json_t *all = json_array();
	size_t i;
	json_t *event;
	json_array_foreach (events, i, event) {
		const char *const *way = ways[i % PB_ARRAY_LEN(ways)];
		json_array_append(all, event);
		json_array_append_new(all,
		    json_pack("{s:O, s:s}", "at", json_object_get(event, "at"), way[0], way[1]));
	}
	return all;
}

/* Texts tell what the clock on the wall shows, which is another here; that they come is what counts. */
static void
leave_texts_out(const json_t *expect)
{
	size_t i;
	json_t *line;
	json_array_foreach (expect, i, line) {
		/* That none has a text, or so many, holds with the clock set too. */
		if (json_object_get(line, "times") != NULL ||
		    json_object_get(line, "never") != NULL ||
		    json_object_get(line, "at_most") != NULL)
			continue;
		(void)json_object_del(json_object_get(line, "inputs"), "Message");
		(void)json_object_del(json_object_get(line, "page"), "text");
		(void)json_object_del(json_object_get(line, "notice"), "text");
	}
}

static bool
has_event(const json_t *scenario, const char *key)
{
	size_t i;
	const json_t *event;
	json_array_foreach (json_object_get(scenario, "events"), i, event)
		if (json_object_get(event, key) != NULL)
			return true;
	return false;
}

/*
 * Whatever waits, it waits as long whichever way the wall clock is set meanwhile: what the scenario
 * expects comes at the same times.  Not where a calendar or a time of AWS's decides, nor where the process
 * is down, which only the wall clock measures: those have scenarios of their own (clock-*.yaml).
 */
START_TEST(a_wall_clock_that_is_set_moves_no_deadline)
{
	static const char *const own[] = {"/clock-", "/schedule", "maintenance", "/mute"};
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	for (size_t i = 0; i < PB_ARRAY_LEN(own); i++)
		if (strstr(files.gl_pathv[_i], own[i]) != NULL)
			return;
	PB_JSON json_t *scenario = scenario_read(files.gl_pathv[_i]);
	ck_assert_msg(scenario != NULL, "%s cannot be read", files.gl_pathv[_i]);
	if (has_event(scenario, "kill") || has_event(scenario, "late"))
		return;
	json_object_del(scenario, "trace");
	leave_texts_out(json_object_get(scenario, "expect"));
	json_object_set_new(
	    scenario, "events", with_clock_set(json_object_get(scenario, "events")));
	struct pb_scenario_run run = {
	    .scenario = scenario, .seed = 1, .is_plain = true, .with_expect = true};
	scenario_play(&run, &failures);
	ck_assert_msg(failures.len == 0, "%s:\n%.7000s", files.gl_pathv[_i], failures.ptr);
}
END_TEST

#define CHUNKS 20

static size_t
n_seeds(void)
{
	const char *n = getenv("PB_SIM_SEEDS");
	return n == NULL ? 300 : (size_t)strtoul(n, NULL, 10);
}

/* Dying at `point`, 0 = where the seed says. */
static void
play_seed(uint64_t seed, size_t point, struct pb_buf *failures)
{
	size_t at[SCENARIO_DEATHS_MAX] = {point};
	struct pb_scenario_run run = {.seed = seed,
	    .crash_at = at,
	    .n_crash_at = point > 0 ? 1 : scenario_random_deaths(seed, at)};
	PB_JSON json_t *scenario = scenario_random(seed, &run.config);
	run.scenario = scenario;
	scenario_play(&run, failures);
}

START_TEST(a_random_world_breaks_no_promise)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	scenario_cells = NULL; /* what chance reaches today it may not reach tomorrow */
	for (size_t seed = (size_t)_i + 1; seed <= n_seeds(); seed += CHUNKS) {
		play_seed(seed, 0, &failures);
		ck_assert_msg(failures.len == 0, "sim --seed %zu:\n%.7000s", seed, failures.ptr);
	}
}
END_TEST

static int
play_by_hand(int argc, char **argv)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	bool is_seed = strcmp(argv[1], "--seed") == 0 && argc >= 3;
	if (is_seed) {
		bool has_point = argc == 5 && strcmp(argv[3], "--point") == 0;
		play_seed(strtoull(argv[2], NULL, 10),
		    has_point ? (size_t)strtoull(argv[4], NULL, 10) : 0, &failures);
	} else {
		for (int i = 1; i < argc; i++) {
			PB_JSON json_t *scenario = scenario_read(argv[i]);
			if (scenario == NULL)
				return EXIT_FAILURE;
			pb_buf_addf(&failures, "%s\n", argv[i]); /* so that the trace is shown */
			struct pb_scenario_run run = {
			    .scenario = scenario, .seed = 1, .with_expect = true};
			scenario_play(&run, &failures);
		}
	}
	(void)printf("%s", failures.ptr == NULL ? "ok\n" : failures.ptr);
	return is_seed && failures.len > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Into `files`; false, with a message, when there are too few. */
static bool
find_scenarios(const char *only)
{
	PB_CLEANUP(pb_freep)
	char *pattern = pb_asprintf("tests/sim/scenarios/%s.yaml", only == NULL ? "*" : only);
	size_t least = only == NULL ? SCENARIOS_MIN : 1;
	if (glob(pattern, 0, NULL, &files) == 0 && files.gl_pathc >= least)
		return true;
	(void)printf("fewer than %zu scenarios: %s\n", least, pattern);
	return false;
}

static void
add(Suite *s, const char *name, const TTest *test, int end)
{
	TCase *c = tcase_create(name);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, test, 0, end);
	suite_add_tcase(s, c);
}

/* Has every cell been reached?  Asked of the whole suite only. */
static bool
report_cells(bool is_whole)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf report = PB_BUF_INIT;
	size_t n_missing = pb_cells_report(scenario_cells, &report);
	(void)printf("%s", report.ptr);
	if (!is_whole || n_missing == 0)
		return true;
	(void)printf("%zu cell%s never reached\n", n_missing, n_missing == 1 ? " is" : "s are");
	return false;
}

int
main(int argc, char **argv)
{
	pb_zone_use(scenario_zone);
	if (argc > 1 && strcmp(argv[1], "--prove") == 0)
		return prove(argc, argv);
	if (argc > 1)
		return play_by_hand(argc, argv);
	const char *only = getenv("PB_SIM_SCENARIO");
	if (!find_scenarios(only))
		return EXIT_FAILURE;
	/* Check's tests are processes of their own. */
	scenario_cells = mmap(NULL, sizeof(*scenario_cells), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (scenario_cells == MAP_FAILED)
		return EXIT_FAILURE;
	Suite *s = suite_create("sim");
	int n = (int)files.gl_pathc;
	add(s, "a_scenario_goes_as_it_says", a_scenario_goes_as_it_says, n);
	add(s, "a_scenario_survives_a_crash_at_each_point",
	    a_scenario_survives_a_crash_at_each_point, n);
	add(s, "a_wall_clock_that_is_set_moves_no_deadline",
	    a_wall_clock_that_is_set_moves_no_deadline, n);
	if (only == NULL) {
		add(s, "a_random_world_breaks_no_promise", a_random_world_breaks_no_promise,
		    CHUNKS);
		suite_add_tcase(s, disk_case());
		suite_add_tcase(s, spoilt_case());
	}
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&files);
	bool is_whole =
	    only == NULL && getenv("CK_RUN_CASE") == NULL && getenv("CK_RUN_SUITE") == NULL;
	return report_cells(is_whole) && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
