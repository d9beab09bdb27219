/*
 * The table of services and operations, and the check of inputs.
 */
#include "aws/service.h"

#include "aws/shape.h"
#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

static size_t
walk(struct pb_str shape)
{
	struct pb_shape_member m;
	size_t n = 0;
	while (pb_shape_next(&shape, &m)) {
		ck_assert_uint_gt(m.name.len, 0);
		n += 1 + walk(m.members);
	}
	return n;
}

START_TEST(every_row_can_be_read)
{
	size_t n_services = 0, n_ops = 0;
	for (const struct pb_aws_service *v; (v = pb_aws_service_at(n_services)); n_services++) {
		bool is_query = v->protocol == PB_AWS_QUERY || v->protocol == PB_AWS_EC2_QUERY;
		bool is_json = v->protocol == PB_AWS_JSON_1_0 || v->protocol == PB_AWS_JSON_1_1;
		ck_assert_int_eq(is_query, v->version != NULL);
		ck_assert_int_eq(is_json, v->target != NULL);
		ck_assert_ptr_eq(pb_aws_service_find(v->name), v);
	}
	for (const struct pb_aws_op *op; (op = pb_aws_op_at(n_ops)); n_ops++) {
		walk(pb_str_of(op->in));
		walk(pb_str_of(op->out));
		ck_assert_ptr_eq(pb_aws_op_find(op->service, op->name), op);
		ck_assert_ptr_nonnull(pb_aws_op_service(op));
		ck_assert_int_eq(op->effect == PB_AWS_TOKEN, op->token != NULL);
		struct pb_shape_member m;
		if (op->token)
			ck_assert(pb_shape_find(pb_str_of(op->in), pb_str_of(op->token), &m));
	}
	ck_assert_uint_eq(n_services, 18);
	ck_assert_uint_ge(n_ops, 50);
	ck_assert_ptr_null(pb_aws_op_find("sqs", "Publish"));
}
END_TEST

START_TEST(a_shape_is_read_member_by_member)
{
	struct pb_str shape = PB_STR("  A* B[]:int C{}{D* E[]{F}}  G{}:num H[]*{I}");
	struct pb_shape_member m;
	ck_assert(pb_shape_next(&shape, &m) && pb_str_is(m.name, "A") && m.is_required);
	ck_assert(pb_shape_next(&shape, &m) && m.is_list && m.type == PB_SHAPE_INT);
	ck_assert(pb_shape_next(&shape, &m) && m.is_map && m.type == PB_SHAPE_STRUCT);
	ck_assert(pb_str_is(m.members, "D* E[]{F}"));
	ck_assert(pb_shape_next(&shape, &m) && m.is_map && m.type == PB_SHAPE_NUM);
	ck_assert(pb_shape_next(&shape, &m) && m.is_list && m.is_required);
	ck_assert(pb_str_is(m.members, "I"));
	ck_assert(!pb_shape_next(&shape, &m));
}
END_TEST

static const struct {
	const char *action;
	enum pb_error_kind kind; /* PB_OK = found */
	const char *part;
} actions[] = {
    {"aws:sqs.SendMessage", PB_OK, NULL},
    {"sns.Publish", PB_OK, NULL},
    {"aws:sns.Publsh", PB_UNSUPPORTED, "did you mean \"Publish\""},
    {"aws:snss.Publish", PB_NOT_FOUND, "did you mean \"sns\""},
    {"aws:teapot.Brew", PB_NOT_FOUND, "no AWS service \"teapot\""},
    {"aws:ssm.StartAutomationExecution", PB_OK, NULL},
    {"aws:lambda.Invoke", PB_UNSUPPORTED, "Lambda has no action \"Invoke\" for playbooks"},
    {"aws:sqs.ReceiveMessage", PB_UNSUPPORTED, "SQS has no action \"ReceiveMessage\""},
    {"aws:sqs.", PB_UNSUPPORTED, "SQS has no action \"\""},
    {"aws:sqs", PB_SYNTAX, "aws:service.Operation"},
    {"", PB_SYNTAX, "aws:service.Operation"},
    {"aws:\x1b[2J.X", PB_NOT_FOUND, "\\x1b"},
};

START_TEST(an_action_is_found_or_explained)
{
	const struct pb_aws_op *op = NULL;
	struct pb_error err = {0};
	int rc = pb_aws_action_find(pb_str_of(actions[_i].action), &op, &err);
	ck_assert_int_eq(rc, actions[_i].kind == PB_OK ? 0 : -1);
	ck_assert_int_eq(err.kind, actions[_i].kind);
	ck_assert_int_eq(rc == 0, op != NULL);
	if (actions[_i].part)
		ck_assert_msg(strstr(err.text, actions[_i].part) != NULL, "%s", err.text);
}
END_TEST

static const struct {
	const char *service, *op, *inputs;
	bool is_template;
	const char *path; /* NULL = right */
	const char *part;
} inputs[] = {
    {"sns", "Publish", "{'TopicArn':'a','Message':'m'}", false, NULL, NULL},
    {"sns", "Publish", "{'TopicArn':'a'}", false, "Message", "is required"},
    {"sns", "Publish", "{'Message':null}", false, "Message", "is required"},
    {"sns", "Publish", "{'Mesage':'m'}", false, "Mesage", "did you mean \"Message\""},
    {"sns", "Publish", "{'Message':5}", false, "Message", "must be text"},
    {"sns", "Publish", "{'Message':'m','Subject':null}", false, NULL, NULL},
    {"sns", "Publish", "{'Message':'m','MessageAttributes':{'a':{'StringValue':'b'}}}", false,
	"MessageAttributes.a.DataType", "is required"},
    {"sns", "Publish", "{'Message':'m','MessageAttributes':[]}", false, "MessageAttributes",
	"must be a map"},
    {"sns", "Publish",
	"{'Message':'m','MessageAttributes':{'a':{'DataType':'Binary','BinaryValue':'%'}}}", false,
	"MessageAttributes.a.BinaryValue", "base64"},
    {"sqs", "SendMessage", "{'QueueUrl':'q','MessageBody':'b','DelaySeconds':'x'}", false,
	"DelaySeconds", "whole number"},
    {"sqs", "SendMessage", "{'QueueUrl':'q','MessageBody':'b','DelaySeconds':'5'}", false, NULL,
	NULL},
    {"sqs", "SendMessage", "{'QueueUrl':'q','MessageBody':'b','DelaySeconds':'{$.x}'}", true, NULL,
	NULL},
    {"sqs", "SendMessage", "{'QueueUrl':'q','MessageBody':'b','MessageAttributes':'{$.x}'}", true,
	NULL, NULL},
    {"sqs", "DeleteMessageBatch", "{'QueueUrl':'q','Entries':[{'Id':'1'}]}", false,
	"Entries[0].ReceiptHandle", "is required"},
    {"sqs", "DeleteMessageBatch", "{'QueueUrl':'q','Entries':{}}", false, "Entries",
	"must be a list"},
    {"cloudwatch", "DescribeAlarmHistory", "{'StartDate':'2026-01-01T00:00:00Z'}", false, NULL,
	NULL},
    {"cloudwatch", "DescribeAlarmHistory", "{'StartDate':'yesterday'}", false, "StartDate", "time"},
    {"cloudwatch", "PutMetricAlarm",
	"{'AlarmName':'a','ComparisonOperator':'x','Threshold':'high'}", false, "Threshold",
	"number"},
    {"cloudwatch", "PutMetricAlarm",
	"{'AlarmName':'a','ComparisonOperator':'x','ActionsEnabled':1}", false, "ActionsEnabled",
	"true or false"},
    {"sts", "GetCallerIdentity", "{}", false, NULL, NULL},
    {"sts", "GetCallerIdentity", "[]", false, "inputs", "must be a map"},
    {"sts", "GetCallerIdentity", "{'x':1}", false, "x", "no input"},
};

START_TEST(inputs_are_checked_against_the_shape)
{
	const struct pb_aws_op *op = pb_aws_op_find(inputs[_i].service, inputs[_i].op);
	PB_JSON json_t *in = js(inputs[_i].inputs);
	struct pb_error err = {0};
	int rc = pb_aws_op_check(op, in, inputs[_i].is_template, &err);
	ck_assert_msg(rc == (inputs[_i].path ? -1 : 0), "%s: %s", inputs[_i].inputs, err.text);
	if (!inputs[_i].path)
		return;
	ck_assert_int_eq(err.kind, PB_INVALID);
	ck_assert_str_eq(err.path, inputs[_i].path);
	ck_assert_msg(strstr(err.text, inputs[_i].part) != NULL, "%s", err.text);
}
END_TEST

START_TEST(no_inputs_are_no_object_missing)
{
	struct pb_error err = {0};
	ck_assert_int_eq(
	    pb_aws_op_check(pb_aws_op_find("sts", "GetCallerIdentity"), NULL, false, &err), 0);
	ck_assert_int_eq(pb_aws_op_check(pb_aws_op_find("sns", "Publish"), NULL, false, &err), -1);
}
END_TEST

START_TEST(a_token_makes_an_operation_repeatable)
{
	const struct pb_aws_op *op = pb_aws_op_find("sns", "Publish");
	PB_JSON json_t *plain = js("{'Message':'m','MessageDeduplicationId':''}");
	PB_JSON json_t *token = js("{'Message':'m','MessageDeduplicationId':'d'}");
	ck_assert_int_eq(pb_aws_op_effect(op, NULL), PB_AWS_ONCE);
	ck_assert_int_eq(pb_aws_op_effect(op, plain), PB_AWS_ONCE);
	ck_assert_int_eq(pb_aws_op_effect(op, token), PB_AWS_TOKEN);
	ck_assert_int_eq(
	    pb_aws_op_effect(pb_aws_op_find("sqs", "DeleteMessage"), NULL), PB_AWS_IDEMPOTENT);
	ck_assert_str_eq(pb_aws_effect_name(PB_AWS_ONCE), "once");
}
END_TEST

static const struct {
	const char *op, *inputs;
	int64_t timeout_for;
} timeouts[] = {
    {"SendMessage", "{'WaitTimeSeconds':20}", 30000},
    {"ReceiveMessage", "{'WaitTimeSeconds':20}", 30000},
    {"ReceiveMessage", "{'WaitTimeSeconds':1}", 30000},
    {"ReceiveMessage", "{}", 30000},
    {"ReceiveMessage", "{'WaitTimeSeconds':1000000}", 30000},
};

START_TEST(a_long_poll_outlasts_its_wait)
{
	PB_JSON json_t *in = js(timeouts[_i].inputs);
	ck_assert_int_eq(pb_aws_op_timeout_for(pb_aws_op_find("sqs", timeouts[_i].op), in),
	    timeouts[_i].timeout_for);
}
END_TEST

PB_SUITE(service)
{
	pb_add(s, every_row_can_be_read);
	pb_add(s, a_shape_is_read_member_by_member);
	pb_add_loop(s, an_action_is_found_or_explained, 0, PB_ARRAY_LEN(actions));
	pb_add_loop(s, inputs_are_checked_against_the_shape, 0, PB_ARRAY_LEN(inputs));
	pb_add(s, no_inputs_are_no_object_missing);
	pb_add(s, a_token_makes_an_operation_repeatable);
	pb_add_loop(s, a_long_poll_outlasts_its_wait, 0, PB_ARRAY_LEN(timeouts));
}
