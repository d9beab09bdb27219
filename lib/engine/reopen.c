/*
 * What comes back: an incident that was resolved is opened again by the next event of its playbook
 * and key, as long as reopen_within lasts; one that comes back again and again flaps.
 *
 *	RESOLVED -> NEW			[reopen_begin] the same id, the next plan, the ladder from its first level
 *	WAITING -> WAITING		[reopen_is_calming] it flaps and is OK: closed when that lasts
 *
 * Reopened means begun anew in everything but the id and who was told: the plan is the one in force
 * now, the run starts with its first step, nothing that was approved or acknowledged still is.
 * Guards remember by their own keys, so the cooldown of the run before holds the next one back.
 * Page ids go on with the ladder's round, attempt ids with the number of the opening: none is ever
 * given twice.
 *
 * A flapping incident starts nothing, is told once with how often it came back, and stays open through
 * the moments in which it is OK: one incident, one ladder, one acknowledgement, one resolve notice.
 */
#include "internal.h"

#include "base/json.h"

static int64_t
within_of(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p == NULL ? PB_DEFAULT_REOPEN_WITHIN : p->reopen_within_for;
}

static int64_t
flap_times_of(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p == NULL ? PB_DEFAULT_FLAP_TIMES : p->guards.flap_times;
}

static int64_t
flap_within_of(const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	return p == NULL ? PB_DEFAULT_FLAP_WITHIN : p->guards.flap_within;
}

/* --- what can be reopened */

void
reopen_keep(struct turn *t, struct incident *in)
{
	int64_t within = within_of(in);
	if (within == 0)
		return;
	in->reopen_until = t->now + within;
	reopen_index(t->e, in);
}

void
reopen_index(struct pb_engine *e, struct incident *in)
{
	PB_CLEANUP(pb_freep) char *key = incident_full_key(in);
	(void)pb_map_put(e->recent, key, in);
}

void
reopen_forget(struct pb_engine *e, const struct incident *in)
{
	PB_CLEANUP(pb_freep) char *key = incident_full_key(in);
	if (pb_map_get(e->recent, key) == in)
		(void)pb_map_del(e->recent, key);
}

struct incident *
reopen_find(const struct turn *t, const char *full_key)
{
	struct incident *in = pb_map_get(t->e->recent, full_key);
	return in != NULL && in->reopen_until > t->now ? in : NULL;
}

/* --- reopening */

/* The records of the run before: its steps would be taken for this one's after a restart. */
static void
drop_run(struct turn *t, struct incident *in)
{
	for (size_t i = 0; i < in->run.n_steps; i++) {
		PB_CLEANUP(pb_freep)
		char *key = pb_asprintf("%s/%s", in->id, run_step_def(in, i)->name);
		pb_update_drop(t->u, PB_REC_STEP, key);
	}
	if (in->run.state != RUN_NONE)
		pb_update_drop(t->u, PB_REC_RUN, in->id);
	run_fini(&in->run);
	in->run = (struct run){0};
}

static void
clear(char **text)
{
	free(*text);
	*text = NULL;
}

static void
add_flap(struct incident *in, int64_t now)
{
	size_t n = 0, most = (size_t)flap_times_of(in);
	for (size_t i = 0; i < in->n_flaps; i++)
		if (in->flaps[i] > now - flap_within_of(in) && in->n_flaps - i < most)
			in->flaps[n++] = in->flaps[i];
	in->flaps = pb_realloc(in->flaps, (n + 1) * sizeof(*in->flaps));
	in->flaps[n++] = now;
	in->n_flaps = n;
}

void
reopen_begin(
    struct turn *t, struct incident *in, struct pb_event *event, size_t playbook, size_t escalation)
{
	struct ladder *l = &in->ladder;
	reopen_forget(t->e, in);
	joined_clear(in);
	drop_run(t, in);
	page_drop_notices(t, &in->out, "it was reopened");

	if (strcmp(in->config->digest, t->e->config->digest) != 0)
		incident_note(t, in, "", "config",
		    "reopened, it follows %.12s, which is in force now", t->e->config->digest);
	pb_config_unref(in->config);
	in->config = pb_config_ref(t->e->config);
	in->playbook = playbook;
	in->escalation = escalation;
	pb_event_unref(in->event);
	in->event = pb_event_ref(event);
	clear(&in->title);
	incident_set_event(t, in);

	in->last_resolved_at = in->resolved_at;
	free(in->last_cause);
	in->last_cause = PB_TAKE(in->cause);
	in->count++;
	in->n_reopened++;
	in->reopened_at = t->now;
	in->reopen_until = in->resolved_at = in->hold_until = in->wait_until = 0;
	in->recovered_at = in->calm_at = 0;
	in->is_charged = false;
	clear(&in->resolved_by);
	clear(&in->lock);
	clear(&in->answer);
	clear(&l->why);
	clear(&l->held);
	clear(&l->acked_by);
	l->acked_at = l->started_at = 0;
	l->position = l->level = 0;
	add_flap(in, t->now);
	run_init(in);
	incident_input(t, in, INCIDENT_REOPEN);
}

/* --- flapping */

static bool
is_flapping(const struct incident *in, int64_t now)
{
	return in->n_flaps >= (size_t)flap_times_of(in) &&
	    in->flaps[in->n_flaps - (size_t)flap_times_of(in)] > now - flap_within_of(in);
}

char *
reopen_flap_why(const struct incident *in, int64_t now)
{
	char span[PB_TIME_TEXT], within[PB_TIME_TEXT];
	if (!is_flapping(in, now))
		return NULL;
	return pb_asprintf("it flaps: reopened %zu times within %s, %lld events in all; nothing is "
			   "started (flap: %lld times within %s)",
	    in->n_flaps, pb_duration_text(span, now - in->flaps[0]), (long long)in->count,
	    (long long)flap_times_of(in), pb_duration_text(within, flap_within_of(in)));
}

bool
reopen_is_calming(struct turn *t, struct incident *in)
{
	char until[PB_TIME_TEXT];
	/* Whom nobody told of it must not be told of it now. */
	if (!is_flapping(in, t->now) || in->ladder.started_at == 0 || within_of(in) == 0)
		return false;
	in->calm_at = t->now + within_of(in);
	incident_note(t, in, "", "flap",
	    "it is over, as %zu times before; closed at %s if it stays so, and nobody is paged "
	    "until then",
	    in->n_flaps, pb_time_clock(until, wall_of(t->e, in->calm_at)));
	incident_put(t, in);
	return true;
}

/* --- records */

void
reopen_json(const struct incident *in, json_t *j)
{
	if (in->reopen_until > 0)
		pb_json_set_i64(j, "reopen_until", in->reopen_until);
	if (in->n_reopened == 0)
		return;
	json_t *flaps = json_array();
	for (size_t i = 0; i < in->n_flaps; i++)
		json_array_append_new(flaps, json_integer(in->flaps[i]));
	pb_json_set_i64(j, "n_reopened", in->n_reopened);
	pb_json_set_i64(j, "reopened_at", in->reopened_at);
	pb_json_set_i64(j, "last_resolved_at", in->last_resolved_at);
	pb_json_set_str(j, "last_cause", in->last_cause);
	json_object_set_new(j, "flaps", flaps);
	if (in->calm_at > 0)
		pb_json_set_i64(j, "calm_at", in->calm_at);
}

void
reopen_restore(struct incident *in, const json_t *body)
{
	size_t i;
	const json_t *at, *flaps = pb_json_get(body, "flaps");
	in->reopen_until = pb_json_i64(body, "reopen_until", 0);
	in->n_reopened = pb_json_i64(body, "n_reopened", 0);
	in->reopened_at = pb_json_i64(body, "reopened_at", 0);
	in->last_resolved_at = pb_json_i64(body, "last_resolved_at", 0);
	in->last_cause = pb_strdup(pb_json_str(body, "last_cause"));
	in->calm_at = pb_json_i64(body, "calm_at", 0);
	in->flaps = pb_calloc(json_array_size(flaps) + 1, sizeof(*in->flaps));
	json_array_foreach (flaps, i, at)
		in->flaps[in->n_flaps++] = json_integer_value(at);
}
