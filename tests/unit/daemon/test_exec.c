/*
 * Commands by way of playbookd-exec: a socket whose every connection is served by a process of its
 * own, as the service manager does it, and the driver that asks there.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/exec_claim.h"
#include "daemon/exec_serve.h"
#include "io/file.h"
#include "tests/unit/daemon/world.h"

struct helper {
	struct world w;
	struct pb_actions *actions;
	char dir[64];
	char *socket, *catalogue, *claims;
	pid_t listener;
};

static void
listen_and_serve(const struct helper *h, int fd)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int conn = accept(fd, NULL, NULL);
		if (conn < 0)
			_exit(1);
		if (fork() == 0) {
			(void)signal(SIGCHLD, SIG_DFL);
			struct pb_exec_options o = {
			    .catalogue = h->catalogue, .claims = h->claims, .fd = conn};
			struct pb_error err;
			_exit(pb_exec_serve(&o, &err) == 0 ? 0 : 1);
		}
		(void)close(conn);
	}
}

static void
write_catalogue(struct helper *h, const char *text, mode_t mode)
{
	struct pb_error err;
	ck_assert_int_eq(pb_file_write(h->catalogue, mode, pb_str_of(text), &err), 0);
	ck_assert_int_eq(chmod(h->catalogue, mode), 0);
}

static void
start(struct helper *h)
{
	struct pb_actions_ops ops = world_actions_ops();
	memset(h, 0, sizeof(*h));
	world_open(&h->w);
	world_client(&h->w);
	h->actions = pb_actions_new(h->w.loop, h->w.client, &ops, &h->w);
	strcpy(h->dir, "/tmp/pb-exec-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(h->dir));
	h->socket = pb_asprintf("%s/sock", h->dir);
	h->catalogue = pb_asprintf("%s/commands.yaml", h->dir);
	h->claims = pb_asprintf("%s/claims", h->dir);
	ck_assert_int_eq(mkdir(h->claims, 0700), 0);
	write_catalogue(h,
	    "version: 1\n"
	    "commands:\n"
	    "  - {name: script, argv: [/bin/sh, -c, [{prefix: \"\"}]], timeout: 20s}\n"
	    "  - {name: short, argv: [/bin/sleep, [{prefix: \"\"}]], timeout: 1s}\n",
	    0600);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	strcpy(at.sun_path, h->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	h->listener = fork();
	if (h->listener == 0)
		listen_and_serve(h, fd);
	(void)close(fd);
}

static void
stop(struct helper *h)
{
	PB_CLEANUP(pb_freep) char *rm = pb_asprintf("rm -rf '%s'", h->dir);
	pb_actions_free(h->actions);
	world_close(&h->w);
	(void)kill(h->listener, SIGKILL);
	(void)waitpid(h->listener, NULL, 0);
	ck_assert_int_eq(system(rm), 0);
	free(h->socket);
	free(h->catalogue);
	free(h->claims);
}

static void
ask_since(struct helper *h, const char *id, int64_t since, int64_t limit_for, json_t *argv,
    bool may_begin)
{
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(id);
	PB_JSON json_t *spec = json_pack("{s:s, s:s, s:o, s:{s:i}, s:{s:s, s:s}, s:i, s:b}",
	    "driver", "exec", "helper", h->socket, "argv", argv, "stdin", "n", 7, "env",
	    "PLAYBOOKD_STEP", "restart", "LD_PRELOAD", "/tmp/evil.so", "capture", 4096, "may_begin",
	    (int)may_begin);
	ck_assert_ptr_nonnull(spec);
	if (since > 0)
		pb_json_set_i64(spec, "since", since);
	struct pb_action action = {.id = copy, .limit_for = limit_for, .spec = spec};
	pb_actions_start(h->actions, &action);
}

static void
ask(struct helper *h, const char *id, int64_t limit_for, json_t *argv, bool may_begin)
{
	ask_since(h, id, 0, limit_for, argv, may_begin);
}

static json_t *
shell(const char *script)
{
	return json_pack("[s, s, s]", "/bin/sh", "-c", script);
}

static const struct pb_outcome *
run_since(struct helper *h, const char *id, int64_t since, json_t *argv)
{
	size_t before = h->w.n_outcomes;
	ask_since(h, id, since, 10000, argv, true);
	world_until_outcomes(&h->w, before + 1);
	return h->w.outcomes[before];
}

static const struct pb_outcome *
run(struct helper *h, const char *id, json_t *argv)
{
	return run_since(h, id, 0, argv);
}

static const struct {
	const char *script, *error, *message, *output;
} runs[] = {
    {"echo '{\"a\": 1}'", "", "", "{\"a\":1}"},
    {"cat", "", "", "{\"n\":7}"},
    {"echo \"$PLAYBOOKD_STEP $LD_PRELOAD\"", "", "", "{\"text\":\"restart \"}"},
    {"echo no disk >&2; exit 3", "Exec.Exit.3", "no disk", "{\"text\":\"\"}"},
    {"kill -KILL $$", "Exec.Signal.KILL", "killed by signal 9", "{\"text\":\"\"}"},
};

START_TEST(a_command_of_the_catalogue_gives_its_outcome)
{
	struct helper h;
	start(&h);
	const struct pb_outcome *o = run(&h, "1/a/1", shell(runs[_i].script));
	PB_CLEANUP(pb_freep) char *text = pb_json_text(o->output);
	ck_assert_str_eq(o->error, runs[_i].error);
	ck_assert(!o->is_unknown);
	world_says(o->message, runs[_i].message);
	ck_assert_str_eq(text, runs[_i].output);
	stop(&h);
}
END_TEST

START_TEST(an_attempt_runs_once_however_often_it_is_asked_for)
{
	struct helper h;
	start(&h);
	PB_CLEANUP(pb_freep)
	char *script = pb_asprintf("echo x >>%s/ran; wc -l <%s/ran", h.dir, h.dir);
	for (int i = 0; i < 3; i++) {
		const struct pb_outcome *o = run(&h, "1/a/1", shell(script));
		ck_assert_str_eq(pb_json_str(o->output, "text"), "1");
	}
	/* The next attempt is another one. */
	ck_assert_str_eq(pb_json_str(run(&h, "1/a/2", shell(script))->output, "text"), "2");
	/* It is told also when the catalogue has changed since. */
	write_catalogue(&h, "version: 1\ncommands: [{name: a, argv: [/bin/true]}]\n", 0600);
	ck_assert_str_eq(pb_json_str(run(&h, "1/a/1", shell(script))->output, "text"), "1");
	stop(&h);
}
END_TEST

/* A store that was lost, or put back from a copy, gives ids that were given before. */
START_TEST(an_attempt_of_a_lost_store_is_not_taken_for_this_one)
{
	struct helper h;
	start(&h);
	PB_CLEANUP(pb_freep)
	char *script = pb_asprintf("echo x >>%s/ran; wc -l <%s/ran", h.dir, h.dir);
	static const char *const wanted[] = {"1", "2", "1", "2"};
	for (int i = 0; i < 4; i++) {
		const struct pb_outcome *o =
		    run_since(&h, "1/a/1", 1795926425388 + i % 2, shell(script));
		ck_assert_str_eq(pb_json_str(o->output, "text"), wanted[i]);
	}
	stop(&h);
}
END_TEST

/* Names of contacts, channels and windows have 100 letters each; a name of a file has 255. */
START_TEST(attempts_with_long_names_are_told_apart)
{
	struct helper h;
	start(&h);
	PB_CLEANUP(pb_freep)
	char *script = pb_asprintf("echo x >>%s/ran; wc -l <%s/ran", h.dir, h.dir);
	for (int i = 0; i < 4; i++) {
		PB_CLEANUP(pb_freep) char *id = pb_asprintf("1/page/%0500d/%d", 0, i % 2);
		const struct pb_outcome *o = run(&h, id, shell(script));
		ck_assert_str_eq(o->error, "");
		ck_assert_str_eq(pb_json_str(o->output, "text"), i % 2 == 0 ? "1" : "2");
	}
	stop(&h);
}
END_TEST

START_TEST(a_daemon_that_comes_back_finds_its_run)
{
	struct helper h;
	struct pb_actions_ops ops = world_actions_ops();
	start(&h);
	PB_CLEANUP(pb_freep)
	char *script =
	    pb_asprintf("echo x >>%s/ran; while [ ! -e %s/go ]; do sleep 0.05; done; wc -l <%s/ran",
		h.dir, h.dir, h.dir);
	PB_CLEANUP(pb_freep) char *ran = pb_asprintf("%s/ran", h.dir);
	PB_CLEANUP(pb_freep) char *go = pb_asprintf("%s/go", h.dir);
	ask(&h, "1/a/1", 10000, shell(script), true);
	while (access(ran, F_OK) != 0)
		pb_loop_turn(h.w.loop);
	pb_actions_free(h.actions); /* the daemon dies */
	h.actions = pb_actions_new(h.w.loop, h.w.client, &ops, &h.w);
	ask(&h, "1/a/1", 10000, shell(script), false);
	ck_assert_int_eq(pb_file_write(go, 0600, PB_STR("x"), NULL), 0);
	world_until_outcomes(&h.w, 1);
	ck_assert_str_eq(pb_json_str(h.w.outcomes[0]->output, "text"), "1");
	stop(&h);
}
END_TEST

START_TEST(what_was_never_begun_is_told_as_such)
{
	struct helper h;
	start(&h);
	ask(&h, "1/a/1", 10000, shell("true"), false);
	world_until_outcomes(&h.w, 1);
	ck_assert_str_eq(h.w.outcomes[0]->error, "Exec.Refused");
	ck_assert(!h.w.outcomes[0]->is_unknown);
	ck_assert_str_eq(h.w.outcomes[0]->message, "it was never begun, and may not begin now");
	stop(&h);
}
END_TEST

START_TEST(a_run_that_was_cut_off_is_unknown)
{
	struct helper h;
	struct pb_claim c;
	struct pb_error err;
	start(&h);
	ck_assert_int_eq(pb_claim_take(h.claims, "1/a/1", &c, &err), 0);
	pb_claim_fini(&c); /* as if its helper had been killed */
	const struct pb_outcome *o = run(&h, "1/a/1", shell("true"));
	ck_assert_str_eq(o->error, "Exec.Unknown");
	ck_assert(o->is_unknown);
	ck_assert_str_eq(o->message, "it was cut off, and left no result");
	stop(&h);
}
END_TEST

START_TEST(a_cancel_reaches_the_run_also_from_another_daemon)
{
	struct helper h;
	struct pb_actions_ops ops = world_actions_ops();
	start(&h);
	PB_CLEANUP(pb_freep) char *script = pb_asprintf("echo x >%s/ran; sleep 15", h.dir);
	PB_CLEANUP(pb_freep) char *ran = pb_asprintf("%s/ran", h.dir);
	ask(&h, "1/a/1", 10000, shell(script), true);
	while (access(ran, F_OK) != 0)
		pb_loop_turn(h.w.loop);
	if (_i == 1) {
		pb_actions_free(h.actions);
		h.actions = pb_actions_new(h.w.loop, h.w.client, &ops, &h.w);
		ask(&h, "1/a/1", 10000, shell(script), true);
	}
	pb_actions_cancel(h.actions, "1/a/1");
	world_until_outcomes(&h.w, 1);
	ck_assert_str_eq(h.w.outcomes[0]->error, "Cancelled");
	ck_assert_int_eq(h.w.outcomes[0]->status, PB_OUTCOME_CANCELLED);
	stop(&h);
}
END_TEST

START_TEST(the_shorter_limit_counts)
{
	struct helper h;
	start(&h);
	ask(&h, "1/a/1", 300, json_pack("[s, s]", "/bin/sleep", "15"), true);
	ask(&h, "1/a/2", 10000, json_pack("[s, s]", "/bin/sleep", "15"), true);
	world_until_outcomes(&h.w, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(h.w.outcomes[i]->status, PB_OUTCOME_TIMEOUT);
		ck_assert_str_eq(h.w.outcomes[i]->error, "States.Timeout");
		/* Who looks for it in the playbook would not find the catalogue's. */
		bool is_catalogues = pb_streq(h.w.outcomes[i]->action_id, "1/a/2");
		ck_assert_int_eq(strstr(h.w.outcomes[i]->message,
				     "; the limit is that of short in the catalogue") != NULL,
		    is_catalogues);
	}
	stop(&h);
}
END_TEST

START_TEST(what_the_catalogue_does_not_list_is_refused)
{
	struct helper h;
	start(&h);
	const struct pb_outcome *o = run(&h, "1/a/1", json_pack("[s, s]", "/bin/rm", "-rf"));
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("no command of %s fits: /bin/rm -rf", h.catalogue);
	ck_assert_str_eq(o->error, "Exec.Refused");
	ck_assert(!o->is_unknown);
	ck_assert_str_eq(o->message, text);
	stop(&h);
}
END_TEST

static const struct {
	const char *name, *text;
	mode_t mode;
	const char *says;
} catalogues[] = {
    {"writable by others", "version: 1\ncommands: [{name: a, argv: [/bin/sh]}]\n", 0666,
	"must belong to root and be writable by nobody else: chown root, chmod 644"},
    {"no catalogue", "version: 1\n", 0644, ":1:1: the file needs the key commands"},
    {"no such user",
	"version: 1\ncommands: [{name: a, argv: [/bin/sh, -c, \"true\"], user: nosuch}]\n", 0644,
	"the host has no user nosuch"},
};

START_TEST(a_catalogue_that_cannot_be_trusted_runs_nothing)
{
	struct helper h;
	start(&h);
	write_catalogue(&h, catalogues[_i].text, catalogues[_i].mode);
	const struct pb_outcome *o = run(&h, "1/a/1", shell("true"));
	ck_assert_str_eq(o->error, "Exec.Refused");
	world_says(o->message, catalogues[_i].says);
	stop(&h);
}
END_TEST

START_TEST(without_a_helper_nothing_was_begun)
{
	struct helper h;
	start(&h);
	(void)unlink(h.socket);
	const struct pb_outcome *o = run(&h, "1/a/1", shell("true"));
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "%s: No such file or directory; is playbookd-exec.socket started?", h.socket);
	ck_assert_str_eq(o->error, "Exec.NoHelper");
	ck_assert(!o->is_unknown);
	ck_assert_str_eq(o->message, text);
	stop(&h);
}
END_TEST

PB_SUITE(exec)
{
	pb_add_loop(s, a_command_of_the_catalogue_gives_its_outcome, 0, (int)PB_ARRAY_LEN(runs));
	pb_add(s, an_attempt_runs_once_however_often_it_is_asked_for);
	pb_add(s, an_attempt_of_a_lost_store_is_not_taken_for_this_one);
	pb_add(s, attempts_with_long_names_are_told_apart);
	pb_add(s, a_daemon_that_comes_back_finds_its_run);
	pb_add(s, what_was_never_begun_is_told_as_such);
	pb_add(s, a_run_that_was_cut_off_is_unknown);
	pb_add_loop(s, a_cancel_reaches_the_run_also_from_another_daemon, 0, 2);
	pb_add(s, the_shorter_limit_counts);
	pb_add(s, what_the_catalogue_does_not_list_is_refused);
	pb_add_loop(
	    s, a_catalogue_that_cannot_be_trusted_runs_nothing, 0, (int)PB_ARRAY_LEN(catalogues));
	pb_add(s, without_a_helper_nothing_was_begun);
}
