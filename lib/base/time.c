/*
 * Instants, spans and sizes as text and back.  Own calendar arithmetic: it needs no time zone
 * files, no locale, and does the same everywhere.
 */
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>

#define DURATION_MAX (400 * PB_DAY)

static const char *const month_names[] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct civil {
	int64_t year;
	int month, day, hour, minute, second, ms;
	int weekday; /* 0 = Sunday */
};

/* Both ways follow Howard Hinnant's "chrono-compatible low-level date algorithms". */
int64_t
pb_days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static void
civil_date(struct civil *c, int64_t days)
{
	c->weekday = (int)(((days + 4) % 7 + 7) % 7);
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t doe = days - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c->year = yoe + era * 400 + (c->month <= 2);
}

static struct civil
civil_of(int64_t at)
{
	struct civil c;
	int64_t days = at / PB_DAY, rest = at % PB_DAY;
	if (rest < 0) {
		rest += PB_DAY;
		days--;
	}
	civil_date(&c, days);
	c.hour = (int)(rest / PB_HOUR);
	c.minute = (int)(rest / PB_MINUTE % 60);
	c.second = (int)(rest / PB_SECOND % 60);
	c.ms = (int)(rest % PB_SECOND);
	return c;
}

char *
pb_time_rfc3339(char out[PB_TIME_TEXT], int64_t at)
{
	struct civil c = civil_of(at);
	char ms[8] = "";
	if (at == PB_NEVER) {
		memcpy(out, "never", sizeof("never"));
		return out;
	}
	if (c.ms != 0)
		snprintf(ms, sizeof(ms), ".%03u", (unsigned)c.ms % 1000);
	snprintf(out, PB_TIME_TEXT, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d%sZ", c.year, c.month,
	    c.day, c.hour, c.minute, c.second, ms);
	return out;
}

char *
pb_time_basic(char out[PB_TIME_TEXT], int64_t at)
{
	struct civil c = civil_of(at);
	snprintf(out, PB_TIME_TEXT, "%04" PRId64 "%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day,
	    c.hour, c.minute, c.second);
	return out;
}

char *
pb_time_clock(char out[PB_TIME_TEXT], int64_t at)
{
	struct civil c = civil_of(at);
	snprintf(out, PB_TIME_TEXT, "%02d:%02d:%02d", c.hour, c.minute, c.second);
	return out;
}

char *
pb_time_http(char out[PB_TIME_TEXT], int64_t at)
{
	struct civil c = civil_of(at);
	snprintf(out, PB_TIME_TEXT, "%s, %02d %s %04" PRId64 " %02d:%02d:%02d GMT",
	    day_names[c.weekday], c.day, month_names[c.month - 1], c.year, c.hour, c.minute,
	    c.second);
	return out;
}

/* --- parsing: a cursor that remembers whether anything was not as expected */

struct cursor {
	struct pb_str rest;
	bool is_bad;
};

static bool
take(struct cursor *c, const char *any_of)
{
	if (c->is_bad || c->rest.len == 0 || c->rest.ptr[0] == '\0' ||
	    strchr(any_of, c->rest.ptr[0]) == NULL)
		return false;
	c->rest.ptr++;
	c->rest.len--;
	return true;
}

static void
need(struct cursor *c, const char *any_of)
{
	if (!take(c, any_of))
		c->is_bad = true;
}

static int
need_digits(struct cursor *c, int n_digits, int min, int max)
{
	int n = 0;
	for (int i = 0; i < n_digits; i++) {
		char digit = c->rest.len > 0 ? c->rest.ptr[0] : '\0';
		need(c, "0123456789");
		if (c->is_bad)
			return min;
		n = n * 10 + (digit - '0');
	}
	if (n < min || n > max)
		c->is_bad = true;
	return n;
}

/* One of three-letter names; returns its place. */
static int
need_name(struct cursor *c, const char *const *names, int n_names)
{
	for (int i = 0; i < n_names; i++) {
		if (pb_str_has_prefix(c->rest, pb_str_of(names[i]))) {
			c->rest.ptr += 3;
			c->rest.len -= 3;
			return i;
		}
	}
	c->is_bad = true;
	return 0;
}

static int
days_in_month(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && is_leap ? 29 : days[month - 1];
}

static int64_t
instant_of(struct cursor *c, const struct civil *t)
{
	if (c->is_bad || t->day > days_in_month(t->year, t->month)) {
		c->is_bad = true;
		return 0;
	}
	return pb_days_from_civil(t->year, t->month, t->day) * PB_DAY + t->hour * PB_HOUR +
	    t->minute * PB_MINUTE + t->second * PB_SECOND + t->ms;
}

/* Any number of digits after the point, of which three count. */
static int
take_fraction(struct cursor *c)
{
	int ms = 0, weight = 100;
	if (!take(c, ".,"))
		return 0;
	do {
		char digit = c->rest.len > 0 ? c->rest.ptr[0] : '\0';
		need(c, "0123456789");
		if (c->is_bad)
			return 0;
		ms += (digit - '0') * weight;
		weight /= 10;
	} while (c->rest.len > 0 && c->rest.ptr[0] >= '0' && c->rest.ptr[0] <= '9');
	return ms;
}

static int64_t
need_offset(struct cursor *c)
{
	if (take(c, "Zz"))
		return 0;
	bool is_west = c->rest.len > 0 && c->rest.ptr[0] == '-';
	need(c, "+-");
	int64_t offset = need_digits(c, 2, 0, 23) * PB_HOUR;
	if (c->rest.len > 0) {
		(void)take(c, ":");
		offset += need_digits(c, 2, 0, 59) * PB_MINUTE;
	}
	return is_west ? -offset : offset;
}

static void
need_clock(struct cursor *c, struct civil *t)
{
	t->hour = need_digits(c, 2, 0, 23);
	need(c, ":");
	t->minute = need_digits(c, 2, 0, 59);
	need(c, ":");
	t->second = need_digits(c, 2, 0, 60); /* 60: a leap second counts as the next one */
}

int
pb_time_parse(struct pb_str s, int64_t *ret_at, struct pb_error *err)
{
	struct cursor c = {.rest = s};
	struct civil t = {0};
	t.year = need_digits(&c, 4, 1970, 9999);
	need(&c, "-");
	t.month = need_digits(&c, 2, 1, 12);
	need(&c, "-");
	t.day = need_digits(&c, 2, 1, 31);
	need(&c, "Tt ");
	need_clock(&c, &t);
	t.ms = take_fraction(&c);
	int64_t offset = need_offset(&c);
	int64_t at = instant_of(&c, &t) - offset;
	if (c.is_bad || c.rest.len > 0 || at < 0) {
		char shown[64];
		return pb_fail(err, PB_SYNTAX,
		    "\"%s\" is not a time of the form 2026-03-03T09:14:05Z (years 1970 to 9999)",
		    pb_safe(shown, sizeof(shown), s));
	}
	*ret_at = at;
	return 0;
}

int
pb_time_parse_http(struct pb_str s, int64_t *ret_at, struct pb_error *err)
{
	struct cursor c = {.rest = s};
	struct civil t = {0};
	(void)need_name(&c, day_names, PB_ARRAY_LEN(day_names));
	need(&c, ",");
	need(&c, " ");
	t.day = need_digits(&c, 2, 1, 31);
	need(&c, " ");
	t.month = 1 + need_name(&c, month_names, PB_ARRAY_LEN(month_names));
	need(&c, " ");
	t.year = need_digits(&c, 4, 1970, 9999);
	need(&c, " ");
	need_clock(&c, &t);
	int64_t at = instant_of(&c, &t);
	if (c.is_bad || !pb_str_is(c.rest, " GMT")) {
		char shown[64];
		return pb_fail(err, PB_SYNTAX,
		    "\"%s\" is not a time of the form Tue, 03 Mar 2026 09:14:05 GMT",
		    pb_safe(shown, sizeof(shown), s));
	}
	*ret_at = at;
	return 0;
}

/* --- numbers with a unit */

struct unit {
	const char *name;
	int64_t factor;
};

static size_t
count_digits(struct pb_str s)
{
	size_t n = 0;
	while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
		n++;
	return n;
}

/* A whole number and one of `units`; 1 when it has no such form, -1 when it is over max. */
static int
parse_with_unit(
    struct pb_str s, const struct unit *units, size_t n_units, int64_t max, int64_t *ret)
{
	size_t n = count_digits(s);
	struct pb_str name = {s.ptr + n, s.len - n};
	if (n == 0)
		return 1;
	for (size_t i = 0; i < n_units; i++) {
		int64_t value;
		if (!pb_str_is(name, units[i].name))
			continue;
		if (pb_parse_i64(
			(struct pb_str){s.ptr, n}, 0, max / units[i].factor, &value, NULL) < 0)
			return -1;
		*ret = value * units[i].factor;
		return 0;
	}
	return 1;
}

int
pb_duration_parse(struct pb_str s, int64_t *ret, struct pb_error *err)
{
	static const struct unit units[] = {
	    {"ms", 1}, {"s", PB_SECOND}, {"m", PB_MINUTE}, {"h", PB_HOUR}, {"d", PB_DAY}};
	char shown[64];
	int rc = parse_with_unit(s, units, PB_ARRAY_LEN(units), DURATION_MAX, ret);
	if (rc == 0)
		return 0;
	pb_safe(shown, sizeof(shown), s);
	if (rc < 0)
		return pb_fail(err, PB_INVALID, "the duration %s is more than 400 days", shown);
	if (s.len > 0 && count_digits(s) == s.len)
		return pb_fail(err, PB_SYNTAX,
		    "the duration %s has no unit; write %ss, %sm, %sh or %sd", shown, shown, shown,
		    shown, shown);
	return pb_fail(err, PB_SYNTAX,
	    "\"%s\" is not a duration; write a whole number and one unit of ms, s, m, h, d, as 90s",
	    shown);
}

int
pb_size_parse(struct pb_str s, int64_t *ret, struct pb_error *err)
{
	static const struct unit units[] = {
	    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
	char shown[64];
	int rc = parse_with_unit(s, units, PB_ARRAY_LEN(units), INT64_MAX, ret);
	if (rc == 0)
		return 0;
	pb_safe(shown, sizeof(shown), s);
	if (rc < 0)
		return pb_fail(err, PB_INVALID, "the size %s is too large", shown);
	return pb_fail(err, PB_SYNTAX,
	    "\"%s\" is not a size; write a whole number of bytes, or with KiB, MiB or GiB, as "
	    "64KiB",
	    shown);
}

char *
pb_duration_text(char out[PB_TIME_TEXT], int64_t span)
{
	static const struct unit units[] = {
	    {"d", PB_DAY}, {"h", PB_HOUR}, {"m", PB_MINUTE}, {"s", PB_SECOND}};
	const char *sign = span < 0 ? "-" : "";
	uint64_t left = span < 0 ? 0 - (uint64_t)span : (uint64_t)span;
	size_t i = 0;
	if (span == PB_NEVER) {
		memcpy(out, "never", sizeof("never"));
		return out;
	}
	if (left > 0 && left < (uint64_t)PB_SECOND) {
		snprintf(out, PB_TIME_TEXT, "%s%" PRIu64 "ms", sign, left);
		return out;
	}
	if (left < (uint64_t)PB_MINUTE) {
		int n = snprintf(out, PB_TIME_TEXT, "%s%u.%03u", sign, (unsigned)(left / 1000),
		    (unsigned)(left % 1000));
		while (out[n - 1] == '0')
			n--;
		n -= out[n - 1] == '.';
		memcpy(out + n, "s", 2);
		return out;
	}
	while (left < (uint64_t)units[i].factor)
		i++;
	uint64_t whole = left / (uint64_t)units[i].factor;
	uint64_t part = left % (uint64_t)units[i].factor / (uint64_t)units[i + 1].factor;
	int n = snprintf(out, PB_TIME_TEXT, "%s%" PRIu64 "%s", sign, whole, units[i].name);
	if (part > 0)
		snprintf(
		    out + n, PB_TIME_TEXT - (size_t)n, "%" PRIu64 "%s", part, units[i + 1].name);
	return out;
}
