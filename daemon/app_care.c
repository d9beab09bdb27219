/*
 * What the daemon does from time to time: tell the service manager that it makes progress, audit
 * open incidents, prune what is old, look whether a lost store has come back; and its status.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app_internal.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "confdir.h"
#include "io/service.h"
#include "storage.h"

#define SEEN_KEPT_FOR (2 * PB_DAY)
#define PRUNE_EVERY (10 * PB_MINUTE)
#define PRUNE_AGAIN INT64_C(100)
#define PRUNE_ROWS 500

/*
 * A probe must have gone through decide, commit and act since the last look; only then are we alive.
 * A loop that turns around a pump that does not would otherwise pass for a healthy daemon.
 */
static void
on_watchdog(void *arg)
{
	struct app *app = arg;
	uint64_t n = pb_core_n_turns(app->core);
	if (n > app->n_turns_seen)
		pb_service_alive();
	else
		pb_err("the pump made no progress; the service manager is not told that we are "
		       "alive");
	app->n_turns_seen = n;
	pb_core_post(app->core, pb_input_new(PB_IN_TICK));
	pb_loop_timer_set(app->watchdog, pb_service_alive_every());
}

/* P5: an open incident without a live next step is a defect of ours. */
static void
audit(struct app *app)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	size_t n = pb_engine_audit(pb_core_engine(app->core), pb_core_now(app->core), &why);
	if (n > 0 && n != app->n_defects)
		pb_err("%zu open incident%s for nothing: %s; see to them by hand and report this",
		    n, n == 1 ? " waits" : "s wait", why.ptr == NULL ? "" : why.ptr);
	app->n_defects = n;
}

static void
on_minute(void *arg)
{
	struct app *app = arg;
	audit(app);
	app_show_status(app);
	pb_loop_timer_set(app->minute, PB_MINUTE);
}

/* One slice at a time, so that no event waits for the sweeping. */
static void
on_prune(void *arg)
{
	struct app *app = arg;
	int64_t now = pb_core_now(app->core), n = 0;
	const struct pb_retention *r = &app->config->retention;
	const struct pb_store_retention what = {
	    .resolved_before_at = now - r->age_for,
	    .seen_before_at = now - SEEN_KEPT_FOR,
	    .incidents_max = r->incidents,
	    .notes_max = r->notes,
	    .quarantine_max = r->quarantine,
	    .has_received_max = true,
	    .received_max = r->events,
	    .rows_max = PRUNE_ROWS,
	};
	struct pb_error err;
	if (pb_store_prune(pb_core_store(app->core), &what, &n, &err) < 0) {
		(void)pb_wrap(&err, "pruning");
		app_store_failed(app, &err);
		return;
	}
	pb_loop_timer_set(app->prune, n > 0 ? PRUNE_AGAIN : PRUNE_EVERY);
}

static void
on_storage(void *arg)
{
	struct app *app = arg;
	struct pb_error err;
	if (pb_storage_return(app->state_dir, pb_core_store(app->core), &err) < 0) {
		pb_debug("still degraded: %s", err.text);
		pb_loop_timer_set(app->storage, PB_STORAGE_RETRY_EVERY);
		return;
	}
	pb_notice("the store can be written again and has what happened meanwhile; starting anew");
	app_stop(app, PB_APP_EXIT_AGAIN);
}

void
app_care_start(struct app *app)
{
	app->watchdog = pb_loop_timer_new(app->loop, on_watchdog, app);
	app->minute = pb_loop_timer_new(app->loop, on_minute, app);
	app->prune = pb_loop_timer_new(app->loop, on_prune, app);
	app->storage = pb_loop_timer_new(app->loop, on_storage, app);
	if (pb_service_alive_every() > 0)
		pb_loop_timer_set(app->watchdog, 0);
	pb_loop_timer_set(app->minute, PB_MINUTE);
	pb_loop_timer_set(app->prune, PB_MINUTE);
	if (app->is_degraded)
		pb_loop_timer_set(app->storage, PB_STORAGE_RETRY_EVERY);
}

void
app_care_stop(struct app *app)
{
	pb_loop_timer_free(app->watchdog);
	pb_loop_timer_free(app->minute);
	pb_loop_timer_free(app->prune);
	pb_loop_timer_free(app->storage);
}

static const char *
state_of(const struct app *app)
{
	if (app->drain_until != 0)
		return "draining";
	return app->is_degraded ? "degraded" : "running";
}

void
app_show_status(struct app *app)
{
	size_t n = pb_engine_n_open(pb_core_engine(app->core));
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%s: %zu open incident%s, %zu playbook%s, %zu source%s%s%s%s",
	    state_of(app), n, n == 1 ? "" : "s", app->config->n_playbooks,
	    app->config->n_playbooks == 1 ? "" : "s", app->config->n_sources,
	    app->config->n_sources == 1 ? "" : "s",
	    app->config_why == NULL && app->refused == NULL ? ""
							    : "; not the configuration on disk",
	    app->is_degraded ? "; " : "", app->is_degraded ? app->degraded_why : "");
	pb_service_status(text);
}

/* What is in the folder against what is in force: a reload may be needed, or was refused. */
static const char *
on_disk(const struct app *app)
{
	char digest[PB_SHA256_TEXT] = "";
	int rc = pb_confdir_digest(app->options->config_dir, digest);
	if (rc == 0 && pb_streq(digest, app->config->digest))
		return "loaded";
	if (app->refused != NULL)
		return "refused";
	return rc < 0 ? "unusable" : "changed";
}

static json_t *
config_status(const struct app *app)
{
	const char *disk = on_disk(app);
	json_t *j = json_object();
	pb_json_set_str(j, "dir", app->options->config_dir);
	pb_json_set_str(j, "digest", app->config->digest);
	pb_json_set_i64(j, "loaded_at", app->loaded_at);
	pb_json_set_i64(j, "playbooks", (int64_t)app->config->n_playbooks);
	pb_json_set_i64(j, "sources", (int64_t)app->config->n_sources);
	pb_json_set_str(j, "problem", app->config_why);
	pb_json_set_str(j, "on_disk", disk);
	if (strcmp(disk, "refused") == 0) {
		pb_json_set_i64(j, "refused_at", app->refused_at);
		pb_json_set_i64(j, "refused_problems", (int64_t)app->n_refused);
		pb_json_set_str(j, "refused", app->refused);
	}
	return j;
}

static bool
is_program(const struct pb_step *s)
{
	return s->kind == PB_STEP_EXEC || (s->check != NULL && is_program(s->check->read)) ||
	    (s->rollback != NULL && is_program(s->rollback));
}

static bool
runs_programs(const struct pb_config *c)
{
	for (size_t i = 0; i < c->n_channels; i++)
		if (c->channels[i].type == PB_CHANNEL_EXEC)
			return true;
	for (size_t i = 0; i < c->n_playbooks; i++)
		for (size_t k = 0; k < c->playbooks[i].n_steps; k++)
			if (is_program(&c->playbooks[i].steps[k]))
				return true;
	return false;
}

/* Looked at, not asked: a connection starts playbookd-exec.  NULL where nothing is missing. */
static char *
helper_missing(const struct pb_config *c)
{
	struct stat st;
	if (c->exec_helper == NULL || !runs_programs(c) ||
	    (stat(c->exec_helper, &st) == 0 && S_ISSOCK(st.st_mode)))
		return NULL;
	return pb_asprintf("there is no socket %s: start playbookd-exec.socket, or correct "
			   "daemon.exec",
	    c->exec_helper);
}

void
app_warn_of_helper(const struct pb_config *c)
{
	PB_CLEANUP(pb_freep) char *missing = helper_missing(c);
	if (missing != NULL)
		pb_warn("programs cannot be run, %s; steps and channels that need one fail until "
			"then",
		    missing);
}

json_t *
app_status(void *arg)
{
	struct app *app = arg;
	json_t *j = json_object(), *counts = NULL;
	PB_CLEANUP(pb_freep) char *missing = helper_missing(app->config);
	pb_json_set_str(j, "state", state_of(app));
	pb_json_set_str(j, "helper_missing", missing);
	pb_json_set_str(j, "degraded_why", app->degraded_why);
	pb_json_set_str(j, "version", PB_VERSION);
	pb_json_set_str(j, "host", app->host);
	pb_json_set_i64(j, "pid", getpid());
	pb_json_set_i64(j, "started_at", app->started_at);
	pb_json_set_str(j, "state_dir", app->state_dir);
	json_object_set_new(j, "config", config_status(app));
	json_object_set_new(j, "stopped", pb_engine_controls_json(pb_core_engine(app->core)));
	json_object_set_new(j, "maintenance",
	    pb_engine_maintenance_json(pb_core_engine(app->core), pb_core_now(app->core)));
	json_object_set_new(
	    j, "mutes", pb_engine_mutes_json(pb_core_engine(app->core), pb_core_now(app->core)));
	pb_json_set_i64(j, "old_plans", (int64_t)pb_engine_n_old_plans(pb_core_engine(app->core)));
	json_object_set_new(j, "bundles", pb_engine_bundles_json(pb_core_engine(app->core)));
	json_object_set_new(j, "overdue",
	    pb_engine_overdue_json(pb_core_engine(app->core), pb_core_now(app->core)));
	pb_json_set_i64(j, "open", (int64_t)pb_engine_n_open(pb_core_engine(app->core)));
	pb_json_set_i64(j, "actions_running", (int64_t)pb_actions_n_running(app->actions));
	pb_json_set_i64(j, "actions_waiting", (int64_t)pb_actions_n_waiting(app->actions));
	pb_json_set_i64(j, "defects", (int64_t)app->n_defects);
	pb_json_set_str(j, "region", pb_client_region(app->client));
	pb_json_set_str(j, "credentials", pb_client_credentials(app->client));
	json_object_set_new(j, "sources", pb_sources_json(app->sources));
	if (pb_store_counts(pb_core_store(app->core), &counts, NULL) == 0)
		json_object_set_new(j, "store", counts);
	return j;
}
