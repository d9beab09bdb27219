/*
 * The daemon ends and comes back: killed, asked to stop, given a new configuration.
 */
#include "fixture.h"

#include <signal.h>

START_TEST(a_page_that_is_due_after_a_crash_goes_out_on_time)
{
	RIG(r);
	fixture_start(r);
	fixture_alarm(r, "work-late", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "work-late", "running");
	fixture_at_step(r, "work-late", "verify");
	PB_JSON json_t *before = pb_rig_incident(r, "work-late", "running", SOON);
	int64_t due_at = pb_json_i64(before, "page_by_at", 0);
	want(due_at > 0);
	pb_rig_kill(r);
	must(pb_rig_start(r, &err));

	PB_JSON json_t *pages = pb_rig_pages(r, id, 1, 20 * PB_SECOND);
	want(json_array_size(pages) == 1);
	int64_t paged_at = pb_json_i64(json_array_get(pages, 0), "at", 0);
	(void)printf("due %lld, paged %lld\n", (long long)due_at, (long long)paged_at);
	want(paged_at >= due_at && paged_at < due_at + 2 * PB_SECOND);
	want(pb_rig_stepped(r, "repair 1", 1, 0, NULL));
}
END_TEST

/* The answer to the page is on its way when the daemon dies: the page goes again, under its id. */
START_TEST(a_page_cut_off_by_a_crash_is_repeated_under_its_id)
{
	RIG(r);
	fixture_start(r);
	must(pb_rig_fault(
	    r, &err, "{\"fault\":\"delay\",\"operation\":\"Publish\",\"delay_ms\":20000}"));
	fixture_alarm(r, "page-cut", "ALARM");
	PB_JSON json_t *first = pb_rig_pages(r, "page-cut", 1, SOON);
	want(json_array_size(first) == 1);
	pb_rig_kill(r);
	must(pb_rig_start(r, &err));

	PB_JSON json_t *both = pb_rig_pages(r, "page-cut", 2, SOON);
	want(json_array_size(both) == 2);
	const char *id = pb_rig_attribute(json_array_get(both, 0), "page_id");
	want(id[0] != '\0');
	want(pb_streq(id, pb_rig_attribute(json_array_get(both, 1), "page_id")));
}
END_TEST

START_TEST(a_step_cut_off_by_a_crash_is_not_run_again)
{
	RIG(r);
	size_t n = 0;
	fixture_start(r);
	fixture_alarm(r, "gate-once", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "gate-once", "running");
	want(pb_rig_stepped(r, id, 1, SOON, NULL));
	pb_rig_kill(r);
	must(pb_rig_start(r, &err));

	/* A human is asked, at once. */
	PB_JSON json_t *pages = pb_rig_pages(r, id, 1, 5 * PB_SECOND);
	want(json_array_size(pages) == 1);
	want(strstr(pb_json_str_or(json_array_get(pages, 0), "message", ""),
		 "nobody knows whether step repair took effect") != NULL);
	(void)pb_rig_stepped(r, id, 1, 0, &n);
	want(n == 1);
}
END_TEST

START_TEST(a_recovery_during_a_downtime_is_seen_after_it)
{
	RIG(r);
	fixture_start(r);
	fixture_alarm(r, "work-gone", "ALARM");
	fixture_at_step(r, "work-gone", "verify");
	pb_rig_kill(r);
	fixture_alarm(r, "work-gone", "OK");
	must(pb_rig_start(r, &err));
	PB_JSON json_t *in = pb_rig_incident(r, "work-gone", "resolved", SOON);
	want(in != NULL);
	want(pb_streq(pb_json_str(in, "cause"), "remediated"));
}
END_TEST

START_TEST(a_good_configuration_is_taken_at_sighup)
{
	RIG(r);
	fixture_start(r);
	fixture_alarm(r, "new-thing", "ALARM");
	free(fixture_incident(r, "new-thing", "waiting"));
	must(pb_rig_write(r, "conf/playbooks.d/new.yaml",
	    "version: 1\n"
	    "playbooks:\n"
	    "  - name: new\n"
	    "    match: {detail: {alarmName: [{prefix: new-}], state: {value: [ALARM]}}}\n"
	    "    page_by: 1m\n"
	    "    escalate: ana-only\n"
	    "    steps:\n"
	    "      - {name: repair, action: exec, argv: ['@DIR@/step', fix, '${alarm.name}']}\n",
	    &err));
	PB_JSON json_t *before = NULL;
	want(pb_rig_api(r, "GET", "/v1/config", NULL, &before, NULL) == 200);
	pb_rig_signal(r, SIGHUP);
	int64_t until = pb_rig_now() + SOON;
	bool is_new = false;
	while (!is_new && pb_rig_again(until)) {
		PB_JSON json_t *now = NULL;
		(void)pb_rig_api(r, "GET", "/v1/config", NULL, &now, NULL);
		is_new = now != NULL &&
		    !pb_streq(pb_json_str(now, "digest"), pb_json_str(before, "digest"));
	}
	want(is_new);
	/* The open incident keeps its plan: it still waits for its human. */
	free(fixture_incident(r, "new-thing", "waiting"));
	fixture_alarm(r, "new-other", "ALARM");
	PB_JSON json_t *in = pb_rig_incident(r, "new-other", "resolved", SOON);
	want(in != NULL && pb_streq(pb_json_str(in, "playbook"), "new"));
}
END_TEST

/* Else whoever is woken finds out by the step that failed. */
START_TEST(programs_that_nothing_would_run_are_told_before_they_are_wanted)
{
	static const char child[] = "exec: {driver: child}";
	RIG(r);
	must(pb_rig_init(r, &err));
	const char *at = strstr(fixture_config, child);
	want(at != NULL);
	PB_CLEANUP(pb_freep)
	char *config = pb_asprintf("%.*sexec: {driver: helper, socket: '@DIR@/helper'}%s",
	    (int)(at - fixture_config), fixture_config, at + sizeof(child) - 1);
	PB_CLEANUP(pb_freep)
	char *missing = pb_asprintf("there is no socket %s/helper: start playbookd-exec.socket, or "
				    "correct daemon.exec",
	    r->dir);
	must(pb_rig_configure(r, config, &err));
	must(pb_rig_start(r, &err));
	want(pb_rig_logged(r, missing, SOON));
	PB_JSON json_t *status = NULL, *after = NULL;
	want(pb_rig_api(r, "GET", "/v1/status", NULL, &status, NULL) == 200);
	want(pb_streq(pb_json_str(status, "helper_missing"), missing));
	must(pb_rig_configure(r, fixture_config, &err));
	want(pb_rig_api(r, "POST", "/v1/reload", NULL, NULL, NULL) == 200);
	want(pb_rig_api(r, "GET", "/v1/status", NULL, &after, NULL) == 200);
	want(pb_json_str(after, "helper_missing") == NULL);
}
END_TEST

START_TEST(a_bad_configuration_changes_nothing)
{
	RIG(r);
	fixture_start(r);
	must(pb_rig_write(r, "conf/playbooks.d/bad.yaml",
	    "version: 1\nplaybooks:\n  - name: bad\n    mtach: {}\n    escalate: nobody\n", &err));
	pb_rig_signal(r, SIGHUP);
	want(pb_rig_logged(r, "keeping the old configuration", SOON));
	want(pb_rig_logged(r, "bad.yaml:4:5", SOON));
	want(pb_rig_logged(r, "did you mean", SOON));
	PB_CLEANUP(pb_freep) char *said = NULL;
	want(pb_rig_ctl(r, &said, "reload") != 0);
	want(strstr(said, "bad.yaml:4:5") != NULL);
	PB_CLEANUP(pb_freep) char *status = NULL;
	want(pb_rig_ctl(r, &status, "status") == 0);
	want(strstr(status, "on disk        refused ") != NULL);
	want(strstr(status, "bad.yaml:") != NULL);
	must(pb_rig_write(r, "conf/playbooks.d/bad.yaml", "version: 1\n", &err));
	PB_CLEANUP(pb_freep) char *reload = NULL, *after = NULL;
	want(pb_rig_ctl(r, &reload, "reload") == 0);
	want(pb_rig_ctl(r, &after, "status") == 0);
	want(strstr(after, "on disk") == NULL);
	must(pb_rig_write(r, "conf/playbooks.d/bad.yaml", "version: 1\n\n", &err));
	PB_CLEANUP(pb_freep) char *changed = NULL;
	want(pb_rig_ctl(r, &changed, "status") == 0);
	want(strstr(changed, "on disk        changed since it was loaded") != NULL);
	fixture_alarm(r, "fix-still", "ALARM");
	free(fixture_incident(r, "fix-still", "resolved"));
}
END_TEST

/* Valid by itself: only what was in force before tells that it was cut off. */
START_TEST(a_file_that_was_cut_off_changes_nothing)
{
#define OTHER                                                                                      \
	"version: 1\nplaybooks:\n"                                                                 \
	"  - name: other\n    escalate: ladder\n"                                                  \
	"    match: {source: [nobody.sends]}\n"
	RIG(r);
	fixture_start(r);
	PB_CLEANUP(pb_freep) char *whole = NULL, *cut = NULL, *meant = NULL;
	must(pb_rig_write(r, "conf/playbooks.d/other.yaml", OTHER "    page_by: 7m\n", &err));
	want(pb_rig_ctl(r, &whole, "reload") == 0);
	must(pb_rig_write(r, "conf/playbooks.d/other.yaml", OTHER, &err));
	want(pb_rig_ctl(r, &cut, "reload") != 0);
	want(
	    strstr(cut,
		"other.yaml: is the beginning of the file in force, cut off within playbook other; "
		"if that is meant, end it with a comment") != NULL);

	/* Nor does a start take it. */
	pb_rig_kill(r);
	must(pb_rig_start(r, &err));
	PB_CLEANUP(pb_freep) char *status = NULL;
	want(pb_rig_ctl(r, &status, "status") == 0);
	want(strstr(status, "on disk        refused ") != NULL);
	want(strstr(status, "other.yaml: is the beginning of the file in force") != NULL);
	want(pb_rig_logged(r, "the one of before", SOON));

	must(pb_rig_write(r, "conf/playbooks.d/other.yaml", OTHER "# as it is meant\n", &err));
	want(pb_rig_ctl(r, &meant, "reload") == 0);
}
END_TEST

START_TEST(sigterm_lets_the_running_step_end)
{
	RIG(r);
	fixture_start(r);
	fixture_alarm(r, "gate-drain", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "gate-drain", "running");
	want(pb_rig_stepped(r, id, 1, SOON, NULL));
	pb_rig_signal(r, SIGTERM);
	want(pb_rig_wait(r, A_MOMENT) == -1);
	must(pb_rig_open_gate(r, &err));
	want(pb_rig_wait(r, SOON) == 0);

	fixture_alarm(r, "gate-drain", "OK");
	must(pb_rig_start(r, &err));
	PB_JSON json_t *in = pb_rig_incident(r, "gate-drain", "resolved", SOON);
	want(in != NULL && pb_streq(pb_json_str(in, "cause"), "remediated"));
	want(pb_rig_stepped(r, "repair", 1, 0, NULL) && !pb_rig_stepped(r, "repair", 2, 0, NULL));
}
END_TEST

START_TEST(an_idle_daemon_stops_at_once)
{
	RIG(r);
	fixture_start(r);
	pb_rig_signal(r, SIGTERM);
	want(pb_rig_wait(r, 5 * PB_SECOND) == 0);
	PB_CLEANUP(pb_freep) char *said = NULL;
	want(pb_rig_ctl(r, &said, "status") == 3);
	want(strstr(said, r->socket) != NULL);
}
END_TEST

PB_SUITE(restart)
{
	pb_add(s, a_page_that_is_due_after_a_crash_goes_out_on_time);
	pb_add(s, a_page_cut_off_by_a_crash_is_repeated_under_its_id);
	pb_add(s, a_step_cut_off_by_a_crash_is_not_run_again);
	pb_add(s, a_recovery_during_a_downtime_is_seen_after_it);
	pb_add(s, a_good_configuration_is_taken_at_sighup);
	pb_add(s, programs_that_nothing_would_run_are_told_before_they_are_wanted);
	pb_add(s, a_bad_configuration_changes_nothing);
	pb_add(s, a_file_that_was_cut_off_changes_nothing);
	pb_add(s, sigterm_lets_the_running_step_end);
	pb_add(s, an_idle_daemon_stops_at_once);
}
