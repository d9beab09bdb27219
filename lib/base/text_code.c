/*
 * Hexadecimal, base64, and the nearest word.
 */
#include "base/text.h"

#define WORD_MAX 64

void
pb_hex(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
pb_base64_add(struct pb_buf *b, const void *data, size_t len)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;
		if (n > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			bits |= p[i + 2];
		char four[4] = {base64_digits[bits >> 18], base64_digits[bits >> 12 & 63],
		    n > 1 ? base64_digits[bits >> 6 & 63] : '=',
		    n > 2 ? base64_digits[bits & 63] : '='};
		if (pb_buf_add(b, four, sizeof(four)) < 0)
			return;
	}
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode four digits; returns how many bytes they make, or -1. */
static int
base64_quad(const char *in, bool is_last, unsigned char out[3])
{
	int n_pad = is_last && in[3] == '=' ? (in[2] == '=' ? 2 : 1) : 0;
	uint32_t bits = 0;
	for (int i = 0; i < 4; i++) {
		int v = i >= 4 - n_pad ? 0 : base64_value(in[i]);
		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
	}
	/* Bits under the padding must be zero, or two texts would mean the same bytes. */
	if ((bits & ((1u << (8 * n_pad)) - 1)) != 0)
		return -1;
	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return 3 - n_pad;
}

int
pb_base64_decode(struct pb_str s, struct pb_buf *ret, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf bytes = PB_BUF_INIT;
	if (s.len % 4 != 0)
		return pb_fail(err, PB_SYNTAX,
		    "base64 text has %zu bytes, which is not a multiple of 4", s.len);
	for (size_t i = 0; i < s.len; i += 4) {
		unsigned char three[3];
		int n = base64_quad(s.ptr + i, i + 4 == s.len, three);
		if (n < 0)
			return pb_fail(
			    err, PB_SYNTAX, "base64 text is broken near byte %zu", i + 1);
		(void)pb_buf_add(&bytes, three, (size_t)n);
	}
	if (pb_buf_add(ret, bytes.ptr, bytes.len) < 0)
		return pb_fail(
		    err, PB_LIMIT, "base64 text holds %zu bytes, more than fit", bytes.len);
	return 0;
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

size_t
pb_edit_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	/* Three rows of the table: the swap of two neighbours looks two rows back. */
	size_t rows[3][WORD_MAX + 1];
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = min3(last[j] + 1, now[j - 1] + 1, change);
			bool is_swap =
			    i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (is_swap && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

#define BEGINNING_LEAST 3 /* characters that make a beginning */

const char *
pb_did_you_mean(const char *s, const char *const *words, size_t n_words)
{
	size_t len = strlen(s), least = 1 + len / 4 + 1;
	const char *nearest = NULL;
	for (size_t i = 0; i < n_words && len >= BEGINNING_LEAST; i++)
		if (strncmp(words[i], s, len) == 0)
			return words[i];
	for (size_t i = 0; i < n_words; i++) {
		size_t d = pb_edit_distance(s, words[i]);
		/* A word of which nothing is left is no guess. */
		if (d < least && d < len) {
			least = d;
			nearest = words[i];
		}
	}
	return nearest;
}
