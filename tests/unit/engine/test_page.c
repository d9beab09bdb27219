/*
 * What people read in a page and in a resolve notice, to the letter.
 */
#include "tests/unit/runner.h"

#include "base/json.h"
#include "engine/engine.h"

static const char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager.fifo\"}\n"
    "  - {name: local, type: exec, argv: [/bin/page]}\n"
    "contacts: [{name: ana}, {name: bo, sns: {phone: \"+447700900001\"}}]\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "playbooks:\n"
    "  - name: web\n"
    "    summary: Restart the web server\n"
    "    docs: https://wiki.example.com/web\n"
    "    owner: {team: payments}\n"
    "    severity: critical\n"
    "    match: {detail: {state: {value: [ALARM]}}}\n"
    "    escalate: oncall\n"
    "    steps: [{name: restart, action: exec, argv: [/bin/restart]}]\n"
    "escalations:\n"
    "  - name: oncall\n"
    "    levels:\n"
    "      - {notify: [ana, bo], via: [pager]}\n"
    "      - {notify: [ana], via: [local], after: 5m}\n";

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

static struct pb_input *
alarm_input(const char *name, const char *state, const char *at)
{
	struct pb_error err = {0};
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	PB_JSON json_t *j =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}",
		"version", "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
		"aws.cloudwatch", "account", "111122223333", "time", at, "region", "eu-west-1",
		"resources", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web-1", "detail",
		"alarmName", name, "state", "value", state, "reason",
		"Threshold Crossed: 3 datapoints", "timestamp", at);
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	return in;
}

static struct pb_input *
failure(const char *id)
{
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	in->outcome->action_id = pb_strdup(id);
	in->outcome->status = PB_OUTCOME_FAILED;
	in->outcome->error = pb_strdup("Exec.Exit.1");
	in->outcome->message = pb_strdup("no such unit\033[31m");
	return in;
}

static struct pb_engine *
engine_with(struct rig *r, bool is_reviewed, const struct pb_engine_options *options)
{
	struct pb_problems problems = {0};
	char name[] = "t.yaml";
	const char *at = strstr(config_text, "    severity:");
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%.*s%s%s", (int)(at - config_text), config_text,
	    is_reviewed
		? "    objective: checkout\n"
		  "    reviewed: {date: 2025-11-01, by: m.ito, every: 90d, drill_every: 60d}\n"
		: "",
	    at);
	const struct pb_config_file file = {name, text, strlen(text)};
	int rc = pb_config_parse(&file, 1, NULL, &r->config, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return pb_engine_new(r->config, options);
}

static struct pb_engine *
engine_of(struct rig *r, bool is_reviewed)
{
	const struct pb_engine_options options = {.seed = 1, .host = "ops-1"};
	return engine_with(r, is_reviewed, &options);
}

/* An alarm whose one step fails 4 seconds later, so that level 1 is paged. */
static struct rig
paged(const char *alarm_name)
{
	struct rig r = {0};
	r.engine = engine_of(&r, false);
	step(&r, START, pb_input_new(PB_IN_BOOT));
	step(&r, START, alarm_input(alarm_name, "ALARM", "2026-03-03T08:59:00Z"));
	ck_assert_uint_eq(r.u->n_starts, 1);
	ck_assert_int_eq(pb_json_i64(r.u->starts[0].spec, "since", 0), START);
	step(&r, START + 4000, failure(r.u->starts[0].id));
	return r;
}

static const json_t *
page_inputs(const struct rig *r, size_t i)
{
	ck_assert_uint_gt(r->u->n_starts, i);
	ck_assert(r->u->starts[i].is_page);
	return json_object_get(r->u->starts[i].spec, "inputs");
}

START_TEST(a_page_says_what_since_when_what_was_tried_and_what_to_do)
{
	struct rig r = paged("web-1");
	const json_t *in = page_inputs(&r, 0);
	ck_assert_str_eq(pb_json_str(in, "Subject"), "[critical] web-1 ALARM (20260303-1)");
	ck_assert_str_eq(pb_json_str(in, "Message"),
	    "PAGE level 1 of 2, incident 20260303-1, severity critical\n"
	    "\n"
	    "WHAT    web-1 is in ALARM (eu-west-1, account 111122223333)\n"
	    "        Threshold Crossed: 3 datapoints\n"
	    "SINCE   2026-03-03T08:59:00Z (1m4s ago)\n"
	    "WHY     step restart failed after 1 attempt: Exec.Exit.1: no such unit\\x1b[31m\n"
	    "TRIED   playbook web: failed\n"
	    "        Restart the web server\n"
	    "        1. restart: failed, Exec.Exit.1: no such unit\\x1b[31m\n"
	    "        2. verify: not reached\n"
	    "DOCS    https://wiki.example.com/web\n"
	    "OWNER   payments\n"
	    "ACK     playbookctl ack 20260303-1\n"
	    "MORE    playbookctl show 20260303-1\n"
	    "NEXT    level 2 is paged at 09:05:04 unless somebody acknowledges\n"
	    "\n"
	    "from playbookd on ops-1, page id 20260303-1/page/1.1.0/ana@pager\n");
	rig_free(&r);
}
END_TEST

START_TEST(a_page_carries_what_machines_sort_it_by)
{
	struct rig r = paged("web-1");
	const json_t *in = page_inputs(&r, 0), *a = pb_json_get(in, "MessageAttributes");
	static const char *const wanted[][2] = {
	    {"kind", "page"},
	    {"recipient", "ana"},
	    {"level", "1"},
	    {"severity", "critical"},
	    {"incident", "20260303-1"},
	    {"page_id", "20260303-1/page/1.1.0/ana@pager"},
	    {"playbook", "web"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(wanted); i++)
		ck_assert_str_eq(
		    pb_json_str(pb_json_get(a, wanted[i][0]), "StringValue"), wanted[i][1]);
	ck_assert_str_eq(pb_json_str(in, "MessageGroupId"), "20260303-1");
	ck_assert_str_eq(
	    pb_json_str(in, "MessageDeduplicationId"), "20260303-1/page/1.1.0/ana@pager");
	rig_free(&r);
}
END_TEST

START_TEST(a_contact_with_a_phone_is_texted_there)
{
	struct rig r = paged("web-1");
	const json_t *in = page_inputs(&r, 1);
	ck_assert_str_eq(pb_json_str(in, "PhoneNumber"), "+447700900001");
	ck_assert_ptr_null(pb_json_get(in, "TopicArn"));
	ck_assert_ptr_null(pb_json_get(in, "Subject"));
	rig_free(&r);
}
END_TEST

START_TEST(a_subject_is_ascii_and_below_100_characters)
{
	struct rig r = paged("caf\xc3\xa9 \033[2J "
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaa");
	const char *subject = pb_json_str(page_inputs(&r, 0), "Subject");
	ck_assert_uint_eq(strlen(subject), 99);
	for (const char *s = subject; *s != '\0'; s++)
		ck_assert(*s >= 0x20 && *s < 0x7f);
	ck_assert_ptr_nonnull(strstr(subject, "caf? ?[2J"));
	rig_free(&r);
}
END_TEST

START_TEST(a_notice_says_that_it_is_over_and_what_ended_it)
{
	struct rig r = paged("web-1");
	step(&r, START + 60000, alarm_input("web-1", "OK", "2026-03-03T09:00:50Z"));
	const json_t *in = page_inputs(&r, 0);
	ck_assert_str_eq(pb_json_str(in, "Subject"), "[resolved] web-1 (20260303-1)");
	ck_assert_str_eq(pb_json_str(in, "Message"),
	    "RESOLVED incident 20260303-1: recovered\n"
	    "\n"
	    "WHAT    web-1 was in ALARM (eu-west-1, account 111122223333)\n"
	    "        Threshold Crossed: 3 datapoints\n"
	    "SINCE   2026-03-03T08:59:00Z (2m ago)\n"
	    "UNTIL   2026-03-03T09:01:00Z\n"
	    "TRIED   playbook web: failed\n"
	    "        Restart the web server\n"
	    "        1. restart: failed, Exec.Exit.1: no such unit\\x1b[31m\n"
	    "        2. verify: not reached\n"
	    "DOCS    https://wiki.example.com/web\n"
	    "OWNER   payments\n"
	    "\n"
	    "from playbookd on ops-1, page id 20260303-1/resolved/ana@pager\n");
	rig_free(&r);
}
END_TEST

START_TEST(a_page_for_what_came_back_says_how_often_and_since_when)
{
	struct rig r = paged("web-1");
	step(&r, START + 60000, alarm_input("web-1", "OK", "2026-03-03T09:00:50Z"));
	step(&r, START + 180000, alarm_input("web-1", "ALARM", "2026-03-03T09:02:50Z"));
	const json_t *in = page_inputs(&r, 0);
	ck_assert_ptr_nonnull(strstr(pb_json_str(in, "Message"),
	    "        2 events so far\n"
	    "AGAIN   reopened 1 time; it was resolved 2026-03-03T09:01:00Z (2m ago, recovered)\n"
	    "SINCE   2026-03-03T09:02:50Z (10s ago)\n"
	    "WHY     the last run was 2m56s ago and the next may begin at 09:05:04 (cooldown 5m)\n"
	    "TRIED   nothing, playbook web\n"));
	ck_assert_ptr_nonnull(
	    strstr(pb_json_str(in, "Message"), "page id 20260303-1/page/2.1.0/ana@pager\n"));
	rig_free(&r);
}
END_TEST

/* The date of the review is 2025-11-01; START is 2026-03-03. */
START_TEST(a_page_says_what_is_overdue_of_its_playbook)
{
	struct rig r = {0};
	r.engine = engine_of(&r, true);
	step(&r, START, pb_input_new(PB_IN_BOOT));
	step(&r, START, alarm_input("web-1", "ALARM", "2026-03-03T08:59:00Z"));
	step(&r, START + 4000, failure(r.u->starts[0].id));
	ck_assert_ptr_nonnull(strstr(pb_json_str(page_inputs(&r, 0), "Message"),
	    "FOR     checkout\n"
	    "DOCS    https://wiki.example.com/web\n"
	    "OWNER   payments\n"
	    "STALE   reviewed 122 days ago by m.ito, due every 90 days\n"));
	/* A run is a drill: 50 days later it was not long ago, 70 days later it was. */
	PB_JSON json_t *young = pb_engine_overdue_json(r.engine, START + 50 * PB_DAY);
	ck_assert_str_eq(pb_json_str(json_array_get(young, 0), "overdue"),
	    "reviewed 172 days ago by m.ito, due every 90 days");
	PB_JSON json_t *old = pb_engine_overdue_json(r.engine, START + 70 * PB_DAY);
	ck_assert_str_eq(pb_json_str(json_array_get(old, 0), "overdue"),
	    "reviewed 192 days ago by m.ito, due every 90 days; no run and no drill for 70 days, "
	    "due every 60 days");
	ck_assert_str_eq(pb_json_str(json_array_get(old, 0), "owner"), "payments");
	rig_free(&r);
}
END_TEST

START_TEST(a_page_says_when_the_alarm_has_changed_since)
{
	struct rig r = paged("web-1");
	step(&r, START + 5000, alarm_input("web-1", "INSUFFICIENT_DATA", "2026-03-03T09:00:04Z"));
	step(&r, START + 4000 + 5 * PB_MINUTE, pb_input_new(PB_IN_TICK));
	const json_t *page = json_object_get(r.u->starts[0].spec, "stdin");
	ck_assert_ptr_nonnull(strstr(pb_json_str(page, "message"),
	    "\nWHAT    web-1 was in ALARM and is now INSUFFICIENT_DATA (eu-west-1"));
	rig_free(&r);
}
END_TEST

START_TEST(a_page_for_another_event_says_where_it_comes_from_and_what_it_is_about)
{
	struct rig r = paged("web-1");
	struct pb_error err = {0};
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	PB_JSON json_t *j =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s}}}", "version",
		"0", "id", "2", "detail-type", "Backup\033[31m Failed", "source", "ops.backup",
		"account", "", "time", "2026-03-03T09:00:00Z", "region", "", "resources",
		"arn:aws:rds:eu-west-1:111122223333:db/orders", "detail", "why", "disk full",
		"state", "value", "ALARM");
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	step(&r, START + 5000, in);
	ck_assert_uint_eq(r.u->n_starts, 1);
	step(&r, START + 6000, failure(r.u->starts[0].id));
	const json_t *page = page_inputs(&r, 0);
	ck_assert_str_eq(
	    pb_json_str(page, "Subject"), "[critical] Backup?[31m Failed: orders (20260303-2)");
	ck_assert_ptr_nonnull(strstr(pb_json_str(page, "Message"),
	    "WHAT    Backup\\x1b[31m Failed: orders\n"
	    "FROM    ops.backup\n"
	    "ON      arn:aws:rds:eu-west-1:111122223333:db/orders\n"
	    "DETAIL  {\"why\":\"disk full\",\"state\":{\"value\":\"ALARM\"}}\n"
	    "SINCE   "));
	rig_free(&r);
}
END_TEST

START_TEST(an_exec_channel_gets_the_page_as_json)
{
	struct rig r = paged("web-1");
	step(&r, START + 4000 + 5 * PB_MINUTE, pb_input_new(PB_IN_TICK));
	ck_assert_uint_eq(r.u->n_starts, 1);
	const json_t *spec = r.u->starts[0].spec, *page = json_object_get(spec, "stdin");
	ck_assert_str_eq(
	    json_string_value(json_array_get(json_object_get(spec, "argv"), 0)), "/bin/page");
	/* By which playbookd-exec knows it from a page of this id of a store that was lost. */
	ck_assert_int_eq(pb_json_i64(spec, "since", 0), START + 4000 + 5 * PB_MINUTE);
	ck_assert_str_eq(pb_json_str(page, "kind"), "page");
	ck_assert_str_eq(pb_json_str(page, "recipient"), "ana");
	ck_assert_int_eq(pb_json_i64(page, "level", 0), 2);
	ck_assert_str_eq(pb_json_str(page, "subject"), "[critical] web-1 ALARM (20260303-1)");
	rig_free(&r);
}
END_TEST

/* What a start that keeps nothing has given out is not in the file; the next one must not give it again. */
START_TEST(ids_are_not_given_twice_where_the_store_is_lost_or_not_kept)
{
	static const struct {
		bool is_degraded, is_rebuilt;
		int64_t boot_at, opened_at;
		const char *id;
	} rows[] = {
	    {false, false, START, START, "20260303-8"},
	    {true, false, START, START, NULL}, /* by chance, ten digits */
	    {true, false, START, START, NULL},
	    {false, true, START, START, "20260303-132401"},
	    {false, false, START, START + PB_DAY, "20260304-1"},
	    {true, false, START, START + PB_DAY, NULL},
	};
	PB_CLEANUP(pb_freep) char *before = pb_strdup("");
	const struct pb_record counters = {.kind = PB_REC_META,
	    .key = (char *)(uintptr_t) "engine",
	    .body = json_pack("{s:I, s:i}", "day", (json_int_t)(START / PB_DAY), "day_number", 7)};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		struct rig r = {0};
		struct pb_error err;
		const struct pb_engine_options options = {.seed = i + 1,
		    .is_degraded = rows[i].is_degraded,
		    .is_rebuilt = rows[i].is_rebuilt};
		r.engine = engine_with(&r, false, &options);
		ck_assert_int_eq(pb_engine_restore(r.engine, &counters, &err), 0);
		char time[PB_TIME_TEXT];
		step(&r, rows[i].boot_at, pb_input_new(PB_IN_BOOT));
		step(&r, rows[i].opened_at,
		    alarm_input("web-1", "ALARM", pb_time_rfc3339(time, rows[i].opened_at)));
		ck_assert_uint_gt(r.u->n_starts, 0);
		const char *id = r.u->starts[0].incident;
		if (rows[i].id != NULL) {
			ck_assert_str_eq(id, rows[i].id);
		} else {
			ck_assert_uint_eq(strlen(id), strlen("20260303-1234567890"));
			ck_assert_str_ne(id + strlen("20260303-"), before);
			free(before);
			before = pb_strdup(id + strlen("20260303-"));
		}
		rig_free(&r);
	}
	json_decref(counters.body);
}
END_TEST

/* Committed actions of pages, by key. */
static void
keep_actions(const struct rig *r, json_t *kept)
{
	for (size_t i = 0; i < r->u->n_records; i++) {
		const struct pb_record *rec = &r->u->records[i];
		if (rec->kind != PB_REC_ACTION)
			continue;
		if (rec->body == NULL)
			(void)json_object_del(kept, rec->key);
		else if (pb_json_str(rec->body, "contact") != NULL)
			json_object_set(kept, rec->key, rec->body);
	}
}

/* Every page arrives. */
static void
deliver(struct rig *r, int64_t now, json_t *kept)
{
	PB_JSON json_t *ids = json_array();
	size_t i;
	const json_t *id;
	keep_actions(r, kept);
	for (i = 0; i < r->u->n_starts; i++)
		json_array_append_new(ids, json_string(r->u->starts[i].id));
	json_array_foreach (ids, i, id) {
		struct pb_input *in = failure(json_string_value(id));
		in->outcome->status = PB_OUTCOME_OK;
		step(r, now, in);
		keep_actions(r, kept);
	}
}

START_TEST(an_incident_that_stays_open_for_a_month_keeps_its_last_pages_only)
{
	struct rig r = paged("web-1");
	PB_JSON json_t *kept = json_object();
	size_t n_notices = 0, n_sent = 0;
	const char *key;
	const json_t *page;
	deliver(&r, START + 4000, kept);
	for (int64_t at; (at = pb_engine_next_at(r.engine)) < START + 30 * PB_DAY;) {
		step(&r, at, pb_input_new(PB_IN_TICK));
		n_sent += r.u->n_starts;
		deliver(&r, at, kept);
	}
	ck_assert_uint_gt(n_sent, 1000);
	ck_assert_uint_le(json_object_size(kept), 3 * 4);
	step(&r, START + 30 * PB_DAY, alarm_input("web-1", "OK", "2026-04-02T09:00:00Z"));
	deliver(&r, START + 30 * PB_DAY, kept);
	json_object_foreach (kept, key, page)
		n_notices += pb_json_bool(page, "is_notice", false);
	ck_assert_uint_eq(n_notices, 3); /* ana and bo by pager, ana by local */
	rig_free(&r);
}
END_TEST

PB_SUITE(page)
{
	pb_add(s, an_incident_that_stays_open_for_a_month_keeps_its_last_pages_only);
	pb_add(s, a_page_says_what_since_when_what_was_tried_and_what_to_do);
	pb_add(s, a_page_carries_what_machines_sort_it_by);
	pb_add(s, a_contact_with_a_phone_is_texted_there);
	pb_add(s, a_subject_is_ascii_and_below_100_characters);
	pb_add(s, a_notice_says_that_it_is_over_and_what_ended_it);
	pb_add(s, a_page_for_what_came_back_says_how_often_and_since_when);
	pb_add(s, a_page_says_what_is_overdue_of_its_playbook);
	pb_add(s, a_page_says_when_the_alarm_has_changed_since);
	pb_add(s, a_page_for_another_event_says_where_it_comes_from_and_what_it_is_about);
	pb_add(s, an_exec_channel_gets_the_page_as_json);
	pb_add(s, ids_are_not_given_twice_where_the_store_is_lost_or_not_kept);
}
