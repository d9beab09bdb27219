/*
 * Names in a test: an expectation over a step that nobody has would hold for ever, or never.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "sim/testread.h"
#include "sim/testfile.h"
#include "sim/world.h"

#define WORDS_MAX 200 /* suggested from */

/* What a configuration has; the maps' values mean nothing. */
struct names {
	struct pb_loader *l;
	struct pb_map *steps, *calls, *contacts, *channels;
};

/* --- what there is */

static void
put(struct pb_map *map, const char *name)
{
	(void)pb_map_put(map, name, map);
}

/* The call of a step, as `world` names it; NULL = it makes none.  The caller's. */
static char *
call_of(const struct pb_step *s)
{
	switch (s->kind) {
	case PB_STEP_EXEC:
		return pb_asprintf("exec:%s", s->name);
	case PB_STEP_AWS:
		return pb_asprintf("aws:%s.%s", s->service, s->operation);
	case PB_STEP_HTTP:
	case PB_STEP_VERIFY: /* its http conditions */
		return pb_asprintf("http:%s", s->name);
	case PB_STEP_NOTIFY:
		return pb_asprintf("notify:%s", s->name);
	case PB_STEP_WAIT:
	case PB_STEP_KIND_MAX:
		break;
	}
	return NULL;
}

/* With what it reads, as "fix.check" of its check_first, and its rollback. */
static void
add_step(const struct names *n, const struct pb_step *s)
{
	PB_CLEANUP(pb_freep) char *call = call_of(s);
	put(n->steps, s->name);
	if (call != NULL)
		put(n->calls, call);
	if (s->check != NULL)
		add_step(n, s->check->read);
	if (s->wait != NULL)
		add_step(n, s->wait->read);
	if (s->rollback != NULL)
		add_step(n, s->rollback);
}

static void
add_config(const struct names *n, const struct pb_config *c)
{
	for (size_t i = 0; i < c->n_playbooks; i++)
		for (size_t k = 0; k < c->playbooks[i].n_steps; k++)
			add_step(n, &c->playbooks[i].steps[k]);
	for (size_t i = 0; i < c->n_contacts; i++)
		put(n->contacts, c->contacts[i].name);
	for (size_t i = 0; i < c->n_channels; i++)
		put(n->channels, c->channels[i].name);
}

/* --- what is named */

static void
check_name(const struct names *n, const struct pb_map *map, const char *what,
    const struct pb_node *at, const char *name)
{
	const char *words[WORDS_MAX], *word;
	size_t n_words = 0, i = 0;
	void *value;
	if (pb_map_get(map, name) != NULL)
		return;
	while (n_words < WORDS_MAX && pb_map_next(map, &i, &word, &value))
		words[n_words++] = word;
	pb_problem_add(n->l, at, "no %s is called \"%s\"%s", what, PB_SHOWN(name),
	    PB_SUGGEST(name, words, n_words));
}

/* "step: restart"; the kind's own word, as "page: page", is any of them. */
static void
check_value(const struct names *n, const struct pb_map *map, const char *what, const char *kind,
    const struct pb_node *value)
{
	if (value != NULL && value->kind == PB_NODE_SCALAR && !pb_streq(value->text, kind))
		check_name(n, map, what, value, value->text);
}

/* "ana", or {to: ana, by: pager}. */
static void
check_told(const struct names *n, const struct pb_node *line, const char *kind)
{
	const struct pb_node *what = pb_node_get(line, kind);
	check_value(n, n->contacts, "contact", kind, what);
	check_value(n, n->contacts, "contact", "", pb_node_get(what, "to"));
	check_value(n, n->channels, "channel", "", pb_node_get(what, "by"));
}

static void
check_line(const struct names *n, const struct pb_node *line)
{
	check_value(n, n->steps, "step", "step", pb_node_get(line, "step"));
	check_value(n, n->steps, "step", "probe", pb_node_get(line, "probe"));
	check_value(n, n->contacts, "contact", "", pb_node_get(line, "to"));
	check_told(n, line, "page");
	check_told(n, line, "notice");
}

/* A call of a step that makes none of that kind is never made. */
static void
check_call(const struct names *n, const struct pb_node *key)
{
	static const char *const of_channels[] = {"page:", "notice:", "inform:", "summary:"};
	static const char *const of_steps[] = {"exec:", "http:", "notify:"};
	const char *words[WORDS_MAX], *word, *call = key->text;
	size_t n_words = 0, at = 0;
	void *value;
	if (strchr(call, ':') == NULL || pb_map_get(n->calls, call) != NULL)
		return;
	for (size_t i = 0; i < PB_ARRAY_LEN(of_channels); i++)
		if (strncmp(call, of_channels[i], strlen(of_channels[i])) == 0) {
			check_name(n, n->channels, "channel", key, strchr(call, ':') + 1);
			return;
		}
	for (size_t i = 0; i < PB_ARRAY_LEN(of_steps); i++)
		if (strncmp(call, of_steps[i], strlen(of_steps[i])) == 0 &&
		    pb_map_get(n->steps, strchr(call, ':') + 1) == NULL) {
			check_name(n, n->steps, "step", key, strchr(call, ':') + 1);
			return;
		}
	while (n_words < WORDS_MAX && pb_map_next(n->calls, &at, &word, &value))
		words[n_words++] = word;
	pb_problem_add(n->l, key, "no step makes the call \"%s\", so this answers nothing%s",
	    PB_SHOWN(call), PB_SUGGEST(call, words, n_words));
}

int
pb_test_check(const struct pb_test *t, const struct pb_config *config, struct pb_problems *problems)
{
	const struct pb_config_file file = {.name = t->file};
	struct pb_loader l = {.files = &file, .n_files = 1};
	const struct names n = {&l, pb_map_new(), pb_map_new(), pb_map_new(), pb_map_new()};
	const struct pb_node *expect = pb_node_get(t->node, "expect");
	const struct pb_node *world = pb_node_get(t->node, "world");
	add_config(&n, config);
	for (size_t i = 0; i < t->n_configs; i++)
		if (t->configs[i].config != NULL)
			add_config(&n, t->configs[i].config);
	for (size_t i = 0; expect != NULL && i < expect->n; i++)
		check_line(&n, expect->items[i]);
	for (size_t i = 0; world != NULL && i < world->n; i++)
		check_call(&n, world->keys[i]);
	pb_problems_finish(&l, problems);
	pb_map_free(n.steps, NULL);
	pb_map_free(n.calls, NULL);
	pb_map_free(n.contacts, NULL);
	pb_map_free(n.channels, NULL);
	return problems->n > 0 ? -1 : 0;
}
