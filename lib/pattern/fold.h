/*
 * Case folding for the equals-ignore-case family: Unicode simple folding, one character to one.
 */
#ifndef PB_PATTERN_FOLD_H
#define PB_PATTERN_FOLD_H

#include "base/text.h"

/* Add `s` folded to lower case.  Bytes that are no UTF-8 are added as they are. */
void pb_fold_add(struct pb_buf *b, struct pb_str s);

#define PB_FOLD_GROWTH 2 /* no text folds to more than this many times its length */
/* The same into `out`, which holds PB_FOLD_GROWTH times s.len; returns the length. */
size_t pb_fold_into(char *out, struct pb_str s);

/* One code point below 0x110000 into at most 4 bytes; how many. */
size_t pb_put_utf8(char *out, uint32_t c);

#endif
