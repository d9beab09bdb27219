/*
 * Random months on somebody's own configuration.
 *
 * From the playbooks' patterns come events that fit them, from their templates the outputs and tags
 * that they pick from.  A seed then gives a scenario: alarms that flap, come twice, late or in storms,
 * people who acknowledge, and the faults that were asked for.  The same configuration, options and
 * seed give the same scenario and the same crashes.
 */
#ifndef PB_SIM_PB_MONTH_H
#define PB_SIM_PB_MONTH_H

#include "base/rand.h"
#include "playbook/config.h"
#include "sim/scenario.h"

/* What goes wrong; bits. */
enum pb_month_fault {
	PB_MONTH_FAULT_ERRORS = 1 << 0, /* calls fail, are throttled, or nobody knows */
	PB_MONTH_FAULT_HANGS = 1 << 1, /* calls that never end */
	PB_MONTH_FAULT_PAGER = 1 << 2, /* pages that cannot be delivered at first */
	PB_MONTH_FAULT_CRASH = 1 << 3, /* death at any commit, start or receipt */
	PB_MONTH_FAULT_DOWN = 1 << 4, /* minutes to days without a daemon */
	PB_MONTH_FAULT_STORE = 1 << 5, /* commits that fail, then a read-only store for a while */
	PB_MONTH_FAULT_SLOW = 1 << 6, /* commits of seconds */
	PB_MONTH_FAULT_REPEATS = 1 << 7, /* events twice, late, out of order, unreadable */
	/* The host sleeps for hours, once for a year; its wall clock is set back and forward. */
	PB_MONTH_FAULT_CLOCK = 1 << 8,
	PB_MONTH_FAULT_ALL = (1 << 9) - 1,
};
/* "errors,crash" or "all" or "none"; PB_INVALID with what there is. */
int pb_month_faults_parse(const char *list, unsigned *ret, struct pb_error *err);
/* The name of the bit `k`; NULL behind the last one. */
const char *pb_month_fault_name(unsigned k);

/* What makes a run fail; of `all` a state is missed only where it could have been reached. */
struct pb_month_asserts {
	unsigned promises; /* as pb_scenario_run has them */
	uint64_t states; /* bits in the order of pb_month_states */
	uint64_t named; /* those of them that were asked for by their keys */
};
#define PB_MONTH_ASSERTS_ALL ((struct pb_month_asserts){PB_SCENARIO_PROMISES, UINT64_MAX, 0})
/*
 * "all", or of "promises", "P1" to "P6" and keys of states, with commas: all promises are judged unless some
 * are named, and no state but those.  PB_INVALID with what there is.
 */
int pb_month_asserts_parse(const char *list, struct pb_month_asserts *ret, struct pb_error *err);

#define PB_MONTH_VARIANTS 3 /* alarms, or events, that are made up for each playbook */

struct pb_month_options {
	int64_t days; /* 1 to 366 */
	unsigned faults;
	struct pb_month_asserts asserts;
};

struct pb_month;
/* Counts the configuration up.  `notes` gets a line for each playbook that no event could be made
 * for. */
struct pb_month *pb_month_new(struct pb_config *config, struct pb_buf *notes);
void pb_month_free(struct pb_month *m);

json_t *
pb_month_scenario(const struct pb_month *m, uint64_t seed, const struct pb_month_options *o);

/* Play it, n_events of it (0 = all), with the crashes of the seed; as pb_scenario_run otherwise. */
void pb_month_play(const struct pb_month *m, json_t *scenario, uint64_t seed,
    const struct pb_month_options *o, size_t n_events, struct pb_scenario_run *ret);

/* The fewest events, from the first on, with which it fails: 0 when it does not fail so. */
size_t pb_month_shortest(
    const struct pb_month *m, json_t *scenario, uint64_t seed, const struct pb_month_options *o);

/*
 * States that some of the runs must have come to, or they proved little: which of them can be reached
 * follows from the configuration and the faults.
 */
#define PB_MONTH_STATES_MAX 64
struct pb_month_reached {
	size_t n[PB_MONTH_STATES_MAX]; /* runs in which it was reached */
};
void pb_month_reached_add(struct pb_month_reached *r, const struct pb_scenario_run *run);

struct pb_month_state {
	const char *key, *name; /* "ack-expired", "an acknowledgement expires" */
	const char *excluded; /* why this configuration never comes to it; NULL = it may */
	unsigned missing_faults; /* that it takes and that are not played */
	size_t n; /* runs in which it was reached */
	bool is_asserted, is_named;
};
/* All of them, in a fixed order; returns how many. */
size_t pb_month_states(const struct pb_config *c, const struct pb_month_options *o,
    const struct pb_month_reached *r, struct pb_month_state ret[PB_MONTH_STATES_MAX]);
/* Asserted and never reached, where that was possible or it was asked for by name. */
bool pb_month_state_is_missed(const struct pb_month_state *s);

/* example.c: an event that fits a pattern (JSON); `variant` tells several apart.  NULL if none was
 * found; what it gives may still not fit. */
json_t *pb_example_of_pattern(const json_t *pattern, unsigned variant);

/*
 * answers.c: what a seed's world answers to everything the configuration may start.  `outputs`: step ->
 * output that its templates find something in.
 */
json_t *pb_month_answers(
    const struct pb_config *c, const json_t *outputs, unsigned faults, struct pb_rand *rand);

#endif
