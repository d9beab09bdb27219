/*
 * Where a step looks at what its own call did: check (has it taken effect?) and wait (is it over?).
 *
 * A check is written in the playbook, or comes from the table of AWS operations; what wait looks at
 * always comes from there.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define LOOK_LIMIT (30 * PB_SECOND)
#define WAIT_EVERY (10 * PB_SECOND)

/* --- what the table says */

static char **
texts_of(const json_t *list, size_t *ret_n)
{
	char **texts = pb_calloc(json_array_size(list) + 1, sizeof(*texts));
	*ret_n = json_array_size(list);
	for (size_t i = 0; i < *ret_n; i++)
		texts[i] = pb_strdup(json_string_value(json_array_get(list, i)));
	return texts;
}

/* The read that the facts name, of the same service. */
static struct pb_step *
read_of(const struct pb_step *s, const json_t *facts, const char *what)
{
	struct pb_step *read = pb_calloc(1, sizeof(*read));
	pb_step_begin(read);
	read->name = pb_asprintf("%s.%s", s->name, what);
	read->kind = PB_STEP_AWS;
	read->service = pb_strdup(s->service);
	read->operation = pb_strdup(pb_json_str(facts, "operation"));
	read->inputs = json_incref(json_object_get(facts, "inputs"));
	read->effect = PB_EFFECT_READ;
	read->timeout_for = LOOK_LIMIT;
	return read;
}

static struct pb_check *
check_of_facts(struct pb_loader *l, const struct pb_node *at, const struct pb_step *s)
{
	struct pb_error err = {0};
	struct pb_pattern *done = NULL;
	const json_t *facts = pb_json_get(s->facts, "check");
	if (facts == NULL)
		return NULL;
	if (pb_pattern_compile_json(pb_json_get(facts, "done"), &done, &err) < 0) {
		pb_problem_add(l, at, "the check of %s.%s: %s", s->service, s->operation, err.text);
		return NULL;
	}
	struct pb_check *c = pb_calloc(1, sizeof(*c));
	c->read = read_of(s, facts, "check");
	c->done = done;
	c->done_json = json_incref(json_object_get(facts, "done"));
	c->within_for = pb_json_i64(facts, "within", 0);
	return c;
}

static struct pb_wait *
wait_of_facts(const struct pb_step *s)
{
	const json_t *facts = pb_json_get(s->facts, "wait");
	if (facts == NULL)
		return NULL;
	struct pb_wait *w = pb_calloc(1, sizeof(*w));
	w->read = read_of(s, facts, "wait");
	w->state = pb_strdup(pb_json_str(facts, "state"));
	w->reason = pb_strdup(pb_json_str(facts, "reason"));
	w->succeeded = texts_of(pb_json_get(facts, "succeeded"), &w->n_succeeded);
	w->failed = texts_of(pb_json_get(facts, "failed"), &w->n_failed);
	w->every_for = WAIT_EVERY;
	return w;
}

/* --- check as it is written */

static void
read_done(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	/* A read has neither `if` nor body: both are handed on to the check. */
	struct pb_step *read = obj;
	struct pb_error err = {0};
	PB_JSON json_t *j = pb_read_json(l, n);
	if (j == NULL)
		return;
	pb_pattern_free(read->condition);
	read->condition = NULL;
	json_decref(read->body);
	read->body = json_incref(j);
	if (pb_pattern_compile_json(j, &read->condition, &err) < 0)
		pb_problem_add(l, pb_node_at(n, err.path), "done%s%s: %s",
		    *err.path != '\0' ? " " : "", err.path, err.text);
}

#define NO_WAY_NOTE "a check is one look, and done decides"
#define CHECK_FIELDS                                                                               \
	{.key = "action", .type = PB_FIELD_SEEN},                                                  \
	    {.key = "done",                                                                        \
		.type = PB_FIELD_CUSTOM,                                                           \
		.is_required = true,                                                               \
		.read = read_done,                                                                 \
		.note = "a pattern over the output"},                                              \
	    {.key = "within", .type = PB_FIELD_SEEN},                                              \
	    {.key = "timeout",                                                                     \
		.type = PB_FIELD_DURATION,                                                         \
		.offset = offsetof(struct pb_step, timeout_for),                                   \
		.min = PB_SECOND,                                                                  \
		.max = PB_HOUR},                                                                   \
	    {.key = "retry", .type = PB_FIELD_ELSEWHERE, .note = NO_WAY_NOTE},                     \
	    {.key = "effect", .type = PB_FIELD_ELSEWHERE, .note = "looking changes nothing"},      \
	    {.key = "on_failure", .type = PB_FIELD_ELSEWHERE, .note = NO_WAY_NOTE},                \
	{                                                                                          \
		.key = "on_interrupted", .type = PB_FIELD_ELSEWHERE,                               \
		.note = "it stands in the step, and says what to do when the check fails"          \
	}

static const struct pb_field exec_fields[] = {
    {"argv", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_argv},
    CHECK_FIELDS,
};
static const struct pb_field aws_fields[] = {
    {"inputs", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_inputs},
    CHECK_FIELDS,
};
static const struct pb_field http_fields[] = {
    {"url", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_url},
    {"method", PB_FIELD_CUSTOM, .read = pb_read_step_method},
    {"status", PB_FIELD_INT, .offset = offsetof(struct pb_step, status), .min = 100, .max = 599},
    CHECK_FIELDS,
};

static void
check_is_read(struct pb_loader *l, const struct pb_node *n, struct pb_step *read)
{
	struct pb_error err = {0};
	PB_JSON json_t *facts = NULL;
	const struct pb_node *action = pb_node_get(n, "action");
	if (read->kind == PB_STEP_HTTP && pb_http_effect(read->method) != PB_EFFECT_READ)
		pb_problem_add(l, pb_node_get(n, "method"),
		    "a check only looks: use GET or HEAD, not %s", read->method);
	if (read->kind != PB_STEP_AWS || l->aws_check == NULL || read->inputs == NULL)
		return;
	if (l->aws_check(read->service, read->operation, read->inputs, &facts, &err) < 0) {
		const struct pb_node *inputs = pb_node_get(n, "inputs");
		bool is_input = err.kind == PB_INVALID;
		pb_problem_add(l, is_input ? pb_node_at(inputs, err.path) : action, "%s", err.text);
		return;
	}
	const char *effect = pb_json_str_or(facts, "effect", "");
	if (!pb_streq(effect, "read"))
		pb_problem_add(l, action,
		    "a check only looks, and %s.%s has effect %s; use a Describe, Get or List",
		    read->service, read->operation, effect);
}

void
pb_read_check(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	const struct pb_node *within = pb_node_get(n, "within");
	int rc = -1;
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "check must be a mapping with the keys action and done");
		return;
	}
	s->check = pb_calloc(1, sizeof(*s->check));
	struct pb_step *read = s->check->read = pb_calloc(1, sizeof(*read));
	pb_step_begin(read);
	read->name = pb_asprintf("%s.check", s->name == NULL ? "?" : s->name);
	read->timeout_for = LOOK_LIMIT;
	read->effect = PB_EFFECT_READ;
	if (pb_read_action(l, n, read) < 0)
		return;
	l->is_check = s->kind == PB_STEP_AWS;
	if (read->kind == PB_STEP_EXEC)
		rc = PB_READ_MAP(l, n, "check of action exec", exec_fields, read);
	else if (read->kind == PB_STEP_AWS)
		rc = PB_READ_MAP(l, n, "check of AWS", aws_fields, read);
	else if (read->kind == PB_STEP_HTTP)
		rc = PB_READ_MAP(l, n, "check of action http", http_fields, read);
	else
		pb_problem_add(l, pb_node_get(n, "action"),
		    "a check looks once: use exec, http or aws:<service>.<Operation>");
	l->is_check = false;
	s->check->done = PB_TAKE(read->condition);
	s->check->done_json = PB_TAKE(read->body);
	if (within != NULL)
		(void)pb_read_duration(l, within, PB_SECOND, PB_DAY, &s->check->within_for);
	if (rc == 0)
		check_is_read(l, n, read);
}

/* --- with the step's effect known */

void
pb_complete_check(struct pb_loader *l, const struct pb_node *step, struct pb_step *s)
{
	const struct pb_node *at = pb_node_get(step, "effect"), *check = pb_node_get(step, "check");
	if (check != NULL && at == NULL)
		s->effect = PB_EFFECT_CHECK_FIRST;
	if (s->effect != PB_EFFECT_CHECK_FIRST) {
		if (check != NULL)
			pb_problem_add(l, check,
			    "check is for effect check_first; with effect %s nothing looks",
			    pb_effect_name(s->effect));
		return;
	}
	if (check != NULL)
		return;
	at = at != NULL ? at : pb_node_get(step, "action");
	s->check = check_of_facts(l, at, s);
	bool is_unchecked = s->kind == PB_STEP_AWS && l->aws_check == NULL && s->facts == NULL;
	if (s->check == NULL && !is_unchecked)
		pb_problem_add(l, at,
		    "effect check_first needs the key check: a read, and in done a pattern over "
		    "its "
		    "output that fits when the effect has taken place");
}

void
pb_complete_wait(struct pb_loader *l, const struct pb_node *step, struct pb_step *s)
{
	static const char *const words[] = {"until_done", "none"};
	const struct pb_node *n = pb_node_get(step, "wait");
	size_t which = 0;
	if (n != NULL && pb_read_word(l, n, words, PB_ARRAY_LEN(words), &which) < 0)
		return;
	if (which == 0)
		s->wait = wait_of_facts(s);
	if (n != NULL && which == 0 && s->wait == NULL && l->aws_check != NULL)
		pb_problem_add(l, n,
		    "%s.%s is over when it is answered: wait is for calls that only start "
		    "something",
		    s->service, s->operation);
}
