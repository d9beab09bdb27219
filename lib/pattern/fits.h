/*
 * Does a value pass the tests of a condition?
 */
#ifndef PB_PATTERN_FITS_H
#define PB_PATTERN_FITS_H

#include "pattern/set.h"

/* One of them is enough.  `l` is a leaf of `f` at the condition's path; it may get unescaped or folded. */
bool pb_leaf_fits(const struct pb_matcher *m, struct pb_flat *f, const struct pb_set_condition *c,
    struct pb_flat_leaf *l);

#endif
