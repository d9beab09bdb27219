/*
 * XML to a small tree through expat, and the tree to JSON by shape.
 */
#include "aws/xml.h"

#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/shape.h"

struct pb_xml_node {
	char *name;
	struct pb_buf text;
	struct pb_xml_node *parent, *first, *last, *next;
};

struct reader {
	XML_Parser parser;
	struct pb_xml_node *root, *at;
	size_t depth, n_elements;
	const char *refused; /* why we stopped it */
	enum pb_error_kind kind;
};

void
pb_xml_free(struct pb_xml_node *n)
{
	while (n) {
		struct pb_xml_node *next = n->next;
		pb_xml_free(n->first);
		free(n->name);
		pb_buf_fini(&n->text);
		free(n);
		n = next;
	}
}

static void
refuse(struct reader *r, enum pb_error_kind kind, const char *why)
{
	r->kind = kind;
	r->refused = why;
	XML_StopParser(r->parser, XML_FALSE);
}

static void
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = arg;
	(void)attributes;
	if (++r->depth > PB_XML_DEPTH_MAX) {
		refuse(r, PB_LIMIT, "nested too deeply");
		return;
	}
	if (++r->n_elements > PB_XML_ELEMENTS_MAX) {
		refuse(r, PB_LIMIT, "too many elements");
		return;
	}
	const char *colon = strrchr(name, ':');
	struct pb_xml_node *n = pb_calloc(1, sizeof(*n));
	n->name = pb_strdup(colon ? colon + 1 : name);
	n->parent = r->at;
	if (!r->at)
		r->root = n;
	else if (!r->at->first)
		r->at->first = n;
	else
		r->at->last->next = n;
	if (r->at)
		r->at->last = n;
	r->at = n;
}

static void
on_end(void *arg, const XML_Char *name)
{
	struct reader *r = arg;
	(void)name;
	r->depth--;
	/* White space between child elements is layout, not text. */
	if (r->at->first)
		pb_buf_fini(&r->at->text);
	r->at = r->at->parent;
}

static void
on_text(void *arg, const XML_Char *text, int len)
{
	struct reader *r = arg;
	if (r->at)
		pb_buf_add(&r->at->text, text, (size_t)len);
}

static void
on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
    int has_internal)
{
	(void)name, (void)system_id, (void)public_id, (void)has_internal;
	refuse(arg, PB_SYNTAX, "a DOCTYPE is refused");
}

static int
failed(const struct reader *r, struct pb_error *err)
{
	int line = (int)XML_GetCurrentLineNumber(r->parser);
	int column = (int)XML_GetCurrentColumnNumber(r->parser) + 1;
	const char *why = r->refused ? r->refused : XML_ErrorString(XML_GetErrorCode(r->parser));
	pb_fail(
	    err, r->refused ? r->kind : PB_SYNTAX, "XML, line %d column %d: %s", line, column, why);
	if (err) {
		err->line = line;
		err->column = column;
	}
	return -1;
}

int
pb_xml_parse(struct pb_str text, struct pb_xml_node **ret_root, struct pb_error *err)
{
	if (text.len > INT32_MAX)
		return pb_fail(err, PB_LIMIT, "XML: too long");
	struct reader r = {.parser = XML_ParserCreate(NULL)};
	pb_check(r.parser != NULL);
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);

	int rc = 0;
	if (XML_Parse(r.parser, text.len ? text.ptr : "", (int)text.len, XML_TRUE) !=
	    XML_STATUS_OK) {
		rc = failed(&r, err);
		pb_xml_free(r.root);
	} else {
		*ret_root = r.root;
	}
	XML_ParserFree(r.parser);
	return rc;
}

const char *
pb_xml_name(const struct pb_xml_node *n)
{
	return n->name;
}

const char *
pb_xml_text(const struct pb_xml_node *n)
{
	return n && n->text.ptr ? n->text.ptr : "";
}

const struct pb_xml_node *
pb_xml_child(const struct pb_xml_node *n, const char *name)
{
	for (const struct pb_xml_node *c = n ? n->first : NULL; c; c = c->next)
		if (pb_streq(c->name, name))
			return c;
	return NULL;
}

const struct pb_xml_node *
pb_xml_find(const struct pb_xml_node *n, const char *name)
{
	if (!n || pb_streq(n->name, name))
		return n;
	for (const struct pb_xml_node *c = n->first; c; c = c->next) {
		const struct pb_xml_node *found = pb_xml_find(c, name);
		if (found)
			return found;
	}
	return NULL;
}

static int
bad_value(const struct pb_xml_node *n, const char *what, struct pb_error *err)
{
	pb_fail(err, PB_SYNTAX, "XML: <%s> holds no %s", n->name, what);
	if (err)
		snprintf(err->path, sizeof(err->path), "%s", n->name);
	return -1;
}

static int
number(const struct pb_xml_node *n, json_t **ret, struct pb_error *err)
{
	const char *text = pb_xml_text(n);
	char *end;
	double d = strtod(text, &end);
	if (end == text || *end || !isfinite(d))
		return bad_value(n, "number", err);
	*ret = json_real(d);
	return 0;
}

static int
whole(const struct pb_xml_node *n, json_t **ret, struct pb_error *err)
{
	int64_t value;
	struct pb_str text = pb_str_trim(pb_str_of(pb_xml_text(n)));
	if (pb_parse_i64(text, INT64_MIN, INT64_MAX, &value, NULL) < 0)
		return bad_value(n, "whole number", err);
	*ret = json_integer(value);
	return 0;
}

static int
truth(const struct pb_xml_node *n, json_t **ret, struct pb_error *err)
{
	struct pb_str text = pb_str_trim(pb_str_of(pb_xml_text(n)));
	if (!pb_str_is(text, "true") && !pb_str_is(text, "false"))
		return bad_value(n, "true or false", err);
	*ret = json_boolean(pb_str_is(text, "true"));
	return 0;
}

static int
one(const struct pb_xml_node *n, const struct pb_shape_member *m, json_t **ret,
    struct pb_error *err)
{
	switch (m->type) {
	case PB_SHAPE_TEXT:
	case PB_SHAPE_TIME:
	case PB_SHAPE_BLOB:
		*ret = json_string(pb_xml_text(n));
		return *ret ? 0 : bad_value(n, "text", err);
	case PB_SHAPE_INT:
		return whole(n, ret, err);
	case PB_SHAPE_NUM:
		return number(n, ret, err);
	case PB_SHAPE_BOOL:
		return truth(n, ret, err);
	case PB_SHAPE_STRUCT:
		return pb_xml_to_json(n, m->members, ret, err);
	case PB_SHAPE_TEXTS: /* of JSON services only */
	case PB_SHAPE_TYPE_MAX:
		break;
	}
	pb_check_failed("a type", __FILE__, __LINE__);
}

static int
list(const struct pb_xml_node *n, const struct pb_shape_member *m, json_t **ret,
    struct pb_error *err)
{
	PB_JSON json_t *out = json_array();
	for (const struct pb_xml_node *c = n->first; c; c = c->next) {
		json_t *item;
		if (!pb_streq(c->name, "member") && !pb_streq(c->name, "item"))
			continue;
		if (one(c, m, &item, err) < 0)
			return -1;
		json_array_append_new(out, item);
	}
	*ret = PB_TAKE(out);
	return 0;
}

static int
map(const struct pb_xml_node *n, const struct pb_shape_member *m, json_t **ret,
    struct pb_error *err)
{
	PB_JSON json_t *out = json_object();
	for (const struct pb_xml_node *c = n->first; c; c = c->next) {
		const struct pb_xml_node *key = pb_xml_child(c, "key");
		const struct pb_xml_node *value = pb_xml_child(c, "value");
		json_t *item;
		if (!pb_streq(c->name, "entry") || !key || !value)
			continue;
		if (one(value, m, &item, err) < 0)
			return -1;
		json_object_set_new(out, pb_xml_text(key), item);
	}
	*ret = PB_TAKE(out);
	return 0;
}

/* By its name on the wire; EC2 begins them with a small letter. */
static const struct pb_xml_node *
child_of(const struct pb_xml_node *n, const struct pb_shape_member *m)
{
	PB_CLEANUP(pb_freep) char *name = pb_strndup(m->wire.ptr, m->wire.len);
	const struct pb_xml_node *c = pb_xml_child(n, name);
	if (c || name[0] < 'A' || name[0] > 'Z')
		return c;
	name[0] = (char)(name[0] - 'A' + 'a');
	return pb_xml_child(n, name);
}

int
pb_xml_to_json(
    const struct pb_xml_node *n, struct pb_str shape, json_t **ret_object, struct pb_error *err)
{
	PB_JSON json_t *out = json_object();
	struct pb_shape_member m;
	while (pb_shape_next(&shape, &m)) {
		PB_CLEANUP(pb_freep) char *name = pb_strndup(m.name.ptr, m.name.len);
		const struct pb_xml_node *c = child_of(n, &m);
		if (!c)
			continue;
		json_t *value;
		int rc = m.is_list ? list(c, &m, &value, err)
		    : m.is_map     ? map(c, &m, &value, err)
				   : one(c, &m, &value, err);
		if (rc < 0)
			return -1;
		json_object_set_new(out, name, value);
	}
	*ret_object = PB_TAKE(out);
	return 0;
}
