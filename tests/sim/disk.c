/*
 * The model of the store (sim/disk.h) gives back what SQLite gives back: the same seed, with its faults
 * and deaths, has the same trace with both.
 */
#include <check.h>

#include "base/json.h"
#include "tests/sim/suite.h"

static void
play(uint64_t seed, bool is_plain, struct pb_scenario_run *run)
{
	size_t at[SCENARIO_DEATHS_MAX];
	*run = (struct pb_scenario_run){.seed = seed,
	    .crash_at = at,
	    .n_crash_at = scenario_random_deaths(seed, at),
	    .is_plain = is_plain};
	PB_JSON json_t *scenario = scenario_random(seed, &run->config);
	run->scenario = scenario;
	pb_scenario_run(run);
}

START_TEST(the_model_of_the_store_gives_what_sqlite_gives)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct pb_scenario_run real, model;
		play(seed, false, &real);
		play(seed, true, &model);
		ck_assert_uint_gt(real.n_crashes, 0);
		ck_assert_msg(pb_streq(real.trace.ptr, model.trace.ptr),
		    "seed %llu: SQLite gives\n%s\nthe model\n%s", (unsigned long long)seed,
		    real.trace.ptr, model.trace.ptr);
		pb_scenario_run_fini(&real);
		pb_scenario_run_fini(&model);
	}
}
END_TEST

/* What a seed gives does not depend on anything but the seed. */
START_TEST(a_seed_gives_the_same_trace_each_time)
{
	for (uint64_t seed = 41; seed <= 60; seed++) {
		struct pb_scenario_run one, two;
		play(seed, true, &one);
		play(seed, true, &two);
		ck_assert_str_eq(one.trace.ptr, two.trace.ptr);
		pb_scenario_run_fini(&one);
		pb_scenario_run_fini(&two);
	}
}
END_TEST

TCase *
disk_case(void)
{
	TCase *c = tcase_create("disk");
	tcase_set_timeout(c, 300);
	tcase_add_test(c, the_model_of_the_store_gives_what_sqlite_gives);
	tcase_add_test(c, a_seed_gives_the_same_trace_each_time);
	return c;
}
