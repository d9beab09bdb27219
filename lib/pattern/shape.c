/*
 * Shapes of events: reading by them, and learning them.
 */
#include "pattern/shape.h"

#include <stdlib.h>

#include "base/check.h"

#define TEXTS_SIZE (64U << 10)
#define MEMBERS_MAX (3 * PB_SHAPE_STEPS_MAX)
#define TRIES_MAX 16 /* steps that may stand at one place */
/* Of so many events one in so many must have had a known shape, or there is a pause for so many. */
#define TRIAL 1024
#define TRIAL_HITS (TRIAL / 8)
#define PAUSE (16 * TRIAL)
/* When nothing more can be learned, fewer than so many mean that events are others by now. */
#define FULL_HITS (TRIAL / 4 * 3)

static void
forget(struct pb_shapes *s)
{
	s->steps[0] = (struct pb_shape_step){.child = 0};
	s->n_steps = 1;
	s->n_texts = s->n_kept = 0;
	s->is_full = s->is_clogged = false;
}

struct pb_shapes *
pb_shapes_new(void)
{
	struct pb_shapes *s = pb_calloc(1, sizeof(*s));

	s->steps = aligned_alloc(64, PB_SHAPE_STEPS_MAX * sizeof(*s->steps));
	pb_check(s->steps != NULL);
	s->texts = pb_malloc(TEXTS_SIZE);
	s->kept = pb_calloc(MEMBERS_MAX, sizeof(*s->kept));
	forget(s);
	return s;
}

void
pb_shapes_free(struct pb_shapes *s)
{
	if (s == NULL)
		return;
	free(s->steps);
	free(s->texts);
	free(s->kept);
	free(s);
}

/* --- reading */

/* Is it worth while to look for shapes?  Asked once an event. */
static bool
is_worth(struct pb_shapes *s)
{
	if (s->pause > 0) {
		s->pause--;
		return false;
	}
	if (++s->n_found == TRIAL) {
		if (s->n_hits < TRIAL_HITS)
			s->pause = PAUSE;
		if ((s->is_full || s->is_clogged) && s->n_hits < FULL_HITS)
			forget(s);
		s->n_found = s->n_hits = 0;
	}
	return true;
}

bool
pb_shapes_read(struct pb_shapes *s, enum pb_scan_level level, uint64_t reader, struct pb_str event,
    uint32_t n_paths)
{
	s->is_looking = is_worth(s);
	if (!s->is_looking)
		return false;
	if (s->reader != reader) {
		forget(s);
		s->reader = reader;
	}
	s->event = event;
	s->n_paths = n_paths;
	s->n_values = 0;
	s->facts = 0;
	if (!pb_shape_walk(s, level))
		return false;
	s->n_hits++;
	s->n_read++;
	return true;
}

/* --- learning */

bool
pb_shapes_begin(struct pb_shapes *s)
{
	s->n_values = 0;
	return s->is_looking && !s->is_full;
}

void
pb_shapes_add(struct pb_shapes *s, const struct pb_shape_value *value)
{
	if (s->n_values < PB_SHAPE_VALUES_MAX)
		s->values[s->n_values] = *value;
	s->n_values++; /* beyond the maximum: too many */
}

static bool
is_gap(const struct pb_shapes *s, const struct pb_shape_step *step, struct pb_str gap, bool is_last)
{
	size_t head = gap.len < PB_SHAPE_HEAD ? gap.len : PB_SHAPE_HEAD;

	return step->len == gap.len && step->is_last == is_last &&
	    memcmp(step->head, gap.ptr, head) == 0 &&
	    memcmp(s->texts + step->rest, gap.ptr + head, gap.len - head) == 0;
}

/* Fill the next free step in; false when there is no room. */
static bool
make_step(struct pb_shapes *s, struct pb_str gap, const struct pb_shape_value *v,
    const struct pb_flat_member *members)
{
	struct pb_shape_step *step = &s->steps[s->n_steps];
	size_t head = gap.len < PB_SHAPE_HEAD ? gap.len : PB_SHAPE_HEAD, rest = gap.len - head;
	uint32_t n_members = v != NULL && v->path != PB_SHAPE_NONE ? v->n_members : 0;

	if (s->n_steps == PB_SHAPE_STEPS_MAX || rest > TEXTS_SIZE - s->n_texts ||
	    n_members > MEMBERS_MAX - s->n_kept)
		return false;
	*step = (struct pb_shape_step){
	    .head_mask = head == PB_SHAPE_HEAD ? UINT32_MAX : (UINT32_C(1) << head) - 1,
	    .len = (uint32_t)gap.len,
	    .rest = s->n_texts,
	    .path = v != NULL ? v->path : PB_SHAPE_NONE,
	    .members = s->n_kept,
	    .n_members = (uint8_t)n_members,
	    .is_mixing = v != NULL && v->is_mixing,
	    .is_first = v != NULL && v->is_first,
	    .is_last = v == NULL,
	    .is_odd = v == NULL || v->path != PB_SHAPE_NONE || rest > 0,
	};
	memcpy(step->head, gap.ptr, head);
	memcpy(s->texts + s->n_texts, gap.ptr + head, rest);
	s->n_texts += (uint32_t)rest;
	if (n_members > 0)
		memcpy(s->kept + s->n_kept, members + v->members, n_members * sizeof(*members));
	s->n_kept += n_members;
	s->n_steps++;
	return true;
}

/* The step from `at` by a gap, a new one if there is none; 0 when there is no room. */
static uint32_t
take_step(struct pb_shapes *s, uint32_t at, struct pb_str gap, const struct pb_shape_value *v,
    const struct pb_flat_member *members)
{
	uint32_t *link = &pb_shape_step(s->steps, at)->child;
	unsigned n = 0;

	for (; *link != 0; link = &pb_shape_step(s->steps, *link)->next) {
		if (is_gap(s, pb_shape_step(s->steps, *link), gap, v == NULL))
			return *link;
		if (++n == TRIES_MAX) {
			s->is_clogged = true;
			return 0;
		}
	}
	if (!make_step(s, gap, v, members)) {
		s->is_full = true;
		return 0;
	}
	return *link = (s->n_steps - 1) * (uint32_t)sizeof(*s->steps);
}

void
pb_shapes_keep(struct pb_shapes *s, const struct pb_flat_member *members, uint64_t facts)
{
	uint32_t step = 0, at = 0;

	if (s->n_values > PB_SHAPE_VALUES_MAX)
		return;
	for (uint32_t i = 0; i <= s->n_values; i++) {
		const struct pb_shape_value *v = i < s->n_values ? &s->values[i] : NULL;
		uint32_t to = v != NULL ? v->from : (uint32_t)s->event.len;
		struct pb_str gap = {s->event.ptr + at, to - at};
		step = take_step(s, step, gap, v, members);
		if (step == 0 || v == NULL)
			break;
		at = v->to;
	}
	if (step != 0) {
		struct pb_shape_step *last = pb_shape_step(s->steps, step);
		last->path = (uint32_t)facts;
		last->members = (uint32_t)(facts >> 32);
	}
	s->n_values = 0;
}
