/*
 * Amazon resource names: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
 */
#ifndef PB_AWS_ARN_H
#define PB_AWS_ARN_H

#include "base/text.h"

#define PB_ARN_MAX 2048

/* Looks into the text that was parsed.  region and account may be empty (IAM, S3). */
struct pb_arn {
	struct pb_str partition, service, region, account, resource;
};

/*
 * Split `s` (at most PB_ARN_MAX bytes) into its parts; a resource may hold further colons.
 * PB_SYNTAX when it does not start with "arn:", has fewer than six parts, an empty partition,
 * service or resource, an account that is not 12 digits or "aws", or a byte that is no printable
 * ASCII. On failure *ret_arn is untouched.
 */
int pb_arn_parse(struct pb_str s, struct pb_arn *ret_arn, struct pb_error *err);

#endif
