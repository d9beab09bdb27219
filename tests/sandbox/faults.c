/*
 * Scripted faults: checking, matching and counting down of rules.
 */
#include "tests/sandbox/faults.h"

static const char *const names[PB_SBX_FAULT_MAX] = {
    [PB_SBX_NO_FAULT] = "",
    [PB_SBX_THROTTLE] = "throttle",
    [PB_SBX_ERROR] = "error",
    [PB_SBX_SERVER_ERROR] = "server_error",
    [PB_SBX_RESET] = "reset",
    [PB_SBX_CLOSE] = "close",
    [PB_SBX_EXPIRED_TOKEN] = "expired_token",
    [PB_SBX_BAD_SIGNATURE] = "bad_signature",
    [PB_SBX_SKEWED_DATE] = "skewed_date",
    [PB_SBX_ANSWER] = "answer",
    [PB_SBX_HANG] = "hang",
    [PB_SBX_DELAY] = "delay",
    [PB_SBX_LOST] = "lost",
    [PB_SBX_DRIP] = "drip",
    [PB_SBX_CUT] = "cut",
    [PB_SBX_EMPTY] = "empty",
    [PB_SBX_GARBAGE] = "garbage",
    [PB_SBX_NOT_HTTP] = "not_http",
    [PB_SBX_HUGE] = "huge",
    [PB_SBX_WRONG_MD5] = "wrong_md5",
    [PB_SBX_DUPLICATE] = "duplicate",
    [PB_SBX_REORDER] = "reorder",
};

static const struct {
	const char *name;
	json_type type;
	bool is_bool;
} members[] = {
    {"fault", JSON_STRING, false},
    {"service", JSON_STRING, false},
    {"operation", JSON_STRING, false},
    {"match", JSON_NULL, false}, /* text or object */
    {"skip", JSON_INTEGER, false},
    {"times", JSON_INTEGER, false},
    {"delay_ms", JSON_INTEGER, false},
    {"skew_ms", JSON_INTEGER, false},
    {"retry_after_ms", JSON_INTEGER, false},
    {"every_ms", JSON_INTEGER, false},
    {"bytes", JSON_INTEGER, false},
    {"status", JSON_INTEGER, false},
    {"code", JSON_STRING, false},
    {"message", JSON_STRING, false},
    {"body", JSON_STRING, false},
    {"content_type", JSON_STRING, false},
    {"html", JSON_TRUE, true},
    {"reset", JSON_TRUE, true},
};

const char *
pb_sbx_fault_name(enum pb_sbx_fault f)
{
	return names[f];
}

static enum pb_sbx_fault
fault_of(const char *name)
{
	for (size_t f = 1; f < PB_SBX_FAULT_MAX; f++)
		if (pb_streq(name, names[f]))
			return (enum pb_sbx_fault)f;
	return PB_SBX_NO_FAULT;
}

static int
check_member(const char *name, const json_t *value, struct pb_error *err)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(members); i++) {
		if (!pb_streq(name, members[i].name))
			continue;
		if (pb_streq(name, "match")  ? json_is_string(value) || json_is_object(value)
			: members[i].is_bool ? json_is_boolean(value)
					     : json_typeof(value) == members[i].type)
			return 0;
		return pb_fail(
		    err, PB_INVALID, "member \"%s\" of a fault has the wrong type", name);
	}
	return pb_fail(err, PB_INVALID, "a fault has no member \"%s\"", name);
}

static int
check_rule(const json_t *rule, struct pb_error *err)
{
	const char *name, *fault = pb_json_str(rule, "fault");
	json_t *value, *copy = json_deep_copy(rule);
	int rc = 0;

	if (fault == NULL) {
		json_decref(copy);
		return pb_fail(err, PB_INVALID, "a fault is an object with a member \"fault\"");
	}
	json_object_foreach (copy, name, value) {
		if (rc == 0)
			rc = check_member(name, value, err);
	}
	json_decref(copy);
	if (rc == 0 && fault_of(fault) == PB_SBX_NO_FAULT) {
		const char *near = pb_did_you_mean(fault, names + 1, PB_SBX_FAULT_MAX - 1);
		rc = pb_fail(err, PB_INVALID, "no fault \"%.60s\"%s%s%s", fault,
		    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	return rc;
}

int
pb_sbx_faults_add(json_t *list, const json_t *rules, struct pb_error *err)
{
	size_t n = json_is_array(rules) ? json_array_size(rules) : 1;
	for (size_t i = 0; i < n; i++)
		if (check_rule(json_is_array(rules) ? json_array_get(rules, i) : rules, err) < 0)
			return pb_wrap(err, "fault %zu", i + 1);
	for (size_t i = 0; i < n; i++) {
		const json_t *r = json_is_array(rules) ? json_array_get(rules, i) : rules;
		json_array_append_new(list, json_deep_copy(r));
	}
	return 0;
}

/* Numbers and booleans of the input are compared by their JSON text. */
static bool
is_same(const json_t *wanted, const json_t *got)
{
	if (json_is_string(wanted) && json_is_string(got))
		return pb_streq(json_string_value(wanted), json_string_value(got));
	return got != NULL && json_equal(wanted, got) == 1;
}

static bool
is_match(const json_t *match, const json_t *input, struct pb_str body)
{
	bool is_all = true;
	const char *name;
	json_t *wanted, *copy;

	if (match == NULL)
		return true;
	if (json_is_string(match))
		return body.len > 0 &&
		    memmem(body.ptr, body.len, json_string_value(match),
			json_string_length(match)) != NULL;
	copy = json_deep_copy(match);
	json_object_foreach (copy, name, wanted) {
		is_all = is_all && is_same(wanted, pb_json_get(input, name));
	}
	json_decref(copy);
	return is_all;
}

enum pb_sbx_fault
pb_sbx_faults_take(json_t *list, const char *service, const char *operation, const json_t *input,
    struct pb_str body, json_t **ret_rule)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *r = json_array_get(list, i);
		const char *s = pb_json_str(r, "service"), *o = pb_json_str(r, "operation");
		if ((s != NULL && !pb_streq(s, service)) ||
		    (o != NULL && !pb_streq(o, operation)) ||
		    !is_match(pb_json_get(r, "match"), input, body))
			continue;
		int64_t skip = pb_json_i64(r, "skip", 0), times = pb_json_i64(r, "times", 1);
		if (skip > 0) {
			pb_json_set_i64(r, "skip", skip - 1);
			continue;
		}
		*ret_rule = json_incref(r);
		if (times == 1)
			json_array_remove(list, i);
		else if (times > 1)
			pb_json_set_i64(r, "times", times - 1);
		return fault_of(pb_json_str(*ret_rule, "fault"));
	}
	return PB_SBX_NO_FAULT;
}
