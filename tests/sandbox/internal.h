/*
 * What the parts of the sandbox share: the world it keeps, one call on its way, and the services.
 *
 * A call:   server.c reads it -> service.c recognises it, takes a fault, judges the signature
 *           -> the operation of a service fills the answer, now or (long poll) later
 *           -> send.c sends it, whole or as the fault says -> it is in the journal and gone.
 *
 * Two clocks: pb_sbx_now is the service's wall clock, offset and all; pb_sbx_mono drives visibility,
 * long polls and deduplication, and only ever moves on.
 */
#ifndef PB_TESTS_SANDBOX_INTERNAL_H
#define PB_TESTS_SANDBOX_INTERNAL_H

#include <sys/queue.h>

#include <event2/event.h>
#include <event2/http.h>

#include "base/map.h"
#include "base/rand.h"
#include "base/time.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/sandbox.h"
#include "tests/sandbox/sigv4.h"

enum pb_sbx_protocol {
	PB_SBX_JSON, /* awsJson 1.0 with the query-compatible error header */
	PB_SBX_QUERY,
	PB_SBX_PROTOCOL_MAX,
};

struct pb_sbx_call;

struct pb_sbx_op {
	const char *name;
	void (*run)(struct pb_sbx_call *c);
};

struct pb_sbx_service {
	const char *name; /* in the control API */
	const char *signing; /* in the credential scope */
	enum pb_sbx_protocol protocol;
	const char *target; /* X-Amz-Target prefix, JSON only */
	const char *version; /* of the query API */
	const char *space; /* before '#' of __type, or the XML name space */
	const char *throttle; /* code, or shape name */
	const char *throttle_query;
	int throttle_status;
	const struct pb_sbx_op *ops;
	size_t n_ops;
};
extern const struct pb_sbx_service pb_sbx_cloudwatch, pb_sbx_sqs, pb_sbx_sns, pb_sbx_sts;

struct pb_sbx_key {
	char *secret, *token; /* token NULL: none wanted */
	bool is_expired;
};

enum pb_sbx_message_state {
	PB_SBX_VISIBLE,
	PB_SBX_INFLIGHT,
	PB_SBX_DELETED,
};

struct pb_sbx_message {
	TAILQ_ENTRY(pb_sbx_message) link;
	enum pb_sbx_message_state state;
	char id[37];
	char *body;
	char md5[33];
	json_t *attributes; /* name -> {DataType, StringValue | BinaryValue}, or NULL */
	json_t *handles; /* all receipt handles given out; the last one counts */
	char *group, *dedup;
	uint64_t sequence; /* 0 = not FIFO */
	int64_t sent_at, first_received_at; /* service's clock */
	int64_t visible_from, received_at; /* mono */
	int64_t n_receives, received_by; /* number of the call */
};
TAILQ_HEAD(pb_sbx_messages, pb_sbx_message);

struct pb_sbx_queue {
	struct pb_sandbox *sb;
	char *name, *url, *arn;
	int64_t visibility_for; /* ms */
	int64_t wait_for, delay_for;
	int64_t max_bytes, max_receives;
	char *dead_letter; /* name of a queue, NULL = none */
	bool is_fifo, has_content_dedup;
	json_t *attributes; /* as they were set: name -> text */
	struct pb_sbx_messages live, deleted;
	TAILQ_HEAD(, pb_sbx_call) waiters; /* long polls, oldest first */
	struct pb_map *recent; /* deduplication id -> struct pb_sbx_recent */
	struct event *timer; /* the next message to become visible */
};

struct pb_sbx_recent {
	int64_t at; /* mono */
	char id[37];
	uint64_t sequence;
};

struct pb_sbx_subscription {
	char *arn, *queue; /* name of the queue */
	bool is_raw;
};

struct pb_sbx_topic {
	char *name, *arn;
	struct pb_sbx_subscription *subscriptions;
	size_t n_subscriptions;
	json_t *published;
	bool is_fifo, has_content_dedup;
	struct pb_map *recent;
	uint64_t sequence;
};

struct pb_sbx_alarm {
	char *name, *arn;
	bool is_composite;
	json_t *config; /* members as DescribeAlarms gives them, without the state */
	json_t *tags; /* name -> text */
	char *state, *reason, *reason_data; /* reason_data NULL = none */
	int64_t updated_at, transitioned_at, configured_at;
};

struct pb_sandbox {
	struct event_base *base;
	struct evhttp *http;
	struct pb_sandbox_opts opts; /* texts owned */
	uint16_t port;
	struct pb_rand rand;
	int64_t offset; /* ms, of the wall clock */
	int64_t advance; /* ms, of the monotonic one */
	uint64_t sequence;
	struct pb_map *keys, *queues, *topics, *alarms;
	json_t *phones; /* digits of a number -> list of what was published to it */
	json_t *mute_rules; /* name -> {alarms, status, until, updated_at} */
	json_t *history; /* alarm history, oldest first */
	json_t *faults, *journal;
	int64_t n_calls;
	char *event_queue; /* name; NULL = no events */
	int metadata_status; /* what instance metadata answers; 200 = as it does */
	int64_t metadata_for; /* ms its credentials last */
	int64_t n_minted; /* sets of temporary credentials given out */
	TAILQ_HEAD(, pb_sbx_call) calls;
};

struct pb_sbx_call {
	uint32_t magic;
	TAILQ_ENTRY(pb_sbx_call) link; /* sandbox.calls */
	TAILQ_ENTRY(pb_sbx_call) waiting; /* queue.waiters */
	struct pb_sbx_queue *queue; /* whose waiters it is among */
	struct pb_sandbox *sb;
	struct evhttp_request *req;
	const struct pb_sbx_service *service; /* NULL = not recognised */
	int64_t number;
	char operation[64];
	char id[37]; /* request id */
	char region[32];
	struct pb_str body; /* of the request */
	json_t *input;
	json_t *entry; /* in the journal */
	enum pb_sbx_fault fault;
	json_t *rule;
	int64_t skew;
	bool is_verified;

	/* The answer. */
	int status;
	bool is_raw; /* body and content type are the fault's own */
	const char *content_type;
	char query_error[96];
	struct pb_buf answer;

	/* Sending and waiting. */
	struct event *timer;
	int64_t deadline; /* mono, of a long poll */
	size_t n_sent;
};

/* --- world.c */
int64_t pb_sbx_now(const struct pb_sandbox *sb);
int64_t pb_sbx_mono(const struct pb_sandbox *sb);
char *pb_sbx_arn(const char *service, const char *region, const char *account, const char *rest);
void pb_sbx_world_init(struct pb_sandbox *sb);
void pb_sbx_world_fini(struct pb_sandbox *sb); /* keys stay; parked calls must be gone */
void pb_sbx_key_free(void *key);
void pb_sbx_key_put(
    struct pb_sandbox *sb, const char *access, const char *secret, const char *token, bool expired);

/* --- metadata.c: instance metadata, and temporary credentials */
struct pb_sbx_minted {
	char access[32], secret[64], token[64], expiration[PB_TIME_TEXT];
};
/* A new set that the services take; for STS too. */
void pb_sbx_mint(struct pb_sandbox *sb, int64_t lifetime, struct pb_sbx_minted *ret);
void pb_sbx_metadata(struct pb_sandbox *sb, const char *method, struct evhttp_request *req);

/* --- service.c: what all services do */
void pb_sbx_call_run(struct pb_sbx_call *c, const struct pb_sbx_request *request);
/*
 * Fill the answer and send it; each ends the call's work, return straight after.  `out` is stolen;
 * NULL = an empty object.  `inner` is the XML inside OpResult, NULL = no such element.
 */
void pb_sbx_ok_json(struct pb_sbx_call *c, json_t *out);
void pb_sbx_ok_query(struct pb_sbx_call *c, const char *inner);
/* `code`: shape name for JSON, error code for query; `query` goes into x-amzn-query-error, or NULL. */
void pb_sbx_fail(struct pb_sbx_call *c, int status, const char *code, const char *query,
    const char *fmt, ...) PB_PRINTF(5, 6);
void pb_sbx_xml_text(struct pb_buf *out, const char *s);
char *pb_sbx_json_text(const json_t *j); /* compact, times to the millisecond */
json_t *pb_sbx_time_json(int64_t at); /* seconds with a fraction */
char *pb_sbx_time_offset(char out[PB_TIME_TEXT], int64_t at); /* 2026-03-03T09:14:05.118+0000 */
char *pb_sbx_time_millis(char out[PB_TIME_TEXT], int64_t at); /* 2026-03-03T09:14:05.118Z */
bool pb_sbx_is_true(const json_t *input, const char *name); /* true or "true" */

/* --- form.c: the query protocol's body as JSON: members nested, lists as arrays, maps as objects */
json_t *pb_sbx_form_parse(struct pb_str body);
char *pb_sbx_form_get(struct pb_str form, const char *name); /* decoded value, or NULL */

/* --- send.c */
void pb_sbx_send(struct pb_sbx_call *c);
void pb_sbx_call_free(struct pb_sbx_call *c); /* gives up the request if it is still there */
bool pb_sbx_is_peer_gone(const struct pb_sbx_call *c);

/* --- queue.c, sqs.c */
struct pb_sbx_queue *pb_sbx_queue_get(struct pb_sandbox *sb, const char *name); /* makes it */
void pb_sbx_queue_free(void *queue);
int pb_sbx_queue_set(struct pb_sbx_queue *q, const json_t *attributes, struct pb_error *err);
/* A FIFO queue that has seen `dedup` in five minutes enqueues nothing and names the first. */
void pb_sbx_queue_send(struct pb_sbx_queue *q, const char *body, const json_t *attributes,
    const char *group, const char *dedup, int64_t delay_for, struct pb_sbx_recent *ret_sent);
/* The live entry of a deduplication window, or NULL; pb_sbx_recent_put opens one. */
const struct pb_sbx_recent *pb_sbx_recent_get(struct pb_map *recent, const char *id, int64_t mono);
void pb_sbx_recent_put(struct pb_map *recent, const char *id, const struct pb_sbx_recent *r);
void pb_sbx_queue_purge(struct pb_sbx_queue *q);
/* Move on: expired visibility, waiting polls, the timer. */
void pb_sbx_queue_kick(struct pb_sbx_queue *q);
/* Up to `max` messages to hand out now, marked as received. */
json_t *pb_sbx_queue_receive(struct pb_sbx_queue *q, struct pb_sbx_call *c, int64_t max);
json_t *pb_sbx_queue_json(struct pb_sbx_queue *q);
/* The message a handle was given out for; *ret_is_latest: by its last receive. */
struct pb_sbx_message *
pb_sbx_queue_find(struct pb_sbx_queue *q, const char *handle, bool *ret_is_latest);
void pb_sbx_queue_delete(struct pb_sbx_queue *q, struct pb_sbx_message *m);
/* -1: nothing to digest. */
int pb_sbx_attributes_md5(const json_t *attributes, char out[33]);
void pb_sbx_sqs_resume(struct pb_sbx_call *c); /* a parked ReceiveMessage may have something */

/* --- sns.c */
struct pb_sbx_topic *pb_sbx_topic_get(struct pb_sandbox *sb, const char *name); /* makes it */
void pb_sbx_topic_free(void *topic);
const char *pb_sbx_topic_subscribe(
    struct pb_sandbox *sb, struct pb_sbx_topic *t, const char *queue, bool is_raw);
/*
 * Record and deliver `message`, as in Publish: {Message, Subject?, MessageAttributes?, ...}.  A FIFO
 * topic that has seen `dedup` in five minutes does neither and names the first.  ret_sent: may be NULL.
 */
void pb_sbx_topic_publish(struct pb_sandbox *sb, struct pb_sbx_topic *t, const json_t *message,
    const char *group, const char *dedup, struct pb_sbx_recent *ret_sent);

/* --- alarm.c */
void pb_sbx_alarm_free(void *alarm);
/* Make or change one.  `config` is stolen. */
struct pb_sbx_alarm *pb_sbx_alarm_put(
    struct pb_sandbox *sb, const char *name, bool is_composite, json_t *config, json_t *tags);
bool pb_sbx_is_state(const char *state);
/* `at` 0 = now, moved on where it would coincide with the last transition. */
void pb_sbx_alarm_set(struct pb_sandbox *sb, struct pb_sbx_alarm *a, const char *state,
    const char *reason, const char *reason_data, int64_t at);
json_t *pb_sbx_alarm_json(const struct pb_sbx_alarm *a);
/* --- mute.c */
void pb_sbx_list_mute_rules(struct pb_sbx_call *c);
void pb_sbx_get_mute_rule(struct pb_sbx_call *c);
/* As the control API says; see sandbox.h. */
json_t *
pb_sbx_mutes_json(const struct pb_sandbox *sb); /* as they were set, "status" as it is now */
int pb_sbx_mute_set(struct pb_sandbox *sb, const json_t *body, struct pb_error *err);
/* --- alarm_text.c: what leaves the service when an alarm changes */
char *pb_sbx_alarm_message(const struct pb_sandbox *sb, const struct pb_sbx_alarm *a,
    const char *old_state); /* the SNS message */
char *pb_sbx_alarm_subject(const struct pb_sbx_alarm *a);
char *pb_sbx_alarm_event(struct pb_sandbox *sb, const struct pb_sbx_alarm *a, const char *old_state,
    const char *old_reason, const char *old_data, int64_t old_at); /* EventBridge */
char *pb_sbx_history_data(const char *old_state, const char *old_reason, const char *old_data,
    const struct pb_sbx_alarm *a);

#endif
