/*
 * Whole files.
 */
#include "io/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/io/helper.h"

START_TEST(a_file_written_is_read_back)
{
	char *path = io_tmpfile("a");
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct stat st;
	int64_t at = 0;
	ck_assert_int_eq(pb_file_write(path, 0640, PB_STR("one\0two"), NULL), 0);
	ck_assert_int_eq(pb_file_read(path, 0, &b, NULL), 0);
	ck_assert_uint_eq(b.len, 7);
	ck_assert_mem_eq(b.ptr, "one\0two", 7);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(pb_file_mtime(path, &at, NULL), 0);
	ck_assert_int_lt(llabs(at - pb_clock_wall()), 60000);
	ck_assert_int_eq(pb_file_write(path, 0600, PB_STR(""), NULL), 0);
	ck_assert_int_eq(pb_file_read(path, 0, &b, NULL), 0);
	ck_assert_uint_eq(b.len, 0);
	free(path);
}
END_TEST

START_TEST(a_file_at_the_cap_passes_and_one_beyond_does_not)
{
	char *path = io_tmpfile("a");
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err;
	ck_assert_int_eq(pb_file_write(path, 0600, PB_STR("12345"), NULL), 0);
	ck_assert_int_eq(pb_file_read(path, 5, &b, &err), 0);
	ck_assert_int_eq(pb_file_read(path, 4, &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_str_eq(b.ptr, "12345");
	free(path);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
	char *fifo = io_tmpfile("fifo"), *missing = io_tmpfile("missing"),
	     *under = io_tmpfile("f/x");
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err;
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(pb_file_read(fifo, 0, &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_INVALID);
	ck_assert_int_eq(pb_file_read(io_tmpdir(), 0, &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_INVALID);
	ck_assert_ptr_nonnull(strstr(err.text, "directory"));
	ck_assert_int_eq(pb_file_read(missing, 0, &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	ck_assert_int_eq(pb_file_read(under, 0, &b, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	int64_t at = 5;
	ck_assert_int_eq(pb_file_mtime(missing, &at, &err), -1);
	ck_assert_int_eq(at, 5);
	free(fifo);
	free(missing);
	free(under);
}
END_TEST

START_TEST(a_write_that_fails_leaves_the_old_file)
{
	char *dir = io_tmpfile("d"), *path = io_tmpfile("d/f"), *inside = io_tmpfile("d/f/g");
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err;
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(pb_file_write(path, 0600, PB_STR("old"), NULL), 0);
	ck_assert_int_eq(pb_file_write(inside, 0600, PB_STR("new"), &err), -1);
	ck_assert_int_eq(pb_file_write(dir, 0600, PB_STR("new"), &err), -1);
	ck_assert_int_eq(pb_file_read(path, 0, &b, NULL), 0);
	ck_assert_str_eq(b.ptr, "old");
	struct pb_file_list l;
	ck_assert_int_eq(pb_file_list(io_tmpdir(), ".tmp", &l, NULL), 0);
	ck_assert_uint_eq(l.n, 0);
	pb_file_list_fini(&l);
	free(dir);
	free(path);
	free(inside);
}
END_TEST

START_TEST(a_listing_is_in_byte_order_and_by_suffix)
{
	static const char *const names[] = {
	    "b.yaml", "a.yaml", "B.yaml", ".hidden.yaml", "a.yml", "10.yaml", "2.yaml", "yaml"};
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++) {
		char *path = io_tmpfile(names[i]);
		ck_assert_int_eq(pb_file_write(path, 0600, PB_STR("x"), NULL), 0);
		free(path);
	}
	PB_CLEANUP(pb_file_list_fini) struct pb_file_list l = {0};
	ck_assert_int_eq(pb_file_list(io_tmpdir(), ".yaml", &l, NULL), 0);
	static const char *const expect[] = {"10.yaml", "2.yaml", "B.yaml", "a.yaml", "b.yaml"};
	ck_assert_uint_eq(l.n, PB_ARRAY_LEN(expect));
	for (size_t i = 0; i < l.n; i++)
		ck_assert_str_eq(l.names[i], expect[i]);
	pb_file_list_fini(&l);
	ck_assert_int_eq(pb_file_list(io_tmpdir(), NULL, &l, NULL), 0);
	ck_assert_uint_eq(l.n, 7);
	struct pb_error err;
	ck_assert_int_eq(pb_file_list("/nonexistent", NULL, &l, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
	int fds[2];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "abc", 3), 3);
	close(fds[1]);
	ck_assert_int_eq(pb_file_read_fd(fds[0], "stdin", 0, &b, NULL), 0);
	ck_assert_str_eq(b.ptr, "abc");
	close(fds[0]);
	struct pb_error err;
	ck_assert_int_eq(pb_file_read_fd(-1, "stdin", 0, &b, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "stdin"));
}
END_TEST

PB_SUITE(file)
{
	pb_add(s, a_file_written_is_read_back);
	pb_add(s, a_file_at_the_cap_passes_and_one_beyond_does_not);
	pb_add(s, what_is_no_regular_file_is_refused);
	pb_add(s, a_write_that_fails_leaves_the_old_file);
	pb_add(s, a_listing_is_in_byte_order_and_by_suffix);
	pb_add(s, a_pipe_is_read_to_its_end);
}
