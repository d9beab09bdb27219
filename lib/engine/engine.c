/*
 * step(): which input goes where, and what can be asked of the engine between steps.
 */
#include "bundle.h"

#include "base/json.h"

/* Incidents that are due in one turn: when page_by comes for 100,000 at once, commands still are
 * answered and pages leave in between. */
#define TICK_MAX 1000

static const char *const input_names[] = {
    [PB_IN_BOOT] = "boot",
    [PB_IN_EVENT] = "event",
    [PB_IN_REJECT] = "reject",
    [PB_IN_POLLED] = "polled",
    [PB_IN_OUTCOME] = "outcome",
    [PB_IN_TICK] = "tick",
    [PB_IN_ACK] = "ack",
    [PB_IN_SNOOZE] = "snooze",
    [PB_IN_ESCALATE] = "escalate",
    [PB_IN_RESOLVE] = "resolve",
    [PB_IN_CONFIG] = "config",
    [PB_IN_APPROVE] = "approve",
    [PB_IN_REFUSE] = "refuse",
    [PB_IN_REMEDIATION] = "remediation",
    [PB_IN_SILENCE] = "silence",
    [PB_IN_UNSILENCE] = "unsilence",
    [PB_IN_MUTES] = "mutes",
    [PB_IN_DRAIN] = "drain",
    [PB_IN_CLOCK] = "clock",
};
_Static_assert(PB_ARRAY_LEN(input_names) == PB_IN_MAX, "a name for each input");

const char *
pb_input_kind_name(enum pb_input_kind kind)
{
	return input_names[kind];
}

struct pb_input *
pb_input_new(enum pb_input_kind kind)
{
	struct pb_input *in = pb_calloc(1, sizeof(*in));
	in->kind = kind;
	return in;
}

void
pb_input_free(struct pb_input *in)
{
	if (in == NULL)
		return;
	pb_event_unref(in->event);
	pb_config_unref(in->config);
	if (in->outcome != NULL)
		pb_outcome_fini(in->outcome);
	free(in->outcome);
	json_decref(in->mutes);
	json_decref(in->past);
	free(in->source);
	free(in->incident);
	free(in->step);
	free(in->playbook);
	free(in->match);
	free(in->silence);
	free(in->by);
	free(in->text);
	free(in->message_id);
	free(in->message);
	free(in);
}

void
free_config(void *c)
{
	pb_config_unref(c);
}

void
free_event(void *ev)
{
	pb_event_unref(ev);
}

static void
free_incident(void *in)
{
	incident_free(in);
}

struct pb_engine *
pb_engine_new(struct pb_config *config, const struct pb_engine_options *options)
{
	struct pb_engine *e = pb_calloc(1, sizeof(*e));
	e->config = pb_config_ref(config);
	pb_rand_seed(&e->rand, options->seed);
	e->host = pb_strdup(options->host == NULL ? "localhost" : options->host);
	e->is_degraded = options->is_degraded;
	e->is_rebuilt = options->is_rebuilt;
	e->cells = options->cells;
	e->degraded_why = pb_strdup(options->degraded_why == NULL
		? "the store cannot be written, so nothing is remediated"
		: options->degraded_why);
	e->incidents = pb_map_new();
	e->by_key = pb_map_new();
	e->plans = pb_map_new();
	e->numbers = pb_map_new();
	e->opens = pb_map_new();
	e->ends = pb_map_new();
	e->lock_holders = pb_map_new();
	e->lock_waiters = pb_map_new();
	e->inhibited = pb_map_new();
	e->held = pb_map_new();
	e->lookers = pb_map_new();
	e->freed = pb_map_new();
	e->ended = pb_map_new();
	e->recent = pb_map_new();
	e->alarms = pb_map_new();
	e->sources = pb_map_new();
	e->seen = pb_map_new();
	e->guards = pb_map_new();
	e->controls = pb_map_new();
	e->silences = pb_map_new();
	e->windows = pb_map_new();
	e->mutes = pb_map_new();
	e->maintenance_at = PB_NEVER;
	e->posts = pb_map_new();
	e->waiting_posts = pb_map_new();
	pb_heap_init(&e->post_timers);
	e->fits = fits_new();
	e->configs = pb_map_new();
	e->events = pb_map_new();
	e->bundles = pb_map_new();
	e->groups = pb_map_new();
	e->storms = pb_map_new();
	e->watches = pb_map_new();
	pb_heap_init(&e->timers);
	pb_heap_init(&e->bundle_timers);
	return e;
}

void
pb_engine_free(struct pb_engine *e)
{
	if (e == NULL)
		return;
	pb_heap_fini(&e->timers);
	pb_heap_fini(&e->bundle_timers);
	pb_map_free(e->bundles, bundle_free);
	pb_map_free(e->groups, NULL);
	pb_map_free(e->storms, NULL);
	pb_map_free(e->watches, storm_watch_free);
	pb_map_free(e->incidents, free_incident);
	pb_map_free(e->by_key, NULL);
	pb_map_free(e->plans, crowd_free);
	pb_map_free(e->numbers, crowd_free);
	pb_map_free(e->opens, crowd_free);
	pb_map_free(e->ends, crowd_free);
	pb_map_free(e->lock_holders, crowd_free);
	pb_map_free(e->lock_waiters, crowd_free);
	pb_map_free(e->inhibited, crowd_free);
	pb_map_free(e->held, crowd_free);
	pb_map_free(e->lookers, crowd_free);
	pb_map_free(e->freed, NULL);
	pb_map_free(e->ended, NULL);
	pb_map_free(e->recent, NULL);
	pb_map_free(e->alarms, alarm_free);
	pb_map_free(e->sources, source_free);
	pb_map_free(e->seen, free);
	pb_map_free(e->guards, guard_free);
	pb_map_free(e->controls, control_free);
	pb_map_free(e->silences, silence_free);
	pb_map_free(e->windows, window_free);
	pb_map_free(e->mutes, mutes_free);
	pb_map_free(e->waiting_posts, NULL);
	pb_heap_fini(&e->post_timers); /* it writes to what is in it */
	pb_map_free(e->posts, post_free);
	free(e->past_id);
	fits_free(e->fits);
	pb_map_free(e->configs, free_config);
	pb_map_free(e->events, free_event);
	pb_config_unref(e->config);
	free(e->host);
	free(e->degraded_why);
	free(e);
}

int
pb_engine_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	return restore_record(e, r, err);
}

/* --- inputs */

static void
tick(struct turn *t)
{
	struct pb_timer *timer;
	silence_due(t);
	maintenance_due(t);
	post_due(t);
	/* What is left is due at once again, in a turn and a commit of its own. */
	for (size_t n = 0;
	     n < TICK_MAX && (timer = pb_heap_first(&t->e->timers)) != NULL && timer->at <= t->now;
	     n++)
		incident_due(t, PB_CONTAINER_OF(timer, struct incident, timer));
	bundle_tick(t);
	audit_due(t);
	intake_forget(t);
	alarms_forget(t);
	guard_forget(t);
}

/* "INCIDENT/..." */
static struct incident *
incident_of_action(struct pb_engine *e, const char *action_id)
{
	const char *slash = strchr(action_id, '/');
	if (slash == NULL)
		return NULL;
	PB_CLEANUP(pb_freep) char *id = pb_strndup(action_id, (size_t)(slash - action_id));
	return pb_map_get(e->incidents, id);
}

static bool
is_current_attempt(struct incident *in, const char *action_id)
{
	struct step_run *s = run_current(in);
	if (s == NULL || s->state != STEP_RUNNING)
		return false;
	PB_CLEANUP(pb_freep) char *id = step_attempt_id(in, in->run.step);
	return strcmp(id, action_id) == 0;
}

static void
outcome(struct turn *t, const struct pb_outcome *o)
{
	struct post *post = post_find_action(t->e, o->action_id);
	if (post != NULL) {
		post_outcome(t, post, o);
		return;
	}
	struct incident *in = incident_of_action(t->e, o->action_id);
	struct bundle *b = in == NULL ? bundle_of_action(t->e, o->action_id) : NULL;
	struct page *p = in == NULL ? NULL : page_find_action(&in->out, o->action_id);
	if (b == NULL && p == NULL)
		own_called(t, o->request_id);
	if (b != NULL)
		bundle_outcome(t, b, o);
	else if (p != NULL)
		page_outcome(t, &in->out, p, o);
	else if (in != NULL && is_current_attempt(in, o->action_id))
		step_input(
		    t, in, in->run.step, o->status == PB_OUTCOME_OK ? STEP_OK : STEP_FAIL, o);
	else if (in != NULL && (probe_outcome(t, in, o) || look_outcome(t, in, o)))
		; /* the step has looked at it */
	else if (o->status != PB_OUTCOME_CANCELLED)
		pb_update_note(t->u, in == NULL ? "" : in->id, "", "", "late",
		    "outcome of %s came when nobody waited for it", o->action_id);
	if (in != NULL)
		incident_settle(t, in);
}

/* By id, or by an end of it that fits one open incident only: "7" for "20261123-7". */
static struct incident *
find_open(const struct pb_engine *e, const char *id, bool *ret_is_ambiguous)
{
	struct incident *found = pb_map_get(e->incidents, id);
	*ret_is_ambiguous = false;
	if (found != NULL)
		return found->state == INCIDENT_RESOLVED ? NULL : found;
	const struct crowd *c = crowd_find(e->numbers, id);
	*ret_is_ambiguous = c != NULL && c->n > 1;
	return c == NULL || c->n > 1 ? NULL : c->first->in;
}

static void
refuse(struct turn *t, uint64_t token, int status, const char *message, const char *id)
{
	char safe[128];
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%s: %s", pb_safe(safe, sizeof(safe), pb_str_of(id)), message);
	pb_update_reply(t->u, token, status, json_pack("{s:s}", "error", text));
}

static void
note_reason(struct turn *t, const struct incident *in, const char *kind, const char *reason)
{
	char safe[512];
	if (reason != NULL && reason[0] != '\0')
		incident_note(t, in, "", kind, "reason given: %s",
		    pb_safe(safe, sizeof(safe), pb_str_of(reason)));
}

static json_t *
ladder_answer(const struct incident *in, const char *time_key)
{
	return json_pack("{s:s, s:s, s:I, s:I}", "incident", in->id, "ladder",
	    ladder_state_name(in->ladder.state), "level", (json_int_t)in->ladder.level + 1,
	    time_key, (json_int_t)in->ladder.next_at);
}

static void
command_snooze(struct turn *t, struct incident *in, const struct pb_input *input)
{
	if (input->span < PB_SNOOZE_MIN || input->span > PB_SNOOZE_MAX) {
		refuse(t, input->token, 400, "snooze it for 1m to 1d", in->id);
		return;
	}
	ladder_snooze(t, in, input->span, input->by);
	pb_update_reply(t->u, input->token, 200, ladder_answer(in, "snoozed_until"));
}

static void
command_resolve(struct turn *t, struct incident *in, const struct pb_input *input)
{
	note_reason(t, in, "resolve", input->text);
	incident_close(t, in, "by_hand", input->by);
	pb_update_reply(t->u, input->token, 200,
	    json_pack("{s:s, s:s}", "incident", in->id, "state", "resolved"));
}

static void
command_bundle(struct turn *t, struct bundle *b, const struct pb_input *input)
{
	if (input->kind != PB_IN_ACK) {
		PB_CLEANUP(pb_freep)
		char *why = pb_asprintf("a %s can only be acknowledged; for anything else give the "
					"id of one of its incidents",
		    bundle_kind_name(b->kind));
		refuse(t, input->token, 409, why, b->id);
		return;
	}
	size_t n = bundle_ack(t, b, input->by);
	pb_update_reply(t->u, input->token, 200,
	    json_pack("{s:s, s:I}", bundle_kind_name(b->kind), b->id, "acked", (json_int_t)n));
}

bool
pb_engine_knows(const struct pb_engine *e, const char *id)
{
	bool is_ambiguous;
	return find_open(e, id, &is_ambiguous) != NULL || is_ambiguous || refusal_knows(e, id) ||
	    bundle_find(e, id) != NULL;
}

static void
command(struct turn *t, const struct pb_input *input)
{
	bool is_ambiguous;
	const char *id = input->incident == NULL ? "" : input->incident;
	struct incident *in = find_open(t->e, id, &is_ambiguous);
	struct bundle *b = in == NULL ? bundle_find(t->e, id) : NULL;
	if (b != NULL) {
		command_bundle(t, b, input);
		return;
	}
	if (in == NULL && !is_ambiguous && refusal_of_resolved(t, input, id))
		return;
	if (in == NULL) {
		refuse(t, input->token, is_ambiguous ? 409 : 404,
		    is_ambiguous ? "several open incidents end so; give the whole id"
				 : "no open incident has this id",
		    id);
		return;
	}
	if (input->kind == PB_IN_ACK) {
		ladder_input(t, in, LADDER_ACK, input->by);
		pb_update_reply(t->u, input->token, 200, ladder_answer(in, "acked_until"));
	} else if (input->kind == PB_IN_SNOOZE) {
		command_snooze(t, in, input);
	} else if (input->kind == PB_IN_ESCALATE) {
		note_reason(t, in, "handover", input->text);
		ladder_input(t, in, LADDER_ESCALATE, input->by);
		pb_update_reply(t->u, input->token, 200, ladder_answer(in, "next_at"));
	} else if (input->kind == PB_IN_APPROVE || input->kind == PB_IN_REFUSE) {
		ask_command(t, in, input);
	} else {
		command_resolve(t, in, input);
	}
	incident_settle(t, in);
}

/* A plan stays in the store while it is current or an open incident began with it. */
static bool
is_used(const struct pb_engine *e, const char *digest)
{
	size_t i = 0;
	const char *id;
	void *value;
	if (strcmp(e->config->digest, digest) == 0)
		return true;
	while (pb_map_next(e->incidents, &i, &id, &value))
		if (strcmp(((struct incident *)value)->config->digest, digest) == 0)
			return true;
	return bundle_uses(e, digest);
}

static void
put_config(struct turn *t)
{
	struct pb_config *c = t->e->config;
	pb_update_put(t->u, PB_REC_CONFIG, c->digest, "", "", pb_config_to_json(c));
}

static void
new_config(struct turn *t, const struct pb_input *input)
{
	struct pb_engine *e = t->e;
	struct pb_config *old = e->config;
	e->config = pb_config_ref(input->config);
	put_config(t);
	char by[128];
	pb_update_note(t->u, "", "", "", "config",
	    "%.12s is in force: %zu playbooks, %zu sources; open incidents keep theirs%s%s",
	    e->config->digest, e->config->n_playbooks, e->config->n_sources,
	    input->by == NULL ? "" : "; by ",
	    input->by == NULL ? "" : pb_safe(by, sizeof(by), pb_str_of(input->by)));
	maintenance_look(t);
	maintenance_note_expired(t);
	mute_look(t);
	plan_changed(t, old);
	control_look(t);
	if (input->token != 0) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf changes = PB_BUF_INIT;
		pb_config_add_changes(old, e->config, &changes);
		json_t *reply = json_pack("{s:s, s:o}", "config", e->config->digest, "stopped",
		    pb_engine_controls_json(e));
		pb_json_set_str(reply, "changes", changes.len > 0 ? changes.ptr : "");
		pb_update_reply(t->u, input->token, 200, reply);
	}
	if (!is_used(e, old->digest))
		pb_update_drop(t->u, PB_REC_CONFIG, old->digest);
	pb_config_unref(old);
}

/* Plans that only incidents of the past used. */
static void
drop_old_configs(struct turn *t)
{
	size_t i = 0;
	const char *digest;
	void *value;
	while (pb_map_next(t->e->configs, &i, &digest, &value))
		if (!is_used(t->e, digest))
			pb_update_drop(t->u, PB_REC_CONFIG, digest);
}

static void
boot(struct turn *t)
{
	struct pb_engine *e = t->e;
	pb_update_note(t->u, "", "", "", "boot", "%zu open incident%s; configuration %.12s%s%s",
	    e->n_open, e->n_open == 1 ? "" : "s", e->config->digest,
	    e->is_degraded ? "; degraded: " : "", e->is_degraded ? e->degraded_why : "");
	numbers_boot(t);
	drop_old_configs(t);
	put_config(t);
	control_look(t);
	restore_boot(t);
}

void
pb_engine_step(struct pb_engine *e, int64_t now, const struct pb_input *in, struct pb_update *u)
{
	struct turn t = {.e = e, .now = now, .u = u};
	switch (in->kind) {
	case PB_IN_BOOT:
		boot(&t);
		break;
	case PB_IN_EVENT:
		intake_event(&t, in);
		break;
	case PB_IN_REJECT:
		intake_reject(&t, in);
		break;
	case PB_IN_POLLED:
		intake_polled(&t, in);
		break;
	case PB_IN_OUTCOME:
		outcome(&t, in->outcome);
		break;
	case PB_IN_TICK:
		tick(&t);
		break;
	case PB_IN_ACK:
	case PB_IN_SNOOZE:
	case PB_IN_ESCALATE:
	case PB_IN_RESOLVE:
	case PB_IN_APPROVE:
	case PB_IN_REFUSE:
		command(&t, in);
		break;
	case PB_IN_CONFIG:
		new_config(&t, in);
		break;
	case PB_IN_REMEDIATION:
		control_input(&t, in);
		break;
	case PB_IN_SILENCE:
	case PB_IN_UNSILENCE:
		silence_input(&t, in);
		break;
	case PB_IN_MUTES:
		mute_input(&t, in);
		break;
	case PB_IN_DRAIN:
		e->is_draining = true;
		pb_update_note(u, "", "", "", "drain", "no further step is started");
		break;
	case PB_IN_CLOCK:
		clock_input(&t, in);
		break;
	case PB_IN_MAX:
		pb_impossible("not an input");
	}
	wake(&t);
	bundle_flush(&t);
	audit_arm(&t);
}

/* --- looking in */

int64_t
pb_engine_due_at(const struct pb_engine *e)
{
	const struct pb_timer *first = pb_heap_first(&e->timers);
	int64_t at = first == NULL ? PB_NEVER : first->at;
	if (bundle_next_at(e) < at)
		at = bundle_next_at(e);
	if (silence_next_at(e) < at)
		at = silence_next_at(e);
	if (e->maintenance_at < at)
		at = e->maintenance_at;
	if (post_next_at(e) < at)
		at = post_next_at(e);
	return at;
}

int64_t
pb_engine_next_at(const struct pb_engine *e)
{
	int64_t at = pb_engine_due_at(e);
	return e->audit_at != 0 && e->audit_at < at ? e->audit_at : at;
}

size_t
pb_engine_n_open(const struct pb_engine *e)
{
	return e->n_open;
}

struct pb_config *
pb_engine_config(const struct pb_engine *e)
{
	return e->config;
}

bool
pb_engine_alarm(const struct pb_engine *e, const char *arn, enum pb_alarm_state *ret_state,
    int64_t *ret_transitioned_at)
{
	const struct alarm *a = pb_map_get(e->alarms, arn);
	if (a == NULL)
		return false;
	*ret_state = a->state;
	*ret_transitioned_at = a->transitioned_at;
	return true;
}

int64_t
pb_engine_polled_at(const struct pb_engine *e, const char *source)
{
	const struct source *s = pb_map_get(e->sources, source);
	return s == NULL ? 0 : s->polled_at;
}
