/*
 * The paths that somebody asks for, as a tree of their keys: an edge goes from a node by a key to
 * another, and all edges are in one hash table.
 */
#include "pattern/flat_parts.h"

#include <stdlib.h>

uint64_t
pb_flat_hash(const char *s, size_t len, uint64_t seed)
{
	if (len < 8)
		return pb_flat_mix(pb_flat_load(s, len) ^ seed, len);
	uint64_t h = seed ^ len;
	for (size_t i = 0; i + 16 < len; i += 16)
		h = pb_flat_mix(pb_flat_load(s + i, 8) ^ h, pb_flat_load(s + i + 8, 8));
	if (len >= 16)
		return pb_flat_mix(pb_flat_load(s + len - 16, 8) ^ h, pb_flat_load(s + len - 8, 8));
	return pb_flat_mix(pb_flat_load(s, 8) ^ h, pb_flat_load(s + len - 8, 8));
}

/* A key of at most 8 bytes is its own fingerprint, since no key has a NUL. */
uint64_t
pb_flat_print(const char *s, size_t len)
{
	return len <= 8 ? pb_flat_load(s, len) : pb_flat_hash(s, len, 0);
}

void
pb_flat_tree_init(struct pb_flat_tree *t)
{
	static _Atomic uint64_t serial;

	*t = (struct pb_flat_tree){
	    .serial = ++serial, .n_nodes = 1, .nodes_size = 1, .edge_bits = 4};
	t->nodes = pb_calloc(1, sizeof(*t->nodes));
	t->nodes[0].path = PB_FLAT_NONE;
	t->edges = pb_calloc((size_t)1 << t->edge_bits, sizeof(*t->edges));
}

void
pb_flat_tree_fini(struct pb_flat_tree *t)
{
	free(t->nodes);
	free(t->edges);
	pb_buf_fini(&t->keys);
}

size_t
pb_flat_tree_bytes(const struct pb_flat_tree *t)
{
	return t->nodes_size * sizeof(*t->nodes) + ((size_t)1 << t->edge_bits) * sizeof(*t->edges) +
	    t->keys.size;
}

static inline size_t
edge_slot(const struct pb_flat_tree *t, uint32_t parent, uint64_t print)
{
	return (size_t)(((print ^ ((uint64_t)parent << 40)) * PB_FLAT_MIX ^ parent) *
		UINT64_C(0xe7037ed1a0b428db) >>
	    (64 - t->edge_bits));
}

struct pb_flat_edge *
pb_flat_edge(const struct pb_flat_tree *t, uint32_t parent, uint64_t print, struct pb_str key)
{
	size_t mask = ((size_t)1 << t->edge_bits) - 1;

	for (size_t i = edge_slot(t, parent, print);; i++) {
		struct pb_flat_edge *e = &t->edges[i & mask];
		if (e->child == 0)
			return e;
		if (e->print == print && e->parent == parent && e->key_len == key.len &&
		    (key.len <= 8 || memcmp(t->keys.ptr + e->key, key.ptr, key.len) == 0))
			return e;
	}
}

static void
grow_edges(struct pb_flat_tree *t)
{
	struct pb_flat_edge *old = t->edges;
	size_t n = (size_t)1 << t->edge_bits;

	t->edge_bits++;
	t->edges = pb_calloc(2 * n, sizeof(*t->edges));
	for (size_t i = 0; i < n; i++)
		if (old[i].child != 0)
			*pb_flat_edge(t, old[i].parent, old[i].print,
			    (struct pb_str){t->keys.ptr + old[i].key, old[i].key_len}) = old[i];
	free(old);
}

static uint32_t
add_child(struct pb_flat_tree *t, uint32_t parent, struct pb_str key)
{
	uint64_t print = pb_flat_print(key.ptr, key.len);
	struct pb_flat_edge *e = pb_flat_edge(t, parent, print, key);

	if (e->child != 0)
		return e->child;
	if (2 * (t->n_edges + 1) > (size_t)1 << t->edge_bits) {
		grow_edges(t);
		e = pb_flat_edge(t, parent, print, key);
	}
	t->n_edges++;
	GROW(t->nodes, t->n_nodes, t->nodes_size);
	t->nodes[t->n_nodes] = (struct pb_flat_node){.path = PB_FLAT_NONE};
	*e = (struct pb_flat_edge){
	    print, parent, t->n_nodes, (uint32_t)t->keys.len, (uint32_t)key.len};
	(void)pb_buf_add(&t->keys, key.ptr, key.len);
	t->nodes[parent].children |= UINT64_C(1) << pb_flat_filter_bit(print);
	return t->n_nodes++;
}

uint32_t
pb_flat_tree_add(struct pb_flat_tree *t, struct pb_str path)
{
	uint32_t node = 0;

	for (;;) {
		const char *dot = memchr(path.ptr, '.', path.len);
		size_t len = dot == NULL ? path.len : (size_t)(dot - path.ptr);
		uint32_t parent = node;
		node = add_child(t, parent, (struct pb_str){path.ptr, len});
		if (dot == NULL)
			break;
		t->nodes[parent].has_grandchildren = true;
		path.ptr += len + 1;
		path.len -= len + 1;
	}
	if (t->nodes[node].path == PB_FLAT_NONE)
		t->nodes[node].path = t->n_paths++;
	return t->nodes[node].path;
}

uint32_t
pb_flat_dotted_child(const struct pb_flat_tree *t, uint32_t node, struct pb_str key)
{
	for (;;) {
		const char *dot = memchr(key.ptr, '.', key.len);
		struct pb_str part = {key.ptr, dot == NULL ? key.len : (size_t)(dot - key.ptr)};
		node = pb_flat_child(t, node, pb_flat_print(part.ptr, part.len), part);
		if (dot == NULL || node == PB_FLAT_NONE)
			return node;
		key.ptr += part.len + 1;
		key.len -= part.len + 1;
	}
}
