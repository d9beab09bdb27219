/*
 * An event that nobody wants goes from the bytes of a message to its decision without a parser; the
 * parser's calls are counted.
 */
#include "tests/unit/runner.h"

#include <dlfcn.h>

#include "event/reader.h"
#include "engine/engine.h"

/* --- in front of jansson's parsers, which the daemon's code calls by these two names */

static unsigned n_parsed;

typedef json_t *loadb_fn(const char *, size_t, size_t, json_error_t *);
typedef json_t *loads_fn(const char *, size_t, json_error_t *);

json_t *
json_loadb(const char *buffer, size_t len, size_t flags, json_error_t *error)
{
	loadb_fn *next;
	*(void **)&next = dlsym(RTLD_NEXT, "json_loadb");
	n_parsed++;
	return next(buffer, len, flags, error);
}

json_t *
json_loads(const char *text, size_t flags, json_error_t *error)
{
	loads_fn *next;
	*(void **)&next = dlsym(RTLD_NEXT, "json_loads");
	n_parsed++;
	return next(text, flags, error);
}

/* --- */

#define NOW INT64_C(1772529245000) /* 2026-03-03T09:14:05Z */

static const char text[] =
    "version: 1\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager\"}\n"
    "contacts: [{name: ana}]\n"
    "escalations: [{name: oncall, levels: [{notify: [ana], via: [pager]}]}]\n"
    "playbooks:\n"
    "  - name: full\n"
    "    match: {source: [disks], detail: {used: [{numeric: [\">\", 90]}]}}\n"
    "    resolve_on: {source: [disks], detail: {used: [{numeric: [\"<=\", 90]}]}}\n"
    "    escalate: oncall\n"
    "  - {name: web, match: {source: [web]}, escalate: oncall}\n"
    "maintenance:\n"
    "  - name: patching\n"
    "    match: {source: [disks]}\n"
    "    when: {tz: UTC, days: [mon, tue, wed, thu, fri, sat, sun], start: \"00:00\", for: 23h}\n"
    "    owner: ana\n"
    "    expires: 2027-03-31\n"
    "unmatched: {alarms: drop, events: drop}\n";

static struct pb_config *
config(void)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	char name[] = "t.yaml", copy[sizeof(text)];
	memcpy(copy, text, sizeof(text));
	const struct pb_config_file file = {name, copy, sizeof(text) - 1};
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

/* As an sqs source posts it. */
static struct pb_input *
read_input(struct pb_event_reader *r, const struct pb_config *c, const char *id, const char *source,
    int used)
{
	PB_CLEANUP(pb_freep)
	char *body = pb_asprintf(
	    "{\"version\":\"0\",\"id\":\"%s\",\"detail-type\":\"Use\",\"source\":\"%s\","
	    "\"account\":"
	    "\"111122223333\",\"time\":\"2026-03-03T09:14:05Z\",\"region\":\"eu-west-1\","
	    "\"resources\":[\"disk-1\"],\"detail\":{\"used\":%d,\"mount\":\"/\\u0061\"}}",
	    id, source, used);
	char reason[128];
	struct pb_error err = {0};
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	in->source = pb_strdup("bus");
	in->receipt = 7;
	ck_assert_msg(pb_event_read_body(r, c->matcher, pb_str_of(body), "", "", &in->event, reason,
			  &err) == PB_BODY_EVENT,
	    "%s", err.text);
	return in;
}

static void
silence(struct pb_engine *e)
{
	struct pb_input *in = pb_input_new(PB_IN_SILENCE);
	struct pb_update *u = pb_update_new(NOW);
	in->match = pb_strdup("{\"source\": [\"disks\"]}");
	in->by = pb_strdup("ana");
	in->text = pb_strdup("known");
	in->span = PB_HOUR;
	pb_engine_step(e, NOW, in, u);
	ck_assert_uint_ge(u->n_records, 1);
	pb_input_free(in);
	pb_update_free(u);
}

static const struct row {
	const char *source;
	int used;
	bool is_parsed;
	const char *note;
} rows[] = {
    {"cats", 95, false,
	"Use by bus, 2026-03-03T09:14:05Z: no playbook matches: dropped; full: source is \"cats\", "
	"wanted one of [\"disks\"]; nor does 1 more"},
    {"disks", 10, false, "Use by bus, 2026-03-03T09:14:05Z: it ends something, and opens nothing"},
    {"disks", 95, true, "Use by bus, 2026-03-03T09:14:05Z: playbook full"},
};

/* Each form that a queue may bring, alone and inside SNS's envelope. */
#define ARN "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:cpu"
static const char *const forms[] = {
    "{\"AlarmName\":\"cpu\",\"AlarmDescription\":null,\"NewStateValue\":\"ALARM\","
    "\"NewStateReason\":"
    "\"3 of 3\",\"StateChangeTime\":\"2026-03-03T09:14:05.118+0000\",\"AlarmArn\":\"" ARN "\","
    "\"OldStateValue\":\"OK\",\"Trigger\":{\"MetricName\":\"CPU\",\"Namespace\":\"AWS/EC2\","
    "\"Statistic\":\"AVERAGE\",\"Dimensions\":[{\"name\":\"i\",\"value\":\"1\"}],\"Period\":60}}",
    "{\"source\":\"aws.cloudwatch\",\"alarmArn\":\"" ARN
    "\",\"accountId\":\"111122223333\",\"time\":"
    "\"2026-03-03T09:14:05Z\",\"region\":\"eu-west-1\",\"alarmData\":{\"alarmName\":\"cpu\","
    "\"state\":"
    "{\"value\":\"ALARM\",\"timestamp\":\"2026-03-03T09:14:05.118+0000\"}}}",
    "{\"awsAccountId\":\"111122223333\",\"awsRegion\":\"us-east-2\",\"configRuleName\":\"ssh\","
    "\"newEvaluationResult\":{\"complianceType\":\"NON_COMPLIANT\"},\"notificationCreationTime\":"
    "\"2026-03-03T09:14:05.380Z\"}",
};
static const char plain_alert[] =
    "{\"Type\":\"Notification\",\"MessageId\":\"m-1\",\"TopicArn\":\"arn:aws:sns:eu-west-1:"
    "111122223333:alarms\",\"Subject\":\"late\",\"Message\":\"The nightly job is late\","
    "\"Timestamp\":\"2026-03-03T09:14:05.000Z\"}";

/* As SNS delivers it; the caller's. */
static char *
in_envelope(const char *message)
{
	PB_JSON json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s}", "Type", "Notification",
	    "MessageId", "m-1", "TopicArn", "arn:aws:sns:eu-west-1:111122223333:alarms", "Message",
	    message, "Timestamp", "2026-03-03T09:14:06.000Z");
	return pb_json_text(j);
}

static void
check_unwanted(const char *body)
{
	const struct pb_engine_options options = {.seed = 1};
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	struct pb_config *c = config();
	struct pb_engine *e = pb_engine_new(c, &options);
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	struct pb_update *u = pb_update_new(NOW);
	struct pb_error err = {0};
	char reason[128];
	in->source = pb_strdup("bus");
	in->receipt = 7;
	n_parsed = 0;
	ck_assert_msg(pb_event_read_body(r, c->matcher, pb_str_of(body), "", "", &in->event, reason,
			  &err) == PB_BODY_EVENT,
	    "%s: %s", body, err.text);
	pb_engine_step(e, NOW, in, u);
	ck_assert_msg(n_parsed == 0, "%s: parsed %u times", body, n_parsed);
	ck_assert_ptr_null(in->event->tree);
	ck_assert_uint_eq(u->n_receipts, 1);
	pb_update_free(u);
	pb_input_free(in);
	pb_engine_free(e);
	pb_config_unref(c);
}

START_TEST(an_unwanted_notification_is_not_parsed_whatever_its_form)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(forms); i++) {
		PB_CLEANUP(pb_freep) char *sns = in_envelope(forms[i]);
		check_unwanted(forms[i]);
		check_unwanted(sns);
	}
	check_unwanted(plain_alert);
}
END_TEST

START_TEST(a_tree_is_made_only_of_an_event_that_opens_something)
{
	const struct row *row = &rows[_i];
	const struct pb_engine_options options = {.seed = 1};
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	struct pb_config *c = config();
	struct pb_engine *e = pb_engine_new(c, &options);
	silence(e);

	n_parsed = 0;
	struct pb_input *in = read_input(r, c, "1", row->source, row->used);
	struct pb_update *u = pb_update_new(NOW);
	pb_engine_step(e, NOW, in, u);
	ck_assert_uint_eq(n_parsed, row->is_parsed);
	ck_assert_int_eq(in->event->tree != NULL, row->is_parsed);
	ck_assert_uint_eq(in->event->matched_by, pb_matcher_serial(c->matcher));
	ck_assert_uint_eq(u->n_receipts, 1);
	size_t n_noted = 0;
	for (size_t i = 0; i < u->n_notes; i++)
		n_noted += pb_streq(u->notes[i].text, row->note);
	ck_assert_uint_eq(n_noted, 1);
	pb_update_free(u);
	pb_input_free(in);
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

/* What only ends something has no playbook that takes it. */
START_TEST(why_names_no_playbook_for_what_only_ends)
{
	const struct pb_engine_options options = {.seed = 1};
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	struct pb_config *c = config();
	struct pb_engine *e = pb_engine_new(c, &options);
	struct pb_input *in = read_input(r, c, "1", "disks", 10);
	PB_JSON json_t *why = pb_engine_why_event(e, in->event);
	ck_assert_uint_eq(json_array_size(json_object_get(why, "match")), 0);
	ck_assert_int_eq(pb_json_i64(why, "match_more", -1), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(why, "differ")), 2);
	pb_input_free(in);
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(bytes)
{
	pb_add_loop(
	    s, a_tree_is_made_only_of_an_event_that_opens_something, 0, (int)PB_ARRAY_LEN(rows));
	pb_add(s, an_unwanted_notification_is_not_parsed_whatever_its_form);
	pb_add(s, why_names_no_playbook_for_what_only_ends);
}
