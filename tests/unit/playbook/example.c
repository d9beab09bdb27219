/*
 * The commented example that is installed, and whole sets.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

START_TEST(the_commented_example_is_accepted)
{
	struct pb_config *c = pb_test_load_file("conf/playbookd.example.yaml");
	ck_assert_uint_eq(c->n_playbooks, 2);
	ck_assert_uint_eq(c->n_sources, 2);
	ck_assert_uint_eq(c->n_channels, 4);
	ck_assert_uint_eq(c->n_contacts, 3);
	ck_assert_uint_eq(c->playbooks[0].n_steps, 4);
	ck_assert_ptr_nonnull(c->matcher);
	pb_config_unref(c);
}
END_TEST

/* The worked example of the format: every part of it at once. */
START_TEST(the_worked_example_is_accepted)
{
	pb_zone_use(pb_test_zone);
	size_t len;
	PB_CLEANUP(pb_freep) char *text = pb_test_read("tests/unit/playbook/worked.yaml", &len);
	struct pb_config_file f = {(char *)(uintptr_t) "worked.yaml", text, len};
	struct pb_config *c = NULL;
	struct pb_problems problems;
	int rc = pb_config_parse(&f, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	ck_assert_uint_eq(c->n_playbooks, 1);
	ck_assert_uint_eq(c->playbooks[0].n_steps, 5);
	ck_assert_uint_eq(c->n_channels, 5);
	ck_assert_uint_eq(c->n_schedules, 2);
	ck_assert_uint_eq(c->n_budgets, 1);
	ck_assert_uint_eq(c->n_maintenance, 1);
	ck_assert(c->sources[0].honours_mutes);
	ck_assert(!c->sources[1].honours_mutes);
	pb_config_unref(c);
}
END_TEST

START_TEST(the_example_is_read_into_its_fields)
{
	struct pb_config *c = pb_test_load_file("conf/playbookd.example.yaml");
	const struct pb_playbook *p = &c->playbooks[0];
	ck_assert_str_eq(p->owner, "payments");
	ck_assert_str_eq(p->severity, "critical");
	ck_assert_int_eq(p->hold_for, PB_MINUTE);
	ck_assert_int_eq(p->page_by_for, 9 * PB_MINUTE);
	ck_assert_int_eq(p->max_age_for, PB_DEFAULT_MAX_AGE);
	ck_assert(p->resolve_on_ok);
	ck_assert_uint_eq(p->escalation, 0);

	ck_assert_int_eq((int)p->steps[0].effect, PB_EFFECT_READ);
	ck_assert_int_eq((int)p->steps[0].on_interrupted, PB_INTERRUPTED_RETRY);
	ck_assert_uint_eq(p->steps[0].retry.n, 1);
	ck_assert_str_eq(p->steps[0].retry.items[0].errors[1], "Network");
	ck_assert(p->steps[0].retry.items[0].jitter_full);
	ck_assert_uint_eq(p->steps[0].n_argv, 3);

	ck_assert_int_eq((int)p->steps[1].effect, PB_EFFECT_ONCE);
	ck_assert_int_eq((int)p->steps[1].on_interrupted, PB_INTERRUPTED_ASK);
	ck_assert_int_eq(p->steps[1].attempt_timeout_for, 40 * PB_SECOND);
	ck_assert(p->steps[1].has_own_retry);
	ck_assert_int_eq(p->steps[1].retry.items[0].interval_for, 5 * PB_SECOND);
	ck_assert_uint_eq(p->steps[1].catchers[0].next, 2);
	ck_assert_uint_eq(p->steps[1].catchers[1].next, PB_NEXT_ESCALATE);

	ck_assert_str_eq(p->steps[2].service, "sqs");
	ck_assert_str_eq(p->steps[2].operation, "SendMessage");
	ck_assert_int_eq((int)p->steps[2].on_failure, PB_FAILURE_CONTINUE);

	ck_assert_int_eq((int)p->steps[3].kind, PB_STEP_VERIFY);
	ck_assert_int_eq((int)p->steps[3].conditions[0].state, PB_ALARM_OK);
	ck_assert_int_eq(p->steps[3].conditions[0].held_for, 2 * PB_MINUTE);

	ck_assert_int_eq(c->escalations[0].levels[0].repeat_every, 4 * PB_MINUTE);
	ck_assert_int_eq(c->escalations[0].levels[2].after_for, 20 * PB_MINUTE);
	ck_assert_uint_eq(c->escalations[0].levels[2].n_notify, 3);
	ck_assert_int_eq(c->escalations[0].ack_expires_for, 45 * PB_MINUTE);
	ck_assert_uint_eq(c->unmatched_escalation, 0);
	ck_assert_int_eq((int)c->unmatched_alarms, PB_UNMATCHED_ESCALATE);
	ck_assert_int_eq((int)c->unmatched_events, PB_UNMATCHED_DROP);
	pb_config_unref(c);
}
END_TEST

START_TEST(a_set_comes_back_from_the_store_with_its_effects)
{
	struct pb_config *c = pb_test_load_file("conf/playbookd.example.yaml"), *back = NULL;
	struct pb_error err = {0};
	json_t *j = pb_config_to_json(c);
	ck_assert_str_eq(pb_json_str(json_array_get(pb_json_get(j, "files"), 0), "name"),
	    "playbookd.example.yaml");
	ck_assert_msg(pb_config_from_json(j, &back, &err) == 0, "%s", err.text);
	ck_assert_str_eq(back->digest, c->digest);
	ck_assert_int_eq(
	    (int)c->playbooks[0].steps[2].effect, PB_EFFECT_IDEMPOTENT); /* by the test's AWS */
	ck_assert_int_eq((int)back->playbooks[0].steps[2].effect, PB_EFFECT_IDEMPOTENT);
	ck_assert_int_eq((int)back->playbooks[0].steps[2].on_interrupted, PB_INTERRUPTED_RETRY);
	json_decref(j);
	pb_config_unref(back);
	pb_config_unref(c);
}
END_TEST

START_TEST(a_damaged_stored_set_is_refused)
{
	static const char *const rows[] = {"{}", "{\"files\":[{}]}", "{\"files\":[]}", "null",
	    "{\"files\":[{\"name\":\"a\",\"text\":\"version: 2\"}]}"};
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++) {
		struct pb_config *c = NULL;
		struct pb_error err = {0};
		json_t *j = json_loads(rows[i], JSON_DECODE_ANY, NULL);
		ck_assert_int_eq(pb_config_from_json(j, &c, &err), -1);
		ck_assert_int_eq((int)err.kind, PB_CORRUPT);
		ck_assert_ptr_null(c);
		json_decref(j);
	}
}
END_TEST

static void
digest_of(const char *const *names, const char *const *texts, char out[PB_SHA256_TEXT])
{
	struct pb_config_file files[2];
	struct pb_problems problems;
	struct pb_config *c = NULL;
	for (size_t i = 0; i < 2; i++)
		files[i] = pb_test_file(names[i], texts[i]);
	int rc = pb_config_parse(files, 2, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	memcpy(out, c->digest, PB_SHA256_TEXT);
	pb_problems_fini(&problems);
	pb_config_unref(c);
}

START_TEST(the_digest_is_of_names_and_bytes_and_not_of_folders)
{
	static const char one[] = "version: 1\nunmatched: {alarms: drop, events: drop}\n";
	static const char two[] = "version: 1\n";
	static const char more[] = "version: 1\n# a comment\n";
	char a[PB_SHA256_TEXT], b[PB_SHA256_TEXT];
	digest_of((const char *[]){"/etc/x/a.yaml", "b.yaml"}, (const char *[]){one, two}, a);
	digest_of((const char *[]){"/other/a.yaml", "c/b.yaml"}, (const char *[]){one, two}, b);
	ck_assert_str_eq(a, b);
	digest_of((const char *[]){"a.yaml", "b2.yaml"}, (const char *[]){one, two}, b);
	ck_assert_str_ne(a, b);
	digest_of((const char *[]){"a.yaml", "b.yaml"}, (const char *[]){one, more}, b);
	ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(names_hold_across_files)
{
	struct pb_config_file files[] = {
	    pb_test_file("playbookd.yaml",
		"version: 1\nunmatched: {alarms: drop, events: drop}\n"
		"playbooks: [{name: a, match: {source: [x]}, escalate: later}]\n"),
	    pb_test_file("more.yaml",
		PB_TEST_PEOPLE
		"playbooks: [{name: b, match: {source: [y]}, escalate: later}]\n"
		"escalations: [{name: later, levels: [{notify: [ana], via: [pager]}]}]\n"),
	};
	struct pb_config *c = NULL;
	struct pb_problems problems;
	int rc = pb_config_parse(files, 2, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	ck_assert_uint_eq(pb_config_find_playbook(c, "b"), 1);
	ck_assert_uint_eq(pb_config_find_playbook(c, "c"), PB_NONE);
	ck_assert_str_eq(c->playbooks[1].file, "more.yaml");
	ck_assert_int_eq(c->playbooks[1].line, 4);
	pb_problems_fini(&problems);
	pb_config_unref(c);
}
END_TEST

START_TEST(without_defaults_the_built_in_ones_hold)
{
	struct pb_config *c = pb_test_load(PB_TEST_HEAD
	    "playbooks: [{name: a, match: {source: [x]}, escalate: e, steps: [\n"
	    "  {name: s, action: exec, argv: [/bin/true]}, {name: v, action: verify, all: [\n"
	    "  {alarm: \"${alarm.arn}\", state: OK}]}]}]\n");
	const struct pb_playbook *p = &c->playbooks[0];
	ck_assert_int_eq(p->page_by_for, PB_DEFAULT_PAGE_BY);
	ck_assert_int_eq(p->hold_for, 0);
	ck_assert_int_eq(p->verify_timeout_for, PB_DEFAULT_VERIFY_TIMEOUT);
	ck_assert_str_eq(p->severity, "error");
	ck_assert_int_eq(p->steps[0].timeout_for, PB_DEFAULT_STEP_TIMEOUT);
	ck_assert_uint_eq(p->steps[0].retry.n, 1);
	ck_assert_str_eq(p->steps[0].retry.items[0].errors[0], "Throttling");
	ck_assert_uint_eq(p->steps[1].retry.n, 0);
	ck_assert_int_eq(c->output_capture_max, 64 * 1024);
	ck_assert_int_eq(c->escalations[0].ack_expires_for, PB_DEFAULT_ACK_EXPIRES);
	pb_config_unref(c);
}
END_TEST

START_TEST(scalars_in_patterns_follow_json)
{
	struct pb_config *c =
	    pb_test_load(PB_TEST_HEAD "playbooks: [{name: a, match: {detail: {n: [1], t: [\"1\"], "
				      "b: [true], no: [no], e: [1e1]}},\n"
				      "  escalate: e}]\n");
	json_t *yes = json_loads(
	    "{\"detail\":{\"n\":1,\"t\":\"1\",\"b\":true,\"no\":\"no\",\"e\":10}}", 0, NULL);
	json_t *not = json_loads(
	    "{\"detail\":{\"n\":\"1\",\"t\":\"1\",\"b\":true,\"no\":\"no\",\"e\":10}}", 0, NULL);
	ck_assert(pb_pattern_match(c->playbooks[0].match, yes));
	ck_assert(!pb_pattern_match(c->playbooks[0].match, not ));
	json_decref(yes);
	json_decref(not );
	pb_config_unref(c);
}
END_TEST

START_TEST(json_is_accepted_since_it_is_yaml)
{
	struct pb_config *c = pb_test_load(
	    "{\"version\": 1, \"unmatched\": {\"alarms\": \"drop\", \"events\": \"drop\"}}");
	ck_assert_uint_eq(c->n_playbooks, 0);
	pb_config_unref(c);
}
END_TEST

/* Cut anywhere, the example is refused with a place or it is whole as far as it goes; no third. */
START_TEST(every_prefix_is_refused_or_complete)
{
	size_t len, n_good = 0;
	char *text = pb_test_read("conf/playbookd.example.yaml", &len);
	for (size_t n = 0; n <= len; n++) {
		struct pb_config_file f = {(char *)(uintptr_t) "a.yaml", text, n};
		struct pb_config *c = NULL;
		struct pb_problems problems;
		int rc = pb_config_parse(&f, 1, pb_test_aws, &c, &problems);
		ck_assert(rc == 0 ? c != NULL && problems.n == 0 : c == NULL && problems.n > 0);
		for (size_t i = 0; i < problems.n; i++)
			ck_assert_msg(
			    strncmp(problems.texts[i], "a.yaml:", 7) == 0, "%s", problems.texts[i]);
		n_good += rc == 0;
		pb_problems_fini(&problems);
		pb_config_unref(c);
	}
	ck_assert_uint_gt(n_good, 0);
	free(text);
}
END_TEST

PB_SUITE(example)
{
	pb_add(s, the_commented_example_is_accepted);
	pb_add(s, the_worked_example_is_accepted);
	pb_add(s, the_example_is_read_into_its_fields);
	pb_add(s, a_set_comes_back_from_the_store_with_its_effects);
	pb_add(s, a_damaged_stored_set_is_refused);
	pb_add(s, the_digest_is_of_names_and_bytes_and_not_of_folders);
	pb_add(s, names_hold_across_files);
	pb_add(s, without_defaults_the_built_in_ones_hold);
	pb_add(s, scalars_in_patterns_follow_json);
	pb_add(s, json_is_accepted_since_it_is_yaml);
	pb_add(s, every_prefix_is_refused_or_complete);
}
