/*
 * From records back to objects, at start.
 *
 * Records come in the order of their kinds: configurations, alarms, sources, seen, events,
 * incidents, then what belongs to an incident.  A record that cannot be believed is refused whole;
 * the caller says so and goes on: an incident that cannot be restored is found again by the first
 * poll.
 */
#include "bundle.h"

#include "base/json.h"

static int
find_name(const char *const *names, size_t n, const char *s, size_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (pb_streq(names[i], s)) {
			*ret = i;
			return 0;
		}
	return -1;
}

/* The names of a machine's states as an array, by its naming function. */
#define STATE_OF(record, name_of, max, ret, err)                                                   \
	state_of((record), (const char *(*)(unsigned))(name_of), (max), (ret), (err))

static int
state_of(const struct pb_record *r, const char *(*name_of)(unsigned), size_t max, size_t *ret,
    struct pb_error *err)
{
	const char *names[16];
	pb_check(max <= PB_ARRAY_LEN(names));
	for (size_t i = 0; i < max; i++)
		names[i] = name_of((unsigned)i);
	if (find_name(names, max, r->state, ret) < 0)
		return pb_fail(err, PB_CORRUPT, "%s %s: state \"%s\" does not exist",
		    pb_record_kind_name(r->kind), r->key, r->state);
	return 0;
}

static struct incident *
owner(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct incident *in = pb_map_get(e->incidents, r->incident);
	if (in == NULL)
		pb_fail(err, PB_CORRUPT, "%s %s: belongs to no open incident",
		    pb_record_kind_name(r->kind), r->key);
	return in;
}

static char *
dup_str(const json_t *body, const char *key)
{
	return pb_strdup(pb_json_str(body, key));
}

static int
restore_config(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct pb_config *c;
	/* Mostly the one that the daemon was started with: it is not read a second time. */
	if (pb_streq(r->key, e->config->digest))
		c = pb_config_ref(e->config);
	else if (pb_config_from_json(r->body, &c, err) < 0)
		return pb_wrap(err, "plan %.12s", r->key);
	struct pb_config *old = pb_map_put(e->configs, r->key, c);
	pb_config_unref(old);
	return 0;
}

static int
restore_alarm(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	enum pb_alarm_state state;
	if (pb_alarm_state_parse(r->state, &state) < 0)
		return pb_fail(
		    err, PB_CORRUPT, "alarm %s: state \"%s\" does not exist", r->key, r->state);
	struct alarm *a = alarm_get(e, r->key);
	free(a->name);
	free(a->source);
	a->name = pb_strdup(pb_json_str_or(r->body, "name", ""));
	a->source = pb_strdup(pb_json_str_or(r->body, "source", ""));
	a->state = state;
	a->transitioned_at = pb_json_i64(r->body, "transitioned_at", 0);
	a->changed_at = pb_json_i64(r->body, "changed_at", a->transitioned_at);
	a->is_ahead = pb_json_bool(r->body, "is_ahead", false);
	a->seen = (unsigned)pb_json_i64(r->body, "seen", 0) | 1U << state;
	return 0;
}

static int
restore_event(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct pb_event *ev;
	if (pb_event_from_envelope(r->body, &ev, err) < 0)
		return pb_wrap(err, "event of %s", r->key);
	pb_event_unref(pb_map_put(e->events, r->key, ev));
	return 0;
}

static enum pb_mode
mode_of(const json_t *body, enum pb_mode fallback)
{
	for (unsigned i = 0; i < PB_MODE_MAX; i++)
		if (pb_streq(pb_mode_name((enum pb_mode)i), pb_json_str(body, "mode")))
			return (enum pb_mode)i;
	return fallback;
}

static int
restore_incident(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	size_t state = 0;
	if (STATE_OF(r, incident_state_name, INCIDENT_STATE_MAX, &state, err) < 0)
		return -1;
	struct pb_event *ev = pb_map_get(e->events, r->key);
	struct pb_config *c = pb_map_get(e->configs, pb_json_str_or(r->body, "config", ""));
	if (ev == NULL || c == NULL)
		return pb_fail(err, PB_CORRUPT, "incident %s: its %s is missing", r->key,
		    ev == NULL ? "event" : "plan");
	const char *playbook = pb_json_str_or(r->body, "playbook", "");
	size_t index = PB_NONE, escalation = PB_NONE;
	if (playbook[0] != '\0') {
		index = pb_config_find_playbook(c, playbook);
		if (index == PB_NONE)
			return pb_fail(err, PB_CORRUPT, "incident %s: its plan has no playbook %s",
			    r->key, playbook);
	}
	for (size_t i = 0; i < c->n_escalations; i++)
		if (pb_streq(c->escalations[i].name, pb_json_str(r->body, "escalation")))
			escalation = i;
	if (escalation == PB_NONE)
		return pb_fail(err, PB_CORRUPT, "incident %s: its plan has no escalation %s",
		    r->key, pb_json_str_or(r->body, "escalation", "?"));

	struct incident *in = pb_calloc(1, sizeof(*in));
	in->magic = INCIDENT_MAGIC;
	in->out.in = in;
	in->id = pb_strdup(r->key);
	in->config = pb_config_ref(c);
	in->playbook = index;
	in->escalation = escalation;
	in->key = pb_strdup(pb_json_str_or(r->body, "key", ""));
	in->event = pb_event_ref(ev);
	incident_set_title(in);
	incident_set_alarm(in, ev->kind == PB_EVENT_ALARM ? alarm_get(e, ev->alarm_arn) : NULL);
	joined_restore(e, in, r->body);
	in->state = (enum incident_state)state;
	in->state_at = r->at;
	in->opened_at = pb_json_i64(r->body, "opened_at", r->at);
	in->resolved_at = pb_json_i64(r->body, "resolved_at", 0);
	in->hold_until = pb_json_i64(r->body, "hold_until", 0);
	in->count = pb_json_i64(r->body, "count", 1);
	in->recovered_at = pb_json_i64(r->body, "recovered_at", 0);
	in->wait_until = pb_json_i64(r->body, "wait_until", 0);
	in->mode =
	    mode_of(r->body, index == PB_NONE ? PB_MODE_AUTO : c->playbooks[index].guards.mode);
	in->lock = dup_str(r->body, "lock");
	in->answer = dup_str(r->body, "answer");
	in->own = dup_str(r->body, "own");
	in->is_stale = pb_json_bool(r->body, "is_stale", false);
	in->is_charged = pb_json_bool(r->body, "is_charged", false);
	in->cause = dup_str(r->body, "cause");
	in->resolved_by = dup_str(r->body, "resolved_by");
	reopen_restore(in, r->body);
	in->ladder.next_at = PB_NEVER;
	run_init(in);
	incident_index(e, in);
	return 0;
}

static int
restore_run(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct incident *in = owner(e, r, err);
	size_t state = 0;
	if (in == NULL || STATE_OF(r, run_state_name, RUN_STATE_MAX, &state, err) < 0)
		return -1;
	int64_t step = pb_json_i64(r->body, "step", -1);
	if (step < 0 || (size_t)step >= in->run.n_steps)
		return pb_fail(
		    err, PB_CORRUPT, "run %s: its plan has no step %lld", r->key, (long long)step);
	struct run *run = &in->run;
	run->state = (enum run_state)state;
	run->state_at = r->at;
	run->step = (size_t)step;
	run->started_at = pb_json_i64(r->body, "started_at", 0);
	run->ended_at = pb_json_i64(r->body, "ended_at", 0);
	run->failure = dup_str(r->body, "failure");
	return 0;
}

static int
restore_step(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct incident *in = owner(e, r, err);
	size_t state = 0;
	if (in == NULL || STATE_OF(r, step_state_name, STEP_STATE_MAX, &state, err) < 0)
		return -1;
	int64_t index = pb_json_i64(r->body, "index", -1);
	if (index < 0 || (size_t)index >= in->run.n_steps)
		return pb_fail(err, PB_CORRUPT, "step %s: its plan has no step %lld", r->key,
		    (long long)index);
	struct step_run *s = &in->run.steps[index];
	s->state = (enum step_state)state;
	s->state_at = r->at;
	s->attempts = pb_json_i64(r->body, "attempts", 0);
	for (size_t i = 0; i < s->n_retries; i++)
		s->retries[i] =
		    json_integer_value(json_array_get(pb_json_get(r->body, "retries"), i));
	s->started_at = pb_json_i64(r->body, "started_at", 0);
	s->ended_at = pb_json_i64(r->body, "ended_at", 0);
	s->deadline_at = pb_json_i64(r->body, "deadline_at", 0);
	s->next_at = pb_json_i64(r->body, "next_at", PB_NEVER);
	s->error = dup_str(r->body, "error");
	s->error_class = dup_str(r->body, "error_class");
	s->message = dup_str(r->body, "message");
	s->output = json_incref(json_object_get(r->body, "output"));
	s->is_approved = pb_json_bool(r->body, "is_approved", false);
	s->must_ask = pb_json_bool(r->body, "must_ask", false);
	s->attempt_at = pb_json_i64(r->body, "attempt_at", s->started_at);
	s->token_n = pb_json_i64(r->body, "token_n", 0);
	s->sent = pb_json_i64(r->body, "sent", 0);
	look_restore(&s->look, pb_json_get(r->body, "look"));
	probe_restore(s, r->body);
	return 0;
}

static int
restore_ladder(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	struct incident *in = owner(e, r, err);
	size_t state = 0;
	if (in == NULL || STATE_OF(r, ladder_state_name, LADDER_STATE_MAX, &state, err) < 0)
		return -1;
	struct ladder *l = &in->ladder;
	int64_t level = pb_json_i64(r->body, "level", 0);
	if (level < 0 || (size_t)level >= incident_escalation(in)->n_levels)
		return pb_fail(err, PB_CORRUPT, "ladder %s: its plan has no level %lld", r->key,
		    (long long)level + 1);
	l->state = (enum ladder_state)state;
	l->state_at = r->at;
	l->page_by_at = pb_json_i64(r->body, "page_by_at", 0);
	l->started_at = pb_json_i64(r->body, "started_at", 0);
	l->position = (size_t)pb_json_i64(r->body, "position", 0);
	l->round = pb_json_i64(r->body, "round", 0);
	/* Nothing is due of one that is closed; the auditor finds it if its incident is not. */
	l->next_at =
	    l->state == LADDER_CLOSED ? PB_NEVER : pb_json_i64(r->body, "next_at", PB_NEVER);
	l->level = (size_t)level;
	l->why = dup_str(r->body, "why");
	l->held = dup_str(r->body, "held");
	l->decide_by = pb_json_i64(r->body, "decide_by", 0);
	l->acked_by = dup_str(r->body, "acked_by");
	l->acked_at = pb_json_i64(r->body, "acked_at", 0);
	l->is_put_off = pb_json_bool(r->body, "is_put_off", false);
	l->owes = pb_json_bool(r->body, "owes", false);
	l->news_at = l->state == LADDER_ACKED ? pb_json_i64(r->body, "news_at", 0) : 0;
	l->past = json_deep_copy(json_object_get(r->body, "past"));
	/* Its run is known already; without this record boot arms a ladder. */
	incident_place(e, in);
	if (l->state != LADDER_CLOSED)
		bundle_restore_members(e, in, json_object_get(r->body, "bundles"));
	return 0;
}

/* Attempts of steps are in the table for people; the step's own record says what the engine needs.
 */
static int
restore_action(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	if (pb_json_str(r->body, "contact") == NULL)
		return 0;
	struct bundle *b = pb_map_get(e->bundles, r->incident);
	struct incident *in = b != NULL ? NULL : owner(e, r, err);
	size_t state = 0;
	if ((b == NULL && in == NULL) ||
	    STATE_OF(r, page_state_name, PAGE_STATE_MAX, &state, err) < 0)
		return -1;
	struct page *p = pb_calloc(1, sizeof(*p));
	p->id = pb_strdup(r->key);
	p->is_notice = pb_json_bool(r->body, "is_notice", false);
	p->level = (size_t)pb_json_i64(r->body, "level", 0);
	p->repeat = (size_t)pb_json_i64(r->body, "repeat", 0);
	p->round = pb_json_i64(r->body, "round", 1);
	p->contact = dup_str(r->body, "contact");
	p->channel = pb_strdup(pb_json_str_or(r->body, "channel", ""));
	/* A new one has no record: of what says so it is not known whether it went out. */
	p->state = state == PAGE_NEW ? PAGE_SENDING : (enum page_state)state;
	p->state_at = r->at;
	p->decided_at = pb_json_i64(r->body, "decided_at", r->at);
	p->next_at = pb_json_i64(r->body, "next_at", PB_NEVER);
	p->fallback_at = pb_json_i64(r->body, "fallback_at", PB_NEVER);
	p->tries = pb_json_i64(r->body, "tries", 0);
	p->error = dup_str(r->body, "error");
	p->spec = json_incref(json_object_get(r->body, "spec"));
	page_append(b != NULL ? &b->out : &in->out, p);
	return 0;
}

static int
restore_seen(struct pb_engine *e, const struct pb_record *r)
{
	int64_t *at = pb_malloc(sizeof(*at));
	*at = r->at;
	free(pb_map_put(e->seen, r->key, at));
	return 0;
}

int
restore_record(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	switch (r->kind) {
	case PB_REC_CONFIG:
		return restore_config(e, r, err);
	case PB_REC_ALARM:
		return restore_alarm(e, r, err);
	case PB_REC_SOURCE:
		source_get(e, r->key)->polled_at = pb_json_i64(r->body, "polled_at", 0);
		return 0;
	case PB_REC_SEEN:
		return restore_seen(e, r);
	case PB_REC_EVENT:
		return restore_event(e, r, err);
	case PB_REC_INCIDENT:
		return restore_incident(e, r, err);
	case PB_REC_RUN:
		return restore_run(e, r, err);
	case PB_REC_STEP:
		return restore_step(e, r, err);
	case PB_REC_LADDER:
		return restore_ladder(e, r, err);
	case PB_REC_ACTION:
		return restore_action(e, r, err);
	case PB_REC_META:
		e->day = pb_json_i64(r->body, "day", 0);
		e->day_number = pb_json_i64(r->body, "day_number", 0);
		e->silence_number = pb_json_i64(r->body, "silence_number", 0);
		e->bundle_number = pb_json_i64(r->body, "bundle_number", 0);
		return 0;
	case PB_REC_CONTROL:
		control_restore(e, r);
		return 0;
	case PB_REC_GUARD:
		return guard_restore(e, r, err);
	case PB_REC_SILENCE:
		return silence_restore(e, r, err);
	case PB_REC_WINDOW:
		window_restore(e, r);
		return 0;
	case PB_REC_MUTES:
		mutes_restore(e, r);
		return 0;
	case PB_REC_POST:
		return post_restore(e, r, err);
	case PB_REC_INFORM:
		return inform_restore(e, r, err);
	case PB_REC_BUNDLE:
		return bundle_restore(e, r, err);
	case PB_REC_QUARANTINE: /* for people only */
	case PB_REC_RECEIVED:
	case PB_REC_MAX:
		return 0;
	}
	return 0;
}

/* Is it in a state in which a step of its kind waits for something? */
static bool
step_is_whole(const struct pb_step *def, const struct step_run *s)
{
	bool is_act = def->kind != PB_STEP_VERIFY && def->kind != PB_STEP_WAIT;
	switch (s->state) {
	case STEP_ASKING:
	case STEP_PENDING:
		return is_act;
	case STEP_RUNNING:
	case STEP_BACKOFF:
		return is_act && s->attempts > 0;
	case STEP_CHECKING:
		return def->kind == PB_STEP_VERIFY;
	case STEP_WAITING:
		return def->kind == PB_STEP_WAIT;
	case STEP_LOOKING:
		return def->check != NULL && s->attempts > 0;
	case STEP_AWAITING:
		return def->wait != NULL && s->attempts > 0;
	case STEP_IDLE:
	case STEP_SUCCEEDED:
	case STEP_FAILED:
	case STEP_CANCELLED:
	case STEP_SKIPPED:
	case STEP_STATE_MAX:
		break;
	}
	return false;
}

static bool
run_is_whole(const struct incident *in)
{
	const struct run *r = &in->run;
	return run_is_live(r) && (r->state == RUN_UNDOING) == (r->step >= r->n_forward) &&
	    step_is_whole(run_step_def(in, r->step), &r->steps[r->step]);
}

/* An incident without what it needs to go on, since records were spoilt: a human sees to it. */
static void
mend(struct turn *t, struct incident *in)
{
	bool is_running = in->state == INCIDENT_RUNNING;
	bool lost_run = is_running ? !run_is_whole(in) : run_is_live(&in->run);
	if (lost_run) { /* nothing acts on it any more, whatever it says */
		in->run.state = RUN_FAILED;
		incident_place(t->e, in);
		run_put(t, in);
	}
	if (in->state == INCIDENT_RESOLVED || (!lost_run && in->ladder.state != LADDER_NONE))
		return;
	incident_note(t, in, "", "defect", "its records are not whole; a human is paged");
	if (in->ladder.state == LADDER_NONE)
		ladder_input(t, in, LADDER_ARM, NULL);
	if (is_running && lost_run) {
		free(in->run.failure);
		in->run.failure = pb_strdup("the record of its run was lost");
		incident_input(t, in, INCIDENT_RUN_FAILED);
	}
}

/* What the process before left in the middle. */
void
restore_boot(struct turn *t)
{
	struct pb_engine *e = t->e;
	size_t i = 0;
	const char *id;
	void *value;
	e->boot_at = t->now;
	/* What is in flight goes again first: what is decided below is in flight for the first time. */
	post_interrupted(t);
	while (pb_map_next(e->incidents, &i, &id, &value))
		page_interrupted(t, &((struct incident *)value)->out);
	maintenance_look(t);
	maintenance_note_expired(t);
	mute_look(t);
	i = 0;
	while (pb_map_next(e->incidents, &i, &id, &value))
		hush_watch(t, value);
	wake_boot(e);
	i = 0;
	while (pb_map_next(e->incidents, &i, &id, &value)) {
		struct incident *in = value;
		mend(t, in);
		inform_interrupted(t, in);
		if (run_is_live(&in->run)) {
			step_input(t, in, in->run.step, STEP_INTERRUPT, NULL);
			step_check(t, in);
		}
		incident_settle(t, in);
	}
	bundle_boot(t);
	/* From here on an incident counts its own configuration. */
	pb_map_free(e->configs, free_config);
	pb_map_free(e->events, free_event);
	e->configs = pb_map_new();
	e->events = pb_map_new();
}
