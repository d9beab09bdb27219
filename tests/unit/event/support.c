/*
 * What the tests of events share.
 */
#include "tests/unit/event/support.h"

#include <stdio.h>
#include <stdlib.h>

#include <check.h>

char *
pb_event_test_path(const char *file)
{
	const char *dir = getenv("PB_SHARED");
	return pb_asprintf("%s/events/%s", dir != NULL ? dir : "../shared", file);
}

char *
pb_event_test_read(const char *path)
{
	char chunk[4096];
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
		(void)pb_buf_add(&b, chunk, n);
	(void)fclose(f);
	return pb_buf_take(&b);
}

json_t *
pb_event_test_json(const char *text)
{
	json_t *j = NULL;
	struct pb_error err = {0};
	int rc = pb_json_parse(pb_str_of(text), &j, &err);
	ck_assert_msg(rc == 0, "%s", err.text);
	return j;
}

struct pb_event *
pb_event_test_body(const char *text)
{
	struct pb_event *e = NULL;
	struct pb_error err = {0};
	char reason[128];
	enum pb_body_verdict v =
	    pb_event_from_body(pb_str_of(text), "999988887777", "eu-north-1", &e, reason, &err);
	ck_assert_msg(v == PB_BODY_EVENT, "verdict %d: %s%s", (int)v, err.text, reason);
	return e;
}

/* The text, written again. */
static char *
said(const struct pb_event *e)
{
	json_t *j = NULL;
	struct pb_error err = {0};
	ck_assert_msg(
	    pb_json_parse(e->text, &j, &err) == 0, "%.*s: %s", PB_STR_ARG(e->text), err.text);
	char *text = pb_json_text(j);
	json_decref(j);
	return text;
}

static void
check_same(const struct pb_event *a, const struct pb_event *b, struct pb_str body)
{
	ck_assert_msg(pb_streq(a->identity, b->identity), "%.*s: %s and %s", PB_STR_ARG(body),
	    a->identity, b->identity);
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_str_eq(a->id, b->id);
	ck_assert_str_eq(a->source, b->source);
	ck_assert_str_eq(a->detail_type, b->detail_type);
	ck_assert_str_eq(a->account, b->account);
	ck_assert_str_eq(a->region, b->region);
	ck_assert_int_eq(a->time_at, b->time_at);
	ck_assert(
	    a->alarm_arn == NULL ? b->alarm_arn == NULL : pb_streq(a->alarm_arn, b->alarm_arn));
	ck_assert(
	    a->alarm_name == NULL ? b->alarm_name == NULL : pb_streq(a->alarm_name, b->alarm_name));
	ck_assert_int_eq(a->alarm_state, b->alarm_state);
	ck_assert_int_eq(a->alarm_previous_state, b->alarm_previous_state);
	ck_assert_int_eq(a->transitioned_at, b->transitioned_at);
	/* What came as an event stays as it came; what is rewritten says the same. */
	PB_CLEANUP(pb_freep) char *said_a = said(a);
	PB_CLEANUP(pb_freep) char *said_b = said(b);
	ck_assert_msg(pb_str_eq(a->text, b->text) || !pb_str_eq(a->text, body),
	    "%.*s: %.*s and %.*s", PB_STR_ARG(body), PB_STR_ARG(a->text), PB_STR_ARG(b->text));
	ck_assert_msg(
	    pb_streq(said_a, said_b), "%.*s: %s and %s", PB_STR_ARG(body), said_a, said_b);
	PB_CLEANUP(pb_freep) char *x = pb_json_text(pb_event_json(a));
	PB_CLEANUP(pb_freep) char *y = pb_json_text(pb_event_json(b));
	ck_assert_str_eq(x, y);
	ck_assert_int_eq(pb_event_alarm(a) == NULL, pb_event_alarm(b) == NULL);
	ck_assert(pb_event_alarm(a) == NULL || json_equal(pb_event_alarm(a), pb_event_alarm(b)));
}

void
pb_event_test_both(struct pb_event_reader *r, const struct pb_matcher *m, struct pb_str body)
{
	PB_CLEANUP(pb_event_unrefp) struct pb_event *a = NULL, *b = NULL;
	struct pb_error wrong_a = {0}, wrong_b = {0};
	char why_a[128], why_b[128];
	enum pb_body_verdict v = pb_event_from_body(body, "999988887777", "", &a, why_a, &wrong_a);
	enum pb_body_verdict w =
	    pb_event_read_body(r, m, body, "999988887777", "", &b, why_b, &wrong_b);
	ck_assert_msg(v == w, "%.*s: %d and %d: %s%s", PB_STR_ARG(body), (int)v, (int)w,
	    wrong_a.text, wrong_b.text);
	ck_assert_str_eq(why_a, why_b);
	ck_assert_str_eq(wrong_a.text, wrong_b.text);
	if (v == PB_BODY_EVENT)
		check_same(a, b, body);
}
