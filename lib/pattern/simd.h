/*
 * Looking at 64 bytes at once, with what each instruction set has for it: load them, and make masks
 * of them, one bit for each byte, the lowest for the first.
 *
 * Each set has the same functions, named by it: scalar_, sse2_, avx2_, avx512_.
 */
#ifndef PB_PATTERN_SIMD_H
#define PB_PATTERN_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* The characters that the kernels ask for by name. */
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
#define CHAR_line '\n'
#define CHAR_tab '\t'
#define CHAR_ret '\r'

#define ODD_BITS UINT64_C(0xaaaaaaaaaaaaaaaa)

/* Characters behind a backslash that is not escaped itself; `carry` is block to block. */
INLINE uint64_t
find_escaped(uint64_t *carry, uint64_t slash)
{
	/* A run of backslashes that begins at an even place escapes what stands at even places. */
	uint64_t starts = slash & ~*carry;
	uint64_t code = (((starts << 1) | ODD_BITS) - starts) ^ ODD_BITS;
	uint64_t escaped = code ^ (slash | *carry);

	*carry = (code & slash) >> 63;
	return escaped;
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
SCALAR_MASK(scalar_rare, unsigned char, byte == c || byte < ' ' || byte >= 0x80)

#define TIMES_4(c) c, c, c, c
#define TIMES_16(c) TIMES_4(c), TIMES_4(c), TIMES_4(c), TIMES_4(c)

/*
 * 32 times the same byte, to be had from memory: the compiler would make them anew for each value,
 * by way of a general register.
 */
struct simd_bytes {
	_Alignas(32) unsigned char quote[32], slash[32], blank[32], open[32], close[32], comma[32];
	unsigned char colon[32], minus[32], dot[32], zero[32], tab[32], line[32], ret[32];
	unsigned char control[32]; /* the last below ' ' */
	unsigned char to_digit[32], ten[32]; /* what makes '0' 0 when it is added */
};

INLINE const struct simd_bytes *
simd_bytes(void)
{
#define TIMES_32(c)                                                                                \
	{                                                                                          \
		TIMES_16(c), TIMES_16(c)                                                           \
	}
	static const struct simd_bytes bytes = {.quote = TIMES_32('"'),
	    .slash = TIMES_32('\\'),
	    .blank = TIMES_32(' '),
	    .open = TIMES_32('{'),
	    .close = TIMES_32('}'),
	    .comma = TIMES_32(','),
	    .colon = TIMES_32(':'),
	    .minus = TIMES_32('-'),
	    .dot = TIMES_32('.'),
	    .zero = TIMES_32('0'),
	    .tab = TIMES_32('\t'),
	    .line = TIMES_32('\n'),
	    .ret = TIMES_32('\r'),
	    .control = TIMES_32(' ' - 1),
	    .to_digit = TIMES_32(0x100 - '0'),
	    .ten = TIMES_32(10)};
	const struct simd_bytes *b = &bytes;

	__asm__("" : "+r"(b)); /* hides what is there */
	return b;
}

/*
 * Of 32 bytes: those that are not plain in a text (quotes, backslashes, control characters, and from
 * 0x80), those that are no digits, and those that are the same in both.
 */
INLINE uint32_t
scalar_stops(const unsigned char *p, const struct simd_bytes *b)
{
	(void)b;
	uint32_t mask = 0;

	for (unsigned i = 0; i < 32; i++)
		mask |= (uint32_t)(p[i] == '"' || p[i] == '\\' || p[i] < ' ' || p[i] >= 0x80) << i;
	return mask;
}

INLINE uint32_t
scalar_others(const unsigned char *p, const struct simd_bytes *b)
{
	uint32_t mask = 0;

	(void)b;
	for (unsigned i = 0; i < 32; i++)
		mask |= (uint32_t)(p[i] < '0' || p[i] > '9') << i;
	return mask;
}

INLINE uint32_t
scalar_same(const unsigned char *p, const unsigned char *q)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < 32; i++)
		mask |= (uint32_t)(p[i] == q[i]) << i;
	return mask;
}

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

INLINE __m128i
sse2_rare_16(__m128i v)
{
	return _mm_or_si128(
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')), _mm_cmplt_epi8(v, _mm_set1_epi8(' ')));
}

/* Backslashes, control characters, and bytes from 0x80, which are negative. */
INLINE uint64_t
sse2_rare(struct sse2 v)
{
	return sse2_mask(
	    sse2_rare_16(v.a), sse2_rare_16(v.b), sse2_rare_16(v.c), sse2_rare_16(v.d));
}

INLINE __m128i
sse2_load_16(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

INLINE uint32_t
sse2_mask_32(__m128i a, __m128i b)
{
	return (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
}

INLINE __m128i
sse2_stops_16(__m128i v, const struct simd_bytes *b)
{
	__m128i odd = _mm_or_si128(
	    _mm_cmpeq_epi8(v, sse2_load_16(b->quote)), _mm_cmpeq_epi8(v, sse2_load_16(b->slash)));

	/* Bytes from 0x80 on are negative. */
	return _mm_or_si128(odd, _mm_cmplt_epi8(v, _mm_set1_epi8(' ')));
}

INLINE uint32_t
sse2_stops(const unsigned char *p, const struct simd_bytes *b)
{
	return sse2_mask_32(
	    sse2_stops_16(sse2_load_16(p), b), sse2_stops_16(sse2_load_16(p + 16), b));
}

INLINE __m128i
sse2_others_16(__m128i v, const struct simd_bytes *b)
{
	__m128i x = _mm_add_epi8(v, sse2_load_16(b->to_digit));

	return _mm_cmpeq_epi8(_mm_max_epu8(x, sse2_load_16(b->ten)), x);
}

INLINE uint32_t
sse2_others(const unsigned char *p, const struct simd_bytes *b)
{
	return sse2_mask_32(
	    sse2_others_16(sse2_load_16(p), b), sse2_others_16(sse2_load_16(p + 16), b));
}

INLINE uint32_t
sse2_same(const unsigned char *p, const unsigned char *q)
{
	return sse2_mask_32(_mm_cmpeq_epi8(sse2_load_16(p), sse2_load_16(q)),
	    _mm_cmpeq_epi8(sse2_load_16(p + 16), sse2_load_16(q + 16)));
}

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

AVX2_INLINE __m256i
avx2_load_32(const unsigned char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* `c` has a byte 32 times. */
AVX2_INLINE uint64_t
avx2_eq(struct avx2 v, const unsigned char *c)
{
	return avx2_mask(
	    _mm256_cmpeq_epi8(v.a, avx2_load_32(c)), _mm256_cmpeq_epi8(v.b, avx2_load_32(c)));
}

AVX2_INLINE struct avx2
avx2_or(struct avx2 v, const unsigned char *c)
{
	return (struct avx2){
	    _mm256_or_si256(v.a, avx2_load_32(c)), _mm256_or_si256(v.b, avx2_load_32(c))};
}

AVX2_INLINE __m256i
avx2_rare_32(__m256i v, const struct simd_bytes *b)
{
	return _mm256_or_si256(_mm256_cmpeq_epi8(v, avx2_load_32(b->slash)),
	    _mm256_cmpeq_epi8(_mm256_min_epi8(v, avx2_load_32(b->control)), v));
}

/* Backslashes, control characters, and bytes from 0x80, which are negative. */
AVX2_INLINE uint64_t
avx2_rare(struct avx2 v, const struct simd_bytes *b)
{
	return avx2_mask(avx2_rare_32(v.a, b), avx2_rare_32(v.b, b));
}

AVX2_INLINE __m256i
avx2_others_32(__m256i v, const struct simd_bytes *b)
{
	__m256i x = _mm256_add_epi8(v, avx2_load_32(b->to_digit));

	return _mm256_cmpeq_epi8(_mm256_max_epu8(x, avx2_load_32(b->ten)), x);
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

AVX2_INLINE uint32_t
avx2_stops(const unsigned char *p, const struct simd_bytes *b)
{
	__m256i v = avx2_load_32(p);
	__m256i odd = _mm256_or_si256(_mm256_cmpeq_epi8(v, avx2_load_32(b->quote)),
	    _mm256_cmpeq_epi8(v, avx2_load_32(b->slash)));

	/* Bytes from 0x80 on are negative. */
	odd = _mm256_or_si256(
	    odd, _mm256_cmpeq_epi8(_mm256_min_epi8(v, avx2_load_32(b->control)), v));
	return (uint32_t)_mm256_movemask_epi8(odd);
}

AVX2_INLINE uint32_t
avx2_others(const unsigned char *p, const struct simd_bytes *b)
{
	return (uint32_t)_mm256_movemask_epi8(avx2_others_32(avx2_load_32(p), b));
}

AVX2_INLINE uint32_t
avx2_same(const unsigned char *p, const unsigned char *q)
{
	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(avx2_load_32(p), avx2_load_32(q)));
}

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
#define TIMES_64(c)                                                                                \
	{                                                                                          \
		TIMES_16(c), TIMES_16(c), TIMES_16(c), TIMES_16(c)                                 \
	}
#define TABLE(name, c) static const _Alignas(64) unsigned char name[64] = TIMES_64(c)
TABLE(wide_quote, '"');
TABLE(wide_slash, '\\');
TABLE(wide_blank, ' ');
TABLE(wide_open, '{');
TABLE(wide_close, '}');
TABLE(wide_comma, ',');
TABLE(wide_colon, ':');
TABLE(wide_minus, '-');
TABLE(wide_dot, '.');
TABLE(wide_zero, '0');
TABLE(wide_line, '\n');
TABLE(wide_tab, '\t');
TABLE(wide_ret, '\r');

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
avx512_rare(__m512i v)
{
	return avx512_eq(v, wide_slash) | _mm512_cmplt_epi8_mask(v, avx512_wide(wide_blank));
}

AVX512_INLINE uint64_t
avx512_digits(__m512i v)
{
	return _mm512_cmple_epu8_mask(
	    _mm512_sub_epi8(v, avx512_wide(wide_zero)), _mm512_set1_epi8(9));
}

AVX512_INLINE uint64_t
avx512_below(__m512i v, const unsigned char *c)
{
	return _mm512_cmplt_epu8_mask(v, avx512_wide(c));
}

#endif

#endif
