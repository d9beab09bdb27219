/*
 * Bad configurations: the rules of syntax.  Every problem, in order, exactly as it is told.
 */
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define UNMATCHED "version: 1\nunmatched: {alarms: drop, events: drop}\n"

static const struct pb_test_bad rows[] = {
    {"an empty file", "", {"1:1: the file is empty; begin it with \"version: 1\""}},
    {"only a comment", "# nothing\n", {"1:1: the file is empty; begin it with \"version: 1\""}},
    {"only a document mark", "---\n", {"1:1: the file is empty; begin it with \"version: 1\""}},
    {"a list", "- version: 1\n", {"1:1: expected a mapping (the file), found a list"}},
    {"a scalar", "version\n", {"1:1: expected a mapping (the file), found a single value"}},
    {"no version", "unmatched: {alarms: drop, events: drop}\n",
	{"1:1: the file must begin with \"version: 1\""}},
    {"version is not first",
	"unmatched: {alarms: drop, events: drop}\n"
	"version: 1\n",
	{"1:1: \"version: 1\" must be the first key of the file"}},
    {"a version from later",
	"version: 2\n"
	"unmatched: {alarms: drop, events: drop}\n",
	{"1:10: version \"2\" is not known; this program reads version: 1"}},
    {"a version in quotes",
	"version: \"1\"\n"
	"unmatched: {alarms: drop, events: drop}\n",
	{"1:10: version \"1\" is not known; this program reads version: 1"}},
    {"an anchor",
	"version: 1\n"
	"unmatched: &u {alarms: drop, events: drop}\n",
	{"2:12: anchors (&name) are not allowed; write the value out"}},
    {"an anchor of a scalar",
	"version: 1\n"
	"unmatched: {alarms: &a drop, events: drop}\n",
	{"2:21: anchors (&name) are not allowed; write the value out"}},
    {"an alias", UNMATCHED "contacts: [{name: ana}, *ana]\n",
	{"3:25: aliases (*name) are not allowed; write the value out",
	    "3:25: expected a mapping (contact), found a single value"}},
    {"a tag", UNMATCHED "contacts: !!seq [{name: ana}]\n",
	{"3:11: tags (!name) are not allowed; the key says what type a value has"}},
    {"a tag of a scalar",
	"version: !!int 1\n"
	"unmatched: {alarms: drop, events: drop}\n",
	{"1:10: tags (!name) are not allowed; the key says what type a value has"}},
    {"a local tag", UNMATCHED "contacts: [!person {name: ana}]\n",
	{"3:12: tags (!name) are not allowed; the key says what type a value has"}},
    {"a merge key", UNMATCHED "contacts: [{name: ana, <<: {sns: {}}}]\n",
	{"3:24: merge keys (<<) are not allowed; write the keys out"}},
    {"two documents",
	UNMATCHED "---\n"
		  "version: 1\n",
	{"3:1: only one document is allowed in a file; use several files"}},
    {"a directive",
	"%YAML 1.1\n"
	"---\n"
	"version: 1\n"
	"unmatched: {alarms: drop, events: drop}\n",
	{"1:1: directives (%NAME) are not allowed"}},
    {"a duplicate key", UNMATCHED "contacts: [{name: ana, name: bo}]\n",
	{"3:24: duplicate key \"name\", it stands already in line 3"}},
    {"a duplicate key of a list",
	UNMATCHED
	"playbooks: [{name: a, match: {a: [b]}, escalate: e, steps: [], steps: []}]\n"
	"escalations: [{name: e, levels: [{notify: [ana], via: [sms]}]}]\n"
	"channels: [{name: sms, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:t\"}]\n"
	"contacts: [{name: ana, sns: {phone: \"+15550100\"}}]\n",
	{"3:64: duplicate key \"steps\", it stands already in line 3"}},
    {"a duplicate key at the top", UNMATCHED "version: 1\n",
	{"3:1: duplicate key \"version\", it stands already in line 1"}},
    {"a tab as indentation",
	"version: 1\n"
	"unmatched:\n"
	"\talarms: drop\n",
	{"3:1: tabs are not allowed; indent with blanks, and write \"\\t\" inside quotes where a "
	 "text needs one"}},
    {"a tab between tokens", "version:\t1\n",
	{"1:9: tabs are not allowed; indent with blanks, and write \"\\t\" inside quotes where a "
	 "text needs one"}},
    {"a control character",
	"version: 1\n"
	"# bell \a\n",
	{"2:8: control characters are not allowed"}},
    {"bytes that are not UTF-8",
	"version: 1\n"
	"# caf\xe9\n",
	{"2:1: the line is not UTF-8"}},
    {"a byte order mark",
	"\xef\xbb\xbfversion: 1\n"
	"unmatched: {alarms: drop, events: drop}\n",
	{"1:1: the file begins with a byte order mark; save it as UTF-8 without one"}},
    {"a NUL escape", UNMATCHED "contacts: [{name: \"a\\0b\"}]\n",
	{"3:19: text holds a NUL character, which is not allowed"}},
    {"a key that is a list", UNMATCHED "[a, b]: 1\n", {"3:1: a key must be text"}},
    {"a bracket that is not closed",
	"version: 1\n"
	"contacts: [{name: ana}\n",
	{"3:1: not valid YAML: did not find expected ',' or ']'"}},
    {"a quote that is not closed",
	"version: 1\n"
	"contacts: [{name: \"ana}]\n",
	{"3:1: not valid YAML: found unexpected end of stream"}},
    {"a mapping in the wrong column",
	"version: 1\n"
	" contacts: []\n",
	{"2:10: not valid YAML: mapping values are not allowed in this context"}},
    {"an unknown key at the top", UNMATCHED "playbook: []\n",
	{"3:1: unknown key \"playbook\" in the file (did you mean \"playbooks\"?)"}},
    {"an unknown key that is like none", UNMATCHED "zebra: 1\n",
	{"3:1: unknown key \"zebra\" in the file"}},
    {"no unmatched", "version: 1\n",
	{"1:1: no file says what becomes of events that no playbook matches; add unmatched: "
	 "{alarms: escalate, events: drop, escalate: NAME}"}},
    {"nesting of 33",
	UNMATCHED "playbooks: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
	{"3:43: nested deeper than 32 levels"}},
};

START_TEST(a_broken_rule_of_syntax_is_told)
{
	pb_test_expect(&rows[_i]);
}
END_TEST

PB_SUITE(bad_syntax)
{
	pb_add_loop(s, a_broken_rule_of_syntax_is_told, 0, PB_ARRAY_LEN(rows));
}
