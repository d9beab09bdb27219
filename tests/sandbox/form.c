/*
 * The query protocol's form body as a JSON tree, so that operations read both protocols alike:
 *     MessageAttributes.entry.1.Name=k&MessageAttributes.entry.1.Value.DataType=String
 * becomes {"MessageAttributes": {"k": {"DataType": "String"}}}.  Leaves are texts.
 */
#include "tests/sandbox/internal.h"

#define PAIRS_MAX 2000
#define DEPTH_MAX 12

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void
decode(struct pb_buf *out, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int hi = p[i] == '%' && i + 2 < len ? hex_value(p[i + 1]) : -1;
		int lo = hi >= 0 ? hex_value(p[i + 2]) : -1;
		if (lo >= 0) {
			pb_buf_addc(out, (char)(hi * 16 + lo));
			i += 2;
		} else {
			pb_buf_addc(out, p[i] == '+' ? ' ' : p[i]);
		}
	}
}

/* Cut "name=value" off the front of *form; false at its end. */
static bool
next_pair(struct pb_str *form, struct pb_buf *name, struct pb_buf *value)
{
	if (form->len == 0)
		return false;
	const char *end = memchr(form->ptr, '&', form->len);
	size_t len = end ? (size_t)(end - form->ptr) : form->len;
	const char *eq = len ? memchr(form->ptr, '=', len) : NULL;
	size_t name_len = eq ? (size_t)(eq - form->ptr) : len;

	pb_buf_reset(name);
	pb_buf_reset(value);
	decode(name, form->ptr, name_len);
	if (eq != NULL)
		decode(value, eq + 1, len - name_len - 1);
	size_t used = end ? len + 1 : len;
	*form = (struct pb_str){form->ptr + used, form->len - used};
	return true;
}

char *
pb_sbx_form_get(struct pb_str form, const char *name)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf n = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf v = PB_BUF_INIT;
	while (next_pair(&form, &n, &v))
		if (pb_str_is(pb_buf_str(&n), name))
			return pb_buf_take(&v);
	return NULL;
}

static int
set_path(json_t *root, char *name, struct pb_str value)
{
	json_t *at = root, *leaf = json_stringn(value.len ? value.ptr : "", value.len);
	char *rest = name;
	if (leaf == NULL)
		return -1;
	for (int depth = 0;; depth++) {
		char *part = strsep(&rest, ".");
		if (rest == NULL)
			return json_object_set_new(at, part, leaf);
		json_t *next = json_object_get(at, part);
		if (depth >= DEPTH_MAX) {
			json_decref(leaf);
			return -1;
		}
		if (!json_is_object(next)) {
			next = json_object();
			json_object_set_new(at, part, next);
		}
		at = next;
	}
}

/* {"1": a, "2": b} as [a, b]. */
static json_t *
numbered(const json_t *members)
{
	json_t *list = json_array();
	for (size_t i = 1; i <= json_object_size(members); i++) {
		char n[24];
		(void)snprintf(n, sizeof(n), "%zu", i);
		if (json_object_get(members, n) != NULL)
			json_array_append(list, json_object_get(members, n));
	}
	return list;
}

static json_t *
settle(json_t *value)
{
	const json_t *only;
	const char *name;
	json_t *child, *out;
	size_t i;

	if (!json_is_object(value))
		return json_incref(value);
	if (json_object_size(value) == 1 && json_is_object(json_object_get(value, "member"))) {
		PB_JSON json_t *list = numbered(json_object_get(value, "member"));
		out = json_array();
		json_array_foreach (list, i, child)
			json_array_append_new(out, settle(child));
		return out;
	}
	out = json_object();
	only = json_object_get(value, "entry");
	if (json_object_size(value) == 1 && json_is_object(only)) {
		PB_JSON json_t *list = numbered(only);
		json_array_foreach (list, i, child) {
			name = pb_json_str(child, "Name");
			if (name == NULL)
				name = pb_json_str_or(child, "key", "");
			json_t *v = json_object_get(child, "Value");
			v = v ? v : json_object_get(child, "value");
			if (v != NULL)
				json_object_set_new(out, name, settle(v));
		}
		return out;
	}
	json_object_foreach (value, name, child)
		json_object_set_new(out, name, settle(child));
	return out;
}

json_t *
pb_sbx_form_parse(struct pb_str body)
{
	PB_JSON json_t *root = json_object();
	PB_CLEANUP(pb_buf_fini) struct pb_buf name = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf value = PB_BUF_INIT;
	for (int n = 0; next_pair(&body, &name, &value); n++) {
		if (name.len == 0)
			continue;
		if (n >= PAIRS_MAX || strlen(name.ptr) != name.len ||
		    set_path(root, name.ptr, pb_buf_str(&value)) < 0)
			return NULL;
	}
	return settle(root);
}
