/*
 * The driver "exec" by way of playbookd-exec: what it is asked and what its answer means
 * (daemon/exec_serve.h has the lines).
 */
#ifndef PB_DAEMON_ACTIONS_HELPER_H
#define PB_DAEMON_ACTIONS_HELPER_H

#include <jansson.h>

#include "io/child.h"

/* The answer of a run: `limit` on what is kept of both outputs, as base64, and the rest. */
#define PB_HELPER_ANSWER_MAX (4 * (size_t)PB_CHILD_OUTPUT_MAX)
/* Beyond the program's own limit: TERM, KILL, and the helper's own start. */
#define PB_HELPER_GRACE (10 * PB_SECOND)

/* The line that asks for attempt `id`; the caller's. */
char *pb_helper_request(const char *id, const json_t *spec, int64_t limit_for);
extern const char pb_helper_cancel[]; /* the line that ends it early */

enum pb_helper_end {
	PB_HELPER_RAN, /* `child` says how it ended */
	PB_HELPER_REFUSED, /* nothing was started */
	PB_HELPER_UNKNOWN, /* nobody knows */
};
struct pb_helper_answer {
	enum pb_helper_end end;
	struct pb_child_result child; /* text is set for every end */
	struct pb_buf out, err, text; /* what child borrows */
};
/* Fails with PB_SYNTAX or PB_INVALID when the answer is none.  Always pb_helper_answer_fini. */
int pb_helper_answer_read(struct pb_str line, struct pb_helper_answer *ret, struct pb_error *err);
void pb_helper_answer_fini(struct pb_helper_answer *a);

#endif
