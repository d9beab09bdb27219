/*
 * What the tests of the configuration share: loading texts and files, and a small AWS.
 */
#ifndef PB_TESTS_PLAYBOOK_SUPPORT_H
#define PB_TESTS_PLAYBOOK_SUPPORT_H

#include "base/json.h"
#include "playbook/config.h"

/* The shortest beginnings of good sets. */
#define PB_TEST_PEOPLE                                                                             \
	"version: 1\n"                                                                             \
	"contacts: [{name: ana}, {name: bo}]\n"                                                    \
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
#define PB_TEST_HEAD                                                                               \
	PB_TEST_PEOPLE                                                                             \
	"daemon: {exec: {driver: child}}\n"                                                        \
	"unmatched: {alarms: drop, events: drop}\n"                                                \
	"escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n"

struct pb_config_file pb_test_file(const char *name, const char *text); /* borrows both */
/* A set of one text, which must be good. */
struct pb_config *pb_test_load(const char *text);
struct pb_config *pb_test_load_file(const char *path);
char *pb_test_read(const char *path, size_t *ret_len); /* the file must be there */
char *pb_test_try_read(const char *path, size_t *ret_len); /* NULL where it is not */
/* Knows sqs.SendMessage (idempotent here), sns.Publish, ec2.TerminateInstances and DescribeInstances,
 * autoscaling.EnterStandby with its check, ssm.StartAutomationExecution with token and wait. */
int pb_test_aws(const char *service, const char *operation, const json_t *inputs,
    json_t **ret_facts, struct pb_error *err);

/* TZif bytes without changes and with a POSIX rule; adds to ret. */
void pb_test_tzif(struct pb_buf *ret, const char *rule);
/* A pb_zone_reader that knows Europe/London, America/New_York and Australia/Lord_Howe. */
int pb_test_zone(const char *name, struct pb_buf *ret, struct pb_error *err);

/* A text that is refused, and all that is told, without the file's name in front. */
struct pb_test_bad {
	const char *name, *text;
	const char *told[10];
};
void pb_test_expect(const struct pb_test_bad *row);

#endif
