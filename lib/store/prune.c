/*
 * Forgetting: what is older than its age or beyond its number, slice by slice.
 *
 * One call is one transaction of about so many rows, and looks at no more than it may remove, so that
 * no event waits for it.  An incident whose story is longer than a slice goes piece by piece, its own
 * record last: a crash in between leaves one that the next call takes up.
 */
#include "internal.h"

#include "base/json.h"

#define ROWS_MAX_DEFAULT 500
#define ROWS_OF_AN_INCIDENT 8 /* at least about */

/* Runs a DELETE with up to two numbers and takes the rows it removed off *left. */
static int
delete_rows(
    struct pb_store *s, const char *sql, int64_t a, int64_t b, int64_t *left, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (*left <= 0)
		return 0;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	(void)sqlite3_bind_int64(st, 1, a);
	(void)sqlite3_bind_int64(st, 2, b);
	if (store_step(s, st, "prune", err) < 0)
		return -1;
	*left -= sqlite3_changes(s->db);
	return 0;
}

/* --- incidents */

/* What there may be much of goes within the slice; the rest, a few rows, only behind it. */
static int
delete_incident(struct pb_store *s, const char *id, int64_t *left, struct pb_error *err)
{
	static const char *const sql[] = {
	    "DELETE FROM note WHERE seq IN (SELECT seq FROM note WHERE incident = ?1 LIMIT ?2)",
	    "DELETE FROM action WHERE seq IN (SELECT seq FROM action WHERE incident = ?1 LIMIT ?2)",
	    "DELETE FROM step WHERE incident = ?1",
	    "DELETE FROM ladder WHERE key = ?1",
	    "DELETE FROM run WHERE key = ?1",
	    "DELETE FROM event WHERE key = ?1",
	    "DELETE FROM incident WHERE key = ?1",
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(sql) && *left > 0; i++) {
		STORE_STMT *st = NULL;
		if (store_prepare(s, sql[i], &st, err) < 0)
			return -1;
		store_bind_text(st, 1, id);
		if (i < 2)
			(void)sqlite3_bind_int64(st, 2, *left);
		if (store_step(s, st, "prune", err) < 0)
			return -1;
		*left -= sqlite3_changes(s->db);
	}
	return 0;
}

/* Ids are read first: deleting from a table that is being walked is not defined. */
static int
delete_resolved(
    struct pb_store *s, int64_t before_at, int64_t limit, int64_t *left, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s,
		"SELECT key FROM incident WHERE state = 'resolved' AND at < ?1"
		" AND ifnull(body ->> 'reopen_until', 0) <="
		" (SELECT value FROM store WHERE name = 'highest_at')"
		" AND NOT EXISTS (SELECT 1 FROM action WHERE action.incident = incident.key"
		" AND state IN (" STORE_LIVE_ACTIONS ")) ORDER BY at LIMIT ?2",
		&st, err) < 0)
		return -1;
	(void)sqlite3_bind_int64(st, 1, before_at);
	(void)sqlite3_bind_int64(st, 2, limit);
	PB_JSON json_t *ids = json_array();
	int more;
	while ((more = store_step(s, st, "prune", err)) > 0)
		json_array_append_new(ids, json_string(store_text(st, 0)));
	if (more < 0)
		return -1;
	size_t i;
	const json_t *id;
	json_array_foreach (ids, i, id)
		if (delete_incident(s, json_string_value(id), left, err) < 0)
			return -1;
	return 0;
}

static int
delete_incidents(
    struct pb_store *s, const struct pb_store_retention *w, int64_t *left, struct pb_error *err)
{
	int64_t n, limit = *left / ROWS_OF_AN_INCIDENT + 1;
	if (delete_resolved(s, w->resolved_before_at, limit, left, err) < 0)
		return -1;
	if (w->incidents_max <= 0 || *left <= 0)
		return 0;
	if (store_number(s, "SELECT count(*) FROM incident WHERE state = 'resolved'", 0, &n, err) <
	    0)
		return -1;
	int64_t beyond = n - w->incidents_max;
	if (beyond <= 0)
		return 0;
	return delete_resolved(s, INT64_MAX, beyond < limit ? beyond : limit, left, err);
}

/* A bundle that has ended, with its pages and notes. */
static int
delete_bundles(struct pb_store *s, int64_t before_at, int64_t *left, struct pb_error *err)
{
#define OLD_BUNDLES                                                                                \
	"(SELECT key FROM bundle WHERE state = 'ended' AND at < ?1 ORDER BY at, key LIMIT ?2)"
	static const char *const sql[] = {
	    "DELETE FROM note WHERE incident IN " OLD_BUNDLES,
	    "DELETE FROM action WHERE incident IN " OLD_BUNDLES,
	    "DELETE FROM bundle WHERE key IN " OLD_BUNDLES,
	};
	int64_t limit = *left / ROWS_OF_AN_INCIDENT + 1;
	for (size_t i = 0; i < PB_ARRAY_LEN(sql); i++) {
		int64_t rest = *left > 0 ? *left : 1; /* what was begun is brought to its end */
		if (delete_rows(s, sql[i], before_at, limit, &rest, err) < 0)
			return -1;
		*left = rest;
	}
	return 0;
#undef OLD_BUNDLES
}

/* --- what belongs to no incident */

/* How many rows there are beyond `max`; 0 where that is no limit. */
static int
count_beyond(struct pb_store *s, const char *count, int64_t max, int64_t *ret, struct pb_error *err)
{
	int64_t n = 0;
	if (max > 0 && store_number(s, count, 0, &n, err) < 0)
		return -1;
	*ret = max > 0 && n > max ? n - max : 0;
	return 0;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int
delete_notes(
    struct pb_store *s, const struct pb_store_retention *w, int64_t *left, struct pb_error *err)
{
	static const char sql[] = "DELETE FROM note WHERE seq IN (SELECT seq FROM note"
				  " WHERE incident = '' AND at < ?1 ORDER BY at LIMIT ?2)";
	int64_t beyond;
	if (delete_rows(s, sql, w->resolved_before_at, *left, left, err) < 0 ||
	    count_beyond(
		s, "SELECT count(*) FROM note WHERE incident = ''", w->notes_max, &beyond, err) < 0)
		return -1;
	return delete_rows(s, sql, INT64_MAX, least(beyond, *left), left, err);
}

static int
delete_quarantine(
    struct pb_store *s, const struct pb_store_retention *w, int64_t *left, struct pb_error *err)
{
	static const char sql[] = "DELETE FROM quarantine WHERE seq IN (SELECT seq FROM quarantine"
				  " WHERE at < ?1 ORDER BY seq LIMIT ?2)";
	int64_t beyond;
	if (delete_rows(s, sql, w->resolved_before_at, *left, left, err) < 0 ||
	    count_beyond(s, "SELECT count(*) FROM quarantine", w->quarantine_max, &beyond, err) < 0)
		return -1;
	return delete_rows(s, sql, INT64_MAX, least(beyond, *left), left, err);
}

/* They are in order of time, and none is missing in between: numbers tell how many there are. */
static int
delete_received(
    struct pb_store *s, const struct pb_store_retention *w, int64_t *left, struct pb_error *err)
{
	int64_t last;
	if (store_number(s, "SELECT max(seq) FROM received", 0, &last, err) < 0 ||
	    delete_rows(s,
		"DELETE FROM received WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM received"
		" ORDER BY seq LIMIT ?2) WHERE at < ?1)",
		w->resolved_before_at, *left, left, err) < 0)
		return -1;
	return delete_rows(s,
	    "DELETE FROM received WHERE seq IN (SELECT seq FROM received WHERE seq <= ?1"
	    " ORDER BY seq LIMIT ?2)",
	    w->has_received_max ? last - w->received_max : 0, *left, left, err);
}

static int
prune(struct pb_store *s, const struct pb_store_retention *w, int64_t *left, struct pb_error *err)
{
	if (delete_incidents(s, w, left, err) < 0)
		return -1;
	if (*left > 0 && delete_bundles(s, w->resolved_before_at, left, err) < 0)
		return -1;
	if (delete_notes(s, w, left, err) < 0 || delete_quarantine(s, w, left, err) < 0 ||
	    delete_received(s, w, left, err) < 0)
		return -1;
	return delete_rows(s,
	    "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE at < ?1 LIMIT ?2)",
	    w->seen_before_at, *left, left, err);
}

int
pb_store_prune(
    struct pb_store *s, const struct pb_store_retention *what, int64_t *ret_n, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	int64_t rows_max = what->rows_max > 0 ? what->rows_max : ROWS_MAX_DEFAULT, left = rows_max;
	if (store_begin(s, err) < 0)
		return -1;
	if (prune(s, what, &left, err) < 0) {
		store_undo(s);
		return -1;
	}
	if (store_end(s, err) < 0)
		return -1;
	*ret_n = rows_max - left;
	return 0;
}
