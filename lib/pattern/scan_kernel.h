/*
 * The loop of the first pass, for one instruction set.  Included by scan.c once for each, with
 *
 *     K(name)          the name with the set's suffix
 *     KERNEL           attributes of the functions
 *     KVEC, K_LOAD     64 bytes, and how to load them
 *     K_EQ(v, c)       mask of the bytes that are c: quote, slash, ... (see CHAR_quote)
 *     K_EQ_LOW(v, c)   the same of (byte | 0x20)
 *     K_BELOW(v, c)    mask of the bytes below c
 *     K_DIGIT(v)       mask of '0' to '9'
 *     K_HIGH(v)        mask of the bytes from 0x80
 *     K_XOR_UP(x)      each bit the exclusive or of itself and all below
 *     K_PUT(out, base, bits)  write base + place of each bit, and perhaps more; returns their end
 */
KERNEL static inline __attribute__((always_inline)) bool
K(block)(struct pb_scan *s, struct pb_scan_carry *c, const unsigned char *at, uint32_t **out)
{
	KVEC v = K_LOAD(at);
	uint64_t quote = K_EQ(v, quote), slash = K_EQ(v, slash), control = K_BELOW(v, blank);
	uint64_t high = K_HIGH(v);

	uint64_t escaped = find_escaped(c, slash);
	uint64_t bounds = quote & ~escaped;
	uint64_t in = K_XOR_UP(bounds) ^ c->in_text;
	uint64_t odd_escapes = escaped & in & ~(quote | slash);
	uint64_t bad = control & in;
	if ((in & ~bounds) == UINT64_MAX) /* in the middle of a long text: all carries are 0 */
		return __builtin_expect((bad | odd_escapes | high) == 0, 1) ||
		    (bad == 0 && check_rare(s, odd_escapes, high));

	c->in_text = (uint64_t)((int64_t)in >> 63);
	uint64_t outside = ~(in | bounds);
	uint64_t blank = K_EQ(v, blank);
	if (control != 0)
		blank |= K_EQ(v, tab) | K_EQ(v, ten) | K_EQ(v, return );
	struct tokens t = {
	    .open = K_EQ_LOW(v, open) & outside,
	    .close = K_EQ_LOW(v, close) & outside,
	    .comma = K_EQ(v, comma) & outside,
	    .colon = K_EQ(v, colon) & outside,
	    .text = bounds & in,
	    .text_end = bounds & ~in,
	    .blank = blank & outside,
	};
	uint64_t ops = t.open | t.close | t.comma | t.colon;
	t.scalar = outside & ~(ops | blank);
	c->blanks |= t.blank;
	t.scalar_start = t.scalar & ~((t.scalar << 1) | c->was_scalar);
	c->was_scalar = t.scalar >> 63;
	bad |= check_order(c, &t);

	if ((t.scalar | c->was_dot | c->was_minus) != 0) {
		struct digits d = {
		    .digit = K_DIGIT(v) & t.scalar,
		    .minus = K_EQ(v, minus) & t.scalar,
		    .dot = K_EQ(v, dot) & t.scalar,
		    .zero = K_EQ(v, zero) & t.scalar,
		};
		bad |= check_numbers(s, c, &t, &d);
	} else {
		c->was_other = c->was_digit = c->was_zero = c->in_fraction = 0;
		c->was_full = false;
	}
	*out = K_PUT(*out, (uint32_t)s->pos, ops);

	if (__builtin_expect((bad | odd_escapes | high) != 0, 0))
		return bad == 0 && check_rare(s, odd_escapes, high);
	return true;
}

KERNEL static int
K(portion)(struct pb_scan *s)
{
	struct pb_scan_carry c = s->carry;
	uint32_t *out = s->ops;
	size_t n = s->n_blocks;

	while (n-- > 0 && s->len - s->pos >= 64) {
		if (!K(block)(s, &c, s->buf + s->pos, &out))
			return -1;
		s->pos += 64;
	}
	s->carry = c;
	s->n = (uint32_t)(out - s->ops);
	return 0;
}

KERNEL static int
K(rest)(struct pb_scan *s)
{
	unsigned char last[64];
	uint32_t *out = s->ops;

	memset(last, ' ', sizeof(last));
	memcpy(last, s->buf + s->pos, s->len - s->pos);
	if (!K(block)(s, &s->carry, last, &out))
		return -1;
	s->n = (uint32_t)(out - s->ops);
	return 0;
}

#undef K
#undef KERNEL
#undef KVEC
#undef K_LOAD
#undef K_EQ
#undef K_EQ_LOW
#undef K_BELOW
#undef K_DIGIT
#undef K_HIGH
#undef K_XOR_UP
#undef K_PUT
