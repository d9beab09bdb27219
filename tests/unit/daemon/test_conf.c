/*
 * What is installed for people to begin with passes `playbookd --check`: as a folder, and with the
 * AWS operations that there really are.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runner.h"
#include "daemon/confdir.h"

static void
link_file(const char *from, const char *to)
{
	char *target = realpath(from, NULL);
	ck_assert_msg(target != NULL, "%s is not there; run from the top of the tree", from);
	ck_assert_msg(symlink(target, to) == 0, "%s: %s", to, strerror(errno));
	free(target);
}

/* The folder that a person makes of conf/ by hand; the caller removes it. */
static char *
make_folder(glob_t *ret_more)
{
	char dir[] = "/tmp/playbookd-conf-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	PB_CLEANUP(pb_freep) char *main_path = pb_asprintf("%s/%s", dir, PB_CONFDIR_MAIN);
	PB_CLEANUP(pb_freep) char *more = pb_asprintf("%s/%s", dir, PB_CONFDIR_MORE);
	link_file("conf/playbookd.example.yaml", main_path);
	ck_assert_int_eq(mkdir(more, 0700), 0);
	ck_assert_int_eq(glob("conf/playbooks.d/*.yaml", 0, NULL, ret_more), 0);
	for (size_t i = 0; i < ret_more->gl_pathc; i++) {
		const char *name = strrchr(ret_more->gl_pathv[i], '/') + 1;
		PB_CLEANUP(pb_freep) char *to = pb_asprintf("%s/%s", more, name);
		link_file(ret_more->gl_pathv[i], to);
	}
	return pb_strdup(dir);
}

static void
remove_folder(const char *dir, glob_t *more)
{
	PB_CLEANUP(pb_freep) char *main_path = pb_asprintf("%s/%s", dir, PB_CONFDIR_MAIN);
	PB_CLEANUP(pb_freep) char *more_dir = pb_asprintf("%s/%s", dir, PB_CONFDIR_MORE);
	for (size_t i = 0; i < more->gl_pathc; i++) {
		const char *name = strrchr(more->gl_pathv[i], '/') + 1;
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", more_dir, name);
		ck_assert_int_eq(unlink(path), 0);
	}
	globfree(more);
	ck_assert_int_eq(rmdir(more_dir), 0);
	ck_assert_int_eq(unlink(main_path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct pb_config *
check_folder(const char *dir)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	int rc = pb_confdir_load(dir, &c, &problems);
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	ck_assert_int_eq(rc, 0);
	pb_problems_fini(&problems);
	return c;
}

static const struct pb_step *
find_step(const struct pb_config *c, const char *playbook, size_t i)
{
	size_t k = pb_config_find_playbook(c, playbook);
	ck_assert_uint_ne(k, PB_NONE);
	ck_assert_uint_lt(i, c->playbooks[k].n_steps);
	return &c->playbooks[k].steps[i];
}

START_TEST(the_worked_playbooks_pass_the_daemons_check)
{
	glob_t more;
	char *dir = make_folder(&more);
	struct pb_config *c = check_folder(dir);
	ck_assert_uint_eq(c->n_files, 1 + more.gl_pathc);
	/* The deduplication id makes the second one safe to repeat, as its comment says. */
	ck_assert_int_eq((int)find_step(c, "queue-backlog", 0)->effect, PB_EFFECT_READ);
	ck_assert_int_eq((int)find_step(c, "queue-backlog", 1)->effect, PB_EFFECT_TOKEN);
	pb_config_unref(c);
	remove_folder(dir, &more);
	free(dir);
}
END_TEST

START_TEST(the_sandboxs_folder_passes_the_daemons_check)
{
	struct pb_config *c = check_folder("conf/sandbox");
	ck_assert_uint_eq(c->n_sources, 1);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(daemon_conf)
{
	pb_add(s, the_worked_playbooks_pass_the_daemons_check);
	pb_add(s, the_sandboxs_folder_passes_the_daemons_check);
}
