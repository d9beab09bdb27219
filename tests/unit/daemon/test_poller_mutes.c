/*
 * Mute rules of the cloudwatch source: what is posted, in which order, and what failures do.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/daemon/world.h"

static struct pb_poller *
start(struct world *w)
{
	static char name[] = "alarms";
	const struct pb_source s = {
	    .name = name,
	    .type = PB_SOURCE_CLOUDWATCH,
	    .interval_for = 30,
	    .metric_alarms = true,
	    .honours_mutes = true,
	};
	struct pb_poller_ops ops = world_poller_ops();
	world_client(w);
	return pb_poller_new(w->loop, w->client, &s, 3, &ops, w);
}

static bool
has_polls(struct world *w, void *arg)
{
	return world_n_inputs(w, PB_IN_POLLED) >= *(size_t *)arg;
}

static void
until_polls(struct world *w, size_t n)
{
	n += world_n_inputs(w, PB_IN_POLLED);
	world_until(w, has_polls, &n);
}

/* The last list posted, as JSON text; NULL when none was. */
static char *
last_list(const struct world *w)
{
	for (size_t i = w->n_inputs; i-- > 0;)
		if (w->inputs[i]->kind == PB_IN_MUTES)
			return pb_json_text(w->inputs[i]->mutes);
	return NULL;
}

static void
assert_list(const struct world *w, const char *expected)
{
	PB_CLEANUP(pb_freep) char *text = last_list(w);
	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, expected);
}

static void
finish(struct world *w, struct pb_poller *p)
{
	pb_poller_free(p);
	world_close(w);
}

#define ARN(name) "arn:aws:cloudwatch:us-east-1:111122223333:alarm:" name
#define NIGHTLY "{\"name\":\"nightly\",\"alarms\":[\"a\",\"b c\"]}"

START_TEST(the_active_rules_are_posted_before_the_alarms)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"ALARM\"}");
	world_tell(&w, "/_sandbox/mutes", NIGHTLY);
	world_tell(&w, "/_sandbox/mutes",
	    "{\"name\":\"later\",\"alarms\":[\"a\"],\"status\":\"SCHEDULED\"}");
	world_tell(&w, "/_sandbox/mutes",
	    "{\"name\":\"once\",\"alarms\":[\"d\"],\"until\":4102444800000}");
	struct pb_poller *p = start(&w);
	until_polls(&w, 1);
	ck_assert_uint_eq(w.n_inputs, 3);
	ck_assert_int_eq(w.inputs[0]->kind, PB_IN_MUTES);
	ck_assert_int_eq(w.inputs[1]->kind, PB_IN_EVENT);
	ck_assert_int_eq(w.inputs[2]->kind, PB_IN_POLLED);
	ck_assert_str_eq(w.inputs[0]->source, "alarms");
	ck_assert_int_eq(w.inputs[0]->polled_at, w.inputs[2]->polled_at);
	ck_assert_int_ge(w.inputs[0]->span, 5 * PB_MINUTE);
	assert_list(&w,
	    "[{\"name\":\"nightly\",\"alarms\":[\"" ARN("a") "\",\"" ARN(
		"b c") "\"]},"
		       "{\"name\":\"once\",\"alarms\":[\"" ARN(
			   "d") "\"],\"until\":4102444800000}]");
	PB_JSON json_t *status = pb_poller_json(p);
	ck_assert_int_eq(pb_json_i64(status, "mute_rules", 0), 2);
	finish(&w, p);
}
END_TEST

START_TEST(a_rule_is_read_once_and_again_when_it_was_changed)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/mutes", NIGHTLY);
	struct pb_poller *p = start(&w);
	until_polls(&w, 3);
	ck_assert_uint_eq(world_n_calls(&w, "GetAlarmMuteRule"), 1);
	world_tell(&w, "/_sandbox/mutes", "{\"name\":\"nightly\",\"alarms\":[\"z\"]}");
	until_polls(&w, 2);
	ck_assert_uint_eq(world_n_calls(&w, "GetAlarmMuteRule"), 2);
	assert_list(&w, "[{\"name\":\"nightly\",\"alarms\":[\"" ARN("z") "\"]}]");
	world_tell(&w, "/_sandbox/mutes", "{\"name\":\"nightly\",\"remove\":true}");
	until_polls(&w, 2);
	assert_list(&w, "[]");
	finish(&w, p);
}
END_TEST

START_TEST(all_pages_of_rules_are_read)
{
	struct world w;
	char body[128];
	world_open(&w);
	for (int i = 0; i < 120; i++) {
		snprintf(body, sizeof(body), "{\"name\":\"r%d\",\"alarms\":[\"a%d\"]}", i, i);
		world_tell(&w, "/_sandbox/mutes", body);
	}
	struct pb_poller *p = start(&w);
	until_polls(&w, 1);
	ck_assert_uint_eq(world_n_calls(&w, "ListAlarmMuteRules"), 2);
	ck_assert_uint_eq(json_array_size(w.inputs[0]->mutes), 120);
	finish(&w, p);
}
END_TEST

/* What goes wrong, and what of it is said. */
static const struct {
	const char *fault, *says;
} faults[] = {
    {"{\"fault\":\"server_error\",\"operation\":\"ListAlarmMuteRules\",\"times\":0}",
	"source alarms: ListAlarmMuteRules: InternalFailure"},
    {"{\"fault\":\"reset\",\"operation\":\"ListAlarmMuteRules\",\"times\":0}",
	"source alarms: ListAlarmMuteRules: "},
    {"{\"fault\":\"garbage\",\"operation\":\"ListAlarmMuteRules\",\"times\":0}",
	"source alarms: ListAlarmMuteRules: "},
    {"{\"fault\":\"error\",\"code\":\"AccessDenied\",\"status\":403,\"operation\":"
     "\"ListAlarmMuteRules\",\"times\":0}",
	"source alarms: ListAlarmMuteRules: AccessDenied"},
    {"{\"fault\":\"error\",\"code\":\"AccessDenied\",\"status\":403,\"operation\":"
     "\"GetAlarmMuteRule\",\"times\":0}",
	"source alarms: GetAlarmMuteRule: AccessDenied"},
    {"{\"fault\":\"answer\",\"operation\":\"ListAlarmMuteRules\",\"times\":0,\"content_type\":"
     "\"application/x-amz-json-1.0\",\"body\":\"{\\\"AlarmMuteRuleSummaries\\\":[],"
     "\\\"NextToken\\\":\\\"again\\\"}\"}",
	"source alarms: ListAlarmMuteRules: more than 1000 rules are active"},
};

START_TEST(rules_that_cannot_be_read_mute_nothing_and_stop_no_poll)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/alarms", "{\"name\":\"a\",\"state\":\"ALARM\"}");
	world_tell(&w, "/_sandbox/mutes", NIGHTLY);
	world_tell(&w, "/_sandbox/faults", faults[_i].fault);
	struct pb_poller *p = start(&w);
	until_polls(&w, 3);
	ck_assert_uint_eq(world_n_inputs(&w, PB_IN_MUTES), 0);
	ck_assert_uint_eq(world_n_inputs(&w, PB_IN_EVENT), 1);
	world_says(w.log.ptr, faults[_i].says);
	PB_JSON json_t *status = pb_poller_json(p);
	ck_assert_ptr_nonnull(pb_json_str(status, "mute_rules_error"));
	ck_assert_ptr_null(pb_json_str(status, "last_error"));
	finish(&w, p);
}
END_TEST

START_TEST(after_a_failure_the_rules_are_not_asked_for_with_every_poll)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"error\",\"code\":\"AccessDenied\",\"status\":403,\"operation\":"
	    "\"ListAlarmMuteRules\",\"times\":0}");
	struct pb_poller *p = start(&w);
	until_polls(&w, 8);
	ck_assert_uint_lt(world_n_calls(&w, "ListAlarmMuteRules"), 6);
	finish(&w, p);
}
END_TEST

static bool
has_list(struct world *w, void *arg)
{
	(void)arg;
	return world_n_inputs(w, PB_IN_MUTES) > 0;
}

START_TEST(rules_come_again_when_they_can_be_read_again)
{
	struct world w;
	world_open(&w);
	world_tell(&w, "/_sandbox/mutes", NIGHTLY);
	world_tell(&w, "/_sandbox/faults",
	    "{\"fault\":\"error\",\"code\":\"SomethingNew\",\"operation\":\"GetAlarmMuteRule\","
	    "\"times\":1}");
	struct pb_poller *p = start(&w);
	world_until(&w, has_list, NULL);
	world_says(w.log.ptr, "reading mute rules works again");
	finish(&w, p);
}
END_TEST

/* Answers that are whole and make no sense: what is wrong is said, and mutes nothing. */
static const struct {
	const char *make, *answer, *says;
} odd[] = {
    {"{\"name\":\"all\"}", NULL, "alarm-mute-rule:all names no alarms; it mutes nothing"},
    {NULL,
	"{\\\"AlarmMuteRuleSummaries\\\":[7,{\\\"AlarmMuteRuleArn\\\":\\\"arn:x\\\","
	"\\\"Status\\\":\\\"ACTIVE\\\"}]}",
	"has no ARN of a mute rule; it mutes nothing"},
    {NULL, "{\\\"AlarmMuteRuleSummaries\\\":{}}", NULL},
};

START_TEST(what_makes_no_sense_mutes_nothing)
{
	struct world w;
	char fault[512];
	world_open(&w);
	if (odd[_i].make != NULL)
		world_tell(&w, "/_sandbox/mutes", odd[_i].make);
	snprintf(fault, sizeof(fault),
	    "{\"fault\":\"answer\",\"operation\":\"ListAlarmMuteRules\",\"times\":0,"
	    "\"content_type\":\"application/x-amz-json-1.0\",\"body\":\"%s\"}",
	    odd[_i].answer == NULL ? "" : odd[_i].answer);
	if (odd[_i].answer != NULL)
		world_tell(&w, "/_sandbox/faults", fault);
	struct pb_poller *p = start(&w);
	until_polls(&w, 2);
	assert_list(&w, "[]");
	if (odd[_i].says != NULL)
		world_says(w.log.ptr, odd[_i].says);
	finish(&w, p);
}
END_TEST

START_TEST(too_many_muted_alarms_are_cut_and_said)
{
	struct world w;
	world_open(&w);
	PB_JSON json_t *names = json_array();
	for (int i = 0; i < 100; i++)
		json_array_append_new(names, json_sprintf("alarm-%d", i));
	for (int i = 0; i < 52; i++) {
		PB_JSON json_t *rule =
		    json_pack("{s:o, s:O}", "name", json_sprintf("r%d", i), "alarms", names);
		PB_CLEANUP(pb_freep) char *body = pb_json_text(rule);
		world_tell(&w, "/_sandbox/mutes", body);
	}
	struct pb_poller *p = start(&w);
	until_polls(&w, 2);
	ck_assert_uint_eq(json_array_size(w.inputs[0]->mutes), 50);
	world_says(w.log.ptr, "name more than 5000 alarms; those that come last mute nothing");
	finish(&w, p);
}
END_TEST

PB_SUITE(poller_mutes)
{
	pb_add(s, the_active_rules_are_posted_before_the_alarms);
	pb_add(s, a_rule_is_read_once_and_again_when_it_was_changed);
	pb_add(s, all_pages_of_rules_are_read);
	pb_add_loop(s, rules_that_cannot_be_read_mute_nothing_and_stop_no_poll, 0,
	    (int)PB_ARRAY_LEN(faults));
	pb_add(s, after_a_failure_the_rules_are_not_asked_for_with_every_poll);
	pb_add(s, rules_come_again_when_they_can_be_read_again);
	pb_add_loop(s, what_makes_no_sense_mutes_nothing, 0, (int)PB_ARRAY_LEN(odd));
	pb_add(s, too_many_muted_alarms_are_cut_and_said);
}
