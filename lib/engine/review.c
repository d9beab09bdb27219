/*
 * Are procedures looked after?  What is overdue of a playbook's `reviewed`, in words.
 *
 * A drill is due where nothing ran for too long: a run is the best drill there is.
 */
#include "internal.h"

#include "base/json.h"

static void
add_days(struct pb_buf *b, const char *before, int64_t span)
{
	long long days = (long long)(span / PB_DAY);
	pb_buf_addf(b, "%s%lld day%s", before, days, days == 1 ? "" : "s");
}

char *
review_overdue(const struct pb_engine *e, const struct pb_playbook *p, int64_t at)
{
	const struct pb_review *r = &p->reviewed;
	int64_t now = wall_of(e, at);
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	if (r->at == 0)
		return NULL;
	if (r->every_for > 0 && r->at + r->every_for < now) {
		add_days(&b, "reviewed ", now - r->at);
		pb_buf_adds(&b, " ago");
		if (r->by != NULL) {
			pb_buf_adds(&b, " by ");
			pb_buf_add_safe(&b, pb_str_of(r->by), 100, false);
		}
		add_days(&b, ", due every ", r->every_for);
	}
	int64_t ran_at = wall_of(e, guard_ran_at(e, p->name));
	int64_t since = ran_at > r->at ? ran_at : r->at;
	if (r->drill_every_for > 0 && since + r->drill_every_for < now) {
		add_days(&b, b.len > 0 ? "; no run and no drill for " : "no run and no drill for ",
		    now - since);
		add_days(&b, ", due every ", r->drill_every_for);
	}
	return b.len == 0 ? NULL : pb_buf_take(&b);
}

json_t *
pb_engine_overdue_json(const struct pb_engine *e, int64_t now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < e->config->n_playbooks; i++) {
		const struct pb_playbook *p = &e->config->playbooks[i];
		PB_CLEANUP(pb_freep) char *why = review_overdue(e, p, now);
		if (why == NULL)
			continue;
		json_t *j = json_object();
		pb_json_set_str(j, "playbook", p->name);
		pb_json_set_str(j, "owner", p->owner);
		pb_json_set_str(j, "overdue", why);
		json_array_append_new(list, j);
	}
	return list;
}
