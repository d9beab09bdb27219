/*
 * Head and tail of a stream.  The tail is a ring, written at n_tail modulo its size.
 */
#include "io/capture.h"

#include <inttypes.h>
#include <stdlib.h>

static size_t
head_size(const struct pb_capture *c)
{
	return c->max / 2;
}

static size_t
tail_size(const struct pb_capture *c)
{
	return c->max - c->max / 2;
}

/* Bytes that went past the head. */
static uint64_t
n_tail(const struct pb_capture *c)
{
	return c->n_all - c->n_head;
}

void
pb_capture_init(struct pb_capture *c, size_t max)
{
	pb_check(max > 0);
	*c = (struct pb_capture){.max = max};
}

void
pb_capture_fini(struct pb_capture *c)
{
	free(c->head);
	free(c->tail);
	*c = (struct pb_capture){0};
}

static size_t
add_to_head(struct pb_capture *c, const char *data, size_t len)
{
	size_t room = head_size(c) - c->n_head;
	size_t n = len < room ? len : room;
	if (n == 0)
		return 0;
	if (c->head == NULL)
		c->head = pb_malloc(head_size(c));
	memcpy(c->head + c->n_head, data, n);
	c->n_head += n;
	c->n_all += n;
	return n;
}

void
pb_capture_add(struct pb_capture *c, const char *data, size_t len)
{
	size_t done = add_to_head(c, data, len);
	data += done;
	len -= done;
	if (len == 0)
		return;
	size_t size = tail_size(c);
	if (c->tail == NULL)
		c->tail = pb_malloc(size);
	if (len > size) {
		c->n_all += len - size;
		data += len - size;
		len = size;
	}
	size_t at = (size_t)(n_tail(c) % size), first = size - at < len ? size - at : len;
	memcpy(c->tail + at, data, first);
	memcpy(c->tail, data + first, len - first);
	c->n_all += len;
}

bool
pb_capture_is_cut(const struct pb_capture *c)
{
	return n_tail(c) > tail_size(c);
}

void
pb_capture_text(const struct pb_capture *c, struct pb_buf *out)
{
	if (c->n_head > 0)
		(void)pb_buf_add(out, c->head, c->n_head);
	uint64_t past_head = n_tail(c);
	size_t size = tail_size(c);
	if (past_head == 0)
		return;
	if (past_head <= size) {
		(void)pb_buf_add(out, c->tail, (size_t)past_head);
		return;
	}
	(void)pb_buf_addf(out, "\n[... %" PRIu64 " bytes left out ...]\n", past_head - size);
	size_t at = (size_t)(past_head % size);
	(void)pb_buf_add(out, c->tail + at, size - at);
	(void)pb_buf_add(out, c->tail, at);
}
