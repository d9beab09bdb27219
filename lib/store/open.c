/*
 * Opening and closing.
 *
 * Opened for writing, the order is: lock, look at the version, check, then the first write.  A file
 * that is not ours is not touched.
 *
 * Opened for reading only, SQLite must neither lock (a read-only descriptor cannot take the
 * exclusive lock that WAL without shared memory wants) nor make a -wal beside it: with a -wal it is
 * read through the VFS without locks, without one as immutable.  Whether somebody else has it is
 * asked before.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

#define LOCK_PAGE_AT 0x40000000 /* SQLite's lock bytes, file format section 1.4 */
#define LOCK_PAGE_LEN 512

static void
free_store(struct pb_store *s)
{
	for (size_t i = 0; i < STMT_FIXED_MAX; i++)
		(void)sqlite3_finalize(s->fixed[i]);
	for (size_t i = 0; i < PB_REC_MAX; i++) {
		(void)sqlite3_finalize(s->put[i]);
		(void)sqlite3_finalize(s->drop[i]);
	}
	(void)sqlite3_close(s->db);
	pb_map_free(s->dropped, NULL);
	free(s->dir);
	free(s->path);
	free(s->vfs);
	free(s->set_aside_as);
	free(s->damage);
	free(s);
}

void
pb_store_close(struct pb_store *s)
{
	if (s == NULL)
		return;
	PB_CHECK_OBJ(s, STORE_MAGIC);
	s->magic = 0;
	free_store(s);
}

static struct pb_store *
new_store(const char *dir, const char *vfs)
{
	struct pb_store *s = pb_calloc(1, sizeof(*s));
	s->magic = STORE_MAGIC;
	s->dir = pb_strdup(dir);
	s->vfs = pb_strdup(vfs);
	s->path =
	    dir == NULL ? pb_strdup("store in memory") : pb_asprintf("%s/" PB_STORE_FILE, dir);
	return s;
}

/* The folder and an empty file that only its owner can read; SQLite would make it readable to all.
 */
static int
make_file(const struct pb_store *s, struct pb_error *err)
{
	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST)
		return pb_fail_errno(err, errno, "%s: cannot make the state folder", s->dir);
	int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)close(fd);
	else if (errno != EEXIST)
		return pb_fail_errno(err, errno, "%s: cannot make it", s->path);
	return 0;
}

static int
open_db(struct pb_store *s, const char *name, int flags, const char *vfs, struct pb_error *err)
{
	int code = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, vfs);
	if (s->db == NULL)
		return store_fail_code(s->path, code, 0, sqlite3_errstr(code), "open it", err);
	(void)sqlite3_extended_result_codes(s->db, 1);
	if (code != SQLITE_OK)
		return store_fail(s, "open it", err);
	/* Nobody alters the schema behind our back, whatever a damaged file says. */
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return store_exec(s,
	    "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
	    "PRAGMA locking_mode=EXCLUSIVE",
	    "set it up", err);
}

static int
set_wal(struct pb_store *s, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s, "PRAGMA journal_mode=WAL", &st, err) < 0 ||
	    store_step(s, st, "set its journal to WAL", err) < 0)
		return -1;
	if (!pb_streq(store_text(st, 0), "wal"))
		return pb_fail(
		    err, PB_IO, "%s: its file system cannot hold a write-ahead log", s->path);
	return store_exec(
	    s, "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216", "set it up", err);
}

static int
load_highest(struct pb_store *s, struct pb_error *err)
{
	return store_number(
	    s, "SELECT value FROM store WHERE name = 'highest_at'", 0, &s->highest_at, err);
}

/* A disk that takes no write is found now and not at the first alarm. */
static int
prove_writable(struct pb_store *s, struct pb_error *err)
{
	return store_exec(
	    s, "UPDATE store SET value = value + 1 WHERE name = 'opened'", "write", err);
}

static int
open_for_writing(struct pb_store *s, struct pb_error *err)
{
	int64_t version;
	if (s->vfs == NULL && make_file(s, err) < 0)
		return -1;
	if (open_db(s, s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, s->vfs, err) < 0)
		return -1;
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return store_fail_code(
		    s->path, SQLITE_READONLY, 0, sqlite3_errstr(SQLITE_READONLY), "write", err);
	if (store_check_version(s, &version, err) < 0)
		return -1;
	if (version > 0 && store_check_whole(s, err) < 0)
		return -1;
	if (set_wal(s, err) < 0 || store_migrate(s, err) < 0 || prove_writable(s, err) < 0)
		return -1;
	return load_highest(s, err);
}

/* Sets *ret_has_wal.  The process must not have the store open: closing a descriptor ends its
 * locks. */
static int
look_at_file(const struct pb_store *s, bool *ret_has_wal, struct pb_error *err)
{
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return pb_fail_errno(err, errno, "%s: cannot read it", s->path);
	struct flock lock = {.l_type = F_RDLCK,
	    .l_whence = SEEK_SET,
	    .l_start = LOCK_PAGE_AT,
	    .l_len = LOCK_PAGE_LEN};
	bool is_locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	(void)close(fd);
	if (is_locked)
		return store_fail_code(
		    s->path, SQLITE_BUSY, 0, sqlite3_errstr(SQLITE_BUSY), "read", err);
	PB_CLEANUP(pb_freep) char *wal = pb_asprintf("%s-wal", s->path);
	struct stat st;
	*ret_has_wal = stat(wal, &st) == 0 && st.st_size > 0;
	return 0;
}

/* "file:PATH?QUERY" with the bytes escaped that mean something in a URI. */
static char *
uri_of(const char *path, const char *query)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, "file:");
	for (const char *c = path; *c != '\0'; c++) {
		if (strchr("%?#", *c) != NULL)
			(void)pb_buf_addf(&b, "%%%02x", (unsigned)(unsigned char)*c);
		else
			(void)pb_buf_addc(&b, *c);
	}
	(void)pb_buf_adds(&b, query);
	return pb_buf_take(&b);
}

static int
open_for_reading(struct pb_store *s, struct pb_error *err)
{
	bool has_wal = true;
	const char *vfs = s->vfs;
	if (vfs == NULL) {
		if (look_at_file(s, &has_wal, err) < 0)
			return -1;
		vfs = has_wal ? "unix-none" : NULL;
	}
	PB_CLEANUP(pb_freep) char *uri = uri_of(s->path, has_wal ? "" : "?immutable=1");
	if (open_db(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs, err) < 0)
		return -1;
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	s->is_read_only = true;
	int64_t version;
	if (store_check_version(s, &version, err) < 0)
		return -1;
	if (version == 0)
		return pb_fail(err, PB_NOT_FOUND, "%s: is empty", s->path);
	if (store_check_whole(s, err) < 0)
		return -1;
	return load_highest(s, err);
}

static int
open_once(
    const char *dir, const struct pb_store_options *o, struct pb_store **ret, struct pb_error *err)
{
	struct pb_store *s = new_store(dir, o->vfs);
	int r = o->read_only ? open_for_reading(s, err) : open_for_writing(s, err);
	if (r < 0) {
		pb_store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int
pb_store_open(const char *dir, const struct pb_store_options *options, struct pb_store **ret,
    struct pb_error *err)
{
	static const struct pb_store_options none = {0};
	const struct pb_store_options *o = options == NULL ? &none : options;
	struct pb_error why;
	if (open_once(dir, o, ret, &why) == 0)
		return 0;
	if (why.kind != PB_CORRUPT || !o->allow_rebuild || o->read_only || o->vfs != NULL) {
		if (err != NULL)
			*err = why;
		return -1;
	}

	PB_CLEANUP(pb_freep) char *name = NULL;
	if (store_move_away(dir, o->now_at, &name, err) < 0)
		return pb_wrap(err, "%s", why.text);
	if (open_once(dir, o, ret, err) < 0)
		return -1;
	(*ret)->set_aside_as = PB_TAKE(name);
	(*ret)->damage = pb_strdup(why.text);
	return 0;
}

int
pb_store_open_memory(struct pb_store **ret, struct pb_error *err)
{
	PB_CLEANUP(pb_store_closep) struct pb_store *s = new_store(NULL, NULL);
	if (open_db(s, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL, err) < 0 ||
	    store_migrate(s, err) < 0)
		return -1;
	s->dropped = pb_map_new();
	*ret = PB_TAKE(s);
	return 0;
}

const char *
pb_store_set_aside_as(const struct pb_store *s)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	return s->set_aside_as;
}

const char *
pb_store_damage(const struct pb_store *s)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	return s->damage == NULL ? "" : s->damage;
}

int64_t
pb_store_highest_at(const struct pb_store *s)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	return s->highest_at;
}

int
pb_store_clock(struct pb_store *s, struct pb_clock_mark *ret, struct pb_error *err)
{
	struct pb_clock_mark m = {0};
	PB_CHECK_OBJ(s, STORE_MAGIC);
	if (store_number(s, "SELECT sum(value) FROM store WHERE name = 'host_start'", 0,
		&m.host_start, err) < 0 ||
	    store_number(
		s, "SELECT sum(value) FROM store WHERE name = 'clock_ahead'", 0, &m.ahead, err) < 0)
		return -1;
	*ret = m;
	return 0;
}

int
pb_store_keep_clock(struct pb_store *s, const struct pb_clock_mark *m, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	PB_CHECK_OBJ(s, STORE_MAGIC);
	if (store_prepare(s,
		"INSERT INTO store VALUES ('host_start', ?1), ('clock_ahead', ?2)"
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		&st, err) < 0)
		return -1;
	(void)sqlite3_bind_int64(st, 1, m->host_start);
	(void)sqlite3_bind_int64(st, 2, m->ahead);
	return store_step(s, st, "keep the clock", err) < 0 ? -1 : 0;
}

/* --- setting aside */

static char *
free_name(const char *path, int64_t at)
{
	char time[PB_TIME_TEXT];
	char *name = pb_asprintf("%s.damaged-%s", path, pb_time_basic(time, at));
	for (int i = 2; access(name, F_OK) == 0; i++) {
		free(name);
		name = pb_asprintf("%s.damaged-%s-%d", path, time, i);
	}
	return name;
}

/*
 * The database goes first: a -wal that a crash leaves behind without one is deleted by SQLite,
 * while a database without its -wal would be an older state that looks sound.
 */
int
store_move_away(const char *dir, int64_t at, char **ret_name, struct pb_error *err)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/" PB_STORE_FILE, dir);
	PB_CLEANUP(pb_freep) char *name = free_name(path, at);
	for (size_t i = 0; i < PB_ARRAY_LEN(endings); i++) {
		PB_CLEANUP(pb_freep) char *from = pb_asprintf("%s%s", path, endings[i]);
		PB_CLEANUP(pb_freep) char *to = pb_asprintf("%s%s", name, endings[i]);
		if (rename(from, to) < 0 && !(errno == ENOENT && i > 0))
			return pb_fail_errno(err, errno, "%s: cannot rename it to %s", from, to);
	}
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);
	int errnum = errno;
	if (fd >= 0)
		(void)close(fd);
	if (result < 0)
		return pb_fail_errno(err, errnum, "%s: cannot make the renaming durable", dir);
	*ret_name = PB_TAKE(name);
	return 0;
}

int
pb_store_set_aside(const char *dir, int64_t at, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *name = NULL;
	return store_move_away(dir, at, &name, err);
}
