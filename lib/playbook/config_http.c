/*
 * HTTP in playbooks: where requests may go, and the conditions and steps that make them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "playbook/read.h"

#define URL_MAX 2048
#define BODY_MAX 65536

static bool
is_loopback(const char *host, size_t len)
{
	if (len == 9 && strncasecmp(host, "localhost", 9) == 0)
		return true;
	if (len == 5 && strncmp(host, "[::1]", 5) == 0)
		return true;
	/* All of 127/8, and nothing that only begins so, as 127.0.0.1.example.com. */
	return len >= 7 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= len;
}

const char *
pb_url_refused(const char *url)
{
	bool is_tls = strncmp(url, "https://", 8) == 0;
	if (!is_tls && strncmp(url, "http://", 7) != 0)
		return "it must begin with https://";
	for (const char *c = url; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "it holds a blank or a control character";
	const char *host = url + (is_tls ? 8 : 7);
	size_t len = strcspn(host, "/?#");
	if (memchr(host, '@', len) != NULL)
		return "it holds a name or a password before @";
	const char *port = host[0] == '[' ? memchr(host, ']', len) : NULL;
	port = port != NULL ? port + 1 : host + strcspn(host, ":/?#");
	len = (size_t)(port - host);
	if (len == 0)
		return "it names no host";
	if (!is_tls && !is_loopback(host, len))
		return "plain http is for this host only (127.0.0.1, localhost); use https://";
	return NULL;
}

void
pb_read_url(struct pb_loader *l, const struct pb_node *n, char **ret)
{
	if (pb_read_text(l, n, URL_MAX, ret) < 0)
		return;
	pb_check_template(l, n, *ret, PB_TEMPLATE_STEP);
	/* What a template makes of it is checked again before it is used. */
	if (strncmp(*ret, "${", 2) == 0)
		return;
	PB_CLEANUP(pb_freep) char *fixed = pb_strndup(*ret, strcspn(*ret, "$"));
	const char *why = pb_url_refused(fixed);
	/* "https://${...}/": the host is not known before it is filled in. */
	bool is_host_open =
	    pb_streq(fixed, "https://") && strlen(*ret) > strlen(fixed) && why != NULL;
	if (why != NULL && !is_host_open)
		pb_problem_add(l, n, "\"%s\" cannot be asked: %s", PB_SHOWN(*ret), why);
}

/* --- the condition */

static void
read_condition_url(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_condition *c = obj;
	pb_read_url(l, n, &c->url);
}

#define AT(member) .offset = offsetof(struct pb_condition, member)

static const struct pb_field condition_fields[] = {
    {"http", PB_FIELD_CUSTOM, .is_required = true, .read = read_condition_url},
    {"status", PB_FIELD_INT, AT(status), .min = 100, .max = 599},
    {"times", PB_FIELD_INT, AT(times), .min = 1, .max = 100},
    {"every", PB_FIELD_DURATION, AT(every), .min = PB_SECOND, .max = PB_HOUR},
    {.key = "for",
	.type = PB_FIELD_ELSEWHERE,
	.note = "say times and every: so many good answers in a row"},
};

void
pb_read_http_condition(struct pb_loader *l, const struct pb_node *n, struct pb_condition *ret)
{
	ret->status = 200;
	ret->times = 1;
	ret->every = 10 * PB_SECOND;
	(void)PB_READ_MAP(l, n, "condition", condition_fields, ret);
}

/* --- the step */

void
pb_read_step_url(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	pb_read_url(l, n, &s->url);
}

void
pb_read_step_method(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"};
	struct pb_step *s = obj;
	size_t which;
	if (pb_read_word(l, n, words, PB_ARRAY_LEN(words), &which) < 0)
		return;
	free(s->method);
	s->method = pb_strdup(words[which]);
}

void
pb_read_step_body(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_step *s = obj;
	if (n->kind == PB_NODE_SCALAR && n->len > BODY_MAX) {
		pb_problem_add(l, n, "the body is longer than 64 KiB");
		return;
	}
	json_decref(s->body);
	s->body = n->kind == PB_NODE_SCALAR ? json_string(n->text) : pb_read_json(l, n);
	pb_check_templates(l, n);
}

/* By the method's own meaning (RFC 9110, 9.2). */
enum pb_effect
pb_http_effect(const char *method)
{
	if (method == NULL || pb_streq(method, "GET") || pb_streq(method, "HEAD"))
		return PB_EFFECT_READ;
	if (pb_streq(method, "PUT") || pb_streq(method, "DELETE"))
		return PB_EFFECT_IDEMPOTENT;
	return PB_EFFECT_ONCE;
}
