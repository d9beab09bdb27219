/*
 * Bundles: their records, and back from them.
 */
#include "bundle.h"

#include "base/json.h"

static json_t *
levels_json(const struct bundle *b)
{
	json_t *list = json_array();
	for (size_t i = 0; i < bundle_escalation(b)->n_levels; i++)
		json_array_append_new(list, json_integer((json_int_t)b->levels[i].sent_at));
	return list;
}

size_t
bundle_n_listed(const struct bundle *b)
{
	return b->n_gone_new < BUNDLE_GONE_MAX ? (size_t)b->n_gone_new : BUNDLE_GONE_MAX;
}

static json_t *
gone_json(const struct bundle *b)
{
	json_t *list = json_array();
	for (size_t i = 0; i < bundle_n_listed(b); i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "id", b->gone[i].id, "title", b->gone[i].title,
			"cause", b->gone[i].cause));
	return list;
}

json_t *
bundle_json(const struct bundle *b)
{
	json_t *j = json_object();
	pb_json_set_str(j, "id", b->id);
	pb_json_set_str(j, "kind", bundle_kind_name(b->kind));
	pb_json_set_str(j, "escalation", bundle_escalation(b)->name);
	pb_json_set_str(j, "config", b->config->digest);
	pb_json_set_str(j, "group", b->key);
	pb_json_set_i64(j, "opened_at", b->opened_at);
	pb_json_set_i64(j, "number", b->number);
	json_object_set_new(j, "sent_at", levels_json(b));
	pb_json_set_i64(j, "n_joined", b->n_joined);
	pb_json_set_i64(j, "n_gone", b->n_gone);
	pb_json_set_i64(j, "renewed_at", b->renewed_at);
	if (b->notice_at != PB_NEVER)
		pb_json_set_i64(j, "notice_at", b->notice_at);
	pb_json_set_i64(j, "noticed_at", b->noticed_at);
	pb_json_set_i64(j, "n_notices", b->n_notices);
	pb_json_set_i64(j, "n_gone_new", b->n_gone_new);
	pb_json_set_i64(j, "gone_since", b->gone_since);
	json_object_set_new(j, "owed", json_copy(b->owed));
	json_object_set_new(j, "gone", gone_json(b));
	return j;
}

/* --- after a restart */

static int
kind_of(const struct pb_record *r, enum bundle_kind *ret, struct pb_error *err)
{
	const char *kind = pb_json_str_or(r->body, "kind", "?");
	for (unsigned i = 0; i < BUNDLE_KIND_MAX; i++)
		if (strcmp(bundle_kind_name((enum bundle_kind)i), kind) == 0) {
			*ret = (enum bundle_kind)i;
			return 0;
		}
	return pb_fail(err, PB_CORRUPT, "bundle %s: kind \"%s\" does not exist", r->key, kind);
}

static void
restore_gone(struct bundle *b, const json_t *body)
{
	const json_t *list = json_object_get(body, "gone");
	b->n_gone_new = pb_json_i64(body, "n_gone_new", 0);
	for (size_t i = 0; i < bundle_n_listed(b); i++) {
		const json_t *j = json_array_get(list, i);
		b->gone[i].id = pb_strdup(pb_json_str_or(j, "id", "?"));
		b->gone[i].title = pb_strdup(pb_json_str_or(j, "title", "?"));
		b->gone[i].cause = pb_strdup(pb_json_str_or(j, "cause", "?"));
	}
	b->gone_since = pb_json_i64(body, "gone_since", 0);
	const json_t *owed = json_object_get(body, "owed");
	if (json_is_array(owed))
		(void)json_array_extend(b->owed, (json_t *)(uintptr_t)owed);
}

static void
restore_body(struct bundle *b, const struct pb_record *r)
{
	b->state_at = r->at;
	b->key = pb_strdup(pb_json_str_or(r->body, "group", ""));
	b->opened_at = pb_json_i64(r->body, "opened_at", r->at);
	b->number = pb_json_i64(r->body, "number", 0);
	for (size_t i = 0; i < bundle_escalation(b)->n_levels; i++)
		b->levels[i].sent_at =
		    json_integer_value(json_array_get(pb_json_get(r->body, "sent_at"), i));
	b->n_joined = pb_json_i64(r->body, "n_joined", 0);
	b->n_gone = pb_json_i64(r->body, "n_gone", 0);
	b->renewed_at = pb_json_i64(r->body, "renewed_at", r->at);
	b->notice_at = pb_json_i64(r->body, "notice_at", PB_NEVER);
	b->noticed_at = pb_json_i64(r->body, "noticed_at", 0);
	b->n_notices = pb_json_i64(r->body, "n_notices", 0);
	restore_gone(b, r->body);
}

int
bundle_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	enum bundle_kind kind = BUNDLE_GROUP;
	size_t escalation = 0;
	struct pb_config *c = pb_map_get(e->configs, pb_json_str_or(r->body, "config", ""));
	if (kind_of(r, &kind, err) < 0)
		return -1;
	if (c == NULL)
		return pb_fail(err, PB_CORRUPT, "bundle %s: its plan is missing", r->key);
	while (escalation < c->n_escalations &&
	    !pb_streq(c->escalations[escalation].name, pb_json_str(r->body, "escalation")))
		escalation++;
	if (escalation == c->n_escalations)
		return pb_fail(err, PB_CORRUPT, "bundle %s: its plan has no escalation %s", r->key,
		    pb_json_str_or(r->body, "escalation", "?"));
	struct bundle *b = bundle_make(e, kind, c, escalation, r->key);
	b->state =
	    strcmp(r->state, bundle_state_name(BUNDLE_CALM)) == 0 ? BUNDLE_CALM : BUNDLE_OPEN;
	restore_body(b, r);
	if (kind == BUNDLE_STORM && b->state == BUNDLE_OPEN)
		storm_index(e, b);
	if (kind == BUNDLE_GROUP) {
		PB_CLEANUP(pb_freep) char *index = bundle_index(c, escalation, b->key);
		(void)pb_map_put(e->groups, index, b);
	}
	return 0;
}

void
bundle_restore_members(struct pb_engine *e, struct incident *in, const json_t *list)
{
	size_t i;
	const json_t *j;
	json_array_foreach (list, i, j) {
		struct bundle *b = pb_map_get(e->bundles, pb_json_str_or(j, "id", ""));
		if (b != NULL && bundle_member(in, b) == NULL)
			bundle_set_news(bundle_join(b, in, pb_json_i64(j, "since", 0)),
			    pb_json_i64(j, "news", 0));
	}
}

static void
add_kind(const struct pb_engine *e, enum bundle_kind kind, json_t *list)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(e->bundles, &i, &id, &value) && json_array_size(list) < PB_BUNDLES_MAX) {
		const struct bundle *b = value;
		bool is_storming = b->kind == BUNDLE_STORM && b->state == BUNDLE_OPEN;
		if (b->kind != kind || (b->n_open == 0 && !is_storming))
			continue;
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "id", b->id,
			"kind", bundle_kind_name(b->kind), "state", bundle_state_name(b->state),
			"escalation", bundle_escalation(b)->name, "group", b->key, "opened_at",
			(json_int_t)b->opened_at, "open", (json_int_t)b->n_open, "unacknowledged",
			(json_int_t)b->n_wanting, "resolved", (json_int_t)b->n_gone, "pages",
			(json_int_t)b->number));
	}
}

json_t *
pb_engine_bundles_json(const struct pb_engine *e)
{
	json_t *list = json_array();
	add_kind(e, BUNDLE_STORM, list);
	add_kind(e, BUNDLE_GROUP, list);
	return list;
}
