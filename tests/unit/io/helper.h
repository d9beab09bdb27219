/*
 * What the tests of lib/io share: a loop that runs until something is so, a directory of the test's
 * own, and a TCP server that misbehaves as told.
 */
#ifndef PB_TESTS_IO_HELPER_H
#define PB_TESTS_IO_HELPER_H

#include <stdbool.h>

#include "io/loop.h"
#include "tests/unit/runner.h"

struct pb_loop *io_loop(void);
/* Runs the loop until *done; Check's own limit ends a test where it never is. */
void io_run_until(struct pb_loop *loop, const bool *done);
/* A directory that goes when the test's process ends. */
const char *io_tmpdir(void);
char *io_tmpfile(const char *name); /* the caller's */

/* Reads the head of each request, then does this. */
enum io_fault {
	IO_ANSWER, /* sends `answer`, keeps the connection */
	IO_ANSWER_CLOSE, /* sends `answer`, closes */
	IO_ANSWER_RESET, /* sends `answer`, resets */
	IO_RESET_AT_ONCE, /* resets as soon as something came */
	IO_SILENT, /* takes the request and says nothing */
	IO_DRIP, /* a byte of `answer` each 20 ms */
	IO_ENDLESS, /* sends `answer`, then x for ever */
};
struct io_server {
	struct pb_loop *loop;
	enum io_fault fault;
	const char *answer;
	int fd, port;
	struct pb_loop_watch *watch;
	struct io_conn *conns;
	unsigned n_connections, n_requests;
	char last[8192]; /* the last request */
};
void
io_server_start(struct io_server *s, struct pb_loop *loop, enum io_fault fault, const char *answer);
void io_server_stop(struct io_server *s); /* closes all it has open */
char *io_server_url(const struct io_server *s, const char *path); /* the caller's */

#endif
