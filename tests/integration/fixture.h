/*
 * What the integration tests share: a rig with a standard configuration, and claims about it that
 * show the logs when they do not hold.
 */
#ifndef PB_TESTS_FIXTURE_H
#define PB_TESTS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/integration/harness.h"
#include "tests/unit/runner.h"

#define SOON (15 * PB_SECOND) /* long beyond what it takes; only failures wait for it */
#define A_MOMENT (PB_SECOND) /* for what should not come */

/* Claims something about the world of the rig `r`. */
#define want(claim)                                                                                \
	do {                                                                                       \
		if (!(claim))                                                                      \
			fixture_fail(r, #claim, __FILE__, __LINE__);                               \
	} while (0)
/* The same for functions that return -1 with `err`. */
#define must(call)                                                                                 \
	do {                                                                                       \
		struct pb_error err = {0};                                                         \
		if ((call) < 0) {                                                                  \
			(void)printf("%s: %s\n", #call, err.text);                                 \
			fixture_fail(r, #call, __FILE__, __LINE__);                                \
		}                                                                                  \
	} while (0)
/* Declares `r`, a rig that ends with its block. */
#define RIG(r)                                                                                     \
	PB_CLEANUP(pb_rig_fini) struct pb_rig rig_of_##r = {0};                                    \
	struct pb_rig *r = &rig_of_##r

_Noreturn void fixture_fail(struct pb_rig *r, const char *claim, const char *file, int line);

/*
 * The standard configuration.  By the beginning of an alarm's name:
 *	fix-    step "repair" sets the alarm to OK; page_by 1m
 *	fail-   step "repair" fails; ana is paged at once, bo after 1s, cy after 10m
 *	page-   no steps: ana is paged at once
 *	gate-   step "repair" waits at the gate; page_by 10s
 *	work-   step "repair" does nothing, so that the verification waits; page_by 10s
 *	send-   step "tell" sends the alarm's name to the queue "work"; page_by 1m
 * Anything else pages ana.  Sources: SQS "events"; fixture_with_poll adds the polling of CloudWatch.
 */
extern const char fixture_config[];
extern const char fixture_poll[]; /* another file of the set, with the source "alarms" */

void
fixture_init(struct pb_rig *r); /* the rig and its configuration; nothing runs but the sandbox */
void fixture_start(struct pb_rig *r); /* the same, and the daemon */
void fixture_with_poll(struct pb_rig *r);

/* An alarm goes to a state; by EventBridge's event on the queue the daemon soon hears of it. */
void fixture_alarm(struct pb_rig *r, const char *name, const char *state);
/* Waits for an incident and returns its id; the caller's to free. */
char *fixture_incident(struct pb_rig *r, const char *name, const char *state);
/* Waits until the run of an alarm's incident has come to that step. */
void fixture_at_step(struct pb_rig *r, const char *name, const char *step);
/* How often a page of that kind ("page", "resolved") went out for an incident to somebody. */
size_t
fixture_count_pages(struct pb_rig *r, const char *incident, const char *kind, const char *to);
/* Number of incidents of that title. */
size_t fixture_count_incidents(struct pb_rig *r, const char *title);

/*
 * Give this process and its children a view of the mounts of its own.  false when the system does not
 * allow it.
 */
bool fixture_own_mounts(void);

#endif
