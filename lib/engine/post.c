/*
 * A post: one message to one reader over one channel that is no page.
 *
 *	no post -> SENDING	[post_send]
 *	SENDING -> no post	[delivered], [not_delivered, lost] given up after POST_TRIES_MAX tries
 *	SENDING -> RETRYING	[not_delivered], [lost] there was no answer in time
 *	SENDING -> SENDING	[send_again] after a restart
 *	RETRYING -> SENDING	[try_now]
 *	RETRYING -> no post	[drop] a newer one about the same goes the same way
 *
 * Posts outlive the incident they tell of.  As pages they are at least once and carry an id; unlike
 * pages they may be given up, and nobody else is told instead: what must reach somebody is a page.
 */
#include "internal.h"

#include "base/json.h"

static const char *const state_names[] = {
    [POST_SENDING] = "sending",
    [POST_RETRYING] = "retrying",
};
_Static_assert(PB_ARRAY_LEN(state_names) == POST_STATE_MAX, "a name for each state");

const char *
post_state_name(enum post_state s)
{
	return state_names[s];
}

void
post_free(void *arg)
{
	struct post *p = arg;
	if (p == NULL)
		return;
	free(p->id);
	free(p->incident);
	free(p->way);
	free(p->about);
	free(p->slot);
	json_decref(p->spec);
	free(p);
}

/* --- where it is found: in a storm with a channel that is down there is one of each incident */

static void
leave_way(struct pb_engine *e, struct post *p)
{
	if (!p->is_waiting)
		return;
	p->is_waiting = false;
	if (p->next_way != NULL)
		p->next_way->prev_way = p->prev_way;
	if (p->prev_way != NULL)
		p->prev_way->next_way = p->next_way;
	else if (p->next_way != NULL)
		(void)pb_map_put(e->waiting_posts, p->slot, p->next_way);
	else
		(void)pb_map_del(e->waiting_posts, p->slot);
	p->next_way = p->prev_way = NULL;
}

static void
join_way(struct pb_engine *e, struct post *p)
{
	struct post *first = pb_map_get(e->waiting_posts, p->slot);
	if (p->is_waiting)
		return;
	p->is_waiting = true;
	p->next_way = first;
	if (first != NULL)
		first->prev_way = p;
	(void)pb_map_put(e->waiting_posts, p->slot, p);
}

static void
index_post(struct pb_engine *e, struct post *p)
{
	pb_heap_set(&e->post_timers, &p->timer, p->next_at);
	if (p->state == POST_RETRYING)
		join_way(e, p);
	else
		leave_way(e, p);
}

static void
enter(struct turn *t, struct post *p, enum post_state state, int64_t next_at)
{
	p->state = state;
	p->next_at = next_at;
	index_post(t->e, p);
	json_t *j = json_object();
	pb_json_set_str(j, "way", p->way);
	pb_json_set_str(j, "about", p->about);
	pb_json_set_i64(j, "next_at", next_at);
	pb_json_set_i64(j, "tries", p->tries);
	pb_json_set_i64(j, "decided_at", p->decided_at);
	json_object_set(j, "spec", p->spec);
	pb_update_put(t->u, PB_REC_POST, p->id, p->incident, state_names[state], j);
}

static void
end(struct turn *t, struct post *p)
{
	leave_way(t->e, p);
	pb_heap_clear(&t->e->post_timers, &p->timer);
	(void)pb_map_del(t->e->posts, p->id);
	pb_update_drop(t->u, PB_REC_POST, p->id);
	post_free(p);
}

static char *
try_id(const struct post *p)
{
	return pb_asprintf("%s/%lld", p->id, (long long)p->tries);
}

/* --- the machine */

static void
try_now(struct turn *t, struct post *p, const char *text)
{
	(void)text;
	p->tries++;
	enter(t, p, POST_SENDING, t->now + PAGE_LIMIT + PB_OUTCOME_GRACE);
	PB_CLEANUP(pb_freep) char *id = try_id(p);
	pb_update_post(t->u, id, p->incident, PAGE_LIMIT, p->spec);
}

static void note(struct turn *t, const struct post *p, const char *fmt, ...) PB_PRINTF(3, 4);

static void
note(struct turn *t, const struct post *p, const char *fmt, ...)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	pb_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	pb_update_note(t->u, p->incident, "", "", "inform", "%s: %s", p->way, b.ptr);
}

static void
not_delivered(struct turn *t, struct post *p, const char *error)
{
	char safe[256], span[PB_TIME_TEXT];
	(void)pb_safe(safe, sizeof(safe), pb_str_of(error));
	if (p->tries >= POST_TRIES_MAX) {
		note(t, p, "given up after %lld tries: %s", (long long)p->tries, safe);
		end(t, p);
		return;
	}
	int64_t delay = page_retry_for(t->e, p->tries);
	note(t, p, "failed (try %lld): %s; again in %s", (long long)p->tries, safe,
	    pb_duration_text(span, delay));
	enter(t, p, POST_RETRYING, t->now + delay);
}

static void
stay(struct turn *t, struct post *p, const char *text)
{
	(void)t, (void)p, (void)text;
}

static void
never(struct turn *t, struct post *p, const char *text)
{
	(void)t, (void)p, (void)text;
	pb_impossible("an input that this state cannot get");
}

static void
delivered(struct turn *t, struct post *p, const char *text)
{
	(void)text;
	char span[PB_TIME_TEXT];
	note(t, p, "delivered after %s", pb_duration_text(span, t->now - p->decided_at));
	end(t, p);
}

static void
lost(struct turn *t, struct post *p, const char *text)
{
	(void)text;
	PB_CLEANUP(pb_freep) char *id = try_id(p);
	pb_update_cancel(t->u, id);
	not_delivered(t, p, "no outcome in time");
}

static void
send_again(struct turn *t, struct post *p, const char *text)
{
	note(t, p, "was in flight at the restart; sent again with the same id");
	try_now(t, p, text);
}

static void
drop(struct turn *t, struct post *p, const char *text)
{
	(void)text;
	note(t, p, "dropped: a newer one goes the same way");
	end(t, p);
}

typedef void handler(struct turn *t, struct post *p, const char *text);

static handler *const table[POST_STATE_MAX][POST_INPUT_MAX] = {
    [POST_SENDING] =
	{
	    [POST_DELIVERED] = delivered,
	    [POST_FAILED] = not_delivered,
	    [POST_DUE] = lost,
	    [POST_INTERRUPT] = send_again,
	    [POST_NEWER] = never, /* only those that wait are looked up */
	},
    [POST_RETRYING] =
	{
	    [POST_DELIVERED] = stay, /* it was lost, and its end comes after all */
	    [POST_FAILED] = stay,
	    [POST_DUE] = try_now,
	    [POST_INTERRUPT] = stay,
	    [POST_NEWER] = drop,
	},
};

bool
post_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

/* `error` with FAILED.  The post may be gone after it. */
static void
take(struct turn *t, struct post *p, enum post_input input, const char *error)
{
	cells_count(t, PB_MACHINE_POST, p->state, input);
	table[p->state][input](t, p, error);
}

/* --- inputs */

/* What waits to go the same way about another incident is other news. */
static char *
slot_of(const char *about, const char *way)
{
	return pb_asprintf("%s\n%s", about, way);
}

/* A newer one makes pointless what still waits to go the same way about the same. */
static void
supersede(struct turn *t, const char *slot)
{
	struct post *p;
	while ((p = pb_map_get(t->e->waiting_posts, slot)) != NULL)
		take(t, p, POST_NEWER, NULL);
}

void
post_send(struct turn *t, const char *incident, const char *way, const struct message *m,
    const struct pb_channel *ch, const struct pb_contact *to)
{
	PB_CLEANUP(pb_freep) char *slot = slot_of(m->incident, way);
	supersede(t, slot);
	if (pb_map_get(t->e->posts, m->id) != NULL)
		return; /* it is on its way */
	struct post *p = pb_calloc(1, sizeof(*p));
	p->id = pb_strdup(m->id);
	p->incident = pb_strdup(incident);
	p->way = pb_strdup(way);
	p->about = pb_strdup(m->incident);
	p->slot = PB_TAKE(slot);
	p->decided_at = t->now;
	p->spec = channel_spec(m, t->now, ch, to);
	(void)pb_map_put(t->e->posts, p->id, p);
	try_now(t, p, NULL);
}

struct post *
post_find_action(const struct pb_engine *e, const char *action_id)
{
	const char *slash = strrchr(action_id, '/');
	if (slash == NULL)
		return NULL;
	PB_CLEANUP(pb_freep) char *id = pb_strndup(action_id, (size_t)(slash - action_id));
	return pb_map_get(e->posts, id);
}

void
post_outcome(struct turn *t, struct post *p, const struct pb_outcome *o)
{
	PB_CLEANUP(pb_freep) char *id = try_id(p);
	if (strcmp(id, o->action_id) != 0)
		return;
	if (o->status == PB_OUTCOME_OK) {
		take(t, p, POST_DELIVERED, NULL);
		return;
	}
	PB_CLEANUP(pb_freep) char *error = outcome_text(o);
	take(t, p, POST_FAILED, error);
}

int64_t
post_next_at(const struct pb_engine *e)
{
	const struct pb_timer *first = pb_heap_first(&e->post_timers);
	return first == NULL ? PB_NEVER : first->at;
}

void
post_due(struct turn *t)
{
	while (post_next_at(t->e) <= t->now)
		take(t, PB_CONTAINER_OF(pb_heap_first(&t->e->post_timers), struct post, timer),
		    POST_DUE, NULL);
}

bool
post_is_stuck(const struct post *p, int64_t now)
{
	return p->next_at > now + PAGE_WAITS_MOST;
}

void
post_unstick(struct turn *t, struct post *p)
{
	take(t, p, POST_DUE, NULL);
}

void
post_interrupted(struct turn *t)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->posts, &i, &id, &value))
		take(t, value, POST_INTERRUPT, NULL);
}

int
post_restore(struct pb_engine *e, const struct pb_record *r, struct pb_error *err)
{
	size_t state = 0;
	while (state < POST_STATE_MAX && !pb_streq(state_names[state], r->state))
		state++;
	const json_t *spec = pb_json_get(r->body, "spec");
	if (state == POST_STATE_MAX || spec == NULL)
		return pb_fail(err, PB_CORRUPT, "post %s: its %s is missing", r->key,
		    spec == NULL ? "spec" : "state");
	struct post *p = pb_calloc(1, sizeof(*p));
	p->id = pb_strdup(r->key);
	p->incident = pb_strdup(r->incident);
	p->way = pb_strdup(pb_json_str_or(r->body, "way", ""));
	p->about = pb_strdup(pb_json_str_or(r->body, "about", r->incident));
	p->slot = slot_of(p->about, p->way);
	p->state = (enum post_state)state;
	p->next_at = pb_json_i64(r->body, "next_at", r->at);
	p->tries = pb_json_i64(r->body, "tries", 0);
	p->decided_at = pb_json_i64(r->body, "decided_at", r->at);
	p->spec = json_deep_copy(spec);
	index_post(e, p);
	(void)pb_map_put(e->posts, p->id, p);
	return 0;
}
