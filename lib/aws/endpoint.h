/*
 * Where a service of a region is reached.
 */
#ifndef PB_AWS_ENDPOINT_H
#define PB_AWS_ENDPOINT_H

#include "aws/profile.h"
#include "aws/service.h"

#define PB_AWS_REGION_MAX 64

struct pb_aws_partition {
	const char *name; /* "aws"; ARNs start arn:NAME: */
	const char *suffix; /* "amazonaws.com" */
	const char *dualstack; /* "api.aws" */
	const char *default_region; /* for global services */
};
/* By the pattern of the region's name; one that matches none is of "aws".  Never NULL. */
const struct pb_aws_partition *pb_aws_partition_of(const char *region);

struct pb_aws_endpoint {
	bool is_tls;
	bool is_custom;
	char host[300]; /* as in the Host header: port only where not the default */
	char base_path[512]; /* "" or "/base": starts with '/', does not end with one */
	char region[PB_AWS_REGION_MAX]; /* to sign for */
};

struct pb_aws_endpoint_options {
	const char *region; /* required; letters, digits, '-', '_' */
	bool use_fips, use_dualstack;
	const char *custom_url; /* NULL or "" = the service's own */
};

/*
 * The endpoint of `service`.  PB_INVALID: no or a malformed region, a custom URL that is no http(s)
 * URL or has user, query or fragment, a custom URL together with FIPS or dual stack, a service that
 * the partition does not have (CodePipeline).
 */
int pb_aws_endpoint_resolve(const struct pb_aws_service *service,
    const struct pb_aws_endpoint_options *options, struct pb_aws_endpoint *ret,
    struct pb_error *err);

/*
 * The configured custom URL of `service`: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the
 * profile's services section, the profile's endpoint_url; NULL when there is none or
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true.  Borrowed from env or config.
 */
const char *pb_aws_endpoint_configured(
    const struct pb_aws_service *service, const struct pb_aws_config *config);

/*
 * The region a queue URL names (https://sqs.REGION.SUFFIX/..., REGION.queue.amazonaws.com,
 * queue.amazonaws.com); false for other hosts: then use the configured region.
 */
bool pb_aws_queue_url_region(const char *queue_url, char ret_region[PB_AWS_REGION_MAX]);

#endif
