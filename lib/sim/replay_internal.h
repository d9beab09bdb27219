/*
 * One side of a replay, and what an incident came to on it.  Not for others.
 */
#ifndef PB_SIM_REPLAY_INTERNAL_H
#define PB_SIM_REPLAY_INTERNAL_H

#include "base/map.h"
#include "engine/pump.h"
#include "sim/replay.h"

enum doing_kind { DOING_STEP, DOING_ASK, DOING_PAGE };

struct doing {
	enum doing_kind kind;
	int64_t at;
	char *what;
	bool is_unsafe; /* a step that changes something */
};

/* An incident.  `key` is the event that opened it, which one of that event, and when. */
struct story {
	char *key, *identity, *title, *playbook, *owner;
	int64_t opened_at;
	struct doing *doings;
	size_t n, size;
	bool is_closed;
};

struct side {
	struct pb_config *config;
	struct pb_engine *engine;
	struct pb_pump *pump;
	int64_t now, poll_at;
	const struct pb_event *event; /* at hand */
	size_t n_opened; /* by it */
	struct pb_map *stories; /* key -> story, until compared */
	struct pb_map *by_incident; /* id -> story, borrowed */
	char **closed; /* keys, since the last look */
	size_t n_closed;
	struct pending *pending; /* actions under way, in order of time */
	size_t n_pending;
	struct pb_replay_count count;
};

void side_init(struct side *s, struct pb_config *config, int64_t at);
void side_fini(struct side *s);
void side_run(struct side *s, int64_t until);
void side_event(struct side *s, const char *source, const struct pb_event *event);
void story_free(void *story);

#endif
