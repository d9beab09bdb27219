/*
 * Maintenance windows that are open, and when each was open last.
 *
 *	no window, over -> open	[begin] the configuration's calendar says so, and not for what is over
 *	open -> open		[take_end] a reload gave it another end, the wall clock an earlier one
 *	open -> over		[end] its end has come, or the calendar has it not now
 *	open, over -> no window	[end, look_at_one] the configuration has it no more
 *
 * The calendar goes by the wall clock.  An open window is a record with its own end in durable time, so
 * that a restart finds it and no clock that is set back makes it longer; one that is over is remembered,
 * so that such a clock does not open it again for the same time.  A clock set forward ends it.  It
 * belongs to the configuration in force, not to the plans of incidents: to end one early, change it
 * and reload.  What was kept quiet and is open at the end is paged then (hush_release); what recovered in
 * it is told in one summary.
 *
 * A run that is under way when a window opens goes on: half a remediation is worse than one at a bad
 * time.
 */
#include "bundle.h"

#include "base/json.h"

#define QUIET_MAX 200

static void
quiet_free(struct quiet *q)
{
	free(q->incident);
	free(q->title);
	free(q->escalation);
	free(q->cause);
}

static void
forget_quiet(struct window *w)
{
	for (size_t i = 0; i < w->n_quiet; i++)
		quiet_free(&w->quiet[i]);
	free(PB_TAKE(w->quiet));
	w->n_quiet = 0;
	w->n_more = 0;
}

void
window_free(void *arg)
{
	struct window *w = arg;
	if (w == NULL)
		return;
	forget_quiet(w);
	free(w->name);
	free(w->owner);
	free(w);
}

/* --- the record */

static json_t *
quiet_json(const struct quiet *q)
{
	json_t *j = json_object();
	pb_json_set_str(j, "incident", q->incident);
	pb_json_set_str(j, "title", q->title);
	pb_json_set_str(j, "escalation", q->escalation);
	pb_json_set_str(j, "cause", q->cause);
	pb_json_set_i64(j, "opened_at", q->opened_at);
	pb_json_set_i64(j, "resolved_at", q->resolved_at);
	return j;
}

static void
put(struct turn *t, const struct window *w)
{
	json_t *j = json_object(), *quiet = json_array();
	for (size_t i = 0; i < w->n_quiet; i++)
		json_array_append_new(quiet, quiet_json(&w->quiet[i]));
	pb_json_set_i64(j, "from", w->from_wall);
	pb_json_set_i64(j, "until", w->until_at);
	pb_json_set_i64(j, "until_wall", w->until_wall);
	pb_json_set_str(j, "owner", w->owner);
	json_object_set_new(j, "tells_recovered", json_boolean(w->tells_recovered));
	pb_json_set_i64(j, "n_more", w->n_more);
	json_object_set_new(j, "quiet", quiet);
	pb_update_put(t->u, PB_REC_WINDOW, w->name, "", w->is_over ? "over" : "open", j);
}

static void
add_quiet(struct window *w, struct quiet q)
{
	w->quiet = pb_realloc(w->quiet, (w->n_quiet + 1) * sizeof(*w->quiet));
	w->quiet[w->n_quiet++] = q;
}

void
window_restore(struct pb_engine *e, const struct pb_record *r)
{
	struct window *w = pb_calloc(1, sizeof(*w));
	size_t i;
	const json_t *j;
	w->name = pb_strdup(r->key);
	w->from_wall = pb_json_i64(r->body, "from", r->at);
	w->until_at = pb_json_i64(r->body, "until", r->at);
	w->until_wall = pb_json_i64(r->body, "until_wall", w->until_at);
	w->is_over = pb_streq(r->state, "over");
	w->owner = pb_strdup(pb_json_str(r->body, "owner"));
	w->tells_recovered = pb_json_bool(r->body, "tells_recovered", true);
	w->n_more = pb_json_i64(r->body, "n_more", 0);
	json_array_foreach (json_object_get(r->body, "quiet"), i, j)
		add_quiet(w,
		    (struct quiet){
			.incident = pb_strdup(pb_json_str_or(j, "incident", "")),
			.title = pb_strdup(pb_json_str_or(j, "title", "")),
			.escalation = pb_strdup(pb_json_str_or(j, "escalation", "")),
			.cause = pb_strdup(pb_json_str_or(j, "cause", "")),
			.opened_at = pb_json_i64(j, "opened_at", 0),
			.resolved_at = pb_json_i64(j, "resolved_at", 0),
		    });
	window_free(pb_map_put(e->windows, r->key, w));
}

/* --- what it keeps quiet */

/* Of those that are open and fit, the one that ends last. */
static struct window *
window_of(const struct pb_engine *e, const struct incident *in, bool blocks, bool holds)
{
	struct window *best = NULL;
	size_t i = 0;
	const char *name;
	void *value;
	while (pb_map_next(e->windows, &i, &name, &value)) {
		struct window *w = value;
		if (w->def == NULL || w->is_over || (blocks && !w->def->blocks_remediation) ||
		    (holds && !w->def->holds_pages) ||
		    (best != NULL && w->until_at <= best->until_at))
			continue;
		if (fits_window(e, in->event, w->def))
			best = w;
	}
	return best;
}

static char *
words(const struct pb_engine *e, const struct window *w)
{
	char until[PB_TIME_TEXT], owner[128];
	return pb_asprintf("maintenance %s until %s%s%s%s", w->name,
	    pb_time_rfc3339(until, wall_of(e, w->until_at)), w->owner == NULL ? "" : " (owner ",
	    w->owner == NULL ? "" : pb_safe(owner, sizeof(owner), pb_str_of(w->owner)),
	    w->owner == NULL ? "" : ")");
}

char *
maintenance_blocks(const struct pb_engine *e, const struct incident *in)
{
	const struct window *w = window_of(e, in, true, false);
	if (w == NULL)
		return NULL;
	PB_CLEANUP(pb_freep) char *by = words(e, w);
	return pb_asprintf("remediation is blocked by %s", by);
}

char *
maintenance_holds(const struct pb_engine *e, const struct incident *in, int64_t *ret_until)
{
	const struct window *w = window_of(e, in, false, true);
	if (w == NULL)
		return NULL;
	*ret_until = w->until_at;
	return words(e, w);
}

void
maintenance_incident_closed(struct turn *t, const struct incident *in)
{
	struct window *w = window_of(t->e, in, false, false);
	/* Whoever was paged is told by a notice. */
	if (w == NULL || in->out.first != NULL || bundle_has_told(in) ||
	    (wall_of(t->e, in->opened_at) < w->from_wall && in->ladder.state != LADDER_HELD))
		return;
	if (w->n_quiet == QUIET_MAX) {
		w->n_more++;
	} else {
		add_quiet(w,
		    (struct quiet){
			.incident = pb_strdup(in->id),
			.title = pb_strdup(incident_title(in)),
			.escalation = pb_strdup(incident_escalation(in)->name),
			.cause = pb_strdup(in->cause),
			.opened_at = in->opened_at,
			.resolved_at = t->now,
		    });
	}
	put(t, w);
}

/* --- the summary */

static void
add_quiet_line(const struct turn *t, struct pb_buf *b, const struct quiet *q)
{
	char from[PB_TIME_TEXT], to[PB_TIME_TEXT];
	pb_buf_addf(b, "  %s  %s to %s  ", q->incident,
	    pb_time_clock(from, wall_of(t->e, q->opened_at)),
	    pb_time_clock(to, wall_of(t->e, q->resolved_at)));
	pb_buf_add_safe(b, pb_str_of(q->title), 200, false);
	pb_buf_addf(b, ": %s\n", q->cause);
}

static char *
summary_body(const struct turn *t, const struct window *w, const char *escalation, const char *id,
    size_t n_open)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_CAPPED(64 * 1024);
	char from[PB_TIME_TEXT], to[PB_TIME_TEXT];
	pb_buf_addf(&b, "MAINTENANCE %s is over, it was open from %s to %s\n", w->name,
	    pb_time_rfc3339(from, w->from_wall), pb_time_rfc3339(to, wall_of(t->e, t->now)));
	if (w->owner != NULL) {
		pb_buf_adds(&b, "OWNER   ");
		pb_buf_add_safe(&b, pb_str_of(w->owner), 100, false);
		pb_buf_addc(&b, '\n');
	}
	pb_buf_adds(&b, "\nRecovered in it, and nobody was paged (UTC):\n");
	for (size_t i = 0; i < w->n_quiet; i++)
		if (pb_streq(w->quiet[i].escalation, escalation))
			add_quiet_line(t, &b, &w->quiet[i]);
	if (w->n_more > 0)
		pb_buf_addf(
		    &b, "  and %lld more, see playbookctl incidents\n", (long long)w->n_more);
	if (n_open > 0)
		pb_buf_addf(&b,
		    "\n%zu that it kept quiet %s open still and told apart from this.\n", n_open,
		    n_open == 1 ? "is" : "are");
	pb_buf_addf(&b, "\nfrom playbookd on %s, page id %s\n", t->e->host, id);
	return pb_buf_take(&b);
}

struct summary {
	const struct window *window;
	const struct pb_escalation *escalation;
	size_t n, n_open;
};

static void
send_summary(struct turn *t, const struct summary *s, const struct pb_contact *to,
    const struct pb_channel *ch)
{
	char at[PB_TIME_TEXT];
	const struct window *w = s->window;
	PB_CLEANUP(pb_freep) char *about = pb_asprintf("maintenance/%s", w->name);
	PB_CLEANUP(pb_freep) char *id = NULL;
	id = pb_asprintf("%s/%s/%s/%s@%s", about, pb_time_basic(at, w->from_wall),
	    s->escalation->name, to->name, ch->name);
	PB_CLEANUP(pb_freep) char *way = pb_asprintf("summary to %s by %s", to->name, ch->name);
	PB_CLEANUP(pb_freep) char *line = NULL;
	line = pb_asprintf("[maintenance over] %s: %zu recovered", w->name, s->n);
	PB_CLEANUP(pb_freep) char *subject = page_subject_of(line);
	PB_CLEANUP(pb_freep)
	char *body = summary_body(t, w, s->escalation->name, id, s->n_open);
	const struct message m = {
	    .kind = "maintenance",
	    .id = id,
	    .incident = about,
	    .recipient = to->name,
	    .subject = subject,
	    .body = body,
	};
	pb_update_note(t->u, "", "", "", "maintenance", "%s: summary of %zu to %s by %s", w->name,
	    s->n, to->name, ch->name);
	post_send(t, "", way, &m, ch, to);
}

/* To those who would have been paged first. */
static void
summarise(struct turn *t, const struct summary *s)
{
	const struct pb_config *c = t->e->config;
	const struct pb_level *l = &s->escalation->levels[0];
	struct people p = people_on_call(c, l, wall_of(t->e, t->now));
	for (size_t i = 0; i < p.n; i++)
		for (size_t k = 0; k < l->n_via; k++)
			send_summary(t, s, &c->contacts[p.contacts[i]], &c->channels[l->via[k]]);
	free(p.contacts);
}

static size_t
count_quiet(const struct window *w, const char *escalation)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_quiet; i++)
		n += pb_streq(w->quiet[i].escalation, escalation);
	return n;
}

static void
summarise_all(struct turn *t, const struct window *w, size_t n_open)
{
	const struct pb_config *c = t->e->config;
	size_t n_told = 0;
	for (size_t i = 0; i < c->n_escalations; i++) {
		const struct pb_escalation *esc = &c->escalations[i];
		const struct summary s = {w, esc, count_quiet(w, esc->name), n_open};
		n_told += s.n;
		if (s.n > 0)
			summarise(t, &s);
	}
	if (n_told < w->n_quiet)
		pb_update_note(t->u, "", "", "", "maintenance",
		    "%s: %zu that recovered in it are in no summary: the configuration has their "
		    "escalations no more",
		    w->name, w->n_quiet - n_told);
}

/* --- opening and closing */

/* Once that a window is open, by its calendar. */
struct hours {
	int64_t from_wall, until_wall;
};

static bool
is_open_now(const struct turn *t, const struct pb_maintenance *def, struct hours *ret)
{
	return pb_maintenance_is_open(
	    def, wall_of(t->e, t->now), &ret->from_wall, &ret->until_wall);
}

static size_t
count_held(const struct pb_engine *e, const struct window *w)
{
	size_t n = 0, i = 0;
	const char *id;
	void *value;
	PB_CLEANUP(pb_freep) char *by = words(e, w);
	while (pb_map_next(e->incidents, &i, &id, &value)) {
		const struct incident *in = value;
		n += in->ladder.state == LADDER_HELD && pb_streq(in->ladder.held, by);
	}
	return n;
}

static void
end(struct turn *t, struct window *w, const char *why)
{
	size_t n_open = count_held(t->e, w);
	pb_update_note(t->u, "", "", "", "maintenance",
	    "%s %s; %zu that it kept quiet recovered, %zu %s open still and told now", w->name, why,
	    w->n_quiet + (size_t)w->n_more, n_open, n_open == 1 ? "is" : "are");
	if (w->tells_recovered)
		summarise_all(t, w, n_open);
	forget_quiet(w);
	w->is_over = true;
	put(t, w);
	t->e->is_hush_over = true;
}

static void
begin(struct turn *t, const struct pb_maintenance *def, struct hours h)
{
	char until[PB_TIME_TEXT], owner[128];
	struct window *w = pb_calloc(1, sizeof(*w));
	w->name = pb_strdup(def->name);
	w->owner = pb_strdup(def->owner);
	w->from_wall = h.from_wall;
	w->until_wall = h.until_wall;
	w->until_at = durable_of(t->e, h.until_wall);
	w->tells_recovered = def->tells_recovered;
	w->def = def;
	window_free(pb_map_put(t->e->windows, w->name, w));
	put(t, w);
	wake_all_inhibited(t->e);
	pb_update_note(t->u, "", "", "", "maintenance", "%s is open until %s%s%s: %s%s%s", w->name,
	    pb_time_rfc3339(until, h.until_wall), w->owner == NULL ? "" : ", owner ",
	    w->owner == NULL ? "" : pb_safe(owner, sizeof(owner), pb_str_of(w->owner)),
	    def->blocks_remediation ? "nothing is remediated" : "",
	    def->blocks_remediation && def->holds_pages ? " and " : "",
	    def->holds_pages ? "nobody is paged" : "");
}

static void
forget(struct turn *t, const char *name, struct window *w)
{
	pb_update_drop(t->u, PB_REC_WINDOW, w->name);
	(void)pb_map_del(t->e->windows, name);
	window_free(w);
}

static const struct pb_maintenance *
find(const struct pb_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_maintenance; i++)
		if (pb_streq(c->maintenance[i].name, name))
			return &c->maintenance[i];
	return NULL;
}

static void
take_end(struct turn *t, struct window *w, struct hours h)
{
	char until[PB_TIME_TEXT];
	const struct pb_maintenance *def = w->def;
	int64_t until_at = durable_of(t->e, h.until_wall);
	if (h.until_wall == w->until_wall && until_at > w->until_at)
		until_at = w->until_at; /* only the wall clock was set back */
	if (w->until_at == until_at && w->tells_recovered == def->tells_recovered &&
	    pb_streq(w->owner, def->owner))
		return;
	char *owner = pb_strdup(def->owner);
	free(w->owner);
	w->owner = owner;
	w->tells_recovered = def->tells_recovered;
	w->from_wall = h.from_wall;
	w->until_wall = h.until_wall;
	w->until_at = until_at;
	put(t, w);
	pb_update_note(t->u, "", "", "", "maintenance", "%s is open until %s now", w->name,
	    pb_time_rfc3339(until, wall_of(t->e, w->until_at)));
	t->e->is_hush_over = true;
}

/* What the configuration in force says of one that is open or was. */
static void
look_at_one(struct turn *t, const char *name, struct window *w, bool is_clock_set)
{
	struct hours h;
	w->def = find(t->e->config, name);
	if (w->is_over && w->def != NULL)
		return;
	if (w->is_over)
		forget(t, name, w);
	else if (w->until_at <= t->now)
		end(t, w, "is over");
	else if (w->def == NULL)
		end(t, w, "is not in the configuration any more, so it is over");
	else if (!is_open_now(t, w->def, &h))
		end(t, w,
		    is_clock_set ? "is not open by the wall clock any more, so it is over"
				 : "is not open by its new calendar, so it is over");
	else
		take_end(t, w, h);
	if (w->is_over && w->def == NULL)
		forget(t, name, w);
}

static int64_t
open_or_wait(struct turn *t, const struct pb_maintenance *def)
{
	const struct window *w = pb_map_get(t->e->windows, def->name);
	struct hours h;
	bool is_now = is_open_now(t, def, &h);
	bool was_open = is_now && w != NULL && w->is_over && w->from_wall == h.from_wall &&
	    w->until_wall == h.until_wall;
	if (is_now && !was_open && (w == NULL || w->is_over))
		begin(t, def, h);
	w = pb_map_get(t->e->windows, def->name);
	if (w != NULL && !w->is_over)
		return w->until_at;
	return durable_of(t->e, pb_maintenance_next_at(def, wall_of(t->e, t->now)));
}

/* What was held back looks again when all windows have been looked at: another one may hold it. */
static void
look(struct turn *t, bool is_clock_set)
{
	struct pb_engine *e = t->e;
	size_t i = 0;
	const char *name;
	void *value;
	e->is_hush_over = false;
	while (pb_map_next(e->windows, &i, &name, &value))
		look_at_one(t, name, value, is_clock_set);
	e->maintenance_at = PB_NEVER;
	for (i = 0; i < e->config->n_maintenance; i++) {
		int64_t at = open_or_wait(t, &e->config->maintenance[i]);
		if (at < e->maintenance_at)
			e->maintenance_at = at;
	}
	if (e->is_hush_over)
		hush_release(t);
}

void
maintenance_look(struct turn *t)
{
	look(t, false);
}

void
maintenance_clock_set(struct turn *t)
{
	look(t, true);
}

/* A window that never opens again is a wish that nobody keeps: say so once, with the configuration. */
void
maintenance_note_expired(struct turn *t)
{
	const struct pb_config *c = t->e->config;
	for (size_t i = 0; i < c->n_maintenance; i++) {
		const struct pb_maintenance *m = &c->maintenance[i];
		const struct window *w = pb_map_get(t->e->windows, m->name);
		if ((w == NULL || w->is_over) &&
		    pb_maintenance_next_at(m, wall_of(t->e, t->now)) == PB_NEVER)
			pb_update_note(t->u, "", "", "", "maintenance",
			    "%s has expired: it does not open any more", m->name);
	}
}

void
maintenance_due(struct turn *t)
{
	if (t->e->maintenance_at <= t->now)
		maintenance_look(t);
}

json_t *
pb_engine_maintenance_json(const struct pb_engine *e, int64_t now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < e->config->n_maintenance; i++) {
		const struct pb_maintenance *m = &e->config->maintenance[i];
		const struct window *w = pb_map_get(e->windows, m->name);
		int64_t next_at = pb_maintenance_next_at(m, wall_of(e, now));
		bool is_open = w != NULL && !w->is_over;
		json_t *j = json_object();
		pb_json_set_str(j, "name", m->name);
		pb_json_set_str(j, "state",
		    is_open                   ? "open"
			: next_at == PB_NEVER ? "expired"
					      : "closed");
		pb_json_set_str(j, "owner", m->owner);
		json_object_set_new(j, "blocks_remediation", json_boolean(m->blocks_remediation));
		json_object_set_new(j, "holds_pages", json_boolean(m->holds_pages));
		if (is_open) {
			pb_json_set_i64(j, "from", w->from_wall);
			pb_json_set_i64(j, "until", wall_of(e, w->until_at));
		}
		if (next_at != PB_NEVER)
			pb_json_set_i64(j, "next", next_at);
		json_array_append_new(list, j);
	}
	return list;
}
