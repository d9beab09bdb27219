/*
 * The API's answers that change nothing.
 */
#include <stdlib.h>

#include "api_internal.h"
#include "base/json.h"
#include "metrics.h"

void
api_hide_never(json_t *body)
{
	const char *name;
	json_t *value;
	void *next;
	size_t i;
	json_array_foreach (body, i, value)
		api_hide_never(value);
	json_object_foreach_safe(body, next, name, value)
	{
		if (json_is_integer(value) && json_integer_value(value) == PB_NEVER)
			(void)json_object_set_new(body, name, json_null());
		else if (strcmp(name, "event") != 0)
			api_hide_never(value);
	}
}

void
api_status(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	(void)piece;
	PB_JSON json_t *body = a->ops->status(a->arg);
	api_answer(a, req, 200, body);
}

void
api_metrics(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	(void)piece;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	a->ops->metrics(a->arg, &b);
	pb_http_reply(req, 200, PB_METRICS_TYPE, pb_buf_str(&b));
}

/* The engine's view of an open incident has its ladder and its step besides what is stored. */
static void
add_live(const struct pb_api *a, json_t *incident, int64_t now)
{
	PB_JSON json_t *live = pb_engine_incident_json(
	    pb_core_engine(a->core), pb_json_str_or(incident, "id", ""), now);
	if (live != NULL)
		(void)json_object_update(incident, live);
}

enum which { OPEN, RESOLVED, ALL };

static int
which_of(struct pb_http_request *req, enum which *ret)
{
	static const char *const names[] = {
	    [OPEN] = "open", [RESOLVED] = "resolved", [ALL] = "all"};
	const char *text = pb_http_request_param(req, "state");
	*ret = OPEN;
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = (enum which)i;
			return 0;
		}
	}
	pb_http_reply_error(
	    req, 400, "parameter state: \"%s\" is none of open, resolved, all", text);
	return -1;
}

static void
keep_resolved(json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (!pb_streq(pb_json_str(json_array_get(list, i), "state"), "resolved"))
			(void)json_array_remove(list, i);
}

void
api_incidents(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	struct pb_store_list list = {0};
	struct pb_error err;
	enum which which;
	PB_JSON json_t *body = NULL;
	(void)piece;
	if (which_of(req, &which) < 0 ||
	    api_number(req, "limit", 1, PB_STORE_LIST_MAX, PB_API_LIST_DEFAULT, &list.limit) < 0 ||
	    api_number(req, "before", 0, INT64_MAX, 0, &list.before) < 0)
		return;
	list.open_only = which == OPEN;
	if (pb_store_incidents(pb_core_store(a->core), &list, &body, &err) < 0) {
		api_fail(req, &err);
		return;
	}
	int64_t now = pb_core_now(a->core);
	json_t *incidents = json_object_get(body, "incidents"), *in;
	size_t i;
	if (which == RESOLVED)
		keep_resolved(incidents);
	json_array_foreach (incidents, i, in)
		add_live(a, in, now);
	pb_json_set_i64(body, "open", (int64_t)pb_engine_n_open(pb_core_engine(a->core)));
	api_hide_never(body);
	api_answer(a, req, 200, body);
}

/* A group or storm by its id: its record, pages and notes. */
static int
answer_bundle(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	struct pb_store *store = pb_core_store(a->core);
	PB_CLEANUP(pb_freep) char *id = NULL;
	PB_JSON json_t *body = NULL;
	if (pb_store_find_bundle(store, piece, &id, NULL) < 0 ||
	    pb_store_bundle(store, id, &body, NULL) < 0)
		return -1;
	api_hide_never(body);
	api_answer(a, req, 200, body);
	return 0;
}

void
api_incident(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *id = NULL;
	PB_JSON json_t *body = NULL;
	struct pb_store *store = pb_core_store(a->core);
	if (pb_store_find_incident(store, piece, &id, &err) < 0 ||
	    pb_store_incident(store, id, &body, &err) < 0) {
		if (err.kind != PB_NOT_FOUND || answer_bundle(a, req, piece) < 0)
			api_fail(req, &err);
		return;
	}
	int64_t now = pb_core_now(a->core);
	json_t *incident = json_object_get(body, "incident");
	add_live(a, incident, now);
	json_object_set_new(body, "plan",
	    pb_engine_plan(pb_core_engine(a->core), pb_json_str_or(incident, "config", "")));
	api_hide_never(body);
	api_answer(a, req, 200, body);
}

void
api_quarantine(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	int64_t limit;
	struct pb_error err;
	json_t *messages = NULL;
	(void)piece;
	if (api_number(req, "limit", 1, PB_STORE_LIST_MAX, PB_API_LIST_DEFAULT, &limit) < 0)
		return;
	if (pb_store_quarantine(pb_core_store(a->core), limit, &messages, &err) < 0) {
		api_fail(req, &err);
		return;
	}
	PB_JSON json_t *body = json_object();
	json_object_set_new(body, "messages", messages);
	api_answer(a, req, 200, body);
}

void
api_config(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	const struct pb_config *c = pb_engine_config(pb_core_engine(a->core));
	PB_JSON json_t *body = pb_config_to_json(c);
	json_t *playbooks = json_array();
	(void)piece;
	for (size_t i = 0; i < c->n_playbooks; i++)
		json_array_append_new(playbooks, json_string(c->playbooks[i].name));
	pb_json_set_str(body, "digest", c->digest);
	json_object_set_new(body, "playbooks", playbooks);
	api_answer(a, req, 200, body);
}
