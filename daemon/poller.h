/*
 * Sources: what brings events in from AWS and posts them as inputs.
 *
 * cloudwatch polls DescribeAlarms and posts the differences.  The first poll after a start posts
 * every alarm that is in ALARM, and those that changed since the last poll of the process before;
 * what happened in between comes first, from the alarm history.  So does what happened between two
 * polls, or while polls failed, where an alarm's two states leave that open.  A poll counts (PB_IN_POLLED) only
 * when all of its pages were read.
 *
 * With honour_mute_rules each poll first posts the mute rules that are active (PB_IN_MUTES).
 *
 * sqs receives messages and posts an event for each.  A message is deleted when its receipt comes
 * back, that is after the commit; until then its visibility is extended.  What cannot be read stays
 * until it was received quarantine_after times, then it is posted as PB_IN_REJECT.
 *
 * Neither ever gives up: failures are retried with growing, jittered delays, logged once when they
 * begin and once when they end.
 */
#ifndef PB_DAEMON_POLLER_H
#define PB_DAEMON_POLLER_H

#include "daemon/client.h"
#include "engine/engine.h"
#include "playbook/config.h"

#define PB_POLLER_UNDECIDED_MAX 1000 /* messages of one source in memory without a decision */
#define PB_POLLER_PAGES_MAX 1000 /* of one poll */

struct pb_poller;

struct pb_poller_ops {
	void (*post)(void *arg, struct pb_input *in); /* takes it over */
	int64_t (*now)(void *arg); /* durable time */
	int64_t (*polled_at)(
	    void *arg, const char *source); /* as pb_engine_polled_at; may be NULL */
	/* Of the configuration in force, to read events with; may be NULL. */
	const struct pb_matcher *(*matcher)(void *arg);
};

/*
 * Starts polling in the next round of the loop.  `source` is copied; the client is borrowed.
 * `slot` tells pollers apart: receipts are ((slot + 1) << 48) + a number; PB_POLLER_SLOT takes it
 * out again.
 */
struct pb_poller *pb_poller_new(struct pb_loop *loop, struct pb_client *client,
    const struct pb_source *source, uint16_t slot, const struct pb_poller_ops *ops, void *arg);
#define PB_POLLER_SLOT(receipt) ((size_t)((receipt) >> 48) - 1)

/*
 * Ask for nothing more: what is being received is given up (its messages come again).  Receipts are
 * still taken, and deleted with SQS.
 */
void pb_poller_stop(struct pb_poller *p);
/* Nothing is left to delete: a stopped poller may be freed without messages coming again. */
bool pb_poller_is_idle(const struct pb_poller *p);
void pb_poller_free(struct pb_poller *p); /* NULL is fine */

/* The decision about an event is durable: delete its message.  Unknown receipts are fine. */
void pb_poller_receipt(struct pb_poller *p, uint64_t receipt);
/* It was decided and is not durable: forget the message without deleting it, so that it comes again. */
void pb_poller_release(struct pb_poller *p, uint64_t receipt);

/* Does it poll exactly this?  For a reload, which keeps what did not change. */
bool pb_poller_is_of(const struct pb_poller *p, const struct pb_source *source);
const char *pb_poller_name(const struct pb_poller *p);

/*
 * For the status; the caller's to free.  Members: name, type, region or queue_url, last_ok_at and
 * next_at (ms, absent when none), last_error (absent when all is well), failures (in a row),
 * received, rejected; cloudwatch: alarms, pages, and where they are
 * honoured mute_rules (active) and mute_rules_error; sqs: undecided, deleted, corrupt.
 */
json_t *pb_poller_json(const struct pb_poller *p);

#endif
