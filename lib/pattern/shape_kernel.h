/*
 * Reading an event by its shape, for one instruction set.  Included by shape_walk.c once for each,
 * with
 *
 *     K(name)        the name with the set's suffix
 *     KERNEL         attributes of the functions
 *     K_STOPS(p, b), K_OTHERS(p, b), K_SAME(p, q)   see simd.h
 *     KVEC, K_LOAD, K_EQ, K_CONTROL, K_HIGH   as in scan_kernel.h
 *
 * A reader of a value takes the place of its first byte and returns where it ends, NULL when it is
 * not valid.  What follows a number or literal is not looked at, since that is the first byte of a
 * gap.
 */

/* The rest of a text that is not all plain, from `p` on, which no backslash stands before. */
KERNEL static __attribute__((noinline)) const unsigned char *
K(odd_text)(struct walk *w, const unsigned char *p)
{
	const struct simd_bytes *b = simd_bytes();
	uint64_t escaped = 0, bounds = 0, any_high = 0, any_slash = 0;
	size_t from = pos_of(w, p), pos = from, low_at = SIZE_MAX;

	for (; bounds == 0; pos += 64) {
		if (pos >= w->len)
			return NULL;
		KVEC v = K_LOAD(bytes_at(w, pos));
		uint64_t quote = K_EQ(v, quote), slash = K_EQ(v, slash), high = K_HIGH(v);
		uint64_t behind = find_escaped(&escaped, slash);
		bounds = quote & ~behind;
		uint64_t inside = bounds == 0 ? UINT64_MAX : (bounds & -bounds) - 1;
		if ((K_CONTROL(v) & ~high & inside) != 0)
			return NULL;
		any_high |= high & inside;
		any_slash |= slash & inside;
		for (uint64_t odd = behind & inside & ~(quote | slash); odd != 0; odd &= odd - 1) {
			size_t at = pos + (unsigned)__builtin_ctzll(odd);
			if (!pb_scan_escape_is_valid(w->buf, w->len, at, &low_at))
				return NULL;
		}
	}
	pos += (size_t)__builtin_ctzll(bounds) - 64;
	if (any_high != 0 && pb_scan_utf8(w->buf, w->len, from, pos) != pos)
		return NULL;
	w->has_escapes = any_slash != 0;
	return place_of(w, pos + 1);
}

KERNEL static inline __attribute__((always_inline)) const unsigned char *
K(text)(struct walk *w, const struct simd_bytes *b, const unsigned char *p)
{
	uint32_t stops;

	for (p++; (stops = K_STOPS(p, b)) == 0; p += 32)
		if (__builtin_expect(p + 32 >= w->view.limit, 0))
			return K(odd_text)(w, p);
	p += (unsigned)__builtin_ctz(stops);
	return __builtin_expect(*p == '"', 1) ? p + 1 : K(odd_text)(w, p);
}

KERNEL static inline __attribute__((always_inline)) const unsigned char *
K(number)(const struct walk *w, const struct simd_bytes *b, const unsigned char *p)
{
	unsigned start = *p == '-';
	uint32_t others = K_OTHERS(p, b) & ~start, further = others & (others - 1);

	if (__builtin_expect(further == 0, 0))
		return odd_number(w, p);
	unsigned whole = (unsigned)__builtin_ctz(others), end = whole;
	if (whole == start || (p[start] == '0' && whole > start + 1))
		return NULL;
	if (p[whole] == '.') {
		end = (unsigned)__builtin_ctz(further);
		if (end == whole + 1)
			return NULL;
	}
	return __builtin_expect((p[end] | 0x20) == 'e', 0) ? odd_number(w, p) : p + end;
}

KERNEL static inline __attribute__((always_inline)) const unsigned char *
K(value)(struct walk *w, const struct simd_bytes *b, const unsigned char *p)
{
	if (*p == '"')
		return K(text)(w, b, p);
	return *p <= '9' ? K(number)(w, b, p) : literal(p);
}

/* A step of which there is more to say, with its gap's head at `p`; NULL where it does not fit. */
KERNEL static __attribute__((noinline)) const unsigned char *
K(odd_step)(
    struct walk *w, struct pb_shapes *s, const struct pb_shape_step *step, const unsigned char *p)
{
	const struct view view = w->view;
	size_t pos = pos_of(w, p), from = pos + step->len;

	if (step->len > PB_SHAPE_HEAD && !has_rest(w, s, step, pos))
		return NULL;
	if (step->is_last) {
		w->is_done = from == w->len;
		s->facts = (uint64_t)step->members << 32 | step->path;
		return NULL;
	}
	w->has_escapes = false;
	const unsigned char *end = K(value)(w, simd_bytes(), place(w, p + step->len));
	if (end == NULL) {
		w->view = view; /* what else may stand at `p` is looked for there */
		return NULL;
	}
	if (step->path == PB_SHAPE_NONE)
		return end;
	s->values[s->n_values++] = (struct pb_shape_value){.from = (uint32_t)from,
	    .to = (uint32_t)pos_of(w, end),
	    .path = step->path,
	    .members = step->members,
	    .n_members = step->n_members,
	    .is_mixing = step->is_mixing,
	    .has_escapes = w->has_escapes};
	if (s->hook.see != NULL && !w->has_escapes && w->buf[from] == '"')
		s->hook.see(s->hook.arg, step->path,
		    (struct pb_str){(const char *)w->buf + from + 1, pos_of(w, end) - from - 2});
	w->n_paths += step->is_first;
	w->is_done = w->n_paths == s->n_paths;
	return end;
}

KERNEL static bool
K(walk)(struct walk *w, struct pb_shapes *s)
{
	const struct pb_shape_step *steps = s->steps;
	uint32_t at = steps[0].child;
	const struct simd_bytes *b = simd_bytes();
	const unsigned char *p = place(w, w->buf);

	while (at != 0) {
		const struct pb_shape_step *step = pb_shape_step(steps, at);
		const unsigned char *end;
		if ((~K_SAME(p, step->head) & step->head_mask) != 0) {
			at = step->next;
			continue;
		}
		/* The value's first byte is loaded with the head. */
		if (__builtin_expect(step->is_odd, 0)) {
			end = K(odd_step)(w, s, step, p);
			if (w->is_done)
				return true;
		} else {
			end = K(value)(w, b, p + step->len);
		}
		at = step->next;
		if (__builtin_expect(end != NULL, 1)) {
			p = place(w, end);
			at = step->child;
		}
	}
	return false;
}

#undef K
#undef KERNEL
#undef KVEC
#undef K_LOAD
#undef K_EQ
#undef K_CONTROL
#undef K_HIGH
#undef K_STOPS
#undef K_OTHERS
#undef K_SAME
