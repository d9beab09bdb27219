/*
 * Event patterns, by three ways that must agree: match, why, and the matcher of many.
 */
#include "tests/fuzz/fuzz.h"
#include "pattern/exact.h"
#include "pattern/pattern.h"

static void
must_agree(const struct pb_pattern *p, const json_t *event)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	struct pb_error err;
	uint32_t ids[2];
	bool is_match = pb_pattern_match(p, event);
	FUZZ_MUST(pb_pattern_why(p, event, &why) == (is_match ? 1 : 0));
	FUZZ_MUST(is_match || (why.len > 0 && memchr(why.ptr, '\n', why.len) == NULL));
	FUZZ_MUST(pb_matcher_build((const struct pb_pattern *const[]){p, p}, 2, &m, &err) == 0);
	FUZZ_MUST(pb_matcher_match(m, event, ids, 2) == (is_match ? 2U : 0U));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;
	PB_JSON json_t *event = NULL;
	struct pb_error err = {0};
	if (pb_pattern_compile(fuzz_part(&in), &p, &err) < 0) {
		fuzz_must_say_why(&err);
		return 0;
	}
	if (pb_exact_parse(fuzz_rest(&in), &event, &err) == 0)
		must_agree(p, event);
	return 0;
}
