/*
 * Can a pattern ever match the event of an alarm?
 */
#ifndef PB_EVENT_ALARM_ENVELOPE_H
#define PB_EVENT_ALARM_ENVELOPE_H

#include "pattern/envelope.h"

/*
 * The events are those of EventBridge's "CloudWatch Alarm State Change", as queues deliver them and the
 * poller makes them.  *ret_text, the caller's to free: for a yes the JSON text of such an event, for a
 * no the reason; NULL when undecided.
 */
enum pb_answer pb_event_alarm_fits(const struct pb_pattern *p, char **ret_text);

#endif
