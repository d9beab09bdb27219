/*
 * playbookctl: command line and commands.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "ctl.h"
#include "ctl_prove.h"
#include "io/file.h"

#define TIMELINE_PIECE 1000
#define INJECT_MAX (1U << 20)

static const char usage_text[] =
    "usage: playbookctl [OPTIONS] COMMAND [ARGUMENT]\n"
    "\n"
    "  status              the daemon, its configuration and its sources\n"
    "  incidents [--all]   open incidents, or also those that are resolved\n"
    "  show ID             one incident: run, steps, pages and every decision\n"
    "  timeline ID         every decision about it in order, also long after its end\n"
    "  why ALARM|ID        which playbook took it and why not another, which guard stopped it, "
    "what\n"
    "                      comes next\n"
    "  export              the events that are kept, one a line, for backtest\n"
    "  ack ID              acknowledge: paging pauses\n"
    "  snooze ID --for 30m   nobody is paged for so long (1m to 1d)\n"
    "  escalate ID [--reason TEXT]  hand over: the next level is paged now\n"
    "  approve ID [STEP]   let the plan, or the step, start that asks for it\n"
    "  reject ID [STEP] [--reason TEXT]   do not; a human does it\n"
    "  resolve ID [--reason TEXT]   end it by hand\n"
    "  stop-remediation [PLAYBOOK] --reason TEXT\n"
    "                      nothing is started any more, in all or one playbook; pages go on\n"
    "  start-remediation [PLAYBOOK]   lift that again\n"
    "  silence add --match PATTERN --for 2h --reason TEXT\n"
    "                      nobody is paged for what fits (1m to 30d); remediation goes on\n"
    "  silence list        the silences in force\n"
    "  silence expire ID   end one now\n"
    "  inject FILE|-       hand the daemon an event, as a queue would deliver it\n"
    "  tail [-f]           the latest decisions; -f goes on as they are made\n"
    "  reload              read the configuration anew\n"
    "  quarantine          messages that nobody could read\n"
    "  version             of this program\n"
    "  test FILE|DIR...    play test files in virtual time; needs no daemon\n"
    "  sim                 play random months on a configuration; needs no daemon\n"
    "  backtest            play events of the past on two configurations; needs no daemon\n"
    "  test-pattern        match event patterns against events; needs no daemon\n"
    "\n"
    "ID is an incident's id or the number at its end: 7 for 20261123-7.\n"
    "\n"
    "  --json         print the daemon's JSON\n"
    "  --socket PATH  of the daemon (default $PLAYBOOKD_SOCKET, else\n"
    "                 " PB_CTL_SOCKET ")\n"
    "  --limit N      at most N incidents, messages or decisions (1 to 1000)\n"
    "  --version, --help, -h\n"
    "  --no-color     as NO_COLOR in the environment\n"
    "\n"
    "exit status: 0 done; 1 refused or not found; 2 wrong usage; 3 no daemon to ask.\n"
    "See playbookctl(1).\n";

struct ctl {
	const char *socket, *reason, *span, *match, *argument, *step;
	int64_t limit; /* 0 = the daemon's */
	bool is_json, is_all, is_followed, no_color;
	struct pb_ctl_view view;
};

typedef enum pb_ctl_exit command_fn(struct ctl *c);

/* --- helpers of the commands */

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
ask(const struct ctl *c, const struct pb_ctl_request *req, json_t **ret)
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
	return PB_CTL_OK;
}

static enum pb_ctl_exit
get(const struct ctl *c, const char *path, json_t **ret)
{
	const struct pb_ctl_request req = {.socket = c->socket, .method = "GET", .path = path};
	return ask(c, &req, ret);
}

static enum pb_ctl_exit
post(const struct ctl *c, const char *path, struct pb_str body, json_t **ret)
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
		pb_ctl_add_time(&b, pb_json_i64(j, "acked_until", PB_NEVER), c->view.now);
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
		pb_ctl_add_time(&b, pb_json_i64(j, "snoozed_until", PB_NEVER), c->view.now);
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
	if (pb_json_parse(pb_str_of(c->match), &match, &err) < 0) {
		fprintf(stderr, "playbookctl: --match: line %d, column %d: %s\n", err.line,
		    err.column, err.text);
		return PB_CTL_USAGE;
	}
	json_object_set_new(body, "match", match);
	pb_json_set_str(body, "for", c->span);
	pb_json_set_str(body, "reason", c->reason);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	enum pb_ctl_exit rc = post(c, "/v1/silences", pb_str_of(text), &j);
	if (j != NULL) {
		(void)pb_buf_addf(&b, "silence %s is in force; what is still open is paged at ",
		    pb_json_str_or(j, "id", "?"));
		pb_ctl_add_time(&b, pb_json_i64(j, "until", 0), c->view.now);
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
		pb_ctl_add_time(&b, pb_json_i64(s, "until", 0), c->view.now);
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
	const struct ctl *c = arg;
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (c->is_json || pb_json_parse(line, &j, NULL) < 0)
		(void)pb_buf_addf(&b, "%.*s\n", PB_STR_ARG(line));
	else
		pb_ctl_show_note(&b, j, &c->view);
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
	const struct ctl *c;
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
	return on_note(line, (void *)(uintptr_t)tl->c);
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
		(void)pb_buf_addf(&b,
		    "configuration %.12s is in force; open incidents keep the one they began "
		    "with\n",
		    pb_json_str_or(j, "config", "?"));
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

static const struct command {
	const char *name;
	const char *argument; /* in the usage, "[...]" may be left out; NULL = takes none */
	command_fn *run;
} commands[] = {
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
};

/* --- command line */

enum option_id {
	OPT_JSON = 256,
	OPT_SOCKET,
	OPT_ALL,
	OPT_REASON,
	OPT_FOR,
	OPT_MATCH,
	OPT_LIMIT,
	OPT_NO_COLOR,
	OPT_VERSION
};

static const struct option options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"all", no_argument, NULL, OPT_ALL},
    {"reason", required_argument, NULL, OPT_REASON},
    {"for", required_argument, NULL, OPT_FOR},
    {"match", required_argument, NULL, OPT_MATCH},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"follow", no_argument, NULL, 'f'},
    {"no-color", no_argument, NULL, OPT_NO_COLOR},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int
set_limit(struct ctl *c, const char *text)
{
	struct pb_error err;
	if (pb_parse_i64(pb_str_of(text), 1, 1000, &c->limit, &err) == 0)
		return 0;
	fprintf(stderr, "playbookctl: --limit: %s\n", err.text);
	return -1;
}

/* 0 = go on, -1 = wrong usage, 1 = done already. */
static int
take_option(int opt, struct ctl *c)
{
	switch (opt) {
	case OPT_JSON:
		c->is_json = true;
		return 0;
	case OPT_SOCKET:
		c->socket = optarg;
		return 0;
	case OPT_ALL:
		c->is_all = true;
		return 0;
	case OPT_REASON:
		c->reason = optarg;
		return 0;
	case OPT_FOR:
		c->span = optarg;
		return 0;
	case OPT_MATCH:
		c->match = optarg;
		return 0;
	case OPT_LIMIT:
		return set_limit(c, optarg);
	case 'f':
		c->is_followed = true;
		return 0;
	case OPT_NO_COLOR:
		c->no_color = true;
		return 0;
	case OPT_VERSION:
		printf("playbookctl %s\n", PB_VERSION);
		return 1;
	case 'h':
		fputs(usage_text, stdout);
		return 1;
	default:
		return -1;
	}
}

static const struct command *
find_command(const char *name)
{
	const char *names[PB_ARRAY_LEN(commands)];
	for (size_t i = 0; i < PB_ARRAY_LEN(commands); i++) {
		names[i] = commands[i].name;
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	const char *meant = pb_did_you_mean(name, names, PB_ARRAY_LEN(commands));
	char safe[64];
	fprintf(stderr, "playbookctl: there is no command \"%s\"%s%s%s\n",
	    pb_safe(safe, sizeof(safe), pb_str_of(name)), meant == NULL ? "" : " (did you mean ",
	    meant == NULL ? "" : meant, meant == NULL ? "" : "?)");
	return NULL;
}

static int
parse_words(int argc, char **argv, struct ctl *c, const struct command **ret)
{
	if (optind >= argc) {
		fprintf(stderr, "playbookctl: a command is missing\n");
		return -1;
	}
	const struct command *cmd = find_command(argv[optind++]);
	if (cmd == NULL)
		return -1;
	if (cmd->argument != NULL && optind < argc)
		c->argument = argv[optind++];
	if (cmd->argument != NULL && cmd->argument[0] != '[' &&
	    (c->argument == NULL || c->argument[0] == '\0')) {
		fprintf(stderr, "playbookctl: %s needs %s\n", cmd->name, cmd->argument);
		return -1;
	}
	if (cmd->argument != NULL && strstr(cmd->argument, " [") != NULL && optind < argc)
		c->step = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "playbookctl: %s: unexpected argument\n", cmd->name);
		return -1;
	}
	*ret = cmd;
	return 0;
}

static bool
wants_color(const struct ctl *c)
{
	const char *no_color = getenv("NO_COLOR");
	return !c->no_color && (no_color == NULL || no_color[0] == '\0') &&
	    isatty(STDOUT_FILENO) == 1;
}

static enum pb_ctl_exit
main_of(int argc, char **argv)
{
	const char *socket = getenv("PLAYBOOKD_SOCKET");
	const struct command *cmd = NULL;
	struct ctl c = {.socket = socket != NULL && socket[0] != '\0' ? socket : PB_CTL_SOCKET};
	int opt, rc = 0;
	if (argc > 1 && strcmp(argv[1], "test") == 0)
		return pb_ctl_test(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "sim") == 0)
		return pb_ctl_sim(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "backtest") == 0)
		return pb_ctl_backtest(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "test-pattern") == 0)
		return pb_ctl_test_pattern(argc - 1, argv + 1);
	while (rc == 0 && (opt = getopt_long(argc, argv, "fh", options, NULL)) != -1)
		rc = take_option(opt, &c);
	if (rc > 0)
		return PB_CTL_OK;
	if (rc < 0 || parse_words(argc, argv, &c, &cmd) < 0) {
		fputs("try: playbookctl --help\n", stderr);
		return PB_CTL_USAGE;
	}
	c.view = (struct pb_ctl_view){.now = pb_clock_wall(), .is_color = wants_color(&c)};
	return cmd->run(&c);
}

/* What did not reach its reader is not done: a large answer may fail before the last flush does. */
enum pb_ctl_exit
pb_ctl_main(int argc, char **argv)
{
	enum pb_ctl_exit status = main_of(argc, argv);
	bool is_lost = fflush(stdout) != 0 || ferror(stdout) != 0;
	if (!is_lost || status != PB_CTL_OK)
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "playbookctl: standard output: %s\n", strerror(errno));
	return PB_CTL_REFUSED;
}
