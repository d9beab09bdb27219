/*
 * What the files that fill a matcher share: build.c takes in compiled patterns, build_text.c plain ones
 * from their text, finish.c makes of them what is looked up.  A caller needs pattern.h only.
 */
#ifndef PB_PATTERN_BUILD_H
#define PB_PATTERN_BUILD_H

#include "pattern/set.h"

#define GROW(items, n, size)                                                                       \
	do {                                                                                       \
		if ((n) >= (size)) {                                                               \
			(size) = (size) == 0 ? 16 : (size) + (size) / 2;                           \
			(items) = pb_realloc((items), (size) * sizeof(*(items)));                  \
		}                                                                                  \
	} while (0)

/* A condition that is in the set; its hash tells most others from it without looking at them. */
struct pb_known_condition {
	uint32_t at; /* 1 + its place, 0 = the slot is empty */
	uint32_t hash;
};

struct pb_matcher_builder {
	struct pb_matcher *m;
	struct pb_known_condition *known; /* open addressing */
	unsigned known_bits;
};

/* Fails when the matcher is full: places are 32 bits. */
int pb_builder_check_room(const struct pb_matcher_builder *b, struct pb_error *err);
/* Keep a text of the matcher's; returns its place. */
uint32_t pb_builder_add_text(struct pb_matcher *m, const char *s, size_t len);
/* The condition that a field is, an equal one if there is. */
uint32_t pb_builder_add_condition(struct pb_matcher_builder *b, const struct pb_field *f);
/* A branch of the rule at hand: fields[] of it are places in conditions[]. */
void pb_builder_add_branch(
    struct pb_matcher_builder *b, const struct pb_branch *br, const uint32_t *conditions);
void pb_builder_end_rule(struct pb_matcher_builder *b);

#endif
