/*
 * Deaths: what a process leaves behind when it ends as it should not, and what the next one makes of it.
 *
 *	PATH		a line for each death: when, and of what
 *	PATH.at		while the store is taken up, the record at hand.  It is shared memory, so that it is
 *			there however the process ends, also when the kernel kills it for want of memory
 *	PATH.out	records that are left out, one a line: the process ended with each start at them
 *
 * PATH is beside the socket, on a file system that a restart of the machine empties.
 *
 *	broken claim (pb_check), at any time		counts
 *	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT	counts
 *	any other end while a record is taken up	counts until a start gets through, and only where
 *							all came at one record: kill -9 at random is no
 *							sign of anything
 */
#ifndef PB_DAEMON_DEATHS_H
#define PB_DAEMON_DEATHS_H

#include "base/text.h"
#include "base/time.h"

/* So many within so long, and what is in the store is taken for their cause. */
#define PB_DEATHS_MAX 3
#define PB_DEATHS_WITHIN (10 * PB_MINUTE)

struct pb_deaths {
	size_t n; /* lately */
	size_t n_own; /* of them by a fault of our own, which left a word; the others were killed */
	char *last; /* the words of the last one; NULL = none */
	char *at; /* the record at which the last PB_DEATHS_MAX all came; NULL = none such */
};
/* Of the processes before, counting the one that ended without a word. */
void pb_deaths_read(const char *path, struct pb_deaths *ret);
void pb_deaths_fini(struct pb_deaths *d);
/* The count begins anew. */
void pb_deaths_forget(const char *path);
/* From the next start on `at` is left out.  -1 when it was already, or cannot be written down. */
int pb_deaths_leave_out(const char *path, const char *at);

/* From here on the end of this process leaves word in `path`, which is copied. */
void pb_deaths_watch(const char *path);
/* This record is taken up next.  false, and an error is logged: leave it out.  A pb_store_wants. */
bool pb_deaths_taking(const char *kind, const char *key);
/* All of them were; what is decided of them comes now.  To be killed from here on counts for nothing. */
void pb_deaths_deciding(void);
/* The first decisions are made. */
void pb_deaths_taken(void);

#endif
