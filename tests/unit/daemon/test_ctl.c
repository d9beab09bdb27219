/*
 * playbookctl: command line, exit statuses and what people read, asked of a real API.
 */
#include <stdlib.h>
#include <unistd.h>

#include "api_world.h"
#include "base/json.h"
#include "daemon/ctl.h"

/* What one run of playbookctl gave. */
struct run {
	int rc;
	char *out, *err;
};

static void
run_fini(struct run *r)
{
	free(r->out);
	free(r->err);
}

static struct run
ctl(struct api_world *w, const char *input, const char *a, const char *b, const char *c,
    const char *d)
{
	const char *argv[] = {"playbookctl", a, b, c, d, NULL};
	struct run r;
	r.rc = api_ctl(w, argv, input, &r.out, &r.err);
	return r;
}
#define CTL(w, input, a, b, c, d) PB_CLEANUP(run_fini) struct run r = ctl(w, input, a, b, c, d)
#define ck_says(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s", text)

static struct {
	const char *name, *a, *b, *c;
	int rc;
	const char *out, *err;
} const lines[] = {
    {"nothing", NULL, NULL, NULL, 2, "", "a command is missing\ntry: playbookctl --help; "},
    {"help", "--help", NULL, NULL, 0, "exit status: 0 done; 1 refused", ""},
    {"help, short", "-h", NULL, NULL, 0, "exit status: 0 done; 1 refused", ""},
    {"version option", "--version", NULL, NULL, 0, "playbookctl " PB_VERSION "\n", ""},
    {"version", "version", NULL, NULL, 0, "playbookctl " PB_VERSION "\n", ""},
    {"typo", "stauts", NULL, NULL, 2, "", "no command \"stauts\" (did you mean status?)"},
    {"the beginning of a command", "stop", NULL, NULL, 2, "",
	"no command \"stop\" (did you mean stop-remediation?)"},
    {"a name with a dash", "why", "-cpu", NULL, 2, "",
	"try: playbookctl --help; a name that begins with - goes behind --\n"},
    {"a name with a dash, behind --", "why", "--", "-cpu", 1, "", "-cpu"},
    {"an option before a command without daemon", "--no-color", "test", "/nonexistent", 2, "",
	"/nonexistent: "},
    {"an option that it has not", "--json", "test", "/nonexistent", 2, "", "--json"},
    {"a socket that nobody asks", "--socket=/x", "backtest", "--no-color", 2, "",
	"playbookctl: backtest needs --from"},
    {"escape in a typo", "a\x1b[31m", NULL, NULL, 2, "", "no command \"a\\x1b[31m\""},
    {"ack of what", "ack", NULL, NULL, 2, "", "playbookctl: ack needs ID\n"},
    {"empty id", "show", "", NULL, 2, "", "show needs ID"},
    {"too much", "status", "now", NULL, 2, "", "status: unexpected argument"},
    {"unknown option", "status", "--colour", NULL, 2, "", "--colour"},
    {"bad limit", "incidents", "--limit", "0", 2, "", "--limit: 0 is out of range"},
    {"no file", "inject", "/nonexistent", NULL, 1, "", "/nonexistent: No such file"},
    {"nobody", "ack", "9", NULL, 1, "", "playbookctl: 9: no open incident has this id\n"},
    {"snooze for how long", "snooze", "9", NULL, 2, "", "snooze needs --for, as --for 30m\n"},
    {"silence of what", "silence", NULL, NULL, 2, "",
	"playbookctl: silence needs add, list or expire [ID]\n"},
    {"silence without a pattern", "silence", "add", NULL, 2, "",
	"silence add needs --match, --for and --reason\n"},
    {"a list as a pattern", "silence", "add", "--match=[1]", 2, "", "playbookctl: --match: "},
    {"no JSON as a pattern", "silence", "add", "--match={\"a\":", 2, "",
	"playbookctl: --match: line 1, column "},
    {"an unknown operator", "silence", "add", "--match={\"a\":[{\"prefx\":\"x\"}]}", 2, "",
	"playbookctl: --match: line 1, column 8: a[0].prefx: Unrecognized"},
    {"a remedy", "silence", "add", "--match=[1]", 2, "",
	"give an event pattern, as '{\"detail\":{\"alarmName\":[{\"prefix\":\"web-\"}]}}'\n"},
    {"a span that is none", "snooze", "9", "--for=soon", 2, "",
	"playbookctl: --for: \"soon\" is not a duration"},
    {"an empty reason", "escalate", "9", "--reason= ", 2, "",
	"playbookctl: --reason: it is empty; say why, others will read it\n"},
    {"silence of another kind", "silence", "ad", NULL, 2, "",
	"silence is one of add, list and expire ID\n"},
    {"no silences", "silence", "list", NULL, 0, "no silence is in force\n", ""},
    {"no such silence", "silence", "expire", "s7", 1, "",
	"playbookctl: no silence s7 is in force\n"},
    {"nobody to hand over", "escalate", "9", NULL, 1, "", "9: no open incident has this id\n"},
    {"path in an id", "ack", "../status", NULL, 1, "", "playbookctl: "},
    {"nobody to show", "show", "9", NULL, 1, "", "playbookctl: "},
    {"no incidents", "incidents", NULL, NULL, 0, "no open incidents\n", ""},
    {"none at all", "incidents", "--all", NULL, 0, "no incidents\n", ""},
    {"empty quarantine", "quarantine", NULL, NULL, 0, "the quarantine is empty\n", ""},
    {"json", "incidents", "--json", NULL, 0, "{\"incidents\":[],\"open\":0,\"now\":", ""},
};

START_TEST(the_command_line_answers_in_words_and_status)
{
	struct api_world w;
	api_open(&w);
	CTL(&w, NULL, lines[_i].a, lines[_i].b, lines[_i].c, NULL);
	ck_assert_msg(r.rc == lines[_i].rc, "%s: %d: %s", lines[_i].name, r.rc, r.err);
	ck_says(r.out, lines[_i].out);
	ck_says(r.err, lines[_i].err);
	if (lines[_i].rc == 0)
		ck_assert_str_eq(r.err, "");
	api_close(&w);
}
END_TEST

START_TEST(a_daemon_that_is_not_there_is_named_with_the_remedy)
{
	struct api_world w = {.socket = pb_strdup("/nonexistent/playbookd.sock")};
	CTL(&w, NULL, "status", NULL, NULL, NULL);
	ck_assert_int_eq(r.rc, 3);
	ck_assert_str_eq(r.out, "");
	ck_assert_str_eq(r.err,
	    "playbookctl: cannot reach playbookd at /nonexistent/playbookd.sock: No such file or "
	    "directory; is playbookd running (systemctl status playbookd)?  Another socket is "
	    "named "
	    "with --socket or PLAYBOOKD_SOCKET\n");
	PB_CLEANUP(run_fini)
	struct run other = ctl(&w, NULL, "--socket", "/also/nowhere", "status", NULL);
	ck_assert_int_eq(other.rc, 3);
	ck_says(other.err, "cannot reach playbookd at /also/nowhere: ");
	free(w.socket);
}
END_TEST

START_TEST(too_many_clients_are_not_a_daemon_that_is_away)
{
	struct api_world w;
	static int fds[PB_HTTP_CLIENTS_MAX];
	api_open(&w);
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++) {
		fds[i] = api_connect(&w, "");
		api_rounds(&w, 1);
	}
	CTL(&w, NULL, "status", NULL, NULL, NULL);
	ck_assert_int_ne(r.rc, 0);
	ck_says(r.err, "too many clients");
	ck_assert_ptr_null(strstr(r.err, "is playbookd running"));
	for (size_t i = 0; i < PB_ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
	api_close(&w);
}
END_TEST

START_TEST(an_incident_is_injected_listed_acknowledged_and_resolved)
{
	struct api_world w;
	api_open(&w);
	char now[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep)
	char *event = api_alarm("tell-1", "ALARM", pb_time_rfc3339(now, pb_core_now(w.core)));
	PB_CLEANUP(pb_freep) char *id = NULL;
	{
		CTL(&w, event, "inject", "-", NULL, NULL);
		ck_assert_msg(r.rc == 0, "%s", r.err);
		ck_says(r.out, "taken, incident ");
		id = pb_strndup(r.out + 16, strlen(r.out) - 17);
	}
	{
		CTL(&w, event, "inject", "-", NULL, NULL);
		ck_assert_str_eq(r.out, "seen before, nothing was done\n");
	}
	{
		CTL(&w, NULL, "incidents", NULL, NULL, NULL);
		ck_says(r.out, id);
		ck_says(r.out, "paging, nobody has answered");
	}
	{
		CTL(&w, NULL, "ack", "1", NULL, NULL);
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, id);
		ck_says(r.out, " is acknowledged; unless it is resolved, paging goes on at 20");
	}
	{
		CTL(&w, NULL, "snooze", "1", "--for", "30m");
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, " is snoozed; unless it is resolved, paging goes on at 20");
	}
	{
		CTL(&w, NULL, "snooze", "1", "--for", "2d");
		ck_assert_int_eq(r.rc, 1);
		ck_says(r.err, "snooze it for 1m to 1d");
	}
	{
		CTL(&w, NULL, "snooze", "1", "--for", "half an hour");
		ck_assert_int_eq(r.rc, 2);
		ck_says(r.err, "playbookctl: --for: ");
	}
	{
		CTL(&w, NULL, "incidents", NULL, NULL, NULL);
		ck_says(r.out, "snoozed by ");
	}
	{
		CTL(&w, NULL, "show", "1", NULL, NULL);
		ck_says(r.out, "snoozed by ");
	}
	{
		CTL(&w, NULL, "escalate", "1", "--reason", "not ours");
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, " is handed over: level ");
	}
	{
		CTL(&w, NULL, "resolve", "1", "--reason", "restarted it \x1b[31mby hand");
		PB_CLEANUP(pb_freep) char *expected = pb_asprintf("%s is resolved\n", id);
		ck_assert_str_eq(r.out, expected);
	}
	{
		CTL(&w, NULL, "show", id, NULL, NULL);
		ck_says(r.out, ": resolved\n");
		ck_says(r.out, "reason given: restarted it \\x1b[31mby hand");
		ck_assert_ptr_null(strchr(r.out, '\x1b'));
	}
	{
		CTL(&w, NULL, "ack", "1", NULL, NULL);
		ck_assert_int_eq(r.rc, 1);
		ck_says(r.err, ": it was resolved at ");
		ck_says(r.err, "Z: by_hand by ");
	}
	{
		CTL(&w, NULL, "timeline", id, NULL, NULL);
		ck_says(r.out, "ack by ");
		ck_says(r.out, ": it was resolved at ");
	}
	api_close(&w);
}
END_TEST

START_TEST(remediation_is_stopped_and_started_again)
{
	struct api_world w;
	api_open(&w);
	{
		CTL(&w, NULL, "stop-remediation", "fix", "--reason", "wrong host");
		ck_assert_msg(r.rc == 0, "%s", r.err);
		ck_assert_str_eq(r.out, "remediation of playbook fix is stopped; pages go on\n");
	}
	{
		CTL(&w, NULL, "stop-remediation", "--reason", "move", NULL);
		ck_assert_str_eq(r.out, "remediation is stopped; pages go on\n");
	}
	free(api_incident_open(&w, "fix-1"));
	ck_assert_ptr_nonnull(strstr(w.started, "/page/"));
	{
		CTL(&w, NULL, "start-remediation", "fix", NULL, NULL);
		ck_says(r.out, "remediation of playbook fix is started again\n");
		ck_says(r.out, "1 stop is still in force, see playbookctl status\n");
	}
	{
		CTL(&w, NULL, "start-remediation", "fix", NULL, NULL);
		ck_assert_int_eq(r.rc, 1);
		ck_says(r.err, "remediation of playbook \"fix\" is not stopped by itself");
	}
	{
		CTL(&w, NULL, "start-remediation", NULL, NULL, NULL);
		ck_assert_str_eq(r.out, "remediation is started again\n");
	}
	api_close(&w);
}
END_TEST

static int
silence(struct api_world *w, const char *match, const char *span, char **out, char **err)
{
	const char *argv[] = {"playbookctl", "silence", "add", "--match", match, "--for", span,
	    "--reason", "new \x1b[31mrouter", NULL};
	return api_ctl(w, argv, NULL, out, err);
}

START_TEST(a_silence_is_added_shown_and_expired)
{
	struct api_world w;
	api_open(&w);
	const char *good = "{\"detail\": {\"alarmName\": [{\"prefix\": \"fix-\"}]}}";
	struct {
		const char *match, *span;
		int rc;
		const char *err;
	} bad[] = {
	    {"{", "2h", 2, "--match: line 1"},
	    {"[]", "2h", 2, "--match: Filter is not an object; give an event pattern"},
	    {"{\"source\": [{\"bad\": 1}]}", "2h", 2, "source[0].bad: "},
	    {good, "2", 2, "--for: "},
	    {good, "31d", 1, "1m to 30d"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(bad); i++) {
		PB_CLEANUP(pb_freep) char *out = NULL;
		PB_CLEANUP(pb_freep) char *err = NULL;
		int rc = silence(&w, bad[i].match, bad[i].span, &out, &err);
		ck_assert_msg(rc == bad[i].rc, "%s: %d %s", bad[i].match, rc, err);
		ck_says(err, bad[i].err);
	}
	{
		PB_CLEANUP(pb_freep) char *out = NULL;
		PB_CLEANUP(pb_freep) char *err = NULL;
		ck_assert_msg(silence(&w, good, "2h", &out, &err) == 0, "%s", err);
		ck_says(out,
		    "silence s1 is in force; it fits 0 of 0 open incidents; what is still "
		    "open is paged at ");
	}
	free(api_incident_open(&w, "fix-1"));
	{
		CTL(&w, NULL, "incidents", NULL, NULL, NULL);
		ck_says(r.out, "no pages: silence s1 by ");
	}
	{
		CTL(&w, NULL, "show", "1", NULL, NULL);
		ck_says(r.out, "silence s1 by ");
	}
	{
		CTL(&w, NULL, "timeline", "1", NULL, NULL);
		const char *opened = strstr(r.out, " opened "), *run = strstr(r.out, " run  ");
		ck_assert_msg(opened != NULL && run != NULL && opened < run, "%s", r.out);
	}
	{
		CTL(&w, NULL, "timeline", "9", NULL, NULL);
		ck_assert_int_eq(r.rc, 1);
	}
	{
		CTL(&w, NULL, "silence", "list", NULL, NULL);
		ck_says(r.out, ": new \\x1b[31mrouter\n  {\"detail\"");
	}
	{
		CTL(&w, NULL, "silence", "expire", "s1", NULL);
		ck_assert_str_eq(r.out, "silence s1 is over; what is open is paged\n");
	}
	{
		CTL(&w, NULL, "silence", "list", NULL, NULL);
		ck_assert_str_eq(r.out, "no silence is in force\n");
	}
	{
		PB_CLEANUP(pb_freep) char *out = NULL;
		PB_CLEANUP(pb_freep) char *err = NULL;
		ck_assert_msg(silence(&w, good, "2h", &out, &err) == 0, "%s", err);
		ck_says(out, "silence s2 is in force; it fits 1 of 1 open incidents; ");
	}
	api_close(&w);
}
END_TEST

START_TEST(what_asks_nothing_cannot_be_answered)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *id = api_incident_open(&w, "fix-1");
	PB_CLEANUP(pb_freep)
	char *expected = pb_asprintf("playbookctl: %s: it asks nothing\n", id);
	{
		CTL(&w, NULL, "approve", "1", "restart", NULL);
		ck_assert_int_eq(r.rc, 1);
		ck_assert_str_eq(r.err, expected);
	}
	{
		CTL(&w, NULL, "reject", "1", NULL, NULL);
		ck_assert_str_eq(r.err, expected);
	}
	{
		CTL(&w, NULL, "approve", "1", "restart", "more");
		ck_assert_int_eq(r.rc, 2);
	}
	api_close(&w);
}
END_TEST

START_TEST(a_plan_is_approved_once)
{
	struct api_world w;
	api_open(&w);
	free(api_incident_open(&w, "plan-1"));
	{
		CTL(&w, NULL, "incidents", NULL, NULL, NULL);
		ck_says(r.out, "asks: playbookctl approve ID, for ");
	}
	{
		CTL(&w, NULL, "approve", "1", NULL, NULL);
		ck_assert_msg(r.rc == 0, "%s", r.err);
		ck_says(r.out, ": the plan was approved by ");
		ck_says(r.out, "; it is running\n");
	}
	{
		CTL(&w, NULL, "approve", "1", NULL, NULL);
		ck_assert_int_eq(r.rc, 1);
		ck_says(r.err, "it asks nothing; the plan was approved by ");
	}
	api_close(&w);
}
END_TEST

START_TEST(tail_prints_the_trace_and_ends_without_f)
{
	struct api_world w;
	api_open(&w);
	PB_CLEANUP(pb_freep) char *id = api_incident_open(&w, "fix-1");
	CTL(&w, NULL, "tail", NULL, NULL, NULL);
	ck_assert_int_eq(r.rc, 0);
	PB_CLEANUP(pb_freep) char *line = pb_asprintf("  %-12s opened     fix-1: playbook fix", id);
	ck_says(r.out, line);
	ck_says(r.out, "boot       0 open incidents");
	PB_CLEANUP(run_fini) struct run last = ctl(&w, NULL, "tail", "--json", "--limit", "1");
	PB_JSON json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(last.out), &j, NULL), 0);
	ck_assert_int_gt(pb_json_i64(j, "seq", 0), 1);
	api_close(&w);
}
END_TEST

START_TEST(a_refusal_with_json_is_json)
{
	struct api_world w;
	api_open(&w);
	CTL(&w, NULL, "--json", "ack", "9", NULL);
	ck_assert_int_eq(r.rc, 1);
	ck_assert_str_eq(r.out,
	    "{\"error\":{\"status\":404,\"message\":\"9: no open incident has this id\"}}\n");
	api_close(&w);
}
END_TEST

START_TEST(problems_of_a_reload_come_one_a_line)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_ctl_add_error(&b, 422,
	    PB_STR(
		"{\"error\":{\"status\":422,\"message\":\"2 problems, keeping the old "
		"configuration\",\"problems\":[\"a.yaml:1:1: x\",\"b.yaml:2:2: \\u001b[2J\"]}}"));
	ck_assert_str_eq(b.ptr,
	    "a.yaml:1:1: x\nb.yaml:2:2: \\x1b[2J\n2 problems, keeping the old configuration\n");
	pb_buf_reset(&b);
	pb_ctl_add_error(&b, 501, PB_STR("<html>"));
	ck_assert_str_eq(b.ptr, "playbookd answered 501\n");
}
END_TEST

PB_SUITE(ctl)
{
	pb_add_loop(s, the_command_line_answers_in_words_and_status, 0, PB_ARRAY_LEN(lines));
	pb_add(s, a_daemon_that_is_not_there_is_named_with_the_remedy);
	pb_add(s, too_many_clients_are_not_a_daemon_that_is_away);
	pb_add(s, an_incident_is_injected_listed_acknowledged_and_resolved);
	pb_add(s, remediation_is_stopped_and_started_again);
	pb_add(s, a_silence_is_added_shown_and_expired);
	pb_add(s, what_asks_nothing_cannot_be_answered);
	pb_add(s, a_plan_is_approved_once);
	pb_add(s, tail_prints_the_trace_and_ends_without_f);
	pb_add(s, a_refusal_with_json_is_json);
	pb_add(s, problems_of_a_reload_come_one_a_line);
}
