/*
 * Events from the bytes of messages.
 *
 * A message is read once, by a matcher, which validates it, finds what everybody asks for and says which
 * patterns match, all in one pass.  That holds for EventBridge's own events, alone or as the Message of an
 * SNS notification, whose envelope is one pass more; other forms (a CloudWatch alarm's message, a Lambda
 * alarm action, a notification of AWS Config, another notification by SNS) are rewritten to EventBridge's
 * (rewrite.h), which is read again.  Whatever is otherwise (a member is missing or of another type, not
 * JSON) goes the way of pb_event_from_body, which reads a tree and says what is wrong; both give the same
 * event.
 */
#ifndef PB_EVENT_READER_H
#define PB_EVENT_READER_H

#include "event/event.h"

/*
 * A matcher for pb_event_read_body wants these paths: call it before any pattern is added and before
 * anything else is wanted.
 */
void pb_event_want(struct pb_matcher_builder *b);

struct pb_event_reader;
struct pb_event_reader *pb_event_reader_new(void);
void pb_event_reader_free(struct pb_event_reader *r); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_event_reader, pb_event_reader_free)

/*
 * As pb_event_from_body.  `m` is a matcher with pb_event_want, borrowed for the call; what it finds the
 * event keeps (pb_event_matches).  NULL: of no patterns.
 */
enum pb_body_verdict pb_event_read_body(struct pb_event_reader *r, const struct pb_matcher *m,
    struct pb_str body, const char *account, const char *region, struct pb_event **ret,
    char reason[128], struct pb_error *err);
/* Events that were made without a tree, ever. */
uint64_t pb_event_reader_n_by_bytes(const struct pb_event_reader *r);

#endif
