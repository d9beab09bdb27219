/*
 * GET /v1/tail: the trace as newline-delimited JSON, to its end or followed.
 *
 * Followers are fed from the store and not from the pump: what they see is committed, in order and
 * without gaps, however far back they begin.
 */
#include <stdlib.h>

#include "api_internal.h"
#include "base/json.h"

#define FEED_SLICE 200 /* notes a follower gets in one round of the loop */

/* Sends what `notes` has.  -1: the client has gone. */
static int
send_notes(const struct pb_api *a, struct pb_http_request *req, const json_t *notes, int64_t *seq)
{
	size_t i;
	json_t *n;
	json_array_foreach (notes, i, n) {
		if (pb_core_wall_ahead(a->core) != 0)
			pb_json_set_i64(n, "clock_ahead_for", pb_core_wall_ahead(a->core));
		PB_CLEANUP(pb_freep) char *line = pb_json_text(n);
		if (pb_http_stream_line(req, pb_str_of(line)) < 0)
			return -1;
		*seq = pb_json_i64(n, "seq", *seq);
	}
	return 0;
}

static void
follower_free(struct follower *f)
{
	pb_http_stream_end(f->request);
	free(f->incident);
	free(f);
}

static void
drop(struct follower *f)
{
	struct follower **at = &f->api->followers;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	follower_free(f);
}

static void
on_gone(void *arg)
{
	drop(arg);
}

static void
post_feed(struct pb_api *a)
{
	if (a->is_feed_posted || a->followers == NULL)
		return;
	a->is_feed_posted = true;
	pb_loop_post(a->loop, tail_feed, a);
}

void
tail_feed(void *arg)
{
	struct pb_api *a = arg;
	a->is_feed_posted = false;
	bool is_more = false;
	for (struct follower *f = a->followers, *next; f != NULL; f = next) {
		PB_JSON json_t *notes = NULL;
		next = f->next;
		if (pb_store_notes(pb_core_store(a->core), f->seq, f->incident, FEED_SLICE, &notes,
			NULL) < 0 ||
		    send_notes(a, f->request, notes, &f->seq) < 0)
			drop(f);
		else if (json_array_size(notes) == FEED_SLICE)
			is_more = true;
	}
	if (is_more)
		post_feed(a);
}

static size_t
count_followers(const struct pb_api *a)
{
	size_t n = 0;
	for (const struct follower *f = a->followers; f != NULL; f = f->next)
		n++;
	return n;
}

static void
follow(struct pb_api *a, struct pb_http_request *req, int64_t seq, const char *incident)
{
	struct follower *f = pb_calloc(1, sizeof(*f));
	f->api = a;
	f->request = req;
	f->seq = seq;
	f->incident = pb_strdup(incident);
	f->next = a->followers;
	a->followers = f;
	pb_http_stream_start(req, on_gone, f);
}

/* The last notes first, or those since a number; then, with follow=1, whatever comes. */
void
api_tail(struct pb_api *a, struct pb_http_request *req, const char *piece)
{
	int64_t since, limit, is_followed, seq = 0;
	struct pb_error err;
	PB_JSON json_t *notes = NULL;
	PB_CLEANUP(pb_freep) char *id = NULL;
	struct pb_store *store = pb_core_store(a->core);
	const char *incident = pb_http_request_param(req, "incident");
	(void)piece;
	if (api_number(req, "since", 0, INT64_MAX, -1, &since) < 0 ||
	    api_number(req, "limit", 1, PB_STORE_LIST_MAX, PB_API_LIST_DEFAULT, &limit) < 0 ||
	    api_number(req, "follow", 0, 1, 0, &is_followed) < 0)
		return;
	if (is_followed == 1 && count_followers(a) >= PB_API_FOLLOWERS_MAX) {
		pb_http_reply_error(req, 503,
		    "too many clients follow the trace, %d at most; end one of them",
		    PB_API_FOLLOWERS_MAX);
		return;
	}
	bool is_found = incident == NULL ||
	    pb_store_find_incident(store, incident, &id, &err) == 0 ||
	    (err.kind == PB_NOT_FOUND && pb_store_find_bundle(store, incident, &id, NULL) == 0);
	if (!is_found || pb_store_notes(store, since, id, limit, &notes, &err) < 0) {
		api_fail(req, &err);
		return;
	}
	if (since > 0)
		seq = since;
	if (is_followed == 1)
		follow(a, req, seq, id);
	else
		pb_http_stream_start(req, NULL, NULL);
	struct follower *f = is_followed == 1 ? a->followers : NULL;
	int rc = send_notes(a, req, notes, f != NULL ? &f->seq : &seq);
	if (f == NULL)
		pb_http_stream_end(req);
	else if (rc < 0)
		drop(f);
	else
		post_feed(a);
}

void
pb_api_noted(struct pb_api *a)
{
	post_feed(a);
}

void
tail_free(struct pb_api *a)
{
	pb_loop_unpost(a->loop, tail_feed, a);
	while (a->followers != NULL)
		drop(a->followers);
}
