/*
 * HTTP messages as data: what is signed, sent and answered.  Nothing here touches a socket.
 */
#ifndef PB_AWS_MESSAGE_H
#define PB_AWS_MESSAGE_H

#include "base/text.h"

struct pb_aws_header {
	char *name;
	char *value;
};

/* In the order sent.  Names compare without case.  Zero-initialise; pb_aws_headers_fini frees. */
struct pb_aws_headers {
	struct pb_aws_header *items;
	size_t len, size;
};
void pb_aws_headers_add(struct pb_aws_headers *h, const char *name, const char *value);
void pb_aws_headers_addn(struct pb_aws_headers *h, struct pb_str name, struct pb_str value);
/* Removes all of that name, then adds. */
void pb_aws_headers_set(struct pb_aws_headers *h, const char *name, const char *value);
void pb_aws_headers_del(struct pb_aws_headers *h, const char *name);
/* The first of that name, borrowed; NULL when absent. */
const char *pb_aws_headers_get(const struct pb_aws_headers *h, const char *name);
/*
 * Add one line "Name: value" as it came from the wire, line end or not.  Lines that are no header
 * (the status line, the empty line, no colon) are passed over and give false.
 */
bool pb_aws_headers_add_line(struct pb_aws_headers *h, struct pb_str line);
void pb_aws_headers_fini(struct pb_aws_headers *h);

struct pb_aws_request {
	char *method; /* "POST" */
	char *url; /* whole, for the transfer; path and query exactly as in `target` */
	char *target; /* path and query as on the request line; never empty */
	/* All to be sent, Host included; Content-Length, Expect and Connection are the transfer's.
	 */
	struct pb_aws_headers headers;
	struct pb_buf body;
};
struct pb_aws_request *pb_aws_request_new(void);
void pb_aws_request_free(struct pb_aws_request *r); /* r may be NULL */
PB_DEFINE_CLEANUP(struct pb_aws_request, pb_aws_request_free)

/* What came back.  Everything is borrowed. */
struct pb_aws_answer {
	int status; /* 100 to 599 */
	const struct pb_aws_headers *headers;
	struct pb_str body; /* after any content decoding */
};

/* Percent-encode every byte outside A-Za-z0-9-._~ and the bytes of `keep` (may be NULL). */
void pb_aws_percent_add(struct pb_buf *b, struct pb_str s, const char *keep);

#endif
