/*
 * What becomes of the store at start, and of what happened without it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_world.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/storage.h"
#include "io/file.h"

struct fixture {
	char dir[64];
	char *state, *marker;
	struct pb_buf log;
};

static void
sink(enum pb_log_level level, const struct pb_log_fields *fields, const char *message, void *arg)
{
	struct fixture *f = arg;
	(void)fields;
	(void)pb_buf_addf(&f->log, "%d %s\n", (int)level, message);
}

static void
setup(struct fixture *f)
{
	*f = (struct fixture){.dir = "/tmp/pb-storage-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	f->state = pb_asprintf("%s/state", f->dir);
	f->marker = pb_asprintf("%s/sock.store-failed", f->dir);
	pb_log_set_sink(sink, f);
}

static void
teardown(struct fixture *f)
{
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("rm -rf -- '%s'", f->dir);
	ck_assert_int_eq(system(command), 0);
	pb_log_set_sink(NULL, NULL);
	pb_buf_fini(&f->log);
	free(f->state);
	free(f->marker);
}

static void
open_it(struct fixture *f, struct pb_storage *ret)
{
	struct pb_error err;
	if (pb_storage_open(f->state, f->marker, ret, &err) < 0)
		ck_abort_msg("%s", err.text);
}

#define ck_logged(f, part) ck_assert_msg(strstr((f)->log.ptr, part) != NULL, "%s", (f)->log.ptr)

START_TEST(a_sound_store_is_used_in_silence)
{
	struct fixture f;
	struct pb_storage s = {0};
	setup(&f);
	open_it(&f, &s);
	ck_assert(!s.is_degraded);
	ck_assert_ptr_null(s.readable);
	ck_assert_uint_eq(f.log.len, 0);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

/* A process of its own, which ends as the daemon does. */
static void
break_a_claim(struct fixture *f)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		pb_storage_watch(f->marker);
		pb_check(f == NULL);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

START_TEST(a_store_that_breaks_claims_again_and_again_is_set_aside)
{
	struct fixture f;
	struct pb_storage s = {0};
	setup(&f);
	for (int i = 0; i < 3; i++) {
		open_it(&f, &s);
		ck_assert(!s.is_rebuilt);
		pb_storage_fini(&s);
		ck_assert_uint_eq(f.log.len, 0);
		break_a_claim(&f);
	}
	open_it(&f, &s);
	ck_assert(s.is_rebuilt && !s.is_degraded);
	ck_logged(&f, "ended 3 times within 10m (");
	ck_logged(&f, "f == NULL): the store that leads to it is kept beside");
	PB_CLEANUP(pb_freep)
	char *look = pb_asprintf("ls '%s' | grep -q '^playbookd.db.damaged-'", f.state);
	ck_assert_int_eq(system(look), 0);
	pb_storage_fini(&s);
	/* And not for ever: the count begins anew. */
	open_it(&f, &s);
	ck_assert(!s.is_rebuilt);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

/* Those of last week are not counted, nor what is no line of ours. */
START_TEST(old_broken_claims_are_forgotten)
{
	struct fixture f;
	struct pb_storage s = {0};
	struct pb_error err;
	setup(&f);
	PB_CLEANUP(pb_freep) char *claims = pb_asprintf("%s.claims", f.marker);
	ck_assert_int_eq(pb_file_write(claims, 0600,
			     PB_STR("1000 a\n2000 b\n3000 c\nnonsense\n\n9999999999999 d\n"), &err),
	    0);
	open_it(&f, &s);
	ck_assert(!s.is_rebuilt);
	ck_assert_int_ne(access(claims, F_OK), 0);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

START_TEST(a_store_in_use_refuses_the_start)
{
	struct fixture f;
	struct pb_storage first = {0}, second = {0};
	struct pb_error err;
	setup(&f);
	open_it(&f, &first);
	ck_assert_int_eq(pb_storage_open(f.state, f.marker, &second, &err), -1);
	ck_assert_int_eq(err.kind, PB_EXISTS);
	pb_storage_fini(&first);
	teardown(&f);
}
END_TEST

START_TEST(a_damaged_store_is_set_aside_loudly)
{
	struct fixture f;
	struct pb_storage s = {0};
	struct pb_error err;
	setup(&f);
	ck_assert_int_eq(mkdir(f.state, 0700), 0);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", f.state, PB_STORE_FILE);
	ck_assert_int_eq(pb_file_write(path, 0600, PB_STR("not a store at all"), &err), 0);
	open_it(&f, &s);
	ck_assert(!s.is_degraded);
	ck_logged(&f, "3 the store was damaged");
	ck_logged(&f, "playbookd.db.damaged-");
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

START_TEST(a_folder_that_cannot_be_had_means_degraded)
{
	struct fixture f;
	struct pb_storage s = {0};
	struct pb_error err;
	setup(&f);
	/* The parent is a file: neither made nor read. */
	ck_assert_int_eq(pb_file_write(f.state, 0600, PB_STR(""), &err), 0);
	PB_CLEANUP(pb_freep) char *below = pb_asprintf("%s/below/state", f.state);
	ck_assert_int_eq(pb_storage_open(below, f.marker, &s, &err), 0);
	ck_assert(s.is_degraded);
	ck_assert_ptr_nonnull(s.store);
	ck_assert_ptr_null(s.readable);
	ck_assert_ptr_nonnull(
	    strstr(s.why, "the store cannot be written, so nothing is remediated"));
	ck_logged(&f, "starting degraded");
	ck_assert_int_eq(pb_storage_return(below, s.store, &err), -1);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

START_TEST(word_of_a_failure_makes_the_next_start_degraded_once)
{
	struct fixture f;
	struct pb_storage s = {0};
	setup(&f);
	open_it(&f, &s);
	pb_storage_fini(&s);
	pb_storage_failed(f.marker, "disk full");
	open_it(&f, &s);
	ck_assert(s.is_degraded);
	ck_assert_ptr_nonnull(s.readable);
	ck_assert_ptr_nonnull(strstr(s.why, "the store failed in the run before: disk full"));
	pb_storage_fini(&s);
	open_it(&f, &s);
	ck_assert(!s.is_degraded);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

static int
take_first(const struct pb_record *r, void *arg, struct pb_error *err)
{
	char **ret = arg;
	(void)err;
	free(*ret);
	*ret = pb_asprintf("%s %s %lld", r->key, r->state, (long long)r->at);
	return 0;
}

START_TEST(what_happened_without_the_disk_is_handed_over)
{
	struct fixture f;
	struct pb_storage s = {0};
	struct pb_error err;
	setup(&f);
	open_it(&f, &s);
	pb_storage_fini(&s);
	pb_storage_failed(f.marker, "disk full");
	open_it(&f, &s);
	for (int64_t at = 1000; at <= 2000; at += 1000) {
		struct pb_update *u = pb_update_new(at);
		pb_update_put(u, PB_REC_LADDER, "20261123-1", "20261123-1",
		    at == 1000 ? "paging" : "acked", json_object());
		for (int i = 0; i < 600; i++)
			pb_update_note(
			    u, "20261123-1", "", "", "ack", "note of %lld", (long long)at);
		ck_assert_int_eq(pb_store_commit(s.store, u, &err), 0);
		pb_update_free(u);
	}
	/* Whoever looks read-only must have gone. */
	pb_store_close(PB_TAKE(s.readable));
	if (pb_storage_return(f.state, s.store, &err) < 0)
		ck_abort_msg("%s", err.text);
	pb_storage_fini(&s);

	open_it(&f, &s);
	PB_CLEANUP(pb_freep) char *ladder = NULL;
	PB_JSON json_t *counts = NULL;
	ck_assert_int_eq(pb_store_each(s.store, PB_REC_LADDER, take_first, &ladder, &err), 0);
	ck_assert_str_eq(ladder, "20261123-1 acked 2000");
	ck_assert_int_eq(pb_store_counts(s.store, &counts, &err), 0);
	ck_assert_int_eq(pb_json_i64(counts, "notes", 0), 1200);
	ck_assert_int_ge(pb_store_highest_at(s.store), 2000);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

static void
put(struct pb_update *u, enum pb_record_kind kind, const char *key)
{
	pb_update_put(u, kind, key, "", "active", json_object());
}

/* What was ended meanwhile would go on: a silence, a stop of remediation. */
START_TEST(what_was_dropped_without_the_disk_is_dropped_there)
{
	struct fixture f;
	struct pb_storage s = {0};
	struct pb_error err;
	char *silence = NULL, *control = NULL;
	setup(&f);
	open_it(&f, &s);
	struct pb_update *u = pb_update_new(1000);
	put(u, PB_REC_SILENCE, "s1");
	put(u, PB_REC_CONTROL, "remediation");
	ck_assert_int_eq(pb_store_commit(s.store, u, &err), 0);
	pb_update_free(u);
	pb_storage_fini(&s);
	pb_storage_failed(f.marker, "disk full");
	open_it(&f, &s);
	u = pb_update_new(2000);
	pb_update_drop(u, PB_REC_SILENCE, "s1");
	pb_update_drop(u, PB_REC_CONTROL, "remediation");
	ck_assert_int_eq(pb_store_commit(s.store, u, &err), 0);
	pb_update_free(u);
	u = pb_update_new(3000); /* stopped again */
	put(u, PB_REC_CONTROL, "remediation");
	ck_assert_int_eq(pb_store_commit(s.store, u, &err), 0);
	pb_update_free(u);
	pb_store_close(PB_TAKE(s.readable));
	ck_assert_int_eq(pb_storage_return(f.state, s.store, &err), 0);
	pb_storage_fini(&s);

	open_it(&f, &s);
	ck_assert_int_eq(pb_store_each(s.store, PB_REC_SILENCE, take_first, &silence, &err), 0);
	ck_assert_ptr_null(silence);
	ck_assert_int_eq(pb_store_each(s.store, PB_REC_CONTROL, take_first, &control, &err), 0);
	ck_assert_str_eq(control, "remediation active 3000");
	free(control);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

START_TEST(the_last_configuration_is_the_one_of_the_latest_time)
{
	struct fixture f;
	struct pb_storage s = {0};
	struct pb_error err;
	PB_CLEANUP(pb_config_unrefp)
	struct pb_config *none = NULL, *made = api_config_make(), *last = NULL;
	setup(&f);
	open_it(&f, &s);
	ck_assert_int_eq(pb_storage_last_config(s.store, &none, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	struct pb_update *u = pb_update_new(2000);
	pb_update_put(u, PB_REC_CONFIG, made->digest, "", "", pb_config_to_json(made));
	ck_assert_int_eq(pb_store_commit(s.store, u, &err), 0);
	pb_update_free(u);
	u = pb_update_new(1000);
	pb_update_put(u, PB_REC_CONFIG, "older", "", "", json_object());
	ck_assert_int_eq(pb_store_commit(s.store, u, &err), 0);
	pb_update_free(u);
	if (pb_storage_last_config(s.store, &last, &err) < 0)
		ck_abort_msg("%s", err.text);
	ck_assert_str_eq(last->digest, made->digest);
	pb_storage_fini(&s);
	teardown(&f);
}
END_TEST

PB_SUITE(storage)
{
	pb_add(s, a_sound_store_is_used_in_silence);
	pb_add(s, a_store_that_breaks_claims_again_and_again_is_set_aside);
	pb_add(s, old_broken_claims_are_forgotten);
	pb_add(s, a_store_in_use_refuses_the_start);
	pb_add(s, a_damaged_store_is_set_aside_loudly);
	pb_add(s, a_folder_that_cannot_be_had_means_degraded);
	pb_add(s, word_of_a_failure_makes_the_next_start_degraded_once);
	pb_add(s, what_happened_without_the_disk_is_handed_over);
	pb_add(s, what_was_dropped_without_the_disk_is_dropped_there);
	pb_add(s, the_last_configuration_is_the_one_of_the_latest_time);
}
