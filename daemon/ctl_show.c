/*
 * `playbookctl show`: one incident, from its event to its trace.
 */
#include <stdlib.h>

#include "base/time.h"
#include "ctl.h"

static void
text_line(struct pb_buf *b, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	(void)pb_buf_addf(b, "  %-10s ", name);
	pb_ctl_add_text(b, text, 1000);
	(void)pb_buf_addc(b, '\n');
}

static void
time_line(struct pb_buf *b, const char *name, int64_t at, const struct pb_ctl_view *v)
{
	if (at == 0)
		return;
	(void)pb_buf_addf(b, "  %-10s ", name);
	pb_ctl_add_time(b, at, v);
	(void)pb_buf_addc(b, '\n');
}

static const char *
alarm_reason(const json_t *event)
{
	return json_string_value(pb_json_path(event, PB_STR("detail.state.reason")));
}

/* What came back, how often, and after how long. */
static void
add_reopened(struct pb_buf *b, const json_t *in, const struct pb_ctl_view *v)
{
	int64_t n = pb_json_i64(in, "n_reopened", 0), at = pb_json_i64(in, "reopened_at", 0);
	char after[32];
	time_line(b, "closes", pb_json_i64(in, "calm_at", 0), v);
	if (n == 0)
		return;
	(void)pb_buf_addf(b, "  %-10s ", "reopened");
	pb_ctl_add_time(b, at, v);
	(void)pb_buf_addf(b, ", %lld time%s; %s after it was resolved as ", (long long)n,
	    n == 1 ? "" : "s", pb_ctl_age(after, pb_json_i64(in, "last_resolved_at", at), at));
	pb_ctl_add_text(b, pb_json_str_or(in, "last_cause", "?"), 50);
	(void)pb_buf_addc(b, '\n');
}

static void
add_informed(struct pb_buf *b, const json_t *in, const struct pb_ctl_view *v)
{
	size_t i;
	json_t *one;
	json_array_foreach (pb_json_get(in, "inform"), i, one) {
		(void)pb_buf_addf(b, "  %-10s ", i == 0 ? "informs" : "");
		pb_ctl_add_text(b, pb_json_str_or(one, "audience", "?"), 100);
		(void)pb_buf_addf(
		    b, ", %lld so far, next ", (long long)pb_json_i64(one, "sent", 0));
		pb_ctl_add_time(b, pb_json_i64(one, "next_at", PB_NEVER), v);
		(void)pb_buf_addc(b, '\n');
	}
}

static void
add_incident(struct pb_buf *b, const json_t *in, const json_t *event, const struct pb_ctl_view *v)
{
	const char *state = pb_json_str_or(in, "state", "?");
	bool is_resolved = strcmp(state, "resolved") == 0;
	(void)pb_buf_adds(b, "incident ");
	pb_ctl_add_text(b, pb_json_str_or(in, "id", "?"), 100);
	(void)pb_buf_adds(b, ": ");
	pb_ctl_add_colored(b, state, is_resolved ? PB_CTL_GREEN : PB_CTL_YELLOW, v);
	(void)pb_buf_addc(b, '\n');
	text_line(b, "what", pb_json_str(in, "title"));
	text_line(b, "alarm", pb_json_str(in, "alarm_arn"));
	text_line(b, "reason", alarm_reason(event));
	text_line(b, "severity", pb_json_str(in, "severity"));
	const char *playbook = pb_json_str_or(in, "playbook", "");
	text_line(b, "playbook", playbook[0] == '\0' ? "none matches" : playbook);
	text_line(b, "summary", pb_json_str(in, "summary"));
	text_line(b, "objective", pb_json_str(in, "objective"));
	text_line(b, "docs", pb_json_str(in, "docs"));
	text_line(b, "owner", pb_json_str(in, "owner"));
	text_line(b, "overdue", pb_json_str(in, "overdue"));
	if (pb_json_i64(in, "event_at", 0) != 0) {
		(void)pb_buf_addf(b, "  %-10s ", "event");
		pb_ctl_add_wall_time(b, pb_json_i64(in, "event_at", 0), v);
		(void)pb_buf_addc(b, '\n');
	}
	time_line(b, "opened", pb_json_i64(in, "opened_at", 0), v);
	add_reopened(b, in, v);
	time_line(b, "held until", pb_json_i64(in, "hold_until", 0), v);
	time_line(b, "resolved", pb_json_i64(in, "resolved_at", 0), v);
	text_line(b, "no pages", pb_json_str(in, "held"));
	add_informed(b, in, v);
	text_line(b, "cause", pb_json_str(in, "cause"));
	text_line(b, "by", pb_json_str(in, "resolved_by"));
	if (pb_json_i64(in, "count", 1) > 1)
		(void)pb_buf_addf(
		    b, "  %-10s %lld\n", "events", (long long)pb_json_i64(in, "count", 1));
}

/* --- run */

static enum pb_ctl_color
step_color(const char *state)
{
	if (strcmp(state, "succeeded") == 0)
		return PB_CTL_GREEN;
	return strcmp(state, "failed") == 0 ? PB_CTL_RED : PB_CTL_PLAIN;
}

static void
step_row(struct pb_ctl_table *t, const json_t *s, const struct pb_ctl_view *v)
{
	const char *state = pb_json_str_or(s, "state", "?");
	int64_t attempts = pb_json_i64(s, "attempts", 0);
	int64_t started_at = pb_json_i64(s, "started_at", 0);
	int64_t ended_at = pb_json_i64(s, "ended_at", 0);
	char took[32], when[PB_TIME_TEXT] = "-";
	if (started_at != 0)
		(void)pb_ctl_when(when, started_at, v);
	(void)pb_ctl_age(took, started_at, ended_at != 0 ? ended_at : v->now);
	pb_ctl_cell(t, PB_CTL_PLAIN, "%lld.", (long long)pb_json_i64(s, "index", 0) + 1);
	pb_ctl_cell(t, PB_CTL_BOLD, "%s", pb_json_str_or(s, "name", "?"));
	pb_ctl_cell(t, step_color(state), "%s", state);
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", when);
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s%s", ended_at != 0 ? "took " : "for ",
	    started_at == 0 ? "-" : took);
	pb_ctl_cell(
	    t, PB_CTL_PLAIN, "%lld attempt%s", (long long)attempts, attempts == 1 ? "" : "s");
	const char *error = pb_json_str_or(s, "error", "");
	const char *message = pb_json_str_or(s, "message", "");
	pb_ctl_cell(t, PB_CTL_RED, "%s%s%s", error,
	    error[0] != '\0' && message[0] != '\0' ? ": " : "", message);
}

static const json_t *
step_at(const json_t *steps, int64_t index)
{
	for (size_t i = 0; i < json_array_size(steps); i++)
		if (pb_json_i64(json_array_get(steps, i), "index", -1) == index)
			return json_array_get(steps, i);
	return NULL;
}

static int64_t
highest_index(const json_t *steps)
{
	int64_t highest = -1;
	for (size_t i = 0; i < json_array_size(steps); i++)
		if (pb_json_i64(json_array_get(steps, i), "index", -1) > highest)
			highest = pb_json_i64(json_array_get(steps, i), "index", -1);
	return highest;
}

static void
add_run(struct pb_buf *b, const json_t *run, const json_t *steps, const struct pb_ctl_view *v)
{
	if (!json_is_object(run)) {
		(void)pb_buf_adds(b, "\nrun: none\n");
		return;
	}
	(void)pb_buf_addf(b, "\nrun: %s", pb_json_str_or(run, "state", "?"));
	if (pb_json_str(run, "failure") != NULL) {
		(void)pb_buf_adds(b, ", ");
		pb_ctl_add_text(b, pb_json_str(run, "failure"), 500);
	}
	(void)pb_buf_addc(b, '\n');
	PB_CLEANUP(pb_ctl_table_fini) struct pb_ctl_table t = {.n_columns = 7};
	PB_CLEANUP(pb_ctl_table_fini) struct pb_ctl_table undone = {.n_columns = 7};
	int64_t n_forward = pb_json_i64(run, "n_steps", 0);
	for (int64_t i = 0; i < n_forward; i++)
		if (step_at(steps, i) != NULL)
			step_row(&t, step_at(steps, i), v);
	pb_ctl_table_add(b, &t, "  ", v);
	/* The undos stand behind the steps; each has a record once it was begun.  The last is first. */
	for (int64_t i = highest_index(steps); i >= n_forward; i--)
		if (step_at(steps, i) != NULL)
			step_row(&undone, step_at(steps, i), v);
	if (undone.n_cells == 0)
		return;
	(void)pb_buf_adds(b, "rollback:\n");
	pb_ctl_table_add(b, &undone, "  ", v);
}

/* --- ladder and pages */

static void
add_ladder(struct pb_buf *b, const json_t *l, const struct pb_ctl_view *v)
{
	if (!json_is_object(l))
		return;
	const char *state = pb_json_str_or(l, "state", "?");
	bool is_paging = strcmp(state, "paging") == 0 || strcmp(state, "spent") == 0;
	(void)pb_buf_adds(b, "\nladder: ");
	pb_ctl_add_colored(b, state, is_paging ? PB_CTL_RED : PB_CTL_PLAIN, v);
	(void)pb_buf_addc(b, '\n');
	text_line(b, "why", pb_json_str(l, "why"));
	time_line(b, "page by", pb_json_i64(l, "page_by_at", 0), v);
	if (pb_json_i64(l, "started_at", 0) != 0)
		(void)pb_buf_addf(
		    b, "  %-10s %lld\n", "level", (long long)pb_json_i64(l, "level", 0) + 1);
	size_t i;
	const json_t *place;
	json_array_foreach (pb_json_get(l, "bundles"), i, place)
		text_line(b, pb_json_str_or(place, "kind", "group"), pb_json_str(place, "id"));
	bool is_acked = strcmp(state, "acked") == 0, is_snoozed = strcmp(state, "snoozed") == 0;
	if (is_acked || is_snoozed)
		text_line(b, is_acked ? "acked by" : "snoozed by", pb_json_str(l, "acked_by"));
	if (pb_json_i64(l, "next_at", PB_NEVER) != PB_NEVER)
		time_line(
		    b, is_acked || is_snoozed ? "until" : "next", pb_json_i64(l, "next_at", 0), v);
}

static void
page_row(struct pb_ctl_table *t, const json_t *p, const struct pb_ctl_view *v)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf when = PB_BUF_INIT;
	const char *state = pb_json_str_or(p, "state", "?"), *with = pb_json_str(p, "with");
	int64_t tries = pb_json_i64(p, "tries", 0);
	pb_ctl_add_time(&when, pb_json_i64(p, "at", 0), v);
	if (pb_json_bool(p, "is_notice", false))
		pb_ctl_cell(t, PB_CTL_PLAIN, "resolve notice");
	else if (pb_json_i64(p, "repeat", 0) == 0)
		pb_ctl_cell(
		    t, PB_CTL_PLAIN, "level %lld", (long long)pb_json_i64(p, "level", 0) + 1);
	else
		pb_ctl_cell(t, PB_CTL_PLAIN, "level %lld, repeat %lld",
		    (long long)pb_json_i64(p, "level", 0) + 1,
		    (long long)pb_json_i64(p, "repeat", 0));
	pb_ctl_cell(t, PB_CTL_BOLD, "%s by %s%s%s", pb_json_str_or(p, "contact", "?"),
	    pb_json_str_or(p, "channel", "?"), with == NULL ? "" : ", with ",
	    with == NULL ? "" : with);
	pb_ctl_cell(t, strcmp(state, "sent") == 0 ? PB_CTL_GREEN : PB_CTL_YELLOW, "%s", state);
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", when.ptr);
	pb_ctl_cell(t, PB_CTL_PLAIN, "%lld %s", (long long)tries, tries == 1 ? "try" : "tries");
	pb_ctl_cell(t, PB_CTL_RED, "%s", pb_json_str_or(p, "error", ""));
}

static void
add_pages(struct pb_buf *b, const json_t *actions, const struct pb_ctl_view *v)
{
	PB_CLEANUP(pb_ctl_table_fini) struct pb_ctl_table t = {.n_columns = 6};
	for (size_t i = 0; i < json_array_size(actions); i++)
		if (pb_json_str(json_array_get(actions, i), "contact") != NULL)
			page_row(&t, json_array_get(actions, i), v);
	if (t.n_cells == 0) {
		(void)pb_buf_adds(b, "\npages: none\n");
		return;
	}
	(void)pb_buf_adds(b, "\npages:\n");
	pb_ctl_table_add(b, &t, "  ", v);
}

static void
add_trace(struct pb_buf *b, const json_t *notes, const struct pb_ctl_view *v)
{
	(void)pb_buf_adds(b, "\ntrace:\n");
	for (size_t i = 0; i < json_array_size(notes); i++) {
		(void)pb_buf_adds(b, "  ");
		pb_ctl_show_note(b, json_array_get(notes, i), v);
	}
}

void
pb_ctl_add_bundle(struct pb_buf *b, const json_t *o, const struct pb_ctl_view *v)
{
	(void)pb_buf_addf(b, "%s ", pb_json_str_or(o, "kind", "group"));
	pb_ctl_add_text(b, pb_json_str_or(o, "id", "?"), 100);
	(void)pb_buf_addf(b, ": %s\n", pb_json_str_or(o, "state", "?"));
	text_line(b, "escalation", pb_json_str(o, "escalation"));
	text_line(b, "of", pb_json_str(o, "group"));
	time_line(b, "began", pb_json_i64(o, "opened_at", 0), v);
	(void)pb_buf_addf(b, "  %-10s %lld, %lld of them resolved\n", "told of",
	    (long long)pb_json_i64(o, "n_joined", 0), (long long)pb_json_i64(o, "n_gone", 0));
}

void
pb_ctl_show_incident(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v)
{
	const json_t *bundle = pb_json_get(body, "bundle");
	if (bundle != NULL) {
		pb_ctl_add_bundle(b, bundle, v);
		add_pages(b, pb_json_get(body, "actions"), v);
		add_trace(b, pb_json_get(body, "notes"), v);
		return;
	}
	add_incident(b, pb_json_get(body, "incident"), pb_json_get(body, "event"), v);
	pb_ctl_add_plan(b, "  plan       ", pb_json_get(body, "plan"));
	add_run(b, pb_json_get(body, "run"), pb_json_get(body, "steps"), v);
	add_ladder(b, pb_json_get(body, "ladder"), v);
	add_pages(b, pb_json_get(body, "actions"), v);
	add_trace(b, pb_json_get(body, "notes"), v);
}
