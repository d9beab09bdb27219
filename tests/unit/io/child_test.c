/*
 * Programs as children, well and badly behaved.
 */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/io/helper.h"

struct got {
	bool is_done;
	unsigned n_calls;
	enum pb_child_end end;
	int code;
	char out[200000], err[4096], text[512];
	size_t len_out;
	uint64_t n_out;
	bool out_is_cut;
	int64_t took;
};

static void
on_end(const struct pb_child_result *r, void *arg)
{
	struct got *g = arg;
	g->is_done = true;
	g->n_calls++;
	g->end = r->end;
	g->code = r->code;
	(void)snprintf(g->out, sizeof(g->out), "%.*s", PB_STR_ARG(r->out));
	(void)snprintf(g->err, sizeof(g->err), "%.*s", PB_STR_ARG(r->err));
	(void)snprintf(g->text, sizeof(g->text), "%s", r->text);
	g->len_out = r->out.len;
	g->n_out = r->n_out;
	g->out_is_cut = r->out_is_cut;
	g->took = r->took;
}

static struct got g;

static void
run(struct pb_child_request req)
{
	struct pb_loop *loop = io_loop();
	memset(&g, 0, sizeof(g));
	(void)pb_child_start(loop, &req, on_end, &g);
	ck_assert(!g.is_done);
	io_run_until(loop, &g.is_done);
	pb_loop_turn(loop);
	ck_assert_uint_eq(g.n_calls, 1);
	pb_loop_free(loop);
	/* Nobody is left to be waited for. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void
run_shell(const char *script, struct pb_child_request req)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	req.argv = argv;
	run(req);
}

START_TEST(output_code_and_text_come_back)
{
	run_shell("echo out; echo err >&2; exit 3", (struct pb_child_request){0});
	ck_assert_int_eq(g.end, PB_CHILD_EXITED);
	ck_assert_int_eq(g.code, 3);
	ck_assert_str_eq(g.out, "out\n");
	ck_assert_str_eq(g.err, "err\n");
	ck_assert_str_eq(g.text, "exit 3");
	ck_assert_uint_eq(g.n_out, 4);
	ck_assert(!g.out_is_cut);
}
END_TEST

START_TEST(a_signal_is_named)
{
	run_shell("kill -SEGV $$", (struct pb_child_request){.limit_for = 30000});
	ck_assert_int_eq(g.end, PB_CHILD_SIGNALLED);
	ck_assert_int_eq(g.code, SIGSEGV);
	ck_assert_ptr_nonnull(strstr(g.text, "signal 11"));
}
END_TEST

START_TEST(arguments_are_never_a_shell_line)
{
	const char *argv[] = {"printf", "%s|", "a b", "$(id)", "`id`", "", "*", NULL};
	run((struct pb_child_request){.argv = argv});
	ck_assert_str_eq(g.out, "a b|$(id)|`id`||*|");
}
END_TEST

START_TEST(the_environment_is_what_was_given)
{
	const char *env[] = {"A=1", "B=two words", NULL};
	const char *argv[] = {"/usr/bin/env", NULL};
	ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
	run((struct pb_child_request){.argv = argv, .env = env});
	ck_assert_str_eq(g.out, "A=1\nB=two words\n");
	run((struct pb_child_request){.argv = argv});
	ck_assert_str_eq(g.out, "");
}
END_TEST

START_TEST(a_program_is_found_in_the_path_given)
{
	char *dir = io_tmpfile("bin"), *file = io_tmpfile("bin/hello-there");
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	FILE *f = fopen(file, "w");
	ck_assert_int_gt(fputs("#!/bin/sh\necho found\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(file, 0700), 0);
	char *path = pb_asprintf("PATH=/nonexistent::%s", dir);
	const char *env[] = {path, NULL}, *argv[] = {"hello-there", NULL};
	run((struct pb_child_request){.argv = argv, .env = env});
	ck_assert_str_eq(g.out, "found\n");
	free(path);
	free(dir);
	free(file);
}
END_TEST

START_TEST(a_child_sees_three_descriptors_defaults_and_its_directory)
{
	char *path = io_tmpfile("kept-open");
	int fd =
	    open(path, O_RDWR | O_CREAT, 0600); /* without O_CLOEXEC, as a careless library would */
	ck_assert_int_ge(fd, 3);
	sigset_t all;
	sigfillset(&all);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	run_shell("ls /proc/self/fd | wc -l; pwd; grep -E 'Sig(Blk|Ign)' /proc/self/status",
	    (struct pb_child_request){0});
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	/* 0, 1, 2, and the directory that ls reads. */
	ck_assert_ptr_eq(strstr(g.out, "4\n/\n"), g.out);
	ck_assert_ptr_nonnull(strstr(g.out, "SigBlk:\t0000000000000000"));
	const char *ignored = strstr(g.out, "SigIgn:\t");
	ck_assert_ptr_nonnull(ignored);
	/* glibc keeps its own two signals, 32 and 33, ignored. */
	ck_assert_uint_eq(strtoull(ignored + 8, NULL, 16) & ~0x180000000ULL, 0);
	run_shell("pwd", (struct pb_child_request){.cwd = "/usr"});
	ck_assert_str_eq(g.out, "/usr\n");
	close(fd);
	free(path);
}
END_TEST

START_TEST(a_child_works_where_the_daemon_has_no_stdio)
{
	close(0);
	close(1);
	int err = dup(2);
	close(2);
	run_shell("cat; echo err >&2", (struct pb_child_request){.input = PB_STR("in")});
	dup2(err, 2);
	ck_assert_str_eq(g.out, "in");
	ck_assert_str_eq(g.err, "err\n");
}
END_TEST

START_TEST(stdin_is_fed_whole_and_closed)
{
	size_t n = 3000000;
	char *much = malloc(n);
	ck_assert_ptr_nonnull(much);
	memset(much, 'm', n);
	run_shell("wc -c", (struct pb_child_request){.input = {much, n}});
	ck_assert_int_eq(atoi(g.out), 3000000);
	run_shell("cat; echo end", (struct pb_child_request){0});
	ck_assert_str_eq(g.out, "end\n");
	free(much);
}
END_TEST

START_TEST(stdin_not_read_is_no_failure)
{
	char *much = calloc(1, 1000000);
	run_shell("exit 0", (struct pb_child_request){.input = {much, 1000000}});
	ck_assert_int_eq(g.end, PB_CHILD_EXITED);
	ck_assert_int_eq(g.code, 0);
	run_shell("exec <&-; echo on", (struct pb_child_request){.input = {much, 1000000}});
	ck_assert_str_eq(g.out, "on\n");
	free(much);
}
END_TEST

START_TEST(a_flood_is_kept_as_head_and_tail)
{
	run_shell(
	    "echo first; yes | head -c 5000000; echo; echo last", (struct pb_child_request){0});
	ck_assert_int_eq(g.end, PB_CHILD_EXITED);
	ck_assert_uint_eq(g.n_out, 6 + 5000000 + 1 + 5);
	ck_assert(g.out_is_cut);
	ck_assert_uint_lt(g.len_out, PB_CHILD_OUTPUT_DEFAULT + 64);
	ck_assert_ptr_eq(strstr(g.out, "first\n"), g.out);
	ck_assert_ptr_nonnull(strstr(g.out, "\n[... 4934476 bytes left out ...]\n"));
	ck_assert_str_eq(g.out + g.len_out - 5, "last\n");
}
END_TEST

START_TEST(an_endless_flood_ends_at_the_limit)
{
	run_shell("exec yes", (struct pb_child_request){.limit_for = 100});
	ck_assert_int_eq(g.end, PB_CHILD_TIMED_OUT);
	ck_assert_int_eq(g.code, 128 + SIGTERM);
	ck_assert_uint_gt(g.n_out, PB_CHILD_OUTPUT_DEFAULT);
}
END_TEST

START_TEST(the_limit_sends_term_which_a_child_may_use)
{
	run_shell("trap 'echo cleaned; exit 7' TERM; echo up; while :; do sleep 0.01; done",
	    (struct pb_child_request){.limit_for = 300});
	ck_assert_int_eq(g.end, PB_CHILD_TIMED_OUT);
	ck_assert_int_eq(g.code, 7);
	ck_assert_str_eq(g.out, "up\ncleaned\n");
	ck_assert_ptr_nonnull(strstr(g.text, "time limit"));
}
END_TEST

START_TEST(a_child_that_ignores_term_is_killed_after_the_grace)
{
	run_shell("trap '' TERM; while :; do sleep 1; done",
	    (struct pb_child_request){.limit_for = 100, .grace_for = 100});
	ck_assert_int_eq(g.end, PB_CHILD_TIMED_OUT);
	ck_assert_int_eq(g.code, 128 + SIGKILL);
	ck_assert_int_ge(g.took, 200);
	ck_assert_int_lt(g.took, 10000);
}
END_TEST

START_TEST(a_stopped_child_is_ended_too)
{
	run_shell("kill -STOP $$", (struct pb_child_request){.limit_for = 100, .grace_for = 100});
	ck_assert_int_eq(g.end, PB_CHILD_TIMED_OUT);
	ck_assert_int_eq(g.code, 128 + SIGKILL);
}
END_TEST

/* True once the process of this id is gone, or only waits to be reaped. */
static bool
is_gone(int pid)
{
	char path[64], line[512] = "";
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return true;
	const char *state = fgets(line, sizeof(line), f) == NULL ? NULL : strrchr(line, ')');
	(void)fclose(f);
	return state == NULL || strchr("ZX", state[2]) != NULL;
}

START_TEST(a_grandchild_that_holds_the_pipes_does_not_keep_us)
{
	run_shell("sleep 1000 & echo $!; exit 4", (struct pb_child_request){0});
	ck_assert_int_eq(g.end, PB_CHILD_EXITED);
	ck_assert_int_eq(g.code, 4);
	ck_assert_int_lt(g.took, 10000);
	int pid = atoi(g.out);
	ck_assert_int_gt(pid, 1);
	int64_t give_up = pb_clock_mono() + 20000;
	while (!is_gone(pid) && pb_clock_mono() < give_up)
		;
	ck_assert(is_gone(pid));
}
END_TEST

START_TEST(a_grandchild_that_floods_does_not_keep_us)
{
	run_shell("yes & exit 0", (struct pb_child_request){0});
	ck_assert_int_eq(g.end, PB_CHILD_EXITED);
	ck_assert_int_lt(g.took, 10000);
}
END_TEST

START_TEST(closing_the_outputs_is_not_the_end)
{
	run_shell("exec >&- 2>&-; sleep 0.05; exit 9", (struct pb_child_request){0});
	ck_assert_int_eq(g.code, 9);
	ck_assert_int_ge(g.took, 50);
}
END_TEST

static const struct {
	const char *what;
	const char *program;
	int errnum;
	const char *text;
} unstartable[] = {
    {"missing", "/nonexistent/program", ENOENT, "cannot start /nonexistent/program: No such file"},
    {"missing in the path", "no-such-program-anywhere", ENOENT,
	"cannot start no-such-program-anywhere: No such file or directory"},
    {"not executable", "/etc/passwd", EACCES, "cannot start /etc/passwd: Permission denied"},
    {"a directory", "/usr", EACCES, "Permission denied"},
    {"empty", "", ENOENT, "No such file"},
    {"control bytes in the name", "/x\033[2J", ENOENT, "/x\\x1b[2J: No such file"},
};

START_TEST(a_program_that_cannot_be_started_says_why)
{
	const char *argv[] = {unstartable[_i].program, NULL};
	run((struct pb_child_request){.argv = argv, .limit_for = 1000});
	ck_assert_int_eq(g.end, PB_CHILD_NOT_STARTED);
	ck_assert_int_eq(g.code, unstartable[_i].errnum);
	ck_assert_msg(strstr(g.text, unstartable[_i].text) != NULL, "%s", g.text);
}
END_TEST

START_TEST(a_file_that_is_no_program_and_a_missing_directory_say_so)
{
	char *file = io_tmpfile("noformat");
	FILE *f = fopen(file, "w");
	ck_assert_int_gt(fputs("neither script nor binary\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(file, 0700), 0);
	const char *argv[] = {file, NULL};
	run((struct pb_child_request){.argv = argv});
	ck_assert_int_eq(g.end, PB_CHILD_NOT_STARTED);
	ck_assert_int_eq(g.code, ENOEXEC);
	run_shell("true", (struct pb_child_request){.cwd = "/nonexistent/dir"});
	ck_assert_int_eq(g.end, PB_CHILD_NOT_STARTED);
	ck_assert_ptr_nonnull(strstr(g.text, "/nonexistent/dir: No such file"));
	free(file);
}
END_TEST

START_TEST(cancelling_ends_it_and_says_so)
{
	struct pb_loop *loop = io_loop();
	const char *argv[] = {"/bin/sleep", "1000", NULL};
	struct pb_child_request req = {.argv = argv};
	memset(&g, 0, sizeof(g));
	struct pb_child *c = pb_child_start(loop, &req, on_end, &g);
	ck_assert_int_gt(pb_child_pid(c), 1);
	pb_child_cancel(c);
	pb_child_cancel(c);
	io_run_until(loop, &g.is_done);
	ck_assert_int_eq(g.end, PB_CHILD_CANCELLED);
	ck_assert_int_eq(g.code, 128 + SIGTERM);
	pb_loop_free(loop);
}
END_TEST

START_TEST(killing_ends_it_and_calls_nobody)
{
	struct pb_loop *loop = io_loop();
	const char *argv[] = {"/bin/sh", "-c", "trap '' TERM; sleep 1000", NULL};
	struct pb_child_request req = {.argv = argv}, bad = {.argv = argv + 3};
	memset(&g, 0, sizeof(g));
	pb_child_kill(pb_child_start(loop, &req, on_end, &g));
	pb_child_kill(pb_child_start(loop, &bad, on_end, &g));
	pb_child_kill(NULL);
	pb_loop_turn(loop);
	ck_assert(!g.is_done);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	pb_loop_free(loop);
}
END_TEST

static bool
all_done(const bool *done, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!done[i])
			return false;
	return true;
}

static void
note_done(const struct pb_child_result *r, void *arg)
{
	ck_assert_int_eq(r->end, PB_CHILD_EXITED);
	*(bool *)arg = true;
}

static size_t
n_open_descriptors(void)
{
	size_t n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(many_at_once_all_end_and_leave_no_descriptor)
{
	struct pb_loop *loop = io_loop();
	bool done[50] = {false};
	const char *argv[] = {"/bin/sh", "-c", "cat; exit 1", NULL};
	struct pb_child_request req = {.argv = argv, .input = PB_STR("x"), .limit_for = 50000};
	size_t before = n_open_descriptors();
	for (size_t i = 0; i < PB_ARRAY_LEN(done); i++)
		(void)pb_child_start(loop, &req, note_done, &done[i]);
	while (!all_done(done, PB_ARRAY_LEN(done)))
		pb_loop_turn(loop);
	ck_assert_uint_eq(n_open_descriptors(), before);
	pb_loop_free(loop);
}
END_TEST

PB_SUITE(child)
{
	pb_add(s, output_code_and_text_come_back);
	pb_add(s, a_signal_is_named);
	pb_add(s, arguments_are_never_a_shell_line);
	pb_add(s, the_environment_is_what_was_given);
	pb_add(s, a_program_is_found_in_the_path_given);
	pb_add(s, a_child_sees_three_descriptors_defaults_and_its_directory);
	pb_add(s, a_child_works_where_the_daemon_has_no_stdio);
	pb_add(s, stdin_is_fed_whole_and_closed);
	pb_add(s, stdin_not_read_is_no_failure);
	pb_add(s, a_flood_is_kept_as_head_and_tail);
	pb_add(s, an_endless_flood_ends_at_the_limit);
	pb_add(s, the_limit_sends_term_which_a_child_may_use);
	pb_add(s, a_child_that_ignores_term_is_killed_after_the_grace);
	pb_add(s, a_stopped_child_is_ended_too);
	pb_add(s, a_grandchild_that_holds_the_pipes_does_not_keep_us);
	pb_add(s, a_grandchild_that_floods_does_not_keep_us);
	pb_add(s, closing_the_outputs_is_not_the_end);
	pb_add_loop(
	    s, a_program_that_cannot_be_started_says_why, 0, (int)PB_ARRAY_LEN(unstartable));
	pb_add(s, a_file_that_is_no_program_and_a_missing_directory_say_so);
	pb_add(s, cancelling_ends_it_and_says_so);
	pb_add(s, killing_ends_it_and_calls_nobody);
	pb_add(s, many_at_once_all_end_and_leave_no_descriptor);
}
