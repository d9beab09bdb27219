/*
 * Scenarios: what happens to a world, and what must have come of it.
 *
 *	name, config (text), start, world (answers), events [{at, ...}], expect [...], until,
 *	crash: each_commit (or none), trace (the exact notes)
 */
#ifndef PB_SIM_SCENARIO_H
#define PB_SIM_SCENARIO_H

#include <jansson.h>

#include "base/text.h"

/* Play it, dying at the given points (ascending).  Returns the number of points passed. */
size_t scenario_play(json_t *scenario, uint64_t seed, const size_t *crash_at, size_t n_crash_at,
    bool with_expect, struct pb_buf *failures, bool with_trace);

#endif
