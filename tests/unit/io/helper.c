/*
 * What the tests of lib/io share.
 */
#include "tests/unit/io/helper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

struct pb_loop *
io_loop(void)
{
	struct pb_loop *loop;
	ck_assert_int_eq(pb_loop_new(&loop, NULL), 0);
	return loop;
}

void
io_run_until(struct pb_loop *loop, const bool *done)
{
	while (!*done)
		ck_assert_int_ge(event_base_loop(pb_loop_base(loop), EVLOOP_ONCE), 0);
}

static char tmpdir[256];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
remove_tmpdir(void)
{
	(void)nftw(tmpdir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
io_tmpdir(void)
{
	if (tmpdir[0] == '\0') {
		const char *base = getenv("TMPDIR");
		(void)snprintf(tmpdir, sizeof(tmpdir), "%s/pb-io-XXXXXX",
		    base == NULL || strlen(base) > 60 ? "/tmp" : base);
		ck_assert_ptr_nonnull(mkdtemp(tmpdir));
		ck_assert_int_eq(atexit(remove_tmpdir), 0);
	}
	return tmpdir;
}

char *
io_tmpfile(const char *name)
{
	return pb_asprintf("%s/%s", io_tmpdir(), name);
}

/* --- the server */

struct io_conn {
	struct io_server *s;
	struct io_conn *next;
	int fd;
	struct pb_loop_watch *watch;
	struct pb_loop_timer *timer;
	char head[8192];
	size_t n_head;
	const char *rest; /* of a dripped answer */
};

static void
conn_close(struct io_conn *c, bool is_reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	struct io_conn **at = &c->s->conns;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (is_reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	pb_loop_watch_free(c->watch);
	pb_loop_timer_free(c->timer);
	close(c->fd);
	free(c);
}

static void
on_drip(void *arg)
{
	struct io_conn *c = arg;
	if (*c->rest == '\0' || send(c->fd, c->rest++, 1, MSG_NOSIGNAL) < 0) {
		conn_close(c, false);
		return;
	}
	pb_loop_timer_set(c->timer, 20);
}

static void
on_room(int fd, unsigned what, void *arg)
{
	static char many[65536];
	(void)what;
	memset(many, 'x', sizeof(many));
	if (send(fd, many, sizeof(many), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		conn_close(arg, false);
}

static void
act(struct io_conn *c)
{
	struct io_server *s = c->s;
	s->n_requests++;
	memcpy(s->last, c->head, sizeof(s->last));
	c->n_head = 0;
	if (s->fault != IO_SILENT && s->fault != IO_DRIP)
		(void)send(c->fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
	switch (s->fault) {
	case IO_ANSWER:
	case IO_SILENT:
		return;
	case IO_ANSWER_CLOSE:
		conn_close(c, false);
		return;
	case IO_ANSWER_RESET:
	case IO_RESET_AT_ONCE:
		conn_close(c, true);
		return;
	case IO_DRIP:
		c->rest = s->answer;
		c->timer = pb_loop_timer_new(s->loop, on_drip, c);
		pb_loop_timer_set(c->timer, 0);
		return;
	case IO_ENDLESS:
		pb_loop_watch_free(c->watch);
		ck_assert_int_eq(
		    pb_loop_watch_new(s->loop, c->fd, PB_LOOP_WRITE, on_room, c, &c->watch, NULL),
		    0);
		return;
	}
}

static void
on_bytes(int fd, unsigned what, void *arg)
{
	struct io_conn *c = arg;
	(void)what;
	ssize_t n = recv(fd, c->head + c->n_head, sizeof(c->head) - 1 - c->n_head, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c, false);
		return;
	}
	c->n_head += (size_t)n;
	c->head[c->n_head] = '\0';
	if (c->s->fault == IO_RESET_AT_ONCE)
		conn_close(c, true);
	else if (strstr(c->head, "\r\n\r\n") != NULL)
		act(c);
}

static void
on_client(int fd, unsigned what, void *arg)
{
	struct io_server *s = arg;
	(void)what;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (client < 0)
		return;
	s->n_connections++;
	struct io_conn *c = pb_calloc(1, sizeof(*c));
	c->s = s;
	c->fd = client;
	c->next = s->conns;
	s->conns = c;
	ck_assert_int_eq(
	    pb_loop_watch_new(s->loop, client, PB_LOOP_READ, on_bytes, c, &c->watch, NULL), 0);
}

void
io_server_start(struct io_server *s, struct pb_loop *loop, enum io_fault fault, const char *answer)
{
	*s = (struct io_server){.loop = loop, .fault = fault, .answer = answer};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(s->fd, 0);
	ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(s->fd, 64), 0);
	ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	ck_assert_int_eq(
	    pb_loop_watch_new(loop, s->fd, PB_LOOP_READ, on_client, s, &s->watch, NULL), 0);
}

void
io_server_stop(struct io_server *s)
{
	while (s->conns != NULL)
		conn_close(s->conns, false);
	pb_loop_watch_free(s->watch);
	close(s->fd);
}

char *
io_server_url(const struct io_server *s, const char *path)
{
	return pb_asprintf("http://127.0.0.1:%d%s", s->port, path);
}
