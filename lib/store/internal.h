/*
 * Inside the store: the handle, statements, errors.
 */
#ifndef PB_STORE_INTERNAL_H
#define PB_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/store.h"

#define STORE_MAGIC 0x53544f52u
#define STORE_APPLICATION_ID 0x70626b64 /* "pbkd" */

/* Statements of the hot path, kept prepared. */
enum stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_NOTE,
	STMT_HIGHEST,
	STMT_FIXED_MAX,
};

struct pb_store {
	uint32_t magic;
	sqlite3 *db;
	char *dir; /* NULL in memory */
	char *path; /* for messages */
	char *vfs;
	bool is_read_only;
	int64_t version; /* of its tables; below this program's only when read_only */
	int64_t highest_at;
	char *set_aside_as;
	char *damage;
	sqlite3_stmt *fixed[STMT_FIXED_MAX];
	sqlite3_stmt *put[PB_REC_MAX];
	sqlite3_stmt *drop[PB_REC_MAX];
	pb_store_wants *wants; /* asked before a record is restored; NULL = all are */
	/* Of a store in memory: "KIND KEY" of what was dropped from it, for whom it is handed over to. */
	struct pb_map *dropped;
};

/* Fill err with what SQLite says of the last failure, and what to do; returns -1. */
int store_fail(const struct pb_store *s, const char *doing, struct pb_error *err);
int store_fail_code(const char *path, int code, int errnum, const char *words, const char *doing,
    struct pb_error *err);

/* Does a store of this version have the table of a kind? */
bool store_has_kind(const struct pb_store *s, enum pb_record_kind kind);

int store_exec(struct pb_store *s, const char *sql, const char *doing, struct pb_error *err);
/* One number; `sql` gives one row, or none (then `fallback`). */
int store_number(
    struct pb_store *s, const char *sql, int64_t fallback, int64_t *ret, struct pb_error *err);

static inline void
store_finalizep(sqlite3_stmt **st)
{
	(void)sqlite3_finalize(*st);
}
#define STORE_STMT PB_CLEANUP(store_finalizep) sqlite3_stmt

/* A statement for one use. */
int store_prepare(struct pb_store *s, const char *sql, sqlite3_stmt **ret, struct pb_error *err);
/* 1 = a row, 0 = done, -1 = error. */
int store_step(struct pb_store *s, sqlite3_stmt *st, const char *doing, struct pb_error *err);
void store_bind_text(sqlite3_stmt *st, int place, const char *text);
const char *store_text(sqlite3_stmt *st, int column); /* never NULL */

/* schema.c */
int store_migrate(struct pb_store *s, struct pb_error *err);
/* PB_UNSUPPORTED or PB_CORRUPT when the file is not one that this program may read. */
int store_check_version(struct pb_store *s, int64_t *ret_version, struct pb_error *err);
int store_check_whole(struct pb_store *s, struct pb_error *err);

/* record.c: columns "key, incident, state, at, body, sum" in this order */
#define STORE_COLUMNS "key, incident, state, at, body, sum"
int64_t store_sum(enum pb_record_kind kind, const char *key, const char *incident,
    const char *state, int64_t at, const char *body);
/* PB_CORRUPT when the checksum of the row is wrong. */
int store_check_sum(
    const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind, struct pb_error *err);
/* The row as a record, checked; end it with store_record_fini. */
int store_read_record(const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind,
    struct pb_record *ret, struct pb_error *err);
void store_record_fini(struct pb_record *r);
/* Begin and end a transaction; a failed end has undone it. Call store_undo when err is filled. */
int store_begin(struct pb_store *s, struct pb_error *err);
int store_end(struct pb_store *s, struct pb_error *err);
void store_undo(struct pb_store *s);

/* open.c: pb_store_set_aside that gives the new name. */
int store_move_away(const char *dir, int64_t at, char **ret_name, struct pb_error *err);

/*
 * SQL: the ids of incidents that the engine must know of: those not resolved, those that the next
 * event may open again, and those whose resolve notice is still to be sent.  An attempt of a step
 * keeps no incident alive, however it ended.  The day is PB_REOPEN_WITHIN_MAX, for the index.  The
 * pages of a bundle are kept with it until it has ended; stores before version 3 have none.
 */
#define STORE_LIVE_ACTIONS "'new', 'sending', 'retrying'"
#define STORE_LIVE                                                                                 \
	"SELECT key FROM incident WHERE state <> 'resolved'"                                       \
	" UNION SELECT key FROM incident WHERE state = 'resolved' AND at >"                        \
	" (SELECT value - 86400000 FROM store WHERE name = 'highest_at')"                          \
	" AND body ->> 'reopen_until' > (SELECT value FROM store WHERE name = 'highest_at')"       \
	" UNION SELECT incident FROM action WHERE state IN (" STORE_LIVE_ACTIONS ")"
#define STORE_LIVE_BUNDLES " UNION SELECT key FROM bundle WHERE state <> 'ended'"

#endif
