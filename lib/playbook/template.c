/*
 * Templates: texts with ${path} and ${path|default:"x"} in them.
 *
 * A text is read piece by piece, a literal or one expression; checking, listing paths and expanding
 * all walk the same pieces, so what passes the check cannot fail to parse later.
 */
#include "playbook/template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

#define RESULT_MAX (64 * 1024)

struct piece {
	bool is_path;
	struct pb_str text; /* literal, or the path */
	struct pb_str fallback; /* JSON of the default; ptr is NULL when there is none */
};

struct scan {
	const char *at; /* the rest */
	struct pb_error *err;
};

/* The last two are known only where a step looks at its own call; whoever reads them checks that. */
static const char *const roots[] = {
    "event", "alarm", "incident", "params", "steps", "host", "inputs", "output"};

static int
fail(struct scan *s, const char *start, const char *why)
{
	char shown[80];
	size_t len = strcspn(start, "}");
	pb_safe(shown, sizeof(shown), (struct pb_str){start, len + (start[len] == '}')});
	return pb_fail(s->err, PB_SYNTAX, "template %s: %s", shown, why);
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* The end of a JSON text that starts at p, or NULL. */
static const char *
skip_text(const char *p)
{
	for (p++; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return NULL;
}

/* [0] or ["any name"]; returns what follows, or NULL. */
static const char *
skip_bracket(const char *p)
{
	p++;
	if (*p == '"') {
		p = skip_text(p);
	} else {
		const char *digits = p;
		while (isdigit((unsigned char)*p))
			p++;
		if (p == digits || p - digits > 9)
			return NULL;
	}
	return p != NULL && *p == ']' ? p + 1 : NULL;
}

/* A path; returns what follows it, or NULL when it is malformed. */
static const char *
skip_path(const char *p)
{
	for (;;) {
		if (!is_name_char(*p))
			return NULL;
		while (is_name_char(*p))
			p++;
		while (*p == '[') {
			p = skip_bracket(p);
			if (p == NULL)
				return NULL;
		}
		if (*p != '.')
			return p;
		p++;
	}
}

static bool
has_known_root(struct pb_str path)
{
	size_t n = 0;
	while (n < path.len && is_name_char(path.ptr[n]))
		n++;
	for (size_t i = 0; i < PB_ARRAY_LEN(roots); i++)
		if (pb_str_is((struct pb_str){path.ptr, n}, roots[i]))
			return true;
	return false;
}

static int
check_fallback(struct scan *s, const char *start, struct pb_str text)
{
	PB_JSON json_t *j = NULL;
	if (pb_json_parse(text, &j, NULL) < 0 || json_is_null(j) || json_is_object(j) ||
	    json_is_array(j))
		return fail(s, start,
		    "the default must be a JSON text, number or boolean, as |default:\"none\"");
	return 0;
}

/* `start` is at "${". */
static int
read_path(struct scan *s, const char *start, struct piece *ret)
{
	const char *p = start + 2, *end = skip_path(p);
	if (end == NULL)
		return fail(s, start,
		    "expected a path of names, as ${alarm.arn} or ${steps.pick.output.ids[0]}; "
		    "\"$${\" stands for \"${\"");
	*ret = (struct piece){.is_path = true, .text = {p, (size_t)(end - p)}};
	if (!has_known_root(ret->text))
		return fail(s, start,
		    "the path must start with one of event, alarm, incident, params, steps, host");
	static const char word[] = "|default:";
	if (strncmp(end, word, sizeof(word) - 1) == 0) {
		const char *value = end + sizeof(word) - 1;
		end = *value == '"' ? skip_text(value) : value + strcspn(value, "}");
		if (end == NULL)
			return fail(s, start, "the default's text has no closing quote");
		ret->fallback = (struct pb_str){value, (size_t)(end - value)};
		if (check_fallback(s, start, ret->fallback) < 0)
			return -1;
	}
	if (*end != '}')
		return fail(s, start,
		    *end == '\0' ? "it has no closing }"
				 : "expected } or |default:\"...\" behind the path");
	s->at = end + 1;
	return 0;
}

/* 1 = a piece, 0 = the end, -1 = malformed. */
static int
next_piece(struct scan *s, struct piece *ret)
{
	const char *start = s->at, *p = start;
	if (*p == '\0')
		return 0;
	if (strncmp(p, "$${", 3) == 0) {
		*ret = (struct piece){.text = {p + 1, 2}};
		s->at = p + 3;
		return 1;
	}
	if (strncmp(p, "${", 2) == 0)
		return read_path(s, p, ret) < 0 ? -1 : 1;
	for (p++; *p != '\0'; p++)
		if (strncmp(p, "${", 2) == 0 || strncmp(p, "$${", 3) == 0)
			break;
	*ret = (struct piece){.text = {start, (size_t)(p - start)}};
	s->at = p;
	return 1;
}

int
pb_template_check(const char *text, struct pb_error *err)
{
	struct scan s = {text, err};
	struct piece piece;
	int rc;
	while ((rc = next_piece(&s, &piece)) > 0)
		continue;
	return rc;
}

void
pb_template_paths(const char *text, void (*see)(struct pb_str path, void *arg), void *arg)
{
	struct scan s = {text, NULL};
	struct piece piece;
	while (next_piece(&s, &piece) > 0)
		if (piece.is_path)
			see(piece.text, arg);
}

/* --- expanding */

#define WHOLE_END 9223372036854775808.0 /* 2^63 */

/* Does it hold a number of which only the first digits are known? */
static bool
is_inexact(const json_t *v)
{
	size_t i;
	const char *name;
	json_t *item;
	if (json_is_real(v))
		return json_real_value(v) >= WHOLE_END || json_real_value(v) < -WHOLE_END;
	json_array_foreach (v, i, item)
		if (is_inexact(item))
			return true;
	json_object_foreach ((json_t *)(uintptr_t)v, name, item)
		if (is_inexact(item))
			return true;
	return false;
}

/* A program that is handed another number than the event has would act on another thing. */
static int
fail_inexact(struct pb_str path, struct pb_error *err)
{
	char shown[160];
	pb_safe(shown, sizeof(shown), path);
	return pb_fail(err, PB_LIMIT,
	    "${%s} holds a number beyond 64 bits, of which digits are lost; let the sender write "
	    "it "
	    "as text",
	    shown);
}

/* The value of an expression, the caller's to free. */
static int
evaluate(const struct piece *piece, const json_t *context, json_t **ret, struct pb_error *err)
{
	const json_t *v = pb_json_path(context, piece->text);
	if (v != NULL && !json_is_null(v)) {
		if (is_inexact(v))
			return fail_inexact(piece->text, err);
		*ret = json_deep_copy(v);
		return 0;
	}
	if (piece->fallback.ptr != NULL)
		return pb_json_parse(piece->fallback, ret, err);
	char shown[160];
	pb_safe(shown, sizeof(shown), piece->text);
	(void)pb_fail(err, PB_NOT_FOUND,
	    "${%s} is %s; give it a default with ${%s|default:\"...\"}", shown,
	    v == NULL ? "missing" : "null", shown);
	if (err != NULL)
		(void)snprintf(err->path, sizeof(err->path), "%s", shown);
	return -1;
}

static int
add_value(struct pb_buf *b, const json_t *v)
{
	if (json_is_string(v))
		return pb_buf_add(b, json_string_value(v), json_string_length(v));
	PB_CLEANUP(pb_freep) char *text = pb_json_text(v);
	return pb_buf_adds(b, text);
}

static int
add_piece(struct pb_buf *b, const struct piece *piece, const json_t *context, struct pb_error *err)
{
	int rc;
	if (piece->is_path) {
		PB_JSON json_t *v = NULL;
		if (evaluate(piece, context, &v, err) < 0)
			return -1;
		rc = add_value(b, v);
	} else {
		rc = pb_buf_add(b, piece->text.ptr, piece->text.len);
	}
	if (rc == 0)
		return 0;
	return pb_fail(err, PB_LIMIT, "the expanded text is longer than %d bytes", RESULT_MAX);
}

int
pb_template_expand_text(const char *text, const json_t *context, char **ret, struct pb_error *err)
{
	struct scan s = {text, err};
	struct piece piece;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(RESULT_MAX);
	int rc;
	while ((rc = next_piece(&s, &piece)) > 0)
		if (add_piece(&b, &piece, context, err) < 0)
			return -1;
	if (rc < 0)
		return -1;
	*ret = pb_buf_take(&b);
	return 0;
}

int
pb_template_expand(const char *text, const json_t *context, json_t **ret, struct pb_error *err)
{
	struct scan s = {text, err};
	struct piece piece;
	int rc = next_piece(&s, &piece);
	if (rc < 0)
		return -1;
	if (rc > 0 && piece.is_path && *s.at == '\0')
		return evaluate(&piece, context, ret, err);
	PB_CLEANUP(pb_freep) char *out = NULL;
	if (pb_template_expand_text(text, context, &out, err) < 0)
		return -1;
	json_t *j = json_string(out);
	if (j == NULL)
		return pb_fail(err, PB_INVALID, "the expanded text is not UTF-8");
	*ret = j;
	return 0;
}

static int
expand_object(const json_t *value, const json_t *context, json_t **ret, struct pb_error *err)
{
	PB_JSON json_t *obj = json_object();
	const char *name;
	json_t *item;
	json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
		json_t *v = NULL;
		if (pb_template_expand_json(item, context, &v, err) < 0)
			return pb_wrap(err, "%s", name);
		(void)json_object_set_new(obj, name, v);
	}
	*ret = PB_TAKE(obj);
	return 0;
}

static int
expand_array(const json_t *value, const json_t *context, json_t **ret, struct pb_error *err)
{
	PB_JSON json_t *list = json_array();
	size_t i;
	json_t *item;
	json_array_foreach (value, i, item) {
		json_t *v = NULL;
		if (pb_template_expand_json(item, context, &v, err) < 0)
			return pb_wrap(err, "[%zu]", i);
		(void)json_array_append_new(list, v);
	}
	*ret = PB_TAKE(list);
	return 0;
}

int
pb_template_expand_json(
    const json_t *value, const json_t *context, json_t **ret, struct pb_error *err)
{
	if (json_is_object(value))
		return expand_object(value, context, ret, err);
	if (json_is_array(value))
		return expand_array(value, context, ret, err);
	if (json_is_string(value))
		return pb_template_expand(json_string_value(value), context, ret, err);
	*ret = json_deep_copy(value);
	return 0;
}
