/*
 * `${a.b.c}`: values picked from the context.  No expression language: a path, and a default.
 *
 *	${alarm.arn}   ${steps.pick.output.instances[0]}   ${alarm.tags.asg|default:"none"}
 *
 * Substitution happens after parsing, inside one text, so it adds neither arguments nor syntax.  A
 *text that is exactly one ${...} keeps the value's JSON type; elsewhere text, numbers and booleans
 *are written as they look in JSON (text without quotes), objects and arrays as compact JSON.  null
 *and a missing value are errors unless a default is given.  "$${" stands for "${" itself.
 */
#ifndef PB_PLAYBOOK_TEMPLATE_H
#define PB_PLAYBOOK_TEMPLATE_H

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"

/* Is it well formed?  The first name must be one of event, alarm, incident, params, steps, host. */
int pb_template_check(const char *text, struct pb_error *err);
/* Calls `see` with each path of the text, e.g. "steps.pick.output". */
void pb_template_paths(const char *text, void (*see)(struct pb_str path, void *arg), void *arg);
/* One text to a JSON value; the caller's to free.  PB_NOT_FOUND names the path that is missing. */
int pb_template_expand(const char *text, const json_t *context, json_t **ret, struct pb_error *err);
/* One text to text, at most 64 KiB. */
int
pb_template_expand_text(const char *text, const json_t *context, char **ret, struct pb_error *err);
/* A whole value: every text in it is expanded, names of members are not. */
int pb_template_expand_json(
    const json_t *value, const json_t *context, json_t **ret, struct pb_error *err);

#endif
