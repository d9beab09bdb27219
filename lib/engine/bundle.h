/*
 * Bundles: incidents of one escalation that are paged together.  Not for others than the engine.
 *
 * A group (group.c) is of incidents alike in the fields of `group_by`; a storm (storm.c) is of all that
 * come while too many want a first page.  A bundle only gathers: each member keeps its own ladder with
 * its own deadlines, and a member whose deadline comes takes the others that wait along.  So a bundle
 * that is lost costs nobody a page.
 *
 * Its pages are its own (struct outbox) and have a number; a member knows the first number that told of
 * it.  A page names or counts every open member: whoever got one of that number or a later one has been
 * told.
 */
#ifndef PB_ENGINE_BUNDLE_H
#define PB_ENGINE_BUNDLE_H

#include "engine/internal.h"

#define BUNDLE_MAGIC 0xb0cd1e00u
#define BUNDLE_GONE_MAX 10 /* resolved ones that a notice names */

enum bundle_kind { BUNDLE_GROUP, BUNDLE_STORM, BUNDLE_KIND_MAX };
enum bundle_state {
	BUNDLE_OPEN, /* takes members */
	BUNDLE_CALM, /* a storm that is over: those in it go on together */
	BUNDLE_ENDED,
	BUNDLE_STATE_MAX
};
enum bundle_input {
	BUNDLE_JOIN, /* a member is told of for the first time */
	BUNDLE_LEAVE, /* a member of which was told is resolved */
	BUNDLE_DUE,
	BUNDLE_EMPTY, /* no member, nothing to send */
	BUNDLE_INPUT_MAX
};

/* An incident's place in a bundle. */
struct member {
	struct bundle *bundle;
	struct incident *in;
	struct member *next, *prev; /* of the bundle */
	struct member *next_own; /* of the incident */
	int64_t since; /* number of the first page that told of it; 0 = none yet */
	/* Of the last page that told whoever acknowledged it of something new; 0 = of none. */
	int64_t news;
	uint32_t levels; /* bits of those that it pages in this very step */
};

struct bundle_level {
	int64_t sent_at; /* last page; 0 = none */
	bool is_due; /* in this very step */
};

/* One that was resolved since the last notice. */
struct gone {
	char *id, *title, *cause;
};

struct bundle {
	uint32_t magic;
	char *id;
	enum bundle_kind kind;
	enum bundle_state state;
	int64_t state_at, opened_at;
	struct pb_config *config;
	size_t escalation;
	char *key; /* a group's, for people: "playbook=web, alarm.region=eu-west-1" */
	int64_t number; /* of its last page */
	struct bundle_level *levels;
	int64_t n_joined, n_gone; /* of all times: those told of, and those of them resolved */
	int64_t renewed_at; /* a storm's: when too many came last */
	/* resolve notices */
	int64_t notice_at; /* PB_NEVER = nothing to tell */
	int64_t noticed_at, n_notices;
	struct gone gone[BUNDLE_GONE_MAX];
	int64_t n_gone_new; /* since the last notice */
	/* Who hears it: everybody paged since this number, of those no storm told of (0 = none) ... */
	int64_t gone_since;
	json_t *owed; /* ... and these, as "CONTACT@CHANNEL", whom the storm did not reach */

	struct outbox out;
	struct member *first, *last;
	size_t n_open, n_wanting; /* members; those of them that nobody has acknowledged */
	size_t n_news; /* those whose acknowledgement a page of ours told something new */
	struct pb_timer timer;
	bool is_flushing;
	struct bundle *next_flushing;
};

const char *bundle_state_name(enum bundle_state s);
const char *bundle_kind_name(enum bundle_kind k); /* "group", "storm" */
const struct pb_escalation *bundle_escalation(const struct bundle *b);
bool bundle_can_reach(size_t state, size_t input);
/* One without members; `key` is copied. */
struct bundle *
bundle_new(struct turn *t, enum bundle_kind kind, const struct incident *like, const char *key);
struct bundle *bundle_make(struct pb_engine *e, enum bundle_kind kind, struct pb_config *config,
    size_t escalation, const char *id);
void bundle_put(struct turn *t, const struct bundle *b);
struct member *bundle_join(struct bundle *b, struct incident *in, int64_t since);
void bundle_input(struct turn *t, struct bundle *b, enum bundle_input input);
struct member *bundle_member(const struct incident *in, const struct bundle *b);
void bundle_part(struct member *m); /* unlinks and frees it */
/* "DIGEST\nESCALATION" of the incident's plan, with "\nKEY" behind when there is one; the caller's. */
char *bundle_index(const struct pb_config *c, size_t escalation, const char *key);

/* What ladders ask. */
/* The bundle that its pages go with, joined; NULL when it is paged by itself. */
struct bundle *bundle_for(struct turn *t, struct incident *in);
/* When a page to `level` may go: now, or later with others.  `is_first`: nobody was told of it yet. */
int64_t bundle_when(
    struct turn *t, struct bundle *b, const struct incident *in, size_t level, bool is_first);
/* Tell of it with the bundle's next page, which goes out in this step.  False when nobody is on call and
 * the level may be passed over for that. */
bool bundle_tell(struct turn *t, struct bundle *b, struct incident *in, const struct page *like,
    const char *why, bool may_skip);
/* It is resolved: those told of it hear so with the next notice. */
void bundle_leave(struct turn *t, struct incident *in);
/* Its ladder went from one state to another. */
void bundle_ladder_moved(
    struct turn *t, struct incident *in, enum ladder_state from, enum ladder_state to);
json_t *bundle_members_json(const struct incident *in); /* for the ladder's record; NULL = none */
void bundle_set_names(const struct incident *in, json_t *j); /* members "group" and "storm" */

/* Does its page of this number tell of anybody who is open and not acknowledged, or is news to who did? */
bool bundle_is_wanted(const struct bundle *b, int64_t number);

/* What the engine asks. */
void bundle_free(void *b);
void bundle_flush(struct turn *t); /* the pages of this step */
void bundle_tick(struct turn *t);
int64_t bundle_next_at(const struct pb_engine *e);
int64_t bundle_wait_until(const struct bundle *b); /* its own next deadline */
/* By id, or by an end of it: "g7". */
struct bundle *bundle_find(const struct pb_engine *e, const char *id);
struct bundle *bundle_of_action(const struct pb_engine *e, const char *action_id);
void bundle_outcome(struct turn *t, struct bundle *b, const struct pb_outcome *o);
/* All of its open members that nobody has acknowledged; how many. */
size_t bundle_ack(struct turn *t, struct bundle *b, const char *by);
/* The auditor found that it would not go on: whatever it waits for is due now. */
void bundle_mend(struct turn *t, struct bundle *b);
void bundle_boot(struct turn *t);
bool bundle_uses(const struct pb_engine *e, const char *digest); /* a configuration */

/* bundle_member.c */
/* It is resolved: whose pages told of it stays known. */
void bundle_keep_past(struct incident *in);
bool bundle_was_told(const struct member *m);
bool bundle_has_told(const struct incident *in); /* any of its bundles, since it was opened last */
/* Its next page tells whoever acknowledged it of something new. */
void bundle_set_news(struct member *m, int64_t number);
/* What still waits need not go when nobody has to hear of it. */
void bundle_look_who_wants(struct turn *t, struct bundle *b);

/* bundle_notice.c */
/* When those resolved are told of: not each by itself, and at once when none is left. */
int64_t bundle_notice_when(const struct turn *t, const struct bundle *b);
void bundle_send_notices(struct turn *t, struct bundle *b);
/* For the next notice.  False when a storm that told of it too reaches everybody whom this group told:
 * then its notice is enough. */
bool bundle_remember_gone(struct bundle *b, const struct member *m);
void bundle_forget_gone(struct bundle *b);

/* bundle_record.c */
json_t *bundle_json(const struct bundle *b); /* its record's body */
size_t bundle_n_listed(const struct bundle *b); /* of gone */
int bundle_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err);
void bundle_restore_members(struct pb_engine *e, struct incident *in, const json_t *list);

/* group.c */
struct bundle *group_of(struct turn *t, struct incident *in); /* found or begun */
int64_t
group_when(const struct turn *t, const struct bundle *b, const struct incident *in, size_t level);

/* storm.c */
/* An incident wants its first page: are those too many? */
void storm_count(struct turn *t, struct incident *in);
/* The storm that tells of it; NULL when there is none. */
struct bundle *storm_of(const struct turn *t, const struct incident *in);
int64_t storm_when(const struct turn *t, const struct bundle *b, const struct incident *in,
    size_t level, bool is_first);
/* Those whose page_by comes before the next summary may go out. */
void storm_look_ahead(struct turn *t, struct bundle *b);
int64_t storm_calm_at(const struct bundle *b); /* PB_NEVER unless it takes members */
void storm_index(struct pb_engine *e, struct bundle *b);
void storm_end(struct turn *t, struct bundle *b); /* it is calm */
void storm_boot(struct turn *t);
void storm_watch_free(void *w);

/* bundle_text.c */
char *bundle_subject(const struct bundle *b, const struct page *p);
char *bundle_body(const struct turn *t, const struct bundle *b, const struct page *p);
const char *bundle_severity(const struct bundle *b); /* the worst of its members' */
char *bundle_why(const struct bundle *b, size_t level); /* for the note of a page */

#endif
