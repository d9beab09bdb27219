/*
 * Guards that contradict each other.
 */
#include "tests/unit/playbook/support.h"
#include "tests/unit/runner.h"

#define GUARDS(guards)                                                                             \
	PB_TEST_HEAD                                                                               \
	"playbooks:\n"                                                                             \
	"  - name: p\n"                                                                            \
	"    match: {source: [x]}\n"                                                               \
	"    escalate: e\n"                                                                        \
	"    steps: [{name: act, action: exec, argv: [/x]}]\n"                                     \
	"    guards: {" guards "}\n"

static const struct pb_test_bad rows[] = {
    {"a recurrence that the cooldown keeps away",
	GUARDS("cooldown: {for: 2h}, recurrence: {runs: 3, within: 5h}"),
	{"12:54: recurrence is never reached: with a cooldown of 2h fewer than 3 runs of one key "
	 "begin within 5h; ask for fewer runs or a longer within"}},
    {"a recurrence that the default cooldown keeps away",
	GUARDS("recurrence: {runs: 13, within: 1h}"),
	{"12:33: recurrence is never reached: with a cooldown of 5m fewer than 13 runs of one key "
	 "begin within 1h; ask for fewer runs or a longer within"}},
    {"a recurrence that the rate keeps away",
	GUARDS("cooldown: {for: 0s}, rate: {max: 1, per: 30d}, recurrence: {runs: 3, within: 1d}"),
	{"12:80: recurrence is never reached: with a rate of 1 in 30d fewer than 3 runs begin "
	 "within "
	 "1d; ask for fewer runs or a longer within"}},
    {"a breaker that the rate keeps away",
	GUARDS("rate: {max: 1, per: 1d}, breaker: {failures: 3, within: 1h}"),
	{"12:59: the breaker never trips: with a rate of 1 in 1d fewer than 3 runs fail within 1h; "
	 "ask for fewer failures or a longer within"}},
};

START_TEST(guards_that_contradict_each_other_are_told)
{
	pb_test_expect(&rows[_i]);
}
END_TEST

static const char *const good[] = {
    GUARDS("cooldown: {for: 2h}, recurrence: {runs: 3, within: 6h}"),
    GUARDS("cooldown: {for: 0s}, recurrence: {runs: 10000, within: 1m}"),
    GUARDS("recurrence: {runs: 12, within: 1h}"),
    GUARDS("mode: propose, cooldown: {for: 2h}, recurrence: {runs: 3, within: 1h}"),
    GUARDS("cooldown: {for: 0s}, rate: {max: 1, per: 30d}, recurrence: {runs: 1, within: 1d}"),
    GUARDS("rate: {max: 1, per: 1d}, breaker: {failures: 1, within: 1h}"),
    /* Runs take up to a minute of the step, and as long as a question may wait. */
    GUARDS("rate: {max: 1, per: 2m}, breaker: {failures: 3, within: 1s}"),
    GUARDS("cooldown: {for: 30d}"), /* the default recurrence stays, and is none of theirs */
};

START_TEST(guards_that_agree_are_taken)
{
	pb_config_unref(pb_test_load(good[_i]));
}
END_TEST

PB_SUITE(bad_guard)
{
	pb_add_loop(s, guards_that_contradict_each_other_are_told, 0, PB_ARRAY_LEN(rows));
	pb_add_loop(s, guards_that_agree_are_taken, 0, PB_ARRAY_LEN(good));
}
