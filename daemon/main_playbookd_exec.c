/*
 * playbookd-exec: the command line.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/exec_serve.h"

#define CATALOGUE_DEFAULT "/etc/playbookd/commands.yaml"
#define CLAIMS_DEFAULT "/var/lib/playbookd-exec"

static const char usage_text[] =
    "usage: playbookd-exec [--catalogue FILE] [--claims DIR]\n"
    "       playbookd-exec --check [--catalogue FILE]\n"
    "       playbookd-exec --version | --help\n"
    "\n"
    "Serves one connection on standard input and output, as the socket unit hands it over.\n"
    "\n"
    "  --catalogue FILE  what may be run (default " CATALOGUE_DEFAULT ")\n"
    "  --claims DIR      what was run (default $STATE_DIRECTORY or " CLAIMS_DEFAULT ")\n"
    "  --check           say what is wrong with the catalogue, and exit\n"
    "\n"
    "exit status: 0 answered, or catalogue good; 1 nobody to answer, or catalogue bad;\n"
    "2 wrong usage.  See playbookd-exec(8).\n";

enum option_id { OPT_CATALOGUE = 256, OPT_CLAIMS, OPT_CHECK, OPT_VERSION, OPT_HELP };

static const struct option options[] = {
    {"catalogue", required_argument, NULL, OPT_CATALOGUE},
    {"claims", required_argument, NULL, OPT_CLAIMS},
    {"check", no_argument, NULL, OPT_CHECK},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
	const char *state = getenv("STATE_DIRECTORY");
	struct pb_exec_options o = {.catalogue = CATALOGUE_DEFAULT,
	    .claims = state == NULL || state[0] == '\0' ? CLAIMS_DEFAULT : state,
	    .fd = STDIN_FILENO};
	struct pb_error err;
	bool is_check = false;
	int opt;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_CATALOGUE:
			o.catalogue = optarg;
			break;
		case OPT_CLAIMS:
			o.claims = optarg;
			break;
		case OPT_CHECK:
			is_check = true;
			break;
		case OPT_VERSION:
			printf("playbookd-exec %s\n", PB_VERSION);
			return 0;
		case OPT_HELP:
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs("try: playbookd-exec --help\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "playbookd-exec: unexpected argument: %s\n", argv[optind]);
		return 2;
	}
	if (is_check)
		return pb_exec_check(o.catalogue, stderr) == 0 ? 0 : 1;
	if (pb_exec_serve(&o, &err) == 0)
		return 0;
	fprintf(stderr, "playbookd-exec: %s\n", err.text);
	return 1;
}
