/*
 * The first and the last bytes of a stream of any length, in bounded memory.  Private to lib/io.
 */
#ifndef PB_IO_CAPTURE_H
#define PB_IO_CAPTURE_H

#include "base/text.h"

struct pb_capture {
	size_t max; /* bytes kept: the first half, and the last half */
	char *head; /* max / 2 bytes */
	size_t n_head;
	char *tail; /* a ring of max - max / 2 bytes, made when the head is full */
	uint64_t n_all; /* bytes that came */
};

void pb_capture_init(struct pb_capture *c, size_t max); /* max > 0 */
void pb_capture_fini(struct pb_capture *c);
void pb_capture_add(struct pb_capture *c, const char *data, size_t len);
bool pb_capture_is_cut(const struct pb_capture *c);
/* Adds what was kept, with "\n[... N bytes left out ...]\n" where bytes are missing. */
void pb_capture_text(const struct pb_capture *c, struct pb_buf *out);

#endif
