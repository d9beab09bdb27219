/*
 * UTF-8, and outside text made safe to show.
 *
 * One function decides what one character of outside text is shown as (show_one); the buffer and
 * the fixed-size form only differ in where the result goes.
 */
#include "base/text.h"

#include <stdio.h>

/* Length of the sequence at s, 0 when it is not valid (overlong forms and surrogates included). */
static size_t
utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)s[0];
	size_t n;
	uint32_t cp;
	if (first < 0x80) {
		*ret = first;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		n = 2;
		cp = first & 0x1fu;
	} else if (first >= 0xe0 && first <= 0xef) {
		n = 3;
		cp = first & 0x0fu;
	} else if (first >= 0xf0 && first <= 0xf4) {
		n = 4;
		cp = first & 0x07u;
	} else {
		return 0;
	}
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if ((c & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (c & 0x3fu);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return n;
}

bool
pb_utf8_is_valid(struct pb_str s)
{
	uint32_t cp;
	for (size_t i = 0; i < s.len;) {
		size_t n = utf8_decode(s.ptr + i, s.len - i, &cp);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t
pb_utf8_cut(struct pb_str s, size_t max)
{
	if (s.len <= max)
		return s.len;
	for (size_t back = 0; back < 4 && back <= max; back++) {
		if (((unsigned char)s.ptr[max - back] & 0xc0) != 0x80)
			return max - back;
	}
	return max; /* no UTF-8 here at all */
}

/* C1 controls, line separators, and the characters that reorder what stands beside them. */
static bool
is_harmful(uint32_t cp)
{
	return (cp >= 0x80 && cp <= 0x9f) || cp == 0x061c || cp == 0x200e || cp == 0x200f ||
	    (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

struct shown {
	char text[16];
	size_t len;
};

/* Show the character at s[0]; returns how many bytes of s it took. */
static size_t
show_one(struct pb_str s, bool keep_lines, struct shown *out)
{
	uint32_t cp;
	unsigned char first = (unsigned char)s.ptr[0];
	size_t n = utf8_decode(s.ptr, s.len, &cp);
	int len;
	if (n == 0) {
		len = snprintf(out->text, sizeof(out->text), "\\x%02x", first);
		n = 1;
	} else if (cp == '\n' && !keep_lines) {
		len = snprintf(out->text, sizeof(out->text), "\\n");
	} else if ((cp < 0x20 && !(keep_lines && (cp == '\n' || cp == '\t'))) || cp == 0x7f) {
		len = snprintf(out->text, sizeof(out->text), "\\x%02x", first);
	} else if (is_harmful(cp)) {
		len = snprintf(out->text, sizeof(out->text), "\\u{%04x}", (unsigned)cp);
	} else {
		memcpy(out->text, s.ptr, n);
		len = (int)n;
	}
	out->len = (size_t)len;
	return n;
}

void
pb_buf_add_safe(struct pb_buf *b, struct pb_str s, size_t max, bool keep_lines)
{
	size_t end = pb_utf8_cut(s, max);
	for (size_t i = 0; i < end;) {
		struct shown one;
		i += show_one((struct pb_str){s.ptr + i, end - i}, keep_lines, &one);
		/* Stop at the cap, or shorter characters behind would still get in. */
		if (pb_buf_add(b, one.text, one.len) < 0)
			return;
	}
	if (end < s.len)
		(void)pb_buf_adds(b, "...");
}

char *
pb_safe(char *out, size_t size, struct pb_str s)
{
	pb_check(size >= 4);
	size_t len = 0, fits = 0; /* fits: where "..." may still begin */
	for (size_t i = 0; i < s.len;) {
		struct shown one;
		i += show_one((struct pb_str){s.ptr + i, s.len - i}, false, &one);
		if (len + one.len >= size) {
			memcpy(out + fits, "...", 4);
			return out;
		}
		memcpy(out + len, one.text, one.len);
		len += one.len;
		if (len + 4 <= size)
			fits = len;
	}
	out[len] = '\0';
	return out;
}
