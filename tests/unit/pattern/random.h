/*
 * Random patterns and events that are made to collide.
 */
#ifndef PB_TESTS_PATTERN_RANDOM_H
#define PB_TESTS_PATTERN_RANDOM_H

#include "base/rand.h"
#include "base/text.h"

/* A valid event; nothing but an object. */
void random_event(struct pb_rand *r, struct pb_buf *ret);
/* The same for one field: {"a": ...}, with one value or an array of some. */
void random_field_event(struct pb_rand *r, struct pb_buf *ret);
void random_field_pattern(struct pb_rand *r, struct pb_buf *ret);
/* A pattern, nearly always valid. */
void random_pattern(struct pb_rand *r, struct pb_buf *ret);
/* Change, drop, repeat or insert a few bytes, mostly such as matter in JSON. */
void random_damage(struct pb_rand *r, struct pb_buf *b);

#endif
