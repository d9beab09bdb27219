/*
 * The MD5s of SQS.
 */
#include "aws/sqs.h"

#include <stdlib.h>
#include <strings.h>

static void
add_part(struct pb_buf *b, struct pb_str s)
{
	unsigned char len[4] = {(unsigned char)(s.len >> 24), (unsigned char)(s.len >> 16),
	    (unsigned char)(s.len >> 8), (unsigned char)s.len};
	pb_buf_add(b, len, sizeof(len));
	pb_buf_add(b, s.ptr, s.len);
}

static int
add_attribute(struct pb_buf *b, const char *name, const json_t *value, struct pb_error *err)
{
	const char *type = pb_json_str(value, "DataType");
	bool is_binary = type && strncmp(type, "Binary", 6) == 0;
	const char *text = pb_json_str(value, is_binary ? "BinaryValue" : "StringValue");
	if (!type || !text) {
		char shown[96];
		pb_safe(shown, sizeof(shown), pb_str_of(name));
		return pb_fail(
		    err, PB_INVALID, "message attribute \"%s\" has no DataType or no value", shown);
	}
	add_part(b, pb_str_of(name));
	add_part(b, pb_str_of(type));
	pb_buf_addc(b, is_binary ? 2 : 1);
	if (!is_binary) {
		add_part(b, pb_str_of(text));
		return 0;
	}
	PB_CLEANUP(pb_buf_fini) struct pb_buf bytes = PB_BUF_INIT;
	if (pb_base64_decode(pb_str_of(text), &bytes, err) < 0)
		return pb_wrap(err, "BinaryValue of a message attribute");
	add_part(b, (struct pb_str){bytes.ptr ? bytes.ptr : "", bytes.len});
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
pb_sqs_attributes_md5(const json_t *attributes, char ret_md5[PB_MD5_TEXT], struct pb_error *err)
{
	if (!json_is_object(attributes))
		return pb_fail(err, PB_INVALID, "message attributes are a map");
	size_t n = 0;
	const char **names = pb_calloc(json_object_size(attributes) + 1, sizeof(*names));
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)attributes, key, value)
		names[n++] = key;
	qsort(names, n, sizeof(*names), compare_names);

	struct pb_buf b = PB_BUF_INIT;
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_attribute(&b, names[i], json_object_get(attributes, names[i]), err);
	if (rc == 0 && pb_md5_text(b.ptr ? b.ptr : "", b.len, ret_md5) < 0)
		rc = pb_fail(err, PB_UNSUPPORTED, "OpenSSL refuses MD5");
	pb_buf_fini(&b);
	free(names);
	return rc;
}

static int
check_text(const char *what, const char *expected, struct pb_str text, struct pb_error *err)
{
	char md5[PB_MD5_TEXT];
	if (!expected || pb_md5_text(text.ptr ? text.ptr : "", text.len, md5) < 0)
		return 0;
	if (strcasecmp(md5, expected) != 0)
		return pb_fail(err, PB_CORRUPT, "%s does not fit its MD5", what);
	return 0;
}

int
pb_sqs_message_check(const json_t *message, struct pb_error *err)
{
	const json_t *body = pb_json_get(message, "Body");
	if (!json_is_string(body))
		return pb_fail(err, PB_CORRUPT, "a message without Body");
	struct pb_str text = {json_string_value(body), json_string_length(body)};
	if (check_text("Body", pb_json_str(message, "MD5OfBody"), text, err) < 0)
		return -1;

	const json_t *attributes = pb_json_get(message, "MessageAttributes");
	const char *expected = pb_json_str(message, "MD5OfMessageAttributes");
	if (!expected || !json_object_size(attributes))
		return 0;
	char md5[PB_MD5_TEXT];
	struct pb_error e = {0};
	if (pb_sqs_attributes_md5(attributes, md5, &e) < 0) {
		if (e.kind == PB_UNSUPPORTED)
			return 0;
		return pb_fail(err, PB_CORRUPT, "%s", e.text);
	}
	if (strcasecmp(md5, expected) != 0)
		return pb_fail(err, PB_CORRUPT, "MessageAttributes do not fit their MD5");
	return 0;
}

int
pb_sqs_sent_check(const json_t *output, struct pb_str body, struct pb_error *err)
{
	return check_text(
	    "the message as SQS received it", pb_json_str(output, "MD5OfMessageBody"), body, err);
}
