/*
 * The core: engine, pump and store on a loop.  It is all of the daemon that decides and remembers,
 * without sources, drivers and API, which are put around it by callbacks.
 *
 * The commit is synchronous: SQLite answers within it.  Deadlines are durable time (base/clock.h).
 */
#ifndef PB_DAEMON_CORE_H
#define PB_DAEMON_CORE_H

#include "engine/pump.h"
#include "io/loop.h"
#include "store/store.h"

struct pb_core;

/* Called after the commit that holds what they are about; each may post.  None may free the core. */
struct pb_core_ops {
	void (*start)(void *arg, const struct pb_action *action);
	void (*cancel)(void *arg, const char *action_id);
	void (*receipt)(void *arg, uint64_t receipt);
	void (*reply)(void *arg, const struct pb_reply *reply);
	void (*note)(void *arg, const struct pb_note *note);
	/* The commit failed: the process must end and start from what is durable. */
	void (*failed)(void *arg, const struct pb_error *err);
};

/*
 * Takes `store` over; `config` is counted up.  The clock begins at the later of the wall clock and
 * the highest time in the store.
 */
struct pb_core *pb_core_new(struct pb_loop *loop, struct pb_store *store, struct pb_config *config,
    const struct pb_engine_options *options, const struct pb_core_ops *ops, void *arg);
void pb_core_free(struct pb_core *c); /* takes NULL */

/* Called for a record that cannot be believed; the walk goes on. */
typedef void pb_core_refused(const struct pb_record *r, const struct pb_error *why, void *arg);
/*
 * Take up what the store holds, then step PB_IN_BOOT, commit and act on it; before anything else is
 * posted.  `from` is another store to take it from, its records then also becoming the core's own (a
 * degraded daemon: from the disk it can only read into memory); NULL = the core's.
 * -1: the store cannot be read.  A commit that fails comes as ops->failed.
 */
int pb_core_boot(struct pb_core *c, struct pb_store *from, pb_core_refused *refused, void *arg,
    struct pb_error *err);

void pb_core_post(struct pb_core *c, struct pb_input *in); /* takes it over */
int64_t pb_core_now(const struct pb_core *c);
int64_t pb_core_wall_ahead(const struct pb_core *c);
/* the wall clock minus that; whole seconds */ /* durable time */
struct pb_engine *pb_core_engine(struct pb_core *c);
struct pb_store *pb_core_store(struct pb_core *c); /* for queries */
bool pb_core_is_idle(const struct pb_core *c);
uint64_t pb_core_n_turns(const struct pb_core *c); /* see pb_pump_n_turns */

#endif
