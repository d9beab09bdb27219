/*
 * JSON through jansson, with our limits: duplicate keys refused, nesting capped, NUL in text
 * refused. Integers are exact to 64 bits; a larger one is read as a real.
 */
#ifndef PB_BASE_JSON_H
#define PB_BASE_JSON_H

#include <jansson.h>

#include "base/text.h"

#define PB_JSON_DEPTH_MAX 64

static inline void
pb_json_freep(json_t **j)
{
	json_decref(*j);
}
#define PB_JSON PB_CLEANUP(pb_json_freep)

/*
 * Parse one document (any value).  On success *ret is the caller's; on failure it is untouched and
 * err has line and column: PB_SYNTAX, or PB_LIMIT when nested deeper than PB_JSON_DEPTH_MAX.
 */
int pb_json_parse(struct pb_str text, json_t **ret, struct pb_error *err);
/* Compact text, members in insertion order; the caller's to free, never NULL; j must not be NULL.
 */
char *pb_json_text(const json_t *j);
char *pb_json_text_sorted(const json_t *j); /* members sorted: for digests and comparisons */
char *pb_json_text_indented(const json_t *j);

/* Borrowed look-ups that take NULL and wrong types as "absent". */
const char *pb_json_str(const json_t *obj, const char *key); /* NULL when absent or not text */
const char *pb_json_str_or(const json_t *obj, const char *key, const char *fallback);
int64_t pb_json_i64(const json_t *obj, const char *key, int64_t fallback);
bool pb_json_bool(const json_t *obj, const char *key, bool fallback);
const json_t *pb_json_get(const json_t *obj, const char *key);
/*
 * Walk a path "a.b[0].c"; a member name with other characters stands in brackets: a["x.y"].
 * Returns NULL where it ends.  Member names with '-' are allowed bare.
 */
const json_t *pb_json_path(const json_t *root, struct pb_str path);
/* Set a text member; a NULL value is left out, one that is not UTF-8 is made safe to show. */
void pb_json_set_str(json_t *obj, const char *key, const char *value);
void pb_json_set_i64(json_t *obj, const char *key, int64_t value);
/* Seconds since 1970 as AWS JSON has them (integer or with fraction), or ISO text, to ms; -1 if
 * neither. */
int64_t pb_json_time(const json_t *value);

#endif
