/*
 * The shared config and credentials files, and the search for credentials that reads them.
 */
#include "tests/fuzz/fuzz.h"
#include "aws/creds.h"
#include "aws/endpoint.h"

static const char *
no_environment(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "HOME") == 0 ? "/home/user" : NULL;
}

static void
search(struct pb_str config_file, struct pb_str credentials_file)
{
	struct pb_aws_config config = {.getenv = no_environment};
	PB_CLEANUP(pb_creds_chain_freep)
	struct pb_creds_chain *chain = pb_creds_chain_new(&config, 0);
	struct pb_creds_ask ask;
	struct pb_error err = {0};
	const struct pb_aws_headers none = {0};
	const struct pb_aws_answer answer = {.status = 200, .headers = &none, .body = config_file};
	while (pb_creds_next(chain, &ask, &err) == 0) {
		switch (ask.kind) {
		case PB_CREDS_DONE: {
			PB_CLEANUP(pb_aws_creds_freep)
			struct pb_aws_creds *creds = pb_creds_take(chain);
			FUZZ_MUST(creds->access_key_id != NULL && creds->source != NULL);
			return;
		}
		case PB_CREDS_FILE:
			pb_creds_feed_file(chain,
			    strstr(ask.path, "credentials") ? &credentials_file : &config_file);
			break;
		case PB_CREDS_HTTP:
			pb_creds_feed_answer(chain, &answer);
			break;
		case PB_CREDS_PROGRAM:
			pb_creds_feed_program(chain, config_file);
			break;
		case PB_CREDS_ASK_MAX:
			FUZZ_MUST(false);
		}
	}
	fuzz_must_say_why(&err);
}

static void
read_settings(struct pb_str file)
{
	PB_CLEANUP(pb_profiles_freep) struct pb_profiles *p = pb_profiles_new();
	struct pb_error err = {0};
	if (pb_profiles_add(p, PB_PROFILE_CONFIG, file, &err) < 0) {
		fuzz_must_say_why(&err);
		return;
	}
	struct pb_aws_config config = {.getenv = no_environment, .profiles = p};
	struct pb_aws_endpoint endpoint;
	struct pb_aws_endpoint_options options = {.region = pb_aws_config_region(&config)};
	options.custom_url = pb_aws_endpoint_configured(pb_aws_service_find("sqs"), &config);
	if (pb_aws_endpoint_resolve(pb_aws_service_find("sqs"), &options, &endpoint, &err) < 0)
		fuzz_must_say_why(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct pb_str config_file = fuzz_part(&in), credentials_file = fuzz_rest(&in);
	search(config_file, credentials_file);
	read_settings(config_file);
	return 0;
}
