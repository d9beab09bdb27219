/*
 * The control API as --help lists it.
 */
#include <stdlib.h>

#include "tests/unit/runner.h"
#include "tests/unit/sandbox/world.h"

/* What each POST is asked with. */
static const struct {
	const char *target, *body;
} bodies[] = {
    {"/_sandbox/alarms", "{'name':'a','state':'OK'}"},
    {"/_sandbox/alarms/a/state", "{'state':'ALARM'}"},
    {"/_sandbox/mutes", "{'name':'night','alarms':['a']}"},
    {"/_sandbox/queues", "{'name':'a'}"},
    {"/_sandbox/topics", "{'name':'a'}"},
    {"/_sandbox/eventbridge", "{'queue':'a'}"},
    {"/_sandbox/faults", "{'fault':'throttle'}"},
    {"/_sandbox/credentials", "{'access_key':'k','secret_key':'s'}"},
};

static char *
body_for(const char *method, const char *target)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(bodies); i++) {
		if (strcmp(method, "POST") != 0 || strcmp(target, bodies[i].target) != 0)
			continue;
		char *body = pb_strdup(bodies[i].body);
		for (char *c = body; *c != '\0'; c++)
			*c = *c == '\'' ? '"' : *c;
		return body;
	}
	return pb_strdup("");
}

static void
answers(const struct world *w, const char *method, const char *path)
{
	PB_CLEANUP(pb_freep) char *target = pb_asprintf("/_sandbox/%s", path);
	PB_CLEANUP(pb_freep) char *body = body_for(method, target);
	PB_JSON json_t *out = world_ask(w, method, target, body);
	ck_assert_ptr_nonnull(out);
}

/* NAME is the a that `bodies` makes; what stands in brackets once not and once. */
static void
both_ways_answer(const struct world *w, const char *method, const char *word)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf path = PB_BUF_INIT;
	const char *is_optional = strchr(word, '[');
	PB_CLEANUP(pb_freep) char *start = pb_strndup(word, strcspn(word, "["));
	if (is_optional != NULL)
		answers(w, method, start);
	for (const char *c = word; *c != '\0'; c++) {
		if (strncmp(c, "NAME", 4) == 0) {
			(void)pb_buf_addc(&path, 'a');
			c += 3;
		} else if (strncmp(c, "NUMBER", 6) == 0) {
			(void)pb_buf_adds(&path, "%2B1555");
			c += 5;
		} else if (*c != '[' && *c != ']') {
			(void)pb_buf_addc(&path, *c);
		}
	}
	answers(w, method, path.ptr);
}

/* The POSTs first: what they make is what the others show. */
static size_t
ask_all(const struct world *w, const char *help, bool is_posts)
{
	PB_CLEANUP(pb_freep) char *text = pb_strdup(help);
	const char *method = "";
	char *state = NULL;
	size_t n = 0;
	for (char *word = strtok_r(text, " \n", &state); word;
	     word = strtok_r(NULL, " \n", &state)) {
		if (word[0] >= 'A' && word[0] <= 'Z') {
			method = word;
			continue;
		}
		/* It forgets what the others are asked for. */
		if (is_posts != (strcmp(method, "POST") == 0) || strcmp(word, "reset") == 0)
			continue;
		both_ways_answer(w, method, word);
		n++;
	}
	return n;
}

START_TEST(every_path_that_the_help_names_answers)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf help = PB_BUF_INIT;
	WORLD w = {0};
	world_start(&w);
	pb_sandbox_control_help(&help);
	ck_assert_ptr_nonnull(strstr(help.ptr, " GET    calls alarms[/NAME] mutes "));
	OUTCOME sent = world_query(&w, "sns", "Publish", "&PhoneNumber=%2B1555&Message=x");
	ck_assert_int_eq(sent.status, 200);
	ck_assert_uint_ge(ask_all(&w, help.ptr, true), 10);
	ck_assert_uint_ge(ask_all(&w, help.ptr, false), 8);
	answers(&w, "POST", "reset");
}
END_TEST

START_TEST(mute_rules_are_shown_as_they_are_now)
{
	WORLD w = {0};
	world_start(&w);
	world_do(
	    &w, "POST", "/_sandbox/mutes", "{\"name\":\"night\",\"alarms\":[\"a\"],\"until\":1}");
	PB_JSON json_t *list = world_ask(&w, "GET", "/_sandbox/mutes", NULL);
	ck_assert_uint_eq(json_array_size(list), 1);
	const json_t *rule = json_array_get(list, 0);
	ck_assert_str_eq(pb_json_str(rule, "name"), "night");
	ck_assert_str_eq(pb_json_str(rule, "status"), "EXPIRED");
}
END_TEST

PB_SUITE(control)
{
	pb_add(s, every_path_that_the_help_names_answers);
	pb_add(s, mute_rules_are_shown_as_they_are_now);
}
