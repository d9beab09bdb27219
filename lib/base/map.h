/*
 * Containers: a map from text to pointer, and a heap of deadlines.
 */
#ifndef PB_BASE_MAP_H
#define PB_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys are copied, values are the caller's.  Iteration is in order of insertion (removals aside),
 * so that what the engine does is the same in every run. */
struct pb_map;
struct pb_map *pb_map_new(void);
void pb_map_free(struct pb_map *m, void (*free_value)(void *)); /* m may be NULL */
void *pb_map_get(const struct pb_map *m, const char *key);
void *pb_map_put(struct pb_map *m, const char *key, void *value); /* returns the value replaced */
void *pb_map_del(struct pb_map *m, const char *key); /* returns the value removed */
size_t pb_map_len(const struct pb_map *m);
/* for (size_t i = 0; pb_map_next(m, &i, &key, &value);) -- the entry at hand may be removed, and
 * known keys put again; putting a new key while walking may skip entries. */
bool pb_map_next(const struct pb_map *m, size_t *i, const char **ret_key, void **ret_value);

/* A binary min-heap of (at, order of insertion).  An entry is embedded in what it times. */
struct pb_timer {
	int64_t at; /* PB_NEVER or any when not set */
	uint64_t seq; /* the heap's */
	size_t index; /* 1 + place in the heap; 0 = not set */
};
struct pb_heap {
	struct pb_timer **items;
	size_t len, size;
	uint64_t next_seq;
};
void pb_heap_init(struct pb_heap *h);
void pb_heap_fini(struct pb_heap *h);
void
pb_heap_set(struct pb_heap *h, struct pb_timer *t, int64_t at); /* sets or moves; PB_NEVER clears */
void pb_heap_clear(struct pb_heap *h, struct pb_timer *t); /* may be unset already */
struct pb_timer *pb_heap_first(const struct pb_heap *h); /* NULL when empty */

#define PB_CONTAINER_OF(p, T, member) ((T *)(void *)((char *)(p)-offsetof(T, member)))

#endif
