/*
 * HTTP requests over libcurl's multi interface, driven by the loop.
 *
 * libcurl tells which sockets and which timeout it waits for; we tell it what happened.  A transfer
 * that is done is taken out of libcurl at once and its callback is posted, so that a callback may
 * start, cancel or free whatever it likes: it never runs inside libcurl.
 *
 *   open -> done       libcurl reports the end     [reap]
 *   open -> done       the request is invalid      [pb_transfer_start]
 *   done -> (freed)    posted call                 [deliver]
 *   any  -> (freed)    no callback                 [pb_transfer_cancel]
 */
#include "io/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"

#define TRANSFER_MAGIC 0x70627472U
#define KEPT_CONNECTIONS 16L

struct pb_transfers {
	struct pb_loop *loop;
	CURLM *multi;
	struct pb_loop_timer *timer;
	char *user_agent;
	struct pb_transfer *first; /* all of them */
	size_t n_open;
};

struct pb_transfer {
	uint32_t magic;
	struct pb_transfers *ts;
	struct pb_transfer *prev, *next;
	pb_transfer_fn *fn;
	void *arg;
	pb_transfer_data_fn *on_data;
	void *on_data_arg;

	CURL *easy; /* NULL once done */
	struct curl_slist *lines;
	char *body;
	char error[CURL_ERROR_SIZE];
	int64_t started_at; /* wall clock */
	int64_t started_mono; /* for `took` */

	struct pb_transfer_header *headers;
	size_t n_headers, header_bytes;
	bool is_too_large, is_given_up, has_head;
	struct pb_buf answer;
	struct pb_buf text;
	struct pb_transfer_result result;
};

const char *
pb_transfer_kind_name(enum pb_transfer_kind kind)
{
	static const char *const names[] = {
	    [PB_TRANSFER_OK] = "ok",
	    [PB_TRANSFER_INVALID] = "invalid request",
	    [PB_TRANSFER_CONNECT] = "no connection",
	    [PB_TRANSFER_TLS] = "no TLS",
	    [PB_TRANSFER_RESET] = "connection lost",
	    [PB_TRANSFER_TIMEOUT] = "timeout",
	    [PB_TRANSFER_CUT] = "answer cut short",
	    [PB_TRANSFER_TOO_LARGE] = "answer too large",
	    [PB_TRANSFER_GARBAGE] = "not HTTP",
	};
	_Static_assert(PB_ARRAY_LEN(names) == PB_TRANSFER_KIND_MAX, "a name for each kind");
	return names[kind];
}

const char *
pb_transfer_header(const struct pb_transfer_result *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

/* --- what libcurl hands us of the answer */

static void
headers_clear(struct pb_transfer *t)
{
	for (size_t i = 0; i < t->n_headers; i++) {
		free((void *)(uintptr_t)t->headers[i].name);
		free((void *)(uintptr_t)t->headers[i].value);
	}
	t->n_headers = 0;
	t->header_bytes = 0;
}

static void
header_add(struct pb_transfer *t, struct pb_str line)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	if (colon == NULL)
		return;
	struct pb_str name = {line.ptr, (size_t)(colon - line.ptr)};
	struct pb_str value = {colon + 1, line.len - name.len - 1};
	value = pb_str_trim(value);
	if (t->headers == NULL)
		t->headers = pb_calloc(PB_TRANSFER_HEADERS_MAX, sizeof(*t->headers));
	t->headers[t->n_headers].name = pb_strndup(name.ptr, name.len);
	t->headers[t->n_headers].value = pb_strndup(value.ptr, value.len);
	t->n_headers++;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct pb_transfer *t = arg;
	struct pb_str line = {data, size * n};
	/* A new head: the one before was "100 Continue", or a proxy's. */
	if (pb_str_has_prefix(line, PB_STR("HTTP/"))) {
		headers_clear(t);
		t->has_head = false;
		t->result.received_at = pb_clock_wall();
	}
	t->has_head |= pb_str_trim(line).len == 0;
	t->header_bytes += line.len;
	if (t->header_bytes > PB_TRANSFER_HEADER_BYTES_MAX ||
	    t->n_headers == PB_TRANSFER_HEADERS_MAX) {
		t->is_too_large = true;
		return 0;
	}
	header_add(t, line);
	return line.len;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct pb_transfer *t = arg;
	struct pb_str piece = {data, size * n};
	if (t->on_data != NULL) {
		t->is_given_up = t->on_data(piece, t->on_data_arg) < 0;
		return t->is_given_up ? 0 : piece.len;
	}
	/* CURLOPT_MAXFILESIZE looks at Content-Length only, so the bytes are counted here. */
	if (pb_buf_add(&t->answer, piece.ptr, piece.len) < 0) {
		t->is_too_large = true;
		return 0;
	}
	return piece.len;
}

/* --- setting a request up */

static bool
is_one_line(const char *s)
{
	return strpbrk(s, "\r\n") == NULL;
}

static int
add_line(struct pb_transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->lines, line);
	pb_check(more != NULL);
	t->lines = more;
	return 0;
}

static int
set_headers(struct pb_transfer *t, const struct pb_transfer_request *req, struct pb_error *err)
{
	bool has_type = false, has_agent = false;
	for (size_t i = 0; i < req->n_headers; i++) {
		const struct pb_transfer_header *h = &req->headers[i];
		if (h->name[0] == '\0' || strpbrk(h->name, "\r\n: \t") != NULL)
			return pb_fail(err, PB_INVALID, "\"%s\" is no header name", h->name);
		if (!is_one_line(h->value))
			return pb_fail(err, PB_INVALID, "header %s has a line break", h->name);
		has_type |= strcasecmp(h->name, "content-type") == 0;
		has_agent |= strcasecmp(h->name, "user-agent") == 0;
		/* libcurl's way to say "an empty one", where "Name:" would mean "none". */
		PB_CLEANUP(pb_freep)
		char *line = h->value[0] == '\0' ? pb_asprintf("%s;", h->name)
						 : pb_asprintf("%s: %s", h->name, h->value);
		add_line(t, line);
	}
	/* What libcurl would add by itself. */
	add_line(t, "Expect:");
	if (!has_type)
		add_line(t, "Content-Type:");
	if (!has_agent)
		curl_easy_setopt(t->easy, CURLOPT_USERAGENT, t->ts->user_agent);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines);
	return 0;
}

static int
set_method(struct pb_transfer *t, const struct pb_transfer_request *req, struct pb_error *err)
{
	const char *method = req->method == NULL ? "GET" : req->method;
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	if (method[0] == '\0' || strspn(method, upper) != strlen(method))
		return pb_fail(err, PB_INVALID, "\"%s\" is no HTTP method", method);
	bool has_no_body = pb_streq(method, "GET") || pb_streq(method, "DELETE");
	if (pb_streq(method, "HEAD")) {
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
		return 0;
	}
	if (req->body.len > 0 || !has_no_body) {
		t->body = pb_malloc(req->body.len + 1);
		if (req->body.len > 0)
			memcpy(t->body, req->body.ptr, req->body.len);
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.len);
	}
	curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
	return 0;
}

/* Texts do not show the URL: that of a web hook is a secret. */
static int
set_url(struct pb_transfer *t, const struct pb_transfer_request *req, struct pb_error *err)
{
	bool is_plain = strncasecmp(req->url, "http://", 7) == 0;
	if (!is_plain && strncasecmp(req->url, "https://", 8) != 0)
		return pb_fail(err, PB_INVALID, "the URL is neither https:// nor http://");
	if (is_plain && !req->allow_http)
		return pb_fail(err, PB_INVALID,
		    "the URL is plain HTTP, which only a configured endpoint may be");
	if (!is_one_line(req->url) || curl_easy_setopt(t->easy, CURLOPT_URL, req->url) != CURLE_OK)
		return pb_fail(err, PB_INVALID, "the URL cannot be used");
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, req->allow_http ? "http,https" : "https");
	curl_easy_setopt(t->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	return 0;
}

static long
in_curl_ms(int64_t span, int64_t fallback)
{
	if (span == 0)
		span = fallback;
	if (span < 0)
		return 0;
	return span > INT32_MAX ? INT32_MAX : (long)span;
}

static void
set_limits(CURL *e, const struct pb_transfer_request *req)
{
	curl_easy_setopt(
	    e, CURLOPT_CONNECTTIMEOUT_MS, in_curl_ms(req->connect_for, PB_TRANSFER_CONNECT_FOR));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, in_curl_ms(req->total_for, PB_TRANSFER_TOTAL_FOR));
	if (req->low_speed > 0 && req->low_speed_for > 0) {
		curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)req->low_speed);
		curl_easy_setopt(
		    e, CURLOPT_LOW_SPEED_TIME, (long)((req->low_speed_for + 999) / 1000));
	}
}

static void
set_connection(CURL *e, const struct pb_transfer_request *req)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 60L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 30L);
	if (req->fresh_connection) {
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	}
	if (req->no_proxy)
		curl_easy_setopt(e, CURLOPT_PROXY, "");
	if (req->ca_bundle != NULL)
		curl_easy_setopt(e, CURLOPT_CAINFO, req->ca_bundle);
	if (req->unix_socket != NULL)
		curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
}

static void
set_answer(struct pb_transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static int
set_up(struct pb_transfer *t, const struct pb_transfer_request *req, struct pb_error *err)
{
	t->easy = curl_easy_init();
	pb_check(t->easy != NULL);
	if (set_url(t, req, err) < 0 || set_method(t, req, err) < 0 || set_headers(t, req, err) < 0)
		return -1;
	set_limits(t->easy, req);
	set_connection(t->easy, req);
	set_answer(t);
	if (curl_multi_add_handle(t->ts->multi, t->easy) != CURLM_OK)
		return pb_fail(err, PB_IO, "libcurl does not take the request");
	return 0;
}

/* --- the end of a request */

static void
unlink_transfer(struct pb_transfer *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		t->ts->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	t->ts->n_open--;
}

static void
release_easy(struct pb_transfer *t)
{
	if (t->easy == NULL)
		return;
	(void)curl_multi_remove_handle(t->ts->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

static void
transfer_free(struct pb_transfer *t)
{
	release_easy(t);
	headers_clear(t);
	free(t->headers);
	curl_slist_free_all(t->lines);
	free(t->body);
	pb_buf_fini(&t->answer);
	pb_buf_fini(&t->text);
	t->magic = 0;
	free(t);
}

static void
deliver(void *arg)
{
	struct pb_transfer *t = arg;
	PB_CHECK_OBJ(t, TRANSFER_MAGIC);
	unlink_transfer(t);
	t->result.headers = t->headers;
	t->result.n_headers = t->n_headers;
	t->result.body = pb_buf_str(&t->answer);
	t->result.took = pb_clock_mono() - t->started_mono;
	t->result.text = t->text.ptr == NULL ? "" : t->text.ptr;
	t->fn(&t->result, t->arg);
	transfer_free(t);
}

/* Before the request left, what failed is the connection; after it, the answer. */
static enum pb_transfer_kind
kind_of_loss(const struct pb_transfer *t)
{
	if (!t->result.request_sent)
		return PB_TRANSFER_CONNECT;
	return t->result.status > 0 ? PB_TRANSFER_CUT : PB_TRANSFER_RESET;
}

static enum pb_transfer_kind
kind_of(const struct pb_transfer *t, CURLcode code)
{
	if (t->is_too_large)
		return PB_TRANSFER_TOO_LARGE;
	if (t->is_given_up)
		return PB_TRANSFER_CUT;
	/* The codes are libcurl's hundred; those that are not about a request's course mean its
	 * loss. */
	switch ((int)code) {
	case CURLE_OK: /* also for a head that the end of the connection cuts */
		return t->has_head ? PB_TRANSFER_OK : PB_TRANSFER_CUT;
	case CURLE_URL_MALFORMAT:
		return PB_TRANSFER_INVALID;
	case CURLE_UNSUPPORTED_PROTOCOL: /* also "HTTP/0.9", which is anything that is not HTTP */
		return t->result.request_sent ? PB_TRANSFER_GARBAGE : PB_TRANSFER_INVALID;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
	case CURLE_BAD_CONTENT_ENCODING:
		return PB_TRANSFER_GARBAGE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return PB_TRANSFER_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return t->result.request_sent ? PB_TRANSFER_TIMEOUT : PB_TRANSFER_CONNECT;
	default:
		return kind_of_loss(t);
	}
}

static void
describe(struct pb_transfer *t, CURLcode code)
{
	if (t->result.kind == PB_TRANSFER_OK)
		return;
	if (t->is_too_large && t->answer.is_over)
		(void)pb_buf_addf(&t->text, "answer larger than %zu bytes", t->answer.cap);
	else if (t->is_too_large)
		(void)pb_buf_adds(&t->text, "head of the answer too large");
	else if (t->is_given_up)
		(void)pb_buf_adds(&t->text, "given up by the reader");
	else if (code == CURLE_OK)
		(void)pb_buf_adds(&t->text, "connection lost inside the head of the answer");
	else {
		(void)pb_buf_addf(&t->text, "%s: ", pb_transfer_kind_name(t->result.kind));
		const char *why = t->error[0] != '\0' ? t->error : curl_easy_strerror(code);
		pb_buf_add_safe(&t->text, pb_str_of(why), CURL_ERROR_SIZE, false);
	}
}

static void
finish(struct pb_transfer *t, CURLcode code)
{
	struct pb_transfer_result *r = &t->result;
	long sent = 0, status = 0;
	curl_off_t before_send = 0;
	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &before_send);
	r->request_sent = sent > 0;
	r->status = (int)status;
	if (r->request_sent)
		r->sent_at = t->started_at + (int64_t)before_send / 1000;
	r->kind = kind_of(t, code);
	describe(t, code);
	release_easy(t);
	pb_loop_post(t->ts->loop, deliver, t);
}

static void
reap(struct pb_transfers *ts)
{
	int left;
	const CURLMsg *m;
	while ((m = curl_multi_info_read(ts->multi, &left)) != NULL) {
		struct pb_transfer *t = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		PB_CHECK_OBJ(t, TRANSFER_MAGIC);
		finish(t, m->data.result);
	}
}

/* --- libcurl and the loop */

static void
on_socket_ready(int fd, unsigned what, void *arg)
{
	struct pb_transfers *ts = arg;
	int running,
	    mask = ((what & PB_LOOP_READ) ? CURL_CSELECT_IN : 0) |
	    ((what & PB_LOOP_WRITE) ? CURL_CSELECT_OUT : 0);
	(void)curl_multi_socket_action(ts->multi, fd, mask, &running);
	reap(ts);
}

static int
on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock_arg)
{
	struct pb_transfers *ts = arg;
	struct pb_loop_watch *watch = sock_arg;
	(void)easy;
	pb_loop_watch_free(watch);
	watch = NULL;
	if (what != CURL_POLL_REMOVE && what != CURL_POLL_NONE) {
		unsigned mask = ((what & CURL_POLL_IN) ? PB_LOOP_READ : 0) |
		    ((what & CURL_POLL_OUT) ? PB_LOOP_WRITE : 0);
		if (pb_loop_watch_new(ts->loop, fd, mask, on_socket_ready, ts, &watch, NULL) < 0)
			return -1;
	}
	(void)curl_multi_assign(ts->multi, fd, watch);
	return 0;
}

static void
on_timer(void *arg)
{
	struct pb_transfers *ts = arg;
	int running;
	(void)curl_multi_socket_action(ts->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(ts);
}

static int
on_timer_wanted(CURLM *multi, long after, void *arg)
{
	struct pb_transfers *ts = arg;
	(void)multi;
	if (after < 0)
		pb_loop_timer_clear(ts->timer);
	else
		pb_loop_timer_set(ts->timer, after);
	return 0;
}

int
pb_transfers_new(struct pb_loop *loop, const char *user_agent, struct pb_transfers **ret_transfers,
    struct pb_error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return pb_fail(err, PB_IO, "cannot set up libcurl");
	struct pb_transfers *ts = pb_calloc(1, sizeof(*ts));
	ts->loop = loop;
	ts->user_agent = pb_strdup(user_agent);
	ts->timer = pb_loop_timer_new(loop, on_timer, ts);
	ts->multi = curl_multi_init();
	if (ts->multi == NULL) {
		pb_transfers_free(ts);
		return pb_fail(err, PB_IO, "cannot set up libcurl");
	}
	curl_multi_setopt(ts->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(ts->multi, CURLMOPT_SOCKETDATA, ts);
	curl_multi_setopt(ts->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(ts->multi, CURLMOPT_TIMERDATA, ts);
	curl_multi_setopt(ts->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	curl_multi_setopt(ts->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
	*ret_transfers = ts;
	return 0;
}

void
pb_transfers_free(struct pb_transfers *ts)
{
	if (ts == NULL)
		return;
	while (ts->first != NULL)
		pb_transfer_cancel(ts->first);
	if (ts->multi != NULL)
		(void)curl_multi_cleanup(ts->multi);
	pb_loop_timer_free(ts->timer);
	free(ts->user_agent);
	free(ts);
	curl_global_cleanup();
}

size_t
pb_transfers_open(const struct pb_transfers *ts)
{
	return ts->n_open;
}

struct pb_transfer *
pb_transfer_start(
    struct pb_transfers *ts, const struct pb_transfer_request *req, pb_transfer_fn *fn, void *arg)
{
	struct pb_transfer *t = pb_calloc(1, sizeof(*t));
	t->magic = TRANSFER_MAGIC;
	t->ts = ts;
	t->fn = fn;
	t->arg = arg;
	t->on_data = req->on_data;
	t->on_data_arg = req->on_data_arg;
	t->answer.cap = req->max_body == 0 ? PB_TRANSFER_BODY_MAX : req->max_body;
	t->started_at = pb_clock_wall();
	t->started_mono = pb_clock_mono();
	t->next = ts->first;
	if (ts->first != NULL)
		ts->first->prev = t;
	ts->first = t;
	ts->n_open++;
	struct pb_error err;
	if (set_up(t, req, &err) < 0) {
		t->result.kind = PB_TRANSFER_INVALID;
		pb_buf_add_safe(&t->text, pb_str_of(err.text), sizeof(err.text), false);
		release_easy(t);
		pb_loop_post(ts->loop, deliver, t);
	}
	return t;
}

void
pb_transfer_cancel(struct pb_transfer *t)
{
	if (t == NULL)
		return;
	PB_CHECK_OBJ(t, TRANSFER_MAGIC);
	pb_loop_unpost(t->ts->loop, deliver, t);
	unlink_transfer(t);
	transfer_free(t);
}
