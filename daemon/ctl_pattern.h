/*
 * What the parts of playbookctl test-pattern share.
 */
#ifndef PB_DAEMON_CTL_PATTERN_H
#define PB_DAEMON_CTL_PATTERN_H

#include "daemon/ctl.h"
#include "daemon/ctl_lines.h"

#define PB_CTL_SHOWN 200 /* bytes of a name or an id that are shown */

enum pb_ctl_verdict { PB_CTL_NOMATCH, PB_CTL_MATCH, PB_CTL_BAD_PATTERN, PB_CTL_BAD_EVENT };

/* One pattern on one event; err says why for the last two. */
enum pb_ctl_verdict pb_ctl_judge(struct pb_str pattern, struct pb_str event, struct pb_error *err);

/* "FILE[:LINE]: what[, place]: text" on standard error; line 0 is none. */
void pb_ctl_say_error(const char *file, size_t line, const char *what, const struct pb_error *err);
/* A run that tried nothing must not look like one that passed. */
enum pb_ctl_exit pb_ctl_fail_empty(const struct pb_ctl_lines *l, const char *what);

/* Each line of the file; "-" is standard input. */
enum pb_ctl_exit pb_ctl_test_cases(const char *file);

#endif
