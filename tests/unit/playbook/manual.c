/*
 * PATTERNS of playbook(5): its tables are read from the page itself, and each example is run as a part
 * of a configuration.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pattern/exact.h"
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

/* The lines of the section, as a reader sees them. */
static char *
section(void)
{
	size_t len;
	PB_CLEANUP(pb_freep) char *page = pb_test_read("man/playbook.5", &len);
	char *from = strstr(page, ".Sh PATTERNS\n"), *to = strstr(page, ".Sh TEMPLATES\n");
	ck_assert(from != NULL && to != NULL && from < to);
	*to = '\0';
	char *ret = pb_strdup(from), *end = ret;
	for (const char *p = from; *p != '\0'; p++) {
		*end++ = *p;
		p += p[0] == '\\' && p[1] == 'e';
	}
	*end = '\0';
	return ret;
}

static bool
fits(const char *match, const json_t *event)
{
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "%splaybooks:\n  - name: p\n    match: %s\n    escalate: e\n", PB_TEST_HEAD, match);
	struct pb_config *c = pb_test_load(text);
	PB_CLEANUP(pb_freep) char *bytes = pb_exact_text(event);
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	size_t n;
	ck_assert_int_eq(pb_match(c->matcher, s, pb_str_of(bytes), NULL, 0, &n), 0);
	ck_assert_int_eq(n > 0, pb_pattern_match(c->playbooks[0].match, event));
	pb_config_unref(c);
	return n > 0;
}

static json_t *
json_of(const char *text)
{
	json_t *j = NULL;
	struct pb_error err = {0};
	ck_assert_msg(pb_exact_parse(pb_str_of(text), &j, &err) == 0, "%s: %s", text, err.text);
	return j;
}

/* --- a test a line */

/* Values with commas between them; "absent" stands for none. */
static size_t
check_values(const char *test, const char *values, bool is_wanted)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf list = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *match = pb_asprintf("{v: [%s]}", test);
	const char *absent = strstr(values, "absent");
	size_t i;
	json_t *value;
	(void)pb_buf_addf(&list, "[%s]", values);
	if (absent != NULL)
		memcpy(list.ptr + 1 + (absent - values), "\"NONE\"", 6);
	PB_JSON json_t *all = json_of(list.ptr);
	json_array_foreach (all, i, value) {
		bool is_absent = pb_streq(json_string_value(value), "NONE");
		PB_JSON json_t *event = is_absent ? json_object() : json_pack("{s:O}", "v", value);
		PB_CLEANUP(pb_freep) char *shown = pb_exact_text(event);
		ck_assert_msg(fits(match, event) == is_wanted, "%s on %s", test, shown);
	}
	return json_array_size(all);
}

/* The next cell of a line, which two blanks end. */
static char *
cell(char **rest)
{
	char *ret = *rest + strspn(*rest, " "), *end = strstr(ret, "  ");
	*rest = end == NULL ? ret + strlen(ret) : end + 2;
	if (end != NULL)
		*end = '\0';
	return ret;
}

START_TEST(each_test_fits_and_does_not_as_the_manual_says)
{
	PB_CLEANUP(pb_freep) char *text = section();
	char *rest = strstr(text, "\ntest  ");
	size_t n = 0;
	ck_assert_ptr_nonnull(rest);
	(void)strsep(&rest, "\n");
	(void)strsep(&rest, "\n");
	for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '.'; n++) {
		char *test = cell(&line), *yes = cell(&line), *no = cell(&line);
		ck_assert_msg(check_values(test, yes, true) > 0, "%s", test);
		ck_assert_msg(check_values(test, no, false) > 0, "%s", test);
	}
	ck_assert_uint_ge(n, 35);
}
END_TEST

/* No operator without an example. */
START_TEST(each_operator_is_in_the_manual)
{
	static const char *const words[] = {"{exactly:", "{prefix:", "{suffix:",
	    "{equals-ignore-case:", "{wildcard:", "{anything-but: a", "{anything-but: [a",
	    "{anything-but: 5", "{anything-but: [5", "{anything-but: {prefix: in}",
	    "{anything-but: {prefix: [", "{anything-but: {suffix: .", "{anything-but: {suffix: [",
	    "{anything-but: {equals-ignore-case: a", "{anything-but: {equals-ignore-case: [",
	    "{anything-but: {wildcard: \"", "{anything-but: {wildcard: [",
	    "{numeric:", "{cidr:", "{exists: true}", "{exists: false}", "$or: [",
	    "{prefix: {equals-ignore-case:", "{suffix: {equals-ignore-case:"};
	PB_CLEANUP(pb_freep) char *text = section();
	for (size_t i = 0; i < PB_ARRAY_LEN(words); i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "%s", words[i]);
}
END_TEST

/* --- whole patterns */

START_TEST(each_pattern_fits_and_does_not_as_the_manual_says)
{
	PB_CLEANUP(pb_freep) char *text = section();
	char *rest = strstr(text, "\npattern  ") + 1;
	const char *match = NULL;
	size_t n = 0;
	for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '.'; n++) {
		if (line[0] == '\0')
			continue;
		const char *value = line + 10;
		ck_assert_msg(strlen(line) > 10, "%s", line);
		if (strncmp(line, "pattern   ", 10) == 0) {
			match = value;
			continue;
		}
		bool is_wanted = strncmp(line, "fits      ", 10) == 0;
		ck_assert_msg(is_wanted || strncmp(line, "does not  ", 10) == 0, "%s", line);
		PB_JSON json_t *event = json_of(value);
		ck_assert_msg(fits(match, event) == is_wanted, "%s on %s", match, value);
	}
	ck_assert_uint_ge(n, 24);
}
END_TEST

PB_SUITE(manual)
{
	pb_add(s, each_test_fits_and_does_not_as_the_manual_says);
	pb_add(s, each_operator_is_in_the_manual);
	pb_add(s, each_pattern_fits_and_does_not_as_the_manual_says);
}
