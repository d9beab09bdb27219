/*
 * Binding Unix sockets.
 */
#include "io/unix_socket.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int
make_socket(int *ret_fd, struct pb_error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pb_fail_errno(err, errno, "cannot make a socket");
	*ret_fd = fd;
	return 0;
}

/* The only sure sign that a socket file is nobody's: connecting is refused. */
static int
remove_stale(const struct sockaddr_un *addr, struct pb_error *err)
{
	struct stat st;
	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : pb_fail_errno(err, errno, "%s", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return pb_fail(
		    err, PB_EXISTS, "%s: exists and is no socket; move it away", addr->sun_path);
	PB_CLEANUP(close_fd) int fd = -1;
	if (make_socket(&fd, err) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		return pb_fail(err, PB_EXISTS, "%s: another process listens there", addr->sun_path);
	if (errno != ECONNREFUSED)
		return pb_fail_errno(err, errno, "%s: in use?", addr->sun_path);
	if (unlink(addr->sun_path) < 0)
		return pb_fail_errno(
		    err, errno, "%s: cannot remove the old socket", addr->sun_path);
	return 0;
}

static int
give_to_group(const char *path, const char *group, struct pb_error *err)
{
	if (group == NULL || group[0] == '\0')
		return 0;
	errno = 0;
	const struct group *g = getgrnam(group);
	if (g == NULL)
		return pb_fail(err, PB_NOT_FOUND, "%s: there is no group \"%s\"", path, group);
	if (chown(path, (uid_t)-1, g->gr_gid) < 0)
		return pb_fail_errno(err, errno,
		    "%s: cannot give the socket to group \"%s\"; the daemon's user must be in it",
		    path, group);
	return 0;
}

int
pb_unix_socket_bind(
    const char *path, unsigned mode, const char *group, int *ret_fd, struct pb_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof(addr.sun_path))
		return pb_fail(err, PB_INVALID,
		    "the path of a socket has 1 to %zu bytes; this one has %zu: %s",
		    sizeof(addr.sun_path) - 1, len, path);
	memcpy(addr.sun_path, path, len);
	PB_CLEANUP(close_fd) int fd = -1;
	if (remove_stale(&addr, err) < 0 || make_socket(&fd, err) < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return pb_fail_errno(err, errno, "%s: cannot make the socket", path);
	if (chmod(path, (mode_t)mode) < 0) {
		(void)pb_fail_errno(err, errno, "%s", path);
		(void)unlink(path);
		return -1;
	}
	if (give_to_group(path, group, err) < 0) {
		(void)unlink(path);
		return -1;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}
