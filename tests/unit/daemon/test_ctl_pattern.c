/*
 * playbookctl test-pattern: what it answers by its exit status.
 */
#include <stdlib.h>
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
    {"{\"expect\":\"error\",\"pattern\":{\"a\":[]},\"event\":{}}", PB_CTL_OK},
    {"{\"expect\":\"nomatch\",\"pattern\":{\"a\":[1]},\"event\":{\"a\":1,\"a\":1}}", PB_CTL_OK},
    {"{\"expect\":\"match\",\"pattern\":\"{\\\"a\\\":[1]}\",\"event\":\"{\\\"a\\\":1}\"}",
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

PB_SUITE(ctl_pattern)
{
	pb_add_loop(s, a_pair_is_true_false_or_bad_input, 0, (int)PB_ARRAY_LEN(pairs));
	pb_add_loop(s, cases_agree_disagree_or_are_none, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, counting_refuses_bad_rules_and_events);
}
