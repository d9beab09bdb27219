/*
 * The credential chain.
 *
 * States: ask for the config file -> ask for the credentials file -> decide -> done, or failed.
 * The first source that is configured wins; one that is configured and fails ends the search.
 */
#include "aws/creds.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>

enum chain_state {
	ASK_CONFIG,
	ASK_CREDENTIALS,
	DECIDE,
	FOUND,
};

struct pb_creds_chain {
	struct pb_aws_config config;
	enum chain_state state;
	struct pb_profiles *profiles;
	char *paths[PB_PROFILE_FILE_KIND_MAX];
	char *warning;
	bool is_failed;
	struct pb_error failure; /* of a file, reported by the next pb_creds_next */
	struct pb_aws_creds *creds;
};

struct pb_aws_creds *
pb_aws_creds_new(
    const char *access_key_id, const char *secret, const char *token, const char *source)
{
	struct pb_aws_creds *c = pb_calloc(1, sizeof(*c));
	c->access_key_id = pb_strdup(access_key_id);
	c->secret_access_key = pb_strdup(secret);
	c->session_token = token && *token ? pb_strdup(token) : NULL;
	c->source = pb_strdup(source);
	return c;
}

struct pb_aws_creds *
pb_aws_creds_copy(const struct pb_aws_creds *c)
{
	if (!c)
		return NULL;
	struct pb_aws_creds *copy =
	    pb_aws_creds_new(c->access_key_id, c->secret_access_key, c->session_token, c->source);
	copy->account_id = pb_strdup(c->account_id);
	copy->expires_at = c->expires_at;
	return copy;
}

static void
free_secret(char *s)
{
	if (s)
		OPENSSL_cleanse(s, strlen(s));
	free(s);
}

void
pb_aws_creds_free(struct pb_aws_creds *c)
{
	if (!c)
		return;
	free(c->access_key_id);
	free_secret(c->secret_access_key);
	free_secret(c->session_token);
	free(c->account_id);
	free(c->source);
	free(c);
}

struct pb_creds_chain *
pb_creds_chain_new(const struct pb_aws_config *config)
{
	struct pb_creds_chain *c = pb_calloc(1, sizeof(*c));
	c->config = *config;
	c->profiles = pb_profiles_new();
	c->config.profiles = c->profiles;
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		c->paths[i] = pb_aws_config_path(config, (enum pb_profile_file)i);
	return c;
}

void
pb_creds_chain_free(struct pb_creds_chain *c)
{
	if (!c)
		return;
	pb_profiles_free(c->profiles);
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		free(c->paths[i]);
	free(c->warning);
	pb_aws_creds_free(c->creds);
	free(c);
}

static bool
is_asking(const struct pb_creds_chain *c)
{
	return c->state == ASK_CONFIG || c->state == ASK_CREDENTIALS;
}

static enum pb_profile_file
file_asked(const struct pb_creds_chain *c)
{
	pb_check(is_asking(c));
	return c->state == ASK_CONFIG ? PB_PROFILE_CONFIG : PB_PROFILE_CREDENTIALS;
}

static void
advance(struct pb_creds_chain *c)
{
	c->state = c->state == ASK_CONFIG ? ASK_CREDENTIALS : DECIDE;
}

/* A bad file is fatal only when a profile was asked for: else nobody may need it. */
static void
bad_file(struct pb_creds_chain *c, const struct pb_error *e)
{
	if (pb_aws_config_profile_is_asked(&c->config)) {
		c->is_failed = true;
		c->failure = *e;
		return;
	}
	char *both = c->warning ? pb_asprintf("%s; %s", c->warning, e->text) : pb_strdup(e->text);
	free(c->warning);
	c->warning = both;
}

void
pb_creds_feed_file(struct pb_creds_chain *c, const struct pb_str *bytes)
{
	enum pb_profile_file file = file_asked(c);
	struct pb_error e = {0};
	if (bytes && pb_profiles_add(c->profiles, file, *bytes, &e) < 0) {
		pb_wrap(&e, "%s", c->paths[file]);
		bad_file(c, &e);
	}
	advance(c);
}

void
pb_creds_feed_file_error(struct pb_creds_chain *c, const char *why)
{
	struct pb_error e = {0};
	pb_fail(&e, PB_IO, "%s: %s", c->paths[file_asked(c)], why);
	bad_file(c, &e);
	advance(c);
}

/* "~/.aws/config" for people. */
static char *
shown_path(const struct pb_creds_chain *c, enum pb_profile_file file)
{
	const char *path = c->paths[file], *home = pb_aws_config_env(&c->config, "HOME");
	size_t len = home ? strlen(home) : 0;
	if (path && len > 1 && strncmp(path, home, len) == 0 && path[len] == '/')
		return pb_asprintf("~%s", path + len);
	if (path)
		return pb_strdup(path);
	return pb_strdup(file == PB_PROFILE_CONFIG ? "~/.aws/config" : "~/.aws/credentials");
}

static int
from_environment(struct pb_creds_chain *c, struct pb_error *err)
{
	const char *id = pb_aws_config_env(&c->config, "AWS_ACCESS_KEY_ID");
	const char *secret = pb_aws_config_env(&c->config, "AWS_SECRET_ACCESS_KEY");
	if (!id || (c->config.profile && *c->config.profile))
		return 0;
	if (!secret)
		return pb_fail(err, PB_INVALID,
		    "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not: set both or "
		    "neither");
	const char *token = pb_aws_config_env(&c->config, "AWS_SESSION_TOKEN");
	if (!token)
		token = pb_aws_config_env(&c->config, "AWS_SECURITY_TOKEN");

	int64_t expires_at = 0;
	const char *expiration = pb_aws_config_env(&c->config, "AWS_CREDENTIAL_EXPIRATION");
	if (expiration && pb_time_parse(pb_str_of(expiration), &expires_at, err) < 0)
		return pb_wrap(err, "AWS_CREDENTIAL_EXPIRATION");
	c->creds = pb_aws_creds_new(id, secret, token, "environment AWS_ACCESS_KEY_ID");
	c->creds->account_id = pb_strdup(pb_aws_config_env(&c->config, "AWS_ACCOUNT_ID"));
	c->creds->expires_at = expires_at;
	return 0;
}

static const char *
key(const struct pb_creds_chain *c, const char *name)
{
	return pb_aws_config_get(&c->config, NULL, name);
}

static int
not_supported(struct pb_creds_chain *c, const char *what, const char *where, struct pb_error *err)
{
	char profile[128];
	pb_safe(profile, sizeof(profile), pb_str_of(pb_aws_config_profile(&c->config)));
	return pb_fail(err, PB_UNSUPPORTED,
	    "%s (%s%s%s) as a source of AWS credentials is not supported yet; use static keys in "
	    "the "
	    "environment or in the credentials file",
	    what, where, where[0] >= 'a' ? " of profile " : "", where[0] >= 'a' ? profile : "");
}

/* Sources that come before static keys. */
static int
check_before_keys(struct pb_creds_chain *c, struct pb_error *err)
{
	const char *token_file = key(c, "web_identity_token_file");
	if (key(c, "role_arn") && !token_file)
		return not_supported(c, "assuming a role", "role_arn", err);
	if (pb_aws_config_env(&c->config, "AWS_WEB_IDENTITY_TOKEN_FILE"))
		return not_supported(c, "web identity", "AWS_WEB_IDENTITY_TOKEN_FILE", err);
	if (token_file)
		return not_supported(c, "web identity", "web_identity_token_file", err);
	if (key(c, "sso_account_id") || key(c, "sso_role_name"))
		return not_supported(c, "SSO", "sso_account_id", err);
	return 0;
}

static int
from_file(struct pb_creds_chain *c, enum pb_profile_file file, struct pb_error *err)
{
	const char *profile = pb_aws_config_profile(&c->config);
	const char *id = pb_profiles_get_from(c->profiles, file, profile, "aws_access_key_id");
	if (!id || !*id)
		return 0;
	char name[128];
	pb_safe(name, sizeof(name), pb_str_of(profile));
	PB_CLEANUP(pb_freep) char *path = shown_path(c, file);
	const char *secret =
	    pb_profiles_get_from(c->profiles, file, profile, "aws_secret_access_key");
	if (!secret || !*secret)
		return pb_fail(err, PB_INVALID,
		    "profile %s in %s has aws_access_key_id and no aws_secret_access_key", name,
		    path);
	const char *token = pb_profiles_get_from(c->profiles, file, profile, "aws_session_token");
	PB_CLEANUP(pb_freep) char *source = pb_asprintf("profile %s in %s", name, path);
	c->creds = pb_aws_creds_new(id, secret, token, source);
	c->creds->account_id =
	    pb_strdup(pb_profiles_get_from(c->profiles, file, profile, "aws_account_id"));
	return 0;
}

static int
check_after_keys(struct pb_creds_chain *c, struct pb_error *err)
{
	const struct pb_aws_config *cfg = &c->config;
	if (key(c, "credential_process"))
		return not_supported(c, "a credential process", "credential_process", err);
	if (pb_aws_config_env(cfg, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
		return not_supported(
		    c, "the container endpoint", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", err);
	if (pb_aws_config_env(cfg, "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
		return not_supported(
		    c, "the container endpoint", "AWS_CONTAINER_CREDENTIALS_FULL_URI", err);

	const char *off = pb_aws_config_env(cfg, "AWS_EC2_METADATA_DISABLED");
	bool is_off = off && strcasecmp(off, "true") == 0;
	PB_CLEANUP(pb_freep) char *path = shown_path(c, PB_PROFILE_CREDENTIALS);
	char name[128];
	pb_safe(name, sizeof(name), pb_str_of(pb_aws_config_profile(cfg)));
	return pb_fail(err, is_off ? PB_NOT_FOUND : PB_UNSUPPORTED,
	    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put keys "
	    "under "
	    "[%s] in %s%s",
	    name, path, is_off ? "" : "; EC2 instance metadata is not supported yet");
}

static int
check_profile(struct pb_creds_chain *c, struct pb_error *err)
{
	const char *profile = pb_aws_config_profile(&c->config);
	if (!pb_aws_config_profile_is_asked(&c->config) || pb_profiles_has(c->profiles, profile))
		return 0;
	char name[128];
	pb_safe(name, sizeof(name), pb_str_of(profile));
	PB_CLEANUP(pb_freep) char *config = shown_path(c, PB_PROFILE_CONFIG);
	PB_CLEANUP(pb_freep) char *credentials = shown_path(c, PB_PROFILE_CREDENTIALS);
	return pb_fail(
	    err, PB_NOT_FOUND, "profile %s is neither in %s nor in %s", name, config, credentials);
}

static int
decide(struct pb_creds_chain *c, struct pb_error *err)
{
	if (from_environment(c, err) < 0)
		return -1;
	if (c->creds)
		return 0;
	if (check_profile(c, err) < 0 || check_before_keys(c, err) < 0)
		return -1;
	if (from_file(c, PB_PROFILE_CREDENTIALS, err) < 0)
		return -1;
	if (!c->creds && from_file(c, PB_PROFILE_CONFIG, err) < 0)
		return -1;
	return c->creds ? 0 : check_after_keys(c, err);
}

int
pb_creds_next(struct pb_creds_chain *c, struct pb_creds_ask *ret_ask, struct pb_error *err)
{
	/* Without a home there is no file to ask for. */
	while (is_asking(c) && !c->paths[file_asked(c)])
		advance(c);
	if (is_asking(c)) {
		*ret_ask = (struct pb_creds_ask){
		    .kind = PB_CREDS_FILE,
		    .path = c->paths[file_asked(c)],
		    .max = PB_PROFILE_FILE_MAX,
		};
		return 0;
	}
	if (c->is_failed) {
		if (err)
			*err = c->failure;
		return -1;
	}
	if (c->state == DECIDE && decide(c, err) < 0)
		return -1;
	c->state = FOUND;
	*ret_ask = (struct pb_creds_ask){.kind = PB_CREDS_DONE};
	return 0;
}

struct pb_aws_creds *
pb_creds_take(struct pb_creds_chain *c)
{
	pb_check(c->state == FOUND);
	return PB_TAKE(c->creds);
}

const struct pb_profiles *
pb_creds_profiles(const struct pb_creds_chain *c)
{
	return c->profiles;
}

const char *
pb_creds_warning(const struct pb_creds_chain *c)
{
	return c->warning;
}
