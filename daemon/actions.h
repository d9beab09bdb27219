/*
 * The drivers: they do what the engine decided and say what became of it.
 *
 * "exec" starts a program as a direct child (io/child.h) or, where its spec names a helper's socket,
 * asks playbookd-exec there (daemon/exec_serve.h); "aws" makes a call (daemon/client.h);
 * "http" sends a request (daemon/actions_http.h).
 * Each started action gives exactly one outcome, always later and from the loop, also when its spec
 * cannot be used.
 *
 * Error names of exec: Exec.Exit.N, Exec.Signal.TERM (the signal's name), States.Timeout (status
 * TIMEOUT), Exec.NotFound, Exec.NotExecutable, Exec.StartFailed; by the helper also Exec.Refused (not
 * in its catalogue), Exec.NoHelper and Exec.Unknown (it was cut off).  Those of aws are the service's
 * codes, Network.*, Credentials.Unavailable, Client.Invalid, MD5Mismatch and States.Timeout; a spec
 * that no driver understands is Driver.Invalid, an id that runs already Driver.Duplicate.
 *
 * Standard output that is a JSON object becomes the output, anything else {"text": ...}.  A direct
 * child never ends unknown: that a program was killed at its limit is known, what it had done until then
 * is for the playbook's retry rules to judge.
 */
#ifndef PB_DAEMON_ACTIONS_H
#define PB_DAEMON_ACTIONS_H

#include "daemon/client.h"
#include "engine/record.h"

#define PB_ACTIONS_MESSAGE_MAX 1024 /* bytes of an outcome's message */
/* Programs of steps that run at once; further ones wait for a place within their limit, then they fail
 * with Exec.Busy, of class Throttling.  Those that tell stakeholders have places of their own; pages do
 * not wait.  Both together leave a third of what systemd's unit lets connect to the helper at once. */
#define PB_ACTIONS_PROGRAMS_MAX 32
#define PB_ACTIONS_POSTS_MAX 8

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

/* `action` is copied.   */
void pb_actions_start(struct pb_actions *a, const struct pb_action *action);
/* The outcome then says CANCELLED, unless it was over before.  Unknown ids are ignored. */
void pb_actions_cancel(struct pb_actions *a, const char *id);
/* Started and without an outcome so far: at work, and programs that wait for a place. */
size_t pb_actions_n_running(const struct pb_actions *a);
size_t pb_actions_n_waiting(const struct pb_actions *a);

#endif
