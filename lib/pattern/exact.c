/*
 * A text is parsed as any other, and the numbers that lost digits by that are then put in by the text: the
 * tree keeps the order of the document, so its numbers and those of the text go in step.
 */
#include "pattern/exact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pattern/number.h"

struct pb_str
pb_exact_digits(const json_t *number, char room[PB_EXACT_ROOM])
{
	int len = 0;

	if (pb_exact_is_long(number))
		return (struct pb_str){
		    json_string_value(number) + 1, json_string_length(number) - 1};
	if (json_is_integer(number)) {
		len = snprintf(room, PB_EXACT_ROOM, "%lld", (long long)json_integer_value(number));
		return (struct pb_str){room, (size_t)len};
	}
	double real = json_real_value(number);
	for (int digits = 15; digits <= 17; digits++) {
		len = snprintf(room, PB_EXACT_ROOM, "%.*g", digits, real);
		if (strtod(room, NULL) == real)
			break;
	}
	return (struct pb_str){room, (size_t)len};
}

/* Does the value say no less than s? */
static bool
says(const json_t *value, struct pb_str s)
{
	struct pb_number is = {0};
	char room[PB_EXACT_ROOM];

	if (pb_number_make(pb_exact_digits(value, room), &is, NULL) < 0)
		return false;
	bool ret = pb_number_compare_text(s, is) == 0;
	pb_number_fini(&is);
	return ret;
}

static json_t *
long_number(struct pb_str s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;

	(void)pb_buf_addc(&text, '\0');
	(void)pb_buf_add(&text, s.ptr, s.len);
	return json_stringn(text.ptr, text.len);
}

/* As the parser has it: what is written as a whole number and fits 64 bits is one. */
static json_t *
short_number(struct pb_str s)
{
	PB_CLEANUP(pb_freep) char *text = pb_strndup(s.ptr, s.len);

	if (strpbrk(text, ".eE") == NULL) {
		errno = 0;
		long long whole = strtoll(text, NULL, 10);
		if (errno == 0)
			return json_integer(whole);
	}
	return json_real(strtod(text, NULL));
}

json_t *
pb_exact_number(struct pb_str s)
{
	json_t *ret = short_number(s); /* NULL beyond a double */

	if (says(ret, s))
		return ret;
	json_decref(ret);
	return long_number(s);
}

/* --- from the text */

struct restore {
	const char *at, *end;
};

static struct pb_str
next_number(struct restore *r)
{
	bool is_text = false;

	for (; r->at < r->end; r->at++) {
		char c = *r->at;
		if (is_text && c == '\\')
			r->at++;
		else if (c == '"')
			is_text = !is_text;
		else if (!is_text && (c == '-' || (c >= '0' && c <= '9')))
			break;
	}
	const char *from = r->at;
	while (r->at < r->end && strchr("+-.eE0123456789", *r->at) != NULL && *r->at != '\0')
		r->at++;
	return (struct pb_str){from, (size_t)(r->at - from)};
}

static void restore_members(struct restore *r, json_t *at);

/* What is to stand in the place of value: NULL for itself. */
static json_t *
restore_value(struct restore *r, json_t *value)
{
	if (json_is_object(value) || json_is_array(value))
		restore_members(r, value);
	if (!json_is_number(value))
		return NULL;
	struct pb_str s = next_number(r);
	return says(value, s) ? NULL : long_number(s);
}

/* Recursion: a document nests no deeper than PB_JSON_DEPTH_MAX. */
static void
restore_members(struct restore *r, json_t *at)
{
	for (size_t i = 0; i < json_array_size(at); i++) {
		json_t *other = restore_value(r, json_array_get(at, i));
		if (other != NULL)
			(void)json_array_set_new(at, i, other);
	}
	for (void *it = json_object_iter(at); it != NULL; it = json_object_iter_next(at, it)) {
		json_t *other = restore_value(r, json_object_iter_value(it));
		if (other != NULL)
			(void)json_object_iter_set_new(at, it, other);
	}
}

int
pb_exact_parse(struct pb_str text, json_t **ret, struct pb_error *err)
{
	struct restore r = {text.ptr, text.ptr + text.len};
	json_t *j = NULL;

	if (pb_json_parse(text, &j, err) < 0)
		return -1;
	json_t *other = restore_value(&r, j);
	if (other != NULL) {
		json_decref(j);
		j = other;
	}
	*ret = j;
	return 0;
}

/* --- to text */

char *
pb_exact_text(const json_t *j)
{
	static const char mark[] = "\"\\u0000"; /* nothing else is written so */
	char *text = pb_json_text(j), *out, *found;

	/* In place: a number is shorter without its marks. */
	out = strstr(text, mark);
	for (const char *at = out; at != NULL;) {
		const char *from = at + sizeof(mark) - 1;
		size_t len = strcspn(from, "\"");
		memmove(out, from, len);
		out += len;
		at = from + len + 1;
		found = strstr(at, mark);
		len = found == NULL ? strlen(at) + 1 : (size_t)(found - at);
		memmove(out, at, len);
		out += len;
		at = found;
	}
	return text;
}
