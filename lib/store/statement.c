/*
 * Statements and errors: what SQLite says, said in our words.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is to be done about it, and of what kind it is. */
struct verdict {
	enum pb_error_kind kind;
	const char *remedy;
};

static struct verdict
verdict_of_errno(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
	case EROFS:
		return (struct verdict){PB_DENIED,
		    "; it and its folder must be writable by the "
		    "user that playbookd runs as"};
	case ENOSPC:
	case EDQUOT:
		return (struct verdict){PB_IO, "; free space on its file system"};
	case ENOENT:
	case ENOTDIR:
		return (struct verdict){PB_NOT_FOUND, "; make the state folder"};
	default:
		return (struct verdict){PB_IO, "; look at its file system and the kernel's log"};
	}
}

static struct verdict
verdict_of(int code, int errnum)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return (struct verdict){
		    PB_EXISTS, "; stop that one, or give each a state folder of its own"};
	case SQLITE_FULL:
		return (struct verdict){PB_IO, "; free space on its file system"};
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return verdict_of_errno(EACCES);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return verdict_of_errno(errnum);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return (struct verdict){PB_CORRUPT, "; set it aside, or restore a copy"};
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		return (struct verdict){PB_INVALID, ""};
	default:
		return (struct verdict){PB_IO, ""};
	}
}

int
store_fail_code(const char *path, int code, int errnum, const char *words, const char *doing,
    struct pb_error *err)
{
	struct verdict v = verdict_of(code, errnum);
	int primary = code & 0xff;
	if (v.kind == PB_EXISTS)
		return pb_fail(err, v.kind, "%s: is in use by another playbookd (%s (%d))%s", path,
		    words, code, v.remedy);
	bool has_errno = errnum != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);
	char number[64] = "";
	if (has_errno)
		(void)snprintf(number, sizeof(number), ", %s", strerrordesc_np(errnum));
	return pb_fail(
	    err, v.kind, "%s: cannot %s: %s (%d%s)%s", path, doing, words, code, number, v.remedy);
}

int
store_fail(const struct pb_store *s, const char *doing, struct pb_error *err)
{
	return store_fail_code(s->path, sqlite3_extended_errcode(s->db),
	    sqlite3_system_errno(s->db), sqlite3_errmsg(s->db), doing, err);
}

int
store_exec(struct pb_store *s, const char *sql, const char *doing, struct pb_error *err)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, doing, err);
	return 0;
}

int
store_prepare(struct pb_store *s, const char *sql, sqlite3_stmt **ret, struct pb_error *err)
{
	if (sqlite3_prepare_v2(s->db, sql, -1, ret, NULL) != SQLITE_OK)
		return store_fail(s, "read its tables", err);
	return 0;
}

int
store_step(struct pb_store *s, sqlite3_stmt *st, const char *doing, struct pb_error *err)
{
	int code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return store_fail(s, doing, err);
}

int
store_number(
    struct pb_store *s, const char *sql, int64_t fallback, int64_t *ret, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	int more = store_step(s, st, "read", err);
	if (more < 0)
		return -1;
	*ret = more > 0 ? sqlite3_column_int64(st, 0) : fallback;
	return 0;
}

/* The text outlives the statement's use at all call sites. */
void
store_bind_text(sqlite3_stmt *st, int place, const char *text)
{
	pb_check(sqlite3_bind_text(st, place, text, -1, SQLITE_STATIC) == SQLITE_OK);
}

const char *
store_text(sqlite3_stmt *st, int column)
{
	const void *text = sqlite3_column_text(st, column);
	return text == NULL ? "" : text;
}
