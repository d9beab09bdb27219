/*
 * playbookctl: its command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "ctl_command.h"
#include "ctl_prove.h"
#include "pattern/pattern.h"

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

/* What the daemon would refuse is refused here by the option's name; how long is too long it says itself. */
static int
set_span(struct ctl *c, const char *text)
{
	struct pb_error err;
	int64_t span;
	c->span = text;
	if (pb_duration_parse(pb_str_of(text), &span, &err) == 0)
		return 0;
	fprintf(stderr, "playbookctl: --for: %s\n", err.text);
	return -1;
}

static int
set_match(struct ctl *c, const char *text)
{
	struct pb_error err;
	struct pb_pattern *pattern;
	char path[256];
	c->match = text;
	if (pb_pattern_compile(pb_str_of(text), &pattern, &err) == 0) {
		pb_pattern_free(pattern);
		return 0;
	}
	fprintf(stderr, "playbookctl: --match: ");
	if (err.line > 0)
		fprintf(stderr, "line %d, column %d: ", err.line, err.column);
	if (err.path[0] != '\0')
		fprintf(stderr, "%s: ", pb_safe(path, sizeof(path), pb_str_of(err.path)));
	fprintf(stderr,
	    "%s; give an event pattern, as "
	    "'{\"detail\":{\"alarmName\":[{\"prefix\":\"web-\"}]}}'\n",
	    err.text);
	return -1;
}

static int
set_reason(struct ctl *c, const char *text)
{
	c->reason = text;
	if (text[strspn(text, " \t\n")] != '\0')
		return 0;
	fprintf(stderr, "playbookctl: --reason: it is empty; say why, others will read it\n");
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
		return set_reason(c, optarg);
	case OPT_FOR:
		return set_span(c, optarg);
	case OPT_MATCH:
		return set_match(c, optarg);
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

static const struct ctl_command *
find_command(const char *name)
{
	const char *names[64];
	size_t n = 0;
	for (const struct ctl_command *cmd = ctl_commands; cmd->name != NULL; cmd++) {
		pb_check(n < PB_ARRAY_LEN(names));
		names[n++] = cmd->name;
		if (strcmp(cmd->name, name) == 0)
			return cmd;
	}
	const char *meant = pb_did_you_mean(name, names, n);
	char safe[64];
	fprintf(stderr, "playbookctl: there is no command \"%s\"%s%s%s\n",
	    pb_safe(safe, sizeof(safe), pb_str_of(name)), meant == NULL ? "" : " (did you mean ",
	    meant == NULL ? "" : meant, meant == NULL ? "" : "?)");
	return NULL;
}

static int
parse_words(int argc, char **argv, struct ctl *c, const struct ctl_command **ret)
{
	if (optind >= argc) {
		fprintf(stderr, "playbookctl: a command is missing\n");
		return -1;
	}
	const struct ctl_command *cmd = find_command(argv[optind++]);
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

/* --- commands that ask no daemon read their options themselves */

struct offline {
	const char *name;
	enum pb_ctl_exit (*run)(int argc, char **argv);
};

static const struct offline offline[] = {
    {"test", pb_ctl_test},
    {"sim", pb_ctl_sim},
    {"backtest", pb_ctl_backtest},
    {"test-pattern", pb_ctl_test_pattern},
};

/* Is the word at `i` an option whose value is the next one? */
static bool
takes_next(const char *word)
{
	for (const struct option *o = options; o->name != NULL; o++)
		if (o->has_arg == required_argument && strncmp(word, "--", 2) == 0 &&
		    strcmp(word + 2, o->name) == 0)
			return true;
	return false;
}

/* Where the command stands, behind the options that are before it. */
static int
command_at(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++)
		if (takes_next(argv[i]))
			i++;
	return i;
}

/*
 * Run the command at argv[at] with all options behind it.  --no-color and --socket, which somebody may
 * have in an alias, mean nothing here.
 */
static enum pb_ctl_exit
run_offline(const struct offline *o, int argc, char **argv, int at)
{
	PB_CLEANUP(pb_freep) char **words = pb_calloc((size_t)argc + 1, sizeof(*words));
	bool is_over = false; /* behind "--" */
	int n = 1;

	words[0] = argv[at];
	for (int i = 1; i < argc; i++) {
		is_over = is_over || strcmp(argv[i], "--") == 0;
		if (!is_over && strcmp(argv[i], "--socket") == 0)
			i++;
		else if (i != at &&
		    (is_over ||
			(strcmp(argv[i], "--no-color") != 0 &&
			    strncmp(argv[i], "--socket=", 9) != 0)))
			words[n++] = argv[i];
	}
	return o->run(n, words);
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
	const struct ctl_command *cmd = NULL;
	struct ctl c = {.socket = socket != NULL && socket[0] != '\0' ? socket : PB_CTL_SOCKET};
	int opt, rc = 0, at = command_at(argc, argv);
	for (size_t i = 0; i < PB_ARRAY_LEN(offline) && at < argc; i++)
		if (strcmp(argv[at], offline[i].name) == 0)
			return run_offline(&offline[i], argc, argv, at);
	while (rc == 0 && (opt = getopt_long(argc, argv, "fh", options, NULL)) != -1)
		rc = take_option(opt, &c);
	if (rc > 0)
		return PB_CTL_OK;
	if (rc < 0 || parse_words(argc, argv, &c, &cmd) < 0) {
		fputs(
		    "try: playbookctl --help; a name that begins with - goes behind --\n", stderr);
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
	/* There 1 says "does not match", which nobody has found. */
	int at = command_at(argc, argv);
	bool is_answer = at < argc && strcmp(argv[at], "test-pattern") == 0;
	return is_answer ? PB_CTL_USAGE : PB_CTL_REFUSED;
}
