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
		PB_JSON json_t *scenario = scenario_random(seed);
		const json_t *until = pb_json_get(scenario, "until");
		(void)scenario_play(scenario, seed, NULL, 0, false, &failures, false);
		played += (double)(until == NULL ? PB_HOUR : span_of(until));
	}
	double took = (double)(bench_now() - began) / 1000;
	(void)snprintf(remark, sizeof(remark), "%d random worlds, %.0f h in %.1f s", SEEDS,
	    played / (double)PB_HOUR, took / 1000);
	bench_say("simulator: times faster than life", played / took, "x", remark);
}
