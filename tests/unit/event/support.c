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
