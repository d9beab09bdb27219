/*
 * Messages of a queue: whatever is taken for an event is one that the store can give back, and is the
 * same whether it was read by its bytes or as a tree.
 */
#include "tests/fuzz/fuzz.h"
#include "event/reader.h"
#include "pattern/pattern.h"

static void
must_come_back(const struct pb_event *e)
{
	PB_CLEANUP(pb_event_unrefp) struct pb_event *again = NULL;
	PB_CLEANUP(pb_freep) char *text = pb_json_text(pb_event_json(e));
	PB_JSON json_t *envelope = NULL;
	struct pb_error err;
	FUZZ_MUST(e->identity != NULL && e->identity[0] != '\0');
	FUZZ_MUST(e->id != NULL && e->source != NULL && e->detail_type != NULL);
	FUZZ_MUST(e->kind != PB_EVENT_ALARM || (e->alarm_arn != NULL && pb_event_alarm(e) != NULL));
	FUZZ_MUST(pb_json_parse(pb_str_of(text), &envelope, &err) == 0);
	FUZZ_MUST(pb_event_from_envelope(envelope, &again, &err) == 0);
	FUZZ_MUST(strcmp(e->identity, again->identity) == 0);
	/* The bytes that patterns are matched on say the same, and the matcher takes them. */
	PB_JSON json_t *read = NULL;
	FUZZ_MUST(pb_json_parse(e->text, &read, &err) == 0 && json_equal(read, pb_event_json(e)));
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	PB_CLEANUP(pb_match_freep) struct pb_match *match = pb_match_new();
	size_t n;
	FUZZ_MUST(pb_matcher_build(NULL, 0, &m, &err) == 0);
	FUZZ_MUST(pb_match(m, match, e->text, NULL, 0, &n) == 0);
}

static void
read_as_body(struct pb_str body)
{
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = NULL;
	struct pb_error err = {0};
	char reason[128] = "";
	switch (pb_event_from_body(body, "111122223333", "eu-west-1", &e, reason, &err)) {
	case PB_BODY_EVENT:
		FUZZ_MUST(e != NULL);
		must_come_back(e);
		break;
	case PB_BODY_IGNORE:
		FUZZ_MUST(reason[0] != '\0' && memchr(reason, 0, sizeof(reason)));
		break;
	case PB_BODY_BAD:
		fuzz_must_say_why(&err);
		break;
	}
}

static void
must_read_the_same(struct pb_str body)
{
	static struct pb_event_reader *r;
	PB_CLEANUP(pb_event_unrefp) struct pb_event *a = NULL;
	PB_CLEANUP(pb_event_unrefp) struct pb_event *b = NULL;
	struct pb_error err = {0};
	char reason[128];
	if (r == NULL)
		r = pb_event_reader_new();
	enum pb_body_verdict v = pb_event_from_body(body, "111122223333", "", &a, reason, &err);
	FUZZ_MUST(pb_event_read_body(r, NULL, body, "111122223333", "", &b, reason, &err) == v);
	if (v != PB_BODY_EVENT)
		return;
	FUZZ_MUST(strcmp(a->identity, b->identity) == 0 && a->time_at == b->time_at);
	FUZZ_MUST(a->kind == b->kind && a->alarm_previous_state == b->alarm_previous_state);
	FUZZ_MUST(strcmp(a->account, b->account) == 0 && strcmp(a->region, b->region) == 0);
	/* What came as an event stays as it came; what is rewritten says the same. */
	FUZZ_MUST(pb_str_eq(a->text, b->text) || !pb_str_eq(a->text, body));
	FUZZ_MUST(json_equal(pb_event_json(a), pb_event_json(b)));
}

/* The same bytes as a member of DescribeAlarms and of DescribeAlarmHistory. */
static void
read_as_polled(struct pb_str text)
{
	static const char arn[] = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web";
	PB_CLEANUP(pb_event_unrefp) struct pb_event *polled = NULL;
	PB_CLEANUP(pb_event_unrefp) struct pb_event *history = NULL;
	PB_JSON json_t *j = NULL;
	struct pb_error err = {0};
	if (pb_json_parse(text, &j, &err) < 0 || !json_is_object(j))
		return;
	if (pb_event_from_alarm(j, PB_ALARM_OK, &polled, &err) == 0)
		must_come_back(polled);
	else
		fuzz_must_say_why(&err);
	if (pb_event_from_history(j, arn, j, &history, &err) == 0)
		must_come_back(history);
	else
		fuzz_must_say_why(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	read_as_body(fuzz_rest(&in));
	must_read_the_same(fuzz_rest(&in));
	read_as_polled(fuzz_rest(&in));
	return 0;
}
