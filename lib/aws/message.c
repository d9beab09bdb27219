/*
 * HTTP messages as data: header lists, requests, percent-encoding.
 */
#include "aws/message.h"

#include <stdlib.h>
#include <strings.h>

static void
take(struct pb_aws_headers *h, char *name, char *value)
{
	if (h->len == h->size) {
		h->size = h->size ? h->size * 2 : 8;
		h->items = pb_realloc(h->items, h->size * sizeof(*h->items));
	}
	h->items[h->len++] = (struct pb_aws_header){.name = name, .value = value};
}

void
pb_aws_headers_add(struct pb_aws_headers *h, const char *name, const char *value)
{
	take(h, pb_strdup(name), pb_strdup(value));
}

void
pb_aws_headers_addn(struct pb_aws_headers *h, struct pb_str name, struct pb_str value)
{
	take(h, pb_strndup(name.ptr, name.len), pb_strndup(value.ptr, value.len));
}

void
pb_aws_headers_set(struct pb_aws_headers *h, const char *name, const char *value)
{
	pb_aws_headers_del(h, name);
	pb_aws_headers_add(h, name, value);
}

void
pb_aws_headers_del(struct pb_aws_headers *h, const char *name)
{
	size_t kept = 0;
	for (size_t i = 0; i < h->len; i++) {
		if (strcasecmp(h->items[i].name, name) != 0) {
			h->items[kept++] = h->items[i];
			continue;
		}
		free(h->items[i].name);
		free(h->items[i].value);
	}
	h->len = kept;
}

const char *
pb_aws_headers_get(const struct pb_aws_headers *h, const char *name)
{
	for (size_t i = 0; h && i < h->len; i++)
		if (strcasecmp(h->items[i].name, name) == 0)
			return h->items[i].value;
	return NULL;
}

bool
pb_aws_headers_add_line(struct pb_aws_headers *h, struct pb_str line)
{
	const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
	if (!colon || colon == line.ptr)
		return false;

	struct pb_str name = {line.ptr, (size_t)(colon - line.ptr)};
	/* "HTTP/1.1 200 a:b" is a status line, and no header name has a blank or a NUL. */
	if (memchr(name.ptr, ' ', name.len) || memchr(line.ptr, '\0', line.len))
		return false;
	struct pb_str value = {colon + 1, line.len - name.len - 1};
	pb_aws_headers_addn(h, name, pb_str_trim(value));
	return true;
}

void
pb_aws_headers_fini(struct pb_aws_headers *h)
{
	for (size_t i = 0; i < h->len; i++) {
		free(h->items[i].name);
		free(h->items[i].value);
	}
	free(h->items);
	*h = (struct pb_aws_headers){0};
}

struct pb_aws_request *
pb_aws_request_new(void)
{
	return pb_calloc(1, sizeof(struct pb_aws_request));
}

void
pb_aws_request_free(struct pb_aws_request *r)
{
	if (!r)
		return;
	free(r->method);
	free(r->url);
	free(r->target);
	pb_aws_headers_fini(&r->headers);
	pb_buf_fini(&r->body);
	free(r);
}

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

void
pb_aws_percent_add(struct pb_buf *b, struct pb_str s, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (is_unreserved(c) || (keep && c && strchr(keep, c))) {
			pb_buf_addc(b, (char)c);
			continue;
		}
		char out[3] = {'%', digits[c >> 4], digits[c & 15]};
		pb_buf_add(b, out, sizeof(out));
	}
}
