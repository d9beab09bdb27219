/*
 * Mappings of a test file, by tables.
 */
#include "sim/testread.h"

#include "base/time.h"

#define WORDS_MAX 64 /* of one table, of one set of words */

static const struct testread_key *
find_key(const struct testread_key *keys, size_t n_keys, const char *key)
{
	for (size_t i = 0; i < n_keys; i++)
		if (strcmp(keys[i].key, key) == 0)
			return &keys[i];
	return NULL;
}

static void
note_unknown(struct pb_loader *l, const struct pb_node *key, const char *what,
    const struct testread_key *keys, size_t n_keys)
{
	const char *words[WORDS_MAX];
	size_t n = 0;
	for (; n < n_keys && n < WORDS_MAX; n++)
		words[n] = keys[n].key;
	pb_problem_add(l, key, "%s has no key \"%s\"%s", what, PB_SHOWN(key->text),
	    PB_SUGGEST(key->text, words, n));
}

static void
check_word(struct pb_loader *l, const struct pb_node *n, const char *const *words)
{
	size_t n_words = 0, word;
	while (words[n_words] != NULL)
		n_words++;
	(void)pb_read_word(l, n, words, n_words, &word);
}

static void
check_text(struct pb_loader *l, const struct pb_node *n)
{
	if (n->kind != PB_NODE_SCALAR || n->text[0] != '\0' || n->is_plain)
		(void)pb_read_scalar(l, n);
}

static void
check_texts(struct pb_loader *l, const struct pb_node *n)
{
	if (n->kind != PB_NODE_LIST)
		check_text(l, n);
	else if (pb_read_is_list(l, n, "texts", 1, TESTREAD_LIST_MAX))
		for (size_t i = 0; i < n->n; i++)
			check_text(l, n->items[i]);
}

static bool
is_map(struct pb_loader *l, const struct pb_node *n, const char *what)
{
	if (n->kind != PB_NODE_MAP)
		pb_problem_add(l, n, "%s is a mapping", what);
	return n->kind == PB_NODE_MAP;
}

static void
check_value(struct pb_loader *l, const struct pb_node *n, const struct testread_key *key)
{
	static const char *const yes[] = {"true", NULL},
				 *const yes_or_no[] = {"true", "false", NULL};
	int64_t number;
	switch (key->value) {
	case TESTREAD_SPAN:
		(void)pb_read_duration(l, n, 0, TESTREAD_SPAN_MAX, &number);
		break;
	case TESTREAD_TEXT:
		check_text(l, n);
		break;
	case TESTREAD_TEXTS:
		check_texts(l, n);
		break;
	case TESTREAD_TAGS:
		if (is_map(l, n, key->key))
			for (size_t i = 0; i < n->n; i++)
				check_text(l, n->items[i]);
		break;
	case TESTREAD_MAP:
		(void)is_map(l, n, key->key);
		break;
	case TESTREAD_FLAG:
		check_word(l, n, yes);
		break;
	case TESTREAD_BOOL:
		check_word(l, n, yes_or_no);
		break;
	case TESTREAD_COUNT:
		(void)pb_read_int(l, n, 0, 1000000, &number);
		break;
	case TESTREAD_WORD:
		check_word(l, n, key->words);
		break;
	case TESTREAD_ANY:
		break;
	}
}

bool
testread_map(struct pb_loader *l, const struct pb_node *n, const char *what,
    const struct testread_key *keys, size_t n_keys)
{
	size_t before = l->n_problems;
	if (!is_map(l, n, what))
		return false;
	for (size_t i = 0; i < n->n; i++) {
		const struct testread_key *key = find_key(keys, n_keys, n->keys[i]->text);
		if (key == NULL)
			note_unknown(l, n->keys[i], what, keys, n_keys);
		else
			check_value(l, n->items[i], key);
	}
	return l->n_problems == before;
}

int64_t
testread_span(const struct pb_node *n, const char *key)
{
	struct pb_error err = {0};
	int64_t span = -1;
	const struct pb_node *value = pb_node_get(n, key);
	if (value == NULL || value->kind != PB_NODE_SCALAR ||
	    pb_duration_parse(pb_str_of(value->text), &span, &err) < 0)
		return -1;
	return span;
}

bool
testread_is_list(struct pb_loader *l, const struct pb_node *n, const char *what)
{
	return n != NULL && pb_read_is_list(l, n, what, 0, TESTREAD_LIST_MAX);
}

void
testread_keep_texts(
    const struct pb_node *n, json_t *j, const struct testread_key *keys, size_t n_keys)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct testread_key *key = find_key(keys, n_keys, n->keys[i]->text);
		const struct pb_node *value = n->items[i];
		json_t *tags = json_object_get(j, n->keys[i]->text);
		if (key != NULL && key->value == TESTREAD_TEXT)
			pb_json_set_str(j, key->key, value->text);
		for (size_t k = 0; key != NULL && key->value == TESTREAD_TAGS && k < value->n; k++)
			pb_json_set_str(tags, value->keys[k]->text, value->items[k]->text);
	}
}
