/*
 * Crowds: incidents under the name by which they are looked for.
 */
#include "tests/unit/runner.h"

#include "engine/internal.h"

static struct incident someone[3];

static void
expect(const struct pb_map *home, const char *name, const char *want)
{
	size_t n;
	PB_CLEANUP(pb_freep) struct incident **list = crowd_list(home, name, &n);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < n; i++)
		pb_buf_addf(&b, "%td ", list[i] - someone);
	ck_assert_str_eq(b.ptr == NULL ? "" : b.ptr, want);
}

START_TEST(members_stand_in_the_order_they_came_and_go_from_anywhere)
{
	struct pb_map *home = pb_map_new();
	struct place places[3] = {{0}};
	for (size_t i = 0; i < 3; i++)
		crowd_join(home, "lock", &places[i], &someone[i]);
	expect(home, "lock", "0 1 2 ");
	crowd_leave(&places[1]);
	expect(home, "lock", "0 2 ");
	crowd_join(home, "lock", &places[1], &someone[1]);
	expect(home, "lock", "0 2 1 ");
	crowd_leave(&places[0]);
	expect(home, "lock", "2 1 ");
	ck_assert_uint_eq(crowd_count(home, "lock"), 2);
	pb_map_free(home, crowd_free);
}
END_TEST

START_TEST(a_place_is_in_one_crowd_and_the_last_to_leave_takes_it_along)
{
	struct pb_map *home = pb_map_new();
	struct place p = {0};
	crowd_join(home, "a", &p, &someone[0]);
	crowd_join(home, "a", &p, &someone[0]);
	expect(home, "a", "0 ");
	crowd_join(home, "b", &p, &someone[0]);
	expect(home, "a", "");
	expect(home, "b", "0 ");
	ck_assert_uint_eq(pb_map_len(home), 1);
	crowd_leave(&p);
	crowd_leave(&p);
	ck_assert_uint_eq(pb_map_len(home), 0);
	pb_map_free(home, crowd_free);
}
END_TEST

START_TEST(who_came_with_several_places_is_listed_once)
{
	struct pb_map *home = pb_map_new();
	struct place places[4] = {{0}};
	crowd_join(home, "alarm", &places[0], &someone[0]);
	crowd_join(home, "alarm", &places[1], &someone[1]);
	crowd_join(home, "alarm", &places[2], &someone[1]);
	crowd_join(home, "alarm", &places[3], &someone[2]);
	expect(home, "alarm", "0 1 2 ");
	pb_map_free(home, crowd_free);
}
END_TEST

PB_SUITE(crowd)
{
	pb_add(s, members_stand_in_the_order_they_came_and_go_from_anywhere);
	pb_add(s, a_place_is_in_one_crowd_and_the_last_to_leave_takes_it_along);
	pb_add(s, who_came_with_several_places_is_listed_once);
}
