/*
 * What a process leaves behind when it ends as it should not, and how the next ones count it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../runner.h"
#include "base/check.h"
#include "base/clock.h"
#include "daemon/deaths.h"
#include "io/file.h"

static char folder[64], *path;
static bool is_deciding; /* of what was taken up */

static void
setup(void)
{
	(void)strcpy(folder, "/tmp/pb-deaths-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = pb_asprintf("%s/sock.claims", folder);
}

static void
teardown(void)
{
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
	free(path);
}

/* Ends by a signal; 0 = by a broken claim, -1 = as it should. */
static void
live(const char *record, int how, bool is_through)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		(void)fclose(stderr);
		pb_deaths_watch(path);
		if (record != NULL)
			(void)pb_deaths_taking("run", record);
		if (is_deciding)
			pb_deaths_deciding();
		if (is_through)
			pb_deaths_taken();
		pb_check(how != 0);
		if (how > 0)
			(void)raise(how);
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (how < 0)
		ck_assert(WIFEXITED(status));
}

/* n, and at which record all came; NULL = none. */
static void
ck_deaths(size_t n, const char *at)
{
	struct pb_deaths d;
	pb_deaths_read(path, &d);
	ck_assert_msg(d.n == n, "%zu: %s", d.n, d.last == NULL ? "-" : d.last);
	ck_assert_msg(pb_streq(d.at, at), "%s", d.at == NULL ? "-" : d.at);
	pb_deaths_fini(&d);
}

START_TEST(every_death_while_the_store_is_taken_up_counts_once)
{
	static const int hows[] = {SIGSEGV, SIGKILL, 0, SIGABRT, SIGUSR1, SIGBUS};
	setup();
	for (size_t i = 0; i < 3; i++) {
		live("20260303-1", hows[(size_t)_i * 3 + i], false);
		ck_deaths(i + 1, i == 2 ? "run 20260303-1" : NULL);
	}
	/* Of another record: they have no record in common. */
	live("20260303-2", SIGKILL, false);
	ck_deaths(4, NULL);
	pb_deaths_forget(path);
	ck_deaths(0, NULL);
	teardown();
}
END_TEST

START_TEST(who_is_killed_here_and_there_says_nothing_of_the_store)
{
	struct pb_deaths d;
	setup();
	live("1", SIGKILL, false);
	live("2", SIGKILL, false);
	live("3", SIGKILL, false);
	pb_deaths_read(path, &d);
	ck_assert_uint_eq(d.n_own, 0);
	ck_assert_ptr_null(d.at);
	pb_deaths_fini(&d);
	pb_deaths_forget(path);
	is_deciding = true;
	live("1", SIGKILL, false);
	ck_deaths(0, NULL);
#ifndef __SANITIZE_ADDRESS__
	live("1", SIGSEGV, false);
	pb_deaths_read(path, &d);
	ck_assert_uint_eq(d.n_own, 1);
	pb_deaths_fini(&d);
#endif
	is_deciding = false;
	teardown();
}
END_TEST

START_TEST(later_only_our_own_faults_count)
{
	setup();
	live("1", SIGKILL, true);
	live("1", SIGUSR1, true);
	live("1", -1, true);
	live(NULL, -1, true);
	ck_deaths(0, NULL);
	live("1", SIGSEGV, true);
	live("1", 0, true);
#ifndef __SANITIZE_ADDRESS__
	ck_deaths(2, NULL);
	live("1", SIGILL, true);
	ck_deaths(3, NULL);
#endif
	teardown();
}
END_TEST

START_TEST(a_start_that_gets_through_clears_those_that_did_not)
{
	setup();
	live("1", SIGKILL, false);
	ck_deaths(1, NULL);
	live("1", SIGKILL, false);
	ck_deaths(2, NULL);
	live("1", -1, true);
	ck_deaths(0, NULL);
	live("1", SIGKILL, false);
	ck_deaths(1, NULL);
	teardown();
}
END_TEST

START_TEST(a_record_that_is_left_out_is_passed_over)
{
	setup();
	ck_assert_int_eq(pb_deaths_leave_out(path, "run 20260303-1"), 0);
	ck_assert_int_eq(pb_deaths_leave_out(path, "run 20260303-17"), 0);
	ck_assert_int_eq(pb_deaths_leave_out(path, "run 20260303-1"), -1);
	pb_deaths_watch(path);
	ck_assert(!pb_deaths_taking("run", "20260303-1"));
	ck_assert(!pb_deaths_taking("run", "20260303-17"));
	ck_assert(pb_deaths_taking("run", "20260303-2"));
	ck_assert(pb_deaths_taking("ladder", "20260303-1"));
	ck_assert(pb_deaths_taking("event", "a\nrun 20260303-1"));
	pb_deaths_taken();
	teardown();
}
END_TEST

/* Those of last week are not counted, nor what is no line of ours, however long. */
START_TEST(nonsense_in_the_files_counts_nothing)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *at = NULL, *long_line = pb_calloc(1, 100000);
	setup();
	at = pb_asprintf("%s.at", path);
	memset(long_line, 'x', 99999);
	ck_assert_int_eq(pb_file_write(path, 0600,
			     PB_STR("1000 a\nnonsense\n\n \n9999999999999 d\n-1 x\n"), &err),
	    0);
	ck_deaths(0, NULL);
	ck_assert_int_eq(pb_file_write(path, 0600, pb_str_of(long_line), &err), 0);
	ck_assert_int_eq(pb_file_write(at, 0600, pb_str_of(long_line), &err), 0);
	ck_deaths(0, NULL);
	ck_assert_int_eq(pb_file_write(at, 0600, (struct pb_str){"\0\0\0", 3}, &err), 0);
	ck_deaths(0, NULL);
	teardown();
}
END_TEST

PB_SUITE(deaths)
{
	pb_add_loop(s, every_death_while_the_store_is_taken_up_counts_once, 0, 2);
	pb_add(s, who_is_killed_here_and_there_says_nothing_of_the_store);
	pb_add(s, later_only_our_own_faults_count);
	pb_add(s, a_start_that_gets_through_clears_those_that_did_not);
	pb_add(s, a_record_that_is_left_out_is_passed_over);
	pb_add(s, nonsense_in_the_files_counts_nothing);
}
