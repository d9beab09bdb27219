/*
 * Tests of one value: compiling.  Refusals are in the words of the service, as event-ruler has
 * them.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "pattern/fold.h"
#include "pattern/pattern.h"
#include "pattern/test.h"

typedef int compile_fn(struct pb_place *pl, const json_t *value, struct pb_test *ret);

static struct pb_str
text_of(const json_t *value)
{
	return (struct pb_str){json_string_value(value), json_string_length(value)};
}

static void
set_text(struct pb_test *t, enum pb_test_op op, struct pb_str s)
{
	t->op = op;
	t->text.ptr = pb_malloc(s.len + 1);
	memcpy(t->text.ptr, s.ptr, s.len);
	t->text.ptr[s.len] = '\0';
	t->text.len = s.len;
}

static void
set_folded(struct pb_test *t, enum pb_test_op op, struct pb_str s)
{
	struct pb_buf folded = PB_BUF_INIT;

	pb_fold_add(&folded, s);
	t->op = op;
	t->text.len = folded.len;
	t->text.ptr = pb_buf_take(&folded);
}

static void
set_number(struct pb_number *n, const json_t *value)
{
	n->is_whole = json_is_integer(value);
	if (n->is_whole)
		n->whole = json_integer_value(value);
	else
		n->real = json_real_value(value);
}

/*
 * The first key of an object, which should be its only one, and its value; `name` is what the
 * service calls a missing one.  Like the service we complain of what is in the first before we
 * complain of a second: see fail_more.
 */
static int
first_member(struct pb_place *pl, const json_t *j, const char *name, const char **ret_key,
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

/* Of more than one key in `op`: in the service's words, which here fit numeric only. */
static int
fail_more(struct pb_place *pl, const char *op)
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

	if (json_is_string(value)) {
		set_text(ret, is_prefix ? PB_TEST_PREFIX : PB_TEST_SUFFIX, text_of(value));
		return 0;
	}
	if (!json_is_object(value))
		return pb_place_fail(pl, PB_INVALID, "%s match pattern must be a string", name);

	const char *key = NULL;
	const json_t *inner = NULL;
	if (first_member(pl, value, is_prefix ? "Prefix" : "Suffix", &key, &inner) < 0)
		return -1;
	if (strcmp(key, "equals-ignore-case") != 0) {
		char shown[64];
		return pb_place_fail(pl, PB_INVALID, "Unsupported %s pattern: %s", name,
		    pb_safe(shown, sizeof(shown), pb_str_of(key)));
	}
	if (!json_is_string(inner))
		return pb_place_fail(
		    pl, PB_INVALID, "equals-ignore-case match pattern must be a string");
	if (json_object_size(value) > 1)
		return fail_more(pl, name);
	set_folded(ret, is_prefix ? PB_TEST_PREFIX_FOLDED : PB_TEST_SUFFIX_FOLDED, text_of(inner));
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
	if (!json_is_string(value))
		return pb_place_fail(
		    pl, PB_INVALID, "equals-ignore-case match pattern must be a string");
	set_folded(ret, PB_TEST_TEXT_FOLDED, text_of(value));
	return 0;
}

static int
compile_exactly(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!json_is_string(value))
		return pb_place_fail(pl, PB_INVALID, "exact match pattern must be a string");
	set_text(ret, PB_TEST_TEXT, text_of(value));
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

static int
compile_wildcard(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!json_is_string(value))
		return pb_place_fail(pl, PB_INVALID, "wildcard match pattern must be a string");

	struct pb_str s = text_of(value);
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

/* --- numeric */

static int
fail_member(struct pb_place *pl, const char *what, const json_t *member)
{
	PB_CLEANUP(pb_freep)
	char *text = member == NULL ? NULL : json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT);
	char shown[64];
	struct pb_str s = member == NULL ? PB_STR("]")
	    : json_is_string(member)     ? text_of(member)
	    : json_is_object(member)     ? PB_STR("{")
	    : json_is_array(member)      ? PB_STR("[")
					 : pb_str_of(text);

	return pb_place_fail(pl, PB_INVALID, "%s: %s", what, pb_safe(shown, sizeof(shown), s));
}

static int
numeric_value(
    struct pb_place *pl, const json_t *list, size_t at, const char *op, struct pb_number *ret)
{
	const json_t *value = json_array_get(list, at);

	if (!json_is_number(value))
		return pb_place_fail(pl, PB_INVALID, "Value of %s must be numeric",
		    strcmp(op, "=") == 0 ? "equals" : op);
	set_number(ret, value);
	return 0;
}

/* The second half of ["> or >=", low, "< or <=", high]. */
static int
numeric_top(struct pb_place *pl, const json_t *list, struct pb_range *r)
{
	const json_t *op = json_array_get(list, 2);

	if (!json_is_string(op))
		return fail_member(pl, "Bad value in numeric range", op);
	const char *sign = json_string_value(op);
	if (strcmp(sign, "<") != 0 && strcmp(sign, "<=") != 0)
		return fail_member(pl, "Bad numeric range operator", op);
	r->has_high = true;
	r->is_high_in = sign[1] == '=';
	if (numeric_value(pl, list, 3, sign, &r->high) < 0)
		return -1;
	if (json_array_size(list) > 4)
		return pb_place_fail(pl, PB_INVALID, "Too many terms in numeric range expression");
	if (pb_number_compare(r->low, r->high) >= 0)
		return pb_place_fail(pl, PB_INVALID, "Bottom must be less than top");
	return 0;
}

static int
compile_numeric(struct pb_place *pl, const json_t *list, struct pb_test *ret)
{
	static const char *const ops[] = {"=", "<", "<=", ">", ">="};

	if (!json_is_array(list))
		return pb_place_fail(pl, PB_INVALID, "Value of numeric must be an array.");
	const json_t *op = json_array_get(list, 0);
	if (!json_is_string(op))
		return fail_member(pl, "Invalid member in numeric match", op);

	const char *sign = json_string_value(op);
	bool is_known = false;
	for (size_t i = 0; i < PB_ARRAY_LEN(ops); i++)
		is_known = is_known || strcmp(sign, ops[i]) == 0;
	if (!is_known)
		return fail_member(pl, "Unrecognized numeric range operator", op);

	struct pb_number n = {0};
	if (numeric_value(pl, list, 1, sign, &n) < 0)
		return -1;
	struct pb_range r = {
	    .has_low = sign[0] != '<',
	    .has_high = sign[0] != '>',
	    .is_low_in = sign[0] == '=' || sign[1] == '=',
	    .is_high_in = sign[0] == '=' || sign[1] == '=',
	    .low = n,
	    .high = n,
	};
	if (json_array_size(list) > 2) {
		if (sign[0] != '>')
			return pb_place_fail(
			    pl, PB_INVALID, "Too many elements in numeric expression");
		if (numeric_top(pl, list, &r) < 0)
			return -1;
	}
	ret->op = PB_TEST_RANGE;
	ret->range = r;
	return 0;
}

/* --- cidr, exists */

/* "Nonstandard" is, to the service, what does not even look like an address. */
static int
compile_address(struct pb_place *pl, struct pb_str s, struct pb_cidr *c)
{
	char text[INET6_ADDRSTRLEN + 1], shown[64];
	bool has_colon = memchr(s.ptr, ':', s.len) != NULL;
	size_t n_dots = 0, n_odd = 0;

	c->family = has_colon ? AF_INET6 : AF_INET;
	if (s.len < sizeof(text)) {
		memcpy(text, s.ptr, s.len);
		text[s.len] = '\0';
		if (inet_pton(c->family, text, c->net) == 1)
			return 0;
	}
	for (size_t i = 0; i < s.len; i++) {
		n_dots += s.ptr[i] == '.';
		n_odd +=
		    strchr(has_colon ? "0123456789abcdefABCDEF:" : "0123456789.", s.ptr[i]) == NULL;
	}
	bool looks_right = n_odd == 0 && (has_colon || n_dots == 3);
	return pb_place_fail(pl, PB_INVALID, "%s IP address: %s",
	    looks_right ? "Invalid" : "Nonstandard", pb_safe(shown, sizeof(shown), s));
}

static int
compile_cidr(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!json_is_string(value)) /* "prefix" is what the service says here */
		return pb_place_fail(pl, PB_INVALID, "prefix match pattern must be a string");

	struct pb_str s = text_of(value);
	const char *slash = memchr(s.ptr, '/', s.len);
	if (slash == NULL || slash != memrchr(s.ptr, '/', s.len) || slash == s.ptr + s.len - 1)
		return pb_place_fail(pl, PB_INVALID, "Malformed CIDR, one '/' required");

	size_t len = (size_t)(slash - s.ptr);
	int64_t bits = 0;
	struct pb_error ignored = {0};
	if (pb_parse_i64((struct pb_str){slash + 1, s.len - len - 1}, INT32_MIN, INT32_MAX, &bits,
		&ignored) < 0)
		return pb_place_fail(
		    pl, PB_INVALID, "Malformed CIDR, mask bits must be an integer");
	if (bits < 0)
		return pb_place_fail(
		    pl, PB_INVALID, "Malformed CIDR, mask bits must not be negative");

	struct pb_cidr c = {0};
	if (compile_address(pl, (struct pb_str){s.ptr, len}, &c) < 0)
		return -1;
	if (bits > (c.family == AF_INET ? 32 : 128))
		return pb_place_fail(pl, PB_INVALID, "%s mask bits must be <= %d",
		    c.family == AF_INET ? "IPv4" : "IPv6", c.family == AF_INET ? 32 : 128);
	c.bits = (unsigned)bits;
	ret->op = PB_TEST_CIDR;
	ret->cidr = c;
	return 0;
}

static int
compile_exists(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (!json_is_boolean(value))
		return pb_place_fail(
		    pl, PB_INVALID, "exists match pattern must be either true or false.");
	ret->op = json_is_true(value) ? PB_TEST_EXISTS : PB_TEST_ABSENT;
	return 0;
}

/* --- anything-but */

static int
but_plain(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (json_is_number(value)) {
		ret->op = PB_TEST_NUMBER;
		set_number(&ret->number, value);
		return 0;
	}
	if (!json_is_string(value))
		return pb_place_fail(pl, PB_INVALID,
		    "Inside anything but list, start|null|boolean is not supported.");
	set_text(ret, PB_TEST_TEXT, text_of(value));
	return 0;
}

static int
but_affix(struct pb_place *pl, const json_t *value, bool is_prefix, struct pb_test *ret)
{
	if (!json_is_string(value))
		return pb_place_fail(
		    pl, PB_INVALID, "prefix/suffix match pattern must be a string");
	if (json_string_length(value) == 0)
		return pb_place_fail(pl, PB_INVALID, "Null prefix/suffix not allowed");
	set_text(ret, is_prefix ? PB_TEST_PREFIX : PB_TEST_SUFFIX, text_of(value));
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
	if (!json_is_string(value))
		return pb_place_fail(pl, PB_INVALID,
		    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
		    "supported.");
	set_folded(ret, PB_TEST_TEXT_FOLDED, text_of(value));
	return 0;
}

static const struct {
	const char *name;
	compile_fn *compile;
} buts[] = {
    {"equals-ignore-case", but_ignore_case},
    {"prefix", but_prefix},
    {"suffix", but_suffix},
    {"wildcard", compile_wildcard},
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
		n_numbers += json_is_number(json_array_get(list, i));
		n_texts += json_is_string(json_array_get(list, i));
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
compile_member(
    struct pb_place *pl, const json_t *list, size_t i, compile_fn *compile, struct pb_test *ret)
{
	size_t mark = pb_place_enter_index(pl, i);

	if (compile(pl, json_array_get(list, i), ret) < 0)
		return -1;
	pb_place_leave(pl, mark);
	return 0;
}

static int
compile_none_of(struct pb_place *pl, const json_t *value, compile_fn *compile, struct pb_test *ret)
{
	bool is_list = json_is_array(value);
	size_t n = is_list ? json_array_size(value) : 1;
	struct pb_test all = {.op = PB_TEST_NONE_OF};

	if (is_list && check_but_list(pl, value, compile == but_plain) < 0)
		return -1;
	/* A member that is no text is worse than a wildcard that is none. */
	for (size_t i = 0; is_list && compile == compile_wildcard && i < n; i++)
		if (!json_is_string(json_array_get(value, i)))
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

static int
compile_anything_but(struct pb_place *pl, const json_t *value, struct pb_test *ret)
{
	if (json_is_boolean(value) || json_is_null(value))
		return fail_but_value(pl);
	if (!json_is_object(value))
		return compile_none_of(pl, value, but_plain, ret);

	const char *key = NULL;
	const json_t *inner = NULL;
	if (first_member(pl, value, "Anything-But", &key, &inner) < 0)
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
		return fail_more(pl, "anything-but");
	}
	char shown[64];
	return pb_place_fail(pl, PB_INVALID, "Unsupported anything-but pattern: %s",
	    pb_safe(shown, sizeof(shown), pb_str_of(key)));
}

/* --- all of them */

static const struct {
	const char *name;
	compile_fn *compile;
} matches[] = {
    {"anything-but", compile_anything_but},
    {"cidr", compile_cidr},
    {"equals-ignore-case", compile_ignore_case},
    {"exactly", compile_exactly},
    {"exists", compile_exists},
    {"numeric", compile_numeric},
    {"prefix", compile_prefix},
    {"suffix", compile_suffix},
    {"wildcard", compile_wildcard},
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

	if (first_member(pl, j, "Match", &key, &value) < 0)
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
		return fail_more(pl, key);
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
		set_text(&t, PB_TEST_TEXT, text_of(j));
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		t.op = PB_TEST_NUMBER;
		set_number(&t.number, j);
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
