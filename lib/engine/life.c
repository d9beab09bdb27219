/*
 * An incident from its first to its last: its name and words, its record, its places in the engine's
 * indices, its one timer, and when it is forgotten.  What it does meanwhile: incident.c.
 */
#include "internal.h"

#include "base/json.h"

#define NUMBERS_APART 100000

static const char *const state_names[] = {
    [INCIDENT_NEW] = "new",
    [INCIDENT_HOLDING] = "holding",
    [INCIDENT_PROPOSED] = "proposed",
    [INCIDENT_QUEUED] = "queued",
    [INCIDENT_INHIBITED] = "inhibited",
    [INCIDENT_RUNNING] = "running",
    [INCIDENT_WAITING] = "waiting",
    [INCIDENT_RESOLVED] = "resolved",
};
_Static_assert(PB_ARRAY_LEN(state_names) == INCIDENT_STATE_MAX, "a name for each state");

const char *
incident_state_name(enum incident_state s)
{
	return state_names[s];
}

const struct pb_playbook *
incident_playbook(const struct incident *in)
{
	return in->playbook == PB_NONE ? NULL : &in->config->playbooks[in->playbook];
}

const char *
incident_playbook_name(const struct incident *in)
{
	return in->playbook == PB_NONE ? "" : in->config->playbooks[in->playbook].name;
}

const struct pb_escalation *
incident_escalation(const struct incident *in)
{
	return &in->config->escalations[in->escalation];
}

const char *
incident_title(const struct incident *in)
{
	return in->title;
}

/* The alarm's name; of another event its type, with the last part of what it is about. */
void
incident_set_title(struct incident *in)
{
	const struct pb_event *ev = in->event;
	const char *resource =
	    json_string_value(json_array_get(json_object_get(pb_event_json(ev), "resources"), 0));
	if (ev->alarm_name != NULL) {
		in->title = pb_strdup(ev->alarm_name);
	} else if (resource == NULL || resource[0] == '\0') {
		in->title = pb_strdup(ev->detail_type);
	} else {
		const char *last = resource;
		for (const char *s = resource; *s != '\0'; s++)
			if ((*s == '/' || *s == ':') && s[1] != '\0')
				last = s + 1;
		in->title = pb_asprintf("%s: %s", ev->detail_type, last);
	}
}

const char *
incident_severity(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p == NULL || p->severity == NULL ? "error" : p->severity;
}

void
incident_note(struct turn *t, const struct incident *in, const char *step, const char *kind,
    const char *fmt, ...)
{
	const struct pb_playbook *p = incident_playbook(in);
	va_list ap;
	va_start(ap, fmt);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	pb_update_note(
	    t->u, in->id, p == NULL ? "" : p->name, step, kind, "%s", pb_buf_str(&b).ptr);
}

json_t *
incident_json(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	json_t *j = json_object();
	pb_json_set_str(j, "id", in->id);
	pb_json_set_str(j, "playbook", p == NULL ? "" : p->name);
	pb_json_set_str(j, "escalation", incident_escalation(in)->name);
	pb_json_set_str(j, "config", in->config->digest);
	pb_json_set_str(j, "key", in->key);
	pb_json_set_str(j, "title", incident_title(in));
	pb_json_set_str(j, "severity", incident_severity(in));
	pb_json_set_str(j, "alarm_arn", in->alarm == NULL ? NULL : in->alarm->arn);
	pb_json_set_str(j, "docs", p == NULL ? NULL : p->docs);
	pb_json_set_str(j, "owner", p == NULL ? NULL : p->owner);
	pb_json_set_str(j, "objective", p == NULL ? NULL : p->objective);
	pb_json_set_str(j, "summary", p == NULL ? NULL : p->summary);
	pb_json_set_i64(j, "opened_at", in->opened_at);
	pb_json_set_i64(j, "event_at", in->event->time_at);
	pb_json_set_i64(j, "hold_until", in->hold_until);
	pb_json_set_i64(j, "resolved_at", in->resolved_at);
	pb_json_set_i64(j, "count", in->count);
	if (in->recovered_at > 0)
		pb_json_set_i64(j, "recovered_at", in->recovered_at);
	reopen_json(in, j);
	joined_json(in, j);
	pb_json_set_i64(j, "wait_until", in->wait_until);
	pb_json_set_str(j, "mode", pb_mode_name(in->mode));
	pb_json_set_str(j, "lock", in->lock);
	pb_json_set_str(j, "answer", in->answer);
	json_object_set_new(j, "is_stale", json_boolean(in->is_stale));
	pb_json_set_str(j, "own", in->own);
	if (in->is_charged)
		json_object_set_new(j, "is_charged", json_true());
	pb_json_set_str(j, "cause", in->cause);
	pb_json_set_str(j, "resolved_by", in->resolved_by);
	return j;
}

void
incident_put(struct turn *t, const struct incident *in)
{
	pb_update_put(
	    t->u, PB_REC_INCIDENT, in->id, in->id, state_names[in->state], incident_json(in));
}

void
engine_put(struct turn *t)
{
	const struct pb_engine *e = t->e;
	pb_update_put(t->u, PB_REC_META, "engine", "", "",
	    json_pack("{s:I, s:I, s:I, s:I}", "day", (json_int_t)e->day, "day_number",
		(json_int_t)e->day_number, "silence_number", (json_int_t)e->silence_number,
		"bundle_number", (json_int_t)e->bundle_number));
}

/* Where no day ever comes to: readers and FIFO topics take two pages of one id for one. */
static int64_t
number_apart(const struct turn *t, int64_t last)
{
	int64_t from = NUMBERS_APART + t->now % PB_DAY / PB_SECOND;
	return last < from ? from : last;
}

static void
take_day(struct turn *t)
{
	struct pb_engine *e = t->e;
	int64_t day = t->now / PB_DAY;
	if (day != e->day)
		e->day_number = 0;
	e->day = day;
}

void
numbers_boot(struct turn *t)
{
	struct pb_engine *e = t->e;
	if (!e->is_rebuilt)
		return;
	take_day(t);
	e->day_number = number_apart(t, e->day_number);
	e->bundle_number = number_apart(t, e->bundle_number);
	engine_put(t);
}

/*
 * Ten digits by chance, where nobody else has been: what is lost with a process is not known to the next,
 * and with a wall clock that is behind even the time may be the same again to it.
 */
int64_t
engine_own_number(struct turn *t)
{
	struct pb_engine *e = t->e;
	if (e->own_number == 0)
		e->own_number = INT64_C(1000000000) + pb_rand_below(&e->rand, INT64_C(8000000000));
	return ++e->own_number;
}

static int64_t
next_number(struct turn *t)
{
	struct pb_engine *e = t->e;
	if (e->is_degraded)
		return engine_own_number(t);
	take_day(t);
	e->day_number++;
	engine_put(t);
	return e->day_number;
}

static char *
next_id(struct turn *t)
{
	char text[PB_TIME_TEXT];
	int64_t number = next_number(t);
	pb_time_basic(text, t->now); /* YYYYMMDDT... */
	return pb_asprintf("%.8s-%lld", text, (long long)number);
}

void
incident_index_open(struct pb_engine *e, struct incident *in)
{
	PB_CLEANUP(pb_freep) char *key = incident_full_key(in);
	(void)pb_map_put(e->by_key, key, in);
	if (in->alarm != NULL)
		alarm_attach(in->alarm, in);
	joined_attach(in);
	e->n_open++;
}

void
incident_unindex_open(struct pb_engine *e, struct incident *in)
{
	e->n_open--;
	PB_CLEANUP(pb_freep) char *key = incident_full_key(in);
	(void)pb_map_del(e->by_key, key);
	if (in->alarm != NULL)
		alarm_detach(in->alarm, in);
	joined_detach(in);
}

void
incident_index(struct pb_engine *e, struct incident *in)
{
	(void)pb_map_put(e->incidents, in->id, in);
	incident_place(e, in);
	if (in->state != INCIDENT_RESOLVED)
		incident_index_open(e, in);
	else if (in->reopen_until > 0)
		reopen_index(e, in);
}

void
incident_set_alarm(struct incident *in, struct alarm *a)
{
	if (in->alarm != NULL)
		in->alarm->n_known--;
	if (a != NULL)
		a->n_known++;
	in->alarm = a;
}

void
incident_set_event(struct turn *t, struct incident *in)
{
	const struct pb_event *ev = in->event;
	const struct pb_playbook *p = incident_playbook(in);
	incident_set_title(in);
	incident_set_alarm(in, ev->kind == PB_EVENT_ALARM ? alarm_get(t->e, ev->alarm_arn) : NULL);
	in->mode = p == NULL ? PB_MODE_AUTO : p->guards.mode;
	free(in->own);
	in->own = own_sign(t->e, ev);
	/* One that tells no time may be of any age. */
	in->is_stale =
	    p != NULL && (ev->time_at <= 0 || wall_of(t->e, t->now) - ev->time_at > p->max_age_for);
}

char *
incident_full_key(const struct incident *in)
{
	return pb_asprintf("%s\n%s", incident_playbook_name(in), in->key);
}

int64_t
incident_began_at(const struct incident *in)
{
	return in->reopened_at > 0 ? in->reopened_at : in->opened_at;
}

struct incident *
incident_create(
    struct turn *t, struct pb_event *event, size_t playbook, size_t escalation, const char *key)
{
	struct incident *in = pb_calloc(1, sizeof(*in));
	in->magic = INCIDENT_MAGIC;
	in->out.in = in;
	in->id = next_id(t);
	in->config = pb_config_ref(t->e->config);
	in->playbook = playbook;
	in->escalation = escalation;
	in->key = pb_strdup(key);
	in->event = pb_event_ref(event);
	incident_set_event(t, in);
	in->opened_at = in->state_at = t->now;
	in->count = 1;
	in->ladder.next_at = PB_NEVER;
	run_init(in);
	incident_index(t->e, in);
	return in;
}

void
incident_free(struct incident *in)
{
	if (in == NULL)
		return;
	PB_CHECK_OBJ(in, INCIDENT_MAGIC);
	in->magic = 0;
	incident_set_alarm(in, NULL);
	joined_clear(in);
	run_fini(&in->run);
	ladder_fini(&in->ladder);
	outbox_fini(&in->out);
	pb_event_unref(in->event);
	pb_config_unref(in->config);
	free(in->id);
	free(in->key);
	free(in->title);
	free(in->cause);
	free(in->resolved_by);
	free(in->last_cause);
	free(in->flaps);
	free(in->lock);
	free(in->answer);
	free(in->own);
	free(in->inform);
	free(in);
}

void
incident_arm(struct pb_engine *e, struct incident *in)
{
	int64_t at = page_next_at(&in->out);
	if (in->state == INCIDENT_HOLDING && in->hold_until < at)
		at = in->hold_until;
	if ((in->state == INCIDENT_PROPOSED || in->state == INCIDENT_QUEUED) && in->wait_until < at)
		at = in->wait_until;
	if (in->state == INCIDENT_WAITING && in->calm_at > 0 && in->calm_at < at)
		at = in->calm_at;
	if (in->state == INCIDENT_RESOLVED && in->reopen_until > 0 && in->reopen_until < at)
		at = in->reopen_until;
	if (in->state == INCIDENT_RUNNING && step_next_at(in) < at)
		at = step_next_at(in);
	if (ladder_due_at(&in->ladder) < at)
		at = ladder_due_at(&in->ladder);
	if (inform_next_at(in) < at)
		at = inform_next_at(in);
	if (at == PB_NEVER)
		pb_heap_clear(&e->timers, &in->timer);
	else
		pb_heap_set(&e->timers, &in->timer, at);
}

/* Verification before paging: what passes at the very moment of page_by wakes nobody. */
void
incident_due(struct turn *t, struct incident *in)
{
	if (in->state == INCIDENT_HOLDING && in->hold_until <= t->now)
		incident_input(t, in, INCIDENT_HOLD_END);
	if ((in->state == INCIDENT_PROPOSED || in->state == INCIDENT_QUEUED) &&
	    in->wait_until <= t->now)
		incident_input(t, in, INCIDENT_WAIT_END);
	if (in->state == INCIDENT_INHIBITED && in->ladder.next_at <= t->now)
		incident_input(t, in, INCIDENT_TRY);
	if (in->state == INCIDENT_WAITING && in->calm_at > 0 && in->calm_at <= t->now)
		incident_input(t, in, INCIDENT_CALM);
	step_due(t, in);
	if (ladder_due_at(&in->ladder) <= t->now)
		ladder_input(t, in, LADDER_DUE, NULL);
	page_due(t, &in->out);
	inform_due(t, in);
	incident_settle(t, in);
}

void
incident_settle(struct turn *t, struct incident *in)
{
	if (in->state == INCIDENT_RESOLVED && in->reopen_until > 0 && in->reopen_until <= t->now) {
		reopen_forget(t->e, in);
		in->reopen_until = 0;
	}
	if (in->state != INCIDENT_RESOLVED || in->reopen_until > 0 || page_is_live(&in->out)) {
		incident_arm(t->e, in);
		return;
	}
	pb_heap_clear(&t->e->timers, &in->timer);
	(void)pb_map_del(t->e->incidents, in->id);
	incident_displace(in);
	incident_free(in);
}
