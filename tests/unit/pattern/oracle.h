/*
 * A deliberately simple second implementation of the whole language, which shares no code with
 * lib/pattern: the pattern as JSON, the event as JSON, every way to serve each field tried.
 */
#ifndef PB_TESTS_PATTERN_ORACLE_H
#define PB_TESTS_PATTERN_ORACLE_H

#include <jansson.h>

/* 1 = matches, 0 = does not, -1 = too many ways to try.  The pattern must be a valid one. */
int oracle_match(const json_t *pattern, const json_t *event);

#endif
