/*
 * What the files that compile tests share.  Refusals are in the words of the service, as event-ruler has
 * them.
 */
#ifndef PB_PATTERN_TEST_COMPILE_H
#define PB_PATTERN_TEST_COMPILE_H

#include "pattern/exact.h"
#include "pattern/pattern.h"
#include "pattern/test.h"

typedef int pb_test_compile_fn(struct pb_place *pl, const json_t *value, struct pb_test *ret);

pb_test_compile_fn pb_test_compile_wildcard;
pb_test_compile_fn pb_test_compile_numeric, pb_test_compile_cidr; /* test_compile_number.c */
pb_test_compile_fn pb_test_compile_anything_but; /* test_compile_but.c */

static inline struct pb_str
pb_test_text_of(const json_t *value)
{
	return (struct pb_str){json_string_value(value), json_string_length(value)};
}

void pb_test_set_text(struct pb_test *t, enum pb_test_op op, struct pb_str s);
void pb_test_set_folded(struct pb_test *t, enum pb_test_op op, struct pb_str s);
/* -1 when it has more digits than a pattern may ask for. */
int pb_test_set_number(struct pb_place *pl, const json_t *value, struct pb_number *ret);

/*
 * The first key of an object, which should be its only one, and its value; `name` is what the
 * service calls a missing one.  Like the service we complain of what is in the first before we
 * complain of a second: see pb_test_fail_more.
 */
int pb_test_first_member(struct pb_place *pl, const json_t *j, const char *name,
    const char **ret_key, const json_t **ret_value);
/* Of more than one key in `op`: in the service's words, which here fit numeric only. */
int pb_test_fail_more(struct pb_place *pl, const char *op);

#endif
