/*
 * What the engine tells of those that are open, between steps.
 */
#include "bundle.h"

#include "base/json.h"

json_t *
pb_engine_counts_json(const struct pb_engine *e)
{
	json_t *by_incident = json_object(), *by_ladder = json_object();
	for (size_t s = INCIDENT_NEW + 1; s < INCIDENT_RESOLVED; s++)
		pb_json_set_i64(by_incident, incident_state_name((enum incident_state)s),
		    (int64_t)e->n_in_state[s]);
	for (size_t s = LADDER_NONE + 1; s < LADDER_CLOSED; s++)
		pb_json_set_i64(
		    by_ladder, ladder_state_name((enum ladder_state)s), (int64_t)e->n_in_ladder[s]);
	return json_pack("{s:o, s:o, s:I, s:I}", "incident", by_incident, "ladder", by_ladder,
	    "stops", (json_int_t)pb_map_len(e->controls), "silences",
	    (json_int_t)pb_map_len(e->silences));
}

json_t *
pb_engine_incident_json(const struct pb_engine *e, const char *id, int64_t now)
{
	struct incident *in = pb_map_get(e->incidents, id);
	if (in == NULL || in->state == INCIDENT_RESOLVED)
		return NULL;
	json_t *j = incident_json(in);
	const struct step_run *s = run_current(in);
	pb_json_set_str(j, "state", incident_state_name(in->state));
	pb_json_set_i64(j, "age", now - in->opened_at);
	const struct pb_playbook *p = incident_playbook(in);
	PB_CLEANUP(pb_freep)
	char *overdue = p == NULL ? NULL : review_overdue(e, p, now);
	pb_json_set_str(j, "overdue", overdue);
	pb_json_set_str(j, "ladder", ladder_state_name(in->ladder.state));
	pb_json_set_i64(j, "ladder_next_at", in->ladder.next_at);
	pb_json_set_i64(j, "page_by_at", in->ladder.page_by_at);
	pb_json_set_str(j, "acked_by", in->ladder.acked_by);
	bundle_set_names(in, j);
	int64_t until;
	PB_CLEANUP(pb_freep) char *held = hush_why(e, in, now, &until);
	pb_json_set_str(j, "held", in->ladder.state == LADDER_HELD ? in->ladder.held : held);
	json_t *informed = inform_json(in);
	if (informed != NULL)
		json_object_set_new(j, "inform", informed);
	if (in->state == INCIDENT_PROPOSED || ask_step(in) != PB_NONE) {
		bool is_plan = in->state == INCIDENT_PROPOSED;
		pb_json_set_str(j, "asks", is_plan ? "plan" : run_step_def(in, in->run.step)->name);
		pb_json_set_i64(j, "asks_until", is_plan ? in->wait_until : s->next_at);
	}
	if (s != NULL) {
		pb_json_set_str(j, "step", run_step_def(in, in->run.step)->name);
		pb_json_set_str(j, "step_state", step_state_name(s->state));
	}
	return j;
}
