/*
 * The catalogue of commands: what playbookd-exec may run, as whom, for how long.
 *
 *	version: 1
 *	commands:
 *	  - name: restart-web
 *	    argv: [/usr/bin/systemctl, restart, [{wildcard: "web-*.service"}]]
 *	    user: root
 *	    timeout: 2m
 *
 * An element of argv that is a text must be equal; one that is a list is what an event pattern lists
 * for a field (playbook.5, PATTERNS).  The program is always a text.  The number of elements must be
 * the same: nothing can be added behind.  The first command that fits counts.
 */
#ifndef PB_PLAYBOOK_CATALOGUE_H
#define PB_PLAYBOOK_CATALOGUE_H

#include "playbook/config.h"

#define PB_CATALOGUE_COMMANDS_MAX 1000
#define PB_CATALOGUE_ARGS_MAX 256
#define PB_CATALOGUE_TIMEOUT_DEFAULT (10 * PB_MINUTE)
#define PB_CATALOGUE_TIMEOUT_MAX PB_DAY

struct pb_command_arg {
	char *text; /* must be equal; NULL where `pattern` says */
	struct pb_pattern *pattern; /* over {"argument": TEXT} */
};

struct pb_command {
	char *name;
	char *user; /* NULL = whom the helper runs as */
	int64_t timeout_for; /* ms: the step's limit may be shorter, never longer */
	struct pb_command_arg *args;
	size_t n_args;
};

struct pb_catalogue {
	struct pb_command *commands;
	size_t n;
};

/* Reads one file.  All that is wrong goes to `problems`, each "NAME:LINE:COLUMN: ...".  *ret is the
 * caller's; untouched on failure. */
int pb_catalogue_parse(
    const struct pb_config_file *file, struct pb_catalogue **ret, struct pb_problems *problems);
void pb_catalogue_free(struct pb_catalogue *c); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_catalogue, pb_catalogue_free)

/* The first command that argv fits; NULL when none does. */
const struct pb_command *
pb_catalogue_find(const struct pb_catalogue *c, const char *const *argv, size_t n);

#endif
