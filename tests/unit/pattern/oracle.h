/*
 * A deliberately simple second implementation of the whole language, which shares no code with
 * lib/pattern: the pattern as JSON, the event as JSON, every way to serve each field tried.
 */
#ifndef PB_TESTS_PATTERN_ORACLE_H
#define PB_TESTS_PATTERN_ORACLE_H

#include <jansson.h>

/* A pattern or event, both of which must be valid, with its numbers as they are written. */
json_t *oracle_read(const char *text);
/* 1 = matches, 0 = does not, -1 = too many ways to try.  Both are what oracle_read made. */
int oracle_match(const json_t *pattern, const json_t *event);

#endif
