/*
 * Which cells of the machines' tables inputs have come to, for the report of what a simulation
 * covered.  Whoever wants it gives the engine a place to count in (struct pb_engine_options); several
 * engines may count in the same one.
 */
#ifndef PB_ENGINE_CELLS_H
#define PB_ENGINE_CELLS_H

#include "base/text.h"

enum pb_machine {
	PB_MACHINE_INCIDENT,
	PB_MACHINE_RUN,
	PB_MACHINE_STEP,
	PB_MACHINE_LADDER,
	PB_MACHINE_BUNDLE,
	PB_MACHINE_PAGE,
	PB_MACHINE_POST,
	PB_MACHINE_MAX
};
#define PB_CELLS_STATES_MAX 24
#define PB_CELLS_INPUTS_MAX 24

struct pb_cells {
	uint64_t n[PB_MACHINE_MAX][PB_CELLS_STATES_MAX][PB_CELLS_INPUTS_MAX];
};

/* Adds "MACHINE: N of M cells" and a line for each cell that can be reached and was not, as
 * "  MACHINE STATE x INPUT".  Returns how many those are. */
size_t pb_cells_report(const struct pb_cells *cells, struct pb_buf *b);

#endif
