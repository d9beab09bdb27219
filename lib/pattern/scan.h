/*
 * The first pass over the bytes of an event: finds its six operators {}[],: outside of texts and
 * validates all that can be told without knowing what is nested in what.
 *
 * What lies between two operators is then one token or none, so that keys and values are simply the
 * gaps between them; nobody looks for the end of a text again.  Checked here, 64 bytes at a time on
 * bit masks: UTF-8, control characters and escapes in texts, the grammar of numbers and literals,
 * and which token may follow which.  Left to the reader of the operators (flat.c): that brackets
 * pair up, that an object alternates ':' and ',' and begins with neither value nor ',', and that no
 * object has a key twice.
 *
 * Like pb_json_parse, and for the same reasons, it refuses \u0000, lone surrogates and numbers
 * beyond the range of a double.
 *
 * The operators come in portions, so what this needs does not grow with the event.
 */
#ifndef PB_PATTERN_SCAN_H
#define PB_PATTERN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_SCAN_BLOCKS 32 /* of 64 bytes in one portion */
#define PB_SCAN_LEAD_BLOCKS 4 /* a portion of a reader that hopes to stop early */

/* Ways to do the same; each finds the same. */
enum pb_scan_level {
	PB_SCAN_SCALAR,
	PB_SCAN_SSE2,
	PB_SCAN_AVX2,
	PB_SCAN_AVX512,
	PB_SCAN_LEVEL_MAX,
};

/* What one block hands to the next: single bits, but for in_text, which is all ones or none. */
struct pb_scan_carry {
	uint64_t in_text, escaped;
	/* The token before was '{' or '[', ',' or ':', a text. */
	uint64_t after_open, after_sep, after_text;
	uint64_t was_scalar, was_other, was_digit, was_dot, was_minus, was_zero, in_fraction;
	uint64_t escapes, blanks; /* any so far: backslashes, and blanks between tokens */
	bool was_full; /* the block before was one scalar throughout */
};

struct pb_scan {
	const unsigned char *buf;
	size_t len;
	size_t pos; /* of the next block */
	size_t n_blocks; /* in a portion */
	struct pb_scan_carry carry;
	size_t low_at; /* where the 'u' of a low surrogate is expected */
	size_t utf8_at; /* up to here UTF-8 is valid */
	bool is_bad;
	bool is_done; /* all is scanned */
	uint32_t n; /* operators in this portion */
	uint32_t ops[PB_SCAN_BLOCKS * 64 + 64];
};

/* `level` must be one that pb_scan_best allows: not above it. */
void pb_scan_init(
    struct pb_scan *s, enum pb_scan_level level, const char *buf, size_t len, size_t n_blocks);
enum pb_scan_level pb_scan_best(void);
const char *pb_scan_level_name(enum pb_scan_level level);
/* The next portion into ops[0..n): -1 when the event is malformed; 0 with n == 0 only at the end. */
int pb_scan_next(struct pb_scan *s, enum pb_scan_level level);

/* Checks of single tokens, which begin at buf[at]; they look at nothing behind buf[len). */
bool pb_scan_literal_is_valid(const unsigned char *buf, size_t len, size_t at);
bool pb_scan_number_is_valid(const unsigned char *buf, size_t len, size_t at);
/* The escape whose letter is buf[at]; *low_at is pb_scan's. */
bool pb_scan_escape_is_valid(const unsigned char *buf, size_t len, size_t at, size_t *low_at);
/* UTF-8 from `from` to `to` or the end of the sequence there: where it ends, SIZE_MAX if invalid. */
size_t pb_scan_utf8(const unsigned char *buf, size_t len, size_t from, size_t to);

#endif
