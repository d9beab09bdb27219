/*
 * Signature Version 4 by the Authorization header.
 *
 * Canonical path: as it stands in the target, normalised ('.' and '..' resolved, repeated '/' made
 * one, a final '/' kept), then percent-encoded, '%' too: an encoded path is encoded twice.
 * Canonical query: names and values decoded ('+' left alone), encoded, sorted.
 * Headers: all that are present are signed but those that proxies and transports change.
 */
#ifndef PB_AWS_SIGV4_H
#define PB_AWS_SIGV4_H

#include "aws/creds.h"
#include "aws/message.h"

struct pb_sigv4_scope {
	const char *region; /* "eu-west-1" */
	const char *service; /* signing name: "monitoring" */
	int64_t at; /* the time to sign with, skew included */
	bool is_raw_path; /* S3's way: no normalisation and no second encoding of the path */
	bool is_unnormalized; /* encoded twice, but dot segments and '//' stay */
	bool is_body_signed; /* add and sign x-amz-content-sha256 */
	bool is_token_unsigned; /* add X-Amz-Security-Token after signing (IoT) */
};

/* What led to the signature, for tests and for a debug log.  Free with pb_sigv4_trace_fini. */
struct pb_sigv4_trace {
	char *canonical_request;
	char *string_to_sign;
	char signature[65];
};
void pb_sigv4_trace_fini(struct pb_sigv4_trace *t);

/*
 * Sign `r`, whose method, target, headers (Host among them) and body are final: sets X-Amz-Date,
 * X-Amz-Security-Token where there is a token, and Authorization, replacing older ones, so that a
 * retry signs the same request again.  `trace` may be NULL.
 */
void pb_sigv4_sign(struct pb_aws_request *r, const struct pb_aws_creds *creds,
    const struct pb_sigv4_scope *scope, struct pb_sigv4_trace *trace);

#endif
