/*
 * The main of the integration tests.
 *
 * They wait far more than they compute, so each suite runs in a process of its own, several at a
 * time (PB_JOBS; 4), and their output is shown suite by suite, with one closing line for all.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/unit/runner.h"

#define JOBS_DEFAULT 4
#define JOBS_MAX 16
#define SUITES_MAX 32

struct counts {
	int ran, failures, errors;
};

struct job {
	const struct pb_suite_entry *suite;
	pid_t pid;
	int result; /* where its counts come from */
	char *output;
};

static struct pb_suite_entry *suites;
static char *folder;

void
pb_suite_register(struct pb_suite_entry *entry)
{
	entry->next = suites;
	suites = entry;
}

static struct counts
run_suite(const struct pb_suite_entry *entry)
{
	Suite *s = suite_create(entry->name);
	struct counts counts = {0};
	entry->fill(s);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	counts.ran = srunner_ntests_run(runner);
	TestResult **failed = srunner_failures(runner);
	for (int i = 0; i < srunner_ntests_failed(runner); i++) {
		if (tr_rtype(failed[i]) == CK_FAILURE)
			counts.failures++;
		else
			counts.errors++;
	}
	free(failed);
	srunner_free(runner);
	return counts;
}

_Noreturn static void
be_job(const struct job *job, int result, pid_t parent)
{
	int out = open(job->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(1);
	/* Each test is a child: what it prints must not sit in a buffer that its siblings inherit. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	struct counts counts = run_suite(job->suite);
	(void)fflush(stdout);
	_exit(write(result, &counts, sizeof(counts)) == sizeof(counts) ? 0 : 1);
}

static void
start(struct job *job)
{
	int fds[2];
	pb_check(pipe2(fds, O_CLOEXEC) == 0);
	(void)fflush(NULL);
	pid_t parent = getpid();
	job->pid = fork();
	pb_check(job->pid >= 0);
	if (job->pid == 0)
		be_job(job, fds[1], parent);
	(void)close(fds[1]);
	job->result = fds[0];
}

static void
show(const char *path)
{
	char block[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
		(void)fwrite(block, 1, (size_t)n, stdout);
	if (fd >= 0)
		(void)close(fd);
}

/* Adds the counts of a job that has ended. */
static void
finish(struct job *job, struct counts *total)
{
	struct counts counts;
	if (read(job->result, &counts, sizeof(counts)) != sizeof(counts)) {
		(void)printf("suite %s did not come to its end\n", job->suite->name);
		counts = (struct counts){.ran = 1, .errors = 1};
	}
	if (counts.ran > 0)
		show(job->output);
	total->ran += counts.ran;
	total->failures += counts.failures;
	total->errors += counts.errors;
	(void)close(job->result);
	(void)unlink(job->output);
	free(job->output);
}

static void
run_jobs(struct job *jobs, size_t n, size_t most, struct counts *total)
{
	size_t started = 0, ended = 0;
	while (ended < n) {
		while (started < n && started - ended < most)
			start(&jobs[started++]);
		pid_t pid = wait(NULL);
		for (size_t i = 0; pid > 0 && i < started; i++) {
			if (jobs[i].pid == pid) {
				finish(&jobs[i], total);
				ended++;
			}
		}
	}
}

static int
close_line(const struct counts *total)
{
	int bad = total->failures + total->errors;
	int passed = total->ran == 0 ? 0 : (total->ran - bad) * 100 / total->ran;
	(void)printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n", passed, total->ran,
	    total->failures, total->errors);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Rigs of tests that failed leave their folders: all are below one that goes at the end. */
static bool
make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	folder = pb_asprintf("%s/playbookd-tests.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	return mkdtemp(folder) != NULL && setenv("PB_RIG_TMP", folder, 1) == 0;
}

int
main(void)
{
	struct job jobs[SUITES_MAX] = {0};
	struct counts total = {0};
	size_t n = 0;
	int64_t most = JOBS_DEFAULT;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (!make_folder()) {
		(void)fprintf(stderr, "cannot make %s: %s\n", folder, strerror(errno));
		return EXIT_FAILURE;
	}
	/* Sanitizers and busy machines are slow. */
	(void)setenv("CK_TIMEOUT_MULTIPLIER", "3", 0);
	(void)pb_parse_i64(pb_str_of(getenv("PB_JOBS")), 1, JOBS_MAX, &most, NULL);
	for (struct pb_suite_entry *e = suites; e != NULL; e = e->next) {
		pb_check(n < SUITES_MAX);
		jobs[n].suite = e;
		jobs[n++].output = pb_asprintf("%s/%s.out", folder, e->name);
	}
	run_jobs(jobs, n, (size_t)most, &total);
	pb_rig_remove_tree(folder);
	free(folder);
	return close_line(&total);
}
