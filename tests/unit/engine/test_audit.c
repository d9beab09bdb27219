/*
 * The auditor: incidents whose records leave them without a next step are found, told and mended.
 */
#include "tests/unit/runner.h"

#include "base/json.h"
#include "engine/engine.h"

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager\"}\n"
    "  - {name: local, type: exec, argv: [/bin/page]}\n"
    "contacts: [{name: ana}]\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "playbooks:\n"
    "  - name: web\n"
    "    match: {detail: {state: {value: [ALARM]}}}\n"
    "    escalate: oncall\n"
    "    hold: HOLD\n"
    "    page_by: 2h\n"
    "    steps: [{name: restart, action: exec, argv: [/bin/restart], timeout: 50m, effect: "
    "idempotent}]\n"
    "escalations:\n"
    "  - name: oncall\n"
    "    levels: [{notify: [ana], via: [pager]}]\n"
    "    fallback: {after: 60s, via: [local]}\n";

#define START INT64_C(1772528400000) /* 2026-03-03T09:00:00Z */

static struct pb_config *
config(const char *hold)
{
	struct pb_config *c;
	struct pb_problems problems = {0};
	char name[] = "t.yaml";
	const char *at = strstr(config_text, "HOLD");
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%.*s%s%s", (int)(at - config_text), config_text, hold, at + 4);
	const struct pb_config_file file = {name, text, strlen(text)};
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

static struct pb_update *
step(struct pb_engine *e, int64_t now, struct pb_input *in)
{
	struct pb_update *u = pb_update_new(now);
	pb_engine_step(e, now, in, u);
	pb_input_free(in);
	return u;
}

static struct pb_input *
alarm_input(void)
{
	struct pb_error err = {0};
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	PB_JSON json_t *j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}", "version",
	    "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
	    "aws.cloudwatch", "account", "111122223333", "time", "2026-03-03T09:00:00Z", "region",
	    "eu-west-1", "resources", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web-1",
	    "detail", "alarmName", "web-1", "state", "value", "ALARM", "reason",
	    "Threshold Crossed", "timestamp", "2026-03-03T09:00:00Z");
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	return in;
}

static const struct row {
	const char *name, *hold;
	enum pb_record_kind kind;
	const char *state; /* NULL = as it was */
	const char *member; /* set to `value` */
	int64_t value;
	const char *says;
} rows[] = {
    {"a ladder without a deadline", "0s", PB_REC_LADDER, NULL, "next_at", PB_NEVER,
	"its ladder has no next deadline"},
    {"a ladder closed before its incident", "0s", PB_REC_LADDER, "closed", "next_at", PB_NEVER,
	"its ladder has no next deadline"},
    {"an acknowledgement for ever", "0s", PB_REC_LADDER, "acked", "next_at", PB_NEVER,
	"its ladder has no next deadline"},
    {"a snooze for ever", "0s", PB_REC_LADDER, "snoozed", "next_at", PB_NEVER,
	"its ladder has no next deadline"},
    {"a ladder closed while it is held", "10m", PB_REC_LADDER, "closed", "next_at", PB_NEVER,
	"its ladder has no next deadline"},
};

/* What an incident left in the store, spoilt as the row says, in another engine. */
static struct pb_engine *
spoilt(struct pb_config *c, const struct row *row)
{
	const struct pb_engine_options options = {.seed = 1, .host = "ops-1"};
	struct pb_engine *e = pb_engine_new(c, &options), *again = pb_engine_new(c, &options);
	struct pb_update *u[2] = {step(e, START, pb_input_new(PB_IN_BOOT)), NULL};
	u[1] = step(e, START, alarm_input());
	struct pb_error err = {0};
	for (int kind = 0; kind < PB_REC_MAX; kind++)
		for (size_t k = 0; k < 2; k++)
			for (size_t i = 0; i < u[k]->n_records; i++) {
				struct pb_record *r = &u[k]->records[i];
				if ((int)r->kind != kind || r->body == NULL)
					continue;
				if (r->kind == row->kind) {
					pb_json_set_i64(r->body, row->member, row->value);
					if (row->state != NULL) {
						free(r->state);
						r->state = pb_strdup(row->state);
					}
				}
				ck_assert_msg(
				    pb_engine_restore(again, r, &err) == 0, "%s", err.text);
			}
	pb_update_free(u[0]);
	pb_update_free(u[1]);
	pb_engine_free(e);
	return again;
}

START_TEST(an_incident_without_a_next_step_is_told_and_mended)
{
	const struct row *row = &rows[_i];
	struct pb_config *c = config(row->hold);
	struct pb_engine *e = spoilt(c, row);
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	pb_update_free(step(e, START + 1000, pb_input_new(PB_IN_BOOT)));
	ck_assert_uint_eq(pb_engine_audit(e, START + 1000, &why), 1);
	ck_assert_msg(strstr(why.ptr, row->says) != NULL, "%s: %s", row->name, why.ptr);
	ck_assert_int_eq(pb_engine_next_at(e), START + 1000 + PB_MINUTE);

	struct pb_update *u = step(e, START + 1000 + PB_MINUTE, pb_input_new(PB_IN_TICK));
	bool is_told = false, by_pager = false, by_local = false;
	for (size_t i = 0; i < u->n_notes; i++)
		is_told = is_told ||
		    (strcmp(u->notes[i].kind, "defect") == 0 &&
			strstr(u->notes[i].text, row->says) != NULL);
	for (size_t i = 0; i < u->n_starts; i++) {
		by_pager = by_pager || strstr(u->starts[i].id, "ana@pager") != NULL;
		by_local = by_local || strstr(u->starts[i].id, "ana@local") != NULL;
	}
	ck_assert_msg(is_told && by_pager && by_local, "%s", row->name);
	ck_assert_uint_eq(pb_engine_audit(e, START + 1000 + PB_MINUTE, NULL), 0);
	pb_update_free(u);
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

START_TEST(nobody_is_woken_for_an_audit_of_nothing)
{
	struct pb_config *c = config("0s");
	const struct pb_engine_options options = {.seed = 1, .host = "ops-1"};
	struct pb_engine *e = pb_engine_new(c, &options);
	pb_update_free(step(e, START, pb_input_new(PB_IN_BOOT)));
	ck_assert_int_eq(pb_engine_next_at(e), PB_NEVER);
	pb_update_free(step(e, START, alarm_input()));
	ck_assert_int_eq(pb_engine_next_at(e), START + PB_MINUTE);
	struct pb_update *u = step(e, START + PB_MINUTE, pb_input_new(PB_IN_TICK));
	ck_assert_uint_eq(u->n_notes + u->n_records + u->n_starts, 0);
	pb_update_free(u);
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(audit)
{
	pb_add_loop(s, an_incident_without_a_next_step_is_told_and_mended, 0, PB_ARRAY_LEN(rows));
	pb_add(s, nobody_is_woken_for_an_audit_of_nothing);
}
