/*
 * The catalogue of commands: YAML through the same tree, tables and problems as the configuration.
 */
#include "playbook/catalogue.h"

#include <stddef.h>

#include "playbook/read.h"

#define AT(member) .offset = offsetof(struct pb_command, member)
#define ARGUMENT "argument"

/* An element that is a list: what an event pattern lists for a field. */
static void
read_arg_pattern(struct pb_loader *l, const struct pb_node *n, struct pb_command_arg *arg)
{
	struct pb_error err = {0};
	json_t *values = pb_read_json(l, n);
	if (values == NULL)
		return;
	PB_JSON json_t *doc = json_pack("{s:o}", ARGUMENT, values);
	if (pb_pattern_compile_json(doc, &arg->pattern, &err) == 0)
		return;
	const char *path = strncmp(err.path, ARGUMENT, strlen(ARGUMENT)) == 0
	    ? err.path + strlen(ARGUMENT)
	    : err.path;
	pb_problem_add(l, pb_node_at(n, path), "argv: %s", err.text);
}

static void
read_args(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_command *c = obj;
	if (!pb_read_is_list(l, n, "arguments", 1, PB_CATALOGUE_ARGS_MAX))
		return;
	c->n_args = n->n;
	c->args = pb_calloc(n->n, sizeof(*c->args));
	for (size_t i = 0; i < n->n; i++) {
		if (n->items[i]->kind == PB_NODE_LIST)
			read_arg_pattern(l, n->items[i], &c->args[i]);
		else
			(void)pb_read_text(l, n->items[i], 4096, &c->args[i].text);
	}
	if (n->items[0]->kind == PB_NODE_LIST)
		pb_problem_add(l, n->items[0],
		    "the program must be a text: who could choose it could run anything");
	else if (c->args[0].text != NULL && c->args[0].text[0] != '/')
		pb_problem_add(l, n->items[0],
		    "\"%s\" must be an absolute path; there is no shell and no search path",
		    PB_SHOWN(c->args[0].text));
}

static void
read_command_name(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_command *c = obj;
	(void)pb_read_name(l, n, "command", &c->name);
}

static const struct pb_field command_fields[] = {
    {"name", PB_FIELD_CUSTOM, .is_required = true, .read = read_command_name},
    {"argv", PB_FIELD_CUSTOM, .is_required = true, .read = read_args},
    {"user", PB_FIELD_TEXT, AT(user), .max = 32},
    {"timeout", PB_FIELD_DURATION, AT(timeout_for), .min = PB_SECOND,
	.max = PB_CATALOGUE_TIMEOUT_MAX},
};

static void
read_commands(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_catalogue *cat = obj;
	if (!pb_read_is_list(l, n, "commands", 1, PB_CATALOGUE_COMMANDS_MAX))
		return;
	cat->commands = pb_calloc(n->n, sizeof(*cat->commands));
	cat->n = n->n;
	for (size_t i = 0; i < n->n; i++) {
		struct pb_command *c = &cat->commands[i];
		c->timeout_for = PB_CATALOGUE_TIMEOUT_DEFAULT;
		(void)PB_READ_MAP(l, n->items[i], "command", command_fields, c);
		for (size_t k = 0; k < i && c->name != NULL; k++)
			if (pb_streq(cat->commands[k].name, c->name))
				pb_problem_add(
				    l, n->items[i], "command \"%s\" is listed already", c->name);
	}
}

static const struct pb_field top_fields[] = {
    {"version", PB_FIELD_CUSTOM, .is_required = true, .read = pb_read_version},
    {"commands", PB_FIELD_CUSTOM, .is_required = true, .read = read_commands},
};

void
pb_catalogue_free(struct pb_catalogue *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		struct pb_command *cmd = &c->commands[i];
		for (size_t k = 0; k < cmd->n_args; k++) {
			free(cmd->args[k].text);
			pb_pattern_free(cmd->args[k].pattern);
		}
		free(cmd->args);
		free(cmd->name);
		free(cmd->user);
	}
	free(c->commands);
	free(c);
}

int
pb_catalogue_parse(
    const struct pb_config_file *file, struct pb_catalogue **ret, struct pb_problems *problems)
{
	PB_CLEANUP(pb_catalogue_freep)
	struct pb_catalogue *cat = pb_calloc(1, sizeof(*cat));
	struct pb_loader l = {.files = file, .n_files = 1};
	PB_CLEANUP(pb_node_freep)
	struct pb_node *root = pb_yaml_read(&l, (struct pb_str){file->text, file->len});
	if (root != NULL)
		(void)PB_READ_MAP(&l, root, "the file", top_fields, cat);
	bool is_good = l.n_problems == 0;
	pb_problems_finish(&l, problems);
	if (!is_good)
		return -1;
	*ret = PB_TAKE(cat);
	return 0;
}

static bool
arg_fits(const struct pb_command_arg *want, const char *text)
{
	if (want->text != NULL)
		return strcmp(want->text, text) == 0;
	PB_JSON json_t *doc = json_pack("{s:s}", ARGUMENT, text);
	return doc != NULL && pb_pattern_match(want->pattern, doc);
}

static bool
command_fits(const struct pb_command *c, const char *const *argv, size_t n)
{
	if (c->n_args != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!arg_fits(&c->args[i], argv[i]))
			return false;
	return true;
}

const struct pb_command *
pb_catalogue_find(const struct pb_catalogue *c, const char *const *argv, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (command_fits(&c->commands[i], argv, n))
			return &c->commands[i];
	return NULL;
}
