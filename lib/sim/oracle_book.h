/*
 * What the oracle's files share: its book.
 */
#ifndef PB_SIM_ORACLE_BOOK_H
#define PB_SIM_ORACLE_BOOK_H

#include "base/map.h"
#include "sim/oracle.h"

/* A page without steps before it, as one that is stale or was held: its end may be in the same batch. */
#define ORACLE_AT_ONCE PB_SECOND

/* Somebody is owed an answer: one open problem of one playbook. */
struct duty {
	size_t index; /* in oracle.all */
	char *name; /* "PLAYBOOK\nKEY" */
	struct pb_config *config; /* when it began */
	const struct pb_playbook *playbook; /* NULL: no playbook matched */
	const struct pb_escalation *escalation;
	struct pb_event *event; /* that began it */
	struct pb_event *again; /* the last further event of the commit at hand */
	char *incident; /* its id, once it was committed */
	int64_t since; /* the event was taken */
	const struct heard *began; /* it, while the commit that holds it is taken */
	int64_t due_at; /* somebody must be told by then */
	int64_t has_until; /* a human has it, or wants no pages */
	int64_t tried_at; /* last page started or answered; 0 = none */
	bool is_put_off; /* to a storm's summary, since it was told last */
	bool is_held; /* its time had come, and nobody was to be paged */
	bool is_reached; /* a page was delivered since `since` */
	bool is_stale; /* its event was too old to act on */
	bool is_armed; /* a ladder is committed */
	char *bundle; /* that it is told with, by its ladder's record; NULL = by itself */
	int64_t bundle_since; /* the first page of it that tells of this one */
	char *bundle_before; /* the one before, of which pages may be under way */
	int64_t bundle_before_since;
	bool is_over;
	bool was_ok; /* its alarm was OK before the commit at hand, or within it */
	int64_t n_reopened; /* of its incident, when this began */
	bool has_ended; /* an event that fits resolve_on was taken */
	bool is_resolved_by_hand; /* a human said so */
	/* Its runs. */
	bool is_running, must_ask;
	int64_t n_approved; /* by a human, so often */
	struct pb_map *unsafe; /* steps with an effect that were started */
	bool has_worked; /* one of its actions ended well */
};

/* An input that was posted. */
struct heard {
	enum pb_input_kind kind;
	struct pb_event *event;
	bool is_polled; /* the event: it tells what is, not what became */
	struct pb_config *config;
	char *id; /* incident, silence, action */
	char *match;
	json_t *mutes;
	int64_t at, span;
	enum pb_outcome_status status;
	bool is_unknown;
};

struct sighting {
	enum pb_alarm_state state;
	bool is_over; /* OK since its last ALARM; data that is missing then begins nothing */
	int64_t transitioned_at;
	bool is_ahead; /* it had not come when it was told */
	unsigned seen; /* states told with that time */
	int64_t changed_at; /* by the clock that nobody sets back */
};

struct hush {
	struct pb_pattern *pattern;
	char *match;
	int64_t until;
	bool is_ended; /* by a human */
};

struct oracle {
	struct pb_config *config;
	int64_t commit_for;
	void (*broken)(void *arg, const char *line);
	void *arg;
	int64_t now, up_since;
	int64_t wall_ahead; /* the wall clock minus now */
	bool is_degraded, is_draining;
	struct heard *heard; /* posted and not yet durable, in order */
	size_t n_heard, n_decided;
	const struct heard *taking; /* the event at hand */
	uint64_t n_forgotten; /* inputs of this process before heard[0] */
	struct pb_map *records[PB_REC_MAX]; /* committed: key -> struct kept */
	struct pb_map *alarms; /* ARN -> struct sighting */
	struct pb_map *seen; /* identities of other events */
	struct pb_map *duties; /* open ones, by name */
	struct pb_map *incidents; /* id -> its last duty */
	struct duty **all;
	size_t n_all;
	struct pb_map *silences; /* id -> struct hush */
	json_t *mutes; /* CloudWatch's mute rules as last told; believed until then */
	int64_t mutes_at, mutes_until;
	/* Actions. */
	struct pb_map *gone; /* ids that were given by who lost them: no other may have them */
	struct pb_map *attempts; /* ids that were started */
	struct pb_map *running; /* ids under way -> incident (borrowed from `incidents`) */
	struct pb_map *unknown; /* "INCIDENT/STEP": nobody knows what its last attempt did */
	struct pb_map *brakes; /* "rate PLAYBOOK" ... -> struct times */
};

void hush_free(void *hush);
void duty_free(struct duty *d);

struct kept {
	char *state;
	int64_t at;
	json_t *body;
};
const struct kept *oracle_record(const struct oracle *o, enum pb_record_kind kind, const char *key);
void oracle_broken(struct oracle *o, const char *fmt, ...) PB_PRINTF(2, 3);
const char *duty_playbook(const struct duty *d); /* "" when no playbook matched */
/* Why nobody need be told now: silenced, muted or inhibited. */
bool oracle_is_hushed(const struct oracle *o, const struct duty *d);
/* A text with what an event alone can fill in; NULL when that is not enough. */
char *oracle_expand(const char *text, const struct pb_event *ev);

/* In the book from now on; `name` is copied. */
struct duty *duty_new(struct oracle *o, struct pb_event *ev, const struct pb_playbook *p,
    const struct pb_escalation *e, const char *name);

/* oracle_told.c */
/* Page `number` of the bundle tells of it: it was a member by then. */
bool duty_is_told_by(const struct duty *d, const char *bundle, int64_t number);
void duty_put_off(struct duty *d, int64_t until); /* nobody need be told before */
/* The longest time without a word that its escalation allows once somebody was told. */
int64_t duty_longest_silence(const struct pb_escalation *e);

/* oracle_record.c */
/* What the record says ended it has happened. */
bool oracle_has_recovered(const struct oracle *o, const struct duty *d);
/* The first record of an incident tells its id, which people use. */
void oracle_link_incident(struct oracle *o, const struct pb_record *r);
void oracle_take_incident(struct oracle *o, const struct pb_record *r);
void oracle_take_record(struct oracle *o, const struct pb_record *r);
void oracle_kept_free(void *kept);

/* oracle_people.c */
void oracle_take_command(struct oracle *o, const struct heard *h);
void oracle_take_silence(struct oracle *o, const struct heard *h);

/* oracle_brakes.c */
struct times {
	int64_t *at;
	size_t n;
};
void oracle_run_changed(struct oracle *o, struct duty *d, const char *before, const char *state);
void oracle_check_locks(struct oracle *o);
void oracle_step_started(struct oracle *o, struct duty *d, const struct pb_action *a);
void oracle_times_free(void *times);

#endif
