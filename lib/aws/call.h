/*
 * One call: inputs to a signed request, and an answer to an output or a classified error.
 *
 * Inputs and outputs are JSON in the API's own names whatever the protocol.  Times may be given as
 * seconds or ISO text; an XML answer has them as ISO text, a JSON answer as seconds (pb_json_time
 * reads both).
 */
#ifndef PB_AWS_CALL_H
#define PB_AWS_CALL_H

#include "aws/creds.h"
#include "aws/endpoint.h"
#include "aws/message.h"
#include "aws/service.h"

#define PB_AWS_BODY_MAX (8 * 1024 * 1024) /* bytes of an answer we read */
#define PB_AWS_REQUEST_MAX (2 * 1024 * 1024)

enum pb_aws_class {
	PB_AWS_THROTTLED, /* back off */
	PB_AWS_TRANSIENT, /* server trouble, no or no readable answer: back off */
	PB_AWS_CREDENTIALS_STALE, /* refresh them, one more attempt */
	PB_AWS_CREDENTIALS_WRONG, /* stop; a person must act */
	PB_AWS_CLOCK, /* ours differs: correct, retry */
	PB_AWS_DENIED,
	PB_AWS_OURS, /* the request is wrong: a bug or a bad playbook */
	PB_AWS_GONE,
	PB_AWS_BUSY, /* try later a few times */
	PB_AWS_ALREADY, /* done already */
	PB_AWS_CONDITION, /* somebody else was first */
	PB_AWS_CONFLICT, /* with another transaction */
	PB_AWS_OTHER, /* final */
	PB_AWS_CLASS_MAX,
};
const char *pb_aws_class_name(enum pb_aws_class c); /* "throttled" */

/* Why there is no answer. */
enum pb_aws_net {
	PB_AWS_NET_CONNECT, /* name, connection or TLS handshake failed: nothing was sent */
	PB_AWS_NET_TIMEOUT, /* connected, then too slow */
	PB_AWS_NET_RESET, /* the connection broke */
	PB_AWS_NET_CUT, /* the body is shorter than announced */
	PB_AWS_NET_TOO_BIG, /* beyond our cap */
	PB_AWS_NET_OTHER,
	PB_AWS_NET_MAX,
};

struct pb_aws_error {
	enum pb_aws_class class;
	bool is_retryable; /* by class; whether the operation allows it, aws/retry.h says */
	bool is_not_taken; /* proven: the request had no effect */
	bool is_timeout; /* no answer in time */
	bool is_network; /* no answer at all */
	int http_status; /* 0 = no answer */
	int64_t retry_after_for; /* x-amz-retry-after, ms; -1 = none */
	char code[128]; /* "QueueDoesNotExist", "HTTP 503", "Network.Connect"; never empty */
	char query_code[128]; /* the older name where the service sends one, else "" */
	char request_id[80]; /* "" = unknown */
	char message[512]; /* outside text: its first line, cut; show it escaped */
};
/* Is `name` the error's code or query code, endings "Exception" and "Fault" apart? */
bool pb_aws_error_is(const struct pb_aws_error *e, const char *name);
/* One line for people, safe to print: CODE: message (HTTP 400, request ID). */
char *pb_aws_error_text(const struct pb_aws_error *e);
/*
 * Hide what must not be read by others, should the message repeat it: the session token and the
 * secret key, also where they are cut off.  For each error of a call that was signed with `creds`
 * (NULL = none).
 */
void pb_aws_error_hide(struct pb_aws_error *e, const struct pb_aws_creds *creds);
/*
 * For the classes credentials and denied: what a person should do, naming where the credentials
 * came from
 * ("... from profile default in ~/.aws/credentials").  The caller's to free; NULL for other
 * classes.
 */
char *pb_aws_error_advice(
    const struct pb_aws_error *e, const struct pb_aws_op *op, const struct pb_aws_creds *creds);
/* The error of a transfer without an answer. */
void pb_aws_error_network(enum pb_aws_net why, const char *text, struct pb_aws_error *ret_error);
/* Class of a code (cleaned or not) and status; what call_parse uses. */
enum pb_aws_class pb_aws_classify(const char *code, int http_status);

struct pb_aws_call {
	const struct pb_aws_op *op;
	const json_t *inputs; /* NULL = none */
	const struct pb_aws_endpoint *endpoint;
	const struct pb_aws_creds *creds; /* NULL = unsigned */
	int64_t at; /* our wall clock plus skew */
	const char *invocation_id; /* UUID, the same for all attempts; NULL = not sent */
	int attempt, max_attempts; /* from 1 */
	int64_t ttl_at; /* sent from the second attempt; 0 = not sent */
	const char *user_agent; /* NULL = "playbookd/VERSION" */
};
/*
 * Encode and sign.  PB_INVALID for inputs that do not fit the operation (pb_aws_op_check), PB_LIMIT
 * for a body beyond PB_AWS_REQUEST_MAX, PB_UNSUPPORTED for a protocol without an encoder yet.
 */
int pb_aws_call_build(
    const struct pb_aws_call *call, struct pb_aws_request **ret_request, struct pb_error *err);

/*
 * Read the answer.  0: *ret_output is an object, the caller's to free.  -1: ret_error is filled.  A
 * 2xx whose body cannot be read, or lacks what the operation always gives, is a transient failure of unknown effect, code "UnreadableAnswer".
 * HTTP 200 with entries under Failed is a success here.
 */
int pb_aws_call_parse(const struct pb_aws_op *op, const struct pb_aws_answer *answer,
    json_t **ret_output, struct pb_aws_error *ret_error);

#endif
