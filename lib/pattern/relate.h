/*
 * How two patterns relate: never a guess.  A "no" or "yes" that an event can show comes with that
 * event, which has been matched; a "yes" that none can show comes with its reason; anything else is
 * undecided.
 */
#ifndef PB_PATTERN_RELATE_H
#define PB_PATTERN_RELATE_H

#include "pattern/pattern.h"

enum pb_answer {
	PB_UNDECIDED,
	PB_YES,
	PB_NO,
};

/*
 * Is every event that `a` takes taken by `b`?  *ret_text, the caller's to free, is the reason of a
 * yes in one line, and for a no the JSON text of an event that `a` takes and `b` does not; else NULL.
 */
enum pb_answer
pb_pattern_is_contained(const struct pb_pattern *a, const struct pb_pattern *b, char **ret_text);

/*
 * Is there an event that both take?  *ret_text as above: for a yes such an event, for a no the
 * reason.
 */
enum pb_answer
pb_pattern_overlaps(const struct pb_pattern *a, const struct pb_pattern *b, char **ret_text);

#endif
