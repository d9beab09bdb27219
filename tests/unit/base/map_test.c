/*
 * The map against a plain array, the heap against a linear search.
 */
#include "base/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rand.h"
#include "tests/unit/runner.h"

static int values[2000];

START_TEST(a_map_gives_back_what_was_put)
{
	struct pb_map *m = pb_map_new();
	ck_assert_ptr_null(pb_map_get(m, "a"));
	ck_assert_ptr_null(pb_map_del(m, "a"));
	ck_assert_ptr_null(pb_map_put(m, "a", &values[0]));
	ck_assert_ptr_eq(pb_map_put(m, "a", &values[1]), &values[0]);
	ck_assert_ptr_null(pb_map_put(m, "", &values[2]));
	ck_assert_uint_eq(pb_map_len(m), 2);
	ck_assert_ptr_eq(pb_map_get(m, "a"), &values[1]);
	ck_assert_ptr_eq(pb_map_get(m, ""), &values[2]);
	ck_assert_ptr_eq(pb_map_del(m, "a"), &values[1]);
	ck_assert_ptr_null(pb_map_get(m, "a"));
	ck_assert_uint_eq(pb_map_len(m), 1);
	pb_map_free(m, NULL);
	pb_map_free(NULL, NULL);
}
END_TEST

START_TEST(a_map_is_walked_in_order_of_insertion)
{
	struct pb_map *m = pb_map_new();
	char key[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		pb_map_put(m, key, &values[i]);
	}
	pb_map_del(m, "key-1");
	pb_map_put(m, "key-0", &values[0]); /* replacing does not move */
	pb_map_put(m, "key-1", &values[1]); /* putting anew does */
	const char *k;
	void *v;
	int n = 0;
	for (size_t i = 0; pb_map_next(m, &i, &k, &v); n++) {
		int expected = n == 0 ? 0 : n == 999 ? 1 : n + 1;
		ck_assert_ptr_eq(v, &values[expected]);
	}
	ck_assert_int_eq(n, 1000);
	pb_map_free(m, NULL);
}
END_TEST

START_TEST(the_entry_at_hand_may_be_removed)
{
	struct pb_map *m = pb_map_new();
	char name[16];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		pb_map_put(m, name, &values[i]);
	}
	const char *key;
	int n = 0;
	for (size_t i = 0; pb_map_next(m, &i, &key, NULL); n++)
		ck_assert_ptr_eq(pb_map_del(m, key), &values[n]);
	ck_assert_int_eq(n, 100);
	ck_assert_uint_eq(pb_map_len(m), 0);
	size_t i = 0;
	ck_assert(!pb_map_next(m, &i, &key, NULL));
	pb_map_free(m, NULL);
}
END_TEST

START_TEST(a_map_does_what_an_array_would)
{
	struct pb_map *m = pb_map_new();
	void *shadow[200] = {0};
	struct pb_rand r;
	char key[32];
	size_t n = 0;
	pb_rand_seed(&r, 42);
	for (int i = 0; i < 100000; i++) {
		size_t k = (size_t)pb_rand_below(&r, 200);
		snprintf(key, sizeof(key), "a-rather-long-key-%zu", k);
		if (pb_rand_below(&r, 2) == 0) {
			void *value = &values[pb_rand_below(&r, 2000)];
			n += shadow[k] == NULL;
			ck_assert_ptr_eq(pb_map_put(m, key, value), shadow[k]);
			shadow[k] = value;
		} else {
			n -= shadow[k] != NULL;
			ck_assert_ptr_eq(pb_map_del(m, key), shadow[k]);
			shadow[k] = NULL;
		}
		ck_assert_uint_eq(pb_map_len(m), n);
		ck_assert_ptr_eq(pb_map_get(m, key), shadow[k]);
	}
	pb_map_free(m, NULL);
}
END_TEST

START_TEST(freeing_a_map_frees_its_values)
{
	struct pb_map *m = pb_map_new();
	pb_map_put(m, "a", pb_strdup("x"));
	pb_map_put(m, "b", pb_strdup("y"));
	free(pb_map_del(m, "a"));
	pb_map_free(m, free);
}
END_TEST

START_TEST(timers_fire_in_order_and_ties_in_order_of_setting)
{
	struct pb_heap h;
	struct pb_timer t[4] = {0};
	pb_heap_init(&h);
	ck_assert_ptr_null(pb_heap_first(&h));
	pb_heap_set(&h, &t[0], 20);
	pb_heap_set(&h, &t[1], 10);
	pb_heap_set(&h, &t[2], 10);
	pb_heap_set(&h, &t[3], -5);
	static const int order[] = {3, 1, 2, 0};
	for (size_t i = 0; i < 4; i++) {
		struct pb_timer *first = pb_heap_first(&h);
		ck_assert_ptr_eq(first, &t[order[i]]);
		pb_heap_clear(&h, first);
		pb_heap_clear(&h, first);
	}
	ck_assert_ptr_null(pb_heap_first(&h));
	pb_heap_fini(&h);
}
END_TEST

START_TEST(a_timer_set_to_never_is_not_in_the_heap)
{
	struct pb_heap h;
	struct pb_timer t = {0};
	pb_heap_init(&h);
	pb_heap_set(&h, &t, INT64_MAX);
	ck_assert_ptr_null(pb_heap_first(&h));
	pb_heap_set(&h, &t, 1);
	pb_heap_set(&h, &t, INT64_MAX);
	ck_assert_ptr_null(pb_heap_first(&h));
	ck_assert_uint_eq(t.index, 0);
	pb_heap_set(&h, &t, 1);
	pb_heap_fini(&h);
	ck_assert_uint_eq(t.index, 0);
}
END_TEST

START_TEST(the_heap_finds_what_a_search_would)
{
	struct pb_heap h;
	struct pb_timer t[64] = {0};
	struct pb_rand r;
	pb_heap_init(&h);
	pb_rand_seed(&r, 7);
	for (int i = 0; i < 50000; i++) {
		struct pb_timer *one = &t[pb_rand_below(&r, 64)];
		if (pb_rand_below(&r, 3) == 0)
			pb_heap_clear(&h, one);
		else
			pb_heap_set(&h, one, pb_rand_below(&r, 50));
		const struct pb_timer *least = NULL;
		for (size_t k = 0; k < PB_ARRAY_LEN(t); k++) {
			if (t[k].index == 0)
				continue;
			if (least == NULL || t[k].at < least->at ||
			    (t[k].at == least->at && t[k].seq < least->seq))
				least = &t[k];
		}
		ck_assert_ptr_eq(pb_heap_first(&h), least);
	}
	pb_heap_fini(&h);
}
END_TEST

PB_SUITE(map)
{
	pb_add(s, a_map_gives_back_what_was_put);
	pb_add(s, a_map_is_walked_in_order_of_insertion);
	pb_add(s, the_entry_at_hand_may_be_removed);
	pb_add(s, a_map_does_what_an_array_would);
	pb_add(s, freeing_a_map_frees_its_values);
	pb_add(s, timers_fire_in_order_and_ties_in_order_of_setting);
	pb_add(s, a_timer_set_to_never_is_not_in_the_heap);
	pb_add(s, the_heap_finds_what_a_search_would);
}
