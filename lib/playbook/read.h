/*
 * Reading the configuration: a tree of nodes with marks, a list of problems, and readers that are
 * driven by one table for each mapping of the format.
 *
 * Nothing here stops at the first error: a reader notes a problem and leaves the field as it was.
 */
#ifndef PB_PLAYBOOK_READ_H
#define PB_PLAYBOOK_READ_H

#include "base/json.h"
#include "playbook/config.h"

#define PB_YAML_DEPTH_MAX 32

enum pb_node_kind {
	PB_NODE_SCALAR = 0,
	PB_NODE_LIST,
	PB_NODE_MAP,
};

struct pb_node {
	enum pb_node_kind kind;
	int line, column; /* from 1 */
	bool is_flow; /* a list or mapping in brackets or braces */
	bool is_plain; /* a scalar without quotes: the schema types it */
	char *text; /* scalars only; has no NUL inside */
	size_t len;
	struct pb_node **keys; /* maps only; scalars */
	struct pb_node **items;
	size_t n;
};
void pb_node_free(struct pb_node *n); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_node, pb_node_free)
/* The value of a key, NULL when absent or n is no mapping. */
struct pb_node *pb_node_get(const struct pb_node *n, const char *key);
/* The node at a place of the JSON made of n, "detail.state[0].prefix": as deep as it can be followed. */
const struct pb_node *pb_node_at(const struct pb_node *n, const char *path);

/* The sections of the set, and what a name of each is called in messages. */
enum pb_section {
	PB_SECTION_SOURCES = 0,
	PB_SECTION_CHANNELS,
	PB_SECTION_CONTACTS,
	PB_SECTION_SCHEDULES,
	PB_SECTION_ESCALATIONS,
	PB_SECTION_BUDGETS,
	PB_SECTION_PLAYBOOKS,
	PB_SECTION_MAINTENANCE,
	PB_SECTION_MAX,
};

const char *pb_section_word(enum pb_section section); /* "channel" */

struct pb_section_item {
	size_t file;
	struct pb_node *node;
};

struct pb_section_items {
	struct pb_section_item *items;
	size_t n, size;
	struct pb_map *names; /* name -> 1 + place in items */
};

/* config_diff.c: what of each name stands in the set, to tell it from another set's. */
struct pb_loader;
void pb_config_note_items(const struct pb_loader *l, struct pb_config *c);

struct pb_problem {
	size_t file;
	int line, column;
	char *text;
};

struct pb_loader {
	const struct pb_config_file *files;
	size_t n_files;
	struct pb_node **roots; /* by file; NULL where there is no tree */
	size_t file; /* the one at hand */

	struct pb_problem *problems;
	size_t n_problems, size_problems, n_more;

	bool keeps_digits; /* JSON that is read is a pattern's: see pattern/exact.h */
	bool is_stored; /* a plan out of the store, which was checked when it was new */
	/* Something could not be read at all, so that a name that is missing may stand there. */
	bool is_partial;
	struct pb_section_items sections[PB_SECTION_MAX];
	struct pb_node *daemon, *defaults, *unmatched; /* the one of the set */
	size_t daemon_file, defaults_file, unmatched_file;

	struct pb_config *config;
	pb_aws_check *aws_check;
	const json_t *known_zones; /* name -> base64; NULL unless restored from the store */
	/* By playbook and step; NULL unless restored from the store, where an older one has texts. */
	const json_t *known_calls, *known_effects;

	/* `defaults`, for what playbooks and steps leave open. */
	int64_t page_by_for, hold_for, max_age_for, verify_timeout_for;
	struct pb_retry retry;

	/* The playbook and the step being read; n_earlier steps may be named in templates. */
	struct pb_playbook *playbook;
	const struct pb_node *steps, *params;
	size_t step;
	bool is_undo; /* its rollback is being read */
	bool is_check; /* the check of either is: templates know `inputs` */
};

/* Note a problem at a node; NULL is the beginning of the file at hand. */
void
pb_problem_add(struct pb_loader *l, const struct pb_node *at, const char *fmt, ...) PB_PRINTF(3, 4);
void
pb_problem_add_at(struct pb_loader *l, int line, int column, const char *fmt, ...) PB_PRINTF(4, 5);
/* Hand over what was noted, in order of file and line; the list is empty afterwards. */
void pb_problems_finish(struct pb_loader *l, struct pb_problems *ret);
/* ` (did you mean "x"?)` or "". */
const char *pb_suggest(char out[96], const char *word, const char *const *words, size_t n);
/* A scalar's text, safe to show and not long. */
const char *pb_shown(char out[96], const char *text);
#define PB_SHOWN(text) pb_shown((char[96]){0}, (text))
#define PB_SUGGEST(word, words, n) pb_suggest((char[96]){0}, (word), (words), (n))

/* The tree of the file at hand, or NULL with problems noted. */
struct pb_node *pb_yaml_read(struct pb_loader *l, struct pb_str text);

/* --- typed readers */

enum pb_field_type {
	PB_FIELD_TEXT = 0, /* char *; at most `max` bytes, 0 = 1024 */
	PB_FIELD_DURATION, /* int64_t, between min and max */
	PB_FIELD_INT, /* int64_t, between min and max */
	PB_FIELD_SIZE, /* int64_t, between min and max */
	PB_FIELD_BOOL, /* bool */
	PB_FIELD_CUSTOM, /* by `read`; obj is what the table reads into */
	PB_FIELD_SEEN, /* read elsewhere */
	PB_FIELD_ELSEWHERE, /* of the format, and not of this mapping; `note` says where */
};

struct pb_field {
	const char *key;
	enum pb_field_type type;
	bool is_required;
	size_t offset;
	int64_t min, max;
	void (*read)(struct pb_loader *l, const struct pb_node *n, void *obj);
	const char *note;
};

/*
 * Told of each table that a mapping is read by, under the name of the mapping: for what must agree with
 * all of them, as the schema for editors.  NULL = nobody.
 */
typedef void pb_table_fn(const char *what, const struct pb_field *fields, size_t n_fields);
void pb_read_on_table(pb_table_fn *fn);
/* Read a mapping by its table; `what` names it in messages.  Fails when n is no mapping. */
int pb_read_map(struct pb_loader *l, const struct pb_node *n, const char *what,
    const struct pb_field *fields, size_t n_fields, void *obj);
#define PB_READ_MAP(l, n, what, fields, obj)                                                       \
	pb_read_map((l), (n), (what), (fields), PB_ARRAY_LEN(fields), (obj))

/* A scalar's text, or NULL with a problem noted (wrong kind, empty). */
const char *pb_read_scalar(struct pb_loader *l, const struct pb_node *n);
int pb_read_text(struct pb_loader *l, const struct pb_node *n, size_t max, char **ret);
int pb_read_duration(
    struct pb_loader *l, const struct pb_node *n, int64_t min, int64_t max, int64_t *ret);
int
pb_read_int(struct pb_loader *l, const struct pb_node *n, int64_t min, int64_t max, int64_t *ret);
int pb_read_number(struct pb_loader *l, const struct pb_node *n, double min, double *ret);
/* One of `words`; *ret is its place. */
int pb_read_word(struct pb_loader *l, const struct pb_node *n, const char *const *words,
    size_t n_words, size_t *ret);
/* Is it a list of at most `max`?  Else a problem is noted. */
bool pb_read_is_list(
    struct pb_loader *l, const struct pb_node *n, const char *what, size_t min, size_t max);
/* A list of texts, each of at most 4096 bytes. */
int pb_read_texts(struct pb_loader *l, const struct pb_node *n, const char *what, size_t min,
    size_t max, char ***ret, size_t *ret_n);
/* A name of our own: letters, digits, '-', '_', '.', at most 100 bytes. */
int pb_read_name(struct pb_loader *l, const struct pb_node *n, const char *what, char **ret);
/* A topic's ARN. */
int pb_read_topic(struct pb_loader *l, const struct pb_node *n, char **ret);
/* A reference into a section; *ret is the place. */
int pb_read_reference(
    struct pb_loader *l, const struct pb_node *n, enum pb_section section, size_t *ret);
/* The same for `text`, a part of the node's. */
int pb_read_name_of(struct pb_loader *l, const struct pb_node *n, const char *text,
    enum pb_section section, size_t *ret);
/* The node as JSON: plain scalars by JSON's grammar, quoted ones are text.  NULL with problems. */
json_t *pb_read_json(struct pb_loader *l, const struct pb_node *n);
/* argv: the first is an absolute path; templates are the caller's business. */
int pb_read_argv(struct pb_loader *l, const struct pb_node *n, char ***ret, size_t *ret_n);
void pb_texts_free(char **texts, size_t n);

/* --- the parts of the format */

/* config.c: "version: 1", of every file. */
void pb_read_version(struct pb_loader *l, const struct pb_node *n, void *obj);

void pb_read_daemon(struct pb_loader *l); /* config_daemon.c: daemon, defaults, unmatched */
void pb_read_defaults(struct pb_loader *l);
void pb_read_unmatched(struct pb_loader *l);
void pb_read_source(struct pb_loader *l, const struct pb_node *n, struct pb_source *ret);
void pb_read_channel(struct pb_loader *l, const struct pb_node *n, struct pb_channel *ret);
void pb_read_contact(struct pb_loader *l, const struct pb_node *n, struct pb_contact *ret);
/* config_wall.c; a zone's name, what its file says, and the file for the store */
void pb_read_tz(struct pb_loader *l, const struct pb_node *n, char **ret_tz,
    struct pb_zone **ret_zone, char **ret_base64);
bool pb_parse_date(const char *s, int64_t *ret); /* begins with "2026-01-05"; days since 1970 */
bool pb_parse_clock(const char *s, int64_t *ret); /* is "10:00"; ms after midnight */
int pb_parse_weekday(const char *s); /* begins with "sun", ...; 0 = sun, -1 = none */
int pb_read_date(struct pb_loader *l, const struct pb_node *n, int64_t *ret);
/* "2026-12-24 18:00" as a wall time. */
int pb_read_wall(struct pb_loader *l, const struct pb_node *n, int64_t *ret);
void pb_read_maintenance(struct pb_loader *l, const struct pb_node *n, struct pb_maintenance *ret);
void pb_maintenance_fini(struct pb_maintenance *m);
/* config_match.c; a pattern, `what` names it in messages; one over events is held to what they have */
void pb_read_pattern(
    struct pb_loader *l, const struct pb_node *n, const char *what, struct pb_pattern **ret);
void pb_read_event_pattern(
    struct pb_loader *l, const struct pb_node *n, const char *what, struct pb_pattern **ret);
/* A playbook's `match`, by which incidents are opened. */
void pb_read_match(struct pb_loader *l, const struct pb_node *n, struct pb_pattern **ret);
void pb_read_schedule(struct pb_loader *l, const struct pb_node *n, struct pb_schedule *ret);
void pb_schedule_fini(struct pb_schedule *s);
void pb_read_escalation(struct pb_loader *l, const struct pb_node *n, struct pb_escalation *ret);
/* config_guard.c; `playbook` is the mapping that may hold the key.  Params are read before the steps,
 * guards after them and page_by. */
void pb_read_params(struct pb_loader *l, const struct pb_node *playbook);
void pb_read_guards(struct pb_loader *l, const struct pb_node *playbook);
void pb_guards_fini(struct pb_guards *g);
void pb_read_budget(struct pb_loader *l, const struct pb_node *n, struct pb_budget *ret);
void pb_read_inform(struct pb_loader *l, const struct pb_node *n, struct pb_playbook *p);
void pb_inform_fini(struct pb_inform *i);
void pb_read_playbook(struct pb_loader *l, const struct pb_node *n, struct pb_playbook *ret);
/* config_step.c; the names of all steps of l->playbook are set before. */
void pb_read_step(struct pb_loader *l, const struct pb_node *n, struct pb_step *ret);
/* The readers of an action's own words, for what stands inside a step too. */
void pb_read_step_argv(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_read_step_inputs(struct pb_loader *l, const struct pb_node *n, void *obj);
int pb_read_action(struct pb_loader *l, const struct pb_node *step, struct pb_step *s);
void pb_step_begin(struct pb_step *s);
/* config_look.c: check and wait.  Complete: with what is known of the step's call, facts or NULL. */
void pb_read_check(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_complete_check(struct pb_loader *l, const struct pb_node *step, struct pb_step *s);
void pb_complete_wait(struct pb_loader *l, const struct pb_node *step, struct pb_step *s);
/* config_notify.c */
void pb_read_notify_via(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_read_notify_to(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_read_notify_subject(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_read_notify_text(struct pb_loader *l, const struct pb_node *n, void *obj);
/* config_escalation.c: names to places in a section, none of them twice; "schedule:..." is passed over. */
void pb_read_references(struct pb_loader *l, const struct pb_node *n, enum pb_section section,
    const char *what, size_t **ret, size_t *ret_n);
/* config_retry.c */
void pb_read_retry(struct pb_loader *l, const struct pb_node *n, struct pb_retry *ret);
void pb_read_catch(struct pb_loader *l, const struct pb_node *n, struct pb_step *step);
void pb_retry_copy(struct pb_retry *to, const struct pb_retry *from);
void pb_retry_fini(struct pb_retry *r);
void pb_retry_builtin(struct pb_retry *ret);
void pb_catchers_free(struct pb_catcher *catchers, size_t n);
/* config_template.c: templates in a text and in every text of a JSON value. */
enum pb_template_use {
	PB_TEMPLATE_STEP = 0, /* all of the context; steps that stand before */
	PB_TEMPLATE_PARAM, /* when a run begins: no steps, and params have not been made yet */
	PB_TEMPLATE_START, /* the same with params */
	PB_TEMPLATE_DEDUP, /* event and alarm only: there is no incident yet */
};
void pb_check_template(
    struct pb_loader *l, const struct pb_node *n, const char *text, enum pb_template_use use);
void pb_check_templates(struct pb_loader *l, const struct pb_node *n);
/* The fields of a pattern over the context, as a template's paths: steps that stand before. */
void pb_check_condition(struct pb_loader *l, const struct pb_node *n);
/* The place of a step of l->playbook by name, PB_NONE when there is none. */
size_t pb_find_step(const struct pb_loader *l, const char *name);
/* A node that names a step behind the one at hand; PB_NONE with a problem.  `others`: what else fits, NULL = nothing. */
size_t pb_read_later_step(struct pb_loader *l, const struct pb_node *n, const char *others);
void pb_check_rollbacks(struct pb_loader *l, const struct pb_node *n);
/* config_http.c */
void pb_read_url(struct pb_loader *l, const struct pb_node *n, char **ret);
void pb_read_http_condition(struct pb_loader *l, const struct pb_node *n, struct pb_condition *ret);
void pb_read_step_url(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_read_step_method(struct pb_loader *l, const struct pb_node *n, void *obj);
void pb_read_step_body(struct pb_loader *l, const struct pb_node *n, void *obj);
enum pb_effect pb_http_effect(const char *method);
/* config_way.c: every step of l->playbook can be reached; n is the list of steps. */
void pb_check_reach(struct pb_loader *l, const struct pb_node *n);

#endif
