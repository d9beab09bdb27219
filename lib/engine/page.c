/*
 * A page, or a resolve notice: one text to one contact over one channel.
 *
 *	NEW -> SENDING            [send]
 *	SENDING -> SENT           [delivered]
 *	SENDING -> RETRYING       [not_delivered, no_answer, in_flight_again]
 *	RETRYING -> SENDING       [send]
 *	RETRYING -> DROPPED       [drop]	acknowledged, resolved, or a newer page goes the same
 *way
 *
 * A page is at least once: a try whose outcome is unknown is tried again under the same page id, by
 * which a reader sees the repeat.  A page is tried until it is delivered or dropped; a notice at
 *most NOTICE_TRIES_MAX times.
 */
#include "internal.h"

#include "base/json.h"

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
put(struct turn *t, const struct incident *in, const struct page *p)
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
	pb_update_put(t->u, PB_REC_ACTION, p->id, in->id, state_names[p->state], j);
}

static void
enter(struct turn *t, struct incident *in, struct page *p, enum page_state state, int64_t next_at)
{
	p->state = state;
	p->state_at = t->now;
	p->next_at = next_at;
	put(t, in, p);
}

/* Each try is an attempt of its own; the page id before it stays the same. */
static char *
try_id(const struct page *p)
{
	return pb_asprintf("%s/%lld", p->id, (long long)p->tries);
}

static void
send(struct turn *t, struct incident *in, struct page *p)
{
	p->tries++;
	enter(t, in, p, PAGE_SENDING, t->now + PAGE_LIMIT + OUTCOME_GRACE);
	PB_CLEANUP(pb_freep) char *id = try_id(p);
	pb_update_start(t->u, id, in->id, true, PAGE_LIMIT, p->spec);
}

static void
drop(struct turn *t, struct incident *in, struct page *p, const char *why)
{
	incident_note(
	    t, in, "", what(p), "to %s by %s is dropped: %s", p->contact, p->channel, why);
	p->fallback_at = PB_NEVER;
	enter(t, in, p, PAGE_DROPPED, PB_NEVER);
}

static void
not_delivered(struct turn *t, struct incident *in, struct page *p, const char *error)
{
	char *copy = pb_strdup(error), safe[256], span[PB_TIME_TEXT];
	free(p->error);
	p->error = copy;
	(void)pb_safe(safe, sizeof(safe), pb_str_of(error));
	if (p->is_notice && p->tries >= NOTICE_TRIES_MAX) {
		drop(t, in, p, safe);
		return;
	}
	int64_t most = PAGE_RETRY_FIRST;
	for (int64_t i = 1; i < p->tries && most < PAGE_RETRY_MOST; i++)
		most *= 2;
	if (most > PAGE_RETRY_MOST)
		most = PAGE_RETRY_MOST;
	int64_t delay = most / 2 + pb_rand_below(&t->e->rand, most / 2 + 1);
	incident_note(t, in, "", what(p), "to %s by %s failed (try %lld): %s; again in %s",
	    p->contact, p->channel, (long long)p->tries, safe, pb_duration_text(span, delay));
	enter(t, in, p, PAGE_RETRYING, t->now + delay);
}

/* --- what is sent */

static void
set_spec(const struct turn *t, const struct incident *in, struct page *p,
    const struct pb_channel *ch, const struct pb_contact *to)
{
	PB_CLEANUP(pb_freep) char *subject = page_subject(in, p);
	PB_CLEANUP(pb_freep) char *body = page_body(t, in, p);
	const struct message m = {
	    .kind = p->is_notice ? "resolved" : "page",
	    .id = p->id,
	    .incident = in->id,
	    .playbook = incident_playbook_name(in),
	    .severity = incident_severity(in),
	    .recipient = to->name,
	    .level = p->level + 1,
	    .subject = subject,
	    .body = body,
	};
	json_decref(p->spec);
	p->spec = channel_spec(&m, ch, to);
}

/*
 * A newer page for the same contact and channel makes one that still waits pointless.  Returns when
 * the fallback was due for the old one: a repeat does not put it off.
 */
static int64_t
supersede(
    struct turn *t, struct incident *in, const struct pb_contact *to, const struct pb_channel *ch)
{
	int64_t fallback_at = PB_NEVER;
	for (struct page *p = in->pages; p != NULL; p = p->next) {
		if (p->state != PAGE_RETRYING || strcmp(p->contact, to->name) != 0 ||
		    strcmp(p->channel, ch->name) != 0)
			continue;
		if (p->fallback_at < fallback_at)
			fallback_at = p->fallback_at;
		drop(t, in, p, "a newer one goes the same way");
	}
	return fallback_at;
}

static struct page *
add(struct turn *t, struct incident *in, size_t level, size_t repeat, bool is_notice,
    const struct pb_contact *to, const struct pb_channel *ch)
{
	int64_t fallback_at = supersede(t, in, to, ch);
	struct page *p = pb_calloc(1, sizeof(*p));
	p->fallback_at = is_notice ? PB_NEVER : fallback_at;
	p->is_notice = is_notice;
	p->level = level;
	p->repeat = repeat;
	p->round = in->ladder.round;
	p->contact = pb_strdup(to->name);
	p->channel = pb_strdup(ch->name);
	p->decided_at = t->now;
	p->next_at = PB_NEVER;
	if (is_notice)
		p->id = pb_asprintf("%s/resolved/%s@%s", in->id, to->name, ch->name);
	else
		p->id = pb_asprintf("%s/page/%lld.%zu.%zu/%s@%s", in->id, (long long)p->round,
		    level + 1, repeat, to->name, ch->name);
	struct page **end = &in->pages;
	while (*end != NULL)
		end = &(*end)->next;
	*end = p;
	set_spec(t, in, p, ch, to);
	return p;
}

static void
send_to(struct turn *t, struct incident *in, size_t level, size_t repeat,
    const struct pb_contact *to, const struct pb_channel *ch)
{
	const struct pb_escalation *esc = incident_escalation(in);
	char repeat_text[32] = "";
	if (repeat > 0)
		(void)snprintf(repeat_text, sizeof(repeat_text), ", repeat %zu", repeat);
	incident_note(t, in, "", "page", "level %zu%s to %s by %s: %s", level + 1, repeat_text,
	    to->name, ch->name, in->ladder.why);
	struct page *p = add(t, in, level, repeat, false, to, ch);
	if (esc->n_fallback_via > 0 && p->fallback_at > t->now + esc->fallback_after_for)
		p->fallback_at = t->now + esc->fallback_after_for;
	send(t, in, p);
}

struct people {
	size_t *contacts;
	size_t n;
};

static void
people_add(struct people *p, const size_t *contacts, size_t n)
{
	p->contacts = pb_realloc(p->contacts, (p->n + n + 1) * sizeof(*p->contacts));
	for (size_t i = 0; i < n; i++) {
		bool is_known = false;
		for (size_t k = 0; k < p->n; k++)
			is_known = is_known || p->contacts[k] == contacts[i];
		if (!is_known)
			p->contacts[p->n++] = contacts[i];
	}
}

/* Those named and those on call now.  When that is nobody and must not be, all of the rotations. */
static struct people
people_of(struct turn *t, struct incident *in, size_t level, bool may_skip)
{
	const struct pb_config *c = in->config;
	const struct pb_level *l = &incident_escalation(in)->levels[level];
	struct people p = {0};
	people_add(&p, l->notify, l->n_notify);
	for (size_t i = 0; i < l->n_schedules; i++) {
		const size_t *people;
		size_t n;
		pb_schedule_on_call(&c->schedules[l->schedules[i]], t->now, &people, &n);
		people_add(&p, people, n);
	}
	if (p.n > 0)
		return p;
	incident_note(t, in, "", "page", "level %zu: nobody is on call; %s", level + 1,
	    may_skip ? "it is passed over" : "all of its rotations are paged");
	for (size_t i = 0; i < l->n_schedules && !may_skip; i++) {
		const struct pb_schedule *s = &c->schedules[l->schedules[i]];
		people_add(&p, s->people, s->n_people);
	}
	return p;
}

bool
page_send(struct turn *t, struct incident *in, size_t level, size_t repeat, bool may_skip)
{
	const struct pb_config *c = in->config;
	const struct pb_level *l = &incident_escalation(in)->levels[level];
	struct people p = people_of(t, in, level, may_skip && l->skip_if_empty);
	for (size_t i = 0; i < p.n; i++)
		for (size_t k = 0; k < l->n_via; k++)
			send_to(t, in, level, repeat, &c->contacts[p.contacts[i]],
			    &c->channels[l->via[k]]);
	free(p.contacts);
	return p.n > 0;
}

static const struct pb_contact *
contact_find(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_contacts; i++)
		if (strcmp(c->contacts[i].name, name) == 0)
			return &c->contacts[i];
	return NULL;
}

static const struct pb_channel *
channel_find(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_channels; i++)
		if (strcmp(c->channels[i].name, name) == 0)
			return &c->channels[i];
	return NULL;
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
send_fallback(struct turn *t, struct incident *in, const struct page *p)
{
	const struct pb_config *c = in->config;
	const struct pb_escalation *esc = incident_escalation(in);
	const struct pb_contact *to = contact_find(c, p->contact);
	for (size_t k = 0; k < esc->n_fallback_via; k++) {
		const struct pb_channel *ch = &c->channels[esc->fallback_via[k]];
		bool was_tried = to == NULL;
		for (const struct page *q = in->pages; q != NULL; q = q->next)
			was_tried =
			    was_tried || (goes_with(p, q) && strcmp(q->channel, ch->name) == 0);
		if (!was_tried)
			send(t, in, add(t, in, p->level, p->repeat, false, to, ch));
	}
}

/* None of the level's channels has reached the contact in time, or one has. */
static void
fallback_due(struct turn *t, struct incident *in, struct page *p)
{
	bool is_delivered = false;
	char span[PB_TIME_TEXT];
	for (struct page *q = in->pages; q != NULL; q = q->next) {
		if (!goes_with(p, q))
			continue;
		is_delivered = is_delivered || q->state == PAGE_SENT;
		if (q->fallback_at != PB_NEVER) {
			q->fallback_at = PB_NEVER;
			put(t, in, q);
		}
	}
	if (is_delivered)
		return;
	incident_note(t, in, "", "fallback", "no channel of level %zu reached %s within %s",
	    p->level + 1, p->contact,
	    pb_duration_text(span, incident_escalation(in)->fallback_after_for));
	send_fallback(t, in, p);
}

void
page_send_fallback(struct turn *t, struct incident *in)
{
	for (struct page *p = in->pages; p != NULL; p = p->next) {
		if (p->is_notice || p->round != in->ladder.round || p->fallback_at == PB_NEVER)
			continue;
		p->fallback_at = PB_NEVER;
		put(t, in, p);
		send_fallback(t, in, p);
	}
}

/* To everybody to whom a page went out (or may have), once each, and to nobody else. */
void
page_send_notices(struct turn *t, struct incident *in)
{
	struct page *last = in->pages;
	while (last != NULL && last->next != NULL)
		last = last->next;
	if (last == NULL)
		return;
	struct page *stop = last->next; /* NULL now; what is added comes behind `last` */
	for (struct page *p = in->pages; p != stop; p = p->next) {
		bool was_told = false;
		for (struct page *q = last->next; q != NULL; q = q->next)
			was_told = was_told ||
			    (strcmp(q->contact, p->contact) == 0 &&
				strcmp(q->channel, p->channel) == 0);
		const struct pb_contact *to = contact_find(in->config, p->contact);
		const struct pb_channel *ch = channel_find(in->config, p->channel);
		if (!p->is_notice && !was_told && to != NULL && ch != NULL) {
			incident_note(
			    t, in, "", "notice", "to %s by %s: resolved", to->name, ch->name);
			send(t, in, add(t, in, p->level, 0, true, to, ch));
		}
		if (p == last)
			break;
	}
}

void
page_drop_waiting(struct turn *t, struct incident *in, const char *why)
{
	for (struct page *p = in->pages; p != NULL; p = p->next) {
		if (p->state == PAGE_RETRYING) {
			drop(t, in, p, why);
		} else if (p->fallback_at != PB_NEVER) {
			p->fallback_at = PB_NEVER;
			put(t, in, p);
		}
	}
}

/* --- inputs */

/* Too late to be of use: in flight when the incident was acknowledged, snoozed or resolved. */
static void
drop_if_late(struct turn *t, struct incident *in, struct page *p)
{
	if (p->is_notice || p->state != PAGE_RETRYING)
		return;
	if (in->ladder.state == LADDER_ACKED)
		drop(t, in, p, "acknowledged");
	else if (in->ladder.state == LADDER_SNOOZED)
		drop(t, in, p, "snoozed");
	else if (in->ladder.state == LADDER_CLOSED)
		drop(t, in, p, "resolved");
}

void
page_outcome(struct turn *t, struct incident *in, struct page *p, const struct pb_outcome *o)
{
	if (p->state != PAGE_SENDING)
		return;
	if (o->status == PB_OUTCOME_OK) {
		char span[PB_TIME_TEXT];
		incident_note(t, in, "", what(p), "to %s by %s delivered after %s", p->contact,
		    p->channel, pb_duration_text(span, t->now - p->decided_at));
		p->fallback_at = PB_NEVER;
		enter(t, in, p, PAGE_SENT, PB_NEVER);
		return;
	}
	const char *name = o->error == NULL || o->error[0] == '\0' ? "States.Timeout" : o->error;
	const char *message = o->message == NULL ? "" : o->message;
	PB_CLEANUP(pb_freep) char *error = NULL;
	error = pb_asprintf("%s%s%s", name, message[0] == '\0' ? "" : ": ", message);
	not_delivered(t, in, p, error);
	drop_if_late(t, in, p);
}

void
page_due(struct turn *t, struct incident *in)
{
	for (struct page *p = in->pages; p != NULL; p = p->next) {
		if (p->fallback_at <= t->now)
			fallback_due(t, in, p);
		if (p->next_at > t->now)
			continue;
		if (p->state == PAGE_RETRYING) {
			send(t, in, p);
		} else if (p->state == PAGE_SENDING) {
			PB_CLEANUP(pb_freep) char *id = try_id(p);
			pb_update_cancel(t->u, id);
			not_delivered(t, in, p, "no outcome in time");
			drop_if_late(t, in, p);
		}
	}
}

void
page_interrupted(struct turn *t, struct incident *in)
{
	for (struct page *p = in->pages; p != NULL; p = p->next) {
		if (p->state != PAGE_SENDING)
			continue;
		incident_note(t, in, "", what(p),
		    "to %s by %s was in flight at the restart; sent again with the same id",
		    p->contact, p->channel);
		send(t, in, p);
	}
}

int64_t
page_next_at(const struct incident *in)
{
	int64_t at = PB_NEVER;
	for (const struct page *p = in->pages; p != NULL; p = p->next) {
		if (p->next_at < at)
			at = p->next_at;
		if (p->fallback_at < at)
			at = p->fallback_at;
	}
	return at;
}

bool
page_is_live(const struct incident *in)
{
	for (const struct page *p = in->pages; p != NULL; p = p->next)
		if (p->state == PAGE_SENDING || p->state == PAGE_RETRYING)
			return true;
	return false;
}

struct page *
page_find_action(const struct incident *in, const char *action_id)
{
	for (struct page *p = in->pages; p != NULL; p = p->next) {
		PB_CLEANUP(pb_freep) char *id = try_id(p);
		if (strcmp(id, action_id) == 0)
			return p;
	}
	return NULL;
}
