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

	if (pb_exact_parse(pb_str_of(text), &j, &err) < 0)
		ck_abort_msg("%s: %s", text, err.text);
	return j;
}

/* The matcher on bytes must say the same, by every way to scan. */
static void
match_bytes(const struct pb_pattern *p, const char *event, bool wanted)
{
	static const char *const scanners[] = {"scalar", "sse2", "avx2", "avx512"};
	PB_CLEANUP(pb_matcher_freep) struct pb_matcher *m = NULL;
	PB_CLEANUP(pb_match_freep) struct pb_match *s = pb_match_new();
	struct pb_error err;
	uint32_t id;
	size_t n = 0;

	ck_assert_int_eq(pb_matcher_build(&p, 1, &m, &err), 0);
	for (size_t i = 0; i < PB_ARRAY_LEN(scanners); i++) {
		if (pb_match_set_scanner(s, scanners[i]) < 0)
			continue;
		bool is_match = pb_match(m, s, pb_str_of(event), &id, 1, &n) == 0 && n == 1;
		ck_assert_msg(is_match == wanted, "%s: %s differs", event, scanners[i]);
	}
}

bool
help_match(const char *pattern, const char *event)
{
	PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = help_pattern(pattern);
	PB_JSON json_t *e = help_json(event);
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	bool ret = pb_pattern_match(p, e);

	match_bytes(p, event, ret);
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
