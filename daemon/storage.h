/*
 * What to do about the store at start: open it, rebuild it when it is damaged, do without it when it
 * cannot be written.
 *
 *	sound				use it
 *	damaged, foreign		set aside, begin anew: open alarms come back with the first poll
 *	in use, from a newer version	refuse to start
 *	cannot be written		degraded: page from what can be read, remediate nothing, try again
 *	failed in the run before	degraded too: a small write may work on a disk on which no commit
 *					does, and a daemon that ends at each commit pages nobody
 *	led to a death (deaths.h)	the third time within ten minutes the record at which all of them
 *					came is left out; where there is no such record, or it did not help,
 *					the store is set aside too: a daemon that ends with each start pages
 *					nobody
 */
#ifndef PB_DAEMON_STORAGE_H
#define PB_DAEMON_STORAGE_H

#include "playbook/config.h"
#include "store/store.h"

#define PB_STORAGE_RETRY_EVERY (30 * PB_SECOND)

struct pb_storage {
	struct pb_store *store; /* to commit to: on disk, or in memory when degraded */
	struct pb_store *readable; /* degraded: where to restore from; NULL = nothing can be read */
	bool is_degraded;
	bool is_rebuilt; /* what was in it before is set aside */
	char *why; /* degraded: for people and pages */
};

/*
 * The store failed while it was in use, for `why`: leave word of it in the file `marker`, which must
 * be on another file system (beside the socket), for the next pb_storage_open.
 */
void pb_storage_failed(const char *marker, const char *why);

/*
 * From here on the end of the process leaves word in `marker`.claims, by which the starts to come know how
 * often that was.
 */
void pb_storage_watch(const char *marker);

/*
 * Takes the word that `marker` may have away.  Logs what it finds.  On failure the daemon must not start: PB_EXISTS (another daemon has it),
 * PB_UNSUPPORTED (newer), or no store in memory either.
 */
int
pb_storage_open(const char *dir, const char *marker, struct pb_storage *ret, struct pb_error *err);
/* Closes what is still in it; fields that were taken are NULL. */
void pb_storage_fini(struct pb_storage *s);

/*
 * The configuration that was in force last: for a start whose folder cannot be used.  PB_NOT_FOUND
 * when the store has none.
 */
int pb_storage_last_config(struct pb_store *s, struct pb_config **ret, struct pb_error *err);

/*
 * Degraded: can the real store be written again?  Then everything that `memory` has is committed to
 * it, it is closed, and 0 returned: the process starts anew.  -1 = not yet, err says why.
 */
int pb_storage_return(const char *dir, struct pb_store *memory, struct pb_error *err);

#endif
