/*
 * TZif, the POSIX rule behind it, and wall times.
 */
#include "playbook/zone.h"

#include <stdlib.h>

#define HEADER 44
#define COUNT_MAX 100000
/* No wall is further from UTC; Manila's was 15h56m behind until 1844. */
#define OFFSET_MAX (26 * PB_HOUR)

/* When a rule's clock change is: "M3.5.0/1", "J60", "59". */
struct when {
	enum { WHEN_MONTH, WHEN_JULIAN, WHEN_DAY } kind;
	int month, week, day;
	int64_t time; /* ms after midnight, may be negative or beyond a day */
};

struct pb_zone {
	size_t n; /* changes of offset */
	int64_t *at; /* ms, ascending */
	int64_t *offset; /* from then on */
	int64_t first; /* before the first */
	bool has_rule; /* from the last change on */
	bool has_summer;
	int64_t standard, summer;
	struct when begin, end; /* of summer time, by the wall of the moment before */
};

void
pb_zone_free(struct pb_zone *z)
{
	if (z == NULL)
		return;
	free(z->at);
	free(z->offset);
	free(z);
}

/* --- TZif */

static uint32_t
be32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t
be64(const char *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct counts {
	size_t ut, std, leap, time, type, chars;
};

static int
read_header(struct pb_str *s, struct counts *ret, struct pb_error *err)
{
	if (s->len < HEADER || memcmp(s->ptr, "TZif", 4) != 0)
		return pb_fail(err, PB_SYNTAX, "it is no TZif file");
	if (s->ptr[4] < '2')
		return pb_fail(err, PB_UNSUPPORTED, "it is a TZif file of version 1");
	size_t *to[] = {&ret->ut, &ret->std, &ret->leap, &ret->time, &ret->type, &ret->chars};
	for (size_t i = 0; i < PB_ARRAY_LEN(to); i++) {
		*to[i] = be32(s->ptr + 20 + 4 * i);
		if (*to[i] > COUNT_MAX)
			return pb_fail(err, PB_SYNTAX, "it counts %zu of something", *to[i]);
	}
	s->ptr += HEADER;
	s->len -= HEADER;
	return 0;
}

/* The block behind a header; `size` is that of a time. */
static size_t
block_size(const struct counts *c, size_t size)
{
	return c->time * (size + 1) + c->type * 6 + c->chars + c->leap * (size + 4) + c->std +
	    c->ut;
}

static int
skip_block(struct pb_str *s, const struct counts *c, size_t size, struct pb_error *err)
{
	if (s->len < block_size(c, size))
		return pb_fail(err, PB_SYNTAX, "it ends early");
	s->ptr += block_size(c, size);
	s->len -= block_size(c, size);
	return 0;
}

static int
read_block(struct pb_zone *z, const char *p, const struct counts *c, struct pb_error *err)
{
	const char *which = p + c->time * 8, *types = which + c->time;
	if (c->type == 0)
		return pb_fail(err, PB_SYNTAX, "it has no types");
	for (size_t i = 0; i < c->type; i++) {
		int64_t offset = (int32_t)be32(types + 6 * i) * PB_SECOND;
		if (offset > OFFSET_MAX || offset < -OFFSET_MAX)
			return pb_fail(err, PB_SYNTAX, "it is further than a day from UTC");
	}
	z->at = pb_calloc(c->time + 1, sizeof(*z->at));
	z->offset = pb_calloc(c->time + 1, sizeof(*z->offset));
	z->first = (int32_t)be32(types) * PB_SECOND;
	for (size_t i = 0; i < c->time; i++) {
		int64_t at = be64(p + 8 * i);
		size_t type = (unsigned char)which[i];
		if (type >= c->type || at > INT64_MAX / 4000 || at < INT64_MIN / 4000 ||
		    (i > 0 && at * PB_SECOND <= z->at[i - 1]))
			return pb_fail(err, PB_SYNTAX, "change %zu of it makes no sense", i + 1);
		z->at[i] = at * PB_SECOND;
		z->offset[i] = (int32_t)be32(types + 6 * type) * PB_SECOND;
	}
	z->n = c->time;
	return 0;
}

/* --- the rule, POSIX TZ: "GMT0BST,M3.5.0/1,M10.5.0", "<+03>-3" */

static int
skip_name(const char **p)
{
	const char *begin = *p;
	if (**p == '<') {
		const char *end = strchr(*p, '>');
		if (end == NULL)
			return -1;
		*p = end + 1;
		return 0;
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		(*p)++;
	return *p - begin >= 3 ? 0 : -1;
}

static int
read_number(const char **p, int max, int *ret)
{
	if (**p < '0' || **p > '9')
		return -1;
	*ret = 0;
	while (**p >= '0' && **p <= '9' && *ret <= max)
		*ret = *ret * 10 + *(*p)++ - '0';
	return *ret <= max ? 0 : -1;
}

/* [+-]hh[:mm[:ss]], ms */
static int
read_span(const char **p, int64_t *ret)
{
	static const int64_t units[] = {PB_HOUR, PB_MINUTE, PB_SECOND};
	int64_t sign = **p == '-' ? -1 : 1;
	*p += **p == '-' || **p == '+';
	*ret = 0;
	for (size_t i = 0; i < 3; i++) {
		int n;
		if (i > 0 && **p != ':')
			break;
		*p += i > 0;
		if (read_number(p, i == 0 ? 167 : 59, &n) < 0)
			return -1;
		*ret += n * units[i];
	}
	*ret *= sign;
	return 0;
}

static int
read_when(const char **p, struct when *ret)
{
	*ret = (struct when){.kind = WHEN_DAY, .time = 2 * PB_HOUR};
	if (*(*p)++ != ',')
		return -1;
	if (**p == 'M') {
		ret->kind = WHEN_MONTH;
		(*p)++;
		if (read_number(p, 12, &ret->month) < 0 || *(*p)++ != '.' ||
		    read_number(p, 5, &ret->week) < 0 || *(*p)++ != '.' ||
		    read_number(p, 6, &ret->day) < 0 || ret->month == 0 || ret->week == 0)
			return -1;
	} else {
		if (**p == 'J')
			ret->kind = WHEN_JULIAN;
		*p += **p == 'J';
		if (read_number(p, 365, &ret->day) < 0)
			return -1;
	}
	if (**p != '/')
		return 0;
	(*p)++;
	return read_span(p, &ret->time);
}

static int
read_rule(struct pb_zone *z, const char *p)
{
	if (*p == '\0')
		return 0;
	if (skip_name(&p) < 0 || read_span(&p, &z->standard) < 0)
		return -1;
	z->standard = -z->standard;
	z->has_rule = true;
	if (*p == '\0')
		return z->standard > OFFSET_MAX || z->standard < -OFFSET_MAX ? -1 : 0;
	z->has_summer = true;
	z->summer = z->standard + PB_HOUR;
	if (skip_name(&p) < 0)
		return -1;
	if (*p != ',') {
		if (read_span(&p, &z->summer) < 0)
			return -1;
		z->summer = -z->summer;
	}
	if (read_when(&p, &z->begin) < 0 || read_when(&p, &z->end) < 0 || *p != '\0')
		return -1;
	return z->standard > OFFSET_MAX || z->standard < -OFFSET_MAX || z->summer > OFFSET_MAX ||
		z->summer < -OFFSET_MAX
	    ? -1
	    : 0;
}

static int
read_footer(struct pb_zone *z, struct pb_str s, struct pb_error *err)
{
	const char *end = s.len < 2 ? NULL : memchr(s.ptr + 1, '\n', s.len - 1);
	if (end == NULL || s.ptr[0] != '\n')
		return pb_fail(err, PB_SYNTAX, "its last line is missing");
	PB_CLEANUP(pb_freep) char *rule = pb_strndup(s.ptr + 1, (size_t)(end - s.ptr - 1));
	char safe[64];
	if (read_rule(z, rule) < 0)
		return pb_fail(err, PB_SYNTAX, "its rule \"%s\" makes no sense",
		    pb_safe(safe, sizeof(safe), pb_str_of(rule)));
	return 0;
}

int
pb_zone_parse(struct pb_str s, struct pb_zone **ret, struct pb_error *err)
{
	struct counts c;
	PB_CLEANUP(pb_zone_freep) struct pb_zone *z = pb_calloc(1, sizeof(*z));
	/* A block of 32-bit times for old readers stands before the one that counts. */
	if (read_header(&s, &c, err) < 0 || skip_block(&s, &c, 4, err) < 0 ||
	    read_header(&s, &c, err) < 0)
		return -1;
	const char *block = s.ptr;
	if (skip_block(&s, &c, 8, err) < 0 || read_block(z, block, &c, err) < 0 ||
	    read_footer(z, s, err) < 0)
		return -1;
	*ret = PB_TAKE(z);
	return 0;
}

/* --- offsets */

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
year_of(int64_t wall)
{
	int64_t days = floor_div(wall, PB_DAY);
	int64_t y = 1970 + floor_div(days * 400, 146097);
	while (pb_days_from_civil(y, 1, 1) > days)
		y--;
	while (pb_days_from_civil(y + 1, 1, 1) <= days)
		y++;
	return y;
}

/* The wall time of a rule's change in a year. */
static int64_t
wall_of(const struct when *w, int64_t y)
{
	if (w->kind != WHEN_MONTH) {
		/* J counts from 1 and never counts 29 February. */
		int64_t day =
		    w->kind == WHEN_DAY ? w->day : w->day - 1 + (is_leap(y) && w->day >= 60);
		return (pb_days_from_civil(y, 1, 1) + day) * PB_DAY + w->time;
	}
	int64_t first = pb_days_from_civil(y, w->month, 1);
	int64_t next = w->month == 12 ? pb_days_from_civil(y + 1, 1, 1)
				      : pb_days_from_civil(y, w->month + 1, 1);
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (w->day - weekday + 7) % 7 + 7 * (w->week - 1);
	while (day >= next) /* week 5 is the last one */
		day -= 7;
	return day * PB_DAY + w->time;
}

static int64_t
rule_offset(const struct pb_zone *z, int64_t at)
{
	if (!z->has_summer)
		return z->standard;
	int64_t y = year_of(at + z->standard);
	int64_t begin = wall_of(&z->begin, y) - z->standard;
	int64_t end = wall_of(&z->end, y) - z->summer;
	bool is_summer = begin < end ? at >= begin && at < end : at >= begin || at < end;
	return is_summer ? z->summer : z->standard;
}

int64_t
pb_zone_offset(const struct pb_zone *z, int64_t at)
{
	if (z->has_rule && (z->n == 0 || at >= z->at[z->n - 1]))
		return rule_offset(z, at);
	if (z->n == 0 || at < z->at[0])
		return z->first;
	size_t low = 0, high = z->n; /* at[low] <= at < at[high] */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (z->at[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return z->offset[low];
}

/* The moment between low and high at which the offset stops being low's. */
static int64_t
jump(const struct pb_zone *z, int64_t low, int64_t high)
{
	int64_t before = pb_zone_offset(z, low);
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (pb_zone_offset(z, middle) == before)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* The offsets that hold before and after a change near `wall` give the two candidates. */
static int64_t
instant(const struct pb_zone *z, int64_t wall, bool is_last)
{
	int64_t early = pb_zone_offset(z, wall - OFFSET_MAX / 2 - PB_HOUR);
	int64_t late = pb_zone_offset(z, wall + OFFSET_MAX / 2 + PB_HOUR);
	int64_t a = wall - early, b = wall - late;
	bool a_fits = pb_zone_offset(z, a) == early, b_fits = pb_zone_offset(z, b) == late;
	if (a_fits && b_fits)
		return (a < b) == is_last ? b : a;
	if (a_fits || b_fits)
		return a_fits ? a : b;
	return a < b ? jump(z, a, b) : jump(z, b, a);
}

int64_t
pb_zone_first(const struct pb_zone *z, int64_t wall)
{
	return instant(z, wall, false);
}

int64_t
pb_zone_last(const struct pb_zone *z, int64_t wall)
{
	return instant(z, wall, true);
}

/* --- names and files */

bool
pb_zone_name_is_good(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > 64 || name[0] == '/' || name[len - 1] == '/' || name[0] == '-' ||
	    strstr(name, "//") != NULL)
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/") ==
	    len;
}

static pb_zone_reader *the_reader;

void
pb_zone_use(pb_zone_reader *reader)
{
	the_reader = reader;
}

/* Version 2, nothing in it, and the rule. */
static const char utc_header[HEADER] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
#define UTC_TYPE "\0\0\0\0\0\0UTC"

int
pb_zone_read(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	if (!pb_zone_name_is_good(name))
		return pb_fail(err, PB_INVALID, "it is no name of a time zone");
	if (strcmp(name, "UTC") == 0) {
		for (int i = 0; i < 2; i++) {
			(void)pb_buf_add(ret, utc_header, sizeof(utc_header));
			(void)pb_buf_add(ret, UTC_TYPE, sizeof(UTC_TYPE));
		}
		return pb_buf_adds(ret, "\nUTC0\n");
	}
	if (the_reader == NULL)
		return pb_fail(err, PB_NOT_FOUND, "no time zone but UTC is known here");
	return the_reader(name, ret, err);
}
