/*
 * What a new configuration means for those that are open, to the letter.
 */
#include "tests/unit/runner.h"

#include "base/json.h"
#include "engine/engine.h"

#define START INT64_C(1772528400000) /* 2026-03-03T09:00:00Z */
#define ARN "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"unmatched: {alarms: drop, events: drop}\n"
#define PAGER(name)                                                                                \
	"channels: [{name: " name ", type: sns, topic: "                                           \
	"\"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
#define CONTACTS "contacts: [{name: ana}]\n"
#define ONCALL(via) "escalations: [{name: oncall, levels: [{notify: [ana], via: [" via "]}]}]\n"
#define SCHEDULE                                                                                   \
	"schedules: [{name: first, tz: UTC, rotation: {people: [ana], every: 24h, handoff: "       \
	"\"10:00\", anchor: 2026-03-02}}]\n"
/* Everything that a plan can name. */
#define RICH(contacts, level, more, playbook)                                                      \
	HEAD PAGER("pager") "contacts: [" contacts "]\n" more                                      \
			    "escalations: [{name: oncall, levels: [" level "]}]\n"                 \
			    "playbooks: [{name: web, page_by: 5m, escalate: oncall, match: "       \
			    "{detail: {state: {value: "                                            \
			    "[ALARM]}}}" playbook "}]\n"
#define ACTS                                                                                       \
	", guards: {budget: few}, inform: [{audience: desk, via: [pager], after: 2m, text: on "    \
	"it}],"                                                                                    \
	" steps: [{name: fix, action: exec, argv: [/bin/fix], timeout: 30s}]"
#define FEW "budgets: [{name: few, max: 2, per: 1h, when_empty: page}]\n"
#define BO "{notify: [bo, \"schedule:first\"], via: [pager]}"
#define WAS                                                                                        \
	RICH("{name: ana}, {name: bo}", BO ", {notify: [ana], via: [pager], after: 8m}",           \
	    FEW SCHEDULE, ACTS)
#define WEB(page_by)                                                                               \
	"playbooks: [{name: web, page_by: " page_by                                                \
	", escalate: oncall, match: {detail: {state: {value: [ALARM]}}}}]\n"

static const struct row {
	const char *name, *text, *notes;
	const char *was; /* NULL = the plain one */
} rows[] = {
    {"nothing that matters", HEAD PAGER("pager") CONTACTS ONCALL("pager") WEB("5m") "budgets: []\n",
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n", NULL},
    {"a changed playbook", HEAD PAGER("pager") CONTACTS ONCALL("pager") WEB("6m"),
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n"
	"config : playbooks changed web\n"
	"config 20260303-1: it goes on by the plan it began with, D, although playbook web has "
	"changed\n",
	NULL},
    {"a playbook that is gone", HEAD PAGER("pager") CONTACTS ONCALL("pager"),
	"config : D is in force: 0 playbooks, 0 sources; open incidents keep theirs\n"
	"config : playbooks gone web\n"
	"config 20260303-1: it goes on by the plan it began with, D, although playbook web is "
	"gone\n",
	NULL},
    {"a renamed channel", HEAD PAGER("phone") CONTACTS ONCALL("phone") WEB("5m"),
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n"
	"config : channels new phone; gone pager. escalations changed oncall\n"
	"config 20260303-1: it goes on by the plan it began with, D, although escalation oncall "
	"has "
	"changed, channel pager is gone\n",
	NULL},
    {"a contact that is gone",
	RICH("{name: ana}",
	    "{notify: [\"schedule:first\"], via: [pager]}, {notify: [ana], via: [pager], after: "
	    "8m}",
	    FEW SCHEDULE, ACTS),
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n"
	"config : contacts gone bo. escalations changed oncall\n"
	"config 20260303-1: it goes on by the plan it began with, D, although escalation oncall "
	"has changed, contact bo is gone\n",
	WAS},
    {"a budget that is gone, and its guard",
	RICH("{name: ana}, {name: bo}", BO ", {notify: [ana], via: [pager], after: 8m}", SCHEDULE,
	    ""),
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n"
	"config : budgets gone few. playbooks changed web\n"
	"config 20260303-1: it goes on by the plan it began with, D, although playbook web has "
	"changed, budget few is gone\n",
	WAS},
    {"a level less", RICH("{name: ana}, {name: bo}", BO, FEW SCHEDULE, ACTS),
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n"
	"config : escalations changed oncall\n"
	"config 20260303-1: it goes on by the plan it began with, D, although escalation oncall "
	"has changed\n",
	WAS},
    {"a schedule that is gone",
	RICH("{name: ana}, {name: bo}",
	    "{notify: [bo], via: [pager]}, {notify: [ana], via: [pager], after: 8m}", FEW, ACTS),
	"config : D is in force: 1 playbooks, 0 sources; open incidents keep theirs\n"
	"config : schedules gone first. escalations changed oncall\n"
	"config 20260303-1: it goes on by the plan it began with, D, although escalation oncall "
	"has changed, schedule first is gone\n",
	WAS},
};

static struct pb_config *
config(const char *text)
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

static struct pb_update *
step(struct pb_engine *e, struct pb_input *in)
{
	struct pb_update *u = pb_update_new(START);
	pb_engine_step(e, START, in, u);
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
	    "eu-west-1", "resources", ARN "web-1", "detail", "alarmName", "web-1", "state", "value",
	    "ALARM", "reason", "Threshold Crossed", "timestamp", "2026-03-03T09:00:00Z");
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	return in;
}

/* The note with digests of whatever value as D. */
static void
add_note(struct pb_buf *b, const struct pb_note *n, const struct pb_config *const *configs)
{
	PB_CLEANUP(pb_freep) char *text = pb_strdup(n->text);
	for (int i = 0; i < 2; i++) {
		char digest[13] = "";
		memcpy(digest, configs[i]->digest, 12);
		char *at = strstr(text, digest);
		if (at == NULL)
			continue;
		at[0] = 'D';
		memmove(at + 1, at + 12, strlen(at + 12) + 1);
	}
	pb_buf_addf(b, "%s %s: %s\n", n->kind, n->incident, text);
}

START_TEST(a_reload_says_what_it_means_for_those_that_are_open)
{
	const struct pb_engine_options options = {.seed = 1};
	const char *was = rows[_i].was != NULL ? rows[_i].was
					       : HEAD PAGER("pager") CONTACTS ONCALL("pager")
						     WEB("5m");
	struct pb_config *old = config(was);
	struct pb_config *new = config(rows[_i].text);
	const struct pb_config *const both[] = {old, new};
	struct pb_engine *e = pb_engine_new(old, &options);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_update_free(step(e, alarm_input()));
	ck_assert_uint_eq(pb_engine_n_old_plans(e), 0);
	struct pb_input *in = pb_input_new(PB_IN_CONFIG);
	in->config = pb_config_ref(new);
	struct pb_update *u = step(e, in);
	for (size_t i = 0; i < u->n_notes; i++)
		add_note(&b, &u->notes[i], both);
	ck_assert_str_eq(b.ptr, rows[_i].notes);
	ck_assert_uint_eq(pb_engine_n_old_plans(e), 1);
	pb_update_free(u);
	pb_engine_free(e);
	pb_config_unref(old);
	pb_config_unref(new);
}
END_TEST

START_TEST(a_stop_whose_playbook_is_gone_is_told_of)
{
	const struct pb_engine_options options = {.seed = 1};
	struct pb_config *old = config(HEAD PAGER("pager") CONTACTS ONCALL("pager") WEB("5m"));
	struct pb_config *new = config(HEAD PAGER("pager") CONTACTS ONCALL("pager"));
	struct pb_engine *e = pb_engine_new(old, &options);
	struct pb_input *in = pb_input_new(PB_IN_REMEDIATION);
	in->is_stop = true;
	in->by = pb_strdup("ana");
	in->text = pb_strdup("a bad script");
	in->playbook = pb_strdup("web");
	pb_update_free(step(e, in));
	in = pb_input_new(PB_IN_CONFIG);
	in->config = pb_config_ref(new);
	in->token = 7;
	struct pb_update *u = step(e, in);
	ck_assert_str_eq(u->notes[u->n_notes - 1].text,
	    "remediation of playbook web is stopped by ana since 2026-03-03T09:00:00Z: a bad "
	    "script; "
	    "no playbook has this name now: what it stopped may run under another");
	ck_assert_uint_eq(u->n_replies, 1);
	const json_t *reply = u->replies[0].body;
	ck_assert_str_eq(pb_json_str(reply, "changes"), "playbooks gone web");
	const json_t *stop = json_array_get(pb_json_get(reply, "stopped"), 0);
	ck_assert(pb_json_bool(stop, "is_of_nobody", false));
	pb_update_free(u);
	pb_engine_free(e);
	pb_config_unref(old);
	pb_config_unref(new);
}
END_TEST

PB_SUITE(plan)
{
	pb_add(s, a_stop_whose_playbook_is_gone_is_told_of);
	pb_add_loop(
	    s, a_reload_says_what_it_means_for_those_that_are_open, 0, (int)PB_ARRAY_LEN(rows));
}
