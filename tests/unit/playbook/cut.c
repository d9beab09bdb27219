/*
 * Files that were cut off: each beginning of a good file is refused, or says all that it says whole.
 */
#include <stdlib.h>

#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

static const char *const files[] = {
    "conf/playbookd.example.yaml",
    "conf/sandbox/playbookd.yaml",
    "conf/playbooks.d/deploy-errors.yaml",
    "conf/playbooks.d/disk-full.yaml",
    "conf/playbooks.d/queue-backlog.yaml",
    "conf/playbooks.d/web-5xx.yaml",
};

/* What the worked playbooks refer to; disk-full brings the hosts' escalation itself. */
#define HOSTS_ONCALL "  - {name: hosts-oncall, levels: [{notify: [ana], via: [pager]}]}\n"
#define PEOPLE                                                                                     \
	"version: 1\n"                                                                             \
	"daemon: {exec: {driver: child}}\n"                                                        \
	"channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"  \
	"contacts: [{name: ana}, {name: bo}]\n"                                                    \
	"unmatched: {alarms: drop, events: drop}\n"                                                \
	"escalations:\n"                                                                           \
	"  - {name: payments-oncall, levels: [{notify: [ana], via: [pager]}]}\n"

static struct pb_config *
load(const char *name, const char *text, size_t len)
{
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	bool is_alone = strstr(name, "playbookd") != NULL && strstr(name, ".d/") == NULL;
	PB_CLEANUP(pb_freep) char *copy = pb_strndup(text, len);
	const struct pb_config_file set[] = {
	    pb_test_file(
		"playbookd.yaml", strstr(name, "disk-full") != NULL ? PEOPLE : PEOPLE HOSTS_ONCALL),
	    {(char *)(uintptr_t)name, copy, len},
	};
	int rc = is_alone ? pb_config_parse(&set[1], 1, NULL, &c, &problems)
			  : pb_config_parse(set, 2, NULL, &c, &problems);
	if (rc == 0 && problems.n > 0)
		ck_abort_msg("good, and with problems");
	pb_problems_fini(&problems);
	return rc == 0 ? c : NULL;
}

START_TEST(each_beginning_of_a_good_file_is_refused_or_whole)
{
	size_t len, n_whole = 0;
	PB_CLEANUP(pb_freep) char *text = pb_test_read(files[_i], &len);
	struct pb_config *whole = load(files[_i], text, len);
	ck_assert_msg(whole != NULL, "%s", files[_i]);
	struct pb_error none;
	ck_assert_int_eq(pb_config_check_cut(whole, whole, &none), 0);
	for (size_t cut = 0; cut < len; cut++) {
		struct pb_config *c = load(files[_i], text, cut);
		if (c == NULL)
			continue;
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		struct pb_error err = {0};
		ck_assert_msg(text[cut - 1] == '\n', "%s: taken, cut at byte %zu", files[_i], cut);
		/* What a reload sees. */
		if (pb_config_check_cut(whole, c, &err) < 0) {
			ck_assert_ptr_nonnull(strstr(err.text,
			    ": is the beginning of the file in "
			    "force, cut off within "));
			pb_config_unref(c);
			continue;
		}
		n_whole++;
		pb_config_add_changes(whole, c, &b);
		ck_assert_msg(b.len == 0 || strstr(b.ptr, "changed") == NULL,
		    "%s: taken, cut at byte %zu, although %s", files[_i], cut, b.ptr);
		pb_config_unref(c);
	}
	ck_assert_uint_lt(n_whole, 100);
	pb_config_unref(whole);
}
END_TEST

static const struct {
	const char *name, *text, *told;
} ends[] = {
    {"a number that may go on", "playbooks: []\nbudgets: [{name: a, max: 2, per: 1h}]",
	"t.yaml:8:1: this last line has no line break behind it, so the file may have been cut "
	"off; "
	"end it with one"},
    {"a comment that may go on", "# 1",
	"t.yaml:7:1: this last line has no line break behind it, so the file may have been cut "
	"off; "
	"end it with one"},
    {"a line that is ended", "playbooks: []\n", NULL},
};

START_TEST(a_last_line_without_an_end_is_told)
{
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	PB_CLEANUP(pb_freep) char *text = pb_asprintf("%s%s", PB_TEST_HEAD, ends[_i].text);
	const struct pb_config_file file = pb_test_file("t.yaml", text);
	int rc = pb_config_parse(&file, 1, pb_test_aws, &c, &problems);
	if (ends[_i].told == NULL) {
		ck_assert_int_eq(rc, 0);
	} else {
		ck_assert_uint_eq(problems.n, 1);
		ck_assert_str_eq(problems.texts[0], ends[_i].told);
	}
	pb_config_unref(c);
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(what_stands_in_braces_ends_by_itself)
{
	static const char json[] = "{\"version\": 1, \"unmatched\": {\"alarms\": \"drop\", "
				   "\"events\": \"drop\"}}";
	for (size_t cut = 1; cut < sizeof(json); cut++) {
		struct pb_problems problems = {0};
		struct pb_config *c = NULL;
		PB_CLEANUP(pb_freep) char *text = pb_strndup(json, cut);
		const struct pb_config_file file = pb_test_file("t.json", text);
		int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
		ck_assert_int_eq(rc, cut == sizeof(json) - 1 ? 0 : -1);
		pb_config_unref(c);
		pb_problems_fini(&problems);
	}
}
END_TEST

START_TEST(changes_are_told_by_name)
{
	struct pb_config *a = pb_test_load(PB_TEST_HEAD "playbooks:\n"
							"  - {name: x, match: {source: [a]}, "
							"escalate: e}\n"
							"  - {name: y, match: {source: [b]}, "
							"escalate: e}\n");
	struct pb_config *b = pb_test_load(PB_TEST_HEAD "# only a comment\n"
							"playbooks:\n"
							"  - name: x\n"
							"    match: {source: [a]}\n"
							"    escalate: e\n"
							"  - {name: z, match: {source: [b]}, "
							"escalate: e}\n"
							"sources: [{name: q, type: cloudwatch}]\n");
	struct pb_config *c = pb_test_load(PB_TEST_HEAD "playbooks:\n"
							"  - {name: x, match: {source: [c]}, "
							"escalate: e}\n"
							"  - {name: y, match: {source: [b]}, "
							"escalate: e}\n");
	PB_CLEANUP(pb_buf_fini) struct pb_buf ab = PB_BUF_INIT, ac = PB_BUF_INIT, aa = PB_BUF_INIT;
	pb_config_add_changes(a, b, &ab);
	pb_config_add_changes(a, c, &ac);
	pb_config_add_changes(a, a, &aa);
	ck_assert_str_eq(ab.ptr, "sources new q. playbooks new z; gone y");
	ck_assert_str_eq(ac.ptr, "playbooks changed x");
	ck_assert_uint_eq(aa.len, 0);
	pb_config_unref(a);
	pb_config_unref(b);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(cut)
{
	pb_add_loop(
	    s, each_beginning_of_a_good_file_is_refused_or_whole, 0, (int)PB_ARRAY_LEN(files));
	pb_add_loop(s, a_last_line_without_an_end_is_told, 0, (int)PB_ARRAY_LEN(ends));
	pb_add(s, what_stands_in_braces_ends_by_itself);
	pb_add(s, changes_are_told_by_name);
}
