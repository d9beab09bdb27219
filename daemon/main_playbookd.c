/*
 * playbookd: the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/app.h"
#include "daemon/confdir.h"
#include "io/service.h"

static const char usage_text[] =
    "usage: playbookd [--config DIR] [--state DIR] [--socket PATH] [--log-level LEVEL]\n"
    "       playbookd [--config DIR] --check [-v] [DIR]\n"
    "       playbookd --version | --help\n"
    "\n"
    "  --config DIR       configuration: DIR/playbookd.yaml, DIR/playbooks.d/*.yaml\n"
    "                     (default " PB_CONFDIR_DEFAULT ")\n"
    "  --check [DIR]      say what is wrong with the configuration, and exit\n"
    "  -v, --verbose      with --check: each playbook's longest way and worst-case time to a "
    "human\n"
    "  --state DIR        where to keep state (default daemon.state_dir, $STATE_DIRECTORY or\n"
    "                     /var/lib/playbookd)\n"
    "  --socket PATH      of the local API (default daemon.api.socket or\n"
    "                     /run/playbookd/playbookd.sock)\n"
    "  --log-level LEVEL  error, warning, notice, info (default) or debug\n"
    "\n"
    "exit status: 0 stopped, or configuration good; 1 --check found problems; 2 wrong usage;\n"
    "69 state or socket in use; 74 the store failed; 75 start again; 78 configuration unusable.\n"
    "See playbookd(8).\n";

struct arguments {
	struct pb_app_options app;
	bool is_check, is_verbose;
};

enum option_id {
	OPT_CONFIG = 256,
	OPT_CHECK,
	OPT_STATE,
	OPT_SOCKET,
	OPT_LEVEL,
	OPT_VERSION,
	OPT_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"check", no_argument, NULL, OPT_CHECK},
    {"verbose", no_argument, NULL, 'v'},
    {"state", required_argument, NULL, OPT_STATE},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"log-level", required_argument, NULL, OPT_LEVEL},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int
set_level(const char *name)
{
	static const struct {
		const char *name;
		enum pb_log_level level;
	} levels[] = {
	    {"error", PB_LOG_ERR},
	    {"warning", PB_LOG_WARNING},
	    {"notice", PB_LOG_NOTICE},
	    {"info", PB_LOG_INFO},
	    {"debug", PB_LOG_DEBUG},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			pb_log_set_level(levels[i].level);
			return 0;
		}
	}
	fprintf(stderr, "playbookd: --log-level is one of error, warning, notice, info, debug\n");
	return -1;
}

/* 0 = go on, -1 = wrong usage, 1 = done already. */
static int
take_option(int opt, struct arguments *a)
{
	switch (opt) {
	case OPT_CONFIG:
		a->app.config_dir = optarg;
		return 0;
	case OPT_CHECK:
		a->is_check = true;
		return 0;
	case 'v':
		a->is_verbose = true;
		return 0;
	case OPT_STATE:
		a->app.state_dir = optarg;
		return 0;
	case OPT_SOCKET:
		a->app.socket = optarg;
		return 0;
	case OPT_LEVEL:
		return set_level(optarg);
	case OPT_VERSION:
		printf("playbookd %s\n", PB_VERSION);
		return 1;
	case OPT_HELP:
		fputs(usage_text, stdout);
		return 1;
	default:
		return -1;
	}
}

static int
parse(int argc, char **argv, struct arguments *a)
{
	int opt, rc;
	while ((opt = getopt_long(argc, argv, "v", options, NULL)) != -1)
		if ((rc = take_option(opt, a)) != 0)
			return rc;
	if (a->is_check && optind < argc)
		a->app.config_dir = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "playbookd: unexpected argument: %s\n", argv[optind]);
		return -1;
	}
	return 0;
}

/* A bound may be told longer than it is, and never shorter: its text has two units at most. */
static const char *
bound_text(char out[PB_TIME_TEXT], int64_t span)
{
	int64_t least = span >= PB_DAY ? PB_HOUR : span >= PB_HOUR ? PB_MINUTE : 1;
	return pb_duration_text(out, (span + least - 1) / least * least);
}

/* "web: restart, verify: at most 7m; a human by 8m" */
static void
print_ways(const struct pb_config *c)
{
	char run[PB_TIME_TEXT], human[PB_TIME_TEXT];
	for (size_t i = 0; i < c->n_playbooks; i++) {
		const struct pb_playbook *p = &c->playbooks[i];
		struct pb_way way;
		pb_playbook_way(p, &way);
		printf("%s: ", p->name);
		for (size_t k = 0; k < way.n; k++)
			printf("%s%s", k > 0 ? ", " : "", p->steps[way.steps[k]].name);
		if (way.n > 0)
			printf(": at most %s; a human by %s\n", bound_text(run, way.run_for),
			    bound_text(human, way.human_for));
		else
			printf("no steps; a human at once\n");
		pb_way_fini(&way);
	}
}

static void
print_worst(const struct pb_config *c)
{
	char human[PB_TIME_TEXT];
	const char *name = NULL;
	int64_t worst = -1;
	for (size_t i = 0; i < c->n_playbooks; i++) {
		struct pb_way way;
		pb_playbook_way(&c->playbooks[i], &way);
		if (way.human_for > worst) {
			worst = way.human_for;
			name = c->playbooks[i].name;
		}
		pb_way_fini(&way);
	}
	if (name != NULL)
		printf("worst-case time to a human: %s (playbook %s); -v shows each\n",
		    bound_text(human, worst), name);
}

/* Problems to stderr, one a line, so that an editor can jump to them; a summary to stdout. */
static enum pb_app_exit
check(const char *dir, bool is_verbose)
{
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (pb_confdir_load(dir, &c, &problems) < 0) {
		for (size_t i = 0; i < problems.n; i++) {
			pb_buf_reset(&b);
			pb_buf_add_safe(&b, pb_str_of(problems.texts[i]), 4096, false);
			fprintf(stderr, "%s\n", b.ptr == NULL ? "" : b.ptr);
		}
		return PB_APP_EXIT_CHECK;
	}
	pb_confdir_summary(c, &b);
	printf("ok: %s\n", b.ptr);
	if (is_verbose)
		print_ways(c);
	else
		print_worst(c);
	return PB_APP_EXIT_OK;
}

/* What did not reach its reader was not said. */
static int
end(enum pb_app_exit status)
{
	bool is_lost = fflush(stdout) != 0 || ferror(stdout) != 0;
	if (!is_lost || status != PB_APP_EXIT_OK)
		return (int)status;
	fprintf(stderr, "playbookd: standard output: %s\n", strerror(errno));
	return PB_APP_EXIT_SYSTEM;
}

int
main(int argc, char **argv)
{
	struct arguments a = {.app = {.config_dir = PB_CONFDIR_DEFAULT}};
	int rc = parse(argc, argv, &a);
	if (rc > 0)
		return end(PB_APP_EXIT_OK);
	if (rc < 0) {
		fputs("try: playbookd --help\n", stderr);
		return PB_APP_EXIT_USAGE;
	}
	if (a.is_check)
		return end(check(a.app.config_dir, a.is_verbose));
	(void)pb_service_log_to_journal();
	enum pb_app_exit status = pb_app_run(&a.app);
	/* A service manager starts us again by itself. */
	if (status == PB_APP_EXIT_AGAIN && getenv("NOTIFY_SOCKET") == NULL) {
		execv("/proc/self/exe", argv);
		pb_err("cannot start anew: %s; start playbookd by hand", strerror(errno));
	}
	return (int)status;
}
