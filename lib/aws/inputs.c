/*
 * Inputs of a call against the shape of its operation, and what follows from them.
 */
#include "aws/service.h"

#include <stdio.h>

#include "aws/shape.h"
#include "base/time.h"

#define CALL_FOR (30 * PB_SECOND)
#define LONG_POLL_SLACK_FOR (10 * PB_SECOND)
#define NAMES_MAX 64

struct check {
	bool is_template;
	struct pb_buf path;
	struct pb_error *err;
};

static int check_struct(struct check *c, struct pb_str shape, const json_t *value);

static int
bad(struct check *c, const char *what)
{
	const char *path = c->path.len ? c->path.ptr : "inputs";
	pb_fail(c->err, PB_INVALID, "%s %s", path, what);
	if (c->err)
		snprintf(c->err->path, sizeof(c->err->path), "%s", path);
	return -1;
}

/* Go one step down; returns the length to come back to. */
static size_t
enter(struct check *c, struct pb_str name)
{
	size_t was = c->path.len;
	if (was > 0)
		pb_buf_addc(&c->path, '.');
	pb_buf_add_safe(&c->path, name, 60, false);
	return was;
}

static void
leave(struct check *c, size_t was)
{
	c->path.len = was;
	if (c->path.ptr)
		c->path.ptr[was] = '\0';
}

static bool
is_time(const json_t *v)
{
	return pb_json_time(v) >= 0;
}

static bool
is_whole(const json_t *v)
{
	int64_t n;
	return json_is_integer(v) ||
	    (json_is_string(v) &&
		pb_parse_i64(pb_str_of(json_string_value(v)), INT64_MIN, INT64_MAX, &n, NULL) == 0);
}

static bool
is_truth(const json_t *v)
{
	return json_is_boolean(v) || pb_streq(json_string_value(v), "true") ||
	    pb_streq(json_string_value(v), "false");
}

static bool
is_blob(const json_t *v)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	return json_is_string(v) &&
	    pb_base64_decode(pb_str_of(json_string_value(v)), &out, NULL) == 0;
}

static bool
is_texts(const json_t *v, bool is_template)
{
	if (is_template && json_is_string(v))
		return true;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return json_is_array(v);
}

static int
check_scalar(struct check *c, enum pb_shape_type type, const json_t *v)
{
	if (c->is_template && json_is_string(v))
		return 0;
	switch (type) {
	case PB_SHAPE_TEXT:
		return json_is_string(v) ? 0 : bad(c, "must be text");
	case PB_SHAPE_INT:
		return is_whole(v) ? 0 : bad(c, "must be a whole number");
	case PB_SHAPE_NUM:
		return json_is_number(v) ? 0 : bad(c, "must be a number");
	case PB_SHAPE_BOOL:
		return is_truth(v) ? 0 : bad(c, "must be true or false");
	case PB_SHAPE_TIME:
		return is_time(v) ? 0 : bad(c, "must be a time (ISO 8601, or seconds since 1970)");
	case PB_SHAPE_BLOB:
		return is_blob(v) ? 0 : bad(c, "must be base64 text");
	case PB_SHAPE_TEXTS:
		return is_texts(v, c->is_template) ? 0 : bad(c, "must be a list of texts");
	case PB_SHAPE_STRUCT:
	case PB_SHAPE_TYPE_MAX:
		break;
	}
	pb_check_failed("a scalar", __FILE__, __LINE__);
}

static int
check_one(struct check *c, const struct pb_shape_member *m, const json_t *v)
{
	if (m->type == PB_SHAPE_STRUCT)
		return check_struct(c, m->members, v);
	return check_scalar(c, m->type, v);
}

static int
check_list(struct check *c, const struct pb_shape_member *m, const json_t *v)
{
	if (!json_is_array(v))
		return bad(c, "must be a list");
	for (size_t i = 0; i < json_array_size(v); i++) {
		size_t was = c->path.len;
		pb_buf_addf(&c->path, "[%zu]", i);
		if (check_one(c, m, json_array_get(v, i)) < 0)
			return -1;
		leave(c, was);
	}
	return 0;
}

static int
check_map(struct check *c, const struct pb_shape_member *m, json_t *v)
{
	if (!json_is_object(v))
		return bad(c, "must be a map");
	const char *key;
	json_t *value;
	json_object_foreach (v, key, value) {
		size_t was = enter(c, pb_str_of(key));
		if (check_one(c, m, value) < 0)
			return -1;
		leave(c, was);
	}
	return 0;
}

static int
check_member(struct check *c, const struct pb_shape_member *m, json_t *v)
{
	if (c->is_template && json_is_string(v))
		return 0;
	if (m->is_list)
		return check_list(c, m, v);
	if (m->is_map)
		return check_map(c, m, v);
	return check_one(c, m, v);
}

static int
unknown(struct check *c, struct pb_str shape, const char *key)
{
	char *names[NAMES_MAX];
	size_t n = 0;
	struct pb_shape_member m;
	while (n < NAMES_MAX && pb_shape_next(&shape, &m))
		names[n++] = pb_strndup(m.name.ptr, m.name.len);

	const char *const *words = (const char *const *)names;
	const char *near = pb_did_you_mean(key, words, n);
	char what[160];
	if (near)
		snprintf(
		    what, sizeof(what), "is no input of this call; did you mean \"%s\"?", near);
	else
		snprintf(what, sizeof(what), "is no input of this call");
	for (size_t i = 0; i < n; i++)
		pb_freep(&names[i]);
	enter(c, pb_str_of(key));
	return bad(c, what);
}

static int
check_struct(struct check *c, struct pb_str shape, const json_t *value)
{
	if (!json_is_object(value))
		return bad(c, "must be a map of inputs");

	const char *key;
	json_t *v;
	json_object_foreach ((json_t *)(uintptr_t)value, key, v) {
		struct pb_shape_member m;
		if (!pb_shape_find(shape, pb_str_of(key), &m))
			return unknown(c, shape, key);
		if (json_is_null(v))
			continue;
		size_t was = enter(c, m.name);
		if (check_member(c, &m, v) < 0)
			return -1;
		leave(c, was);
	}
	struct pb_shape_member m;
	while (pb_shape_next(&shape, &m)) {
		if (!m.is_required)
			continue;
		PB_CLEANUP(pb_freep) char *name = pb_strndup(m.name.ptr, m.name.len);
		const json_t *there = json_object_get(value, name);
		if (there && !json_is_null(there))
			continue;
		enter(c, m.name);
		return bad(c, "is required");
	}
	return 0;
}

int
pb_aws_op_check(
    const struct pb_aws_op *op, const json_t *inputs, bool is_template, struct pb_error *err)
{
	struct check c = {.is_template = is_template, .err = err};
	PB_JSON json_t *none = inputs ? NULL : json_object();
	int rc = check_struct(&c, pb_str_of(op->in), inputs ? inputs : none);
	pb_buf_fini(&c.path);
	if (rc < 0)
		return pb_wrap(err, "%s", op->name);
	return 0;
}

enum pb_aws_effect
pb_aws_op_effect(const struct pb_aws_op *op, const json_t *inputs)
{
	if (op->effect != PB_AWS_TOKEN)
		return op->effect;
	const char *token = pb_json_str(inputs, op->token);
	return token && *token ? PB_AWS_TOKEN : PB_AWS_ONCE;
}

/* --- what a step must know */

static json_t *
quoted_json(const char *text)
{
	json_t *j = NULL;
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(text);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	pb_check(pb_json_parse(pb_str_of(copy), &j, NULL) == 0);
	return j;
}

static json_t *
words_of(const char *text)
{
	json_t *list = json_array();
	for (size_t len; *text; text += len + (text[len] == ' ')) {
		len = strcspn(text, " ");
		json_array_append_new(list, json_stringn(text, len));
	}
	return list;
}

static json_t *
check_json(const struct pb_aws_check *c)
{
	return json_pack("{s:s, s:o, s:o, s:I}", "operation", c->operation, "inputs",
	    quoted_json(c->inputs), "done", quoted_json(c->done), "within",
	    (json_int_t)c->within_for);
}

static json_t *
wait_json(const struct pb_aws_wait *w)
{
	json_t *j = json_pack("{s:s, s:o, s:s, s:o, s:o}", "operation", w->operation, "inputs",
	    quoted_json(w->inputs), "state", w->state, "succeeded", words_of(w->succeeded),
	    "failed", words_of(w->failed));
	pb_json_set_str(j, "reason", w->reason);
	return j;
}

json_t *
pb_aws_op_facts(const struct pb_aws_op *op, const json_t *inputs)
{
	json_t *facts = json_object();
	bool is_token = op->effect == PB_AWS_TOKEN && op->is_token_ours;
	pb_json_set_str(facts, "effect",
	    pb_aws_effect_name(is_token ? PB_AWS_TOKEN : pb_aws_op_effect(op, inputs)));
	if (is_token)
		pb_json_set_str(facts, "token", op->token);
	if (op->check.operation)
		json_object_set_new(facts, "check", check_json(&op->check));
	if (op->wait.operation)
		json_object_set_new(facts, "wait", wait_json(&op->wait));
	return facts;
}

int
pb_aws_action_check(const char *service, const char *operation, const json_t *inputs,
    json_t **ret_facts, struct pb_error *err)
{
	const struct pb_aws_op *op;
	PB_CLEANUP(pb_freep) char *action = pb_asprintf("%s.%s", service, operation);
	if (pb_aws_action_find(pb_str_of(action), &op, err) < 0 ||
	    pb_aws_op_check(op, inputs, true, err) < 0)
		return -1;
	*ret_facts = pb_aws_op_facts(op, inputs);
	return 0;
}

int64_t
pb_aws_op_timeout_for(const struct pb_aws_op *op, const json_t *inputs)
{
	if (!op->is_long_poll)
		return CALL_FOR;
	int64_t wait = pb_json_i64(inputs, "WaitTimeSeconds", 20);
	if (wait < 0 || wait > 20)
		wait = 20;
	int64_t wait_for = wait * PB_SECOND + LONG_POLL_SLACK_FOR;
	return wait_for > CALL_FOR ? wait_for : CALL_FOR;
}
