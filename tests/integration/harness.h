/*
 * The rig: a sandbox, a daemon and a client as real processes in a folder of their own.
 *
 * Used by the integration tests and by the demo.  Everything is on loopback and below one temporary
 * folder, so that rigs run side by side:
 *
 *	DIR/conf/playbookd.yaml   configuration, written by pb_rig_configure
 *	DIR/state/                store of the daemon
 *	DIR/api                   its socket
 *	DIR/steps                 one line "INCIDENT STEP ATTEMPT MODE ARGUMENT" for each run of DIR/step
 *	DIR/step                  the program that playbooks run; see pb_rig_step_modes below
 *	DIR/daemon.log, DIR/sandbox.log
 *
 * The processes end with the one that made the rig, however that ends.  Waiting is polling with a
 * deadline: the functions that take `limit_for` (ms) return as soon as what they wait for is so.
 */
#ifndef PB_TESTS_HARNESS_H
#define PB_TESTS_HARNESS_H

#include <sys/types.h>

#include "base/json.h"
#include "base/time.h"

#define PB_RIG_ACCOUNT "111122223333"
#define PB_RIG_REGION "us-east-1"
#define PB_RIG_ARN(service, name) "arn:aws:" service ":" PB_RIG_REGION ":" PB_RIG_ACCOUNT ":" name
#define PB_RIG_ENV_MAX 16

struct pb_rig {
	char *build; /* folder of the programs, absolute */
	char *dir;
	char *url; /* of the sandbox: "http://127.0.0.1:PORT" */
	char *socket;
	pid_t sandbox, daemon; /* 0 = does not run */
	size_t n_starts; /* of the daemon */
	char *env[PB_RIG_ENV_MAX]; /* further "NAME=value" of the daemon, overriding the usual */
	size_t n_env;
};

/*
 * Makes the folder and starts the sandbox with a queue "events", to which alarm transitions go as
 * EventBridge would send them, a queue "work", and a topic "pager" with a queue "inbox" subscribed.
 * The programs are looked for in $BUILD, or build.  PB_NOT_FOUND when they are not there.
 * fini may follow a failed init.
 */
int pb_rig_init(struct pb_rig *r, struct pb_error *err);
/* Kills what runs and removes the folder. */
void pb_rig_fini(struct pb_rig *r);

/*
 * Modes of DIR/step, its first argument:
 *	ok            ends with 0
 *	fail          writes a line to stderr, ends with 3
 *	fix NAME      sets alarm NAME to OK
 *	gate          waits until pb_rig_open_gate, then ends with 0
 *	say TEXT      writes TEXT to stdout
 */
int pb_rig_open_gate(struct pb_rig *r, struct pb_error *err);

/* Write DIR/NAME; "@DIR@" and "@URL@" in `text` are replaced. */
int pb_rig_write(struct pb_rig *r, const char *name, const char *text, struct pb_error *err);
int pb_rig_configure(struct pb_rig *r, const char *yaml, struct pb_error *err);
void pb_rig_setenv(struct pb_rig *r, const char *name, const char *value);
/* A file of the rig as text; "" when there is none.  The caller's to free. */
char *pb_rig_read(const struct pb_rig *r, const char *name);

/* --- the daemon */

/* Start it without waiting for anything. */
int pb_rig_launch(struct pb_rig *r, struct pb_error *err);
/* Start it and wait until its API answers. */
int pb_rig_start(struct pb_rig *r, struct pb_error *err);
bool pb_rig_ready(struct pb_rig *r, int64_t limit_for); /* does its API answer? */
/* SIGKILL, and reap. */
void pb_rig_kill(struct pb_rig *r);
void pb_rig_signal(struct pb_rig *r, int signal);
/* How it ended: exit status, 128 + signal, or -1 when it still runs after limit_for. */
int pb_rig_wait(struct pb_rig *r, int64_t limit_for);
bool pb_rig_is_running(struct pb_rig *r);

/*
 * Run one of our programs to its end, stdout and stderr together in *ret_output (the caller's to
 * free).  argv[0] is the name in the build folder.  Returns its exit status, 128 + signal, or -1
 * (ended by us after 20 s).
 */
int pb_rig_run(struct pb_rig *r, const char *const argv[], char **ret_output);
#define pb_rig_ctl(r, ret_output, ...)                                                             \
	pb_rig_run((r),                                                                            \
	    (const char *const[]){"playbookctl", "--socket", (r)->socket, __VA_ARGS__, NULL},      \
	    (ret_output))

/* --- asking */

/*
 * One request; *ret (may be NULL) is the caller's, NULL when the answer is no JSON.  Returns the HTTP
 * status, or -1 with err.
 */
int pb_rig_api(struct pb_rig *r, const char *method, const char *path, const char *body,
    json_t **ret, struct pb_error *err);
int pb_rig_sandbox(struct pb_rig *r, const char *method, const char *path, const char *body,
    json_t **ret, struct pb_error *err);

/* Put an alarm into a state, for a reason (NULL = any); it is made when there is none. */
int pb_rig_alarm(struct pb_rig *r, const char *name, const char *state, const char *reason,
    struct pb_error *err);
/* Add a fault rule: JSON as tests/sandbox/faults.h has it. */
int pb_rig_fault(struct pb_rig *r, struct pb_error *err, const char *fmt, ...) PB_PRINTF(3, 4);

/* --- waiting; NULL or false when the time is over */

/* Waits 20 ms; false when `until` has passed.  For loops of one's own. */
bool pb_rig_again(int64_t until);
int64_t pb_rig_now(void); /* ms, monotonic: what `until` is told in */
/*
 * The newest incident of that title (alarm name) in that state (NULL = any), as GET /v1/incidents
 * lists it.
 */
json_t *pb_rig_incident(struct pb_rig *r, const char *title, const char *state, int64_t limit_for);
/*
 * What was published on the pager and has `text` in it, in order, as GET /_sandbox/topics has it: waits
 * until there are n.  Never NULL: the list is shorter when the time is over.
 */
json_t *pb_rig_pages(struct pb_rig *r, const char *text, size_t n, int64_t limit_for);
const char *pb_rig_attribute(const json_t *page, const char *name); /* "" when absent */
bool pb_rig_logged(struct pb_rig *r, const char *text, int64_t limit_for);
/* At least n lines of DIR/steps have `text`; *ret_n (may be NULL) is how many there are. */
bool pb_rig_stepped(struct pb_rig *r, const char *text, size_t n, int64_t limit_for, size_t *ret_n);
/*
 * The notes of the trace with a number above `since`, oldest first; an empty list when the daemon does
 * not answer.  The caller's to free.
 */
json_t *pb_rig_notes(struct pb_rig *r, int64_t since);
/* At least n calls of an operation have been answered since call number `since`. */
bool
pb_rig_called(struct pb_rig *r, const char *operation, int64_t since, size_t n, int64_t limit_for);
int64_t pb_rig_last_call(struct pb_rig *r); /* number of the newest call in the journal */
/* Nothing is left on a queue, neither visible nor in flight. */
bool pb_rig_drained(struct pb_rig *r, const char *queue, int64_t limit_for);

/* Lines of text that have `part` in them. */
size_t pb_rig_count_lines(const char *text, const char *part);
void pb_rig_remove_tree(const char *path);
/* Print the ends of both logs to stdout, for who has to find out why. */
void pb_rig_show(const struct pb_rig *r);

#endif
