/*
 * See api_world.h.
 */
#include "api_world.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/ctl.h"

#define LIMIT (30 * PB_SECOND)

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "channels: [{name: local, type: exec, argv: [/bin/true]}]\n"
    "contacts: [{name: ana}, {name: bo}]\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "escalations:\n"
    "  - name: oncall\n"
    "    levels:\n"
    "      - {notify: [ana], via: [local]}\n"
    "      - {notify: [bo], via: [local], after: 5m}\n"
    "  - name: together\n"
    "    group_by: [playbook]\n"
    "    group_wait: 0s\n"
    "    levels: [{notify: [ana], via: [local]}]\n"
    "playbooks:\n"
    "  - name: fix\n"
    "    summary: Restart it\n"
    "    docs: https://wiki.example.com/fix\n"
    "    match: {detail: {alarmName: [{prefix: fix-}], state: {value: [ALARM]}}}\n"
    "    page_by: 10m\n"
    "    escalate: oncall\n"
    "    steps: [{name: restart, action: exec, argv: [/bin/true], timeout: 30s}]\n"
    "  - name: plan\n"
    "    match: {detail: {alarmName: [{prefix: plan-}], state: {value: [ALARM]}}}\n"
    "    page_by: 10m\n"
    "    escalate: oncall\n"
    "    guards: {mode: propose}\n"
    "    steps: [{name: restart, action: exec, argv: [/bin/true], timeout: 30s}]\n"
    "  - name: tell\n"
    "    match: {detail: {alarmName: [{prefix: tell-}], state: {value: [ALARM]}}}\n"
    "    escalate: oncall\n"
    "  - name: team\n"
    "    match: {detail: {alarmName: [{prefix: team-}], state: {value: [ALARM]}}}\n"
    "    reopen_within: 0s\n"
    "    escalate: together\n";

struct pb_config *
api_config_make(void)
{
	char name[] = "playbookd.yaml";
	PB_CLEANUP(pb_freep) char *text = pb_strdup(config_text);
	const struct pb_config_file file = {.name = name, .text = text, .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	if (rc < 0)
		ck_abort_msg("%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

/* --- what the core asks for */

static void
on_start(void *arg, const struct pb_action *action)
{
	struct api_world *w = arg;
	free(w->started);
	w->started = pb_strdup(action->id);
	w->n_started++;
}

static void
on_cancel(void *arg, const char *id)
{
	(void)arg, (void)id;
}

static void
on_receipt(void *arg, uint64_t receipt)
{
	(void)arg, (void)receipt;
}

static void
on_reply(void *arg, const struct pb_reply *reply)
{
	const struct api_world *w = arg;
	pb_api_reply(w->api, reply);
}

static void
on_note(void *arg, const struct pb_note *note)
{
	const struct api_world *w = arg;
	(void)note;
	if (w->api != NULL)
		pb_api_noted(w->api);
}

static void
on_failed(void *arg, const struct pb_error *err)
{
	struct api_world *w = arg;
	(void)err;
	w->has_failed = true;
}

static const struct pb_core_ops core_ops = {
    .start = on_start,
    .cancel = on_cancel,
    .receipt = on_receipt,
    .reply = on_reply,
    .note = on_note,
    .failed = on_failed,
};

static json_t *
status(void *arg)
{
	(void)arg;
	return json_pack("{s:s}", "state", "running");
}

static void
reload(void *arg, const char *by, uint64_t token)
{
	struct api_world *w = arg;
	w->n_reloads++;
	free(w->reload_by);
	w->reload_by = pb_strdup(by);
	w->reload_token = token;
}

static const struct pb_api_ops api_ops = {.status = status, .reload = reload};

static void
refused(const struct pb_record *r, const struct pb_error *why, void *arg)
{
	(void)arg;
	ck_abort_msg("%s: %s", r->key, why->text);
}

void
api_open(struct api_world *w)
{
	struct pb_error err;
	struct pb_store *store;
	pb_log_set_level(PB_LOG_ERR);
	*w = (struct api_world){.dir = pb_strdup("/tmp/pb-api-XXXXXX")};
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	w->socket = pb_asprintf("%s/api.sock", w->dir);
	ck_assert_int_eq(pb_loop_new(&w->loop, &err), 0);
	ck_assert_int_eq(pb_store_open_memory(&store, &err), 0);
	PB_CLEANUP(pb_config_unrefp) struct pb_config *config = api_config_make();
	const struct pb_engine_options options = {.seed = 1, .host = "testhost"};
	w->core = pb_core_new(w->loop, store, config, &options, &core_ops, w);
	if (pb_api_new(w->loop, w->core, w->socket, &api_ops, w, &w->api, &err) < 0)
		ck_abort_msg("%s", err.text);
	ck_assert_int_eq(pb_core_boot(w->core, NULL, refused, NULL, &err), 0);
}

void
api_close(struct api_world *w)
{
	pb_api_free(w->api);
	pb_core_free(w->core);
	pb_loop_free(w->loop);
	(void)rmdir(w->dir);
	free(w->dir);
	free(w->socket);
	free(w->started);
	free(w->reload_by);
	free(w->head);
}

/* --- asking */

int
api_connect(struct api_world *w, const char *bytes)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", w->socket);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	size_t len = strlen(bytes);
	ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Until `needle`, or with NULL until the other end closes. */
static char *
read_text(struct api_world *w, int fd, const char *needle)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	int64_t until = pb_clock_mono() + LIMIT;
	char block[4096];
	for (;;) {
		pb_loop_turn(w->loop);
		ssize_t n = read(fd, block, sizeof(block));
		if (n > 0)
			(void)pb_buf_add(&b, block, (size_t)n);
		if (n == 0 || (needle != NULL && b.ptr != NULL && strstr(b.ptr, needle) != NULL))
			break;
		if (pb_clock_mono() > until)
			ck_abort_msg("no answer in time; got: %s", b.ptr == NULL ? "" : b.ptr);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		(void)poll(&p, 1, 1);
	}
	return pb_buf_take(&b);
}

char *
api_read_until(struct api_world *w, int fd, const char *needle)
{
	return read_text(w, fd, needle);
}

void
api_rounds(struct api_world *w, int n)
{
	while (n-- > 0)
		pb_loop_turn(w->loop);
}

json_t *
api_ask(struct api_world *w, const char *method, const char *target, const char *body)
{
	PB_CLEANUP(pb_freep)
	char *request = pb_asprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				    "Content-Length: %zu\r\n\r\n%s",
	    method, target, body == NULL ? (size_t)0 : strlen(body), body == NULL ? "" : body);
	int fd = api_connect(w, request);
	char *text = read_text(w, fd, NULL);
	(void)close(fd);
	free(w->head);
	w->head = text;
	w->status = 0;
	(void)sscanf(text, "HTTP/1.1 %d", &w->status);
	const char *answer = strstr(text, "\r\n\r\n");
	json_t *j = NULL;
	if (answer != NULL)
		(void)pb_json_parse(pb_str_trim(pb_str_of(answer)), &j, NULL);
	return j;
}

char *
api_alarm(const char *name, const char *state, const char *time)
{
	return pb_asprintf(
	    "{\"version\":\"0\",\"id\":\"%s-%s\",\"detail-type\":\"CloudWatch Alarm State "
	    "Change\",\"source\":\"aws.cloudwatch\",\"account\":\"111122223333\",\"time\":\"%s\","
	    "\"region\":\"eu-west-1\",\"resources\":[\"arn:aws:cloudwatch:eu-west-1:111122223333:"
	    "alarm:%s\"],\"detail\":{\"alarmName\":\"%s\",\"state\":{\"value\":\"%s\",\"reason\":"
	    "\"Threshold crossed\",\"timestamp\":\"%s\"},\"previousState\":{\"value\":\"OK\"},"
	    "\"configuration\":{}}}",
	    name, state, time, name, name, state, time);
}

char *
api_incident_open(struct api_world *w, const char *alarm)
{
	char now[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep)
	char *event = api_alarm(alarm, "ALARM", pb_time_rfc3339(now, pb_clock_wall()));
	PB_JSON json_t *j = api_ask(w, "POST", "/v1/inject", event);
	ck_assert_int_eq(w->status, 200);
	ck_assert_ptr_nonnull(pb_json_str(j, "incident"));
	return pb_strdup(pb_json_str(j, "incident"));
}

/* --- playbookctl */

static _Noreturn void
run_ctl(const struct api_world *w, const char *const *argv, const int *fds)
{
	int argc = 0;
	char *copy[16];
	for (; argv[argc] != NULL && argc < 15; argc++)
		copy[argc] = pb_strdup(argv[argc]);
	copy[argc] = NULL;
	for (int i = 0; i < 3; i++)
		(void)dup2(fds[i], i);
	(void)setenv("PLAYBOOKD_SOCKET", w->socket, 1);
	optind = 1;
	enum pb_ctl_exit rc = pb_ctl_main(argc, copy);
	(void)fflush(NULL);
	_exit((int)rc);
}

static int
memory_file(const char *name, const char *text)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static char *
contents(int fd)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	char block[4096];
	ssize_t n;
	(void)lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, block, sizeof(block))) > 0)
		(void)pb_buf_add(&b, block, (size_t)n);
	(void)close(fd);
	return pb_buf_take(&b);
}

int
api_ctl(
    struct api_world *w, const char *const *argv, const char *input, char **ret_out, char **ret_err)
{
	int fds[3] = {memory_file("in", input == NULL ? "" : input), memory_file("out", ""),
	    memory_file("err", "")};
	int status = 0;
	int64_t until = pb_clock_mono() + LIMIT;
	(void)fflush(NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_ctl(w, argv, fds);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (w->loop != NULL)
			pb_loop_turn(w->loop);
		ck_assert_msg(pb_clock_mono() < until, "playbookctl does not end");
		(void)poll(NULL, 0, 1);
	}
	(void)close(fds[0]);
	*ret_out = contents(fds[1]);
	*ret_err = contents(fds[2]);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}
