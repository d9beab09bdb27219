/*
 * The shared files and the order of settings.
 */
#include "aws/profile.h"

#include <stdlib.h>

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

#define CONFIG                                                                                     \
	"\xef\xbb\xbf# comment\r\n"                                                                \
	"[default]\r\n"                                                                            \
	"Region = eu-west-1 ; where\r\n"                                                           \
	"output=json\n"                                                                            \
	"empty =\n"                                                                                \
	"\n"                                                                                       \
	"[profile prod] # the real one\n"                                                          \
	"region\t=\tus-east-1\n"                                                                   \
	"value = a#b;c\n"                                                                          \
	"long = one\n"                                                                             \
	"  two\n"                                                                                  \
	"\n"                                                                                       \
	"\tthree # still text\n"                                                                   \
	"services = local\n"                                                                       \
	"[profile \"with blank\"]\n"                                                               \
	"region = sa-east-1\n"                                                                     \
	"[stray]\n"                                                                                \
	"region = none\n"                                                                          \
	"[services local]\n"                                                                       \
	"sqs =\n"                                                                                  \
	"  endpoint_url = http://127.0.0.1:9324\n"                                                 \
	"  other = x\n"                                                                            \
	"s3 =\n"                                                                                   \
	"  endpoint_url = http://s3"

#define CREDENTIALS                                                                                \
	"[default]\naws_access_key_id = A\naws_secret_access_key = B=/+\n"                         \
	"[prod]\nregion = ap-south-1\n[profile odd]\nregion = x\n"

static struct pb_profiles *
both(void)
{
	struct pb_profiles *p = pb_profiles_new();
	ck_assert_int_eq(pb_profiles_add(p, PB_PROFILE_CONFIG, PB_STR(CONFIG), NULL), 0);
	ck_assert_int_eq(pb_profiles_add(p, PB_PROFILE_CREDENTIALS, PB_STR(CREDENTIALS), NULL), 0);
	return p;
}

static const struct {
	const char *profile, *key, *value;
} keys[] = {
    {"default", "region", "eu-west-1"},
    {"default", "REGION", "eu-west-1"},
    {"default", "output", "json"},
    {"default", "empty", ""},
    {"default", "aws_secret_access_key", "B=/+"},
    {"default", "absent", NULL},
    {"prod", "region", "ap-south-1"}, /* the credentials file wins */
    {"prod", "value", "a#b;c"},
    {"prod", "long", "one\ntwo\nthree # still text"},
    {"with blank", "region", "sa-east-1"},
    {"stray", "region", NULL},
    {"odd", "region", NULL},
    {"nobody", "region", NULL},
};

START_TEST(a_key_is_found_in_its_profile)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = both();
	ck_assert_pstr_eq(pb_profiles_get(p, keys[_i].profile, keys[_i].key), keys[_i].value);
}
END_TEST

START_TEST(nested_keys_belong_to_their_section)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = both();
	ck_assert_str_eq(pb_profiles_section_get(p, "services", "local", "SQS.endpoint_url"),
	    "http://127.0.0.1:9324");
	ck_assert_str_eq(pb_profiles_section_get(p, "services", "local", "sqs.other"), "x");
	ck_assert_str_eq(
	    pb_profiles_section_get(p, "services", "local", "s3.endpoint_url"), "http://s3");
	ck_assert_ptr_null(pb_profiles_section_get(p, "services", "far", "sqs.endpoint_url"));
	ck_assert_str_eq(pb_profiles_get_from(p, PB_PROFILE_CONFIG, "prod", "region"), "us-east-1");
	ck_assert(pb_profiles_has(p, "with blank"));
	ck_assert(!pb_profiles_has(p, "local"));
	ck_assert(!pb_profiles_has(NULL, "default"));
}
END_TEST

static const struct {
	const char *text;
	int line;
} broken[] = {
    {"region = x\n", 1},
    {"[default]\nregion\n", 2},
    {"[default]\n= x\n", 2},
    {"[default\nregion = x\n", 1},
    {"[]\n", 1},
    {"[default]\n  indented = x\n", 2},
    {"[services a]\nsqs =\n  endpoint_url\n", 3},
    {"[services a]\nsqs =\n  = x\n", 3},
};

START_TEST(a_broken_file_says_which_line_and_leaves_nothing)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = both();
	struct pb_error err = {0};
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%s[late]\nregion = y\n", broken[_i].text);
	ck_assert_int_eq(pb_profiles_add(p, PB_PROFILE_CREDENTIALS, pb_str_of(text), &err), -1);
	ck_assert_int_eq(err.kind, PB_SYNTAX);
	ck_assert_int_eq(err.line, broken[_i].line);
	ck_assert(!pb_profiles_has(p, "late"));
	ck_assert_str_eq(pb_profiles_get(p, "default", "region"), "eu-west-1");
}
END_TEST

START_TEST(files_have_caps)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = pb_profiles_new();
	struct pb_error err = {0};
	char *big = pb_malloc(PB_PROFILE_FILE_MAX + 1);
	memset(big, '\n', PB_PROFILE_FILE_MAX + 1);
	ck_assert_int_eq(
	    pb_profiles_add(p, PB_PROFILE_CONFIG, (struct pb_str){big, PB_PROFILE_FILE_MAX}, NULL),
	    0);
	ck_assert_int_eq(pb_profiles_add(p, PB_PROFILE_CONFIG,
			     (struct pb_str){big, PB_PROFILE_FILE_MAX + 1}, &err),
	    -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	free(big);

	PB_CLEANUP(pb_buf_fini) struct pb_buf many = PB_BUF_INIT;
	pb_buf_adds(&many, "[default]\n");
	for (int i = 0; i < PB_PROFILE_KEYS_MAX; i++)
		pb_buf_addf(&many, "k%d=v\n", i);
	ck_assert_int_eq(pb_profiles_add(p, PB_PROFILE_CONFIG, pb_buf_str(&many), &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	ck_assert(!pb_profiles_has(p, "default"));
	ck_assert_int_eq(
	    pb_profiles_add(p, PB_PROFILE_CONFIG, PB_STR("[default]\na=\0b\n"), &err), -1);
	ck_assert_int_eq(err.line, 2);
}
END_TEST

START_TEST(every_prefix_of_a_file_ends_well)
{
	for (size_t len = 0; len <= strlen(CONFIG); len++) {
		PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = pb_profiles_new();
		char *copy = pb_malloc(len + 1);
		memcpy(copy, CONFIG, len);
		(void)pb_profiles_add(p, PB_PROFILE_CONFIG, (struct pb_str){copy, len}, NULL);
		free(copy);
	}
}
END_TEST

static const struct {
	const char *named;
	const char *env[4];
	const char *profile, *region, *path;
} settings[] = {
    {NULL, {NULL}, "default", "eu-west-1", NULL},
    {NULL, {"HOME=/home/x"}, "default", "eu-west-1", "/home/x/.aws/config"},
    {NULL, {"AWS_PROFILE=prod", "AWS_DEFAULT_PROFILE=y"}, "prod", "ap-south-1", NULL},
    {NULL, {"AWS_DEFAULT_PROFILE=prod"}, "prod", "ap-south-1", NULL},
    {"with blank", {"AWS_PROFILE=prod"}, "with blank", "sa-east-1", NULL},
    {NULL, {"AWS_DEFAULT_REGION=b", "AWS_REGION=a"}, "default", "a", NULL},
    {NULL, {"AWS_DEFAULT_REGION=b", "AWS_REGION="}, "default", "b", NULL},
    {NULL, {"AWS_PROFILE=odd"}, "odd", NULL, NULL},
    {NULL, {"AWS_CONFIG_FILE=/etc/c", "HOME=/h"}, "default", "eu-west-1", "/etc/c"},
    {NULL, {"AWS_CONFIG_FILE=~/c", "HOME=/h"}, "default", "eu-west-1", "/h/c"},
};

START_TEST(settings_come_from_environment_then_profile)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = both();
	const char *env[4];
	memcpy(env, settings[_i].env, sizeof(env));
	struct pb_aws_config c = {
	    .getenv = fake_getenv, .getenv_arg = env, .profiles = p, .profile = settings[_i].named};
	ck_assert_str_eq(pb_aws_config_profile(&c), settings[_i].profile);
	ck_assert_pstr_eq(pb_aws_config_region(&c), settings[_i].region);
	PB_CLEANUP(pb_freep) char *path = pb_aws_config_path(&c, PB_PROFILE_CONFIG);
	ck_assert_pstr_eq(path, settings[_i].path);
}
END_TEST

START_TEST(a_truth_is_true_or_false)
{
	const char *env[] = {"A=TRUE", "B=false", "C=yes", NULL};
	struct pb_aws_config c = {.getenv = fake_getenv, .getenv_arg = env};
	struct pb_error err = {0};
	bool b = false;
	ck_assert(pb_aws_config_get_bool(&c, "A", NULL, false, &b, &err) == 0 && b);
	ck_assert(pb_aws_config_get_bool(&c, "B", NULL, true, &b, &err) == 0 && !b);
	ck_assert(pb_aws_config_get_bool(&c, "X", "key", true, &b, &err) == 0 && b);
	ck_assert_int_eq(pb_aws_config_get_bool(&c, "C", NULL, true, &b, &err), -1);
	ck_assert_msg(strstr(err.text, "C: \"yes\"") != NULL, "%s", err.text);
}
END_TEST

PB_SUITE(profile)
{
	pb_add_loop(s, a_key_is_found_in_its_profile, 0, PB_ARRAY_LEN(keys));
	pb_add(s, nested_keys_belong_to_their_section);
	pb_add_loop(s, a_broken_file_says_which_line_and_leaves_nothing, 0, PB_ARRAY_LEN(broken));
	pb_add(s, files_have_caps);
	pb_add(s, every_prefix_of_a_file_ends_well);
	pb_add_loop(s, settings_come_from_environment_then_profile, 0, PB_ARRAY_LEN(settings));
	pb_add(s, a_truth_is_true_or_false);
}
