/*
 * playbookctl backtest: what people read, and its exit statuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api_world.h"
#include "base/json.h"
#include "io/file.h"

#define HEAD HEAD_OF("ana")
#define HEAD_OF(who)                                                                               \
	"version: 1\n"                                                                             \
	"daemon: {exec: {driver: child}}\n"                                                        \
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"  \
	"contacts: [{name: " who "}]\n"                                                            \
	"unmatched: {alarms: escalate, escalate: oncall, events: drop}\n"                          \
	"escalations: [{name: oncall, levels: [{notify: [" who "], via: [pager]}]}]\n"             \
	"playbooks:\n"
#define WEB(hold, team, steps)                                                                     \
	"  - name: web\n"                                                                          \
	"    owner: {team: " team "}\n"                                                            \
	"    match: {detail: {alarmName: [{prefix: web-}], state: {value: [ALARM]}}}\n"            \
	"    hold: " hold "\n"                                                                     \
	"    escalate: oncall\n"                                                                   \
	"    steps:\n" steps
#define STEP(name) "      - {name: " name ", action: exec, argv: [/bin/x], effect: idempotent}\n"
#define BASE HEAD WEB("1m", "web", STEP("restart") STEP("warm"))

/* As `playbookctl export` prints it. */
#define EVENT(name, state, time) "{" EVENT_TAIL(name, state, time)
#define EVENT_TAIL(name, state, time)                                                              \
	"\"source\":\"q\",\"event\":{\"version\":\"0\",\"id\":\"" name state                       \
	"\",\"detail-type\":\"CloudWatch Alarm State Change\",\"source\":\"aws.cloudwatch\","      \
	"\"account\":\"111122223333\",\"time\":\"" time                                            \
	"\",\"region\":\"eu-west-1\",\"resources\":[\"arn:aws:cloudwatch:eu-west-1:111122223333:"  \
	"alarm:" name "\"],\"detail\":{\"alarmName\":\"" name "\",\"state\":{\"value\":\"" state   \
	"\",\"reason\":\"r\",\"timestamp\":\"" time "\"}}}}\n"
#define JOURNAL_TAIL EVENT_TAIL("web-3", "OK", "2026-03-03T08:00:00Z")
#define JOURNAL                                                                                    \
	EVENT("web-1", "ALARM", "2026-03-03T09:00:00Z")                                            \
	EVENT("web-1", "OK", "2026-03-03T09:20:00Z")                                               \
	EVENT("db-1", "ALARM", "2026-03-03T10:00:00Z")                                             \
	EVENT("db-1", "OK", "2026-03-03T10:03:00Z")

#define DB "  - name: db\n    match: {detail: {alarmName: [{prefix: db-}]}}\n    escalate: oncall\n"

static const struct row {
	const char *name, *head, *journal, *max;
	int rc;
	const char *out[6], *err;
} rows[] = {
    {"nothing differs", BASE "# a comment\n", JOURNAL, "0", 0,
	{"backtest of 4 events, 2026-03-03T09:00:00Z to 2026-03-03T10:03:00Z\n  base ",
	    "\n  would have been            base     head\n"
	    "  incidents                     2        2\n"
	    "  that no playbook owns         1        1\n"
	    "  steps started                 2        2\n",
	    "\n0 of 2 incidents differ; 0 new actions in head, at most 0 allowed\n"
	    "assumed: steps succeed with no output, pages arrive, nobody answers\n"},
	""},
    {"the same twice", BASE, JOURNAL, "0", 0,
	{"  steps started                 2        2\n",
	    "\n0 of 2 incidents differ; 0 new actions in head, at most 0 allowed\n"},
	""},
    {"another is paged", HEAD_OF("bo") WEB("1m", "web", STEP("restart") STEP("warm")), JOURNAL, "0",
	0,
	{"\n2026-03-03T10:00:00Z db-1\n"
	 "  base  +0s      would have paged ana over pager, level 1\n"
	 "  head  +0s      would have paged bo over pager, level 1\n",
	    "2 of 2 incidents differ; 0 new actions in head, at most 0 allowed\n"},
	""},
    {"a journal that is cut off", BASE,
	JOURNAL "{\"source\":\"q\",\"event\":{\"version\":\"0\",\"id\":\"web-2", "0", 1,
	{"backtest of 4 events, ", "\n  1 could not be read:\n", "/journal:5: column ",
	    "0 new actions in head, at most 0 allowed: refused, for 1 event could not be read\n"},
	""},
    {"a journal of another version", BASE,
	"{\"format\":2,\"kind\":\"header\"}\n"
	"{\"source\":\"q\",\"at\":\"soon\",\"event\":[]}\n"
	"{\"format\":2,\"more\":{}," JOURNAL_TAIL JOURNAL,
	"0", 1,
	{"backtest of 5 events, ", "\n  2 could not be read:\n", "/journal:1: ", "/journal:2: ",
	    "at most 0 allowed: refused, for 2 events could not be read\n"},
	""},
    {"bytes that are no text", BASE, "\x80\xff{}\n\x01\x02\n", NULL, 2, {NULL},
	"  2 could not be read:\n"},
    {"a step comes sooner, and what follows is cut",
	HEAD WEB("30s", "platform", STEP("restart") STEP("warm")), JOURNAL, "0", 1,
	{"\n2026-03-03T09:00:00Z web-1\n"
	 "  base  would have been owned by web, team web\n"
	 "  head  would have been owned by web, team platform\n"
	 "  head  +30s     would have started restart\n"
	 "        cut here: the outside would have gone another way; ",
	    "\n1 of 2 incidents differ; 1 new action in head, at most 0 allowed: refused\n"},
	""},
    {"another step is started instead", HEAD WEB("1m", "web", STEP("drain") STEP("warm")), JOURNAL,
	NULL, 0,
	{"\n2026-03-03T09:00:00Z web-1\n"
	 "  base  +1m      would have started restart\n"
	 "  head  +1m      would have started drain\n"
	 "        cut here: the outside would have gone another way; ",
	    "\n1 of 2 incidents differ; 1 new action in head\n"},
	""},
    {"what both do between two differences is told, too",
	HEAD WEB("1m", "web", STEP("restart") STEP("warm") "    page_by: 30m\n"),
	EVENT("web-1", "ALARM", "2026-03-03T09:00:00Z"), NULL, 0,
	{"\n2026-03-03T09:00:00Z web-1\n"
	 "  base  +5m      would have paged ana over pager, level 1\n"
	 "  both  +11m2s   would have paged ana over pager, level 1\n"
	 "  base  "},
	""},
    {"a playbook takes what nobody owned", BASE DB, JOURNAL, "0", 0,
	{"  that no playbook owns         1        0\n",
	    "\n2026-03-03T10:00:00Z db-1\n"
	    "  base  would have been no playbook's\n"
	    "  head  would have been owned by db\n",
	    "1 of 2 incidents differ; 0 new actions in head"},
	""},
    {"what cannot be read is counted and named", BASE,
	"{\"source\": \"q\", \"event\"\n" JOURNAL "[]\n{\"detail\": {}}\n", NULL, 0,
	{"\n  3 could not be read:\n", "/journal:1: column ",
	    "/journal:6: ", "/journal:7: ", "backtest of 4 events, "},
	""},
    {"nothing can be read", BASE, "x\n", NULL, 2, {NULL}, "has no event that could be read\n"},
    {"a journal that is empty", BASE, "", NULL, 2, {NULL}, "has no event that could be read\n"},
    {"a head with a problem", HEAD "x: 1\n", JOURNAL, NULL, 2, {NULL}, "x"},
    {"a limit that is none", BASE, JOURNAL, "-1", 2, {NULL}, "--max-new-actions: "},
};

static void
write_file(const char *dir, const char *name, const char *text)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, name);
	ck_assert_msg(pb_file_write(path, 0600, pb_str_of(text), &err) == 0, "%s", err.text);
}

static char *
sub_folder(const char *dir, const char *name)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, name);
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("mkdir -p %s", path);
	ck_assert_int_eq(system(command), 0);
	return PB_TAKE(path);
}

struct given {
	char *dir, *base, *head, *journal;
};

static struct given
given(const char *head, const char *journal)
{
	struct given g = {.dir = pb_strdup("/tmp/backtest-test.XXXXXX")};
	ck_assert_ptr_nonnull(mkdtemp(g.dir));
	g.base = sub_folder(g.dir, "base");
	g.head = sub_folder(g.dir, "head");
	g.journal = pb_asprintf("%s/journal", g.dir);
	write_file(g.base, "playbookd.yaml", BASE);
	write_file(g.head, "playbookd.yaml", head);
	write_file(g.dir, "journal", journal);
	return g;
}

static void
given_fini(struct given *g)
{
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("rm -r %s", g->dir);
	ck_assert_int_eq(system(command), 0);
	free(g->dir);
	free(g->base);
	free(g->head);
	free(g->journal);
}

static int
backtest(const struct given *g, const char *from, const char *option, const char *value, char **out,
    char **err)
{
	char socket[] = "/nonexistent";
	struct api_world w = {.socket = socket};
	const char *argv[] = {"playbookctl", "backtest", "--from", from, "--base", g->base,
	    "--head", g->head, option, value, NULL};
	return api_ctl(&w, argv, NULL, out, err);
}

START_TEST(backtest_tells_what_would_have_been)
{
	const struct row *row = &rows[_i];
	struct given g = given(row->head, row->journal);
	PB_CLEANUP(pb_freep) char *out = NULL;
	PB_CLEANUP(pb_freep) char *err = NULL;
	int rc = backtest(
	    &g, g.journal, row->max == NULL ? NULL : "--max-new-actions", row->max, &out, &err);
	ck_assert_msg(rc == row->rc, "%s: %d\n%s%s", row->name, rc, out, err);
	for (size_t i = 0; i < PB_ARRAY_LEN(row->out) && row->out[i] != NULL; i++)
		ck_assert_msg(strstr(out, row->out[i]) != NULL, "%s: no \"%s\" in\n%s", row->name,
		    row->out[i], out);
	ck_assert_msg(strstr(err, row->err) != NULL, "%s: %s", row->name, err);
	ck_assert_ptr_null(strstr(out, "would have fixed"));
	given_fini(&g);
}
END_TEST

START_TEST(backtest_gives_programs_the_same_each_time)
{
	struct given g = given(HEAD WEB("1m", "web", STEP("drain")), JOURNAL);
	PB_CLEANUP(pb_freep) char *out = NULL, *again = NULL;
	PB_CLEANUP(pb_freep) char *err = NULL, *err_again = NULL;
	ck_assert_int_eq(backtest(&g, g.journal, "--json", NULL, &out, &err), 0);
	ck_assert_int_eq(backtest(&g, g.journal, "--json", NULL, &again, &err_again), 0);
	ck_assert_str_eq(out, again);
	PB_JSON json_t *j = json_loads(out, 0, NULL);
	ck_assert_int_eq(pb_json_i64(j, "new_actions", -1), 1);
	ck_assert_int_eq(pb_json_i64(j, "events", -1), 4);
	const json_t *d = json_array_get(pb_json_get(j, "differences"), 0);
	ck_assert_str_eq(pb_json_str(d, "title"), "web-1");
	ck_assert_int_gt(pb_json_i64(pb_json_get(d, "cut"), "base", 0), 0);
	given_fini(&g);
}
END_TEST

START_TEST(backtest_plays_a_folder_of_events_in_order_of_time)
{
	struct given g = given(BASE, "");
	PB_CLEANUP(pb_freep) char *dir = sub_folder(g.dir, "events");
	PB_CLEANUP(pb_freep) char *late = api_alarm("web-1", "OK", "2026-03-03T09:20:00Z");
	PB_CLEANUP(pb_freep) char *early = api_alarm("web-1", "ALARM", "2026-03-03T09:00:00Z");
	PB_CLEANUP(pb_freep) char *out = NULL;
	PB_CLEANUP(pb_freep) char *err = NULL;
	write_file(dir, "1.json", late);
	write_file(dir, "2.json", early);
	write_file(dir, "3.json", "{");
	free(sub_folder(dir, "4.json"));
	PB_CLEANUP(pb_freep) char *link = pb_asprintf("%s/5.json", dir);
	ck_assert_int_eq(symlink("5.json", link), 0);
	write_file(dir, "README.md", "no event");
	int rc = backtest(&g, dir, NULL, NULL, &out, &err);
	ck_assert_msg(rc == 0, "%s", err);
	ck_assert_msg(strstr(out,
			  "backtest of 2 events, 2026-03-03T09:00:00Z to "
			  "2026-03-03T09:20:00Z") != NULL,
	    "%s", out);
	ck_assert_msg(
	    strstr(out, "  steps started                 2        2\n") != NULL, "%s", out);
	ck_assert_msg(strstr(out, "  3 could not be read:\n") != NULL, "%s", out);
	ck_assert_msg(strstr(out, "/events/3.json: line 1, column ") != NULL, "%s", out);
	ck_assert_msg(
	    strstr(out, "/events/4.json: a directory, not a regular file\n") != NULL, "%s", out);
	ck_assert_msg(
	    strstr(out, "/events/5.json: Too many levels of symbolic links") != NULL, "%s", out);
	given_fini(&g);
}
END_TEST

START_TEST(backtest_plays_as_many_files_as_a_folder_may_have)
{
	struct given g = given(BASE, "");
	PB_CLEANUP(pb_freep) char *dir = sub_folder(g.dir, "events");
	for (int i = 0; i <= 10000; i++) {
		char name[32], time[32];
		(void)snprintf(name, sizeof(name), "%05d.json", i);
		(void)snprintf(time, sizeof(time), "2026-03-%02dT%02d:%02d:%02dZ", 3 + i / 86400,
		    i / 3600, i / 60 % 60, i % 60);
		PB_CLEANUP(pb_freep)
		char *event = api_alarm("other", i % 2 == 0 ? "ALARM" : "OK", time);
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, name);
		FILE *f = fopen(path, "we");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_ge(fputs(event, f), 0);
		ck_assert_int_eq(fclose(f), 0);
	}
	PB_CLEANUP(pb_freep) char *out = NULL, *told = NULL;
	PB_CLEANUP(pb_freep) char *err = NULL, *none = NULL;
	ck_assert_int_eq(backtest(&g, dir, NULL, NULL, &out, &err), 2);
	ck_assert_msg(strstr(err,
			  "/events: more than 10000 files; put the events into one file, one a "
			  "line\n") != NULL,
	    "%s", err);
	PB_CLEANUP(pb_freep) char *last = pb_asprintf("%s/10000.json", dir);
	ck_assert_int_eq(unlink(last), 0);
	ck_assert_int_eq(backtest(&g, dir, NULL, NULL, &told, &none), 0);
	ck_assert_msg(strstr(told, "backtest of 10000 events, ") != NULL, "%s", told);
	given_fini(&g);
}
END_TEST

START_TEST(backtest_says_which_file_it_cannot_read)
{
	struct given g = given(BASE, JOURNAL);
	PB_CLEANUP(pb_freep) char *out = NULL;
	PB_CLEANUP(pb_freep) char *err = NULL;
	PB_CLEANUP(pb_freep) char *none = pb_asprintf("%s/none", g.dir);
	ck_assert_int_eq(backtest(&g, none, NULL, NULL, &out, &err), 2);
	ck_assert_msg(strstr(err, "/none: No such file or directory\n") != NULL, "%s", err);
	given_fini(&g);
}
END_TEST

PB_SUITE(ctl_backtest)
{
	pb_add_loop(s, backtest_tells_what_would_have_been, 0, (int)PB_ARRAY_LEN(rows));
	pb_add(s, backtest_gives_programs_the_same_each_time);
	pb_add(s, backtest_says_which_file_it_cannot_read);
	pb_add(s, backtest_plays_as_many_files_as_a_folder_may_have);
	pb_add(s, backtest_plays_a_folder_of_events_in_order_of_time);
}
