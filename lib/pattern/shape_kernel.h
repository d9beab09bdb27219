/*
 * Reading an event by its shape, for one instruction set.  Included by shape_walk.c once for each,
 * with
 *
 *     K(name)        the name with the set's suffix
 *     KERNEL         attributes of the functions
 *     K_STOPS(p), K_DIGITS(p), K_SAME(p, q)   see simd.h
 *     KVEC, K_LOAD, K_EQ, K_CONTROL, K_HIGH   as in scan_kernel.h
 *
 * The value's first byte is at `from`, and at `p`; where it ends is returned, 0 when it is not valid.  What
 * follows a number or literal is not looked at, since that is the first byte of a gap.
 */

/* The rest of a text that is not all plain, from `pos` on, which no backslash stands before. */
KERNEL static __attribute__((noinline)) size_t
K(odd_text)(struct walk *w, size_t from, size_t pos, bool *ret_has_escapes)
{
	uint64_t escaped = 0, bounds = 0, any_high = 0, any_slash = 0;
	size_t low_at = SIZE_MAX;

	for (; bounds == 0; pos += 64) {
		if (pos >= w->len)
			return 0;
		KVEC v = K_LOAD(place(w, pos));
		uint64_t quote = K_EQ(v, quote), slash = K_EQ(v, slash), high = K_HIGH(v);
		uint64_t behind = find_escaped(&escaped, slash);
		bounds = quote & ~behind;
		uint64_t inside = bounds == 0 ? UINT64_MAX : (bounds & -bounds) - 1;
		if ((K_CONTROL(v) & ~high & inside) != 0)
			return 0;
		any_high |= high & inside;
		any_slash |= slash & inside;
		for (uint64_t odd = behind & inside & ~(quote | slash); odd != 0; odd &= odd - 1) {
			size_t at = pos + (unsigned)__builtin_ctzll(odd);
			if (!pb_scan_escape_is_valid(w->buf, w->len, at, &low_at))
				return 0;
		}
	}
	pos += (size_t)__builtin_ctzll(bounds) - 64;
	if (any_high != 0 && pb_scan_utf8(w->buf, w->len, from, pos) != pos)
		return 0;
	*ret_has_escapes = any_slash != 0;
	return pos + 1;
}

KERNEL static inline __attribute__((always_inline)) size_t
K(text)(struct walk *w, size_t from, const unsigned char *p, bool *ret_has_escapes)
{
	size_t pos = from + 1;
	uint32_t stops;

	*ret_has_escapes = false;
	for (p++; (stops = K_STOPS(p)) == 0; p = place(w, pos))
		pos += 32;
	pos += (unsigned)__builtin_ctz(stops);
	if (__builtin_expect(p[__builtin_ctz(stops)] != '"', 0))
		return K(odd_text)(w, from, pos, ret_has_escapes);
	return pos + 1;
}

KERNEL static inline __attribute__((always_inline)) size_t
K(number)(struct walk *w, size_t from, const unsigned char *p)
{
	unsigned start = *p == '-';
	uint32_t others = ~K_DIGITS(p) & ~start;

	if (__builtin_expect(others == 0, 0))
		return odd_number(w, from);
	unsigned end = (unsigned)__builtin_ctz(others);
	if (end == start || (p[start] == '0' && end > start + 1))
		return 0;
	if (p[end] == '.') {
		unsigned dot = end;
		others &= others - 1;
		if (__builtin_expect(others == 0, 0))
			return odd_number(w, from);
		end = (unsigned)__builtin_ctz(others);
		if (end == dot + 1)
			return 0;
	}
	return __builtin_expect((p[end] | 0x20) == 'e', 0) ? odd_number(w, from) : from + end;
}

KERNEL static bool
K(walk)(struct walk *w, struct pb_shapes *s)
{
	const struct pb_shape_step *steps = s->steps;
	uint32_t at = steps[0].child, n_values = 0, n_paths = 0;
	size_t pos = 0;

	for (;;) {
		if (at == 0)
			return false;
		const struct pb_shape_step *step = &steps[at];
		const unsigned char *p = place(w, pos);
		at = step->next;
		if ((~K_SAME(p, step->head) & step->head_mask) != 0)
			continue;
		size_t from = pos + step->len, to;
		p += step->len; /* loaded with what is before it, unless that is long */
		if (__builtin_expect(step->is_odd, 0)) {
			if (step->len > PB_SHAPE_HEAD && !has_rest(w, s, step, pos))
				continue;
			if (step->is_last && from != w->len)
				continue;
			if (step->is_last) {
				s->facts = (uint64_t)step->members << 32 | step->path;
				break;
			}
			p = place(w, from);
		}
		bool has_escapes = false;
		if (*p == '"')
			to = K(text)(w, from, p, &has_escapes);
		else if (*p <= '9')
			to = K(number)(w, from, p);
		else
			to = literal(from, p);
		if (to == 0)
			continue;
		if (step->path != PB_SHAPE_NONE) {
			s->values[n_values++] = (struct pb_shape_value){.from = (uint32_t)from,
			    .to = (uint32_t)to,
			    .path = step->path,
			    .members = step->members,
			    .n_members = step->n_members,
			    .is_mixing = step->is_mixing,
			    .has_escapes = has_escapes};
			n_paths += step->is_first;
			if (n_paths == s->n_paths)
				break;
		}
		pos = to;
		at = step->child;
	}
	s->n_values = n_values;
	return true;
}

#undef K
#undef KERNEL
#undef KVEC
#undef K_LOAD
#undef K_EQ
#undef K_CONTROL
#undef K_HIGH
#undef K_STOPS
#undef K_DIGITS
#undef K_SAME
