/*
 * What the tests of events share.
 */
#ifndef PB_TESTS_EVENT_SUPPORT_H
#define PB_TESTS_EVENT_SUPPORT_H

#include "base/json.h"
#include "event/reader.h"

#define PB_TEST_ALARM_ARN "arn:aws:cloudwatch:us-east-1:111122223333:alarm:api-p99-high"
#define PB_TEST_ALARM_IDENTITY "alarm|" PB_TEST_ALARM_ARN "|ALARM|1772529245118"

char *pb_event_test_path(const char *file); /* in the folder of sample events */
char *pb_event_test_read(const char *path); /* NULL where it is not */
json_t *pb_event_test_json(const char *text);
/* A body that must be an event. */
struct pb_event *pb_event_test_body(const char *text);
/* Reading a body by bytes and as a tree must come to the same in every respect. */
void pb_event_test_both(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_str body);

#endif
