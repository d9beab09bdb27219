/*
 * Scenario files: YAML, read by the reader of the configuration.
 *
 *	name, config (text), start, world (answers), events [{at, ...}], expect [...], until,
 *	crash: each_commit (or none), trace (the exact notes)
 */
#ifndef PB_TESTS_SIM_SCENARIO_H
#define PB_TESTS_SIM_SCENARIO_H

#include <jansson.h>

#include "base/text.h"

/* The caller's to free; NULL with the problems printed. */
json_t *scenario_read(const char *path);
/* Play it, dying at the given points (ascending).  Returns the number of points passed. */
size_t scenario_play(json_t *scenario, uint64_t seed, const size_t *crash_at, size_t n_crash_at,
    bool with_expect, struct pb_buf *failures, bool with_trace);
/* A random scenario of a seed (random.c). */
json_t *scenario_random(uint64_t seed);

#endif
