/*
 * The local API: what the paths of the Unix socket's HTTP server mean.  conf/openapi.yaml describes
 * it for callers.
 *
 * Whoever can open the socket (mode 0660) may do everything, unless the configuration names groups
 * for the roles view, operate and admin: then the socket is everybody's (0666) and each caller may do
 * what a group of theirs may (daemon/api_role.h).  Who it was is told by the kernel and goes into the
 * record of what they did.  Times are milliseconds since 1970.  Errors are
 * {"error": {"status": 404, "message": "..."}}.
 */
#ifndef PB_DAEMON_API_H
#define PB_DAEMON_API_H

#include "daemon/core.h"
#include "io/http_server.h"

#define PB_API_LIST_DEFAULT 100
/* Streams of the trace last; the other connections stay free for people who act. */
#define PB_API_FOLLOWERS_MAX 32
#define PB_API_REASON_MAX 500 /* bytes of the reason of a resolve */

struct pb_api;

struct pb_api_ops {
	/* Body of GET /v1/status; the callee's to make, the caller's to free. */
	json_t *(*status)(void *arg);
	/* Adds GET /metrics. */
	void (*metrics)(void *arg, struct pb_buf *b);
	/* Load the configuration anew; answer by pb_api_reply with this token, now or later. */
	void (*reload)(void *arg, const char *by, uint64_t token);
};

/* Listens on `path`.  The core is borrowed and must live longer.  Errors as pb_http_server_new. */
int pb_api_new(struct pb_loop *loop, struct pb_core *core, const char *path,
    const struct pb_api_ops *ops, void *arg, struct pb_api **ret_api, struct pb_error *err);
/* Who may do what from now on: daemon.api.view, operate, admin. */
void pb_api_apply(struct pb_api *a, const struct pb_config *c);
/* Whoever still waits is told that the daemon is stopping.  Takes NULL. */
void pb_api_free(struct pb_api *a);

/* The core's reply: goes to the request that waits for its token; nobody may wait any more. */
void pb_api_reply(struct pb_api *a, const struct pb_reply *reply);
/* Notes were committed: whoever follows the trace gets them. */
void pb_api_noted(struct pb_api *a);

#endif
