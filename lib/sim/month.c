/*
 * What a configuration is played with: its events, and what its templates pick from.
 */
#include "sim/month_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/rand.h"
#include "base/time.h"
#include "playbook/read.h"

#define CRASHES_PER_DAY 2

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
	do { /* no word is no fault: an empty variable must not pass for "none" */
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
	} while (*list != '\0');
	*ret = faults;
	return 0;
}

const char *
pb_month_fault_name(unsigned k)
{
	return k < PB_ARRAY_LEN(fault_names) ? fault_names[k] : NULL;
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
	for (unsigned v = 1; v <= PB_MONTH_VARIANTS; v++) {
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
	    .with_ids = true,
	    .promises = o->asserts.promises,
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
