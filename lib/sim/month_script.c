/*
 * A seed's script: what happens in its month, and what goes wrong.
 */
#include "sim/month_internal.h"

#include <stdio.h>

#include "base/json.h"
#include "base/time.h"

#define QUIET_MOST (8 * PB_HOUR) /* between two bursts of events */

struct script {
	const struct pb_month *m;
	const struct pb_month_options *o;
	struct pb_rand r;
	json_t *events;
	int64_t at;
	int64_t behind_for; /* by which the wall clock was set back */
	uint64_t n_ids;
};

static bool
one_in(struct script *s, int64_t n)
{
	return pb_rand_below(&s->r, n) == 0;
}

static bool
has(const struct script *s, unsigned fault)
{
	return (s->o->faults & fault) != 0;
}

static json_t *
span(int64_t for_)
{
	char text[48];
	(void)snprintf(text, sizeof(text), "%lldms", (long long)for_);
	return json_string(text);
}

static void
add(struct script *s, json_t *event)
{
	json_object_set_new(event, "at", span(s->at));
	json_array_append_new(s->events, event);
}

static void
add_alarm_event(struct script *s, const struct actor *a, const char *to)
{
	static const char *const ways[] = {"sqs", "poll", "both"};
	json_t *e = json_object();
	pb_json_set_str(e, "alarm", a->alarm);
	pb_json_set_str(e, "to", to);
	pb_json_set_str(e, "by", ways[pb_rand_below(&s->r, 3)]);
	if (json_object_size(s->m->tags) > 0)
		json_object_set(e, "tags", s->m->tags);
	if (has(s, PB_MONTH_FAULT_REPEATS) && one_in(s, 5))
		json_object_set_new(e, "twice", json_true());
	if (has(s, PB_MONTH_FAULT_REPEATS) && one_in(s, 8))
		json_object_set_new(e, "late", span(pb_rand_below(&s->r, 30 * PB_MINUTE)));
	add(s, e);
}

static void
add_other_event(struct script *s, const struct actor *a)
{
	char time[PB_TIME_TEXT];
	json_t *event = json_deep_copy(a->event);
	json_object_set_new(event, "id", json_sprintf("e-%llu", (unsigned long long)++s->n_ids));
	/* scenarios begin at the world's default start */
	pb_json_set_str(event, "time", pb_time_rfc3339(time, INT64_C(1772528400000) + s->at));
	add(s, json_pack("{s:o}", "event", event));
}

static void
step_time(struct script *s, int64_t most)
{
	s->at += pb_rand_below(&s->r, most);
}

/* An alarm comes, perhaps flaps, and mostly goes. */
static void
add_alarm_story(struct script *s, const struct actor *a)
{
	for (int64_t n = one_in(s, 4) ? 1 + pb_rand_below(&s->r, 6) : 1; n > 0; n--) {
		add_alarm_event(s, a, "ALARM");
		step_time(s, one_in(s, 2) ? PB_MINUTE : 40 * PB_MINUTE);
		if (one_in(s, 10))
			add_alarm_event(s, a, "INSUFFICIENT_DATA");
		if (!one_in(s, 8))
			add_alarm_event(s, a, "OK");
		step_time(s, 10 * PB_MINUTE);
	}
}

/* About the newest one that is open, or an incident of the day, by its number; there may be none. */
static json_t *
command(struct script *s, const char *word)
{
	if (one_in(s, 2))
		return json_pack("{s:s}", word, "newest");
	return json_pack("{s:o}", word, json_sprintf("%d", 1 + (int)pb_rand_below(&s->r, 6)));
}

static void
add_silence(struct script *s, const struct actor *a)
{
	if (a->alarm == NULL)
		return;
	add(s,
	    json_pack("{s:{s:{s:[s]}}, s:o, s:s}", "silence", "detail", "alarmName", a->alarm,
		"for", span(PB_MINUTE + pb_rand_below(&s->r, 4 * PB_HOUR)), "reason", "known"));
}

/* Somebody stops remediation, as a whole or of one playbook, and starts it again. */
static void
add_stop(struct script *s, const struct actor *a)
{
	const char *playbook = one_in(s, 2) ? "" : a->playbook;
	add(s, json_pack("{s:s, s:s}", "stop_remediation", playbook, "reason", "too much"));
	step_time(s, 2 * PB_HOUR);
	if (a->alarm != NULL)
		add_alarm_event(s, a, "ALARM");
	step_time(s, 2 * PB_HOUR);
	/* Twice: the first time may be lost with a crash, and the rest of the month would be played by people. */
	for (int i = 0; i < 2; i++) {
		add(s, json_pack("{s:s}", "start_remediation", playbook));
		step_time(s, 10 * PB_MINUTE);
	}
}

/* Mostly nobody is there; what is said about nothing is refused. */
static void
add_people(struct script *s, const struct actor *a)
{
	for (int64_t n = 1 + pb_rand_below(&s->r, 3); one_in(s, 2) && n > 0; n--) {
		add(s, command(s, "approve"));
		step_time(s, 2 * PB_MINUTE);
	}
	if (one_in(s, 16))
		add(s, command(s, "reject"));
	if (one_in(s, 4))
		add(s, command(s, "ack"));
	if (one_in(s, 12)) {
		json_t *snooze = command(s, "snooze");
		json_object_set_new(
		    snooze, "for", span(PB_MINUTE + pb_rand_below(&s->r, 2 * PB_HOUR)));
		add(s, snooze);
	}
	if (one_in(s, 16))
		add(s, command(s, "escalate"));
	if (one_in(s, 24))
		add_stop(s, a);
	step_time(s, PB_HOUR);
	if (one_in(s, 4))
		add(s, command(s, "resolve"));
}

static void
add_story(struct script *s, const struct actor *a)
{
	if (one_in(s, 12))
		add_silence(s, a);
	if (a->event != NULL)
		add_other_event(s, a);
	else
		add_alarm_story(s, a);
	add_people(s, a);
}

/* One playbook's alarms again and again: what its rate, budget and breaker are there for. */
static void
add_burst(struct script *s, const struct actor *like)
{
	for (int64_t n = 6 + pb_rand_below(&s->r, 12); n > 0; n--) {
		const struct actor *a;
		do
			a = &s->m->actors[pb_rand_below(&s->r, (int64_t)s->m->n_actors)];
		while (!pb_streq(a->playbook, like->playbook));
		if (a->event != NULL)
			add_other_event(s, a);
		else
			add_alarm_event(s, a, "ALARM");
		step_time(s, 12 * PB_MINUTE);
		if (a->alarm != NULL && !one_in(s, 4))
			add_alarm_event(s, a, "OK");
		step_time(s, 4 * PB_MINUTE);
	}
}

static const struct pb_playbook *
playbook_of(const struct script *s, const struct actor *a)
{
	size_t i = pb_config_find_playbook(s->m->config, a->playbook);
	return i == PB_NONE ? NULL : &s->m->config->playbooks[i];
}

/* One whose runs are counted, mostly. */
static const struct actor *
pick_braked(struct script *s)
{
	const struct actor *a = NULL;
	for (size_t i = 0; i < 20; i++) {
		a = &s->m->actors[pb_rand_below(&s->r, (int64_t)s->m->n_actors)];
		const struct pb_playbook *p = playbook_of(s, a);
		if (p != NULL && p->n_steps > 0 &&
		    (p->guards.rate_max > 0 || p->guards.budget != PB_NONE))
			break;
	}
	return a;
}

static void
add_alarms_of(struct script *s, const char *playbook, const char *to)
{
	for (size_t i = 0; i < s->m->n_actors; i++) {
		const struct actor *a = &s->m->actors[i];
		if (a->alarm == NULL || !pb_streq(a->playbook, playbook))
			continue;
		add_alarm_event(s, a, to);
		step_time(s, PB_MINUTE);
	}
}

/*
 * Its alarms come together, stay until their runs have had their time, and come again as soon as the
 * cooldown lets them: as many runs as its rate and budget allow, and one more.
 */
static void
add_waves(struct script *s)
{
	const struct actor *like = pick_braked(s);
	const struct pb_playbook *p = playbook_of(s, like);
	if (p == NULL)
		return;
	for (int64_t n = 2 + pb_rand_below(&s->r, 4); n > 0; n--) {
		add_alarms_of(s, like->playbook, "ALARM");
		s->at += p->hold_for + PB_MINUTE;
		/* Some are asked for, once a brake says so. */
		for (int64_t k = one_in(s, 2) ? 3 : 0; k > 0; k--) {
			add(s, json_pack("{s:s}", "approve", "newest"));
			step_time(s, PB_MINUTE);
		}
		s->at += 4 * PB_MINUTE;
		step_time(s, 5 * PB_MINUTE);
		add_alarms_of(s, like->playbook, "OK");
		s->at += p->guards.cooldown_for < PB_DAY ? p->guards.cooldown_for : PB_DAY;
		step_time(s, 2 * PB_MINUTE);
	}
}

/* A region is out: whatever there is goes into ALARM within seconds. */
static void
add_outage(struct script *s)
{
	for (size_t i = 0; i < s->m->n_actors; i++)
		if (s->m->actors[i].alarm != NULL)
			add_alarm_event(s, &s->m->actors[i], "ALARM");
	step_time(s, 4 * PB_HOUR);
	for (size_t i = 0; i < s->m->n_actors; i++)
		if (s->m->actors[i].alarm != NULL)
			add_alarm_event(s, &s->m->actors[i], "OK");
}

static void
add_storm(struct script *s)
{
	for (int64_t n = 10 + pb_rand_below(&s->r, 30); n > 0; n--) {
		const struct actor *a =
		    &s->m->actors[pb_rand_below(&s->r, (int64_t)s->m->n_actors)];
		if (a->event != NULL)
			add_other_event(s, a);
		else
			add_alarm_event(s, a, one_in(s, 3) ? "OK" : "ALARM");
		step_time(s, 5 * PB_SECOND);
	}
}

/* The host sleeps, or somebody sets its clock: wrong, and later right again. */
static void
add_clock(struct script *s)
{
	int64_t by = one_in(s, 2) ? PB_MINUTE + pb_rand_below(&s->r, 59 * PB_MINUTE)
				  : PB_HOUR + pb_rand_below(&s->r, 5 * PB_HOUR);
	if (one_in(s, 3)) {
		by = one_in(s, 10) ? 365 * PB_DAY : by;
		add(s, json_pack("{s:o}", "jump", span(by)));
	} else if (s->behind_for > 0) {
		add(s, json_pack("{s:o}", "set_forward", span(s->behind_for)));
		s->behind_for = 0;
	} else if (one_in(s, 3)) {
		add(s, json_pack("{s:o}", "set_forward", span(by)));
	} else {
		add(s, json_pack("{s:o}", "set_back", span(by)));
		s->behind_for = by;
	}
}

/* The store fails; meanwhile what comes is kept in memory, and sometimes dies with the daemon. */
static void
add_store_failure(struct script *s, const struct actor *a)
{
	add(s, json_pack("{s:i}", "fail_commits", 1));
	step_time(s, PB_MINUTE);
	if (a->alarm != NULL)
		add_alarm_event(s, a, "ALARM");
	step_time(s, 2 * PB_HOUR);
	if (has(s, PB_MONTH_FAULT_CRASH) && one_in(s, 3)) {
		if (one_in(s, 2))
			add(s, json_pack("{s:b}", "store_is_back", 1)); /* and not yet noticed */
		add(s, json_pack("{s:o}", "kill", span(pb_rand_below(&s->r, PB_MINUTE))));
		step_time(s, PB_HOUR);
	}
	add(s, json_pack("{s:b}", "store_is_back", 1));
}

static void
add_fault(struct script *s, const struct actor *a)
{
	switch (pb_rand_below(&s->r, 5)) {
	case 0:
		if (has(s, PB_MONTH_FAULT_DOWN))
			add(s,
			    json_pack("{s:o}", "kill",
				span(pb_rand_below(
				    &s->r, one_in(s, 5) ? 3 * PB_DAY : 20 * PB_MINUTE))));
		break;
	case 1:
		if (has(s, PB_MONTH_FAULT_STORE))
			add_store_failure(s, a);
		break;
	case 2:
		if (has(s, PB_MONTH_FAULT_REPEATS))
			add(s, json_pack("{s:b}", "garbage", 1));
		break;
	case 3:
		if (has(s, PB_MONTH_FAULT_CLOCK))
			add_clock(s);
		break;
	default:
		break;
	}
}

json_t *
pb_month_scenario(const struct pb_month *m, uint64_t seed, const struct pb_month_options *o)
{
	struct script s = {.m = m, .o = o, .events = json_array()};
	pb_rand_seed(&s.r, seed);
	json_t *scenario = json_object();
	json_object_set_new(
	    scenario, "world", pb_month_answers(m->config, m->outputs, o->faults, &s.r));
	if (has(&s, PB_MONTH_FAULT_SLOW) && one_in(&s, 3))
		json_object_set_new(
		    scenario, "commit_takes", span(1 + pb_rand_below(&s.r, 3 * PB_SECOND)));
	while (s.at < o->days * PB_DAY) {
		const struct actor *a = &m->actors[pb_rand_below(&s.r, (int64_t)m->n_actors)];
		if (one_in(&s, 40))
			add_outage(&s);
		else if (one_in(&s, 12))
			add_storm(&s);
		else if (one_in(&s, 12))
			add_burst(&s, a);
		else if (one_in(&s, 16))
			add_waves(&s);
		else
			add_story(&s, a);
		if (one_in(&s, 3))
			add_fault(&s, a);
		step_time(&s, one_in(&s, 3) ? PB_MINUTE : QUIET_MOST);
	}
	if (has(&s, PB_MONTH_FAULT_STORE))
		add(&s, json_pack("{s:b}", "store_is_back", 1));
	json_object_set_new(scenario, "events", s.events);
	json_object_set_new(scenario, "until", span(s.at + PB_HOUR));
	return scenario;
}
