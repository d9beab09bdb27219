/*
 * Tests of one value: compiling.  Refusals are in the words of the service, as event-ruler has
 * them.
 */
#include <stdlib.h>

#include "pattern/fold.h"
#include "pattern/pattern.h"
#include "pattern/test_compile.h"

void
pb_test_set_text(struct pb_test *t, enum pb_test_op op, struct pb_str s)
{
	t->op = op;
	t->text.ptr = pb_malloc(s.len + 1);
	memcpy(t->text.ptr, s.ptr, s.len);
	t->text.ptr[s.len] = '\0';
	t->text.len = s.len;
}

void
pb_test_set_folded(struct pb_test *t, enum pb_test_op op, struct pb_str s)
{
	struct pb_buf folded = PB_BUF_INIT;

	pb_fold_add(&folded, s);
	t->op = op;
	t->text.len = folded.len;
	t->text.ptr = pb_buf_take(&folded);
}

int
pb_test_set_number(struct pb_place *pl, const json_t *value, struct pb_number *ret)
{
	struct pb_error err = {0};
	char room[PB_EXACT_ROOM];

	if (pb_number_make(pb_exact_digits(value, room), ret, &err) < 0)
		return pb_place_fail(pl, err.kind, "%s", err.text);
	return 0;
}

int
pb_test_first_member(struct pb_place *pl, const json_t *j, const char *name, const char **ret_key,
    const json_t **ret_value)
{
	if (json_object_size(j) == 0)
		return pb_place_fail(pl, PB_INVALID, "%s expression name not found", name);

	/* jansson's iterators want an object that may be written; this only reads. */
	void *it = json_object_iter((json_t *)(uintptr_t)j);
	*ret_key = json_object_iter_key(it);
	*ret_value = json_object_iter_value(it);
	return 0;
}

int
pb_test_fail_more(struct pb_place *pl, const char *op)
{
	bool is_odd = strcmp(op, "numeric") == 0 || strcmp(op, "anything-but") == 0;

	return pb_place_fail(pl, PB_INVALID,
	    is_odd ? "Too many elements in numeric expression"
		   : "Only one key allowed in match expression");
}

/* --- prefix, suffix, equals-ignore-case, exactly */

static int
compile_affix(struct pb_place *pl, const json_t *value, bool is_prefix, struct pb_test *ret)
{
	const char *name = is_prefix ? "prefix" : "suffix";

	if (pb_exact_is_text(value)) {
		pb_test_set_text(
		    ret, is_prefix ? PB_TEST_PREFIX : PB_TEST_SUFFIX, pb_test_text_of(value));
		return 0;
	}
	if (!json_is_object(value))
		return pb_place_fail(pl, PB_INVALID, "%s match pattern must be a string", name);

	const char *key = NULL;
	const json_t *inner = NULL;
	if (pb_test_first_member(pl, value, is_prefix ? "Prefix" : "Suffix", &key, &inner) < 0)
		return -1;
	if (strcmp(key, "equals-ignore-case") != 0) {
		char shown[64];
		return pb_place_fail(pl, PB_INVALID, "Unsupported %s pattern: %s", name,
		    pb_safe(shown, sizeof(shown), pb_str_of(key)));
	}
	if (!pb_exact_is_text(inner))
		return pb_place_fail(
		    pl, PB_INVALID, "equals-ignore-case match pattern must be a string");
	if (json_object_size(value) > 1)
		return pb_test_fail_more(pl, name);
	pb_test_set_folded(
	    ret, is_prefix ? PB_TEST_PREFIX_FOLDED : PB_TEST_SUFFIX_FOLDED, pb_test_text_of(inner));
	return 0;
}

static int
compile_prefix(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	return compile_affix(pl, value, true, ret);
}

static int
compile_suffix(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	return compile_affix(pl, value, false, ret);
}

static int
compile_ignore_case(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!pb_exact_is_text(value))
		return pb_place_fail(
		    pl, PB_INVALID, "equals-ignore-case match pattern must be a string");
	pb_test_set_folded(ret, PB_TEST_TEXT_FOLDED, pb_test_text_of(value));
	return 0;
}

static int
compile_exactly(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!pb_exact_is_text(value))
		return pb_place_fail(pl, PB_INVALID, "exact match pattern must be a string");
	pb_test_set_text(ret, PB_TEST_TEXT, pb_test_text_of(value));
	return 0;
}

/* --- wildcard */

static size_t
count_stars(struct pb_str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '*')
			n++;
	}
	return n;
}

/* Positions count from 1, as the service counts them. */
static int
check_wildcard(struct pb_place *pl, struct pb_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char next = i + 1 < s.len ? s.ptr[i + 1] : '\0';
		if (s.ptr[i] == '\\') {
			if (next != '*' && next != '\\')
				return pb_place_fail(
				    pl, PB_INVALID, "Invalid escape character at pos %zu", i + 1);
			i++;
		} else if (s.ptr[i] == '*' && next == '*') {
			return pb_place_fail(
			    pl, PB_INVALID, "Consecutive wildcard characters at pos %zu", i + 1);
		}
	}
	if (count_stars(s) > PB_PATTERN_WILDCARDS_MAX)
		return pb_place_fail(pl, PB_LIMIT,
		    "Rule is too complex - try using fewer wildcard characters or fewer repeating "
		    "character sequences after a wildcard character");
	return 0;
}

int
pb_test_compile_wildcard(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!pb_exact_is_text(value))
		return pb_place_fail(pl, PB_INVALID, "wildcard match pattern must be a string");

	struct pb_str s = pb_test_text_of(value);
	if (check_wildcard(pl, s) < 0)
		return -1;

	struct pb_wildcard w = {.n_pieces = count_stars(s) + 1};
	w.block = pb_malloc(s.len + 1);
	w.pieces = pb_calloc(w.n_pieces, sizeof(*w.pieces));
	size_t len = 0, at = 0;
	w.pieces[0].ptr = w.block;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '*') {
			w.pieces[++at].ptr = w.block + len;
			continue;
		}
		if (s.ptr[i] == '\\')
			i++;
		w.block[len++] = s.ptr[i];
		w.pieces[at].len++;
	}
	ret->op = PB_TEST_WILDCARD;
	ret->wildcard = w;
	return 0;
}

/* --- exists */

static int
compile_exists(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!json_is_boolean(value))
		return pb_place_fail(
		    pl, PB_INVALID, "exists match pattern must be either true or false.");
	ret->op = json_is_true(value) ? PB_TEST_EXISTS : PB_TEST_ABSENT;
	return 0;
}

/* --- all of them */

static const struct {
	const char *name;
	pb_test_compile_fn *compile;
} matches[] = {
    {"anything-but", pb_test_compile_anything_but},
    {"cidr", pb_test_compile_cidr},
    {"equals-ignore-case", compile_ignore_case},
    {"exactly", compile_exactly},
    {"exists", compile_exists},
    {"numeric", pb_test_compile_numeric},
    {"prefix", compile_prefix},
    {"suffix", compile_suffix},
    {"wildcard", pb_test_compile_wildcard},
};

static int
fail_unknown(struct pb_place *pl, const char *key)
{
	const char *names[PB_ARRAY_LEN(matches)];
	char shown[64];

	for (size_t i = 0; i < PB_ARRAY_LEN(matches); i++)
		names[i] = matches[i].name;
	const char *meant = pb_did_you_mean(key, names, PB_ARRAY_LEN(names));
	(void)pb_safe(shown, sizeof(shown), pb_str_of(key));
	if (meant != NULL)
		return pb_place_fail(
		    pl, PB_INVALID, "Unrecognized match type %s (did you mean %s?)", shown, meant);
	return pb_place_fail(pl, PB_INVALID, "Unrecognized match type %s", shown);
}

static int
compile_match(struct pb_place *pl, const json_t *j, struct pb_test *ret)
{
	const char *key = NULL;
	const json_t *value = NULL;

	if (pb_test_first_member(pl, j, "Match", &key, &value) < 0)
		return -1;
	size_t mark = pb_place_enter_key(pl, key, strlen(key));
	for (size_t i = 0; i < PB_ARRAY_LEN(matches); i++) {
		if (strcmp(key, matches[i].name) != 0)
			continue;
		if (matches[i].compile(pl, value, ret) < 0)
			return -1;
		pb_place_leave(pl, mark);
		if (json_object_size(j) == 1)
			return 0;
		pb_test_fini(ret);
		return pb_test_fail_more(pl, key);
	}
	return fail_unknown(pl, key);
}

int
pb_test_compile(struct pb_place *pl, const json_t *j, struct pb_test *ret)
{
	size_t mark = pl->path.len;
	struct pb_test t = {0};

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		if (compile_match(pl, j, &t) < 0)
			return -1;
		break;
	case JSON_STRING:
		if (pb_exact_is_text(j)) {
			pb_test_set_text(&t, PB_TEST_TEXT, pb_test_text_of(j));
			break;
		}
		__attribute__((fallthrough));
	case JSON_INTEGER:
	case JSON_REAL:
		t.op = PB_TEST_NUMBER;
		if (pb_test_set_number(pl, j, &t.number) < 0)
			return -1;
		break;
	case JSON_NULL:
		t.op = PB_TEST_NULL;
		break;
	case JSON_TRUE:
		t.op = PB_TEST_TRUE;
		break;
	case JSON_FALSE:
		t.op = PB_TEST_FALSE;
		break;
	case JSON_ARRAY:
		return pb_place_fail(
		    pl, PB_INVALID, "Match value must be String, number, true, false, or null");
	}
	pb_place_leave(pl, mark);
	*ret = t;
	return 0;
}
