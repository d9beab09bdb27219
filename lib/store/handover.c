/*
 * From a store that stood in for another one to that one.
 */
#include "internal.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"

#define NOTES_SLICE 500

static void
update_freep(struct pb_update **u)
{
	pb_update_free(*u);
}

static int
take_copy(const struct pb_record *r, void *arg, struct pb_error *err)
{
	struct pb_update *u = arg;
	(void)err;
	pb_update_put(u, r->kind, r->key, r->incident, r->state, json_incref(r->body));
	/* It came to its state then, not now. */
	u->records[u->n_records - 1].at = r->at;
	return 0;
}

/* The kinds of notes are static texts to the engine; here they live as long as `keep`. */
static int
copy_notes(struct pb_store *from, struct pb_update *u, json_t *keep, struct pb_error *err)
{
	int64_t since = 0;
	for (;;) {
		json_t *notes = NULL;
		size_t i;
		json_t *n;
		if (pb_store_notes(from, since, NULL, NOTES_SLICE, &notes, err) < 0)
			return -1;
		json_array_append_new(keep, notes);
		json_array_foreach (notes, i, n) {
			pb_update_note(u, pb_json_str(n, "incident"), pb_json_str(n, "playbook"),
			    pb_json_str(n, "step"), pb_json_str_or(n, "kind", "note"), "%s",
			    pb_json_str_or(n, "text", ""));
			u->notes[u->n_notes - 1].at = pb_json_i64(n, "at", u->at);
			since = pb_json_i64(n, "seq", INT64_MAX);
		}
		if (json_array_size(notes) == 0)
			return 0;
	}
}

/* "KIND KEY" */
static void
copy_drops(const struct pb_store *from, struct pb_update *u)
{
	const char *name;
	void *value;
	for (size_t i = 0;
	     from->dropped != NULL && pb_map_next(from->dropped, &i, &name, &value);) {
		char *key;
		enum pb_record_kind kind = (enum pb_record_kind)strtoul(name, &key, 10);
		pb_update_drop(u, kind, key + 1);
	}
}

int
pb_store_hand_over(struct pb_store *from, struct pb_store *to, struct pb_error *err)
{
	PB_CHECK_OBJ(from, STORE_MAGIC);
	PB_JSON json_t *keep = json_array();
	PB_CLEANUP(update_freep) struct pb_update *u = pb_update_new(pb_store_highest_at(from));
	for (enum pb_record_kind kind = 0; kind < PB_REC_MAX; kind++)
		if (pb_store_each(from, kind, take_copy, u, err) < 0)
			return -1;
	copy_drops(from, u);
	if (copy_notes(from, u, keep, err) < 0)
		return -1;
	return pb_store_commit(to, u, err);
}
