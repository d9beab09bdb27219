/*
 * One unit-test file:
 *     START_TEST(a_thing_holds) { ... } END_TEST
 *     PB_SUITE(text)
 *     {
 *             pb_add(s, a_thing_holds);
 *     }
 */
#ifndef PB_TESTS_RUNNER_H
#define PB_TESTS_RUNNER_H

#include <check.h>

struct pb_suite_entry {
	const char *name;
	void (*fill)(Suite *s);
	struct pb_suite_entry *next;
};
void pb_suite_register(struct pb_suite_entry *entry);

#define PB_SUITE(NAME)                                                                             \
	static void pb_fill_##NAME(Suite *s);                                                      \
	__attribute__((constructor)) static void pb_register_##NAME(void)                          \
	{                                                                                          \
		static struct pb_suite_entry entry = {#NAME, pb_fill_##NAME, NULL};                \
		pb_suite_register(&entry);                                                         \
	}                                                                                          \
	static void pb_fill_##NAME(Suite *s)

/* Adds one test as a case of its own name, so that T=NAME finds it. */
#define pb_add(s, test) pb_add_loop(s, test, 0, 1)
/* The same for a table test: `_i` runs from first to end-1. */
#define pb_add_loop(s, test, first, end)                                                           \
	do {                                                                                       \
		TCase *tc_ = tcase_create(#test);                                                  \
		tcase_set_timeout(tc_, 60);                                                        \
		tcase_add_loop_test(tc_, test, first, end);                                        \
		suite_add_tcase(s, tc_);                                                           \
	} while (0)

#endif
