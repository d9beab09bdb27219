/*
 * A question and its answer, each one line, over a Unix stream socket.
 *
 * More lines may be sent while the answer is awaited.  What the other side does with a line that it
 * has got is not undone by closing: that is for a line to say.
 */
#ifndef PB_IO_LINE_H
#define PB_IO_LINE_H

#include "base/text.h"
#include "io/loop.h"

struct pb_line_call;

/* Borrowed: gone after the callback. */
struct pb_line_result {
	struct pb_str answer; /* without its line end; empty when err is set */
	const struct pb_error *err; /* NULL = there is an answer */
	bool was_reached; /* the other side may have read the question */
};
typedef void pb_line_fn(const struct pb_line_result *result, void *arg);

/*
 * Connects to `path` and sends `line` (copied; the line end is added).  fn is called exactly once,
 * from the loop and never from inside this function: with the answer, when the connection fails or
 * ends without one, when it is longer than max_answer bytes, or after limit_for ms.  The handle
 * ends with that call.
 */
struct pb_line_call *pb_line_call_start(struct pb_loop *loop, const char *path, struct pb_str line,
    size_t max_answer, int64_t limit_for, pb_line_fn *fn, void *arg);
void pb_line_call_send(struct pb_line_call *c, struct pb_str line); /* one more line */
void pb_line_call_cancel(struct pb_line_call *c); /* closes; no callback.  NULL is fine. */

#endif
