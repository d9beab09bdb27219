/*
 * The operations of playbooks: bytes on the wire, answers, effects, and the reads beside them.
 */
#include <stdlib.h>

#include "aws/ops.h"
#include "aws/shape.h"
#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

#define FORM "application/x-www-form-urlencoded; charset=utf-8"
#define JSON11 "application/x-amz-json-1.1"

static const struct {
	const char *service, *op, *inputs;
	const char *host, *content_type, *target, *body;
} bodies[] = {
    {"ec2", "RebootInstances", "{'InstanceIds':['i-1','i-2']}", "ec2.eu-west-1.amazonaws.com", FORM,
	NULL, "Action=RebootInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2"},
    {"ec2", "DescribeInstances",
	"{'InstanceIds':[],'Filters':[{'Name':'tag:x','Values':['a','b']}],'MaxResults':5}",
	"ec2.eu-west-1.amazonaws.com", FORM, NULL,
	"Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3Ax&Filter.1.Value.1=a"
	"&Filter.1.Value.2=b&MaxResults=5"},
    {"autoscaling", "EnterStandby",
	"{'AutoScalingGroupName':'g','InstanceIds':['i-1'],'ShouldDecrementDesiredCapacity':true}",
	"autoscaling.eu-west-1.amazonaws.com", FORM, NULL,
	"Action=EnterStandby&Version=2011-01-01&AutoScalingGroupName=g&InstanceIds.member.1=i-1"
	"&ShouldDecrementDesiredCapacity=true"},
    {"autoscaling", "StartInstanceRefresh",
	"{'AutoScalingGroupName':'g','Preferences':{'MinHealthyPercentage':90,'AutoRollback':true,"
	"'AlarmSpecification':{'Alarms':['a']}}}",
	"autoscaling.eu-west-1.amazonaws.com", FORM, NULL,
	"Action=StartInstanceRefresh&Version=2011-01-01&AutoScalingGroupName=g"
	"&Preferences.MinHealthyPercentage=90&Preferences.AutoRollback=true"
	"&Preferences.AlarmSpecification.Alarms.member.1=a"},
    {"cloudformation", "ContinueUpdateRollback",
	"{'StackName':'s','ResourcesToSkip':['a'],'ClientRequestToken':'t'}",
	"cloudformation.eu-west-1.amazonaws.com", FORM, NULL,
	"Action=ContinueUpdateRollback&Version=2010-05-15&StackName=s&ResourcesToSkip.member.1=a"
	"&ClientRequestToken=t"},
    {"ssm", "StartAutomationExecution",
	"{'DocumentName':'AWS-RestartEC2Instance','Parameters':{'InstanceId':['i-1']},"
	"'ClientToken':'t'}",
	"ssm.eu-west-1.amazonaws.com", JSON11, "AmazonSSM.StartAutomationExecution",
	"{'DocumentName':'AWS-RestartEC2Instance','Parameters':{'InstanceId':['i-1']},"
	"'ClientToken':'t'}"},
    {"codedeploy", "ListDeployments",
	"{'applicationName':'a','includeOnlyStatuses':['InProgress'],"
	"'createTimeRange':{'start':'2026-01-01T00:00:00Z'}}",
	"codedeploy.eu-west-1.amazonaws.com", JSON11, "CodeDeploy_20141006.ListDeployments",
	"{'applicationName':'a','includeOnlyStatuses':['InProgress'],"
	"'createTimeRange':{'start':1767225600}}"},
    {"codepipeline", "RollbackStage",
	"{'pipelineName':'p','stageName':'s','targetPipelineExecutionId':'e'}",
	"codepipeline.eu-west-1.amazonaws.com", JSON11, "CodePipeline_20150709.RollbackStage",
	"{'pipelineName':'p','stageName':'s','targetPipelineExecutionId':'e'}"},
    {"config", "StartRemediationExecution",
	"{'ConfigRuleName':'r','ResourceKeys':[{'resourceType':'AWS::S3::Bucket','resourceId':'b'}]"
	"}",
	"config.eu-west-1.amazonaws.com", JSON11, "StarlingDoveService.StartRemediationExecution",
	"{'ConfigRuleName':'r','ResourceKeys':[{'resourceType':'AWS::S3::Bucket','resourceId':'b'}]"
	"}"},
    {"cloudtrail", "LookupEvents",
	"{'LookupAttributes':[{'AttributeKey':'ResourceName','AttributeValue':'x'}],"
	"'StartTime':'2026-01-01T00:00:00Z','MaxResults':10}",
	"cloudtrail.eu-west-1.amazonaws.com", JSON11,
	"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
	"{'LookupAttributes':[{'AttributeKey':'ResourceName','AttributeValue':'x'}],"
	"'StartTime':1767225600,'MaxResults':10}"},
};

START_TEST(operations_are_encoded_as_their_services_want)
{
	struct pb_aws_endpoint e;
	struct pb_aws_endpoint_options o = {.region = "eu-west-1"};
	struct pb_error err = {0};
	const struct pb_aws_op *op = pb_aws_op_find(bodies[_i].service, bodies[_i].op);
	ck_assert_int_eq(
	    pb_aws_endpoint_resolve(pb_aws_service_find(bodies[_i].service), &o, &e, NULL), 0);
	ck_assert_str_eq(e.host, bodies[_i].host);
	PB_JSON json_t *in = js(bodies[_i].inputs);
	struct pb_aws_call call = {.op = op, .inputs = in, .endpoint = &e};
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = NULL;
	ck_assert_msg(pb_aws_call_build(&call, &r, &err) == 0, "%s", err.text);
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "content-type"), bodies[_i].content_type);
	ck_assert_pstr_eq(pb_aws_headers_get(&r->headers, "x-amz-target"), bodies[_i].target);
	ck_assert_ptr_null(pb_aws_headers_get(&r->headers, "x-amzn-query-mode"));
	PB_JSON json_t *want = bodies[_i].target ? js(bodies[_i].body) : json_null();
	PB_CLEANUP(pb_freep) char *text = pb_json_text(want);
	ck_assert_str_eq(r->body.ptr, bodies[_i].target ? text : bodies[_i].body);
}
END_TEST

static const struct {
	const char *service, *op, *body, *output; /* NULL: cannot be believed */
} answers[] = {
    {"ec2", "DescribeInstances",
	"<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
	"<requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId>"
	"<instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code>"
	"<name>running</name></instanceState><tagSet><item><key>k</key><value>v</value></item>"
	"</tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>",
	"{'Reservations':[{'ReservationId':'r-1','Instances':[{'InstanceId':'i-1',"
	"'State':{'Name':'running'},'Tags':[{'Key':'k','Value':'v'}]}]}]}"},
    {"ec2", "RebootInstances",
	"<RebootInstancesResponse><requestId>r</requestId><return>true</return>"
	"</RebootInstancesResponse>",
	"{'Return':true}"},
    {"ec2", "RebootInstances", "<html/>", NULL},
    {"autoscaling", "DescribeAutoScalingInstances",
	"<DescribeAutoScalingInstancesResponse><DescribeAutoScalingInstancesResult>"
	"<AutoScalingInstances><member><InstanceId>i-1</InstanceId><LifecycleState>Standby"
	"</LifecycleState><ProtectedFromScaleIn>false</ProtectedFromScaleIn></member>"
	"</AutoScalingInstances></DescribeAutoScalingInstancesResult>"
	"</DescribeAutoScalingInstancesResponse>",
	"{'AutoScalingInstances':[{'InstanceId':'i-1','LifecycleState':'Standby',"
	"'ProtectedFromScaleIn':false}]}"},
    {"autoscaling", "SetDesiredCapacity",
	"<SetDesiredCapacityResponse><ResponseMetadata/></SetDesiredCapacityResponse>", "{}"},
    {"autoscaling", "StartInstanceRefresh",
	"<StartInstanceRefreshResponse><StartInstanceRefreshResult/></"
	"StartInstanceRefreshResponse>",
	NULL},
    {"cloudformation", "DescribeStacks",
	"<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName>"
	"<StackStatus>ROLLBACK_COMPLETE</StackStatus></member></Stacks></DescribeStacksResult>"
	"</DescribeStacksResponse>",
	"{'Stacks':[{'StackName':'s','StackStatus':'ROLLBACK_COMPLETE'}]}"},
    {"ssm", "StartAutomationExecution", "{\"AutomationExecutionId\":\"a\"}",
	"{'AutomationExecutionId':'a'}"},
    {"ssm", "StartAutomationExecution", "{}", NULL},
    {"ssm", "SendCommand", "{\"Command\":{\"CommandId\":\"c\",\"Status\":\"Pending\"}}",
	"{'Command':{'CommandId':'c','Status':'Pending'}}"},
    {"codedeploy", "StopDeployment", "{\"status\":\"Pending\"}", "{'status':'Pending'}"},
    {"codedeploy", "GetDeployment", "{\"deploymentInfo\":{}}", NULL},
    {"config", "StartRemediationExecution",
	"{\"FailureMessage\":\"m\",\"FailedItems\":[{\"resourceId\":\"b\"}]}",
	"{'FailureMessage':'m','FailedItems':[{'resourceId':'b'}]}"},
};

START_TEST(answers_are_read_as_the_api_names_them)
{
	struct answer x;
	struct pb_aws_error e;
	PB_JSON json_t *out = NULL;
	answer_init(&x, 200, "", answers[_i].body);
	int rc =
	    pb_aws_call_parse(pb_aws_op_find(answers[_i].service, answers[_i].op), &x.a, &out, &e);
	ck_assert_int_eq(rc, answers[_i].output ? 0 : -1);
	if (answers[_i].output) {
		PB_JSON json_t *want = js(answers[_i].output);
		PB_CLEANUP(pb_freep) char *text = pb_json_text(out);
		ck_assert_msg(json_equal(out, want), "%s", text);
	}
	answer_fini(&x);
}
END_TEST

START_TEST(an_error_of_ec2_is_classed)
{
	struct answer x;
	struct pb_aws_error e;
	PB_JSON json_t *out = NULL;
	answer_init(&x, 400, "",
	    "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>no i-9"
	    "</Message></Error></Errors><RequestID>r-1</RequestID></Response>");
	ck_assert_int_eq(
	    pb_aws_call_parse(pb_aws_op_find("ec2", "RebootInstances"), &x.a, &out, &e), -1);
	ck_assert_str_eq(e.code, "InvalidInstanceID.NotFound");
	ck_assert_str_eq(e.message, "no i-9");
	ck_assert_str_eq(e.request_id, "r-1");
	ck_assert(e.is_not_taken);
	answer_fini(&x);
}
END_TEST

static const struct {
	const char *service, *op, *inputs, *effect, *token, *check, *wait;
} facts[] = {
    {"codedeploy", "ListDeployments", "{}", "read", NULL, NULL, NULL},
    {"codedeploy", "StopDeployment", "{}", "idempotent", NULL, NULL, "GetDeployment"},
    {"autoscaling", "EnterStandby", "{}", "check_first", NULL, "DescribeAutoScalingInstances",
	NULL},
    {"autoscaling", "ExitStandby", "{}", "check_first", NULL, "DescribeAutoScalingInstances", NULL},
    {"autoscaling", "TerminateInstanceInAutoScalingGroup", "{}", "check_first", NULL,
	"DescribeAutoScalingInstances", NULL},
    {"autoscaling", "StartInstanceRefresh", "{}", "check_first", NULL, "DescribeInstanceRefreshes",
	"DescribeInstanceRefreshes"},
    {"autoscaling", "SetDesiredCapacity", "{}", "idempotent", NULL, NULL, NULL},
    {"autoscaling", "ExecutePolicy", "{}", "once", NULL, NULL, NULL},
    {"ssm", "StartAutomationExecution", "{}", "token", "ClientToken", NULL,
	"GetAutomationExecution"},
    {"ssm", "SendCommand", "{}", "once", NULL, NULL, "ListCommands"},
    {"cloudformation", "RollbackStack", "{}", "token", "ClientRequestToken", NULL,
	"DescribeStacks"},
    {"codepipeline", "RollbackStage", "{}", "once", NULL, NULL, "GetPipelineExecution"},
    {"config", "StartRemediationExecution", "{}", "once", NULL, NULL,
	"DescribeRemediationExecutionStatus"},
    {"sns", "Publish", "{}", "once", NULL, NULL, NULL},
    {"sns", "Publish", "{'MessageDeduplicationId':'d'}", "token", NULL, NULL, NULL},
};

START_TEST(what_a_step_must_know_comes_from_the_table)
{
	PB_JSON json_t *in = js(facts[_i].inputs);
	PB_JSON json_t *got = pb_aws_op_facts(pb_aws_op_find(facts[_i].service, facts[_i].op), in);
	ck_assert_str_eq(pb_json_str(got, "effect"), facts[_i].effect);
	ck_assert_pstr_eq(pb_json_str(got, "token"), facts[_i].token);
	ck_assert_pstr_eq(pb_json_str(pb_json_get(got, "check"), "operation"), facts[_i].check);
	ck_assert_pstr_eq(pb_json_str(pb_json_get(got, "wait"), "operation"), facts[_i].wait);
}
END_TEST

/* The member at "A.B" or "A[].B" of a shape. */
static bool
has_path(const char *shape, const char *path)
{
	struct pb_str rest = pb_str_of(shape);
	struct pb_shape_member m;
	for (;;) {
		size_t len = strcspn(path, ".[");
		if (!pb_shape_find(rest, (struct pb_str){path, len}, &m))
			return false;
		path += len;
		if (strncmp(path, "[]", 2) == 0) {
			if (!m.is_list)
				return false;
			path += 2;
		}
		if (*path == '\0')
			return m.type == PB_SHAPE_TEXT;
		path++;
		rest = m.members;
	}
}

/* "${inputs.X}" and "${output.X}" name what the operation takes and gives. */
static void
check_templates(const struct pb_aws_op *op, const char *inputs)
{
	for (const char *at = inputs; (at = strstr(at, "${")) != NULL; at++) {
		bool is_input = strncmp(at, "${inputs.", 9) == 0;
		ck_assert_msg(is_input || strncmp(at, "${output.", 9) == 0, "%s", at);
		PB_CLEANUP(pb_freep) char *path = pb_strndup(at + 9, strcspn(at + 9, "}"));
		struct pb_shape_member m;
		if (is_input)
			ck_assert_msg(pb_shape_find(pb_str_of(op->in), pb_str_of(path), &m),
			    "%s: %s", op->name, path);
		else
			ck_assert_msg(has_path(op->out, path), "%s: %s", op->name, path);
	}
}

static void
check_read(const struct pb_aws_op *op, const char *name, const json_t *inputs)
{
	struct pb_error err = {0};
	const struct pb_aws_op *read = pb_aws_op_find(op->service, name);
	ck_assert_msg(read != NULL, "%s: no %s", op->name, name);
	ck_assert_int_eq((int)read->effect, PB_AWS_READ);
	ck_assert_msg(pb_aws_op_check(read, inputs, true, &err) == 0, "%s", err.text);
}

START_TEST(the_reads_beside_the_operations_fit_them)
{
	size_t n_checks = 0, n_waits = 0;
	for (size_t i = 0; i < pb_aws_n_ops; i++) {
		const struct pb_aws_op *op = &pb_aws_ops[i];
		PB_JSON json_t *got = pb_aws_op_facts(op, NULL);
		const json_t *check = pb_json_get(got, "check"), *wait = pb_json_get(got, "wait");
		ck_assert_int_eq(op->effect == PB_AWS_CHECK_FIRST, check != NULL);
		if (check) {
			check_read(op, op->check.operation, pb_json_get(check, "inputs"));
			check_templates(op, op->check.inputs);
			n_checks++;
		}
		if (wait) {
			check_read(op, op->wait.operation, pb_json_get(wait, "inputs"));
			check_templates(op, op->wait.inputs);
			const struct pb_aws_op *read =
			    pb_aws_op_find(op->service, op->wait.operation);
			ck_assert_msg(has_path(read->out, op->wait.state), "%s", op->wait.state);
			ck_assert(!op->wait.reason || has_path(read->out, op->wait.reason));
			ck_assert_uint_gt(json_array_size(pb_json_get(wait, "succeeded")), 0);
			ck_assert_uint_gt(json_array_size(pb_json_get(wait, "failed")), 0);
			n_waits++;
		}
	}
	ck_assert_uint_eq(n_checks, 5);
	ck_assert_uint_ge(n_waits, 10);
}
END_TEST

PB_SUITE(ops)
{
	pb_add_loop(s, operations_are_encoded_as_their_services_want, 0, PB_ARRAY_LEN(bodies));
	pb_add_loop(s, answers_are_read_as_the_api_names_them, 0, PB_ARRAY_LEN(answers));
	pb_add(s, an_error_of_ec2_is_classed);
	pb_add_loop(s, what_a_step_must_know_comes_from_the_table, 0, PB_ARRAY_LEN(facts));
	pb_add(s, the_reads_beside_the_operations_fit_them);
}
