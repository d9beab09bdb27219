/*
 * The store: what has been decided, on disk, in one SQLite file DIR/playbookd.db.
 *
 * One process has it open, through one connection: WAL, synchronous=FULL, exclusive locking mode.
 *What pb_store_commit acknowledged is there after a power cut, whole updates only.  A handle is
 *used by one thread at a time.
 *
 * Each record carries a checksum of its own, for SQLite has none over its pages: what a disk has
 *changed is found at open and never believed.
 *
 * Errors of every function here name the file, SQLite's words and extended code, and what to do:
 *	PB_EXISTS	in use by another playbookd
 *	PB_NOT_FOUND	the folder, or what was asked for, does not exist
 *	PB_DENIED	no right to read or write it, or a read-only file system
 *	PB_IO		full or failing disk
 *	PB_CORRUPT	damaged, or not a playbookd store
 *	PB_UNSUPPORTED	written by a newer playbookd
 *	PB_INVALID	an operator's id that fits several incidents
 * After an error other than of a query the handle is good for nothing but queries and
 *pb_store_close.
 */
#ifndef PB_STORE_STORE_H
#define PB_STORE_STORE_H

#include <jansson.h>

#include "base/error.h"
#include "base/time.h"
#include "base/clock.h"
#include "engine/record.h"

#define PB_STORE_FILE "playbookd.db"
#define PB_STORE_LIST_MAX 1000 /* most rows of one answer to a query */

struct pb_store;

struct pb_store_options {
	/*
	 * Only look: nothing is written, not even where the file could be.  For the degraded daemon
	 * (full disk, read-only file system) that pages what is open from what it can read.
	 */
	bool read_only;
	/*
	 * A damaged or foreign file is renamed by pb_store_set_aside(dir, now_at) and an empty
	 * store made in its place; pb_store_set_aside_as then names it.  Not with read_only.
	 */
	bool allow_rebuild;
	int64_t now_at; /* wall clock, for the name of what is set aside */
	const char *vfs; /* SQLite VFS by name, for tests that crash; NULL = the system's */
};

/*
 * Open or make the store in `dir`; the folder is made when its parent exists, readable by its owner
 * only.  A file of an older version is brought up to date, one transaction for each version.  The
 * whole file is checked.  Unless read_only, one small commit proves that it can be written.
 * `options` may be NULL.  On success *ret is the caller's to close.
 */
int pb_store_open(const char *dir, const struct pb_store_options *options, struct pb_store **ret,
    struct pb_error *err);
/* A store in memory: for simulation, and in place of one that cannot be written. */
int pb_store_open_memory(struct pb_store **ret, struct pb_error *err);
void pb_store_close(struct pb_store *s); /* takes NULL */
PB_DEFINE_CLEANUP(struct pb_store, pb_store_close)

/*
 * Rename playbookd.db (and its -wal, -shm) to playbookd.db.damaged-YYYYMMDDTHHMMSSZ (...-wal,
 * -shm);
 * "-2" and so on behind when that exists.  Nothing is deleted.  The store must be closed.
 */
int pb_store_set_aside(const char *dir, int64_t at, struct pb_error *err);
/* The name that allow_rebuild gave to the damaged file; NULL when it was sound. */
const char *pb_store_set_aside_as(const struct pb_store *s);
/* What was wrong with it; "" when nothing. */
const char *pb_store_damage(const struct pb_store *s);

/*
 * One transaction: records put and dropped, notes appended, the highest time raised to u->at.
 * 0 = all of it is durable.  -1 = nothing of it can be relied on (after a power cut or a failed
 * sync it may be there, whole, all the same): the process has to end and start from what is
 * durable.
 */
int pb_store_commit(struct pb_store *s, const struct pb_update *u, struct pb_error *err);

/* Borrowed record; -1 with err filled ends the walk.  It must not use the store. */
typedef int pb_store_take(const struct pb_record *r, void *arg, struct pb_error *err);
/* Of a kind the record of the latest time; none where there is none.  No other one is read. */
int pb_store_latest(struct pb_store *s, enum pb_record_kind kind, pb_store_take *take, void *arg,
    struct pb_error *err);
/* All records of a kind, in order of making (seen: of time; alarms, sources, meta: of keys). */
int pb_store_each(struct pb_store *s, enum pb_record_kind kind, pb_store_take *take, void *arg,
    struct pb_error *err);
/*
 * Whether pb_store_restore reads this record: asked before, since its own bytes may be what ends the
 * process.  NULL, as it is: each.
 */
typedef bool pb_store_wants(const char *kind, const char *key);
void pb_store_ask(struct pb_store *s, pb_store_wants *wants);
/*
 * What the engine needs at start, kind after kind in the order of enum pb_record_kind: records that
 * belong to no incident, to one that is not resolved, or to one that still has a page to send.
 * Quarantine and received events are left out.
 */
int pb_store_restore(struct pb_store *s, pb_store_take *take, void *arg, struct pb_error *err);
/* The highest u->at of all commits; 0 in a new store.  For pb_clock_init. */
int64_t pb_store_highest_at(const struct pb_store *s);
/* What was kept last; zeroes in a new store. */
int pb_store_clock(struct pb_store *s, struct pb_clock_mark *ret, struct pb_error *err);
int pb_store_keep_clock(struct pb_store *s, const struct pb_clock_mark *m, struct pb_error *err);

/*
 * Put all that `from` holds into `to`, in one commit, its notes too; what was dropped from `from`, which is
 * in memory, is dropped from `to`.  After a time without a store that could be written.
 */
int pb_store_hand_over(struct pb_store *from, struct pb_store *to, struct pb_error *err);

/* What may go.  Open incidents and those with a page to send never do, however many there are. */
struct pb_store_retention {
	/* Resolved incidents, quarantine, received events, notes of no incident; 0 = none. */
	int64_t resolved_before_at;
	int64_t seen_before_at; /* 0 = none */
	int64_t incidents_max; /* of those that are resolved; 0 = no limit */
	int64_t notes_max; /* of no incident; 0 = no limit */
	int64_t quarantine_max; /* 0 = no limit */
	bool has_received_max;
	int64_t received_max; /* events as they came; 0 keeps none */
	int64_t rows_max; /* rows of one call, about; 0 = 500 */
};
/*
 * Remove one slice of it in one transaction: incidents with all their records and notes, a long one
 * in several slices.  *ret_n is the number of rows removed; call again, later, until it is 0.
 */
int pb_store_prune(struct pb_store *s, const struct pb_store_retention *what, int64_t *ret_n,
    struct pb_error *err);

/*
 * Queries, for the API.  Each gives JSON that is the caller's.  A record is the members of its body
 * with "key", "state" and "at" (ms since 1970) put in; limits of 0 or above PB_STORE_LIST_MAX are
 * PB_STORE_LIST_MAX.
 */

struct pb_store_list {
	bool open_only;
	int64_t limit;
	int64_t before; /* cursor: "next" of the page before; 0 = from the newest */
};
/* {"incidents":[{...}, newest first], "next":CURSOR}; "next" only when there are more. */
int pb_store_incidents(
    struct pb_store *s, const struct pb_store_list *list, json_t **ret, struct pb_error *err);
/*
 * {"incident":{}, "event":{the envelope as it is}, "run":{}|null, "steps":[], "ladder":{}|null,
 * "actions":[], "notes":[]}; PB_NOT_FOUND when there is no such id.  The notes are the last
 * PB_STORE_LIST_MAX.  The actions end with the pages of the groups and storms that told of it, each with
 * the id of its own as "with".
 */
int pb_store_incident(struct pb_store *s, const char *id, json_t **ret, struct pb_error *err);
/*
 * The id that `text` means: the id itself, or its part behind a '-' ("7" for "20261123-7"): the one
 * open incident it fits, else the newest resolved one.  PB_NOT_FOUND, PB_INVALID (fits several that
 * are open; err names some).  *ret_id is the caller's.
 */
int
pb_store_find_incident(struct pb_store *s, const char *text, char **ret_id, struct pb_error *err);
/* The same for a group or storm, as "g7"; of several, one that goes on, else the newest. */
int pb_store_find_bundle(struct pb_store *s, const char *text, char **ret_id, struct pb_error *err);
/* {"bundle":{}, "actions":[its pages and notices], "notes":[]} of one that was found. */
int pb_store_bundle(struct pb_store *s, const char *id, json_t **ret, struct pb_error *err);
/*
 * [{"seq","at","incident","playbook","step","kind","text"}], oldest first, with seq above `since`;
 * since < 0: the last `limit` notes.  `incident` may be NULL for all.
 */
int pb_store_notes(struct pb_store *s, int64_t since, const char *incident, int64_t limit,
    json_t **ret, struct pb_error *err);
/*
 * Events as they came: [{"seq","at","source","incident" (the first one it went to, or ""),"event":
 * the envelope}], oldest first, with seq above `since`; fewer than `limit` where they are large.
 */
int pb_store_received(
    struct pb_store *s, int64_t since, int64_t limit, json_t **ret, struct pb_error *err);
/*
 * The last one of an alarm; of those that went to an incident where `with_incident`.  PB_NOT_FOUND
 * when there is none (any more).
 */
int pb_store_received_last(
    struct pb_store *s, const char *arn, bool with_incident, json_t **ret, struct pb_error *err);
/* [{...}], newest first. */
int pb_store_quarantine(struct pb_store *s, int64_t limit, json_t **ret, struct pb_error *err);
/*
 * {"incidents":{"running":1,...}, "quarantine":{...}, "notes":N, "bytes":N}: what can be told without
 * reading every row.
 */
int pb_store_counts(struct pb_store *s, json_t **ret, struct pb_error *err);

#endif
