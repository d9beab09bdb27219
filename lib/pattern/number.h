/*
 * Numbers: what a JSON number is worth, to its last digit.
 *
 * Numbers compare by their decimal value, as it is written: 300, 300.0 and 3.0e2 are one number,
 * 9007199254740993.0 and 9007199254740992 are two, though they share a double.  A number has one of three
 * forms, and equal ones have the same, so that only the longest cost more than a look at 8 bytes:
 *
 *   WHOLE   a whole number in 64 bits, however it is spelled;
 *   REAL    another with at most 15 digits, leading and trailing zeros aside, and an ordinary exponent:
 *           such are as many doubles, in the same order;
 *   LONG    any other, by its digits.
 */
#ifndef PB_PATTERN_NUMBER_H
#define PB_PATTERN_NUMBER_H

#include "base/text.h"

/* Of a number of a pattern that is LONG.  An event's may be as long as the event. */
#define PB_NUMBER_LEN_MAX 256 /* characters */
#define PB_NUMBER_EXPONENT_MAX 9999

enum pb_number_kind {
	PB_NUMBER_WHOLE,
	PB_NUMBER_REAL,
	PB_NUMBER_LONG,
};

struct pb_decimal {
	size_t len;
	char text[]; /* as it was written, with a NUL behind it */
};

struct pb_number {
	enum pb_number_kind kind;
	double
	    near; /* the nearest double: of a REAL, all there is to know; of a LONG without digits, 0 */
	union {
		int64_t whole;
		struct pb_decimal *decimal; /* owned; NULL where the text is kept elsewhere */
	};
};

/* The value of a valid JSON number; one that is LONG comes without its digits. */
struct pb_number pb_number_parse(struct pb_str s);
/*
 * The same with its digits, to be freed by pb_number_fini.  PB_LIMIT when it is LONG and beyond the caps
 * above.
 */
int pb_number_make(struct pb_str s, struct pb_number *ret, struct pb_error *err);
void pb_number_fini(struct pb_number *n);
struct pb_number pb_number_copy(struct pb_number n); /* of one that has its digits */

/* Order: negative, 0 or positive.  Both have their digits. */
int pb_number_compare(struct pb_number a, struct pb_number b);
/* Order of the number that s is, and b, which has its digits.  Takes a close look only where it matters. */
int pb_number_compare_text(struct pb_str s, struct pb_number b);

/*
 * Equal numbers, and no others, have equal keys.  `s` is the text of a number whose digits n does not
 * have; returns the length, 0 where no number of a pattern could be equal.
 */
#define PB_NUMBER_KEY 9
#define PB_NUMBER_KEY_MAX (PB_NUMBER_KEY + PB_NUMBER_LEN_MAX)
size_t pb_number_key(struct pb_number n, struct pb_str s, char ret[PB_NUMBER_KEY_MAX]);
/* The same of one that is not LONG, which takes PB_NUMBER_KEY bytes. */
static inline void
pb_number_key_short(struct pb_number n, char ret[PB_NUMBER_KEY])
{
	bool is_whole = n.kind == PB_NUMBER_WHOLE;

	ret[0] = is_whole ? 'w' : 'r';
	memcpy(ret + 1, is_whole ? (const void *)&n.whole : &n.near, sizeof(n.whole));
}

#endif
