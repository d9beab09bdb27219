/*
 * The MD5s of SQS.
 */
#include "aws/sqs.h"

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

START_TEST(attributes_have_the_published_md5)
{
	PB_JSON json_t *a = js("{'a':{'DataType':'String','StringValue':'b'}}");
	char md5[PB_MD5_TEXT];
	ck_assert_int_eq(pb_sqs_attributes_md5(a, md5, NULL), 0);
	ck_assert_str_eq(md5, "bef8bf215374a0a228d67533b1a488be");
}
END_TEST

START_TEST(attributes_are_taken_in_order_of_name)
{
	PB_JSON json_t *one = js("{'b':{'DataType':'Number','StringValue':'1'},"
				 "'a':{'DataType':'Binary.x','BinaryValue':'AAE='}}");
	PB_JSON json_t *two = js("{'a':{'DataType':'Binary.x','BinaryValue':'AAE='},"
				 "'b':{'DataType':'Number','StringValue':'1'}}");
	char first[PB_MD5_TEXT], second[PB_MD5_TEXT];
	ck_assert_int_eq(pb_sqs_attributes_md5(one, first, NULL), 0);
	ck_assert_int_eq(pb_sqs_attributes_md5(two, second, NULL), 0);
	ck_assert_str_eq(first, second);

	/* Written out: length and name, length and type, kind, length and value, for each. */
	static const char bytes[] = "\0\0\0\1a\0\0\0\10Binary.x\2\0\0\0\2\0\1"
				    "\0\0\0\1b\0\0\0\6Number\1\0\0\0\0011";
	pb_md5_text(bytes, sizeof(bytes) - 1, second);
	ck_assert_str_eq(first, second);
}
END_TEST

static const struct {
	const char *message;
	bool is_good;
} messages[] = {
    {"{'Body':'','MD5OfBody':'d41d8cd98f00b204e9800998ecf8427e'}", true},
    {"{'Body':'hello','MD5OfBody':'5d41402abc4b2a76b9719d911017c592'}", true},
    {"{'Body':'hello','MD5OfBody':'5D41402ABC4B2A76B9719D911017C592'}", true},
    {"{'Body':'hello','MD5OfBody':'00000000000000000000000000000000'}", false},
    {"{'Body':'hello','MD5OfBody':''}", false},
    {"{'Body':'hello'}", true},
    {"{'MD5OfBody':'5d41402abc4b2a76b9719d911017c592'}", false},
    {"{'Body':5}", false},
    {"[]", false},
    {"{'Body':'x','MessageAttributes':{'a':{'DataType':'String','StringValue':'b'}},"
     "'MD5OfMessageAttributes':'bef8bf215374a0a228d67533b1a488be'}",
	true},
    {"{'Body':'x','MessageAttributes':{'a':{'DataType':'String','StringValue':'c'}},"
     "'MD5OfMessageAttributes':'bef8bf215374a0a228d67533b1a488be'}",
	false},
    {"{'Body':'x','MessageAttributes':{'a':{'StringValue':'b'}},"
     "'MD5OfMessageAttributes':'bef8bf215374a0a228d67533b1a488be'}",
	false},
    {"{'Body':'x','MessageAttributes':{'a':{'DataType':'Binary','BinaryValue':'?'}},"
     "'MD5OfMessageAttributes':'bef8bf215374a0a228d67533b1a488be'}",
	false},
    {"{'Body':'x','MD5OfMessageAttributes':'bef8bf215374a0a228d67533b1a488be'}", true},
};

START_TEST(a_message_is_what_was_sent)
{
	PB_JSON json_t *m = js(messages[_i].message);
	struct pb_error err = {0};
	int rc = pb_sqs_message_check(m, &err);
	ck_assert_msg(rc == (messages[_i].is_good ? 0 : -1), "%s", messages[_i].message);
	ck_assert(rc == 0 || err.kind == PB_CORRUPT);
}
END_TEST

START_TEST(a_sent_message_arrived_unchanged)
{
	PB_JSON json_t *good = js("{'MD5OfMessageBody':'5d41402abc4b2a76b9719d911017c592'}");
	ck_assert_int_eq(pb_sqs_sent_check(good, PB_STR("hello"), NULL), 0);
	ck_assert_int_eq(pb_sqs_sent_check(good, PB_STR("hellO"), NULL), -1);
}
END_TEST

PB_SUITE(sqs)
{
	pb_add(s, attributes_have_the_published_md5);
	pb_add(s, attributes_are_taken_in_order_of_name);
	pb_add_loop(s, a_message_is_what_was_sent, 0, PB_ARRAY_LEN(messages));
	pb_add(s, a_sent_message_arrived_unchanged);
}
