/*
 * Why an event went to the playbook it went to: the notes of an incident that opens, to the letter.
 */
#include "tests/unit/runner.h"

#include "base/json.h"
#include "engine/engine.h"

static const char head[] =
    "version: 1\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager\"}\n"
    "contacts: [{name: ana}]\n"
    "escalations: [{name: oncall, levels: [{notify: [ana], via: [pager]}]}]\n"
    "playbooks:\n";

#define PLAYBOOK(name, prefix, more)                                                               \
	"  - name: " name "\n    match: {detail: {alarmName: [{prefix: " prefix                    \
	"}]}}\n    escalate: oncall\n" more

static const struct row {
	const char *name, *playbooks, *unmatched, *notes;
} rows[] = {
    {"the first one matches", PLAYBOOK("a", "web-", "") PLAYBOOK("b", "disk-", ""), "drop", ""},
    {"one stands in front", PLAYBOOK("a", "disk-", "") PLAYBOOK("b", "web-", ""), "drop",
	"differs a: a stands in front and does not match: detail.alarmName is \"web-1\", wanted "
	"one "
	"of [{\"prefix\":\"disk-\"}]\n"},
    {"many stand in front",
	PLAYBOOK("a", "a-", "") PLAYBOOK("b", "b-", "") PLAYBOOK("c", "c-", "")
	    PLAYBOOK("d", "d-", "") PLAYBOOK("e", "e-", "") PLAYBOOK("w", "web-", ""),
	"drop",
	"differs a: a stands in front and does not match: detail.alarmName is \"web-1\", wanted "
	"one "
	"of [{\"prefix\":\"a-\"}]\n"
	"differs b: b stands in front and does not match: detail.alarmName is \"web-1\", wanted "
	"one "
	"of [{\"prefix\":\"b-\"}]\n"
	"differs c: c stands in front and does not match: detail.alarmName is \"web-1\", wanted "
	"one "
	"of [{\"prefix\":\"c-\"}]\n"
	"differs : nor do 2 more in front of it\n"},
    {"others would match too", PLAYBOOK("a", "web-", "") PLAYBOOK("b", "web-1", ""), "drop",
	"match a: would match too, but stands behind a: b\n"},
    {"the one in front matches and goes on",
	PLAYBOOK("a", "web-", "    continue: true\n") PLAYBOOK("b", "web-1", ""), "drop", ""},
    {"none matches, and it escalates", PLAYBOOK("a", "disk-", "") PLAYBOOK("b", "db-", ""),
	"escalate, escalate: oncall",
	"differs a: a does not match: detail.alarmName is \"web-1\", wanted one of "
	"[{\"prefix\":\"disk-\"}]\n"
	"differs b: b does not match: detail.alarmName is \"web-1\", wanted one of "
	"[{\"prefix\":\"db-\"}]\n"},
    {"none matches, and it is dropped", PLAYBOOK("a", "disk-", "") PLAYBOOK("b", "db-", ""), "drop",
	"event : web-1 ALARM by q, 2026-03-03T09:00:00Z: no playbook matches: dropped; a: "
	"detail.alarmName is \"web-1\", wanted one of [{\"prefix\":\"disk-\"}]; nor does 1 more\n"},
};

#define START INT64_C(1772528400000) /* 2026-03-03T09:00:00Z */

static struct pb_update *
take_alarm(struct pb_engine *e)
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
	in->source = pb_strdup("q");
	struct pb_update *u = pb_update_new(START);
	pb_engine_step(e, START, in, u);
	pb_input_free(in);
	return u;
}

static struct pb_config *
config(const struct row *row)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	char name[] = "t.yaml";
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "%s%sunmatched: {events: drop, alarms: %s}\n", head, row->playbooks, row->unmatched);
	const struct pb_config_file file = {name, text, strlen(text)};
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

START_TEST(what_opens_says_which_playbooks_it_did_not_go_to)
{
	const struct row *row = &rows[_i];
	const struct pb_engine_options options = {.seed = 1};
	struct pb_config *c = config(row);
	struct pb_engine *e = pb_engine_new(c, &options);
	struct pb_update *u = take_alarm(e);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < u->n_notes; i++) {
		const struct pb_note *n = &u->notes[i];
		bool is_drop = strstr(n->text, "dropped") != NULL;
		if (strcmp(n->kind, "differs") == 0 || strcmp(n->kind, "match") == 0 || is_drop)
			pb_buf_addf(&b, "%s %s: %s\n", n->kind, n->playbook, n->text);
	}
	ck_assert_str_eq(b.ptr == NULL ? "" : b.ptr, row->notes);
	pb_update_free(u);
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

START_TEST(what_is_received_is_kept_as_it_came)
{
	const struct pb_engine_options options = {.seed = 1};
	struct pb_config *c = config(&rows[0]);
	struct pb_engine *e = pb_engine_new(c, &options);
	for (int again = 0; again < 2; again++) {
		struct pb_update *u = take_alarm(e);
		size_t n = 0;
		for (size_t i = 0; i < u->n_records; i++) {
			const struct pb_record *r = &u->records[i];
			if (r->kind != PB_REC_RECEIVED)
				continue;
			n++;
			ck_assert_str_eq(r->key,
			    "alarm|arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web-1|ALARM|"
			    "1772528400000");
			ck_assert_str_eq(r->incident, "20260303-1");
			ck_assert_str_eq(pb_json_str(r->body, "source"), "q");
			ck_assert_ptr_nonnull(strstr(r->event, "\"reason\":\"Threshold Crossed\""));
		}
		ck_assert_uint_eq(n, again == 0 ? 1 : 0);
		pb_update_free(u);
	}
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(choice)
{
	pb_add_loop(
	    s, what_opens_says_which_playbooks_it_did_not_go_to, 0, (int)PB_ARRAY_LEN(rows));
	pb_add(s, what_is_received_is_kept_as_it_came);
}
