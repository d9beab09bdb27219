/*
 * The cloudwatch source.
 *
 *	waiting -> describing	its time came		[mute rules, then DescribeAlarms, page after page]
 *	describing -> history	last page, and something may have been missed	[DescribeAlarmHistory]
 *	describing -> waiting	last page: the poll counts; or a call failed
 *	history -> waiting	last page, or it cannot be had: the poll counts; or a call failed
 *
 * Two states of an alarm do not tell what was between them.  The history is asked
 *	- by the first poll of a process that is not the first: there is a gap between the two.  It is
 *	  filled in order of time, therefore all events of that poll wait for its end;
 *	- for alarms in doubt: those that changed, and as far as the two states tell were either in
 *	  ALARM all along or never.  After a poll that failed also for what is no longer in ALARM.
 *	  Only their events wait.
 * All others go out page by page, so that a failing last page delays nobody.  Events of one alarm
 * are posted in order of time: the engine takes what is older than the last for late.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "daemon/poller_internal.h"

#define OVERLAP_FOR (5 * PB_MINUTE) /* polls may miss what the service shows late */
#define PAGE_SIZE 100
#define HISTORY_TRIES 3U
#define URGENT_FOR (10 * PB_SECOND) /* for a page of history that an alarm in ALARM waits for */

struct seen {
	enum pb_alarm_state state;
	int64_t transitioned_at;
	uint64_t poll;
};

struct found { /* an event of the poll at hand, with its place for a stable order */
	struct pb_event *event;
	size_t place;
};

struct pb_cloudwatch {
	struct pb_poller *p;
	struct pb_mutes *mutes; /* NULL = they are not honoured */
	struct pb_map *alarms; /* ARN -> struct seen */
	struct pb_loop_timer *timer;
	struct pb_client_call *call;
	struct pb_trouble trouble;
	bool is_polled; /* a poll of this process counted */
	int64_t since_at; /* an alarm not seen before is news if its transition is not older */
	bool has_gap; /* between the process before and this one */
	bool has_failed; /* a poll, since the last that counted */
	int64_t history_from_at;
	unsigned history_failures;
	bool is_history_lost; /* said; until it works again */
	uint64_t n_malformed; /* since the start: only the first is logged */

	/* the poll at hand */
	uint64_t poll;
	int64_t began_at, began_mono;
	int64_t began_wall; /* AWS's times are compared with it */
	size_t n_pages;
	struct pb_map *tokens; /* page tokens seen, to find a loop */
	char *token; /* of the page to ask for; NULL = first */
	/* Alarm name -> DescribeAlarms member: those whose history is wanted.  With a gap all of them;
	 * else those in doubt, of which nothing was noted or posted yet. */
	json_t *members;
	struct found *found;
	size_t n_found, size_found;
};

static void start_poll(void *arg);

struct pb_cloudwatch *
pb_cloudwatch_new(struct pb_poller *p)
{
	struct pb_cloudwatch *w = pb_calloc(1, sizeof(*w));
	w->p = p;
	w->mutes = p->source.honours_mutes ? pb_mutes_new(p) : NULL;
	w->alarms = pb_map_new();
	w->timer = pb_loop_timer_new(p->loop, start_poll, w);
	pb_loop_timer_set(w->timer, 0);
	return w;
}

static void
forget_poll(struct pb_cloudwatch *w)
{
	for (size_t i = 0; i < w->n_found; i++)
		pb_event_unref(w->found[i].event);
	free(w->found);
	w->found = NULL;
	w->n_found = w->size_found = 0;
	json_decref(w->members);
	w->members = NULL;
	pb_map_free(w->tokens, NULL);
	w->tokens = NULL;
	free(w->token);
	w->token = NULL;
}

void
pb_cloudwatch_stop(struct pb_cloudwatch *w)
{
	pb_loop_timer_clear(w->timer);
	pb_client_cancel(PB_TAKE(w->call));
	pb_mutes_stop(w->mutes);
	forget_poll(w);
}

void
pb_cloudwatch_free(struct pb_cloudwatch *w)
{
	if (!w)
		return;
	pb_cloudwatch_stop(w);
	pb_loop_timer_free(w->timer);
	pb_mutes_free(w->mutes);
	pb_map_free(w->alarms, free);
	free(w->trouble.error);
	free(w);
}

void
pb_cloudwatch_status(const struct pb_cloudwatch *w, json_t *status)
{
	pb_json_set_i64(status, "alarms", (int64_t)pb_map_len(w->alarms));
	pb_json_set_i64(status, "pages", (int64_t)w->n_pages);
	pb_json_set_i64(status, "failures", (int64_t)w->trouble.n);
	pb_json_set_str(status, "last_error", w->trouble.error);
	pb_mutes_status(w->mutes, status);
}

/* --- the end of a poll */

static void
wait_for(struct pb_cloudwatch *w, int64_t delay)
{
	w->p->next_at = pb_poller_now(w->p) + delay;
	pb_loop_timer_set(w->timer, delay);
}

static int64_t
retry_base(const struct pb_cloudwatch *w)
{
	int64_t interval = w->p->source.interval_for;
	return interval < PB_SECOND ? interval : PB_SECOND;
}

/* Nothing of a poll with a gap was posted yet, so it must all be found again. */
static void
give_up_poll(struct pb_cloudwatch *w, int64_t delay)
{
	forget_poll(w);
	w->has_failed = true;
	if (w->has_gap) {
		pb_map_free(w->alarms, free);
		w->alarms = pb_map_new();
	}
	wait_for(w, delay);
}

static void
forget_deleted(struct pb_cloudwatch *w)
{
	const char *arn;
	void *value;
	for (size_t i = 0; pb_map_next(w->alarms, &i, &arn, &value);) {
		const struct seen *s = value;
		if (s->poll == w->poll)
			continue;
		char shown[256];
		if (s->state == PB_ALARM_ALARM)
			pb_notice("source %s: %s was deleted while in ALARM: its incident will not "
				  "see an OK",
			    w->p->source.name, pb_safe(shown, sizeof(shown), pb_str_of(arn)));
		free(pb_map_del(w->alarms, arn));
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int64_t at = x->event->transitioned_at, other = y->event->transitioned_at;
	if (at != other)
		return at < other ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static void
post_found(struct pb_cloudwatch *w)
{
	if (w->n_found > 1)
		qsort(w->found, w->n_found, sizeof(*w->found), by_time);
	size_t n = w->n_found;
	w->n_found = 0;
	for (size_t i = 0; i < n; i++) {
		w->p->n_received++;
		pb_poller_post_event(w->p, w->found[i].event, 0);
	}
}

static void
finish_poll(struct pb_cloudwatch *w)
{
	struct pb_poller *p = w->p;
	post_found(w);
	forget_deleted(w);
	forget_poll(w);
	pb_trouble_over(p, &w->trouble, "DescribeAlarms");
	p->last_ok_at = pb_poller_now(p);
	w->is_polled = true;
	w->has_gap = w->has_failed = false;
	w->history_failures = 0;
	w->since_at = w->began_wall - OVERLAP_FOR;

	struct pb_input *in = pb_input_new(PB_IN_POLLED);
	in->source = pb_strdup(p->source.name);
	in->polled_at = w->began_at;
	p->ops.post(p->arg, in);

	int64_t interval = p->source.interval_for;
	int64_t took = pb_clock_mono() - w->began_mono;
	int64_t delay = pb_client_jitter(p->client, interval, interval / 10) - took;
	wait_for(w, delay > interval / 4 ? delay : interval / 4);
}

/* --- alarms */

static void
add_found(struct pb_cloudwatch *w, struct pb_event *e)
{
	if (w->n_found == w->size_found) {
		w->size_found = w->size_found ? w->size_found * 2 : 16;
		w->found = pb_realloc(w->found, w->size_found * sizeof(*w->found));
	}
	w->found[w->n_found] = (struct found){e, w->n_found};
	w->n_found++;
}

static void
note_malformed(struct pb_cloudwatch *w, const json_t *alarm, const char *why)
{
	char shown[256];
	const char *name = pb_json_str_or(alarm, "AlarmName", "without a name");
	if (w->n_malformed++ == 0)
		pb_warn("source %s: alarm %s cannot be read: %s; leaving it out", w->p->source.name,
		    pb_safe(shown, sizeof(shown), pb_str_of(name)), why);
}

static int64_t
transition_of(const json_t *alarm)
{
	int64_t at = pb_json_time(pb_json_get(alarm, "StateTransitionedTimestamp"));
	return at > 0 ? at : pb_json_time(pb_json_get(alarm, "StateUpdatedTimestamp"));
}

static bool
is_news(const struct pb_cloudwatch *w, const struct seen *s, enum pb_alarm_state state, int64_t at)
{
	if (s)
		return s->state != state || s->transitioned_at != at;
	return state == PB_ALARM_ALARM || (w->since_at > 0 && at >= w->since_at);
}

/* Is it possible that it was in ALARM, or was not, unseen? */
static bool
is_in_doubt(const struct pb_cloudwatch *w, const struct seen *s, enum pb_alarm_state state)
{
	bool is_alarm = state == PB_ALARM_ALARM, was_alarm = s && s->state == PB_ALARM_ALARM;
	if (w->has_gap || w->p->source.backfill_for == 0)
		return false;
	/* What is in ALARM now, and was not, must not wait for what was. */
	return is_alarm == was_alarm || (w->has_failed && !is_alarm);
}

/* The state before this one: that of the newest event found, else the last one seen. */
static enum pb_alarm_state
state_before(const struct pb_cloudwatch *w, const struct seen *s, const char *name)
{
	enum pb_alarm_state state = s ? s->state : PB_ALARM_INSUFFICIENT_DATA;
	int64_t newest_at = 0;
	for (size_t i = 0; !w->has_gap && i < w->n_found; i++) {
		const struct pb_event *e = w->found[i].event;
		if (e->transitioned_at < newest_at || !pb_streq(e->alarm_name, name))
			continue;
		newest_at = e->transitioned_at;
		state = e->alarm_state;
	}
	return state;
}

/* A member that take_alarm has checked: its event, if it is news, and its place in the map. */
static void
note_alarm(struct pb_cloudwatch *w, const json_t *alarm, bool is_event)
{
	struct pb_error err = {0};
	enum pb_alarm_state state;
	const char *arn = pb_json_str(alarm, "AlarmArn"), *name = pb_json_str(alarm, "AlarmName");
	pb_check(pb_alarm_state_parse(pb_json_str(alarm, "StateValue"), &state) == 0);
	struct seen *s = pb_map_get(w->alarms, arn);
	if (is_event) {
		struct pb_event *e;
		if (pb_event_from_alarm(alarm, state_before(w, s, name), &e, &err) < 0) {
			note_malformed(w, alarm, err.text);
			return;
		}
		add_found(w, e);
	}
	if (!s) {
		s = pb_calloc(1, sizeof(*s));
		pb_map_put(w->alarms, arn, s);
	}
	*s = (struct seen){state, transition_of(alarm), w->poll};
}

static void
take_alarm(struct pb_cloudwatch *w, const json_t *alarm)
{
	enum pb_alarm_state state;
	const char *arn = pb_json_str(alarm, "AlarmArn"), *name = pb_json_str(alarm, "AlarmName");
	const char *state_name = pb_json_str(alarm, "StateValue");
	int64_t at = transition_of(alarm);
	if (!arn || !name || !state_name || pb_alarm_state_parse(state_name, &state) < 0 ||
	    at <= 0) {
		note_malformed(w, alarm, "AlarmArn, AlarmName, StateValue or its time is missing");
		return;
	}
	struct seen *s = pb_map_get(w->alarms, arn);
	bool news = is_news(w, s, state, at), is_held = news && is_in_doubt(w, s, state);
	if (is_held && s)
		s->poll = w->poll;
	if (!is_held)
		note_alarm(w, alarm, news);
	if (is_held || w->has_gap)
		json_object_set(w->members, name, (json_t *)(uintptr_t)alarm);
}

/* What was in doubt is posted, whether or not the history could be had. */
static void
note_held(struct pb_cloudwatch *w)
{
	const char *name;
	json_t *alarm;
	if (w->has_gap)
		return;
	json_object_foreach (w->members, name, alarm)
		note_alarm(w, alarm, true);
}

static void
take_alarms(struct pb_cloudwatch *w, const json_t *list)
{
	size_t i;
	json_t *alarm;
	json_array_foreach (list, i, alarm)
		take_alarm(w, alarm);
}

/* --- pages */

static json_t *
alarm_types(const struct pb_source *s)
{
	json_t *types = json_array();
	if (s->metric_alarms)
		json_array_append_new(types, json_string("MetricAlarm"));
	if (s->composite_alarms)
		json_array_append_new(types, json_string("CompositeAlarm"));
	return types;
}

static void
ask(struct pb_cloudwatch *w, const char *operation, json_t *inputs, int64_t limit_for,
    pb_client_fn *fn)
{
	json_object_set_new(inputs, "AlarmTypes", alarm_types(&w->p->source));
	json_object_set_new(inputs, "MaxRecords", json_integer(PAGE_SIZE));
	pb_json_set_str(inputs, "NextToken", w->token);
	struct pb_client_request req = {
	    .service = "cloudwatch",
	    .operation = operation,
	    .inputs = inputs,
	    .region = w->p->source.region,
	    .limit_for = limit_for,
	};
	w->call = pb_client_call(w->p->client, &req, fn, w);
	json_decref(inputs);
}

/* Is there another page?  1 and the token is set, 0, or -1 when pages do not end. */
static int
turn_page(struct pb_cloudwatch *w, const json_t *output)
{
	const char *next = pb_json_str(output, "NextToken");
	free(w->token);
	w->token = NULL;
	w->n_pages++;
	if (!next || !*next)
		return 0;
	if (w->n_pages >= PB_POLLER_PAGES_MAX || pb_map_put(w->tokens, next, w) != NULL)
		return -1;
	w->token = pb_strdup(next);
	return 1;
}

static void
start_pages(struct pb_cloudwatch *w)
{
	pb_map_free(w->tokens, NULL);
	w->tokens = pb_map_new();
	w->n_pages = 0;
	free(w->token);
	w->token = NULL;
}

/* --- history */

static void on_history(const struct pb_client_result *result, void *arg);

/* Does one that is in ALARM wait for the history? */
static bool
is_urgent(const struct pb_cloudwatch *w)
{
	const char *name;
	json_t *alarm;
	if (w->has_gap)
		return false;
	json_object_foreach (w->members, name, alarm)
		if (pb_streq(pb_json_str(alarm, "StateValue"), "ALARM"))
			return true;
	return false;
}

static void
ask_history(struct pb_cloudwatch *w)
{
	json_t *inputs = json_object();
	pb_json_set_str(inputs, "HistoryItemType", "StateUpdate");
	pb_json_set_str(inputs, "ScanBy", "TimestampAscending");
	json_object_set_new(inputs, "StartDate", json_real((double)w->history_from_at / 1000.0));
	if (!w->has_gap && json_object_size(w->members) == 1)
		pb_json_set_str(
		    inputs, "AlarmName", json_object_iter_key(json_object_iter(w->members)));
	ask(w, "DescribeAlarmHistory", inputs, is_urgent(w) ? URGENT_FOR : 0, on_history);
}

static void
take_item(struct pb_cloudwatch *w, const json_t *item)
{
	struct pb_error err = {0};
	const char *name = pb_json_str_or(item, "AlarmName", "");
	const json_t *alarm = pb_json_get(w->members, name);
	const char *arn = pb_json_str(alarm, "AlarmArn");
	struct pb_event *e;
	/* Not one of ours, or deleted since. */
	if (!arn)
		return;
	if (pb_event_from_history(item, arn, alarm, &e, &err) < 0) {
		note_malformed(w, item, err.text);
		return;
	}
	const struct seen *s = w->has_gap ? NULL : pb_map_get(w->alarms, arn);
	/* The alarm's present state is an event of its own; what came after is the next poll's. */
	if (e->transitioned_at >= transition_of(alarm) ||
	    (s && e->transitioned_at <= s->transitioned_at))
		pb_event_unref(e);
	else
		add_found(w, e);
}

/* From the last good poll, but not beyond `backfill`. */
static void
start_history(struct pb_cloudwatch *w)
{
	w->history_from_at = w->began_wall - w->p->source.backfill_for;
	if (w->history_from_at < w->since_at)
		w->history_from_at = w->since_at;
	start_pages(w);
	ask_history(w);
}

static void
finish_history(struct pb_cloudwatch *w)
{
	if (w->is_history_lost)
		pb_notice("source %s: DescribeAlarmHistory works again", w->p->source.name);
	w->is_history_lost = false;
	note_held(w);
	finish_poll(w);
}

static void
give_up_history(struct pb_cloudwatch *w, const char *why)
{
	char from[PB_TIME_TEXT], to[PB_TIME_TEXT];
	if (!w->is_history_lost)
		pb_warn(
		    "source %s: DescribeAlarmHistory: %s; going on without: alarms that came and "
		    "went between %s and %s are not seen",
		    w->p->source.name, why, pb_time_rfc3339(from, w->history_from_at),
		    pb_time_rfc3339(to, w->began_wall));
	w->is_history_lost = true;
	note_held(w);
	finish_poll(w);
}

static void
on_history(const struct pb_client_result *result, void *arg)
{
	struct pb_cloudwatch *w = arg;
	w->call = NULL;
	if (!result->is_ok) {
		bool is_final = result->error.class == PB_AWS_DENIED ||
		    result->error.class == PB_AWS_OURS || result->error.class == PB_AWS_OTHER;
		/* What is in ALARM now must not wait for what was. */
		if (is_final || is_urgent(w) || ++w->history_failures >= HISTORY_TRIES)
			give_up_history(w, result->text);
		else
			give_up_poll(w,
			    pb_trouble_failed(
				w->p, &w->trouble, "DescribeAlarmHistory", result, retry_base(w)));
		return;
	}
	size_t i;
	json_t *item;
	json_array_foreach (pb_json_get(result->output, "AlarmHistoryItems"), i, item)
		take_item(w, item);
	int more = turn_page(w, result->output);
	if (more > 0)
		ask_history(w);
	else if (more < 0)
		give_up_history(w, "its pages do not end");
	else
		finish_history(w);
}

/* --- the poll */

static void on_alarms(const struct pb_client_result *result, void *arg);

static void
ask_alarms(struct pb_cloudwatch *w)
{
	const char *prefix = w->p->source.name_prefix;
	json_t *inputs = json_object();
	if (prefix && *prefix)
		pb_json_set_str(inputs, "AlarmNamePrefix", prefix);
	ask(w, "DescribeAlarms", inputs, 0, on_alarms);
}

static void
on_alarms(const struct pb_client_result *result, void *arg)
{
	struct pb_cloudwatch *w = arg;
	w->call = NULL;
	if (!result->is_ok) {
		give_up_poll(w,
		    pb_trouble_failed(w->p, &w->trouble, "DescribeAlarms", result, retry_base(w)));
		return;
	}
	take_alarms(w, pb_json_get(result->output, "MetricAlarms"));
	take_alarms(w, pb_json_get(result->output, "CompositeAlarms"));
	if (!w->has_gap)
		post_found(w);
	int more = turn_page(w, result->output);
	if (more > 0) {
		ask_alarms(w);
	} else if (more < 0) {
		give_up_poll(w,
		    pb_trouble_bad(w->p, &w->trouble, "DescribeAlarms", "its pages do not end",
			retry_base(w)));
	} else if (w->has_gap || json_object_size(w->members) > 0) {
		start_history(w);
	} else {
		finish_poll(w);
	}
}

/* What the process before has seen, asked for when the first poll begins. */
static void
find_gap(struct pb_cloudwatch *w)
{
	struct pb_poller *p = w->p;
	int64_t at = p->ops.polled_at ? p->ops.polled_at(p->arg, p->source.name) : 0;
	if (at <= 0)
		return;
	w->since_at = at - w->began_at + w->began_wall - OVERLAP_FOR;
	w->has_gap = p->source.backfill_for > 0;
}

static void
on_mutes(void *arg)
{
	ask_alarms(arg);
}

static void
start_poll(void *arg)
{
	struct pb_cloudwatch *w = arg;
	w->p->next_at = 0;
	w->poll++;
	w->began_at = pb_poller_now(w->p);
	w->began_mono = pb_clock_mono();
	w->began_wall = pb_clock_wall();
	if (!w->is_polled)
		find_gap(w);
	w->members = json_object();
	start_pages(w);
	if (!pb_mutes_ask(w->mutes, w->began_at, on_mutes, w))
		ask_alarms(w);
}
