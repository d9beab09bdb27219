/*
 * The shared material: cases recorded against the service, and samples of its events.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../runner.h"
#include "help.h"

/* The whole file; the test ends if it cannot be read. */
static char *
read_file(const char *path)
{
	struct pb_buf b = PB_BUF_INIT;
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	ck_assert_msg(f != NULL, "%s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		(void)pb_buf_add(&b, chunk, n);
	(void)fclose(f);
	return pb_buf_take(&b);
}

static const char *
judge(const json_t *c)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;

	if (pb_pattern_compile_json(pb_json_get(c, "pattern"), &p, NULL) < 0)
		return "error";
	return pb_pattern_match(p, pb_json_get(c, "event")) ? "match" : "nomatch";
}

START_TEST(recorded_cases_are_judged_as_the_service_did)
{
	PB_CLEANUP(pb_freep)
	char *path = help_shared("vectors/event-patterns/aws-recorded.jsonl", "recorded cases");
	size_t n = 0;

	if (path == NULL)
		return;
	PB_CLEANUP(pb_freep) char *text = read_file(path);
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		PB_JSON json_t *c = help_json(line);
		ck_assert_msg(pb_streq(judge(c), pb_json_str(c, "expect")), "%s: wanted %s, got %s",
		    pb_json_str(c, "name"), pb_json_str(c, "expect"), judge(c));
		n++;
	}
	ck_assert_uint_ge(n, 94);
}
END_TEST

static const struct {
	const char *pattern;
	size_t n; /* sample files that match */
} samples[] = {
    {"{\"source\": [\"aws.cloudwatch\"], \"detail-type\": [\"CloudWatch Alarm State Change\"]}", 5},
    {"{\"source\": [{\"prefix\": \"aws.\"}], \"region\": [{\"exists\": true}]}", 53},
    {"{\"detail\": {\"state\": {\"value\": [\"ALARM\"]}}}", 5},
    {"{\"source\": [\"aws.guardduty\"], \"detail\": {\"severity\": [{\"numeric\": [\">=\", 2]}]}}",
	2},
    {"{\"detail\": {\"configuration\": {\"metrics\": {\"metricStat\": {\"stat\": "
     "[\"Average\"]}}}}}",
	3},
    {"{\"detail-type\": [{\"wildcard\": \"*State*Change*\"}]}", 13},
    {"{\"account\": [{\"anything-but\": \"1\"}], \"resources\": [{\"exists\": false}]}", 6},
    {"{\"Records\": {\"messageId\": [{\"exists\": true}], \"eventSource\": [\"aws:sqs\"]}}", 3},
};

static size_t
count_matching(const char *dir, const struct pb_pattern *p, size_t *ret_n_files)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);
	size_t matching = 0;

	ck_assert_int_gt(n, 0);
	for (int i = 0; i < n; i++) {
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, names[i]->d_name);
		size_t len = strlen(names[i]->d_name);
		bool is_json = len > 5 && strcmp(names[i]->d_name + len - 5, ".json") == 0;
		free(names[i]);
		if (!is_json)
			continue;

		PB_CLEANUP(pb_freep) char *text = read_file(path);
		PB_JSON json_t *event = help_json(text);
		PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
		bool is_match = pb_pattern_match(p, event);
		ck_assert_int_eq(pb_pattern_why(p, event, &why), is_match);
		ck_assert_msg(is_match == (why.len == 0), "%s: %s", path, why.ptr);
		matching += is_match;
		++*ret_n_files;
	}
	free(names);
	return matching;
}

START_TEST(sample_events_match_what_they_should)
{
	PB_CLEANUP(pb_freep) char *dir = help_shared("events", "sample events");
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern(samples[_i].pattern);
	size_t n_files = 0;

	if (dir == NULL)
		return;
	ck_assert_uint_eq(count_matching(dir, p, &n_files), samples[_i].n);
	ck_assert_uint_ge(n_files, 69);
}
END_TEST

PB_SUITE(pattern_recorded)
{
	pb_add(s, recorded_cases_are_judged_as_the_service_did);
	pb_add_loop(s, sample_events_match_what_they_should, 0, (int)PB_ARRAY_LEN(samples));
}
