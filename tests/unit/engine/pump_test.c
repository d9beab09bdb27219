/*
 * The pump: decide, commit, act, in that order, with the real engine.
 */
#include "engine/pump.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/runner.h"

static const char plan[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "sources:\n"
    "  - {name: q, type: sqs, queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/q\"}\n"
    "channels: [{name: local, type: exec, argv: [/bin/page]}]\n"
    "contacts: [{name: ana}]\n"
    "unmatched: {alarms: escalate, escalate: oncall, events: drop}\n"
    "playbooks:\n"
    "  - name: web\n"
    "    match: {detail: {alarmName: [{prefix: web}], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    steps: [{name: fix, action: exec, argv: [/bin/fix], timeout: 30s}]\n"
    "escalations:\n"
    "  - {name: oncall, levels: [{notify: [ana], via: [local]}]}\n";

/* A world that writes down what the pump does to it. */
struct world {
	struct pb_engine *engine;
	struct pb_pump *pump;
	int64_t now;
	struct pb_buf seen;
	bool is_slow; /* commits wait for finish() */
	bool is_failing; /* commits fail */
	bool is_busy; /* a commit waits */
	int n_posts; /* inputs to post from within start() */
	int n_commits, n_wakes, n_failed;
	size_t n_notes;
	int64_t woken_at;
};

static int64_t
now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
answer(struct world *w)
{
	struct pb_error err = {0};
	int result = w->is_failing ? pb_fail(&err, PB_IO, "the disk is full") : 0;
	pb_pump_committed(w->pump, result, &err);
}

static void
commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct world *w = arg;
	ck_assert_ptr_eq(pump, w->pump);
	ck_assert_int_eq(u->at, w->now);
	ck_assert(!w->is_busy);
	w->n_commits++;
	(void)pb_buf_adds(&w->seen, "commit ");
	if (w->is_slow)
		w->is_busy = true;
	else
		answer(w);
}

static void
finish(struct world *w)
{
	ck_assert(w->is_busy);
	w->is_busy = false;
	answer(w);
}

static struct pb_input *
event(const char *alarm, const char *state, int64_t at, uint64_t receipt)
{
	char time[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:%s", alarm);
	(void)pb_time_rfc3339(time, at);
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s},"
			      " s:{s:s}}}",
	    "version", "0", "id", "e", "detail-type", "CloudWatch Alarm State Change", "source",
	    "aws.cloudwatch", "account", "111122223333", "region", "eu-west-1", "time", time,
	    "resources", arn, "detail", "alarmName", alarm, "state", "value", state, "timestamp",
	    time, "previousState", "value", "OK");
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	struct pb_error err = {0};
	int r = pb_event_from_envelope(j, &in->event, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	json_decref(j);
	in->source = pb_strdup("q");
	in->receipt = receipt;
	return in;
}

static void
start(void *arg, const struct pb_action *action)
{
	struct world *w = arg;
	(void)pb_buf_addf(&w->seen, "%s ", action->is_page ? "page" : "start");
	while (w->n_posts > 0)
		pb_pump_post(w->pump, event("web-more", "ALARM", w->now + w->n_posts--, 0));
}

static void
cancel(void *arg, const char *action_id)
{
	(void)action_id;
	(void)pb_buf_adds(&((struct world *)arg)->seen, "cancel ");
}

static void
receipt(void *arg, uint64_t number)
{
	(void)pb_buf_addf(&((struct world *)arg)->seen, "receipt-%d ", (int)number);
}

static void
reply(void *arg, const struct pb_reply *r)
{
	(void)pb_buf_addf(&((struct world *)arg)->seen, "reply-%d ", r->status);
}

static void
note(void *arg, const struct pb_note *n)
{
	ck_assert_ptr_nonnull(n->text);
	((struct world *)arg)->n_notes++;
}

static void
failed(void *arg, const struct pb_error *err)
{
	struct world *w = arg;
	ck_assert_str_eq(err->text, "the disk is full");
	w->n_failed++;
}

static void
wake(void *arg, int64_t at)
{
	struct world *w = arg;
	w->n_wakes++;
	w->woken_at = at;
}

static const struct pb_pump_ops ops = {
    .now = now,
    .commit = commit,
    .start = start,
    .cancel = cancel,
    .receipt = receipt,
    .reply = reply,
    .failed = failed,
    .note = note,
    .wake = wake,
};

static void
world_init(struct world *w)
{
	char name[] = "plan.yaml", text[sizeof(plan)];
	memcpy(text, plan, sizeof(plan));
	const struct pb_config_file file = {name, text, sizeof(plan) - 1};
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	int r = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(r == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	*w = (struct world){.now = 1795400000000};
	w->engine = pb_engine_new(c, &(struct pb_engine_options){.seed = 1, .host = "h"});
	pb_config_unref(c);
	w->pump = pb_pump_new(w->engine, &ops, w);
}

static void
world_fini(struct world *w)
{
	pb_pump_free(w->pump);
	pb_engine_free(w->engine);
	pb_buf_fini(&w->seen);
}

/* What was seen since the last call. */
static void
expect(struct world *w, const char *what)
{
	ck_assert_str_eq(w->seen.len == 0 ? "" : w->seen.ptr, what);
	pb_buf_reset(&w->seen);
}

static struct pb_input *
ack(const char *incident)
{
	struct pb_input *in = pb_input_new(PB_IN_ACK);
	in->incident = pb_strdup(incident);
	in->by = pb_strdup("ana");
	in->token = 1;
	return in;
}

START_TEST(nothing_is_acted_on_before_it_is_committed)
{
	struct world w;
	world_init(&w);
	w.is_slow = true;
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 7));
	pb_pump_turn(w.pump);
	expect(&w, "commit ");
	ck_assert_uint_eq(w.n_notes, 0);
	ck_assert(!pb_pump_is_idle(w.pump));
	finish(&w);
	expect(&w, "start receipt-7 ");
	ck_assert_uint_gt(w.n_notes, 0);
	ck_assert(pb_pump_is_idle(w.pump));
	ck_assert_uint_eq(pb_pump_n_turns(w.pump), 1);
	world_fini(&w);
}
END_TEST

START_TEST(all_that_waits_is_committed_once_and_pages_leave_first)
{
	struct world w;
	world_init(&w);
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 1));
	pb_pump_post(w.pump, event("other", "ALARM", w.now, 2));
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 3));
	pb_pump_post(w.pump, ack("nobody"));
	ck_assert_uint_eq(pb_pump_n_waiting(w.pump), 4);
	pb_pump_turn(w.pump);
	expect(&w, "commit page start receipt-1 receipt-2 receipt-3 reply-404 ");
	world_fini(&w);
}
END_TEST

START_TEST(what_comes_during_a_commit_waits_for_the_next)
{
	struct world w;
	world_init(&w);
	w.is_slow = true;
	pb_pump_post(w.pump, event("other", "ALARM", w.now, 1));
	pb_pump_turn(w.pump);
	pb_pump_post(w.pump, event("other-2", "ALARM", w.now, 2));
	pb_pump_turn(w.pump);
	expect(&w, "commit ");
	finish(&w);
	expect(&w, "page receipt-1 commit ");
	finish(&w);
	expect(&w, "page receipt-2 ");
	ck_assert(pb_pump_is_idle(w.pump));
	world_fini(&w);
}
END_TEST

START_TEST(inputs_posted_while_acting_are_pumped_in_the_same_turn)
{
	struct world w;
	world_init(&w);
	w.n_posts = 3;
	pb_pump_post(w.pump, event("other", "ALARM", w.now, 0));
	pb_pump_turn(w.pump);
	expect(&w, "commit page commit start ");
	ck_assert(pb_pump_is_idle(w.pump));
	world_fini(&w);
}
END_TEST

START_TEST(a_full_inbox_goes_batch_by_batch_in_order)
{
	struct world w;
	world_init(&w);
	for (int i = 0; i < PB_PUMP_BATCH_MAX * 2 + 10; i++)
		pb_pump_post(w.pump, event("other", "OK", w.now - 1000 + i, (uint64_t)i + 1));
	pb_pump_turn(w.pump);
	ck_assert_int_eq(w.n_commits, 3);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (int i = 1; i <= PB_PUMP_BATCH_MAX * 2 + 10; i++)
		(void)pb_buf_addf(
		    &b, "%sreceipt-%d ", (i - 1) % PB_PUMP_BATCH_MAX == 0 ? "commit " : "", i);
	expect(&w, b.ptr);
	world_fini(&w);
}
END_TEST

START_TEST(a_failed_commit_ends_it_and_nothing_was_acted_on)
{
	struct world w;
	world_init(&w);
	w.is_failing = true;
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 7));
	pb_pump_turn(w.pump);
	expect(&w, "commit ");
	ck_assert_int_eq(w.n_failed, 1);
	ck_assert_uint_eq(w.n_notes, 0);

	w.is_failing = false;
	pb_pump_post(w.pump, event("web-2", "ALARM", w.now, 8));
	pb_pump_turn(w.pump);
	expect(&w, "");
	ck_assert(!pb_pump_is_idle(w.pump));
	ck_assert_uint_eq(pb_pump_n_turns(w.pump), 0);
	world_fini(&w);
}
END_TEST

START_TEST(the_first_input_and_the_next_deadline_wake)
{
	struct world w;
	world_init(&w);
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 0));
	pb_pump_post(w.pump, event("web-2", "ALARM", w.now, 0));
	ck_assert_int_eq(w.n_wakes, 1);
	ck_assert_int_eq(w.woken_at, w.now);
	pb_pump_turn(w.pump);
	ck_assert_int_eq(w.n_wakes, 2);
	ck_assert_int_eq(w.woken_at, pb_engine_next_at(w.engine));
	ck_assert_int_gt(w.woken_at, w.now);
	pb_buf_reset(&w.seen);

	/* Too early does nothing but tell the time again. */
	pb_pump_turn(w.pump);
	expect(&w, "");
	ck_assert_int_eq(w.woken_at, pb_engine_next_at(w.engine));

	/* At the deadline the tick is the pump's own. */
	w.now = w.woken_at;
	pb_pump_turn(w.pump);
	ck_assert_int_eq(w.n_commits, 2);
	ck_assert_int_gt(w.woken_at, w.now);
	world_fini(&w);
}
END_TEST

START_TEST(a_refusal_needs_no_commit)
{
	struct world w;
	world_init(&w);
	pb_pump_post(w.pump, ack("20261123-1"));
	pb_pump_turn(w.pump);
	expect(&w, "reply-404 ");
	ck_assert_uint_eq(pb_pump_n_turns(w.pump), 1);
	world_fini(&w);
}
END_TEST

START_TEST(an_answer_in_time_comes_before_the_tick)
{
	struct world w;
	world_init(&w);
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 0));
	pb_pump_turn(w.pump);
	expect(&w, "commit start ");
	/* The very moment of page_by: the human's word was there first, and nobody is paged. */
	struct pb_input *in = pb_input_new(PB_IN_RESOLVE);
	in->incident = pb_strdup("1");
	in->by = pb_strdup("ana");
	in->token = 1;
	w.now += 4 * PB_MINUTE;
	pb_pump_post(w.pump, in);
	pb_pump_turn(w.pump);
	expect(&w, "commit cancel reply-200 ");
	world_fini(&w);
}
END_TEST

START_TEST(what_was_never_pumped_is_freed)
{
	struct world w;
	world_init(&w);
	w.is_slow = true;
	for (int i = 0; i < 100; i++)
		pb_pump_post(w.pump, event("web-1", "ALARM", w.now + i, 1));
	pb_pump_turn(w.pump);
	pb_pump_post(w.pump, event("web-1", "ALARM", w.now, 1));
	world_fini(&w);
}
END_TEST

PB_SUITE(pump)
{
	pb_add(s, nothing_is_acted_on_before_it_is_committed);
	pb_add(s, all_that_waits_is_committed_once_and_pages_leave_first);
	pb_add(s, what_comes_during_a_commit_waits_for_the_next);
	pb_add(s, inputs_posted_while_acting_are_pumped_in_the_same_turn);
	pb_add(s, a_full_inbox_goes_batch_by_batch_in_order);
	pb_add(s, a_failed_commit_ends_it_and_nothing_was_acted_on);
	pb_add(s, the_first_input_and_the_next_deadline_wake);
	pb_add(s, a_refusal_needs_no_commit);
	pb_add(s, an_answer_in_time_comes_before_the_tick);
	pb_add(s, what_was_never_pumped_is_freed);
}
