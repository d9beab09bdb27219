/*
 * `make demo`: a real daemon, a real client and a loopback AWS, and the story of three alarms as it
 * happens.
 *
 * What playbookd decides is read from its trace (GET /v1/tail); what arrives is read at the receiving
 * end, a queue subscribed to the pager's topic.  The demo ends with 0 only if all that was promised
 * arrived there.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness.h"

#define PAGE_BY (10 * PB_SECOND) /* of the configuration below */
#define ON_TIME (2 * PB_SECOND) /* a page may be so late */
#define DOWN_FOR (3 * PB_SECOND)
#define LIMIT (20 * PB_SECOND) /* for what takes a second or five; only failures wait for it */
#define CHECKS_MAX 24

static const char config[] =
    "version: 1\n"
    "daemon:\n"
    "  state_dir: '@DIR@/state'\n"
    "  api: {socket: '@DIR@/api'}\n"
    "  aws: {region: us-east-1}\n"
    "  exec: {driver: child}\n"
    "sources:\n"
    "  - {name: alarms, type: cloudwatch, interval: 5s}\n"
    "  - {name: ops-queue, type: sqs, queue_url: '@URL@/111122223333/events', wait: 5s}\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: 'arn:aws:sns:us-east-1:111122223333:pager'}\n"
    "contacts: [{name: ana}, {name: bo}]\n"
    "escalations:\n"
    "  - name: oncall\n"
    "    levels:\n"
    "      - {notify: [ana], via: [pager]}\n"
    "      - {notify: [bo], via: [pager], after: 5s}\n"
    "unmatched: {alarms: escalate, escalate: oncall, events: drop}\n"
    "playbooks:\n"
    "  - name: stuck-consumer\n"
    "    summary: Restart the consumer of the checkout queue\n"
    "    match: {detail: {alarmName: [checkout-queue-stuck], state: {value: [ALARM]}}}\n"
    "    page_by: 30s\n"
    "    escalate: oncall\n"
    "    steps:\n"
    "      - {name: restart, action: exec, argv: ['@DIR@/step', fix, '${alarm.name}']}\n"
    "  - name: payments-5xx\n"
    "    summary: Restart the payments API\n"
    "    docs: https://wiki.example.com/payments/5xx\n"
    "    owner: {team: payments}\n"
    "    severity: critical\n"
    "    match: {detail: {alarmName: [payments-api-5xx], state: {value: [ALARM]}}}\n"
    "    page_by: 30s\n"
    "    escalate: oncall\n"
    "    steps:\n"
    "      - {name: restart-api, action: exec, argv: ['@DIR@/step', fail]}\n"
    "  - name: disk-full\n"
    "    summary: Remove old logs\n"
    "    match: {detail: {alarmName: [disk-almost-full], state: {value: [ALARM]}}}\n"
    "    page_by: 10s\n"
    "    escalate: oncall\n"
    "    steps:\n"
    "      - {name: remove-logs, action: exec, argv: ['@DIR@/step', ok]}\n";

struct check {
	char *what, *observed;
	bool is_ok;
};

struct demo {
	struct pb_rig *rig;
	bool has_color;
	int64_t seq; /* last note shown */
	json_t *notes; /* all of them */
	json_t *
	    inbox; /* what has arrived: {"at", "kind", "level", "to", "incident", "id", "subject"} */
	bool is_page_shown;
	struct check checks[CHECKS_MAX];
	size_t n_checks;
};

static volatile sig_atomic_t is_stopped;

static void
on_signal(int signal)
{
	(void)signal;
	is_stopped = 1;
}

/* --- what people see */

enum color { PLAIN, DIM, GREEN, RED, BOLD, BLUE };

static const char *
paint(const struct demo *d, enum color color)
{
	static const char *const codes[] = {
	    "\x1b[0m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[36m"};
	return d->has_color ? codes[color] : "";
}

static void
say_at(const struct demo *d, int64_t at, const char *who, const char *incident, enum color color,
    const char *text)
{
	char clock[PB_TIME_TEXT];
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	pb_buf_add_safe(&safe, pb_str_of(text), 400, false);
	(void)printf("  %s%s%s  %-10s %-11s %s%s%s\n", paint(d, DIM), pb_time_clock(clock, at),
	    paint(d, PLAIN), who, incident, paint(d, color), safe.ptr == NULL ? "" : safe.ptr,
	    paint(d, PLAIN));
	(void)fflush(stdout);
}

static void
say(const struct demo *d, const char *who, const char *text)
{
	say_at(d, pb_clock_wall(), who, "", BLUE, text);
}

static void
title(const struct demo *d, const char *text)
{
	(void)printf("\n%s%s%s\n", paint(d, BOLD), text, paint(d, PLAIN));
	(void)fflush(stdout);
}

static enum color
color_of(const char *kind)
{
	static const struct {
		const char *kind;
		enum color color;
	} colors[] = {{"page", RED}, {"notice", GREEN}, {"resolved", GREEN}, {"opened", BOLD},
	    {"armed", BOLD}, {"ack", BOLD}};
	for (size_t i = 0; i < PB_ARRAY_LEN(colors); i++)
		if (pb_streq(colors[i].kind, kind))
			return colors[i].color;
	return PLAIN;
}

/* --- following both ends */

static void
show_notes(struct demo *d)
{
	PB_JSON json_t *notes = pb_rig_notes(d->rig, d->seq);
	const json_t *n;
	size_t i;
	json_array_foreach (notes, i, n) {
		const char *kind = pb_json_str_or(n, "kind", "");
		const char *step = pb_json_str_or(n, "step", "");
		const char *text = pb_json_str_or(n, "text", "");
		if (pb_streq(step, kind))
			step = "";
		PB_CLEANUP(pb_freep)
		char *line =
		    pb_asprintf("%-9s %s%s%s", kind, step, step[0] == '\0' ? "" : ": ", text);
		d->seq = pb_json_i64(n, "seq", d->seq);
		/* Both sources see each transition; the second look decides nothing. */
		if (strstr(text, "seen before") == NULL)
			say_at(d, pb_json_i64(n, "at", 0), "playbookd",
			    pb_json_str_or(n, "incident", ""), color_of(kind), line);
	}
	json_array_extend(d->notes, notes);
}

static void
show_page(struct demo *d, const char *text)
{
	if (d->is_page_shown)
		return;
	d->is_page_shown = true;
	(void)printf("\n");
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
		pb_buf_add_safe(&safe, (struct pb_str){text, len}, 200, false);
		(void)printf("      | %s\n", safe.ptr == NULL ? "" : safe.ptr);
		text += len + (text[len] == '\n');
	}
	(void)printf("\n");
}

static const char *
attribute(const json_t *envelope, const char *name)
{
	const json_t *attributes = pb_json_get(envelope, "MessageAttributes");
	return pb_json_str_or(pb_json_get(attributes, name), "Value", "");
}

static void
take_message(struct demo *d, const json_t *message)
{
	PB_JSON json_t *envelope = NULL;
	const char *body = pb_json_str_or(message, "body", "");
	if (pb_json_parse(pb_str_of(body), &envelope, NULL) < 0)
		return;
	const char *kind = attribute(envelope, "kind"), *to = attribute(envelope, "recipient");
	bool is_page = pb_streq(kind, "page");
	int64_t now = pb_clock_wall();
	PB_CLEANUP(pb_freep)
	char *line = is_page
	    ? pb_asprintf("level %s page for %s: %s", attribute(envelope, "level"), to,
		  pb_json_str_or(envelope, "Subject", ""))
	    : pb_asprintf("for %s: %s", to, pb_json_str_or(envelope, "Subject", ""));
	say_at(d, now, "RECEIVED", attribute(envelope, "incident"), is_page ? RED : GREEN, line);
	if (is_page)
		show_page(d, pb_json_str_or(envelope, "Message", ""));
	json_array_append_new(d->inbox,
	    json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "at", (json_int_t)now, "kind", kind,
		"level", attribute(envelope, "level"), "to", to, "incident",
		attribute(envelope, "incident"), "id", attribute(envelope, "page_id")));
}

static void
show_inbox(struct demo *d)
{
	PB_JSON json_t *queue = NULL;
	if (pb_rig_sandbox(d->rig, "GET", "queues/inbox", NULL, &queue, NULL) != 200)
		return;
	const json_t *messages = pb_json_get(queue, "visible");
	for (size_t i = json_array_size(d->inbox); i < json_array_size(messages); i++)
		take_message(d, json_array_get(messages, i));
}

/* --- claims */

/* When that kind of message arrived for somebody about an incident; 0 = it did not. */
static int64_t
arrived_at(const struct demo *d, const char *incident, const char *kind, const char *to)
{
	const json_t *m;
	size_t i;
	json_array_foreach (d->inbox, i, m) {
		if (pb_streq(pb_json_str(m, "incident"), incident) &&
		    pb_streq(pb_json_str(m, "kind"), kind) && pb_streq(pb_json_str(m, "to"), to))
			return pb_json_i64(m, "at", 0);
	}
	return 0;
}

static size_t
count_arrived(const struct demo *d, const char *incident)
{
	const json_t *m;
	size_t i, n = 0;
	json_array_foreach (d->inbox, i, m) {
		n += pb_streq(pb_json_str(m, "incident"), incident);
	}
	return n;
}

static int64_t
noted_at(const struct demo *d, const char *incident, const char *kind, const char *part)
{
	const json_t *n;
	size_t i;
	json_array_foreach (d->notes, i, n) {
		if (pb_streq(pb_json_str(n, "incident"), incident) &&
		    pb_streq(pb_json_str(n, "kind"), kind) &&
		    strstr(pb_json_str_or(n, "text", ""), part) != NULL)
			return pb_json_i64(n, "at", 0);
	}
	return 0;
}

/* One more round of looking; false when it is time to give up. */
static bool
look(struct demo *d, int64_t until)
{
	if (d->rig->daemon > 0)
		show_notes(d);
	show_inbox(d);
	return !is_stopped && pb_rig_again(until);
}

static int64_t
wait_arrival(struct demo *d, const char *incident, const char *kind, const char *to)
{
	int64_t until = pb_rig_now() + LIMIT, at;
	while ((at = arrived_at(d, incident, kind, to)) == 0 && look(d, until))
		;
	return at;
}

static int64_t
wait_note(struct demo *d, const char *incident, const char *kind, const char *part)
{
	int64_t until = pb_rig_now() + LIMIT, at;
	while ((at = noted_at(d, incident, kind, part)) == 0 && look(d, until))
		;
	return at;
}

/* The incident that an alarm opened; "" when it opened none.  The caller's to free. */
static char *
wait_incident(struct demo *d, const char *alarm)
{
	int64_t until = pb_rig_now() + LIMIT;
	do {
		const json_t *n;
		size_t i;
		json_array_foreach (d->notes, i, n) {
			const char *text = pb_json_str_or(n, "text", "");
			if (pb_streq(pb_json_str(n, "kind"), "opened") &&
			    strncmp(text, alarm, strlen(alarm)) == 0)
				return pb_strdup(pb_json_str_or(n, "incident", ""));
		}
	} while (look(d, until));
	return pb_strdup("");
}

static void
check(struct demo *d, bool is_ok, int64_t at, const char *what, const char *detail)
{
	char clock[PB_TIME_TEXT];
	pb_check(d->n_checks < CHECKS_MAX);
	struct check *c = &d->checks[d->n_checks++];
	c->is_ok = is_ok;
	c->what = pb_strdup(what);
	if (!is_ok)
		c->observed = pb_strdup("NOT OBSERVED");
	else if (at == 0)
		c->observed = pb_strdup(detail);
	else
		c->observed = pb_asprintf(
		    "at %s%s%s", pb_time_clock(clock, at), detail[0] == '\0' ? "" : ", ", detail);
}

/* --- the world outside */

static const struct {
	const char *alarm, *reason;
} reasons[] = {
    {"checkout-queue-stuck",
	"Threshold Crossed: 3 out of the last 3 datapoints [1840.0, 1712.0, 1655.0] were greater "
	"than the threshold (500.0)"},
    {"payments-api-5xx",
	"Threshold Crossed: 2 out of the last 2 datapoints [7.1, 6.4] were greater than the "
	"threshold (1.0)"},
    {"disk-almost-full",
	"Threshold Crossed: 1 datapoint [93.2] was greater than the threshold (90.0)"},
};

/* They are there before the daemon is: what changes is all that it has to tell. */
static int
make_alarms(struct demo *d, struct pb_error *err)
{
	if (pb_rig_sandbox(d->rig, "POST", "eventbridge", "{\"queue\":null}", NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < PB_ARRAY_LEN(reasons); i++)
		if (pb_rig_alarm(d->rig, reasons[i].alarm, "OK", NULL, err) < 0)
			return -1;
	return 0;
}

static void
alarm_to(struct demo *d, const char *name, const char *state)
{
	struct pb_error err = {0};
	const char *reason = NULL;
	for (size_t i = 0; i < PB_ARRAY_LEN(reasons); i++)
		if (pb_streq(reasons[i].alarm, name) && pb_streq(state, "ALARM"))
			reason = reasons[i].reason;
	PB_CLEANUP(pb_freep) char *line = pb_asprintf("alarm %s goes to %s", name, state);
	say(d, "CloudWatch", line);
	if (pb_rig_alarm(d->rig, name, state, reason, &err) < 0)
		say(d, "sandbox", err.text);
}

static void
run_ctl(struct demo *d, const char *verb, const char *incident)
{
	PB_CLEANUP(pb_freep) char *out = NULL;
	PB_CLEANUP(pb_freep) char *line = pb_asprintf("$ playbookctl %s %s", verb, incident);
	say(d, "bo", line);
	int status = pb_rig_ctl(d->rig, &out, verb, incident);
	if (status != 0 && out != NULL)
		say(d, "playbookctl", out);
}

static void
start_daemon(struct demo *d)
{
	struct pb_error err = {0};
	if (pb_rig_start(d->rig, &err) < 0)
		say(d, "demo", err.text);
}

/* --- the acts */

static void
act_one(struct demo *d)
{
	title(d, "ACT 1  An alarm that its playbook repairs; nobody is woken");
	say(d, "demo", "no events this time: the daemon has to find it by polling (every 5s)");
	alarm_to(d, "checkout-queue-stuck", "ALARM");
	PB_CLEANUP(pb_freep) char *id = wait_incident(d, "checkout-queue-stuck");
	int64_t over_at = wait_note(d, id, "resolved", "remediated");
	int64_t armed_at = noted_at(d, id, "armed", ""), run_at = noted_at(d, id, "start", "");
	check(d, armed_at > 0 && run_at >= armed_at, armed_at,
	    "1  the page is armed before the first step runs", "");
	check(d, pb_rig_stepped(d->rig, "restart 1 fix checkout-queue-stuck", 1, 0, NULL), run_at,
	    "1  the remediation ran once", "");
	check(d, over_at > 0, over_at, "1  CloudWatch said OK, the incident is closed: remediated",
	    "");
	check(d, over_at > 0 && json_array_size(d->inbox) == 0, 0, "1  nobody was paged",
	    "nothing arrived");
	(void)pb_rig_sandbox(d->rig, "POST", "eventbridge", "{\"queue\":\"events\"}", NULL, NULL);
}

static void
act_two(struct demo *d)
{
	title(d, "ACT 2  A remediation that fails; level 1 sleeps, level 2 answers");
	alarm_to(d, "payments-api-5xx", "ALARM");
	PB_CLEANUP(pb_freep) char *id = wait_incident(d, "payments-api-5xx");
	int64_t first_at = wait_arrival(d, id, "page", "ana");
	say(d, "ana", "is asleep");
	int64_t second_at = wait_arrival(d, id, "page", "bo");
	run_ctl(d, "ack", id);
	int64_t acked_at = wait_note(d, id, "ack", "holds until");
	alarm_to(d, "payments-api-5xx", "OK");
	int64_t ana_at = wait_arrival(d, id, "resolved", "ana");
	int64_t bo_at = wait_arrival(d, id, "resolved", "bo");
	int64_t gap = second_at - first_at;
	check(d, first_at > 0, first_at, "2  the step failed, level 1 was paged at once", "");
	check(d, first_at > 0 && gap >= 4500 && gap < 5000 + ON_TIME, second_at,
	    "2  nobody acknowledged, level 2 was paged 5s later", "");
	check(d, acked_at > 0, acked_at, "2  playbookctl ack was taken", "");
	check(d, ana_at > 0 && bo_at > 0 && count_arrived(d, id) == 4, ana_at,
	    "2  resolved: both who were paged were told, once", "");
}

/* The daemon is down; time goes on. */
static void
stay_down(struct demo *d)
{
	int64_t until = pb_rig_now() + DOWN_FOR;
	while (look(d, until))
		;
}

static void
act_three(struct demo *d)
{
	char clock[PB_TIME_TEXT], late[PB_TIME_TEXT];
	size_t n_runs = 0;
	title(d, "ACT 3  The daemon is killed in the middle of an incident");
	alarm_to(d, "disk-almost-full", "ALARM");
	PB_CLEANUP(pb_freep) char *id = wait_incident(d, "disk-almost-full");
	(void)wait_note(d, id, "step", "succeeded");
	PB_JSON json_t *in = pb_rig_incident(d->rig, "disk-almost-full", "running", LIMIT);
	int64_t due_at = pb_json_i64(in, "page_by_at", 0);
	say(d, "demo", "the step has run, the alarm does not recover; now: kill -9 playbookd");
	pb_rig_kill(d->rig);
	stay_down(d);
	PB_CLEANUP(pb_freep)
	char *line = pb_asprintf("playbookd is started again; the page is still due at %s",
	    pb_time_clock(clock, due_at));
	say(d, "demo", line);
	start_daemon(d);
	int64_t paged_at = wait_arrival(d, id, "page", "ana");
	alarm_to(d, "disk-almost-full", "OK");
	int64_t told_at = wait_arrival(d, id, "resolved", "ana");
	(void)pb_rig_stepped(d->rig, "remove-logs", 1, 0, &n_runs);

	int64_t after = paged_at - due_at;
	PB_CLEANUP(pb_freep)
	char *detail =
	    pb_asprintf("%s after it was due", pb_duration_text(late, after > 0 ? after : 0));
	check(d, due_at > 0 && paged_at > 0 && after > -PB_SECOND && after < ON_TIME, paged_at,
	    "3  killed and started again: paged by page_by (10s)", detail);
	check(d, n_runs == 1, 0, "3  the step was not run a second time", "1 run");
	check(d, told_at > 0, told_at, "3  resolved: who was paged was told", "");
}

/* All calls were signed and the signatures were right. */
static void
check_calls(struct demo *d)
{
	PB_JSON json_t *calls = NULL;
	const json_t *c;
	size_t i, n_verified = 0, n_polls = 0, n_receives = 0;
	(void)pb_rig_sandbox(d->rig, "GET", "calls", NULL, &calls, NULL);
	json_array_foreach (calls, i, c) {
		const char *operation = pb_json_str_or(c, "operation", "");
		n_verified += pb_json_bool(c, "is_verified", false);
		n_polls += pb_streq(operation, "DescribeAlarms");
		n_receives += pb_streq(operation, "ReceiveMessage");
	}
	PB_CLEANUP(pb_freep)
	char *detail = pb_asprintf("%zu calls, %zu of them DescribeAlarms, %zu ReceiveMessage",
	    json_array_size(calls), n_polls, n_receives);
	check(d, n_polls > 0 && n_receives > 0 && n_verified == json_array_size(calls), 0,
	    "   each call to AWS had a signature that verifies", detail);
}

/* --- the end */

static bool
show_checks(const struct demo *d)
{
	bool is_ok = true;
	title(d, "WHAT WAS PROMISED, AND WHAT ARRIVED");
	for (size_t i = 0; i < d->n_checks; i++) {
		const struct check *c = &d->checks[i];
		(void)printf("  %s%s%s %-58s %s\n", paint(d, c->is_ok ? GREEN : RED),
		    c->is_ok ? "ok  " : "FAIL", paint(d, PLAIN), c->what, c->observed);
		is_ok = is_ok && c->is_ok;
	}
	return is_ok;
}

static void
show_next(const struct demo *d)
{
	const char *build = getenv("BUILD");
	if (build == NULL)
		build = "build";
	title(d, "WHAT TO TRY NEXT");
	(void)printf(
	    "  make check\n      every test\n"
	    "  man ./man/playbook.5\n      how playbooks are written\n"
	    "  %s/playbookd --check DIR\n      what is wrong with your own\n"
	    "  %s/playbookctl --help\n      what an operator can do\n"
	    "  %s/playbookd-sandbox --help\n      playbooks without an AWS account\n"
	    "  make install\n      then, as README.md says, write "
	    "/etc/playbookd/playbookd.yaml,\n      playbookd --check, and systemctl enable "
	    "--now playbookd\n",
	    build, build, build);
}

static void
demo_fini(struct demo *d)
{
	json_decref(d->notes);
	json_decref(d->inbox);
	for (size_t i = 0; i < d->n_checks; i++) {
		free(d->checks[i].what);
		free(d->checks[i].observed);
	}
}

static int
play(struct demo *d)
{
	struct pb_error err = {0};
	if (pb_rig_init(d->rig, &err) < 0 || pb_rig_configure(d->rig, config, &err) < 0 ||
	    make_alarms(d, &err) < 0 || pb_rig_start(d->rig, &err) < 0) {
		(void)printf("demo: %s\n", err.text);
		pb_rig_show(d->rig);
		return EXIT_FAILURE;
	}
	(void)printf("playbookd at work: a real daemon, and a loopback AWS at %s.  Times are UTC.\n"
		     "About half a minute; all of it lives in %s and is gone afterwards.\n",
	    d->rig->url, d->rig->dir);
	static void (*const acts[])(struct demo *) = {act_one, act_two, act_three, check_calls};
	for (size_t i = 0; i < PB_ARRAY_LEN(acts) && !is_stopped; i++)
		acts[i](d);
	if (is_stopped) {
		(void)printf("\ninterrupted\n");
		return EXIT_FAILURE;
	}
	bool is_ok = show_checks(d);
	if (!is_ok)
		pb_rig_show(d->rig);
	else
		show_next(d);
	return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(void)
{
	struct pb_rig rig = {0};
	const char *no_color = getenv("NO_COLOR");
	struct demo d = {
	    .rig = &rig,
	    .has_color = isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0'),
	    .notes = json_array(),
	    .inbox = json_array(),
	};
	const struct sigaction stop = {.sa_handler = on_signal};
	/* However it ends, what it made is removed. */
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	for (size_t i = 0; i < PB_ARRAY_LEN(signals); i++)
		(void)sigaction(signals[i], &stop, NULL);
	int status = play(&d);
	pb_rig_fini(&rig);
	demo_fini(&d);
	return status;
}
