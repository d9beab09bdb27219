/*
 * Endpoint rules.
 */
#include "aws/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

static const struct {
	const char *prefix; /* of the region; what follows must be \w+-\d+ */
	struct pb_aws_partition partition;
} partitions[] = {
    {"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1"}},
    {"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"}},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"}},
    {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"}},
    {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"}},
    {"eusc-de-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"}},
    {"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"}},
};
/* us, eu, ap and the rest, and every region that matches nothing. */
static const struct pb_aws_partition commercial = {"aws", "amazonaws.com", "api.aws", "us-east-1"};

/* Does all of `s` match \w+-\d+ ? */
static bool
is_place(const char *s)
{
	size_t word = 0, digits = 0;
	while (isalnum((unsigned char)s[word]) || s[word] == '_')
		word++;
	if (word == 0 || s[word] != '-')
		return false;
	s += word + 1;
	while (isdigit((unsigned char)s[digits]))
		digits++;
	return digits > 0 && s[digits] == '\0';
}

const struct pb_aws_partition *
pb_aws_partition_of(const char *region)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(partitions); i++) {
		size_t len = strlen(partitions[i].prefix);
		if (strncmp(region, partitions[i].prefix, len) == 0 && is_place(region + len))
			return &partitions[i].partition;
	}
	return &commercial;
}

static bool
is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pb_streq(word, words[i]))
			return true;
	return false;
}

/*
 * The exceptions: in GovCloud these hosts serve FIPS without saying so.  Found by resolving every
 * combination with the published rule sets.
 */
static bool
has_fips_suffix(
    const char *prefix, const struct pb_aws_partition *p, const struct pb_aws_endpoint_options *o)
{
	static const char *const plain[] = {"monitoring", "sqs", "sns", "sts", "ssm", "autoscaling",
	    "ec2", "cloudformation", "config", "cloudtrail", "events", "dynamodb"};
	static const char *const plain_dualstack[] = {"monitoring", "events"};

	if (!pb_streq(p->name, "aws-us-gov"))
		return o->use_fips;
	if (o->use_dualstack && !o->use_fips)
		return pb_streq(prefix, "states");
	if (!o->use_fips)
		return false;
	if (o->use_dualstack)
		return !is_one_of(prefix, plain_dualstack, PB_ARRAY_LEN(plain_dualstack));
	if (pb_streq(prefix, "states"))
		return !pb_streq(o->region, "us-gov-west-1");
	return !is_one_of(prefix, plain, PB_ARRAY_LEN(plain));
}

static int
check_region(const char *region, struct pb_error *err)
{
	if (!region || !*region)
		return pb_fail(err, PB_INVALID,
		    "no AWS region: set aws.region, AWS_REGION or region in the profile");
	size_t len = strlen(region);
	for (size_t i = 0; i < len; i++) {
		if (isalnum((unsigned char)region[i]) || region[i] == '-' || region[i] == '_')
			continue;
		len = PB_AWS_REGION_MAX;
		break;
	}
	if (len < PB_AWS_REGION_MAX)
		return 0;
	char shown[96];
	pb_safe(shown, sizeof(shown), pb_str_of(region));
	return pb_fail(err, PB_INVALID, "\"%s\" is no AWS region", shown);
}

static int
check_offered(
    const struct pb_aws_service *service, const struct pb_aws_partition *p, struct pb_error *err)
{
	static const char *const without[] = {"aws-iso", "aws-iso-b", "aws-iso-e", "aws-eusc"};
	if (pb_streq(service->prefix, "codepipeline") &&
	    is_one_of(p->name, without, PB_ARRAY_LEN(without)))
		return pb_fail(err, PB_INVALID, "%s is not offered in the partition %s",
		    service->title, p->name);
	return 0;
}

static int
bad_url(struct pb_error *err, const char *url, const char *why)
{
	char shown[160];
	pb_safe(shown, sizeof(shown), pb_str_of(url));
	/* What stands before an '@' may be a password. */
	if (strchr(url, '@'))
		return pb_fail(err, PB_INVALID, "endpoint URL: %s", why);
	return pb_fail(err, PB_INVALID, "endpoint URL \"%s\": %s", shown, why);
}

static bool
is_host_port(struct pb_str s, struct pb_str *ret_host, struct pb_str *ret_port)
{
	struct pb_str host = s;
	if (s.len > 0 && s.ptr[0] == '[') {
		const char *end = memchr(s.ptr, ']', s.len);
		if (!end)
			return false;
		host.len = (size_t)(end - s.ptr) + 1;
	} else {
		const char *colon = s.len ? memchr(s.ptr, ':', s.len) : NULL;
		host.len = colon ? (size_t)(colon - s.ptr) : s.len;
	}
	for (size_t i = 0; i < host.len; i++)
		if (!isalnum((unsigned char)host.ptr[i]) && !strchr("-._[]:", host.ptr[i]))
			return false;
	struct pb_str port = {host.ptr + host.len, s.len - host.len};
	int64_t n;
	if (port.len > 0) {
		if (port.ptr[0] != ':')
			return false;
		port = (struct pb_str){port.ptr + 1, port.len - 1};
		if (pb_parse_i64(port, 1, 65535, &n, NULL) < 0)
			return false;
	}
	*ret_host = host;
	*ret_port = port;
	return host.len > 0;
}

static int
parse_custom(const char *url, struct pb_aws_endpoint *e, struct pb_error *err)
{
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~')
			return bad_url(err, url, "holds a byte that must be percent-encoded");
	if (strncasecmp(url, "https://", 8) == 0)
		e->is_tls = true;
	else if (strncasecmp(url, "http://", 7) != 0)
		return bad_url(err, url, "must start with http:// or https://");
	const char *at = url + (e->is_tls ? 8 : 7);
	if (strpbrk(at, "?#"))
		return bad_url(err, url, "must have no query and no fragment");

	struct pb_str authority = {at, strcspn(at, "/")}, host, port;
	if (memchr(authority.ptr, '@', authority.len))
		return bad_url(err, url, "must have no user or password");
	if (!is_host_port(authority, &host, &port))
		return bad_url(err, url, "has no valid host and port");
	const char *path = at + authority.len;
	size_t path_len = strlen(path);
	while (path_len > 0 && path[path_len - 1] == '/')
		path_len--;
	if (host.len > 256 || path_len >= sizeof(e->base_path))
		return bad_url(err, url, "is too long");

	bool is_default = port.len == 0 || pb_str_is(port, e->is_tls ? "443" : "80");
	int n = snprintf(e->host, sizeof(e->host), "%.*s%s%.*s", PB_STR_ARG(host),
	    is_default ? "" : ":", is_default ? 0 : (int)port.len, port.ptr);
	pb_check(n > 0 && (size_t)n < sizeof(e->host));
	snprintf(e->base_path, sizeof(e->base_path), "%.*s", (int)path_len, path);
	return 0;
}

int
pb_aws_endpoint_resolve(const struct pb_aws_service *service,
    const struct pb_aws_endpoint_options *options, struct pb_aws_endpoint *ret,
    struct pb_error *err)
{
	struct pb_aws_endpoint e = {.is_tls = true};
	if (check_region(options->region, err) < 0)
		return -1;
	snprintf(e.region, sizeof(e.region), "%s", options->region);

	if (options->custom_url && *options->custom_url) {
		if (options->use_fips || options->use_dualstack)
			return pb_fail(err, PB_INVALID,
			    "%s: a custom endpoint URL excludes FIPS and dual-stack endpoints",
			    service->title);
		e.is_custom = true;
		e.is_tls = false;
		if (parse_custom(options->custom_url, &e, err) < 0)
			return pb_wrap(err, "%s", service->title);
		*ret = e;
		return 0;
	}
	const struct pb_aws_partition *p = pb_aws_partition_of(options->region);
	if (check_offered(service, p, err) < 0)
		return -1;
	snprintf(e.host, sizeof(e.host), "%s%s.%s.%s", service->prefix,
	    has_fips_suffix(service->prefix, p, options) ? "-fips" : "", options->region,
	    options->use_dualstack ? p->dualstack : p->suffix);
	*ret = e;
	return 0;
}

const char *
pb_aws_endpoint_configured(const struct pb_aws_service *service, const struct pb_aws_config *config)
{
	const char *ignored = pb_aws_config_get(
	    config, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
	if (ignored && strcasecmp(ignored, "true") == 0)
		return NULL;

	char name[96];
	snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service->env);
	const char *url = pb_aws_config_env(config, name);
	if (!url)
		url = pb_aws_config_env(config, "AWS_ENDPOINT_URL");
	if (url)
		return url;

	const char *section = pb_aws_config_get(config, NULL, "services");
	if (section) {
		snprintf(name, sizeof(name), "%s.endpoint_url", service->env);
		url = pb_profiles_section_get(config->profiles, "services", section, name);
	}
	return url ? url : pb_aws_config_get(config, NULL, "endpoint_url");
}

static bool
is_suffix(const char *s)
{
	if (pb_streq(s, commercial.suffix) || pb_streq(s, commercial.dualstack))
		return true;
	for (size_t i = 0; i < PB_ARRAY_LEN(partitions); i++)
		if (pb_streq(s, partitions[i].partition.suffix) ||
		    pb_streq(s, partitions[i].partition.dualstack))
			return true;
	return false;
}

/* Take "REGION.rest" apart; NULL when there is no usable region in front. */
static const char *
take_region(const char *s, char region[PB_AWS_REGION_MAX])
{
	size_t len = strcspn(s, ".");
	if (len == 0 || len >= PB_AWS_REGION_MAX || s[len] != '.')
		return NULL;
	memcpy(region, s, len);
	region[len] = '\0';
	return check_region(region, NULL) == 0 ? s + len + 1 : NULL;
}

bool
pb_aws_queue_url_region(const char *queue_url, char ret_region[PB_AWS_REGION_MAX])
{
	char host[256], region[PB_AWS_REGION_MAX];
	const char *at = strstr(queue_url, "://");
	if (!at)
		return false;
	at += 3;
	size_t len = strcspn(at, "/");
	if (len == 0 || len >= sizeof(host))
		return false;
	memcpy(host, at, len);
	host[len] = '\0';

	if (pb_streq(host, "queue.amazonaws.com")) {
		snprintf(ret_region, PB_AWS_REGION_MAX, "%s", commercial.default_region);
		return true;
	}
	const char *rest = NULL;
	if (strncmp(host, "sqs.", 4) == 0)
		rest = take_region(host + 4, region);
	else if (strncmp(host, "sqs-fips.", 9) == 0)
		rest = take_region(host + 9, region);
	else if ((rest = take_region(host, region)) != NULL)
		rest = strncmp(rest, "queue.", 6) == 0 ? rest + 6 : NULL;
	if (!rest || !is_suffix(rest))
		return false;
	snprintf(ret_region, PB_AWS_REGION_MAX, "%s", region);
	return true;
}
