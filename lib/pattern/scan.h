/*
 * The first pass over the bytes of an event: finds its six operators {}[],: outside of texts and
 * validates all that can be told without knowing what is nested in what.
 *
 * What lies between two operators is then one token or none, so that keys and values are simply the
 * gaps between them; nobody looks for the end of a text again.  Checked here on bit masks, of 64
 * bytes each and several at a time: UTF-8, control characters and escapes in texts, the grammar of
 * numbers and literals, and which token may follow which.  Left to the reader of the operators
 * (flat.c): that brackets pair up, that an object alternates ':' and ',' and begins with neither
 * value nor ',', and that no object has a key twice.
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

/*
 * Masks of the blocks of a portion that are not in the middle of a text throughout, one bit for
 * each byte, the lowest for the first.  Place 0 is the last block of the portion before, so that
 * what stands before a byte is found without asking which block that is in.
 */
#define PB_SCAN_MASKS (PB_SCAN_BLOCKS + 8)
struct pb_scan_masks {
	uint64_t open[PB_SCAN_MASKS], close[PB_SCAN_MASKS];
	uint64_t sep[PB_SCAN_MASKS], colon[PB_SCAN_MASKS]; /* ',' and ':'; the latter alone */
	uint64_t text[PB_SCAN_MASKS], text_end[PB_SCAN_MASKS]; /* the quotes around texts */
	uint64_t blank[PB_SCAN_MASKS]; /* between tokens */
	/* All characters of numbers and literals, and of what is neither. */
	uint64_t scalar[PB_SCAN_MASKS];
	uint64_t digit[PB_SCAN_MASKS], minus[PB_SCAN_MASKS], dot[PB_SCAN_MASKS];
	uint64_t zero[PB_SCAN_MASKS]; /* of scalars */
};

/* What one portion hands to the next, beside masks: single bits, but for in_text: all or none. */
struct pb_scan_carry {
	uint64_t in_text, escaped;
	/* The first byte that is no blank must be behind '{' or '[', ',' or ':', a text. */
	uint64_t after_open, after_sep, after_text;
	uint64_t in_fraction;
	uint64_t escapes, blanks; /* any so far: backslashes, and blanks between tokens */
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
	uint32_t n_masks; /* in this portion */
	uint32_t base[PB_SCAN_MASKS]; /* where the block of a mask begins */
	struct pb_scan_masks masks;
	uint32_t ops[PB_SCAN_BLOCKS * 64 + 64];
};

/* `level` must be one that pb_scan_best allows: not above it. */
void pb_scan_init(
    struct pb_scan *s, enum pb_scan_level level, const char *buf, size_t len, size_t n_blocks);
enum pb_scan_level pb_scan_best(void);
const char *pb_scan_level_name(enum pb_scan_level level);
/* The next portion into ops[0..n): -1 when the event is malformed; 0 with n == 0 only at the end. */
int pb_scan_next(struct pb_scan *s, enum pb_scan_level level);

static inline bool
pb_scan_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Checks of single tokens, which begin at buf[at]; they look at nothing behind buf[len). */
bool pb_scan_literal_is_valid(const unsigned char *buf, size_t len, size_t at);
bool pb_scan_number_is_valid(const unsigned char *buf, size_t len, size_t at);
/* The escape whose letter is buf[at]; *low_at is pb_scan's. */
bool pb_scan_escape_is_valid(const unsigned char *buf, size_t len, size_t at, size_t *low_at);
/* UTF-8 from `from` to `to` or the end of the sequence there: where it ends, SIZE_MAX if invalid. */
size_t pb_scan_utf8(const unsigned char *buf, size_t len, size_t from, size_t to);

#endif
