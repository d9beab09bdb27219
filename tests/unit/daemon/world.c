/*
 * The world of world.h.
 */
#include "tests/unit/daemon/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

static const char *
get(const char *name, void *arg)
{
	struct world *w = arg;
	return pb_map_get(w->env, name);
}

static void
keep_log(
    enum pb_log_level level, const struct pb_log_fields *fields, const char *message, void *arg)
{
	struct world *w = arg;
	(void)fields;
	pb_buf_addf(&w->log, "<%d>%s\n", (int)level, message);
}

void
world_env(struct world *w, const char *name, const char *value)
{
	free(value ? pb_map_put(w->env, name, pb_strdup(value)) : pb_map_del(w->env, name));
}

void
world_open(struct world *w)
{
	char url[64];
	struct pb_sandbox_opts opts = {.seed = 1};
	*w = (struct world){.env = pb_map_new()};
	ck_assert_int_eq(pb_loop_new(&w->loop, NULL), 0);
	ck_assert_int_eq(pb_sandbox_new(pb_loop_base(w->loop), &opts, &w->sandbox, NULL), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", pb_sandbox_port(w->sandbox));
	world_env(w, "AWS_ENDPOINT_URL", url);
	world_env(w, "AWS_REGION", PB_SANDBOX_REGION);
	world_env(w, "AWS_ACCESS_KEY_ID", PB_SANDBOX_ACCESS_KEY);
	world_env(w, "AWS_SECRET_ACCESS_KEY", PB_SANDBOX_SECRET_KEY);
	pb_log_set_sink(keep_log, w);
}

void
world_client(struct world *w)
{
	struct pb_client_options options = {.getenv = get, .getenv_arg = w, .seed = 7};
	pb_client_free(w->client);
	ck_assert_int_eq(pb_client_new(w->loop, &options, &w->client, NULL), 0);
}

static void
remove_dir(const char *dir)
{
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

void
world_close(struct world *w)
{
	pb_client_free(w->client);
	pb_sandbox_free(w->sandbox);
	world_drop_inputs(w);
	for (size_t i = 0; i < w->n_outcomes; i++) {
		pb_outcome_fini(w->outcomes[i]);
		free(w->outcomes[i]);
	}
	free(w->inputs);
	free(w->outcomes);
	json_decref(w->output);
	free(w->text);
	pb_log_set_sink(NULL, NULL);
	pb_buf_fini(&w->log);
	pb_map_free(w->env, free);
	pb_loop_free(w->loop);
	if (w->dir)
		remove_dir(w->dir);
	free(w->dir);
}

const char *
world_dir(struct world *w)
{
	if (!w->dir) {
		w->dir = pb_strdup("/tmp/pb-unit-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(w->dir));
	}
	return w->dir;
}

/* --- running the loop */

struct wait {
	struct world *w;
	world_claim *claim;
	void *arg;
	struct pb_loop_timer *timer;
	int64_t end_mono;
	bool is_over;
};

static void
look(void *arg)
{
	struct wait *x = arg;
	x->is_over = pb_clock_mono() > x->end_mono;
	if (x->is_over || x->claim(x->w, x->arg))
		pb_loop_stop(x->w->loop);
	else
		pb_loop_timer_set(x->timer, 2);
}

static bool
run_loop(struct world *w, world_claim *claim, void *arg, int64_t most)
{
	struct wait x = {w, claim, arg, NULL, pb_clock_mono() + most, false};
	x.timer = pb_loop_timer_new(w->loop, look, &x);
	pb_loop_timer_set(x.timer, 0);
	ck_assert_int_eq(pb_loop_run(w->loop, NULL), 0);
	pb_loop_timer_free(x.timer);
	return !x.is_over;
}

void
world_until(struct world *w, world_claim *claim, void *arg)
{
	if (!run_loop(w, claim, arg, 30 * PB_SECOND))
		ck_abort_msg("nothing came in 30 s; log:\n%s", w->log.ptr ? w->log.ptr : "");
}

static bool
never(struct world *w, void *arg)
{
	(void)w;
	(void)arg;
	return false;
}

void
world_rounds(struct world *w, int64_t ms)
{
	(void)run_loop(w, never, NULL, ms);
}

/* --- the sandbox */

json_t *
world_ask(struct world *w, const char *method, const char *target, const char *body)
{
	json_t *answer = NULL;
	int status = pb_sandbox_control(w->sandbox, method, target, pb_str_of(body), &answer);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(answer);
	ck_assert_msg(status == 200, "%s %s: %d %s", method, target, status, text);
	return answer;
}

void
world_tell(struct world *w, const char *target, const char *body)
{
	json_decref(world_ask(w, "POST", target, body));
}

size_t
world_n_calls(struct world *w, const char *operation)
{
	PB_JSON json_t *calls = world_ask(w, "GET", "/_sandbox/calls", NULL);
	const json_t *list = json_is_array(calls) ? calls : pb_json_get(calls, "calls");
	size_t i, n = 0;
	json_t *call;
	json_array_foreach (list, i, call)
		n += pb_streq(pb_json_str(call, "operation"), operation);
	return n;
}

void
world_says(const char *text, const char *part)
{
	ck_assert_msg(
	    text && strstr(text, part), "no \"%s\" in: %s", part, text ? text : "(nothing)");
}

/* --- calls */

static void
on_result(const struct pb_client_result *r, void *arg)
{
	struct world *w = arg;
	json_decref(w->output);
	free(w->text);
	w->is_ok = r->is_ok;
	w->is_unknown = r->is_unknown;
	w->attempts = r->attempts;
	w->output = json_incref(r->output);
	w->error = r->error;
	w->text = pb_strdup(r->text);
	w->n_results++;
}

static bool
has_result(struct world *w, void *arg)
{
	return w->n_results > *(int *)arg;
}

void
world_call(struct world *w, const struct pb_client_request *req)
{
	int before = w->n_results;
	pb_client_call(w->client, req, on_result, w);
	ck_assert_int_eq(w->n_results, before);
	world_until(w, has_result, &before);
}

/* --- what pollers and actions post */

static void
post_input(void *arg, struct pb_input *in)
{
	struct world *w = arg;
	w->inputs = pb_realloc(w->inputs, (w->n_inputs + 1) * sizeof(struct pb_input *));
	w->inputs[w->n_inputs++] = in;
}

static int64_t
now(void *arg)
{
	const struct world *w = arg;
	return pb_clock_wall() + w->durable_ahead;
}

static int64_t
polled_at(void *arg, const char *source)
{
	struct world *w = arg;
	(void)source;
	return w->polled_at;
}

struct pb_poller_ops
world_poller_ops(void)
{
	return (struct pb_poller_ops){.post = post_input, .now = now, .polled_at = polled_at};
}

static void
post_outcome(void *arg, struct pb_outcome *o)
{
	struct world *w = arg;
	w->outcomes = pb_realloc(w->outcomes, (w->n_outcomes + 1) * sizeof(struct pb_outcome *));
	w->outcomes[w->n_outcomes++] = o;
}

struct pb_actions_ops
world_actions_ops(void)
{
	return (struct pb_actions_ops){post_outcome};
}

static bool
has_inputs(struct world *w, void *arg)
{
	return w->n_inputs >= *(size_t *)arg;
}

void
world_until_inputs(struct world *w, size_t n)
{
	world_until(w, has_inputs, &n);
}

static bool
has_outcomes(struct world *w, void *arg)
{
	return w->n_outcomes >= *(size_t *)arg;
}

void
world_until_outcomes(struct world *w, size_t n)
{
	world_until(w, has_outcomes, &n);
}

size_t
world_n_inputs(const struct world *w, enum pb_input_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_inputs; i++)
		n += w->inputs[i]->kind == kind;
	return n;
}

void
world_drop_inputs(struct world *w)
{
	for (size_t i = 0; i < w->n_inputs; i++)
		pb_input_free(w->inputs[i]);
	w->n_inputs = 0;
}
