/*
 * The sources of credentials that have to be asked: roles, web identity, programs, the container endpoint,
 * instance metadata.  Each case is a script of what the chain asks for and what it is told.
 */
#include "aws/creds_chain.h"
#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

#define NOW (INT64_C(1764324000) * 1000)
#define NO_IMDS "AWS_EC2_METADATA_DISABLED=true"
#define META "http://169.254.169.254/latest/"
#define ROLES META "meta-data/iam/security-credentials/"
#define SET(token)                                                                                 \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"SECRET\","             \
	"\"" token "\":\"TOKEN\",\"Expiration\":\"2025-11-28T11:00:00Z\"}"
#define STS(op)                                                                                    \
	"<" op "Response><" op "Result><Credentials><AccessKeyId>RID</AccessKeyId>"                \
	"<SecretAccessKey>RSECRET</SecretAccessKey><SessionToken>RTOKEN</SessionToken>"            \
	"<Expiration>2025-11-28T11:00:00Z</Expiration></Credentials></" op "Result></" op          \
	"Response>"
#define DENIED                                                                                     \
	"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message>"  \
	"</Error><RequestId>r-1</RequestId></ErrorResponse>"

/* What is expected to be asked, and what is told then. */
struct turn {
	const char *ask; /* "FILE path", "GET url", "RUN a|b" ... */
	const char *has; /* part of headers ("Name: value|...") and body; NULL = not looked at */
	int status; /* of an answer; 0 = text is why there is none */
	const char *text; /* NULL for a file: there is none */
};

static const struct source_case {
	const char *what;
	const char *env[6];
	const char *config;
	struct turn turns[8];
	const char *id, *source; /* id NULL: it fails with `source` in the text */
	bool is_final;
	const char *region; /* found */
} cases[] = {
    {"instance metadata", {"HOME=/h", "AWS_REGION=eu-west-1"}, NULL,
	{{"PUT " META "api/token", "x-aws-ec2-metadata-token-ttl-seconds: 21600|", 200, "T0K=="},
	    {"GET " ROLES, "x-aws-ec2-metadata-token: T0K==|", 200, "ops-role\nother\n"},
	    {"GET " ROLES "ops-role", "x-aws-ec2-metadata-token: T0K==|", 200, SET("Token")}},
	"ID", "role ops-role of EC2 instance metadata", false, NULL},
    {"instance metadata tells the region", {"HOME=/h"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200, SET("Token")},
	    {"GET " META "meta-data/placement/region", "x-aws-ec2-metadata-token: T|", 200,
		"eu-central-1\n"}},
	"ID", "role r of EC2 instance metadata", false, "eu-central-1"},
    {"a region that is none is none", {"HOME=/h"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200, SET("Token")},
	    {"GET " META "meta-data/placement/region", NULL, 200, "<html>"}},
	"ID", "role r of EC2 instance metadata", false, NULL},
    {"a host with version 1 only", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 405, ""},
	    {"GET " ROLES, "!x-aws-ec2-metadata-token", 200, "r"},
	    {"GET " ROLES "r", NULL, 200, SET("Token")}},
	"ID", "role r of EC2 instance metadata", false, NULL},
    {"version 1 is switched off", {"AWS_EC2_METADATA_V1_DISABLED=true"}, NULL,
	{{"PUT " META "api/token", NULL, 403, "Forbidden"}}, NULL,
	"(EC2 instance metadata: HTTP 403: Forbidden)", false, NULL},
    {"a token that has run out is asked for once more", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "A"}, {"GET " ROLES, NULL, 401, ""},
	    {"PUT " META "api/token", NULL, 200, "B"}, {"GET " ROLES, "token: B|", 200, "r"},
	    {"GET " ROLES "r", NULL, 200, SET("Token")}},
	"ID", "role r of EC2 instance metadata", false, NULL},
    {"and not twice", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "A"}, {"GET " ROLES, NULL, 401, ""},
	    {"PUT " META "api/token", NULL, 200, "B"}, {"GET " ROLES, NULL, 401, ""}},
	NULL, "EC2 instance metadata: HTTP 401", false, NULL},
    {"trouble passes", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 503, ""}, {"PUT " META "api/token", NULL, 200, "T"},
	    {"GET " ROLES, NULL, 500, ""}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 429, ""}, {"GET " ROLES "r", NULL, 200, SET("Token")}},
	"ID", "role r of EC2 instance metadata", false, NULL},
    {"trouble does not pass", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 500, ""},
	    {"GET " ROLES, NULL, 500, ""}, {"GET " ROLES, NULL, 500, "broken"}},
	NULL, "(EC2 instance metadata: HTTP 500: broken)", false, NULL},
    {"no instance at all", {"HOME=/h"}, NULL,
	{{"PUT " META "api/token", NULL, 0, "could not connect"},
	    {"GET " ROLES, NULL, 0, "could not connect to 169.254.169.254"}},
	NULL,
	"no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, put keys under "
	"[default] "
	"in ~/.aws/credentials, or give the host a role (EC2 instance metadata: could not connect "
	"to "
	"169.254.169.254)",
	false, NULL},
    {"an instance without a role", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 404, ""}}, NULL,
	"the instance has no role", true, NULL},
    {"a name that is no role's", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "../../x"}}, NULL,
	"its answer is no name of a role", false, NULL},
    {"a token that would be a header", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "a\r\nX: b"}}, NULL, "its token is no token", false,
	NULL},
    {"a failure under 200", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200,
		"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no trust\"}"}},
	NULL, "role r of EC2 instance metadata: AssumeRoleUnauthorizedAccess: no trust", false,
	NULL},
    {"an answer that is no JSON", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200, "<html>"}},
	NULL, "role r of EC2 instance metadata: it answers no JSON", false, NULL},
    {"a set without its secret", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200, "{\"AccessKeyId\":\"a\"}"}},
	NULL, "its answer lacks SecretAccessKey", false, NULL},
    {"a credential that would be two headers", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200,
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"c\\r\\nX: y\"}"}},
	NULL, "a line break in a credential", false, NULL},
    {"an expiration that is no time", {"AWS_REGION=x"}, NULL,
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200,
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"soon\"}"}},
	NULL, "an Expiration that is no time", false, NULL},
    {"another address of instance metadata",
	{"AWS_REGION=x", "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://h:1/"}, NULL,
	{{"PUT http://h:1/latest/api/token", NULL, 200, "T"},
	    {"GET http://h:1/latest/meta-data/iam/security-credentials/", NULL, 404, ""}},
	NULL, "no role", true, NULL},
    {"instance metadata by IPv6", {"AWS_REGION=x", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6"},
	NULL, {{"PUT http://[fd00:ec2::254]/latest/api/token", NULL, 400, ""}}, NULL, "HTTP 400",
	false, NULL},
    {"a mode that is none", {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=v5"}, NULL, {{0}}, NULL,
	"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE \"v5\": it is IPv4 or IPv6", false, NULL},
    {"a timeout that is none", {"AWS_METADATA_SERVICE_TIMEOUT=1.5"}, NULL, {{0}}, NULL,
	"AWS_METADATA_SERVICE_TIMEOUT: whole seconds from 1 to 60", false, NULL},

    {"the container endpoint of ECS", {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/x"}, NULL,
	{{"GET http://169.254.170.2/v2/x", "Accept: application/json|", 200, SET("Token")}}, "ID",
	"the container endpoint", false, NULL},
    {"that of EKS, with the token of a file",
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/t", "AWS_CONTAINER_AUTHORIZATION_TOKEN=env"},
	NULL,
	{{"FILE /t", NULL, 0, "from-file"},
	    {"GET http://169.254.170.23/v1/credentials", "Authorization: from-file|", 200,
		SET("Token")}},
	"ID", "the container endpoint", false, NULL},
    {"its token from the environment",
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost:8080/c",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN=Bearer x"},
	NULL, {{"GET http://localhost:8080/c", "Authorization: Bearer x|", 200, SET("Token")}},
	"ID", "the container endpoint", false, NULL},
    {"a token of two lines",
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/c",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/t"},
	NULL, {{"FILE /t", NULL, 0, "a\nb"}}, NULL, "has a line break", false, NULL},
    {"a token file that is not there",
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/c",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/t"},
	NULL, {{"FILE /t", NULL, 0, NULL}}, NULL,
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: there is no such file", false, NULL},
    {"plain HTTP to somebody else", {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://evil.example/c"},
	NULL, {{0}}, NULL, "it is https, or http to this host", false, NULL},
    {"plain HTTP to somebody who looks like us",
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1@e/c"}, NULL, {{0}}, NULL,
	"it is https, or http to this host", false, NULL},
    {"HTTPS to anybody", {"AWS_CONTAINER_CREDENTIALS_FULL_URI=https://creds.example/c"}, NULL,
	{{"GET https://creds.example/c", NULL, 200, SET("Token")}}, "ID", "the container endpoint",
	false, NULL},
    {"the container endpoint is tried three times", {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c"},
	NULL,
	{{"GET http://169.254.170.2/c", NULL, 0, "timed out"},
	    {"GET http://169.254.170.2/c", NULL, 500, ""},
	    {"GET http://169.254.170.2/c", NULL, 0, "timed out"}},
	NULL, "the container endpoint gives no credentials: timed out", false, NULL},
    {"the container endpoint refuses", {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c"}, NULL,
	{{"GET http://169.254.170.2/c", NULL, 403, "no"}}, NULL, "HTTP 403: no", false, NULL},

    {"a program", {"HOME=/h", NO_IMDS},
	"[default]\ncredential_process = /opt/get \"a b\" 'c\\d' e\\ f\n",
	{{"RUN /opt/get|a b|c\\d|e f", NULL, 0,
	    "{\"Version\":1,\"AccessKeyId\":\"PID\",\"SecretAccessKey\":\"S\",\"SessionToken\":"
	    "\"T\"}"}},
	"PID", "credential_process of profile default", false, NULL},
    {"a program of another version", {"HOME=/h"}, "[default]\ncredential_process = p\n",
	{{"RUN p", NULL, 0, "{\"Version\":2}"}}, NULL, "the Version of its answer is not 1", false,
	NULL},
    {"a program that says nothing", {"HOME=/h"}, "[default]\ncredential_process = p\n",
	{{"RUN p", NULL, 0, ""}}, NULL, "it answers no JSON", false, NULL},
    {"a program that fails", {"HOME=/h"}, "[default]\ncredential_process = p\n",
	{{"RUN p", NULL, -1, "exit 3: log in first"}}, NULL,
	"credential_process of profile default: exit 3: log in first", false, NULL},
    {"a quote that is not closed", {"HOME=/h"}, "[default]\ncredential_process = p 'x\n", {{0}},
	NULL, "credential_process of profile default: a quote is not closed", false, NULL},

    {"web identity",
	{"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=arn:aws:iam::1:role/pod",
	    "AWS_REGION=eu-west-1"},
	NULL,
	{{"FILE /t", NULL, 0, "jwt\n"},
	    {"POST https://sts.eu-west-1.amazonaws.com/",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
		"3A1%3Arole%2F"
		"pod&RoleSessionName=playbookd-1764324000&WebIdentityToken=jwt",
		200, STS("AssumeRoleWithWebIdentity")}},
	"RID", "web identity for role arn:aws:iam::1:role/pod", false, NULL},
    {"web identity is not signed",
	{"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=arn:aws:iam::1:role/pod",
	    "AWS_REGION=eu-west-1", "AWS_ROLE_SESSION_NAME=me"},
	NULL,
	{{"FILE /t", NULL, 0, "jwt"},
	    {"POST https://sts.eu-west-1.amazonaws.com/", "!Authorization", 200,
		STS("AssumeRoleWithWebIdentity")}},
	"RID", "web identity", false, NULL},
    {"web identity by the profile", {"HOME=/h", "AWS_REGION=us-gov-west-1"},
	"[default]\nrole_arn = arn:aws-us-gov:iam::1:role/p\nweb_identity_token_file = /t\n",
	{{"FILE /t", NULL, 0, "jwt"},
	    {"POST https://sts.us-gov-west-1.amazonaws.com/", NULL, 200,
		STS("AssumeRoleWithWebIdentity")}},
	"RID", "web identity for role arn:aws-us-gov:iam::1:role/p", false, NULL},
    {"a provider that passes",
	{"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=arn:aws:iam::1:role/pod",
	    "AWS_REGION=eu-west-1"},
	NULL,
	{{"FILE /t", NULL, 0, "jwt"},
	    {"POST https://sts.eu-west-1.amazonaws.com/", NULL, 400,
		"<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>"},
	    {"POST https://sts.eu-west-1.amazonaws.com/", NULL, 200,
		STS("AssumeRoleWithWebIdentity")}},
	"RID", "web identity", false, NULL},
    {"a token without a role", {"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_REGION=x"}, NULL,
	{{"FILE /t", NULL, 0, "jwt"}}, NULL, "no role: set AWS_ROLE_ARN", false, NULL},
    {"a token that is empty", {"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=r"}, NULL,
	{{"FILE /t", NULL, 0, "\n"}}, NULL, "token file /t is empty", false, NULL},
    {"a token that is not there", {"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=r"}, NULL,
	{{"FILE /t", NULL, 0, NULL}}, NULL, "token file /t: there is no such file", false, NULL},

    {"a role with the keys of another profile", {"HOME=/h", "AWS_PROFILE=prod"},
	"[profile prod]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nregion = "
	"eu-west-1\n"
	"external_id = e1\nduration_seconds = 900\nrole_session_name = night\n"
	"[profile base]\naws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{"POST https://sts.eu-west-1.amazonaws.com/",
	    "RoleSessionName=night&DurationSeconds=900&ExternalId=e1", 200, STS("AssumeRole")}},
	"RID", "role arn:aws:iam::1:role/r assumed with profile base in ~/.aws/config", false,
	NULL},
    {"it is signed with them", {"HOME=/h", "AWS_REGION=eu-west-1"},
	"[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
	"aws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{"POST https://sts.eu-west-1.amazonaws.com/",
	    "Authorization: AWS4-HMAC-SHA256 Credential=BID/20251128/eu-west-1/sts/aws4_request",
	    200, STS("AssumeRole")}},
	"RID", "assumed with profile default", false, NULL},
    {"a role assumed from a role", {"HOME=/h", "AWS_REGION=eu-west-1"},
	"[default]\nrole_arn = arn:aws:iam::1:role/outer\nsource_profile = mid\n"
	"[profile mid]\nrole_arn = arn:aws:iam::1:role/inner\nsource_profile = base\n"
	"[profile base]\naws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{"POST https://sts.eu-west-1.amazonaws.com/", "role%2Finner", 200, STS("AssumeRole")},
	    {"POST https://sts.eu-west-1.amazonaws.com/", "role%2Fouter", 200, STS("AssumeRole")}},
	"RID",
	"role arn:aws:iam::1:role/outer assumed with role arn:aws:iam::1:role/inner assumed with "
	"profile "
	"base",
	false, NULL},
    {"a role from the instance's", {"HOME=/h"},
	"[default]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = Ec2InstanceMetadata\n",
	{{"PUT " META "api/token", NULL, 200, "T"}, {"GET " ROLES, NULL, 200, "r"},
	    {"GET " ROLES "r", NULL, 200, SET("Token")},
	    {"GET " META "meta-data/placement/region", NULL, 200, "eu-north-1"},
	    {"POST https://sts.eu-north-1.amazonaws.com/", "X-Amz-Security-Token: TOKEN|", 200,
		STS("AssumeRole")}},
	"RID", "assumed with role r of EC2 instance metadata", false, "eu-north-1"},
    {"a role from the container's",
	{"HOME=/h", "AWS_REGION=x1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c"},
	"[default]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = EcsContainer\n",
	{{"GET http://169.254.170.2/c", NULL, 200, SET("Token")},
	    {"POST https://sts.x1.amazonaws.com/", NULL, 200, STS("AssumeRole")}},
	"RID", "assumed with the container endpoint", false, NULL},
    {"STS refuses", {"HOME=/h", "AWS_REGION=eu-west-1"},
	"[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
	"aws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{"POST https://sts.eu-west-1.amazonaws.com/", NULL, 403, DENIED}}, NULL,
	"role arn:aws:iam::1:role/r assumed with profile default in ~/.aws/config: AccessDenied: "
	"no (HTTP 403, request "
	"r-1)",
	true, NULL},
    {"STS is away", {"HOME=/h", "AWS_REGION=eu-west-1"},
	"[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
	"aws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{"POST https://sts.eu-west-1.amazonaws.com/", NULL, 0, "timed out"},
	    {"POST https://sts.eu-west-1.amazonaws.com/", NULL, 503, ""},
	    {"POST https://sts.eu-west-1.amazonaws.com/", NULL, 0, "timed out"}},
	NULL, "timed out", false, NULL},
    {"a role without a region", {"HOME=/h"},
	"[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
	"aws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{0}}, NULL, "AssumeRole: ", false, NULL},
    {"a role without a source", {"HOME=/h"}, "[default]\nrole_arn = r\n", {{0}}, NULL,
	"profile default has role_arn: it needs one of source_profile and credential_source", false,
	NULL},
    {"a role with two sources", {"HOME=/h"},
	"[default]\nrole_arn = r\nsource_profile = a\ncredential_source = Environment\n", {{0}},
	NULL, "it needs only one of source_profile and credential_source", false, NULL},
    {"roles in a circle", {"HOME=/h"},
	"[default]\nrole_arn = r\nsource_profile = a\n[profile a]\nrole_arn = s\nsource_profile = "
	"default\n",
	{{0}}, NULL, "profile a: its chain of source_profile goes in a circle", false, NULL},
    {"too many roles", {"HOME=/h"},
	"[default]\nrole_arn=r\nsource_profile=a\n[profile a]\nrole_arn=r\nsource_profile=b\n"
	"[profile b]\nrole_arn=r\nsource_profile=c\n[profile c]\nrole_arn=r\nsource_profile=d\n"
	"[profile d]\nrole_arn=r\nsource_profile=e\n[profile e]\nrole_arn=r\nsource_profile=f\n",
	{{0}}, NULL, "profile e: more than 5 roles", false, NULL},
    {"its own source without keys", {"HOME=/h"}, "[default]\nrole_arn=r\nsource_profile=default\n",
	{{0}}, NULL, "is its own source_profile and has no static keys", false, NULL},
    {"a source that is not there", {"HOME=/h"}, "[default]\nrole_arn=r\nsource_profile=gone\n",
	{{0}}, NULL, "profile gone is neither in", false, NULL},
    {"a source without credentials", {"HOME=/h"},
	"[default]\nrole_arn=r\nsource_profile=a\n[profile a]\nregion=x\n", {{0}}, NULL,
	"source_profile a has no credentials", false, NULL},
    {"a credential_source that is none", {"HOME=/h"},
	"[default]\nrole_arn=r\ncredential_source=Ec2\n", {{0}}, NULL,
	"credential_source of profile default is \"Ec2\": it is one of Environment", false, NULL},
    {"a second factor", {"HOME=/h"},
	"[default]\nrole_arn=r\nsource_profile=default\nmfa_serial=m\n", {{0}}, NULL,
	"a second factor (mfa_serial), which a daemon cannot give", false, NULL},
    {"a duration that is none", {"HOME=/h", "AWS_REGION=x"},
	"[default]\nrole_arn=r\nsource_profile=default\nduration_seconds=60\n"
	"aws_access_key_id = BID\naws_secret_access_key = BSECRET\n",
	{{0}}, NULL, "duration_seconds of profile default: whole seconds from 900 to 43200", false,
	NULL},
};

/* "PUT URL", "FILE PATH", "RUN a|b". */
static char *
asked(const struct pb_creds_ask *ask)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (ask->kind == PB_CREDS_FILE)
		return pb_asprintf("FILE %s", ask->path);
	if (ask->kind == PB_CREDS_HTTP)
		return pb_asprintf("%s %s", ask->request->method, ask->request->url);
	for (size_t i = 0; ask->argv[i]; i++)
		(void)pb_buf_addf(&b, "%s%s", i == 0 ? "RUN " : "|", ask->argv[i]);
	return pb_buf_take(&b);
}

/* Does the request have it, in a header or in the body; with '!' before it, does it not? */
static bool
has(const struct pb_aws_request *r, const char *part)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < r->headers.len; i++)
		(void)pb_buf_addf(
		    &b, "%s: %s|", r->headers.items[i].name, r->headers.items[i].value);
	struct pb_str body = pb_buf_str(&r->body);
	(void)pb_buf_addf(&b, "%.*s", PB_STR_ARG(body));
	bool is_not = part[0] == '!';
	return (strstr(b.ptr, part + is_not) != NULL) != is_not;
}

static void
tell(struct pb_creds_chain *chain, const struct pb_creds_ask *ask, const struct turn *t)
{
	const struct pb_aws_headers none = {0};
	struct pb_str text = pb_str_of(t->text);
	const struct pb_aws_answer answer = {.status = t->status, .headers = &none, .body = text};
	if (ask->kind == PB_CREDS_FILE)
		pb_creds_feed_file(chain, t->text ? &text : NULL);
	else if (ask->kind == PB_CREDS_PROGRAM && t->status < 0)
		pb_creds_feed_program_error(chain, t->text);
	else if (ask->kind == PB_CREDS_PROGRAM)
		pb_creds_feed_program(chain, text);
	else if (t->status == 0)
		pb_creds_feed_no_answer(chain, t->text);
	else
		pb_creds_feed_answer(chain, &answer);
}

/* The shared files, then the script; 0 = found. */
static int
play(const struct source_case *k, struct pb_creds_chain *chain, struct pb_error *err)
{
	const struct turn *t = k->turns;
	for (;;) {
		struct pb_creds_ask ask;
		if (pb_creds_next(chain, &ask, err) < 0 || ask.kind == PB_CREDS_DONE)
			break;
		struct pb_str config = pb_str_of(k->config);
		if (ask.kind == PB_CREDS_FILE && strncmp(ask.path, "/h/", 3) == 0) {
			bool is_config = strstr(ask.path, "config") != NULL && k->config != NULL;
			pb_creds_feed_file(chain, is_config ? &config : NULL);
			continue;
		}
		PB_CLEANUP(pb_freep) char *what = asked(&ask);
		ck_assert_msg(
		    t->ask != NULL, "%s: it asks for %s beyond the script", k->what, what);
		ck_assert_msg(pb_streq(what, t->ask), "%s: it asks for %s and not for %s", k->what,
		    what, t->ask);
		ck_assert_msg(t->has == NULL || has(ask.request, t->has), "%s: %s: no %s", k->what,
		    what, t->has);
		bool is_again = t > k->turns && ask.kind == PB_CREDS_HTTP &&
		    pb_streq(t[-1].ask, t->ask) && !strstr(t->ask, "POST");
		ck_assert_msg(ask.wait_for == (is_again ? PB_SECOND : 0) || strstr(t->ask, "POST"),
		    "%s: %s waits for %lld", k->what, what, (long long)ask.wait_for);
		tell(chain, &ask, t++);
	}
	ck_assert_msg(t->ask == NULL, "%s: it does not ask for %s", k->what, t->ask);
	return err->text[0] == '\0' ? 0 : -1;
}

START_TEST(a_source_is_asked_as_its_documents_say)
{
	const struct source_case *k = &cases[_i];
	const char *env[6];
	memcpy(env, k->env, sizeof(env));
	struct pb_aws_config c = {.getenv = fake_getenv, .getenv_arg = env};
	PB_CLEANUP(pb_creds_chain_freep)
	struct pb_creds_chain *chain = pb_creds_chain_new(&c, NOW);
	struct pb_error err = {0};
	int rc = play(k, chain, &err);
	ck_assert_msg(rc == (k->id ? 0 : -1), "%s: %s", k->what, err.text);
	ck_assert_msg(pb_streq(pb_creds_found_region(chain), k->region), "%s: region", k->what);
	ck_assert_msg(pb_creds_is_final(chain) == k->is_final, "%s: is it final?", k->what);
	if (rc < 0) {
		ck_assert_msg(strstr(err.text, k->source) != NULL, "%s: %s", k->what, err.text);
		ck_assert_msg(strstr(err.text, "BSECRET") == NULL, "%s: %s", k->what, err.text);
		return;
	}
	PB_CLEANUP(pb_aws_creds_freep) struct pb_aws_creds *creds = pb_creds_take(chain);
	ck_assert_msg(
	    pb_streq(creds->access_key_id, k->id), "%s: %s", k->what, creds->access_key_id);
	ck_assert_msg(strstr(creds->source, k->source) != NULL, "%s: %s", k->what, creds->source);
	if (creds->session_token && !pb_streq(creds->session_token, "T")) {
		ck_assert_str_eq(creds->session_token, k->id[0] == 'R' ? "RTOKEN" : "TOKEN");
		ck_assert_int_eq(creds->expires_at, INT64_C(1764327600000));
	}
}
END_TEST

static const struct {
	const char *line;
	const char *words[5]; /* none = refused */
} splits[] = {
    {"a b", {"a", "b"}},
    {"  a\t b  ", {"a", "b"}},
    {"a'b c'd \"e\\\"f\" \"\\x\"", {"ab cd", "e\"f", "\\x"}},
    {"a '' \"\"", {"a", "", ""}},
    {"a $(b) `c` ; d", {"a", "$(b)", "`c`", ";", "d"}},
    {"a\\", {"a\\"}},
    {"", {0}},
    {"   ", {0}},
    {"''", {0}},
    {"a \"b", {0}},
    {"a 'b", {0}},
};

START_TEST(a_line_is_split_as_a_shell_would_and_no_shell_runs)
{
	struct pb_error err = {0};
	char **words = NULL;
	int rc = creds_split(splits[_i].line, &words, &err);
	ck_assert_int_eq(rc, splits[_i].words[0] ? 0 : -1);
	if (rc < 0) {
		ck_assert_int_eq(err.kind, PB_SYNTAX);
		return;
	}
	for (size_t i = 0; i < 5 && splits[_i].words[i]; i++)
		ck_assert_str_eq(words[i], splits[_i].words[i]);
	creds_words_free(words);
}
END_TEST

PB_SUITE(creds_source)
{
	pb_add_loop(s, a_source_is_asked_as_its_documents_say, 0, PB_ARRAY_LEN(cases));
	pb_add_loop(s, a_line_is_split_as_a_shell_would_and_no_shell_runs, 0, PB_ARRAY_LEN(splits));
}
