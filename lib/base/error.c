/*
 * Filling and wrapping of errors.  The text is made in a scratch buffer first, since an argument
 * may be the text of the very error that is filled.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const kind_names[] = {
    [PB_OK] = "ok",
    [PB_SYNTAX] = "syntax",
    [PB_LIMIT] = "limit",
    [PB_INVALID] = "invalid",
    [PB_NOT_FOUND] = "not found",
    [PB_EXISTS] = "exists",
    [PB_DENIED] = "denied",
    [PB_IO] = "io",
    [PB_TIMEOUT] = "timeout",
    [PB_UNSUPPORTED] = "unsupported",
    [PB_CORRUPT] = "corrupt",
};
_Static_assert(PB_ARRAY_LEN(kind_names) == PB_ERROR_MAX, "every kind has a name");

/* Scratch one byte larger than the text, so that "too long" can be told from "just fits". */
struct scratch {
	char text[sizeof(((struct pb_error *)0)->text) + 1];
	size_t len; /* what the whole text would have had */
};

static void
scratch_vadd(struct scratch *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void
scratch_vadd(struct scratch *s, const char *fmt, va_list ap)
{
	if (s->len >= sizeof(s->text))
		return;
	int n = vsnprintf(s->text + s->len, sizeof(s->text) - s->len, fmt, ap);
	s->len += n < 0 ? 0 : (size_t)n;
}

static void scratch_add(struct scratch *s, const char *fmt, ...) PB_PRINTF(2, 3);

static void
scratch_add(struct scratch *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	scratch_vadd(s, fmt, ap);
	va_end(ap);
}

static void
scratch_move(const struct scratch *s, struct pb_error *err)
{
	size_t room = sizeof(err->text) - 1;
	if (s->len <= room) {
		memcpy(err->text, s->text, s->len + 1);
		return;
	}
	size_t keep = pb_utf8_cut((struct pb_str){s->text, room}, room - 3);
	memcpy(err->text, s->text, keep);
	memcpy(err->text + keep, "...", 4);
}

static void
fill(struct pb_error *err, enum pb_error_kind kind, const struct scratch *s)
{
	err->kind = kind;
	err->line = err->column = 0;
	err->path[0] = '\0';
	scratch_move(s, err);
}

enum pb_error_kind
pb_error_kind_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return PB_NOT_FOUND;
	case EEXIST:
		return PB_EXISTS;
	case EACCES:
	case EPERM:
		return PB_DENIED;
	case ETIMEDOUT:
		return PB_TIMEOUT;
	default:
		return PB_IO;
	}
}

int
pb_fail(struct pb_error *err, enum pb_error_kind kind, const char *fmt, ...)
{
	if (err == NULL)
		return -1;
	struct scratch s = {.len = 0};
	va_list ap;
	va_start(ap, fmt);
	scratch_vadd(&s, fmt, ap);
	va_end(ap);
	fill(err, kind, &s);
	return -1;
}

int
pb_fail_errno(struct pb_error *err, int errnum, const char *fmt, ...)
{
	if (err == NULL)
		return -1;
	struct scratch s = {.len = 0};
	va_list ap;
	va_start(ap, fmt);
	scratch_vadd(&s, fmt, ap);
	va_end(ap);
	char reason[128];
	scratch_add(&s, ": %s", strerror_r(errnum, reason, sizeof(reason)));
	fill(err, pb_error_kind_of_errno(errnum), &s);
	return -1;
}

int
pb_wrap(struct pb_error *err, const char *fmt, ...)
{
	if (err == NULL)
		return -1;
	struct scratch s = {.len = 0};
	va_list ap;
	va_start(ap, fmt);
	scratch_vadd(&s, fmt, ap);
	va_end(ap);
	scratch_add(&s, ": %s", err->text);
	scratch_move(&s, err);
	return -1;
}

const char *
pb_error_kind_name(enum pb_error_kind kind)
{
	return (size_t)kind < PB_ARRAY_LEN(kind_names) ? kind_names[kind] : "unknown";
}
