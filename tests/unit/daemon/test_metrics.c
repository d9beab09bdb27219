/*
 * Figures: what is counted, and the text to the letter where it does not depend on the machine.
 */
#include "daemon/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/runner.h"

static char *
text_of(const struct pb_metrics *m, json_t *sources)
{
	struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *counts = json_pack("{s:{s:i, s:i}, s:{s:i}, s:i, s:i}", "incident",
	    "holding", 0, "running", 2, "ladder", "armed", 2, "stops", 1, "silences", 0);
	const struct pb_metrics_now now = {
	    .now = 2000,
	    .started_at = 1500,
	    .n_running = 32,
	    .n_waiting = 468,
	    .config = "0123456789abcdef",
	    .is_config_on_disk = true,
	    .n_commits = 7,
	    .counts = counts,
	    .sources = sources,
	};
	pb_metrics_text(m, &now, &b);
	return pb_buf_take(&b);
}

static void
has(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line) != NULL, "wanted \"%s\" in:\n%s", line, text);
}

START_TEST(what_happens_is_counted)
{
	struct pb_metrics *m = pb_metrics_new();
	PB_JSON json_t *spec = json_pack("{s:s}", "driver", "aws");
	struct pb_note note = {.kind = "page"};
	struct pb_action a = {.id = (char *)(uintptr_t) "1/page/1", .is_page = true, .spec = spec};
	struct pb_outcome o = {.action_id = a.id, .status = PB_OUTCOME_OK};
	pb_metrics_noted(m, &note);
	pb_metrics_noted(m, &note);
	pb_metrics_started(m, &a, 1000);
	pb_metrics_ended(m, &o, 2500);
	pb_metrics_ended(m, &o, 9999); /* of nobody */
	PB_JSON json_t *sources =
	    json_pack("[{s:s, s:i, s:i}]", "name", "a\"b\\c\nd", "last_ok_at", 1234, "received", 5);
	PB_CLEANUP(pb_freep) char *text = text_of(m, sources);
	has(text, "playbookd_config_info{digest=\"0123456789ab\"} 1\n");
	has(text, "playbookd_start_time_seconds 1.500\n");
	has(text, "playbookd_incidents{state=\"running\"} 2\n");
	has(text, "playbookd_ladders{state=\"armed\"} 2\n");
	has(text, "playbookd_remediation_stops 1\n");
	has(text, "playbookd_actions_running 32\n");
	has(text, "playbookd_actions_waiting 468\n");
	has(text, "playbookd_commits_total 7\n");
	has(text, "playbookd_decisions_total{kind=\"page\"} 2\n");
	has(text, "playbookd_actions_started_total{driver=\"aws\",for=\"page\"} 1\n");
	has(text, "playbookd_actions_ended_total{driver=\"aws\",for=\"page\",status=\"ok\"} 1\n");
	has(text, "playbookd_actions_ended_total{driver=\"aws\",for=\"step\",status=\"ok\"} 0\n");
	has(text, "playbookd_action_seconds_count{driver=\"aws\",for=\"page\"} 1\n");
	has(text, "playbookd_action_seconds_sum{driver=\"aws\",for=\"page\"} 1.500\n");
	has(text, "playbookd_source_last_success_seconds{source=\"a\\\"b\\\\c\\nd\"} 1.234\n");
	has(text, "playbookd_source_received_total{source=\"a\\\"b\\\\c\\nd\"} 5\n");
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	pb_metrics_free(m);
}
END_TEST

/* OpenMetrics: a family is declared once, before its samples, and stands together. */
START_TEST(each_family_is_declared_once_before_its_samples)
{
	struct pb_metrics *m = pb_metrics_new();
	PB_CLEANUP(pb_freep) char *text = text_of(m, NULL);
	char family[128] = "", declared[8192] = "";
	char *state = NULL;
	for (char *line = strtok_r(text, "\n", &state); line != NULL;
	     line = strtok_r(NULL, "\n", &state)) {
		char name[128] = "";
		if (sscanf(line, "# TYPE %127s", name) == 1) {
			PB_CLEANUP(pb_freep) char *word = pb_asprintf("[%s]", name);
			ck_assert_msg(strstr(declared, word) == NULL, "%s twice", name);
			strcat(declared, word);
			strcpy(family, name);
		} else if (line[0] != '#') {
			ck_assert_msg(strncmp(line, family, strlen(family)) == 0, "%s below %s",
			    line, family);
		}
	}
	pb_metrics_free(m);
}
END_TEST

PB_SUITE(metrics)
{
	pb_add(s, what_happens_is_counted);
	pb_add(s, each_family_is_declared_once_before_its_samples);
}
