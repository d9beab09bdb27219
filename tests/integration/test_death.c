/*
 * What a real daemon dies of, and that people are told nevertheless.
 */
#include "fixture.h"

#include <signal.h>

/* The daemon that runs next has it, and does nothing until the file says so. */
static void
make_mortal(struct pb_rig *r)
{
	PB_CLEANUP(pb_freep) char *file = pb_asprintf("%s/deadly", r->dir);
	PB_CLEANUP(pb_freep) char *library = pb_asprintf("%s/tests/deadly.so", r->build);
	pb_rig_setenv(r, "PB_DEADLY", file);
	pb_rig_setenv(r, "LD_PRELOAD", library);
}

static bool
is_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
	/* Its library must come first, and it ends otherwise. */
	(void)printf("SKIP deaths: the sanitizer's library stands where the deadly one would\n");
	return true;
#else
	return false;
#endif
}

static const struct {
	const char *name;
	int number;
	const char *words;
} deaths[] = {
    {"SIGSEGV", SIGSEGV, "SIGSEGV while it took up run "},
    {"SIGABRT", SIGABRT, "SIGABRT while it took up run "},
    {"SIGKILL", SIGKILL, "killed while it took up run "}, /* as the kernel does, out of memory */
};

START_TEST(a_record_at_which_each_start_ends_is_left_out)
{
	RIG(r);
	if (is_sanitized())
		return;
	fixture_init(r);
	make_mortal(r);
	must(pb_rig_start(r, &err));
	fixture_alarm(r, "work-x", "ALARM");
	PB_CLEANUP(pb_freep) char *id = fixture_incident(r, "work-x", "running");
	fixture_at_step(r, "work-x", "verify");
	pb_rig_kill(r);

	/* Only a run's record says how it goes on. */
	PB_CLEANUP(pb_freep) char *how = pb_asprintf("%s \"n_steps\"\n", deaths[_i].name);
	must(pb_rig_write(r, "deadly", how, &err));
	for (int i = 0; i < 3; i++) {
		must(pb_rig_launch(r, &err));
		int status = pb_rig_wait(r, SOON);
		(void)printf("ended with %d\n", status);
		want(status == 128 + deaths[_i].number);
	}
	must(pb_rig_start(r, &err));
	want(pb_rig_logged(r, deaths[_i].words, 0));
	PB_CLEANUP(pb_freep) char *record = pb_asprintf("the record run %s is left out", id);
	want(pb_rig_logged(r, record, 0));

	/* The incident whose run nobody can read is paged, and the daemon goes on. */
	PB_JSON json_t *pages = pb_rig_pages(r, id, 1, 20 * PB_SECOND);
	want(json_array_size(pages) == 1);
	fixture_alarm(r, "fix-next", "ALARM");
	free(fixture_incident(r, "fix-next", "resolved"));

	/* And the next start leaves it out at once. */
	pb_rig_kill(r);
	must(pb_rig_write(r, "deadly", "", &err));
	must(pb_rig_start(r, &err));
	PB_CLEANUP(pb_freep) char *log = pb_rig_read(r, "daemon.log");
	const char *once = strstr(log, "of the store is left out");
	want(once != NULL && strstr(once + 1, "of the store is left out") != NULL);
	want(fixture_count_incidents(r, "work-x") == 1);
}
END_TEST

START_TEST(a_broken_claim_of_the_engine_ends_it_and_the_restart_pages)
{
	RIG(r);
	if (is_sanitized())
		return;
	fixture_init(r);
	make_mortal(r);
	must(pb_rig_start(r, &err));
	/* What a page is sent with. */
	must(pb_rig_write(r, "deadly", "none {s:s, s:s, s:s, s:o, s:s}\n", &err));
	fixture_alarm(r, "fail-x", "ALARM");
	int status = pb_rig_wait(r, SOON);
	(void)printf("ended with %d\n", status);
	want(status == 128 + SIGABRT);
	want(pb_rig_logged(r, "broken claim: spec != NULL", 0));
	must(pb_rig_start(r, &err));
	PB_JSON json_t *pages = pb_rig_pages(r, "fail-x", 1, SOON);
	want(json_array_size(pages) == 1);
}
END_TEST

PB_SUITE(death)
{
	pb_add_loop(s, a_record_at_which_each_start_ends_is_left_out, 0, PB_ARRAY_LEN(deaths));
	pb_add(s, a_broken_claim_of_the_engine_ends_it_and_the_restart_pages);
}
