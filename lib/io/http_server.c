/*
 * The local API's server over evhttp.
 *
 * evhttp shows a connection only with its first whole request, so clients that never get that far
 * would be beyond counting and timing.  We therefore make each connection's bufferevent ourselves
 * and keep a reference to it: that gives its descriptor (peer credentials, shutting it down, which
 * evhttp sees as the client's leaving).  When evhttp lets go of a connection it says so by the
 * close callback, once there was a request; before, by taking its callbacks off the bufferevent,
 * which sweep() looks for.
 *
 *   request: open   -> answered   [pb_http_reply, pb_http_stream_end]
 *            open   -> gone       client left; evhttp leaves the request to us  [on_close]
 *            gone   -> (freed)    [pb_http_reply, pb_http_stream_end]
 *            open   -> orphaned   server freed; the request becomes ours [pb_http_server_free]
 */
#include "io/http_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unix_socket.h"

#define REQUEST_MAGIC 0x70626872U
#define PARAMS_MAX 64
#define LISTEN_BACKLOG 128
#define SWEEP_EVERY INT64_C(1000)
#define ACCEPT_PAUSE INT64_C(100)

struct conn {
	struct pb_http_server *server;
	struct conn *prev, *next;
	struct bufferevent *bev; /* our reference */
	struct pb_loop_timer *deadline; /* for a whole request to come */
	struct pb_http_request *request; /* not yet answered; or NULL */
	bool is_excess; /* beyond max_clients: gets 503 */
};

struct pb_http_server {
	struct pb_http_server *next;
	struct pb_loop *loop;
	struct evhttp *http;
	struct evconnlistener *listener; /* evhttp's */
	struct pb_loop_timer *sweep_timer, *accept_timer;
	struct conn *conns;
	struct pb_http_request *requests; /* not yet answered */
	size_t n_clients;
	pb_http_handler *fn;
	void *arg;
	size_t max_clients, max_backlog, max_input;
	int64_t request_for, write_for;
	char *path;
	dev_t socket_dev;
	ino_t socket_ino;
};

struct param {
	char *name, *value;
};

struct pb_http_request {
	uint32_t magic;
	struct pb_http_server *server; /* NULL when orphaned */
	struct conn *conn; /* NULL when the client has gone */
	struct pb_http_request *prev, *next;
	struct pb_loop *loop;
	struct evhttp_request *ev;
	enum pb_http_method method;
	char *path;
	struct param params[PARAMS_MAX];
	size_t n_params;
	struct pb_http_peer peer;
	bool is_dropped;
	void (*on_gone)(void *arg);
	void *on_gone_arg;
};

static struct pb_http_server *servers;

const char *
pb_http_method_name(enum pb_http_method m)
{
	static const char *const names[] = {
	    [PB_HTTP_GET] = "GET",
	    [PB_HTTP_POST] = "POST",
	    [PB_HTTP_DELETE] = "DELETE",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_HTTP_METHOD_MAX, "a name for each method");
	return names[m];
}

/* --- connections */

static void
conn_free(struct conn *c)
{
	struct pb_http_server *s = c->server;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (!c->is_excess)
		s->n_clients--;
	pb_loop_timer_free(c->deadline);
	bufferevent_decref(c->bev);
	free(c);
}

/* Free what evhttp has let go of without a word. */
static void
sweep(struct pb_http_server *s)
{
	for (struct conn *c = s->conns, *next; c != NULL; c = next) {
		bufferevent_event_cb on_event = NULL;
		next = c->next;
		bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
		if (on_event == NULL)
			conn_free(c);
	}
}

static void
on_sweep(void *arg)
{
	struct pb_http_server *s = arg;
	sweep(s);
	if (s->conns != NULL)
		pb_loop_timer_set(s->sweep_timer, SWEEP_EVERY);
}

/* evhttp takes it as the client's end, and frees the connection. */
static void
hang_up(const struct conn *c)
{
	(void)shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
}

static void
on_deadline(void *arg)
{
	static const char busy[] =
	    "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 65\r\n"
	    "Connection: close\r\n\r\n"
	    "{\"error\":{\"status\":503,\"message\":\"too many clients; try again\"}}\n";
	struct conn *c = arg;
	if (c->is_excess)
		(void)send(
		    bufferevent_getfd(c->bev), busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	hang_up(c);
}

/* evhttp asks for the bufferevent of a connection just accepted; it sets its descriptor after. */
static struct bufferevent *
on_connection(struct event_base *base, void *arg)
{
	struct pb_http_server *s = arg;
	sweep(s);
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	pb_check(bev != NULL);
	bufferevent_incref(bev);
	struct timeval write_tv = {.tv_sec = (time_t)(s->write_for / 1000),
	    .tv_usec = (suseconds_t)(s->write_for % 1000 * 1000)};
	(void)bufferevent_set_timeouts(bev, NULL, &write_tv);
	bufferevent_setwatermark(bev, EV_READ, 0, s->max_input);

	struct conn *c = pb_calloc(1, sizeof(*c));
	c->server = s;
	c->bev = bev;
	c->is_excess = s->n_clients >= s->max_clients;
	if (!c->is_excess)
		s->n_clients++;
	c->next = s->conns;
	if (s->conns != NULL)
		s->conns->prev = c;
	s->conns = c;
	c->deadline = pb_loop_timer_new(s->loop, on_deadline, c);
	pb_loop_timer_set(c->deadline, c->is_excess ? 0 : s->request_for);
	if (!pb_loop_timer_is_set(s->sweep_timer))
		pb_loop_timer_set(s->sweep_timer, SWEEP_EVERY);
	return bev;
}

static struct conn *
conn_of(const struct pb_http_server *s, const struct bufferevent *bev)
{
	struct conn *c = s->conns;
	while (c != NULL && c->bev != bev)
		c = c->next;
	return c;
}

/* --- requests */

static void
call_on_gone(void *arg)
{
	struct pb_http_request *r = arg;
	PB_CHECK_OBJ(r, REQUEST_MAGIC);
	void (*on_gone)(void *) = PB_TAKE(r->on_gone);
	if (on_gone != NULL)
		on_gone(r->on_gone_arg);
}

static void
on_close(struct evhttp_connection *evcon, void *arg)
{
	struct conn *c = arg;
	(void)evcon;
	if (c->request != NULL) {
		c->request->conn = NULL;
		if (c->request->on_gone != NULL)
			pb_loop_post(c->server->loop, call_on_gone, c->request);
	}
	conn_free(c);
}

static void
request_free(struct pb_http_request *r)
{
	pb_loop_unpost(r->loop, call_on_gone, r);
	for (size_t i = 0; i < r->n_params; i++) {
		free(r->params[i].name);
		free(r->params[i].value);
	}
	free(r->path);
	r->magic = 0;
	free(r);
}

static void
link_request(struct pb_http_request *r)
{
	struct pb_http_server *s = r->server;
	r->next = s->requests;
	if (s->requests != NULL)
		s->requests->prev = r;
	s->requests = r;
	r->conn->request = r;
}

static void
unlink_request(struct pb_http_request *r)
{
	if (r->conn != NULL)
		r->conn->request = NULL;
	if (r->server == NULL)
		return;
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		r->server->requests = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
}

/* Text of a URI, decoded; NULL when it holds a NUL or is not UTF-8. */
static char *
decode(struct pb_str s, bool is_query)
{
	size_t len = 0;
	PB_CLEANUP(pb_freep) char *raw = pb_strndup(s.ptr, s.len);
	char *text = evhttp_uridecode(raw, is_query, &len);
	pb_check(text != NULL);
	if (strlen(text) == len && pb_utf8_is_valid((struct pb_str){text, len}))
		return text;
	free(text);
	return NULL;
}

static int
parse_params(struct pb_http_request *r, const char *query)
{
	for (const char *p = query; p != NULL && *p != '\0';) {
		struct pb_str piece = {p, strcspn(p, "&")};
		p += piece.len + (p[piece.len] == '&');
		if (piece.len == 0)
			continue;
		if (r->n_params == PARAMS_MAX)
			return -1;
		const char *equals = memchr(piece.ptr, '=', piece.len);
		struct pb_str name = piece, value = {"", 0};
		if (equals != NULL) {
			name.len = (size_t)(equals - piece.ptr);
			value = (struct pb_str){equals + 1, piece.len - name.len - 1};
		}
		struct param *q = &r->params[r->n_params++];
		q->name = decode(name, true);
		q->value = decode(value, true);
		if (q->name == NULL || q->value == NULL)
			return -1;
	}
	return 0;
}

static int
parse_target(struct pb_http_request *r)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r->ev);
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	if (path == NULL || path[0] != '/')
		return -1;
	r->path = decode(pb_str_of(path), false);
	return r->path == NULL ? -1 : parse_params(r, evhttp_uri_get_query(uri));
}

static enum pb_http_method
method_of(const struct evhttp_request *ev)
{
	enum evhttp_cmd_type type = evhttp_request_get_command(ev);
	if (type == EVHTTP_REQ_POST)
		return PB_HTTP_POST;
	return type == EVHTTP_REQ_DELETE ? PB_HTTP_DELETE : PB_HTTP_GET;
}

static int
read_peer(const struct conn *c, struct pb_http_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	if (getsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -1;
	*ret = (struct pb_http_peer){cred.uid, cred.gid, cred.pid};
	return 0;
}

static void
handle(struct evhttp_request *ev, void *arg)
{
	struct pb_http_server *s = arg;
	struct evhttp_connection *evcon = evhttp_request_get_connection(ev);
	struct conn *c = conn_of(s, evhttp_connection_get_bufferevent(evcon));
	pb_check(c != NULL && c->request == NULL);
	evhttp_connection_set_closecb(evcon, on_close, c);
	pb_loop_timer_clear(c->deadline);

	struct pb_http_request *r = pb_calloc(1, sizeof(*r));
	r->magic = REQUEST_MAGIC;
	r->server = s;
	r->loop = s->loop;
	r->conn = c;
	r->ev = ev;
	r->method = method_of(ev);
	link_request(r);
	if (c->is_excess) {
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(ev), "Connection", "close");
		pb_http_reply_error(r, 503, "too many clients; try again");
	} else if (parse_target(r) < 0)
		pb_http_reply_error(r, 400, "the path or the query is not valid");
	else if (read_peer(c, &r->peer) < 0)
		pb_http_reply_error(r, 500, "cannot tell who is asking");
	else
		s->fn(r, s->arg);
}

enum pb_http_method
pb_http_request_method(const struct pb_http_request *r)
{
	return r->method;
}

const char *
pb_http_request_path(const struct pb_http_request *r)
{
	return r->path;
}

const char *
pb_http_request_param(const struct pb_http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_params; i++)
		if (strcmp(r->params[i].name, name) == 0)
			return r->params[i].value;
	return NULL;
}

const char *
pb_http_request_header(const struct pb_http_request *r, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(r->ev), name);
}

struct pb_str
pb_http_request_body(const struct pb_http_request *r)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->ev);
	struct pb_str body = {(const char *)evbuffer_pullup(in, -1), evbuffer_get_length(in)};
	return body.ptr == NULL ? (struct pb_str){"", 0} : body;
}

const struct pb_http_peer *
pb_http_request_peer(const struct pb_http_request *r)
{
	return &r->peer;
}

/* --- answers */

/* The answer has been written: the client has its time for the next request. */
static void
on_written(struct evhttp_request *ev, void *arg)
{
	struct conn *c = arg;
	(void)ev;
	pb_loop_timer_set(c->deadline, c->server->request_for);
}

static void
set_content_type(struct evhttp_request *ev, const char *content_type)
{
	(void)evhttp_add_header(
	    evhttp_request_get_output_headers(ev), "Content-Type", content_type);
}

/*
 * Takes the request from its handle.  Returns NULL when nobody is there to answer, the request
 * freed; else the answer must be finished through evhttp.
 */
static struct evhttp_request *
take_ev(struct pb_http_request *r)
{
	PB_CHECK_OBJ(r, REQUEST_MAGIC);
	struct evhttp_request *ev = r->ev;
	struct conn *c = r->conn;
	unlink_request(r);
	request_free(r);
	if (c == NULL) {
		evhttp_request_free(ev);
		return NULL;
	}
	evhttp_request_set_on_complete_cb(ev, on_written, c);
	return ev;
}

void
pb_http_reply(struct pb_http_request *r, int status, const char *content_type, struct pb_str body)
{
	struct evhttp_request *ev = take_ev(r);
	if (ev == NULL)
		return;
	struct evbuffer *out = evbuffer_new();
	pb_check(out != NULL && evbuffer_add(out, body.ptr, body.len) == 0);
	set_content_type(ev, content_type);
	evhttp_send_reply(ev, status, NULL, out);
	evbuffer_free(out);
}

void
pb_http_reply_json(struct pb_http_request *r, int status, const json_t *body)
{
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	PB_CLEANUP(pb_freep) char *line = pb_asprintf("%s\n", text);
	pb_http_reply(r, status, "application/json", pb_str_of(line));
}

void
pb_http_reply_error(struct pb_http_request *r, int status, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf raw = PB_BUF_INIT, safe = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	(void)pb_buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	pb_buf_add_safe(&safe, pb_buf_str(&raw), 2000, false);
	PB_JSON json_t *body = json_pack("{s:{s:i,s:s}}", "error", "status", status, "message",
	    safe.ptr == NULL ? "" : safe.ptr);
	pb_check(body != NULL);
	pb_http_reply_json(r, status, body);
}

void
pb_http_stream_start(struct pb_http_request *r, void (*on_gone)(void *arg), void *arg)
{
	PB_CHECK_OBJ(r, REQUEST_MAGIC);
	r->on_gone = on_gone;
	r->on_gone_arg = arg;
	if (r->conn == NULL) {
		if (on_gone != NULL && r->server != NULL)
			pb_loop_post(r->loop, call_on_gone, r);
		return;
	}
	set_content_type(r->ev, "application/x-ndjson");
	evhttp_send_reply_start(r->ev, 200, NULL);
}

int
pb_http_stream_line(struct pb_http_request *r, struct pb_str line)
{
	PB_CHECK_OBJ(r, REQUEST_MAGIC);
	if (r->conn == NULL || r->is_dropped)
		return -1;
	size_t waiting = evbuffer_get_length(bufferevent_get_output(r->conn->bev));
	if (waiting + line.len > r->server->max_backlog) {
		r->is_dropped = true;
		hang_up(r->conn);
		return -1;
	}
	struct evbuffer *out = evbuffer_new();
	pb_check(out != NULL && evbuffer_add(out, line.ptr, line.len) == 0);
	pb_check(evbuffer_add(out, "\n", 1) == 0);
	evhttp_send_reply_chunk(r->ev, out);
	evbuffer_free(out);
	return 0;
}

void
pb_http_stream_end(struct pb_http_request *r)
{
	struct evhttp_request *ev = take_ev(r);
	if (ev != NULL)
		evhttp_send_reply_end(ev);
}

bool
pb_http_request_peer_in(const struct pb_http_request *r, gid_t group)
{
	gid_t groups[PB_HTTP_GROUPS_MAX];
	socklen_t len = sizeof(groups);
	if (r->peer.gid == group)
		return true;
	if (r->conn == NULL ||
	    getsockopt(bufferevent_getfd(r->conn->bev), SOL_SOCKET, SO_PEERGROUPS, groups, &len) <
		0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* --- the server */

int
pb_http_server_set_mode(struct pb_http_server *s, unsigned mode, struct pb_error *err)
{
	return chmod(s->path, (mode_t)mode) < 0 ? pb_fail_errno(err, errno, "%s", s->path) : 0;
}

static void
on_accept_pause_over(void *arg)
{
	struct pb_http_server *s = arg;
	(void)evconnlistener_enable(s->listener);
}

/*
 * Out of descriptors, most likely: trying again at once would only spin.  The argument is evhttp's,
 * so the server is looked for.
 */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	(void)evconnlistener_disable(listener);
	for (struct pb_http_server *s = servers; s != NULL; s = s->next)
		if (s->listener == listener)
			pb_loop_timer_set(s->accept_timer, ACCEPT_PAUSE);
}

static int
listen_on_path(struct pb_http_server *s, const struct pb_http_config *config, struct pb_error *err)
{
	int fd;
	unsigned mode = config->mode == 0 ? 0660 : config->mode;
	if (pb_unix_socket_bind(config->path, mode, config->group, &fd, err) < 0)
		return -1;
	s->path = pb_strdup(config->path);
	struct stat st;
	if (stat(s->path, &st) == 0) {
		s->socket_dev = st.st_dev;
		s->socket_ino = st.st_ino;
	}
	s->listener = evconnlistener_new(pb_loop_base(s->loop), NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, LISTEN_BACKLOG, fd);
	if (s->listener == NULL)
		close(fd);
	return s->listener == NULL ? pb_fail(err, PB_IO, "%s: cannot listen", config->path) : 0;
}

static int
listen_on_address(struct pb_http_server *s, const char *text, struct pb_error *err)
{
	struct sockaddr_storage address;
	int len = sizeof(address);
	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &len) < 0)
		return pb_fail(err, PB_INVALID, "%s: no address and port", text);
	errno = 0;
	s->listener = evconnlistener_new_bind(pb_loop_base(s->loop), NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, LISTEN_BACKLOG,
	    (struct sockaddr *)&address, len);
	return s->listener == NULL ? pb_fail_errno(err, errno, "%s", text) : 0;
}

static int
listen_on(struct pb_http_server *s, const struct pb_http_config *config, struct pb_error *err)
{
	int rc = config->listen != NULL ? listen_on_address(s, config->listen, err)
					: listen_on_path(s, config, err);
	if (rc < 0)
		return -1;
	pb_check(evhttp_bind_listener(s->http, s->listener) != NULL);
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	return 0;
}

static void
set_limits(struct pb_http_server *s, const struct pb_http_config *config)
{
	size_t max_body = config->max_body == 0 ? PB_HTTP_BODY_MAX : config->max_body;
	s->max_clients = config->max_clients == 0 ? PB_HTTP_CLIENTS_MAX : config->max_clients;
	s->max_backlog = config->max_backlog == 0 ? PB_HTTP_BACKLOG_MAX : config->max_backlog;
	s->request_for = config->request_for == 0 ? PB_HTTP_REQUEST_FOR : config->request_for;
	s->write_for = config->write_for == 0 ? PB_HTTP_WRITE_FOR : config->write_for;
	/* evhttp takes a body out only when it is whole, so this must hold one. */
	s->max_input = max_body + PB_HTTP_HEAD_MAX;
	evhttp_set_max_headers_size(s->http, PB_HTTP_HEAD_MAX);
	evhttp_set_max_body_size(s->http, (ev_ssize_t)max_body);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
}

int
pb_http_server_new(struct pb_loop *loop, const struct pb_http_config *config, pb_http_handler *fn,
    void *arg, struct pb_http_server **ret_server, struct pb_error *err)
{
	PB_CLEANUP(pb_http_server_freep) struct pb_http_server *s = pb_calloc(1, sizeof(*s));
	s->next = servers;
	servers = s;
	s->loop = loop;
	s->fn = fn;
	s->arg = arg;
	s->http = evhttp_new(pb_loop_base(loop));
	pb_check(s->http != NULL);
	s->sweep_timer = pb_loop_timer_new(loop, on_sweep, s);
	s->accept_timer = pb_loop_timer_new(loop, on_accept_pause_over, s);
	set_limits(s, config);
	evhttp_set_bevcb(s->http, on_connection, s);
	evhttp_set_gencb(s->http, handle, s);
	if (listen_on(s, config, err) < 0)
		return -1;
	*ret_server = PB_TAKE(s);
	return 0;
}

static void
orphan_requests(struct pb_http_server *s)
{
	while (s->requests != NULL) {
		struct pb_http_request *r = s->requests;
		pb_loop_unpost(s->loop, call_on_gone, r);
		if (r->conn != NULL)
			evhttp_request_own(r->ev);
		unlink_request(r);
		r->server = NULL;
		r->conn = NULL;
	}
}

/* Not somebody else's who has replaced ours. */
static void
remove_socket(const struct pb_http_server *s)
{
	struct stat st;
	if (s->path != NULL && lstat(s->path, &st) == 0 && st.st_dev == s->socket_dev &&
	    st.st_ino == s->socket_ino)
		(void)unlink(s->path);
}

void
pb_http_server_free(struct pb_http_server *s)
{
	if (s == NULL)
		return;
	struct pb_http_server **at = &servers;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	orphan_requests(s);
	remove_socket(s);
	if (s->http != NULL)
		evhttp_free(s->http);
	while (s->conns != NULL)
		conn_free(s->conns);
	pb_loop_timer_free(s->sweep_timer);
	pb_loop_timer_free(s->accept_timer);
	free(s->path);
	free(s);
}

size_t
pb_http_server_clients(const struct pb_http_server *s)
{
	return s->n_clients;
}
