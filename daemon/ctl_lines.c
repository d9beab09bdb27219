/*
 * Lines of a file, however long and whatever is in it.
 */
#include "daemon/ctl_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN 200
#define CHUNK (64U << 10)

static int
fail(const char *name, size_t line, const char *why)
{
	char shown[SHOWN];
	fprintf(stderr, "playbookctl: %s", pb_safe(shown, sizeof(shown), pb_str_of(name)));
	if (line > 0)
		fprintf(stderr, ":%zu", line);
	fprintf(stderr, ": %s\n", why);
	return -1;
}

int
pb_ctl_lines_open(struct pb_ctl_lines *l, const char *name)
{
	bool is_stdin = strcmp(name, "-") == 0;
	struct stat st;
	*l = (struct pb_ctl_lines){.name = is_stdin ? "standard input" : name};
	l->fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (l->fd < 0)
		return fail(l->name, 0, strerror(errno));
	l->is_open = !is_stdin;
	if (fstat(l->fd, &st) == 0 && S_ISDIR(st.st_mode))
		return fail(l->name, 0, strerror(EISDIR));
	return 0;
}

void
pb_ctl_lines_fini(struct pb_ctl_lines *l)
{
	if (l->is_open)
		(void)close(l->fd);
	free(l->buf);
}

/* More bytes behind those that are left; -1 is told. */
static int
read_more(struct pb_ctl_lines *l)
{
	if (l->from > 0) {
		memmove(l->buf, l->buf + l->from, l->len);
		l->from = 0;
	}
	if (l->len > PB_CTL_LINE_MAX)
		return fail(l->name, l->number + 1, "a line may have at most 64 MiB");
	if (l->size < l->len + CHUNK) {
		l->size = 2 * l->len + CHUNK;
		l->buf = pb_realloc(l->buf, l->size);
	}
	ssize_t n;
	do
		n = read(l->fd, l->buf + l->len, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(l->name, l->number + 1, strerror(errno));
	l->is_at_end = n == 0;
	l->len += (size_t)n;
	return 0;
}

int
pb_ctl_lines_next(struct pb_ctl_lines *l, struct pb_str *ret)
{
	size_t seen = 0;
	for (;;) {
		char *at = l->buf == NULL ? NULL : l->buf + l->from;
		char *end = l->len > seen ? memchr(at + seen, '\n', l->len - seen) : NULL;
		if (end == NULL && !l->is_at_end) {
			seen = l->len;
			if (read_more(l) < 0)
				return -1;
			continue;
		}
		if (l->len == 0)
			return 0;
		size_t n = end == NULL ? l->len : (size_t)(end - at) + 1;
		l->number++;
		l->from += n;
		l->len -= n;
		seen = 0;
		if (l->number == 1 && pb_ctl_refuse_mark(l->name, (struct pb_str){at, n}) < 0)
			return -1;
		l->raw = (struct pb_str){at, n - (end != NULL)};
		if (l->raw.len > 0 && at[l->raw.len - 1] == '\r')
			l->raw.len--;
		*ret = pb_str_trim((struct pb_str){at, n});
		if (ret->len > 0)
			return 1;
	}
}

int
pb_ctl_refuse_mark(const char *name, struct pb_str text)
{
	if (!pb_str_has_prefix(text, PB_STR("\xef\xbb\xbf")))
		return 0;
	return fail(name, 0, "begins with a byte order mark; save it as UTF-8 without one");
}
