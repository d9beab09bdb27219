/*
 * The JSON and query encoders: a walk over the shape in its own order, so that the same inputs
 * always give the same bytes.
 */
#include "aws/encode.h"

#include <stdio.h>

#include "aws/message.h"
#include "aws/shape.h"
#include "base/time.h"

static const json_t *
member_of(const json_t *inputs, const struct pb_shape_member *m)
{
	PB_CLEANUP(pb_freep) char *name = pb_strndup(m->name.ptr, m->name.len);
	const json_t *v = pb_json_get(inputs, name);
	return json_is_null(v) ? NULL : v;
}

static json_t *
share(const json_t *v)
{
	return json_incref((json_t *)(uintptr_t)v);
}

static json_t *
json_time(const json_t *v)
{
	int64_t at = pb_json_time(v);
	if (!json_is_string(v) || at < 0)
		return share(v);
	return at % PB_SECOND ? json_real((double)at / 1000.0) : json_integer(at / PB_SECOND);
}

static json_t *
json_one(const struct pb_shape_member *m, const json_t *v)
{
	int64_t n;
	switch (m->type) {
	case PB_SHAPE_STRUCT:
		return pb_aws_encode_json(m->members, v);
	case PB_SHAPE_TIME:
		return json_time(v);
	case PB_SHAPE_INT:
		if (json_is_string(v) &&
		    pb_parse_i64(pb_str_of(json_string_value(v)), INT64_MIN, INT64_MAX, &n, NULL) ==
			0)
			return json_integer(n);
		return share(v);
	case PB_SHAPE_BOOL:
		if (json_is_string(v))
			return json_boolean(pb_streq(json_string_value(v), "true"));
		return share(v);
	case PB_SHAPE_TEXT:
	case PB_SHAPE_TEXTS:
	case PB_SHAPE_NUM:
	case PB_SHAPE_BLOB:
	case PB_SHAPE_TYPE_MAX:
		break;
	}
	return share(v);
}

static json_t *
json_member(const struct pb_shape_member *m, const json_t *v)
{
	if (m->is_list) {
		json_t *out = json_array();
		for (size_t i = 0; i < json_array_size(v); i++)
			json_array_append_new(out, json_one(m, json_array_get(v, i)));
		return out;
	}
	if (m->is_map) {
		json_t *out = json_object(), *value;
		const char *key;
		json_object_foreach ((json_t *)(uintptr_t)v, key, value)
			json_object_set_new(out, key, json_one(m, value));
		return out;
	}
	return json_one(m, v);
}

json_t *
pb_aws_encode_json(struct pb_str shape, const json_t *inputs)
{
	json_t *out = json_object();
	struct pb_shape_member m;
	while (pb_shape_next(&shape, &m)) {
		const json_t *v = member_of(inputs, &m);
		if (!v)
			continue;
		PB_CLEANUP(pb_freep) char *name = pb_strndup(m.name.ptr, m.name.len);
		json_object_set_new(out, name, json_member(&m, v));
	}
	return out;
}

struct query {
	struct pb_buf *b;
	bool is_flat; /* EC2: lists without ".member" */
};

static void
query_struct(struct query *q, const char *prefix, struct pb_str shape, const json_t *inputs);

static void
query_pair(struct pb_buf *b, const char *name, struct pb_str value)
{
	pb_buf_addc(b, '&');
	pb_aws_percent_add(b, pb_str_of(name), NULL);
	pb_buf_addc(b, '=');
	pb_aws_percent_add(b, value, NULL);
}

static void
query_scalar(struct query *q, const char *name, const struct pb_shape_member *m, const json_t *v)
{
	char text[64] = "";
	if (json_is_string(v)) {
		query_pair(
		    q->b, name, (struct pb_str){json_string_value(v), json_string_length(v)});
		return;
	}
	if (m->type == PB_SHAPE_TIME)
		pb_time_rfc3339(text, pb_json_time(v));
	else if (json_is_integer(v))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		snprintf(text, sizeof(text), "%.17g", json_real_value(v));
	else
		snprintf(text, sizeof(text), "%s", json_is_true(v) ? "true" : "false");
	query_pair(q->b, name, pb_str_of(text));
}

static void
query_one(struct query *q, const char *name, const struct pb_shape_member *m, const json_t *v)
{
	if (m->type != PB_SHAPE_STRUCT) {
		query_scalar(q, name, m, v);
		return;
	}
	PB_CLEANUP(pb_freep) char *prefix = pb_asprintf("%s.", name);
	query_struct(q, prefix, m->members, v);
}

static void
query_list(struct query *q, const char *name, const struct pb_shape_member *m, const json_t *v)
{
	if (json_array_size(v) == 0 && !q->is_flat)
		query_pair(q->b, name, PB_STR(""));
	for (size_t i = 0; i < json_array_size(v); i++) {
		PB_CLEANUP(pb_freep)
		char *item = pb_asprintf(q->is_flat ? "%s.%zu" : "%s.member.%zu", name, i + 1);
		query_one(q, item, m, json_array_get(v, i));
	}
}

static void
query_map(struct query *q, const char *name, const struct pb_shape_member *m, const json_t *v)
{
	const char *key;
	json_t *value;
	size_t i = 0;
	json_object_foreach ((json_t *)(uintptr_t)v, key, value) {
		i++;
		PB_CLEANUP(pb_freep) char *k = pb_asprintf("%s.entry.%zu.Name", name, i);
		PB_CLEANUP(pb_freep) char *e = pb_asprintf("%s.entry.%zu.Value", name, i);
		query_pair(q->b, k, pb_str_of(key));
		query_one(q, e, m, value);
	}
}

static void
query_struct(struct query *q, const char *prefix, struct pb_str shape, const json_t *inputs)
{
	struct pb_shape_member m;
	while (pb_shape_next(&shape, &m)) {
		const json_t *v = member_of(inputs, &m);
		if (!v)
			continue;
		PB_CLEANUP(pb_freep)
		char *name = pb_asprintf("%s%.*s", prefix, PB_STR_ARG(m.wire));
		if (m.is_list)
			query_list(q, name, &m, v);
		else if (m.is_map)
			query_map(q, name, &m, v);
		else
			query_one(q, name, &m, v);
	}
}

void
pb_aws_encode_query(struct pb_buf *b, struct pb_str shape, const json_t *inputs, bool is_flat)
{
	struct query q = {b, is_flat};
	query_struct(&q, "", shape, inputs);
}
