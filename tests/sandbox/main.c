/*
 * playbookd-sandbox: a loopback AWS for people who want to try playbooks without an account.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/time.h"
#include "tests/sandbox/sandbox.h"

#define SCRIPT_MAX (4 << 20)
#define STEPS_MAX 10000

struct step {
	struct pb_sandbox *sb;
	struct event *timer;
	char *method, *target, *body;
};

struct program {
	struct pb_sandbox_opts opts;
	const char *port_file, *script;
	json_t *starts; /* [{target, body}] of --queue and the like */
	bool is_verbose;
	struct event_base *base;
	struct pb_sandbox *sb;
	struct step *steps;
	size_t n_steps;
};

static const char usage_head[] =
    "usage: playbookd-sandbox [options]\n"
    "\n"
    "A loopback AWS: CloudWatch alarms, SQS, SNS and STS on 127.0.0.1, with signatures checked\n"
    "and faults on demand.\n"
    "\n"
    "  --port N             listen there (0, the default, is any free port)\n"
    "  --port-file FILE     write the port there once it listens\n"
    "  --access-key KEY     accept this key (AKIDSANDBOX) with\n"
    "  --secret-key KEY     this secret (sandbox-secret)\n"
    "  --session-token T    and want this session token (none)\n"
    "  --account ID         of ARNs and queue URLs (111122223333)\n"
    "  --region REGION      of ARNs (us-east-1); calls may be signed for any\n"
    "  --queue NAME         make a queue; may be given more than once, as the next ones\n"
    "  --topic NAME[=QUEUE] make a topic, subscribe a queue to it\n"
    "  --alarm NAME[=STATE] make an alarm, OK if no state is given\n"
    "  --events QUEUE       send alarm transitions to a queue as EventBridge would\n"
    "  --script FILE        control calls to make in order: a JSON list of\n"
    "                       {\"after_ms\": 0, \"do\": \"POST /_sandbox/...\", \"body\": {...}}\n"
    "  -v, --verbose        print each call in a line\n"
    "  -h, --help           this\n"
    "\n"
    "Control, unsigned HTTP with JSON under /_sandbox/ (GET shows, POST makes or changes):\n";

/* Between them: pb_sandbox_control_help. */
static const char usage_tail[] =
    "\n"
    "Faults, POST /_sandbox/faults {\"fault\": F, \"service\", \"operation\", \"match\", "
    "\"skip\",\n"
    "\"times\": 1 (0 = until DELETE), \"delay_ms\"}, where F is\n"
    "  before the effect: throttle error server_error reset close expired_token\n"
    "    bad_signature skewed_date answer hang\n"
    "  after it: delay lost drip cut empty garbage not_http huge wrong_md5 duplicate reorder\n"
    "\n"
    "Try it:\n"
    "  playbookd-sandbox --port 4600 --topic oncall --alarm cpu-high -v\n"
    "in another terminal\n"
    "  export AWS_ENDPOINT_URL=http://127.0.0.1:4600 AWS_REGION=us-east-1\n"
    "  export AWS_ACCESS_KEY_ID=AKIDSANDBOX AWS_SECRET_ACCESS_KEY=sandbox-secret\n"
    "  playbookd ...\n"
    "and to make things happen\n"
    "  curl -d '{\"state\":\"ALARM\"}' http://127.0.0.1:4600/_sandbox/alarms/cpu-high/state\n"
    "  curl http://127.0.0.1:4600/_sandbox/topics/oncall\n"
    "  curl -d '{\"fault\":\"throttle\",\"times\":3}' http://127.0.0.1:4600/_sandbox/faults\n";

enum option_id {
	OPT_PORT = 256,
	OPT_PORT_FILE,
	OPT_ACCESS_KEY,
	OPT_SECRET_KEY,
	OPT_SESSION_TOKEN,
	OPT_ACCOUNT,
	OPT_REGION,
	OPT_QUEUE,
	OPT_TOPIC,
	OPT_ALARM,
	OPT_EVENTS,
	OPT_SCRIPT,
};

static const struct option options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"port-file", required_argument, NULL, OPT_PORT_FILE},
    {"access-key", required_argument, NULL, OPT_ACCESS_KEY},
    {"secret-key", required_argument, NULL, OPT_SECRET_KEY},
    {"session-token", required_argument, NULL, OPT_SESSION_TOKEN},
    {"account", required_argument, NULL, OPT_ACCOUNT},
    {"region", required_argument, NULL, OPT_REGION},
    {"queue", required_argument, NULL, OPT_QUEUE},
    {"topic", required_argument, NULL, OPT_TOPIC},
    {"alarm", required_argument, NULL, OPT_ALARM},
    {"events", required_argument, NULL, OPT_EVENTS},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* --- what is made at start: one control call an option */

static void
add_start(struct program *p, const char *target, json_t *body)
{
	json_array_append_new(p->starts, json_pack("{s:s, s:o}", "target", target, "body", body));
}

/* NAME[=VALUE] as {"name": NAME, MEMBER: VALUE or fallback}. */
static json_t *
named(const char *arg, const char *member, const char *fallback)
{
	const char *eq = strchr(arg, '=');
	PB_CLEANUP(pb_freep)
	char *name = pb_strndup(arg, eq ? (size_t)(eq - arg) : strlen(arg));
	json_t *body = json_pack("{s:s}", "name", name);
	pb_json_set_str(body, member, eq ? eq + 1 : fallback);
	return body;
}

static void
show_usage(void)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf paths = PB_BUF_INIT;
	pb_sandbox_control_help(&paths);
	(void)printf("%s%s%s", usage_head, paths.ptr, usage_tail);
}

static int
take_option(struct program *p, int id, const char *arg)
{
	int64_t port;
	switch (id) {
	case OPT_PORT:
		if (pb_parse_i64(pb_str_of(arg), 0, 65535, &port, NULL) < 0)
			return -1;
		p->opts.port = (uint16_t)port;
		return 0;
	case OPT_PORT_FILE:
		p->port_file = arg;
		return 0;
	case OPT_ACCESS_KEY:
		p->opts.access_key = arg;
		return 0;
	case OPT_SECRET_KEY:
		p->opts.secret_key = arg;
		return 0;
	case OPT_SESSION_TOKEN:
		p->opts.session_token = arg;
		return 0;
	case OPT_ACCOUNT:
		p->opts.account = arg;
		return 0;
	case OPT_REGION:
		p->opts.region = arg;
		return 0;
	case OPT_QUEUE:
		add_start(p, "/_sandbox/queues", named(arg, "ignored", NULL));
		return 0;
	case OPT_TOPIC:
		add_start(p, "/_sandbox/topics", named(arg, "queue", NULL));
		return 0;
	case OPT_ALARM:
		add_start(p, "/_sandbox/alarms", named(arg, "state", "OK"));
		return 0;
	case OPT_EVENTS:
		add_start(p, "/_sandbox/eventbridge", json_pack("{s:s}", "queue", arg));
		return 0;
	case OPT_SCRIPT:
		p->script = arg;
		return 0;
	case 'v':
		p->is_verbose = true;
		return 0;
	case 'h':
		show_usage();
		exit(EXIT_SUCCESS);
	default:
		return -1;
	}
}

static int
control(struct pb_sandbox *sb, const char *method, const char *target, const char *body)
{
	PB_JSON json_t *out = NULL;
	int status = pb_sandbox_control(sb, method, target, pb_str_of(body), &out);
	if (status == 200)
		return 0;
	(void)fprintf(stderr, "playbookd-sandbox: %s %s: %s\n", method, target,
	    pb_json_str_or(out, "error", "refused"));
	return -1;
}

static int
run_starts(struct program *p)
{
	const json_t *s;
	size_t i;
	json_array_foreach (p->starts, i, s) {
		PB_CLEANUP(pb_freep) char *body = pb_json_text(pb_json_get(s, "body"));
		if (control(p->sb, "POST", pb_json_str_or(s, "target", ""), body) < 0)
			return -1;
	}
	return 0;
}

/* --- scripts */

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	struct step *s = arg;
	(void)fd;
	(void)what;
	(void)printf("script: %s %s %s\n", s->method, s->target, s->body);
	(void)control(s->sb, s->method, s->target, s->body);
}

static int
read_script(const char *path, json_t **ret_steps, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_CAPPED(SCRIPT_MAX);
	char block[65536];
	size_t n;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return pb_fail_errno(err, errno, "cannot open");
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		(void)pb_buf_add(&text, block, n);
	int is_bad = ferror(f);
	(void)fclose(f);
	if (is_bad)
		return pb_fail(err, PB_IO, "cannot read");
	if (text.is_over)
		return pb_fail(err, PB_LIMIT, "longer than 4 MiB");
	return pb_json_parse(pb_buf_str(&text), ret_steps, err);
}

static int
set_step(struct program *p, const json_t *from, int64_t *at, struct pb_error *err)
{
	struct step *s = &p->steps[p->n_steps];
	const char *text = pb_json_str(from, "do"), *space = text ? strchr(text, ' ') : NULL;
	const json_t *body = pb_json_get(from, "body");
	int64_t after = pb_json_i64(from, "after_ms", 0);
	if (space == NULL || after < 0)
		return pb_fail(err, PB_INVALID,
		    "a step needs \"do\": \"METHOD /_sandbox/...\", and after_ms from 0");
	*at += after;
	struct timeval tv = {.tv_sec = *at / 1000, .tv_usec = *at % 1000 * 1000};
	s->sb = p->sb;
	s->method = pb_strndup(text, (size_t)(space - text));
	s->target = pb_strdup(space + 1);
	s->body = json_is_string(body) ? pb_strdup(json_string_value(body))
	    : body != NULL             ? pb_json_text(body)
				       : pb_strdup("");
	s->timer = event_new(p->base, -1, 0, on_step, s);
	event_add(s->timer, &tv);
	p->n_steps++;
	return 0;
}

static int
load_script(struct program *p, struct pb_error *err)
{
	PB_JSON json_t *steps = NULL;
	int64_t at = 0;
	if (p->script == NULL)
		return 0;
	if (read_script(p->script, &steps, err) < 0)
		return pb_wrap(err, "%s", p->script);
	size_t n = json_array_size(steps);
	if (!json_is_array(steps) || n > STEPS_MAX)
		return pb_fail(
		    err, PB_INVALID, "%s: not a list of at most %d steps", p->script, STEPS_MAX);
	p->steps = pb_calloc(n + 1, sizeof(*p->steps));
	for (size_t i = 0; i < n; i++)
		if (set_step(p, json_array_get(steps, i), &at, err) < 0)
			return pb_wrap(err, "%s: step %zu", p->script, i + 1);
	return 0;
}

/* --- running */

static void
show_call(const json_t *entry, void *arg)
{
	char at[PB_TIME_TEXT];
	const char *fault = pb_json_str_or(entry, "fault", ""), *code = pb_json_str(entry, "code");
	PB_CLEANUP(pb_freep) char *input = pb_json_text(pb_json_get(entry, "input"));
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	(void)arg;
	pb_buf_add_safe(&safe, pb_str_of(input ? input : ""), 160, false);
	(void)printf("%s %s %s%s %d%s%s%s%s %s\n", pb_time_clock(at, pb_json_i64(entry, "at", 0)),
	    pb_json_str_or(entry, "service", "?"), pb_json_str_or(entry, "operation", "?"),
	    pb_json_bool(entry, "is_verified", false) ? "" : " (not verified)",
	    (int)pb_json_i64(entry, "status", 0), code ? " " : "", code ? code : "",
	    *fault ? " fault:" : "", fault, safe.ptr ? safe.ptr : "");
	(void)fflush(stdout);
}

static int
write_port(const char *path, uint16_t port, struct pb_error *err)
{
	/* By rename, so that who waits for the file never reads half of it. */
	PB_CLEANUP(pb_freep) char *temporary = pb_asprintf("%s.new", path);
	FILE *f = fopen(temporary, "we");
	if (f == NULL)
		return pb_fail_errno(err, errno, "%s", temporary);
	int is_bad = fprintf(f, "%u\n", (unsigned)port) < 0;
	if (fclose(f) != 0 || is_bad || rename(temporary, path) != 0)
		return pb_fail_errno(err, errno, "%s", path);
	return 0;
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)event_base_loopbreak(arg);
}

static int
run(struct program *p, struct pb_error *err)
{
	if (p->is_verbose)
		p->opts.on_call = show_call;
	if (pb_sandbox_new(p->base, &p->opts, &p->sb, err) < 0)
		return -1;
	if (run_starts(p) < 0)
		return pb_fail(err, PB_INVALID, "cannot make what the options ask for");
	if (load_script(p, err) < 0)
		return -1;
	if (p->port_file != NULL && write_port(p->port_file, pb_sandbox_port(p->sb), err) < 0)
		return -1;
	(void)printf("listening on http://127.0.0.1:%u\n", (unsigned)pb_sandbox_port(p->sb));
	(void)fflush(stdout);
	struct event *term = evsignal_new(p->base, SIGTERM, on_signal, p->base);
	struct event *interrupt = evsignal_new(p->base, SIGINT, on_signal, p->base);
	event_add(term, NULL);
	event_add(interrupt, NULL);
	(void)event_base_dispatch(p->base);
	event_free(term);
	event_free(interrupt);
	return 0;
}

static void
program_fini(struct program *p)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		event_free(p->steps[i].timer);
		free(p->steps[i].method);
		free(p->steps[i].target);
		free(p->steps[i].body);
	}
	free(p->steps);
	pb_sandbox_free(p->sb);
	event_base_free(p->base);
	json_decref(p->starts);
}

int
main(int argc, char **argv)
{
	struct program p = {.starts = json_array(), .base = event_base_new()};
	struct pb_error err = {0};
	int id, rc;

	pb_check(p.base != NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	while ((id = getopt_long(argc, argv, "vh", options, NULL)) != -1)
		if (take_option(&p, id, optarg) < 0)
			break;
	if (id != -1 || optind != argc) {
		(void)fputs("playbookd-sandbox: cannot read the options; try --help\n", stderr);
		program_fini(&p);
		return 2;
	}
	rc = run(&p, &err);
	if (rc < 0)
		(void)fprintf(stderr, "playbookd-sandbox: %s\n", err.text);
	program_fini(&p);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
