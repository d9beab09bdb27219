/*
 * Configuration: where things are, and the change from one set to the next.
 *
 * All or nothing: a set with a problem changes nothing.  What only a restart can change (state
 * folder, socket, region of the client) is said and left as it is.
 */
#include <stdlib.h>

#include "app_internal.h"
#include "base/json.h"
#include "base/log.h"
#include "confdir.h"
#include "io/service.h"

/* Of "A:B", as systemd gives folders, the first; NULL when the variable is not set. */
static char *
first_of(const char *variable)
{
	const char *list = getenv(variable);
	if (list == NULL || list[0] == '\0')
		return NULL;
	return pb_strndup(list, strcspn(list, ":"));
}

bool
app_knows_state_dir(const struct pb_app_options *o)
{
	PB_CLEANUP(pb_freep) char *dir = first_of("STATE_DIRECTORY");
	return o->state_dir != NULL || dir != NULL;
}

char *
app_state_dir(const struct pb_app_options *o, const struct pb_config *c)
{
	if (o->state_dir != NULL)
		return pb_strdup(o->state_dir);
	if (c != NULL && c->state_dir != NULL)
		return pb_strdup(c->state_dir);
	char *dir = first_of("STATE_DIRECTORY");
	return dir != NULL ? dir : pb_strdup("/var/lib/playbookd");
}

char *
app_socket(const struct pb_app_options *o, const struct pb_config *c)
{
	if (o->socket != NULL)
		return pb_strdup(o->socket);
	if (c != NULL && c->api_socket != NULL)
		return pb_strdup(c->api_socket);
	PB_CLEANUP(pb_freep) char *dir = first_of("RUNTIME_DIRECTORY");
	return pb_asprintf("%s/playbookd.sock", dir != NULL ? dir : "/run/playbookd");
}

/* Good by itself, and yet not meant; *c is let go then. */
static void
refuse_cut(const struct app *app, struct pb_config **c, struct pb_problems *problems)
{
	struct pb_error err;
	if (app->config == NULL || pb_config_check_cut(app->config, *c, &err) == 0)
		return;
	pb_config_unref(PB_TAKE(*c));
	problems->texts = pb_calloc(1, sizeof(*problems->texts));
	problems->texts[problems->n++] = pb_strdup(err.text);
}

int
app_load_config(struct app *app, struct pb_config **ret, json_t **ret_problems)
{
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	free(PB_TAKE(app->refused));
	if (pb_confdir_load(app->options->config_dir, ret, &problems) == 0)
		refuse_cut(app, ret, &problems);
	if (problems.n == 0)
		return 0;
	app->refused = pb_strdup(problems.n > 0 ? problems.texts[0] : "it cannot be used");
	app->n_refused = problems.n;
	app->refused_at = app->core != NULL ? pb_core_now(app->core) : 0;
	if (ret_problems != NULL)
		*ret_problems = json_array();
	for (size_t i = 0; i < problems.n; i++) {
		pb_err("%s", problems.texts[i]);
		if (ret_problems != NULL)
			json_array_append_new(*ret_problems, json_string(problems.texts[i]));
	}
	return -1;
}

void
app_refuse_cut(struct app *app, const struct pb_config *before)
{
	struct pb_error err;
	if (pb_config_check_cut(before, app->config, &err) == 0)
		return;
	pb_err("%s", err.text);
	pb_config_unref(PB_TAKE(app->config));
	app->refused = pb_strdup(err.text);
	app->n_refused = 1;
}

static void
reply(const struct app *app, uint64_t token, int status, json_t *body)
{
	const struct pb_reply r = {.token = token, .status = status, .body = body};
	if (token != 0)
		pb_api_reply(app->api, &r);
	json_decref(body);
}

static void
refuse(struct app *app, uint64_t token, json_t *problems)
{
	size_t n = json_array_size(problems);
	PB_CLEANUP(pb_freep)
	char *message =
	    pb_asprintf("%zu problem%s, keeping the old configuration", n, n == 1 ? "" : "s");
	pb_err("%s: %s", app->options->config_dir, message);
	reply(app, token, 422,
	    json_pack("{s:{s:i, s:s, s:o}}", "error", "status", 422, "message", message, "problems",
		problems));
}

static void
warn_if_moved(const char *what, const char *in_use, const char *wanted)
{
	if (!pb_streq(in_use, wanted))
		pb_warn("%s changes with the next restart; still using %s", what,
		    in_use == NULL ? "the default" : in_use);
}

static void
warn_of_restart(const struct app *app, const struct pb_config *c)
{
	PB_CLEANUP(pb_freep) char *state_dir = app_state_dir(app->options, c);
	PB_CLEANUP(pb_freep) char *socket = app_socket(app->options, c);
	warn_if_moved("daemon.state_dir", app->state_dir, state_dir);
	warn_if_moved("daemon.api.socket", app->socket, socket);
	warn_if_moved("daemon.aws.region", app->config->aws_region, c->aws_region);
}

static void
take_over(struct app *app, struct pb_config *c, const char *by, uint64_t token)
{
	warn_of_restart(app, c);
	app_warn_of_helper(c);
	struct pb_input *in = pb_input_new(PB_IN_CONFIG);
	in->config = pb_config_ref(c);
	in->by = pb_strdup(by);
	in->token = token;
	pb_core_post(app->core, in);
	/* What the new pollers post stands behind the new configuration in the inbox. */
	pb_sources_apply(app->sources, c);
	pb_api_apply(app->api, c);
	app_metrics_apply(app, c);
	pb_config_unref(app->config);
	app->config = c;
	app->loaded_at = pb_core_now(app->core);
	free(PB_TAKE(app->config_why));
}

void
app_reload(void *arg, const char *by, uint64_t token)
{
	struct app *app = arg;
	json_t *problems = NULL;
	struct pb_config *c = NULL;
	if (app->drain_until != 0) {
		reply(app, token, 409, json_pack("{s:s}", "error", "playbookd is stopping"));
		return;
	}
	pb_notice("reload by %s", by);
	pb_service_reloading("reading the configuration");
	if (app_load_config(app, &c, &problems) < 0)
		refuse(app, token, problems);
	else
		take_over(app, c, by, token);
	pb_service_ready(NULL);
	app_show_status(app);
}
