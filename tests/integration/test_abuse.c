/*
 * The local API under clients that mean harm or are broken, while an incident is handled.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CROWD 1000

/* -1 when the daemon does not take more. */
static int
dial(const struct pb_rig *r)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", r->socket);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static void
tell(int fd, const char *data, size_t len)
{
	if (fd >= 0)
		(void)!send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
allow_files(struct pb_rig *r, rlim_t n)
{
	struct rlimit limit;
	want(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur < n) {
		limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
		want(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	}
}

#define INSULT(text)                                                                               \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
static const struct {
	const char *data;
	size_t len;
} insults[] = {
    INSULT("\x00\xff\xfe\x16\x03\x01 not http at all\r\n\r\n\r\n"),
    INSULT("GET /v1/status HTT"),
    INSULT("POST /v1/inject HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"a"),
    INSULT("POST /v1/inject HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
    INSULT("POST /v1/inject HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n"),
    INSULT("POST /v1/inject HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"),
    INSULT("BREW /v1/status HTTP/1.1\r\n\r\n"),
    INSULT(""),
};

/* Asks for more and more and reads not a byte. */
static void
never_read(int fd)
{
	static const char ask[] = "GET /v1/incidents?state=all HTTP/1.1\r\nHost: x\r\n\r\n";
	for (int i = 0; i < 2000; i++)
		tell(fd, ask, sizeof(ask) - 1);
}

START_TEST(a_crowd_of_broken_clients_stops_no_remediation)
{
	RIG(r);
	int fds[CROWD];
	allow_files(r, CROWD + 200);
	fixture_start(r);
	fixture_alarm(r, "page-some", "ALARM");
	free(fixture_incident(r, "page-some", "waiting"));
	for (size_t i = 0; i < CROWD; i++) {
		size_t k = i % PB_ARRAY_LEN(insults);
		fds[i] = dial(r);
		if (i % 100 == 99)
			never_read(fds[i]);
		else
			tell(fds[i], insults[k].data, insults[k].len);
	}
	fixture_alarm(r, "fix-crowd", "ALARM");
	want(pb_rig_stepped(r, "fix-crowd", 1, SOON, NULL));
	want(pb_rig_drained(r, "events", SOON));
	for (size_t i = 0; i < CROWD; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	free(fixture_incident(r, "fix-crowd", "resolved"));
	PB_CLEANUP(pb_freep) char *out = NULL;
	want(pb_rig_ctl(r, &out, "status") == 0);
}
END_TEST

START_TEST(each_insult_leaves_the_api_usable)
{
	RIG(r);
	fixture_start(r);
	for (size_t i = 0; i < PB_ARRAY_LEN(insults); i++) {
		int fd = dial(r);
		want(fd >= 0);
		tell(fd, insults[i].data, insults[i].len);
		want(pb_rig_api(r, "GET", "/v1/status", NULL, NULL, NULL) == 200);
		(void)close(fd);
		want(pb_rig_api(r, "GET", "/v1/status", NULL, NULL, NULL) == 200);
	}
}
END_TEST

static const struct {
	const char *method, *path, *body;
	int status;
} wrong[] = {
    {"GET", "/v1/nothing", NULL, 404},
    {"GET", "/v1/incidents/20990101-1", NULL, 404},
    {"POST", "/v1/status", "", 405},
    {"POST", "/v1/incidents/20990101-1/ack", "", 404},
    {"POST", "/v1/inject", "{", 400},
    {"POST", "/v1/inject", "{\"a\":1,\"a\":2}", 400},
    {"POST", "/v1/inject", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	400},
    {"GET", "/v1/incidents?state=weird", NULL, 400},
    {"GET", "/v1/incidents?limit=-1", NULL, 400},
};

START_TEST(a_wrong_request_is_answered_with_the_right_status)
{
	RIG(r);
	fixture_start(r);
	for (size_t i = 0; i < PB_ARRAY_LEN(wrong); i++) {
		PB_JSON json_t *answer = NULL;
		int status =
		    pb_rig_api(r, wrong[i].method, wrong[i].path, wrong[i].body, &answer, NULL);
		(void)printf("%s %s: %d\n", wrong[i].method, wrong[i].path, status);
		want(status == wrong[i].status);
		want(pb_json_get(answer, "error") != NULL);
	}
}
END_TEST

PB_SUITE(abuse)
{
	pb_add(s, a_crowd_of_broken_clients_stops_no_remediation);
	pb_add(s, each_insult_leaves_the_api_usable);
	pb_add(s, a_wrong_request_is_answered_with_the_right_status);
}
