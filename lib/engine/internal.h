/*
 * What the engine's files ask of each other, by file; state.h is what they share.  Not for others.
 *
 * The machines: incident.c, run.c, step.c, ladder.c, bundle.c, page.c, post.c.  Each has a table
 * [state][input] with every cell filled and one enter() that is the only place where its state
 * changes; enter() also puts the record.  All deadlines of an incident are kept in its machines'
 * records; incident_arm() sets the incident's one timer to the earliest.
 */
#ifndef PB_ENGINE_INTERNAL_H
#define PB_ENGINE_INTERNAL_H

#include "engine/state.h"

/* cells.c */
void cells_count(const struct turn *t, enum pb_machine machine, size_t state, size_t input);
/* Is the cell of the table another than "never"? */
bool incident_can_reach(size_t state, size_t input);
bool run_can_reach(size_t state, size_t input);
bool step_can_reach(size_t state, size_t input);
bool ladder_can_reach(size_t state, size_t input);
bool page_can_reach(size_t state, size_t input);
bool post_can_reach(size_t state, size_t input);

/* incident.c, life.c */
enum incident_input {
	INCIDENT_OPEN,
	INCIDENT_AGAIN,
	INCIDENT_OK,
	INCIDENT_HOLD_END,
	INCIDENT_TRY, /* the lock may be free */
	INCIDENT_APPROVE,
	INCIDENT_REJECT,
	INCIDENT_WAIT_END,
	INCIDENT_RUN_PASSED,
	INCIDENT_RUN_FAILED,
	INCIDENT_CALM, /* it flapped, and has been OK for long enough */
	INCIDENT_CLOSE,
	INCIDENT_REOPEN,
	INCIDENT_INPUT_MAX
};
const char *incident_state_name(enum incident_state s);
void incident_input(struct turn *t, struct incident *in, enum incident_input input);
/* A new one in state NEW, in the engine's maps.  `key` is copied, the event counted. */
struct incident *incident_create(
    struct turn *t, struct pb_event *event, size_t playbook, size_t escalation, const char *key);
void incident_close(struct turn *t, struct incident *in, const char *cause, const char *by);
/* The first poll of it since the start: what waits for that goes on. */
void incident_polled(struct turn *t, const char *source);
/* What follows from its event and playbook: title, alarm, mode, whether it is too old. */
void incident_set_event(struct turn *t, struct incident *in);
char *incident_full_key(const struct incident *in); /* "PLAYBOOK\nKEY"; the caller's */
/* When it was opened the last time. */
int64_t incident_began_at(const struct incident *in);
void incident_due(struct turn *t, struct incident *in); /* its timer fired */
void incident_arm(struct pb_engine *e, struct incident *in); /* sets its timer anew */
void incident_free(struct incident *in);
void engine_put(struct turn *t); /* the counters of ids */
void numbers_boot(struct turn *t); /* no id twice, also where a store is lost */
/* For an id that a process without a store gives: it is lost with it, and must not come again. */
int64_t engine_own_number(struct turn *t);
void incident_put(struct turn *t, const struct incident *in);
/* Leaves the maps and is freed when it is resolved, stays so, and no notice is under way. */
void incident_settle(struct turn *t, struct incident *in);
void incident_index(struct pb_engine *e, struct incident *in); /* into the maps */
void incident_set_alarm(struct incident *in, struct alarm *a); /* a may be NULL */
/* Among those that are open: its key, its alarm, the count. */
void incident_index_open(struct pb_engine *e, struct incident *in);
void incident_unindex_open(struct pb_engine *e, struct incident *in);
const struct pb_playbook *incident_playbook(const struct incident *in); /* NULL when unmatched */
const char *incident_playbook_name(const struct incident *in); /* "" when unmatched */
const struct pb_escalation *incident_escalation(const struct incident *in);
const char *incident_title(const struct incident *in);
void incident_set_title(struct incident *in); /* from its event, once */
const char *incident_severity(const struct incident *in);
json_t *incident_json(const struct incident *in); /* its record's body */
void incident_note(struct turn *t, const struct incident *in, const char *step, const char *kind,
    const char *fmt, ...) PB_PRINTF(5, 6);

/* crowd.c */
void crowd_join(struct pb_map *home, const char *name, struct place *p, struct incident *in);
void crowd_leave(struct place *p);
void crowd_free(void *c);
const struct crowd *crowd_find(const struct pb_map *home, const char *name); /* NULL = nobody */
size_t crowd_count(const struct pb_map *home, const char *name);
/* Its incidents, each once; the list is the caller's, and good while its members come and go. */
struct incident **crowd_list(const struct pb_map *home, const char *name, size_t *ret_n);
const char *incident_number(const struct incident *in); /* "7" of "20261123-7" */
/* Into the crowds where its state, its run and its ladder say, out of the others. */
void incident_place(struct pb_engine *e, struct incident *in);
void incident_displace(struct incident *in);

/* wake.c */
void wake(struct turn *t); /* whoever waits for what has ended, in the order they came */
void wake_lock(struct pb_engine *e, const char *lock); /* may be NULL */
void wake_inhibited(struct pb_engine *e, const char *playbook);
void
wake_all_inhibited(struct pb_engine *e); /* an inhibitor may be hushed, and so be none any more */
void wake_boot(struct pb_engine *e); /* all of them, once what was restored stands in its places */

/* refusal.c */
/* Answers 409 with "ID: MESSAGE", and notes it on the incident. */
void
refusal(struct turn *t, struct incident *in, const struct pb_input *input, const char *message);
/* False when no incident of this id is remembered as resolved, or told as one of the past: nothing was
 * answered. */
bool refusal_of_resolved(struct turn *t, const struct pb_input *input, const char *id);
bool refusal_knows(const struct pb_engine *e, const char *id); /* is one remembered as resolved? */

/* joined.c: further alarms of an incident */
void
joined_event(struct turn *t, struct incident *in, const struct pb_event *ev); /* one more of it */
/* Is any of its alarms, of which it has one at least, in this state? */
bool joined_is_any(const struct incident *in, enum pb_alarm_state state);
/* Which of several are not OK, in words, so that it is not over; NULL when all are, or there is one
 * only.  The caller's. */
char *joined_burning(const struct incident *in);
void joined_attach(struct incident *in); /* as its own alarm: while it is open */
void joined_detach(struct incident *in);
void joined_clear(struct incident *in);
void joined_json(const struct incident *in, json_t *j);
void joined_restore(struct pb_engine *e, struct incident *in, const json_t *body);

/* reopen.c: what comes back */
void reopen_keep(struct turn *t, struct incident *in); /* it was closed just now */
void reopen_index(struct pb_engine *e, struct incident *in);
void reopen_forget(struct pb_engine *e, const struct incident *in);
/* The resolved incident that an event of this key opens again; NULL when there is none. */
struct incident *reopen_find(const struct turn *t, const char *full_key);
void reopen_begin(struct turn *t, struct incident *in, struct pb_event *event, size_t playbook,
    size_t escalation);
/* That it flaps and how often it came back, NULL when it does not; the caller's. */
char *reopen_flap_why(const struct incident *in, int64_t now);
/* It is OK: is it kept open, because it flaps?  Then it has a deadline. */
bool reopen_is_calming(struct turn *t, struct incident *in);
void reopen_json(const struct incident *in, json_t *j);
void reopen_restore(struct incident *in, const json_t *body);

/* run.c */
enum run_input {
	RUN_START,
	RUN_STEP_OK,
	RUN_STEP_SKIPPED,
	RUN_STEP_FAILED,
	RUN_CANCEL,
	RUN_INPUT_MAX
};
const char *run_state_name(enum run_state s);
void run_init(struct incident *in); /* counts the steps */
void run_input(struct turn *t, struct incident *in, enum run_input input);
void run_put(struct turn *t, const struct incident *in);
void run_fini(struct run *r);
const struct pb_step *run_step_def(const struct incident *in, size_t i);
struct step_run *run_current(struct incident *in); /* NULL when none is active */
bool run_is_live(const struct run *r); /* it acts, looks or waits */
/* It ended in a way that a recovery does not make good: a human must know. */
bool run_must_page(const struct incident *in);

bool step_error_fits(const struct step_run *s, char *const *errors, size_t n);

/* step.c */
enum step_input {
	STEP_ENTER,
	STEP_OK,
	STEP_FAIL,
	STEP_DUE,
	STEP_TIMEOUT,
	STEP_APPROVE,
	STEP_REJECT,
	STEP_HOLDS,
	STEP_INTERRUPT,
	STEP_DONE, /* a look: it has taken effect; it is over */
	STEP_UNDONE, /* it has not; it ended badly */
	STEP_BLIND, /* nobody can see */
	STEP_CANCEL,
	STEP_INPUT_MAX
};
const char *step_state_name(enum step_state s);
bool step_is_safe(const struct pb_step *def); /* it changes nothing outside: it looks, or tells */
/* `outcome` goes with OK and FAIL only. */
void step_input(struct turn *t, struct incident *in, size_t i, enum step_input input,
    const struct pb_outcome *outcome);
void step_due(struct turn *t, struct incident *in); /* deadlines of the current step */
void
step_check(struct turn *t, struct incident *in); /* alarms changed or were polled: look again */
/* Those that look at this alarm; at any alarm that this source polls. */
void step_check_alarm(struct turn *t, const char *arn);
void step_check_source(struct turn *t, const char *source);
void step_unwatch(struct step_run *s); /* it looks at no alarm any more */
int64_t step_next_at(const struct incident *in);
void step_put(struct turn *t, const struct incident *in, size_t i);
void step_run_fini(struct step_run *s);
char *step_attempt_id(const struct incident *in, size_t i);
/* The n-th of its kind: "2", and in an incident that was reopened once "2.2", since each run counts
 * anew: unique for incident and step.  The caller's. */
char *step_number(const struct incident *in, int64_t n);
/* As that, of its last attempt. */
char *step_attempt_number(const struct incident *in, size_t i);

/* request.c: the specs of drivers; NULL when a template cannot be filled in.  `def` is step i, or a
 * read of it. */
json_t *request_spec(const struct incident *in, size_t i, const struct pb_step *def,
    json_t *context, struct pb_error *err);
/* What is sent by the step's next attempt, for people: "ana by pager"; the caller's. */
char *request_notify_target(const struct incident *in, size_t i);
size_t request_n_sends(const struct pb_step *def); /* notify: messages in all */
/* A template to an address that may be asked; values in it are percent-encoded. */
int http_url(const char *text, const json_t *context, char **ret, struct pb_error *err);

/* probe.c: http conditions of the step in CHECKING */
void probe_begin(struct turn *t, struct incident *in, size_t i);
void probe_end(struct turn *t, struct incident *in, size_t i); /* what is under way */
void probe_due(struct turn *t, struct incident *in);
/* false when the outcome is not of a probe that is waited for */
bool probe_outcome(struct turn *t, struct incident *in, const struct pb_outcome *o);
void probe_interrupted(struct turn *t, struct incident *in, size_t i);
int64_t probe_next_at(const struct incident *in, size_t i); /* PB_NEVER without such conditions */
bool probe_all_good(const struct incident *in, size_t i);
json_t *probe_json(const struct step_run *s);
void probe_restore(struct step_run *s, const json_t *body);

/* look.c: reads of the step in LOOKING or AWAITING */
void look_begin(struct turn *t, struct incident *in, size_t i, bool by_restart);
void look_await(struct turn *t, struct incident *in, size_t i, int64_t until);
void look_end(struct turn *t, struct incident *in, size_t i); /* what is under way */
void look_due(struct turn *t, struct incident *in);
/* false when the outcome is not of a read that is waited for */
bool look_outcome(struct turn *t, struct incident *in, const struct pb_outcome *o);
void look_interrupted(struct turn *t, struct incident *in, size_t i);
int64_t look_next_at(const struct incident *in, size_t i);
json_t *look_json(const struct look *l);
void look_restore(struct look *l, const json_t *j);
void look_fini(struct look *l);

/* ladder.c */
enum ladder_input {
	LADDER_ARM,
	LADDER_PAGE,
	LADDER_SOON,
	LADDER_DUE,
	LADDER_ACK,
	LADDER_SNOOZE,
	LADDER_ESCALATE,
	LADDER_MEND,
	LADDER_CLOSE,
	LADDER_INPUT_MAX
};
const char *ladder_state_name(enum ladder_state s);
/* `text` is why with PAGE, SOON and MEND, by whom with ACK and ESCALATE. */
void ladder_input(struct turn *t, struct incident *in, enum ladder_input input, const char *text);
/* Nobody is paged for `span`, by wish of `by`. */
void ladder_snooze(struct turn *t, struct incident *in, int64_t span, const char *by);
/* The next other level than `from`, and its time, if nobody answers; false when there is none. */
bool ladder_next_level(const struct incident *in, size_t from, size_t *ret_level, int64_t *ret_at);
void ladder_put(struct turn *t, const struct incident *in);
void ladder_fini(struct ladder *l);
/* The only place where its state changes; puts the record. */
void ladder_enter(struct turn *t, struct incident *in, enum ladder_state state, int64_t next_at);
void ladder_set_text(char **text, const char *value); /* value may be what *text is */
/* What its further pages say, once it pages; before that nothing changes. */
void ladder_why_is(struct turn *t, struct incident *in, const char *why);
/* Nobody was paged, and nothing but page_by, which has not come, wants anybody to be. */
bool ladder_is_too_early(const struct turn *t, const struct ladder *l);
void ladder_forget_who(struct ladder *l); /* nobody has it any more */

/* ladder_wait.c */
/* Instead of a page: a note that says why there is none.  Looked at again when it may be over. */
bool ladder_hold_back(struct turn *t, struct incident *in, const char *why);
/* Something new while people are paged or have it: what keeps pages back keeps this back too.  Who
 * acknowledged it keeps it, and reads the new reason when that expires. */
bool ladder_keep_quiet(struct turn *t, struct incident *in, const char *why);
char *
ladder_why_now(const struct ladder *l); /* why people are paged once it is let go; the caller's */
/*
 * A page of its own would be one too many: it waits for the others of its bundle.  Only who was never
 * told, or was and has not answered: what somebody wishes goes at once, and what somebody had wished until
 * now waits in a storm only, until a summary may go.
 */
bool ladder_put_off(struct turn *t, struct incident *in, enum ladder_input input, const char *why);
/* What is new of an acknowledged one was put off, and is told now or put off again; false when nothing
 * was, or the acknowledgement has expired. */
bool ladder_tell_news(struct turn *t, struct incident *in);
void ladder_page_by_is_why(struct incident *in); /* unless there is another reason */
int64_t ladder_due_at(const struct ladder *l); /* the next time it has something to do */
/* It flaps, was paged and is OK: nothing more before calm_at, when it is closed. */
bool ladder_waits_for_calm(struct turn *t, struct incident *in);
/* Before calm_at is cleared: what had come due meanwhile is due now. */
void ladder_burns_again(struct turn *t, struct incident *in);

/* rungs.c */
struct rung {
	int64_t offset; /* from the first page */
	size_t level, repeat;
	bool begins_pass; /* the first one of a further pass */
};
struct rungs {
	struct rung *first, *again; /* the first pass, and one of the others */
	size_t n_first, n_again;
	int64_t again_at, again_every; /* when the second pass begins, and how long one lasts */
	size_t n; /* of all passes */
};
void rungs_build(const struct pb_escalation *esc, struct rungs *ret);
void rungs_fini(struct rungs *r);
struct rung rungs_at(const struct rungs *r, size_t position); /* position < n */
/* The first rung from `position` on with which another level begins; n when there is none. */
size_t rungs_next_level(const struct rungs *r, size_t position, size_t level);

/* outbox.c */
const char *outbox_id(const struct outbox *o);
const struct pb_config *outbox_config(const struct outbox *o);
const struct pb_escalation *outbox_escalation(const struct outbox *o);
void outbox_note(struct turn *t, const struct outbox *o, const char *kind, const char *fmt, ...)
    PB_PRINTF(4, 5);
void outbox_fini(struct outbox *o);
int64_t page_next_at(const struct outbox *o);
bool
page_is_stuck(const struct outbox *o, int64_t now); /* one is under way and nothing comes of it */
void page_unstick(struct turn *t, struct outbox *o); /* those are due now */
bool page_is_live(const struct outbox *o); /* one is in flight or waits */
void page_append(struct outbox *o, struct page *p); /* the order is that of their deciding */

/* page.c */
enum page_input {
	PAGE_SEND,
	PAGE_DELIVERED,
	PAGE_FAILED,
	PAGE_DUE,
	PAGE_INTERRUPT,
	PAGE_DROP,
	PAGE_INPUT_MAX
};
const char *page_state_name(enum page_state s);
/* `like`: is_notice, level, repeat, round and fallback_at of the new one. */
void page_start(struct turn *t, struct outbox *o, const struct page *like,
    const struct pb_contact *to, const struct pb_channel *ch);
/* At once, for the pages of this round. */
void page_send_fallback(struct turn *t, struct outbox *o, int64_t round);
void page_drop_waiting(struct turn *t, struct outbox *o, const char *why); /* those not in flight */
void
page_outcome(struct turn *t, struct outbox *o, struct page *p, const struct pb_outcome *outcome);
void page_due(struct turn *t, struct outbox *o);
void page_interrupted(
    struct turn *t, struct outbox *o); /* after a restart: what was in flight goes again */
int64_t page_retry_for(struct pb_engine *e, int64_t tries); /* how long to wait after so many */
char *outcome_text(const struct pb_outcome *o); /* of one that failed; the caller's */
struct page *page_find_action(const struct outbox *o, const char *action_id);
/* Resolve notices that wait: it is open again.  Whom they were for is owed one still. */
void page_drop_notices(struct turn *t, struct outbox *o, const char *why);
void page_free(struct page *p);

/* tell.c: who hears of it */
struct people {
	size_t *contacts; /* the caller's */
	size_t n;
};
/* Those whom a level names and those on call at that time of the wall clock; may be nobody. */
struct people people_on_call(const struct pb_config *c, const struct pb_level *l, int64_t wall);
const struct pb_contact *contact_find(const struct pb_config *c, const char *name);
const struct pb_channel *channel_find(const struct pb_config *c, const char *name);
/* False, with a note, when nobody is on call and the level may be passed over for that. */
bool tell_can(struct turn *t, const struct outbox *o, size_t level, bool may_skip);
/* The people of `like`'s level over its channels; `why` goes into the notes.  False when nobody is
 * on call and the level may be passed over for that. */
bool tell_level(
    struct turn *t, struct outbox *o, const struct page *like, const char *why, bool may_skip);
/* Everybody to whom a page went out, or may have: once each, and nobody else. */
void tell_end(struct turn *t, struct outbox *o);

/* channel.c: the spec of what is sent to one reader over one channel */
struct message {
	const char *kind; /* "page", "resolved", ... */
	const char *id; /* by which a reader sees a repeat; a FIFO topic's deduplication id */
	const char *incident; /* what it is about; a FIFO topic's group */
	const char *playbook, *severity; /* NULL or "" = none */
	const char *recipient; /* name of the contact or audience */
	size_t level; /* from 1; 0 = none */
	const char *subject, *body; /* the subject as page_subject makes it */
};
/* `since` as in the spec of an action, see record.h; `to` is NULL where the channel itself is the
 * address.  The caller's. */
json_t *channel_spec(const struct message *m, int64_t since, const struct pb_channel *ch,
    const struct pb_contact *to);
/* post.c: what is told besides pages */
enum post_input {
	POST_DELIVERED,
	POST_FAILED,
	POST_DUE,
	POST_INTERRUPT,
	POST_NEWER,
	POST_INPUT_MAX
};
const char *post_state_name(enum post_state s);
/* `incident` is the one it belongs to or ""; `way` is for people.  A post replaces what still waits to go
 * the same way about the same (m->incident). */
void post_send(struct turn *t, const char *incident, const char *way, const struct message *m,
    const struct pb_channel *ch, const struct pb_contact *to);
struct post *post_find_action(const struct pb_engine *e, const char *action_id);
void post_outcome(struct turn *t, struct post *p, const struct pb_outcome *o);
void post_due(struct turn *t);
int64_t post_next_at(const struct pb_engine *e);
bool post_is_stuck(const struct post *p, int64_t now); /* nothing comes of it in time */
void post_unstick(struct turn *t, struct post *p); /* it is due now; it may be gone after that */
void post_interrupted(struct turn *t); /* after a restart: what was in flight goes again */
void post_free(void *p);
int post_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);
/* inform.c: stakeholders */
void inform_begin(struct turn *t, struct incident *in);
void inform_interrupted(struct turn *t, struct incident *in); /* begins what has no record */
void inform_acked(struct turn *t, struct incident *in);
void inform_close(struct turn *t, struct incident *in); /* whoever heard hears that it is over */
void inform_due(struct turn *t, struct incident *in);
int64_t inform_next_at(const struct incident *in);
json_t *inform_json(const struct incident *in); /* for people; NULL when there are none */
int inform_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);
/* page_text.c: subject (ASCII, below 100 bytes) and body */
char *page_subject_of(const char *text); /* of anything; the caller's */
char *page_subject(const struct incident *in, const struct page *p);
/* What, since when, why, what was tried, what it asks, what to read. */
void page_add_incident(struct pb_buf *b, const struct turn *t, const struct incident *in);
void
page_add_ways(struct pb_buf *b, const struct incident *in); /* only what to read and to answer */
char *page_body(const struct turn *t, const struct incident *in, const struct page *p);

/* context.c: the context of templates, stdin of children */
/* Can all params of its playbook be had?  The error says which is missing or empty. */
int context_params(const struct pb_engine *e, const struct incident *in, struct pb_error *err);
/* The value at a path of event or alarm as text; "" when there is none.  The caller's. */
char *context_pick(const struct pb_engine *e, const struct incident *in, const char *path);
json_t *context_build(const struct pb_engine *e, const struct incident *in, int64_t now);

/* guard.c: what holds runs and steps back */
void guard_free(void *g);
int guard_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);
void guard_forget(struct turn *t); /* what has nothing to say any more */
/* Why no run may begin, NULL when it may; may turn the incident's mode to approve.  The caller's. */
char *guard_admit(struct turn *t, struct incident *in);
/*
 * Why a run that was admitted and then asked may not begin after all: others have begun since, and what
 * no human may exceed (rate, a budget that does not ask) is used up.  NULL when it may; the caller's.
 */
char *guard_still(struct turn *t, const struct incident *in);
/* Counts the run, once: it may change something from here on. */
void guard_run_began(struct turn *t, struct incident *in);
/* Begin of the last run of a playbook that asks for drills; 0 = none known. */
int64_t guard_ran_at(const struct pb_engine *e, const char *playbook);
void guard_run_ended(struct turn *t, struct incident *in);
/* The lock that its run needs; NULL when it needs none, or with `why`.  Both are the caller's. */
char *guard_lock(struct turn *t, const struct incident *in, char **why);
/* Who holds the lock so that `in` cannot have it; NULL when it can. */
const struct incident *
guard_lock_holder(const struct pb_engine *e, const struct incident *in, const char *lock);
/* Why an unsafe step may not be done to its targets, NULL when it may; the caller's. */
char *guard_targets(struct turn *t, const struct incident *in, size_t step);

/* clock.c: instants by the wall clock, which may be set, and by durable time; PB_NEVER is PB_NEVER */
int64_t wall_of(const struct pb_engine *e, int64_t at);
int64_t durable_of(const struct pb_engine *e, int64_t wall);
void clock_input(struct turn *t, const struct pb_input *input);

/* review.c */
/* What is overdue of its `reviewed`, in words; NULL when nothing is.  The caller's. */
char *review_overdue(const struct pb_engine *e, const struct pb_playbook *p, int64_t now);

/* ask.c: questions to a human */
void ask_command(struct turn *t, struct incident *in, const struct pb_input *input);
void ask_answered(struct incident *in, const char *fmt, ...) PB_PRINTF(2, 3);
/* The names of the steps, for people; the caller's. */
size_t ask_step(const struct incident *in); /* the step that asks, or PB_NONE */
bool ask_is_open(const struct incident *in); /* its plan or a step of it asks */
char *ask_plan_text(const struct incident *in);

/* control.c: the kill switch */
void control_free(void *c);
void control_input(struct turn *t, const struct pb_input *input);
/* Tells of stops whose playbook is gone: after a start and a reload. */
void control_look(struct turn *t);
void control_restore(struct pb_engine *e, const struct pb_record *r);
/* Why this incident's playbook may not act, NULL when it may; the caller's. */
char *control_why(const struct pb_engine *e, const struct incident *in);
/* The same for a run that would begin: a maintenance window blocks it too. */
char *control_why_begin(const struct pb_engine *e, const struct incident *in);

/* maintenance.c: windows that are open */
void maintenance_look(struct turn *t); /* opens and closes what the calendar says */
void maintenance_clock_set(struct turn *t); /* the same, and no end comes later */
void maintenance_due(struct turn *t);
void maintenance_note_expired(struct turn *t);
/* Why nothing is remediated; why nobody is paged, and until when.  NULL when no window says so. */
char *maintenance_blocks(const struct pb_engine *e, const struct incident *in);
char *maintenance_holds(const struct pb_engine *e, const struct incident *in, int64_t *ret_until);
void maintenance_incident_closed(struct turn *t, const struct incident *in);
void window_free(void *w);
void window_restore(struct pb_engine *e, const struct pb_record *r);

/* mute.c: CloudWatch's mute rules */
void mutes_free(void *m);
void mutes_restore(struct pb_engine *e, const struct pb_record *r);
void mute_input(struct turn *t, const struct pb_input *input);
void mute_look(struct turn *t); /* forgets lists of sources that do not honour them any more */
/* Which rule mutes its alarm, and when to look again; NULL when none does.  The caller's. */
char *
mute_holds(const struct pb_engine *e, const struct incident *in, int64_t now, int64_t *ret_until);
/* Its source has just been polled: is that the first time since an event said that it is muted, so that
 * the source may know better? */
bool mute_is_answered(const struct pb_engine *e, const char *source, int64_t polled_before_at);
/* An event of it, which may say that its alarm is muted. */
void mute_event(struct turn *t, const struct incident *in, const struct pb_event *ev);

/* hush.c: what keeps pages back */
/* The open incident that inhibits this one; NULL when none does. */
/* What is inhibited or silenced itself inhibits nothing: somebody would be told of neither. */
const struct incident *
hush_inhibitor(const struct pb_engine *e, const struct incident *in, int64_t now);
/* The open incident by which this playbook inhibits others; NULL when there is none. */
const struct incident *hush_inhibits(const struct pb_engine *e, const char *playbook, int64_t now);
/* It is inhibited, or not any more: when the inhibitor's playbook lets go it looks again. */
void hush_watch(struct turn *t, struct incident *in);
/* Why nobody is paged now and when to look again, NULL when pages may go; the caller's. */
char *
hush_why(const struct pb_engine *e, const struct incident *in, int64_t now, int64_t *ret_until);
/* A source that has not been polled whole since the start, so that what is known of its alarms may be
 * over; NULL when there is none. */
const char *hush_unpolled(const struct pb_engine *e);
/* It began before the start, and so the alarm may be over: the source that will tell.  NULL when none
 * will, or has told. */
const char *hush_unknown(const struct pb_engine *e, const struct incident *in);
void hush_release(struct turn *t); /* something ended: ladders that are held look again */
void silence_free(void *s);
void silence_input(struct turn *t, const struct pb_input *input);
void silence_due(struct turn *t); /* those that are over say so */
int64_t silence_next_at(const struct pb_engine *e);
int silence_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);

/* plan.c: what a new configuration means for those that are open; `old` was in force */
void plan_changed(struct turn *t, const struct pb_config *old);

/* own.c: events that our own calls caused */
void
own_called(struct turn *t, const char *request_id); /* a call was answered; NULL or "" = none */
/* By which sign the event is one, in words; NULL when it is none.  The caller's. */
char *own_sign(const struct pb_engine *e, const struct pb_event *ev);

/* fits.c: which patterns fit an event, by its bytes */
struct fits *fits_new(void);
void fits_free(struct fits *f); /* takes NULL */
/* This event is asked about until the next call; it is borrowed. */
void fits_begin(struct pb_engine *e, const struct pb_event *ev);
/* The playbooks of the current configuration whose match fits, ascending; good until the next event. */
size_t fits_playbooks(struct pb_engine *e, const uint32_t **ret_ids);
/* The same for any event; good until another configuration is asked about it. */
size_t
fits_playbooks_of(const struct pb_engine *e, const struct pb_event *ev, const uint32_t **ret_ids);
/* Does resolve_on of any of them? */
bool fits_any_end(struct pb_engine *e);
/* Does resolve_on of `p`, which is one of c's? */
bool fits_end(struct pb_engine *e, const struct pb_config *c, const struct pb_playbook *p);
/* Does the match of a maintenance window of the current configuration, for any event? */
bool
fits_window(const struct pb_engine *e, const struct pb_event *ev, const struct pb_maintenance *m);
/* All silences that fit an event, in the order they were made; good until the next call. */
size_t fits_silences(
    const struct pb_engine *e, const struct pb_event *ev, const struct silence *const **ret);
void fits_silences_changed(struct pb_engine *e); /* call it whenever e->silences has */

/* choice.c: why an event went where it went */
struct choice {
	const uint32_t *ids; /* playbooks that match, ascending */
	size_t n;
};
/* Notes of an incident that opens; `playbook` is PB_NONE where none matches. */
void choice_note(struct turn *t, const struct pb_event *ev, const char *incident, size_t playbook,
    const struct choice *c);
/* In one line, for what is dropped: the first playbook and where it differs; the caller's. */
char *choice_first(const struct pb_engine *e, const struct pb_event *ev);

/* intake.c: events */
void intake_event(struct turn *t, const struct pb_input *in);
void intake_polled(struct turn *t, const struct pb_input *in);
void intake_reject(struct turn *t, const struct pb_input *in);
void intake_forget(struct turn *t);
void alarms_forget(struct turn *t); /* of which nobody has heard for daemon.retention.age */
struct alarm *alarm_get(struct pb_engine *e, const char *arn); /* made when unknown */
void alarm_put(struct turn *t, const struct alarm *a);
void alarm_free(void *a);
void alarm_attach(struct alarm *a, struct incident *in);
void alarm_detach(struct alarm *a, struct incident *in);
void source_free(void *s);
struct source *source_get(struct pb_engine *e, const char *name);
/* Does a configuration have a source of this name that polls alarms? */
bool source_polls(const struct pb_config *c, const char *name);

/* audit.c */
void audit_due(struct turn *t);
void audit_arm(struct turn *t); /* after each input: one is due a minute later, if any is open */

/* engine.c: as pb_map_free wants them */
void free_config(void *c);
void free_event(void *ev);

/* restore.c: records back to objects */
int restore_record(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);
void restore_boot(struct turn *t);

#endif
