/*
 * The command line of the real playbookd: what it says, where, and with which status it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "io/file.h"
#include "tests/unit/runner.h"

struct run {
	char dir[64];
	bool is_full; /* there is no room for standard output */
	int rc;
	struct pb_buf out, err;
};

static void
put(const struct run *r, const char *name, const char *text)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", r->dir, name);
	if (pb_file_write(path, 0600, pb_str_of(text), &err) < 0)
		ck_abort_msg("%s", err.text);
}

static void
begin(struct run *r)
{
	*r = (struct run){.dir = "/tmp/pb-main-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	put(r, "playbookd.yaml", "version: 1\nunmatched: {alarms: drop, events: drop}\n");
}

static void
end(struct run *r)
{
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("rm -rf -- '%s'", r->dir);
	ck_assert_int_eq(system(command), 0);
	pb_buf_fini(&r->out);
	pb_buf_fini(&r->err);
}

static _Noreturn void
become(const struct run *r, const char *program, const char *const *argv)
{
	char *copy[8] = {pb_strdup("playbookd")};
	for (int i = 0; i < 6 && argv[i] != NULL; i++)
		copy[i + 1] = pb_strdup(argv[i]);
	char *env[] = {NULL};
	if (chdir(r->dir) < 0)
		_exit(126);
	const char *out = r->is_full ? "/dev/full" : "out";
	(void)dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
	(void)dup2(open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	execve(program, copy, env);
	_exit(errno == ENOENT ? 127 : 126);
}

/* -1 when there is no such program here. */
static int
playbookd(struct run *r, const char *const *argv)
{
	const char *build = getenv("BUILD");
	PB_CLEANUP(pb_freep)
	char *path = pb_asprintf("%s/playbookd", build == NULL ? "build" : build);
	PB_CLEANUP(pb_freep) char *program = realpath(path, NULL);
	PB_CLEANUP(pb_freep) char *out = pb_asprintf("%s/out", r->dir);
	PB_CLEANUP(pb_freep) char *err = pb_asprintf("%s/err", r->dir);
	int status;
	if (program == NULL) {
		printf("SKIP command line of playbookd: %s is not built\n", path);
		return -1;
	}
	(void)fflush(NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(r, program, argv);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	r->rc = WEXITSTATUS(status);
	if (!r->is_full)
		ck_assert_int_eq(pb_file_read(out, 0, &r->out, NULL), 0);
	ck_assert_int_eq(pb_file_read(err, 0, &r->err, NULL), 0);
	return 0;
}

static const char *
text(const struct pb_buf *b)
{
	return b->ptr == NULL ? "" : b->ptr;
}

static struct {
	const char *name, *argv[6];
	int rc;
	const char *out, *err; /* parts; "" = nothing at all */
} const lines[] = {
    {"version", {"--version"}, 0, "playbookd " PB_VERSION "\n", ""},
    {"help", {"--help"}, 0, "usage: playbookd [--config DIR]", ""},
    {"unknown option", {"--loud"}, 2, "", "try: playbookd --help\n"},
    {"stray word", {"start"}, 2, "", "playbookd: unexpected argument: start\n"},
    {"unknown level", {"--log-level", "loud"}, 2, "",
	"--log-level is one of error, warning, notice, info, debug\n"},
    {"good", {"--check", "."}, 0,
	"ok: 0 playbooks, 0 sources, 0 channels, 0 escalations; configuration ", ""},
    {"good by --config", {"--config", ".", "--check"}, 0, "ok: 0 playbooks", ""},
    {"verbose", {"--check", "-v", "."}, 0, "ok: 0 playbooks", ""},
    {"none", {"--check", "/nonexistent"}, 1, "",
	"/nonexistent/playbookd.yaml: No such file or directory; make it, or name the folder with "
	"--config DIR\n"},
    {"no configuration to start with", {"--config", "/nonexistent"}, 78, "",
	"error the configuration in /nonexistent cannot be used; not starting\n"},
    {"none of before", {"--config", "/nonexistent", "--state", "state"}, 78, "",
	"error no configuration of before is in the store; not starting\n"},
    {"socket that cannot be", {"--config", ".", "--state", "state", "--socket", "/nonexistent/s"},
	78, "", "error API socket: /nonexistent"},
};

START_TEST(the_command_line_is_answered)
{
	struct run r;
	begin(&r);
	if (playbookd(&r, lines[_i].argv) == 0) {
		ck_assert_msg(
		    r.rc == lines[_i].rc, "%s: exit %d: %s", lines[_i].name, r.rc, text(&r.err));
		ck_assert_msg(strstr(text(&r.out), lines[_i].out) != NULL, "%s", text(&r.out));
		ck_assert_msg(strstr(text(&r.err), lines[_i].err) != NULL, "%s", text(&r.err));
		ck_assert(lines[_i].out[0] != '\0' || r.out.len == 0);
		ck_assert(lines[_i].err[0] != '\0' || r.err.len == 0);
	}
	end(&r);
}
END_TEST

static const char *const talks[][6] = {{"--version"}, {"--help"}, {"--check", "."}};

START_TEST(what_cannot_be_said_is_no_success)
{
	struct run r;
	begin(&r);
	r.is_full = true;
	if (playbookd(&r, talks[_i]) == 0) {
		ck_assert_int_eq(r.rc, 71);
		ck_assert_str_eq(
		    text(&r.err), "playbookd: standard output: No space left on device\n");
	}
	end(&r);
}
END_TEST

START_TEST(a_check_prints_all_problems_one_a_line)
{
	static const char *const argv[6] = {"--check", "."};
	struct run r;
	begin(&r);
	put(&r, "playbookd.yaml",
	    "version: 1\nunmatched: {alarms: drop, events: drop}\nsorces: []\n"
	    "contacts: [{name: ana, \"x\\e[31m\": 1}]\n");
	if (playbookd(&r, argv) == 0) {
		ck_assert_int_eq(r.rc, 1);
		ck_assert_uint_eq(r.out.len, 0);
		ck_assert_msg(
		    strncmp(r.err.ptr, "./playbookd.yaml:3:1: ", 22) == 0, "%s", r.err.ptr);
		ck_assert_msg(
		    strstr(r.err.ptr, "(did you mean \"sources\"?)\n./playbookd.yaml:4:") != NULL,
		    "%s", r.err.ptr);
		ck_assert_ptr_null(strchr(r.err.ptr, '\x1b'));
	}
	end(&r);
}
END_TEST

PB_SUITE(playbookd)
{
	pb_add_loop(s, the_command_line_is_answered, 0, PB_ARRAY_LEN(lines));
	pb_add_loop(s, what_cannot_be_said_is_no_success, 0, PB_ARRAY_LEN(talks));
	pb_add(s, a_check_prints_all_problems_one_a_line);
}
