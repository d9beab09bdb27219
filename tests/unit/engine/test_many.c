/*
 * 10,000 playbooks in one set: they are read, an alarm finds its own, and "why?" has a short answer.
 */
#include <stdlib.h>

#include "base/json.h"
#include "engine/engine.h"
#include "tests/unit/runner.h"

#define FILES 4
#define EACH 2500 /* of a file: 1 MiB is the most one may have */
#define ANSWER_MAX 4096 /* bytes, whatever the number of playbooks */

static struct pb_config *
read_set(void)
{
	struct pb_config_file files[FILES] = {0};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	for (size_t i = 0; i < FILES; i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
		(void)pb_buf_adds(&text, "version: 1\n");
		if (i == 0)
			(void)pb_buf_adds(&text,
			    "channels: [{name: pager, type: sns, topic: "
			    "\"arn:aws:sns:eu-west-1:111122223333:pager\"}]\n"
			    "contacts: [{name: ana}]\n"
			    "escalations: [{name: e, levels: [{notify: [ana], via: [pager]}]}]\n"
			    "unmatched: {alarms: drop, events: drop}\n");
		(void)pb_buf_adds(&text, "playbooks:\n");
		for (size_t k = i * EACH; k < (i + 1) * EACH; k++)
			(void)pb_buf_addf(&text,
			    "  - {name: svc-%05zu, match: {detail: {alarmName: [{prefix: "
			    "svc-%05zu-}], state: {value: [ALARM]}}}, escalate: e}\n",
			    k, k);
		files[i].name = pb_asprintf("%zu.yaml", i);
		files[i].len = text.len;
		files[i].text = pb_buf_take(&text);
	}
	int rc = pb_config_parse(files, FILES, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	for (size_t i = 0; i < FILES; i++) {
		free(files[i].name);
		free(files[i].text);
	}
	return c;
}

static json_t *
why(const struct pb_engine *e, const char *alarm, const char *state)
{
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	PB_JSON json_t *j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}", "version",
	    "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
	    "aws.cloudwatch", "account", "111122223333", "time", "2026-03-03T09:00:00Z", "region",
	    "eu-west-1", "resources", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:x", "detail",
	    "alarmName", alarm, "state", "value", state, "reason", "Threshold Crossed", "timestamp",
	    "2026-03-03T09:00:00Z");
	ck_assert_msg(pb_event_from_envelope(j, &ev, &err) == 0, "%s", err.text);
	json_t *ret = pb_engine_why_event(e, ev);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(ret);
	ck_assert_msg(strlen(text) < ANSWER_MAX, "%zu bytes: %.2000s", strlen(text), text);
	ck_assert_int_eq(pb_json_i64(ret, "playbooks", 0), FILES * EACH);
	pb_event_unref(ev);
	return ret;
}

START_TEST(ten_thousand_playbooks_have_a_short_answer)
{
	const struct pb_engine_options options = {.seed = 1, .host = "h"};
	struct pb_config *c = read_set();
	struct pb_engine *e = pb_engine_new(c, &options);

	PB_JSON json_t *last = why(e, "svc-09999-x", "ALARM");
	const json_t *match = pb_json_get(last, "match");
	ck_assert_str_eq(json_string_value(json_array_get(match, 0)), "svc-09999");
	ck_assert_uint_eq(json_array_size(pb_json_get(last, "differ")), 10);
	ck_assert_int_eq(pb_json_i64(last, "differ_more", 0), 9989);

	/* Of all of them, also of one far behind. */
	PB_JSON json_t *near = why(e, "svc-07000-x", "INSUFFICIENT_DATA");
	const json_t *miss = json_array_get(pb_json_get(near, "near"), 0);
	ck_assert_str_eq(pb_json_str_or(miss, "playbook", "?"), "svc-07000");
	ck_assert_str_eq(pb_json_str_or(miss, "field", "?"), "detail.state.value");

	json_decref(why(e, "nobody", "ALARM"));
	pb_engine_free(e);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(many)
{
	pb_add(s, ten_thousand_playbooks_have_a_short_answer);
}
