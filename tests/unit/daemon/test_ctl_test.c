/*
 * playbookctl test: what it prints and how it ends; and the tests of conf/ pass on conf/.
 */
#include <expat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../runner.h"
#include "base/text.h"
#include "daemon/ctl_prove.h"
#include "io/file.h"

static char dir[] = "/tmp/playbookd-test-XXXXXX";

static void
copy(const char *from, const char *name)
{
	struct pb_error err;
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *to = pb_asprintf("%s/%s", dir, name);
	ck_assert_msg(pb_file_read(from, 0, &text, &err) == 0, "%s", err.text);
	ck_assert_msg(pb_file_write(to, 0600, pb_buf_str(&text), &err) == 0, "%s", err.text);
}

static void
write_test(const char *text)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *to = pb_asprintf("%s/x.test.yaml", dir);
	ck_assert_msg(pb_file_write(to, 0600, pb_str_of(text), &err) == 0, "%s", err.text);
}

static void
make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	copy("conf/sandbox/playbookd.yaml", "playbookd.yaml");
}

static void
remove_folder(void)
{
	static const char *const names[] = {"playbookd.yaml", "x.test.yaml", "out"};
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++) {
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

/* Run with standard output into a file; its text goes to `ret`. */
static enum pb_ctl_exit
captured(enum pb_ctl_exit (*command)(int, char **), int argc, char **argv, struct pb_buf *ret)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *out = pb_asprintf("%s/out", dir);
	(void)fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	ck_assert_ptr_nonnull(freopen(out, "w", stdout));
	enum pb_ctl_exit rc = command(argc, argv);
	(void)fflush(stdout);
	ck_assert_int_ge(dup2(kept, STDOUT_FILENO), 0);
	(void)close(kept);
	ck_assert_msg(pb_file_read(out, 0, ret, &err) == 0, "%s", err.text);
	return rc;
}

static enum pb_ctl_exit
run(const char *option, struct pb_buf *ret)
{
	PB_CLEANUP(pb_freep) char *word = pb_strdup(option);
	char name[] = "test";
	char *argv[] = {name, option == NULL ? dir : word, option == NULL ? NULL : dir, NULL};
	return captured(pb_ctl_test, option == NULL ? 2 : 3, argv, ret);
}

#define FAILS                                                                                      \
	"version: 1\ntests: [{name: \"<nobody> & #1\", events: [{at: 0s, alarm: nobody-knows-it, " \
	"to: ALARM}], expect: [{by: 1m, incident: resolved}]}]\n"

#define COMMAND(what)                                                                              \
	"version: 1\ntests: [{name: a, expect: [{never: page}], events: [\n{at: 1s, " what "}]}]"  \
	"\n"

static const struct form_row {
	const char *option, *text, *words;
	enum pb_ctl_exit rc;
} form_rows[] = {
    {NULL, FAILS, "1 test, 1 failed, 1 runs", PB_CTL_REFUSED},
    {"--tap", FAILS, "TAP version 13\n1..1\nnot ok 1 - <nobody> &  1\n# /tmp/", PB_CTL_REFUSED},
    {"--junit=-", FAILS, "name=\"&lt;nobody&gt; &amp; #1\">\n      <failure", PB_CTL_REFUSED},
    {NULL, "version: 1\ntests: [{name: a, expect: [{never: page}]}]\n", "", PB_CTL_USAGE},
    {"--junit=-",
	"version: 1\n"
	"tests: [{name: a, events: [{at: 0s, alarm: a, to: OK}], expect: [{never: page}]}]\n",
	"tests=\"1\" failures=\"0\"", PB_CTL_OK},
    {NULL, "version: 1\ntests: [{name: a, expect: [{never: step, step: nobody}]}]\n", "",
	PB_CTL_USAGE},
    {"--junit=/nonexistent/x.xml", FAILS, "1 test, 1 failed, 1 runs", PB_CTL_USAGE},
    {"--only=other", FAILS, "", PB_CTL_USAGE},
    {"--tap", "version: 1\ntests: [{name: a, expect: [{never: pag}], x: 1}]\n", "", PB_CTL_USAGE},
    {"--nonsense", FAILS, "", PB_CTL_USAGE},
    {NULL, COMMAND("stop_remediation: \"\""),
	"x.test.yaml:3:1: {\"at\":\"1s\",\"stop_remediation\":\"\"} was refused: 400 a reason is "
	"needed; "
	"others will read it; where that is meant, say refused: true\n",
	PB_CTL_REFUSED},
    {NULL, COMMAND("ack: \"77\""), "was refused: 404 ", PB_CTL_REFUSED},
    {NULL, COMMAND("ack: 77"), "was refused: 404 ", PB_CTL_REFUSED},
    {NULL, COMMAND("config: none.yaml"), "", PB_CTL_USAGE},
    {NULL, COMMAND("config: playbookd.yaml"), "1 test, 0 failed", PB_CTL_OK},
    {NULL, COMMAND("config: ."), "1 test, 0 failed", PB_CTL_OK},
    {NULL, COMMAND("config: x.test.yaml"), "", PB_CTL_USAGE},
    {NULL, "version: 1\ntests: []\n", "", PB_CTL_USAGE},
    {NULL, "", "", PB_CTL_USAGE},
    {NULL, COMMAND("snooze: \"77\", for: 30m"), "was refused: 404 ", PB_CTL_REFUSED},
    {NULL, COMMAND("escalate: \"77\""), "was refused: 404 ", PB_CTL_REFUSED},
    {NULL, COMMAND("ack: \"77\", refused: true"), "1 test, 0 failed", PB_CTL_OK},
    {NULL, COMMAND("stop_remediation: \"\", reason: r, refused: true"),
	"\"refused\":true} was not refused\n", PB_CTL_REFUSED},
    {NULL, COMMAND("kill: 1s, refused: true"), "", PB_CTL_USAGE},
    {NULL, COMMAND("silence: {source: [x]}, reason: r, for: soon"), "", PB_CTL_USAGE},
};

START_TEST(results_are_printed_as_asked)
{
	const struct form_row *row = &form_rows[_i];
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	make_folder();
	write_test(row->text);
	ck_assert_int_eq(run(row->option, &out), row->rc);
	ck_assert_msg(strstr(out.ptr == NULL ? "" : out.ptr, row->words) != NULL, "%s", out.ptr);
	remove_folder();
}
END_TEST

START_TEST(the_tests_of_the_examples_pass)
{
	char path[] = "/tmp/playbookd-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(path));
	PB_CLEANUP(pb_freep)
	char *make = pb_asprintf("%s/playbookd.yaml", path),
	     *more = pb_asprintf("%s/playbooks.d", path);
	char *from = realpath("conf/playbookd.example.yaml", NULL);
	char *from_more = realpath("conf/playbooks.d", NULL);
	ck_assert_int_eq(symlink(from, make), 0);
	ck_assert_int_eq(symlink(from_more, more), 0);
	char words[][16] = {"test", "--config", "conf/tests"};
	char *argv[] = {words[0], words[1], path, words[2], NULL};
	enum pb_ctl_exit rc = pb_ctl_test(4, argv);
	(void)unlink(make);
	(void)unlink(more);
	(void)rmdir(path);
	free(from);
	free(from_more);
	ck_assert_int_eq(rc, PB_CTL_OK);
}
END_TEST

static const char crashes[] =
    "version: 1\n"
    "tests:\n"
    "  - {name: \"dies\\e[31m\", crash: each_commit, until: 20s, expect: [{never: page}],\n"
    "     events: [{at: 0s, alarm: a, to: OK}]}\n";

/* What a terminal as standard error shows. */
static void
run_on_terminal(const char *path, struct pb_buf *ret)
{
	char *argv[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t)path};
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	char block[4096];
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), kept = dup(STDERR_FILENO);
	ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	int side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(side, 0);
	ck_assert_int_eq(dup2(side, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(captured(pb_ctl_test, 2, argv, &out), PB_CTL_OK);
	ck_assert_int_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	/* What was written comes through piece by piece; an error once its side is closed is the end. */
	(void)close(side);
	for (ssize_t n; (n = read(terminal, block, sizeof(block))) > 0;)
		(void)pb_buf_add(ret, block, (size_t)n);
	(void)close(terminal);
	(void)close(kept);
}

START_TEST(a_terminal_is_told_how_far_the_crashes_are)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf shown = PB_BUF_INIT;
	make_folder();
	write_test(crashes);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/x.test.yaml", dir);
	run_on_terminal(path, &shown);
	remove_folder();
	static const char first[] = "\r\033[Kdies\\x1b[31m: 1 of ";
	ck_assert_msg(shown.len > 10 && strncmp(shown.ptr, first, strlen(first)) == 0, "%s",
	    shown.len > 0 ? shown.ptr : "nothing");
	ck_assert_ptr_nonnull(strstr(shown.ptr, " runs\r\033[K"));
	/* Nothing of it stays. */
	ck_assert_str_eq(shown.ptr + shown.len - 4, "\r\033[K");
}
END_TEST

/* --- other people's readers */

/* Names that would end an element, begin a directive or ring a bell; the second one fails. */
static const char hostile[] =
    "version: 1\n"
    "tests:\n"
    "  - {name: \"]]> # TODO \\a \\e[31m \\u0085 \\uFFFE \\uFFFF \\U0001F600\",\n"
    "     events: [{at: 0s, alarm: a, to: OK}], expect: [{never: page}]}\n"
    "  - {name: \"ok 7 - </testcase>\\nnot ok 9\", events: [{at: 0s, alarm: \"<&\\\">'\", to: "
    "ALARM}],\n"
    "     expect: [{by: 1m, incident: resolved}]}\n"
    "  - {name: crashed, crash: each_commit, until: 2m, expect: [{never: page}],\n"
    "     events: [{at: 0s, alarm: a, to: OK}]}\n";

struct junit {
	size_t n_tests, n_failures, n_suites;
	long said_tests, said_failures;
	size_t depth;
};

static const char *
attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	ck_abort_msg("no attribute %s", name);
	return "";
}

static void XMLCALL
begin_element(void *arg, const char *name, const char **attributes)
{
	struct junit *j = arg;
	static const char *const levels[] = {"testsuites", "testsuite", "testcase", "failure"};
	ck_assert_uint_lt(j->depth, PB_ARRAY_LEN(levels));
	ck_assert_str_eq(name, levels[j->depth++]);
	if (strcmp(name, "testsuite") == 0) {
		j->n_suites++;
		j->said_tests = strtol(attribute(attributes, "tests"), NULL, 10);
		j->said_failures = strtol(attribute(attributes, "failures"), NULL, 10);
	} else if (strcmp(name, "testcase") == 0) {
		j->n_tests++;
		ck_assert_str_ne(attribute(attributes, "name"), "");
		ck_assert_str_ne(attribute(attributes, "classname"), "");
	} else if (strcmp(name, "failure") == 0) {
		j->n_failures++;
		ck_assert_ptr_nonnull(strstr(attribute(attributes, "message"), ": it "));
	}
}

static void XMLCALL
end_element(void *arg, const char *name)
{
	(void)name;
	((struct junit *)arg)->depth--;
}

START_TEST(junit_is_xml_that_counts_what_it_has)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	struct junit j = {0};
	make_folder();
	write_test(hostile);
	ck_assert_int_eq(run("--junit=-", &out), PB_CTL_REFUSED);
	XML_Parser parser = XML_ParserCreate(NULL);
	XML_SetUserData(parser, &j);
	XML_SetElementHandler(parser, begin_element, end_element);
	ck_assert_msg(XML_Parse(parser, out.ptr, (int)out.len, 1) == XML_STATUS_OK,
	    "line %lu: %s\n%s", XML_GetCurrentLineNumber(parser),
	    XML_ErrorString(XML_GetErrorCode(parser)), out.ptr);
	XML_ParserFree(parser);
	ck_assert_uint_eq(j.n_suites, 1);
	ck_assert_uint_eq(j.n_tests, 3);
	ck_assert_uint_eq(j.n_failures, 1);
	ck_assert_int_eq(j.said_tests, 3);
	ck_assert_int_eq(j.said_failures, 1);
	remove_folder();
}
END_TEST

START_TEST(tap_is_a_plan_and_a_line_for_each_test)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	char *rest;
	size_t n = 0, n_bad = 0;
	make_folder();
	write_test(hostile);
	ck_assert_int_eq(run("--tap", &out), PB_CTL_REFUSED);
	(void)pb_buf_addc(&out, '\0');
	ck_assert_str_eq(strtok_r(out.ptr, "\n", &rest), "TAP version 13");
	ck_assert_str_eq(strtok_r(NULL, "\n", &rest), "1..3");
	for (const char *line; (line = strtok_r(NULL, "\n", &rest)) != NULL;) {
		if (line[0] == '#')
			continue;
		bool is_bad = strncmp(line, "not ", 4) == 0;
		PB_CLEANUP(pb_freep)
		char *head = pb_asprintf("%sok %zu - ", is_bad ? "not " : "", ++n);
		ck_assert_msg(strncmp(line, head, strlen(head)) == 0, "%s", line);
		ck_assert_msg(strchr(line, '#') == NULL, "a directive: %s", line);
		n_bad += is_bad;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(n_bad, 1);
	remove_folder();
}
END_TEST

static const struct sim_row {
	const char *words[10]; /* up to the first NULL */
	enum pb_ctl_exit rc;
	const char *out;
} sim_rows[] = {
    {{"sim", "--days", "2", "--runs", "2", "--seed", "1", "--assert=promises"}, PB_CTL_OK,
	"seeds 1 to 2, 2 days each: every promise held"},
    {{"sim", "--days", "1", "--runs", "1", "--seed", "1", "--faults=none"}, PB_CTL_REFUSED,
	"states were never reached"},
    {{"sim", "--days", "1", "--runs", "1", "--seed", "1", "--prefix=2"}, PB_CTL_OK,
	"00:00:00 boot"},
    {{"sim", "--days", "1", "--runs", "1", "--seed", "1", "--faults=none", "--assert=P1"},
	PB_CTL_OK,
	"a message cannot be read: cannot be reached with these faults, because repeats is "
	"not among them\n"},
    {{"sim", "--days", "1", "--runs", "1", "--seed", "1", "--faults=none", "--assert=P2"},
	PB_CTL_OK,
	"a budget runs out: cannot be reached with this configuration, because no playbook with "
	"steps has a budget\n"},
    {{"sim", "--days", "1", "--runs", "1", "--seed", "1", "--faults=none", "--assert=unreadable"},
	PB_CTL_REFUSED,
	"NEVER a message cannot be read: cannot be reached with these faults, because repeats is "
	"not among them\n"},
    {{"sim", "--days", "0"}, PB_CTL_USAGE, ""},
    {{"sim", "--faults", "plague"}, PB_CTL_USAGE, ""},
    {{"sim", "--faults", ""}, PB_CTL_USAGE, ""},
    {{"sim", "--assert", "luck"}, PB_CTL_USAGE, ""},
    {{"sim", "now"}, PB_CTL_USAGE, ""},
    {{"sim", "--config", "/nonexistent"}, PB_CTL_USAGE, ""},
};

START_TEST(random_months_are_played_as_asked)
{
	const struct sim_row *row = &sim_rows[_i];
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	char *argv[12] = {NULL};
	int argc = 0;
	make_folder();
	for (; row->words[argc] != NULL; argc++)
		argv[argc] = pb_strdup(row->words[argc]);
	if (row->rc != PB_CTL_USAGE) {
		argv[argc++] = pb_strdup("--config");
		argv[argc++] = pb_strdup(dir);
	}
	ck_assert_int_eq(captured(pb_ctl_sim, argc, argv, &out), row->rc);
	ck_assert_msg(strstr(out.ptr == NULL ? "" : out.ptr, row->out) != NULL, "%s", out.ptr);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	remove_folder();
}
END_TEST

/* What it prints with --json on the example, and these words. */
static json_t *
sim_json(const char *const words[], size_t n, enum pb_ctl_exit rc)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	char *argv[16] = {NULL};
	int argc = 0;
	make_folder();
	argv[argc++] = pb_strdup("sim");
	argv[argc++] = pb_strdup("--json");
	for (size_t i = 0; i < n; i++)
		argv[argc++] = pb_strdup(words[i]);
	argv[argc++] = pb_strdup("--config");
	argv[argc++] = pb_strdup(dir);
	ck_assert_int_eq(captured(pb_ctl_sim, argc, argv, &out), rc);
	json_t *j = json_loadb(out.ptr, out.len, 0, NULL);
	ck_assert_msg(j != NULL, "%s", out.ptr);
	while (argc > 0)
		free(argv[--argc]);
	remove_folder();
	return j;
}

/* Its keys are promised to programs. */
START_TEST(random_months_are_told_as_json)
{
	static const char *const keys[] = {"holds", "seed", "runs", "days", "faults", "assert",
	    "failure", "missed", "states", "not_played", "trace"};
	static const char *const of_states[] = {
	    "state", "name", "verdict", "runs", "is_asserted", "because"};
	static const char *const words[] = {"--runs=1", "--seed=7", "--days=1", "--prefix=2",
	    "--faults=errors,clock", "--assert=promises,acked"};
	PB_JSON json_t *j = sim_json(words, PB_ARRAY_LEN(words), PB_CTL_OK);
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++)
		ck_assert_msg(json_object_get(j, keys[i]) != NULL, "no %s", keys[i]);
	ck_assert_uint_eq(json_object_size(j), PB_ARRAY_LEN(keys));
	const json_t *state = json_array_get(json_object_get(j, "states"), 0);
	for (size_t i = 0; i < PB_ARRAY_LEN(of_states); i++)
		ck_assert_msg(json_object_get(state, of_states[i]) != NULL, "no %s", of_states[i]);
	ck_assert(json_is_true(json_object_get(j, "holds")));
	ck_assert(json_is_null(json_object_get(j, "failure")));
	ck_assert_int_eq(json_integer_value(json_object_get(j, "seed")), 7);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "faults")), 2);
	ck_assert_uint_gt(json_array_size(json_object_get(j, "trace")), 0);
}
END_TEST

START_TEST(json_says_which_state_was_missed_and_why)
{
	static const char *const words[] = {
	    "--runs=1", "--seed=7", "--days=1", "--faults=none", "--assert=unreadable"};
	PB_JSON json_t *j = sim_json(words, PB_ARRAY_LEN(words), PB_CTL_REFUSED);
	size_t i, n = 0;
	const json_t *state;
	ck_assert(json_is_true(json_object_get(j, "holds")));
	ck_assert_int_eq(json_integer_value(json_object_get(j, "missed")), 1);
	json_array_foreach (json_object_get(j, "states"), i, state) {
		if (!pb_streq(pb_json_str(state, "verdict"), "missed"))
			continue;
		n++;
		ck_assert_str_eq(pb_json_str(state, "state"), "unreadable");
		ck_assert_str_eq(pb_json_str(state, "because"),
		    "with these faults, because repeats is not among them");
	}
	ck_assert_uint_eq(n, 1);
}
END_TEST

PB_SUITE(ctl_test)
{
	pb_add(s, a_terminal_is_told_how_far_the_crashes_are);
	pb_add(s, random_months_are_told_as_json);
	pb_add(s, json_says_which_state_was_missed_and_why);
	pb_add_loop(s, random_months_are_played_as_asked, 0, PB_ARRAY_LEN(sim_rows));
	pb_add_loop(s, results_are_printed_as_asked, 0, PB_ARRAY_LEN(form_rows));
	pb_add(s, the_tests_of_the_examples_pass);
	pb_add(s, junit_is_xml_that_counts_what_it_has);
	pb_add(s, tap_is_a_plan_and_a_line_for_each_test);
}
