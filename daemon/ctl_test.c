/*
 * playbookctl test: plays test files in virtual time.
 *
 * The result is printed as text, as TAP version 13 or as JUnit's XML, once all tests have been played.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/call.h"
#include "base/clock.h"
#include "confdir.h"
#include "ctl_prove.h"
#include "io/file.h"
#include "playbook/zone.h"
#include "sim/testfile.h"

#define SUFFIX ".test.yaml"
#define REPORT_MAX (256U << 10) /* of one test */
#define SHOW_EVERY 200 /* ms */

static const char usage_text[] =
    "usage: playbookctl test [--config DIR] [--tap] [--junit FILE] [--only TEXT] FILE|DIR...\n"
    "\n"
    "Plays the tests of each FILE, and of each *.test.yaml in DIR, in virtual time on the\n"
    "configuration of DIR: by default the folder of the test file or the one above it that\n"
    "has a playbookd.yaml.\n"
    "\n"
    "  --config DIR   the configuration to test\n"
    "  --only TEXT    only tests whose name contains it\n"
    "  --tap          print TAP version 13\n"
    "  --junit FILE   also write JUnit XML to FILE; - prints that and nothing else\n"
    "\n"
    "exit status: 0 all passed; 1 a test failed; 2 nothing could be tested.\n";

enum form { FORM_TEXT, FORM_TAP, FORM_JUNIT };
#define IS_STDOUT(name) ((name) != NULL && strcmp((name), "-") == 0)

struct tester {
	const char *config_dir, *only;
	const char *junit; /* where to, NULL = nowhere */
	enum form form;
	struct pb_tests tests;
	struct pb_test_result *results;
	size_t n_failed, n_played, n_runs;
	bool is_unusable;
	bool is_watched, is_shown; /* standard error is a terminal; a line stands there */
	int64_t show_at;
	const struct pb_test *at; /* that is played */
	/* the configuration at hand, and its folder */
	struct pb_config *config;
	char *loaded_dir;
};

struct pb_config *
pb_ctl_load(const char *dir)
{
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	if (pb_confdir_load(dir, &c, &problems) < 0)
		for (size_t i = 0; i < problems.n; i++)
			fprintf(stderr, "%s\n", problems.texts[i]);
	pb_problems_fini(&problems);
	return c;
}

/* --- reading */

static void
read_file(struct tester *t, const char *path)
{
	struct pb_error err;
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	if (pb_file_read(path, PB_TESTFILE_MAX, &text, &err) < 0) {
		fprintf(stderr, "playbookctl: %s\n", err.text);
		t->is_unusable = true;
		return;
	}
	if (pb_tests_read(path, pb_buf_str(&text), &t->tests, &problems) < 0)
		t->is_unusable = true;
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	pb_problems_fini(&problems);
}

static void
read_folder(struct tester *t, const char *dir)
{
	struct pb_error err;
	PB_CLEANUP(pb_file_list_fini) struct pb_file_list list = {0};
	if (pb_file_list(dir, SUFFIX, &list, &err) < 0) {
		fprintf(stderr, "playbookctl: %s\n", err.text);
		t->is_unusable = true;
		return;
	}
	if (list.n == 0) {
		fprintf(stderr, "playbookctl: %s has no *%s\n", dir, SUFFIX);
		t->is_unusable = true;
	}
	for (size_t i = 0; i < list.n; i++) {
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, list.names[i]);
		read_file(t, path);
	}
}

static void
read_argument(struct tester *t, const char *path)
{
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		read_folder(t, path);
	else
		read_file(t, path);
}

/* --- playing */

/* The folder of the file, or the one above it, that has the main file; else the folder itself. */
static char *
folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	PB_CLEANUP(pb_freep)
	char *dir = slash == NULL ? pb_strdup(".") : pb_strndup(file, (size_t)(slash - file));
	PB_CLEANUP(pb_freep) char *here = pb_asprintf("%s/%s", dir, PB_CONFDIR_MAIN);
	PB_CLEANUP(pb_freep) char *above = pb_asprintf("%s/../%s", dir, PB_CONFDIR_MAIN);
	if (access(here, F_OK) != 0 && access(above, F_OK) == 0)
		return pb_asprintf("%s/..", dir);
	return PB_TAKE(dir);
}

/* The configuration for a test file; NULL when it has problems, which are printed once. */
static struct pb_config *
config_for(struct tester *t, const char *file)
{
	PB_CLEANUP(pb_freep)
	char *dir = t->config_dir != NULL ? pb_strdup(t->config_dir) : folder_of(file);
	if (t->loaded_dir != NULL && strcmp(t->loaded_dir, dir) == 0)
		return t->config;
	pb_config_unref(t->config);
	free(t->loaded_dir);
	t->config = pb_ctl_load(dir);
	t->loaded_dir = PB_TAKE(dir);
	return t->config;
}

static bool
is_wanted(const struct tester *t, const struct pb_test *test)
{
	return t->only == NULL || strstr(test->name, t->only) != NULL;
}

/* A folder, or one file that is the whole set. */
static struct pb_config *
load_any(const char *path)
{
	struct stat st;
	struct pb_error err;
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return pb_ctl_load(path);
	if (pb_file_read(path, PB_TESTFILE_MAX, &text, &err) < 0) {
		fprintf(stderr, "playbookctl: %s\n", err.text);
		return NULL;
	}
	PB_CLEANUP(pb_freep) char *name = pb_strdup(path);
	(void)pb_buf_addc(&text, '\0');
	const struct pb_config_file file = {name, text.ptr, text.len - 1};
	(void)pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems);
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	pb_problems_fini(&problems);
	return c;
}

/* What its events change to is there, and so is what it names: else the test proves nothing. */
static bool
is_complete(struct pb_test *test, const struct pb_config *c)
{
	struct pb_problems problems = {0};
	bool is_loaded = c != NULL;
	for (size_t i = 0; i < test->n_configs; i++) {
		test->configs[i].config = load_any(test->configs[i].path);
		is_loaded = is_loaded && test->configs[i].config != NULL;
	}
	bool has_names = is_loaded && pb_test_check(test, c, &problems) == 0;
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	pb_problems_fini(&problems);
	return has_names;
}

/* All of them, whichever are played: a file with a test that means nothing is mended first. */
static void
check(struct tester *t)
{
	for (size_t i = 0; i < t->tests.n; i++) {
		struct pb_test *test = &t->tests.tests[i];
		if (!is_complete(test, config_for(t, test->file)))
			t->is_unusable = true;
	}
}

/* A terminal is told how far a test with crashes is: it can take a minute. */
static void
show_played(void *arg, size_t n, size_t of)
{
	struct tester *t = arg;
	char name[64];
	if (!t->is_watched || (n > 1 && pb_clock_mono() < t->show_at))
		return;
	t->show_at = pb_clock_mono() + SHOW_EVERY;
	fprintf(stderr, PB_CTL_CLEAR_LINE "%s: %zu of %zu runs",
	    pb_safe(name, sizeof(name), pb_str_of(t->at->name)), n, of);
	(void)fflush(stderr);
	t->is_shown = true;
}

static void
clear_played(struct tester *t)
{
	if (t->is_shown)
		fputs(PB_CTL_CLEAR_LINE, stderr);
	t->is_shown = false;
}

static void
play(struct tester *t)
{
	t->is_watched = isatty(STDERR_FILENO) == 1;
	for (size_t i = 0; i < t->tests.n; i++) {
		if (!is_wanted(t, &t->tests.tests[i]))
			continue;
		struct pb_config *c = config_for(t, t->tests.tests[i].file);
		if (c == NULL) {
			t->is_unusable = true;
			return;
		}
		t->at = &t->tests.tests[i];
		pb_test_play(t->at, c, show_played, t, &t->results[i]);
		clear_played(t);
		t->n_played++;
		t->n_runs += t->results[i].n_runs;
		t->n_failed += !t->results[i].is_passed;
	}
}

/* --- printing */

static void
add_indented(struct pb_buf *b, const struct pb_buf *report, const char *indent)
{
	const char *line = report->ptr == NULL ? "" : report->ptr;
	while (*line != '\0') {
		size_t len = strcspn(line, "\n");
		(void)pb_buf_adds(b, indent);
		pb_buf_add_safe(b, (struct pb_str){line, len}, 4096, false);
		(void)pb_buf_addc(b, '\n');
		line += len + (line[len] == '\n');
	}
}

static void
add_text(struct pb_buf *b, const struct pb_test *test, const struct pb_test_result *r)
{
	char name[256];
	(void)pb_buf_addf(b, "%s %s:%d: %s", r->is_passed ? "ok  " : "FAIL", test->file, test->line,
	    pb_safe(name, sizeof(name), pb_str_of(test->name)));
	if (r->n_runs > 1)
		(void)pb_buf_addf(b, " (%zu crash points)", r->n_runs - 1);
	(void)pb_buf_addc(b, '\n');
	add_indented(b, &r->report, "     ");
}

static void
add_tap(struct pb_buf *b, const struct pb_test *test, const struct pb_test_result *r, size_t n)
{
	char name[256];
	(void)pb_safe(name, sizeof(name), pb_str_of(test->name));
	for (char *c = name; *c != '\0'; c++)
		*c = *c == '#' ? ' ' : *c; /* it would begin a directive */
	(void)pb_buf_addf(b, "%s %zu - %s\n", r->is_passed ? "ok" : "not ok", n, name);
	add_indented(b, &r->report, "# ");
}

static void
add_xml(struct pb_buf *b, const char *text)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	pb_buf_add_safe(&safe, pb_str_of(text), REPORT_MAX, true);
	for (size_t i = 0; i < safe.len; i++) {
		/* XML has no U+FFFE and U+FFFF, although UTF-8 has: as what is not known. */
		if (safe.len - i >= 3 && memcmp(safe.ptr + i, "\xef\xbf", 2) == 0 &&
		    (unsigned char)safe.ptr[i + 2] >= 0xbe) {
			(void)pb_buf_adds(b, "\xef\xbf\xbd");
			i += 2;
			continue;
		}
		switch (safe.ptr[i]) {
		case '<':
			(void)pb_buf_adds(b, "&lt;");
			break;
		case '>':
			(void)pb_buf_adds(b, "&gt;");
			break;
		case '&':
			(void)pb_buf_adds(b, "&amp;");
			break;
		case '"':
			(void)pb_buf_adds(b, "&quot;");
			break;
		default:
			(void)pb_buf_addc(b, safe.ptr[i]);
		}
	}
}

static void
add_junit(struct pb_buf *b, const struct pb_test *test, const struct pb_test_result *r)
{
	(void)pb_buf_adds(b, "    <testcase classname=\"");
	add_xml(b, test->file);
	(void)pb_buf_adds(b, "\" name=\"");
	add_xml(b, test->name);
	if (r->is_passed) {
		(void)pb_buf_adds(b, "\"/>\n");
		return;
	}
	/* Pipelines show the message alone: the first thing that is wrong. */
	PB_CLEANUP(pb_freep)
	char *first = pb_strndup(r->report.ptr, strcspn(r->report.ptr, "\n"));
	(void)pb_buf_adds(b, "\">\n      <failure message=\"");
	add_xml(b, first);
	(void)pb_buf_adds(b, "\">");
	add_xml(b, r->report.ptr);
	(void)pb_buf_adds(b, "</failure>\n    </testcase>\n");
}

static void
add_head(const struct tester *t, enum form form, struct pb_buf *b)
{
	if (form == FORM_TAP)
		(void)pb_buf_addf(b, "TAP version 13\n1..%zu\n", t->n_played);
	if (form == FORM_JUNIT)
		(void)pb_buf_addf(b,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
		    "  <testsuite name=\"playbooks\" tests=\"%zu\" failures=\"%zu\">\n",
		    t->n_played, t->n_failed);
}

static void
add_foot(const struct tester *t, enum form form, struct pb_buf *b)
{
	if (form == FORM_JUNIT)
		(void)pb_buf_adds(b, "  </testsuite>\n</testsuites>\n");
	if (form == FORM_TEXT)
		(void)pb_buf_addf(b, "%zu test%s, %zu failed, %zu runs\n", t->n_played,
		    t->n_played == 1 ? "" : "s", t->n_failed, t->n_runs);
}

static void
add_report(const struct tester *t, enum form form, struct pb_buf *b)
{
	add_head(t, form, b);
	for (size_t i = 0, n = 0; i < t->tests.n; i++) {
		const struct pb_test *test = &t->tests.tests[i];
		const struct pb_test_result *r = &t->results[i];
		if (r->n_runs == 0)
			continue;
		n++;
		if (form == FORM_TAP)
			add_tap(b, test, r, n);
		else if (form == FORM_JUNIT)
			add_junit(b, test, r);
		else
			add_text(b, test, r);
	}
	add_foot(t, form, b);
}

static void
print(struct tester *t)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT, xml = PB_BUF_INIT;
	struct pb_error err;
	add_report(t, IS_STDOUT(t->junit) ? FORM_JUNIT : t->form, &b);
	(void)fwrite(b.ptr, 1, b.len, stdout);
	if (t->junit == NULL || IS_STDOUT(t->junit))
		return;
	add_report(t, FORM_JUNIT, &xml);
	if (pb_file_write(t->junit, 0644, pb_buf_str(&xml), &err) == 0)
		return;
	fprintf(stderr, "playbookctl: %s\n", err.text);
	t->is_unusable = true;
}

static void
tester_fini(struct tester *t)
{
	for (size_t i = 0; t->results != NULL && i < t->tests.n; i++)
		pb_buf_fini(&t->results[i].report);
	free(t->results);
	pb_tests_fini(&t->tests);
	pb_config_unref(t->config);
	free(t->loaded_dir);
}

/* --- command line */

enum { OPT_CONFIG = 256, OPT_ONLY, OPT_TAP, OPT_JUNIT, OPT_HELP };

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"only", required_argument, NULL, OPT_ONLY},
    {"tap", no_argument, NULL, OPT_TAP},
    {"junit", required_argument, NULL, OPT_JUNIT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* 0 = go on, -1 = wrong usage, 1 = done already. */
static int
take_options(int argc, char **argv, struct tester *t)
{
	int opt;
	optind = 0; /* anew, and not behind the outer command line */
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == OPT_CONFIG) {
			t->config_dir = optarg;
		} else if (opt == OPT_ONLY) {
			t->only = optarg;
		} else if (opt == OPT_TAP) {
			t->form = FORM_TAP;
		} else if (opt == OPT_JUNIT) {
			t->junit = optarg;
		} else {
			fputs(usage_text, opt == OPT_HELP ? stdout : stderr);
			return opt == OPT_HELP ? 1 : -1;
		}
	}
	if (optind < argc)
		return 0;
	fputs("playbookctl: test needs FILE or DIR\n", stderr);
	return -1;
}

enum pb_ctl_exit
pb_ctl_test(int argc, char **argv)
{
	struct tester t = {0};
	int rc = take_options(argc, argv, &t);
	if (rc != 0)
		return rc > 0 ? PB_CTL_OK : PB_CTL_USAGE;
	pb_zone_use(pb_confdir_zone);
	for (int i = optind; i < argc; i++)
		read_argument(&t, argv[i]);
	t.results = pb_calloc(t.tests.n + 1, sizeof(*t.results));
	if (!t.is_unusable)
		check(&t);
	if (!t.is_unusable)
		play(&t);
	if (!t.is_unusable && t.n_played > 0)
		print(&t);
	if (!t.is_unusable && t.n_played == 0)
		fputs("playbookctl: no test has such a name\n", stderr);
	enum pb_ctl_exit status = t.is_unusable || t.n_played == 0 ? PB_CTL_USAGE
	    : t.n_failed > 0                                       ? PB_CTL_REFUSED
								   : PB_CTL_OK;
	tester_fini(&t);
	if (fflush(stdout) != 0 && status == PB_CTL_OK)
		status = PB_CTL_REFUSED;
	return status;
}
