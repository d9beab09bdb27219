/*
 * Which patterns fit an event: one pass over its bytes for all playbooks of a configuration, with their
 * resolve_on, and one for all silences.
 *
 * Open incidents keep the plan they began with, so an event may meet several configurations; what was
 * found for the current one and for the last other one is kept while the event is at hand.
 */
#include "internal.h"

struct found {
	const struct pb_config *config; /* NULL = nothing yet */
	uint32_t *ids;
	size_t size, n, n_playbooks; /* ids[0..n_playbooks) are matches, the rest ends */
};

struct fits {
	struct pb_match *match;
	const struct pb_event *event;
	struct found current, other;
	/* Silences, in the order of their map; built anew when it has changed. */
	struct pb_matcher *silences;
	const struct silence **list, **fitting;
	uint32_t *silence_ids;
	bool is_stale;
};

struct fits *
fits_new(void)
{
	struct fits *f = pb_calloc(1, sizeof(*f));
	f->match = pb_match_new();
	f->is_stale = true;
	return f;
}

static void
drop_silences(struct fits *f)
{
	pb_matcher_free(f->silences);
	free(f->list);
	free(f->fitting);
	free(f->silence_ids);
}

void
fits_free(struct fits *f)
{
	if (f == NULL)
		return;
	pb_match_free(f->match);
	free(f->current.ids);
	free(f->other.ids);
	drop_silences(f);
	free(f);
}

void
fits_begin(struct pb_engine *e, const struct pb_event *ev)
{
	e->fits->event = ev;
	e->fits->current.config = e->fits->other.config = NULL;
}

/* The matcher takes what made the event; if it did not, nothing would match, and `unmatched` goes. */
static size_t
match(struct fits *f, const struct pb_matcher *m, const struct pb_event *ev, uint32_t *ids,
    size_t cap)
{
	size_t n = 0;
	if (m == NULL || pb_match(m, f->match, ev->text, ids, cap, &n) < 0)
		return 0;
	pb_check(n <= cap);
	return n;
}

static const struct found *
find(struct pb_engine *e, const struct pb_config *c)
{
	struct fits *f = e->fits;
	struct found *found = c == e->config ? &f->current : &f->other;
	if (found->config == c)
		return found;
	size_t cap = c->n_playbooks + c->n_ends;
	if (found->size < cap) {
		found->ids = pb_realloc(found->ids, cap * sizeof(*found->ids));
		found->size = cap;
	}
	found->config = c;
	found->n = match(f, c->matcher, f->event, found->ids, cap);
	found->n_playbooks = 0;
	while (found->n_playbooks < found->n && found->ids[found->n_playbooks] < c->n_playbooks)
		found->n_playbooks++;
	return found;
}

size_t
fits_playbooks(struct pb_engine *e, const uint32_t **ret_ids)
{
	const struct found *found = find(e, e->config);
	*ret_ids = found->ids;
	return found->n_playbooks;
}

bool
fits_any_end(struct pb_engine *e)
{
	const struct found *found = find(e, e->config);
	return found->n > found->n_playbooks;
}

bool
fits_end(struct pb_engine *e, const struct pb_config *c, const struct pb_playbook *p)
{
	if (p->resolve_on == NULL)
		return false;
	const struct found *found = find(e, c);
	for (size_t i = found->n_playbooks; i < found->n && found->ids[i] <= p->end_id; i++)
		if (found->ids[i] == p->end_id)
			return true;
	return false;
}

/* --- silences */

void
fits_silences_changed(struct pb_engine *e)
{
	e->fits->is_stale = true;
}

static void
build_silences(const struct pb_engine *e)
{
	struct fits *f = e->fits;
	size_t n = 0, i = 0, len = pb_map_len(e->silences);
	const char *id;
	void *value;
	drop_silences(f);
	f->list = pb_calloc(len + 1, sizeof(struct silence *));
	f->fitting = pb_calloc(len + 1, sizeof(struct silence *));
	f->silence_ids = pb_calloc(len + 1, sizeof(*f->silence_ids));
	const struct pb_pattern **patterns = pb_calloc(len + 1, sizeof(*patterns));
	while (pb_map_next(e->silences, &i, &id, &value)) {
		f->list[n] = value;
		patterns[n] = f->list[n]->pattern;
		n++;
	}
	struct pb_error err;
	int rc = pb_matcher_build(patterns, n, &f->silences, &err);
	pb_check(rc == 0); /* PB_SILENCES_MAX of them are far from filling it */
	free(patterns);
	f->is_stale = false;
}

size_t
fits_silences(
    const struct pb_engine *e, const struct pb_event *ev, const struct silence *const **ret)
{
	struct fits *f = e->fits;
	if (pb_map_len(e->silences) == 0)
		return 0;
	if (f->is_stale)
		build_silences(e);
	size_t n = match(f, f->silences, ev, f->silence_ids, pb_map_len(e->silences));
	for (size_t i = 0; i < n; i++)
		f->fitting[i] = f->list[f->silence_ids[i]];
	*ret = f->fitting;
	return n;
}
