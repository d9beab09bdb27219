/*
 * Tests of one value: the members of a field's list in a pattern, and how they are judged.
 */
#ifndef PB_PATTERN_TEST_H
#define PB_PATTERN_TEST_H

#include "base/json.h"
#include "pattern/number.h"

enum pb_test_op {
	PB_TEST_TEXT,
	PB_TEST_NUMBER,
	PB_TEST_NULL,
	PB_TEST_TRUE,
	PB_TEST_FALSE,
	PB_TEST_PREFIX,
	PB_TEST_SUFFIX,
	PB_TEST_PREFIX_FOLDED,
	PB_TEST_SUFFIX_FOLDED,
	PB_TEST_TEXT_FOLDED,
	PB_TEST_WILDCARD,
	PB_TEST_RANGE,
	PB_TEST_CIDR,
	PB_TEST_EXISTS,
	PB_TEST_ABSENT,
	PB_TEST_NONE_OF, /* anything-but */
	PB_TEST_OP_MAX,
};

struct pb_range {
	bool has_low, has_high;
	bool is_low_in, is_high_in; /* the bound itself passes */
	struct pb_number low, high; /* whole and 0 where there is none */
};

struct pb_cidr {
	int family; /* AF_INET or AF_INET6 */
	unsigned bits;
	unsigned char net[16];
};

/* The pieces between the '*' of a wildcard, unescaped, in one block. */
struct pb_wildcard {
	char *block;
	size_t n_pieces; /* one more than there are '*' */
	struct pb_str *pieces;
};

struct pb_test {
	enum pb_test_op op;
	union {
		struct {
			char *ptr;
			size_t len;
		} text; /* TEXT, PREFIX, SUFFIX and, already folded, their _FOLDED forms */
		struct pb_number number;
		struct pb_range range;
		struct pb_cidr cidr;
		struct pb_wildcard wildcard;
		struct {
			struct pb_test *tests;
			size_t n;
		} none_of;
	};
};

/* Where the compiler is in the pattern, for errors: "detail.state[0].prefix". */
#define PB_PLACE_STEPS 80 /* more than objects may be nested; what is deeper is not looked for */
struct pb_place_step {
	size_t mark; /* length of the path before */
	struct pb_str key; /* borrowed; ptr is NULL for an index */
	size_t index;
};
struct pb_place {
	struct pb_buf path;
	struct pb_error *err;
	struct pb_place_step steps[PB_PLACE_STEPS];
	size_t n_steps;
};
/* Set line and column of err to where the place, at which compiling failed, is in the text. */
void pb_place_locate(const struct pb_place *pl, struct pb_str text);
/* Go one step in and remember the way back; leave with what enter returned. */
size_t pb_place_enter_key(struct pb_place *pl, const char *key, size_t len);
size_t pb_place_enter_index(struct pb_place *pl, size_t index);
void pb_place_leave(struct pb_place *pl, size_t mark);
/* pb_fail with the path of the place. */
int
pb_place_fail(struct pb_place *pl, enum pb_error_kind kind, const char *fmt, ...) PB_PRINTF(3, 4);

/*
 * Compile one member of a field's list into *ret.  On failure *ret needs no pb_test_fini.
 */
int pb_test_compile(struct pb_place *pl, const json_t *j, struct pb_test *ret);
void pb_test_fini(struct pb_test *t);

/*
 * Read an address of the family.  An IPv6 one that ends in an IPv4 one (::ffff:10.0.0.1) is none, as it is
 * none to the service.
 */
bool pb_cidr_read(int family, struct pb_str s, unsigned char ret[16]);

/*
 * Does a value, maybe of a tree of exact.h, that is there pass?  PB_TEST_ABSENT never does.  Objects and
 * arrays pass nothing.
 */
bool pb_test_passes(const struct pb_test *t, const json_t *value);

#endif
