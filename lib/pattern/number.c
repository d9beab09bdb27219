/*
 * Numbers of an event.  Most are short: their digits fit 53 bits and the power of ten is exact in a
 * double, so that one division or multiplication rounds correctly.  strtod does the others.
 */
#include "pattern/number.h"

#include <stdlib.h>

#define EXACT_DIGITS 15
#define EXACT_POWER 22
#define SHORT 63 /* characters that strtod is given from the stack */

static const double powers[EXACT_POWER + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static double
parse_real(struct pb_str s)
{
	char text[SHORT + 1];

	if (s.len <= SHORT) {
		memcpy(text, s.ptr, s.len);
		text[s.len] = '\0';
		return strtod(text, NULL);
	}
	PB_CLEANUP(pb_freep) char *copy = pb_strndup(s.ptr, s.len);
	return strtod(copy, NULL);
}

/* A number without '.' and exponent, that may not fit. */
static struct pb_number
parse_whole(struct pb_str s)
{
	bool is_negative = s.ptr[0] == '-';
	int64_t value = 0;

	for (size_t i = is_negative; i < s.len; i++) {
		int digit = s.ptr[i] - '0';
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			return (struct pb_number){.real = parse_real(s)};
	}
	if (!is_negative && value == INT64_MIN)
		return (struct pb_number){.real = parse_real(s)};
	return (struct pb_number){.is_whole = true, .whole = is_negative ? value : -value};
}

struct pb_number
pb_number_parse(struct pb_str s)
{
	size_t i = s.ptr[0] == '-', dot = 0;
	uint64_t digits = 0;
	size_t n_digits = 0;

	for (; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c == '.') {
			dot = i;
			continue;
		}
		if (c < '0' || c > '9')
			return (struct pb_number){.real = parse_real(s)};
		digits = digits * 10 + (c - '0');
		n_digits += digits != 0;
	}
	if (dot == 0)
		return parse_whole(s);

	size_t n_fraction = s.len - dot - 1;
	if (n_digits > EXACT_DIGITS || n_fraction > EXACT_POWER)
		return (struct pb_number){.real = parse_real(s)};
	double value = (double)digits / powers[n_fraction];
	return (struct pb_number){.real = s.ptr[0] == '-' ? -value : value};
}

/*
 * The value of s to within 2^-50 of itself: three roundings of 2^-53.  False where that is not
 * certain.
 */
static bool
approximate(struct pb_str s, double *ret)
{
	size_t i = s.ptr[0] == '-', dot = s.len;
	uint64_t digits = 0;

	if (s.len > 19) /* so many digits fit 64 bits */
		return false;
	for (; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c == '.') {
			dot = i + 1;
			continue;
		}
		if (c < '0' || c > '9')
			return false;
		digits = digits * 10 + (c - '0');
	}
	double value = (double)digits / powers[s.len - dot];
	*ret = s.ptr[0] == '-' ? -value : value;
	return true;
}

int
pb_number_compare_text(struct pb_str s, struct pb_number b)
{
	double near, bound = b.is_whole ? (double)b.whole : b.real;

	if (approximate(s, &near)) {
		double gap = near - bound,
		       doubt = (__builtin_fabs(near) + __builtin_fabs(bound)) * 0x1p-49;
		if (gap > doubt)
			return 1;
		if (gap < -doubt)
			return -1;
	}
	return pb_number_compare(pb_number_parse(s), b);
}
