/*
 * Programs run as direct children of the daemon: the driver for hosts without systemd, tests and
 * the demo.  (They share the daemon's sandbox and user; design, section 3, "Commands on the host".)
 *
 * A child gets: its own process group, nothing but descriptors 0, 1 and 2, exactly the environment
 * given, signals at their defaults and unblocked, a working directory.  No shell is involved: an
 * argument is an argument.
 *
 *   running   -> term      time limit, or cancelled   [SIGTERM to the group]
 *   term      -> kill      grace over                 [SIGKILL to the group]
 *   kill      -> lost      5 s later still not dead (stuck in the kernel); told as such, reaped
 * later any       -> ended     the direct child ended: what it wrote is read, the group is killed
 *
 * Grandchildren that hold the pipes do not keep us waiting; those that leave the group survive.
 */
#ifndef PB_IO_CHILD_H
#define PB_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "io/loop.h"

#define PB_CHILD_OUTPUT_DEFAULT (64U << 10)
#define PB_CHILD_OUTPUT_MAX (16U << 20)
#define PB_CHILD_GRACE_DEFAULT INT64_C(5000)
#define PB_CHILD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct pb_child;

enum pb_child_end {
	PB_CHILD_EXITED = 0, /* by itself, with `code` */
	PB_CHILD_SIGNALLED, /* by signal `code`, not ours */
	PB_CHILD_TIMED_OUT, /* `code` is how it ended then: the exit code, or 128 + signal */
	PB_CHILD_CANCELLED, /* the same after pb_child_cancel */
	PB_CHILD_NOT_STARTED, /* `code` is the errno; text names it */
	PB_CHILD_END_MAX,
};
const char *pb_child_end_name(enum pb_child_end end);

/* Copied by pb_child_start; nothing in it needs to outlive the call. */
struct pb_child_request {
	/* NULL-terminated.  argv[0] with a '/' is a path; without, it is looked for in PATH of
	 * `env`, or in PB_CHILD_PATH when that has none. */
	const char *const *argv;
	const char *const *env; /* "NAME=value", NULL-terminated: all of it; NULL = empty */
	const char *cwd; /* NULL = "/" */
	struct pb_str input; /* fed to stdin, then closed; a child that does not read it is fine */
	int64_t limit_for; /* ms; 0 = none */
	int64_t grace_for; /* ms from SIGTERM to SIGKILL; 0 = PB_CHILD_GRACE_DEFAULT */
	size_t max_output; /* bytes kept of stdout, and of stderr; 0 = PB_CHILD_OUTPUT_DEFAULT */
};

/* Borrowed: gone after the callback. */
struct pb_child_result {
	enum pb_child_end end;
	int code;
	/*
	 * Beyond max_output bytes the first half and the last half are kept, with
	 * "\n[... N bytes left out ...]\n" between.  Bytes as they came: not checked for UTF-8.
	 */
	struct pb_str out, err;
	uint64_t n_out, n_err; /* bytes that came in all */
	bool out_is_cut, err_is_cut;
	int64_t took; /* ms */
	const char *text; /* for people: "exit 3", "killed by signal 9 (Killed)", "... No such file
			     or directory" */
};

typedef void pb_child_fn(const struct pb_child_result *result, void *arg);

/*
 * Starts a program.  Always succeeds: a program that cannot be started comes as
 * PB_CHILD_NOT_STARTED. fn is called exactly once, from the loop, never from inside this function;
 * the handle ends with that call.
 */
struct pb_child *pb_child_start(
    struct pb_loop *loop, const struct pb_child_request *req, pb_child_fn *fn, void *arg);
/* As if its time were up: SIGTERM, grace, SIGKILL; fn comes with PB_CHILD_CANCELLED. */
void pb_child_cancel(struct pb_child *c);
/* SIGKILL to the group, at once, and wait for it; no callback.  The handle is gone.  NULL is fine.
 */
void pb_child_kill(struct pb_child *c);
/* Its process id while it runs; 0 when it did not start. */
int pb_child_pid(const struct pb_child *c);

#endif
