/*
 * The catalogue of commands: what it takes, and that nothing slips past it.
 */
#include "playbook/catalogue.h"

#include <stdlib.h>

#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

static struct pb_catalogue *
catalogue(const char *text)
{
	struct pb_catalogue *c = NULL;
	struct pb_problems problems = {0};
	struct pb_config_file f = {
	    (char *)(uintptr_t) "commands.yaml", (char *)(uintptr_t)text, strlen(text)};
	int rc = pb_catalogue_parse(&f, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

#define ARGV(...)                                                                                  \
	(const char *const[]){__VA_ARGS__},                                                        \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

START_TEST(only_what_it_lists_is_found)
{
	PB_CLEANUP(pb_catalogue_freep)
	struct pb_catalogue *c = catalogue("version: 1\n"
					   "commands:\n"
					   "  - name: restart\n"
					   "    argv: [/bin/systemctl, restart, [{prefix: web-}, "
					   "db.service]]\n"
					   "    user: root\n"
					   "    timeout: 2m\n"
					   "  - {name: list, argv: [/bin/ls]}\n");
	const struct pb_command *cmd =
	    pb_catalogue_find(c, ARGV("/bin/systemctl", "restart", "web-1"));
	ck_assert_ptr_nonnull(cmd);
	ck_assert_str_eq(cmd->name, "restart");
	ck_assert_str_eq(cmd->user, "root");
	ck_assert_int_eq(cmd->timeout_for, 2 * PB_MINUTE);
	ck_assert_ptr_eq(
	    pb_catalogue_find(c, ARGV("/bin/systemctl", "restart", "db.service")), cmd);
	ck_assert_ptr_null(pb_catalogue_find(c, ARGV("/bin/systemctl", "restart", "sshd")));
	ck_assert_ptr_null(pb_catalogue_find(c, ARGV("/bin/systemctl", "restart")));
	ck_assert_ptr_null(
	    pb_catalogue_find(c, ARGV("/bin/systemctl", "restart", "web-1", "sshd")));
	ck_assert_ptr_null(pb_catalogue_find(c, ARGV("/bin/systemctl", "stop", "web-1")));
	ck_assert_ptr_null(pb_catalogue_find(c, ARGV("systemctl", "restart", "web-1")));
	ck_assert_ptr_null(pb_catalogue_find(c, ARGV("/bin/systemctl", "restart", "web-\xff")));
	cmd = pb_catalogue_find(c, ARGV("/bin/ls"));
	ck_assert_ptr_nonnull(cmd);
	ck_assert_ptr_null(cmd->user);
	ck_assert_int_eq(cmd->timeout_for, PB_CATALOGUE_TIMEOUT_DEFAULT);
}
END_TEST

static const struct {
	const char *name, *text, *problem;
} bad[] = {
    {"nothing", "", "commands.yaml:1:1: the file is empty; begin it with \"version: 1\""},
    {"no commands", "version: 1\n", "commands.yaml:1:1: the file needs the key commands"},
    {"another version", "version: 2\ncommands: [{name: a, argv: [/a]}]\n",
	"commands.yaml:1:10: version \"2\" is not known; this program reads version: 1"},
    {"no path", "version: 1\ncommands:\n  - {name: a, argv: [ls]}\n",
	"commands.yaml:3:22: \"ls\" must be an absolute path; there is no shell and no search "
	"path"},
    {"any program", "version: 1\ncommands:\n  - {name: a, argv: [[{prefix: /}]]}\n",
	"commands.yaml:3:22: the program must be a text: who could choose it could run anything"},
    {"no such match", "version: 1\ncommands:\n  - {name: a, argv: [/a, [{prefx: x}]]}\n",
	"commands.yaml:3:35: argv: Unrecognized match type prefx (did you mean prefix?)"},
    {"a name twice",
	"version: 1\ncommands:\n  - {name: a, argv: [/a]}\n  - {name: a, argv: [/b]}\n",
	"commands.yaml:4:5: command \"a\" is listed already"},
    {"a shell", "version: 1\ncommands:\n  - {name: a, argv: [/a], shell: x}\n",
	"commands.yaml:3:27: unknown key \"shell\" in command"},
    {"for ever", "version: 1\ncommands:\n  - {name: a, argv: [/a], timeout: 2d}\n",
	"commands.yaml:3:36: 2d is out of range, it must be between 1s and 1d"},
};

START_TEST(what_is_wrong_is_told_with_its_place)
{
	struct pb_catalogue *c = NULL;
	struct pb_problems problems = {0};
	struct pb_config_file f = {(char *)(uintptr_t) "commands.yaml",
	    (char *)(uintptr_t)bad[_i].text, strlen(bad[_i].text)};
	ck_assert_int_eq(pb_catalogue_parse(&f, &c, &problems), -1);
	ck_assert_ptr_null(c);
	ck_assert_msg(problems.n >= 1, "%s", bad[_i].name);
	ck_assert_str_eq(problems.texts[0], bad[_i].problem);
	pb_problems_fini(&problems);
}
END_TEST

START_TEST(the_example_is_good)
{
	size_t len;
	char *text = pb_test_read("conf/commands.example.yaml", &len);
	PB_CLEANUP(pb_catalogue_freep) struct pb_catalogue *c = catalogue(text);
	ck_assert_ptr_nonnull(
	    pb_catalogue_find(c, ARGV("/usr/bin/systemctl", "restart", "web-1.service")));
	free(text);
}
END_TEST

PB_SUITE(catalogue)
{
	pb_add(s, only_what_it_lists_is_found);
	pb_add(s, the_example_is_good);
	pb_add_loop(s, what_is_wrong_is_told_with_its_place, 0, (int)PB_ARRAY_LEN(bad));
}
