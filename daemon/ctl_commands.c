/*
 * The commands that ask the daemon: each asks, shows, and tells how it went.
 */
#include "ctl_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "io/file.h"

#define TIMELINE_PIECE 1000
#define INJECT_MAX (1U << 20)

static enum pb_ctl_exit
fail(const struct pb_error *err)
{
	fprintf(stderr, "playbookctl: %s\n", err->text);
	return PB_CTL_UNREACHABLE;
}

static void
print(const struct pb_buf *b)
{
	if (b->len > 0)
		(void)fwrite(b->ptr, 1, b->len, stdout);
}

/*
 * Ask; on success *ret is the answer's JSON, the caller's, or NULL when it was printed already
 * (--json) or went to on_line.
 */
static enum pb_ctl_exit
ask(struct ctl *c, const struct pb_ctl_request *req, json_t **ret)
{
	struct pb_error err;
	struct pb_ctl_answer answer;
	int rc = pb_ctl_ask(req, &answer, &err);
	PB_CLEANUP(pb_buf_fini) struct pb_buf body = answer.body;
	*ret = NULL;
	if (rc < 0)
		return fail(&err);
	if (answer.status != 200) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		pb_ctl_add_error(&text, answer.status, pb_buf_str(&body));
		if (c->is_json)
			print(&body);
		else
			fprintf(stderr, "playbookctl: %s", text.ptr);
		return PB_CTL_REFUSED;
	}
	if (req->on_line != NULL)
		return PB_CTL_OK;
	if (c->is_json) {
		print(&body);
		return PB_CTL_OK;
	}
	if (pb_json_parse(pb_buf_str(&body), ret, &err) < 0) {
		(void)pb_wrap(&err, "%s does not speak as playbookd does", req->socket);
		return fail(&err);
	}
	pb_ctl_take_clock(&c->view, *ret);
	return PB_CTL_OK;
}

static enum pb_ctl_exit
get(struct ctl *c, const char *path, json_t **ret)
{
	const struct pb_ctl_request req = {.socket = c->socket, .method = "GET", .path = path};
	return ask(c, &req, ret);
}

static enum pb_ctl_exit
post(struct ctl *c, const char *path, struct pb_str body, json_t **ret)
{
	const struct pb_ctl_request req = {
	    .socket = c->socket, .method = "POST", .path = path, .body = body};
	return ask(c, &req, ret);
}

/* "/v1/incidents/ID" and what follows. */
static char *
incident_path(const char *id, const char *what)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, "/v1/incidents/");
	pb_ctl_add_encoded(&b, id);
	(void)pb_buf_adds(&b, what);
	return pb_buf_take(&b);
}

static char *
limited(const struct ctl *c, const char *path, int64_t fallback)
{
	return pb_asprintf("%s%climit=%lld", path, strchr(path, '?') == NULL ? '?' : '&',
	    (long long)(c->limit > 0 ? c->limit : fallback));
}

/* --- commands */

static enum pb_ctl_exit
cmd_status(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	enum pb_ctl_exit rc = get(c, "/v1/status", &j);
	if (j != NULL)
		pb_ctl_show_status(&b, j, &c->view);
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_incidents(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep)
	char *path =
	    limited(c, c->is_all ? "/v1/incidents?state=all" : "/v1/incidents?state=open", 100);
	enum pb_ctl_exit rc = get(c, path, &j);
	if (j != NULL)
		pb_ctl_show_incidents(&b, j, c->is_all, &c->view);
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_show(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *path = incident_path(c->argument, "");
	enum pb_ctl_exit rc = get(c, path, &j);
	if (j != NULL)
		pb_ctl_show_incident(&b, j, &c->view);
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_ack(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *path = incident_path(c->argument, "/ack");
	enum pb_ctl_exit rc = post(c, path, PB_STR(""), &j);
	const char *kind = pb_json_str(j, "storm") != NULL ? "storm" : "group";
	if (pb_json_str(j, kind) != NULL) {
		(void)pb_buf_addf(&b, "%s ", kind);
		pb_ctl_add_text(&b, pb_json_str(j, kind), 100);
		(void)pb_buf_addf(&b, ": %lld of its incidents are acknowledged by this\n",
		    (long long)pb_json_i64(j, "acked", 0));
	} else if (j != NULL) {
		pb_ctl_add_text(&b, pb_json_str_or(j, "incident", "?"), 100);
		(void)pb_buf_adds(
		    &b, " is acknowledged; unless it is resolved, paging goes on at ");
		pb_ctl_add_time(&b, pb_json_i64(j, "acked_until", PB_NEVER), &c->view);
		(void)pb_buf_addc(&b, '\n');
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_snooze(struct ctl *c)
{
	PB_JSON json_t *j = NULL, *body = json_object();
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (c->span == NULL) {
		fprintf(stderr, "playbookctl: snooze needs --for, as --for 30m\n");
		return PB_CTL_USAGE;
	}
	PB_CLEANUP(pb_freep) char *path = incident_path(c->argument, "/snooze");
	pb_json_set_str(body, "for", c->span);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, path, pb_str_of(text), &j);
	if (j != NULL) {
		pb_ctl_add_text(&b, pb_json_str_or(j, "incident", "?"), 100);
		(void)pb_buf_adds(&b, " is snoozed; unless it is resolved, paging goes on at ");
		pb_ctl_add_time(&b, pb_json_i64(j, "snoozed_until", PB_NEVER), &c->view);
		(void)pb_buf_addc(&b, '\n');
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_escalate(struct ctl *c)
{
	PB_JSON json_t *j = NULL, *body = json_object();
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *path = incident_path(c->argument, "/escalate");
	pb_json_set_str(body, "reason", c->reason);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, path, pb_str_of(text), &j);
	if (j != NULL) {
		pb_ctl_add_text(&b, pb_json_str_or(j, "incident", "?"), 100);
		(void)pb_buf_addf(&b, " is handed over: level %lld is paged\n",
		    (long long)pb_json_i64(j, "level", 0));
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_resolve(struct ctl *c)
{
	PB_JSON json_t *j = NULL, *body = json_object();
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *path = incident_path(c->argument, "/resolve");
	pb_json_set_str(body, "reason", c->reason);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, path, pb_str_of(text), &j);
	if (j != NULL) {
		pb_ctl_add_text(&b, pb_json_str_or(j, "incident", "?"), 100);
		(void)pb_buf_adds(&b, " is resolved\n");
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
answer(struct ctl *c, const char *how)
{
	PB_JSON json_t *j = NULL, *body = json_object();
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *path = incident_path(c->argument, how);
	if (c->step != NULL)
		pb_json_set_str(body, "step", c->step);
	if (c->reason != NULL)
		pb_json_set_str(body, "reason", c->reason);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, path, pb_str_of(text), &j);
	if (j != NULL) {
		pb_ctl_add_text(&b, pb_json_str_or(j, "incident", "?"), 100);
		(void)pb_buf_adds(&b, ": ");
		pb_ctl_add_text(&b, pb_json_str_or(j, "answer", ""), 300);
		(void)pb_buf_adds(&b, "; it is ");
		pb_ctl_add_text(&b, pb_json_str_or(j, "state", "?"), 100);
		(void)pb_buf_addc(&b, '\n');
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_approve(struct ctl *c)
{
	return answer(c, "/approve");
}

static enum pb_ctl_exit
cmd_reject(struct ctl *c)
{
	return answer(c, "/reject");
}

static enum pb_ctl_exit
set_remediation(struct ctl *c, bool is_stopped)
{
	PB_JSON json_t *j = NULL, *body = json_object();
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	json_object_set_new(body, "stopped", json_boolean(is_stopped));
	if (c->reason != NULL)
		pb_json_set_str(body, "reason", c->reason);
	if (c->argument != NULL)
		pb_json_set_str(body, "playbook", c->argument);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, "/v1/remediation", pb_str_of(text), &j);
	if (j != NULL) {
		(void)pb_buf_adds(&b, "remediation ");
		if (c->argument != NULL) {
			(void)pb_buf_adds(&b, "of playbook ");
			pb_ctl_add_text(&b, c->argument, 100);
			(void)pb_buf_addc(&b, ' ');
		}
		(void)pb_buf_adds(
		    &b, is_stopped ? "is stopped; pages go on\n" : "is started again\n");
		size_t n = json_array_size(pb_json_get(j, "stopped"));
		if (!is_stopped && n > 0)
			(void)pb_buf_addf(&b, "%zu stop%s still in force, see playbookctl status\n",
			    n, n == 1 ? " is" : "s are");
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_stop_remediation(struct ctl *c)
{
	return set_remediation(c, true);
}

static enum pb_ctl_exit
cmd_start_remediation(struct ctl *c)
{
	return set_remediation(c, false);
}

static enum pb_ctl_exit
silence_add(struct ctl *c)
{
	struct pb_error err;
	PB_JSON json_t *j = NULL, *body = json_object();
	json_t *match = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (c->match == NULL || c->span == NULL || c->reason == NULL) {
		fprintf(stderr, "playbookctl: silence add needs --match, --for and --reason\n");
		return PB_CTL_USAGE;
	}
	/* It was compiled with the command line. */
	if (pb_json_parse(pb_str_of(c->match), &match, &err) < 0)
		return fail(&err);
	json_object_set_new(body, "match", match);
	pb_json_set_str(body, "for", c->span);
	pb_json_set_str(body, "reason", c->reason);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, "/v1/silences", pb_str_of(text), &j);
	if (j != NULL) {
		(void)pb_buf_addf(&b,
		    "silence %s is in force; it fits %lld of %lld open incidents; what is still "
		    "open "
		    "is paged at ",
		    pb_json_str_or(j, "id", "?"), (long long)pb_json_i64(j, "fits", 0),
		    (long long)pb_json_i64(j, "open", 0));
		pb_ctl_add_time(&b, pb_json_i64(j, "until", 0), &c->view);
		(void)pb_buf_addc(&b, '\n');
	}
	print(&b);
	return rc;
}

static enum pb_ctl_exit
silence_list(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	enum pb_ctl_exit rc = get(c, "/v1/silences", &j);
	size_t i;
	json_t *s;
	json_array_foreach (json_object_get(j, "silences"), i, s) {
		(void)pb_buf_addf(&b, "%s by ", pb_json_str_or(s, "id", "?"));
		pb_ctl_add_text(&b, pb_json_str_or(s, "by", "?"), 100);
		(void)pb_buf_adds(&b, " until ");
		pb_ctl_add_time(&b, pb_json_i64(s, "until", 0), &c->view);
		(void)pb_buf_adds(&b, ": ");
		pb_ctl_add_text(&b, pb_json_str_or(s, "reason", ""), 500);
		(void)pb_buf_adds(&b, "\n  ");
		pb_ctl_add_text(&b, pb_json_str_or(s, "match", ""), 1000);
		(void)pb_buf_addc(&b, '\n');
	}
	if (j != NULL && b.len == 0)
		(void)pb_buf_adds(&b, "no silence is in force\n");
	print(&b);
	return rc;
}

static enum pb_ctl_exit
silence_expire(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT, path = PB_BUF_INIT;
	if (c->step == NULL || c->step[0] == '\0') {
		fprintf(stderr, "playbookctl: silence expire needs ID\n");
		return PB_CTL_USAGE;
	}
	(void)pb_buf_adds(&path, "/v1/silences/");
	pb_ctl_add_encoded(&path, c->step);
	(void)pb_buf_adds(&path, "/expire");
	enum pb_ctl_exit rc = post(c, path.ptr, PB_STR(""), &j);
	if (j != NULL)
		(void)pb_buf_addf(&b, "silence %s is over; what is open is paged\n",
		    pb_json_str_or(j, "silence", "?"));
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_silence(struct ctl *c)
{
	if (strcmp(c->argument, "expire") == 0)
		return silence_expire(c);
	if (c->step == NULL && strcmp(c->argument, "add") == 0)
		return silence_add(c);
	if (c->step == NULL && strcmp(c->argument, "list") == 0)
		return silence_list(c);
	fprintf(stderr, "playbookctl: silence is one of add, list and expire ID\n");
	return PB_CTL_USAGE;
}

static void
add_injected(struct pb_buf *b, const json_t *j)
{
	const char *verdict = pb_json_str_or(j, "verdict", "?");
	if (pb_json_str(j, "incident") != NULL) {
		(void)pb_buf_adds(b, "taken, incident ");
		pb_ctl_add_text(b, pb_json_str(j, "incident"), 100);
	} else if (strcmp(verdict, "taken") == 0) {
		(void)pb_buf_adds(b, "taken, no incident was opened by it");
	} else if (strcmp(verdict, "duplicate") == 0) {
		(void)pb_buf_adds(b, "seen before, nothing was done");
	} else if (strcmp(verdict, "late") == 0) {
		(void)pb_buf_adds(b, "too late, the alarm has changed since; nothing was done");
	} else {
		pb_ctl_add_text(b, verdict, 100);
	}
	(void)pb_buf_addc(b, '\n');
}

static enum pb_ctl_exit
cmd_inject(struct ctl *c)
{
	struct pb_error err;
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT, b = PB_BUF_INIT;
	int rc = strcmp(c->argument, "-") == 0
	    ? pb_file_read_fd(STDIN_FILENO, "standard input", INJECT_MAX, &text, &err)
	    : pb_file_read(c->argument, INJECT_MAX, &text, &err);
	if (rc < 0) {
		(void)fail(&err);
		return PB_CTL_REFUSED;
	}
	enum pb_ctl_exit status = post(c, "/v1/inject", pb_buf_str(&text), &j);
	if (j != NULL)
		add_injected(&b, j);
	print(&b);
	return status;
}

static int
on_note(struct pb_str line, void *arg)
{
	struct ctl *c = arg;
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (c->is_json || pb_json_parse(line, &j, NULL) < 0) {
		(void)pb_buf_addf(&b, "%.*s\n", PB_STR_ARG(line));
	} else {
		pb_ctl_take_clock(&c->view, j);
		pb_ctl_show_note(&b, j, &c->view);
	}
	print(&b);
	/* A reader of a pipe that has gone ends it. */
	return fflush(stdout) == 0 ? 0 : -1;
}

static enum pb_ctl_exit
cmd_tail(struct ctl *c)
{
	json_t *none;
	PB_CLEANUP(pb_freep)
	char *path = limited(c, c->is_followed ? "/v1/tail?follow=1" : "/v1/tail", 20);
	const struct pb_ctl_request req = {
	    .socket = c->socket, .method = "GET", .path = path, .on_line = on_note, .arg = c};
	return ask(c, &req, &none);
}

struct timeline {
	struct ctl *c;
	int64_t seq; /* of the last line */
	size_t n; /* lines of this piece */
};

static int
on_timeline(struct pb_str line, void *arg)
{
	struct timeline *tl = arg;
	PB_JSON json_t *j = NULL;
	if (pb_json_parse(line, &j, NULL) == 0)
		tl->seq = pb_json_i64(j, "seq", tl->seq);
	tl->n++;
	return on_note(line, tl->c);
}

/* From the first decision on, piece by piece: the story of an incident may be long. */
static enum pb_ctl_exit
cmd_timeline(struct ctl *c)
{
	struct timeline tl = {.c = c};
	enum pb_ctl_exit rc;
	do {
		json_t *none;
		PB_CLEANUP(pb_buf_fini) struct pb_buf path = PB_BUF_INIT;
		(void)pb_buf_addf(&path, "/v1/tail?limit=%d&since=%lld&incident=", TIMELINE_PIECE,
		    (long long)tl.seq);
		pb_ctl_add_encoded(&path, c->argument);
		const struct pb_ctl_request req = {.socket = c->socket,
		    .method = "GET",
		    .path = path.ptr,
		    .on_line = on_timeline,
		    .arg = &tl};
		tl.n = 0;
		rc = ask(c, &req, &none);
	} while (rc == PB_CTL_OK && tl.n == TIMELINE_PIECE);
	return rc;
}

static enum pb_ctl_exit
cmd_why(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT, path = PB_BUF_INIT;
	(void)pb_buf_adds(&path, "/v1/why?of=");
	pb_ctl_add_encoded(&path, c->argument);
	enum pb_ctl_exit rc = get(c, path.ptr, &j);
	if (j != NULL)
		pb_ctl_show_why(&b, j, &c->view);
	print(&b);
	return rc;
}

/* Piece by piece; each line is one event. */
static enum pb_ctl_exit
cmd_export(struct ctl *c)
{
	int64_t seq = 0;
	c->is_json = false; /* it is JSON anyway */
	for (;;) {
		PB_JSON json_t *j = NULL;
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		PB_CLEANUP(pb_freep)
		char *path = pb_asprintf("/v1/received?limit=1000&since=%lld", (long long)seq);
		enum pb_ctl_exit rc = get(c, path, &j);
		const json_t *list = pb_json_get(j, "received");
		size_t n = json_array_size(list);
		for (size_t i = 0; i < n; i++) {
			PB_CLEANUP(pb_freep) char *text = pb_json_text(json_array_get(list, i));
			(void)pb_buf_addf(&b, "%s\n", text);
		}
		print(&b);
		if (rc != PB_CTL_OK || n == 0 || ferror(stdout) != 0)
			return rc;
		seq = pb_json_i64(json_array_get(list, n - 1), "seq", INT64_MAX);
	}
}

static enum pb_ctl_exit
cmd_reload(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	enum pb_ctl_exit rc = post(c, "/v1/reload", PB_STR(""), &j);
	if (j != NULL)
		pb_ctl_show_reload(&b, j, &c->view);
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_quarantine(struct ctl *c)
{
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *path = limited(c, "/v1/quarantine", 100);
	enum pb_ctl_exit rc = get(c, path, &j);
	if (j != NULL)
		pb_ctl_show_quarantine(&b, j, &c->view);
	print(&b);
	return rc;
}

static enum pb_ctl_exit
cmd_version(struct ctl *c)
{
	(void)c;
	printf("playbookctl %s\n", PB_VERSION);
	return PB_CTL_OK;
}

const struct ctl_command ctl_commands[] = {
    {"status", NULL, cmd_status},
    {"incidents", NULL, cmd_incidents},
    {"show", "ID", cmd_show},
    {"timeline", "ID", cmd_timeline},
    {"why", "ALARM or ID", cmd_why},
    {"export", NULL, cmd_export},
    {"ack", "ID", cmd_ack},
    {"snooze", "ID", cmd_snooze},
    {"escalate", "ID", cmd_escalate},
    {"approve", "ID [STEP]", cmd_approve},
    {"reject", "ID [STEP]", cmd_reject},
    {"resolve", "ID", cmd_resolve},
    {"stop-remediation", "[PLAYBOOK]", cmd_stop_remediation},
    {"start-remediation", "[PLAYBOOK]", cmd_start_remediation},
    {"silence", "add, list or expire [ID]", cmd_silence},
    {"inject", "FILE or -", cmd_inject},
    {"tail", NULL, cmd_tail},
    {"reload", NULL, cmd_reload},
    {"quarantine", NULL, cmd_quarantine},
    {"version", NULL, cmd_version},
    {NULL, NULL, NULL},
};
