/*
 * Typed readers: a node of the tree to a value of C, or a problem at the node.
 */
#include "playbook/read.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/map.h"
#include "pattern/exact.h"

static const char *
kind_name(const struct pb_node *n)
{
	switch (n->kind) {
	case PB_NODE_SCALAR:
		return "a single value";
	case PB_NODE_LIST:
		return "a list";
	case PB_NODE_MAP:
		break;
	}
	return "a mapping";
}

const char *
pb_read_scalar(struct pb_loader *l, const struct pb_node *n)
{
	if (n->kind != PB_NODE_SCALAR) {
		pb_problem_add(l, n, "expected a single value, found %s", kind_name(n));
		return NULL;
	}
	if (n->is_plain && n->len == 0) {
		pb_problem_add(l, n, "the value is missing");
		return NULL;
	}
	return n->text;
}

int
pb_read_text(struct pb_loader *l, const struct pb_node *n, size_t max, char **ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (n->len > max) {
		pb_problem_add(
		    l, n, "the text has %zu bytes, at most %zu are allowed", n->len, max);
		return -1;
	}
	free(*ret);
	*ret = pb_strdup(text);
	return 0;
}

static void
note_range(struct pb_loader *l, const struct pb_node *n, int64_t min, int64_t max)
{
	char low[PB_TIME_TEXT], high[PB_TIME_TEXT];
	pb_problem_add(l, n, "%s is out of range, it must be between %s and %s", PB_SHOWN(n->text),
	    pb_duration_text(low, min), pb_duration_text(high, max));
}

int
pb_read_duration(
    struct pb_loader *l, const struct pb_node *n, int64_t min, int64_t max, int64_t *ret)
{
	struct pb_error err;
	int64_t value;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (pb_duration_parse(pb_str_of(text), &value, &err) < 0) {
		pb_problem_add(l, n, "%s", err.text);
		return -1;
	}
	if (value < min || value > max) {
		note_range(l, n, min, max);
		return -1;
	}
	*ret = value;
	return 0;
}

int
pb_read_int(struct pb_loader *l, const struct pb_node *n, int64_t min, int64_t max, int64_t *ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (n->is_plain && pb_parse_i64(pb_str_of(text), min, max, ret, NULL) == 0)
		return 0;
	pb_problem_add(l, n, "%s is not a whole number between %lld and %lld%s", PB_SHOWN(text),
	    (long long)min, (long long)max, n->is_plain ? "" : " without quotes");
	return -1;
}

int
pb_read_number(struct pb_loader *l, const struct pb_node *n, double min, double *ret)
{
	PB_JSON json_t *j = NULL;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (!n->is_plain || pb_json_parse(pb_str_of(text), &j, NULL) < 0 || !json_is_number(j) ||
	    json_number_value(j) < min || json_number_value(j) > 1e6) {
		pb_problem_add(
		    l, n, "%s is not a number between %g and 1000000", PB_SHOWN(text), min);
		return -1;
	}
	*ret = json_number_value(j);
	return 0;
}

static int
read_size(struct pb_loader *l, const struct pb_node *n, int64_t min, int64_t max, int64_t *ret)
{
	struct pb_error err;
	int64_t value;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (pb_size_parse(pb_str_of(text), &value, &err) < 0) {
		pb_problem_add(l, n, "%s", err.text);
		return -1;
	}
	if (value < min || value > max) {
		pb_problem_add(l, n, "%s is out of range, it must be between %lld and %lld bytes",
		    PB_SHOWN(text), (long long)min, (long long)max);
		return -1;
	}
	*ret = value;
	return 0;
}

static int
read_bool(struct pb_loader *l, const struct pb_node *n, bool *ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (!n->is_plain || (!pb_streq(text, "true") && !pb_streq(text, "false"))) {
		pb_problem_add(l, n, "%s is not true or false", PB_SHOWN(text));
		return -1;
	}
	*ret = pb_streq(text, "true");
	return 0;
}

int
pb_read_word(struct pb_loader *l, const struct pb_node *n, const char *const *words, size_t n_words,
    size_t *ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	PB_CLEANUP(pb_buf_fini) struct pb_buf list = PB_BUF_INIT;
	for (size_t i = 0; i < n_words; i++) {
		if (pb_streq(text, words[i])) {
			*ret = i;
			return 0;
		}
		(void)pb_buf_addf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	pb_problem_add(l, n, "\"%s\" is not one of %s%s", PB_SHOWN(text), list.ptr,
	    PB_SUGGEST(text, words, n_words));
	return -1;
}

bool
pb_read_is_list(
    struct pb_loader *l, const struct pb_node *n, const char *what, size_t min, size_t max)
{
	if (n->kind != PB_NODE_LIST) {
		pb_problem_add(l, n, "expected a list of %s, found %s", what, kind_name(n));
		return false;
	}
	if (n->n < min)
		pb_problem_add(l, n, "the list of %s is empty", what);
	if (n->n > max)
		pb_problem_add(
		    l, n, "the list has %zu %s, at most %zu are allowed", n->n, what, max);
	return n->n >= min && n->n <= max;
}

void
pb_texts_free(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

int
pb_read_texts(struct pb_loader *l, const struct pb_node *n, const char *what, size_t min,
    size_t max, char ***ret, size_t *ret_n)
{
	if (!pb_read_is_list(l, n, what, min, max))
		return -1;
	int rc = 0;
	char **texts = pb_calloc(n->n + 1, sizeof(*texts));
	for (size_t i = 0; i < n->n; i++)
		if (pb_read_text(l, n->items[i], 4096, &texts[i]) < 0)
			rc = -1;
	if (rc < 0) {
		pb_texts_free(texts, n->n);
		return -1;
	}
	pb_texts_free(*ret, *ret_n);
	*ret = texts;
	*ret_n = n->n;
	return 0;
}

int
pb_read_name(struct pb_loader *l, const struct pb_node *n, const char *what, char **ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	size_t len =
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	if (n->len == 0 || n->len > 100 || len != n->len || strchr("-.", text[0]) != NULL) {
		pb_problem_add(l, n,
		    "\"%s\" is no name of a %s: use 1 to 100 letters, digits, - _ and ., beginning "
		    "with a letter, digit or _",
		    PB_SHOWN(text), what);
		return -1;
	}
	free(*ret);
	*ret = pb_strdup(text);
	return 0;
}

/* arn:aws:sns:REGION:ACCOUNT:NAME */
static bool
is_topic(const char *arn)
{
	const char *p = arn;
	size_t i = 0;
	for (; i < 5; i++) {
		size_t len = strcspn(p, ":");
		struct pb_str part = {p, len};
		if (p[len] != ':' || len == 0 || (i == 0 && !pb_str_is(part, "arn")) ||
		    (i == 2 && !pb_str_is(part, "sns")) ||
		    (i == 4 && (len != 12 || strspn(p, "0123456789") != 12)))
			return false;
		p += len + 1;
	}
	return *p != '\0' && strchr(p, ':') == NULL && strchr(p, ' ') == NULL;
}

int
pb_read_topic(struct pb_loader *l, const struct pb_node *n, char **ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (!is_topic(text)) {
		pb_problem_add(l, n,
		    "\"%s\" is no ARN of an SNS topic, as arn:aws:sns:eu-west-1:111122223333:pager",
		    PB_SHOWN(text));
		return -1;
	}
	return pb_read_text(l, n, 512, ret);
}

static const char *const section_words[PB_SECTION_MAX] = {
    [PB_SECTION_SOURCES] = "source",
    [PB_SECTION_CHANNELS] = "channel",
    [PB_SECTION_CONTACTS] = "contact",
    [PB_SECTION_SCHEDULES] = "schedule",
    [PB_SECTION_ESCALATIONS] = "escalation",
    [PB_SECTION_BUDGETS] = "budget",
    [PB_SECTION_PLAYBOOKS] = "playbook",
    [PB_SECTION_MAINTENANCE] = "maintenance window",
};

const char *
pb_section_word(enum pb_section section)
{
	return section_words[section];
}

static void
note_unknown_reference(
    struct pb_loader *l, const struct pb_node *n, const char *text, enum pb_section section)
{
	const struct pb_map *names = l->sections[section].names;
	const char **words = pb_calloc(pb_map_len(names) + 1, sizeof(*words));
	size_t n_words = 0;
	void *value;
	for (size_t i = 0; pb_map_next(names, &i, &words[n_words], &value);)
		n_words++;
	pb_problem_add(l, n, "%s \"%s\" is not defined%s", section_words[section], PB_SHOWN(text),
	    PB_SUGGEST(text, words, n_words));
	free(words);
}

int
pb_read_reference(
    struct pb_loader *l, const struct pb_node *n, enum pb_section section, size_t *ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	return pb_read_name_of(l, n, text, section, ret);
}

int
pb_read_name_of(struct pb_loader *l, const struct pb_node *n, const char *text,
    enum pb_section section, size_t *ret)
{
	uintptr_t place = (uintptr_t)pb_map_get(l->sections[section].names, text);
	if (place == 0) {
		if (!l->is_partial)
			note_unknown_reference(l, n, text, section);
		return -1;
	}
	*ret = (size_t)place - 1;
	return 0;
}

int
pb_read_argv(struct pb_loader *l, const struct pb_node *n, char ***ret, size_t *ret_n)
{
	if (pb_read_texts(l, n, "arguments", 1, 256, ret, ret_n) < 0)
		return -1;
	if ((*ret)[0][0] == '/')
		return 0;
	pb_problem_add(l, n->items[0],
	    "\"%s\" must be an absolute path; there is no shell and no search path",
	    PB_SHOWN((*ret)[0]));
	return -1;
}

/* --- free JSON */

/* Could it be meant as a JSON number?  Then it must be one; anything else is text. */
static json_t *
plain_json(struct pb_loader *l, const struct pb_node *n)
{
	if (n->len == 0) {
		pb_problem_add(l, n, "the value is missing; write \"\" or null");
		return NULL;
	}
	json_t *j = NULL;
	bool is_word =
	    pb_streq(n->text, "true") || pb_streq(n->text, "false") || pb_streq(n->text, "null");
	bool is_number = n->text[0] == '-' || isdigit((unsigned char)n->text[0]);
	if ((is_word || is_number) &&
	    (l->keeps_digits ? pb_exact_parse : pb_json_parse)(pb_str_of(n->text), &j, NULL) == 0)
		return j;
	return json_string(n->text);
}

static json_t *
map_json(struct pb_loader *l, const struct pb_node *n)
{
	json_t *ret = json_object();
	for (size_t i = 0; i < n->n; i++) {
		json_t *v = pb_read_json(l, n->items[i]);
		if (v == NULL || ret == NULL) {
			json_decref(v);
			json_decref(ret);
			ret = NULL;
			continue;
		}
		(void)json_object_set_new(ret, n->keys[i]->text, v);
	}
	return ret;
}

static json_t *
list_json(struct pb_loader *l, const struct pb_node *n)
{
	json_t *ret = json_array();
	for (size_t i = 0; i < n->n; i++) {
		json_t *v = pb_read_json(l, n->items[i]);
		if (v == NULL || ret == NULL) {
			json_decref(v);
			json_decref(ret);
			ret = NULL;
			continue;
		}
		(void)json_array_append_new(ret, v);
	}
	return ret;
}

json_t *
pb_read_json(struct pb_loader *l, const struct pb_node *n)
{
	switch (n->kind) {
	case PB_NODE_SCALAR:
		return n->is_plain ? plain_json(l, n) : json_string(n->text);
	case PB_NODE_LIST:
		return list_json(l, n);
	case PB_NODE_MAP:
		break;
	}
	return map_json(l, n);
}

/* --- mappings */

static void
read_field(struct pb_loader *l, const char *what, const struct pb_node *key,
    const struct pb_node *n, const struct pb_field *f, void *obj)
{
	void *at = (char *)obj + f->offset;
	switch (f->type) {
	case PB_FIELD_TEXT:
		(void)pb_read_text(l, n, f->max > 0 ? (size_t)f->max : 1024, at);
		return;
	case PB_FIELD_DURATION:
		(void)pb_read_duration(l, n, f->min, f->max, at);
		return;
	case PB_FIELD_INT:
		(void)pb_read_int(l, n, f->min, f->max, at);
		return;
	case PB_FIELD_SIZE:
		(void)read_size(l, n, f->min, f->max, at);
		return;
	case PB_FIELD_BOOL:
		(void)read_bool(l, n, at);
		return;
	case PB_FIELD_CUSTOM:
		f->read(l, n, obj);
		return;
	case PB_FIELD_SEEN:
		return;
	case PB_FIELD_ELSEWHERE:
		pb_problem_add(l, key, "%s does not belong to a %s; %s", f->key, what, f->note);
		return;
	}
}

static void
note_unknown_key(struct pb_loader *l, const struct pb_node *key, const char *what,
    const struct pb_field *fields, size_t n_fields)
{
	const char *words[64];
	pb_check(n_fields <= PB_ARRAY_LEN(words));
	for (size_t i = 0; i < n_fields; i++)
		words[i] = fields[i].key;
	pb_problem_add(l, key, "unknown key \"%s\" in %s%s", PB_SHOWN(key->text), what,
	    PB_SUGGEST(key->text, words, n_fields));
}

static pb_table_fn *on_table;

void
pb_read_on_table(pb_table_fn *fn)
{
	on_table = fn;
}

int
pb_read_map(struct pb_loader *l, const struct pb_node *n, const char *what,
    const struct pb_field *fields, size_t n_fields, void *obj)
{
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "expected a mapping (%s), found %s", what, kind_name(n));
		return -1;
	}
	if (on_table != NULL)
		on_table(what, fields, n_fields);
	uint64_t seen = 0; /* a duplicate is noted already, and the first one counts */
	pb_check(n_fields <= 64);
	for (size_t i = 0; i < n->n; i++) {
		size_t k = 0;
		while (k < n_fields && !pb_streq(n->keys[i]->text, fields[k].key))
			k++;
		uint64_t bit = k < n_fields ? UINT64_C(1) << k : 0;
		if (bit != 0 && (seen & bit) == 0)
			read_field(l, what, n->keys[i], n->items[i], &fields[k], obj);
		else if (bit == 0 && !pb_streq(n->keys[i]->text, "<<"))
			note_unknown_key(l, n->keys[i], what, fields, n_fields);
		seen |= bit;
	}
	for (size_t k = 0; k < n_fields; k++)
		if (fields[k].is_required && pb_node_get(n, fields[k].key) == NULL)
			pb_problem_add(l, n, "%s needs the key %s%s%s", what, fields[k].key,
			    fields[k].note != NULL ? ": " : "",
			    fields[k].note != NULL ? fields[k].note : "");
	return 0;
}
