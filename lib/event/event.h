/*
 * The normalised event: whatever a source delivers, put into EventBridge's envelope.
 *
 * A polled alarm transition, an EventBridge event from a queue, an alarm notification by SNS (in
 * its envelope or raw) and an AWS Config notification by SNS all become the same shape, so that one
 * pattern matches them all and the same transition seen twice is one event.
 *
 * An event is its bytes.  Patterns are matched on them, and what everybody asks for is taken out of them
 * once.  Templates and explanations want a tree: that is made when one asks for the first time, which
 * for most events nobody does.
 */
#ifndef PB_EVENT_EVENT_H
#define PB_EVENT_EVENT_H

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "pattern/pattern.h"

#define PB_EVENT_BODY_MAX (1024 * 1024) /* an SQS message is at most 1 MiB */

enum pb_event_kind {
	PB_EVENT_OTHER = 0,
	PB_EVENT_ALARM, /* "CloudWatch Alarm State Change" */
};

enum pb_alarm_state {
	PB_ALARM_INSUFFICIENT_DATA = 0,
	PB_ALARM_OK,
	PB_ALARM_ALARM,
	PB_ALARM_STATE_MAX,
};
const char *pb_alarm_state_name(enum pb_alarm_state state); /* CloudWatch's spelling */
int pb_alarm_state_parse(const char *s, enum pb_alarm_state *ret);

struct pb_event {
	unsigned refs;
	enum pb_event_kind kind;
	/*
	 * What makes it one event, however often and by whichever way it comes:
	 * "alarm|ARN|STATE|MILLISECONDS" of the transition, else "event|ID".
	 */
	char *identity;
	/*
	 * JSON text of an EventBridge envelope: version id detail-type source account time region
	 * resources detail.  As it came if nothing had to be added.
	 */
	struct pb_str text;

	/* The envelope's; never NULL, "" when absent. */
	const char *id, *source, *detail_type, *account, *region;
	int64_t time_at; /* envelope's time; the transition for alarms; 0 when absent */

	/* Alarms only; NULL or 0 for others. */
	char *alarm_arn;
	char *alarm_name;
	enum pb_alarm_state alarm_state;
	enum pb_alarm_state alarm_previous_state;
	int64_t transitioned_at;

	/* The module's own.  Made when asked for; an event belongs to one thread. */
	char *fields; /* what id and its like point into */
	json_t *tree, *alarm;
	uint64_t matched_by; /* serial of a matcher; 0 = none */
	uint32_t *matched;
	size_t n_matched;
};

struct pb_event *pb_event_ref(struct pb_event *e);
void pb_event_unref(struct pb_event *e); /* takes NULL */
static inline void
pb_event_unrefp(struct pb_event **e)
{
	pb_event_unref(*e);
}

/* The envelope as a tree: "event" of the context.  Borrowed; not to be changed. */
json_t *pb_event_json(const struct pb_event *e);
/*
 * "alarm" of the context: name arn region account state previous_state reason metric tags description;
 * NULL when the event is no alarm's.  Borrowed; not to be changed.
 */
json_t *pb_event_alarm(const struct pb_event *e);
/*
 * The patterns of `m` that match, ascending; `m` may be NULL, which has none.  What was found last is
 * kept, also by the reader that made the event, so that asking again is free.  *ret is good until
 * another matcher is asked about.
 */
size_t pb_event_matches(
    const struct pb_event *e, const struct pb_matcher *m, struct pb_match *s, const uint32_t **ret);

/*
 * An event from a finished EventBridge envelope (inject, tests, the store).  Errors: PB_SYNTAX,
 * PB_INVALID name the member that is missing or of the wrong type, with what is expected.
 */
int pb_event_from_envelope(json_t *envelope, struct pb_event **ret, struct pb_error *err);

/*
 * What an SQS message body is, by the table of formats (EventBridge, SNS envelope and what is in
 * it, raw CloudWatch alarm, Lambda alarm action, AWS Config by SNS).
 */
enum pb_body_verdict {
	PB_BODY_EVENT, /* *ret is set */
	PB_BODY_IGNORE, /* understood and not an event (SubscriptionConfirmation: never followed;
			   alarm configuration changes are events); reason says why */
	PB_BODY_BAD, /* not understood: err says what and where */
};
/* `account` and `region` fill what the body leaves open; either may be "". `reason` is of 128
 * bytes. */
enum pb_body_verdict pb_event_from_body(struct pb_str body, const char *account, const char *region,
    struct pb_event **ret, char reason[128], struct pb_error *err);

/*
 * An alarm event from a member of DescribeAlarms' MetricAlarms or CompositeAlarms.  `previous` is
 * the state known before.  The transition's time is StateTransitionedTimestamp, else
 * StateUpdatedTimestamp.
 */
int pb_event_from_alarm(
    const json_t *alarm, enum pb_alarm_state previous, struct pb_event **ret, struct pb_error *err);

/*
 * An alarm event from an AlarmHistoryItems member of type StateUpdate (HistoryData is JSON text).
 * `alarm_arn` is the alarm's; `alarm` (a DescribeAlarms member, may be NULL) adds configuration.
 */
int pb_event_from_history(const json_t *item, const char *alarm_arn, const json_t *alarm,
    struct pb_event **ret, struct pb_error *err);

#endif
