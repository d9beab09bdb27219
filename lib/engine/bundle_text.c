/*
 * The pages of bundles: which incidents a group tells of; how many, of what, a storm counts.
 */
#include "bundle.h"

#include "base/json.h"

#define BODY_MAX (64 * 1024)
#define GROUP_NAMES_MAX 20 /* incidents with their reasons */
#define STORM_NAMES_MAX 10
#define ALSO_MAX 10
#define TALLY_MAX 8 /* playbooks, regions */

static const char *const severities[] = {"critical", "error", "warning", "info"};

static size_t
rank(const char *severity)
{
	size_t i = 0;
	while (i + 1 < PB_ARRAY_LEN(severities) && strcmp(severities[i], severity) != 0)
		i++;
	return i;
}

const char *
bundle_severity(const struct bundle *b)
{
	size_t best = PB_ARRAY_LEN(severities) - 1;
	if (b->first == NULL)
		return "error";
	for (const struct member *m = b->first; m != NULL; m = m->next)
		if (rank(incident_severity(m->in)) < best)
			best = rank(incident_severity(m->in));
	return severities[best];
}

static bool
is_new(const struct member *m, size_t level)
{
	return (m->levels & UINT32_C(1) << level) != 0;
}

static size_t
n_new(const struct bundle *b, size_t level)
{
	size_t n = 0;
	for (const struct member *m = b->first; m != NULL; m = m->next)
		n += is_new(m, level);
	return n;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

char *
bundle_why(const struct bundle *b, size_t level)
{
	size_t n = n_new(b, level);
	return pb_asprintf("%zu incident%s, %zu open", n, plural(n), b->n_open);
}

/* --- subjects */

/* "web-1, web-2 and 3 more" */
static void
add_titles(struct pb_buf *b, const struct bundle *of, size_t level)
{
	size_t n = 0, all = n_new(of, level);
	for (const struct member *m = of->first; m != NULL && n < 2; m = m->next) {
		if (!is_new(m, level))
			continue;
		pb_buf_adds(b, n++ == 0 ? "" : ", ");
		pb_buf_add_safe(b, pb_str_of(incident_title(m->in)), 40, false);
	}
	if (all > n)
		pb_buf_addf(b, " and %zu more", all - n);
}

char *
bundle_subject(const struct bundle *b, const struct page *p)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf s = PB_BUF_INIT;
	size_t n = n_new(b, p->level);
	for (const struct member *m = b->first; m != NULL && n == 1; m = m->next)
		if (b->kind == BUNDLE_GROUP && !p->is_notice && is_new(m, p->level))
			return page_subject(m->in, p);
	if (p->is_notice)
		pb_buf_addf(&s, "[resolved] %lld of %s, %zu open (%s)", (long long)b->n_gone_new,
		    bundle_kind_name(b->kind), b->n_open, b->id);
	else if (b->kind == BUNDLE_STORM)
		pb_buf_addf(&s, "[%s] STORM: %zu incidents open, %zu new (%s)", bundle_severity(b),
		    b->n_open, n, b->id);
	else {
		pb_buf_addf(&s, "[%s] %zu incident%s: ", bundle_severity(b), n, plural(n));
		add_titles(&s, b, p->level);
		pb_buf_addf(&s, " (%s)", b->id);
	}
	return page_subject_of(pb_buf_str(&s).ptr);
}

/* --- bodies */

static void
add_label(struct pb_buf *b, const char *label)
{
	pb_buf_addf(b, "%-8s", label);
}

/* "20260303-1 [critical] web-1 ALARM, eu-west-1" */
static void
add_incident(struct pb_buf *b, const struct incident *in, const char *label)
{
	add_label(b, label);
	pb_buf_addf(b, "%s [%s] ", in->id, incident_severity(in));
	pb_buf_add_safe(b, pb_str_of(incident_title(in)), 200, false);
	if (in->event->kind == PB_EVENT_ALARM)
		pb_buf_addf(b, " %s",
		    pb_alarm_state_name(
			in->alarm == NULL ? in->event->alarm_state : in->alarm->state));
	if (in->event->region[0] != '\0') {
		pb_buf_adds(b, ", ");
		pb_buf_add_safe(b, pb_str_of(in->event->region), 64, false);
	}
	pb_buf_addc(b, '\n');
}

static void
add_why(struct pb_buf *b, const struct incident *in)
{
	add_label(b, "");
	pb_buf_adds(b, "  ");
	pb_buf_add_safe(b, pb_str_of(in->ladder.why), 300, false);
	pb_buf_addc(b, '\n');
}

/* Those that are told now; with `with_why` by which reason.  One alone is told in full. */
static void
add_new(const struct turn *t, struct pb_buf *b, const struct bundle *of, size_t level, size_t max,
    bool with_why)
{
	size_t n = 0, all = n_new(of, level);
	for (const struct member *m = of->first; m != NULL && n < max; m = m->next) {
		if (!is_new(m, level))
			continue;
		add_incident(b, m->in, n++ == 0 ? "NEW" : "");
		if (all == 1) {
			page_add_incident(b, t, m->in);
		} else if (with_why) {
			add_why(b, m->in);
			page_add_ways(b, m->in);
		}
	}
	if (all > n)
		pb_buf_addf(b, "%-8sand %zu more: playbookctl incidents\n", "", all - n);
}

/* The others of a group that are open, so that whoever reads this knows of all. */
static void
add_also(struct pb_buf *b, const struct bundle *of, size_t level)
{
	size_t n = 0, all = of->n_open - n_new(of, level);
	for (const struct member *m = of->first; m != NULL && n < ALSO_MAX; m = m->next) {
		if (is_new(m, level))
			continue;
		pb_buf_addf(b, "%-8s%s%s", n == 0 ? "ALSO" : "", m->in->id,
		    m->in->ladder.state == LADDER_ACKED ? " (acknowledged) " : " ");
		pb_buf_add_safe(b, pb_str_of(incident_title(m->in)), 200, false);
		pb_buf_addc(b, '\n');
		n++;
	}
	if (all > n)
		pb_buf_addf(b, "%-8sand %zu more\n", "", all - n);
}

/* --- a storm's counts */

struct count {
	const char *name;
	size_t n;
};

static int
by_count(const void *a, const void *b)
{
	const struct count *x = a, *y = b;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->name, y->name);
}

static const char *
playbook_of(const struct incident *in)
{
	return in->playbook == PB_NONE ? "(none)" : incident_playbook_name(in);
}

static const char *
region_of(const struct incident *in)
{
	return in->event->region[0] == '\0' ? "(unknown)" : in->event->region;
}

static void
add_counts(struct pb_buf *b, const struct bundle *of, const char *label,
    const char *(*name_of)(const struct incident *in))
{
	struct pb_map *map = pb_map_new();
	size_t n = 0, size = 0, i = 0;
	PB_CLEANUP(pb_freep) struct count *counts = NULL;
	for (const struct member *m = of->first; m != NULL; m = m->next) {
		const char *name = name_of(m->in);
		size_t place = (size_t)(uintptr_t)pb_map_get(map, name);
		if (place == 0) {
			if (n == size) {
				size = size == 0 ? 16 : size * 2;
				counts = pb_realloc(counts, size * sizeof(*counts));
			}
			counts[n] = (struct count){name, 0};
			place = ++n;
			(void)pb_map_put(map, name, (void *)(uintptr_t)place);
		}
		counts[place - 1].n++;
	}
	pb_map_free(map, NULL);
	if (n == 0)
		return;
	qsort(counts, n, sizeof(*counts), by_count);
	pb_buf_addf(b, "%-8sby %s: ", "", label);
	for (; i < n && i < TALLY_MAX; i++) {
		pb_buf_adds(b, i == 0 ? "" : ", ");
		pb_buf_add_safe(b, pb_str_of(counts[i].name), 100, false);
		pb_buf_addf(b, " %zu", counts[i].n);
	}
	if (n > i)
		pb_buf_addf(b, " and %zu more", n - i);
	pb_buf_addc(b, '\n');
}

static void
add_storm(const struct turn *t, struct pb_buf *b, const struct bundle *of, size_t level)
{
	const struct pb_escalation *esc = bundle_escalation(of);
	char at[PB_TIME_TEXT], age[PB_TIME_TEXT], span[PB_TIME_TEXT];
	if (of->state == BUNDLE_OPEN)
		pb_buf_addf(b, "%-8smore than %lld incidents wanted a first page within %s\n",
		    "STORM", (long long)esc->storm_over, pb_duration_text(span, esc->storm_within));
	else
		pb_buf_addf(b, "%-8sit is over, what is left of it is told together\n", "STORM");
	pb_buf_addf(b, "%-8s%s (%s ago)\n", "SINCE",
	    pb_time_rfc3339(at, wall_of(t->e, of->opened_at)),
	    pb_duration_text(age, (t->now - of->opened_at) / PB_SECOND * PB_SECOND));
	pb_buf_addf(b, "%-8s%zu, of which %zu acknowledged; %lld resolved since it began\n", "OPEN",
	    of->n_open, of->n_open - of->n_wanting, (long long)of->n_gone);
	add_counts(b, of, "playbook", playbook_of);
	add_counts(b, of, "severity", incident_severity);
	add_counts(b, of, "region", region_of);
	add_new(t, b, of, level, STORM_NAMES_MAX, false);
	pb_buf_addf(b, "%-8sthe next summary comes within %s, as long as there is news\n", "NEXT",
	    pb_duration_text(span, esc->storm_every));
}

static void
add_gone(struct pb_buf *b, const struct bundle *of)
{
	size_t n = bundle_n_listed(of);
	for (size_t i = 0; i < n; i++) {
		pb_buf_addf(b, "%-8s%s ", i == 0 ? "OVER" : "", of->gone[i].id);
		pb_buf_add_safe(b, pb_str_of(of->gone[i].title), 200, false);
		pb_buf_addf(b, ": %s\n", of->gone[i].cause);
	}
	if ((size_t)of->n_gone_new > n)
		pb_buf_addf(b, "%-8sand %lld more: playbookctl incidents --all\n", "",
		    (long long)of->n_gone_new - (long long)n);
	pb_buf_addf(b, "%-8s%zu of it\n", "OPEN", of->n_open);
}

char *
bundle_body(const struct turn *t, const struct bundle *b, const struct page *p)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf s = PB_BUF_CAPPED(BODY_MAX);
	const struct pb_escalation *esc = bundle_escalation(b);
	const char *kind = bundle_kind_name(b->kind);
	size_t n = n_new(b, p->level);
	if (p->is_notice)
		pb_buf_addf(&s, "RESOLVED %lld of %s %s, escalation %s\n\n",
		    (long long)b->n_gone_new, kind, b->id, esc->name);
	else
		pb_buf_addf(&s, "PAGE level %zu of %zu, %s %s, escalation %s: ", p->level + 1,
		    esc->n_levels, kind, b->id, esc->name);
	if (!p->is_notice && b->kind == BUNDLE_STORM)
		pb_buf_addf(&s, "%zu incident%s open, %zu new, severity %s\n\n", b->n_open,
		    plural(b->n_open), n, bundle_severity(b));
	else if (!p->is_notice)
		pb_buf_addf(
		    &s, "%zu incident%s, severity %s\n\n", n, plural(n), bundle_severity(b));
	if (b->key[0] != '\0')
		pb_buf_addf(&s, "%-8s%s\n", "GROUP", b->key);
	if (p->is_notice) {
		add_gone(&s, b);
	} else if (b->kind == BUNDLE_STORM) {
		add_storm(t, &s, b, p->level);
	} else {
		add_new(t, &s, b, p->level, GROUP_NAMES_MAX, true);
		add_also(&s, b, p->level);
	}
	if (!p->is_notice)
		pb_buf_addf(&s,
		    "ACK     playbookctl ack ID          that incident only\n"
		    "        playbookctl ack %-12s all %zu that are open now\n"
		    "MORE    playbookctl show ID\n",
		    b->id, b->n_open);
	pb_buf_addf(&s, "\nfrom playbookd on %s, page id %s\n", t->e->host, p->id);
	return pb_buf_take(&s);
}
