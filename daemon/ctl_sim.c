/*
 * playbookctl sim: random months on a configuration, checked against the daemon's promises.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/time.h"
#include "confdir.h"
#include "ctl_prove.h"
#include "sim/month.h"

static const char usage_text[] =
    "usage: playbookctl sim [--config DIR] [--days N] [--seed N] [--runs M]\n"
    "                       [--faults all|none|LIST] [--assert all|promises|LIST]\n"
    "                       [--prefix N] [--json]\n"
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
    "  --assert LIST  what makes it fail: promises, or some of P1 to P6; states that were never\n"
    "                 reached, as ack-expired,storm; all (the default) is each of them\n"
    "  --prefix N     play only the first N events, and print the trace\n"
    "  --json         print JSON\n"
    "\n"
    "exit status: 0 all held; 1 a promise was broken or a state never reached; 2 wrong usage.\n";

struct sim {
	const char *config_dir;
	struct pb_month_options options;
	int64_t seed, runs, prefix;
	bool has_seed, is_json;
	const struct pb_config *config;
	struct pb_month *month;
	struct pb_month_reached reached;
	const char *faults, *asserts; /* as given */
	/* What came of it. */
	int64_t n_played;
	struct pb_buf notes; /* what is not played */
	struct pb_buf trace; /* of a prefix */
	struct failure {
		uint64_t seed; /* 0 = none */
		size_t n_events;
		struct pb_buf broken, trace;
		char *again; /* the command that plays it again */
	} failure;
};

/* --- playing */

static void
keep(struct pb_buf *to, const struct pb_buf *from)
{
	if (from->len > 0)
		(void)pb_buf_add(to, from->ptr, from->len);
}

static void
find_shortest(struct sim *s, json_t *scenario, uint64_t seed)
{
	struct pb_scenario_run run;
	struct failure *f = &s->failure;
	f->n_events = pb_month_shortest(s->month, scenario, seed, &s->options);
	pb_month_play(s->month, scenario, seed, &s->options, f->n_events, &run);
	keep(&f->broken, &run.failures);
	keep(&f->trace, &run.trace);
	PB_CLEANUP(pb_buf_fini) struct pb_buf dir = PB_BUF_INIT;
	pb_ctl_add_word(&dir, s->config_dir);
	f->again = pb_asprintf("playbookctl sim --config %s --days %lld --seed %llu --runs 1 "
			       "--faults %s --assert %s --prefix %zu",
	    dir.ptr, (long long)s->options.days, (unsigned long long)seed, s->faults, s->asserts,
	    f->n_events);
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
	s->n_played++;
	if (!holds)
		s->failure.seed = seed;
	if (s->prefix > 0) {
		keep(&s->failure.broken, &run.failures);
		keep(&s->trace, &run.trace);
	} else if (!holds) {
		find_shortest(s, scenario, seed);
	}
	pb_scenario_run_fini(&run);
	return holds;
}

/* --- showing */

/* Why it cannot be reached; NULL when it can.  The caller's. */
static char *
because_of(const struct pb_month_state *st)
{
	if (st->excluded != NULL)
		return pb_asprintf("with this configuration, because %s", st->excluded);
	for (unsigned k = 0; pb_month_fault_name(k) != NULL; k++)
		if ((st->missing_faults >> k & 1) != 0)
			return pb_asprintf("with these faults, because %s is not among them",
			    pb_month_fault_name(k));
	return NULL;
}

static const char *
verdict_of(const struct pb_month_state *st)
{
	if (st->n > 0)
		return "reached";
	if (pb_month_state_is_missed(st))
		return "missed";
	return st->excluded != NULL || st->missing_faults != 0 ? "excluded" : "never";
}

static void
show_state(const struct pb_month_state *st, int64_t n_runs, struct pb_buf *b)
{
	PB_CLEANUP(pb_freep) char *because = because_of(st);
	if (st->n == 0 && because != NULL)
		(void)pb_buf_addf(b, "%s%s: cannot be reached %s\n",
		    pb_month_state_is_missed(st) ? "NEVER " : "", st->name, because);
	else
		(void)pb_buf_addf(b, "%s%s (%s): in %zu of %lld runs\n",
		    pb_month_state_is_missed(st) ? "NEVER " : "", st->name, st->key, st->n,
		    (long long)n_runs);
}

static void
show_failure(const struct sim *s, struct pb_buf *b)
{
	const struct failure *f = &s->failure;
	if (s->prefix == 0)
		(void)pb_buf_addf(b, "seed %llu FAILS with its first %zu events:\n",
		    (unsigned long long)f->seed, f->n_events);
	keep(b, &f->broken);
	keep(b, s->prefix > 0 ? &s->trace : &f->trace);
	if (f->again != NULL)
		(void)pb_buf_addf(b, "again: %s\n", f->again);
}

static void
show(const struct sim *s, const struct pb_month_state *states, size_t n, size_t n_missed,
    struct pb_buf *b)
{
	keep(b, &s->notes);
	if (s->failure.seed != 0) {
		show_failure(s, b);
		return;
	}
	keep(b, &s->trace);
	for (size_t i = 0; i < n && s->prefix == 0; i++)
		show_state(&states[i], s->n_played, b);
	(void)pb_buf_addf(b, "seeds %lld to %lld, %lld days each: every promise held\n",
	    (long long)s->seed, (long long)(s->seed + s->n_played - 1), (long long)s->options.days);
	if (n_missed > 0)
		(void)pb_buf_addf(b,
		    "%zu state%s never reached: take more --runs or --days, or --assert "
		    "promises\n",
		    n_missed, n_missed == 1 ? " was" : "s were");
}

static json_t *
lines_of(const struct pb_buf *b)
{
	json_t *lines = json_array();
	const char *at = b->len == 0 ? "" : b->ptr;
	for (size_t len; *at != '\0'; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		json_array_append_new(lines, json_stringn(at, len));
	}
	return lines;
}

static json_t *
state_json(const struct pb_month_state *st)
{
	PB_CLEANUP(pb_freep) char *because = st->n > 0 ? NULL : because_of(st);
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:s?}", "state", st->key, "name", st->name,
	    "verdict", verdict_of(st), "runs", (json_int_t)st->n, "is_asserted", st->is_asserted,
	    "because", because);
}

static json_t *
failure_json(const struct sim *s)
{
	const struct failure *f = &s->failure;
	if (f->seed == 0)
		return json_null();
	size_t n_events = s->prefix > 0 ? (size_t)s->prefix : f->n_events;
	return json_pack("{s:I, s:I, s:o, s:o, s:s?}", "seed", (json_int_t)f->seed, "events",
	    (json_int_t)n_events, "broken", lines_of(&f->broken), "trace",
	    lines_of(s->prefix > 0 ? &s->trace : &f->trace), "again", f->again);
}

static void
show_json(const struct sim *s, const struct pb_month_state *states, size_t n, size_t n_missed,
    struct pb_buf *b)
{
	json_t *list = json_array(), *faults = json_array();
	for (unsigned k = 0; pb_month_fault_name(k) != NULL; k++)
		if ((s->options.faults >> k & 1) != 0)
			json_array_append_new(faults, json_string(pb_month_fault_name(k)));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, state_json(&states[i]));
	PB_JSON json_t *j = json_pack("{s:b, s:I, s:I, s:I, s:o, s:s, s:o, s:I, s:o, s:o}", "holds",
	    s->failure.seed == 0, "seed", (json_int_t)s->seed, "runs", (json_int_t)s->n_played,
	    "days", (json_int_t)s->options.days, "faults", faults, "assert", s->asserts, "failure",
	    failure_json(s), "missed", (json_int_t)n_missed, "states", list, "not_played",
	    lines_of(&s->notes));
	if (s->prefix > 0)
		json_object_set_new(j, "trace", lines_of(&s->trace));
	PB_CLEANUP(pb_freep) char *text = pb_json_text_indented(j);
	(void)pb_buf_addf(b, "%s\n", text);
}

/* A terminal is told how far it is: a month takes seconds, and many runs minutes. */
static void
play_seeds(struct sim *s)
{
	bool is_watched = isatty(STDERR_FILENO) == 1;
	while (s->n_played < s->runs && s->failure.seed == 0) {
		if (is_watched)
			fprintf(stderr, PB_CTL_CLEAR_LINE "seed %lld: %lld of %lld runs",
			    (long long)(s->seed + s->n_played), (long long)s->n_played + 1,
			    (long long)s->runs);
		(void)play(s, (uint64_t)(s->seed + s->n_played));
	}
	if (is_watched)
		fputs(PB_CTL_CLEAR_LINE, stderr);
}

static enum pb_ctl_exit
play_all(struct sim *s)
{
	struct pb_month_state states[PB_MONTH_STATES_MAX];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t n_missed = 0;
	play_seeds(s);
	size_t n = pb_month_states(s->config, &s->options, &s->reached, states);
	for (size_t i = 0; i < n && s->prefix == 0 && s->failure.seed == 0; i++)
		n_missed += pb_month_state_is_missed(&states[i]);
	if (s->is_json)
		show_json(s, states, n, n_missed, &b);
	else
		show(s, states, n, n_missed, &b);
	bool is_written = fwrite(b.ptr, 1, b.len, stdout) == b.len && fflush(stdout) == 0;
	return s->failure.seed == 0 && n_missed == 0 && is_written ? PB_CTL_OK : PB_CTL_REFUSED;
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
	OPT_JSON,
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
    {"json", no_argument, NULL, OPT_JSON},
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
	struct pb_error err;
	s->asserts = optarg;
	if (pb_month_asserts_parse(optarg, &s->options.asserts, &err) == 0)
		return 0;
	fprintf(stderr, "playbookctl: --assert: %s\n", err.text);
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
	case OPT_JSON:
		s->is_json = true;
		return 0;
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

static void
fini(struct sim *s)
{
	pb_month_free(s->month);
	pb_buf_fini(&s->notes);
	pb_buf_fini(&s->trace);
	pb_buf_fini(&s->failure.broken);
	pb_buf_fini(&s->failure.trace);
	free(s->failure.again);
}

enum pb_ctl_exit
pb_ctl_sim(int argc, char **argv)
{
	struct sim s = {.config_dir = PB_CONFDIR_DEFAULT,
	    .options = {.days = 30, .faults = PB_MONTH_FAULT_ALL, .asserts = PB_MONTH_ASSERTS_ALL},
	    .runs = 10,
	    .faults = "all",
	    .asserts = "all"};
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
	s.config = c;
	s.month = pb_month_new(c, &s.notes);
	enum pb_ctl_exit status = play_all(&s);
	fini(&s);
	return status;
}
