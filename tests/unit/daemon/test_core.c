/*
 * The core: what it tells the engine of the wall clock.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "tests/unit/daemon/api_world.h"

/* The notes so far, each on a line. */
static char *
story(struct pb_core *core)
{
	json_t *notes = NULL;
	size_t i;
	const json_t *n;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	ck_assert_int_eq(pb_store_notes(pb_core_store(core), 0, NULL, 100, &notes, NULL), 0);
	json_array_foreach (notes, i, n)
		pb_buf_addf(&b, "%s %s\n", pb_json_str(n, "kind"), pb_json_str(n, "text"));
	json_decref(notes);
	return pb_buf_take(&b);
}

static void
assert_told(struct pb_core *core, const char *wanted)
{
	PB_CLEANUP(pb_freep) char *text = story(core);
	ck_assert_msg(strstr(text, wanted) != NULL, "no \"%s\" in:\n%s", wanted, text);
}

START_TEST(a_clock_that_is_set_is_told_and_moves_no_deadline)
{
	struct api_world w;
	api_open(&w);
	int64_t now = pb_core_now(w.core);
	pb_clock_shift_wall(-2 * PB_HOUR);
	free(api_incident_open(&w, "tell-1"));
	assert_told(w.core, "clock the wall clock was set back by 2h, to ");
	ck_assert_int_ge(pb_core_now(w.core), now);
	pb_clock_shift_wall(2 * PB_HOUR);
	free(api_incident_open(&w, "tell-2"));
	assert_told(w.core, "clock the wall clock was set forward by 2h, to ");
	assert_told(w.core, ": it is the time that deadlines are kept by; no deadline moves\n");
	api_close(&w);
}
END_TEST

START_TEST(answers_say_how_far_the_clock_is)
{
	static const char *const asked[][2] = {{"GET", "/v1/status"}, {"GET", "/v1/incidents"},
	    {"GET", "/v1/quarantine"}, {"GET", "/v1/silences"}, {"POST", "/v1/incidents/1/ack"},
	    {"GET", "/v1/incidents/1"}, {"GET", "/v1/why?of=1"}};
	struct api_world w;
	api_open(&w);
	pb_clock_shift_wall(-2 * PB_HOUR);
	free(api_incident_open(&w, "tell-1"));
	for (size_t i = 0; i < PB_ARRAY_LEN(asked); i++) {
		PB_JSON json_t *j = api_ask(&w, asked[i][0], asked[i][1], NULL);
		ck_assert_msg(
		    w.status == 200 && pb_json_i64(j, "clock_ahead_for", 0) == -2 * PB_HOUR,
		    "%s: %s", asked[i][1], w.head);
	}
	json_decref(api_ask(&w, "GET", "/v1/tail?limit=1", NULL));
	ck_assert_msg(strstr(w.head, "\"clock_ahead_for\":-7200000") != NULL, "%s", w.head);
	api_close(&w);
}
END_TEST

START_TEST(less_than_a_second_is_nothing)
{
	struct api_world w;
	api_open(&w);
	pb_clock_shift_wall(-PB_SECOND / 2);
	free(api_incident_open(&w, "tell-1"));
	PB_CLEANUP(pb_freep) char *text = story(w.core);
	ck_assert_msg(strstr(text, "clock ") == NULL, "%s", text);
	api_close(&w);
}
END_TEST

static void
drop_note(void *arg, const struct pb_note *note)
{
	(void)arg, (void)note;
}

static void
refused(const struct pb_record *r, const struct pb_error *why, void *arg)
{
	(void)arg;
	ck_abort_msg("%s: %s", r->key, why->text);
}

START_TEST(a_store_later_than_the_clock_is_told_at_the_start)
{
	struct api_world w;
	struct pb_store *store;
	api_open(&w);
	ck_assert_int_eq(pb_store_open_memory(&store, NULL), 0);
	struct pb_update *u = pb_update_new(pb_clock_wall() + PB_DAY + PB_MINUTE);
	pb_update_note(u, "", "", "", "boot", "a day and a minute from now");
	ck_assert_int_eq(pb_store_commit(store, u, NULL), 0);
	pb_update_free(u);
	PB_CLEANUP(pb_config_unrefp) struct pb_config *config = api_config_make();
	const struct pb_engine_options options = {.seed = 1, .host = "testhost"};
	static const struct pb_core_ops ops = {.note = drop_note};
	struct pb_core *core = pb_core_new(w.loop, store, config, &options, &ops, NULL);
	ck_assert_int_eq(pb_core_boot(core, NULL, refused, NULL, NULL), 0);
	assert_told(core,
	    "clock the wall clock is 1d behind the time that deadlines are kept by; "
	    "no deadline moves\nboot 0 open incidents");
	pb_core_free(core);
	api_close(&w);
}
END_TEST

START_TEST(a_start_counts_what_the_last_one_did_not_see)
{
	struct api_world w;
	struct pb_store *store;
	struct pb_clock_mark mark;
	api_open(&w);
	PB_CLEANUP(pb_config_unrefp) struct pb_config *config = api_config_make();
	const struct pb_engine_options options = {.seed = 1, .host = "testhost"};
	static const struct pb_core_ops ops = {.note = drop_note};
	ck_assert_int_eq(pb_store_clock(pb_core_store(w.core), &mark, NULL), 0);
	ck_assert_int_ne(mark.host_start, 0);
	/* Left behind an hour ago, and the clock was set back meanwhile. */
	mark.ahead += PB_HOUR;
	ck_assert_int_eq(pb_store_open_memory(&store, NULL), 0);
	ck_assert_int_eq(pb_store_keep_clock(store, &mark, NULL), 0);
	int64_t stopped_at = pb_core_now(w.core);
	pb_clock_shift_wall(-2 * PB_HOUR);
	struct pb_core *core = pb_core_new(w.loop, store, config, &options, &ops, NULL);
	ck_assert_int_eq(pb_core_boot(core, NULL, refused, NULL, NULL), 0);
	ck_assert_int_ge(pb_core_now(core), stopped_at + PB_HOUR);
	assert_told(core, "clock the wall clock is 3h behind the time that deadlines are kept by");
	/* And so does the one behind it. */
	ck_assert_int_eq(pb_store_clock(store, &mark, NULL), 0);
	ck_assert_int_ge(mark.ahead + pb_clock_mono(), stopped_at + PB_HOUR);
	pb_core_free(core);
	api_close(&w);
}
END_TEST

PB_SUITE(core)
{
	pb_add(s, a_start_counts_what_the_last_one_did_not_see);
	pb_add(s, a_clock_that_is_set_is_told_and_moves_no_deadline);
	pb_add(s, answers_say_how_far_the_clock_is);
	pb_add(s, less_than_a_second_is_nothing);
	pb_add(s, a_store_later_than_the_clock_is_told_at_the_start);
}
