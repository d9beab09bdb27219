/*
 * How much faster than life the simulator plays random worlds, its checks included.
 */
#include "tests/bench/bench.h"

#include "base/time.h"
#include "tests/sim/suite.h"
#include "sim/world.h"

#define SEEDS 100

void
bench_sim(void)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	double played = 0; /* ms */
	char remark[64];
	int64_t began = bench_now();
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct pb_scenario_run run = {.seed = seed};
		PB_JSON json_t *scenario = scenario_random(seed, &run.config);
		run.scenario = scenario;
		scenario_play(&run, &failures);
		played += (double)run.played_for;
	}
	double took = (double)(bench_now() - began) / 1000;
	(void)snprintf(remark, sizeof(remark), "%d random worlds, %.0f h in %.1f s", SEEDS,
	    played / (double)PB_HOUR, took / 1000);
	bench_say("simulator: times faster than life", played / took, "x", remark);
}
