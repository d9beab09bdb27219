/*
 * The configuration folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/service.h"
#include "base/json.h"
#include "daemon/confdir.h"
#include "io/file.h"
#include "tests/unit/runner.h"

static char dir[64];

static char *
path_of(const char *name)
{
	return pb_asprintf("%s/%s", dir, name);
}

static void
put(const char *name, const char *text)
{
	struct pb_error err;
	PB_CLEANUP(pb_freep) char *path = path_of(name);
	if (pb_file_write(path, 0600, pb_str_of(text), &err) < 0)
		ck_abort_msg("%s", err.text);
}

static void
make(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/pb-confdir-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	PB_CLEANUP(pb_freep) char *more = path_of("playbooks.d");
	ck_assert_int_eq(mkdir(more, 0700), 0);
}

static void
clear(void)
{
	PB_CLEANUP(pb_freep) char *command = pb_asprintf("rm -rf -- '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char base_text[] = "version: 1\n"
				"unmatched: {alarms: drop, events: drop}\n"
				"contacts: [{name: ana}]\n"
				"channels: [{name: p, type: sns, topic: "
				"'arn:aws:sns:eu-west-1:111122223333:p'}]\n"
				"escalations: [{name: e, levels: [{notify: [ana], via: [p]}]}]\n";

/* All problems, one a line. */
static char *
problems(void)
{
	PB_CLEANUP(pb_problems_fini) struct pb_problems p = {0};
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	int rc = pb_confdir_load(dir, &c, &p);
	ck_assert_int_eq(rc, p.n == 0 ? 0 : -1);
	for (size_t i = 0; i < p.n; i++)
		(void)pb_buf_addf(&b, "%s\n", p.texts[i]);
	return pb_buf_take(&b);
}

#define ck_says(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s", text)

START_TEST(files_are_read_in_byte_order_as_one_set)
{
	make();
	put("playbookd.yaml", base_text);
	put("playbooks.d/b.yaml",
	    "version: 1\nplaybooks: [{name: second, match: {source: [b]}, escalate: e}]\n");
	put("playbooks.d/B.yaml",
	    "version: 1\nplaybooks: [{name: first, match: {source: [a]}, escalate: e}]\n");
	put("playbooks.d/c.yaml.bak", "this is not read");
	PB_CLEANUP(pb_problems_fini) struct pb_problems p = {0};
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	int rc = pb_confdir_load(dir, &c, &p);
	ck_assert_msg(rc == 0, "%s", p.n > 0 ? p.texts[0] : "");
	ck_assert_str_eq(c->playbooks[0].name, "first");
	ck_assert_str_eq(c->playbooks[1].name, "second");
	pb_confdir_summary(c, &b);
	PB_CLEANUP(pb_freep)
	char *expected = pb_asprintf(
	    "2 playbooks, 0 sources, 1 channel, 1 escalation; configuration %.12s", c->digest);
	ck_assert_str_eq(b.ptr, expected);
	clear();
}
END_TEST

static struct {
	const char *name;
	bool is_told;
} const others[] = {
    {"web.yml", true},
    {"web.json", true},
    {"web", true},
    {"web.YAML", true},
    {".web.yaml.swp", false},
    {"web.yaml~", false},
    {"web.yaml.bak", false},
    {"web.yaml.dpkg-old", false},
    {"web.yaml.disabled", false},
    {"#web.yaml#", false},
};

START_TEST(a_file_of_another_name_is_told_unless_it_was_set_aside)
{
	make();
	put("playbookd.yaml", base_text);
	PB_CLEANUP(pb_freep) char *name = pb_asprintf("playbooks.d/%s", others[_i].name);
	put(name, "version: 1\n");
	PB_CLEANUP(pb_freep) char *text = problems();
	PB_CLEANUP(pb_freep)
	char *told = pb_asprintf("%s/%s: only names that end in .yaml are read; rename it to "
				 "NAME.yaml, or to NAME.disabled if it is not to count\n",
	    dir, name);
	ck_assert_str_eq(text, others[_i].is_told ? told : "");
	clear();
}
END_TEST

START_TEST(a_folder_that_is_not_there_says_what_to_do)
{
	make();
	clear();
	PB_CLEANUP(pb_freep) char *text = problems();
	ck_says(text,
	    "playbookd.yaml: No such file or directory; make it, or name the folder with "
	    "--config DIR");
}
END_TEST

START_TEST(the_digest_follows_the_files_and_not_whether_they_are_good)
{
	char first[PB_SHA256_TEXT], second[PB_SHA256_TEXT];
	make();
	put("playbookd.yaml", base_text);
	PB_CLEANUP(pb_problems_fini) struct pb_problems p = {0};
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	ck_assert_int_eq(pb_confdir_load(dir, &c, &p), 0);
	ck_assert_int_eq(pb_confdir_digest(dir, first), 0);
	ck_assert_str_eq(first, c->digest);
	put("playbooks.d/a.yaml", "version: 1\nplaybook: []\n");
	ck_assert_int_eq(pb_confdir_digest(dir, second), 0);
	ck_assert_str_ne(first, second);
	put("playbooks.d/b.yml", "version: 1\n");
	ck_assert_int_eq(pb_confdir_digest(dir, second), -1);
	clear();
}
END_TEST

START_TEST(playbooks_d_may_be_absent)
{
	make();
	put("playbookd.yaml", base_text);
	PB_CLEANUP(pb_freep) char *more = path_of("playbooks.d");
	ck_assert_int_eq(rmdir(more), 0);
	PB_CLEANUP(pb_freep) char *text = problems();
	ck_assert_str_eq(text, "");
	clear();
}
END_TEST

START_TEST(everything_that_cannot_be_read_is_told_at_once)
{
	make();
	PB_CLEANUP(pb_freep) char *folder = path_of("playbooks.d/a.yaml");
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	PB_CLEANUP(pb_freep) char *large = pb_calloc(1, 2 * 1024 * 1024 + 1);
	memset(large, '#', 2 * 1024 * 1024);
	put("playbooks.d/b.yaml", large);
	PB_CLEANUP(pb_freep) char *text = problems();
	ck_says(text, "playbookd.yaml");
	ck_says(text, "a.yaml");
	ck_says(text, "b.yaml");
	ck_says(text, "divide it into several files");
	clear();
}
END_TEST

START_TEST(a_file_that_may_not_be_read_names_the_remedy)
{
	make();
	put("playbookd.yaml", base_text);
	PB_CLEANUP(pb_freep) char *path = path_of("playbookd.yaml");
	ck_assert_int_eq(chmod(path, 0), 0);
	if (getuid() == 0) {
		printf("SKIP unreadable file: root reads everything\n");
	} else {
		PB_CLEANUP(pb_freep) char *text = problems();
		ck_says(text, "the user that playbookd runs as must be able to read it");
	}
	clear();
}
END_TEST

START_TEST(an_empty_file_is_a_problem)
{
	make();
	put("playbookd.yaml", "");
	PB_CLEANUP(pb_freep) char *text = problems();
	ck_says(text, "playbookd.yaml:1:1:");
	clear();
}
END_TEST

START_TEST(problems_of_all_files_come_together)
{
	make();
	put("playbookd.yaml", base_text);
	put("playbooks.d/a.yaml", "version: 1\nplaybook: []\n");
	put("playbooks.d/b.yaml",
	    "version: 1\nplaybooks: [{name: x, match: {source: [a]}, escalate: nobody}]\n");
	PB_CLEANUP(pb_freep) char *text = problems();
	ck_says(text, "a.yaml:2:1: ");
	ck_says(text, "(did you mean \"playbooks\"?)");
	ck_says(text, "b.yaml:2:");
	ck_says(text, "nobody");
	clear();
}
END_TEST

static struct {
	const char *service, *operation, *inputs;
	enum pb_error_kind kind; /* PB_OK: taken */
	const char *effect;
} const calls[] = {
    {"sqs", "SendMessage", "{\"QueueUrl\":\"u\",\"MessageBody\":\"b\"}", PB_OK, "once"},
    {"sns", "Publish", "{\"TopicArn\":\"a\",\"Message\":\"b\"}", PB_OK, "once"},
    {"sqz", "SendMessage", "{}", PB_NOT_FOUND, "once"},
    {"sqs", "SendMesage", "{}", PB_UNSUPPORTED, "once"},
    {"sqs", "SendMessage", "{\"QueueUrl\":\"u\"}", PB_INVALID, "once"},
    {"sqs", "SendMessage", "{\"QueueUrl\":\"u\",\"MessageBody\":\"b\",\"Body\":\"c\"}", PB_INVALID,
	"once"},
};

START_TEST(aws_steps_are_checked_against_what_the_client_can_do)
{
	struct pb_error err = {0};
	PB_JSON json_t *inputs = NULL, *facts = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(calls[_i].inputs), &inputs, NULL), 0);
	int rc = pb_aws_action_check(calls[_i].service, calls[_i].operation, inputs, &facts, &err);
	ck_assert_int_eq(rc, calls[_i].kind == PB_OK ? 0 : -1);
	if (rc == 0)
		ck_assert_str_eq(pb_json_str(facts, "effect"), calls[_i].effect);
	else
		ck_assert_msg(err.kind == calls[_i].kind, "%s", err.text);
}
END_TEST

PB_SUITE(confdir)
{
	pb_add(s, files_are_read_in_byte_order_as_one_set);
	pb_add_loop(
	    s, a_file_of_another_name_is_told_unless_it_was_set_aside, 0, PB_ARRAY_LEN(others));
	pb_add(s, a_folder_that_is_not_there_says_what_to_do);
	pb_add(s, the_digest_follows_the_files_and_not_whether_they_are_good);
	pb_add(s, playbooks_d_may_be_absent);
	pb_add(s, everything_that_cannot_be_read_is_told_at_once);
	pb_add(s, a_file_that_may_not_be_read_names_the_remedy);
	pb_add(s, an_empty_file_is_a_problem);
	pb_add(s, problems_of_all_files_come_together);
	pb_add_loop(
	    s, aws_steps_are_checked_against_what_the_client_can_do, 0, PB_ARRAY_LEN(calls));
}
