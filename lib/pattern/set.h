/*
 * A set of compiled patterns, as pb_match wants it.
 *
 *   rule        a pattern, known by its id
 *   branch      one combination of its fields; each of its conditions must hold
 *   condition   a path and the tests one of whose values must pass; rules share equal ones
 *   anchor      the condition of a branch that is least likely to hold.  Only anchors are looked up
 *               by value; what an event leaves out costs nothing, whatever the number of rules.
 *               The other conditions of a branch are judged when its anchor holds, once an event.
 *   key         what a test of an anchor is looked up by: a hash of path, kind and text
 *
 * All is in flat arrays, linked by places in them.
 *
 * In a set too large for the caches, a value and the rule that it finds cost two waits for memory,
 * one after the other: for the slot, then for the text of the key and the anchor.  Both are asked for
 * while the rest of the event is read (matcher.c).
 */
#ifndef PB_PATTERN_SET_H
#define PB_PATTERN_SET_H

#include "pattern/flat.h"
#include "pattern/internal.h"

enum pb_key_kind {
	PB_KEY_TEXT,
	PB_KEY_FOLDED,
	PB_KEY_PREFIX,
	PB_KEY_PREFIX_FOLDED,
	PB_KEY_SUFFIX,
	PB_KEY_SUFFIX_FOLDED,
	PB_KEY_NUMBER, /* see pb_number_key */
	PB_KEY_LITERAL, /* its first letter */
	/* Up to 4 bytes that a wildcard wants somewhere, or at the start: only candidates. */
	PB_KEY_GRAM,
	PB_KEY_START,
	PB_KEY_KIND_MAX,
};

#define PB_SET_NONE UINT32_MAX
#define PB_SET_GRAM_MAX 4

/* One test; the fields mean, by op: text (from, len), place in numbers, ranges, cidrs, wildcards
 * (from), tests of an anything-but (from, n). */
struct pb_set_test {
	uint32_t op; /* enum pb_test_op */
	uint32_t from, n;
};

struct pb_set_condition {
	uint32_t path;
	uint32_t tests, n_tests;
	uint32_t n_branches; /* that have it */
	uint32_t anchored; /* in anchored[], if it is an anchor; else PB_SET_NONE */
	bool may_be_absent, may_be_present;
};

/* While building. */
struct pb_set_branch {
	uint32_t rule;
	uint32_t conditions; /* in branch_conditions[], its end is the next one's */
};

/* A key, in open addressing; its path is that of the anchors it leads to. */
struct pb_set_slot {
	uint32_t hits; /* 0 = the slot is empty; see pb_set_next_hit */
	uint32_t tag; /* other bits of the hash */
	uint32_t text;
	uint32_t len : 28, kind : 4; /* a text is no longer than a pattern */
};
_Static_assert(
    sizeof(struct pb_set_slot) == 16 && PB_KEY_KIND_MAX <= 16, "a slot is in one cache line");

/* Anchors that share a key. */
struct pb_set_hit {
	uint32_t anchor; /* in anchored[] */
	uint32_t next; /* 0 = the end */
};
#define PB_SET_HIT_LIST (UINT32_C(1) << 31)

/* See pb_matcher.anchored. */
#define PB_SET_ANCHOR_WORDS 3
#define PB_SET_BRANCH_WORDS 2
#define PB_SET_SIMPLE (UINT32_C(1) << 31)

/* A list of numbers: lengths, or conditions. */
struct pb_set_list {
	uint32_t *items;
	uint32_t n, size;
};

/* How the values of one path are looked up. */
struct pb_set_path {
	uint32_t kinds; /* bits of enum pb_key_kind */
	uint32_t total; /* branches that have a condition here */
	struct pb_set_list
	    lengths[4]; /* of PREFIX, PREFIX_FOLDED, SUFFIX, SUFFIX_FOLDED; ascending */
	struct pb_set_list each; /* conditions judged on each value */
	uint32_t grams[PB_SET_GRAM_MAX + 1]; /* how many of each size */
	uint32_t starts[PB_SET_GRAM_MAX + 1];
	uint64_t *gram_filter;
	unsigned gram_bits; /* the filter has 2 to this power bits */
};

struct pb_set_wildcard {
	uint32_t pieces, n_pieces; /* in pieces[] */
};

struct pb_set_piece {
	uint32_t text, len;
};

struct pb_matcher {
	uint32_t magic;
	struct pb_flat_tree tree;
	size_t n_rules;
	struct pb_set_path *paths;
	size_t n_paths;
	struct pb_set_condition *conditions; /* one more than there are, to end the lists */
	size_t n_conditions, conditions_size;
	struct pb_set_test *tests;
	size_t n_tests, tests_size;
	struct pb_set_branch *branches; /* one more than there are */
	size_t n_branches, branches_size;
	uint32_t *branch_conditions;
	size_t n_branch_conditions, branch_conditions_size;
	/*
	 * Each anchor: its condition, with PB_SET_SIMPLE where that has one test, how many words of
	 * branches follow, and its path.  Each branch: its rule, how many conditions it has, and
	 * these.
	 */
	uint32_t *anchored;
	size_t n_anchored;
	struct pb_set_list absent; /* anchors that may hold where their path has no leaf */
	struct pb_buf texts;
	struct pb_number *numbers;
	size_t n_numbers, numbers_size;
	struct pb_range *ranges;
	size_t n_ranges, ranges_size;
	struct pb_cidr *cidrs;
	size_t n_cidrs, cidrs_size;
	struct pb_set_wildcard *wildcards;
	size_t n_wildcards, wildcards_size;
	struct pb_set_piece *pieces;
	size_t n_pieces, pieces_size;
	struct pb_set_slot *slots;
	size_t n_slots; /* in use */
	unsigned slot_bits;
	struct pb_set_hit *hits;
	size_t n_hits, hits_size;
	bool stops_early;
	char *pack; /* what holds the arrays of a large set; see set.c */
	size_t pack_waste; /* bytes of it */
};
#define PB_MATCHER_MAGIC 0x6d617463u

/* Leave the first n numbers and ranges. */
void pb_set_cut_numbers(struct pb_matcher *m, size_t n_numbers, size_t n_ranges);
/* Put the arrays of a finished set where they are looked up fastest. */
void pb_set_pack(struct pb_matcher *m);

static inline struct pb_str
pb_set_text(const struct pb_matcher *m, uint32_t from, uint32_t len)
{
	return (struct pb_str){m->texts.ptr + from, len};
}

static inline uint64_t
pb_set_hash(uint32_t path, enum pb_key_kind kind, struct pb_str text)
{
	uint64_t seed = ((uint64_t)path * PB_KEY_KIND_MAX + kind) * PB_FLAT_MIX;

	return pb_flat_hash(text.ptr, text.len, seed);
}

/* An anchor from pb_set_slot.hits, or what is left of it, which must not be 0. */
static inline uint32_t
pb_set_next_hit(const struct pb_matcher *m, uint32_t *hits)
{
	uint32_t anchor = *hits - 1;

	if ((*hits & PB_SET_HIT_LIST) != 0) {
		const struct pb_set_hit *h = &m->hits[*hits & ~PB_SET_HIT_LIST];
		anchor = h->anchor;
		*hits = h->next;
	} else {
		*hits = 0;
	}
	return anchor;
}

static inline uint32_t
pb_set_slot_path(const struct pb_matcher *m, const struct pb_set_slot *slot)
{
	uint32_t hits = slot->hits;

	return m->anchored[pb_set_next_hit(m, &hits) + 2];
}

/* The slot of a key, or the empty one where it would be. */
static inline struct pb_set_slot *
pb_set_find(const struct pb_matcher *m, uint32_t path, enum pb_key_kind kind, struct pb_str text)
{
	uint64_t h = pb_set_hash(path, kind, text);
	size_t mask = ((size_t)1 << m->slot_bits) - 1;

	for (size_t i = h & mask;; i = (i + 1) & mask) {
		struct pb_set_slot *s = &m->slots[i];
		if (s->hits == 0)
			return s;
		if (s->tag != (uint32_t)(h >> 32) || s->len != text.len || s->kind != kind)
			continue;
		if ((s->hits & PB_SET_HIT_LIST) == 0)
			__builtin_prefetch(&m->anchored[s->hits - 1]);
		if (memcmp(m->texts.ptr + s->text, text.ptr, text.len) == 0 &&
		    pb_set_slot_path(m, s) == path)
			return s;
	}
}

/* The place of a gram in a path's filter. */
static inline size_t
pb_set_gram_bit(uint32_t gram, unsigned size, unsigned bits)
{
	return (size_t)((gram + (uint64_t)size * 0x5bd1e995) * PB_FLAT_MIX >> (64 - bits));
}

#endif
