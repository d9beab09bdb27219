/*
 * The engine: one function, step().  It opens nothing, reads no clock, asks no chance, calls nothing
 * back.  What it decides goes into an update, which the pump commits and then acts on.
 *
 *	input --> step(engine, now, input, update) --> records, actions, receipts, notes, replies
 *
 * `now` is durable time (base/clock.h): it never goes back, in this run or over restarts.  Deadlines are
 * kept by it, so that setting the wall clock moves none.  Calendars (schedules, maintenance) and the
 * times of events are the wall clock's; PB_IN_CLOCK says how far that is from `now`.
 */
#ifndef PB_ENGINE_ENGINE_H
#define PB_ENGINE_ENGINE_H

#include "engine/cells.h"
#include "engine/record.h"
#include "event/event.h"
#include "playbook/config.h"

enum pb_input_kind {
	PB_IN_BOOT, /* once, after all records were restored: picks up what the last process left */
	PB_IN_EVENT, /* event, source, receipt or token (inject) */
	PB_IN_REJECT, /* source, receipt, message: one that cannot be read, received too often */
	PB_IN_POLLED, /* source, polled_at: a full poll that began then has been posted */
	PB_IN_OUTCOME, /* outcome */
	PB_IN_TICK, /* time has come for what is due */
	PB_IN_ACK, /* incident, by, token */
	PB_IN_SNOOZE, /* incident, by, span, token: nobody is paged for so long */
	PB_IN_ESCALATE, /* incident, by, text (reason), token: the next level is paged now */
	PB_IN_RESOLVE, /* incident, by, text (reason), token */
	PB_IN_CONFIG, /* config: the next incidents follow it; by, token may be set */
	PB_IN_APPROVE, /* incident, by, text (reason), step or NULL, token */
	PB_IN_REFUSE, /* the same: what asks is rejected */
	PB_IN_REMEDIATION, /* is_stop, by, text (reason); playbook or NULL for all; token: the kill switch */
	PB_IN_SILENCE, /* match, span, by, text (reason), token: no pages for what fits */
	PB_IN_UNSILENCE, /* silence, by, token: it ends now */
	PB_IN_MUTES, /* source, polled_at, mutes, span: the mute rules that are active, all of them */
	PB_IN_DRAIN, /* start no further step; what runs may end */
	/* span: wall clock minus durable time; 0 until the first one.  Before PB_IN_BOOT when it is not 0,
	 * and whenever the clock was set by PB_CLOCK_STEP or more. */
	PB_IN_CLOCK,
	PB_IN_MAX,
};
const char *pb_input_kind_name(enum pb_input_kind kind);

#define PB_CLOCK_STEP PB_SECOND

#define PB_SNOOZE_MIN PB_MINUTE
#define PB_SNOOZE_MAX PB_DAY
#define PB_SILENCE_MIN PB_MINUTE
#define PB_SILENCE_MAX (30 * PB_DAY)
#define PB_SILENCES_MAX 1000

/* Owns what it points to; the pump frees it after its step. */
struct pb_input {
	enum pb_input_kind kind;
	uint64_t receipt; /* given back in the update when the decision is durable; 0 = none */
	uint64_t token; /* somebody waits for a reply; 0 = nobody */
	char *source; /* name of a source, "inject" for injected events */
	struct pb_event *event;
	int64_t polled_at; /* PB_IN_POLLED, PB_IN_MUTES: durable time at which the poll began */
	/* PB_IN_MUTES: [{"name", "alarms": [ARN, ...], "until" (ms; absent = none of its own)}] */
	json_t *mutes;
	struct pb_outcome *outcome;
	char *incident; /* id, or a unique end of one ("7" for "20261123-7") */
	/* The record's body of an incident of that id that the engine has forgotten (pb_engine_knows): so
	 * that who asks for something hears how it ended. */
	json_t *past;
	char *step; /* PB_IN_APPROVE, PB_IN_REFUSE: the one that asks; NULL = whichever does */
	char *playbook; /* PB_IN_REMEDIATION: NULL or "" = all of them */
	bool is_stop;
	char *match; /* PB_IN_SILENCE: an event pattern, JSON text */
	char *silence; /* PB_IN_UNSILENCE: its id */
	char *by; /* operator: user name or "uid 1000" */
	char *text; /* reason; PB_IN_REJECT: why it cannot be read */
	char *message_id;
	char *message; /* PB_IN_REJECT: the body, cut to 64 KiB, made of valid UTF-8 */
	int64_t count; /* PB_IN_REJECT: receives */
	/* PB_IN_SNOOZE: PB_SNOOZE_MIN to PB_SNOOZE_MAX; PB_IN_SILENCE likewise; PB_IN_MUTES: how long after
	 * polled_at the list is believed when none follows; PB_IN_CLOCK may be negative. */
	int64_t span;
	struct pb_config *config;
};
struct pb_input *pb_input_new(enum pb_input_kind kind);
void pb_input_free(struct pb_input *in); /* takes NULL */

struct pb_engine;

struct pb_engine_options {
	uint64_t seed; /* for jitter */
	const char *host; /* `host.name` of the context and of pages */
	bool is_degraded; /* the store cannot be written: no remediation, paging goes on */
	const char *degraded_why;
	bool is_rebuilt; /* the store before was lost: its ids must not be given again */
	struct pb_cells *cells; /* counts which cells are reached; NULL = nobody asks */
};

/* `config` is counted up.  Never fails. */
struct pb_engine *pb_engine_new(struct pb_config *config, const struct pb_engine_options *options);
void pb_engine_free(struct pb_engine *e);

/*
 * Take up a record from the store, before PB_IN_BOOT.  PB_REC_CONFIG records come first.  An error
 * (PB_CORRUPT) means that the record cannot be believed; nothing of it was taken.
 */
int pb_engine_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);

/* Decide.  Adds to `u`; never fails: what an input cannot do becomes a note and a reply. */
void
pb_engine_step(struct pb_engine *e, int64_t now, const struct pb_input *in, struct pb_update *u);

/* When PB_IN_TICK is due next; PB_NEVER when nothing waits. */
int64_t pb_engine_next_at(const struct pb_engine *e);
int64_t pb_engine_due_at(const struct pb_engine *e); /* the auditor's rounds left out */

/* Looking in; pointers are good until the next step. */
size_t pb_engine_n_open(const struct pb_engine *e);
size_t pb_engine_n_old_plans(const struct pb_engine *e); /* open ones by another configuration */
struct pb_config *pb_engine_config(const struct pb_engine *e); /* borrowed */
/* Last known state of an alarm; false when it is not known. */
bool pb_engine_alarm(const struct pb_engine *e, const char *arn, enum pb_alarm_state *ret_state,
    int64_t *ret_transitioned_at);
/* How far source NAME had been polled when the last process ended; 0 = never. */
int64_t pb_engine_polled_at(const struct pb_engine *e, const char *source);
/* Does it remember an incident or a bundle by this id, or end of one, which need not be unique? */
bool pb_engine_knows(const struct pb_engine *e, const char *id);
/* An open incident (a member of GET /v1/incidents), the caller's to free; NULL when it is not open. */
json_t *pb_engine_incident_json(const struct pb_engine *e, const char *id, int64_t now);
/* {"incident": {STATE: N}, "ladder": {STATE: N}, "stops": N, "silences": N}: open incidents by state;
 * the caller's. */
json_t *pb_engine_counts_json(const struct pb_engine *e);
/* What stops remediation: a list of {"playbook" ("" = all), "by", "reason", "at"}; the caller's. */
json_t *pb_engine_controls_json(const struct pb_engine *e);
/* Playbooks whose review or drill is overdue: a list of {"playbook", "owner", "overdue" (in words)};
 * the caller's. */
json_t *pb_engine_overdue_json(const struct pb_engine *e, int64_t now);
/* Silences in force: a list of {"id", "match", "by", "reason", "at", "until"}; the caller's. */
json_t *pb_engine_silences_json(const struct pb_engine *e);

/*
 * Answers to "why?"; JSON is the caller's.
 */
/* What an open incident waits for, in order: [{"at", "what"}]; NULL when it is not open. */
json_t *pb_engine_why_incident(const struct pb_engine *e, const char *id);
/* {"digest", "in_force", "is_in_force"} of the plan an incident began with. */
json_t *pb_engine_plan(const struct pb_engine *e, const char *digest);
/*
 * Where an event would go by the configuration in force: {"match":[names, the first takes it],
 * "match_more", "differ":[{"playbook","why"}] in front of it, "differ_more", "near":[{"playbook",
 * "field","why"}] that one field keeps away, "playbooks":N, "fate": words}.
 */
json_t *pb_engine_why_event(const struct pb_engine *e, const struct pb_event *ev);
/* How many known alarms have this name or ARN; *ret_arn is the first one's, borrowed. */
size_t pb_engine_find_alarm(const struct pb_engine *e, const char *name, const char **ret_arn);
/* The alarm's youngest open incident, borrowed; NULL when it has none. */
const char *pb_engine_alarm_incident(const struct pb_engine *e, const char *arn);

/*
 * The maintenance windows of the configuration: a list of {"name", "state" (open, closed, expired),
 * "owner", "blocks_remediation", "holds_pages", "from" and "until" of an open one, "next"}; the
 * caller's.
 */
json_t *pb_engine_maintenance_json(const struct pb_engine *e, int64_t now);
/*
 * The mute rules of CloudWatch that are honoured and active: a list of {"source", "name", "alarms" (how
 * many), "until" (absent = it tells none)}; the caller's.
 */
json_t *pb_engine_mutes_json(const struct pb_engine *e, int64_t now);
/*
 * What is paged together: a list of {"id", "kind" ("group" or "storm"), "state", "escalation", "group",
 * "opened_at", "open", "unacknowledged", "resolved", "pages"}, storms first, at most PB_BUNDLES_MAX of
 * those with open incidents; the caller's.
 */
#define PB_BUNDLES_MAX 100
json_t *pb_engine_bundles_json(const struct pb_engine *e);
/*
 * P5: each open incident must have a live next step, each wait a deadline.  Returns the number of
 * incidents that have none and describes them in `why` (may be NULL).
 */
size_t pb_engine_audit(const struct pb_engine *e, int64_t now, struct pb_buf *why);

#endif
