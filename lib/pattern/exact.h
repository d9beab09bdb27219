/*
 * JSON trees whose numbers keep all their digits.
 *
 * jansson holds a number as an int64_t or a double.  One that is neither (18446744073709551615,
 * 9007199254740993.0) stands in our trees as a text: a NUL and the number as it was written.  No other
 * text of a tree is like that, since NUL is refused in events and patterns.  What a double means is the
 * shortest number that is read as that double, which is how it is written too.
 *
 * Such trees do not leave lib/pattern, but for being handed to it again.
 */
#ifndef PB_PATTERN_EXACT_H
#define PB_PATTERN_EXACT_H

#include "base/json.h"

/* As pb_json_parse. */
int pb_exact_parse(struct pb_str text, json_t **ret, struct pb_error *err);
/* A valid number as a value of such a tree. */
json_t *pb_exact_number(struct pb_str s);
/* As pb_json_text. */
char *pb_exact_text(const json_t *j);

static inline bool
pb_exact_is_long(const json_t *j)
{
	return json_is_string(j) && json_string_length(j) > 0 && json_string_value(j)[0] == '\0';
}

static inline bool
pb_exact_is_number(const json_t *j)
{
	return json_is_number(j) || pb_exact_is_long(j);
}

static inline bool
pb_exact_is_text(const json_t *j)
{
	return json_is_string(j) && !pb_exact_is_long(j);
}

/* What a number says, in `room` unless it keeps its text. */
#define PB_EXACT_ROOM 32
struct pb_str pb_exact_digits(const json_t *number, char room[PB_EXACT_ROOM]);

#endif
