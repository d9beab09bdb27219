/*
 * Sets of credentials.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "aws/creds_chain.h"

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

void
creds_wipe(char *s)
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
	creds_wipe(c->secret_access_key);
	creds_wipe(c->session_token);
	free(c->account_id);
	free(c->source);
	free(c);
}

/* It goes into a header. */
static bool
is_one_line(const char *s)
{
	return s[strcspn(s, "\r\n")] == '\0';
}

struct pb_aws_creds *
creds_of_json(
    struct pb_creds_chain *c, struct pb_str body, const char *token_name, const char *source)
{
	struct pb_error err = {0};
	PB_JSON json_t *j = NULL;
	if (pb_json_parse(body, &j, &err) < 0) {
		creds_fail(c, PB_SYNTAX, "%s: it answers no JSON: %s", source, err.text);
		return NULL;
	}
	const char *id = pb_json_str(j, "AccessKeyId"), *secret = pb_json_str(j, "SecretAccessKey");
	const char *token = pb_json_str(j, token_name);
	const json_t *expiration = pb_json_get(j, "Expiration");
	int64_t expires_at = expiration == NULL ? 0 : pb_json_time(expiration);
	if (!id || !*id || !secret || !*secret) {
		creds_fail(c, PB_INVALID, "%s: its answer lacks %s", source,
		    !id || !*id ? "AccessKeyId" : "SecretAccessKey");
		return NULL;
	}
	if (!is_one_line(id) || !is_one_line(secret) || (token && !is_one_line(token))) {
		creds_fail(
		    c, PB_INVALID, "%s: its answer has a line break in a credential", source);
		return NULL;
	}
	if (expires_at < 0) {
		creds_fail(
		    c, PB_INVALID, "%s: its answer has an Expiration that is no time", source);
		return NULL;
	}
	struct pb_aws_creds *creds = pb_aws_creds_new(id, secret, token, source);
	creds->account_id = pb_strdup(pb_json_str(j, "AccountId"));
	creds->expires_at = expires_at;
	return creds;
}
