/*
 * The driver "http": one request, and what its answer means for the step.
 *
 * Errors: Http.Status.N for an answer with another status than the one wanted (class Throttling for
 * 429); Network.Connect, .Timeout, .Reset, .Cut, .TooBig and .Other (class Network) for none, or half
 * of one; States.Timeout (status TIMEOUT) at the action's limit.  The output is {"status", "body"},
 * body being JSON where it is an object or a list, else text.  An answer with another status is
 * known; that none came of a request that was sent is unknown, unless it only reads or is idempotent.
 */
#ifndef PB_DAEMON_ACTIONS_HTTP_H
#define PB_DAEMON_ACTIONS_HTTP_H

#include "base/json.h"
#include "engine/record.h"
#include "io/transfer.h"

/*
 * Starts the request of a spec (engine/record.h); fn is called once, from the loop.  PB_INVALID for
 * a spec that cannot be used: https only, but for this host itself; PB_NOT_FOUND for a credential that
 * the unit does not have.
 */
int pb_action_http_start(struct pb_transfers *ts, const json_t *spec, int64_t limit_for,
    pb_transfer_fn *fn, void *arg, struct pb_transfer **ret, struct pb_error *err);

/* Fills in all but the action's id. */
void pb_action_http_outcome(
    const json_t *spec, const struct pb_transfer_result *result, struct pb_outcome *o);

/* May it have taken effect when no answer came? */
bool pb_action_http_is_unknown(const json_t *spec);

#endif
