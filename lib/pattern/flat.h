/*
 * The second pass: reads the operators that scan.h found, keeps the stack of objects and arrays,
 * and writes down the leaves of the paths somebody asks for.  Everything else is only validated.
 *
 * A path is the keys from the outside in, cut at their dots: "a.b" in one key is `a`, `b`.  Paths
 * make a tree; a node is a place in it, and each key of an event goes from a node to one of its
 * children or out of the tree.
 */
#ifndef PB_PATTERN_FLAT_H
#define PB_PATTERN_FLAT_H

#include "base/text.h"
#include "pattern/scan.h"
#include "pattern/shape.h"
#include "pattern/test.h"

#define PB_FLAT_EVENT_MAX (64U << 20) /* bytes of an event */
#define PB_FLAT_NONE UINT32_MAX

/*
 * Facts: what stands at the first paths of a tree beside values, PB_FLAT_FACT_BITS for each.  They are
 * known of an event that was read to its end.
 */
#define PB_FLAT_FACT_PATHS 20
#define PB_FLAT_FACT_BITS 3
enum pb_flat_fact {
	PB_FLAT_OBJECT = 1,
	PB_FLAT_ARRAY = 2,
	PB_FLAT_NESTED = 4, /* one of them in an element of an array */
};
#define PB_FLAT_DOTTED (UINT64_C(1) << 63) /* a key with dots led to one of them */

/* --- the tree of paths; immutable once built */

struct pb_flat_node {
	uint64_t children; /* Bloom filter of their keys */
	uint32_t path; /* of leaves here; PB_FLAT_NONE where nobody asks */
	bool has_grandchildren; /* a key with dots may lead somewhere */
};

/* From `parent` by a key to `child`. */
struct pb_flat_edge {
	uint64_t print; /* fingerprint of the key */
	uint32_t parent, child; /* child 0 = an empty slot */
	uint32_t key, key_len; /* in `keys` */
};

struct pb_flat_tree {
	uint64_t serial; /* no other tree of the program has it */
	struct pb_flat_node *nodes; /* the first is the event itself */
	uint32_t n_nodes, nodes_size, n_paths;
	struct pb_flat_edge *edges; /* open addressing */
	uint32_t n_edges;
	unsigned edge_bits;
	struct pb_buf keys;
};

void pb_flat_tree_init(struct pb_flat_tree *t);
void pb_flat_tree_fini(struct pb_flat_tree *t);
/* The number of a path, whose keys are joined by '.'; paths are numbered from 0. */
uint32_t pb_flat_tree_add(struct pb_flat_tree *t, struct pb_str path);
size_t pb_flat_tree_bytes(const struct pb_flat_tree *t);

/* --- what one event is read into; reused from event to event, it only grows */

enum pb_flat_type {
	PB_FLAT_TEXT,
	PB_FLAT_NUMBER,
	PB_FLAT_TRUE,
	PB_FLAT_FALSE,
	PB_FLAT_NULL,
};

struct pb_flat_leaf {
	const char *text; /* as it stands in the event; a text without its quotes */
	uint32_t len;
	uint32_t path;
	uint32_t next; /* leaf of the same path, in the order of the event; PB_FLAT_NONE = none */
	uint32_t members, n_members; /* in leaf_members: the elements around it, outermost first */
	uint8_t type; /* enum pb_flat_type */
	bool has_escapes; /* still: see pb_flat_text */
	bool has_number, has_folded;
	struct pb_number number; /* see pb_flat_number */
	const char *folded; /* see pb_flat_folded */
	uint32_t folded_len;
};

/* What a path found; valid where `event` is the event's. */
struct pb_flat_found {
	uint32_t event;
	uint32_t first, last;
	bool is_in_array; /* a leaf is inside an array element */
	bool is_outside; /* a leaf is not */
};

struct pb_flat_key {
	uint64_t print;
	uint32_t at, len; /* between its quotes */
};

struct pb_flat_frame {
	uint64_t seen; /* Bloom filter of the keys */
	uint32_t node;
	uint32_t keys; /* where its keys begin */
	uint32_t array, index; /* of an array */
	bool is_array, is_member; /* it is an array; it is an element of one */
};

struct pb_flat_set_entry {
	uint64_t print;
	uint32_t owner; /* the object, by a number no other has; old ones are free slots */
	uint32_t key;
};

struct pb_flat {
	struct pb_scan scan;
	struct pb_shapes *shapes; /* NULL until they are used */
	bool has_shapes; /* are they used? */
	struct pb_shape_hook hook;
	enum pb_scan_level level;
	struct pb_str event;
	uint32_t serial; /* of the event */
	struct pb_flat_leaf *leaves;
	uint32_t n_leaves, leaves_size;
	struct pb_flat_found *found;
	uint32_t found_size, n_found; /* n_found: paths with a leaf */
	struct pb_flat_member *members;
	uint32_t n_members, members_size;
	const struct pb_flat_member *leaf_members; /* those, or a shape's */
	struct pb_flat_member around[64];
	uint32_t n_around, around_kept; /* members[around_kept..) are those around, if not NONE */
	struct pb_flat_frame frames[64];
	struct pb_flat_key *keys;
	uint32_t n_keys, keys_size;
	/* Keys of objects that have many. */
	struct pb_flat_set_entry *set;
	uint32_t set_size, n_set, owner, first_owner;
	uint32_t n_doubts; /* different keys of one fingerprint */
	/* Where escapes are taken out, and case is folded; each holds what one event can need. */
	char *plain, *folded, *key_text;
	size_t plain_size, folded_size, key_size, n_plain, n_folded;
	uint32_t n_arrays;
	uint64_t facts;
	bool
	    is_mixed; /* an array has values behind nested ones: leaves are not in canonical order */
};

struct pb_flat *pb_flat_new(void);
void pb_flat_free(struct pb_flat *f); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_flat, pb_flat_free)

/*
 * Read an event, which is borrowed until the next call.  -1 when it is malformed or too large; then
 * what was found is not to be used.  stop_early: as soon as each path has a leaf, without looking
 * at the rest of the event, which may be malformed.
 */
int
pb_flat_read(struct pb_flat *f, const struct pb_flat_tree *t, struct pb_str event, bool stop_early);

/* Bits of enum pb_flat_fact, of a path that is one of the first. */
static inline unsigned
pb_flat_facts(const struct pb_flat *f, uint32_t path)
{
	return f->facts >> (PB_FLAT_FACT_BITS * path) & ((1U << PB_FLAT_FACT_BITS) - 1);
}

static inline uint32_t
pb_flat_first(const struct pb_flat *f, uint32_t path)
{
	return f->found[path].event == f->serial ? f->found[path].first : PB_FLAT_NONE;
}

/* Take escapes, which are valid, out of s; `out` holds s.len.  Returns the length. */
size_t pb_flat_unescape(char *out, struct pb_str s);
/* The text of a leaf, unescaped; of a number or literal, as it stands. */
struct pb_str pb_flat_text(struct pb_flat *f, struct pb_flat_leaf *l);
struct pb_str pb_flat_folded(struct pb_flat *f, struct pb_flat_leaf *l);
/* The value of a number; its digits are the leaf's text. */
struct pb_number pb_flat_number(struct pb_flat_leaf *l);

uint64_t pb_flat_print(const char *s, size_t len);
/* A hash of any text. */
uint64_t pb_flat_hash(const char *s, size_t len, uint64_t seed);
#define PB_FLAT_MIX UINT64_C(0x9e3779b97f4a7c15)

#endif
