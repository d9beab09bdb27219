/*
 * playbookd-exec: read, look up, claim, become the user, run, keep the result, answer.
 */
#include "daemon/exec_serve.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "daemon/exec_claim.h"
#include "io/child.h"
#include "io/file.h"
#include "playbook/catalogue.h"

struct serving {
	const struct pb_exec_options *options;
	json_t *request;
	const char **argv;
	size_t n_argv;
	struct pb_catalogue *catalogue;
	const struct pb_command *command;
	struct pb_claim claim;
	struct pb_loop *loop;
	struct pb_child *child;
	struct pb_loop_signal *term;
	struct pb_loop_watch *connection, *owner;
	bool is_cancelled; /* before the program was started */
	bool is_shortened; /* the catalogue's limit is below the step's */
	struct pb_buf lines; /* what came behind the request */
	json_t *answer;
};

static json_t *
refusal(const char *end, const char *text)
{
	return json_pack("{s:s, s:i, s:s}", "end", end, "code", 0, "text", text);
}

/* --- the request */

static int
read_line(int fd, struct pb_buf *line, struct pb_buf *rest, struct pb_error *err)
{
	int64_t until = pb_clock_mono() + PB_EXEC_REQUEST_FOR;
	char chunk[16384];
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until - pb_clock_mono();
		int ready = left <= 0 ? 0 : poll(&p, 1, (int)left);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return pb_fail(err, PB_TIMEOUT, "no request came");
		ssize_t n = ready < 0 ? -1 : read(fd, chunk, sizeof(chunk));
		if (n < 0)
			return pb_fail_errno(err, errno, "the connection");
		if (n == 0)
			return pb_fail(err, PB_IO, "the connection was closed without a request");
		const char *end = memchr(chunk, '\n', (size_t)n);
		size_t len = end == NULL ? (size_t)n : (size_t)(end - chunk);
		if (pb_buf_add(line, chunk, len) < 0)
			return pb_fail(err, PB_LIMIT, "the request is longer than %u bytes",
			    PB_EXEC_REQUEST_MAX);
		if (end == NULL)
			continue;
		if (pb_buf_add(rest, end + 1, (size_t)n - len - 1) < 0)
			return pb_fail(err, PB_LIMIT, "too much came behind the request");
		return 0;
	}
}

static int
take_argv(struct serving *s, struct pb_error *err)
{
	const json_t *list = json_object_get(s->request, "argv");
	s->n_argv = json_array_size(list);
	if (s->n_argv == 0 || s->n_argv > PB_CATALOGUE_ARGS_MAX)
		return pb_fail(
		    err, PB_INVALID, "argv must be a list of 1 to %d texts", PB_CATALOGUE_ARGS_MAX);
	s->argv = pb_calloc(s->n_argv + 1, sizeof(*s->argv));
	for (size_t i = 0; i < s->n_argv; i++) {
		const json_t *item = json_array_get(list, i);
		s->argv[i] = json_string_value(item);
		if (s->argv[i] == NULL || strlen(s->argv[i]) != json_string_length(item))
			return pb_fail(err, PB_INVALID, "argv[%zu] must be a text without NUL", i);
	}
	return 0;
}

/* --- the catalogue */

/* Who can write it can run anything. */
static int
check_owner(const char *path, struct pb_error *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return pb_fail_errno(err, errno, "%s", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return pb_fail(err, PB_DENIED,
		    "%s must belong to root and be writable by nobody else: chown root, chmod 644",
		    path);
	return 0;
}

static int
load_catalogue(
    const char *path, struct pb_catalogue **ret, struct pb_problems *problems, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	if (check_owner(path, err) < 0 || pb_file_read(path, 0, &text, err) < 0)
		return -1;
	struct pb_config_file file = {
	    .name = (char *)(uintptr_t)path, .text = text.ptr, .len = text.len};
	if (pb_catalogue_parse(&file, ret, problems) < 0)
		return pb_fail(err, PB_INVALID, "%s", problems->texts[0]);
	return 0;
}

int
pb_exec_check(const char *catalogue, FILE *out)
{
	PB_CLEANUP(pb_catalogue_freep) struct pb_catalogue *c = NULL;
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	struct pb_error err;
	if (load_catalogue(catalogue, &c, &problems, &err) == 0)
		return 0;
	for (size_t i = 0; i < problems.n; i++)
		fprintf(out, "%s\n", problems.texts[i]);
	if (problems.n == 0)
		fprintf(out, "%s\n", err.text);
	return -1;
}

static int
load(struct serving *s, struct pb_error *err)
{
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	return load_catalogue(s->options->catalogue, &s->catalogue, &problems, err);
}

static int
find_command(struct serving *s, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf shown = PB_BUF_INIT;
	s->command = pb_catalogue_find(s->catalogue, s->argv, s->n_argv);
	if (s->command != NULL)
		return 0;
	for (size_t i = 0; i < s->n_argv; i++) {
		pb_buf_adds(&shown, i == 0 ? "" : " ");
		pb_buf_add_safe(&shown, pb_str_of(s->argv[i]), 100, false);
	}
	return pb_fail(err, PB_DENIED, "no command of %s fits: %.300s", s->options->catalogue,
	    pb_buf_str(&shown).ptr);
}

/* --- the user */

/* Everything that needs our own rights is done before. */
static int
become(const char *name, struct pb_error *err)
{
	if (name == NULL)
		return 0;
	const struct passwd *pw = getpwnam(name);
	if (pw == NULL)
		return pb_fail(err, PB_NOT_FOUND, "the host has no user %s", name);
	if (pw->pw_uid == geteuid())
		return 0;
	if (initgroups(name, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return pb_fail_errno(err, errno, "cannot become user %s", name);
	return 0;
}

/* Names of the daemon's own only: LD_PRELOAD and its like would make a catalogue worth nothing. */
static char **
environment(const json_t *env)
{
	const struct passwd *pw = getpwuid(geteuid());
	char **list = pb_calloc(json_object_size(env) + 5, sizeof(*list));
	size_t n = 0;
	const char *name;
	json_t *value;
	list[n++] = pb_strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	list[n++] = pb_strdup("LANG=C.UTF-8");
	list[n++] = pb_asprintf("HOME=%s", pw == NULL ? "/" : pw->pw_dir);
	if (pw != NULL)
		list[n++] = pb_asprintf("USER=%s", pw->pw_name);
	json_object_foreach ((json_t *)(uintptr_t)env, name, value)
		if (strncmp(name, "PLAYBOOKD_", 10) == 0 && json_is_string(value))
			list[n++] = pb_asprintf("%s=%s", name, json_string_value(value));
	return list;
}

/* --- running */

static void
set_base64(json_t *j, const char *key, struct pb_str bytes)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_base64_add(&b, bytes.ptr, bytes.len);
	pb_json_set_str(j, key, b.len == 0 ? "" : b.ptr);
}

static json_t *
result_json(const struct pb_child_result *r)
{
	json_t *j = json_object();
	pb_json_set_str(j, "end", pb_child_end_name(r->end));
	pb_json_set_i64(j, "code", r->code);
	pb_json_set_str(j, "text", r->text);
	set_base64(j, "out", r->out);
	set_base64(j, "err", r->err);
	json_object_set_new(j, "out_is_cut", json_boolean(r->out_is_cut));
	pb_json_set_i64(j, "took", r->took);
	return j;
}

static void
on_child(const struct pb_child_result *r, void *arg)
{
	struct serving *s = arg;
	s->child = NULL;
	s->answer = result_json(r);
	if (r->end == PB_CHILD_TIMED_OUT && s->is_shortened) {
		PB_CLEANUP(pb_freep)
		char *text = pb_asprintf(
		    "%s; the limit is that of %s in the catalogue", r->text, s->command->name);
		pb_json_set_str(s->answer, "text", text);
	}
	pb_loop_stop(s->loop);
}

static void
cancel(struct serving *s)
{
	if (s->child != NULL)
		pb_child_cancel(s->child);
	else if (!s->claim.is_ours && s->claim.owner > 1 && pb_claim_is_held(&s->claim))
		(void)kill(s->claim.owner, SIGTERM);
	else
		s->is_cancelled = true;
}

static void
take_lines(struct serving *s)
{
	const char *end;
	while (s->lines.len > 0 && (end = memchr(s->lines.ptr, '\n', s->lines.len)) != NULL) {
		size_t len = (size_t)(end - s->lines.ptr);
		PB_JSON json_t *j = NULL;
		if (pb_json_parse((struct pb_str){s->lines.ptr, len}, &j, NULL) == 0 &&
		    json_is_true(json_object_get(j, "cancel")))
			cancel(s);
		memmove(s->lines.ptr, end + 1, s->lines.len - len - 1);
		s->lines.len -= len + 1;
	}
}

/* The daemon may go away and come again: that cancels nothing. */
static void
on_connection(int fd, unsigned what, void *arg)
{
	struct serving *s = arg;
	char chunk[256];
	(void)what;
	ssize_t n = read(fd, chunk, sizeof(chunk));
	if (n <= 0 || pb_buf_add(&s->lines, chunk, (size_t)n) < 0) {
		pb_loop_watch_free(PB_TAKE(s->connection));
		return;
	}
	take_lines(s);
}

/* The service manager ends us, or another helper hands on a cancel. */
static void
on_term(int signo, void *arg)
{
	(void)signo;
	cancel(arg);
}

static void
on_owner_gone(int fd, unsigned what, void *arg)
{
	struct serving *s = arg;
	(void)fd, (void)what;
	pb_loop_stop(s->loop);
}

static int
loop_until_answered(struct serving *s, struct pb_error *err)
{
	/* Without it a cancel is not heard; the limit still holds. */
	(void)pb_loop_watch_new(
	    s->loop, s->options->fd, PB_LOOP_READ, on_connection, s, &s->connection, NULL);
	take_lines(s);
	int rc = pb_loop_run(s->loop, err);
	pb_loop_watch_free(PB_TAKE(s->connection));
	return rc;
}

static int
run(struct serving *s, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf in = PB_BUF_INIT;
	const json_t *input = json_object_get(s->request, "stdin");
	int64_t limit = pb_json_i64(s->request, "limit", 0);
	int64_t capture = pb_json_i64(s->request, "capture", 0);
	if (input != NULL) {
		PB_CLEANUP(pb_freep) char *text = pb_json_text(input);
		pb_buf_adds(&in, text);
		pb_buf_addc(&in, '\n');
	}
	s->is_shortened = limit <= 0 || limit > s->command->timeout_for;
	if (become(s->command->user, err) < 0)
		return -1;
	pb_loop_turn(s->loop);
	if (s->is_cancelled)
		return pb_fail(err, PB_IO, "cancelled before it began");
	char **env = environment(json_object_get(s->request, "env"));
	struct pb_child_request req = {
	    .argv = s->argv,
	    .env = (const char *const *)env,
	    .input = pb_buf_str(&in),
	    .limit_for = s->is_shortened ? s->command->timeout_for : limit,
	    .max_output =
		capture > 0 && capture <= (int64_t)PB_CHILD_OUTPUT_MAX ? (size_t)capture : 0,
	};
	s->child = pb_child_start(s->loop, &req, on_child, s);
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	free(env);
	int rc = loop_until_answered(s, err);
	pb_child_kill(s->child);
	return rc;
}

/* What cannot be kept is told all the same; whoever asks again then hears that nobody knows. */
static void
run_and_keep(struct serving *s)
{
	struct pb_error err;
	if (run(s, &err) < 0 || s->answer == NULL)
		s->answer = refusal("refused", err.text);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(s->answer);
	if (pb_claim_end(&s->claim, pb_str_of(text), &err) < 0)
		pb_json_set_str(s->answer, "not_kept", err.text);
}

/* --- an attempt that was begun before */

static void
wait_for_owner(struct serving *s)
{
	struct pb_error err;
	int fd = s->claim.owner > 1 ? (int)syscall(SYS_pidfd_open, s->claim.owner, 0) : -1;
	/* Only while it is held is the number that process's. */
	if (fd >= 0 && pb_claim_is_held(&s->claim) &&
	    pb_loop_watch_new(s->loop, fd, PB_LOOP_READ, on_owner_gone, s, &s->owner, &err) == 0) {
		(void)loop_until_answered(s, &err);
		pb_loop_watch_free(PB_TAKE(s->owner));
	}
	if (fd >= 0)
		(void)close(fd);
}

static void
tell_again(struct serving *s)
{
	struct pb_error err;
	PB_CLEANUP(pb_buf_fini) struct pb_buf kept = PB_BUF_INIT;
	wait_for_owner(s);
	if (pb_claim_is_held(&s->claim))
		s->answer = refusal("unknown", "it was begun before and goes on");
	else if (pb_claim_result(&s->claim, &kept, &err) < 0 ||
	    pb_json_parse(pb_buf_str(&kept), &s->answer, &err) < 0)
		s->answer = refusal("unknown", err.text);
	else
		json_object_set_new(s->answer, "again", json_true());
}

/* --- serving */

static int
prepare(struct serving *s, struct pb_error *err)
{
	const char *id = pb_json_str(s->request, "id");
	if (id == NULL)
		return pb_fail(err, PB_INVALID, "the request has no id");
	/* What was begun is told, also when the catalogue has changed since. */
	if (pb_claim_find(s->options->claims, id, &s->claim, err) == 0)
		return 0;
	if (err->kind != PB_NOT_FOUND)
		return -1;
	if (!pb_json_bool(s->request, "may_begin", true))
		return pb_fail(err, PB_NOT_FOUND, "it was never begun, and may not begin now");
	if (take_argv(s, err) < 0 || load(s, err) < 0 || find_command(s, err) < 0)
		return -1;
	return pb_claim_take(s->options->claims, id, &s->claim, err);
}

/* Before the claim, which tells others whom to signal. */
static int
open_loop(struct serving *s, struct pb_error *err)
{
	return pb_loop_new(&s->loop, err) < 0
	    ? -1
	    : pb_loop_signal_new(s->loop, SIGTERM, on_term, s, &s->term, err);
}

static void
serve(struct serving *s, struct pb_str line)
{
	struct pb_error err;
	if (pb_json_parse(line, &s->request, &err) < 0 || !json_is_object(s->request)) {
		s->answer = refusal("refused", "the request is no JSON object");
	} else if (open_loop(s, &err) < 0 || prepare(s, &err) < 0) {
		s->answer = refusal("refused", err.text);
	} else if (s->claim.is_ours) {
		run_and_keep(s);
	} else {
		tell_again(s);
	}
}

static int
answer(const struct serving *s, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *text = pb_json_text(s->answer);
	PB_CLEANUP(pb_freep) char *line = pb_asprintf("%s\n", text);
	for (size_t done = 0, len = strlen(line); done < len;) {
		ssize_t n = write(s->options->fd, line + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pb_fail_errno(err, errno, "the answer");
		done += (size_t)n;
	}
	return 0;
}

static void
serving_fini(struct serving *s)
{
	pb_buf_fini(&s->lines);
	pb_catalogue_free(s->catalogue);
	pb_claim_fini(&s->claim);
	pb_loop_signal_free(s->term);
	pb_loop_free(s->loop);
	json_decref(s->request);
	json_decref(s->answer);
	free(s->argv);
}

int
pb_exec_serve(const struct pb_exec_options *options, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf line = PB_BUF_CAPPED(PB_EXEC_REQUEST_MAX);
	PB_CLEANUP(serving_fini)
	struct serving s = {.options = options, .claim = {.fd = -1}, .lines = PB_BUF_CAPPED(4096)};
	(void)signal(SIGPIPE, SIG_IGN);
	if (read_line(options->fd, &line, &s.lines, err) < 0)
		return -1;
	serve(&s, pb_buf_str(&line));
	return answer(&s, err);
}
