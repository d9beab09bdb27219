/*
 * The credential chain and the refresh rules.
 */
#include "aws/creds.h"

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

#define ENV_KEYS "AWS_ACCESS_KEY_ID=EID", "AWS_SECRET_ACCESS_KEY=ESECRET"
#define FILE_KEYS "[default]\naws_access_key_id = FID\naws_secret_access_key = FSECRET\n"
#define NO_IMDS "AWS_EC2_METADATA_DISABLED=true"

static const struct {
	const char *what;
	const char *named; /* profile named in our configuration */
	const char *env[6];
	const char *config, *credentials; /* NULL = no such file */
	const char *id, *source; /* id NULL = fails */
	enum pb_error_kind kind;
	const char *part;
} chains[] = {
    {"environment", NULL, {ENV_KEYS}, NULL, FILE_KEYS, "EID", "environment AWS_ACCESS_KEY_ID",
	PB_OK, NULL},
    {"environment under AWS_PROFILE", NULL, {ENV_KEYS, "AWS_PROFILE=default"}, NULL, FILE_KEYS,
	"EID", "environment AWS_ACCESS_KEY_ID", PB_OK, NULL},
    {"a named profile goes before the environment", "default", {ENV_KEYS, "HOME=/h"}, NULL,
	FILE_KEYS, "FID", "profile default in ~/.aws/credentials", PB_OK, NULL},
    {"half an environment", NULL, {"AWS_ACCESS_KEY_ID=EID"}, NULL, FILE_KEYS, NULL, NULL,
	PB_INVALID, "AWS_SECRET_ACCESS_KEY is not"},
    {"bad expiration", NULL, {ENV_KEYS, "AWS_CREDENTIAL_EXPIRATION=soon"}, NULL, NULL, NULL, NULL,
	PB_SYNTAX, "AWS_CREDENTIAL_EXPIRATION"},
    {"credentials file", NULL, {"HOME=/h"}, NULL, FILE_KEYS, "FID",
	"profile default in ~/.aws/credentials", PB_OK, NULL},
    {"config file", NULL, {"HOME=/h"}, FILE_KEYS, NULL, "FID", "profile default in ~/.aws/config",
	PB_OK, NULL},
    {"credentials before config", NULL, {"HOME=/h", "AWS_CONFIG_FILE=/etc/c"},
	"[default]\naws_access_key_id=CID\naws_secret_access_key=x\n", FILE_KEYS, "FID",
	"profile default in ~/.aws/credentials", PB_OK, NULL},
    {"another path", NULL, {"HOME=/h", "AWS_SHARED_CREDENTIALS_FILE=/etc/k"}, NULL, FILE_KEYS,
	"FID", "profile default in /etc/k", PB_OK, NULL},
    {"half a profile", NULL, {"HOME=/h"}, NULL, "[default]\naws_access_key_id = FID\n", NULL, NULL,
	PB_INVALID, "no aws_secret_access_key"},
    {"no such profile", NULL, {"HOME=/h", "AWS_PROFILE=gone"}, NULL, FILE_KEYS, NULL, NULL,
	PB_NOT_FOUND, "profile gone is neither in ~/.aws/config nor in ~/.aws/credentials"},
    {"sso", NULL, {"HOME=/h"}, "[default]\nsso_account_id = 1\n", FILE_KEYS, NULL, NULL,
	PB_UNSUPPORTED, "SSO (sso_account_id of profile default)"},
    {"static keys before a process", NULL, {"HOME=/h"}, "[default]\ncredential_process = x\n",
	FILE_KEYS, "FID", "profile default in ~/.aws/credentials", PB_OK, NULL},
    {"nothing", NULL, {"HOME=/h", NO_IMDS}, NULL, NULL, NULL, NULL, PB_NOT_FOUND,
	"put keys under [default] in ~/.aws/credentials"},
    {"nothing and no home", NULL, {NO_IMDS}, NULL, NULL, NULL, NULL, PB_NOT_FOUND,
	"set AWS_ACCESS_KEY_ID"},
    {"a broken file that nobody asked for", NULL, {"HOME=/h"}, "broken\n", FILE_KEYS, "FID",
	"profile default in ~/.aws/credentials", PB_OK, NULL},
    {"a broken file of a profile asked for", NULL, {"HOME=/h", "AWS_PROFILE=default"}, "broken\n",
	FILE_KEYS, NULL, NULL, PB_SYNTAX, "/h/.aws/config: line 1"},
};

/* Drive the chain as a daemon does. */
static int
drive(
    struct pb_creds_chain *chain, const char *config, const char *credentials, struct pb_error *err)
{
	for (int i = 0; i < 4; i++) {
		struct pb_creds_ask ask;
		if (pb_creds_next(chain, &ask, err) < 0)
			return -1;
		if (ask.kind == PB_CREDS_DONE)
			return 0;
		bool is_config = i == 0;
		const char *text = is_config ? config : credentials;
		struct pb_str bytes = pb_str_of(text);
		pb_creds_feed_file(chain, text ? &bytes : NULL);
	}
	ck_abort_msg("the chain does not end");
}

START_TEST(the_first_configured_source_wins)
{
	const char *env[6];
	memcpy(env, chains[_i].env, sizeof(env));
	struct pb_aws_config c = {
	    .getenv = fake_getenv, .getenv_arg = env, .profile = chains[_i].named};
	PB_CLEANUP(pb_creds_chain_freep) struct pb_creds_chain *chain = pb_creds_chain_new(&c, 0);
	struct pb_error err = {0};
	int rc = drive(chain, chains[_i].config, chains[_i].credentials, &err);
	ck_assert_msg(rc == (chains[_i].id ? 0 : -1), "%s: %s", chains[_i].what, err.text);
	if (rc < 0) {
		ck_assert_msg(err.kind == chains[_i].kind, "%s: %s", chains[_i].what, err.text);
		ck_assert_msg(strstr(err.text, chains[_i].part) != NULL, "%s", err.text);
		ck_assert_ptr_null(strstr(err.text, "FSECRET"));
		ck_assert_ptr_null(strstr(err.text, "ESECRET"));
		return;
	}
	PB_CLEANUP(pb_aws_creds_freep) struct pb_aws_creds *creds = pb_creds_take(chain);
	ck_assert_str_eq(creds->access_key_id, chains[_i].id);
	ck_assert_str_eq(creds->source, chains[_i].source);
	ck_assert_ptr_null(creds->session_token);
}
END_TEST

START_TEST(temporary_credentials_keep_token_and_expiration)
{
	const char *env[] = {ENV_KEYS, "AWS_SESSION_TOKEN=T", "AWS_ACCOUNT_ID=111122223333",
	    "AWS_CREDENTIAL_EXPIRATION=1970-01-01T00:00:09Z", NULL};
	struct pb_aws_config c = {.getenv = fake_getenv, .getenv_arg = env};
	PB_CLEANUP(pb_creds_chain_freep) struct pb_creds_chain *chain = pb_creds_chain_new(&c, 0);
	ck_assert_int_eq(drive(chain, NULL, NULL, NULL), 0);
	PB_CLEANUP(pb_aws_creds_freep) struct pb_aws_creds *creds = pb_creds_take(chain);
	PB_CLEANUP(pb_aws_creds_freep) struct pb_aws_creds *copy = pb_aws_creds_copy(creds);
	ck_assert_str_eq(copy->session_token, "T");
	ck_assert_str_eq(copy->account_id, "111122223333");
	ck_assert_int_eq(copy->expires_at, 9000);
}
END_TEST

START_TEST(a_file_passed_over_leaves_a_warning)
{
	const char *env[] = {ENV_KEYS, "HOME=/h", NULL};
	struct pb_aws_config c = {.getenv = fake_getenv, .getenv_arg = env};
	PB_CLEANUP(pb_creds_chain_freep) struct pb_creds_chain *chain = pb_creds_chain_new(&c, 0);
	struct pb_creds_ask ask;
	ck_assert_int_eq(pb_creds_next(chain, &ask, NULL), 0);
	ck_assert_str_eq(ask.path, "/h/.aws/config");
	pb_creds_feed_file_error(chain, "Permission denied");
	ck_assert_int_eq(pb_creds_next(chain, &ask, NULL), 0);
	ck_assert_str_eq(ask.path, "/h/.aws/credentials");
	struct pb_str bytes = PB_STR("[x");
	pb_creds_feed_file(chain, &bytes);
	ck_assert_int_eq(pb_creds_next(chain, &ask, NULL), 0);
	ck_assert_int_eq(ask.kind, PB_CREDS_DONE);
	const char *warning = pb_creds_warning(chain);
	ck_assert_ptr_nonnull(strstr(warning, "/h/.aws/config: Permission denied"));
	ck_assert_ptr_nonnull(strstr(warning, "/h/.aws/credentials: line 1"));
}
END_TEST

static struct pb_aws_creds *
set(const char *id, int64_t expires_at)
{
	struct pb_aws_creds *c = pb_aws_creds_new(id, "secret", NULL, "test");
	c->expires_at = expires_at;
	return c;
}

static const struct {
	int64_t lifetime, left; /* s; lifetime 0 = never expires */
	enum pb_creds_window window;
} windows[] = {
    {600, 301, PB_CREDS_FRESH},
    {600, 300, PB_CREDS_ADVISORY},
    {600, 61, PB_CREDS_ADVISORY},
    {600, 60, PB_CREDS_MANDATORY},
    {600, 1, PB_CREDS_MANDATORY},
    {600, 0, PB_CREDS_EXPIRED},
    {600, -1, PB_CREDS_EXPIRED},
    {1200, 301, PB_CREDS_FRESH},
    {1230, 901, PB_CREDS_FRESH},
    {1230, 900, PB_CREDS_ADVISORY},
    {5399, 901, PB_CREDS_FRESH},
    {5400, 3600, PB_CREDS_ADVISORY},
    {21600, 3601, PB_CREDS_FRESH},
    {21600, 3540, PB_CREDS_ADVISORY},
    {0, 0, PB_CREDS_FRESH},
};

START_TEST(a_window_opens_before_the_expiration)
{
	int64_t got_at = 1000000, lifetime = windows[_i].lifetime * PB_SECOND;
	struct pb_creds_cache c = {.got_at = got_at};
	c.creds = set("a", lifetime ? got_at + lifetime : 0);
	int64_t now = got_at + lifetime - windows[_i].left * PB_SECOND;
	ck_assert_int_eq(pb_creds_window(&c, now), windows[_i].window);
	ck_assert_int_eq(pb_creds_wants_refresh(&c, now), windows[_i].window != PB_CREDS_FRESH);
	pb_creds_cache_fini(&c);
	ck_assert_int_eq(pb_creds_window(&c, now), PB_CREDS_NONE);
}
END_TEST

START_TEST(a_failed_refresh_keeps_the_set_and_pauses)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 7);
	/* In the advisory, the mandatory and the expired window alike. */
	for (int64_t now = 400000; now <= 700000; now += 150000) {
		struct pb_creds_cache c = {0};
		ck_assert(pb_creds_refreshed(&c, set("a", 600000), 0, &rand));
		ck_assert(pb_creds_wants_refresh(&c, now));
		ck_assert(pb_creds_refresh_failed(&c, false, now, &rand));
		ck_assert_str_eq(c.creds->access_key_id, "a");
		ck_assert_int_ge(c.paused_until_at - now, 5 * PB_MINUTE);
		ck_assert_int_le(c.paused_until_at - now, 10 * PB_MINUTE);
		ck_assert(!pb_creds_wants_refresh(&c, now + 299000));
		ck_assert(pb_creds_wants_refresh(&c, now + 725000));
		pb_creds_cache_fini(&c);
	}
}
END_TEST

START_TEST(a_first_failure_and_a_final_one_do_not_pause)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 7);
	struct pb_creds_cache c = {0};
	ck_assert(!pb_creds_refresh_failed(&c, false, 1000, &rand));
	ck_assert(pb_creds_wants_refresh(&c, 1000));
	ck_assert(pb_creds_refreshed(&c, set("a", 600000), 0, &rand));
	ck_assert(!pb_creds_refresh_failed(&c, true, 590000, &rand));
	ck_assert(pb_creds_wants_refresh(&c, 590000));
	pb_creds_cache_fini(&c);
}
END_TEST

START_TEST(an_expired_answer_counts_as_a_failure)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 7);
	struct pb_creds_cache c = {0};
	ck_assert(pb_creds_refreshed(&c, set("a", 600000), 0, &rand));
	ck_assert(!pb_creds_refreshed(&c, set("b", 300000), 400000, &rand));
	ck_assert_str_eq(c.creds->access_key_id, "a");
	ck_assert(!pb_creds_wants_refresh(&c, 500000));
	ck_assert(pb_creds_refreshed(&c, set("c", 21600000), 1200000, &rand));
	ck_assert_str_eq(c.creds->access_key_id, "c");
	ck_assert_int_eq(pb_creds_window(&c, 1200000), PB_CREDS_FRESH);
	pb_creds_cache_fini(&c);
}
END_TEST

START_TEST(a_rejected_set_is_asked_for_again)
{
	struct pb_rand rand;
	pb_rand_seed(&rand, 7);
	struct pb_creds_cache c = {0};
	pb_creds_rejected(&c, "a");
	ck_assert(pb_creds_refreshed(&c, set("a", 21600000), 0, &rand));
	pb_creds_rejected(&c, "other");
	ck_assert(!pb_creds_wants_refresh(&c, 1000));
	pb_creds_rejected(&c, "a");
	ck_assert_int_eq(pb_creds_window(&c, 1000), PB_CREDS_MANDATORY);
	ck_assert(pb_creds_wants_refresh(&c, 1000));
	/* A pause that runs still holds. */
	ck_assert(pb_creds_refresh_failed(&c, false, 1000, &rand));
	ck_assert(!pb_creds_wants_refresh(&c, 2000));
	ck_assert(pb_creds_refreshed(&c, set("b", 21600000), 2000000, &rand));
	ck_assert_int_eq(pb_creds_window(&c, 2000000), PB_CREDS_FRESH);
	pb_creds_cache_fini(&c);
}
END_TEST

PB_SUITE(creds)
{
	pb_add_loop(s, the_first_configured_source_wins, 0, PB_ARRAY_LEN(chains));
	pb_add(s, temporary_credentials_keep_token_and_expiration);
	pb_add(s, a_file_passed_over_leaves_a_warning);
	pb_add_loop(s, a_window_opens_before_the_expiration, 0, PB_ARRAY_LEN(windows));
	pb_add(s, a_failed_refresh_keeps_the_set_and_pauses);
	pb_add(s, a_first_failure_and_a_final_one_do_not_pause);
	pb_add(s, an_expired_answer_counts_as_a_failure);
	pb_add(s, a_rejected_set_is_asked_for_again);
}
