/*
 * Small things: instants, spans, sizes, numbers, base64, ARNs, queue URLs, XML, and text made safe to
 * show.  The first byte chooses.
 */
#include "tests/fuzz/fuzz.h"
#include "aws/arn.h"
#include "aws/endpoint.h"
#include "aws/xml.h"
#include "base/time.h"

static void
read_instant(struct pb_str s)
{
	struct pb_error err = {0};
	char text[PB_TIME_TEXT];
	int64_t at = -1, again = -1;
	if (pb_time_parse(s, &at, &err) < 0)
		fuzz_must_say_why(&err);
	else if (at > 0)
		FUZZ_MUST(pb_time_parse(pb_str_of(pb_time_rfc3339(text, at)), &again, &err) == 0 &&
		    again == at);
}

static void
read_http_date(struct pb_str s)
{
	struct pb_error err = {0};
	char text[PB_TIME_TEXT];
	int64_t at = -1, again = -1;
	if (pb_time_parse_http(s, &at, &err) < 0)
		fuzz_must_say_why(&err);
	else
		FUZZ_MUST(
		    pb_time_parse_http(pb_str_of(pb_time_http(text, at)), &again, &err) == 0 &&
		    again == at);
}

static void
read_span(struct pb_str s)
{
	struct pb_error err = {0};
	char text[PB_TIME_TEXT];
	int64_t span = -1, bytes = -1, n = 0;
	if (pb_duration_parse(s, &span, &err) < 0)
		fuzz_must_say_why(&err);
	else
		FUZZ_MUST(span >= 0 && span <= 400 * PB_DAY && pb_duration_text(text, span)[0]);
	if (pb_size_parse(s, &bytes, &err) < 0)
		fuzz_must_say_why(&err);
	else
		FUZZ_MUST(bytes >= 0);
	if (pb_parse_i64(s, -1000, INT64_MAX, &n, &err) < 0)
		fuzz_must_say_why(&err);
	else
		FUZZ_MUST(n >= -1000);
}

static void
read_base64(struct pb_str s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf bytes = PB_BUF_INIT;
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	struct pb_error err = {0};
	if (pb_base64_decode(s, &bytes, &err) < 0) {
		fuzz_must_say_why(&err);
		FUZZ_MUST(bytes.len == 0);
		return;
	}
	pb_base64_add(&text, bytes.ptr, bytes.len);
	FUZZ_MUST(pb_str_eq(pb_buf_str(&text), s));
}

static void
read_arn(struct pb_str s)
{
	PB_CLEANUP(pb_freep) char *url = pb_strndup(s.ptr, s.len);
	struct pb_arn arn;
	struct pb_error err = {0};
	char region[PB_AWS_REGION_MAX] = "";
	if (pb_arn_parse(s, &arn, &err) < 0)
		fuzz_must_say_why(&err);
	else
		FUZZ_MUST(arn.partition.len > 0 && arn.service.len > 0 && arn.resource.len > 0);
	if (pb_aws_queue_url_region(url, region))
		FUZZ_MUST(region[0] != '\0' && memchr(region, 0, sizeof(region)));
}

static void
read_xml(struct pb_str s)
{
	PB_CLEANUP(pb_xml_freep) struct pb_xml_node *root = NULL;
	PB_JSON json_t *object = NULL;
	struct pb_error err = {0};
	if (pb_xml_parse(s, &root, &err) < 0) {
		fuzz_must_say_why(&err);
		return;
	}
	FUZZ_MUST(pb_xml_name(root) != NULL); /* "" for <:>: a prefix alone */
	if (pb_xml_to_json(
		root, PB_STR("a b[] c{} d:int e:bool f:ts g{a:num b[]{c}}"), &object, &err) < 0)
		fuzz_must_say_why(&err);
	else
		FUZZ_MUST(json_is_object(object));
}

static void
must_be_plain(struct pb_str s)
{
	FUZZ_MUST(pb_utf8_is_valid(s));
	for (size_t i = 0; i < s.len; i++)
		FUZZ_MUST((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f);
}

static void
show(struct pb_str s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	char fixed[24];
	pb_buf_add_safe(&b, s, 64, false);
	must_be_plain(pb_buf_str(&b));
	must_be_plain(pb_str_of(pb_safe(fixed, sizeof(fixed), s)));
	FUZZ_MUST(pb_utf8_cut(s, 10) <= 10);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct pb_str) = {
	    read_instant, read_http_date, read_span, read_base64, read_arn, read_xml, show};
	struct fuzz_input in = {data, size};
	unsigned which = fuzz_byte(&in) % PB_ARRAY_LEN(readers);
	readers[which](fuzz_rest(&in));
	return 0;
}
