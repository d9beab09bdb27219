/*
 * Endpoints.
 */
#include "aws/endpoint.h"

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

static const struct {
	const char *region, *partition;
} regions[] = {
    {"us-east-1", "aws"},
    {"mx-central-1", "aws"},
    {"cn-north-1", "aws-cn"},
    {"us-gov-west-1", "aws-us-gov"},
    {"us-iso-east-1", "aws-iso"},
    {"us-isob-east-1", "aws-iso-b"},
    {"eu-isoe-west-1", "aws-iso-e"},
    {"us-isof-south-1", "aws-iso-f"},
    {"eusc-de-east-1", "aws-eusc"},
    {"us-gov-west", "aws"},
    {"us-gov-west-1x", "aws"},
    {"us-gov-we-st-1", "aws"},
    {"somewhere", "aws"},
};

START_TEST(a_region_belongs_to_a_partition)
{
	ck_assert_str_eq(pb_aws_partition_of(regions[_i].region)->name, regions[_i].partition);
}
END_TEST

static const struct {
	const char *service, *region;
	bool fips, dualstack;
	const char *custom;
	const char *host, *base; /* host NULL = refused */
	bool is_tls;
	const char *part; /* of the refusal */
} endpoints[] = {
    {"cloudwatch", "eu-west-1", 0, 0, NULL, "monitoring.eu-west-1.amazonaws.com", "", true, NULL},
    {"sqs", "us-east-1", 1, 0, NULL, "sqs-fips.us-east-1.amazonaws.com", "", true, NULL},
    {"sqs", "us-east-1", 0, 1, NULL, "sqs.us-east-1.api.aws", "", true, NULL},
    {"sqs", "us-east-1", 1, 1, NULL, "sqs-fips.us-east-1.api.aws", "", true, NULL},
    {"sns", "cn-north-1", 0, 0, NULL, "sns.cn-north-1.amazonaws.com.cn", "", true, NULL},
    {"sns", "cn-north-1", 0, 1, NULL, "sns.cn-north-1.api.amazonwebservices.com.cn", "", true,
	NULL},
    {"cloudwatch", "us-gov-west-1", 1, 0, NULL, "monitoring.us-gov-west-1.amazonaws.com", "", true,
	NULL},
    {"cloudwatch", "us-gov-west-1", 1, 1, NULL, "monitoring.us-gov-west-1.api.aws", "", true, NULL},
    {"sqs", "us-gov-west-1", 1, 0, NULL, "sqs.us-gov-west-1.amazonaws.com", "", true, NULL},
    {"sqs", "us-gov-west-1", 1, 1, NULL, "sqs-fips.us-gov-west-1.api.aws", "", true, NULL},
    {"lambda", "us-gov-west-1", 1, 0, NULL, "lambda-fips.us-gov-west-1.amazonaws.com", "", true,
	NULL},
    {"states", "us-gov-west-1", 1, 0, NULL, "states.us-gov-west-1.amazonaws.com", "", true, NULL},
    {"states", "us-gov-east-1", 1, 0, NULL, "states-fips.us-gov-east-1.amazonaws.com", "", true,
	NULL},
    {"states", "us-gov-east-1", 0, 1, NULL, "states-fips.us-gov-east-1.api.aws", "", true, NULL},
    {"states", "us-gov-east-1", 0, 0, NULL, "states.us-gov-east-1.amazonaws.com", "", true, NULL},
    {"states", "us-east-1", 0, 1, NULL, "states.us-east-1.api.aws", "", true, NULL},
    {"codepipeline", "eu-west-1", 0, 0, NULL, "codepipeline.eu-west-1.amazonaws.com", "", true,
	NULL},
    {"codepipeline", "us-iso-east-1", 0, 0, NULL, NULL, NULL, false, "not offered"},
    {"sqs", "eu-west-1", 0, 0, "http://127.0.0.1:9324", "127.0.0.1:9324", "", false, NULL},
    {"sqs", "eu-west-1", 0, 0, "http://localhost:80/", "localhost", "", false, NULL},
    {"sqs", "eu-west-1", 0, 0, "HTTPS://x.example:443/a/b/", "x.example", "/a/b", true, NULL},
    {"sqs", "eu-west-1", 0, 0, "https://x.example:80", "x.example:80", "", true, NULL},
    {"sqs", "eu-west-1", 0, 0, "http://[::1]:4566/base", "[::1]:4566", "/base", false, NULL},
    {"sqs", "eu-west-1", 0, 0, "", "sqs.eu-west-1.amazonaws.com", "", true, NULL},
    {"sqs", "eu-west-1", 1, 0, "http://127.0.0.1", NULL, NULL, false, "excludes FIPS"},
    {"sqs", "eu-west-1", 0, 1, "http://127.0.0.1", NULL, NULL, false, "dual-stack"},
    {"sqs", "eu-west-1", 0, 0, "127.0.0.1:4566", NULL, NULL, false, "must start with http"},
    {"sqs", "eu-west-1", 0, 0, "http://", NULL, NULL, false, "host and port"},
    {"sqs", "eu-west-1", 0, 0, "http://h:0", NULL, NULL, false, "host and port"},
    {"sqs", "eu-west-1", 0, 0, "http://h:65536", NULL, NULL, false, "host and port"},
    {"sqs", "eu-west-1", 0, 0, "http://h:", NULL, NULL, false, "host and port"},
    {"sqs", "eu-west-1", 0, 0, "http://[::1", NULL, NULL, false, "host and port"},
    {"sqs", "eu-west-1", 0, 0, "http://u:secret@h/", NULL, NULL, false, "no user"},
    {"sqs", "eu-west-1", 0, 0, "http://h/?a", NULL, NULL, false, "no query"},
    {"sqs", "eu-west-1", 0, 0, "http://h/a b", NULL, NULL, false, "percent-encoded"},
    {"sqs", NULL, 0, 0, NULL, NULL, NULL, false, "AWS_REGION"},
    {"sqs", "", 0, 0, NULL, NULL, NULL, false, "AWS_REGION"},
    {"sqs", "eu/west", 0, 0, NULL, NULL, NULL, false, "no AWS region"},
    {"sqs", "evil.example#", 0, 0, NULL, NULL, NULL, false, "no AWS region"},
};

START_TEST(an_endpoint_follows_the_rules)
{
	struct pb_aws_endpoint_options o = {endpoints[_i].region, endpoints[_i].fips,
	    endpoints[_i].dualstack, endpoints[_i].custom};
	struct pb_aws_endpoint e;
	struct pb_error err = {0};
	int rc = pb_aws_endpoint_resolve(pb_aws_service_find(endpoints[_i].service), &o, &e, &err);
	ck_assert_msg(rc == (endpoints[_i].host ? 0 : -1), "%s", err.text);
	if (rc < 0) {
		ck_assert_int_eq(err.kind, PB_INVALID);
		ck_assert_msg(strstr(err.text, endpoints[_i].part) != NULL, "%s", err.text);
		ck_assert_ptr_null(strstr(err.text, "secret"));
		return;
	}
	ck_assert_str_eq(e.host, endpoints[_i].host);
	ck_assert_str_eq(e.base_path, endpoints[_i].base);
	ck_assert_int_eq(e.is_tls, endpoints[_i].is_tls);
	ck_assert_str_eq(e.region, endpoints[_i].region);
}
END_TEST

#define FILE_TEXT                                                                                  \
	"[default]\nendpoint_url = http://profile\nservices = local\n"                             \
	"[services local]\nsqs =\n  endpoint_url = http://section\n"                               \
	"auto_scaling =\n  endpoint_url = http://scaling\n"

static const struct {
	const char *env[4];
	const char *service, *url;
} configured[] = {
    {{"AWS_ENDPOINT_URL_SQS=http://one", "AWS_ENDPOINT_URL=http://all"}, "sqs", "http://one"},
    {{"AWS_ENDPOINT_URL_SQS=http://one", "AWS_ENDPOINT_URL=http://all"}, "sns", "http://all"},
    {{NULL}, "sqs", "http://section"},
    {{NULL}, "autoscaling", "http://scaling"},
    {{NULL}, "sns", "http://profile"},
    {{"AWS_ENDPOINT_URL_SQS="}, "sqs", "http://section"},
    {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ENDPOINT_URL=http://all"}, "sqs", NULL},
    {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false", "AWS_ENDPOINT_URL=http://all"}, "sqs",
	"http://all"},
    {{"AWS_PROFILE=other"}, "sqs", NULL},
};

START_TEST(a_configured_endpoint_has_its_order)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = pb_profiles_new();
	ck_assert_int_eq(pb_profiles_add(p, PB_PROFILE_CONFIG, PB_STR(FILE_TEXT), NULL), 0);
	const char *env[4];
	memcpy(env, configured[_i].env, sizeof(env));
	struct pb_aws_config c = {.getenv = fake_getenv, .getenv_arg = env, .profiles = p};
	const char *url =
	    pb_aws_endpoint_configured(pb_aws_service_find(configured[_i].service), &c);
	ck_assert_pstr_eq(url, configured[_i].url);
}
END_TEST

static const struct {
	const char *url, *region;
} queues[] = {
    {"https://sqs.eu-west-1.amazonaws.com/111122223333/ops", "eu-west-1"},
    {"https://sqs-fips.us-gov-west-1.api.aws/1/q", "us-gov-west-1"},
    {"https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"},
    {"https://eu-west-2.queue.amazonaws.com/1/q", "eu-west-2"},
    {"https://queue.amazonaws.com/1/q", "us-east-1"},
    {"http://127.0.0.1:9324/1/q", NULL},
    {"https://sqs.eu-west-1.example.com/1/q", NULL},
    {"https://sqs.amazonaws.com/1/q", NULL},
    {"sqs.eu-west-1.amazonaws.com/1/q", NULL},
    {"https://", NULL},
    {"", NULL},
};

START_TEST(a_queue_url_names_its_region)
{
	char region[PB_AWS_REGION_MAX] = "";
	bool is_known = pb_aws_queue_url_region(queues[_i].url, region);
	ck_assert_int_eq(is_known, queues[_i].region != NULL);
	if (is_known)
		ck_assert_str_eq(region, queues[_i].region);
}
END_TEST

PB_SUITE(endpoint)
{
	pb_add_loop(s, a_region_belongs_to_a_partition, 0, PB_ARRAY_LEN(regions));
	pb_add_loop(s, an_endpoint_follows_the_rules, 0, PB_ARRAY_LEN(endpoints));
	pb_add_loop(s, a_configured_endpoint_has_its_order, 0, PB_ARRAY_LEN(configured));
	pb_add_loop(s, a_queue_url_names_its_region, 0, PB_ARRAY_LEN(queues));
}
