/*
 * Unix sockets that listen.  Private to lib/io.
 */
#ifndef PB_IO_UNIX_SOCKET_H
#define PB_IO_UNIX_SOCKET_H

#include "base/error.h"

/*
 * Bind a stream socket at `path` with this mode and group (NULL or "" = leave it), not yet
 * listening, so that nobody connects before the rights are right.  A socket left behind by a
 * process that is gone is removed; one that somebody listens on is PB_EXISTS.  The descriptor is
 * the caller's.
 */
int pb_unix_socket_bind(
    const char *path, unsigned mode, const char *group, int *ret_fd, struct pb_error *err);

#endif
