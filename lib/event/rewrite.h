/*
 * EventBridge's text of what came in another form, made of the spans of that: no tree, and no number loses
 * its digits.  Only of messages that are in order in every respect; of others the tree's way tells what is
 * wrong with them, or makes an event all the same.  Both ways give the same event: the forms, and what
 * becomes of their members, are described where the trees are made, in body.c and alarm.c.
 */
#ifndef PB_EVENT_REWRITE_H
#define PB_EVENT_REWRITE_H

#include "base/text.h"

enum pb_rewrite {
	PB_REWRITE_DONE,
	PB_REWRITE_ODD, /* something is not as it should be */
	PB_REWRITE_UNKNOWN, /* none of these forms */
};

/*
 * A CloudWatch alarm's message, a Lambda alarm action, or a notification of AWS Config: one valid JSON
 * object that is no SNS envelope.  `ret` is set when done.
 */
enum pb_rewrite pb_event_rewrite(struct pb_str message, struct pb_buf *ret);
/* An SNS notification whose Message is nothing we know; its envelope is one valid JSON object. */
enum pb_rewrite pb_event_rewrite_notification(struct pb_str envelope, struct pb_buf *ret);

#endif
