/*
 * What a scenario says must have happened, at, by, between or never.
 *
 *	{by: 9m, page: {level: 1}}			at least one so far
 *	{at: 10m, notice: ana}				at that very moment, to the second
 *	{between: [60s, 100s], step: restart}		at least one in the span, none before or after it
 *	{never: page}   {at_most: 1, step: restart}   {times: 2, page: ana}
 *	{by: 9m, incident: resolved, cause: remediated}
 */
#include "sim/world.h"

#include <stdlib.h>

#include "base/json.h"

static const char *const kinds[] = {"step", "page", "notice", "incident"};

static bool
has_inputs(const json_t *inputs, const json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)wanted, name, value)
		if (!json_equal(json_object_get(inputs, name), value))
			return false;
	return true;
}

/* Does what was seen fit the line's "kind: what" and its further members? */
static bool
fits(const struct seen *s, const char *kind, const json_t *what, const json_t *line)
{
	if (strcmp(s->kind, kind) != 0)
		return false;
	if (json_is_string(what) && strcmp(json_string_value(what), kind) != 0 &&
	    strcmp(json_string_value(what), s->name) != 0)
		return false;
	int64_t level = pb_json_i64(what, "level", pb_json_i64(line, "level", 0));
	if (level > 0 && level != s->level)
		return false;
	const char *to = pb_json_str(what, "to"), *cause = pb_json_str(line, "cause");
	if ((to != NULL && strcmp(to, s->name) != 0) ||
	    (cause != NULL && strcmp(cause, s->detail) != 0))
		return false;
	const json_t *inputs = pb_json_get(line, "inputs");
	return inputs == NULL || has_inputs(s->inputs, inputs);
}

static void
fail(struct pb_buf *failures, const json_t *line, const char *why)
{
	PB_CLEANUP(pb_freep) char *text = pb_json_text(line);
	pb_buf_addf(failures, "%s: %s\n", text, why);
}

struct tally {
	size_t n, n_by, n_at, n_in, n_out;
};

static struct tally
count(const struct world *w, const json_t *line, const char *kind, const json_t *what)
{
	struct tally c = {0};
	const json_t *by = pb_json_get(line, "by"), *at = pb_json_get(line, "at");
	const json_t *span = pb_json_get(line, "between");
	int64_t from = span == NULL ? 0 : span_of(json_array_get(span, 0));
	int64_t to = span == NULL ? 0 : span_of(json_array_get(span, 1));
	for (size_t i = 0; i < w->n_seen; i++) {
		int64_t t = w->seen[i].at - w->start_at;
		if (!fits(&w->seen[i], kind, what, line))
			continue;
		c.n++;
		c.n_by += by != NULL && t <= span_of(by);
		c.n_at += at != NULL && t / PB_SECOND == span_of(at) / PB_SECOND;
		if (span != NULL && t >= from && t <= to)
			c.n_in++;
		else
			c.n_out++;
	}
	return c;
}

static void
check_line(const struct world *w, const json_t *line, struct pb_buf *failures)
{
	const char *never = pb_json_str(line, "never"), *kind = never;
	const json_t *what = pb_json_get(line, "never");
	for (size_t i = 0; i < PB_ARRAY_LEN(kinds); i++) {
		if (pb_json_get(line, kinds[i]) == NULL)
			continue;
		kind = kinds[i];
		what = pb_json_get(line, kind);
	}
	if (kind == NULL) {
		fail(failures, line, "says nothing that can be checked");
		return;
	}
	struct tally c = count(w, line, kind, what);
	int64_t at_most = pb_json_i64(line, "at_most", -1), times = pb_json_i64(line, "times", -1);
	if (never != NULL && c.n > 0)
		fail(failures, line, "it happened");
	if (pb_json_get(line, "by") != NULL && c.n_by == 0)
		fail(failures, line, c.n > 0 ? "it happened later" : "it did not happen");
	if (pb_json_get(line, "at") != NULL && c.n_at == 0)
		fail(failures, line, c.n > 0 ? "it happened at another time" : "it did not happen");
	if (pb_json_get(line, "between") != NULL && (c.n_in == 0 || c.n_out > 0))
		fail(failures, line, c.n > 0 ? "it happened outside of that" : "it did not happen");
	if (at_most >= 0 && c.n > (size_t)at_most)
		fail(failures, line, "it happened more often");
	if (times >= 0 && c.n != (size_t)times)
		fail(failures, line, "it happened another number of times");
}

void
expect_check(const struct world *w, struct pb_buf *failures)
{
	size_t i;
	json_t *line;
	json_array_foreach (json_object_get(w->scenario, "expect"), i, line)
		check_line(w, line, failures);

	const char *trace = pb_json_str(w->scenario, "trace");
	size_t len = trace == NULL ? 0 : strlen(trace);
	/* The line before it is the boot's, with the digest of the configuration. */
	if (len > w->trace.len ||
	    (len > 0 && strcmp(trace, w->trace.ptr + w->trace.len - len) != 0))
		pb_buf_adds(failures, "the trace differs from the one expected\n");
}
