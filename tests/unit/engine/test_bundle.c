/*
 * What people read in the pages and resolve notices of groups and storms, to the letter.
 */
#include "tests/unit/runner.h"

#include "base/json.h"
#include "engine/engine.h"

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager.fifo\"}\n"
    "contacts: [{name: ana ADDRESS}]\n"
    "unmatched: {alarms: escalate, escalate: oncall, events: drop}\n"
    "playbooks:\n"
    "  - {name: web, severity: critical, docs: https://wiki.example.com/web, match: {detail: "
    "{alarmName: [{prefix: web-}],\n"
    "     state: {value: [ALARM]}}}, escalate: oncall}\n"
    "escalations:\n"
    "  - name: oncall\n"
    "    levels: [{notify: [ana], via: [pager]}]\n"
    "    GROUP\n";
#define STORM "storm: {over: 3, within: 1m, every: 10m}"

#define START INT64_C(1772528400000) /* 2026-03-03T09:00:00Z */

struct rig {
	struct pb_config *config;
	struct pb_engine *engine;
	struct pb_update *u;
};

static void
rig_free(struct rig *r)
{
	pb_update_free(r->u);
	pb_engine_free(r->engine);
	pb_config_unref(r->config);
}

static void
step(struct rig *r, int64_t now, struct pb_input *in)
{
	pb_update_free(r->u);
	r->u = pb_update_new(now);
	pb_engine_step(r->engine, now, in, r->u);
	pb_input_free(in);
}

static char *
with(const char *text, const char *word, const char *value)
{
	const char *at = strstr(text, word);
	return pb_asprintf("%.*s%s%s", (int)(at - text), text, value, at + strlen(word));
}

static struct rig
rig_to(const char *address, const char *group)
{
	struct rig r = {0};
	struct pb_problems problems = {0};
	char name[] = "t.yaml";
	PB_CLEANUP(pb_freep) char *addressed = with(config_text, "ADDRESS", address);
	PB_CLEANUP(pb_freep) char *text = with(addressed, "GROUP", group);
	const struct pb_config_file file = {name, text, strlen(text)};
	int rc = pb_config_parse(&file, 1, NULL, &r.config, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	const struct pb_engine_options options = {.seed = 1, .host = "ops-1"};
	r.engine = pb_engine_new(r.config, &options);
	step(&r, START, pb_input_new(PB_IN_BOOT));
	return r;
}

static struct rig
rig(const char *group)
{
	return rig_to("", group);
}

static void
alarm_is(struct rig *r, int64_t now, const char *name, const char *state)
{
	struct pb_error err = {0};
	char at[PB_TIME_TEXT];
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:%s", name);
	(void)pb_time_rfc3339(at, now);
	PB_JSON json_t *j =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}",
		"version", "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
		"aws.cloudwatch", "account", "111122223333", "time", at, "region", "eu-west-1",
		"resources", arn, "detail", "alarmName", name, "state", "value", state, "reason",
		"Threshold Crossed", "timestamp", at);
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	step(r, now, in);
}

static void
tick(struct rig *r, int64_t now)
{
	step(r, now, pb_input_new(PB_IN_TICK));
}

static const json_t *
inputs(const struct rig *r)
{
	ck_assert_uint_eq(r->u->n_starts, 1);
	ck_assert(r->u->starts[0].is_page);
	return json_object_get(r->u->starts[0].spec, "inputs");
}

static void
delivered(struct rig *r, int64_t now)
{
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	in->outcome->action_id = pb_strdup(r->u->starts[0].id);
	step(r, now, in);
}

START_TEST(the_page_of_a_group_names_each_incident_and_how_to_acknowledge)
{
	struct rig r = rig("group_by: [playbook, alarm.region]");
	alarm_is(&r, START, "web-1", "ALARM");
	alarm_is(&r, START + 5000, "web-2", "ALARM");
	ck_assert_uint_eq(r.u->n_starts, 0);
	tick(&r, START + 30000);
	const json_t *in = inputs(&r);
	ck_assert_str_eq(
	    pb_json_str(in, "Subject"), "[critical] 2 incidents: web-1, web-2 (20260303-g1)");
	ck_assert_str_eq(pb_json_str(in, "Message"),
	    "PAGE level 1 of 1, group 20260303-g1, escalation oncall: 2 incidents, severity "
	    "critical\n"
	    "\n"
	    "GROUP   playbook=web, alarm.region=eu-west-1\n"
	    "NEW     20260303-1 [critical] web-1 ALARM, eu-west-1\n"
	    "          its playbook has no steps\n"
	    "        https://wiki.example.com/web\n"
	    "        20260303-2 [critical] web-2 ALARM, eu-west-1\n"
	    "          its playbook has no steps\n"
	    "        https://wiki.example.com/web\n"
	    "ACK     playbookctl ack ID          that incident only\n"
	    "        playbookctl ack 20260303-g1  all 2 that are open now\n"
	    "MORE    playbookctl show ID\n"
	    "\n"
	    "from playbookd on ops-1, page id 20260303-g1/page/1.1.0/ana@pager\n");
	/* What a FIFO topic tells repeats by, and puts in order. */
	ck_assert_str_eq(
	    pb_json_str(in, "MessageDeduplicationId"), "20260303-g1/page/1.1.0/ana@pager");
	ck_assert_str_eq(pb_json_str(in, "MessageGroupId"), "20260303-g1");
	rig_free(&r);
}
END_TEST

START_TEST(a_later_page_of_a_group_names_those_told_before_too)
{
	struct rig r = rig("group_by: [severity]\n    group_wait: 0s\n    group_interval: 1m");
	alarm_is(&r, START, "web-1", "ALARM");
	delivered(&r, START + 100);
	struct pb_input *ack = pb_input_new(PB_IN_ACK);
	ack->incident = pb_strdup("1");
	ack->by = pb_strdup("ana");
	step(&r, START + 200, ack);
	alarm_is(&r, START + 5000, "web-2", "ALARM");
	tick(&r, START + 60000);
	const json_t *in = inputs(&r);
	ck_assert_str_eq(pb_json_str(in, "Subject"), "[critical] web-2 ALARM (20260303-2)");
	ck_assert_ptr_nonnull(strstr(pb_json_str(in, "Message"),
	    "GROUP   severity=critical\n"
	    "NEW     20260303-2 [critical] web-2 ALARM, eu-west-1\n"
	    "WHAT    web-2 is in ALARM (eu-west-1, account 111122223333)\n"
	    "        Threshold Crossed\n"
	    "SINCE   2026-03-03T09:00:05Z (55s ago)\n"
	    "WHY     its playbook has no steps\n"
	    "TRIED   nothing, playbook web\n"
	    "DOCS    https://wiki.example.com/web\n"
	    "ALSO    20260303-1 (acknowledged) web-1\n"
	    "ACK     playbookctl ack ID"));
	rig_free(&r);
}
END_TEST

START_TEST(a_group_of_many_is_cut_and_says_how_many_more)
{
	struct rig r = rig("storm: {over: 100}\n    group_by: []");
	char name[32];
	for (int i = 1; i <= 25; i++) {
		(void)snprintf(name, sizeof(name), "web-%d", i);
		alarm_is(&r, START + i, name, "ALARM");
	}
	tick(&r, START + 30001);
	const json_t *in = inputs(&r);
	ck_assert_str_eq(pb_json_str(in, "Subject"),
	    "[critical] 25 incidents: web-1, web-2 and 23 more (20260303-g1)");
	ck_assert_ptr_nonnull(strstr(pb_json_str(in, "Message"), " web-20 ALARM"));
	ck_assert_ptr_null(strstr(pb_json_str(in, "Message"), " web-21 ALARM"));
	ck_assert_ptr_nonnull(strstr(
	    pb_json_str(in, "Message"), "        and 5 more: playbookctl incidents\nACK     "));
	rig_free(&r);
}
END_TEST

START_TEST(a_text_to_a_phone_is_no_longer_than_sns_takes_and_says_how_to_answer)
{
	struct rig r =
	    rig_to(", sns: {phone: \"+447700900001\"}", "storm: {over: 100}\n    group_by: []");
	char name[32];
	static const char tail[] =
	    "\n[cut] playbookctl show 20260303-g1, playbookctl ack 20260303-g1\n";
	for (int i = 1; i <= 25; i++) {
		(void)snprintf(name, sizeof(name), "web-\u00fc%d", i);
		alarm_is(&r, START + i, name, "ALARM");
	}
	tick(&r, START + 30001);
	const char *text = pb_json_str(inputs(&r), "Message");
	size_t len = strlen(text);
	ck_assert_str_eq(pb_json_str(inputs(&r), "PhoneNumber"), "+447700900001");
	ck_assert_msg(len <= 1600 && len > 1500, "%zu", len);
	ck_assert_ptr_nonnull(strstr(text, "PAGE level 1 of 1, group 20260303-g1"));
	ck_assert_str_eq(text + len - strlen(tail), tail);
	rig_free(&r);
}
END_TEST

START_TEST(a_notice_of_a_group_names_what_is_over_and_counts_what_is_open)
{
	struct rig r = rig("group_by: [playbook]");
	alarm_is(&r, START, "web-1", "ALARM");
	alarm_is(&r, START, "web-2", "ALARM");
	tick(&r, START + 30000);
	delivered(&r, START + 30100);
	alarm_is(&r, START + 60000, "web-1", "OK");
	ck_assert_uint_eq(r.u->n_starts, 0);
	tick(&r, START + 90000);
	const json_t *in = inputs(&r);
	ck_assert_str_eq(pb_json_str(in, "Subject"), "[resolved] 1 of group, 1 open (20260303-g1)");
	ck_assert_str_eq(pb_json_str(in, "Message"),
	    "RESOLVED 1 of group 20260303-g1, escalation oncall\n"
	    "\n"
	    "GROUP   playbook=web\n"
	    "OVER    20260303-1 web-1: recovered\n"
	    "OPEN    1 of it\n"
	    "\n"
	    "from playbookd on ops-1, page id 20260303-g1/resolved/1/ana@pager\n");
	rig_free(&r);
}
END_TEST

START_TEST(the_summary_of_a_storm_counts_and_names_the_first)
{
	struct rig r = rig(STORM);
	char name[32];
	for (int i = 1; i <= 3; i++) {
		(void)snprintf(name, sizeof(name), "web-%d", i);
		alarm_is(&r, START + i * 1000, name, "ALARM");
		ck_assert_uint_eq(r.u->n_starts, 1);
	}
	alarm_is(&r, START + 4000, "disk", "ALARM");
	const json_t *in = inputs(&r);
	ck_assert_str_eq(
	    pb_json_str(in, "Subject"), "[critical] STORM: 4 incidents open, 1 new (20260303-s1)");
	ck_assert_str_eq(pb_json_str(in, "Message"),
	    "PAGE level 1 of 1, storm 20260303-s1, escalation oncall: 4 incidents open, 1 new, "
	    "severity critical\n"
	    "\n"
	    "STORM   more than 3 incidents wanted a first page within 1m\n"
	    "SINCE   2026-03-03T09:00:04Z (0s ago)\n"
	    "OPEN    4, of which 0 acknowledged; 0 resolved since it began\n"
	    "        by playbook: web 3, (none) 1\n"
	    "        by severity: critical 3, error 1\n"
	    "        by region: eu-west-1 4\n"
	    "NEW     20260303-4 [error] disk ALARM, eu-west-1\n"
	    "WHAT    disk is in ALARM (eu-west-1, account 111122223333)\n"
	    "        Threshold Crossed\n"
	    "SINCE   2026-03-03T09:00:04Z (0s ago)\n"
	    "WHY     no playbook matches it\n"
	    "TRIED   nothing\n"
	    "NEXT    the next summary comes within 10m, as long as there is news\n"
	    "ACK     playbookctl ack ID          that incident only\n"
	    "        playbookctl ack 20260303-s1  all 4 that are open now\n"
	    "MORE    playbookctl show ID\n"
	    "\n"
	    "from playbookd on ops-1, page id 20260303-s1/page/1.1.0/ana@pager\n");
	rig_free(&r);
}
END_TEST

/* Each of them keeps its ladder; what is sent stays small. */
START_TEST(a_storm_of_thousands_is_one_short_page)
{
	struct rig r = rig(STORM);
	char name[32];
	size_t n_pages = 0;
	for (int i = 1; i <= 5000; i++) {
		(void)snprintf(name, sizeof(name), "web-%d", i);
		alarm_is(&r, START + i, name, "ALARM");
		n_pages += r.u->n_starts;
	}
	ck_assert_uint_eq(n_pages, 4);
	tick(&r, START + 5 * PB_MINUTE + 5);
	const json_t *in = inputs(&r);
	ck_assert_str_eq(pb_json_str(in, "Subject"),
	    "[critical] STORM: 5000 incidents open, 4996 new (20260303-s1)");
	ck_assert_uint_lt(strlen(pb_json_str(in, "Message")), 2000);
	ck_assert_ptr_nonnull(
	    strstr(pb_json_str(in, "Message"), "and 4986 more: playbookctl incidents\n"));
	ck_assert_uint_eq(pb_engine_n_open(r.engine), 5000);
	ck_assert_uint_eq(pb_engine_audit(r.engine, START + 5 * PB_MINUTE + 5, NULL), 0);
	rig_free(&r);
}
END_TEST

/* What a record of a bundle can have that leaves it without a next step. */
static const struct spoil {
	const char *name, *group, *member, *says;
	enum pb_record_kind kind;
	int64_t value;
	const char *state;
} spoils[] = {
    {"a storm from tomorrow", STORM, "renewed_at", "it began after now, so it never calms",
	PB_REC_BUNDLE, START + PB_DAY, NULL},
    {"a page that waits for nothing", STORM, "next_at", "a page of it waits for nothing",
	PB_REC_ACTION, PB_NEVER, "retrying"},
    {"a notice after years", STORM, "notice_at", "its notice is put off for too long",
	PB_REC_BUNDLE, START + 4000 * PB_DAY, NULL},
    {"a page after years", STORM, "next_at", "a page of it waits for nothing", PB_REC_ACTION,
	START + 4000 * PB_DAY, "retrying"},
};

static bool
has_start(const struct rig *r, const char *part)
{
	for (size_t i = 0; i < r->u->n_starts; i++)
		if (strstr(r->u->starts[i].id, part) != NULL)
			return true;
	return false;
}

static bool
has_note(const struct rig *r, const char *kind, const char *part)
{
	for (size_t i = 0; i < r->u->n_notes; i++)
		if (strcmp(r->u->notes[i].kind, kind) == 0 &&
		    strstr(r->u->notes[i].text, part) != NULL)
			return true;
	return false;
}

static void
spoil(struct pb_record *rec, const struct spoil *how)
{
	bool is_bundles = strstr(rec->incident, "-s") != NULL;
	if (how == NULL || !is_bundles || rec->kind != how->kind)
		return;
	pb_json_set_i64(rec->body, how->member, how->value);
	if (how->state == NULL)
		return;
	free(rec->state);
	rec->state = pb_strdup(how->state);
}

/* The last of each record, in the order of their kinds, into a new engine; `how` may be NULL. */
static void
restore(struct rig *r, struct pb_update **us, size_t n, const struct spoil *how)
{
	struct pb_error err = {0};
	const struct pb_engine_options options = {.seed = 1, .host = "ops-1"};
	pb_engine_free(r->engine);
	r->engine = pb_engine_new(r->config, &options);
	PB_JSON json_t *seen = json_object();
	for (int kind = 0; kind < PB_REC_MAX; kind++)
		for (size_t k = n; k-- > 0;)
			for (size_t i = 0; i < us[k]->n_records; i++) {
				struct pb_record *rec = &us[k]->records[i];
				if ((int)rec->kind != kind || rec->body == NULL)
					continue;
				PB_CLEANUP(pb_freep)
				char *key = pb_asprintf("%d/%s", kind, rec->key);
				if (json_object_get(seen, key) != NULL)
					continue;
				json_object_set_new(seen, key, json_true());
				if (rec->kind == PB_REC_BUNDLE && pb_streq(rec->state, "ended"))
					continue; /* as the store has it */
				spoil(rec, how);
				ck_assert_msg(
				    pb_engine_restore(r->engine, rec, &err) == 0, "%s", err.text);
			}
}

START_TEST(a_bundle_without_a_next_step_is_told_and_mended)
{
	struct rig r = rig(spoils[_i].group);
	struct pb_update *us[6];
	char name[32];
	us[0] = r.u;
	for (int i = 1; i < 6; i++) {
		r.u = NULL;
		(void)snprintf(name, sizeof(name), "web-%d", i);
		alarm_is(&r, START + i, name, "ALARM");
		us[i] = r.u;
	}
	r.u = NULL;
	restore(&r, us, 6, &spoils[_i]);
	for (int i = 0; i < 6; i++)
		pb_update_free(us[i]);
	step(&r, START + 1000, pb_input_new(PB_IN_BOOT));
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	ck_assert_uint_eq(pb_engine_audit(r.engine, START + 1000, &why), 1);
	ck_assert_msg(strstr(why.ptr, spoils[_i].says) != NULL, "%s: %s", spoils[_i].name, why.ptr);
	tick(&r, START + 1000 + PB_MINUTE);
	ck_assert_msg(has_note(&r, "defect", spoils[_i].says), "%s", spoils[_i].name);
	ck_assert_msg(has_start(&r, "/page/"), "%s", spoils[_i].name);
	ck_assert_uint_eq(pb_engine_audit(r.engine, START + 1000 + PB_MINUTE, NULL), 0);
	rig_free(&r);
}
END_TEST

START_TEST(a_resolved_incident_keeps_which_pages_of_its_group_told_of_it)
{
	struct rig r = rig("group_by: [playbook]\n    group_wait: 0s");
	const json_t *past = NULL;
	alarm_is(&r, START, "web-1", "ALARM");
	alarm_is(&r, START + 1000, "web-1", "OK");
	for (size_t i = 0; i < r.u->n_records; i++)
		if (r.u->records[i].kind == PB_REC_LADDER)
			past = json_array_get(pb_json_get(r.u->records[i].body, "past"), 0);
	ck_assert_str_eq(pb_json_str_or(past, "id", ""), "20260303-g1");
	ck_assert_int_eq(pb_json_i64(past, "since", 0), 1);
	ck_assert_int_eq(pb_json_i64(past, "until", 0), 1);
	rig_free(&r);
}
END_TEST

START_TEST(what_told_of_an_incident_before_a_restart_stays_known_when_it_comes_back)
{
	struct rig r = rig("group_by: [playbook]\n    group_wait: 0s");
	struct pb_update *us[3] = {r.u};
	static const char *const states[] = {"ALARM", "OK"};
	const json_t *past = NULL;
	for (int i = 1; i < 3; i++) {
		r.u = NULL;
		alarm_is(&r, START + i * 1000, "web-1", states[i - 1]);
		us[i] = r.u;
	}
	r.u = NULL;
	restore(&r, us, 3, NULL);
	for (int i = 0; i < 3; i++)
		pb_update_free(us[i]);
	step(&r, START + 10000, pb_input_new(PB_IN_BOOT));
	alarm_is(&r, START + 20000, "web-1", "ALARM");
	tick(&r, START + 20000 + 5 * PB_MINUTE); /* group_interval */
	alarm_is(&r, START + 6 * PB_MINUTE, "web-1", "OK");
	for (size_t i = 0; i < r.u->n_records; i++)
		if (r.u->records[i].kind == PB_REC_LADDER)
			past = pb_json_get(r.u->records[i].body, "past");
	ck_assert_uint_eq(json_array_size(past), 2);
	ck_assert_int_eq(pb_json_i64(json_array_get(past, 0), "since", 0), 1);
	ck_assert_int_eq(pb_json_i64(json_array_get(past, 1), "since", 0), 2);
	rig_free(&r);
}
END_TEST

/* It is there: "no incident has this id" would send whoever was woken to look for a slip of the pen. */
START_TEST(what_only_an_incident_takes_is_refused_of_a_group_in_words)
{
	static const enum pb_input_kind kinds[] = {
	    PB_IN_SNOOZE, PB_IN_ESCALATE, PB_IN_APPROVE, PB_IN_REFUSE, PB_IN_RESOLVE};
	struct rig r = rig("group_by: [playbook]\n    group_wait: 0s");
	alarm_is(&r, START, "web-1", "ALARM");
	struct pb_input *in = pb_input_new(kinds[_i]);
	in->incident = pb_strdup("g1");
	in->token = 5;
	in->span = 30 * PB_MINUTE;
	step(&r, START + 1000, in);
	ck_assert_uint_eq(r.u->n_replies, 1);
	ck_assert_int_eq(r.u->replies[0].status, 409);
	ck_assert_str_eq(pb_json_str(r.u->replies[0].body, "error"),
	    "20260303-g1: a group can only be acknowledged; for anything else give the id of one "
	    "of its incidents");
	rig_free(&r);
}
END_TEST

PB_SUITE(bundle)
{
	pb_add(s, what_told_of_an_incident_before_a_restart_stays_known_when_it_comes_back);
	pb_add_loop(s, what_only_an_incident_takes_is_refused_of_a_group_in_words, 0, 5);
	pb_add(s, a_resolved_incident_keeps_which_pages_of_its_group_told_of_it);
	pb_add_loop(
	    s, a_bundle_without_a_next_step_is_told_and_mended, 0, (int)PB_ARRAY_LEN(spoils));
	pb_add(s, the_page_of_a_group_names_each_incident_and_how_to_acknowledge);
	pb_add(s, a_later_page_of_a_group_names_those_told_before_too);
	pb_add(s, a_group_of_many_is_cut_and_says_how_many_more);
	pb_add(s, a_text_to_a_phone_is_no_longer_than_sns_takes_and_says_how_to_answer);
	pb_add(s, a_notice_of_a_group_names_what_is_over_and_counts_what_is_open);
	pb_add(s, the_summary_of_a_storm_counts_and_names_the_first);
	pb_add(s, a_storm_of_thousands_is_one_short_page);
}
