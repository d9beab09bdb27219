/*
 * The configuration folder, read as one set.
 */
#include "confdir.h"

#include <stdlib.h>

#include "aws/service.h"
#include "io/file.h"

/* The files of the set as they are collected. */
struct set {
	struct pb_config_file *files;
	size_t n;
};

static void
set_fini(struct set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->files[i].name);
		free(set->files[i].text);
	}
	free(set->files);
}

static void
add_problem(struct pb_problems *problems, char *text)
{
	if (problems->n == PB_PROBLEMS_MAX) {
		free(text);
		return;
	}
	problems->texts = pb_realloc(problems->texts, (problems->n + 1) * sizeof(char *));
	problems->texts[problems->n++] = text;
}

static const char *
remedy(enum pb_error_kind kind, bool is_main)
{
	switch (kind) {
	case PB_NOT_FOUND:
		return is_main ? "; make it, or name the folder with --config DIR" : "";
	case PB_DENIED:
		return "; the user that playbookd runs as must be able to read it";
	case PB_LIMIT:
		return "; divide it into several files";
	case PB_OK:
	case PB_SYNTAX:
	case PB_INVALID:
	case PB_EXISTS:
	case PB_IO:
	case PB_TIMEOUT:
	case PB_UNSUPPORTED:
	case PB_CORRUPT:
	case PB_ERROR_MAX:
		break;
	}
	return "";
}

static void
read_one(struct set *set, const char *path, bool is_main, struct pb_problems *problems)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	struct pb_error err;
	if (pb_file_read(path, PB_CONFIG_FILE_MAX, &text, &err) < 0) {
		add_problem(problems, pb_asprintf("%s%s", err.text, remedy(err.kind, is_main)));
		return;
	}
	/* Before the text is taken: members of an initialiser come in no order. */
	size_t len = text.len;
	set->files = pb_realloc(set->files, (set->n + 1) * sizeof(*set->files));
	set->files[set->n++] = (struct pb_config_file){
	    .name = pb_strdup(path),
	    .len = len,
	    .text = pb_buf_take(&text),
	};
}

static bool
ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), e = strlen(ending);
	return n > e && strcmp(name + n - e, ending) == 0;
}

/* Hidden names are not listed at all.  What editors and packagers leave beside a file is no mistake. */
static bool
is_set_aside(const char *name)
{
	static const char *const endings[] = {"~", ".bak", ".orig", ".rej", ".old", ".tmp", ".swp",
	    ".disabled", ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmsave", ".rpmnew", ".rpmorig"};
	for (size_t i = 0; i < PB_ARRAY_LEN(endings); i++)
		if (ends_with(name, endings[i]))
			return true;
	return name[0] == '#';
}

static void
read_more(struct set *set, const char *dir, struct pb_problems *problems)
{
	PB_CLEANUP(pb_freep) char *more = pb_asprintf("%s/%s", dir, PB_CONFDIR_MORE);
	PB_CLEANUP(pb_file_list_fini) struct pb_file_list list = {0};
	struct pb_error err;
	if (pb_file_list(more, NULL, &list, &err) < 0) {
		if (err.kind != PB_NOT_FOUND)
			add_problem(
			    problems, pb_asprintf("%s%s", err.text, remedy(err.kind, false)));
		return;
	}
	for (size_t i = 0; i < list.n; i++) {
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", more, list.names[i]);
		if (ends_with(list.names[i], ".yaml"))
			read_one(set, path, false, problems);
		else if (!is_set_aside(list.names[i]))
			add_problem(problems,
			    pb_asprintf("%s: only names that end in .yaml are read; rename it to "
					"NAME.yaml, or to NAME.disabled if it is not to count",
				path));
	}
}

static void
read_all(struct set *set, const char *dir, struct pb_problems *problems)
{
	PB_CLEANUP(pb_freep) char *main_path = pb_asprintf("%s/%s", dir, PB_CONFDIR_MAIN);
	read_one(set, main_path, true, problems);
	read_more(set, dir, problems);
}

int
pb_confdir_load(const char *dir, struct pb_config **ret, struct pb_problems *problems)
{
	PB_CLEANUP(set_fini) struct set set = {0};
	read_all(&set, dir, problems);
	/* Half a set would be full of references to what is in the other half. */
	if (problems->n > 0)
		return -1;
	pb_zone_use(pb_confdir_zone);
	return pb_config_parse(set.files, set.n, pb_aws_action_check, ret, problems);
}

int
pb_confdir_zone(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	const char *dir = getenv("TZDIR");
	PB_CLEANUP(pb_freep)
	char *path =
	    pb_asprintf("%s/%s", dir == NULL || dir[0] != '/' ? "/usr/share/zoneinfo" : dir, name);
	if (pb_file_read(path, PB_ZONE_FILE_MAX, ret, err) == 0)
		return 0;
	if (err->kind == PB_NOT_FOUND)
		return pb_fail(
		    err, PB_NOT_FOUND, "the system's zones (package tzdata) have no %s", path);
	return -1;
}

int
pb_confdir_digest(const char *dir, char ret[PB_SHA256_TEXT])
{
	PB_CLEANUP(set_fini) struct set set = {0};
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	read_all(&set, dir, &problems);
	if (problems.n > 0)
		return -1;
	pb_config_digest(set.files, set.n, ret);
	return 0;
}

static void
add_count(struct pb_buf *b, size_t n, const char *what)
{
	(void)pb_buf_addf(b, "%s%zu %s%s", b->len > 0 && b->ptr[b->len - 1] != ' ' ? ", " : "", n,
	    what, n == 1 ? "" : "s");
}

void
pb_confdir_summary(const struct pb_config *c, struct pb_buf *b)
{
	add_count(b, c->n_playbooks, "playbook");
	add_count(b, c->n_sources, "source");
	add_count(b, c->n_channels, "channel");
	add_count(b, c->n_escalations, "escalation");
	(void)pb_buf_addf(b, "; configuration %.12s", c->digest);
}
