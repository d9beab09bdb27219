/*
 * The one table of services and operations: how each is spoken to, what it takes and gives, and
 * what a repetition of it would do.  Adding an operation is adding a row.
 *
 * Shapes are written as in the fact sheet the table is made from.  Members are separated by blanks:
 *     NAME    text                 NAME[]     a list        NAME{}     a map from text
 *     NAME*   required             NAME{A B}  a structure   NAME[]{A}  a list of structures
 *     NAME:int :num :bool :ts :blob  other types; of the elements where the member is a list or a
 * map Marks come in the order  NAME [] or {}  *  :type  {members}.
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
	PB_AWS_ONCE, /* repeat only what provably was not taken */
	PB_AWS_EFFECT_MAX,
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

const char *
pb_aws_effect_name(enum pb_aws_effect effect); /* "read", "idempotent", "token", "once" */
/* The effect of a call with these inputs: a PB_AWS_TOKEN operation without its token is
 * PB_AWS_ONCE. */
enum pb_aws_effect pb_aws_op_effect(const struct pb_aws_op *op, const json_t *inputs);

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
