/*
 * Signature Version 4.
 */
#include "aws/sigv4.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/digest.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* Changed on the way by transports and proxies, so never signed. */
static const char *const unsigned_headers[] = {"authorization", "connection", "expect",
    "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "user-agent", "x-amzn-trace-id"};

struct line {
	char *name; /* lower case */
	char *value; /* trimmed, inner white space made one blank */
	size_t order;
};

static bool
is_signed(const char *name)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(unsigned_headers); i++)
		if (strcasecmp(name, unsigned_headers[i]) == 0)
			return false;
	return true;
}

static void
add_segment(struct pb_buf *out, struct pb_str segment)
{
	if (segment.len == 0 || pb_str_is(segment, "."))
		return;
	if (!pb_str_is(segment, "..")) {
		pb_buf_addc(out, '/');
		pb_buf_add(out, segment.ptr, segment.len);
		return;
	}
	while (out->len > 0 && out->ptr[--out->len] != '/')
		;
}

/* Resolve dot segments and repeated '/'. */
static void
normalize(struct pb_buf *out, struct pb_str path)
{
	struct pb_str segment = {path.ptr, 0};
	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.ptr[i] != '/')
			continue;
		segment.len = (size_t)(path.ptr + i - segment.ptr);
		add_segment(out, segment);
		if (i < path.len)
			segment = (struct pb_str){path.ptr + i + 1, 0};
	}
	bool ends_open = path.len > 0 &&
	    (segment.len == 0 || pb_str_is(segment, ".") || pb_str_is(segment, ".."));
	if (out->len == 0 || ends_open)
		pb_buf_addc(out, '/');
}

static void
add_path(struct pb_buf *out, struct pb_str path, const struct pb_sigv4_scope *scope)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf norm = PB_BUF_INIT;
	if (scope->is_raw_path) {
		pb_buf_add(out, path.len ? path.ptr : "/", path.len ? path.len : 1);
		return;
	}
	if (scope->is_unnormalized)
		pb_buf_add(&norm, path.len ? path.ptr : "/", path.len ? path.len : 1);
	else
		normalize(&norm, path);
	pb_aws_percent_add(out, pb_buf_str(&norm), "/");
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode what stands on the wire and encode it our way; '+' is a plus. */
static char *
recode(struct pb_str s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf plain = PB_BUF_INIT, out = PB_BUF_INIT;
	for (size_t i = 0; i < s.len; i++) {
		int hi = s.ptr[i] == '%' && i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
		int lo = hi >= 0 ? hex_value(s.ptr[i + 2]) : -1;
		if (lo < 0) {
			pb_buf_addc(&plain, s.ptr[i]);
			continue;
		}
		pb_buf_addc(&plain, (char)(hi * 16 + lo));
		i += 2;
	}
	pb_aws_percent_add(&out, pb_buf_str(&plain), NULL);
	return pb_buf_take(&out);
}

static int
compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int d = strcmp(x->name, y->name);
	return d ? d : strcmp(x->value, y->value);
}

static int
compare_headers(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int d = strcmp(x->name, y->name);
	return d ? d : (x->order > y->order) - (x->order < y->order);
}

static void
free_lines(struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(lines[i].name);
		free(lines[i].value);
	}
	free(lines);
}

static void
add_query(struct pb_buf *out, struct pb_str query)
{
	size_t n = 0, max = 1;
	for (size_t i = 0; i < query.len; i++)
		max += query.ptr[i] == '&';
	struct line *pairs = pb_calloc(max, sizeof(*pairs));
	while (query.len > 0) {
		const char *amp = memchr(query.ptr, '&', query.len);
		struct pb_str pair = {query.ptr, amp ? (size_t)(amp - query.ptr) : query.len};
		size_t used = pair.len + (amp ? 1 : 0);
		query = (struct pb_str){query.ptr + used, query.len - used};
		if (pair.len == 0)
			continue;
		const char *eq = memchr(pair.ptr, '=', pair.len);
		struct pb_str name = {pair.ptr, eq ? (size_t)(eq - pair.ptr) : pair.len};
		struct pb_str value = {"", 0};
		if (eq)
			value = (struct pb_str){eq + 1, pair.len - name.len - 1};
		pairs[n].name = recode(name);
		pairs[n++].value = recode(value);
	}
	qsort(pairs, n, sizeof(*pairs), compare_lines);
	for (size_t i = 0; i < n; i++)
		pb_buf_addf(out, "%s%s=%s", i ? "&" : "", pairs[i].name, pairs[i].value);
	free_lines(pairs, n);
}

static char *
lower(const char *s)
{
	char *out = pb_strdup(s);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

static char *
squeeze(const char *s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	bool is_gap = false;
	for (; *s; s++) {
		if (isspace((unsigned char)*s)) {
			is_gap = out.len > 0;
			continue;
		}
		if (is_gap)
			pb_buf_addc(&out, ' ');
		is_gap = false;
		pb_buf_addc(&out, *s);
	}
	return pb_buf_take(&out);
}

/* The canonical block of headers, and the list of their names. */
static void
add_headers(struct pb_buf *out, struct pb_buf *names, const struct pb_aws_headers *h)
{
	size_t n = 0;
	struct line *lines = pb_calloc(h->len + 1, sizeof(*lines));
	for (size_t i = 0; i < h->len; i++) {
		if (!is_signed(h->items[i].name))
			continue;
		lines[n].name = lower(h->items[i].name);
		lines[n].value = squeeze(h->items[i].value);
		lines[n].order = i;
		n++;
	}
	qsort(lines, n, sizeof(*lines), compare_headers);
	for (size_t i = 0; i < n; i++) {
		bool is_same = i > 0 && strcmp(lines[i].name, lines[i - 1].name) == 0;
		if (is_same) {
			pb_buf_addf(out, ",%s", lines[i].value);
			continue;
		}
		pb_buf_addf(out, "%s%s:%s", i ? "\n" : "", lines[i].name, lines[i].value);
		pb_buf_addf(names, "%s%s", i ? ";" : "", lines[i].name);
	}
	pb_buf_adds(out, "\n");
	free_lines(lines, n);
}

static char *
canonical_request(const struct pb_aws_request *r, const struct pb_sigv4_scope *scope,
    const char *body_hash, struct pb_buf *names)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	size_t path_len = strcspn(r->target, "?");
	struct pb_str path = {r->target, path_len};
	struct pb_str query = pb_str_of(r->target[path_len] ? r->target + path_len + 1 : "");

	pb_buf_addf(&out, "%s\n", r->method);
	add_path(&out, path, scope);
	pb_buf_addc(&out, '\n');
	add_query(&out, query);
	pb_buf_addc(&out, '\n');
	add_headers(&out, names, &r->headers);
	pb_buf_addf(&out, "\n%s\n%s", names->ptr ? names->ptr : "", body_hash);
	return pb_buf_take(&out);
}

static void
hmac(unsigned char key[PB_SHA256_LEN], const char *data)
{
	unsigned char out[PB_SHA256_LEN];
	pb_hmac_sha256(key, PB_SHA256_LEN, data, strlen(data), out);
	memcpy(key, out, sizeof(out));
	OPENSSL_cleanse(out, sizeof(out));
}

static void
sign_text(const struct pb_aws_creds *creds, const struct pb_sigv4_scope *scope, const char *day,
    const char *text, char signature[65])
{
	unsigned char key[PB_SHA256_LEN];
	char *secret = pb_asprintf("AWS4%s", creds->secret_access_key);
	pb_hmac_sha256(secret, strlen(secret), day, strlen(day), key);
	OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
	hmac(key, scope->region);
	hmac(key, scope->service);
	hmac(key, "aws4_request");
	hmac(key, text);
	pb_hex(signature, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
}

/* The headers that signing adds before the request is made canonical. */
static void
prepare(struct pb_aws_request *r, const struct pb_aws_creds *creds,
    const struct pb_sigv4_scope *scope, const char *date, const char *body_hash)
{
	pb_aws_headers_del(&r->headers, "Authorization");
	pb_aws_headers_del(&r->headers, "X-Amz-Security-Token");
	pb_aws_headers_set(&r->headers, "X-Amz-Date", date);
	if (scope->is_body_signed)
		pb_aws_headers_set(&r->headers, "x-amz-content-sha256", body_hash);
	if (creds->session_token && !scope->is_token_unsigned)
		pb_aws_headers_set(&r->headers, "X-Amz-Security-Token", creds->session_token);
}

void
pb_sigv4_sign(struct pb_aws_request *r, const struct pb_aws_creds *creds,
    const struct pb_sigv4_scope *scope, struct pb_sigv4_trace *trace)
{
	char date[PB_TIME_TEXT], day[9], body_hash[PB_SHA256_TEXT], hash[PB_SHA256_TEXT];
	char signature[65];
	pb_time_basic(date, scope->at);
	snprintf(day, sizeof(day), "%.8s", date);
	pb_sha256_text(r->body.ptr ? r->body.ptr : "", r->body.len, body_hash);
	prepare(r, creds, scope, date, body_hash);

	PB_CLEANUP(pb_buf_fini) struct pb_buf names = PB_BUF_INIT;
	char *canonical = canonical_request(r, scope, body_hash, &names);
	pb_sha256_text(canonical, strlen(canonical), hash);
	PB_CLEANUP(pb_freep)
	char *credential_scope =
	    pb_asprintf("%s/%s/%s/aws4_request", day, scope->region, scope->service);
	char *text = pb_asprintf(ALGORITHM "\n%s\n%s\n%s", date, credential_scope, hash);
	sign_text(creds, scope, day, text, signature);

	PB_CLEANUP(pb_freep)
	char *authorization =
	    pb_asprintf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		creds->access_key_id, credential_scope, names.ptr ? names.ptr : "", signature);
	pb_aws_headers_set(&r->headers, "Authorization", authorization);
	if (creds->session_token && scope->is_token_unsigned)
		pb_aws_headers_set(&r->headers, "X-Amz-Security-Token", creds->session_token);

	if (trace) {
		trace->canonical_request = PB_TAKE(canonical);
		trace->string_to_sign = PB_TAKE(text);
		snprintf(trace->signature, sizeof(trace->signature), "%s", signature);
	}
	free(canonical);
	free(text);
}

void
pb_sigv4_trace_fini(struct pb_sigv4_trace *t)
{
	free(t->canonical_request);
	free(t->string_to_sign);
	*t = (struct pb_sigv4_trace){0};
}
