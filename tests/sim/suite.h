/*
 * What the simulation suite adds to lib/sim: its own scenario files and random months.
 */
#ifndef PB_TESTS_SIM_SUITE_H
#define PB_TESTS_SIM_SUITE_H

#include <check.h>

#include "sim/scenario.h"

/* A scenario file: YAML, read by the reader of the configuration; its `config` is the text of one,
 * or the name of a file in tests/sim.  The caller's to free; NULL with the problems printed. */
json_t *scenario_read(const char *path);
/* A pb_zone_reader (playbook/zone.h) for them. */
int scenario_zone(const char *name, struct pb_buf *ret, struct pb_error *err);
/* Where the engines of all scenarios count the cells they reach; NULL = nowhere. */
extern struct pb_cells *scenario_cells;
/* Play it; what fails is added with the trace behind it. */
void scenario_play(struct pb_scenario_run *run, struct pb_buf *failures);
/* A random scenario of a seed, on a small and nasty configuration (random.c), which is borrowed. */
json_t *scenario_random(uint64_t seed, struct pb_config **ret_config);
/* Where a random world dies: one to four points, ascending, some of them in one turn. */
#define SCENARIO_DEATHS_MAX 4
size_t scenario_random_deaths(uint64_t seed, size_t at[SCENARIO_DEATHS_MAX]);

/* disk.c: that the model of the store is one, and that a seed is played again exactly. */
TCase *disk_case(void);

/* spoilt.c: records that contradict each other. */
TCase *spoilt_case(void);

/* prove.c: very many of them, on all cores; returns the exit status. */
int prove(int argc, char **argv);

#endif
