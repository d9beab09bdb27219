/*
 * Bundles: the machine, and when its pages go.
 *
 *	OPEN -> OPEN	[take_in, let_go, look]	members come and are resolved
 *	OPEN -> CALM	[look] a storm is over: those in it go on together
 *	OPEN, CALM -> ENDED	[end] a group or a calm storm without members and with nothing to send
 *
 * The pages of a step are made at its end [bundle_flush], when all members that are told by them are
 * known.
 */
#include "bundle.h"

#include "base/json.h"

static const char *const state_names[] = {
    [BUNDLE_OPEN] = "open",
    [BUNDLE_CALM] = "calm",
    [BUNDLE_ENDED] = "ended",
};
_Static_assert(PB_ARRAY_LEN(state_names) == BUNDLE_STATE_MAX, "a name for each state");

static const char *const kind_names[] = {
    [BUNDLE_GROUP] = "group",
    [BUNDLE_STORM] = "storm",
};
_Static_assert(PB_ARRAY_LEN(kind_names) == BUNDLE_KIND_MAX, "a name for each kind");

const char *
bundle_state_name(enum bundle_state s)
{
	return state_names[s];
}

const char *
bundle_kind_name(enum bundle_kind k)
{
	return kind_names[k];
}

const struct pb_escalation *
bundle_escalation(const struct bundle *b)
{
	return &b->config->escalations[b->escalation];
}

char *
bundle_index(const struct pb_config *c, size_t escalation, const char *key)
{
	return pb_asprintf("%s\n%s%s%s", c->digest, c->escalations[escalation].name,
	    key == NULL ? "" : "\n", key == NULL ? "" : key);
}

void
bundle_put(struct turn *t, const struct bundle *b)
{
	pb_update_put(t->u, PB_REC_BUNDLE, b->id, b->id, state_names[b->state], bundle_json(b));
}

static void
enter(struct turn *t, struct bundle *b, enum bundle_state state)
{
	b->state = state;
	b->state_at = t->now;
	bundle_put(t, b);
}

/* --- life */

static int64_t
next_number(struct turn *t)
{
	struct pb_engine *e = t->e;
	if (e->is_degraded)
		return engine_own_number(t);
	e->bundle_number++;
	engine_put(t);
	return e->bundle_number;
}

/* Not an incident's numbers, so that those stay in order; an id is never given twice. */
static char *
next_id(struct turn *t, enum bundle_kind kind)
{
	char day[PB_TIME_TEXT];
	int64_t number = next_number(t);
	pb_time_basic(day, t->now);
	return pb_asprintf("%.8s-%c%lld", day, kind_names[kind][0], (long long)number);
}

struct bundle *
bundle_make(struct pb_engine *e, enum bundle_kind kind, struct pb_config *config, size_t escalation,
    const char *id)
{
	struct bundle *b = pb_calloc(1, sizeof(*b));
	b->magic = BUNDLE_MAGIC;
	b->kind = kind;
	b->id = pb_strdup(id);
	b->config = pb_config_ref(config);
	b->escalation = escalation;
	b->levels = pb_calloc(config->escalations[escalation].n_levels, sizeof(*b->levels));
	b->notice_at = PB_NEVER;
	b->out.bundle = b;
	b->owed = json_array();
	(void)pb_map_put(e->bundles, b->id, b);
	return b;
}

struct bundle *
bundle_new(struct turn *t, enum bundle_kind kind, const struct incident *like, const char *key)
{
	PB_CLEANUP(pb_freep) char *id = next_id(t, kind);
	struct bundle *b = bundle_make(t->e, kind, like->config, like->escalation, id);
	b->key = pb_strdup(key);
	b->opened_at = b->renewed_at = t->now;
	enter(t, b, BUNDLE_OPEN);
	return b;
}

void
bundle_free(void *arg)
{
	struct bundle *b = arg;
	if (b == NULL)
		return;
	PB_CHECK_OBJ(b, BUNDLE_MAGIC);
	while (b->first != NULL)
		bundle_part(b->first);
	b->magic = 0;
	bundle_forget_gone(b);
	json_decref(b->owed);
	outbox_fini(&b->out);
	pb_config_unref(b->config);
	free(b->levels);
	free(b->key);
	free(b->id);
	free(b);
}

/* --- the machine */

static void
settle(struct turn *t, struct bundle *b)
{
	bool may_end = b->kind == BUNDLE_GROUP || b->state == BUNDLE_CALM;
	if (may_end && b->n_open == 0 && b->notice_at == PB_NEVER && !b->is_flushing &&
	    !page_is_live(&b->out))
		bundle_input(t, b, BUNDLE_EMPTY);
	else
		pb_heap_set(&t->e->bundle_timers, &b->timer, bundle_wait_until(b));
}

static void
never(struct turn *t, struct bundle *b)
{
	(void)t, (void)b;
	pb_impossible("an input that this state cannot get");
}

static void
take_in(struct turn *t, struct bundle *b)
{
	b->n_joined++;
	bundle_put(t, b);
}

static void
let_go(struct turn *t, struct bundle *b)
{
	int64_t at = bundle_notice_when(t, b);
	if (at < b->notice_at)
		b->notice_at = at;
	bundle_put(t, b);
}

static void
look(struct turn *t, struct bundle *b)
{
	if (b->notice_at <= t->now)
		bundle_send_notices(t, b);
	page_due(t, &b->out);
	if (storm_calm_at(b) <= t->now) {
		storm_end(t, b);
		enter(t, b, BUNDLE_CALM);
		if (b->notice_at != PB_NEVER && b->n_open == 0)
			bundle_send_notices(t, b);
	}
}

static void
end(struct turn *t, struct bundle *b)
{
	struct pb_engine *e = t->e;
	char span[PB_TIME_TEXT];
	outbox_note(t, &b->out, kind_names[b->kind], "ends: %lld told and resolved in %s",
	    (long long)b->n_gone, pb_duration_text(span, t->now - b->opened_at));
	enter(t, b, BUNDLE_ENDED);
	if (b->kind == BUNDLE_GROUP) {
		PB_CLEANUP(pb_freep)
		char *index = bundle_index(b->config, b->escalation, b->key);
		(void)pb_map_del(e->groups, index);
	}
	pb_heap_clear(&e->bundle_timers, &b->timer);
	(void)pb_map_del(e->bundles, b->id);
	bundle_free(b);
}

typedef void handler(struct turn *t, struct bundle *b);

static handler *const table[BUNDLE_STATE_MAX][BUNDLE_INPUT_MAX] = {
    [BUNDLE_OPEN] =
	{
	    [BUNDLE_JOIN] = take_in,
	    [BUNDLE_LEAVE] = let_go,
	    [BUNDLE_DUE] = look,
	    [BUNDLE_EMPTY] = end,
	},
    [BUNDLE_CALM] =
	{
	    [BUNDLE_JOIN] = take_in,
	    [BUNDLE_LEAVE] = let_go,
	    [BUNDLE_DUE] = look,
	    [BUNDLE_EMPTY] = end,
	},
    [BUNDLE_ENDED] =
	{
	    [BUNDLE_JOIN] = never,
	    [BUNDLE_LEAVE] = never,
	    [BUNDLE_DUE] = never,
	    [BUNDLE_EMPTY] = never,
	},
};

bool
bundle_can_reach(size_t state, size_t input)
{
	return table[state][input] != never;
}

void
bundle_input(struct turn *t, struct bundle *b, enum bundle_input input)
{
	PB_CHECK_OBJ(b, BUNDLE_MAGIC);
	cells_count(t, PB_MACHINE_BUNDLE, b->state, input);
	table[b->state][input](t, b);
}

/* --- what ladders ask */

/* What nobody was told of goes from its group into the storm. */
static void
leave_groups(struct incident *in)
{
	for (struct member *m = in->members, *next; m != NULL; m = next) {
		next = m->next_own;
		if (m->bundle->kind == BUNDLE_GROUP && !bundle_was_told(m))
			bundle_part(m);
	}
}

struct bundle *
bundle_for(struct turn *t, struct incident *in)
{
	struct bundle *b = storm_of(t, in);
	if (b != NULL && bundle_member(in, b) == NULL)
		leave_groups(in);
	else if (b == NULL && incident_escalation(in)->group_by != NULL)
		b = group_of(t, in);
	if (b != NULL && bundle_member(in, b) == NULL)
		(void)bundle_join(b, in, 0);
	return b;
}

int64_t
bundle_when(
    struct turn *t, struct bundle *b, const struct incident *in, size_t level, bool is_first)
{
	if (b->levels[level].is_due)
		return t->now;
	if (b->kind == BUNDLE_STORM)
		return storm_when(t, b, in, level, is_first);
	return is_first ? group_when(t, b, in, level) : t->now;
}

static void
mark(struct turn *t, struct bundle *b, size_t level)
{
	b->levels[level].is_due = true;
	if (b->is_flushing)
		return;
	b->is_flushing = true;
	b->next_flushing = t->e->flushing;
	t->e->flushing = b;
}

bool
bundle_tell(struct turn *t, struct bundle *b, struct incident *in, const struct page *like,
    const char *why, bool may_skip)
{
	struct member *m = bundle_member(in, b);
	char repeat[32] = "";
	if (!tell_can(t, &in->out, like->level, may_skip)) {
		b->levels[like->level].sent_at = t->now;
		return false;
	}
	if (like->repeat > 0)
		(void)snprintf(repeat, sizeof(repeat), ", repeat %zu", like->repeat);
	incident_note(t, in, "", "page", "level %zu%s, with %s %s: %s", like->level + 1, repeat,
	    kind_names[b->kind], b->id, why);
	m->levels |= UINT32_C(1) << like->level;
	if (in->ladder.state == LADDER_ACKED)
		bundle_set_news(m, b->number + 1);
	if (m->since == 0) {
		m->since = b->number + 1;
		bundle_input(t, b, BUNDLE_JOIN);
	}
	mark(t, b, like->level);
	return true;
}

/* Groups before storms: whether a group has to tell depends on what its storm tells. */
static struct member *
first_to_leave(const struct incident *in)
{
	struct member *m = in->members;
	while (m->next_own != NULL && m->bundle->kind != BUNDLE_GROUP)
		m = m->next_own;
	return m;
}

void
bundle_leave(struct turn *t, struct incident *in)
{
	bundle_keep_past(in);
	while (in->members != NULL) {
		struct member *m = first_to_leave(in);
		struct bundle *b = m->bundle;
		bool is_told = bundle_was_told(m), has_news = is_told && bundle_remember_gone(b, m);
		if (!is_told && m->since > 0)
			b->n_joined--;
		bundle_part(m);
		bundle_look_who_wants(t, b);
		if (has_news)
			bundle_input(t, b, BUNDLE_LEAVE);
		settle(t, b);
	}
}

/* --- the pages of a step */

/* Those who wait for it come along. */
static void
pull(struct turn *t, struct bundle *b)
{
	for (struct member *m = b->first, *next; m != NULL; m = next) {
		const struct ladder *l = &m->in->ladder;
		next = m->next;
		if (l->state != LADDER_GATHERED && !l->is_put_off && l->news_at == 0)
			continue;
		ladder_input(t, m->in, LADDER_DUE, NULL);
		incident_arm(t->e, m->in);
	}
	if (b->kind == BUNDLE_STORM)
		storm_look_ahead(t, b);
}

static bool
has_news(const struct bundle *b, size_t level)
{
	const struct member *m = b->first;
	while (m != NULL && (m->levels & UINT32_C(1) << level) == 0)
		m = m->next;
	return m != NULL;
}

static void
flush(struct turn *t, struct bundle *b)
{
	pull(t, b);
	b->number++;
	for (size_t i = 0; i < bundle_escalation(b)->n_levels; i++) {
		const struct page like = {.level = i, .round = b->number};
		if (b->levels[i].is_due && has_news(b, i)) {
			PB_CLEANUP(pb_freep) char *why = bundle_why(b, i);
			(void)tell_level(t, &b->out, &like, why, false);
			b->levels[i].sent_at = t->now;
		}
		b->levels[i].is_due = false;
	}
	for (struct member *m = b->first; m != NULL; m = m->next)
		m->levels = 0;
	b->is_flushing = false;
	bundle_put(t, b);
	settle(t, b);
}

void
bundle_flush(struct turn *t)
{
	struct pb_engine *e = t->e;
	while (e->flushing != NULL) {
		struct bundle *b = e->flushing;
		e->flushing = b->next_flushing;
		b->next_flushing = NULL;
		flush(t, b);
	}
}

/* --- what the engine asks */

int64_t
bundle_wait_until(const struct bundle *b)
{
	int64_t at = page_next_at(&b->out);
	if (b->notice_at < at)
		at = b->notice_at;
	return storm_calm_at(b) < at ? storm_calm_at(b) : at;
}

int64_t
bundle_next_at(const struct pb_engine *e)
{
	const struct pb_timer *first = pb_heap_first(&e->bundle_timers);
	return first == NULL ? PB_NEVER : first->at;
}

void
bundle_tick(struct turn *t)
{
	struct pb_timer *timer;
	while ((timer = pb_heap_first(&t->e->bundle_timers)) != NULL && timer->at <= t->now) {
		struct bundle *b = PB_CONTAINER_OF(timer, struct bundle, timer);
		bundle_input(t, b, BUNDLE_DUE);
		settle(t, b);
	}
}

struct bundle *
bundle_find(const struct pb_engine *e, const char *id)
{
	struct bundle *found = pb_map_get(e->bundles, id);
	size_t i = 0, len = strlen(id);
	const char *key;
	void *value;
	while (found == NULL && len > 0 && pb_map_next(e->bundles, &i, &key, &value)) {
		size_t key_len = strlen(key);
		if (key_len > len && key[key_len - len - 1] == '-' &&
		    strcmp(key + key_len - len, id) == 0)
			found = value;
	}
	return found;
}

struct bundle *
bundle_of_action(const struct pb_engine *e, const char *action_id)
{
	const char *slash = strchr(action_id, '/');
	if (slash == NULL)
		return NULL;
	PB_CLEANUP(pb_freep) char *id = pb_strndup(action_id, (size_t)(slash - action_id));
	return pb_map_get(e->bundles, id);
}

void
bundle_outcome(struct turn *t, struct bundle *b, const struct pb_outcome *o)
{
	struct page *p = page_find_action(&b->out, o->action_id);
	if (p != NULL)
		page_outcome(t, &b->out, p, o);
	settle(t, b);
}

size_t
bundle_ack(struct turn *t, struct bundle *b, const char *by)
{
	size_t n = 0;
	char who[128];
	for (struct member *m = b->first; m != NULL; m = m->next) {
		if (m->in->ladder.state == LADDER_ACKED)
			continue; /* somebody has it */
		n++;
		ladder_input(t, m->in, LADDER_ACK, by);
		incident_arm(t->e, m->in);
	}
	outbox_note(t, &b->out, "ack", "by %s of %zu of its %zu open incidents",
	    pb_safe(who, sizeof(who), pb_str_of(by)), n, b->n_open);
	settle(t, b);
	return n;
}

bool
bundle_uses(const struct pb_engine *e, const char *digest)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(e->bundles, &i, &id, &value))
		if (strcmp(((struct bundle *)value)->config->digest, digest) == 0)
			return true;
	return false;
}

void
bundle_mend(struct turn *t, struct bundle *b)
{
	if (b->renewed_at > t->now)
		b->renewed_at = t->now;
	if (b->notice_at != PB_NEVER)
		b->notice_at = t->now;
	page_unstick(t, &b->out);
	bundle_input(t, b, BUNDLE_DUE);
	bundle_put(t, b);
	settle(t, b);
}

/* --- after a restart */

void
bundle_boot(struct turn *t)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->bundles, &i, &id, &value)) {
		struct bundle *b = value;
		page_interrupted(t, &b->out);
		settle(t, b);
	}
	storm_boot(t);
}
