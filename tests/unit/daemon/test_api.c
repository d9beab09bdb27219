/*
 * The API: routes, commands, errors.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api_world.h"
#include "base/json.h"
#include "io/file.h"

static const char *
message(const json_t *j)
{
	return pb_json_str_or(pb_json_get(j, "error"), "message", "");
}

static struct {
	const char *name, *method, *target, *body;
	int status;
	const char *says;
} const refused[] = {
    {"unknown path", "GET", "/v1/nothing", NULL, 404, "/v1/nothing does not exist"},
    {"root", "GET", "/", NULL, 404, "does not exist"},
    {"path below a route", "GET", "/v1/status/x", NULL, 404, "does not exist"},
    {"empty id", "GET", "/v1/incidents/", NULL, 404, "does not exist"},
    {"wrong method", "POST", "/v1/status", NULL, 405, "is asked with GET"},
    {"reload by GET", "GET", "/v1/reload", NULL, 405, "is asked with POST"},
    {"delete", "DELETE", "/v1/incidents/1", NULL, 405, "is asked with GET"},
    {"limit of 0", "GET", "/v1/incidents?limit=0", NULL, 400, "limit"},
    {"limit of text", "GET", "/v1/incidents?limit=many", NULL, 400, "limit"},
    {"limit too large", "GET", "/v1/quarantine?limit=1001", NULL, 400, "limit"},
    {"unknown state", "GET", "/v1/incidents?state=blue", NULL, 400, "none of open, resolved, all"},
    {"negative since", "GET", "/v1/tail?since=-1", NULL, 400, "since"},
    {"tail of nobody", "GET", "/v1/tail?incident=9", NULL, 404, "9"},
    {"unknown incident", "GET", "/v1/incidents/20260101-1", NULL, 404, "20260101-1"},
    {"ack of nobody", "POST", "/v1/incidents/9/ack", NULL, 404, "no open incident has this id"},
    {"resolve of nobody", "POST", "/v1/incidents/9/resolve", NULL, 404, "no open incident"},
    {"reason that is no JSON", "POST", "/v1/incidents/9/resolve", "because", 400, "body: line 1"},
    {"reason of a list", "POST", "/v1/incidents/9/resolve", "[1]", 400, "an object"},
    {"reason that is no text", "POST", "/v1/incidents/9/resolve", "{\"reason\":1}", 400, "object"},
    {"misspelt reason", "POST", "/v1/incidents/9/resolve", "{\"reasn\":\"x\"}", 400,
	"unknown member \"reasn\"; it takes reason"},
    {"ack with a reason", "POST", "/v1/incidents/9/ack", "{\"reason\":\"x\"}", 400,
	"unknown member \"reason\"; it takes none"},
    {"ack that is no JSON", "POST", "/v1/incidents/9/ack", "yes", 400, "body: line 1"},
    {"snooze of another name", "POST", "/v1/incidents/9/snooze", "{\"for\":\"5m\",\"to\":1}", 400,
	"unknown member \"to\"; it takes for"},
    {"step of another name", "POST", "/v1/incidents/9/approve", "{\"stepp\":\"a\"}", 400,
	"unknown member \"stepp\"; it takes reason step"},
    {"stop of a misspelt playbook", "POST", "/v1/remediation",
	"{\"stopped\":true,\"reason\":\"x\",\"playbok\":\"fix\"}", 400,
	"unknown member \"playbok\""},
    {"approval of nobody", "POST", "/v1/incidents/9/approve", NULL, 404, "no open incident"},
    {"rejection that is no JSON", "POST", "/v1/incidents/9/reject", "no", 400, "body: line 1"},
    {"stop of no playbook", "POST", "/v1/remediation",
	"{\"stopped\":true,\"reason\":\"x\",\"playbook\":\"fax\"}", 404,
	"there is no playbook \"fax\""},
    {"stop without a reason", "POST", "/v1/remediation", "{\"stopped\":true}", 400,
	"a reason is needed"},
    {"stop that says not what", "POST", "/v1/remediation", "{\"reason\":\"x\"}", 400,
	"an object {\"stopped\""},
    {"stop that is no JSON", "POST", "/v1/remediation", "stop", 400, "body: line 1"},
    {"start of what is not stopped", "POST", "/v1/remediation", "{\"stopped\":false}", 409,
	"remediation as a whole is not stopped"},
    {"inject of nothing", "POST", "/v1/inject", "", 400, "not an event"},
    {"inject of half an object", "POST", "/v1/inject", "{\"a\":", 400, "not an event: line 1"},
    {"inject of something else", "POST", "/v1/inject", "{\"a\":1}", 400, "not an event"},
    {"inject of duplicate keys", "POST", "/v1/inject", "{\"a\":1,\"a\":2}", 400, "not an event"},
    {"escape in the path", "GET", "/v1/%1b[31m", NULL, 404, "\\x1b[31m"},
};

START_TEST(what_cannot_be_is_refused_in_words)
{
	struct api_world w;
	api_open(&w);
	PB_JSON json_t *j = api_ask(&w, refused[_i].method, refused[_i].target, refused[_i].body);
	ck_assert_msg(w.status == refused[_i].status, "%s: %s", refused[_i].name, w.head);
	ck_assert_msg(
	    strstr(message(j), refused[_i].says) != NULL, "%s: %s", refused[_i].name, message(j));
	ck_assert_int_eq(pb_json_i64(pb_json_get(j, "error"), "status", 0), refused[_i].status);
	api_close(&w);
}
END_TEST

START_TEST(status_is_what_the_daemon_says)
{
	struct api_world w;
	api_open(&w);
	PB_JSON json_t *j = api_ask(&w, "GET", "/v1/status", NULL);
	ck_assert_int_eq(w.status, 200);
	ck_assert_str_eq(pb_json_str(j, "state"), "running");
	ck_assert_ptr_nonnull(strstr(w.head, "application/json"));
	api_close(&w);
}
END_TEST

START_TEST(an_injected_alarm_opens_an_incident_and_its_repeat_does_not)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *id = api_incident_open(&w, "fix-1");
	PB_CLEANUP(pb_freep) char *action = pb_asprintf("%s/restart/1", id);
	ck_assert_str_eq(w.started, action);

	PB_CLEANUP(pb_freep) char *old = api_alarm("fix-1", "ALARM", "2026-01-01T00:00:00Z");
	PB_JSON json_t *late = api_ask(&w, "POST", "/v1/inject", old);
	ck_assert_str_eq(pb_json_str(late, "verdict"), "late");
	ck_assert_ptr_null(pb_json_str(late, "incident"));
	ck_assert_uint_eq(w.n_started, 1);
	api_close(&w);
}
END_TEST

START_TEST(a_time_that_never_comes_is_null)
{
	struct api_world w;
	api_open(&w);
	free(api_incident_open(&w, "tell-1"));
	json_decref(api_ask(&w, "POST", "/v1/incidents/1/resolve", NULL));
	json_decref(api_ask(&w, "GET", "/v1/incidents/1", NULL));
	ck_assert_ptr_null(strstr(w.head, "9223372036854775807"));
	ck_assert_msg(strstr(w.head, "\"next_at\":null") != NULL, "%s", w.head);
	api_close(&w);
}
END_TEST

static const struct {
	const char *name, *command, *body;
} late[] = {
    {"ack", "ack", NULL},
    {"snooze", "snooze", "{\"for\":\"30m\"}"},
    {"escalate", "escalate", NULL},
    {"approve", "approve", NULL},
    {"reject", "reject", NULL},
    {"resolve", "resolve", NULL},
};

/* Twice, for the second one finds nothing that the first one left. */
START_TEST(a_command_on_what_is_closed_is_refused_and_changes_nothing)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *id = api_incident_open(&w, "tell-1");
	json_decref(api_ask(&w, "POST", "/v1/incidents/1/resolve", NULL));
	PB_CLEANUP(pb_freep) char *says = pb_asprintf("%s: it was resolved at ", id);
	PB_CLEANUP(pb_freep)
	char *target = pb_asprintf("/v1/incidents/%s/%s", id, late[_i].command);
	for (int n = 0; n < 2; n++) {
		PB_JSON json_t *j = api_ask(&w, "POST", target, late[_i].body);
		ck_assert_msg(w.status == 409, "%s: %s", late[_i].name, w.head);
		ck_assert_msg(strncmp(message(j), says, strlen(says)) == 0 &&
			strstr(message(j), "Z: by_hand by ") != NULL,
		    "%s", message(j));
	}
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("/v1/incidents/%s", id);
	PB_JSON json_t *after = api_ask(&w, "GET", path, NULL);
	const json_t *in = pb_json_get(after, "incident");
	ck_assert_str_eq(pb_json_str(in, "state"), "resolved");
	ck_assert_str_eq(pb_json_str(in, "cause"), "by_hand");
	api_close(&w);
}
END_TEST

/* Older than reopen_within: only the store has it. */
static void
put_past(struct api_world *w, const char *id, const char *resolved_by)
{
	struct pb_update *u = pb_update_new(pb_core_now(w->core));
	json_t *body = json_pack("{s:s, s:s, s:I, s:s, s:s*}", "id", id, "playbook", "fix",
	    "resolved_at", (json_int_t)1769904000000, "cause",
	    resolved_by == NULL ? "recovered" : "by_hand", "resolved_by", resolved_by);
	pb_update_put(u, PB_REC_INCIDENT, id, id, "resolved", body);
	ck_assert_int_eq(pb_store_commit(pb_core_store(w->core), u, NULL), 0);
	pb_update_free(u);
}

START_TEST(a_command_on_what_ended_long_ago_says_how_it_ended_and_is_noted)
{
	struct api_world w;
	api_open(&w);
	put_past(&w, "20260201-7", NULL);
	put_past(&w, "20260201-8", "ana");
	static const char *const rows[][2] = {
	    {"/v1/incidents/20260201-7/ack",
		"20260201-7: it was resolved at 2026-02-01T00:00:00Z: recovered"},
	    {"/v1/incidents/7/ack",
		"20260201-7: it was resolved at 2026-02-01T00:00:00Z: recovered"},
	    {"/v1/incidents/20260201-8/resolve",
		"20260201-8: it was resolved at 2026-02-01T00:00:00Z: by_hand by ana"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_JSON json_t *answer = api_ask(&w, "POST", rows[i][0], NULL);
		ck_assert_int_eq(w.status, 409);
		const json_t *error = pb_json_get(answer, "error");
		ck_assert_str_eq(pb_json_str(error, "message"), rows[i][1]);
	}
	/* Twice within a minute is noted once. */
	PB_JSON json_t *body = api_ask(&w, "GET", "/v1/incidents/20260201-7", NULL);
	const json_t *notes = pb_json_get(body, "notes");
	ck_assert_uint_eq(json_array_size(notes), 1);
	const char *text = pb_json_str(json_array_get(notes, 0), "text");
	ck_assert_msg(strncmp(text, "ack by ", 7) == 0 &&
		strstr(text, ": it was resolved at 2026-02-01T00:00:00Z: recovered") != NULL,
	    "%s", text);
	api_close(&w);
}
END_TEST

START_TEST(lists_show_open_resolved_or_all)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *first = api_incident_open(&w, "tell-1");
	PB_CLEANUP(pb_freep) char *second = api_incident_open(&w, "fix-1");
	json_decref(api_ask(&w, "POST", "/v1/incidents/1/resolve", NULL));
	ck_assert_int_eq(w.status, 200);

	PB_JSON json_t *open = api_ask(&w, "GET", "/v1/incidents", NULL);
	const json_t *list = pb_json_get(open, "incidents");
	ck_assert_uint_eq(json_array_size(list), 1);
	const json_t *in = json_array_get(list, 0);
	ck_assert_str_eq(pb_json_str(in, "id"), second);
	/* Live facts that only the engine has. */
	ck_assert_str_eq(pb_json_str(in, "step"), "restart");
	ck_assert_str_eq(pb_json_str(in, "ladder"), "armed");
	ck_assert_int_gt(pb_json_i64(in, "ladder_next_at", 0), pb_json_i64(open, "now", 0));

	PB_JSON json_t *resolved = api_ask(&w, "GET", "/v1/incidents?state=resolved", NULL);
	list = pb_json_get(resolved, "incidents");
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(pb_json_str(json_array_get(list, 0), "id"), first);
	PB_JSON json_t *all = api_ask(&w, "GET", "/v1/incidents?state=all&limit=1", NULL);
	ck_assert_uint_eq(json_array_size(pb_json_get(all, "incidents")), 1);
	ck_assert_int_gt(pb_json_i64(all, "next", 0), 0);
	ck_assert_int_eq(pb_json_i64(all, "open", -1), 1);
	api_close(&w);
}
END_TEST

START_TEST(an_incident_is_found_by_its_id_or_its_end)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *id = api_incident_open(&w, "fix-1");
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("/v1/incidents/%s", id);
	PB_JSON json_t *whole = api_ask(&w, "GET", path, NULL);
	ck_assert_int_eq(w.status, 200);
	PB_JSON json_t *end = api_ask(&w, "GET", "/v1/incidents/1", NULL);
	ck_assert_str_eq(pb_json_str(pb_json_get(end, "incident"), "id"), id);
	ck_assert_str_eq(pb_json_str(pb_json_get(whole, "incident"), "playbook"), "fix");
	ck_assert_str_eq(pb_json_str(pb_json_get(whole, "run"), "state"), "active");
	ck_assert_uint_gt(json_array_size(pb_json_get(whole, "notes")), 2);
	ck_assert_ptr_nonnull(pb_json_path(whole, PB_STR("event.detail.state.reason")));
	api_close(&w);
}
END_TEST

/* Who this test runs as, as the API tells it. */
static char *
me(void)
{
	const struct passwd *pw = getpwuid(getuid());
	return pw != NULL ? pb_strdup(pw->pw_name) : pb_asprintf("uid %u", (unsigned)getuid());
}

START_TEST(an_acknowledgement_names_who_the_kernel_says_it_was)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *id = api_incident_open(&w, "tell-1");
	PB_JSON json_t *j = api_ask(&w, "POST", "/v1/incidents/1/ack", NULL);
	ck_assert_int_eq(w.status, 200);
	ck_assert_str_eq(pb_json_str(j, "incident"), id);
	ck_assert_str_eq(pb_json_str(j, "ladder"), "acked");
	PB_JSON json_t *open = api_ask(&w, "GET", "/v1/incidents", NULL);
	PB_CLEANUP(pb_freep) char *who = me();
	ck_assert_str_eq(
	    pb_json_str(json_array_get(pb_json_get(open, "incidents"), 0), "acked_by"), who);
	api_close(&w);
}
END_TEST

START_TEST(a_resolve_keeps_its_reason_and_refuses_a_long_one)
{
	struct api_world w;
	api_open(&w);
	free(api_incident_open(&w, "tell-1"));
	char body[PB_API_REASON_MAX + 32];
	(void)snprintf(body, sizeof(body), "{\"reason\":\"%0*d\"}", PB_API_REASON_MAX + 1, 7);
	json_decref(api_ask(&w, "POST", "/v1/incidents/1/resolve", body));
	ck_assert_int_eq(w.status, 413);
	(void)snprintf(body, sizeof(body), "{\"reason\":\"%0*d\"}", PB_API_REASON_MAX, 7);
	json_decref(api_ask(&w, "POST", "/v1/incidents/1/resolve", body));
	ck_assert_int_eq(w.status, 200);
	PB_JSON json_t *in = api_ask(&w, "GET", "/v1/incidents/1", NULL);
	ck_assert_str_eq(pb_json_str(pb_json_get(in, "incident"), "cause"), "by_hand");
	PB_CLEANUP(pb_freep) char *text = pb_json_text(pb_json_get(in, "notes"));
	ck_assert_ptr_nonnull(strstr(text, "reason given: 000"));
	api_close(&w);
}
END_TEST

START_TEST(the_configuration_in_force_can_be_read)
{
	struct api_world w;
	api_open(&w);
	PB_JSON json_t *j = api_ask(&w, "GET", "/v1/config", NULL);
	ck_assert_int_eq(w.status, 200);
	ck_assert_uint_eq(strlen(pb_json_str_or(j, "digest", "")), PB_SHA256_TEXT - 1);
	ck_assert_str_eq(json_string_value(json_array_get(pb_json_get(j, "playbooks"), 2)), "tell");
	const json_t *file = json_array_get(pb_json_get(j, "files"), 0);
	ck_assert_ptr_nonnull(strstr(pb_json_str_or(file, "text", ""), "escalations:"));
	api_close(&w);
}
END_TEST

START_TEST(the_quarantine_shows_what_could_not_be_read)
{
	struct api_world w;
	api_open(&w);
	struct pb_input *in = pb_input_new(PB_IN_REJECT);
	in->source = pb_strdup("ops");
	in->message_id = pb_strdup("m-1");
	in->message = pb_strdup("garbage");
	in->text = pb_strdup("not JSON");
	in->count = 5;
	pb_core_post(w.core, in);
	PB_JSON json_t *j = api_ask(&w, "GET", "/v1/quarantine", NULL);
	const json_t *m = json_array_get(pb_json_get(j, "messages"), 0);
	ck_assert_str_eq(pb_json_str(m, "body"), "garbage");
	ck_assert_int_eq(pb_json_i64(m, "receives", 0), 5);
	api_close(&w);
}
END_TEST

START_TEST(a_reload_is_answered_when_the_daemon_has_decided)
{
	struct api_world w;
	api_open(&w);
	int fd = api_connect(&w,
	    "POST /v1/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Content-Length: 0\r\n\r\n");
	while (w.n_reloads == 0)
		api_rounds(&w, 1);
	PB_CLEANUP(pb_freep) char *who = me();
	ck_assert_str_eq(w.reload_by, who);
	PB_JSON json_t *body = json_pack("{s:{s:i,s:s,s:[s]}}", "error", "status", 422, "message",
	    "1 problem, keeping the old configuration", "problems", "a.yaml:1:1: wrong");
	const struct pb_reply reply = {.token = w.reload_token, .status = 422, .body = body};
	pb_api_reply(w.api, &reply);
	PB_CLEANUP(pb_freep) char *text = api_read_until(&w, fd, "a.yaml:1:1: wrong");
	ck_assert_int_eq(strncmp(text, "HTTP/1.1 422 ", 13), 0);
	(void)close(fd);
	api_close(&w);
}
END_TEST

START_TEST(a_reply_to_a_client_that_left_is_dropped)
{
	struct api_world w;
	api_open(&w);
	int fd =
	    api_connect(&w, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	while (w.n_reloads == 0)
		api_rounds(&w, 1);
	(void)close(fd);
	api_rounds(&w, 10);
	PB_JSON json_t *body = json_object();
	const struct pb_reply reply = {.token = w.reload_token, .status = 200, .body = body};
	pb_api_reply(w.api, &reply);
	pb_api_reply(w.api, &reply);
	json_decref(api_ask(&w, "GET", "/v1/status", NULL));
	ck_assert_int_eq(w.status, 200);
	api_close(&w);
}
END_TEST

START_TEST(who_waits_when_it_stops_is_told)
{
	struct api_world w;
	api_open(&w);
	int fd =
	    api_connect(&w, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	while (w.n_reloads == 0)
		api_rounds(&w, 1);
	api_close(&w);
	(void)close(fd);
}
END_TEST

START_TEST(every_path_of_the_description_exists)
{
	struct api_world w;
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	struct pb_error err;
	size_t n = 0;
	if (pb_file_read("conf/openapi.yaml", 0, &text, &err) < 0)
		ck_abort_msg("%s", err.text);
	api_open(&w);
	for (const char *p = text.ptr; (p = strstr(p, "\n  /v1/")) != NULL; n++) {
		p += 3;
		PB_CLEANUP(pb_freep) char *path = pb_strndup(p, strcspn(p, ":"));
		char *id = strstr(path, "{id}");
		if (id != NULL)
			memcpy(id, "9999", 4);
		json_decref(api_ask(&w, "DELETE", path, NULL));
		ck_assert_msg(w.status == 405, "%s: %s", path, w.head);
	}
	ck_assert_uint_ge(n, 10);
	api_close(&w);
}
END_TEST

/* The next row of the route table of daemon/api.c; NULL at its end. */
static const char *
next_route(const char *p, char *ret_method, char *ret_path, size_t size)
{
	char method[8];
	const char *row = strstr(p, "\n    {\"/");
	if (row == NULL)
		return NULL;
	row += 7;
	size_t len = strcspn(row, "\"");
	ck_assert_uint_lt(len, size);
	memcpy(ret_path, row, len);
	ret_path[len] = '\0';
	ck_assert_int_eq(sscanf(row + len, "\", PB_HTTP_%7[A-Z]", method), 1);
	memcpy(ret_method, method, sizeof(method));
	return row + len;
}

static char *
with_id(const char *path, const char *id)
{
	const char *star = strchr(path, '*');
	return star == NULL ? pb_strdup(path)
			    : pb_asprintf("%.*s%s%s", (int)(star - path), path, id, star + 1);
}

/* Does the path's part of the description, up to the next path, have the method? */
static bool
is_described(const char *yaml, const char *path, const char *method)
{
	PB_CLEANUP(pb_freep) char *id = with_id(path, "{id}");
	PB_CLEANUP(pb_freep) char *head = pb_asprintf("\n  %s:\n", id);
	const char *key = strcmp(method, "GET") == 0 ? "\n    get:" : "\n    post:";
	const char *part = strstr(yaml, head);
	const char *next = part == NULL ? NULL : strstr(part + 3, "\n  /");
	const char *found = part == NULL ? NULL : strstr(part, key);
	return found != NULL && (next == NULL || found < next);
}

static void
read_text(const char *path, struct pb_buf *ret)
{
	struct pb_error err;
	ck_assert_msg(pb_file_read(path, 0, ret, &err) == 0, "%s", err.text);
}

START_TEST(every_route_is_in_the_manual_and_in_the_description)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf code = PB_BUF_INIT, man = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf yaml = PB_BUF_INIT;
	char method[8], path[128];
	size_t n = 0;
	read_text("daemon/api.c", &code);
	read_text("man/playbookd.8", &man);
	read_text("conf/openapi.yaml", &yaml);
	const char *table = strstr(code.ptr, "} routes[] = {");
	ck_assert_ptr_nonnull(table);
	for (const char *p = table; (p = next_route(p, method, path, sizeof(path))) != NULL; n++) {
		PB_CLEANUP(pb_freep) char *id = with_id(path, "ID");
		PB_CLEANUP(pb_freep) char *line = pb_asprintf("\n%-4s %s", method, id);
		const char *found = strstr(man.ptr, line);
		while (found != NULL && strchr(" \n", found[strlen(line)]) == NULL)
			found = strstr(found + 1, line);
		ck_assert_msg(found != NULL, "man/playbookd.8 lacks %s %s", method, id);
		ck_assert_msg(is_described(yaml.ptr, path, method), "conf/openapi.yaml lacks %s %s",
		    method, id);
	}
	ck_assert_uint_ge(n, 20);
}
END_TEST

PB_SUITE(api)
{
	pb_add(s, every_route_is_in_the_manual_and_in_the_description);
	pb_add_loop(s, what_cannot_be_is_refused_in_words, 0, PB_ARRAY_LEN(refused));
	pb_add(s, status_is_what_the_daemon_says);
	pb_add(s, an_injected_alarm_opens_an_incident_and_its_repeat_does_not);
	pb_add(s, a_time_that_never_comes_is_null);
	pb_add_loop(
	    s, a_command_on_what_is_closed_is_refused_and_changes_nothing, 0, PB_ARRAY_LEN(late));
	pb_add(s, a_command_on_what_ended_long_ago_says_how_it_ended_and_is_noted);
	pb_add(s, lists_show_open_resolved_or_all);
	pb_add(s, an_incident_is_found_by_its_id_or_its_end);
	pb_add(s, an_acknowledgement_names_who_the_kernel_says_it_was);
	pb_add(s, a_resolve_keeps_its_reason_and_refuses_a_long_one);
	pb_add(s, the_configuration_in_force_can_be_read);
	pb_add(s, the_quarantine_shows_what_could_not_be_read);
	pb_add(s, a_reload_is_answered_when_the_daemon_has_decided);
	pb_add(s, a_reply_to_a_client_that_left_is_dropped);
	pb_add(s, who_waits_when_it_stops_is_told);
	pb_add(s, every_path_of_the_description_exists);
}
