/*
 * playbookd-exec: one request, one program, one answer.
 *
 * The service manager starts it for each connection to its socket (Accept=yes).  It runs what the
 * catalogue lists (playbook/catalogue.h), as the user listed there, and claims the attempt first
 * (daemon/exec_claim.h): a request that comes again, after the daemon was restarted, gets the outcome
 * of the first one and starts nothing.  When it ends, the manager ends whatever the program left.
 *
 * Lines, each a JSON object:
 *	-> {"id": ATTEMPT, "argv": [..], "env": {..}, "stdin": ..., "limit": MS, "capture": BYTES}
 *	   "may_begin": false only asks how an attempt ended that was begun before
 *	-> {"cancel": true}		while it runs; closing the connection cancels nothing
 *	<- {"end": "exited", "code": 0, "out": BASE64, "err": BASE64, "text": "exit 0", ...}
 *
 * `end` is a name of enum pb_child_end (io/child.h), or "refused" (nothing was started, `text` says why), or "unknown"
 * (begun before and cut off: nobody knows what it did).
 */
#ifndef PB_DAEMON_EXEC_SERVE_H
#define PB_DAEMON_EXEC_SERVE_H

#include <stdio.h>

#include "base/text.h"
#include "base/time.h"

#define PB_EXEC_REQUEST_MAX (2U << 20)
#define PB_EXEC_REQUEST_FOR (10 * PB_SECOND) /* to send the request in */

struct pb_exec_options {
	const char
	    *catalogue; /* a file of root, or of whom we run as, that nobody else can write */
	const char *claims; /* a directory */
	int fd; /* the connection */
};

/* Is the catalogue good?  All that is wrong with it goes to `out`, one a line.  0 or -1. */
int pb_exec_check(const char *catalogue, FILE *out);

/* Serves it.  0 when an answer was given, also a refusal; -1 when there was nobody to answer. */
int pb_exec_serve(const struct pb_exec_options *options, struct pb_error *err);

#endif
