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
	PB_MONTH_FAULT_CLOCK = 1 << 8, /* the clock jumps, by hours and once by a year */
	PB_MONTH_FAULT_ALL = (1 << 9) - 1,
};
/* "errors,crash" or "all" or "none"; PB_INVALID with what there is. */
int pb_month_faults_parse(const char *list, unsigned *ret, struct pb_error *err);

struct pb_month_options {
	int64_t days; /* 1 to 366 */
	unsigned faults;
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
 * States that some of the runs must have come to, or they proved little: which of them apply follows
 * from the configuration and the faults.
 */
#define PB_MONTH_SOMETIMES_MAX 32
struct pb_month_reached {
	size_t
	    n[PB_MONTH_SOMETIMES_MAX]; /* runs in which it was reached, in the order of the table */
};
void pb_month_reached_add(struct pb_month_reached *r, const struct pb_scenario_run *run);
/* Lines "NAME: in N of M runs"; returns how many that apply were never reached. */
size_t pb_month_reached_report(const struct pb_month *m, const struct pb_month_options *o,
    const struct pb_month_reached *r, size_t n_runs, struct pb_buf *b);

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
