/*
 * Verification of AWS Signature Version 4.  The server's view: everything is taken from the bytes that
 * arrived, the names to cover are those that the Authorization header lists, in its order.
 */
#include "tests/sandbox/sigv4.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/digest.h"
#include "base/time.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

static bool
is_name(struct pb_str a, struct pb_str b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

struct pb_str
pb_sbx_header_get(const struct pb_sbx_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (is_name(r->headers[i].name, pb_str_of(name)))
			return r->headers[i].value;
	return (struct pb_str){NULL, 0};
}

/* Cut the text up to `sep` off the front of *s; the rest stays.  All of it when there is none. */
static struct pb_str
split(struct pb_str *s, char sep)
{
	const char *at = s->len ? memchr(s->ptr, sep, s->len) : NULL;
	struct pb_str head = *s;
	if (at == NULL) {
		*s = (struct pb_str){s->ptr + s->len, 0};
		return head;
	}
	head.len = (size_t)(at - s->ptr);
	*s = (struct pb_str){at + 1, s->len - head.len - 1};
	return head;
}

/* --- canonical form */

static bool
is_unreserved(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void
add_encoded(struct pb_buf *out, struct pb_str s, bool keep_slash)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (is_unreserved(c) || (keep_slash && c == '/')) {
			pb_buf_addc(out, (char)c);
		} else {
			pb_buf_addc(out, '%');
			pb_buf_addc(out, hex[c >> 4]);
			pb_buf_addc(out, hex[c & 15]);
		}
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent decoding of a query part; '+' is an ordinary character here. */
static void
add_decoded(struct pb_buf *out, struct pb_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		int hi = i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
		int lo = i + 2 < s.len ? hex_value(s.ptr[i + 2]) : -1;
		if (s.ptr[i] == '%' && hi >= 0 && lo >= 0) {
			pb_buf_addc(out, (char)(hi * 16 + lo));
			i += 2;
		} else {
			pb_buf_addc(out, s.ptr[i]);
		}
	}
}

/* RFC 3986 removal of dot segments, and runs of '/' made one. */
static void
add_resolved(struct pb_buf *out, struct pb_str path)
{
	bool is_dir = path.ptr[path.len - 1] == '/';
	while (path.len > 0) {
		struct pb_str seg = split(&path, '/');
		bool is_dots = pb_str_is(seg, ".") || pb_str_is(seg, "..");
		if (pb_str_is(seg, ".."))
			while (out->len > 0 && out->ptr[--out->len] != '/')
				;
		if (seg.len > 0 && !is_dots) {
			pb_buf_addc(out, '/');
			pb_buf_add(out, seg.ptr, seg.len);
		}
		is_dir = is_dir || (is_dots && path.len == 0);
	}
	if (is_dir || out->len == 0)
		pb_buf_addc(out, '/');
}

static void
add_path(struct pb_buf *out, struct pb_str path, bool is_kept)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf resolved = PB_BUF_INIT;
	if (path.len == 0)
		path = PB_STR("/");
	if (!is_kept) {
		add_resolved(&resolved, path);
		path = pb_buf_str(&resolved);
	}
	add_encoded(out, path, true);
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
encoded_pair(struct pb_str pair)
{
	struct pb_buf out = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf plain = PB_BUF_INIT;
	struct pb_str name = split(&pair, '=');
	add_decoded(&plain, name);
	add_encoded(&out, pb_buf_str(&plain), false);
	/* A byte below all that encoding leaves: pairs must sort by name first, "a" before "a-b". */
	pb_buf_addc(&out, '\x01');
	pb_buf_reset(&plain);
	add_decoded(&plain, pair);
	add_encoded(&out, pb_buf_str(&plain), false);
	return pb_buf_take(&out);
}

static void
add_query(struct pb_buf *out, struct pb_str query)
{
	char **pairs = NULL;
	size_t n = 0;
	while (query.len > 0) {
		struct pb_str pair = split(&query, '&');
		if (pair.len == 0)
			continue;
		pairs = pb_realloc(pairs, (n + 1) * sizeof(*pairs));
		pairs[n++] = encoded_pair(pair);
	}
	if (n > 0)
		qsort(pairs, n, sizeof(*pairs), compare_text);
	for (size_t i = 0; i < n; i++) {
		*strchr(pairs[i], '\x01') = '=';
		pb_buf_addf(out, "%s%s", i ? "&" : "", pairs[i]);
		free(pairs[i]);
	}
	free(pairs);
}

static void
add_value(struct pb_buf *out, struct pb_str v)
{
	bool is_gap = false;
	v = pb_str_trim(v);
	for (size_t i = 0; i < v.len; i++) {
		bool is_blank = v.ptr[i] == ' ' || v.ptr[i] == '\t';
		if (!is_blank || !is_gap)
			pb_buf_addc(out, is_blank ? ' ' : v.ptr[i]);
		is_gap = is_blank;
	}
}

static void
add_header(struct pb_buf *out, const struct pb_sbx_request *r, struct pb_str name)
{
	bool is_first = true;
	pb_buf_add(out, name.ptr, name.len);
	pb_buf_addc(out, ':');
	for (size_t i = 0; i < r->n_headers; i++) {
		if (!is_name(r->headers[i].name, name))
			continue;
		if (!is_first)
			pb_buf_addc(out, ',');
		is_first = false;
		add_value(out, r->headers[i].value);
	}
	pb_buf_addc(out, '\n');
}

void
pb_sbx_canonical_request(
    const struct pb_sbx_request *r, struct pb_str signed_headers, struct pb_buf *out)
{
	char digest[PB_SHA256_TEXT];
	struct pb_str query = r->target, path = split(&query, '?'), rest = signed_headers;

	pb_buf_add(out, r->method.ptr, r->method.len);
	pb_buf_addc(out, '\n');
	add_path(out, path, r->is_path_kept);
	pb_buf_addc(out, '\n');
	add_query(out, query);
	pb_buf_addc(out, '\n');
	while (rest.len > 0)
		add_header(out, r, split(&rest, ';'));
	pb_buf_addc(out, '\n');
	pb_buf_add(out, signed_headers.ptr, signed_headers.len);
	pb_buf_addc(out, '\n');
	pb_sha256_text(r->body.len ? r->body.ptr : "", r->body.len, digest);
	pb_buf_adds(out, digest);
}

void
pb_sbx_string_to_sign(const struct pb_sbx_auth *a, struct pb_str canonical, struct pb_buf *out)
{
	char digest[PB_SHA256_TEXT];
	pb_sha256_text(canonical.ptr, canonical.len, digest);
	pb_buf_addf(out, "%s\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n%s", ALGORITHM,
	    PB_STR_ARG(a->amz_date), PB_STR_ARG(a->date), PB_STR_ARG(a->region),
	    PB_STR_ARG(a->service), digest);
}

void
pb_sbx_signature(
    const struct pb_sbx_auth *a, const char *secret, struct pb_str to_sign, char out[65])
{
	unsigned char key[PB_SHA256_LEN], next[PB_SHA256_LEN];
	PB_CLEANUP(pb_buf_fini) struct pb_buf first = PB_BUF_INIT;
	const struct pb_str steps[] = {a->region, a->service, PB_STR("aws4_request"), to_sign};

	pb_buf_addf(&first, "AWS4%s", secret);
	pb_hmac_sha256(first.ptr, first.len, a->date.ptr, a->date.len, key);
	for (size_t i = 0; i < PB_ARRAY_LEN(steps); i++) {
		pb_hmac_sha256(key, sizeof(key), steps[i].ptr, steps[i].len, next);
		memcpy(key, next, sizeof(key));
	}
	pb_hex(out, key, sizeof(key));
}

/* --- the Authorization header */

static bool
parse_scope(struct pb_str credential, struct pb_sbx_auth *a)
{
	a->access_key = split(&credential, '/');
	a->date = split(&credential, '/');
	a->region = split(&credential, '/');
	a->service = split(&credential, '/');
	return a->access_key.len > 0 && a->date.len == 8 && a->region.len > 0 &&
	    a->service.len > 0 && pb_str_is(credential, "aws4_request");
}

enum pb_sbx_verdict
pb_sbx_auth_parse(const struct pb_sbx_request *r, struct pb_sbx_auth *ret_auth)
{
	struct pb_sbx_auth a = {0};
	struct pb_str credential = {0}, rest = pb_sbx_header_get(r, "Authorization");

	if (rest.ptr == NULL)
		return PB_SBX_UNSIGNED;
	a.amz_date = pb_sbx_header_get(r, "X-Amz-Date");
	a.token = pb_sbx_header_get(r, "X-Amz-Security-Token");
	if (!pb_str_is(split(&rest, ' '), ALGORITHM))
		return PB_SBX_INCOMPLETE;
	while (rest.len > 0) {
		struct pb_str value = pb_str_trim(split(&rest, ',')), name = split(&value, '=');
		if (pb_str_is(name, "Credential"))
			credential = value;
		else if (pb_str_is(name, "SignedHeaders"))
			a.signed_headers = value;
		else if (pb_str_is(name, "Signature"))
			a.signature = value;
		else
			return PB_SBX_INCOMPLETE;
	}
	if (!parse_scope(credential, &a) || a.signed_headers.len == 0 || a.signature.len != 64 ||
	    a.amz_date.len != 16)
		return PB_SBX_INCOMPLETE;
	*ret_auth = a;
	return PB_SBX_VERIFIED;
}

static bool
list_has(struct pb_str list, struct pb_str name)
{
	while (list.len > 0)
		if (is_name(split(&list, ';'), name))
			return true;
	return false;
}

/* The name of a header that must be covered and is not; an empty text if all is well. */
static struct pb_str
uncovered(const struct pb_sbx_request *r, struct pb_str signed_headers)
{
	static const char *const always[] = {"host", "x-amz-date"};
	for (size_t i = 0; i < PB_ARRAY_LEN(always); i++)
		if (!list_has(signed_headers, pb_str_of(always[i])))
			return pb_str_of(always[i]);
	for (size_t i = 0; i < r->n_headers; i++) {
		struct pb_str name = r->headers[i].name;
		if (name.len > 6 && strncasecmp(name.ptr, "x-amz-", 6) == 0 &&
		    !list_has(signed_headers, name))
			return name;
	}
	return (struct pb_str){NULL, 0};
}

/* "20260303T091405Z" to ms; -1 when it is not that. */
static int64_t
basic_time(struct pb_str s)
{
	char text[PB_TIME_TEXT];
	int64_t at;
	if (s.len != 16)
		return -1;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s.ptr, s.ptr + 4,
	    s.ptr + 6, s.ptr + 9, s.ptr + 11, s.ptr + 13);
	return pb_time_parse(pb_str_of(text), &at, NULL) < 0 ? -1 : at;
}

static enum pb_sbx_verdict
check_age(struct pb_str amz_date, int64_t now, struct pb_buf *why)
{
	char limit[PB_TIME_TEXT], here[PB_TIME_TEXT];
	int64_t at = basic_time(amz_date);
	if (at < 0) {
		pb_buf_addf(why, "Date must be in ISO-8601 'basic format'. Got '%.*s'.",
		    PB_STR_ARG(amz_date));
		return PB_SBX_INCOMPLETE;
	}
	pb_time_basic(here, now);
	if (at < now - PB_SBX_SKEW_MAX) {
		pb_buf_addf(why, "Signature expired: %.*s is now earlier than %s (%s - 5 min.)",
		    PB_STR_ARG(amz_date), pb_time_basic(limit, now - PB_SBX_SKEW_MAX), here);
		return PB_SBX_TOO_OLD;
	}
	if (at > now + PB_SBX_SKEW_MAX) {
		pb_buf_addf(why,
		    "Signature not yet current: %.*s is still later than %s (%s + 5 min.)",
		    PB_STR_ARG(amz_date), pb_time_basic(limit, now + PB_SBX_SKEW_MAX), here);
		return PB_SBX_TOO_EARLY;
	}
	return PB_SBX_VERIFIED;
}

enum pb_sbx_verdict
pb_sbx_auth_verify(const struct pb_sbx_request *r, const struct pb_sbx_auth *a, const char *secret,
    int64_t now, struct pb_buf *why)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf canonical = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf to_sign = PB_BUF_INIT;
	char expected[65];
	struct pb_str missing = uncovered(r, a->signed_headers);

	if (missing.ptr != NULL) {
		pb_buf_addf(why, "'%.*s' must be a 'SignedHeader' in the AWS Authorization.",
		    PB_STR_ARG(missing));
		return PB_SBX_NOT_SIGNED;
	}
	if (!pb_str_has_prefix(a->amz_date, a->date)) {
		pb_buf_addf(why,
		    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
		    "date "
		    "from HTTP: '%.*s' != '%.*s'.",
		    PB_STR_ARG(a->date), PB_STR_ARG(a->amz_date));
		return PB_SBX_WRONG_SCOPE;
	}
	enum pb_sbx_verdict age = check_age(a->amz_date, now, why);
	if (age != PB_SBX_VERIFIED)
		return age;
	pb_sbx_canonical_request(r, a->signed_headers, &canonical);
	pb_sbx_string_to_sign(a, pb_buf_str(&canonical), &to_sign);
	pb_sbx_signature(a, secret, pb_buf_str(&to_sign), expected);
	if (CRYPTO_memcmp(expected, a->signature.ptr, 64) != 0) {
		pb_buf_addf(why,
		    "The request signature we calculated does not match the signature you "
		    "provided. "
		    "Check your AWS Secret Access Key and signing method. Consult the service "
		    "documentation for details.\n\nThe Canonical String for this request should "
		    "have "
		    "been\n'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
		    canonical.ptr, to_sign.ptr);
		return PB_SBX_MISMATCH;
	}
	return PB_SBX_VERIFIED;
}
