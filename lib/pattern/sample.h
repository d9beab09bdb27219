/*
 * Sample values for a field of a pattern: what witnesses are made of.  They are candidates; whoever
 * uses one has it judged.
 */
#ifndef PB_PATTERN_SAMPLE_H
#define PB_PATTERN_SAMPLE_H

#include "pattern/test.h"

#define PB_SAMPLES_MAX 24 /* more are left out */

struct pb_samples {
	json_t *values[PB_SAMPLES_MAX]; /* owned; NULL stands for the field's absence */
	size_t n;
};

void pb_samples_fini(struct pb_samples *s);
/* Takes the value. */
void pb_samples_add(struct pb_samples *s, json_t *value);
/* One of each type that a pattern tells apart. */
void pb_samples_add_any(struct pb_samples *s);
/* Values that pass the test, most of them. */
void pb_samples_add_test(struct pb_samples *s, const struct pb_test *t);

#endif
