/*
 * Whole files and directory listings.  They block: for configuration, credentials and small state.
 */
#ifndef PB_IO_FILE_H
#define PB_IO_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"

#define PB_FILE_CAP_DEFAULT (1U << 20)
#define PB_FILE_LIST_MAX 10000U

/*
 * Read a regular file of at most `cap` bytes (0 = PB_FILE_CAP_DEFAULT) into ret, which is emptied
 * first.  PB_NOT_FOUND, PB_DENIED, PB_LIMIT, PB_INVALID (a directory, a FIFO ...), PB_IO; err names
 * the path.  On failure ret is as it was.
 */
int pb_file_read(const char *path, size_t cap, struct pb_buf *ret, struct pb_error *err);
/* The same from an open descriptor of any type, up to its end; `name` is for err. */
int pb_file_read_fd(int fd, const char *name, size_t cap, struct pb_buf *ret, struct pb_error *err);

/*
 * Replace a file so that after a crash it holds the old or the new contents: a temporary file in
 * the same directory, fsync, rename, fsync of the directory.
 */
int pb_file_write(const char *path, mode_t mode, struct pb_str data, struct pb_error *err);

int pb_file_mtime(const char *path, int64_t *ret_at, struct pb_error *err); /* ms since 1970 */

/* Names in a directory in byte order; "." names left out.  Caller frees with pb_file_list_fini. */
struct pb_file_list {
	char **names;
	size_t n;
};
/*
 * Only names that end in `suffix` (NULL or "" = all).  PB_LIMIT beyond PB_FILE_LIST_MAX entries.
 * Errors as pb_file_read; on failure ret is untouched.
 */
int
pb_file_list(const char *dir, const char *suffix, struct pb_file_list *ret, struct pb_error *err);
void pb_file_list_fini(struct pb_file_list *l); /* also the cleanup function */

#endif
