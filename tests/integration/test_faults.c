/*
 * Each call that the daemon makes, spoilt in each way: the incident is handled all the same, and what
 * must not happen twice does not.
 */
#include "fixture.h"

/* What the service made of a spoilt call. */
enum effect { REFUSED, NOTHING, DONE };

/* How a rule of the sandbox spoils a call; see tests/sandbox/faults.h. */
static const struct fault {
	const char *name, *rule;
	enum effect effect;
} faults[] = {
    {"throttle", "\"fault\":\"throttle\",\"times\":2", REFUSED},
    {"expired", "\"fault\":\"expired_token\"", REFUSED},
    {"error-500", "\"fault\":\"server_error\"", NOTHING},
    {"error-503", "\"fault\":\"server_error\",\"status\":503,\"html\":true", NOTHING},
    {"reset", "\"fault\":\"reset\"", NOTHING},
    {"close", "\"fault\":\"close\"", NOTHING},
    {"lost", "\"fault\":\"lost\"", DONE},
    {"drip", "\"fault\":\"drip\",\"bytes\":40,\"every_ms\":50", DONE},
    {"cut", "\"fault\":\"cut\"", DONE},
    {"garbage", "\"fault\":\"garbage\"", DONE},
    {"no-http", "\"fault\":\"not_http\"", DONE},
    {"empty", "\"fault\":\"empty\"", DONE},
    {"html", "\"fault\":\"answer\",\"body\":\"<html>ok</html>\",\"content_type\":\"text/html\"",
	NOTHING},
    {"huge", "\"fault\":\"huge\"", DONE},
    /* The last: until the client has corrected its clock, its other calls are refused too. */
    {"skewed", "\"fault\":\"skewed_date\",\"skew_ms\":900000", REFUSED},
};
#define N_FAULTS PB_ARRAY_LEN(faults)
#define N_TOGETHER (N_FAULTS - 1)

static void
spoil(struct pb_rig *r, const struct fault *f, const char *operation, const char *match)
{
	PB_CLEANUP(pb_freep)
	char *more = match == NULL ? pb_strdup("") : pb_asprintf(",\"match\":\"%s\"", match);
	must(pb_rig_fault(r, &err, "{%s,\"operation\":\"%s\"%s}", f->rule, operation, more));
}

static void
no_rule_is_left(struct pb_rig *r)
{
	PB_JSON json_t *rules = NULL;
	must(pb_rig_sandbox(r, "GET", "faults", NULL, &rules, &err));
	PB_CLEANUP(pb_freep) char *text = pb_json_text(rules);
	if (json_array_size(rules) != 0)
		(void)printf("faults that met no call: %s\n", text);
	want(json_array_size(rules) == 0);
}

/* --- paging */

static void
expect_one_page_id(struct pb_rig *r, const char *name)
{
	PB_JSON json_t *pages = pb_rig_pages(r, name, 1, 30 * PB_SECOND);
	if (json_array_size(pages) == 0)
		(void)printf("nobody was paged about %s\n", name);
	want(json_array_size(pages) >= 1);
	const char *id = pb_rig_attribute(json_array_get(pages, 0), "page_id");
	const json_t *page;
	size_t i;
	json_array_foreach (pages, i, page)
		want(pb_streq(id, pb_rig_attribute(page, "page_id")));
	want(fixture_count_incidents(r, name) == 1);
}

static void
spoil_a_page(struct pb_rig *r, const struct fault *f)
{
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("page-%s.", f->name);
	spoil(r, f, "Publish", name);
	fixture_alarm(r, name, "ALARM");
}

static void
expect_paged(struct pb_rig *r, const struct fault *f)
{
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("page-%s.", f->name);
	expect_one_page_id(r, name);
}

START_TEST(a_page_gets_through_each_fault)
{
	RIG(r);
	fixture_start(r);
	for (size_t i = 0; i < N_TOGETHER; i++)
		spoil_a_page(r, &faults[i]);
	for (size_t i = 0; i < N_TOGETHER; i++)
		expect_paged(r, &faults[i]);
	spoil_a_page(r, &faults[N_TOGETHER]);
	expect_paged(r, &faults[N_TOGETHER]);
	no_rule_is_left(r);
	want(pb_rig_is_running(r));
}
END_TEST

/* --- a step that must not be repeated */

static size_t
count_sent(struct pb_rig *r, const char *name)
{
	static const char *const places[] = {"visible", "inflight", "deleted"};
	PB_JSON json_t *q = NULL;
	const json_t *m;
	size_t i, n = 0;
	must(pb_rig_sandbox(r, "GET", "queues/work", NULL, &q, &err));
	for (size_t k = 0; k < PB_ARRAY_LEN(places); k++)
		json_array_foreach (pb_json_get(q, places[k]), i, m)
			n += pb_streq(pb_json_str(m, "body"), name);
	return n;
}

static void
spoil_a_step(struct pb_rig *r, const struct fault *f)
{
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("send-%s.", f->name);
	spoil(r, f, "SendMessage", name);
	fixture_alarm(r, name, "ALARM");
}

/* Either the step is over and the alarm is waited for, or a human was asked. */
static void
expect_done_or_asked(struct pb_rig *r, const struct fault *f)
{
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("send-%s.", f->name);
	int64_t until = pb_rig_now() + 30 * PB_SECOND;
	bool is_done = false, is_asked = false;
	do {
		PB_JSON json_t *in = pb_rig_incident(r, name, NULL, 0);
		is_done = in != NULL && pb_streq(pb_json_str(in, "step"), "verify");
		is_asked = in != NULL && pb_streq(pb_json_str(in, "state"), "waiting");
	} while (!is_done && !is_asked && pb_rig_again(until));
	size_t n = count_sent(r, name);
	(void)printf("%s: %s, sent %zu times\n", name,
	    is_done        ? "done"
		: is_asked ? "asked"
			   : "neither",
	    n);
	want(is_done || is_asked);
	want(n == (f->effect == NOTHING ? 0 : 1));
	want(is_done || f->effect != REFUSED);
	want(is_asked || f->effect != NOTHING);
	if (is_asked)
		expect_one_page_id(r, name);
}

START_TEST(a_call_that_must_not_be_repeated_is_not)
{
	RIG(r);
	fixture_start(r);
	for (size_t i = 0; i < N_TOGETHER; i++)
		spoil_a_step(r, &faults[i]);
	for (size_t i = 0; i < N_TOGETHER; i++)
		expect_done_or_asked(r, &faults[i]);
	spoil_a_step(r, &faults[N_TOGETHER]);
	expect_done_or_asked(r, &faults[N_TOGETHER]);
	for (size_t i = 0; i < N_FAULTS; i++) {
		PB_CLEANUP(pb_freep) char *name = pb_asprintf("send-%s.", faults[i].name);
		fixture_alarm(r, name, "OK");
		free(fixture_incident(r, name, "resolved"));
	}
	no_rule_is_left(r);
}
END_TEST

/* --- messages */

/* A message whose receive was spoilt comes again when its visibility is over: hasten that. */
static void
expect_incident(struct pb_rig *r, const char *name)
{
	int64_t until = pb_rig_now() + 30 * PB_SECOND;
	PB_JSON json_t *in = NULL;
	while ((in = pb_rig_incident(r, name, NULL, PB_SECOND)) == NULL && pb_rig_again(until))
		must(pb_rig_sandbox(r, "POST", "clock", "{\"advance_ms\":31000}", NULL, &err));
	if (in == NULL)
		(void)printf("no incident for %s\n", name);
	want(in != NULL);
}

START_TEST(a_message_gets_through_each_fault)
{
	static const struct fault more[] = {
	    {"md5", "\"fault\":\"wrong_md5\"", DONE},
	    {"duplicate", "\"fault\":\"duplicate\"", DONE},
	    {"reorder", "\"fault\":\"reorder\"", DONE},
	};
	RIG(r);
	fixture_start(r);
	for (size_t i = 0; i < N_FAULTS + PB_ARRAY_LEN(more); i++) {
		const struct fault *f = i < N_FAULTS ? &faults[i] : &more[i - N_FAULTS];
		PB_CLEANUP(pb_freep) char *a = pb_asprintf("page-%s-a", f->name);
		PB_CLEANUP(pb_freep) char *b = pb_asprintf("page-%s-b", f->name);
		/* The poll under way takes the first, the one that is spoilt the second. */
		spoil(r, f, "ReceiveMessage", NULL);
		fixture_alarm(r, a, "ALARM");
		fixture_alarm(r, b, "ALARM");
		expect_incident(r, a);
		expect_incident(r, b);
		want(fixture_count_incidents(r, a) == 1);
		want(fixture_count_incidents(r, b) == 1);
	}
	no_rule_is_left(r);
	want(pb_rig_drained(r, "events", SOON));
}
END_TEST

START_TEST(a_deletion_gets_through_each_fault)
{
	RIG(r);
	fixture_start(r);
	for (size_t i = 0; i < N_FAULTS; i++) {
		PB_CLEANUP(pb_freep) char *name = pb_asprintf("page-%s-d", faults[i].name);
		spoil(r, &faults[i], "DeleteMessageBatch", NULL);
		fixture_alarm(r, name, "ALARM");
		expect_incident(r, name);
		int64_t until = pb_rig_now() + 30 * PB_SECOND;
		while (!pb_rig_drained(r, "events", 2 * PB_SECOND) && pb_rig_again(until))
			must(pb_rig_sandbox(
			    r, "POST", "clock", "{\"advance_ms\":31000}", NULL, &err));
		want(pb_rig_drained(r, "events", 0));
		want(fixture_count_incidents(r, name) == 1);
		must(pb_rig_sandbox(r, "DELETE", "faults", NULL, NULL, &err));
	}
}
END_TEST

/* --- polling; a rig for each fault, side by side, for each takes an interval or two */

START_TEST(a_poll_gets_through_each_fault)
{
	struct pb_rig rigs[N_FAULTS] = {0};
	for (size_t i = 0; i < N_FAULTS; i++) {
		struct pb_rig *r = &rigs[i];
		fixture_init(r);
		fixture_with_poll(r);
		must(pb_rig_sandbox(r, "POST", "eventbridge", "{\"queue\":null}", NULL, &err));
		spoil(r, &faults[i], "DescribeAlarms", NULL);
		must(pb_rig_alarm(r, "page-polled", "ALARM", NULL, &err));
		must(pb_rig_launch(r, &err));
	}
	for (size_t i = 0; i < N_FAULTS; i++) {
		struct pb_rig *r = &rigs[i];
		(void)printf("fault %s\n", faults[i].name);
		PB_JSON json_t *in = pb_rig_incident(r, "page-polled", "waiting", 30 * PB_SECOND);
		want(in != NULL);
		no_rule_is_left(r);
	}
	for (size_t i = 0; i < N_FAULTS; i++)
		pb_rig_fini(&rigs[i]);
}
END_TEST

START_TEST(a_backfill_gets_through_each_fault)
{
	struct pb_rig rigs[N_FAULTS] = {0};
	for (size_t i = 0; i < N_FAULTS; i++) {
		struct pb_rig *r = &rigs[i];
		fixture_init(r);
		fixture_with_poll(r);
		must(pb_rig_sandbox(r, "POST", "eventbridge", "{\"queue\":null}", NULL, &err));
		must(pb_rig_start(r, &err));
	}
	for (size_t i = 0; i < N_FAULTS; i++) {
		struct pb_rig *r = &rigs[i];
		want(pb_rig_called(r, "DescribeAlarms", 0, 1, SOON));
		fixture_alarm(r, "page-first", "ALARM");
		free(fixture_incident(r, "page-first", "waiting"));
		pb_rig_kill(r);
		fixture_alarm(r, "page-short", "ALARM");
		fixture_alarm(r, "page-short", "OK");
		spoil(r, &faults[i], "DescribeAlarmHistory", NULL);
	}
	for (size_t i = 0; i < N_FAULTS; i++) {
		struct pb_rig *r = &rigs[i];
		must(pb_rig_launch(r, &err));
	}
	for (size_t i = 0; i < N_FAULTS; i++) {
		struct pb_rig *r = &rigs[i];
		(void)printf("fault %s\n", faults[i].name);
		/* An answer that is too large stays so: alarms come before their history. */
		if (pb_streq(faults[i].name, "huge"))
			want(pb_rig_logged(r, "are not seen", SOON));
		else
			free(fixture_incident(r, "page-short", "resolved"));
		want(fixture_count_incidents(r, "page-first") == 1);
		no_rule_is_left(r);
	}
	for (size_t i = 0; i < N_FAULTS; i++)
		pb_rig_fini(&rigs[i]);
}
END_TEST

/* The poll is the only source, and never sees the alarm in ALARM. */
START_TEST(an_alarm_that_came_and_went_between_polls_is_handled)
{
	RIG(r);
	fixture_init(r);
	fixture_with_poll(r);
	must(pb_rig_sandbox(r, "POST", "eventbridge", "{\"queue\":null}", NULL, &err));
	must(pb_rig_start(r, &err));
	want(pb_rig_called(r, "DescribeAlarms", 0, 1, SOON));
	fixture_alarm(r, "page-short", "ALARM");
	fixture_alarm(r, "page-short", "OK");
	free(fixture_incident(r, "page-short", "resolved"));
	want(fixture_count_incidents(r, "page-short") == 1);

	fixture_alarm(r, "page-again", "ALARM");
	free(fixture_incident(r, "page-again", "waiting"));
	spoil(r, &(struct fault){"", "\"fault\":\"server_error\",\"times\":4", NOTHING},
	    "DescribeAlarms", NULL);
	want(pb_rig_logged(r, "source alarms: DescribeAlarms: InternalFailure", SOON));
	fixture_alarm(r, "page-again", "OK");
	fixture_alarm(r, "page-again", "ALARM");
	fixture_alarm(r, "page-outage", "ALARM");
	fixture_alarm(r, "page-outage", "OK");
	free(fixture_incident(r, "page-outage", "resolved"));
	free(fixture_incident(r, "page-again", "waiting"));
	/* It came back within reopen_within: the same incident, which went and came. */
	want(fixture_count_incidents(r, "page-again") == 1);
	want(pb_rig_logged(r, "reopened: page-again: again ", SOON));
}
END_TEST

START_TEST(wrong_credentials_are_told_with_their_source_and_a_remedy)
{
	RIG(r);
	fixture_init(r);
	pb_rig_setenv(r, "AWS_SECRET_ACCESS_KEY", "a-secret-nobody-may-print");
	must(pb_rig_start(r, &err));
	want(pb_rig_logged(
	    r, "the secret key from environment AWS_ACCESS_KEY_ID does not fit", SOON));
	want(pb_rig_logged(r, "retrying", SOON));
	want(!pb_rig_logged(r, "a-secret-nobody-may-print", 0));
}
END_TEST

/* The services' texts about a signature repeat the request, the session token among it. */
START_TEST(a_session_token_is_shown_nowhere)
{
	static const char token[] = "a-token-nobody-may-print";
	RIG(r);
	fixture_init(r);
	fixture_with_poll(r);
	pb_rig_setenv(r, "AWS_SECRET_ACCESS_KEY", "a-secret-nobody-may-print");
	pb_rig_setenv(r, "AWS_SESSION_TOKEN", token);
	must(pb_rig_start(r, &err));
	want(pb_rig_logged(r, "source events: ReceiveMessage: InvalidSignature", SOON));
	want(pb_rig_logged(r, "source alarms: DescribeAlarms: InvalidSignature", SOON));
	PB_CLEANUP(pb_freep) char *log = pb_rig_read(r, "daemon.log");
	want(strstr(log, token) == NULL && strstr(log, "security-token") == NULL);
	PB_JSON json_t *status = NULL;
	must(pb_rig_api(r, "GET", "/v1/status", NULL, &status, &err));
	PB_CLEANUP(pb_freep) char *json = pb_json_text(status);
	want(strstr(json, "InvalidSignature") != NULL);
	want(strstr(json, token) == NULL && strstr(json, "security-token") == NULL);
	PB_CLEANUP(pb_freep) char *text = NULL;
	want(pb_rig_ctl(r, &text, "status") >= 0);
	want(strstr(text, token) == NULL);
}
END_TEST

START_TEST(missing_credentials_are_told_with_a_remedy)
{
	RIG(r);
	fixture_init(r);
	pb_rig_setenv(r, "AWS_ACCESS_KEY_ID", "");
	pb_rig_setenv(r, "AWS_SECRET_ACCESS_KEY", "");
	must(pb_rig_start(r, &err));
	want(pb_rig_logged(r, "AWS_ACCESS_KEY_ID", SOON));
	want(pb_rig_is_running(r));
}
END_TEST

PB_SUITE(faults_of_actions)
{
	pb_add(s, a_page_gets_through_each_fault);
	pb_add(s, a_call_that_must_not_be_repeated_is_not);
	pb_add(s, wrong_credentials_are_told_with_their_source_and_a_remedy);
	pb_add(s, a_session_token_is_shown_nowhere);
	pb_add(s, missing_credentials_are_told_with_a_remedy);
}

PB_SUITE(faults_of_sources)
{
	pb_add(s, a_message_gets_through_each_fault);
	pb_add(s, a_poll_gets_through_each_fault);
	pb_add(s, an_alarm_that_came_and_went_between_polls_is_handled);
}

PB_SUITE(faults_of_history)
{
	pb_add(s, a_backfill_gets_through_each_fault);
}

PB_SUITE(faults_of_deletion)
{
	pb_add(s, a_deletion_gets_through_each_fault);
}
