/*
 * STS, query protocol: who is calling, and roles for whoever asks (the web identity's token is
 * "sandbox-web-identity").
 */
#include "tests/sandbox/internal.h"

static void
get_caller_identity(struct pb_sbx_call *c)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	const char *account = c->sb->opts.account;
	pb_buf_addf(&b,
	    "<Arn>arn:aws:iam::%s:user/sandbox</Arn><UserId>AIDASANDBOXSANDBOX000</UserId>"
	    "<Account>%s</Account>",
	    account, account);
	pb_sbx_ok_query(c, b.ptr);
}

static void
give_role(struct pb_sbx_call *c)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_sbx_minted m;
	const char *role = pb_json_str(c->input, "RoleArn");
	const char *session = pb_json_str(c->input, "RoleSessionName");
	const char *seconds = pb_json_str(c->input, "DurationSeconds");
	int64_t lifetime = 3600;
	if (role == NULL || session == NULL) {
		pb_sbx_fail(
		    c, 400, "ValidationError", NULL, "RoleArn and RoleSessionName are needed");
		return;
	}
	if (seconds != NULL && pb_parse_i64(pb_str_of(seconds), 900, 43200, &lifetime, NULL) < 0) {
		pb_sbx_fail(c, 400, "ValidationError", NULL, "DurationSeconds is 900 to 43200");
		return;
	}
	pb_sbx_mint(c->sb, lifetime * PB_SECOND, &m);
	pb_buf_addf(&b,
	    "<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
	    "<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>"
	    "<AssumedRoleUser><Arn>",
	    m.access, m.secret, m.token, m.expiration);
	pb_sbx_xml_text(&b, role);
	pb_buf_addc(&b, '/');
	pb_sbx_xml_text(&b, session);
	pb_buf_adds(
	    &b, "</Arn><AssumedRoleId>AROASANDBOX:session</AssumedRoleId></AssumedRoleUser>");
	pb_sbx_ok_query(c, b.ptr);
}

static void
assume_role_with_web_identity(struct pb_sbx_call *c)
{
	const char *token = pb_json_str(c->input, "WebIdentityToken");
	if (!pb_streq(token, "sandbox-web-identity")) {
		pb_sbx_fail(c, 400, "InvalidIdentityToken", NULL, "No such identity");
		return;
	}
	give_role(c);
}

static const struct pb_sbx_op ops[] = {
    {"AssumeRole", give_role},
    {"AssumeRoleWithWebIdentity", assume_role_with_web_identity},
    {"GetCallerIdentity", get_caller_identity},
};

const struct pb_sbx_service pb_sbx_sts = {
    .name = "sts",
    .signing = "sts",
    .protocol = PB_SBX_QUERY,
    .version = "2011-06-15",
    .space = "https://sts.amazonaws.com/doc/2011-06-15/",
    .throttle = "Throttling",
    .throttle_status = 400,
    .ops = ops,
    .n_ops = PB_ARRAY_LEN(ops),
};
