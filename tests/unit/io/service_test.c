/*
 * The service manager, played by a datagram socket of the test's.
 */
#include "io/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "io/file.h"
#include "tests/unit/io/helper.h"

static int manager = -1;

static void
start_manager(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *path = io_tmpfile("notify");
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
	free(path);
}

static const char *
heard(void)
{
	static char text[4096];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(the_manager_is_told_each_state)
{
	start_manager();
	pb_service_ready("4 playbooks");
	ck_assert_str_eq(heard(), "READY=1\nSTATUS=4 playbooks");
	pb_service_reloading(NULL);
	ck_assert_str_eq(heard(), "RELOADING=1");
	pb_service_stopping("bye");
	ck_assert_str_eq(heard(), "STOPPING=1\nSTATUS=bye");
	pb_service_status("idle");
	ck_assert_str_eq(heard(), "STATUS=idle");
	pb_service_alive();
	ck_assert_str_eq(heard(), "WATCHDOG=1");
}
END_TEST

START_TEST(a_status_cannot_smuggle_in_a_state)
{
	start_manager();
	pb_service_status("x\nMAINPID=1");
	ck_assert_ptr_null(strchr(heard(), '\n'));
}
END_TEST

START_TEST(without_a_manager_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	pb_service_ready("x");
	pb_service_status(NULL);
	pb_service_alive();
	ck_assert_int_eq(pb_service_alive_every(), 0);
}
END_TEST

START_TEST(the_watchdog_is_fed_at_half_its_time)
{
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(pb_service_alive_every(), 15000);
	ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0);
	ck_assert_int_eq(pb_service_alive_every(), 0);
}
END_TEST

START_TEST(the_journal_is_used_only_when_stderr_is_its)
{
	unsetenv("JOURNAL_STREAM");
	ck_assert(!pb_service_log_to_journal());
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	ck_assert(!pb_service_log_to_journal());
	struct stat st;
	char text[64];
	ck_assert_int_eq(fstat(2, &st), 0);
	(void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", text, 1), 0);
	ck_assert(pb_service_log_to_journal());
	pb_log_set_sink(NULL, NULL);
}
END_TEST

START_TEST(a_credential_is_read_without_its_line_end)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err;
	char *path = io_tmpfile("hook-token");
	ck_assert_int_eq(pb_file_write(path, 0600, PB_STR("s3cret\r\n\n"), NULL), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(pb_service_credential("hook-token", &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.text, "LoadCredential=hook-token:"));
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", io_tmpdir(), 1), 0);
	ck_assert_int_eq(pb_service_credential("hook-token", &b, &err), 0);
	ck_assert_str_eq(b.ptr, "s3cret");
	ck_assert_int_eq(pb_service_credential("other", &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	free(path);
}
END_TEST

START_TEST(a_credential_has_a_plain_name_and_a_limit)
{
	static const char *const bad[] = {"", ".", "..", "../x", "/etc/passwd", "a/b"};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT, big = PB_BUF_INIT;
	struct pb_error err;
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", io_tmpdir(), 1), 0);
	for (size_t i = 0; i < PB_ARRAY_LEN(bad); i++) {
		ck_assert_int_eq(pb_service_credential(bad[i], &b, &err), -1);
		ck_assert_int_eq(err.kind, PB_INVALID);
	}
	char *path = io_tmpfile("big");
	for (size_t i = 0; i <= PB_SERVICE_CREDENTIAL_MAX; i++)
		pb_buf_addc(&big, 'x');
	ck_assert_int_eq(pb_file_write(path, 0600, pb_buf_str(&big), NULL), 0);
	ck_assert_int_eq(pb_service_credential("big", &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	free(path);
}
END_TEST

PB_SUITE(service)
{
	pb_add(s, the_manager_is_told_each_state);
	pb_add(s, a_status_cannot_smuggle_in_a_state);
	pb_add(s, without_a_manager_nothing_happens);
	pb_add(s, the_watchdog_is_fed_at_half_its_time);
	pb_add(s, the_journal_is_used_only_when_stderr_is_its);
	pb_add(s, a_credential_is_read_without_its_line_end);
	pb_add(s, a_credential_has_a_plain_name_and_a_limit);
}
