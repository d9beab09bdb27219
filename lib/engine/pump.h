/*
 * The pump: decide, commit, act, in that order.
 *
 * All inputs that wait in the inbox are stepped, then committed once, then acted on.  The commit may
 * complete later: the pump waits for it while the inbox fills.  The daemon and the simulator share it.
 *
 *	idle -> committing [pb_pump_turn]	inbox stepped into one update, handed to the store
 *	committing -> idle [pb_pump_committed]	acted on; turns again while the inbox has inputs
 *	committing -> failed [pb_pump_committed] the engine is ahead of the disk: the process must end
 */
#ifndef PB_ENGINE_PUMP_H
#define PB_ENGINE_PUMP_H

#include "engine/engine.h"

#define PB_PUMP_BATCH_MAX 256 /* inputs of one commit */

struct pb_pump;

struct pb_pump_ops {
	int64_t (*now)(void *arg); /* durable time */
	/*
	 * Make `u` durable, then call pb_pump_committed: at once or later, exactly once.  `u` stays
	 * the pump's and is good until then.
	 */
	void (*commit)(void *arg, struct pb_pump *pump, const struct pb_update *u);
	/* After the commit.  Each may post inputs; none may free the pump. */
	void (*start)(void *arg, const struct pb_action *action);
	void (*cancel)(void *arg, const char *action_id);
	void (*receipt)(void *arg, uint64_t receipt);
	void (*reply)(void *arg, const struct pb_reply *reply);
	void (*note)(void *arg, const struct pb_note *note);
	/* The commit failed. The daemon says so and ends the process; nothing was acted on. */
	void (*failed)(void *arg, const struct pb_error *err);
	/* The inbox has its first input, or the next deadline moved: call pb_pump_turn soon, at `at` at the latest. */
	void (*wake)(void *arg, int64_t at);
};

struct pb_pump *pb_pump_new(struct pb_engine *engine, const struct pb_pump_ops *ops, void *arg);
void pb_pump_free(struct pb_pump *p); /* the engine stays the caller's */

void
pb_pump_post(struct pb_pump *p, struct pb_input *in); /* takes it over; never calls back but wake */
void pb_pump_turn(struct pb_pump *p); /* does nothing while a commit is under way */
void pb_pump_committed(struct pb_pump *p, int result, const struct pb_error *err);
bool pb_pump_is_idle(const struct pb_pump *p); /* nothing waits and no commit is under way */
size_t pb_pump_n_waiting(const struct pb_pump *p);
uint64_t pb_pump_n_turns(const struct pb_pump *p); /* for the watchdog: real progress */
uint64_t pb_pump_n_taken(const struct pb_pump *p); /* inputs stepped so far, for who checks them */

#endif
