/*
 * The AWS client against the sandbox: success, each fault on each call, credentials, clock, limits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/map.h"
#include "io/file.h"
#include "tests/unit/daemon/world.h"

static const struct call {
	const char *service, *operation, *inputs;
	bool is_once;
} calls[] = {
    {"sts", "GetCallerIdentity", "{}", false},
    {"cloudwatch", "DescribeAlarms", "{\"AlarmTypes\":[\"MetricAlarm\"]}", false},
    {"cloudwatch", "DescribeAlarmHistory", "{\"HistoryItemType\":\"StateUpdate\"}", false},
    {"sqs", "ReceiveMessage", "{\"QueueUrl\":\"" WORLD_QUEUE "\",\"WaitTimeSeconds\":0}", false},
    {"sqs", "DeleteMessageBatch",
	"{\"QueueUrl\":\"" WORLD_QUEUE "\",\"Entries\":[{\"Id\":\"1\",\"ReceiptHandle\":\"h\"}]}",
	false},
    {"sqs", "ChangeMessageVisibilityBatch",
	"{\"QueueUrl\":\"" WORLD_QUEUE "\",\"Entries\":[{\"Id\":\"1\",\"ReceiptHandle\":\"h\","
	"\"VisibilityTimeout\":5}]}",
	false},
    {"sqs", "SendMessage", "{\"QueueUrl\":\"" WORLD_QUEUE "\",\"MessageBody\":\"hello\"}", true},
    {"sns", "Publish",
	"{\"TopicArn\":\"arn:aws:sns:us-east-1:111122223333:pages\",\"Message\":\"hello\"}", true},
};
/* Whether the fault proves that the call had no effect. */
static const struct {
	const char *fault;
	bool is_proof;
} faults[] = {
    {"{\"fault\":\"throttle\"}", true},
    {"{\"fault\":\"server_error\"}", false},
    {"{\"fault\":\"server_error\",\"status\":503,\"html\":true}", false},
    {"{\"fault\":\"reset\"}", false},
    {"{\"fault\":\"close\"}", false},
    {"{\"fault\":\"lost\"}", false},
    {"{\"fault\":\"cut\"}", false},
    {"{\"fault\":\"garbage\"}", false},
    {"{\"fault\":\"not_http\"}", false},
    {"{\"fault\":\"empty\"}", false},
    {"{\"fault\":\"answer\",\"content_type\":\"text/html\",\"body\":\"<html>ok</html>\"}", false},
};
#define N_CALLS ((int)PB_ARRAY_LEN(calls))
#define N_FAULTS ((int)PB_ARRAY_LEN(faults))

static void
open_with_resources(struct world *w)
{
	world_open(w);
	world_tell(w, "/_sandbox/queues", "{\"name\":\"events\"}");
	world_tell(w, "/_sandbox/topics", "{\"name\":\"pages\"}");
	world_client(w);
}

static void
run(struct world *w, const char *service, const char *operation, const char *inputs)
{
	PB_JSON json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(inputs), &j, NULL), 0);
	world_call(w,
	    &(struct pb_client_request){.service = service, .operation = operation, .inputs = j});
}

static void
identify(struct world *w)
{
	run(w, "sts", "GetCallerIdentity", "{}");
}

START_TEST(a_call_gives_its_output)
{
	struct world w;
	open_with_resources(&w);
	run(&w, calls[_i].service, calls[_i].operation, calls[_i].inputs);
	ck_assert_msg(w.is_ok, "%s: %s", calls[_i].operation, w.text);
	ck_assert_int_eq(w.attempts, 1);
	ck_assert(json_is_object(w.output));
	ck_assert_str_eq(w.text, "");
	ck_assert_uint_eq(pb_client_n_calls(w.client), 0);
	world_close(&w);
}
END_TEST

START_TEST(a_fault_is_repeated_unless_the_call_may_have_happened)
{
	const struct call *call = &calls[_i / N_FAULTS];
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", faults[_i % N_FAULTS].fault);
	run(&w, call->service, call->operation, call->inputs);
	if (!call->is_once || faults[_i % N_FAULTS].is_proof) {
		ck_assert_msg(w.is_ok, "%s: %s", call->operation, w.text);
		ck_assert_int_eq(w.attempts, 2);
	} else {
		ck_assert_msg(
		    !w.is_ok, "%s after %s", call->operation, faults[_i % N_FAULTS].fault);
		ck_assert_int_eq(w.attempts, 1);
		ck_assert(w.is_unknown);
	}
	world_close(&w);
}
END_TEST

START_TEST(a_lost_answer_of_a_publish_publishes_once)
{
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"lost\",\"reset\":true,\"times\":0}");
	run(&w, "sns", "Publish", calls[7].inputs);
	ck_assert(!w.is_ok && w.is_unknown);
	ck_assert(w.error.is_network);
	ck_assert_uint_eq(world_n_calls(&w, "Publish"), 1);
	world_close(&w);
}
END_TEST

START_TEST(the_effect_asked_for_counts_before_the_table)
{
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"lost\"}");
	PB_JSON json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(calls[7].inputs), &j, NULL), 0);
	world_call(&w,
	    &(struct pb_client_request){
		.service = "sns", .operation = "Publish", .inputs = j, .effect = "idempotent"});
	ck_assert(w.is_ok);
	ck_assert_uint_eq(world_n_calls(&w, "Publish"), 2);
	world_close(&w);
}
END_TEST

START_TEST(attempts_have_an_end)
{
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"server_error\",\"times\":0}");
	identify(&w);
	ck_assert(!w.is_ok && !w.is_unknown);
	ck_assert_int_eq(w.attempts, 3);
	ck_assert_int_eq(w.error.http_status, 500);
	world_says(w.text, "after 3 attempts");
	world_close(&w);
}
END_TEST

START_TEST(an_answer_without_end_is_cut_off)
{
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"huge\",\"times\":0}");
	identify(&w);
	ck_assert(!w.is_ok);
	ck_assert_str_eq(w.error.code, "Network.TooBig");
	world_close(&w);
}
END_TEST

/* --- credentials */

START_TEST(a_wrong_secret_names_its_source_and_the_remedy)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_SECRET_ACCESS_KEY", "not-it");
	world_client(&w);
	identify(&w);
	ck_assert(!w.is_ok);
	ck_assert_int_eq(w.attempts, 1);
	world_says(w.text, "SignatureDoesNotMatch");
	world_says(w.text, "environment AWS_ACCESS_KEY_ID");
	world_says(w.text, "check the secret key");
	ck_assert(!strstr(w.text, "not-it"));
	world_close(&w);
}
END_TEST

/* A service that refuses a signature sends back what it should have signed. */
START_TEST(a_refused_signature_does_not_show_the_token)
{
	const struct call *call = &calls[_i];
	struct world w;
	open_with_resources(&w);
	world_env(&w, "AWS_SECRET_ACCESS_KEY", "not-it");
	world_env(&w, "AWS_SESSION_TOKEN", "a-token-that-nobody-may-read");
	world_client(&w);
	run(&w, call->service, call->operation, call->inputs);
	ck_assert(!w.is_ok);
	world_says(w.text, "does not match");
	world_says(w.text, "check the secret key");
	ck_assert_msg(!strstr(w.text, "a-token-that"), "%s", w.text);
	ck_assert(!strstr(w.text, "Canonical") && !strstr(w.text, "security-token"));
	world_close(&w);
}
END_TEST

START_TEST(an_unknown_key_names_its_source_and_the_remedy)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", "AKIDNOBODY");
	world_client(&w);
	identify(&w);
	ck_assert(!w.is_ok);
	world_says(w.text, "InvalidClientTokenId");
	world_says(w.text, "does not know the access key from environment AWS_ACCESS_KEY_ID");
	world_close(&w);
}
END_TEST

START_TEST(no_credentials_say_where_to_put_them)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", NULL);
	world_env(&w, "AWS_EC2_METADATA_DISABLED", "true");
	world_client(&w);
	ck_assert_ptr_null(pb_client_credentials(w.client));
	identify(&w);
	ck_assert(!w.is_ok && !w.is_unknown);
	ck_assert_int_eq(w.attempts, 0);
	ck_assert_str_eq(w.error.code, "Credentials.Unavailable");
	world_says(w.text, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
	world_close(&w);
}
END_TEST

/* --- credentials that have to be asked for */

static void
use_metadata(struct world *w)
{
	PB_CLEANUP(pb_freep)
	char *url = pb_asprintf("http://127.0.0.1:%u", pb_sandbox_port(w->sandbox));
	world_env(w, "AWS_ACCESS_KEY_ID", NULL);
	world_env(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
}

static size_t
n_keys_given(struct world *w)
{
	PB_JSON json_t *asked = world_ask(w, "GET", "/_sandbox/calls?service=metadata", NULL);
	size_t i, n = 0;
	json_t *call;
	json_array_foreach (asked, i, call)
		n += strstr(pb_json_str_or(call, "path", ""), "/sandbox-role") != NULL;
	return n;
}

static bool
were_renewed(struct world *w, void *arg)
{
	(void)arg;
	return n_keys_given(w) >= 2;
}

START_TEST(a_role_of_the_instance_is_used_and_its_region)
{
	struct world w;
	world_open(&w);
	use_metadata(&w);
	world_env(&w, "AWS_REGION", NULL);
	world_client(&w);
	ck_assert_ptr_null(pb_client_credentials(w.client));
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	ck_assert_int_eq(w.attempts, 1);
	ck_assert_str_eq(
	    pb_client_credentials(w.client), "role sandbox-role of EC2 instance metadata");
	ck_assert_str_eq(pb_client_region(w.client), PB_SANDBOX_REGION);
	identify(&w);
	ck_assert(w.is_ok);
	ck_assert_uint_eq(n_keys_given(&w), 1);
	world_close(&w);
}
END_TEST

START_TEST(credentials_near_their_end_are_renewed_while_calls_go_on)
{
	struct world w;
	world_open(&w);
	use_metadata(&w);
	world_tell(&w, "/_sandbox/metadata", "{\"lifetime_ms\":240000}"); /* advisory at once */
	world_client(&w);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_tell(&w, "/_sandbox/metadata", "{}");
	identify(&w);
	ck_assert(w.is_ok);
	world_until(&w, were_renewed, NULL);
	size_t n = n_keys_given(&w);
	identify(&w);
	ck_assert(w.is_ok);
	world_rounds(&w, 100);
	ck_assert_uint_eq(n_keys_given(&w), n);
	world_close(&w);
}
END_TEST

START_TEST(when_renewal_fails_the_old_ones_are_used)
{
	struct world w;
	world_open(&w);
	use_metadata(&w);
	world_tell(&w, "/_sandbox/metadata", "{\"lifetime_ms\":30000}"); /* mandatory at once */
	world_client(&w);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_tell(&w, "/_sandbox/metadata", "{\"status\":404}");
	identify(&w);
	ck_assert_msg(!w.is_ok, "the role is gone");
	world_says(w.text, "the instance has no role");
	world_tell(&w, "/_sandbox/metadata", "{\"status\":403}");
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_says(w.log.ptr, "going on with those from role sandbox-role");
	world_close(&w);
}
END_TEST

START_TEST(without_any_source_each_waiting_call_hears_why)
{
	struct world w;
	world_open(&w);
	use_metadata(&w);
	world_tell(&w, "/_sandbox/metadata", "{\"status\":404}");
	world_client(&w);
	identify(&w);
	ck_assert(!w.is_ok && !w.is_unknown);
	ck_assert_int_eq(w.attempts, 0);
	ck_assert_str_eq(w.error.code, "Credentials.Unavailable");
	world_says(
	    w.text, "or give the host a role (EC2 instance metadata: the instance has no role)");
	world_tell(&w, "/_sandbox/metadata", "{}");
	identify(&w); /* no pause: the next call asks anew */
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_close(&w);
}
END_TEST

static void
write_file(struct world *w, const char *env, const char *name, const char *text)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", world_dir(w), name);
	ck_assert_int_eq(pb_file_write(path, 0600, pb_str_of(text), NULL), 0);
	world_env(w, env, path);
}

START_TEST(a_role_is_assumed_with_static_keys)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", NULL);
	write_file(&w, "AWS_CONFIG_FILE", "config",
	    "[default]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = base\n"
	    "[profile base]\naws_access_key_id = " PB_SANDBOX_ACCESS_KEY
	    "\naws_secret_access_key = " PB_SANDBOX_SECRET_KEY "\n");
	world_client(&w);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	ck_assert_uint_eq(world_n_calls(&w, "AssumeRole"), 1);
	world_says(pb_client_credentials(w.client),
	    "role arn:aws:iam::111122223333:role/ops assumed with profile base in ");
	world_close(&w);
}
END_TEST

START_TEST(a_refused_role_says_so)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", NULL);
	write_file(&w, "AWS_CONFIG_FILE", "config",
	    "[default]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = base\n"
	    "[profile base]\naws_access_key_id = " PB_SANDBOX_ACCESS_KEY
	    "\naws_secret_access_key = not-the-key\n");
	world_client(&w);
	identify(&w);
	ck_assert(!w.is_ok);
	world_says(w.text, "SignatureDoesNotMatch");
	world_says(w.text, "profile base in ");
	ck_assert(!strstr(w.text, "not-the-key"));
	world_close(&w);
}
END_TEST

START_TEST(a_web_identity_becomes_a_role)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", NULL);
	write_file(&w, "AWS_WEB_IDENTITY_TOKEN_FILE", "token", "sandbox-web-identity");
	world_env(&w, "AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pod");
	world_client(&w);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	ck_assert_str_eq(pb_client_credentials(w.client),
	    "web identity for role arn:aws:iam::111122223333:role/pod");
	world_close(&w);
}
END_TEST

START_TEST(a_program_gives_credentials)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", NULL);
	write_file(&w, "AWS_CONFIG_FILE", "config",
	    "[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"%s\","
	    "\"SecretAccessKey\":\"%s\"}' " PB_SANDBOX_ACCESS_KEY " " PB_SANDBOX_SECRET_KEY "\n");
	world_client(&w);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	ck_assert_str_eq(pb_client_credentials(w.client), "credential_process of profile default");
	world_close(&w);
}
END_TEST

START_TEST(a_program_that_fails_is_quoted)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_ACCESS_KEY_ID", NULL);
	write_file(&w, "AWS_CONFIG_FILE", "config",
	    "[default]\ncredential_process = /bin/ls /does/not/exist\n");
	world_client(&w);
	identify(&w);
	ck_assert(!w.is_ok);
	world_says(w.text, "credential_process of profile default: exit 2: ");
	world_says(w.text, "/does/not/exist");
	world_close(&w);
}
END_TEST

START_TEST(a_client_may_go_while_it_looks_for_credentials)
{
	struct world w;
	world_open(&w);
	use_metadata(&w);
	world_client(&w);
	world_client(&w); /* frees the first one in mid-search */
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_close(&w);
}
END_TEST

static void
write_keys(struct world *w, const char *secret, int64_t at)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/credentials", world_dir(w));
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
	    PB_SANDBOX_ACCESS_KEY, secret);
	struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
	ck_assert_int_eq(pb_file_write(path, 0600, pb_str_of(text), NULL), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	world_env(w, "AWS_SHARED_CREDENTIALS_FILE", path);
	world_env(w, "AWS_ACCESS_KEY_ID", NULL);
}

START_TEST(a_changed_credentials_file_is_read_again)
{
	struct world w;
	world_open(&w);
	write_keys(&w, PB_SANDBOX_SECRET_KEY, 1000);
	world_client(&w);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_says(pb_client_credentials(w.client), "profile default in ");

	write_keys(&w, "wrong", 2000);
	identify(&w);
	ck_assert(!w.is_ok);
	world_says(w.text, "/credentials");

	write_keys(&w, PB_SANDBOX_SECRET_KEY, 3000);
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_close(&w);
}
END_TEST

START_TEST(an_expired_token_is_answered_by_new_credentials)
{
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"expired_token\"}");
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	ck_assert_int_eq(w.attempts, 2);

	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"expired_token\",\"times\":0}");
	identify(&w);
	ck_assert(!w.is_ok);
	ck_assert_int_eq(w.attempts, 2);
	world_says(w.text, "have expired: renew them");
	world_close(&w);
}
END_TEST

START_TEST(a_wrong_clock_is_corrected)
{
	struct world w;
	open_with_resources(&w);
	world_tell(
	    &w, "/_sandbox/clock", _i ? "{\"offset_ms\":-3600000}" : "{\"offset_ms\":3600000}");
	identify(&w);
	ck_assert_msg(w.is_ok, "%s", w.text);
	ck_assert_int_eq(w.attempts, 2);
	identify(&w);
	ck_assert_int_eq(w.attempts, 1);
	world_close(&w);
}
END_TEST

/* --- limits and what is wrong with a call */

START_TEST(a_limit_ends_a_call_that_hangs)
{
	struct world w;
	open_with_resources(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"hang\",\"times\":0}");
	const struct call *call = _i ? &calls[7] : &calls[0];
	PB_JSON json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(call->inputs), &j, NULL), 0);
	world_call(&w,
	    &(struct pb_client_request){.service = call->service,
		.operation = call->operation,
		.inputs = j,
		.limit_for = 200});
	ck_assert(!w.is_ok);
	ck_assert_str_eq(w.error.code, "States.Timeout");
	ck_assert_int_eq(w.is_unknown, call->is_once);
	world_says(w.text, "no answer within 200ms");
	world_close(&w);
}
END_TEST

static const struct {
	const char *service, *operation, *inputs, *text;
} wrong[] = {
    {"sqs", "PurgeQueue", "{}", "no operation sqs.PurgeQueue"},
    {"sqs", "SendMessage", "{\"QueueUrl\":\"" WORLD_QUEUE "\"}", "MessageBody"},
    {"sns", "Publish", "{\"Mesage\":\"x\"}", "Mesage"},
};

START_TEST(a_wrong_call_is_not_sent)
{
	struct world w;
	open_with_resources(&w);
	run(&w, wrong[_i].service, wrong[_i].operation, wrong[_i].inputs);
	ck_assert(!w.is_ok && !w.is_unknown);
	ck_assert_int_eq(w.attempts, 0);
	ck_assert_str_eq(w.error.code, "Client.Invalid");
	world_says(w.text, wrong[_i].text);
	world_close(&w);
}
END_TEST

START_TEST(no_region_says_where_to_put_one)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_REGION", NULL);
	world_client(&w);
	ck_assert_ptr_null(pb_client_region(w.client));
	identify(&w);
	ck_assert_str_eq(w.error.code, "Client.Invalid");
	world_says(w.text, "no AWS region");
	world_close(&w);
}
END_TEST

START_TEST(an_arn_among_the_inputs_names_the_region)
{
	struct world w;
	world_open(&w);
	world_env(&w, "AWS_REGION", NULL);
	world_tell(&w, "/_sandbox/topics", "{\"name\":\"pages\"}");
	world_client(&w);
	run(&w, "sns", "Publish", calls[7].inputs);
	ck_assert_msg(w.is_ok, "%s", w.text);
	world_close(&w);
}
END_TEST

START_TEST(plain_http_is_refused_to_an_https_endpoint)
{
	struct world w;
	world_open(&w);
	char url[64];
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", pb_sandbox_port(w.sandbox));
	world_env(&w, "AWS_ENDPOINT_URL", url);
	world_client(&w);
	identify(&w);
	ck_assert(!w.is_ok && !w.is_unknown);
	ck_assert_str_eq(w.error.code, "Network.Connect");
	ck_assert_uint_eq(world_n_calls(&w, "GetCallerIdentity"), 0);
	world_close(&w);
}
END_TEST

static void
must_not_come(const struct pb_client_result *r, void *arg)
{
	(void)r;
	(void)arg;
	ck_abort_msg("a cancelled call came back");
}

START_TEST(a_cancelled_call_does_not_come_back)
{
	struct world w;
	open_with_resources(&w);
	struct pb_client_request req = {.service = "sts", .operation = "GetCallerIdentity"};
	pb_client_cancel(pb_client_call(w.client, &req, must_not_come, NULL));
	struct pb_client_call *k = pb_client_call(w.client, &req, must_not_come, NULL);
	pb_loop_turn(w.loop);
	pb_client_cancel(k);
	(void)pb_client_call(w.client, &req, must_not_come, NULL);
	ck_assert_uint_eq(pb_client_n_calls(w.client), 1);
	pb_client_free(w.client);
	w.client = NULL;
	world_rounds(&w, 50);
	world_close(&w);
}
END_TEST

PB_SUITE(client)
{
	pb_add_loop(s, a_call_gives_its_output, 0, N_CALLS);
	pb_add_loop(
	    s, a_fault_is_repeated_unless_the_call_may_have_happened, 0, N_CALLS * N_FAULTS);
	pb_add(s, a_lost_answer_of_a_publish_publishes_once);
	pb_add(s, the_effect_asked_for_counts_before_the_table);
	pb_add(s, attempts_have_an_end);
	pb_add(s, an_answer_without_end_is_cut_off);
	pb_add(s, a_wrong_secret_names_its_source_and_the_remedy);
	pb_add_loop(s, a_refused_signature_does_not_show_the_token, 0, N_CALLS);
	pb_add(s, an_unknown_key_names_its_source_and_the_remedy);
	pb_add(s, no_credentials_say_where_to_put_them);
	pb_add(s, a_role_of_the_instance_is_used_and_its_region);
	pb_add(s, credentials_near_their_end_are_renewed_while_calls_go_on);
	pb_add(s, when_renewal_fails_the_old_ones_are_used);
	pb_add(s, without_any_source_each_waiting_call_hears_why);
	pb_add(s, a_role_is_assumed_with_static_keys);
	pb_add(s, a_refused_role_says_so);
	pb_add(s, a_web_identity_becomes_a_role);
	pb_add(s, a_program_gives_credentials);
	pb_add(s, a_program_that_fails_is_quoted);
	pb_add(s, a_client_may_go_while_it_looks_for_credentials);
	pb_add(s, a_changed_credentials_file_is_read_again);
	pb_add(s, an_expired_token_is_answered_by_new_credentials);
	pb_add_loop(s, a_wrong_clock_is_corrected, 0, 2);
	pb_add_loop(s, a_limit_ends_a_call_that_hangs, 0, 2);
	pb_add_loop(s, a_wrong_call_is_not_sent, 0, (int)PB_ARRAY_LEN(wrong));
	pb_add(s, no_region_says_where_to_put_one);
	pb_add(s, an_arn_among_the_inputs_names_the_region);
	pb_add(s, plain_http_is_refused_to_an_https_endpoint);
	pb_add(s, a_cancelled_call_does_not_come_back);
}
