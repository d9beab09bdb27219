/*
 * Lines over a Unix socket.
 */
#include "io/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/io/helper.h"

/* The other side, in a process of its own: reads what comes, writes `answer`, closes. */
static pid_t
serve(const char *path, const char *answer, bool is_silent)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	strcpy(at.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char buf[256];
		int conn = accept(fd, NULL, NULL);
		ssize_t n = read(conn, buf, sizeof(buf));
		bool is_asked = n == 6 && memcmp(buf, "hello\n", 6) == 0;
		if (is_asked && !is_silent && write(conn, answer, strlen(answer)) < 0)
			_exit(1);
		if (is_silent)
			n = read(conn, buf, sizeof(buf)); /* until the caller goes */
		_exit(0);
	}
	(void)close(fd);
	return pid;
}

struct told {
	bool done;
	char answer[64], error[1024];
	bool was_reached;
};

static void
tell(const struct pb_line_result *r, void *arg)
{
	struct told *t = arg;
	t->done = true;
	t->was_reached = r->was_reached;
	if (r->err != NULL)
		(void)snprintf(t->error, sizeof(t->error), "%s", r->err->text);
	else
		(void)snprintf(t->answer, sizeof(t->answer), "%.*s", PB_STR_ARG(r->answer));
}

static const struct {
	const char *answer;
	const char *wanted, *error;
} answers[] = {
    {"yes\n", "yes", ""},
    {"yes\nmore\n", "yes", ""},
    {"", "", "closed the connection without an answer"},
    {"half", "", "closed the connection without an answer"},
    {"an answer that is much too long\n", "", "is longer than 16 bytes"},
    {"an answer that is much too long and does not end", "", "is longer than 16 bytes"},
};

START_TEST(a_question_gets_its_answer_or_an_error)
{
	struct pb_loop *loop = io_loop();
	struct told t = {0};
	char *path = io_tmpfile("sock");
	pid_t pid = serve(path, answers[_i].answer, false);
	(void)pb_line_call_start(loop, path, PB_STR("hello"), 16, 10000, tell, &t);
	ck_assert(!t.done);
	io_run_until(loop, &t.done);
	ck_assert_str_eq(t.answer, answers[_i].wanted);
	ck_assert_msg(strstr(t.error, answers[_i].error) != NULL, "%s", t.error);
	ck_assert(t.was_reached);
	(void)pid;
	free(path);
	pb_loop_free(loop);
}
END_TEST

START_TEST(no_answer_in_time_is_told)
{
	struct pb_loop *loop = io_loop();
	struct told t = {0};
	char *path = io_tmpfile("sock");
	(void)serve(path, "", true);
	(void)pb_line_call_start(loop, path, PB_STR("hello"), 16, 100, tell, &t);
	io_run_until(loop, &t.done);
	ck_assert_msg(strstr(t.error, "gave no answer in time") != NULL, "%s", t.error);
	ck_assert(t.was_reached);
	free(path);
	pb_loop_free(loop);
}
END_TEST

START_TEST(nobody_there_was_not_reached)
{
	struct pb_loop *loop = io_loop();
	struct told t = {0}, u = {0};
	char *path = io_tmpfile("nobody"), long_path[200];
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	(void)pb_line_call_start(loop, path, PB_STR("hello"), 16, 10000, tell, &t);
	(void)pb_line_call_start(loop, long_path, PB_STR("hello"), 16, 10000, tell, &u);
	ck_assert(!t.done && !u.done);
	io_run_until(loop, &t.done);
	io_run_until(loop, &u.done);
	ck_assert_msg(strstr(t.error, "No such file") != NULL, "%s", t.error);
	ck_assert_msg(
	    strstr(u.error, "is no path of a socket: 1 to 107 bytes") != NULL, "%s", u.error);
	ck_assert(!t.was_reached && !u.was_reached);
	free(path);
	pb_loop_free(loop);
}
END_TEST

START_TEST(a_call_that_is_cancelled_says_nothing)
{
	struct pb_loop *loop = io_loop();
	struct told t = {0};
	char *path = io_tmpfile("nobody");
	struct pb_line_call *c =
	    pb_line_call_start(loop, path, PB_STR("hello"), 16, 10000, tell, &t);
	pb_line_call_cancel(c);
	pb_loop_turn(loop);
	pb_loop_turn(loop);
	ck_assert(!t.done);
	free(path);
	pb_loop_free(loop);
}
END_TEST

PB_SUITE(line)
{
	pb_add_loop(s, a_question_gets_its_answer_or_an_error, 0, (int)PB_ARRAY_LEN(answers));
	pb_add(s, no_answer_in_time_is_told);
	pb_add(s, nobody_there_was_not_reached);
	pb_add(s, a_call_that_is_cancelled_says_nothing);
}
