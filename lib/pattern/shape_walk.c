/*
 * Reading an event by its shape: from gap to value to gap.  The loops stand in shape_kernel.h, once
 * for each instruction set.
 *
 * The next place is known only when the value before it has been read, so that this is bound by how
 * long one value takes from its first byte to its last, not by how many instructions that needs.
 */
#include "pattern/shape.h"
#include "pattern/simd.h"

#define LOADED 96 /* bytes from any place on may be loaded, also from the last */

/*
 * Places in the event are pointers.  From `limit` on they are in a copy of its end, which has NULs
 * behind it.
 */
struct view {
	const unsigned char *limit;
	uintptr_t base; /* where a place is at 0: a number, since in a copy there is no such byte */
};

/* The event at hand. */
struct walk {
	const unsigned char *buf;
	size_t len;
	struct view view;
	uint32_t n_paths; /* that have a value */
	bool is_done;
	bool has_escapes; /* the last value, if it was not plain */
	bool has_copy;
	unsigned char copy[2 * LOADED];
};

static void
start(struct walk *w, struct pb_str event)
{
	w->buf = (const unsigned char *)event.ptr;
	w->len = event.len;
	w->view.limit = w->buf + (event.len >= LOADED ? event.len - LOADED + 1 : 0);
	w->view.base = (uintptr_t)w->buf;
	w->n_paths = 0;
	w->is_done = w->has_copy = false;
}

INLINE size_t
pos_of(const struct walk *w, const unsigned char *p)
{
	return (uintptr_t)p - w->view.base;
}

INLINE const unsigned char *
place_of(const struct walk *w, size_t pos)
{
	return (const unsigned char *)(w->view.base + pos);
}

/* The end of the event is copied late: by then the processor has fetched it. */
static __attribute__((noinline)) const unsigned char *
copied(struct walk *w, size_t pos)
{
	if (!w->has_copy) {
		if (__builtin_expect(w->len >= LOADED, 1))
			memcpy(w->copy, w->buf + w->len - LOADED, LOADED);
		else
			memcpy(w->copy + LOADED - w->len, w->buf, w->len);
		memset(w->copy + LOADED, 0, LOADED);
		w->has_copy = true;
	}
	return w->copy + LOADED - (w->len - pos);
}

/* LOADED bytes at a place, only to look at. */
INLINE const unsigned char *
bytes_at(struct walk *w, size_t pos)
{
	return w->len >= LOADED && pos <= w->len - LOADED ? w->buf + pos : copied(w, pos);
}

static __attribute__((noinline)) const unsigned char *
place_at_end(struct walk *w, const unsigned char *p)
{
	const unsigned char *copy = copied(w, pos_of(w, p));

	w->view.base = (uintptr_t)copy - pos_of(w, p);
	w->view.limit = (const unsigned char *)UINTPTR_MAX;
	return copy;
}

/* A place that is in the event or at its end, made one that LOADED bytes may be loaded from. */
INLINE const unsigned char *
place(struct walk *w, const unsigned char *p)
{
	return __builtin_expect(p < w->view.limit, 1) ? p : place_at_end(w, p);
}

/* A gap that is longer than what its step has of it. */
static bool
has_rest(
    const struct walk *w, const struct pb_shapes *s, const struct pb_shape_step *step, size_t pos)
{
	size_t head = pos + PB_SHAPE_HEAD, n = step->len - PB_SHAPE_HEAD;

	return head <= w->len && n <= w->len - head &&
	    memcmp(w->buf + head, s->texts + step->rest, n) == 0;
}

/* A number with an exponent, or a long one. */
static __attribute__((noinline)) const unsigned char *
odd_number(const struct walk *w, const unsigned char *p)
{
	size_t from = pos_of(w, p), to = from;

	while (to < w->len && w->buf[to] != '\0' && strchr("0123456789+-.eE", w->buf[to]) != NULL)
		to++;
	return pb_scan_number_is_valid(w->buf, w->len, from) ? place_of(w, to) : NULL;
}

static const unsigned char *
literal(const unsigned char *p)
{
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}

#define K(name) scalar_##name
#define KERNEL
#define KVEC struct bytes
#define K_LOAD scalar_load
#define K_EQ(v, c) ((void)b, scalar_eq(&(v), CHAR_##c))
#define K_CONTROL(v) scalar_below(&(v), ' ')
#define K_HIGH(v) scalar_from(&(v), 0x80)
#define K_STOPS scalar_stops
#define K_OTHERS scalar_others
#define K_SAME scalar_same
#include "pattern/shape_kernel.h"

#if defined(__x86_64__)

#define K(name) sse2_##name
#define KERNEL
#define KVEC struct sse2
#define K_LOAD sse2_load
#define K_EQ(v, c) ((void)b, sse2_eq(v, CHAR_##c))
#define K_CONTROL(v) sse2_upto(v, ' ' - 1)
#define K_HIGH(v) sse2_mask((v).a, (v).b, (v).c, (v).d)
#define K_STOPS sse2_stops
#define K_OTHERS sse2_others
#define K_SAME sse2_same
#include "pattern/shape_kernel.h"

#define K(name) avx2_##name
#define KERNEL AVX2
#define KVEC struct avx2
#define K_LOAD avx2_load
#define K_EQ(v, c) avx2_eq(v, b->c)
#define K_CONTROL(v) avx2_upto(v, ' ' - 1)
#define K_HIGH(v) avx2_mask((v).a, (v).b)
#define K_STOPS avx2_stops
#define K_OTHERS avx2_others
#define K_SAME avx2_same
#include "pattern/shape_kernel.h"

#endif

bool
pb_shape_walk(struct pb_shapes *s, enum pb_scan_level level)
{
	struct walk w;

	start(&w, s->event);
	switch (level) {
#if defined(__x86_64__)
	case PB_SCAN_AVX512: /* values are short: wider registers would gain nothing */
	case PB_SCAN_AVX2:
		return avx2_walk(&w, s);
	case PB_SCAN_SSE2:
		return sse2_walk(&w, s);
#else
	case PB_SCAN_AVX512:
	case PB_SCAN_AVX2:
	case PB_SCAN_SSE2:
#endif
	case PB_SCAN_SCALAR:
	case PB_SCAN_LEVEL_MAX:
		break;
	}
	return scalar_walk(&w, s);
}
