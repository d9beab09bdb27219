/*
 * Playing a scenario.
 */
#include "sim/scenario.h"

#include <stdlib.h>

#include "base/json.h"
#include "sim/world.h"

size_t
scenario_play(json_t *scenario, uint64_t seed, const size_t *crash_at, size_t n_crash_at,
    bool with_expect, struct pb_buf *failures, bool with_trace)
{
	struct pb_error err = {0};
	struct world *w = world_new(scenario, seed, &err);
	if (w == NULL) {
		pb_buf_addf(failures, "%s\n", err.text);
		return 0;
	}
	w->crash_at = pb_calloc(n_crash_at + 1, sizeof(size_t));
	if (n_crash_at > 0)
		memcpy(w->crash_at, crash_at, n_crash_at * sizeof(size_t));
	w->n_crash_at = n_crash_at;

	size_t i;
	json_t *event;
	json_array_foreach (json_object_get(scenario, "events"), i, event) {
		world_run(w, w->start_at + span_of(json_object_get(event, "at")));
		if (w->broken.len == 0)
			world_event(w, event);
	}
	const json_t *until = json_object_get(scenario, "until");
	world_run(w, w->start_at + (until == NULL ? PB_HOUR : span_of(until)));

	for (i = 0; i < w->n_messages && w->broken.len == 0; i++)
		if (!w->messages[i].is_deleted && !w->is_degraded)
			broken(w, "P1: message %zu is never finished", i + 1);
	if (w->broken.len > 0)
		pb_buf_adds(failures, w->broken.ptr);
	else if (with_expect)
		expect_check(w, failures);
	if (with_trace && failures->len > 0 && w->trace.ptr != NULL)
		pb_buf_adds(failures, w->trace.ptr);
	size_t points = w->points;
	world_free(w);
	return points;
}
