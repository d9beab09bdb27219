/*
 * The API: routes, commands and their replies.
 *
 * A command becomes an input with a token; its request waits in a list until the core's reply with
 * that token comes, which is after the commit.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#include "api_internal.h"
#include "base/json.h"
#include "base/log.h"

#define API_MAGIC 0x41504931u
#define API_MODE_OPEN 0660U /* the socket's group decides */
#define API_MODE_ROLES 0666U /* the roles do */

/* --- helpers of the handlers */

void
api_answer(struct pb_api *a, struct pb_http_request *req, int status, json_t *body)
{
	pb_json_set_i64(body, "now", pb_core_now(a->core));
	pb_json_set_i64(body, "clock_ahead_for", pb_core_wall_ahead(a->core));
	pb_http_reply_json(req, status, body);
}

void
api_fail(struct pb_http_request *req, const struct pb_error *err)
{
	int status = 500;
	switch (err->kind) {
	case PB_SYNTAX:
	case PB_INVALID:
		status = 400;
		break;
	case PB_NOT_FOUND:
		status = 404;
		break;
	case PB_EXISTS:
		status = 409;
		break;
	case PB_LIMIT:
		status = 413;
		break;
	case PB_OK:
	case PB_DENIED:
	case PB_IO:
	case PB_TIMEOUT:
	case PB_UNSUPPORTED:
	case PB_CORRUPT:
	case PB_ERROR_MAX:
		break;
	}
	pb_http_reply_error(req, status, "%s", err->text);
}

int
api_number(struct pb_http_request *req, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *ret)
{
	const char *text = pb_http_request_param(req, name);
	struct pb_error err;
	*ret = fallback;
	if (text == NULL || pb_parse_i64(pb_str_of(text), min, max, ret, &err) == 0)
		return 0;
	pb_http_reply_error(req, 400, "parameter %s: %s", name, err.text);
	return -1;
}

static uint64_t
wait_for_reply(struct pb_api *a, struct pb_http_request *req)
{
	struct waiter *w = pb_calloc(1, sizeof(*w));
	w->token = ++a->last_token;
	w->request = req;
	w->next = a->waiters;
	a->waiters = w;
	return w->token;
}

static struct pb_http_request *
take_waiter(struct pb_api *a, uint64_t token)
{
	for (struct waiter **at = &a->waiters; *at != NULL; at = &(*at)->next) {
		struct waiter *w = *at;
		if (w->token != token)
			continue;
		struct pb_http_request *req = w->request;
		*at = w->next;
		free(w);
		return req;
	}
	return NULL;
}

/* --- commands */

/* Is `name` one of the words of `members`, which blanks divide? */
static bool
is_member(const char *members, const char *name)
{
	size_t len = strlen(name);
	for (const char *p = members; *p != '\0'; p += strspn(p, " ")) {
		size_t word = strcspn(p, " ");
		if (word == len && memcmp(p, name, len) == 0)
			return true;
		p += word;
	}
	return false;
}

/*
 * The body's JSON, NULL when there is none.  A member that is none of `members` is refused: a reason
 * under a misspelt name would be lost without a word.  -1: answered.
 */
static int
body_of(struct pb_http_request *req, const char *members, json_t **ret)
{
	struct pb_str body = pb_str_trim(pb_http_request_body(req));
	struct pb_error err;
	const char *name;
	json_t *value;
	*ret = NULL;
	if (body.len == 0)
		return 0;
	if (pb_json_parse(body, ret, &err) < 0) {
		pb_http_reply_error(
		    req, 400, "body: line %d, column %d: %s", err.line, err.column, err.text);
		return -1;
	}
	json_object_foreach (*ret, name, value) {
		if (is_member(members, name))
			continue;
		pb_http_reply_error(req, 400, "body: unknown member \"%s\"; %s%s", name,
		    members[0] == '\0' ? "it takes none" : "it takes ", members);
		json_decref(PB_TAKE(*ret));
		return -1;
	}
	return 0;
}

/* An incident of this id that ended long ago: only the store knows of it. */
static json_t *
past_of(const struct pb_api *a, const char *piece)
{
	PB_CLEANUP(pb_freep) char *id = NULL;
	PB_JSON json_t *body = NULL;
	struct pb_store *store = pb_core_store(a->core);
	if (pb_engine_knows(pb_core_engine(a->core), piece) ||
	    pb_store_find_incident(store, piece, &id, NULL) < 0 ||
	    pb_store_incident(store, id, &body, NULL) < 0)
		return NULL;
	json_t *incident = json_object_get(body, "incident");
	return pb_streq(pb_json_str(incident, "state"), "resolved") ? json_incref(incident) : NULL;
}

/* Posts what somebody asks of the incident `piece`; its caller is answered by pb_api_reply. */
static void
ask_of(struct pb_api *a, struct pb_http_request *req, const char *piece, struct pb_input *in)
{
	in->incident = pb_strdup(piece);
	in->past = past_of(a, piece);
	in->by = api_caller(req);
	in->token = wait_for_reply(a, req);
	pb_core_post(a->core, in);
}

static void
ack(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	PB_JSON json_t *j = NULL;
	if (body_of(req, "", &j) < 0)
		return;
	ask_of(a, req, piece, pb_input_new(PB_IN_ACK));
}

/* The reason of {"reason": "..."}; no body is no reason.  -1: answered. */
static int
reason_of(struct pb_http_request *req, const char *members, char **ret)
{
	PB_JSON json_t *j = NULL;
	*ret = NULL;
	if (body_of(req, members, &j) < 0)
		return -1;
	if (j == NULL)
		return 0;
	const json_t *reason = pb_json_get(j, "reason");
	if (!json_is_object(j) || (reason != NULL && !json_is_string(reason))) {
		pb_http_reply_error(req, 400, "body: an object {\"reason\": \"text\"} is expected");
		return -1;
	}
	if (json_string_length(reason) > PB_API_REASON_MAX) {
		pb_http_reply_error(req, 413, "reason: more than %d bytes", PB_API_REASON_MAX);
		return -1;
	}
	*ret = pb_strdup(json_string_value(reason));
	return 0;
}

/* The step of {"step": "name"}, which may be left out; the body was read before. */
static char *
step_of(const struct pb_http_request *req)
{
	PB_JSON json_t *j = NULL;
	struct pb_str body = pb_str_trim(pb_http_request_body(req));
	if (body.len == 0 || pb_json_parse(body, &j, NULL) < 0)
		return NULL;
	return pb_strdup(pb_json_str(j, "step"));
}

static void
answer(struct pb_api *a, struct pb_http_request *req, const char *piece, enum pb_input_kind kind)
{
	char *reason;
	if (reason_of(req, "reason step", &reason) < 0)
		return;
	struct pb_input *in = pb_input_new(kind);
	in->step = step_of(req);
	in->text = reason;
	ask_of(a, req, piece, in);
}

static void
approve(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	answer(a, req, piece, PB_IN_APPROVE);
}

static void
reject(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	answer(a, req, piece, PB_IN_REFUSE);
}

/* {"stopped": true, "reason": "...", "playbook": "..."}; no playbook is all of them. */
static void
remediation(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	PB_JSON json_t *j = NULL;
	struct pb_error err;
	(void)piece;
	if (pb_json_parse(pb_str_trim(pb_http_request_body(req)), &j, &err) < 0) {
		pb_http_reply_error(
		    req, 400, "body: line %d, column %d: %s", err.line, err.column, err.text);
		return;
	}
	const json_t *stopped = pb_json_get(j, "stopped"), *playbook = pb_json_get(j, "playbook");
	char *reason;
	if (!json_is_boolean(stopped) || (playbook != NULL && !json_is_string(playbook))) {
		pb_http_reply_error(req, 400,
		    "body: an object {\"stopped\": true or false, \"reason\": \"text\", "
		    "\"playbook\": \"name\"} is expected");
		return;
	}
	if (reason_of(req, "stopped reason playbook", &reason) < 0)
		return;
	struct pb_input *in = pb_input_new(PB_IN_REMEDIATION);
	in->is_stop = json_is_true(stopped);
	in->playbook = pb_strdup(json_string_value(playbook));
	in->text = reason;
	in->by = api_caller(req);
	in->token = wait_for_reply(a, req);
	pb_core_post(a->core, in);
}

static void
silences(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	PB_JSON json_t *body = json_object();
	(void)piece;
	json_object_set_new(body, "silences", pb_engine_silences_json(pb_core_engine(a->core)));
	api_answer(a, req, 200, body);
}

/* {"match": {...}, "for": "2h", "reason": "..."}; what they may be is checked by the engine. */
static void
silence(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	PB_JSON json_t *j = NULL;
	struct pb_error err;
	int64_t span;
	char *reason;
	(void)piece;
	if (body_of(req, "match for reason", &j) < 0)
		return;
	const char *text = pb_json_str(j, "for");
	if (text == NULL || !json_is_object(pb_json_get(j, "match"))) {
		pb_http_reply_error(req, 400,
		    "body: an object {\"match\": an event pattern, \"for\": \"2h\", "
		    "\"reason\": \"text\"} is expected");
		return;
	}
	if (pb_duration_parse(pb_str_of(text), &span, &err) < 0) {
		pb_http_reply_error(req, 400, "for: %s", err.text);
		return;
	}
	if (reason_of(req, "match for reason", &reason) < 0)
		return;
	struct pb_input *in = pb_input_new(PB_IN_SILENCE);
	in->match = pb_json_text(pb_json_get(j, "match"));
	in->span = span;
	in->text = reason;
	in->by = api_caller(req);
	in->token = wait_for_reply(a, req);
	pb_core_post(a->core, in);
}

static void
expire(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	struct pb_input *in = pb_input_new(PB_IN_UNSILENCE);
	in->silence = pb_strdup(piece);
	in->by = api_caller(req);
	in->token = wait_for_reply(a, req);
	pb_core_post(a->core, in);
}

static void
post_with_reason(
    struct pb_api *a, struct pb_http_request *req, const char *piece, enum pb_input_kind kind)
{
	char *reason;
	if (reason_of(req, "reason", &reason) < 0)
		return;
	struct pb_input *in = pb_input_new(kind);
	in->text = reason;
	ask_of(a, req, piece, in);
}

static void
resolve(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	post_with_reason(a, req, piece, PB_IN_RESOLVE);
}

static void
escalate(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	post_with_reason(a, req, piece, PB_IN_ESCALATE);
}

/* How long is checked by the engine. */
static void
snooze(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	PB_JSON json_t *j = NULL;
	struct pb_error err;
	int64_t span;
	if (body_of(req, "for", &j) < 0)
		return;
	const char *text = pb_json_str(j, "for");
	if (text == NULL) {
		pb_http_reply_error(req, 400, "body: an object {\"for\": \"30m\"} is expected");
		return;
	}
	if (pb_duration_parse(pb_str_of(text), &span, &err) < 0) {
		pb_http_reply_error(req, 400, "for: %s", err.text);
		return;
	}
	struct pb_input *in = pb_input_new(PB_IN_SNOOZE);
	in->span = span;
	ask_of(a, req, piece, in);
}

static void
inject(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	struct pb_error err = {0};
	struct pb_event *event = NULL;
	char why[128] = "", identity[128];
	(void)piece;
	switch (pb_event_from_body(pb_http_request_body(req), "", "", &event, why, &err)) {
	case PB_BODY_EVENT:
		break;
	case PB_BODY_IGNORE:
		pb_http_reply_error(req, 400, "understood, but not an event: %s", why);
		return;
	case PB_BODY_BAD:
		if (err.line > 0)
			(void)pb_wrap(&err, "line %d, column %d", err.line, err.column);
		pb_http_reply_error(req, 400, "not an event: %s", err.text);
		return;
	}
	PB_CLEANUP(pb_freep) char *by = api_caller(req);
	pb_notice("event %s injected by %s",
	    pb_safe(identity, sizeof(identity), pb_str_of(event->identity)), by);
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	in->event = event;
	in->source = pb_strdup("inject");
	in->by = PB_TAKE(by);
	in->token = wait_for_reply(a, req);
	pb_core_post(a->core, in);
}

static void
reload(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	PB_CLEANUP(pb_freep) char *by = api_caller(req);
	(void)piece;
	a->ops->reload(a->arg, by, wait_for_reply(a, req));
}

/* The engine says {"error": "text"}; callers get the one shape of all errors. */
void
pb_api_reply(struct pb_api *a, const struct pb_reply *reply)
{
	PB_CHECK_OBJ(a, API_MAGIC);
	struct pb_http_request *req = take_waiter(a, reply->token);
	const char *error = pb_json_str(reply->body, "error");
	if (req == NULL)
		return;
	if (error != NULL)
		pb_http_reply_error(req, reply->status, "%s", error);
	else {
		PB_JSON json_t *body = json_deep_copy(reply->body);
		api_hide_never(body);
		api_answer(a, req, reply->status, body);
	}
}

/* --- routes */

static const struct route {
	const char *path; /* "*" stands for one piece */
	enum pb_http_method method;
	enum pb_api_role role; /* that it takes */
	api_handler *handler;
} routes[] = {
    {"/v1/status", PB_HTTP_GET, PB_API_VIEW, api_status},
    {"/v1/incidents", PB_HTTP_GET, PB_API_VIEW, api_incidents},
    {"/v1/incidents/*", PB_HTTP_GET, PB_API_VIEW, api_incident},
    {"/v1/incidents/*/ack", PB_HTTP_POST, PB_API_OPERATE, ack},
    {"/v1/incidents/*/snooze", PB_HTTP_POST, PB_API_OPERATE, snooze},
    {"/v1/incidents/*/escalate", PB_HTTP_POST, PB_API_OPERATE, escalate},
    {"/v1/incidents/*/approve", PB_HTTP_POST, PB_API_OPERATE, approve},
    {"/v1/incidents/*/reject", PB_HTTP_POST, PB_API_OPERATE, reject},
    {"/v1/incidents/*/resolve", PB_HTTP_POST, PB_API_OPERATE, resolve},
    {"/v1/remediation", PB_HTTP_POST, PB_API_OPERATE, remediation},
    {"/v1/silences", PB_HTTP_GET, PB_API_VIEW, silences},
    {"/v1/silences", PB_HTTP_POST, PB_API_OPERATE, silence},
    {"/v1/silences/*/expire", PB_HTTP_POST, PB_API_OPERATE, expire},
    {"/v1/inject", PB_HTTP_POST, PB_API_ADMIN, inject},
    {"/v1/tail", PB_HTTP_GET, PB_API_VIEW, api_tail},
    {"/v1/why", PB_HTTP_GET, PB_API_VIEW, api_why},
    {"/v1/received", PB_HTTP_GET, PB_API_VIEW, api_received},
    {"/v1/quarantine", PB_HTTP_GET, PB_API_VIEW, api_quarantine},
    {"/v1/config", PB_HTTP_GET, PB_API_VIEW, api_config},
    {"/metrics", PB_HTTP_GET, PB_API_VIEW, api_metrics},
    {"/v1/reload", PB_HTTP_POST, PB_API_ADMIN, reload},
};

#define PIECE_MAX 128

/* Does `path` fit the route's?  Then `piece` has what "*" stands for. */
static bool
fits(const char *pattern, const char *path, char piece[PIECE_MAX])
{
	piece[0] = '\0';
	while (*pattern != '\0') {
		if (*pattern != '*') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		size_t len = strcspn(path, "/");
		if (len == 0 || len >= PIECE_MAX)
			return false;
		memcpy(piece, path, len);
		piece[len] = '\0';
		path += len;
		pattern++;
	}
	return *path == '\0';
}

static void
handle(struct pb_http_request *req, void *arg)
{
	struct pb_api *a = arg;
	const char *path = pb_http_request_path(req);
	char piece[PIECE_MAX];
	const struct route *other = NULL;
	for (size_t i = 0; i < PB_ARRAY_LEN(routes); i++) {
		if (!fits(routes[i].path, path, piece))
			continue;
		if (routes[i].method == pb_http_request_method(req)) {
			if (api_role_check(&a->roles, req, routes[i].role) == 0)
				routes[i].handler(a, req, piece);
			return;
		}
		other = &routes[i];
	}
	if (other != NULL)
		pb_http_reply_error(
		    req, 405, "%s is asked with %s", path, pb_http_method_name(other->method));
	else
		pb_http_reply_error(req, 404, "%s does not exist; /v1/status does", path);
}

/* --- life */

int
pb_api_new(struct pb_loop *loop, struct pb_core *core, const char *path,
    const struct pb_api_ops *ops, void *arg, struct pb_api **ret_api, struct pb_error *err)
{
	const struct pb_http_config config = {.path = path, .mode = API_MODE_OPEN};
	struct pb_api *a = pb_calloc(1, sizeof(*a));
	a->magic = API_MAGIC;
	a->loop = loop;
	a->core = core;
	a->ops = ops;
	a->arg = arg;
	a->roles.is_open = true;
	if (pb_http_server_new(loop, &config, handle, a, &a->server, err) < 0) {
		free(a);
		return -1;
	}
	*ret_api = a;
	return 0;
}

void
pb_api_apply(struct pb_api *a, const struct pb_config *c)
{
	struct pb_error err;
	PB_CHECK_OBJ(a, API_MAGIC);
	api_roles_set(&a->roles, c);
	unsigned mode = a->roles.is_open ? API_MODE_OPEN : API_MODE_ROLES;
	if (pb_http_server_set_mode(a->server, mode, &err) < 0)
		pb_warn("%s; whoever the socket keeps out stays out", err.text);
}

void
pb_api_free(struct pb_api *a)
{
	if (a == NULL)
		return;
	PB_CHECK_OBJ(a, API_MAGIC);
	while (a->waiters != NULL) {
		struct pb_http_request *req = take_waiter(a, a->waiters->token);
		pb_http_reply_error(req, 503, "playbookd is stopping");
	}
	tail_free(a);
	api_roles_fini(&a->roles);
	pb_http_server_free(a->server);
	a->magic = 0;
	free(a);
}
