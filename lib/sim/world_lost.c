/*
 * What a process that has no store takes with it when it dies: all that it decided.  The books go back to
 * what was durable when it started.
 */
#include <stdlib.h>

#include "base/json.h"
#include "sim/world.h"

struct durable {
	struct oracle *oracle;
	struct pb_map *books, *committed, *unknown, *attempts, *effects, *harmless;
};

static struct pb_map *
copy_keys(const struct pb_map *from, void *mark)
{
	struct pb_map *to = pb_map_new();
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);)
		(void)pb_map_put(to, key, mark);
	return to;
}

static struct pb_map *
copy_texts(const struct pb_map *from)
{
	struct pb_map *to = pb_map_new();
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);)
		(void)pb_map_put(to, key, pb_strdup(value));
	return to;
}

static struct pb_map *
copy_books(const struct pb_map *from)
{
	struct pb_map *to = pb_map_new();
	const char *key;
	void *value;
	for (size_t i = 0; pb_map_next(from, &i, &key, &value);) {
		const struct book *b = value;
		struct book *copy = pb_malloc(sizeof(*copy));
		*copy = *b;
		copy->id = pb_strdup(b->id);
		copy->playbook = pb_strdup(b->playbook);
		copy->bundles = json_deep_copy(b->bundles);
		(void)pb_map_put(to, key, copy);
	}
	return to;
}

void
durable_keep(struct world *w)
{
	struct durable *d = pb_malloc(sizeof(*d));
	*d = (struct durable){
	    .oracle = oracle_copy(w->oracle),
	    .books = copy_books(w->books),
	    .committed = copy_texts(w->committed),
	    .unknown = copy_keys(w->unknown, w),
	    .attempts = copy_keys(w->attempts, w),
	    .effects = copy_keys(w->effects, w),
	    .harmless = copy_keys(w->harmless, w),
	};
	w->durable = d;
}

static void
free_maps(struct pb_map *books, struct pb_map *committed, struct pb_map *const keys[4])
{
	pb_map_free(books, book_free);
	pb_map_free(committed, free);
	for (size_t i = 0; i < 4; i++)
		pb_map_free(keys[i], NULL);
}

void
durable_all(struct world *w)
{
	struct durable *d = PB_TAKE(w->durable);
	if (d == NULL)
		return;
	struct pb_map *const keys[] = {d->unknown, d->attempts, d->effects, d->harmless};
	oracle_free(d->oracle);
	free_maps(d->books, d->committed, keys);
	free(d);
	for (size_t i = 0; i < w->n_asked; i++)
		w->asked[i].is_in_memory = false;
}

size_t
durable_return(struct world *w)
{
	struct durable *d = PB_TAKE(w->durable);
	if (d == NULL)
		return 0;
	struct pb_map *const keys[] = {w->unknown, w->attempts, w->effects, w->harmless};
	free_maps(w->books, w->committed, keys);
	size_t n_gone = oracle_forget(w->oracle, d->oracle);
	w->oracle = d->oracle;
	w->books = d->books;
	w->committed = d->committed;
	w->unknown = d->unknown;
	w->attempts = d->attempts;
	w->effects = d->effects;
	w->harmless = d->harmless;
	free(d);
	for (size_t i = 0; i < w->n_asked; i++)
		if (w->asked[i].is_in_memory)
			w->asked[i].is_durable = w->asked[i].is_in_memory = false;
	return n_gone;
}
