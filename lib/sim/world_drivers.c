/*
 * The world's drivers: what AWS, children, channels and playbookd-exec answer to what the engine
 * starts, as the scenario's `world` says.
 */
#include <stdlib.h>

#include "aws/call.h"
#include "base/json.h"
#include "sim/world.h"

#define KEPT_MAX 100
#define PAGE_TAKES 200

/* The next answer of `key`: a list is used up in order, its last one stays. */
static const json_t *
answer_for(struct world *w, const char *key)
{
	const json_t *answers = json_object_get(json_object_get(w->scenario, "world"), key);
	if (!json_is_array(answers))
		return answers;
	size_t *used = pb_map_get(w->answers_used, key);
	if (used == NULL) {
		used = pb_calloc(1, sizeof(*used));
		(void)pb_map_put(w->answers_used, key, used);
	}
	size_t n = json_array_size(answers);
	return json_array_get(answers, *used < n ? (*used)++ : n - 1);
}

/* "maintenance/...", "INCIDENT/inform/..." */
static const char *
post_kind(const struct pb_action *a)
{
	return strncmp(a->id, "maintenance/", 12) == 0 ? "summary" : "inform";
}

/* What a channel is told by a step, "" for all else: it stands where each kind of channel has it. */
static const char *
message_kind(const json_t *spec)
{
	const json_t *attributes = pb_json_get(pb_json_get(spec, "inputs"), "MessageAttributes");
	const char *kind = pb_json_str(pb_json_get(attributes, "kind"), "StringValue");
	if (kind == NULL)
		kind = pb_json_str(pb_json_get(spec, "stdin"), "kind");
	return kind == NULL ? pb_json_str_or(pb_json_get(spec, "body"), "kind", "") : kind;
}

static char *
key_of(const struct pb_action *a)
{
	if (a->is_post)
		return pb_strdup(post_kind(a));
	const char *name = strchr(a->id, '/') + 1;
	if (!a->is_page && pb_streq(message_kind(a->spec), "notify"))
		return pb_asprintf("notify:%.*s", (int)(strrchr(name, '/') - name), name);
	if (a->is_page)
		return pb_strdup(strstr(a->id, "/resolved/") != NULL ? "notice" : "page");
	if (pb_streq(pb_json_str(a->spec, "driver"), "aws"))
		return pb_asprintf("aws:%s.%s", pb_json_str_or(a->spec, "service", ""),
		    pb_json_str_or(a->spec, "operation", ""));
	bool is_http = pb_streq(pb_json_str(a->spec, "driver"), "http");
	return pb_asprintf(
	    "%s:%.*s", is_http ? "http" : "exec", (int)(strrchr(name, '/') - name), name);
}

/* As the drivers class errors, unless the answer says. */
static const char *
class_of(const json_t *answer, const char *error)
{
	if (strcmp(error, "Network") == 0)
		return pb_json_str_or(answer, "class", "Network");
	return pb_json_str_or(
	    answer, "class", pb_aws_classify(error, 400) == PB_AWS_THROTTLED ? "Throttling" : "");
}

/* "page:pager" for ".../ana@pager/1": an answer of one channel. */
static char *
channel_key_of(const struct pb_action *a, const char *key)
{
	const char *at = strrchr(a->id, '@');
	if ((!a->is_page && !a->is_post) || at == NULL)
		return NULL;
	return pb_asprintf("%s:%.*s", key, (int)(strrchr(at, '/') - at - 1), at + 1);
}

/* "read:web/fix.check" for ".../fix.check/c1": what a check or a wait asks for its own step. */
static char *
read_key_of(const struct world *w, const struct pb_action *a)
{
	const char *name = strchr(a->id, '/') + 1, *number = strrchr(a->id, '/');
	const struct book *b = pb_map_get(w->books, a->incident);
	if (a->is_page || a->is_post || number[1] != 'c' || b == NULL)
		return NULL;
	return pb_asprintf("read:%s/%.*s", b->playbook, (int)(number - name), name);
}

static void
plan_outcome(struct world *w, const struct pb_action *a, const json_t *answer)
{
	w->running = pb_realloc(w->running, (w->n_running + 1) * sizeof(*w->running));
	struct running *r = &w->running[w->n_running++];
	*r = (struct running){
	    .action_id = pb_strdup(a->id),
	    .incident = pb_strdup(a->incident),
	    .is_page = a->is_page || a->is_post,
	    .is_kept = !a->is_page && pb_json_str(a->spec, "helper") != NULL,
	};
	struct pb_outcome *o = &r->outcome;
	o->action_id = pb_strdup(a->id);
	const json_t *after = json_object_get(answer, "after");
	int64_t takes = after != NULL ? span_of(after) : PAGE_TAKES;
	const char *error = pb_json_str(answer, "error");
	r->due_at = w->now + takes;
	o->request_id = pb_strdup(pb_json_str(answer, "request_id"));
	if (pb_json_bool(answer, "hangs", false)) {
		r->due_at = PB_NEVER;
	} else if (takes > a->limit_for) {
		r->due_at = w->now + a->limit_for;
		o->status = PB_OUTCOME_TIMEOUT;
		o->error = pb_strdup("States.Timeout");
		o->message = pb_strdup("ended at its limit");
	} else if (error != NULL) {
		o->status = PB_OUTCOME_FAILED;
		o->error = pb_strdup(error);
		o->error_class = pb_strdup(class_of(answer, error));
		o->message = pb_strdup(pb_json_str_or(answer, "message", ""));
		o->is_unknown = pb_json_bool(answer, "unknown", false);
	} else {
		o->output = json_deep_copy(json_object_get(answer, "output"));
	}
}

/* "INCIDENT/STEP" of an attempt, and of a check that asks for one; NULL for other reads. */
static char *
effect_of(const struct pb_action *a)
{
	static const char check[] = ".check";
	size_t len = (size_t)(strrchr(a->id, '/') - a->id), n = strlen(check);
	bool is_read = strrchr(a->id, '/')[1] == 'c';
	if (a->is_page || a->is_post ||
	    (is_read && (len < n || strncmp(a->id + len - n, check, n) != 0)))
		return NULL;
	return pb_strndup(a->id, is_read ? len - n : len);
}

/*
 * The world remembers what took effect: every attempt that was not refused outright, but for those
 * whose answer says that the request was lost on its way.  A check is shown `when_done` then.
 */
static const json_t *
with_effect(struct world *w, const struct pb_action *a, const json_t *answer)
{
	PB_CLEANUP(pb_freep) char *of = effect_of(a);
	bool is_read = strrchr(a->id, '/')[1] == 'c';
	if (of == NULL)
		return answer;
	if (is_read) {
		const json_t *done = json_object_get(answer, "when_done");
		return done != NULL && pb_map_get(w->effects, of) != NULL ? done : answer;
	}
	bool is_refused =
	    json_object_get(answer, "error") != NULL && !pb_json_bool(answer, "unknown", false);
	if (!is_refused && !pb_json_bool(answer, "lost", false))
		check_effect(w, of);
	return answer;
}

static void
see_start(struct world *w, const struct pb_action *a)
{
	const json_t *inputs = pb_json_get(a->spec, "inputs");
	const char *name = strchr(a->id, '/') + 1;
	if (!a->is_page && !a->is_post) {
		PB_CLEANUP(pb_freep)
		char *step = pb_strndup(name, (size_t)(strrchr(name, '/') - name));
		PB_CLEANUP(pb_freep) char *of = pb_asprintf("%s/%s", a->incident, step);
		bool is_probe = strrchr(name, '/')[1] == 'c';
		world_see(w, is_probe ? "probe" : "step", step, a->id, a->incident, 0,
		    inputs != NULL ? inputs : pb_json_get(a->spec, "argv"));
		w->seen[w->n_seen - 1].is_retry = pb_map_del(w->harmless, of) != NULL;
		return;
	}
	const json_t *attributes = pb_json_get(inputs, "MessageAttributes");
	const json_t *stdin_json = pb_json_get(a->spec, "stdin");
	if (stdin_json == NULL)
		stdin_json = pb_json_get(a->spec, "body");
	const char *level = pb_json_str(pb_json_get(attributes, "level"), "StringValue");
	const char *to = attributes != NULL
	    ? pb_json_str(pb_json_get(attributes, "recipient"), "StringValue")
	    : pb_json_str(stdin_json, "recipient");
	const char *kind = strstr(a->id, "/resolved/") != NULL ? "notice" : "page";
	world_see(w, a->is_post ? post_kind(a) : kind, to, a->id, a->incident,
	    level != NULL ? strtoll(level, NULL, 10) : pb_json_i64(stdin_json, "level", 0), inputs);
}

/* As playbookd-exec: an attempt that was begun goes on, or is over, and is not begun again. */
static bool
is_known_to_helper(struct world *w, const struct pb_action *a)
{
	for (size_t i = 0; i < w->n_running; i++) {
		struct running *r = &w->running[i];
		if (!r->is_unawaited || strcmp(r->action_id, a->id) != 0)
			continue;
		r->is_unawaited = false;
		return true;
	}
	if (pb_json_bool(a->spec, "may_begin", true))
		return false;
	PB_JSON json_t *never = json_pack("{s:s}", "error", "Exec.Refused");
	plan_outcome(w, a, never);
	return true;
}

void
driver_start(void *arg, const struct pb_action *a)
{
	struct world *w = arg;
	if (world_dies_here(w))
		return;
	if (is_known_to_helper(w, a)) {
		(void)world_dies_here(w);
		return;
	}
	check_start(w, a);
	see_start(w, a);
	PB_CLEANUP(pb_freep) char *key = key_of(a);
	PB_CLEANUP(pb_freep) char *nearer = channel_key_of(a, key);
	if (nearer == NULL)
		nearer = read_key_of(w, a);
	const json_t *answer = nearer == NULL ? NULL : answer_for(w, nearer);
	if (answer == NULL)
		answer = answer_for(w, key);
	if (answer == NULL && !a->is_page && !a->is_post)
		broken(w, "scenario: the world has no answer for %s", key);
	plan_outcome(w, a, with_effect(w, a, answer));
	(void)world_dies_here(w);
}

void
driver_drop(struct world *w, size_t i)
{
	struct running *r = &w->running[i];
	free(r->action_id);
	free(r->incident);
	pb_outcome_fini(&r->outcome);
	memmove(r, r + 1, (w->n_running - i - 1) * sizeof(*r));
	w->n_running--;
}

/* Months of them; the oldest ones are asked for no more. */
static void
forget_kept(struct world *w)
{
	for (size_t i = 0; w->n_running > KEPT_MAX && i < w->n_running; i++)
		if (w->running[i].is_unawaited && w->running[i].due_at <= w->now)
			driver_drop(w, i--);
}

static void
copy_outcome(struct pb_outcome *to, const struct pb_outcome *from)
{
	*to = *from;
	to->action_id = pb_strdup(from->action_id);
	to->error = pb_strdup(from->error);
	to->error_class = pb_strdup(from->error_class);
	to->message = pb_strdup(from->message);
	to->output = json_incref(from->output);
}

void
driver_answer(struct world *w, size_t i)
{
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	if (!w->running[i].is_page && w->running[i].outcome.is_unknown)
		check_unknown(w, w->running[i].action_id);
	if (!w->running[i].is_page && w->running[i].outcome.status == PB_OUTCOME_FAILED &&
	    !w->running[i].outcome.is_unknown) {
		const char *id = w->running[i].action_id;
		PB_CLEANUP(pb_freep) char *of = pb_strndup(id, (size_t)(strrchr(id, '/') - id));
		(void)pb_map_put(w->harmless, of, w);
	}
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	if (w->running[i].is_kept) { /* told again to whoever asks again */
		copy_outcome(in->outcome, &w->running[i].outcome);
		w->running[i].is_unawaited = true;
		forget_kept(w);
	} else {
		*in->outcome = w->running[i].outcome;
		w->running[i].outcome = (struct pb_outcome){0};
		driver_drop(w, i);
	}
	world_post(w, in);
}

void
driver_cancel(void *arg, const char *id)
{
	struct world *w = arg;
	if (world_dies_here(w))
		return;
	for (size_t i = 0; i < w->n_running; i++) {
		if (w->running[i].is_unawaited || strcmp(w->running[i].action_id, id) != 0)
			continue;
		w->running[i].outcome.status = PB_OUTCOME_CANCELLED;
		driver_answer(w, i);
		return;
	}
}
