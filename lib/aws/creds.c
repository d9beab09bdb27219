/*
 * The credential chain: the shared files, and which source it is.
 *
 *	CONFIG_FILE -> CREDENTIALS_FILE -> DECIDE -> FOUND, or one of
 *	WEB_TOKEN -> WEB_IDENTITY			creds_sts.c
 *	PROCESS						creds_process.c
 *	CONTAINER_TOKEN -> CONTAINER			creds_meta.c
 *	META_TOKEN -> META_ROLE -> META_KEYS -> META_REGION	creds_meta.c
 *	any of them -> ASSUME -> ... -> ASSUME -> FOUND	one for each role, creds_sts.c
 */
#include "aws/creds_chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct pb_creds_chain *
pb_creds_chain_new(const struct pb_aws_config *config, int64_t now)
{
	struct pb_creds_chain *c = pb_calloc(1, sizeof(*c));
	c->config = *config;
	c->now = now;
	c->profiles = pb_profiles_new();
	c->config.profiles = c->profiles;
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		c->paths[i] = pb_aws_config_path(config, (enum pb_profile_file)i);
	return c;
}

void
creds_forget_token(struct pb_creds_chain *c)
{
	creds_wipe(c->token);
	c->token = NULL;
}

void
creds_set_token(struct pb_creds_chain *c, struct pb_str token)
{
	creds_forget_token(c);
	c->token = pb_strndup(token.ptr, token.len);
}

void
pb_creds_chain_free(struct pb_creds_chain *c)
{
	if (!c)
		return;
	pb_profiles_free(c->profiles);
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		free(c->paths[i]);
	creds_forget_token(c);
	pb_aws_request_free(c->request);
	creds_words_free(c->argv);
	pb_aws_creds_free(c->creds);
	free(c->warning);
	free(c->path);
	free(c->role);
	free(c->region);
	free(c);
}

void
creds_fail(struct pb_creds_chain *c, enum pb_error_kind kind, const char *fmt, ...)
{
	char text[sizeof(c->failure.text)];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->is_failed)
		return;
	c->is_failed = true;
	(void)pb_fail(&c->failure, kind, "%s", text);
}

void
creds_enter(struct pb_creds_chain *c, enum creds_state state)
{
	c->state = state;
	c->tries = 0;
}

void
creds_got(struct pb_creds_chain *c, struct pb_aws_creds *creds)
{
	pb_aws_creds_free(c->creds);
	c->creds = creds;
	creds_enter(c, c->n_roles > 0 ? CREDS_ASSUME : CREDS_FOUND);
}

void
creds_ask_file(struct pb_creds_chain *c, const char *path)
{
	char *copy = pb_strdup(path);
	free(c->path);
	c->path = copy;
	c->ask =
	    (struct pb_creds_ask){.kind = PB_CREDS_FILE, .path = c->path, .max = CREDS_TOKEN_MAX};
}

struct pb_aws_request *
creds_request(struct pb_creds_chain *c, const char *method, const char *url)
{
	pb_aws_request_free(c->request);
	c->request = pb_aws_request_new();
	c->request->method = pb_strdup(method);
	c->request->url = pb_strdup(url);
	return c->request;
}

void
creds_ask_http(struct pb_creds_chain *c, int64_t total_for)
{
	c->ask = (struct pb_creds_ask){
	    .kind = PB_CREDS_HTTP,
	    .request = c->request,
	    .max = CREDS_ANSWER_MAX,
	    .wait_for = c->tries > 0 ? CREDS_TRY_AGAIN_FOR : 0,
	    .total_for = total_for,
	};
}

bool
creds_try_again(struct pb_creds_chain *c)
{
	return ++c->tries < CREDS_TRIES;
}

bool
creds_is_passing(const struct creds_fed *f)
{
	return f->answer == NULL || f->answer->status >= 500 || f->answer->status == 429;
}

const char *
creds_key(const struct pb_creds_chain *c, const char *profile, const char *key)
{
	const char *value = pb_profiles_get(c->profiles, profile, key);
	return value && *value ? value : NULL;
}

const char *
creds_env(const struct pb_creds_chain *c, const char *name)
{
	return pb_aws_config_env(&c->config, name);
}

/* --- the shared files */

static enum pb_profile_file
file_asked(const struct pb_creds_chain *c)
{
	return c->state == CREDS_CONFIG_FILE ? PB_PROFILE_CONFIG : PB_PROFILE_CREDENTIALS;
}

static void
next_file(struct pb_creds_chain *c)
{
	creds_enter(c, c->state == CREDS_CONFIG_FILE ? CREDS_CREDENTIALS_FILE : CREDS_DECIDE);
}

/* Without a home there is no file to ask for. */
static void
ask_shared_file(struct pb_creds_chain *c)
{
	const char *path = c->paths[file_asked(c)];
	if (path == NULL)
		next_file(c);
	else
		c->ask = (struct pb_creds_ask){
		    .kind = PB_CREDS_FILE, .path = path, .max = PB_PROFILE_FILE_MAX};
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

static void
fed_shared_file(struct pb_creds_chain *c, const struct creds_fed *f)
{
	enum pb_profile_file file = file_asked(c);
	struct pb_error e = {0};
	if (f->why) {
		(void)pb_fail(&e, PB_IO, "%s: %s", c->paths[file], f->why);
		bad_file(c, &e);
	} else if (f->bytes && pb_profiles_add(c->profiles, file, *f->bytes, &e) < 0) {
		(void)pb_wrap(&e, "%s", c->paths[file]);
		bad_file(c, &e);
	}
	next_file(c);
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

/* --- which source */

/* True when it has keys; fails when it has half of them. */
static bool
from_environment(struct pb_creds_chain *c)
{
	struct pb_error err = {0};
	const char *id = creds_env(c, "AWS_ACCESS_KEY_ID");
	const char *secret = creds_env(c, "AWS_SECRET_ACCESS_KEY");
	if (!id)
		return false;
	if (!secret) {
		creds_fail(c, PB_INVALID,
		    "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not: set both or "
		    "neither");
		return true;
	}
	const char *token = creds_env(c, "AWS_SESSION_TOKEN");
	if (!token)
		token = creds_env(c, "AWS_SECURITY_TOKEN");

	int64_t expires_at = 0;
	const char *expiration = creds_env(c, "AWS_CREDENTIAL_EXPIRATION");
	if (expiration && pb_time_parse(pb_str_of(expiration), &expires_at, &err) < 0) {
		creds_fail(c, err.kind, "AWS_CREDENTIAL_EXPIRATION: %s", err.text);
		return true;
	}
	struct pb_aws_creds *creds =
	    pb_aws_creds_new(id, secret, token, "environment AWS_ACCESS_KEY_ID");
	creds->account_id = pb_strdup(creds_env(c, "AWS_ACCOUNT_ID"));
	creds->expires_at = expires_at;
	creds_got(c, creds);
	return true;
}

static bool
from_file(struct pb_creds_chain *c, enum pb_profile_file file, const char *profile)
{
	const char *id = pb_profiles_get_from(c->profiles, file, profile, "aws_access_key_id");
	if (!id || !*id)
		return false;
	char name[128];
	(void)pb_safe(name, sizeof(name), pb_str_of(profile));
	PB_CLEANUP(pb_freep) char *path = shown_path(c, file);
	const char *secret =
	    pb_profiles_get_from(c->profiles, file, profile, "aws_secret_access_key");
	if (!secret || !*secret) {
		creds_fail(c, PB_INVALID,
		    "profile %s in %s has aws_access_key_id and no aws_secret_access_key", name,
		    path);
		return true;
	}
	const char *token = pb_profiles_get_from(c->profiles, file, profile, "aws_session_token");
	PB_CLEANUP(pb_freep) char *source = pb_asprintf("profile %s in %s", name, path);
	struct pb_aws_creds *creds = pb_aws_creds_new(id, secret, token, source);
	creds->account_id =
	    pb_strdup(pb_profiles_get_from(c->profiles, file, profile, "aws_account_id"));
	creds_got(c, creds);
	return true;
}

static bool
from_files(struct pb_creds_chain *c, const char *profile)
{
	return from_file(c, PB_PROFILE_CREDENTIALS, profile) ||
	    from_file(c, PB_PROFILE_CONFIG, profile);
}

/* False, and the search has failed, when there is none of that name. */
static bool
has_profile(struct pb_creds_chain *c, const char *profile)
{
	if (pb_profiles_has(c->profiles, profile))
		return true;
	char name[128];
	(void)pb_safe(name, sizeof(name), pb_str_of(profile));
	PB_CLEANUP(pb_freep) char *config = shown_path(c, PB_PROFILE_CONFIG);
	PB_CLEANUP(pb_freep) char *credentials = shown_path(c, PB_PROFILE_CREDENTIALS);
	creds_fail(
	    c, PB_NOT_FOUND, "profile %s is neither in %s nor in %s", name, config, credentials);
	return false;
}

/* Where the keys come from with which a profile's role is assumed. */
static void
take_credential_source(struct pb_creds_chain *c, const char *profile, const char *source)
{
	char name[128], shown[128];
	(void)pb_safe(name, sizeof(name), pb_str_of(profile));
	if (pb_streq(source, "Ec2InstanceMetadata"))
		creds_enter(c, CREDS_META_TOKEN);
	else if (pb_streq(source, "EcsContainer"))
		creds_enter(c, CREDS_CONTAINER_TOKEN);
	else if (!pb_streq(source, "Environment"))
		creds_fail(c, PB_INVALID,
		    "credential_source of profile %s is \"%s\": it is one of Environment, "
		    "EcsContainer and Ec2InstanceMetadata",
		    name, pb_safe(shown, sizeof(shown), pb_str_of(source)));
	else if (!from_environment(c))
		creds_fail(c, PB_NOT_FOUND,
		    "profile %s assumes its role with the keys of the environment, and "
		    "AWS_ACCESS_KEY_ID is not set",
		    name);
}

static bool
is_in_roles(const struct pb_creds_chain *c, const char *profile)
{
	for (size_t i = 0; i < c->n_roles; i++)
		if (pb_streq(c->roles[i], profile))
			return true;
	return false;
}

/* Remembers the role of `profile`; the profile whose source is to be looked for next, NULL when that is
 * found or the search has failed. */
static const char *
push_role(struct pb_creds_chain *c, const char *profile)
{
	const char *source_profile = creds_key(c, profile, "source_profile");
	const char *source = creds_key(c, profile, "credential_source");
	char name[128];
	(void)pb_safe(name, sizeof(name), pb_str_of(profile));
	if (c->n_roles == CREDS_ROLES_MAX) {
		creds_fail(c, PB_LIMIT, "profile %s: more than %d roles assumed one from another",
		    name, CREDS_ROLES_MAX);
		return NULL;
	}
	if (!source_profile == !source) {
		creds_fail(c, PB_INVALID,
		    "profile %s has role_arn: it needs %s source_profile and credential_source",
		    name, source ? "only one of" : "one of");
		return NULL;
	}
	if (creds_key(c, profile, "mfa_serial")) {
		creds_fail(c, PB_INVALID,
		    "profile %s asks for a second factor (mfa_serial), which a daemon cannot give",
		    name);
		return NULL;
	}
	c->roles[c->n_roles++] = profile;
	if (source) {
		take_credential_source(c, profile, source);
		return NULL;
	}
	if (pb_streq(source_profile, profile)) {
		if (!from_files(c, profile))
			creds_fail(c, PB_INVALID,
			    "profile %s is its own source_profile and has no static keys", name);
		return NULL;
	}
	if (is_in_roles(c, source_profile)) {
		creds_fail(c, PB_INVALID,
		    "profile %s: its chain of source_profile goes in a circle", name);
		return NULL;
	}
	return has_profile(c, source_profile) ? source_profile : NULL;
}

/* The sources that belong to the host rather than to a profile. */
static void
take_host_source(struct pb_creds_chain *c)
{
	const char *off = creds_env(c, "AWS_EC2_METADATA_DISABLED");
	if (creds_env(c, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
	    creds_env(c, "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
		creds_enter(c, CREDS_CONTAINER_TOKEN);
		return;
	}
	if (off == NULL || strcasecmp(off, "true") != 0) {
		creds_enter(c, CREDS_META_TOKEN);
		return;
	}
	char name[128];
	PB_CLEANUP(pb_freep) char *path = shown_path(c, PB_PROFILE_CREDENTIALS);
	creds_fail(c, PB_NOT_FOUND,
	    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, put keys under "
	    "[%s] in %s, or give the host a role",
	    pb_safe(name, sizeof(name), pb_str_of(pb_aws_config_profile(&c->config))), path);
}

static void
look_at_profiles(struct pb_creds_chain *c)
{
	const char *profile = pb_aws_config_profile(&c->config);
	char name[128];
	while (creds_key(c, profile, "role_arn") &&
	    !creds_key(c, profile, "web_identity_token_file")) {
		profile = push_role(c, profile);
		if (profile == NULL)
			return;
	}
	bool is_first = c->n_roles == 0;
	c->profile = profile;
	(void)pb_safe(name, sizeof(name), pb_str_of(profile));
	if (creds_key(c, profile, "web_identity_token_file") ||
	    (is_first && creds_env(c, "AWS_WEB_IDENTITY_TOKEN_FILE")))
		creds_enter(c, CREDS_WEB_TOKEN);
	else if (creds_key(c, profile, "sso_account_id") || creds_key(c, profile, "sso_role_name"))
		creds_fail(c, PB_UNSUPPORTED,
		    "SSO (sso_account_id of profile %s) as a source of AWS credentials is not "
		    "supported: it needs a person to log in; use a role",
		    name);
	else if (from_files(c, profile))
		return;
	else if (creds_key(c, profile, "credential_process"))
		creds_enter(c, CREDS_PROCESS);
	else if (is_first)
		take_host_source(c);
	else
		creds_fail(c, PB_NOT_FOUND, "source_profile %s has no credentials", name);
}

static void
decide(struct pb_creds_chain *c)
{
	bool is_named = c->config.profile && *c->config.profile;
	if (!is_named && from_environment(c))
		return;
	if (pb_aws_config_profile_is_asked(&c->config) &&
	    !has_profile(c, pb_aws_config_profile(&c->config)))
		return;
	look_at_profiles(c);
}

/* --- asking and feeding */

static const struct {
	void (*ask)(struct pb_creds_chain *c);
	void (*fed)(struct pb_creds_chain *c, const struct creds_fed *f);
} states[CREDS_STATE_MAX] = {
    [CREDS_CONFIG_FILE] = {ask_shared_file, fed_shared_file},
    [CREDS_CREDENTIALS_FILE] = {ask_shared_file, fed_shared_file},
    [CREDS_DECIDE] = {decide, NULL},
    [CREDS_WEB_TOKEN] = {creds_ask_web_token, creds_fed_web_token},
    [CREDS_WEB_IDENTITY] = {creds_ask_web_identity, creds_fed_role},
    [CREDS_PROCESS] = {creds_ask_process, creds_fed_process},
    [CREDS_CONTAINER_TOKEN] = {creds_ask_container_token, creds_fed_container_token},
    [CREDS_CONTAINER] = {creds_ask_container, creds_fed_container},
    [CREDS_META_TOKEN] = {creds_ask_meta_token, creds_fed_meta_token},
    [CREDS_META_ROLE] = {creds_ask_meta_role, creds_fed_meta_role},
    [CREDS_META_KEYS] = {creds_ask_meta_keys, creds_fed_meta_keys},
    [CREDS_META_REGION] = {creds_ask_meta_region, creds_fed_meta_region},
    [CREDS_ASSUME] = {creds_ask_role, creds_fed_role},
    [CREDS_FOUND] = {NULL, NULL},
};

int
pb_creds_next(struct pb_creds_chain *c, struct pb_creds_ask *ret_ask, struct pb_error *err)
{
	c->ask = (struct pb_creds_ask){.kind = PB_CREDS_DONE};
	while (!c->is_failed && c->state != CREDS_FOUND && c->ask.kind == PB_CREDS_DONE)
		states[c->state].ask(c);
	if (c->is_failed) {
		if (err)
			*err = c->failure;
		return -1;
	}
	*ret_ask = c->ask;
	return 0;
}

static void
feed(struct pb_creds_chain *c, enum pb_creds_ask_kind kind, const struct creds_fed *f)
{
	pb_check(c->ask.kind == kind);
	states[c->state].fed(c, f);
}

void
pb_creds_feed_file(struct pb_creds_chain *c, const struct pb_str *bytes)
{
	feed(c, PB_CREDS_FILE, &(struct creds_fed){.bytes = bytes});
}

void
pb_creds_feed_file_error(struct pb_creds_chain *c, const char *why)
{
	feed(c, PB_CREDS_FILE, &(struct creds_fed){.why = why});
}

void
pb_creds_feed_answer(struct pb_creds_chain *c, const struct pb_aws_answer *answer)
{
	feed(c, PB_CREDS_HTTP, &(struct creds_fed){.answer = answer});
}

void
pb_creds_feed_no_answer(struct pb_creds_chain *c, const char *why)
{
	feed(c, PB_CREDS_HTTP, &(struct creds_fed){.why = why});
}

void
pb_creds_feed_program(struct pb_creds_chain *c, struct pb_str out)
{
	feed(c, PB_CREDS_PROGRAM, &(struct creds_fed){.bytes = &out});
}

void
pb_creds_feed_program_error(struct pb_creds_chain *c, const char *why)
{
	feed(c, PB_CREDS_PROGRAM, &(struct creds_fed){.why = why});
}

bool
pb_creds_is_final(const struct pb_creds_chain *c)
{
	return c->is_failed && c->is_final;
}

struct pb_aws_creds *
pb_creds_take(struct pb_creds_chain *c)
{
	pb_check(c->state == CREDS_FOUND);
	return PB_TAKE(c->creds);
}

const struct pb_profiles *
pb_creds_profiles(const struct pb_creds_chain *c)
{
	return c->profiles;
}

const char *
pb_creds_found_region(const struct pb_creds_chain *c)
{
	return c->region;
}

const char *
pb_creds_warning(const struct pb_creds_chain *c)
{
	return c->warning;
}
