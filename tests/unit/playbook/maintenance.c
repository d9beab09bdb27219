/*
 * Maintenance windows: what is refused, and when they are open across clock changes.
 */
#include <stdlib.h>

#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define HEAD "version: 1\nunmatched: {alarms: drop, events: drop}\nmaintenance:\n"
#define WINDOW(rest) HEAD "  - {name: w, match: {source: [a]}, " rest "}\n"
#define WEEKLY "when: {tz: UTC, start: \"02:00\", for: 2h}"

static const struct pb_test_bad rows[] = {
    {"no name, no match and no when", HEAD "  - {owner: x}\n",
	{"4:5: maintenance window needs the key match: an EventBridge event pattern",
	    "4:5: maintenance window needs the key name",
	    "4:5: maintenance window needs the key when"}},
    {"two of a name",
	HEAD "  - {name: w, match: {source: [a]}, " WEEKLY "}\n"
	     "  - {name: w, match: {source: [a]}, " WEEKLY "}\n",
	{"5:12: maintenance window \"w\" is defined already in t.yaml:4"}},
    {"a key that is none", WINDOW(WEEKLY ", notify: hold"),
	{"4:79: unknown key \"notify\" in maintenance window"}},
    {"a window for what no alarm has",
	HEAD
	"  - {name: w, match: {source: [aws.cloudwatch], detail: {alarmname: [x]}}, when: {tz: "
	"UTC, start: \"02:00\", for: 1h}}\n",
	{"4:69: match can never fit: detail.alarmname is in no \"CloudWatch Alarm State Change\" "
	 "event (did you mean detail.alarmName?)"}},
    {"a pattern that is none", HEAD "  - {name: w, match: {source: a}, " WEEKLY "}\n",
	{"4:31: match source: \"source\" must be an object or an array"}},
    {"a zone that nobody knows", WINDOW("when: {tz: Mars/Base, start: \"02:00\", for: 2h}"),
	{"4:48: tz \"Mars/Base\": no time zone but UTC is known here; write a name as "
	 "Europe/London or UTC"}},
    {"neither again nor once", WINDOW("when: {tz: UTC}"),
	{"4:43: when needs start and for, as start: \"02:00\", for: 2h; or, for once, from and "
	 "until"}},
    {"no length", WINDOW("when: {tz: UTC, start: \"02:00\"}"),
	{"4:43: when needs start and for, as start: \"02:00\", for: 2h; or, for once, from and "
	 "until"}},
    {"no days", WINDOW("when: {tz: UTC, days: [], start: \"02:00\", for: 2h}"),
	{"4:59: the list of days is empty"}},
    {"a day in full", WINDOW("when: {tz: UTC, days: [sunday], start: \"02:00\", for: 2h}"),
	{"4:60: \"sunday\" is not one of sun, mon, tue, wed, thu, fri, sat"}},
    {"a time without minutes", WINDOW("when: {tz: UTC, start: \"2\", for: 2h}"),
	{"4:60: \"2\" is no time of day, as \"02:00\""}},
    {"a length of nothing", WINDOW("when: {tz: UTC, start: \"02:00\", for: 0s}"),
	{"4:74: 0s is out of range, it must be between 1m and 6d12h"}},
    {"always open, each day", WINDOW("when: {tz: UTC, start: \"02:00\", for: 24h}"),
	{"4:74: the window never closes: it lasts 1d and opens again after 1d"}},
    {"always open, over two days of three",
	WINDOW("when: {tz: UTC, days: [mon, wed, sat], start: \"02:00\", for: 2d}"),
	{"4:97: the window never closes: it lasts 2d and opens again after 2d"}},
    {"once and again", WINDOW("when: {tz: UTC, days: [sun], from: \"2026-12-24 18:00\"}"),
	{"4:59: when has days and from or until; a window opens either once or again and again"}},
    {"a beginning without an end", WINDOW("when: {tz: UTC, from: \"2026-12-24 18:00\"}"),
	{"4:43: when needs both from and until"}},
    {"a date without a time",
	WINDOW("when: {tz: UTC, from: 2026-12-24, until: \"2026-12-25 18:00\"}"),
	{"4:59: \"2026-12-24\" is no date and wall time, as \"2026-12-24 18:00\""}},
    {"an end before the beginning",
	WINDOW("when: {tz: UTC, from: \"2026-12-24 18:00\", until: \"2026-12-24 18:00\"}"),
	{"4:86: the window never opens: until must be later than from"}},
    {"a window of a quarter",
	WINDOW("when: {tz: UTC, from: \"2026-10-01 00:00\", until: \"2027-01-01 00:00\"}"),
	{"4:86: the window lasts 92d, at most 30d are allowed"}},
    {"expired before it begins",
	WINDOW("when: {tz: UTC, from: \"2026-12-24 18:00\", until: \"2026-12-25 18:00\"}, "
	       "expires: 2026-12-23"),
	{"4:116: the window never opens: it expires before it begins"}},
    {"no date", WINDOW(WEEKLY ", expires: soon"), {"4:88: \"soon\" is no date, as 2026-01-05"}},
    {"no effect", WINDOW(WEEKLY ", effect: {remediate: allow, notify: allow}"),
	{"4:87: the window has no effect: it allows remediation and pages as if it were not "
	 "there"}},
    {"another effect", WINDOW(WEEKLY ", effect: {remediate: stop, notify: drop}"),
	{"4:99: \"stop\" is not one of block, allow", "4:113: \"drop\" is not one of hold, allow"}},
    {"a page that is lost", WINDOW(WEEKLY ", at_end: {still_firing: drop, recovered: tell}"),
	{"4:102: \"drop\" is not one of notify", "4:119: \"tell\" is not one of summary, nothing"}},
};

START_TEST(a_bad_window_is_told)
{
	pb_test_expect(&rows[_i]);
}
END_TEST

static int64_t
at(const char *text)
{
	struct pb_error err;
	int64_t ret = 0;
	ck_assert_msg(pb_time_parse(pb_str_of(text), &ret, &err) == 0, "%s: %s", text, err.text);
	return ret;
}

static struct pb_config *
window(const char *when, const char *more)
{
	pb_zone_use(pb_test_zone);
	PB_CLEANUP(pb_freep)
	char *text =
	    pb_asprintf(HEAD "  - {name: w, match: {source: [a]}, when: {%s}%s}\n", when, more);
	return pb_test_load(text);
}

#define LONDON "tz: Europe/London, "
#define SUNDAYS LONDON "days: [sun], "
#define EXPIRES ", expires: 2026-03-29"

/* At `when`: open since and until, or "" and the next opening. */
static const struct {
	const char *name, *window, *more, *when, *from, *until;
} spans[] = {
    {"before", SUNDAYS "start: \"02:00\", for: 2h", "", "2026-03-08T01:59:59Z", "",
	"2026-03-08T02:00:00Z"},
    {"at its first moment", SUNDAYS "start: \"02:00\", for: 2h", "", "2026-03-08T02:00:00Z",
	"2026-03-08T02:00:00Z", "2026-03-08T04:00:00Z"},
    {"at its last moment", SUNDAYS "start: \"02:00\", for: 2h", "", "2026-03-08T03:59:59Z",
	"2026-03-08T02:00:00Z", "2026-03-08T04:00:00Z"},
    {"over", SUNDAYS "start: \"02:00\", for: 2h", "", "2026-03-08T04:00:00Z", "",
	"2026-03-15T02:00:00Z"},
    {"in summer", SUNDAYS "start: \"02:00\", for: 2h", "", "2026-07-05T02:00:00Z",
	"2026-07-05T01:00:00Z", "2026-07-05T03:00:00Z"},
    {"over midnight", LONDON "days: [sat], start: \"23:00\", for: 3h", "", "2026-03-08T01:00:00Z",
	"2026-03-07T23:00:00Z", "2026-03-08T02:00:00Z"},
    {"over days", LONDON "days: [fri], start: \"18:00\", for: 60h", "", "2026-03-09T05:00:00Z",
	"2026-03-06T18:00:00Z", "2026-03-09T06:00:00Z"},
    /* 01:00 to 02:00 is skipped on 29 March. */
    {"its start is skipped", SUNDAYS "start: \"01:30\", for: 1h", "", "2026-03-29T01:00:00Z",
	"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
    {"all of it is skipped", SUNDAYS "start: \"01:00\", for: 30m", "", "2026-03-29T01:00:00Z",
	"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"},
    {"before the jump", SUNDAYS "start: \"01:30\", for: 1h", "", "2026-03-29T00:59:59Z", "",
	"2026-03-29T01:00:00Z"},
    {"over the jump", SUNDAYS "start: \"00:30\", for: 2h", "", "2026-03-29T02:00:00Z",
	"2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z"},
    /* 01:00 to 02:00 comes twice on 25 October. */
    {"from the first of two", SUNDAYS "start: \"01:30\", for: 1h", "", "2026-10-25T00:30:00Z",
	"2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"},
    {"to the last of two", SUNDAYS "start: \"00:30\", for: 1h", "", "2026-10-25T01:29:59Z",
	"2026-10-24T23:30:00Z", "2026-10-25T01:30:00Z"},
    {"over after the second", SUNDAYS "start: \"00:30\", for: 1h", "", "2026-10-25T01:30:00Z", "",
	"2026-11-01T00:30:00Z"},
    {"each day", LONDON "start: \"02:00\", for: 1h", "", "2026-03-10T12:00:00Z", "",
	"2026-03-11T02:00:00Z"},
    {"the last time", SUNDAYS "start: \"02:00\", for: 2h", EXPIRES, "2026-03-29T01:30:00Z",
	"2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
    {"expired", SUNDAYS "start: \"02:00\", for: 2h", EXPIRES, "2026-04-05T01:30:00Z", "", "never"},
    {"not yet, once", LONDON "from: \"2026-07-01 10:00\", until: \"2026-07-02 09:00\"", "",
	"2026-07-01T08:59:59Z", "", "2026-07-01T09:00:00Z"},
    {"once", LONDON "from: \"2026-07-01 10:00\", until: \"2026-07-02 09:00\"", "",
	"2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z", "2026-07-02T08:00:00Z"},
    {"never again", LONDON "from: \"2026-07-01 10:00\", until: \"2026-07-02 09:00\"", "",
	"2026-07-02T08:00:00Z", "", "never"},
};

START_TEST(a_window_follows_the_wall)
{
	char from[PB_TIME_TEXT] = "", until[PB_TIME_TEXT];
	int64_t from_at = 0, until_at = 0, now = at(spans[_i].when);
	struct pb_config *c = window(spans[_i].window, spans[_i].more);
	const struct pb_maintenance *m = &c->maintenance[0];
	if (pb_maintenance_is_open(m, now, &from_at, &until_at))
		(void)pb_time_rfc3339(from, from_at);
	else
		until_at = pb_maintenance_next_at(m, now);
	ck_assert_msg(strcmp(from, spans[_i].from) == 0, "%s: from %s", spans[_i].name, from);
	ck_assert_msg(strcmp(pb_time_rfc3339(until, until_at), spans[_i].until) == 0, "%s: %s",
	    spans[_i].name, until);
	pb_config_unref(c);
}
END_TEST

/* Whoever wakes at the next opening finds it open, and at its end finds it closed. */
START_TEST(the_next_opening_opens_and_its_end_closes)
{
	static const char *const windows[] = {LONDON "start: \"01:15\", for: 30m",
	    "tz: America/New_York, days: [sun, wed], start: \"02:30\", for: 20h",
	    "tz: Australia/Lord_Howe, days: [sun, mon], start: \"01:45\", for: 23h"};
	struct pb_config *c = window(windows[_i], "");
	const struct pb_maintenance *m = &c->maintenance[0];
	int64_t now = at("2026-01-01T00:00:00Z"), from_at, until_at, n = 0;
	for (; now < at("2028-01-01T00:00:00Z"); n++) {
		now = pb_maintenance_next_at(m, now);
		ck_assert(!pb_maintenance_is_open(m, now - 1, &from_at, &until_at));
		ck_assert(pb_maintenance_is_open(m, now, &from_at, &until_at));
		ck_assert_int_eq(from_at, now);
		ck_assert_int_ge(until_at - from_at, m->length_for);
		ck_assert_int_le(until_at - from_at, m->length_for + PB_HOUR);
		ck_assert(!pb_maintenance_is_open(m, until_at, &from_at, &until_at));
		now = until_at;
	}
	ck_assert_int_ge(n, 200);
	pb_config_unref(c);
}
END_TEST

START_TEST(a_window_has_defaults_and_comes_back_from_the_store)
{
	struct pb_error err;
	struct pb_config *c = window(LONDON "start: \"02:00\", for: 2h", ", owner: us"), *back;
	PB_JSON json_t *j = pb_config_to_json(c);
	pb_config_unref(c);
	pb_zone_use(NULL); /* the system's data are gone */
	ck_assert_int_eq(pb_config_from_json(j, &back, &err), 0);
	const struct pb_maintenance *m = &back->maintenance[0];
	ck_assert(m->blocks_remediation && m->holds_pages && m->tells_recovered);
	ck_assert_str_eq(m->owner, "us");
	ck_assert_int_eq(m->days, 0x7f);
	pb_config_unref(back);
}
END_TEST

PB_SUITE(maintenance)
{
	pb_add_loop(s, a_bad_window_is_told, 0, PB_ARRAY_LEN(rows));
	pb_add_loop(s, a_window_follows_the_wall, 0, PB_ARRAY_LEN(spans));
	pb_add_loop(s, the_next_opening_opens_and_its_end_closes, 0, 3);
	pb_add(s, a_window_has_defaults_and_comes_back_from_the_store);
}
