/*
 * Test files: whatever is read can be checked against a configuration, and each problem has its place.
 */
#include "tests/fuzz/fuzz.h"
#include "sim/testfile.h"

static char config_text[] =
    "version: 1\n"
    "channels: [{name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:p\"}]\n"
    "contacts: [{name: ana}]\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n"
    "playbooks: [{name: p, match: {source: [x]}, escalate: e}]\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pb_config *c;
	char name[] = "c.yaml";
	const struct pb_config_file file = {name, config_text, sizeof(config_text) - 1};
	struct pb_tests tests = {0};
	struct pb_problems problems = {0};
	if (c == NULL)
		FUZZ_MUST(pb_config_parse(&file, 1, NULL, &c, &problems) == 0);
	int rc = pb_tests_read(
	    "x.test.yaml", (struct pb_str){(const char *)data, size}, &tests, &problems);
	FUZZ_MUST((rc == 0) == (problems.n == 0) && (rc == 0) == (tests.n > 0));
	for (size_t i = 0; i + 1 < problems.n; i++) /* the last one may count the others */
		FUZZ_MUST(strncmp(problems.texts[i], "x.test.yaml:", 12) == 0);
	pb_problems_fini(&problems);
	for (size_t i = 0; i < tests.n; i++) {
		(void)pb_test_check(&tests.tests[i], c, &problems);
		pb_problems_fini(&problems);
	}
	pb_tests_fini(&tests);
	return 0;
}
