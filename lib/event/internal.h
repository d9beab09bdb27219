/*
 * What the files of lib/event share: building an EventBridge envelope from AWS's other shapes.
 */
#ifndef PB_EVENT_INTERNAL_H
#define PB_EVENT_INTERNAL_H

#include "base/json.h"
#include "event/event.h"

#define PB_ALARM_DETAIL_TYPE "CloudWatch Alarm State Change"

/* --- making an event: event.c */

struct pb_event *pb_event_new(void);
/* The bytes are the event's from here on; taken over. */
void pb_event_keep_text(struct pb_event *e, char *text, size_t len);
/* Copies; in the order id, source, detail_type, account, region. */
#define PB_EVENT_FIELDS 5
void pb_event_keep_fields(struct pb_event *e, const struct pb_str fields[PB_EVENT_FIELDS]);
/* It is an alarm's: arn and name are copied; state, previous state and transitioned_at are set. */
void pb_event_keep_alarm(struct pb_event *e, struct pb_str arn, struct pb_str name);
/* pb_event.identity of an alarm; the caller's to free. */
char *pb_event_alarm_identity(const char *arn, enum pb_alarm_state state, int64_t at);
bool pb_event_is_alarm_arn(const char *arn);
void pb_event_keep_matches(
    struct pb_event *e, const struct pb_matcher *m, const uint32_t *ids, size_t n);

/* pb_event_from_envelope of what was read from `raw`, which is borrowed; raw.ptr may be NULL. */
int pb_event_from_envelope_text(
    json_t *envelope, struct pb_str raw, struct pb_event **ret, struct pb_error *err);

/* The parts of an ARN (arn:partition:service:region:account:resource), borrowed. */
struct pb_arn_parts {
	struct pb_str service, region, account, resource;
};
bool pb_arn_split(const char *arn, struct pb_arn_parts *ret);

/* A UUID's form made of `identity`: the same text gives the same id, everywhere and always. */
void pb_event_id_of(struct pb_str identity, char out[37]);

/* One transition of an alarm, whoever tells of it.  Texts are borrowed and may be NULL. */
struct pb_transition {
	const char *name, *arn, *reason, *reason_data;
	enum pb_alarm_state state, previous;
	int64_t at;
	json_t *configuration; /* owned by the caller; may be NULL */
	const char *evaluation_state, *suppressed_by, *suppressed_reason;
};
int pb_event_from_transition(
    const struct pb_transition *tr, struct pb_event **ret, struct pb_error *err);

/*
 * "configuration" in EventBridge's spelling from the members of DescribeAlarms or of the SNS
 * message's Trigger (their spelling differs in Dimensions and Statistic only); `rule` and
 * `description` may be NULL.  The caller's to free.
 */
json_t *
pb_event_alarm_configuration(const json_t *trigger, const char *rule, const char *description);

/* A time as EventBridge writes that of an alarm's state. */
#define PB_EVENT_ALARM_TIME (PB_TIME_TEXT + 16)
void pb_event_alarm_time(char out[PB_EVENT_ALARM_TIME], int64_t at);
/* A statistic in the API's spelling; false when it is in that already. */
#define PB_EVENT_STAT 64
bool pb_event_alarm_stat(const char *stat, char out[PB_EVENT_STAT]);

/* The raw "CloudWatch alarm by SNS" message. */
int pb_event_from_alarm_message(const json_t *message, struct pb_event **ret, struct pb_error *err);

#endif
