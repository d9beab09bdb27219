/*
 * The schema for editors: it has the keys of the reader's tables, accepts what is accepted, and refuses
 * what can be told without knowing the whole set.
 */
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "playbook/read.h"
#include "playbook/zone.h"
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

static json_t *schema;

static void
read_schema(void)
{
	size_t len;
	json_error_t wrong;
	PB_CLEANUP(pb_freep) char *text = pb_test_read("conf/playbookd.schema.json", &len);
	schema = json_loadb(text, len, JSON_REJECT_DUPLICATES, &wrong);
	ck_assert_msg(schema != NULL, "line %d: %s", wrong.line, wrong.text);
}

/* --- the words of JSON Schema that it uses */

static bool fits(const json_t *s, const json_t *j);

static bool
is_of_type(const char *type, const json_t *j)
{
	return (strcmp(type, "object") == 0 && json_is_object(j)) ||
	    (strcmp(type, "array") == 0 && json_is_array(j)) ||
	    (strcmp(type, "string") == 0 && json_is_string(j)) ||
	    (strcmp(type, "integer") == 0 && json_is_integer(j)) ||
	    (strcmp(type, "number") == 0 && json_is_number(j)) ||
	    (strcmp(type, "boolean") == 0 && json_is_boolean(j));
}

static bool
fits_type(const json_t *type, const json_t *j)
{
	size_t i;
	json_t *one;
	if (type == NULL || json_is_string(type))
		return type == NULL || is_of_type(json_string_value(type), j);
	json_array_foreach ((json_t *)(uintptr_t)type, i, one)
		if (is_of_type(json_string_value(one), j))
			return true;
	return false;
}

static bool
fits_value(const json_t *s, const json_t *j)
{
	const json_t *list = pb_json_get(s, "enum"), *min = pb_json_get(s, "minimum");
	const json_t *max = pb_json_get(s, "maximum");
	const char *pattern = pb_json_str(s, "pattern");
	bool is_listed = list == NULL;
	for (size_t i = 0; i < json_array_size(list); i++)
		is_listed = is_listed || json_equal(json_array_get(list, i), j);
	if (!is_listed)
		return false;
	if (json_is_number(j) &&
	    ((min != NULL && json_number_value(j) < json_number_value(min)) ||
		(max != NULL && json_number_value(j) > json_number_value(max))))
		return false;
	if (pattern == NULL || !json_is_string(j))
		return true;
	regex_t re;
	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	bool matches = regexec(&re, json_string_value(j), 0, NULL, 0) == 0;
	regfree(&re);
	return matches;
}

static bool
fits_members(const json_t *s, const json_t *j)
{
	const char *key;
	json_t *value;
	const json_t *properties = pb_json_get(s, "properties"), *items = pb_json_get(s, "items");
	const json_t *required = pb_json_get(s, "required");
	for (size_t i = 0; json_is_object(j) && i < json_array_size(required); i++)
		if (pb_json_get(j, json_string_value(json_array_get(required, i))) == NULL)
			return false;
	json_object_foreach ((json_t *)(uintptr_t)j, key, value) {
		const json_t *of = pb_json_get(properties, key);
		if (of != NULL ? !fits(of, value) : pb_json_get(s, "additionalProperties") != NULL)
			return false;
	}
	for (size_t i = 0; items != NULL && i < json_array_size(j); i++)
		if (!fits(items, json_array_get(j, i)))
			return false;
	return !json_is_array(j) || json_array_size(j) >= (size_t)pb_json_i64(s, "minItems", 0);
}

static bool
fits_parts(const json_t *s, const json_t *j)
{
	const json_t *any = pb_json_get(s, "anyOf"), *all = pb_json_get(s, "allOf");
	bool is_any = any == NULL;
	for (size_t i = 0; i < json_array_size(any); i++)
		is_any = is_any || fits(json_array_get(any, i), j);
	for (size_t i = 0; i < json_array_size(all); i++)
		if (!fits(json_array_get(all, i), j))
			return false;
	return is_any &&
	    (pb_json_get(s, "if") == NULL || !fits(pb_json_get(s, "if"), j) ||
		fits(pb_json_get(s, "then"), j));
}

static bool
fits(const json_t *s, const json_t *j)
{
	static const char defs[] = "#/$defs/";
	const char *ref = pb_json_str(s, "$ref");
	if (ref != NULL) {
		ck_assert_int_eq(strncmp(ref, defs, strlen(defs)), 0);
		s = pb_json_get(pb_json_get(schema, "$defs"), ref + strlen(defs));
		ck_assert_msg(s != NULL, "nothing is called %s", ref);
	}
	return fits_type(pb_json_get(s, "type"), j) && fits_value(s, j) && fits_members(s, j) &&
	    fits_parts(s, j);
}

/* --- what it accepts */

static json_t *
json_of(const char *name, char *text)
{
	const struct pb_config_file file = {(char *)(uintptr_t)name, text, strlen(text)};
	struct pb_loader l = {.files = &file, .n_files = 1};
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_node_freep) struct pb_node *root = pb_yaml_read(&l, pb_str_of(text));
	json_t *j = root == NULL ? NULL : pb_read_json(&l, root);
	pb_problems_finish(&l, &problems);
	ck_assert_msg(j != NULL, "%s", problems.n > 0 ? problems.texts[0] : name);
	return j;
}

static const char *const good[] = {"conf/*.example.yaml", "conf/playbooks.d/*.yaml",
    "conf/sandbox/*.yaml", "tests/unit/playbook/*.yaml", "tests/sim/*.yaml"};

START_TEST(what_is_accepted_fits_the_schema)
{
	size_t n = 0;
	read_schema();
	for (size_t i = 0; i < PB_ARRAY_LEN(good); i++) {
		glob_t files;
		ck_assert_msg(glob(good[i], 0, NULL, &files) == 0, "%s", good[i]);
		for (size_t k = 0; k < files.gl_pathc; k++) {
			size_t len;
			if (strstr(files.gl_pathv[k], "/commands.") != NULL)
				continue; /* of playbookd-exec, another format */
			PB_CLEANUP(pb_freep) char *text = pb_test_read(files.gl_pathv[k], &len);
			PB_JSON json_t *j = json_of(files.gl_pathv[k], text);
			ck_assert_msg(fits(schema, j), "%s does not fit", files.gl_pathv[k]);
			n++;
		}
		globfree(&files);
	}
	ck_assert_uint_gt(n, 10);
	json_decref(schema);
}
END_TEST

#define STEP(step) "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, steps: [" step "]}]\n"

static const char *const bad[] = {
    "playbooks: []\n",
    "version: 2\n",
    "version: 1\nplaybook: []\n",
    "version: 1\nplaybooks: {}\n",
    "version: 1\nplaybooks: [{name: p, escalate: e}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, page_by: 5}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, page_by: 5 minutes}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, continue: yes}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, severity: bad}]\n",
    "version: 1\nplaybooks: [{name: p, match: x, escalate: e}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, guards: {mode: on}}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, guards: {rate: {max: 0, per: "
    "1h}}}]\n",
    "version: 1\nplaybooks: [{name: p, match: {}, escalate: e, reviewed: {date: 2.10.2026}}]\n",
    STEP("{name: s}"),
    STEP("{name: s, action: run}"),
    STEP("{name: s, action: exec, inputs: {}}"),
    STEP("{name: s, action: exec, argv: []}"),
    STEP("{name: s, action: exec, argv: [/bin/x], retry: [{MaxAttempts: 2}]}"),
    STEP("{name: s, action: wait, for: 5s, timeout: 1m}"),
    STEP("{name: s, action: \"aws:sqs\", inputs: {}}"),
    STEP("{name: s, action: aws:sqs.SendMessage}"),
    STEP("{name: s, action: verify, all: [{alarm: x, state: BAD}]}"),
    STEP("{name: s, action: exec, argv: [/bin/x], rollback: {action: wait, for: 5s}}"),
    "version: 1\nsources: [{name: s, type: cloudwatch, queue_url: x}]\n",
    "version: 1\nsources: [{name: s, type: kafka}]\n",
    "version: 1\nchannels: [{name: s, type: sns, topic: p}]\n",
    "version: 1\nescalations: [{name: e, levels: []}]\n",
    "version: 1\nunmatched: {alarms: drop}\n",
    "version: 1\nbudgets: [{name: b, max: many, per: 1h}]\n",
    "version: 1\nmaintenance: [{name: m, match: {}, when: {tz: UTC, start: 2pm, for: 1h}}]\n",
};

START_TEST(what_is_refused_for_its_form_does_not_fit)
{
	read_schema();
	PB_CLEANUP(pb_freep) char *text = pb_strdup(bad[_i]);
	PB_JSON json_t *j = json_of("bad.yaml", text);
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	const struct pb_config_file file = pb_test_file("bad.yaml", bad[_i]);
	ck_assert_msg(!fits(schema, j), "fits: %s", bad[_i]);
	ck_assert_int_eq(pb_config_parse(&file, 1, NULL, &c, &problems), -1);
	pb_problems_fini(&problems);
	json_decref(schema);
}
END_TEST

/* --- its keys */

static struct pb_map *tables; /* the names of those that were used */

/* Conditions are of two kinds with one name. */
static const char *
name_of(const char *what, const struct pb_field *fields)
{
	if (strcmp(what, "condition") != 0)
		return what;
	return strcmp(fields[0].key, "http") == 0 ? "condition of http" : "condition of alarm";
}

static bool
has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (pb_streq(json_string_value(json_array_get(list, i)), text))
			return true;
	return false;
}

static void
check_field(const char *what, const json_t *def, const struct pb_field *f)
{
	const json_t *property = pb_json_get(pb_json_get(def, "properties"), f->key);
	if (f->type == PB_FIELD_ELSEWHERE) {
		ck_assert_msg(property == NULL, "%s: %s does not belong there", what, f->key);
		return;
	}
	ck_assert_msg(property != NULL, "the schema's \"%s\" lacks \"%s\"", what, f->key);
	ck_assert_msg(has_text(pb_json_get(def, "required"), f->key) ==
		(f->is_required ||
		    (strcmp(what, "the file") == 0 && strcmp(f->key, "version") == 0)),
	    "%s: is \"%s\" required?", what, f->key);
	if (f->type == PB_FIELD_DURATION)
		ck_assert_msg(pb_streq(pb_json_str(property, "$ref"), "#/$defs/duration"),
		    "%s: \"%s\" is a duration", what, f->key);
	if (f->type == PB_FIELD_BOOL)
		ck_assert_msg(pb_streq(pb_json_str(property, "type"), "boolean"),
		    "%s: \"%s\" is true or false", what, f->key);
	if (f->type == PB_FIELD_INT)
		ck_assert_msg(pb_json_i64(property, "minimum", -1) == f->min &&
			pb_json_i64(property, "maximum", -1) == f->max,
		    "%s: \"%s\" is from %lld to %lld", what, f->key, (long long)f->min,
		    (long long)f->max);
}

static void
check_table(const char *what, const struct pb_field *fields, size_t n)
{
	const char *name = name_of(what, fields), *key;
	bool is_root = strcmp(what, "the file") == 0;
	json_t *value;
	const json_t *def = is_root ? schema : pb_json_get(pb_json_get(schema, "$defs"), name);
	ck_assert_msg(def != NULL, "the schema has no \"%s\"", name);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0; /* a key may stand twice: the first one counts */
		while (!pb_streq(fields[k].key, fields[i].key))
			k++;
		if (k == i)
			check_field(name, def, &fields[i]);
	}
	json_object_foreach (json_object_get(def, "properties"), key, value) {
		size_t k = 0;
		while (k < n && !pb_streq(fields[k].key, key))
			k++;
		ck_assert_msg(k < n, "%s: nobody reads \"%s\"", name, key);
	}
	(void)pb_map_put(tables, name, tables);
}

START_TEST(the_schema_has_the_keys_of_the_reader)
{
	static const char *const every[] = {"tests/unit/playbook/worked.yaml",
	    "tests/unit/playbook/every.yaml", "conf/playbookd.example.yaml"};
	const char *name;
	json_t *def;
	read_schema();
	tables = pb_map_new();
	pb_zone_use(pb_test_zone);
	pb_read_on_table(check_table);
	for (size_t i = 0; i < PB_ARRAY_LEN(every); i++) {
		size_t len;
		struct pb_config *c = NULL;
		struct pb_problems problems = {0};
		PB_CLEANUP(pb_freep) char *text = pb_test_read(every[i], &len);
		const struct pb_config_file file = pb_test_file(every[i], text);
		int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
		ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : every[i]);
		pb_config_unref(c);
	}
	pb_read_on_table(NULL);
	json_object_foreach (json_object_get(schema, "$defs"), name, def)
		if (json_object_get(def, "additionalProperties") != NULL)
			ck_assert_msg(pb_map_get(tables, name) != NULL,
			    "no example has a \"%s\", so that its keys are not compared", name);
	pb_map_free(tables, NULL);
	json_decref(schema);
}
END_TEST

/* --- its words */

#define NO_WORD "no-such-word"

/* The file whose words are tried. */
static struct {
	const char *name, *text;
	struct pb_map *compared; /* the enums, as text */
} tried;

/* The text with another word in the place of a node's. */
static char *
with_no_word(const struct pb_node *n)
{
	const char *at = tried.text;
	for (int line = 1; line < n->line; line++)
		at = strchr(at, '\n') + 1;
	at += n->column - 1;
	ck_assert_int_eq(strncmp(at, n->text, strlen(n->text)), 0);
	return pb_asprintf(
	    "%.*s" NO_WORD "%s", (int)(at - tried.text), tried.text, at + strlen(n->text));
}

/* "A, B, C" of `"no-such-word" is not one of A, B, C`; NULL when no problem says so.  The caller's. */
static char *
words_of(const struct pb_problems *problems)
{
	static const char says[] = "\"" NO_WORD "\" is not one of ";
	for (size_t i = 0; i < problems->n; i++) {
		const char *at = strstr(problems->texts[i], says);
		if (at != NULL)
			return pb_strndup(at + strlen(says), strcspn(at + strlen(says), "("));
	}
	return NULL;
}

static void
compare_words(const json_t *list, const struct pb_node *n)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_freep) char *text = with_no_word(n), *wanted = pb_json_text(list);
	const struct pb_config_file file = pb_test_file(tried.name, text);
	ck_assert_int_eq(pb_config_parse(&file, 1, NULL, &c, &problems), -1);
	PB_CLEANUP(pb_freep) char *words = words_of(&problems);
	ck_assert_msg(
	    words != NULL, "%s:%d: nobody lists the words of %s", tried.name, n->line, wanted);
	size_t n_words = 0;
	char *state = NULL;
	for (char *w = strtok_r(words, ", ", &state); w;
	     w = strtok_r(NULL, ", ", &state), n_words++)
		ck_assert_msg(
		    has_text(list, w), "%s:%d: %s lacks %s", tried.name, n->line, wanted, w);
	ck_assert_msg(n_words == json_array_size(list), "%s:%d: %s has one too many", tried.name,
	    n->line, wanted);
	(void)pb_map_put(tried.compared, wanted, tried.compared);
	pb_problems_fini(&problems);
}

/* One word tells the kinds of a mapping apart; which actions there are is read in another way. */
static bool
is_choice(const char *key, const json_t *s)
{
	return json_array_size(pb_json_get(s, "enum")) > 1 && strcmp(key, "action") != 0;
}

static void walk_words(const char *key, const json_t *s, const json_t *j, const struct pb_node *n);

static void
walk_parts(const char *key, const json_t *s, const json_t *j, const struct pb_node *n)
{
	const json_t *any = pb_json_get(s, "anyOf"), *all = pb_json_get(s, "allOf");
	for (size_t i = 0; i < json_array_size(any); i++)
		if (fits(json_array_get(any, i), j))
			walk_words(key, json_array_get(any, i), j, n);
	for (size_t i = 0; i < json_array_size(all); i++)
		walk_words(key, json_array_get(all, i), j, n);
	if (pb_json_get(s, "if") != NULL && fits(pb_json_get(s, "if"), j))
		walk_words(key, pb_json_get(s, "then"), j, n);
}

static void
walk_words(const char *key, const json_t *s, const json_t *j, const struct pb_node *n)
{
	const char *ref = pb_json_str(s, "$ref");
	if (ref != NULL)
		s = pb_json_get(pb_json_get(schema, "$defs"), ref + strlen("#/$defs/"));
	if (n->kind == PB_NODE_SCALAR && n->is_plain && is_choice(key, s))
		compare_words(pb_json_get(s, "enum"), n);
	for (size_t i = 0; n->kind == PB_NODE_MAP && i < n->n; i++) {
		const char *name = n->keys[i]->text;
		const json_t *of = pb_json_get(pb_json_get(s, "properties"), name);
		if (of != NULL)
			walk_words(name, of, pb_json_get(j, name), n->items[i]);
	}
	for (size_t i = 0; n->kind == PB_NODE_LIST && i < n->n; i++)
		if (pb_json_get(s, "items") != NULL)
			walk_words(key, pb_json_get(s, "items"), json_array_get(j, i), n->items[i]);
	walk_parts(key, s, j, n);
}

static void
try_words(const char *path)
{
	size_t len;
	PB_CLEANUP(pb_freep) char *text = pb_test_read(path, &len);
	const struct pb_config_file file = pb_test_file(path, text);
	struct pb_loader l = {.files = &file, .n_files = 1};
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_node_freep) struct pb_node *root = pb_yaml_read(&l, pb_str_of(text));
	PB_JSON json_t *j = root == NULL ? NULL : pb_read_json(&l, root);
	pb_problems_finish(&l, &problems);
	ck_assert_msg(j != NULL, "%s", problems.n > 0 ? problems.texts[0] : path);
	tried.name = path;
	tried.text = text;
	walk_words("", schema, j, root);
}

static void
all_were_compared(const char *key, const json_t *s)
{
	const char *name;
	json_t *value;
	PB_CLEANUP(pb_freep) char *text = NULL;
	if (is_choice(key, s)) {
		text = pb_json_text(pb_json_get(s, "enum"));
		ck_assert_msg(pb_map_get(tried.compared, text) != NULL,
		    "no example has a word of %s for %s, so that they are not compared", text, key);
	}
	json_object_foreach ((json_t *)(uintptr_t)s, name, value)
		all_were_compared(strcmp(key, "action") == 0 ? key : name, value);
	for (size_t i = 0; i < json_array_size(s); i++)
		all_were_compared(key, json_array_get(s, i));
}

START_TEST(the_schema_has_the_words_of_the_reader)
{
	static const char *const files[] = {"tests/unit/playbook/worked.yaml",
	    "tests/unit/playbook/every.yaml", "conf/playbookd.example.yaml",
	    "tests/sim/steps.yaml"};
	read_schema();
	tried.compared = pb_map_new();
	pb_zone_use(pb_test_zone);
	for (size_t i = 0; i < PB_ARRAY_LEN(files); i++)
		try_words(files[i]);
	all_were_compared("", schema);
	pb_map_free(tried.compared, NULL);
	json_decref(schema);
}
END_TEST

PB_SUITE(schema)
{
	pb_add(s, the_schema_has_the_words_of_the_reader);
	pb_add(s, what_is_accepted_fits_the_schema);
	pb_add_loop(s, what_is_refused_for_its_form_does_not_fit, 0, PB_ARRAY_LEN(bad));
	pb_add(s, the_schema_has_the_keys_of_the_reader);
}
