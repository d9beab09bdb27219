/*
 * Test files: what is refused, with which words and where, and that the manual has every key.
 */
#include <ctype.h>
#include <stdlib.h>

#include "../runner.h"
#include "playbook/zone.h"
#include "sim/testfile.h"
#include "sim/testread.h"

/* The zones by their rules alone: the machine's own files may be of any age. */
static int
read_zone(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf utc = PB_BUF_INIT;
	if (strcmp(name, "Europe/London") != 0)
		return pb_fail(err, PB_NOT_FOUND, "no such zone");
	pb_zone_use(NULL);
	int rc = pb_zone_read("UTC", &utc, err);
	pb_zone_use(read_zone);
	if (rc < 0)
		return -1;
	(void)pb_buf_add(ret, utc.ptr, utc.len - strlen("UTC0\n"));
	return pb_buf_addf(ret, "GMT0BST,M3.5.0/1,M10.5.0\n");
}

/* The row's text stands in a test that is good without it. */
enum where { FILE_TEXT, TEST, WORLD, EVENT, EXPECT };

static const char *const frames[] = {
    [FILE_TEXT] = "%s",
    [TEST] = "version: 1\ntests:\n- name: a\n  expect: [{never: page}]\n  %s\n",
    [WORLD] = "version: 1\ntests:\n- name: a\n  expect: [{never: page}]\n  world: {%s}\n",
    [EVENT] = "version: 1\ntests:\n- name: a\n  expect: [{never: page}]\n  events: [%s]\n",
    [EXPECT] = "version: 1\ntests:\n- name: a\n\n  expect: [%s]\n",
};

static const struct bad_row {
	enum where where;
	const char *text, *words;
} bad_rows[] = {
    {FILE_TEXT, "", "x.test.yaml:1:1: "},
    {FILE_TEXT, "version: 1\n", "1:1: a test file has a list called tests"},
    {FILE_TEXT,
	"version: 1\ntests:\n- name: a\n  events: [{at: 0s, alarm: a, to: OK, tags: {a: b}}]\n"
	"  events: [{at: 1s, kill: 5s}]\n",
	"5:3: duplicate key \"events\", it stands already in line 4"},
    {FILE_TEXT, "version: 1\ntests: []\n", "2:8: the list of tests is empty"},
    {FILE_TEXT, "version: 1\ntests:\n", "2:7: expected a list of tests, found a single value"},
    {FILE_TEXT, "[a]\n", "1:1: a test file is a mapping"},
    {FILE_TEXT, "version: 2\ntests: [{name: a, expect: [{never: page}]}]\n",
	"1:10: a test file begins with version: 1"},
    {FILE_TEXT, "tests: [{name: a, expect: [{never: page}]}]\n",
	"1:1: a test file begins with version: 1"},
    {FILE_TEXT, "version: 1\ntest: [{name: a, expect: [{never: page}]}]\n",
	"2:1: a test file has no key \"test\" (did you mean \"tests\"?)"},
    {FILE_TEXT, "version: 1\ntests: [{name: a}]\n", "2:9: this test expects nothing"},
    {FILE_TEXT, "version: 1\ntests: [{name: a, expect: []}]\n", "2:27: this test expects nothing"},
    {FILE_TEXT, "version: 1\ntests: [{expect: [{never: page}]}]\n",
	"2:9: a test needs the key name"},
    {FILE_TEXT, "version: 1\ntests: [b]\n", "2:9: a test is a mapping"},
    {FILE_TEXT,
	"version: 1\ntests:\n- {name: a, expect: [{never: page}]}\n"
	"- {name: a, expect: [{never: page}]}\n",
	"4:10: the test in line 3 is called \"a\" too"},
    {FILE_TEXT, "version: 1\ntests:\n- {name: aa, expect: [{never: page}]}\n- {name: b, use: ab}\n",
	"4:18: no test above this one is called \"ab\" (did you mean \"aa\"?)"},
    {TEST, "worlds: {}", "5:3: a test has no key \"worlds\" (did you mean \"world\"?)"},
    {TEST, "crash: often", "5:10: \"often\" is not one of each_commit"},
    {TEST, "until: 9", "5:10: the duration 9 has no unit"},
    {TEST, "start: yesterday", "5:10: "},
    {TEST, "start: yesterday", "write it as 2026-03-29T00:58:00Z, or as \"2026-03-29 00:58\""},
    {TEST, "tz: Europe/London", "5:7: tz says which wall the time of start is read from"},

    {TEST, "start: 2026-03-29T00:58:00Z\n  tz: Europe/London",
	"5:10: 2026-03-29T00:58:00Z needs no tz"},
    {TEST, "start: \"2026-03-29 00:58\"\n  tz: Europe/Lundon",
	"6:7: tz \"Europe/Lundon\": no such zone; write a name as Europe/London or UTC"},
    {TEST, "start: \"2026-02-30 00:58\"\n  tz: Europe/London",
	"5:10: \"2026-02-30 00:58\" is no date and wall time"},
    {TEST, "world: [a]", "5:10: world is a mapping from calls to answers"},
    {WORLD, "exec:x: {afterr: 1s}",
	"5:20: an answer has no key \"afterr\" (did you mean \"after\"?)"},
    {WORLD, "exec:x: [{}, {after: 1}]", "5:32: the duration 1 has no unit"},
    {WORLD, "exec:x: {error: X, output: {}}", "an answer has an output or an error, not both"},
    {WORLD, "exec:x: {unknown: true}", "5:29: \"unknown\" says something of an error"},
    {WORLD, "exec:x: {error: X, class: Slow}", "\"Slow\" is not one of Throttling, Network"},
    {WORLD, "exec:x: {hangs: yes}", "5:27: \"yes\" is not one of true, false"},
    {WORLD, "exec:x: {when_done: {out: {}}}", "5:32: an answer has no key \"out\""},
    {WORLD, "exce:x: {}", "5:11: no call is written \"exce:x\" (did you mean \"exec\"?)"},
    {WORLD, "paging: {}", "5:11: no call is written \"paging\"; write aws:SERVICE.OPERATION, "},
    {WORLD, "aws:sqs.SendMesage: {}",
	"5:11: \"aws:sqs.SendMesage\": SQS has no action \"SendMesage\" for playbooks; did "
	"you mean \"SendMessage\"?"},
    {WORLD, "aws:sqz.SendMessage: {}", "no AWS service \"sqz\"; did you mean \"sqs\"?"},
    {WORLD, "aws:SendMessage: {}", "an AWS action is written aws:service.Operation"},
    {EVENT, "{alarm: x, to: OK}", "5:12: an event needs the key at"},
    {EVENT, "{at: 0s}", "5:12: this event says no more than when"},
    {EVENT, "{at: 0s, alrm: x, to: OK}",
	"5:21: an event has no key \"alrm\" (did you mean \"alarm\"?)"},
    {EVENT, "{at: 0s, alarm: x}", "5:12: \"alarm\" needs the key \"to\" beside it"},
    {EVENT, "{at: 0s, alarm: x, to: BAD}", "5:35: \"BAD\" is not one of ALARM, OK"},
    {EVENT, "{at: 0s, alarm: x, to: OK, by: mail}", "5:43: \"mail\" is not one of sqs, poll"},
    {EVENT, "{at: 0s, alarm: x, to: OK, tags: [a]}", "5:45: tags is a mapping"},
    {EVENT, "{at: 9s, ack: x}, {at: 1s, ack: x}", "5:35: this event is before the one above it"},
    {EVENT, "{at: 0s, ack: \"1\", snooze: \"1\", for: 1h}",
	"5:31: an event is one thing: \"snooze\" is an event of its own, apart from \"ack\""},
    {EVENT, "{at: 0s, ack: \"1\", tags: {a: b}}", "5:31: \"tags\" means nothing beside \"ack\""},
    {EVENT, "{at: 0s, kill: 1s, refused: true}", "\"refused\" means nothing beside \"kill\""},
    {EVENT, "{at: 0s, snooze: \"1\"}", "\"snooze\" needs the key \"for\" beside it"},
    {EVENT, "{at: 0s, mute: m}", "\"mute\" needs the key \"alarms\" beside it"},
    {EVENT, "{at: 0s, polls: off}", "5:28: \"off\" is not one of true, false"},
    {EVENT, "{at: 0s, drain: false}", "5:28: \"false\" is not one of true"},
    {EVENT, "{at: 0s, fail_commits: many}", "many is not a whole number"},
    {EVENT, "{at: 0s, jump: -1h}", "5:27: "},
    {EVENT, "{at: 0s, event: {source: x}}", "5:28: "},
    {EXPECT, "{by: 9, page: ana}", "5:17: the duration 9 has no unit"},
    {EXPECT, "{page: ana}", "5:12: say when or how often"},
    {EXPECT, "{by: 9m}", "5:12: name what is expected"},
    {EXPECT, "{between: [1s, 2s, 3s], page: ana}", "5:22: the list has 3 between"},
    {EXPECT, "{between: [2s, 1s], page: ana}", "5:22: between ends before it begins"},
    {EXPECT, "{never: pages}", "5:20: \"pages\" is not one of step, probe"},
    {EXPECT, "{never: page, step: x}", "5:26: this expects two things, \"page\" and \"step\""},
    {EXPECT, "{never: page, by: 10s}",
	"5:30: a line says either \"never\" or \"by\"; between says "},
    {EXPECT, "{times: 2, at_most: 1, page: ana}",
	"5:32: a line says either \"times\" or \"at_most\""},
    {EXPECT, "{by: 1m, page: ana, incident: resolved}", "5:32: this expects two things"},
    {EXPECT, "{by: 1m, incident: closed}", "5:31: \"closed\" is not one of incident, new"},
    {EXPECT, "{by: 1m, incident: resolved, cause: luck}", "\"luck\" is not one of remediated"},
    {EXPECT, "{by: 1m, page: {whom: ana}}", "5:28: page has no key \"whom\""},
    {EXPECT, "{by: 1m, page: {in: gruop}}", "\"gruop\" is not one of group, storm"},
    {EXPECT, "{by: 1m, step: x, level: 1}", "a line about \"step\" has no \"level\""},
    {EXPECT, "{by: 1m, page: ana, inputs: {}}", "a line about \"page\" has no \"inputs\""},
    {EXPECT, "{times: 1.5, page: ana}", "5:20: 1.5 is not a whole number"},
};

START_TEST(a_bad_test_file_is_refused_with_its_place)
{
	const struct bad_row *row = &bad_rows[_i];
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf all = PB_BUF_INIT;
	const char *frame = frames[row->where], *gap = strstr(frame, "%s");
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%.*s%s%s", (int)(gap - frame), frame, row->text, gap + 2);
	pb_zone_use(read_zone);
	int rc = pb_tests_read("x.test.yaml", pb_str_of(text), &tests, &problems);
	ck_assert_msg(rc == -1, "taken: %s", text);
	for (size_t i = 0; i < problems.n; i++) {
		(void)pb_buf_addf(&all, "%s\n", problems.texts[i]);
		ck_assert_msg(strncmp(problems.texts[i], "x.test.yaml:", 12) == 0, "%s", all.ptr);
	}
	ck_assert_msg(strstr(all.ptr, row->words) != NULL, "%s\n%s", text, all.ptr);
	ck_assert_uint_eq(tests.n, 0);
	pb_problems_fini(&problems);
	pb_tests_fini(&tests);
}
END_TEST

static const struct {
	const char *start, *at;
} zone_rows[] = {
    {"2026-03-29 00:58", "2026-03-29T00:58:00Z"},
    {"2026-03-29 01:30", "2026-03-29T01:00:00Z"}, /* skipped: the jump */
    {"2026-03-29 02:01", "2026-03-29T01:01:00Z"},
    {"2026-10-25 01:30", "2026-10-25T00:30:00Z"}, /* twice: the first */
};

START_TEST(a_start_is_read_from_the_wall_of_its_zone)
{
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("version: 1\ntests: [{name: a, start: \"%s\", tz: Europe/London, "
				 "expect: [{never: page}]}, {name: b, use: a}]\n",
	    zone_rows[_i].start);
	pb_zone_use(read_zone);
	int rc = pb_tests_read("x.test.yaml", pb_str_of(text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	for (size_t i = 0; i < 2; i++)
		ck_assert_str_eq(
		    pb_json_str_or(tests.tests[i].scenario, "start", "?"), zone_rows[_i].at);
	pb_tests_fini(&tests);
}
END_TEST

/* --- the manual */

static const struct testread_table *const tables[] = {&testread_test_table, &testread_event_table,
    &testread_answer_table, &testread_line_table, &testread_told_table};

static char *
manual(void)
{
	char *text = pb_calloc(1, 1 << 20);
	FILE *f = fopen("man/playbook.5", "re");
	ck_assert_ptr_nonnull(f);
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	char *from = strstr(text, "\n.Sh TESTS\n"), *to = strstr(text, "\n.Sh EXAMPLES\n");
	ck_assert(from != NULL && to != NULL && from < to);
	*to = '\0';
	memmove(text, from, strlen(from) + 1);
	return text;
}

static bool
is_key(const char *word)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(tables); i++)
		for (size_t k = 0; k < tables[i]->n; k++)
			if (strcmp(tables[i]->keys[k].key, word) == 0)
				return true;
	return strcmp(word, "test") == 0 || strcmp(word, "tests") == 0 ||
	    strcmp(word, "each_commit") == 0 || strcmp(word, "page_by") == 0;
}

/* The words that the page marks as commands, each between blanks; each of them is a key. */
static void
add_marked(const char *page, struct pb_buf *ret)
{
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(page);
	char *rest, *line_rest = NULL;
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		bool is_marked = false;
		if (line[0] != '.')
			continue;
		for (char *w = strtok_r(line + 1, " ", &line_rest); w != NULL;
		     w = strtok_r(NULL, " ", &line_rest)) {
			bool is_macro = isupper((unsigned char)w[0]) && strlen(w) == 2;
			if (is_macro)
				is_marked = strcmp(w, "Cm") == 0;
			if (is_macro || !is_marked || !islower((unsigned char)w[0]))
				continue;
			ck_assert_msg(is_key(w), "the manual has \"%s\", the reader not", w);
			(void)pb_buf_addf(ret, " %s ", w);
		}
	}
}

START_TEST(the_manual_has_the_keys_that_are_read_and_no_other)
{
	PB_CLEANUP(pb_freep) char *page = manual();
	PB_CLEANUP(pb_buf_fini) struct pb_buf marked = PB_BUF_INIT;
	add_marked(page, &marked);
	for (size_t i = 0; i < PB_ARRAY_LEN(tables); i++)
		for (size_t k = 0; k < tables[i]->n; k++) {
			PB_CLEANUP(pb_freep)
			char *word = pb_asprintf(" %s ", tables[i]->keys[k].key);
			ck_assert_msg(
			    strstr(marked.ptr, word) != NULL, "the manual says nothing of%s", word);
		}
}
END_TEST

/* Each key once, where it belongs. */
static const char whole_text[] =
    "version: 1\n"
    "tests:\n"
    "  - name: a\n"
    "    start: \"2026-03-03 09:00\"\n"
    "    tz: UTC\n"
    "    commit_takes: 10ms\n"
    "    until: 2h\n"
    "    crash: each_commit\n"
    "    trace: x\n"
    "    world:\n"
    "      exec:a: {error: X, class: Throttling, message: m, after: 1s, unknown: true, lost: "
    "true}\n"
    "      exec:b: [{output: {}, when_done: {output: {}}}, {hangs: true, request_id: r}]\n"
    "      aws:sqs.SendMessage: {}\n"
    "      aws:autoscaling.DescribeAutoScalingInstances: {}\n"
    "      http:a: {}\n"
    "      notify:a: {}\n"
    "      page: {}\n"
    "      notice:x: {}\n"
    "      inform: {}\n"
    "      summary:x: {}\n"
    "    events:\n"
    "      - {at: 0s, alarm: 5, to: ALARM, tags: {n: 7}, by: both, twice: true, late: 1s, early: "
    "1s}\n"
    "      - {at: 0s, garbage: true}\n"
    "      - {at: 0s, event: {id: x, version: \"0\", source: a, detail-type: b, account: "
    "\"111122223333\",\n"
    "            time: \"2026-03-03T09:00:00Z\", region: r, resources: [], detail: {}}}\n"
    "      - {at: 1s, ack: 1, by: ana, refused: false}\n"
    "      - {at: 1s, snooze: \"1\", for: 1h}\n"
    "      - {at: 1s, escalate: \"1\", reason: r}\n"
    "      - {at: 1s, resolve: \"1\", reason: r}\n"
    "      - {at: 1s, approve: \"1\", step: a}\n"
    "      - {at: 1s, reject: \"1\"}\n"
    "      - {at: 1s, stop_remediation: \"\", reason: r}\n"
    "      - {at: 1s, start_remediation: p}\n"
    "      - {at: 1s, silence: {source: [x]}, for: 1h, reason: r}\n"
    "      - {at: 1s, expire: s1}\n"
    "      - {at: 1s, mute: m, alarms: [a], for: 1h}\n"
    "      - {at: 1s, unmute: m}\n"
    "      - {at: 1s, mute_list: false}\n"
    "      - {at: 1s, polls: false}\n"
    "      - {at: 1s, config: new.yaml}\n"
    "      - {at: 1s, drain: true}\n"
    "      - {at: 1s, kill: 1s}\n"
    "      - {at: 1s, fail_commits: 1}\n"
    "      - {at: 1s, store_is_back: true}\n"
    "      - {at: 1s, jump: 1h}\n"
    "      - {at: 1s, set_back: 1h}\n"
    "      - {at: 1s, set_forward: 1h}\n"
    "    expect:\n"
    "      - {at: 1s, step: a, inputs: {x: 1}}\n"
    "      - {by: 1m, page: {to: ana, by: pager, level: 1, in: group, text: [a]}}\n"
    "      - {between: [1s, 2s], notice: ana, level: 1, to: ana}\n"
    "      - {never: step, step: a}\n"
    "      - {at_most: 1, probe: a}\n"
    "      - {times: 1, incident: resolved, cause: remediated}\n"
    "      - {never: inform}\n"
    "      - {times: 0, inform: {to: x}}\n"
    "      - {times: 0, summary: ana}\n"
    "  - {name: b, use: a}\n";

START_TEST(every_key_is_read)
{
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	int rc = pb_tests_read("d/x.test.yaml", pb_str_of(whole_text), &tests, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "");
	for (size_t i = 0; i < PB_ARRAY_LEN(tables); i++)
		for (size_t k = 0; k < tables[i]->n; k++) {
			PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s:", tables[i]->keys[k].key);
			ck_assert_msg(strstr(whole_text, key) != NULL, "%s is not tried", key);
		}
	/* What is text stays text, and a configuration is beside the file, of the test that uses it too. */
	const json_t *events = pb_json_get(tests.tests[1].scenario, "events");
	ck_assert_str_eq(pb_json_str_or(json_array_get(events, 0), "alarm", "?"), "5");
	ck_assert_str_eq(pb_json_str_or(json_array_get(events, 3), "ack", "?"), "1");
	ck_assert_str_eq(
	    pb_json_str_or(pb_json_get(json_array_get(events, 0), "tags"), "n", "?"), "7");
	ck_assert_uint_eq(tests.tests[1].n_configs, 1);
	ck_assert_str_eq(tests.tests[1].configs[0].path, "d/new.yaml");
	pb_tests_fini(&tests);
}
END_TEST

PB_SUITE(testread)
{
	pb_add_loop(s, a_bad_test_file_is_refused_with_its_place, 0, PB_ARRAY_LEN(bad_rows));
	pb_add_loop(s, a_start_is_read_from_the_wall_of_its_zone, 0, PB_ARRAY_LEN(zone_rows));
	pb_add(s, the_manual_has_the_keys_that_are_read_and_no_other);
	pb_add(s, every_key_is_read);
}
