/*
 * Errors.  Functions return 0 or -1 and take `struct pb_error *err` last.  The level that knows the
 * cause fills it (pb_fail), levels that know the place wrap it (pb_wrap), the level that knows the
 * consequence logs it, once.  err may be NULL when the caller does not care.
 */
#ifndef PB_BASE_ERROR_H
#define PB_BASE_ERROR_H

#include "base/check.h"

enum pb_error_kind {
	PB_OK = 0,
	PB_SYNTAX, /* input that is not what the format says; line, column or path are set */
	PB_LIMIT, /* input beyond a cap */
	PB_INVALID, /* a value that is well formed and wrong */
	PB_NOT_FOUND,
	PB_EXISTS, /* there already, or in use by somebody else */
	PB_DENIED,
	PB_IO, /* the system or the network refused; text says what */
	PB_TIMEOUT,
	PB_UNSUPPORTED, /* known, and not built yet */
	PB_CORRUPT, /* data of ours that cannot be believed */
	PB_ERROR_MAX,
};

struct pb_error {
	enum pb_error_kind kind;
	int line; /* from 1; 0 = unknown */
	int column; /* from 1; 0 = unknown */
	char path[192]; /* place inside a document, as "detail.state.value[0]"; "" = unknown */
	char text[768]; /* cut with "..." when longer; never holds a secret */
};

/* Fill all of err (line, column and path become unknown: set them after) and return -1. */
int pb_fail(struct pb_error *err, enum pb_error_kind kind, const char *fmt, ...) PB_PRINTF(3, 4);
/*
 * The same with ": " and strerror(errnum) behind.  The kind is that of pb_error_kind_of_errno: not
 * found, exists, denied or timeout where errnum says so, else PB_IO.
 */
int pb_fail_errno(struct pb_error *err, int errnum, const char *fmt, ...) PB_PRINTF(3, 4);
/* Put "PREFIX: " before the text and return -1. */
int pb_wrap(struct pb_error *err, const char *fmt, ...) PB_PRINTF(2, 3);
enum pb_error_kind pb_error_kind_of_errno(int errnum);
const char *pb_error_kind_name(enum pb_error_kind kind);

#endif
