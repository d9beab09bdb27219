/*
 * What the engine keeps in memory: its machines and what they know.  All of it comes back from records,
 * but for what is said to be of this process.  Only for the engine's files; internal.h is how they use it.
 *
 * Ownership: the engine owns incidents and alarms; an incident owns its run, ladder, pages, its
 * count of the configuration it began with and its event.  Nothing here outlives the engine.
 */
#ifndef PB_ENGINE_STATE_H
#define PB_ENGINE_STATE_H

#include "base/map.h"
#include "base/rand.h"
#include "engine/engine.h"

#define INCIDENT_MAGIC 0x1cc1de47u

/* For so long playbookd-exec surely knows an attempt that it began. */
#define HELPER_KEEPS_FOR (7 * PB_DAY)
#define PAGE_LIMIT (30 * PB_SECOND)
#define PAGE_RETRY_FIRST (2 * PB_SECOND)
#define PAGE_RETRY_MOST PB_MINUTE
#define PAGE_WAITS_MOST (2 * PB_MINUTE) /* for an answer, or before the next try: less than that */
#define NOTICE_TRIES_MAX 8
#define POST_TRIES_MAX 8
/* When a ladder has paged everybody and nobody answered, its last level hears of it again. */
#define LADDER_REMIND_EVERY (30 * PB_MINUTE)
/* What is old already may be over already: the rest of what a start finds comes first. */
#define LADDER_SOON_FOR PB_SECOND
/* How long the first poll is waited for where nothing says page_by. */
#define FIRST_POLL_LEAST PB_MINUTE
#define SEEN_FOR PB_DAY
#define SEEN_MAX 100000

/* One turn of the engine: what every handler gets. */
struct turn {
	struct pb_engine *e;
	int64_t now;
	struct pb_update *u;
};

enum incident_state {
	INCIDENT_NEW,
	INCIDENT_HOLDING,
	INCIDENT_PROPOSED, /* the plan waits for a human's word */
	INCIDENT_QUEUED, /* the run waits for its lock */
	INCIDENT_INHIBITED, /* an incident of a playbook of its inhibited_by is open */
	INCIDENT_RUNNING,
	INCIDENT_WAITING,
	INCIDENT_RESOLVED,
	INCIDENT_STATE_MAX
};
enum run_state {
	RUN_NONE,
	RUN_ACTIVE,
	RUN_UNDOING,
	RUN_PASSED,
	RUN_FAILED,
	RUN_CANCELLED,
	RUN_STATE_MAX
};
enum step_state {
	STEP_IDLE,
	STEP_ASKING, /* may it start? */
	STEP_PENDING,
	STEP_RUNNING,
	STEP_BACKOFF,
	STEP_CHECKING,
	STEP_WAITING, /* action wait */
	STEP_LOOKING, /* has the attempt taken effect? */
	STEP_AWAITING, /* what it started is not over */
	STEP_SUCCEEDED,
	STEP_FAILED,
	STEP_CANCELLED,
	STEP_SKIPPED, /* its `if` did not fit */
	STEP_STATE_MAX
};
enum ladder_state {
	LADDER_NONE,
	LADDER_ARMED,
	LADDER_GATHERED, /* its first page waits for others */
	LADDER_PAGING,
	LADDER_SPENT,
	LADDER_ACKED,
	LADDER_SNOOZED,
	LADDER_HELD, /* inhibited or silenced: somebody would be paged */
	LADDER_CLOSED,
	LADDER_STATE_MAX
};
enum page_state { PAGE_NEW, PAGE_SENDING, PAGE_RETRYING, PAGE_SENT, PAGE_DROPPED, PAGE_STATE_MAX };

struct incident;

/* crowd.c: incidents under a name by which they are looked for, in the order they came. */
struct crowd {
	char *name;
	struct pb_map *home; /* name -> crowd */
	struct place *first, *last;
	size_t n;
	int64_t most; /* of those who wait for a lock: the largest of what their plans allow */
};
/* A place in a crowd; all zero = in none. */
struct place {
	struct crowd *crowd;
	struct place *next, *prev;
	struct incident *in;
};

/* What a guard remembers. */
struct guard {
	int64_t *times; /* ascending */
	size_t n;
	int64_t until; /* it says nothing any more then */
};

/* No pages for what fits, by a human's wish. */
struct silence {
	char *id, *by, *reason, *match; /* match: the pattern's text */
	struct pb_pattern *pattern;
	int64_t at, until;
};

/* What a maintenance window kept quiet and what recovered in it. */
struct quiet {
	char *incident, *title, *escalation, *cause;
	int64_t opened_at, resolved_at;
};

/* A maintenance window that is open, or the last time that it was. */
struct window {
	char *name, *owner; /* owner: NULL = nobody is named */
	int64_t from_wall, until_wall; /* as the calendar has it */
	int64_t until_at; /* in durable time: a clock that is set back does not move it */
	bool is_over; /* kept so that a clock that is set back does not open it again */
	bool tells_recovered;
	const struct pb_maintenance *def; /* of the configuration in force; NULL until PB_IN_BOOT */
	struct quiet *quiet;
	size_t n_quiet;
	int64_t n_more; /* that found no room */
};

/* Notices to one audience of an incident. */
struct inform {
	int64_t next_at; /* PB_NEVER = none any more */
	int64_t n; /* sent so far */
};

/* A message that is no page, on its way. */
enum post_state { POST_SENDING, POST_RETRYING, POST_STATE_MAX };
struct post {
	char *id, *incident; /* "" = of none */
	char *way; /* to whom and how, in words */
	char *about; /* id of the incident, or what else it is about */
	char *slot; /* about and way: a newer one makes what waits pointless */
	enum post_state state;
	int64_t next_at; /* SENDING: lost then; RETRYING: next try */
	int64_t tries, decided_at;
	json_t *spec;
	struct pb_timer timer; /* at next_at */
	struct post *next_way, *prev_way; /* of its slot, while RETRYING */
	bool is_waiting; /* it is among them */
};

/* A stop of remediation by a human. */
struct control {
	char *by, *reason;
	int64_t at;
};

struct alarm {
	char *arn, *name;
	enum pb_alarm_state state;
	int64_t transitioned_at; /* as AWS says */
	bool is_ahead; /* that time had not come when it was told */
	unsigned seen; /* states that were seen with that time, a bit of enum pb_alarm_state each */
	int64_t changed_at; /* the same in durable time, and not later than it was heard of */
	char *source; /* the polling source that reports it; "" = none does */
	struct incident **open; /* incidents opened by it that are not resolved */
	size_t n_open, size_open;
	size_t n_known; /* incidents that are its, resolved ones included */
};

struct source {
	char *name;
	int64_t polled_at; /* begin of the last full poll; 0 = never */
	int64_t
	    telling_at; /* it tells of a poll since then, not all yet; 0 = of none; not recorded */
};

/* What is known of an http condition. */
struct probe {
	int64_t next_at; /* when it is asked again */
	int64_t good; /* answers as wanted, in a row; at most `times` */
	int64_t n; /* asked so far */
};

/* Reads beside a step's action; look.c. */
struct look {
	char *asked; /* id of the read under way; NULL = none */
	int64_t at; /* when it is lost, or the next one is due */
	int64_t n; /* reads so far */
	int64_t failed; /* in a row */
	int64_t again; /* attempts that followed a check and no rule of retry */
	bool by_restart; /* the process ended, the call did not fail */
	char *seen; /* the last state that AWAITING was shown */
};

/* A step of a run. */
struct step_run {
	enum step_state state;
	int64_t state_at;
	int64_t started_at, ended_at;
	int64_t attempts; /* started so far */
	int64_t attempt_at; /* when the last one was started */
	int64_t token_n; /* what its calls started and failed; part of the next one's token */
	int64_t sent; /* notify: messages delivered */
	struct look look;
	int64_t *retries; /* per entry of `retry` */
	size_t n_retries;
	int64_t deadline_at; /* of the whole step */
	int64_t next_at; /* RUNNING: attempt is lost; BACKOFF: next attempt; CHECKING: when it
			    holds, or PB_NEVER */
	char *error, *error_class, *message; /* of the last attempt that failed */
	bool is_approved; /* by a human, where its run asks */
	bool is_halted; /* a brake ended it: no retry, no catch; message is the run's failure */
	bool must_ask; /* nobody knows whether it took effect: a human decides, no catch */
	json_t *output;
	/* CHECKING: what the conditions name, NULL until first looked at and where a template fails. */
	char **alarms;
	struct place *places; /* one for each of them, in the engine's `lookers` */
	size_t n_alarms;
	struct probe *probes; /* one for each condition of a verification */
	size_t n_probes;
	size_t probing; /* 1 + the condition whose request is under way; 0 = none */
	int64_t probe_lost_at; /* then no answer comes any more */
};

struct run {
	enum run_state state;
	int64_t state_at, started_at, ended_at;
	size_t step; /* index of the current one */
	struct step_run *steps;
	size_t n_steps; /* all of them; behind the ones that go forward stand their undos */
	size_t n_forward; /* the playbook's and, behind them, the implicit verification */
	size_t *undo_of; /* [i - n_forward]: the step that step i undoes */
	struct pb_step implicit; /* borrowed texts; used when n_steps passes the playbook's */
	struct pb_condition implicit_condition;
	char *failure; /* why it failed, in words */
};

struct ladder {
	enum ladder_state state;
	int64_t state_at;
	int64_t page_by_at;
	int64_t started_at; /* when the first page was due: levels count from here */
	size_t position; /* rungs that have fired */
	int64_t round; /* from 1; an expired acknowledgement and a further pass begin a new one */
	int64_t next_at; /* next deadline; PB_NEVER only when NONE or CLOSED */
	size_t level; /* last level paged */
	bool is_put_off; /* what is due, or the end of quiet, waits for a storm's next summary */
	bool owes; /* and the level reached has something new to hear */
	int64_t news_at; /* ACKED: when those who have it hear of something new; 0 = nothing is */
	bool is_alone; /* within mend only: it is paged without its bundle */
	char *why; /* why people are paged */
	char *held; /* HELD: by what */
	int64_t
	    decide_by; /* HELD: paged then, unless it is known by then whether that holds; 0 = it does */
	json_t *
	    past; /* {id, since, until} of the bundles that told of it until it was resolved; NULL */
	char *acked_by; /* who acknowledged or snoozed it */
	int64_t acked_at;
};

/* A page or a resolve notice to one contact over one channel. */
struct page {
	struct page *next;
	char *id;
	bool is_notice;
	size_t level, repeat;
	int64_t round;
	char *contact, *channel;
	enum page_state state;
	int64_t state_at;
	int64_t decided_at;
	int64_t next_at; /* SENDING: lost then; RETRYING: next try; else PB_NEVER */
	int64_t
	    fallback_at; /* not delivered by then: the fallback pages its contact; PB_NEVER = no */
	int64_t tries;
	char *error;
	json_t *spec;
};

/* Whose pages they are, and they; in the order of their making. */
struct outbox {
	struct incident *in; /* who owns it: the one or the other */
	struct bundle *bundle;
	struct page *first;
};

struct incident {
	uint32_t magic;
	char *id;
	struct pb_config *config;
	size_t playbook; /* PB_NONE = unmatched */
	size_t escalation;
	char *key;
	char *title; /* in a line; outside text */
	struct pb_event *event;
	struct alarm *alarm; /* NULL for others */
	struct alarm **joined; /* further ones of its dedup value */
	size_t n_joined;
	int64_t n_unjoined; /* events of those that found no room there */
	enum incident_state state;
	int64_t state_at, opened_at, resolved_at;
	int64_t hold_until; /* 0 = none */
	int64_t count; /* events attached, the first included */
	int64_t recovered_at; /* an event fitted its resolve_on while it ran; 0 = none */
	char *cause; /* how it was resolved */
	char *resolved_by;
	/* reopen.c */
	int64_t reopen_until; /* RESOLVED: an event of its key opens it again until then */
	int64_t n_reopened, reopened_at; /* the last time; 0 = never */
	int64_t last_resolved_at; /* before it was reopened */
	char *last_cause;
	int64_t *flaps; /* when it was reopened lately, at most as often as makes it flap */
	size_t n_flaps;
	int64_t calm_at; /* WAITING: it flaps and is OK, and is closed then; 0 = no */
	enum pb_mode mode; /* the playbook's, or approve where a guard said so */
	char *lock; /* what its run holds while it is active; NULL = nothing */
	int64_t wait_until; /* PROPOSED, QUEUED: then a human must do without; 0 = no wait */
	char *answer; /* what became of the last question to a human, for those who answer again */
	enum pb_input_kind refused; /* the last command that was, and noted; not recorded */
	int64_t refused_at;
	bool is_stale; /* event older than max_age: no remediation */
	char *
	    own; /* by which sign its event was caused by a call of ours: no remediation; NULL = by none */
	bool is_charged; /* its run was counted by the guards */
	struct run run;
	struct ladder ladder;
	struct outbox out;
	struct member *members; /* its places in bundles (bundle.h) */
	struct inform *inform; /* of each notice of its plan; NULL = not begun */
	struct pb_timer timer;
	/* Where it is found; crowd.c. */
	struct place by_plan, by_number, by_playbook, by_end, by_lock, by_held, by_inhibitor;
	bool is_listed; /* in a list that is being made */
	/* As the engine has counted it; while it is not open nothing of it is. */
	bool is_counted;
	enum incident_state counted_state;
	enum ladder_state counted_ladder;
};

struct pb_engine {
	struct pb_config *config;
	struct pb_rand rand;
	char *host;
	bool is_degraded, is_draining, is_rebuilt;
	char *degraded_why;
	struct pb_cells *cells; /* borrowed; NULL = not counted */
	struct pb_map *incidents; /* by id: open ones, and resolved ones that may be reopened or
				     have notices under way */
	struct pb_map *by_key; /* open: "PLAYBOOK\nKEY" */
	struct pb_map *recent; /* resolved, and may be reopened: the same key */
	struct pb_map *alarms; /* by ARN */
	struct pb_map *sources; /* by name */
	struct pb_map *seen; /* identity -> at (boxed) */
	struct pb_map *guards; /* record key -> struct guard */
	int64_t guards_forget_at, alarms_forget_at;
	struct pb_map *freed; /* locks whose waiters look again, as soon as wake.c lets them */
	struct pb_map *ended; /* likewise playbooks whose inhibited look again */
	struct pb_map *silences; /* id -> struct silence */
	struct fits *fits; /* what patterns fit the event at hand; no state of its own */
	int64_t silence_number; /* last one given */
	struct pb_map *windows; /* name -> struct window: those that are open or were */
	struct pb_map *mutes; /* source -> struct mutes: what CloudWatch mutes */
	int64_t
	    mute_said_at; /* time of the newest event that said itself that it is muted; 0 = none */
	bool is_hush_over; /* one has closed or changed: what is held looks again */
	int64_t maintenance_at; /* when the next one opens or closes */
	struct pb_map *posts; /* id -> struct post */
	struct pb_map *waiting_posts; /* slot -> the first that is RETRYING */
	struct pb_heap post_timers;
	struct pb_map *controls; /* record key -> struct control: what a human has stopped */
	struct pb_map *configs; /* digest -> restored configuration, until PB_IN_BOOT */
	struct pb_map *events; /* incident id -> restored event, until PB_IN_BOOT */
	struct pb_heap timers;
	struct pb_map *bundles; /* id -> struct bundle, but those that ended */
	struct pb_map *groups; /* bundle_index() -> the group; the bundle is in `bundles` */
	struct pb_map *storms; /* bundle_index() -> the storm that is open, likewise */
	struct pb_map *watches; /* bundle_index() -> who wanted a first page lately */
	struct pb_heap bundle_timers;
	struct bundle *flushing; /* those with pages in this step */
	int64_t bundle_number; /* last one given */
	size_t n_open;
	/* Of those that are open, by state. */
	size_t n_in_state[INCIDENT_STATE_MAX], n_in_ladder[LADDER_STATE_MAX];
	/* Crowds, so that nobody walks all incidents to find the few that are meant.  Of open ones: */
	struct pb_map *plans; /* by digest of the configuration they began with */
	struct pb_map *numbers; /* by what stands behind the day in the id: "7" */
	struct pb_map *opens; /* by playbook */
	struct pb_map *ends; /* with a pattern in resolve_on, by "DIGEST\nPLAYBOOK" */
	struct pb_map *lock_holders, *lock_waiters; /* live runs, QUEUED; by lock */
	struct pb_map
	    *inhibited; /* INHIBITED, or a ladder HELD for that; by playbook of the inhibitor */
	struct pb_map *held; /* ladders that are HELD, all by "" */
	struct pb_map *lookers; /* steps in CHECKING, by ARN of an alarm they look at */
	int64_t audit_at; /* 0 = nothing is open */
	char *past_id; /* the last of the past that somebody was refused, and noted; not recorded */
	int64_t past_at;
	int64_t wall_ahead; /* wall clock minus durable time; told anew at each start */
	int64_t boot_at; /* of this process; what was polled before it is old knowledge */
	int64_t day; /* of the last incident id, days since 1970 */
	int64_t day_number; /* last number of that day */
	int64_t own_number; /* last one of ids that go with this process, which has no store */
};

#endif
