/*
 * The drivers: exec and aws; http is in actions_http.c, what the helper is asked in actions_helper.c.
 */
#include "daemon/actions.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/sqs.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/actions_helper.h"
#include "daemon/actions_http.h"
#include "io/child.h"
#include "io/line.h"

#define ACTIONS_MAGIC 0x70626131U
#define STDERR_SHOWN 400U /* bytes of its end that come into the message */

struct running {
	struct pb_actions *actions;
	struct running *prev, *next;
	char *id;
	json_t *spec;
	struct pb_child *child;
	struct pb_line_call *helper;
	struct pb_client_call *call;
	struct pb_transfer *transfer;
	struct pb_outcome *early; /* decided at the start, to be told in the next round */
	bool is_post; /* told besides pages: has places of its own */
	bool has_place; /* one of the programs of its kind that run at once */
	struct pb_loop_timer *wait; /* set while it waits for a place, to its limit */
	int64_t limit_at; /* by the monotonic clock */
};

struct pb_actions {
	uint32_t magic;
	struct pb_loop *loop;
	struct pb_client *client;
	struct pb_actions_ops ops;
	void *arg;
	struct running *first; /* the newest */
	size_t n, n_places[2]; /* of steps, of posts */
};

struct pb_actions *
pb_actions_new(
    struct pb_loop *loop, struct pb_client *client, const struct pb_actions_ops *ops, void *arg)
{
	struct pb_actions *a = pb_calloc(1, sizeof(*a));
	a->magic = ACTIONS_MAGIC;
	a->loop = loop;
	a->client = client;
	a->ops = *ops;
	a->arg = arg;
	return a;
}

static void
free_outcome(struct pb_outcome *o)
{
	if (o)
		pb_outcome_fini(o);
	free(o);
}

static void tell_early(void *arg);
static void fill_places(void *arg);

static void
free_running(struct running *r)
{
	struct pb_actions *a = r->actions;
	if (r->prev)
		r->prev->next = r->next;
	else
		a->first = r->next;
	if (r->next)
		r->next->prev = r->prev;
	a->n--;
	if (r->has_place) {
		a->n_places[r->is_post]--;
		pb_loop_unpost(a->loop, fill_places, a);
		pb_loop_post(a->loop, fill_places, a);
	}
	pb_loop_timer_free(r->wait);
	pb_loop_unpost(a->loop, tell_early, r);
	pb_child_kill(r->child);
	pb_line_call_cancel(r->helper);
	pb_client_cancel(r->call);
	pb_transfer_cancel(r->transfer);
	free_outcome(r->early);
	json_decref(r->spec);
	free(r->id);
	free(r);
}

void
pb_actions_free(struct pb_actions *a)
{
	if (!a)
		return;
	PB_CHECK_OBJ(a, ACTIONS_MAGIC);
	while (a->first)
		free_running(a->first);
	pb_loop_unpost(a->loop, fill_places, a);
	a->magic = 0;
	free(a);
}

size_t
pb_actions_n_waiting(const struct pb_actions *a)
{
	size_t n = 0;
	for (const struct running *r = a->first; r; r = r->next)
		n += r->wait != NULL;
	return n;
}

size_t
pb_actions_n_running(const struct pb_actions *a)
{
	return a->n - pb_actions_n_waiting(a);
}

/* --- outcomes */

static struct pb_outcome *
new_outcome(const struct running *r, enum pb_outcome_status status, const char *error,
    const char *class, const char *message)
{
	struct pb_outcome *o = pb_calloc(1, sizeof(*o));
	size_t len = pb_utf8_cut(pb_str_of(message), PB_ACTIONS_MESSAGE_MAX);
	o->action_id = pb_strdup(r->id);
	o->status = status;
	o->error = pb_strdup(error);
	o->error_class = pb_strdup(class);
	o->message = pb_strndup(message, len);
	return o;
}

/* The handle is gone after it. */
static void
tell(struct running *r, struct pb_outcome *o)
{
	struct pb_actions *a = r->actions;
	free_running(r);
	a->ops.post(a->arg, o);
}

static void
tell_early(void *arg)
{
	struct running *r = arg;
	tell(r, PB_TAKE(r->early));
}

static void
tell_later(struct running *r, struct pb_outcome *o)
{
	free_outcome(r->early);
	r->early = o;
	pb_loop_post(r->actions->loop, tell_early, r);
}

/* --- exec */

static json_t *
text_output(struct pb_str s)
{
	while (s.len > 0 && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r'))
		s.len--;
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	bool is_text = pb_utf8_is_valid(s) && (s.len == 0 || !memchr(s.ptr, '\0', s.len));
	if (!is_text) {
		pb_buf_add_safe(&safe, s, s.len, true);
		s = pb_buf_str(&safe);
	}
	json_t *o = json_object();
	json_object_set_new(o, "text", json_stringn(s.ptr ? s.ptr : "", s.len));
	return o;
}

static json_t *
output_of(const struct pb_child_result *result)
{
	json_t *parsed = NULL;
	if (!result->out_is_cut && pb_json_parse(result->out, &parsed, NULL) == 0) {
		if (json_is_object(parsed))
			return parsed;
		json_decref(parsed);
	}
	return text_output(result->out);
}

/* What happened, and the end of what it wrote to stderr. */
static char *
exec_message(const struct pb_child_result *result, const char *remedy)
{
	struct pb_buf b = PB_BUF_INIT;
	pb_buf_adds(&b, result->text);
	if (remedy)
		pb_buf_addf(&b, "; %s", remedy);
	struct pb_str err = pb_str_trim(result->err);
	if (err.len > 0) {
		pb_buf_adds(&b, ": ");
		if (err.len > STDERR_SHOWN) {
			pb_buf_adds(&b, "...");
			err = (struct pb_str){err.ptr + err.len - STDERR_SHOWN, STDERR_SHOWN};
			/* Not from the middle of a character. */
			while (err.len > 0 && ((unsigned char)err.ptr[0] & 0xC0) == 0x80)
				err = (struct pb_str){err.ptr + 1, err.len - 1};
		}
		pb_buf_add_safe(&b, err, STDERR_SHOWN, false);
	}
	return pb_buf_take(&b);
}

static struct pb_outcome *
exec_outcome(const struct running *r, enum pb_outcome_status status, const char *error,
    const struct pb_child_result *result, const char *remedy)
{
	PB_CLEANUP(pb_freep)
	char *message = status == PB_OUTCOME_OK ? pb_strdup("") : exec_message(result, remedy);
	struct pb_outcome *o = new_outcome(r, status, error, "", message);
	if (result->end != PB_CHILD_NOT_STARTED)
		o->output = output_of(result);
	return o;
}

static struct pb_outcome *
not_started(const struct running *r, const struct pb_child_result *result)
{
	const char *program = json_string_value(pb_json_path(r->spec, PB_STR("argv[0]")));
	bool is_there = program && strchr(program, '/') && access(program, F_OK) == 0;
	if (result->code == ENOENT && is_there)
		return exec_outcome(r, PB_OUTCOME_FAILED, "Exec.NotExecutable", result,
		    "the file is there, the interpreter that its first line names is not");
	if (result->code == ENOENT || result->code == ENOTDIR)
		return exec_outcome(r, PB_OUTCOME_FAILED, "Exec.NotFound", result,
		    "install it there, or correct argv");
	if (result->code == EACCES)
		return exec_outcome(r, PB_OUTCOME_FAILED, "Exec.NotExecutable", result,
		    "let the daemon's user run it: chmod +x, and a path that it may enter");
	if (result->code == ENOEXEC)
		return exec_outcome(r, PB_OUTCOME_FAILED, "Exec.NotExecutable", result,
		    "it is no program: a script needs a first line like #!/bin/sh");
	return exec_outcome(r, PB_OUTCOME_FAILED, "Exec.StartFailed", result, NULL);
}

static struct pb_outcome *
signalled(const struct running *r, const struct pb_child_result *result)
{
	char error[48];
	const char *name = sigabbrev_np(result->code);
	if (name)
		snprintf(error, sizeof(error), "Exec.Signal.%s", name);
	else
		snprintf(error, sizeof(error), "Exec.Signal.%d", result->code);
	return exec_outcome(r, PB_OUTCOME_FAILED, error, result, NULL);
}

static struct pb_outcome *
exited(const struct running *r, const struct pb_child_result *result)
{
	char error[48];
	if (result->code == 0)
		return exec_outcome(r, PB_OUTCOME_OK, "", result, NULL);
	snprintf(error, sizeof(error), "Exec.Exit.%d", result->code);
	return exec_outcome(r, PB_OUTCOME_FAILED, error, result, NULL);
}

static struct pb_outcome *
outcome_of_child(const struct running *r, const struct pb_child_result *result)
{
	switch (result->end) {
	case PB_CHILD_EXITED:
		return exited(r, result);
	case PB_CHILD_SIGNALLED:
		return signalled(r, result);
	case PB_CHILD_TIMED_OUT:
		return exec_outcome(r, PB_OUTCOME_TIMEOUT, "States.Timeout", result, NULL);
	case PB_CHILD_CANCELLED:
		return exec_outcome(r, PB_OUTCOME_CANCELLED, "Cancelled", result, NULL);
	case PB_CHILD_NOT_STARTED:
		return not_started(r, result);
	case PB_CHILD_END_MAX:
		break;
	}
	pb_impossible("an end of no kind");
}

static void
on_child(const struct pb_child_result *result, void *arg)
{
	struct running *r = arg;
	r->child = NULL;
	tell(r, outcome_of_child(r, result));
}

/* NULL-terminated texts; NULL when `list` is no list of texts without NUL. */
static const char **
texts_of(const json_t *list)
{
	size_t n = json_array_size(list);
	if (n == 0)
		return NULL;
	const char **texts = pb_calloc(n + 1, sizeof(*texts));
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		const char *text = json_string_value(item);
		if (!text || strlen(text) != json_string_length(item)) {
			free(texts);
			return NULL;
		}
		texts[i] = text;
	}
	return texts;
}

static char **
environment_of(const json_t *env)
{
	static const char *const base[] = {
	    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/"};
	char **list = pb_calloc(PB_ARRAY_LEN(base) + json_object_size(env) + 1, sizeof(*list));
	size_t n = 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(base); i++) {
		PB_CLEANUP(pb_freep) char *name = pb_strndup(base[i], strcspn(base[i], "="));
		if (!pb_json_str(env, name))
			list[n++] = pb_strdup(base[i]);
	}
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)env, key, value)
		if (json_is_string(value))
			list[n++] = pb_asprintf("%s=%s", key, json_string_value(value));
	return list;
}

static void
free_environment(char **list)
{
	for (size_t i = 0; list[i]; i++)
		free(list[i]);
	free(list);
}

static int
start_exec(struct running *r, int64_t limit_for, struct pb_error *err)
{
	const json_t *input = pb_json_get(r->spec, "stdin");
	const char **argv = texts_of(pb_json_get(r->spec, "argv"));
	if (!argv)
		return pb_fail(err, PB_INVALID, "argv must be a list of at least one text");
	PB_CLEANUP(pb_buf_fini) struct pb_buf in = PB_BUF_INIT;
	if (input) {
		PB_CLEANUP(pb_freep) char *text = pb_json_text(input);
		pb_buf_adds(&in, text);
		pb_buf_addc(&in, '\n');
	}
	char **env = environment_of(pb_json_get(r->spec, "env"));
	int64_t capture = pb_json_i64(r->spec, "capture", 0);
	struct pb_child_request req = {
	    .argv = argv,
	    .env = (const char *const *)env,
	    .cwd = "/",
	    .input = pb_buf_str(&in),
	    .limit_for = limit_for,
	    .max_output = capture > 0 ? (size_t)capture : 0,
	};
	r->child = pb_child_start(r->actions->loop, &req, on_child, r);
	free_environment(env);
	free(argv);
	return 0;
}

/* --- exec, by the helper */

/* A refusal, or no answer: what became of the program may be unknown. */
static struct pb_outcome *
helper_failed(const struct running *r, const char *error, bool is_unknown, const char *message)
{
	struct pb_outcome *o = new_outcome(r, PB_OUTCOME_FAILED, error, "", message);
	o->is_unknown = is_unknown;
	return o;
}

static struct pb_outcome *
outcome_of_helper(const struct running *r, const struct pb_line_result *result)
{
	struct pb_error err;
	struct pb_helper_answer a;
	struct pb_outcome *o;
	if (result->err) {
		PB_CLEANUP(pb_freep)
		char *text = result->was_reached
		    ? pb_strdup(result->err->text)
		    : pb_asprintf("%s; is playbookd-exec.socket started?", result->err->text);
		return helper_failed(r, "Exec.NoHelper", result->was_reached, text);
	}
	if (pb_helper_answer_read(result->answer, &a, &err) < 0)
		o = helper_failed(r, "Exec.NoHelper", true, err.text);
	else if (a.end == PB_HELPER_REFUSED)
		o = helper_failed(r, "Exec.Refused", false, a.child.text);
	else if (a.end == PB_HELPER_UNKNOWN)
		o = helper_failed(r, "Exec.Unknown", true, a.child.text);
	else
		o = outcome_of_child(r, &a.child);
	pb_helper_answer_fini(&a);
	return o;
}

static void
on_helper(const struct pb_line_result *result, void *arg)
{
	struct running *r = arg;
	r->helper = NULL;
	tell(r, outcome_of_helper(r, result));
}

static int
start_helper(struct running *r, const char *socket, int64_t limit_for)
{
	PB_CLEANUP(pb_freep) char *request = pb_helper_request(r->id, r->spec, limit_for);
	r->helper = pb_line_call_start(r->actions->loop, socket, pb_str_of(request),
	    PB_HELPER_ANSWER_MAX, limit_for + PB_HELPER_GRACE, on_helper, r);
	return 0;
}

/* --- aws */

static const char *
class_of(const struct pb_aws_error *e)
{
	if (e->class == PB_AWS_THROTTLED)
		return "Throttling";
	return e->is_network ? "Network" : "";
}

/* The outcome has the code of its own: whoever shows both must not say it twice. */
static const char *
text_without_code(const struct pb_client_result *result)
{
	const char *text = result->text;
	size_t n = strlen(result->error.code);
	if (strncmp(text, result->error.code, n) != 0)
		return text;
	if (strncmp(text + n, ": ", 2) == 0)
		return text + n + 2;
	return text[n] == ' ' ? text + n + 1 : text;
}

static struct pb_outcome *
aws_failed(const struct running *r, const struct pb_client_result *result)
{
	const struct pb_aws_error *e = &result->error;
	bool is_limit = pb_streq(e->code, "States.Timeout");
	struct pb_outcome *o = new_outcome(r, is_limit ? PB_OUTCOME_TIMEOUT : PB_OUTCOME_FAILED,
	    e->code, class_of(e), text_without_code(result));
	o->is_unknown = result->is_unknown;
	return o;
}

static const struct pb_aws_op *
op_of(const struct running *r)
{
	return pb_aws_op_find(pb_json_str(r->spec, "service"), pb_json_str(r->spec, "operation"));
}

/* An answer of 200 that says in its own words that nothing, or not all, was done. */
static struct pb_outcome *
not_done(const struct running *r, const json_t *output)
{
	const char *member = op_of(r)->failed_member;
	const char *why = pb_json_str_or(output, "FailureMessage", "no reason given");
	PB_CLEANUP(pb_freep)
	char *message =
	    pb_asprintf("%zu of them: %s", json_array_size(pb_json_get(output, member)), why);
	struct pb_outcome *o = new_outcome(r, PB_OUTCOME_FAILED, member, "", message);
	o->output = json_incref((json_t *)(uintptr_t)output);
	return o;
}

static struct pb_outcome *
aws_succeeded(const struct running *r, const struct pb_client_result *result)
{
	struct pb_error err = {0};
	const char *body = pb_json_str(pb_json_get(r->spec, "inputs"), "MessageBody");
	bool is_sent = pb_streq(pb_json_str(r->spec, "service"), "sqs") && body;
	if (is_sent && pb_sqs_sent_check(result->output, pb_str_of(body), &err) < 0)
		return new_outcome(r, PB_OUTCOME_FAILED, "MD5Mismatch", "", err.text);
	if (json_array_size(pb_json_get(result->output, op_of(r)->failed_member)) > 0)
		return not_done(r, result->output);
	struct pb_outcome *o = new_outcome(r, PB_OUTCOME_OK, "", "", "");
	o->output = json_incref(result->output);
	return o;
}

/* The service has taken a call with this token before: it is done, what it answered then is lost. */
static struct pb_outcome *
aws_repeated(const struct running *r)
{
	struct pb_outcome *o = new_outcome(r, PB_OUTCOME_OK, "", "", "");
	o->output = json_object();
	return o;
}

static bool
is_repeated(const struct running *r, const struct pb_client_result *result)
{
	return !result->is_ok && op_of(r) && op_of(r)->repeated &&
	    pb_streq(op_of(r)->repeated, result->error.code);
}

static void
on_call(const struct pb_client_result *result, void *arg)
{
	struct running *r = arg;
	r->call = NULL;
	struct pb_outcome *o = is_repeated(r, result) ? aws_repeated(r)
	    : result->is_ok                           ? aws_succeeded(r, result)
						      : aws_failed(r, result);
	o->request_id = pb_strdup(result->request_id);
	tell(r, o);
}

static int
start_aws(struct running *r, int64_t limit_for, struct pb_error *err)
{
	struct pb_client_request req = {
	    .service = pb_json_str(r->spec, "service"),
	    .operation = pb_json_str(r->spec, "operation"),
	    .inputs = pb_json_get(r->spec, "inputs"),
	    .region = pb_json_str(r->spec, "region"),
	    .limit_for = limit_for,
	    .effect = pb_json_str(r->spec, "effect"),
	};
	if (!req.service || !req.operation)
		return pb_fail(err, PB_INVALID, "service and operation must be texts");
	r->call = pb_client_call(r->actions->client, &req, on_call, r);
	return 0;
}

/* --- http */

static void
on_answer(const struct pb_transfer_result *result, void *arg)
{
	struct running *r = arg;
	struct pb_outcome *o = pb_calloc(1, sizeof(*o));
	r->transfer = NULL;
	o->action_id = pb_strdup(r->id);
	pb_action_http_outcome(r->spec, result, o);
	tell(r, o);
}

static int
start_http(struct running *r, int64_t limit_for, struct pb_error *err)
{
	return pb_action_http_start(pb_client_transfers(r->actions->client), r->spec, limit_for,
	    on_answer, r, &r->transfer, err);
}

/* --- start and cancel */

static struct running *
find(struct pb_actions *a, const char *id)
{
	for (struct running *r = a->first; r; r = r->next)
		if (pb_streq(r->id, id))
			return r;
	return NULL;
}

static int
begin_exec(struct running *r, struct pb_error *err)
{
	const char *helper = pb_json_str(r->spec, "helper");
	int64_t limit_for = r->limit_at - pb_clock_mono();
	if (limit_for < 1)
		limit_for = 1;
	return helper ? start_helper(r, helper, limit_for) : start_exec(r, limit_for, err);
}

static void
could_not_start(struct running *r, const struct pb_error *err)
{
	tell_later(r,
	    new_outcome(r, PB_OUTCOME_FAILED,
		err->kind == PB_NOT_FOUND ? "Credentials.Unavailable" : "Driver.Invalid", "",
		err->text));
}

/* --- places for programs */

static bool
is_full(const struct pb_actions *a, bool is_post)
{
	return a->n_places[is_post] >= (is_post ? PB_ACTIONS_POSTS_MAX : PB_ACTIONS_PROGRAMS_MAX);
}

static void
no_place_in_time(void *arg)
{
	struct running *r = arg;
	tell(r,
	    new_outcome(r, PB_OUTCOME_FAILED, "Exec.Busy", "Throttling",
		"it was not started: no place was free within its limit, too many programs run"));
}

static void
take_place(struct running *r)
{
	struct pb_error err = {0};
	r->has_place = true;
	r->actions->n_places[r->is_post]++;
	if (begin_exec(r, &err) < 0)
		could_not_start(r, &err);
}

/* Those that wait, the oldest first. */
static void
fill_places(void *arg)
{
	struct pb_actions *a = arg;
	for (;;) {
		struct running *oldest = NULL;
		for (struct running *r = a->first; r; r = r->next)
			if (r->wait && !is_full(a, r->is_post))
				oldest = r;
		if (!oldest)
			return;
		pb_loop_timer_free(oldest->wait);
		oldest->wait = NULL;
		take_place(oldest);
	}
}

/*
 * A page goes at once: it is what tells a human that too much runs.  Notices to stakeholders come with
 * each of a thousand incidents, and would leave neither steps nor pages a connection to the helper.
 */
static int
start_program(struct running *r, const struct pb_action *action, struct pb_error *err)
{
	r->limit_at = pb_clock_mono() + action->limit_for;
	r->is_post = action->is_post;
	if (action->is_page)
		return begin_exec(r, err);
	if (!is_full(r->actions, r->is_post)) {
		take_place(r);
		return 0;
	}
	if (!r->is_post)
		pb_warn("%d programs run already, %s waits until one of them ends",
		    PB_ACTIONS_PROGRAMS_MAX, r->id);
	r->wait = pb_loop_timer_new(r->actions->loop, no_place_in_time, r);
	pb_loop_timer_set(r->wait, action->limit_for);
	return 0;
}

void
pb_actions_start(struct pb_actions *a, const struct pb_action *action)
{
	PB_CHECK_OBJ(a, ACTIONS_MAGIC);
	bool is_there = find(a, action->id) != NULL;
	struct running *r = pb_calloc(1, sizeof(*r));
	r->actions = a;
	r->id = pb_strdup(action->id);
	r->spec = json_incref(action->spec);
	r->next = a->first;
	if (a->first)
		a->first->prev = r;
	a->first = r;
	a->n++;

	struct pb_error err = {0};
	const char *driver = pb_json_str_or(r->spec, "driver", "");
	int rc;
	if (is_there) {
		pb_err("action %s was started while it runs, leaving the first one alone", r->id);
		tell_later(r,
		    new_outcome(
			r, PB_OUTCOME_FAILED, "Driver.Duplicate", "", "this action runs already"));
		return;
	}
	if (pb_streq(driver, "exec"))
		rc = start_program(r, action, &err);
	else if (pb_streq(driver, "aws"))
		rc = start_aws(r, action->limit_for, &err);
	else if (pb_streq(driver, "http"))
		rc = start_http(r, action->limit_for, &err);
	else
		rc = pb_fail(&err, PB_INVALID, "there is no driver \"%s\"", driver);
	if (rc < 0)
		could_not_start(r, &err);
}

void
pb_actions_cancel(struct pb_actions *a, const char *id)
{
	struct running *r = find(a, id);
	if (!r)
		return;
	if (r->child) {
		pb_child_cancel(r->child);
		return;
	}
	if (r->helper) {
		pb_line_call_send(r->helper, pb_str_of(pb_helper_cancel));
		return;
	}
	if (r->wait) {
		pb_loop_timer_free(r->wait);
		r->wait = NULL;
		tell_later(
		    r, new_outcome(r, PB_OUTCOME_CANCELLED, "Cancelled", "", "it was not started"));
		return;
	}
	if (!r->call && !r->transfer)
		return;
	pb_client_cancel(PB_TAKE(r->call));
	pb_transfer_cancel(PB_TAKE(r->transfer));
	struct pb_outcome *o = new_outcome(
	    r, PB_OUTCOME_CANCELLED, "Cancelled", "", "withdrawn while the call was under way");
	const char *effect = pb_json_str_or(r->spec, "effect", "once");
	o->is_unknown = !pb_streq(effect, "read") && !pb_streq(effect, "idempotent");
	tell_later(r, o);
}
