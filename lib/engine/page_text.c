/*
 * What a tired person reads: what, since when, what was tried and how it ended, what to do, how to
 * acknowledge.
 */
#include "internal.h"

#include "base/json.h"

#define SUBJECT_MAX 99 /* SNS: below 100 characters */
#define BODY_MAX (64 * 1024) /* SNS: 256 KiB with attributes; nobody reads that */
#define REASON_MAX 600
#define RESOURCES_MAX 5

/* SNS subjects: ASCII, no control characters, beginning with a letter, digit or punctuation mark.
 */
char *
page_subject_of(const char *text)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (const char *s = text; *s != '\0' && b.len < SUBJECT_MAX; s++) {
		unsigned char c = (unsigned char)*s;
		if (c >= 0x80 && (c & 0xc0) == 0x80)
			continue; /* the rest of a UTF-8 sequence */
		pb_buf_addc(&b, c >= 0x20 && c < 0x7f ? (char)c : '?');
	}
	if (b.len == SUBJECT_MAX && strlen(text) > SUBJECT_MAX)
		memcpy(b.ptr + SUBJECT_MAX - 3, "...", 3);
	return pb_buf_take(&b);
}

char *
page_subject(const struct incident *in, const struct page *p)
{
	const struct pb_event *ev = in->event;
	PB_CLEANUP(pb_freep)
	char *text = p->is_notice
	    ? pb_asprintf("[resolved] %s (%s)", incident_title(in), in->id)
	    : pb_asprintf("[%s] %s%s%s (%s)", incident_severity(in), incident_title(in),
		  ev->kind == PB_EVENT_ALARM ? " " : "",
		  ev->kind == PB_EVENT_ALARM ? pb_alarm_state_name(ev->alarm_state) : "", in->id);
	return page_subject_of(text);
}

static void
add_time(struct pb_buf *b, const char *label, int64_t at, int64_t now)
{
	char clock[PB_TIME_TEXT], age[PB_TIME_TEXT];
	pb_buf_addf(b, "%-8s%s (%s ago)\n", label, pb_time_rfc3339(clock, at),
	    pb_duration_text(age, now > at ? (now - at) / PB_SECOND * PB_SECOND : 0));
}

/* By the wall clock, as the event has it. */
static void
add_since(struct pb_buf *b, const struct turn *t, const struct incident *in)
{
	int64_t at = in->event->time_at;
	add_time(
	    b, "SINCE", at > 0 ? at : wall_of(t->e, incident_began_at(in)), wall_of(t->e, t->now));
}

static void
add_safe_line(struct pb_buf *b, const char *label, const char *text)
{
	pb_buf_addf(b, "%-8s", label);
	pb_buf_add_safe(b, pb_str_of(text), REASON_MAX, false);
	pb_buf_addc(b, '\n');
}

/* " (eu-west-1, account 111122223333)", as far as it is known. */
static void
add_where(struct pb_buf *b, const struct pb_event *ev)
{
	bool has_region = ev->region[0] != '\0', has_account = ev->account[0] != '\0';
	if (has_region || has_account)
		pb_buf_adds(b, " (");
	pb_buf_add_safe(b, pb_str_of(ev->region), 64, false);
	if (has_account)
		pb_buf_adds(b, has_region ? ", account " : "account ");
	pb_buf_add_safe(b, pb_str_of(ev->account), 64, false);
	pb_buf_adds(b, has_region || has_account ? ")\n" : "\n");
}

/* An alarm's name says what it is about; of another event its source, resources and detail do. */
static void
add_event(struct pb_buf *b, const struct pb_event *ev)
{
	size_t i;
	const json_t *resource;
	add_safe_line(b, "FROM", ev->source);
	json_array_foreach (json_object_get(pb_event_json(ev), "resources"), i, resource) {
		if (i == RESOURCES_MAX) {
			pb_buf_addf(b, "%-8sand %zu more\n", "",
			    json_array_size(json_object_get(pb_event_json(ev), "resources")) - i);
			break;
		}
		add_safe_line(b, i == 0 ? "ON" : "", json_string_value(resource));
	}
	PB_CLEANUP(pb_freep)
	char *detail = pb_json_text(json_object_get(pb_event_json(ev), "detail"));
	add_safe_line(b, "DETAIL", detail);
}

static void
add_what(struct pb_buf *b, const struct incident *in, bool is_over)
{
	const struct pb_event *ev = in->event;
	pb_buf_addf(b, "%-8s", "WHAT");
	pb_buf_add_safe(b, pb_str_of(incident_title(in)), REASON_MAX, false);
	bool has_changed = in->alarm != NULL && in->alarm->state != ev->alarm_state;
	if (ev->kind == PB_EVENT_ALARM)
		pb_buf_addf(b, " %s in %s", is_over || has_changed ? "was" : "is",
		    pb_alarm_state_name(ev->alarm_state));
	if (has_changed && !is_over)
		pb_buf_addf(b, " and is now %s", pb_alarm_state_name(in->alarm->state));
	add_where(b, ev);
	if (ev->kind != PB_EVENT_ALARM)
		add_event(b, ev);
	const char *reason = pb_json_str(pb_event_alarm(ev), "reason");
	if (reason != NULL && reason[0] != '\0') {
		pb_buf_addf(b, "%-8s", "");
		pb_buf_add_safe(b, pb_str_of(reason), REASON_MAX, false);
		pb_buf_addc(b, '\n');
	}
	if (in->count > 1)
		pb_buf_addf(b, "%-8s%lld events so far\n", "", (long long)in->count);
}

static void
add_reopened(struct pb_buf *b, const struct turn *t, const struct incident *in)
{
	char at[PB_TIME_TEXT], ago[PB_TIME_TEXT];
	if (in->n_reopened == 0)
		return;
	pb_buf_addf(b, "%-8sreopened %lld time%s; it was resolved %s (%s ago, %s)\n", "AGAIN",
	    (long long)in->n_reopened, in->n_reopened == 1 ? "" : "s",
	    pb_time_rfc3339(at, wall_of(t->e, in->last_resolved_at) / PB_SECOND * PB_SECOND),
	    pb_duration_text(ago, (t->now - in->last_resolved_at) / PB_SECOND * PB_SECOND),
	    in->last_cause == NULL ? "?" : in->last_cause);
}

static void
add_step(struct pb_buf *b, const struct incident *in, size_t i)
{
	const struct step_run *s = &in->run.steps[i];
	pb_buf_addf(b, "%-8s%zu. %s: %s", "", i + 1, run_step_def(in, i)->name,
	    s->state == STEP_IDLE ? "not reached" : step_state_name(s->state));
	if (s->attempts > 1)
		pb_buf_addf(b, ", %lld attempts", (long long)s->attempts);
	if (s->error != NULL) {
		pb_buf_adds(b, ", ");
		pb_buf_add_safe(b, pb_str_of(s->error), 100, false);
		if (s->message != NULL && s->message[0] != '\0') {
			pb_buf_adds(b, ": ");
			pb_buf_add_safe(b, pb_str_of(s->message), 300, false);
		}
	}
	pb_buf_addc(b, '\n');
}

static void
add_tried(struct pb_buf *b, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (in->run.state == RUN_NONE) {
		pb_buf_addf(b, "%-8snothing%s%s\n", "TRIED", p == NULL ? "" : ", playbook ",
		    p == NULL ? "" : p->name);
		return;
	}
	pb_check(p != NULL);
	pb_buf_addf(b, "%-8splaybook %s: %s\n", "TRIED", p->name, run_state_name(in->run.state));
	if (p->summary != NULL)
		add_safe_line(b, "", p->summary);
	for (size_t i = 0; i < in->run.n_steps; i++)
		if (i < in->run.n_forward || in->run.steps[i].state != STEP_IDLE)
			add_step(b, in, i);
}

/* What it asks of whoever reads this. */
static void
add_ask(struct pb_buf *b, const struct turn *t, const struct incident *in)
{
	char until[PB_TIME_TEXT];
	size_t step = ask_step(in);
	if (in->state == INCIDENT_PROPOSED) {
		PB_CLEANUP(pb_freep) char *plan = ask_plan_text(in);
		pb_buf_addf(b, "%-8s%s\n", "PLAN", plan);
	} else if (step != PB_NONE) {
		pb_buf_addf(b, "%-8sstep %s\n", "ASKS", run_step_def(in, step)->name);
	} else {
		return;
	}
	const char *name = step == PB_NONE ? "" : run_step_def(in, step)->name;
	pb_buf_addf(b, "%-8splaybookctl approve %s%s%s   or: reject, until %s\n", "START", in->id,
	    step == PB_NONE ? "" : " ", name,
	    pb_time_clock(until,
		wall_of(t->e, step == PB_NONE ? in->wait_until : in->run.steps[step].next_at)));
}

static void
add_do(struct pb_buf *b, const struct turn *t, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (p == NULL)
		return;
	if (p->objective != NULL)
		add_safe_line(b, "FOR", p->objective);
	if (p->docs != NULL)
		add_safe_line(b, "DOCS", p->docs);
	if (p->owner != NULL)
		add_safe_line(b, "OWNER", p->owner);
	/* How far what stands there, and what was tried, can be trusted. */
	PB_CLEANUP(pb_freep) char *overdue = review_overdue(t->e, p, t->now);
	if (overdue != NULL)
		add_safe_line(b, "STALE", overdue);
}

/* Behind a page to `from`.  What expires is told while it still stands, and nobody has it any more. */
static void
add_next_level(struct pb_buf *b, const struct turn *t, const struct incident *in, size_t from)
{
	const struct ladder *l = &in->ladder;
	size_t level;
	int64_t next_at;
	char at[PB_TIME_TEXT], by[128];
	if (l->state == LADDER_ACKED && l->acked_at > 0)
		pb_buf_addf(b, "%-8snobody else before %s: it is acknowledged by %s\n", "NEXT",
		    pb_time_clock(at, wall_of(t->e, l->next_at)),
		    pb_safe(by, sizeof(by), pb_str_of(l->acked_by)));
	else if (ladder_next_level(in, from, &level, &next_at))
		pb_buf_addf(b, "%-8slevel %zu is paged at %s unless somebody acknowledges\n",
		    "NEXT", level + 1, pb_time_clock(at, wall_of(t->e, next_at)));
}

void
page_add_incident(struct pb_buf *b, const struct turn *t, const struct incident *in)
{
	add_what(b, in, false);
	add_reopened(b, t, in);
	add_since(b, t, in);
	add_safe_line(b, "WHY", in->ladder.why);
	add_tried(b, in);
	add_ask(b, t, in);
	add_do(b, t, in);
}

void
page_add_ways(struct pb_buf *b, const struct incident *in)
{
	const struct pb_playbook *p = incident_playbook(in);
	if (p != NULL && p->docs != NULL)
		add_safe_line(b, "", p->docs);
	if (ask_is_open(in))
		pb_buf_addf(b, "%-8sasks: playbookctl approve %s   or: reject\n", "", in->id);
}

char *
page_body(const struct turn *t, const struct incident *in, const struct page *p)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(BODY_MAX);
	char until[PB_TIME_TEXT];
	if (p->is_notice) {
		pb_buf_addf(&b, "RESOLVED incident %s: %s%s", in->id, in->cause,
		    in->resolved_by == NULL ? "" : " by ");
		pb_buf_add_safe(&b, pb_str_of(in->resolved_by), 100, false);
		pb_buf_adds(&b, "\n\n");
	} else {
		pb_buf_addf(&b, "PAGE level %zu of %zu, incident %s, severity %s\n\n", p->level + 1,
		    incident_escalation(in)->n_levels, in->id, incident_severity(in));
	}
	if (p->is_notice) {
		add_what(&b, in, true);
		add_reopened(&b, t, in);
		add_since(&b, t, in);
		pb_buf_addf(&b, "%-8s%s\n", "UNTIL", pb_time_rfc3339(until, wall_of(t->e, t->now)));
		add_tried(&b, in);
		add_do(&b, t, in);
	} else {
		page_add_incident(&b, t, in);
		pb_buf_addf(&b, "%-8splaybookctl ack %s\n", "ACK", in->id);
		pb_buf_addf(&b, "%-8splaybookctl show %s\n", "MORE", in->id);
		add_next_level(&b, t, in, p->level);
	}
	pb_buf_addf(&b, "\nfrom playbookd on %s, page id %s\n", t->e->host, p->id);
	return pb_buf_take(&b);
}
