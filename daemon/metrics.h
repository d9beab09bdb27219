/*
 * Figures for a monitoring system, as OpenMetrics text (OpenMetrics 1.0): counted since the start of
 * the process, without anything that outside text could name.
 */
#ifndef PB_DAEMON_METRICS_H
#define PB_DAEMON_METRICS_H

#include "base/text.h"
#include "engine/record.h"

#define PB_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct pb_metrics;

struct pb_metrics *pb_metrics_new(void);
void pb_metrics_free(struct pb_metrics *m); /* takes NULL */

/* What is counted.  `now` is durable time. */
void pb_metrics_noted(struct pb_metrics *m, const struct pb_note *note);
void pb_metrics_started(struct pb_metrics *m, const struct pb_action *action, int64_t now);
void pb_metrics_ended(struct pb_metrics *m, const struct pb_outcome *outcome, int64_t now);

/* What is looked at when somebody asks. */
struct pb_metrics_now {
	int64_t now, started_at; /* durable time */
	bool is_degraded;
	size_t n_running, n_waiting; /* actions */
	size_t n_defects; /* open incidents without a next step */
	const char *config; /* digest in force */
	bool is_config_on_disk; /* what the last reload found is in force */
	uint64_t n_commits;
	const json_t
	    *counts; /* {"incident": {STATE: N}, "ladder": {..}, "stops": N, "silences": N} */
	const json_t *sources; /* as in GET /v1/status */
};
void
pb_metrics_text(const struct pb_metrics *m, const struct pb_metrics_now *now, struct pb_buf *b);

#endif
