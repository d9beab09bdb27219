/*
 * The cloudwatch source: pages, differences, the first poll, the gap, failures.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/unit/daemon/world.h"

#define NAME "alarms"

static struct pb_source
source(void)
{
	static char name[] = NAME;
	return (struct pb_source){
	    .name = name,
	    .type = PB_SOURCE_CLOUDWATCH,
	    .interval_for = 30,
	    .metric_alarms = true,
	    .composite_alarms = true,
	    .backfill_for = 2 * PB_HOUR,
	};
}

static struct pb_poller *
start(struct world *w, const struct pb_source *s)
{
	struct pb_poller_ops ops = world_poller_ops();
	if (!w->client)
		world_client(w);
	return pb_poller_new(w->loop, w->client, s, 3, &ops, w);
}

static bool
has_polls(struct world *w, void *arg)
{
	return world_n_inputs(w, PB_IN_POLLED) >= *(size_t *)arg;
}

/* From here on, so many whole polls. */
static void
until_polls(struct world *w, size_t n)
{
	n += world_n_inputs(w, PB_IN_POLLED);
	world_until(w, has_polls, &n);
}

static void
finish(struct world *w, struct pb_poller *p)
{
	pb_poller_free(p);
	world_close(w);
}

static void
alarm_at(struct world *w, const char *name, const char *state, int64_t at)
{
	char target[128], body[128];
	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	world_tell(w, "/_sandbox/alarms", body);
	snprintf(target, sizeof(target), "/_sandbox/alarms/%s/state", name);
	snprintf(body, sizeof(body), "{\"state\":\"%s\",\"at\":%lld}", state, (long long)at);
	world_tell(w, target, body);
}

static void
set_state(struct world *w, const char *name, const char *state)
{
	char target[128], body[128];
	snprintf(target, sizeof(target), "/_sandbox/alarms/%s/state", name);
	snprintf(body, sizeof(body), "{\"state\":\"%s\"}", state);
	world_tell(w, target, body);
}

/* "a=ALARM b=OK": the events posted, in their order. */
static char *
events(const struct world *w)
{
	struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < w->n_inputs; i++) {
		const struct pb_event *e = w->inputs[i]->event;
		if (w->inputs[i]->kind != PB_IN_EVENT)
			continue;
		ck_assert_str_eq(w->inputs[i]->source, NAME);
		ck_assert_uint_eq(w->inputs[i]->receipt, 0);
		pb_buf_addf(&b, "%s%s=%s", b.len ? " " : "", e->alarm_name,
		    pb_alarm_state_name(e->alarm_state));
	}
	return pb_buf_take(&b);
}

static void
assert_events(const struct world *w, const char *expected)
{
	PB_CLEANUP(pb_freep) char *text = events(w);
	ck_assert_str_eq(text, expected);
}

/* --- the first poll */

START_TEST(the_first_poll_posts_alarms_in_alarm_then_that_it_is_whole)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"OK\"}");
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"b\",\"state\":\"ALARM\"}");
	world_tell(
	    &w, "/_sandbox/alarms", "{\"name\":\"c\",\"state\":\"ALARM\",\"composite\":true}");
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"d\"}");
	int64_t before = pb_clock_wall();
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	ck_assert_uint_eq(w.n_inputs, 0);
	until_polls(&w, 1);
	assert_events(&w, "b=ALARM c=ALARM");
	const struct pb_input *last = w.inputs[w.n_inputs - 1];
	ck_assert_int_eq(last->kind, PB_IN_POLLED);
	ck_assert_str_eq(last->source, NAME);
	ck_assert_int_ge(last->polled_at, before);
	ck_assert_int_le(last->polled_at, pb_clock_wall());
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 0);
	finish(&w, p);
}
END_TEST

START_TEST(all_pages_are_read)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"many\",\"state\":\"ALARM\",\"count\":250}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	ck_assert_uint_eq(world_n_inputs(&w, PB_IN_EVENT), 250);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarms"), 3);
	PB_JSON json_t *status = pb_poller_json(p);
	ck_assert_int_eq(pb_json_i64(status, "alarms", 0), 250);
	ck_assert_int_eq(pb_json_i64(status, "received", 0), 250);
	finish(&w, p);
}
END_TEST

START_TEST(a_prefix_and_types_narrow_what_is_asked)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"web-a\",\"state\":\"ALARM\"}");
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"db-a\",\"state\":\"ALARM\"}");
	world_tell(
	    &w, "/_sandbox/alarms", "{\"name\":\"web-b\",\"state\":\"ALARM\",\"composite\":true}");
	struct pb_source s = source();
	char prefix[] = "web-";
	s.name_prefix = prefix;
	s.composite_alarms = false;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "web-a=ALARM");
	finish(&w, p);
}
END_TEST

/* --- later polls */

START_TEST(later_polls_post_differences_only)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"OK\"}");
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"b\",\"state\":\"ALARM\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 3);
	assert_events(&w, "b=ALARM");
	world_drop_inputs(&w);

	set_state(&w, "a", "ALARM");
	until_polls(&w, 2);
	assert_events(&w, "a=ALARM");
	ck_assert_int_eq(w.inputs[0]->event->alarm_previous_state, PB_ALARM_OK);
	world_drop_inputs(&w);

	set_state(&w, "a", "OK");
	set_state(&w, "b", "OK");
	until_polls(&w, 2);
	assert_events(&w, "a=OK b=OK");
	ck_assert_int_eq(w.inputs[0]->event->alarm_previous_state, PB_ALARM_ALARM);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 0);
	finish(&w, p);
}
END_TEST

/* What an alarm was at one poll, went through, and is told of it; the last state is of the poll. */
static const struct {
	const char *before, *then[4], *events;
} trips[] = {
    {"ALARM", {"OK", "ALARM"}, "a=OK a=ALARM"},
    {"OK", {"ALARM", "OK"}, "a=ALARM a=OK"},
    {"INSUFFICIENT_DATA", {"ALARM", "OK"}, "a=ALARM a=OK"},
    {"OK", {"ALARM", "INSUFFICIENT_DATA"}, "a=ALARM a=INSUFFICIENT_DATA"},
    {"OK", {"ALARM", "OK", "ALARM", "OK"}, "a=ALARM a=OK a=ALARM a=OK"},
    {"INSUFFICIENT_DATA", {"OK"}, "a=OK"},
};

/* Ten seconds each, the first state so long ago. */
static void
go_through(struct world *w, const char *name, const char *const states[4], int64_t ago)
{
	int64_t at = pb_clock_wall() - ago;
	for (size_t i = 0; i < 4 && states[i] != NULL; i++, at += 10 * PB_SECOND)
		alarm_at(w, name, states[i], at);
}

START_TEST(what_was_between_two_polls_is_posted_first)
{
	struct world w;
	world_open(&w);
	alarm_at(&w, "a", "OK", pb_clock_wall() - 2 * PB_HOUR);
	alarm_at(&w, "a", trips[_i].before, pb_clock_wall() - PB_HOUR);
	struct pb_source s = source();
	/* Longer than it takes to change the states. */
	s.interval_for = 200;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_drop_inputs(&w);
	go_through(&w, "a", trips[_i].then, PB_MINUTE);
	until_polls(&w, 2);
	assert_events(&w, trips[_i].events);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 1);
	const struct pb_event *last = NULL;
	for (size_t i = 0; i < w.n_inputs; i++) {
		const struct pb_event *e = w.inputs[i]->event;
		if (w.inputs[i]->kind != PB_IN_EVENT)
			continue;
		if (last != NULL) {
			ck_assert_int_eq(e->alarm_previous_state, last->alarm_state);
			ck_assert_int_gt(e->transitioned_at, last->transitioned_at);
		}
		last = e;
	}
	finish(&w, p);
}
END_TEST

START_TEST(several_alarms_in_doubt_share_a_history)
{
	static const char *const trip[4] = {"ALARM", "OK"};
	struct world w;
	world_open(&w);
	alarm_at(&w, "a", "OK", pb_clock_wall() - PB_HOUR);
	alarm_at(&w, "b", "OK", pb_clock_wall() - PB_HOUR);
	struct pb_source s = source();
	s.interval_for = 200;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	go_through(&w, "b", trip, 60 * PB_SECOND);
	go_through(&w, "a", trip, 30 * PB_SECOND);
	until_polls(&w, 2);
	assert_events(&w, "b=ALARM b=OK a=ALARM a=OK");
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 1);
	finish(&w, p);
}
END_TEST

#define FAILING "{\"fault\":\"error\",\"code\":\"SomethingNew\",\"times\":0,\"operation\":"

START_TEST(what_was_while_polls_failed_is_posted_first)
{
	static const char *const trip[4] = {"OK", "ALARM", "OK"}, *const other[4] = {"ALARM", "OK"};
	struct world w;
	world_open(&w);
	alarm_at(&w, "a", "ALARM", pb_clock_wall() - PB_HOUR);
	alarm_at(&w, "b", "OK", pb_clock_wall() - PB_HOUR);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_drop_inputs(&w);
	world_tell(&w, "/_sandbox/faults", FAILING "\"DescribeAlarms\"}");
	world_rounds(&w, 100);
	go_through(&w, "a", trip, 60 * PB_SECOND);
	go_through(&w, "b", other, 30 * PB_SECOND);
	world_rounds(&w, 100);
	json_decref(world_ask(&w, "DELETE", "/_sandbox/faults", NULL));
	until_polls(&w, 3);
	assert_events(&w, "a=OK a=ALARM a=OK b=ALARM b=OK");
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 1);
	finish(&w, p);
}
END_TEST

static bool
has_event_of(struct world *w, void *arg)
{
	for (size_t i = 0; i < w->n_inputs; i++)
		if (w->inputs[i]->kind == PB_IN_EVENT &&
		    pb_streq(w->inputs[i]->event->alarm_name, arg))
			return true;
	return false;
}

START_TEST(a_doubt_that_cannot_be_settled_yet_holds_back_nothing_else)
{
	static const char *const trip[4] = {"ALARM", "OK"};
	static char other[] = "b";
	struct world w;
	world_open(&w);
	alarm_at(&w, "a", "OK", pb_clock_wall() - PB_HOUR);
	alarm_at(&w, "b", "OK", pb_clock_wall() - PB_HOUR);
	struct pb_source s = source();
	s.interval_for = 200;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"server_error\",\"operation\":\"DescribeAlarmHistory\",\"times\":4}");
	go_through(&w, "a", trip, PB_MINUTE);
	set_state(&w, "b", "ALARM");
	world_until(&w, has_event_of, other);
	assert_events(&w, "b=ALARM");
	until_polls(&w, 1);
	assert_events(&w, "b=ALARM a=ALARM a=OK");
	finish(&w, p);
}
END_TEST

START_TEST(an_alarm_does_not_wait_for_a_history_that_cannot_be_had)
{
	static const char *const trip[4] = {"OK", "ALARM"};
	struct world w;
	world_open(&w);
	alarm_at(&w, "a", "ALARM", pb_clock_wall() - PB_HOUR);
	struct pb_source s = source();
	s.interval_for = 200;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_drop_inputs(&w);
	world_tell(&w, "/_sandbox/faults", FAILING "\"DescribeAlarmHistory\"}");
	go_through(&w, "a", trip, 180 * PB_SECOND);
	until_polls(&w, 2);
	assert_events(&w, "a=ALARM");
	go_through(&w, "a", trip, 120 * PB_SECOND);
	until_polls(&w, 2);
	assert_events(&w, "a=ALARM a=ALARM");
	const char *first = strstr(w.log.ptr, "are not seen");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "are not seen"));
	json_decref(world_ask(&w, "DELETE", "/_sandbox/faults", NULL));
	go_through(&w, "a", trip, 60 * PB_SECOND);
	until_polls(&w, 2);
	assert_events(&w, "a=ALARM a=ALARM a=OK a=ALARM");
	world_says(w.log.ptr, "DescribeAlarmHistory works again");
	finish(&w, p);
}
END_TEST

START_TEST(an_alarm_made_in_alarm_is_news)
{
	struct world w;
	world_open(&w);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"new\",\"state\":\"ALARM\"}");
	until_polls(&w, 2);
	assert_events(&w, "new=ALARM");
	finish(&w, p);
}
END_TEST

START_TEST(a_deleted_alarm_is_forgotten_and_said)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"ALARM\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_tell(&w, "/_sandbox/reset", "{}");
	until_polls(&w, 2);
	world_says(w.log.ptr, "was deleted while in ALARM");
	PB_JSON json_t *status = pb_poller_json(p);
	ck_assert_int_eq(pb_json_i64(status, "alarms", -1), 0);
	finish(&w, p);
}
END_TEST

/* --- after a stop */

START_TEST(after_a_short_stop_what_changed_since_is_posted)
{
	struct world w;
	world_open(&w);
	int64_t now = pb_clock_wall();
	alarm_at(&w, "old", "OK", now - PB_HOUR);
	alarm_at(&w, "fresh", "OK", now - PB_MINUTE);
	alarm_at(&w, "long", "ALARM", now - 5 * PB_HOUR);
	w.polled_at = now - PB_MINUTE;
	struct pb_source s = source();
	s.interval_for = PB_MINUTE;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "long=ALARM fresh=OK");
	finish(&w, p);
}
END_TEST

START_TEST(after_a_stop_times_of_aws_are_compared_with_the_wall_clock)
{
	struct world w;
	world_open(&w);
	int64_t now = pb_clock_wall();
	alarm_at(&w, "old", "OK", now - PB_HOUR);
	alarm_at(&w, "fresh", "OK", now - PB_MINUTE);
	w.durable_ahead = 3 * PB_HOUR; /* the host's clock was fast, and has been put right */
	w.polled_at = now + w.durable_ahead - 2 * PB_MINUTE;
	struct pb_source s = source();
	s.interval_for = PB_MINUTE;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "fresh=OK");
	finish(&w, p);
}
END_TEST

START_TEST(after_a_short_stop_the_history_is_read_as_well)
{
	struct world w;
	world_open(&w);
	int64_t now = pb_clock_wall();
	alarm_at(&w, "flap", "OK", now - PB_HOUR);
	w.polled_at = now - 20 * PB_SECOND;
	alarm_at(&w, "flap", "ALARM", now - 15 * PB_SECOND);
	alarm_at(&w, "flap", "OK", now - 10 * PB_SECOND);
	struct pb_source s = source();
	s.interval_for = PB_MINUTE;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "flap=ALARM flap=OK");
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 1);
	finish(&w, p);
}
END_TEST

static void
make_past(struct world *w)
{
	int64_t now = pb_clock_wall();
	alarm_at(w, "flap", "OK", now - 3 * PB_HOUR);
	alarm_at(w, "now", "OK", now - 3 * PB_HOUR);
	char body[64];
	const char *states[] = {"ALARM", "OK"};
	for (int i = 0; i < 2; i++) {
		snprintf(body, sizeof(body), "{\"state\":\"%s\",\"at\":%lld}", states[i],
		    (long long)(now - (40 - 20 * i) * PB_MINUTE));
		world_tell(w, "/_sandbox/alarms/flap/state", body);
	}
	snprintf(body, sizeof(body), "{\"state\":\"ALARM\",\"at\":%lld}",
	    (long long)(now - 30 * PB_MINUTE));
	world_tell(w, "/_sandbox/alarms/now/state", body);
	w->polled_at = now - PB_HOUR;
}

START_TEST(after_a_long_stop_the_history_fills_the_gap_in_order)
{
	struct world w;
	world_open(&w);
	make_past(&w);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "flap=ALARM now=ALARM flap=OK");
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 1);
	until_polls(&w, 2);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 1);
	ck_assert_uint_eq(world_n_inputs(&w, PB_IN_EVENT), 3);
	finish(&w, p);
}
END_TEST

START_TEST(a_backfill_of_nothing_asks_for_no_history)
{
	struct world w;
	world_open(&w);
	make_past(&w);
	struct pb_source s = source();
	s.backfill_for = 0;
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "now=ALARM flap=OK");
	set_state(&w, "flap", "ALARM");
	set_state(&w, "flap", "OK");
	until_polls(&w, 2);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarmHistory"), 0);
	finish(&w, p);
}
END_TEST

START_TEST(a_history_that_fails_for_a_while_delays_the_poll)
{
	struct world w;
	world_open(&w);
	make_past(&w);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"server_error\",\"operation\":\"DescribeAlarmHistory\",\"times\":4}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "flap=ALARM now=ALARM flap=OK");
	world_says(w.log.ptr, "DescribeAlarmHistory: InternalFailure");
	world_says(w.log.ptr, ", retrying in ");
	world_says(w.log.ptr, "works again after 1 failures");
	finish(&w, p);
}
END_TEST

#define FAULTY_HISTORY(rest) "{\"operation\":\"DescribeAlarmHistory\",\"times\":0," rest "}"
static const char *const history_faults[] = {
    FAULTY_HISTORY("\"fault\":\"server_error\""),
    FAULTY_HISTORY("\"fault\":\"error\",\"code\":\"AccessDenied\",\"status\":403"),
};

START_TEST(a_history_that_cannot_be_had_does_not_hold_back_what_is_in_alarm)
{
	struct world w;
	world_open(&w);
	make_past(&w);
	world_tell(&w, "/_sandbox/faults", history_faults[_i]);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "now=ALARM flap=OK");
	world_says(w.log.ptr, "alarms that came and went between");
	finish(&w, p);
}
END_TEST

/* --- failures */

static const char *const faults[] = {
    "{\"fault\":\"server_error\",\"times\":4}",
    "{\"fault\":\"reset\",\"times\":4}",
    "{\"fault\":\"cut\",\"times\":4}",
    "{\"fault\":\"garbage\",\"times\":4}",
    "{\"fault\":\"not_http\",\"times\":4}",
    "{\"fault\":\"throttle\",\"times\":4}",
    "{\"fault\":\"error\",\"code\":\"SomethingNew\",\"times\":2}",
    "{\"fault\":\"error\",\"code\":\"AccessDenied\",\"status\":403,\"times\":2}",
};

START_TEST(a_failing_poll_goes_on_and_is_said_once)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"ALARM\"}");
	world_tell(&w, "/_sandbox/faults", faults[_i]);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "a=ALARM");
	const char *first = strstr(w.log.ptr, "retrying in");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "retrying in"));
	world_says(w.log.ptr, "source alarms: DescribeAlarms: ");
	world_says(w.log.ptr, "DescribeAlarms works again");
	PB_JSON json_t *status = pb_poller_json(p);
	ck_assert_ptr_null(pb_json_get(status, "last_error"));
	ck_assert_int_gt(pb_json_i64(status, "last_ok_at", 0), 0);
	finish(&w, p);
}
END_TEST

START_TEST(a_poll_that_fails_half_way_is_not_whole_and_misses_nothing)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"many\",\"state\":\"ALARM\",\"count\":150}");
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"error\",\"code\":\"SomethingNew\",\"skip\":1,\"times\":1}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_until_inputs(&w, 100);
	ck_assert_uint_eq(world_n_inputs(&w, PB_IN_POLLED), 0);
	until_polls(&w, 1);
	ck_assert_uint_eq(world_n_inputs(&w, PB_IN_EVENT), 150);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarms"), 4);
	finish(&w, p);
}
END_TEST

START_TEST(pages_that_do_not_end_are_given_up)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"answer\",\"times\":2,\"content_type\":\"application/x-amz-json-1.0\","
	    "\"body\":\"{\\\"MetricAlarms\\\":[],\\\"NextToken\\\":\\\"again\\\"}\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	world_says(w.log.ptr, "its pages do not end");
	finish(&w, p);
}
END_TEST

START_TEST(an_alarm_that_cannot_be_read_is_left_out)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"answer\",\"content_type\":\"application/x-amz-json-1.0\",\"body\":"
	    "\"{\\\"MetricAlarms\\\":[7,{\\\"AlarmName\\\":\\\"x\\\"},{\\\"AlarmName\\\":\\\"y\\\","
	    "\\\"AlarmArn\\\":\\\"arn:aws:cloudwatch:us-east-1:111122223333:alarm:y\\\","
	    "\\\"StateValue\\\":\\\"ALARM\\\",\\\"StateTransitionedTimestamp\\\":1767225600.5}],"
	    "\\\"CompositeAlarms\\\":\\\"none\\\"}\"}");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	assert_events(&w, "y=ALARM");
	world_says(w.log.ptr, "cannot be read");
	finish(&w, p);
}
END_TEST

START_TEST(wrong_credentials_are_named_with_the_remedy)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_SECRET_ACCESS_KEY", "wrong");
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	world_rounds(&w, 200);
	world_says(w.log.ptr, "environment AWS_ACCESS_KEY_ID");
	world_says(w.log.ptr, "check the secret key");
	PB_JSON json_t *status = pb_poller_json(p);
	world_says(pb_json_str(status, "last_error"), "environment AWS_ACCESS_KEY_ID");
	ck_assert_int_gt(pb_json_i64(status, "failures", 0), 0);
	ck_assert_int_gt(pb_json_i64(status, "next_at", 0), 0);
	finish(&w, p);
}
END_TEST

START_TEST(a_stopped_poller_asks_no_more)
{
	struct world w;
	world_open(&w);
	struct pb_source s = source();
	struct pb_poller *p = start(&w, &s);
	until_polls(&w, 1);
	pb_poller_stop(p);
	size_t n = world_n_calls(&w, "DescribeAlarms"), inputs = w.n_inputs;
	world_rounds(&w, 200);
	ck_assert_uint_eq(world_n_calls(&w, "DescribeAlarms"), n);
	ck_assert_uint_eq(w.n_inputs, inputs);
	ck_assert(pb_poller_is_idle(p));
	finish(&w, p);
}
END_TEST

START_TEST(a_poller_knows_whether_it_is_of_a_source)
{
	struct world w;
	world_open(&w);
	struct pb_source s = source(), t = source();
	struct pb_poller *p = start(&w, &s);
	char prefix[] = "x";
	ck_assert(pb_poller_is_of(p, &t));
	ck_assert_str_eq(pb_poller_name(p), NAME);
	t.name_prefix = prefix;
	ck_assert(!pb_poller_is_of(p, &t));
	t = source();
	t.interval_for++;
	ck_assert(!pb_poller_is_of(p, &t));
	t = source();
	t.region = prefix;
	ck_assert(!pb_poller_is_of(p, &t));
	t = source();
	t.type = PB_SOURCE_SQS;
	ck_assert(!pb_poller_is_of(p, &t));
	finish(&w, p);
}
END_TEST

PB_SUITE(poller_cloudwatch)
{
	pb_add(s, the_first_poll_posts_alarms_in_alarm_then_that_it_is_whole);
	pb_add(s, all_pages_are_read);
	pb_add(s, a_prefix_and_types_narrow_what_is_asked);
	pb_add(s, later_polls_post_differences_only);
	pb_add_loop(s, what_was_between_two_polls_is_posted_first, 0, (int)PB_ARRAY_LEN(trips));
	pb_add(s, several_alarms_in_doubt_share_a_history);
	pb_add(s, what_was_while_polls_failed_is_posted_first);
	pb_add(s, a_doubt_that_cannot_be_settled_yet_holds_back_nothing_else);
	pb_add(s, an_alarm_does_not_wait_for_a_history_that_cannot_be_had);
	pb_add(s, after_a_stop_times_of_aws_are_compared_with_the_wall_clock);
	pb_add(s, after_a_short_stop_the_history_is_read_as_well);
	pb_add(s, an_alarm_made_in_alarm_is_news);
	pb_add(s, a_deleted_alarm_is_forgotten_and_said);
	pb_add(s, after_a_short_stop_what_changed_since_is_posted);
	pb_add(s, after_a_long_stop_the_history_fills_the_gap_in_order);
	pb_add(s, a_backfill_of_nothing_asks_for_no_history);
	pb_add(s, a_history_that_fails_for_a_while_delays_the_poll);
	pb_add_loop(s, a_history_that_cannot_be_had_does_not_hold_back_what_is_in_alarm, 0,
	    (int)PB_ARRAY_LEN(history_faults));
	pb_add_loop(s, a_failing_poll_goes_on_and_is_said_once, 0, (int)PB_ARRAY_LEN(faults));
	pb_add(s, a_poll_that_fails_half_way_is_not_whole_and_misses_nothing);
	pb_add(s, pages_that_do_not_end_are_given_up);
	pb_add(s, an_alarm_that_cannot_be_read_is_left_out);
	pb_add(s, wrong_credentials_are_named_with_the_remedy);
	pb_add(s, a_stopped_poller_asks_no_more);
	pb_add(s, a_poller_knows_whether_it_is_of_a_source);
}
