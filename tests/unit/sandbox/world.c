/*
 * A sandbox in a child process and signed calls to it.
 */
#include "tests/unit/sandbox/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "tests/sandbox/sigv4.h"

#define ANSWER_MAX (1 << 22)

static const struct {
	const char *name, *signing, *target, *version;
} services[] = {
    {"cloudwatch", "monitoring", "GraniteServiceVersion20100801", NULL},
    {"sqs", "sqs", "AmazonSQS", NULL},
    {"sns", "sns", NULL, "2010-03-31"},
    {"sts", "sts", NULL, "2011-06-15"},
};

static size_t
service_of(const char *name)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(services); i++)
		if (pb_streq(services[i].name, name))
			return i;
	ck_abort_msg("no service %s", name);
}

void
world_start(struct world *w)
{
	struct pb_sandbox_opts opts = {0};
	struct pb_error err;
	*w = (struct world){
	    .access_key = PB_SANDBOX_ACCESS_KEY, .secret_key = PB_SANDBOX_SECRET_KEY};
	ck_assert_msg(pb_sandbox_fork(&opts, &w->pid, &w->port, &err) == 0, "%s", err.text);
}

void
world_stop(struct world *w)
{
	pb_sandbox_stop(w->pid);
}

void
outcome_fini(struct outcome *o)
{
	json_decref(o->body);
	pb_sandbox_reply_fini(&o->reply);
}

/* --- signing */

struct signing {
	struct pb_sbx_header headers[8];
	size_t n;
};

static void
add(struct signing *s, const char *name, const char *value)
{
	if (value != NULL)
		s->headers[s->n++] = (struct pb_sbx_header){pb_str_of(name), pb_str_of(value)};
}

static char *
request_text(const struct world *w, const char *signing, const char *target, const char *type,
    const char *body)
{
	static const char covered[] = "content-type;host;x-amz-date;x-amz-target";
	static const char covered_token[] =
	    "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
	static const char covered_form[] = "content-type;host;x-amz-date";
	const char *list = target == NULL ? covered_form : w->token ? covered_token : covered;
	char date[PB_TIME_TEXT], host[32], day[9], signature[65];
	PB_CLEANUP(pb_buf_fini) struct pb_buf canonical = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf to_sign = PB_BUF_INIT;
	struct pb_buf out = PB_BUF_INIT;
	struct signing s = {.n = 0};

	signing = w->scope ? w->scope : signing;
	pb_time_basic(date, pb_clock_wall() + w->skew);
	(void)snprintf(day, sizeof(day), "%.8s", date);
	(void)snprintf(host, sizeof(host), "127.0.0.1:%u", (unsigned)w->port);
	add(&s, "Host", host);
	add(&s, "Content-Type", type);
	add(&s, "X-Amz-Date", date);
	add(&s, "X-Amz-Target", target);
	add(&s, "X-Amz-Security-Token", w->token);
	struct pb_sbx_auth auth = {.access_key = pb_str_of(w->access_key),
	    .date = pb_str_of(day),
	    .region = PB_STR("eu-west-1"),
	    .service = pb_str_of(signing),
	    .amz_date = pb_str_of(date)};
	struct pb_sbx_request r = {.method = PB_STR("POST"),
	    .target = PB_STR("/"),
	    .body = pb_str_of(body),
	    .headers = s.headers,
	    .n_headers = s.n};
	pb_sbx_canonical_request(&r, pb_str_of(list), &canonical);
	pb_sbx_string_to_sign(&auth, pb_buf_str(&canonical), &to_sign);
	pb_sbx_signature(&auth, w->secret_key, pb_buf_str(&to_sign), signature);
	pb_buf_adds(&out, "POST / HTTP/1.1\r\n");
	for (size_t i = 0; i < s.n; i++)
		pb_buf_addf(&out, "%.*s: %.*s\r\n", PB_STR_ARG(s.headers[i].name),
		    PB_STR_ARG(s.headers[i].value));
	pb_buf_addf(&out,
	    "x-amzn-query-mode: true\r\nUser-Agent: unit/1\r\nContent-Length: %zu\r\n"
	    "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/eu-west-1/%s/aws4_request, "
	    "SignedHeaders=%s, Signature=%s\r\n\r\n%s",
	    strlen(body), w->access_key, day, signing, list, signature, body);
	return pb_buf_take(&out);
}

char *
world_request(const struct world *w, const char *service, const char *operation, const char *input)
{
	size_t i = service_of(service);
	PB_CLEANUP(pb_freep) char *target = pb_asprintf("%s.%s", services[i].target, operation);
	return request_text(w, services[i].signing, target, "application/x-amz-json-1.0", input);
}

/* --- calling */

static void
take_code(struct outcome *o)
{
	const char *query = strstr(o->reply.head.ptr, "x-amzn-query-error: ");
	const char *type = pb_json_str(o->body, "__type");
	if (query != NULL) {
		query += strlen("x-amzn-query-error: ");
		(void)snprintf(o->code, sizeof(o->code), "%.*s", (int)strcspn(query, ";\r"), query);
	} else if (type != NULL) {
		const char *hash = strchr(type, '#');
		(void)snprintf(o->code, sizeof(o->code), "%s", hash ? hash + 1 : type);
	}
}

static struct outcome
exchange(const struct world *w, const char *request)
{
	struct outcome o = {0};
	if (pb_sandbox_exchange(w->port, pb_str_of(request), ANSWER_MAX, &o.reply, NULL) < 0)
		return o;
	o.status = o.reply.status;
	o.is_complete = o.reply.is_complete;
	if (o.status != 0)
		(void)pb_json_parse(pb_buf_str(&o.reply.body), &o.body, NULL);
	return o;
}

struct outcome
world_json(const struct world *w, const char *service, const char *operation, const char *input)
{
	PB_CLEANUP(pb_freep) char *request = world_request(w, service, operation, input);
	struct outcome o = exchange(w, request);
	if (o.status != 0)
		take_code(&o);
	return o;
}

struct outcome
world_query(const struct world *w, const char *service, const char *operation, const char *form)
{
	size_t i = service_of(service);
	PB_CLEANUP(pb_freep)
	char *body = pb_asprintf(
	    "Action=%s&Version=%s%s%s", operation, services[i].version, *form ? "&" : "", form);
	PB_CLEANUP(pb_freep)
	char *request = request_text(
	    w, services[i].signing, NULL, "application/x-www-form-urlencoded; charset=utf-8", body);
	struct outcome o = exchange(w, request);
	(void)snprintf(o.code, sizeof(o.code), "%s", world_element(&o, "Code"));
	return o;
}

const char *
world_element(const struct outcome *o, const char *element)
{
	static char text[4096];
	PB_CLEANUP(pb_freep) char *open = pb_asprintf("<%s>", element);
	const char *at = o->reply.body.ptr ? strstr(o->reply.body.ptr, open) : NULL;
	const char *value = at ? at + strlen(open) : "";
	(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(value, "<"), value);
	return text;
}

json_t *
world_ask(const struct world *w, const char *method, const char *target, const char *body)
{
	struct pb_error err;
	json_t *out = NULL;
	ck_assert_msg(
	    pb_sandbox_ask(w->port, method, target, body, &out, &err) == 0, "%s", err.text);
	return out;
}

void
world_do(const struct world *w, const char *method, const char *target, const char *body)
{
	json_decref(world_ask(w, method, target, body));
}
