/*
 * Patterns that are refused: kind, place and words.  In the table ' stands for ".
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"
#include "pattern/number.h"

struct error_case {
	const char *pattern;
	enum pb_error_kind kind;
	const char *path;
	const char *text; /* must be in the text */
};

static const struct error_case cases[] = {
    {"[]", PB_INVALID, "", "Filter is not an object"},
    {"{}", PB_INVALID, "", "Empty objects are not allowed"},
    {"{'a': {}}", PB_INVALID, "a", "Empty objects are not allowed"},
    {"{'a': {'b': []}}", PB_INVALID, "a.b", "Empty arrays are not allowed"},
    {"{'a': 'x'}", PB_INVALID, "a", "\"a\" must be an object or an array"},
    {"{'a': {'b': null}}", PB_INVALID, "a.b", "\"b\" must be an object or an array"},
    {"{'a': [1, [2]]}", PB_INVALID, "a[1]",
	"Match value must be String, number, true, false, or null"},
    {"{'a': [{}]}", PB_INVALID, "a[0]", "Match expression name not found"},
    {"{'a': [{'EXISTS': true}]}", PB_INVALID, "a[0].EXISTS", "Unrecognized match type EXISTS"},
    {"{'a': [{'prefx': 'x'}]}", PB_INVALID, "a[0].prefx", "did you mean prefix?"},
    {"{'a': [{'prefix': 'x', 'suffix': 'y'}]}", PB_INVALID, "a[0]",
	"Only one key allowed in match expression"},
    {"{'a': [{'prefix': 1}]}", PB_INVALID, "a[0].prefix", "prefix match pattern must be a string"},
    {"{'a': [{'prefix': {}}]}", PB_INVALID, "a[0].prefix", "Prefix expression name not found"},
    {"{'a': [{'prefix': {'wildcard': 'x'}}]}", PB_INVALID, "a[0].prefix",
	"Unsupported prefix pattern: wildcard"},
    {"{'a': [{'suffix': ['x']}]}", PB_INVALID, "a[0].suffix",
	"suffix match pattern must be a string"},
    {"{'a': [{'suffix': {'equals-ignore-case': 1}}]}", PB_INVALID, "a[0].suffix",
	"equals-ignore-case match pattern must be a string"},
    {"{'a': [{'equals-ignore-case': {'prefix': 'x'}}]}", PB_INVALID, "a[0].equals-ignore-case",
	"equals-ignore-case match pattern must be a string"},
    {"{'a': [{'exactly': 1}]}", PB_INVALID, "a[0].exactly", "exact match pattern must be a string"},
    {"{'a': [{'wildcard': 1}]}", PB_INVALID, "a[0].wildcard",
	"wildcard match pattern must be a string"},
    {"{'a': [{'wildcard': 'a**'}]}", PB_INVALID, "a[0].wildcard",
	"Consecutive wildcard characters at pos 2"},
    {"{'a': [{'wildcard': 'a\\\\b'}]}", PB_INVALID, "a[0].wildcard",
	"Invalid escape character at pos 2"},
    {"{'a': [{'wildcard': 'a\\\\'}]}", PB_INVALID, "a[0].wildcard",
	"Invalid escape character at pos 2"},
    {"{'a': [{'wildcard': '*a*b*c*d*e*'}]}", PB_LIMIT, "a[0].wildcard", "Rule is too complex"},
    {"{'a': [{'exists': 'x'}]}", PB_INVALID, "a[0].exists",
	"exists match pattern must be either true or false."},
    {"{'a': [1, 1e-10000]}", PB_LIMIT, "a[1]",
	"a number with an exponent beyond 9999, on either side of 0"},
    {"{'a': [{'anything-but': 1e-99999999999999999999}]}", PB_LIMIT, "a[0].anything-but",
	"a number with an exponent beyond 9999, on either side of 0"},
    {"{'a': [{'numeric': ['>', 18446744073709551615, '<', 18446744073709551615]}]}", PB_INVALID,
	"a[0].numeric", "Bottom must be less than top"},
    {"{'a': [{'cidr': '::ffff:10.0.0.1/120'}]}", PB_INVALID, "a[0].cidr",
	"Nonstandard IP address: ::ffff:10.0.0.1"},
    {"{'a': [{'cidr': '010.0.0.0/8'}]}", PB_INVALID, "a[0].cidr", "Invalid IP address: 010.0.0.0"},
    {"{'a': [{'cidr': '10.0.0.0/+-8'}]}", PB_INVALID, "a[0].cidr",
	"Malformed CIDR, mask bits must be an integer"},
    {"{'a': [{'cidr': '10.0.0.0/033'}]}", PB_INVALID, "a[0].cidr", "IPv4 mask bits must be <= 32"},
    {"{'a': [{'numeric': 1}]}", PB_INVALID, "a[0].numeric", "Value of numeric must be an array."},
    {"{'a': [{'numeric': []}]}", PB_INVALID, "a[0].numeric", "Invalid member in numeric match: ]"},
    {"{'a': [{'numeric': [1]}]}", PB_INVALID, "a[0].numeric", "Invalid member in numeric match: 1"},
    {"{'a': [{'numeric': [1e300]}]}", PB_INVALID, "a[0].numeric",
	"Invalid member in numeric match: 1e300"},
    {"{'a': [{'numeric': [0.1]}]}", PB_INVALID, "a[0].numeric",
	"Invalid member in numeric match: 0.1"},
    {"{'a': [{'numeric': ['==', 1]}]}", PB_INVALID, "a[0].numeric",
	"Unrecognized numeric range operator: =="},
    {"{'a': [{'numeric': ['=', 'x']}]}", PB_INVALID, "a[0].numeric",
	"Value of equals must be numeric"},
    {"{'a': [{'numeric': ['>']}]}", PB_INVALID, "a[0].numeric", "Value of > must be numeric"},
    {"{'a': [{'numeric': ['<', 1, '>', 0]}]}", PB_INVALID, "a[0].numeric",
	"Too many elements in numeric expression"},
    {"{'a': [{'numeric': ['>', 0, '>', 1]}]}", PB_INVALID, "a[0].numeric",
	"Bad numeric range operator: >"},
    {"{'a': [{'numeric': ['>', 0, 1]}]}", PB_INVALID, "a[0].numeric",
	"Bad value in numeric range: 1"},
    {"{'a': [{'numeric': ['>', 0, '<']}]}", PB_INVALID, "a[0].numeric",
	"Value of < must be numeric"},
    {"{'a': [{'numeric': ['>', 5, '<', 5]}]}", PB_INVALID, "a[0].numeric",
	"Bottom must be less than top"},
    {"{'a': [{'numeric': ['>', 0, '<', 5, 6]}]}", PB_INVALID, "a[0].numeric",
	"Too many terms in numeric range expression"},
    {"{'a': [{'cidr': 1}]}", PB_INVALID, "a[0].cidr", "must be a string"},
    {"{'a': [{'cidr': '10.0.0.0'}]}", PB_INVALID, "a[0].cidr", "Malformed CIDR, one '/' required"},
    {"{'a': [{'cidr': '10.0.0.0/1/2'}]}", PB_INVALID, "a[0].cidr",
	"Malformed CIDR, one '/' required"},
    {"{'a': [{'cidr': '10.0.0.0/x'}]}", PB_INVALID, "a[0].cidr",
	"Malformed CIDR, mask bits must be an integer"},
    {"{'a': [{'cidr': '10.0.0.0/-1'}]}", PB_INVALID, "a[0].cidr",
	"Malformed CIDR, mask bits must not be negative"},
    {"{'a': [{'cidr': '10.0.0.0/33'}]}", PB_INVALID, "a[0].cidr", "IPv4 mask bits must be <= 32"},
    {"{'a': [{'cidr': '::/129'}]}", PB_INVALID, "a[0].cidr", "IPv6 mask bits must be <= 128"},
    {"{'a': [{'cidr': 'x:1::/64'}]}", PB_INVALID, "a[0].cidr", "Nonstandard IP address: x:1::"},
    {"{'a': [{'anything-but': null}]}", PB_INVALID, "a[0].anything-but",
	"Value of anything-but must be an array or single string/number value."},
    {"{'a': [{'anything-but': {}}]}", PB_INVALID, "a[0].anything-but",
	"Anything-But expression name not found"},
    {"{'a': [{'anything-but': []}]}", PB_INVALID, "a[0].anything-but", "Inside anything but list"},
    {"{'a': [{'anything-but': ['x', 1]}]}", PB_INVALID, "a[0].anything-but",
	"mixed type is not supported"},
    {"{'a': [{'anything-but': ['x', null]}]}", PB_INVALID, "a[0].anything-but[1]",
	"start|null|boolean is not supported."},
    {"{'a': [{'anything-but': {'cidr': '10.0.0.0/8'}}]}", PB_INVALID, "a[0].anything-but.cidr",
	"Unsupported anything-but pattern: cidr"},
    {"{'a': [{'anything-but': {'prefix': ''}}]}", PB_INVALID, "a[0].anything-but.prefix",
	"Null prefix/suffix not allowed"},
    {"{'a': [{'anything-but': {'prefix': ['x', 1]}}]}", PB_INVALID, "a[0].anything-but.prefix[1]",
	"prefix/suffix match pattern must be a string"},
    {"{'a': [{'anything-but': {'suffix': [null, 'x']}}]}", PB_INVALID,
	"a[0].anything-but.suffix[0]", "prefix/suffix match pattern must be a string"},
    {"{'a': [{'anything-but': {'wildcard': ['x', 1]}}]}", PB_INVALID,
	"a[0].anything-but.wildcard[1]", "wildcard match pattern must be a string"},
    {"{'a': [{'anything-but': {'equals-ignore-case': [1, 'x']}}]}", PB_INVALID,
	"a[0].anything-but.equals-ignore-case[0]", "Inside anything-but/equals-ignore-case list"},
    {"{'a': [{'anything-but': {'wildcard': ['x**', 1]}}]}", PB_INVALID,
	"a[0].anything-but.wildcard[1]", "wildcard match pattern must be a string"},
    {"{'a': [{'anything-but': {'wildcard': ['x*', 'x**']}}]}", PB_INVALID,
	"a[0].anything-but.wildcard[1]", "Consecutive wildcard characters at pos 2"},
    {"{'a': [{'anything-but': {'prefix': []}}]}", PB_INVALID, "a[0].anything-but.prefix",
	"Inside anything but list"},
    {"{'a': [{'anything-but': {'prefix': ['x', '']}}]}", PB_INVALID, "a[0].anything-but.prefix[1]",
	"Null prefix/suffix not allowed"},
    /* The first key is looked into before the second is refused. */
    {"{'a': [{'prefix': 1, 'suffix': 'x'}]}", PB_INVALID, "a[0].prefix",
	"prefix match pattern must be a string"},
    {"{'a': [{'nonsense': 1, 'suffix': 'x'}]}", PB_INVALID, "a[0].nonsense",
	"Unrecognized match type nonsense"},
    {"{'a': [{'prefix': {'equals-ignore-case': 'x', 'b': 1}}]}", PB_INVALID, "a[0].prefix",
	"Only one key allowed in match expression"},
    {"{'a': [{'numeric': ['=', 1], 'b': 1}]}", PB_INVALID, "a[0]",
	"Too many elements in numeric expression"},
    {"{'a': [{'anything-but': 'x', 'b': 1}]}", PB_INVALID, "a[0]",
	"Too many elements in numeric expression"},
    {"{'a': [{'anything-but': {'prefix': ['x'], 'suffix': 'y'}}]}", PB_INVALID, "a[0].anything-but",
	"Too many elements in numeric expression"},
    {"{'a': [{'wildcard': 'x*', 'b': 1}]}", PB_INVALID, "a[0]",
	"Only one key allowed in match expression"},
    {"{'a': [{'exists': true, 'b': 1}]}", PB_INVALID, "a[0]",
	"Only one key allowed in match expression"},
    {"{'a': [{'numeric': [{}]}]}", PB_INVALID, "a[0].numeric",
	"Invalid member in numeric match: {"},
    {"{'a': [{'numeric': ['>', 1, [2]]}]}", PB_INVALID, "a[0].numeric",
	"Bad value in numeric range: ["},
    {"{'a': [{'cidr': '10.0.0.0/'}]}", PB_INVALID, "a[0].cidr", "Malformed CIDR, one '/' required"},
    {"{'a': [{'cidr': '10.0.0.0/-x'}]}", PB_INVALID, "a[0].cidr",
	"Malformed CIDR, mask bits must be an integer"},
    {"{'a': [{'cidr': '10.0.0.256/8'}]}", PB_INVALID, "a[0].cidr",
	"Invalid IP address: 10.0.0.256"},
    {"{'a': [{'cidr': '1:2/8'}]}", PB_INVALID, "a[0].cidr", "Invalid IP address: 1:2"},
    {"{'a': [{'cidr': '/8'}]}", PB_INVALID, "a[0].cidr", "Nonstandard IP address: "},
    {"{'a': [{'cidr': 'localhost/8'}]}", PB_INVALID, "a[0].cidr",
	"Nonstandard IP address: localhost"},
    {"{'a': [{'anything-but': {'suffix': {'equals-ignore-case': 'x'}}}]}", PB_INVALID,
	"a[0].anything-but.suffix", "must be an array or single string/number value."},
    {"{'a': [{'anything-but': {'equals-ignore-case': 1}}]}", PB_INVALID,
	"a[0].anything-but.equals-ignore-case", "Inside anything-but/equals-ignore-case list"},
    {"{'a': [{'anything-but': {'wildcard': '**'}}]}", PB_INVALID, "a[0].anything-but.wildcard",
	"Consecutive wildcard characters"},
    {"{'$or': {'a': [1]}}", PB_INVALID, "$or", "It must be an Array followed with $or."},
    {"{'$or': [{'a': [1]}]}", PB_INVALID, "$or", "at least 2 Objects in $or relationship."},
    {"{'$or': [{'a': [1]}, 2]}", PB_INVALID, "$or[1]",
	"Only JSON object is allowed in array of $or"},
    {"{'$or': [{'a': [1]}, {}]}", PB_INVALID, "$or[1]", "Empty objects are not allowed"},
    {"{'$or': [{'a': [1]}, {'b': {'prefix': ['x']}}]}", PB_INVALID, "$or[1].b.prefix",
	"prefix is Ruler reserved fieldName which cannot be used inside $or."},
    {"{'a': [1], 'a': [2]}", PB_SYNTAX, "", "a"},
    {"", PB_SYNTAX, "", ""},
};

START_TEST(a_bad_pattern_is_refused_with_place_and_reason)
{
	const struct error_case *c = &cases[_i];
	struct pb_pattern *p = NULL;
	struct pb_error err = {0};
	PB_CLEANUP(pb_freep) char *text = pb_strdup(c->pattern);

	/* A text of the service has an apostrophe; no pattern here has one. */
	for (char *q = text; *q != '\0'; q++)
		if (*q == '\'')
			*q = '"';
	ck_assert_int_eq(pb_pattern_compile(pb_str_of(text), &p, &err), -1);
	ck_assert_ptr_null(p);
	ck_assert_msg(
	    err.kind == c->kind, "%s: kind %s: %s", text, pb_error_kind_name(err.kind), err.text);
	ck_assert_msg(strstr(err.text, c->text) != NULL, "%s: text \"%s\"", text, err.text);
	if (c->kind != PB_SYNTAX)
		ck_assert_str_eq(err.path, c->path);
	ck_assert_int_eq(pb_pattern_compile(pb_str_of(text), &p, NULL), -1);
}
END_TEST

START_TEST(broken_json_is_refused_with_line_and_column)
{
	struct pb_pattern *p = NULL;
	struct pb_error err = {0};

	ck_assert_int_eq(pb_pattern_compile(PB_STR("{\"a\": [1],\n \"b\": [2}"), &p, &err), -1);
	ck_assert_int_eq(err.kind, PB_SYNTAX);
	ck_assert_int_eq(err.line, 2);
	ck_assert_int_gt(err.column, 0);
}
END_TEST

/* {"a":{"a":...[1]...}} of `depth` objects. */
static char *
deep_pattern(int depth)
{
	struct pb_buf b = PB_BUF_INIT;

	for (int i = 0; i < depth; i++)
		(void)pb_buf_adds(&b, "{\"a\":");
	(void)pb_buf_adds(&b, "[1]");
	for (int i = 0; i < depth; i++)
		(void)pb_buf_addc(&b, '}');
	return pb_buf_take(&b);
}

static int
compile(const char *text, struct pb_error *err)
{
	struct pb_pattern *p = NULL;
	int ret = pb_pattern_compile(pb_str_of(text), &p, err);

	pb_pattern_free(p);
	return ret;
}

START_TEST(depth_has_a_cap)
{
	PB_CLEANUP(pb_freep) char *most = deep_pattern(PB_PATTERN_DEPTH_MAX);
	PB_CLEANUP(pb_freep) char *over = deep_pattern(PB_PATTERN_DEPTH_MAX + 1);
	struct pb_error err = {0};

	ck_assert_int_eq(compile(most, &err), 0);
	ck_assert_int_eq(compile(over, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

/* As many characters as the cap has, and zeros that do not count. */
START_TEST(digits_have_a_cap)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	struct pb_error err = {0};

	(void)pb_buf_adds(&text, "{\"a\":[0.");
	for (int i = 0; i < PB_NUMBER_LEN_MAX - 2; i++)
		(void)pb_buf_addc(&text, '3');
	(void)pb_buf_adds(&text, "]}");
	ck_assert_int_eq(compile(text.ptr, &err), 0);
	text.len -= 2;
	(void)pb_buf_adds(&text, "3]}");
	ck_assert_int_eq(compile(text.ptr, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	ck_assert_str_eq(err.text, "a number of 257 characters; at most 256 are allowed");
	ck_assert_str_eq(err.path, "a[0]");
	text.len = 6;
	for (int i = 0; i < PB_NUMBER_LEN_MAX; i++)
		(void)pb_buf_addc(&text, i == 0 ? '1' : i == 1 ? '.' : '0');
	(void)pb_buf_adds(&text, "]}");
	ck_assert_int_eq(compile(text.ptr, &err), 0);
}
END_TEST

START_TEST(text_has_a_cap)
{
	PB_CLEANUP(pb_freep) char *text = pb_malloc(PB_PATTERN_MAX + 2);
	struct pb_error err = {0};

	memset(text, ' ', PB_PATTERN_MAX + 1);
	memcpy(text, "{\"a\":[1]}", 9);
	text[PB_PATTERN_MAX] = '\0';
	ck_assert_int_eq(compile(text, &err), 0);
	text[PB_PATTERN_MAX] = ' ';
	text[PB_PATTERN_MAX + 1] = '\0';
	ck_assert_int_eq(compile(text, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

/* An $or of n objects under `key`, each of one field. */
static void
add_or(struct pb_buf *b, const char *key, int n)
{
	(void)pb_buf_addf(b, "%s\"%s\":{\"$or\":[", b->len > 1 ? "," : "", key);
	for (int i = 0; i < n; i++)
		(void)pb_buf_addf(b, "%s{\"f%d\":[1]}", i > 0 ? "," : "", i);
	(void)pb_buf_adds(b, "]}");
}

START_TEST(combinations_of_or_have_a_cap)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf most = PB_BUF_INIT, over = PB_BUF_INIT;
	struct pb_error err = {0};

	(void)pb_buf_addc(&most, '{');
	add_or(&most, "x", 10);
	add_or(&most, "y", 10);
	add_or(&most, "z", 10);
	(void)pb_buf_addc(&most, '}');
	(void)pb_buf_addc(&over, '{');
	add_or(&over, "x", 10);
	add_or(&over, "y", 10);
	add_or(&over, "z", 11);
	(void)pb_buf_addc(&over, '}');
	ck_assert_int_eq(compile(most.ptr, &err), 0);
	ck_assert_int_eq(compile(over.ptr, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	ck_assert_ptr_nonnull(strstr(err.text, "1000 combinations"));
}
END_TEST

START_TEST(fields_of_all_combinations_have_a_cap)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err = {0};

	(void)pb_buf_addc(&b, '{');
	add_or(&b, "x", 900);
	for (int i = 0; i < 100; i++)
		(void)pb_buf_addf(&b, ",\"g%d\":[1]", i);
	(void)pb_buf_addc(&b, '}');
	ck_assert_int_eq(compile(b.ptr, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

START_TEST(dotted_keys_have_a_cap)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	struct pb_error err = {0};

	(void)pb_buf_adds(&b, "{\"");
	for (int i = 1; i < PB_PATTERN_STEPS_MAX; i++)
		(void)pb_buf_adds(&b, "a.");
	PB_CLEANUP(pb_freep) char *most = pb_asprintf("%sa\":[1]}", b.ptr);
	PB_CLEANUP(pb_freep) char *over = pb_asprintf("%sa.a\":[1]}", b.ptr);
	ck_assert_int_eq(compile(most, &err), 0);
	ck_assert_int_eq(compile(over, &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

/* Our JSON parser lets no NUL through; documents made by others may have one. */
START_TEST(a_text_with_a_nul_is_compared_whole)
{
	PB_JSON json_t *doc = json_pack("{s:[o]}", "a", json_stringn("x\0y", 3));
	PB_JSON json_t *event = json_pack("{s:s}", "a", "x");
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;

	ck_assert_int_eq(pb_pattern_compile_json(doc, &p, NULL), 0);
	ck_assert(!pb_pattern_match(p, event));
}
END_TEST

static const struct {
	const char *pattern;
	int line, column;
} places[] = {
    {"{\"a\": [{\"prefx\": 1}]}", 1, 9},
    {"{\n  \"a\": [1, 2],\n  \"b\": {\"c\": []}\n}", 3, 9},
    {"{\"$or\": [{\"a\": [1]},\n {\"b\": [1,\n  {\"cidr\": \"x\"}]}]}", 3, 4},
    {"{\"a,\\\"}\": [1], \"\\u0062\": [\"x,}\", {\"anything-but\": [1,\n\"x\", null]}]}", 2, 6},
    {" \n {}", 2, 2},
    {"{\"a\": 1}", 1, 2},
};

START_TEST(a_mistake_has_a_line_and_a_column)
{
	struct pb_pattern *p = NULL;
	struct pb_error err = {0};

	ck_assert_int_eq(pb_pattern_compile(pb_str_of(places[_i].pattern), &p, &err), -1);
	ck_assert_msg(err.line == places[_i].line && err.column == places[_i].column,
	    "%s: line %d, column %d: %s", places[_i].pattern, err.line, err.column, err.text);
}
END_TEST

PB_SUITE(pattern_errors)
{
	pb_add_loop(s, a_mistake_has_a_line_and_a_column, 0, (int)PB_ARRAY_LEN(places));
	pb_add_loop(s, a_bad_pattern_is_refused_with_place_and_reason, 0, (int)PB_ARRAY_LEN(cases));
	pb_add(s, broken_json_is_refused_with_line_and_column);
	pb_add(s, depth_has_a_cap);
	pb_add(s, digits_have_a_cap);
	pb_add(s, text_has_a_cap);
	pb_add(s, combinations_of_or_have_a_cap);
	pb_add(s, dotted_keys_have_a_cap);
	pb_add(s, a_text_with_a_nul_is_compared_whole);
	pb_add(s, fields_of_all_combinations_have_a_cap);
}
