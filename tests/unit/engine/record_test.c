/*
 * Updates as they are built up.
 */
#include "engine/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/runner.h"

START_TEST(the_last_record_of_a_key_replaces_the_one_before_in_its_place)
{
	struct pb_update *u = pb_update_new(42);
	pb_update_put(u, PB_REC_RUN, "1", "1", "active", json_object());
	pb_update_put(u, PB_REC_LADDER, "1", "1", "armed", json_object());
	pb_update_put(u, PB_REC_RUN, "1", "1", "passed", json_pack("{s:i}", "n", 2));
	pb_update_drop(u, PB_REC_LADDER, "1");
	ck_assert_uint_eq(u->n_records, 2);
	ck_assert_str_eq(u->records[0].state, "passed");
	ck_assert_int_eq(u->records[0].at, 42);
	ck_assert_int_eq(u->records[1].kind, PB_REC_LADDER);
	ck_assert_ptr_null(u->records[1].body);
	pb_update_free(u);
}
END_TEST

START_TEST(a_large_update_keeps_its_order)
{
	struct pb_update *u = pb_update_new(1);
	char key[32];
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			(void)snprintf(key, sizeof(key), "k%d", i);
			pb_update_put(
			    u, PB_REC_ALARM, key, "", round == 0 ? "OK" : "ALARM", json_object());
		}
	ck_assert_uint_eq(u->n_records, 5000);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		ck_assert_str_eq(u->records[i].key, key);
		ck_assert_str_eq(u->records[i].state, "ALARM");
	}
	pb_update_free(u);
}
END_TEST

START_TEST(an_action_keeps_the_spec_it_was_decided_with)
{
	struct pb_update *u = pb_update_new(1);
	json_t *spec = json_pack("{s:{s:s}}", "stdin", "a", "1");
	pb_update_start(u, "i/fix/1", "i", false, 1000, spec);
	json_object_set_new(json_object_get(spec, "stdin"), "a", json_string("2"));
	json_decref(spec);
	const json_t *in = json_object_get(u->starts[0].spec, "stdin");
	ck_assert_str_eq(json_string_value(json_object_get(in, "a")), "1");
	ck_assert_int_eq(u->starts[0].limit_for, 1000);
	pb_update_free(u);
}
END_TEST

START_TEST(nobody_waits_under_the_number_zero)
{
	struct pb_update *u = pb_update_new(1);
	pb_update_receipt(u, 0);
	pb_update_reply(u, 0, 200, json_object());
	ck_assert_uint_eq(u->n_receipts, 0);
	ck_assert_uint_eq(u->n_replies, 0);
	pb_update_receipt(u, 5);
	pb_update_reply(u, 6, 404, json_object());
	pb_update_cancel(u, "i/fix/1");
	pb_update_note(u, NULL, NULL, NULL, "boot", "%d%%", 7);
	ck_assert_uint_eq(u->receipts[0], 5);
	ck_assert_int_eq(u->replies[0].status, 404);
	ck_assert_str_eq(u->cancels[0], "i/fix/1");
	ck_assert_str_eq(u->notes[0].incident, "");
	ck_assert_str_eq(u->notes[0].text, "7%");
	pb_update_free(u);
}
END_TEST

START_TEST(each_kind_of_record_has_a_name_of_its_own)
{
	for (unsigned a = 0; a < PB_REC_MAX; a++)
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(pb_record_kind_name((enum pb_record_kind)a),
			    pb_record_kind_name((enum pb_record_kind)b));
}
END_TEST

PB_SUITE(record)
{
	pb_add(s, the_last_record_of_a_key_replaces_the_one_before_in_its_place);
	pb_add(s, a_large_update_keeps_its_order);
	pb_add(s, an_action_keeps_the_spec_it_was_decided_with);
	pb_add(s, nobody_waits_under_the_number_zero);
	pb_add(s, each_kind_of_record_has_a_name_of_its_own);
}
