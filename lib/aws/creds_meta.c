/*
 * Credentials of the place the process runs in: the container endpoint (ECS, EKS Pod Identity) and EC2
 * instance metadata (version 2, with version 1 where the host still speaks only that).
 */
#include "aws/creds_chain.h"

#include <stdlib.h>
#include <strings.h>

#define CONTAINER_HOST "http://169.254.170.2"
#define CONTAINER_TOTAL_FOR (2 * PB_SECOND)
#define META_TOKEN_SECONDS "21600"
#define META_TIMEOUT_MAX 60 /* s */
#define META_TOKEN_MAX 1024
#define META_ROLE_MAX 128

static struct pb_str
trimmed(struct pb_str s)
{
	while (s.len > 0 && strchr(" \t\r\n", s.ptr[s.len - 1]) != NULL)
		s.len--;
	while (s.len > 0 && strchr(" \t\r\n", s.ptr[0]) != NULL)
		s = (struct pb_str){s.ptr + 1, s.len - 1};
	return s;
}

/* Are all bytes letters, digits or of `more`? */
static bool
is_plain(struct pb_str s, const char *more)
{
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.ptr[i];
		bool is_word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9');
		if (!is_word && (ch == '\0' || strchr(more, ch) == NULL))
			return false;
	}
	return true;
}

/* --- the container endpoint */

/* "http://HOST[:PORT]..." with a host that cannot be somebody else's. */
static bool
is_own_host(const char *url)
{
	static const char *const hosts[] = {
	    "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
	const char *host = url + strlen("http://");
	size_t len = strcspn(host, "/?#");
	for (size_t i = 0; i < PB_ARRAY_LEN(hosts); i++) {
		size_t n = strlen(hosts[i]);
		if (n <= len && strncasecmp(host, hosts[i], n) == 0 &&
		    (n == len ||
			(host[n] == ':' &&
			    is_plain((struct pb_str){host + n + 1, len - n - 1}, ""))))
			return true;
	}
	return false;
}

void
creds_ask_container_token(struct pb_creds_chain *c)
{
	const char *path = creds_env(c, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = creds_env(c, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (path) {
		creds_ask_file(c, path);
		return;
	}
	if (token)
		creds_set_token(c, pb_str_of(token));
	creds_enter(c, CREDS_CONTAINER);
}

void
creds_fed_container_token(struct pb_creds_chain *c, const struct creds_fed *f)
{
	if (f->bytes == NULL) {
		creds_fail(c, PB_IO, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %s",
		    f->why ? f->why : "there is no such file");
		return;
	}
	creds_set_token(c, *f->bytes);
	creds_enter(c, CREDS_CONTAINER);
}

void
creds_ask_container(struct pb_creds_chain *c)
{
	const char *relative = creds_env(c, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = creds_env(c, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	char shown[256];
	PB_CLEANUP(pb_freep) char *url = NULL;
	if (relative)
		url = pb_asprintf(CONTAINER_HOST "%s%s", relative[0] == '/' ? "" : "/", relative);
	else
		url = pb_strdup(full ? full : "");
	if (url[0] == '\0') {
		creds_fail(c, PB_INVALID,
		    "the container endpoint is asked for, and neither "
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor ..._FULL_URI is set");
		return;
	}
	bool is_http = strncasecmp(url, "http://", 7) == 0;
	if (is_http ? !is_own_host(url) : strncasecmp(url, "https://", 8) != 0) {
		creds_fail(c, PB_INVALID,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI \"%s\": it is https, or http to this host "
		    "or "
		    "to the endpoints of ECS and EKS",
		    pb_safe(shown, sizeof(shown), pb_str_of(url)));
		return;
	}
	if (c->token && c->token[strcspn(c->token, "\r\n")] != '\0') {
		creds_fail(c, PB_INVALID,
		    "the authorization token of the container endpoint has a "
		    "line break");
		return;
	}
	struct pb_aws_request *r = creds_request(c, "GET", url);
	pb_aws_headers_add(&r->headers, "Accept", "application/json");
	if (c->token)
		pb_aws_headers_add(&r->headers, "Authorization", c->token);
	creds_ask_http(c, CONTAINER_TOTAL_FOR);
	c->ask.is_local = is_http;
}

/* What is wrong, for people: "HTTP 404", or why nothing came. */
static const char *
trouble(const struct creds_fed *f, char text[256])
{
	char first[160];
	if (f->answer == NULL)
		return pb_safe(text, 256, pb_str_of(f->why));
	struct pb_str body = trimmed(f->answer->body);
	body.len = body.len > 100 ? 100 : body.len;
	(void)snprintf(text, 256, "HTTP %d%s%s", f->answer->status, body.len > 0 ? ": " : "",
	    body.len > 0 ? pb_safe(first, sizeof(first), body) : "");
	return text;
}

void
creds_fed_container(struct pb_creds_chain *c, const struct creds_fed *f)
{
	char text[256];
	if (f->answer && f->answer->status == 200) {
		struct pb_aws_creds *creds =
		    creds_of_json(c, f->answer->body, "Token", "the container endpoint");
		if (creds)
			creds_got(c, creds);
		return;
	}
	if (creds_is_passing(f) && creds_try_again(c))
		return;
	creds_fail(c, PB_IO, "the container endpoint gives no credentials: %s", trouble(f, text));
}

/* --- instance metadata */

static const char *
setting(const struct pb_creds_chain *c, const char *env, const char *name)
{
	return pb_aws_config_get(&c->config, env, name);
}

/* The URL of `path`; NULL, and the search has failed, when it is configured wrong. */
static char *
meta_url(struct pb_creds_chain *c, const char *path)
{
	char shown[128];
	const char *endpoint =
	    setting(c, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	const char *mode = setting(
	    c, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
	if (mode && strcasecmp(mode, "IPv4") != 0 && strcasecmp(mode, "IPv6") != 0) {
		creds_fail(c, PB_INVALID,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE \"%s\": it is IPv4 or IPv6",
		    pb_safe(shown, sizeof(shown), pb_str_of(mode)));
		return NULL;
	}
	if (endpoint == NULL)
		endpoint = mode && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]"
								 : "http://169.254.169.254";
	size_t len = strlen(endpoint);
	while (len > 0 && endpoint[len - 1] == '/')
		len--;
	if (strncasecmp(endpoint, "http://", 7) != 0 && strncasecmp(endpoint, "https://", 8) != 0) {
		creds_fail(c, PB_INVALID,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT \"%s\": it is no http URL",
		    pb_safe(shown, sizeof(shown), pb_str_of(endpoint)));
		return NULL;
	}
	return pb_asprintf("%.*s%s", (int)len, endpoint, path);
}

static void
ask_meta(struct pb_creds_chain *c, const char *method, const char *path)
{
	const char *text = setting(c, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
	int64_t seconds = 1;
	PB_CLEANUP(pb_freep) char *url = meta_url(c, path);
	if (url == NULL)
		return;
	if (text && pb_parse_i64(pb_str_of(text), 1, META_TIMEOUT_MAX, &seconds, NULL) < 0) {
		creds_fail(c, PB_INVALID,
		    "AWS_METADATA_SERVICE_TIMEOUT: whole seconds from 1 to %d", META_TIMEOUT_MAX);
		return;
	}
	struct pb_aws_request *r = creds_request(c, method, url);
	if (pb_streq(method, "PUT"))
		pb_aws_headers_add(
		    &r->headers, "x-aws-ec2-metadata-token-ttl-seconds", META_TOKEN_SECONDS);
	else if (c->token)
		pb_aws_headers_add(&r->headers, "x-aws-ec2-metadata-token", c->token);
	creds_ask_http(c, seconds * PB_SECOND);
	c->ask.is_local = true;
}

/* Nothing to be had here: the last source of all, so it says what else there is. */
static void
no_metadata(struct pb_creds_chain *c, const char *why)
{
	char name[128];
	if (c->n_roles > 0) {
		creds_fail(c, PB_IO, "EC2 instance metadata gives no credentials: %s", why);
		return;
	}
	(void)pb_safe(name, sizeof(name), pb_str_of(pb_aws_config_profile(&c->config)));
	creds_fail(c, PB_NOT_FOUND,
	    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, put keys under "
	    "[%s] in ~/.aws/credentials, or give the host a role (EC2 instance metadata: %s)",
	    name, why);
}

void
creds_ask_meta_token(struct pb_creds_chain *c)
{
	creds_forget_token(c);
	ask_meta(c, "PUT", "/latest/api/token");
}

void
creds_fed_meta_token(struct pb_creds_chain *c, const struct creds_fed *f)
{
	const char *off = setting(c, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
	int status = f->answer ? f->answer->status : 0;
	char text[256];
	if (status == 200) {
		struct pb_str token = trimmed(f->answer->body);
		if (token.len == 0 || token.len > META_TOKEN_MAX || !is_plain(token, "-_=+/.")) {
			no_metadata(c, "its token is no token");
			return;
		}
		creds_set_token(c, token);
	} else if (f->answer && creds_is_passing(f) && creds_try_again(c)) {
		return;
	} else if (status == 400 || (off && strcasecmp(off, "true") == 0)) {
		no_metadata(c, trouble(f, text));
		return;
	}
	creds_enter(c, CREDS_META_ROLE);
}

void
creds_ask_meta_role(struct pb_creds_chain *c)
{
	ask_meta(c, "GET", "/latest/meta-data/iam/security-credentials/");
}

/* True when that was all: the token had run out, or the same is asked once more. */
static bool
is_asked_again(struct pb_creds_chain *c, const struct creds_fed *f)
{
	if (f->answer && f->answer->status == 401 && !c->has_renewed) {
		c->has_renewed = true;
		creds_enter(c, CREDS_META_TOKEN);
		return true;
	}
	/* Where nobody listens, nobody listens a second later. */
	return f->answer && creds_is_passing(f) && creds_try_again(c);
}

void
creds_fed_meta_role(struct pb_creds_chain *c, const struct creds_fed *f)
{
	char text[256];
	if (is_asked_again(c, f))
		return;
	if (f->answer == NULL || f->answer->status != 200) {
		c->is_final = f->answer != NULL && f->answer->status == 404;
		no_metadata(c, c->is_final ? "the instance has no role" : trouble(f, text));
		return;
	}
	struct pb_str role = f->answer->body;
	for (size_t i = 0; i < role.len; i++)
		if (role.ptr[i] == '\n')
			role.len = i;
	role = trimmed(role);
	if (role.len == 0 || role.len > META_ROLE_MAX || !is_plain(role, "+=,.@_-")) {
		no_metadata(c, "its answer is no name of a role");
		return;
	}
	free(c->role);
	c->role = pb_strndup(role.ptr, role.len);
	creds_enter(c, CREDS_META_KEYS);
}

void
creds_ask_meta_keys(struct pb_creds_chain *c)
{
	PB_CLEANUP(pb_freep)
	char *path = pb_asprintf("/latest/meta-data/iam/security-credentials/%s", c->role);
	ask_meta(c, "GET", path);
}

/* A 200 may hold a failure: its Code then is not Success. */
static bool
is_success(struct pb_creds_chain *c, struct pb_str body)
{
	PB_JSON json_t *j = NULL;
	char code[64], message[160];
	if (pb_json_parse(body, &j, NULL) < 0)
		return true; /* creds_of_json has the words */
	const char *text = pb_json_str(j, "Code");
	if (text == NULL || pb_streq(text, "Success"))
		return true;
	creds_fail(c, PB_IO, "role %s of EC2 instance metadata: %s: %s", c->role,
	    pb_safe(code, sizeof(code), pb_str_of(text)),
	    pb_safe(
		message, sizeof(message), pb_str_of(pb_json_str_or(j, "Message", "no reason"))));
	return false;
}

void
creds_fed_meta_keys(struct pb_creds_chain *c, const struct creds_fed *f)
{
	char text[256];
	if (is_asked_again(c, f))
		return;
	if (f->answer == NULL || f->answer->status != 200) {
		creds_fail(c, PB_IO, "role %s of EC2 instance metadata gives no credentials: %s",
		    c->role, trouble(f, text));
		return;
	}
	PB_CLEANUP(pb_freep)
	char *source = pb_asprintf("role %s of EC2 instance metadata", c->role);
	if (!is_success(c, f->answer->body))
		return;
	struct pb_aws_creds *creds = creds_of_json(c, f->answer->body, "Token", source);
	if (creds == NULL)
		return;
	if (pb_aws_config_region(&c->config) != NULL) {
		creds_got(c, creds);
		return;
	}
	pb_aws_creds_free(c->creds);
	c->creds = creds;
	creds_enter(c, CREDS_META_REGION);
}

void
creds_ask_meta_region(struct pb_creds_chain *c)
{
	ask_meta(c, "GET", "/latest/meta-data/placement/region");
}

/* Without one the calls say that they miss it. */
void
creds_fed_meta_region(struct pb_creds_chain *c, const struct creds_fed *f)
{
	if (f->answer && creds_is_passing(f) && creds_try_again(c))
		return;
	if (f->answer && f->answer->status == 200) {
		struct pb_str region = trimmed(f->answer->body);
		if (region.len > 0 && region.len < PB_AWS_REGION_MAX && is_plain(region, "-")) {
			free(c->region);
			c->region = pb_strndup(region.ptr, region.len);
			c->config.found_region = c->region;
		}
	}
	creds_got(c, PB_TAKE(c->creds));
}
