/*
 * Patterns over events, as match and resolve_on: compiled, and held to what an event can have.
 */
#include <string.h>

#include "event/alarm_envelope.h"
#include "playbook/read.h"

void
pb_read_pattern(
    struct pb_loader *l, const struct pb_node *n, const char *what, struct pb_pattern **ret)
{
	struct pb_error err = {0};
	l->keeps_digits = true;
	PB_JSON json_t *j = pb_read_json(l, n);
	l->keeps_digits = false;
	if (j == NULL)
		return;
	pb_pattern_free(*ret);
	*ret = NULL;
	if (pb_pattern_compile_json(j, ret, &err) < 0)
		pb_problem_add(l, pb_node_at(n, err.path), "%s%s%s: %s", what,
		    *err.path != '\0' ? " " : "", err.path, err.text);
}

/* Every event has these and nothing beside them; only what looks like a slip of the pen is told. */
static void
check_envelope(struct pb_loader *l, const struct pb_node *n, const char *what)
{
	static const char *const members[] = {"version", "id", "detail-type", "source", "account",
	    "time", "region", "resources", "detail"};
	for (size_t i = 0; n->kind == PB_NODE_MAP && i < n->n; i++) {
		const char *key = n->keys[i]->text;
		PB_CLEANUP(pb_freep) char *first = pb_strndup(key, strcspn(key, "."));
		bool is_known = first[0] == '$';
		for (size_t k = 0; k < PB_ARRAY_LEN(members); k++)
			is_known = is_known || pb_streq(first, members[k]);
		const char *meant =
		    is_known ? NULL : pb_did_you_mean(first, members, PB_ARRAY_LEN(members));
		if (meant != NULL)
			pb_problem_add(l, n->keys[i],
			    "%s can never fit: no event has \"%s\" (did you mean \"%s\"?)", what,
			    PB_SHOWN(first), meant);
	}
}

static bool
is_list_of(const json_t *list, const char *text)
{
	return json_array_size(list) == 1 &&
	    pb_streq(json_string_value(json_array_get(list, 0)), text);
}

/* What changes of an alarm's configuration have, and changes of its state have not. */
static bool
is_about_configuration(const json_t *detail)
{
	return json_object_get(detail, "operation") != NULL ||
	    json_object_get(detail, "previousConfiguration") != NULL;
}

/*
 * A pattern that says it is about alarms is held to what their events have.  One that does not say what
 * kind of event it means is about them when its fields are, or nearly; it may be about another one of the
 * service.
 */
static bool
is_about_alarms(const json_t *j)
{
	static const char *const theirs[] = {"alarmName", "state", "previousState"};
	const json_t *type = json_object_get(j, "detail-type"), *v;
	json_t *detail = json_object_get(j, "detail");
	const char *key;
	if (!is_list_of(json_object_get(j, "source"), "aws.cloudwatch"))
		return false;
	if (type != NULL)
		return is_list_of(type, "CloudWatch Alarm State Change");
	json_object_foreach (detail, key, v)
		if (pb_did_you_mean(key, theirs, PB_ARRAY_LEN(theirs)) != NULL)
			return !is_about_configuration(detail);
	return false;
}

static void
check_alarm(struct pb_loader *l, const struct pb_node *n, const char *what,
    const struct pb_pattern *pattern, const json_t *j)
{
	PB_CLEANUP(pb_freep) char *reason = NULL;
	char path[128];
	if (!is_about_alarms(j) || pb_event_alarm_fits(pattern, &reason) != PB_NO)
		return;
	(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(reason, " "), reason);
	pb_problem_add(l, pb_node_at(n, path), "%s can never fit: %s", what, reason);
}

void
pb_read_event_pattern(
    struct pb_loader *l, const struct pb_node *n, const char *what, struct pb_pattern **ret)
{
	pb_read_pattern(l, n, what, ret);
	if (*ret == NULL)
		return;
	PB_JSON json_t *j = pb_read_json(l, n);
	check_envelope(l, n, what);
	check_alarm(l, n, what, *ret, j);
}

void
pb_read_match(struct pb_loader *l, const struct pb_node *n, struct pb_pattern **ret)
{
	pb_read_event_pattern(l, n, "match", ret);
	PB_JSON json_t *j = *ret == NULL ? NULL : pb_read_json(l, n);
	const json_t *state = json_object_get(json_object_get(j, "detail"), "state");
	if (is_about_alarms(j) && is_list_of(json_object_get(state, "value"), "OK"))
		pb_problem_add(l, pb_node_at(n, "detail.state.value"),
		    "nothing is ever opened by a recovery; match the ALARM, or use resolve_on");
}
