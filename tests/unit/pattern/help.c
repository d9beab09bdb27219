/*
 * What the tests of lib/pattern share.
 */
#include "help.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct pb_pattern *
help_pattern(const char *text)
{
	struct pb_pattern *p = NULL;
	struct pb_error err = {0};

	if (pb_pattern_compile(pb_str_of(text), &p, &err) < 0)
		ck_abort_msg("%s: %s: %s", text, err.path, err.text);
	return p;
}

json_t *
help_json(const char *text)
{
	json_t *j = NULL;
	struct pb_error err = {0};

	if (pb_json_parse(pb_str_of(text), &j, &err) < 0)
		ck_abort_msg("%s: %s", text, err.text);
	return j;
}

bool
help_match(const char *pattern, const char *event)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern(pattern);
	PB_JSON json_t *e = help_json(event);
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	bool ret = pb_pattern_match(p, e);

	ck_assert_int_eq(pb_pattern_why(p, e, &why), ret);
	ck_assert_msg(ret == (why.len == 0), "%s on %s: why says \"%s\"", pattern, event,
	    why.len > 0 ? why.ptr : "");
	return ret;
}

char *
help_shared(const char *name, const char *what)
{
	const char *root = getenv("PB_SHARED");
	char *path = pb_asprintf("%s/%s", root != NULL ? root : "../shared", name);

	if (access(path, R_OK) == 0)
		return path;
	printf("SKIP %s: no %s\n", what, path);
	free(path);
	return NULL;
}
