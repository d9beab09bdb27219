/*
 * A loopback AWS for tests and for trying playbooks without an account: CloudWatch alarms, SQS, SNS
 * and STS behind one HTTP port on 127.0.0.1, with signatures verified and faults on demand.
 *
 * It shares no code with the client but lib/base: requests are judged as they arrive.  What it
 * knows and does besides the AWS protocols is asked through the control API, unsigned HTTP/JSON
 * under /_sandbox/ on the same port:
 *
 *   GET  /_sandbox/calls[?service=S&operation=O&since=N]   journal of the calls, oldest first
 *   GET  /_sandbox/alarms[/NAME]                           alarms as they are now
 *   POST /_sandbox/alarms            {name, state?, reason?, composite?, actions?, ok_actions?, tags?,
 *                                     description?, count?}   make one alarm, or `count` of them
 *                                                             called NAME-0, NAME-1, ...
 *   POST /_sandbox/alarms/NAME/state {state, reason?, reason_data?, at?}  a transition
 *   GET  /_sandbox/mutes                                   the mute rules, their status as it is now
 *   POST /_sandbox/mutes            {name, alarms?, status?, until?, remove?}  an alarm mute rule
 *   GET  /_sandbox/history                                 alarm history of all alarms, oldest first
 *   POST /_sandbox/queues            {name, attributes?}
 *   GET  /_sandbox/queues/NAME                             messages: visible, inflight and deleted
 *   POST /_sandbox/topics            {name, queue?, raw?}  make a topic, subscribe a queue to it
 *   GET  /_sandbox/topics/NAME                             all that was published
 *   GET  /_sandbox/phones[/NUMBER]                         texts published to phone numbers
 *   POST /_sandbox/send?queue=NAME[&count=N]               put the request body on a queue as it is
 *   POST /_sandbox/eventbridge       {queue}               transitions go there as events; null = none
 *   GET, POST, DELETE /_sandbox/faults                     see faults.h for the list of faults
 *   POST /_sandbox/clock             {offset_ms?, advance_ms?}   what time the service thinks it is;
 *                                     advance_ms moves visibility and deduplication windows on
 *   POST /_sandbox/credentials       {access_key, secret_key, session_token?, expired?, remove?}
 *   POST /_sandbox/metadata          {status?, lifetime_ms?}   what instance metadata answers, and how
 *                                     long its credentials last
 *   POST /_sandbox/reset                                   forget all but credentials
 *
 * The port also answers as EC2 instance metadata does (/latest/...): AWS_EC2_METADATA_SERVICE_ENDPOINT.
 *
 * Answers are JSON; a mistake is answered 400 or 404 with {"error": text}.
 *
 * Not like the service: the schedules of mute rules are not evaluated (say their status); metric
 * alarms are not evaluated and composite ones do not follow their children (set states yourself);
 * resources are found by name whatever the region of the call.
 */
#ifndef PB_TESTS_SANDBOX_H
#define PB_TESTS_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"

struct event_base;
struct pb_sandbox;

#define PB_SANDBOX_ACCESS_KEY "AKIDSANDBOX"
#define PB_SANDBOX_SECRET_KEY "sandbox-secret"
#define PB_SANDBOX_ACCOUNT "111122223333"
#define PB_SANDBOX_REGION "us-east-1"
#define PB_SANDBOX_JOURNAL_MAX 20000 /* older calls are forgotten */
#define PB_SANDBOX_BODY_MAX (4 << 20) /* larger requests are refused with 413 */

/* Zeroes and NULLs stand for the defaults above; the texts are copied. */
struct pb_sandbox_opts {
	uint16_t port; /* 0 = any free one */
	const char *access_key, *secret_key;
	const char *session_token; /* NULL = the key is used without one */
	const char *account;
	const char *region; /* of what the control API makes */
	uint64_t seed; /* of ids; 0 = from the system */
	/* Called once for each call when it is answered, with its journal entry (borrowed). */
	void (*on_call)(const json_t *entry, void *arg);
	void *arg;
};

/* Listens on 127.0.0.1 and serves from `base`; PB_IO when the port cannot be had. */
int pb_sandbox_new(struct event_base *base, const struct pb_sandbox_opts *opts,
    struct pb_sandbox **ret_sandbox, struct pb_error *err);
void pb_sandbox_free(struct pb_sandbox *sb); /* before its event_base; may be NULL */
PB_DEFINE_CLEANUP(struct pb_sandbox, pb_sandbox_free)
uint16_t pb_sandbox_port(const struct pb_sandbox *sb);

/*
 * The control API without HTTP: `target` as on a request line, `body` the raw bytes.
 * Returns the HTTP status; *ret_json is the caller's, never NULL.
 */
int pb_sandbox_control(struct pb_sandbox *sb, const char *method, const char *target,
    struct pb_str body, json_t **ret_json);

/* The lines of --help that name every method and path of it; [...] may be left out. */
void pb_sandbox_control_help(struct pb_buf *b);

/* --- for programs that keep the sandbox in a process of its own */

/*
 * Run a sandbox in a child, which ends with its parent.  It listens when this returns.  The caller
 * ends it with pb_sandbox_stop.
 */
int pb_sandbox_fork(
    const struct pb_sandbox_opts *opts, pid_t *ret_pid, uint16_t *ret_port, struct pb_error *err);
void pb_sandbox_stop(pid_t pid); /* kills and reaps */

/* An answer as it came.  Chunked bodies are put together; status 0 = no HTTP answer. */
struct pb_sandbox_reply {
	int status;
	bool is_complete; /* false: the connection ended before the body did */
	struct pb_buf head; /* status line and headers */
	struct pb_buf body;
};
void pb_sandbox_reply_fini(struct pb_sandbox_reply *r);

/*
 * Send `request` (raw bytes, head and body) on a connection of its own and read the answer until it
 * is complete, the peer closes, `limit` bytes are read or 30 s pass.  Blocks.  Returns -1 (PB_IO) when
 * not a byte of an answer came.
 */
int pb_sandbox_exchange(uint16_t port, struct pb_str request, size_t limit,
    struct pb_sandbox_reply *ret_reply, struct pb_error *err);
/*
 * One control call over HTTP.  `body` may be NULL.  PB_INVALID with the sandbox's own words when it
 * answers other than 200.  *ret_json is the caller's; ret_json may be NULL.
 */
int pb_sandbox_ask(uint16_t port, const char *method, const char *target, const char *body,
    json_t **ret_json, struct pb_error *err);

#endif
