#include "event/span.h"

#include "pattern/flat.h"
#include "pattern/scan.h"

static void
pass_blanks(struct pb_spans *w)
{
	while (w->at < w->end && pb_scan_is_blank((unsigned char)*w->at))
		w->at++;
}

static void
pass_text(struct pb_spans *w)
{
	w->at++;
	while (w->at < w->end && *w->at != '"')
		w->at += *w->at == '\\' ? 2 : 1;
	w->at = w->at < w->end ? w->at + 1 : w->end;
}

/* To what ends a value, or stands between two. */
static void
pass_value(struct pb_spans *w)
{
	size_t depth = 0;

	for (; w->at < w->end; w->at++) {
		char c = *w->at;
		if (c == '"') {
			pass_text(w);
			w->at--;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ':')) {
			return;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
}

static struct pb_str
take_value(struct pb_spans *w)
{
	pass_blanks(w);
	const char *from = w->at;
	pass_value(w);
	return pb_str_trim((struct pb_str){from, (size_t)(w->at - from)});
}

struct pb_spans
pb_spans_of(struct pb_str structure)
{
	structure = pb_str_trim(structure);
	bool is_structure = pb_span_is(structure, '{') || pb_span_is(structure, '[');
	return (struct pb_spans){
	    structure.ptr + is_structure, structure.ptr + (is_structure ? structure.len : 0)};
}

bool
pb_spans_next(struct pb_spans *w, struct pb_str *ret_key, struct pb_str *ret_value)
{
	*ret_key = (struct pb_str){"", 0};
	pass_blanks(w);
	if (w->at >= w->end || *w->at == '}' || *w->at == ']')
		return false;
	*ret_value = take_value(w);
	if (w->at < w->end && *w->at == ':') {
		*ret_key = (struct pb_str){ret_value->ptr + 1, ret_value->len - 2};
		w->at++;
		*ret_value = take_value(w);
	}
	w->at += w->at < w->end && *w->at == ',';
	return true;
}

static bool
is_key(struct pb_str key, const char *wanted)
{
	char plain[6 * PB_SPAN_KEY_MAX];

	if (memchr(key.ptr, '\\', key.len) == NULL)
		return pb_str_is(key, wanted);
	if (key.len > sizeof(plain))
		return false;
	size_t len = pb_flat_unescape(plain, key);
	return pb_str_is((struct pb_str){plain, len}, wanted);
}

void
pb_span_find(struct pb_str object, const char *const *keys, size_t n, struct pb_str *ret)
{
	struct pb_str key, value;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct pb_str){NULL, 0};
	if (!pb_span_is(object, '{'))
		return;
	for (struct pb_spans w = pb_spans_of(object); pb_spans_next(&w, &key, &value);)
		for (size_t i = 0; i < n; i++)
			if (is_key(key, keys[i]))
				ret[i] = value;
}

char *
pb_span_text(struct pb_str span)
{
	if (!pb_span_is(span, '"'))
		return NULL;
	char *text = pb_malloc(span.len);
	size_t len = pb_flat_unescape(text, (struct pb_str){span.ptr + 1, span.len - 2});
	text[len] = '\0';
	return text;
}
