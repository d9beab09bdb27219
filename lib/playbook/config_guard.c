/*
 * What holds a playbook back: its mode, its guards, the budgets it shares; and its params.
 */
#include <stdlib.h>

#include "playbook/read.h"
#include "playbook/template.h"

#define PARAMS_MAX 50
#define COUNT_MAX 10000
#define SPAN_MAX (30 * PB_DAY)

static const char *const mode_names[PB_MODE_MAX] = {
    [PB_MODE_OBSERVE] = "observe",
    [PB_MODE_PROPOSE] = "propose",
    [PB_MODE_APPROVE] = "approve",
    [PB_MODE_AUTO] = "auto",
};

const char *
pb_mode_name(enum pb_mode mode)
{
	pb_check((unsigned)mode < PB_MODE_MAX);
	return mode_names[mode];
}

void
pb_guards_fini(struct pb_guards *g)
{
	free(g->cooldown_key);
	free(g->lock);
	free(g->targets_from);
	free(g->percent_of);
}

static void
read_then(struct pb_loader *l, const struct pb_node *n, bool *ret_is_approve)
{
	static const char *const words[] = {"approve", "page"};
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		*ret_is_approve = which == 0;
}

static void
read_start_template(struct pb_loader *l, const struct pb_node *n, char **ret)
{
	if (pb_read_text(l, n, 1024, ret) == 0)
		pb_check_template(l, n, *ret, PB_TEMPLATE_START);
}

/* --- the guards */

static void
read_mode(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	size_t which;
	if (pb_read_word(l, n, mode_names, PB_MODE_MAX, &which) == 0)
		g->mode = (enum pb_mode)which;
}

static void
read_cooldown_key(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	read_start_template(l, n, &g->cooldown_key);
}

static void
read_lock(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	read_start_template(l, n, &g->lock);
}

#define AT(member) .offset = offsetof(struct pb_guards, member)

static const struct pb_field cooldown_fields[] = {
    {"for", PB_FIELD_DURATION, .is_required = true, AT(cooldown_for), .min = 0, .max = SPAN_MAX},
    {"key", PB_FIELD_CUSTOM, .read = read_cooldown_key},
};

static void
read_cooldown(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "cooldown", cooldown_fields, obj);
}

static const struct pb_field concurrency_fields[] = {
    {"max", PB_FIELD_INT, .is_required = true, AT(concurrency_max), .min = 1, .max = COUNT_MAX},
    {"lock", PB_FIELD_CUSTOM, .read = read_lock},
};

static void
read_concurrency(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "concurrency", concurrency_fields, obj);
}

static const struct pb_field rate_fields[] = {
    {"max", PB_FIELD_INT, .is_required = true, AT(rate_max), .min = 1, .max = COUNT_MAX},
    {"per", PB_FIELD_DURATION, .is_required = true, AT(rate_per), .min = PB_SECOND,
	.max = SPAN_MAX},
};

static void
read_rate(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "rate", rate_fields, obj);
}

/* The target set is known once the last step that its templates name has ended. */
static void
note_step_used(struct pb_str path, void *arg)
{
	struct pb_loader *l = arg;
	struct pb_guards *g = &l->playbook->guards;
	if (path.len < 7 || strncmp(path.ptr, "steps.", 6) != 0)
		return;
	size_t n = 6;
	while (n < path.len && path.ptr[n] != '.' && path.ptr[n] != '[')
		n++;
	PB_CLEANUP(pb_freep) char *name = pb_strndup(path.ptr + 6, n - 6);
	size_t place = pb_find_step(l, name);
	if (place != PB_NONE && place + 1 > g->targets_after)
		g->targets_after = place + 1;
}

static void
read_target_template(struct pb_loader *l, const struct pb_node *n, char **ret)
{
	if (pb_read_text(l, n, 1024, ret) < 0)
		return;
	pb_check_template(l, n, *ret, PB_TEMPLATE_STEP);
	if (strncmp(*ret, "${", 2) != 0 || strchr(*ret, '}') != *ret + strlen(*ret) - 1)
		pb_problem_add(l, n,
		    "\"%s\" must be one ${...}, so that it keeps its kind of value",
		    PB_SHOWN(*ret));
	else
		pb_template_paths(*ret, note_step_used, l);
}

static void
read_from(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	read_target_template(l, n, &g->targets_from);
}

static void
read_percent_of(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	read_target_template(l, n, &g->percent_of);
}

static const struct pb_field target_fields[] = {
    {"from", PB_FIELD_CUSTOM, .is_required = true, .read = read_from},
    {"max", PB_FIELD_INT, AT(targets_max), .min = 1, .max = COUNT_MAX},
    {"percent_of", PB_FIELD_CUSTOM, .read = read_percent_of},
    {"percent", PB_FIELD_INT, AT(percent), .min = 1, .max = 100},
};

static void
read_targets(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	const struct pb_node *of = pb_node_get(n, "percent_of"), *p = pb_node_get(n, "percent");
	if (PB_READ_MAP(l, n, "targets", target_fields, obj) < 0)
		return;
	if ((of == NULL) != (p == NULL))
		pb_problem_add(l, n, "percent and percent_of belong together");
	if (g->targets_after > 0 && g->targets_after == l->playbook->n_steps)
		pb_problem_add(l, n, "no step stands behind the one that gives the targets");
}

static void
read_budget(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	(void)pb_read_reference(l, n, PB_SECTION_BUDGETS, &g->budget);
}

static void
read_breaker_then(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	read_then(l, n, &g->breaker_approves);
}

static const struct pb_field breaker_fields[] = {
    {"failures", PB_FIELD_INT, .is_required = true, AT(breaker_failures), .min = 1,
	.max = COUNT_MAX},
    {"within", PB_FIELD_DURATION, .is_required = true, AT(breaker_within), .min = PB_SECOND,
	.max = SPAN_MAX},
    {"then", PB_FIELD_CUSTOM, .read = read_breaker_then},
};

static void
read_breaker(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "breaker", breaker_fields, obj);
}

static void
read_recurrence_then(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_guards *g = obj;
	read_then(l, n, &g->recurrence_approves);
}

static const struct pb_field recurrence_fields[] = {
    {"runs", PB_FIELD_INT, .is_required = true, AT(recurrence_runs), .min = 1, .max = COUNT_MAX},
    {"within", PB_FIELD_DURATION, .is_required = true, AT(recurrence_within), .min = PB_MINUTE,
	.max = SPAN_MAX},
    {"then", PB_FIELD_CUSTOM, .read = read_recurrence_then},
};

static void
read_recurrence(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "recurrence", recurrence_fields, obj);
}

static const struct pb_field flap_fields[] = {
    {"times", PB_FIELD_INT, .is_required = true, AT(flap_times), .min = 1, .max = 100},
    {"within", PB_FIELD_DURATION, .is_required = true, AT(flap_within), .min = PB_MINUTE,
	.max = 7 * PB_DAY},
};

static void
read_flap(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "flap", flap_fields, obj);
}

static const struct pb_field guard_fields[] = {
    {"mode", PB_FIELD_CUSTOM, .read = read_mode},
    {"cooldown", PB_FIELD_CUSTOM, .read = read_cooldown},
    {"concurrency", PB_FIELD_CUSTOM, .read = read_concurrency},
    {"rate", PB_FIELD_CUSTOM, .read = read_rate},
    {"targets", PB_FIELD_CUSTOM, .read = read_targets},
    {"budget", PB_FIELD_CUSTOM, .read = read_budget},
    {"breaker", PB_FIELD_CUSTOM, .read = read_breaker},
    {"recurrence", PB_FIELD_CUSTOM, .read = read_recurrence},
    {"flap", PB_FIELD_CUSTOM, .read = read_flap},
};

/* The most runs that the rate lets begin within a span, wherever that lies. */
static int64_t
rate_most(const struct pb_guards *g, int64_t span)
{
	return g->rate_max * (span / g->rate_per + 1);
}

/* So many runs of one key that the cooldown or the rate lets never begin in the span. */
static void
check_recurrence(struct pb_loader *l, const struct pb_node *recurrence, const struct pb_guards *g)
{
	char each[PB_TIME_TEXT], within[PB_TIME_TEXT];
	bool begins_itself = g->mode == PB_MODE_AUTO || g->mode == PB_MODE_APPROVE;
	const struct pb_node *runs = recurrence == NULL ? NULL : pb_node_get(recurrence, "runs");
	if (runs == NULL || !begins_itself)
		return;
	(void)pb_duration_text(within, g->recurrence_within);
	if (g->cooldown_for > 0 && g->recurrence_runs > g->recurrence_within / g->cooldown_for)
		pb_problem_add(l, runs,
		    "recurrence is never reached: with a cooldown of %s fewer than %lld runs of "
		    "one "
		    "key begin within %s; ask for fewer runs or a longer within",
		    pb_duration_text(each, g->cooldown_for), (long long)g->recurrence_runs, within);
	else if (g->rate_per > 0 && g->recurrence_runs > rate_most(g, g->recurrence_within))
		pb_problem_add(l, runs,
		    "recurrence is never reached: with a rate of %lld in %s fewer than %lld runs "
		    "begin within %s; ask for fewer runs or a longer within",
		    (long long)g->rate_max, pb_duration_text(each, g->rate_per),
		    (long long)g->recurrence_runs, within);
}

/* Runs that fail within a span have begun in it, or as much earlier as one may take. */
static void
check_breaker(struct pb_loader *l, const struct pb_node *breaker, const struct pb_playbook *p)
{
	char each[PB_TIME_TEXT], within[PB_TIME_TEXT];
	const struct pb_guards *g = &p->guards;
	struct pb_way way;
	const struct pb_node *failures = breaker == NULL ? NULL : pb_node_get(breaker, "failures");
	if (failures == NULL || g->rate_per == 0 || p->n_steps == 0 || p->page_by_for < 0)
		return;
	pb_playbook_way(p, &way);
	int64_t may_ask_for = (int64_t)p->n_steps * p->page_by_for; /* each step once */
	int64_t span = g->breaker_within + way.run_for + may_ask_for;
	pb_way_fini(&way);
	if (g->breaker_failures > rate_most(g, span))
		pb_problem_add(l, failures,
		    "the breaker never trips: with a rate of %lld in %s fewer than %lld runs fail "
		    "within %s; ask for fewer failures or a longer within",
		    (long long)g->rate_max, pb_duration_text(each, g->rate_per),
		    (long long)g->breaker_failures, pb_duration_text(within, g->breaker_within));
}

void
pb_read_guards(struct pb_loader *l, const struct pb_node *playbook)
{
	struct pb_playbook *p = l->playbook;
	const struct pb_node *n = pb_node_get(playbook, "guards");
	p->guards = (struct pb_guards){
	    .mode = PB_MODE_AUTO,
	    .cooldown_for = PB_DEFAULT_COOLDOWN,
	    .targets_max = 1,
	    .budget = PB_NONE,
	    .recurrence_runs = PB_DEFAULT_RECURRENCE_RUNS,
	    .recurrence_within = PB_DEFAULT_RECURRENCE_WITHIN,
	    .recurrence_approves = true,
	    .flap_times = PB_DEFAULT_FLAP_TIMES,
	    .flap_within = PB_DEFAULT_FLAP_WITHIN,
	};
	if (n == NULL)
		return;
	l->step = p->n_steps; /* every step may be named */
	(void)PB_READ_MAP(l, n, "guards", guard_fields, &p->guards);
	check_recurrence(l, pb_node_get(n, "recurrence"), &p->guards);
	check_breaker(l, pb_node_get(n, "breaker"), p);
	if (p->n_steps == 0)
		pb_problem_add(l, n, "the playbook has no steps that guards could hold back");
}

/* --- params */

void
pb_read_params(struct pb_loader *l, const struct pb_node *playbook)
{
	struct pb_playbook *p = l->playbook;
	const struct pb_node *n = pb_node_get(playbook, "params");
	if (n == NULL)
		return;
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "params must be a mapping of names to values");
		return;
	}
	if (n->n > PARAMS_MAX)
		pb_problem_add(l, n, "more than %d params", PARAMS_MAX);
	for (size_t i = 0; i < n->n; i++) {
		const char *name = n->keys[i]->text;
		if (name[0] == '\0' || name[strcspn(name, ".[]${}| ")] != '\0')
			pb_problem_add(l, n->keys[i],
			    "\"%s\" cannot be picked by ${params.NAME}; use letters, digits, - "
			    "and _",
			    PB_SHOWN(name));
		if (n->items[i]->kind == PB_NODE_SCALAR)
			pb_check_template(l, n->items[i], n->items[i]->text, PB_TEMPLATE_PARAM);
		else
			pb_problem_add(l, n->items[i], "a param is one value, as text or template");
	}
	p->params = pb_read_json(l, n);
}

/* --- budgets */

static void
read_when_empty(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_budget *b = obj;
	read_then(l, n, &b->empty_approves);
}

static const struct pb_field budget_fields[] = {
    {.key = "name", .type = PB_FIELD_SEEN, .is_required = true},
    {"max", PB_FIELD_INT, .is_required = true, .offset = offsetof(struct pb_budget, max), .min = 1,
	.max = COUNT_MAX},
    {"per", PB_FIELD_DURATION, .is_required = true, .offset = offsetof(struct pb_budget, per_for),
	.min = PB_SECOND, .max = SPAN_MAX},
    {"when_empty", PB_FIELD_CUSTOM, .read = read_when_empty},
};

void
pb_read_budget(struct pb_loader *l, const struct pb_node *n, struct pb_budget *ret)
{
	(void)PB_READ_MAP(l, n, "budget", budget_fields, ret);
}
