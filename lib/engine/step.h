/*
 * What the step's files share: step.c is the machine, attempt.c its attempts, look.c how one is looked
 * at from outside, verify.c and probe.c the conditions of a verification.
 */
#ifndef PB_ENGINE_STEP_H
#define PB_ENGINE_STEP_H

#include "internal.h"

/* step.c: the only place that changes a step's state; puts its record. */
void
step_enter(struct turn *t, struct incident *in, size_t i, enum step_state state, int64_t next_at);
void
step_set_error(struct step_run *s, const char *error, const char *error_class, const char *message);
/* The step has failed, by the error that is set. */
void step_fail(struct turn *t, struct incident *in, size_t i);
/* Nobody can tell whether it took effect: no retry, no catch, a human decides. */
void step_ask(struct turn *t, struct incident *in, size_t i);
/* A brake ends the run here: nothing catches that. */
void step_halt(struct turn *t, struct incident *in, size_t i, const char *error, const char *why);

/* Handlers: attempt.c */
typedef void
step_handler(struct turn *t, struct incident *in, size_t i, const struct pb_outcome *o);
step_handler attempt_start;
step_handler attempt_failed;
step_handler attempt_lost; /* no outcome came, not even after the driver's own limit */
step_handler attempt_interrupted; /* by the end of a process */
step_handler attempt_cancel;
step_handler attempt_answered; /* it was done, or what it starts is started */
step_handler attempt_done; /* LOOKING: it has taken effect */
step_handler attempt_undone; /* it has not */
step_handler attempt_unseen; /* nobody can tell */
step_handler attempt_not_over; /* AWAITING: its time is over */
step_handler attempt_ended_badly;
step_handler attempt_not_seen_to_end;
/* step.c */
step_handler step_cancel;
step_handler step_succeed;
/* The attempt at hand ended, and how. */
void attempt_put_ended(struct turn *t, const struct incident *in, size_t i, const char *state,
    const struct pb_outcome *o);

#endif
