/*
 * Answers of AWS: any status, headers and body for any operation of the table give an output or an
 * error that can be acted on.
 *
 * Input: one byte for the operation, one for the status, header lines, an empty line, the body.
 */
#include "tests/fuzz/fuzz.h"
#include "aws/call.h"
#include "aws/sqs.h"

static const int statuses[] = {200, 204, 302, 400, 403, 404, 409, 413, 429, 500, 503, 599};

static const struct pb_aws_op *
choose_op(unsigned n)
{
	size_t n_ops = 0;
	while (pb_aws_op_at(n_ops) != NULL)
		n_ops++;
	return pb_aws_op_at(n % n_ops);
}

static void
read_headers(struct fuzz_input *in, struct pb_aws_headers *headers)
{
	while (in->left > 0) {
		const uint8_t *end = memchr(in->at, '\n', in->left);
		size_t len = end ? (size_t)(end - in->at) + 1 : in->left;
		struct pb_str line = {(const char *)in->at, len};
		in->at += len;
		in->left -= len;
		if (pb_str_trim(line).len == 0)
			return;
		(void)pb_aws_headers_add_line(headers, line);
	}
}

static void
check_messages(const json_t *output)
{
	const json_t *message;
	struct pb_error err = {0};
	size_t i;
	json_array_foreach (pb_json_get(output, "Messages"), i, message) {
		if (pb_sqs_message_check(message, &err) < 0)
			fuzz_must_say_why(&err);
	}
}

static void
must_be_shown(const struct pb_aws_error *e)
{
	PB_CLEANUP(pb_freep) char *text = pb_aws_error_text(e);
	FUZZ_MUST(e->code[0] != '\0' && (unsigned)e->class < PB_AWS_CLASS_MAX);
	FUZZ_MUST(memchr(e->message, 0, sizeof(e->message)) != NULL);
	FUZZ_MUST(pb_utf8_is_valid(pb_str_of(text)));
	for (const char *c = text; *c != '\0'; c++)
		FUZZ_MUST((unsigned char)*c >= 0x20 && *c != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	const struct pb_aws_op *op = choose_op(fuzz_byte(&in));
	struct pb_aws_headers headers = {0};
	struct pb_aws_error error = {0};
	PB_JSON json_t *output = NULL;
	int status = statuses[fuzz_byte(&in) % PB_ARRAY_LEN(statuses)];
	read_headers(&in, &headers);
	struct pb_aws_answer answer = {status, &headers, fuzz_rest(&in)};
	if (pb_aws_call_parse(op, &answer, &output, &error) == 0) {
		FUZZ_MUST(json_is_object(output));
		check_messages(output);
	} else {
		must_be_shown(&error);
	}
	pb_aws_headers_fini(&headers);
	return 0;
}
