/*
 * Figures as OpenMetrics text.
 */
#include "daemon/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"

static const char *const drivers[] = {"exec", "aws", "http"};
static const char *const purposes[] = {"step", "page"};
static const char *const statuses[] = {
    [PB_OUTCOME_OK] = "ok",
    [PB_OUTCOME_FAILED] = "failed",
    [PB_OUTCOME_TIMEOUT] = "timeout",
    [PB_OUTCOME_CANCELLED] = "cancelled",
};
#define N_DRIVERS PB_ARRAY_LEN(drivers)
#define N_STATUSES PB_ARRAY_LEN(statuses)

struct running {
	size_t driver;
	bool is_page;
	int64_t started_at;
};

struct pb_metrics {
	struct pb_map *notes; /* kind -> boxed count */
	struct pb_map *running; /* action id -> struct running */
	uint64_t started[N_DRIVERS][2];
	uint64_t ended[N_DRIVERS][2][N_STATUSES];
	int64_t took[N_DRIVERS][2]; /* ms, of those that ended */
};

struct pb_metrics *
pb_metrics_new(void)
{
	struct pb_metrics *m = pb_calloc(1, sizeof(*m));
	m->notes = pb_map_new();
	m->running = pb_map_new();
	return m;
}

void
pb_metrics_free(struct pb_metrics *m)
{
	if (m == NULL)
		return;
	pb_map_free(m->notes, free);
	pb_map_free(m->running, free);
	free(m);
}

/* --- counting */

void
pb_metrics_noted(struct pb_metrics *m, const struct pb_note *note)
{
	uint64_t *n = pb_map_get(m->notes, note->kind);
	if (n == NULL) {
		n = pb_calloc(1, sizeof(*n));
		(void)pb_map_put(m->notes, note->kind, n);
	}
	++*n;
}

void
pb_metrics_started(struct pb_metrics *m, const struct pb_action *action, int64_t now)
{
	const char *name = pb_json_str_or(action->spec, "driver", "");
	for (size_t d = 0; d < N_DRIVERS; d++) {
		if (strcmp(drivers[d], name) != 0)
			continue;
		struct running *r = pb_calloc(1, sizeof(*r));
		*r = (struct running){d, action->is_page, now};
		free(pb_map_put(m->running, action->id, r));
		m->started[d][action->is_page]++;
	}
}

void
pb_metrics_ended(struct pb_metrics *m, const struct pb_outcome *outcome, int64_t now)
{
	struct running *r = pb_map_del(m->running, outcome->action_id);
	if (r == NULL)
		return;
	m->ended[r->driver][r->is_page][outcome->status]++;
	m->took[r->driver][r->is_page] += now - r->started_at;
	free(r);
}

/* --- telling */

static void
head(struct pb_buf *b, const char *name, const char *type, const char *help)
{
	pb_buf_addf(b, "# TYPE playbookd_%s %s\n# HELP playbookd_%s %s\n", name, type, name, help);
}

static void
gauge(struct pb_buf *b, const char *name, const char *help, int64_t value)
{
	head(b, name, "gauge", help);
	pb_buf_addf(b, "playbookd_%s %lld\n", name, (long long)value);
}

/* Names that people gave: a quote, a backslash or a line end must not end the label. */
static void
add_label(struct pb_buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			pb_buf_adds(b, "\\n");
			continue;
		}
		if (*text == '"' || *text == '\\')
			pb_buf_addc(b, '\\');
		pb_buf_addc(b, *text);
	}
}

static void
add_seconds(struct pb_buf *b, int64_t ms)
{
	pb_buf_addf(b, "%lld.%03lld\n", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void
add_states(struct pb_buf *b, const char *name, const char *help, const json_t *counts)
{
	const char *state;
	json_t *n;
	head(b, name, "gauge", help);
	json_object_foreach ((json_t *)(uintptr_t)counts, state, n)
		pb_buf_addf(b, "playbookd_%s{state=\"%s\"} %lld\n", name, state,
		    (long long)json_integer_value(n));
}

static void
add_notes(struct pb_buf *b, const struct pb_metrics *m)
{
	size_t i = 0;
	const char *kind;
	void *n;
	head(b, "decisions", "counter", "Decisions by their kind, as in the trace.");
	while (pb_map_next(m->notes, &i, &kind, &n))
		pb_buf_addf(b, "playbookd_decisions_total{kind=\"%s\"} %llu\n", kind,
		    (unsigned long long)*(uint64_t *)n);
}

static void
add_actions(struct pb_buf *b, const struct pb_metrics *m)
{
	head(b, "actions_started", "counter", "Actions started: attempts of steps, and pages.");
	for (size_t d = 0; d < N_DRIVERS; d++)
		for (size_t p = 0; p < 2; p++)
			pb_buf_addf(b,
			    "playbookd_actions_started_total{driver=\"%s\",for=\"%s\"} %llu\n",
			    drivers[d], purposes[p], (unsigned long long)m->started[d][p]);
	head(b, "actions_ended", "counter", "Actions ended, by how.");
	for (size_t d = 0; d < N_DRIVERS; d++)
		for (size_t p = 0; p < 2; p++)
			for (size_t s = 0; s < N_STATUSES; s++)
				pb_buf_addf(b,
				    "playbookd_actions_ended_total{driver=\"%s\",for=\"%s\","
				    "status=\"%s\"} %llu\n",
				    drivers[d], purposes[p], statuses[s],
				    (unsigned long long)m->ended[d][p][s]);
	head(b, "action_seconds", "summary", "How long actions took that ended.");
	for (size_t d = 0; d < N_DRIVERS; d++) {
		for (size_t p = 0; p < 2; p++) {
			uint64_t n = 0;
			for (size_t s = 0; s < N_STATUSES; s++)
				n += m->ended[d][p][s];
			pb_buf_addf(b,
			    "playbookd_action_seconds_count{driver=\"%s\",for=\"%s\"} %llu\n",
			    drivers[d], purposes[p], (unsigned long long)n);
			pb_buf_addf(b, "playbookd_action_seconds_sum{driver=\"%s\",for=\"%s\"} ",
			    drivers[d], purposes[p]);
			add_seconds(b, m->took[d][p]);
		}
	}
}

/* Of each source the number `key`, in ms where it is an instant. */
static void
add_source_numbers(
    struct pb_buf *b, const json_t *sources, const char *name, const char *key, bool is_instant)
{
	size_t i;
	const json_t *s;
	json_array_foreach (sources, i, s) {
		int64_t value = pb_json_i64(s, key, 0);
		pb_buf_addf(b, "playbookd_%s{source=\"", name);
		add_label(b, pb_json_str_or(s, "name", ""));
		pb_buf_adds(b, "\"} ");
		if (is_instant)
			add_seconds(b, value);
		else
			pb_buf_addf(b, "%lld\n", (long long)value);
	}
}

static void
add_sources(struct pb_buf *b, const json_t *sources)
{
	head(b, "source_last_success_seconds", "gauge",
	    "When a source last answered, seconds since 1970; 0 = not yet.");
	add_source_numbers(b, sources, "source_last_success_seconds", "last_ok_at", true);
	head(b, "source_received", "counter", "Events that a source gave.");
	add_source_numbers(b, sources, "source_received_total", "received", false);
	head(b, "source_rejected", "counter", "Messages of a source that could not be read.");
	add_source_numbers(b, sources, "source_rejected_total", "rejected", false);
}

/* Resident pages of /proc/self/statm; 0 where there is none. */
static int64_t
resident_bytes(void)
{
	long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%*s %lld", &pages) != 1)
		pages = 0;
	(void)fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

void
pb_metrics_text(const struct pb_metrics *m, const struct pb_metrics_now *now, struct pb_buf *b)
{
	head(b, "build", "info", "The program.");
	pb_buf_addf(b, "playbookd_build_info{version=\"%s\"} 1\n", PB_VERSION);
	head(b, "config", "info", "The configuration in force.");
	pb_buf_addf(b, "playbookd_config_info{digest=\"%.12s\"} 1\n", now->config);
	gauge(b, "config_is_current",
	    "1 = what the last reload read is in force, 0 = it was refused.",
	    now->is_config_on_disk);
	gauge(b, "degraded", "1 = the store cannot be written: no remediation, paging goes on.",
	    now->is_degraded);
	head(b, "start_time_seconds", "gauge", "When the process started, seconds since 1970.");
	pb_buf_adds(b, "playbookd_start_time_seconds ");
	add_seconds(b, now->started_at);
	gauge(b, "resident_bytes", "Memory in use.", resident_bytes());
	add_states(
	    b, "incidents", "Open incidents by state.", pb_json_get(now->counts, "incident"));
	add_states(b, "ladders", "Escalations of open incidents by state.",
	    pb_json_get(now->counts, "ladder"));
	gauge(b, "remediation_stops", "Stops of remediation in force.",
	    pb_json_i64(now->counts, "stops", 0));
	gauge(b, "silences", "Silences in force.", pb_json_i64(now->counts, "silences", 0));
	gauge(b, "defects", "Open incidents that wait for nothing: a defect of the program.",
	    (int64_t)now->n_defects);
	gauge(b, "actions_running", "Actions that run now.", (int64_t)now->n_running);
	gauge(b, "actions_waiting", "Programs of steps and notices that wait for a place to run.",
	    (int64_t)now->n_waiting);
	head(b, "commits", "counter", "Turns of decide, commit and act.");
	pb_buf_addf(b, "playbookd_commits_total %llu\n", (unsigned long long)now->n_commits);
	add_notes(b, m);
	add_actions(b, m);
	add_sources(b, now->sources);
	pb_buf_adds(b, "# EOF\n");
}
