/*
 * Opening: what is refused, with which words, and what is found damaged.
 */
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/rand.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/fixture.h"

static void
sql(const char *dir, const char *text)
{
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	sqlite3 *db;
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(
	    sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* A folder with a closed store of a few incidents. */
static char *
make_filled(void)
{
	char *dir = make_folder();
	struct pb_store *s = open_store(dir);
	struct pb_update *u = pb_update_new(1000);
	for (int i = 1; i <= 60; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), "20261123-%d", i);
		put_incident(u, id, i % 2 == 0 ? "resolved" : "running", "sent");
	}
	pb_update_put(u, PB_REC_ALARM, "arn", "", "ALARM", json_object());
	commit(s, u);
	pb_store_close(s);
	return dir;
}

static char *
dump_dir(const char *dir, const struct pb_store_options *o)
{
	struct pb_store *s = open_with(dir, o);
	char *text = dump(s);
	pb_store_close(s);
	return text;
}

START_TEST(a_new_store_is_for_its_owner_only)
{
	char *dir = make_folder();
	PB_CLEANUP(pb_freep) char *inner = pb_asprintf("%s/state", dir);
	PB_CLEANUP(pb_freep) char *path = db_path(inner);
	pb_store_close(open_store(inner));
	struct stat st;
	ck_assert_int_eq(stat(inner, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	drop_folder(dir);
}
END_TEST

START_TEST(a_store_from_a_newer_version_is_refused_and_left_alone)
{
	char *dir = make_filled();
	sql(dir, "PRAGMA user_version=99");
	const struct pb_store_options rebuild = {.allow_rebuild = true};
	free(refuse_open(
	    dir, NULL, PB_UNSUPPORTED, "written by a newer playbookd (store version 99"));
	free(refuse_open(dir, &rebuild, PB_UNSUPPORTED, "install that one again"));
	sql(dir, "PRAGMA user_version=7");
	pb_store_close(open_store(dir));
	drop_folder(dir);
}
END_TEST

static int
count_one(const struct pb_record *r, void *arg, struct pb_error *err)
{
	(void)r, (void)err;
	(*(int *)arg)++;
	return 0;
}

START_TEST(a_store_of_an_older_version_is_read_as_it_is_and_brought_up_to_date)
{
	char *dir = make_filled();
	int n_before = 0, n_read = 0, n_after = 0;
	struct pb_store *s = open_store(dir);
	ck_assert_int_eq(pb_store_restore(s, count_one, &n_before, NULL), 0);
	pb_store_close(s);
	sql(dir,
	    "DROP TABLE guard; DROP TABLE silence; DROP TABLE control; DROP TABLE bundle;"
	    " DROP TABLE received; DROP TABLE window; DROP TABLE post; DROP TABLE inform;"
	    " DROP TABLE mutes;"
	    " PRAGMA user_version=1");

	const struct pb_store_options look = {.read_only = true};
	ck_assert_int_eq(pb_store_open(dir, &look, &s, NULL), 0);
	ck_assert_int_eq(pb_store_restore(s, count_one, &n_read, NULL), 0);
	pb_store_close(s);
	s = open_store(dir);
	ck_assert_int_eq(pb_store_restore(s, count_one, &n_after, NULL), 0);
	pb_store_close(s);
	ck_assert_int_gt(n_before, 0);
	ck_assert_int_eq(n_read, n_before);
	ck_assert_int_eq(n_after, n_before);
	drop_folder(dir);
}
END_TEST

START_TEST(a_database_of_something_else_is_refused_and_left_alone)
{
	char *dir = make_folder();
	sql(dir, "CREATE TABLE pets(name TEXT); INSERT INTO pets VALUES ('rex');");
	free(refuse_open(dir, NULL, PB_CORRUPT, "is an SQLite file of something else"));
	sql(dir, "UPDATE pets SET name = 'tim'");
	sql(dir, "PRAGMA application_id=7; DROP TABLE pets;");
	free(refuse_open(dir, NULL, PB_CORRUPT, "(application id 7)"));
	drop_folder(dir);
}
END_TEST

START_TEST(garbage_is_refused)
{
	char *dir = make_folder();
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	char junk[5000];
	memset(junk, 'j', sizeof(junk));
	write_file(path, junk, sizeof(junk));
	PB_CLEANUP(pb_freep)
	char *text = refuse_open(dir, NULL, PB_CORRUPT, "file is not a database (26)");
	ck_assert_ptr_nonnull(strstr(text, path));
	ck_assert_ptr_nonnull(strstr(text, "set it aside"));
	drop_folder(dir);
}
END_TEST

START_TEST(a_truncated_store_is_refused)
{
	char *dir = make_filled();
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	size_t len;
	PB_CLEANUP(pb_freep) char *data = read_file(path, &len);
	for (size_t keep = 100; keep < len; keep += len / 17 + 1) {
		write_file(path, data, keep);
		free(refuse_open(dir, NULL, PB_CORRUPT, path));
	}
	drop_folder(dir);
}
END_TEST

/*
 * Whatever one bit does: the store is refused, or its records are what was put in.  Notes have no
 * checksum.
 */
START_TEST(a_flipped_bit_is_never_believed)
{
	char *dir = make_filled();
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	PB_CLEANUP(pb_freep) char *before = dump_dir(dir, NULL);
	*strstr(before, "{\"seq\"") = '\0';
	size_t len;
	PB_CLEANUP(pb_freep) char *data = read_file(path, &len);
	struct pb_rand rand;
	pb_rand_seed(&rand, (uint64_t)_i + 1);
	int n_refused = 0;
	for (int i = 0; i < 400; i++) {
		size_t at = (size_t)pb_rand_below(&rand, i % 4 == 0 ? 4096 : (int64_t)len);
		char bit = (char)(1 << pb_rand_below(&rand, 8));
		data[at] = (char)(data[at] ^ bit);
		write_file(path, data, len);
		data[at] = (char)(data[at] ^ bit);
		struct pb_error err = {0};
		struct pb_store *s = NULL;
		if (pb_store_open(dir, NULL, &s, &err) < 0) {
			ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
			n_refused++;
			continue;
		}
		PB_CLEANUP(pb_freep) char *text = dump(s);
		pb_store_close(s);
		char *notes = strstr(text, "{\"seq\"");
		if (notes != NULL)
			*notes = '\0';
		ck_assert_msg(strcmp(text, before) == 0, "byte %zu bit %d: %s\n---\n%s", at, bit,
		    text, before);
	}
	ck_assert_int_gt(n_refused, 50);
	drop_folder(dir);
}
END_TEST

START_TEST(a_record_changed_behind_our_back_is_found_at_open)
{
	char *dir = make_filled();
	sql(dir, "UPDATE step SET body = '{\"attempts\":0}' WHERE key = '20261123-3/restart'");
	free(
	    refuse_open(dir, NULL, PB_CORRUPT, "the checksum of step 20261123-3/restart is wrong"));
	drop_folder(dir);
}
END_TEST

START_TEST(a_damaged_store_is_set_aside_where_that_is_allowed)
{
	char *dir = make_filled();
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	write_file(path, "this is not a database, is it?", 30);
	const struct pb_store_options o = {.allow_rebuild = true, .now_at = 1772529245000};
	struct pb_store *s = open_with(dir, &o);
	PB_CLEANUP(pb_freep) char *aside = pb_strdup(pb_store_set_aside_as(s));
	ck_assert_ptr_nonnull(strstr(aside, "/playbookd.db.damaged-20260303T091405Z"));
	ck_assert_ptr_nonnull(strstr(pb_store_damage(s), "(26)"));
	PB_CLEANUP(pb_freep) char *empty = dump(s);
	ck_assert_str_eq(empty, "");
	commit(s, pb_update_new(5));
	pb_store_close(s);
	size_t len;
	PB_CLEANUP(pb_freep) char *kept = read_file(aside, &len);
	ck_assert_uint_eq(len, 30);
	ck_assert_int_eq(memcmp(kept, "this is not", 11), 0);

	s = open_with(dir, &o);
	ck_assert_ptr_null(pb_store_set_aside_as(s));
	ck_assert_str_eq(pb_store_damage(s), "");
	ck_assert_int_eq(pb_store_highest_at(s), 5);
	pb_store_close(s);

	/* Again in the same second: nothing is overwritten. */
	ck_assert_int_eq(pb_store_set_aside(dir, o.now_at, NULL), 0);
	PB_CLEANUP(pb_freep) char *second = pb_asprintf("%s-2", aside);
	ck_assert_int_eq(access(second, F_OK), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	struct pb_error err = {0};
	ck_assert_int_eq(pb_store_set_aside(dir, o.now_at, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	drop_folder(dir);
}
END_TEST

/* Another process: locks are the process's. */
static int
open_in_child(const char *dir, bool read_only)
{
	(void)fflush(NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct pb_error err = {0};
		struct pb_store *s = NULL;
		const struct pb_store_options o = {
		    .read_only = read_only, .allow_rebuild = !read_only};
		int r = pb_store_open(dir, &o, &s, &err);
		bool is_right = r < 0 && err.kind == PB_EXISTS &&
		    strstr(err.text, "is in use by another playbookd") != NULL;
		if (!is_right)
			(void)fprintf(stderr, "%d %s\n", r, err.text);
		_exit(is_right ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(a_second_daemon_on_the_same_state_is_refused)
{
	char *dir = make_folder();
	struct pb_store *s = open_store(dir);
	ck_assert_int_eq(open_in_child(dir, false), 0);
	ck_assert_int_eq(open_in_child(dir, true), 0);
	free(refuse_open(dir, NULL, PB_EXISTS, "is in use by another playbookd"));
	commit(s, pb_update_new(3));
	ck_assert_int_eq(open_in_child(dir, false), 0);
	pb_store_close(s);
	pb_store_close(open_store(dir));
	drop_folder(dir);
}
END_TEST

START_TEST(a_folder_that_is_none_is_refused)
{
	char *dir = make_folder();
	PB_CLEANUP(pb_freep) char *file = pb_asprintf("%s/file", dir);
	PB_CLEANUP(pb_freep) char *deep = pb_asprintf("%s/no/such", dir);
	write_file(file, "x", 1);
	struct pb_store *s;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_store_open(file, NULL, &s, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, file));
	ck_assert_ptr_nonnull(strstr(err.text, "Not a directory"));
	free(refuse_open(deep, NULL, PB_NOT_FOUND, deep));
	const struct pb_store_options look = {.read_only = true};
	free(refuse_open(dir, &look, PB_NOT_FOUND, "cannot read it"));
	drop_folder(dir);
}
END_TEST

/* The tests may run as root, whom no mode stops: this process then becomes nobody. */
static void
become_nobody(const char *dir)
{
	if (geteuid() != 0)
		return;
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	ck_assert_int_eq(chown(dir, 65534, 65534), 0);
	if (access(path, F_OK) == 0)
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
	ck_assert_int_eq(setegid(65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
}

static void
become_root(void)
{
	if (getuid() == 0) {
		ck_assert_int_eq(seteuid(0), 0);
		ck_assert_int_eq(setegid(0), 0);
	}
}

START_TEST(a_folder_that_cannot_be_written_is_refused_and_can_be_looked_at)
{
	char *dir = make_filled();
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	PB_CLEANUP(pb_freep) char *before = dump_dir(dir, NULL);
	become_nobody(dir);
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_int_eq(chmod(dir, 0500), 0);
	free(refuse_open(dir, NULL, PB_DENIED, "must be writable"));
	const struct pb_store_options look = {.read_only = true};
	PB_CLEANUP(pb_freep) char *after = dump_dir(dir, &look);
	ck_assert_str_eq(after, before);

	/* Nothing there, and no right to make it. */
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(chmod(dir, 0500), 0);
	free(refuse_open(dir, NULL, PB_DENIED, path));
	ck_assert_int_eq(chmod(dir, 0700), 0);
	become_root();
	drop_folder(dir);
}
END_TEST

/* Leaves a store as a killed process does: what was committed is in the -wal. */
static void
fill_and_die(const char *dir)
{
	(void)fflush(NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct pb_store *s = open_store(dir);
		struct pb_update *u = pb_update_new(77);
		put_incident(u, "20261123-1", "waiting", "sending");
		commit(s, u);
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(a_look_at_what_a_killed_process_left_changes_nothing)
{
	char *dir = make_folder();
	PB_CLEANUP(pb_freep) char *path = db_path(dir);
	PB_CLEANUP(pb_freep) char *wal = pb_asprintf("%s-wal", path);
	fill_and_die(dir);
	size_t len, wal_len, len_after, wal_len_after;
	PB_CLEANUP(pb_freep) char *data = read_file(path, &len);
	PB_CLEANUP(pb_freep) char *wal_data = read_file(wal, &wal_len);
	ck_assert_uint_gt(wal_len, 4096);

	become_nobody(dir);
	ck_assert_int_eq(chmod(dir, 0500), 0);
	const struct pb_store_options look = {.read_only = true};
	become_root();
	PB_CLEANUP(pb_freep) char *seen = dump_dir(dir, &look);
	PB_CLEANUP(pb_freep) char *data_after = read_file(path, &len_after);
	PB_CLEANUP(pb_freep) char *wal_after = read_file(wal, &wal_len_after);
	ck_assert_uint_eq(len, len_after);
	ck_assert_uint_eq(wal_len, wal_len_after);
	ck_assert_mem_eq(data, data_after, len);
	ck_assert_mem_eq(wal_data, wal_after, wal_len);

	ck_assert_int_eq(chmod(dir, 0700), 0);
	struct pb_store *s = open_store(dir);
	PB_CLEANUP(pb_freep) char *text = dump(s);
	ck_assert_str_eq(text, seen);
	ck_assert_int_eq(pb_store_highest_at(s), 77);
	pb_store_close(s);
	drop_folder(dir);
}
END_TEST

START_TEST(a_store_that_is_only_looked_at_takes_no_commit)
{
	char *dir = make_filled();
	const struct pb_store_options look = {.read_only = true};
	struct pb_store *s = open_with(dir, &look);
	struct pb_update *u = pb_update_new(9);
	pb_update_note(u, "", "", "", "test", "x");
	struct pb_error err = {0};
	ck_assert_int_eq(pb_store_commit(s, u, &err), -1);
	ck_assert_int_eq(err.kind, PB_DENIED);
	ck_assert_ptr_nonnull(strstr(err.text, "attempt to write a readonly database (8)"));
	pb_update_free(u);
	pb_store_close(s);
	drop_folder(dir);
}
END_TEST

PB_SUITE(store_open)
{
	pb_add(s, a_new_store_is_for_its_owner_only);
	pb_add(s, a_store_from_a_newer_version_is_refused_and_left_alone);
	pb_add(s, a_store_of_an_older_version_is_read_as_it_is_and_brought_up_to_date);
	pb_add(s, a_database_of_something_else_is_refused_and_left_alone);
	pb_add(s, garbage_is_refused);
	pb_add(s, a_truncated_store_is_refused);
	pb_add_loop(s, a_flipped_bit_is_never_believed, 0, 4);
	pb_add(s, a_record_changed_behind_our_back_is_found_at_open);
	pb_add(s, a_damaged_store_is_set_aside_where_that_is_allowed);
	pb_add(s, a_second_daemon_on_the_same_state_is_refused);
	pb_add(s, a_folder_that_is_none_is_refused);
	pb_add(s, a_folder_that_cannot_be_written_is_refused_and_can_be_looked_at);
	pb_add(s, a_look_at_what_a_killed_process_left_changes_nothing);
	pb_add(s, a_store_that_is_only_looked_at_takes_no_commit);
}
