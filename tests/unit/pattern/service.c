/*
 * Each operator with each type of value, each form that the service refuses with the words of its
 * refusal, and what nests: the kinds of which recordings of the service are made.  event-ruler judges all
 * of them alike.  In patterns and events ' stands for ".
 */
#include <stdlib.h>

#include "../runner.h"
#include "help.h"

#define MATCH NULL
static const char nomatch[] = "no match";
#define NOMATCH nomatch

static const struct {
	const char *pattern, *event;
	const char *want; /* MATCH, NOMATCH, or the reason of a refusal */
} cases[] = {
    {"{'resources':['a','b']}", "{'resources':['b']}", MATCH},
    {"{'resources':['a','b']}", "{'resources':['c']}", NOMATCH},
    {"{'resources':['a']}", "{'resources':[]}", NOMATCH},
    {"{'resources':[null]}", "{'resources':[]}", NOMATCH},
    {"{'resources':[null]}", "{'resources':[null]}", MATCH},
    {"{'a':[1],'b':{'c':[]}}", "{}", "Empty arrays are not allowed"},
    {"{'a':[1],'b':{}}", "{}", "Empty objects are not allowed"},
    {"{'a':[true]}", "{'a':false}", NOMATCH},
    {"{'a':[false]}", "{'a':false}", MATCH},
    {"{'a':[false]}", "{'a':0}", NOMATCH},
    {"{'a':[false]}", "{'a':null}", NOMATCH},
    {"{'a':1}", "{}", "\"a\" must be an object or an array"},
    {"{'a':true}", "{}", "\"a\" must be an object or an array"},
    {"{'a':null}", "{}", "\"a\" must be an object or an array"},
    {"{'Key':['x']}", "{'key':'x'}", NOMATCH},
    {"{'a':['X']}", "{'a':'x'}", NOMATCH},
    {"{'a':[{'equals-ignore-case':'EC2 x'}]}", "{'a':'ec2 X'}", MATCH},
    {"{'a':[{'equals-ignore-case':'x'}]}", "{'a':1}", NOMATCH},
    {"{'a':[{'equals-ignore-case':'x'}]}", "{'a':null}", NOMATCH},
    {"{'a':[{'equals-ignore-case':''}]}", "{'a':''}", MATCH},
    {"{'a':[{'equals-ignore-case':['x','y']}]}", "{}",
	"equals-ignore-case match pattern must be a string"},
    {"{'a':[{'equals-ignore-case':12}]}", "{}",
	"equals-ignore-case match pattern must be a string"},
    {"{'a':[{'anything-but':'x'}]}", "{'a':['x','y']}", MATCH},
    {"{'a':[{'anything-but':'x'}]}", "{'a':1}", MATCH},
    {"{'a':[{'anything-but':'x'}]}", "{'a':null}", MATCH},
    {"{'a':[{'anything-but':'x'}]}", "{'a':''}", MATCH},
    {"{'a':[{'anything-but':'x'}]}", "{'a':[]}", NOMATCH},
    {"{'a':[{'anything-but':'x'}]}", "{'a':{}}", NOMATCH},
    {"{'a':[{'anything-but':''}]}", "{'a':''}", NOMATCH},
    {"{'a':[{'anything-but':[0]}]}", "{'a':'0'}", MATCH},
    {"{'a':[{'anything-but':0}]}", "{'a':0.0}", NOMATCH},
    {"{'a':[{'anything-but':[1,2]}]}", "{'a':true}", MATCH},
    {"{'a':[{'anything-but':['x',1]}]}", "{}",
	"Inside anything but list, either all values are number or string, mixed type is not "
	"supported"},
    {"{'a':[{'anything-but':[]}]}", "{}",
	"Inside anything but list, either all values are number or string, mixed type is not "
	"supported"},
    {"{'a':[{'anything-but':true}]}", "{}",
	"Value of anything-but must be an array or single string/number value."},
    {"{'a':[{'anything-but':null}]}", "{}",
	"Value of anything-but must be an array or single string/number value."},
    {"{'a':[{'anything-but':{}}]}", "{}", "Anything-But expression name not found"},
    {"{'a':[{'anything-but':{'exists':true}}]}", "{}", "Unsupported anything-but pattern: exists"},
    {"{'a':[{'anything-but':{'numeric':['>',1]}}]}", "{}",
	"Unsupported anything-but pattern: numeric"},
    {"{'a':[{'anything-but':{'anything-but':'x'}}]}", "{}",
	"Unsupported anything-but pattern: anything-but"},
    {"{'a':[{'anything-but':{'cidr':'10.0.0.0/8'}}]}", "{}",
	"Unsupported anything-but pattern: cidr"},
    {"{'a':[{'anything-but':{'prefix':'init'}}]}", "{'a':'xinit'}", MATCH},
    {"{'a':[{'anything-but':{'prefix':['a','b']}}]}", "{'a':'c'}", MATCH},
    {"{'a':[{'anything-but':{'suffix':['.txt','.png']}}]}", "{'a':'x.png'}", NOMATCH},
    {"{'a':[{'anything-but':{'suffix':'.txt'}}]}", "{'a':7}", MATCH},
    {"{'a':[{'anything-but':{'prefix':''}}]}", "{}", "Null prefix/suffix not allowed"},
    {"{'a':[{'anything-but':{'suffix':['x','']}}]}", "{}", "Null prefix/suffix not allowed"},
    {"{'a':[{'anything-but':{'equals-ignore-case':['a','B']}}]}", "{'a':'b'}", NOMATCH},
    {"{'a':[{'anything-but':{'equals-ignore-case':['a','B']}}]}", "{'a':['b','c']}", MATCH},
    {"{'a':[{'anything-but':{'wildcard':'*/x/*'}}]}", "{'a':'/y/'}", MATCH},
    {"{'a':[{'anything-but':{'wildcard':['*/x/*','y*']}}]}", "{'a':'yes'}", NOMATCH},
    {"{'a':[{'anything-but':{'wildcard':'a**b'}}]}", "{}",
	"Consecutive wildcard characters at pos 2"},
    {"{'a':[{'exists':true}]}", "{'a':null}", MATCH},
    {"{'a':[{'exists':true}]}", "{'a':[1]}", MATCH},
    {"{'a':[{'exists':true}]}", "{'a':[]}", NOMATCH},
    {"{'a':[{'exists':true}]}", "{'a':{'b':1}}", NOMATCH},
    {"{'a':[{'exists':false}]}", "{'a':{'b':1}}", MATCH},
    {"{'a':[{'exists':false}]}", "{'b':1}", MATCH},
    {"{'a':{'b':[{'exists':false}]}}", "{'a':{'c':1}}", MATCH},
    {"{'a':{'b':[{'exists':false}]}}", "{'c':1}", MATCH},
    {"{'a':{'b':[{'exists':false}]}}", "{'a':{'b':null}}", NOMATCH},
    {"{'a':[{'exists':'true'}]}", "{}", "exists match pattern must be either true or false."},
    {"{'a':[{'exists':1}]}", "{}", "exists match pattern must be either true or false."},
    {"{'a':[{'exists':null}]}", "{}", "exists match pattern must be either true or false."},
    {"{'a':[{'exists':[true]}]}", "{}", "exists match pattern must be either true or false."},
    {"{'a':[{'cidr':'10.0.0.0/24'}]}", "{'a':'10.0.0.255'}", MATCH},
    {"{'a':[{'cidr':'10.0.0.0/24'}]}", "{'a':'10.0.1.255'}", NOMATCH},
    {"{'a':[{'cidr':'10.0.0.0/24'}]}", "{'a':'xx'}", NOMATCH},
    {"{'a':[{'cidr':'2001:db8::/32'}]}", "{'a':'2001:db8::1'}", MATCH},
    {"{'a':[{'cidr':'2001:db8::/32'}]}", "{'a':'2001:db9::1'}", NOMATCH},
    {"{'a':[{'cidr':'10.0.0.1'}]}", "{}", "Malformed CIDR, one '/' required"},
    {"{'a':[{'cidr':'10.0.0.1/a'}]}", "{}", "Malformed CIDR, mask bits must be an integer"},
    {"{'a':[{'cidr':'10.0.0.1/-2'}]}", "{}", "Malformed CIDR, mask bits must not be negative"},
    {"{'a':[{'cidr':'xx.11.xx/8'}]}", "{}", "Nonstandard IP address: xx.11.xx"},
    {"{'a':[{'cidr':'10.0.0.256/8'}]}", "{}", "Invalid IP address: 10.0.0.256"},
    {"{'a':[{'cidr':['10.0.0.0/8']}]}", "{}", "prefix match pattern must be a string"},
    {"{'a':[{'cidr':8}]}", "{}", "prefix match pattern must be a string"},
    {"{'a':[{'numeric':['>',0,'<=',5]}]}", "{'a':5}", MATCH},
    {"{'a':[{'numeric':['>',0,'<=',5]}]}", "{'a':5.000001}", NOMATCH},
    {"{'a':[{'numeric':['>',0,'<=',5]}]}", "{'a':0}", NOMATCH},
    {"{'a':[{'numeric':['=',5]}]}", "{'a':5.0}", MATCH},
    {"{'a':[{'numeric':['=',5]}]}", "{'a':'5'}", NOMATCH},
    {"{'a':[{'numeric':['=',5]}]}", "{'a':null}", NOMATCH},
    {"{'a':[{'numeric':['<',-1.5]}]}", "{'a':-2}", MATCH},
    {"{'a':[{'numeric':['<',10]}]}", "{'a':[11,9]}", MATCH},
    {"{'a':[{'numeric':'> 5'}]}", "{}", "Value of numeric must be an array."},
    {"{'a':[{'numeric':{'>':5}}]}", "{}", "Value of numeric must be an array."},
    {"{'a':[{'numeric':[]}]}", "{}", "Invalid member in numeric match: ]"},
    {"{'a':[{'numeric':['=','5']}]}", "{}", "Value of equals must be numeric"},
    {"{'a':[{'numeric':['>']}]}", "{}", "Value of > must be numeric"},
    {"{'a':[{'numeric':['>=',null]}]}", "{}", "Value of >= must be numeric"},
    {"{'a':[{'numeric':['!=',5]}]}", "{}", "Unrecognized numeric range operator: !="},
    {"{'a':[{'numeric':['LT',5]}]}", "{}", "Unrecognized numeric range operator: LT"},
    {"{'a':[{'numeric':['=',5,'<',6]}]}", "{}", "Too many elements in numeric expression"},
    {"{'a':[{'numeric':['>',5,'=',6]}]}", "{}", "Bad numeric range operator: ="},
    {"{'a':[{'numeric':['>',6,'<',5]}]}", "{}", "Bottom must be less than top"},
    {"{'a':[{'numeric':['>',0,'<',5,'<',6]}]}", "{}", "Too many terms in numeric range expression"},
    {"{'a':[{'prefix':''}]}", "{'a':'x'}", MATCH},
    {"{'a':[{'prefix':'x'}]}", "{'a':1}", NOMATCH},
    {"{'a':[{'prefix':['x']}]}", "{}", "prefix match pattern must be a string"},
    {"{'a':[{'prefix':null}]}", "{}", "prefix match pattern must be a string"},
    {"{'a':[{'suffix':{'equals-ignore-case':'.PNG'}}]}", "{'a':'x.png'}", MATCH},
    {"{'a':[{'prefix':{'equals-ignore-case':'ab'}}]}", "{'a':'ba'}", NOMATCH},
    {"{'a':[{'prefix':{'suffix':'x'}}]}", "{}", "Unsupported prefix pattern: suffix"},
    {"{'a':[{'suffix':{}}]}", "{}", "Suffix expression name not found"},
    {"{'a':[{'wildcard':'*'}]}", "{'a':''}", MATCH},
    {"{'a':[{'wildcard':'a*b*c'}]}", "{'a':'abc'}", MATCH},
    {"{'a':[{'wildcard':'a*b*c'}]}", "{'a':'acb'}", NOMATCH},
    {"{'a':[{'wildcard':'dir/*'}]}", "{'a':'dir/'}", MATCH},
    {"{'a':[{'wildcard':''}]}", "{'a':''}", MATCH},
    {"{'a':[{'wildcard':'a\\\\*b'}]}", "{'a':'a*b'}", MATCH},
    {"{'a':[{'wildcard':'a*'}]}", "{'a':1}", NOMATCH},
    {"{'a':[{'wildcard':'**'}]}", "{}", "Consecutive wildcard characters at pos 1"},
    {"{'a':[{'wildcard':'a\\\\d'}]}", "{}", "Invalid escape character at pos 2"},
    {"{'a':[{'wildcard':null}]}", "{}", "wildcard match pattern must be a string"},
    {"{'a':[{'wildcard':{'prefix':'x'}}]}", "{}", "wildcard match pattern must be a string"},
    {"{'a':[['x']]}", "{}", "Match value must be String, number, true, false, or null"},
    {"{'a':[{}]}", "{}", "Match expression name not found"},
    {"{'a':[{'regex':'x'}]}", "{}", "Unrecognized match type regex"},
    {"{'a':[{'Prefix':'x'}]}", "{}", "Unrecognized match type Prefix"},
    {"{'a':[{'exists':true,'prefix':'x'}]}", "{}", "Only one key allowed in match expression"},
    {"{'a':{'b.c':['x']}}", "{'a':{'b':{'c':'x'}}}", MATCH},
    {"{'a.b':{'c':['x']}}", "{'a':{'b':{'c':'x'}}}", MATCH},
    {"{'a.b.c':['x']}", "{'a.b':{'c':'x'}}", MATCH},
    {"{'a.b':['x']}", "{'a':{'c':'x'}}", NOMATCH},
    {"{'a':{'b':['x']}}", "{'a':[{'b':'y'},{'b':'x'}]}", MATCH},
    {"{'a':{'b':['x'],'c':['y']}}", "{'a':[{'b':'x'},{'c':'y'}]}", NOMATCH},
    {"{'a':['x']}", "{'a':[['y'],['x']]}", MATCH},
    {"{'a':[{'prefix':'x'},{'prefix':'y'},1]}", "{'a':1}", MATCH},
    {"{'$or':[{'a':[1]},{'b':[2]}]}", "{'b':2}", MATCH},
    {"{'$or':[{'a':[1]},{'b':[2]}]}", "{'a':2,'b':1}", NOMATCH},
    {"{'c':[3],'$or':[{'a':[1]},{'b':[2]}]}", "{'a':1,'c':3}", MATCH},
    {"{'c':[3],'$or':[{'a':[1]},{'b':[2]}]}", "{'a':1}", NOMATCH},
    {"{'$or':[{'a':[{'anything-but':'x'}]},{'b':[{'exists':false}]}]}", "{'a':'x'}", MATCH},
    {"{'$or':[{'a':{'b':[{'exists':true}]}},{'c':[1]}]}", "{'a':{'b':0}}", MATCH},
    {"{'a':{'$or':[{'b':[1]},{'c':[{'numeric':['>',0]}]}]}}", "{'a':{'c':1}}", MATCH},
    {"{'$or':[{'a':[1]}]}", "{}", "There must have at least 2 Objects in $or relationship."},
    {"{'$or':[]}", "{}", "There must have at least 2 Objects in $or relationship."},
    {"{'$or':{'a':[1]}}", "{}", "It must be an Array followed with $or."},
    {"{'$or':'x'}", "{}", "It must be an Array followed with $or."},
    {"['a']", "{}", "Filter is not an object"},
    {"'a'", "{}", "Filter is not an object"},
    {"{'a':['\\u00e9']}", "{'a':'é'}", MATCH},
    {"{'\\u0061':['x']}", "{'a':'x'}", MATCH},
    {"{'a':[1e2]}", "{'a':100}", MATCH},
    {"{'a':[-0]}", "{'a':0}", MATCH},
    {"{'a':[12345678901]}", "{'a':12345678901.0}", MATCH},
    {"{'a':['1']}", "{'a':1}", NOMATCH},
    {"{'a':[{'exactly':'x'}]}", "{'a':'x'}", MATCH},
    {"{'a':['10.0.0.1']}", "{'a':'10.0.0.1'}", MATCH},
    {"{'a':['x'],'b':[{'exists':false}]}", "{'a':'x'}", MATCH},
    {"{'a':['x'],'b':['y']}", "{'a':'x'}", NOMATCH},
    {"{'a':['x']}", "{'a':'x','b':{'a':'y'}}", MATCH},
    {"{'a':['x']}", "{'b':{'a':'x'}}", NOMATCH},
    {"{'a':[{'numeric':['>=',-5000000000]}]}", "{'a':-5000000000}", MATCH},
    {"{'a':[0.3]}", "{'a':0.30}", MATCH},
    {"{'a':{'S':['x']},'b':{'M':{'c':{'N':[{'numeric':['>',1]}]}}}}",
	"{'a':{'S':'x'},'b':{'M':{'c':{'N':2}}}}", MATCH},
};

static char *
quoted(const char *text)
{
	char *ret = pb_strdup(text);
	for (char *p = ret; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return ret;
}

/* The same by the compiler and by the builder of large sets. */
static void
check_refused(const char *pattern, const char *reason)
{
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	struct pb_pattern *p = NULL;
	struct pb_error one = {0}, many = {0};
	ck_assert_msg(pb_pattern_compile(pb_str_of(pattern), &p, &one) < 0, "%s", pattern);
	ck_assert_int_lt(pb_matcher_builder_add_text(b, pb_str_of(pattern), &many), 0);
	ck_assert_str_eq(one.text, many.text);
	/* We may add what was meant. */
	ck_assert_msg(strncmp(one.text, reason, strlen(reason)) == 0 &&
		(one.text[strlen(reason)] == '\0' || one.text[strlen(reason)] == ' '),
	    "%s: %s", pattern, one.text);
	pb_matcher_builder_free(b);
}

START_TEST(a_case_is_judged_as_the_service_judges_it)
{
	PB_CLEANUP(pb_freep) char *pattern = quoted(cases[_i].pattern);
	PB_CLEANUP(pb_freep) char *event = quoted(cases[_i].event);
	if (cases[_i].want == MATCH || cases[_i].want == NOMATCH)
		ck_assert_msg(help_match(pattern, event) == (cases[_i].want == MATCH), "%s on %s",
		    pattern, event);
	else
		check_refused(pattern, cases[_i].want);
}
END_TEST

PB_SUITE(pattern_service)
{
	pb_add_loop(s, a_case_is_judged_as_the_service_judges_it, 0, (int)PB_ARRAY_LEN(cases));
}
