/*
 * Templates: what is well formed, what comes out, and what is missing.
 */
#include "playbook/template.h"

#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/runner.h"

static const char context_text[] =
    "{\"alarm\":{\"name\":\"cpu\",\"arn\":\"arn:a\",\"tags\":{\"asg\":\"pay\",\"k8s.io/x "
    "y\":\"z\"},"
    "\"metric\":null},"
    "\"steps\":{\"pick-1\":{\"output\":{\"ids\":[\"i-0\",\"i-1\"],\"n\":3,\"r\":1.5,\"whole\":"
    "9007199254740993,\"big\":[18446744073709551616],\"ok\":true,"
    "\"quote\":\"a \\\"b\\\" ${alarm.name} ; rm -rf /\"}}},"
    "\"event\":{\"detail-type\":\"x\",\"detail\":{\"a\":{\"b\":1}}}}";

static json_t *
make_context(void)
{
	json_t *j = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(context_text), &j, NULL), 0);
	return j;
}

static const struct {
	const char *text, *wanted; /* compact JSON; NULL = an error */
	const char *told;
} rows[] = {
    {"plain", "\"plain\"", NULL},
    {"", "\"\"", NULL},
    {"${alarm.name}", "\"cpu\"", NULL},
    {"-${alarm.name}-${alarm.arn}-", "\"-cpu-arn:a-\"", NULL},
    {"${alarm.tags[\"k8s.io/x y\"]}", "\"z\"", NULL},
    {"${event.detail-type}", "\"x\"", NULL},
    {"${steps.pick-1.output.ids}", "[\"i-0\",\"i-1\"]", NULL},
    {"${steps.pick-1.output.ids[1]}", "\"i-1\"", NULL},
    {"${steps.pick-1.output.n}", "3", NULL},
    {"${steps.pick-1.output.ok}", "true", NULL},
    {" ${steps.pick-1.output.n}", "\" 3\"", NULL},
    {"n=${steps.pick-1.output.n} r=${steps.pick-1.output.r} ok=${steps.pick-1.output.ok}",
	"\"n=3 r=1.5 ok=true\"", NULL},
    {"ids: ${steps.pick-1.output.ids}", "\"ids: [\\\"i-0\\\",\\\"i-1\\\"]\"", NULL},
    {"o=${event.detail}", "\"o={\\\"a\\\":{\\\"b\\\":1}}\"", NULL},
    /* What comes in is never read again. */
    {"${steps.pick-1.output.quote}", "\"a \\\"b\\\" ${alarm.name} ; rm -rf /\"", NULL},
    {"$${alarm.name}", "\"${alarm.name}\"", NULL},
    {"$$${alarm.name}", "\"$${alarm.name}\"", NULL},
    {"$ $5 {} $", "\"$ $5 {} $\"", NULL},
    {"${alarm.tags.none|default:\"none\"}", "\"none\"", NULL},
    {"${alarm.tags.none|default:\"a } b \\\" c\"}!", "\"a } b \\\" c!\"", NULL},
    {"${alarm.tags.none|default:5}", "5", NULL},
    {"${alarm.tags.none|default:true}", "true", NULL},
    {"${alarm.metric|default:\"\"}", "\"\"", NULL},
    {"${alarm.name|default:\"x\"}", "\"cpu\"", NULL},
    {"${alarm.tags.none}", NULL, "${alarm.tags.none} is missing"},
    {"x ${alarm.metric} x", NULL, "${alarm.metric} is null"},
    {"${steps.pick-1.output.ids[2]}", NULL, "is missing"},
    {"${alarm.name.more}", NULL, "is missing"},
    {"${params.x}", NULL, "${params.x} is missing"},
    {"id-${steps.pick-1.output.whole}", "\"id-9007199254740993\"", NULL},
    {"${steps.pick-1.output.big[0]}", NULL, "a number beyond 64 bits, of which digits are lost"},
    {"x${steps.pick-1.output.big}", NULL, "a number beyond 64 bits"},
};

START_TEST(a_template_gives_the_value)
{
	PB_JSON json_t *context = make_context();
	PB_JSON json_t *v = NULL;
	struct pb_error err = {0};
	ck_assert_msg(
	    pb_template_check(rows[_i].text, &err) == 0, "%s: %s", rows[_i].text, err.text);
	int rc = pb_template_expand(rows[_i].text, context, &v, &err);
	if (rows[_i].wanted == NULL) {
		ck_assert_msg(rc < 0, "%s: expanded", rows[_i].text);
		bool is_limit = strstr(rows[_i].told, "64 bits") != NULL;
		ck_assert_int_eq((int)err.kind, is_limit ? PB_LIMIT : PB_NOT_FOUND);
		ck_assert_msg(strstr(err.text, rows[_i].told) != NULL, "%s", err.text);
		ck_assert_ptr_null(v);
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", rows[_i].text, err.text);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(v);
	ck_assert_str_eq(text, rows[_i].wanted);
}
END_TEST

static const struct {
	const char *text, *told;
} bad[] = {
    {"${", "expected a path"},
    {"${}", "expected a path"},
    {"${ alarm.name}", "expected a path"},
    {"${alarm.}", "expected a path"},
    {"${alarm..name}", "expected a path"},
    {"${alarm.name", "no closing }"},
    {"${alarm.name }", "expected } or |default"},
    {"${alarm.name|upper}", "expected } or |default"},
    {"${alarm.tags[x]}", "expected a path"},
    {"${alarm.tags[]}", "expected a path"},
    {"${alarm.tags[9999999999]}", "expected a path"},
    {"${alarm.tags[\"x]}", "expected a path"},
    {"${alarms.name}", "must start with one of"},
    {"${alarm.name|default:}", "the default must be"},
    {"${alarm.name|default:null}", "the default must be"},
    {"${alarm.name|default:[1]}", "the default must be"},
    {"${alarm.name|default:none}", "the default must be"},
    {"${alarm.name|default:\"x}", "no closing quote"},
    {"${alarm.name|default:\"x\"", "no closing }"},
    {"${alarm.name|default:\"x\" }", "expected } or |default"},
    {"ok ${alarm.name} ${x}", "must start with one of"},
};

START_TEST(a_malformed_template_is_told)
{
	PB_JSON json_t *context = make_context();
	PB_JSON json_t *v = NULL;
	char *text = NULL;
	struct pb_error err = {0};
	ck_assert_msg(pb_template_check(bad[_i].text, &err) < 0, "%s: accepted", bad[_i].text);
	ck_assert_int_eq((int)err.kind, PB_SYNTAX);
	ck_assert_msg(strstr(err.text, bad[_i].told) != NULL, "%s: %s", bad[_i].text, err.text);
	ck_assert_int_eq(pb_template_expand(bad[_i].text, context, &v, NULL), -1);
	ck_assert_int_eq(pb_template_expand_text(bad[_i].text, context, &text, NULL), -1);
	ck_assert_ptr_null(text);
}
END_TEST

static void
note_path(struct pb_str path, void *arg)
{
	struct pb_buf *b = arg;
	(void)pb_buf_addf(b, "%.*s;", PB_STR_ARG(path));
}

START_TEST(paths_are_listed_in_order)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_template_paths(
	    "a ${alarm.name} $${event.x} ${steps.p.output[0]|default:\"${host.name}\"}", note_path,
	    &b);
	ck_assert_str_eq(b.ptr, "alarm.name;steps.p.output[0];");
}
END_TEST

START_TEST(every_text_inside_a_value_is_expanded_and_no_name)
{
	PB_JSON json_t *context = make_context();
	PB_JSON json_t *in = NULL, *out = NULL;
	struct pb_error err = {0};
	(void)pb_json_parse(PB_STR("{\"${alarm.name}\":[\"${alarm.name}\",{\"n\":\"${steps.pick-1."
				   "output.n}\"},7,null]}"),
	    &in, NULL);
	ck_assert_msg(pb_template_expand_json(in, context, &out, &err) == 0, "%s", err.text);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(out);
	ck_assert_str_eq(text, "{\"${alarm.name}\":[\"cpu\",{\"n\":3},7,null]}");
}
END_TEST

START_TEST(what_is_missing_inside_a_value_is_told_with_its_place)
{
	PB_JSON json_t *context = make_context();
	PB_JSON json_t *in = NULL, *out = NULL;
	struct pb_error err = {0};
	(void)pb_json_parse(PB_STR("{\"Tags\":[\"x\",\"${alarm.tags.none}\"]}"), &in, NULL);
	ck_assert_int_eq(pb_template_expand_json(in, context, &out, &err), -1);
	ck_assert_msg(
	    strncmp(err.text, "Tags: [1]: ${alarm.tags.none} is missing", 40) == 0, "%s", err.text);
	ck_assert_str_eq(err.path, "alarm.tags.none");
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(an_expanded_text_has_a_limit)
{
	PB_JSON json_t *context = make_context();
	PB_CLEANUP(pb_freep) char *half = pb_malloc(40001);
	memset(half, 'x', 40000);
	half[40000] = '\0';
	pb_json_set_str(json_object_get(context, "alarm"), "reason", half);
	char *out = NULL;
	struct pb_error err = {0};
	ck_assert_int_eq(pb_template_expand_text("${alarm.reason}", context, &out, &err), 0);
	free(out);
	out = NULL;
	ck_assert_int_eq(
	    pb_template_expand_text("${alarm.reason}${alarm.reason}", context, &out, &err), -1);
	ck_assert_int_eq((int)err.kind, PB_LIMIT);
	ck_assert_ptr_null(out);
}
END_TEST

PB_SUITE(template)
{
	pb_add_loop(s, a_template_gives_the_value, 0, PB_ARRAY_LEN(rows));
	pb_add_loop(s, a_malformed_template_is_told, 0, PB_ARRAY_LEN(bad));
	pb_add(s, paths_are_listed_in_order);
	pb_add(s, every_text_inside_a_value_is_expanded_and_no_name);
	pb_add(s, what_is_missing_inside_a_value_is_told_with_its_place);
	pb_add(s, an_expanded_text_has_a_limit);
}
