/*
 * Borrowed strings, growing buffers, and small parsers of numbers.
 */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct pb_str
pb_str_of(const char *s)
{
	return s == NULL ? (struct pb_str){"", 0} : (struct pb_str){s, strlen(s)};
}

bool
pb_str_eq(struct pb_str a, struct pb_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
pb_str_is(struct pb_str a, const char *s)
{
	return pb_str_eq(a, pb_str_of(s));
}

bool
pb_str_has_prefix(struct pb_str s, struct pb_str prefix)
{
	return s.len >= prefix.len && pb_str_eq((struct pb_str){s.ptr, prefix.len}, prefix);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct pb_str
pb_str_trim(struct pb_str s)
{
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool
pb_streq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* Room for `extra` more bytes and the NUL, or -1 past the cap. */
static int
buf_reserve(struct pb_buf *b, size_t extra)
{
	if (extra > SIZE_MAX / 4 - b->len || (b->cap > 0 && extra > b->cap - b->len)) {
		b->is_over = true;
		return -1;
	}
	size_t need = b->len + extra + 1;
	if (need <= b->size)
		return 0;
	size_t size = b->size > 0 ? b->size : 64;
	while (size < need)
		size *= 2;
	b->ptr = pb_realloc(b->ptr, size);
	b->size = size;
	return 0;
}

int
pb_buf_add(struct pb_buf *b, const void *data, size_t len)
{
	if (buf_reserve(b, len) < 0)
		return -1;
	if (len > 0)
		memcpy(b->ptr + b->len, data, len);
	b->len += len;
	b->ptr[b->len] = '\0';
	return 0;
}

int
pb_buf_adds(struct pb_buf *b, const char *s)
{
	return pb_buf_add(b, s, strlen(s));
}

int
pb_buf_addc(struct pb_buf *b, char c)
{
	return pb_buf_add(b, &c, 1);
}

int
pb_buf_addf(struct pb_buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = pb_buf_vaddf(b, fmt, ap);
	va_end(ap);
	return rc;
}

int
pb_buf_vaddf(struct pb_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	pb_check(n >= 0);
	int rc = buf_reserve(b, (size_t)n);
	if (rc == 0) {
		vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return rc;
}

void
pb_buf_reset(struct pb_buf *b)
{
	b->len = 0;
	b->is_over = false;
	if (b->ptr != NULL)
		b->ptr[0] = '\0';
}

void
pb_buf_fini(struct pb_buf *b)
{
	free(b->ptr);
	*b = (struct pb_buf){.cap = b->cap};
}

char *
pb_buf_take(struct pb_buf *b)
{
	char *text = b->ptr != NULL ? b->ptr : pb_strdup("");
	*b = (struct pb_buf){.cap = b->cap};
	return text;
}

struct pb_str
pb_buf_str(const struct pb_buf *b)
{
	return b->ptr == NULL ? (struct pb_str){"", 0} : (struct pb_str){b->ptr, b->len};
}

static int
fail_number(struct pb_str s, struct pb_error *err)
{
	char shown[64];
	if (s.len == 0)
		return pb_fail(err, PB_SYNTAX, "a whole number is missing");
	return pb_fail(
	    err, PB_SYNTAX, "\"%s\" is not a whole number", pb_safe(shown, sizeof(shown), s));
}

int
pb_parse_i64(struct pb_str s, int64_t min, int64_t max, int64_t *ret, struct pb_error *err)
{
	bool is_negative = s.len > 0 && s.ptr[0] == '-' && min < 0;
	bool is_huge = false;
	int64_t n = 0; /* kept negative: that side reaches one further */
	size_t i = is_negative ? 1 : 0;
	if (i == s.len)
		return fail_number(s, err);
	for (; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return fail_number(s, err);
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, s.ptr[i] - '0', &n)) {
			is_huge = true;
			n = 0;
		}
	}
	if (!is_negative && __builtin_sub_overflow(INT64_C(0), n, &n))
		is_huge = true;
	if (is_huge || n < min || n > max) {
		char shown[64];
		return pb_fail(err, PB_INVALID,
		    "%s is out of range; %" PRId64 " to %" PRId64 " is allowed",
		    pb_safe(shown, sizeof(shown), s), min, max);
	}
	*ret = n;
	return 0;
}
