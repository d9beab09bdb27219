/*
 * Where the compiler is in a pattern: a path that grows on the way in and shrinks on the way back.
 * The parsed document does not know its lines, so the place of a failure is looked for in the text,
 * which is valid JSON by then.
 */
#include <stdlib.h>

#include "pattern/test.h"

static void
add_step(struct pb_place *pl, struct pb_place_step step)
{
	if (pl->n_steps < PB_PLACE_STEPS)
		pl->steps[pl->n_steps++] = step;
}

size_t
pb_place_enter_key(struct pb_place *pl, const char *key, size_t len)
{
	size_t mark = pl->path.len;

	add_step(pl, (struct pb_place_step){.mark = mark, .key = {key, len}});

	if (mark > 0)
		(void)pb_buf_addc(&pl->path, '.');
	pb_buf_add_safe(&pl->path, (struct pb_str){key, len}, 64, false);
	return mark;
}

size_t
pb_place_enter_index(struct pb_place *pl, size_t index)
{
	size_t mark = pl->path.len;

	add_step(pl, (struct pb_place_step){.mark = mark, .index = index});
	(void)pb_buf_addf(&pl->path, "[%zu]", index);
	return mark;
}

void
pb_place_leave(struct pb_place *pl, size_t mark)
{
	pl->path.len = mark;
	if (pl->path.ptr != NULL)
		pl->path.ptr[mark] = '\0';
	while (pl->n_steps > 0 && pl->steps[pl->n_steps - 1].mark >= mark)
		pl->n_steps--;
}

/* --- finding a place in the text */

/* Go over what is not needed from *at on: a whole value, or the rest of one. */
static void
skip_value(struct pb_str s, size_t *at)
{
	size_t depth = 0;
	bool is_text = false;

	for (; *at < s.len; ++*at) {
		char c = s.ptr[*at];
		if (is_text) {
			*at += c == '\\';
			is_text = c != '"';
		} else if (c == '"') {
			is_text = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (depth == 0 && strchr(",:}]", c) != NULL) {
			return;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
}

static void
skip_blanks(struct pb_str s, size_t *at)
{
	while (*at < s.len && strchr(" \t\r\n", s.ptr[*at]) != NULL)
		++*at;
}

static bool
is_key(struct pb_str raw, struct pb_str key)
{
	PB_JSON json_t *text = NULL;

	if (memchr(raw.ptr, '\\', raw.len) == NULL)
		return raw.len == key.len + 2 && memcmp(raw.ptr + 1, key.ptr, key.len) == 0;
	return pb_json_parse(raw, &text, NULL) == 0 && json_is_string(text) &&
	    pb_str_eq((struct pb_str){json_string_value(text), json_string_length(text)}, key);
}

/* From the start of an object or array at *at to its member; *ret_place is where to point. */
static bool
find_step(struct pb_str s, const struct pb_place_step *step, size_t *at, size_t *ret_place)
{
	for (size_t index = 0; *at < s.len; index++) {
		++*at; /* the bracket or ',' */
		skip_blanks(s, at);
		size_t start = *at;
		if (step->key.ptr == NULL && index == step->index) {
			*ret_place = start;
			return true;
		}
		skip_value(s, at);
		if (step->key.ptr != NULL && *at < s.len && s.ptr[*at] == ':') {
			struct pb_str raw =
			    pb_str_trim((struct pb_str){s.ptr + start, *at - start});
			++*at;
			skip_blanks(s, at);
			if (is_key(raw, step->key)) {
				*ret_place = start;
				return true;
			}
			skip_value(s, at);
		}
		if (*at >= s.len || s.ptr[*at] != ',')
			return false;
	}
	return false;
}

void
pb_place_locate(const struct pb_place *pl, struct pb_str text)
{
	size_t at = 0, place = 0;

	if (pl->err == NULL)
		return;
	skip_blanks(text, &at);
	place = at;
	for (size_t i = 0; i < pl->n_steps; i++)
		if (!find_step(text, &pl->steps[i], &at, &place))
			return;
	pl->err->line = 1;
	pl->err->column = 1;
	for (size_t i = 0; i < place; i++) {
		bool is_end = text.ptr[i] == '\n';
		pl->err->line += is_end;
		pl->err->column = is_end ? 1 : pl->err->column + 1;
	}
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
