/*
 * Replay: recorded events through two configurations in virtual time, and where they differ.
 *
 * Each side is the real engine and pump on a clock of its own events; nothing is stored or touched.
 * What the outside would have answered nobody knows, so the same is assumed for both: a step succeeds
 * after a second with no output, a page arrives, nobody acknowledges, and alarms change when the
 * record says so.  Of a silence of more than a day the first day is played.  An incident is compared up to the first step that only one side starts: behind it
 * another outside would have answered.
 */
#ifndef PB_SIM_REPLAY_H
#define PB_SIM_REPLAY_H

#include <jansson.h>

#include "event/event.h"
#include "playbook/config.h"

#define PB_REPLAY_DIFFERENCES_MAX 1000 /* told; the others are counted */

enum pb_replay_side { PB_REPLAY_BASE, PB_REPLAY_HEAD, PB_REPLAY_SIDE_MAX };

struct pb_replay_count {
	size_t incidents, unowned; /* that no playbook matches */
	size_t steps, asked, pages;
};

struct pb_replay;
/* Both are counted up. */
struct pb_replay *pb_replay_new(struct pb_config *base, struct pb_config *head, int64_t start_at);
void pb_replay_free(struct pb_replay *r); /* takes NULL */
/* In order of time; what is earlier than the one before counts as of its time. */
void
pb_replay_event(struct pb_replay *r, int64_t at, const char *source, const struct pb_event *event);
/* What is open is played on for an hour. */
void pb_replay_end(struct pb_replay *r);

void
pb_replay_counts(const struct pb_replay *r, enum pb_replay_side side, struct pb_replay_count *ret);
size_t pb_replay_n_differ(const struct pb_replay *r); /* incidents */
size_t pb_replay_n_compared(const struct pb_replay *r);
/* Incidents in which head starts a step that changes something and base does not. */
size_t pb_replay_n_new_actions(const struct pb_replay *r);
/*
 * [{"at", "title", "identity" (of the event that opened it), "base", "head": {"playbook", "owner"} or
 * null where it opens none, "lines": [{"side" (base, head, or both between two that differ),
 * "after" (ms from its opening), "what"}],
 * "cut": {"base": N, "head": N} later ones that are not compared, "lines_more": N}], in order of
 * time; borrowed.  After pb_replay_end.
 */
const json_t *pb_replay_differences(const struct pb_replay *r);

#endif
