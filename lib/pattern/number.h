/*
 * Numbers of an event.
 */
#ifndef PB_PATTERN_NUMBER_H
#define PB_PATTERN_NUMBER_H

#include "pattern/test.h"

/* The value of a valid JSON number: exact for whole ones of 64 bits, else the nearest double. */
struct pb_number pb_number_parse(struct pb_str s);
/*
 * Compare the number s with b: exactly as pb_number_compare would the parsed one, but parsing to
 * the last bit only where it matters.
 */
int pb_number_compare_text(struct pb_str s, struct pb_number b);

#endif
