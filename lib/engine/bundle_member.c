/*
 * Who is in a bundle, and who of them still has to hear of it.
 */
#include "bundle.h"

#include "base/json.h"

#define PAST_MAX 10 /* bundles that an incident was told with before it was reopened */

/* Does anybody still have to hear of it? */
static bool
is_wanting(enum ladder_state s)
{
	return s != LADDER_ACKED && s != LADDER_SNOOZED && s != LADDER_CLOSED;
}

struct member *
bundle_member(const struct incident *in, const struct bundle *b)
{
	struct member *m = in->members;
	while (m != NULL && m->bundle != b)
		m = m->next_own;
	return m;
}

struct member *
bundle_join(struct bundle *b, struct incident *in, int64_t since)
{
	struct member *m = pb_calloc(1, sizeof(*m));
	*m = (struct member){
	    .bundle = b, .in = in, .since = since, .prev = b->last, .next_own = in->members};
	*(b->last == NULL ? &b->first : &b->last->next) = m;
	b->last = m;
	in->members = m;
	b->n_open++;
	b->n_wanting += is_wanting(in->ladder.state);
	return m;
}

void
bundle_part(struct member *m)
{
	struct bundle *b = m->bundle;
	struct member **own = &m->in->members;
	while (*own != m)
		own = &(*own)->next_own;
	*own = m->next_own;
	*(m->prev == NULL ? &b->first : &m->prev->next) = m->next;
	*(m->next == NULL ? &b->last : &m->next->prev) = m->prev;
	b->n_open--;
	b->n_wanting -= is_wanting(m->in->ladder.state);
	bundle_set_news(m, 0);
	free(m);
}

bool
bundle_was_told(const struct member *m)
{
	return m->since > 0 && m->since <= m->bundle->number;
}

bool
bundle_has_told(const struct incident *in)
{
	const struct member *m = in->members;
	while (m != NULL && !bundle_was_told(m))
		m = m->next_own;
	return m != NULL;
}

bool
bundle_is_wanted(const struct bundle *b, int64_t number)
{
	const struct member *m = b->first;
	while (m != NULL &&
	    (m->since == 0 || m->since > number ||
		(!is_wanting(m->in->ladder.state) && m->news != number)))
		m = m->next;
	return m != NULL;
}

void
bundle_set_news(struct member *m, int64_t number)
{
	m->bundle->n_news += (number != 0) - (size_t)(m->news != 0);
	m->news = number;
}

void
bundle_look_who_wants(struct turn *t, struct bundle *b)
{
	if (b->n_wanting == 0 && b->n_news == 0)
		page_drop_waiting(t, &b->out, b->n_open == 0 ? "resolved" : "acknowledged");
}

void
bundle_ladder_moved(
    struct turn *t, struct incident *in, enum ladder_state from, enum ladder_state to)
{
	bool was_wanting = is_wanting(from), wants = is_wanting(to);
	for (struct member *m = in->members; m != NULL; m = m->next_own) {
		if (was_wanting == wants && m->news == 0)
			continue;
		m->bundle->n_wanting += (size_t)wants - (size_t)was_wanting;
		bundle_set_news(m, 0);
		bundle_look_who_wants(t, m->bundle);
	}
}

json_t *
bundle_members_json(const struct incident *in)
{
	json_t *list = in->members == NULL ? NULL : json_array();
	for (const struct member *m = in->members; m != NULL; m = m->next_own) {
		json_t *one = json_pack("{s:s, s:s, s:I}", "id", m->bundle->id, "kind",
		    bundle_kind_name(m->bundle->kind), "since", (json_int_t)m->since);
		if (m->news > 0)
			pb_json_set_i64(one, "news", m->news);
		json_array_append_new(list, one);
	}
	return list;
}

void
bundle_keep_past(struct incident *in)
{
	for (const struct member *m = in->members; m != NULL; m = m->next_own) {
		if (!bundle_was_told(m))
			continue;
		if (in->ladder.past == NULL)
			in->ladder.past = json_array();
		if (json_array_size(in->ladder.past) == PAST_MAX)
			(void)json_array_remove(in->ladder.past, 0);
		json_array_append_new(in->ladder.past,
		    json_pack("{s:s, s:I, s:I}", "id", m->bundle->id, "since", (json_int_t)m->since,
			"until", (json_int_t)m->bundle->number));
	}
}

void
bundle_set_names(const struct incident *in, json_t *j)
{
	for (const struct member *m = in->members; m != NULL; m = m->next_own)
		pb_json_set_str(j, bundle_kind_name(m->bundle->kind), m->bundle->id);
}
