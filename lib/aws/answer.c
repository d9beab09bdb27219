/*
 * Answers: success to JSON, failure to a classified error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "aws/call.h"
#include "aws/shape.h"
#include "aws/xml.h"

/* What an error body says, before it is believed. */
struct said {
	char code[128], query_code[128];
};

static void
copy_text(char *out, size_t size, const char *text)
{
	struct pb_str s = pb_str_of(text);
	size_t len = pb_utf8_cut(s, size - 1);
	if (len > 0)
		memcpy(out, s.ptr, len);
	out[len] = '\0';
}

/*
 * A service that refuses a signature sends back what it would have signed, the session token among
 * it.  What a person needs is the first line; what follows the token's name is no line's business.
 */
static void
copy_message(char *out, size_t size, const char *text)
{
	static const char token[] = "x-amz-security-token";
	struct pb_str s = pb_str_trim(pb_str_of(text));
	if (s.len == 0) {
		out[0] = '\0';
		return;
	}
	PB_CLEANUP(pb_freep) char *line = pb_strndup(s.ptr, s.len);
	line[strcspn(line, "\r\n")] = '\0';
	char *at = strcasestr(line, token);
	if (at)
		at[sizeof(token) - 1] = '\0';
	copy_text(out, size, line);
}

/* Cut namespace and URL off a code; a code of odd bytes is no code. */
static void
copy_code(char *out, size_t size, const char *code)
{
	if (*out || !code)
		return;
	struct pb_str s = {code, strcspn(code, ":")};
	const char *hash = memchr(s.ptr, '#', s.len);
	if (hash)
		s = (struct pb_str){hash + 1, s.len - (size_t)(hash + 1 - s.ptr)};
	s = pb_str_trim(s);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return;
	snprintf(out, size, "%.*s", (int)(s.len < size ? s.len : size - 1), s.ptr);
}

static void
read_json_error(const struct pb_aws_answer *a, struct said *said, struct pb_aws_error *e)
{
	const char *query = pb_aws_headers_get(a->headers, "x-amzn-query-error");
	if (query) {
		char part[128];
		snprintf(part, sizeof(part), "%.*s", (int)strcspn(query, ";"), query);
		copy_code(said->query_code, sizeof(said->query_code), part);
	}
	PB_JSON json_t *body = NULL;
	if (pb_json_parse(a->body, &body, NULL) < 0)
		body = NULL;
	copy_code(said->code, sizeof(said->code), pb_json_str(body, "__type"));
	copy_code(
	    said->code, sizeof(said->code), pb_aws_headers_get(a->headers, "x-amzn-ErrorType"));
	copy_code(said->code, sizeof(said->code), pb_json_str(body, "code"));

	static const char *const messages[] = {"message", "Message", "errorMessage"};
	for (size_t i = 0; i < PB_ARRAY_LEN(messages) && !*e->message; i++)
		copy_message(e->message, sizeof(e->message), pb_json_str(body, messages[i]));
}

static void
read_xml_error(const struct pb_aws_answer *a, struct said *said, struct pb_aws_error *e)
{
	PB_CLEANUP(pb_xml_freep) struct pb_xml_node *root = NULL;
	if (pb_xml_parse(a->body, &root, NULL) < 0)
		return;
	const struct pb_xml_node *error = pb_xml_find(root, "Error");
	const struct pb_xml_node *id = pb_xml_find(root, "RequestId");
	if (!id)
		id = pb_xml_find(root, "RequestID");
	copy_code(said->code, sizeof(said->code), pb_xml_text(pb_xml_child(error, "Code")));
	copy_message(e->message, sizeof(e->message), pb_xml_text(pb_xml_child(error, "Message")));
	if (id && !*e->request_id)
		copy_text(e->request_id, sizeof(e->request_id), pb_xml_text(id));
}

static bool
is_json(const struct pb_aws_service *s)
{
	return s->protocol == PB_AWS_JSON_1_0 || s->protocol == PB_AWS_JSON_1_1 ||
	    s->protocol == PB_AWS_REST_JSON;
}

static void
settle_code(const struct said *said, struct pb_aws_error *e)
{
	const char *code = *said->code ? said->code : said->query_code;
	snprintf(e->query_code, sizeof(e->query_code), "%s", said->query_code);
	if (*code)
		snprintf(e->code, sizeof(e->code), "%s", code);
	else
		snprintf(e->code, sizeof(e->code), "HTTP %d", e->http_status);
}

static enum pb_aws_class
class_of(const struct said *said, int status)
{
	enum pb_aws_class c = pb_aws_classify(said->code, status);
	if (!*said->query_code)
		return c;
	/* Either name may be the one we know; throttling in either counts. */
	enum pb_aws_class q = pb_aws_classify(said->query_code, status);
	if (q == PB_AWS_THROTTLED || !*said->code || c == pb_aws_classify(NULL, status))
		return q;
	return c;
}

static bool
is_server_trouble(int status)
{
	return status == 500 || status == 502 || status == 503 || status == 504;
}

static int64_t
retry_after(const struct pb_aws_headers *h)
{
	int64_t ms;
	const char *text = pb_aws_headers_get(h, "x-amz-retry-after");
	if (!text || pb_parse_i64(pb_str_of(text), 0, PB_DAY, &ms, NULL) < 0)
		return -1;
	return ms;
}

static void
start_error(const struct pb_aws_answer *a, struct pb_aws_error *e)
{
	const char *id = pb_aws_headers_get(a->headers, "x-amzn-RequestId");
	*e = (struct pb_aws_error){
	    .http_status = a->status,
	    .retry_after_for = retry_after(a->headers),
	};
	copy_text(e->request_id, sizeof(e->request_id), id ? id : "");
}

static void
read_error(
    const struct pb_aws_service *s, const struct pb_aws_answer *a, struct pb_aws_error *ret_error)
{
	struct said said = {0};
	struct pb_aws_error e;
	start_error(a, &e);
	if (is_json(s))
		read_json_error(a, &said, &e);
	else
		read_xml_error(a, &said, &e);
	settle_code(&said, &e);
	if (!*e.message && a->status >= 300 && a->status < 400)
		copy_text(e.message, sizeof(e.message),
		    "redirected: the endpoint URL or the region is wrong");

	e.class = class_of(&said, a->status);
	e.is_retryable = e.class == PB_AWS_THROTTLED || e.class == PB_AWS_CREDENTIALS_STALE ||
	    is_server_trouble(a->status) || (e.class == PB_AWS_TRANSIENT && a->status < 500);
	/* A refusal or a redirect proves that nothing was done; a 5xx proves nothing. */
	e.is_not_taken = e.class == PB_AWS_THROTTLED || (a->status >= 300 && a->status < 500);
	*ret_error = e;
}

/*
 * A 200 without what the operation always gives may come from anything on the way: it proves
 * neither that the call was taken nor that it was not.
 */
static int
check_output(struct pb_str shape, const json_t *output, struct pb_error *err)
{
	struct pb_shape_member m;
	while (pb_shape_next(&shape, &m)) {
		if (!m.is_required)
			continue;
		PB_CLEANUP(pb_freep) char *name = pb_strndup(m.name.ptr, m.name.len);
		const json_t *value = json_object_get(output, name);
		bool is_there = m.type == PB_SHAPE_STRUCT ? json_is_object(value)
		    : json_is_string(value)               ? json_string_length(value) > 0
							  : json_is_number(value);
		if (!is_there)
			return pb_fail(err, PB_SYNTAX, "the answer has no %s", name);
		if (m.type == PB_SHAPE_STRUCT && check_output(m.members, value, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_json_output(
    const struct pb_aws_op *op, const struct pb_aws_answer *a, json_t **ret, struct pb_error *err)
{
	if (pb_str_trim(a->body).len == 0) {
		if (*op->out)
			return pb_fail(err, PB_SYNTAX, "the answer is empty");
		*ret = json_object();
		return 0;
	}
	PB_JSON json_t *body = NULL;
	if (pb_json_parse(a->body, &body, err) < 0)
		return -1;
	if (!json_is_object(body))
		return pb_fail(err, PB_SYNTAX, "the answer is no JSON object");
	*ret = PB_TAKE(body);
	return 0;
}

static int
read_xml_output(
    const struct pb_aws_op *op, const struct pb_aws_answer *a, json_t **ret, struct pb_error *err)
{
	PB_CLEANUP(pb_xml_freep) struct pb_xml_node *root = NULL;
	if (pb_xml_parse(a->body, &root, err) < 0)
		return -1;
	PB_CLEANUP(pb_freep) char *outer = pb_asprintf("%sResponse", op->name);
	PB_CLEANUP(pb_freep) char *inner = pb_asprintf("%sResult", op->name);
	if (!pb_streq(pb_xml_name(root), outer))
		return pb_fail(err, PB_SYNTAX, "the answer is no <%s>", outer);
	/* EC2 has no wrapper. */
	const struct pb_xml_node *result =
	    pb_aws_op_service(op)->protocol == PB_AWS_EC2_QUERY ? root : pb_xml_child(root, inner);
	if (!result && *op->out)
		return pb_fail(err, PB_SYNTAX, "the answer has no <%s>", inner);
	return pb_xml_to_json(result, pb_str_of(op->out), ret, err);
}

int
pb_aws_call_parse(const struct pb_aws_op *op, const struct pb_aws_answer *answer,
    json_t **ret_output, struct pb_aws_error *ret_error)
{
	const struct pb_aws_service *s = pb_aws_op_service(op);
	if (answer->status < 200 || answer->status > 299) {
		read_error(s, answer, ret_error);
		return -1;
	}
	struct pb_error err = {0};
	PB_JSON json_t *output = NULL;
	int rc;
	if (answer->body.len > PB_AWS_BODY_MAX)
		rc = pb_fail(&err, PB_LIMIT, "the answer has more than %d bytes", PB_AWS_BODY_MAX);
	else if (is_json(s))
		rc = read_json_output(op, answer, &output, &err);
	else
		rc = read_xml_output(op, answer, &output, &err);
	if (rc == 0)
		rc = check_output(pb_str_of(op->out), output, &err);
	if (rc == 0) {
		*ret_output = PB_TAKE(output);
		return 0;
	}

	start_error(answer, ret_error);
	ret_error->class = err.kind == PB_LIMIT ? PB_AWS_OTHER : PB_AWS_TRANSIENT;
	ret_error->is_retryable = err.kind != PB_LIMIT;
	snprintf(ret_error->code, sizeof(ret_error->code), "UnreadableAnswer");
	copy_message(ret_error->message, sizeof(ret_error->message), err.text);
	return -1;
}
