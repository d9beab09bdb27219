/*
 * A page, or a resolve notice: one text to one contact over one channel.  It lies in an outbox
 * (outbox.c), which says whose it is.
 *
 *	NEW -> SENDING		[send]
 *	SENDING -> SENT		[delivered]
 *	SENDING -> RETRYING	[failed], [lost] there was no answer in time
 *	SENDING -> DROPPED	[failed, lost] a notice after its last try, or of no use meanwhile
 *	SENDING -> SENDING, DROPPED	[send_again] after a restart
 *	RETRYING -> SENDING	[retry]
 *	RETRYING -> DROPPED	[drop] acknowledged, resolved, or a newer page goes the same way; or
 *				[retry] finds that it is of no use any more
 *
 * A page is at least once: a try whose outcome is unknown is tried again under the same page id, by
 * which a reader sees the repeat.  A page is tried until it is delivered or dropped; a notice at most
 * NOTICE_TRIES_MAX times.
 */
#include "bundle.h"

#include "base/json.h"

#define PAGES_KEPT 4 /* of one outbox, to one contact over one channel */

static const char *const state_names[] = {
    [PAGE_NEW] = "new",
    [PAGE_SENDING] = "sending",
    [PAGE_RETRYING] = "retrying",
    [PAGE_SENT] = "sent",
    [PAGE_DROPPED] = "dropped",
};
_Static_assert(PB_ARRAY_LEN(state_names) == PAGE_STATE_MAX, "a name for each state");

const char *
page_state_name(enum page_state s)
{
	return state_names[s];
}

void
page_free(struct page *p)
{
	if (p == NULL)
		return;
	free(p->id);
	free(p->contact);
	free(p->channel);
	free(p->error);
	json_decref(p->spec);
	free(p);
}

static const char *
what(const struct page *p)
{
	return p->is_notice ? "notice" : "page";
}

static void
put(struct turn *t, const struct outbox *o, const struct page *p)
{
	json_t *j = json_object();
	json_object_set_new(j, "is_notice", json_boolean(p->is_notice));
	pb_json_set_i64(j, "level", (int64_t)p->level);
	pb_json_set_i64(j, "repeat", (int64_t)p->repeat);
	pb_json_set_i64(j, "round", p->round);
	pb_json_set_str(j, "contact", p->contact);
	pb_json_set_str(j, "channel", p->channel);
	pb_json_set_i64(j, "decided_at", p->decided_at);
	pb_json_set_i64(j, "next_at", p->next_at);
	if (p->fallback_at != PB_NEVER)
		pb_json_set_i64(j, "fallback_at", p->fallback_at);
	pb_json_set_i64(j, "tries", p->tries);
	pb_json_set_str(j, "error", p->error);
	json_object_set(j, "spec", p->spec);
	pb_update_put(t->u, PB_REC_ACTION, p->id, outbox_id(o), state_names[p->state], j);
}

static void
enter(struct turn *t, struct outbox *o, struct page *p, enum page_state state, int64_t next_at)
{
	p->state = state;
	p->state_at = t->now;
	p->next_at = next_at;
	put(t, o, p);
}

/* Each try is an attempt of its own; the page id before it stays the same. */
static char *
try_id(const struct page *p)
{
	return pb_asprintf("%s/%lld", p->id, (long long)p->tries);
}

/* --- the machine */

static void
send(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)text;
	p->tries++;
	enter(t, o, p, PAGE_SENDING, t->now + PAGE_LIMIT + PB_OUTCOME_GRACE);
	PB_CLEANUP(pb_freep) char *id = try_id(p);
	pb_update_start(t->u, id, outbox_id(o), true, PAGE_LIMIT, p->spec);
}

static void
drop(struct turn *t, struct outbox *o, struct page *p, const char *why)
{
	outbox_note(t, o, what(p), "to %s by %s is dropped: %s", p->contact, p->channel, why);
	p->fallback_at = PB_NEVER;
	enter(t, o, p, PAGE_DROPPED, PB_NEVER);
}

int64_t
page_retry_for(struct pb_engine *e, int64_t tries)
{
	int64_t most = PAGE_RETRY_FIRST;
	for (int64_t i = 1; i < tries && most < PAGE_RETRY_MOST; i++)
		most *= 2;
	if (most > PAGE_RETRY_MOST)
		most = PAGE_RETRY_MOST;
	return most / 2 + pb_rand_below(&e->rand, most / 2 + 1);
}

static void
not_delivered(struct turn *t, struct outbox *o, struct page *p, const char *error)
{
	char *copy = pb_strdup(error), safe[256], span[PB_TIME_TEXT];
	free(p->error);
	p->error = copy;
	(void)pb_safe(safe, sizeof(safe), pb_str_of(error));
	if (p->is_notice && p->tries >= NOTICE_TRIES_MAX) {
		drop(t, o, p, safe);
		return;
	}
	int64_t delay = page_retry_for(t->e, p->tries);
	outbox_note(t, o, what(p), "to %s by %s failed (try %lld): %s; again in %s", p->contact,
	    p->channel, (long long)p->tries, safe, pb_duration_text(span, delay));
	enter(t, o, p, PAGE_RETRYING, t->now + delay);
}

/* Why it is of no use any more, NULL when it is: acknowledged, snoozed or resolved meanwhile. */
static const char *
why_late(const struct outbox *o, const struct page *p)
{
	if (p->is_notice)
		return o->in != NULL && o->in->state != INCIDENT_RESOLVED ? "it was reopened"
									  : NULL;
	if (o->bundle != NULL)
		return bundle_is_wanted(o->bundle, p->round) ? NULL : "resolved or acknowledged";
	if (p->decided_at < incident_began_at(o->in))
		return "it was resolved since";
	/* What was decided since tells whoever acknowledged of something new. */
	if (o->in->ladder.state == LADDER_ACKED && p->decided_at < o->in->ladder.acked_at)
		return "acknowledged";
	if (o->in->ladder.state == LADDER_SNOOZED)
		return "snoozed";
	return o->in->ladder.state == LADDER_CLOSED ? "resolved" : NULL;
}

static void
drop_if_late(struct turn *t, struct outbox *o, struct page *p)
{
	const char *why = why_late(o, p);
	if (why != NULL && p->state == PAGE_RETRYING)
		drop(t, o, p, why);
}

static void
stay(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)t, (void)o, (void)p, (void)text;
}

static void
never(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)t, (void)o, (void)p, (void)text;
	pb_impossible("an input that this state cannot get");
}

static void
delivered(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)text;
	char span[PB_TIME_TEXT];
	outbox_note(t, o, what(p), "to %s by %s delivered after %s", p->contact, p->channel,
	    pb_duration_text(span, t->now - p->decided_at));
	p->fallback_at = PB_NEVER;
	enter(t, o, p, PAGE_SENT, PB_NEVER);
}

static void
failed(struct turn *t, struct outbox *o, struct page *p, const char *error)
{
	not_delivered(t, o, p, error);
	drop_if_late(t, o, p);
}

static void
lost(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)text;
	PB_CLEANUP(pb_freep) char *id = try_id(p);
	pb_update_cancel(t->u, id);
	failed(t, o, p, "no outcome in time");
}

static void
retry(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	const char *late = why_late(o, p);
	if (late != NULL)
		drop(t, o, p, late);
	else
		send(t, o, p, text);
}

static void
send_again(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	const char *late = why_late(o, p);
	if (late != NULL) {
		drop(t, o, p, late);
		return;
	}
	outbox_note(t, o, what(p),
	    "to %s by %s was in flight at the restart; sent again with the same id", p->contact,
	    p->channel);
	send(t, o, p, text);
}

/* Only a record that was damaged or mended by hand says that something is due. */
static void
rest(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)text;
	enter(t, o, p, p->state, PB_NEVER);
}

static void
no_fallback(struct turn *t, struct outbox *o, struct page *p, const char *text)
{
	(void)text;
	if (p->fallback_at == PB_NEVER)
		return;
	p->fallback_at = PB_NEVER;
	put(t, o, p);
}

typedef void handler(struct turn *t, struct outbox *o, struct page *p, const char *text);

static handler *const table[PAGE_STATE_MAX][PAGE_INPUT_MAX] = {
    [PAGE_NEW] =
	{
	    [PAGE_SEND] = send,
	    [PAGE_DELIVERED] = never,
	    [PAGE_FAILED] = never,
	    [PAGE_DUE] = never,
	    [PAGE_INTERRUPT] = never, /* no record of it */
	    [PAGE_DROP] = never,
	},
    [PAGE_SENDING] =
	{
	    [PAGE_SEND] = never,
	    [PAGE_DELIVERED] = delivered,
	    [PAGE_FAILED] = failed,
	    [PAGE_DUE] = lost,
	    [PAGE_INTERRUPT] = send_again,
	    [PAGE_DROP] = no_fallback,
	},
    [PAGE_RETRYING] =
	{
	    [PAGE_SEND] = never,
	    [PAGE_DELIVERED] = stay, /* it was lost, and its end comes after all */
	    [PAGE_FAILED] = stay,
	    [PAGE_DUE] = retry,
	    [PAGE_INTERRUPT] = stay,
	    [PAGE_DROP] = drop,
	},
    [PAGE_SENT] =
	{
	    [PAGE_SEND] = never,
	    [PAGE_DELIVERED] = stay,
	    [PAGE_FAILED] = stay,
	    [PAGE_DUE] = rest,
	    [PAGE_INTERRUPT] = stay,
	    [PAGE_DROP] = no_fallback,
	},
    [PAGE_DROPPED] =
	{
	    [PAGE_SEND] = never,
	    [PAGE_DELIVERED] = stay,
	    [PAGE_FAILED] = stay,
	    [PAGE_DUE] = rest,
	    [PAGE_INTERRUPT] = stay,
	    [PAGE_DROP] = no_fallback,
	},
};

bool
page_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

/* `text`: the error with FAILED, why with DROP. */
static void
take(struct turn *t, struct outbox *o, struct page *p, enum page_input input, const char *text)
{
	cells_count(t, PB_MACHINE_PAGE, p->state, input);
	table[p->state][input](t, o, p, text);
}

/* --- what is sent */

static void
set_spec(const struct turn *t, const struct outbox *o, struct page *p, const struct pb_channel *ch,
    const struct pb_contact *to)
{
	const struct bundle *b = o->bundle;
	PB_CLEANUP(pb_freep)
	char *subject = b != NULL ? bundle_subject(b, p) : page_subject(o->in, p);
	PB_CLEANUP(pb_freep)
	char *body = b != NULL ? bundle_body(t, b, p) : page_body(t, o->in, p);
	const struct message m = {
	    .kind = p->is_notice ? "resolved" : "page",
	    .id = p->id,
	    .incident = outbox_id(o),
	    .playbook = b != NULL ? NULL : incident_playbook_name(o->in),
	    .severity = b != NULL ? bundle_severity(b) : incident_severity(o->in),
	    .recipient = to->name,
	    .level = p->level + 1,
	    .subject = subject,
	    .body = body,
	};
	json_decref(p->spec);
	p->spec = channel_spec(&m, t->now, ch, to);
}

/* To the same contact over the same channel. */
static bool
goes_way_of(const struct page *p, const struct page *q)
{
	return p->is_notice == q->is_notice && strcmp(p->contact, q->contact) == 0 &&
	    strcmp(p->channel, q->channel) == 0;
}

/*
 * A newer page for the same contact and channel makes one that still waits pointless.  Returns when
 * the fallback was due for the old one: a repeat does not put it off.  A notice of a bundle tells of
 * others than its pages do.
 */
static int64_t
supersede(struct turn *t, struct outbox *o, bool is_notice, const struct pb_contact *to,
    const struct pb_channel *ch)
{
	int64_t fallback_at = PB_NEVER;
	for (struct page *p = o->first; p != NULL; p = p->next) {
		bool is_other = p->is_notice != is_notice && (is_notice || o->bundle != NULL);
		if (p->state != PAGE_RETRYING || is_other || strcmp(p->contact, to->name) != 0 ||
		    strcmp(p->channel, ch->name) != 0)
			continue;
		if (p->fallback_at < fallback_at)
			fallback_at = p->fallback_at;
		take(t, o, p, PAGE_DROP, "a newer one goes the same way");
	}
	return is_notice ? PB_NEVER : fallback_at;
}

static char *
id_of(const struct outbox *o, const struct page *p)
{
	if (p->is_notice && o->bundle != NULL)
		return pb_asprintf("%s/resolved/%lld/%s@%s", outbox_id(o), (long long)p->round,
		    p->contact, p->channel);
	if (p->is_notice && o->in->n_reopened > 0)
		return pb_asprintf("%s/resolved/%lld/%s@%s", outbox_id(o),
		    (long long)o->in->n_reopened + 1, p->contact, p->channel);
	if (p->is_notice)
		return pb_asprintf("%s/resolved/%s@%s", outbox_id(o), p->contact, p->channel);
	return pb_asprintf("%s/page/%lld.%zu.%zu/%s@%s", outbox_id(o), (long long)p->round,
	    p->level + 1, p->repeat, p->contact, p->channel);
}

/*
 * Of what is over, the last few that went the same way tell whom a notice is owed; the timeline has
 * the others.  An incident that stays open for months is reminded of thousands of times.
 */
static void
forget_old(struct turn *t, struct outbox *o, const struct page *like)
{
	size_t n = 0;
	for (const struct page *p = o->first; p != NULL; p = p->next)
		n += goes_way_of(p, like);
	for (struct page **at = &o->first; *at != NULL && n > PAGES_KEPT;) {
		struct page *p = *at;
		bool is_over = p->state == PAGE_SENT || p->state == PAGE_DROPPED;
		if (!goes_way_of(p, like) || !is_over || p->fallback_at != PB_NEVER) {
			at = &p->next;
			continue;
		}
		n--;
		*at = p->next;
		pb_update_drop(t->u, PB_REC_ACTION, p->id);
		page_free(p);
	}
}

void
page_start(struct turn *t, struct outbox *o, const struct page *like, const struct pb_contact *to,
    const struct pb_channel *ch)
{
	int64_t fallback_at = supersede(t, o, like->is_notice, to, ch);
	struct page *p = pb_calloc(1, sizeof(*p));
	p->is_notice = like->is_notice;
	p->level = like->level;
	p->repeat = like->repeat;
	p->round = like->round;
	p->fallback_at = like->fallback_at < fallback_at ? like->fallback_at : fallback_at;
	p->contact = pb_strdup(to->name);
	p->channel = pb_strdup(ch->name);
	p->decided_at = t->now;
	p->next_at = PB_NEVER;
	p->id = id_of(o, p);
	page_append(o, p);
	forget_old(t, o, p);
	set_spec(t, o, p, ch, to);
	take(t, o, p, PAGE_SEND, NULL);
}

/* --- the fallback */

/* Of one call of page_send, to the same contact. */
static bool
goes_with(const struct page *p, const struct page *q)
{
	return !q->is_notice && q->round == p->round && q->level == p->level &&
	    q->repeat == p->repeat && strcmp(q->contact, p->contact) == 0;
}

/* Through each fallback channel that was not tried for this contact anyway. */
static void
send_fallback(struct turn *t, struct outbox *o, const struct page *p)
{
	const struct pb_config *c = outbox_config(o);
	const struct pb_escalation *esc = outbox_escalation(o);
	const struct pb_contact *to = contact_find(c, p->contact);
	const struct page like = {
	    .level = p->level, .repeat = p->repeat, .round = p->round, .fallback_at = PB_NEVER};
	for (size_t k = 0; k < esc->n_fallback_via; k++) {
		const struct pb_channel *ch = &c->channels[esc->fallback_via[k]];
		bool was_tried = to == NULL;
		for (const struct page *q = o->first; q != NULL; q = q->next)
			was_tried =
			    was_tried || (goes_with(p, q) && strcmp(q->channel, ch->name) == 0);
		if (!was_tried)
			page_start(t, o, &like, to, ch);
	}
}

/* None of the level's channels has reached the contact in time, or one has. */
static void
fallback_due(struct turn *t, struct outbox *o, struct page *p)
{
	bool is_delivered = false;
	char span[PB_TIME_TEXT];
	for (struct page *q = o->first; q != NULL; q = q->next) {
		if (!goes_with(p, q))
			continue;
		is_delivered = is_delivered || q->state == PAGE_SENT;
		if (q->fallback_at != PB_NEVER) {
			q->fallback_at = PB_NEVER;
			put(t, o, q);
		}
	}
	if (is_delivered)
		return;
	outbox_note(t, o, "fallback", "no channel of level %zu reached %s within %s", p->level + 1,
	    p->contact, pb_duration_text(span, outbox_escalation(o)->fallback_after_for));
	send_fallback(t, o, p);
}

void
page_send_fallback(struct turn *t, struct outbox *o, int64_t round)
{
	for (struct page *p = o->first; p != NULL; p = p->next) {
		if (p->is_notice || p->round != round || p->fallback_at == PB_NEVER)
			continue;
		p->fallback_at = PB_NEVER;
		put(t, o, p);
		send_fallback(t, o, p);
	}
}

void
page_drop_waiting(struct turn *t, struct outbox *o, const char *why)
{
	for (struct page *p = o->first; p != NULL; p = p->next)
		take(t, o, p, PAGE_DROP, why);
}

void
page_drop_notices(struct turn *t, struct outbox *o, const char *why)
{
	for (struct page *p = o->first; p != NULL; p = p->next)
		if (p->is_notice)
			take(t, o, p, PAGE_DROP, why);
}

/* --- inputs */

char *
outcome_text(const struct pb_outcome *o)
{
	const char *name = o->error == NULL || o->error[0] == '\0' ? "States.Timeout" : o->error;
	const char *message = o->message == NULL ? "" : o->message;
	return pb_asprintf("%s%s%s", name, message[0] == '\0' ? "" : ": ", message);
}

void
page_outcome(struct turn *t, struct outbox *o, struct page *p, const struct pb_outcome *outcome)
{
	if (outcome->status == PB_OUTCOME_OK) {
		take(t, o, p, PAGE_DELIVERED, NULL);
		return;
	}
	PB_CLEANUP(pb_freep) char *error = outcome_text(outcome);
	take(t, o, p, PAGE_FAILED, error);
}

void
page_due(struct turn *t, struct outbox *o)
{
	for (struct page *p = o->first; p != NULL; p = p->next) {
		if (p->fallback_at <= t->now)
			fallback_due(t, o, p);
		if (p->next_at <= t->now)
			take(t, o, p, PAGE_DUE, NULL);
	}
}

void
page_interrupted(struct turn *t, struct outbox *o)
{
	for (struct page *p = o->first; p != NULL; p = p->next)
		take(t, o, p, PAGE_INTERRUPT, NULL);
}

struct page *
page_find_action(const struct outbox *o, const char *action_id)
{
	for (struct page *p = o->first; p != NULL; p = p->next) {
		PB_CLEANUP(pb_freep) char *id = try_id(p);
		if (strcmp(id, action_id) == 0)
			return p;
	}
	return NULL;
}
