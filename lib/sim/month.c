/*
 * What a configuration is played with: its events, what its templates pick from, and a seed's script.
 */
#include "sim/month.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/rand.h"
#include "base/time.h"
#include "playbook/read.h"

#define VARIANTS 3
#define QUIET_MOST (8 * PB_HOUR) /* between two bursts of events */
#define CRASHES_PER_DAY 2

/* What can happen for one playbook: alarms by name, or other events. */
struct actor {
	const char *playbook; /* "" = what no playbook matches */
	json_t *event; /* NULL for alarms */
	char *alarm;
};

struct pb_month {
	struct pb_config *config;
	struct actor *actors;
	size_t n_actors;
	json_t *tags; /* name -> value, for alarm.tags of templates */
	json_t *outputs; /* step -> output that its templates find something in */
};

/* --- faults */

static const char *const fault_names[] = {
    "errors", "hangs", "pager", "crash", "down", "store", "slow", "repeats", "clock"};

int
pb_month_faults_parse(const char *list, unsigned *ret, struct pb_error *err)
{
	unsigned faults = 0;
	if (strcmp(list, "all") == 0 || strcmp(list, "none") == 0) {
		*ret = list[0] == 'a' ? PB_MONTH_FAULT_ALL : 0;
		return 0;
	}
	while (*list != '\0') {
		size_t len = strcspn(list, ","), k = 0;
		struct pb_str word = {list, len};
		while (k < PB_ARRAY_LEN(fault_names) && !pb_str_is(word, fault_names[k]))
			k++;
		if (k == PB_ARRAY_LEN(fault_names)) {
			char safe[64];
			return pb_fail(err, PB_INVALID,
			    "there is no fault \"%s\"; there are errors, hangs, pager, crash, "
			    "down, "
			    "store, slow, repeats, clock, all and none",
			    pb_safe(safe, sizeof(safe), word));
		}
		faults |= 1U << k;
		list += len + (list[len] == ',');
	}
	*ret = faults;
	return 0;
}

/* --- events that fit */

static void
add_actor(struct pb_month *m, const char *playbook, json_t *event, const char *alarm)
{
	for (size_t i = 0; i < m->n_actors; i++)
		if (alarm != NULL && pb_streq(m->actors[i].alarm, alarm))
			return;
	m->actors = pb_realloc(m->actors, (m->n_actors + 1) * sizeof(*m->actors));
	m->actors[m->n_actors++] = (struct actor){
	    .playbook = playbook, .event = json_incref(event), .alarm = pb_strdup(alarm)};
}

static bool
is_alarm(const json_t *pattern)
{
	const json_t *name = pb_json_path(pattern, PB_STR("detail.alarmName"));
	const json_t *type = pb_json_get(pattern, "detail-type");
	const json_t *source = pb_json_get(pattern, "source");
	return name != NULL ||
	    pb_streq(json_string_value(json_array_get(type, 0)), "CloudWatch Alarm State Change") ||
	    pb_streq(json_string_value(json_array_get(source, 0)), "aws.cloudwatch");
}

static void
fill_envelope(json_t *event)
{
	static const char *const rows[][2] = {{"version", "0"}, {"source", "example.source"},
	    {"detail-type", "Example"}, {"account", "111122223333"}, {"region", "eu-west-1"}};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++)
		if (pb_json_get(event, rows[i][0]) == NULL)
			pb_json_set_str(event, rows[i][0], rows[i][1]);
	if (!json_is_object(pb_json_get(event, "detail")))
		json_object_set_new(event, "detail", json_object());
	json_t *resources = json_object_get(event, "resources");
	if (json_is_string(resources))
		json_object_set_new(event, "resources", json_pack("[O]", resources));
	else if (!json_is_array(resources))
		json_object_set_new(
		    event, "resources", json_pack("[s]", "arn:aws:example:::thing/1"));
}

/* What the daemon would make of it goes to this playbook's pattern. */
static bool
does_fit(const struct pb_playbook *p, json_t *event)
{
	struct pb_event *ev = NULL;
	PB_JSON json_t *copy = json_deep_copy(event);
	pb_json_set_str(copy, "id", "e-1");
	pb_json_set_str(copy, "time", "2026-03-03T09:00:00Z");
	if (pb_event_from_envelope(copy, &ev, NULL) < 0)
		return false;
	bool fits = pb_pattern_match(p->match, pb_event_json(ev));
	pb_event_unref(ev);
	return fits;
}

static bool
add_alarm(struct pb_month *m, const struct pb_playbook *p, json_t *example, unsigned variant)
{
	PB_CLEANUP(pb_freep) char *made = pb_asprintf("alarm-%s-%u", p->name, variant);
	const json_t *name = pb_json_path(example, PB_STR("detail.alarmName"));
	const char *text = json_is_string(name) ? json_string_value(name) : made;
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:%s", text);
	PB_JSON json_t *event = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}, s:{s:s}}}", "version", "0",
	    "detail-type", "CloudWatch Alarm State Change", "source", "aws.cloudwatch", "account",
	    "111122223333", "region", "eu-west-1", "resources", arn, "detail", "alarmName", text,
	    "state", "value", "ALARM", "reason", "Threshold Crossed", "timestamp",
	    "2026-03-03T09:00:00Z", "previousState", "value", "OK");
	if (event == NULL || !does_fit(p, event))
		return false;
	add_actor(m, p->name, NULL, text);
	return true;
}

static void
add_playbook(struct pb_month *m, const json_t *given, struct pb_buf *notes)
{
	const char *name = pb_json_str_or(given, "name", "");
	const json_t *pattern = pb_json_get(given, "match");
	size_t at = pb_config_find_playbook(m->config, name);
	if (at == PB_NONE)
		return;
	const struct pb_playbook *p = &m->config->playbooks[at];
	bool is_played = false;
	for (unsigned v = 1; v <= VARIANTS; v++) {
		PB_JSON json_t *event = pb_example_of_pattern(pattern, v);
		if (is_alarm(pattern)) {
			is_played = add_alarm(m, p, event, v) || is_played;
			continue;
		}
		fill_envelope(event);
		if (does_fit(p, event)) {
			add_actor(m, p->name, event, NULL);
			is_played = true;
		}
	}
	if (!is_played)
		(void)pb_buf_addf(notes,
		    "playbook %s is not played: no event for its match was found\n", p->name);
}

/* --- what templates pick from */

/* Set `path` ("a.b[0].c") below `o` to a text, making what leads there. */
static void
set_path(json_t *o, const char *path)
{
	size_t len = strcspn(path, ".[|}");
	PB_CLEANUP(pb_freep) char *key = pb_strndup(path, len);
	const char *rest = path + len;
	if (len == 0)
		return;
	if (rest[0] == '.') {
		if (!json_is_object(json_object_get(o, key)))
			json_object_set_new(o, key, json_object());
		set_path(json_object_get(o, key), rest + 1);
	} else if (rest[0] == '[') {
		if (!json_is_array(json_object_get(o, key)))
			json_object_set_new(o, key, json_pack("[s]", "x-1"));
	} else if (json_object_get(o, key) == NULL) {
		json_object_set_new(o, key, json_sprintf("%s-1", key));
	}
}

static void
scan_templates(struct pb_month *m, const char *text)
{
	static const char steps[] = "steps.", tags[] = "alarm.tags.", output[] = ".output.";
	for (const char *at = text; (at = strstr(at, "${")) != NULL;) {
		at += 2;
		if (strncmp(at, tags, strlen(tags)) == 0)
			set_path(m->tags, at + strlen(tags));
		if (strncmp(at, steps, strlen(steps)) != 0)
			continue;
		const char *name = at + strlen(steps);
		size_t len = strcspn(name, ".[|}");
		if (strncmp(name + len, output, strlen(output)) != 0)
			continue;
		PB_CLEANUP(pb_freep) char *step = pb_strndup(name, len);
		if (json_object_get(m->outputs, step) == NULL)
			json_object_set_new(m->outputs, step, json_object());
		set_path(json_object_get(m->outputs, step), name + len + strlen(output));
	}
}

/* --- the month's maker */

static void
read_file(struct pb_month *m, const struct pb_config_file *file, struct pb_buf *notes)
{
	struct pb_loader l = {.files = file, .n_files = 1};
	struct pb_problems problems = {0};
	struct pb_node *root = pb_yaml_read(&l, (struct pb_str){file->text, file->len});
	struct pb_node *list = pb_node_get(root, "playbooks");
	PB_JSON json_t *playbooks = list == NULL ? NULL : pb_read_json(&l, list);
	size_t i;
	json_t *one;
	json_array_foreach (playbooks, i, one)
		add_playbook(m, one, notes);
	scan_templates(m, file->text);
	pb_node_free(root);
	pb_problems_finish(&l, &problems);
	pb_problems_fini(&problems); /* it was read without any before */
}

struct pb_month *
pb_month_new(struct pb_config *config, struct pb_buf *notes)
{
	struct pb_month *m = pb_calloc(1, sizeof(*m));
	m->config = pb_config_ref(config);
	m->tags = json_object();
	m->outputs = json_object();
	for (size_t i = 0; i < config->n_files; i++)
		read_file(m, &config->files[i], notes);
	add_actor(m, "", NULL, "an-alarm-of-nobody");
	return m;
}

void
pb_month_free(struct pb_month *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n_actors; i++) {
		json_decref(m->actors[i].event);
		free(m->actors[i].alarm);
	}
	free(m->actors);
	json_decref(m->tags);
	json_decref(m->outputs);
	pb_config_unref(m->config);
	free(m);
}

/* --- a seed's script */

struct script {
	const struct pb_month *m;
	const struct pb_month_options *o;
	struct pb_rand r;
	json_t *events;
	int64_t at;
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

/* An alarm comes, perhaps flaps, and mostly goes; now and then somebody acknowledges meanwhile. */
static void
add_story(struct script *s, const struct actor *a)
{
	static const char *const numbers[] = {"1", "2", "3", "4", "5"};
	if (a->event != NULL) {
		add_other_event(s, a);
	} else {
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
	const char *number = numbers[pb_rand_below(&s->r, 5)];
	if (one_in(s, 4))
		add(s, json_pack("{s:s}", "ack", number));
	step_time(s, PB_HOUR);
	if (one_in(s, 4))
		add(s, json_pack("{s:s}", "resolve", number));
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

static void
add_fault(struct script *s)
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
		if (!has(s, PB_MONTH_FAULT_STORE))
			break;
		add(s, json_pack("{s:i}", "fail_commits", 1));
		step_time(s, 2 * PB_HOUR);
		add(s, json_pack("{s:b}", "store_is_back", 1));
		break;
	case 2:
		if (has(s, PB_MONTH_FAULT_REPEATS))
			add(s, json_pack("{s:b}", "garbage", 1));
		break;
	case 3:
		if (has(s, PB_MONTH_FAULT_CLOCK))
			add(s,
			    json_pack("{s:o}", "jump",
				span(one_in(s, 20) ? 365 * PB_DAY
						   : pb_rand_below(&s->r, 6 * PB_HOUR))));
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
		if (one_in(&s, 12))
			add_storm(&s);
		else
			add_story(&s, &m->actors[pb_rand_below(&s.r, (int64_t)m->n_actors)]);
		if (one_in(&s, 3))
			add_fault(&s);
		step_time(&s, one_in(&s, 3) ? PB_MINUTE : QUIET_MOST);
	}
	if (has(&s, PB_MONTH_FAULT_STORE))
		add(&s, json_pack("{s:b}", "store_is_back", 1));
	json_object_set_new(scenario, "events", s.events);
	json_object_set_new(scenario, "until", span(s.at + PB_HOUR));
	return scenario;
}

/* --- playing */

/* Far and near, so that some fall into one turn and some into quiet hours. */
static size_t
random_crashes(uint64_t seed, const struct pb_month_options *o, size_t *at, size_t most)
{
	struct pb_rand r;
	pb_rand_seed(&r, seed ^ UINT64_C(0xdead));
	size_t n = (size_t)pb_rand_below(&r, (int64_t)most + 1), last = 0;
	for (size_t i = 0; i < n; i++) {
		last += 1 + (size_t)pb_rand_below(&r, INT64_C(1) << (1 + pb_rand_below(&r, 14)));
		at[i] = last;
	}
	return (o->faults & PB_MONTH_FAULT_CRASH) != 0 ? n : 0;
}

void
pb_month_play(const struct pb_month *m, json_t *scenario, uint64_t seed,
    const struct pb_month_options *o, size_t n_events, struct pb_scenario_run *ret)
{
	size_t most = (size_t)(o->days * CRASHES_PER_DAY) + 1;
	size_t *at = pb_calloc(most, sizeof(*at));
	*ret = (struct pb_scenario_run){.scenario = scenario,
	    .config = m->config,
	    .seed = seed,
	    .crash_at = at,
	    .n_crash_at = random_crashes(seed, o, at, most),
	    .is_plain = true, /* as SQLite, and a month is played in seconds */
	    .n_events = n_events};
	pb_scenario_run(ret);
	ret->crash_at = NULL;
	free(at);
}

static bool
does_fail(const struct pb_month *m, json_t *scenario, uint64_t seed,
    const struct pb_month_options *o, size_t n_events)
{
	struct pb_scenario_run run;
	pb_month_play(m, scenario, seed, o, n_events, &run);
	bool fails = run.failures.len > 0;
	pb_scenario_run_fini(&run);
	return fails;
}

size_t
pb_month_shortest(
    const struct pb_month *m, json_t *scenario, uint64_t seed, const struct pb_month_options *o)
{
	size_t pass = 0, fail = json_array_size(json_object_get(scenario, "events"));
	if (fail == 0 || !does_fail(m, scenario, seed, o, fail))
		return 0;
	while (pass + 1 < fail) {
		size_t middle = pass + (fail - pass) / 2;
		if (does_fail(m, scenario, seed, o, middle))
			fail = middle;
		else
			pass = middle;
	}
	return fail;
}

/* --- sometimes */

static bool
has_steps(const struct pb_month *m)
{
	for (size_t i = 0; i < m->config->n_playbooks; i++)
		if (m->config->playbooks[i].n_steps > 0)
			return true;
	return false;
}

static bool
has_holds(const struct pb_month *m)
{
	for (size_t i = 0; i < m->config->n_playbooks; i++)
		if (m->config->playbooks[i].hold_for > 0)
			return true;
	return false;
}

static bool
has_second_level(const struct pb_month *m)
{
	for (size_t i = 0; i < m->config->n_escalations; i++)
		if (m->config->escalations[i].n_levels > 1)
			return true;
	return false;
}

/* What the trace says where it was reached: both texts in one line. */
static const struct sometimes {
	const char *name, *kind, *words;
	unsigned faults; /* reached only with these */
	bool (*applies)(const struct pb_month *m);
} table[] = {
    {"a step is started", " start ", "attempt 1", 0, has_steps},
    {"a run passes", " run ", "passed after", 0, has_steps},
    {"a run fails", " run ", "failed: ", PB_MONTH_FAULT_ERRORS, has_steps},
    {"an attempt is cut off by a crash", " interrupted ", "",
	PB_MONTH_FAULT_CRASH | PB_MONTH_FAULT_HANGS, has_steps},
    {"a step hangs until its limit", "States.Timeout", "", PB_MONTH_FAULT_HANGS, has_steps},
    {"an incident is held", " hold ", "nothing runs before", 0, has_holds},
    {"an alarm recovers alone", " resolved ", "recovered_alone", 0, has_holds},
    {"an incident is remediated", " resolved ", "remediated", 0, has_steps},
    {"somebody is paged", " page ", "level 1", 0, NULL},
    {"the second level is paged", " page ", "level 2", 0, has_second_level},
    {"a page is tried again", " page ", "again", PB_MONTH_FAULT_PAGER, NULL},
    {"an acknowledgement is given", " ack ", "holds until", 0, NULL},
    {"an acknowledgement expires", " ack ", "has expired", 0, NULL},
    {"an incident is resolved by hand", " resolved ", "by_hand", 0, NULL},
    {"the daemon is killed", "killed; started again", "", PB_MONTH_FAULT_CRASH, NULL},
    {"the store fails", "degraded", "", PB_MONTH_FAULT_STORE, NULL},
    {"a message cannot be read", " quarantine ", "", PB_MONTH_FAULT_REPEATS, NULL},
};
_Static_assert(PB_ARRAY_LEN(table) <= PB_MONTH_SOMETIMES_MAX, "room for all of the table");

static bool
has_line(const char *trace, const struct sometimes *s)
{
	for (const char *at = trace; (at = strstr(at, s->kind)) != NULL; at++) {
		const char *words = strstr(at, s->words), *end = strchr(at, '\n');
		if (words != NULL && (end == NULL || words < end))
			return true;
	}
	return false;
}

void
pb_month_reached_add(struct pb_month_reached *r, const struct pb_scenario_run *run)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(table); i++)
		r->n[i] += has_line(run->trace.ptr == NULL ? "" : run->trace.ptr, &table[i]);
}

size_t
pb_month_reached_report(const struct pb_month *m, const struct pb_month_options *o,
    const struct pb_month_reached *r, size_t n_runs, struct pb_buf *b)
{
	size_t n_never = 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(table); i++) {
		const struct sometimes *s = &table[i];
		if ((s->faults & o->faults) != s->faults || (s->applies != NULL && !s->applies(m)))
			continue;
		n_never += r->n[i] == 0;
		(void)pb_buf_addf(b, "%s%s: in %zu of %zu runs\n", r->n[i] == 0 ? "NEVER " : "",
		    s->name, r->n[i], n_runs);
	}
	return n_never;
}
