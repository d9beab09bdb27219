/*
 * The trace by the API.
 */
#include <stdlib.h>
#include <unistd.h>

#include "api_world.h"
#include "base/json.h"

/* Adds notes whose texts are "note FIRST" to "note LAST". */
static void
add_notes(struct api_world *w, int first, int last)
{
	struct pb_update *u = pb_update_new(pb_core_now(w->core));
	for (int i = first; i <= last; i++)
		pb_update_note(u, "", "", "", "event", "note %d.", i);
	ck_assert_int_eq(pb_store_commit(pb_core_store(w->core), u, NULL), 0);
	pb_update_free(u);
	pb_api_noted(w->api);
}

static int
count(const char *text, const char *needle)
{
	int n = 0;
	for (const char *p = text; (p = strstr(p, needle)) != NULL; p++)
		n++;
	return n;
}

START_TEST(the_last_notes_come_oldest_first)
{
	struct api_world w;
	api_open(&w);
	add_notes(&w, 1, 30);
	json_decref(api_ask(&w, "GET", "/v1/tail?limit=2", NULL));
	ck_assert_int_eq(w.status, 200);
	ck_assert_ptr_nonnull(strstr(w.head, "application/x-ndjson"));
	ck_assert_int_eq(count(w.head, "\"seq\""), 2);
	ck_assert(strstr(w.head, "note 29.") < strstr(w.head, "note 30."));
	api_close(&w);
}
END_TEST

START_TEST(since_gives_what_is_behind_a_number)
{
	struct api_world w;
	api_open(&w);
	add_notes(&w, 1, 30);
	/* The boot's note is number 1. */
	json_decref(api_ask(&w, "GET", "/v1/tail?since=28", NULL));
	ck_assert_int_eq(count(w.head, "\"seq\""), 3);
	ck_assert_ptr_nonnull(strstr(w.head, "note 28."));
	api_close(&w);
}
END_TEST

START_TEST(a_follower_gets_what_comes_in_order_and_once)
{
	struct api_world w;
	api_open(&w);
	int fd = api_connect(&w, "GET /v1/tail?follow=1&limit=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	free(api_read_until(&w, fd, "\"boot\""));
	/* More than one slice, so that it takes several rounds. */
	add_notes(&w, 1, 450);
	PB_CLEANUP(pb_freep) char *text = api_read_until(&w, fd, "note 450.");
	ck_assert_int_eq(count(text, "\"seq\""), 450);
	ck_assert_int_eq(count(text, "note 200."), 1);
	ck_assert(strstr(text, "note 199.") < strstr(text, "note 200."));
	(void)close(fd);
	api_rounds(&w, 20);
	add_notes(&w, 451, 452);
	api_rounds(&w, 20);
	api_close(&w);
}
END_TEST

START_TEST(a_follower_of_one_incident_hears_of_no_other)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *first = api_incident_open(&w, "tell-1");
	PB_CLEANUP(pb_freep) char *second = api_incident_open(&w, "tell-2");
	int fd =
	    api_connect(&w, "GET /v1/tail?follow=1&incident=1&limit=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	json_decref(api_ask(&w, "POST", "/v1/incidents/2/ack", NULL));
	json_decref(api_ask(&w, "POST", "/v1/incidents/1/ack", NULL));
	PB_CLEANUP(pb_freep) char *text = api_read_until(&w, fd, "\"ack\"");
	ck_assert_ptr_null(strstr(text, second));
	ck_assert_ptr_nonnull(strstr(text, first));
	(void)close(fd);
	api_close(&w);
}
END_TEST

START_TEST(followers_leave_room_for_people_who_act)
{
	struct api_world w;
	int fds[PB_API_FOLLOWERS_MAX];
	api_open(&w);
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++) {
		fds[i] = api_connect(&w, "GET /v1/tail?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n");
		free(api_read_until(&w, fds[i], "\"boot\""));
	}
	PB_JSON json_t *j = api_ask(&w, "GET", "/v1/tail?follow=1", NULL);
	ck_assert_int_eq(w.status, 503);
	const char *message = pb_json_str_or(pb_json_get(j, "error"), "message", "");
	ck_assert_str_eq(message, "too many clients follow the trace, 32 at most; end one of them");
	json_decref(api_ask(&w, "GET", "/v1/tail", NULL));
	ck_assert_int_eq(w.status, 200);
	/* The place of one that leaves is free again. */
	(void)close(fds[0]);
	api_rounds(&w, 20);
	fds[0] = api_connect(&w, "GET /v1/tail?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	free(api_read_until(&w, fds[0], "\"boot\""));
	api_close(&w);
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(followers_are_let_go_when_it_stops)
{
	struct api_world w;
	api_open(&w);
	int fd = api_connect(&w, "GET /v1/tail?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	free(api_read_until(&w, fd, "\"boot\""));
	add_notes(&w, 1, 2);
	api_close(&w);
	(void)close(fd);
}
END_TEST

PB_SUITE(api_tail)
{
	pb_add(s, the_last_notes_come_oldest_first);
	pb_add(s, since_gives_what_is_behind_a_number);
	pb_add(s, a_follower_gets_what_comes_in_order_and_once);
	pb_add(s, a_follower_of_one_incident_hears_of_no_other);
	pb_add(s, followers_leave_room_for_people_who_act);
	pb_add(s, followers_are_let_go_when_it_stops);
}
