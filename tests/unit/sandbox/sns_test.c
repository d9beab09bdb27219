/*
 * The sandbox's SNS and STS: publishing, fan-out, and what Publish refuses.
 */
#include <stdlib.h>

#include "tests/unit/runner.h"
#include "tests/unit/sandbox/world.h"

#define ARN "arn%3Aaws%3Asns%3Aus-east-1%3A111122223333%3At"
#define TOPIC "TopicArn=" ARN

static json_t *
only_body(const struct world *w, const char *queue)
{
	PB_CLEANUP(pb_freep) char *target = pb_asprintf("/_sandbox/queues/%s", queue);
	PB_JSON json_t *q = world_ask(w, "GET", target, NULL);
	ck_assert_uint_eq(json_array_size(pb_json_get(q, "visible")), 1);
	return json_deep_copy(json_array_get(pb_json_get(q, "visible"), 0));
}

START_TEST(a_topic_fans_out_to_an_envelope_and_to_raw_text)
{
	WORLD w;
	PB_JSON json_t *envelope = NULL;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/topics", "{\"name\":\"t\",\"queue\":\"wrapped\"}");
	world_do(&w, "POST", "/_sandbox/topics", "{\"name\":\"t\",\"queue\":\"raw\",\"raw\":true}");
	OUTCOME o = world_query(&w, "sns", "Publish",
	    TOPIC
	    "&Message=a%20%26%20%3Cb%3E%2B&Subject=S"
	    "&MessageAttributes.entry.1.Name=sev&MessageAttributes.entry.1.Value.DataType=String"
	    "&MessageAttributes.entry.1.Value.StringValue=high");
	ck_assert_int_eq(o.status, 200);
	ck_assert_uint_eq(strlen(world_element(&o, "MessageId")), 36);

	PB_JSON json_t *wrapped = only_body(&w, "wrapped");
	ck_assert_int_eq(
	    pb_json_parse(pb_str_of(pb_json_str(wrapped, "body")), &envelope, NULL), 0);
	ck_assert_str_eq(pb_json_str_or(envelope, "Type", ""), "Notification");
	ck_assert_str_eq(pb_json_str_or(envelope, "Message", ""), "a & <b>+");
	ck_assert_str_eq(pb_json_str_or(envelope, "Subject", ""), "S");
	ck_assert_str_eq(pb_json_str_or(envelope, "MessageId", ""), world_element(&o, "MessageId"));
	const json_t *sev = pb_json_path(envelope, PB_STR("MessageAttributes.sev.Value"));
	ck_assert_str_eq(json_string_value(sev), "high");

	PB_JSON json_t *raw = only_body(&w, "raw");
	ck_assert_str_eq(pb_json_str_or(raw, "body", ""), "a & <b>+");
	sev = pb_json_path(raw, PB_STR("attributes.sev.StringValue"));
	ck_assert_str_eq(json_string_value(sev), "high");
}
END_TEST

START_TEST(a_text_to_a_phone_is_kept_under_its_number)
{
	WORLD w;
	world_start(&w);
	OUTCOME o =
	    world_query(&w, "sns", "Publish", "PhoneNumber=%2B447700900001&Message=wake%20up");
	ck_assert_int_eq(o.status, 200);
	ck_assert_uint_eq(strlen(world_element(&o, "MessageId")), 36);
	PB_JSON json_t *all = world_ask(&w, "GET", "/_sandbox/phones", NULL);
	ck_assert_str_eq(json_string_value(json_array_get(all, 0)), "447700900001");
	PB_JSON json_t *one = world_ask(&w, "GET", "/_sandbox/phones/+447700900001", NULL);
	const json_t *text = json_array_get(pb_json_get(one, "published"), 0);
	ck_assert_str_eq(pb_json_str_or(text, "message", ""), "wake up");
}
END_TEST

static const char *const bad_phones[] = {
    "PhoneNumber=ana&Message=m",
    "PhoneNumber=%2B&Message=m",
    "PhoneNumber=%2B4477009000011234567&Message=m",
    "PhoneNumber=%2B447700900001&Message=",
    "PhoneNumber=%2B447700900001&Message=m&" TOPIC,
};

START_TEST(a_text_that_cannot_be_sent_is_refused)
{
	WORLD w;
	world_start(&w);
	OUTCOME o = world_query(&w, "sns", "Publish", bad_phones[_i]);
	ck_assert_int_eq(o.status, 400);
	ck_assert_str_eq(o.code, "InvalidParameter");
	PB_JSON json_t *all = world_ask(&w, "GET", "/_sandbox/phones", NULL);
	ck_assert_uint_eq(json_array_size(all), 0);
}
END_TEST

START_TEST(a_text_to_a_phone_has_a_longest_length)
{
	WORLD w;
	world_start(&w);
	for (int n = 1600; n <= 1601; n++) {
		PB_CLEANUP(pb_freep)
		char *query = pb_asprintf("PhoneNumber=%%2B447700900001&Message=%0*d", n, 1);
		OUTCOME o = world_query(&w, "sns", "Publish", query);
		ck_assert_int_eq(o.status, n == 1600 ? 200 : 400);
	}
}
END_TEST

START_TEST(topics_and_subscriptions_are_made_over_the_wire)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/queues", "{\"name\":\"q\"}");
	OUTCOME topic = world_query(&w, "sns", "CreateTopic", "Name=t");
	ck_assert_str_eq(world_element(&topic, "TopicArn"), "arn:aws:sns:us-east-1:111122223333:t");
	OUTCOME sub = world_query(&w, "sns", "Subscribe",
	    TOPIC "&Protocol=sqs&Endpoint=arn%3Aaws%3Asqs%3Aus-east-1%3A111122223333%3Aq"
		  "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true");
	ck_assert_int_eq(sub.status, 200);
	OUTCOME o = world_query(&w, "sns", "Publish", TOPIC "&Message=hello");
	ck_assert_int_eq(o.status, 200);
	PB_JSON json_t *m = only_body(&w, "q");
	ck_assert_str_eq(pb_json_str_or(m, "body", ""), "hello");
}
END_TEST

START_TEST(a_fifo_topic_publishes_a_deduplication_id_once_in_five_minutes)
{
	WORLD w;
	char first[64];
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/topics", "{\"name\":\"t.fifo\"}");
#define PAGE "TopicArn=" ARN ".fifo&Message=m&MessageGroupId=g&MessageDeduplicationId=d"
	OUTCOME a = world_query(&w, "sns", "Publish", PAGE);
	(void)snprintf(first, sizeof(first), "%s", world_element(&a, "MessageId"));
	OUTCOME b = world_query(&w, "sns", "Publish", PAGE);
	ck_assert_str_eq(world_element(&b, "MessageId"), first);
	world_do(&w, "POST", "/_sandbox/clock", "{\"advance_ms\":300001}");
	OUTCOME c = world_query(&w, "sns", "Publish", PAGE);
	ck_assert_str_ne(world_element(&c, "MessageId"), first);
	PB_JSON json_t *t = world_ask(&w, "GET", "/_sandbox/topics/t.fifo", NULL);
	ck_assert_uint_eq(json_array_size(pb_json_get(t, "published")), 2);
}
END_TEST

START_TEST(a_json_message_structure_gives_queues_their_part)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/topics", "{\"name\":\"t\",\"queue\":\"q\",\"raw\":true}");
	OUTCOME o = world_query(&w, "sns", "Publish",
	    TOPIC
	    "&MessageStructure=json&Message=%7B%22default%22%3A%22d%22%2C%22sqs%22%3A%22s%22%7D");
	ck_assert_int_eq(o.status, 200);
	PB_JSON json_t *m = only_body(&w, "q");
	ck_assert_str_eq(pb_json_str_or(m, "body", ""), "s");
}
END_TEST

START_TEST(a_message_is_at_most_256_kib)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/topics", "{\"name\":\"t\"}");
	for (size_t over = 0; over < 2; over++) {
		size_t len = 262144 + over;
		PB_CLEANUP(pb_freep) char *text = pb_malloc(len + 1);
		memset(text, 'x', len);
		text[len] = '\0';
		PB_CLEANUP(pb_freep) char *form = pb_asprintf("%s&Message=%s", TOPIC, text);
		OUTCOME o = world_query(&w, "sns", "Publish", form);
		ck_assert_int_eq(o.status, over ? 400 : 200);
		ck_assert_str_eq(o.code, over ? "InvalidParameter" : "");
	}
}
END_TEST

#define X10 "xxxxxxxxxx"
#define X99 X10 X10 X10 X10 X10 X10 X10 X10 X10 "xxxxxxxxx"

static const struct {
	const char *name, *operation, *form, *code;
	int status;
} cases[] = {
    {"a subject of 99 characters", "Publish", TOPIC "&Message=m&Subject=" X99, "", 200},
    {"a subject of 100", "Publish", TOPIC "&Message=m&Subject=" X99 "x", "InvalidParameter", 400},
    {"a line break in the subject", "Publish", TOPIC "&Message=m&Subject=a%0Ab", "InvalidParameter",
	400},
    {"an empty subject", "Publish", TOPIC "&Message=m&Subject=", "InvalidParameter", 400},
    {"an empty message", "Publish", TOPIC "&Message=", "InvalidParameter", 400},
    {"no topic there", "Publish", TOPIC "none&Message=m", "NotFound", 404},
    {"no topic named", "Publish", "Message=m", "InvalidParameter", 400},
    {"structure without default", "Publish", TOPIC "&MessageStructure=json&Message=%7B%7D",
	"InvalidParameter", 400},
    {"an empty attribute", "Publish",
	TOPIC "&Message=m&MessageAttributes.entry.1.Name=a"
	      "&MessageAttributes.entry.1.Value.DataType=String"
	      "&MessageAttributes.entry.1.Value.StringValue=",
	"ParameterValueInvalid", 400},
    {"deduplication on a standard topic", "Publish", TOPIC "&Message=m&MessageDeduplicationId=d",
	"InvalidParameter", 400},
    {"a bad topic name", "CreateTopic", "Name=a%20b", "InvalidParameter", 400},
    {"an unknown action", "Dance", "", "InvalidAction", 400},
    {"an empty batch", "PublishBatch", TOPIC, "EmptyBatchRequest", 400},
};

START_TEST(publish_is_checked_as_the_service_does)
{
	WORLD w;
	world_start(&w);
	world_do(&w, "POST", "/_sandbox/topics", "{\"name\":\"t\"}");
	OUTCOME o = world_query(&w, "sns", cases[_i].operation, cases[_i].form);
	ck_assert_msg(o.status == cases[_i].status && pb_streq(o.code, cases[_i].code), "%s: %d %s",
	    cases[_i].name, o.status, o.code);
}
END_TEST

START_TEST(sts_says_who_is_calling)
{
	WORLD w;
	world_start(&w);
	OUTCOME o = world_query(&w, "sts", "GetCallerIdentity", "");
	ck_assert_int_eq(o.status, 200);
	ck_assert_str_eq(world_element(&o, "Account"), "111122223333");
}
END_TEST

PB_SUITE(sandbox_sns)
{
	pb_add(s, a_topic_fans_out_to_an_envelope_and_to_raw_text);
	pb_add(s, a_text_to_a_phone_is_kept_under_its_number);
	pb_add(s, a_text_to_a_phone_has_a_longest_length);
	pb_add_loop(s, a_text_that_cannot_be_sent_is_refused, 0, PB_ARRAY_LEN(bad_phones));
	pb_add(s, topics_and_subscriptions_are_made_over_the_wire);
	pb_add(s, a_fifo_topic_publishes_a_deduplication_id_once_in_five_minutes);
	pb_add(s, a_json_message_structure_gives_queues_their_part);
	pb_add(s, a_message_is_at_most_256_kib);
	pb_add_loop(s, publish_is_checked_as_the_service_does, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, sts_says_who_is_calling);
}
