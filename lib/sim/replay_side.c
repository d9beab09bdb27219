/*
 * One side of a replay: engine and pump in virtual time, and the stories of its incidents.
 */
#include "sim/replay_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

#define STEP_TAKES PB_SECOND
#define PAGE_TAKES 200
#define POLL_LEAST PB_MINUTE
#define LEAP_AFTER PB_DAY

struct pending {
	char *id;
	int64_t due_at;
};

void
story_free(void *arg)
{
	struct story *s = arg;
	for (size_t i = 0; i < s->n; i++)
		free(s->doings[i].what);
	free(s->doings);
	free(s->key);
	free(s->identity);
	free(s->title);
	free(s->playbook);
	free(s->owner);
	free(s);
}

static void
add_doing(struct side *s, const char *incident, enum doing_kind kind, bool is_unsafe, char *what)
{
	struct story *story = pb_map_get(s->by_incident, incident);
	if (story == NULL) { /* a bundle's page is counted, and nobody's */
		free(what);
		return;
	}
	if (story->n == story->size) {
		story->size = story->size == 0 ? 4 : story->size * 2;
		story->doings = pb_realloc(story->doings, story->size * sizeof(*story->doings));
	}
	story->doings[story->n++] = (struct doing){kind, s->now, what, is_unsafe};
}

/* --- what the pump asks for */

static int64_t
op_now(void *arg)
{
	return ((struct side *)arg)->now;
}

static void
opened(struct side *s, const struct pb_record *r)
{
	const char *name = pb_json_str_or(r->body, "playbook", "");
	size_t i = pb_config_find_playbook(s->config, name);
	struct story *story = pb_calloc(1, sizeof(*story));
	story->identity = pb_strdup(s->event->identity);
	story->key =
	    pb_asprintf("%s #%zu at %lld", s->event->identity, ++s->n_opened, (long long)s->now);
	story->title = pb_strdup(pb_json_str_or(r->body, "title", "?"));
	story->playbook = pb_strdup(name);
	story->owner = pb_strdup(i == PB_NONE || s->config->playbooks[i].owner == NULL
		? ""
		: s->config->playbooks[i].owner);
	story->opened_at = s->now;
	s->count.incidents++;
	s->count.unowned += name[0] == '\0';
	(void)pb_map_put(s->by_incident, r->key, story);
	pb_check(pb_map_put(s->stories, story->key, story) == NULL);
}

static void
closed(struct side *s, const char *incident)
{
	struct story *story = pb_map_del(s->by_incident, incident);
	if (story == NULL)
		return;
	story->is_closed = true;
	s->closed = pb_realloc(s->closed, (s->n_closed + 1) * sizeof(*s->closed));
	s->closed[s->n_closed++] = pb_strdup(story->key);
}

/* Nothing is stored: no process dies here. */
static void
op_commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct side *s = arg;
	for (size_t i = 0; i < u->n_records; i++) {
		const struct pb_record *r = &u->records[i];
		if (r->kind != PB_REC_INCIDENT || r->body == NULL)
			continue;
		if (s->event != NULL && pb_map_get(s->by_incident, r->key) == NULL &&
		    pb_json_i64(r->body, "opened_at", 0) == s->now)
			opened(s, r);
	}
	/* What is started now belongs to its story; then it is closed, and `u` is gone. */
	PB_JSON json_t *over = json_array();
	for (size_t i = 0; i < u->n_records; i++)
		if (u->records[i].kind == PB_REC_INCIDENT &&
		    pb_streq(u->records[i].state, "resolved"))
			json_array_append_new(over, json_string(u->records[i].key));
	pb_pump_committed(pump, 0, NULL);
	size_t i;
	const json_t *id;
	json_array_foreach (over, i, id)
		closed(s, json_string_value(id));
}

static const struct pb_step *
find_step(const struct pb_playbook *p, const char *name)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		if (pb_streq(p->steps[i].name, name))
			return &p->steps[i];
		if (p->steps[i].rollback != NULL && pb_streq(p->steps[i].rollback->name, name))
			return p->steps[i].rollback;
	}
	return NULL;
}

/* "INCIDENT/STEP/1"; a look of a verification is "INCIDENT/STEP/c1" and changes nothing. */
static void
see_step(struct side *s, const struct pb_action *a)
{
	const char *name = strchr(a->id, '/') + 1, *end = strrchr(a->id, '/');
	const struct story *story = pb_map_get(s->by_incident, a->incident);
	if (end[1] == 'c' || story == NULL)
		return;
	PB_CLEANUP(pb_freep) char *step = pb_strndup(name, (size_t)(end - name));
	size_t i = pb_config_find_playbook(s->config, story->playbook);
	const struct pb_step *def = i == PB_NONE ? NULL : find_step(&s->config->playbooks[i], step);
	s->count.steps++;
	add_doing(s, a->incident, DOING_STEP, def == NULL || def->effect != PB_EFFECT_READ,
	    pb_asprintf("would have started %s", step));
}

/* ".../page/ROUND.LEVEL.REPEAT/CONTACT@CHANNEL/TRY"; notices of a resolution tell nobody anew. */
static void
see_page(struct side *s, const struct pb_action *a)
{
	const char *at = strstr(a->id, "/page/");
	unsigned round, level, repeat;
	int n = 0;
	if (at == NULL || sscanf(at, "/page/%u.%u.%u/%n", &round, &level, &repeat, &n) < 3 ||
	    n == 0)
		return;
	PB_CLEANUP(pb_freep) char *to = pb_strdup(at + n);
	char *end = strrchr(to, '/'), *by = strchr(to, '@');
	if (end != NULL && end > by)
		*end = '\0';
	if (by != NULL)
		*by = '\0';
	s->count.pages++;
	add_doing(s, a->incident, DOING_PAGE, false,
	    pb_asprintf(
		"would have paged %s over %s, level %u", to, by == NULL ? "?" : by + 1, level));
}

static void
op_start(void *arg, const struct pb_action *a)
{
	struct side *s = arg;
	if (a->is_page)
		see_page(s, a);
	else if (!a->is_post)
		see_step(s, a);
	s->pending = pb_realloc(s->pending, (s->n_pending + 1) * sizeof(*s->pending));
	s->pending[s->n_pending++] =
	    (struct pending){pb_strdup(a->id), s->now + (a->is_page ? PAGE_TAKES : STEP_TAKES)};
}

static void
post_outcome(struct side *s, size_t i, enum pb_outcome_status status)
{
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	in->outcome->action_id = s->pending[i].id;
	in->outcome->status = status;
	memmove(&s->pending[i], &s->pending[i + 1], (s->n_pending - i - 1) * sizeof(*s->pending));
	s->n_pending--;
	pb_pump_post(s->pump, in);
}

static void
op_cancel(void *arg, const char *id)
{
	struct side *s = arg;
	for (size_t i = 0; i < s->n_pending; i++) {
		if (strcmp(s->pending[i].id, id) == 0) {
			post_outcome(s, i, PB_OUTCOME_CANCELLED);
			return;
		}
	}
}

static void
op_note(void *arg, const struct pb_note *n)
{
	struct side *s = arg;
	if (strcmp(n->kind, "ask") != 0 || strstr(n->text, "waits for a human") == NULL)
		return;
	s->count.asked++;
	add_doing(s, n->incident, DOING_ASK, false,
	    n->step[0] == '\0' ? pb_strdup("would have asked to start its plan")
			       : pb_asprintf("would have asked to start %s", n->step));
}

static void
op_receipt(void *arg, uint64_t receipt)
{
	(void)arg, (void)receipt;
}

static void
op_reply(void *arg, const struct pb_reply *reply)
{
	(void)arg, (void)reply;
}

static void
op_failed(void *arg, const struct pb_error *err)
{
	(void)arg, (void)err;
	pb_impossible("a commit that stores nothing has failed");
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

/* --- time */

static void
settle(struct side *s)
{
	while (!pb_pump_is_idle(s->pump))
		pb_pump_turn(s->pump);
}

/* As the pollers of the daemon say that all is as was told, while somebody may wait for it. */
static void
poll(struct side *s)
{
	int64_t every = PB_HOUR;
	for (size_t i = 0; i < s->config->n_sources; i++) {
		const struct pb_source *source = &s->config->sources[i];
		if (source->type != PB_SOURCE_CLOUDWATCH)
			continue;
		struct pb_input *in = pb_input_new(PB_IN_POLLED);
		in->source = pb_strdup(source->name);
		in->polled_at = s->now;
		pb_pump_post(s->pump, in);
		every = source->interval_for < every ? source->interval_for : every;
	}
	s->poll_at = s->now + (every > POLL_LEAST ? every : POLL_LEAST);
}

static int64_t
next_at(const struct side *s)
{
	int64_t at = pb_engine_next_at(s->engine);
	for (size_t i = 0; i < s->n_pending; i++)
		if (s->pending[i].due_at < at)
			at = s->pending[i].due_at;
	if (pb_engine_n_open(s->engine) > 0 && s->poll_at < at)
		at = s->poll_at;
	return at;
}

void
side_run(struct side *s, int64_t until)
{
	/* Over a long silence nothing but reminders would be played: it is leapt over. */
	int64_t end = until - s->now > LEAP_AFTER ? s->now + LEAP_AFTER : until;
	for (int64_t at; (at = next_at(s)) <= end;) {
		if (at > s->now)
			s->now = at;
		for (size_t i = 0; i < s->n_pending;)
			if (s->pending[i].due_at <= s->now)
				post_outcome(s, i, PB_OUTCOME_OK);
			else
				i++;
		if (pb_engine_n_open(s->engine) > 0 && s->poll_at <= s->now)
			poll(s);
		if (pb_engine_next_at(s->engine) <= s->now)
			pb_pump_post(s->pump, pb_input_new(PB_IN_TICK));
		settle(s);
	}
	if (s->now < until)
		s->now = until;
}

void
side_event(struct side *s, const char *source, const struct pb_event *event)
{
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	in->source = pb_strdup(source);
	in->event = pb_event_ref((struct pb_event *)(uintptr_t)event);
	if (s->poll_at <= s->now)
		poll(s);
	settle(s);
	s->event = event;
	s->n_opened = 0;
	pb_pump_post(s->pump, in);
	settle(s);
	s->event = NULL;
}

void
side_init(struct side *s, struct pb_config *config, int64_t at)
{
	const struct pb_engine_options options = {.seed = 1, .host = "backtest"};
	*s = (struct side){.config = pb_config_ref(config), .now = at, .poll_at = at};
	s->stories = pb_map_new();
	s->by_incident = pb_map_new();
	s->engine = pb_engine_new(config, &options);
	s->pump = pb_pump_new(s->engine, &ops, s);
	pb_pump_post(s->pump, pb_input_new(PB_IN_BOOT));
	settle(s);
}

void
side_fini(struct side *s)
{
	if (s->config == NULL)
		return;
	pb_pump_free(s->pump);
	pb_engine_free(s->engine);
	for (size_t i = 0; i < s->n_pending; i++)
		free(s->pending[i].id);
	free(s->pending);
	for (size_t i = 0; i < s->n_closed; i++)
		free(s->closed[i]);
	free(s->closed);
	pb_map_free(s->by_incident, NULL);
	pb_map_free(s->stories, story_free);
	pb_config_unref(s->config);
}
