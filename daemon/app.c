/*
 * The daemon's wiring: who is told what.
 */
#include "app.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "app_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "io/service.h"
#include "storage.h"

#define DRAIN_CHECK_EVERY INT64_C(100)

static char *
marker(const struct app *app)
{
	PB_CLEANUP(pb_freep) char *socket = app_socket(app->options, app->config);
	return pb_asprintf("%s.store-failed", socket);
}

void
app_store_failed(struct app *app, const struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *path = marker(app);
	pb_err("%s; nothing of it was acted on, ending so that the next start goes on, degraded, "
	       "from what is durable",
	    err->text);
	pb_storage_failed(path, err->text);
	app_stop(app, PB_APP_EXIT_STORE);
}

void
app_stop(struct app *app, enum pb_app_exit status)
{
	app->exit = status;
	pb_loop_stop(app->loop);
}

/* --- from the core outwards */

static void
op_start(void *arg, const struct pb_action *action)
{
	const struct app *app = arg;
	pb_metrics_started(app->metrics, action, pb_core_now(app->core));
	pb_actions_start(app->actions, action);
}

static void
op_cancel(void *arg, const char *action_id)
{
	const struct app *app = arg;
	pb_actions_cancel(app->actions, action_id);
}

static void
op_receipt(void *arg, uint64_t receipt)
{
	const struct app *app = arg;
	/* P1: without a store nothing is durable; the queue keeps the message until there is one. */
	if (app->is_degraded)
		pb_sources_release(app->sources, receipt);
	else
		pb_sources_receipt(app->sources, receipt);
}

static void
op_reply(void *arg, const struct pb_reply *reply)
{
	const struct app *app = arg;
	pb_api_reply(app->api, reply);
}

/* What somebody may have to do something about stands out from what just goes its way. */
static enum pb_log_level
level_of(const char *kind)
{
	static const char *const loud[] = {
	    "opened", "page", "ack", "resolved", "ask", "boot", "config", "drain", "quarantine"};
	if (strcmp(kind, "defect") == 0)
		return PB_LOG_ERR;
	for (size_t i = 0; i < PB_ARRAY_LEN(loud); i++)
		if (strcmp(kind, loud[i]) == 0)
			return PB_LOG_NOTICE;
	return PB_LOG_INFO;
}

static void
op_note(void *arg, const struct pb_note *note)
{
	const struct app *app = arg;
	const struct pb_log_fields fields = {
	    .incident = note->incident, .playbook = note->playbook, .step = note->step};
	pb_metrics_noted(app->metrics, note);
	pb_log_with(level_of(note->kind), &fields, "%s: %s", note->kind, note->text);
	if (app->api != NULL)
		pb_api_noted(app->api);
}

static void
op_failed(void *arg, const struct pb_error *err)
{
	app_store_failed(arg, err);
}

static const struct pb_core_ops core_ops = {
    .start = op_start,
    .cancel = op_cancel,
    .receipt = op_receipt,
    .reply = op_reply,
    .note = op_note,
    .failed = op_failed,
};

/* --- from outside to the core */

static void
post_outcome(void *arg, struct pb_outcome *outcome)
{
	const struct app *app = arg;
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	pb_metrics_ended(app->metrics, outcome, pb_core_now(app->core));
	in->outcome = outcome;
	pb_core_post(app->core, in);
}

static const struct pb_actions_ops actions_ops = {.post = post_outcome};

static void
post_input(void *arg, struct pb_input *in)
{
	const struct app *app = arg;
	pb_core_post(app->core, in);
}

static int64_t
durable_now(void *arg)
{
	const struct app *app = arg;
	return pb_core_now(app->core);
}

static int64_t
polled_at(void *arg, const char *source)
{
	const struct app *app = arg;
	return pb_engine_polled_at(pb_core_engine(app->core), source);
}

static const struct pb_matcher *
matcher(void *arg)
{
	const struct app *app = arg;
	return pb_engine_config(pb_core_engine(app->core))->matcher;
}

static const struct pb_poller_ops poller_ops = {
    .post = post_input,
    .now = durable_now,
    .polled_at = polled_at,
    .matcher = matcher,
};

static const struct pb_api_ops api_ops = {
    .status = app_status,
    .metrics = app_metrics,
    .reload = app_reload,
};

/* --- draining */

static void
drain_check(void *arg)
{
	struct app *app = arg;
	size_t n_running = pb_actions_n_running(app->actions);
	size_t n_waiting = pb_actions_n_waiting(app->actions);
	bool is_quiet = pb_core_is_idle(app->core) && n_running + n_waiting == 0 &&
	    pb_sources_are_idle(app->sources);
	if (!is_quiet && pb_clock_mono() < app->drain_until) {
		pb_loop_timer_set(app->drain, DRAIN_CHECK_EVERY);
		return;
	}
	if (is_quiet)
		pb_notice("drained, ending");
	else
		pb_warn("%zu actions still run and %zu wait for a place after %llds, ending them; "
			"the next start looks into what became of them",
		    n_running, n_waiting, (long long)(PB_APP_DRAIN_FOR / PB_SECOND));
	app_stop(app, PB_APP_EXIT_OK);
}

static void
drain(struct app *app, const char *why)
{
	pb_notice("%s: draining", why);
	pb_service_stopping("draining");
	app->drain_until = pb_clock_mono() + PB_APP_DRAIN_FOR;
	pb_sources_stop(app->sources);
	pb_core_post(app->core, pb_input_new(PB_IN_DRAIN));
	/* Also lets the last decision be committed before the first look. */
	pb_loop_timer_set(app->drain, DRAIN_CHECK_EVERY);
}

static void
on_signal(int signo, void *arg)
{
	struct app *app = arg;
	if (signo == SIGHUP)
		app_reload(app, "SIGHUP", 0);
	else if (app->drain_until == 0)
		drain(app, signo == SIGTERM ? "SIGTERM" : "SIGINT");
	else
		app_stop(app, PB_APP_EXIT_OK);
}

/* --- start */

static int
catch_signals(struct app *app, struct pb_error *err)
{
	static const int signos[N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (pb_loop_signal_new(
			app->loop, signos[i], on_signal, app, &app->signals[i], err) < 0)
			return -1;
	return 0;
}

static char *
host_name(void)
{
	char name[256] = "";
	if (gethostname(name, sizeof(name) - 1) < 0 || name[0] == '\0')
		return pb_strdup("localhost");
	return pb_strdup(name);
}

static uint64_t
seed(void)
{
	uint64_t value;
	pb_entropy(&value, sizeof(value));
	return value;
}

static enum pb_app_exit
refusal(const struct pb_error *err, enum pb_app_exit otherwise)
{
	pb_err("%s", err->text);
	if (err->kind == PB_EXISTS)
		return PB_APP_EXIT_BUSY;
	return err->kind == PB_UNSUPPORTED ? PB_APP_EXIT_CONFIG : otherwise;
}

static void
refused(const struct pb_record *r, const struct pb_error *why, void *arg)
{
	const struct pb_log_fields fields = {.incident = r->incident};
	(void)arg;
	pb_log_with(PB_LOG_ERR, &fields, "the %s record %s of the store is not used: %s",
	    pb_record_kind_name(r->kind), r->key, why->text);
}

/* The one of before when the folder's cannot be used: a bad edit must not keep open pages back. */
static enum pb_app_exit
choose_config(struct app *app, struct pb_storage *storage)
{
	struct pb_error err = {0};
	struct pb_store *from = storage->readable != NULL ? storage->readable : storage->store;
	PB_CLEANUP(pb_config_unrefp) struct pb_config *before = NULL;
	int rc = pb_storage_last_config(from, &before, &err);
	if (rc == 0 && app->config != NULL)
		app_refuse_cut(app, before);
	if (app->config != NULL)
		return PB_APP_EXIT_OK;
	if (rc < 0) {
		pb_err("%s; not starting", err.text);
		return PB_APP_EXIT_CONFIG;
	}
	app->config = PB_TAKE(before);
	PB_CLEANUP(pb_freep) char *state_dir = app_state_dir(app->options, app->config);
	if (!pb_streq(state_dir, app->state_dir)) {
		pb_err("the configuration of before keeps its state in %s, not in %s; not starting",
		    state_dir, app->state_dir);
		return PB_APP_EXIT_CONFIG;
	}
	app->config_why = pb_asprintf("the configuration in %s cannot be used; the one of before "
				      "(%.12s) stays in force",
	    app->options->config_dir, app->config->digest);
	pb_err("%s", app->config_why);
	return PB_APP_EXIT_OK;
}

static enum pb_app_exit
open_store(struct app *app, struct pb_storage *ret)
{
	struct pb_error err = {0};
	/* Where state is may stand in what cannot be read: guessing would begin a second one. */
	if (app->config == NULL && !app_knows_state_dir(app->options)) {
		pb_err("the configuration in %s cannot be used; not starting",
		    app->options->config_dir);
		return PB_APP_EXIT_CONFIG;
	}
	app->state_dir = app_state_dir(app->options, app->config);
	PB_CLEANUP(pb_freep) char *path = marker(app);
	if (pb_storage_open(app->state_dir, path, ret, &err) < 0)
		return refusal(&err, PB_APP_EXIT_STORE);
	pb_storage_watch(path);
	app->is_degraded = ret->is_degraded;
	app->degraded_why = pb_strdup(ret->why);
	return choose_config(app, ret);
}

static enum pb_app_exit
make_outside(struct app *app)
{
	struct pb_error err = {0};
	const struct pb_client_options options = {
	    .region = app->config->aws_region, .seed = seed()};
	if (pb_client_new(app->loop, &options, &app->client, &err) < 0)
		return refusal(&err, PB_APP_EXIT_SYSTEM);
	app->actions = pb_actions_new(app->loop, app->client, &actions_ops, app);
	app->sources = pb_sources_new(app->loop, app->client, &poller_ops, app);
	return PB_APP_EXIT_OK;
}

/* The socket comes before the boot: a start that fails there has paged nobody. */
static enum pb_app_exit
make_core(struct app *app, struct pb_storage *storage)
{
	struct pb_error err = {0};
	const struct pb_engine_options options = {
	    .seed = seed(),
	    .host = app->host,
	    .is_degraded = app->is_degraded,
	    .degraded_why = app->degraded_why,
	    .is_rebuilt = storage->is_rebuilt,
	};
	app->core =
	    pb_core_new(app->loop, PB_TAKE(storage->store), app->config, &options, &core_ops, app);
	app->socket = app_socket(app->options, app->config);
	if (pb_api_new(app->loop, app->core, app->socket, &api_ops, app, &app->api, &err) < 0) {
		(void)pb_wrap(&err, "API socket");
		return refusal(&err, PB_APP_EXIT_CONFIG);
	}
	pb_api_apply(app->api, app->config);
	app_metrics_apply(app, app->config);
	if (pb_core_boot(app->core, storage->readable, refused, NULL, &err) < 0)
		return refusal(&err, PB_APP_EXIT_STORE);
	app->started_at = app->loaded_at = app->refused_at = pb_core_now(app->core);
	return app->exit;
}

static enum pb_app_exit
start(struct app *app)
{
	struct pb_error err = {0};
	PB_CLEANUP(pb_storage_fini) struct pb_storage storage = {0};
	app->host = host_name();
	app->metrics = pb_metrics_new();
	if (pb_loop_new(&app->loop, &err) < 0 || catch_signals(app, &err) < 0)
		return refusal(&err, PB_APP_EXIT_SYSTEM);
	app->drain = pb_loop_timer_new(app->loop, drain_check, app);
	(void)app_load_config(app, &app->config, NULL);
	enum pb_app_exit status = open_store(app, &storage);
	if (status == PB_APP_EXIT_OK)
		status = make_outside(app);
	if (status == PB_APP_EXIT_OK)
		status = make_core(app, &storage);
	return status;
}

static void
finish(struct app *app)
{
	app_care_stop(app);
	app_metrics_stop(app);
	pb_api_free(app->api);
	pb_sources_free(app->sources);
	pb_actions_free(app->actions);
	pb_core_free(app->core);
	pb_metrics_free(app->metrics);
	pb_client_free(app->client);
	for (size_t i = 0; i < N_SIGNALS; i++)
		pb_loop_signal_free(app->signals[i]);
	pb_loop_timer_free(app->drain);
	pb_loop_free(app->loop);
	pb_config_unref(app->config);
	free(app->config_why);
	free(app->refused);
	free(app->degraded_why);
	free(app->state_dir);
	free(app->socket);
	free(app->host);
}

enum pb_app_exit
pb_app_run(const struct pb_app_options *options)
{
	struct app app = {.options = options};
	struct pb_error err = {0};
	enum pb_app_exit status = start(&app);
	if (status == PB_APP_EXIT_OK) {
		pb_sources_apply(app.sources, app.config);
		app_care_start(&app);
		pb_service_ready(NULL);
		app_show_status(&app);
		app_warn_of_helper(app.config);
		pb_notice("ready on %s", app.socket);
		if (pb_loop_run(app.loop, &err) < 0)
			app.exit = refusal(&err, PB_APP_EXIT_SYSTEM);
		status = app.exit;
	}
	finish(&app);
	return status;
}
