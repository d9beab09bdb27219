/*
 * Compiling the tests whose values are amounts or addresses: numeric and cidr.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "pattern/test_compile.h"

/* --- numeric */

static int
fail_member(struct pb_place *pl, const char *what, const json_t *member)
{
	PB_CLEANUP(pb_freep) char *text = member == NULL ? NULL : pb_exact_text(member);
	char shown[64];
	struct pb_str s = member == NULL ? PB_STR("]")
	    : pb_exact_is_text(member)   ? pb_test_text_of(member)
	    : json_is_object(member)     ? PB_STR("{")
	    : json_is_array(member)      ? PB_STR("[")
					 : pb_str_of(text);

	return pb_place_fail(pl, PB_INVALID, "%s: %s", what, pb_safe(shown, sizeof(shown), s));
}

static int
numeric_value(
    struct pb_place *pl, const json_t *list, size_t at, const char *op, struct pb_number *ret)
{
	const json_t *value = json_array_get(list, at);

	if (!pb_exact_is_number(value))
		return pb_place_fail(pl, PB_INVALID, "Value of %s must be numeric",
		    strcmp(op, "=") == 0 ? "equals" : op);
	return pb_test_set_number(pl, value, ret);
}

/* The second half of ["> or >=", low, "< or <=", high]. */
static int
numeric_top(struct pb_place *pl, const json_t *list, struct pb_range *r)
{
	const json_t *op = json_array_get(list, 2);

	if (!pb_exact_is_text(op))
		return fail_member(pl, "Bad value in numeric range", op);
	const char *sign = json_string_value(op);
	if (strcmp(sign, "<") != 0 && strcmp(sign, "<=") != 0)
		return fail_member(pl, "Bad numeric range operator", op);
	r->has_high = true;
	r->is_high_in = sign[1] == '=';
	if (numeric_value(pl, list, 3, sign, &r->high) < 0)
		return -1;
	if (json_array_size(list) > 4)
		return pb_place_fail(pl, PB_INVALID, "Too many terms in numeric range expression");
	if (pb_number_compare(r->low, r->high) >= 0)
		return pb_place_fail(pl, PB_INVALID, "Bottom must be less than top");
	return 0;
}

int
pb_test_compile_numeric(struct pb_place *pl, const json_t *list, struct pb_test *ret)
{
	static const char *const ops[] = {"=", "<", "<=", ">", ">="};

	if (!json_is_array(list))
		return pb_place_fail(pl, PB_INVALID, "Value of numeric must be an array.");
	const json_t *op = json_array_get(list, 0);
	if (!pb_exact_is_text(op))
		return fail_member(pl, "Invalid member in numeric match", op);

	const char *sign = json_string_value(op);
	bool is_known = false;
	for (size_t i = 0; i < PB_ARRAY_LEN(ops); i++)
		is_known = is_known || strcmp(sign, ops[i]) == 0;
	if (!is_known)
		return fail_member(pl, "Unrecognized numeric range operator", op);

	PB_CLEANUP(pb_number_fini) struct pb_number n = {0};
	if (numeric_value(pl, list, 1, sign, &n) < 0)
		return -1;
	struct pb_test t = {.op = PB_TEST_RANGE};
	t.range = (struct pb_range){
	    .has_low = sign[0] != '<',
	    .has_high = sign[0] != '>',
	    .is_low_in = sign[0] == '=' || sign[1] == '=',
	    .is_high_in = sign[0] == '=' || sign[1] == '=',
	};
	if (json_array_size(list) > 2 && sign[0] != '>')
		return pb_place_fail(pl, PB_INVALID, "Too many elements in numeric expression");
	if (t.range.has_low)
		t.range.low = pb_number_copy(n);
	if (t.range.has_high)
		t.range.high = pb_number_copy(n);
	if (json_array_size(list) > 2 && numeric_top(pl, list, &t.range) < 0) {
		pb_test_fini(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

/* --- cidr */

/* "Nonstandard" is, to the service, what does not even look like an address. */
static int
compile_address(struct pb_place *pl, struct pb_str s, struct pb_cidr *c)
{
	char shown[64];
	bool has_colon = memchr(s.ptr, ':', s.len) != NULL;
	size_t n_dots = 0, n_odd = 0;

	c->family = has_colon ? AF_INET6 : AF_INET;
	if (pb_cidr_read(c->family, s, c->net))
		return 0;
	for (size_t i = 0; i < s.len; i++) {
		n_dots += s.ptr[i] == '.';
		n_odd +=
		    strchr(has_colon ? "0123456789abcdefABCDEF:" : "0123456789.", s.ptr[i]) == NULL;
	}
	bool looks_right = n_odd == 0 && (has_colon || n_dots == 3);
	return pb_place_fail(pl, PB_INVALID, "%s IP address: %s",
	    looks_right ? "Invalid" : "Nonstandard", pb_safe(shown, sizeof(shown), s));
}

int
pb_test_compile_cidr(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!pb_exact_is_text(value)) /* "prefix" is what the service says here */
		return pb_place_fail(pl, PB_INVALID, "prefix match pattern must be a string");

	struct pb_str s = pb_test_text_of(value);
	const char *slash = memchr(s.ptr, '/', s.len);
	if (slash == NULL || slash != memrchr(s.ptr, '/', s.len) || slash == s.ptr + s.len - 1)
		return pb_place_fail(pl, PB_INVALID, "Malformed CIDR, one '/' required");

	size_t len = (size_t)(slash - s.ptr);
	int64_t bits = 0;
	struct pb_error ignored = {0};
	struct pb_str mask = {slash + 1, s.len - len - 1};
	if (mask.len > 1 && mask.ptr[0] == '+' &&
	    mask.ptr[1] != '-') /* Integer.parseInt takes it */
		mask = (struct pb_str){mask.ptr + 1, mask.len - 1};
	if (pb_parse_i64(mask, INT32_MIN, INT32_MAX, &bits, &ignored) < 0)
		return pb_place_fail(
		    pl, PB_INVALID, "Malformed CIDR, mask bits must be an integer");
	if (bits < 0)
		return pb_place_fail(
		    pl, PB_INVALID, "Malformed CIDR, mask bits must not be negative");

	struct pb_cidr c = {0};
	if (compile_address(pl, (struct pb_str){s.ptr, len}, &c) < 0)
		return -1;
	if (bits > (c.family == AF_INET ? 32 : 128))
		return pb_place_fail(pl, PB_INVALID, "%s mask bits must be <= %d",
		    c.family == AF_INET ? "IPv4" : "IPv6", c.family == AF_INET ? 32 : 128);
	c.bits = (unsigned)bits;
	ret->op = PB_TEST_CIDR;
	ret->cidr = c;
	return 0;
}
