/*
 * The standard retry policy.
 */
#include "aws/retry.h"

#define RETRY_AFTER_EXTRA_FOR (5 * PB_SECOND)

void
pb_aws_quota_init(struct pb_aws_quota *q)
{
	q->tokens = PB_AWS_QUOTA;
}

void
pb_aws_retry_init(struct pb_aws_retry *r, int max_attempts)
{
	*r = (struct pb_aws_retry){
	    .attempt = 1, .max_attempts = max_attempts > 1 ? max_attempts : 1};
}

const char *
pb_aws_retry_why_name(enum pb_aws_retry_why why)
{
	static const char *const names[] = {
	    [PB_AWS_RETRY_AGAIN] = "again",
	    [PB_AWS_RETRY_NOT_RETRYABLE] = "not retryable",
	    [PB_AWS_RETRY_UNPROVEN] = "may have happened",
	    [PB_AWS_RETRY_USED_UP] = "no attempts left",
	    [PB_AWS_RETRY_NO_QUOTA] = "retry quota empty",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_AWS_RETRY_WHY_MAX, "a name for each reason");
	return names[why];
}

static int64_t
backoff(const struct pb_aws_retry *r, const struct pb_aws_error *e, struct pb_rand *rand)
{
	int64_t span = e->class == PB_AWS_THROTTLED ? PB_AWS_BASE_THROTTLED : PB_AWS_BASE_OTHER;
	for (int i = 1; i < r->attempt && span < PB_AWS_BACKOFF_MAX; i++)
		span *= 2;
	if (span > PB_AWS_BACKOFF_MAX)
		span = PB_AWS_BACKOFF_MAX;
	int64_t t = (int64_t)(pb_rand_unit(rand) * (double)span);
	if (e->retry_after_for < 0)
		return t;
	int64_t most = t + RETRY_AFTER_EXTRA_FOR;
	int64_t asked = e->retry_after_for < most ? e->retry_after_for : most;
	return asked > t ? asked : t;
}

static bool
is_retryable(const struct pb_aws_retry *r, const struct pb_aws_error *e)
{
	/* New credentials that are refused too will not get better by asking a third time. */
	if (e->class == PB_AWS_CREDENTIALS_STALE && r->is_refreshed)
		return false;
	return e->is_retryable;
}

struct pb_aws_retry_decision
pb_aws_retry_failed(struct pb_aws_retry *r, struct pb_aws_quota *q, const struct pb_aws_op *op,
    enum pb_aws_effect effect, const struct pb_aws_error *e, struct pb_rand *rand)
{
	struct pb_aws_retry_decision d = {.why = PB_AWS_RETRY_AGAIN};
	if (!is_retryable(r, e)) {
		d.why = PB_AWS_RETRY_NOT_RETRYABLE;
		return d;
	}
	if (effect >= PB_AWS_CHECK_FIRST && !e->is_not_taken) {
		d.why = PB_AWS_RETRY_UNPROVEN;
		return d;
	}
	if (r->attempt >= r->max_attempts) {
		d.why = PB_AWS_RETRY_USED_UP;
		return d;
	}
	int cost = e->class == PB_AWS_THROTTLED ? PB_AWS_COST_THROTTLED : PB_AWS_COST_OTHER;
	int64_t wait_for = backoff(r, e, rand);
	if (q->tokens < cost) {
		d.why = PB_AWS_RETRY_NO_QUOTA;
		d.wait_for = op->is_long_poll ? wait_for : 0;
		return d;
	}
	q->tokens -= cost;
	r->last_cost = cost;
	r->attempt++;
	d.wait_for = wait_for;
	d.is_refresh = e->class == PB_AWS_CREDENTIALS_STALE;
	r->is_refreshed = r->is_refreshed || d.is_refresh;
	return d;
}

void
pb_aws_retry_succeeded(const struct pb_aws_retry *r, struct pb_aws_quota *q)
{
	q->tokens += r->last_cost ? r->last_cost : 1;
	if (q->tokens > PB_AWS_QUOTA)
		q->tokens = PB_AWS_QUOTA;
}
