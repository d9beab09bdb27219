/*
 * Events as bytes: the matcher of many, by each of its scanners, must take and refuse what
 * pb_json_parse does, and find what each pattern alone finds in the parsed event.
 */
#include "tests/fuzz/fuzz.h"
#include "pattern/exact.h"
#include "pattern/pattern.h"

static const char *const texts[] = {
    "{\"source\":[\"aws.cloudwatch\"]}",
    "{\"source\":[{\"prefix\":\"aws.\"}],\"detail\":{\"state\":{\"value\":[\"ALARM\",\"OK\"]}}}",
    "{\"detail\":{\"n\":[{\"numeric\":[\">\",0,\"<=\",5]}]}}",
    "{\"detail\":{\"n\":[300,1.5,-0,null,true,\"300\"]}}",
    "{\"detail\":{\"n\":[18446744073709551615,{\"numeric\":[\">\",9007199254740992.5]}]}}",
    "{\"$or\":[{\"detail.ip\":[{\"cidr\":\"10.0.0.0/24\"}]},{\"a\":[{\"exists\":false}]}]}",
    "{\"detail\":{\"state\":{\"value\":[{\"anything-but\":{\"wildcard\":[\"O*\",\"*K\"]}}]}}}",
    "{\"source\":[{\"equals-ignore-case\":\"AWS.CloudWatch\"},{\"suffix\":\"h\"}]}",
    "{\"detail\":{\"list\":{\"a\":[\"x\"],\"b\":[{\"wildcard\":\"y*z\"}]}}}",
    "{\"detail\":{\"list\":{\"a\":[\"x\"],\"b\":[{\"exists\":false}]}}}",
    "{\"detail\":{\"n\":[{\"anything-but\":[1,2]}],\"ip\":[{\"anything-but\":\"x\"}]}}",
    "{\"a.b\":[\"\\u00e9\\n\\\"\"],\"a\":{\"c\":[{\"exists\":true}]}}",
};
#define N PB_ARRAY_LEN(texts)
static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};

static struct pb_pattern *patterns[N];
static struct pb_matcher *matcher;
static struct pb_match *match;

static void
prepare(void)
{
	struct pb_error err;
	for (size_t i = 0; i < N; i++)
		FUZZ_MUST(pb_pattern_compile(pb_str_of(texts[i]), &patterns[i], &err) == 0);
	FUZZ_MUST(
	    pb_matcher_build((const struct pb_pattern *const *)patterns, N, &matcher, &err) == 0);
	match = pb_match_new();
}

static void
must_say_the_same(const struct pb_pattern *p, struct pb_str bytes, const json_t *event)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf tree = PB_BUF_INIT, text = PB_BUF_INIT;
	FUZZ_MUST(pb_pattern_why_text(p, bytes, &text) == pb_pattern_why(p, event, &tree));
	FUZZ_MUST(tree.len == text.len);
	FUZZ_MUST(tree.len == 0 || memcmp(tree.ptr, text.ptr, tree.len) == 0);
}

static void
must_find(struct pb_str bytes, const json_t *event)
{
	/* Bytes at the very end of their memory, so that reading beyond them is seen. */
	char *exact = pb_malloc(bytes.len + (bytes.len == 0));
	uint32_t ids[N];
	size_t n = 0, at = 0;
	if (bytes.len > 0)
		memcpy(exact, bytes.ptr, bytes.len);
	int rc = pb_match(matcher, match, (struct pb_str){exact, bytes.len}, ids, N, &n);
	FUZZ_MUST((rc == 0) == json_is_object(event));
	for (size_t i = 0; rc == 0 && i < N; i++) {
		if (!pb_pattern_match(patterns[i], event))
			continue;
		FUZZ_MUST(at < n && ids[at] == i);
		at++;
	}
	FUZZ_MUST(rc < 0 || at == n);
	for (size_t i = 0; rc == 0 && i < N; i++)
		must_say_the_same(patterns[i], (struct pb_str){exact, bytes.len}, event);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	PB_JSON json_t *event = NULL;
	struct pb_error err;
	if (matcher == NULL)
		prepare();
	(void)pb_exact_parse(fuzz_rest(&in), &event, &err);
	for (size_t i = 0; i < PB_ARRAY_LEN(scanners); i++)
		if (pb_match_set_scanner(match, scanners[i]) == 0)
			must_find(fuzz_rest(&in), event);
	return 0;
}
