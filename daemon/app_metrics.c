/*
 * GET /metrics: over the API, and where daemon.metrics.listen says.
 */
#include <stdlib.h>

#include "app_internal.h"
#include "base/json.h"
#include "base/log.h"

#define CLIENTS_MAX 16

void
app_metrics(void *arg, struct pb_buf *b)
{
	struct app *app = arg;
	PB_JSON json_t *counts = pb_engine_counts_json(pb_core_engine(app->core));
	PB_JSON json_t *sources = pb_sources_json(app->sources);
	const struct pb_metrics_now now = {
	    .now = pb_core_now(app->core),
	    .started_at = app->started_at,
	    .is_degraded = app->is_degraded,
	    .n_running = pb_actions_n_running(app->actions),
	    .n_waiting = pb_actions_n_waiting(app->actions),
	    .n_defects = app->n_defects,
	    .config = app->config->digest,
	    .is_config_on_disk = app->refused == NULL && app->config_why == NULL,
	    .n_commits = pb_core_n_turns(app->core),
	    .counts = counts,
	    .sources = sources,
	};
	pb_metrics_text(app->metrics, &now, b);
}

/* Nothing else is served there: it has no callers that the kernel knows. */
static void
handle(struct pb_http_request *req, void *arg)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	const char *path = pb_http_request_path(req);
	if (strcmp(path, "/metrics") != 0) {
		pb_http_reply_error(req, 404, "%s does not exist; /metrics does", path);
		return;
	}
	if (pb_http_request_method(req) != PB_HTTP_GET) {
		pb_http_reply_error(req, 405, "/metrics is asked with GET");
		return;
	}
	app_metrics(arg, &b);
	pb_http_reply(req, 200, PB_METRICS_TYPE, pb_buf_str(&b));
}

/* Figures are worth less than pages: where it cannot listen, all the rest goes on. */
void
app_metrics_apply(struct app *app, const struct pb_config *c)
{
	struct pb_error err;
	if (app->metrics_server != NULL && pb_streq(app->metrics_listen, c->metrics_listen))
		return;
	app_metrics_stop(app);
	if (c->metrics_listen == NULL)
		return;
	app->metrics_listen = pb_strdup(c->metrics_listen);
	const struct pb_http_config config = {
	    .listen = app->metrics_listen, .max_clients = CLIENTS_MAX};
	if (pb_http_server_new(app->loop, &config, handle, app, &app->metrics_server, &err) < 0)
		pb_warn("daemon.metrics: %s; going on without, a reload tries again", err.text);
}

void
app_metrics_stop(struct app *app)
{
	pb_http_server_free(PB_TAKE(app->metrics_server));
	free(PB_TAKE(app->metrics_listen));
}
