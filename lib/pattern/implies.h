/*
 * What one test says of another: proofs only.  A "no" is no more than that none was found.
 */
#ifndef PB_PATTERN_IMPLIES_H
#define PB_PATTERN_IMPLIES_H

#include "pattern/test.h"

/* Surely: does whatever passes a pass b?  Absence is a value of its own here. */
bool pb_test_implies(const struct pb_test *a, const struct pb_test *b);
/* Surely: does no value pass both? */
bool pb_test_excludes(const struct pb_test *a, const struct pb_test *b);

#endif
