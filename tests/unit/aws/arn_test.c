/*
 * ARNs and header lists.
 */
#include "aws/arn.h"

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

static const struct {
	const char *arn;
	const char *region, *account, *resource; /* resource NULL = refused */
} arns[] = {
    {"arn:aws:sns:eu-west-1:111122223333:pager", "eu-west-1", "111122223333", "pager"},
    {"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a:b", "eu-west-1", "111122223333",
	"alarm:a:b"},
    {"arn:aws:iam::111122223333:role/x", "", "111122223333", "role/x"},
    {"arn:aws:iam::aws:policy/x", "", "aws", "policy/x"},
    {"arn:aws:s3:::bucket", "", "", "bucket"},
    {"arn:aws-cn:sqs:cn-north-1:111122223333:q", "cn-north-1", "111122223333", "q"},
    {"", "", "", NULL},
    {"arn", "", "", NULL},
    {"ARN:aws:sns:r:111122223333:x", "", "", NULL},
    {"arn:aws:sns:eu-west-1:111122223333", "", "", NULL},
    {"arn:aws:sns:eu-west-1:111122223333:", "", "", NULL},
    {"arn::sns:eu-west-1:111122223333:x", "", "", NULL},
    {"arn:aws::eu-west-1:111122223333:x", "", "", NULL},
    {"arn:aws:sns:eu-west-1:11112222333:x", "", "", NULL},
    {"arn:aws:sns:eu-west-1:11112222333a:x", "", "", NULL},
    {"arn:aws:sns:eu-west-1:111122223333:x\n", "", "", NULL},
};

START_TEST(an_arn_has_six_parts)
{
	struct pb_arn arn;
	struct pb_error err = {0};
	int rc = pb_arn_parse(pb_str_of(arns[_i].arn), &arn, &err);
	ck_assert_msg(rc == (arns[_i].resource ? 0 : -1), "%s", arns[_i].arn);
	if (rc < 0) {
		ck_assert_int_eq(err.kind, PB_SYNTAX);
		return;
	}
	ck_assert(pb_str_is(arn.region, arns[_i].region));
	ck_assert(pb_str_is(arn.account, arns[_i].account));
	ck_assert(pb_str_is(arn.resource, arns[_i].resource));
}
END_TEST

START_TEST(an_arn_has_a_longest)
{
	char text[PB_ARN_MAX + 2];
	memset(text, 'x', sizeof(text));
	memcpy(text, "arn:aws:s3:::", 13);
	struct pb_arn arn;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_arn_parse((struct pb_str){text, PB_ARN_MAX}, &arn, &err), 0);
	ck_assert_int_eq(pb_arn_parse((struct pb_str){text, PB_ARN_MAX + 1}, &arn, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

START_TEST(header_lines_are_taken_and_others_passed_over)
{
	struct pb_aws_headers h = {0};
	ck_assert(pb_aws_headers_add_line(&h, PB_STR("X-Amzn-RequestId:  abc \r\n")));
	ck_assert(pb_aws_headers_add_line(&h, PB_STR("Empty:\r\n")));
	ck_assert(!pb_aws_headers_add_line(&h, PB_STR("HTTP/1.1 200 O:K\r\n")));
	ck_assert(!pb_aws_headers_add_line(&h, PB_STR("\r\n")));
	ck_assert(!pb_aws_headers_add_line(&h, PB_STR(":x")));
	ck_assert(!pb_aws_headers_add_line(&h, PB_STR("a: b\0c")));
	ck_assert_str_eq(pb_aws_headers_get(&h, "x-amzn-requestid"), "abc");
	ck_assert_str_eq(pb_aws_headers_get(&h, "EMPTY"), "");
	ck_assert_uint_eq(h.len, 2);
	pb_aws_headers_set(&h, "empty", "no");
	ck_assert_uint_eq(h.len, 2);
	ck_assert_str_eq(pb_aws_headers_get(&h, "Empty"), "no");
	pb_aws_headers_fini(&h);
}
END_TEST

PB_SUITE(arn)
{
	pb_add_loop(s, an_arn_has_six_parts, 0, PB_ARRAY_LEN(arns));
	pb_add(s, an_arn_has_a_longest);
	pb_add(s, header_lines_are_taken_and_others_passed_over);
}
