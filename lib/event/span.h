/*
 * Pieces of a JSON text that was validated before, as by a matcher: where its members and elements stand.
 * Nothing is copied, made or checked.
 */
#ifndef PB_EVENT_SPAN_H
#define PB_EVENT_SPAN_H

#include "base/text.h"

#define PB_SPAN_KEY_MAX 32 /* of a key that is looked for */

/* Where a walk over an object or an array is. */
struct pb_spans {
	const char *at, *end;
};
struct pb_spans pb_spans_of(struct pb_str structure);
/*
 * The next member, or element, whose key is empty; a text's span has its quotes, a key's has none.  False
 * at the end.
 */
bool pb_spans_next(struct pb_spans *w, struct pb_str *ret_key, struct pb_str *ret_value);

/* The object's values of n keys; ptr is NULL where one is not there.  Of no object there are none. */
void pb_span_find(struct pb_str object, const char *const *keys, size_t n, struct pb_str *ret);

static inline bool
pb_span_is(struct pb_str span, char first)
{
	return span.ptr != NULL && span.len > 0 && span.ptr[0] == first;
}

/* What a text says; the caller's.  NULL when it is none. */
char *pb_span_text(struct pb_str span);

#endif
