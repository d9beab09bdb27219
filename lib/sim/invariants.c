/*
 * The promises, checked from outside: by what was committed, what was started, what was deleted.
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* "P3: ...", and nobody wants to know; what begins otherwise is no promise but a scenario without sense. */
static bool
is_ignored(const struct world *w, const char *text)
{
	return text[0] == 'P' && text[1] >= '1' && text[1] <= '6' && text[2] == ':' &&
	    (w->promises & 1U << (text[1] - '0')) == 0;
}

void
broken(struct world *w, const char *fmt, ...)
{
	char at[PB_TIME_TEXT];
	va_list ap;
	if (is_ignored(w, fmt))
		return;
	va_start(ap, fmt);
	pb_buf_addf(&w->broken, "%s ", pb_time_rfc3339(at, w->now));
	pb_buf_vaddf(&w->broken, fmt, ap);
	pb_buf_addc(&w->broken, '\n');
	va_end(ap);
}

/* The time stands in front. */
void
check_oracle(void *arg, const char *line)
{
	struct world *w = arg;
	if (!is_ignored(w, strchr(line, ' ') + 1))
		(void)pb_buf_adds(&w->broken, line);
}

void
book_free(void *arg)
{
	struct book *b = arg;
	free(b->id);
	free(b->playbook);
	json_decref(b->bundles);
	free(b);
}

static struct book *
book_of(struct world *w, const char *incident)
{
	struct book *b = pb_map_get(w->books, incident);
	if (b == NULL) {
		b = pb_calloc(1, sizeof(*b));
		b->id = pb_strdup(incident);
		(void)pb_map_put(w->books, incident, b);
	}
	return b;
}

static int64_t
page_by_of(const struct world *w, const json_t *incident)
{
	size_t i = pb_config_find_playbook(w->config, pb_json_str_or(incident, "playbook", ""));
	int64_t page_by = i == PB_NONE ? 0 : w->config->playbooks[i].page_by_for;
	return pb_json_i64(incident, "reopened_at", pb_json_i64(incident, "opened_at", 0)) +
	    page_by;
}

static void
forget_steps(struct pb_map *map, const char *incident)
{
	size_t i = 0, len = strlen(incident);
	const char *step;
	void *value;
	while (pb_map_next(map, &i, &step, &value))
		if (strncmp(step, incident, len) == 0 && step[len] == '/')
			(void)pb_map_del(map, step);
}

/* It came back after it was resolved, maybe in the same commit: a human is to be told anew, and what a
 * human or a recovery has settled before is settled.  Its steps belong to another run. */
static void
begin_anew(struct world *w, struct book *b, int64_t n_reopened)
{
	b->n_reopened = n_reopened;
	b->page_by_at = b->paged_at = 0;
	b->is_acked = false;
	forget_steps(w->unknown, b->id);
	forget_steps(w->effects, b->id);
}

static void
take_incident(struct world *w, const struct pb_record *r)
{
	struct book *b = book_of(w, r->key);
	int64_t n_reopened = pb_json_i64(r->body, "n_reopened", 0);
	if (n_reopened > b->n_reopened)
		begin_anew(w, b, n_reopened);
	if (b->page_by_at == 0) /* by the plan it began with */
		b->page_by_at = page_by_of(w, r->body);
	b->began_at = pb_json_i64(r->body, "reopened_at", pb_json_i64(r->body, "opened_at", 0));
	if (b->playbook == NULL)
		b->playbook = pb_strdup(pb_json_str_or(r->body, "playbook", ""));
	b->is_resolved = strcmp(r->state, "resolved") == 0;
	const char *before = pb_map_get(w->committed, r->key);
	if (before == NULL || strcmp(before, r->state) != 0)
		world_see(
		    w, "incident", r->state, pb_json_str_or(r->body, "cause", ""), r->key, 0, NULL);
	free(pb_map_put(w->committed, r->key, pb_strdup(r->state)));
}

static void
take_ladder(struct world *w, const struct pb_record *r)
{
	struct book *b = book_of(w, r->key);
	b->is_acked = strcmp(r->state, "acked") == 0 || strcmp(r->state, "snoozed") == 0 ||
	    strcmp(r->state, "held") == 0;
	b->is_armed = true;
	/* Held for as long as nobody knows whether it should be. */
	int64_t by = pb_json_i64(r->body, "decide_by", 0);
	if (by > 0) {
		b->is_acked = false;
		b->page_by_at = by;
	}
	json_decref(b->bundles);
	b->bundles = json_deep_copy(pb_json_get(r->body, "bundles"));
}

/* Is it told of by page `number` of the bundle? */
static bool
is_told_by(const struct book *b, const char *bundle, int64_t number)
{
	size_t i;
	const json_t *j;
	json_array_foreach (b->bundles, i, j) {
		int64_t since = pb_json_i64(j, "since", 0);
		if (pb_streq(pb_json_str(j, "id"), bundle) && since > 0 && since <= number)
			return true;
	}
	return false;
}

void
check_commit(struct world *w, const struct pb_update *u)
{
	oracle_commit(w->oracle, u);
	for (size_t i = 0; i < u->n_records; i++) {
		const struct pb_record *r = &u->records[i];
		PB_CLEANUP(pb_freep)
		char *key = pb_asprintf("%s %s", pb_record_kind_name(r->kind), r->key);
		if (r->body == NULL) {
			free(pb_map_del(w->committed, key));
			continue;
		}
		free(pb_map_put(w->committed, key, pb_strdup(r->state)));
		if (r->kind == PB_REC_INCIDENT)
			take_incident(w, r);
		if (r->kind == PB_REC_LADDER)
			take_ladder(w, r);
		if (r->kind == PB_REC_CONTROL) {
			PB_CLEANUP(pb_freep) char *at = pb_asprintf("%s since", r->key);
			free(pb_map_put(w->committed, at, pb_asprintf("%lld", (long long)w->now)));
		}
		if (r->kind == PB_REC_INCIDENT && pb_json_str(r->body, "lock") != NULL) {
			PB_CLEANUP(pb_freep) char *lock = pb_asprintf("%s lock", r->key);
			free(pb_map_put(
			    w->committed, lock, pb_strdup(pb_json_str(r->body, "lock"))));
		}
		if (r->kind == PB_REC_ALARM) {
			PB_CLEANUP(pb_freep) char *at = pb_asprintf("%s since", r->key);
			free(pb_map_put(w->committed, at,
			    pb_asprintf(
				"%lld", (long long)pb_json_i64(r->body, "transitioned_at", 0))));
		}
	}
}

/* "INCIDENT/STEP" of "INCIDENT/STEP/ATTEMPT" */
static char *
step_of(const char *action_id)
{
	return pb_strndup(action_id, (size_t)(strrchr(action_id, '/') - action_id));
}

void
check_unknown(struct world *w, const char *action_id)
{
	oracle_lost(w->oracle, action_id);
	PB_CLEANUP(pb_freep) char *step = step_of(action_id);
	(void)pb_map_put(w->unknown, step, w);
}

/* The step, or the undo of one, that "INCIDENT/STEP" stands for; NULL when its plan is gone. */
static const struct pb_step *
find_step(const struct world *w, const struct book *b, const char *step)
{
	size_t i = pb_config_find_playbook(w->config, b->playbook == NULL ? "" : b->playbook);
	if (i == PB_NONE)
		return NULL;
	const struct pb_playbook *p = &w->config->playbooks[i];
	for (size_t k = 0; k < p->n_steps; k++) {
		const struct pb_step *s = &p->steps[k];
		if (s->rollback != NULL && strcmp(s->rollback->name, strchr(step, '/') + 1) == 0)
			s = s->rollback;
		if (strcmp(s->name, strchr(step, '/') + 1) == 0)
			return s;
	}
	return NULL;
}

/* Is it declared `once`, with a human to be asked when nobody knows? */
static bool
must_ask(const struct world *w, const struct book *b, const char *step)
{
	const struct pb_step *s = find_step(w, b, step);
	return s != NULL && s->effect == PB_EFFECT_ONCE && s->on_interrupted == PB_INTERRUPTED_ASK;
}

void
check_effect(struct world *w, const char *step)
{
	PB_CLEANUP(pb_freep) char *incident = pb_strndup(step, strcspn(step, "/"));
	const struct pb_step *s = find_step(w, book_of(w, incident), step);
	bool is_first = pb_map_get(w->effects, step) == NULL;
	(void)pb_map_put(w->effects, step, w);
	if (!is_first && s != NULL && s->effect == PB_EFFECT_CHECK_FIRST &&
	    s->on_interrupted == PB_INTERRUPTED_ASK)
		broken(w, "P3: %s, which is looked at first, takes effect a second time", step);
}

/* "INCIDENT/STEP/c1.7" */
static bool
is_probe(const char *action_id)
{
	return strrchr(action_id, '/')[1] == 'c';
}

/* Was it stopped by a human before this very moment?  What was decided with the stop may still begin. */
static bool
is_stopped(const struct world *w, const char *playbook)
{
	PB_CLEANUP(pb_freep)
	char *of_it = pb_asprintf("remediation/%s", playbook == NULL ? "" : playbook);
	const char *const keys[] = {"remediation", of_it};
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++) {
		PB_CLEANUP(pb_freep) char *key = pb_asprintf("control %s", keys[i]);
		PB_CLEANUP(pb_freep) char *since = pb_asprintf("%s since", keys[i]);
		const char *at = pb_map_get(w->committed, since);
		if (pb_map_get(w->committed, key) != NULL && at != NULL &&
		    strtoll(at, NULL, 10) < w->now)
			return true;
	}
	return false;
}

static const char *
lock_of(const struct world *w, const char *incident)
{
	PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s lock", incident);
	return pb_map_get(w->committed, key);
}

/* At most as many runs as may hold its lock. */
static void
check_lock(struct world *w, const struct pb_action *a, const struct book *b)
{
	const char *lock = lock_of(w, a->incident), *id;
	size_t i = 0,
	       p = pb_config_find_playbook(w->config, b->playbook == NULL ? "" : b->playbook);
	void *value;
	int64_t n = 0, max = p == PB_NONE ? 0 : w->config->playbooks[p].guards.concurrency_max;
	if (lock == NULL || max == 0)
		return;
	while (pb_map_next(w->books, &i, &id, &value)) {
		const char *state = pb_map_get(w->committed, id), *other = lock_of(w, id);
		n += state != NULL && other != NULL && strcmp(state, "running") == 0 &&
		    strcmp(other, lock) == 0;
	}
	if (n > max)
		broken(
		    w, "P6: %s is started and %lld runs hold lock %s", a->id, (long long)n, lock);
}

/* P3 for what is told besides pages; it counts for no promise about people. */
static void
check_post(struct world *w, const struct pb_action *a)
{
	PB_CLEANUP(pb_freep) char *id = pb_strdup(a->id);
	*strrchr(id, '/') = '\0';
	PB_CLEANUP(pb_freep) char *key = pb_asprintf("post %s", id);
	const char *state = pb_map_get(w->committed, key);
	if (state == NULL || strcmp(state, "sending") != 0)
		broken(w, "P3: %s is started and its record says %s", a->id,
		    state == NULL ? "nothing" : state);
	if (pb_map_get(w->attempts, a->id) != NULL)
		broken(w, "P3: attempt %s is started twice", a->id);
	(void)pb_map_put(w->attempts, a->id, w);
}

/* A page of a bundle tells of each member whose ladder says so: "BUNDLE/page/NUMBER.LEVEL.REPEAT/.." */
static void
take_bundle_page(struct world *w, const struct pb_action *a)
{
	const char *page = strstr(a->id, "/page/"), *id;
	int64_t number = page == NULL ? 0 : strtoll(page + 6, NULL, 10);
	size_t i = 0;
	void *value;
	while (pb_map_next(w->books, &i, &id, &value)) {
		struct book *b = value;
		if (page == NULL || !is_told_by(b, a->incident, number))
			continue;
		if (b->paged_at == 0)
			b->paged_at = w->now;
	}
}

/* P3: nothing acts before it is committed; an attempt is started once.  P4: degraded starts no step. */
void
check_start(struct world *w, const struct pb_action *a)
{
	oracle_start(w->oracle, w->now, a);
	if (a->is_post) {
		check_post(w, a);
		return;
	}
	PB_CLEANUP(pb_freep) char *bundle = pb_asprintf("bundle %s", a->incident);
	bool is_bundle = pb_map_get(w->committed, bundle) != NULL;
	struct book *b = is_bundle ? NULL : book_of(w, a->incident);
	PB_CLEANUP(pb_freep) char *id = pb_strdup(a->id);
	if (a->is_page)
		*strrchr(id, '/') = '\0'; /* the record is the page's, the action one try of it */
	PB_CLEANUP(pb_freep) char *key = pb_asprintf("action %s", id);
	const char *state = pb_map_get(w->committed, key);
	if (state == NULL || strcmp(state, a->is_page ? "sending" : "started") != 0)
		broken(w, "P3: %s is started and its record says %s", a->id,
		    state == NULL ? "nothing" : state);
	if (b != NULL && !b->is_armed)
		broken(w, "P2: %s is started and no page is armed", a->id);
	if (pb_map_get(w->attempts, a->id) != NULL)
		broken(w, "P3: attempt %s is started twice", a->id);
	(void)pb_map_put(w->attempts, a->id, w);
	if (is_bundle) {
		take_bundle_page(w, a);
		return;
	}
	if (a->is_page) {
		if (b->paged_at == 0)
			b->paged_at = w->now;
		return;
	}
	PB_CLEANUP(pb_freep) char *step = step_of(a->id);
	if (pb_map_get(w->unknown, step) != NULL && must_ask(w, b, step))
		broken(w, "P3: %s is started and nobody knows what the one before did", a->id);
	if (!is_probe(a->id) && is_stopped(w, b->playbook))
		broken(w, "P4: %s is started while remediation is stopped", a->id);
	check_lock(w, a, b);
	if (w->is_degraded)
		broken(w, "P4: %s is started without a store", a->id);
	for (size_t i = 0; i < w->n_running; i++)
		/* Asking an address is looking, not acting. */
		if (!w->running[i].is_page && !w->running[i].is_unawaited && !is_probe(a->id) &&
		    !is_probe(w->running[i].action_id) &&
		    strcmp(w->running[i].incident, a->incident) == 0)
			broken(w, "P6: %s runs beside %s", a->id, w->running[i].action_id);
}

/* P1: a message leaves the queue only when its event is durable. */
void
check_receipt(struct world *w, const struct message *m)
{
	if (m->event != NULL)
		oracle_receipt(w->oracle, w->now, m->event);
	if (m->event == NULL) {
		PB_CLEANUP(pb_freep)
		char *key =
		    pb_asprintf("quarantine %s/m%llu", w->queue, (unsigned long long)m->receipt);
		if (pb_map_get(w->committed, key) == NULL)
			broken(w, "P1: a message that cannot be read is deleted and not kept");
		return;
	}
	if (m->event->kind == PB_EVENT_ALARM) {
		PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s since", m->event->alarm_arn);
		const char *since = pb_map_get(w->committed, key);
		PB_CLEANUP(pb_freep) char *seen = pb_asprintf("seen %s", m->event->identity);
		if ((since == NULL || strtoll(since, NULL, 10) < m->event->transitioned_at) &&
		    pb_map_get(w->committed, seen) == NULL)
			broken(w, "P1: %s is deleted and not durable", m->event->identity);
	} else {
		PB_CLEANUP(pb_freep) char *key = pb_asprintf("seen %s", m->event->identity);
		if (pb_map_get(w->committed, key) == NULL)
			broken(w, "P1: %s is deleted and not durable", m->event->identity);
	}
}

/* By when must it be told?  In a storm not before the next summary may go out. */
static int64_t
told_by(const struct world *w, const struct book *b)
{
	int64_t least = b->page_by_at;
	bool is_storm = false;
	size_t k;
	const json_t *j;
	json_array_foreach (b->bundles, k, j)
		is_storm = is_storm || pb_streq(pb_json_str(j, "kind"), "storm");
	for (size_t i = 0; i < w->config->n_escalations && is_storm; i++) {
		int64_t at = b->began_at + w->config->escalations[i].storm_within;
		least = at > least ? at : least;
	}
	return least;
}

/* P2: told by page_by.  P5: everything open has a next step. */
void
check_turn(struct world *w)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(w->books, &i, &id, &value)) {
		const struct book *b = value;
		if (!b->is_resolved && !b->is_acked && b->paged_at == 0 &&
		    w->now > told_by(w, b) + w->commit_takes &&
		    w->now > w->up_since + w->commit_takes)
			broken(w, "P2: %s is open past its page_by and nobody is paged", id);
	}
	oracle_quiet(w->oracle, w->now, pb_engine_next_at(w->engine));
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	if (pb_engine_audit(w->engine, w->now, &why) > 0)
		broken(w, "P5: %s", why.ptr);
}

/* Are as many open in each state as committed records say, and as many ladders as incidents? */
void
check_counts(struct world *w)
{
	PB_JSON json_t *counts = pb_engine_counts_json(w->engine);
	PB_JSON json_t *states = json_object();
	const char *id, *state;
	const json_t *n;
	void *value;
	int64_t ladders = 0;
	for (size_t i = 0; pb_map_next(w->books, &i, &id, &value);) {
		const struct book *b = value;
		state = pb_map_get(w->committed, id);
		if (!b->is_resolved && state != NULL)
			pb_json_set_i64(states, state, pb_json_i64(states, state, 0) + 1);
	}
	json_object_foreach (json_object_get(counts, "incident"), state, n)
		if (json_integer_value(n) != pb_json_i64(states, state, 0))
			broken(w, "status: %lld open are counted as %s, and %lld are",
			    (long long)json_integer_value(n), state,
			    (long long)pb_json_i64(states, state, 0));
	json_object_foreach (json_object_get(counts, "ladder"), state, n)
		ladders += json_integer_value(n);
	if (ladders != (int64_t)pb_engine_n_open(w->engine))
		broken(w, "status: %lld ladders are counted of %zu open incidents",
		    (long long)ladders, pb_engine_n_open(w->engine));
}
