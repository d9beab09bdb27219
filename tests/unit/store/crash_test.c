/*
 * Power cuts, by the thousand: at every write, cut, sync and delete of a small life of the store,
 * each with several ways to lose what was not synced.  After each the store opens, is sound, and
 * holds all that was acknowledged, in whole updates.
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/runner.h"
#include "tests/unit/store/crashvfs.h"
#include "tests/unit/store/fixture.h"

#define DIR "disk"
#define COMMITS 14

static const struct pb_store_options on_disk = {.vfs = "power"};

/* Update n: touches several tables, replaces what the one before wrote, drops something older. */
static struct pb_update *
update(int n)
{
	struct pb_update *u = pb_update_new(1000 + n);
	char id[32], old[32];
	(void)snprintf(id, sizeof(id), "20261123-%d", n);
	(void)snprintf(old, sizeof(old), "20261123-%d/restart", n - 3);
	put_incident(u, id, n % 3 == 0 ? "running" : "resolved", "sent");
	pb_update_put(u, PB_REC_META, "engine", "", "", json_pack("{s:i}", "n", n));
	pb_update_put(u, PB_REC_ALARM, "arn", "", "ALARM", json_pack("{s:i}", "n", n));
	pb_update_drop(u, PB_REC_STEP, old);
	return u;
}

/* A life: commits with a clean restart in the middle.  Returns how many were acknowledged. */
static int
live(void)
{
	int acked = 0;
	for (int half = 0; half < 2; half++) {
		PB_CLEANUP(pb_store_closep) struct pb_store *s = NULL;
		if (pb_store_open(DIR, &on_disk, &s, NULL) < 0)
			return acked;
		for (int i = 0; i < COMMITS / 2; i++) {
			struct pb_update *u = update(acked + 1);
			int r = pb_store_commit(s, u, NULL);
			pb_update_free(u);
			if (r < 0)
				return acked;
			acked++;
		}
	}
	return acked;
}

/* What the store looks like after n whole updates. */
static char *
expected_after(int n)
{
	struct pb_store *s;
	ck_assert_int_eq(pb_store_open_memory(&s, NULL), 0);
	for (int i = 1; i <= n; i++)
		commit(s, update(i));
	char *text = dump(s);
	pb_store_close(s);
	return text;
}

struct tally {
	char *expected[COMMITS + 1];
	unsigned long n_cuts, n_lost, n_ahead;
};

/* Opens the store after a cut and looks.  Counts an acknowledged update that is gone. */
static void
look_after(struct tally *t, int acked, uint64_t point)
{
	struct pb_error err = {0};
	struct pb_store *s = NULL;
	int r = pb_store_open(DIR, &on_disk, &s, &err);
	ck_assert_msg(r == 0, "point %lu, %d acknowledged: %s", point, acked, err.text);
	PB_CLEANUP(pb_freep) char *text = dump(s);
	pb_store_close(s);
	t->n_cuts++;
	if (strcmp(text, t->expected[acked]) == 0)
		return;
	if (acked < COMMITS && strcmp(text, t->expected[acked + 1]) == 0) {
		t->n_ahead++;
		return;
	}
	bool is_older = false;
	for (int i = 0; i < acked; i++)
		is_older = is_older || strcmp(text, t->expected[i]) == 0;
	ck_assert_msg(
	    is_older, "point %lu, %d acknowledged: parts of updates:\n%s", point, acked, text);
	t->n_lost++;
}

/* Cuts the power at each point in turn until the life ends without one. */
static void
cut_everywhere(struct crashvfs *v, enum crashvfs_loss loss, uint64_t seed, struct tally *t)
{
	for (uint64_t point = 1;; point++) {
		crashvfs_wipe(v);
		crashvfs_arm(v, point, loss, seed * 100000 + point);
		int acked = live();
		if (!crashvfs_is_down(v)) {
			ck_assert_int_eq(acked, COMMITS);
			break;
		}
		crashvfs_restart(v);
		look_after(t, acked, point);
	}
}

static void
tally_init(struct tally *t)
{
	*t = (struct tally){0};
	for (int i = 0; i <= COMMITS; i++)
		t->expected[i] = expected_after(i);
}

static void
tally_fini(struct tally *t)
{
	for (int i = 0; i <= COMMITS; i++)
		free(t->expected[i]);
}

static const struct {
	enum crashvfs_loss loss;
	uint64_t seed;
} ways[] = {
    {CRASHVFS_LOSE, 1},
    {CRASHVFS_KEEP, 1},
    {CRASHVFS_DRAW, 1},
    {CRASHVFS_DRAW, 2},
    {CRASHVFS_DRAW, 3},
    {CRASHVFS_DRAW, 4},
};

START_TEST(no_power_cut_loses_what_was_acknowledged)
{
	struct crashvfs *v = crashvfs_new("power");
	struct tally t;
	tally_init(&t);
	cut_everywhere(v, ways[_i].loss, ways[_i].seed, &t);
	ck_assert_uint_eq(t.n_lost, 0);
	ck_assert_uint_gt(t.n_cuts, 300);
	if (ways[_i].loss == CRASHVFS_KEEP)
		ck_assert_uint_gt(t.n_ahead, 0);
	tally_fini(&t);
	crashvfs_free(v);
}
END_TEST

/* Also a cut while the cut before is being recovered from. */
START_TEST(a_power_cut_during_recovery_loses_nothing)
{
	struct crashvfs *v = crashvfs_new("power");
	struct tally t;
	tally_init(&t);
	for (uint64_t first = 100; first < 400; first += 23)
		for (uint64_t second = 1; second < 12; second++) {
			crashvfs_wipe(v);
			crashvfs_arm(v, first, CRASHVFS_DRAW, first);
			int acked = live();
			ck_assert(crashvfs_is_down(v));
			crashvfs_restart(v);
			crashvfs_arm(v, second, CRASHVFS_DRAW, second);
			struct pb_store *s = NULL;
			if (pb_store_open(DIR, &on_disk, &s, NULL) == 0)
				pb_store_close(s);
			crashvfs_restart(v);
			look_after(&t, acked, first);
		}
	ck_assert_uint_eq(t.n_lost, 0);
	tally_fini(&t);
	crashvfs_free(v);
}
END_TEST

START_TEST(the_power_cuts_bite_on_a_disk_that_lies_about_sync)
{
	struct crashvfs *v = crashvfs_new("power");
	struct tally t;
	tally_init(&t);
	int n_broken = 0;
	for (uint64_t point = 150; point < 400; point += 10) {
		crashvfs_wipe(v);
		crashvfs_set_lying(v, true);
		crashvfs_arm(v, point, CRASHVFS_LOSE, point);
		int acked = live();
		crashvfs_restart(v);
		crashvfs_set_lying(v, false);
		struct pb_store *s = NULL;
		if (acked == 0)
			continue;
		if (pb_store_open(DIR, &on_disk, &s, NULL) < 0) {
			n_broken++;
			continue;
		}
		PB_CLEANUP(pb_freep) char *text = dump(s);
		pb_store_close(s);
		n_broken += strcmp(text, t.expected[acked]) != 0;
	}
	ck_assert_int_gt(n_broken, 10);
	tally_fini(&t);
	crashvfs_free(v);
}
END_TEST

PB_SUITE(store_crash)
{
	pb_add_loop(s, no_power_cut_loses_what_was_acknowledged, 0, (int)PB_ARRAY_LEN(ways));
	pb_add(s, a_power_cut_during_recovery_loses_nothing);
	pb_add(s, the_power_cuts_bite_on_a_disk_that_lies_about_sync);
}
