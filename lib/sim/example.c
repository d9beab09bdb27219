/*
 * An event for a pattern: the first alternative of each field that something can be made of.
 */
#include "sim/month.h"

#include <stdio.h>

#include "base/json.h"

/* Each '*' becomes the variant's number. */
static json_t *
of_wildcard(const char *text, unsigned variant)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\\' && c[1] != '\0')
			(void)pb_buf_addc(&b, *++c);
		else if (*c == '*')
			(void)pb_buf_addf(&b, "%u", variant);
		else
			(void)pb_buf_addc(&b, *c);
	}
	return json_string(b.ptr == NULL ? "" : b.ptr);
}

/* Of {"equals-ignore-case": "a"} where a text may stand. */
static const char *
text_of(const json_t *value)
{
	return json_is_string(value) ? json_string_value(value)
				     : pb_json_str(value, "equals-ignore-case");
}

static json_t *
of_numeric(const json_t *sides)
{
	const char *op = json_string_value(json_array_get(sides, 0));
	double n = json_number_value(json_array_get(sides, 1));
	if (op == NULL)
		return NULL;
	if (strcmp(op, ">") == 0)
		n += json_array_size(sides) < 4
		    ? 1
		    : (json_number_value(json_array_get(sides, 3)) - n) / 2;
	if (strcmp(op, "<") == 0)
		n -= 1;
	return json_real(n);
}

static json_t *
of_object(const json_t *o, unsigned variant)
{
	const json_t *v;
	const char *text;
	if ((v = pb_json_get(o, "prefix")) != NULL && (text = text_of(v)) != NULL)
		return json_sprintf("%s%u", text, variant);
	if ((v = pb_json_get(o, "suffix")) != NULL && (text = text_of(v)) != NULL)
		return json_sprintf("%u%s", variant, text);
	if ((text = pb_json_str(o, "equals-ignore-case")) != NULL ||
	    (text = pb_json_str(o, "exactly")) != NULL)
		return json_string(text);
	if ((text = pb_json_str(o, "wildcard")) != NULL)
		return of_wildcard(text, variant);
	if ((v = pb_json_get(o, "numeric")) != NULL)
		return of_numeric(v);
	if (pb_json_get(o, "anything-but") != NULL)
		return json_sprintf("something-else-%u", variant);
	if ((text = pb_json_str(o, "cidr")) != NULL)
		return json_stringn(text, strcspn(text, "/"));
	if (pb_json_bool(o, "exists", false))
		return json_sprintf("value-%u", variant);
	return NULL;
}

static json_t *
of_list(const json_t *list, unsigned variant)
{
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n; i++) {
		json_t *one = json_array_get(list, (i + variant) % n);
		if (!json_is_object(one))
			return json_incref(one);
		json_t *made = of_object(one, variant);
		if (made != NULL)
			return made;
	}
	return NULL;
}

json_t *
pb_example_of_pattern(const json_t *pattern, unsigned variant)
{
	const char *key;
	json_t *value;
	json_t *event = json_object();
	json_object_foreach ((json_t *)(uintptr_t)pattern, key, value) {
		json_t *made = NULL;
		if (strcmp(key, "$or") == 0) {
			PB_JSON json_t *one = pb_example_of_pattern(
			    json_array_get(value, variant % json_array_size(value)), variant);
			json_object_update_recursive(event, one);
			continue;
		}
		if (json_is_object(value))
			made = pb_example_of_pattern(value, variant);
		else if (json_is_array(value))
			made = of_list(value, variant);
		if (made != NULL)
			json_object_set_new(event, key, made);
	}
	return event;
}
