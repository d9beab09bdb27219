/*
 * Restoring, forgetting, and the API's questions.
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/fixture.h"

static struct pb_store *
memory(void)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	return s;
}

static void
add_incident(
    struct pb_store *s, int64_t at, const char *id, const char *state, const char *page_state)
{
	struct pb_update *u = pb_update_new(at);
	put_incident(u, id, state, page_state);
	commit(s, u);
}

static int
list_key(const struct pb_record *r, void *arg, struct pb_error *err)
{
	(void)err;
	(void)pb_buf_addf(arg, "%s:%s ", pb_record_kind_name(r->kind), r->key);
	return 0;
}

START_TEST(the_engine_gets_what_is_live_kind_after_kind)
{
	struct pb_store *s = memory();
	add_incident(s, 1, "20261123-1", "resolved", "sent");
	add_incident(s, 2, "20261123-2", "waiting", "sent");
	add_incident(s, 3, "20261123-3", "resolved", "retrying");
	struct pb_update *u = pb_update_new(4);
	pb_update_put(u, PB_REC_QUARANTINE, "q/1", "", "kept", json_object());
	pb_update_put(u, PB_REC_ALARM, "arn", "", "OK", json_object());
	pb_update_put(u, PB_REC_CONFIG, "digest", "", "", json_object());
	commit(s, u);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_int_eq(pb_store_restore(s, list_key, &b, NULL), 0);
	ck_assert_str_eq(b.ptr,
	    "config:digest alarm:arn event:20261123-2 event:20261123-3 incident:20261123-2 "
	    "incident:20261123-3 run:20261123-2 run:20261123-3 step:20261123-2/restart "
	    "step:20261123-3/restart ladder:20261123-2 ladder:20261123-3 "
	    "action:20261123-2/page/1.0/ana@pager action:20261123-3/page/1.0/ana@pager ");
	pb_store_close(s);
}
END_TEST

START_TEST(the_engine_gets_what_may_be_reopened)
{
	struct pb_store *s = memory();
	struct pb_update *u = pb_update_new(1000);
	static const struct {
		const char *id;
		int64_t reopen_until;
	} ended[] = {{"20261123-1", 5000}, {"20261123-2", 5001}, {"20261123-3", 0}};
	for (size_t i = 0; i < PB_ARRAY_LEN(ended); i++)
		pb_update_put(u, PB_REC_INCIDENT, ended[i].id, ended[i].id, "resolved",
		    json_pack("{s:I}", "reopen_until", (json_int_t)ended[i].reopen_until));
	commit(s, u);
	u = pb_update_new(5000); /* so late is it now */
	pb_update_put(u, PB_REC_ALARM, "arn", "", "OK", json_object());
	commit(s, u);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_int_eq(pb_store_restore(s, list_key, &b, NULL), 0);
	ck_assert_str_eq(b.ptr, "alarm:arn incident:20261123-2 ");
	const struct pb_store_retention what = {.resolved_before_at = 9000};
	int64_t n;
	ck_assert_int_eq(pb_store_prune(s, &what, &n, NULL), 0);
	b.len = 0;
	ck_assert_int_eq(pb_store_each(s, PB_REC_INCIDENT, list_key, &b, NULL), 0);
	ck_assert_str_eq(b.ptr, "incident:20261123-2 ");
	pb_store_close(s);
}
END_TEST

START_TEST(what_was_seen_comes_back_in_order_of_time)
{
	struct pb_store *s = memory();
	static const char *const keys[] = {"event|b", "event|a", "event|c"};
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++) {
		struct pb_update *u = pb_update_new((int64_t)i + 1);
		pb_update_put(u, PB_REC_SEEN, keys[i], "", "", json_object());
		commit(s, u);
	}
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_int_eq(pb_store_restore(s, list_key, &b, NULL), 0);
	ck_assert_str_eq(b.ptr, "seen:event|b seen:event|a seen:event|c ");
	pb_store_close(s);
}
END_TEST

static char *
ids_of(const json_t *page)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t i;
	const json_t *in;
	json_array_foreach (json_object_get(page, "incidents"), i, in)
		(void)pb_buf_addf(&b, "%s ", pb_json_str(in, "id"));
	return pb_buf_take(&b);
}

START_TEST(incidents_are_listed_newest_first_page_by_page)
{
	struct pb_store *s = memory();
	for (int i = 1; i <= 5; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), "20261123-%d", i);
		add_incident(s, i, id, i % 2 == 0 ? "resolved" : "running", "sent");
	}
	/* A change of an old one does not move it. */
	add_incident(s, 9, "20261123-1", "waiting", "sent");

	struct pb_store_list list = {.limit = 2};
	static const char *const pages[] = {
	    "20261123-5 20261123-4 ", "20261123-3 20261123-2 ", "20261123-1 "};
	for (size_t i = 0; i < PB_ARRAY_LEN(pages); i++) {
		PB_JSON json_t *page = NULL;
		ck_assert_int_eq(pb_store_incidents(s, &list, &page, NULL), 0);
		PB_CLEANUP(pb_freep) char *ids = ids_of(page);
		ck_assert_str_eq(ids, pages[i]);
		list.before = pb_json_i64(page, "next", 0);
		ck_assert_int_eq(list.before > 0, i < 2);
	}
	PB_JSON json_t *open = NULL;
	ck_assert_int_eq(
	    pb_store_incidents(s, &(struct pb_store_list){.open_only = true}, &open, NULL), 0);
	PB_CLEANUP(pb_freep) char *ids = ids_of(open);
	ck_assert_str_eq(ids, "20261123-5 20261123-3 20261123-1 ");
	const json_t *first = pb_json_path(open, PB_STR("incidents[2]"));
	ck_assert_str_eq(pb_json_str(first, "state"), "waiting");
	ck_assert_str_eq(pb_json_str(first, "key"), "the alarm");
	ck_assert_int_eq(pb_json_i64(first, "at", 0), 9);
	pb_store_close(s);
}
END_TEST

START_TEST(an_incident_is_shown_with_all_that_belongs_to_it)
{
	struct pb_store *s = memory();
	add_incident(s, 1, "20261123-1", "running", "sent");
	add_incident(s, 2, "20261123-2", "running", "sent");
	PB_JSON json_t *j = NULL;
	ck_assert_int_eq(pb_store_incident(s, "20261123-2", &j, NULL), 0);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	ck_assert_str_eq(text,
	    "{\"incident\":{\"id\":\"20261123-2\",\"key\":\"the alarm\",\"opened_at\":5,"
	    "\"state\":\"running\",\"at\":2},\"event\":{\"id\":\"e-1\"},"
	    "\"run\":{\"step\":0,\"key\":\"20261123-2\",\"state\":\"active\",\"at\":2},"
	    "\"steps\":[{\"attempts\":1,\"key\":\"20261123-2/restart\",\"state\":\"running\","
	    "\"at\":2}],\"ladder\":{\"level\":0,\"key\":\"20261123-2\",\"state\":\"armed\","
	    "\"at\":2},\"actions\":[{\"contact\":\"ana\",\"key\":\"20261123-2/page/1.0/ana@pager\","
	    "\"state\":\"sent\",\"at\":2}],\"notes\":[{\"seq\":3,\"at\":2,\"incident\":"
	    "\"20261123-2\",\"playbook\":\"disk\",\"step\":\"\",\"kind\":\"opened\",\"text\":"
	    "\"opened 20261123-2\"},{\"seq\":4,\"at\":2,\"incident\":\"20261123-2\",\"playbook\":"
	    "\"disk\",\"step\":\"restart\",\"kind\":\"step\",\"text\":\"restart runs\"}]}");

	struct pb_error err = {0};
	PB_JSON json_t *none = NULL;
	ck_assert_int_eq(pb_store_incident(s, "\x1b[31m", &none, &err), -1);
	ck_assert_int_eq(err.kind, PB_NOT_FOUND);
	ck_assert_ptr_null(strchr(err.text, '\x1b'));
	pb_store_close(s);
}
END_TEST

static const struct {
	const char *text, *id;
	enum pb_error_kind kind;
} finds[] = {
    {"20261122-7", "20261122-7", PB_OK},
    {"20261123-7", "20261123-7", PB_OK},
    {"7", "20261123-7", PB_OK}, /* the open one of several */
    {"1", "20261123-1", PB_OK}, /* the newest, where none is open */
    {"17", "20261123-17", PB_OK},
    {"8", NULL, PB_INVALID}, /* two open ones */
    {"23-17", NULL, PB_NOT_FOUND}, /* only at a '-' */
    {"", NULL, PB_NOT_FOUND},
    {"-7", NULL, PB_NOT_FOUND},
    {"%", NULL, PB_NOT_FOUND},
    {"2026112\xff", NULL, PB_NOT_FOUND},
};

START_TEST(an_incident_is_found_by_the_end_of_its_id)
{
	struct pb_store *s = memory();
	add_incident(s, 1, "20261122-1", "resolved", "sent");
	add_incident(s, 2, "20261122-7", "resolved", "sent");
	add_incident(s, 3, "20261122-8", "running", "sent");
	add_incident(s, 4, "20261123-1", "resolved", "sent");
	add_incident(s, 5, "20261123-7", "waiting", "sent");
	add_incident(s, 6, "20261123-8", "waiting", "sent");
	add_incident(s, 7, "20261123-17", "running", "sent");
	struct pb_error err = {0};
	PB_CLEANUP(pb_freep) char *id = NULL;
	int r = pb_store_find_incident(s, finds[_i].text, &id, &err);
	ck_assert_int_eq(err.kind, finds[_i].kind);
	if (finds[_i].id != NULL)
		ck_assert_str_eq(id, finds[_i].id);
	else
		ck_assert_int_eq(r, -1);
	if (finds[_i].kind == PB_INVALID)
		ck_assert_ptr_nonnull(strstr(err.text, "20261123-8, 20261122-8"));
	pb_store_close(s);
}
END_TEST

static char *
note_texts(struct pb_store *s, int64_t since, const char *incident, int64_t limit)
{
	PB_JSON json_t *notes = NULL;
	ck_assert_int_eq(pb_store_notes(s, since, incident, limit, &notes, NULL), 0);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t i;
	const json_t *n;
	json_array_foreach (notes, i, n)
		(void)pb_buf_addf(
		    &b, "%lld=%s ", (long long)pb_json_i64(n, "seq", 0), pb_json_str(n, "text"));
	return pb_buf_take(&b);
}

START_TEST(notes_are_followed_from_where_the_reader_is)
{
	struct pb_store *s = memory();
	struct pb_update *u = pb_update_new(1);
	for (int i = 1; i <= 6; i++)
		pb_update_note(u, i % 2 == 0 ? "i" : "", "", "", "k", "n%d", i);
	commit(s, u);
	static const struct {
		int64_t since;
		const char *incident;
		int64_t limit;
		const char *expected;
	} rows[] = {
	    {0, NULL, 2, "1=n1 2=n2 "},
	    {2, NULL, 2, "3=n3 4=n4 "},
	    {6, NULL, 0, ""},
	    {-1, NULL, 2, "5=n5 6=n6 "},
	    {0, "i", 0, "2=n2 4=n4 6=n6 "},
	    {-1, "i", 1, "6=n6 "},
	    {4, "", 0, "5=n5 "},
	    {0, "none", 0, ""},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_CLEANUP(pb_freep)
		char *text = note_texts(s, rows[i].since, rows[i].incident, rows[i].limit);
		ck_assert_str_eq(text, rows[i].expected);
	}
	pb_store_close(s);
}
END_TEST

START_TEST(quarantine_and_counts_are_told)
{
	struct pb_store *s = memory();
	add_incident(s, 1, "20261123-1", "running", "sent");
	add_incident(s, 2, "20261123-2", "resolved", "dropped");
	add_incident(s, 3, "20261123-3", "running", "sent");
	struct pb_update *u = pb_update_new(4);
	pb_update_put(u, PB_REC_QUARANTINE, "q/1", "", "kept", json_pack("{s:s}", "message", "x"));
	commit(s, u);
	u = pb_update_new(5);
	pb_update_put(u, PB_REC_QUARANTINE, "q/2", "", "kept", json_object());
	commit(s, u);

	PB_JSON json_t *list = NULL;
	ck_assert_int_eq(pb_store_quarantine(s, 0, &list, NULL), 0);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(list);
	ck_assert_str_eq(text,
	    "[{\"key\":\"q/2\",\"state\":\"kept\",\"at\":5},"
	    "{\"message\":\"x\",\"key\":\"q/1\",\"state\":\"kept\",\"at\":4}]");
	PB_JSON json_t *counts = NULL;
	ck_assert_int_eq(pb_store_counts(s, &counts, NULL), 0);
	json_object_del(counts, "bytes");
	PB_CLEANUP(pb_freep) char *numbers = pb_json_text_sorted(counts);
	ck_assert_str_eq(numbers,
	    "{\"incidents\":{\"resolved\":1,\"running\":2},\"notes\":6,\"quarantine\":{\"kept\":2}"
	    "}");
	pb_store_close(s);
}
END_TEST

/* --- retention */

static int64_t
prune_all(struct pb_store *s, const struct pb_store_retention *w, int *ret_rounds)
{
	int64_t sum = 0, n = 1;
	for (*ret_rounds = 0; n > 0; ++*ret_rounds) {
		ck_assert_int_eq(pb_store_prune(s, w, &n, NULL), 0);
		sum += n;
	}
	return sum;
}

START_TEST(old_incidents_go_whole_and_open_ones_stay)
{
	struct pb_store *s = memory();
	add_incident(s, 10, "20261120-1", "resolved", "sent");
	add_incident(s, 11, "20261120-2", "running", "sent");
	add_incident(s, 12, "20261120-3", "resolved", "retrying");
	add_incident(s, 90, "20261123-1", "resolved", "sent");
	struct pb_update *u = pb_update_new(10);
	pb_update_note(u, "", "", "", "boot", "old");
	pb_update_put(u, PB_REC_QUARANTINE, "q/1", "", "kept", json_object());
	pb_update_put(u, PB_REC_SEEN, "event|1", "", "", json_object());
	pb_update_put(u, PB_REC_ALARM, "arn", "", "OK", json_object());
	/* An attempt of a step, however it ended, keeps nothing alive. */
	pb_update_put(
	    u, PB_REC_ACTION, "20261120-1/restart/1", "20261120-1", "failed", json_object());
	commit(s, u);
	u = pb_update_new(80);
	pb_update_note(u, "", "", "", "boot", "new");
	pb_update_put(u, PB_REC_SEEN, "event|2", "", "", json_object());
	commit(s, u);

	int rounds;
	const struct pb_store_retention w = {.resolved_before_at = 50, .seen_before_at = 60};
	ck_assert_int_eq(prune_all(s, &w, &rounds), 8 + 1 + 1 + 1 + 1);
	PB_CLEANUP(pb_freep) char *text = dump(s);
	ck_assert_ptr_null(strstr(text, "20261120-1"));
	ck_assert_ptr_nonnull(strstr(text, "incident|20261120-2"));
	ck_assert_ptr_nonnull(strstr(text, "action|20261120-3"));
	ck_assert_ptr_nonnull(strstr(text, "incident|20261123-1"));
	ck_assert_ptr_nonnull(strstr(text, "alarm|arn"));
	ck_assert_ptr_nonnull(strstr(text, "seen|event|2"));
	ck_assert_ptr_null(strstr(text, "event|1"));
	ck_assert_ptr_null(strstr(text, "\"old\""));
	pb_store_close(s);
}
END_TEST

static int
add_key(const struct pb_record *r, void *arg, struct pb_error *err)
{
	(void)err;
	(void)pb_buf_addf(arg, "%s ", r->key);
	return 0;
}

START_TEST(a_bundle_is_restored_with_its_pages_until_it_ends_and_then_grows_old)
{
	struct pb_store *s = memory();
	struct pb_update *u = pb_update_new(10);
	static const char *const ids[] = {"20261120-g1", "20261120-s2"};
	for (size_t i = 0; i < PB_ARRAY_LEN(ids); i++) {
		PB_CLEANUP(pb_freep) char *page = pb_asprintf("%s/page/1.1.0/ana@pager", ids[i]);
		pb_update_put(
		    u, PB_REC_BUNDLE, ids[i], ids[i], i == 0 ? "open" : "ended", json_object());
		pb_update_put(u, PB_REC_ACTION, page, ids[i], "sent", json_object());
		pb_update_note(u, ids[i], "", "", "page", "sent");
	}
	commit(s, u);
	PB_CLEANUP(pb_buf_fini) struct pb_buf keys = PB_BUF_INIT;
	ck_assert_int_eq(pb_store_restore(s, add_key, &keys, NULL), 0);
	ck_assert_str_eq(keys.ptr, "20261120-g1 20261120-g1/page/1.1.0/ana@pager ");

	int rounds;
	const struct pb_store_retention w = {.resolved_before_at = 50};
	ck_assert_int_eq(prune_all(s, &w, &rounds), 3);
	PB_CLEANUP(pb_freep) char *text = dump(s);
	ck_assert_ptr_null(strstr(text, "20261120-s2"));
	ck_assert_ptr_nonnull(strstr(text, "bundle|20261120-g1"));
	pb_store_close(s);
}
END_TEST

START_TEST(beyond_the_count_the_oldest_resolved_go_in_slices)
{
	struct pb_store *s = memory();
	for (int i = 1; i <= 30; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), "20261123-%d", i);
		add_incident(s, i, id, i == 2 ? "waiting" : "resolved", "sent");
	}
	int rounds;
	const struct pb_store_retention w = {.incidents_max = 10, .rows_max = 60};
	ck_assert_int_eq(prune_all(s, &w, &rounds), 19 * 8);
	ck_assert_int_ge(rounds, 4);
	PB_JSON json_t *page = NULL;
	ck_assert_int_eq(pb_store_incidents(s, &(struct pb_store_list){0}, &page, NULL), 0);
	PB_CLEANUP(pb_freep) char *ids = ids_of(page);
	ck_assert_str_eq(ids,
	    "20261123-30 20261123-29 20261123-28 20261123-27 20261123-26 20261123-25 "
	    "20261123-24 20261123-23 20261123-22 20261123-21 20261123-2 ");
	pb_store_close(s);
}
END_TEST

/* As a storm of a year leaves it: one slice must not hold up the loop. */
START_TEST(a_story_longer_than_a_slice_goes_piece_by_piece)
{
	struct pb_store *s = memory();
	add_incident(s, 1, "20261123-1", "resolved", "sent");
	struct pb_update *u = pb_update_new(2);
	for (int i = 0; i < 1000; i++)
		pb_update_note(u, "20261123-1", "", "", "again", "note %d", i);
	for (int i = 0; i < 200; i++) {
		char key[64];
		(void)snprintf(key, sizeof(key), "20261123-1/restart/%d", i);
		pb_update_put(u, PB_REC_ACTION, key, "20261123-1", "failed", json_object());
	}
	commit(s, u);
	const struct pb_store_retention w = {.resolved_before_at = 50, .rows_max = 100};
	int64_t n = 1, sum = 0;
	int rounds = 0;
	for (; n > 0; rounds++) {
		PB_JSON json_t *whole = NULL;
		ck_assert_int_eq(pb_store_prune(s, &w, &n, NULL), 0);
		ck_assert_int_le(n, 100 + 8);
		sum += n;
		/* It is there until nothing of it is left. */
		if (n >= 100)
			ck_assert_int_eq(pb_store_incident(s, "20261123-1", &whole, NULL), 0);
	}
	ck_assert_int_eq(sum, 1000 + 200 + 8);
	ck_assert_int_ge(rounds, 12);
	pb_store_close(s);
}
END_TEST

static int64_t
count_of(struct pb_store *s, const char *kind)
{
	PB_JSON json_t *list = NULL;
	if (strcmp(kind, "quarantine") == 0)
		ck_assert_int_eq(pb_store_quarantine(s, 0, &list, NULL), 0);
	else if (strcmp(kind, "note") == 0)
		ck_assert_int_eq(pb_store_notes(s, -1, "", 0, &list, NULL), 0);
	else
		ck_assert_int_eq(pb_store_received(s, 0, 0, &list, NULL), 0);
	return (int64_t)json_array_size(list);
}

static void
add_life(struct pb_store *s, int64_t at, int i)
{
	char key[64];
	struct pb_update *u = pb_update_new(at);
	(void)snprintf(key, sizeof(key), "q/%d", i);
	pb_update_put(u, PB_REC_QUARANTINE, key, "", "kept", json_pack("{s:i}", "n", i));
	(void)snprintf(key, sizeof(key), "alarm|arn|ALARM|%d", i);
	pb_update_put_received(u, key, "", "q", PB_STR(" {\"id\" :\n[1,{}]}"));
	pb_update_note(u, "", "", "", "event", "note %d", i);
	commit(s, u);
}

START_TEST(what_belongs_to_no_incident_is_kept_by_age_and_number)
{
	struct pb_store *s = memory();
	int rounds;
	for (int i = 0; i < 40; i++)
		add_life(s, 10 + i, i);
	const struct pb_store_retention by_age = {.resolved_before_at = 20, .rows_max = 7};
	ck_assert_int_eq(prune_all(s, &by_age, &rounds), 3 * 10);
	ck_assert_int_ge(rounds, 4);
	const struct pb_store_retention by_number = {.notes_max = 20,
	    .quarantine_max = 3,
	    .has_received_max = true,
	    .received_max = 5,
	    .rows_max = 7};
	ck_assert_int_eq(prune_all(s, &by_number, &rounds), 10 + 27 + 25);
	ck_assert_int_eq(count_of(s, "note"), 20);
	ck_assert_int_eq(count_of(s, "quarantine"), 3);
	ck_assert_int_eq(count_of(s, "received"), 5);
	PB_JSON json_t *last = NULL;
	ck_assert_int_eq(pb_store_received_last(s, "arn", false, &last, NULL), 0);
	ck_assert_int_eq(pb_json_i64(last, "at", 0), 49);
	ck_assert_str_eq(pb_json_str(last, "source"), "q");
	ck_assert(json_is_object(pb_json_path(last, PB_STR("event.id[1]"))));
	const struct pb_store_retention none = {.has_received_max = true};
	ck_assert_int_eq(prune_all(s, &none, &rounds), 5);
	pb_store_close(s);
}
END_TEST

static int64_t
bytes_of(struct pb_store *s)
{
	PB_JSON json_t *counts = NULL;
	ck_assert_int_eq(pb_store_counts(s, &counts, NULL), 0);
	return pb_json_i64(counts, "bytes", 0);
}

START_TEST(the_file_does_not_grow_for_ever)
{
	struct pb_store *s = memory();
	const struct pb_store_retention w = {.incidents_max = 50,
	    .notes_max = 50,
	    .quarantine_max = 50,
	    .has_received_max = true,
	    .received_max = 50};
	int64_t after_few = 0;
	int rounds;
	for (int year = 0; year < 10; year++) {
		for (int i = 0; i < 200; i++) {
			char id[32];
			(void)snprintf(id, sizeof(id), "2026%d-%d", year, i);
			add_incident(s, year * 1000 + i + 1, id, "resolved", "sent");
			add_life(s, year * 1000 + i + 1, year * 200 + i);
		}
		(void)prune_all(s, &w, &rounds);
		if (year == 1)
			after_few = bytes_of(s);
	}
	/* What was freed is used again. */
	ck_assert_int_le(bytes_of(s), after_few + after_few / 10);
	pb_store_close(s);
}
END_TEST

PB_SUITE(store_query)
{
	pb_add(s, the_engine_gets_what_is_live_kind_after_kind);
	pb_add(s, the_engine_gets_what_may_be_reopened);
	pb_add(s, what_was_seen_comes_back_in_order_of_time);
	pb_add(s, incidents_are_listed_newest_first_page_by_page);
	pb_add(s, an_incident_is_shown_with_all_that_belongs_to_it);
	pb_add_loop(s, an_incident_is_found_by_the_end_of_its_id, 0, (int)PB_ARRAY_LEN(finds));
	pb_add(s, notes_are_followed_from_where_the_reader_is);
	pb_add(s, quarantine_and_counts_are_told);
	pb_add(s, old_incidents_go_whole_and_open_ones_stay);
	pb_add(s, a_bundle_is_restored_with_its_pages_until_it_ends_and_then_grows_old);
	pb_add(s, beyond_the_count_the_oldest_resolved_go_in_slices);
	pb_add(s, a_story_longer_than_a_slice_goes_piece_by_piece);
	pb_add(s, what_belongs_to_no_incident_is_kept_by_age_and_number);
	pb_add(s, the_file_does_not_grow_for_ever);
}
