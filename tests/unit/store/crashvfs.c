/*
 * The disk that loses its power; see the header.
 *
 * Only what SQLite needs in exclusive locking mode is there: no locks, no shared memory.
 */
#include "tests/unit/store/crashvfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rand.h"

#define SECTOR 512
#define FILES_MAX 16

struct bytes {
	unsigned char *ptr;
	size_t len, size;
};

struct disk_file {
	char *name; /* NULL: a free place */
	bool is_there; /* by name, now */
	bool was_there; /* by name, durably */
	bool is_new; /* not synced since it was made */
	struct bytes now; /* what reads see */
	struct bytes durable;
};

struct crashvfs {
	sqlite3_vfs vfs;
	struct disk_file files[FILES_MAX];
	uint64_t n_points, crash_at;
	enum crashvfs_loss loss;
	struct pb_rand rand;
	bool is_down, is_lying;
	int64_t room;
};

struct open_file {
	sqlite3_file base;
	struct crashvfs *v;
	struct disk_file *f;
};

/* --- bytes */

static void
set_len(struct bytes *b, size_t len)
{
	if (len > b->size) {
		b->size = len * 2;
		b->ptr = pb_realloc(b->ptr, b->size);
	}
	if (len > b->len)
		memset(b->ptr + b->len, 0, len - b->len);
	b->len = len;
}

static void
copy_bytes(struct bytes *to, const struct bytes *from)
{
	set_len(to, from->len);
	if (from->len > 0)
		memcpy(to->ptr, from->ptr, from->len);
}

static void
put_bytes(struct bytes *b, size_t at, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (at + len > b->len)
		set_len(b, at + len);
	memcpy(b->ptr + at, data, len);
}

/* --- the disk */

static struct disk_file *
find(struct crashvfs *v, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (v->files[i].name != NULL && strcmp(v->files[i].name, name) == 0)
			return &v->files[i];
	return NULL;
}

static struct disk_file *
find_or_make(struct crashvfs *v, const char *name)
{
	struct disk_file *f = find(v, name);
	for (size_t i = 0; f == NULL && i < FILES_MAX; i++)
		if (v->files[i].name == NULL)
			f = &v->files[i];
	pb_check(f != NULL);
	if (f->name == NULL)
		f->name = pb_strdup(name);
	return f;
}

/* Counts a point; true when the power goes in this call. */
static bool
crashes_now(struct crashvfs *v)
{
	v->n_points++;
	if (v->n_points == v->crash_at)
		v->is_down = true;
	return v->is_down;
}

static bool
draw(struct crashvfs *v, int percent)
{
	if (v->loss != CRASHVFS_DRAW)
		return v->loss == CRASHVFS_KEEP;
	return pb_rand_below(&v->rand, 100) < percent;
}

/* One sector of a file after the power cut. */
static void
settle_sector(struct crashvfs *v, struct disk_file *f, size_t at)
{
	size_t len = f->now.len - at < SECTOR ? f->now.len - at : SECTOR;
	bool is_same =
	    at + len <= f->durable.len && memcmp(f->durable.ptr + at, f->now.ptr + at, len) == 0;
	if (is_same)
		return;
	if (draw(v, 45))
		put_bytes(&f->durable, at, f->now.ptr + at, len);
	else if (v->loss == CRASHVFS_DRAW && pb_rand_below(&v->rand, 55) < 5)
		put_bytes(&f->durable, at, f->now.ptr + at, len / 2);
}

static void
settle(struct crashvfs *v, struct disk_file *f)
{
	if (f->is_there != f->was_there && draw(v, 50))
		f->was_there = f->is_there;
	if (f->now.len < f->durable.len && draw(v, 50))
		set_len(&f->durable, f->now.len);
	for (size_t at = 0; at < f->now.len; at += SECTOR)
		settle_sector(v, f, at);
	f->is_there = f->was_there;
	if (!f->is_there)
		f->durable.len = 0;
	copy_bytes(&f->now, &f->durable);
}

static int64_t
used(const struct crashvfs *v)
{
	int64_t sum = 0;
	for (size_t i = 0; i < FILES_MAX; i++)
		if (v->files[i].is_there)
			sum += (int64_t)v->files[i].now.len;
	return sum;
}

/* --- methods of a file */

static struct open_file *
opened(sqlite3_file *file)
{
	return (struct open_file *)(void *)file;
}

static int
file_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

static int
file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
	struct open_file *o = opened(file);
	if (o->v->is_down)
		return SQLITE_IOERR_READ;
	size_t want = (size_t)len, from = (size_t)at, have = 0;
	if (from < o->f->now.len)
		have = o->f->now.len - from < want ? o->f->now.len - from : want;
	if (have > 0)
		memcpy(data, o->f->now.ptr + from, have);
	if (have == want)
		return SQLITE_OK;
	memset((char *)data + have, 0, want - have);
	return SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	struct open_file *o = opened(file);
	bool was_down = o->v->is_down, is_cut = crashes_now(o->v);
	if (was_down)
		return SQLITE_IOERR_WRITE;
	int64_t growth = at + len - (int64_t)o->f->now.len;
	if (o->v->room > 0 && growth > 0 && used(o->v) + growth > o->v->room)
		return SQLITE_FULL;
	/* The call at hand is on its way to the disk: its sectors are drawn like the others. */
	put_bytes(&o->f->now, (size_t)at, data, (size_t)len);
	return is_cut ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	struct open_file *o = opened(file);
	bool was_down = o->v->is_down, is_cut = crashes_now(o->v);
	if (!was_down)
		set_len(&o->f->now, (size_t)len);
	return was_down || is_cut ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/*
 * SQLite's Unix VFS syncs the folder together with a journal it has made, and with nothing else.
 * That is what makes the names of the database and its journals, and earlier deletions, durable.
 */
static bool
is_journal(const struct disk_file *f)
{
	return strstr(f->name, "-wal") != NULL || strstr(f->name, "-journal") != NULL;
}

static void
sync_folder(struct crashvfs *v)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		v->files[i].was_there = v->files[i].is_there;
		if (!v->files[i].is_there)
			set_len(&v->files[i].durable, 0);
	}
}

static int
file_sync(sqlite3_file *file, int flags)
{
	struct open_file *o = opened(file);
	(void)flags;
	if (crashes_now(o->v))
		return SQLITE_IOERR_FSYNC;
	if (o->v->is_lying)
		return SQLITE_OK;
	copy_bytes(&o->f->durable, &o->f->now);
	if (o->f->is_new && is_journal(o->f))
		sync_folder(o->v);
	o->f->is_new = false;
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	struct open_file *o = opened(file);
	if (o->v->is_down)
		return SQLITE_IOERR_FSTAT;
	*ret = (sqlite3_int64)o->f->now.len;
	return SQLITE_OK;
}

static int
file_lock(sqlite3_file *file, int level)
{
	(void)file, (void)level;
	return SQLITE_OK;
}

static int
file_check_lock(sqlite3_file *file, int *ret)
{
	(void)file;
	*ret = 0;
	return SQLITE_OK;
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int
file_sector_size(sqlite3_file *file)
{
	(void)file;
	return SECTOR;
}

static int
file_traits(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_traits,
};

/* --- methods of the VFS */

static struct crashvfs *
self(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct crashvfs *v = self(vfs);
	file->pMethods = NULL;
	if (v->is_down || name == NULL)
		return SQLITE_CANTOPEN;
	struct disk_file *f = find(v, name);
	if (f == NULL || !f->is_there) {
		if ((flags & SQLITE_OPEN_CREATE) == 0)
			return SQLITE_CANTOPEN;
		f = find_or_make(v, name);
		f->is_there = f->is_new = true;
		set_len(&f->now, 0);
	}
	struct open_file *o = opened(file);
	o->v = v;
	o->f = f;
	o->base.pMethods = &methods;
	if (ret_flags != NULL)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int
disk_delete(sqlite3_vfs *vfs, const char *name, int must_be_durable)
{
	struct crashvfs *v = self(vfs);
	struct disk_file *f = find(v, name);
	if (v->is_down || f == NULL || !f->is_there)
		return v->is_down ? SQLITE_IOERR_DELETE : SQLITE_IOERR_DELETE_NOENT;
	bool is_cut = crashes_now(v);
	f->is_there = false;
	if (is_cut)
		return SQLITE_IOERR_DELETE;
	set_len(&f->now, 0);
	if (must_be_durable != 0 && !v->is_lying) {
		f->was_there = false;
		set_len(&f->durable, 0);
	}
	return SQLITE_OK;
}

static int
disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	const struct disk_file *f = find(self(vfs), name);
	(void)flags;
	if (self(vfs)->is_down)
		return SQLITE_IOERR_ACCESS;
	/* As in SQLite's own VFS: an empty journal is as good as none. */
	*ret = f != NULL && f->is_there && (flags != SQLITE_ACCESS_EXISTS || f->now.len > 0);
	return SQLITE_OK;
}

static int
disk_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	(void)sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

static int
disk_random(sqlite3_vfs *vfs, int len, char *out)
{
	struct pb_rand *r = &self(vfs)->rand;
	for (int i = 0; i < len; i++)
		out[i] = (char)pb_rand_below(r, 256);
	return len;
}

static int
disk_sleep(sqlite3_vfs *vfs, int micros)
{
	(void)vfs;
	return micros;
}

static int
disk_time(sqlite3_vfs *vfs, double *ret)
{
	(void)vfs;
	*ret = 2461000.5;
	return SQLITE_OK;
}

/* --- public */

struct crashvfs *
crashvfs_new(const char *name)
{
	struct crashvfs *v = pb_calloc(1, sizeof(*v));
	v->vfs = (sqlite3_vfs){
	    .iVersion = 1,
	    .szOsFile = sizeof(struct open_file),
	    .mxPathname = 255,
	    .zName = name,
	    .pAppData = v,
	    .xOpen = disk_open,
	    .xDelete = disk_delete,
	    .xAccess = disk_access,
	    .xFullPathname = disk_full_name,
	    .xRandomness = disk_random,
	    .xSleep = disk_sleep,
	    .xCurrentTime = disk_time,
	};
	pb_rand_seed(&v->rand, 1);
	pb_check(sqlite3_vfs_register(&v->vfs, 0) == SQLITE_OK);
	return v;
}

void
crashvfs_free(struct crashvfs *v)
{
	(void)sqlite3_vfs_unregister(&v->vfs);
	for (size_t i = 0; i < FILES_MAX; i++) {
		free(v->files[i].name);
		free(v->files[i].now.ptr);
		free(v->files[i].durable.ptr);
	}
	free(v);
}

void
crashvfs_arm(struct crashvfs *v, uint64_t point, enum crashvfs_loss loss, uint64_t seed)
{
	v->n_points = 0;
	v->crash_at = point;
	v->loss = loss;
	pb_rand_seed(&v->rand, seed);
}

bool
crashvfs_is_down(const struct crashvfs *v)
{
	return v->is_down;
}

void
crashvfs_restart(struct crashvfs *v)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (v->files[i].name != NULL)
			settle(v, &v->files[i]);
	v->is_down = false;
	v->crash_at = 0;
}

/* Memory is kept: the next life needs as much. */
void
crashvfs_wipe(struct crashvfs *v)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct disk_file *f = &v->files[i];
		f->is_there = f->was_there = f->is_new = false;
		f->now.len = f->durable.len = 0;
	}
	v->is_down = false;
	v->crash_at = 0;
}

uint64_t
crashvfs_n_points(const struct crashvfs *v)
{
	return v->n_points;
}

void
crashvfs_set_room(struct crashvfs *v, int64_t bytes)
{
	v->room = bytes;
}

void
crashvfs_set_lying(struct crashvfs *v, bool is_lying)
{
	v->is_lying = is_lying;
}
