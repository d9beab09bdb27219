/*
 * The rig's folder and processes.
 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define START_LIMIT (20 * PB_SECOND) /* of programs under sanitizers on a busy machine */
#define RUN_LIMIT (20 * PB_SECOND)
#define OUTPUT_MAX (4U << 20)
#define SHOWN_LINES 60

static const char step_script[] =
    "#!/bin/sh\n"
    "# The program that playbooks run; each run leaves a line.\n"
    "printf '%s %s %s %s\\n' \"$PLAYBOOKD_INCIDENT\" \"$PLAYBOOKD_STEP\" \"$PLAYBOOKD_ATTEMPT\" "
    "\"$*\""
    " >>'@DIR@/steps'\n"
    "case $1 in\n"
    "ok) ;;\n"
    "fail) echo 'the service does not answer on port 8080' >&2; exit 3 ;;\n"
    "fix) curl -sS -f -o /dev/null -d '{\"state\":\"OK\"}' '@URL@/_sandbox/alarms/'\"$2\"/state "
    ";;\n"
    "gate) exec timeout --foreground 60 head -n 1 '@DIR@/gate' ;;\n"
    "say) printf '%s\\n' \"$2\" ;;\n"
    "*) exit 64 ;;\n"
    "esac\n";

/* --- files */

static char *
path_of(const struct pb_rig *r, const char *name)
{
	return pb_asprintf("%s/%s", r->dir, name);
}

static void
add_replaced(struct pb_buf *out, const struct pb_rig *r, const char *text)
{
	while (*text != '\0') {
		if (strncmp(text, "@DIR@", 5) == 0) {
			pb_buf_adds(out, r->dir);
			text += 5;
		} else if (strncmp(text, "@URL@", 5) == 0) {
			pb_buf_adds(out, r->url);
			text += 5;
		} else {
			pb_buf_addc(out, *text++);
		}
	}
}

static int
write_file(const char *path, struct pb_str text, mode_t mode, struct pb_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return pb_fail_errno(err, errno, "%s", path);
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);
		if (n < 0) {
			(void)pb_fail_errno(err, errno, "%s", path);
			(void)close(fd);
			return -1;
		}
		text = (struct pb_str){text.ptr + n, text.len - (size_t)n};
	}
	(void)close(fd);
	return 0;
}

int
pb_rig_write(struct pb_rig *r, const char *name, const char *text, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *path = path_of(r, name);
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	add_replaced(&out, r, text);
	return write_file(path, pb_buf_str(&out), 0600, err);
}

int
pb_rig_configure(struct pb_rig *r, const char *yaml, struct pb_error *err)
{
	return pb_rig_write(r, "conf/playbookd.yaml", yaml, err);
}

char *
pb_rig_read(const struct pb_rig *r, const char *name)
{
	PB_CLEANUP(pb_freep) char *path = path_of(r, name);
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_CAPPED(OUTPUT_MAX);
	char block[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return pb_strdup("");
	while ((n = read(fd, block, sizeof(block))) > 0)
		if (pb_buf_add(&text, block, (size_t)n) < 0)
			break;
	(void)close(fd);
	return pb_buf_take(&text);
}

void
pb_rig_remove_tree(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	while (d != NULL && (entry = readdir(d)) != NULL) {
		struct stat st;
		if (pb_streq(entry->d_name, ".") || pb_streq(entry->d_name, ".."))
			continue;
		PB_CLEANUP(pb_freep) char *below = pb_asprintf("%s/%s", path, entry->d_name);
		if (lstat(below, &st) == 0 && S_ISDIR(st.st_mode))
			pb_rig_remove_tree(below);
		else
			(void)unlink(below);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

static int
make_folder(struct pb_rig *r, struct pb_error *err)
{
	const char *tmp = getenv("PB_RIG_TMP");
	if (tmp == NULL)
		tmp = getenv("TMPDIR");
	char *dir = pb_asprintf("%s/playbookd-rig.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL) {
		(void)pb_fail_errno(err, errno, "cannot make %s", dir);
		free(dir);
		return -1;
	}
	r->dir = dir;
	r->socket = path_of(r, "api");
	PB_CLEANUP(pb_freep) char *conf = path_of(r, "conf");
	PB_CLEANUP(pb_freep) char *more = path_of(r, "conf/playbooks.d");
	PB_CLEANUP(pb_freep) char *gate = path_of(r, "gate");
	if (strlen(r->socket) > 100)
		return pb_fail(err, PB_LIMIT, "%s: too long for a socket; set TMPDIR", r->dir);
	if (mkdir(conf, 0700) < 0 || mkdir(more, 0700) < 0 || mkfifo(gate, 0600) < 0)
		return pb_fail_errno(err, errno, "cannot fill %s", r->dir);
	return 0;
}

static int
find_build(struct pb_rig *r, struct pb_error *err)
{
	const char *build = getenv("BUILD");
	r->build = realpath(build == NULL ? "build" : build, NULL);
	if (r->build == NULL)
		return pb_fail_errno(err, errno, "folder of the programs (BUILD)");
	return 0;
}

int
pb_rig_open_gate(struct pb_rig *r, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *gate = path_of(r, "gate");
	int64_t until = pb_clock_mono() + RUN_LIMIT;
	int fd;
	/* ENXIO: nobody stands at the gate yet. */
	while ((fd = open(gate, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		if (errno != ENXIO || !pb_rig_again(until))
			return pb_fail_errno(err, errno, "%s", gate);
	ssize_t n = write(fd, "open\n", 5);
	(void)close(fd);
	return n == 5 ? 0 : pb_fail(err, PB_IO, "%s: cannot write", gate);
}

/* --- processes */

/* Only what is named: nothing of the caller's environment may change what the programs do. */
static void
add_environment(const struct pb_rig *r, char **env, size_t *n)
{
	env[(*n)++] =
	    pb_strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env[(*n)++] = pb_strdup("TZ=UTC");
	env[(*n)++] = pb_strdup("LANG=C.UTF-8");
	env[(*n)++] = pb_asprintf("HOME=%s", r->dir);
	env[(*n)++] = pb_asprintf("AWS_ENDPOINT_URL=%s", r->url == NULL ? "" : r->url);
	env[(*n)++] = pb_strdup("AWS_ACCESS_KEY_ID=AKIDSANDBOX");
	env[(*n)++] = pb_strdup("AWS_SECRET_ACCESS_KEY=sandbox-secret");
	static const char *const passed[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
	for (size_t i = 0; i < PB_ARRAY_LEN(passed); i++)
		if (getenv(passed[i]) != NULL)
			env[(*n)++] = pb_asprintf("%s=%s", passed[i], getenv(passed[i]));
}

static void
override(char **env, size_t *n, const char *entry)
{
	size_t len = (size_t)(strchr(entry, '=') - entry) + 1;
	for (size_t i = 0; i < *n; i++) {
		if (strncmp(env[i], entry, len) == 0) {
			free(env[i]);
			env[i] = pb_strdup(entry);
			return;
		}
	}
	env[(*n)++] = pb_strdup(entry);
}

void
pb_rig_setenv(struct pb_rig *r, const char *name, const char *value)
{
	pb_check(r->n_env < PB_RIG_ENV_MAX);
	r->env[r->n_env++] = pb_asprintf("%s=%s", name, value);
}

_Noreturn static void
become(const char *program, const char *const argv[], char *const env[], int out, pid_t parent)
{
	char *args[32] = {NULL};
	for (size_t i = 0; argv[i] != NULL && i + 1 < PB_ARRAY_LEN(args); i++)
		args[i] = pb_strdup(argv[i]);
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(127);
	(void)execve(program, args, env);
	(void)fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* `out` is where stdout and stderr go. */
static int
spawn(struct pb_rig *r, const char *const argv[], int out, pid_t *ret, struct pb_error *err)
{
	char *env[PB_RIG_ENV_MAX + 16] = {NULL};
	size_t n = 0;
	PB_CLEANUP(pb_freep) char *program = pb_asprintf("%s/%s", r->build, argv[0]);
	add_environment(r, env, &n);
	for (size_t i = 0; i < r->n_env; i++)
		override(env, &n, r->env[i]);
	(void)fflush(NULL);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		become(program, argv, env, out, parent);
	int errnum = errno;
	for (size_t i = 0; i < n; i++)
		free(env[i]);
	if (pid < 0)
		return pb_fail_errno(err, errnum, "cannot fork");
	*ret = pid;
	return 0;
}

static int
spawn_logged(
    struct pb_rig *r, const char *const argv[], const char *log, pid_t *ret, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *path = path_of(r, log);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return pb_fail_errno(err, errno, "%s", path);
	int rc = spawn(r, argv, fd, ret, err);
	(void)close(fd);
	return rc;
}

static int
status_of(int raw)
{
	return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

int64_t
pb_rig_now(void)
{
	return pb_clock_mono();
}

bool
pb_rig_again(int64_t until)
{
	if (pb_clock_mono() >= until)
		return false;
	(void)poll(NULL, 0, 20);
	return true;
}

/* Status as pb_rig_wait has it; *pid becomes 0 when it has ended. */
static int
reap(pid_t *pid, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	int raw;
	if (*pid <= 0)
		return -1;
	while (waitpid(*pid, &raw, WNOHANG) != *pid)
		if (!pb_rig_again(until))
			return -1;
	*pid = 0;
	return status_of(raw);
}

static void
kill_group(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(-*pid, SIGKILL);
	(void)kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

int
pb_rig_wait(struct pb_rig *r, int64_t limit_for)
{
	return reap(&r->daemon, limit_for);
}

bool
pb_rig_is_running(struct pb_rig *r)
{
	siginfo_t info = {0};
	/* WNOWAIT: how it ended is for pb_rig_wait. */
	return r->daemon > 0 &&
	    waitid(P_PID, (id_t)r->daemon, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == 0;
}

void
pb_rig_signal(struct pb_rig *r, int signal)
{
	pb_check(r->daemon > 0);
	(void)kill(r->daemon, signal);
}

/* The daemon alone, as a crash would have it: its children live on. */
void
pb_rig_kill(struct pb_rig *r)
{
	if (r->daemon <= 0)
		return;
	(void)kill(r->daemon, SIGKILL);
	while (waitpid(r->daemon, NULL, 0) < 0 && errno == EINTR)
		;
	r->daemon = 0;
}

int
pb_rig_launch(struct pb_rig *r, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *conf = path_of(r, "conf");
	pb_check(r->daemon == 0);
	r->n_starts++;
	return spawn_logged(r, (const char *const[]){"playbookd", "--config", conf, NULL},
	    "daemon.log", &r->daemon, err);
}

bool
pb_rig_ready(struct pb_rig *r, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	while (pb_rig_api(r, "GET", "/v1/status", NULL, NULL, NULL) != 200)
		if (!pb_rig_is_running(r) || !pb_rig_again(until))
			return false;
	return true;
}

int
pb_rig_start(struct pb_rig *r, struct pb_error *err)
{
	if (pb_rig_launch(r, err) < 0)
		return -1;
	if (!pb_rig_ready(r, START_LIMIT))
		return pb_fail(err, PB_TIMEOUT, "the daemon's API does not answer");
	return 0;
}

static void
collect(int fd, int64_t until, struct pb_buf *out)
{
	char block[65536];
	ssize_t n = 1;
	while (n > 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until - pb_clock_mono();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return;
		n = read(fd, block, sizeof(block));
		if (n > 0)
			pb_buf_add(out, block, (size_t)n);
	}
}

int
pb_rig_run(struct pb_rig *r, const char *const argv[], char **ret_output)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_CAPPED(OUTPUT_MAX);
	struct pb_error err;
	int64_t until = pb_clock_mono() + RUN_LIMIT;
	int fds[2], status = -1;
	pid_t pid = 0;
	*ret_output = NULL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	if (spawn(r, argv, fds[1], &pid, &err) < 0)
		pid = 0;
	(void)close(fds[1]);
	if (pid > 0) {
		collect(fds[0], until, &out);
		status = reap(&pid, PB_SECOND);
		kill_group(&pid);
	}
	(void)close(fds[0]);
	*ret_output = pb_buf_take(&out);
	return status;
}

/* --- the sandbox */

static int
start_sandbox(struct pb_rig *r, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *port_file = path_of(r, "port");
	const char *const argv[] = {"playbookd-sandbox", "--port-file", port_file, "-v", "--queue",
	    "work", "--topic", "pager=inbox", "--events", "events", NULL};
	int64_t port = 0, until = pb_clock_mono() + START_LIMIT;
	if (spawn_logged(r, argv, "sandbox.log", &r->sandbox, err) < 0)
		return -1;
	for (;;) {
		PB_CLEANUP(pb_freep) char *text = pb_rig_read(r, "port");
		if (pb_parse_i64(pb_str_trim(pb_str_of(text)), 1, 65535, &port, NULL) == 0)
			break;
		if (waitpid(r->sandbox, NULL, WNOHANG) != 0) {
			PB_CLEANUP(pb_freep) char *log = pb_rig_read(r, "sandbox.log");
			r->sandbox = 0;
			return pb_fail(err, PB_NOT_FOUND, "the sandbox ended at once: %s", log);
		}
		if (!pb_rig_again(until))
			return pb_fail(err, PB_TIMEOUT, "the sandbox does not start");
	}
	r->url = pb_asprintf("http://127.0.0.1:%d", (int)port);
	return 0;
}

int
pb_rig_init(struct pb_rig *r, struct pb_error *err)
{
	*r = (struct pb_rig){0};
	if (find_build(r, err) < 0 || make_folder(r, err) < 0 || start_sandbox(r, err) < 0 ||
	    pb_rig_write(r, "step", step_script, err) < 0)
		return -1;
	PB_CLEANUP(pb_freep) char *step = path_of(r, "step");
	if (chmod(step, 0700) < 0)
		return pb_fail_errno(err, errno, "%s", step);
	return 0;
}

/* Steps that wait there outlive a daemon that was killed: they read an end of file and end. */
static void
release_gate(const struct pb_rig *r)
{
	if (r->dir == NULL)
		return;
	PB_CLEANUP(pb_freep) char *gate = path_of(r, "gate");
	int fd = open(gate, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
}

void
pb_rig_fini(struct pb_rig *r)
{
	kill_group(&r->daemon);
	kill_group(&r->sandbox);
	release_gate(r);
	if (r->dir != NULL)
		pb_rig_remove_tree(r->dir);
	for (size_t i = 0; i < r->n_env; i++)
		free(r->env[i]);
	free(r->build);
	free(r->dir);
	free(r->url);
	free(r->socket);
	*r = (struct pb_rig){0};
}

static void
show_end(const struct pb_rig *r, const char *name)
{
	PB_CLEANUP(pb_freep) char *text = pb_rig_read(r, name);
	const char *from = text + strlen(text);
	for (int lines = 0; from > text; from--)
		if (from[-1] == '\n' && lines++ == SHOWN_LINES)
			break;
	(void)printf("--- end of %s\n%s---\n", name, from);
}

void
pb_rig_show(const struct pb_rig *r)
{
	if (r->dir == NULL)
		return;
	show_end(r, "sandbox.log");
	show_end(r, "steps");
	show_end(r, "daemon.log");
	(void)fflush(stdout);
}
