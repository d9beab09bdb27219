/*
 * playbookctl sim: random months on a configuration, checked against the daemon's promises.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "base/time.h"
#include "confdir.h"
#include "ctl_prove.h"
#include "sim/month.h"

static const char usage_text[] =
    "usage: playbookctl sim [--config DIR] [--days N] [--seed N] [--runs M]\n"
    "                       [--faults all|none|LIST] [--assert all|promises] [--prefix N]\n"
    "\n"
    "Plays random months on the configuration, in virtual time and without touching anything, and\n"
    "checks that nothing the daemon promises is broken.  It prints the seed and the shortest\n"
    "beginning of a month that fails, and the command that plays it again.\n"
    "\n"
    "  --config DIR   default " PB_CONFDIR_DEFAULT "\n"
    "  --days N       length of a run (30)\n"
    "  --seed N       of the first run (random); the next one has the next number\n"
    "  --runs M       how many (10)\n"
    "  --faults LIST  of errors,hangs,pager,crash,down,store,slow,repeats,clock (all)\n"
    "  --assert WHAT  promises: do not fail because an interesting state was never reached (all)\n"
    "  --prefix N     play only the first N events, and print the trace\n"
    "\n"
    "exit status: 0 all held; 1 a promise was broken or a state never reached; 2 wrong usage.\n";

struct sim {
	const char *config_dir;
	struct pb_month_options options;
	int64_t seed, runs, prefix;
	bool promises_only, has_seed;
	struct pb_month *month;
	struct pb_month_reached reached;
	const char *faults; /* as given */
};

/* --- one run */

static void
print(const struct pb_buf *b)
{
	if (b->len > 0)
		(void)fwrite(b->ptr, 1, b->len, stdout);
}

static void
explain(struct sim *s, json_t *scenario, uint64_t seed)
{
	struct pb_scenario_run run;
	size_t n = pb_month_shortest(s->month, scenario, seed, &s->options);
	pb_month_play(s->month, scenario, seed, &s->options, n, &run);
	printf("seed %llu FAILS with its first %zu events:\n", (unsigned long long)seed, n);
	print(&run.failures);
	print(&run.trace);
	printf("again: playbookctl sim --config %s --days %lld --seed %llu --runs 1 --faults %s "
	       "--prefix %zu\n",
	    s->config_dir, (long long)s->options.days, (unsigned long long)seed, s->faults, n);
	pb_scenario_run_fini(&run);
}

/* Does it hold? */
static bool
play(struct sim *s, uint64_t seed)
{
	struct pb_scenario_run run;
	PB_JSON json_t *scenario = pb_month_scenario(s->month, seed, &s->options);
	pb_month_play(s->month, scenario, seed, &s->options, (size_t)s->prefix, &run);
	bool holds = run.failures.len == 0;
	pb_month_reached_add(&s->reached, &run);
	if (s->prefix > 0) {
		print(&run.failures);
		print(&run.trace);
	}
	pb_scenario_run_fini(&run);
	if (!holds && s->prefix == 0)
		explain(s, scenario, seed);
	return holds;
}

static enum pb_ctl_exit
play_all(struct sim *s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (int64_t i = 0; i < s->runs; i++)
		if (!play(s, (uint64_t)(s->seed + i)))
			return PB_CTL_REFUSED;
	size_t n_never = s->prefix > 0
	    ? 0
	    : pb_month_reached_report(s->month, &s->options, &s->reached, (size_t)s->runs, &b);
	print(&b);
	printf("seeds %lld to %lld, %lld days each: every promise held\n", (long long)s->seed,
	    (long long)(s->seed + s->runs - 1), (long long)s->options.days);
	if (n_never == 0 || s->promises_only)
		return PB_CTL_OK;
	printf("%zu states were never reached: take more --runs or --days, or --assert promises\n",
	    n_never);
	return PB_CTL_REFUSED;
}

/* --- command line */

enum {
	OPT_CONFIG = 256,
	OPT_DAYS,
	OPT_SEED,
	OPT_RUNS,
	OPT_FAULTS,
	OPT_ASSERT,
	OPT_PREFIX,
	OPT_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"days", required_argument, NULL, OPT_DAYS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"runs", required_argument, NULL, OPT_RUNS},
    {"faults", required_argument, NULL, OPT_FAULTS},
    {"assert", required_argument, NULL, OPT_ASSERT},
    {"prefix", required_argument, NULL, OPT_PREFIX},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int
take_number(const char *option, int64_t most, int64_t *ret)
{
	struct pb_error err;
	if (pb_parse_i64(pb_str_of(optarg), 1, most, ret, &err) == 0)
		return 0;
	fprintf(stderr, "playbookctl: --%s: %s\n", option, err.text);
	return -1;
}

static int
take_faults(struct sim *s)
{
	struct pb_error err;
	s->faults = optarg;
	if (pb_month_faults_parse(optarg, &s->options.faults, &err) == 0)
		return 0;
	fprintf(stderr, "playbookctl: --faults: %s\n", err.text);
	return -1;
}

static int
take_assert(struct sim *s)
{
	s->promises_only = strcmp(optarg, "promises") == 0;
	if (s->promises_only || strcmp(optarg, "all") == 0)
		return 0;
	fputs("playbookctl: --assert: all or promises\n", stderr);
	return -1;
}

/* 0 = go on, -1 = wrong usage, 1 = done already. */
static int
take_option(struct sim *s, int opt)
{
	switch (opt) {
	case OPT_CONFIG:
		s->config_dir = optarg;
		return 0;
	case OPT_DAYS:
		return take_number("days", 366, &s->options.days);
	case OPT_SEED:
		s->has_seed = true;
		return take_number("seed", INT64_MAX / 2, &s->seed);
	case OPT_RUNS:
		return take_number("runs", 1000000000, &s->runs);
	case OPT_PREFIX:
		return take_number("prefix", INT64_C(1) << 40, &s->prefix);
	case OPT_FAULTS:
		return take_faults(s);
	case OPT_ASSERT:
		return take_assert(s);
	default:
		fputs(usage_text, opt == OPT_HELP ? stdout : stderr);
		return opt == OPT_HELP ? 1 : -1;
	}
}

static void
choose_seed(struct sim *s)
{
	uint32_t seed;
	pb_entropy(&seed, sizeof(seed));
	s->seed = (int64_t)seed + 1;
}

enum pb_ctl_exit
pb_ctl_sim(int argc, char **argv)
{
	struct sim s = {.config_dir = PB_CONFDIR_DEFAULT,
	    .options = {.days = 30, .faults = PB_MONTH_FAULT_ALL},
	    .runs = 10,
	    .faults = "all"};
	int opt, rc = 0;
	optind = 0; /* anew, and not behind the outer command line */
	while (rc == 0 && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take_option(&s, opt);
	if (rc == 0 && optind < argc) {
		fputs("playbookctl: sim: unexpected argument\n", stderr);
		rc = -1;
	}
	if (rc != 0)
		return rc > 0 ? PB_CTL_OK : PB_CTL_USAGE;
	if (!s.has_seed)
		choose_seed(&s);
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = pb_ctl_load(s.config_dir);
	if (c == NULL)
		return PB_CTL_USAGE;
	PB_CLEANUP(pb_buf_fini) struct pb_buf notes = PB_BUF_INIT;
	s.month = pb_month_new(c, &notes);
	print(&notes);
	enum pb_ctl_exit status = play_all(&s);
	pb_month_free(s.month);
	if (fflush(stdout) != 0 && status == PB_CTL_OK)
		status = PB_CTL_REFUSED;
	return status;
}
