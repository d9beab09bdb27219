/*
 * What the files that read an event share: flat.c is the reader, flat_tree.c knows the paths that
 * somebody asks for, flat_keys.c tells keys that are there twice, flat_text.c takes escapes out.
 * Everybody else includes flat.h.
 */
#ifndef PB_PATTERN_FLAT_PARTS_H
#define PB_PATTERN_FLAT_PARTS_H

#include "pattern/flat.h"

#define GROW(items, n, size)                                                                       \
	do {                                                                                       \
		if ((n) >= (size)) {                                                               \
			(size) = (size) == 0 ? 64 : 2 * (size);                                    \
			(items) = pb_realloc((items), (size) * sizeof(*(items)));                  \
		}                                                                                  \
	} while (0)

/* --- fingerprints (flat_tree.c) */

/* Up to 8 bytes, the first in the lowest place. */
static inline uint64_t
pb_flat_load(const char *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static inline uint64_t
pb_flat_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product =
	    (unsigned __int128)(a ^ PB_FLAT_MIX) * (b ^ UINT64_C(0xe7037ed1a0b428db));

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The bit of a key in a filter of 64. */
static inline unsigned
pb_flat_filter_bit(uint64_t print)
{
	return (unsigned)((print * PB_FLAT_MIX) >> 58);
}

/* --- the tree (flat_tree.c) */

/* The slot of an edge, or the empty one where it would be. */
struct pb_flat_edge *
pb_flat_edge(const struct pb_flat_tree *t, uint32_t parent, uint64_t print, struct pb_str key);

/* The child by a key, PB_FLAT_NONE when there is none. */
static inline uint32_t
pb_flat_child(const struct pb_flat_tree *t, uint32_t parent, uint64_t print, struct pb_str key)
{
	if ((t->nodes[parent].children >> pb_flat_filter_bit(print) & 1) == 0)
		return PB_FLAT_NONE;
	uint32_t child = pb_flat_edge(t, parent, print, key)->child;
	return child != 0 ? child : PB_FLAT_NONE;
}

/* The same for a key with dots, one part after the other. */
uint32_t pb_flat_dotted_child(const struct pb_flat_tree *t, uint32_t node, struct pb_str key);

/* --- keys (flat_keys.c) */

/* As it stands in the event. */
static inline struct pb_str
pb_flat_key_text(const struct pb_flat *f, const struct pb_flat_key *k)
{
	return (struct pb_str){f->event.ptr + k->at, k->len};
}

/*
 * Is the last of f->keys new in its object, also after unescaping?  To be asked where the filter says
 * that it may not be; false too when the event has too many keys made to collide.
 */
bool pb_flat_is_new_key(struct pb_flat *f, struct pb_flat_frame *fr);

/* --- room for texts (flat_text.c) */

/* Make *buf hold `need` bytes; what was in it is lost if it is too small. */
void pb_flat_reserve(char **buf, size_t *size, size_t need);

#endif
