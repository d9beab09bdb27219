/*
 * Shapes: events that are built alike are read without parsing them.
 *
 * Events come from few senders, and each builds its own alike: the same brackets, keys and blanks,
 * and between them other texts, numbers and literals.  Those are the values; what is between two of
 * them, before the first and behind the last, is a gap, and the gaps of an event are its shape.
 *
 *     {"source":    "aws.cloudwatch"    ,"detail":{"n":[    1    ,    2    ]}}
 *     gap           value               gap                 value gap value gap
 *
 * Where a well-formed event has the gaps of another, byte for byte, and between them values each of
 * which is valid, it is well-formed as well: any value may stand where another does.  It has the
 * same keys in the same objects, so that none is there twice, and the same paths lead to its values.
 * All of that was found out by the reader (flat.c) when it read the other one.  So what is left to do
 * is to compare gaps and to validate values, all of them, which takes a fraction of the time.
 *
 * A value that nobody asks for and that is the same in all events, a version, an account, is as good as
 * a part of its gap.  So every now and then an event is read in full, although its shape is known, to
 * look at its values; where one was the same many times in a row, a step is made whose gap has it
 * inside.  Such steps are tried first.
 *
 * Shapes make a tree, so that events with lists of different lengths share what they have in common.
 * A step is a gap and the value behind it, or the last gap of an event; the steps that may follow
 * are its children.  The room for steps is fixed; when it is full and too many
 * events have other shapes, all is forgotten.  Where few events have a shape that is known, none is
 * looked for during a while: events that are never alike cost little more than without.
 */
#ifndef PB_PATTERN_SHAPE_H
#define PB_PATTERN_SHAPE_H

#include "base/text.h"
#include "pattern/scan.h"

#define PB_SHAPE_STEPS_MAX 4096
#define PB_SHAPE_VALUES_MAX 4096 /* of an event that has a shape */
#define PB_SHAPE_HEAD 32 /* bytes of a gap that are in its step */

/* One array element around a leaf. */
struct pb_flat_member {
	uint32_t array, index;
};

/* A value that somebody asks for, or, when learning, any. */
struct pb_shape_value {
	uint32_t from, to; /* with its quotes */
	uint32_t path; /* PB_SHAPE_NONE = nobody asks for it */
	uint32_t members, n_members;
	bool is_mixing; /* it stands in an array that has nested ones before it */
	bool is_first; /* of its path */
	bool has_escapes;
};
#define PB_SHAPE_NONE UINT32_MAX

/*
 * Told of each text that somebody asks for, without its quotes and without escapes in it, as soon as
 * it was found: what it leads to in memory can be fetched while the rest of the event is read.  The
 * event may still prove malformed.
 */
struct pb_shape_hook {
	void (*see)(void *arg, uint32_t path, struct pb_str text); /* NULL = nobody is told */
	void *arg;
};

struct pb_shape_step {
	unsigned char head[PB_SHAPE_HEAD]; /* of the gap */
	uint32_t head_mask; /* a bit for each byte of it */
	uint32_t len; /* of the gap */
	uint32_t rest; /* in texts: what does not fit in head */
	uint32_t next; /* another step that may stand here; see pb_shape_step; 0 = none */
	uint32_t child; /* 0 = none */
	uint32_t path; /* of the value; is_last: the facts, low bits */
	uint32_t members; /* is_last: the facts, high bits */
	uint8_t n_members; /* objects and arrays nest no deeper */
	bool is_odd; /* is_last, or the value has a path, or the gap is longer than its head */
	bool is_mixing : 1, is_first : 1, is_last : 1;
};
_Static_assert(sizeof(struct pb_shape_step) == 64, "a step is a cache line");

/* A step, by how many bytes it is behind the first: what `next` and `child` tell. */
static inline struct pb_shape_step *
pb_shape_step(const struct pb_shape_step *first, uint32_t at)
{
	return (struct pb_shape_step *)((uintptr_t)first + at);
}

/* What was seen of the value of a step when events were read in full. */
struct pb_shape_study {
	uint32_t print; /* of its text the last time */
	uint32_t n_same; /* how often in a row it was that */
};

/* The steps of an event that is learned. */
struct pb_shape_trail {
	uint32_t step; /* as `child` tells it */
	uint32_t value; /* in values[] */
};

struct pb_shapes {
	/* What the last event that was read has. */
	struct pb_shape_value values[PB_SHAPE_VALUES_MAX];
	uint32_t n_values;
	uint64_t facts; /* what its reader said of it, if it was read to its end */
	struct pb_shape_hook hook; /* while reading by a shape */
	/* The rest is for shape.c. */
	uint64_t reader;
	uint32_t n_paths; /* stop when as many have a value; 0 = read all */
	struct pb_str event;
	struct pb_shape_step *steps; /* the first stands before the first gap */
	uint32_t n_steps;
	struct pb_flat_member *kept; /* members that the values of steps speak of */
	uint32_t n_kept;
	unsigned char *texts; /* long gaps */
	uint32_t n_texts;
	bool is_full; /* no step can be learned */
	bool is_clogged; /* at some place */
	bool is_looking; /* at this event */
	uint64_t n_read; /* events ever */
	uint64_t study_at; /* when so many were read, the next is read in full */
	struct pb_shape_study *studies; /* by step */
	struct pb_shape_trail *trail; /* PB_SHAPE_VALUES_MAX + 1 */
	uint32_t n_found, n_hits; /* of this trial */
	uint32_t pause;
};

struct pb_shapes *pb_shapes_new(void);
void pb_shapes_free(struct pb_shapes *s); /* NULL is nothing */

/*
 * Read an event of a known shape: its values that are asked for are then in `values`, in its order.
 * False when it has none, or is malformed.  `reader` stands for what is asked of events: what was
 * learned for another is forgotten.  `n_paths` is how many paths with a value are enough, the rest of
 * the event not being looked at; 0 = read all of it.
 */
bool pb_shapes_read(struct pb_shapes *s, enum pb_scan_level level, uint64_t reader,
    struct pb_str event, uint32_t n_paths);

/*
 * After pb_shapes_read said no: is the shape to be learned?  If so, add each value of the event, in
 * its order, asked for or not; and when it was found to be well-formed, keep it.  members[] are those
 * that the values speak of; `facts` is what else there is to say of all events of this shape.
 */
bool pb_shapes_begin(struct pb_shapes *s);
void pb_shapes_add(struct pb_shapes *s, const struct pb_shape_value *value);
void pb_shapes_keep(struct pb_shapes *s, const struct pb_flat_member *members, uint64_t facts);

/* Follow the steps through the event: shape_walk.c's part of pb_shapes_read. */
bool pb_shape_walk(struct pb_shapes *s, enum pb_scan_level level);

#endif
