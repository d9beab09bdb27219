/*
 * Errors, checks and the log.
 */
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "tests/unit/runner.h"

START_TEST(an_error_is_filled_and_wrapped)
{
	struct pb_error err = {.line = 7, .column = 8, .path = "a.b"};
	ck_assert_int_eq(pb_fail(&err, PB_INVALID, "%d is odd", 3), -1);
	ck_assert_int_eq(err.kind, PB_INVALID);
	ck_assert_int_eq(err.line, 0);
	ck_assert_str_eq(err.path, "");
	err.line = 4;
	ck_assert_int_eq(pb_wrap(&err, "rule %d", 2), -1);
	ck_assert_str_eq(err.text, "rule 2: 3 is odd");
	ck_assert_int_eq(err.line, 4);
	ck_assert_int_eq(err.kind, PB_INVALID);
}
END_TEST

START_TEST(an_error_may_be_filled_from_itself)
{
	struct pb_error err = {0};
	pb_fail(&err, PB_IO, "inner");
	pb_fail(&err, PB_CORRUPT, "outer (%s)", err.text);
	ck_assert_str_eq(err.text, "outer (inner)");
}
END_TEST

START_TEST(no_error_is_wanted)
{
	ck_assert_int_eq(pb_fail(NULL, PB_IO, "x"), -1);
	ck_assert_int_eq(pb_fail_errno(NULL, EIO, "x"), -1);
	ck_assert_int_eq(pb_wrap(NULL, "x"), -1);
}
END_TEST

START_TEST(long_text_is_cut_with_dots)
{
	struct pb_error err = {0};
	char text[2000];
	memset(text, 'x', sizeof(text));
	text[sizeof(err.text) - 1] = '\0';
	pb_fail(&err, PB_IO, "%s", text);
	ck_assert_str_eq(err.text, text);
	pb_wrap(&err, "at");
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert(pb_str_has_prefix(pb_str_of(err.text), PB_STR("at: xxx")));
	ck_assert_str_eq(err.text + strlen(err.text) - 4, "x...");
	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 2 * i, "\xc3\xbc", 2);
	text[1998] = '\0';
	pb_fail(&err, PB_IO, "%s", text);
	ck_assert(pb_utf8_is_valid(pb_str_of(err.text)));
	pb_fail(&err, PB_IO, "-%s", text);
	ck_assert(pb_utf8_is_valid(pb_str_of(err.text)));
}
END_TEST

START_TEST(errno_decides_the_kind)
{
	struct pb_error err = {0};
	ck_assert_int_eq(pb_fail_errno(&err, ENOENT, "cannot open %s", "f"), -1);
	ck_assert_str_eq(err.text, "cannot open f: No such file or directory");
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	ck_assert_int_eq(pb_error_kind_of_errno(EACCES), PB_DENIED);
	ck_assert_int_eq(pb_error_kind_of_errno(EEXIST), PB_EXISTS);
	ck_assert_int_eq(pb_error_kind_of_errno(ETIMEDOUT), PB_TIMEOUT);
	ck_assert_int_eq(pb_error_kind_of_errno(ENOSPC), PB_IO);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
	for (int k = 0; k < PB_ERROR_MAX; k++)
		ck_assert_ptr_nonnull(pb_error_kind_name((enum pb_error_kind)k));
	ck_assert_str_eq(pb_error_kind_name(PB_ERROR_MAX), "unknown");
}
END_TEST

START_TEST(a_broken_claim_ends_the_process)
{
	pb_check(1 + 1 == 3);
}
END_TEST

struct object {
	uint32_t magic;
};

START_TEST(a_wrong_object_ends_the_process)
{
	struct object o = {.magic = 1};
	PB_CHECK_OBJ(&o, 1);
	PB_CHECK_OBJ(&o, 2);
}
END_TEST

START_TEST(owned_text_is_copied_and_taken)
{
	ck_assert_ptr_null(pb_strdup(NULL));
	PB_CLEANUP(pb_freep) char *a = pb_asprintf("%s-%d", "a", 1);
	ck_assert_str_eq(a, "a-1");
	PB_CLEANUP(pb_freep) char *b = pb_strndup("abc", 2);
	ck_assert_str_eq(b, "ab");
	char *taken = PB_TAKE(b);
	ck_assert_ptr_null(b);
	free(taken);
	PB_CLEANUP(pb_freep) char *none = pb_strndup(NULL, 0);
	ck_assert_str_eq(none, "");
}
END_TEST

/* --- the log */

struct caught {
	int n;
	enum pb_log_level level;
	char message[64], incident[64];
};

static void
catch_entry(
    enum pb_log_level level, const struct pb_log_fields *fields, const char *message, void *arg)
{
	struct caught *c = arg;
	c->n++;
	c->level = level;
	snprintf(c->message, sizeof(c->message), "%s", message);
	snprintf(c->incident, sizeof(c->incident), "%s",
	    fields != NULL && fields->incident != NULL ? fields->incident : "");
}

START_TEST(entries_go_to_the_sink_up_to_the_level)
{
	struct caught c = {0};
	pb_log_set_sink(catch_entry, &c);
	errno = EBADF;
	pb_warn("%d left", 3);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_str_eq(c.message, "3 left");
	ck_assert_int_eq(c.level, PB_LOG_WARNING);
	pb_debug("hidden");
	ck_assert_int_eq(c.n, 1);
	pb_log_set_level(PB_LOG_DEBUG);
	const struct pb_log_fields f = {.incident = "i1"};
	pb_log_with(PB_LOG_DEBUG, &f, "%s", "");
	ck_assert_int_eq(c.n, 2);
	ck_assert_str_eq(c.message, "");
	ck_assert_str_eq(c.incident, "i1");
	pb_log_set_level(PB_LOG_ERR);
	pb_warn("hidden");
	ck_assert_int_eq(c.n, 2);
}
END_TEST

/* What one call writes to stderr through the default sink. */
static char *
stderr_of(void (*call)(void))
{
	int pipe_fd[2];
	char text[16384];
	ck_assert_int_eq(pipe(pipe_fd), 0);
	int saved = dup(STDERR_FILENO);
	dup2(pipe_fd[1], STDERR_FILENO);
	call();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fd[1]);
	/* One write gives one read of a pipe. */
	ssize_t n = read(pipe_fd[0], text, sizeof(text));
	close(pipe_fd[0]);
	ck_assert_int_ge(n, 0);
	return pb_strndup(text, (size_t)n);
}

static void
log_one(void)
{
	const struct pb_log_fields f = {.incident = "i1", .playbook = "", .step = "a\nb"};
	pb_log_with(PB_LOG_WARNING, &f, "bad \033[31m\nline");
}

static void
log_long(void)
{
	PB_CLEANUP(pb_freep) char *text = pb_malloc(10001);
	memset(text, 'x', 10000);
	text[10000] = '\0';
	pb_err("%s", text);
}

START_TEST(the_default_sink_writes_one_readable_line)
{
	pb_log_set_form(PB_LOG_FORM_LINE);
	PB_CLEANUP(pb_freep) char *line = stderr_of(log_one);
	ck_assert_uint_gt(strlen(line), 21);
	ck_assert_int_eq(line[10], 'T');
	ck_assert_str_eq(line + 19, "Z warning bad \\x1b[31m\\nline [incident=i1 step=a\\nb]\n");
	PB_CLEANUP(pb_freep) char *cut = stderr_of(log_long);
	ck_assert_uint_lt(strlen(cut), 9000);
	ck_assert_str_eq(cut + strlen(cut) - 5, "x...\n");
}
END_TEST

START_TEST(the_journal_gets_the_priority_as_a_prefix)
{
	pb_log_set_form(PB_LOG_FORM_PREFIX);
	PB_CLEANUP(pb_freep) char *line = stderr_of(log_one);
	ck_assert_str_eq(line, "<4>bad \\x1b[31m\\nline [incident=i1 step=a\\nb]\n");
}
END_TEST

static void
log_as_journal(void)
{
	struct stat st;
	char stream[64];
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	pb_notice("x");
}

static void
log_with_another_stderr(void)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	pb_notice("x");
}

START_TEST(the_journal_is_known_by_its_stream)
{
	PB_CLEANUP(pb_freep) char *line = stderr_of(log_as_journal);
	ck_assert_str_eq(line, "<5>x\n");
	pb_log_set_form(PB_LOG_FORM_AUTO);
	PB_CLEANUP(pb_freep) char *other = stderr_of(log_with_another_stderr);
	ck_assert_str_eq(other + 19, "Z notice x\n");
}
END_TEST

static void
add_aborting(Suite *s, const char *name, const TTest *test)
{
	TCase *tc = tcase_create(name);
	tcase_add_test_raise_signal(tc, test, SIGABRT);
	suite_add_tcase(s, tc);
}

PB_SUITE(error)
{
	pb_add(s, an_error_is_filled_and_wrapped);
	pb_add(s, an_error_may_be_filled_from_itself);
	pb_add(s, no_error_is_wanted);
	pb_add(s, long_text_is_cut_with_dots);
	pb_add(s, errno_decides_the_kind);
	pb_add(s, every_kind_has_a_name);
	add_aborting(s, "a_broken_claim_ends_the_process", a_broken_claim_ends_the_process);
	add_aborting(s, "a_wrong_object_ends_the_process", a_wrong_object_ends_the_process);
	pb_add(s, owned_text_is_copied_and_taken);
	pb_add(s, entries_go_to_the_sink_up_to_the_level);
	pb_add(s, the_default_sink_writes_one_readable_line);
	pb_add(s, the_journal_gets_the_priority_as_a_prefix);
	pb_add(s, the_journal_is_known_by_its_stream);
}
