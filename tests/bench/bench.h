/*
 * Measurements: figures are printed, never asserted, so that a slow machine fails nothing.
 */
#ifndef PB_TESTS_BENCH_H
#define PB_TESTS_BENCH_H

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

void bench_commits(void); /* commits of the store, beside the sqlite3 shell */
void bench_engine(void); /* messages through parsing, matching, deciding and committing */
void bench_sim(void); /* how much faster than life the simulator is */
void bench_open(void); /* what operations cost while 100,000 incidents are open */
void bench_reload(void); /* 10,000 playbooks taken over, and an event among them */
void bench_why(void); /* why an alarm went where it did, among 10,000 playbooks */
void bench_idle(void); /* the real daemon with many playbooks and alarms */

/* Microseconds of a clock that only goes forward. */
int64_t bench_now(void);
/* "NAME   FIGURE UNIT   (remark)", one line. */
void bench_say(const char *name, double figure, const char *unit, const char *remark);
/* A new folder on the disk that holds the build; the caller's to free and, by bench_remove, to remove. */
char *bench_folder(void);
void bench_remove(char *folder);
/* Print err and end: what cannot be measured is a failure of the bench. */
_Noreturn void bench_die(const char *what, const struct pb_error *err);

/* Configuration with n playbooks "svc-00000" ..., each for alarms of that prefix; the caller's. */
#define BENCH_PLAYBOOKS 1000
#define BENCH_ALARMS 5000
void bench_playbooks(struct pb_buf *b, size_t n);
void bench_playbooks_more(struct pb_buf *b, size_t from, size_t n); /* n further ones */

#endif
