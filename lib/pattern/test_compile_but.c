/*
 * Compiling anything-but: plain values, or one operator, each single or as a list.
 */
#include "pattern/test_compile.h"

static int
but_plain(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (pb_exact_is_number(value)) {
		ret->op = PB_TEST_NUMBER;
		return pb_test_set_number(pl, value, &ret->number);
	}
	if (!pb_exact_is_text(value))
		return pb_place_fail(pl, PB_INVALID,
		    "Inside anything but list, start|null|boolean is not supported.");
	pb_test_set_text(ret, PB_TEST_TEXT, pb_test_text_of(value));
	return 0;
}

static int
but_affix(struct pb_place *pl, const json_t *value, bool is_prefix, struct pb_test *ret)
{
	if (!pb_exact_is_text(value))
		return pb_place_fail(
		    pl, PB_INVALID, "prefix/suffix match pattern must be a string");
	if (json_string_length(value) == 0)
		return pb_place_fail(pl, PB_INVALID, "Null prefix/suffix not allowed");
	pb_test_set_text(ret, is_prefix ? PB_TEST_PREFIX : PB_TEST_SUFFIX, pb_test_text_of(value));
	return 0;
}

static int
but_prefix(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	return but_affix(pl, value, true, ret);
}

static int
but_suffix(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	return but_affix(pl, value, false, ret);
}

static int
but_ignore_case(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!pb_exact_is_text(value))
		return pb_place_fail(pl, PB_INVALID,
		    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
		    "supported.");
	pb_test_set_folded(ret, PB_TEST_TEXT_FOLDED, pb_test_text_of(value));
	return 0;
}

static const struct {
	const char *name;
	pb_test_compile_fn *compile;
} buts[] = {
    {"equals-ignore-case", but_ignore_case},
    {"prefix", but_prefix},
    {"suffix", but_suffix},
    {"wildcard", pb_test_compile_wildcard},
};

/*
 * The list may not be empty and may not mix texts and numbers.  Of the service no word is known on
 * empty lists of prefixes and the like; as nothing could be meant by one, it is refused as well.
 */
static int
check_but_list(struct pb_place *pl, const json_t *list, bool is_plain)
{
	size_t n_numbers = 0, n_texts = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		n_numbers += pb_exact_is_number(json_array_get(list, i));
		n_texts += pb_exact_is_text(json_array_get(list, i));
	}
	bool is_mixed =
	    n_numbers + n_texts == json_array_size(list) && n_numbers > 0 && n_texts > 0;
	if (json_array_size(list) == 0 || (is_plain && is_mixed))
		return pb_place_fail(pl, PB_INVALID,
		    "Inside anything but list, either all values are number or string, mixed type "
		    "is not supported");
	return 0;
}

static int
compile_member(struct pb_place *pl, const json_t *list, size_t i, pb_test_compile_fn *compile,
    struct pb_test *ret)
{
	size_t mark = pb_place_enter_index(pl, i);

	if (compile(pl, json_array_get(list, i), ret) < 0)
		return -1;
	pb_place_leave(pl, mark);
	return 0;
}

static int
compile_none_of(
    struct pb_place *pl, const json_t *value, pb_test_compile_fn *compile, struct pb_test *ret)
{
	bool is_list = json_is_array(value);
	size_t n = is_list ? json_array_size(value) : 1;
	struct pb_test all = {.op = PB_TEST_NONE_OF};

	if (is_list && check_but_list(pl, value, compile == but_plain) < 0)
		return -1;
	/* A member that is no text is worse than a wildcard that is none. */
	for (size_t i = 0; is_list && compile == pb_test_compile_wildcard && i < n; i++)
		if (!pb_exact_is_text(json_array_get(value, i)))
			return compile_member(pl, value, i, compile, ret);
	all.none_of.tests = pb_calloc(n, sizeof(*all.none_of.tests));
	for (size_t i = 0; i < n; i++) {
		struct pb_test *t = &all.none_of.tests[i];
		if ((is_list ? compile_member(pl, value, i, compile, t) : compile(pl, value, t)) <
		    0) {
			pb_test_fini(&all);
			return -1;
		}
		all.none_of.n++;
	}
	*ret = all;
	return 0;
}

static int
fail_but_value(struct pb_place *pl)
{
	return pb_place_fail(pl, PB_INVALID,
	    "Value of anything-but must be an array or single string/number value.");
}

int
pb_test_compile_anything_but(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (json_is_boolean(value) || json_is_null(value))
		return fail_but_value(pl);
	if (!json_is_object(value))
		return compile_none_of(pl, value, but_plain, ret);

	const char *key = NULL;
	const json_t *inner = NULL;
	if (pb_test_first_member(pl, value, "Anything-But", &key, &inner) < 0)
		return -1;
	size_t mark = pb_place_enter_key(pl, key, strlen(key));
	for (size_t i = 0; i < PB_ARRAY_LEN(buts); i++) {
		if (strcmp(key, buts[i].name) != 0)
			continue;
		if (json_is_object(inner) || json_is_boolean(inner) || json_is_null(inner))
			return fail_but_value(pl);
		if (compile_none_of(pl, inner, buts[i].compile, ret) < 0)
			return -1;
		pb_place_leave(pl, mark);
		if (json_object_size(value) == 1)
			return 0;
		pb_test_fini(ret);
		return pb_test_fail_more(pl, "anything-but");
	}
	char shown[64];
	return pb_place_fail(pl, PB_INVALID, "Unsupported anything-but pattern: %s",
	    pb_safe(shown, sizeof(shown), pb_str_of(key)));
}
