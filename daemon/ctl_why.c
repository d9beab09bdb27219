/*
 * `playbookctl why`: what was decided, and why, of an incident or an alarm.
 */
#include <stdlib.h>

#include "base/time.h"
#include "ctl.h"

static void
label(struct pb_buf *b, const char *name)
{
	(void)pb_buf_addf(b, "  %-11s ", name);
}

static void
text_line(struct pb_buf *b, const char *name, const char *text)
{
	label(b, name);
	pb_ctl_add_text(b, text, 1000);
	(void)pb_buf_addc(b, '\n');
}

/* --- an incident */

static void
add_head(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v)
{
	const json_t *in = pb_json_get(body, "incident"), *plan = pb_json_get(body, "plan");
	const char *state = pb_json_str_or(in, "state", "?");
	const char *playbook = pb_json_str_or(in, "playbook", "");
	bool is_resolved = strcmp(state, "resolved") == 0;
	(void)pb_buf_adds(b, "incident ");
	pb_ctl_add_text(b, pb_json_str_or(in, "id", "?"), 100);
	(void)pb_buf_adds(b, ", ");
	pb_ctl_add_text(b, pb_json_str_or(in, "title", "?"), 200);
	(void)pb_buf_adds(b, ": ");
	pb_ctl_add_colored(b, state, is_resolved ? PB_CTL_GREEN : PB_CTL_YELLOW, v);
	if (is_resolved) {
		(void)pb_buf_adds(b, ", ");
		pb_ctl_add_text(b, pb_json_str_or(in, "cause", "?"), 100);
	}
	(void)pb_buf_addc(b, '\n');
	text_line(b, "playbook", playbook[0] == '\0' ? "none matches" : playbook);
	pb_ctl_add_plan(b, "  plan        ", plan);
}

void
pb_ctl_add_plan(struct pb_buf *b, const char *before, const json_t *plan)
{
	char digest[80], other[80];
	if (plan == NULL)
		return;
	(void)pb_safe(digest, sizeof(digest), pb_str_of(pb_json_str_or(plan, "digest", "?")));
	(void)pb_safe(other, sizeof(other), pb_str_of(pb_json_str_or(plan, "in_force", "?")));
	if (pb_json_bool(plan, "is_in_force", false))
		(void)pb_buf_addf(b, "%s%.12s, in force\n", before, digest);
	else
		(void)pb_buf_addf(b,
		    "%s%.12s, as it was when the incident began; %.12s is in force now\n", before,
		    digest, other);
}

/* What was noted about one question, under one heading. */
static void
add_kind(struct pb_buf *b, const json_t *notes, const char *kind, const char *name)
{
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *n = json_array_get(notes, i);
		if (!pb_streq(pb_json_str(n, "kind"), kind))
			continue;
		text_line(b, name, pb_json_str_or(n, "text", ""));
		name = "";
	}
}

static void
add_next(struct pb_buf *b, const json_t *next, const struct pb_ctl_view *v)
{
	for (size_t i = 0; i < json_array_size(next); i++) {
		const json_t *n = json_array_get(next, i);
		label(b, i == 0 ? "next" : "");
		pb_ctl_add_time(b, pb_json_i64(n, "at", 0), v);
		(void)pb_buf_adds(b, ": ");
		pb_ctl_add_text(b, pb_json_str_or(n, "what", "?"), 300);
		(void)pb_buf_addc(b, '\n');
	}
}

static void
add_decisions(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v)
{
	const json_t *notes = pb_json_get(body, "decisions"), *of = pb_json_get(body, "incident");
	of = of == NULL ? pb_json_get(body, "bundle") : of;
	(void)pb_buf_adds(b, "\ndecisions:\n");
	for (size_t i = 0; i < json_array_size(notes); i++) {
		(void)pb_buf_adds(b, "  ");
		pb_ctl_show_note(b, json_array_get(notes, i), v);
	}
	if (json_array_size(notes) == 0)
		(void)pb_buf_adds(b, "  none is kept any more\n");
	if (pb_json_bool(body, "is_cut", false)) {
		(void)pb_buf_adds(b, "  some in the middle are left out: playbookctl timeline ");
		pb_ctl_add_text(b, pb_json_str_or(of, "id", "ID"), 100);
		(void)pb_buf_addc(b, '\n');
	}
}

static void
add_incident(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v)
{
	const json_t *notes = pb_json_get(body, "decisions");
	add_head(b, body, v);
	add_kind(b, notes, "differs", "differs");
	add_kind(b, notes, "match", "shadowed");
	add_kind(b, notes, "guard", "guard");
	add_kind(b, notes, "held", "no pages");
	add_next(b, pb_json_get(body, "next"), v);
	add_decisions(b, body, v);
}

/* --- an alarm */

static void
add_named(struct pb_buf *b, const json_t *list, const char *name, int64_t n_more)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *n = json_array_get(list, i);
		label(b, i == 0 ? name : "");
		pb_ctl_add_text(b, pb_json_str_or(n, "playbook", "?"), 100);
		(void)pb_buf_adds(b, ": ");
		pb_ctl_add_text(b, pb_json_str_or(n, "why", "?"), 1000);
		(void)pb_buf_addc(b, '\n');
	}
	if (n_more > 0) {
		label(b, "");
		(void)pb_buf_addf(b, "and %lld more\n", (long long)n_more);
	}
}

static void
add_would(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v)
{
	const json_t *r = pb_json_get(body, "received"), *w = pb_json_get(body, "would");
	const json_t *match = pb_json_get(w, "match");
	if (w == NULL) {
		(void)pb_buf_adds(
		    b, "  no event of it is kept, so nobody can say where it would go\n");
		return;
	}
	label(b, "last event");
	pb_ctl_add_time(b, pb_json_i64(r, "at", 0), v);
	(void)pb_buf_adds(b, " by ");
	pb_ctl_add_text(b, pb_json_str_or(r, "source", "?"), 100);
	(void)pb_buf_addc(b, '\n');
	text_line(b, "now", pb_json_str_or(w, "fate", "?"));
	for (size_t i = 0; i < json_array_size(match); i++)
		text_line(b, i == 0 ? "matches" : "", json_string_value(json_array_get(match, i)));
	if (pb_json_i64(w, "match_more", 0) > 0) {
		label(b, "");
		(void)pb_buf_addf(
		    b, "and %lld behind it\n", (long long)pb_json_i64(w, "match_more", 0));
	}
	add_named(b, pb_json_get(w, "differ"), "differs", pb_json_i64(w, "differ_more", 0));
	add_named(b, pb_json_get(w, "near"), "near miss", 0);
}

void
pb_ctl_show_why(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v)
{
	const json_t *alarm = pb_json_get(body, "alarm"), *bundle = pb_json_get(body, "bundle");
	if (bundle != NULL) {
		pb_ctl_add_bundle(b, bundle, v);
		add_decisions(b, body, v);
		return;
	}
	if (alarm != NULL) {
		(void)pb_buf_adds(b, "alarm ");
		pb_ctl_add_text(b, pb_json_str_or(alarm, "arn", "?"), 2048);
		(void)pb_buf_addf(b, ": %s since ", pb_json_str_or(alarm, "state", "?"));
		pb_ctl_add_wall_time(b, pb_json_i64(alarm, "transitioned_at", 0), v);
		(void)pb_buf_addc(b, '\n');
		add_would(b, body, v);
		(void)pb_buf_adds(b,
		    pb_json_get(body, "incident") == NULL ? "  no incident of it is kept\n" : "\n");
	}
	if (pb_json_get(body, "incident") != NULL)
		add_incident(b, body, v);
}
