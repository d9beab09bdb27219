/*
 * Amazon resource names.
 */
#include "aws/arn.h"

static bool
is_account(struct pb_str s)
{
	if (s.len == 0 || pb_str_is(s, "aws"))
		return true;
	if (s.len != 12)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return true;
}

int
pb_arn_parse(struct pb_str s, struct pb_arn *ret_arn, struct pb_error *err)
{
	if (s.len > PB_ARN_MAX)
		return pb_fail(err, PB_LIMIT, "an ARN has at most %d bytes", PB_ARN_MAX);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			return pb_fail(err, PB_SYNTAX, "an ARN holds only printable ASCII");
	if (!pb_str_has_prefix(s, PB_STR("arn:")))
		return pb_fail(err, PB_SYNTAX, "an ARN starts with \"arn:\"");

	struct pb_str part[5], rest = {s.ptr + 4, s.len - 4};
	for (size_t i = 0; i < 4; i++) {
		const char *colon = rest.len ? memchr(rest.ptr, ':', rest.len) : NULL;
		if (!colon)
			return pb_fail(err, PB_SYNTAX,
			    "an ARN has six parts: arn:partition:service:region:account:resource");
		part[i] = (struct pb_str){rest.ptr, (size_t)(colon - rest.ptr)};
		rest = (struct pb_str){colon + 1, rest.len - part[i].len - 1};
	}
	part[4] = rest;

	if (!part[0].len || !part[1].len || !part[4].len)
		return pb_fail(
		    err, PB_SYNTAX, "partition, service and resource of an ARN are not empty");
	if (!is_account(part[3]))
		return pb_fail(err, PB_SYNTAX, "the account in an ARN has 12 digits");
	*ret_arn = (struct pb_arn){part[0], part[1], part[2], part[3], part[4]};
	return 0;
}
