/*
 * The virtual world: the real engine, pump and store; time, AWS, children and people are played.
 *
 * A world runs one scenario: it delivers the events at their times, answers what the engine starts,
 * kills the process where it is told to and starts it again from what is durable.  After every turn of
 * the pump it checks the promises against what it has seen itself (invariants.c); a broken one is
 * written to `broken`.
 */
#ifndef PB_SIM_WORLD_H
#define PB_SIM_WORLD_H

#include <jansson.h>

#include "base/map.h"
#include "base/text.h"
#include "engine/pump.h"
#include "sim/disk.h"
#include "sim/oracle.h"
#include "sim/scenario.h"

/* What the outside sees: a step or a page that was started, an incident that changed. */
struct seen {
	int64_t at;
	const char *kind; /* one of expect_kinds */
	char *name; /* step, contact, state */
	char *detail; /* attempt id, channel, cause */
	char *incident;
	int64_t level; /* pages, from 1 */
	json_t *inputs;
	bool
	    is_retry; /* of a step whose attempt before failed, and is known to have done nothing */
};

/* Where in the trace something that was expected is due, or what should not have happened did. */
struct mark {
	int64_t at; /* PB_NEVER: at the end */
	char *text;
};

/* A command of people, and what it was answered; its place is the token of its input. */
struct asked {
	const json_t *event;
	enum pb_input_kind kind;
	const char *key; /* of the event */
	int status; /* 0 = nothing: the daemon died, or could not write it down */
	bool is_durable; /* it was taken, though the answer may have been lost */
	bool is_in_memory; /* by who has no store */
	char *error; /* why it was refused */
};

struct message {
	uint64_t receipt;
	struct pb_event *event; /* NULL: cannot be read */
	bool is_deleted, is_delivered;
	int64_t
	    again_at; /* in flight until then, though it was decided; 0 = until the process ends */
};

struct running {
	bool is_kept; /* by playbookd-exec: it outlives the daemon */
	bool is_unawaited; /* kept, and the daemon has died or heard of it */
	char *action_id;
	char *incident;
	bool is_page;
	int64_t due_at; /* PB_NEVER: hangs */
	struct pb_outcome outcome;
};

/* An oracle's own book of incidents, from committed records only. */
struct book {
	char *id;
	int64_t page_by_at;
	int64_t paged_at; /* first page started since it was opened or reopened; 0 = none */
	int64_t n_reopened;
	char *playbook;
	int64_t began_at;
	json_t *bundles; /* what its ladder says: with whom it is told, and since which page */
	bool is_resolved, is_acked, is_armed;
	bool is_stepping; /* a step's attempt is in flight */
};

struct world {
	json_t *scenario;
	struct pb_config *config;
	int64_t start_at, now, up_since;
	int64_t jumped_for; /* over which `now` leapt: the script goes on from there */
	int64_t wall_ahead; /* the host's wall clock minus `now`, which nobody sets back */
	int64_t aws_ahead; /* AWS's clock, which nobody sets at all, minus `now` */
	struct disk *disk;
	struct pb_engine *engine;
	struct pb_pump *pump;
	uint64_t seed;

	/* the played outside */
	struct pb_map *answers_used; /* key -> boxed count */
	struct running *running;
	size_t n_running;
	struct message *messages;
	size_t n_messages;
	json_t *alarms; /* name -> {state, at} as CloudWatch has them */
	int64_t poll_at, polled_at;
	bool has_poller, is_poller_off;
	char *poller, *queue, *region; /* the sources' names; where alarms are */
	int64_t poll_every, visible_after; /* a message that was received is there again */
	json_t *mutes; /* name of a mute rule -> {alarms, until} */
	bool honours_mutes, are_mutes_lost;
	json_t *reported; /* name -> "STATE at" as this process has polled them */

	/* faults */
	size_t points; /* places so far where the process could have died */
	size_t *crash_at; /* ascending numbers of points; */
	size_t n_crash_at;
	bool (*dies_at)(void *arg, size_t point, int64_t played_for); /* NULL = at crash_at only */
	void *dies_arg;
	bool is_crashed;
	bool is_store_bad; /* it cannot be written */
	bool
	    is_degraded; /* it could not, when this process started: all that it decides is in memory */
	int64_t look_at; /* such a process looks whether it can be written again */
	struct durable *durable; /* the books as they were when such a process started; else NULL */
	int64_t down_for; /* after such a crash */
	size_t n_crashes;
	size_t fail_commits; /* commits that fail from now on */
	int64_t commit_takes;
	const struct pb_update *pending;
	int64_t pending_at;

	struct asked *asked;
	size_t n_asked;
	bool asks_again; /* what was not taken when the process died */
	const struct pb_scenario_config *configs; /* to change to */
	size_t n_configs;

	/* what was observed */
	struct seen *seen;
	size_t n_seen;
	struct pb_buf trace;
	bool is_quiet; /* no trace is kept */
	bool with_ids; /* of incidents, in the trace */
	unsigned promises; /* that are judged, as pb_scenario_run has them */
	struct oracle *oracle;
	struct pb_map *books; /* incident -> struct book */
	struct pb_map *committed; /* "kind/key" -> state of a committed record */
	struct pb_map *unknown; /* "INCIDENT/STEP" of attempts that nobody knows the outcome of */
	struct pb_map *attempts; /* attempt ids that were started */
	struct pb_map *effects; /* "INCIDENT/STEP" that have changed something outside */
	struct pb_map
	    *harmless; /* "INCIDENT/STEP" whose last attempt is known to have done nothing */
	struct pb_cells *cells; /* where the engine counts; NULL = nowhere */
	struct pb_buf broken; /* promises that did not hold; empty = none */
	struct mark *marks;
	size_t n_marks;
};

/*
 * `scenario` is borrowed, `config` counted up; without one (NULL) the scenario's own text is read.
 * `is_plain`: with the model of the store (sim/disk.h).  NULL with err when either is no good.
 */
struct world *world_new(json_t *scenario, struct pb_config *config, uint64_t seed, bool is_plain,
    struct pb_cells *cells, struct pb_error *err);
void world_free(struct world *w);

/* Run to `at`; returns early when a promise is broken. */
void world_run(struct world *w, int64_t at);
/* Nothing is open or under way, and until then nothing is due but polls and audits of nothing. */
bool world_is_still(const struct world *w, int64_t until);
/* The store can be written again; a process that runs without it sees that at its next look. */
void world_heal_store(struct world *w);
/* Kill the process now; it is started again after `down`. */
void world_kill(struct world *w, int64_t down);

/* world_script.c */
/* One scripted event of the scenario, due now. */
void world_event(struct world *w, const json_t *event);
void source_poll(struct world *w); /* as the poller: in ALARM, or changed since it last looked */
void source_deliver_all(struct world *w); /* as a queue: what is neither deleted nor in flight */
void world_ask_again(struct world *w); /* after a start: commands that nobody will answer */

/* world_drivers.c: operations of the pump, `arg` is the world */
void driver_start(void *arg, const struct pb_action *a);
void driver_cancel(void *arg, const char *id);
void driver_answer(struct world *w, size_t i); /* running[i] is due: its outcome goes in */
void driver_drop(struct world *w, size_t i); /* running[i] is heard of no more */

/* world_lost.c: what a process that has no store takes with it */
void durable_keep(struct world *w); /* the books are those of what is durable */
void durable_all(struct world *w); /* what it has in memory has been handed over */
/* It has died: the books go back, if it had no store.  Returns how many incidents are gone with it. */
size_t durable_return(struct world *w);

/* invariants.c */
void check_commit(struct world *w, const struct pb_update *u); /* after it became durable */
void check_start(struct world *w, const struct pb_action *a);
void check_receipt(struct world *w, const struct message *m);
/* Nobody will ever know whether this attempt took effect. */
void check_unknown(struct world *w, const char *action_id);
/* An attempt of this "INCIDENT/STEP" took effect. */
void check_effect(struct world *w, const char *step);
void check_turn(struct world *w);
void check_counts(struct world *w); /* at the end */
void check_oracle(void *arg, const char *line); /* what the oracle says */
void broken(struct world *w, const char *fmt, ...) PB_PRINTF(2, 3);
void book_free(void *b);

/* world.c, for the others */
void world_post(struct world *w, struct pb_input *in); /* everything goes in by here */
void world_tell_clock(struct world *w); /* the engine, how far ahead the wall clock is */
/* One more place where the process could die; true when it does, or has already. */
bool world_dies_here(struct world *w);
void world_see(struct world *w, const char *kind, const char *name, const char *detail,
    const char *incident, int64_t level, const json_t *inputs);

/* Each command was accepted, or refused where its event says so; adds to `failures` which was not. */
void expect_replies(struct world *w, struct pb_buf *failures);
/* expect.c: what the scenario says must have happened; adds to `failures` what did not */
void expect_check(struct world *w, struct pb_buf *failures);
/* "step", "page", ...: what can be expected; NULL ends the list. */
extern const char *const expect_kinds[];

/* The trace with its marks, each before the first line that is later. */
void world_add_trace(const struct world *w, struct pb_buf *b);

/* A duration of a scenario ("90s").  What reads scenarios has checked it: ends the process when it
 * is none. */
int64_t span_of(const json_t *j);

#endif
