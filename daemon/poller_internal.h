/*
 * What the two kinds of source share.  Private to the pollers.
 */
#ifndef PB_DAEMON_POLLER_INTERNAL_H
#define PB_DAEMON_POLLER_INTERNAL_H

#include "daemon/poller.h"

#define PB_POLLER_RETRY_MAX PB_MINUTE

/* One kind of call that may fail for a while.  Logged when it begins and when it ends. */
struct pb_trouble {
	unsigned n; /* failures in a row */
	char *error; /* of the last one; NULL when all is well */
};

struct pb_cloudwatch;
struct pb_sqs;

struct pb_poller {
	uint32_t magic;
	struct pb_loop *loop;
	struct pb_client *client;
	struct pb_source source; /* own copy */
	uint16_t slot;
	struct pb_poller_ops ops;
	void *arg;
	bool is_stopped;
	int64_t last_ok_at, next_at; /* durable; 0 = none */
	uint64_t n_received, n_rejected;
	struct pb_cloudwatch *cloudwatch;
	struct pb_sqs *sqs;
};

int64_t pb_poller_now(const struct pb_poller *p);
void pb_poller_post_event(struct pb_poller *p, struct pb_event *e, uint64_t receipt);

/*
 * A call failed: note and log it; how long to wait before the next one, growing from `base` with
 * jitter.
 */
int64_t pb_trouble_failed(struct pb_poller *p, struct pb_trouble *t, const char *operation,
    const struct pb_client_result *result, int64_t base);
/* The same for what is wrong with an answer that came. */
int64_t pb_trouble_bad(struct pb_poller *p, struct pb_trouble *t, const char *operation,
    const char *text, int64_t base);
void pb_trouble_over(struct pb_poller *p, struct pb_trouble *t, const char *operation);

/* poller_mutes.c.  All but new and ask take NULL: a source that does not honour mute rules has none. */
struct pb_mutes;
typedef void pb_mutes_fn(void *arg);
struct pb_mutes *pb_mutes_new(struct pb_poller *p);
/*
 * Read the rules that are active and post them.  `done` is called when that is over, well or badly, ten
 * seconds later at the latest, and not before this returns.  False when there is nothing to wait for:
 * they are not honoured, or failed lately.
 */
bool pb_mutes_ask(struct pb_mutes *m, int64_t began_at, pb_mutes_fn *done, void *arg);
void pb_mutes_stop(struct pb_mutes *m);
void pb_mutes_free(struct pb_mutes *m);
void pb_mutes_status(const struct pb_mutes *m, json_t *status);

struct pb_cloudwatch *pb_cloudwatch_new(struct pb_poller *p);
void pb_cloudwatch_stop(struct pb_cloudwatch *w);
void pb_cloudwatch_free(struct pb_cloudwatch *w);
void pb_cloudwatch_status(const struct pb_cloudwatch *w, json_t *status);

struct pb_sqs *pb_sqs_new(struct pb_poller *p);
void pb_sqs_stop(struct pb_sqs *q);
bool pb_sqs_is_idle(const struct pb_sqs *q);
void pb_sqs_free(struct pb_sqs *q);
void pb_sqs_receipt(struct pb_sqs *q, uint64_t seq);
void pb_sqs_release(struct pb_sqs *q, uint64_t seq);
void pb_sqs_status(const struct pb_sqs *q, json_t *status);

#endif
