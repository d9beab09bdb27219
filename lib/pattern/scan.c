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

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ODD_BITS UINT64_C(0xaaaaaaaaaaaaaaaa)
#define INLINE static inline __attribute__((always_inline))

/* The characters that scan_kernel.h asks for by name. */
#define CHAR_quote '"'
#define CHAR_slash '\\'
#define CHAR_blank ' '
#define CHAR_open '{'
#define CHAR_close '}'
#define CHAR_comma ','
#define CHAR_colon ':'
#define CHAR_minus '-'
#define CHAR_dot '.'
#define CHAR_zero '0'
#define CHAR_ten '\n'
#define CHAR_tab '\t'
#define CHAR_return '\r'

struct tokens {
	uint64_t open, close, comma, colon; /* operators */
	uint64_t text, text_end; /* the quotes around texts */
	uint64_t scalar; /* all characters of numbers and literals, and of what is neither */
	uint64_t scalar_start;
	uint64_t blank; /* between tokens */
};

/* Characters of scalars. */
struct digits {
	uint64_t digit, minus, dot, zero;
};

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

/* Characters behind a backslash that is not escaped itself. */
INLINE uint64_t
find_escaped(struct pb_scan_carry *c, uint64_t slash)
{
	if (slash == 0) {
		uint64_t escaped = c->escaped;
		c->escaped = 0;
		return escaped;
	}
	c->escapes = 1;
	/* A run of backslashes that begins at an even place escapes what stands at even places. */
	uint64_t starts = slash & ~c->escaped;
	uint64_t code = (((starts << 1) | ODD_BITS) - starts) ^ ODD_BITS;
	uint64_t escaped = code ^ (slash | c->escaped);
	c->escaped = (code & slash) >> 63;
	return escaped;
}

/* The first characters that are not blank behind those of `mask`; `carry` is block to block. */
INLINE uint64_t
follow(uint64_t mask, uint64_t blank, uint64_t *carry)
{
	uint64_t next = (mask << 1) | *carry, sum;

	*carry = mask >> 63;
	if (blank == 0)
		return next;
	/* Adding at the start of a run of blanks carries to the place behind it. */
	*carry |= __builtin_add_overflow(next & blank, blank, &sum);
	return (sum | next) & ~blank;
}

/* Which tokens follow which: the bits returned are those of misplaced ones. */
INLINE uint64_t
check_order(struct pb_scan_carry *c, const struct tokens *t)
{
	uint64_t value = t->open | t->text | t->scalar_start;
	uint64_t after_open = follow(t->open, t->blank, &c->after_open);
	uint64_t after_sep = follow(t->comma | t->colon, t->blank, &c->after_sep);
	uint64_t after_text = follow(t->text_end, t->blank, &c->after_text);
	uint64_t asked = after_open | after_sep;

	return (value & ~asked) | (asked & ~(value | t->close)) | (after_sep & t->close) |
	    (t->colon & ~after_text);
}

/* Check the scalar that has a character other than digits, '-' and '.' at `at`, and none before. */
static bool
check_scalar(const struct pb_scan *s, size_t at, bool is_start)
{
	if (is_start)
		return pb_scan_literal_is_valid(s->buf, s->len, at);
	while (at > 0 && is_scalar_char(s->buf[at - 1]))
		at--;
	return pb_scan_number_is_valid(s->buf, s->len, at);
}

static __attribute__((noinline)) bool
check_scalars(const struct pb_scan *s, uint64_t others, uint64_t starts)
{
	for (; others != 0; others &= others - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(others);
		if (!check_scalar(s, s->pos + bit, (starts >> bit & 1) != 0))
			return false;
	}
	return true;
}

/* The grammar of numbers without exponent; others, and literals, are looked at one by one. */
INLINE uint64_t
check_numbers(
    struct pb_scan *s, struct pb_scan_carry *c, const struct tokens *t, const struct digits *d)
{
	uint64_t start = t->scalar_start;
	uint64_t other = t->scalar & ~(d->digit | d->minus | d->dot);
	uint64_t behind_other = (other << 1) | c->was_other;
	uint64_t behind_digit = (d->digit << 1) | c->was_digit;
	uint64_t behind_minus = (d->minus << 1) | c->was_minus;
	uint64_t behind_dot = (d->dot << 1) | c->was_dot;

	uint64_t bad = d->minus & ~start & ~behind_other;
	bad |= (behind_minus | behind_dot) & ~d->digit;
	bad |= d->dot & ~behind_digit;

	/* No second '.': the digits behind one are run through by a carry. */
	uint64_t fraction = behind_dot | c->in_fraction, sum;
	c->in_fraction = __builtin_add_overflow(fraction & d->digit, d->digit, &sum);
	bad |= (sum | fraction) & ~d->digit & d->dot;

	/* No digit behind a leading 0; behind the '-' of an exponent there may be. */
	uint64_t first = (start | (((d->minus & start) << 1) | c->was_minus)) & d->digit;
	uint64_t lone = first & d->zero;
	bad |= ((lone << 1) | c->was_zero) & d->digit;

	c->was_other = other >> 63;
	c->was_digit = d->digit >> 63;
	c->was_minus = (d->minus & start) >> 63;
	c->was_dot = d->dot >> 63;
	c->was_zero = lone >> 63;

	/* A number this long may be out of range. */
	bool is_full = t->scalar == UINT64_MAX;
	if (is_full && !c->was_full && bad == 0 && !check_scalar(s, s->pos, false))
		bad = 1;
	c->was_full = is_full;
	uint64_t odd = other & ~behind_other;
	if (odd != 0 && bad == 0 && !check_scalars(s, odd, start))
		bad = 1;
	return bad;
}

static __attribute__((noinline)) bool
check_rare(struct pb_scan *s, uint64_t escapes, uint64_t high)
{
	for (; escapes != 0; escapes &= escapes - 1) {
		size_t at = s->pos + (unsigned)__builtin_ctzll(escapes);
		if (!pb_scan_escape_is_valid(s->buf, s->len, at, &s->low_at))
			return false;
	}
	if (high != 0) {
		size_t from = s->utf8_at > s->pos ? s->utf8_at : s->pos;
		size_t to = s->len - s->pos > 64 ? s->pos + 64 : s->len;
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

/* --- one byte at a time */

struct bytes {
	unsigned char at[64];
};

INLINE struct bytes
scalar_load(const unsigned char *at)
{
	struct bytes v;

	memcpy(v.at, at, sizeof(v.at));
	return v;
}

#define SCALAR_MASK(name, type, test)                                                              \
	INLINE uint64_t name(const struct bytes *v, type c)                                        \
	{                                                                                          \
		uint64_t mask = 0;                                                                 \
		for (unsigned i = 0; i < 64; i++) {                                                \
			unsigned char byte = v->at[i];                                             \
			mask |= (uint64_t)(test) << i;                                             \
		}                                                                                  \
		return mask;                                                                       \
	}
SCALAR_MASK(scalar_eq, unsigned char, byte == c)
SCALAR_MASK(scalar_eq_low, unsigned char, (byte | 0x20) == c)
SCALAR_MASK(scalar_below, unsigned char, byte < c)
SCALAR_MASK(scalar_from, unsigned char, byte >= c)
SCALAR_MASK(scalar_digit, unsigned char, (unsigned char)(byte - c) <= 9)

#define K(name) scalar_##name
#define KERNEL
#define KVEC struct bytes
#define K_LOAD scalar_load
#define K_EQ(v, c) scalar_eq(&(v), CHAR_##c)
#define K_EQ_LOW(v, c) scalar_eq_low(&(v), CHAR_##c)
#define K_BELOW(v, c) scalar_below(&(v), CHAR_##c)
#define K_DIGIT(v) scalar_digit(&(v), '0')
#define K_HIGH(v) scalar_from(&(v), 0x80)
#define K_XOR_UP xor_up
#define K_PUT put_ops
#include "pattern/scan_kernel.h"

#if defined(__x86_64__)

/* --- SSE2 */

struct sse2 {
	__m128i a, b, c, d;
};

INLINE struct sse2
sse2_load(const unsigned char *at)
{
	const __m128i *p = (const __m128i *)(const void *)at;

	return (struct sse2){_mm_loadu_si128(p), _mm_loadu_si128(p + 1), _mm_loadu_si128(p + 2),
	    _mm_loadu_si128(p + 3)};
}

INLINE uint64_t
sse2_mask(__m128i a, __m128i b, __m128i c, __m128i d)
{
	uint64_t low = (uint64_t)(uint32_t)_mm_movemask_epi8(a) |
	    (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16;
	uint64_t high = (uint64_t)(uint32_t)_mm_movemask_epi8(c) |
	    (uint64_t)(uint32_t)_mm_movemask_epi8(d) << 16;

	return low | high << 32;
}

INLINE uint64_t
sse2_eq(struct sse2 v, char c)
{
	__m128i x = _mm_set1_epi8(c);

	return sse2_mask(_mm_cmpeq_epi8(v.a, x), _mm_cmpeq_epi8(v.b, x), _mm_cmpeq_epi8(v.c, x),
	    _mm_cmpeq_epi8(v.d, x));
}

INLINE struct sse2
sse2_or(struct sse2 v, char c)
{
	__m128i x = _mm_set1_epi8(c);

	return (struct sse2){
	    _mm_or_si128(v.a, x), _mm_or_si128(v.b, x), _mm_or_si128(v.c, x), _mm_or_si128(v.d, x)};
}

INLINE struct sse2
sse2_sub(struct sse2 v, char c)
{
	__m128i x = _mm_set1_epi8(c);

	return (struct sse2){
	    _mm_sub_epi8(v.a, x), _mm_sub_epi8(v.b, x), _mm_sub_epi8(v.c, x), _mm_sub_epi8(v.d, x)};
}

/* Bytes up to `most`, without sign. */
INLINE uint64_t
sse2_upto(struct sse2 v, char most)
{
	__m128i x = _mm_set1_epi8(most);

	return sse2_mask(_mm_cmpeq_epi8(_mm_min_epu8(v.a, x), v.a),
	    _mm_cmpeq_epi8(_mm_min_epu8(v.b, x), v.b), _mm_cmpeq_epi8(_mm_min_epu8(v.c, x), v.c),
	    _mm_cmpeq_epi8(_mm_min_epu8(v.d, x), v.d));
}

#define K(name) sse2_##name
#define KERNEL
#define KVEC struct sse2
#define K_LOAD sse2_load
#define K_EQ(v, c) sse2_eq(v, CHAR_##c)
#define K_EQ_LOW(v, c) sse2_eq(sse2_or(v, 0x20), CHAR_##c)
#define K_BELOW(v, c) sse2_upto(v, CHAR_##c - 1)
#define K_DIGIT(v) sse2_upto(sse2_sub(v, '0'), 9)
#define K_HIGH(v) sse2_mask((v).a, (v).b, (v).c, (v).d)
#define K_XOR_UP xor_up
#define K_PUT put_ops
#include "pattern/scan_kernel.h"

/* --- AVX2 */

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define AVX2_INLINE AVX2 static inline __attribute__((always_inline))

struct avx2 {
	__m256i a, b;
};

AVX2_INLINE struct avx2
avx2_load(const unsigned char *at)
{
	const __m256i *p = (const __m256i *)(const void *)at;

	return (struct avx2){_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)};
}

AVX2_INLINE uint64_t
avx2_mask(__m256i a, __m256i b)
{
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(a) |
	    (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}

AVX2_INLINE uint64_t
avx2_eq(struct avx2 v, char c)
{
	__m256i x = _mm256_set1_epi8(c);

	return avx2_mask(_mm256_cmpeq_epi8(v.a, x), _mm256_cmpeq_epi8(v.b, x));
}

AVX2_INLINE struct avx2
avx2_or(struct avx2 v, char c)
{
	__m256i x = _mm256_set1_epi8(c);

	return (struct avx2){_mm256_or_si256(v.a, x), _mm256_or_si256(v.b, x)};
}

AVX2_INLINE struct avx2
avx2_sub(struct avx2 v, char c)
{
	__m256i x = _mm256_set1_epi8(c);

	return (struct avx2){_mm256_sub_epi8(v.a, x), _mm256_sub_epi8(v.b, x)};
}

AVX2_INLINE uint64_t
avx2_upto(struct avx2 v, char most)
{
	__m256i x = _mm256_set1_epi8(most);

	return avx2_mask(_mm256_cmpeq_epi8(_mm256_min_epu8(v.a, x), v.a),
	    _mm256_cmpeq_epi8(_mm256_min_epu8(v.b, x), v.b));
}

AVX2_INLINE uint64_t
clmul_xor_up(uint64_t x)
{
	__m128i ones = _mm_set1_epi8(-1);

	return (uint64_t)_mm_cvtsi128_si64(
	    _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)x), ones, 0));
}

AVX2_INLINE uint32_t *
avx2_put_ops(uint32_t *out, uint32_t base, uint64_t bits)
{
	uint32_t *end = out + __builtin_popcountll(bits);

	while (out < end) {
		for (unsigned i = 0; i < 8; i++) {
			out[i] = base + (uint32_t)_tzcnt_u64(bits);
			bits = _blsr_u64(bits);
		}
		out += 8;
	}
	return end;
}

#define K(name) avx2_##name
#define KERNEL AVX2
#define KVEC struct avx2
#define K_LOAD avx2_load
#define K_EQ(v, c) avx2_eq(v, CHAR_##c)
#define K_EQ_LOW(v, c) avx2_eq(avx2_or(v, 0x20), CHAR_##c)
#define K_BELOW(v, c) avx2_upto(v, CHAR_##c - 1)
#define K_DIGIT(v) avx2_upto(avx2_sub(v, '0'), 9)
#define K_HIGH(v) avx2_mask((v).a, (v).b)
#define K_XOR_UP clmul_xor_up
#define K_PUT avx2_put_ops
#include "pattern/scan_kernel.h"

/* --- AVX-512 */

#define AVX512                                                                                     \
	__attribute__((                                                                            \
	    target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define AVX512_INLINE AVX512 static inline __attribute__((always_inline))

AVX512_INLINE __m512i
avx512_load(const unsigned char *at)
{
	return _mm512_loadu_si512((const void *)at);
}

/*
 * 64 times the same byte, from memory: the compiler would make it anew for each block, by way of a
 * general register.
 */
#define TIMES_4(c) c, c, c, c
#define TIMES_16(c) TIMES_4(c), TIMES_4(c), TIMES_4(c), TIMES_4(c)
#define TIMES_64(c)                                                                                \
	{                                                                                          \
		TIMES_16(c), TIMES_16(c), TIMES_16(c), TIMES_16(c)                                 \
	}
#define WIDE(name, c) static const _Alignas(64) unsigned char name[64] = TIMES_64(c)
WIDE(wide_quote, '"');
WIDE(wide_slash, '\\');
WIDE(wide_blank, ' ');
WIDE(wide_open, '{');
WIDE(wide_close, '}');
WIDE(wide_comma, ',');
WIDE(wide_colon, ':');
WIDE(wide_minus, '-');
WIDE(wide_dot, '.');
WIDE(wide_zero, '0');
WIDE(wide_ten, 10);
WIDE(wide_tab, '\t');
WIDE(wide_return, '\r');

AVX512_INLINE __m512i
avx512_wide(const unsigned char *p)
{
	__asm__("" : "+r"(p));
	return _mm512_load_si512(p);
}

AVX512_INLINE uint64_t
avx512_eq(__m512i v, const unsigned char *c)
{
	return _mm512_cmpeq_epi8_mask(v, avx512_wide(c));
}

AVX512_INLINE uint64_t
avx512_below(__m512i v, const unsigned char *c)
{
	return _mm512_cmplt_epu8_mask(v, avx512_wide(c));
}

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
#define K_EQ(v, c) avx512_eq(v, wide_##c)
#define K_EQ_LOW(v, c) avx512_eq(_mm512_or_si512(v, avx512_wide(wide_blank)), wide_##c)
#define K_BELOW(v, c) avx512_below(v, wide_##c)
#define K_DIGIT(v) avx512_below(_mm512_sub_epi8(v, avx512_wide(wide_zero)), wide_ten)
#define K_HIGH(v) _mm512_movepi8_mask(v)
#define K_XOR_UP clmul_xor_up
#define K_PUT avx512_put_ops
#include "pattern/scan_kernel.h"

#endif

/* --- choosing among them */

struct kernel {
	const char *name;
	int (*portion)(struct pb_scan *s);
	int (*rest)(struct pb_scan *s);
};

static const struct kernel kernels[PB_SCAN_LEVEL_MAX] = {
    [PB_SCAN_SCALAR] = {"scalar", scalar_portion, scalar_rest},
#if defined(__x86_64__)
    [PB_SCAN_SSE2] = {"sse2", sse2_portion, sse2_rest},
    [PB_SCAN_AVX2] = {"avx2", avx2_portion, avx2_rest},
    [PB_SCAN_AVX512] = {"avx512", avx512_portion, avx512_rest},
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
	memset(s, 0, offsetof(struct pb_scan, ops));
	s->buf = (const unsigned char *)buf;
	s->len = len;
	s->n_blocks = n_blocks;
	s->carry.after_sep = 1; /* a value is asked for */
	s->low_at = SIZE_MAX;
}

int
pb_scan_next(struct pb_scan *s, enum pb_scan_level level)
{
	const struct kernel *k = &kernels[level];

	do {
		s->n = 0;
		if (s->len - s->pos >= 64) {
			if (k->portion(s) < 0)
				return -1;
			continue;
		}
		if (s->pos < s->len) {
			if (k->rest(s) < 0)
				return -1;
			s->pos = s->len;
		}
		s->is_done = true;
		const struct pb_scan_carry *c = &s->carry;
		return (c->in_text | c->after_sep | c->after_open | c->was_minus | c->was_dot) != 0
		    ? -1
		    : 0;
	} while (s->n == 0);
	return 0;
}
