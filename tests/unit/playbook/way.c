/*
 * The longest way through a playbook, and how long a human may have to wait.
 */
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define STEP(name, more) "      - {name: " name ", action: exec, argv: [/x]" more "}\n"
#define BOOK(more)                                                                                 \
	PB_TEST_HEAD "playbooks:\n"                                                                \
		     "  - name: p\n"                                                               \
		     "    match: {source: [x]}\n"                                                  \
		     "    escalate: e\n"                                                           \
		     "    verify_timeout: 4m\n" more

static const struct {
	const char *name, *text, *way;
	int64_t run_for, human_for;
} rows[] = {
    {"no steps", BOOK(""), "", 0, 0},
    {"the implicit verification counts", BOOK("    page_by: 9m\n    steps:\n" STEP("a", "")), "a",
	315 * PB_SECOND, 315 * PB_SECOND},
    {"a run may wait for its lock until page_by",
	BOOK("    page_by: 9m\n    guards: {concurrency: {max: 1, lock: l}}\n    steps:\n" STEP(
	    "a", "")),
	"a", 315 * PB_SECOND, 9 * PB_MINUTE},
    {"nothing runs where it is only observed",
	BOOK("    page_by: 9m\n    guards: {mode: observe}\n    steps:\n" STEP("a", "")), "a",
	315 * PB_SECOND, 9 * PB_MINUTE},
    {"page_by comes first", BOOK("    page_by: 3m\n    steps:\n" STEP("a", "")), "a",
	315 * PB_SECOND, 3 * PB_MINUTE},
    {"the hold counts", BOOK("    page_by: 9m\n    hold: 30s\n    steps:\n" STEP("a", "")), "a",
	315 * PB_SECOND, 345 * PB_SECOND},
    {"what next jumps over does not count",
	BOOK("    page_by: 1h\n    steps:\n" STEP(
	    "a", ", next: c, catch: [{ErrorEquals: [States.ALL], Next: b}]")
		STEP("b", ", timeout: 1s, next: c") STEP("c", "")),
	"abc", 406 * PB_SECOND, 406 * PB_SECOND},
    {"the longer branch counts",
	BOOK("    page_by: 1h\n    steps:\n" STEP("a", ", if: {alarm: {name: [x]}}, next: c")
		STEP("b", ", timeout: 10m, next: d") STEP("c", ", timeout: 5m") STEP("d", "")),
	"bd", 930 * PB_SECOND, 930 * PB_SECOND},
    {"a rollback may take longer than going on",
	BOOK("    page_by: 1h\n    steps:\n" STEP(
	    "a", ", rollback: {action: exec, argv: [/y], timeout: 10m}")
		STEP("b", ", on_failure: rollback")),
	"ab", 765 * PB_SECOND, 765 * PB_SECOND},
    {"a step that is skipped takes no time",
	BOOK("    page_by: 1h\n    steps:\n" STEP(
	    "a", ", if: {alarm: {name: [x]}}, next: c, timeout: 3m") STEP("b", ", timeout: 5m")
		STEP("c", "")),
	"bc", 630 * PB_SECOND, 630 * PB_SECOND},
    {"only what is on the way is undone",
	BOOK("    page_by: 1h\n    steps:\n" STEP(
	    "a", ", if: {alarm: {name: [x]}}, next: c, timeout: 30m")
		STEP("b", ", rollback: {action: exec, argv: [/y], timeout: 10m}")
		    STEP("c", ", on_failure: rollback")),
	"ac", 2130 * PB_SECOND, 2130 * PB_SECOND},
    {"a look beside a step's timeout counts",
	BOOK("    page_by: 1h\n    steps:\n" STEP(
	    "a", ", check: {action: exec, argv: [/y], done: {a: [b]}}")),
	"a", 375 * PB_SECOND, 375 * PB_SECOND},
};

START_TEST(the_longest_way_is_worked_out)
{
	struct pb_config *c = pb_test_load(rows[_i].text);
	struct pb_way way;
	PB_CLEANUP(pb_buf_fini) struct pb_buf names = PB_BUF_INIT;
	pb_playbook_way(&c->playbooks[0], &way);
	for (size_t i = 0; i < way.n; i++)
		pb_buf_adds(&names, c->playbooks[0].steps[way.steps[i]].name);
	ck_assert_msg(
	    pb_str_is(pb_buf_str(&names), rows[_i].way), "%s: %s", rows[_i].name, names.ptr);
	ck_assert_msg(
	    way.run_for == rows[_i].run_for, "%s: %lld", rows[_i].name, (long long)way.run_for);
	ck_assert_msg(way.human_for == rows[_i].human_for, "%s: %lld", rows[_i].name,
	    (long long)way.human_for);
	pb_way_fini(&way);
	pb_config_unref(c);
}
END_TEST

PB_SUITE(way)
{
	pb_add_loop(s, the_longest_way_is_worked_out, 0, PB_ARRAY_LEN(rows));
}
