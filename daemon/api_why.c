/*
 * GET /v1/why and GET /v1/received: what was decided and why, and the events it was decided about.
 */
#include <stdlib.h>

#include "api_internal.h"
#include "base/json.h"

#define NOTES_HALF 500

/* All notes of an incident; of very many, the first and the last ones. */
static int
add_decisions(struct pb_store *store, const char *id, json_t *body, struct pb_error *err)
{
	PB_JSON json_t *first = NULL, *last = NULL;
	bool is_cut = false;
	if (pb_store_notes(store, 0, id, NOTES_HALF, &first, err) < 0)
		return -1;
	size_t n = json_array_size(first), i;
	if (n == NOTES_HALF) {
		int64_t seq = pb_json_i64(json_array_get(first, n - 1), "seq", 0);
		json_t *note;
		if (pb_store_notes(store, -1, id, NOTES_HALF, &last, err) < 0)
			return -1;
		is_cut = pb_json_i64(json_array_get(last, 0), "seq", 0) > seq;
		json_array_foreach (last, i, note)
			if (pb_json_i64(note, "seq", 0) > seq)
				json_array_append(first, note);
	}
	json_object_set(body, "decisions", first);
	json_object_set_new(body, "is_cut", json_boolean(is_cut));
	return 0;
}

static int
add_incident(struct pb_api *a, const char *id, json_t *body, struct pb_error *err)
{
	struct pb_store *store = pb_core_store(a->core);
	struct pb_engine *e = pb_core_engine(a->core);
	PB_JSON json_t *all = NULL;
	if (pb_store_incident(store, id, &all, err) < 0 || add_decisions(store, id, body, err) < 0)
		return -1;
	json_t *incident = json_object_get(all, "incident");
	json_object_set(body, "incident", incident);
	json_object_set_new(
	    body, "plan", pb_engine_plan(e, pb_json_str_or(incident, "config", "")));
	json_t *next = pb_engine_why_incident(e, id);
	json_object_set_new(body, "next", next != NULL ? next : json_array());
	return 0;
}

static int
add_bundle(struct pb_api *a, const char *id, json_t *body, struct pb_error *err)
{
	struct pb_store *store = pb_core_store(a->core);
	PB_JSON json_t *all = NULL;
	if (pb_store_bundle(store, id, &all, err) < 0 || add_decisions(store, id, body, err) < 0)
		return -1;
	json_object_set(body, "bundle", json_object_get(all, "bundle"));
	return 0;
}

/* Its last event as it came, and where that would go now. */
static int
add_last_event(struct pb_api *a, const char *arn, json_t *body, struct pb_error *err)
{
	struct pb_store *store = pb_core_store(a->core);
	json_t *received = NULL;
	struct pb_event *ev = NULL;
	if (pb_store_received_last(store, arn, false, &received, err) < 0)
		return err->kind == PB_NOT_FOUND ? 0 : -1;
	json_object_set_new(body, "received", received);
	if (pb_event_from_envelope(json_object_get(received, "event"), &ev, err) < 0)
		return -1;
	json_object_set_new(body, "would", pb_engine_why_event(pb_core_engine(a->core), ev));
	pb_event_unref(ev);
	return 0;
}

/* The open incident of the alarm, else its last one, else NULL; the caller's. */
static char *
incident_of_alarm(struct pb_api *a, const char *arn)
{
	const char *open = pb_engine_alarm_incident(pb_core_engine(a->core), arn);
	PB_JSON json_t *last = NULL;
	if (open != NULL)
		return pb_strdup(open);
	if (pb_store_received_last(pb_core_store(a->core), arn, true, &last, NULL) < 0)
		return NULL;
	return pb_strdup(pb_json_str(last, "incident"));
}

static int
add_alarm(struct pb_api *a, const char *arn, json_t *body, struct pb_error *err)
{
	enum pb_alarm_state state = PB_ALARM_INSUFFICIENT_DATA;
	int64_t at = 0;
	json_t *alarm = json_object();
	json_object_set_new(body, "alarm", alarm);
	(void)pb_engine_alarm(pb_core_engine(a->core), arn, &state, &at);
	pb_json_set_str(alarm, "arn", arn);
	pb_json_set_str(alarm, "state", pb_alarm_state_name(state));
	pb_json_set_i64(alarm, "transitioned_at", at);
	PB_CLEANUP(pb_freep) char *id = incident_of_alarm(a, arn);
	/* It may have been pruned, while the event is kept. */
	if (id != NULL && add_incident(a, id, body, err) < 0 && err->kind != PB_NOT_FOUND)
		return -1;
	return add_last_event(a, arn, body, err);
}

static int
answer_why(struct pb_api *a, const char *of, json_t *body, struct pb_error *err)
{
	char safe[160];
	const char *arn = NULL;
	size_t n = pb_engine_find_alarm(pb_core_engine(a->core), of, &arn);
	PB_CLEANUP(pb_freep) char *id = NULL;
	if (pb_store_find_incident(pb_core_store(a->core), of, &id, err) == 0)
		return add_incident(a, id, body, err);
	if (err->kind != PB_NOT_FOUND)
		return -1;
	if (n == 0 && pb_store_find_bundle(pb_core_store(a->core), of, &id, NULL) == 0)
		return add_bundle(a, id, body, err);
	(void)pb_safe(safe, sizeof(safe), pb_str_of(of));
	if (n == 0)
		return pb_fail(err, PB_NOT_FOUND,
		    "%s: neither an incident nor an alarm that was ever heard of", safe);
	if (n > 1)
		return pb_fail(err, PB_INVALID,
		    "%s: %zu alarms have this name; give the ARN, as %s", safe, n, arn);
	return add_alarm(a, arn, body, err);
}

void
api_why(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	struct pb_error err = {0};
	const char *of = pb_http_request_param(req, "of");
	PB_JSON json_t *body = json_object();
	(void)piece;
	if (of == NULL || of[0] == '\0') {
		pb_http_reply_error(
		    req, 400, "parameter of: an alarm's name or ARN, or an incident");
		return;
	}
	if (answer_why(a, of, body, &err) < 0) {
		api_fail(req, &err);
		return;
	}
	api_hide_never(body);
	api_answer(a, req, 200, body);
}

/* Some of the events as they came; the reader asks again from the last one's number. */
void
api_received(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	int64_t since, limit;
	struct pb_error err;
	json_t *list = NULL;
	(void)piece;
	if (api_number(req, "since", 0, INT64_MAX, 0, &since) < 0 ||
	    api_number(req, "limit", 1, PB_STORE_LIST_MAX, PB_API_LIST_DEFAULT, &limit) < 0)
		return;
	if (pb_store_received(pb_core_store(a->core), since, limit, &list, &err) < 0) {
		api_fail(req, &err);
		return;
	}
	PB_JSON json_t *body = json_object();
	json_object_set_new(body, "received", list);
	api_answer(a, req, 200, body);
}
