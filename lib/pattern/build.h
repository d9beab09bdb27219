/*
 * What the files that fill a matcher share.
 */
#ifndef PB_PATTERN_BUILD_H
#define PB_PATTERN_BUILD_H

#include "pattern/set.h"

struct pb_matcher_builder {
	struct pb_matcher *m;
	uint32_t *known; /* open addressing over conditions: 1 + place */
	unsigned known_bits;
};

/* Fails when the matcher is full: places are 32 bits. */
int pb_builder_check_room(const struct pb_matcher_builder *b, struct pb_error *err);
/* The condition that a field is, an equal one if there is. */
uint32_t pb_builder_add_condition(struct pb_matcher_builder *b, const struct pb_field *f);
/* A branch of the rule at hand: fields[] of it are places in conditions[]. */
void pb_builder_add_branch(
    struct pb_matcher_builder *b, const struct pb_branch *br, const uint32_t *conditions);
void pb_builder_end_rule(struct pb_matcher_builder *b);

#endif
