/*
 * XML to JSON by shape.
 */
#include "aws/xml.h"

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

static const struct {
	const char *shape, *xml, *json; /* json NULL = refused */
} shapes[] = {
    {"A B", "<R><A>x</A><C>y</C></R>", "{'A':'x'}"},
    {"A", "<R><A/></R>", "{'A':''}"},
    {"A", "<R><A> x </A></R>", "{'A':' x '}"},
    {"A", "<R><A><![CDATA[<&]]></A></R>", "{'A':'<&'}"},
    {"A", "<R>\n <A>x<!-- c -->y</A>\n</R>", "{'A':'xy'}"},
    {"A:int", "<R><A>9007199254740993</A></R>", "{'A':9007199254740993}"},
    {"A:int", "<R><A>1.5</A></R>", NULL},
    {"A:int", "<R><A/></R>", NULL},
    {"A:num", "<R><A>1.5</A></R>", "{'A':1.5}"},
    {"A:num", "<R><A>1.5x</A></R>", NULL},
    {"A:num", "<R><A>inf</A></R>", NULL},
    {"A:bool B:bool", "<R><A>true</A><B> false </B></R>", "{'A':true,'B':false}"},
    {"A:bool", "<R><A>1</A></R>", NULL},
    {"A:ts", "<R><A>2026-01-01T00:00:00.5Z</A></R>", "{'A':'2026-01-01T00:00:00.5Z'}"},
    {"L[]", "<R><L><member>a</member><member>b</member></L></R>", "{'L':['a','b']}"},
    {"L[]", "<R><L/></R>", "{'L':[]}"},
    {"L[]", "<R/>", "{}"},
    {"L[]{A B:int}", "<R><L><item><A>x</A></item><item><B>2</B></item><odd/></L></R>",
	"{'L':[{'A':'x'},{'B':2}]}"},
    {"L[]:int", "<R><L><member>1</member><member>x</member></L></R>", NULL},
    {"M{}", "<R><M><entry><key>a</key><value>b</value></entry><entry><key>c</key></entry></M></R>",
	"{'M':{'a':'b'}}"},
    {"M{}{A}", "<R><M><entry><key>a</key><value><A>x</A></value></entry></M></R>",
	"{'M':{'a':{'A':'x'}}}"},
    {"S{A}", "<n:R xmlns:n='u'><n:S><n:A>x</n:A></n:S></n:R>", "{'S':{'A':'x'}}"},
};

START_TEST(a_shape_turns_elements_into_members)
{
	PB_CLEANUP(pb_xml_freep) struct pb_xml_node *root = NULL;
	ck_assert_int_eq(pb_xml_parse(pb_str_of(shapes[_i].xml), &root, NULL), 0);
	PB_JSON json_t *out = NULL;
	struct pb_error err = {0};
	int rc = pb_xml_to_json(root, pb_str_of(shapes[_i].shape), &out, &err);
	ck_assert_msg(rc == (shapes[_i].json ? 0 : -1), "%s: %s", shapes[_i].xml, err.text);
	if (rc < 0) {
		ck_assert_int_eq(err.kind, PB_SYNTAX);
		return;
	}
	PB_JSON json_t *want = js(shapes[_i].json);
	ck_assert_msg(json_equal(out, want), "%s", shapes[_i].xml);
}
END_TEST

static const struct {
	const char *xml;
	enum pb_error_kind kind;
} refused[] = {
    {"", PB_SYNTAX},
    {"text", PB_SYNTAX},
    {"<a>", PB_SYNTAX},
    {"<a></b>", PB_SYNTAX},
    {"<a/><b/>", PB_SYNTAX},
    {"<a>&undefined;</a>", PB_SYNTAX},
    {"<a>&#0;</a>", PB_SYNTAX},
    {"<!DOCTYPE a><a/>", PB_SYNTAX},
    {"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", PB_SYNTAX},
    {"<a>\xff</a>", PB_SYNTAX},
};

START_TEST(what_is_no_plain_xml_is_refused)
{
	struct pb_xml_node *root = NULL;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_xml_parse(pb_str_of(refused[_i].xml), &root, &err), -1);
	ck_assert_ptr_null(root);
	ck_assert_int_eq(err.kind, refused[_i].kind);
	ck_assert_int_eq(err.line, 1);
}
END_TEST

static int
parse_repeated(const char *open, size_t n, const char *close, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < n; i++)
		pb_buf_adds(&b, open);
	for (size_t i = 0; i < n; i++)
		pb_buf_adds(&b, close);
	PB_CLEANUP(pb_freep) char *text = pb_asprintf("<r>%s</r>", b.ptr);
	PB_CLEANUP(pb_xml_freep) struct pb_xml_node *root = NULL;
	return pb_xml_parse(pb_str_of(text), &root, err);
}

START_TEST(depth_and_elements_are_capped)
{
	struct pb_error err = {0};
	ck_assert_int_eq(parse_repeated("<a>", PB_XML_DEPTH_MAX - 1, "</a>", &err), 0);
	ck_assert_int_eq(parse_repeated("<a>", PB_XML_DEPTH_MAX, "</a>", &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
	ck_assert_int_eq(parse_repeated("<a/>", PB_XML_ELEMENTS_MAX - 1, "", &err), 0);
	ck_assert_int_eq(parse_repeated("<a/>", PB_XML_ELEMENTS_MAX, "", &err), -1);
	ck_assert_int_eq(err.kind, PB_LIMIT);
}
END_TEST

PB_SUITE(xml)
{
	pb_add_loop(s, a_shape_turns_elements_into_members, 0, PB_ARRAY_LEN(shapes));
	pb_add_loop(s, what_is_no_plain_xml_is_refused, 0, PB_ARRAY_LEN(refused));
	pb_add(s, depth_and_elements_are_capped);
}
