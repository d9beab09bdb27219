/*
 * Queries of the API: rows as JSON.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

static int64_t
capped(int64_t limit)
{
	return limit <= 0 || limit > PB_STORE_LIST_MAX ? PB_STORE_LIST_MAX : limit;
}

/* A member that the body has itself is the better one. */
static void
set_missing(json_t *body, const char *name, json_t *value)
{
	if (json_object_get(body, name) == NULL)
		json_object_set_new(body, name, value);
	else
		json_decref(value);
}

/* The row as JSON; NULL with err filled when it is damaged. */
static json_t *
row_json(const struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind, struct pb_error *err)
{
	struct pb_record r;
	if (store_read_record(s, st, kind, &r, err) < 0)
		return NULL;
	json_t *body = PB_TAKE(r.body);
	if (kind != PB_REC_EVENT) {
		set_missing(body, "key", json_string(r.key));
		set_missing(body, "state", json_string(r.state));
		set_missing(body, "at", json_integer(r.at));
	}
	store_record_fini(&r);
	return body;
}

/* The first row, or JSON null when there is none. */
static int
one_of(struct pb_store *s, enum pb_record_kind kind, const char *key, json_t **ret,
    struct pb_error *err)
{
	char sql[128];
	(void)snprintf(sql, sizeof(sql), "SELECT " STORE_COLUMNS " FROM %s WHERE key = ?1",
	    pb_record_kind_name(kind));
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	store_bind_text(st, 1, key);
	int more = store_step(s, st, "read", err);
	if (more < 0)
		return -1;
	json_t *j = more > 0 ? row_json(s, st, kind, err) : json_null();
	if (j == NULL)
		return -1;
	*ret = j;
	return 0;
}

static int
collect(struct pb_store *s, sqlite3_stmt *st, enum pb_record_kind kind, json_t *into,
    struct pb_error *err)
{
	int more;
	while ((more = store_step(s, st, "read", err)) > 0) {
		json_t *j = row_json(s, st, kind, err);
		if (j == NULL)
			return -1;
		json_array_append_new(into, j);
	}
	return more;
}

static int
all_of(struct pb_store *s, enum pb_record_kind kind, const char *incident, json_t **ret,
    struct pb_error *err)
{
	char sql[128];
	(void)snprintf(sql, sizeof(sql),
	    "SELECT " STORE_COLUMNS " FROM %s WHERE incident = ?1 ORDER BY seq LIMIT %d",
	    pb_record_kind_name(kind), PB_STORE_LIST_MAX);
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	store_bind_text(st, 1, incident);
	PB_JSON json_t *list = json_array();
	if (collect(s, st, kind, list, err) < 0)
		return -1;
	*ret = PB_TAKE(list);
	return 0;
}

/* --- incidents */

/* One row more than asked for is read, to know whether there is a next page. */
static int
list_page(struct pb_store *s, sqlite3_stmt *st, int64_t limit, json_t *page, struct pb_error *err)
{
	json_t *rows = json_array();
	json_object_set_new(page, "incidents", rows);
	int64_t last = 0;
	int more;
	for (int64_t n = 0; (more = store_step(s, st, "read", err)) > 0; n++) {
		if (n == limit) {
			json_object_set_new(page, "next", json_integer(last));
			return 0;
		}
		last = sqlite3_column_int64(st, 6);
		json_t *j = row_json(s, st, PB_REC_INCIDENT, err);
		if (j == NULL)
			return -1;
		json_array_append_new(rows, j);
	}
	return more;
}

int
pb_store_incidents(
    struct pb_store *s, const struct pb_store_list *list, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	char sql[256];
	(void)snprintf(sql, sizeof(sql),
	    "SELECT " STORE_COLUMNS ", seq FROM incident WHERE seq < ?1%s ORDER BY seq DESC"
	    " LIMIT ?2",
	    list->open_only ? " AND state <> 'resolved'" : "");
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	int64_t limit = capped(list->limit);
	(void)sqlite3_bind_int64(st, 1, list->before > 0 ? list->before : INT64_MAX);
	(void)sqlite3_bind_int64(st, 2, limit + 1);
	PB_JSON json_t *page = json_object();
	if (list_page(s, st, limit, page, err) < 0)
		return -1;
	*ret = PB_TAKE(page);
	return 0;
}

/* The pages of a group or storm that told of the incident, each with the name of it as "with". */
static int
add_pages_of(struct pb_store *s, const json_t *place, json_t *actions, struct pb_error *err)
{
	const char *id = pb_json_str_or(place, "id", "");
	int64_t since = pb_json_i64(place, "since", 0),
		until = pb_json_i64(place, "until", INT64_MAX);
	PB_JSON json_t *pages = NULL;
	size_t i;
	json_t *p;
	if (since == 0)
		return 0;
	if (all_of(s, PB_REC_ACTION, id, &pages, err) < 0)
		return -1;
	json_array_foreach (pages, i, p) {
		int64_t round = pb_json_i64(p, "round", 0);
		if (pb_json_bool(p, "is_notice", false) || round < since || round > until)
			continue;
		pb_json_set_str(p, "with", id);
		json_array_append(actions, p);
	}
	return 0;
}

static int
add_pages_with_others(struct pb_store *s, json_t *all, struct pb_error *err)
{
	static const char *const lists[] = {"past", "bundles"};
	const json_t *ladder = json_object_get(all, "ladder");
	json_t *actions = json_object_get(all, "actions");
	for (size_t k = 0; k < PB_ARRAY_LEN(lists); k++) {
		const json_t *list = pb_json_get(ladder, lists[k]);
		for (size_t i = 0; i < json_array_size(list); i++)
			if (add_pages_of(s, json_array_get(list, i), actions, err) < 0)
				return -1;
	}
	return 0;
}

int
pb_store_incident(struct pb_store *s, const char *id, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	static const struct {
		const char *name;
		enum pb_record_kind kind;
		bool is_list;
	} members[] = {
	    {"incident", PB_REC_INCIDENT, false},
	    {"event", PB_REC_EVENT, false},
	    {"run", PB_REC_RUN, false},
	    {"steps", PB_REC_STEP, true},
	    {"ladder", PB_REC_LADDER, false},
	    {"actions", PB_REC_ACTION, true},
	};
	PB_JSON json_t *all = json_object();
	for (size_t i = 0; i < PB_ARRAY_LEN(members); i++) {
		json_t *j = NULL;
		int r = members[i].is_list ? all_of(s, members[i].kind, id, &j, err)
					   : one_of(s, members[i].kind, id, &j, err);
		if (r < 0)
			return -1;
		json_object_set_new(all, members[i].name, j);
	}
	if (json_is_null(json_object_get(all, "incident"))) {
		char safe[128];
		return pb_fail(err, PB_NOT_FOUND, "incident %s: there is none of this id",
		    pb_safe(safe, sizeof(safe), pb_str_of(id)));
	}
	json_t *notes;
	if (add_pages_with_others(s, all, err) < 0 || pb_store_notes(s, -1, id, 0, &notes, err) < 0)
		return -1;
	json_object_set_new(all, "notes", notes);
	*ret = PB_TAKE(all);
	return 0;
}

int
pb_store_find_bundle(struct pb_store *s, const char *text, char **ret_id, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	STORE_STMT *st = NULL;
	if (store_prepare(s,
		"SELECT key FROM bundle WHERE key = ?1 OR (?2 > 0 AND substr(key, -?2) = ?1"
		" AND substr(key, -1 - ?2, 1) = '-') ORDER BY state = 'ended', at DESC, key DESC"
		" LIMIT 1",
		&st, err) < 0)
		return -1;
	store_bind_text(st, 1, text);
	(void)sqlite3_bind_int64(st, 2, (int64_t)strlen(text));
	int more = store_step(s, st, "read", err);
	char safe[128];
	if (more == 0)
		return pb_fail(err, PB_NOT_FOUND, "group or storm %s: there is none of this id",
		    pb_safe(safe, sizeof(safe), pb_str_of(text)));
	if (more > 0)
		*ret_id = pb_strdup(store_text(st, 0));
	return more > 0 ? 0 : -1;
}

int
pb_store_bundle(struct pb_store *s, const char *id, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	PB_JSON json_t *all = json_object();
	json_t *bundle, *actions, *notes;
	if (one_of(s, PB_REC_BUNDLE, id, &bundle, err) < 0)
		return -1;
	json_object_set_new(all, "bundle", bundle);
	if (all_of(s, PB_REC_ACTION, id, &actions, err) < 0)
		return -1;
	json_object_set_new(all, "actions", actions);
	if (pb_store_notes(s, -1, id, 0, &notes, err) < 0)
		return -1;
	json_object_set_new(all, "notes", notes);
	*ret = PB_TAKE(all);
	return 0;
}

/* --- an incident by a part of its id */

/* `state` is a condition.  Binds: ?1 the text, ?2 its length. */
static int
find_where(
    struct pb_store *s, const char *state, const char *text, json_t *ids, struct pb_error *err)
{
	char sql[256];
	(void)snprintf(sql, sizeof(sql),
	    "SELECT key FROM incident WHERE %s AND substr(key, -?2) = ?1"
	    " AND substr(key, -1 - ?2, 1) = '-' ORDER BY seq DESC LIMIT 4",
	    state);
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	store_bind_text(st, 1, text);
	(void)sqlite3_bind_int64(st, 2, (int64_t)strlen(text));
	int more;
	while ((more = store_step(s, st, "read", err)) > 0)
		json_array_append_new(ids, json_string(store_text(st, 0)));
	return more;
}

/* Mostly it is, and then nothing is searched.  1, 0; -1 is an error. */
static int
is_id(struct pb_store *s, const char *text, struct pb_error *err)
{
	STORE_STMT *st = NULL;
	if (store_prepare(s, "SELECT 1 FROM incident WHERE key = ?1", &st, err) < 0)
		return -1;
	store_bind_text(st, 1, text);
	return store_step(s, st, "read", err);
}

static int
fail_ambiguous(const char *text, const json_t *ids, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t i;
	const json_t *id;
	json_array_foreach (ids, i, id)
		(void)pb_buf_addf(&b, "%s%s", i == 0 ? "" : ", ", json_string_value(id));
	return pb_fail(err, PB_INVALID,
	    "incident %s: several open ones end so: %s; give the whole id", text, b.ptr);
}

int
pb_store_find_incident(struct pb_store *s, const char *text, char **ret_id, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	char safe[128];
	(void)pb_safe(safe, sizeof(safe), pb_str_of(text));
	PB_JSON json_t *open = json_array();
	PB_JSON json_t *resolved = json_array();
	int is_whole = is_id(s, text, err);
	if (is_whole != 0) {
		*ret_id = is_whole > 0 ? pb_strdup(text) : NULL;
		return is_whole > 0 ? 0 : -1;
	}
	if (text[0] != '\0' &&
	    (find_where(s, "state <> 'resolved'", text, open, err) < 0 ||
		find_where(s, "state = 'resolved'", text, resolved, err) < 0))
		return -1;
	const char *first_open = json_string_value(json_array_get(open, 0));
	const char *first_resolved = json_string_value(json_array_get(resolved, 0));
	const char *id = first_open;
	if (id == NULL)
		id = first_resolved;
	if (id == NULL)
		return pb_fail(err, PB_NOT_FOUND, "incident %s: there is none of this id", safe);
	if (id == first_open && json_array_size(open) > 1)
		return fail_ambiguous(safe, open, err);
	*ret_id = pb_strdup(id);
	return 0;
}

/* --- notes, quarantine, counts */

static json_t *
note_json(sqlite3_stmt *st)
{
	static const char *const texts[] = {"incident", "playbook", "step", "kind", "text"};
	json_t *j = json_object();
	pb_json_set_i64(j, "seq", sqlite3_column_int64(st, 0));
	pb_json_set_i64(j, "at", sqlite3_column_int64(st, 1));
	for (size_t i = 0; i < PB_ARRAY_LEN(texts); i++)
		pb_json_set_str(j, texts[i], store_text(st, 2 + (int)i));
	return j;
}

#define NOTE_COLUMNS "seq, at, incident, playbook, step, kind, text"

int
pb_store_notes(struct pb_store *s, int64_t since, const char *incident, int64_t limit, json_t **ret,
    struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	/* The unary plus keeps the whole table in its own order, and not sorted out of an index. */
	const char *whose = incident == NULL ? "+incident IS NOT ?1" : "incident = ?1";
	char sql[384];
	if (since < 0)
		(void)snprintf(sql, sizeof(sql),
		    "SELECT " NOTE_COLUMNS " FROM (SELECT " NOTE_COLUMNS " FROM note WHERE %s"
		    " AND seq > ?2 ORDER BY seq DESC LIMIT ?3) ORDER BY seq",
		    whose);
	else
		(void)snprintf(sql, sizeof(sql),
		    "SELECT " NOTE_COLUMNS " FROM note WHERE %s AND seq > ?2 ORDER BY seq LIMIT ?3",
		    whose);
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	if (incident != NULL)
		store_bind_text(st, 1, incident);
	(void)sqlite3_bind_int64(st, 2, since < 0 ? 0 : since);
	(void)sqlite3_bind_int64(st, 3, capped(limit));
	PB_JSON json_t *list = json_array();
	int more;
	while ((more = store_step(s, st, "read", err)) > 0)
		json_array_append_new(list, note_json(st));
	if (more < 0)
		return -1;
	*ret = PB_TAKE(list);
	return 0;
}

int
pb_store_quarantine(struct pb_store *s, int64_t limit, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	STORE_STMT *st = NULL;
	if (store_prepare(s,
		"SELECT " STORE_COLUMNS " FROM quarantine ORDER BY at DESC, seq DESC LIMIT ?1", &st,
		err) < 0)
		return -1;
	(void)sqlite3_bind_int64(st, 1, capped(limit));
	PB_JSON json_t *list = json_array();
	if (collect(s, st, PB_REC_QUARANTINE, list, err) < 0)
		return -1;
	*ret = PB_TAKE(list);
	return 0;
}

static int
count_states(struct pb_store *s, enum pb_record_kind kind, json_t *into, struct pb_error *err)
{
	char sql[96];
	(void)snprintf(sql, sizeof(sql), "SELECT state, count(*) FROM %s GROUP BY state",
	    pb_record_kind_name(kind));
	STORE_STMT *st = NULL;
	if (store_prepare(s, sql, &st, err) < 0)
		return -1;
	int more;
	while ((more = store_step(s, st, "read", err)) > 0)
		pb_json_set_i64(into, store_text(st, 0), sqlite3_column_int64(st, 1));
	return more;
}

int
pb_store_counts(struct pb_store *s, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	static const struct {
		const char *name;
		enum pb_record_kind kind;
	} counted[] = {
	    {"incidents", PB_REC_INCIDENT}, /* by its index */
	    {"quarantine", PB_REC_QUARANTINE}, /* few */
	};
	PB_JSON json_t *counts = json_object();
	for (size_t i = 0; i < PB_ARRAY_LEN(counted); i++) {
		json_t *states = json_object();
		json_object_set_new(counts, counted[i].name, states);
		if (count_states(s, counted[i].kind, states, err) < 0)
			return -1;
	}
	int64_t n, pages, page_size;
	if (store_number(s, "SELECT count(*) FROM note", 0, &n, err) < 0 ||
	    store_number(s, "PRAGMA page_count", 0, &pages, err) < 0 ||
	    store_number(s, "PRAGMA page_size", 0, &page_size, err) < 0)
		return -1;
	pb_json_set_i64(counts, "notes", n);
	pb_json_set_i64(counts, "bytes", pages * page_size);
	*ret = PB_TAKE(counts);
	return 0;
}
