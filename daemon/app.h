/*
 * The daemon: core, drivers, sources and API in one loop, from start to exit.
 *
 *	start	configuration, store, API socket, boot committed and acted on, sources, READY
 *	reload	SIGHUP or POST /v1/reload: all or nothing; open incidents keep their plan
 *	drain	SIGTERM or SIGINT: sources stop, no further step starts, what runs has 20 s
 *	exit	with one of the statuses below
 */
#ifndef PB_DAEMON_APP_H
#define PB_DAEMON_APP_H

#include "base/error.h"

#define PB_APP_DRAIN_FOR INT64_C(20000)

enum pb_app_exit {
	PB_APP_EXIT_OK = 0, /* drained */
	PB_APP_EXIT_CHECK = 1, /* --check found problems */
	PB_APP_EXIT_USAGE = 2, /* the command line */
	PB_APP_EXIT_BUSY = 69, /* another playbookd has the state or the socket */
	PB_APP_EXIT_SYSTEM = 71, /* loop, signals */
	PB_APP_EXIT_STORE = 74, /* a commit failed: the next start goes on from what is durable */
	PB_APP_EXIT_AGAIN = 75, /* degraded, and the store can be written again: start anew */
	PB_APP_EXIT_CONFIG = 78, /* the configuration cannot be used and there is none of before, or
				  * the store is a newer playbookd's: somebody has to see to it */
};

struct pb_app_options {
	const char *config_dir;
	const char *state_dir; /* NULL = daemon.state_dir, $STATE_DIRECTORY, /var/lib/playbookd */
	const char
	    *socket; /* NULL = daemon.api.socket, $RUNTIME_DIRECTORY/playbookd.sock, /run/... */
};

/* Runs until the daemon ends; logs; returns the exit status. */
enum pb_app_exit pb_app_run(const struct pb_app_options *options);

#endif
