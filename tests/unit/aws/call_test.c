/*
 * Building requests: what goes over the wire, byte by byte.
 */
#include "aws/call.h"

#include <stdlib.h>

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

static const struct {
	const char *service, *op, *inputs;
	const char *content_type, *target; /* X-Amz-Target */
	const char *body; /* ' for " in JSON */
} bodies[] = {
    {"cloudwatch", "DescribeAlarms",
	"{'MaxRecords':100,'AlarmTypes':['MetricAlarm'],'NextToken':null}",
	"application/x-amz-json-1.0", "GraniteServiceVersion20100801.DescribeAlarms",
	"{'AlarmTypes':['MetricAlarm'],'MaxRecords':100}"},
    {"cloudwatch", "DescribeAlarmHistory",
	"{'StartDate':'2026-01-01T00:00:00Z','EndDate':'2026-01-01T00:00:00.500Z'}",
	"application/x-amz-json-1.0", "GraniteServiceVersion20100801.DescribeAlarmHistory",
	"{'StartDate':1767225600,'EndDate':1767225600.5}"},
    {"cloudwatch", "DescribeAlarmHistory", "{'StartDate':1767225600.125}",
	"application/x-amz-json-1.0", "GraniteServiceVersion20100801.DescribeAlarmHistory",
	"{'StartDate':1767225600.125}"},
    {"cloudwatch", "PutMetricAlarm",
	"{'AlarmName':'a','ComparisonOperator':'c','Period':'60','ActionsEnabled':'false',"
	"'Threshold':1.5,'Dimensions':[{'Name':'n','Value':'v'}]}",
	"application/x-amz-json-1.0", "GraniteServiceVersion20100801.PutMetricAlarm",
	"{'AlarmName':'a','ActionsEnabled':false,'Dimensions':[{'Name':'n','Value':'v'}],"
	"'Period':60,'Threshold':1.5,'ComparisonOperator':'c'}"},
    {"sqs", "SendMessage",
	"{'MessageBody':'b','QueueUrl':'q','MessageAttributes':{'a':{'DataType':'String',"
	"'StringValue':'v'}}}",
	"application/x-amz-json-1.0", "AmazonSQS.SendMessage",
	"{'QueueUrl':'q','MessageBody':'b','MessageAttributes':{'a':{'DataType':'String',"
	"'StringValue':'v'}}}"},
    {"sns", "Publish",
	"{'Message':'a+b é\\nline2*~','TopicArn':'arn:aws:sns:us-east-1:123456789012:oncall',"
	"'Subject':'ALARM: cpu high'}",
	"application/x-www-form-urlencoded; charset=utf-8", NULL,
	"Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012"
	"%3Aoncall&Message=a%2Bb%20%C3%A9%0Aline2%2A~&Subject=ALARM%3A%20cpu%20high"},
    {"sns", "Publish",
	"{'Message':'m','MessageAttributes':{'k':{'DataType':'String','StringValue':'v'},"
	"'l':{'DataType':'Number','StringValue':'1'}}}",
	"application/x-www-form-urlencoded; charset=utf-8", NULL,
	"Action=Publish&Version=2010-03-31&Message=m&MessageAttributes.entry.1.Name=k"
	"&MessageAttributes.entry.1.Value.DataType=String"
	"&MessageAttributes.entry.1.Value.StringValue=v&MessageAttributes.entry.2.Name=l"
	"&MessageAttributes.entry.2.Value.DataType=Number"
	"&MessageAttributes.entry.2.Value.StringValue=1"},
    {"sts", "GetCallerIdentity", "{}", "application/x-www-form-urlencoded; charset=utf-8", NULL,
	"Action=GetCallerIdentity&Version=2011-06-15"},
    {"sts", "AssumeRole",
	"{'RoleArn':'r','RoleSessionName':'s','DurationSeconds':900,'TransitiveTagKeys':[],"
	"'Tags':[{'Key':'k','Value':'v'},{'Key':'l','Value':''}],'PolicyArns':[{'arn':'p'}]}",
	"application/x-www-form-urlencoded; charset=utf-8", NULL,
	"Action=AssumeRole&Version=2011-06-15&RoleArn=r&RoleSessionName=s&DurationSeconds=900"
	"&PolicyArns.member.1.arn=p&Tags.member.1.Key=k&Tags.member.1.Value=v"
	"&Tags.member.2.Key=l&Tags.member.2.Value=&TransitiveTagKeys="},
};

static void
endpoint_of(const char *service, const char *url, struct pb_aws_endpoint *e)
{
	struct pb_aws_endpoint_options o = {.region = "eu-west-1", .custom_url = url};
	ck_assert_int_eq(pb_aws_endpoint_resolve(pb_aws_service_find(service), &o, e, NULL), 0);
}

START_TEST(inputs_become_the_protocols_bytes)
{
	struct pb_aws_endpoint e;
	endpoint_of(bodies[_i].service, NULL, &e);
	PB_JSON json_t *in = js(bodies[_i].inputs);
	struct pb_aws_call call = {
	    .op = pb_aws_op_find(bodies[_i].service, bodies[_i].op), .inputs = in, .endpoint = &e};
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = NULL;
	struct pb_error err = {0};
	ck_assert_msg(pb_aws_call_build(&call, &r, &err) == 0, "%s", err.text);
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "content-type"), bodies[_i].content_type);
	ck_assert_pstr_eq(pb_aws_headers_get(&r->headers, "x-amz-target"), bodies[_i].target);
	if (!bodies[_i].target) {
		ck_assert_str_eq(r->body.ptr, bodies[_i].body);
		return;
	}
	PB_JSON json_t *want = js(bodies[_i].body);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(want);
	ck_assert_str_eq(r->body.ptr, text);
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "x-amzn-query-mode"), "true");
}
END_TEST

START_TEST(a_request_is_whole_and_signed)
{
	struct pb_aws_endpoint e;
	endpoint_of("sqs", "http://127.0.0.1:4566/base", &e);
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds = pb_aws_creds_new("AKID", "secret", "token", "test");
	PB_JSON json_t *in = js("{'QueueName':'q'}");
	struct pb_aws_call call = {
	    .op = pb_aws_op_find("sqs", "GetQueueUrl"),
	    .inputs = in,
	    .endpoint = &e,
	    .creds = creds,
	    .at = 1440938160000,
	    .invocation_id = "id-1",
	    .attempt = 2,
	    .max_attempts = 3,
	    .ttl_at = 1440938170000,
	};
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = NULL;
	ck_assert_int_eq(pb_aws_call_build(&call, &r, NULL), 0);
	ck_assert_str_eq(r->method, "POST");
	ck_assert_str_eq(r->url, "http://127.0.0.1:4566/base/");
	ck_assert_str_eq(r->target, "/base/");
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "host"), "127.0.0.1:4566");
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "x-amz-date"), "20150830T123600Z");
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "x-amz-security-token"), "token");
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "amz-sdk-invocation-id"), "id-1");
	ck_assert_str_eq(pb_aws_headers_get(&r->headers, "amz-sdk-request"),
	    "ttl=20150830T123610Z; attempt=2; max=3");
	const char *authorization = pb_aws_headers_get(&r->headers, "authorization");
	const char *start =
	    "AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-west-1/sqs/aws4_request, SignedHeaders=";
	ck_assert_int_eq(strncmp(authorization, start, strlen(start)), 0);
	ck_assert_ptr_null(strstr(authorization, "user-agent"));
	ck_assert_ptr_nonnull(pb_aws_headers_get(&r->headers, "user-agent"));
}
END_TEST

START_TEST(without_credentials_nothing_is_signed)
{
	struct pb_aws_endpoint e;
	endpoint_of("sts", NULL, &e);
	struct pb_aws_call call = {
	    .op = pb_aws_op_find("sts", "GetCallerIdentity"), .endpoint = &e};
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = NULL;
	ck_assert_int_eq(pb_aws_call_build(&call, &r, NULL), 0);
	ck_assert_ptr_null(pb_aws_headers_get(&r->headers, "authorization"));
	ck_assert_ptr_null(pb_aws_headers_get(&r->headers, "amz-sdk-request"));
	ck_assert_str_eq(r->url, "https://sts.eu-west-1.amazonaws.com/");
}
END_TEST

START_TEST(wrong_inputs_make_no_request)
{
	struct pb_aws_endpoint e;
	endpoint_of("sns", NULL, &e);
	PB_JSON json_t *in = js("{'Mesage':'m'}");
	struct pb_aws_call call = {
	    .op = pb_aws_op_find("sns", "Publish"), .inputs = in, .endpoint = &e};
	struct pb_aws_request *r = NULL;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_aws_call_build(&call, &r, &err), -1);
	ck_assert_int_eq(err.kind, PB_INVALID);
	ck_assert_ptr_null(r);
}
END_TEST

START_TEST(a_request_has_a_largest)
{
	static const char *const service[] = {"sns", "sqs"},
				 *const op[] = {"Publish", "SendMessage"};
	struct pb_aws_endpoint e;
	endpoint_of(service[_i], NULL, &e);
	char *big = pb_malloc(PB_AWS_REQUEST_MAX + 1);
	memset(big, 'x', PB_AWS_REQUEST_MAX);
	big[PB_AWS_REQUEST_MAX] = '\0';
	PB_JSON json_t *in = js(_i == 0 ? "{}" : "{'QueueUrl':'q'}");
	pb_json_set_str(in, _i == 0 ? "Message" : "MessageBody", big);
	free(big);
	struct pb_aws_call call = {
	    .op = pb_aws_op_find(service[_i], op[_i]), .inputs = in, .endpoint = &e};
	struct pb_aws_request *r = NULL;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_aws_call_build(&call, &r, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

PB_SUITE(call)
{
	pb_add_loop(s, inputs_become_the_protocols_bytes, 0, PB_ARRAY_LEN(bodies));
	pb_add(s, a_request_is_whole_and_signed);
	pb_add(s, without_credentials_nothing_is_signed);
	pb_add(s, wrong_inputs_make_no_request);
	pb_add_loop(s, a_request_has_a_largest, 0, 2);
}
