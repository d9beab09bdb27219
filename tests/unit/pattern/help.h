/*
 * What the tests of lib/pattern share.
 */
#ifndef PB_TESTS_PATTERN_HELP_H
#define PB_TESTS_PATTERN_HELP_H

#include "pattern/exact.h"
#include "pattern/pattern.h"

/* Compile a pattern that must compile; parse a document that must parse,
 * keeping its digits (exact.h).  Both end the test if not.
 */
struct pb_pattern *help_pattern(const char *text);
json_t *help_json(const char *text);
/* Does `pattern` match `event`?  Also checks that why agrees, and says something when it does not.
 */
bool help_match(const char *pattern, const char *event);

/* A path of the shared material, NULL where it is not there, which is then said as "SKIP what". */
char *help_shared(const char *name, const char *what);

#endif
