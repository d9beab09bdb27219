/*
 * What every service does with a call: recognise it, spoil it if a fault says so, judge its signature,
 * run the operation, and write answers and errors in the service's protocol.
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

static const struct pb_sbx_service *const services[] = {
    &pb_sbx_cloudwatch, &pb_sbx_sqs, &pb_sbx_sns, &pb_sbx_sts};

static const struct {
	int json_status, query_status;
	const char *json, *query, *text;
} verdicts[PB_SBX_VERDICT_MAX] = {
    [PB_SBX_VERIFIED] = {200, 200, "", "", ""},
    [PB_SBX_UNSIGNED] = {400, 403, "MissingAuthenticationTokenException",
	"MissingAuthenticationToken", "Missing Authentication Token"},
    [PB_SBX_INCOMPLETE] = {400, 400, "IncompleteSignatureException", "IncompleteSignature",
	"Authorization header requires 'Credential', 'SignedHeaders', 'Signature' and a "
	"'X-Amz-Date' "
	"header."},
    [PB_SBX_NOT_SIGNED] = {400, 403, "InvalidSignatureException", "SignatureDoesNotMatch", ""},
    [PB_SBX_WRONG_SCOPE] = {400, 403, "InvalidSignatureException", "SignatureDoesNotMatch", ""},
    [PB_SBX_MISMATCH] = {400, 403, "InvalidSignatureException", "SignatureDoesNotMatch", ""},
    [PB_SBX_TOO_OLD] = {400, 403, "InvalidSignatureException", "SignatureDoesNotMatch", ""},
    [PB_SBX_TOO_EARLY] = {400, 403, "InvalidSignatureException", "SignatureDoesNotMatch", ""},
};

/* --- answers */

char *
pb_sbx_json_text(const json_t *j)
{
	/* 15 digits: a time in seconds keeps its milliseconds and shows no binary noise. */
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	pb_check(text != NULL);
	return text;
}

json_t *
pb_sbx_time_json(int64_t at)
{
	return json_real((double)at / 1000.0);
}

static char *
time_with(char out[PB_TIME_TEXT], int64_t at, const char *zone)
{
	char whole[PB_TIME_TEXT];
	pb_time_rfc3339(whole, at - at % 1000);
	(void)snprintf(out, PB_TIME_TEXT, "%.19s.%03d%s", whole, (int)(at % 1000), zone);
	return out;
}

char *
pb_sbx_time_offset(char out[PB_TIME_TEXT], int64_t at)
{
	return time_with(out, at, "+0000");
}

char *
pb_sbx_time_millis(char out[PB_TIME_TEXT], int64_t at)
{
	return time_with(out, at, "Z");
}

bool
pb_sbx_is_true(const json_t *input, const char *name)
{
	return pb_json_bool(input, name, false) || pb_streq(pb_json_str(input, name), "true");
}

void
pb_sbx_xml_text(struct pb_buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			pb_buf_adds(out, "&lt;");
			break;
		case '>':
			pb_buf_adds(out, "&gt;");
			break;
		case '&':
			pb_buf_adds(out, "&amp;");
			break;
		case '"':
			pb_buf_adds(out, "&quot;");
			break;
		case '\r':
			pb_buf_adds(out, "&#xD;");
			break;
		default:
			pb_buf_addc(out, *s);
		}
	}
}

void
pb_sbx_ok_json(struct pb_sbx_call *c, json_t *out)
{
	PB_CLEANUP(pb_freep) char *text = out ? pb_sbx_json_text(out) : pb_strdup("{}");
	json_decref(out);
	c->status = 200;
	pb_buf_adds(&c->answer, text);
	pb_sbx_send(c);
}

void
pb_sbx_ok_query(struct pb_sbx_call *c, const char *inner)
{
	c->status = 200;
	pb_buf_addf(&c->answer, "<%sResponse xmlns=\"%s\">\n", c->operation, c->service->space);
	if (inner != NULL)
		pb_buf_addf(
		    &c->answer, "  <%sResult>%s</%sResult>\n", c->operation, inner, c->operation);
	pb_buf_addf(&c->answer,
	    "  <ResponseMetadata>\n    <RequestId>%s</RequestId>\n  </ResponseMetadata>\n"
	    "</%sResponse>\n",
	    c->id, c->operation);
	pb_sbx_send(c);
}

static void
write_error(struct pb_sbx_call *c, const char *code, const char *text)
{
	const char *sender = c->status < 500 ? "Sender" : "Receiver";
	if (c->service != NULL && c->service->protocol == PB_SBX_QUERY) {
		pb_buf_addf(&c->answer,
		    "<ErrorResponse xmlns=\"%s\">\n  <Error>\n    <Type>%s</Type>\n    "
		    "<Code>%s</Code>\n"
		    "    <Message>",
		    c->service->space, sender, code);
		pb_sbx_xml_text(&c->answer, text);
		pb_buf_addf(&c->answer,
		    "</Message>\n  </Error>\n  <RequestId>%s</RequestId>\n</ErrorResponse>\n",
		    c->id);
		return;
	}
	/* Errors of the front end carry its own name space, errors of the model the service's. */
	bool is_general = c->service == NULL || c->query_error[0] == '\0';
	PB_CLEANUP(pb_freep)
	char *type =
	    pb_asprintf("%s#%s", is_general ? "com.amazon.coral.service" : c->service->space, code);
	PB_JSON json_t *body = json_pack("{s:s, s:s}", "__type", type, "message", text);
	PB_CLEANUP(pb_freep) char *dump = pb_sbx_json_text(body);
	pb_buf_adds(&c->answer, dump);
}

void
pb_sbx_fail(
    struct pb_sbx_call *c, int status, const char *code, const char *query, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	pb_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	pb_buf_add_safe(&safe, pb_buf_str(&text), 8192, true);
	c->status = status;
	if (query != NULL)
		(void)snprintf(c->query_error, sizeof(c->query_error), "%s;%s", query,
		    status < 500 ? "Sender" : "Receiver");
	pb_json_set_str(c->entry, "code", code);
	pb_json_set_str(c->entry, "message", safe.ptr ? safe.ptr : "");
	write_error(c, code, safe.ptr ? safe.ptr : "");
	pb_sbx_send(c);
}

/* --- recognising */

static void
take_operation(struct pb_sbx_call *c, const char *name)
{
	(void)snprintf(c->operation, sizeof(c->operation), "%.*s",
	    (int)strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
	    name);
}

static void
recognise_json(struct pb_sbx_call *c, struct pb_str target)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(services); i++) {
		const struct pb_sbx_service *s = services[i];
		size_t len = s->target ? strlen(s->target) : 0;
		if (len == 0 || target.len <= len + 1 || memcmp(target.ptr, s->target, len) != 0 ||
		    target.ptr[len] != '.')
			continue;
		PB_CLEANUP(pb_freep)
		char *name = pb_strndup(target.ptr + len + 1, target.len - len - 1);
		c->service = s;
		take_operation(c, name);
	}
}

static void
recognise_query(struct pb_sbx_call *c)
{
	PB_CLEANUP(pb_freep) char *action = pb_sbx_form_get(c->body, "Action");
	PB_CLEANUP(pb_freep) char *version = pb_sbx_form_get(c->body, "Version");
	for (size_t i = 0; action != NULL && i < PB_ARRAY_LEN(services); i++)
		if (services[i]->protocol == PB_SBX_QUERY &&
		    pb_streq(version, services[i]->version)) {
			c->service = services[i];
			take_operation(c, action);
		}
}

static void
recognise(struct pb_sbx_call *c, const struct pb_sbx_request *r)
{
	struct pb_str target = pb_sbx_header_get(r, "X-Amz-Target");
	if (target.ptr != NULL)
		recognise_json(c, target);
	else
		recognise_query(c);
	if (c->service == NULL)
		return;
	if (c->service->protocol == PB_SBX_JSON)
		(void)pb_json_parse(c->body.len ? c->body : PB_STR("{}"), &c->input, NULL);
	else
		c->input = pb_sbx_form_parse(c->body);
	if (c->input != NULL && !json_is_object(c->input)) {
		json_decref(c->input);
		c->input = NULL;
	}
}

/* --- the signature */

static void
fail_verdict(struct pb_sbx_call *c, enum pb_sbx_verdict v, const char *why)
{
	bool is_query = c->service->protocol == PB_SBX_QUERY;
	pb_sbx_fail(c, is_query ? verdicts[v].query_status : verdicts[v].json_status,
	    is_query ? verdicts[v].query : verdicts[v].json, NULL, "%s",
	    why && *why ? why : verdicts[v].text);
}

static void
fail_key(struct pb_sbx_call *c, bool is_expired)
{
	bool is_query = c->service->protocol == PB_SBX_QUERY;
	const char *json = is_expired ? "ExpiredTokenException" : "UnrecognizedClientException";
	const char *query = is_expired ? "ExpiredToken" : "InvalidClientTokenId";
	pb_sbx_fail(c, is_query ? 403 : 400, is_query ? query : json, NULL,
	    "The security token included in the request is %s",
	    is_expired ? "expired" : "invalid.");
}

/* True when the call may go on; otherwise it is answered. */
static bool
judge(struct pb_sbx_call *c, const struct pb_sbx_request *r, const struct pb_sbx_auth *a,
    enum pb_sbx_verdict v, bool is_telling)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *access = pb_strndup(a->access_key.ptr, a->access_key.len);
	const struct pb_sbx_key *key =
	    v == PB_SBX_VERIFIED ? pb_map_get(c->sb->keys, access) : NULL;

	if (v == PB_SBX_VERIFIED && key != NULL && pb_str_is(a->service, c->service->signing))
		v = pb_sbx_auth_verify(r, a, key->secret, pb_sbx_now(c->sb) + c->skew, &why);
	else if (v == PB_SBX_VERIFIED && key != NULL) {
		pb_buf_addf(&why, "Credential should be scoped to correct service: '%s'.",
		    c->service->signing);
		v = PB_SBX_WRONG_SCOPE;
	}
	bool is_key_good = key != NULL &&
	    (key->token != NULL ? pb_str_is(a->token, key->token) : a->token.len == 0);
	bool is_good = v == PB_SBX_VERIFIED && is_key_good && !key->is_expired;
	if (!is_telling || is_good)
		return is_good;
	if (v != PB_SBX_VERIFIED)
		fail_verdict(c, v, why.ptr);
	else
		fail_key(c, is_key_good);
	return false;
}

/* --- faults that come before any effect */

static void
fail_as(struct pb_sbx_call *c, int status, const char *code, const char *query, const char *text)
{
	code = pb_json_str_or(c->rule, "code", code);
	pb_sbx_fail(c, (int)pb_json_i64(c->rule, "status", status), code,
	    pb_json_str(c->rule, "code") ? NULL : query, "%s",
	    pb_json_str_or(c->rule, "message", text));
}

static void
fail_server(struct pb_sbx_call *c)
{
	int status = (int)pb_json_i64(c->rule, "status", 500);
	if (pb_json_bool(c->rule, "html", false)) {
		c->status = status;
		c->is_raw = true;
		c->content_type = "text/html";
		pb_buf_addf(&c->answer,
		    "<html><head><title>%d Service Unavailable</title></head>"
		    "<body><h1>%d Service Unavailable</h1></body></html>\n",
		    status, status);
		pb_sbx_send(c);
		return;
	}
	fail_as(c, status, status == 503 ? "ServiceUnavailable" : "InternalFailure", NULL,
	    "The request processing has failed because of an unknown error, exception or failure.");
}

static void
answer_anything(struct pb_sbx_call *c)
{
	c->status = (int)pb_json_i64(c->rule, "status", 200);
	c->is_raw = true;
	c->content_type = pb_json_str(c->rule, "content_type");
	pb_buf_adds(&c->answer, pb_json_str_or(c->rule, "body", ""));
	pb_sbx_send(c);
}

/* True when the fault has dealt with the call. */
static bool
spoil(struct pb_sbx_call *c)
{
	static const char mismatch[] =
	    "The request signature we calculated does not match the signature you provided.";
	switch (c->fault) {
	case PB_SBX_THROTTLE:
		fail_as(c, c->service->throttle_status, c->service->throttle,
		    c->service->throttle_query, "Rate exceeded");
		return true;
	case PB_SBX_ERROR:
		fail_as(c, 400, "ValidationError", NULL, "A scripted error");
		return true;
	case PB_SBX_SERVER_ERROR:
		fail_server(c);
		return true;
	case PB_SBX_EXPIRED_TOKEN:
		fail_key(c, true);
		return true;
	case PB_SBX_BAD_SIGNATURE:
		fail_verdict(c, PB_SBX_MISMATCH, mismatch);
		return true;
	case PB_SBX_ANSWER:
		answer_anything(c);
		return true;
	case PB_SBX_RESET:
	case PB_SBX_CLOSE:
	case PB_SBX_HANG:
		pb_sbx_send(c);
		return true;
	case PB_SBX_SKEWED_DATE:
	case PB_SBX_NO_FAULT:
	case PB_SBX_DELAY:
	case PB_SBX_LOST:
	case PB_SBX_DRIP:
	case PB_SBX_CUT:
	case PB_SBX_EMPTY:
	case PB_SBX_GARBAGE:
	case PB_SBX_NOT_HTTP:
	case PB_SBX_HUGE:
	case PB_SBX_WRONG_MD5:
	case PB_SBX_DUPLICATE:
	case PB_SBX_REORDER:
	case PB_SBX_FAULT_MAX:
		return false;
	}
	return false;
}

/* --- the whole */

static void
run_operation(struct pb_sbx_call *c)
{
	const struct pb_sbx_service *s = c->service;
	bool is_json = s->protocol == PB_SBX_JSON;
	if (c->input == NULL) {
		pb_sbx_fail(c, 400, is_json ? "SerializationException" : "MalformedQueryString",
		    NULL, "The request body cannot be read");
		return;
	}
	for (size_t i = 0; i < s->n_ops; i++)
		if (pb_streq(s->ops[i].name, c->operation)) {
			s->ops[i].run(c);
			return;
		}
	pb_sbx_fail(c, 400, is_json ? "UnknownOperationException" : "InvalidAction", NULL,
	    "Could not find operation %s (or the sandbox does not have it)", c->operation);
}

static void
note_request(struct pb_sbx_call *c, const struct pb_sbx_request *r, const struct pb_sbx_auth *a)
{
	static const struct {
		const char *header, *member;
	} kept[] = {{"User-Agent", "user_agent"}, {"amz-sdk-invocation-id", "invocation"},
	    {"amz-sdk-request", "attempt"}, {"Content-Type", "content_type"}};
	char safe[256];

	for (size_t i = 0; i < PB_ARRAY_LEN(kept); i++)
		pb_json_set_str(c->entry, kept[i].member,
		    pb_safe(safe, sizeof(safe), pb_sbx_header_get(r, kept[i].header)));
	pb_json_set_str(c->entry, "access_key", pb_safe(safe, sizeof(safe), a->access_key));
	pb_json_set_str(c->entry, "service", c->service ? c->service->name : "");
	pb_json_set_str(c->entry, "operation", c->operation);
	pb_json_set_str(c->entry, "fault", pb_sbx_fault_name(c->fault));
	json_object_set_new(c->entry, "is_verified", json_boolean(c->is_verified));
	if (c->input != NULL)
		json_object_set(c->entry, "input", c->input);
	if (a->region.len > 0 && a->region.len < sizeof(c->region))
		(void)snprintf(c->region, sizeof(c->region), "%.*s", PB_STR_ARG(a->region));
	else
		(void)snprintf(c->region, sizeof(c->region), "%.30s", c->sb->opts.region);
}

/* Its token says who it is. */
static bool
is_unsigned(const struct pb_sbx_call *c)
{
	return c->service == &pb_sbx_sts && pb_streq(c->operation, "AssumeRoleWithWebIdentity");
}

void
pb_sbx_call_run(struct pb_sbx_call *c, const struct pb_sbx_request *r)
{
	struct pb_sbx_auth auth = {0};
	enum pb_sbx_verdict v = pb_sbx_auth_parse(r, &auth);

	recognise(c, r);
	if (c->service != NULL) {
		c->fault = pb_sbx_faults_take(
		    c->sb->faults, c->service->name, c->operation, c->input, c->body, &c->rule);
		if (c->fault == PB_SBX_SKEWED_DATE)
			c->skew = pb_json_i64(c->rule, "skew_ms", 10 * PB_MINUTE);
		c->is_verified = judge(c, r, &auth, v, false);
	}
	note_request(c, r, &auth);
	if (c->service == NULL) {
		pb_sbx_fail(c, 404, "UnknownOperationException", NULL,
		    "No service of the sandbox has this X-Amz-Target, or Action and Version");
		return;
	}
	if (spoil(c) || (!is_unsigned(c) && !judge(c, r, &auth, v, true)))
		return;
	run_operation(c);
}
