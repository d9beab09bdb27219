/*
 * The main of every unit-test program.  Each file of tests/unit/<library> has one function
 *     void pb_suite_NAME(Suite *s)
 * that adds its test cases, and names it in PB_SUITE(NAME).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/runner.h"

static struct pb_suite_entry *suites;

void
pb_suite_register(struct pb_suite_entry *entry)
{
	entry->next = suites;
	suites = entry;
}

int
main(void)
{
	/* Each test is a child: what it prints must not sit in a buffer that its siblings inherit.
	 */
	setvbuf(stdout, NULL, _IOLBF, 0);
	SRunner *runner = srunner_create(NULL);
	for (struct pb_suite_entry *e = suites; e != NULL; e = e->next) {
		Suite *s = suite_create(e->name);
		e->fill(s);
		srunner_add_suite(runner, s);
	}
	srunner_run_all(runner, CK_ENV);
	/* That nothing ran is no failure here: T=NAME may select tests of another program. */
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
