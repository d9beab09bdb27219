/*
 * Updates: what one turn of the pump decided, built up by the engine.
 *
 * A boot or a storm of events puts thousands of records into one update, so that "the last put of a
 * key counts" is looked up in a map and not by walking.
 */
#include "engine/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "base/map.h"

static const char *const kind_names[] = {
    [PB_REC_CONFIG] = "config",
    [PB_REC_ALARM] = "alarm",
    [PB_REC_SOURCE] = "source",
    [PB_REC_SEEN] = "seen",
    [PB_REC_BUNDLE] = "bundle",
    [PB_REC_EVENT] = "event",
    [PB_REC_INCIDENT] = "incident",
    [PB_REC_RUN] = "run",
    [PB_REC_STEP] = "step",
    [PB_REC_LADDER] = "ladder",
    [PB_REC_ACTION] = "action",
    [PB_REC_QUARANTINE] = "quarantine",
    [PB_REC_META] = "meta",
    [PB_REC_GUARD] = "guard",
    [PB_REC_SILENCE] = "silence",
    [PB_REC_CONTROL] = "control",
    [PB_REC_RECEIVED] = "received",
    [PB_REC_WINDOW] = "window",
    [PB_REC_POST] = "post",
    [PB_REC_INFORM] = "inform",
    [PB_REC_MUTES] = "mutes",
};
_Static_assert(PB_ARRAY_LEN(kind_names) == PB_REC_MAX, "a name for each kind");

const char *
pb_record_kind_name(enum pb_record_kind kind)
{
	pb_check(kind < PB_REC_MAX);
	return kind_names[kind];
}

void
pb_outcome_fini(struct pb_outcome *o)
{
	free(o->action_id);
	free(o->error);
	free(o->error_class);
	free(o->message);
	json_decref(o->output);
	free(o->request_id);
	*o = (struct pb_outcome){0};
}

struct pb_update *
pb_update_new(int64_t at)
{
	struct pb_update *u = pb_calloc(1, sizeof(*u));
	u->at = at;
	u->by_key = pb_map_new();
	return u;
}

static void
record_fini(struct pb_record *r)
{
	free(r->key);
	free(r->incident);
	free(r->state);
	free(r->event);
	json_decref(r->body);
}

void
pb_update_free(struct pb_update *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; i < u->n_records; i++)
		record_fini(&u->records[i]);
	for (size_t i = 0; i < u->n_starts; i++) {
		free(u->starts[i].id);
		free(u->starts[i].incident);
		json_decref(u->starts[i].spec);
	}
	for (size_t i = 0; i < u->n_cancels; i++)
		free(u->cancels[i]);
	for (size_t i = 0; i < u->n_notes; i++) {
		free(u->notes[i].incident);
		free(u->notes[i].playbook);
		free(u->notes[i].step);
		free(u->notes[i].text);
	}
	for (size_t i = 0; i < u->n_replies; i++)
		json_decref(u->replies[i].body);
	free(u->records);
	free(u->starts);
	free(u->cancels);
	free(u->receipts);
	free(u->notes);
	free(u->replies);
	pb_map_free(u->by_key, NULL);
	free(u);
}

/* Makes room for one more member of an array of `u`. */
static void *
grown(void *items, size_t n, size_t *size, size_t item_size)
{
	if (n < *size)
		return items;
	*size = *size == 0 ? 8 : *size * 2;
	return pb_realloc(items, *size * item_size);
}
#define GROW(u, name)                                                                              \
	((u)->name = grown((u)->name, (u)->n_##name, &(u)->size_##name, sizeof(*(u)->name)))

static char *
text_or_empty(const char *s)
{
	return pb_strdup(s == NULL ? "" : s);
}

/* The record's place: that of an earlier one of the same kind and key, or a new one at the end. */
static struct pb_record *
record_place(struct pb_update *u, enum pb_record_kind kind, const char *key)
{
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("%s/%s", pb_record_kind_name(kind), key);
	uintptr_t known = (uintptr_t)pb_map_get(u->by_key, name);
	if (known != 0) {
		struct pb_record *r = &u->records[known - 1];
		record_fini(r);
		return r;
	}
	GROW(u, records);
	struct pb_record *r = &u->records[u->n_records++];
	(void)pb_map_put(u->by_key, name, (void *)(uintptr_t)u->n_records);
	return r;
}

void
pb_update_put(struct pb_update *u, enum pb_record_kind kind, const char *key, const char *incident,
    const char *state, json_t *body)
{
	pb_check(key != NULL && body != NULL);
	*record_place(u, kind, key) = (struct pb_record){
	    .kind = kind,
	    .key = pb_strdup(key),
	    .incident = text_or_empty(incident),
	    .state = text_or_empty(state),
	    .at = u->at,
	    .body = body,
	};
}

void
pb_update_put_received(struct pb_update *u, const char *identity, const char *incident,
    const char *source, struct pb_str text)
{
	struct pb_record *r = record_place(u, PB_REC_RECEIVED, identity);
	*r = (struct pb_record){
	    .kind = PB_REC_RECEIVED,
	    .key = pb_strdup(identity),
	    .incident = text_or_empty(incident),
	    .state = pb_strdup(""),
	    .at = u->at,
	    .body = json_object(),
	    .event = pb_strndup(text.ptr, text.len),
	};
	pb_json_set_str(r->body, "source", source);
}

void
pb_update_drop(struct pb_update *u, enum pb_record_kind kind, const char *key)
{
	pb_check(key != NULL);
	*record_place(u, kind, key) = (struct pb_record){
	    .kind = kind,
	    .key = pb_strdup(key),
	    .incident = pb_strdup(""),
	    .state = pb_strdup(""),
	    .at = u->at,
	};
}

void
pb_update_start(struct pb_update *u, const char *id, const char *incident, bool is_page,
    int64_t limit_for, const json_t *spec)
{
	pb_check(id != NULL && spec != NULL);
	GROW(u, starts);
	/* A copy: the engine may go on changing what it made the spec of. */
	u->starts[u->n_starts++] = (struct pb_action){
	    .id = pb_strdup(id),
	    .incident = text_or_empty(incident),
	    .is_page = is_page,
	    .limit_for = limit_for,
	    .spec = json_deep_copy(spec),
	};
	pb_check(u->starts[u->n_starts - 1].spec != NULL);
}

void
pb_update_post(struct pb_update *u, const char *id, const char *incident, int64_t limit_for,
    const json_t *spec)
{
	pb_update_start(u, id, incident, false, limit_for, spec);
	u->starts[u->n_starts - 1].is_post = true;
}

void
pb_update_cancel(struct pb_update *u, const char *id)
{
	pb_check(id != NULL);
	GROW(u, cancels);
	u->cancels[u->n_cancels++] = pb_strdup(id);
}

void
pb_update_receipt(struct pb_update *u, uint64_t receipt)
{
	if (receipt == 0)
		return;
	GROW(u, receipts);
	u->receipts[u->n_receipts++] = receipt;
}

void
pb_update_reply(struct pb_update *u, uint64_t token, int status, json_t *body)
{
	if (token == 0) {
		json_decref(body);
		return;
	}
	GROW(u, replies);
	u->replies[u->n_replies++] = (struct pb_reply){
	    .token = token,
	    .status = status,
	    .body = body,
	};
}

void
pb_update_note(struct pb_update *u, const char *incident, const char *playbook, const char *step,
    const char *kind, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	(void)pb_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	GROW(u, notes);
	u->notes[u->n_notes++] = (struct pb_note){
	    .at = u->at,
	    .incident = text_or_empty(incident),
	    .playbook = text_or_empty(playbook),
	    .step = text_or_empty(step),
	    .kind = kind,
	    .text = pb_buf_take(&text),
	};
}
