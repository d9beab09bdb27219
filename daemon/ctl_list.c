/*
 * Status, lists, and the lines of the trace.
 */
#include <stdlib.h>

#include "aws/arn.h"
#include "base/time.h"
#include "ctl.h"

/* The remedy stands at the end of an error, in the last column, where length does no harm. */
#define ERROR_MAX 2000
#define OVERDUE_MAX 5
#define TITLE_MAX 60 /* so that what stands behind it stays on the screen */

#define TABLE(n) PB_CLEANUP(pb_ctl_table_fini) struct pb_ctl_table t = {.n_columns = (n)}

static void
head(struct pb_ctl_table *t, const char *const *names)
{
	for (size_t i = 0; i < t->n_columns; i++)
		pb_ctl_cell(t, PB_CTL_BOLD, "%s", names[i]);
}

/* One line "  label   text". */
static void
label(struct pb_buf *b, const char *name)
{
	(void)pb_buf_addf(b, "  %-14s ", name);
}

/* --- incidents */

/* What happens next if nobody does anything, or how it ended. */
static enum pb_ctl_color
add_next(struct pb_buf *b, const json_t *in, int64_t now)
{
	const char *ladder = pb_json_str_or(in, "ladder", "");
	char span[32];
	if (pb_streq(pb_json_str(in, "state"), "resolved")) {
		(void)pb_buf_adds(b, pb_json_str_or(in, "cause", "resolved"));
		if (pb_json_str(in, "resolved_by") != NULL)
			(void)pb_buf_addf(b, " by %s", pb_json_str(in, "resolved_by"));
		return PB_CTL_GREEN;
	}
	if (pb_json_i64(in, "calm_at", 0) > 0) {
		(void)pb_buf_addf(b, "flaps, is OK now, closes in %s",
		    pb_ctl_age(span, now, pb_json_i64(in, "calm_at", now)));
		return PB_CTL_YELLOW;
	}
	if (pb_json_str(in, "asks") != NULL) {
		(void)pb_buf_adds(b, "asks: playbookctl approve ID");
		if (!pb_streq(pb_json_str(in, "asks"), "plan"))
			(void)pb_buf_addf(b, " %s", pb_json_str(in, "asks"));
		(void)pb_buf_addf(
		    b, ", for %s more", pb_ctl_age(span, now, pb_json_i64(in, "asks_until", now)));
		return PB_CTL_RED;
	}
	if (strcmp(ladder, "acked") == 0) {
		(void)pb_buf_addf(b, "acknowledged by %s, pages again in %s",
		    pb_json_str_or(in, "acked_by", "?"),
		    pb_ctl_age(span, now, pb_json_i64(in, "ladder_next_at", now)));
		return PB_CTL_YELLOW;
	}
	if (strcmp(ladder, "snoozed") == 0) {
		(void)pb_buf_addf(b, "snoozed by %s, pages again in %s",
		    pb_json_str_or(in, "acked_by", "?"),
		    pb_ctl_age(span, now, pb_json_i64(in, "ladder_next_at", now)));
		return PB_CTL_YELLOW;
	}
	if (pb_json_str(in, "held") != NULL) {
		(void)pb_buf_adds(b, "no pages: ");
		pb_ctl_add_text(b, pb_json_str(in, "held"), 200);
		return PB_CTL_YELLOW;
	}
	if (strcmp(ladder, "gathered") == 0) {
		bool is_storm = pb_json_str(in, "storm") != NULL;
		(void)pb_buf_addf(b, "pages in %s at the latest, with %s %s",
		    pb_ctl_age(span, now, pb_json_i64(in, "ladder_next_at", now)),
		    is_storm ? "storm" : "group",
		    pb_json_str_or(in, is_storm ? "storm" : "group", "?"));
		return PB_CTL_YELLOW;
	}
	if (strcmp(ladder, "armed") == 0) {
		if (pb_json_str(in, "step") != NULL)
			(void)pb_buf_addf(b, "step %s %s; ", pb_json_str(in, "step"),
			    pb_json_str_or(in, "step_state", ""));
		(void)pb_buf_addf(b, "pages in %s",
		    pb_ctl_age(span, now, pb_json_i64(in, "ladder_next_at", now)));
		return PB_CTL_PLAIN;
	}
	(void)pb_buf_adds(b,
	    strcmp(ladder, "spent") == 0 ? "everybody was paged, nobody answered"
					 : "paging, nobody has answered");
	const char *kind = pb_json_str(in, "storm") != NULL ? "storm" : "group";
	if (pb_json_str(in, kind) != NULL)
		(void)pb_buf_addf(b, ", %s %s", kind, pb_json_str(in, kind));
	return PB_CTL_RED;
}

/* Alarms of one name in several accounts or Regions, and events of one type, are alike by their titles. */
static bool
has_twin(const json_t *incidents, const json_t *in)
{
	size_t i;
	const json_t *o;
	const char *title = pb_json_str_or(in, "title", "-"), *key = pb_json_str_or(in, "key", "");
	json_array_foreach (incidents, i, o)
		if (strcmp(pb_json_str_or(o, "title", "-"), title) == 0 &&
		    strcmp(pb_json_str_or(o, "key", ""), key) != 0)
			return true;
	return false;
}

/* Where an alarm is; of anything else what tells it from others of its playbook. */
static char *
which(const json_t *in)
{
	struct pb_arn arn;
	const char *key = pb_json_str_or(in, "key", "");
	if (pb_arn_parse(pb_str_of(key), &arn, NULL) < 0)
		return pb_strdup(key);
	return pb_asprintf("%.*s %.*s", (int)arn.region.len, arn.region.ptr, (int)arn.account.len,
	    arn.account.ptr);
}

static void
title_cell(struct pb_ctl_table *t, const json_t *in, bool is_alike)
{
	const char *title = pb_json_str_or(in, "title", "-");
	PB_CLEANUP(pb_freep) char *more = is_alike ? which(in) : NULL;
	if (more == NULL || more[0] == '\0')
		pb_ctl_cell_max(t, PB_CTL_PLAIN, TITLE_MAX, "%s", title);
	else
		pb_ctl_cell_max(t, PB_CTL_PLAIN, TITLE_MAX, "%s (%s)", title, more);
}

static void
incident_row(struct pb_ctl_table *t, const json_t *in, bool is_alike, const struct pb_ctl_view *v)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf next = PB_BUF_INIT;
	char age[32], opened[PB_TIME_TEXT];
	int64_t opened_at = pb_json_i64(in, "opened_at", 0);
	const char *playbook = pb_json_str_or(in, "playbook", "");
	enum pb_ctl_color color = add_next(&next, in, v->now);
	pb_ctl_cell(t, PB_CTL_BOLD, "%s", pb_json_str_or(in, "id", "?"));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", pb_json_str_or(in, "state", "?"));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", pb_json_str_or(in, "severity", "-"));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", pb_ctl_age(age, opened_at, v->now));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", pb_ctl_when(opened, opened_at, v));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", playbook[0] == '\0' ? "(none matches)" : playbook);
	title_cell(t, in, is_alike);
	pb_ctl_cell(t, color, "%s", next.ptr == NULL ? "" : next.ptr);
}

void
pb_ctl_show_incidents(
    struct pb_buf *b, const json_t *list, bool is_all, const struct pb_ctl_view *v)
{
	static const char *const names[] = {
	    "ID", "STATE", "SEVERITY", "AGE", "OPENED", "PLAYBOOK", "WHAT", "NEXT"};
	const json_t *incidents = pb_json_get(list, "incidents");
	if (json_array_size(incidents) == 0) {
		(void)pb_buf_adds(b, is_all ? "no incidents\n" : "no open incidents\n");
		return;
	}
	TABLE(PB_ARRAY_LEN(names));
	head(&t, names);
	for (size_t i = 0; i < json_array_size(incidents); i++) {
		const json_t *in = json_array_get(incidents, i);
		incident_row(&t, in, has_twin(incidents, in), v);
	}
	pb_ctl_table_add(b, &t, "", v);
	if (pb_json_get(list, "next") != NULL)
		(void)pb_buf_addf(b,
		    "these are the newest %zu, there are more; %lld are open in all: playbookctl "
		    "incidents --limit N\n",
		    json_array_size(incidents), (long long)pb_json_i64(list, "open", 0));
}

/* --- status */

static void
source_row(struct pb_ctl_table *t, const json_t *s, const struct pb_ctl_view *v)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf ok = PB_BUF_INIT;
	const char *error = pb_json_str(s, "last_error");
	long long failures = pb_json_i64(s, "failures", 1);
	pb_ctl_add_time(&ok, pb_json_i64(s, "last_ok_at", 0), v);
	pb_ctl_cell(t, PB_CTL_BOLD, "%s", pb_json_str_or(s, "name", "?"));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", pb_json_str_or(s, "type", "?"));
	pb_ctl_cell(t, PB_CTL_PLAIN, "%s", ok.ptr);
	pb_ctl_cell(t, PB_CTL_PLAIN, "%lld", (long long)pb_json_i64(s, "received", 0));
	if (error == NULL)
		pb_ctl_cell(t, PB_CTL_GREEN, "ok");
	else
		pb_ctl_cell_max(t, PB_CTL_RED, ERROR_MAX, "%lld failure%s: %s", failures,
		    failures == 1 ? "" : "s", error);
}

static void
add_sources(struct pb_buf *b, const json_t *sources, const struct pb_ctl_view *v)
{
	static const char *const names[] = {"SOURCE", "TYPE", "LAST OK", "RECEIVED", "HEALTH"};
	if (json_array_size(sources) == 0) {
		(void)pb_buf_adds(b, "no sources: only injected events arrive\n");
		return;
	}
	TABLE(PB_ARRAY_LEN(names));
	head(&t, names);
	for (size_t i = 0; i < json_array_size(sources); i++)
		source_row(&t, json_array_get(sources, i), v);
	pb_ctl_table_add(b, &t, "", v);
}

static void
add_on_disk(struct pb_buf *b, const json_t *config, const struct pb_ctl_view *v)
{
	const char *disk = pb_json_str_or(config, "on_disk", "loaded");
	int64_t more = pb_json_i64(config, "refused_problems", 1) - 1;
	if (strcmp(disk, "loaded") == 0)
		return;
	label(b, "on disk");
	if (strcmp(disk, "changed") == 0) {
		pb_ctl_add_colored(b, "changed", PB_CTL_YELLOW, v);
		(void)pb_buf_adds(b, " since it was loaded: playbookctl reload\n");
		return;
	}
	pb_ctl_add_colored(b, disk, PB_CTL_RED, v);
	if (strcmp(disk, "refused") != 0) {
		(void)pb_buf_adds(b, ": playbookd --check DIR says why\n");
		return;
	}
	(void)pb_buf_addc(b, ' ');
	pb_ctl_add_time(b, pb_json_i64(config, "refused_at", 0), v);
	(void)pb_buf_adds(b, ": ");
	pb_ctl_add_text(b, pb_json_str_or(config, "refused", "?"), 1000);
	if (more > 0)
		(void)pb_buf_addf(b, "; and %lld more", (long long)more);
	(void)pb_buf_addc(b, '\n');
}

static void
add_config(struct pb_buf *b, const json_t *config, const struct pb_ctl_view *v)
{
	char digest[80];
	int64_t playbooks = pb_json_i64(config, "playbooks", 0);
	label(b, "configuration");
	(void)pb_buf_addf(b, "%.12s",
	    pb_safe(digest, sizeof(digest), pb_str_of(pb_json_str_or(config, "digest", "?"))));
	(void)pb_buf_adds(b, " of ");
	pb_ctl_add_text(b, pb_json_str_or(config, "dir", "?"), 200);
	(void)pb_buf_addf(
	    b, ", %lld playbook%s, loaded ", (long long)playbooks, playbooks == 1 ? "" : "s");
	pb_ctl_add_time(b, pb_json_i64(config, "loaded_at", 0), v);
	(void)pb_buf_addc(b, '\n');
	if (pb_json_str(config, "problem") != NULL) {
		label(b, "");
		pb_ctl_add_text(b, pb_json_str(config, "problem"), 500);
		(void)pb_buf_addc(b, '\n');
	}
	add_on_disk(b, config, v);
}

static void
add_state_line(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	const char *state = pb_json_str_or(s, "state", "?");
	bool is_running = strcmp(state, "running") == 0;
	(void)pb_buf_adds(b, "playbookd ");
	pb_ctl_add_text(b, pb_json_str_or(s, "version", "?"), 50);
	(void)pb_buf_adds(b, " on ");
	pb_ctl_add_text(b, pb_json_str_or(s, "host", "?"), 100);
	(void)pb_buf_adds(b, ": ");
	pb_ctl_add_colored(b, state, is_running ? PB_CTL_GREEN : PB_CTL_RED, v);
	(void)pb_buf_addf(b, ", pid %lld\n", (long long)pb_json_i64(s, "pid", 0));
	if (pb_json_str(s, "degraded_why") != NULL) {
		label(b, "degraded");
		pb_ctl_add_text(b, pb_json_str(s, "degraded_why"), 500);
		(void)pb_buf_addc(b, '\n');
	}
}

static void
add_incident_counts(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	int64_t defects = pb_json_i64(s, "defects", 0);
	int64_t running = pb_json_i64(s, "actions_running", 0);
	int64_t waiting = pb_json_i64(s, "actions_waiting", 0);
	label(b, "incidents");
	(void)pb_buf_addf(b, "%lld open, %lld action%s running",
	    (long long)pb_json_i64(s, "open", 0), (long long)running, running == 1 ? "" : "s");
	if (waiting > 0)
		(void)pb_buf_addf(b, ", %lld waiting for a place", (long long)waiting);
	(void)pb_buf_addc(b, '\n');
	int64_t old = pb_json_i64(s, "old_plans", 0);
	if (old > 0) {
		label(b, "");
		(void)pb_buf_addf(b,
		    "%lld of them go%s on by a configuration that is no longer in force\n",
		    (long long)old, old == 1 ? "es" : "");
	}
	if (pb_json_str(s, "helper_missing") != NULL) {
		label(b, "programs");
		pb_ctl_add_colored(b, "cannot be run", PB_CTL_RED, v);
		(void)pb_buf_adds(b, ": ");
		pb_ctl_add_text(b, pb_json_str(s, "helper_missing"), 300);
		(void)pb_buf_addc(b, '\n');
	}
	if (defects > 0) {
		label(b, "defects");
		(void)pb_buf_addf(b, "%lld open incident%s for nothing, see the journal\n",
		    (long long)defects, defects == 1 ? " waits" : "s wait");
	}
}

/* By state in the store's counts. */
static void
add_quarantine(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	const json_t *states = pb_json_get(pb_json_get(s, "store"), "quarantine");
	PB_JSON json_t *copy = json_deep_copy(states);
	const char *state;
	json_t *count;
	long long n = 0;
	json_object_foreach (copy, state, count)
		n += json_integer_value(count);
	if (n == 0)
		return;
	PB_CLEANUP(pb_freep) char *text = pb_asprintf("%lld message%s", n, n == 1 ? "" : "s");
	label(b, "quarantine");
	pb_ctl_add_colored(b, text, PB_CTL_YELLOW, v);
	(void)pb_buf_adds(b, " that nobody could read: playbookctl quarantine\n");
}

/* Storms, and how many groups there are. */
static void
add_bundles(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	size_t i, n_groups = 0;
	const json_t *o;
	char age[32];
	json_array_foreach (pb_json_get(s, "bundles"), i, o) {
		if (!pb_streq(pb_json_str(o, "kind"), "storm")) {
			n_groups++;
			continue;
		}
		bool is_over = pb_streq(pb_json_str(o, "state"), "calm");
		label(b, "storm");
		pb_ctl_add_colored(
		    b, pb_json_str_or(o, "id", "?"), is_over ? PB_CTL_YELLOW : PB_CTL_RED, v);
		(void)pb_buf_addf(b, " for %s, escalation ",
		    pb_ctl_age(age, pb_json_i64(o, "opened_at", 0), v->now));
		pb_ctl_add_text(b, pb_json_str_or(o, "escalation", "?"), 100);
		(void)pb_buf_addf(b,
		    ": %lld open, %lld of them not acknowledged; %lld resolved%s\n",
		    (long long)pb_json_i64(o, "open", 0),
		    (long long)pb_json_i64(o, "unacknowledged", 0),
		    (long long)pb_json_i64(o, "resolved", 0),
		    is_over ? "; it is over and takes no more" : "");
	}
	if (n_groups > 0) {
		label(b, "groups");
		(void)pb_buf_addf(b, "%zu of incidents that are paged together\n", n_groups);
	}
}

/* A stop goes by the name of its playbook, and is of no use when that is gone. */
static void
add_if_of_nobody(struct pb_buf *b, const json_t *stop)
{
	if (pb_json_bool(stop, "is_of_nobody", false))
		(void)pb_buf_adds(b, "; no playbook has this name now");
}

void
pb_ctl_show_reload(struct pb_buf *b, const json_t *j, const struct pb_ctl_view *v)
{
	const char *changes = pb_json_str_or(j, "changes", "");
	size_t i;
	json_t *stop;
	(void)pb_buf_addf(b,
	    "configuration %.12s is in force; open incidents keep the one they began with\n",
	    pb_json_str_or(j, "config", "?"));
	if (changes[0] != '\0') {
		pb_ctl_add_text(b, changes, 2000);
		(void)pb_buf_addc(b, '\n');
	}
	json_array_foreach (pb_json_get(j, "stopped"), i, stop) {
		if (!pb_json_bool(stop, "is_of_nobody", false))
			continue;
		pb_ctl_add_colored(b, "remediation stays stopped for ", PB_CTL_RED, v);
		pb_ctl_add_text(b, pb_json_str_or(stop, "playbook", "?"), 100);
		add_if_of_nobody(b, stop);
		(void)pb_buf_adds(b, ": what it stopped may run under another\n");
	}
}

static void
add_stopped(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	size_t i;
	json_t *c;
	json_array_foreach (pb_json_get(s, "stopped"), i, c) {
		const char *playbook = pb_json_str_or(c, "playbook", "");
		label(b, "remediation");
		pb_ctl_add_colored(b, "stopped", PB_CTL_RED, v);
		if (playbook[0] != '\0') {
			(void)pb_buf_adds(b, " for ");
			pb_ctl_add_text(b, playbook, 100);
		}
		(void)pb_buf_adds(b, " by ");
		pb_ctl_add_text(b, pb_json_str_or(c, "by", "?"), 100);
		(void)pb_buf_adds(b, ", ");
		pb_ctl_add_time(b, pb_json_i64(c, "at", 0), v);
		(void)pb_buf_adds(b, ": ");
		pb_ctl_add_text(b, pb_json_str_or(c, "reason", ""), 500);
		add_if_of_nobody(b, c);
		(void)pb_buf_addc(b, '\n');
	}
}

/* Those that are open and those that never open any more. */
static void
add_maintenance(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	size_t i;
	json_t *w;
	char span[32];
	json_array_foreach (pb_json_get(s, "maintenance"), i, w) {
		const char *state = pb_json_str_or(w, "state", "");
		bool is_open = strcmp(state, "open") == 0;
		if (!is_open && strcmp(state, "expired") != 0)
			continue;
		label(b, "maintenance");
		pb_ctl_add_text(b, pb_json_str_or(w, "name", "?"), 100);
		if (!is_open) {
			(void)pb_buf_adds(b, " has expired, take it out of the configuration\n");
			continue;
		}
		(void)pb_buf_adds(b, " is ");
		pb_ctl_add_colored(b, "open", PB_CTL_YELLOW, v);
		(void)pb_buf_addf(b, " for %s more:%s%s%s",
		    pb_ctl_age(span, v->now + v->ahead, pb_json_i64(w, "until", v->now + v->ahead)),
		    pb_json_bool(w, "blocks_remediation", false) ? " no remediation" : "",
		    pb_json_bool(w, "blocks_remediation", false) &&
			    pb_json_bool(w, "holds_pages", false)
			? ","
			: "",
		    pb_json_bool(w, "holds_pages", false) ? " no pages" : "");
		if (pb_json_str(w, "owner") != NULL) {
			(void)pb_buf_adds(b, ", owner ");
			pb_ctl_add_text(b, pb_json_str(w, "owner"), 100);
		}
		(void)pb_buf_addc(b, '\n');
	}
}

/* What CloudWatch mutes, and where that cannot be known. */
static void
add_mutes(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	size_t i;
	const json_t *m;
	char span[32];
	json_array_foreach (pb_json_get(s, "mutes"), i, m) {
		long long n = pb_json_i64(m, "alarms", 0);
		int64_t until = pb_json_i64(m, "until", 0);
		label(b, "muted");
		pb_ctl_add_text(b, pb_json_str_or(m, "name", "?"), 255);
		(void)pb_buf_adds(b, ", mute rule of CloudWatch by source ");
		pb_ctl_add_text(b, pb_json_str_or(m, "source", "?"), 100);
		(void)pb_buf_addf(b, ": no pages for %lld alarm%s%s%s%s\n", n, n == 1 ? "" : "s",
		    until > 0 ? " for " : "",
		    until > 0 ? pb_ctl_age(span, v->now + v->ahead, until) : "",
		    until > 0 ? " more" : "");
	}
	json_array_foreach (pb_json_get(s, "sources"), i, m) {
		if (pb_json_str(m, "mute_rules_error") == NULL)
			continue;
		label(b, "mute rules");
		(void)pb_buf_adds(b, "of source ");
		pb_ctl_add_text(b, pb_json_str_or(m, "name", "?"), 100);
		pb_ctl_add_colored(b, " cannot be read", PB_CTL_YELLOW, v);
		(void)pb_buf_adds(b, ", so that they mute nothing soon: ");
		pb_ctl_add_text(b, pb_json_str(m, "mute_rules_error"), 500);
		(void)pb_buf_addc(b, '\n');
	}
}

static void
add_overdue(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	size_t i, n = json_array_size(pb_json_get(s, "overdue"));
	json_t *o;
	json_array_foreach (pb_json_get(s, "overdue"), i, o) {
		label(b, i == 0 ? "reviews" : "");
		if (i == OVERDUE_MAX) {
			(void)pb_buf_addf(b, "and %zu more\n", n - i);
			return;
		}
		pb_ctl_add_colored(b, "overdue", PB_CTL_YELLOW, v);
		(void)pb_buf_adds(b, ": ");
		pb_ctl_add_text(b, pb_json_str_or(o, "playbook", "?"), 100);
		(void)pb_buf_adds(b, ", ");
		pb_ctl_add_text(b, pb_json_str_or(o, "overdue", "?"), 300);
		(void)pb_buf_addc(b, '\n');
	}
}

/* What was to come when the clock was set wrong comes as if it had not been. */
static void
add_clock(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	int64_t ahead = pb_json_i64(s, "clock_ahead_for", 0);
	char span[PB_TIME_TEXT];
	if (ahead > -PB_MINUTE && ahead < PB_MINUTE)
		return;
	label(b, "clock");
	pb_ctl_add_colored(b, pb_duration_text(span, ahead < 0 ? -ahead : ahead), PB_CTL_RED, v);
	(void)pb_buf_addf(b,
	    " %s the time that deadlines are kept by; times are told by the clock\n",
	    ahead < 0 ? "behind" : "ahead of");
}

static void
add_aws(struct pb_buf *b, const json_t *s)
{
	label(b, "aws");
	(void)pb_buf_adds(b, "region ");
	pb_ctl_add_text(b, pb_json_str_or(s, "region", "not known yet"), 64);
	(void)pb_buf_adds(b, ", credentials from ");
	pb_ctl_add_text(b, pb_json_str_or(s, "credentials", "nowhere yet"), 200);
	(void)pb_buf_addc(b, '\n');
}

void
pb_ctl_show_status(struct pb_buf *b, const json_t *s, const struct pb_ctl_view *v)
{
	add_state_line(b, s, v);
	label(b, "started");
	pb_ctl_add_time(b, pb_json_i64(s, "started_at", 0), v);
	(void)pb_buf_addc(b, '\n');
	add_config(b, pb_json_get(s, "config"), v);
	label(b, "state");
	pb_ctl_add_text(b, pb_json_str_or(s, "state_dir", "?"), 200);
	(void)pb_buf_addf(b, ", %lld KiB\n",
	    (long long)(pb_json_i64(pb_json_get(s, "store"), "bytes", 0) / 1024));
	add_clock(b, s, v);
	add_stopped(b, s, v);
	add_maintenance(b, s, v);
	add_mutes(b, s, v);
	add_bundles(b, s, v);
	add_overdue(b, s, v);
	add_aws(b, s);
	add_incident_counts(b, s, v);
	add_quarantine(b, s, v);
	(void)pb_buf_addc(b, '\n');
	add_sources(b, pb_json_get(s, "sources"), v);
}

/* --- quarantine and trace */

void
pb_ctl_show_quarantine(struct pb_buf *b, const json_t *list, const struct pb_ctl_view *v)
{
	const json_t *messages = pb_json_get(list, "messages");
	if (json_array_size(messages) == 0)
		(void)pb_buf_adds(b, "the quarantine is empty\n");
	for (size_t i = 0; i < json_array_size(messages); i++) {
		const json_t *m = json_array_get(messages, i);
		(void)pb_buf_adds(b, "message ");
		pb_ctl_add_text(b, pb_json_str_or(m, "message_id", "?"), 128);
		(void)pb_buf_adds(b, " of ");
		pb_ctl_add_text(b, pb_json_str_or(m, "source", "?"), 128);
		(void)pb_buf_addf(
		    b, ", received %lld times\n", (long long)pb_json_i64(m, "receives", 0));
		label(b, "since");
		pb_ctl_add_time(b, pb_json_i64(m, "at", 0), v);
		(void)pb_buf_addc(b, '\n');
		label(b, "why");
		pb_ctl_add_text(b, pb_json_str_or(m, "why", "?"), 500);
		(void)pb_buf_addc(b, '\n');
		label(b, "body");
		pb_ctl_add_text(b, pb_json_str_or(m, "body", ""), 1000);
		(void)pb_buf_addc(b, '\n');
	}
}

void
pb_ctl_show_note(struct pb_buf *b, const json_t *note, const struct pb_ctl_view *v)
{
	char when[PB_TIME_TEXT];
	const char *incident = pb_json_str_or(note, "incident", "");
	const char *kind = pb_json_str_or(note, "kind", "?");
	bool is_page = strcmp(kind, "page") == 0 || strcmp(kind, "defect") == 0;
	(void)pb_ctl_when(when, pb_json_i64(note, "at", 0), v);
	(void)pb_buf_addf(b, "%s  %-12s ", when, incident[0] == '\0' ? "-" : incident);
	PB_CLEANUP(pb_freep) char *padded = pb_asprintf("%-10s", kind);
	pb_ctl_add_colored(b, padded, is_page ? PB_CTL_RED : PB_CTL_PLAIN, v);
	(void)pb_buf_addc(b, ' ');
	if (pb_json_str_or(note, "step", "")[0] != '\0') {
		pb_ctl_add_text(b, pb_json_str(note, "step"), 100);
		(void)pb_buf_adds(b, ": ");
	}
	pb_ctl_add_text(b, pb_json_str_or(note, "text", ""), 1000);
	(void)pb_buf_addc(b, '\n');
}
