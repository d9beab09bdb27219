/*
 * Records to rows and back, and the commit of an update.
 */
#include "internal.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/map.h"

static const char *const fixed_sql[STMT_FIXED_MAX] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_NOTE] =
	"INSERT INTO note(at,incident,playbook,step,kind,text) VALUES (?1,?2,?3,?4,?5,?6)",
    [STMT_HIGHEST] = "UPDATE store SET value = max(value, ?1) WHERE name = 'highest_at'",
};

/* The cached statement in *slot, made at its first use. */
static sqlite3_stmt *
cached(struct pb_store *s, sqlite3_stmt **slot, const char *sql, struct pb_error *err)
{
	if (*slot == NULL &&
	    sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL) !=
		SQLITE_OK) {
		(void)store_fail(s, "write", err);
		return NULL;
	}
	return *slot;
}

/* Runs a statement that gives no rows and makes it ready for its next use. */
static int
run(struct pb_store *s, sqlite3_stmt *st, struct pb_error *err)
{
	int r = store_step(s, st, "write", err);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return r < 0 ? -1 : 0;
}

static int
run_fixed(struct pb_store *s, enum stmt which, struct pb_error *err)
{
	sqlite3_stmt *st = cached(s, &s->fixed[which], fixed_sql[which], err);
	return st == NULL ? -1 : run(s, st, err);
}

int
store_begin(struct pb_store *s, struct pb_error *err)
{
	return run_fixed(s, STMT_BEGIN, err);
}

int
store_end(struct pb_store *s, struct pb_error *err)
{
	if (run_fixed(s, STMT_COMMIT, err) == 0)
		return 0;
	store_undo(s);
	return -1;
}

void
store_undo(struct pb_store *s)
{
	/* A full or failing disk may have made SQLite roll back by itself. */
	if (!sqlite3_get_autocommit(s->db))
		(void)run_fixed(s, STMT_ROLLBACK, NULL);
}

/* --- rows */

static void
add_part(struct pb_buf *b, const char *text)
{
	(void)pb_buf_add(b, text, strlen(text) + 1);
}

int64_t
store_sum(enum pb_record_kind kind, const char *key, const char *incident, const char *state,
    int64_t at, const char *body)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	add_part(&b, pb_record_kind_name(kind));
	add_part(&b, key);
	add_part(&b, incident);
	add_part(&b, state);
	(void)pb_buf_addf(&b, "%lld", (long long)at);
	add_part(&b, body);
	unsigned char digest[PB_SHA256_LEN];
	pb_sha256(b.ptr, b.len, digest);
	int64_t sum;
	memcpy(&sum, digest, sizeof(sum));
	return (int64_t)le64toh((uint64_t)sum);
}

/* Columns of STORE_COLUMNS. */
enum { COL_KEY, COL_INCIDENT, COL_STATE, COL_AT, COL_BODY, COL_SUM };

int
store_check_sum(
    const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind, struct pb_error *err)
{
	const char *key = store_text(st, COL_KEY);
	int64_t sum = store_sum(kind, key, store_text(st, COL_INCIDENT), store_text(st, COL_STATE),
	    sqlite3_column_int64(st, COL_AT), store_text(st, COL_BODY));
	if (sum == sqlite3_column_int64(st, COL_SUM))
		return 0;
	char safe[128];
	return pb_fail(err, PB_CORRUPT,
	    "%s: is damaged: the checksum of %s %s is wrong; set it aside, or restore a copy",
	    s->path, pb_record_kind_name(kind), pb_safe(safe, sizeof(safe), pb_str_of(key)));
}

/*
 * Not through pb_json_parse: the body is ours, proven by its checksum, and may hold an outside
 * document of the greatest depth inside members of its own.
 */
int
store_read_record(const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind,
    struct pb_record *ret, struct pb_error *err)
{
	if (store_check_sum(s, st, kind, err) < 0)
		return -1;
	json_error_t wrong;
	json_t *body = json_loads(store_text(st, COL_BODY), 0, &wrong);
	if (body == NULL) {
		char safe[128];
		return pb_fail(err, PB_CORRUPT, "%s: the body of %s %s cannot be read: %s", s->path,
		    pb_record_kind_name(kind),
		    pb_safe(safe, sizeof(safe), pb_str_of(store_text(st, COL_KEY))), wrong.text);
	}
	*ret = (struct pb_record){
	    .kind = kind,
	    .key = pb_strdup(store_text(st, COL_KEY)),
	    .incident = pb_strdup(store_text(st, COL_INCIDENT)),
	    .state = pb_strdup(store_text(st, COL_STATE)),
	    .at = sqlite3_column_int64(st, COL_AT),
	    .body = body,
	};
	return 0;
}

void
store_record_fini(struct pb_record *r)
{
	free(r->key);
	free(r->incident);
	free(r->state);
	json_decref(r->body);
}

/* --- commit */

/* An event stands in the body as its own bytes. */
static char *
body_text(const struct pb_record *r)
{
	char *text = pb_json_text(r->body);
	if (r->event == NULL)
		return text;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t len = strlen(text) - 1; /* without its '}' */
	(void)pb_buf_add(&b, text, len);
	(void)pb_buf_adds(&b, len > 1 ? ",\"event\":" : "\"event\":");
	(void)pb_buf_adds(&b, r->event);
	(void)pb_buf_addc(&b, '}');
	free(text);
	return pb_buf_take(&b);
}

static int
put_record(struct pb_store *s, const struct pb_record *r, struct pb_error *err)
{
	char sql[320];
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO %s(" STORE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT(key) DO UPDATE SET incident = excluded.incident, state = excluded.state,"
	    " at = excluded.at, body = excluded.body, sum = excluded.sum",
	    pb_record_kind_name(r->kind));
	sqlite3_stmt *st = cached(s, &s->put[r->kind], sql, err);
	if (st == NULL)
		return -1;
	PB_CLEANUP(pb_freep) char *body = body_text(r);
	store_bind_text(st, COL_KEY + 1, r->key);
	store_bind_text(st, COL_INCIDENT + 1, r->incident);
	store_bind_text(st, COL_STATE + 1, r->state);
	(void)sqlite3_bind_int64(st, COL_AT + 1, r->at);
	store_bind_text(st, COL_BODY + 1, body);
	(void)sqlite3_bind_int64(
	    st, COL_SUM + 1, store_sum(r->kind, r->key, r->incident, r->state, r->at, body));
	return run(s, st, err);
}

static int
drop_record(struct pb_store *s, const struct pb_record *r, struct pb_error *err)
{
	char sql[96];
	(void)snprintf(
	    sql, sizeof(sql), "DELETE FROM %s WHERE key = ?1", pb_record_kind_name(r->kind));
	sqlite3_stmt *st = cached(s, &s->drop[r->kind], sql, err);
	if (st == NULL)
		return -1;
	store_bind_text(st, 1, r->key);
	return run(s, st, err);
}

static int
add_note(struct pb_store *s, const struct pb_note *n, struct pb_error *err)
{
	sqlite3_stmt *st = cached(s, &s->fixed[STMT_NOTE], fixed_sql[STMT_NOTE], err);
	if (st == NULL)
		return -1;
	(void)sqlite3_bind_int64(st, 1, n->at);
	store_bind_text(st, 2, n->incident);
	store_bind_text(st, 3, n->playbook);
	store_bind_text(st, 4, n->step);
	store_bind_text(st, 5, n->kind);
	store_bind_text(st, 6, n->text);
	return run(s, st, err);
}

/* A store in memory may stand in for one on disk, which has what is dropped here still. */
static void
remember_dropped(struct pb_store *s, const struct pb_record *r)
{
	if (s->dropped == NULL || (r->body != NULL && pb_map_len(s->dropped) == 0))
		return;
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("%u %s", (unsigned)r->kind, r->key);
	if (r->body == NULL)
		(void)pb_map_put(s->dropped, name, s);
	else
		(void)pb_map_del(s->dropped, name);
}

static int
write_all(struct pb_store *s, const struct pb_update *u, struct pb_error *err)
{
	for (size_t i = 0; i < u->n_records; i++) {
		const struct pb_record *r = &u->records[i];
		if ((r->body == NULL ? drop_record(s, r, err) : put_record(s, r, err)) < 0)
			return pb_wrap(err, "%s %s", pb_record_kind_name(r->kind), r->key);
		remember_dropped(s, r);
	}
	for (size_t i = 0; i < u->n_notes; i++)
		if (add_note(s, &u->notes[i], err) < 0)
			return -1;
	sqlite3_stmt *st = cached(s, &s->fixed[STMT_HIGHEST], fixed_sql[STMT_HIGHEST], err);
	if (st == NULL)
		return -1;
	(void)sqlite3_bind_int64(st, 1, u->at);
	return run(s, st, err);
}

int
pb_store_commit(struct pb_store *s, const struct pb_update *u, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	if (store_begin(s, err) < 0)
		return -1;
	if (write_all(s, u, err) < 0) {
		store_undo(s);
		return -1;
	}
	if (store_end(s, err) < 0)
		return -1;
	if (u->at > s->highest_at)
		s->highest_at = u->at;
	return 0;
}
