/*
 * The long proof: very many random worlds on all cores.
 *
 *	run-sim --prove [--seeds N] [--points N] [--from SEED] [--jobs N]
 *
 * First N worlds, each of hours of virtual time with faults and one to four deaths at random points.
 * Then, of further worlds, every point at which the process can die, N in all: the world is played once
 * and forked at each of its points; the child dies there and plays to the end.
 *
 * One world in STORE_EVERY has SQLite as the daemon has it, the others the model of sim/disk.h.  It ends
 * with "N passed, N failed"; what failed has been told with the command that plays it again.  Cells are
 * not counted here: the suite's scenarios must reach all of them, without chance (main.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/sim/suite.h"

#define STORE_EVERY 50
#define TOLD_MAX 5
#define SEEDS_DEFAULT 50000
#define POINTS_DEFAULT 100000

/* Shared by all workers. */
static struct shared {
	_Atomic uint64_t next; /* seed to play next */
	_Atomic size_t n_seeds, n_deaths, n_deathless, n_points, n_worlds, n_failed;
	_Atomic int64_t played_for; /* ms of virtual time */
	_Atomic size_t n_told;
} * shared;

struct job {
	uint64_t from, until; /* seeds, the last one not included */
	size_t n_points; /* 0 = die at random */
	int n_workers;
};

static void
tell(uint64_t seed, size_t point, const struct pb_buf *failures)
{
	shared->n_failed++;
	if (shared->n_told++ >= TOLD_MAX)
		return;
	printf("FAILED  again: run-sim --seed %llu", (unsigned long long)seed);
	if (point != 0)
		printf(" --point %zu", point);
	printf("\n%s", failures->ptr);
	(void)fflush(stdout);
}

static void
play_one(uint64_t seed)
{
	size_t at[SCENARIO_DEATHS_MAX];
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	struct pb_scenario_run run = {.seed = seed,
	    .crash_at = at,
	    .n_crash_at = scenario_random_deaths(seed, at),
	    .is_quiet = true,
	    .is_plain = seed % STORE_EVERY != 0};
	PB_JSON json_t *scenario = scenario_random(seed, &run.config);
	run.scenario = scenario;
	scenario_play(&run, &failures);
	shared->n_seeds++;
	shared->n_deaths += run.n_crashes;
	shared->n_deathless += run.n_crashes == 0;
	shared->played_for += run.played_for;
	if (failures.len > 0)
		tell(seed, 0, &failures);
}

/* --- each point of a world */

struct walk {
	size_t most; /* in all */
	size_t point; /* in the child: where it died */
	int64_t before; /* and what the parent had played by then */
};

/* In the child: die here.  The world before it is the parent's, which goes on without a death. */
static bool
fork_at(void *arg, size_t point, int64_t played_for)
{
	struct walk *walk = arg;
	int status;
	if (walk->point != 0 || shared->n_points >= walk->most)
		return false;
	shared->n_points++;
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		walk->point = point;
		walk->before = played_for;
		return true;
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("run-sim: fork");
		exit(EXIT_FAILURE);
	}
	if (!WIFEXITED(status)) {
		shared->n_failed++;
		printf("FAILED  point %zu: ended by signal %d\n", point, WTERMSIG(status));
	}
	return false;
}

static void
play_points(uint64_t seed, size_t most)
{
	struct walk walk = {.most = most};
	PB_CLEANUP(pb_buf_fini) struct pb_buf failures = PB_BUF_INIT;
	struct pb_scenario_run run = {
	    .seed = seed, .is_quiet = true, .is_plain = true, .dies_at = fork_at, .arg = &walk};
	PB_JSON json_t *scenario = scenario_random(seed, &run.config);
	run.scenario = scenario;
	scenario_play(&run, &failures);
	shared->played_for += run.played_for - walk.before;
	if (failures.len > 0)
		tell(seed, walk.point, &failures);
	if (walk.point == 0) {
		shared->n_worlds++;
		return;
	}
	(void)fflush(stdout);
	_exit(EXIT_SUCCESS); /* nothing of the parent's is ended twice */
}

/* --- workers */

static void
work(const struct job *job)
{
	for (;;) {
		uint64_t seed = shared->next++;
		if (seed >= job->until || (job->n_points > 0 && shared->n_points >= job->n_points))
			return;
		if (job->n_points > 0)
			play_points(seed, job->n_points);
		else
			play_one(seed);
	}
}

static bool
work_all(const struct job *job)
{
	bool is_good = true;
	int status;
	shared->next = job->from;
	(void)fflush(stdout);
	for (int i = 0; i < job->n_workers; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			work(job);
			(void)fflush(stdout);
			_exit(EXIT_SUCCESS);
		}
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			printf("FAILED  a worker ended with status %x\n", (unsigned)status);
			shared->n_failed++;
			is_good = false;
		}
	return is_good;
}

static double
now_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- command line */

struct options {
	uint64_t from;
	size_t n_seeds, n_points;
	int n_workers;
};

static int
read_options(int argc, char **argv, struct options *o)
{
	for (int i = 2; i + 1 < argc; i += 2) {
		uint64_t n = strtoull(argv[i + 1], NULL, 10);
		if (pb_streq(argv[i], "--seeds"))
			o->n_seeds = n;
		else if (pb_streq(argv[i], "--points"))
			o->n_points = n;
		else if (pb_streq(argv[i], "--from"))
			o->from = n;
		else if (pb_streq(argv[i], "--jobs"))
			o->n_workers = (int)n;
		else
			return -1;
	}
	return argc % 2 == 0 ? 0 : -1;
}

/* What a phase played, and how fast. */
static void
report_time(double began)
{
	double took = now_s() - began, days = (double)shared->played_for / (double)PB_DAY;
	printf(
	    "  %.0f days of virtual time in %.0f s: %.1f days a second\n", days, took, days / took);
	shared->played_for = 0;
	(void)fflush(stdout);
}

static void
play_seeds(const struct options *o)
{
	struct job job = {
	    .from = o->from, .until = o->from + o->n_seeds, .n_workers = o->n_workers};
	double began = now_s();
	if (o->n_seeds == 0)
		return;
	(void)work_all(&job);
	printf("%zu random worlds, with %zu deaths; %zu without any\n", (size_t)shared->n_seeds,
	    (size_t)shared->n_deaths, (size_t)shared->n_deathless);
	report_time(began);
}

static void
play_all_points(const struct options *o)
{
	struct job job = {.from = o->from + o->n_seeds,
	    .until = UINT64_MAX,
	    .n_points = o->n_points,
	    .n_workers = o->n_workers};
	double began = now_s();
	if (o->n_points == 0)
		return;
	(void)work_all(&job);
	printf("%zu points to die at, of %zu further worlds\n", (size_t)shared->n_points,
	    (size_t)shared->n_worlds);
	report_time(began);
}

int
prove(int argc, char **argv)
{
	struct options o = {.from = 1,
	    .n_seeds = SEEDS_DEFAULT,
	    .n_points = POINTS_DEFAULT,
	    .n_workers = (int)sysconf(_SC_NPROCESSORS_ONLN)};
	if (read_options(argc, argv, &o) < 0) {
		fputs("usage: run-sim --prove [--seeds N] [--points N] [--from N] [--jobs N]\n",
		    stderr);
		return 2;
	}
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return EXIT_FAILURE;
	play_seeds(&o);
	play_all_points(&o);
	size_t played = shared->n_seeds + shared->n_points, failed = shared->n_failed;
	printf("%zu passed, %zu failed\n", played > failed ? played - failed : 0, failed);
	return failed == 0 && played > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
