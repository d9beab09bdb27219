/*
 * Learning the clock skew.
 */
#include "aws/skew.h"

#include "base/time.h"

#define WAIT_MAX_FOR (15 * PB_MINUTE)
#define TOLERATED_FOR (4 * PB_MINUTE)

static const char *const clock_codes[] = {"RequestTimeTooSkewed", "InvalidSignatureException",
    "SignatureDoesNotMatch", "AuthFailure", "AccessDeniedException", "RequestExpired",
    "RequestInTheFuture"};

static bool
may_be_clock(const struct pb_aws_error *e)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(clock_codes); i++)
		if (pb_aws_error_is(e, clock_codes[i]))
			return true;
	return false;
}

static bool
is_beyond(int64_t span)
{
	return span > TOLERATED_FOR || span < -TOLERATED_FOR;
}

bool
pb_aws_skew_learn(struct pb_aws_skew *s, const struct pb_aws_answer *answer, int64_t sent_at,
    int64_t received_at, int64_t elapsed_for, struct pb_aws_error *e)
{
	int64_t date;
	const char *text = pb_aws_headers_get(answer->headers, "Date");
	if (!text || pb_aws_headers_get(answer->headers, "Age") || elapsed_for > WAIT_MAX_FOR)
		return false;
	if (pb_time_parse_http(pb_str_of(text), &date, NULL) < 0)
		return false;

	int64_t skew = date - (sent_at + (received_at - sent_at) / 2);
	/* The published rule looks at the skew alone.  When a clock has been put right since, it is
	 * the old skew, signed with, that was refused. */
	bool is_far = is_beyond(skew) || is_beyond(skew - s->skew_for);
	s->skew_for = skew;
	if (!e || !is_far || !may_be_clock(e))
		return false;
	e->class = PB_AWS_CLOCK;
	e->is_retryable = true;
	return true;
}
