/*
 * The main job, end to end: what comes in, what is done about it, who is told.
 */
#include "fixture.h"

START_TEST(a_polled_alarm_is_remediated_and_nobody_is_paged)
{
	RIG(r);
	fixture_init(r);
	fixture_with_poll(r);
	must(pb_rig_sandbox(r, "POST", "eventbridge", "{\"queue\":null}", NULL, &err));
	must(pb_rig_start(r, &err));
	fixture_alarm(r, "fix-api", "ALARM");

	PB_JSON json_t *in = pb_rig_incident(r, "fix-api", "resolved", 20 * PB_SECOND);
	want(in != NULL);
	want(pb_streq(pb_json_str(in, "cause"), "remediated"));
	want(pb_rig_stepped(r, "repair 1 fix fix-api", 1, 0, NULL));
	PB_JSON json_t *pages = pb_rig_pages(r, "", 0, 0);
	want(json_array_size(pages) == 0);
}
END_TEST

static void
subscribe(struct pb_rig *r, const char *topic, bool is_raw)
{
	PB_CLEANUP(pb_freep)
	char *body = pb_asprintf(
	    "{\"name\":\"%s\",\"queue\":\"events\",\"raw\":%s}", topic, is_raw ? "true" : "false");
	must(pb_rig_sandbox(r, "POST", "topics", body, NULL, &err));
}

/* An alarm that tells nobody but a topic. */
static void
make_alarm(struct pb_rig *r, const char *name, const char *topic)
{
	PB_CLEANUP(pb_freep)
	char *body = pb_asprintf("{\"name\":\"%s\",\"state\":\"OK\",\"actions\":[\"%s\"],"
				 "\"ok_actions\":[\"%s\"]}",
	    name, topic, topic);
	must(pb_rig_sandbox(r, "POST", "alarms", body, NULL, &err));
}

START_TEST(each_form_of_message_is_the_same_event)
{
	RIG(r);
	fixture_init(r);
	subscribe(r, "wrapped", false);
	subscribe(r, "raw", true);
	must(pb_rig_start(r, &err));
	fixture_alarm(r, "fix-event", "ALARM");
	free(fixture_incident(r, "fix-event", "resolved"));

	must(pb_rig_sandbox(r, "POST", "eventbridge", "{\"queue\":null}", NULL, &err));
	make_alarm(r, "fix-wrapped", PB_RIG_ARN("sns", "wrapped"));
	make_alarm(r, "fix-raw", PB_RIG_ARN("sns", "raw"));
	fixture_alarm(r, "fix-wrapped", "ALARM");
	fixture_alarm(r, "fix-raw", "ALARM");
	free(fixture_incident(r, "fix-wrapped", "resolved"));
	free(fixture_incident(r, "fix-raw", "resolved"));
	want(pb_rig_drained(r, "events", SOON));
	PB_JSON json_t *pages = pb_rig_pages(r, "", 0, 0);
	want(json_array_size(pages) == 0);
}
END_TEST

START_TEST(a_transition_seen_by_both_sources_is_one_incident)
{
	RIG(r);
	fixture_init(r);
	fixture_with_poll(r);
	must(pb_rig_start(r, &err));
	fixture_alarm(r, "page-both", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "page-both", "waiting");
	want(pb_rig_called(r, "DescribeAlarms", pb_rig_last_call(r), 2, SOON));
	/* One more: it begins when what the one before told was taken. */
	want(pb_rig_called(r, "DescribeAlarms", pb_rig_last_call(r), 1, SOON));

	PB_JSON json_t *in = pb_rig_incident(r, "page-both", "waiting", SOON);
	want(in != NULL && pb_json_i64(in, "count", 0) == 1);
	want(fixture_count_incidents(r, "page-both") == 1);
	want(fixture_count_pages(r, id, "page", NULL) == 1);
}
END_TEST

static void
expect_page_text(struct pb_rig *r, const char *id)
{
	static const char *const parts[] = {"PAGE level 1 of 3", "fail-db is in ALARM",
	    "Restart the service", "1. repair: failed", "Exec.Exit.3",
	    "does not answer on port 8080", "https://wiki.example.com/fail", "playbookctl ack"};
	PB_JSON json_t *pages = pb_rig_pages(r, id, 1, SOON);
	const json_t *page = json_array_get(pages, 0);
	const char *text = pb_json_str_or(page, "message", "");
	for (size_t i = 0; i < PB_ARRAY_LEN(parts); i++) {
		if (strstr(text, parts[i]) == NULL)
			(void)printf("no \"%s\" in the page:\n%s\n", parts[i], text);
		want(strstr(text, parts[i]) != NULL);
	}
	want(strncmp(pb_json_str_or(page, "subject", ""), "[critical] fail-db ALARM", 24) == 0);
	want(pb_streq(pb_rig_attribute(page, "recipient"), "ana"));
	want(pb_streq(pb_rig_attribute(page, "severity"), "critical"));
	want(pb_streq(pb_rig_attribute(page, "level"), "1"));
}

START_TEST(a_failed_step_pages_level_after_level_until_somebody_acknowledges)
{
	RIG(r);
	fixture_start(r);
	fixture_alarm(r, "fail-db", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "fail-db", "waiting");
	expect_page_text(r, id);
	PB_JSON json_t *both = pb_rig_pages(r, id, 2, SOON);
	want(json_array_size(both) == 2);
	want(fixture_count_pages(r, id, "page", "bo") == 1);

	PB_CLEANUP(pb_freep) char *said = NULL;
	int status = pb_rig_ctl(r, &said, "ack", id);
	(void)printf("playbookctl ack: %d: %s\n", status, said);
	want(status == 0);
	PB_JSON json_t *in = pb_rig_incident(r, "fail-db", "waiting", SOON);
	want(in != NULL && pb_streq(pb_json_str(in, "ladder"), "acked"));

	fixture_alarm(r, "fail-db", "OK");
	free(fixture_incident(r, "fail-db", "resolved"));
	PB_JSON json_t *all = pb_rig_pages(r, id, 4, SOON);
	want(json_array_size(all) == 4);
	want(fixture_count_pages(r, id, "resolved", "ana") == 1);
	want(fixture_count_pages(r, id, "resolved", "bo") == 1);
	want(fixture_count_pages(r, id, NULL, "cy") == 0);
}
END_TEST

START_TEST(an_alarm_that_no_playbook_knows_pages_at_once)
{
	RIG(r);
	fixture_start(r);
	fixture_alarm(r, "nobody-knows", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "nobody-knows", "waiting");
	PB_JSON json_t *pages = pb_rig_pages(r, id, 1, SOON);
	want(json_array_size(pages) == 1);
	want(strstr(pb_json_str_or(json_array_get(pages, 0), "message", ""),
		 "no playbook matches it") != NULL);
}
END_TEST

START_TEST(an_operator_resolves_an_incident_and_injects_an_event)
{
	RIG(r);
	PB_CLEANUP(pb_freep) char *out = NULL, *shown = NULL, *injected = NULL;
	fixture_start(r);
	fixture_alarm(r, "page-man", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "page-man", "waiting");
	want(pb_rig_ctl(r, &out, "resolve", id, "--reason", "false alarm") == 0);
	free(fixture_incident(r, "page-man", "resolved"));
	want(pb_rig_ctl(r, &shown, "show", id) == 0);
	want(strstr(shown, "false alarm") != NULL);

	must(pb_rig_write(r, "event.json",
	    "{\"version\":\"0\",\"id\":\"e-1\",\"detail-type\":\"CloudWatch Alarm State Change\","
	    "\"source\":\"aws.cloudwatch\",\"account\":\"111122223333\","
	    "\"time\":\"2026-03-03T09:14:05Z\",\"region\":\"us-east-1\","
	    "\"resources\":[\"arn:aws:cloudwatch:us-east-1:111122223333:alarm:page-old\"],"
	    "\"detail\":{\"alarmName\":\"page-old\",\"state\":{\"value\":\"ALARM\","
	    "\"reason\":\"by hand\",\"timestamp\":\"2026-03-03T09:14:05.118+0000\"},"
	    "\"previousState\":{\"value\":\"OK\"}}}",
	    &err));
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/event.json", r->dir);
	int status = pb_rig_ctl(r, &injected, "inject", path);
	(void)printf("playbookctl inject: %d: %s\n", status, injected);
	want(status == 0);
	free(fixture_incident(r, "page-old", "waiting"));
}
END_TEST

/* What nobody can read is given back, and the second time kept where an operator finds it. */
START_TEST(a_message_that_cannot_be_read_is_quarantined)
{
	RIG(r);
	PB_CLEANUP(pb_freep) char *listed = NULL;
	fixture_start(r);
	must(pb_rig_sandbox(r, "POST", "send?queue=events", "{\"half\": \"a message", NULL, &err));
	want(pb_rig_called(r, "ReceiveMessage", 0, 2, SOON));
	want(!pb_rig_logged(r, "quarantine", 0));
	must(pb_rig_sandbox(r, "POST", "clock", "{\"advance_ms\":31000}", NULL, &err));
	want(pb_rig_logged(r, "cannot be read", SOON));
	want(pb_rig_drained(r, "events", SOON));
	want(pb_rig_ctl(r, &listed, "quarantine") == 0);
	(void)printf("playbookctl quarantine:\n%s\n", listed);
	want(strstr(listed, "a message") != NULL);
}
END_TEST

#define NASTY                                                                                      \
	"page-\x1b[2J\x1b]0;owned\x07\xc2\x9b"                                                     \
	"31m\xe2\x80\xaeghost"

static bool
is_harmless(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++)
		if ((*s < 0x20 && *s != '\n') || *s == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) ||
		    (s[0] == 0xe2 && s[1] == 0x80 && s[2] == 0xae))
			return false;
	return true;
}

START_TEST(escapes_in_an_alarm_name_reach_no_terminal)
{
	RIG(r);
	static const char *const commands[][2] = {
	    {"status"}, {"incidents"}, {"tail"}, {"show", ""}};
	fixture_start(r);
	fixture_alarm(r, NASTY, "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, NASTY, "waiting");
	for (size_t i = 0; i < PB_ARRAY_LEN(commands); i++) {
		PB_CLEANUP(pb_freep) char *out = NULL;
		const char *const argv[] = {"playbookctl", "--socket", r->socket, commands[i][0],
		    commands[i][1] != NULL ? id : NULL, NULL};
		want(pb_rig_run(r, argv, &out) == 0);
		if (!is_harmless(out))
			(void)printf("playbookctl %s is not harmless\n", commands[i][0]);
		want(is_harmless(out));
	}
	PB_CLEANUP(pb_freep) char *log = pb_rig_read(r, "daemon.log");
	want(is_harmless(log));
	PB_JSON json_t *pages = pb_rig_pages(r, id, 1, SOON);
	want(json_array_size(pages) == 1);
	want(is_harmless(pb_json_str_or(json_array_get(pages, 0), "message", "\x1b")));
	want(is_harmless(pb_json_str_or(json_array_get(pages, 0), "subject", "\x1b")));
}
END_TEST

PB_SUITE(paths)
{
	pb_add(s, a_polled_alarm_is_remediated_and_nobody_is_paged);
	pb_add(s, each_form_of_message_is_the_same_event);
	pb_add(s, a_transition_seen_by_both_sources_is_one_incident);
	pb_add(s, a_failed_step_pages_level_after_level_until_somebody_acknowledges);
	pb_add(s, an_alarm_that_no_playbook_knows_pages_at_once);
	pb_add(s, an_operator_resolves_an_incident_and_injects_an_event);
	pb_add(s, a_message_that_cannot_be_read_is_quarantined);
	pb_add(s, escapes_in_an_alarm_name_reach_no_terminal);
}
