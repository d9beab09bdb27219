/*
 * Queries of the events as they came.
 */
#include "internal.h"

#include <stdlib.h>

#include "base/json.h"

#define COLUMNS STORE_COLUMNS ", seq"
#define COL_BODY 4
#define COL_SEQ 6
#define ANSWER_BYTES (1 << 20) /* of one answer, about */

/* The row as its reader sees it; NULL with err filled when it is damaged. */
static json_t *
received_json(const struct pb_store *s, sqlite3_stmt *st, struct pb_error *err)
{
	struct pb_record r;
	if (store_read_record(s, st, PB_REC_RECEIVED, &r, err) < 0)
		return NULL;
	json_t *j = json_object();
	pb_json_set_i64(j, "seq", sqlite3_column_int64(st, COL_SEQ));
	pb_json_set_i64(j, "at", r.at);
	pb_json_set_str(j, "incident", r.incident);
	(void)json_object_update(j, r.body);
	store_record_fini(&r);
	return j;
}

int
pb_store_received(
    struct pb_store *s, int64_t since, int64_t limit, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	PB_JSON json_t *list = json_array();
	STORE_STMT *st = NULL;
	int more = 0;
	if (store_has_kind(s, PB_REC_RECEIVED)) {
		if (store_prepare(s,
			"SELECT " COLUMNS " FROM received WHERE seq > ?1 ORDER BY seq LIMIT ?2",
			&st, err) < 0)
			return -1;
		(void)sqlite3_bind_int64(st, 1, since);
		(void)sqlite3_bind_int64(
		    st, 2, limit <= 0 || limit > PB_STORE_LIST_MAX ? PB_STORE_LIST_MAX : limit);
		int64_t bytes = 0;
		while (bytes < ANSWER_BYTES && (more = store_step(s, st, "read", err)) > 0) {
			json_t *j = received_json(s, st, err);
			bytes += sqlite3_column_bytes(st, COL_BODY);
			if (j == NULL)
				return -1;
			json_array_append_new(list, j);
		}
	}
	if (more < 0)
		return -1;
	*ret = PB_TAKE(list);
	return 0;
}

/* Keys of an alarm's events begin with "alarm|ARN|", so that the index of keys finds them. */
int
pb_store_received_last(
    struct pb_store *s, const char *arn, bool with_incident, json_t **ret, struct pb_error *err)
{
	PB_CHECK_OBJ(s, STORE_MAGIC);
	PB_CLEANUP(pb_freep) char *from = pb_asprintf("alarm|%s|", arn);
	PB_CLEANUP(pb_freep) char *to = pb_asprintf("alarm|%s}", arn); /* '}' stands behind '|' */
	STORE_STMT *st = NULL;
	int more = 0;
	if (store_has_kind(s, PB_REC_RECEIVED)) {
		if (store_prepare(s,
			with_incident
			    ? "SELECT " COLUMNS " FROM received WHERE key >= ?1 AND key < ?2"
			      " AND incident <> '' ORDER BY seq DESC LIMIT 1"
			    : "SELECT " COLUMNS " FROM received WHERE key >= ?1 AND key < ?2"
			      " ORDER BY seq DESC LIMIT 1",
			&st, err) < 0)
			return -1;
		store_bind_text(st, 1, from);
		store_bind_text(st, 2, to);
		more = store_step(s, st, "read", err);
	}
	if (more < 0)
		return -1;
	char safe[128];
	if (more == 0)
		return pb_fail(err, PB_NOT_FOUND, "alarm %s: no event of it is kept",
		    pb_safe(safe, sizeof(safe), pb_str_of(arn)));
	json_t *j = received_json(s, st, err);
	if (j == NULL)
		return -1;
	*ret = j;
	return 0;
}
