/*
 * The drivers: they do what the engine decided and say what became of it.
 *
 * "exec" starts a program as a direct child (io/child.h); "aws" makes a call (daemon/client.h).
 * Each started action gives exactly one outcome, always later and from the loop, also when its spec
 * cannot be used.
 *
 * Error names of exec: Exec.Exit.N, Exec.Signal.TERM (the name of the signal), States.Timeout
 * (status TIMEOUT), Exec.NotFound, Exec.NotExecutable, Exec.StartFailed, Exec.Output (more than the
 * cap, or a JSON object nested too deep: never an error, the text is kept instead).  Those of aws
 * are the service's codes, "Network.*" and "States.Timeout".
 */
#ifndef PB_DAEMON_ACTIONS_H
#define PB_DAEMON_ACTIONS_H

#include "daemon/client.h"
#include "engine/record.h"

#define PB_ACTIONS_MESSAGE_MAX 1024 /* bytes of an outcome's message */

struct pb_actions;

struct pb_actions_ops {
	/* Takes the outcome over: pb_outcome_fini and free, as pb_input_free does. */
	void (*post)(void *arg, struct pb_outcome *outcome);
};

/* The client is borrowed and must live longer. */
struct pb_actions *pb_actions_new(
    struct pb_loop *loop, struct pb_client *client, const struct pb_actions_ops *ops, void *arg);
/* Kills the children that run, ends the calls; no outcomes.  NULL is fine. */
void pb_actions_free(struct pb_actions *a);
PB_DEFINE_CLEANUP(struct pb_actions, pb_actions_free)

/* `action` is copied.  An id that runs already is refused by an outcome of its own: a bug of ours. */
void pb_actions_start(struct pb_actions *a, const struct pb_action *action);
/* The outcome then says CANCELLED, unless it was over before.  Unknown ids are ignored. */
void pb_actions_cancel(struct pb_actions *a, const char *id);
size_t pb_actions_n_running(const struct pb_actions *a);

#endif
