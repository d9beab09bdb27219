/*
 * All sources of the configuration in force, each with its poller.  On a reload those that did not
 * change keep running, so that nothing they know is lost.
 */
#ifndef PB_DAEMON_SOURCES_H
#define PB_DAEMON_SOURCES_H

#include "daemon/poller.h"

struct pb_sources;

/* The client is borrowed and must live longer; `ops` and `arg` as in daemon/poller.h. */
struct pb_sources *pb_sources_new(
    struct pb_loop *loop, struct pb_client *client, const struct pb_poller_ops *ops, void *arg);
void pb_sources_free(struct pb_sources *s); /* takes NULL */

/*
 * Make the set that of `config`: stop what is gone or changed, start what is new.  What was stopped
 * still deletes the messages that were decided on, then goes.
 */
void pb_sources_apply(struct pb_sources *s, const struct pb_config *config);
void pb_sources_stop(struct pb_sources *s); /* nothing more is asked for */
bool pb_sources_are_idle(const struct pb_sources *s); /* nothing is left to delete */
/* To the poller that it is of; one whose poller is gone is ignored: its message comes again. */
void pb_sources_receipt(struct pb_sources *s, uint64_t receipt);
/* Decided, and not durable (degraded): the message stays in its queue and comes again. */
void pb_sources_release(struct pb_sources *s, uint64_t receipt);
json_t *pb_sources_json(const struct pb_sources *s); /* array, the caller's; see pb_poller_json */

#endif
