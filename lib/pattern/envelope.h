/*
 * Can a pattern ever match an event of a known envelope?  Never a guess: a "yes" comes with such an event,
 * which has been matched, a "no" with its reason, the rest is undecided.
 */
#ifndef PB_PATTERN_ENVELOPE_H
#define PB_PATTERN_ENVELOPE_H

#include "pattern/relate.h"

enum pb_envelope_kind {
	PB_ENVELOPE_TEXT,
	PB_ENVELOPE_NUMBER,
	PB_ENVELOPE_BOOL,
	PB_ENVELOPE_OPEN, /* anything, and anything below */
};

struct pb_envelope_field {
	const char *path; /* keys joined by '.'; arrays on the way are not told */
	enum pb_envelope_kind kind;
	bool is_always; /* no such event is without it */
	const char *values[4]; /* TEXT: one of these; none = any */
};

struct pb_envelope {
	const char *name; /* for the reason: "... is in no NAME" */
	const struct pb_envelope_field *fields;
	size_t n;
	const char *example; /* JSON text of such an event */
	/* Makes an event whose fields were set one by one consistent; false where it cannot be. */
	bool (*settle)(json_t *event);
};

/*
 * *ret_text, the caller's to free: for a yes the JSON text of an event, for a no the reason in one line,
 * as "detail.severity is in no ..."; NULL when undecided.
 */
enum pb_answer pb_pattern_fits_envelope(
    const struct pb_pattern *p, const struct pb_envelope *envelope, char **ret_text);

#endif
