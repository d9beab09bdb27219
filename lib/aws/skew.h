/*
 * Clock skew: server time minus ours, learnt from the Date of every answer.  Sign with now + skew.
 */
#ifndef PB_AWS_SKEW_H
#define PB_AWS_SKEW_H

#include "aws/call.h"

struct pb_aws_skew {
	int64_t skew_for; /* ms, signed; 0 at first.  One per client. */
};

/*
 * An answer came.  sent_at and received_at are of our wall clock; elapsed_for is the monotonic time
 * between them. Passed over: an Age header (cached), no Date that can be read, more than 15 minutes
 * of waiting. `e` is the error of the answer or NULL.  If it is one that a wrong clock causes and
 * the skew, or its change since the attempt was signed, is above 4 minutes, it becomes class
 * PB_AWS_CLOCK and retryable, and true is returned.
 */
bool pb_aws_skew_learn(struct pb_aws_skew *s, const struct pb_aws_answer *answer, int64_t sent_at,
    int64_t received_at, int64_t elapsed_for, struct pb_aws_error *e);

#endif
