/*
 * The loops of the first pass, for one instruction set.  Included by scan.c once for each, with
 *
 *     K(name)          the name with the set's suffix
 *     KERNEL           attributes of the functions
 *     KVEC, K_LOAD     64 bytes, and how to load them
 *     K_EQ(v, c)       mask of the bytes that are c: quote, slash, ... (see CHAR_quote)
 *     K_EQ_LOW(v, c)   the same of (byte | 0x20)
 *     K_RARE(v)        mask of backslashes, control characters and bytes from 0x80
 *     K_CONTROL(v)     mask of the bytes below ' ', and perhaps of those from 0x80
 *     K_DIGIT(v)       mask of '0' to '9'
 *     K_HIGH(v)        mask of the bytes from 0x80
 *     K_XOR_UP(x)      each bit the exclusive or of itself and all below
 *     K_PUT(out, base, bits)  write base + place of each bit, and perhaps more; returns their end
 */

/*
 * A block at `at` with bytes that most have none of: returns the quotes around texts, and the blanks
 * other than ' '.
 */
KERNEL static inline __attribute__((always_inline)) uint64_t
K(look_closer)(struct pb_scan *s, const struct simd_bytes *b, KVEC v, uint64_t quote,
    uint64_t in_text, uint64_t *ret_blank)
{
	uint64_t slash = K_EQ(v, slash), high = K_HIGH(v);
	uint64_t control = K_CONTROL(v) & ~high;
	uint64_t behind = find_escaped(&s->carry.escaped, slash);
	uint64_t bounds = quote & ~behind;
	uint64_t in = K_XOR_UP(bounds) ^ in_text;
	uint64_t odd = behind & in & ~(quote | slash);

	s->carry.escapes |= slash;
	*ret_blank = control != 0 ? K_EQ(v, tab) | K_EQ(v, line) | K_EQ(v, ret) : 0;
	s->is_bad = s->is_bad || (control & in) != 0 ||
	    ((odd | high) != 0 && !check_rare(s, s->pos, odd, high));
	return bounds;
}

/* The masks of one portion. */
KERNEL static int
K(classify)(struct pb_scan *s)
{
	const struct simd_bytes *b = simd_bytes();
	struct pb_scan_masks *m = &s->masks;
	uint64_t in_text = s->carry.in_text, blanks = 0;
	unsigned char last[128];
	size_t k = 1, pos = s->pos, len = s->len;

	for (size_t n = s->n_blocks; n > 0 && pos < len; n--, pos += 64) {
		const unsigned char *at = s->buf + pos;
		uint64_t inside = UINT64_MAX, blank = 0;
		if (__builtin_expect(len - pos < 64, 0)) {
			at = last_block(s, last, pos);
			inside >>= 64 - (len - pos);
		}
		KVEC v = K_LOAD(at);
		uint64_t bounds = K_EQ(v, quote);
		if ((K_RARE(v) | s->carry.escaped) != 0) {
			s->pos = pos;
			bounds = K(look_closer)(s, b, v, bounds, in_text, &blank);
		}
		uint64_t in = K_XOR_UP(bounds) ^ in_text;
		if ((in & ~bounds) == UINT64_MAX) /* the block before ends in this text */
			continue;

		in_text = (uint64_t)((int64_t)in >> 63);
		uint64_t outside = ~(in | bounds);
		blank = (blank | K_EQ(v, blank)) & outside;
		uint64_t open = K_EQ_LOW(v, open) & outside, close = K_EQ_LOW(v, close) & outside;
		uint64_t colon = K_EQ(v, colon) & outside;
		uint64_t sep = (K_EQ(v, comma) & outside) | colon;
		uint64_t scalar = outside & ~(open | close | sep | blank);
		m->open[k] = open;
		m->close[k] = close;
		m->sep[k] = sep;
		m->colon[k] = colon;
		m->text[k] = bounds & in;
		m->text_end[k] = bounds & ~in;
		m->blank[k] = blank;
		m->scalar[k] = scalar;
		m->digit[k] = m->minus[k] = m->dot[k] = m->zero[k] = 0;
		if (scalar != 0) {
			m->digit[k] = K_DIGIT(v) & scalar;
			m->minus[k] = K_EQ(v, minus) & scalar;
			m->dot[k] = K_EQ(v, dot) & scalar;
			m->zero[k] = K_EQ(v, zero) & scalar;
		}
		blanks |= blank & inside;
		s->base[k++] = (uint32_t)pos;
	}
	s->pos = pos < len ? pos : len;
	s->n_masks = (uint32_t)k - 1;
	s->carry.in_text = in_text;
	s->carry.blanks |= blanks;
	return s->is_bad ? -1 : 0;
}

/*
 * Which tokens follow which, where there are no blanks: the bits returned are those of misplaced
 * ones.
 */
KERNEL static uint64_t
K(check_order)(struct pb_scan *s)
{
	struct pb_scan_masks *m = &s->masks;
	struct pb_scan_carry *c = &s->carry;
	uint32_t n = s->n_masks;
	wide bad = {0};

	m->open[0] = c->after_open << 63;
	m->sep[0] = c->after_sep << 63;
	m->text_end[0] = c->after_text << 63;
	for (uint32_t i = 1; i <= n; i += WIDE) {
		wide after_open = BEHIND(m->open, i, 1);
		wide asked = after_open | BEHIND(m->sep, i, 1);
		wide scalar_start = AT(m->scalar, i) & ~BEHIND(m->scalar, i, 1);
		wide value = AT(m->open, i) | AT(m->text, i) | scalar_start;
		wide wrong = (asked ^ value) & ~(AT(m->close, i) & after_open);
		wrong |= AT(m->colon, i) & ~BEHIND(m->text_end, i, 1);
		bad |= wrong & FIRST(n - i + 1);
	}
	c->after_open = m->open[n] >> 63;
	c->after_sep = m->sep[n] >> 63;
	c->after_text = m->text_end[n] >> 63;
	return ANY(bad);
}

/* The grammar of numbers without exponent; others, and literals, are looked at one by one. */
KERNEL static bool
K(check_numbers)(struct pb_scan *s)
{
	struct pb_scan_masks *m = &s->masks;
	uint32_t n = s->n_masks;
	wide bad = {0}, odd = {0}, dots = {0}, full = {0};

	for (uint32_t i = 1; i <= n; i += WIDE) {
		wide scalar = AT(m->scalar, i), digit = AT(m->digit, i), minus = AT(m->minus, i);
		wide dot = AT(m->dot, i), first = FIRST(n - i + 1);
		wide behind_scalar = BEHIND(m->scalar, i, 1);
		wide behind_digit = BEHIND(m->digit, i, 1), behind_dot = BEHIND(m->dot, i, 1);
		wide behind_minus = BEHIND(m->minus, i, 1);
		wide behind_other = behind_scalar & ~(behind_digit | behind_dot | behind_minus);

		wide wrong = minus & behind_scalar & ~behind_other;
		wrong |= (behind_minus | behind_dot) & ~digit;
		wrong |= dot & ~behind_digit;
		/* A digit behind a 0 that is the first, or behind the '-' that is. */
		wrong |= digit & BEHIND(m->zero, i, 1) &
		    (~BEHIND(m->scalar, i, 2) |
			(BEHIND(m->minus, i, 2) & ~BEHIND(m->scalar, i, 3)));
		bad |= wrong & first;
		odd |= scalar & ~(digit | dot | minus) & ~behind_other & first;
		dots |= dot & first;
		full |= (wide)(scalar == UINT64_MAX) & first;
	}
	if (ANY(bad) != 0)
		return false;
	if ((ANY(dots) | s->carry.in_fraction) != 0 && !check_fractions(s))
		return false;
	return (ANY(odd) | ANY(full)) == 0 || check_scalars(s);
}

KERNEL static int
K(portion)(struct pb_scan *s)
{
	struct pb_scan_masks *m = &s->masks;
	uint32_t *out = s->ops;

	if (K(classify)(s) < 0)
		return -1;
	uint64_t bad = s->carry.blanks == 0 ? K(check_order)(s) : check_order_spaced(s);
	if (bad != 0 || !K(check_numbers)(s))
		return -1;
	for (uint32_t i = 1; i <= s->n_masks; i++)
		out = K_PUT(out, s->base[i], m->open[i] | m->close[i] | m->sep[i]);
	s->n = (uint32_t)(out - s->ops);
	return 0;
}

#undef K
#undef KERNEL
#undef KVEC
#undef K_LOAD
#undef K_EQ
#undef K_EQ_LOW
#undef K_RARE
#undef K_CONTROL
#undef K_DIGIT
#undef K_HIGH
#undef K_XOR_UP
#undef K_PUT
