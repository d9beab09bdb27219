/*
 * Which patterns fit an event: one pass over its bytes for all that a configuration has, that is
 * playbooks, their resolve_on and maintenance windows, and one for all silences.
 *
 * An event keeps what the configuration in force found, and one from a queue has it from the pass in
 * which it was read.  Open incidents keep the plan they began with, so an event may meet several
 * configurations; what was found for the last other one is kept while the event is at hand.
 */
#include "internal.h"

struct fits {
	struct pb_match *match;
	const struct pb_event *event;
	/* Of the last configuration that is not in force. */
	const struct pb_config *other; /* NULL = none yet */
	uint32_t *other_ids;
	size_t n_other, size_other;
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
	free(f->other_ids);
	drop_silences(f);
	free(f);
}

void
fits_begin(struct pb_engine *e, const struct pb_event *ev)
{
	e->fits->event = ev;
	e->fits->other = NULL;
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

/* All that fits the event at hand, by any configuration. */
static size_t
find(struct pb_engine *e, const struct pb_config *c, const uint32_t **ret_ids)
{
	struct fits *f = e->fits;
	if (c == e->config)
		return pb_event_matches(f->event, c->matcher, f->match, ret_ids);
	if (f->other != c) {
		size_t cap = c->n_playbooks + c->n_ends + c->n_maintenance;
		if (f->size_other < cap) {
			f->other_ids = pb_realloc(f->other_ids, cap * sizeof(*f->other_ids));
			f->size_other = cap;
		}
		f->other = c;
		f->n_other = match(f, c->matcher, f->event, f->other_ids, cap);
	}
	*ret_ids = f->other_ids;
	return f->n_other;
}

static bool
has(const uint32_t *ids, size_t n, size_t id)
{
	for (size_t i = 0; i < n && ids[i] <= id; i++)
		if (ids[i] == id)
			return true;
	return false;
}

size_t
fits_playbooks(struct pb_engine *e, const uint32_t **ret_ids)
{
	return fits_playbooks_of(e, e->fits->event, ret_ids);
}

size_t
fits_playbooks_of(const struct pb_engine *e, const struct pb_event *ev, const uint32_t **ret_ids)
{
	size_t n = pb_event_matches(ev, e->config->matcher, e->fits->match, ret_ids);
	while (n > 0 && (*ret_ids)[n - 1] >= e->config->n_playbooks)
		n--;
	return n;
}

bool
fits_any_end(struct pb_engine *e)
{
	const struct pb_config *c = e->config;
	const uint32_t *ids;
	size_t n = find(e, c, &ids);
	while (n > 0 && ids[n - 1] >= c->n_playbooks + c->n_ends)
		n--;
	return n > 0 && ids[n - 1] >= c->n_playbooks;
}

bool
fits_end(struct pb_engine *e, const struct pb_config *c, const struct pb_playbook *p)
{
	if (p->resolve_on == NULL)
		return false;
	const uint32_t *ids;
	size_t n = find(e, c, &ids);
	return has(ids, n, p->end_id);
}

bool
fits_window(const struct pb_engine *e, const struct pb_event *ev, const struct pb_maintenance *m)
{
	const struct pb_config *c = e->config;
	const uint32_t *ids;
	size_t n = pb_event_matches(ev, c->matcher, e->fits->match, &ids);
	return has(ids, n, c->n_playbooks + c->n_ends + (size_t)(m - c->maintenance));
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
