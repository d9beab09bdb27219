/*
 * The oracle: what the daemon promises, as a plain model that shares no code with the engine.
 *
 * It reads the configuration and watches what goes in (events, outcomes, commands, time, deaths) and
 * what comes out (committed records, started actions, receipts), and keeps a book of its own: which
 * playbook each event belongs to and by when somebody must have been told, what every run has used of
 * its brakes, whose outcome nobody knows.  Where what comes out does not fit the book, a promise is
 * broken.  Where the engine works with timers and states, the oracle only compares times.
 *
 *	P1	a receipt is given only for what is durable; each event that was taken has its incident
 *	P2	somebody is told by page_by, and again at least as often as the ladder says, unless
 *		verification passed, it recovered, a human has it, or it is silenced or inhibited; and
 *		while nobody was reached it is tried again
 *	P3	nothing starts before its record, an attempt starts once, and nothing follows an outcome
 *		that nobody knows where a human is to be asked
 *	P4	without a store, stopped or draining no step starts
 *	P5	whoever is open is told of again and again (P2), and the engine waits for something
 *	P6	mode, cooldown, rate, budget, breaker, lock, max_age and one action at a time
 *
 * An input counts from the commit that it was decided in: what a death takes away was never taken.
 */
#ifndef PB_SIM_ORACLE_H
#define PB_SIM_ORACLE_H

#include "engine/engine.h"

struct oracle;

/* `config` is counted up; a commit may take `commit_for`.  `broken` is called with a line for each promise
 * that does not hold. */
struct oracle *oracle_new(struct pb_config *config, int64_t commit_for,
    void (*broken)(void *arg, const char *line), void *arg);
void oracle_free(struct oracle *o); /* takes NULL */

/* All of it as it is now, at the start of a process. */
struct oracle *oracle_copy(const struct oracle *o);
/*
 * A process that had no store has died: `o` is freed, and `durable`, its copy from before, is the oracle from
 * now on.  What was given an id by it is gone, and the id must not be given to anything else.  Returns how
 * many incidents that were.
 */
size_t oracle_forget(struct oracle *o, struct oracle *durable);

/* --- what goes in */
/* After a death too: with the configuration of the files then, as a new process reads them. */
void oracle_boot(struct oracle *o, int64_t now, struct pb_config *config, bool is_degraded);
void oracle_input(struct oracle *o, const struct pb_input *in); /* it was posted */
/* What is in flight is lost with the process: nobody will ever know its outcome. */
void oracle_lost(struct oracle *o, const char *action_id);

/* --- what comes out */
/* `u` is being committed: of the `n_taken` inputs that this process has stepped, the last ones are in it. */
void oracle_decided(struct oracle *o, uint64_t n_taken, const struct pb_update *u);
void oracle_commit(struct oracle *o, const struct pb_update *u); /* it is durable */
void oracle_start(struct oracle *o, int64_t now, const struct pb_action *a);
/* A message leaves its queue. */
void oracle_receipt(struct oracle *o, int64_t now, const struct pb_event *event);
bool oracle_owes(const struct oracle *o); /* somebody must be told still */
/* Nothing more happens at this time. */
void oracle_quiet(struct oracle *o, int64_t now, int64_t engine_next_at);

#endif
