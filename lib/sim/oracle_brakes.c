/*
 * The oracle on what acts: P3, P4 and the brakes of P6.
 */
#include "sim/oracle.h"

#include <stdlib.h>

#include "base/json.h"
#include "sim/oracle_book.h"

void
oracle_times_free(void *arg)
{
	struct times *t = arg;
	free(t->at);
	free(t);
}

static struct times *
times_of(struct oracle *o, const char *what, const char *name)
{
	PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s %s", what, name);
	struct times *t = pb_map_get(o->brakes, key);
	if (t == NULL) {
		t = pb_calloc(1, sizeof(*t));
		(void)pb_map_put(o->brakes, key, t);
	}
	return t;
}

static void
add(struct times *t, int64_t at)
{
	t->at = pb_realloc(t->at, (t->n + 1) * sizeof(*t->at));
	t->at[t->n++] = at;
}

static int64_t
count_after(const struct times *t, int64_t since)
{
	int64_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += t->at[i] > since;
	return n;
}

/* --- runs */

/* Which of its runs wait for each other; NULL when only the engine can tell. */
static char *
cooldown_key(const struct duty *d)
{
	const char *own = d->playbook->guards.cooldown_key;
	PB_CLEANUP(pb_freep) char *key = own == NULL ? NULL : oracle_expand(own, d->event);
	if (own != NULL && key == NULL)
		return NULL;
	return own == NULL ? pb_strdup(d->name) : pb_asprintf("%s\n%s", d->playbook->name, key);
}

static void
check_cooldown(struct oracle *o, const struct duty *d)
{
	PB_CLEANUP(pb_freep) char *key = cooldown_key(d);
	const struct times *t = key == NULL ? NULL : times_of(o, "cooldown", key);
	if (t != NULL && t->n > 0 && d->playbook->guards.mode != PB_MODE_PROPOSE &&
	    o->now < t->at[t->n - 1] + d->playbook->guards.cooldown_for)
		oracle_broken(o, "P6: a run of %s begins in its cooldown", d->incident);
}

static void
check_rate(struct oracle *o, const struct duty *d)
{
	const struct pb_guards *g = &d->playbook->guards;
	struct times *t = times_of(o, "rate", d->playbook->name);
	int64_t n = count_after(t, o->now - g->rate_per);
	if (g->rate_max > 0 && g->mode != PB_MODE_PROPOSE && n >= g->rate_max)
		oracle_broken(o, "P6: %s is run %lld of playbook %s within its rate of %lld",
		    d->incident, (long long)n + 1, d->playbook->name, (long long)g->rate_max);
}

static void
check_budget(struct oracle *o, struct duty *d)
{
	const struct pb_guards *g = &d->playbook->guards;
	if (g->budget == PB_NONE)
		return;
	const struct pb_budget *b = &d->config->budgets[g->budget];
	struct times *t = times_of(o, "budget", b->name);
	int64_t n = count_after(t, o->now - b->per_for);
	if (n < b->max || g->mode == PB_MODE_PROPOSE)
		return;
	if (!b->empty_approves)
		oracle_broken(o, "P6: %s is run %lld of budget %s of %lld", d->incident,
		    (long long)n + 1, b->name, (long long)b->max);
	d->must_ask = true;
}

/* So many runs for one key, whatever became of them: from then on they ask. */
static void
check_recurrence(struct oracle *o, struct duty *d)
{
	const struct pb_guards *g = &d->playbook->guards;
	PB_CLEANUP(pb_freep) char *key = cooldown_key(d);
	const struct times *t = key == NULL ? NULL : times_of(o, "recurrence", key);
	if (t == NULL || g->recurrence_runs == 0 || g->mode == PB_MODE_PROPOSE ||
	    count_after(t, o->now - g->recurrence_within) < g->recurrence_runs)
		return;
	if (!g->recurrence_approves)
		oracle_broken(o, "P6: %s is one run of playbook %s too many for its key",
		    d->incident, d->playbook->name);
	d->must_ask = true;
}

/* What it takes of them: a run that asks takes it with the first step that was approved. */
static void
count_run(struct oracle *o, const struct duty *d)
{
	const struct pb_guards *g = &d->playbook->guards;
	PB_CLEANUP(pb_freep) char *key = cooldown_key(d);
	add(times_of(o, "rate", d->playbook->name), o->now);
	if (key != NULL)
		add(times_of(o, "recurrence", key), o->now);
	if (g->budget != PB_NONE)
		add(times_of(o, "budget", d->config->budgets[g->budget].name), o->now);
}

static void
check_breaker(struct oracle *o, struct duty *d)
{
	const struct pb_guards *g = &d->playbook->guards;
	const struct times *t = times_of(o, "failed", d->playbook->name);
	if (g->breaker_failures == 0 || g->mode == PB_MODE_PROPOSE ||
	    count_after(t, o->now - g->breaker_within) < g->breaker_failures)
		return;
	if (!g->breaker_approves)
		oracle_broken(o, "P6: a run of %s begins with the breaker of playbook %s open",
		    d->incident, d->playbook->name);
	d->must_ask = true;
}

/* Was it stopped by a human before this was decided? */
static bool
is_stopped(const struct oracle *o, const struct duty *d, int64_t at)
{
	PB_CLEANUP(pb_freep) char *own = pb_asprintf("remediation/%s", duty_playbook(d));
	const struct kept *all = oracle_record(o, PB_REC_CONTROL, "remediation"),
			  *one = oracle_record(o, PB_REC_CONTROL, own);
	return (all != NULL && all->at < at) || (one != NULL && one->at < at);
}

/* A further run of a reopened incident is a further decision. */
static void
forget_unknown(struct oracle *o, const struct duty *d)
{
	size_t i = 0, len = strlen(d->incident);
	const char *step;
	void *value;
	while (pb_map_next(o->unknown, &i, &step, &value))
		if (strncmp(step, d->incident, len) == 0 && step[len] == '/')
			(void)pb_map_del(o->unknown, step);
}

static void
began(struct oracle *o, struct duty *d)
{
	const struct pb_playbook *p = d->playbook;
	if (p == NULL || p->n_steps == 0) {
		oracle_broken(o, "P6: %s runs and has nothing to run", d->incident);
		return;
	}
	if (p->guards.mode == PB_MODE_OBSERVE ||
	    (p->guards.mode == PB_MODE_PROPOSE && d->n_approved == 0))
		oracle_broken(o, "P6: %s runs in mode %s, and no human said so", d->incident,
		    pb_mode_name(p->guards.mode));
	if (d->is_stale)
		oracle_broken(o, "P6: %s runs on an event older than max_age", d->incident);
	if (is_stopped(o, d, o->now))
		oracle_broken(o, "P4: %s runs while remediation is stopped", d->incident);
	forget_unknown(o, d);
	d->is_running = true;
	d->must_ask = p->guards.mode == PB_MODE_APPROVE;
	check_cooldown(o, d);
	check_rate(o, d);
	check_breaker(o, d);
	check_budget(o, d);
	check_recurrence(o, d);
	if (!d->must_ask)
		count_run(o, d);
}

static void
ended(struct oracle *o, struct duty *d, const char *state)
{
	PB_CLEANUP(pb_freep) char *key = cooldown_key(d);
	struct times *failed = times_of(o, "failed", d->playbook->name);
	bool is_free = d->must_ask && pb_map_len(d->unsafe) == 0; /* nobody approved any of it */
	d->is_running = false;
	if (key != NULL && !is_free)
		add(times_of(o, "cooldown", key), o->now);
	if (pb_streq(state, "passed"))
		failed->n = 0;
	if (!pb_streq(state, "failed"))
		return;
	if (!is_free)
		add(failed, o->now);
	/* A failed run pages at once; where many are told together it waits for them, as long as page_by. */
	int64_t at = o->now + (d->bundle == NULL ? 0 : d->playbook->page_by_for);
	if (!d->is_over && o->now > d->has_until && d->due_at > at)
		d->due_at = at;
}

static bool
is_live(const char *state)
{
	return pb_streq(state, "active") || pb_streq(state, "undoing");
}

void
oracle_run_changed(struct oracle *o, struct duty *d, const char *before, const char *state)
{
	bool was_none = pb_streq(before, "none"), is_none = pb_streq(state, "none");
	/* A reopened one's run may take the place of another within one commit, or be over with it. */
	bool is_begun =
	    is_live(state) ? !d->is_running : was_none && !is_none && !pb_streq(state, "cancelled");
	if (is_begun)
		began(o, d);
	if (!is_none && !is_live(state) && (is_live(before) || was_none) && d->playbook != NULL)
		ended(o, d, state);
}

/* At most as many runs as may hold a lock. */
void
oracle_check_locks(struct oracle *o)
{
	size_t i = 0, k;
	const char *key, *other;
	void *value, *with;
	while (pb_map_next(o->duties, &i, &key, &value)) {
		const struct duty *d = value;
		const struct kept *r =
		    d->is_running ? oracle_record(o, PB_REC_INCIDENT, d->incident) : NULL;
		const char *lock = r == NULL ? NULL : pb_json_str(r->body, "lock");
		int64_t n = 0;
		for (k = 0; lock != NULL && pb_map_next(o->duties, &k, &other, &with);) {
			const struct duty *e = with;
			r = e->is_running ? oracle_record(o, PB_REC_INCIDENT, e->incident) : NULL;
			n += r != NULL && pb_streq(pb_json_str(r->body, "lock"), lock);
		}
		int64_t max = lock == NULL ? 0 : d->playbook->guards.concurrency_max;
		if (max > 0 && n > max)
			oracle_broken(o, "P6: %lld runs hold lock %s", (long long)n, lock);
	}
}

/* --- steps */

/* "INCIDENT/STEP" of "INCIDENT/STEP/ATTEMPT" */
static char *
step_of(const char *action_id)
{
	return pb_strndup(action_id, (size_t)(strrchr(action_id, '/') - action_id));
}

/* "INCIDENT/STEP/c1.7": asking an address is looking, not acting. */
static bool
is_probe(const char *action_id)
{
	return strrchr(action_id, '/')[1] == 'c';
}

void
oracle_lost(struct oracle *o, const char *action_id)
{
	PB_CLEANUP(pb_freep) char *step = step_of(action_id);
	if (strstr(action_id, "/page/") == NULL && strstr(action_id, "/resolved/") == NULL)
		(void)pb_map_put(o->unknown, step, o);
}

/* NULL for one that is not the playbook's. */
static const struct pb_step *
find_step(const struct duty *d, const char *name, bool *ret_is_undo)
{
	for (size_t i = 0; d->playbook != NULL && i < d->playbook->n_steps; i++) {
		const struct pb_step *s = &d->playbook->steps[i];
		*ret_is_undo = s->rollback != NULL && pb_streq(s->rollback->name, name);
		if (*ret_is_undo)
			return s->rollback;
		if (pb_streq(s->name, name))
			return s;
	}
	return NULL;
}

static void
check_alone(struct oracle *o, const struct pb_action *a)
{
	size_t i = 0;
	const char *id;
	void *incident;
	while (pb_map_next(o->running, &i, &id, &incident))
		if (!is_probe(id) && pb_streq(incident, a->incident))
			oracle_broken(o, "P6: %s runs beside %s", a->id, id);
}

void
oracle_step_started(struct oracle *o, struct duty *d, const struct pb_action *a)
{
	bool is_undo = false;
	PB_CLEANUP(pb_freep) char *step = step_of(a->id);
	const struct pb_step *def = find_step(d, strchr(step, '/') + 1, &is_undo);
	const struct kept *k = oracle_record(o, PB_REC_ACTION, a->id);
	if (k == NULL || !pb_streq(k->state, "started"))
		oracle_broken(o, "P3: %s is started and its record says %s", a->id,
		    k == NULL ? "nothing" : k->state);
	if (o->is_degraded)
		oracle_broken(o, "P4: %s is started without a store", a->id);
	if (o->is_draining && !is_probe(a->id))
		oracle_broken(o, "P4: %s is started while the daemon drains", a->id);
	if (is_probe(a->id))
		return;
	if (is_stopped(o, d, k == NULL ? o->now : k->at))
		oracle_broken(o, "P4: %s is started while remediation is stopped", a->id);
	if (!d->is_running)
		oracle_broken(o, "P3: %s is started and no run of it is on", a->id);
	check_alone(o, a);
	(void)pb_map_put(o->running, a->id, d->incident);
	if (def == NULL) {
		oracle_broken(o, "P6: %s is no step of playbook \"%s\"", a->id, duty_playbook(d));
		return;
	}
	if (pb_map_get(o->unknown, step) != NULL && def->effect == PB_EFFECT_ONCE &&
	    def->on_interrupted == PB_INTERRUPTED_ASK)
		oracle_broken(
		    o, "P3: %s is started and nobody knows what the one before did", a->id);
	if (def->effect == PB_EFFECT_READ || is_undo)
		return;
	if (d->must_ask && pb_map_len(d->unsafe) == 0)
		count_run(o, d);
	(void)pb_map_put(d->unsafe, def->name, o);
	if (d->must_ask && (int64_t)pb_map_len(d->unsafe) > d->n_approved)
		oracle_broken(o, "P6: %s is started and nobody approved it", a->id);
}
