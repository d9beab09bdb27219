/*
 * The signature verifier against the official suite and the service vectors, and what it refuses.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "tests/sandbox/sigv4.h"
#include "tests/unit/runner.h"

#define HEADERS_MAX 32

static const char *
shared(void)
{
	const char *dir = getenv("PB_SHARED");
	return dir ? dir : "../shared";
}

static char *
read_file(const char *dir, const char *name)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, name);
	struct pb_buf b = PB_BUF_INIT;
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		pb_buf_add(&b, block, n);
	(void)fclose(f);
	/* The expected results have no last line break; requests keep theirs. */
	return pb_buf_take(&b);
}

/* A request as text: "METHOD target HTTP/1.1", header lines (folded ones too), empty line, body. */
struct parsed {
	struct pb_sbx_request r;
	struct pb_sbx_header headers[HEADERS_MAX];
	char *text, *folded[HEADERS_MAX];
	size_t n_folded;
};

static void
parsed_fini(struct parsed *p)
{
	for (size_t i = 0; i < p->n_folded; i++)
		free(p->folded[i]);
	free(p->text);
}

static void
take_header(struct parsed *p, char *line)
{
	struct pb_sbx_header *last = &p->headers[p->r.n_headers > 0 ? p->r.n_headers - 1 : 0];
	if (*line == ' ' || *line == '\t') {
		char *joined =
		    pb_asprintf("%.*s %s", PB_STR_ARG(last->value), line + strspn(line, " \t"));
		p->folded[p->n_folded++] = joined;
		last->value = pb_str_of(joined);
		return;
	}
	char *colon = strchr(line, ':');
	ck_assert_ptr_nonnull(colon);
	ck_assert_uint_lt(p->r.n_headers, HEADERS_MAX);
	p->headers[p->r.n_headers++] = (struct pb_sbx_header){
	    {line, (size_t)(colon - line)}, pb_str_trim(pb_str_of(colon + 1))};
}

/* `text` is taken over. */
static void
parse_request(struct parsed *p, char *text)
{
	char *rest = text, *line = strsep(&rest, "\n");
	char *space = strchr(line, ' '), *end = strrchr(line, ' ');
	p->text = text;
	p->r.headers = p->headers;
	p->r.method = (struct pb_str){line, (size_t)(space - line)};
	p->r.target = (struct pb_str){space + 1, (size_t)(end - space - 1)};
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
		take_header(p, line);
	p->r.body = pb_str_of(rest);
}

static void
check_case(const char *dir)
{
	PB_JSON json_t *context = NULL;
	PB_CLEANUP(pb_freep) char *json = read_file(dir, "context.json");
	PB_CLEANUP(pb_freep) char *canonical = read_file(dir, "header-canonical-request.txt");
	PB_CLEANUP(pb_freep) char *to_sign = read_file(dir, "header-string-to-sign.txt");
	PB_CLEANUP(parsed_fini) struct parsed p = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf got = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf got_to_sign = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	struct pb_sbx_auth auth;
	int64_t now;

	ck_assert_int_eq(pb_json_parse(pb_str_of(json), &context, NULL), 0);
	const json_t *keys = pb_json_get(context, "credentials");
	parse_request(&p, read_file(dir, "header-signed-request.txt"));
	p.r.is_path_kept = !pb_json_bool(context, "normalize", true);
	ck_assert_msg(pb_sbx_auth_parse(&p.r, &auth) == PB_SBX_VERIFIED, "%s", dir);
	pb_sbx_canonical_request(&p.r, auth.signed_headers, &got);
	ck_assert_msg(pb_streq(got.ptr, canonical), "%s:\n%s\nnot\n%s", dir, got.ptr, canonical);
	pb_sbx_string_to_sign(&auth, pb_buf_str(&got), &got_to_sign);
	ck_assert_msg(pb_streq(got_to_sign.ptr, to_sign), "%s: string to sign", dir);
	ck_assert_int_eq(
	    pb_time_parse(pb_str_of(pb_json_str(context, "timestamp")), &now, NULL), 0);
	enum pb_sbx_verdict v =
	    pb_sbx_auth_verify(&p.r, &auth, pb_json_str(keys, "secret_access_key"), now, &why);
	/* The one case whose token stands outside the signature is only for IoT: to us it is wrong. */
	bool is_odd = pb_json_bool(context, "omit_session_token", false) && auth.token.ptr != NULL;
	ck_assert_msg(v == (is_odd ? PB_SBX_NOT_SIGNED : PB_SBX_VERIFIED), "%s: %s", dir,
	    why.ptr ? why.ptr : "");
}

START_TEST(every_request_of_the_official_suite_is_verified)
{
	PB_CLEANUP(pb_freep) char *suite = pb_asprintf("%s/vectors/sigv4/suite", shared());
	const struct dirent *e;
	size_t n = 0;
	DIR *d = opendir(suite);
	if (d == NULL) {
		printf("SKIP signature suite: no %s\n", suite);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		PB_CLEANUP(pb_freep) char *dir = pb_asprintf("%s/%s", suite, e->d_name);
		check_case(dir);
		n++;
	}
	(void)closedir(d);
	ck_assert_uint_eq(n, 38);
}
END_TEST

/* The signed request of a service vector as text, for parse_request. */
static char *
vector_text(const json_t *doc)
{
	const json_t *line;
	struct pb_buf b = PB_BUF_INIT;
	const char *token = pb_json_str(pb_json_get(doc, "credentials"), "token");
	size_t i;
	pb_buf_addf(&b, "%s %s HTTP/1.1\nHost: %s\nX-Amz-Date: %s\n", pb_json_str(doc, "method"),
	    pb_json_str(doc, "target"), pb_json_str(doc, "host"), pb_json_str(doc, "timestamp"));
	if (token != NULL)
		pb_buf_addf(&b, "X-Amz-Security-Token: %s\n", token);
	json_array_foreach (pb_json_get(doc, "headers"), i, line) {
		pb_buf_addf(&b, "%s\n", json_string_value(line));
	}
	pb_buf_addf(&b, "Authorization: %s\n\n%s",
	    pb_json_str(pb_json_get(doc, "expect"), "authorization"),
	    pb_json_str_or(doc, "body", ""));
	return pb_buf_take(&b);
}

static int64_t
vector_time(const json_t *doc)
{
	const char *t = pb_json_str(doc, "timestamp");
	char text[PB_TIME_TEXT];
	int64_t at;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4, t + 6, t + 9,
	    t + 11, t + 13);
	ck_assert_int_eq(pb_time_parse(pb_str_of(text), &at, NULL), 0);
	return at;
}

static void
check_vector(const char *dir, const char *file)
{
	PB_JSON json_t *doc = NULL;
	PB_CLEANUP(pb_freep) char *json = read_file(dir, file);
	PB_CLEANUP(parsed_fini) struct parsed p = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf got = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	struct pb_sbx_auth auth;

	ck_assert_int_eq(pb_json_parse(pb_str_of(json), &doc, NULL), 0);
	parse_request(&p, vector_text(doc));
	ck_assert_msg(pb_sbx_auth_parse(&p.r, &auth) == PB_SBX_VERIFIED, "%s", file);
	pb_sbx_canonical_request(&p.r, auth.signed_headers, &got);
	const char *want = pb_json_str(pb_json_get(doc, "expect"), "canonical_request");
	ck_assert_msg(pb_streq(got.ptr, want), "%s:\n%s\nnot\n%s", file, got.ptr, want);
	const char *secret = pb_json_str(pb_json_get(doc, "credentials"), "secret_access_key");
	ck_assert_msg(
	    pb_sbx_auth_verify(&p.r, &auth, secret, vector_time(doc), &why) == PB_SBX_VERIFIED,
	    "%s: %s", file, why.ptr ? why.ptr : "");
}

START_TEST(every_service_vector_is_verified)
{
	PB_CLEANUP(pb_freep) char *dir = pb_asprintf("%s/vectors/sigv4/services", shared());
	const struct dirent *e;
	size_t n = 0;
	DIR *d = opendir(dir);
	if (d == NULL) {
		printf("SKIP service signatures: no %s\n", dir);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		check_vector(dir, e->d_name);
		n++;
	}
	(void)closedir(d);
	ck_assert_uint_eq(n, 12);
}
END_TEST

/* --- one request, spoiled in many ways: the suite's get-vanilla */

#define VANILLA_AUTH                                                                               \
	"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "        \
	"SignedHeaders=host;x-amz-date, "                                                          \
	"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define VANILLA_AT INT64_C(1440938160000)
#define VANILLA_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static const struct {
	const char *name, *request, *secret;
	int64_t late;
	enum pb_sbx_verdict parsed, verified;
} spoiled[] = {
    {"nothing spoiled",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_VERIFIED},
    {"just in time",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, PB_SBX_SKEW_MAX, PB_SBX_VERIFIED, PB_SBX_VERIFIED},
    {"too late",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, PB_SBX_SKEW_MAX + 1, PB_SBX_VERIFIED, PB_SBX_TOO_OLD},
    {"too early",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, -PB_SBX_SKEW_MAX - 1, PB_SBX_VERIFIED, PB_SBX_TOO_EARLY},
    {"another secret",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	"another", 0, PB_SBX_VERIFIED, PB_SBX_MISMATCH},
    {"another path",
	"GET /x HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_MISMATCH},
    {"a query that was not signed",
	"GET /?a=b HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_MISMATCH},
    {"another host",
	"GET / HTTP/1.1\nHost:evil.example.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_MISMATCH},
    {"a body that was not signed",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\nbody",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_MISMATCH},
    {"an x-amz header that was not signed",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"X-Amz-Target:a.b\nAuthorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_NOT_SIGNED},
    {"the date of another day in the scope",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150831T123600Z\n"
	"Authorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_VERIFIED, PB_SBX_WRONG_SCOPE},
    {"no authorization", "GET / HTTP/1.1\nHost:example.amazonaws.com\n\n", VANILLA_SECRET, 0,
	PB_SBX_UNSIGNED, PB_SBX_VERIFIED},
    {"another algorithm",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:Bearer x\n\n",
	VANILLA_SECRET, 0, PB_SBX_INCOMPLETE, PB_SBX_VERIFIED},
    {"half a header",
	"GET / HTTP/1.1\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
	"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830\n\n",
	VANILLA_SECRET, 0, PB_SBX_INCOMPLETE, PB_SBX_VERIFIED},
    {"no date", "GET / HTTP/1.1\nHost:example.amazonaws.com\nAuthorization:" VANILLA_AUTH "\n\n",
	VANILLA_SECRET, 0, PB_SBX_INCOMPLETE, PB_SBX_VERIFIED},
};

START_TEST(a_spoiled_request_is_refused_for_the_right_reason)
{
	PB_CLEANUP(parsed_fini) struct parsed p = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	struct pb_sbx_auth auth;
	parse_request(&p, pb_strdup(spoiled[_i].request));
	ck_assert_msg(pb_sbx_auth_parse(&p.r, &auth) == spoiled[_i].parsed, "%s", spoiled[_i].name);
	if (spoiled[_i].parsed != PB_SBX_VERIFIED)
		return;
	ck_assert_msg(pb_sbx_auth_verify(&p.r, &auth, spoiled[_i].secret,
			  VANILLA_AT + spoiled[_i].late, &why) == spoiled[_i].verified,
	    "%s: %s", spoiled[_i].name, why.ptr ? why.ptr : "verified");
	ck_assert((why.len > 0) == (spoiled[_i].verified != PB_SBX_VERIFIED));
}
END_TEST

PB_SUITE(sandbox_sigv4)
{
	pb_add(s, every_request_of_the_official_suite_is_verified);
	pb_add(s, every_service_vector_is_verified);
	pb_add_loop(
	    s, a_spoiled_request_is_refused_for_the_right_reason, 0, (int)PB_ARRAY_LEN(spoiled));
}
