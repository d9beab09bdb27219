/*
 * Claims as files: a temporary one, locked and written, is linked to its name; link(2) fails where
 * the name is taken.
 */
#include "daemon/exec_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "io/file.h"

#define NAME_PLAIN_MAX 200 /* a name of a file has 255 */
#define NAME_BEGINNING 100

static bool
is_id(const char *id)
{
	static const char good[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@/-";
	size_t len = strlen(id);
	return len > 0 && len <= PB_CLAIM_ID_MAX && id[0] != '.' && strspn(id, good) == len;
}

/*
 * "20261123-1/restart/1" becomes "20261123-1,restart,1", and a long one its beginning and its digest:
 * ',' and '~' stand in no id.
 */
static char *
path_of(const char *dir, const char *id)
{
	char digest[PB_SHA256_TEXT];
	pb_sha256_text(id, strlen(id), digest);
	char *path = strlen(id) <= NAME_PLAIN_MAX
	    ? pb_asprintf("%s/%s", dir, id)
	    : pb_asprintf("%s/%.*s~%s", dir, NAME_BEGINNING, id, digest);
	for (char *s = path + strlen(dir) + 1; *s != '\0'; s++)
		if (*s == '/')
			*s = ',';
	return path;
}

static int
write_all(int fd, struct pb_str data, const char *what, struct pb_error *err)
{
	while (data.len > 0) {
		ssize_t n = write(fd, data.ptr, data.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pb_fail_errno(err, errno, "%s", what);
		data = (struct pb_str){data.ptr + n, data.len - (size_t)n};
	}
	return 0;
}

static int
sync_dir(const char *dir, struct pb_error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		(void)pb_fail_errno(err, errno, "%s", dir);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)close(fd);
	return 0;
}

/* A file that is ours alone: locked, with our process id in it. */
static int
make(const char *temp, struct pb_error *err)
{
	int fd = open(temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return pb_fail_errno(err, errno, "%s", temp);
	PB_CLEANUP(pb_freep) char *line = pb_asprintf("%d\n", (int)getpid());
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)pb_fail_errno(err, errno, "%s: lock", temp);
	} else if (write_all(fd, pb_str_of(line), temp, err) == 0) {
		if (fsync(fd) == 0)
			return fd;
		(void)pb_fail_errno(err, errno, "%s", temp);
	}
	(void)close(fd);
	return -1;
}

static int
open_other(const char *path, struct pb_claim *ret, struct pb_error *err)
{
	char head[16] = "";
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return pb_fail_errno(err, errno, "%s", path);
	ssize_t n = pread(fd, head, sizeof(head) - 1, 0);
	*ret = (struct pb_claim){.fd = fd, .owner = n > 0 ? atoi(head) : 0};
	return 0;
}

static int
check_id(const char *id, struct pb_error *err)
{
	if (is_id(id))
		return 0;
	return pb_fail(err, PB_INVALID,
	    "the attempt's id must be 1 to %d letters, digits and ._@/-", PB_CLAIM_ID_MAX);
}

int
pb_claim_find(const char *dir, const char *id, struct pb_claim *ret, struct pb_error *err)
{
	if (check_id(id, err) < 0)
		return -1;
	PB_CLEANUP(pb_freep) char *path = path_of(dir, id);
	return open_other(path, ret, err);
}

int
pb_claim_take(const char *dir, const char *id, struct pb_claim *ret, struct pb_error *err)
{
	if (check_id(id, err) < 0)
		return -1;
	PB_CLEANUP(pb_freep) char *path = path_of(dir, id);
	PB_CLEANUP(pb_freep) char *temp = pb_asprintf("%s/.%d", dir, (int)getpid());
	(void)unlink(temp); /* of a process of this number that died */
	int fd = make(temp, err);
	if (fd < 0)
		return -1;
	int rc = link(temp, path), errnum = errno;
	(void)unlink(temp);
	if (rc == 0 && sync_dir(dir, err) == 0) {
		*ret = (struct pb_claim){.fd = fd, .is_ours = true, .owner = (int)getpid()};
		return 0;
	}
	(void)close(fd);
	if (rc == 0) {
		(void)unlink(path); /* nothing was started */
		return -1;
	}
	return errnum == EEXIST ? open_other(path, ret, err)
				: pb_fail_errno(err, errnum, "%s", path);
}

int
pb_claim_end(struct pb_claim *c, struct pb_str result, struct pb_error *err)
{
	if (write_all(c->fd, result, "the claim's result", err) < 0 ||
	    write_all(c->fd, PB_STR("\n"), "the claim's result", err) < 0)
		return -1;
	return fsync(c->fd) < 0 ? pb_fail_errno(err, errno, "the claim's result") : 0;
}

bool
pb_claim_is_held(const struct pb_claim *c)
{
	if (flock(c->fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)flock(c->fd, LOCK_UN);
	return false;
}

int
pb_claim_result(const struct pb_claim *c, struct pb_buf *ret, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf all = PB_BUF_INIT;
	if (lseek(c->fd, 0, SEEK_SET) < 0)
		return pb_fail_errno(err, errno, "the claim");
	if (pb_file_read_fd(c->fd, "the claim", PB_CLAIM_RESULT_MAX, &all, err) < 0)
		return -1;
	const char *begin = all.len == 0 ? NULL : memchr(all.ptr, '\n', all.len);
	/* A line that is not ended was being written. */
	if (begin == NULL || begin + 1 == all.ptr + all.len || all.ptr[all.len - 1] != '\n')
		return pb_fail(err, PB_NOT_FOUND, "it was cut off, and left no result");
	pb_buf_reset(ret);
	pb_buf_add(ret, begin + 1, (size_t)(all.ptr + all.len - begin - 2));
	return 0;
}

void
pb_claim_fini(struct pb_claim *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}
