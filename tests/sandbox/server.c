/*
 * The server: listening, reading requests, the journal, and the life of a sandbox.
 */
#include "tests/sandbox/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>

#define CALL_MAGIC 0x53425843u
#define IDLE_SECONDS 900

uint16_t
pb_sandbox_port(const struct pb_sandbox *sb)
{
	return sb->port;
}

static struct pb_str
body_of(struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	return (struct pb_str){len ? (const char *)evbuffer_pullup(in, -1) : "", len};
}

static const char *
method_name(struct evhttp_request *req)
{
	static const struct {
		enum evhttp_cmd_type type;
		const char *name;
	} methods[] = {{EVHTTP_REQ_GET, "GET"}, {EVHTTP_REQ_POST, "POST"}, {EVHTTP_REQ_PUT, "PUT"},
	    {EVHTTP_REQ_DELETE, "DELETE"}, {EVHTTP_REQ_HEAD, "HEAD"}};
	for (size_t i = 0; i < PB_ARRAY_LEN(methods); i++)
		if (methods[i].type == evhttp_request_get_command(req))
			return methods[i].name;
	return "OTHER";
}

static void
serve_control(struct pb_sandbox *sb, struct evhttp_request *req)
{
	PB_JSON json_t *out = NULL;
	int status = pb_sandbox_control(
	    sb, method_name(req), evhttp_request_get_uri(req), body_of(req), &out);
	PB_CLEANUP(pb_freep) char *text = pb_sbx_json_text(out);
	struct evbuffer *b = evbuffer_new();
	pb_check(b != NULL);
	evbuffer_add_printf(b, "%s\n", text);
	evhttp_add_header(
	    evhttp_request_get_output_headers(req), "Content-Type", "application/json");
	evhttp_send_reply(req, status, NULL, b);
	evbuffer_free(b);
}

static struct pb_sbx_call *
call_new(struct pb_sandbox *sb, struct evhttp_request *req)
{
	struct pb_sbx_call *c = pb_calloc(1, sizeof(*c));
	c->magic = CALL_MAGIC;
	c->sb = sb;
	c->req = req;
	c->body = body_of(req);
	pb_rand_uuid(&sb->rand, c->id);
	c->entry = json_object();
	c->number = ++sb->n_calls;
	pb_json_set_i64(c->entry, "n", c->number);
	pb_json_set_i64(c->entry, "at", pb_sbx_now(sb));
	json_array_append(sb->journal, c->entry);
	if (json_array_size(sb->journal) > PB_SANDBOX_JOURNAL_MAX)
		json_array_remove(sb->journal, 0);
	TAILQ_INSERT_TAIL(&sb->calls, c, link);
	return c;
}

static void
serve_aws(struct pb_sandbox *sb, struct evhttp_request *req)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	struct pb_sbx_header *headers = NULL;
	struct evkeyval *kv;
	size_t n = 0;

	TAILQ_FOREACH(kv, in, next)
	{
		headers = pb_realloc(headers, (n + 1) * sizeof(*headers));
		headers[n++] = (struct pb_sbx_header){pb_str_of(kv->key), pb_str_of(kv->value)};
	}
	struct pb_sbx_call *c = call_new(sb, req);
	struct pb_sbx_request r = {.method = pb_str_of(method_name(req)),
	    .target = pb_str_of(evhttp_request_get_uri(req)),
	    .body = c->body,
	    .headers = headers,
	    .n_headers = n};
	pb_sbx_call_run(c, &r);
	free(headers);
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	static const char control[] = "/_sandbox", metadata[] = "/latest/";
	if (strncmp(evhttp_request_get_uri(req), control, sizeof(control) - 1) == 0)
		serve_control(arg, req);
	else if (strncmp(evhttp_request_get_uri(req), metadata, sizeof(metadata) - 1) == 0)
		pb_sbx_metadata(arg, method_name(req), req);
	else
		serve_aws(arg, req);
}

static int
listen_on(struct pb_sandbox *sb, struct pb_error *err)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	sb->http = evhttp_new(sb->base);
	if (sb->http == NULL)
		return pb_fail(err, PB_IO, "cannot make an HTTP server");
	evhttp_set_allowed_methods(sb->http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
		EVHTTP_REQ_HEAD);
	evhttp_set_max_body_size(sb->http, PB_SANDBOX_BODY_MAX);
	evhttp_set_max_headers_size(sb->http, 64 * 1024);
	evhttp_set_default_content_type(sb->http, NULL);
	evhttp_set_timeout(sb->http, IDLE_SECONDS);
	evhttp_set_gencb(sb->http, on_request, sb);
	struct evhttp_bound_socket *bound =
	    evhttp_bind_socket_with_handle(sb->http, "127.0.0.1", sb->opts.port);
	if (bound == NULL)
		return pb_fail_errno(
		    err, errno, "cannot listen on 127.0.0.1:%u", (unsigned)sb->opts.port);
	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&addr, &len) < 0)
		return pb_fail_errno(err, errno, "cannot tell the port");
	sb->port = ntohs(addr.sin_port);
	return 0;
}

static const char *
or_default(const char *s, const char *fallback)
{
	return pb_strdup(s ? s : fallback);
}

int
pb_sandbox_new(struct event_base *base, const struct pb_sandbox_opts *opts,
    struct pb_sandbox **ret_sandbox, struct pb_error *err)
{
	PB_CLEANUP(pb_sandbox_freep) struct pb_sandbox *sb = pb_calloc(1, sizeof(*sb));
	uint64_t seed = opts->seed;

	TAILQ_INIT(&sb->calls);
	sb->base = base;
	sb->opts = *opts;
	sb->opts.access_key = or_default(opts->access_key, PB_SANDBOX_ACCESS_KEY);
	sb->opts.secret_key = or_default(opts->secret_key, PB_SANDBOX_SECRET_KEY);
	sb->opts.session_token = pb_strdup(opts->session_token);
	sb->opts.account = or_default(opts->account, PB_SANDBOX_ACCOUNT);
	sb->opts.region = or_default(opts->region, PB_SANDBOX_REGION);
	if (seed == 0)
		pb_entropy(&seed, sizeof(seed));
	pb_rand_seed(&sb->rand, seed);
	pb_sbx_world_init(sb);
	pb_sbx_key_put(sb, sb->opts.access_key, sb->opts.secret_key, sb->opts.session_token, false);
	if (listen_on(sb, err) < 0)
		return -1;
	*ret_sandbox = PB_TAKE(sb);
	return 0;
}

static void
free_text(const char **s)
{
	union {
		const char *in;
		char *out;
	} u = {.in = *s};
	free(u.out);
	*s = NULL;
}

void
pb_sandbox_free(struct pb_sandbox *sb)
{
	if (sb == NULL)
		return;
	struct pb_sbx_call *c;
	while ((c = TAILQ_FIRST(&sb->calls)) != NULL)
		pb_sbx_call_free(c);
	if (sb->http != NULL)
		evhttp_free(sb->http);
	pb_sbx_world_fini(sb);
	pb_map_free(sb->keys, pb_sbx_key_free);
	free_text(&sb->opts.access_key);
	free_text(&sb->opts.secret_key);
	free_text(&sb->opts.session_token);
	free_text(&sb->opts.account);
	free_text(&sb->opts.region);
	free(sb);
}
