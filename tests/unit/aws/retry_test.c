/*
 * Retries and clock skew.
 */
#include "aws/retry.h"

#include <stdio.h>

#include "aws/skew.h"
#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

static struct pb_aws_error
error_of(const char *code, int status)
{
	struct pb_aws_error e = {.http_status = status, .retry_after_for = -1};
	e.class = pb_aws_classify(code, status);
	e.is_retryable = e.class == PB_AWS_THROTTLED || e.class == PB_AWS_TRANSIENT ||
	    e.class == PB_AWS_CREDENTIALS_STALE;
	e.is_not_taken = e.class == PB_AWS_THROTTLED || status < 500;
	snprintf(e.code, sizeof(e.code), "%s", code);
	return e;
}

static const struct {
	const char *code;
	int status, attempt, tokens;
	enum pb_aws_effect effect;
	enum pb_aws_retry_why why;
	int tokens_after;
} decisions[] = {
    {"Throttling", 400, 1, 500, PB_AWS_READ, PB_AWS_RETRY_AGAIN, 495},
    {"InternalError", 500, 1, 500, PB_AWS_READ, PB_AWS_RETRY_AGAIN, 486},
    {"InternalError", 500, 2, 500, PB_AWS_IDEMPOTENT, PB_AWS_RETRY_AGAIN, 486},
    {"InternalError", 500, 3, 500, PB_AWS_READ, PB_AWS_RETRY_USED_UP, 500},
    {"InternalError", 500, 1, 13, PB_AWS_READ, PB_AWS_RETRY_NO_QUOTA, 13},
    {"InternalError", 500, 1, 14, PB_AWS_READ, PB_AWS_RETRY_AGAIN, 0},
    {"Throttling", 400, 1, 4, PB_AWS_READ, PB_AWS_RETRY_NO_QUOTA, 4},
    {"ValidationError", 400, 1, 500, PB_AWS_READ, PB_AWS_RETRY_NOT_RETRYABLE, 500},
    {"AccessDenied", 403, 3, 0, PB_AWS_READ, PB_AWS_RETRY_NOT_RETRYABLE, 0},
    {"InternalError", 500, 1, 500, PB_AWS_ONCE, PB_AWS_RETRY_UNPROVEN, 500},
    {"InternalError", 500, 1, 500, PB_AWS_TOKEN, PB_AWS_RETRY_AGAIN, 486},
    {"Throttling", 503, 1, 500, PB_AWS_ONCE, PB_AWS_RETRY_AGAIN, 495},
    {"ExpiredToken", 400, 1, 500, PB_AWS_ONCE, PB_AWS_RETRY_AGAIN, 486},
};

START_TEST(a_failure_is_decided_in_order)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 1);
	struct pb_aws_quota q = {decisions[_i].tokens};
	struct pb_aws_retry r;
	pb_aws_retry_init(&r, PB_AWS_ATTEMPTS);
	r.attempt = decisions[_i].attempt;
	struct pb_aws_error e = error_of(decisions[_i].code, decisions[_i].status);
	struct pb_aws_retry_decision d = pb_aws_retry_failed(
	    &r, &q, pb_aws_op_find("sns", "Publish"), decisions[_i].effect, &e, &rand);
	ck_assert_str_eq(pb_aws_retry_why_name(d.why), pb_aws_retry_why_name(decisions[_i].why));
	ck_assert_int_eq(q.tokens, decisions[_i].tokens_after);
	bool is_again = d.why == PB_AWS_RETRY_AGAIN;
	ck_assert_int_eq(r.attempt, decisions[_i].attempt + is_again);
	ck_assert(is_again || d.wait_for == 0);
	ck_assert_int_eq(d.is_refresh, e.class == PB_AWS_CREDENTIALS_STALE);
}
END_TEST

static const struct {
	enum pb_aws_net why;
	enum pb_aws_retry_why once, idempotent;
} networks[] = {
    {PB_AWS_NET_CONNECT, PB_AWS_RETRY_AGAIN, PB_AWS_RETRY_AGAIN},
    {PB_AWS_NET_TIMEOUT, PB_AWS_RETRY_UNPROVEN, PB_AWS_RETRY_AGAIN},
    {PB_AWS_NET_RESET, PB_AWS_RETRY_UNPROVEN, PB_AWS_RETRY_AGAIN},
    {PB_AWS_NET_CUT, PB_AWS_RETRY_UNPROVEN, PB_AWS_RETRY_AGAIN},
    {PB_AWS_NET_TOO_BIG, PB_AWS_RETRY_NOT_RETRYABLE, PB_AWS_RETRY_NOT_RETRYABLE},
};

START_TEST(what_may_have_happened_is_not_done_again)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 1);
	struct pb_aws_error e;
	pb_aws_error_network(networks[_i].why, "x", &e);
	const enum pb_aws_effect effects[] = {PB_AWS_ONCE, PB_AWS_IDEMPOTENT};
	for (int i = 0; i < 2; i++) {
		struct pb_aws_quota q;
		struct pb_aws_retry r;
		pb_aws_quota_init(&q);
		pb_aws_retry_init(&r, PB_AWS_ATTEMPTS);
		struct pb_aws_retry_decision d = pb_aws_retry_failed(
		    &r, &q, pb_aws_op_find("sns", "Publish"), effects[i], &e, &rand);
		ck_assert_int_eq(d.why, i == 0 ? networks[_i].once : networks[_i].idempotent);
	}
}
END_TEST

START_TEST(backoff_doubles_up_to_its_cap)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 3);
	const struct pb_aws_op *op = pb_aws_op_find("sqs", "GetQueueUrl");
	for (int throttled = 0; throttled < 2; throttled++) {
		struct pb_aws_error e =
		    throttled ? error_of("Throttling", 400) : error_of("x", 500);
		int64_t base = throttled ? 1000 : 50;
		for (int attempt = 1; attempt < 40; attempt++) {
			int64_t cap = attempt < 20 ? base << (attempt - 1) : 20000, most = 0;
			if (cap > 20000)
				cap = 20000;
			for (int i = 0; i < 200; i++) {
				struct pb_aws_quota q = {500};
				struct pb_aws_retry r = {.attempt = attempt, .max_attempts = 99};
				struct pb_aws_retry_decision d =
				    pb_aws_retry_failed(&r, &q, op, PB_AWS_READ, &e, &rand);
				ck_assert_int_ge(d.wait_for, 0);
				ck_assert_int_lt(d.wait_for, cap);
				if (d.wait_for > most)
					most = d.wait_for;
			}
			ck_assert_int_gt(most, cap * 8 / 10);
		}
	}
}
END_TEST

static const struct {
	int64_t asked, min, max; /* of the wait */
} afters[] = {
    {-1, 0, 49}, {0, 0, 49}, {1500, 1500, 1500}, {4000, 4000, 4000},
    {600000, 5000, 5049}, /* no more than 5 s above the computed backoff */
};

START_TEST(the_server_may_ask_for_a_longer_wait)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 4);
	struct pb_aws_error e = error_of("x", 500);
	e.retry_after_for = afters[_i].asked;
	for (int i = 0; i < 100; i++) {
		struct pb_aws_quota q = {500};
		struct pb_aws_retry r;
		pb_aws_retry_init(&r, 3);
		struct pb_aws_retry_decision d = pb_aws_retry_failed(
		    &r, &q, pb_aws_op_find("sqs", "GetQueueUrl"), PB_AWS_READ, &e, &rand);
		ck_assert_int_ge(d.wait_for, afters[_i].min);
		ck_assert_int_le(d.wait_for, afters[_i].max);
	}
}
END_TEST

START_TEST(retry_after_is_read_from_the_answer)
{
	static const struct {
		const char *header;
		int64_t value;
	} rows[] = {{"x-amz-retry-after: 1500", 1500}, {"x-amz-retry-after: -1", -1},
	    {"x-amz-retry-after: soon", -1}, {"X-Amz-Retry-After:0", 0}, {"", -1}};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		struct answer x;
		answer_init(&x, 503, rows[i].header, "");
		json_t *out;
		struct pb_aws_error e;
		ck_assert_int_eq(
		    pb_aws_call_parse(pb_aws_op_find("sqs", "GetQueueUrl"), &x.a, &out, &e), -1);
		ck_assert_int_eq(e.retry_after_for, rows[i].value);
		answer_fini(&x);
	}
}
END_TEST

START_TEST(a_long_poll_without_quota_still_waits)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 5);
	struct pb_aws_error e = error_of("Throttling", 400);
	int64_t sum = 0;
	for (int i = 0; i < 20; i++) {
		struct pb_aws_quota q = {0};
		struct pb_aws_retry r;
		pb_aws_retry_init(&r, 3);
		struct pb_aws_retry_decision d = pb_aws_retry_failed(
		    &r, &q, pb_aws_op_find("sqs", "ReceiveMessage"), PB_AWS_READ, &e, &rand);
		ck_assert_int_eq(d.why, PB_AWS_RETRY_NO_QUOTA);
		sum += d.wait_for;
	}
	ck_assert_int_gt(sum, 1000);
}
END_TEST

START_TEST(success_gives_tokens_back)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 6);
	const struct pb_aws_op *op = pb_aws_op_find("sqs", "GetQueueUrl");
	struct pb_aws_error e = error_of("x", 500);
	struct pb_aws_quota q = {100};
	struct pb_aws_retry r;
	pb_aws_retry_init(&r, 3);
	pb_aws_retry_succeeded(&r, &q);
	ck_assert_int_eq(q.tokens, 101);
	pb_aws_retry_failed(&r, &q, op, PB_AWS_READ, &e, &rand);
	pb_aws_retry_failed(&r, &q, op, PB_AWS_READ, &e, &rand);
	ck_assert_int_eq(q.tokens, 73);
	pb_aws_retry_succeeded(&r, &q);
	ck_assert_int_eq(q.tokens, 87);
	pb_aws_quota_init(&q);
	pb_aws_retry_succeeded(&r, &q);
	ck_assert_int_eq(q.tokens, PB_AWS_QUOTA);
}
END_TEST

START_TEST(credentials_are_refreshed_once_a_call)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 6);
	struct pb_aws_error e = error_of("ExpiredToken", 403);
	struct pb_aws_quota q;
	struct pb_aws_retry r;
	pb_aws_quota_init(&q);
	pb_aws_retry_init(&r, 3);
	const struct pb_aws_op *op = pb_aws_op_find("sqs", "GetQueueUrl");
	ck_assert(pb_aws_retry_failed(&r, &q, op, PB_AWS_READ, &e, &rand).is_refresh);
	struct pb_aws_retry_decision d = pb_aws_retry_failed(&r, &q, op, PB_AWS_READ, &e, &rand);
	ck_assert_int_eq(d.why, PB_AWS_RETRY_NOT_RETRYABLE);
	ck_assert(!d.is_refresh);
}
END_TEST

/* Times in seconds from midnight of 2026-03-03. */
#define DAY INT64_C(1772496000000)

static const struct {
	const char *what;
	int64_t before, sent, received, elapsed;
	const char *date, *other; /* headers; NULL = absent */
	const char *code; /* NULL = success */
	int64_t after;
	bool is_clock;
} skews[] = {
    {"in step", 0, 0, 2, 2, "00:00:01", NULL, NULL, 0, false},
    {"too skewed", 0, 0, 2, 2, "00:05:01", NULL, "RequestTimeTooSkewed", 300, true},
    {"too skewed, behind", 0, 600, 602, 2, "00:05:01", NULL, "RequestTimeTooSkewed", -300, true},
    {"signature", 0, 0, 2, 2, "00:05:01", NULL, "SignatureDoesNotMatch", 300, true},
    {"signature of JSON", 0, 0, 2, 2, "00:05:01", NULL, "InvalidSignatureException", 300, true},
    {"denied", 0, 0, 2, 2, "00:05:01", NULL, "AccessDeniedException", 300, true},
    {"auth failure", 0, 0, 2, 2, "00:05:01", NULL, "AuthFailure", 300, true},
    {"expired", 0, 0, 2, 2, "00:05:01", NULL, "RequestExpired", 300, true},
    {"another error", 0, 0, 2, 2, "00:05:01", NULL, "Throttling", 300, false},
    {"small", 0, 0, 2, 2, "00:02:01", NULL, "InvalidSignatureException", 120, false},
    {"exactly four minutes", 0, 0, 2, 2, "00:04:01", NULL, "InvalidSignatureException", 240, false},
    {"too long a wait", 7, 0, 960, 960, "00:05:01", NULL, "RequestTimeTooSkewed", 7, false},
    {"waited fifteen minutes", 7, 0, 900, 900, "00:07:30", NULL, NULL, 0, false},
    {"stale skew heals", 300, 0, 2, 2, "00:00:01", NULL, NULL, 0, false},
    {"stale skew refused", 900, 0, 2, 2, "00:00:01", NULL, "InvalidSignatureException", 0, true},
    {"no date", 7, 0, 2, 2, NULL, NULL, "RequestTimeTooSkewed", 7, false},
    {"bad date", 7, 0, 2, 2, "99:99:99", NULL, "RequestTimeTooSkewed", 7, false},
    {"cached", 7, 0, 2, 2, "00:05:01", "Age: 17280", "RequestTimeTooSkewed", 7, false},
};

START_TEST(the_skew_is_learnt_from_every_answer)
{
	char *date = skews[_i].date ? pb_asprintf("Date: Tue, 03 Mar 2026 %s GMT|%s",
					  skews[_i].date, skews[_i].other ? skews[_i].other : "")
				    : pb_strdup(skews[_i].other);
	struct answer x;
	answer_init(&x, skews[_i].code ? 403 : 200, date, "");
	struct pb_aws_skew s = {skews[_i].before * PB_SECOND};
	struct pb_aws_error e = error_of(skews[_i].code ? skews[_i].code : "", 403);
	enum pb_aws_class was = e.class;
	bool is_clock = pb_aws_skew_learn(&s, &x.a, DAY + skews[_i].sent * PB_SECOND,
	    DAY + skews[_i].received * PB_SECOND, skews[_i].elapsed * PB_SECOND,
	    skews[_i].code ? &e : NULL);
	ck_assert_msg(is_clock == skews[_i].is_clock, "%s: %d", skews[_i].what, (int)is_clock);
	ck_assert_int_eq(s.skew_for, skews[_i].after * PB_SECOND);
	ck_assert_int_eq(e.class, is_clock ? PB_AWS_CLOCK : was);
	ck_assert(!is_clock || e.is_retryable);
	answer_fini(&x);
	pb_freep(&date);
}
END_TEST

START_TEST(a_clock_failure_is_retried_at_the_dearer_cost)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 6);
	struct pb_aws_error e = error_of("RequestTimeTooSkewed", 403);
	e.class = PB_AWS_CLOCK;
	e.is_retryable = true;
	struct pb_aws_quota q;
	struct pb_aws_retry r;
	pb_aws_quota_init(&q);
	pb_aws_retry_init(&r, 2);
	const struct pb_aws_op *op = pb_aws_op_find("sns", "Publish");
	struct pb_aws_retry_decision d = pb_aws_retry_failed(&r, &q, op, PB_AWS_ONCE, &e, &rand);
	ck_assert_int_eq(d.why, PB_AWS_RETRY_AGAIN);
	ck_assert_int_eq(q.tokens, 486);
	d = pb_aws_retry_failed(&r, &q, op, PB_AWS_ONCE, &e, &rand);
	ck_assert_int_eq(d.why, PB_AWS_RETRY_USED_UP);
}
END_TEST

PB_SUITE(retry)
{
	pb_add_loop(s, a_failure_is_decided_in_order, 0, PB_ARRAY_LEN(decisions));
	pb_add_loop(s, what_may_have_happened_is_not_done_again, 0, PB_ARRAY_LEN(networks));
	pb_add(s, backoff_doubles_up_to_its_cap);
	pb_add_loop(s, the_server_may_ask_for_a_longer_wait, 0, PB_ARRAY_LEN(afters));
	pb_add(s, retry_after_is_read_from_the_answer);
	pb_add(s, a_long_poll_without_quota_still_waits);
	pb_add(s, success_gives_tokens_back);
	pb_add(s, credentials_are_refreshed_once_a_call);
	pb_add_loop(s, the_skew_is_learnt_from_every_answer, 0, PB_ARRAY_LEN(skews));
	pb_add(s, a_clock_failure_is_retried_at_the_dearer_cost);
}
