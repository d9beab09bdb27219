/*
 * What a channel is handed: the spec of the action that tells one reader over one channel.
 *
 * A message that comes twice does no harm, it has an id by which its reader sees the repeat: a try may
 * be repeated whatever is known of the one before.
 */
#include "internal.h"

#include "base/json.h"

static json_t *
attribute(const char *value)
{
	return json_pack("{s:s, s:s}", "DataType", "String", "StringValue",
	    value == NULL || value[0] == '\0' ? "-" : value);
}

static json_t *
attributes(const struct message *m)
{
	PB_CLEANUP(pb_freep) char *level = pb_asprintf("%zu", m->level);
	json_t *a = json_object();
	json_object_set_new(a, "kind", attribute(m->kind));
	json_object_set_new(a, "recipient", attribute(m->recipient));
	if (m->level > 0)
		json_object_set_new(a, "level", attribute(level));
	json_object_set_new(a, "severity", attribute(m->severity));
	json_object_set_new(a, "incident", attribute(m->incident));
	json_object_set_new(a, "page_id", attribute(m->id));
	json_object_set_new(a, "playbook", attribute(m->playbook));
	return a;
}

static bool
is_fifo(const char *topic)
{
	size_t len = strlen(topic);
	return len > 5 && strcmp(topic + len - 5, ".fifo") == 0;
}

/* SNS refuses a longer text to a phone as a whole.  In bytes, of which a character has one at least. */
#define SMS_MAX 1600

static char *
sms_text(const struct message *m)
{
	size_t n = strlen(m->body);
	if (n <= SMS_MAX)
		return pb_strdup(m->body);
	PB_CLEANUP(pb_freep) char *tail = NULL;
	if (strcmp(m->kind, "page") == 0)
		tail = pb_asprintf(
		    "\n[cut] playbookctl show %s, playbookctl ack %s\n", m->incident, m->incident);
	else if (strcmp(m->kind, "maintenance") == 0)
		tail = pb_strdup("\n[cut] playbookctl incidents\n");
	else
		tail = pb_asprintf("\n[cut] playbookctl show %s\n", m->incident);
	pb_check(strlen(tail) < SMS_MAX / 2);
	n = SMS_MAX - strlen(tail);
	while (n > 0 && ((unsigned char)m->body[n] & 0xc0) == 0x80)
		n--; /* within a character */
	return pb_asprintf("%.*s%s", (int)n, m->body, tail);
}

static json_t *
sns_spec(const struct message *m, const struct pb_channel *ch, const struct pb_contact *to)
{
	json_t *inputs = json_object();
	if (to != NULL && to->sns_phone != NULL) {
		PB_CLEANUP(pb_freep) char *text = sms_text(m);
		pb_json_set_str(inputs, "PhoneNumber", to->sns_phone);
		pb_json_set_str(inputs, "Message", text);
	} else {
		const char *topic = to != NULL && to->sns_topic != NULL ? to->sns_topic : ch->topic;
		pb_json_set_str(inputs, "TopicArn", topic);
		pb_json_set_str(inputs, "Subject", m->subject);
		if (is_fifo(topic)) {
			pb_json_set_str(inputs, "MessageGroupId", m->incident);
			/* At most 128 characters; what is longer keeps its identity as a digest. */
			char digest[PB_SHA256_TEXT];
			pb_sha256_text(m->id, strlen(m->id), digest);
			pb_json_set_str(inputs, "MessageDeduplicationId",
			    strlen(m->id) <= 128 ? m->id : digest);
		}
		pb_json_set_str(inputs, "Message", m->body);
	}
	json_object_set_new(inputs, "MessageAttributes", attributes(m));
	return json_pack("{s:s, s:s, s:s, s:o, s:s}", "driver", "aws", "service", "sns",
	    "operation", "Publish", "inputs", inputs, "effect", "idempotent");
}

/* The same for programs and addresses. */
static json_t *
message_json(const struct message *m, const struct pb_contact *to)
{
	json_t *j = json_object();
	pb_json_set_str(j, "kind", m->kind);
	pb_json_set_str(j, "page_id", m->id);
	pb_json_set_str(j, "incident", m->incident);
	pb_json_set_str(j, "recipient", m->recipient);
	if (m->level > 0)
		pb_json_set_i64(j, "level", (int64_t)m->level);
	pb_json_set_str(j, "severity", m->severity);
	pb_json_set_str(j, "subject", m->subject);
	pb_json_set_str(j, "message", m->body);
	pb_json_set_str(j, "playbook", m->playbook == NULL ? "" : m->playbook);
	pb_json_set_str(j, "phone", to == NULL ? NULL : to->sns_phone);
	return j;
}

static json_t *
exec_spec(const struct message *m, int64_t since, const struct pb_channel *ch,
    const struct pb_contact *to)
{
	json_t *argv = json_array();
	for (size_t i = 0; i < ch->n_argv; i++)
		json_array_append_new(argv, json_string(ch->argv[i]));
	return json_pack("{s:s, s:s*, s:I, s:o, s:o, s:{s:s, s:s}, s:I}", "driver", "exec",
	    "helper", ch->helper, "since", (json_int_t)since, "argv", argv, "stdin",
	    message_json(m, to), "env", "PLAYBOOKD_INCIDENT", m->incident, "PLAYBOOKD_PAGE", m->id,
	    "capture", (json_int_t)4096);
}

/* The reader of an address knows a repeat by the key, as a FIFO topic does by its deduplication id. */
static json_t *
http_spec(const struct message *m, const struct pb_channel *ch, const struct pb_contact *to)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:s, s:s*, s:I}", "driver", "http",
	    "method", "POST", "url", ch->url, "status", 0, "effect", "idempotent", "body",
	    message_json(m, to), "idempotency_key", m->id, "credential", ch->credential, "capture",
	    (json_int_t)1024);
}

json_t *
channel_spec(const struct message *m, int64_t since, const struct pb_channel *ch,
    const struct pb_contact *to)
{
	json_t *spec = NULL;
	switch (ch->type) {
	case PB_CHANNEL_SNS:
		spec = sns_spec(m, ch, to);
		break;
	case PB_CHANNEL_EXEC:
		spec = exec_spec(m, since, ch, to);
		break;
	case PB_CHANNEL_HTTP:
		spec = http_spec(m, ch, to);
		break;
	}
	pb_check(spec != NULL);
	return spec;
}
