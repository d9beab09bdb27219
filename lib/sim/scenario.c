/*
 * Playing a scenario.
 */
#include "sim/scenario.h"

#include <stdlib.h>

#include "base/json.h"
#include "sim/world.h"

/* A process that was started just before the end may still take up what waits. */
#define END_LEAST PB_MINUTE

static struct world *
make_world(struct pb_scenario_run *run)
{
	struct pb_error err = {0};
	struct world *w =
	    world_new(run->scenario, run->config, run->seed, run->is_plain, run->cells, &err);
	if (w == NULL) {
		pb_buf_addf(&run->failures, "%s\n", err.text);
		return NULL;
	}
	w->crash_at = pb_calloc(run->n_crash_at + 1, sizeof(size_t));
	if (run->n_crash_at > 0)
		memcpy(w->crash_at, run->crash_at, run->n_crash_at * sizeof(size_t));
	w->n_crash_at = run->n_crash_at;
	w->is_quiet = run->is_quiet;
	w->with_ids = run->with_ids;
	w->promises = run->promises == 0 ? w->promises : run->promises;
	w->configs = run->configs;
	w->n_configs = run->n_configs;
	w->asks_again = run->with_replies;
	w->dies_at = run->dies_at;
	w->dies_arg = run->arg;
	return w;
}

static int64_t
script_at(const struct world *w, const json_t *at)
{
	return w->start_at + w->jumped_for + span_of(at);
}

static int64_t
end_of(const struct world *w, const json_t *scenario)
{
	const json_t *until = json_object_get(scenario, "until");
	return w->start_at + w->jumped_for + (until == NULL ? PB_HOUR : span_of(until));
}

/*
 * What is still stays so: of the polls that find nothing, and of the deaths among them, one is like
 * the other.  So it must have been still for some of them, without a death, and need not go on.
 */
static void
run_until_still(struct world *w, const json_t *scenario, const json_t *from)
{
	int64_t looked_for = END_LEAST > 2 * w->poll_every ? END_LEAST : 2 * w->poll_every;
	bool was_still = false;
	world_run(w, script_at(w, from));
	while (w->broken.len == 0 && w->now < end_of(w, scenario)) {
		size_t deaths = w->n_crashes;
		bool is_still = world_is_still(w, end_of(w, scenario));
		if (is_still && was_still)
			return;
		world_run(w, w->now + looked_for);
		was_still = is_still && w->n_crashes == deaths;
	}
}

static void
run_to_end(struct world *w, const json_t *scenario)
{
	const json_t *from = json_object_get(scenario, "still_from");
	int64_t end_at;
	if (from != NULL) {
		run_until_still(w, scenario, from);
		return;
	}
	end_at = end_of(w, scenario);
	world_run(w, end_at > w->now + END_LEAST ? end_at : w->now + END_LEAST);
}

void
pb_scenario_run(struct pb_scenario_run *run)
{
	struct world *w = make_world(run);
	if (w == NULL)
		return;
	size_t i;
	json_t *event;
	json_array_foreach (json_object_get(run->scenario, "events"), i, event) {
		if (run->n_events != 0 && i >= run->n_events)
			break;
		world_run(w, script_at(w, json_object_get(event, "at")));
		if (w->broken.len == 0)
			world_event(w, event);
	}
	run_to_end(w, run->scenario);
	for (i = 0; i < w->n_messages && w->broken.len == 0; i++)
		if (!w->messages[i].is_deleted && !w->is_degraded)
			broken(w, "P1: message %zu is never finished", i + 1);
	if (w->broken.len == 0 &&
	    w->pending == NULL) /* a commit under way is ahead of the records */
		check_counts(w);
	if (w->broken.len > 0)
		pb_buf_adds(&run->failures, w->broken.ptr);
	if (w->broken.len == 0 && run->with_replies)
		expect_replies(w, &run->failures);
	if (w->broken.len == 0 && run->with_expect)
		expect_check(w, &run->failures);
	world_add_trace(w, &run->trace);
	run->points = w->points;
	run->n_seen = w->n_seen;
	run->n_crashes = w->n_crashes;
	run->played_for = w->now - w->start_at;
	world_free(w);
}

void
pb_scenario_run_fini(struct pb_scenario_run *run)
{
	pb_buf_fini(&run->failures);
	pb_buf_fini(&run->trace);
}
