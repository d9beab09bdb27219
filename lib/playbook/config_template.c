/*
 * Templates where they are written: well formed, and naming only what the context will hold.
 */
#include <string.h>

#include "playbook/read.h"
#include "playbook/template.h"

struct checking {
	struct pb_loader *l;
	const struct pb_node *at;
	enum pb_template_use use;
	const char *what; /* "template" or "if" */
};

static const char *const alarm_members[] = {"name", "arn", "region", "account", "state",
    "previous_state", "reason", "metric", "tags", "description"};
static const char *const incident_members[] = {
    "id", "key", "playbook", "severity", "opened_at", "count", "reopened"};
static const char *const step_members[] = {"status", "attempts", "output", "error"};
static const char *const host_members[] = {"name"};

/* The name that `path` begins with, cut from it; "" where none follows. */
static struct pb_str
cut_name(struct pb_str *path)
{
	size_t n = 0;
	if (path->len > 0 && path->ptr[0] == '.') {
		path->ptr++;
		path->len--;
	}
	while (n < path->len && path->ptr[n] != '.' && path->ptr[n] != '[')
		n++;
	struct pb_str name = {path->ptr, n};
	path->ptr += n;
	path->len -= n;
	return name;
}

static void
check_member(
    struct checking *c, const char *of, struct pb_str path, const char *const *members, size_t n)
{
	char text[96];
	struct pb_str name = cut_name(&path);
	for (size_t i = 0; i < n; i++)
		if (pb_str_is(name, members[i]))
			return;
	pb_safe(text, sizeof(text), name);
	if (name.len == 0 && path.len == 0)
		return; /* all of it */
	pb_problem_add(c->l, c->at, "%s: %s has no member \"%s\"%s", c->what, of, text,
	    PB_SUGGEST(text, members, n));
}

static void
note_step(struct checking *c, const char *name)
{
	const struct pb_playbook *p = c->l->playbook;
	const char *words[100];
	size_t n = 0, place = pb_find_step(c->l, name);
	if (place != PB_NONE && place == c->l->step) {
		pb_problem_add(c->l, c->at, "%s: a step cannot use its own output", c->what);
		return;
	}
	if (place != PB_NONE) {
		pb_problem_add(c->l, c->at,
		    "%s: step \"%s\" does not stand before this one, so it has no output yet",
		    c->what, PB_SHOWN(name));
		return;
	}
	for (size_t i = 0; i < c->l->step && n < PB_ARRAY_LEN(words); i++)
		if (p->steps[i].name != NULL)
			words[n++] = p->steps[i].name;
	pb_problem_add(c->l, c->at, "%s: there is no step \"%s\" before this one%s", c->what,
	    PB_SHOWN(name), PB_SUGGEST(name, words, n));
}

static void
check_step_path(struct checking *c, struct pb_str path)
{
	struct pb_str name = cut_name(&path);
	PB_CLEANUP(pb_freep) char *text = pb_strndup(name.ptr, name.len);
	if (name.len == 0) {
		pb_problem_add(c->l, c->at, "template: name a step, as ${steps.NAME.output}");
		return;
	}
	size_t place = pb_find_step(c->l, text);
	if (place == PB_NONE || place >= c->l->step + (c->l->is_undo ? 1 : 0))
		note_step(c, text);
	else
		check_member(c, "a step", path, step_members, PB_ARRAY_LEN(step_members));
}

static void
check_param(struct checking *c, struct pb_str path)
{
	const char *words[50];
	size_t n = 0;
	const struct pb_node *params = c->l->params;
	struct pb_str name = cut_name(&path);
	PB_CLEANUP(pb_freep) char *text = pb_strndup(name.ptr, name.len);
	if (c->use == PB_TEMPLATE_PARAM) {
		pb_problem_add(c->l, c->at, "template: a param cannot be made of params");
		return;
	}
	if (name.len == 0 || pb_node_get(params, text) != NULL)
		return;
	for (size_t i = 0; params != NULL && params->kind == PB_NODE_MAP && i < params->n; i++)
		if (n < PB_ARRAY_LEN(words))
			words[n++] = params->keys[i]->text;
	pb_problem_add(c->l, c->at, "template: the playbook has no param \"%s\"%s", PB_SHOWN(text),
	    PB_SUGGEST(text, words, n));
}

static void
check_path(struct pb_str path, void *arg)
{
	struct checking *c = arg;
	struct pb_str root = cut_name(&path);
	if (pb_str_is(root, "event"))
		return;
	if (pb_str_is(root, "inputs") || pb_str_is(root, "output")) {
		bool is_known = c->l->is_check && pb_str_is(root, "inputs");
		if (!is_known)
			pb_problem_add(c->l, c->at,
			    "%s: the path must start with one of event, "
			    "alarm, incident, params, steps, host%s",
			    c->what,
			    c->l->is_check
				? ", inputs"
				: "; inputs is known in the check of a step of AWS only");
		return;
	}
	if (pb_str_is(root, "alarm"))
		check_member(c, "alarm", path, alarm_members, PB_ARRAY_LEN(alarm_members));
	else if (c->use == PB_TEMPLATE_DEDUP)
		pb_problem_add(c->l, c->at,
		    "template: only event and alarm are known here, there is no incident yet");
	else if (pb_str_is(root, "params"))
		check_param(c, path);
	else if (pb_str_is(root, "steps") && c->use != PB_TEMPLATE_STEP)
		pb_problem_add(c->l, c->at, "template: no step has run yet where this is made");
	else if (pb_str_is(root, "steps"))
		check_step_path(c, path);
	else if (pb_str_is(root, "incident"))
		check_member(c, "incident", path, incident_members, PB_ARRAY_LEN(incident_members));
	else
		check_member(c, "host", path, host_members, PB_ARRAY_LEN(host_members));
}

void
pb_check_template(
    struct pb_loader *l, const struct pb_node *n, const char *text, enum pb_template_use use)
{
	struct pb_error err;
	struct checking c = {l, n, use, "template"};
	if (pb_template_check(text, &err) < 0)
		pb_problem_add(l, n, "%s", err.text);
	else
		pb_template_paths(text, check_path, &c);
}

void
pb_check_templates(struct pb_loader *l, const struct pb_node *n)
{
	if (n->kind == PB_NODE_SCALAR)
		pb_check_template(l, n, n->text, PB_TEMPLATE_STEP);
	else
		for (size_t i = 0; i < n->n; i++)
			pb_check_templates(l, n->items[i]);
}

/* --- patterns over the context */

static void
check_field(struct checking *c, const char *path)
{
	static const char *const roots[] = {
	    "event", "alarm", "incident", "params", "steps", "host", "now"};
	struct pb_str rest = pb_str_of(path), root = cut_name(&rest);
	char text[96];
	for (size_t i = 0; i < PB_ARRAY_LEN(roots); i++)
		if (pb_str_is(root, roots[i])) {
			if (i + 1 < PB_ARRAY_LEN(roots))
				check_path(pb_str_of(path), c);
			return;
		}
	pb_safe(text, sizeof(text), root);
	pb_problem_add(c->l, c->at,
	    "if: the context has no \"%s\"; it has event, alarm, incident, params, steps, host%s",
	    text, PB_SUGGEST(text, roots, PB_ARRAY_LEN(roots)));
}

static void
check_fields(struct checking *c, const struct pb_node *n, const char *path)
{
	if (n->kind != PB_NODE_MAP) {
		check_field(c, path);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct pb_node *item = n->items[i];
		const char *key = n->keys[i]->text;
		if (pb_streq(key, "$or")) {
			for (size_t k = 0; k < item->n; k++)
				check_fields(c, item->items[k], path);
			continue;
		}
		PB_CLEANUP(pb_freep)
		char *deeper = pb_asprintf("%s%s%s", path, path[0] == '\0' ? "" : ".", key);
		c->at = n->keys[i];
		check_fields(c, item, deeper);
	}
}

void
pb_check_condition(struct pb_loader *l, const struct pb_node *n)
{
	struct checking c = {l, n, PB_TEMPLATE_STEP, "if"};
	check_fields(&c, n, "");
}
