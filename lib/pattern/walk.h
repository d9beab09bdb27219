/*
 * Finding the values of a field in an event, and with each the array elements it stands in.
 */
#ifndef PB_PATTERN_WALK_H
#define PB_PATTERN_WALK_H

#include "pattern/internal.h"

/* One array element around a value.  `place` tells arrays apart that share one json_t. */
struct pb_member {
	const json_t *array;
	uint64_t place;
	size_t index;
};

/* A value that is no object or array, with members[first..first+n) around it, outermost first. */
struct pb_leaf {
	const json_t *value;
	size_t first, n;
};

/* Consecutive leaves. */
struct pb_leaves {
	size_t first, n;
};

/* What one field found in one event. */
struct pb_found {
	bool is_done;
	bool saw_structure; /* an object or an empty array stands at the path */
	struct pb_leaves
	    all; /* in document order, direct elements of an array before nested ones */
	struct pb_leaves matching; /* those of `all` that pass a test */
};

#define PB_WALK_ROOMS 40
struct pb_walk {
	const struct pb_pattern *pattern;
	const json_t *event;
	struct pb_found *found; /* one for each field of the pattern */
	struct pb_leaf *leaves;
	size_t n_leaves, leaves_size;
	struct pb_member *members;
	size_t n_members, members_size;
	struct pb_member *around; /* the elements around the place at hand */
	size_t n_around, around_size;
	unsigned tries; /* see PB_PATTERN_TRIES_MAX */
	/* join.c's: chunks of memory, the one in use and how far. */
	char *rooms[PB_WALK_ROOMS];
	size_t room_sizes[PB_WALK_ROOMS];
	size_t n_rooms, room_chunk, room_used;
};

void pb_walk_init(struct pb_walk *w, const struct pb_pattern *p, const json_t *event);
void pb_walk_fini(struct pb_walk *w);
/* What field `i` of the pattern finds; looked for once.  Valid until the next call. */
const struct pb_found *pb_walk_find(struct pb_walk *w, size_t i);

/* One field of a branch, for joining. */
struct pb_join_field {
	bool may_be_absent, may_be_present;
	struct pb_leaves all, matching;
};
/* Can all hold together?  Of the walk only leaves, members and tries are used. */
bool pb_join_fields_hold(struct pb_walk *w, const struct pb_join_field *fields, size_t n);

/* Can all fields of the branch, each of which holds by itself, hold together? (join.c) */
bool pb_join_holds(struct pb_walk *w, const struct pb_branch *b);

/* Could the field, which was looked for, hold if it were alone? (match.c) */
bool pb_walk_field_holds(const struct pb_walk *w, uint32_t i);
/* One line: what the field is in the event, and what was wanted. */
void pb_walk_tell_field(const struct pb_walk *w, uint32_t i, struct pb_buf *why);
/* The same of a branch whose fields hold alone and not together: those that stand in arrays. */
void pb_walk_tell_join(const struct pb_walk *w, const struct pb_branch *b, struct pb_buf *why);

#endif
