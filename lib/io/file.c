/*
 * Whole files and directory listings.
 */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int
fail_path(struct pb_error *err, int errnum, const char *path)
{
	enum pb_error_kind kind = PB_IO;
	if (errnum == ENOENT || errnum == ENOTDIR)
		kind = PB_NOT_FOUND;
	else if (errnum == EACCES || errnum == EPERM)
		kind = PB_DENIED;
	return pb_fail(err, kind, "%s: %s", path, strerror(errnum));
}

int
pb_file_read_fd(int fd, const char *name, size_t cap, struct pb_buf *ret, struct pb_error *err)
{
	if (cap == 0)
		cap = PB_FILE_CAP_DEFAULT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf all = PB_BUF_CAPPED(cap);
	char piece[16384];
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_path(err, errno, name);
		if (n == 0)
			break;
		if (pb_buf_add(&all, piece, (size_t)n) < 0)
			return pb_fail(err, PB_LIMIT, "%s: larger than %zu bytes", name, cap);
	}
	pb_buf_fini(ret);
	*ret = all;
	all = (struct pb_buf)PB_BUF_INIT;
	return 0;
}

int
pb_file_read(const char *path, size_t cap, struct pb_buf *ret, struct pb_error *err)
{
	/* O_NONBLOCK, or opening a FIFO would wait for a writer. */
	PB_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_path(err, errno, path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return fail_path(err, errno, path);
	if (!S_ISREG(st.st_mode))
		return pb_fail(err, PB_INVALID, "%s: %s, not a regular file", path,
		    S_ISDIR(st.st_mode) ? "a directory" : "a device, socket or pipe");
	return pb_file_read_fd(fd, path, cap, ret, err);
}

static int
write_all(int fd, struct pb_str data)
{
	while (data.len > 0) {
		ssize_t n = write(fd, data.ptr, data.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data.ptr += n;
		data.len -= (size_t)n;
	}
	return 0;
}

static int
sync_directory_of(const char *path)
{
	PB_CLEANUP(pb_freep) char *dir = pb_strdup(path);
	char *slash = strrchr(dir, '/');
	if (slash == dir)
		slash[1] = '\0';
	else if (slash != NULL)
		*slash = '\0';
	PB_CLEANUP(close_fd)
	int fd = open(slash == NULL ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

static int
fill_temporary(const char *name, mode_t mode, struct pb_str data)
{
	PB_CLEANUP(close_fd)
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -1;
	return fchmod(fd, mode) < 0 || write_all(fd, data) < 0 || fsync(fd) < 0 ? -1 : 0;
}

int
pb_file_write(const char *path, mode_t mode, struct pb_str data, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *tmp = pb_asprintf("%s.tmp", path);
	if (fill_temporary(tmp, mode, data) < 0 || rename(tmp, path) < 0) {
		int errnum = errno;
		(void)unlink(tmp);
		return fail_path(err, errnum, path);
	}
	if (sync_directory_of(path) < 0)
		return fail_path(err, errno, path);
	return 0;
}

int
pb_file_mtime(const char *path, int64_t *ret_at, struct pb_error *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return fail_path(err, errno, path);
	*ret_at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

static void
close_dir(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = suffix == NULL ? 0 : strlen(suffix);
	return n >= s && (s == 0 || strcmp(name + n - s, suffix) == 0);
}

static int
by_bytes(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

int
pb_file_list(const char *dir, const char *suffix, struct pb_file_list *ret, struct pb_error *err)
{
	PB_CLEANUP(close_dir) DIR *d = opendir(dir);
	if (d == NULL)
		return fail_path(err, errno, dir);
	PB_CLEANUP(pb_file_list_fini) struct pb_file_list l = {0};
	size_t size = 0;
	const struct dirent *e;
	while (errno = 0, (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || !has_suffix(e->d_name, suffix))
			continue;
		if (l.n == PB_FILE_LIST_MAX)
			return pb_fail(
			    err, PB_LIMIT, "%s: more than %u files", dir, PB_FILE_LIST_MAX);
		if (l.n == size) {
			size = size == 0 ? 16 : size * 2;
			l.names = pb_realloc(l.names, size * sizeof(*l.names));
		}
		l.names[l.n++] = pb_strdup(e->d_name);
	}
	if (errno != 0)
		return fail_path(err, errno, dir);
	if (l.n > 0)
		qsort(l.names, l.n, sizeof(*l.names), by_bytes);
	*ret = l;
	l = (struct pb_file_list){0};
	return 0;
}

void
pb_file_list_fini(struct pb_file_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct pb_file_list){0};
}
