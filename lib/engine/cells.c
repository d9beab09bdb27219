/*
 * The report of the cells; the tables themselves stay in their machines' files.
 */
#include "engine/cells.h"

#include "bundle.h"

static const char *
incident_name(size_t s)
{
	return incident_state_name((enum incident_state)s);
}

static const char *
run_name(size_t s)
{
	return run_state_name((enum run_state)s);
}

static const char *
step_name(size_t s)
{
	return step_state_name((enum step_state)s);
}

static const char *
ladder_name(size_t s)
{
	return ladder_state_name((enum ladder_state)s);
}

static const char *
bundle_name(size_t s)
{
	return bundle_state_name((enum bundle_state)s);
}

static const char *
page_name(size_t s)
{
	return page_state_name((enum page_state)s);
}

static const char *
post_name(size_t s)
{
	return post_state_name((enum post_state)s);
}

static const struct machine {
	const char *name;
	size_t n_states, n_inputs;
	const char *(*state_name)(size_t state);
	bool (*can_reach)(size_t state, size_t input);
	const char *inputs[PB_CELLS_INPUTS_MAX];
} machines[] = {
    [PB_MACHINE_INCIDENT] = {"incident", INCIDENT_STATE_MAX, INCIDENT_INPUT_MAX, incident_name,
	incident_can_reach,
	{[INCIDENT_OPEN] = "open",
	    [INCIDENT_AGAIN] = "again",
	    [INCIDENT_OK] = "ok",
	    [INCIDENT_HOLD_END] = "hold end",
	    [INCIDENT_RUN_PASSED] = "run passed",
	    [INCIDENT_RUN_FAILED] = "run failed",
	    [INCIDENT_TRY] = "try",
	    [INCIDENT_APPROVE] = "approve",
	    [INCIDENT_REJECT] = "reject",
	    [INCIDENT_WAIT_END] = "wait end",
	    [INCIDENT_CALM] = "calm",
	    [INCIDENT_CLOSE] = "close",
	    [INCIDENT_REOPEN] = "reopen"}},
    [PB_MACHINE_RUN] = {"run", RUN_STATE_MAX, RUN_INPUT_MAX, run_name, run_can_reach,
	{[RUN_START] = "start",
	    [RUN_STEP_OK] = "step ok",
	    [RUN_STEP_SKIPPED] = "step skipped",
	    [RUN_STEP_FAILED] = "step failed",
	    [RUN_CANCEL] = "cancel"}},
    [PB_MACHINE_STEP] = {"step", STEP_STATE_MAX, STEP_INPUT_MAX, step_name, step_can_reach,
	{[STEP_ENTER] = "enter",
	    [STEP_OK] = "ok",
	    [STEP_FAIL] = "fail",
	    [STEP_DUE] = "due",
	    [STEP_TIMEOUT] = "timeout",
	    [STEP_APPROVE] = "approve",
	    [STEP_REJECT] = "reject",
	    [STEP_HOLDS] = "holds",
	    [STEP_INTERRUPT] = "interrupt",
	    [STEP_DONE] = "done",
	    [STEP_UNDONE] = "undone",
	    [STEP_BLIND] = "blind",
	    [STEP_CANCEL] = "cancel"}},
    [PB_MACHINE_LADDER] = {"ladder", LADDER_STATE_MAX, LADDER_INPUT_MAX, ladder_name,
	ladder_can_reach,
	{[LADDER_ARM] = "arm",
	    [LADDER_PAGE] = "page",
	    [LADDER_SOON] = "soon",
	    [LADDER_DUE] = "due",
	    [LADDER_ACK] = "ack",
	    [LADDER_SNOOZE] = "snooze",
	    [LADDER_ESCALATE] = "escalate",
	    [LADDER_MEND] = "mend",
	    [LADDER_CLOSE] = "close"}},
    [PB_MACHINE_BUNDLE] = {"bundle", BUNDLE_STATE_MAX, BUNDLE_INPUT_MAX, bundle_name,
	bundle_can_reach,
	{[BUNDLE_JOIN] = "join",
	    [BUNDLE_LEAVE] = "leave",
	    [BUNDLE_DUE] = "due",
	    [BUNDLE_EMPTY] = "empty"}},
    [PB_MACHINE_PAGE] = {"page", PAGE_STATE_MAX, PAGE_INPUT_MAX, page_name, page_can_reach,
	{[PAGE_SEND] = "send",
	    [PAGE_DELIVERED] = "delivered",
	    [PAGE_FAILED] = "failed",
	    [PAGE_DUE] = "due",
	    [PAGE_INTERRUPT] = "interrupt",
	    [PAGE_DROP] = "drop"}},
    [PB_MACHINE_POST] = {"post", POST_STATE_MAX, POST_INPUT_MAX, post_name, post_can_reach,
	{[POST_DELIVERED] = "delivered",
	    [POST_FAILED] = "failed",
	    [POST_DUE] = "due",
	    [POST_INTERRUPT] = "interrupt",
	    [POST_NEWER] = "newer"}},
};
_Static_assert(PB_ARRAY_LEN(machines) == PB_MACHINE_MAX, "all machines");
_Static_assert((int)INCIDENT_STATE_MAX <= PB_CELLS_STATES_MAX &&
	(int)RUN_STATE_MAX <= PB_CELLS_STATES_MAX && (int)STEP_STATE_MAX <= PB_CELLS_STATES_MAX &&
	(int)LADDER_STATE_MAX <= PB_CELLS_STATES_MAX && (int)PAGE_STATE_MAX <= PB_CELLS_STATES_MAX,
    "room for all states");
_Static_assert((int)INCIDENT_INPUT_MAX <= PB_CELLS_INPUTS_MAX &&
	(int)RUN_INPUT_MAX <= PB_CELLS_INPUTS_MAX && (int)STEP_INPUT_MAX <= PB_CELLS_INPUTS_MAX &&
	(int)LADDER_INPUT_MAX <= PB_CELLS_INPUTS_MAX && (int)PAGE_INPUT_MAX <= PB_CELLS_INPUTS_MAX,
    "room for all inputs");

void
cells_count(const struct turn *t, enum pb_machine machine, size_t state, size_t input)
{
	if (t->e->cells != NULL)
		t->e->cells->n[machine][state][input]++;
}

/* Both may be NULL, for the count alone. */
static size_t
count_missing(const struct pb_cells *cells, size_t machine, size_t *ret_all, struct pb_buf *b)
{
	const struct machine *m = &machines[machine];
	size_t n_missing = 0;
	*ret_all = 0;
	for (size_t s = 0; s < m->n_states; s++) {
		for (size_t i = 0; i < m->n_inputs; i++) {
			pb_check(m->inputs[i] != NULL);
			if (!m->can_reach(s, i))
				continue;
			++*ret_all;
			if (cells->n[machine][s][i] > 0)
				continue;
			n_missing++;
			if (b != NULL)
				(void)pb_buf_addf(
				    b, "  %s %s x %s\n", m->name, m->state_name(s), m->inputs[i]);
		}
	}
	return n_missing;
}

size_t
pb_cells_report(const struct pb_cells *cells, struct pb_buf *b)
{
	size_t n = 0, all;
	for (size_t k = 0; k < PB_MACHINE_MAX; k++) {
		size_t missing = count_missing(cells, k, &all, NULL);
		(void)pb_buf_addf(
		    b, "%s: %zu of %zu cells\n", machines[k].name, all - missing, all);
		n += count_missing(cells, k, &all, b);
	}
	return n;
}
