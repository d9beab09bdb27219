/*
 * What the fuzz programs share: taking the fuzzer's bytes apart, and promises that end the process.
 *
 * Each program of this folder is one parser that reads outside bytes.  It checks more than "does not
 * crash": what a parser accepts must survive being written and read again.  `make fuzz` builds them
 * with clang's libFuzzer, ASan and UBSan and runs each for FUZZ_SECONDS on seeds made of conf/ and
 * of sample events.
 */
#ifndef PB_TESTS_FUZZ_H
#define PB_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the parser's manual; unlike pb_check it says which input broke it. */
#define FUZZ_MUST(cond)                                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The bytes left to take from. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline struct pb_str
fuzz_rest(const struct fuzz_input *in)
{
	return (struct pb_str){(const char *)in->at, in->left};
}

/* One byte, 0 at the end: a choice. */
static inline unsigned
fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* What stands before the next NUL byte, or all that is left. */
static inline struct pb_str
fuzz_part(struct fuzz_input *in)
{
	const uint8_t *end = in->left > 0 ? memchr(in->at, 0, in->left) : NULL;
	size_t len = end ? (size_t)(end - in->at) : in->left;
	struct pb_str part = {(const char *)in->at, len};
	size_t used = end ? len + 1 : len;
	in->at += used;
	in->left -= used;
	return part;
}

/* A part as terminated text; the caller's to free. */
static inline char *
fuzz_text(struct fuzz_input *in)
{
	struct pb_str s = fuzz_part(in);
	return pb_strndup(s.ptr, s.len);
}

/* An error must be one that can be shown: a kind, a text, all of it terminated. */
static inline void
fuzz_must_say_why(const struct pb_error *err)
{
	FUZZ_MUST(err->kind != PB_OK && err->text[0] != '\0');
	FUZZ_MUST(
	    memchr(err->text, 0, sizeof(err->text)) && memchr(err->path, 0, sizeof(err->path)));
	FUZZ_MUST(err->line >= 0 && err->column >= 0);
}

#endif
