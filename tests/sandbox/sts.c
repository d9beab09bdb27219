/*
 * STS, query protocol: who is calling.
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

static const struct pb_sbx_op ops[] = {
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
