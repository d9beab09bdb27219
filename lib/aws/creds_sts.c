/*
 * Credentials of a role, from STS: assumed with other credentials, or with the token of a web identity.
 */
#include "aws/creds_chain.h"

#include <stdlib.h>

#define STS_TOTAL_FOR (10 * PB_SECOND)

/* "playbookd-1780000000": unless somebody wants another. */
static char *
session_name(const struct pb_creds_chain *c, const char *asked)
{
	if (asked)
		return pb_strdup(asked);
	return pb_asprintf("playbookd-%lld", (long long)(c->now / PB_SECOND));
}

/* Fills c->ask; `creds` NULL = unsigned. */
static void
ask_sts(struct pb_creds_chain *c, const char *operation, const json_t *inputs,
    const struct pb_aws_creds *creds)
{
	struct pb_error err = {0};
	struct pb_aws_endpoint endpoint;
	const struct pb_aws_op *op = pb_aws_op_find("sts", operation);
	const struct pb_aws_service *s = pb_aws_op_service(op);
	struct pb_aws_endpoint_options o = {
	    .region = pb_aws_config_region(&c->config),
	    .custom_url = pb_aws_endpoint_configured(s, &c->config),
	};
	if (o.region == NULL && c->n_roles > 0)
		o.region = creds_key(c, c->roles[c->n_roles - 1], "region");
	if (pb_aws_config_get_bool(&c->config, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", false,
		&o.use_fips, &err) < 0 ||
	    pb_aws_config_get_bool(&c->config, "AWS_USE_DUALSTACK_ENDPOINT",
		"use_dualstack_endpoint", false, &o.use_dualstack, &err) < 0 ||
	    pb_aws_endpoint_resolve(s, &o, &endpoint, &err) < 0) {
		creds_fail(c, err.kind, "%s: %s", operation, err.text);
		return;
	}
	const struct pb_aws_call call = {
	    .op = op, .inputs = inputs, .endpoint = &endpoint, .creds = creds, .at = c->now};
	struct pb_aws_request *r;
	if (pb_aws_call_build(&call, &r, &err) < 0) {
		creds_fail(c, err.kind, "%s: %s", operation, err.text);
		return;
	}
	pb_aws_request_free(c->request);
	c->request = r;
	creds_ask_http(c, STS_TOTAL_FOR);
	c->ask.is_custom = endpoint.is_custom && !endpoint.is_tls;
}

/* --- the token of a web identity */

static const char *
web(const struct pb_creds_chain *c, const char *env, const char *key)
{
	const char *value = c->n_roles == 0 ? creds_env(c, env) : NULL;
	return value ? value : creds_key(c, c->profile, key);
}

void
creds_ask_web_token(struct pb_creds_chain *c)
{
	creds_ask_file(c, web(c, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"));
}

void
creds_fed_web_token(struct pb_creds_chain *c, const struct creds_fed *f)
{
	char path[256];
	(void)pb_safe(path, sizeof(path), pb_str_of(c->path));
	if (f->bytes == NULL) {
		creds_fail(c, PB_IO, "web identity: token file %s: %s", path,
		    f->why ? f->why : "there is no such file");
		return;
	}
	struct pb_str token = *f->bytes;
	while (token.len > 0 && strchr(" \t\r\n", token.ptr[token.len - 1]) != NULL)
		token.len--;
	if (token.len == 0 || token.len > CREDS_TOKEN_MAX) {
		creds_fail(c, PB_INVALID, "web identity: token file %s %s", path,
		    token.len == 0 ? "is empty" : "is too long for a token");
		return;
	}
	creds_set_token(c, token);
	creds_enter(c, CREDS_WEB_IDENTITY);
}

void
creds_ask_web_identity(struct pb_creds_chain *c)
{
	const char *role = web(c, "AWS_ROLE_ARN", "role_arn");
	if (role == NULL) {
		creds_fail(c, PB_INVALID,
		    "web identity: a token file is named and no role: set AWS_ROLE_ARN, or "
		    "role_arn in "
		    "the profile");
		return;
	}
	PB_CLEANUP(pb_freep)
	char *session = session_name(c, web(c, "AWS_ROLE_SESSION_NAME", "role_session_name"));
	PB_JSON json_t *inputs = json_object();
	pb_json_set_str(inputs, "RoleArn", role);
	pb_json_set_str(inputs, "RoleSessionName", session);
	pb_json_set_str(inputs, "WebIdentityToken", c->token);
	ask_sts(c, "AssumeRoleWithWebIdentity", inputs, NULL);
}

/* --- a role */

/* 0 when the profile says none; -1, and the search has failed, when it says nonsense. */
static int64_t
duration_of(struct pb_creds_chain *c, const char *profile)
{
	int64_t seconds = 0;
	char name[128];
	const char *text = creds_key(c, profile, "duration_seconds");
	if (text == NULL || pb_parse_i64(pb_str_of(text), 900, 43200, &seconds, NULL) == 0)
		return seconds;
	creds_fail(c, PB_INVALID, "duration_seconds of profile %s: whole seconds from 900 to 43200",
	    pb_safe(name, sizeof(name), pb_str_of(profile)));
	return -1;
}

void
creds_ask_role(struct pb_creds_chain *c)
{
	const char *profile = c->roles[c->n_roles - 1];
	int64_t duration = duration_of(c, profile);
	if (duration < 0)
		return;
	PB_CLEANUP(pb_freep)
	char *session = session_name(c, creds_key(c, profile, "role_session_name"));
	PB_JSON json_t *inputs = json_object();
	pb_json_set_str(inputs, "RoleArn", creds_key(c, profile, "role_arn"));
	pb_json_set_str(inputs, "RoleSessionName", session);
	pb_json_set_str(inputs, "ExternalId", creds_key(c, profile, "external_id"));
	if (duration > 0)
		pb_json_set_i64(inputs, "DurationSeconds", duration);
	ask_sts(c, "AssumeRole", inputs, c->creds);
}

/* --- the answer to either */

static char *
source_of(const struct pb_creds_chain *c)
{
	char role[256];
	if (c->state == CREDS_WEB_IDENTITY)
		return pb_asprintf("web identity for role %s",
		    pb_safe(role, sizeof(role), pb_str_of(web(c, "AWS_ROLE_ARN", "role_arn"))));
	const char *profile = c->roles[c->n_roles - 1];
	return pb_asprintf("role %s assumed with %s",
	    pb_safe(role, sizeof(role), pb_str_of(creds_key(c, profile, "role_arn"))),
	    c->creds->source);
}

static void
refused(struct pb_creds_chain *c, const struct pb_aws_op *op, struct pb_aws_error *e)
{
	const struct pb_aws_creds *with = c->state == CREDS_ASSUME ? c->creds : NULL;
	PB_CLEANUP(pb_freep) char *source = source_of(c);
	pb_aws_error_hide(e, with);
	PB_CLEANUP(pb_freep) char *text = pb_aws_error_text(e);
	PB_CLEANUP(pb_freep)
	char *advice = with && e->http_status ? pb_aws_error_advice(e, op, with) : NULL;
	c->is_final = !e->is_retryable;
	creds_fail(c, e->class == PB_AWS_DENIED ? PB_DENIED : PB_IO, "%s: %s%s%s", source, text,
	    advice ? "; " : "", advice ? advice : "");
}

void
creds_fed_role(struct pb_creds_chain *c, const struct creds_fed *f)
{
	const struct pb_aws_op *op = pb_aws_op_find(
	    "sts", c->state == CREDS_ASSUME ? "AssumeRole" : "AssumeRoleWithWebIdentity");
	struct pb_aws_error e = {0};
	PB_JSON json_t *output = NULL;
	int rc = -1;
	if (f->answer)
		rc = pb_aws_call_parse(op, f->answer, &output, &e);
	else
		pb_aws_error_network(PB_AWS_NET_OTHER, f->why, &e);
	if (rc < 0) {
		bool is_passing =
		    e.is_retryable || e.is_network || pb_aws_error_is(&e, "IDPCommunicationError");
		e.is_retryable = is_passing;
		if (!is_passing || !creds_try_again(c))
			refused(c, op, &e);
		return;
	}
	PB_CLEANUP(pb_freep) char *source = source_of(c);
	PB_CLEANUP(pb_freep) char *set = pb_json_text(pb_json_get(output, "Credentials"));
	struct pb_aws_creds *creds = creds_of_json(c, pb_str_of(set), "SessionToken", source);
	explicit_bzero(set, strlen(set));
	if (creds == NULL)
		return;
	if (c->state == CREDS_ASSUME)
		c->n_roles--;
	creds_got(c, creds);
}
