/*
 * What the months of a run must have come to: states by the lines of their traces, and which promises
 * are judged.  A state that the configuration or the chosen faults exclude is named with the reason, and
 * is missed by nobody.
 */
#include "sim/month.h"

#include <stdio.h>

#include "playbook/config.h"

/* --- what a configuration excludes: NULL = nothing, else the reason */

static bool
acts(const struct pb_playbook *p)
{
	return p->n_steps > 0 && p->guards.mode != PB_MODE_OBSERVE;
}

static bool
any(const struct pb_config *c, bool (*is)(const struct pb_playbook *p))
{
	for (size_t i = 0; i < c->n_playbooks; i++)
		if (is(&c->playbooks[i]))
			return true;
	return false;
}

static bool
any_escalation(const struct pb_config *c, bool (*is)(const struct pb_escalation *e))
{
	for (size_t i = 0; i < c->n_escalations; i++)
		if (is(&c->escalations[i]))
			return true;
	return false;
}

static bool
any_step(const struct pb_playbook *p, bool (*is)(const struct pb_step *s))
{
	for (size_t i = 0; acts(p) && i < p->n_steps; i++)
		if (is(&p->steps[i]))
			return true;
	return false;
}

static bool
calls(const struct pb_step *s)
{
	return s->kind != PB_STEP_VERIFY && s->kind != PB_STEP_WAIT;
}

static bool
looks(const struct pb_step *s)
{
	return s->check != NULL;
}

static bool
waits(const struct pb_step *s)
{
	return s->wait != NULL;
}

static bool
rolls_back(const struct pb_step *s)
{
	return s->on_failure == PB_FAILURE_ROLLBACK;
}

static bool
is_calling(const struct pb_playbook *p)
{
	return any_step(p, calls);
}

static bool
is_looking(const struct pb_playbook *p)
{
	return any_step(p, looks);
}

static bool
is_awaiting(const struct pb_playbook *p)
{
	return any_step(p, waits);
}

static bool
is_rolling_back(const struct pb_playbook *p)
{
	return any_step(p, rolls_back);
}

static bool
is_held(const struct pb_playbook *p)
{
	return p->hold_for > 0;
}

static bool
is_held_alarm(const struct pb_playbook *p)
{
	return p->hold_for > 0 && p->resolve_on_ok;
}

static bool
is_reopened(const struct pb_playbook *p)
{
	return p->reopen_within_for > 0;
}

static bool
is_inhibited(const struct pb_playbook *p)
{
	return p->n_inhibited_by > 0;
}

static bool
is_asking(const struct pb_playbook *p)
{
	return p->n_steps > 0 &&
	    (p->guards.mode == PB_MODE_PROPOSE || p->guards.mode == PB_MODE_APPROVE);
}

/* Its mode asks, or a guard makes its runs ask. */
static bool
may_ask(const struct pb_config *c)
{
	for (size_t i = 0; i < c->n_playbooks; i++) {
		const struct pb_guards *g = &c->playbooks[i].guards;
		if (is_asking(&c->playbooks[i]) ||
		    (acts(&c->playbooks[i]) &&
			(g->recurrence_approves ||
			    (g->breaker_failures > 0 && g->breaker_approves) ||
			    (g->budget != PB_NONE && c->budgets[g->budget].empty_approves))))
			return true;
	}
	return false;
}

static bool
is_observing(const struct pb_playbook *p)
{
	return p->n_steps > 0 && p->guards.mode == PB_MODE_OBSERVE;
}

static bool
is_cooling(const struct pb_playbook *p)
{
	return acts(p) && p->guards.cooldown_for > 0;
}

static bool
is_rated(const struct pb_playbook *p)
{
	return acts(p) && p->guards.rate_max > 0;
}

static bool
is_budgeted(const struct pb_playbook *p)
{
	return acts(p) && p->guards.budget != PB_NONE;
}

static bool
has_breaker(const struct pb_playbook *p)
{
	return acts(p) && p->guards.breaker_failures > 0;
}

static bool
is_informing(const struct pb_playbook *p)
{
	return p->n_inform > 0;
}

static bool
has_second_level(const struct pb_escalation *e)
{
	return e->n_levels > 1;
}

static bool
has_fallback(const struct pb_escalation *e)
{
	return e->n_fallback_via > 0;
}

static bool
is_grouping(const struct pb_escalation *e)
{
	return e->group_by != NULL;
}

#define EXCLUDES(NAME, IS_POSSIBLE, WHY)                                                           \
	static const char *NAME(const struct pb_config *c)                                         \
	{                                                                                          \
		return (IS_POSSIBLE) ? NULL : (WHY);                                               \
	}

EXCLUDES(no_calls, any(c, is_calling), "no playbook has a step that it may start")
EXCLUDES(no_runs, any(c, acts), "no playbook has steps that it may run")
EXCLUDES(no_looks, any(c, is_looking), "no step is looked at first (check_first)")
EXCLUDES(no_waits, any(c, is_awaiting), "no step waits until what it started is over")
EXCLUDES(no_rollbacks, any(c, is_rolling_back), "no step says on_failure: rollback")
EXCLUDES(no_holds, any(c, is_held), "no playbook has a hold")
EXCLUDES(no_held_alarms, any(c, is_held_alarm), "no playbook of alarms has a hold")
EXCLUDES(no_reopening, any(c, is_reopened), "each playbook says reopen_within: 0s")
EXCLUDES(no_inhibitions, any(c, is_inhibited), "no playbook is inhibited by another")
EXCLUDES(no_asking, may_ask(c), "no mode or guard of a playbook with steps asks a human")
EXCLUDES(no_observing, any(c, is_observing), "no playbook with steps is in mode observe")
EXCLUDES(no_cooldowns, any(c, is_cooling), "no playbook with steps has a cooldown")
EXCLUDES(no_rates, any(c, is_rated), "no playbook with steps has a rate")
EXCLUDES(no_budgets, any(c, is_budgeted), "no playbook with steps has a budget")
EXCLUDES(no_breakers, any(c, has_breaker), "no playbook with steps has a breaker")
EXCLUDES(no_informs, any(c, is_informing), "no playbook informs anybody")
EXCLUDES(no_second_levels, any_escalation(c, has_second_level), "no escalation has a second level")
EXCLUDES(no_fallbacks, any_escalation(c, has_fallback), "no escalation has a fallback")
EXCLUDES(no_groups, any_escalation(c, is_grouping), "no escalation groups its pages")
EXCLUDES(no_windows, c->n_maintenance > 0, "there is no maintenance window")

/* An alarm opens one incident of a playbook: a storm takes more than storm.over of them. */
static const char *
no_storms(const struct pb_config *c)
{
	int64_t n_alarms = (int64_t)c->n_playbooks * PB_MONTH_VARIANTS + 1, n = n_alarms;
	for (size_t i = 0; i < c->n_playbooks; i++)
		n += c->playbooks[i].looks_further ? n_alarms : 0;
	for (size_t i = 0; i < c->n_escalations; i++)
		if (n > c->escalations[i].storm_over)
			return NULL;
	return "it has too few playbooks for a storm";
}

/* --- states */

/* What the trace says where it was reached: the note's kind, and words in the same line. */
static const struct state {
	const char *key, *name, *kind, *words;
	unsigned faults; /* reached only with these */
	const char *(*excluded)(const struct pb_config *c);
} states[] = {
    {"step-started", "a step is started", "start", "attempt 1", 0, no_calls},
    {"run-passed", "a run passes", "run", "passed after", 0, no_runs},
    {"run-failed", "a run fails", "run", "failed: ", PB_MONTH_FAULT_ERRORS, no_calls},
    {"cut-off", "an attempt is cut off by a crash", "interrupted", "",
	PB_MONTH_FAULT_CRASH | PB_MONTH_FAULT_HANGS, no_calls},
    {"hung", "a step hangs until its limit", "step", "States.Timeout", PB_MONTH_FAULT_HANGS,
	no_calls},
    {"looked-up", "a look finds that an attempt took effect", "check", "has taken effect",
	PB_MONTH_FAULT_ERRORS, no_looks},
    {"awaited", "a step waits until what it started is over", "wait", "it is started", 0, no_waits},
    {"rolled-back", "a run is rolled back", "rollback", "begins", PB_MONTH_FAULT_ERRORS,
	no_rollbacks},
    {"held", "an incident is held", "hold", "nothing runs before", 0, no_holds},
    {"recovered-alone", "an alarm recovers alone", "resolved", "recovered_alone", 0,
	no_held_alarms},
    {"remediated", "an incident is remediated", "resolved", "remediated", 0, no_runs},
    {"reopened", "an incident is opened again", "reopened", "", 0, no_reopening},
    {"flapping", "a flapping alarm is told of once", "flap", "", 0, no_reopening},
    {"inhibited", "an incident is inhibited", "inhibited", "by ", 0, no_inhibitions},
    {"asked", "a human is asked whether a step may start", "ask", "may it ", 0, no_asking},
    {"approved", "a human approves", "approve", "", 0, no_asking},
    {"observed", "a run is observed only", "observe", "would run", 0, no_observing},
    {"cooldown", "a cooldown stops a run", "guard", "(cooldown ", 0, no_cooldowns},
    {"rate", "a rate stops a run", "guard", "(rate: ", 0, no_rates},
    {"budget", "a budget runs out", "guard", "is empty: ", 0, no_budgets},
    {"breaker", "a breaker opens", "guard", "(breaker: ", PB_MONTH_FAULT_ERRORS, no_breakers},
    {"stopped", "remediation is stopped by a human", "control", "remediation is stopped", 0,
	no_runs},
    {"paged", "somebody is paged", "page", "level 1", 0, NULL},
    {"second-level", "the second level is paged", "page", "level 2", 0, no_second_levels},
    {"page-retried", "a page is tried again", "page", "again", PB_MONTH_FAULT_PAGER, NULL},
    {"fallback", "a fallback pages", "fallback", "no channel", PB_MONTH_FAULT_PAGER, no_fallbacks},
    {"grouped", "pages are grouped", "group", "begins", 0, no_groups},
    {"storm", "a storm is told by summaries", "storm", "begins", 0, no_storms},
    {"acked", "an acknowledgement is given", "ack", "holds until", 0, NULL},
    {"ack-expired", "an acknowledgement expires", "ack", "has expired", 0, NULL},
    {"snoozed", "an incident is snoozed", "snooze", "nobody is paged before", 0, NULL},
    {"handed-over", "an incident is handed to the next level", "handover", "", 0, NULL},
    {"silenced", "a silence keeps a page back", "held", "silence ", 0, NULL},
    {"maintenance", "a maintenance window opens", "maintenance", "is open until", 0, no_windows},
    {"informed", "somebody is informed", "inform", " by ", 0, no_informs},
    {"by-hand", "an incident is resolved by hand", "resolved", "by_hand", 0, NULL},
    {"killed", "the daemon is killed", "killed;", "", PB_MONTH_FAULT_CRASH, NULL},
    {"degraded", "the store fails", "killed;", "degraded", PB_MONTH_FAULT_STORE, NULL},
    {"gone", "a crash without a store takes an incident with it", "killed;", "only memory knew",
	PB_MONTH_FAULT_STORE | PB_MONTH_FAULT_CRASH, NULL},
    {"unreadable", "a message cannot be read", "quarantine", "", PB_MONTH_FAULT_REPEATS, NULL},
    {"set-back", "the wall clock is set back", "clock", "was set back", PB_MONTH_FAULT_CLOCK, NULL},
};
_Static_assert(PB_ARRAY_LEN(states) <= PB_MONTH_STATES_MAX, "room for all of the table");

static bool
has(struct pb_str line, const char *words)
{
	return words[0] == '\0' || memmem(line.ptr, line.len, words, strlen(words)) != NULL;
}

/* Behind the time, or the blanks in its place. */
static struct pb_str
kind_of(struct pb_str line)
{
	size_t at = 0;
	while (at < line.len &&
	    (line.ptr[at] == ' ' || line.ptr[at] == ':' ||
		(line.ptr[at] >= '0' && line.ptr[at] <= '9')))
		at++;
	size_t end = at;
	while (end < line.len && line.ptr[end] != ' ')
		end++;
	return (struct pb_str){line.ptr + at, end - at};
}

void
pb_month_reached_add(struct pb_month_reached *r, const struct pb_scenario_run *run)
{
	bool is_reached[PB_MONTH_STATES_MAX] = {false};
	const char *at = run->trace.ptr, *end = at == NULL ? NULL : at + run->trace.len;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct pb_str line = {at, (size_t)((stop == NULL ? end : stop) - at)};
		struct pb_str kind = kind_of(line);
		for (size_t i = 0; i < PB_ARRAY_LEN(states); i++)
			if (!is_reached[i] && pb_str_is(kind, states[i].kind) &&
			    has(line, states[i].words))
				is_reached[i] = true;
		at = line.ptr + line.len + 1;
	}
	for (size_t i = 0; i < PB_ARRAY_LEN(states); i++)
		r->n[i] += is_reached[i];
}

size_t
pb_month_states(const struct pb_config *c, const struct pb_month_options *o,
    const struct pb_month_reached *r, struct pb_month_state ret[PB_MONTH_STATES_MAX])
{
	for (size_t i = 0; i < PB_ARRAY_LEN(states); i++) {
		const struct state *s = &states[i];
		ret[i] = (struct pb_month_state){.key = s->key,
		    .name = s->name,
		    .excluded = s->excluded == NULL ? NULL : s->excluded(c),
		    .missing_faults = s->faults & ~o->faults,
		    .n = r->n[i],
		    .is_asserted = (o->asserts.states >> i & 1) != 0,
		    .is_named = (o->asserts.named >> i & 1) != 0};
	}
	return PB_ARRAY_LEN(states);
}

bool
pb_month_state_is_missed(const struct pb_month_state *s)
{
	bool may_be = s->excluded == NULL && s->missing_faults == 0;
	return s->is_asserted && s->n == 0 && (may_be || s->is_named);
}

/* --- what is asserted */

static uint64_t
state_bit(struct pb_str word)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(states); i++)
		if (pb_str_is(word, states[i].key))
			return UINT64_C(1) << i;
	return 0;
}

static void
say_unknown(struct pb_str word, struct pb_error *err)
{
	char safe[64];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < PB_ARRAY_LEN(states); i++)
		(void)pb_buf_addf(&b, ", %s", states[i].key);
	(void)pb_fail(err, PB_INVALID,
	    "there is no assertion \"%s\"; there are all, promises, P1 to P6%s",
	    pb_safe(safe, sizeof(safe), word), b.ptr);
}

int
pb_month_asserts_parse(const char *list, struct pb_month_asserts *ret, struct pb_error *err)
{
	struct pb_month_asserts a = {0};
	do {
		size_t len = strcspn(list, ",");
		struct pb_str word = {list, len};
		uint64_t state = state_bit(word);
		if (pb_str_is(word, "all"))
			a = PB_MONTH_ASSERTS_ALL;
		else if (pb_str_is(word, "promises"))
			a.promises = PB_SCENARIO_PROMISES;
		else if (len == 2 && word.ptr[0] == 'P' && word.ptr[1] >= '1' && word.ptr[1] <= '6')
			a.promises |= 1U << (word.ptr[1] - '0');
		else if (state != 0)
			a.states |= state, a.named |= state;
		else {
			say_unknown(word, err);
			return -1;
		}
		list += len;
	} while (*list++ == ',');
	if (a.promises == 0) /* states alone narrow no promise */
		a.promises = PB_SCENARIO_PROMISES;
	*ret = a;
	return 0;
}
