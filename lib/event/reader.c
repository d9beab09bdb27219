/*
 * Reading by bytes takes what is in order in every respect and nothing else: each refusal here only
 * means that the tree is asked, which may still find an event.
 */
#include "event/reader.h"

#include <stdlib.h>

#include "event/internal.h"
#include "event/rewrite.h"

/* In the order of their numbers. */
enum wanted {
	ID,
	SOURCE,
	DETAIL_TYPE,
	ACCOUNT,
	REGION,
	VERSION,
	TIME,
	RESOURCES,
	DETAIL,
	ALARM_NAME,
	STATE,
	STATE_VALUE,
	STATE_AT,
	PREVIOUS,
	PREVIOUS_VALUE,
	SNS_TYPE,
	SNS_TOPIC,
	SNS_MESSAGE,
	WANTED_MAX
};
static const char *const paths[WANTED_MAX] = {
    [ID] = "id",
    [SOURCE] = "source",
    [DETAIL_TYPE] = "detail-type",
    [ACCOUNT] = "account",
    [REGION] = "region",
    [VERSION] = "version",
    [TIME] = "time",
    [RESOURCES] = "resources",
    [DETAIL] = "detail",
    [ALARM_NAME] = "detail.alarmName",
    [STATE] = "detail.state",
    [STATE_VALUE] = "detail.state.value",
    [STATE_AT] = "detail.state.timestamp",
    [PREVIOUS] = "detail.previousState",
    [PREVIOUS_VALUE] = "detail.previousState.value",
    [SNS_TYPE] = "Type",
    [SNS_TOPIC] = "TopicArn",
    [SNS_MESSAGE] = "Message",
};
_Static_assert(WANTED_MAX <= PB_MATCH_STRUCTURES_MAX, "the structure of each is known");

#define RESOURCES_MAX 64 /* more of them are read as a tree */

struct pb_event_reader {
	struct pb_match *match;
	struct pb_matcher *none; /* of no patterns */
	uint32_t *ids;
	size_t n_ids, size_ids; /* n_ids: of the last text that was read */
	uint64_t n_by_bytes;
};

void
pb_event_want(struct pb_matcher_builder *b)
{
	for (uint32_t i = 0; i < WANTED_MAX; i++) {
		uint32_t number = pb_matcher_builder_want(b, pb_str_of(paths[i]));
		pb_check(number == i);
	}
}

struct pb_event_reader *
pb_event_reader_new(void)
{
	struct pb_event_reader *r = pb_calloc(1, sizeof(*r));
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	pb_event_want(b);
	r->none = pb_matcher_builder_finish(b);
	r->match = pb_match_new();
	r->size_ids = 64;
	r->ids = pb_calloc(r->size_ids, sizeof(*r->ids));
	return r;
}

void
pb_event_reader_free(struct pb_event_reader *r)
{
	if (r == NULL)
		return;
	pb_match_free(r->match);
	pb_matcher_free(r->none);
	free(r->ids);
	free(r);
}

uint64_t
pb_event_reader_n_by_bytes(const struct pb_event_reader *r)
{
	return r->n_by_bytes;
}

/* --- one pass */

/* Whatever is found afterwards is where its keys nest. */
static bool
read_text(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_str text)
{
	if (pb_match(m, r->match, text, r->ids, r->size_ids, &r->n_ids) < 0)
		return false;
	if (r->n_ids > r->size_ids) { /* once, as a configuration with more playbooks comes */
		free(r->ids);
		r->size_ids = r->n_ids;
		r->ids = pb_calloc(r->size_ids, sizeof(*r->ids));
		if (pb_match(m, r->match, text, r->ids, r->size_ids, &r->n_ids) < 0)
			return false;
	}
	return !pb_match_found_dotted(r->match);
}

static bool
is_there(const struct pb_event_reader *r, enum wanted w)
{
	return pb_match_found(r->match, w, NULL, 0) > 0 ||
	    pb_match_found_structure(r->match, w) != 0;
}

/* Exactly one text and nothing else? */
static bool
is_text(const struct pb_event_reader *r, enum wanted w, struct pb_str *ret)
{
	struct pb_match_value v;
	if (pb_match_found(r->match, w, &v, 1) != 1 || !v.is_text ||
	    pb_match_found_structure(r->match, w) != 0)
		return false;
	*ret = v.text;
	return true;
}

static bool
is_object(const struct pb_event_reader *r, enum wanted w)
{
	return pb_match_found(r->match, w, NULL, 0) == 0 &&
	    pb_match_found_structure(r->match, w) == PB_MATCH_OBJECT;
}

/* --- the envelope */

static bool
are_resources(
    const struct pb_event_reader *r, struct pb_match_value ret[RESOURCES_MAX], size_t *ret_n)
{
	size_t n = pb_match_found(r->match, RESOURCES, ret, RESOURCES_MAX);
	if (n > RESOURCES_MAX || pb_match_found_structure(r->match, RESOURCES) != PB_MATCH_ARRAY)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!ret[i].is_text)
			return false;
	*ret_n = n;
	return true;
}

static bool
is_state(struct pb_str s, enum pb_alarm_state *ret)
{
	for (unsigned i = 0; i < PB_ALARM_STATE_MAX; i++)
		if (pb_str_is(s, pb_alarm_state_name((enum pb_alarm_state)i))) {
			*ret = (enum pb_alarm_state)i;
			return true;
		}
	return false;
}

static bool
find_previous(struct pb_event_reader *r, enum pb_alarm_state *ret)
{
	struct pb_str s;
	*ret = PB_ALARM_INSUFFICIENT_DATA;
	if (is_there(r, PREVIOUS) && !is_object(r, PREVIOUS))
		return false;
	return !is_there(r, PREVIOUS_VALUE) || (is_text(r, PREVIOUS_VALUE, &s) && is_state(s, ret));
}

static bool
find_transition(struct pb_event_reader *r, struct pb_event *e)
{
	struct pb_str s;
	int64_t at = e->time_at;
	if (is_there(r, STATE_AT) && (!is_text(r, STATE_AT, &s) || pb_time_parse(s, &at, NULL) < 0))
		return false;
	e->transitioned_at = at;
	return at > 0;
}

static bool
take_alarm(
    struct pb_event_reader *r, struct pb_event *e, const struct pb_match_value *resources, size_t n)
{
	struct pb_str name, state;
	PB_CLEANUP(pb_freep) char *arn = NULL;
	/* What is open is filled from the ARN. */
	if (*e->account == '\0' || *e->region == '\0')
		return false;
	for (size_t i = 0; i < n && arn == NULL; i++) {
		arn = pb_strndup(resources[i].text.ptr, resources[i].text.len);
		if (!pb_event_is_alarm_arn(arn))
			free(PB_TAKE(arn));
	}
	if (arn == NULL || !is_text(r, ALARM_NAME, &name) || name.len == 0 ||
	    !is_object(r, STATE) || !is_text(r, STATE_VALUE, &state) ||
	    !is_state(state, &e->alarm_state) || !find_previous(r, &e->alarm_previous_state) ||
	    !find_transition(r, e))
		return false;
	pb_event_keep_alarm(e, pb_str_of(arn), name);
	return true;
}

/* What was read last, if it is EventBridge's and whole; without its text. */
static struct pb_event *
take_envelope(struct pb_event_reader *r)
{
	struct pb_str fields[PB_EVENT_FIELDS], time, version;
	struct pb_match_value resources[RESOURCES_MAX];
	size_t n;
	bool is_sns = is_there(r, SNS_TYPE) && is_there(r, SNS_TOPIC) && is_there(r, SNS_MESSAGE);
	if (is_sns || !is_object(r, DETAIL) || !is_text(r, VERSION, &version) ||
	    !is_text(r, TIME, &time) || !are_resources(r, resources, &n))
		return NULL;
	for (enum wanted i = 0; i < PB_EVENT_FIELDS; i++)
		if (!is_text(r, i, &fields[i]))
			return NULL;
	if (fields[ID].len == 0 || fields[SOURCE].len == 0 || fields[DETAIL_TYPE].len == 0)
		return NULL;
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_new();
	int64_t at;
	e->time_at = pb_time_parse(time, &at, NULL) == 0 && at > 0 ? at : 0;
	pb_event_keep_fields(e, fields);
	bool is_alarm = pb_str_is(fields[SOURCE], "aws.cloudwatch") &&
	    pb_str_is(fields[DETAIL_TYPE], PB_ALARM_DETAIL_TYPE);
	if (is_alarm && !take_alarm(r, e, resources, n))
		return NULL;
	if (!is_alarm)
		e->identity = pb_asprintf("event|%s", e->id);
	return PB_TAKE(e);
}

/* --- the body */

/* The Message of an SNS notification, unescaped; the caller's.  NULL when the body is none. */
static char *
take_message(const struct pb_event_reader *r)
{
	struct pb_str type, topic, message;
	if (!is_text(r, SNS_TYPE, &type) || !pb_str_is(type, "Notification") ||
	    !is_text(r, SNS_TOPIC, &topic) || !is_text(r, SNS_MESSAGE, &message))
		return NULL;
	message = pb_str_trim(message);
	return pb_strndup(message.ptr, message.len);
}

/* The text that was read last is the event's, or one that another form is rewritten to. */
static struct pb_event *
keep(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_event *e, struct pb_buf *text)
{
	if (e == NULL)
		return NULL;
	size_t len = text->len;
	pb_event_keep_text(e, pb_buf_take(text), len);
	pb_event_keep_matches(e, m, r->ids, r->n_ids);
	r->n_by_bytes++;
	return e;
}

/* The message, or the body of an SNS notification that says nothing we know. */
static struct pb_event *
read_rewritten(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_str body,
    const struct pb_str *message)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	enum pb_rewrite done = PB_REWRITE_UNKNOWN;
	if (message == NULL || pb_str_has_prefix(*message, PB_STR("{"))) {
		bool is_sns =
		    is_there(r, SNS_TYPE) && is_there(r, SNS_TOPIC) && is_there(r, SNS_MESSAGE);
		done = is_sns ? PB_REWRITE_ODD
			      : pb_event_rewrite(message == NULL ? body : *message, &text);
	}
	if (done == PB_REWRITE_UNKNOWN && message != NULL)
		done = pb_event_rewrite_notification(body, &text);
	if (done != PB_REWRITE_DONE || !read_text(r, m, pb_buf_str(&text)))
		return NULL;
	return keep(r, m, take_envelope(r), &text);
}

static struct pb_event *
read_by_bytes(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_str body)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	if (!read_text(r, m, body))
		return NULL;
	PB_CLEANUP(pb_freep) char *message = take_message(r);
	struct pb_str inner = message == NULL ? body : pb_str_of(message);
	if (message != NULL && !pb_str_has_prefix(inner, PB_STR("{")))
		return read_rewritten(r, m, body, &inner);
	if (message != NULL && !read_text(r, m, inner))
		return NULL;
	struct pb_event *e = take_envelope(r);
	if (e == NULL)
		return read_rewritten(r, m, body, message == NULL ? NULL : &inner);
	(void)pb_buf_add(&text, inner.ptr, inner.len);
	return keep(r, m, e, &text);
}

enum pb_body_verdict
pb_event_read_body(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_str body,
    const char *account, const char *region, struct pb_event **ret, char reason[128],
    struct pb_error *err)
{
	struct pb_event *e = NULL;
	reason[0] = '\0';
	if (body.len <= PB_EVENT_BODY_MAX)
		e = read_by_bytes(r, m != NULL ? m : r->none, body);
	if (e == NULL)
		return pb_event_from_body(body, account, region, ret, reason, err);
	*ret = e;
	return PB_BODY_EVENT;
}
