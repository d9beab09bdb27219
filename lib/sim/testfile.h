/*
 * Test files: *.test.yaml beside the playbooks, played by `playbookctl test` in virtual time.
 *
 * A test is a scenario (sim/scenario.h) on the configuration of its folder.  Its keys: name; use (the
 * name of another test of the file, whose keys it takes where it has none itself; `world` is merged by
 * call); start (RFC 3339, default 2026-03-03T09:00:00Z, or a wall time with tz beside it); world;
 * events; expect; trace; crash: each_commit; commit_takes; until (default: when nothing is
 * open or under way behind the last event and expectation, an hour behind them at the latest).  The format is in playbook(5), TESTS.
 */
#ifndef PB_SIM_TESTFILE_H
#define PB_SIM_TESTFILE_H

#include "playbook/config.h"
#include "sim/scenario.h"

#define PB_TESTFILE_MAX (1U << 20)
#define PB_TESTFILE_TESTS_MAX 1000

struct pb_test {
	char *name;
	char *file; /* as given */
	int line;
	bool is_crashed; /* crash: each_commit */
	const struct pb_node *node; /* what it says itself */
	json_t *scenario; /* with what it takes over */
	/* Those its events name.  Whoever plays it loads them first: they are the test's then. */
	struct pb_scenario_config *configs;
	size_t n_configs;
};

struct pb_tests {
	struct pb_test *tests;
	size_t n;
	struct pb_node **roots; /* of the files */
	size_t n_roots;
};
void pb_tests_fini(struct pb_tests *t);

/*
 * Add the tests of a file to ret.  On failure -1, with all that is wrong in `problems` (the caller's
 * to fini), as of a configuration file; ret is as before.
 */
int pb_tests_read(
    const char *path, struct pb_str text, struct pb_tests *ret, struct pb_problems *problems);

/*
 * Are there the steps, contacts and channels that it expects something of, or answers for, in
 * `config` or in a configuration that it changes to?  What it takes over is asked of the test it has
 * it from.  -1 with all that are not in `problems` (the caller's to fini), each with its place.
 */
int pb_test_check(
    const struct pb_test *t, const struct pb_config *config, struct pb_problems *problems);

struct pb_test_result {
	bool is_passed;
	size_t n_runs; /* 1, and one for each crash point */
	struct pb_buf report; /* why it failed: lines for people, the trace among them */
};

/* Told behind each run of a test, but not the last: how many are over, of how many. */
typedef void pb_test_played(void *arg, size_t n, size_t of);

/*
 * Play it.  A failed test is no error.  The caller's to pb_buf_fini(&ret->report).
 * `played` may be NULL.
 */
void pb_test_play(const struct pb_test *t, struct pb_config *config, pb_test_played *played,
    void *arg, struct pb_test_result *ret);

#endif
