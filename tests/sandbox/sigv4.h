/*
 * Verification of AWS Signature Version 4 from the request as received.
 *
 * Written for the sandbox from the published rules and sharing nothing with the client's signer, so
 * that one misreading cannot hide in both.  Rules: "Signature Version 4 signing process", AWS
 * General Reference.
 */
#ifndef PB_TESTS_SANDBOX_SIGV4_H
#define PB_TESTS_SANDBOX_SIGV4_H

#include "base/text.h"

#define PB_SBX_SKEW_MAX (5 * 60 * 1000) /* ms that a request may be old or early */

struct pb_sbx_header {
	struct pb_str name, value;
};

/* All borrowed.  Headers in the order received, a name may come more than once. */
struct pb_sbx_request {
	struct pb_str method, target, body;
	const struct pb_sbx_header *headers;
	size_t n_headers;
	bool
	    is_path_kept; /* no dot segments or double slashes resolved (S3; the suite has such cases) */
};

/* What the Authorization header says; pieces of it and of the other headers. */
struct pb_sbx_auth {
	struct pb_str access_key, date, region, service, signed_headers, signature;
	struct pb_str amz_date, token;
};

enum pb_sbx_verdict {
	PB_SBX_VERIFIED = 0,
	PB_SBX_UNSIGNED, /* no Authorization header */
	PB_SBX_INCOMPLETE, /* an Authorization header that cannot be read */
	PB_SBX_NOT_SIGNED, /* a header that must be signed is not */
	PB_SBX_WRONG_SCOPE, /* date of scope and X-Amz-Date differ */
	PB_SBX_MISMATCH,
	PB_SBX_TOO_OLD,
	PB_SBX_TOO_EARLY,
	PB_SBX_VERDICT_MAX,
};

/* The first header of that name, compared without case; an empty text with NULL ptr if none. */
struct pb_str pb_sbx_header_get(const struct pb_sbx_request *r, const char *name);

/* Read the Authorization header.  PB_SBX_VERIFIED here means: readable. */
enum pb_sbx_verdict pb_sbx_auth_parse(const struct pb_sbx_request *r, struct pb_sbx_auth *ret_auth);
/*
 * Check a request whose Authorization was read.  `now` in ms.  `why` gets a sentence for the answer,
 * in the service's words, when the verdict is not PB_SBX_VERIFIED.
 */
enum pb_sbx_verdict pb_sbx_auth_verify(const struct pb_sbx_request *r,
    const struct pb_sbx_auth *auth, const char *secret, int64_t now, struct pb_buf *why);

/* The steps of it, for tests.  `signed_headers` is the list as in the Authorization header. */
void pb_sbx_canonical_request(
    const struct pb_sbx_request *r, struct pb_str signed_headers, struct pb_buf *out);
void
pb_sbx_string_to_sign(const struct pb_sbx_auth *auth, struct pb_str canonical, struct pb_buf *out);
void pb_sbx_signature(
    const struct pb_sbx_auth *auth, const char *secret, struct pb_str to_sign, char out[65]);

#endif
