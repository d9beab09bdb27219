/*
 * Map and heap.
 *
 * The map is a dense array of entries in order of insertion and a table of places in it (open
 * addressing, linear).  A removal leaves a hole (key NULL); holes go when the array is full, which
 * happens only in a put, so that removing while iterating is safe.  Keys may come from outside:
 * the hash is SipHash-1-3 with a key of the process's own, so that nobody can aim at collisions.
 */
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rand.h"

struct entry {
	char *key;
	void *value;
	uint64_t hash;
};

struct pb_map {
	struct entry *entries;
	size_t n_used; /* entries and holes */
	size_t n_live; /* entries */
	size_t size; /* room for entries; the table has twice as many places */
	uint32_t *table; /* 1 + place in entries; 0 = free */
};

/* Drawn once: a turn of the engine makes maps, and the kernel is not asked for each. */
static uint64_t hash_secret[2];
static pthread_once_t hash_secret_once = PTHREAD_ONCE_INIT;

static void
draw_hash_secret(void)
{
	pb_entropy(hash_secret, sizeof(hash_secret));
}

static inline uint64_t
rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static uint64_t
hash_key(const char *key)
{
	const uint64_t k0 = hash_secret[0], k1 = hash_secret[1];
	size_t len = strlen(key), left = len;
	uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
	    k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
	for (; left >= 8; left -= 8, key += 8) {
		uint64_t word;
		memcpy(&word, key, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	uint64_t last = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)(unsigned char)key[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct pb_map *
pb_map_new(void)
{
	(void)pthread_once(&hash_secret_once, draw_hash_secret);
	return pb_calloc(1, sizeof(struct pb_map));
}

void
pb_map_free(struct pb_map *m, void (*free_value)(void *))
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n_used; i++) {
		if (m->entries[i].key != NULL && free_value != NULL)
			free_value(m->entries[i].value);
		free(m->entries[i].key);
	}
	free(m->entries);
	free(m->table);
	free(m);
}

static struct entry *
find(const struct pb_map *m, const char *key, uint64_t hash)
{
	if (m->n_live == 0)
		return NULL;
	size_t mask = 2 * m->size - 1;
	for (size_t i = hash & mask; m->table[i] != 0; i = (i + 1) & mask) {
		struct entry *e = &m->entries[m->table[i] - 1];
		if (e->hash == hash && e->key != NULL && strcmp(e->key, key) == 0)
			return e;
	}
	return NULL;
}

void *
pb_map_get(const struct pb_map *m, const char *key)
{
	const struct entry *e = find(m, key, hash_key(key));
	return e != NULL ? e->value : NULL;
}

static void
table_add(struct pb_map *m, size_t place)
{
	size_t mask = 2 * m->size - 1, i = m->entries[place].hash & mask;
	while (m->table[i] != 0)
		i = (i + 1) & mask;
	m->table[i] = (uint32_t)(place + 1);
}

/* Make room for one more: close the holes, and double when that does not give much. */
static void
rebuild(struct pb_map *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n_used; i++) {
		if (m->entries[i].key != NULL)
			m->entries[n++] = m->entries[i];
	}
	m->n_used = n;
	if (m->size == 0)
		m->size = 8;
	else if (n > m->size / 2)
		m->size *= 2;
	pb_check(m->size < UINT32_MAX / 2);
	m->entries = pb_realloc(m->entries, m->size * sizeof(*m->entries));
	free(m->table);
	m->table = pb_calloc(2 * m->size, sizeof(*m->table));
	for (size_t i = 0; i < n; i++)
		table_add(m, i);
}

void *
pb_map_put(struct pb_map *m, const char *key, void *value)
{
	uint64_t hash = hash_key(key);
	struct entry *e = find(m, key, hash);
	if (e != NULL) {
		void *old = e->value;
		e->value = value;
		return old;
	}
	if (m->n_used == m->size)
		rebuild(m);
	m->entries[m->n_used] = (struct entry){pb_strdup(key), value, hash};
	table_add(m, m->n_used);
	m->n_used++;
	m->n_live++;
	return NULL;
}

void *
pb_map_del(struct pb_map *m, const char *key)
{
	struct entry *e = find(m, key, hash_key(key));
	if (e == NULL)
		return NULL;
	void *value = e->value;
	free(e->key);
	e->key = NULL;
	e->value = NULL;
	m->n_live--;
	return value;
}

size_t
pb_map_len(const struct pb_map *m)
{
	return m->n_live;
}

bool
pb_map_next(const struct pb_map *m, size_t *i, const char **ret_key, void **ret_value)
{
	while (*i < m->n_used) {
		const struct entry *e = &m->entries[(*i)++];
		if (e->key == NULL)
			continue;
		if (ret_key != NULL)
			*ret_key = e->key;
		if (ret_value != NULL)
			*ret_value = e->value;
		return true;
	}
	return false;
}

/* --- heap */

void
pb_heap_init(struct pb_heap *h)
{
	*h = (struct pb_heap){0};
}

void
pb_heap_fini(struct pb_heap *h)
{
	for (size_t i = 0; i < h->len; i++)
		h->items[i]->index = 0;
	free(h->items);
	*h = (struct pb_heap){0};
}

static bool
is_before(const struct pb_timer *a, const struct pb_timer *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void
heap_place(struct pb_heap *h, size_t i, struct pb_timer *t)
{
	h->items[i] = t;
	t->index = i + 1;
}

/* Move t, which belongs at i or above or below it, to where it belongs. */
static void
heap_settle(struct pb_heap *h, size_t i, struct pb_timer *t)
{
	while (i > 0 && is_before(t, h->items[(i - 1) / 2])) {
		heap_place(h, i, h->items[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= h->len)
			break;
		if (child + 1 < h->len && is_before(h->items[child + 1], h->items[child]))
			child++;
		if (!is_before(h->items[child], t))
			break;
		heap_place(h, i, h->items[child]);
		i = child;
	}
	heap_place(h, i, t);
}

void
pb_heap_set(struct pb_heap *h, struct pb_timer *t, int64_t at)
{
	if (at == INT64_MAX) {
		pb_heap_clear(h, t);
		t->at = at;
		return;
	}
	t->at = at;
	t->seq = h->next_seq++;
	if (t->index == 0) {
		if (h->len == h->size) {
			h->size = h->size > 0 ? 2 * h->size : 16;
			h->items = pb_realloc(h->items, h->size * sizeof(struct pb_timer *));
		}
		heap_place(h, h->len++, t);
	}
	pb_check(h->items[t->index - 1] == t);
	heap_settle(h, t->index - 1, t);
}

void
pb_heap_clear(struct pb_heap *h, struct pb_timer *t)
{
	if (t->index == 0)
		return;
	size_t i = t->index - 1;
	pb_check(i < h->len && h->items[i] == t);
	struct pb_timer *last = h->items[--h->len];
	if (last != t)
		heap_settle(h, i, last);
	t->index = 0;
}

struct pb_timer *
pb_heap_first(const struct pb_heap *h)
{
	return h->len > 0 ? h->items[0] : NULL;
}
