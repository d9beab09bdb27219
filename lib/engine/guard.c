/*
 * Guards: what keeps a playbook from doing harm by doing it too often, to too many, or at once.
 *
 * Before a run: breaker, cooldown, rate, budget; each remembers times under a key of its own, in a record,
 * so that a restart forgets none of it.  While a run waits: the lock, which is not remembered but
 * looked up among the runs that are active.  Before an unsafe step: the set of its targets.
 *
 *	cooldown/PLAYBOOK/KEY	begin or end of the last run
 *	rate/PLAYBOOK		begins of runs within `per`
 *	budget/NAME		begins of runs within `per`, of all playbooks that share it
 *	breaker/PLAYBOOK	failures within `within` since the last success
 *	recurrence/PLAYBOOK/KEY	begins of runs within `within`
 *	ran/PLAYBOOK		begin of the last run, where drills are asked for (review.c)
 *
 * A run begins where it may first change something: with its first step, or, where each unsafe step
 * asks, when the first one of them was approved.  What nobody approved costs nothing.
 *
 * What a guard stops is paged at once with the number that stopped it; no guard delays a page.
 */
#include "internal.h"

#include "base/digest.h"
#include "base/json.h"
#include "playbook/template.h"

#define KEY_MAX 200
#define FORGET_EVERY PB_HOUR
#define RAN_FOR (400 * PB_DAY) /* the longest drill_every */

void
guard_free(void *arg)
{
	struct guard *g = arg;
	if (g == NULL)
		return;
	free(g->times);
	free(g);
}

/* Keys are made of outside text: a long one is told by its digest. */
static char *
key_of(const char *kind, const char *playbook, const char *rest)
{
	char digest[PB_SHA256_TEXT];
	if (rest == NULL)
		return pb_asprintf("%s/%s", kind, playbook);
	if (strlen(rest) > KEY_MAX) {
		pb_sha256_text(rest, strlen(rest), digest);
		rest = digest;
	}
	return pb_asprintf("%s/%s/%s", kind, playbook, rest);
}

static struct guard *
guard_get(struct pb_engine *e, const char *key)
{
	struct guard *g = pb_map_get(e->guards, key);
	if (g == NULL) {
		g = pb_calloc(1, sizeof(*g));
		(void)pb_map_put(e->guards, key, g);
	}
	return g;
}

static void
guard_add(struct guard *g, int64_t at)
{
	g->times = pb_realloc(g->times, (g->n + 1) * sizeof(*g->times));
	g->times[g->n++] = at;
}

static size_t
count_since(const struct pb_engine *e, const char *key, int64_t since)
{
	const struct guard *g = pb_map_get(e->guards, key);
	size_t n = 0;
	for (size_t i = 0; g != NULL && i < g->n; i++)
		n += g->times[i] > since;
	return n;
}

static void
forget_before(struct guard *g, int64_t since)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->times[i] > since)
			g->times[n++] = g->times[i];
	g->n = n;
}

/* Add a time to what `key` remembers, and forget what is older than `span`. */
static void
remember(struct turn *t, const char *key, int64_t span)
{
	struct guard *g = guard_get(t->e, key);
	forget_before(g, t->now - span);
	guard_add(g, t->now);
	g->until = t->now + span;
	json_t *times = json_array();
	for (size_t i = 0; i < g->n; i++)
		json_array_append_new(times, json_integer(g->times[i]));
	pb_update_put(t->u, PB_REC_GUARD, key, "", "",
	    json_pack("{s:o, s:I}", "times", times, "until", (json_int_t)g->until));
}

static void
forget(struct turn *t, const char *key)
{
	struct guard *g = pb_map_del(t->e->guards, key);
	if (g == NULL)
		return;
	guard_free(g);
	pb_update_drop(t->u, PB_REC_GUARD, key);
}

void
guard_forget(struct turn *t)
{
	size_t i = 0;
	const char *key;
	void *value;
	if (t->now < t->e->guards_forget_at)
		return;
	t->e->guards_forget_at = t->now + FORGET_EVERY;
	while (pb_map_next(t->e->guards, &i, &key, &value)) {
		if (((struct guard *)value)->until > t->now)
			continue;
		pb_update_drop(t->u, PB_REC_GUARD, key);
		guard_free(pb_map_del(t->e->guards, key));
	}
}

int64_t
guard_ran_at(const struct pb_engine *e, const char *playbook)
{
	PB_CLEANUP(pb_freep) char *key = key_of("ran", playbook, NULL);
	const struct guard *g = pb_map_get(e->guards, key);
	return g == NULL || g->n == 0 ? 0 : g->times[g->n - 1];
}

int
guard_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	size_t i;
	json_t *at;
	const json_t *times = pb_json_get(r->body, "times");
	if (!json_is_array(times))
		return pb_fail(err, PB_CORRUPT, "guard %s: it has no times", r->key);
	struct guard *g = pb_calloc(1, sizeof(*g));
	g->until = pb_json_i64(r->body, "until", 0);
	json_array_foreach (times, i, at)
		guard_add(g, json_integer_value(at));
	guard_free(pb_map_put(e->guards, r->key, g));
	return 0;
}

/* --- before a run */

/* A start template, or `fallback`; NULL with `why` when it gives nothing. */
static char *
expand(struct turn *t, const struct incident *in, const char *what, const char *text,
    const char *fallback, char **why)
{
	struct pb_error err = {0};
	char *value = NULL;
	if (text == NULL)
		return pb_strdup(fallback);
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	if (pb_template_expand_text(text, context, &value, &err) == 0 && value[0] != '\0')
		return value;
	free(value);
	*why = pb_asprintf(
	    "guard %s gives nothing: %s", what, err.text[0] == '\0' ? "it is empty" : err.text);
	return NULL;
}

static char *
cooldown_key(struct turn *t, const struct incident *in, char **why)
{
	const struct pb_playbook *p = incident_playbook(in);
	PB_CLEANUP(pb_freep)
	char *key = expand(t, in, "cooldown", p->guards.cooldown_key, in->key, why);
	return key == NULL ? NULL : key_of("cooldown", p->name, key);
}

static char *
check_cooldown(struct turn *t, const struct incident *in)
{
	const struct pb_guards *c = &incident_playbook(in)->guards;
	char *why = NULL, ago[PB_TIME_TEXT], span[PB_TIME_TEXT], next[PB_TIME_TEXT];
	if (c->cooldown_for == 0)
		return NULL;
	PB_CLEANUP(pb_freep) char *key = cooldown_key(t, in, &why);
	const struct guard *g = key == NULL ? NULL : pb_map_get(t->e->guards, key);
	if (g == NULL || g->n == 0)
		return why;
	int64_t last = g->times[g->n - 1];
	if (last + c->cooldown_for <= t->now)
		return NULL;
	return pb_asprintf("the last run was %s ago and the next may begin at %s (cooldown %s)",
	    pb_duration_text(ago, t->now - last),
	    pb_time_clock(next, wall_of(t->e, last + c->cooldown_for)),
	    pb_duration_text(span, c->cooldown_for));
}

static char *
check_rate(struct turn *t, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	const struct pb_guards *c = &p->guards;
	char span[PB_TIME_TEXT];
	if (c->rate_max == 0)
		return NULL;
	PB_CLEANUP(pb_freep) char *key = key_of("rate", p->name, NULL);
	size_t n = count_since(t->e, key, t->now - c->rate_per);
	if (n < (size_t)c->rate_max)
		return NULL;
	return pb_asprintf("%zu runs of the playbook within %s (rate: at most %lld)", n,
	    pb_duration_text(span, c->rate_per), (long long)c->rate_max);
}

static const struct pb_budget *
budget_of(const struct incident *in)
{
	size_t i = incident_playbook(in)->guards.budget;
	return i == PB_NONE ? NULL : &in->config->budgets[i];
}

static char *
check_budget(struct turn *t, const struct incident *in)
{
	const struct pb_budget *b = budget_of(in);
	char span[PB_TIME_TEXT];
	if (b == NULL)
		return NULL;
	PB_CLEANUP(pb_freep) char *key = key_of("budget", b->name, NULL);
	size_t n = count_since(t->e, key, t->now - b->per_for);
	if (n < (size_t)b->max)
		return NULL;
	return pb_asprintf("budget %s is empty: %zu of %lld runs within %s", b->name, n,
	    (long long)b->max, pb_duration_text(span, b->per_for));
}

static char *
check_breaker(struct turn *t, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	const struct pb_guards *c = &p->guards;
	char span[PB_TIME_TEXT];
	if (c->breaker_failures == 0)
		return NULL;
	PB_CLEANUP(pb_freep) char *key = key_of("breaker", p->name, NULL);
	size_t n = count_since(t->e, key, t->now - c->breaker_within);
	if (n < (size_t)c->breaker_failures)
		return NULL;
	return pb_asprintf("%zu failed runs of the playbook within %s (breaker: at %lld)", n,
	    pb_duration_text(span, c->breaker_within), (long long)c->breaker_failures);
}

/* With the key of the cooldown: what is the same target to the one is to the other. */
static char *
recurrence_key(struct turn *t, const struct incident *in, char **why)
{
	const struct pb_playbook *p = incident_playbook(in);
	PB_CLEANUP(pb_freep)
	char *key = expand(t, in, "cooldown", p->guards.cooldown_key, in->key, why);
	return key == NULL ? NULL : key_of("recurrence", p->name, key);
}

/* No cooldown, no key and no reopening gets around it: the ceiling of one key's runs. */
static char *
check_recurrence(struct turn *t, const struct incident *in)
{
	const struct pb_guards *c = &incident_playbook(in)->guards;
	char span[PB_TIME_TEXT], *why = NULL;
	PB_CLEANUP(pb_freep) char *key = recurrence_key(t, in, &why);
	if (key == NULL)
		return why;
	size_t n = count_since(t->e, key, t->now - c->recurrence_within);
	if (n < (size_t)c->recurrence_runs)
		return NULL;
	return pb_asprintf("%zu runs for the same key within %s (recurrence: at %lld)", n,
	    pb_duration_text(span, c->recurrence_within), (long long)c->recurrence_runs);
}

/* From here on each unsafe step asks, where the run would have gone by itself. */
static void
demote(struct turn *t, struct incident *in, const char *why)
{
	if (in->mode != PB_MODE_AUTO) {
		incident_note(t, in, "", "guard", "%s", why);
		return;
	}
	in->mode = PB_MODE_APPROVE;
	incident_note(t, in, "", "guard", "%s; unsafe steps ask", why);
}

char *
guard_admit(struct turn *t, struct incident *in)
{
	const struct pb_guards *c = &incident_playbook(in)->guards;
	const struct pb_budget *b = budget_of(in);
	struct pb_error err = {0};
	if (context_params(t->e, in, &err) < 0)
		return pb_strdup(err.text);
	char *why = check_cooldown(t, in);
	if (why == NULL)
		why = check_rate(t, in);
	if (why != NULL)
		return why;
	PB_CLEANUP(pb_freep) char *breaker = check_breaker(t, in);
	PB_CLEANUP(pb_freep) char *budget = check_budget(t, in);
	PB_CLEANUP(pb_freep) char *recurrence = check_recurrence(t, in);
	if (breaker != NULL && !c->breaker_approves)
		return PB_TAKE(breaker);
	if (recurrence != NULL && !c->recurrence_approves)
		return PB_TAKE(recurrence);
	if (budget != NULL && !b->empty_approves)
		return PB_TAKE(budget);
	if (breaker != NULL)
		demote(t, in, breaker);
	if (recurrence != NULL)
		demote(t, in, recurrence);
	if (budget != NULL)
		demote(t, in, budget);
	return NULL;
}

char *
guard_still(struct turn *t, const struct incident *in)
{
	const struct pb_budget *b = budget_of(in);
	if (in->is_charged)
		return NULL;
	char *why = check_rate(t, in);
	if (why == NULL && b != NULL && !b->empty_approves)
		why = check_budget(t, in);
	return why;
}

void
guard_run_began(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	const struct pb_budget *b = budget_of(in);
	char *why = NULL;
	if (in->is_charged)
		return;
	in->is_charged = true;
	incident_put(t, in);
	PB_CLEANUP(pb_freep) char *cooldown = cooldown_key(t, in, &why);
	free(why);
	why = NULL;
	PB_CLEANUP(pb_freep) char *recurrence = recurrence_key(t, in, &why);
	free(why);
	if (recurrence != NULL)
		remember(t, recurrence, p->guards.recurrence_within);
	if (p->reviewed.drill_every_for > 0) {
		PB_CLEANUP(pb_freep) char *key = key_of("ran", p->name, NULL);
		forget(t, key);
		remember(t, key, RAN_FOR);
	}
	if (cooldown != NULL && p->guards.cooldown_for > 0) {
		forget(t, cooldown);
		remember(t, cooldown, p->guards.cooldown_for);
	}
	if (p->guards.rate_max > 0) {
		PB_CLEANUP(pb_freep) char *key = key_of("rate", p->name, NULL);
		remember(t, key, p->guards.rate_per);
	}
	if (b != NULL) {
		PB_CLEANUP(pb_freep) char *key = key_of("budget", b->name, NULL);
		remember(t, key, b->per_for);
	}
}

void
guard_run_ended(struct turn *t, struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	char *why = NULL;
	wake_lock(t->e, in->lock);
	if (!in->is_charged)
		return;
	PB_CLEANUP(pb_freep) char *cooldown = cooldown_key(t, in, &why);
	free(why);
	if (cooldown != NULL && p->guards.cooldown_for > 0) {
		forget(t, cooldown);
		remember(t, cooldown, p->guards.cooldown_for);
	}
	if (p->guards.breaker_failures == 0)
		return;
	PB_CLEANUP(pb_freep) char *breaker = key_of("breaker", p->name, NULL);
	if (in->run.state == RUN_FAILED)
		remember(t, breaker, p->guards.breaker_within);
	else if (in->run.state == RUN_PASSED)
		forget(t, breaker);
}

/* --- the lock */

char *
guard_lock(struct turn *t, const struct incident *in, char **why)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (p->guards.concurrency_max == 0)
		return NULL;
	return expand(t, in, "concurrency", p->guards.lock, p->name, why);
}

/*
 * Where several could hold it, the first of them stands for all.  Who lets only so many beside it
 * means those who come later, too: whatever their plans allow.
 */
const struct incident *
guard_lock_holder(const struct pb_engine *e, const struct incident *in, const char *lock)
{
	const struct crowd *c = crowd_find(e->lock_holders, lock);
	if (c == NULL)
		return NULL;
	pb_check(in->by_lock.crowd != c); /* whoever asks has no run yet */
	bool is_full = (int64_t)c->n >= incident_playbook(in)->guards.concurrency_max;
	for (const struct place *p = c->first; p != NULL && !is_full; p = p->next)
		is_full = (int64_t)c->n >= incident_playbook(p->in)->guards.concurrency_max;
	return is_full ? c->first->in : NULL;
}

/* --- the targets */

/* One name: what a program prints a line each is several, however it is handed on. */
static bool
is_name(const json_t *v)
{
	bool is_blank = true;
	const char *s = json_string_value(v);
	for (; s != NULL && *s != '\0'; s++) {
		if ((unsigned char)*s < ' ')
			return false;
		is_blank = is_blank && *s == ' ';
	}
	return !is_blank;
}

/* A target is a name, or a number. */
static bool
is_target(const json_t *v)
{
	return is_name(v) || json_is_integer(v);
}

static const char *
kind_of(const json_t *v)
{
	if (json_is_array(v))
		return "a list";
	if (json_is_object(v))
		return "an object";
	if (json_string_length(v) > 0)
		return "a text that is blank or has several lines";
	if (json_is_string(v))
		return "an empty text";
	return json_is_null(v) ? "null" : "neither a text nor a whole number";
}

/* How many: of a list its length, of a text one; -1 with `why` when that cannot be told. */
static int64_t
count_targets(const json_t *set, char **why)
{
	size_t i;
	const json_t *v;
	if (is_name(set))
		return 1;
	if (json_is_string(set) && json_string_length(set) == 0)
		return 0;
	if (!json_is_array(set)) {
		*why = pb_asprintf("the targets are not known: they are %s, and neither a list nor "
				   "a name (targets)",
		    kind_of(set));
		return -1;
	}
	json_array_foreach (set, i, v) {
		if (is_target(v))
			continue;
		*why = pb_asprintf(
		    "the targets are not known: element %zu of the list is %s (targets: "
		    "a list of names)",
		    i + 1, kind_of(v));
		return -1;
	}
	return (int64_t)json_array_size(set);
}

/* A whole number of the outside, as such or as text; -1 when it is none. */
static int64_t
count_live(const json_t *live)
{
	int64_t n = -1;
	if (json_is_integer(live))
		return json_integer_value(live);
	if (json_is_string(live) &&
	    pb_parse_i64(pb_str_of(json_string_value(live)), 0, INT32_MAX, &n, NULL) == 0)
		return n;
	return -1;
}

/*
 * Where a playbook does not say what its targets are, each list that a template makes in a call to AWS is
 * taken for them.  Lists that the author wrote out are what he wanted.
 */
static char *
check_lists(const json_t *inputs, const json_t *context, const char *name)
{
	const char *key;
	json_t *v;
	size_t i;
	char *why = NULL;
	json_array_foreach (inputs, i, v)
		if ((why = check_lists(v, context, name)) != NULL)
			return why;
	json_object_foreach ((json_t *)(uintptr_t)inputs, key, v) {
		PB_CLEANUP(pb_freep)
		char *path = pb_asprintf("%s%s%s", name, name[0] == '\0' ? "" : ".", key);
		if ((why = check_lists(v, context, path)) != NULL)
			return why;
	}
	struct pb_error err;
	PB_JSON json_t *value = NULL;
	if (!json_is_string(inputs) || pb_template_expand_json(inputs, context, &value, &err) < 0 ||
	    !json_is_array(value))
		return NULL; /* what cannot be filled in fails the step by itself */
	if (json_array_size(value) == 0)
		return pb_asprintf("an empty list in %s (targets)", name);
	if (json_array_size(value) > 1)
		return pb_asprintf("%zu values in %s (targets: at most 1 where a playbook does not "
				   "say what they are)",
		    json_array_size(value), name);
	return NULL;
}

static char *
check_targets(struct turn *t, const struct incident *in, size_t step, const json_t *context)
{
	const struct pb_guards *c = &incident_playbook(in)->guards;
	struct pb_error err = {0};
	PB_JSON json_t *set = NULL, *live = NULL;
	if (pb_template_expand(c->targets_from, context, &set, &err) < 0)
		return pb_asprintf("the targets are not known: %s", err.text);
	char *why = NULL;
	int64_t n = count_targets(set, &why);
	if (n < 0)
		return why;
	if (n == 0)
		return pb_strdup("the set of targets is empty (targets)");
	if (n > c->targets_max)
		return pb_asprintf("%lld targets (targets: at most %lld)", (long long)n,
		    (long long)c->targets_max);
	if (c->percent_of == NULL)
		return NULL;
	if (pb_template_expand(c->percent_of, context, &live, &err) < 0)
		return pb_asprintf("the live capacity is not known: %s", err.text);
	int64_t of = count_live(live);
	if (of <= 0 || of > INT32_MAX)
		return pb_strdup("the live capacity is not known: no whole number above 0");
	if (n * 100 > of * c->percent)
		return pb_asprintf("%lld of %lld targets (targets: at most %lld percent)",
		    (long long)n, (long long)of, (long long)c->percent);
	incident_note(t, in, run_step_def(in, step)->name, "guard",
	    "%lld of %lld targets, at most %lld percent and %lld", (long long)n, (long long)of,
	    (long long)c->percent, (long long)c->targets_max);
	return NULL;
}

char *
guard_targets(struct turn *t, const struct incident *in, size_t step)
{
	const struct pb_guards *c = &incident_playbook(in)->guards;
	const struct pb_step *def = run_step_def(in, step);
	bool is_said = c->targets_from != NULL;
	if (step_is_safe(def) || (is_said && step < c->targets_after) ||
	    (!is_said && def->kind != PB_STEP_AWS))
		return NULL;
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	return is_said ? check_targets(t, in, step, context)
		       : check_lists(def->inputs, context, "");
}
