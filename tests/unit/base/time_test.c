/*
 * Instants, spans, sizes, and the clock.
 */
#include "base/time.h"

#include "base/clock.h"
#include "tests/unit/runner.h"

#define MARCH_3 INT64_C(1772529245000) /* 2026-03-03T09:14:05Z */

static const struct {
	const char *text;
	int64_t at; /* -1 = refused */
} instants[] = {
    {"2026-03-03T09:14:05Z", MARCH_3},
    {"2026-03-03T09:14:05.118Z", MARCH_3 + 118},
    {"2026-03-03T09:14:05.118+0000", MARCH_3 + 118},
    {"2026-03-03T09:14:05.118+00:00", MARCH_3 + 118},
    {"2026-03-03T10:14:05+01:00", MARCH_3},
    {"2026-03-03T10:14:05+01", MARCH_3},
    {"2026-03-03T03:44:05-0530", MARCH_3},
    {"2026-03-03 09:14:05z", MARCH_3},
    {"2026-03-03t09:14:05,5Z", MARCH_3 + 500},
    {"2026-03-03T09:14:05.118999999999Z", MARCH_3 + 118},
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T01:00:00+01:00", 0},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
    {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
    {"1970-01-01T00:00:00+01:00", -1},
    {"1969-12-31T23:59:59Z", -1},
    {"2026-02-29T00:00:00Z", -1},
    {"2100-02-29T00:00:00Z", -1},
    {"2026-04-31T00:00:00Z", -1},
    {"2026-13-01T00:00:00Z", -1},
    {"2026-00-01T00:00:00Z", -1},
    {"2026-03-03T24:00:00Z", -1},
    {"2026-03-03T09:60:05Z", -1},
    {"2026-03-03T09:14:05", -1},
    {"2026-03-03T09:14Z", -1},
    {"2026-03-03", -1},
    {"2026-3-3T09:14:05Z", -1},
    {"2026-03-03T09:14:05.Z", -1},
    {"2026-03-03T09:14:05+0", -1},
    {"2026-03-03T09:14:05+01:0", -1},
    {"2026-03-03T09:14:05+01:60", -1},
    {"2026-03-03T09:14:05Zx", -1},
    {" 2026-03-03T09:14:05Z", -1},
    {"12026-03-03T09:14:05Z", -1},
    {"", -1},
    {"now", -1},
};

START_TEST(an_instant_is_read_as_aws_writes_it)
{
	struct pb_error err = {0};
	int64_t at = -1;
	int rc = pb_time_parse(pb_str_of(instants[_i].text), &at, &err);
	ck_assert_msg(at == instants[_i].at, "\"%s\" gives %lld", instants[_i].text, (long long)at);
	ck_assert_int_eq(rc, instants[_i].at < 0 ? -1 : 0);
	ck_assert_int_eq(err.kind, instants[_i].at < 0 ? PB_SYNTAX : PB_OK);
}
END_TEST

START_TEST(a_nul_inside_a_time_is_refused)
{
	int64_t at;
	ck_assert_int_eq(
	    pb_time_parse((struct pb_str){"2026-03-03\00009:14:05Z", 20}, &at, NULL), -1);
}
END_TEST

START_TEST(an_instant_is_written_in_each_form)
{
	char out[PB_TIME_TEXT];
	ck_assert_str_eq(pb_time_rfc3339(out, MARCH_3), "2026-03-03T09:14:05Z");
	ck_assert_str_eq(pb_time_rfc3339(out, MARCH_3 + 7), "2026-03-03T09:14:05.007Z");
	ck_assert_str_eq(pb_time_rfc3339(out, 0), "1970-01-01T00:00:00Z");
	ck_assert_str_eq(pb_time_rfc3339(out, -1), "1969-12-31T23:59:59.999Z");
	ck_assert_str_eq(pb_time_rfc3339(out, PB_NEVER), "never");
	ck_assert_str_eq(pb_time_basic(out, MARCH_3), "20260303T091405Z");
	ck_assert_str_eq(pb_time_clock(out, MARCH_3), "09:14:05");
	ck_assert_str_eq(pb_time_http(out, MARCH_3), "Tue, 03 Mar 2026 09:14:05 GMT");
	ck_assert_str_eq(pb_time_http(out, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
}
END_TEST

START_TEST(no_instant_overruns_its_text)
{
	static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
	for (size_t i = 0; i < PB_ARRAY_LEN(ends); i++) {
		char out[PB_TIME_TEXT];
		ck_assert_uint_lt(strlen(pb_time_rfc3339(out, ends[i])), PB_TIME_TEXT);
		ck_assert_uint_lt(strlen(pb_time_basic(out, ends[i])), PB_TIME_TEXT);
		ck_assert_uint_lt(strlen(pb_time_http(out, ends[i])), PB_TIME_TEXT);
		ck_assert_uint_lt(strlen(pb_duration_text(out, ends[i])), PB_TIME_TEXT);
	}
}
END_TEST

START_TEST(every_day_of_400_years_comes_back)
{
	for (int64_t day = 0; day < 146097 + 366; day++) {
		char out[PB_TIME_TEXT];
		int64_t at = day * PB_DAY + 1, back = -1;
		ck_assert_int_eq(
		    pb_time_parse(pb_str_of(pb_time_rfc3339(out, at)), &back, NULL), 0);
		if (back != at)
			ck_abort_msg("%s", out);
		ck_assert_int_eq(
		    pb_time_parse_http(pb_str_of(pb_time_http(out, at)), &back, NULL), 0);
		if (back != at - 1)
			ck_abort_msg("%s", out);
	}
}
END_TEST

static const char *const broken_http[] = {"", "Tue, 03 Mar 2026 09:14:05",
    "03 Mar 2026 09:14:05 GMT", "Tue, 3 Mar 2026 09:14:05 GMT", "Tue, 03 Foo 2026 09:14:05 GMT",
    "Tuesday, 03-Mar-26 09:14:05 GMT", "Tue, 31 Feb 2026 09:14:05 GMT",
    "Tue, 03 Mar 2026 09:14:05 UTC", "Tue, 03 Mar 2026 09:14:05 GMT "};

START_TEST(another_http_date_is_refused)
{
	struct pb_error err = {0};
	int64_t at = 5;
	ck_assert_int_eq(pb_time_parse_http(pb_str_of(broken_http[_i]), &at, &err), -1);
	ck_assert_int_eq(err.kind, PB_SYNTAX);
	ck_assert_int_eq(at, 5);
}
END_TEST

static const struct {
	const char *text;
	enum pb_error_kind kind;
	int64_t span;
	const char *says;
} spans[] = {
    {"250ms", PB_OK, 250, NULL},
    {"90s", PB_OK, 90 * PB_SECOND, NULL},
    {"5m", PB_OK, 5 * PB_MINUTE, NULL},
    {"2h", PB_OK, 2 * PB_HOUR, NULL},
    {"400d", PB_OK, 400 * PB_DAY, NULL},
    {"0s", PB_OK, 0, NULL},
    {"401d", PB_INVALID, 0, "more than 400 days"},
    {"9601h", PB_INVALID, 0, "more than 400 days"},
    {"99999999999999999999s", PB_INVALID, 0, "more than 400 days"},
    {"90", PB_SYNTAX, 0, "no unit; write 90s"},
    {"", PB_SYNTAX, 0, "not a duration"},
    {"s", PB_SYNTAX, 0, "not a duration"},
    {"1.5h", PB_SYNTAX, 0, "not a duration"},
    {"-5m", PB_SYNTAX, 0, "not a duration"},
    {"5 m", PB_SYNTAX, 0, "not a duration"},
    {"5M", PB_SYNTAX, 0, "not a duration"},
    {"5min", PB_SYNTAX, 0, "not a duration"},
    {"1h30m", PB_SYNTAX, 0, "one unit"},
};

START_TEST(a_duration_has_one_number_and_one_unit)
{
	struct pb_error err = {0};
	int64_t span = 77;
	(void)pb_duration_parse(pb_str_of(spans[_i].text), &span, &err);
	ck_assert_msg(err.kind == spans[_i].kind, "\"%s\": %s", spans[_i].text, err.text);
	ck_assert_int_eq(span, err.kind == PB_OK ? spans[_i].span : 77);
	if (spans[_i].says != NULL)
		ck_assert_msg(strstr(err.text, spans[_i].says) != NULL, "%s", err.text);
}
END_TEST

static const struct {
	int64_t span;
	const char *text;
} span_texts[] = {{0, "0s"}, {1, "1ms"}, {250, "250ms"}, {999, "999ms"}, {1000, "1s"},
    {1500, "1.5s"}, {10000, "10s"}, {59999, "59.999s"}, {60000, "1m"}, {90000, "1m30s"},
    {90999, "1m30s"}, {5 * PB_MINUTE, "5m"}, {PB_HOUR, "1h"}, {PB_HOUR + 61 * PB_SECOND, "1h1m"},
    {PB_HOUR + PB_SECOND, "1h"}, {25 * PB_HOUR, "1d1h"}, {PB_DAY + PB_MINUTE, "1d"},
    {400 * PB_DAY, "400d"}, {-1500, "-1.5s"}, {-90000, "-1m30s"}, {PB_NEVER, "never"}};

START_TEST(a_duration_is_written_in_two_units)
{
	char out[PB_TIME_TEXT];
	ck_assert_str_eq(pb_duration_text(out, span_texts[_i].span), span_texts[_i].text);
}
END_TEST

static const struct {
	const char *text;
	enum pb_error_kind kind;
	int64_t size;
} sizes[] = {{"0", PB_OK, 0}, {"1024", PB_OK, 1024}, {"64KiB", PB_OK, 65536},
    {"2MiB", PB_OK, 2097152}, {"1GiB", PB_OK, 1073741824},
    {"9223372036854775807", PB_OK, INT64_MAX}, {"9223372036854775808", PB_INVALID, 0},
    {"8589934592GiB", PB_INVALID, 0}, {"8589934591GiB", PB_OK, INT64_C(8589934591) << 30},
    {"64KB", PB_SYNTAX, 0}, {"64kib", PB_SYNTAX, 0}, {"1.5MiB", PB_SYNTAX, 0}, {"-1", PB_SYNTAX, 0},
    {"", PB_SYNTAX, 0}, {"KiB", PB_SYNTAX, 0}, {"1 KiB", PB_SYNTAX, 0}};

START_TEST(a_size_is_in_bytes_or_binary_units)
{
	struct pb_error err = {0};
	int64_t size = 77;
	(void)pb_size_parse(pb_str_of(sizes[_i].text), &size, &err);
	ck_assert_msg(err.kind == sizes[_i].kind, "\"%s\": %s", sizes[_i].text, err.text);
	ck_assert_int_eq(size, err.kind == PB_OK ? sizes[_i].size : 77);
}
END_TEST

START_TEST(behind_a_clock_set_back_the_time_that_nobody_ran_counts)
{
	struct pb_clock c;
	struct pb_clock_mark mark, none = {0};
	int64_t stored = pb_clock_wall();
	pb_clock_init(&c, stored, &none);
	pb_clock_mark(&c, &mark);
	ck_assert_int_ne(mark.host_start, 0);
	/* As if it had been an hour ago, and the clock was set back by a day meanwhile. */
	mark.ahead += PB_HOUR;
	pb_clock_shift_wall(-PB_DAY);
	pb_clock_init(&c, stored, &mark);
	ck_assert_int_ge(pb_clock_durable(&c), stored + PB_HOUR);
	/* The next one goes on from there, and so does another process of the same start. */
	struct pb_clock_mark next;
	pb_clock_mark(&c, &next);
	ck_assert_int_eq(next.host_start, mark.host_start);
	ck_assert_int_ge(next.ahead, mark.ahead);
	/* Of another start of the host it says nothing, nor does one that is behind. */
	mark.host_start ^= 1;
	pb_clock_init(&c, stored, &mark);
	ck_assert_int_lt(pb_clock_durable(&c), stored + PB_HOUR);
	mark = (struct pb_clock_mark){.host_start = next.host_start, .ahead = -PB_DAY};
	pb_clock_init(&c, stored, &mark);
	ck_assert_int_ge(pb_clock_durable(&c), stored);
}
END_TEST

START_TEST(the_durable_clock_starts_no_earlier_than_what_is_stored)
{
	struct pb_clock c;
	const struct pb_clock_mark none = {0};
	int64_t wall = pb_clock_wall();
	pb_clock_init(&c, wall + PB_DAY, &none);
	ck_assert_int_ge(pb_clock_durable(&c), wall + PB_DAY);
	ck_assert_int_lt(pb_clock_durable(&c), wall + PB_DAY + PB_HOUR);
	pb_clock_init(&c, 0, &none);
	ck_assert_int_ge(pb_clock_durable(&c), wall);
	int64_t last = pb_clock_durable(&c);
	for (int i = 0; i < 1000; i++) {
		int64_t now = pb_clock_durable(&c);
		ck_assert_int_ge(now, last);
		last = now;
	}
}
END_TEST

PB_SUITE(time)
{
	pb_add_loop(s, an_instant_is_read_as_aws_writes_it, 0, PB_ARRAY_LEN(instants));
	pb_add(s, a_nul_inside_a_time_is_refused);
	pb_add(s, an_instant_is_written_in_each_form);
	pb_add(s, no_instant_overruns_its_text);
	pb_add(s, every_day_of_400_years_comes_back);
	pb_add_loop(s, another_http_date_is_refused, 0, PB_ARRAY_LEN(broken_http));
	pb_add_loop(s, a_duration_has_one_number_and_one_unit, 0, PB_ARRAY_LEN(spans));
	pb_add_loop(s, a_duration_is_written_in_two_units, 0, PB_ARRAY_LEN(span_texts));
	pb_add_loop(s, a_size_is_in_bytes_or_binary_units, 0, PB_ARRAY_LEN(sizes));
	pb_add(s, behind_a_clock_set_back_the_time_that_nobody_ran_counts);
	pb_add(s, the_durable_clock_starts_no_earlier_than_what_is_stored);
}
