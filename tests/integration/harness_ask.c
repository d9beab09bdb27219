/*
 * Asking the daemon and the sandbox, and waiting for what they say.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/clock.h"

#define ANSWER_MAX (256U << 20)
#define ASK_LIMIT_MS 10000L

/* --- requests */

static size_t
take_bytes(char *data, size_t size, size_t n, void *arg)
{
	struct pb_buf *b = arg;
	return pb_buf_add(b, data, size * n) < 0 ? 0 : size * n;
}

static void
easy_freep(CURL **c)
{
	curl_easy_cleanup(*c);
}

static int
exchange(const char *socket, const char *url, const char *method, const char *body,
    struct pb_buf *answer, struct pb_error *err)
{
	PB_CLEANUP(easy_freep) CURL *c = curl_easy_init();
	long status = 0;
	pb_check(c != NULL);
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, ASK_LIMIT_MS);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_bytes);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
	if (socket != NULL)
		(void)curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
	if (pb_streq(method, "POST"))
		(void)curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, body == NULL ? "" : body);
	else
		(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	CURLcode code = curl_easy_perform(c);
	if (code != CURLE_OK)
		return pb_fail(err, PB_IO, "%s %s: %s", method, url, curl_easy_strerror(code));
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static int
request(const char *socket, const char *url, const char *method, const char *body, json_t **ret,
    struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf answer = PB_BUF_CAPPED(ANSWER_MAX);
	int status = exchange(socket, url, method, body, &answer, err);
	if (ret != NULL && pb_json_parse(pb_buf_str(&answer), ret, NULL) < 0)
		*ret = NULL;
	return status;
}

int
pb_rig_api(struct pb_rig *r, const char *method, const char *path, const char *body, json_t **ret,
    struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *url = pb_asprintf("http://playbookd%s", path);
	if (ret != NULL)
		*ret = NULL;
	return request(r->socket, url, method, body, ret, err);
}

json_t *
pb_rig_notes(struct pb_rig *r, int64_t since)
{
	PB_CLEANUP(pb_freep)
	char *url = pb_asprintf("http://playbookd/v1/tail?limit=1000&since=%lld", (long long)since);
	PB_CLEANUP(pb_buf_fini) struct pb_buf answer = PB_BUF_CAPPED(ANSWER_MAX);
	json_t *notes = json_array();
	if (exchange(r->socket, url, "GET", NULL, &answer, NULL) != 200)
		return notes;
	for (struct pb_str rest = pb_buf_str(&answer); rest.len > 0;) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		struct pb_str line = {rest.ptr, end == NULL ? rest.len : (size_t)(end - rest.ptr)};
		json_t *note = NULL;
		if (line.len > 0 && pb_json_parse(line, &note, NULL) == 0)
			json_array_append_new(notes, note);
		line.len += end != NULL;
		rest = (struct pb_str){rest.ptr + line.len, rest.len - line.len};
	}
	return notes;
}

int
pb_rig_sandbox(struct pb_rig *r, const char *method, const char *path, const char *body,
    json_t **ret, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *url = pb_asprintf("%s/_sandbox/%s", r->url, path);
	PB_JSON json_t *answer = NULL;
	int status = request(NULL, url, method, body, &answer, err);
	if (status > 0 && status != 200)
		return pb_fail(err, PB_INVALID, "sandbox: %s %s: %s", method, path,
		    pb_json_str_or(answer, "error", "refused"));
	if (ret != NULL)
		*ret = PB_TAKE(answer);
	return status;
}

int
pb_rig_alarm(
    struct pb_rig *r, const char *name, const char *state, const char *reason, struct pb_error *err)
{
	PB_JSON json_t *body = json_pack("{s:s, s:s}", "name", name, "state", state);
	CURL *c = curl_easy_init();
	pb_check(c != NULL && body != NULL);
	pb_json_set_str(body, "reason", reason);
	char *escaped = curl_easy_escape(c, name, 0);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("alarms/%s", escaped);
	PB_CLEANUP(pb_freep) char *state_path = pb_asprintf("alarms/%s/state", escaped);
	PB_CLEANUP(pb_freep) char *text = pb_json_text(body);
	curl_free(escaped);
	curl_easy_cleanup(c);
	if (pb_rig_sandbox(r, "GET", path, NULL, NULL, NULL) == 200)
		return pb_rig_sandbox(r, "POST", state_path, text, NULL, err) < 0 ? -1 : 0;
	return pb_rig_sandbox(r, "POST", "alarms", text, NULL, err) < 0 ? -1 : 0;
}

int
pb_rig_fault(struct pb_rig *r, struct pb_error *err, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	(void)pb_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	return pb_rig_sandbox(r, "POST", "faults", text.ptr, NULL, err) < 0 ? -1 : 0;
}

/* --- waiting */

json_t *
pb_rig_incident(struct pb_rig *r, const char *title, const char *state, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	do {
		PB_JSON json_t *answer = NULL;
		json_t *in;
		size_t i;
		(void)pb_rig_api(r, "GET", "/v1/incidents?state=all", NULL, &answer, NULL);
		json_array_foreach (pb_json_get(answer, "incidents"), i, in) {
			if (!pb_streq(pb_json_str(in, "title"), title))
				continue;
			if (state == NULL || pb_streq(pb_json_str(in, "state"), state))
				return json_incref(in);
			break;
		}
	} while (pb_rig_again(until));
	return NULL;
}

static bool
mentions(const json_t *page, const char *text)
{
	return strstr(pb_json_str_or(page, "subject", ""), text) != NULL ||
	    strstr(pb_json_str_or(page, "message", ""), text) != NULL;
}

json_t *
pb_rig_pages(struct pb_rig *r, const char *text, size_t n, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	for (;;) {
		PB_JSON json_t *topic = NULL;
		json_t *found = json_array(), *page;
		size_t i;
		(void)pb_rig_sandbox(r, "GET", "topics/pager", NULL, &topic, NULL);
		json_array_foreach (pb_json_get(topic, "published"), i, page) {
			if (mentions(page, text))
				json_array_append(found, page);
		}
		if (json_array_size(found) >= n || !pb_rig_again(until))
			return found;
		json_decref(found);
	}
}

const char *
pb_rig_attribute(const json_t *page, const char *name)
{
	const json_t *a = pb_json_get(pb_json_get(page, "attributes"), name);
	return pb_json_str_or(a, "StringValue", "");
}

bool
pb_rig_logged(struct pb_rig *r, const char *text, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	do {
		PB_CLEANUP(pb_freep) char *log = pb_rig_read(r, "daemon.log");
		if (strstr(log, text) != NULL)
			return true;
	} while (pb_rig_again(until));
	return false;
}

size_t
pb_rig_count_lines(const char *text, const char *part)
{
	size_t n = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		if (memmem(text, len, part, strlen(part)) != NULL)
			n++;
		text += len + (text[len] == '\n');
	}
	return n;
}

bool
pb_rig_stepped(struct pb_rig *r, const char *text, size_t n, int64_t limit_for, size_t *ret_n)
{
	int64_t until = pb_clock_mono() + limit_for;
	for (;;) {
		PB_CLEANUP(pb_freep) char *steps = pb_rig_read(r, "steps");
		size_t found = pb_rig_count_lines(steps, text);
		if (found >= n || !pb_rig_again(until)) {
			if (ret_n != NULL)
				*ret_n = found;
			return found >= n;
		}
	}
}

static json_t *
calls_of(struct pb_rig *r, const char *operation, int64_t since)
{
	json_t *calls = NULL;
	PB_CLEANUP(pb_freep)
	char *path = operation == NULL
	    ? pb_asprintf("calls?since=%lld", (long long)since)
	    : pb_asprintf("calls?since=%lld&operation=%s", (long long)since, operation);
	(void)pb_rig_sandbox(r, "GET", path, NULL, &calls, NULL);
	return calls;
}

bool
pb_rig_called(struct pb_rig *r, const char *operation, int64_t since, size_t n, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	for (;;) {
		PB_JSON json_t *calls = calls_of(r, operation, since);
		size_t found = 0, i;
		const json_t *call;
		json_array_foreach (calls, i, call) {
			found += pb_json_get(call, "status") != NULL;
		}
		if (found >= n)
			return true;
		if (!pb_rig_again(until))
			return false;
	}
}

int64_t
pb_rig_last_call(struct pb_rig *r)
{
	PB_JSON json_t *calls = calls_of(r, NULL, 0);
	size_t n = json_array_size(calls);
	return n == 0 ? 0 : pb_json_i64(json_array_get(calls, n - 1), "n", 0);
}

bool
pb_rig_drained(struct pb_rig *r, const char *queue, int64_t limit_for)
{
	int64_t until = pb_clock_mono() + limit_for;
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("queues/%s", queue);
	do {
		PB_JSON json_t *q = NULL;
		(void)pb_rig_sandbox(r, "GET", path, NULL, &q, NULL);
		if (q != NULL && json_array_size(pb_json_get(q, "visible")) == 0 &&
		    json_array_size(pb_json_get(q, "inflight")) == 0)
			return true;
	} while (pb_rig_again(until));
	return false;
}
