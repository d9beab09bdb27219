/*
 * Answers to "why?": what an open incident waits for, and where an event would go now.
 *
 * Nothing here changes anything; it is asked by people, and may take as long as a person waits.
 */
#include "bundle.h"

#include "base/json.h"
#include "pattern/exact.h"

#define TOLD_MAX 10
#define NEAR_MAX 5
/* Near misses are looked for pattern by pattern: 5 ms for so many short ones. */
#define NEAR_LOOKED_MAX 10000

static void
add_next(json_t *list, int64_t at, char *what)
{
	json_t *j = json_object();
	pb_json_set_i64(j, "at", at);
	pb_json_set_str(j, "what", what);
	free(what);
	size_t i = 0;
	while (
	    i < json_array_size(list) && pb_json_i64(json_array_get(list, i), "at", PB_NEVER) <= at)
		i++;
	json_array_insert_new(list, i, j);
}

/* --- an open incident */

static const char *
step_words(enum step_state state)
{
	switch (state) {
	case STEP_ASKING:
		return "nobody has approved it by then, and a human does without";
	case STEP_RUNNING:
		return "its attempt is taken as lost";
	case STEP_BACKOFF:
		return "its next attempt starts";
	case STEP_CHECKING:
		return "its conditions hold, are asked again, or its time is up";
	case STEP_WAITING:
		return "it has waited long enough";
	case STEP_LOOKING:
		return "a read looks whether its attempt has taken effect, or that takes too long";
	case STEP_AWAITING:
		return "a read looks whether what it started is over, or its time is up";
	case STEP_IDLE:
	case STEP_PENDING:
	case STEP_SUCCEEDED:
	case STEP_FAILED:
	case STEP_CANCELLED:
	case STEP_SKIPPED:
	case STEP_STATE_MAX:
		break;
	}
	return "it goes on";
}

static char *
hold_words(const struct pb_engine *e, const struct incident *in)
{
	const char *unpolled = hush_unknown(e, in);
	return unpolled == NULL
	    ? pb_strdup("its hold ends, and its plan begins")
	    : pb_asprintf(
		  "its hold ends; its plan begins only once source %s has been polled", unpolled);
}

static void
add_plan(const struct pb_engine *e, const struct incident *in, json_t *list)
{
	switch (in->state) {
	case INCIDENT_HOLDING:
		add_next(list, in->hold_until, hold_words(e, in));
		break;
	case INCIDENT_PROPOSED:
		add_next(list, in->wait_until,
		    pb_strdup("nobody has approved its plan by then, and a human does without"));
		break;
	case INCIDENT_QUEUED:
		add_next(list, in->wait_until,
		    pb_strdup("its lock was not free by then, and a human does without"));
		break;
	case INCIDENT_RUNNING: {
		const struct step_run *s = &in->run.steps[in->run.step];
		if (step_next_at(in) != PB_NEVER)
			add_next(list, step_next_at(in),
			    pb_asprintf("step %s (%s): %s", run_step_def(in, in->run.step)->name,
				step_state_name(s->state), step_words(s->state)));
		break;
	}
	case INCIDENT_NEW:
	case INCIDENT_INHIBITED:
	case INCIDENT_WAITING:
	case INCIDENT_RESOLVED:
	case INCIDENT_STATE_MAX:
		break;
	}
}

static char *
summary_words(const struct incident *in)
{
	return pb_asprintf("the next summary of %s tells of it",
	    in->members == NULL ? "its storm" : in->members->bundle->id);
}

static char *
ladder_words(const struct incident *in)
{
	const struct ladder *l = &in->ladder;
	size_t level;
	int64_t at;
	if (l->is_put_off && in->members != NULL)
		return summary_words(in);
	switch (l->state) {
	case LADDER_ARMED:
		return pb_strdup("page_by: level 1 is paged");
	case LADDER_GATHERED:
		return pb_asprintf("level 1 is paged with others of %s",
		    in->members == NULL ? "its group" : in->members->bundle->id);
	case LADDER_PAGING:
		if (ladder_next_level(in, l->level, &level, &at) && at == l->next_at)
			return pb_asprintf("level %zu is paged", level + 1);
		return pb_asprintf("level %zu is paged again", l->level + 1);
	case LADDER_SPENT:
		return pb_asprintf(
		    "everybody was paged; level %zu is paged once more", l->level + 1);
	case LADDER_ACKED:
		return pb_strdup("the acknowledgement expires, and paging goes on");
	case LADDER_SNOOZED:
		return pb_strdup("the snooze is over, and paging goes on");
	case LADDER_HELD:
		return pb_asprintf(
		    "pages are held back (%s); it looks again", l->held == NULL ? "?" : l->held);
	case LADDER_NONE:
	case LADDER_CLOSED:
	case LADDER_STATE_MAX:
		break;
	}
	return pb_strdup("its ladder goes on");
}

json_t *
pb_engine_why_incident(const struct pb_engine *e, const char *id)
{
	const struct incident *in = pb_map_get(e->incidents, id);
	if (in == NULL || in->state == INCIDENT_RESOLVED)
		return NULL;
	json_t *next = json_array();
	add_plan(e, in, next);
	if (ladder_due_at(&in->ladder) < in->ladder.next_at)
		add_next(next, in->ladder.news_at, summary_words(in));
	if (in->ladder.next_at != PB_NEVER)
		add_next(next, in->ladder.next_at, ladder_words(in));
	if (in->timer.index != 0 && in->timer.at < pb_json_i64(json_array_get(next, 0), "at", 0))
		add_next(next, in->timer.at, pb_strdup("a page that is under way is tried again"));
	return next;
}

json_t *
pb_engine_plan(const struct pb_engine *e, const char *digest)
{
	json_t *j = json_object();
	pb_json_set_str(j, "digest", digest);
	pb_json_set_str(j, "in_force", e->config->digest);
	json_object_set_new(j, "is_in_force", json_boolean(strcmp(e->config->digest, digest) == 0));
	return j;
}

/* --- an event */

static json_t *
differing(const struct pb_config *c, const struct pb_event *ev, size_t front, json_t *matching)
{
	json_t *list = json_array();
	for (size_t i = 0; i < front && json_array_size(list) < TOLD_MAX; i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
		if (pb_pattern_why_text(c->playbooks[i].match, ev->text, &why) == 1)
			json_array_append_new(matching, json_string(c->playbooks[i].name));
		else
			json_array_append_new(list,
			    json_pack("{s:s, s:s}", "playbook", c->playbooks[i].name, "why",
				why.ptr == NULL ? "" : why.ptr));
	}
	return list;
}

static json_t *
near_misses(const struct pb_config *c, const struct pb_event *ev)
{
	size_t n = c->n_playbooks < NEAR_LOOKED_MAX ? c->n_playbooks : NEAR_LOOKED_MAX;
	const struct pb_pattern **patterns = pb_calloc(n + 1, sizeof(*patterns));
	struct pb_near near[NEAR_MAX];
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		patterns[i] = c->playbooks[i].match;
	PB_JSON json_t *event = NULL;
	size_t found = pb_exact_parse(ev->text, &event, NULL) < 0
	    ? 0
	    : pb_patterns_near(patterns, n, event, near, NEAR_MAX);
	for (size_t i = 0; i < found; i++) {
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "playbook", c->playbooks[near[i].id].name, "field",
			near[i].path, "why", near[i].why));
		pb_near_fini(&near[i]);
	}
	free(patterns);
	return list;
}

static const char *
fate(const struct pb_engine *e, const struct pb_event *ev, bool is_matched)
{
	bool is_alarm = ev->kind == PB_EVENT_ALARM;
	enum pb_unmatched way =
	    is_alarm ? e->config->unmatched_alarms : e->config->unmatched_events;
	if (is_alarm && ev->alarm_state == PB_ALARM_OK)
		return "a recovery: it ends what the alarm opened, and opens nothing";
	if (is_matched)
		return "it opens or joins an incident of the first playbook that matches";
	if (way == PB_UNMATCHED_ESCALATE && (!is_alarm || ev->alarm_state == PB_ALARM_ALARM))
		return "no playbook matches: it escalates, as unmatched says";
	return "no playbook matches: it is dropped, as unmatched says";
}

json_t *
pb_engine_why_event(const struct pb_engine *e, const struct pb_event *ev)
{
	const struct pb_config *c = e->config;
	const uint32_t *ids;
	size_t n = fits_playbooks_of(e, ev, &ids), front = n > 0 ? ids[0] : c->n_playbooks;
	json_t *j = json_object(), *matching = json_array();
	json_object_set_new(j, "differ", differing(c, ev, front, matching));
	if (n > 0)
		json_array_append_new(matching, json_string(c->playbooks[front].name));
	json_object_set_new(j, "match", matching);
	size_t told = json_array_size(json_object_get(j, "differ"));
	pb_json_set_i64(j, "differ_more", (int64_t)(front - told));
	pb_json_set_i64(j, "match_more", n > 0 ? (int64_t)n - 1 : 0);
	json_object_set_new(j, "near", n > 0 ? json_array() : near_misses(c, ev));
	pb_json_set_i64(j, "playbooks", (int64_t)c->n_playbooks);
	pb_json_set_str(j, "fate", fate(e, ev, n > 0));
	return j;
}

/* --- alarms by name */

size_t
pb_engine_find_alarm(const struct pb_engine *e, const char *name, const char **ret_arn)
{
	size_t i = 0, n = 0;
	const char *arn;
	void *value;
	while (pb_map_next(e->alarms, &i, &arn, &value)) {
		const struct alarm *a = value;
		if (strcmp(arn, name) != 0 && !pb_streq(a->name, name))
			continue;
		if (n++ == 0)
			*ret_arn = arn;
	}
	return n;
}

const char *
pb_engine_alarm_incident(const struct pb_engine *e, const char *arn)
{
	const struct alarm *a = pb_map_get(e->alarms, arn);
	return a == NULL || a->n_open == 0 ? NULL : a->open[a->n_open - 1]->id;
}
