/*
 * An incident of several alarms.
 */
#include "tests/unit/runner.h"

#include "base/json.h"
#include "engine/engine.h"

#define START INT64_C(1772528400000) /* 2026-03-03T09:00:00Z */

static const char text[] =
    "version: 1\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
    "contacts: [{name: ana}]\n"
    "escalations: [{name: oncall, levels: [{notify: [ana], via: [pager]}]}]\n"
    "playbooks: [{name: all, dedup: \"${alarm.region}\", escalate: oncall, match: {detail: {state: "
    "{value: [ALARM]}}}}]\n";

static struct pb_config *
config(void)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	char name[] = "t.yaml";
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(text);
	const struct pb_config_file file = {name, copy, strlen(copy)};
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

/* Its notes of kind "joined" and "event" go to `b`. */
static void
step(struct pb_engine *e, struct pb_input *in, struct pb_buf *b)
{
	struct pb_update *u = pb_update_new(START);
	pb_engine_step(e, START, in, u);
	for (size_t i = 0; i < u->n_notes; i++)
		if (u->notes[i].incident[0] != '\0' &&
		    (pb_streq(u->notes[i].kind, "joined") || pb_streq(u->notes[i].kind, "event")))
			(void)pb_buf_addf(b, "%s\n", u->notes[i].text);
	pb_update_free(u);
	pb_input_free(in);
}

static void
alarm_goes(struct pb_engine *e, int i, const char *state, struct pb_buf *b)
{
	struct pb_error err = {0};
	char time[PB_TIME_TEXT];
	/* Recoveries are later than alarms. */
	pb_time_rfc3339(time, START - PB_MINUTE + (state[0] == 'O' ? PB_SECOND : 0));
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("a-%d", i);
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:%s", name);
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	PB_JSON json_t *j =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}",
		"version", "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
		"aws.cloudwatch", "account", "111122223333", "time", time, "region", "eu-west-1",
		"resources", arn, "detail", "alarmName", name, "state", "value", state, "reason",
		"Threshold Crossed", "timestamp", time);
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	step(e, in, b);
}

START_TEST(an_incident_of_more_alarms_than_are_watched_is_closed_by_a_human_only)
{
	const struct pb_engine_options options = {.seed = 1};
	struct pb_config *c = config();
	struct pb_engine *e = pb_engine_new(c, &options);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (int i = 0; i < 203; i++)
		alarm_goes(e, i, "ALARM", &b);
	ck_assert_uint_eq(pb_engine_n_open(e), 1);
	ck_assert_ptr_nonnull(strstr(b.ptr, "a-200 too: it is over when all its alarms are OK\n"));
	ck_assert_ptr_nonnull(
	    strstr(b.ptr, "more than 200 alarms: only a human says that it is over\n"));
	for (int i = 0; i < 203; i++)
		alarm_goes(e, i, "OK", &b);
	ck_assert_uint_eq(pb_engine_n_open(e), 1);
	ck_assert_ptr_nonnull(strstr(
	    b.ptr, "a-0 is OK, and it is not over: a-1 is ALARM still, and 201 more are not OK\n"));
	ck_assert_ptr_nonnull(strstr(
	    b.ptr, "a-200 is OK, and it is not over: more alarms had joined than are watched\n"));
	struct pb_input *in = pb_input_new(PB_IN_RESOLVE);
	in->incident = pb_strdup("1");
	in->by = pb_strdup("ana");
	step(e, in, &b);
	ck_assert_uint_eq(pb_engine_n_open(e), 0);
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(joined)
{
	pb_add(s, an_incident_of_more_alarms_than_are_watched_is_closed_by_a_human_only);
}
