/*
 * The one table of services and operations: how each is spoken to, what it takes and gives, and
 * what a repetition of it would do.  Adding an operation is adding a row.
 *
 * Shapes are written as in the fact sheet the table is made from.  Members are separated by blanks:
 *     NAME    text                 NAME[]     a list        NAME{}     a map from text
 *     NAME*   required             NAME{A B}  a structure   NAME[]{A}  a list of structures
 *     NAME:int :num :bool :ts :blob :texts  other types; of the elements where the member is a list or a
 * map Marks come in the order  NAME =WIRE [] or {}  *  :type  {members}.
 *     NAME=WIRE  is called WIRE in query parameters and XML; for EC2 the first letter of a name in an
 * answer is small anyway.
 */
#ifndef PB_AWS_SERVICE_H
#define PB_AWS_SERVICE_H

#include "base/json.h"

enum pb_aws_protocol {
	PB_AWS_JSON_1_0,
	PB_AWS_JSON_1_1,
	PB_AWS_QUERY,
	PB_AWS_EC2_QUERY,
	PB_AWS_REST_JSON,
	PB_AWS_PROTOCOL_MAX,
};

struct pb_aws_service {
	const char *name; /* as in "aws:NAME.Operation": "sqs" */
	const char *title; /* for people: "SQS" */
	const char *env; /* the end of AWS_ENDPOINT_URL_...; in lower case its name in profiles */
	const char *prefix; /* of the host; also the signing name */
	const char *target; /* X-Amz-Target before the dot; NULL unless JSON */
	const char *version; /* query Version; NULL unless query */
	enum pb_aws_protocol protocol;
	bool is_query_compatible; /* sends x-amzn-query-mode, understands x-amzn-query-error */
};

/* What running it twice would do; the names are those of `effect` in a playbook. */
enum pb_aws_effect {
	PB_AWS_READ, /* changes nothing */
	PB_AWS_IDEMPOTENT, /* twice is the same as once */
	PB_AWS_TOKEN, /* once as it stands; a token among the inputs makes it safe to repeat */
	PB_AWS_CHECK_FIRST, /* once, and a read can tell whether it has taken effect */
	PB_AWS_ONCE, /* repeat only what provably was not taken */
	PB_AWS_EFFECT_MAX,
};

/*
 * A read beside an operation.  Texts of JSON are written with ' instead of ", and their templates know
 * `inputs` (of the operation) and `output` (its answer).
 */
struct pb_aws_check {
	const char *operation, *inputs;
	const char
	    *done; /* event pattern over the answer: fits when the operation has taken effect */
	int64_t within_for; /* what it shows is good for so long after the call; 0 = for ever */
};
struct pb_aws_wait {
	const char *operation, *inputs;
	const char *state; /* path in the answer; "List[].State" = those of all elements */
	const char *succeeded, *failed; /* states, with blanks between */
	const char *reason; /* path in the answer, why it failed; NULL = none */
};

struct pb_aws_op {
	const char *service; /* name of its row among the services */
	const char *name; /* "SendMessage" */
	const char *in; /* shape of the inputs; "" = takes none */
	const char
	    *out; /* shape of what we use of the output; the rest of an XML answer is dropped.
		     Required: an answer without it proves nothing. */
	enum pb_aws_effect effect;
	const char *token; /* the input that makes a PB_AWS_TOKEN operation repeatable */
	bool is_token_ours; /* a caller may fill it in: any text of a UUID's form is good */
	const char *repeated; /* the error that says: a call with this token was taken before */
	const char *failed_member; /* a list in the answer; not empty = it was not done */
	struct pb_aws_check check; /* PB_AWS_CHECK_FIRST */
	struct pb_aws_wait wait; /* it only starts something; operation NULL = it does not */
	bool is_long_poll; /* may stay silent for WaitTimeSeconds */
	bool is_action; /* may be a step of a playbook */
	bool has_failed_list; /* HTTP 200 may hold Failed[] entries: check each */
};

/* NULL when there is none of that name (names have case). */
const struct pb_aws_service *pb_aws_service_find(const char *name);
const struct pb_aws_op *pb_aws_op_find(const char *service, const char *op);
/*
 * Find what a playbook calls "aws:SERVICE.Operation" (the "aws:" may be left out).  On failure err
 * has the reason with a "did you mean": PB_NOT_FOUND for no such service, PB_UNSUPPORTED for an
 * operation of a service we know that is not in the table or is not for playbooks.
 */
int pb_aws_action_find(struct pb_str action, const struct pb_aws_op **ret_op, struct pb_error *err);
const struct pb_aws_service *pb_aws_op_service(const struct pb_aws_op *op);
/* Rows in table order, NULL at the end. */
const struct pb_aws_service *pb_aws_service_at(size_t i);
const struct pb_aws_op *pb_aws_op_at(size_t i);

const char *pb_aws_effect_name(
    enum pb_aws_effect effect); /* "read", "idempotent", "token", "check_first", "once" */
/* The effect of a call with these inputs: a PB_AWS_TOKEN operation without its token is
 * PB_AWS_ONCE. */
enum pb_aws_effect pb_aws_op_effect(const struct pb_aws_op *op, const json_t *inputs);

/*
 * What a playbook's step must know of a call with these inputs: the form is that of pb_aws_check in
 * playbook/config.h.  The caller's.
 */
json_t *pb_aws_op_facts(const struct pb_aws_op *op, const json_t *inputs);
/* The same for what a playbook calls it, found and checked before: a pb_aws_check. */
int pb_aws_action_check(const char *service, const char *operation, const json_t *inputs,
    json_t **ret_facts, struct pb_error *err);

/*
 * Check inputs against the shape: an object, required members there, no unknown ones ("did you
 * mean"), types right.  With `is_template` text is accepted where another type stands, since it may
 * be a placeholder.  PB_INVALID; err->path is the place inside the inputs.
 */
int pb_aws_op_check(
    const struct pb_aws_op *op, const json_t *inputs, bool is_template, struct pb_error *err);

/* The most time one attempt may take, ms: 30 s, and WaitTimeSeconds + 10 s for a long poll if more.
 */
int64_t pb_aws_op_timeout_for(const struct pb_aws_op *op, const json_t *inputs);

#endif
