/*
 * What an attempt asks of its driver: the step's words with the context filled in.
 */
#include "internal.h"

#include "base/json.h"
#include "playbook/template.h"

static json_t *
exec_spec(const struct incident *in, size_t i, const struct pb_step *def, json_t *context,
    struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *attempt = step_attempt_number(in, i);
	PB_JSON json_t *argv = json_array();
	for (size_t k = 0; k < def->n_argv; k++) {
		PB_CLEANUP(pb_freep) char *arg = NULL;
		if (pb_template_expand_text(def->argv[k], context, &arg, err) < 0) {
			pb_wrap(err, "argv[%zu]", k);
			return NULL;
		}
		json_array_append_new(argv, json_string(arg));
	}
	return json_pack("{s:s, s:s*, s:I, s:O, s:O, s:{s:s, s:s, s:s}, s:I}", "driver", "exec",
	    "helper", in->config->exec_helper, "since", (json_int_t)in->opened_at, "argv", argv,
	    "stdin", context, "env", "PLAYBOOKD_INCIDENT", in->id, "PLAYBOOKD_STEP", def->name,
	    "PLAYBOOKD_ATTEMPT", attempt, "capture", (json_int_t)in->config->output_capture_max);
}

/*
 * The same for each repetition of a call, so that the service sees it is one: of the run, the step, and
 * what this step started before that failed.  In a UUID's form, which all services take.
 */
static void
set_token(const struct incident *in, size_t i, const char *name, json_t *inputs)
{
	const struct step_run *s = &in->run.steps[i];
	char hex[PB_SHA256_TEXT];
	PB_CLEANUP(pb_freep)
	char *of = pb_asprintf("%s/%s/%lld/%lld", in->id, run_step_def(in, i)->name,
	    (long long)in->run.started_at, (long long)s->token_n);
	pb_sha256_text(of, strlen(of), hex);
	json_object_set_new(inputs, name,
	    json_sprintf(
		"%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15, hex + 18));
}

static json_t *
aws_spec(const struct incident *in, size_t i, const struct pb_step *def, const json_t *context,
    struct pb_error *err)
{
	PB_JSON json_t *inputs = NULL;
	if (pb_template_expand_json(def->inputs, context, &inputs, err) < 0) {
		pb_wrap(err, "inputs");
		return NULL;
	}
	if (def->token != NULL)
		set_token(in, i, def->token, inputs);
	return json_pack("{s:s, s:s, s:s, s:O, s:s}", "driver", "aws", "service", def->service,
	    "operation", def->operation, "inputs", inputs, "effect", pb_effect_name(def->effect));
}

/* --- notify */

size_t
request_n_sends(const struct pb_step *def)
{
	return def->n_via * (def->n_to == 0 ? 1 : def->n_to);
}

static const struct pb_channel *
channel_at(const struct incident *in, const struct pb_step *def, int64_t n)
{
	return &in->config->channels[def->via[(size_t)n % def->n_via]];
}

/* NULL: the channel itself is the address. */
static const struct pb_contact *
contact_at(const struct incident *in, const struct pb_step *def, int64_t n)
{
	return def->n_to == 0 ? NULL : &in->config->contacts[def->to[(size_t)n / def->n_via]];
}

char *
request_notify_target(const struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	int64_t n = in->run.steps[i].sent;
	const struct pb_contact *to = contact_at(in, def, n);
	return to == NULL ? pb_strdup(channel_at(in, def, n)->name)
			  : pb_asprintf("%s by %s", to->name, channel_at(in, def, n)->name);
}

static json_t *
notify_spec(const struct incident *in, size_t i, const struct pb_step *def, const json_t *context,
    struct pb_error *err)
{
	int64_t n = in->run.steps[i].sent;
	const struct pb_channel *ch = channel_at(in, def, n);
	const struct pb_contact *to = contact_at(in, def, n);
	const char *name = to == NULL ? ch->name : to->name;
	PB_CLEANUP(pb_freep) char *body = NULL;
	PB_CLEANUP(pb_freep) char *said = NULL;
	if (pb_template_expand_text(def->text, context, &body, err) < 0) {
		pb_wrap(err, "text");
		return NULL;
	}
	if (def->subject != NULL &&
	    pb_template_expand_text(def->subject, context, &said, err) < 0) {
		pb_wrap(err, "subject");
		return NULL;
	}
	PB_CLEANUP(pb_freep)
	char *subject = page_subject_of(said == NULL ? incident_title(in) : said);
	/* The same for each try, and another one when the playbook runs again. */
	PB_CLEANUP(pb_freep)
	char *id = pb_asprintf(
	    "%s/%s/%s@%s/%lld", in->id, def->name, name, ch->name, (long long)in->run.started_at);
	const struct message m = {.kind = "notify",
	    .id = id,
	    .incident = in->id,
	    .playbook = incident_playbook_name(in),
	    .severity = incident_severity(in),
	    .recipient = name,
	    .subject = subject,
	    .body = body};
	return channel_spec(&m, in->opened_at, ch, to);
}

/* --- http */

/* RFC 3986: what is not unreserved could add a path, a parameter or a host. */
static void
add_encoded(struct pb_buf *b, const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			pb_buf_addc(b, *text);
		else
			pb_buf_addf(b, "%%%02X", (unsigned char)*text);
}

/* Where the template that begins here ends; a default's text may hold a brace. */
static size_t
template_len(const char *text)
{
	bool is_quoted = false;
	size_t n = 0;
	for (; text[n] != '\0'; n++) {
		if (is_quoted && text[n] == '\\' && text[n + 1] != '\0')
			n++;
		else if (text[n] == '"')
			is_quoted = !is_quoted;
		else if (text[n] == '}' && !is_quoted)
			return n + 1;
	}
	return n;
}

int
http_url(const char *text, const json_t *context, char **ret, struct pb_error *err)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	size_t at = 0;
	while (text[at] != '\0') {
		bool is_template = strncmp(text + at, "${", 2) == 0;
		if (!is_template) {
			pb_buf_addc(&b, text[at++]);
			continue;
		}
		size_t len = template_len(text + at);
		PB_CLEANUP(pb_freep) char *piece = pb_strndup(text + at, len);
		PB_CLEANUP(pb_freep) char *value = NULL;
		if (pb_template_expand_text(piece, context, &value, err) < 0)
			return pb_wrap(err, "url");
		/* A template in front is the address itself. */
		if (at == 0)
			pb_buf_adds(&b, value);
		else
			add_encoded(&b, value);
		at += len;
	}
	pb_buf_adds(&b, "");
	const char *why = pb_url_refused(pb_buf_str(&b).ptr);
	if (why != NULL)
		return pb_fail(err, PB_INVALID, "url: %s", why);
	*ret = pb_buf_take(&b);
	return 0;
}

static json_t *
http_spec(const struct incident *in, const struct pb_step *def, const json_t *context,
    struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *url = NULL;
	PB_JSON json_t *body = NULL;
	if (http_url(def->url, context, &url, err) < 0)
		return NULL;
	if (def->body != NULL && pb_template_expand_json(def->body, context, &body, err) < 0) {
		pb_wrap(err, "body");
		return NULL;
	}
	json_t *spec = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I}", "driver", "http", "method",
	    def->method == NULL ? "GET" : def->method, "url", url, "status",
	    (json_int_t)def->status, "effect", pb_effect_name(def->effect), "capture",
	    (json_int_t)in->config->output_capture_max);
	if (body != NULL)
		json_object_set(spec, "body", body);
	return spec;
}

json_t *
request_spec(const struct incident *in, size_t i, const struct pb_step *def, json_t *context,
    struct pb_error *err)
{
	switch (def->kind) {
	case PB_STEP_EXEC:
		return exec_spec(in, i, def, context, err);
	case PB_STEP_AWS:
		return aws_spec(in, i, def, context, err);
	case PB_STEP_HTTP:
		return http_spec(in, def, context, err);
	case PB_STEP_NOTIFY:
		return notify_spec(in, i, def, context, err);
	case PB_STEP_VERIFY:
	case PB_STEP_WAIT:
	case PB_STEP_KIND_MAX:
		break;
	}
	pb_impossible("a step without attempts");
}
