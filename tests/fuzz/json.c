/*
 * JSON: what is accepted is written and read again as the same value; paths end somewhere.
 */
#include "tests/fuzz/fuzz.h"

static void
must_round_trip(json_t *j)
{
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	PB_JSON json_t *again = NULL;
	struct pb_error err;
	FUZZ_MUST(pb_json_parse(pb_str_of(text), &again, &err) == 0);
	PB_CLEANUP(pb_freep) char *once = pb_json_text_sorted(j);
	PB_CLEANUP(pb_freep) char *twice = pb_json_text_sorted(again);
	FUZZ_MUST(strcmp(once, twice) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct pb_str text = fuzz_part(&in);
	PB_JSON json_t *j = NULL;
	struct pb_error err = {0};
	if (pb_json_parse(text, &j, &err) < 0) {
		fuzz_must_say_why(&err);
		FUZZ_MUST(j == NULL);
		return 0;
	}
	must_round_trip(j);
	(void)pb_json_path(j, fuzz_rest(&in));
	(void)pb_json_time(j);
	return 0;
}
