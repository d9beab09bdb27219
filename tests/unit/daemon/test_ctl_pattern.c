/*
 * playbookctl test-pattern: what it answers by its exit status, and what it says of bad input.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/ctl.h"
#include "tests/unit/runner.h"

/* A file with this text; the caller's to unlink and free. */
static char *
file_with(const char *text)
{
	char *path = pb_strdup("/tmp/pb-pattern-XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static enum pb_ctl_exit
run(const char *first, const char *text, const char *second, const char *other, const char *last)
{
	char *a = file_with(text), *b = file_with(other != NULL ? other : "");
	const char *argv[] = {"test-pattern", first, a, second, b, last, NULL};
	int argc = second == NULL ? 3 : last == NULL ? 5 : 6;
	char *copy[PB_ARRAY_LEN(argv)] = {NULL};

	for (int i = 0; i < argc; i++)
		copy[i] = pb_strdup(argv[i]);
	enum pb_ctl_exit ret = pb_ctl_test_pattern(argc, copy);
	for (int i = 0; i < argc; i++)
		free(copy[i]);
	unlink(a);
	unlink(b);
	free(a);
	free(b);
	return ret;
}

static const struct {
	const char *pattern, *event;
	enum pb_ctl_exit want;
} pairs[] = {
    {"{\"a\":[1]}", "{\"a\":1.0}", PB_CTL_OK},
    {"{\"a\":[1]}", "{\"a\":2}", PB_CTL_REFUSED},
    {"{\"a\":[1}", "{\"a\":2}", PB_CTL_USAGE},
    {"{\"a\":[{\"prefx\":\"b\"}]}", "{\"a\":2}", PB_CTL_USAGE},
    {"{\"a\":[1]}", "{\"a\":1", PB_CTL_USAGE},
    {"{\"a\":[1]}", "{\"a\":1,\"\\u0061\":1}", PB_CTL_USAGE},
    {"{\"a\":[1]}", "[]", PB_CTL_USAGE},
};

START_TEST(a_pair_is_true_false_or_bad_input)
{
	ck_assert_int_eq(
	    run("--pattern", pairs[_i].pattern, "--event", pairs[_i].event, NULL), pairs[_i].want);
}
END_TEST

static const struct {
	const char *line;
	enum pb_ctl_exit want;
} cases[] = {
    {"{\"name\":\"x\",\"expect\":\"match\",\"pattern\":{\"a\":[1]},\"event\":{\"a\":1}}",
	PB_CTL_OK},
    {"{\"name\":\"x\",\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{\"a\":1}}",
	PB_CTL_REFUSED},
    {"{\"name\":\"x\",\"expect\":\"error\",\"pattern\":{\"a\":[]},\"event\":{}}", PB_CTL_OK},
    {"{\"name\":\"x\",\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{\"a\":1,\"a\":1}}",
	PB_CTL_OK},
    {"{\"name\":\"x\",\"expect\":\"match\",\"pattern\":\"{\\\"a\\\":[1]}\",\"event\":\"{\\\"a\\\":"
     "1}\"}",
	PB_CTL_OK},
    {"{\"pattern\":{\"a\":[1]}}", PB_CTL_USAGE},
    {"nonsense", PB_CTL_USAGE},
    {"", PB_CTL_USAGE},
    {"\n \n", PB_CTL_USAGE},
    {"{", PB_CTL_USAGE},
};

START_TEST(cases_agree_disagree_or_are_none)
{
	ck_assert_int_eq(run("--cases", cases[_i].line, NULL, NULL, NULL), cases[_i].want);
}
END_TEST

START_TEST(counting_refuses_bad_rules_and_events)
{
	const char *rules = "r\t{\"a\":[1]}\n";

	ck_assert_int_eq(
	    run("--rules", rules, "--events", "{}\n{\"a\":1}\n", "--count"), PB_CTL_OK);
	ck_assert_int_eq(run("--rules", "{}", "--events", "{}", "--count"), PB_CTL_USAGE);
	ck_assert_int_eq(run("--rules", rules, "--events", "{", "--count"), PB_CTL_USAGE);
	ck_assert_int_eq(run("--rules", rules, "--events", "{}", NULL), PB_CTL_USAGE);
}
END_TEST

/* --- bad input */

/* What the command says on standard error; the caller's.  `argv` ends with NULL. */
static char *
told(const char *const argv[], enum pb_ctl_exit want)
{
	char *copy[8] = {NULL};
	int argc = 0, saved = dup(STDERR_FILENO), fd = memfd_create("told", MFD_CLOEXEC);
	struct pb_buf b = PB_BUF_INIT;
	char chunk[4096];
	for (; argv[argc] != NULL; argc++)
		copy[argc] = pb_strdup(argv[argc]);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	enum pb_ctl_exit is = pb_ctl_test_pattern(argc, copy);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	close(saved);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	for (ssize_t n; (n = read(fd, chunk, sizeof(chunk))) > 0;)
		pb_buf_add(&b, chunk, (size_t)n);
	close(fd);
	for (int i = 0; i < argc; i++)
		free(copy[i]);
	ck_assert_msg(is == want, "exit status %d: %s", (int)is, b.len > 0 ? b.ptr : "");
	return b.len > 0 ? pb_buf_take(&b) : pb_strdup("");
}

/* F in `says` stands for the name of the file. */
#define BYTES(s) s, sizeof(s) - 1
static const struct {
	const char *option, *text;
	size_t len;
	enum pb_ctl_exit want;
	const char *says; /* all of it; NULL = nothing */
} inputs[] = {
    {"--pattern", BYTES("{\"a\":[1]}\r\n"), PB_CTL_OK, NULL},
    {"--pattern", BYTES(""), PB_CTL_USAGE,
	"playbookctl: F: not a pattern: not valid JSON: the text is empty\n"},
    {"--pattern", BYTES("\xef\xbb\xbf{\"a\":[1]}"), PB_CTL_USAGE,
	"playbookctl: F: begins with a byte order mark; save it as UTF-8 without one\n"},
    {"--pattern", BYTES("{\"a\":[\"\xff\"]}"), PB_CTL_USAGE, NULL},
    {"--pattern", BYTES("{\"a\":[1]}\0"), PB_CTL_USAGE, NULL},
    {"--event", BYTES("{\"a\":1}\n\n"), PB_CTL_OK, NULL},
    {"--event", BYTES(""), PB_CTL_USAGE, NULL},
    {"--event", BYTES("\xef\xbb\xbf{\"a\":1}"), PB_CTL_USAGE,
	"playbookctl: F: begins with a byte order mark; save it as UTF-8 without one\n"},
    {"--event", BYTES("{\"a\":1}\0"), PB_CTL_USAGE, NULL},
    {"--event", BYTES("{\"a\":\"\xff\"}"), PB_CTL_USAGE, NULL},
    {"--cases", BYTES(" \r\n"), PB_CTL_USAGE, "playbookctl: F: no cases\n"},
    {"--cases", BYTES("\xef\xbb\xbf{}"), PB_CTL_USAGE,
	"playbookctl: F: begins with a byte order mark; save it as UTF-8 without one\n"},
#define NO_CASE(why) "playbookctl: F:2: not a case: " why "\n"
#define WANTED                                                                                     \
	NO_CASE("wanted {\"name\", \"expect\": \"match\", \"nomatch\" or \"error\", \"pattern\", " \
		"\"event\"}")
    {"--cases",
	BYTES("\r\n{\"name\":\"x\",\"expect\":\"matches\",\"pattern\":{\"a\":[1]},\"event\":{}}"),
	PB_CTL_USAGE, NO_CASE("its \"expect\" is none of match, nomatch and error")},
    {"--cases", BYTES("\n{\"name\":\"x\",\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]}}"),
	PB_CTL_USAGE, NO_CASE("it has no \"event\"")},
    {"--cases", BYTES("\n{\"name\":\"x\",\"expect\":\"nomatch\",\"event\":{}}"), PB_CTL_USAGE,
	NO_CASE("it has no \"pattern\"")},
    {"--cases", BYTES("\n{\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{}}"),
	PB_CTL_USAGE, NO_CASE("it has no \"name\"")},
    {"--cases", BYTES("\n{\"name\":1,\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{}}"),
	PB_CTL_USAGE, NO_CASE("its \"name\" is no text")},
    {"--cases", BYTES("\n{\"name\":\"x\",\"pattern\":{\"a\":[1]},\"event\":{}}"), PB_CTL_USAGE,
	NO_CASE("it has no \"expect\"")},
    {"--cases",
	BYTES("\n{\"name\":\"x\",\"expct\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{}}"),
	PB_CTL_USAGE, NO_CASE("it has \"expct\", which no case has (did you mean expect?)")},
    {"--cases", BYTES("\n{\"name\":\"x\",\"why\":1}"), PB_CTL_USAGE,
	NO_CASE("it has \"why\", which no case has")},
    {"--cases", BYTES("\n{\"name\":\"x\",\"expect\":\"nomatch\",\"expect\":\"match\"}"),
	PB_CTL_USAGE, NO_CASE("it has \"expect\" twice")},
    {"--cases",
	BYTES("\n{\"name\":\"x\",\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{}} x"),
	PB_CTL_USAGE, WANTED},
    {"--cases",
	BYTES("\n{\"name\":\"x\",\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{}"),
	PB_CTL_USAGE, WANTED},
    {"--cases", BYTES("\n[1]"), PB_CTL_USAGE, WANTED},
    {"--cases", BYTES("\n{\"name\":\"x\",\"expect\":\"error\",\"pattern\":{\"a\":[]}}"), PB_CTL_OK,
	NULL},
    {"--rules", BYTES(""), PB_CTL_USAGE, "playbookctl: F: no rules\n"},
    {"--rules", BYTES("\n\r\n"), PB_CTL_USAGE, "playbookctl: F: no rules\n"},
    {"--rules", BYTES("a\t{\"a\":[1]}\r\nb\t{\"a\":[2]}"), PB_CTL_OK, NULL},
    {"--rules", BYTES("a\t{\"a\":[1]}\nb\t{}\n"), PB_CTL_USAGE,
	"playbookctl: F:2: not a rule, line 1, column 1: Empty objects are not allowed\n"},
    {"--rules", BYTES("a\t{\"a\":[1]}\n\nb\t{\"a\":[1]}\na\t{\"a\":[2]}\n"), PB_CTL_USAGE,
	"playbookctl: F:4: not a rule: id a is that of line 1 already\n"},
    {"--rules", BYTES("{\"a\":[1]}\n"), PB_CTL_USAGE,
	"playbookctl: F:1: not a rule: wanted an id, a tab and a pattern\n"},
    {"--rules", BYTES("a\t{\"a\":[1]}\n\t{\"a\":[1]}\n"), PB_CTL_USAGE,
	"playbookctl: F:2: not a rule: its id is empty\n"},
    {"--rules", BYTES("a\t{\"a\":[1]}\n \t{\"a\":[1]}\n"), PB_CTL_USAGE,
	"playbookctl: F:2: not a rule: its id is empty\n"},
    {"--rules", BYTES("a \t{\"a\":[1]}\n"), PB_CTL_USAGE,
	"playbookctl: F:1: not a rule: its id has blanks at an end\n"},
    {"--rules", BYTES(" a\t{\"a\":[1]}\n"), PB_CTL_USAGE,
	"playbookctl: F:1: not a rule: its id has blanks at an end\n"},
    {"--rules", BYTES("a\0b\t{\"a\":[1]}\n"), PB_CTL_USAGE,
	"playbookctl: F:1: not a rule: its id has a NUL byte\n"},
    {"--rules",
	BYTES("\xef\xbb\xbf"
	      "a\t{\"a\":[1]}\n"),
	PB_CTL_USAGE,
	"playbookctl: F: begins with a byte order mark; save it as UTF-8 without one\n"},
    {"--events", BYTES(""), PB_CTL_USAGE, "playbookctl: F: no events\n"},
    {"--events", BYTES("\n \n"), PB_CTL_USAGE, "playbookctl: F: no events\n"},
    {"--events", BYTES("{\"a\":1}\r\n{\"a\":2}"), PB_CTL_OK, NULL},
    {"--events", BYTES("{}\n[]\n"), PB_CTL_USAGE,
	"playbookctl: F:2: not an event: not an object, or not valid JSON\n"},
};

/* The arguments with `file` for one option and sound files for its companions. */
static char *
told_of(const char *option, const char *file, enum pb_ctl_exit want)
{
	PB_CLEANUP(pb_freep) char *pattern = file_with("{\"a\":[1]}");
	PB_CLEANUP(pb_freep) char *event = file_with("{\"a\":1}\n");
	PB_CLEANUP(pb_freep) char *rules = file_with("r\t{\"a\":[1]}\n");
	char *ret;
	if (pb_streq(option, "--cases"))
		ret = told((const char *[]){"test-pattern", option, file, NULL}, want);
	else if (pb_streq(option, "--pattern") || pb_streq(option, "--event"))
		ret = told((const char *[]){"test-pattern", "--pattern",
			       pb_streq(option, "--pattern") ? file : pattern, "--event",
			       pb_streq(option, "--event") ? file : event, NULL},
		    want);
	else
		ret = told((const char *[]){"test-pattern", "--rules",
			       pb_streq(option, "--rules") ? file : rules, "--events",
			       pb_streq(option, "--events") ? file : event, "--count", NULL},
		    want);
	unlink(pattern);
	unlink(event);
	unlink(rules);
	return ret;
}

START_TEST(bad_input_is_named_with_its_place)
{
	PB_CLEANUP(pb_freep) char *file = file_with("");
	PB_CLEANUP(pb_buf_fini) struct pb_buf wanted = PB_BUF_INIT;
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, inputs[_i].text, inputs[_i].len), (ssize_t)inputs[_i].len);
	close(fd);
	PB_CLEANUP(pb_freep) char *says = told_of(inputs[_i].option, file, inputs[_i].want);
	unlink(file);
	if (inputs[_i].want == PB_CTL_USAGE && inputs[_i].says == NULL) {
		/* The reason is the parser's or the compiler's; it must name the file. */
		PB_CLEANUP(pb_freep) char *head = pb_asprintf("playbookctl: %s: not a", file);
		ck_assert_msg(strncmp(says, head, strlen(head)) == 0, "%s", says);
		return;
	}
	for (const char *p = inputs[_i].says == NULL ? "" : inputs[_i].says; *p != '\0'; p++) {
		if (strncmp(p, "F:", 2) == 0)
			pb_buf_adds(&wanted, file);
		else
			pb_buf_addc(&wanted, *p);
	}
	ck_assert_str_eq(says, wanted.len > 0 ? wanted.ptr : "");
}
END_TEST

static const char *const file_options[] = {
    "--pattern", "--event", "--cases", "--rules", "--events"};

START_TEST(what_is_no_file_is_said)
{
	const char *option = file_options[_i];
	PB_CLEANUP(pb_freep) char *missing = told_of(option, "/nonexistent/x\033[1m", PB_CTL_USAGE);
	PB_CLEANUP(pb_freep) char *folder = told_of(option, "/tmp", PB_CTL_USAGE);
	ck_assert_ptr_nonnull(strstr(missing, "No such file or directory\n"));
	ck_assert_ptr_null(strchr(missing, '\033'));
	ck_assert_msg(
	    strstr(folder, "/tmp: ") != NULL && strstr(folder, "irectory") != NULL, "%s", folder);
}
END_TEST

START_TEST(a_line_without_end_is_refused)
{
	PB_CLEANUP(pb_freep) char *says = told_of("--cases", "/dev/zero", PB_CTL_USAGE);
	ck_assert_str_eq(says, "playbookctl: /dev/zero:1: a line may have at most 64 MiB\n");
}
END_TEST

START_TEST(an_option_is_given_once_and_one_file_is_standard_input)
{
	PB_CLEANUP(pb_freep)
	char *twice = told(
	    (const char *[]){"test-pattern", "--cases", "a", "--cases", "b", NULL}, PB_CTL_USAGE);
	PB_CLEANUP(pb_freep)
	char *both = told(
	    (const char *[]){"test-pattern", "--pattern", "-", "--event", "-", NULL}, PB_CTL_USAGE);
	ck_assert_str_eq(
	    twice, "playbookctl: --cases is given twice; see playbookctl test-pattern --help\n");
	ck_assert_str_eq(both, "playbookctl: only one FILE may be -, standard input\n");
}
END_TEST

static const struct {
	const char *args[6];
	const char *says; /* behind "playbookctl: ", and before what help there is */
} mistakes[] = {
    {{"--pattern", "a", "--pattern", "b"}, "--pattern is given twice"},
    {{"--rules", "a", "--events", "b"},
	"--count is missing: --rules wants all of --rules FILE, --events FILE and --count"},
    {{"--rules", "a", "--count"},
	"--events is missing: --rules wants all of --rules FILE, --events FILE and --count"},
    {{"--events", "a", "--count"},
	"--rules is missing: --events wants all of --rules FILE, --events FILE and --count"},
    {{"--count"},
	"--rules is missing: --count wants all of --rules FILE, --events FILE and --count"},
    {{"--count", "--count"}, "--count is given twice"},
    {{"--pattern", "a"},
	"--event is missing: --pattern wants all of --pattern FILE and --event FILE"},
    {{"--event", "a"},
	"--pattern is missing: --event wants all of --pattern FILE and --event FILE"},
    {{"--pattern", "a", "--cases", "b"}, "--pattern and --cases do not go together"},
    {{"--cases", "a", "--count"}, "--cases and --count do not go together"},
    {{"--event", ""}, "--event: the name of the file is empty"},
    {{"--cases", "a", "b\033"}, "\"b\\x1b\" is no option; a file is named behind one"},
};

START_TEST(a_mistake_on_the_command_line_is_named)
{
	const char *argv[8] = {"test-pattern"};
	for (size_t i = 0; i < PB_ARRAY_LEN(mistakes[_i].args); i++)
		argv[i + 1] = mistakes[_i].args[i];
	PB_CLEANUP(pb_freep) char *says = told(argv, PB_CTL_USAGE);
	PB_CLEANUP(pb_freep)
	char *wanted = pb_asprintf(
	    "playbookctl: %s; see playbookctl test-pattern --help\n", mistakes[_i].says);
	ck_assert_str_eq(says, wanted);
}
END_TEST

/* As a shell hands on <(...). */
START_TEST(a_pipe_is_read_to_its_end)
{
	static const char *const texts[] = {"{\"a\":[1]}", "{\"a\":1}"};
	PB_CLEANUP(pb_freep) char *names[2] = {NULL, NULL};
	int fds[2][2];
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe2(fds[i], O_CLOEXEC), 0);
		ck_assert_int_eq(
		    write(fds[i][1], texts[i], strlen(texts[i])), (ssize_t)strlen(texts[i]));
		close(fds[i][1]);
		names[i] = pb_asprintf("/dev/fd/%d", fds[i][0]);
	}
	PB_CLEANUP(pb_freep)
	char *says =
	    told((const char *[]){"test-pattern", "--pattern", names[0], "--event", names[1], NULL},
		PB_CTL_OK);
	ck_assert_str_eq(says, "");
	free(names[1]);
	close(fds[0][0]);
	close(fds[1][0]);
}
END_TEST

START_TEST(what_has_no_end_is_refused)
{
	PB_CLEANUP(pb_freep) char *says = told_of("--event", "/dev/zero", PB_CTL_USAGE);
	ck_assert_str_eq(says, "playbookctl: /dev/zero: larger than 67108864 bytes\n");
}
END_TEST

/* 1 would say that it does not match. */
START_TEST(an_answer_that_cannot_be_written_is_none)
{
	const char *build = getenv("BUILD");
	PB_CLEANUP(pb_freep)
	char *program = pb_asprintf("%s/playbookctl", build == NULL ? "build" : build);
	if (access(program, X_OK) != 0) {
		printf("SKIP answer that cannot be written: %s is not built\n", program);
		return;
	}
	PB_CLEANUP(pb_freep)
	char *command =
	    pb_asprintf("d=$(mktemp -d) && echo '{\"a\":[1]}' >$d/p && echo '{\"a\":1}' >$d/e; "
			"'%s' test-pattern --pattern $d/p --event $d/e >/dev/full 2>$d/err; "
			"rc=$?; grep -q 'standard output: No space' $d/err || rc=9; "
			"rm -r $d; exit $rc",
		program);
	int status = system(command);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 2);
}
END_TEST

PB_SUITE(ctl_pattern)
{
	pb_add(s, an_answer_that_cannot_be_written_is_none);
	pb_add_loop(s, bad_input_is_named_with_its_place, 0, (int)PB_ARRAY_LEN(inputs));
	pb_add_loop(s, what_is_no_file_is_said, 0, (int)PB_ARRAY_LEN(file_options));
	pb_add(s, a_line_without_end_is_refused);
	pb_add_loop(s, a_mistake_on_the_command_line_is_named, 0, (int)PB_ARRAY_LEN(mistakes));
	pb_add(s, a_pipe_is_read_to_its_end);
	pb_add(s, what_has_no_end_is_refused);
	pb_add(s, an_option_is_given_once_and_one_file_is_standard_input);
	pb_add_loop(s, a_pair_is_true_false_or_bad_input, 0, (int)PB_ARRAY_LEN(pairs));
	pb_add_loop(s, cases_agree_disagree_or_are_none, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, counting_refuses_bad_rules_and_events);
}
