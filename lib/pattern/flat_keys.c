/*
 * Keys that are in one object twice are found by a fingerprint of each: a filter of 64 bits tells most
 * objects free of them (flat.c); here the object's keys are searched where it does not, and of an
 * object with many there is a hash table.
 */
#include "pattern/flat_parts.h"

#include <stdlib.h>

#define FEW_KEYS 24 /* up to here an object's keys are searched one by one */
#define DOUBTS_MAX 4096 /* an event made to collide is refused */

/* Equal after unescaping?  Rare: fingerprints are equal. */
static bool
is_same_key(struct pb_flat *f, const struct pb_flat_key *a, const struct pb_flat_key *b)
{
	struct pb_str x = pb_flat_key_text(f, a), y = pb_flat_key_text(f, b);

	if (a->print != b->print)
		return false;
	if (f->scan.carry.escapes == 0) {
		f->n_doubts += x.len > 8;
		return x.len == y.len && memcmp(x.ptr, y.ptr, x.len) == 0;
	}
	PB_CLEANUP(pb_freep) char *p = pb_malloc(x.len + 1);
	PB_CLEANUP(pb_freep) char *q = pb_malloc(y.len + 1);
	size_t n = pb_flat_unescape(p, x);
	f->n_doubts++;
	return n == pb_flat_unescape(q, y) && memcmp(p, q, n) == 0;
}

static struct pb_flat_set_entry *
find_in_set(struct pb_flat *f, uint32_t owner, uint32_t key, bool *ret_is_new)
{
	uint64_t print = f->keys[key].print;
	size_t mask = f->set_size - 1;

	for (size_t i = (size_t)((print + owner) * PB_FLAT_MIX >> 32);; i++) {
		struct pb_flat_set_entry *e = &f->set[i & mask];
		*ret_is_new = e->owner < f->first_owner;
		if (*ret_is_new ||
		    (e->owner == owner && e->print == print &&
			is_same_key(f, &f->keys[e->key], &f->keys[key])))
			return e;
	}
}

static void
grow_set(struct pb_flat *f)
{
	struct pb_flat_set_entry *old = f->set;
	size_t n = f->set_size;

	f->set_size = n == 0 ? 1024 : 2 * f->set_size;
	f->set = pb_calloc(f->set_size, sizeof(*f->set));
	for (size_t i = 0; i < n; i++) {
		if (old[i].owner < f->first_owner)
			continue;
		size_t at = (size_t)((old[i].print + old[i].owner) * PB_FLAT_MIX >> 32);
		while (f->set[at & (f->set_size - 1)].owner != 0)
			at++;
		f->set[at & (f->set_size - 1)] = old[i];
	}
	free(old);
}

static bool
add_to_set(struct pb_flat *f, uint32_t owner, uint32_t key)
{
	bool is_new = false;

	if (2 * (f->n_set + 1) > f->set_size)
		grow_set(f);
	struct pb_flat_set_entry *e = find_in_set(f, owner, key, &is_new);
	if (!is_new)
		return false;
	*e = (struct pb_flat_set_entry){f->keys[key].print, owner, key};
	f->n_set++;
	return true;
}

bool
pb_flat_is_new_key(struct pb_flat *f, struct pb_flat_frame *fr)
{
	uint32_t last = f->n_keys - 1, n = last - fr->keys;

	if (n < FEW_KEYS) {
		for (uint32_t i = fr->keys; i < last; i++)
			if (f->keys[i].print == f->keys[last].print &&
			    is_same_key(f, &f->keys[i], &f->keys[last]))
				return false;
		return f->n_doubts <= DOUBTS_MAX;
	}
	if (fr->index == 0) { /* objects have no other use for it */
		fr->index = ++f->owner;
		for (uint32_t i = fr->keys; i < last; i++)
			(void)add_to_set(f, fr->index, i);
		fr->seen = UINT64_MAX; /* from here on all keys come here */
	}
	return add_to_set(f, fr->index, last) && f->n_doubts <= DOUBTS_MAX;
}
