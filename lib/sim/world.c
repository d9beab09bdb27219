/*
 * The world's clock, its answers, and the life of the process in it.
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/call.h"
#include "base/json.h"

#define KEPT_MAX 100
#define PAGE_TAKES 200

int64_t
span_of(const json_t *j)
{
	int64_t span = 0;
	struct pb_error err = {0};
	const char *text = json_string_value(j);
	if (text == NULL || pb_duration_parse(pb_str_of(text), &span, &err) < 0) {
		(void)fprintf(stderr, "scenario: \"%s\" is not a duration: %s\n",
		    text == NULL ? "(no text)" : text, err.text);
		abort();
	}
	return span;
}

void
world_see(struct world *w, const char *kind, const char *name, const char *detail,
    const char *incident, int64_t level, const json_t *inputs)
{
	w->seen = pb_realloc(w->seen, (w->n_seen + 1) * sizeof(*w->seen));
	w->seen[w->n_seen++] = (struct seen){
	    .at = w->now,
	    .kind = kind,
	    .name = pb_strdup(name == NULL ? "-" : name),
	    .detail = pb_strdup(detail),
	    .incident = pb_strdup(incident),
	    .level = level,
	    .inputs = json_incref((json_t *)(uintptr_t)inputs),
	};
}

/* Everything goes in by here. */
static void
post(struct world *w, struct pb_input *in)
{
	oracle_input(w->oracle, in);
	pb_pump_post(w->pump, in);
}

/* --- dying */

/* One more place where the process could die; true when it does, or has already. */
static bool
dies_here(struct world *w)
{
	if (w->is_crashed)
		return true;
	w->points++;
	for (size_t i = 0; i < w->n_crash_at; i++)
		if (w->crash_at[i] == w->points)
			w->is_crashed = true;
	if (w->dies_at != NULL && w->dies_at(w->dies_arg, w->points, w->now - w->start_at))
		w->is_crashed = true;
	return w->is_crashed;
}

/* --- the drivers */

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

static void
op_start(void *arg, const struct pb_action *a)
{
	struct world *w = arg;
	if (dies_here(w))
		return;
	if (is_known_to_helper(w, a)) {
		(void)dies_here(w);
		return;
	}
	check_start(w, a);
	see_start(w, a);
	PB_CLEANUP(pb_freep) char *key = key_of(a);
	PB_CLEANUP(pb_freep) char *by_channel = channel_key_of(a, key);
	const json_t *answer = by_channel == NULL ? NULL : answer_for(w, by_channel);
	if (answer == NULL)
		answer = answer_for(w, key);
	if (answer == NULL && !a->is_page && !a->is_post)
		broken(w, "scenario: the world has no answer for %s", key);
	plan_outcome(w, a, with_effect(w, a, answer));
	(void)dies_here(w);
}

static void
drop_running(struct world *w, size_t i)
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
			drop_running(w, i--);
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

static void
post_outcome(struct world *w, size_t i)
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
		drop_running(w, i);
	}
	post(w, in);
}

static void
op_cancel(void *arg, const char *id)
{
	struct world *w = arg;
	if (dies_here(w))
		return;
	for (size_t i = 0; i < w->n_running; i++) {
		if (w->running[i].is_unawaited || strcmp(w->running[i].action_id, id) != 0)
			continue;
		w->running[i].outcome.status = PB_OUTCOME_CANCELLED;
		post_outcome(w, i);
		return;
	}
}

/* --- the other operations of the pump */

static int64_t
op_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
commit_now(struct world *w, const struct pb_update *u)
{
	struct pb_error err = {0};
	if (dies_here(w))
		return;
	if (w->fail_commits > 0) {
		w->fail_commits--;
		pb_fail(&err, PB_IO, "database or disk is full (13)");
		pb_pump_committed(w->pump, -1, &err);
		return;
	}
	if (disk_commit(w->disk, u, &err) < 0) {
		broken(w, "store: %s", err.text);
		return;
	}
	check_commit(w, u);
	if (dies_here(w))
		return;
	pb_pump_committed(w->pump, 0, NULL);
}

static void
op_commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct world *w = arg;
	oracle_decided(w->oracle, pb_pump_n_taken(pump), u);
	if (w->commit_takes == 0) {
		commit_now(w, u);
		return;
	}
	w->pending = u;
	w->pending_at = w->now + w->commit_takes;
}

static void
op_receipt(void *arg, uint64_t receipt)
{
	struct world *w = arg;
	if (dies_here(w))
		return;
	for (size_t i = 0; i < w->n_messages; i++) {
		if (w->messages[i].receipt != receipt)
			continue;
		check_receipt(w, &w->messages[i]);
		w->messages[i].is_deleted = true;
	}
}

static void
op_reply(void *arg, const struct pb_reply *reply)
{
	struct world *w = arg;
	if (w->is_crashed || w->is_quiet)
		return;
	PB_CLEANUP(pb_freep) char *text = pb_json_text(reply->body);
	pb_buf_addf(&w->trace, "         reply %d %s\n", reply->status, text);
}

static void
op_note(void *arg, const struct pb_note *n)
{
	struct world *w = arg;
	int64_t t = n->at - w->start_at;
	if (w->is_crashed || w->is_quiet)
		return;
	pb_buf_addf(&w->trace, "%02lld:%02lld:%02lld %-11s %s%s%s\n", (long long)(t / PB_HOUR),
	    (long long)(t / PB_MINUTE % 60), (long long)(t / PB_SECOND % 60), n->kind, n->step,
	    n->step[0] == '\0' ? "" : ": ", n->text);
}

/* As the daemon: say so and end; the next one finds no writable store. */
static void
op_failed(void *arg, const struct pb_error *err)
{
	struct world *w = arg;
	pb_buf_addf(&w->trace, "         commit failed: %s\n", err->text);
	w->is_crashed = true;
	w->is_degraded = true;
}

static void
op_wake(void *arg, int64_t at)
{
	(void)arg, (void)at;
}

static const struct pb_pump_ops ops = {
    .now = op_now,
    .commit = op_commit,
    .start = op_start,
    .cancel = op_cancel,
    .receipt = op_receipt,
    .reply = op_reply,
    .note = op_note,
    .failed = op_failed,
    .wake = op_wake,
};

/* --- the process */

static int
restore_one(const struct pb_record *r, void *arg, struct pb_error *err)
{
	return pb_engine_restore(arg, r, err);
}

static void
process_start(struct world *w)
{
	struct pb_error err = {0};
	const struct pb_engine_options options = {.seed = w->seed + w->n_crashes,
	    .host = "host-1",
	    .is_degraded = w->is_degraded,
	    .cells = w->cells};
	w->engine = pb_engine_new(w->config, &options);
	if (disk_restore(w->disk, restore_one, w->engine, &err) < 0)
		broken(w, "restore: %s", err.text);
	w->pump = pb_pump_new(w->engine, &ops, w);
	w->up_since = w->now;
	oracle_boot(w->oracle, w->now, w->is_degraded);
	w->polled_at = 0;
	json_object_clear(w->reported);
	w->poll_at = w->now;
	for (size_t i = 0; i < w->n_messages; i++)
		w->messages[i].is_delivered = false;
	post(w, pb_input_new(PB_IN_BOOT));
}

static void
process_end(struct world *w)
{
	for (size_t i = 0; i < w->n_running;) {
		struct running *r = &w->running[i];
		if (r->is_kept && !r->is_page) {
			r->is_unawaited = true;
			i++;
			continue;
		}
		if (!r->is_page)
			check_unknown(w, r->action_id);
		drop_running(w, i);
	}
	w->pending = NULL;
	pb_pump_free(w->pump);
	pb_engine_free(w->engine);
	w->pump = NULL;
	w->engine = NULL;
	w->is_crashed = false;
}

void
world_kill(struct world *w, int64_t down)
{
	process_end(w);
	w->n_crashes++;
	w->now += down;
	pb_buf_addf(&w->trace, "         killed; started again after %lld ms%s\n", (long long)down,
	    w->is_degraded ? ", degraded" : "");
	process_start(w);
}

/* --- sources */

/* NULL, and a broken scenario, when no such alarm can exist. */
static struct pb_event *
make_event(struct world *w, const char *name, const char *state, const char *before, int64_t at,
    const json_t *tags)
{
	char time[PB_TIME_TEXT];
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:%s:111122223333:alarm:%s", w->region, name);
	(void)pb_time_rfc3339(time, at);
	PB_JSON json_t *j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}, s:{s:s}}}",
	    "version", "0", "id", "made-up", "detail-type", "CloudWatch Alarm State Change",
	    "source", "aws.cloudwatch", "account", "111122223333", "time", time, "region",
	    w->region, "resources", arn, "detail", "alarmName", name, "state", "value", state,
	    "reason", "Threshold Crossed", "timestamp", time, "previousState", "value", before);
	if (tags != NULL)
		json_object_set(
		    json_object_get(j, "detail"), "alarmTags", (json_t *)(uintptr_t)tags);
	if (pb_event_from_envelope(j, &ev, &err) < 0)
		broken(w, "scenario: alarm %s: %s", name, err.text);
	return ev;
}

static void
deliver(struct world *w, struct message *m)
{
	struct pb_input *in = pb_input_new(m->event == NULL ? PB_IN_REJECT : PB_IN_EVENT);
	in->source = pb_strdup(w->queue);
	in->receipt = m->receipt;
	in->event = m->event == NULL ? NULL : pb_event_ref(m->event);
	if (m->event == NULL) {
		in->message_id = pb_asprintf("m%llu", (unsigned long long)m->receipt);
		in->message = pb_strdup("not json");
		in->text = pb_strdup("not JSON");
		in->count = 5;
	}
	m->is_delivered = true;
	post(w, in);
}

static void
add_message(struct world *w, struct pb_event *ev)
{
	w->messages = pb_realloc(w->messages, (w->n_messages + 1) * sizeof(*w->messages));
	struct message *m = &w->messages[w->n_messages++];
	*m = (struct message){.receipt = w->n_messages, .event = ev};
}

static void
deliver_all(struct world *w)
{
	for (size_t i = 0; i < w->n_messages; i++)
		if (!w->messages[i].is_deleted && !w->messages[i].is_delivered)
			deliver(w, &w->messages[i]);
}

/* As the poller: in ALARM, or changed since it last looked. */
static void
poll(struct world *w)
{
	const char *name;
	json_t *alarm;
	w->poll_at = w->now + w->poll_every;
	json_object_foreach (w->alarms, name, alarm) {
		const char *state = pb_json_str_or(alarm, "state", "");
		int64_t at = pb_json_i64(alarm, "at", 0);
		PB_CLEANUP(pb_freep) char *now = pb_asprintf("%s %lld", state, (long long)at);
		if (pb_streq(pb_json_str(w->reported, name), now))
			continue;
		pb_json_set_str(w->reported, name, now);
		struct pb_event *ev = make_event(
		    w, name, state, "INSUFFICIENT_DATA", at, json_object_get(alarm, "tags"));
		if (ev == NULL)
			return;
		struct pb_input *in = pb_input_new(PB_IN_EVENT);
		in->source = pb_strdup(w->poller);
		in->event = ev;
		post(w, in);
	}
	struct pb_input *in = pb_input_new(PB_IN_POLLED);
	in->source = pb_strdup(w->poller);
	in->polled_at = w->polled_at = w->now;
	post(w, in);
}

/* --- scripted events */

static void
set_alarm(struct world *w, const json_t *e)
{
	const char *name = pb_json_str(e, "alarm"), *to = pb_json_str_or(e, "to", "ALARM");
	const char *by = pb_json_str_or(e, "by", w->has_poller ? "poll" : "sqs");
	const json_t *late = json_object_get(e, "late");
	int64_t at = w->now - (late == NULL ? 0 : span_of(late));
	const char *before =
	    pb_json_str_or(json_object_get(w->alarms, name), "state", "INSUFFICIENT_DATA");
	const json_t *tags = json_object_get(e, "tags");
	if (tags == NULL)
		tags = json_object_get(json_object_get(w->alarms, name), "tags");
	struct pb_event *ev = make_event(w, name, to, before, at, tags);
	if (ev == NULL)
		return;
	if (!pb_streq(by, "poll")) {
		add_message(w, pb_event_ref(ev));
		if (pb_json_bool(e, "twice", false))
			add_message(w, pb_event_ref(ev));
	}
	pb_event_unref(ev);
	if (!pb_streq(by, "sqs"))
		json_object_set_new(w->alarms, name,
		    json_pack("{s:s, s:I, s:O*}", "state", to, "at", (json_int_t)at, "tags", tags));
}

static void
post_command(struct world *w, enum pb_input_kind kind, const json_t *e, const char *key)
{
	struct pb_input *in = pb_input_new(kind);
	*(kind == PB_IN_REMEDIATION ? &in->playbook : &in->incident) =
	    pb_strdup(pb_json_str(e, key));
	in->silence = kind == PB_IN_UNSILENCE ? pb_strdup(pb_json_str(e, key)) : NULL;
	in->match = kind == PB_IN_SILENCE ? pb_json_text(json_object_get(e, key)) : NULL;
	in->step = pb_strdup(pb_json_str(e, "step"));
	in->is_stop = strncmp(key, "stop", 4) == 0;
	in->by = pb_strdup(pb_json_str_or(e, "by", "ana"));
	in->text = pb_strdup(pb_json_str(e, "reason"));
	if (json_object_get(e, "for") != NULL)
		in->span = span_of(json_object_get(e, "for"));
	in->token = 1;
	post(w, in);
}

static void
set_config(struct world *w, const char *text)
{
	const struct pb_config_file file = {
	    .name = pb_strdup("new.yaml"), .text = pb_strdup(text), .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	if (pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems) < 0) {
		broken(w, "scenario: %s", problems.texts[0]);
	} else {
		struct pb_input *in = pb_input_new(PB_IN_CONFIG);
		in->config = pb_config_ref(c);
		post(w, in);
		pb_config_unref(w->config);
		w->config = c;
	}
	pb_problems_fini(&problems);
	free(file.name);
	free(file.text);
}

void
world_event(struct world *w, const json_t *e)
{
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	if (json_object_get(e, "alarm") != NULL)
		set_alarm(w, e);
	else if (json_object_get(e, "ack") != NULL)
		post_command(w, PB_IN_ACK, e, "ack");
	else if (json_object_get(e, "snooze") != NULL)
		post_command(w, PB_IN_SNOOZE, e, "snooze");
	else if (json_object_get(e, "escalate") != NULL)
		post_command(w, PB_IN_ESCALATE, e, "escalate");
	else if (json_object_get(e, "resolve") != NULL)
		post_command(w, PB_IN_RESOLVE, e, "resolve");
	else if (json_object_get(e, "approve") != NULL)
		post_command(w, PB_IN_APPROVE, e, "approve");
	else if (json_object_get(e, "reject") != NULL)
		post_command(w, PB_IN_REFUSE, e, "reject");
	else if (json_object_get(e, "stop_remediation") != NULL)
		post_command(w, PB_IN_REMEDIATION, e, "stop_remediation");
	else if (json_object_get(e, "start_remediation") != NULL)
		post_command(w, PB_IN_REMEDIATION, e, "start_remediation");
	else if (json_object_get(e, "silence") != NULL)
		post_command(w, PB_IN_SILENCE, e, "silence");
	else if (json_object_get(e, "expire") != NULL)
		post_command(w, PB_IN_UNSILENCE, e, "expire");
	else if (json_object_get(e, "config") != NULL)
		set_config(w, pb_json_str_or(e, "config", ""));
	else if (json_object_get(e, "kill") != NULL)
		world_kill(w, span_of(json_object_get(e, "kill")));
	else if (json_object_get(e, "jump") != NULL) {
		int64_t jump = span_of(json_object_get(e, "jump"));
		w->now += jump;
		w->jumped_for += jump;
	} else if (json_object_get(e, "fail_commits") != NULL)
		w->fail_commits = (size_t)pb_json_i64(e, "fail_commits", 0);
	else if (json_object_get(e, "store_is_back") != NULL) {
		w->is_degraded = false;
		world_kill(w, 0);
	} else if (json_object_get(e, "drain") != NULL)
		post(w, pb_input_new(PB_IN_DRAIN));
	else if (json_object_get(e, "polls") != NULL)
		w->is_poller_off = !pb_json_bool(e, "polls", true);
	else if (json_object_get(e, "garbage") != NULL)
		add_message(w, NULL);
	else if (pb_event_from_envelope(json_object_get(e, "event"), &ev, &err) == 0)
		add_message(w, ev);
	else
		broken(w, "scenario: an event of no kind: %s", err.text);
}

/* --- time */

/* The next moment at which something happens without the script. */
static int64_t
next_at(const struct world *w)
{
	int64_t at = pb_engine_next_at(w->engine);
	if (w->pending != NULL)
		return w->pending_at; /* the pump waits for it */
	for (size_t i = 0; i < w->n_running; i++)
		if (!w->running[i].is_unawaited && w->running[i].due_at < at)
			at = w->running[i].due_at;
	if (w->has_poller && !w->is_poller_off && w->poll_at < at)
		at = w->poll_at;
	return at;
}

static void
post_due(struct world *w)
{
	for (size_t i = 0; i < w->n_running;) {
		size_t n = w->n_running;
		if (!w->running[i].is_unawaited && w->running[i].due_at <= w->now)
			post_outcome(w, i);
		if (w->n_running == n)
			i++;
	}
	if (w->has_poller && !w->is_poller_off && w->poll_at <= w->now)
		poll(w);
	deliver_all(w);
}

static void
turn(struct world *w)
{
	if (w->pending != NULL && w->pending_at <= w->now) {
		const struct pb_update *u = w->pending;
		w->pending = NULL;
		commit_now(w, u);
	}
	if (!w->is_crashed)
		pb_pump_turn(w->pump);
	if (w->is_crashed) {
		world_kill(w, w->down_for);
		return;
	}
	if (w->pending == NULL && pb_pump_is_idle(w->pump))
		check_turn(w);
}

void
world_run(struct world *w, int64_t at)
{
	size_t idle = 0;
	while (w->broken.len == 0) {
		int64_t before = w->now;
		post_due(w);
		turn(w);
		int64_t next = next_at(w);
		if (w->pending == NULL && !pb_pump_is_idle(w->pump))
			next = w->now;
		if (next > at)
			break;
		if (next > w->now)
			w->now = next;
		idle = w->now == before ? idle + 1 : 0;
		if (idle > 1000) {
			broken(w, "P5: the engine turns without end");
			return;
		}
	}
	if (w->now < at)
		w->now = at;
}

/* --- life */

static struct pb_config *
config_of(const json_t *scenario, struct pb_error *err)
{
	const char *text = pb_json_str(scenario, "config");
	if (text == NULL) {
		pb_fail(err, PB_INVALID, "the scenario has no config");
		return NULL;
	}
	const struct pb_config_file file = {
	    .name = pb_strdup("scenario.yaml"), .text = pb_strdup(text), .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	if (pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems) < 0)
		pb_fail(err, PB_INVALID, "%s", problems.texts[0]);
	pb_problems_fini(&problems);
	free(file.name);
	free(file.text);
	return c;
}

/* Names and rhythm as the configuration has them. */
static void
set_sources(struct world *w)
{
	const struct pb_config *c = w->config;
	const char *region = c->aws_region, *poller = "alarms", *queue = "ops-queue";
	w->poll_every = 20 * PB_SECOND;
	for (size_t i = c->n_sources; i-- > 0;) {
		const struct pb_source *s = &c->sources[i];
		if (s->region != NULL)
			region = s->region;
		if (s->type == PB_SOURCE_CLOUDWATCH) {
			w->has_poller = true;
			w->poll_every = s->interval_for;
			poller = s->name;
		} else if (s->type == PB_SOURCE_SQS) {
			queue = s->name;
		}
	}
	w->poller = pb_strdup(poller);
	w->queue = pb_strdup(queue);
	w->region = pb_strdup(region == NULL ? "eu-west-1" : region);
}

struct world *
world_new(json_t *scenario, struct pb_config *config, uint64_t seed, bool is_plain,
    struct pb_cells *cells, struct pb_error *err)
{
	config = config == NULL ? config_of(scenario, err) : pb_config_ref(config);
	if (config == NULL)
		return NULL;
	struct world *w = pb_calloc(1, sizeof(*w));
	w->scenario = scenario;
	w->config = config;
	w->seed = seed;
	w->cells = cells;
	if (pb_time_parse(pb_str_of(pb_json_str_or(scenario, "start", "2026-03-03T09:00:00Z")),
		&w->start_at, err) < 0 ||
	    (w->disk = disk_new(is_plain, err)) == NULL) {
		world_free(w);
		return NULL;
	}
	w->now = w->start_at;
	set_sources(w);
	const json_t *takes = json_object_get(scenario, "commit_takes");
	w->commit_takes = takes == NULL ? 0 : span_of(takes);
	w->down_for = 5 * PB_SECOND;
	w->answers_used = pb_map_new();
	w->alarms = json_object();
	w->reported = json_object();
	w->oracle = oracle_new(config, w->commit_takes, check_oracle, w);
	w->books = pb_map_new();
	w->committed = pb_map_new();
	w->attempts = pb_map_new();
	w->unknown = pb_map_new();
	w->harmless = pb_map_new();
	w->effects = pb_map_new();
	process_start(w);
	return w;
}

void
world_free(struct world *w)
{
	if (w == NULL)
		return;
	if (w->engine != NULL)
		process_end(w);
	while (w->n_running > 0)
		drop_running(w, 0);
	for (size_t i = 0; i < w->n_messages; i++)
		pb_event_unref(w->messages[i].event);
	free(w->messages);
	for (size_t i = 0; i < w->n_seen; i++) {
		free(w->seen[i].name);
		free(w->seen[i].detail);
		free(w->seen[i].incident);
		json_decref(w->seen[i].inputs);
	}
	free(w->seen);
	free(w->running);
	pb_map_free(w->answers_used, free);
	oracle_free(w->oracle);
	pb_map_free(w->books, book_free);
	pb_map_free(w->committed, free);
	pb_map_free(w->attempts, NULL);
	pb_map_free(w->unknown, NULL);
	pb_map_free(w->harmless, NULL);
	pb_map_free(w->effects, NULL);
	free(w->poller);
	free(w->queue);
	free(w->region);
	for (size_t i = 0; i < w->n_marks; i++)
		free(w->marks[i].text);
	free(w->marks);
	json_decref(w->alarms);
	json_decref(w->reported);
	pb_buf_fini(&w->trace);
	pb_buf_fini(&w->broken);
	disk_free(w->disk);
	pb_config_unref(w->config);
	free(w->crash_at);
	free(w);
}
