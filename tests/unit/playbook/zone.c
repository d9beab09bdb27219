/*
 * Time zones, and who is on call across clock changes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "playbook/zone.h"
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

static int64_t
at(const char *text)
{
	struct pb_error err;
	int64_t ret = 0;
	ck_assert_msg(pb_time_parse(pb_str_of(text), &ret, &err) == 0, "%s: %s", text, err.text);
	return ret;
}

static struct pb_zone *
zone_of(const char *rule)
{
	struct pb_zone *z = NULL;
	struct pb_error err;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_test_tzif(&b, rule);
	ck_assert_msg(pb_zone_parse(pb_buf_str(&b), &z, &err) == 0, "%s: %s", rule, err.text);
	return z;
}

#define LONDON "GMT0BST,M3.5.0/1,M10.5.0"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
#define SYDNEY "AEST-10AEDT,M10.1.0,M4.1.0/3"
#define NUUK "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"
#define KOLKATA "IST-5:30"

/* A wall time is written as if it were UTC. */
static const struct {
	const char *rule, *wall, *first, *last;
} walls[] = {
    {LONDON, "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z"},
    {LONDON, "2026-07-15T12:00:00Z", "2026-07-15T11:00:00Z", "2026-07-15T11:00:00Z"},
    {LONDON, "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z"},
    {LONDON, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
    {LONDON, "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
    {LONDON, "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
    {LONDON, "2026-10-25T00:59:59Z", "2026-10-24T23:59:59Z", "2026-10-24T23:59:59Z"},
    {LONDON, "2026-10-25T01:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
    {LONDON, "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
    {LONDON, "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"},
    {NEW_YORK, "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"},
    {NEW_YORK, "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"},
    {NEW_YORK, "2026-12-31T23:30:00Z", "2027-01-01T04:30:00Z", "2027-01-01T04:30:00Z"},
    {LORD_HOWE, "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z", "2026-10-03T15:30:00Z"},
    {LORD_HOWE, "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"},
    {SYDNEY, "2026-01-15T12:00:00Z", "2026-01-15T01:00:00Z", "2026-01-15T01:00:00Z"},
    {SYDNEY, "2026-04-05T02:30:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"},
    {NUUK, "2026-03-28T23:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
    {KOLKATA, "2026-06-01T00:00:00Z", "2026-05-31T18:30:00Z", "2026-05-31T18:30:00Z"},
    {"UTC0", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"},
};

START_TEST(a_wall_time_has_a_first_and_a_last_instant)
{
	PB_CLEANUP(pb_zone_freep) struct pb_zone *z = zone_of(walls[_i].rule);
	char first[PB_TIME_TEXT], last[PB_TIME_TEXT];
	int64_t wall = at(walls[_i].wall);
	ck_assert_str_eq(pb_time_rfc3339(first, pb_zone_first(z, wall)), walls[_i].first);
	ck_assert_str_eq(pb_time_rfc3339(last, pb_zone_last(z, wall)), walls[_i].last);
}
END_TEST

START_TEST(each_instant_is_found_by_its_own_wall_time)
{
	static const char *const rules[] = {LONDON, NEW_YORK, LORD_HOWE, SYDNEY, NUUK, KOLKATA};
	PB_CLEANUP(pb_zone_freep) struct pb_zone *z = zone_of(rules[_i]);
	for (int64_t t = at("2027-01-01T00:00:00Z"); t < at("2029-01-01T00:00:00Z");
	     t += 7 * PB_MINUTE) {
		int64_t wall = t + pb_zone_offset(z, t);
		int64_t first = pb_zone_first(z, wall), last = pb_zone_last(z, wall);
		ck_assert(first == t || last == t);
		ck_assert_int_le(first, last);
		ck_assert_int_le(last - first, PB_HOUR);
	}
}
END_TEST

/* The system's own files, with all that was ever decreed, where there are any. */
START_TEST(the_systems_zones_are_read)
{
	static const struct {
		const char *name, *at;
		int64_t offset;
	} rows[] = {
	    {"Europe/London", "1970-06-01T00:00:00Z", PB_HOUR},
	    {"Europe/London", "2026-10-25T00:59:59Z", PB_HOUR},
	    {"Europe/London", "2026-10-25T01:00:00Z", 0},
	    {"Europe/London", "2090-07-01T00:00:00Z", PB_HOUR},
	    {"America/New_York", "2006-03-20T12:00:00Z", -5 * PB_HOUR},
	    {"America/New_York", "2007-03-20T12:00:00Z", -4 * PB_HOUR},
	    {"Pacific/Apia", "2011-12-30T09:59:59Z", -10 * PB_HOUR},
	    {"Pacific/Apia", "2011-12-30T10:00:00Z", 14 * PB_HOUR},
	    {"Asia/Kolkata", "2026-01-01T00:00:00Z", 5 * PB_HOUR + 30 * PB_MINUTE},
	};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		PB_CLEANUP(pb_freep)
		char *path = pb_asprintf("/usr/share/zoneinfo/%s", rows[i].name);
		size_t len = 0;
		PB_CLEANUP(pb_freep) char *bytes = pb_test_try_read(path, &len);
		if (bytes == NULL) {
			printf("SKIP zone %s: the system has no %s\n", rows[i].name, path);
			continue;
		}
		struct pb_error err;
		PB_CLEANUP(pb_zone_freep) struct pb_zone *z = NULL;
		int rc = pb_zone_parse((struct pb_str){bytes, len}, &z, &err);
		ck_assert_msg(rc == 0, "%s: %s", rows[i].name, err.text);
		ck_assert_msg(pb_zone_offset(z, at(rows[i].at)) == rows[i].offset, "%s at %s",
		    rows[i].name, rows[i].at);
	}
}
END_TEST

START_TEST(a_file_that_is_cut_is_refused)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_test_tzif(&b, LONDON);
	for (size_t len = 0; len < b.len; len++) {
		struct pb_zone *z = NULL;
		struct pb_error err = {0};
		PB_CLEANUP(pb_freep) char *part = pb_malloc(len + 1);
		memcpy(part, b.ptr, len);
		ck_assert_int_eq(pb_zone_parse((struct pb_str){part, len}, &z, &err), -1);
		ck_assert_str_ne(err.text, "");
	}
}
END_TEST

START_TEST(a_rule_that_makes_no_sense_is_refused)
{
	static const char *const rules[] = {"GMT", "0", "GMT0BST", "GMT0BST,M3.5.0/1",
	    "GMT0BST,M13.5.0,M10.5.0", "GMT0BST,M3.6.0,M10.5.0", "GMT0BST,M3.5.7,M10.5.0",
	    "GMT0BST,M3.5.0,M10.5.0x", "<+1", "GMT99BST,M3.5.0,M10.5.0", "GMT0BST,J366,J1",
	    "GMT999999999999"};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_zone *z = NULL;
	struct pb_error err;
	pb_test_tzif(&b, rules[_i]);
	ck_assert_msg(pb_zone_parse(pb_buf_str(&b), &z, &err) == -1, "%s", rules[_i]);
}
END_TEST

/* --- schedules */

static struct pb_config *
schedule(const char *tz, const char *rotation, const char *overrides)
{
	pb_zone_use(pb_test_zone);
	PB_CLEANUP(pb_freep)
	char *text =
	    pb_asprintf("version: 1\n"
			"contacts: [{name: a}, {name: b}, {name: c}]\n"
			"unmatched: {alarms: drop, events: drop}\n"
			"schedules: [{name: s, tz: %s, rotation: {%s}, overrides: [%s]}]\n",
		tz, rotation, overrides);
	return pb_test_load(text);
}

static const char *
on_call(const struct pb_config *c, const char *when)
{
	const size_t *people;
	size_t n;
	pb_schedule_on_call(&c->schedules[0], at(when), &people, &n);
	return n == 0 ? "-" : c->contacts[people[0]].name;
}

#define WEEKLY "people: [a, b, c], every: 7d, handoff: \"mon 10:00\", anchor: 2026-01-05"
#define DAILY "people: [a, b], every: 24h, handoff: \"01:30\", anchor: 2026-01-01"
#define HOURLY "people: [a, b, c], every: 1h, handoff: \"00:00\", anchor: 2026-01-01"

static const struct {
	const char *tz, *rotation, *overrides, *when, *who;
} shifts[] = {
    {"Europe/London", WEEKLY, "", "2026-01-05T09:59:59Z", "c"},
    {"Europe/London", WEEKLY, "", "2026-01-05T10:00:00Z", "a"},
    {"Europe/London", WEEKLY, "", "2026-01-12T10:00:00Z", "b"},
    {"Europe/London", WEEKLY, "", "2026-03-30T08:59:59Z", "c"}, /* the wall, not UTC */
    {"Europe/London", WEEKLY, "", "2026-03-30T09:00:00Z", "a"},
    {"Europe/London", WEEKLY, "", "2026-10-26T09:59:59Z", "c"},
    {"Europe/London", WEEKLY, "", "2026-10-26T10:00:00Z", "a"},
    {"America/New_York", WEEKLY, "", "2026-01-05T14:59:59Z", "c"},
    {"America/New_York", WEEKLY, "", "2026-01-05T15:00:00Z", "a"},
    /* 01:30 is skipped on 29 March: the shift begins at the jump, 01:00Z. */
    {"Europe/London", DAILY, "", "2026-03-29T00:59:59Z", "a"},
    {"Europe/London", DAILY, "", "2026-03-29T01:00:00Z", "b"},
    {"Europe/London", DAILY, "", "2026-03-30T00:29:59Z", "b"},
    {"Europe/London", DAILY, "", "2026-03-30T00:30:00Z", "a"},
    /* 01:30 comes twice on 25 October: the shift begins at the first. */
    {"Europe/London", DAILY, "", "2026-10-25T00:29:59Z", "a"},
    {"Europe/London", DAILY, "", "2026-10-25T00:30:00Z", "b"},
    {"Europe/London", DAILY, "", "2026-10-25T01:30:00Z", "b"},
    {"Europe/London", DAILY, "", "2026-10-26T01:29:59Z", "b"},
    {"Europe/London", DAILY, "", "2026-10-26T01:30:00Z", "a"},
    /* Hours follow the wall: the repeated one is one shift of two hours, the skipped one none. */
    {"Europe/London", HOURLY, "", "2026-10-24T23:30:00Z", "a"}, /* 00:30 */
    {"Europe/London", HOURLY, "", "2026-10-25T00:30:00Z", "b"}, /* 01:30 */
    {"Europe/London", HOURLY, "", "2026-10-25T01:30:00Z", "b"}, /* 01:30 again */
    {"Europe/London", HOURLY, "", "2026-10-25T02:30:00Z", "c"}, /* 02:30 */
    {"Europe/London", HOURLY, "", "2026-03-29T00:30:00Z", "a"}, /* 00:30 */
    {"Europe/London", HOURLY, "", "2026-03-29T01:30:00Z", "c"}, /* 02:30 */
    {"Australia/Lord_Howe", HOURLY, "", "2026-04-04T14:45:00Z", "b"}, /* 01:45 */
    {"Australia/Lord_Howe", HOURLY, "", "2026-04-04T15:15:00Z", "b"}, /* 01:45 again */
    {"Australia/Lord_Howe", HOURLY, "", "2026-04-04T15:45:00Z", "c"}, /* 02:15 */
    /* Before its anchor a rotation has turned all the same. */
    {"Europe/London", WEEKLY, "", "2025-12-29T10:00:00Z", "c"},
    {"Europe/London", WEEKLY, "", "2025-12-22T10:00:00Z", "b"},
    /* An override begins at the first occurrence and ends at the last. */
    {"Europe/London", WEEKLY,
	"{people: [], from: \"2026-10-25 01:30\", until: \"2026-10-25 01:45\"}",
	"2026-10-25T00:29:59Z", "c"},
    {"Europe/London", WEEKLY,
	"{people: [], from: \"2026-10-25 01:30\", until: \"2026-10-25 01:45\"}",
	"2026-10-25T00:30:00Z", "-"},
    {"Europe/London", WEEKLY,
	"{people: [], from: \"2026-10-25 01:30\", until: \"2026-10-25 01:45\"}",
	"2026-10-25T01:44:59Z", "-"},
    {"Europe/London", WEEKLY,
	"{people: [], from: \"2026-10-25 01:30\", until: \"2026-10-25 01:45\"}",
	"2026-10-25T01:45:00Z", "c"},
    /* Of two that cover an instant the last counts. */
    {"UTC", WEEKLY,
	"{people: [b], from: \"2026-01-06 00:00\", until: \"2026-01-08 00:00\"}, "
	"{people: [c], from: \"2026-01-07 00:00\", until: \"2026-01-09 00:00\"}",
	"2026-01-06T12:00:00Z", "b"},
    {"UTC", WEEKLY,
	"{people: [b], from: \"2026-01-06 00:00\", until: \"2026-01-08 00:00\"}, "
	"{people: [c], from: \"2026-01-07 00:00\", until: \"2026-01-09 00:00\"}",
	"2026-01-07T12:00:00Z", "c"},
};

START_TEST(somebody_is_on_call_by_the_wall)
{
	struct pb_config *c = schedule(shifts[_i].tz, shifts[_i].rotation, shifts[_i].overrides);
	ck_assert_msg(strcmp(on_call(c, shifts[_i].when), shifts[_i].who) == 0, "%s: %s, not %s",
	    shifts[_i].when, on_call(c, shifts[_i].when), shifts[_i].who);
	pb_config_unref(c);
}
END_TEST

START_TEST(a_plan_from_the_store_keeps_its_zone)
{
	struct pb_config *c = schedule("Europe/London", WEEKLY, ""), *back = NULL;
	struct pb_error err;
	PB_JSON json_t *j = pb_config_to_json(c);
	pb_zone_use(NULL);
	ck_assert_msg(pb_config_from_json(j, &back, &err) == 0, "%s", err.text);
	ck_assert_str_eq(on_call(back, "2026-03-30T08:59:59Z"), "c");
	ck_assert_str_eq(on_call(back, "2026-03-30T09:00:00Z"), "a");
	pb_config_unref(back);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(zone)
{
	pb_add_loop(s, a_wall_time_has_a_first_and_a_last_instant, 0, PB_ARRAY_LEN(walls));
	pb_add_loop(s, each_instant_is_found_by_its_own_wall_time, 0, 6);
	pb_add(s, the_systems_zones_are_read);
	pb_add(s, a_file_that_is_cut_is_refused);
	pb_add_loop(s, a_rule_that_makes_no_sense_is_refused, 0, 12);
	pb_add_loop(s, somebody_is_on_call_by_the_wall, 0, PB_ARRAY_LEN(shifts));
	pb_add(s, a_plan_from_the_store_keeps_its_zone);
}
