/*
 * Commits: what goes in comes out, whole updates only.
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/crashvfs.h"
#include "tests/unit/store/fixture.h"

struct found {
	const struct pb_record *like;
	size_t n;
};

static int
compare(const struct pb_record *r, void *arg, struct pb_error *err)
{
	struct found *f = arg;
	(void)err;
	ck_assert_int_eq(r->kind, f->like->kind);
	ck_assert_str_eq(r->key, f->like->key);
	ck_assert_str_eq(r->incident, f->like->incident);
	ck_assert_str_eq(r->state, f->like->state);
	ck_assert_int_eq(r->at, f->like->at);
	ck_assert_int_eq(json_equal(r->body, f->like->body), 1);
	f->n++;
	return 0;
}

START_TEST(a_record_of_each_kind_comes_back_after_a_restart)
{
	enum pb_record_kind kind = (enum pb_record_kind)_i;
	char *dir = make_folder();
	struct pb_store *s = open_store(dir);
	struct pb_update *u = pb_update_new(1234567890123);
	pb_update_put(u, kind, "arn:aws:x/\xc3\xa4 '\";--", "20261123-1", "waiting",
	    json_pack("{s:s, s:I, s:[f,n,b], s:{}}", "text", "a\nb\\\"\xf0\x9f\x94\xa5", "big",
		(json_int_t)INT64_MIN, "list", 0.1, 1, "empty"));
	struct pb_error err = {0};
	ck_assert_int_eq(pb_store_commit(s, u, &err), 0);
	pb_store_close(s);

	s = open_store(dir);
	struct found f = {.like = &u->records[0]};
	ck_assert_int_eq(pb_store_each(s, kind, compare, &f, &err), 0);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_int_eq(pb_store_highest_at(s), 1234567890123);
	pb_update_free(u);
	pb_store_close(s);
	drop_folder(dir);
}
END_TEST

START_TEST(a_put_replaces_and_a_drop_removes)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	struct pb_update *u = pb_update_new(1);
	pb_update_put(u, PB_REC_STEP, "1/a", "1", "running", json_pack("{s:i}", "n", 1));
	pb_update_put(u, PB_REC_STEP, "1/b", "1", "idle", json_object());
	pb_update_put(u, PB_REC_ALARM, "arn", "", "OK", json_object());
	commit(s, u);
	u = pb_update_new(2);
	pb_update_put(u, PB_REC_STEP, "1/a", "1", "failed", json_pack("{s:i}", "n", 2));
	pb_update_drop(u, PB_REC_STEP, "1/b");
	pb_update_drop(u, PB_REC_ALARM, "arn");
	pb_update_drop(u, PB_REC_RUN, "there is none");
	commit(s, u);

	PB_CLEANUP(pb_freep) char *text = dump(s);
	ck_assert_str_eq(text, "step|1/a|1|failed|2|{\"n\":2}\n");
	pb_store_close(s);
}
END_TEST

START_TEST(the_last_word_on_a_record_in_one_update_counts)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	struct pb_update *u = pb_update_new(1);
	pb_update_put(u, PB_REC_RUN, "1", "1", "active", json_object());
	pb_update_drop(u, PB_REC_SEEN, "x");
	pb_update_put(u, PB_REC_RUN, "1", "1", "passed", json_object());
	pb_update_put(u, PB_REC_SEEN, "x", "", "", json_object());
	ck_assert_uint_eq(u->n_records, 2);
	commit(s, u);
	PB_CLEANUP(pb_freep) char *text = dump(s);
	ck_assert_str_eq(text, "seen|x|||1|{}\nrun|1|1|passed|1|{}\n");
	pb_store_close(s);
}
END_TEST

START_TEST(the_highest_time_never_falls)
{
	char *dir = make_folder();
	struct pb_store *s = open_store(dir);
	ck_assert_int_eq(pb_store_highest_at(s), 0);
	commit(s, pb_update_new(500));
	commit(s, pb_update_new(300));
	ck_assert_int_eq(pb_store_highest_at(s), 500);
	pb_store_close(s);
	s = open_store(dir);
	ck_assert_int_eq(pb_store_highest_at(s), 500);
	pb_store_close(s);
	drop_folder(dir);
}
END_TEST

/* An event of the greatest depth that is let in, wrapped in members of ours. */
START_TEST(a_body_deeper_than_what_the_outside_may_send_comes_back)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	json_t *body = json_object();
	for (int i = 0; i < PB_JSON_DEPTH_MAX + 8; i++)
		body = json_pack("{s:o}", "in", body);
	struct pb_update *u = pb_update_new(1);
	pb_update_put(u, PB_REC_ACTION, "1", "1", "sending", body);
	struct pb_error err = {0};
	ck_assert_int_eq(pb_store_commit(s, u, &err), 0);
	struct found f = {.like = &u->records[0]};
	ck_assert_int_eq(pb_store_each(s, PB_REC_ACTION, compare, &f, &err), 0);
	ck_assert_uint_eq(f.n, 1);
	pb_update_free(u);
	pb_store_close(s);
}
END_TEST

static int
stop_at_two(const struct pb_record *r, void *arg, struct pb_error *err)
{
	size_t *n = arg;
	return ++*n == 2 ? pb_fail(err, PB_INVALID, "enough at %s", r->key) : 0;
}

START_TEST(a_walk_ends_where_its_taker_says_so)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	struct pb_update *u = pb_update_new(1);
	for (int i = 0; i < 5; i++) {
		char key[16];
		(void)snprintf(key, sizeof(key), "k%d", i);
		pb_update_put(u, PB_REC_ALARM, key, "", "OK", json_object());
	}
	commit(s, u);
	size_t n = 0;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_store_each(s, PB_REC_ALARM, stop_at_two, &n, &err), -1);
	ck_assert_str_eq(err.text, "enough at k1");
	pb_store_close(s);
}
END_TEST

START_TEST(the_latest_of_a_kind_is_read_alone)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	struct pb_error err = {0};
	struct pb_update *us[3];
	static const int64_t times[] = {1000, 3000, 2000};
	struct found f = {0};
	ck_assert_int_eq(pb_store_latest(s, PB_REC_CONFIG, compare, &f, &err), 0);
	ck_assert_uint_eq(f.n, 0);
	for (int i = 0; i < 3; i++) {
		char key[16];
		(void)snprintf(key, sizeof(key), "k%d", i);
		us[i] = pb_update_new(times[i]);
		pb_update_put(us[i], PB_REC_CONFIG, key, "", "", json_object());
		ck_assert_int_eq(pb_store_commit(s, us[i], &err), 0);
	}
	f.like = &us[1]->records[0];
	ck_assert_int_eq(pb_store_latest(s, PB_REC_CONFIG, compare, &f, &err), 0);
	ck_assert_uint_eq(f.n, 1);
	for (int i = 0; i < 3; i++)
		pb_update_free(us[i]);
	pb_store_close(s);
}
END_TEST

/* --- failing disks */

static struct pb_update *
large_update(int64_t at, size_t n)
{
	struct pb_update *u = pb_update_new(at);
	char filler[4000], key[32];
	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(key, sizeof(key), "%lld/%zu", (long long)at, i);
		pb_update_put(
		    u, PB_REC_QUARANTINE, key, "", "kept", json_pack("{s:s}", "m", filler));
	}
	pb_update_note(u, "", "", "", "test", "update %lld", (long long)at);
	return u;
}

START_TEST(a_full_disk_leaves_nothing_of_a_commit)
{
	struct crashvfs *v = crashvfs_new("full");
	const struct pb_store_options o = {.vfs = "full"};
	struct pb_store *s = open_with("disk", &o);
	commit(s, large_update(1, 2));
	PB_CLEANUP(pb_freep) char *before = dump(s);

	crashvfs_set_room(v, 400000);
	struct pb_error err = {0};
	struct pb_update *u = large_update(2, 200);
	ck_assert_int_eq(pb_store_commit(s, u, &err), -1);
	pb_update_free(u);
	ck_assert_int_eq(err.kind, PB_IO);
	ck_assert_ptr_nonnull(strstr(err.text, "disk/playbookd.db"));
	ck_assert_ptr_nonnull(strstr(err.text, "database or disk is full (13)"));
	ck_assert_ptr_nonnull(strstr(err.text, "free space"));
	PB_CLEANUP(pb_freep) char *after = dump(s);
	ck_assert_str_eq(after, before);
	ck_assert_int_eq(pb_store_highest_at(s), 1);

	/* With room again the same handle is as good as before, and so is the file. */
	crashvfs_set_room(v, 0);
	commit(s, large_update(3, 3));
	PB_CLEANUP(pb_freep) char *then = dump(s);
	pb_store_close(s);
	s = open_with("disk", &o);
	PB_CLEANUP(pb_freep) char *again = dump(s);
	ck_assert_str_eq(again, then);
	pb_store_close(s);
	crashvfs_free(v);
}
END_TEST

START_TEST(a_disk_without_room_is_found_at_open)
{
	struct crashvfs *v = crashvfs_new("full");
	const struct pb_store_options o = {.vfs = "full"};
	struct pb_store *s = open_with("disk", &o);
	commit(s, large_update(1, 2));
	PB_CLEANUP(pb_freep) char *before = dump(s);
	pb_store_close(s);
	crashvfs_set_room(v, 1);
	free(refuse_open("disk", &o, PB_IO, "full (13)"));
	const struct pb_store_options look = {.vfs = "full", .read_only = true};
	s = open_with("disk", &look);
	PB_CLEANUP(pb_freep) char *after = dump(s);
	ck_assert_str_eq(after, before);
	pb_store_close(s);
	crashvfs_free(v);
}
END_TEST

START_TEST(a_failed_sync_is_a_failed_commit)
{
	struct crashvfs *v = crashvfs_new("power");
	const struct pb_store_options o = {.vfs = "power"};
	struct pb_store *s = open_with("disk", &o);
	commit(s, large_update(1, 1));
	crashvfs_arm(v, 1, CRASHVFS_LOSE, 1);
	struct pb_error err = {0};
	struct pb_update *u = large_update(2, 1);
	ck_assert_int_eq(pb_store_commit(s, u, &err), -1);
	pb_update_free(u);
	ck_assert_int_eq(err.kind, PB_IO);
	ck_assert_ptr_nonnull(strstr(err.text, "disk I/O error (778)"));
	pb_store_close(s);
	crashvfs_free(v);
}
END_TEST

PB_SUITE(store_commit)
{
	pb_add_loop(s, a_record_of_each_kind_comes_back_after_a_restart, 0, PB_REC_MAX);
	pb_add(s, a_put_replaces_and_a_drop_removes);
	pb_add(s, the_last_word_on_a_record_in_one_update_counts);
	pb_add(s, the_highest_time_never_falls);
	pb_add(s, a_body_deeper_than_what_the_outside_may_send_comes_back);
	pb_add(s, a_walk_ends_where_its_taker_says_so);
	pb_add(s, the_latest_of_a_kind_is_read_alone);
	pb_add(s, a_full_disk_leaves_nothing_of_a_commit);
	pb_add(s, a_disk_without_room_is_found_at_open);
	pb_add(s, a_failed_sync_is_a_failed_commit);
}
