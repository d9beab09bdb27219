/*
 * Why a pattern does not match, by the bytes of an event: the tree that pb_pattern_why walks is made of
 * those members only whose path leads to a field of the pattern; all else is passed over.
 *
 * The event was validated before, so that this looks for the ends of things and for nothing else.  It
 * stops at the end of the bytes all the same.
 */
#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/flat.h"
#include "pattern/internal.h"
#include "pattern/scan.h"

struct narrow {
	const char *at, *end;
	const struct pb_pattern *pattern;
	struct pb_buf path; /* of what is at hand */
	unsigned depth;
};

static json_t *read_value(struct narrow *n);

static void
pass_blanks(struct narrow *n)
{
	while (n->at < n->end && pb_scan_is_blank((unsigned char)*n->at))
		n->at++;
}

/* From quote to quote; what is between them. */
static struct pb_str
pass_text(struct narrow *n)
{
	const char *from = ++n->at;
	while (n->at < n->end && *n->at != '"')
		n->at += *n->at == '\\' ? 2 : 1;
	if (n->at > n->end)
		n->at = n->end;
	struct pb_str ret = {from, (size_t)(n->at - from)};
	if (n->at < n->end)
		n->at++;
	return ret;
}

static struct pb_str
pass_scalar(struct narrow *n)
{
	const char *from = n->at;
	do
		n->at += n->at < n->end;
	while (n->at < n->end && strchr(",]} \t\r\n", *n->at) == NULL);
	return (struct pb_str){from, (size_t)(n->at - from)};
}

static void
pass_value(struct narrow *n)
{
	unsigned depth = 0;
	do {
		pass_blanks(n);
		if (n->at == n->end)
			return;
		char c = *n->at;
		if (c == '"') {
			(void)pass_text(n);
		} else if (strchr("{}[],:", c) != NULL) {
			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
			n->at++;
		} else {
			(void)pass_scalar(n);
		}
	} while (depth > 0);
}

/* Is the path a field's, or on the way to one? */
static bool
leads_somewhere(const struct narrow *n)
{
	for (size_t i = 0; i < n->pattern->n_fields; i++) {
		const struct pb_field *f = &n->pattern->fields[i];
		if (f->path_len >= n->path.len &&
		    memcmp(f->path, n->path.ptr != NULL ? n->path.ptr : "", n->path.len) == 0 &&
		    (f->path_len == n->path.len || f->path[n->path.len] == '.'))
			return true;
	}
	return false;
}

/* --- values */

static char *
unescaped(struct pb_str s, size_t *ret_len)
{
	char *text = pb_malloc(s.len + 1);
	*ret_len = pb_flat_unescape(text, s);
	return text;
}

static json_t *
read_scalar(struct narrow *n)
{
	struct pb_str s = pass_scalar(n);
	if (pb_str_is(s, "null"))
		return json_null();
	if (pb_str_is(s, "true") || pb_str_is(s, "false"))
		return json_boolean(*s.ptr == 't');
	return pb_exact_number(s);
}

static json_t *
read_text(struct narrow *n)
{
	size_t len;
	PB_CLEANUP(pb_freep) char *text = unescaped(pass_text(n), &len);
	return json_stringn(text, len);
}

/* At a key; the object gets the member if its path leads somewhere. */
static void
read_member(struct narrow *n, json_t *object)
{
	size_t len, before = n->path.len;
	PB_CLEANUP(pb_freep) char *key = unescaped(pass_text(n), &len);
	pass_blanks(n);
	if (n->at < n->end)
		n->at++; /* ':' */
	if (n->depth > 1)
		(void)pb_buf_addc(&n->path, '.');
	(void)pb_buf_add(&n->path, key, len);
	if (leads_somewhere(n))
		(void)json_object_setn_new(object, key, len, read_value(n));
	else
		pass_value(n);
	n->path.len = before;
}

/* At a bracket; members or elements until the other one. */
static json_t *
read_structure(struct narrow *n, json_t *ret)
{
	bool is_object = json_is_object(ret);
	n->depth += is_object;
	n->at++;
	for (;;) {
		pass_blanks(n);
		if (n->at == n->end)
			break;
		if (*n->at == '}' || *n->at == ']') {
			n->at++;
			break;
		}
		if (*n->at == ',')
			n->at++;
		else if (is_object)
			read_member(n, ret);
		else
			(void)json_array_append_new(ret, read_value(n));
	}
	n->depth -= is_object;
	return ret;
}

/* Recursion: an event nests no deeper than PB_JSON_DEPTH_MAX. */
static json_t *
read_value(struct narrow *n)
{
	pass_blanks(n);
	switch (n->at < n->end ? *n->at : '\0') {
	case '{':
		return read_structure(n, json_object());
	case '[':
		return read_structure(n, json_array());
	case '"':
		return read_text(n);
	default:
		return read_scalar(n);
	}
}

int
pb_pattern_why_text(const struct pb_pattern *p, struct pb_str event, struct pb_buf *why)
{
	struct narrow n = {
	    .at = event.ptr, .end = event.ptr + event.len, .pattern = p, .path = PB_BUF_INIT};
	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	PB_JSON json_t *tree = read_value(&n);
	pb_buf_fini(&n.path);
	return pb_pattern_why(p, tree, why);
}
