/*
 * The http conditions of a verification: asked again and again, one request at a time.
 *
 * A probe is an action like an attempt: committed before it is started, with an id of its own; its
 * record goes when its answer has come, so that a long wait does not fill the store.  It belongs to
 * a step in CHECKING: what leaves that state ends it.  After a restart a condition counts its good
 * answers from none again.
 */
#include "internal.h"

#include "base/json.h"
#include "playbook/template.h"

#define PROBE_LIMIT (10 * PB_SECOND)

static char *
probe_id(const struct incident *in, size_t i, size_t k)
{
	PB_CLEANUP(pb_freep) char *number = step_number(in, in->run.steps[i].probes[k].n);
	return pb_asprintf("%s/%s/c%zu.%s", in->id, run_step_def(in, i)->name, k + 1, number);
}

static bool
is_asked(const struct pb_step *def, size_t k)
{
	return def->conditions[k].url != NULL;
}

void
probe_begin(struct turn *t, struct incident *in, size_t i)
{
	struct step_run *s = &in->run.steps[i];
	for (size_t k = 0; k < s->n_probes; k++)
		if (is_asked(run_step_def(in, i), k))
			s->probes[k] = (struct probe){.next_at = t->now, .n = s->probes[k].n};
}

int64_t
probe_next_at(const struct incident *in, size_t i)
{
	const struct step_run *s = &in->run.steps[i];
	int64_t at = PB_NEVER;
	if (s->probing > 0)
		return s->probe_lost_at;
	for (size_t k = 0; k < s->n_probes; k++)
		if (is_asked(run_step_def(in, i), k) && s->probes[k].next_at < at)
			at = s->probes[k].next_at;
	return at;
}

bool
probe_all_good(const struct incident *in, size_t i)
{
	const struct pb_step *def = run_step_def(in, i);
	for (size_t k = 0; k < def->n_conditions; k++)
		if (is_asked(def, k) && in->run.steps[i].probes[k].good < def->conditions[k].times)
			return false;
	return true;
}

void
probe_end(struct turn *t, struct incident *in, size_t i)
{
	struct step_run *s = &in->run.steps[i];
	if (s->probing == 0)
		return;
	PB_CLEANUP(pb_freep) char *id = probe_id(in, i, s->probing - 1);
	s->probing = 0;
	pb_update_cancel(t->u, id);
	pb_update_drop(t->u, PB_REC_ACTION, id);
}

static json_t *
probe_spec(struct turn *t, const struct incident *in, size_t i, size_t k, struct pb_error *err)
{
	const struct pb_condition *c = &run_step_def(in, i)->conditions[k];
	PB_JSON json_t *context = context_build(t->e, in, t->now);
	PB_CLEANUP(pb_freep) char *url = NULL;
	if (http_url(c->url, context, &url, err) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I}", "driver", "http", "method", "GET", "url",
	    url, "status", (json_int_t)c->status, "effect", "read", "capture", (json_int_t)4096);
}

/* Not while the daemon drains or cannot write: it looks again later. */
static void
ask(struct turn *t, struct incident *in, size_t i, size_t k)
{
	const struct pb_step *def = run_step_def(in, i);
	struct step_run *s = &in->run.steps[i];
	struct probe *p = &s->probes[k];
	struct pb_error err = {0};
	p->next_at = t->now + def->conditions[k].every;
	if (t->e->is_draining || t->e->is_degraded) {
		step_put(t, in, i);
		return;
	}
	PB_JSON json_t *spec = probe_spec(t, in, i, k, &err);
	if (spec == NULL) {
		incident_note(t, in, def->name, "verify", "cannot ask: %s", err.text);
		step_put(t, in, i);
		return;
	}
	p->n++;
	s->probing = k + 1;
	s->probe_lost_at = t->now + PROBE_LIMIT + PB_OUTCOME_GRACE;
	PB_CLEANUP(pb_freep) char *id = probe_id(in, i, k);
	step_put(t, in, i);
	pb_update_put(t->u, PB_REC_ACTION, id, in->id, "started",
	    json_pack("{s:s, s:O, s:I}", "step", def->name, "spec", spec, "limit_for",
		(json_int_t)PROBE_LIMIT));
	pb_update_start(t->u, id, in->id, false, PROBE_LIMIT, spec);
}

static void
answered(struct turn *t, struct incident *in, size_t i, size_t k, const char *error)
{
	const struct pb_step *def = run_step_def(in, i);
	struct probe *p = &in->run.steps[i].probes[k];
	int64_t times = def->conditions[k].times, before = p->good;
	p->good = error != NULL ? 0 : before < times ? before + 1 : times;
	if (error != NULL && (before > 0 || p->n == 1))
		incident_note(t, in, def->name, "verify", "condition %zu: %s", k + 1, error);
	else if (error == NULL && before < times && p->good == times)
		incident_note(t, in, def->name, "verify", "condition %zu: %lld good answer%s",
		    k + 1, (long long)times, times == 1 ? "" : "s in a row");
	step_put(t, in, i);
}

void
probe_due(struct turn *t, struct incident *in)
{
	size_t i = in->run.step;
	struct step_run *s = run_current(in);
	if (s == NULL || s->state != STEP_CHECKING || probe_next_at(in, i) > t->now)
		return;
	if (s->probing > 0) {
		size_t k = s->probing - 1;
		probe_end(t, in, i);
		answered(t, in, i, k, "no answer came");
		step_check(t, in);
	}
	for (size_t k = 0; k < s->n_probes; k++)
		if (is_asked(run_step_def(in, i), k) && s->probes[k].next_at <= t->now) {
			ask(t, in, i, k);
			break;
		}
}

bool
probe_outcome(struct turn *t, struct incident *in, const struct pb_outcome *o)
{
	size_t i = in->run.step;
	struct step_run *s = run_current(in);
	if (s == NULL || s->state != STEP_CHECKING || s->probing == 0)
		return false;
	size_t k = s->probing - 1;
	PB_CLEANUP(pb_freep) char *id = probe_id(in, i, k);
	if (strcmp(id, o->action_id) != 0)
		return false;
	s->probing = 0;
	pb_update_drop(t->u, PB_REC_ACTION, id);
	PB_CLEANUP(pb_freep)
	char *why =
	    pb_asprintf("%s%s%s", o->error == NULL || o->error[0] == '\0' ? "failed" : o->error,
		o->message == NULL || o->message[0] == '\0' ? "" : ": ",
		o->message == NULL ? "" : o->message);
	char safe[512];
	answered(t, in, i, k,
	    o->status == PB_OUTCOME_OK ? NULL : pb_safe(safe, sizeof(safe), pb_str_of(why)));
	step_check(t, in);
	probe_due(t, in);
	return true;
}

/* After a restart: nobody knows what the last answer was. */
void
probe_interrupted(struct turn *t, struct incident *in, size_t i)
{
	if (in->run.steps[i].n_probes == 0)
		return;
	probe_end(t, in, i);
	probe_begin(t, in, i);
	step_put(t, in, i);
	probe_due(t, in);
}

json_t *
probe_json(const struct step_run *s)
{
	json_t *list = json_array();
	for (size_t k = 0; k < s->n_probes; k++)
		json_array_append_new(list,
		    json_pack("{s:I, s:I, s:I}", "next_at", (json_int_t)s->probes[k].next_at,
			"good", (json_int_t)s->probes[k].good, "n", (json_int_t)s->probes[k].n));
	return list;
}

void
probe_restore(struct step_run *s, const json_t *body)
{
	for (size_t k = 0; k < s->n_probes; k++) {
		const json_t *j = json_array_get(pb_json_get(body, "probes"), k);
		s->probes[k] = (struct probe){.next_at = pb_json_i64(j, "next_at", 0),
		    .good = pb_json_i64(j, "good", 0),
		    .n = pb_json_i64(j, "n", 0)};
	}
	int64_t probing = pb_json_i64(body, "probing", 0);
	s->probing = probing > 0 && (size_t)probing <= s->n_probes ? (size_t)probing : 0;
	s->probe_lost_at = pb_json_i64(body, "probe_lost_at", 0);
}
