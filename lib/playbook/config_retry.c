/*
 * retry and catch: Step Functions' spelling and rules (Amazon States Language, "Errors").
 */
#include <stdlib.h>

#include "playbook/read.h"

#define ENTRIES_MAX 50
#define ERRORS_MAX 100
#define INTERVAL_MAX_S 99999999
#define SPAN_MAX_S 31622400 /* the language's limit of MaxDelaySeconds */

static const char *const known_errors[] = {
    "States.ALL", "States.Timeout", "States.TaskFailed", "Throttling", "Network"};

/* Exec.Exit.3, Exec.Signal.KILL */
static bool
is_exec_error(const char *name)
{
	int64_t code;
	if (strncmp(name, "Exec.Exit.", 10) == 0)
		return pb_parse_i64(pb_str_of(name + 10), 0, 255, &code, NULL) == 0;
	if (strncmp(name, "Exec.Signal.", 12) != 0)
		return false;
	size_t len = strspn(name + 12, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");
	return len > 0 && name[12 + len] == '\0' && strncmp(name + 12, "SIG", 3) != 0;
}

/* An error code of AWS: AWS.SimpleQueueService.NonExistentQueue, ThrottlingException. */
static bool
is_aws_error(const char *name)
{
	size_t len =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._");
	return len > 1 && name[len] == '\0' && name[0] >= 'A' && name[0] <= 'Z' &&
	    strncmp(name, "States.", 7) != 0 && strncmp(name, "Exec.", 5) != 0;
}

static void
check_error_name(struct pb_loader *l, const struct pb_node *n)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(known_errors); i++)
		if (pb_streq(n->text, known_errors[i]))
			return;
	const char *near = PB_SUGGEST(n->text, known_errors, PB_ARRAY_LEN(known_errors));
	if (is_exec_error(n->text) || (is_aws_error(n->text) && *near == '\0'))
		return;
	pb_problem_add(l, n,
	    "\"%s\" is no error name; use States.ALL, States.Timeout, States.TaskFailed, "
	    "Throttling, Network, Exec.Exit.<n>, Exec.Signal.<NAME> or an AWS error code%s",
	    PB_SHOWN(n->text), near);
}

static int
read_errors(struct pb_loader *l, const struct pb_node *n, char ***ret, size_t *ret_n)
{
	if (pb_read_texts(l, n, "error names", 1, ERRORS_MAX, ret, ret_n) < 0)
		return -1;
	for (size_t i = 0; i < n->n; i++) {
		check_error_name(l, n->items[i]);
		if (n->n > 1 && pb_streq((*ret)[i], "States.ALL"))
			pb_problem_add(
			    l, n->items[i], "States.ALL must stand alone in ErrorEquals");
	}
	return 0;
}

static void
check_all_is_last(struct pb_loader *l, const struct pb_node *entry, bool is_last)
{
	const struct pb_node *errors = pb_node_get(entry, "ErrorEquals");
	if (is_last || errors == NULL || errors->kind != PB_NODE_LIST)
		return;
	for (size_t i = 0; i < errors->n; i++)
		if (pb_streq(errors->items[i]->text, "States.ALL"))
			pb_problem_add(l, errors->items[i],
			    "States.ALL must be in the last entry; what follows is never used");
}

/* --- retry */

static void
read_retry_errors(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_retrier *r = obj;
	(void)read_errors(l, n, &r->errors, &r->n_errors);
}

static void
read_interval(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_retrier *r = obj;
	int64_t seconds;
	if (pb_read_int(l, n, 1, INTERVAL_MAX_S, &seconds) == 0)
		r->interval_for = seconds * PB_SECOND;
}

static void
read_max_delay(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_retrier *r = obj;
	int64_t seconds;
	if (pb_read_int(l, n, 1, SPAN_MAX_S - 1, &seconds) == 0)
		r->max_delay_for = seconds * PB_SECOND;
}

static void
read_backoff(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_retrier *r = obj;
	(void)pb_read_number(l, n, 1.0, &r->backoff_rate);
}

static void
read_jitter(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"NONE", "FULL"};
	struct pb_retrier *r = obj;
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		r->jitter_full = which == 1;
}

static const struct pb_field retry_fields[] = {
    {"ErrorEquals", PB_FIELD_CUSTOM, .is_required = true, .read = read_retry_errors},
    {"IntervalSeconds", PB_FIELD_CUSTOM, .read = read_interval},
    {"BackoffRate", PB_FIELD_CUSTOM, .read = read_backoff},
    {"MaxAttempts", PB_FIELD_INT, .offset = offsetof(struct pb_retrier, max_attempts), .min = 0,
	.max = 99999999},
    {"MaxDelaySeconds", PB_FIELD_CUSTOM, .read = read_max_delay},
    {"JitterStrategy", PB_FIELD_CUSTOM, .read = read_jitter},
};

void
pb_read_retry(struct pb_loader *l, const struct pb_node *n, struct pb_retry *ret)
{
	if (!pb_read_is_list(l, n, "retry entries", 0, ENTRIES_MAX))
		return;
	pb_retry_fini(ret);
	ret->items = pb_calloc(n->n + 1, sizeof(*ret->items));
	ret->n = n->n;
	for (size_t i = 0; i < n->n; i++) {
		struct pb_retrier *r = &ret->items[i];
		*r = (struct pb_retrier){
		    .interval_for = PB_SECOND, .backoff_rate = 2.0, .max_attempts = 3};
		(void)PB_READ_MAP(l, n->items[i], "retry", retry_fields, r);
		check_all_is_last(l, n->items[i], i + 1 == n->n);
	}
}

void
pb_retry_fini(struct pb_retry *r)
{
	for (size_t i = 0; i < r->n; i++)
		pb_texts_free(r->items[i].errors, r->items[i].n_errors);
	free(r->items);
	*r = (struct pb_retry){0};
}

void
pb_retry_copy(struct pb_retry *to, const struct pb_retry *from)
{
	to->items = pb_calloc(from->n + 1, sizeof(*to->items));
	to->n = from->n;
	for (size_t i = 0; i < from->n; i++) {
		struct pb_retrier *r = &to->items[i];
		*r = from->items[i];
		r->errors = pb_calloc(r->n_errors + 1, sizeof(*r->errors));
		for (size_t k = 0; k < r->n_errors; k++)
			r->errors[k] = pb_strdup(from->items[i].errors[k]);
	}
}

/* What is throttled had no effect, so that even a step of effect once may go again. */
void
pb_retry_builtin(struct pb_retry *ret)
{
	ret->items = pb_calloc(1, sizeof(*ret->items));
	ret->n = 1;
	ret->items[0] = (struct pb_retrier){
	    .errors = pb_calloc(2, sizeof(char *)),
	    .n_errors = 1,
	    .interval_for = 2 * PB_SECOND,
	    .backoff_rate = 2.0,
	    .max_attempts = 5,
	    .max_delay_for = PB_MINUTE,
	    .jitter_full = true,
	};
	ret->items[0].errors[0] = pb_strdup("Throttling");
}

/* --- catch */

static void
read_catch_errors(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_catcher *c = obj;
	(void)read_errors(l, n, &c->errors, &c->n_errors);
}

static void
read_next(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_catcher *c = obj;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return;
	c->next =
	    pb_streq(text, "escalate") ? PB_NEXT_ESCALATE : pb_read_later_step(l, n, "escalate");
}

static const struct pb_field catch_fields[] = {
    {"ErrorEquals", PB_FIELD_CUSTOM, .is_required = true, .read = read_catch_errors},
    {"Next", PB_FIELD_CUSTOM, .is_required = true, .read = read_next},
};

void
pb_read_catch(struct pb_loader *l, const struct pb_node *n, struct pb_step *step)
{
	if (!pb_read_is_list(l, n, "catch entries", 0, ENTRIES_MAX))
		return;
	step->catchers = pb_calloc(n->n + 1, sizeof(*step->catchers));
	step->n_catchers = n->n;
	for (size_t i = 0; i < n->n; i++) {
		step->catchers[i].next = PB_NEXT_ESCALATE;
		(void)PB_READ_MAP(l, n->items[i], "catch", catch_fields, &step->catchers[i]);
		check_all_is_last(l, n->items[i], i + 1 == n->n);
	}
}

void
pb_catchers_free(struct pb_catcher *catchers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pb_texts_free(catchers[i].errors, catchers[i].n_errors);
	free(catchers);
}
