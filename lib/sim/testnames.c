/*
 * Names in a test: an expectation over a step that nobody has would hold for ever, or never.
 */
#include <stdlib.h>

#include "base/json.h"
#include "sim/testfile.h"
#include "sim/world.h"

#define WORDS_MAX 200 /* suggested from */

struct names {
	const struct pb_test *test;
	const struct pb_config *config;
	struct pb_problems *problems;
};

static void
note(const struct names *n, const char *what, const char *name, const char *where,
    const char *const *words, size_t n_words)
{
	char safe[128];
	const char *meant = pb_did_you_mean(name, words, n_words);
	struct pb_problems *p = n->problems;
	p->texts = pb_realloc(p->texts, (p->n + 1) * sizeof(*p->texts));
	p->texts[p->n++] = pb_asprintf("%s:%d: test \"%s\": %s: no %s is called \"%s\"%s%s%s",
	    n->test->file, n->test->line, n->test->name, where, what,
	    pb_safe(safe, sizeof(safe), pb_str_of(name)), meant == NULL ? "" : " (did you mean ",
	    meant == NULL ? "" : meant, meant == NULL ? "" : "?)");
}

static void
add_word(const char **words, size_t *n, const char *word)
{
	if (*n < WORDS_MAX)
		words[(*n)++] = word;
}

/* A step's, or of what it reads: "fix.check" of its check_first, and of its wait. */
static bool
is_named(const struct pb_step *s, const char *name)
{
	return strcmp(s->name, name) == 0 ||
	    (s->check != NULL && strcmp(s->check->read->name, name) == 0) ||
	    (s->wait != NULL && strcmp(s->wait->read->name, name) == 0);
}

static void
check_step(const struct names *n, const char *name, const char *where)
{
	const char *words[WORDS_MAX];
	size_t n_words = 0;
	for (size_t i = 0; i < n->config->n_playbooks; i++) {
		const struct pb_playbook *p = &n->config->playbooks[i];
		for (size_t k = 0; k < p->n_steps; k++) {
			const struct pb_step *s = &p->steps[k];
			if (is_named(s, name) ||
			    (s->rollback != NULL && is_named(s->rollback, name)))
				return;
			add_word(words, &n_words, s->name);
		}
	}
	note(n, "step", name, where, words, n_words);
}

static void
check_contact(const struct names *n, const char *name, const char *where)
{
	const char *words[WORDS_MAX];
	size_t n_words = 0;
	for (size_t i = 0; i < n->config->n_contacts; i++) {
		if (strcmp(n->config->contacts[i].name, name) == 0)
			return;
		add_word(words, &n_words, n->config->contacts[i].name);
	}
	note(n, "contact", name, where, words, n_words);
}

static void
check_channel(const struct names *n, const char *name, const char *where)
{
	const char *words[WORDS_MAX];
	size_t n_words = 0;
	for (size_t i = 0; i < n->config->n_channels; i++) {
		if (strcmp(n->config->channels[i].name, name) == 0)
			return;
		add_word(words, &n_words, n->config->channels[i].name);
	}
	note(n, "channel", name, where, words, n_words);
}

/* "ana", "page" itself, or {to: ana, by: pager, level: 1}. */
static void
check_told(const struct names *n, const char *kind, const json_t *what, const char *where)
{
	const char *to = json_is_string(what) ? json_string_value(what) : pb_json_str(what, "to");
	const char *by = pb_json_str(what, "by");
	if (to != NULL && strcmp(to, kind) != 0)
		check_contact(n, to, where);
	if (by != NULL)
		check_channel(n, by, where);
}

static void
check_line(const struct names *n, const json_t *line)
{
	PB_CLEANUP(pb_freep) char *where = pb_json_text(line);
	const char *step = pb_json_str(line, "step");
	if (step != NULL && strcmp(step, "step") != 0)
		check_step(n, step, where);
	const char *probe = pb_json_str(line, "probe");
	if (probe != NULL && strcmp(probe, "probe") != 0)
		check_step(n, probe, where);
	const char *never = pb_json_str(line, "never");
	size_t n_kinds = 0;
	bool is_kind = never == NULL;
	for (; expect_kinds[n_kinds] != NULL; n_kinds++)
		is_kind = is_kind || strcmp(never, expect_kinds[n_kinds]) == 0;
	if (!is_kind)
		note(n, "thing to expect", never, where, expect_kinds, n_kinds);
	check_told(n, "page", pb_json_get(line, "page"), where);
	check_told(n, "notice", pb_json_get(line, "notice"), where);
}

/* "exec:STEP", "http:STEP", "notify:STEP", "page:CHANNEL", "notice:CHANNEL". */
static void
check_answer(const struct names *n, const char *call)
{
	static const char *const by_step[] = {"exec:", "http:", "notify:"};
	static const char *const by_channel[] = {"page:", "notice:"};
	for (size_t i = 0; i < PB_ARRAY_LEN(by_step); i++)
		if (strncmp(call, by_step[i], strlen(by_step[i])) == 0)
			check_step(n, call + strlen(by_step[i]), call);
	for (size_t i = 0; i < PB_ARRAY_LEN(by_channel); i++)
		if (strncmp(call, by_channel[i], strlen(by_channel[i])) == 0)
			check_channel(n, call + strlen(by_channel[i]), call);
}

int
pb_test_check(const struct pb_test *t, const struct pb_config *config, struct pb_problems *problems)
{
	const struct names n = {t, config, problems};
	size_t before = problems->n, i;
	json_t *line, *answer;
	const char *call;
	json_array_foreach (json_object_get(t->scenario, "expect"), i, line)
		check_line(&n, line);
	json_object_foreach (json_object_get(t->scenario, "world"), call, answer)
		check_answer(&n, call);
	return problems->n > before ? -1 : 0;
}
