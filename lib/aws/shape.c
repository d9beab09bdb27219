/*
 * Reading the shapes of the operations table.
 */
#include "aws/shape.h"

static bool
is_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-';
}

static bool
take(struct pb_str *s, struct pb_str prefix)
{
	if (!pb_str_has_prefix(*s, prefix))
		return false;
	s->ptr += prefix.len;
	s->len -= prefix.len;
	return true;
}

static struct pb_str
take_name(struct pb_str *s)
{
	struct pb_str name = {s->ptr, 0};
	while (name.len < s->len && is_name(s->ptr[name.len]))
		name.len++;
	s->ptr += name.len;
	s->len -= name.len;
	pb_check(name.len > 0);
	return name;
}

static enum pb_shape_type
type_of(struct pb_str name)
{
	static const struct {
		const char *name;
		enum pb_shape_type type;
	} types[] = {
	    {"int", PB_SHAPE_INT},
	    {"num", PB_SHAPE_NUM},
	    {"bool", PB_SHAPE_BOOL},
	    {"ts", PB_SHAPE_TIME},
	    {"blob", PB_SHAPE_BLOB},
	    {"texts", PB_SHAPE_TEXTS},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(types); i++)
		if (pb_str_is(name, types[i].name))
			return types[i].type;
	pb_check_failed("a type of the table", __FILE__, __LINE__);
}

/* What stands between the brace at the front and the one that closes it. */
static struct pb_str
take_members(struct pb_str *s)
{
	size_t depth = 0, i = 0;
	do {
		pb_check(i < s->len);
		depth += s->ptr[i] == '{';
		depth -= s->ptr[i] == '}';
		i++;
	} while (depth > 0);
	struct pb_str inside = {s->ptr + 1, i - 2};
	s->ptr += i;
	s->len -= i;
	return inside;
}

bool
pb_shape_next(struct pb_str *shape, struct pb_shape_member *ret_member)
{
	while (take(shape, PB_STR(" ")))
		;
	if (shape->len == 0)
		return false;

	struct pb_shape_member m = {.type = PB_SHAPE_TEXT};
	m.name = m.wire = take_name(shape);
	if (take(shape, PB_STR("=")))
		m.wire = take_name(shape);
	m.is_list = take(shape, PB_STR("[]"));
	m.is_map = !m.is_list && take(shape, PB_STR("{}"));
	m.is_required = take(shape, PB_STR("*"));
	if (take(shape, PB_STR(":")))
		m.type = type_of(take_name(shape));
	if (pb_str_has_prefix(*shape, PB_STR("{"))) {
		m.type = PB_SHAPE_STRUCT;
		m.members = take_members(shape);
	}
	pb_check(shape->len == 0 || shape->ptr[0] == ' ');
	*ret_member = m;
	return true;
}

bool
pb_shape_find(struct pb_str shape, struct pb_str name, struct pb_shape_member *ret_member)
{
	struct pb_shape_member m;
	while (pb_shape_next(&shape, &m)) {
		if (!pb_str_eq(m.name, name))
			continue;
		*ret_member = m;
		return true;
	}
	return false;
}
