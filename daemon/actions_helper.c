/*
 * What playbookd-exec is asked and what its answer means.
 */
#include "daemon/actions_helper.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

const char pb_helper_cancel[] = "{\"cancel\":true}";

char *
pb_helper_request(const char *id, const json_t *spec, int64_t limit_for)
{
	static const char *const handed_on[] = {"argv", "env", "stdin", "capture", "may_begin"};
	PB_JSON json_t *j = json_object();
	/* What the helper keeps outlives a store that is lost or put back, and ids begin anew with it. */
	int64_t since = pb_json_i64(spec, "since", 0);
	PB_CLEANUP(pb_freep) char *whole = pb_asprintf("%s/%lld", id, (long long)since);
	pb_json_set_str(j, "id", since == 0 ? id : whole);
	pb_json_set_i64(j, "limit", limit_for);
	for (size_t i = 0; i < PB_ARRAY_LEN(handed_on); i++)
		if (json_object_get(spec, handed_on[i]) != NULL)
			json_object_set(j, handed_on[i], json_object_get(spec, handed_on[i]));
	return pb_json_text(j);
}

static int
read_end(const char *name, struct pb_helper_answer *ret, struct pb_error *err)
{
	if (pb_streq(name, "refused") || pb_streq(name, "unknown")) {
		ret->end = name[0] == 'r' ? PB_HELPER_REFUSED : PB_HELPER_UNKNOWN;
		return 0;
	}
	ret->end = PB_HELPER_RAN;
	for (int e = 0; e < PB_CHILD_END_MAX; e++) {
		ret->child.end = (enum pb_child_end)e;
		if (pb_streq(name, pb_child_end_name(ret->child.end)))
			return 0;
	}
	return pb_fail(err, PB_INVALID, "playbookd-exec answered with an end that is none");
}

int
pb_helper_answer_read(struct pb_str line, struct pb_helper_answer *ret, struct pb_error *err)
{
	PB_JSON json_t *j = NULL;
	*ret = (struct pb_helper_answer){0};
	if (pb_json_parse(line, &j, err) < 0)
		return pb_wrap(err, "the answer of playbookd-exec");
	if (read_end(pb_json_str(j, "end"), ret, err) < 0)
		return -1;
	if (pb_base64_decode(pb_str_of(pb_json_str(j, "out")), &ret->out, err) < 0 ||
	    pb_base64_decode(pb_str_of(pb_json_str(j, "err")), &ret->err, err) < 0)
		return pb_wrap(err, "the answer of playbookd-exec");
	pb_buf_adds(&ret->text, pb_json_str_or(j, "text", ""));
	if (pb_json_str(j, "not_kept") != NULL)
		pb_buf_addf(
		    &ret->text, "; its result could not be kept: %s", pb_json_str(j, "not_kept"));
	ret->child.code = (int)pb_json_i64(j, "code", 0);
	ret->child.out = pb_buf_str(&ret->out);
	ret->child.err = pb_buf_str(&ret->err);
	ret->child.out_is_cut = json_is_true(json_object_get(j, "out_is_cut"));
	ret->child.took = pb_json_i64(j, "took", 0);
	ret->child.text = pb_buf_str(&ret->text).ptr;
	return 0;
}

void
pb_helper_answer_fini(struct pb_helper_answer *a)
{
	pb_buf_fini(&a->out);
	pb_buf_fini(&a->err);
	pb_buf_fini(&a->text);
}
