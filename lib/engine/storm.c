/*
 * Storms: when more incidents than people can read of want a first page, they are told by summaries.
 *
 *	no storm -> OPEN	[storm_count] more than `over` wanted a first page within `within`
 *	OPEN -> CALM		[storm_end] that was not so for as long as `every`
 *	CALM -> ENDED		when its last member is resolved (bundle.c)
 *
 * While it is open each page of its escalation goes into the summaries.  Between two of them to one
 * level lies at least `within`, and at most `every` as long as there is something to tell; a first page
 * comes by its page_by (or, where that is shorter than `within`, that long after its incident began).
 * That holds because a summary tells too of those whose page_by would come before the next one may
 * go.  Members stay together when it is over, for the rest of their lives: their repeats would be a storm
 * again.
 */
#include "bundle.h"

/* When incidents wanted a first page, ascending; those before `first` are forgotten. */
struct watch {
	int64_t *times;
	size_t first, n, size;
};

void
storm_watch_free(void *arg)
{
	struct watch *w = arg;
	if (w == NULL)
		return;
	free(w->times);
	free(w);
}

static struct watch *
watch_of(struct pb_engine *e, const struct incident *in)
{
	PB_CLEANUP(pb_freep) char *index = bundle_index(in->config, in->escalation, NULL);
	struct watch *w = pb_map_get(e->watches, index);
	if (w == NULL) {
		w = pb_calloc(1, sizeof(*w));
		(void)pb_map_put(e->watches, index, w);
	}
	return w;
}

static void
watch_append(struct watch *w, int64_t at)
{
	if (w->n == w->size && w->first > w->n / 2) {
		w->n -= w->first;
		memmove(w->times, w->times + w->first, w->n * sizeof(*w->times));
		w->first = 0;
	} else if (w->n == w->size) {
		w->size = w->size == 0 ? 64 : w->size * 2;
		w->times = pb_realloc(w->times, w->size * sizeof(*w->times));
	}
	w->times[w->n++] = at;
}

/* Is it one more than `over` within `within`?  The newest are enough to go on with. */
static bool
watch_add(struct watch *w, const struct pb_escalation *esc, int64_t now)
{
	size_t max = (size_t)esc->storm_over;
	while (w->first < w->n && now - w->times[w->first] >= esc->storm_within)
		w->first++;
	bool is_over = w->n - w->first >= max;
	while (w->n - w->first >= max)
		w->first++;
	watch_append(w, now);
	return is_over;
}

/* One that is open for the escalation of this name, whatever its plan: a reload ends no storm. */
static bool
is_storming(const struct pb_engine *e, const char *name)
{
	size_t i = 0;
	const char *index;
	void *value;
	while (pb_map_next(e->storms, &i, &index, &value))
		if (strcmp(bundle_escalation(value)->name, name) == 0)
			return true;
	return false;
}

void
storm_index(struct pb_engine *e, struct bundle *b)
{
	PB_CLEANUP(pb_freep) char *index = bundle_index(b->config, b->escalation, NULL);
	(void)pb_map_put(e->storms, index, b);
}

/*
 * Those paged already belong to it: it is they who made it one, and their repeats are part of it.  Nothing
 * else happens to them in this step, so that the place is recorded here.
 */
static void
join_paged(struct turn *t, struct bundle *b)
{
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		struct incident *in = value;
		if (in->state == INCIDENT_RESOLVED || in->ladder.started_at == 0 ||
		    in->escalation != b->escalation ||
		    strcmp(in->config->digest, b->config->digest) != 0 ||
		    bundle_member(in, b) != NULL)
			continue;
		(void)bundle_join(b, in, 0);
		ladder_put(t, in);
	}
}

static void
begin(struct turn *t, struct incident *in)
{
	const struct pb_escalation *esc = incident_escalation(in);
	char within[PB_TIME_TEXT], every[PB_TIME_TEXT];
	struct bundle *b = bundle_new(t, BUNDLE_STORM, in, "");
	storm_index(t->e, b);
	join_paged(t, b);
	outbox_note(t, &b->out, "storm",
	    "begins: more than %lld incidents of escalation %s wanted a first page within %s; they "
	    "are told by summaries, every %s",
	    (long long)esc->storm_over, esc->name, pb_duration_text(within, esc->storm_within),
	    pb_duration_text(every, esc->storm_every));
}

void
storm_count(struct turn *t, struct incident *in)
{
	struct pb_engine *e = t->e;
	const struct pb_escalation *esc = incident_escalation(in);
	PB_CLEANUP(pb_freep) char *index = bundle_index(in->config, in->escalation, NULL);
	struct bundle *b = pb_map_get(e->storms, index);
	bool is_over = watch_add(watch_of(e, in), esc, t->now);
	if (b == NULL && (is_over || is_storming(e, esc->name))) {
		begin(t, in);
	} else if (b != NULL && is_over && b->renewed_at < t->now) {
		b->renewed_at = t->now;
		bundle_put(t, b);
	}
}

struct bundle *
storm_of(const struct turn *t, const struct incident *in)
{
	for (const struct member *m = in->members; m != NULL; m = m->next_own)
		if (m->bundle->kind == BUNDLE_STORM)
			return m->bundle;
	if (pb_map_len(t->e->storms) == 0)
		return NULL;
	PB_CLEANUP(pb_freep) char *index = bundle_index(in->config, in->escalation, NULL);
	return pb_map_get(t->e->storms, index);
}

int64_t
storm_when(const struct turn *t, const struct bundle *b, const struct incident *in, size_t level,
    bool is_first)
{
	const struct pb_escalation *esc = bundle_escalation(b);
	int64_t sent_at = b->levels[level].sent_at, at = sent_at + esc->storm_every;
	if (sent_at == 0)
		return t->now;
	bool is_news = is_first || in->ladder.owes || in->ladder.state == LADDER_ACKED;
	if (is_first && in->ladder.page_by_at < at)
		at = in->ladder.page_by_at;
	if (is_news && ask_is_open(in)) /* an answer is wanted in time */
		at = t->now;
	if (at < sent_at + esc->storm_within)
		at = sent_at + esc->storm_within;
	return at;
}

void
storm_look_ahead(struct turn *t, struct bundle *b)
{
	int64_t before_at = t->now + bundle_escalation(b)->storm_within;
	size_t i = 0;
	const char *id;
	void *value;
	while (pb_map_next(t->e->incidents, &i, &id, &value)) {
		struct incident *in = value;
		bool is_armed =
		    in->ladder.state == LADDER_ARMED && in->ladder.page_by_at < before_at;
		if ((!is_armed && in->ladder.state != LADDER_GATHERED) || storm_of(t, in) != b)
			continue;
		ladder_input(t, in, is_armed ? LADDER_PAGE : LADDER_DUE,
		    is_armed ? "its page_by comes before the next summary may" : NULL);
		incident_arm(t->e, in);
	}
}

int64_t
storm_calm_at(const struct bundle *b)
{
	if (b->kind != BUNDLE_STORM || b->state != BUNDLE_OPEN)
		return PB_NEVER;
	return b->renewed_at + bundle_escalation(b)->storm_every;
}

void
storm_end(struct turn *t, struct bundle *b)
{
	const struct pb_escalation *esc = bundle_escalation(b);
	char within[PB_TIME_TEXT], every[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep) char *index = bundle_index(b->config, b->escalation, NULL);
	(void)pb_map_del(t->e->storms, index);
	outbox_note(t, &b->out, "storm",
	    "is over: for %s no more than %lld incidents wanted a first page within %s; of %lld "
	    "told %zu are open and go on together",
	    pb_duration_text(every, esc->storm_every), (long long)esc->storm_over,
	    pb_duration_text(within, esc->storm_within), (long long)b->n_joined, b->n_open);
}

/* --- after a restart */

static int
by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* Who wanted a first page lately, as far as their ladders know. */
void
storm_boot(struct turn *t)
{
	size_t i = 0;
	const char *key;
	void *value;
	while (pb_map_next(t->e->incidents, &i, &key, &value)) {
		const struct incident *in = value;
		const struct ladder *l = &in->ladder;
		int64_t at = l->state == LADDER_GATHERED ? l->state_at : l->started_at;
		if (in->state == INCIDENT_RESOLVED ||
		    t->now - at >= incident_escalation(in)->storm_within)
			continue;
		watch_append(watch_of(t->e, in), at);
	}
	for (i = 0; pb_map_next(t->e->watches, &i, &key, &value);) {
		struct watch *w = value;
		qsort(w->times, w->n, sizeof(*w->times), by_time);
	}
}
