/*
 * The sample events, all of them: which are events, which are not, and that each way of telling one
 * transition makes the same event.  They are not part of this tree; without them this is skipped.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "pattern/pattern.h"
#include "tests/unit/event/support.h"
#include "tests/unit/runner.h"

/* What is no plain event of its own id.  All other files are EventBridge events. */
static const struct sample {
	const char *file;
	enum pb_body_verdict verdict;
	const char *wanted; /* identity, or a part of the reason or the error */
} odd[] = {
    {"budgets-sns-message-text.json", PB_BODY_EVENT, "event|c8f2a3b4-1111-5222-8333-444455556666"},
    {"config-rule-invocation.json", PB_BODY_BAD, "custom AWS Config rule"},
    {"cw-alarm-metric.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh|ALARM|"
	"1570035880989"},
    {"lambda-action-alarm-composite.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:us-east-1:111122223333:alarm:SuppressionDemo.Main|ALARM|"
	"1691153806138"},
    {"lambda-action-alarm-metric.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:eu-west-1:912397435824:alarm:test_alarm|ALARM|1708170788431"},
    {"lambda-sns-records.json", PB_BODY_BAD, "has Records"},
    {"lambda-sqs-records.json", PB_BODY_BAD, "has Records"},
    {"lambda-sqs-sns-envelope.json", PB_BODY_BAD, "has Records"},
    {"lambda-sqs-sns-fifo-envelope.json", PB_BODY_BAD, "has Records"},
    {"sns-alarm-composite-message.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-degraded|ALARM|"
	"1772529262731"},
    {"sns-alarm-metric-math-message.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:REGION:ACCOUNT_NUMBER:alarm:EXAMPLE|ALARM|1433353407123"},
    {"sns-alarm-metric-message.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:REGION:ACCOUNT_NUMBER:alarm:EXAMPLE|ALARM|1433353407123"},
    {"sns-subscription-confirmation.json", PB_BODY_IGNORE,
	"SNS subscription of arn:aws:sns:us-west-2:123456789012:oncall"},
    {"sqs-alarm-sns-envelope.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-p99-high|ALARM|1772529245118"},
    {"sqs-alarm-sns-raw.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-p99-high|ALARM|1772529245118"},
    {"sqs-bad-md5.json", PB_BODY_BAD, "none of EventBridge event"},
    {"sqs-eventbridge-direct.json", PB_BODY_EVENT,
	"alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh|ALARM|"
	"1570035880989"},
    {"sqs-fifo-message.json", PB_BODY_BAD, "none of EventBridge event"},
    {"sqs-not-json.json", PB_BODY_BAD, "not valid JSON"},
};

static const struct sample *
find_odd(const char *file)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(odd); i++)
		if (pb_streq(odd[i].file, file))
			return &odd[i];
	return NULL;
}

/* A file's text; of the sqs-* ones the body of their first message. */
static char *
body_of(const char *file)
{
	PB_CLEANUP(pb_freep) char *path = pb_event_test_path(file);
	PB_CLEANUP(pb_freep) char *text = pb_event_test_read(path);
	PB_JSON json_t *j = NULL;
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(pb_json_parse(pb_str_of(text), &j, NULL), 0);
	const json_t *message = json_array_get(pb_json_get(j, "Messages"), 0);
	const char *body = pb_json_str(message, "Body");
	return body != NULL ? pb_strdup(body) : PB_TAKE(text);
}

static void
check_event(const char *file, const struct sample *s, const struct pb_event *e)
{
	PB_CLEANUP(pb_freep) char *plain = pb_asprintf("event|%s", e->id);
	bool is_alarm = strncmp(e->identity, "alarm|", 6) == 0;
	ck_assert_msg(is_alarm == (e->kind == PB_EVENT_ALARM), "%s", file);
	if (s != NULL)
		ck_assert_msg(pb_streq(e->identity, s->wanted), "%s: %s", file, e->identity);
	else if (!is_alarm)
		ck_assert_msg(pb_streq(e->identity, plain), "%s: %s", file, e->identity);
	ck_assert_msg(*e->id != '\0' && *e->source != '\0' && *e->detail_type != '\0', "%s", file);
	ck_assert_msg((pb_event_alarm(e) != NULL) == is_alarm, "%s", file);

	/* What is stored comes back as the same event. */
	PB_CLEANUP(pb_event_unrefp) struct pb_event *again = NULL;
	ck_assert_int_eq(pb_event_from_envelope(pb_event_json(e), &again, NULL), 0);
	ck_assert_str_eq(again->identity, e->identity);
	ck_assert(json_equal(pb_event_json(again), pb_event_json(e)));
}

static void
check_sample(const char *file)
{
	const struct sample *s = find_odd(file);
	enum pb_body_verdict wanted = s != NULL ? s->verdict : PB_BODY_EVENT;
	PB_CLEANUP(pb_freep) char *body = body_of(file);
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = NULL;
	struct pb_error err = {0};
	char reason[128];
	enum pb_body_verdict v = pb_event_from_body(pb_str_of(body), "", "", &e, reason, &err);
	ck_assert_msg(
	    v == wanted, "%s: verdict %d, wanted %d: %s", file, (int)v, (int)wanted, err.text);
	ck_assert_msg((e != NULL) == (v == PB_BODY_EVENT), "%s", file);
	if (v == PB_BODY_EVENT)
		check_event(file, s, e);
	PB_CLEANUP(pb_event_reader_freep) struct pb_event_reader *r = pb_event_reader_new();
	pb_event_test_both(r, NULL, pb_str_of(body));
	if (v == PB_BODY_IGNORE)
		ck_assert_msg(strstr(reason, s->wanted) != NULL, "%s: %s", file, reason);
	if (v == PB_BODY_BAD)
		ck_assert_msg(strstr(err.text, s->wanted) != NULL, "%s: %s", file, err.text);
}

START_TEST(every_sample_is_understood_as_what_it_is)
{
	PB_CLEANUP(pb_freep) char *dir = pb_event_test_path("");
	size_t n = 0;
	DIR *d = opendir(dir);
	if (d == NULL) {
		printf("SKIP sample events: %s is not there\n", dir);
		return;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		size_t len = strlen(e->d_name);
		if (len < 5 || !pb_streq(e->d_name + len - 5, ".json"))
			continue;
		check_sample(e->d_name);
		n++;
	}
	(void)closedir(d);
	ck_assert_uint_ge(n, 69);
}
END_TEST

/* --- matching by bytes */

#define SAMPLES_MAX 128
#define PATTERNS_MAX 8192

struct all {
	struct pb_event *events[SAMPLES_MAX];
	size_t n_events;
	struct pb_pattern *patterns[PATTERNS_MAX];
	size_t n_patterns;
};

static void
add_pattern(struct all *a, const char *path, const json_t *value)
{
	PB_JSON json_t *doc = json_pack("{s:[O]}", path, value);
	if (doc != NULL && a->n_patterns < PATTERNS_MAX &&
	    pb_pattern_compile_json(doc, &a->patterns[a->n_patterns], NULL) == 0)
		a->n_patterns++;
}

/* A pattern of each value. */
static void
add_leaves(struct all *a, const char *path, const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;
	if (json_is_array(value)) {
		json_array_foreach (value, i, item)
			add_leaves(a, path, item);
		return;
	}
	if (!json_is_object(value)) {
		add_pattern(a, path, value);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
		PB_CLEANUP(pb_freep)
		char *deeper = pb_asprintf("%s%s%s", path, *path == '\0' ? "" : ".", key);
		add_leaves(a, deeper, item);
	}
}

static void
add_file(struct all *a, const char *file)
{
	PB_CLEANUP(pb_freep) char *body = body_of(file);
	struct pb_error err;
	char reason[128];
	struct pb_event **e = &a->events[a->n_events];
	if (pb_event_from_body(pb_str_of(body), "", "", e, reason, &err) != PB_BODY_EVENT)
		return;
	a->n_events++;
	add_leaves(a, "", pb_event_json(*e));
}

static size_t
check_bytes(const struct all *a, const struct pb_matcher *m, const struct pb_event *e)
{
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	PB_JSON json_t *read = NULL;
	static uint32_t ids[PATTERNS_MAX];
	size_t n = 0, at = 0;
	ck_assert_int_eq(pb_json_parse(e->text, &read, NULL), 0);
	ck_assert_msg(
	    json_equal(read, pb_event_json(e)), "%s is shown as another event", e->identity);
	ck_assert_int_eq(pb_match(m, s, e->text, ids, PATTERNS_MAX, &n), 0);
	for (size_t i = 0; i < a->n_patterns; i++) {
		bool is_found = at < n && ids[at] == i;
		at += is_found;
		ck_assert_msg(is_found == pb_pattern_match(a->patterns[i], pb_event_json(e)),
		    "pattern %zu on %s", i, e->identity);
	}
	return n;
}

START_TEST(every_sample_matches_by_bytes_what_it_matched_by_tree)
{
	PB_CLEANUP(pb_freep) char *dir = pb_event_test_path("");
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	struct all *a = pb_calloc(1, sizeof(*a));
	size_t n_matches = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		if (strlen(e->d_name) > 5 && pb_streq(e->d_name + strlen(e->d_name) - 5, ".json"))
			add_file(a, e->d_name);
	const struct pb_pattern *const *list = (const struct pb_pattern *const *)a->patterns;
	ck_assert_int_eq(pb_matcher_build(list, a->n_patterns, &m, NULL), 0);
	for (size_t i = 0; i < a->n_events; i++)
		n_matches += check_bytes(a, m, a->events[i]);
	if (d == NULL)
		printf("SKIP sample events: %s is not there\n", dir);
	else
		ck_assert(a->n_events >= 60 && n_matches >= a->n_patterns);
	for (size_t i = 0; i < a->n_events; i++)
		pb_event_unref(a->events[i]);
	for (size_t i = 0; i < a->n_patterns; i++)
		pb_pattern_free(a->patterns[i]);
	free(a);
	if (d != NULL)
		(void)closedir(d);
}
END_TEST

/* As it came where nothing had to be added, so that no number is written in another way. */
START_TEST(a_whole_event_keeps_its_bytes)
{
	static const char body[] =
	    " {\"version\":\"0\",\"id\":\"1\",\"detail-type\":\"T\",\"source\":\"s\","
	    "\"account\":\"1\",\"time\":\"2026-03-03T09:00:00Z\",\"region\":\"r\","
	    "\"resources\":[],\"detail\":{\"n\":1.50,\"t\":\"\\u0061\"}} ";
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_test_body(body);
	ck_assert_msg(pb_str_is(e->text, body), "%.*s", PB_STR_ARG(e->text));
	PB_CLEANUP(pb_event_unrefp)
	struct pb_event *open = pb_event_test_body(
	    "{\"id\":\"1\",\"detail-type\":\"T\",\"source\":\"s\",\"detail\":{\"n\":1.50}}");
	ck_assert_msg(strstr(open->text.ptr, "\"resources\":[],\"detail\":{\"n\":1.5}}") != NULL,
	    "%.*s", PB_STR_ARG(open->text));
}
END_TEST

PB_SUITE(samples)
{
	pb_add(s, every_sample_matches_by_bytes_what_it_matched_by_tree);
	pb_add(s, a_whole_event_keeps_its_bytes);
	pb_add(s, every_sample_is_understood_as_what_it_is);
}
