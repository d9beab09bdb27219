/*
 * Error codes, classes, and what a person is told.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/call.h"

#define SECRET_MIN 12 /* characters of a secret that are never there by chance */

/*
 * Codes without the endings Exception and Fault; '*' matches anything.  The first row that matches
 * counts, so the narrow ones stand before the wide ones.
 */
static const struct {
	enum pb_aws_class class;
	const char *code;
} codes[] = {
    {PB_AWS_THROTTLED, "Throttling"},
    {PB_AWS_THROTTLED, "Throttled"},
    {PB_AWS_THROTTLED, "RequestThrottled"},
    {PB_AWS_THROTTLED, "TooManyRequests"},
    {PB_AWS_THROTTLED, "ProvisionedThroughputExceeded"},
    {PB_AWS_THROTTLED, "TransactionInProgress"},
    {PB_AWS_THROTTLED, "RequestLimitExceeded"},
    {PB_AWS_THROTTLED, "BandwidthLimitExceeded"},
    {PB_AWS_THROTTLED, "LimitExceeded"},
    {PB_AWS_THROTTLED, "SlowDown"},
    {PB_AWS_THROTTLED, "PriorRequestNotComplete"},
    {PB_AWS_THROTTLED, "EC2Throttled"},
    {PB_AWS_THROTTLED, "KMS.Throttling"},
    {PB_AWS_THROTTLED, "KMSThrottling"},
    {PB_AWS_THROTTLED, "KmsThrottling"},
    {PB_AWS_THROTTLED, "KmsThrottled"},
    {PB_AWS_TRANSIENT, "RequestTimeout"},
    {PB_AWS_TRANSIENT, "InternalError"},
    {PB_AWS_TRANSIENT, "InternalFailure"},
    {PB_AWS_TRANSIENT, "InternalServerError"},
    {PB_AWS_TRANSIENT, "InternalService"},
    {PB_AWS_TRANSIENT, "InternalServiceError"},
    {PB_AWS_TRANSIENT, "ServiceUnavailable"},
    {PB_AWS_TRANSIENT, "Server"},
    {PB_AWS_TRANSIENT, "IDPCommunicationError"},
    {PB_AWS_CREDENTIALS_STALE, "ExpiredToken"},
    {PB_AWS_CREDENTIALS_STALE, "InvalidToken"},
    {PB_AWS_CREDENTIALS_STALE, "RequestExpired"},
    {PB_AWS_CREDENTIALS_WRONG, "InvalidClientTokenId"},
    {PB_AWS_CREDENTIALS_WRONG, "UnrecognizedClient"},
    {PB_AWS_CREDENTIALS_WRONG, "MissingAuthenticationToken"},
    {PB_AWS_CREDENTIALS_WRONG, "InvalidAccessKeyId"},
    {PB_AWS_CREDENTIALS_WRONG, "IncompleteSignature"},
    {PB_AWS_CREDENTIALS_WRONG, "SignatureDoesNotMatch"},
    {PB_AWS_CREDENTIALS_WRONG, "InvalidSignature"},
    {PB_AWS_CREDENTIALS_WRONG, "AuthFailure"},
    {PB_AWS_CLOCK, "RequestTimeTooSkewed"},
    {PB_AWS_CLOCK, "RequestInTheFuture"},
    {PB_AWS_DENIED, "AccessDenied"},
    {PB_AWS_DENIED, "UnauthorizedOperation"},
    {PB_AWS_DENIED, "AuthorizationError"},
    {PB_AWS_DENIED, "NotAuthorized"},
    {PB_AWS_DENIED, "OptInRequired"},
    {PB_AWS_DENIED, "RegionDisabled"},
    {PB_AWS_DENIED, "KMSAccessDenied"},
    {PB_AWS_DENIED, "KmsAccessDenied"},
    {PB_AWS_CONDITION, "ConditionalCheckFailed"},
    {PB_AWS_CONFLICT, "TransactionConflict"},
    {PB_AWS_ALREADY, "DeploymentAlreadyCompleted"},
    {PB_AWS_ALREADY, "PipelineExecutionNotStoppable"},
    {PB_AWS_ALREADY, "DuplicatedStopRequest"},
    {PB_AWS_ALREADY, "ApprovalAlreadyCompleted"},
    {PB_AWS_ALREADY, "ExecutionAlreadyExists"},
    {PB_AWS_ALREADY, "TokenAlreadyExists"},
    {PB_AWS_BUSY, "Conflict"},
    {PB_AWS_BUSY, "ScalingActivityInProgress"},
    {PB_AWS_BUSY, "ResourceContention"},
    {PB_AWS_BUSY, "InstanceRefreshInProgress"},
    {PB_AWS_BUSY, "IncorrectInstanceState"},
    {PB_AWS_BUSY, "DeploymentLimitExceeded"},
    {PB_AWS_BUSY, "ResourceInUse"},
    {PB_AWS_GONE, "ResourceNotFound*"},
    {PB_AWS_GONE, "*DoesNotExist*"},
    {PB_AWS_GONE, "*NonExistent*"},
    {PB_AWS_GONE, "*NotFound*"},
    {PB_AWS_GONE, "InvalidInstanceID.Malformed"},
    {PB_AWS_OURS, "ValidationError"},
    {PB_AWS_OURS, "Validation"},
    {PB_AWS_OURS, "InvalidParameter*"},
    {PB_AWS_OURS, "InvalidRequest"},
    {PB_AWS_OURS, "MalformedQueryString"},
    {PB_AWS_OURS, "MissingParameter"},
    {PB_AWS_OURS, "MissingAction"},
    {PB_AWS_OURS, "InvalidAction"},
    {PB_AWS_OURS, "Serialization"},
    {PB_AWS_OURS, "UnknownOperation"},
};

const char *
pb_aws_class_name(enum pb_aws_class c)
{
	static const char *const names[] = {
	    [PB_AWS_THROTTLED] = "throttled",
	    [PB_AWS_TRANSIENT] = "transient",
	    [PB_AWS_CREDENTIALS_STALE] = "credentials stale",
	    [PB_AWS_CREDENTIALS_WRONG] = "credentials wrong",
	    [PB_AWS_CLOCK] = "clock",
	    [PB_AWS_DENIED] = "denied",
	    [PB_AWS_OURS] = "bad request",
	    [PB_AWS_GONE] = "gone",
	    [PB_AWS_BUSY] = "busy",
	    [PB_AWS_ALREADY] = "already done",
	    [PB_AWS_CONDITION] = "condition",
	    [PB_AWS_CONFLICT] = "conflict",
	    [PB_AWS_OTHER] = "other",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_AWS_CLASS_MAX, "a name for each class");
	return names[c];
}

/* The code as services of either protocol would spell it: prefix, URL and ending cut. */
static void
core_of(const char *code, char out[128])
{
	struct pb_str s = {code, strcspn(code, ":")};
	const char *hash = memchr(s.ptr, '#', s.len);
	if (hash)
		s = (struct pb_str){hash + 1, s.len - (size_t)(hash + 1 - s.ptr)};
	static const struct pb_str endings[] = {{"Exception", 9}, {"Fault", 5}};
	for (size_t i = 0; i < PB_ARRAY_LEN(endings); i++) {
		size_t n = endings[i].len;
		if (s.len > n && memcmp(s.ptr + s.len - n, endings[i].ptr, n) == 0) {
			s.len -= n;
			break;
		}
	}
	snprintf(out, 128, "%.*s", (int)(s.len < 127 ? s.len : 127), s.ptr);
}

enum pb_aws_class
pb_aws_classify(const char *code, int http_status)
{
	char core[128];
	core_of(code ? code : "", core);
	for (size_t i = 0; *core && i < PB_ARRAY_LEN(codes); i++)
		if (fnmatch(codes[i].code, core, 0) == 0)
			return codes[i].class;
	if (http_status == 429)
		return PB_AWS_THROTTLED;
	if (http_status >= 500)
		return PB_AWS_TRANSIENT;
	if (http_status == 401 || http_status == 403)
		return PB_AWS_DENIED;
	return PB_AWS_OTHER;
}

bool
pb_aws_error_is(const struct pb_aws_error *e, const char *name)
{
	char want[128], have[128];
	core_of(name, want);
	core_of(e->code, have);
	if (strcmp(want, have) == 0)
		return true;
	core_of(e->query_code, have);
	return *have && strcmp(want, have) == 0;
}

char *
pb_aws_error_text(const struct pb_aws_error *e)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_add_safe(&b, pb_str_of(e->code), 127, false);
	if (*e->message) {
		pb_buf_adds(&b, ": ");
		pb_buf_add_safe(&b, pb_str_of(e->message), sizeof(e->message), false);
	}
	bool is_plain = strncmp(e->code, "HTTP ", 5) == 0;
	if (e->http_status && !is_plain)
		pb_buf_addf(&b, " (HTTP %d", e->http_status);
	if (*e->request_id) {
		pb_buf_adds(&b, e->http_status && !is_plain ? ", request " : " (request ");
		pb_buf_add_safe(&b, pb_str_of(e->request_id), 79, false);
	}
	if ((e->http_status && !is_plain) || *e->request_id)
		pb_buf_addc(&b, ')');
	return pb_buf_take(&b);
}

/* How much of a secret stands at `at`; a few characters may be there by chance. */
static size_t
secret_at(const char *at, const char *secret)
{
	const size_t least = strlen(secret) < SECRET_MIN ? strlen(secret) : SECRET_MIN;
	size_t n = 0;
	while (secret[n] && at[n] == secret[n])
		n++;
	return n > 0 && n >= least ? n : 0;
}

static void
hide_secret(char *text, const char *secret)
{
	if (!secret)
		return;
	for (char *at = text; *at; at++) {
		size_t n = secret_at(at, secret);
		if (n == 0)
			continue;
		memset(at, '*', n < 3 ? n : 3);
		if (n > 3)
			memmove(at + 3, at + n, strlen(at + n) + 1);
	}
}

void
pb_aws_error_hide(struct pb_aws_error *e, const struct pb_aws_creds *creds)
{
	if (!creds)
		return;
	char *const texts[] = {e->code, e->query_code, e->request_id, e->message};
	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++) {
		hide_secret(texts[i], creds->session_token);
		hide_secret(texts[i], creds->secret_access_key);
	}
}

char *
pb_aws_error_advice(
    const struct pb_aws_error *e, const struct pb_aws_op *op, const struct pb_aws_creds *creds)
{
	const char *source = creds && creds->source ? creds->source : "an unknown source";
	switch (e->class) {
	case PB_AWS_CREDENTIALS_STALE:
		return pb_asprintf("the credentials from %s have expired: renew them", source);
	case PB_AWS_CREDENTIALS_WRONG:
		if (pb_aws_error_is(e, "SignatureDoesNotMatch") ||
		    pb_aws_error_is(e, "InvalidSignature") || pb_aws_error_is(e, "AuthFailure"))
			return pb_asprintf(
			    "the secret key from %s does not fit its access key, or a "
			    "proxy changes requests: check the secret key",
			    source);
		return pb_asprintf(
		    "AWS does not know the access key from %s: check it, and that it "
		    "belongs to this partition",
		    source);
	case PB_AWS_DENIED:
		return pb_asprintf("the credentials from %s may not do this: allow %s:%s in their "
				   "IAM policy",
		    source, op->service, op->name);
	case PB_AWS_CLOCK:
		return pb_strdup("this host's clock is wrong: set it, and keep it by NTP");
	case PB_AWS_THROTTLED:
	case PB_AWS_TRANSIENT:
	case PB_AWS_OURS:
	case PB_AWS_GONE:
	case PB_AWS_BUSY:
	case PB_AWS_ALREADY:
	case PB_AWS_CONDITION:
	case PB_AWS_CONFLICT:
	case PB_AWS_OTHER:
	case PB_AWS_CLASS_MAX:
		break;
	}
	return NULL;
}

void
pb_aws_error_network(enum pb_aws_net why, const char *text, struct pb_aws_error *ret_error)
{
	static const char *const names[] = {
	    [PB_AWS_NET_CONNECT] = "Network.Connect",
	    [PB_AWS_NET_TIMEOUT] = "Network.Timeout",
	    [PB_AWS_NET_RESET] = "Network.Reset",
	    [PB_AWS_NET_CUT] = "Network.Cut",
	    [PB_AWS_NET_TOO_BIG] = "Network.TooBig",
	    [PB_AWS_NET_OTHER] = "Network.Other",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_AWS_NET_MAX, "a name for each failure");
	struct pb_aws_error e = {
	    .class = why == PB_AWS_NET_TOO_BIG ? PB_AWS_OTHER : PB_AWS_TRANSIENT,
	    .is_retryable = why != PB_AWS_NET_TOO_BIG,
	    .is_not_taken = why == PB_AWS_NET_CONNECT,
	    .is_timeout = why == PB_AWS_NET_TIMEOUT,
	    .is_network = true,
	    .retry_after_for = -1,
	};
	snprintf(e.code, sizeof(e.code), "%s", names[why]);
	snprintf(e.message, sizeof(e.message), "%s", text ? text : "");
	*ret_error = e;
}
