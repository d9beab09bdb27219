/*
 * For test programs: a sandbox in a child process, and a blocking HTTP client plain enough to show
 * broken answers as they came.
 */
#include "tests/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/time.h"

#define EXCHANGE_FOR (30 * PB_SECOND)

/* --- the child */

static void
serve(const struct pb_sandbox_opts *opts, int out)
{
	struct event_base *base = event_base_new();
	struct pb_sandbox *sb = NULL;
	struct pb_error err = {0};
	uint16_t port = 0;
	if (base != NULL && pb_sandbox_new(base, opts, &sb, &err) == 0)
		port = pb_sandbox_port(sb);
	if (write(out, &port, sizeof(port)) == sizeof(port) && sb != NULL) {
		(void)close(out);
		(void)event_base_dispatch(base);
	}
	_exit(sb != NULL ? 0 : 1);
}

int
pb_sandbox_fork(
    const struct pb_sandbox_opts *opts, pid_t *ret_pid, uint16_t *ret_port, struct pb_error *err)
{
	int fds[2];
	uint16_t port = 0;
	if (pipe(fds) < 0)
		return pb_fail_errno(err, errno, "cannot make a pipe");
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(opts, fds[1]);
		_exit(1);
	}
	int errnum = errno;
	(void)close(fds[1]);
	ssize_t n = pid > 0 ? read(fds[0], &port, sizeof(port)) : 0;
	(void)close(fds[0]);
	if (pid < 0)
		return pb_fail_errno(err, errnum, "cannot fork");
	if (n != sizeof(port) || port == 0) {
		pb_sandbox_stop(pid);
		return pb_fail(err, PB_IO, "the sandbox did not start");
	}
	*ret_pid = pid;
	*ret_port = port;
	return 0;
}

void
pb_sandbox_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* --- the client */

void
pb_sandbox_reply_fini(struct pb_sandbox_reply *r)
{
	pb_buf_fini(&r->head);
	pb_buf_fini(&r->body);
}

static int
dial(uint16_t port, struct pb_error *err)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return pb_fail_errno(err, errno, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int errnum = errno;
		(void)close(fd);
		return pb_fail_errno(err, errnum, "cannot connect to 127.0.0.1:%u", (unsigned)port);
	}
	return fd;
}

static int
send_all(int fd, struct pb_str data, struct pb_error *err)
{
	while (data.len > 0) {
		ssize_t n = send(fd, data.ptr, data.len, MSG_NOSIGNAL);
		if (n < 0)
			return pb_fail_errno(err, errno, "cannot send");
		data = (struct pb_str){data.ptr + n, data.len - (size_t)n};
	}
	return 0;
}

static const char *
header_value(const struct pb_buf *head, const char *name)
{
	size_t len = strlen(name);
	for (const char *p = head->ptr; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncasecmp(p, name, len) == 0 && p[len] == ':')
			return p + len + 1 + strspn(p + len + 1, " ");
	}
	return NULL;
}

/* Put chunks together; true when the last one was there. */
static bool
unchunk(struct pb_str in, struct pb_buf *out)
{
	while (in.len > 0) {
		const char *eol = memchr(in.ptr, '\n', in.len);
		size_t size = eol ? strtoull(in.ptr, NULL, 16) : 0;
		if (eol == NULL)
			return false;
		size_t used = (size_t)(eol + 1 - in.ptr);
		if (size == 0)
			return true;
		if (used + size > in.len) {
			pb_buf_add(out, eol + 1, in.len - used);
			return false;
		}
		pb_buf_add(out, eol + 1, size);
		used += size + 2;
		if (used >= in.len)
			return false;
		in = (struct pb_str){in.ptr + used, in.len - used};
	}
	return false;
}

/* Read what has come so far into a reply; true when it is complete. */
static bool
take_reply(const struct pb_buf *raw, struct pb_sandbox_reply *r)
{
	const char *end = raw->ptr ? strstr(raw->ptr, "\r\n\r\n") : NULL;
	if (end == NULL || strncmp(raw->ptr, "HTTP/1.", 7) != 0)
		return false;
	pb_buf_reset(&r->head);
	pb_buf_reset(&r->body);
	pb_buf_add(&r->head, raw->ptr, (size_t)(end + 2 - raw->ptr));
	r->status = (int)strtol(raw->ptr + 9, NULL, 10);
	struct pb_str rest = {end + 4, raw->len - (size_t)(end + 4 - raw->ptr)};
	const char *length = header_value(&r->head, "Content-Length");
	const char *coding = header_value(&r->head, "Transfer-Encoding");
	if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0)
		return unchunk(rest, &r->body);
	pb_buf_add(&r->body, rest.ptr, rest.len);
	return length != NULL && rest.len >= strtoull(length, NULL, 10);
}

static int
read_reply(
    int fd, size_t limit, struct pb_buf *raw, struct pb_sandbox_reply *r, struct pb_error *err)
{
	int64_t until = pb_clock_mono() + EXCHANGE_FOR;
	static char block[65536];
	while (raw->len < limit) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until - pb_clock_mono();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return pb_fail(err, PB_TIMEOUT, "no complete answer in 30 s");
		ssize_t n = recv(fd, block, sizeof(block), 0);
		if (n < 0 && raw->len == 0)
			return pb_fail_errno(err, errno, "no answer");
		if (n <= 0)
			break;
		pb_buf_add(raw, block, (size_t)n);
		r->is_complete = take_reply(raw, r);
		if (r->is_complete)
			break;
	}
	if (raw->len == 0)
		return pb_fail(err, PB_IO, "the connection was closed without an answer");
	if (r->status == 0)
		pb_buf_add(&r->body, raw->ptr, raw->len);
	return 0;
}

int
pb_sandbox_exchange(uint16_t port, struct pb_str request, size_t limit,
    struct pb_sandbox_reply *ret_reply, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf raw = PB_BUF_INIT;
	*ret_reply = (struct pb_sandbox_reply){0};
	int fd = dial(port, err);
	if (fd < 0)
		return -1;
	int rc = send_all(fd, request, err);
	if (rc == 0)
		rc = read_reply(fd, limit, &raw, ret_reply, err);
	(void)close(fd);
	return rc;
}

int
pb_sandbox_ask(uint16_t port, const char *method, const char *target, const char *body,
    json_t **ret_json, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf request = PB_BUF_INIT;
	PB_CLEANUP(pb_sandbox_reply_fini) struct pb_sandbox_reply reply = {0};
	PB_JSON json_t *out = NULL;

	pb_buf_addf(&request,
	    "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: %zu\r\nConnection: "
	    "close\r\n\r\n%s",
	    method, target, (unsigned)port, body ? strlen(body) : 0, body ? body : "");
	if (pb_sandbox_exchange(port, pb_buf_str(&request), 256u << 20, &reply, err) < 0)
		return pb_wrap(err, "%s %s", method, target);
	if (!reply.is_complete || pb_json_parse(pb_buf_str(&reply.body), &out, err) < 0)
		return pb_fail(err, PB_IO, "%s %s: the answer is not JSON", method, target);
	if (reply.status != 200)
		return pb_fail(err, PB_INVALID, "%s %s: %s", method, target,
		    pb_json_str_or(out, "error", "refused"));
	if (ret_json != NULL)
		*ret_json = PB_TAKE(out);
	return 0;
}
