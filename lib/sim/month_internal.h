/*
 * What the files of months share.
 */
#ifndef PB_SIM_MONTH_INTERNAL_H
#define PB_SIM_MONTH_INTERNAL_H

#include "sim/month.h"

/* What can happen for one playbook: alarms by name, or other events. */
struct actor {
	const char *playbook; /* "" = what no playbook matches */
	json_t *event; /* NULL for alarms */
	char *alarm;
};

struct pb_month {
	struct pb_config *config;
	struct actor *actors;
	size_t n_actors;
	json_t *tags; /* name -> value, for alarm.tags of templates */
	json_t *outputs; /* step -> output that its templates find something in */
};

#endif
