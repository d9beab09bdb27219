/*
 * What the files of the API share.  Not for others.
 */
#ifndef PB_DAEMON_API_INTERNAL_H
#define PB_DAEMON_API_INTERNAL_H

#include "daemon/api.h"
#include "daemon/api_role.h"

struct waiter {
	uint64_t token;
	struct pb_http_request *request;
	struct waiter *next;
};

/* A stream of GET /v1/tail. */
struct follower {
	struct pb_api *api;
	struct pb_http_request *request;
	int64_t seq; /* last one sent */
	char *incident; /* NULL = all */
	struct follower *next;
};

struct pb_api {
	uint32_t magic;
	struct pb_loop *loop;
	struct pb_core *core;
	struct pb_http_server *server;
	const struct pb_api_ops *ops;
	void *arg;
	uint64_t last_token;
	struct waiter *waiters;
	struct follower *followers;
	bool is_feed_posted;
	struct api_roles roles;
};

/* `piece` is the part of the path that stands for "*"; "" when there is none.  Each answers. */
typedef void api_handler(struct pb_api *a, struct pb_http_request *req, const char *piece);

/* api_read.c */
api_handler api_metrics, api_status, api_incidents, api_incident, api_quarantine, api_config;
/* api_why.c */
api_handler api_why, api_received;
/* api_tail.c */
api_handler api_tail;
void tail_feed(void *api); /* to every follower what it does not have yet */
void tail_free(struct pb_api *a);

/* A number of the query within limits, `fallback` when absent.  -1: answered with 400. */
int api_number(struct pb_http_request *req, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *ret);
/* Times that never come are null for callers; "event" stays as it is. */
void api_hide_never(json_t *body);
/* Answers, with "now" and "clock_ahead_for" beside what `body` has. */
void api_answer(struct pb_api *a, struct pb_http_request *req, int status, json_t *body);
/* Answers with the status that fits the kind of error. */
void api_fail(struct pb_http_request *req, const struct pb_error *err);

#endif
