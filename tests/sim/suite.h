/*
 * What the simulation suite adds to lib/sim: its own scenario files and random months.
 */
#ifndef PB_TESTS_SIM_SUITE_H
#define PB_TESTS_SIM_SUITE_H

#include "sim/scenario.h"

/* A scenario file: YAML, read by the reader of the configuration; its `config` is the text of one,
 * or the name of a file in tests/sim.  The caller's to free; NULL with the problems printed. */
json_t *scenario_read(const char *path);
/* A random scenario of a seed, on a small and nasty configuration (random.c). */
json_t *scenario_random(uint64_t seed);

#endif
