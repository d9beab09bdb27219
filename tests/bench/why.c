/*
 * What `playbookctl why ALARM` costs with 10,000 playbooks, and how long its answer is.
 */
#include "tests/bench/world.h"

#define FILES 4
#define EACH 2500 /* playbooks of a file: 1 MiB is the most one may have */
#define TIMES 20

static int
no_aws(const char *service, const char *operation, const json_t *inputs, json_t **ret_facts,
    struct pb_error *err)
{
	(void)service, (void)operation, (void)inputs, (void)err;
	*ret_facts = NULL;
	return 0;
}

static struct pb_config *
configuration(void)
{
	struct pb_config_file files[FILES] = {0};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	for (size_t i = 0; i < FILES; i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		if (i == 0)
			bench_playbooks(&text, 0);
		else
			pb_buf_adds(&text, "version: 1\nplaybooks:\n");
		for (size_t k = i * EACH; k < (i + 1) * EACH; k++)
			pb_buf_addf(&text,
			    "  - {name: svc-%05zu, match: {source: [aws.cloudwatch], detail: "
			    "{alarmName: [{prefix: svc-%05zu-}], state: {value: [ALARM]}}}, "
			    "escalate: oncall}\n",
			    k, k);
		files[i].name = pb_asprintf("%zu.yaml", i);
		files[i].len = text.len;
		files[i].text = pb_buf_take(&text);
	}
	if (pb_config_parse(files, FILES, no_aws, &c, &problems) < 0) {
		printf("configuration: %s\n", problems.texts[0]);
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < FILES; i++) {
		free(files[i].name);
		free(files[i].text);
	}
	return c;
}

static void
measure(const struct bench_world *b, const char *name, const char *what)
{
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	char remark[96];
	size_t len = 0;
	PB_JSON json_t *j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}", "version",
	    "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
	    "aws.cloudwatch", "account", "111122223333", "time", "2026-03-03T09:00:00Z", "region",
	    "us-east-1", "resources", "arn:aws:cloudwatch:us-east-1:111122223333:alarm:x", "detail",
	    "alarmName", name, "state", "value", "ALARM", "reason", "Threshold Crossed",
	    "timestamp", "2026-03-03T09:00:00Z");
	if (pb_event_from_envelope(j, &ev, &err) < 0)
		bench_die("event", &err);
	int64_t began = bench_now();
	for (size_t i = 0; i < TIMES; i++) {
		PB_JSON json_t *why = pb_engine_why_event(b->engine, ev);
		PB_CLEANUP(pb_freep) char *text = pb_json_text(why);
		len = strlen(text);
	}
	(void)snprintf(remark, sizeof(remark), "an answer of %zu bytes", len);
	bench_say(what, (double)(bench_now() - began) / 1000 / TIMES, "ms", remark);
	pb_event_unref(ev);
}

void
bench_why(void)
{
	struct pb_store *store;
	struct pb_error err = {0};
	struct bench_world b;
	int64_t began = bench_now();
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = configuration();
	bench_say(
	    "configuration: 10,000 playbooks read", (double)(bench_now() - began) / 1000, "ms", "");
	if (pb_store_open_memory(&store, &err) < 0)
		bench_die("store", &err);
	bench_world_begin(&b, c, store, BENCH_START_AT);
	measure(&b, "svc-00000-x", "why: the first of 10,000 playbooks takes it");
	measure(&b, "svc-09999-x", "why: the last one takes it");
	measure(&b, "nobody-has-it", "why: none matches");
	measure(&b, "svc-07000", "why: one of them nearly does");
	bench_world_end(&b);
	pb_store_close(store);
}
