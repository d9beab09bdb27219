/*
 * The first pass over the bytes of an event.  A block is 64 bytes; a mask has a bit for each, the
 * lowest for the first.  The loop stands in scan_kernel.h, once for each instruction set; what is
 * here works on masks and is the same for all.
 *
 * Order of tokens: a value (text, scalar, opening bracket) stands exactly where the token before is
 * an operator that asks for one, and there may stand nothing else but the closing bracket of an
 * empty object or array; before ':' stands a text.
 */
#include "pattern/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pattern/simd.h"

/*
 * Masks of several blocks at once, in vector registers where there are such.  BEHIND has a bit where
 * the mask has one k bytes before; FIRST masks all but the first n of them.
 */
#define WIDE 4
typedef uint64_t wide __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));
#define AT(masks, i) (*(const wide *)&(masks)[i])
#define BEHIND(masks, i, k) (AT(masks, i) << (k) | AT(masks, (i)-1) >> (64 - (k)))
#define FIRST(n) AT(first_lanes, (n) < WIDE ? WIDE - (n) : 0)
#define ANY(w) ((w)[0] | (w)[1] | (w)[2] | (w)[3])
static const uint64_t first_lanes[2 * WIDE] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

/* --- single tokens */

static bool
is_scalar_char(unsigned char c)
{
	return strchr(" \t\n\r{}[],:\"", c) == NULL || c == '\0';
}

bool
pb_scan_literal_is_valid(const unsigned char *buf, size_t len, size_t at)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);
		if (len - at >= n && memcmp(buf + at, words[i], n) == 0)
			return len - at == n || !is_scalar_char(buf[at + n]);
	}
	return false;
}

static bool
is_digit_at(const unsigned char *buf, size_t len, size_t at)
{
	return at < len && buf[at] >= '0' && buf[at] <= '9';
}

/* Up to this many digits decide whether a number is too large for a double. */
#define SHOWN_DIGITS 40
/* 10 to this power is out of any range, on either side. */
#define EXPONENT_MAX 100000

/* What is needed to tell whether a number is out of range. */
struct magnitude {
	char digits[SHOWN_DIGITS + 1];
	size_t n;
	int64_t exponent; /* of the first digit shown; 0 digits = zero */
};

static void
add_digit(struct magnitude *m, unsigned char c, bool is_fraction)
{
	if (m->n == 0 && c == '0') {
		m->exponent -= is_fraction;
		return;
	}
	if (m->n > 0 && !is_fraction)
		m->exponent++;
	if (m->n < SHOWN_DIGITS)
		m->digits[m->n++] = (char)c;
}

static bool
is_in_range(const struct magnitude *m, int64_t exponent)
{
	char text[SHOWN_DIGITS + 32];
	size_t n = 0;

	exponent += m->exponent;
	if (m->n == 0 || exponent < 308)
		return true;
	if (exponent > 308)
		return false;
	text[n++] = m->digits[0];
	text[n++] = '.';
	memcpy(text + n, m->digits + 1, m->n - 1);
	n += m->n - 1;
	memcpy(text + n, "e308", 5);
	return !isinf(strtod(text, NULL));
}

bool
pb_scan_number_is_valid(const unsigned char *buf, size_t len, size_t at)
{
	struct magnitude m = {.n = 0};
	int64_t exponent = 0;

	if (at < len && buf[at] == '-')
		at++;
	if (!is_digit_at(buf, len, at) || (buf[at] == '0' && is_digit_at(buf, len, at + 1)))
		return false;
	for (; is_digit_at(buf, len, at); at++)
		add_digit(&m, buf[at], false);
	if (at < len && buf[at] == '.') {
		if (!is_digit_at(buf, len, ++at))
			return false;
		m.exponent -= m.n == 0; /* the first digit of a fraction counts for -1 */
		for (; is_digit_at(buf, len, at); at++)
			add_digit(&m, buf[at], true);
	}
	if (at < len && (buf[at] | 0x20) == 'e') {
		bool is_negative = false;
		at++;
		if (at < len && (buf[at] == '+' || buf[at] == '-'))
			is_negative = buf[at++] == '-';
		if (!is_digit_at(buf, len, at))
			return false;
		for (; is_digit_at(buf, len, at); at++)
			exponent = exponent < (INT64_C(1) << 40) ? exponent * 10 + (buf[at] - '0')
								 : exponent;
		if (is_negative)
			exponent = -exponent;
	}
	return (at >= len || !is_scalar_char(buf[at])) && is_in_range(&m, exponent);
}

static int
hex_at(const unsigned char *buf, size_t len, size_t at)
{
	int value = 0;

	if (at > len || len - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int c = buf[i];
		int low = c | 0x20;
		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if (low >= 'a' && low <= 'f')
			value = value * 16 + low - 'a' + 10;
		else
			return -1;
	}
	return value;
}

bool
pb_scan_escape_is_valid(const unsigned char *buf, size_t len, size_t at, size_t *low_at)
{
	if (at >= len) /* cut behind a backslash */
		return false;
	switch (buf[at]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return true;
	case 'u':
		break;
	default:
		return false;
	}

	int c = hex_at(buf, len, at + 1);
	if (c <= 0)
		return false;
	if (c >= 0xdc00 && c <= 0xdfff)
		return *low_at == at;
	if (c < 0xd800 || c > 0xdfff)
		return true;
	if (len - at < 11 || buf[at + 5] != '\\' || buf[at + 6] != 'u')
		return false;
	*low_at = at + 6;
	int low = hex_at(buf, len, at + 7);
	return low >= 0xdc00 && low <= 0xdfff;
}

/* Length of the sequence at buf[at], 0 when it is invalid. */
static size_t
utf8_length(const unsigned char *buf, size_t len, size_t at)
{
	unsigned char lead = buf[at];
	size_t n = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (n < 2 || len - at < n || lead > 0xf4)
		return n == 1;
	for (size_t i = 1; i < n; i++)
		if ((buf[at + i] & 0xc0) != 0x80)
			return 0;
	unsigned char next = buf[at + 1];
	if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ||
	    (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f))
		return 0;
	return n;
}

size_t
pb_scan_utf8(const unsigned char *buf, size_t len, size_t from, size_t to)
{
	while (from < to) {
		size_t n = utf8_length(buf, len, from);
		if (n == 0)
			return SIZE_MAX;
		from += n;
	}
	return from;
}

/* --- masks */

/* The first characters that are not blank behind those of `mask`; `carry` is block to block. */
INLINE uint64_t
follow(uint64_t mask, uint64_t blank, uint64_t *carry)
{
	uint64_t next = (mask << 1) | *carry, sum;

	*carry = mask >> 63;
	/* Adding at the start of a run of blanks carries to the place behind it. */
	*carry |= __builtin_add_overflow(next & blank, blank, &sum);
	return (sum | next) & ~blank;
}

/* The bit before the first, of the block before. */
INLINE uint64_t
behind(const uint64_t *masks, uint32_t i)
{
	return masks[i] << 1 | masks[i - 1] >> 63;
}

/* As check_order in scan_kernel.h, where there may be blanks. */
static __attribute__((noinline)) uint64_t
check_order_spaced(struct pb_scan *s)
{
	const struct pb_scan_masks *m = &s->masks;
	struct pb_scan_carry c = s->carry;
	uint64_t bad = 0;

	for (uint32_t i = 1; i <= s->n_masks; i++) {
		uint64_t after_open = follow(m->open[i], m->blank[i], &c.after_open);
		uint64_t asked = after_open | follow(m->sep[i], m->blank[i], &c.after_sep);
		uint64_t after_text = follow(m->text_end[i], m->blank[i], &c.after_text);
		uint64_t value = m->open[i] | m->text[i] | (m->scalar[i] & ~behind(m->scalar, i));
		bad |= (asked ^ value) & ~(m->close[i] & after_open);
		bad |= m->colon[i] & ~after_text;
	}
	s->carry = c;
	return bad;
}

/* No number has a second '.': the digits behind one are run through by a carry. */
static __attribute__((noinline)) bool
check_fractions(struct pb_scan *s)
{
	const struct pb_scan_masks *m = &s->masks;
	uint64_t bad = 0, in_fraction = s->carry.in_fraction;

	for (uint32_t i = 1; i <= s->n_masks; i++) {
		if ((m->dot[i] | m->dot[i - 1] | in_fraction) == 0)
			continue;
		uint64_t digit = m->digit[i], fraction = behind(m->dot, i) | in_fraction, sum;
		in_fraction = __builtin_add_overflow(fraction & digit, digit, &sum);
		bad |= (sum | fraction) & ~digit & m->dot[i];
	}
	s->carry.in_fraction = in_fraction;
	return bad == 0;
}

/* Check the number or literal that has a character of neither at `at`, and none before. */
static bool
check_scalar(const struct pb_scan *s, size_t at, bool is_start)
{
	if (is_start)
		return pb_scan_literal_is_valid(s->buf, s->len, at);
	while (at > 0 && is_scalar_char(s->buf[at - 1]))
		at--;
	return pb_scan_number_is_valid(s->buf, s->len, at);
}

/* Literals, numbers with an exponent, and those so long that they may be out of range. */
static __attribute__((noinline)) bool
check_scalars(const struct pb_scan *s)
{
	const struct pb_scan_masks *m = &s->masks;

	for (uint32_t i = 1; i <= s->n_masks; i++) {
		if (m->scalar[i] == 0)
			continue;
		uint64_t start = m->scalar[i] & ~behind(m->scalar, i);
		uint64_t other = m->scalar[i] & ~(m->digit[i] | m->dot[i] | m->minus[i]);
		uint64_t behind_other = behind(m->scalar, i) &
		    ~(behind(m->digit, i) | behind(m->dot, i) | behind(m->minus, i));
		for (uint64_t odd = other & ~behind_other; odd != 0; odd &= odd - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(odd);
			if (!check_scalar(s, s->base[i] + bit, (start >> bit & 1) != 0))
				return false;
		}
		bool is_full = m->scalar[i] == UINT64_MAX && m->scalar[i - 1] != UINT64_MAX;
		if (is_full && !check_scalar(s, s->base[i], false))
			return false;
	}
	return true;
}

static __attribute__((noinline)) bool
check_rare(struct pb_scan *s, size_t pos, uint64_t escapes, uint64_t high)
{
	for (; escapes != 0; escapes &= escapes - 1) {
		size_t at = pos + (unsigned)__builtin_ctzll(escapes);
		if (!pb_scan_escape_is_valid(s->buf, s->len, at, &s->low_at))
			return false;
	}
	if (high != 0) {
		size_t from = s->utf8_at > pos ? s->utf8_at : pos;
		size_t to = s->len - pos > 64 ? pos + 64 : s->len;
		s->utf8_at = pb_scan_utf8(s->buf, s->len, from, to);
	}
	return s->utf8_at != SIZE_MAX;
}

/* ops[] has room for what is written too much, and the next call overwrites it. */
INLINE uint32_t *
put_ops(uint32_t *out, uint32_t base, uint64_t bits)
{
	uint32_t *end = out + __builtin_popcountll(bits);

	while (out < end) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < 8; i++) {
			out[i] = base + (uint32_t)__builtin_ctzll(bits | (UINT64_C(1) << 63));
			bits &= bits - 1;
		}
		out += 8;
	}
	return end;
}

INLINE uint64_t
xor_up(uint64_t x)
{
	for (unsigned by = 1; by < 64; by *= 2)
		x ^= x << by;
	return x;
}

/* The last bytes of the event, fewer than 64, and blanks behind them; nothing beyond is read. */
INLINE const unsigned char *
last_block(const struct pb_scan *s, unsigned char room[128], size_t pos)
{
	size_t left = s->len - pos;

	memset(room + 64, ' ', 64);
	if (s->len < 64)
		memcpy(room + 64 - left, s->buf + pos, left);
	else
		memcpy(room, s->buf + s->len - 64, 64);
	return room + 64 - left;
}

/* --- the loops, for each instruction set */

#define K(name) scalar_##name
#define KERNEL
#define KVEC struct bytes
#define K_LOAD scalar_load
#define K_EQ(v, c) ((void)b, scalar_eq(&(v), CHAR_##c))
#define K_RARE(v) scalar_rare(&(v), CHAR_slash)
#define K_EQ_LOW(v, c) scalar_eq_low(&(v), CHAR_##c)
#define K_CONTROL(v) scalar_below(&(v), ' ')
#define K_DIGIT(v) scalar_digit(&(v), '0')
#define K_HIGH(v) scalar_from(&(v), 0x80)
#define K_XOR_UP xor_up
#define K_PUT put_ops
#include "pattern/scan_kernel.h"

#if defined(__x86_64__)

#define K(name) sse2_##name
#define KERNEL
#define KVEC struct sse2
#define K_LOAD sse2_load
#define K_EQ(v, c) ((void)b, sse2_eq(v, CHAR_##c))
#define K_RARE sse2_rare
#define K_EQ_LOW(v, c) sse2_eq(sse2_or(v, 0x20), CHAR_##c)
#define K_CONTROL(v) sse2_upto(v, ' ' - 1)
#define K_DIGIT(v) sse2_upto(sse2_sub(v, '0'), 9)
#define K_HIGH(v) sse2_mask((v).a, (v).b, (v).c, (v).d)
#define K_XOR_UP xor_up
#define K_PUT put_ops
#include "pattern/scan_kernel.h"

AVX2_INLINE uint32_t *
avx2_put_ops(uint32_t *out, uint32_t base, uint64_t bits)
{
	uint32_t *end = out + __builtin_popcountll(bits);

	while (out < end) {
#pragma GCC unroll 16
		for (unsigned i = 0; i < 12; i++) {
			out[i] = base + (uint32_t)_tzcnt_u64(bits);
			bits = _blsr_u64(bits);
		}
		out += 12;
	}
	return end;
}

#define K(name) avx2_##name
#define KERNEL AVX2
#define KVEC struct avx2
#define K_LOAD avx2_load
#define K_EQ(v, c) avx2_eq(v, b->c)
#define K_EQ_LOW(v, c) avx2_eq(avx2_or(v, b->blank), b->c)
#define K_RARE(v) avx2_rare(v, b)
#define K_CONTROL(v) avx2_upto(v, ' ' - 1)
#define K_DIGIT(v) ~avx2_mask(avx2_others_32((v).a, b), avx2_others_32((v).b, b))
#define K_HIGH(v) avx2_mask((v).a, (v).b)
#define K_XOR_UP clmul_xor_up
#define K_PUT avx2_put_ops
#include "pattern/scan_kernel.h"

/* Pick the places of the bits out of 0 to 63, then widen them, 16 at a time. */
AVX512_INLINE uint32_t *
avx512_put_ops(uint32_t *out, uint32_t base, uint64_t bits)
{
	static const unsigned char places[64] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
	    37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
	    59, 60, 61, 62, 63};
	__m512i found = _mm512_maskz_compress_epi8(bits, avx512_load(places));
	__m512i bases = _mm512_set1_epi32((int)base);
	int n = __builtin_popcountll(bits);

	_mm512_storeu_si512(
	    out, _mm512_add_epi32(bases, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found))));
	if (__builtin_expect(n > 16, 0)) {
		_mm512_storeu_si512(out + 16,
		    _mm512_add_epi32(
			bases, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 1))));
		_mm512_storeu_si512(out + 32,
		    _mm512_add_epi32(
			bases, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 2))));
		_mm512_storeu_si512(out + 48,
		    _mm512_add_epi32(
			bases, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 3))));
	}
	return out + n;
}

#define K(name) avx512_##name
#define KERNEL AVX512
#define KVEC __m512i
#define K_LOAD avx512_load
#define K_EQ(v, c) ((void)b, avx512_eq(v, wide_##c))
#define K_RARE avx512_rare
#define K_EQ_LOW(v, c) avx512_eq(_mm512_or_si512(v, avx512_wide(wide_blank)), wide_##c)
#define K_CONTROL(v) avx512_below(v, wide_blank)
#define K_DIGIT avx512_digits
#define K_HIGH(v) _mm512_movepi8_mask(v)
#define K_XOR_UP clmul_xor_up
#define K_PUT avx512_put_ops
#include "pattern/scan_kernel.h"

#endif

/* --- choosing among them */

struct kernel {
	const char *name;
	int (*portion)(struct pb_scan *s);
};

static const struct kernel kernels[PB_SCAN_LEVEL_MAX] = {
    [PB_SCAN_SCALAR] = {"scalar", scalar_portion},
#if defined(__x86_64__)
    [PB_SCAN_SSE2] = {"sse2", sse2_portion},
    [PB_SCAN_AVX2] = {"avx2", avx2_portion},
    [PB_SCAN_AVX512] = {"avx512", avx512_portion},
#endif
};

enum pb_scan_level
pb_scan_best(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul") &&
	    __builtin_cpu_supports("popcnt");
	if (!has_avx2)
		return PB_SCAN_SSE2;
	bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
	return has_avx512 ? PB_SCAN_AVX512 : PB_SCAN_AVX2;
#else
	return PB_SCAN_SCALAR;
#endif
}

const char *
pb_scan_level_name(enum pb_scan_level level)
{
	return kernels[level].name != NULL ? kernels[level].name : "none";
}

void
pb_scan_init(
    struct pb_scan *s, enum pb_scan_level level, const char *buf, size_t len, size_t n_blocks)
{
	(void)level;
	struct pb_scan_masks *m = &s->masks;

	memset(s, 0, offsetof(struct pb_scan, base));
	m->scalar[0] = m->digit[0] = m->minus[0] = m->dot[0] = m->zero[0] = 0;
	s->buf = (const unsigned char *)buf;
	s->len = len;
	s->n_blocks = n_blocks;
	s->carry.after_sep = 1; /* a value is asked for */
	s->low_at = SIZE_MAX;
}

static void
hand_on(struct pb_scan_masks *m, uint32_t n)
{
	m->scalar[0] = m->scalar[n];
	m->digit[0] = m->digit[n];
	m->minus[0] = m->minus[n];
	m->dot[0] = m->dot[n];
	m->zero[0] = m->zero[n];
}

static bool
ends_well(const struct pb_scan *s)
{
	const struct pb_scan_carry *c = &s->carry;
	uint64_t asking = s->masks.minus[s->n_masks] | s->masks.dot[s->n_masks];

	return (c->in_text | c->after_sep | c->after_open | asking >> 63) == 0;
}

int
pb_scan_next(struct pb_scan *s, enum pb_scan_level level)
{
	const struct kernel *k = &kernels[level];

	do {
		if (k->portion(s) < 0)
			return -1;
		if (s->pos < s->len) {
			hand_on(&s->masks, s->n_masks);
			continue;
		}
		s->is_done = true;
		return ends_well(s) ? 0 : -1;
	} while (s->n == 0);
	return 0;
}
