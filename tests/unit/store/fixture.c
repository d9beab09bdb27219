/*
 * What the store's tests share; see the header.
 */
#include "tests/unit/store/fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/unit/runner.h"

char *
make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = pb_asprintf("%s/store-test.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st, (void)what, (void)ftw;
	return remove(path);
}

void
drop_folder(char *dir)
{
	ck_assert_int_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(dir);
}

char *
db_path(const char *dir)
{
	return pb_asprintf("%s/" PB_STORE_FILE, dir);
}

struct pb_store *
open_with(const char *dir, const struct pb_store_options *o)
{
	struct pb_error err = {0};
	struct pb_store *s = NULL;
	int r = pb_store_open(dir, o, &s, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return s;
}

struct pb_store *
open_store(const char *dir)
{
	return open_with(dir, NULL);
}

char *
refuse_open(
    const char *dir, const struct pb_store_options *o, enum pb_error_kind kind, const char *words)
{
	struct pb_error err = {0};
	struct pb_store *s = NULL;
	ck_assert_int_eq(pb_store_open(dir, o, &s, &err), -1);
	ck_assert_ptr_null(s);
	ck_assert_msg(err.kind == kind, "%s: %s", pb_error_kind_name(err.kind), err.text);
	ck_assert_msg(strstr(err.text, words) != NULL, "\"%s\" not in: %s", words, err.text);
	return pb_strdup(err.text);
}

void
commit(struct pb_store *s, struct pb_update *u)
{
	struct pb_error err = {0};
	int r = pb_store_commit(s, u, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	pb_update_free(u);
}

void
put_incident(struct pb_update *u, const char *id, const char *state, const char *page_state)
{
	char key[64];
	pb_update_put(u, PB_REC_EVENT, id, id, "", json_pack("{s:s}", "id", "e-1"));
	pb_update_put(u, PB_REC_INCIDENT, id, id, state,
	    json_pack("{s:s, s:s, s:I}", "id", id, "key", "the alarm", "opened_at", (json_int_t)5));
	pb_update_put(u, PB_REC_RUN, id, id, "active", json_pack("{s:i}", "step", 0));
	(void)snprintf(key, sizeof(key), "%s/restart", id);
	pb_update_put(u, PB_REC_STEP, key, id, "running", json_pack("{s:i}", "attempts", 1));
	pb_update_put(u, PB_REC_LADDER, id, id, "armed", json_pack("{s:i}", "level", 0));
	(void)snprintf(key, sizeof(key), "%s/page/1.0/ana@pager", id);
	pb_update_put(u, PB_REC_ACTION, key, id, page_state, json_pack("{s:s}", "contact", "ana"));
	pb_update_note(u, id, "disk", "", "opened", "opened %s", id);
	pb_update_note(u, id, "disk", "restart", "step", "restart runs");
}

static int
dump_record(const struct pb_record *r, void *arg, struct pb_error *err)
{
	(void)err;
	PB_CLEANUP(pb_freep) char *body = pb_json_text_sorted(r->body);
	(void)pb_buf_addf(arg, "%s|%s|%s|%s|%lld|%s\n", pb_record_kind_name(r->kind), r->key,
	    r->incident, r->state, (long long)r->at, body);
	return 0;
}

char *
dump(struct pb_store *s)
{
	struct pb_error err = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (unsigned kind = 0; kind < PB_REC_MAX; kind++) {
		int r = pb_store_each(s, (enum pb_record_kind)kind, dump_record, &b, &err);
		ck_assert_msg(r == 0, "%s", err.text);
	}
	PB_JSON json_t *notes = NULL;
	ck_assert_int_eq(pb_store_notes(s, 0, NULL, 0, &notes, &err), 0);
	size_t i;
	const json_t *note;
	json_array_foreach (notes, i, note) {
		PB_CLEANUP(pb_freep) char *text = pb_json_text(note);
		(void)pb_buf_addf(&b, "%s\n", text);
	}
	return pb_buf_take(&b);
}

char *
read_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	long len = ftell(f);
	ck_assert_int_ge(len, 0);
	rewind(f);
	char *data = pb_malloc((size_t)len + 1);
	ck_assert_uint_eq(fread(data, 1, (size_t)len, f), (size_t)len);
	(void)fclose(f);
	*ret_len = (size_t)len;
	return data;
}

void
write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}
