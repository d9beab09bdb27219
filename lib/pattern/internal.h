/*
 * What the files of lib/pattern share: a compiled pattern is a list of fields (a path and the tests
 * a value there may pass) and a list of branches, each a set of fields that must all hold.  $or is
 * multiplied out into branches when the pattern is compiled.
 *
 * Invariants: n_branches >= 1; every branch names at least one field; a field has at least one
 * test.
 */
#ifndef PB_PATTERN_INTERNAL_H
#define PB_PATTERN_INTERNAL_H

#include "pattern/pattern.h"
#include "pattern/test.h"

#define PB_PATTERN_MAGIC 0x70617474u

struct pb_field {
	char *path; /* keys joined by '.' */
	size_t path_len;
	struct pb_test *tests; /* one is enough */
	size_t n_tests;
	bool may_be_absent; /* one of them is exists: false */
	bool may_be_present; /* one of them is something else */
	char *wanted; /* the tests as they were written, compact JSON */
};

struct pb_branch {
	uint32_t *fields; /* places in pb_pattern.fields, in the order of the pattern */
	size_t n;
};

struct pb_pattern {
	uint32_t magic;
	struct pb_field *fields;
	size_t n_fields;
	struct pb_branch *branches;
	size_t n_branches;
};

/* Does the value pass one of the field's tests that is not exists: false? */
bool pb_field_passes(const struct pb_field *f, const json_t *value);

#endif
