/*
 * Claims: that an attempt was begun, and how it ended, kept in a directory.
 *
 * A claim is a file named after the attempt's id, or its digest where that is too long for a name.  It appears whole, with its owner's process id in
 * it, before the program is started, and at most once: whoever comes second finds it.  Its owner
 * keeps it locked until it ends; the result is its second line.  A claim that is neither locked nor
 * has a result is of a run that was cut off, and nobody knows what it did.
 */
#ifndef PB_DAEMON_EXEC_CLAIM_H
#define PB_DAEMON_EXEC_CLAIM_H

#include "base/text.h"

#define PB_CLAIM_ID_MAX 1024 /* letters, digits and ._@/- */
#define PB_CLAIM_RESULT_MAX (48U << 20)

struct pb_claim {
	int fd;
	bool is_ours; /* else somebody else's, begun before */
	int owner; /* its process id */
};

/* Takes the claim, durably, or opens the one that is there.  `dir` must exist.  PB_INVALID for an
 * id that is none, PB_IO. */
int pb_claim_take(const char *dir, const char *id, struct pb_claim *ret, struct pb_error *err);
/* The claim that is there; PB_NOT_FOUND, and the errors of pb_claim_take. */
int pb_claim_find(const char *dir, const char *id, struct pb_claim *ret, struct pb_error *err);
/* Ours: how it ended; durable when it returns. */
int pb_claim_end(struct pb_claim *c, struct pb_str result, struct pb_error *err);
/* Somebody else's: does its owner still hold it? */
bool pb_claim_is_held(const struct pb_claim *c);
/* Somebody else's, not held any more: its result; PB_NOT_FOUND when it was cut off. */
int pb_claim_result(const struct pb_claim *c, struct pb_buf *ret, struct pb_error *err);
void pb_claim_fini(struct pb_claim *c);

#endif
