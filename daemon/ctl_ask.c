/*
 * Asking the daemon: HTTP over its Unix socket, through libcurl.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#include "ctl.h"

#define ANSWER_FOR 30L /* s; a daemon that is silent for longer is stuck */

struct receiver {
	const struct pb_ctl_request *req;
	struct pb_ctl_answer *answer;
	CURL *curl;
	bool is_ended; /* on_line had enough */
};

/* Hands out the whole lines of what has come so far, keeps the rest. */
static int
take_lines(struct receiver *r)
{
	struct pb_buf *b = &r->answer->body;
	size_t begin = 0;
	const char *end;
	while (begin < b->len && (end = memchr(b->ptr + begin, '\n', b->len - begin)) != NULL) {
		struct pb_str line = {b->ptr + begin, (size_t)(end - b->ptr) - begin};
		if (r->req->on_line(line, r->req->arg) < 0) {
			r->is_ended = true;
			return -1;
		}
		begin += line.len + 1;
	}
	if (begin > 0) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf rest = PB_BUF_INIT;
		(void)pb_buf_add(&rest, b->ptr + begin, b->len - begin);
		pb_buf_reset(b);
		(void)pb_buf_add(b, rest.ptr == NULL ? "" : rest.ptr, rest.len);
	}
	return 0;
}

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct receiver *r = arg;
	long status = 0;
	if (pb_buf_add(&r->answer->body, data, size * n) < 0)
		return 0;
	(void)curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (r->req->on_line != NULL && status == 200 && take_lines(r) < 0)
		return 0;
	return size * n;
}

static const char *
remedy(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ECONNREFUSED:
		return "is playbookd running (systemctl status playbookd)?  Another socket is "
		       "named "
		       "with --socket or PLAYBOOKD_SOCKET";
	case EACCES:
	case EPERM:
		return "ask as root, or as a member of the group that owns the socket";
	case EAGAIN:
		return "it has too many clients; try again in a few seconds";
	default:
		return "see the journal (journalctl -u playbookd)";
	}
}

static int
explain(const struct receiver *r, CURLcode code, const char *words, struct pb_error *err)
{
	long errnum = 0, status = 0;
	(void)curl_easy_getinfo(r->curl, CURLINFO_OS_ERRNO, &errnum);
	(void)curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_COULDNT_CONNECT)
		return pb_fail(err, PB_IO, "cannot reach playbookd at %s: %s; %s", r->req->socket,
		    errnum != 0 ? strerror((int)errnum) : "no connection", remedy((int)errnum));
	if (r->answer->body.is_over)
		return pb_fail(err, PB_LIMIT, "the answer is larger than %u bytes; ask for less",
		    PB_CTL_ANSWER_MAX);
	if (r->req->on_line != NULL && status == 200)
		return pb_fail(err, PB_IO, "playbookd at %s has ended, and the stream with it",
		    r->req->socket);
	/* Beyond its limit the daemon says 503 and hangs up, which may overtake the words. */
	if (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING)
		return pb_fail(err, PB_IO,
		    "playbookd at %s hung up: it has too many clients, or is ending; try again in "
		    "a few seconds",
		    r->req->socket);
	return pb_fail(err, PB_IO, "playbookd at %s gave no answer: %s; %s", r->req->socket,
	    words[0] != '\0' ? words : curl_easy_strerror(code), remedy(0));
}

static void
set_options(struct receiver *r, const char *url, char *words, struct curl_slist *headers)
{
	CURL *c = r->curl;
	const struct pb_ctl_request *req = r->req;
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, req->socket);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, words);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	if (req->on_line == NULL)
		(void)curl_easy_setopt(c, CURLOPT_TIMEOUT, ANSWER_FOR);
	if (strcmp(req->method, "POST") == 0) {
		(void)curl_easy_setopt(c, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)req->body.len);
		(void)curl_easy_setopt(
		    c, CURLOPT_POSTFIELDS, req->body.ptr == NULL ? "" : req->body.ptr);
	}
}

int
pb_ctl_ask(const struct pb_ctl_request *req, struct pb_ctl_answer *ret, struct pb_error *err)
{
	char words[CURL_ERROR_SIZE] = "";
	struct receiver r = {.req = req, .answer = ret, .curl = curl_easy_init()};
	PB_CLEANUP(pb_freep) char *url = pb_asprintf("http://playbookd%s", req->path);
	*ret = (struct pb_ctl_answer){.body = PB_BUF_CAPPED(PB_CTL_ANSWER_MAX)};
	if (r.curl == NULL)
		return pb_fail(err, PB_IO, "libcurl cannot be set up");
	/* curl would else wait for "100 Continue" before a large body. */
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	set_options(&r, url, words, headers);
	CURLcode code = curl_easy_perform(r.curl);
	long status = 0;
	(void)curl_easy_getinfo(r.curl, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	int rc = code == CURLE_OK || r.is_ended ? 0 : explain(&r, code, words, err);
	curl_slist_free_all(headers);
	curl_easy_cleanup(r.curl);
	return rc;
}

void
pb_ctl_add_encoded(struct pb_buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x80 && (isalnum(c) || c == '-' || c == '.' || c == '_'))
			(void)pb_buf_addc(b, (char)c);
		else
			(void)pb_buf_addf(b, "%%%02X", c);
	}
}

void
pb_ctl_add_error(struct pb_buf *b, int status, struct pb_str body)
{
	PB_JSON json_t *j = NULL;
	if (pb_json_parse(body, &j, NULL) < 0 || pb_json_get(j, "error") == NULL) {
		(void)pb_buf_addf(b, "playbookd answered %d\n", status);
		return;
	}
	const json_t *error = pb_json_get(j, "error");
	const json_t *problems = pb_json_get(error, "problems");
	for (size_t i = 0; i < json_array_size(problems); i++) {
		pb_ctl_add_text(b, json_string_value(json_array_get(problems, i)), 4096);
		(void)pb_buf_addc(b, '\n');
	}
	pb_ctl_add_text(b, pb_json_str_or(error, "message", "refused"), 4096);
	(void)pb_buf_addc(b, '\n');
}
