/*
 * Records that contradict each other, as a store may hold that was damaged or mended by hand: whatever
 * state they give a ladder, a run, a step, a page or a notice of an open incident, the daemon starts,
 * the incident gets a next step again, a human is paged, and it can be closed.
 *
 * Each row plays one incident to some moment, changes one record, restores, and goes on from there with
 * a word of an operator or an answer of a driver.  This is also what reaches those cells of the machines'
 * tables that records that agree never reach.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "engine/internal.h"
#include "sim/disk.h"
#include "tests/sim/suite.h"

static char config_text[] =
    "version: 1\n"
    "daemon: {exec: {driver: child}}\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: \"arn:aws:sns:eu-west-1:111122223333:pager\"}\n"
    "  - {name: local, type: exec, argv: [/bin/page]}\n"
    "contacts: [{name: ana}, {name: bo}]\n"
    "unmatched: {alarms: drop, events: drop}\n"
    "playbooks:\n"
    "  - name: runs\n"
    "    match: {detail: {alarmName: [runs], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    steps: [{name: fix, action: exec, argv: [/bin/fix], timeout: 3m, effect: idempotent}]\n"
    "  - name: waits\n"
    "    match: {detail: {alarmName: [waits], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    steps:\n"
    "      - {name: settle, action: wait, for: 40s}\n"
    "      - {name: fix, action: exec, argv: [/bin/fix], timeout: 3m, effect: idempotent}\n"
    "  - name: holds\n"
    "    match: {detail: {alarmName: [holds], state: {value: [ALARM]}}}\n"
    "    hold: 30s\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    steps: [{name: fix, action: exec, argv: [/bin/fix], timeout: 3m, effect: idempotent}]\n"
    "  - name: bare\n"
    "    match: {detail: {alarmName: [bare], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "  - name: told\n"
    "    match: {detail: {alarmName: [told], state: {value: [ALARM]}}}\n"
    "    page_by: 4m\n"
    "    escalate: oncall\n"
    "    inform: [{audience: desk, via: [pager], after: 0s, every: 1h, until: resolved, text: x}]\n"
    "escalations:\n"
    "  - name: oncall\n"
    "    levels: [{notify: [ana], via: [pager]}, {notify: [bo], via: [pager], after: 8m}]\n"
    "    fallback: {after: 60s, via: [local]}\n";

#define START INT64_C(1772528400000) /* 2026-03-03T09:00:00Z */
#define BOOT (START + PB_SECOND)
/* page_by, and what the auditor and a restarted hold may add. */
#define PAGED_BY (BOOT + 8 * PB_MINUTE)
#define FIX_FAILS_AT (BOOT + 40 * PB_SECOND)
#define WORD_AT (BOOT + 50 * PB_SECOND)

static const struct base {
	const char *alarm; /* and its playbook */
	bool is_stale;
	bool has_failed; /* its run, when the process ends; of a page or a notice: each try */
	enum pb_record_kind kind; /* of the record that is spoilt */
} bases[] = {
    {"runs", false, false, PB_REC_LADDER},
    {"holds", false, false, PB_REC_LADDER},
    {"holds", true, false, PB_REC_LADDER},
    {"bare", false, false, PB_REC_LADDER},
    {"runs", false, false, PB_REC_RUN},
    {"runs", false, true, PB_REC_RUN},
    {"runs", false, false, PB_REC_STEP},
    {"waits", false, false, PB_REC_STEP},
    {"bare", false, false, PB_REC_ACTION},
    {"bare", false, true, PB_REC_ACTION},
    {"told", false, false, PB_REC_POST},
    {"told", false, true, PB_REC_POST},
};

static const char *
state_name(enum pb_record_kind kind, size_t i)
{
	if (kind == PB_REC_LADDER)
		return i < LADDER_STATE_MAX ? ladder_state_name((enum ladder_state)i) : NULL;
	if (kind == PB_REC_RUN)
		return i < RUN_STATE_MAX ? run_state_name((enum run_state)i) : NULL;
	if (kind == PB_REC_POST)
		return i < POST_STATE_MAX ? post_state_name((enum post_state)i) : NULL;
	if (kind == PB_REC_ACTION)
		return i < PAGE_STATE_MAX ? page_state_name((enum page_state)i) : NULL;
	return i < STEP_STATE_MAX ? step_state_name((enum step_state)i) : NULL;
}

/* What becomes of the record's deadline. */
enum deadline { KEPT, NEVER, FAR, LONG_AGO, DEADLINE_MAX };
static const int64_t instants[] = {0, PB_NEVER, START + 400 * PB_DAY, START - 1};

static const enum pb_input_kind words[] = {
    PB_IN_TICK, PB_IN_ACK, PB_IN_SNOOZE, PB_IN_ESCALATE, PB_IN_RESOLVE};

/* One play. */
struct play {
	struct pb_config *config;
	const struct base *base;
	size_t state;
	enum deadline deadline;
	enum pb_input_kind word;
	struct disk *disk;
	struct pb_engine *e; /* the one that restored */
	int64_t now;
	size_t n_pages;
	bool is_spoilt; /* there was such a record */
	char text[200];
};

static struct pb_config *
read_config(void)
{
	struct pb_config *c = NULL;
	struct pb_problems problems = {0};
	char name[] = "spoilt.yaml";
	const struct pb_config_file file = {name, config_text, strlen(config_text)};
	int rc = pb_config_parse(&file, 1, NULL, &c, &problems);
	ck_assert_msg(rc == 0, "%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

static struct pb_input *
alarm_input(const struct base *b)
{
	struct pb_error err = {0};
	const char *at = b->is_stale ? "2026-03-03T07:00:00Z" : "2026-03-03T09:00:00Z";
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	PB_JSON json_t *j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}}}", "version",
	    "0", "id", "1", "detail-type", "CloudWatch Alarm State Change", "source",
	    "aws.cloudwatch", "account", "111122223333", "time", at, "region", "eu-west-1",
	    "resources", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:x", "detail", "alarmName",
	    b->alarm, "state", "value", "ALARM", "reason", "Threshold Crossed", "timestamp", at);
	ck_assert_msg(pb_event_from_envelope(j, &in->event, &err) == 0, "%s", err.text);
	return in;
}

/* Steps, commits, and notes the pages; what is asked of `e` beyond that is never answered here. */
static void
step(struct play *p, struct pb_engine *e, struct pb_input *in)
{
	struct pb_error err = {0};
	struct pb_update *u = pb_update_new(p->now);
	pb_engine_step(e, p->now, in, u);
	pb_input_free(in);
	ck_assert_msg(disk_commit(p->disk, u, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < u->n_starts; i++)
		p->n_pages += u->starts[i].is_page;
	pb_update_free(u);
}

static int
take_spoilt(const struct pb_record *r, void *arg, struct pb_error *err)
{
	struct play *p = arg;
	struct pb_record copy = *r;
	if (r->kind != p->base->kind || (r->kind == PB_REC_STEP && p->is_spoilt))
		return pb_engine_restore(p->e, r, err);
	p->is_spoilt = true;
	PB_CLEANUP(pb_freep) char *state = pb_strdup(state_name(r->kind, p->state));
	PB_JSON json_t *body = json_deep_copy(r->body);
	copy.state = state;
	copy.body = body;
	if (p->deadline != KEPT)
		pb_json_set_i64(body, "next_at", instants[p->deadline]);
	return pb_engine_restore(p->e, &copy, err);
}

/* Ticks as they are due, until `until`; fewer than any that go round in a circle. */
static void
run_until(struct play *p, int64_t until)
{
	int n = 0;
	for (int64_t at; (at = pb_engine_next_at(p->e)) <= until;) {
		p->now = at > p->now ? at : p->now;
		step(p, p->e, pb_input_new(PB_IN_TICK));
		ck_assert_msg(++n < 1000, "%s: it is due again and again", p->text);
	}
	p->now = until;
}

static void
answer(struct play *p, struct pb_engine *e, const char *attempt, enum pb_outcome_status status)
{
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	*in->outcome = (struct pb_outcome){.action_id = pb_strdup(attempt), .status = status};
	if (status != PB_OUTCOME_OK) {
		in->outcome->error = pb_strdup("Exec.Exit.1");
		in->outcome->error_class = pb_strdup("");
		in->outcome->message = pb_strdup("it does not help");
	}
	step(p, e, in);
}

static void
fail_fix(struct play *p, struct pb_engine *e, const char *attempt)
{
	answer(p, e, attempt, PB_OUTCOME_FAILED);
}

static bool
is_message(const struct base *b)
{
	return b->kind == PB_REC_ACTION || b->kind == PB_REC_POST;
}

/* Of the try that was under way at the end, which nobody may wait for any more, and of the next. */
static void
answer_message(struct play *p)
{
	static const char page[] = "20260303-1/page/1.1.0/ana@pager";
	static const char post[] = "20260303-1/inform/20260303T090000Z/desk@pager";
	enum pb_outcome_status status = p->base->has_failed ? PB_OUTCOME_FAILED : PB_OUTCOME_OK;
	for (int i = 1; i <= 2; i++) {
		PB_CLEANUP(pb_freep)
		char *id = pb_asprintf("%s/%d", p->base->kind == PB_REC_POST ? post : page, i);
		answer(p, p->e, id, status);
	}
}

static void
say(struct play *p, enum pb_input_kind kind)
{
	struct pb_input *in = pb_input_new(kind);
	in->incident = pb_strdup("20260303-1");
	in->by = pb_strdup("ana");
	in->span = 2 * PB_MINUTE;
	in->token = 1;
	step(p, p->e, in);
}

static void
begin(struct play *p)
{
	const struct pb_engine_options options = {.seed = 1, .host = "h", .cells = scenario_cells};
	struct pb_error err = {0};
	static const char *const deadlines[] = {"as it was", "never", "in a year", "long ago"};
	(void)snprintf(p->text, sizeof(p->text), "%s%s, %s %s with a deadline %s, %s",
	    p->base->alarm, p->base->is_stale ? " (stale)" : "", pb_record_kind_name(p->base->kind),
	    state_name(p->base->kind, p->state), deadlines[p->deadline],
	    pb_input_kind_name(p->word));
	p->disk = disk_new(true, &err);
	p->now = START;
	struct pb_engine *e = pb_engine_new(p->config, &options);
	step(p, e, pb_input_new(PB_IN_BOOT));
	step(p, e, alarm_input(p->base));
	if (p->base->kind == PB_REC_POST)
		step(p, e, pb_input_new(PB_IN_TICK));
	if (p->base->has_failed && !is_message(p->base))
		fail_fix(p, e, "20260303-1/fix/1");
	pb_engine_free(e);
	p->n_pages = 0;
	p->now = BOOT;
	p->e = pb_engine_new(p->config, &options);
	ck_assert_msg(
	    disk_restore(p->disk, take_spoilt, p, &err) == 0, "%s: %s", p->text, err.text);
	step(p, p->e, pb_input_new(PB_IN_BOOT));
}

static void
play(struct play *p)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	begin(p);
	if (is_message(p->base))
		answer_message(p);
	if (p->word != PB_IN_TICK)
		say(p, p->word);
	run_until(p, FIX_FAILS_AT);
	fail_fix(p, p->e, "20260303-1/fix/2");
	run_until(p, WORD_AT);
	if (p->word == PB_IN_ACK || p->word == PB_IN_ESCALATE)
		say(p, p->word);
	run_until(p, PAGED_BY);
	size_t n = pb_engine_audit(p->e, p->now, &why);
	ck_assert_msg(n == 0, "%s: %s", p->text, pb_buf_str(&why).ptr);
	bool is_quiet = p->word == PB_IN_RESOLVE || p->word == PB_IN_ACK;
	ck_assert_msg(p->n_pages > 0 || is_quiet, "%s: nobody was paged", p->text);
	say(p, PB_IN_RESOLVE);
	ck_assert_msg(pb_engine_n_open(p->e) == 0, "%s: it cannot be closed", p->text);
	pb_engine_free(p->e);
	disk_free(p->disk);
}

START_TEST(an_incident_with_spoilt_records_pages_and_can_be_closed)
{
	const struct base *b = &bases[_i];
	struct pb_config *c = read_config();
	size_t n = 0;
	for (size_t s = 0; state_name(b->kind, s) != NULL; s++)
		for (enum deadline d = KEPT; d < DEADLINE_MAX; d++)
			for (size_t w = 0; w < PB_ARRAY_LEN(words); w++) {
				struct play p = {.config = c,
				    .base = b,
				    .state = s,
				    .deadline = d,
				    .word = words[w]};
				play(&p);
				n += p.is_spoilt;
			}
	ck_assert_uint_gt(n, 0);
	pb_config_unref(c);
}
END_TEST

TCase *
spoilt_case(void)
{
	TCase *c = tcase_create("spoilt");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, an_incident_with_spoilt_records_pages_and_can_be_closed, 0,
	    (int)PB_ARRAY_LEN(bases));
	return c;
}
