/*
 * Where the compiler is in a pattern: a path that grows on the way in and shrinks on the way back.
 */
#include <stdlib.h>

#include "pattern/test.h"

size_t
pb_place_enter_key(struct pb_place *pl, const char *key, size_t len)
{
	size_t mark = pl->path.len;

	if (mark > 0)
		(void)pb_buf_addc(&pl->path, '.');
	pb_buf_add_safe(&pl->path, (struct pb_str){key, len}, 64, false);
	return mark;
}

size_t
pb_place_enter_index(struct pb_place *pl, size_t index)
{
	size_t mark = pl->path.len;

	(void)pb_buf_addf(&pl->path, "[%zu]", index);
	return mark;
}

void
pb_place_leave(struct pb_place *pl, size_t mark)
{
	pl->path.len = mark;
	if (pl->path.ptr != NULL)
		pl->path.ptr[mark] = '\0';
}

int
pb_place_fail(struct pb_place *pl, enum pb_error_kind kind, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	(void)pb_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	(void)pb_fail(pl->err, kind, "%s", text.ptr);
	if (pl->err != NULL) {
		const char *path = pl->path.len > 0 ? pl->path.ptr : "";
		size_t len = pb_utf8_cut(pb_str_of(path), sizeof(pl->err->path) - 1);
		memcpy(pl->err->path, path, len);
		pl->err->path[len] = '\0';
	}
	return -1;
}
