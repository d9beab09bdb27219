/*
 * HTTP requests of playbooks.
 */
#include "daemon/actions_http.h"

#include "io/service.h"
#include "playbook/config.h"

/* P7: it is nowhere but in the request. */
static void
forget(struct pb_buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->len);
	pb_buf_fini(b);
}

static int
add_bearer(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	PB_CLEANUP(forget) struct pb_buf secret = PB_BUF_INIT;
	if (pb_service_credential(name, &secret, err) < 0)
		return pb_wrap(err, "credential %s (give it to the unit by LoadCredential=%s:FILE)",
		    name, name);
	for (size_t i = 0; i < secret.len; i++)
		if (secret.ptr[i] <= ' ' || secret.ptr[i] > '~')
			return pb_fail(err, PB_INVALID,
			    "credential %s: a token has printable ASCII characters only", name);
	if (secret.len == 0)
		return pb_fail(err, PB_INVALID, "credential %s: it is empty", name);
	pb_buf_adds(ret, "Bearer ");
	pb_buf_add(ret, secret.ptr, secret.len);
	return 0;
}

int
pb_action_http_start(struct pb_transfers *ts, const json_t *spec, int64_t limit_for,
    pb_transfer_fn *fn, void *arg, struct pb_transfer **ret, struct pb_error *err)
{
	const char *url = pb_json_str(spec, "url");
	const char *why = url == NULL ? "it must be a text" : pb_url_refused(url);
	if (why != NULL)
		return pb_fail(err, PB_INVALID, "url: %s", why);
	const json_t *body = pb_json_get(spec, "body");
	bool is_json = body != NULL && !json_is_string(body);
	PB_CLEANUP(pb_freep) char *text = is_json ? pb_json_text(body) : NULL;
	struct pb_transfer_header headers[3];
	size_t n_headers = 0;
	PB_CLEANUP(forget) struct pb_buf secret = PB_BUF_INIT;
	if (body != NULL)
		headers[n_headers++] = (struct pb_transfer_header){
		    "Content-Type", is_json ? "application/json" : "text/plain; charset=utf-8"};
	if (pb_json_str(spec, "idempotency_key") != NULL)
		headers[n_headers++] = (struct pb_transfer_header){
		    "Idempotency-Key", pb_json_str(spec, "idempotency_key")};
	if (pb_json_str(spec, "credential") != NULL) {
		if (add_bearer(pb_json_str(spec, "credential"), &secret, err) < 0)
			return -1;
		headers[n_headers++] =
		    (struct pb_transfer_header){"Authorization", pb_buf_str(&secret).ptr};
	}
	bool is_plain = strncmp(url, "http:", 5) == 0;
	const struct pb_transfer_request req = {
	    .method = pb_json_str_or(spec, "method", "GET"),
	    .url = url,
	    .headers = headers,
	    .n_headers = n_headers,
	    .body = is_json ? pb_str_of(text) : pb_str_of(json_string_value(body)),
	    .total_for = limit_for,
	    /* On a kept connection that was closed the library would send once more by itself. */
	    .fresh_connection = pb_action_http_is_unknown(spec),
	    .allow_http = is_plain,
	    .no_proxy = is_plain,
	};
	*ret = pb_transfer_start(ts, &req, fn, arg);
	return 0;
}

bool
pb_action_http_is_unknown(const json_t *spec)
{
	const char *effect = pb_json_str_or(spec, "effect", "once");
	return !pb_streq(effect, "read") && !pb_streq(effect, "idempotent");
}

static json_t *
body_of(struct pb_str body, size_t most)
{
	json_t *parsed = NULL;
	if (body.len <= most && pb_json_parse(body, &parsed, NULL) == 0) {
		if (json_is_object(parsed) || json_is_array(parsed))
			return parsed;
		json_decref(parsed);
	}
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	bool is_text =
	    pb_utf8_is_valid(body) && (body.len == 0 || memchr(body.ptr, '\0', body.len) == NULL);
	if (is_text && body.len > most)
		body.len = pb_utf8_cut(body, most);
	if (!is_text) {
		pb_buf_add_safe(&safe, body, most, true);
		body = pb_buf_str(&safe);
	}
	return json_stringn(body.ptr == NULL ? "" : body.ptr, body.len);
}

static const char *
network_error(enum pb_transfer_kind kind)
{
	switch (kind) {
	case PB_TRANSFER_CONNECT:
		return "Network.Connect";
	case PB_TRANSFER_TIMEOUT:
		return "Network.Timeout";
	case PB_TRANSFER_RESET:
		return "Network.Reset";
	case PB_TRANSFER_CUT:
		return "Network.Cut";
	case PB_TRANSFER_TOO_LARGE:
		return "Network.TooBig";
	case PB_TRANSFER_OK:
	case PB_TRANSFER_INVALID:
	case PB_TRANSFER_TLS:
	case PB_TRANSFER_GARBAGE:
	case PB_TRANSFER_KIND_MAX:
		break;
	}
	return "Network.Other";
}

static void
answered(const json_t *spec, const struct pb_transfer_result *result, struct pb_outcome *o)
{
	int64_t wanted = pb_json_i64(spec, "status", 0);
	bool is_good = wanted == 0 ? result->status / 100 == 2 : result->status == wanted;
	int64_t capture = pb_json_i64(spec, "capture", 4096);
	o->output = json_object();
	pb_json_set_i64(o->output, "status", result->status);
	json_object_set_new(
	    o->output, "body", body_of(result->body, capture > 0 ? (size_t)capture : 0));
	o->status = is_good ? PB_OUTCOME_OK : PB_OUTCOME_FAILED;
	o->error = is_good ? pb_strdup("") : pb_asprintf("Http.Status.%d", result->status);
	o->error_class = pb_strdup(!is_good && result->status == 429 ? "Throttling" : "");
	if (is_good)
		o->message = pb_strdup("");
	else if (wanted == 0)
		o->message = pb_asprintf("answered %d, wanted any of 2xx", result->status);
	else
		o->message =
		    pb_asprintf("answered %d, wanted %lld", result->status, (long long)wanted);
}

void
pb_action_http_outcome(
    const json_t *spec, const struct pb_transfer_result *result, struct pb_outcome *o)
{
	if (result->kind == PB_TRANSFER_OK) {
		answered(spec, result, o);
		return;
	}
	bool is_limit = result->kind == PB_TRANSFER_TIMEOUT;
	o->status = is_limit ? PB_OUTCOME_TIMEOUT : PB_OUTCOME_FAILED;
	o->error = pb_strdup(is_limit ? "States.Timeout" : network_error(result->kind));
	o->error_class = pb_strdup(is_limit ? "" : "Network");
	o->message = pb_strdup(result->text);
	o->is_unknown = result->request_sent && pb_action_http_is_unknown(spec);
}
