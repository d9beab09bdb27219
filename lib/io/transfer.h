/*
 * HTTP requests: libcurl's multi interface on the loop.
 *
 * Redirects are never followed (a redirect would need a new signature), paths go out as they are
 * given, no "Expect", no compression, HTTP/1.1.  HTTPS only, unless the request says allow_http.
 * Proxies come from the environment, as libcurl reads it (HTTPS_PROXY, http_proxy, NO_PROXY).
 * Connections are kept and used again.  There is no retry here; its policy is lib/aws's.
 * An answer with neither Content-Length nor chunks ends with its connection: a cut there cannot be seen.
 *
 * A request that must not be sent twice asks for fresh_connection: on a kept connection that the
 * server has closed, libcurl itself sends once more.
 */
#ifndef PB_IO_TRANSFER_H
#define PB_IO_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "io/loop.h"

struct pb_transfers; /* all requests of a loop: the kept connections, the names looked up */
struct pb_transfer; /* one request under way */

#define PB_TRANSFER_CONNECT_FOR INT64_C(5000)
#define PB_TRANSFER_TOTAL_FOR INT64_C(60000)
#define PB_TRANSFER_BODY_MAX (16U << 20)
#define PB_TRANSFER_HEADERS_MAX 256U /* header lines of an answer */
#define PB_TRANSFER_HEADER_BYTES_MAX (64U << 10) /* and all of them together */

struct pb_transfer_header {
	const char *name;
	const char *value;
};

enum pb_transfer_kind {
	PB_TRANSFER_OK = 0, /* a whole answer came, of whatever status */
	PB_TRANSFER_INVALID, /* the request itself: bad URL, plain HTTP not allowed, line break in a
				header */
	PB_TRANSFER_CONNECT, /* name not found, refused, no route, connect_for over: nothing was
				sent */
	PB_TRANSFER_TLS, /* no handshake, or a certificate not to be believed: nothing was sent */
	PB_TRANSFER_RESET, /* connection lost before the head of an answer */
	PB_TRANSFER_TIMEOUT, /* total_for over, or slower than low_speed */
	PB_TRANSFER_CUT, /* head or body of an answer ended early */
	PB_TRANSFER_TOO_LARGE, /* body beyond max_body, or head beyond the caps above */
	PB_TRANSFER_GARBAGE, /* what came is not HTTP */
	PB_TRANSFER_KIND_MAX,
};
const char *pb_transfer_kind_name(enum pb_transfer_kind kind);

/*
 * A piece of the body as it comes, for answers that do not end.  Returns 0, or -1 to give up the
 * transfer, which then ends as PB_TRANSFER_CUT.  It may neither start nor cancel transfers.
 */
typedef int pb_transfer_data_fn(struct pb_str data, void *arg);

/* Copied by pb_transfer_start; nothing in it needs to outlive the call. */
struct pb_transfer_request {
	const char *method; /* "GET", "POST", ...; NULL = GET */
	const char *url; /* absolute; the path is sent as it is */
	const struct pb_transfer_header *headers;
	size_t n_headers; /* Host, Content-Length and User-Agent are added when absent */
	struct pb_str body;
	int64_t connect_for; /* ms; 0 = PB_TRANSFER_CONNECT_FOR */
	int64_t total_for; /* ms, connecting included; 0 = PB_TRANSFER_TOTAL_FOR, -1 = no limit */
	int64_t low_speed; /* bytes a second; 0 = no such limit.  Not for long polls. */
	int64_t low_speed_for; /* slower than that for this many ms ends it; whole seconds count */
	size_t max_body; /* bytes; 0 = PB_TRANSFER_BODY_MAX */
	const char *ca_bundle; /* file of PEM certificates; NULL = the system's */
	const char
	    *unix_socket; /* path: connect there instead of to the URL's host; NULL = network */
	bool fresh_connection; /* neither use a kept connection nor keep this one */
	bool allow_http;
	bool no_proxy; /* instance metadata and loopback must not go through one */
	pb_transfer_data_fn *on_data; /* NULL: the body is collected in the result */
	void *on_data_arg;
};

/* What came of it.  Borrowed: gone after the callback, what is wanted must be copied. */
struct pb_transfer_result {
	enum pb_transfer_kind kind;
	/*
	 * false is proof that no byte of the request left: it cannot have been taken.  true says
	 * nothing about whether it was.
	 */
	bool request_sent;
	int status; /* HTTP status; 0 when no head of an answer came.  Set also when the body was
		       cut. */
	const struct pb_transfer_header *headers; /* of the answer, in its order */
	size_t n_headers;
	struct pb_str body; /* what came of it, also when kind is not PB_TRANSFER_OK */
	int64_t sent_at; /* wall clock when the request began to leave; 0 = it did not */
	int64_t received_at; /* wall clock when the head of the answer came; 0 = none */
	int64_t took; /* ms in all */
	const char *text; /* for people: "could not connect to host:port: refused"; "" when OK */
};
/* Look up by name without regard to case; the first such; NULL = absent. */
const char *pb_transfer_header(const struct pb_transfer_result *r, const char *name);

typedef void pb_transfer_fn(const struct pb_transfer_result *result, void *arg);

/* user_agent is copied.  PB_IO when libcurl cannot be set up. */
int pb_transfers_new(struct pb_loop *loop, const char *user_agent,
    struct pb_transfers **ret_transfers, struct pb_error *err);
/* Cancels what is under way.  NULL is fine. */
void pb_transfers_free(struct pb_transfers *ts);
PB_DEFINE_CLEANUP(struct pb_transfers, pb_transfers_free)
size_t pb_transfers_open(const struct pb_transfers *ts); /* requests under way */

/*
 * Starts a request.  Always succeeds: what is wrong with the request comes as PB_TRANSFER_INVALID.
 * fn is called exactly once, from the loop, never from inside this function; the handle ends with
 * that call.
 */
struct pb_transfer *pb_transfer_start(
    struct pb_transfers *ts, const struct pb_transfer_request *req, pb_transfer_fn *fn, void *arg);
/* Ends it without a callback.  The handle is gone.  NULL is fine. */
void pb_transfer_cancel(struct pb_transfer *t);

#endif
