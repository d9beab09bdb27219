/*
 * EC2 instance metadata, version 2: a token, the one role of the instance, its credentials, its region.
 * Each set of credentials that is given out is one that the services take until it expires.
 */
#include <event2/buffer.h>

#include "tests/sandbox/internal.h"

#define TOKEN "sandbox-metadata-token=="
#define ROLES "/latest/meta-data/iam/security-credentials/"

void
pb_sbx_mint(struct pb_sandbox *sb, int64_t lifetime, struct pb_sbx_minted *ret)
{
	char uuid[37];
	int64_t number = ++sb->n_minted;
	pb_rand_uuid(&sb->rand, uuid);
	(void)snprintf(ret->access, sizeof(ret->access), "ASIASANDBOX%lld", (long long)number);
	(void)snprintf(ret->secret, sizeof(ret->secret), "secret-%s", uuid);
	(void)snprintf(ret->token, sizeof(ret->token), "token-%s", uuid);
	(void)pb_sbx_time_millis(ret->expiration, pb_sbx_now(sb) + lifetime);
	pb_sbx_key_put(sb, ret->access, ret->secret, ret->token, false);
}

static char *
keys(struct pb_sandbox *sb)
{
	struct pb_sbx_minted m;
	char now[PB_TIME_TEXT];
	pb_sbx_mint(sb, sb->metadata_for, &m);
	PB_JSON json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Code", "Success",
	    "LastUpdated", pb_sbx_time_millis(now, pb_sbx_now(sb)), "Type", "AWS-HMAC",
	    "AccessKeyId", m.access, "SecretAccessKey", m.secret, "Token", m.token, "Expiration",
	    m.expiration);
	return pb_sbx_json_text(j);
}

/* The status; *ret_text is the caller's. */
static int
answer(
    struct pb_sandbox *sb, const char *method, const char *path, const char *token, char **ret_text)
{
	*ret_text = NULL;
	if (sb->metadata_status != 200)
		return sb->metadata_status;
	if (pb_streq(method, "PUT") && pb_streq(path, "/latest/api/token")) {
		*ret_text = pb_strdup(TOKEN);
		return 200;
	}
	if (!pb_streq(method, "GET"))
		return 405;
	if (!pb_streq(token, TOKEN))
		return 401;
	if (pb_streq(path, ROLES))
		*ret_text = pb_strdup("sandbox-role");
	else if (pb_streq(path, ROLES "sandbox-role"))
		*ret_text = keys(sb);
	else if (pb_streq(path, "/latest/meta-data/placement/region"))
		*ret_text = pb_strdup(sb->opts.region);
	return *ret_text == NULL ? 404 : 200;
}

void
pb_sbx_metadata(struct pb_sandbox *sb, const char *method, struct evhttp_request *req)
{
	const char *path = evhttp_request_get_uri(req);
	const char *token =
	    evhttp_find_header(evhttp_request_get_input_headers(req), "x-aws-ec2-metadata-token");
	PB_CLEANUP(pb_freep) char *text = NULL;
	int status = answer(sb, method, path, token, &text);
	char safe[128];
	json_array_append_new(sb->journal,
	    json_pack("{s:I, s:I, s:s, s:s, s:s, s:i}", "n", (json_int_t)++sb->n_calls, "at",
		(json_int_t)pb_sbx_now(sb), "service", "metadata", "operation", method, "path",
		pb_safe(safe, sizeof(safe), pb_str_of(path)), "status", status));
	struct evbuffer *b = evbuffer_new();
	pb_check(b != NULL);
	evbuffer_add_printf(b, "%s", text == NULL ? "" : text);
	evhttp_send_reply(req, status, NULL, b);
	evbuffer_free(b);
}
