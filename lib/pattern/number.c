/*
 * Most numbers of an event are short: their digits fit 53 bits and the power of ten is exact in a double,
 * so that one division or multiplication rounds correctly.  What else there is goes by its digits.
 */
#include "pattern/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_DIGITS 15
#define EXACT_POWER 22
/* Powers of the first digit between which 15 digits make as many doubles. */
#define REAL_POWER_MIN (-290)
#define REAL_POWER_MAX 307
#define WHOLE_DIGITS 19 /* of the largest whole number in 64 bits */
#define EXPONENT_FAR (INT64_C(1) << 40) /* larger ones are taken for this */

_Static_assert(sizeof(double) == sizeof(int64_t), "a key holds either");

static const double powers[EXACT_POWER + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* --- digits */

/* The digits that count, without zeros around them: d.ddd times 10 to the power. */
struct digits {
	const char *at, *end; /* one of the characters may be '.'; none for zero */
	int64_t power;
	bool is_negative;
};

static int64_t
exponent_of(const char *at, const char *end)
{
	bool is_negative = *at == '-';
	int64_t ret = 0;

	for (at += *at == '-' || *at == '+'; at < end; at++)
		ret = ret < EXPONENT_FAR ? ret * 10 + (*at - '0') : ret;
	return is_negative ? -ret : ret;
}

static struct digits
digits_of(struct pb_str s)
{
	const char *end = s.ptr + s.len, *dot = NULL, *at = s.ptr + (s.ptr[0] == '-');
	struct digits d = {.is_negative = s.ptr[0] == '-'};

	for (; at < end && (*at | 0x20) != 'e'; at++) {
		if (*at == '.') {
			dot = at;
		} else if (*at != '0') {
			d.at = d.at == NULL ? at : d.at;
			d.end = at + 1;
		}
	}
	if (d.at == NULL)
		return (struct digits){.is_negative = false};
	const char *point = dot == NULL ? at : dot;
	d.power = (at < end ? exponent_of(at + 1, end) : 0) +
	    (d.at < point ? point - d.at - 1 : point - d.at);
	return d;
}

static size_t
count(const struct digits *d)
{
	size_t n = (size_t)(d->end - d->at);

	return n == 0 || memchr(d->at, '.', n) == NULL ? n : n - 1;
}

static int
compare_digits(const struct digits *a, const struct digits *b)
{
	bool is_a_zero = a->at == a->end, is_b_zero = b->at == b->end;
	int side = a->is_negative ? -1 : 1;

	if (is_a_zero)
		return is_b_zero ? 0 : b->is_negative ? 1 : -1;
	if (is_b_zero || a->is_negative != b->is_negative)
		return side;
	if (a->power != b->power)
		return a->power > b->power ? side : -side;
	for (const char *x = a->at, *y = b->at;; x++, y++) {
		x += x < a->end && *x == '.';
		y += y < b->end && *y == '.';
		if (x == a->end)
			return y == b->end ? 0 : -side;
		if (y == b->end)
			return side;
		if (*x != *y)
			return *x > *y ? side : -side;
	}
}

/* --- parsing */

static struct pb_number
whole_number(int64_t whole)
{
	return (struct pb_number){.kind = PB_NUMBER_WHOLE, .near = (double)whole, .whole = whole};
}

/* At most 19 digits, of a whole number. */
static bool
take_whole(const struct digits *d, int64_t *ret)
{
	int64_t value = 0;
	const char *at = d->at;

	for (int64_t i = 0; i <= d->power; i++) {
		at += at < d->end && *at == '.';
		int digit = at < d->end ? *at++ - '0' : 0;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			return false;
	}
	if (!d->is_negative && value == INT64_MIN)
		return false;
	*ret = d->is_negative ? value : -value;
	return true;
}

static double
real_of(const struct digits *d, size_t n)
{
	char text[EXACT_DIGITS + 32];
	size_t len = 0;

	text[len++] = d->is_negative ? '-' : '+';
	for (const char *at = d->at; at < d->end; at++)
		if (*at != '.')
			text[len++] = *at;
	(void)snprintf(text + len, sizeof(text) - len, "e%d", (int)(d->power - (int64_t)n + 1));
	return strtod(text, NULL);
}

static struct pb_number
parse_digits(struct pb_str s)
{
	struct digits d = digits_of(s);
	size_t n = count(&d);
	int64_t whole = 0;

	bool is_whole = n == 0 || (d.power >= (int64_t)n - 1 && d.power < WHOLE_DIGITS);
	if (n == 0 || (is_whole && take_whole(&d, &whole)))
		return whole_number(whole);
	if (n <= EXACT_DIGITS && d.power >= REAL_POWER_MIN && d.power <= REAL_POWER_MAX)
		return (struct pb_number){.kind = PB_NUMBER_REAL, .near = real_of(&d, n)};
	return (struct pb_number){.kind = PB_NUMBER_LONG, .decimal = NULL};
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
			return parse_digits(s);
	}
	if (!is_negative && value == INT64_MIN)
		return parse_digits(s);
	return whole_number(is_negative ? value : -value);
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
			return parse_digits(s);
		digits = digits * 10 + (c - '0');
		n_digits += digits != 0;
	}
	if (dot == 0)
		return parse_whole(s);

	size_t n_fraction = s.len - dot - 1;
	if (n_digits > EXACT_DIGITS || n_fraction > EXACT_POWER)
		return parse_digits(s);
	double value = (double)digits / powers[n_fraction];
	value = s.ptr[0] == '-' ? -value : value;
	int64_t whole = (int64_t)value; /* it has at most 15 digits */
	if ((double)whole == value)
		return whole_number(whole);
	return (struct pb_number){.kind = PB_NUMBER_REAL, .near = value};
}

int
pb_number_make(struct pb_str s, struct pb_number *ret, struct pb_error *err)
{
	struct pb_number n = pb_number_parse(s);

	if (n.kind == PB_NUMBER_LONG) {
		struct digits d = digits_of(s);
		if (s.len > PB_NUMBER_LEN_MAX)
			return pb_fail(err, PB_LIMIT,
			    "a number of %zu characters; at most %d are allowed", s.len,
			    PB_NUMBER_LEN_MAX);
		if (d.power < -PB_NUMBER_EXPONENT_MAX || d.power > PB_NUMBER_EXPONENT_MAX)
			return pb_fail(err, PB_LIMIT,
			    "a number with an exponent beyond %d, on either side of 0",
			    PB_NUMBER_EXPONENT_MAX);
		n.decimal = pb_malloc(sizeof(*n.decimal) + s.len + 1);
		memcpy(n.decimal->text, s.ptr, s.len);
		n.decimal->text[s.len] = '\0';
		n.decimal->len = s.len;
		n.near = strtod(n.decimal->text, NULL);
	}
	*ret = n;
	return 0;
}

void
pb_number_fini(struct pb_number *n)
{
	if (n->kind == PB_NUMBER_LONG)
		free(n->decimal);
	*n = (struct pb_number){0};
}

struct pb_number
pb_number_copy(struct pb_number n)
{
	if (n.kind == PB_NUMBER_LONG) {
		size_t size = sizeof(*n.decimal) + n.decimal->len + 1;
		struct pb_decimal *copy = pb_malloc(size);
		memcpy(copy, n.decimal, size);
		n.decimal = copy;
	}
	return n;
}

/* --- comparing */

#define SHORT_TEXT 32

/* The number as text, in `room` unless it has one. */
static struct pb_str
text_of(struct pb_number n, char room[SHORT_TEXT])
{
	int len = 0;

	switch (n.kind) {
	case PB_NUMBER_WHOLE:
		len = snprintf(room, SHORT_TEXT, "%lld", (long long)n.whole);
		break;
	case PB_NUMBER_REAL:
		len = snprintf(room, SHORT_TEXT, "%.*e", EXACT_DIGITS - 1, n.near);
		break;
	case PB_NUMBER_LONG:
		return (struct pb_str){n.decimal->text, n.decimal->len};
	}
	return (struct pb_str){room, (size_t)len};
}

static int
compare_long(struct pb_str s, struct pb_number b)
{
	char room[SHORT_TEXT];
	struct digits x = digits_of(s), y = digits_of(text_of(b, room));

	return compare_digits(&x, &y);
}

/* A REAL is no whole number of 64 bits: it is beyond them, or between two. */
static int
compare_whole_real(int64_t whole, double real)
{
	if (real >= 0x1p63)
		return -1;
	if (real < -0x1p63)
		return 1;
	double below = floor(real);
	return whole <= (int64_t)below ? -1 : 1;
}

int
pb_number_compare(struct pb_number a, struct pb_number b)
{
	if (a.kind == PB_NUMBER_LONG || b.kind == PB_NUMBER_LONG) {
		char room[SHORT_TEXT];
		return compare_long(text_of(a, room), b);
	}
	if (a.kind == PB_NUMBER_WHOLE && b.kind == PB_NUMBER_WHOLE)
		return a.whole < b.whole ? -1 : a.whole > b.whole;
	if (a.kind == PB_NUMBER_WHOLE)
		return compare_whole_real(a.whole, b.near);
	if (b.kind == PB_NUMBER_WHOLE)
		return -compare_whole_real(b.whole, a.near);
	return a.near < b.near ? -1 : a.near > b.near;
}

#define NEAR_CHARS 19 /* so many digits fit 64 bits */
#define NEAR_DIGITS                                                                                \
	UINT64_C(10000000000000000) /* what is cut behind them is less than 2^-53 of it */

/*
 * The value of s to within 2^-50 of itself: three roundings of 2^-53, and what is cut.  False where that is
 * not certain.
 */
static bool
approximate(struct pb_str s, double *ret)
{
	size_t len = s.len <= NEAR_CHARS ? s.len : NEAR_CHARS, i = s.ptr[0] == '-', dot = len;
	uint64_t digits = 0;

	for (; i < len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c == '.') {
			dot = i + 1;
			continue;
		}
		if (c < '0' || c > '9')
			return false;
		digits = digits * 10 + (c - '0');
	}
	if (len < s.len) {
		if (memchr(s.ptr, '.', len) == NULL || digits < NEAR_DIGITS)
			return false;
		for (; i < s.len; i++)
			if (s.ptr[i] < '0' || s.ptr[i] > '9')
				return false;
	}
	double value = (double)digits / powers[len - dot];
	*ret = s.ptr[0] == '-' ? -value : value;
	return true;
}

int
pb_number_compare_text(struct pb_str s, struct pb_number b)
{
	double near;

	if (approximate(s, &near)) {
		double gap = near - b.near,
		       doubt = (__builtin_fabs(near) + __builtin_fabs(b.near)) * 0x1p-49;
		if (gap > doubt)
			return 1;
		if (gap < -doubt)
			return -1;
	}
	struct pb_number a = pb_number_parse(s);
	if (a.kind == PB_NUMBER_LONG || b.kind == PB_NUMBER_LONG)
		return compare_long(s, b);
	return pb_number_compare(a, b);
}

/* --- keys */

size_t
pb_number_key(struct pb_number n, struct pb_str s, char ret[PB_NUMBER_KEY_MAX])
{
	size_t len = PB_NUMBER_KEY;

	if (n.kind != PB_NUMBER_LONG) {
		pb_number_key_short(n, ret);
		return len;
	}
	struct digits d =
	    digits_of(n.decimal == NULL ? s : (struct pb_str){n.decimal->text, n.decimal->len});
	if (count(&d) > PB_NUMBER_LEN_MAX)
		return 0;
	ret[0] = d.is_negative ? '-' : '+';
	memcpy(ret + 1, &d.power, sizeof(d.power));
	for (const char *at = d.at; at < d.end; at++)
		if (*at != '.')
			ret[len++] = *at;
	return len;
}
