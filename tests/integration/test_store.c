/*
 * What can be wrong with the store of a real daemon.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void
stop(struct pb_rig *r)
{
	pb_rig_signal(r, SIGTERM);
	want(pb_rig_wait(r, SOON) == 0);
}

START_TEST(a_store_of_a_newer_version_is_refused)
{
	RIG(r);
	sqlite3 *db = NULL;
	fixture_start(r);
	stop(r);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/state/playbookd.db", r->dir);
	want(sqlite3_open(path, &db) == SQLITE_OK);
	want(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL) == SQLITE_OK);
	want(sqlite3_close(db) == SQLITE_OK);

	must(pb_rig_launch(r, &err));
	int status = pb_rig_wait(r, SOON);
	(void)printf("ended with %d\n", status);
	want(status == 78);
	want(pb_rig_logged(r, "was written by a newer playbookd", 0));
}
END_TEST

START_TEST(a_second_daemon_on_the_same_state_is_refused)
{
	RIG(r);
	PB_CLEANUP(pb_freep) char *said = NULL;
	fixture_start(r);
	PB_CLEANUP(pb_freep) char *conf = pb_asprintf("%s/conf", r->dir);
	PB_CLEANUP(pb_freep) char *other = pb_asprintf("%s/other", r->dir);
	const char *const argv[] = {"playbookd", "--config", conf, "--socket", other, NULL};
	int status = pb_rig_run(r, argv, &said);
	(void)printf("second daemon: %d: %s\n", status, said);
	want(status == 69);
	want(strstr(said, "in use") != NULL);
	fixture_alarm(r, "fix-first", "ALARM");
	free(fixture_incident(r, "fix-first", "resolved"));
}
END_TEST

START_TEST(a_damaged_store_is_set_aside_and_the_alarms_are_found_again)
{
	RIG(r);
	fixture_init(r);
	fixture_with_poll(r);
	must(pb_rig_start(r, &err));
	fixture_alarm(r, "page-again", "ALARM");
	free(fixture_incident(r, "page-again", "waiting"));
	stop(r);
	must(pb_rig_write(r, "state/playbookd.db", "this was a store once", &err));
	must(pb_rig_start(r, &err));
	want(pb_rig_logged(r, "damaged", SOON));
	free(fixture_incident(r, "page-again", "waiting"));
}
END_TEST

static bool
is_degraded(struct pb_rig *r)
{
	PB_JSON json_t *status = NULL;
	(void)pb_rig_api(r, "GET", "/v1/status", NULL, &status, NULL);
	PB_CLEANUP(pb_freep) char *text = status == NULL ? NULL : pb_json_text(status);
	return text != NULL && strstr(text, "cannot be written") != NULL;
}

START_TEST(a_store_that_cannot_be_written_still_pages)
{
	RIG(r);
	if (!fixture_own_mounts()) {
		(void)printf("SKIP read-only store: no mounts of one's own here\n");
		return;
	}
	fixture_start(r);
	fixture_alarm(r, "work-open", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "work-open", "running");
	fixture_at_step(r, "work-open", "verify");
	pb_rig_kill(r);
	PB_CLEANUP(pb_freep) char *state = pb_asprintf("%s/state", r->dir);
	want(mount(state, state, NULL, MS_BIND, NULL) == 0);
	want(mount(NULL, state, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	must(pb_rig_start(r, &err));
	want(is_degraded(r));

	/* What was open pages by its time, what is new at once, and nothing is run. */
	fixture_alarm(r, "fix-new", "ALARM");
	PB_JSON json_t *fresh = pb_rig_pages(r, "fix-new", 1, SOON);
	want(json_array_size(fresh) == 1);
	want(strstr(pb_json_str_or(json_array_get(fresh, 0), "message", ""),
		 "the store cannot be written") != NULL);
	PB_JSON json_t *old = pb_rig_pages(r, id, 1, SOON);
	want(json_array_size(old) == 1);
	want(!pb_rig_stepped(r, "fix-new", 1, 0, NULL));
	pb_rig_kill(r);
	want(umount(state) == 0);
}
END_TEST

/* Takes the last byte. */
static void
fill(struct pb_rig *r, const char *path)
{
	static const char block[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	want(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	want(errno == ENOSPC);
	(void)close(fd);
}

/* It looks every 30s, takes along what happened meanwhile, and starts anew. */
static void
expect_recovery(struct pb_rig *r)
{
	int64_t until = pb_rig_now() + 45 * PB_SECOND;
	while (is_degraded(r) && pb_rig_again(until))
		;
	want(pb_rig_ready(r, SOON));
	want(!is_degraded(r));
	free(fixture_incident(r, "page-before", "waiting"));
	free(fixture_incident(r, "fix-full", "waiting"));
	fixture_alarm(r, "fix-after", "ALARM");
	free(fixture_incident(r, "fix-after", "resolved"));
	want(pb_rig_stepped(r, "fix-after", 1, 0, NULL));
	want(!pb_rig_stepped(r, "fix-full", 1, 0, NULL));
}

START_TEST(a_full_disk_costs_remediation_but_no_page)
{
	RIG(r);
	if (!fixture_own_mounts()) {
		(void)printf("SKIP full disk: no mounts of one's own here\n");
		return;
	}
	fixture_init(r);
	PB_CLEANUP(pb_freep) char *state = pb_asprintf("%s/state", r->dir);
	PB_CLEANUP(pb_freep) char *ballast = pb_asprintf("%s/state/ballast", r->dir);
	want(mkdir(state, 0700) == 0);
	want(mount("playbookd", state, "tmpfs", 0, "size=2m") == 0);
	must(pb_rig_start(r, &err));
	fixture_alarm(r, "page-before", "ALARM");
	free(fixture_incident(r, "page-before", "waiting"));
	fill(r, ballast);

	/* The commit fails: nothing is done that is not recorded, the process ends. */
	fixture_alarm(r, "fix-full", "ALARM");
	want(pb_rig_wait(r, SOON) == 74);
	want(!pb_rig_stepped(r, "fix-full", 1, 0, NULL));
	must(pb_rig_sandbox(r, "POST", "clock", "{\"advance_ms\":31000}", NULL, &err));
	must(pb_rig_start(r, &err));
	want(is_degraded(r));
	PB_JSON json_t *pages = pb_rig_pages(r, "fix-full", 1, SOON);
	want(json_array_size(pages) == 1);
	want(unlink(ballast) == 0);
	expect_recovery(r);
	pb_rig_kill(r);
	want(umount(state) == 0);
}
END_TEST

PB_SUITE(store)
{
	pb_add(s, a_store_of_a_newer_version_is_refused);
	pb_add(s, a_second_daemon_on_the_same_state_is_refused);
	pb_add(s, a_damaged_store_is_set_aside_and_the_alarms_are_found_again);
	pb_add(s, a_store_that_cannot_be_written_still_pages);
}

PB_SUITE(disk)
{
	pb_add(s, a_full_disk_costs_remediation_but_no_page);
}
