/*
 * What a scenario says must have happened, at, by, between or never.
 *
 *	{by: 9m, page: {level: 1}}			at least one so far
 *	{at: 10m, page: {to: ana, by: pager}}		by: through which channel
 *	{at: 30s, page: {in: group, text: [web-1, web-2]}}	in: group or storm; what it names
 *	{at: 10m, notice: ana}				at that very moment, to the second
 *	{between: [60s, 100s], step: restart}		at least one in the span, none before or after it
 *	{never: page}   {never: step, step: restart}   {at_most: 1, step: restart}   {times: 2, page: ana}
 *	{by: 9m, incident: resolved, cause: remediated}
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

const char *const expect_kinds[] = {
    "step", "probe", "page", "notice", "inform", "summary", "incident", NULL};

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

static const char *
word_of(const json_t *list, size_t i)
{
	const char *word = json_string_value(json_array_get(list, i));
	return word == NULL ? "" : word;
}

/* Of a group or storm ("in"), with this in its message ("text": one or several)? */
static bool
fits_page(const struct seen *s, const json_t *what)
{
	const char *in = pb_json_str(what, "in"), *mark = strchr(s->incident, '-');
	const char *message = pb_json_str_or(s->inputs, "Message", "");
	const json_t *text = pb_json_get(what, "text");
	if (in != NULL && (mark == NULL || mark[1] != in[0]))
		return false;
	if (json_is_string(text))
		return strstr(message, json_string_value(text)) != NULL;
	for (size_t i = 0; i < json_array_size(text); i++)
		if (strstr(message, word_of(text, i)) == NULL)
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
	const char *by = pb_json_str(what, "by");
	PB_CLEANUP(pb_freep) char *way = by == NULL ? NULL : pb_asprintf("@%s/", by);
	if (way != NULL && strstr(s->detail, way) == NULL)
		return false;
	if (!fits_page(s, what))
		return false;
	const char *to = pb_json_str_or(what, "to", pb_json_str(line, "to"));
	const char *cause = pb_json_str(line, "cause");
	if ((to != NULL && strcmp(to, s->name) != 0) ||
	    (cause != NULL && strcmp(cause, s->detail) != 0))
		return false;
	const json_t *inputs = pb_json_get(line, "inputs");
	return inputs == NULL || has_inputs(s->inputs, inputs);
}

/* As it is written, without where that is. */
static char *
text_of(const json_t *j)
{
	PB_JSON json_t *copy = json_copy((json_t *)(uintptr_t)j);
	(void)json_object_del(copy, "where");
	return pb_json_text(copy);
}

/* `at` is where in the trace one should look. */
PB_PRINTF(5, 6)
static void
fail(struct world *w, struct pb_buf *failures, const json_t *line, int64_t at, const char *fmt, ...)
{
	PB_CLEANUP(pb_freep) char *text = text_of(line);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	const char *why = b.ptr;
	const char *where = pb_json_str_or(line, "where", "");
	pb_buf_addf(failures, "%s%s%s: %s\n", where, where[0] == '\0' ? "" : ": ", text, why);
	w->marks = pb_realloc(w->marks, (w->n_marks + 1) * sizeof(*w->marks));
	w->marks[w->n_marks++] = (struct mark){.at = at, .text = pb_asprintf("%s: %s", text, why)};
}

struct tally {
	size_t n, n_by, n_at, n_in, n_out;
	size_t n_new; /* without retries of what is known to have done nothing */
	int64_t first_at; /* of all */
	int64_t out_at; /* the first out of the span */
	int64_t over_at; /* the first that is more than at_most or times allow */
};

static struct tally
count(const struct world *w, const json_t *line, const char *kind, const json_t *what)
{
	struct tally c = {0};
	const json_t *by = pb_json_get(line, "by"), *at = pb_json_get(line, "at");
	const json_t *span = pb_json_get(line, "between");
	int64_t from = span == NULL ? 0 : span_of(json_array_get(span, 0));
	int64_t to = span == NULL ? 0 : span_of(json_array_get(span, 1));
	int64_t most = pb_json_i64(line, "at_most", pb_json_i64(line, "times", 0));
	c.over_at = PB_NEVER;
	for (size_t i = 0; i < w->n_seen; i++) {
		int64_t t = w->seen[i].at - w->start_at;
		if (!fits(&w->seen[i], kind, what, line))
			continue;
		if (c.n++ == 0)
			c.first_at = w->seen[i].at;
		c.n_new += !w->seen[i].is_retry;
		if (c.over_at == PB_NEVER && most >= 0 && c.n > (size_t)most)
			c.over_at = w->seen[i].at;
		c.n_by += by != NULL && t <= span_of(by);
		c.n_at += at != NULL && t / PB_SECOND == span_of(at) / PB_SECOND;
		if (span != NULL && t >= from && t <= to)
			c.n_in++;
		else if (c.n_out++ == 0)
			c.out_at = w->seen[i].at;
	}
	return c;
}

/* As the trace has it. */
static const char *
clock_of(char out[32], const struct world *w, int64_t at)
{
	long long t = (long long)(at - w->start_at) / PB_SECOND;
	(void)snprintf(out, 32, "%02lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
	return out;
}

static void
check_times(struct world *w, const json_t *line, const struct tally *c, struct pb_buf *failures)
{
	const json_t *by = pb_json_get(line, "by"), *at = pb_json_get(line, "at");
	const json_t *span = pb_json_get(line, "between");
	char first[32], out[32];
	bool is_broken = (by != NULL && c->n_by == 0) || (at != NULL && c->n_at == 0) ||
	    (span != NULL && c->n_in == 0);
	if (is_broken && c->n == 0) {
		const json_t *until = by != NULL ? by : at != NULL ? at : json_array_get(span, 1);
		fail(w, failures, line, w->start_at + span_of(until), "it did not happen");
		return;
	}
	if (by != NULL && c->n_by == 0)
		fail(w, failures, line, w->start_at + span_of(by), "it happened later, at %s",
		    clock_of(first, w, c->first_at));
	if (at != NULL && c->n_at == 0)
		fail(w, failures, line, w->start_at + span_of(at),
		    "it happened at another time, first at %s", clock_of(first, w, c->first_at));
	if (span != NULL && c->n_out > 0)
		fail(w, failures, line, c->out_at, "it happened outside of that, first at %s",
		    clock_of(out, w, c->out_at));
}

static void
check_line(struct world *w, const json_t *line, struct pb_buf *failures)
{
	const char *never = pb_json_str(line, "never"), *kind = never;
	const json_t *what = pb_json_get(line, "never");
	for (size_t i = 0; expect_kinds[i] != NULL; i++) {
		if (pb_json_get(line, expect_kinds[i]) == NULL)
			continue;
		kind = expect_kinds[i];
		what = pb_json_get(line, kind);
	}
	if (kind == NULL) {
		fail(w, failures, line, PB_NEVER, "says nothing that can be checked");
		return;
	}
	struct tally c = count(w, line, kind, what);
	int64_t at_most = pb_json_i64(line, "at_most", -1), times = pb_json_i64(line, "times", -1);
	check_times(w, line, &c, failures);
	char first[32];
	if (never != NULL && c.n > 0)
		fail(w, failures, line, c.over_at, "it happened, first at %s",
		    clock_of(first, w, c.first_at));
	if (at_most >= 0 && c.n_new > (size_t)at_most)
		fail(w, failures, line, c.over_at, "it happened %zu time%s", c.n_new,
		    c.n_new == 1 ? "" : "s");
	if (times >= 0 && c.n != (size_t)times)
		fail(w, failures, line, c.over_at, "it happened %zu time%s", c.n,
		    c.n == 1 ? "" : "s");
}

/* Where the expected text begins: at its own first line, else behind the boot's, which has the
 * digest of the configuration. */
static const char *
trace_start(const char *trace, const char *want)
{
	size_t len = strcspn(want, "\n");
	const char *second = strchr(trace, '\n');
	for (const char *line = trace; line != NULL && *line != '\0';) {
		if (strncmp(line, want, len) == 0 && (line[len] == '\n' || line[len] == '\0'))
			return line;
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return second == NULL ? "" : second + 1;
}

/* The exact notes, from there to the end. */
static void
check_trace(struct world *w, struct pb_buf *failures)
{
	const char *want = pb_json_str(w->scenario, "trace"), *got = w->trace.ptr;
	if (want == NULL)
		return;
	got = trace_start(got == NULL ? "" : got, want);
	for (size_t n = 1; *want != '\0' || *got != '\0'; n++) {
		size_t want_len = strcspn(want, "\n"), got_len = strcspn(got, "\n");
		if (want_len != got_len || memcmp(want, got, want_len) != 0) {
			pb_buf_addf(failures,
			    "the trace differs from the one expected in line %zu\n"
			    "  expected: %.*s\n  it is:    %.*s\n",
			    n, (int)want_len, want, (int)got_len, got);
			return;
		}
		want += want_len + (want[want_len] == '\n');
		got += got_len + (got[got_len] == '\n');
	}
}

void
expect_replies(struct world *w, struct pb_buf *failures)
{
	for (size_t i = 0; i < w->n_asked; i++) {
		const struct asked *a = &w->asked[i];
		bool is_refused = a->status >= 400;
		bool is_expected = pb_json_bool(a->event, "refused", false);
		if (a->status != 0 && is_refused == is_expected)
			continue;
		const char *where = pb_json_str_or(a->event, "where", "?");
		PB_CLEANUP(pb_freep) char *text = text_of(a->event);
		if (a->status == 0 && a->is_durable)
			continue; /* its answer was lost with the process */
		if (is_refused)
			pb_buf_addf(failures,
			    "%s: %s was refused: %d %s; where that is meant, say refused: true\n",
			    where, text, a->status, a->error == NULL ? "" : a->error);
		else
			pb_buf_addf(failures, "%s: %s was %s\n", where, text,
			    a->status == 0 ? "not answered" : "not refused");
	}
}

void
expect_check(struct world *w, struct pb_buf *failures)
{
	size_t i;
	json_t *line;
	json_array_foreach (json_object_get(w->scenario, "expect"), i, line)
		check_line(w, line, failures);
	check_trace(w, failures);
}
