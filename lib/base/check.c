/*
 * The failed claim, and allocation that ends the process instead of failing.
 */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pb_check_fn *on_failure;

void
pb_check_on_failure(pb_check_fn *fn)
{
	on_failure = fn;
}

void
pb_check_failed(const char *claim, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken claim: %s\n", file, line, claim);
	/* Once: what it does may rest on the same claim. */
	pb_check_fn *fn = PB_TAKE(on_failure);
	if (fn != NULL)
		fn(claim, file, line);
	abort();
}

static void *
need(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
pb_malloc(size_t size)
{
	return need(malloc(size > 0 ? size : 1));
}

void *
pb_calloc(size_t n, size_t size)
{
	return need(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *
pb_realloc(void *p, size_t size)
{
	return need(realloc(p, size > 0 ? size : 1));
}

char *
pb_strdup(const char *s)
{
	return s == NULL ? NULL : need(strdup(s));
}

char *
pb_strndup(const char *s, size_t len)
{
	char *copy = pb_malloc(len + 1);
	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
pb_asprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return need(n < 0 ? NULL : text);
}

void
pb_freep(void *p)
{
	void *owned;
	memcpy(&owned, p, sizeof(owned));
	free(owned);
}
