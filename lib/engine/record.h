/*
 * What the engine asks of the store and of the drivers: records, actions, notes, updates.
 *
 * An update is what one turn of the pump decided: the records to commit, then, only after the commit,
 * the actions to start or cancel, the receipts to acknowledge to their source, the replies to
 * operators.  The notes are the trace: the journal's lines, the audit table, and the expected text of
 * simulation tests.
 */
#ifndef PB_ENGINE_RECORD_H
#define PB_ENGINE_RECORD_H

#include <jansson.h>

#include "base/text.h"
#include "base/time.h"

/* One durable object.  The store has a table for each kind. */
enum pb_record_kind {
	PB_REC_CONFIG, /* key: digest of a configuration that is current or that an open incident keeps */
	PB_REC_ALARM, /* key: alarm ARN; its last known transition */
	PB_REC_SOURCE, /* key: source name; how far a poll has come */
	PB_REC_SEEN, /* key: identity of an event that is not an alarm's; forgotten after a day */
	PB_REC_BUNDLE, /* key: bundle id; a group or a storm of incidents that are paged together */
	PB_REC_EVENT, /* key: incident id; the event that opened it */
	PB_REC_INCIDENT, /* key: incident id */
	PB_REC_RUN, /* key: incident id */
	PB_REC_STEP, /* key: "INCIDENT/STEP" */
	PB_REC_LADDER, /* key: incident id */
	PB_REC_ACTION, /* key: action id; decided, and ended or not */
	PB_REC_QUARANTINE, /* key: "SOURCE/MESSAGE-ID"; a message that cannot be read */
	PB_REC_META, /* key: "engine"; counters */
	PB_REC_GUARD, /* key: "GUARD/..."; what a brake remembers: last starts, failures, tokens */
	PB_REC_SILENCE, /* key: silence id */
	PB_REC_CONTROL, /* key: "remediation" or "remediation/PLAYBOOK"; the kill switch */
	PB_REC_RECEIVED, /* key: identity of an event; "incident" is the first one it went to */
	PB_REC_WINDOW, /* key: name of a maintenance window that is open, and what it kept quiet */
	PB_REC_POST, /* key: its id; a message that is no page and is not delivered yet */
	PB_REC_INFORM, /* key: incident id; when its stakeholders hear next, and how often they did */
	PB_REC_MUTES, /* key: source name; the mute rules that were active when it last looked */
	PB_REC_MAX,
};
const char *pb_record_kind_name(enum pb_record_kind kind); /* table name: "incident", ... */

struct pb_record {
	enum pb_record_kind kind;
	char *key; /* at most 600 bytes */
	char *incident; /* "" when it belongs to none */
	char *state; /* name of its state, for queries; "" when it has none */
	int64_t at; /* when it came to that state */
	json_t *body; /* NULL: delete the record */
	char *event; /* JSON text of one more member of the body, "event"; NULL = none */
};

/* One line of the trace. */
struct pb_note {
	int64_t at;
	char *incident; /* "" = of the daemon as a whole */
	char *playbook;
	char *step;
	const char *kind; /* static: "event", "match", "armed", "page", ... */
	char *text; /* for people; outside text in it is already made safe */
};

/*
 * Something to do outside.  `spec` holds all a driver needs:
 *   driver "exec": {"driver":"exec","argv":[..],"stdin":{..},"env":{..},"capture":BYTES}
 *	optional "helper":PATH, the socket of playbookd-exec, else a direct child; with it
 *	"may_begin":false, which only asks for the outcome of an attempt begun before, and
 *	"since":TIME, which tells it from one of the same id that a store before this one gave
 *   driver "aws":  {"driver":"aws","service":"sns","operation":"Publish","inputs":{..},"effect":"once"}
 *   driver "http": {"driver":"http","method":"GET","url":"https://..","status":200,"effect":"read",
 *                   "capture":BYTES,"body":TEXT or JSON}; status 0 = any of 2xx; optional
 *                   "idempotency_key":TEXT and "credential":NAME, whose secret is the bearer token
 * The id is the attempt's: it never names two different attempts.
 */
struct pb_action {
	char *id; /* "20261123-1/restart/1", "20261123-1/page/2.0/ana@pager" */
	char *incident;
	bool is_page; /* pages and resolve notices go before everything else */
	bool is_post; /* tells somebody and is no page; belongs to no step */
	int64_t limit_for; /* the driver ends it after this long and says so (TERM, then KILL) */
	json_t *spec;
};

/* What became of an action; posted by a driver exactly once for each started action. */
enum pb_outcome_status {
	PB_OUTCOME_OK,
	PB_OUTCOME_FAILED,
	PB_OUTCOME_TIMEOUT,
	PB_OUTCOME_CANCELLED,
};
struct pb_outcome {
	char *action_id;
	enum pb_outcome_status status;
	bool is_unknown; /* failed in a way that does not tell whether the effect took place */
	char *
	    error; /* error name: "Exec.Exit.3", "Exec.Signal.TERM", "States.Timeout", AWS code; "" when ok */
	char *error_class; /* "Throttling", "Network" or "" */
	char *message; /* one line for people */
	json_t *output; /* object, or NULL */
	char *request_id; /* of the call whose answer it is; NULL or "" = none is known */
};
void pb_outcome_fini(struct pb_outcome *o);

/* The answer to an operator's command. */
struct pb_reply {
	uint64_t token;
	int status; /* as HTTP: 200, 404, 409 */
	json_t *body; /* object */
};

struct pb_update {
	int64_t at;
	struct pb_record *records;
	size_t n_records;
	struct pb_action *starts;
	size_t n_starts;
	char **cancels; /* action ids */
	size_t n_cancels;
	uint64_t *receipts;
	size_t n_receipts;
	struct pb_note *notes;
	size_t n_notes;
	struct pb_reply *replies;
	size_t n_replies;
	size_t n_inputs; /* that the pump has stepped into it */
	/* not for readers */
	size_t size_records, size_starts, size_cancels, size_receipts, size_notes, size_replies;
	struct pb_map *by_key; /* "KIND/KEY" -> 1 + place in records */
};

struct pb_update *pb_update_new(int64_t at);
void pb_update_free(struct pb_update *u); /* takes NULL */

/* Builders; text is copied, json is taken over.  A record of the same kind and key replaces the one before. */
void pb_update_put(struct pb_update *u, enum pb_record_kind kind, const char *key,
    const char *incident, const char *state, json_t *body);
/* An event as it came (PB_REC_RECEIVED), in its own bytes; `text` is copied. */
void pb_update_put_received(struct pb_update *u, const char *identity, const char *incident,
    const char *source, struct pb_str text);
void pb_update_drop(struct pb_update *u, enum pb_record_kind kind, const char *key);
void pb_update_start(struct pb_update *u, const char *id, const char *incident, bool is_page,
    int64_t limit_for, const json_t *spec);
void pb_update_post(struct pb_update *u, const char *id, const char *incident, int64_t limit_for,
    const json_t *spec);
void pb_update_cancel(struct pb_update *u, const char *id);
void pb_update_receipt(struct pb_update *u, uint64_t receipt); /* 0 is ignored */
void pb_update_reply(struct pb_update *u, uint64_t token, int status, json_t *body);
void pb_update_note(struct pb_update *u, const char *incident, const char *playbook,
    const char *step, const char *kind, const char *fmt, ...) PB_PRINTF(6, 7);

#endif
