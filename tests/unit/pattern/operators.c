/*
 * Each operator on values that pass and values that do not.  `value` stands at "v" in the event;
 * NULL leaves "v" out.
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"

struct value_case {
	const char *tests; /* the list that "v" wants */
	const char *value;
	bool is_match;
};

static const struct value_case values[] = {
    /* exact */
    {"[\"a\"]", "\"a\"", true},
    {"[\"a\"]", "\"A\"", false},
    {"[\"a\"]", "\"ab\"", false},
    {"[\"\"]", "\"\"", true},
    {"[\"\"]", "null", false},
    {"[\"a\", \"b\"]", "\"b\"", true},
    {"[\"a\"]", NULL, false},
    {"[\"\\u0061\\/\"]", "\"a/\"", true},
    {"[\"10.0.0.1\"]", "\"10.0.0.1\"", true},
    {"[\"::1\"]", "\"0:0:0:0:0:0:0:1\"", false},
    {"[{\"exactly\": \"a\"}]", "\"a\"", true},
    {"[300]", "300", true},
    {"[300]", "300.0", true},
    {"[3.0e2]", "300", true},
    {"[300]", "\"300\"", false},
    {"[\"300\"]", "300", false},
    {"[9007199254740993]", "9007199254740993", true},
    {"[9007199254740993]", "9007199254740992", false},
    {"[-9223372036854775808]", "-9223372036854775808", true},
    {"[9223372036854775807]", "9223372036854775808.0", false},
    {"[0]", "-0.0", true},
    {"[{\"numeric\": [\">=\", 0, \"<\", 5]}]", "18446744073709551617", false},
    {"[{\"numeric\": [\">\", 1e19]}]", "18446744073709551616", true},
    {"[true]", "true", true},
    {"[true]", "false", false},
    {"[true]", "\"true\"", false},
    {"[false]", "false", true},
    {"[null]", "null", true},
    {"[null]", "\"null\"", false},
    {"[null]", "[]", false},
    {"[null]", NULL, false},
    /* prefix, suffix */
    {"[{\"prefix\": \"ab\"}]", "\"abc\"", true},
    {"[{\"prefix\": \"ab\"}]", "\"ab\"", true},
    {"[{\"prefix\": \"ab\"}]", "\"a\"", false},
    {"[{\"prefix\": \"ab\"}]", "\"Abc\"", false},
    {"[{\"prefix\": \"\"}]", "\"\"", true},
    {"[{\"prefix\": \"\"}]", "1", false},
    {"[{\"prefix\": {\"equals-ignore-case\": \"aB\"}}]", "\"AbC\"", true},
    {"[{\"prefix\": {\"equals-ignore-case\": \"aB\"}}]", "\"a\"", false},
    {"[{\"suffix\": \"yz\"}]", "\"xyz\"", true},
    {"[{\"suffix\": \"yz\"}]", "\"z\"", false},
    {"[{\"suffix\": \"yz\"}]", "\"xYZ\"", false},
    {"[{\"suffix\": {\"equals-ignore-case\": \".PNG\"}}]", "\"a.png\"", true},
    {"[{\"suffix\": {\"equals-ignore-case\": \".PNG\"}}]", "\"a.jpg\"", false},
    /* equals-ignore-case */
    {"[{\"equals-ignore-case\": \"Running\"}]", "\"rUNNING\"", true},
    {"[{\"equals-ignore-case\": \"Running\"}]", "\"running \"", false},
    {"[{\"equals-ignore-case\": \"\"}]", "\"\"", true},
    {"[{\"equals-ignore-case\": \"ÄÖü\"}]", "\"äöÜ\"", true},
    {"[{\"equals-ignore-case\": \"ПРИВЕТ\"}]", "\"привет\"", true},
    {"[{\"equals-ignore-case\": \"Ⱥ\"}]", "\"ⱥ\"", true},
    {"[{\"equals-ignore-case\": \"straße\"}]", "\"STRASSE\"", false},
    {"[{\"equals-ignore-case\": \"𐐀\"}]", "\"𐐨\"", true},
    {"[{\"equals-ignore-case\": \"1\"}]", "1", false},
    /* wildcard */
    {"[{\"wildcard\": \"a*z\"}]", "\"az\"", true},
    {"[{\"wildcard\": \"a*z\"}]", "\"a-to-z\"", true},
    {"[{\"wildcard\": \"a*z\"}]", "\"a-to-z.\"", false},
    {"[{\"wildcard\": \"*\"}]", "\"\"", true},
    {"[{\"wildcard\": \"*\"}]", "1", false},
    {"[{\"wildcard\": \"\"}]", "\"\"", true},
    {"[{\"wildcard\": \"\"}]", "\"a\"", false},
    {"[{\"wildcard\": \"abc\"}]", "\"abc\"", true},
    {"[{\"wildcard\": \"ab*ba\"}]", "\"aba\"", false},
    {"[{\"wildcard\": \"*ab*ab*\"}]", "\"xabab\"", true},
    {"[{\"wildcard\": \"*ab*ab*\"}]", "\"xaba\"", false},
    {"[{\"wildcard\": \"*ab*c\"}]", "\"aabcc\"", true},
    {"[{\"wildcard\": \"a\\\\*b\"}]", "\"a*b\"", true},
    {"[{\"wildcard\": \"a\\\\*b\"}]", "\"axb\"", false},
    {"[{\"wildcard\": \"a\\\\\\\\*\"}]", "\"a\\\\b\"", true},
    {"[{\"wildcard\": \"a\\\\\\\\*\"}]", "\"a*\"", false},
    /* anything-but */
    {"[{\"anything-but\": \"a\"}]", "\"b\"", true},
    {"[{\"anything-but\": \"a\"}]", "\"a\"", false},
    {"[{\"anything-but\": \"a\"}]", NULL, false},
    {"[{\"anything-but\": \"a\"}]", "null", true},
    {"[{\"anything-but\": \"a\"}]", "1", true},
    {"[{\"anything-but\": \"a\"}]", "true", true},
    {"[{\"anything-but\": \"a\"}]", "{}", false},
    {"[{\"anything-but\": \"a\"}]", "[\"a\", \"b\"]", true},
    {"[{\"anything-but\": \"a\"}]", "[\"a\", \"a\"]", false},
    {"[{\"anything-but\": [\"a\", \"b\"]}]", "\"c\"", true},
    {"[{\"anything-but\": [\"a\", \"b\"]}]", "\"b\"", false},
    {"[{\"anything-but\": 1}]", "2", true},
    {"[{\"anything-but\": 1}]", "1.0", false},
    {"[{\"anything-but\": 1}]", "\"1\"", true},
    {"[{\"anything-but\": [1, 2]}]", "3", true},
    {"[{\"anything-but\": [1, 2]}]", "2", false},
    {"[{\"anything-but\": {\"prefix\": \"in\"}}]", "\"out\"", true},
    {"[{\"anything-but\": {\"prefix\": \"in\"}}]", "\"in-a\"", false},
    {"[{\"anything-but\": {\"prefix\": [\"in\", \"on\"]}}]", "\"an\"", true},
    {"[{\"anything-but\": {\"prefix\": [\"in\", \"on\"]}}]", "\"on-a\"", false},
    {"[{\"anything-but\": {\"suffix\": \".txt\"}}]", "\"a.md\"", true},
    {"[{\"anything-but\": {\"suffix\": \".txt\"}}]", "\"a.txt\"", false},
    {"[{\"anything-but\": {\"suffix\": [\".txt\", \".rtf\"]}}]", "\"a.rtf\"", false},
    {"[{\"anything-but\": {\"suffix\": [\".txt\", \".rtf\"]}}]", "12", true},
    {"[{\"anything-but\": {\"equals-ignore-case\": \"Ab\"}}]", "\"ac\"", true},
    {"[{\"anything-but\": {\"equals-ignore-case\": \"Ab\"}}]", "\"aB\"", false},
    {"[{\"anything-but\": {\"equals-ignore-case\": [\"Ab\", \"cd\"]}}]", "\"CD\"", false},
    {"[{\"anything-but\": {\"equals-ignore-case\": [\"Ab\", \"cd\"]}}]", "null", true},
    {"[{\"anything-but\": {\"wildcard\": \"*/in/*\"}}]", "\"a/out/b\"", true},
    {"[{\"anything-but\": {\"wildcard\": \"*/in/*\"}}]", "\"a/in/b\"", false},
    {"[{\"anything-but\": {\"wildcard\": [\"a*\", \"b*\"]}}]", "\"c\"", true},
    {"[{\"anything-but\": {\"wildcard\": [\"a*\", \"b*\"]}}]", "\"bc\"", false},
    /* numeric */
    {"[{\"numeric\": [\"=\", 301.8]}]", "3.018e2", true},
    {"[{\"numeric\": [\"=\", 301.8]}]", "301", false},
    {"[{\"numeric\": [\"<\", 5]}]", "4.999", true},
    {"[{\"numeric\": [\"<\", 5]}]", "5", false},
    {"[{\"numeric\": [\"<=\", 5]}]", "5.0", true},
    {"[{\"numeric\": [\"<=\", 5]}]", "5.001", false},
    {"[{\"numeric\": [\">\", 5]}]", "6", true},
    {"[{\"numeric\": [\">\", 5]}]", "5", false},
    {"[{\"numeric\": [\">=\", 5]}]", "5", true},
    {"[{\"numeric\": [\">=\", 5]}]", "-5", false},
    {"[{\"numeric\": [\">\", 0, \"<=\", 5]}]", "5", true},
    {"[{\"numeric\": [\">\", 0, \"<=\", 5]}]", "0", false},
    {"[{\"numeric\": [\">=\", 0, \"<\", 5]}]", "0", true},
    {"[{\"numeric\": [\">=\", 0, \"<\", 5]}]", "5", false},
    {"[{\"numeric\": [\">\", 100]}]", "\"300\"", false},
    {"[{\"numeric\": [\">\", 100]}]", "null", false},
    {"[{\"numeric\": [\">\", 9007199254740992]}]", "9007199254740993", true},
    {"[{\"numeric\": [\"<\", 9.3e18]}]", "9223372036854775807", true},
    {"[{\"numeric\": [\">\", -9.3e18]}]", "-9223372036854775808", true},
    {"[{\"numeric\": [\">\", -1.5]}]", "-1", true},
    {"[{\"numeric\": [\"<\", -1.5]}]", "-1", false},
    /* cidr */
    {"[{\"cidr\": \"10.0.0.0/24\"}]", "\"10.0.0.255\"", true},
    {"[{\"cidr\": \"10.0.0.0/24\"}]", "\"10.0.1.0\"", false},
    {"[{\"cidr\": \"10.0.0.77/24\"}]", "\"10.0.0.1\"", true},
    {"[{\"cidr\": \"10.0.0.0/24\"}]", "\"10.0.0.256\"", false},
    {"[{\"cidr\": \"10.0.0.128/25\"}]", "\"10.0.0.127\"", false},
    {"[{\"cidr\": \"10.1.2.3/32\"}]", "\"10.1.2.3\"", true},
    {"[{\"cidr\": \"10.1.2.3/32\"}]", "\"10.1.2.4\"", false},
    {"[{\"cidr\": \"0.0.0.0/0\"}]", "\"255.1.2.3\"", true},
    {"[{\"cidr\": \"0.0.0.0/0\"}]", "\"::1\"", false},
    {"[{\"cidr\": \"::/0\"}]", "\"1.2.3.4\"", false},
    {"[{\"cidr\": \"2001:db8::/33\"}]", "\"2001:DB8:7fff::1\"", true},
    {"[{\"cidr\": \"2001:db8::/33\"}]", "\"2001:db8:8000::\"", false},
    {"[{\"cidr\": \"::1/128\"}]", "\"0:0:0:0:0:0:0:1\"", true},
    {"[{\"cidr\": \"10.0.0.0/8\"}]", "\"host\"", false},
    {"[{\"cidr\": \"10.0.0.0/8\"}]", "10", false},
    /* exists */
    {"[{\"exists\": true}]", "\"\"", true},
    {"[{\"exists\": true}]", "null", true},
    {"[{\"exists\": true}]", "[1]", true},
    {"[{\"exists\": true}]", "[]", false},
    {"[{\"exists\": true}]", "{}", false},
    {"[{\"exists\": true}]", "{\"w\": 1}", false},
    {"[{\"exists\": true}]", NULL, false},
    {"[{\"exists\": false}]", NULL, true},
    {"[{\"exists\": false}]", "[]", true},
    {"[{\"exists\": false}]", "{\"w\": 1}", true},
    {"[{\"exists\": false}]", "null", false},
    {"[{\"exists\": false}]", "[[1]]", false},
    {"[{\"exists\": false}, \"a\"]", "\"a\"", true},
    {"[{\"exists\": false}, \"a\"]", "\"b\"", false},
    {"[{\"exists\": false}, \"a\"]", NULL, true},
    {"[{\"exists\": false}, {\"exists\": true}]", "\"b\"", true},
    /* arrays */
    {"[\"a\"]", "[\"b\", \"a\"]", true},
    {"[\"a\"]", "[[\"b\"], [[\"a\"]]]", true},
    {"[\"a\"]", "[\"b\", {\"v\": \"a\"}]", false},
};

START_TEST(an_operator_takes_what_it_should_and_nothing_else)
{
	const struct value_case *c = &values[_i];
	PB_CLEANUP(pb_freep) char *pattern = pb_asprintf("{\"v\": %s}", c->tests);
	PB_CLEANUP(pb_freep)
	char *event = c->value == NULL ? pb_strdup("{\"w\": 1}")
				       : pb_asprintf("{\"w\": 1, \"v\": %s}", c->value);

	ck_assert_msg(help_match(pattern, event) == c->is_match, "%s on %s: wanted %s", pattern,
	    event, c->is_match ? "a match" : "none");
}
END_TEST

PB_SUITE(pattern_operators)
{
	pb_add_loop(
	    s, an_operator_takes_what_it_should_and_nothing_else, 0, (int)PB_ARRAY_LEN(values));
}
