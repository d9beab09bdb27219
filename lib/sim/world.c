/*
 * The world's clock, its answers, and the life of the process in it.
 */
#include "sim/world.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/call.h"
#include "base/json.h"

#define LOOK_EVERY (30 * PB_SECOND) /* as the daemon, PB_STORAGE_RETRY_EVERY */
#define VISIBLE_AFTER (2 * PB_MINUTE) /* where no queue is configured */

int64_t
span_of(const json_t *j)
{
	int64_t span = 0;
	struct pb_error err = {0};
	const char *text = json_string_value(j);
	if (text == NULL || pb_duration_parse(pb_str_of(text), &span, &err) < 0) {
		(void)fprintf(stderr, "scenario: \"%s\" is not a duration: %s\n",
		    text == NULL ? "(no text)" : text, err.text);
		abort();
	}
	return span;
}

void
world_see(struct world *w, const char *kind, const char *name, const char *detail,
    const char *incident, int64_t level, const json_t *inputs)
{
	w->seen = pb_realloc(w->seen, (w->n_seen + 1) * sizeof(*w->seen));
	w->seen[w->n_seen++] = (struct seen){
	    .at = w->now,
	    .kind = kind,
	    .name = pb_strdup(name == NULL ? "-" : name),
	    .detail = pb_strdup(detail),
	    .incident = pb_strdup(incident),
	    .level = level,
	    .inputs = json_incref((json_t *)(uintptr_t)inputs),
	};
}

/* Everything goes in by here. */
void
world_post(struct world *w, struct pb_input *in)
{
	oracle_input(w->oracle, in);
	pb_pump_post(w->pump, in);
}

void
world_tell_clock(struct world *w)
{
	struct pb_input *in = pb_input_new(PB_IN_CLOCK);
	in->span = w->wall_ahead;
	world_post(w, in);
}

/* --- dying */

/* One more place where the process could die; true when it does, or has already. */
bool
world_dies_here(struct world *w)
{
	if (w->is_crashed)
		return true;
	w->points++;
	for (size_t i = 0; i < w->n_crash_at; i++)
		if (w->crash_at[i] == w->points)
			w->is_crashed = true;
	if (w->dies_at != NULL && w->dies_at(w->dies_arg, w->points, w->now - w->start_at))
		w->is_crashed = true;
	return w->is_crashed;
}

/* --- the other operations of the pump */

static int64_t
op_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
commit_now(struct world *w, const struct pb_update *u)
{
	struct pb_error err = {0};
	if (world_dies_here(w))
		return;
	if (w->fail_commits > 0) {
		w->fail_commits--;
		pb_fail(&err, PB_IO, "database or disk is full (13)");
		pb_pump_committed(w->pump, -1, &err);
		return;
	}
	if (disk_commit(w->disk, u, &err) < 0) {
		broken(w, "store: %s", err.text);
		return;
	}
	check_commit(w, u);
	for (size_t i = 0; i < u->n_replies; i++)
		if (u->replies[i].token > 0 && u->replies[i].token <= w->n_asked) {
			struct asked *a = &w->asked[u->replies[i].token - 1];
			a->is_durable = true;
			a->is_in_memory = w->is_degraded;
		}
	if (world_dies_here(w))
		return;
	pb_pump_committed(w->pump, 0, NULL);
}

static void
op_commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct world *w = arg;
	oracle_decided(w->oracle, pb_pump_n_taken(pump), u);
	if (w->commit_takes == 0) {
		commit_now(w, u);
		return;
	}
	w->pending = u;
	w->pending_at = w->now + w->commit_takes;
}

static void
op_receipt(void *arg, uint64_t receipt)
{
	struct world *w = arg;
	if (world_dies_here(w))
		return;
	for (size_t i = 0; i < w->n_messages; i++) {
		if (w->messages[i].receipt != receipt)
			continue;
		/* As the daemon: without a store nothing is durable, and its queue keeps it. */
		if (w->is_degraded) {
			w->messages[i].again_at = w->now + w->visible_after;
			continue;
		}
		check_receipt(w, &w->messages[i]);
		w->messages[i].is_deleted = true;
	}
}

static void
op_reply(void *arg, const struct pb_reply *reply)
{
	struct world *w = arg;
	if (w->is_crashed)
		return;
	if (reply->token > 0 && reply->token <= w->n_asked) {
		struct asked *a = &w->asked[reply->token - 1];
		a->status = reply->status;
		free(a->error);
		a->error = pb_strdup(pb_json_str(reply->body, "error"));
	}
	if (w->is_quiet)
		return;
	PB_CLEANUP(pb_freep) char *text = pb_json_text(reply->body);
	pb_buf_addf(&w->trace, "         reply %d %s\n", reply->status, text);
}

static void
op_note(void *arg, const struct pb_note *n)
{
	struct world *w = arg;
	int64_t t = n->at - w->start_at;
	if (w->is_crashed || w->is_quiet)
		return;
	pb_buf_addf(&w->trace, "%02lld:%02lld:%02lld %-11s %s%s%s", (long long)(t / PB_HOUR),
	    (long long)(t / PB_MINUTE % 60), (long long)(t / PB_SECOND % 60), n->kind, n->step,
	    n->step[0] == '\0' ? "" : ": ", n->text);
	if (w->with_ids && n->incident[0] != '\0')
		pb_buf_addf(&w->trace, " [%s]", n->incident);
	pb_buf_addc(&w->trace, '\n');
}

/* As the daemon: say so and end; the next one finds no store that can be written. */
static void
op_failed(void *arg, const struct pb_error *err)
{
	struct world *w = arg;
	pb_buf_addf(&w->trace, "         commit failed: %s\n", err->text);
	w->is_crashed = true;
	w->is_store_bad = true;
}

static void
op_wake(void *arg, int64_t at)
{
	(void)arg, (void)at;
}

static const struct pb_pump_ops ops = {
    .now = op_now,
    .commit = op_commit,
    .start = driver_start,
    .cancel = driver_cancel,
    .receipt = op_receipt,
    .reply = op_reply,
    .note = op_note,
    .failed = op_failed,
    .wake = op_wake,
};

/* --- the process */

static int
restore_one(const struct pb_record *r, void *arg, struct pb_error *err)
{
	return pb_engine_restore(arg, r, err);
}

static void
process_start(struct world *w)
{
	struct pb_error err = {0};
	w->is_degraded = w->is_store_bad;
	w->look_at = PB_NEVER;
	const struct pb_engine_options options = {.seed = w->seed + w->n_crashes,
	    .host = "host-1",
	    .is_degraded = w->is_degraded,
	    .cells = w->cells};
	w->engine = pb_engine_new(w->config, &options);
	if (disk_begin(w->disk, w->is_degraded, &err) < 0 ||
	    disk_restore(w->disk, restore_one, w->engine, &err) < 0)
		broken(w, "restore: %s", err.text);
	w->pump = pb_pump_new(w->engine, &ops, w);
	w->up_since = w->now;
	if (w->is_degraded)
		durable_keep(w);
	oracle_boot(w->oracle, w->now, w->config, w->is_degraded);
	w->polled_at = 0;
	json_object_clear(w->reported);
	w->poll_at = w->now;
	for (size_t i = 0; i < w->n_messages; i++)
		w->messages[i].is_delivered = false, w->messages[i].again_at = 0;
	if (w->wall_ahead != 0)
		world_tell_clock(w);
	world_post(w, pb_input_new(PB_IN_BOOT));
	if (w->asks_again)
		world_ask_again(w);
}

static void
process_end(struct world *w)
{
	for (size_t i = 0; i < w->n_running;) {
		struct running *r = &w->running[i];
		if (r->is_kept && !r->is_page) {
			r->is_unawaited = true;
			i++;
			continue;
		}
		if (!r->is_page)
			check_unknown(w, r->action_id);
		driver_drop(w, i);
	}
	w->pending = NULL;
	pb_pump_free(w->pump);
	pb_engine_free(w->engine);
	w->pump = NULL;
	w->engine = NULL;
	w->is_crashed = false;
}

void
world_kill(struct world *w, int64_t down)
{
	process_end(w);
	size_t n_gone = durable_return(w);
	w->n_crashes++;
	/* As base/clock.c: by the wall clock, but never back.  Behind, nobody knows how long it was down. */
	int64_t wall = w->now + w->wall_ahead + down, up_at = wall > w->now ? wall : w->now;
	int64_t astray = up_at - w->now - down;
	w->now = up_at;
	w->wall_ahead = wall - up_at;
	w->aws_ahead -= astray;
	w->jumped_for += astray;
	pb_buf_addf(&w->trace, "         killed; started again after %lld ms%s", (long long)down,
	    w->is_store_bad ? ", degraded" : "");
	if (n_gone > 0)
		pb_buf_addf(&w->trace, "; of %zu incident%s only memory knew", n_gone,
		    n_gone == 1 ? "" : "s");
	pb_buf_adds(&w->trace, "\n");
	process_start(w);
}

/* --- a store that cannot be written */

void
world_heal_store(struct world *w)
{
	w->is_store_bad = false;
	w->fail_commits = 0;
	w->look_at =
	    !w->is_degraded ? PB_NEVER : w->now + LOOK_EVERY - (w->now - w->up_since) % LOOK_EVERY;
}

/* As the daemon: what is in memory is handed over in one commit, and it starts anew. */
static void
look_at_store(struct world *w)
{
	struct pb_error err = {0};
	w->look_at = PB_NEVER;
	if (world_dies_here(w))
		return;
	if (disk_hand_over(w->disk, &err) < 0)
		broken(w, "hand over: %s", err.text);
	durable_all(w);
	if (!world_dies_here(w))
		world_kill(w, 0);
}

/* --- time */

/* When a message that was left in its queue is there again. */
static int64_t
visible_at(const struct world *w)
{
	int64_t at = PB_NEVER;
	for (size_t i = 0; i < w->n_messages; i++)
		if (w->messages[i].again_at != 0 && w->messages[i].again_at < at)
			at = w->messages[i].again_at;
	return at;
}

/* The next moment at which something happens without the script. */
static int64_t
next_at(const struct world *w)
{
	int64_t at = pb_engine_next_at(w->engine);
	if (w->pending != NULL)
		return w->pending_at; /* the pump waits for it */
	for (size_t i = 0; i < w->n_running; i++)
		if (!w->running[i].is_unawaited && w->running[i].due_at < at)
			at = w->running[i].due_at;
	if (w->has_poller && !w->is_poller_off && w->poll_at < at)
		at = w->poll_at;
	if (w->is_degraded) {
		at = w->look_at < at ? w->look_at : at;
		at = visible_at(w) < at ? visible_at(w) : at;
	}
	return at;
}

static void
post_due(struct world *w)
{
	for (size_t i = 0; i < w->n_running;) {
		size_t n = w->n_running;
		if (!w->running[i].is_unawaited && w->running[i].due_at <= w->now)
			driver_answer(w, i);
		if (w->n_running == n)
			i++;
	}
	if (w->has_poller && !w->is_poller_off && w->poll_at <= w->now)
		source_poll(w);
	source_deliver_all(w);
}

static void
turn(struct world *w)
{
	if (w->pending != NULL && w->pending_at <= w->now) {
		const struct pb_update *u = w->pending;
		w->pending = NULL;
		commit_now(w, u);
	}
	bool looks = !w->is_crashed && w->is_degraded && w->look_at <= w->now;
	if (looks)
		look_at_store(w);
	else if (!w->is_crashed)
		pb_pump_turn(w->pump);
	if (w->is_crashed) {
		world_kill(w, w->down_for);
		return;
	}
	if (w->pending == NULL && pb_pump_is_idle(w->pump))
		check_turn(w);
}

void
world_run(struct world *w, int64_t at)
{
	size_t idle = 0;
	while (w->broken.len == 0) {
		int64_t before = w->now, leapt = w->jumped_for;
		size_t crashes = w->n_crashes;
		post_due(w);
		turn(w);
		at += w->jumped_for - leapt; /* it died, and its clock had been set */
		int64_t next = next_at(w);
		if (w->pending == NULL && !pb_pump_is_idle(w->pump))
			next = w->now;
		/* People see that it died, and ask once it is up and has heard what there is. */
		if (next > at && (!w->asks_again || w->n_crashes == crashes))
			break;
		if (next > w->now && next <= at)
			w->now = next;
		idle = w->now == before ? idle + 1 : 0;
		if (idle > 1000) {
			broken(w, "P5: the engine turns without end");
			return;
		}
	}
	if (w->now < at)
		w->now = at;
}

bool
world_is_still(const struct world *w, int64_t until)
{
	for (size_t i = 0; i < w->n_running; i++)
		if (!w->running[i].is_unawaited)
			return false;
	for (size_t i = 0; i < w->n_messages; i++)
		if (!w->messages[i].is_deleted)
			return false;
	return w->pending == NULL && pb_pump_is_idle(w->pump) && !w->is_degraded &&
	    w->fail_commits == 0 && pb_engine_n_open(w->engine) == 0 && !oracle_owes(w->oracle) &&
	    pb_engine_due_at(w->engine) > until;
}

/* --- life */

static struct pb_config *
config_of(const json_t *scenario, struct pb_error *err)
{
	const char *text = pb_json_str(scenario, "config");
	if (text == NULL) {
		pb_fail(err, PB_INVALID, "the scenario has no config");
		return NULL;
	}
	const struct pb_config_file file = {
	    .name = pb_strdup("scenario.yaml"), .text = pb_strdup(text), .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	if (pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems) < 0)
		pb_fail(err, PB_INVALID, "%s", problems.texts[0]);
	pb_problems_fini(&problems);
	free(file.name);
	free(file.text);
	return c;
}

/* Names and rhythm as the configuration has them. */
static void
set_sources(struct world *w)
{
	const struct pb_config *c = w->config;
	const char *region = c->aws_region, *poller = "alarms", *queue = "ops-queue";
	w->poll_every = 20 * PB_SECOND;
	w->visible_after = VISIBLE_AFTER;
	for (size_t i = c->n_sources; i-- > 0;) {
		const struct pb_source *s = &c->sources[i];
		if (s->region != NULL)
			region = s->region;
		if (s->type == PB_SOURCE_CLOUDWATCH) {
			w->has_poller = true;
			w->poll_every = s->interval_for;
			poller = s->name;
			w->honours_mutes = s->honours_mutes;
		} else if (s->type == PB_SOURCE_SQS) {
			queue = s->name;
			w->visible_after = s->visibility_for;
		}
	}
	w->poller = pb_strdup(poller);
	w->queue = pb_strdup(queue);
	w->region = pb_strdup(region == NULL ? "eu-west-1" : region);
}

struct world *
world_new(json_t *scenario, struct pb_config *config, uint64_t seed, bool is_plain,
    struct pb_cells *cells, struct pb_error *err)
{
	config = config == NULL ? config_of(scenario, err) : pb_config_ref(config);
	if (config == NULL)
		return NULL;
	struct world *w = pb_calloc(1, sizeof(*w));
	w->scenario = scenario;
	w->config = config;
	w->seed = seed;
	w->cells = cells;
	w->promises = UINT_MAX;
	if (pb_time_parse(pb_str_of(pb_json_str_or(scenario, "start", "2026-03-03T09:00:00Z")),
		&w->start_at, err) < 0 ||
	    (w->disk = disk_new(is_plain, err)) == NULL) {
		world_free(w);
		return NULL;
	}
	w->now = w->start_at;
	set_sources(w);
	const json_t *takes = json_object_get(scenario, "commit_takes");
	w->commit_takes = takes == NULL ? 0 : span_of(takes);
	w->down_for = 5 * PB_SECOND;
	w->answers_used = pb_map_new();
	w->alarms = json_object();
	w->reported = json_object();
	w->mutes = json_object();
	w->oracle = oracle_new(config, w->commit_takes, check_oracle, w);
	w->books = pb_map_new();
	w->committed = pb_map_new();
	w->attempts = pb_map_new();
	w->unknown = pb_map_new();
	w->harmless = pb_map_new();
	w->effects = pb_map_new();
	process_start(w);
	return w;
}

void
world_free(struct world *w)
{
	if (w == NULL)
		return;
	if (w->engine != NULL)
		process_end(w);
	durable_all(w);
	while (w->n_running > 0)
		driver_drop(w, 0);
	for (size_t i = 0; i < w->n_messages; i++)
		pb_event_unref(w->messages[i].event);
	free(w->messages);
	for (size_t i = 0; i < w->n_seen; i++) {
		free(w->seen[i].name);
		free(w->seen[i].detail);
		free(w->seen[i].incident);
		json_decref(w->seen[i].inputs);
	}
	free(w->seen);
	free(w->running);
	pb_map_free(w->answers_used, free);
	oracle_free(w->oracle);
	pb_map_free(w->books, book_free);
	pb_map_free(w->committed, free);
	pb_map_free(w->attempts, NULL);
	pb_map_free(w->unknown, NULL);
	pb_map_free(w->harmless, NULL);
	pb_map_free(w->effects, NULL);
	free(w->poller);
	free(w->queue);
	free(w->region);
	for (size_t i = 0; i < w->n_marks; i++)
		free(w->marks[i].text);
	free(w->marks);
	for (size_t i = 0; i < w->n_asked; i++)
		free(w->asked[i].error);
	free(w->asked);
	json_decref(w->alarms);
	json_decref(w->reported);
	json_decref(w->mutes);
	pb_buf_fini(&w->trace);
	pb_buf_fini(&w->broken);
	disk_free(w->disk);
	pb_config_unref(w->config);
	free(w->crash_at);
	free(w);
}
