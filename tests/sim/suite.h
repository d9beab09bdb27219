/*
 * What the simulation suite adds to lib/sim: its own scenario files and random months.
 */
#ifndef PB_TESTS_SIM_SUITE_H
#define PB_TESTS_SIM_SUITE_H

#include "sim/scenario.h"

/* A scenario file: YAML, read by the reader of the configuration; its `config` is the text of one,
 * or the name of a file in tests/sim.  The caller's to free; NULL with the problems printed. */
json_t *scenario_read(const char *path);
/* Where the engines of all scenarios count the cells they reach; NULL = nowhere. */
extern struct pb_cells *scenario_cells;
/* Play it, dying at the given points (ascending); failures get the trace behind them.  Returns the
 * number of points passed. */
size_t scenario_play(json_t *scenario, uint64_t seed, const size_t *crash_at, size_t n_crash_at,
    bool with_expect, struct pb_buf *failures, bool with_trace);
/* A random scenario of a seed, on a small and nasty configuration (random.c). */
json_t *scenario_random(uint64_t seed);

#endif
