/*
 * Steps of a playbook.
 */
#include <stdlib.h>

#include "playbook/read.h"

#define CONDITIONS_MAX 50
#define TIMEOUT_MAX (7 * PB_DAY)

static const char *const effect_names[PB_EFFECT_MAX] = {
    [PB_EFFECT_READ] = "read",
    [PB_EFFECT_IDEMPOTENT] = "idempotent",
    [PB_EFFECT_TOKEN] = "token",
    [PB_EFFECT_CHECK_FIRST] = "check_first",
    [PB_EFFECT_ONCE] = "once",
};

const char *
pb_effect_name(enum pb_effect effect)
{
	pb_check((unsigned)effect < PB_EFFECT_MAX);
	return effect_names[effect];
}

size_t
pb_find_step(const struct pb_loader *l, const char *name)
{
	for (size_t i = 0; i < l->playbook->n_steps; i++)
		if (pb_streq(l->playbook->steps[i].name, name))
			return i;
	return PB_NONE;
}

size_t
pb_read_later_step(struct pb_loader *l, const struct pb_node *n, const char *others)
{
	const char *words[100];
	size_t n_words = 0, place = pb_find_step(l, n->text);
	if (place != PB_NONE && place > l->step)
		return place;
	if (place != PB_NONE) {
		pb_problem_add(l, n,
		    "\"%s\" does not stand behind this step; jumps go forward only",
		    PB_SHOWN(n->text));
		return PB_NONE;
	}
	for (size_t i = l->step + 1; i < l->playbook->n_steps; i++)
		if (l->playbook->steps[i].name != NULL && n_words < PB_ARRAY_LEN(words))
			words[n_words++] = l->playbook->steps[i].name;
	if (others == NULL)
		pb_problem_add(l, n, "\"%s\" is not the name of a later step%s", PB_SHOWN(n->text),
		    PB_SUGGEST(n->text, words, n_words));
	else
		pb_problem_add(l, n, "\"%s\" is neither %s nor the name of a later step%s",
		    PB_SHOWN(n->text), others, PB_SUGGEST(n->text, words, n_words));
	return PB_NONE;
}

/* --- exec */

void
pb_read_step_argv(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (pb_read_argv(l, n, &s->argv, &s->n_argv) == 0 || s->argv != NULL)
		pb_check_templates(l, n);
}

/* --- aws */

void
pb_read_step_inputs(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "inputs must be a mapping, by the API's own names");
		return;
	}
	json_decref(s->inputs);
	s->inputs = pb_read_json(l, n);
	pb_check_templates(l, n);
}

/* --- verify */

static void
read_condition_alarm(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_condition *c = obj;
	if (pb_read_text(l, n, 1024, &c->alarm) < 0)
		return;
	if (strstr(c->alarm, "${") != NULL)
		pb_check_template(l, n, c->alarm, PB_TEMPLATE_STEP);
	else if (strncmp(c->alarm, "arn:", 4) != 0 || strstr(c->alarm, ":alarm:") == NULL)
		pb_problem_add(l, n,
		    "\"%s\" is no alarm's ARN; use \"${alarm.arn}\" or the full ARN",
		    PB_SHOWN(c->alarm));
}

static void
read_condition_state(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"INSUFFICIENT_DATA", "OK", "ALARM"};
	struct pb_condition *c = obj;
	size_t which;
	_Static_assert(PB_ALARM_OK == 1 && PB_ALARM_ALARM == 2, "words are in the enum's order");
	if (pb_read_word(l, n, words, 3, &which) == 0)
		c->state = (enum pb_alarm_state)which;
}

static const struct pb_field condition_fields[] = {
    {"alarm", PB_FIELD_CUSTOM, .is_required = true, .read = read_condition_alarm},
    {"state", PB_FIELD_CUSTOM, .is_required = true, .read = read_condition_state},
    {"for", PB_FIELD_DURATION, .offset = offsetof(struct pb_condition, held_for), .min = 0,
	.max = PB_DAY},
};
static void
read_conditions(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (!pb_read_is_list(l, n, "conditions", 1, CONDITIONS_MAX))
		return;
	s->conditions = pb_calloc(n->n, sizeof(*s->conditions));
	s->n_conditions = n->n;
	for (size_t i = 0; i < n->n; i++) {
		if (pb_node_get(n->items[i], "http") != NULL)
			pb_read_http_condition(l, n->items[i], &s->conditions[i]);
		else
			(void)PB_READ_MAP(
			    l, n->items[i], "condition", condition_fields, &s->conditions[i]);
	}
}

/* --- what every step has */

static void
read_retry(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	s->has_own_retry = true;
	pb_read_retry(l, n, &s->retry);
}

static void
read_catch(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	pb_read_catch(l, n, obj);
}

static void
read_on_failure(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return;
	if (pb_streq(text, "rollback")) {
		s->on_failure = PB_FAILURE_ROLLBACK;
	} else if (pb_streq(text, "stop")) {
		s->on_failure = PB_FAILURE_STOP;
	} else if (pb_streq(text, "continue")) {
		s->on_failure = PB_FAILURE_CONTINUE;
	} else {
		s->on_failure = PB_FAILURE_GOTO;
		s->on_failure_next = pb_read_later_step(l, n, "stop, continue, rollback");
	}
}

static void
read_if(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	struct pb_error err = {0};
	PB_JSON json_t *j = pb_read_json(l, n);
	if (j == NULL)
		return;
	pb_pattern_free(s->condition);
	s->condition = NULL;
	if (pb_pattern_compile_json(j, &s->condition, &err) < 0)
		pb_problem_add(l, pb_node_at(n, err.path), "if%s%s: %s",
		    *err.path != '\0' ? " " : "", err.path, err.text);
	else
		pb_check_condition(l, n);
}

static void
read_next(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (pb_read_scalar(l, n) != NULL)
		s->next = pb_read_later_step(l, n, NULL);
}

static void
read_effect(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	size_t which;
	if (pb_read_word(l, n, effect_names, PB_EFFECT_MAX, &which) < 0)
		return;
	s->effect = (enum pb_effect)which;
	if (s->effect == PB_EFFECT_TOKEN && s->kind != PB_STEP_AWS)
		pb_problem_add(l, n,
		    "effect token is for steps of AWS; use idempotent for %s twice",
		    s->kind == PB_STEP_EXEC ? "a program that may run" : "what may be sent");
}

static void
read_on_interrupted(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"retry", "fail", "ask"};
	struct pb_step *s = obj;
	size_t which;
	_Static_assert(PB_INTERRUPTED_FAIL == 1 && PB_INTERRUPTED_ASK == 2, "in the enum's order");
	if (pb_read_word(l, n, words, 3, &which) == 0)
		s->on_interrupted = (enum pb_on_interrupted)which;
}

/* Declared here, since it is a step of its own with some of the same tables. */
static void read_rollback(struct pb_loader *l, const struct pb_node *n, void *obj);

/* The keys that every kind of step has; those of one kind stand in front of them. */
#define COMMON_FIELDS                                                                              \
	{.key = "name", .type = PB_FIELD_SEEN, .is_required = true},                               \
	    {.key = "action", .type = PB_FIELD_SEEN},                                              \
	    {.key = "timeout",                                                                     \
		.type = PB_FIELD_DURATION,                                                         \
		.offset = offsetof(struct pb_step, timeout_for),                                   \
		.min = PB_SECOND,                                                                  \
		.max = TIMEOUT_MAX},                                                               \
	    {.key = "on_failure", .type = PB_FIELD_CUSTOM, .read = read_on_failure},               \
	    {.key = "catch", .type = PB_FIELD_CUSTOM, .read = read_catch},                         \
	    {.key = "if", .type = PB_FIELD_CUSTOM, .read = read_if},                               \
	    {.key = "next", .type = PB_FIELD_CUSTOM, .read = read_next},                           \
	{                                                                                          \
		.key = "rollback", .type = PB_FIELD_CUSTOM, .read = read_rollback                  \
	}

#define ACTION_FIELDS                                                                              \
	{.key = "attempt_timeout",                                                                 \
	    .type = PB_FIELD_DURATION,                                                             \
	    .offset = offsetof(struct pb_step, attempt_timeout_for),                               \
	    .min = PB_SECOND,                                                                      \
	    .max = TIMEOUT_MAX},                                                                   \
	    {.key = "retry", .type = PB_FIELD_CUSTOM, .read = read_retry},                         \
	    {.key = "effect", .type = PB_FIELD_CUSTOM, .read = read_effect},                       \
	    {.key = "check", .type = PB_FIELD_CUSTOM, .read = pb_read_check},                      \
	{                                                                                          \
		.key = "on_interrupted", .type = PB_FIELD_CUSTOM, .read = read_on_interrupted      \
	}

static const struct pb_field exec_fields[] = {
    {"argv", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_argv},
    {.key = "inputs",
	.type = PB_FIELD_ELSEWHERE,
	.note = "what a program gets stands in argv and on its standard input"},
    {.key = "all", .type = PB_FIELD_ELSEWHERE, .note = "conditions are for action verify"},
    {.key = "wait", .type = PB_FIELD_ELSEWHERE, .note = "a program ends when it exits"},
    ACTION_FIELDS,
    COMMON_FIELDS,
};
static const struct pb_field aws_fields[] = {
    {"inputs", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_inputs},
    {.key = "wait", .type = PB_FIELD_SEEN},
    {.key = "argv", .type = PB_FIELD_ELSEWHERE, .note = "what a call gets stands in inputs"},
    {.key = "all", .type = PB_FIELD_ELSEWHERE, .note = "conditions are for action verify"},
    ACTION_FIELDS,
    COMMON_FIELDS,
};
static const struct pb_field verify_fields[] = {
    {"all", PB_FIELD_CUSTOM, .is_required = true, .read = read_conditions},
    {.key = "argv", .type = PB_FIELD_ELSEWHERE, .note = "programs are for action exec"},
    {.key = "inputs",
	.type = PB_FIELD_ELSEWHERE,
	.note = "calls are for action aws:<service>.<Operation>"},
    {.key = "retry",
	.type = PB_FIELD_ELSEWHERE,
	.note = "it looks again by itself until its timeout"},
    {.key = "attempt_timeout",
	.type = PB_FIELD_ELSEWHERE,
	.note = "it looks again by itself until its timeout"},
    {.key = "effect", .type = PB_FIELD_ELSEWHERE, .note = "looking changes nothing"},
    {.key = "on_interrupted", .type = PB_FIELD_ELSEWHERE, .note = "looking can always go on"},
    COMMON_FIELDS,
};

#define LOOKS_ITSELF "it does nothing that could be tried again"
static const struct pb_field wait_fields[] = {
    {.key = "for",
	.type = PB_FIELD_DURATION,
	.is_required = true,
	.offset = offsetof(struct pb_step, timeout_for),
	.min = PB_SECOND,
	.max = TIMEOUT_MAX},
    {.key = "timeout", .type = PB_FIELD_ELSEWHERE, .note = "it ends when the time of for is over"},
    {.key = "retry", .type = PB_FIELD_ELSEWHERE, .note = LOOKS_ITSELF},
    {.key = "effect", .type = PB_FIELD_ELSEWHERE, .note = LOOKS_ITSELF},
    {.key = "on_interrupted", .type = PB_FIELD_ELSEWHERE, .note = "waiting can always go on"},
    {.key = "rollback", .type = PB_FIELD_ELSEWHERE, .note = "there is nothing to undo"},
    COMMON_FIELDS,
};
#define HTTP_FIELDS                                                                                \
	{"url", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_url},                   \
	    {"method", PB_FIELD_CUSTOM, .read = pb_read_step_method},                              \
	    {"body", PB_FIELD_CUSTOM, .read = pb_read_step_body},                                  \
	{                                                                                          \
		"status", PB_FIELD_INT, .offset = offsetof(struct pb_step, status), .min = 100,    \
					.max = 599                                                 \
	}
static const struct pb_field http_fields[] = {
    HTTP_FIELDS,
    {.key = "argv", .type = PB_FIELD_ELSEWHERE, .note = "what is sent stands in body"},
    {.key = "inputs", .type = PB_FIELD_ELSEWHERE, .note = "what is sent stands in body"},
    {.key = "all", .type = PB_FIELD_ELSEWHERE, .note = "conditions are for action verify"},
    ACTION_FIELDS,
    COMMON_FIELDS,
};

#define SAID_TWICE "a message has an id by which a reader sees a repeat: it is idempotent"
static const struct pb_field notify_fields[] = {
    {"to", PB_FIELD_CUSTOM, .read = pb_read_notify_to},
    {"via", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_notify_via,
	.note = "a list of channels"},
    {"subject", PB_FIELD_CUSTOM, .read = pb_read_notify_subject},
    {"text", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_notify_text},
    {.key = "notify", .type = PB_FIELD_ELSEWHERE, .note = "the contacts stand in to"},
    {.key = "argv", .type = PB_FIELD_ELSEWHERE, .note = "what is said stands in text"},
    {.key = "inputs", .type = PB_FIELD_ELSEWHERE, .note = "what is said stands in text"},
    {.key = "all", .type = PB_FIELD_ELSEWHERE, .note = "conditions are for action verify"},
    {.key = "rollback", .type = PB_FIELD_ELSEWHERE, .note = "what was said cannot be unsaid"},
    {.key = "check", .type = PB_FIELD_ELSEWHERE, .note = SAID_TWICE},
    {.key = "effect", .type = PB_FIELD_ELSEWHERE, .note = SAID_TWICE},
    ACTION_FIELDS,
    COMMON_FIELDS,
};

/* The undo: what it does, how long, how often; it has no way on. */
#define UNDO_FIELDS                                                                                \
	{.key = "action", .type = PB_FIELD_SEEN},                                                  \
	    {.key = "timeout",                                                                     \
		.type = PB_FIELD_DURATION,                                                         \
		.offset = offsetof(struct pb_step, timeout_for),                                   \
		.min = PB_SECOND,                                                                  \
		.max = TIMEOUT_MAX},                                                               \
	    {.key = "if", .type = PB_FIELD_ELSEWHERE, .note = UNDO_NOTE},                          \
	    {.key = "next", .type = PB_FIELD_ELSEWHERE, .note = UNDO_NOTE},                        \
	    {.key = "catch", .type = PB_FIELD_ELSEWHERE, .note = UNDO_NOTE},                       \
	    {.key = "on_failure", .type = PB_FIELD_ELSEWHERE, .note = UNDO_NOTE},                  \
	{                                                                                          \
		.key = "rollback", .type = PB_FIELD_ELSEWHERE, .note = UNDO_NOTE                   \
	}
#define UNDO_NOTE "an undo has no way on: what it cannot undo is paged"

static const struct pb_field exec_undo_fields[] = {
    {"argv", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_argv},
    ACTION_FIELDS,
    UNDO_FIELDS,
};
static const struct pb_field aws_undo_fields[] = {
    {"inputs", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_step_inputs},
    {.key = "wait", .type = PB_FIELD_SEEN},
    ACTION_FIELDS,
    UNDO_FIELDS,
};
static const struct pb_field http_undo_fields[] = {
    HTTP_FIELDS,
    ACTION_FIELDS,
    UNDO_FIELDS,
};

/* --- the action */

/* "aws:sqs.SendMessage" */
static int
read_aws_action(struct pb_loader *l, const struct pb_node *n, struct pb_step *s)
{
	const char *service = n->text + 4, *dot = strchr(service, '.');
	if (dot == NULL || dot == service || dot[1] == '\0' || strchr(dot + 1, '.') != NULL) {
		pb_problem_add(l, n,
		    "\"%s\" must be aws:<service>.<Operation>, as aws:sqs.SendMessage",
		    PB_SHOWN(n->text));
		return -1;
	}
	s->kind = PB_STEP_AWS;
	s->service = pb_strndup(service, (size_t)(dot - service));
	s->operation = pb_strdup(dot + 1);
	return 0;
}

#define FIELDS(table) table, PB_ARRAY_LEN(table)

/* What can be done, with the keys of each; undo is NULL for what changes nothing back. */
static const struct kind {
	const char *word;
	enum pb_step_kind kind;
	const char *what;
	const struct pb_field *fields;
	size_t n_fields;
	const char *undo_what;
	const struct pb_field *undo;
	size_t n_undo;
} kinds[] = {
    {"exec", PB_STEP_EXEC, "step of action exec", FIELDS(exec_fields), "rollback of action exec",
	FIELDS(exec_undo_fields)},
    {"verify", PB_STEP_VERIFY, "step of action verify", FIELDS(verify_fields), NULL, NULL, 0},
    {"wait", PB_STEP_WAIT, "step of action wait", FIELDS(wait_fields), NULL, NULL, 0},
    {"http", PB_STEP_HTTP, "step of action http", FIELDS(http_fields), "rollback of action http",
	FIELDS(http_undo_fields)},
    {"notify", PB_STEP_NOTIFY, "step of action notify", FIELDS(notify_fields), NULL, NULL, 0},
    {"aws:<service>.<Operation>", PB_STEP_AWS, "step of AWS", FIELDS(aws_fields), "rollback of AWS",
	FIELDS(aws_undo_fields)},
};
_Static_assert(PB_ARRAY_LEN(kinds) == PB_STEP_KIND_MAX, "a row for each kind of step");

int
pb_read_action(struct pb_loader *l, const struct pb_node *step, struct pb_step *s)
{
	const char *words[PB_ARRAY_LEN(kinds)];
	const struct pb_node *n = pb_node_get(step, "action");
	size_t which;
	if (step->kind != PB_NODE_MAP)
		return 0; /* told when the mapping is read */
	if (n == NULL) {
		pb_problem_add(l, step,
		    "step needs the key action: exec, verify, wait, http, notify or "
		    "aws:<service>.<Operation>");
		return -1;
	}
	if (n->kind == PB_NODE_SCALAR && strncmp(n->text, "aws:", 4) == 0)
		return read_aws_action(l, n, s);
	for (size_t i = 0; i < PB_ARRAY_LEN(kinds); i++)
		words[i] = kinds[i].word;
	if (pb_read_word(l, n, words, PB_ARRAY_LEN(words), &which) < 0)
		return -1;
	s->kind = kinds[which].kind;
	if (s->kind == PB_STEP_AWS)
		return read_aws_action(l, n, s);
	return 0;
}

static const struct kind *
kind_of(const struct pb_step *s)
{
	size_t i = 0;
	while (kinds[i].kind != s->kind)
		i++;
	return &kinds[i];
}

/* --- what is left open */

/* What was known when a stored set was accepted. */
static const json_t *
stored_for(const struct pb_loader *l, const json_t *stored)
{
	size_t place = l->step + (l->is_undo ? l->playbook->n_steps : 0);
	return json_array_get(
	    json_array_get(stored, (size_t)(l->playbook - l->config->playbooks)), place);
}

static void
set_effect(struct pb_step *s, const char *name)
{
	for (unsigned i = 0; i < PB_EFFECT_MAX; i++)
		if (pb_streq(name, effect_names[i]))
			s->effect = (enum pb_effect)i;
}

static void
restore_facts(const struct pb_loader *l, struct pb_step *s)
{
	const json_t *facts = stored_for(l, l->known_calls);
	const char *effect = facts != NULL ? pb_json_str(facts, "effect")
					   : json_string_value(stored_for(l, l->known_effects));
	s->facts = json_incref((json_t *)(uintptr_t)facts);
	set_effect(s, effect);
}

/* What is known of the call; a problem where it cannot be made. */
static void
find_facts(struct pb_loader *l, const struct pb_node *n, struct pb_step *s)
{
	struct pb_error err = {0};
	if (s->inputs == NULL)
		return;
	if (l->aws_check == NULL) {
		restore_facts(l, s);
	} else if (l->aws_check(s->service, s->operation, s->inputs, &s->facts, &err) == 0) {
		set_effect(s, pb_json_str(s->facts, "effect"));
	} else {
		bool is_input = err.kind == PB_INVALID;
		const struct pb_node *at = pb_node_get(n, is_input ? "inputs" : "action");
		pb_problem_add(l, is_input ? pb_node_at(at, err.path) : at, "%s", err.text);
	}
}

static void
complete_aws(struct pb_loader *l, const struct pb_node *n, struct pb_step *s)
{
	enum pb_effect said = s->effect;
	find_facts(l, n, s);
	if (pb_node_get(n, "effect") != NULL)
		s->effect = said;
	/* Where the playbook gives a token itself, it stays. */
	const char *token = pb_json_str(s->facts, "token");
	if (s->effect == PB_EFFECT_TOKEN && token != NULL && pb_json_get(s->inputs, token) == NULL)
		s->token = pb_strdup(token);
	pb_complete_wait(l, n, s);
}

/* Without inputs there is nothing more to check, but an operation that is not there is told. */
static void
check_operation(struct pb_loader *l, const struct pb_node *n, const struct pb_step *s)
{
	struct pb_error err = {0};
	PB_JSON json_t *none = json_object(), *facts = NULL;
	if (l->aws_check != NULL && s->inputs == NULL &&
	    l->aws_check(s->service, s->operation, none, &facts, &err) < 0 &&
	    err.kind != PB_INVALID)
		pb_problem_add(l, pb_node_get(n, "action"), "%s", err.text);
}

static enum pb_on_interrupted
interrupted_default(enum pb_effect effect)
{
	switch (effect) {
	case PB_EFFECT_READ:
	case PB_EFFECT_IDEMPOTENT:
	case PB_EFFECT_TOKEN:
		return PB_INTERRUPTED_RETRY;
	case PB_EFFECT_CHECK_FIRST:
	case PB_EFFECT_ONCE:
	case PB_EFFECT_MAX:
		break;
	}
	return PB_INTERRUPTED_ASK;
}

/* How long a condition must hold at least, from the beginning of its step. */
static int64_t
condition_for(const struct pb_condition *c)
{
	return c->url == NULL ? c->held_for : (c->times - 1) * c->every;
}

static bool
is_against(const struct pb_condition *a, const struct pb_condition *b)
{
	return a->alarm != NULL && pb_streq(a->alarm, b->alarm) && a->state != b->state;
}

/* All must hold at once, and as long as each says, before the step's time is over. */
static void
check_conditions(struct pb_loader *l, const struct pb_node *n, const struct pb_step *s)
{
	char least[PB_TIME_TEXT], most[PB_TIME_TEXT];
	for (size_t i = 0; i < s->n_conditions; i++) {
		const struct pb_condition *c = &s->conditions[i];
		if (condition_for(c) > s->timeout_for)
			pb_problem_add(l, n->items[i],
			    "this takes %s at least, and the step ends after %s (timeout), so it "
			    "can never pass",
			    pb_duration_text(least, condition_for(c)),
			    pb_duration_text(most, s->timeout_for));
		for (size_t k = 0; k < i; k++)
			if (is_against(c, &s->conditions[k]))
				pb_problem_add(l, n->items[i],
				    "the alarm must be in another state by the condition in line "
				    "%d, so the step can never pass",
				    n->items[k]->line);
	}
}

static void
complete(struct pb_loader *l, const struct pb_node *n, struct pb_step *s)
{
	bool is_tried = s->kind != PB_STEP_VERIFY && s->kind != PB_STEP_WAIT;
	if (s->kind == PB_STEP_AWS)
		complete_aws(l, n, s);
	if (s->kind == PB_STEP_VERIFY)
		check_conditions(l, pb_node_get(n, "all"), s);
	if (!is_tried)
		s->effect = PB_EFFECT_READ;
	if (s->kind == PB_STEP_HTTP && pb_node_get(n, "effect") == NULL)
		s->effect = pb_http_effect(s->method);
	if (s->kind == PB_STEP_NOTIFY)
		s->effect = PB_EFFECT_IDEMPOTENT;
	if (is_tried)
		pb_complete_check(l, n, s);
	if (pb_node_get(n, "on_interrupted") == NULL)
		s->on_interrupted = interrupted_default(s->effect);
	if (is_tried && !s->has_own_retry)
		pb_retry_copy(&s->retry, &l->retry);
	if (s->attempt_timeout_for > s->timeout_for)
		pb_problem_add(l, pb_node_get(n, "attempt_timeout"),
		    "attempt_timeout is longer than the step's timeout");
}

void
pb_step_begin(struct pb_step *s)
{
	s->timeout_for = PB_DEFAULT_STEP_TIMEOUT;
	s->effect = PB_EFFECT_ONCE;
	s->on_failure_next = PB_NONE;
	s->next = PB_NONE;
}

/* A step, or the undo of one, by the table of its kind. */
static void
read_one(struct pb_loader *l, const struct pb_node *n, struct pb_step *s, bool is_undo)
{
	const struct kind *k = kind_of(s);
	int rc = is_undo ? pb_read_map(l, n, k->undo_what, k->undo, k->n_undo, s)
			 : pb_read_map(l, n, k->what, k->fields, k->n_fields, s);
	if (s->kind == PB_STEP_AWS)
		check_operation(l, n, s);
	if (rc == 0)
		complete(l, n, s);
}

static void
read_undo(struct pb_loader *l, const struct pb_node *n, struct pb_step *undo)
{
	if (pb_read_action(l, n, undo) < 0)
		return;
	if (kind_of(undo)->undo == NULL)
		pb_problem_add(l, pb_node_get(n, "action"),
		    "a rollback must change something back: use exec, http or "
		    "aws:<service>.<Operation>");
	else
		read_one(l, n, undo, true);
}

static void
read_rollback(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "rollback must be a mapping with the key action");
		return;
	}
	s->rollback = pb_calloc(1, sizeof(*s->rollback));
	pb_step_begin(s->rollback);
	s->rollback->name = pb_asprintf("%s.rollback", s->name == NULL ? "?" : s->name);
	l->is_undo = true;
	read_undo(l, n, s->rollback);
	l->is_undo = false;
}

/* An undo that nothing asks for, and a wish to undo where nothing can be, are mistakes. */
void
pb_check_rollbacks(struct pb_loader *l, const struct pb_node *n)
{
	const struct pb_playbook *p = l->playbook;
	size_t last_asks = 0;
	bool is_some = false;
	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].on_failure == PB_FAILURE_ROLLBACK) {
			last_asks = i;
			if (!is_some)
				pb_problem_add(l, pb_node_get(n->items[i], "on_failure"),
				    "no step before this one has a rollback, so nothing can be "
				    "undone");
		}
		is_some = is_some || p->steps[i].rollback != NULL;
	}
	for (size_t i = last_asks; i < p->n_steps; i++)
		if (p->steps[i].rollback != NULL)
			pb_problem_add(l, pb_node_get(n->items[i], "rollback"),
			    "this rollback is never used: no later step has on_failure: rollback");
}

void
pb_read_step(struct pb_loader *l, const struct pb_node *n, struct pb_step *ret)
{
	pb_step_begin(ret);
	if (pb_read_action(l, n, ret) == 0)
		read_one(l, n, ret, false);
}
