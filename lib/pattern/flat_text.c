/*
 * What a leaf is: its text without escapes, with case folded, or its number.  Each is made when first
 * asked for.
 */
#include "pattern/flat_parts.h"

#include <stdlib.h>

#include "pattern/fold.h"
#include "pattern/number.h"

static uint32_t
hex4(const char *s)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t c = (unsigned char)s[i];
		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

size_t
pb_flat_unescape(char *out, struct pb_str s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;

	for (size_t i = 0; i < s.len;) {
		const char *slash = memchr(s.ptr + i, '\\', s.len - i);
		size_t len = slash == NULL ? s.len - i : (size_t)(slash - s.ptr) - i;
		memcpy(out + n, s.ptr + i, len);
		n += len;
		i += len;
		if (slash == NULL)
			break;
		if (s.ptr[i + 1] != 'u') {
			out[n++] = to[strchr(from, s.ptr[i + 1]) - from];
			i += 2;
			continue;
		}
		uint32_t c = hex4(s.ptr + i + 2);
		i += 6;
		if (c >= 0xd800 && c <= 0xdbff) {
			c = 0x10000 + ((c - 0xd800) << 10) + (hex4(s.ptr + i + 2) - 0xdc00);
			i += 6;
		}
		n += pb_put_utf8(out + n, c);
	}
	return n;
}

void
pb_flat_reserve(char **buf, size_t *size, size_t need)
{
	if (*size >= need)
		return;
	free(*buf);
	*buf = pb_malloc(need);
	*size = need;
}

struct pb_str
pb_flat_text(struct pb_flat *f, struct pb_flat_leaf *l)
{
	if (l->has_escapes) {
		if (f->n_plain == 0)
			pb_flat_reserve(&f->plain, &f->plain_size, f->event.len);
		char *out = f->plain + f->n_plain;
		l->len = (uint32_t)pb_flat_unescape(out, (struct pb_str){l->text, l->len});
		l->text = out;
		l->has_escapes = false;
		f->n_plain += l->len;
	}
	return (struct pb_str){l->text, l->len};
}

struct pb_str
pb_flat_folded(struct pb_flat *f, struct pb_flat_leaf *l)
{
	if (!l->has_folded) {
		struct pb_str s = pb_flat_text(f, l);
		if (f->n_folded == 0)
			pb_flat_reserve(&f->folded, &f->folded_size, PB_FOLD_GROWTH * f->event.len);
		char *out = f->folded + f->n_folded;
		l->folded_len = (uint32_t)pb_fold_into(out, s);
		l->folded = out;
		l->has_folded = true;
		f->n_folded += l->folded_len;
	}
	return (struct pb_str){l->folded, l->folded_len};
}

struct pb_number
pb_flat_number(struct pb_flat_leaf *l)
{
	if (!l->has_number) {
		l->number = pb_number_parse((struct pb_str){l->text, l->len});
		l->has_number = true;
	}
	return l->number;
}
