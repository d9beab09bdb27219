/*
 * The configuration model: one immutable, counted set made from all files, with a digest.
 *
 * Format: playbook.5.  Everything the engine and the daemon need to know stands here in its final
 * type; names are resolved to indices, defaults are filled in.
 */
#ifndef PB_PLAYBOOK_CONFIG_H
#define PB_PLAYBOOK_CONFIG_H

#include <jansson.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "event/event.h"
#include "pattern/pattern.h"
#include "playbook/zone.h"

#define PB_CONFIG_FILE_MAX (1024 * 1024)
#define PB_CONFIG_FILES_MAX 10000
#define PB_NONE SIZE_MAX /* an index that points to nothing */

struct pb_retrier {
	char **errors; /* States.ALL stands alone and last, as in Step Functions */
	size_t n_errors;
	int64_t interval_for; /* before the first retry; default 1s */
	double backoff_rate; /* >= 1; default 2.0 */
	int64_t max_attempts; /* retries, 0 to 99999999; default 3 */
	int64_t max_delay_for; /* 0 = no cap */
	bool jitter_full; /* JitterStrategy FULL; default NONE */
};

#define PB_NEXT_ESCALATE (SIZE_MAX - 1) /* catch Next: escalate */

struct pb_catcher {
	char **errors;
	size_t n_errors;
	size_t next; /* a later step, or PB_NEXT_ESCALATE */
};

struct pb_retry {
	struct pb_retrier *items;
	size_t n;
};

enum pb_effect {
	PB_EFFECT_READ = 0,
	PB_EFFECT_IDEMPOTENT,
	PB_EFFECT_TOKEN,
	PB_EFFECT_CHECK_FIRST,
	PB_EFFECT_ONCE,
	PB_EFFECT_MAX,
};
const char *pb_effect_name(enum pb_effect effect);

enum pb_on_interrupted { PB_INTERRUPTED_RETRY = 0, PB_INTERRUPTED_FAIL, PB_INTERRUPTED_ASK };
enum pb_on_failure {
	PB_FAILURE_STOP = 0,
	PB_FAILURE_CONTINUE,
	PB_FAILURE_GOTO,
	PB_FAILURE_ROLLBACK
};
enum pb_step_kind {
	PB_STEP_EXEC = 0,
	PB_STEP_AWS,
	PB_STEP_VERIFY,
	PB_STEP_WAIT,
	PB_STEP_HTTP,
	PB_STEP_NOTIFY,
	PB_STEP_KIND_MAX
};

/* A condition of `verify`. */
struct pb_condition {
	char *url; /* template, key `http`; NULL = it is about an alarm */
	int64_t status, times, every; /* http: so many answers of this status in a row */
	char *alarm; /* template: an alarm ARN */
	enum pb_alarm_state state;
	int64_t held_for; /* key `for` */
};

struct pb_step;

/* For an attempt's outcome, after its own limit: a program is asked to end, then killed; what has no outcome
 * by then is taken as lost. */
#define PB_OUTCOME_GRACE (15 * PB_SECOND)
#define PB_LOOK_MOST PB_MINUTE /* a check with all its reads, beside the step's timeout */

/*
 * Effect check_first: a read whose output tells whether the effect has taken place.  Its templates
 * also know `inputs`, those of the step's own call filled in.
 */
struct pb_check {
	struct pb_step *read; /* named "STEP.check" */
	struct pb_pattern *done; /* over the read's output */
	json_t *done_json; /* the same as it is written */
	int64_t within_for; /* what it shows is good for so long after the start; 0 = for ever */
};

/*
 * `wait: until_done`: a read that is repeated until what the call started is over.  Its templates
 * also know `inputs` and `output`, the answer of the call.
 */
struct pb_wait {
	struct pb_step *read; /* named "STEP.wait" */
	char *state; /* path in the read's output; "List[].State" are those of all elements */
	char **succeeded, **failed; /* it is over when all have succeeded, or one has failed */
	size_t n_succeeded, n_failed;
	char *reason; /* path in the read's output: why it failed; NULL = none */
	int64_t every_for;
};

struct pb_step {
	char *name;
	enum pb_step_kind kind;
	struct pb_pattern *condition; /* key `if`, over the context; NULL = always */
	size_t next; /* after success: a later step; PB_NONE = the one behind */
	char **argv; /* exec: templates */
	size_t n_argv;
	char *service, *operation; /* aws: "sqs", "SendMessage" */
	json_t *inputs; /* aws: object with templates in its texts */
	char *method, *url; /* http: default GET; a template */
	json_t *body; /* http: a text goes as text, anything else as JSON; NULL = none */
	int64_t status; /* http: the one wanted; 0 = any of 2xx */
	size_t *via, *to; /* notify: channels, and contacts; without contacts the channels alone */
	size_t n_via, n_to;
	char *subject, *text; /* notify: templates; subject NULL = the incident's title */
	char *token; /* aws: the input that makes it repeatable, ours to fill in; NULL = none */
	struct pb_check *check; /* effect check_first only */
	struct pb_wait *wait; /* NULL = it is done when the call is answered */
	json_t *facts; /* aws: what was known of the call when the set was accepted */
	struct pb_condition *conditions; /* verify: key `all` */
	size_t n_conditions;
	int64_t timeout_for; /* whole step with its retries; default 60s; wait: its `for` */
	int64_t attempt_timeout_for; /* one attempt; 0 = as the step */
	struct pb_retry retry; /* the step's own, else defaults.retry, else built in */
	bool has_own_retry;
	struct pb_catcher *catchers;
	size_t n_catchers;
	enum pb_on_failure on_failure;
	size_t on_failure_next; /* PB_FAILURE_GOTO: index of a later step */
	enum pb_effect effect;
	enum pb_on_interrupted on_interrupted;
	struct pb_step *rollback; /* its undo, named "STEP.rollback"; NULL = none */
};

struct pb_contact {
	char *name;
	char *sns_phone; /* NULL = none */
	char *sns_topic;
};

enum pb_channel_type { PB_CHANNEL_SNS = 0, PB_CHANNEL_EXEC, PB_CHANNEL_HTTP };
struct pb_channel {
	char *name;
	enum pb_channel_type type;
	char *topic; /* sns: ARN */
	char **argv; /* exec: no templates; the page is JSON on stdin */
	size_t n_argv;
	char *url; /* http: the page is POSTed as JSON */
	char *credential; /* http: of the unit, a bearer token; NULL = none */
	char *helper; /* exec: socket of playbookd-exec; NULL = a direct child */
};

/* Instants; until_at is out of it already. */
struct pb_override {
	size_t *people; /* contacts */
	size_t n_people; /* 0 = nobody is on call */
	int64_t from_at, until_at;
};

struct pb_schedule {
	char *name;
	char *tz;
	struct pb_zone *zone;
	char *zone_base64; /* its bytes, kept with the plan */
	size_t *people; /* contacts, in order; at least one */
	size_t n_people;
	int64_t every_for; /* whole hours, by the wall */
	int64_t anchor_wall; /* when a shift of people[0] begins, on the wall (playbook/zone.h) */
	struct pb_override *overrides; /* the last one that covers an instant counts */
	size_t n_overrides;
};
/* Who is on call at `now`: contacts, good as long as the configuration. */
void pb_schedule_on_call(
    const struct pb_schedule *s, int64_t now, const size_t **ret_people, size_t *ret_n);

struct pb_level {
	size_t *notify; /* contacts */
	size_t n_notify;
	size_t *schedules; /* of notify: schedule:NAME */
	size_t n_schedules;
	bool skip_if_empty; /* nobody on call: the next level at once; never so for all levels */
	size_t *via; /* channels */
	size_t n_via;
	int64_t after_for; /* from the first page of the ladder; ascending; 0 for the first level */
	int64_t repeat_every; /* 0 = no repeats */
	int64_t repeat_max;
};

struct pb_escalation {
	char *name;
	struct pb_level *levels;
	size_t n_levels;
	int64_t ack_expires_for; /* default 1h; an acknowledgement never lasts for ever */
	int64_t cycles_max; /* passes in all, 1 to 100; default 1 */
	size_t
	    cycles_from; /* level at which the second pass and later ones begin; default the first */
	int64_t fallback_after_for; /* a contact not reached for so long is paged by fallback_via */
	size_t *fallback_via; /* channels */
	size_t n_fallback_via; /* 0 = no fallback */
	/* Incidents alike in these fields of the context are paged together; NULL = each by itself. */
	char **group_by; /* "playbook", "severity", "alarm.region", "event.detail.x" */
	size_t n_group_by; /* 0 with group_by = all of them together */
	int64_t group_wait_for; /* a new group collects so long; default 30s */
	int64_t group_interval_for; /* between first pages of a group; default 5m */
	/* More incidents than `over` that want a first page `within` are told by summaries, `every`. */
	int64_t storm_over, storm_within, storm_every; /* default 20, 1m, 10m */
};

/* observe: record what would run; propose: a human starts it; approve: each unsafe step asks. */
enum pb_mode {
	PB_MODE_OBSERVE = 0,
	PB_MODE_PROPOSE,
	PB_MODE_APPROVE,
	PB_MODE_AUTO,
	PB_MODE_MAX,
};
const char *pb_mode_name(enum pb_mode mode);

/* Runs that several playbooks share; a run takes one, which comes back `per` later. */
struct pb_budget {
	char *name;
	int64_t max;
	int64_t per_for;
	bool empty_approves; /* when_empty: approve; else page */
};

/* What holds a run back.  Templates with "start" know event, alarm, incident, params and host. */
struct pb_guards {
	enum pb_mode mode; /* default auto */
	int64_t
	    cooldown_for; /* from the end of a run to the next of its key; default 5m, 0 = none */
	char *cooldown_key; /* start template; NULL = the incident's key */
	int64_t concurrency_max; /* runs that hold the lock; 0 = any number */
	char *lock; /* start template, named across playbooks; NULL = the playbook's name */
	int64_t rate_max, rate_per; /* runs of the playbook; 0 = any number */
	char *targets_from; /* template of a list or a text; NULL = no such guard */
	int64_t targets_max; /* default 1 */
	char *percent_of; /* template of a number; NULL = no such limit */
	int64_t percent; /* of percent_of, rounded down */
	size_t targets_after; /* unsafe steps from this index on are held back */
	size_t budget; /* PB_NONE = none */
	int64_t breaker_failures, breaker_within; /* failed runs of the playbook; 0 = no breaker */
	bool breaker_approves; /* then: approve; else page */
	/* Runs with one cooldown key; never 0, so that there is a ceiling. */
	int64_t recurrence_runs, recurrence_within;
	bool recurrence_approves; /* then: approve (default); else page */
	/* An incident that was reopened so often within is flapping. */
	int64_t flap_times, flap_within;
};

/* When people last looked at a playbook. */
struct pb_review {
	int64_t at; /* the date's midnight, UTC; 0 = nobody says */
	char *by; /* NULL or text */
	int64_t every_for; /* 0 = not due again */
	int64_t drill_every_for; /* without a run for so long it wants a drill; 0 = never */
};

/* Notices to stakeholders, apart from paging. */
struct pb_inform {
	char *audience; /* unique in its playbook */
	size_t *via; /* channels; their own addresses */
	size_t n_via;
	int64_t after_for; /* from the opening to the first */
	int64_t every_for; /* from one to the next; 0 = there is one only */
	bool until_acked; /* until: acknowledged; else resolved */
	char *text; /* start template */
};

struct pb_playbook {
	char *name;
	char *summary, *docs, *objective, *severity,
	    *owner; /* NULL or text; severity default "error" */
	struct pb_pattern *match;
	bool looks_further; /* continue: playbooks behind it are asked too */
	bool resolve_on_ok; /* resolve_on: alarm_ok (default for alarms) */
	struct pb_pattern *resolve_on; /* or a pattern, NULL = none; an event that fits ends it */
	uint32_t end_id; /* of resolve_on in the configuration's matcher */
	char *
	    *inhibited_by; /* names of playbooks; while one has an open incident, this one waits */
	size_t n_inhibited_by;
	char *dedup; /* template; NULL = the default of the event's kind */
	int64_t hold_for, page_by_for, max_age_for, verify_timeout_for;
	int64_t reopen_within_for; /* from its end; what comes later opens another; 0 = all does */
	struct pb_review reviewed;
	struct pb_guards guards;
	json_t *params; /* name -> template or value; NULL = none */
	struct pb_step *steps;
	size_t n_steps;
	size_t escalation; /* never PB_NONE */
	struct pb_inform *inform;
	size_t n_inform;
	char *file; /* where it stands, for messages */
	int line;
};

/*
 * A maintenance window: when it is open, what fits `match` is not remediated and pages nobody.
 *
 * It opens at the first instant of its start on the wall and closes at the last of its end, but is
 * open for no less than its length: where clocks are set back it is longer, and where its start is
 * skipped it begins at the jump.
 */
struct pb_maintenance {
	char *name;
	struct pb_pattern *match;
	char *tz;
	struct pb_zone *zone;
	char *zone_base64; /* its bytes, kept with the plan */
	bool is_once;
	int64_t start_wall; /* once: on the wall; else ms after midnight */
	int64_t length_for; /* on the wall; at most PB_MAINTENANCE_MAX */
	unsigned days; /* not once: bits of the days it opens on, 0 = sun */
	int64_t expires_wall; /* it does not open at or after this; PB_NEVER = no end */
	bool blocks_remediation, holds_pages; /* one of them at least */
	bool tells_recovered; /* at_end: recovered: summary */
	char *owner; /* NULL = nobody is named */
};
#define PB_MAINTENANCE_MAX (30 * PB_DAY)
/* Is it open at `now`, since when and until when?  Outputs are untouched when it is not. */
bool pb_maintenance_is_open(
    const struct pb_maintenance *m, int64_t now, int64_t *ret_from_at, int64_t *ret_until_at);
/* When it opens the next time after `now`; PB_NEVER when it does not any more. */
int64_t pb_maintenance_next_at(const struct pb_maintenance *m, int64_t now);

/* Why a request must not go there, NULL when it may: https, or http to this host. */
const char *pb_url_refused(const char *url);

/*
 * The longest possible way through a playbook: jumps go forward only, so there is one.  Each step
 * counts with its whole timeout, a rollback with those of all undos before it, a playbook without
 * `verify` with its implicit verification too.
 */
struct pb_way {
	size_t *steps; /* in order */
	size_t n;
	int64_t run_for; /* from the first step's start to the run's end, at most */
	int64_t human_for; /* from the event until a human is paged, at most: the run's failure
			      or page_by, what comes first; page_by where a lock may keep
			      the run waiting, or mode: observe lets none begin */
};
void pb_playbook_way(const struct pb_playbook *p, struct pb_way *ret);
void pb_way_fini(struct pb_way *w);

enum pb_unmatched { PB_UNMATCHED_DROP = 0, PB_UNMATCHED_ESCALATE };

enum pb_source_type { PB_SOURCE_CLOUDWATCH = 0, PB_SOURCE_SQS };
struct pb_source {
	char *name;
	enum pb_source_type type;
	char *region; /* NULL = daemon.aws.region or the environment's */
	/* cloudwatch */
	int64_t interval_for; /* default 20s */
	bool metric_alarms, composite_alarms;
	char *name_prefix; /* "" = all */
	int64_t backfill_for; /* 0 = none; default 2h */
	bool honours_mutes; /* CloudWatch's mute rules keep pages back; default false */
	/* sqs */
	char *queue_url;
	int64_t wait_for; /* 0 to 20s; default 20s */
	int64_t visibility_for; /* default 2m */
	int64_t receivers; /* 1 to 10; default 1 */
	int64_t quarantine_after; /* receives; default 5 */
};

/* What callers of the API may do; each holds the ones before it. */
enum pb_api_role {
	PB_API_VIEW,
	PB_API_OPERATE,
	PB_API_ADMIN,
	PB_API_ROLE_MAX,
};
const char *pb_api_role_name(enum pb_api_role role); /* "view", ... */
struct pb_group_names {
	char **names;
	size_t n;
};

#define PB_EXEC_SOCKET_DEFAULT "/run/playbookd-exec.sock"

/* What of the past is kept; the older of age and number goes. */
struct pb_retention {
	int64_t age_for; /* 1d to 3650d */
	int64_t incidents; /* resolved ones */
	int64_t events; /* as they came, for why, export and backtest; 0 = none */
	int64_t notes; /* of no incident */
	int64_t quarantine;
};

struct pb_config_file {
	char *name; /* as given: path or "plan" */
	char *text;
	size_t len;
};

struct pb_config_item {
	unsigned section;
	size_t index; /* in its section */
	char *name;
	unsigned char sum[16]; /* of its value, however it is laid out */
};

struct pb_config {
	unsigned refs;
	char digest[PB_SHA256_TEXT]; /* of the files' names (without folder) and bytes, in order */
	struct pb_config_file *files;
	size_t n_files;

	char *state_dir; /* NULL = $STATE_DIRECTORY, else /var/lib/playbookd */
	char *api_socket; /* NULL = $RUNTIME_DIRECTORY/playbookd.sock, else
			     /run/playbookd/playbookd.sock */
	char *metrics_listen; /* "ADDRESS:PORT"; NULL = only over the API */
	/* daemon.api.view, operate and admin: names of groups; all empty = who opens the socket may
	 * do all. */
	struct pb_group_names api_groups[PB_API_ROLE_MAX];
	char *aws_region; /* NULL = the environment's */
	/* Socket of playbookd-exec, which runs programs; NULL = direct children (driver: child). */
	char *exec_helper;
	struct pb_retention retention; /* daemon.retention */
	int64_t output_capture_max; /* defaults.output.capture; default 64 KiB */

	struct pb_source *sources;
	size_t n_sources;
	struct pb_channel *channels;
	size_t n_channels;
	struct pb_contact *contacts;
	size_t n_contacts;
	struct pb_schedule *schedules;
	size_t n_schedules;
	struct pb_escalation *escalations;
	size_t n_escalations;
	struct pb_budget *budgets;
	size_t n_budgets;
	struct pb_maintenance *maintenance;
	size_t n_maintenance;
	struct pb_playbook *playbooks;
	size_t n_playbooks;
	/*
	 * Of all patterns that events meet, as pb_event_read_body wants it: ids are indices of
	 * playbooks; from n_playbooks on those of their resolve_on, n_ends of them, see end_id; behind
	 * them indices of maintenance windows.
	 */
	struct pb_matcher *matcher;
	size_t n_ends;

	struct pb_config_item *items; /* all that has a name; see pb_config_item_fate */
	size_t n_items;

	enum pb_unmatched unmatched_alarms, unmatched_events;
	size_t unmatched_escalation; /* PB_NONE when nothing unmatched escalates */
};

/* All errors at once. */
struct pb_problems {
	char *
	    *texts; /* "file:line:column: message (did you mean ...?)", in order of file and line */
	size_t n; /* at most PB_PROBLEMS_MAX; the last one then says how many more */
};
#define PB_PROBLEMS_MAX 200
void pb_problems_fini(struct pb_problems *p);

/*
 * What the AWS client can do, as the loader needs it.  Returns 0 with what is known of the call;
 * PB_NOT_FOUND with "did you mean" in err for an unknown service or operation; PB_INVALID names an
 * input that is unknown or missing.  `inputs` is the object of the step.  *ret_facts is the caller's:
 *   {"effect": "token", "token": "ClientToken",
 *    "check": {"operation", "inputs": {..}, "done": {pattern}, "within": MS},
 *    "wait": {"operation", "inputs": {..}, "state": PATH, "succeeded": [..], "failed": [..],
 *             "reason": PATH}}
 * All but effect may be absent; what a plan needs of it is kept with the plan.
 */
typedef int pb_aws_check(const char *service, const char *operation, const json_t *inputs,
    json_t **ret_facts, struct pb_error *err);

/*
 * Make one set of the files, in the order given.  On failure returns -1 with all problems.
 * `aws_check` may be NULL (plans restored from the store were checked before).
 */
int pb_config_parse(const struct pb_config_file *files, size_t n_files, pb_aws_check *aws_check,
    struct pb_config **ret, struct pb_problems *problems);

struct pb_config *pb_config_ref(struct pb_config *c);
void pb_config_unref(struct pb_config *c); /* takes NULL */
static inline void
pb_config_unrefp(struct pb_config **c)
{
	pb_config_unref(*c);
}

/* The digest that a set of these files has; they need not be valid. */
void pb_config_digest(const struct pb_config_file *files, size_t n, char ret[PB_SHA256_TEXT]);

/* The set as JSON for PB_REC_CONFIG, {"files":[{"name","text"}]}, and back (file names, not
 * folders). */
json_t *pb_config_to_json(const struct pb_config *c);
int pb_config_from_json(const json_t *j, struct pb_config **ret, struct pb_error *err);

size_t
pb_config_find_playbook(const struct pb_config *c, const char *name); /* PB_NONE when absent */

/*
 * What became of a name from one set to the next.  `word` is what messages call it: "playbook",
 * "channel", "contact", "schedule", "escalation" ...
 */
enum pb_item_fate { PB_ITEM_SAME, PB_ITEM_CHANGED, PB_ITEM_GONE, PB_ITEM_NEW };
enum pb_item_fate pb_config_item_fate(
    const struct pb_config *from, const struct pb_config *to, const char *word, const char *name);
/* "playbooks new a; changed b. channels gone c" for people; adds nothing where nothing differs. */
void
pb_config_add_changes(const struct pb_config *from, const struct pb_config *to, struct pb_buf *b);

/*
 * A file that is a mere beginning of the one in force, and ends within something that it names, was
 * most likely cut off: PB_INVALID.
 */
int pb_config_check_cut(
    const struct pb_config *in_force, const struct pb_config *c, struct pb_error *err);

/* Built in where the configuration says nothing; the sources of the numbers are in playbook.5. */
#define PB_DEFAULT_PAGE_BY (5 * PB_MINUTE)
#define PB_DEFAULT_COOLDOWN (5 * PB_MINUTE)
#define PB_DEFAULT_MAX_AGE (15 * PB_MINUTE)
#define PB_DEFAULT_VERIFY_TIMEOUT (10 * PB_MINUTE)
#define PB_DEFAULT_STEP_TIMEOUT PB_MINUTE
#define PB_DEFAULT_ACK_EXPIRES PB_HOUR
#define PB_DEFAULT_RETENTION_AGE (400 * PB_DAY) /* the same month of last year can be compared */
#define PB_DEFAULT_RETENTION_INCIDENTS 10000
#define PB_DEFAULT_RETENTION_EVENTS 20000
#define PB_DEFAULT_RETENTION_NOTES 100000
#define PB_DEFAULT_RETENTION_QUARANTINE 1000
#define PB_DEFAULT_GROUP_WAIT (30 * PB_SECOND)
#define PB_DEFAULT_GROUP_INTERVAL (5 * PB_MINUTE)
#define PB_DEFAULT_STORM_OVER 20
#define PB_DEFAULT_STORM_WITHIN PB_MINUTE
#define PB_DEFAULT_STORM_EVERY (10 * PB_MINUTE)
#define PB_DEFAULT_REOPEN_WITHIN (10 * PB_MINUTE) /* of unmatched events too */
#define PB_REOPEN_WITHIN_MAX PB_DAY /* how far back a start looks for what may be reopened */
#define PB_DEFAULT_RECURRENCE_RUNS 10
#define PB_DEFAULT_RECURRENCE_WITHIN (7 * PB_DAY)
#define PB_DEFAULT_FLAP_TIMES 3 /* unmatched ones too */
#define PB_DEFAULT_FLAP_WITHIN PB_HOUR

#endif
