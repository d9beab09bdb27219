/*
 * The AWS client on the loop: a call goes in, an output or a classified error comes out, after
 * credentials, signature, transfer, retries and clock correction.
 *
 *   start -> waiting   limit set                        [next round of the loop]
 *   waiting -> waiting credentials are being looked for [until that search has ended]
 *   waiting -> sending credentials and endpoint known   [signed request to lib/io]
 *   waiting -> done    no credentials, no region, bad inputs, limit over
 *   sending -> waiting the retry policy says again      [timer of its delay]
 *   sending -> done    success, final error, limit over [callback]
 *
 * Policy is lib/aws; this file holds only time, files and the network.  Plain HTTP is spoken to
 * endpoints that were configured with AWS_ENDPOINT_URL and to no other.
 */
#ifndef PB_DAEMON_CLIENT_H
#define PB_DAEMON_CLIENT_H

#include "aws/call.h"
#include "io/loop.h"
#include "io/transfer.h"

struct pb_client;
struct pb_client_call;

struct pb_client_options {
	pb_aws_getenv *getenv; /* NULL = the process's environment */
	void *getenv_arg;
	const char *region; /* daemon.aws.region; NULL or "" = the environment's or the profile's */
	int64_t (*wall)(void *arg); /* wall clock, ms; NULL = pb_clock_wall */
	void *wall_arg;
	uint64_t seed; /* of jitter and invocation ids */
};

/* `options` is copied; what getenv returns must live as long as the client.  PB_IO. */
int pb_client_new(struct pb_loop *loop, const struct pb_client_options *options,
    struct pb_client **ret_client, struct pb_error *err);
/* Calls under way end without a callback; free their owners first.  NULL is fine. */
void pb_client_free(struct pb_client *c);
PB_DEFINE_CLEANUP(struct pb_client, pb_client_free)

struct pb_client_request {
	const char *service, *operation; /* "sqs", "SendMessage": a row of aws/service.h */
	const json_t *inputs; /* counted up; must not change before the callback; NULL = none */
	/* NULL or "" = that of an ARN of this service or of the QueueUrl among the inputs, else the
	 * client's. */
	const char *region;
	int64_t
	    limit_for; /* ms, all attempts together; 0 = none beyond the limit of each attempt */
	/* What repeating it would do: "read", "idempotent", "token", "check_first", "once".  NULL =
	 * as the table says for these inputs. */
	const char *effect;
	int max_attempts; /* counting the first; 0 = PB_AWS_ATTEMPTS */
};

/* Borrowed: gone after the callback. */
struct pb_client_result {
	bool is_ok;
	json_t *output; /* object; NULL unless is_ok.  Count it up to keep it. */
	/* Always filled unless is_ok.  Of ours are "Credentials.Unavailable", "Client.Invalid" (no
	 * region, inputs that do not fit) and "States.Timeout" (limit_for over). */
	struct pb_aws_error error;
	/* Failed, and some attempt may have taken effect: never set for what may be repeated. */
	bool is_unknown;
	char request_id[80]; /* of the last attempt that was answered; "" = not known */
	int attempts; /* sent; 0 = none */
	/* One line for people, safe to print: the error and, where a person must act, where the
	 * credentials came from and what to do. */
	const char *text;
	int64_t
	    wait_for; /* ms that the retry policy wants the caller to wait before the next call */
};

typedef void pb_client_fn(const struct pb_client_result *result, void *arg);

/*
 * Starts a call.  Always succeeds: what is wrong with it comes as its result.  fn is called exactly
 * once, from the loop, never from inside this function; the handle ends with that call.
 */
struct pb_client_call *pb_client_call(
    struct pb_client *c, const struct pb_client_request *req, pb_client_fn *fn, void *arg);
/* Ends it without a callback.  The handle is gone.  NULL is fine. */
void pb_client_cancel(struct pb_client_call *call);
size_t pb_client_n_calls(const struct pb_client *c); /* under way */
/* Its connections, for requests that are not AWS's; borrowed. */
struct pb_transfers *pb_client_transfers(const struct pb_client *c);

/* Region calls go to when nothing else names one, and where the credentials in use came from; for
 * the status.  NULL = not known (yet). */
const char *pb_client_region(const struct pb_client *c);
const char *pb_client_credentials(const struct pb_client *c);
/* `span` moved by up to `spread` ms either way, never below 0: jitter for pollers. */
int64_t pb_client_jitter(struct pb_client *c, int64_t span, int64_t spread);
/* A fresh UUID, for tokens that make a call repeatable. */
void pb_client_uuid(struct pb_client *c, char out[37]);

#endif
