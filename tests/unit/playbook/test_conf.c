/*
 * What is installed for people to begin with: the example and the worked playbooks, as one set.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define FILES_MAX 50

struct installed {
	struct pb_config_file files[FILES_MAX];
	size_t n;
};

static void
add(struct installed *set, const char *path)
{
	size_t len;
	ck_assert_uint_lt(set->n, FILES_MAX);
	char *text = pb_test_read(path, &len);
	set->files[set->n++] = (struct pb_config_file){pb_strdup(path), text, len};
}

/* As the daemon would: the main file, then playbooks.d in byte order. */
static struct installed
read_installed(void)
{
	struct installed set = {.n = 0};
	glob_t found;
	add(&set, "conf/playbookd.example.yaml");
	ck_assert_int_eq(glob("conf/playbooks.d/*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		add(&set, found.gl_pathv[i]);
	globfree(&found);
	return set;
}

static void
free_installed(struct installed *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->files[i].name);
		free(set->files[i].text);
	}
}

/* Without an AWS to ask: that the operations and their inputs exist is the daemon's test. */
static struct pb_config *
load(const struct installed *set)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	int rc = pb_config_parse(set->files, set->n, NULL, &c, &problems);
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	ck_assert_int_eq(rc, 0);
	pb_problems_fini(&problems);
	return c;
}

START_TEST(the_worked_playbooks_load_beside_the_example)
{
	static const char *const names[] = {
	    "deploy-errors", "disk-full", "queue-backlog", "web-5xx"};
	struct installed set = read_installed();
	struct pb_config *c = load(&set);
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++) {
		size_t k = pb_config_find_playbook(c, names[i]);
		ck_assert_msg(k != PB_NONE, "%s is not there", names[i]);
		ck_assert_uint_gt(c->playbooks[k].n_steps, 0);
		ck_assert_ptr_nonnull(c->playbooks[k].summary);
		ck_assert_ptr_nonnull(c->playbooks[k].docs);
		ck_assert_ptr_nonnull(c->playbooks[k].owner);
	}
	pb_config_unref(c);
	free_installed(&set);
}
END_TEST

static json_t *
alarm_event(const char *name)
{
	return json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "source", "aws.cloudwatch", "detail-type",
	    "CloudWatch Alarm State Change", "detail", "alarmName", name, "state", "value",
	    "ALARM");
}

START_TEST(each_worked_playbook_takes_its_own_alarm)
{
	static const char *const cases[][2] = {
	    {"disk-used-web-1", "disk-full"},
	    {"settlement-oldest-message-age", "queue-backlog"},
	    {"web-1-5xx-rate", "web-5xx"},
	};
	struct installed set = read_installed();
	struct pb_config *c = load(&set);
	PB_JSON json_t *event = alarm_event(cases[_i][0]);
	uint32_t id = UINT32_MAX;
	ck_assert_uint_eq(pb_matcher_match(c->matcher, event, &id, 1), 1);
	ck_assert_str_eq(c->playbooks[id].name, cases[_i][1]);
	pb_config_unref(c);
	free_installed(&set);
}
END_TEST

START_TEST(the_iam_policy_is_json)
{
	size_t len;
	struct pb_error err = {0};
	PB_JSON json_t *j = NULL;
	char *text = pb_test_read("conf/iam-policy.json", &len);
	ck_assert_msg(pb_json_parse((struct pb_str){text, len}, &j, &err) == 0, "%s", err.text);
	ck_assert_uint_gt(json_array_size(pb_json_get(j, "Statement")), 0);
	free(text);
}
END_TEST

/* Between the marks of the page's source; nothing in it is escaped. */
static char *
manual_example(void)
{
	static const char begin[] = ".\\\" example\n", end[] = ".\\\" end\n";
	size_t len;
	char *page = pb_test_read("man/playbook.5", &len);
	const char *from = strstr(page, begin);
	ck_assert_ptr_nonnull(from);
	from += strlen(begin);
	const char *to = strstr(from, end);
	ck_assert_ptr_nonnull(to);
	char *text = pb_strndup(from, (size_t)(to - from));
	free(page);
	return text;
}

START_TEST(the_example_of_the_manual_is_accepted)
{
	char *text = manual_example();
	struct pb_config *c = pb_test_load(text);
	ck_assert_uint_eq(c->n_playbooks, 1);
	ck_assert_uint_eq(c->playbooks[0].n_steps, 2);
	pb_config_unref(c);
	free(text);
}
END_TEST

START_TEST(the_set_for_the_sandbox_is_accepted)
{
	struct pb_config *c = pb_test_load_file("conf/sandbox/playbookd.yaml");
	ck_assert_uint_eq(c->n_playbooks, 1);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(playbook_conf)
{
	pb_add(s, the_set_for_the_sandbox_is_accepted);
	pb_add(s, the_example_of_the_manual_is_accepted);
	pb_add(s, the_worked_playbooks_load_beside_the_example);
	pb_add_loop(s, each_worked_playbook_takes_its_own_alarm, 0, 3);
	pb_add(s, the_iam_policy_is_json);
}
