/*
 * What the tests of the configuration share.
 */
#include "tests/unit/playbook/support.h"

#include <stdio.h>
#include <stdlib.h>

#include <check.h>

struct pb_config_file
pb_test_file(const char *name, const char *text)
{
	return (struct pb_config_file){
	    (char *)(uintptr_t)name, (char *)(uintptr_t)text, strlen(text)};
}

static struct pb_config *
load(struct pb_config_file f)
{
	struct pb_config *c = NULL;
	struct pb_problems problems;
	int rc = pb_config_parse(&f, 1, pb_test_aws, &c, &problems);
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(problems.n, 0);
	pb_problems_fini(&problems);
	return c;
}

struct pb_config *
pb_test_load(const char *text)
{
	return load(pb_test_file("test.yaml", text));
}

char *
pb_test_try_read(const char *path, size_t *ret_len)
{
	char chunk[4096];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
		(void)pb_buf_add(&b, chunk, n);
	(void)fclose(f);
	*ret_len = b.len;
	return pb_buf_take(&b);
}

char *
pb_test_read(const char *path, size_t *ret_len)
{
	char *text = pb_test_try_read(path, ret_len);
	ck_assert_msg(text != NULL, "%s is not there; run from the top of the tree", path);
	return text;
}

struct pb_config *
pb_test_load_file(const char *path)
{
	size_t len;
	char *text = pb_test_read(path, &len);
	struct pb_config *c = load((struct pb_config_file){(char *)(uintptr_t)path, text, len});
	free(text);
	return c;
}

int
pb_test_aws(const char *service, const char *operation, const json_t *inputs, json_t **ret_facts,
    struct pb_error *err)
{
	static const struct {
		const char *service, *operation, *needs, *facts;
	} rows[] = {
	    {"sqs", "SendMessage", "QueueUrl", "{\"effect\":\"idempotent\"}"},
	    {"sns", "Publish", "Message", "{\"effect\":\"once\"}"},
	    {"ec2", "TerminateInstances", "InstanceIds", "{\"effect\":\"check_first\"}"},
	    {"ec2", "DescribeInstances", NULL, "{\"effect\":\"read\"}"},
	    {"autoscaling", "EnterStandby", "InstanceIds",
		"{\"effect\":\"check_first\",\"check\":{\"operation\":"
		"\"DescribeAutoScalingInstances\","
		"\"inputs\":{\"InstanceIds\":\"${inputs.InstanceIds}\"},"
		"\"done\":{\"AutoScalingInstances\":{\"LifecycleState\":[\"Standby\"]}}}}"},
	    {"ssm", "StartAutomationExecution", "DocumentName",
		"{\"effect\":\"token\",\"token\":\"ClientToken\",\"wait\":{"
		"\"operation\":\"GetAutomationExecution\",\"inputs\":{\"AutomationExecutionId\":"
		"\"${output.AutomationExecutionId}\"},\"state\":\"AutomationExecution.Status\","
		"\"succeeded\":[\"Success\"],\"failed\":[\"Failed\",\"TimedOut\"]}}"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		if (!pb_streq(rows[i].service, service) || !pb_streq(rows[i].operation, operation))
			continue;
		if (rows[i].needs != NULL && pb_json_get(inputs, rows[i].needs) == NULL)
			return pb_fail(err, PB_INVALID, "%s.%s needs the input %s", service,
			    operation, rows[i].needs);
		ck_assert_int_eq(pb_json_parse(pb_str_of(rows[i].facts), ret_facts, NULL), 0);
		return 0;
	}
	return pb_fail(err, PB_NOT_FOUND, "there is no operation %s.%s", service, operation);
}

void
pb_test_expect(const struct pb_test_bad *row)
{
	struct pb_config_file f = pb_test_file("t.yaml", row->text);
	struct pb_config *c = NULL;
	struct pb_problems problems;
	size_t n = 0;
	ck_assert_msg(
	    pb_config_parse(&f, 1, pb_test_aws, &c, &problems) < 0, "%s: accepted", row->name);
	ck_assert_ptr_null(c);
	while (n < PB_ARRAY_LEN(row->told) && row->told[n] != NULL)
		n++;
	for (size_t i = 0; i < problems.n; i++) {
		char *wanted = pb_asprintf("t.yaml:%s", i < n ? row->told[i] : "nothing more");
		ck_assert_msg(pb_streq(problems.texts[i], wanted), "%s: told \"%s\", wanted \"%s\"",
		    row->name, problems.texts[i], wanted);
		free(wanted);
	}
	ck_assert_msg(problems.n == n, "%s: %zu problems, wanted %zu", row->name, problems.n, n);
	pb_problems_fini(&problems);
}

void
pb_test_tzif(struct pb_buf *ret, const char *rule)
{
	static const char head[20] = {'T', 'Z', 'i', 'f', '2'};
	static const char counts[24] = {[19] = 1, [23] = 4};
	static const char type[10] = {[6] = 'L', [7] = 'M', [8] = 'T'};
	for (int i = 0; i < 2; i++) {
		(void)pb_buf_add(ret, head, sizeof(head));
		(void)pb_buf_add(ret, counts, sizeof(counts));
		(void)pb_buf_add(ret, type, sizeof(type));
	}
	(void)pb_buf_addf(ret, "\n%s\n", rule);
}

int
pb_test_zone(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	static const char *const known[][2] = {
	    {"Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"},
	    {"America/New_York", "EST5EDT,M3.2.0,M11.1.0"},
	    {"Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(known); i++) {
		if (strcmp(known[i][0], name) != 0)
			continue;
		pb_test_tzif(ret, known[i][1]);
		return 0;
	}
	return pb_fail(err, PB_NOT_FOUND, "there is no such zone");
}
