/*
 * Scenarios: what happens to a world, and what must have come of it.
 *
 *	name, config (text), start, world (answers), events [{at, ...}], expect [...], until (default:
 *	an hour), still_from (it may end before that, from then on: as soon as nothing is open or under
 *	way and nothing more is due), crash: each_commit (or none), trace (the exact notes)
 */
#ifndef PB_SIM_SCENARIO_H
#define PB_SIM_SCENARIO_H

#include <jansson.h>

#include "base/text.h"
#include "engine/cells.h"
#include "playbook/config.h"

/* What a `config` event stands for; in a scenario without any it has the text itself. */
struct pb_scenario_config {
	char *path;
	struct pb_config *config;
};

/* All of them; bits 1 << 1 for P1 and so on. */
#define PB_SCENARIO_PROMISES 0x7eU

struct pb_scenario_run {
	json_t *scenario; /* borrowed */
	struct pb_config *config; /* borrowed; NULL = the text in the scenario */
	uint64_t seed;
	const size_t *crash_at; /* points to die at, ascending */
	size_t n_crash_at;
	const struct pb_scenario_config *configs; /* borrowed */
	size_t n_configs;
	bool with_expect;
	/* Fails when a command is refused whose event does not say `refused`.  What a crash cut off
	 * before it was durable is asked again, as people do. */
	bool with_replies;
	bool is_quiet; /* keeps no trace */
	bool with_ids; /* the trace says at the end of each line which incident it is about */
	bool is_plain; /* a model of the store in place of SQLite: much faster */
	struct pb_cells *cells; /* counted in; NULL = nowhere */
	unsigned promises; /* that are judged, bits as above; 0 = all */
	size_t n_events; /* play only so many of the events; 0 = all */
	/* Asked at each point, from 1, so long after the start; true = die here.  NULL = at crash_at only. */
	bool (*dies_at)(void *arg, size_t point, int64_t played_for);
	void *arg;

	/* What came of it; pb_scenario_run_fini frees it. */
	size_t points; /* places passed where the process could have died */
	size_t n_seen; /* what was started or changed */
	size_t n_crashes;
	int64_t played_for; /* of virtual time */
	struct pb_buf failures; /* lines; empty = all as promised and expected */
	struct pb_buf trace; /* with marks where something was expected */
};

void pb_scenario_run(struct pb_scenario_run *run);
void pb_scenario_run_fini(struct pb_scenario_run *run);

#endif
