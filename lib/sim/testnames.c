/*
 * Names in a test: an expectation over a step that nobody has would hold for ever, or never.  So would one
 * over what a step, a level or a channel that is there never does.
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
	struct pb_map *starts, *looks; /* steps that do something; what only asks */
	struct pb_map *with_inputs; /* steps that call AWS */
	struct pb_map *audiences, *over_sns; /* channels that do not page over SNS are in no such */
	size_t n_levels; /* of the highest escalation */
	bool is_polled;
};

/* --- what there is */

static void
put(struct pb_map *map, const char *name)
{
	(void)pb_map_put(map, name, map);
}

char *
testread_call(const struct pb_step *s)
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
add_step(const struct names *n, const struct pb_step *s, bool is_look)
{
	PB_CLEANUP(pb_freep) char *call = testread_call(s);
	put(n->steps, s->name);
	if (call != NULL)
		put(n->calls, call);
	if (is_look || s->kind == PB_STEP_VERIFY) /* one may ask an address */
		put(n->looks, s->name);
	else if (s->kind != PB_STEP_WAIT)
		put(n->starts, s->name);
	if (s->kind == PB_STEP_AWS)
		put(n->with_inputs, s->name);
	if (s->check != NULL)
		add_step(n, s->check->read, true);
	if (s->wait != NULL)
		add_step(n, s->wait->read, true);
	if (s->rollback != NULL)
		add_step(n, s->rollback, false);
}

static void
add_playbook(const struct names *n, const struct pb_playbook *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		add_step(n, &p->steps[i], false);
	for (size_t i = 0; i < p->n_inform; i++)
		put(n->audiences, p->inform[i].audience);
}

static void
add_config(struct names *n, const struct pb_config *c)
{
	for (size_t i = 0; i < c->n_playbooks; i++)
		add_playbook(n, &c->playbooks[i]);
	for (size_t i = 0; i < c->n_escalations; i++)
		if (c->escalations[i].n_levels > n->n_levels)
			n->n_levels = c->escalations[i].n_levels;
	for (size_t i = 0; i < c->n_sources; i++)
		n->is_polled = n->is_polled || c->sources[i].type == PB_SOURCE_CLOUDWATCH;
	for (size_t i = 0; i < c->n_contacts; i++)
		put(n->contacts, c->contacts[i].name);
	for (size_t i = 0; i < c->n_channels; i++)
		put(n->channels, c->channels[i].name);
	for (size_t i = 0; i < c->n_channels; i++)
		if (c->channels[i].type == PB_CHANNEL_SNS)
			put(n->over_sns, c->channels[i].name);
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

static void
check_level(const struct names *n, const struct pb_node *level)
{
	int64_t number;
	if (level != NULL && level->kind == PB_NODE_SCALAR &&
	    pb_parse_i64(pb_str_of(level->text), 0, INT64_MAX, &number, NULL) == 0 &&
	    (number < 1 || (size_t)number > n->n_levels))
		pb_problem_add(n->l, level, "no escalation has a level %s", PB_SHOWN(level->text));
}

/* The message is looked at as SNS has it. */
static void
check_text(const struct names *n, const struct pb_node *what)
{
	const struct pb_node *text = pb_node_get(what, "text"), *by = pb_node_get(what, "by");
	if (text != NULL && by != NULL && by->kind == PB_NODE_SCALAR &&
	    pb_map_get(n->channels, by->text) != NULL && pb_map_get(n->over_sns, by->text) == NULL)
		pb_problem_add(n->l, text,
		    "text is looked for in messages over SNS, and channel \"%s\" is another one",
		    PB_SHOWN(by->text));
}

/* "ana", or {to: ana, by: pager}. */
static void
check_told(const struct names *n, const struct pb_node *line, const char *kind)
{
	const struct pb_node *what = pb_node_get(line, kind);
	bool is_inform = strcmp(kind, "inform") == 0;
	const struct pb_map *whom = is_inform ? n->audiences : n->contacts;
	check_value(n, whom, is_inform ? "audience" : "contact", kind, what);
	check_value(n, whom, is_inform ? "audience" : "contact", "", pb_node_get(what, "to"));
	check_value(n, n->channels, "channel", "", pb_node_get(what, "by"));
	check_level(n, pb_node_get(what, "level"));
	check_text(n, what);
}

/* One that only waits, or looks, starts nothing; only calls to AWS have inputs. */
static void
check_step(const struct names *n, const struct pb_node *line, const struct pb_node *step)
{
	const struct pb_node *inputs = pb_node_get(line, "inputs");
	if (step == NULL || step->kind != PB_NODE_SCALAR || pb_streq(step->text, "step"))
		return;
	check_name(n, n->steps, "step", step, step->text);
	if (pb_map_get(n->steps, step->text) == NULL)
		return;
	if (pb_map_get(n->starts, step->text) == NULL)
		pb_problem_add(n->l, step,
		    "step \"%s\" only looks or waits and starts nothing that could be expected; "
		    "expect what comes of it, as incident: resolved",
		    PB_SHOWN(step->text));
	else if (inputs != NULL && pb_map_get(n->with_inputs, step->text) == NULL)
		pb_problem_add(n->l, inputs, "step \"%s\" is no call to AWS and has no inputs",
		    PB_SHOWN(step->text));
}

static void
check_probe(const struct names *n, const struct pb_node *probe)
{
	check_value(n, n->steps, "step", "probe", probe);
	if (probe != NULL && probe->kind == PB_NODE_SCALAR &&
	    pb_map_get(n->starts, probe->text) != NULL)
		pb_problem_add(n->l, probe,
		    "\"%s\" is no call that only asks; write step: %s, or probe: %s.check or "
		    "%s.wait",
		    PB_SHOWN(probe->text), PB_SHOWN(probe->text), PB_SHOWN(probe->text),
		    PB_SHOWN(probe->text));
}

static void
check_line(const struct names *n, const struct pb_node *line)
{
	check_step(n, line, pb_node_get(line, "step"));
	check_probe(n, pb_node_get(line, "probe"));
	check_value(n, n->contacts, "contact", "", pb_node_get(line, "to"));
	check_level(n, pb_node_get(line, "level"));
	check_told(n, line, "page");
	check_told(n, line, "notice");
	check_told(n, line, "inform");
}

/* An alarm that only a poll would see, and nobody polls. */
static void
check_event(const struct names *n, const struct pb_node *event)
{
	const struct pb_node *by = pb_node_get(event, "by");
	if (pb_node_get(event, "alarm") != NULL && by != NULL && pb_streq(by->text, "poll") &&
	    !n->is_polled)
		pb_problem_add(n->l, by,
		    "no source polls alarms, so nobody would hear of it; it needs one of type "
		    "cloudwatch");
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
	struct names n = {.l = &l};
	struct pb_map **const maps[] = {&n.steps, &n.calls, &n.contacts, &n.channels, &n.starts,
	    &n.looks, &n.with_inputs, &n.audiences, &n.over_sns};
	const struct pb_node *expect = pb_node_get(t->node, "expect");
	const struct pb_node *events = pb_node_get(t->node, "events");
	const struct pb_node *world = pb_node_get(t->node, "world");
	for (size_t i = 0; i < PB_ARRAY_LEN(maps); i++)
		*maps[i] = pb_map_new();
	add_config(&n, config);
	for (size_t i = 0; i < t->n_configs; i++)
		if (t->configs[i].config != NULL)
			add_config(&n, t->configs[i].config);
	if (json_array_size(json_object_get(t->scenario, "events")) == 0)
		pb_problem_add(&l, events == NULL ? t->node : events,
		    "nothing happens in this test: it needs the key events with an event in it");
	for (size_t i = 0; expect != NULL && i < expect->n; i++)
		check_line(&n, expect->items[i]);
	for (size_t i = 0; events != NULL && i < events->n; i++)
		check_event(&n, events->items[i]);
	for (size_t i = 0; world != NULL && i < world->n; i++)
		check_call(&n, world->keys[i]);
	pb_problems_finish(&l, problems);
	for (size_t i = 0; i < PB_ARRAY_LEN(maps); i++)
		pb_map_free(*maps[i], NULL);
	return problems->n > 0 ? -1 : 0;
}
