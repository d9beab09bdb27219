/*
 * Who may ask what: callers of other users and groups.  Needs root, to be them.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_world.h"
#include "base/json.h"

#define SOMEBODY 65534

static struct pb_config *
config_with(const char *api)
{
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "version: 1\ndaemon: {api: {%s}}\nunmatched: {alarms: drop, events: drop}\n", api);
	struct pb_config_file f = {(char *)(uintptr_t) "t.yaml", text, strlen(text)};
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	int rc = pb_config_parse(&f, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

/* Asks as somebody who is in `group` besides their own; the kernel looks when they connect. */
static char *
ask_as(struct api_world *w, const char *group, const char *request)
{
	gid_t groups[1] = {0};
	if (group != NULL)
		groups[0] = getgrnam(group)->gr_gid;
	ck_assert_int_eq(setgroups(group == NULL ? 0 : 1, groups), 0);
	ck_assert_int_eq(setegid(SOMEBODY), 0);
	ck_assert_int_eq(seteuid(SOMEBODY), 0);
	int fd = api_connect(w, request);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	char *answer = api_read_until(w, fd, "}\n");
	(void)close(fd);
	return answer;
}

#define GET "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
#define ACK "POST /v1/incidents/9/ack HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
#define RELOAD "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

static const struct {
	const char *group, *request, *says;
} rows[] = {
    {NULL, GET,
	"nobody has no role; this takes the role view: be in one of the groups games, bin, "
	"nosuch, daemon"},
    {"games", GET, "HTTP/1.1 200"},
    {"games", ACK,
	"nobody has the role view; this takes the role operate: be in one of the groups bin, "
	"nosuch, "
	"daemon"},
    {"bin", GET, "HTTP/1.1 200"},
    {"bin", ACK, "no open incident has this id"},
    {"bin", RELOAD,
	"nobody has the role operate; this takes the role admin: be in one of the groups daemon"},
    {"daemon", ACK, "no open incident has this id"},
};

START_TEST(a_caller_may_what_its_groups_may)
{
	if (geteuid() != 0) {
		printf("SKIP a_caller_may_what_its_groups_may: needs root\n");
		return;
	}
	struct api_world w;
	api_open(&w);
	ck_assert_int_eq(chmod(w.dir, 0755), 0);
	struct pb_config *c = config_with("view: [games], operate: [bin, nosuch], admin: [daemon]");
	pb_api_apply(w.api, c);
	PB_CLEANUP(pb_freep) char *answer = ask_as(&w, rows[_i].group, rows[_i].request);
	ck_assert_msg(strstr(answer, rows[_i].says) != NULL, "%s", answer);
	json_decref(api_ask(&w, "GET", "/v1/status", NULL)); /* root may always */
	ck_assert_int_eq(w.status, 200);
	pb_config_unref(c);
	api_close(&w);
}
END_TEST

START_TEST(without_roles_the_socket_decides)
{
	struct api_world w;
	struct stat st;
	api_open(&w);
	struct pb_config *c = config_with("view: [games]"), *none = config_with("");
	pb_api_apply(w.api, none);
	ck_assert_int_eq(stat(w.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	pb_api_apply(w.api, c);
	ck_assert_int_eq(stat(w.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	pb_api_apply(w.api, none);
	ck_assert_int_eq(stat(w.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	pb_config_unref(c);
	pb_config_unref(none);
	api_close(&w);
}
END_TEST

PB_SUITE(api_role)
{
	pb_add_loop(s, a_caller_may_what_its_groups_may, 0, (int)PB_ARRAY_LEN(rows));
	pb_add(s, without_roles_the_socket_decides);
}
