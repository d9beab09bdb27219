/*
 * The schema and its versions.
 *
 * A migration that has been released never changes; a new version is a new entry at the end.  Each
 * runs in a transaction of its own together with the number that says it has run.
 *
 * A table for each kind of record.  Kinds that grow with incidents have a `seq`, the order of
 * making; the small ones that are only looked up by key have none.
 */
#include "internal.h"

#include <stdio.h>

#define RECORD_COLUMNS(key)                                                                        \
	"key TEXT " key " NOT NULL, incident TEXT NOT NULL, state TEXT NOT NULL,"                  \
	" at INTEGER NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)), sum INTEGER NOT NULL"
#define SEQUENCE_TABLE(name)                                                                       \
	"CREATE TABLE " name "(seq INTEGER PRIMARY KEY, " RECORD_COLUMNS("UNIQUE") ") STRICT;"
#define KEY_TABLE(name)                                                                            \
	"CREATE TABLE " name "(" RECORD_COLUMNS("PRIMARY KEY") ") STRICT, WITHOUT ROWID;"

/* clang-format off: a table reads by its lines */
static const char version_1[] = SEQUENCE_TABLE("config") KEY_TABLE("alarm") KEY_TABLE("source")
    KEY_TABLE("seen") SEQUENCE_TABLE("event") SEQUENCE_TABLE("incident") SEQUENCE_TABLE("run")
	SEQUENCE_TABLE("step") SEQUENCE_TABLE("ladder") SEQUENCE_TABLE("action")
	    SEQUENCE_TABLE("quarantine") KEY_TABLE(
		"meta") "CREATE INDEX incident_state ON incident(state, at);"
			"CREATE INDEX incident_open ON incident(key) WHERE state <> 'resolved';"
			"CREATE INDEX step_incident ON step(incident);"
			"CREATE INDEX action_incident ON action(incident);"
			"CREATE INDEX action_live ON action(incident) WHERE state NOT IN ('sent', "
			"'dropped');"
			"CREATE TABLE note(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, incident "
			"TEXT NOT NULL,"
			" playbook TEXT NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL, text "
			"TEXT NOT NULL) STRICT;"
			"CREATE INDEX note_incident ON note(incident, at);"
			"CREATE TABLE store(name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT "
			"NULL) STRICT,"
			" WITHOUT ROWID;"
			"INSERT INTO store VALUES ('highest_at', 0), ('opened', 0);";

/* What operators and guards keep beside the incidents. */
static const char version_2[] = KEY_TABLE("guard") KEY_TABLE("silence") KEY_TABLE("control");

/* What several incidents share. */
static const char version_3[] = KEY_TABLE("bundle");

/* Events as they came. */
static const char version_4[] = SEQUENCE_TABLE("received");
/* What is kept quiet for a time, and what is told besides pages. */
static const char version_5[] = KEY_TABLE("window") KEY_TABLE("post");
/* The rhythm of notices. */
static const char version_6[] = KEY_TABLE("inform");
/* What CloudWatch mutes. */
static const char version_7[] = KEY_TABLE("mutes");
/* clang-format on */

/* [i] brings version i to i + 1. */
static const char *const migrations[] = {
    version_1, version_2, version_3, version_4, version_5, version_6, version_7};
#define VERSION ((int64_t)PB_ARRAY_LEN(migrations))

int
store_check_version(struct pb_store *s, int64_t *ret_version, struct pb_error *err)
{
	int64_t version, id, n_objects;
	if (store_number(s, "PRAGMA user_version", 0, &version, err) < 0 ||
	    store_number(s, "PRAGMA application_id", 0, &id, err) < 0 ||
	    store_number(s, "SELECT count(*) FROM sqlite_schema", 0, &n_objects, err) < 0)
		return -1;
	bool is_empty = version == 0 && id == 0 && n_objects == 0;
	if (!is_empty && id != STORE_APPLICATION_ID)
		return pb_fail(err, PB_CORRUPT,
		    "%s: is an SQLite file of something else (application id %lld); move it away or"
		    " give playbookd another state folder",
		    s->path, (long long)id);
	if (version > VERSION)
		return pb_fail(err, PB_UNSUPPORTED,
		    "%s: was written by a newer playbookd (store version %lld, this program knows"
		    " up to %lld); install that one again, or restore a copy from before",
		    s->path, (long long)version, (long long)VERSION);
	if (!is_empty && version < 1)
		return pb_fail(err, PB_CORRUPT, "%s: store version %lld does not exist", s->path,
		    (long long)version);
	*ret_version = s->version = version;
	return 0;
}

bool
store_has_kind(const struct pb_store *s, enum pb_record_kind kind)
{
	switch (kind) {
	case PB_REC_GUARD:
	case PB_REC_SILENCE:
	case PB_REC_CONTROL:
		return s->version >= 2;
	case PB_REC_BUNDLE:
		return s->version >= 3;
	case PB_REC_RECEIVED:
		return s->version >= 4;
	case PB_REC_WINDOW:
	case PB_REC_POST:
		return s->version >= 5;
	case PB_REC_INFORM:
		return s->version >= 6;
	case PB_REC_MUTES:
		return s->version >= 7;
	case PB_REC_CONFIG:
	case PB_REC_ALARM:
	case PB_REC_SOURCE:
	case PB_REC_SEEN:
	case PB_REC_EVENT:
	case PB_REC_INCIDENT:
	case PB_REC_RUN:
	case PB_REC_STEP:
	case PB_REC_LADDER:
	case PB_REC_ACTION:
	case PB_REC_QUARANTINE:
	case PB_REC_META:
	case PB_REC_MAX:
		break;
	}
	return s->version >= 1;
}

static int
migrate_from(struct pb_store *s, int64_t version, struct pb_error *err)
{
	char mark[96];
	(void)snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%lld",
	    STORE_APPLICATION_ID, (long long)version + 1);
	if (store_begin(s, err) < 0)
		return -1;
	if (store_exec(s, migrations[version], "bring its tables up to date", err) < 0 ||
	    store_exec(s, mark, "note its version", err) < 0) {
		store_undo(s);
		return -1;
	}
	return store_end(s, err);
}

int
store_migrate(struct pb_store *s, struct pb_error *err)
{
	int64_t version;
	if (store_check_version(s, &version, err) < 0)
		return -1;
	for (; version < VERSION; version++)
		if (migrate_from(s, version, err) < 0)
			return pb_wrap(err, "from version %lld to %lld", (long long)version,
			    (long long)version + 1);
	s->version = VERSION;
	return 0;
}

/* Each row once: tables and indices by SQLite, records by their own checksums. */
static int
check_records(struct pb_store *s, enum pb_record_kind kind, struct pb_error *err)
{
	char sql[128];
	(void)snprintf(
	    sql, sizeof(sql), "SELECT " STORE_COLUMNS " FROM %s", pb_record_kind_name(kind));
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	int more;
	while ((more = store_step(s, st, "check", err)) > 0)
		if (store_check_sum(s, st, kind, err) < 0)
			return -1;
	return more;
}

int
store_check_whole(struct pb_store *s, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s, "PRAGMA integrity_check(1)", &st, err) < 0 ||
	    store_step(s, st, "check", err) < 0)
		return -1;
	const char *verdict = store_text(st, 0);
	if (!pb_streq(verdict, "ok")) {
		char safe[256];
		return pb_fail(err, PB_CORRUPT, "%s: is damaged: %s", s->path,
		    pb_safe(safe, sizeof(safe), pb_str_of(verdict)));
	}
	for (unsigned kind = 0; kind < PB_REC_MAX; kind++)
		if (store_has_kind(s, (enum pb_record_kind)kind) &&
		    check_records(s, (enum pb_record_kind)kind, err) < 0)
			return -1;
	return 0;
}
