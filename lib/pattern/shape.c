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
/* One in so many events is read in full to study its values: at first, and after so many. */
#define STUDY_FIRST 32
#define STUDY_SOON 4096
#define STUDY_LATER 512
#define FIXED_AFTER 48 /* a value that was the same so often is a part of its gap */
#define FIXED_GAP_MAX PB_SHAPE_HEAD /* bytes of a gap with values inside */

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
	s->studies = pb_calloc(PB_SHAPE_STEPS_MAX, sizeof(*s->studies));
	s->trail = pb_calloc(PB_SHAPE_VALUES_MAX + 1, sizeof(*s->trail));
	s->study_at = STUDY_FIRST;
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
	free(s->studies);
	free(s->trail);
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

/* Is this event to be read in full? */
static bool
is_to_study(struct pb_shapes *s)
{
	if (s->is_full || s->n_read < s->study_at)
		return false;
	s->study_at = s->n_read + (s->n_read < STUDY_SOON ? STUDY_FIRST : STUDY_LATER);
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
	if (is_to_study(s)) {
		s->n_hits++; /* it may well have a shape */
		return false;
	}
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

/*
 * Which value of the event, from the one at `i` on, stands behind the gap of a step at `from`: n_values
 * at the end of the event, PB_SHAPE_NONE where another gap stands.  Values may be inside the gap.
 */
static uint32_t
value_behind(const struct pb_shapes *s, const struct pb_shape_step *step, size_t from, uint32_t i)
{
	const char *at = s->event.ptr + from;
	size_t left = s->event.len - from, len = step->len;
	size_t head = len < PB_SHAPE_HEAD ? len : PB_SHAPE_HEAD;

	if (len > left || step->is_last != (len == left) || memcmp(step->head, at, head) != 0 ||
	    memcmp(s->texts + step->rest, at + head, len - head) != 0)
		return PB_SHAPE_NONE;
	while (i < s->n_values && s->values[i].from < from + len)
		i++;
	return step->is_last || (i < s->n_values && s->values[i].from == from + len)
	    ? i
	    : PB_SHAPE_NONE;
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

static uint32_t
place_of_step(const struct pb_shapes *s, const struct pb_shape_step *step)
{
	return (uint32_t)(step - s->steps) * (uint32_t)sizeof(*s->steps);
}

/*
 * The step from `at` whose gap stands at `from`, and the value behind it, *i being the next: 0 when there
 * is none.  *ret_full: no other can be had.
 */
static uint32_t
find_step(const struct pb_shapes *s, uint32_t at, size_t from, uint32_t *i, bool *ret_full)
{
	uint32_t n = 0;

	for (uint32_t k = pb_shape_step(s->steps, at)->child; k != 0; n++) {
		const struct pb_shape_step *step = pb_shape_step(s->steps, k);
		uint32_t behind = value_behind(s, step, from, *i);
		if (behind != PB_SHAPE_NONE) {
			*i = behind;
			return k;
		}
		k = step->next;
	}
	*ret_full = n >= TRIES_MAX;
	return 0;
}

/* A new step from `at`, tried first or last of all there; 0 when there is no room. */
static uint32_t
add_step(struct pb_shapes *s, uint32_t at, bool is_first, struct pb_str gap,
    const struct pb_shape_value *v, const struct pb_flat_member *members)
{
	uint32_t *link = &pb_shape_step(s->steps, at)->child;

	if (!make_step(s, gap, v, members)) {
		s->is_full = true;
		return 0;
	}
	struct pb_shape_step *step = &s->steps[s->n_steps - 1];
	s->studies[s->n_steps - 1] = (struct pb_shape_study){0};
	while (!is_first && *link != 0)
		link = &pb_shape_step(s->steps, *link)->next;
	step->next = *link;
	return *link = place_of_step(s, step);
}

/* The gap from `from` up to a value, or to the end of the event where v is NULL. */
static struct pb_str
gap_to(const struct pb_shapes *s, size_t from, const struct pb_shape_value *v)
{
	size_t to = v != NULL ? v->from : s->event.len;

	return (struct pb_str){s->event.ptr + from, to - from};
}

static struct pb_shape_study *
study_of(struct pb_shapes *s, uint32_t step)
{
	return &s->studies[step / sizeof(*s->steps)];
}

static void
study(struct pb_shapes *s, uint32_t step, const struct pb_shape_value *v)
{
	struct pb_shape_study *of = study_of(s, step);
	uint32_t print = 2166136261;

	for (size_t i = v->from; i < v->to; i++)
		print = (print ^ (unsigned char)s->event.ptr[i]) * 16777619;
	of->n_same = print == of->print ? of->n_same + 1 : 0;
	of->print = print;
}

static void
set_facts(struct pb_shapes *s, uint32_t step, uint64_t facts)
{
	struct pb_shape_step *last = pb_shape_step(s->steps, step);

	last->path = (uint32_t)facts;
	last->members = (uint32_t)(facts >> 32);
}

/* May the value at i of the trail be inside a gap that began at `from`? */
static bool
is_fixed(struct pb_shapes *s, uint32_t i, uint32_t n, size_t from)
{
	const struct pb_shape_value *v = &s->values[s->trail[i].value];
	uint32_t next = s->trail[i].value + 1;
	size_t to = i + 1 < n && next < s->n_values ? s->values[next].from : s->event.len;

	return v->path == PB_SHAPE_NONE && study_of(s, s->trail[i].step)->n_same >= FIXED_AFTER &&
	    to - from <= FIXED_GAP_MAX;
}

/* Make steps with the fixed values of the trail, of n values, inside their gaps. */
static void
join_fixed(struct pb_shapes *s, uint32_t n, const struct pb_flat_member *members, uint64_t facts)
{
	uint32_t at = 0, first = 0;
	size_t from = 0;
	bool is_full = false;

	for (uint32_t i = 0; i <= n; i++) {
		const struct pb_shape_value *v = i < n ? &s->values[s->trail[i].value] : NULL;
		if (i < n && is_fixed(s, i, n, from))
			continue;
		struct pb_str gap = gap_to(s, from, v);
		uint32_t next = first, step = find_step(s, at, from, &next, &is_full);
		if (step == 0 || pb_shape_step(s->steps, step)->len != gap.len)
			step = is_full ? 0 : add_step(s, at, true, gap, v, members);
		if (step == 0)
			return;
		if (v == NULL) {
			set_facts(s, step, facts);
			return;
		}
		first = s->trail[i].value + 1;
		from = v->to;
		at = step;
	}
}

/*
 * Follow the event through the tree, and add steps where it has none.  How many values are in the trail
 * then, 0 where there was no room.
 */
static uint32_t
follow(struct pb_shapes *s, const struct pb_flat_member *members, uint64_t facts)
{
	uint32_t at = 0, n = 0;
	size_t from = 0;

	for (uint32_t i = 0;; i++) {
		bool is_full = false;
		uint32_t step = find_step(s, at, from, &i, &is_full);
		const struct pb_shape_value *v = i < s->n_values ? &s->values[i] : NULL;
		s->is_clogged = s->is_clogged || is_full;
		if (step == 0 && !is_full)
			step = add_step(s, at, false, gap_to(s, from, v), v, members);
		if (step == 0)
			return 0;
		if (v == NULL) {
			set_facts(s, step, facts);
			return n;
		}
		study(s, step, v);
		s->trail[n++] = (struct pb_shape_trail){step, i};
		from = v->to;
		at = step;
	}
}

void
pb_shapes_keep(struct pb_shapes *s, const struct pb_flat_member *members, uint64_t facts)
{
	if (s->n_values > PB_SHAPE_VALUES_MAX)
		return;
	uint32_t n = follow(s, members, facts);
	bool has_fixed = false;
	for (uint32_t i = 0; i < n && !has_fixed; i++)
		has_fixed = study_of(s, s->trail[i].step)->n_same >= FIXED_AFTER;
	/* Half of the room is for what is new. */
	if (has_fixed && s->n_steps < PB_SHAPE_STEPS_MAX / 2)
		join_fixed(s, n, members, facts);
	s->n_values = 0;
}
