/*
 * JSON through jansson, with our limits.
 *
 * jansson recurses by nesting and allows 2048 levels, and overlooks a NUL byte behind a number; a
 * scan before it looks for both, and names the place.  The scan need not be exact on broken text:
 * jansson refuses that behind it.
 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

#define EXACT_MAX 9007199254740992.0 /* 2^53: up to here a double holds every whole number */
#define SECONDS_MAX INT64_C(253402300799) /* the end of year 9999 */

static int
fail_at(struct pb_error *err, int line, int column)
{
	if (err != NULL) {
		err->line = line > 0 ? line : 0;
		err->column = column > 0 ? column : 0;
	}
	return -1;
}

static int
check_bytes(struct pb_str text, struct pb_error *err)
{
	int depth = 0, line = 1, column = 0;
	bool is_text = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		column++;
		if (c == '\n') {
			line++;
			column = 0;
		} else if (c == '\0') {
			(void)pb_fail(err, PB_SYNTAX, "not valid JSON: a NUL byte stands in it");
			return fail_at(err, line, column);
		} else if (is_text && c == '\\') {
			i++;
			column++;
		} else if (c == '"') {
			is_text = !is_text;
		} else if (!is_text && (c == '{' || c == '[') && ++depth > PB_JSON_DEPTH_MAX) {
			(void)pb_fail(err, PB_LIMIT, "JSON is nested deeper than %d levels",
			    PB_JSON_DEPTH_MAX);
			return fail_at(err, line, column);
		} else if (!is_text && (c == '}' || c == ']')) {
			depth--;
		}
	}
	return 0;
}

static int
fail_json(const json_error_t *e, struct pb_error *err)
{
	char shown[200];
	pb_safe(shown, sizeof(shown), pb_str_of(e->text));
	enum json_error_code code = json_error_code(e);
	if (code == json_error_null_character || code == json_error_null_byte_in_key)
		(void)pb_fail(err, PB_SYNTAX,
		    "JSON text holds a NUL character (\\u0000), which is not allowed");
	else if (code == json_error_invalid_utf8)
		(void)pb_fail(err, PB_SYNTAX, "not valid JSON, since not UTF-8: %s", shown);
	else
		(void)pb_fail(err, PB_SYNTAX, "not valid JSON: %s", shown);
	return fail_at(err, e->line, e->column);
}

/* A whole number from `at` on that 64 bits cannot hold: its length, else 0. */
static size_t
too_big_len(struct pb_str text, size_t at)
{
	int64_t unused;
	size_t n = at + (text.ptr[at] == '-');
	while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
		n++;
	if (n - at < 19 || (n < text.len && strchr(".eE", text.ptr[n]) != NULL))
		return 0;
	struct pb_str digits = {text.ptr + at, n - at};
	return pb_parse_i64(digits, INT64_MIN, INT64_MAX, &unused, NULL) < 0 ? n - at : 0;
}

/*
 * The text with ".0" behind whole numbers beyond 64 bits, so that these are read as reals and all others
 * stay whole.  It has passed check_bytes.
 */
static void
mark_too_big(struct pb_str text, struct pb_buf *ret)
{
	bool is_text = false;
	size_t len;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		pb_buf_addc(ret, c);
		if (is_text && c == '\\' && i + 1 < text.len)
			pb_buf_addc(ret, text.ptr[++i]);
		else if (c == '"')
			is_text = !is_text;
		if (is_text || (c != '-' && (c < '0' || c > '9')))
			continue;
		/* Only from its front: behind a point or another digit stands no number of its own. */
		bool is_inside = i > 0 && strchr("0123456789.-+eE", text.ptr[i - 1]) != NULL;
		if (is_inside || (len = too_big_len(text, i)) == 0)
			continue;
		pb_buf_add(ret, text.ptr + i + 1, len - 1);
		pb_buf_adds(ret, ".0");
		i += len - 1;
	}
}

int
pb_json_parse(struct pb_str text, json_t **ret, struct pb_error *err)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	json_error_t e;
	if (pb_str_trim(text).len == 0)
		return pb_fail(err, PB_SYNTAX, "not valid JSON: the text is empty");
	if (check_bytes(text, err) < 0)
		return -1;
	json_t *j = json_loadb(text.ptr, text.len, flags, &e);
	if (j == NULL && json_error_code(&e) == json_error_numeric_overflow) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf marked = PB_BUF_INIT;
		mark_too_big(text, &marked);
		j = json_loadb(marked.ptr, marked.len, flags, &e);
	}
	if (j == NULL)
		return fail_json(&e, err);
	*ret = j;
	return 0;
}

/* Into out the fewest digits from 15 on that are read back as the same number; returns the length. */
static size_t
print_real(double real, char out[32])
{
	size_t n = 0;
	bool is_real = false;
	char text[32];
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	for (const char *p = text; *p != '\0'; p++) {
		is_real = is_real || *p == '.' || *p == 'e';
		bool is_padding =
		    *p == '0' && p > text && strchr("+-", p[-1]) != NULL && p - 1 > text;
		if (*p != '+' && !is_padding)
			out[n++] = *p;
	}
	(void)snprintf(out + n, 32 - n, "%s", is_real ? "" : ".0");
	return strlen(out);
}

/*
 * jansson writes 0.1 as 0.10000000000000001, which people and programs would then read.  Takes `text` over.
 * Ours may be longer too, as 2.222222222222222e16 for 22222222222222220.0, so it is not done in place.
 */
static char *
shorten_reals(char *text)
{
	struct pb_buf b = PB_BUF_INIT;
	const char *from = text; /* what is not copied yet */
	bool is_text = false;
	for (const char *p = text; *p != '\0';) {
		size_t n =
		    is_text || strchr("-0123456789", *p) == NULL ? 0 : strspn(p, "-+.eE0123456789");
		if (n > 0 && strcspn(p, ".eE") < n) {
			char real[32];
			size_t len = print_real(strtod(p, NULL), real);
			(void)pb_buf_add(&b, from, (size_t)(p - from));
			(void)pb_buf_add(&b, real, len);
			p += n;
			from = p;
			continue;
		}
		if (*p == '"')
			is_text = !is_text;
		else if (*p == '\\')
			p++;
		p++;
	}
	if (from == text) /* there is no real */
		return text;
	(void)pb_buf_adds(&b, from);
	free(text);
	return pb_buf_take(&b);
}

static char *
dump(const json_t *j, size_t flags)
{
	pb_check(j != NULL);
	char *text = json_dumps(j, flags | JSON_ENCODE_ANY);
	pb_check(text != NULL);
	return shorten_reals(text);
}

char *
pb_json_text(const json_t *j)
{
	return dump(j, JSON_COMPACT);
}

char *
pb_json_text_sorted(const json_t *j)
{
	return dump(j, JSON_COMPACT | JSON_SORT_KEYS);
}

char *
pb_json_text_indented(const json_t *j)
{
	return dump(j, JSON_INDENT(2));
}

const json_t *
pb_json_get(const json_t *obj, const char *key)
{
	return json_object_get(obj, key); /* NULL for what is no object */
}

const char *
pb_json_str(const json_t *obj, const char *key)
{
	return json_string_value(pb_json_get(obj, key));
}

const char *
pb_json_str_or(const json_t *obj, const char *key, const char *fallback)
{
	const char *s = pb_json_str(obj, key);
	return s != NULL ? s : fallback;
}

int64_t
pb_json_i64(const json_t *obj, const char *key, int64_t fallback)
{
	const json_t *v = pb_json_get(obj, key);
	if (json_is_integer(v))
		return json_integer_value(v);
	if (!json_is_real(v))
		return fallback;
	double x = json_real_value(v);
	return fabs(x) <= EXACT_MAX && x == (double)(int64_t)x ? (int64_t)x : fallback;
}

bool
pb_json_bool(const json_t *obj, const char *key, bool fallback)
{
	const json_t *v = pb_json_get(obj, key);
	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

/* --- paths */

/* "[0]": the index between the brackets; cuts it from *path. */
static const json_t *
path_index(const json_t *at, struct pb_str *path)
{
	const char *close = memchr(path->ptr, ']', path->len);
	int64_t index;
	if (close == NULL)
		return NULL;
	struct pb_str digits = {path->ptr + 1, (size_t)(close - path->ptr) - 1};
	if (pb_parse_i64(digits, 0, UINT32_MAX, &index, NULL) < 0)
		return NULL;
	path->len -= digits.len + 2;
	path->ptr = close + 1;
	return json_array_get(at, (size_t)index);
}

/* "["x.y"]": a quoted member name, in which a backslash stands before '"' and '\'. */
static const json_t *
path_quoted(const json_t *at, struct pb_str *path)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf name = PB_BUF_INIT;
	size_t i = 2;
	for (; i < path->len && path->ptr[i] != '"'; i++) {
		if (path->ptr[i] == '\\' && ++i == path->len)
			return NULL;
		(void)pb_buf_addc(&name, path->ptr[i]);
	}
	if (i + 1 >= path->len || path->ptr[i + 1] != ']')
		return NULL;
	path->ptr += i + 2;
	path->len -= i + 2;
	struct pb_str key = pb_buf_str(&name);
	return json_object_getn(at, key.ptr, key.len);
}

static const json_t *
path_member(const json_t *at, struct pb_str *path)
{
	size_t n = 0;
	while (n < path->len && path->ptr[n] != '.' && path->ptr[n] != '[')
		n++;
	struct pb_str key = {path->ptr, n};
	path->ptr += n;
	path->len -= n;
	return n > 0 ? json_object_getn(at, key.ptr, key.len) : NULL;
}

const json_t *
pb_json_path(const json_t *root, struct pb_str path)
{
	const json_t *at = root;
	bool is_first = true;
	while (at != NULL && path.len > 0) {
		if (path.ptr[0] == '[') {
			bool is_quoted = path.len > 1 && path.ptr[1] == '"';
			at = is_quoted ? path_quoted(at, &path) : path_index(at, &path);
		} else {
			if (!is_first) {
				if (path.ptr[0] != '.')
					return NULL;
				path.ptr++;
				path.len--;
			}
			at = path_member(at, &path);
		}
		is_first = false;
	}
	return at;
}

/* --- building */

void
pb_json_set_str(json_t *obj, const char *key, const char *value)
{
	if (value == NULL)
		return;
	json_t *text = json_string(value);
	if (text == NULL) { /* not UTF-8, which JSON cannot hold */
		PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
		pb_buf_add_safe(&safe, pb_str_of(value), SIZE_MAX, true);
		text = json_string(pb_buf_str(&safe).ptr);
	}
	int rc = json_object_set_new(obj, key, text);
	pb_check(rc == 0);
}

void
pb_json_set_i64(json_t *obj, const char *key, int64_t value)
{
	int rc = json_object_set_new(obj, key, json_integer(value));
	pb_check(rc == 0);
}

int64_t
pb_json_time(const json_t *value)
{
	int64_t at;
	if (json_is_string(value)) {
		struct pb_str s = {json_string_value(value), json_string_length(value)};
		return pb_time_parse(s, &at, NULL) < 0 ? -1 : at;
	}
	if (json_is_integer(value)) {
		at = json_integer_value(value);
		return at >= 0 && at <= SECONDS_MAX ? at * PB_SECOND : -1;
	}
	double x = json_real_value(value); /* 0 for what is no number */
	if (!json_is_real(value) || !(x >= 0 && x <= (double)SECONDS_MAX))
		return -1;
	return (int64_t)(x * 1000.0 + 0.5);
}
