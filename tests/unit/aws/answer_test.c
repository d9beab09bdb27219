/*
 * Reading answers: outputs, errors and their classes, and every way of cutting them short.
 */
#include "aws/call.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

#define PUBLISH_ANSWER                                                                             \
	"<?xml version=\"1.0\"?>\n<PublishResponse "                                               \
	"xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n"                                    \
	"  <PublishResult>\n    <MessageId>94f20ce6</MessageId>\n    <New>x</New>\n"               \
	"  </PublishResult>\n"                                                                     \
	"  <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\n</PublishResponse>\n"

#define ASSUME_ANSWER                                                                              \
	"<a:AssumeRoleResponse xmlns:a=\"urn:x\"><a:AssumeRoleResult><a:Credentials>"              \
	"<a:AccessKeyId>K</a:AccessKeyId><a:SecretAccessKey>a&amp;b&#x41;</a:SecretAccessKey>"     \
	"<a:SessionToken>T</a:SessionToken><a:Expiration>2026-01-01T00:00:00Z</a:Expiration>"      \
	"</a:Credentials></a:AssumeRoleResult></a:AssumeRoleResponse>"

#define RECEIVE_ANSWER                                                                             \
	"{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"MD5OfBody\":\"x\","         \
	"\"Body\":\"{\\\"a\\\": \\\"\\u00e9\\\"}\",\"Attributes\":{\"N\":\"1\"},\"Big\":"          \
	"9007199254740993,\"X\":[1.5e3,true,null]}]}"

static const struct {
	const char *service, *op, *body, *output;
} outputs[] = {
    {"sns", "Publish", PUBLISH_ANSWER, "{'MessageId':'94f20ce6'}"},
    {"sts", "AssumeRole", ASSUME_ANSWER,
	"{'Credentials':{'AccessKeyId':'K','SecretAccessKey':'a&bA','SessionToken':'T',"
	"'Expiration':'2026-01-01T00:00:00Z'}}"},
    {"sts", "GetCallerIdentity",
	"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><UserId/>"
	"</GetCallerIdentityResult></GetCallerIdentityResponse>",
	"{'UserId':'','Arn':'a'}"},
    {"sqs", "ReceiveMessage", "{}", "{}"},
    {"sqs", "DeleteMessage", "", "{}"},
    {"sqs", "DeleteMessage", " \r\n", "{}"},
    {"sqs", "GetQueueUrl", "{'QueueUrl':'q','New':1}", "{'QueueUrl':'q','New':1}"},
};

START_TEST(an_answer_becomes_its_output)
{
	PB_CLEANUP(pb_freep) char *body = pb_strdup(outputs[_i].body);
	for (char *p = body; *p && outputs[_i].body[0] == '{'; p++)
		if (*p == '\'')
			*p = '"';
	struct answer x;
	answer_init(&x, 200, "", body);
	PB_JSON json_t *out = NULL;
	struct pb_aws_error e = {0};
	int rc =
	    pb_aws_call_parse(pb_aws_op_find(outputs[_i].service, outputs[_i].op), &x.a, &out, &e);
	ck_assert_msg(rc == 0, "%s: %s", e.code, e.message);
	PB_JSON json_t *want = js(outputs[_i].output);
	ck_assert(json_equal(out, want));
	answer_fini(&x);
}
END_TEST

static const struct {
	const char *service, *op, *body;
} unreadable[] = {
    {"sns", "Publish", ""},
    {"sns", "Publish", "<html><body>ok</body></html>"},
    {"sns", "Publish", "<PublishResponse/>"},
    {"sns", "Publish", "<PublishResponse><PublishResult>"},
    {"sns", "Publish", "{\"MessageId\":\"x\"}"},
    {"sns", "Publish",
	"<!DOCTYPE x [<!ENTITY a \"b\">]><PublishResponse><PublishResult/></PublishResponse>"},
    {"sqs", "ReceiveMessage", "<html/>"},
    {"sqs", "ReceiveMessage", "[]"},
    {"sqs", "ReceiveMessage", "{\"Messages\":["},
    {"sqs", "ReceiveMessage", "\xff\xfe"},
    {"sqs", "ReceiveMessage", ""},
    {"cloudwatch", "DescribeAlarms", " \n"},
    {"sqs", "SendMessage", ""},
    {"sqs", "SendMessage", "{}"},
    {"sqs", "SendMessage", "<html><body>ok</body></html>"},
    {"sqs", "SendMessage", "{\"MessageId\":\"m\"}"},
    {"sqs", "SendMessage", "{\"MD5OfMessageBody\":\"x\"}"},
    {"sqs", "SendMessage", "{\"MessageId\":\"\",\"MD5OfMessageBody\":\"x\"}"},
    {"sqs", "SendMessage", "{\"MessageId\":null,\"MD5OfMessageBody\":\"x\"}"},
    {"sqs", "GetQueueUrl", "{\"Queue\":\"q\"}"},
    {"sns", "Publish", "<PublishResponse><PublishResult/></PublishResponse>"},
    {"sns", "Publish",
	"<PublishResponse><PublishResult><MessageId/></PublishResult></PublishResponse>"},
    {"sts", "AssumeRole", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"},
    {"sts", "AssumeRole",
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>K</AccessKeyId>"
	"<SecretAccessKey>S</SecretAccessKey></Credentials></AssumeRoleResult></"
	"AssumeRoleResponse>"},
};

START_TEST(a_success_that_cannot_be_read_is_a_failure_of_unknown_effect)
{
	struct answer x;
	answer_init(&x, 200, "x-amzn-RequestId: r-9", unreadable[_i].body);
	json_t *out = NULL;
	struct pb_aws_error e = {0};
	ck_assert_int_eq(
	    pb_aws_call_parse(
		pb_aws_op_find(unreadable[_i].service, unreadable[_i].op), &x.a, &out, &e),
	    -1);
	ck_assert_ptr_null(out);
	ck_assert_str_eq(e.code, "UnreadableAnswer");
	ck_assert_int_eq(e.class, PB_AWS_TRANSIENT);
	ck_assert(e.is_retryable && !e.is_not_taken && e.message[0]);
	ck_assert_str_eq(e.request_id, "r-9");
	answer_fini(&x);
}
END_TEST

static const struct {
	const char *service; /* sqs speaks JSON, sns XML */
	int status;
	const char *headers, *body;
	const char *code, *query_code, *message, *request_id;
	enum pb_aws_class class;
	bool is_retryable, is_not_taken;
} errors[] = {
    {"sqs", 400,
	"x-amzn-RequestId: r1|x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender",
	"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"gone\"}",
	"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "gone", "r1", PB_AWS_GONE,
	false, true},
    {"sqs", 400, "x-amzn-query-error: Throttling;Sender", "{\"__type\":\"Odd\"}", "Odd",
	"Throttling", "", "", PB_AWS_THROTTLED, true, true},
    {"sqs", 400, "x-amzn-query-error: ExpiredToken;Sender", "", "ExpiredToken", "ExpiredToken", "",
	"", PB_AWS_CREDENTIALS_STALE, true, true},
    {"sqs", 400, "x-amzn-ErrorType: FooError:http://x/", "{\"Message\":\"m\"}", "FooError", "", "m",
	"", PB_AWS_OTHER, false, true},
    {"sqs", 400, "", "{\"code\":\"a.b#ValidationException:http://x\",\"errorMessage\":\"m\"}",
	"ValidationException", "", "m", "", PB_AWS_OURS, false, true},
    {"sqs", 503, "", "<html>busy</html>", "HTTP 503", "", "", "", PB_AWS_TRANSIENT, true, false},
    {"sqs", 429, "", "", "HTTP 429", "", "", "", PB_AWS_THROTTLED, true, true},
    {"sqs", 403, "", "", "HTTP 403", "", "", "", PB_AWS_DENIED, false, true},
    {"sqs", 404, "", "nope", "HTTP 404", "", "", "", PB_AWS_OTHER, false, true},
    {"sqs", 505, "", "", "HTTP 505", "", "", "", PB_AWS_TRANSIENT, false, false},
    {"sqs", 503, "", "{\"__type\":\"RequestLimitExceeded\"}", "RequestLimitExceeded", "", "", "",
	PB_AWS_THROTTLED, true, true},
    {"sqs", 500, "", "{\"__type\":\"Nothing\\u001b\"}", "HTTP 500", "", "", "", PB_AWS_TRANSIENT,
	true, false},
    {"sns", 403, "",
	"<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>AuthorizationError</Code>"
	"<Message>no &lt;way&gt;</Message></Error><RequestId>r2</RequestId></ErrorResponse>",
	"AuthorizationError", "", "no <way>", "r2", PB_AWS_DENIED, false, true},
    {"sns", 404, "", "<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>",
	"NotFound", "", "", "", PB_AWS_GONE, false, true},
    {"sns", 400, "",
	"<Response><Errors><Error><Code>Throttled</Code><Message>m</Message></Error></Errors>"
	"<RequestID>r3</RequestID></Response>",
	"Throttled", "", "m", "r3", PB_AWS_THROTTLED, true, true},
    {"sns", 403, "",
	"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>",
	"SignatureDoesNotMatch", "", "", "", PB_AWS_CREDENTIALS_WRONG, false, true},
    {"sns", 500, "", "<ErrorResponse><Error><Code>InternalError</Code></Error></ErrorResponse>",
	"InternalError", "", "", "", PB_AWS_TRANSIENT, true, false},
    {"sns", 500, "",
	"<ErrorResponse><Error><Code>ResourceContention</Code></Error></ErrorResponse>",
	"ResourceContention", "", "", "", PB_AWS_BUSY, true, false},
    {"sns", 502, "", "<html>", "HTTP 502", "", "", "", PB_AWS_TRANSIENT, true, false},
    {"sns", 301, "Location: http://x", "", "HTTP 301", "",
	"redirected: the endpoint URL or the region is wrong", "", PB_AWS_OTHER, false, true},
};

START_TEST(an_error_is_read_and_classified)
{
	struct answer x;
	answer_init(&x, errors[_i].status, errors[_i].headers, errors[_i].body);
	bool is_json = pb_streq(errors[_i].service, "sqs");
	const struct pb_aws_op *op =
	    pb_aws_op_find(errors[_i].service, is_json ? "GetQueueUrl" : "Publish");
	json_t *out = NULL;
	struct pb_aws_error e;
	ck_assert_int_eq(pb_aws_call_parse(op, &x.a, &out, &e), -1);
	ck_assert_ptr_null(out);
	ck_assert_str_eq(e.code, errors[_i].code);
	ck_assert_str_eq(e.query_code, errors[_i].query_code);
	ck_assert_str_eq(e.message, errors[_i].message);
	ck_assert_str_eq(e.request_id, errors[_i].request_id);
	ck_assert_str_eq(pb_aws_class_name(e.class), pb_aws_class_name(errors[_i].class));
	ck_assert_int_eq(e.is_retryable, errors[_i].is_retryable);
	ck_assert_int_eq(e.is_not_taken, errors[_i].is_not_taken);
	ck_assert_int_eq(e.http_status, errors[_i].status);
	answer_fini(&x);
}
END_TEST

static const struct {
	const char *code;
	enum pb_aws_class class;
} codes[] = {
    {"ThrottlingException", PB_AWS_THROTTLED},
    {"TooManyRequestsException", PB_AWS_THROTTLED},
    {"EC2ThrottledException", PB_AWS_THROTTLED},
    {"KMS.ThrottlingException", PB_AWS_THROTTLED},
    {"LimitExceededException", PB_AWS_THROTTLED},
    {"LimitExceededFault", PB_AWS_THROTTLED},
    {"InternalServiceError", PB_AWS_TRANSIENT},
    {"ServiceUnavailableException", PB_AWS_TRANSIENT},
    {"ServerException", PB_AWS_TRANSIENT},
    {"ExpiredTokenException", PB_AWS_CREDENTIALS_STALE},
    {"UnrecognizedClientException", PB_AWS_CREDENTIALS_WRONG},
    {"InvalidSignatureException", PB_AWS_CREDENTIALS_WRONG},
    {"RequestTimeTooSkewed", PB_AWS_CLOCK},
    {"AccessDeniedException", PB_AWS_DENIED},
    {"UnauthorizedOperation", PB_AWS_DENIED},
    {"InvalidParameterValue", PB_AWS_OURS},
    {"SerializationException", PB_AWS_OURS},
    {"ResourceNotFoundException", PB_AWS_GONE},
    {"DeploymentDoesNotExistException", PB_AWS_GONE},
    {"InvalidInstanceID.NotFound", PB_AWS_GONE},
    {"ScalingActivityInProgressFault", PB_AWS_BUSY},
    {"ConflictException", PB_AWS_BUSY},
    {"TokenAlreadyExistsException", PB_AWS_ALREADY},
    {"ConditionalCheckFailedException", PB_AWS_CONDITION},
    {"TransactionConflictException", PB_AWS_CONFLICT},
    {"x.y#ThrottlingException:http://z", PB_AWS_THROTTLED},
    {"Exception", PB_AWS_OTHER},
    {"", PB_AWS_OTHER},
    {NULL, PB_AWS_OTHER},
};

START_TEST(a_code_has_its_class)
{
	ck_assert_str_eq(pb_aws_class_name(pb_aws_classify(codes[_i].code, 400)),
	    pb_aws_class_name(codes[_i].class));
}
END_TEST

START_TEST(an_error_is_known_by_either_name)
{
	struct pb_aws_error e = {.code = "QueueDoesNotExistException",
	    .query_code = "AWS.SimpleQueueService.NonExistentQueue",
	    .message = "\x1b[31mred",
	    .request_id = "r",
	    .http_status = 400};
	ck_assert(pb_aws_error_is(&e, "QueueDoesNotExist"));
	ck_assert(pb_aws_error_is(&e, "AWS.SimpleQueueService.NonExistentQueue"));
	ck_assert(!pb_aws_error_is(&e, "Other"));
	PB_CLEANUP(pb_freep) char *text = pb_aws_error_text(&e);
	ck_assert_str_eq(text, "QueueDoesNotExistException: \\x1b[31mred (HTTP 400, request r)");
}
END_TEST

#define ECHO "\\n\\nThe Canonical String for this request should have been\\n'POST\\n/\\n"
static const struct {
	const char *op, *body, *message;
} echoes[] = {
    {"GetQueueUrl",
	"{\"message\":\"It does not match." ECHO "x-amz-security-token:TOKEN-THAT-IS-LONG\"}",
	"It does not match."},
    {"GetQueueUrl", "{\"Message\":\"\\r\\n It does not match.\\r\\nx:TOKEN-THAT-IS-LONG\"}",
	"It does not match."},
    {"GetQueueUrl", "{\"errorMessage\":\"sent X-Amz-Security-Token: TOKEN-THAT-IS-LONG\"}",
	"sent X-Amz-Security-Token"},
    {"GetQueueUrl", "{\"message\":\"bad token TOKEN-THAT-IS-LONG, SECRET-OF-THE-KEY.\"}",
	"bad token ***, ***."},
    {"GetQueueUrl", "{\"message\":\"cut TOKEN-THAT-I\"}", "cut ***"},
    {"GetQueueUrl", "{\"message\":\"TOKEN of what kind?\"}", "TOKEN of what kind?"},
    {"Publish",
	"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.\n\n"
	"The Canonical String\n'x-amz-security-token:TOKEN-THAT-IS-LONG</Message></Error>"
	"</ErrorResponse>",
	"It does not match."},
    {"Publish",
	"<ErrorResponse><Error><Code>InvalidToken</Code><Message>not TOKEN-THAT-IS-LONG!</Message>"
	"</Error></ErrorResponse>",
	"not ***!"},
};

START_TEST(a_message_does_not_repeat_secrets)
{
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds =
	    pb_aws_creds_new("AKID", "SECRET-OF-THE-KEY", "TOKEN-THAT-IS-LONG", "a test");
	const char *service = pb_streq(echoes[_i].op, "Publish") ? "sns" : "sqs";
	struct answer x;
	answer_init(&x, 403, "", echoes[_i].body);
	json_t *out = NULL;
	struct pb_aws_error e;
	ck_assert_int_eq(
	    pb_aws_call_parse(pb_aws_op_find(service, echoes[_i].op), &x.a, &out, &e), -1);
	pb_aws_error_hide(&e, NULL);
	pb_aws_error_hide(&e, creds);
	ck_assert_str_eq(e.message, echoes[_i].message);
	answer_fini(&x);
}
END_TEST

START_TEST(wrong_credentials_say_where_they_came_from)
{
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds =
	    pb_aws_creds_new("AKID", "hidden", NULL, "profile default in ~/.aws/credentials");
	const struct pb_aws_op *op = pb_aws_op_find("cloudwatch", "DescribeAlarms");
	static const struct {
		const char *code, *part;
	} rows[] = {
	    {"InvalidClientTokenId", "does not know the access key"},
	    {"SignatureDoesNotMatch", "check the secret key"},
	    {"ExpiredToken", "renew"},
	    {"AccessDenied", "allow cloudwatch:DescribeAlarms"},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		struct pb_aws_error e = {.class = pb_aws_classify(rows[i].code, 403)};
		snprintf(e.code, sizeof(e.code), "%s", rows[i].code);
		PB_CLEANUP(pb_freep) char *advice = pb_aws_error_advice(&e, op, creds);
		ck_assert_ptr_nonnull(strstr(advice, rows[i].part));
		ck_assert_ptr_nonnull(strstr(advice, "profile default in ~/.aws/credentials"));
		ck_assert_ptr_null(strstr(advice, "hidden"));
	}
	struct pb_aws_error other = {.class = PB_AWS_GONE};
	ck_assert_ptr_null(pb_aws_error_advice(&other, op, creds));
}
END_TEST

START_TEST(only_a_failure_to_connect_proves_anything)
{
	for (int why = 0; why < PB_AWS_NET_MAX; why++) {
		struct pb_aws_error e;
		pb_aws_error_network((enum pb_aws_net)why, "text", &e);
		ck_assert_int_eq(e.is_not_taken, why == PB_AWS_NET_CONNECT);
		ck_assert_int_eq(e.is_retryable, why != PB_AWS_NET_TOO_BIG);
		ck_assert(e.is_network && e.code[0] && e.http_status == 0);
		ck_assert_int_eq(e.retry_after_for, -1);
	}
}
END_TEST

/* Each prefix in memory of exactly its size, so that a read behind it is seen. */
static void
parse_prefixes(const char *service, const char *op_name, int status, const char *whole)
{
	const struct pb_aws_op *op = pb_aws_op_find(service, op_name);
	for (size_t len = 0; len <= strlen(whole); len++) {
		struct answer x;
		answer_init(&x, status, "", "");
		char *copy = pb_malloc(len + (len == 0));
		memcpy(copy, whole, len);
		x.a.body = (struct pb_str){copy, len};
		json_t *out = NULL;
		struct pb_aws_error e = {0};
		int rc = pb_aws_call_parse(op, &x.a, &out, &e);
		ck_assert_int_eq(rc == 0, out != NULL);
		ck_assert(rc == 0 || e.code[0]);
		json_decref(out);
		free(copy);
		answer_fini(&x);
	}
}

START_TEST(every_prefix_of_an_answer_ends_well)
{
	parse_prefixes("sns", "Publish", 200, PUBLISH_ANSWER);
	parse_prefixes("sts", "AssumeRole", 200, ASSUME_ANSWER);
	parse_prefixes("sqs", "ReceiveMessage", 200, RECEIVE_ANSWER);
	parse_prefixes("sns", "Publish", 400, errors[12].body);
	parse_prefixes("sqs", "ReceiveMessage", 400, errors[0].body);
}
END_TEST

START_TEST(every_changed_byte_of_an_answer_ends_well)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 42);
	static const struct {
		const char *service, *op, *body;
	} rows[] = {
	    {"sns", "Publish", PUBLISH_ANSWER},
	    {"sts", "AssumeRole", ASSUME_ANSWER},
	    {"sqs", "ReceiveMessage", RECEIVE_ANSWER},
	};
	for (int round = 0; round < 3000; round++) {
		size_t row = (size_t)round % PB_ARRAY_LEN(rows);
		char *copy = pb_strdup(rows[row].body);
		size_t len = strlen(copy);
		for (int i = 0; i < 3; i++)
			copy[pb_rand_below(&rand, (int64_t)len)] = (char)pb_rand_below(&rand, 256);
		struct answer x;
		answer_init(&x, round & 1 ? 200 : 400, "", "");
		x.a.body = (struct pb_str){copy, len};
		json_t *out = NULL;
		struct pb_aws_error e = {0};
		int rc = pb_aws_call_parse(
		    pb_aws_op_find(rows[row].service, rows[row].op), &x.a, &out, &e);
		ck_assert_int_eq(rc == 0, out != NULL);
		json_decref(out);
		free(copy);
		answer_fini(&x);
	}
}
END_TEST

START_TEST(an_answer_has_a_largest)
{
	char *big = pb_malloc(PB_AWS_BODY_MAX + 1);
	memset(big, ' ', PB_AWS_BODY_MAX + 1);
	memcpy(big, "{}", 2);
	struct answer x;
	answer_init(&x, 200, "", "");
	x.a.body = (struct pb_str){big, PB_AWS_BODY_MAX + 1};
	json_t *out = NULL;
	struct pb_aws_error e;
	ck_assert_int_eq(
	    pb_aws_call_parse(pb_aws_op_find("sqs", "ReceiveMessage"), &x.a, &out, &e), -1);
	ck_assert(!e.is_retryable && !e.is_not_taken);
	x.a.body.len--;
	ck_assert_int_eq(
	    pb_aws_call_parse(pb_aws_op_find("sqs", "ReceiveMessage"), &x.a, &out, &e), 0);
	json_decref(out);
	free(big);
	answer_fini(&x);
}
END_TEST

PB_SUITE(answer)
{
	pb_add_loop(s, an_answer_becomes_its_output, 0, PB_ARRAY_LEN(outputs));
	pb_add_loop(s, a_success_that_cannot_be_read_is_a_failure_of_unknown_effect, 0,
	    PB_ARRAY_LEN(unreadable));
	pb_add_loop(s, an_error_is_read_and_classified, 0, PB_ARRAY_LEN(errors));
	pb_add_loop(s, a_code_has_its_class, 0, PB_ARRAY_LEN(codes));
	pb_add(s, an_error_is_known_by_either_name);
	pb_add_loop(s, a_message_does_not_repeat_secrets, 0, PB_ARRAY_LEN(echoes));
	pb_add(s, wrong_credentials_say_where_they_came_from);
	pb_add(s, only_a_failure_to_connect_proves_anything);
	pb_add(s, every_prefix_of_an_answer_ends_well);
	pb_add(s, every_changed_byte_of_an_answer_ends_well);
	pb_add(s, an_answer_has_a_largest);
}
