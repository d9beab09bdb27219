/*
 * The local API's server: HTTP/1.1 on a Unix socket, or on an address, through evhttp.
 *
 * It knows requests, peers and limits; what paths mean is the handler's.  Clients are not trusted:
 * heads, bodies, connections, the time to send a request, the time to take an answer and the bytes
 * waiting for a client that does not read all have limits.  Methods: GET, POST, DELETE; others get
 * 501.
 */
#ifndef PB_IO_HTTP_SERVER_H
#define PB_IO_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "base/text.h"
#include "io/loop.h"

#define PB_HTTP_HEAD_MAX (64U << 10)
#define PB_HTTP_BODY_MAX (1U << 20)
#define PB_HTTP_CLIENTS_MAX 128U
#define PB_HTTP_REQUEST_FOR                                                                        \
	INT64_C(3000) /* from connecting, or the last answer, to a whole request */
#define PB_HTTP_WRITE_FOR                                                                          \
	INT64_C(                                                                                   \
	    10000) /* without the client taking a byte of what waits for it                    \
			*/
#define PB_HTTP_BACKLOG_MAX (1U << 20) /* bytes waiting for the client of a stream */

struct pb_http_server;
struct pb_http_request;

enum pb_http_method {
	PB_HTTP_GET,
	PB_HTTP_POST,
	PB_HTTP_DELETE,
	PB_HTTP_METHOD_MAX,
};
const char *pb_http_method_name(enum pb_http_method m);

struct pb_http_peer { /* of SO_PEERCRED: who connected, told by the kernel; ids of -1 = unknown */
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

#define PB_HTTP_GROUPS_MAX 256

/*
 * Called with each whole request.  It must be answered exactly once: by pb_http_reply*, or by
 * pb_http_stream_start and later pb_http_stream_end.  Now or later; the request stays valid until
 * then, also when its client has gone.
 */
typedef void pb_http_handler(struct pb_http_request *req, void *arg);

/* 0 in a number means the default above. */
struct pb_http_config {
	const char *path; /* of the socket; at most 107 bytes */
	const char
	    *listen; /* instead of a path: "ADDRESS:PORT", "[ADDRESS]:PORT"; peers are unknown */
	const char *group; /* that owns the socket; NULL or "" = the daemon's own */
	unsigned mode; /* 0 = 0660 */
	size_t max_clients;
	size_t max_body;
	size_t max_backlog;
	int64_t request_for;
	int64_t write_for;
};

/*
 * Listens.  A socket that nobody listens on is removed first; PB_EXISTS when somebody does or the
 * path is no socket, PB_NOT_FOUND for an unknown group or a missing
 * directory, PB_DENIED where we may not, PB_INVALID for a path too long, else PB_IO.
 */
int pb_http_server_new(struct pb_loop *loop, const struct pb_http_config *config,
    pb_http_handler *fn, void *arg, struct pb_http_server **ret_server, struct pb_error *err);
/* Closes all connections and removes the socket.  Requests not yet answered may be answered after.
 */
void pb_http_server_free(struct pb_http_server *s);
PB_DEFINE_CLEANUP(struct pb_http_server, pb_http_server_free)
size_t pb_http_server_clients(const struct pb_http_server *s);
/* Another mode of the socket, from now on. */
int pb_http_server_set_mode(struct pb_http_server *s, unsigned mode, struct pb_error *err);

/* --- the request; all borrowed from it */
enum pb_http_method pb_http_request_method(const struct pb_http_request *r);
const char *
pb_http_request_path(const struct pb_http_request *r); /* decoded, no query; begins "/" */
/* A parameter of the query, decoded; the first of its name; NULL = absent, "" = without a value. */
const char *pb_http_request_param(const struct pb_http_request *r, const char *name);
const char *pb_http_request_header(const struct pb_http_request *r, const char *name); /* or NULL */
struct pb_str pb_http_request_body(const struct pb_http_request *r);
const struct pb_http_peer *pb_http_request_peer(const struct pb_http_request *r);
/* Is the peer in this group, by its own or a supplementary one?  As the kernel knew when it
 * connected (SO_PEERGROUPS); of more than PB_HTTP_GROUPS_MAX none is known. */
bool pb_http_request_peer_in(const struct pb_http_request *r, gid_t group);

/* --- the answer; ends the request, whose pointer is gone after */
void
pb_http_reply(struct pb_http_request *r, int status, const char *content_type, struct pb_str body);
/* Borrows `body`, sends it as one line of application/json. */
void pb_http_reply_json(struct pb_http_request *r, int status, const json_t *body);
/* {"error": {"status": 404, "message": "..."}} */
void
pb_http_reply_error(struct pb_http_request *r, int status, const char *fmt, ...) PB_PRINTF(3, 4);

/*
 * --- a stream of newline-delimited JSON.
 * on_gone (may be NULL) is called, at most once and from the loop, when the client has left or was
 * dropped for not reading; not by pb_http_server_free.  The stream must still be ended.
 */
void pb_http_stream_start(struct pb_http_request *r, void (*on_gone)(void *arg), void *arg);
/* One line; "\n" is added.  -1 when the client has gone, or is dropped now: max_backlog would be
 * passed. */
int pb_http_stream_line(struct pb_http_request *r, struct pb_str line);
void
pb_http_stream_end(struct pb_http_request *r); /* the pointer is gone after; no on_gone after it */

#endif
