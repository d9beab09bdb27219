/*
 * The table of services, and finding an operation; the operations are in ops.c.
 */
#include "aws/service.h"

#include "aws/ops.h"

#define ACTIONS_MAX 64 /* of a service */

static const struct pb_aws_service services[] = {
    {"cloudwatch", "CloudWatch", "CLOUDWATCH", "monitoring", "GraniteServiceVersion20100801", NULL,
	PB_AWS_JSON_1_0, true},
    {"sqs", "SQS", "SQS", "sqs", "AmazonSQS", NULL, PB_AWS_JSON_1_0, true},
    {"sns", "SNS", "SNS", "sns", NULL, "2010-03-31", PB_AWS_QUERY, false},
    {"sts", "STS", "STS", "sts", NULL, "2011-06-15", PB_AWS_QUERY, false},
    {"ssm", "SSM", "SSM", "ssm", "AmazonSSM", NULL, PB_AWS_JSON_1_1, false},
    {"lambda", "Lambda", "LAMBDA", "lambda", NULL, NULL, PB_AWS_REST_JSON, false},
    {"autoscaling", "Auto Scaling", "AUTO_SCALING", "autoscaling", NULL, "2011-01-01", PB_AWS_QUERY,
	false},
    {"ec2", "EC2", "EC2", "ec2", NULL, "2016-11-15", PB_AWS_EC2_QUERY, false},
    {"codedeploy", "CodeDeploy", "CODEDEPLOY", "codedeploy", "CodeDeploy_20141006", NULL,
	PB_AWS_JSON_1_1, false},
    {"codepipeline", "CodePipeline", "CODEPIPELINE", "codepipeline", "CodePipeline_20150709", NULL,
	PB_AWS_JSON_1_1, false},
    {"cloudformation", "CloudFormation", "CLOUDFORMATION", "cloudformation", NULL, "2010-05-15",
	PB_AWS_QUERY, false},
    {"config", "AWS Config", "CONFIG_SERVICE", "config", "StarlingDoveService", NULL,
	PB_AWS_JSON_1_1, false},
    {"cloudtrail", "CloudTrail", "CLOUDTRAIL", "cloudtrail",
	"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", NULL, PB_AWS_JSON_1_1, false},
    {"tagging", "Resource Groups Tagging", "RESOURCE_GROUPS_TAGGING_API", "tagging",
	"ResourceGroupsTaggingAPI_20170126", NULL, PB_AWS_JSON_1_1, false},
    {"events", "EventBridge", "EVENTBRIDGE", "events", "AWSEvents", NULL, PB_AWS_JSON_1_1, false},
    {"dynamodb", "DynamoDB", "DYNAMODB", "dynamodb", "DynamoDB_20120810", NULL, PB_AWS_JSON_1_0,
	false},
    {"states", "Step Functions", "SFN", "states", "AWSStepFunctions", NULL, PB_AWS_JSON_1_0, false},
    {"ecs", "ECS", "ECS", "ecs", "AmazonEC2ContainerServiceV20141113", NULL, PB_AWS_JSON_1_1,
	false},
};

const struct pb_aws_service *
pb_aws_service_find(const char *name)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(services); i++)
		if (pb_streq(services[i].name, name))
			return &services[i];
	return NULL;
}

const struct pb_aws_op *
pb_aws_op_find(const char *service, const char *op)
{
	for (size_t i = 0; i < pb_aws_n_ops; i++)
		if (pb_streq(pb_aws_ops[i].service, service) && pb_streq(pb_aws_ops[i].name, op))
			return &pb_aws_ops[i];
	return NULL;
}

const struct pb_aws_service *
pb_aws_op_service(const struct pb_aws_op *op)
{
	const struct pb_aws_service *s = pb_aws_service_find(op->service);
	pb_check(s != NULL);
	return s;
}

const struct pb_aws_service *
pb_aws_service_at(size_t i)
{
	return i < PB_ARRAY_LEN(services) ? &services[i] : NULL;
}

const struct pb_aws_op *
pb_aws_op_at(size_t i)
{
	return i < pb_aws_n_ops ? &pb_aws_ops[i] : NULL;
}

const char *
pb_aws_effect_name(enum pb_aws_effect effect)
{
	static const char *const names[] = {
	    [PB_AWS_READ] = "read",
	    [PB_AWS_IDEMPOTENT] = "idempotent",
	    [PB_AWS_TOKEN] = "token",
	    [PB_AWS_CHECK_FIRST] = "check_first",
	    [PB_AWS_ONCE] = "once",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_AWS_EFFECT_MAX, "a name for each effect");
	return names[effect];
}

static int
no_service(struct pb_str name, struct pb_error *err)
{
	const char *names[PB_ARRAY_LEN(services)];
	for (size_t i = 0; i < PB_ARRAY_LEN(services); i++)
		names[i] = services[i].name;
	char shown[64];
	PB_CLEANUP(pb_freep) char *copy = pb_strndup(name.ptr, name.len);
	const char *near = pb_did_you_mean(copy, names, PB_ARRAY_LEN(services));
	pb_safe(shown, sizeof(shown), name);
	if (near)
		return pb_fail(
		    err, PB_NOT_FOUND, "no AWS service \"%s\"; did you mean \"%s\"?", shown, near);
	return pb_fail(err, PB_NOT_FOUND, "no AWS service \"%s\"", shown);
}

static int
no_action(const struct pb_aws_service *service, struct pb_str name, struct pb_error *err)
{
	const char *names[ACTIONS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < pb_aws_n_ops && n < ACTIONS_MAX; i++)
		if (pb_aws_ops[i].is_action && pb_streq(pb_aws_ops[i].service, service->name))
			names[n++] = pb_aws_ops[i].name;
	char shown[64];
	PB_CLEANUP(pb_freep) char *copy = pb_strndup(name.ptr, name.len);
	const char *near = pb_did_you_mean(copy, names, n);
	pb_safe(shown, sizeof(shown), name);
	if (near)
		return pb_fail(err, PB_UNSUPPORTED,
		    "%s has no action \"%s\" for playbooks; did you mean \"%s\"?", service->title,
		    shown, near);
	return pb_fail(
	    err, PB_UNSUPPORTED, "%s has no action \"%s\" for playbooks", service->title, shown);
}

int
pb_aws_action_find(struct pb_str action, const struct pb_aws_op **ret_op, struct pb_error *err)
{
	if (pb_str_has_prefix(action, PB_STR("aws:")))
		action = (struct pb_str){action.ptr + 4, action.len - 4};
	const char *dot = action.len ? memchr(action.ptr, '.', action.len) : NULL;
	if (!dot)
		return pb_fail(err, PB_SYNTAX,
		    "an AWS action is written aws:service.Operation, as aws:sns.Publish");
	struct pb_str service = {action.ptr, (size_t)(dot - action.ptr)};
	struct pb_str name = {dot + 1, action.len - service.len - 1};

	const struct pb_aws_service *s = NULL;
	for (size_t i = 0; i < PB_ARRAY_LEN(services) && !s; i++)
		if (pb_str_is(service, services[i].name))
			s = &services[i];
	if (!s)
		return no_service(service, err);
	for (size_t i = 0; i < pb_aws_n_ops; i++) {
		if (!pb_aws_ops[i].is_action || !pb_streq(pb_aws_ops[i].service, s->name) ||
		    !pb_str_is(name, pb_aws_ops[i].name))
			continue;
		*ret_op = &pb_aws_ops[i];
		return 0;
	}
	return no_action(s, name, err);
}
