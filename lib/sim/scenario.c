/*
 * Playing a scenario.
 */
#include "sim/scenario.h"

#include <stdlib.h>

#include "base/json.h"
#include "sim/world.h"

static struct world *
make_world(struct scenario_run *run)
{
	struct pb_error err = {0};
	struct world *w = world_new(run->scenario, run->config, run->seed, &err);
	if (w == NULL) {
		pb_buf_addf(&run->failures, "%s\n", err.text);
		return NULL;
	}
	w->crash_at = pb_calloc(run->n_crash_at + 1, sizeof(size_t));
	if (run->n_crash_at > 0)
		memcpy(w->crash_at, run->crash_at, run->n_crash_at * sizeof(size_t));
	w->n_crash_at = run->n_crash_at;
	return w;
}

void
scenario_run(struct scenario_run *run)
{
	struct world *w = make_world(run);
	if (w == NULL)
		return;
	size_t i;
	json_t *event;
	json_array_foreach (json_object_get(run->scenario, "events"), i, event) {
		if (run->n_events != 0 && i >= run->n_events)
			break;
		world_run(w, w->start_at + span_of(json_object_get(event, "at")));
		if (w->broken.len == 0)
			world_event(w, event);
	}
	const json_t *until = json_object_get(run->scenario, "until");
	world_run(w, w->start_at + (until == NULL ? PB_HOUR : span_of(until)));

	for (i = 0; i < w->n_messages && w->broken.len == 0; i++)
		if (!w->messages[i].is_deleted && !w->is_degraded)
			broken(w, "P1: message %zu is never finished", i + 1);
	if (w->broken.len > 0)
		pb_buf_adds(&run->failures, w->broken.ptr);
	else if (run->with_expect)
		expect_check(w, &run->failures);
	world_add_trace(w, &run->trace);
	run->points = w->points;
	run->n_seen = w->n_seen;
	world_free(w);
}

void
scenario_run_fini(struct scenario_run *run)
{
	pb_buf_fini(&run->failures);
	pb_buf_fini(&run->trace);
}

size_t
scenario_play(json_t *scenario, uint64_t seed, const size_t *crash_at, size_t n_crash_at,
    bool with_expect, struct pb_buf *failures, bool with_trace)
{
	struct scenario_run run = {.scenario = scenario,
	    .seed = seed,
	    .crash_at = crash_at,
	    .n_crash_at = n_crash_at,
	    .with_expect = with_expect};
	scenario_run(&run);
	if (run.failures.len > 0)
		pb_buf_adds(failures, run.failures.ptr);
	if (with_trace && failures->len > 0 && run.trace.ptr != NULL)
		pb_buf_adds(failures, run.trace.ptr);
	scenario_run_fini(&run);
	return run.points;
}
