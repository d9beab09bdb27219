/*
 * What the files of the daemon's wiring share.  Not for others.
 */
#ifndef PB_DAEMON_APP_INTERNAL_H
#define PB_DAEMON_APP_INTERNAL_H

#include "daemon/actions.h"
#include "daemon/api.h"
#include "daemon/app.h"
#include "daemon/core.h"
#include "daemon/metrics.h"
#include "daemon/sources.h"

#define N_SIGNALS 3

struct app {
	const struct pb_app_options *options;
	struct pb_loop *loop;
	struct pb_config *config; /* in force, or about to be: the engine has its own count */
	char *config_why; /* not the folder's: why the one of before is in force; NULL = it is */
	char *refused; /* first problem of the last load that failed; NULL = it succeeded */
	size_t n_refused; /* problems of that load */
	int64_t refused_at; /* durable time */
	char *state_dir, *socket; /* in use, whatever a reload says */
	char *host;

	struct pb_client *client;
	struct pb_actions *actions;
	struct pb_sources *sources;
	struct pb_core *core;
	struct pb_api *api;
	struct pb_metrics *metrics;
	struct pb_http_server *metrics_server; /* NULL = nobody listens */
	char *metrics_listen; /* where it listens, or should */

	struct pb_loop_signal *signals[N_SIGNALS];
	struct pb_loop_timer *watchdog, *minute, *prune, *storage, *drain;
	uint64_t n_turns_seen; /* at the last look of the watchdog */
	int64_t started_at; /* durable time */
	int64_t loaded_at; /* the configuration in force */
	int64_t drain_until; /* monotonic; 0 = not draining */
	bool is_degraded;
	char *degraded_why;
	size_t n_defects; /* of the last audit */
	enum pb_app_exit exit;
};

/* app.c */
void app_stop(struct app *app, enum pb_app_exit status);
void app_store_failed(struct app *app, const struct pb_error *err); /* logs, and ends it */

/* app_care.c: what is done from time to time */
void app_care_start(struct app *app);
void app_care_stop(struct app *app);
void app_show_status(struct app *app); /* the line of `systemctl status` */
void app_warn_of_helper(const struct pb_config *c);
json_t *app_status(void *app); /* GET /v1/status */

/* app_metrics.c */
void app_metrics(void *app, struct pb_buf *b); /* GET /metrics */
void app_metrics_apply(struct app *app, const struct pb_config *c); /* where it is served */
void app_metrics_stop(struct app *app);

/* app_reload.c */
bool app_knows_state_dir(const struct pb_app_options *o); /* without a configuration */
char *app_state_dir(const struct pb_app_options *o, const struct pb_config *c);
char *app_socket(const struct pb_app_options *o, const struct pb_config *c);
/* Loads, logs all problems, keeps the first for the status; -1 when there are some, put into `ret_problems` (may be NULL). */
int app_load_config(struct app *app, struct pb_config **ret, json_t **ret_problems);
/* At a start: let go of a configuration that is `before`, which was in force last, cut off. */
void app_refuse_cut(struct app *app, const struct pb_config *before);
void app_reload(void *app, const char *by, uint64_t token);

#endif
