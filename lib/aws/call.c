/*
 * From an operation and its inputs to a signed request.
 */
#include "aws/call.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/encode.h"
#include "aws/sigv4.h"

static int
json_body(const struct pb_aws_call *call, struct pb_aws_request *r, struct pb_error *err)
{
	PB_JSON json_t *body = pb_aws_encode_json(pb_str_of(call->op->in), call->inputs);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	r->body.cap = PB_AWS_REQUEST_MAX;
	if (pb_buf_adds(&r->body, text) < 0)
		return pb_fail(err, PB_LIMIT, "%s: more than %d bytes of inputs", call->op->name,
		    PB_AWS_REQUEST_MAX);
	return 0;
}

static int
query_body(const struct pb_aws_call *call, struct pb_aws_request *r, struct pb_error *err)
{
	r->body.cap = PB_AWS_REQUEST_MAX;
	pb_buf_addf(
	    &r->body, "Action=%s&Version=%s", call->op->name, pb_aws_op_service(call->op)->version);
	bool is_flat = pb_aws_op_service(call->op)->protocol == PB_AWS_EC2_QUERY;
	pb_aws_encode_query(&r->body, pb_str_of(call->op->in), call->inputs, is_flat);
	if (r->body.is_over)
		return pb_fail(err, PB_LIMIT, "%s: more than %d bytes of inputs", call->op->name,
		    PB_AWS_REQUEST_MAX);
	return 0;
}

static int
encode(const struct pb_aws_call *call, struct pb_aws_request *r, struct pb_error *err)
{
	const struct pb_aws_service *s = pb_aws_op_service(call->op);
	struct pb_aws_headers *h = &r->headers;
	switch (s->protocol) {
	case PB_AWS_JSON_1_0:
	case PB_AWS_JSON_1_1: {
		PB_CLEANUP(pb_freep)
		char *target = pb_asprintf("%s.%s", s->target, call->op->name);
		pb_aws_headers_add(h, "Content-Type",
		    s->protocol == PB_AWS_JSON_1_0 ? "application/x-amz-json-1.0"
						   : "application/x-amz-json-1.1");
		pb_aws_headers_add(h, "X-Amz-Target", target);
		if (s->is_query_compatible)
			pb_aws_headers_add(h, "x-amzn-query-mode", "true");
		return json_body(call, r, err);
	}
	case PB_AWS_QUERY:
	case PB_AWS_EC2_QUERY:
		pb_aws_headers_add(
		    h, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
		return query_body(call, r, err);
	case PB_AWS_REST_JSON:
	case PB_AWS_PROTOCOL_MAX:
		break;
	}
	return pb_fail(err, PB_UNSUPPORTED, "%s: the protocol of %s is not supported yet",
	    call->op->name, s->title);
}

static void
add_tracing(const struct pb_aws_call *call, struct pb_aws_headers *h)
{
	pb_aws_headers_add(
	    h, "User-Agent", call->user_agent ? call->user_agent : "playbookd/" PB_VERSION);
	if (!call->invocation_id)
		return;
	char ttl[PB_TIME_TEXT], text[96];
	pb_aws_headers_add(h, "amz-sdk-invocation-id", call->invocation_id);
	if (call->attempt > 1 && call->ttl_at > 0)
		snprintf(text, sizeof(text), "ttl=%s; attempt=%d; max=%d",
		    pb_time_basic(ttl, call->ttl_at), call->attempt, call->max_attempts);
	else
		snprintf(
		    text, sizeof(text), "attempt=%d; max=%d", call->attempt, call->max_attempts);
	pb_aws_headers_add(h, "amz-sdk-request", text);
}

int
pb_aws_call_build(
    const struct pb_aws_call *call, struct pb_aws_request **ret_request, struct pb_error *err)
{
	if (pb_aws_op_check(call->op, call->inputs, false, err) < 0)
		return -1;

	const struct pb_aws_endpoint *e = call->endpoint;
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = pb_aws_request_new();
	r->method = pb_strdup("POST");
	r->target = pb_asprintf("%s/", e->base_path);
	r->url = pb_asprintf("%s://%s%s", e->is_tls ? "https" : "http", e->host, r->target);
	pb_aws_headers_add(&r->headers, "Host", e->host);
	if (encode(call, r, err) < 0)
		return -1;
	add_tracing(call, &r->headers);
	if (call->creds) {
		struct pb_sigv4_scope scope = {
		    .region = e->region,
		    .service = pb_aws_op_service(call->op)->prefix,
		    .at = call->at,
		};
		pb_sigv4_sign(r, call->creds, &scope, NULL);
	}
	*ret_request = PB_TAKE(r);
	return 0;
}
