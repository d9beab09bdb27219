/*
 * Programs as direct children.  The states are in child.h; `phase` here, moved only by enter().
 *
 * Order at the end matters: while the child is not yet waited for, its process id, and with it the
 * id of its group, belongs to nobody else, so the group is killed before the child is reaped.
 */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/capture.h"

#define CHILD_MAGIC 0x7062636dU
#define LOST_FOR INT64_C(5000)
#define KILL_WAIT_MS 1000
/* Read at most this much of what is left when the child has ended: others may still be writing. */
#define DRAIN_MAX (1U << 20)

enum phase {
	PHASE_RUNNING,
	PHASE_TERM,
	PHASE_KILL,
	PHASE_LOST,
	PHASE_ENDED,
	PHASE_MAX,
};

struct pipe_end { /* one of our ends of stdin, stdout, stderr */
	struct pb_child *child;
	int fd;
	struct pb_loop_watch *watch;
	struct pb_capture *capture; /* NULL for stdin */
};

struct pb_child {
	uint32_t magic;
	struct pb_loop *loop;
	pb_child_fn *fn;
	void *arg;
	enum phase phase;
	bool is_cancelled, is_overdue;
	pid_t pid;
	int pidfd;
	struct pb_loop_watch *pid_watch;
	struct pb_loop_timer *timer;
	int64_t grace_for;
	int64_t started_mono;
	struct pipe_end in, out, err;
	struct pb_capture out_kept, err_kept;
	char *input;
	size_t n_input, n_fed;
	char *program;
	struct pb_buf text;
	enum pb_child_end end;
	int code;
};

const char *
pb_child_end_name(enum pb_child_end end)
{
	static const char *const names[] = {
	    [PB_CHILD_EXITED] = "exited",
	    [PB_CHILD_SIGNALLED] = "signalled",
	    [PB_CHILD_TIMED_OUT] = "timed out",
	    [PB_CHILD_CANCELLED] = "cancelled",
	    [PB_CHILD_NOT_STARTED] = "not started",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_CHILD_END_MAX, "a name for each end");
	return names[end];
}

/* glibc has wrappers only since 2.36. */
static int
open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void
signal_pidfd(int pidfd, int signo)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static void
end_close(struct pipe_end *e)
{
	pb_loop_watch_free(e->watch);
	e->watch = NULL;
	close_fd(&e->fd);
}

static void
child_free(struct pb_child *c)
{
	end_close(&c->in);
	end_close(&c->out);
	end_close(&c->err);
	pb_loop_watch_free(c->pid_watch);
	pb_loop_timer_free(c->timer);
	close_fd(&c->pidfd);
	pb_capture_fini(&c->out_kept);
	pb_capture_fini(&c->err_kept);
	pb_buf_fini(&c->text);
	free(c->input);
	free(c->program);
	c->magic = 0;
	free(c);
}

static void
deliver(void *arg)
{
	struct pb_child *c = arg;
	PB_CHECK_OBJ(c, CHILD_MAGIC);
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT, err = PB_BUF_INIT;
	pb_capture_text(&c->out_kept, &out);
	pb_capture_text(&c->err_kept, &err);
	struct pb_child_result r = {
	    .end = c->end,
	    .code = c->code,
	    .out = pb_buf_str(&out),
	    .err = pb_buf_str(&err),
	    .n_out = c->out_kept.n_all,
	    .n_err = c->err_kept.n_all,
	    .out_is_cut = pb_capture_is_cut(&c->out_kept),
	    .err_is_cut = pb_capture_is_cut(&c->err_kept),
	    .took = pb_clock_mono() - c->started_mono,
	    .text = c->text.ptr,
	};
	pb_child_fn *fn = PB_TAKE(c->fn);
	void *fn_arg = c->arg;
	/* A lost one stays, to be reaped when the kernel lets go of it. */
	if (c->phase == PHASE_ENDED) {
		struct pb_buf text = c->text;
		c->text = (struct pb_buf)PB_BUF_INIT;
		child_free(c);
		fn(&r, fn_arg);
		pb_buf_fini(&text);
		return;
	}
	fn(&r, fn_arg);
}

/* --- signals and time */

/* To the whole group; to the child alone when it has left its group. */
static void
signal_all(const struct pb_child *c, int signo)
{
	int rc = kill(-c->pid, signo);
	if (rc < 0 || signo == SIGKILL)
		signal_pidfd(c->pidfd, signo);
}

static void
describe_end(struct pb_child *c, const siginfo_t *si)
{
	bool by_signal = si->si_code != CLD_EXITED;
	pb_buf_reset(&c->text);
	c->code = si->si_status;
	if (by_signal)
		(void)pb_buf_addf(
		    &c->text, "killed by signal %d (%s)", si->si_status, strsignal(si->si_status));
	else
		(void)pb_buf_addf(&c->text, "exit %d", si->si_status);
	c->end = by_signal ? PB_CHILD_SIGNALLED : PB_CHILD_EXITED;
	if (!c->is_cancelled && !c->is_overdue)
		return;
	c->end = c->is_cancelled ? PB_CHILD_CANCELLED : PB_CHILD_TIMED_OUT;
	if (by_signal)
		c->code = 128 + si->si_status;
	PB_CLEANUP(pb_freep) char *how = pb_buf_take(&c->text);
	(void)pb_buf_addf(&c->text, "%s after %lld ms: %s",
	    c->is_cancelled ? "cancelled" : "time limit reached",
	    (long long)(pb_clock_mono() - c->started_mono), how);
}

static void
describe_lost(struct pb_child *c)
{
	c->end = c->is_cancelled ? PB_CHILD_CANCELLED : PB_CHILD_TIMED_OUT;
	c->code = 128 + SIGKILL;
	(void)pb_buf_addf(&c->text, "%s; process %d did not end on SIGKILL",
	    c->is_cancelled ? "cancelled" : "time limit reached", (int)c->pid);
}

static void
enter(struct pb_child *c, enum phase phase)
{
	c->phase = phase;
	switch (phase) {
	case PHASE_RUNNING:
		break;
	case PHASE_TERM:
		signal_all(c, SIGTERM);
		pb_loop_timer_set(c->timer, c->grace_for);
		break;
	case PHASE_KILL:
		signal_all(c, SIGKILL);
		pb_loop_timer_set(c->timer, LOST_FOR);
		break;
	case PHASE_LOST:
		end_close(&c->in);
		end_close(&c->out);
		end_close(&c->err);
		describe_lost(c);
		pb_loop_post(c->loop, deliver, c);
		break;
	case PHASE_ENDED:
		pb_loop_timer_clear(c->timer);
		pb_loop_post(c->loop, deliver, c);
		break;
	case PHASE_MAX:
		pb_check(phase < PHASE_MAX);
	}
}

static void
on_time(void *arg)
{
	static const enum phase next[] = {
	    [PHASE_RUNNING] = PHASE_TERM,
	    [PHASE_TERM] = PHASE_KILL,
	    [PHASE_KILL] = PHASE_LOST,
	    [PHASE_LOST] = PHASE_LOST,
	    [PHASE_ENDED] = PHASE_ENDED,
	};
	_Static_assert(PB_ARRAY_LEN(next) == PHASE_MAX, "a next phase for each");
	struct pb_child *c = arg;
	PB_CHECK_OBJ(c, CHILD_MAGIC);
	if (c->phase == PHASE_RUNNING)
		c->is_overdue = true;
	enter(c, next[c->phase]);
}

/* --- the pipes */

/* Returns false when there is nothing more: the end of the stream, or nothing to read now. */
static bool
read_some(struct pipe_end *e, size_t *ret_n)
{
	char piece[16384];
	ssize_t n = read(e->fd, piece, sizeof(piece));
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		end_close(e);
		return false;
	}
	pb_capture_add(e->capture, piece, (size_t)n);
	*ret_n += (size_t)n;
	return true;
}

static void
on_output(int fd, unsigned what, void *arg)
{
	struct pipe_end *e = arg;
	size_t n = 0;
	(void)fd;
	(void)what;
	(void)read_some(e, &n);
}

static void
drain(struct pipe_end *e)
{
	size_t n = 0;
	while (e->fd >= 0 && n < DRAIN_MAX && read_some(e, &n))
		;
	end_close(e);
}

static void
on_input_wanted(int fd, unsigned what, void *arg)
{
	struct pipe_end *e = arg;
	struct pb_child *c = e->child;
	(void)what;
	ssize_t n = write(fd, c->input + c->n_fed, c->n_input - c->n_fed);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->n_fed += (size_t)n;
	/* An error is EPIPE: a child may end, or close its stdin, without having read it. */
	if (n < 0 || c->n_fed == c->n_input)
		end_close(e);
}

/* --- the end */

static void
on_pidfd(int fd, unsigned what, void *arg)
{
	struct pb_child *c = arg;
	siginfo_t si = {0};
	(void)what;
	PB_CHECK_OBJ(c, CHILD_MAGIC);
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0)
		return;
	end_close(&c->in);
	drain(&c->out);
	drain(&c->err);
	(void)kill(-c->pid, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG);
	pb_loop_watch_free(PB_TAKE(c->pid_watch));
	if (c->phase == PHASE_LOST) {
		/* Told already, or about to be: then it goes with that call. */
		c->phase = PHASE_ENDED;
		if (c->fn == NULL)
			child_free(c);
		return;
	}
	describe_end(c, &si);
	enter(c, PHASE_ENDED);
}

/* --- starting */

static const char *
path_of(const char *const *env)
{
	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, "PATH=", 5) == 0)
			return *env + 5;
	return PB_CHILD_PATH;
}

/* The file to run, to be freed; NULL with errno when no directory of the path has it. */
static char *
find_program(const char *name, const char *const *env)
{
	if (strchr(name, '/') != NULL)
		return pb_strdup(name);
	int errnum = ENOENT;
	for (const char *p = path_of(env); *p != '\0' && name[0] != '\0';) {
		size_t n = strcspn(p, ":");
		PB_CLEANUP(pb_freep) char *file = pb_asprintf("%.*s/%s", (int)n, p, name);
		if (n > 0 && access(file, X_OK) == 0)
			return PB_TAKE(file);
		if (n > 0 && errno == EACCES)
			errnum = EACCES;
		p += n + (p[n] == ':');
	}
	errno = errnum;
	return NULL;
}

/* A pipe whose ends are above 2, so that handing them to the child as 0, 1 and 2 cannot mix them
 * up. */
static int
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (fds[i] > 2)
			continue;
		int up = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (up < 0)
			return -1;
		close(fds[i]);
		fds[i] = up;
	}
	return 0;
}

/* What the child gets; negative descriptors are not open. */
struct stdio {
	int in[2], out[2], err[2];
};

static void
stdio_close(struct stdio *s)
{
	int *all[] = {&s->in[0], &s->in[1], &s->out[0], &s->out[1], &s->err[0], &s->err[1]};
	for (size_t i = 0; i < PB_ARRAY_LEN(all); i++)
		close_fd(all[i]);
}

static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	int rc = posix_spawnattr_setflags(attr, flags);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	return rc == 0 ? posix_spawnattr_setsigdefault(attr, &all) : rc;
}

static int
set_file_actions(posix_spawn_file_actions_t *fa, const struct stdio *s, const char *cwd)
{
	int rc = posix_spawn_file_actions_adddup2(fa, s->in[0], 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, s->out[1], 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, s->err[1], 2);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(fa, 3);
	return rc == 0 ? posix_spawn_file_actions_addchdir_np(fa, cwd) : rc;
}

/* posix_spawn takes these without const and changes nothing. */
static char *const *
unconst(const char *const *list)
{
	return (char *const *)(uintptr_t)list;
}

/* Returns 0 or an errno. */
static int
spawn(struct pb_child *c, const struct pb_child_request *req, const struct stdio *s)
{
	static const char *const no_env[] = {NULL};
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t fa;
	int rc = posix_spawnattr_init(&attr);
	if (rc != 0)
		return rc;
	rc = posix_spawn_file_actions_init(&fa);
	if (rc != 0) {
		posix_spawnattr_destroy(&attr);
		return rc;
	}
	rc = set_attributes(&attr);
	if (rc == 0)
		rc = set_file_actions(&fa, s, req->cwd == NULL ? "/" : req->cwd);
	if (rc == 0)
		rc = posix_spawn(&c->pid, c->program, &fa, &attr, unconst(req->argv),
		    unconst(req->env == NULL ? no_env : req->env));
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static int
watch_end(struct pipe_end *e, unsigned what, pb_loop_watch_fn *fn)
{
	if (fcntl(e->fd, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	return pb_loop_watch_new(e->child->loop, e->fd, what, fn, e, &e->watch, NULL);
}

static int
watch_all(struct pb_child *c)
{
	if (watch_end(&c->out, PB_LOOP_READ, on_output) < 0 ||
	    watch_end(&c->err, PB_LOOP_READ, on_output) < 0)
		return -1;
	if (c->n_input == 0)
		end_close(&c->in);
	else if (watch_end(&c->in, PB_LOOP_WRITE, on_input_wanted) < 0)
		return -1;
	c->pidfd = open_pidfd(c->pid);
	if (c->pidfd < 0)
		return -1;
	return pb_loop_watch_new(c->loop, c->pidfd, PB_LOOP_READ, on_pidfd, c, &c->pid_watch, NULL);
}

static int
fail_start(struct pb_child *c, const char *what, int errnum)
{
	c->end = PB_CHILD_NOT_STARTED;
	c->code = errnum;
	(void)pb_buf_adds(&c->text, "cannot start ");
	pb_buf_add_safe(&c->text, pb_str_of(what), 256, false);
	(void)pb_buf_addf(&c->text, ": %s", strerror(errnum));
	return -1;
}

static int
start(struct pb_child *c, const struct pb_child_request *req)
{
	PB_CLEANUP(stdio_close) struct stdio s = {{-1, -1}, {-1, -1}, {-1, -1}};
	const char *name = req->argv[0] == NULL ? "" : req->argv[0];
	c->program = find_program(name, req->env);
	if (c->program == NULL)
		return fail_start(c, name, errno);
	if (req->cwd != NULL && access(req->cwd, X_OK) < 0)
		return fail_start(c, req->cwd, errno);
	if (make_pipe(s.in) < 0 || make_pipe(s.out) < 0 || make_pipe(s.err) < 0)
		return fail_start(c, name, errno);
	int rc = spawn(c, req, &s);
	if (rc != 0) {
		c->pid = 0;
		return fail_start(c, c->program, rc);
	}
	c->in.fd = take_fd(&s.in[1]);
	c->out.fd = take_fd(&s.out[0]);
	c->err.fd = take_fd(&s.err[0]);
	if (watch_all(c) == 0)
		return 0;
	int errnum = errno;
	(void)kill(-c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	c->pid = 0;
	return fail_start(c, c->program, errnum);
}

struct pb_child *
pb_child_start(struct pb_loop *loop, const struct pb_child_request *req, pb_child_fn *fn, void *arg)
{
	struct pb_child *c = pb_calloc(1, sizeof(*c));
	size_t max = req->max_output == 0 ? PB_CHILD_OUTPUT_DEFAULT : req->max_output;
	if (max > PB_CHILD_OUTPUT_MAX)
		max = PB_CHILD_OUTPUT_MAX;
	c->magic = CHILD_MAGIC;
	c->loop = loop;
	c->fn = fn;
	c->arg = arg;
	c->pidfd = -1;
	c->grace_for = req->grace_for == 0 ? PB_CHILD_GRACE_DEFAULT : req->grace_for;
	c->started_mono = pb_clock_mono();
	c->timer = pb_loop_timer_new(loop, on_time, c);
	pb_capture_init(&c->out_kept, max);
	pb_capture_init(&c->err_kept, max);
	c->in = (struct pipe_end){.child = c, .fd = -1};
	c->out = (struct pipe_end){.child = c, .fd = -1, .capture = &c->out_kept};
	c->err = (struct pipe_end){.child = c, .fd = -1, .capture = &c->err_kept};
	c->n_input = req->input.len;
	if (c->n_input > 0) {
		c->input = pb_malloc(c->n_input);
		memcpy(c->input, req->input.ptr, c->n_input);
	}
	if (start(c, req) < 0)
		enter(c, PHASE_ENDED);
	else if (req->limit_for > 0)
		pb_loop_timer_set(c->timer, req->limit_for);
	return c;
}

void
pb_child_cancel(struct pb_child *c)
{
	PB_CHECK_OBJ(c, CHILD_MAGIC);
	if (c->phase != PHASE_RUNNING)
		return;
	c->is_cancelled = true;
	enter(c, PHASE_TERM);
}

void
pb_child_kill(struct pb_child *c)
{
	if (c == NULL)
		return;
	PB_CHECK_OBJ(c, CHILD_MAGIC);
	pb_loop_unpost(c->loop, deliver, c);
	if (c->pid > 0 && c->phase != PHASE_ENDED) {
		struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
		signal_all(c, SIGKILL);
		(void)poll(&p, 1, KILL_WAIT_MS);
		(void)waitpid(c->pid, NULL, WNOHANG);
	}
	child_free(c);
}

int
pb_child_pid(const struct pb_child *c)
{
	return c->pid;
}
