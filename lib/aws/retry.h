/*
 * When to try again: the standard mode made uniform across SDKs in 2026.  No clock, no chance of
 * its own.
 *
 * Order on failure: not retryable -> return; attempts used up -> return; take tokens, none left ->
 * return; wait; sign again and send.  First attempts need no tokens.
 *
 * Two rules of ours on top.  An operation whose effect is `once` is repeated only when the failure
 * proves that the request was not taken.  Credentials found stale are refreshed once a call.
 */
#ifndef PB_AWS_RETRY_H
#define PB_AWS_RETRY_H

#include "aws/call.h"

#define PB_AWS_ATTEMPTS 3 /* counting the first */
#define PB_AWS_QUOTA 500 /* tokens a client starts with and never has more of */
#define PB_AWS_COST_THROTTLED 5
#define PB_AWS_COST_OTHER 14
#define PB_AWS_BACKOFF_MAX (20 * PB_SECOND) /* before jitter */
#define PB_AWS_BASE_THROTTLED PB_SECOND
#define PB_AWS_BASE_OTHER 50 /* ms */

/* One per client (service and region). */
struct pb_aws_quota {
	int tokens;
};
void pb_aws_quota_init(struct pb_aws_quota *q);

/* One per call. */
struct pb_aws_retry {
	int attempt; /* the one running or just done, from 1 */
	int max_attempts; /* PB_AWS_ATTEMPTS unless configured; at least 1 */
	int last_cost; /* tokens the last retry took; 0 = no retry yet */
	bool is_refreshed; /* stale credentials were answered by a refresh already */
};
void pb_aws_retry_init(struct pb_aws_retry *r, int max_attempts);

enum pb_aws_retry_why {
	PB_AWS_RETRY_AGAIN, /* wait, then attempt r->attempt (already counted up) */
	PB_AWS_RETRY_NOT_RETRYABLE, /* by its class */
	PB_AWS_RETRY_UNPROVEN, /* effect `once`, and it may have happened: outcome unknown */
	PB_AWS_RETRY_USED_UP, /* no attempts left */
	PB_AWS_RETRY_NO_QUOTA, /* no tokens left */
	PB_AWS_RETRY_WHY_MAX,
};
const char *pb_aws_retry_why_name(enum pb_aws_retry_why why);

struct pb_aws_retry_decision {
	enum pb_aws_retry_why why;
	/* Before the next attempt; with NO_QUOTA on a long poll before returning the error, so that
	 * a loop around the poll does not spin; else 0. */
	int64_t wait_for;
	bool is_refresh; /* get new credentials before the next attempt */
};

/* The attempt failed with `e`; `effect` is pb_aws_op_effect of the call. */
struct pb_aws_retry_decision
pb_aws_retry_failed(struct pb_aws_retry *r, struct pb_aws_quota *q, const struct pb_aws_op *op,
    enum pb_aws_effect effect, const struct pb_aws_error *e, struct pb_rand *rand);
/* The attempt succeeded: gives tokens back. */
void pb_aws_retry_succeeded(const struct pb_aws_retry *r, struct pb_aws_quota *q);

#endif
