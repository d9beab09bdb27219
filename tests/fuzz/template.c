/*
 * Templates: a text and a context.  What is found well formed expands, or names what is missing.
 */
#include "tests/fuzz/fuzz.h"
#include "playbook/template.h"

static void
see(struct pb_str path, void *arg)
{
	FUZZ_MUST(path.len > 0);
	++*(size_t *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	PB_CLEANUP(pb_freep) char *text = fuzz_text(&in);
	PB_CLEANUP(pb_freep) char *expanded = NULL;
	PB_JSON json_t *context = NULL;
	PB_JSON json_t *value = NULL;
	struct pb_error err = {0};
	size_t n_paths = 0;
	if (pb_json_parse(fuzz_rest(&in), &context, &err) < 0)
		context = json_object();
	if (pb_template_check(text, &err) < 0) {
		fuzz_must_say_why(&err);
		return 0;
	}
	pb_template_paths(text, see, &n_paths);
	if (pb_template_expand(text, context, &value, &err) < 0)
		fuzz_must_say_why(&err);
	if (pb_template_expand_text(text, context, &expanded, &err) < 0) {
		fuzz_must_say_why(&err);
		return 0;
	}
	FUZZ_MUST(strlen(expanded) <= 64 * 1024);
	FUZZ_MUST(n_paths > 0 || value != NULL || !pb_utf8_is_valid(pb_str_of(text)));
	return 0;
}
