/*
 * Signing: the official suite and the service vectors where they are at hand, and some of them
 * here.
 */
#include "aws/sigv4.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/aws/help.h"
#include "tests/unit/runner.h"

#define KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define AT 1440938160000 /* 2015-08-30T12:36:00Z */

static void
add_folded(struct pb_aws_headers *h, struct pb_str line)
{
	struct pb_aws_header *last = &h->items[h->len - 1];
	struct pb_str more = pb_str_trim(line);
	char *joined = pb_asprintf("%s %.*s", last->value, PB_STR_ARG(more));
	free(last->value);
	last->value = joined;
}

/* Read request.txt of the suite. */
static struct pb_aws_request *
read_request(const char *text)
{
	struct pb_aws_request *r = pb_aws_request_new();
	const char *end = strchr(text, '\n');
	if (!end)
		end = text + strlen(text);
	const char *space = strchr(text, ' ');
	const char *version = strstr(text, " HTTP/1.1");
	r->method = pb_strndup(text, (size_t)(space - text));
	r->target = pb_strndup(space + 1, (size_t)(version - space - 1));
	while (*end == '\n' && end[1] && end[1] != '\n') {
		const char *line = end + 1;
		size_t len = strcspn(line, "\n");
		if (*line == ' ' || *line == '\t')
			add_folded(&r->headers, (struct pb_str){line, len});
		else
			ck_assert(pb_aws_headers_add_line(&r->headers, (struct pb_str){line, len}));
		end = line + len;
	}
	if (end[0] == '\n' && end[1] == '\n')
		pb_buf_adds(&r->body, end + 2);
	return r;
}

static void
is_file(const char *dir, const char *name, const char *have)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, name);
	PB_CLEANUP(pb_freep) char *want = shared_file(path, NULL);
	ck_assert_ptr_nonnull(want);
	ck_assert_msg(pb_streq(want, have), "%s\nwant: %s\nhave: %s", path, want, have);
}

static void
check_suite_case(const char *name)
{
	PB_CLEANUP(pb_freep) char *dir = pb_asprintf("vectors/sigv4/suite/%s", name);
	PB_CLEANUP(pb_freep) char *context_path = pb_asprintf("%s/context.json", dir);
	PB_CLEANUP(pb_freep) char *request_path = pb_asprintf("%s/request.txt", dir);
	PB_CLEANUP(pb_freep) char *context_text = shared_file(context_path, NULL);
	PB_CLEANUP(pb_freep) char *request_text = shared_file(request_path, NULL);
	PB_JSON json_t *context = js(context_text);
	const json_t *c = pb_json_get(context, "credentials");

	int64_t at;
	ck_assert_int_eq(pb_time_parse(pb_str_of(pb_json_str(context, "timestamp")), &at, NULL), 0);
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds = pb_aws_creds_new(pb_json_str(c, "access_key_id"),
	    pb_json_str(c, "secret_access_key"), pb_json_str(c, "token"), "test");
	struct pb_sigv4_scope scope = {
	    .region = pb_json_str(context, "region"),
	    .service = pb_json_str(context, "service"),
	    .at = at,
	    .is_unnormalized = !pb_json_bool(context, "normalize", true),
	    .is_body_signed = pb_json_bool(context, "sign_body", false),
	    .is_token_unsigned = pb_json_bool(context, "omit_session_token", false),
	};
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = read_request(request_text);
	struct pb_sigv4_trace trace;
	pb_sigv4_sign(r, creds, &scope, &trace);
	is_file(dir, "header-canonical-request.txt", trace.canonical_request);
	is_file(dir, "header-string-to-sign.txt", trace.string_to_sign);
	is_file(dir, "header-signature.txt", trace.signature);
	if (creds->session_token)
		ck_assert_str_eq(
		    pb_aws_headers_get(&r->headers, "x-amz-security-token"), creds->session_token);
	pb_sigv4_trace_fini(&trace);
}

START_TEST(the_official_suite_passes)
{
	char names[64][64];
	size_t n = shared_names("vectors/sigv4/suite", names, 64);
	for (size_t i = 0; i < n; i++)
		check_suite_case(names[i]);
	ck_assert(n == 0 || n == 38);
}
END_TEST

static void
check_service_case(const char *name)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("vectors/sigv4/services/%s", name);
	PB_CLEANUP(pb_freep) char *text = shared_file(path, NULL);
	PB_JSON json_t *v = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(text), &v, NULL), 0);
	const json_t *c = pb_json_get(v, "credentials"), *expect = pb_json_get(v, "expect");
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds = pb_aws_creds_new(pb_json_str(c, "access_key_id"),
	    pb_json_str(c, "secret_access_key"), pb_json_str(c, "token"), "test");

	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = pb_aws_request_new();
	r->method = pb_strdup(pb_json_str(v, "method"));
	r->target = pb_strdup(pb_json_str(v, "target"));
	pb_buf_adds(&r->body, pb_json_str(v, "body"));
	pb_aws_headers_add(&r->headers, "Host", pb_json_str(v, "host"));
	const json_t *headers = pb_json_get(v, "headers");
	for (size_t i = 0; i < json_array_size(headers); i++)
		pb_aws_headers_add_line(
		    &r->headers, pb_str_of(json_string_value(json_array_get(headers, i))));

	struct pb_sigv4_scope scope = {
	    .region = pb_json_str(v, "region"), .service = pb_json_str(v, "service"), .at = AT};
	struct pb_sigv4_trace trace;
	pb_sigv4_sign(r, creds, &scope, &trace);
	ck_assert_str_eq(trace.canonical_request, pb_json_str(expect, "canonical_request"));
	ck_assert_str_eq(trace.string_to_sign, pb_json_str(expect, "string_to_sign"));
	ck_assert_str_eq(trace.signature, pb_json_str(expect, "signature"));
	ck_assert_str_eq(
	    pb_aws_headers_get(&r->headers, "Authorization"), pb_json_str(expect, "authorization"));
	pb_sigv4_trace_fini(&trace);
}

START_TEST(the_service_vectors_pass)
{
	char names[32][64];
	size_t n = shared_names("vectors/sigv4/services", names, 32);
	for (size_t i = 0; i < n; i++)
		check_service_case(names[i]);
	ck_assert(n == 0 || n == 12);
}
END_TEST

/* These need no shared folder. */
static const struct {
	const char *name, *request, *region, *service, *canonical, *signature;
} samples[] = {
    {"vanilla", "GET / HTTP/1.1\nHost:example.amazonaws.com", "us-east-1", "service",
	"GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"dot segments", "GET /./ HTTP/1.1\nHost:example.amazonaws.com", "us-east-1", "service",
	"GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"path encoded twice",
	"POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3A"
	"fix-it/invocations?Qualifier=%24LATEST HTTP/1.1\nHost: lambda.us-east-1.amazonaws.com\n"
	"X-Amz-Invocation-Type: Event\n\n{}",
	"us-east-1", "lambda", NULL,
	"f4870721c84006281e66a8e6fceaede3d16eda28858c59c5ff2ef46362483626"},
    {"sorted query",
	"GET /prod/a%20b/%C3%A9?b=2&a=1&a=0&flag= HTTP/1.1\n"
	"Host: abc.execute-api.us-east-1.amazonaws.com\nAccept: application/json",
	"us-east-1", "execute-api", NULL,
	"79b1d23ea6f2a67c52bbbf1e2e3e8dfa6a90874b68eae21fd1c268f1a80f46fa"},
    {"blanks in headers",
	"POST / HTTP/1.1\nHost: example.amazonaws.com\nX-Amz-Meta-A:   a   b  c  \n"
	"X-Amz-Meta-B: 1,2\n\nx",
	"us-east-1", "service", NULL,
	"83ce9dac748093acdec1245d6c04d46e1881c02b1bdb63529c183a97dad083d8"},
    {"transport headers are not signed",
	"GET / HTTP/1.1\nUser-Agent: x\nHost:example.amazonaws.com\nExpect:\nConnection: close",
	"us-east-1", "service", NULL,
	"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
};

START_TEST(a_known_request_has_the_known_signature)
{
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds = pb_aws_creds_new(KEY_ID, SECRET, NULL, "test");
	PB_CLEANUP(pb_aws_request_freep)
	struct pb_aws_request *r = read_request(samples[_i].request);
	struct pb_sigv4_scope scope = {
	    .region = samples[_i].region, .service = samples[_i].service, .at = AT};
	struct pb_sigv4_trace trace;
	pb_sigv4_sign(r, creds, &scope, &trace);
	ck_assert_msg(pb_streq(trace.signature, samples[_i].signature), "%s: %s", samples[_i].name,
	    trace.canonical_request);
	if (samples[_i].canonical)
		ck_assert_str_eq(trace.canonical_request, samples[_i].canonical);
	pb_sigv4_trace_fini(&trace);
}
END_TEST

START_TEST(signing_again_replaces_what_signing_added)
{
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *temporary = pb_aws_creds_new("OTHER", "other", "token", "test");
	PB_CLEANUP(pb_aws_creds_freep)
	struct pb_aws_creds *creds = pb_aws_creds_new(KEY_ID, SECRET, NULL, "test");
	PB_CLEANUP(pb_aws_request_freep)
	struct pb_aws_request *r = read_request(samples[0].request);
	struct pb_sigv4_scope scope = {.region = "us-east-1", .service = "service", .at = AT + 1};
	struct pb_sigv4_trace trace;
	pb_sigv4_sign(r, temporary, &scope, NULL);
	pb_sigv4_sign(r, creds, &scope, &trace);
	ck_assert_str_eq(trace.signature, samples[0].signature);
	ck_assert_ptr_null(pb_aws_headers_get(&r->headers, "X-Amz-Security-Token"));
	ck_assert_uint_eq(r->headers.len, 3);
	pb_sigv4_trace_fini(&trace);
}
END_TEST

PB_SUITE(sigv4)
{
	pb_add(s, the_official_suite_passes);
	pb_add(s, the_service_vectors_pass);
	pb_add_loop(s, a_known_request_has_the_known_signature, 0, PB_ARRAY_LEN(samples));
	pb_add(s, signing_again_replaces_what_signing_added);
}
