/*
 * Text: borrowed strings, buffers with a cap, and what is needed to show outside text safely.
 */
#ifndef PB_BASE_TEXT_H
#define PB_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"

/* A look at bytes somebody else owns; not terminated. */
struct pb_str {
	const char *ptr;
	size_t len;
};
#define PB_STR(lit) ((struct pb_str){(lit), sizeof(lit) - 1})
#define PB_STR_ARG(s) (int)(s).len, (s).ptr /* for "%.*s" */

struct pb_str pb_str_of(const char *s); /* NULL gives an empty one */
bool pb_str_eq(struct pb_str a, struct pb_str b);
bool pb_str_is(struct pb_str a, const char *s);
bool pb_str_has_prefix(struct pb_str s, struct pb_str prefix);
struct pb_str pb_str_trim(struct pb_str s); /* blanks, tabs, CR, LF at both ends */
bool pb_streq(const char *a, const char *b); /* NULL equals only NULL */

/*
 * A growing buffer.  `cap` is the most it may hold (0 = no cap: only for what we make ourselves).
 * An add that would pass the cap adds nothing, sets is_over and returns -1.
 * ptr is always terminated by a NUL that len does not count, and NULL when nothing was added.
 */
struct pb_buf {
	char *ptr;
	size_t len;
	size_t size;
	size_t cap;
	bool is_over;
};
#define PB_BUF_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}
#define PB_BUF_CAPPED(n)                                                                           \
	{                                                                                          \
		.cap = (n)                                                                         \
	}

int pb_buf_add(struct pb_buf *b, const void *data, size_t len);
int pb_buf_adds(struct pb_buf *b, const char *s);
int pb_buf_addc(struct pb_buf *b, char c);
int pb_buf_addf(struct pb_buf *b, const char *fmt, ...) PB_PRINTF(2, 3);
int pb_buf_vaddf(struct pb_buf *b, const char *fmt, va_list ap) PB_PRINTF(2, 0);
void pb_buf_reset(struct pb_buf *b); /* empties, keeps memory and cap */
void pb_buf_fini(struct pb_buf *b); /* also the cleanup function: PB_CLEANUP(pb_buf_fini) */
char *pb_buf_take(struct pb_buf *b); /* the caller's to free; "" when empty, never NULL */
struct pb_str pb_buf_str(const struct pb_buf *b);

/*
 * Add `s` so that it can do no harm on a terminal, in a log line or in a message: control bytes
 * (C0, DEL, C1 also as UTF-8), bidirectional overrides and invalid UTF-8 become \xNN or \u{NNNN}; a
 * backslash stays.  At most `max` bytes of s are shown, then "...".  Line breaks become "\n" as two
 * characters unless keep_lines, which keeps tabs too.
 */
void pb_buf_add_safe(struct pb_buf *b, struct pb_str s, size_t max, bool keep_lines);
/* The same into a fixed buffer of at least 4 bytes, "..." where it is cut; returns out. */
char *pb_safe(char *out, size_t size, struct pb_str s);

bool pb_utf8_is_valid(struct pb_str s);
/* Length of the longest prefix of at most `max` bytes that cuts no UTF-8 sequence. */
size_t pb_utf8_cut(struct pb_str s, size_t max);

/* Damerau-Levenshtein distance, for "did you mean"; strings over 64 bytes give SIZE_MAX. */
size_t pb_edit_distance(const char *a, const char *b);
/*
 * The first of `words` that begins with `s`, of at least 3 characters, else the nearest if near enough to be
 * meant (distance <= 1 + len/4), else NULL.
 */
const char *pb_did_you_mean(const char *s, const char *const *words, size_t n_words);

/*
 * Whole decimal numbers with limits; '-' only where min is below 0, no white space, no leading '+'.
 * PB_SYNTAX for what is no number, PB_INVALID for one out of range.
 */
int pb_parse_i64(struct pb_str s, int64_t min, int64_t max, int64_t *ret, struct pb_error *err);

void pb_hex(char *out, const void *data, size_t len); /* out holds 2*len+1, lower case */
/* Base64 (RFC 4648, with padding). Decode refuses anything else, and adds nothing on failure. */
void pb_base64_add(struct pb_buf *b, const void *data, size_t len);
int pb_base64_decode(struct pb_str s, struct pb_buf *ret, struct pb_error *err);

#endif
